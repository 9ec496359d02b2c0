"""Sale orders under approval.

Guarded: confirming (state ``sale``), by whoever: the button, a customer who signs or pays in the
portal, an import, a server action. Controlled: company, customer, invoice and delivery address,
currency, price list, payment terms, incoterm, warehouse; on lines product, quantity, unit, price,
discount, taxes, and which lines there are. Not controlled, because normal work changes them: dates,
delivered and invoiced quantities, invoicing, notes, sequence, salesperson, locking.

Exempt, with reasons:

* sections and notes, and lines of quantity zero that do not lower the order: down payments and products
  that a delivery added are such lines. A quantity given to one later makes it an added line; a negative
  price on one is a discount in disguise and is controlled;
* expenses that a posted bill proves (:mod:`.sale_reinvoiced`);
* the cost of delivery counts in the value of the order only, so that what the carrier really charged
  may differ within the tolerance that the policy grants.

Odoo has no waiting state for quotations: a held one stays a quotation and shows the hold.
"""

from contextlib import contextmanager
from decimal import Decimal
from itertools import chain

from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import LINE_UOM, SALE_LINE_TAXES

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, seal
from ..models.approval_policy import today
from ..models.gate_frame import gate_frame

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Customer", model="res.partner"),
    ControlledField("partner_invoice_id", "Invoice Address", model="res.partner"),
    ControlledField("partner_shipping_id", "Delivery Address", model="res.partner"),
    ControlledField("currency_id", "Currency", model="res.currency"),
    ControlledField("pricelist_id", "Price List", model="product.pricelist"),
    ControlledField("payment_term_id", "Payment Terms", model="account.payment.term"),
    ControlledField("incoterm", "Incoterm", model="account.incoterms"),
    ControlledField("warehouse_id", "Warehouse", model="stock.warehouse"),
    ControlledField("amount", "Untaxed Amount", "amount"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("uom", "Unit of Measure", model="uom.uom"),
    ControlledField("taxes", "Taxes", model="account.tax"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("price_unit", "Unit Price", "amount"),
    ControlledField("discount", "Discount", "discount"),
    ControlledField("value", "Value", "amount"),
)
REFERENCES = tuple(field.name for field in HEADER if field.name != "amount")
CREDIT_FACTS = frozenset({"credit_exposure", "credit_limit", "credit_over_limit", "overdue_days"})
#: Those of them that nothing but a limit changes, and what they are without one.
NO_LIMIT = {"credit_limit": None, "credit_over_limit": Decimal(0)}
LIMIT_FACTS = frozenset(NO_LIMIT)
LIST_FACTS = frozenset({"price_under_list"})
CHANGE_FACTS = frozenset({"terms_changed_days"})
LINES_KEY = "distribution.approval.sale_lines"
MARGIN_FACTS = frozenset({"margin_amount", "margin_percent", "margin_worst_line"})


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "distribution.approval.mixin"]

    _approval_type = "sale_order"
    _approval_guarded_states = ("sale",)
    _approval_ask_action = "action_confirm"
    _approval_ask_states = ("draft", "sent")
    _approval_controlled = frozenset(REFERENCES) | {"order_line"}
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"user_id"})
    _approval_line_field = "order_line"
    _approval_of_customer = True
    _approval_header = HEADER
    _approval_line = LINE
    _approval_not_shown = frozenset({"company_id", "taxes"})

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Sale Order")

    @api.model
    def _approval_fact_specs(self):
        money = {"type": FactType.MONEY, "unit": "company currency"}
        percent = {"type": FactType.PERCENT, "unit": "%"}
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount", "Amount", help="Untaxed value at today's rate. Negative lines do not lower it.", **money
                ),
                FactSpec(
                    "discount",
                    "Discount",
                    help="What the order gives away of its value before discounts; negative lines count as discount.",
                    **percent,
                ),
                FactSpec("discount_worst_line", "Largest discount of a line", **percent),
                FactSpec(
                    "price_under_list",
                    "Price under list",
                    optional=True,
                    help="The line furthest below the price list of the customer (not the one chosen on the order), "
                    "discount included. Empty: no line has a list price.",
                    **percent,
                ),
                FactSpec(
                    "margin_amount",
                    "Margin",
                    help="Value of the order less its cost. The higher of the cost on the line and the cost of the "
                    "product counts; goods without a cost make it unknown.",
                    **money,
                ),
                FactSpec("margin_percent", "Margin in percent", help="Of the untaxed value of the order.", **percent),
                FactSpec("margin_worst_line", "Lowest margin of a line", **percent),
                FactSpec(
                    "credit_exposure",
                    "Credit exposure",
                    help="Open receivables and confirmed orders not invoiced yet, this order with taxes included.",
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
                    "customer_tier",
                    "Customer tier",
                    FactType.SELECTION,
                    options=tuple(self.env["res.partner"]._fields["customer_tier"].selection),
                ),
                FactSpec("customer", "Customer", FactType.REFERENCE, model="res.partner"),
                FactSpec(
                    "rush",
                    "Rush order",
                    FactType.FLAG,
                    help="The delivery date is sooner than the lead time of a product on it.",
                ),
                FactSpec(
                    "days_short_of_lead_time",
                    "Days short of the lead time",
                    FactType.NUMBER,
                    unit="days",
                    help="0: there is time enough, or no delivery date was promised.",
                ),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Categories of the products, with the categories above them.",
                ),
                FactSpec("site", "Delivering site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("sales_team", "Sales team", FactType.REFERENCE, model="crm.team", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
                FactSpec(
                    "by_customer",
                    "Confirmed by the customer",
                    FactType.FLAG,
                    help="Signed or paid in the portal.",
                ),
                FactSpec(
                    "own_terms",
                    "Payment terms differ",
                    FactType.FLAG,
                    help="The order's payment terms are not those of the customer.",
                ),
                FactSpec(
                    "terms_longer_days",
                    "Payment terms longer by",
                    FactType.NUMBER,
                    unit="days",
                    help="By how many days the order may be paid later than by the terms of the customer: the last "
                    "instalment, or the average of all if that is more. 0: no later.",
                ),
                FactSpec(
                    "terms_changed_days",
                    "Days since its own people changed the terms",
                    FactType.NUMBER,
                    unit="days",
                    optional=True,
                    help="Since who asks, the salesperson, or who made or edited the order changed the price list, "
                    "payment terms or credit limit of the customer or of all customers, the price list itself, the "
                    "payment terms, the sales price, price extras or cost of a product on the order, the place of its "
                    "category among the others, the choices of a combo, or, where currencies differ, an exchange "
                    "rate. Empty: not within 180 days, as far as governance saw it.",
                ),
                FactSpec("foreign_currency", "In foreign currency", FactType.FLAG),
                FactSpec(
                    "negative_line", "Has a negative line", FactType.FLAG, help="A line lowers the total of the order."
                ),
                FactSpec("free_line", "Has a line without price", FactType.FLAG),
            )
        }

    def _approval_partner(self):
        return self.partner_id.commercial_partner_id

    def _approval_owners(self):
        return self.user_id | self.create_uid

    def _approval_requester(self):
        """A customer who signs or pays asks for nothing: the salesperson does, else the system."""
        user = self.env.user
        # The portal and the payment providers act as the system, or as the customer.
        if not user.share and not user._is_superuser():
            return user
        salesperson = self.sudo().user_id
        return salesperson if salesperson.active and not salesperson.share else self.env.ref("base.user_root")

    def _approval_waits(self):
        return self.sudo().state in ("draft", "sent")

    def _approval_site(self):
        return self.warehouse_id

    def _approval_confirmed_at(self):
        self.ensure_one()
        return self.date_order

    def _approval_context(self):
        warehouse = self.warehouse_id
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id)],
            "region_manager": [(warehouse.region_id, warehouse.region_id.manager_id)],
            "account_owner": self._approval_partner()._approval_account_owners(self),
            "category_manager": [
                (category, category._approval_manager())
                for category in self._approval_lines().product_id.categ_id.sorted("id")
            ],
        }

    # ------------------------------------------------------ controlled values

    def _approval_lines(self):
        """The lines that sell something, or lower the order."""
        known = vars(self.env.cr).get(LINES_KEY)
        if known is None:
            return self._approval_lines_now()
        for order in self:
            if order.id not in known:
                known[order.id] = order._approval_lines_now()._ids
        ids = tuple(chain.from_iterable(known[order.id] for order in self))
        return self.env["sale.order.line"].browse(ids).with_prefetch(self.order_line._prefetch_ids)

    @contextmanager
    def _approval_same_lines(self):
        """Nothing is written inside: :meth:`_approval_lines` are found once."""
        kept = vars(self.env.cr)
        before = kept.get(LINES_KEY)
        kept[LINES_KEY] = {} if before is None else before
        try:
            yield
        finally:
            kept[LINES_KEY] = before

    def _approval_lines_now(self):
        return self.order_line.filtered(
            lambda line: (
                not line.display_type
                and (line.product_uom_qty or line.price_unit < 0)
                and not line._approval_is_carriage()
                and not line._approval_is_reinvoiced()
            )
        )

    def _approval_line_values(self):
        """``{line id: untaxed value in order currency}``; see the purchase order."""
        return {line.id: as_decimal(line._approval_value()) for line in self._approval_lines()}

    def _approval_carriage(self):
        """What the order charges for its delivery, in order currency."""
        lines = self.order_line.filtered(lambda line: line._approval_is_carriage())
        return sum((as_decimal(line._approval_value()) for line in lines), Decimal(0))

    def _approval_snapshots(self):
        self.order_line.mapped(SALE_LINE_TAXES)  # read for all orders at once
        return {order.id: order._approval_snapshot() for order in self}

    def _approval_snapshot(self):
        self.ensure_one()
        lines = self._approval_lines()
        values = {line.id: as_decimal(line._approval_value()) for line in lines}
        return seal(
            {
                **{name: self[name].id or None for name in REFERENCES if name in self._fields},
                "amount": sum(values.values(), Decimal(0)) + self._approval_carriage(),
            },
            {
                str(line.id): {
                    "product_id": line.product_id.id or None,
                    "uom": line[LINE_UOM].id or None,
                    "taxes": sorted(line[SALE_LINE_TAXES].ids),
                    "quantity": as_decimal(line.product_uom_qty),
                    "price_unit": as_decimal(line.price_unit),
                    "discount": as_decimal(line.discount or 0),
                    "value": values[line.id],
                }
                for line in lines
            },
        )

    # ------------------------------------------------------------------ facts

    def _approval_facts(self, names):
        """See :meth:`distribution.approval.mixin._approval_facts`; queries per batch are constant."""
        with self._approval_same_lines():
            return self._approval_facts_of(names)

    def _approval_facts_of(self, names):
        amounts = self._approval_amounts()
        credit = self._approval_credit_standing(names) if not CREDIT_FACTS.isdisjoint(names) else {}
        lists = self._approval_list_prices() if not LIST_FACTS.isdisjoint(names) else {}
        changed = self._approval_terms_changed_days() if not CHANGE_FACTS.isdisjoint(names) else {}
        facts = {}
        for order in self:
            lines = order._approval_lines()
            customer = order._approval_partner()
            margin = order._approval_margin() if not MARGIN_FACTS.isdisjoint(names) else {}
            read = {
                "amount": lambda order=order: amounts[order.id],
                "discount": lambda order=order: order._approval_discount(),
                "discount_worst_line": lambda lines=lines: max(
                    (as_decimal(line.discount or 0) for line in lines), default=Decimal(0)
                ),
                "price_under_list": lambda order=order: order._approval_price_under_list(lists),
                **{name: lambda margin=margin, name=name: margin[name] for name in MARGIN_FACTS},
                **{name: lambda order=order, name=name: credit[order.id][name] for name in CREDIT_FACTS},
                "customer_tier": lambda customer=customer: customer.customer_tier,
                "customer": lambda customer=customer: customer.id,
                "rush": lambda order=order: order._approval_days_short() > 0,
                "days_short_of_lead_time": lambda order=order: order._approval_days_short(),
                "categories": lambda lines=lines: lines.product_id.categ_id._approval_with_parents(),
                "site": lambda order=order: order.warehouse_id.id or None,
                "region": lambda order=order: order.warehouse_id.region_id.id or None,
                "sales_team": lambda order=order: order.team_id.id or None,
                "requester": lambda order=order: order._approval_requester().id,
                "by_customer": lambda order=order: order._approval_by_customer(),
                "own_terms": lambda order=order: order._approval_own_terms(),
                "terms_longer_days": lambda order=order: order._approval_terms_longer(),
                "terms_changed_days": lambda order=order: changed[order.id],
                "foreign_currency": lambda order=order: order.currency_id != order.company_id.currency_id,
                "negative_line": lambda lines=lines: any(
                    line.price_unit < 0 or line.product_uom_qty < 0 for line in lines
                ),
                "free_line": lambda lines=lines: any(not line._approval_net_price() for line in lines),
            }
            facts[order.id] = {name: read[name]() for name in {*names, "amount"}}
        return facts

    def _approval_amounts(self):
        """``{id: Decimal in company currency, or Unknown}``; see the purchase order."""
        amounts = {}
        for order in self:
            values = (*order._approval_line_values().values(), order._approval_carriage())
            positive = sum((max(value, Decimal(0)) for value in values), Decimal(0))
            amounts[order.id] = self._approval_in_company_currency(positive, order.currency_id, order.company_id)
        return amounts

    def _approval_discount(self):
        """Percent of the value before discounts that the order gives away."""
        self.ensure_one()
        gross = net = Decimal(0)
        for line in self._approval_lines():
            full = as_decimal(line.price_unit) * as_decimal(line.product_uom_qty)
            gross += max(full, Decimal(0))
            net += full * (1 - as_decimal(line.discount or 0) / 100)
        return as_decimal(round((gross - net) / gross * 100, 6)) if gross else Decimal(0)

    def _approval_margin(self):
        """``{fact: value}`` of the margins; Unknown when goods have no cost."""
        self.ensure_one()
        value = cost = Decimal(0)
        worst = None
        for line in self.with_company(self.company_id)._approval_lines():
            unit_cost = self._approval_unit_cost(line)
            if isinstance(unit_cost, Unknown):
                return dict.fromkeys(MARGIN_FACTS, unit_cost)
            line_value = as_decimal(line._approval_value())
            line_cost = unit_cost * as_decimal(line.product_uom_qty)
            value, cost = value + line_value, cost + line_cost
            percent = (
                (line_value - line_cost) / line_value * 100 if line_value > 0 else Decimal(-100 if line_cost else 0)
            )
            if line_cost or line_value > 0:
                worst = percent if worst is None else min(worst, percent)
        margin = value - cost
        total = margin / value * 100 if value > 0 else Decimal(-100 if cost else 0)
        return {
            "margin_amount": self._approval_in_company_currency(margin, self.currency_id, self.company_id),
            "margin_percent": as_decimal(round(total, 6)),
            "margin_worst_line": as_decimal(round(worst or Decimal(0), 6)),
        }

    def _approval_unit_cost(self, line):
        """Cost per unit of the line (with the company of the order) in order currency: the higher of the line's own
        and the product's.

        The cost on the line can be typed over; it may raise the cost, never lower it.
        """
        product = line.product_id
        if not product:
            return Decimal(0)
        if not product.standard_price and product.type != "service":
            return Unknown(_("%s has no cost", product.display_name))
        cost = product.uom_id._compute_price(product.standard_price, line[LINE_UOM])
        source = product.cost_currency_id
        if source != self.currency_id:
            for currency in (source | self.currency_id) - self.company_id.currency_id:
                if doubt := currency._approval_rate_doubt(self.company_id):
                    return Unknown(doubt)
            cost = source._convert(cost, self.currency_id, self.company_id, today(self.company_id), round=False)
        return max(as_decimal(cost), as_decimal(line.purchase_price))

    def _approval_list_prices(self):
        """``{line id: list price per unit of the line in order currency}`` by the customers' own lists.

        The list of the customer counts, whatever somebody entered for the contact who orders. The rules of each
        list are read once for all lines.
        """
        prices, price_lists = {}, self._approval_price_lists()
        now = fields.Datetime.now()
        for company in self.company_id:
            orders = self.filtered(lambda order, company=company: order.company_id == company).with_company(company)
            lines_of = {}
            for order in orders:
                pricelist = price_lists[order.id]
                lines_of.setdefault(pricelist, self.env["sale.order.line"])
                lines_of[pricelist] |= order._approval_lines().filtered("product_id").with_company(company)
            for pricelist, lines in lines_of.items():
                rules = pricelist._get_applicable_rules(lines.product_id, now)
                for line in lines:
                    prices[line.id] = _list_price(line, rules, now)
        return prices

    def _approval_price_under_list(self, prices):
        """Percent of the line furthest below its list price, or None."""
        worst = None
        for line in self._approval_lines():
            price = prices.get(line.id)
            if not price:
                continue
            under = (price - line._approval_net_price()) / price * 100
            worst = under if worst is None else max(worst, under)
        return None if worst is None else as_decimal(round(worst, 6))

    def _approval_total(self):
        """What the customer will owe for this order, taxes included, in company currency, or Unknown."""
        self.ensure_one()
        total = sum(
            (as_decimal(line._approval_total()) for line in self.order_line if not line.display_type), Decimal(0)
        )
        return self._approval_in_company_currency(as_decimal(round(total, 6)), self.currency_id, self.company_id)

    def _approval_credit_standing(self, names=CREDIT_FACTS):
        """``{id: {fact: value}}``; orders judged together count together, in the order of their ids.

        Where only the limit matters, the accounts of customers who have none are not looked up.
        """
        standing = {}
        for company in self.company_id:
            orders = self.filtered(lambda order, company=company: order.company_id == company)
            if LIMIT_FACTS.issuperset(CREDIT_FACTS.intersection(names)):
                # The judgement is not the reader's: they need no right to see the customer's account.
                free = orders.filtered(
                    lambda order, company=company: (
                        not order._approval_partner().sudo().with_company(company).credit_limit
                    )
                )
                standing.update(dict.fromkeys(free.ids, NO_LIMIT))
                orders -= free
            if not orders:
                continue
            # Orders of one customer that are judged at the same instant take turns.
            turn = self.env["distribution.approval.turn"]._clause(
                (self._approval_type, company.id, order._approval_partner().id) for order in orders
            )
            credit = orders.partner_id._approval_credit(company, orders.ids, turn)
            added = {}
            for order in orders.sorted("id"):
                customer = order._approval_partner().id
                total = order._approval_total()
                known = added.get(customer, Decimal(0))
                more = next((part for part in (known, total) if isinstance(part, Unknown)), None) or known + total
                added[customer] = more
                standing[order.id] = {
                    "credit_exposure": credit[customer].exposure(more),
                    "credit_limit": credit[customer].limit,
                    "credit_over_limit": credit[customer].over_limit(more),
                    "overdue_days": credit[customer].overdue_days,
                }
        return standing

    def _approval_days_short(self):
        """By how many days the promised date is sooner than the longest lead time on the order."""
        self.ensure_one()
        if not self.commitment_date:
            return 0
        lead = max((line.product_id.sale_delay for line in self._approval_lines()), default=0)
        promised = fields.Datetime.context_timestamp(
            self.with_context(tz=self.company_id._approval_time_zone()), self.commitment_date
        ).date()
        return max(int(lead) - (promised - today(self.company_id)).days, 0)

    # ------------------------------------------------------------- for people

    @api.model
    def _approval_standing(self, request):
        """The customer's credit, and the lines against list price and cost."""
        order = self.sudo().browse(request.res_id).exists()
        if not order:
            return False
        customer = order._approval_partner()
        credit = order.partner_id._approval_credit(order.company_id, order.ids)[customer.id]
        prices = order._approval_list_prices()
        lines = []
        for line in order._approval_lines():
            net, cost = line._approval_net_price(), order._approval_unit_cost(line.with_company(order.company_id))
            known = not isinstance(cost, Unknown)
            lines.append(
                {
                    "product": line.product_id.display_name or line.name,
                    "quantity": line.product_uom_qty,
                    "price": net,
                    "list": prices.get(line.id),
                    "margin": (net - cost) / net * 100 if known and net else None,
                }
            )
        total = order._approval_total()
        exposure = credit.exposure(total)
        return self.env["ir.qweb"]._render(
            "distribution_approval.sale_standing",
            {
                "customer": customer,
                "tier": dict(customer._fields["customer_tier"]._description_selection(self.env)).get(
                    customer.customer_tier
                ),
                "credit": credit,
                "exposure": None if isinstance(exposure, Unknown) else exposure,
                "currency": order.company_id.currency_id,
                "order_currency": order.currency_id,
                "lines": lines,
            },
        )

    def _approval_customer_waits(self):
        """Whether the customer did their part – signed or paid – and the order is held."""
        self.ensure_one()
        order = self.sudo()
        return bool(order.approval_state and order._approval_waits() and order._approval_by_customer())

    def _approval_by_customer(self):
        """Whether the customer signed, or paid."""
        self.ensure_one()
        paid = self.transaction_ids.filtered(lambda transaction: transaction.state in ("authorized", "done"))
        return bool(self.signed_by or paid)

    # ------------------------------------------------------------- core flow

    def action_confirm(self):
        """Confirm what policy or people released; file requests for the rest.

        Held quotations stay what they are and do not disturb the others of the batch.
        """
        with gate_frame(self.env):
            asked = self.filtered(lambda order: order.state in ("draft", "sent"))._approval_governed()
            held = asked._approval_screen("action_confirm")
            ready = self - held
            return super(SaleOrder, ready).action_confirm() if ready or not held else True

    def _action_cancel(self):
        with gate_frame(self.env):
            return super()._action_cancel()

    def action_draft(self):
        with gate_frame(self.env):
            return super().action_draft()

    def _approval_resume(self, action):
        """Confirm a released order; a customer who signed or paid is told, as Odoo does."""
        for order in self:
            order.with_context(send_email=order.sudo()._approval_by_customer()).action_confirm()


def _list_price(line, rules, date):
    """List price per unit of ``line`` in order currency, by the first of ``rules`` that applies."""
    # Extras of values that make no variant of their own are a part of the price.
    product = line.product_id.with_context(**line._get_product_price_context())
    uom = line[LINE_UOM] or product.uom_id
    quantity = uom._compute_quantity(line.product_uom_qty, product.uom_id, raise_if_failure=False)
    rule = rules.browse()
    for candidate in rules:
        if candidate._is_applicable_for(product, quantity):
            rule = candidate
            break
    company = line.company_id or line.order_id.company_id
    currency = rule.currency_id or line.order_id.currency_id
    price = rule._compute_price(product, line.product_uom_qty or 1.0, uom, date=date, currency=currency)
    if currency != line.order_id.currency_id:
        price = currency._convert(price, line.order_id.currency_id, company, today(company), round=False)
    return as_decimal(price)
