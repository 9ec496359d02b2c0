"""The order lines of all vendors in one ``create``.

Odoo makes the lines vendor by vendor, and asks anew for each what a run knows already. While a ``RuleMemory`` lies in
the context, reordering rules whose vendor is known are bought here: by the same hooks (``_make_po_get_domain``,
``_prepare_purchase_order``, ``_get_procurements_to_merge``, ``_find_candidate``, ``_update_purchase_order_line``,
``_prepare_purchase_order_line_from_procurement``), so that what other addons add arrives, and in the same order. What
is not plain (chains of moves, returns, an addon that changes ``_run_buy`` itself) is left to Odoo.
"""

from dataclasses import dataclass, field

from dateutil.relativedelta import relativedelta
from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import float_compare, groupby

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM

from .replenishment_known import definers
from .replenishment_memory import RuleMemory

#: Whose ``_run_buy`` was read.
BUYING_KNOWN = {"purchase_stock", "procurement_automation"}


@dataclass(slots=True)
class Basket:
    """What is there and what is about to be written."""

    #: Quotations by vendor, in the order in which Odoo finds them.
    orders: dict = field(default_factory=dict)
    #: Their lines by order and product.
    existing: dict = field(default_factory=dict)
    #: Values of new lines, and the orders that wait for them.
    lines: list = field(default_factory=list)
    waiting: set = field(default_factory=set)
    #: Whether no order is found by more than one of the domains.
    is_exclusive: bool = False


