from odoo import api, models

from odoo.addons.distribution_core.compat import PURCHASE_LINE_TAXES

from ..engine import as_decimal
from ..models.gate_frame import gate_frame


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "distribution.approval.line.mixin"]

    _approval_document_field = "move_id"
    _approval_watched = frozenset(
        {
            "move_id",
            "product_id",
            "product_uom_id",
            "quantity",
            "price_unit",
            "discount",
            "tax_ids",
            "display_type",
            "purchase_line_id",
            # What is due, and the taxes: whatever they follow from.
            "amount_currency",
            "balance",
            "debit",
            "credit",
            "currency_id",
        }
    )

    # Core brings taxes and due amounts in step after its own create, write and unlink: the review
    # waits for that, so that one change is judged once, as it ends.

    @api.model_create_multi
    def create(self, vals_list):
        with gate_frame(self.env):
            return super().create(vals_list)

    def write(self, vals):
        if not self._approval_watched & vals.keys():
            return super().write(vals)
        with gate_frame(self.env):
            return super().write(vals)

    def unlink(self):
        with gate_frame(self.env):
            return super().unlink()

    def _approval_documents(self):
        """Bills only: the lines of all other entries are none of the gate's business."""
        return self.move_id._approval_bills()

    def _approval_value(self):
        """Untaxed value of this line, worked out from quantity, price, discount and taxes."""
        self.ensure_one()
        net = self.price_unit * self.quantity * (1 - (self.discount or 0.0) / 100)
        currency = self.move_id.currency_id
        if not currency.compare_amounts(net, self.price_subtotal):
            return self.price_subtotal
        # Only taxes that are part of the price make a difference; otherwise the subtotal is forged.
        if not any(self.tax_ids.flatten_taxes_hierarchy().mapped("price_include")):
            return currency.round(net)
        return self._approval_taxed(self.tax_ids)["total_excluded"]

    def _approval_taxed(self, taxes):
        return taxes.compute_all(
            self.price_unit * (1 - (self.discount or 0.0) / 100),
            self.move_id.currency_id,
            self.quantity,
            self.product_id,
            self.move_id.partner_id,
            is_refund=self.move_id.move_type in ("in_refund", "out_refund"),
        )

    def _approval_expected_tax(self):
        """Tax in bill currency by the taxes of the order line (without one: by those of this line)."""
        self.ensure_one()
        return self._approval_tax(self.purchase_line_id[PURCHASE_LINE_TAXES] if self.purchase_line_id else self.tax_ids)

    def _approval_tax(self, taxes):
        """What ``taxes`` come to on this line, in bill currency."""
        if not taxes:
            return as_decimal(0)
        taxed = self._approval_taxed(taxes)
        return as_decimal(taxed["total_included"] - taxed["total_excluded"])
