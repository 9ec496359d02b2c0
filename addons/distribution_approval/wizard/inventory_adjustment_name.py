"""Applying counts: the cause, and what proves it."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import IS_17


class StockInventoryAdjustmentName(models.TransientModel):
    _inherit = "stock.inventory.adjustment.name"

    approval_reason_id = fields.Many2one(
        "distribution.approval.reason",
        string="Cause",
        domain=[("outcome", "=", "cause")],
        help="Why the counts differ from what should be there. Counts that have a cause of their own keep it.",
    )
    approval_attachment_ids = fields.Many2many(
        "ir.attachment", "inventory_adjustment_name_approval_rel", string="Evidence", help="Count sheets, photos."
    )
    approval_governed = fields.Boolean(compute="_compute_approval_governed")

    @api.depends("quant_ids")
    def _compute_approval_governed(self):
        for wizard in self:
            wizard.approval_governed = bool(wizard.quant_ids._approval_governed_counts())

    def action_apply(self):
        governed = self.quant_ids.filtered("inventory_quantity_set")._approval_governed_counts().with_env(self.env)
        if governed:
            without = governed.filtered(lambda quant: not quant.approval_reason_id)
            if without and not self.approval_reason_id:
                raise UserError(
                    _(
                        "Cause: choose why %s differs from what should be there.",
                        without[0].product_id.display_name,
                    )
                )
            if without:
                without.write({"approval_reason_id": self.approval_reason_id.id})
            if self.approval_attachment_ids:
                governed.write(
                    {"approval_attachment_ids": [(4, attachment.id) for attachment in self.approval_attachment_ids]}
                )
        return super().action_apply()


if IS_17:

    class StockTrackConfirmation(models.TransientModel):
        _inherit = "stock.track.confirmation"

        def action_confirm(self):
            result = super().action_confirm()
            return result or self.quant_ids._approval_keep_counts()
