"""From which site to which goods are moved, how long it takes and what it costs."""

from odoo import _, api, fields, models


class TransferLane(models.Model):
    _name = "distribution.transfer.lane"
    _description = "Lane Between Sites"
    _order = "from_id, to_id"
    _check_company_auto = True
    _rec_names_search = ["from_id", "to_id"]

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    from_id = fields.Many2one("stock.warehouse", "From Site", required=True, check_company=True, ondelete="cascade")
    to_id = fields.Many2one("stock.warehouse", "To Site", required=True, check_company=True, ondelete="cascade")
    days = fields.Integer("Lead Time (days)", default=1, required=True)
    cost_per_order = fields.Monetary("Cost of a Transfer")
    cost_per_unit = fields.Monetary("Cost of a Unit", help="Per unit of the product that is moved.")
    active = fields.Boolean(default=True)

    _sql_constraints = [
        ("lane_unique", "UNIQUE (from_id, to_id)", "There is a lane between these sites already."),
        ("other_site", "CHECK (from_id <> to_id)", "From Site and To Site: two different sites."),
        (
            "not_negative",
            "CHECK (days >= 0 AND COALESCE(cost_per_order, 0) >= 0 AND COALESCE(cost_per_unit, 0) >= 0)",
            "Lead time and costs: zero or more.",
        ),
    ]

    @api.depends("from_id", "to_id")
    def _compute_display_name(self):
        for lane in self:
            lane.display_name = _("%(source)s to %(site)s", source=lane.from_id.name, site=lane.to_id.name)
