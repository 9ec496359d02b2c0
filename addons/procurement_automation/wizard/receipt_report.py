"""Whoever receives goods reports what cannot be used."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import LINE_UOM, PRECISION_QUANTITY, check_access


class ReceiptReport(models.TransientModel):
    _name = "distribution.receipt.report"
    _description = "Report Damage"

    picking_id = fields.Many2one("stock.picking", required=True, readonly=True)
    product_ids = fields.Many2many("product.product", string="Products Received", compute="_compute_product_ids")
    product_id = fields.Many2one("product.product", required=True, domain="[('id', 'in', product_ids)]")
    quantity = fields.Float(required=True, default=1.0, digits=PRECISION_QUANTITY)
    uom_id = fields.Many2one(
        related="product_id.uom_id", string="Unit", help="Damage is counted in the product's unit."
    )
    reason_id = fields.Many2one("distribution.receipt.reason", required=True)
    note = fields.Text("What is Wrong")
    attachment_ids = fields.Many2many("ir.attachment", string="Pictures and Documents")

    @api.depends("picking_id")
    def _compute_product_ids(self):
        for report in self:
            report.product_ids = report._moves().product_id

    def _moves(self):
        return self.picking_id.move_ids.filtered(lambda move: move.state != "cancel")

    def action_report(self):
        self.ensure_one()
        picking = self.picking_id
        check_access(picking, "write")
        moves = self._moves().filtered(lambda move: move.product_id == self.product_id)
        if not moves:
            raise UserError(_("Product: choose one of this receipt."))
        line = picking._damaged_line(moves)
        quantity = self.quantity
        if line:
            quantity = self.uom_id._compute_quantity(quantity, line[LINE_UOM], round=False)
        picking._report_damage(line, self.product_id, quantity, self.reason_id, self.note, self.attachment_ids)
        return {"type": "ir.actions.act_window_close"}
