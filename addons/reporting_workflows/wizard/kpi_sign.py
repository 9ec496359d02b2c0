"""The owner looks at the numbers of a period and signs them."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models


class KpiSign(models.TransientModel):
    _name = "distribution.kpi.sign"
    _description = "Sign off a KPI"

    kpi_id = fields.Many2one("distribution.kpi", "KPI", required=True, readonly=True)
    period_start = fields.Date("From", required=True, default=lambda self: self._last_month()[0])
    period_end = fields.Date("To", required=True, default=lambda self: self._last_month()[1])
    snapshot_ids = fields.Many2many("distribution.kpi.snapshot", compute="_compute_seen", string="Numbers")
    seen_digest = fields.Char(compute="_compute_seen", string="Seal of What You See")
    comment = fields.Text()

    @api.model
    def _last_month(self):
        first = self.env.company._day_of(fields.Datetime.now()).replace(day=1) - relativedelta(months=1)
        return first, first + relativedelta(months=1) - timedelta(days=1)

    @api.depends("kpi_id", "period_start", "period_end")
    def _compute_seen(self):
        snapshots = self.env["distribution.kpi.snapshot"]
        for sign in self:
            known = sign.kpi_id and sign.period_start and sign.period_end
            period = (sign.kpi_id, sign.env.company, sign.period_start, sign.period_end)
            sign.snapshot_ids = snapshots._latest_of(*period) if known else snapshots
            sign.seen_digest = snapshots._digest_of(*period) if known else False

    def action_sign(self):
        """Sign what the page shows: the button sends the seal along."""
        self.ensure_one()
        seen = self.env.context.get("seen_digest")
        self.kpi_id.action_sign_off(self.period_start, self.period_end, seen, self.comment)
        return {"type": "ir.actions.act_window_close"}
