"""Why a day is measured anew."""

from odoo import fields, models


class KpiCorrect(models.TransientModel):
    _name = "distribution.kpi.correct"
    _description = "Correct a Day of a KPI"

    snapshot_ids = fields.Many2many("distribution.kpi.snapshot", required=True, readonly=True)
    reason = fields.Char(required=True)

    def action_correct(self):
        self.ensure_one()
        self.snapshot_ids.action_correct(self.reason)
        return {"type": "ir.actions.act_window_close"}
