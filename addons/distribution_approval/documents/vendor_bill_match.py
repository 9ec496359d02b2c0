"""Loads what the comparison of bills with orders, receipts and other bills needs, in sets."""

from decimal import Decimal
from typing import NamedTuple

from odoo import _, api, models
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
#: What is looked at line by line, of bills, orders and receipts.
READ_OF_LINES = (
    "display_type",
    "product_id",
    "product_uom_id",
    "quantity",
    "price_unit",
    "discount",
    "price_subtotal",
    "purchase_line_id",
)
READ_OF_ORDER_LINES = ("order_id", "product_id", LINE_UOM, "product_qty", "price_unit", "discount", "price_subtotal")
READ_OF_MOVES = (
    "product_id",
    "product_uom",
    "quantity",
    "state",
    "location_id",
    "location_dest_id",
    "origin_returned_move_id",
    "to_refund",
    "purchase_line_id",
)
#: Amounts that differ by less than this part of the smallest coin round to the same.
SAME = 0.49
#: As fine as a price, or a quantity without unit, is shown.
MOST_DECIMALS = 6


class Billing(NamedTuple):
    """What a line bills, beside the order line that it names: ids, quantities, prices before conversion."""

    id: int
    order_line: int | None
    product: int | None
    quantity: float
    unit: int | None
    price: float
    discount: float
    subtotal: float
    ordered: float | None
    order_unit: int | None
    order_price: float | None
    order_discount: float
    order_subtotal: float
    order_currency: int | None
    on_receipt: bool

    def value(self, coin):
        """As ``_approval_value`` of the line where its subtotal is that of its price, else None."""
        net = self.price * self.quantity * (1 - self.discount / 100)
        return self.subtotal if abs(net - self.subtotal) < coin * SAME else None

    def ordered_price(self):
        """Net price of a unit as ordered where the subtotal is that of the price, else None."""
        price = self.order_price * (1 - self.order_discount / 100)
        if not self.ordered or round(price * self.ordered, 2) != self.order_subtotal:
            return None
        return as_decimal(self.order_subtotal / self.ordered)


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_matches(self, billing=None):
        """``{id: BillMatch or Unknown}``; a fixed number of queries, whatever the number of bills.

        :param billing: what :meth:`_approval_billing` of these bills says, if it was asked already
        """
        billing = self._approval_billing() if billing is None else billing
        order_lines = self.env["purchase.order.line"].sudo()
        order_lines = order_lines.browse(
            {row.order_line for rows in billing.values() for row in rows if row.order_line}
        )
        self._approval_take_turn()
        billed = self._approval_billed_elsewhere(order_lines)
        received = order_lines._approval_received()
        units = _ById(self.env["uom.uom"])
        values = self._approval_values_of(billing)
        matches = {}
        for bill in self.sorted("id"):
            orders = {}
            doubt = None
            lines = []
            sign = -1 if bill.move_type == "in_refund" else 1
            currency = bill.currency_id.id
            for row in billing[bill.id]:
                quantity, key = row.quantity, row.order_line
                if key:
                    if row.unit and row.order_unit and row.unit != row.order_unit:
                        quantity = _in_unit(units[row.unit], quantity, units[row.order_unit])
                    if key not in orders:
                        price = row.ordered_price() if row.order_currency == currency else None
                        if price is None:
                            price = bill._approval_ordered_price(order_lines.browse(key))
                        doubt = price if isinstance(price, Unknown) else doubt
                        orders[key] = (row, price)
                lines.append(BilledLine(row.id, key, sign * quantity, sign * values[row.id]))
            if doubt:
                matches[bill.id] = doubt
            else:
                ordered = {
                    key: OrderedLine(
                        row.ordered,
                        received[key],
                        sum(amount for other, amount in billed.get(key, ()) if other != bill.id),
                        price,
                        row.on_receipt,
                    )
                    for key, (row, price) in orders.items()
                }
                matches[bill.id] = match_bill(lines, ordered, as_decimal(bill.currency_id.rounding))
            # Bills that are judged together count together, like bills posted one after the other.
            for line in lines:
                if line.order_line and bill.state != "posted":
                    billed.setdefault(line.order_line, []).append((bill.id, float(line.quantity)))
        return matches

    def _approval_billing(self):
        """``{id: [Billing]}``: the lines that bill something (as :meth:`_approval_lines`) beside what they name."""
        # SQL: lines come by the thousand, and records of them would take most of the time.
        self.env["account.move.line"].flush_model([*READ_OF_LINES, "move_id"])
        self.env["purchase.order.line"].flush_model(READ_OF_ORDER_LINES)
        self.env["purchase.order"].flush_model(["currency_id"])
        self.env["product.product"].flush_model(["product_tmpl_id"])
        self.env["product.template"].flush_model(["purchase_method"])
        self.env.cr.execute(
            f"""SELECT line.move_id, line.id, line.purchase_line_id, line.product_id, COALESCE(line.quantity, 0),
                       line.product_uom_id, COALESCE(line.price_unit, 0), COALESCE(line.discount, 0),
                       COALESCE(line.price_subtotal, 0), ordered.product_qty, ordered.{LINE_UOM}, ordered.price_unit,
                       COALESCE(ordered.discount, 0), COALESCE(ordered.price_subtotal, 0), purchase.currency_id,
                       template.purchase_method IS DISTINCT FROM 'purchase'
                  FROM account_move_line line
             LEFT JOIN purchase_order_line ordered ON ordered.id = line.purchase_line_id
             LEFT JOIN purchase_order purchase ON purchase.id = ordered.order_id
             LEFT JOIN product_product product ON product.id = ordered.product_id
             LEFT JOIN product_template template ON template.id = product.product_tmpl_id
                 WHERE line.move_id = ANY(%s) AND line.display_type = 'product'
                   AND (line.quantity <> 0 OR line.product_id IS NOT NULL)
              ORDER BY line.id""",
            (self.ids,),
        )
        billing = {bill_id: [] for bill_id in self.ids}
        for bill_id, *values in self.env.cr.fetchall():
            billing[bill_id].append(Billing._make(values))
        return billing

    @api.model
    def _approval_values_of(self, billing):
        """``{line id: untaxed value in bill currency}``; those that do not follow from price and quantity are looked
        at one by one."""
        coins = {bill.id: bill.currency_id.rounding for bill in self.browse(billing)}
        values = {row.id: row.value(coins[bill_id]) for bill_id, rows in billing.items() for row in rows}
        lines = self.env["account.move.line"]
        for line in lines.browse(line_id for line_id, value in values.items() if value is None):
            values[line.id] = line._approval_value()
        return values

    def _approval_read_ahead(self):
        """Read for all bills at once what is looked at bill by bill."""
        self.mapped("currency_id")
        self.invoice_line_ids.mapped("tax_ids")
        order_lines = self.invoice_line_ids.purchase_line_id.sudo()
        order_lines.mapped(PURCHASE_LINE_TAXES)
        order_lines.order_id.mapped("state")

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
        cancelled, or reversed in full, may be billed again. The amount is what is booked as due, read for
        bills of the same day only: the total is stored, and anybody who writes the bill can set it.
        """
        self._approval_take_turn()
        self.env["account.move.line"].flush_model(["amount_currency", "display_type", "move_id"])
        self.env["account.move"].flush_model(
            [
                "ref",
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
                      CASE WHEN move.invoice_date = ANY(%s) THEN (
                               SELECT abs(sum(due.amount_currency))
                                 FROM account_move_line due
                                WHERE due.move_id = move.id AND due.display_type = 'payment_term')
                      END,
                      move.currency_id, move.invoice_date, move.state
                 FROM account_move move
                WHERE move.partner_id IN (SELECT partner.id FROM res_partner partner
                                           WHERE partner.commercial_partner_id = ANY(%s))
                  AND move.company_id = ANY(%s)
                  AND move.move_type = ANY(%s)
                  AND move.state <> 'cancel'
                  AND move.payment_state IS DISTINCT FROM 'reversed'""",
            (
                [day for day in self.mapped("invoice_date") if day],
                self.commercial_partner_id.ids,
                self.company_id.ids,
                list(BILL_TYPES),
            ),
        )
        currencies = self.env["res.currency"]
        known = {}
        for move_id, company, vendor, kind, ref, amount, currency, day, state in self.env.cr.fetchall():
            place = (company, vendor, kind == "in_refund")
            due = currencies.browse(currency).round(float(amount or 0))
            bill = KnownBill(move_id, vendor, ref or "", due, day and (day, currency))
            known.setdefault(place, []).append((state, bill))
        repeats = {}
        for bill in self:
            place = (bill.company_id.id, bill.commercial_partner_id.id, bill.move_type == "in_refund")
            own = KnownBill(
                bill.id,
                place[1],
                bill.ref or "",
                bill._approval_payable(),
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

        Kits, whose movements name other products, and services keep the stored quantity. One query where goods came
        straight from the vendor; what was sent back, or took other ways, is looked at movement by movement.
        """
        received, stored, odd, units, moved = {}, set(), set(), _ById(self.env["uom.uom"]), {}
        for line_id, order_unit, by_moves, unit, quantity, is_plain in self._approval_movements():
            received.setdefault(line_id, Decimal(0))
            if not by_moves:
                stored.add(line_id)
            elif not is_plain:
                odd.add(line_id)
            elif quantity:
                key = unit, quantity, order_unit
                if key not in moved:
                    moved[key] = _moved(units[unit], quantity, units[order_unit])
                received[line_id] += moved[key]
        self.browse(odd).move_ids.fetch(READ_OF_MOVES)
        for line in self.browse(odd):
            moves = line._get_po_line_moves()
            if line.move_ids - moves:
                stored.add(line.id)
                continue
            received[line.id] = sum(
                (
                    _signed(move) * _moved(move.product_uom, move.quantity, line[LINE_UOM])
                    for move in moves
                    if move.state == "done"
                ),
                Decimal(0),
            )
        received.update((line.id, as_decimal(line.qty_received)) for line in self.browse(stored))
        return received

    def _approval_movements(self):
        """``[(line id, its unit id, whether received by movements, unit id, quantity done, whether plain)]``.

        Plain: not done, or from the vendor into stock, of the product of the line. A line without movements has one
        row without quantity.
        """
        # SQL: movements come by the thousand, and nothing else is looked at of those that are plain.
        self.env["stock.move"].flush_model(READ_OF_MOVES)
        self.env["stock.location"].flush_model(["usage"])
        self.env["purchase.order.line"].flush_model(["product_id", LINE_UOM, "qty_received_method"])
        self.env.cr.execute(
            f"""SELECT line.id, line.{LINE_UOM}, COALESCE(line.qty_received_method, '') = 'stock_moves',
                       move.product_uom, CASE WHEN move.state = 'done' THEN move.quantity END,
                       move.id IS NULL
                       OR move.product_id = line.product_id
                          AND (move.state <> 'done'
                               OR move.origin_returned_move_id IS NULL AND source.usage = 'supplier'
                                  AND destination.usage = 'internal')
                  FROM purchase_order_line line
             LEFT JOIN stock_move move ON move.purchase_line_id = line.id
             LEFT JOIN stock_location source ON source.id = move.location_id
             LEFT JOIN stock_location destination ON destination.id = move.location_dest_id
                 WHERE line.id = ANY(%s)""",
            (self.ids,),
        )
        return self.env.cr.fetchall()


class _ById(dict):
    """Records of a small model by id."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def __missing__(self, record_id):
        self[record_id] = found = self.model.browse(record_id)
        return found


def _moved(unit, quantity, order_unit):
    """A moved quantity in the unit of the order line, rounded as Odoo rounds what was received."""
    return as_decimal(unit._compute_quantity(quantity, order_unit, rounding_method="HALF-UP"))


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
    return _in_unit(line.product_uom_id, line.quantity, unit)


def _in_unit(unit, quantity, order_unit):
    return unit._compute_quantity(quantity, order_unit, round=False, raise_if_failure=False)
