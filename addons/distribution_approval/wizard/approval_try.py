from dataclasses import replace

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.distribution_core.compat import check_access, may

from ..engine import EngineError, FactType, Unknown, clean, encode_facts, explain
from ..models.approval_policy import document_models


class ApprovalTry(models.TransientModel):
    """What a policy version – draft or in force – would say.

    About a document, with its facts and the fast paths of today; or about facts that somebody enters: who keeps a
    policy need not be allowed to open what it governs.
    """

    _name = "distribution.approval.try"
    _description = "Try an Approval Policy"

    version_id = fields.Many2one("distribution.approval.policy.version", required=True)
    way = fields.Selection(
        [("document", "A document"), ("facts", "Facts that I enter")],
        string="Try it on",
        compute="_compute_way",
        compute_sudo=False,
        store=True,
        readonly=False,
    )
    document_ref = fields.Reference(
        selection="_selection_document_ref",
        string="Document",
        compute="_compute_document_ref",
        # With the reader's own rights.
        compute_sudo=False,
        store=True,
        readonly=False,
    )
    hindrance = fields.Selection(
        [("closed", "The user may not read such documents"), ("none", "There is none yet")],
        compute="_compute_hindrance",
        compute_sudo=False,
    )
    fact_ids = fields.One2many(
        "distribution.approval.try.fact",
        "try_id",
        string="Facts",
        compute="_compute_fact_ids",
        store=True,
        readonly=False,
    )
    result = fields.Html(compute="_compute_result", compute_sudo=False, sanitize=False)

    @api.model
    def _selection_document_ref(self):
        return [(name, self.env[name]._description) for name in document_models(self.env).values()]

    @api.depends("version_id")
    def _compute_document_ref(self):
        """The newest that asked for approval or is in force: what is chosen next is of the same kind."""
        for wizard in self:
            wizard.document_ref = wizard._newest() or False

    @api.depends("version_id")
    def _compute_way(self):
        for wizard in self:
            wizard.way = "document" if wizard.document_ref else "facts"

    @api.depends("version_id")
    def _compute_fact_ids(self):
        """One line for each fact that a rule asks about, in the order in which documents declare them."""
        for wizard in self:
            picker = self.env["distribution.approval.try.fact"]._picker
            asked = {"amount", *wizard.version_id.sudo().rule_ids.condition_ids.mapped("fact")}
            lines = [
                Command.create({"fact": spec.name})
                for spec in wizard._specs().values()
                if spec.name in asked and (not spec.model or picker(spec))
            ]
            wizard.fact_ids = [Command.clear(), *lines]

    @api.depends("version_id")
    def _compute_hindrance(self):
        for wizard in self:
            closed = not may(wizard._documents(), "read")
            wizard.hindrance = "closed" if closed else "none" if not wizard._newest() else False

    @api.depends(
        "version_id",
        "document_ref",
        "way",
        "fact_ids.value",
        "fact_ids.answer",
        "fact_ids.option_ids",
        "fact_ids.category_ids",
        "fact_ids.warehouse_ids",
        "fact_ids.region_ids",
        "fact_ids.partner_ids",
        "fact_ids.user_ids",
    )
    def _compute_result(self):
        for wizard in self:
            try:
                wizard.result = wizard._say()
            except AccessError:
                raise
            except (UserError, EngineError, LookupError) as error:
                # A draft that is not finished: it says what is missing.
                wizard.result = Markup('<div class="alert alert-warning" role="status">%s</div>') % error

    def _say(self):
        document = self.document_ref
        if self.way == "facts":
            return self._render_entered()
        return document and document._name == self._documents()._name and self._render(document)

    def _documents(self):
        """The model of the policy's documents, with the user's own rights."""
        return self.env[document_models(self.env)[self.version_id.document_type]]

    def _newest(self):
        """The newest document that asked for approval or is in force, if the user may open such."""
        model = self._documents()
        return may(model, "read") and model.search(model._approval_simulated_domain(), order="id desc", limit=1)

    def _specs(self):
        return self._documents()._approval_all_fact_specs() if self.version_id else {}

    def action_simulate(self):
        """What the version says about the last months, without opening a document."""
        return self.version_id.action_simulate()

    def _render(self, document):
        version = self.version_id.sudo()
        check_access(document, "read")
        # Who looks is not who asked.
        engine = document.with_user(document.sudo().approval_request_id.requester_id or document.create_uid).sudo()
        judgement = self.env["distribution.approval.judge"].sudo()._judge_by(engine, version, draft=True)[document.id]
        table = judgement.local.compiled if judgement.local else self._compiled()
        specs = engine._approval_all_fact_specs()
        # All facts, not only those that the rules read: who writes a rule wants to see them.
        facts = engine._approval_all_facts(set(specs))[document.id]
        judgement, fast_path = self.env["distribution.approval.fast.path.use"]._outlook(
            engine, replace(judgement, facts=facts)
        )
        fast_table, _ceilings = version._simulated_fast_table()
        seats = (
            self.env["distribution.approval.resolver"]
            .sudo()
            ._seats(engine, judgement.verdict.stages, version, engine._approval_owners())
        )
        nobody = _("nobody!")
        return self._show(
            judgement.verdict,
            table.rules,
            facts,
            fast_rules=fast_table.rules if fast_table else (),
            title=document.display_name,
            by_fast_path=judgement.fast_path,
            fast_path=fast_path,
            currency=engine.company_id.currency_id,
            shown_facts=engine._approval_fact_words(encode_facts(specs, facts)),
            route=[
                {
                    "stage": seat.sequence,
                    "name": seat.name,
                    "quorum": seat.quorum,
                    "people": ", ".join(seat.users.mapped("name")) or nobody,
                    "fallback": seat.fallback,
                }
                for seat in seats
            ],
        )

    def _render_entered(self):
        """By the rules of all sites; who decides follows from a document, fast paths from what the day has seen."""
        table, facts = self._compiled(), self.fact_ids._entered()
        verdict = table.evaluate(facts)
        return self._show(
            verdict,
            table.rules,
            facts,
            title=_("Such a document"),
            route=[
                {"stage": need.sequence, "name": need.name or need.approver.label, "quorum": need.quorum}
                for stage in verdict.stages
                for need in stage.requirements
            ],
        )

    def _compiled(self):
        version = self.version_id.sudo()
        return version._compile_draft() if version.state == "draft" else version._compile()

    def _show(self, verdict, rules, facts, fast_rules=(), by_fast_path="", **shown):
        """A verdict in words: the rules one by one, those of fast paths as well, and what the template shows more."""
        version, specs = self.version_id.sudo(), self._specs()
        matched = {rule.key for rule in verdict.matched}
        words = version._words()
        told = []
        for rule in (*rules, *fast_rules):
            lines = explain(rule, facts, specs, version._name_of)
            truths = [line.truth for line in lines]
            told.append(
                {
                    "number": words.get(rule.key, (0, ""))[0],
                    "name": rule.name,
                    "outcome": rule.outcome,
                    "mode": rule.mode,
                    "decides": rule.key in matched,
                    "fast": rule in fast_rules,
                    "truth": False if False in truths else None if None in truths else True,
                    "lines": lines,
                }
            )
        outcome = {
            "pass": _("passes by a fast path") if by_fast_path else _("passes without a human"),
            "require": _("needs approval"),
            "refuse": _("is refused"),
            "hold": _("is held"),
        }[verdict.outcome]
        return self.env["ir.qweb"]._render(
            "distribution_approval.try_result", {"verdict": verdict, "outcome": outcome, "rules": told, **shown}
        )


