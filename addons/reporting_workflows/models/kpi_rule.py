"""Automation rules of Odoo that have KPIs measured again.

Rules, in words
---------------
* An order that is confirmed, goods that move, a purchase that changes, a bill that is posted and an exception of a
  delivery set off a rule each. As they come along, they mark the KPIs that count such documents.
* They are set off once, at the end of the transaction, and once by each document. Odoo's own triggers would look at
  every write of every document, which costs more than the whole mark; ours patches nothing.
* A rule that does nothing but mark costs no query: its marks go with the one insert of all. What an administrator
  adds – conditions, other actions – runs as Odoo runs every rule: as the system, in the transaction of whoever set it
  off, which an error takes back.
* What a rule of ours stands for marks nothing while the rule is off or gone. What no rule of ours stands for always
  marks: a KPI of another addon needs no rule.
* A document on which a rule acted inside a savepoint that was taken back does not set it off again in the same
  transaction.
"""

from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

ON_KPIS = "on_kpi_documents"
MARK_KPIS = "distribution_mark_kpis"
#: ``{kind of document: kind of document of the rule that stands for it}``: the rules that come along.
STANDS_FOR = {
    "sale.order": "sale.order",
    "stock.move": "stock.move",
    "stock.picking": "stock.move",
    "purchase.order": "purchase.order",
    "account.move": "account.move",
    "distribution.case": "distribution.case",
}
#: What documents may set off in turn, in one transaction.
MOST_ROUNDS = 100
#: Of the context of whoever set a rule off: the rest was meant for what they did.
_KEPT_CONTEXT = ("lang", "tz", "allowed_company_ids")
_ACTED_ON = "distribution.kpi.rule.acted_on"


def marked_with(model):
    """Kinds of documents that are marked when documents of ``model`` are."""
    return [kind for kind, ruling in STANDS_FOR.items() if ruling == model] or [model]


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _counted_models(self):
        """Kinds of documents that some KPI may count."""
        return {model for source in self._sources().values() for model in source.touched if model in self.env}

    @api.model
    def _kpis_marked_by(self, model):
        """KPIs in force that are measured anew when documents of ``model`` change."""
        sources, marked = self._sources(), set(marked_with(model))
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        return kpis.filtered(lambda kpi: kpi.source in sources and marked & set(sources[kpi.source].touched))


