"""A number of a KPI as people read it: with its unit, by their language."""

from odoo import _, api, fields, models

from ..engine.kpi import exact


class KpiNumber(models.AbstractModel):
    """For models with ``kpi_id``, ``company_id``, ``is_measured`` and ``value``."""

    _name = "distribution.kpi.number"
    _description = "Number of a KPI"

    value_text = fields.Char(
        "Value with Unit", compute="_compute_value_text", help="With its unit; – where nothing was measured."
    )

    @api.depends("value", "is_measured")
    @api.depends_context("lang", "tz")
    def _compute_value_text(self):
        renderer = self.env["distribution.report.renderer"]
        for company, numbers in self.grouped("company_id").items():
            writer = renderer._writer(company)
            for number in numbers:
                value = exact(number.value) if number.is_measured else None
                number.value_text = writer(value, number._kind())

    def _kind(self):
        """The unit: of the definition by which it was counted, where that is known."""
        return self.kpi_id.kind


class Kpi(models.Model):
    _inherit = "distribution.kpi"

    target_text = fields.Char("Target with Unit", compute="_compute_target_text")
    limits_text = fields.Char("Thresholds", compute="_compute_target_text", help="Beyond which it is yellow, and red.")

    @api.depends("version_id")
    @api.depends_context("lang", "tz", "company")
    def _compute_target_text(self):
        writer = self.env["distribution.report.renderer"]._writer(self.env.company)
        for kpi in self:
            kpi.target_text = writer(exact(kpi.target), kpi.kind) if kpi.has_target else False
            kpi.limits_text = False
            if kpi.is_judged:
                limits = {"warn": writer(exact(kpi.warn), kpi.kind), "breach": writer(exact(kpi.breach), kpi.kind)}
                kpi.limits_text = (
                    _("warning below %(warn)s, breach below %(breach)s", **limits)
                    if kpi.direction == "up"
                    else _("warning above %(warn)s, breach above %(breach)s", **limits)
                )