class ApprovalTryFact(models.TransientModel):
    """A fact as somebody enters it to try a policy; what is left empty is not known, unless it may be empty."""

    _name = "distribution.approval.try.fact"
    _description = "Fact Entered to Try a Policy"

    try_id = fields.Many2one("distribution.approval.try", required=True, ondelete="cascade")
    fact = fields.Char(required=True)
    label = fields.Char(string="Name", compute="_compute_label")
    fact_type = fields.Char(compute="_compute_label")
    fact_model = fields.Char(compute="_compute_label")
    has_options = fields.Boolean(compute="_compute_label")
    value = fields.Char(help="A number, a text, or a date as 2026-12-31.")
    answer = fields.Selection([("yes", "Yes"), ("no", "No")])
    option_ids = fields.Many2many("distribution.approval.fact.option", "distribution_approval_try_option_rel")
    category_ids = fields.Many2many("product.category", "distribution_approval_try_category_rel", string="Categories")
    warehouse_ids = fields.Many2many("stock.warehouse", "distribution_approval_try_warehouse_rel", string="Sites")
    region_ids = fields.Many2many("distribution.region", "distribution_approval_try_region_rel", string="Regions")
    partner_ids = fields.Many2many("res.partner", "distribution_approval_try_partner_rel", string="Partners")
    user_ids = fields.Many2many("res.users", "distribution_approval_try_user_rel", string="People")

    @api.depends("fact", "try_id.version_id")
    def _compute_label(self):
        for line in self:
            spec = line.try_id._specs().get(line.fact)
            line.label = spec and (f"{spec.label} ({spec.unit})" if spec.unit else spec.label)
            line.fact_type = spec and spec.type.value
            line.fact_model = spec and spec.model
            line.has_options = bool(spec and spec.options)

    def _entered(self):
        """``{name: value or Unknown}``."""
        return {line.fact: line._value(spec) for line in self if (spec := line.try_id._specs().get(line.fact))}

    def _value(self, spec):
        self.ensure_one()
        value = (self.value or "").strip() or None
        if spec.type is FactType.FLAG:
            value = {"yes": True, "no": False}.get(self.answer)
        elif spec.model or spec.options:
            picked = self._picked(spec)
            if spec.type is FactType.SET:
                return frozenset(picked)
            if len(picked) > 1:
                return Unknown(_("%s: choose one", spec.label))
            value = next(iter(picked), None)
        if value is None and not spec.optional:
            return Unknown(_("%s is not entered yet", spec.label))
        return clean(spec, value)

    def _picked(self, spec):
        """Ids of records, or codes of options."""
        if not spec.model:
            return self.option_ids.mapped("code")
        records = self[self._picker(spec)]
        # Their names are shown.
        check_access(self.env[spec.model].browse(records.ids), "read")
        return records.ids

    @api.model
    def _picker(self, spec):
        """The field that picks the records of such a fact, or None where they cannot be picked."""
        return self.env["distribution.approval.condition"]._REFERENCE_FIELDS.get(spec.model)
