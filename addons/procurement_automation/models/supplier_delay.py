"""Goods come later: who is hit.

Rules, in words
---------------
* A promised day that is later than the one before is a *delay*. The buyer gets a to-do, and the customer lines that are
  not served in time because of it are listed, with customer, promised day and value.
* Served by promised day, from what is on hand and what arrives, product by product and site by site
  (:mod:`..engine.delay_impact`). What is late already, and stays as late, is not told again.
* Sales is told once per change: one to-do per customer order.
* The day promised to a customer is that of its order, not that of the stock move: Odoo shifts the latter along.
"""

from collections import defaultdict

from markupsafe import Markup
from odoo import _, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from ..engine import Arrival, Demand, hits, ready_days
from .receipt_parts import OPEN_MOVES


class SupplierDelay(models.Model):
    _name = "distribution.supplier.delay"
    _description = "Delay of a Vendor"
    _inherit = ["distribution.approval.evidence"]
    _order = "id desc"
    _rec_name = "line_id"

    line_id = fields.Many2one(
        "distribution.supplier.confirmation.line",
        "Promise",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    confirmation_id = fields.Many2one(related="line_id.confirmation_id", store=True, index=True)
    company_id = fields.Many2one(related="line_id.company_id", store=True)
    partner_id = fields.Many2one(related="line_id.partner_id", store=True)
    product_id = fields.Many2one(related="line_id.product_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    told_at = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    day_before = fields.Date("Expected Before", readonly=True)
    day_after = fields.Date("Expected Now", readonly=True)
    hit_ids = fields.One2many("distribution.supplier.delay.hit", "delay_id", "Customer Orders at Risk", readonly=True)
    value_at_risk = fields.Monetary(readonly=True, help="Untaxed, in the currency of the company.")

    def write(self, vals):
        self._check_engine()
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Delays are kept: they explain what sales was told."))

    def _check_engine(self):
        if not self.env.su:
            raise AccessError(_("Delays are written by what the vendor says."))


class SupplierDelayHit(models.Model):
    _name = "distribution.supplier.delay.hit"
    _description = "Customer Order at Risk"
    _inherit = ["distribution.engine.evidence"]
    _about = "sale_order_id"
    _order = "delay_id desc, value desc, id"
    _rec_name = "sale_order_id"

    delay_id = fields.Many2one(
        "distribution.supplier.delay", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="delay_id.company_id", store=True)
    product_id = fields.Many2one(related="delay_id.product_id", store=True)
    sale_line_id = fields.Many2one("sale.order.line", readonly=True, index="btree_not_null", ondelete="set null")
    sale_order_id = fields.Many2one("sale.order", readonly=True, index="btree_not_null", ondelete="set null")
    customer_id = fields.Many2one("res.partner", readonly=True, index=True, ondelete="restrict")
    salesperson_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    promised_day = fields.Date("Promised for", readonly=True)
    ready_day = fields.Date("Ready on", readonly=True, help="Empty: nothing in sight serves it.")
    ready_day_before = fields.Date("Ready Before", readonly=True)
    quantity = fields.Float(readonly=True, digits=0)
    value = fields.Monetary(readonly=True, currency_field="currency_id")
    currency_id = fields.Many2one(related="delay_id.currency_id")


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    delay_ids = fields.One2many("distribution.supplier.delay", "confirmation_id", "Delays", readonly=True)

    def _tell_delays(self, before):
        """What later days lead to.

        :param before: ``{confirmation line: what was expected before}``, see ``_expectation``; the others are left out
        """
        self.ensure_one()
        days = {line: (known[0], line.order_line_id._confirmation_day()) for line, known in before.items()}
        later = {line: (old, new) for line, (old, new) in days.items() if old and new and new > old}
        if not later:
            return self.env["distribution.supplier.delay"]
        warehouse = self.order_id.picking_type_id.warehouse_id
        products = self.env["product.product"].union(*(line.product_id for line in later))
        supply = products._delay_supply(warehouse)
        demands, rows = products._delay_demands(warehouse, self.company_id)
        delays = self.env["distribution.supplier.delay"]
        for line, (old, new) in later.items():
            order_line = line.order_line_id
            on_hand, arrivals = supply[line.product_id]
            wanted = demands[line.product_id]
            dropped = order_line._moves_to_come().filtered(lambda move: move.location_dest_id.usage == "customer")
            if dropped:  # no stock between vendor and customer
                by_product, own_rows = dropped._delay_demands(self.company_id)
                on_hand, arrivals, wanted = 0.0, [], by_product[line.product_id]
                rows = {**rows, **own_rows}
            others = [arrival for arrival in arrivals if arrival.key != order_line.id]
            found = hits(
                wanted,
                ready_days(wanted, on_hand, [*others, *before[line][1]]),
                ready_days(wanted, on_hand, [*others, *order_line._expected_arrivals()]),
            )
            reported = [hit for hit in found if hit.demand.key in rows]
            delays |= delays.create(
                {
                    "line_id": line.id,
                    "day_before": old,
                    "day_after": new,
                    "value_at_risk": float(sum(hit.demand.value for hit in reported)),
                    "hit_ids": [fields.Command.create(_hit_values(hit, rows[hit.demand.key])) for hit in reported],
                }
            )
        self._alert(delays)
        return delays

    def _alert(self, delays):
        """Buyer and sales get a to-do; the ledger the facts."""
        words = [
            _(
                "%(product)s: %(after)s instead of %(before)s, %(number)s customer orders at risk",
                product=delay.product_id.display_name,
                before=format_date(self.env, delay.day_before),
                after=format_date(self.env, delay.day_after),
                number=len(delay.hit_ids.sale_order_id),
            )
            for delay in delays
        ]
        buyer = self.order_id._responsible_buyer()
        if buyer:
            self.order_id.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=_("Goods arrive later"),
                note=Markup("<br/>").join(words),
                user_id=buyer.id,
            )
        by_order = defaultdict(list)
        for hit in delays.hit_ids.filtered("sale_order_id"):
            by_order[hit.sale_order_id].append(hit)
        for sale, found in by_order.items():
            seller = sale.user_id
            if seller and seller.active and not seller.share:
                sale.activity_schedule(
                    "mail.mail_activity_data_warning",
                    summary=_("At risk: goods arrive later"),
                    note=Markup("<br/>").join(
                        _(
                            "%(product)s: promised for %(promised)s, ready on %(ready)s",
                            product=hit.product_id.display_name,
                            promised=format_date(self.env, hit.promised_day),
                            ready=format_date(self.env, hit.ready_day) if hit.ready_day else "–",
                        )
                        for hit in found
                    ),
                    user_id=seller.id,
                )
        self.env["distribution.event"]._record(
            "distribution.purchase_order.delayed.v1",
            self.order_id,
            {
                "vendor_id": self.partner_id.id,
                "currency": self.company_id.currency_id.name,
                "lines": [
                    {
                        "line_id": delay.line_id.order_line_id.id,
                        "product_id": delay.product_id.id,
                        "before": delay.day_before,
                        "after": delay.day_after,
                        "value_at_risk": delay.value_at_risk,
                        "sale_orders": sorted(delay.hit_ids.sale_order_id.ids),
                    }
                    for delay in delays
                ],
            },
        )


class SupplierConfirmationLine(models.Model):
    _inherit = "distribution.supplier.confirmation.line"

    def _expectation(self):
        """(day of the order line, what is to arrive and when), as it stands."""
        self.ensure_one()
        return self.order_line_id._confirmation_day(), self.order_line_id._expected_arrivals()


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _delay_supply(self, warehouse):
        """``{product: (on hand at the site, [Arrival])}``; two queries."""
        place = warehouse.view_location_id
        stored = self.env["stock.quant"]._read_group(
            [
                ("product_id", "in", self.ids),
                ("location_id", "child_of", place.id),
                ("location_id.usage", "in", ("internal", "transit")),
            ],
            ["product_id"],
            ["quantity:sum"],
        )
        on_hand = dict(stored)
        moves = self.env["stock.move"].search(
            [
                ("product_id", "in", self.ids),
                ("state", "in", OPEN_MOVES),
                ("location_dest_id", "child_of", place.id),
                "!",
                ("location_id", "child_of", place.id),
            ]
        )
        arrivals = defaultdict(list)
        for move in moves:
            day = move.company_id._day_of(move.date, move.purchase_line_id.order_id._receiving_zone())
            arrivals[move.product_id].append(Arrival(move.purchase_line_id.id, move.product_qty, day))
        return {product: (on_hand.get(product, 0.0), arrivals[product]) for product in self}

    def _delay_demands(self, warehouse, company):
        """(``{product: [Demand]}``, ``{key of a demand: row to tell}``); one query and what it prefetches.

        Everything that leaves the site takes its share; only customers' lines are told.
        """
        place = warehouse.view_location_id
        moves = self.env["stock.move"].search(
            [
                ("product_id", "in", self.ids),
                ("state", "in", OPEN_MOVES),
                ("location_id", "child_of", place.id),
                "!",
                ("location_dest_id", "child_of", place.id),
            ]
        )
        return moves._delay_demands(company)


class StockMove(models.Model):
    _inherit = "stock.move"

    def _delay_demands(self, company):
        """What these movements are wanted for, see :meth:`ProductProduct._delay_demands`."""
        demands, rows = defaultdict(list), {}
        for move in self:
            sale_line = move.sale_line_id
            day = (sale_line and sale_line._promised_day()) or company._day_of(move.date_deadline or move.date)
            value = 0.0
            if sale_line:
                order = sale_line.order_id
                share = move.product_uom_qty / sale_line.product_uom_qty if sale_line.product_uom_qty else 0.0
                value = order.currency_id._convert(
                    sale_line.price_subtotal * share,
                    company.currency_id,
                    company,
                    order.date_order or fields.Date.today(),
                )
                rows[move.id] = {
                    "sale_line_id": sale_line.id,
                    "sale_order_id": order.id,
                    "customer_id": order.partner_id.id,
                    "salesperson_id": order.user_id.id,
                }
            demands[move.product_id].append(Demand(move.id, move.product_qty, day, value, move.id))
        return demands, rows


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _promised_day(self):
        """The day that the customer was promised: of the order where one was agreed, else by the lead time."""
        self.ensure_one()
        order = self.order_id
        if order.commitment_date:
            return order.company_id._day_of(order.commitment_date)
        ordered = order.company_id._day_of(order.date_order or fields.Datetime.now())
        return fields.Date.add(ordered, days=int(self.customer_lead or 0))


def _hit_values(hit, row):
    return {
        **row,
        "promised_day": hit.demand.day,
        "ready_day": hit.ready,
        "ready_day_before": hit.ready_before,
        "quantity": float(hit.demand.quantity),
        "value": float(hit.demand.value),
    }
