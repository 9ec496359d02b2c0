"""What a vendor told a buyer – by phone, by mail – entered as its answer."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import Promise, Said


class SupplierTold(models.TransientModel):
    _name = "distribution.supplier.told"
    _description = "Enter what a Vendor Told"

    confirmation_id = fields.Many2one("distribution.supplier.confirmation", required=True, readonly=True)
    told_at = fields.Datetime("Told On", required=True, default=fields.Datetime.now)
    vendor_reference = fields.Char("Vendor's Number")
    note = fields.Text(required=True, help="Who said so, and how.")
    line_ids = fields.One2many("distribution.supplier.told.line", "told_id")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        confirmation = self.env["distribution.supplier.confirmation"].browse(values.get("confirmation_id") or ())
        if confirmation and "line_ids" in fields_list:
            values["line_ids"] = [
                fields.Command.create(
                    {
                        "line_id": line.id,
                        "quantity": line.promised_quantity or line.asked_quantity,
                        "day": line.promised_day or line.asked_day,
                        "price": line.promised_price if line.promised_at else line.asked_price,
                    }
                )
                for line in confirmation.line_ids
                if line.open_quantity
            ]
        return values

    def action_enter(self):
        """Take it in as the vendor's answer."""
        self.ensure_one()
        confirmation = self.confirmation_id
        engine = confirmation._check_buyer()
        if self.told_at > fields.Datetime.now():
            raise UserError(_("Told On: this is in the future."))
        lines = self.line_ids.filtered("line_id")
        strange = lines.line_id - confirmation.line_ids
        if strange:
            raise UserError(_("A line does not belong to this order."))
        said = {
            row.line_id.sudo(): Said(rejected=True)
            if row.is_rejected
            else Said([Promise(row.quantity, row.day)], row.price)
            for row in lines
        }
        answer = engine._answer(
            "buyer", said, told_at=self.told_at, vendor_reference=self.vendor_reference, note=self.note
        )
        if not answer:
            raise UserError(_("This is what the vendor said before."))
        return {"type": "ir.actions.act_window_close"}


class SupplierToldLine(models.TransientModel):
    _name = "distribution.supplier.told.line"
    _description = "Line that a Vendor Told"

    told_id = fields.Many2one("distribution.supplier.told", required=True, ondelete="cascade")
    line_id = fields.Many2one("distribution.supplier.confirmation.line", required=True, ondelete="cascade")
    product_id = fields.Many2one(related="line_id.product_id")
    asked_quantity = fields.Float(related="line_id.asked_quantity")
    asked_day = fields.Date(related="line_id.asked_day")
    asked_price = fields.Float(related="line_id.asked_price")
    quantity = fields.Float(digits=0)
    day = fields.Date()
    price = fields.Float(digits=0)
    is_rejected = fields.Boolean("Rejected")
