"""Purchase orders under approval.

Guarded: confirming (states ``purchase`` and ``done``). Controlled: company, vendor, currency,
destination, drop-ship address, payment terms; on lines product, quantity, unit, price, discount,
taxes, and which lines there are. Not controlled, because normal work changes them: dates,
received and invoiced quantities, origin, notes, sequence, buyer, links to moves, locking.
Exempt lines: sections and notes, and lines of quantity zero (they buy nothing; a quantity
given to one later makes it an added line).
"""

from datetime import timedelta
from decimal import Decimal

from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import (
    LINE_UOM,
    PURCHASE_CONFIRMED_STATES,
    PURCHASE_LINE_TAXES,
    SUPPLIERINFO_UOM,
)

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, seal
from ..models.approval_policy import today
from ..models.gate_frame import gate_frame

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Vendor", model="res.partner"),
    ControlledField("currency_id", "Currency", model="res.currency"),
    ControlledField("picking_type_id", "Deliver To", model="stock.picking.type"),
    ControlledField("dest_address_id", "Drop-ship Address", model="res.partner"),
    ControlledField("payment_term_id", "Payment Terms", model="account.payment.term"),
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
CONTROLLED = frozenset(field.name for field in HEADER) - {"amount"}


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "distribution.approval.mixin"]

    _approval_type = "purchase_order"
    _approval_guarded_states = PURCHASE_CONFIRMED_STATES
    _approval_ask_action = "button_confirm"
    _approval_ask_states = ("draft", "sent")
    _approval_controlled = CONTROLLED | {"order_line"}
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"user_id"})
    _approval_line_field = "order_line"
    _approval_header = HEADER
    _approval_line = LINE
    _approval_not_shown = frozenset({"company_id", "taxes"})

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Purchase Order")

    @api.model
    def _approval_fact_specs(self):
        partner = self.env["res.partner"]
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount",
                    "Amount",
                    FactType.MONEY,
                    unit="company currency",
                    minimum=0,
                    help="Untaxed value at today's rate. Negative lines do not lower it.",
                ),
                FactSpec(
                    "vendor_window_total",
                    "Small orders with this vendor",
                    FactType.MONEY,
                    unit="company currency",
                    minimum=0,
                    help="Orders released for the vendor within the policy's window of days, this one included; "
                    "only those up to the policy's limit for small orders count.",
                ),
                FactSpec(
                    "vendor_status",
                    "Vendor status",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_status"].selection),
                ),
                FactSpec(
                    "vendor_risk_tier",
                    "Vendor risk",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_risk_tier"].selection),
                ),
                FactSpec("vendor", "Vendor", FactType.REFERENCE, model="res.partner"),
                FactSpec(
                    "price_over_contract",
                    "Price over contract",
                    FactType.PERCENT,
                    unit="%",
                    optional=True,
                    help="The line furthest above its contract price. Empty: no line has one.",
                ),
                FactSpec(
                    "no_contract_price",
                    "A line has no contract price",
                    FactType.FLAG,
                    help="No valid contract price of this vendor for the product, quantity and date.",
                ),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Categories of the products, with the categories above them.",
                ),
                FactSpec("site", "Receiving site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("urgent", "Urgent", FactType.FLAG, help="The order carries the priority star."),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
                FactSpec("drop_ship", "Drop shipment", FactType.FLAG),
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

    def _approval_waits(self):
        return self.sudo().state == "to approve"

    def _approval_site(self):
        return self.picking_type_id.warehouse_id

    def _approval_confirmed_at(self):
        self.ensure_one()
        return self.date_approve

    def _approval_context(self):
        warehouse = self.picking_type_id.warehouse_id
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id)],
            "region_manager": [(warehouse.region_id, warehouse.region_id.manager_id)],
            "category_manager": [
                (category, category._approval_manager())
                for category in self._approval_lines().product_id.categ_id.sorted("id")
            ],
        }

    # ------------------------------------------------------ controlled values

    def _approval_lines(self):
        """The lines that buy something."""
        return self.order_line.filtered(lambda line: not line.display_type and line.product_qty)

    def _approval_line_values(self):
        """``{line id: untaxed value in order currency}`` of the lines that buy something.

        They follow from what is ordered: subtotals are stored, and whoever may write a line may
        write over them.
        """
        return {line.id: as_decimal(line._approval_value()) for line in self._approval_lines()}

    def _approval_snapshots(self):
        return {order.id: order._approval_snapshot() for order in self}

    def _approval_snapshot(self):
        self.ensure_one()
        lines = self._approval_lines()
        values = {line.id: as_decimal(line._approval_value()) for line in lines}
        return seal(
            {
                "company_id": self.company_id.id,
                "partner_id": self.partner_id.id,
                "currency_id": self.currency_id.id,
                "picking_type_id": self.picking_type_id.id,
                "dest_address_id": self.dest_address_id.id or None,
                "payment_term_id": self.payment_term_id.id or None,
                "amount": sum(values.values(), Decimal(0)),
            },
            {
                str(line.id): {
                    "product_id": line.product_id.id,
                    "uom": line[LINE_UOM].id,
                    "taxes": sorted(line[PURCHASE_LINE_TAXES].ids),
                    "quantity": as_decimal(line.product_qty),
                    "price_unit": as_decimal(line.price_unit),
                    "discount": as_decimal(line.discount),
                    "value": values[line.id],
                }
                for line in lines
            },
        )

    # ------------------------------------------------------------- for people

    @api.model
    def _approval_standing(self, request):
        """The vendor's standing, what is open with it, and the lines against their contract prices."""
        order = self.sudo().browse(request.res_id).exists()
        vendor = request.partner_id.sudo()
        open_orders = self.sudo().search(
            [
                ("partner_id", "child_of", vendor.id),
                ("company_id", "=", request.company_id.id),
                ("state", "in", ("sent", "to approve", *PURCHASE_CONFIRMED_STATES)),
                ("receipt_status", "!=", "full"),
                ("id", "!=", request.res_id),
            ]
        )
        prices = order._approval_contract_prices() if order else {}
        lines = []
        for line in order._approval_lines():
            contract = order._approval_contract_price(line, prices)
            contract = None if isinstance(contract, Unknown) else contract
            net = as_decimal(line.price_unit) * (1 - as_decimal(line.discount) / 100)
            lines.append(
                {
                    "product": line.product_id.display_name,
                    "price": net,
                    "contract": contract,
                    "over": (net - contract) / contract * 100 if contract else None,
                }
            )
        return self.env["ir.qweb"]._render(
            "distribution_approval.purchase_standing",
            {
                "vendor": vendor,
                "status": dict(vendor._fields["vendor_status"]._description_selection(self.env)).get(
                    vendor.vendor_status
                ),
                "risk": dict(vendor._fields["vendor_risk_tier"]._description_selection(self.env)).get(
                    vendor.vendor_risk_tier
                ),
                "open_orders": open_orders[:5],
                "open_count": len(open_orders),
                "open_total": sum(
                    open_order.currency_id._convert(
                        open_order.amount_untaxed,
                        request.currency_id,
                        request.company_id,
                        fields.Date.context_today(self),
                    )
                    for open_order in open_orders
                ),
                "currency": request.currency_id,
                "order_currency": order.currency_id,
                "lines": lines,
            },
        )

    # ------------------------------------------------------------------ facts

    def _approval_facts(self, names):
        """See :meth:`distribution.approval.mixin._approval_facts`.

        At most one query each for the vendor totals and the contract prices of all orders.
        """
        amounts = self._approval_amounts()
        priced = not {"price_over_contract", "no_contract_price"}.isdisjoint(names)
        prices = self._approval_contract_prices() if priced else {}
        totals = self._approval_vendor_totals(amounts) if "vendor_window_total" in names else {}
        facts = {}
        for order in self:
            lines = order._approval_lines()
            vendor = order.partner_id.commercial_partner_id
            warehouse = order.picking_type_id.warehouse_id
            over, missing = order._approval_price_over_contract(prices) if priced else (None, False)
            read = {
                "amount": lambda order=order: amounts[order.id],
                "vendor_window_total": lambda order=order: totals[order.id],
                "vendor_status": lambda vendor=vendor: vendor.vendor_status or Unknown("the vendor has no status"),
                "vendor_risk_tier": lambda vendor=vendor: (
                    vendor.vendor_risk_tier or Unknown("the vendor has no risk tier")
                ),
                "vendor": lambda vendor=vendor: vendor.id,
                "price_over_contract": lambda over=over: over,
                "no_contract_price": lambda missing=missing: missing,
                "categories": lambda lines=lines: lines.product_id.categ_id._approval_with_parents(),
                "site": lambda warehouse=warehouse: warehouse.id or None,
                "region": lambda warehouse=warehouse: warehouse.region_id.id or None,
                "urgent": lambda order=order: order.priority == "1",
                "requester": lambda: self.env.uid,
                "drop_ship": lambda order=order: bool(order.dest_address_id),
                "foreign_currency": lambda order=order: order.currency_id != order.company_id.currency_id,
                "negative_line": lambda order=order: any(value < 0 for value in order._approval_line_values().values()),
                "free_line": lambda lines=lines: any(not line.price_unit for line in lines),
            }
            facts[order.id] = {name: read[name]() for name in {*names, "amount"}}
        return facts

    def _approval_amounts(self):
        """``{id: Decimal in company currency, or Unknown}``.

        The sum of the positive lines at today's rate: a negative line does not buy room under a
        limit, and a date typed on the order does not choose the rate.
        """
        amounts = {}
        for order in self:
            positive = sum((max(value, Decimal(0)) for value in order._approval_line_values().values()), Decimal(0))
            amounts[order.id] = self._approval_in_company_currency(positive, order.currency_id, order.company_id)
        return amounts

    def _approval_vendor_totals(self, amounts):
        """``{id: small orders with the vendor in the window, this one included}``; one query.

        Orders judged together count together, in the order of their ids, so that ten small orders
        confirmed at once add up like ten confirmed one after the other.
        """
        version_of = {
            company: self.env["distribution.approval.policy"]._effective_version(self._approval_type, company)
            for company in self.company_id
        }
        days = max((version.spend_window_days for version in version_of.values()), default=7)
        self.env["distribution.approval.release"].flush_model()
        turn, values = self.env["distribution.approval.turn"]._clause(
            (self._approval_type, order.company_id.id, order.partner_id.commercial_partner_id.id) for order in self
        )
        self.env.cr.execute(
            turn
            + """
               SELECT release.company_id, release.partner_ref, release.res_id, release.amount, release.released_at
                 FROM distribution_approval_release release
                WHERE release.document_type = %s
                  AND release.kind <> 'void'
                  AND release.company_id = ANY(%s)
                  AND release.partner_ref = ANY(%s)
                  AND release.released_at > %s
                  AND NOT EXISTS (SELECT 1
                                    FROM distribution_approval_release void
                                   WHERE void.kind = 'void' AND void.void_ref = release.id)
             ORDER BY release.id""",
            (
                *values,
                self._approval_type,
                self.company_id.ids,
                self.partner_id.commercial_partner_id.ids,
                fields.Datetime.now() - timedelta(days=days),
            ),
        )
        released = {}
        for company_id, partner_ref, res_id, amount, released_at in self.env.cr.fetchall():
            # An order that was amended counts once, with its latest value.
            released.setdefault((company_id, partner_ref), {})[res_id] = (released_at, as_decimal(amount or 0))
        totals = {}
        for order in self.sorted("id"):
            version = version_of[order.company_id]
            limit = as_decimal(version.split_limit)
            since = fields.Datetime.now() - timedelta(days=version.spend_window_days)
            amount = amounts[order.id]
            if isinstance(amount, Unknown):
                totals[order.id] = amount
                continue
            others = released.setdefault((order.company_id.id, order.partner_id.commercial_partner_id.id), {})
            others[order.id] = (fields.Datetime.now(), amount)
            totals[order.id] = sum(
                (value for when, value in others.values() if when > since and (not limit or value <= limit)),
                Decimal(0),
            )
        return totals

    def _approval_facts_of_past(self, names):
        """The total of small orders with a vendor is that of the days before each order."""
        facts = self._approval_all_facts(names - {"vendor_window_total"})
        if "vendor_window_total" in names:
            for order_id, total in self._approval_vendor_totals_of_past().items():
                facts[order_id]["vendor_window_total"] = total
        return facts

    def _approval_vendor_totals_of_past(self):
        """``{id: small orders with the vendor in the window up to this order, this one included}``.

        One query per company. Worked out from the orders themselves, at their own exchange rates.
        """
        self.env["purchase.order"].flush_model()
        totals = {}
        for company in self.company_id:
            orders = self.filtered(lambda order, company=company: order.company_id == company)
            version = self.env["distribution.approval.policy"]._effective_version(self._approval_type, company)
            self.env.cr.execute(
                """WITH bought AS (
                       SELECT bought.id, partner.commercial_partner_id AS vendor_id, bought.state,
                              coalesce(bought.date_approve, bought.create_date) AS bought_at,
                              bought.amount_untaxed / coalesce(nullif(bought.currency_rate, 0), 1)::numeric AS amount
                         FROM purchase_order bought
                         JOIN res_partner partner ON partner.id = bought.partner_id
                        WHERE bought.company_id = %(company)s)
                   SELECT own.id, coalesce(sum(other.amount), 0)
                     FROM bought own
                LEFT JOIN bought other
                       ON other.vendor_id = own.vendor_id
                      AND (other.state IN %(states)s OR other.id = own.id)
                      AND other.bought_at > own.bought_at - %(days)s * interval '1 day'
                      AND (other.bought_at, other.id) <= (own.bought_at, own.id)
                      AND (%(limit)s = 0 OR other.amount <= %(limit)s)
                    WHERE own.id = ANY(%(ids)s)
                 GROUP BY own.id""",
                {
                    "company": company.id,
                    "states": self._approval_guarded_states,
                    "days": version.spend_window_days if version else 7,
                    "limit": version.split_limit or 0.0,
                    "ids": orders.ids,
                },
            )
            totals.update((order_id, as_decimal(total)) for order_id, total in self.env.cr.fetchall())
        return totals

    def _approval_contract_prices(self):
        """``{(vendor id, product template id): vendor prices that are contracts}``; one query.

        It reads whatever the products' price lists hold, for core asks for that when it confirms
        (is the vendor among them?) and finds it read.
        """
        lines = self.order_line.filtered("product_id")
        vendors = lines.partner_id | lines.partner_id.commercial_partner_id
        sellers = self.env["product.supplierinfo"].sudo()
        names = [name for name, field in sellers._fields.items() if field.store and field.prefetch]
        found = sellers.search_fetch([("product_tmpl_id", "in", lines.product_id.product_tmpl_id.ids)], names)
        contracts = found.filtered(lambda seller: seller.contract_state == "contract" and seller.partner_id in vendors)
        prices = {}
        # What is computed for one of them is not computed for all prices that were found.
        for seller in contracts.with_prefetch():
            key = seller.partner_id.commercial_partner_id.id, seller.product_tmpl_id.id
            prices.setdefault(key, []).append(seller)
        return prices

    def _approval_price_over_contract(self, prices):
        """(percent of the line furthest over its contract price or None, some line has none)."""
        worst, missing = None, False
        for line in self._approval_lines():
            contract = self._approval_contract_price(line, prices)
            if isinstance(contract, Unknown):
                return contract, contract
            if contract is None:
                missing = True
                continue
            net = as_decimal(line.price_unit) * (1 - as_decimal(line.discount) / 100)
            over = (net - contract) / contract * 100 if contract else Decimal(100 if net else 0)
            worst = over if worst is None else max(worst, over)
        return None if worst is None else as_decimal(round(worst, 6)), missing

    def _approval_contract_price(self, line, prices, day=None):
        """Lowest contract price per unit of the line, net of discount, in order currency; as of ``day``, or today.

        None when there is no contract, Unknown when a currency has no reliable rate.
        """
        day = day or today(self.company_id)
        key = self.partner_id.commercial_partner_id.id, line.product_id.product_tmpl_id.id
        best = None
        for seller in prices.get(key, ()):
            other_unit = line[LINE_UOM] != seller[SUPPLIERINFO_UOM]
            quantity = line.product_qty
            if other_unit:
                quantity = line[LINE_UOM]._compute_quantity(quantity, seller[SUPPLIERINFO_UOM], round=False)
            if (
                (seller.product_id and seller.product_id != line.product_id)
                or (seller.company_id and seller.company_id != self.company_id)
                or (seller.date_start and seller.date_start > day)
                or (seller.date_end and seller.date_end < day)
                or quantity < (seller.min_qty or 0)
            ):
                continue
            if seller.currency_id != self.currency_id:
                for currency in (seller.currency_id | self.currency_id) - self.company_id.currency_id:
                    doubt = currency._approval_rate_doubt(self.company_id)
                    if doubt:
                        return Unknown(doubt)
            price = seller.price * (1 - (seller.discount or 0) / 100)
            if other_unit:
                price = seller[SUPPLIERINFO_UOM]._compute_price(price, line[LINE_UOM])
            if seller.currency_id != self.currency_id:
                price = seller.currency_id._convert(price, self.currency_id, self.company_id, day, round=False)
            best = price if best is None else min(best, price)
        return None if best is None else as_decimal(best)

    # ------------------------------------------------------------- core flow

    def button_confirm(self):
        """Confirm what policy or people released; file requests for the rest.

        Held orders show as "To Approve" and do not disturb the others of the batch.
        """
        with gate_frame(self.env):
            asked = self.filtered(lambda order: order.state in ("draft", "sent"))._approval_governed()
            waiting = self.filtered(lambda order: order.state == "to approve")._approval_governed()
            held = asked._approval_screen("button_confirm")
            held |= self._approval_release_waiting(waiting)
            return super(PurchaseOrder, self - held).button_confirm()

    def button_approve(self, force=False):
        """Core's second signature. A governed order passes it with its release, and only so."""
        with gate_frame(self.env):
            governed = self.filtered(lambda order: order.state != "cancel")._approval_governed()
            held = governed._approval_screen("button_confirm")
            return super(PurchaseOrder, self - held).button_approve(force=force)

    def _approval_release_waiting(self, waiting):
        """Confirming an order that waits: start it again when it is released, else leave it."""
        held = waiting._approval_screen("button_confirm")
        ready = waiting - held
        if ready:
            ready.write({"state": "draft"})
        return held

    def _approval_allowed(self):
        """Under governance the policy replaces Odoo's amount limit (see the purchase settings)."""
        if self._approval_governed():
            return True
        return super()._approval_allowed()

    def button_draft(self):
        with gate_frame(self.env):
            return super().button_draft()

    def button_cancel(self):
        with gate_frame(self.env):
            return super().button_cancel()

    def _approval_hold(self):
        waiting = self.filtered(
            lambda order: (
                order.state in ("draft", "sent") and order.approval_state in ("pending", "on_hold", "approved")
            )
        )
        waiting.write({"state": "to approve"})

    def _approval_unhold(self):
        self.filtered(lambda order: order.state == "to approve").write({"state": "draft"})

    def _approval_resume(self, action):
        """Confirm a released order: everything that core and other addons do on confirmation."""
        with gate_frame(self.env):
            self._approval_unhold()
            # Calls for tenders would ask about the alternatives in a dialog that nobody sees.
            return self.with_context(skip_alternative_check=True).button_confirm()

    def _prepare_supplier_info(self, partner, line, price, currency):
        """A price that core learns from an order is not a contract."""
        values = super()._prepare_supplier_info(partner, line, price, currency)
        values["contract_state"] = "learned"
        return values


class ProductCategory(models.Model):
    _inherit = "product.category"

    def _approval_manager(self):
        """The manager of this category, or of the nearest one above it."""
        self.ensure_one()
        category = self
        while category and not category.manager_id:
            category = category.parent_id
        return category.manager_id

    def _approval_with_parents(self):
        """Ids of these categories and of all above them."""
        return frozenset(int(part) for category in self for part in (category.parent_path or "").split("/") if part)

    def _approval_prefetch_parents(self):
        """Read these categories and all above them at once, not one by one."""
        self.browse(self._approval_with_parents()).mapped("parent_id")
