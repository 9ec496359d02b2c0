"""A dashboard: groups of KPIs that are looked at together. Which these are is data; an administrator may change it.

The numbers are put together in ``dashboard_load.py``.
"""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from .report_part import words


class Dashboard(models.Model):
    _name = "distribution.dashboard"
    _description = "Dashboard"
    _order = "sequence, code"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="Menus and links call it by this.")
    purpose = fields.Char(translate=True, help="For whom it is, and what they see at a glance.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    section_ids = fields.One2many("distribution.dashboard.section", "dashboard_id", copy=True)
    reports = fields.Char(
        help="Codes of the reports whose newest released editions are listed, of those that the reader may read."
    )

    _sql_constraints = [("code_unique", "UNIQUE (code)", "A dashboard's code exists only once.")]

    def action_open(self):
        """Show it."""
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "reporting_workflows.dashboard",
            "name": self.name,
            "params": {"dashboard": self.code},
        }


class DashboardSection(models.Model):
    _name = "distribution.dashboard.section"
    _description = "Section of a Dashboard"
    _order = "sequence, id"

    dashboard_id = fields.Many2one("distribution.dashboard", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10)
    name = fields.Char("Title", required=True, translate=True)
    kind = fields.Selection(
        [("business", "Business"), ("technical", "Technical")],
        required=True,
        default="business",
        help="Technical: of interest to who runs the system.",
    )
    kpis = fields.Char("KPIs", required=True, help="Codes of the KPIs in the order in which they are shown.")

    @api.constrains("kpis")
    def _check_kpis(self):
        known = set(self.env["distribution.kpi"].with_context(active_test=False).search([]).mapped("code"))
        for section in self:
            unknown = [code for code in section._codes() if code not in known]
            if unknown or not section._codes():
                raise ValidationError(
                    _(
                        "KPIs: there is no KPI “%(code)s” (section %(name)s). Look up its code under KPIs.",
                        code=unknown[0] if unknown else "",
                        name=section.name,
                    )
                )

    def _codes(self):
        return list(dict.fromkeys(code for section in self for code in words(section.kpis)))
