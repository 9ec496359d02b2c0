"""Loads what the comparison of bills with orders, receipts and other bills needs, in sets."""

from decimal import Decimal

from odoo import _, models
from odoo.tools.misc import formatLang

from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_LINE_TAXES

from ..engine import Unknown, as_decimal
from ..engine.bill_match import BilledLine, KnownBill, OrderedLine, match_bill, repeated
from ..engine.decimals import decimals_needed, decimals_of
from ..models.approval_policy import today
from ..models.gate_frame import in_frame

#: Documents that say what is owed to a vendor, or what a vendor gives back.
BILL_TYPES = ("in_invoice", "in_refund", "in_receipt")
#: Documents that lead to money for the vendor.
OWED_TYPES = ("in_invoice", "in_receipt")
#: As fine as a price, or a quantity without unit, is shown.
MOST_DECIMALS = 6


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_matches(self):
        """``{id: BillMatch or Unknown}``; a fixed number of queries, whatever the number of bills."""
        order_lines = self._approval_order_lines().sudo()
        self._approval_take_turn()
        billed = self._approval_billed_elsewhere(order_lines)
        received = order_lines._approval_received()
        matches = {}
        for bill in self.sorted("id"):
            orders = {}
            doubt = None
            lines = []
            for line in bill._approval_lines():
                order_line = line.purchase_line_id.sudo()
                quantity, value = line.quantity, as_decimal(line._approval_value())
                if order_line:
                    quantity = _in_order_unit(line, order_line)
                    price = bill._approval_ordered_price(order_line)
                    doubt = price if isinstance(price, Unknown) else doubt
                    orders[order_line.id] = (order_line, price)
                if bill.move_type == "in_refund":
                    quantity, value = -quantity, -value
                lines.append(BilledLine(line.id, order_line.id or None, as_decimal(quantity), value))
            if doubt:
                matches[bill.id] = doubt
            else:
                ordered = {
                    key: OrderedLine(
                        order_line.product_qty,
                        received[key],
                        as_decimal(sum(amount for other, amount in billed.get(key, ()) if other != bill.id)),
                        price,
                        order_line.product_id.purchase_method != "purchase",
                    )
                    for key, (order_line, price) in orders.items()
                }
                matches[bill.id] = match_bill(lines, ordered, as_decimal(bill.currency_id.rounding))
            # Bills that are judged together count together, like bills posted one after the other.
            for line in lines:
                if line.order_line and bill.state != "posted":
                    billed.setdefault(line.order_line, []).append((bill.id, float(line.quantity)))
        return matches

    def _approval_read_ahead(self):
        """Read for all bills at once what is looked at bill by bill."""
        self.mapped("currency_id")
        self.invoice_line_ids.mapped("tax_ids")
        order_lines = self.invoice_line_ids.purchase_line_id.sudo()
        order_lines.mapped(PURCHASE_LINE_TAXES)
        order_lines.order_id.mapped("state")
        order_lines.move_ids.location_id.mapped("usage")

    def _approval_billed_elsewhere(self, order_lines):
        """``{order line id: [(bill id, quantity in the order line's unit)]}`` of posted bills; one query."""
        if not order_lines:
            return {}
        lines = self.env["account.move.line"].sudo()
        posted = lines.search_fetch(
            [("purchase_line_id", "in", order_lines.ids), ("parent_state", "=", "posted")],
            ["purchase_line_id", "quantity", "product_uom_id", "move_id", "display_type"],
        )
        billed = {}
        for line in posted:
            if line.display_type == "product" and line.move_id.move_type in BILL_TYPES:
                sign = -1 if line.move_id.move_type == "in_refund" else 1
                billed.setdefault(line.purchase_line_id.id, []).append(
                    (line.move_id.id, sign * _in_order_unit(line, line.purchase_line_id))
                )
        return billed

    def _approval_ordered_price(self, order_line):
        """Net price of a unit of the order line in the currency of this bill, or Unknown."""
        quantity = order_line.product_qty
        price = order_line._approval_value() / quantity if quantity else order_line.price_unit
        currency = order_line.order_id.currency_id
        if currency == self.currency_id:
            return as_decimal(price)
        for foreign in (currency | self.currency_id) - self.company_id.currency_id:
            doubt = foreign._approval_rate_doubt(self.company_id)
            if doubt:
                return Unknown(doubt)
        return as_decimal(
            currency._convert(price, self.currency_id, self.company_id, today(self.company_id), round=False)
        )

    def _approval_repeats(self):
        """``{id: (ids with the same reference, ids with the same amount and date)}``; one query.

        Drafts count when they were entered earlier: of two the later one is the duplicate. What was
        cancelled, or reversed in full, may be billed again.
        """
        self._approval_take_turn()
        self.env["account.move"].flush_model(
            [
                "ref",
                "amount_total",
                "invoice_date",
                "currency_id",
                "state",
                "move_type",
                "commercial_partner_id",
                "payment_state",
                "company_id",
            ]
        )
        self.env.cr.execute(
            """SELECT move.id, move.company_id, move.commercial_partner_id, move.move_type, move.ref,
                      move.amount_total, move.currency_id, move.invoice_date, move.state
                 FROM account_move move
                WHERE move.partner_id IN (SELECT partner.id FROM res_partner partner
                                           WHERE partner.commercial_partner_id = ANY(%s))
                  AND move.company_id = ANY(%s)
                  AND move.move_type = ANY(%s)
                  AND move.state <> 'cancel'
                  AND move.payment_state IS DISTINCT FROM 'reversed'""",
            (self.commercial_partner_id.ids, self.company_id.ids, list(BILL_TYPES)),
        )
        known = {}
        for move_id, company, vendor, kind, ref, amount, currency, day, state in self.env.cr.fetchall():
            place = (company, vendor, kind == "in_refund")
            bill = KnownBill(move_id, vendor, ref or "", amount or 0, day and (day, currency))
            known.setdefault(place, []).append((state, bill))
        repeats = {}
        for bill in self:
            place = (bill.company_id.id, bill.commercial_partner_id.id, bill.move_type == "in_refund")
            own = KnownBill(
                bill.id,
                place[1],
                bill.ref or "",
                bill.amount_total or 0,
                bill.invoice_date and (bill.invoice_date, bill.currency_id.id),
            )
            earlier = [other for state, other in known.get(place, ()) if state == "posted" or other.key < bill.id]
            repeats[bill.id] = repeated(own, earlier)
        return repeats

    def _approval_take_turn(self):
        """Bills of one vendor that are judged at the same instant take turns: see ``approval_turn.py``.

        Only where it counts: outside of a frame somebody merely looks.
        """
        if in_frame(self.env):
            places = [(bill.company_id.id, bill.commercial_partner_id.id) for bill in self]
            self.env["distribution.approval.turn"]._take(self._approval_type, places)

    def _approval_match_words(self):
        """Line by line for people: billed, ordered, received, and what is beyond."""
        self.ensure_one()
        match = self._approval_matches()[self.id]
        if isinstance(match, Unknown):
            return []
        found = {line.key: line for line in match.lines}
        received = self._approval_order_lines().sudo()._approval_received()
        words = []
        for line in self._approval_lines():
            order_line = line.purchase_line_id.sudo()
            order = order_line.order_id
            unit = order_line[LINE_UOM]
            words.append(
                {
                    "name": line.product_id.display_name or line.name or _("without product"),
                    "quantity": _quantity_words(line.quantity, line.product_uom_id),
                    "price": _price_words(line.price_unit, self.currency_id),
                    "order": order.name or "",
                    "ordered": _quantity_words(order_line.product_qty, unit) if order_line else "–",
                    "ordered_price": _price_words(order_line.price_unit, order.currency_id) if order_line else "–",
                    "received": _quantity_words(received[order_line.id], unit) if order_line else "–",
                    "order_variance": _price_words(found[line.id].order_variance, self.currency_id),
                    "beyond_order": bool(found[line.id].order_variance),
                    "receipt_variance": _price_words(found[line.id].receipt_variance, self.currency_id),
                    "beyond_receipts": bool(found[line.id].receipt_variance),
                }
            )
        return words


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    def _approval_received(self):
        """``{id: quantity received}`` from the goods movements themselves: the stored quantity can be written.

        Kits, whose movements name other products, and services keep the stored quantity.
        """
        received = {}
        for line in self:
            moves = line._get_po_line_moves() if line.qty_received_method == "stock_moves" else line.move_ids.browse()
            kit = line.move_ids - moves if moves or line.move_ids else moves
            if line.qty_received_method != "stock_moves" or kit:
                received[line.id] = as_decimal(line.qty_received)
                continue
            received[line.id] = sum(
                (
                    _signed(move)
                    * as_decimal(
                        move.product_uom._compute_quantity(move.quantity, line[LINE_UOM], rounding_method="HALF-UP")
                    )
                    for move in moves
                    if move.state == "done"
                ),
                Decimal(0),
            )
        return received


