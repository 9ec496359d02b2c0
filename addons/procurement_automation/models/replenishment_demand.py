"""Proposals of replenishment show what is expected to be asked for."""

from odoo import _, api, fields, models


class ReplenishmentProposal(models.Model):
    _inherit = "distribution.replenishment.proposal"

    expected_month = fields.Float(
        "Expected Demand a Month", compute="_compute_expected_month", digits=(16, 2), help="By the present forecast."
    )

    @api.depends("product_id", "warehouse_id")
    def _compute_expected_month(self):
        # sudo: a number for whoever may read the proposal
        suggestions = self.env["distribution.demand.suggestion"].sudo()
        latest = {
            (one.product_id.id, one.warehouse_id.id): one.expected_month
            for one in suggestions.search(
                [
                    ("product_id", "in", self.product_id.ids),
                    ("warehouse_id", "in", self.warehouse_id.ids),
                    ("state", "!=", "outdated"),
                ],
                order="id",
            )
        }
        for proposal in self:
            proposal.expected_month = latest.get((proposal.product_id.id, proposal.warehouse_id.id), 0.0)

    def _reasoning_rows(self):
        yield from super()._reasoning_rows()
        if self.expected_month:
            yield (
                _("Expected demand a month"),
                f"{self.expected_month:.2f}".rstrip("0").rstrip("."),
                _("by the forecast"),
            )