class BaseAutomation(models.Model):
    _inherit = "base.automation"

    trigger = fields.Selection(selection_add=[(ON_KPIS, "What KPIs count has changed")], ondelete={ON_KPIS: "cascade"})
    model_is_counted = fields.Boolean("Counted by KPIs", compute="_compute_model_is_counted")
    marked_kpi_count = fields.Integer("KPIs", compute="_compute_marked_kpi_count")

    @api.depends("model_id")
    def _compute_model_is_counted(self):
        counted = self.env["distribution.kpi.source"]._counted_models()
        for rule in self:
            rule.model_is_counted = rule.model_id.model in counted

    @api.depends("model_id", "trigger", "action_server_ids.state")
    def _compute_marked_kpi_count(self):
        for rule in self:
            # sudo: who administers rules need not be allowed to read KPIs
            rule.marked_kpi_count = len(rule.sudo()._marked_kpis())

    @api.constrains("trigger", "model_id", "filter_pre_domain")
    def _check_trigger_on_kpis(self):
        for rule in self.filtered(lambda rule: rule.trigger == ON_KPIS):
            if not rule.model_is_counted:
                raise ValidationError(
                    _(
                        "Trigger: no KPI counts “%(model)s”. KPIs count: %(counted)s.",
                        model=rule.model_id.name,
                        counted=rule._counted_names(),
                    )
                )
            if rule.filter_pre_domain:
                raise ValidationError(
                    _("Before Update Domain: “%s” acts when the work is done. Use Apply on instead.", rule.name)
                )

    def _counted_names(self):
        counted = self.env["distribution.kpi.source"]._counted_models()
        return ", ".join(sorted(self.env["ir.model"]._get(model).name for model in counted))

    def _marked_kpis(self):
        """KPIs that this rule has measured anew."""
        marks = self.trigger == ON_KPIS and MARK_KPIS in self.sudo().action_server_ids.mapped("state")
        sources = self.env["distribution.kpi.source"]
        return sources._kpis_marked_by(self.model_id.model) if marks else self.env["distribution.kpi"]

    def action_open_marked_kpis(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("reporting_workflows.action_kpi")
        return {**action, "domain": [("id", "in", self._marked_kpis().ids)], "context": {"create": False}}

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        rules._forget_rules_on_kpis()
        return rules

    def write(self, vals):
        ours = self.filtered(lambda rule: rule.trigger == ON_KPIS)
        result = super().write(vals)
        (ours | self)._forget_rules_on_kpis()
        return result

    def unlink(self):
        self._forget_rules_on_kpis()
        return super().unlink()

    def _forget_rules_on_kpis(self):
        """A timed rule is written whenever it is looked at: this must not empty the caches of all workers."""
        if any(rule.trigger == ON_KPIS for rule in self):
            self.env.registry.clear_cache()

    # ------------------------------------------------------------------
    # What sets them off
    # ------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _rules_on_kpis(self):
        """``{kind of document: [(rule id, whether it does nothing but mark)]}`` of the rules that are on.

        A change to an action empties the cache, too: Odoo's own actions see to it.
        """
        found = {}
        # sudo: asked at the end of everybody's transactions
        for rule in self.sudo().with_context(active_test=True).search([("trigger", "=", ON_KPIS)], order="id"):
            if rule.action_server_ids:
                found.setdefault(rule.model_name, []).append((rule.id, rule._only_marks()))
        return found

    def _only_marks(self):
        return (
            (self.filter_domain or "[]").strip() == "[]"
            and not self.filter_pre_domain
            and all(action.state == MARK_KPIS and not action.groups_id for action in self.action_server_ids)
        )

    @api.model
    def _set_off_on_kpis(self, noted):
        """Set off what the noted documents set off; returns the marks of those documents.

        :param noted: :class:`~.kpi_current.Noted`
        """
        rules = self._rules_on_kpis()
        changed = {model for _company, model in noted.changed}
        changed |= {STANDS_FOR[model] for model in changed if model in STANDS_FOR}
        set_off = [(rule_id, model, only) for model in changed for rule_id, only in rules.get(model, ())]
        for rule_id, model, only_marks in sorted(set_off):
            if only_marks:
                # sudo: whoever sets a rule off needs no right to the register
                self.env["distribution.automation.rule.outcome"].sudo()._note(self.browse(rule_id))
            else:
                self._act_on_kpi_documents(rule_id, self._noted_documents(model, noted))
        marking = {model for model in rules if any(only_marks for _rule_id, only_marks in rules[model])}
        return {mark for mark in noted.changed if STANDS_FOR.get(mark[1]) in (None, *marking)}

    def _act_on_kpi_documents(self, rule_id, documents):
        """Run a rule as Odoo does, on those documents on which it did not act in this transaction."""
        context = {name: self.env.context[name] for name in _KEPT_CONTEXT if name in self.env.context}
        env = self.env(context={**context, "__action_done": {}})
        acted_on = env.cr.postcommit.data.setdefault(_ACTED_ON, {}).setdefault(rule_id, set())
        documents = documents.with_env(env).filtered(lambda document: document.id not in acted_on)
        rule = env["base.automation"].browse(rule_id)
        # What a condition refers to may be gone or misspelt: the rule is named, as when an action fails.
        try:
            documents, domain = rule._filter_post_export_domain(documents)
        except Exception as error:
            rule._add_postmortem(error)
            # sudo: see above
            env["distribution.automation.rule.outcome"].sudo()._note(rule, error)
            raise
        if documents:
            acted_on.update(documents.ids)
            rule._process(documents, domain_post=domain)

    @api.model
    def _noted_documents(self, model, noted):
        """Those of ``model`` that were noted and are still there; goods and their transfers stand for each other."""
        documents = {
            kind: self.env[kind].browse(sorted(record_id for record_id in ids if isinstance(record_id, int))).exists()
            for kind, ids in noted.ids.items()
            if kind in ({model, "stock.move", "stock.picking"} if model in ("stock.move", "stock.picking") else {model})
        }
        found = documents.get(model, self.env[model])
        # sudo: who moves goods in one company need not be allowed to read the transfer of another
        if model == "stock.move" and "stock.picking" in documents:
            found |= documents["stock.picking"].sudo().move_ids.with_env(self.env)
        if model == "stock.picking" and "stock.move" in documents:
            found |= documents["stock.move"].sudo().picking_id.with_env(self.env)
        return found

    def _went_round(self):
        """Rules set each other off without end."""
        raise UserError(
            _(
                "The automation rules on “%(trigger)s” set each other off more than %(number)s times. "
                "Switch off the one that changes documents again and again.",
                trigger=dict(self._fields["trigger"]._description_selection(self.env))[ON_KPIS],
                number=MOST_ROUNDS,
            )
        )


class DistributionAutomation(models.Model):
    _inherit = "distribution.automation"

    @api.model
    def _unowned(self):
        """The rules that come along, and their actions, may have an owner like every other; nobody is asked for one."""
        brought = self.env["ir.model.data"].search(
            [("module", "=", "reporting_workflows"), ("model", "in", ("base.automation", "ir.actions.server"))]
        )
        ours = {(data.model, data.res_id) for data in brought}
        return super()._unowned().filtered(lambda row: (row.res_model, row.res_id) not in ours)

    @api.model
    def action_open_kpi_rules(self):
        """The rules that refresh KPIs: themselves for who administers Odoo, for the others what the register says."""
        if self.env.user.has_group("base.group_system"):
            return self.env["ir.actions.act_window"]._for_xml_id("reporting_workflows.action_kpi_rule")
        action = self.action_open_register()
        # sudo: the register shows every rule
        rules = self.env["base.automation"].sudo().with_context(active_test=False).search([("trigger", "=", ON_KPIS)])
        domain = [("res_model", "=", rules._name), ("res_id", "in", rules.ids)]
        title = _("What Refreshes KPIs")
        return {**action, "name": title, "display_name": title, "domain": domain, "context": {}}