def _signed(move):
    """+1 for what came from the vendor, -1 for what went back for a refund, 0 for what changes nothing.

    As Odoo counts the received quantity of an order line (purchase_stock).
    """
    origin = move.origin_returned_move_id
    if not origin and move.location_id.usage == "supplier" and move.location_dest_id.usage == "internal":
        return 1  # the plain receipt; what follows looks up locations for each movement
    if move._is_purchase_return():
        return -1 if not origin or move.to_refund else 0
    if origin and origin._is_dropshipped() and not move._is_dropshipped_returned():
        return 0
    if origin and origin._is_purchase_return() and not move.to_refund:
        return 0
    return 1


def _quantity_words(quantity, unit):
    """A quantity in its unit as people write it: no more decimals than it needs or the unit has."""
    most = decimals_of(unit.rounding) if unit else MOST_DECIMALS
    digits = decimals_needed(quantity, 0, most)
    return f"{formatLang(unit.env, float(quantity), digits=digits)} {unit.name or ''}".strip()


def _price_words(price, currency):
    """A price in its currency; with more decimals than the currency has, where it has them."""
    digits = decimals_needed(price, currency.decimal_places, MOST_DECIMALS)
    number = formatLang(currency.env, float(price), digits=digits)
    return f"{currency.symbol} {number}" if currency.position == "before" else f"{number} {currency.symbol}"


def _in_order_unit(line, order_line):
    unit = order_line[LINE_UOM]
    if not line.product_uom_id or not unit or line.product_uom_id == unit:
        return line.quantity
    return line.product_uom_id._compute_quantity(line.quantity, unit, round=False, raise_if_failure=False)
