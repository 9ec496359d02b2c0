"""What has KPIs measured again: one switch for each kind of document, with the KPIs that it marks.

Rules, in words
---------------
* An order that is confirmed, goods that move, a purchase that changes, a bill that is posted and an exception of a
  delivery mark the KPIs that count such documents. The mark is one insert at the end of the transaction.
* What is switched off marks nothing: its KPIs are measured when the day changes, or when somebody asks.
* They are no automation rules of Odoo: these look at every write of every document, and cost more than the whole mark.
"""

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError


class KpiTrigger(models.Model):
    _name = "distribution.kpi.trigger"
    _description = "What Refreshes KPIs"
    _inherit = ["distribution.automation.watch"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True, readonly=True)
    sequence = fields.Integer(readonly=True)
    active = fields.Boolean("Switched On", default=True)
    res_models = fields.Char("Models", required=True, readonly=True, help="Technical names, separated by commas.")
    document_names = fields.Char("Marks Documents", compute="_compute_document_names")
    description = fields.Text(translate=True, readonly=True)
    kpi_ids = fields.Many2many("distribution.kpi", compute="_compute_kpi_ids", string="KPIs It Marks")
    kpi_count = fields.Integer(compute="_compute_kpi_ids", string="KPIs")

    @api.depends("res_models")
    def _compute_kpi_ids(self):
        sources = self.env["distribution.kpi.source"]._sources()
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        for trigger in self:
            marked = trigger._marked()
            trigger.kpi_ids = kpis.filtered(
                lambda kpi, marked=marked: kpi.source in sources and marked & set(sources[kpi.source].touched)
            )
            trigger.kpi_count = len(trigger.kpi_ids)

    @api.depends("res_models")
    @api.depends_context("lang")
    def _compute_document_names(self):
        for trigger in self:
            names = [name.strip() for name in (trigger.res_models or "").split(",") if name.strip() in self.env]
            trigger.document_names = ", ".join(self.env["ir.model"]._get(name).name for name in names)

    def _marked(self):
        return {name.strip() for trigger in self for name in (trigger.res_models or "").split(",")}

    def write(self, vals):
        if not self.env.su and vals.keys() - {"active"}:
            raise AccessError(_("What refreshes KPIs is switched on and off; what it marks follows from the KPIs."))
        self.env.registry.clear_cache()
        return super().write(vals)

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @tools.ormcache()
    def _switched_off(self):
        """Models whose documents mark nothing at present."""
        # sudo: asked at the end of everybody's transactions
        off = self.sudo().with_context(active_test=False).search([("active", "=", False)])
        return frozenset(off._marked())


class DistributionAutomation(models.Model):
    """Who answers for a trigger, who switched it and why: as of everything that runs by itself."""

    _inherit = "distribution.automation"

    kind = fields.Selection(selection_add=[("kpi_trigger", "KPI trigger")], ondelete={"kpi_trigger": "cascade"})

    @api.model
    def _sources(self):
        # sudo: the register follows every trigger, whoever opens it
        triggers = self.env["distribution.kpi.trigger"].sudo().with_context(active_test=False).search([])
        return [*super()._sources(), ("kpi_trigger", triggers, lambda trigger: trigger.name, lambda trigger: {})]

    @api.model
    def _overridable(self):
        return super()._overridable() | {"kpi_trigger"}

    def _health_of_kpi_trigger(self):
        # sudo: health is for auditors, too
        triggers = self.env["distribution.kpi.trigger"].sudo().with_context(active_test=False)
        known = {trigger.id: trigger for trigger in triggers.browse(self.mapped("res_id")).exists()}
        return {
            automation.id: {
                "health": "unknown" if trigger.active else "paused",
                "running": trigger.active,
                "last_outcome": _("marks %s KPIs", trigger.kpi_count),
            }
            for automation in self
            if (trigger := known.get(automation.res_id))
        }