class StockRule(models.Model):
    _inherit = "stock.rule"

    @api.model
    def _run_buy(self, procurements):
        if not RuleMemory.of(self.env) or not definers(self, "_run_buy") <= BUYING_KNOWN:
            return super()._run_buy(procurements)
        plain, rest = [], []
        for procurement, rule in procurements:
            (plain if _is_plain(procurement) else rest).append((procurement, rule))
        if plain:
            self._buy_at_once(plain)
        return super()._run_buy(rest) if rest else None

    def _buy_at_once(self, procurements):
        by_domain = {}
        for procurement, rule in procurements:
            values = procurement.values
            values.update(supplier=values["supplierinfo_id"], propagate_cancel=rule.propagate_cancel)
            company = _company_of(procurement, rule)
            domain = rule._make_po_get_domain(company, values, values["supplier"].partner_id)
            by_domain.setdefault(domain, []).append((procurement, rule))
        basket = self._basket(by_domain)
        made = {}
        basket.is_exclusive = _are_exclusive(by_domain)
        if basket.is_exclusive:
            missing = {
                domain: pairs for domain, pairs in by_domain.items() if not self._find_quotation(basket, domain, pairs)
            }
            made = dict(zip(missing, self._create_quotations(basket, missing.values())))
        for domain, pairs in by_domain.items():
            order = made.get(domain)
            if not order:
                order = self._find_quotation(basket, domain, pairs)
                if order:
                    self._add_origins(order, pairs)
                else:
                    order = self._create_quotations(basket, [pairs])
            self._add_lines(basket, order, pairs)
        self._write_lines(basket)

    # ----------------------------------------------------------------- orders

    def _basket(self, by_domain):
        """The quotations that may be added to, and their lines: two queries."""
        vendors = {_vendor_of(pairs).id for pairs in by_domain.values()}
        products = {procurement.product_id.id for pairs in by_domain.values() for procurement, _rule in pairs}
        orders = (
            self.env["purchase.order"].sudo().search([("partner_id", "in", list(vendors)), ("state", "=", "draft")])
        )
        basket = Basket(orders=dict(groupby(orders, key=lambda order: order.partner_id.id)))
        self._note_lines(
            basket,
            self.env["purchase.order.line"].search(
                [("order_id", "in", orders.ids), ("product_id", "in", list(products)), ("display_type", "=", False)]
            ),
        )
        return basket

    def _note_lines(self, basket, lines):
        for line in lines:
            if not IS_17 or line[LINE_UOM] == line.product_id.uom_po_id:
                key = line.order_id.id, line.product_id.id
                basket.existing[key] = basket.existing.get(key, lines.browse()) | line

    def _find_quotation(self, basket, domain, pairs):
        vendor, orders = _vendor_of(pairs), self.env["purchase.order"].sudo()
        if not {("partner_id", "=", vendor.id), ("state", "=", "draft")} <= set(domain):
            self._write_lines(basket)
            return orders.search(list(domain), limit=1)  # another addon asks otherwise
        known = orders.concat(*basket.orders.get(vendor.id, ()))
        found = known.filtered_domain(list(domain))[:1]
        if not basket.is_exclusive and basket.waiting.intersection(known.ids):
            self._write_lines(basket)  # the dates of an order follow from its lines
            found = known.filtered_domain(list(domain))[:1]
        return found

    def _create_quotations(self, basket, groups):
        """A quotation for each of the groups; they are returned in that order."""
        company, values = self.env.company, []
        for pairs in groups:
            procurement, rule = pairs[0]
            company = _company_of(procurement, rule)
            values.append(rule._prepare_purchase_order(company, _origins(pairs), [one.values for one, _rule in pairs]))
        # As the superuser, like Odoo: whoever started the run does not follow the orders.
        orders = self.env["purchase.order"].with_company(company).with_user(SUPERUSER_ID).create(values)
        for order in orders.sudo():
            basket.orders.setdefault(order.partner_id.id, []).insert(0, order)
        return orders.sudo()

    def _add_origins(self, order, pairs):
        references = {
            reference.id
            for procurement, _rule in pairs
            for reference in procurement.values.get("reference_ids") or ()
            if not IS_17
        }
        if references:
            order.reference_ids = [(4, reference_id) for reference_id in references]
        known = order.origin.split(", ") if order.origin else []
        missing = _origins(pairs).difference(known)
        if missing:
            order.origin = ", ".join([*known, *missing])

    # ------------------------------------------------------------------ lines

    def _add_lines(self, basket, order, pairs):
        procurements = self._merge_procurements(self._get_procurements_to_merge([one for one, _rule in pairs]))
        lines, added = self.env["purchase.order.line"], []
        for procurement in procurements:
            known = basket.existing.get((order.id, procurement.product_id.id), lines)
            candidate = known._find_candidate(*procurement)
            if candidate:
                values = self._update_purchase_order_line(
                    procurement.product_id,
                    procurement.product_qty,
                    procurement.product_uom,
                    _company_of(*pairs[0]),
                    procurement.values,
                    candidate,
                )
                candidate.sudo().write(values)
                continue
            asked = [*procurement]
            if IS_17:  # the hook does not take place, name and origin
                del asked[3:6]
            added.append(lines._prepare_purchase_order_line_from_procurement(*asked, order))
            self._order_earlier(order, procurement, added)
        if added:
            basket.lines += added
            basket.waiting.add(order.id)

    def _order_earlier(self, order, procurement, added):
        """What is wanted before the rest of the order is ordered earlier."""
        if IS_17:
            wanted = procurement.values["date_planned"]
        else:
            wanted = order.date_planned or min(values["date_planned"] for values in added)
        start = wanted - relativedelta(days=procurement.values["supplier"].delay)
        if fields.Date.to_date(start) < fields.Date.to_date(order.date_order):
            order.date_order = start

    def _write_lines(self, basket):
        if basket.lines:
            # sudo: like Odoo, for whoever may not purchase
            lines = self.env["purchase.order.line"].sudo().create(basket.lines)
            lines._flush_at_once()
            if not basket.is_exclusive:
                self._note_lines(basket, lines)
        basket.lines, basket.waiting = [], set()


def _is_plain(procurement):
    """Bought for a reordering rule from a vendor that is known, and for nothing else."""
    values = procurement.values
    return bool(
        values.get("supplierinfo_id")
        and values.get("orderpoint_id")
        and not values.get("move_dest_ids")
        and not values.get("force_uom")
        and float_compare(procurement.product_qty, 0.0, precision_rounding=procurement.product_uom.rounding) > 0
    )


def _are_exclusive(domains):
    """Whether an order that one of the domains finds is found by no other: equalities of the same fields."""
    return (
        all(isinstance(domain, tuple) and all(leaf[1] == "=" for leaf in domain) for domain in domains)
        and len({frozenset(leaf[0] for leaf in domain) for domain in domains}) == 1
    )


def _company_of(procurement, rule):
    return procurement.company_id if IS_17 else rule.company_id or procurement.company_id


def _vendor_of(pairs):
    return pairs[0][0].values["supplier"].partner_id


def _origins(pairs):
    return {procurement.origin for procurement, _rule in pairs if IS_17 or procurement.origin}
