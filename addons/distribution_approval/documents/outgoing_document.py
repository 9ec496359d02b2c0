"""What the documents on deliveries to customers share: their moves, orders, values and standing."""

import json
from dataclasses import replace
from decimal import Decimal

from odoo import _, api, fields, models
from psycopg2 import sql

from odoo.addons.distribution_core.compat import LINE_UOM

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, decode_facts
from ..models.approval_past import looks_back
from ..models.approval_policy import day_of
from .picking_document import HEADER


class OutgoingDocument(models.AbstractModel):
    """A governed step of a delivery: goods leave to a customer, from stock or by drop shipment."""

    _name = "distribution.approval.outgoing.document"
    _description = "Governed Step of a Delivery"
    _inherit = ["distribution.approval.picking.document"]

    _approval_finds_undocumented = True
    _approval_of_customer = True
    _approval_header = (*HEADER, ControlledField("order_ids", "Sale Orders", model="sale.order"))
    _approval_header_later = frozenset({"order_ids"})

    @api.model
    def _approval_moves_concerned(self, moves):
        return moves.filtered(
            # The operation, not the move, says where goods go: one of an internal transfer can be diverted.
            lambda move: _reaches_customer(move) or any(_reaches_customer(line) for line in move.move_line_ids)
        )

    def _approval_orders(self):
        """The sale orders that these deliveries fulfil, or are said to."""
        return self._approval_moves()._approval_orders_named() | self.picking_id.sale_id

    def _approval_snapshots(self):
        self.picking_id.move_ids._approval_orders_named()  # read for all deliveries at once
        return super()._approval_snapshots()

    def _approval_snapshot_header(self):
        orders = self._approval_moves().browse(move.id for move in self._approval_moved())._approval_orders_named()
        return {**super()._approval_snapshot_header(), "order_ids": tuple(sorted(orders.ids))}

    def _approval_customer(self):
        """The commercial partner who owes for the delivery; the first of several."""
        self.ensure_one()
        return self._approval_customers()[:1]

    def _approval_customers(self):
        """Everybody who owes for these deliveries: the customer of each order that they name."""
        return (self._approval_orders().partner_id or self.picking_id.partner_id).commercial_partner_id

    def _approval_partner(self):
        return self._approval_customer()

    def _approval_context(self):
        owners = self._approval_customers()._approval_account_owners(self._approval_orders())
        return {**super()._approval_context(), "account_owner": owners}

    @api.model
    def _approval_move_values(self, moved):
        """At the net price of the order; what no order asks for, at cost, or at the price of a line that it names.

        The larger of these: a line that does not explain the goods does not make them cheap.
        """
        explained = {move: move._approval_sale_line() for move in moved}
        values = super()._approval_move_values({move: q for move, q in moved.items() if not explained[move]})
        for move, quantity in moved.items():
            line = explained[move] or move.sale_line_id
            if not explained[move] and line.product_id != move.product_id:
                continue
            uom = line[LINE_UOM] or move.product_uom
            sold = as_decimal(move.product_id.uom_id._compute_quantity(float(quantity), uom, round=False))
            price = self._approval_sold_for(sold * line._approval_net_price(), line.order_id, move.company_id)
            values[move] = price if isinstance(price, Unknown) else max(price, values.get(move, price))
        return values

    @api.model
    def _approval_sold_for(self, value, order, company):
        """``value`` in company currency: at today's rate, of the past at that of the order; or Unknown."""
        if looks_back(self.env) and order.currency_id != company.currency_id:
            rate = as_decimal(order.currency_rate)
            unknown = Unknown(_("the order does not tell its exchange rate"))
            return as_decimal(company.currency_id.round(float(value / rate))) if rate else unknown
        return self._approval_in_company_currency(value, order.currency_id, company)

    # ----------------------------------------------------------- looking back

    def _approval_prefetch_past(self):
        super()._approval_prefetch_past()
        self.picking_id.move_ids._approval_orders_named().mapped("state")

    @api.model
    def _approval_past_places(self):
        return sql.SQL("destination.usage = 'customer' AND source.usage <> 'customer'")

    # ------------------------------------------------------------------ facts

    @api.model
    def _approval_fact_specs(self):
        money = {"type": FactType.MONEY, "unit": "company currency"}
        return {
            spec.name: spec
            for spec in (
                FactSpec("amount", "Value of the delivery", help="At the net prices of the order.", **money),
                FactSpec("order_value", "Value of the order", help="Untaxed value of the orders delivered.", **money),
                FactSpec(
                    "credit_exposure",
                    "Credit exposure",
                    help="Open receivables and confirmed orders not invoiced yet, this one included.",
                    **money,
                ),
                FactSpec(
                    "credit_limit", "Credit limit", optional=True, help="Empty: the customer has no limit.", **money
                ),
                FactSpec(
                    "credit_over_limit",
                    "Over the credit limit",
                    help="By how much the exposure exceeds the limit; 0 without a limit.",
                    **money,
                ),
                FactSpec(
                    "overdue_days",
                    "Days overdue",
                    FactType.NUMBER,
                    unit="days",
                    help="Since the oldest open item of the customer was due.",
                ),
                FactSpec(
                    "limit_changed_days",
                    "Days since the credit limit was changed",
                    FactType.NUMBER,
                    unit="days",
                    optional=True,
                    help="By anybody, for the customer or for all customers. Empty: not within 180 days, as far as "
                    "governance saw it.",
                ),
                FactSpec(
                    "promised_date",
                    "Promised date",
                    FactType.DATE,
                    optional=True,
                    help="The earliest day promised to the customer, by the order or the transfer.",
                ),
                FactSpec(
                    "days_late",
                    "Days late",
                    FactType.NUMBER,
                    unit="days",
                    help="Since the promised date; 0 when it is still to come.",
                ),
                FactSpec(
                    "customer_tier",
                    "Customer tier",
                    FactType.SELECTION,
                    options=tuple(self.env["res.partner"]._fields["customer_tier"].selection),
                ),
                FactSpec("customer", "Customer", FactType.REFERENCE, model="res.partner", optional=True),
                FactSpec("categories", "Product categories", FactType.SET, model="product.category"),
                FactSpec("site", "Delivering site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_prefetch(self):
        """Read what the facts look at for all deliveries at once, not one by one."""
        moves = self.picking_id.move_ids
        (self.picking_id.partner_id | moves.partner_id).mapped("commercial_partner_id")
        lines = moves.sale_line_id
        lines.mapped("price_unit")
        lines.move_ids.mapped("state")
        lines.order_id.mapped("commitment_date")
        (lines.order_id.partner_id | lines.order_id.partner_shipping_id).commercial_partner_id.mapped("customer_tier")
        moves.product_id.uom_id.mapped("rounding")

    def _approval_facts(self, names):
        self._approval_prefetch()
        amounts = self._approval_amounts()
        credit = {}
        if not {"credit_exposure", "credit_limit", "credit_over_limit", "overdue_days"}.isdisjoint(names):
            credit = self._approval_credit_standings()
        orders = self._approval_orders()._approval_amounts() if "order_value" in names else {}
        nobody = Unknown(_("there is no customer"))
        changed = self._approval_limit_changed_days() if "limit_changed_days" in names else {}
        facts = {}
        for document in self:
            standing = credit.get(document.id)
            promised = document._approval_promised_date()
            warehouse = document._approval_site()
            customer = document._approval_customer()
            read = {
                "amount": lambda document=document: amounts[document.id],
                "order_value": lambda document=document: document._approval_order_value(orders),
                "credit_exposure": lambda standing=standing: standing.exposure(),
                "credit_limit": lambda standing=standing: standing.limit,
                "credit_over_limit": lambda standing=standing: standing.over_limit(),
                "overdue_days": lambda standing=standing: standing.overdue_days,
                "limit_changed_days": lambda document=document: changed[document.id],
                "promised_date": lambda promised=promised: promised,
                "days_late": lambda document=document, promised=promised: (
                    max((document._approval_judged_on() - promised).days, 0) if promised else 0
                ),
                "customer_tier": lambda customer=customer: customer.customer_tier or nobody,
                "customer": lambda customer=customer: customer.id or None,
                "categories": lambda document=document: (
                    document._approval_moves().product_id.categ_id._approval_with_parents()
                ),
                "site": lambda warehouse=warehouse: warehouse.id or None,
                "region": lambda warehouse=warehouse: warehouse.region_id.id or None,
                "requester": lambda: self.env.uid,
            }
            facts[document.id] = {name: read[name]() for name in {*names, "amount"} & read.keys()}
        return facts

    def _approval_facts_when_rejected(self):
        """A delivery that people rejected does not leave because what they were asked about is over."""
        known = self.filtered("approval_state")
        if not known:
            return {}
        decided = (
            self.env["distribution.approval.request"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", known.ids),
                    ("kind", "=", "release"),
                    ("state", "in", ("rejected", "approved")),
                ],
                order="id",
            )
        )
        specs = self._approval_all_fact_specs()
        return {
            request.res_id: decode_facts(specs, json.loads(request.snapshot_id.facts))
            for request in {request.res_id: request for request in decided}.values()
            if request.state == "rejected"
        }

    def _approval_credit_standings(self):
        """``{id: Credit}`` of the customer, the strictest of several; constant queries per company."""
        if looks_back(self.env):
            return dict.fromkeys(self.ids, NoCredit(Unknown(_("nothing tells what the customer owed then"))))
        standings = {}
        nobody = Unknown(_("the delivery has no customer"))
        for company in self.company_id:
            documents = self.filtered(lambda document, company=company: document.company_id == company)
            customers = {document.id: document._approval_customers() for document in documents}
            partners = self.env["res.partner"].union(*customers.values())
            credit = partners._approval_credit(company) if partners else {}
            for document_id, owing in customers.items():
                standings[document_id] = _strictest([credit[each.id] for each in owing]) or NoCredit(nobody)
        return standings

    def _approval_limit_changed_days(self):
        """``{id: days since a limit of its customers was changed, or None}``; a query per company."""
        if looks_back(self.env):
            return dict.fromkeys(self.ids, Unknown(_("nothing tells how old the credit limit was then")))
        now = fields.Datetime.now()
        days = {}
        for company in self.company_id:
            documents = self.filtered(lambda document, company=company: document.company_id == company)
            changes = documents._approval_customers()._approval_credit_limit_changes(company)
            for document in documents:
                moments = [
                    moment for each in document._approval_customers() for moment in changes.get(each.id, {}).values()
                ]
                days[document.id] = max((now - max(moments)).days, 0) if moments else None
        return days

    def _approval_promised_date(self):
        self.ensure_one()
        moments = [order.commitment_date for order in self._approval_orders() if order.commitment_date]
        moments = moments or [moment for moment in (self.picking_id.date_deadline,) if moment]
        if not moments:
            return None
        return day_of(self.company_id, min(moments))

    def _approval_order_value(self, known=None):
        """The sum of what the orders of this delivery are worth.

        :param known: ``{order id: amount, or Unknown}``, where that was worked out for many
        """
        orders = self._approval_orders()
        known = orders._approval_amounts() if known is None else known
        amounts = [known[order.id] for order in orders]
        unknown = next((amount for amount in amounts if isinstance(amount, Unknown)), None)
        return sum(amounts, Decimal(0)) if unknown is None else unknown

    # ------------------------------------------------------------- for people

    @api.model
    def _approval_standing(self, request):
        """The order, the customer's credit, and what is about to leave."""
        document = self.sudo().browse(request.res_id).exists()
        if not document:
            return False
        customer = document._approval_customer()
        credit = customer._approval_credit(document.company_id)[customer.id] if customer else None
        exposure = credit.exposure() if credit else Unknown()
        return self.env["ir.qweb"]._render(
            "distribution_approval.delivery_standing",
            {
                "customer": customer,
                "credit": credit,
                "exposure": None if isinstance(exposure, Unknown) else exposure,
                "currency": document.company_id.currency_id,
                "orders": document._approval_orders(),
                "promised": document._approval_promised_date(),
                "reasons": document._approval_reason_words(),
                "moved": document._approval_moved(),
            },
        )

    def _approval_reason_words(self):
        """Why this delivery is held, in words; empty when nothing holds it."""
        return []


def _reaches_customer(moved):
    """Whether goods get to a customer on ``moved``, a move or one of its operations."""
    return moved.location_dest_id.usage == "customer" and moved.location_id.usage != "customer"


def _strictest(standings):
    """One standing for several customers: of the one furthest over the limit, with the oldest item of all; or None."""
    if len(standings) < 2:
        return standings[0] if standings else None
    unknown = next((each for each in standings if isinstance(each.over_limit(), Unknown)), None)
    worst = unknown or max(standings, key=lambda each: each.over_limit())
    return replace(worst, overdue_days=max(each.overdue_days for each in standings))


class NoCredit:
    """The standing of nobody: every part of it is unknown."""

    def __init__(self, unknown):
        self.limit = self.overdue_days = unknown

    def exposure(self):
        return self.limit

    over_limit = exposure
