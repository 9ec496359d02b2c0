"""The verdict on needs: which vendor, what it costs, what is usual – in sets, then by the plain engine."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain as chained

from odoo import api, fields, models

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import (
    IS_17,
    PROCUREMENT_MODEL,
    PURCHASE_CONFIRMED_STATES,
    SUPPLIERINFO_UOM,
)

from ..engine import Circumstances, MinimumRule, Verdict, cover_days, need_of, runs_out, verdict_on
from .replenishment_evaluation import ORDERPOINT, Finding
from .replenishment_memory import CONTEXT_KEY, RuleMemory

#: What counts as usual is what was bought in so many days, and used in so many.
BOUGHT_DAYS, USED_DAYS = 365, 90
#: Where Odoo keeps what a rule needs.
STORED_NEED = "qty_to_order" if IS_17 else "qty_to_order_computed"
#: From so many orders on there is a usual quantity.
USUAL_FROM = 3


@dataclass(slots=True)
class Judged:
    """A need with its verdict, and the procurement that Odoo runs for it."""

    finding: Finding
    verdict: Verdict
    facts: Circumstances
    price: object
    values: dict = field(default_factory=dict)
    cover: float | None = None
    runs_out: date | None = None
    #: From which site the goods come instead of a vendor, and all that was thought of.
    lane: object = None
    options: tuple = ()

    @property
    def is_routine(self):
        """Acted upon without a buyer."""
        return self.verdict.name in ("order", "transfer") and not self.verdict.reasons


class ReplenishmentJudgement(models.AbstractModel):
    _name = "distribution.replenishment.judgement"
    _description = "Replenishment Judgement"
    _inherit = "distribution.replenishment.evaluation"

    @api.model
    def _judge(self, findings, company, quantities=None, prices=None, everything=False):
        """``[Judged]`` of the findings that act or are withheld, or of ``everything`` that could be evaluated.

        :param quantities: ``{rule id: quantity}`` that a person chose instead
        :param prices: ``{rule id: vendor price}`` that a person chose instead
        """
        findings = [
            one for one in findings if one.need and (everything or one.need.quantity > 0 or self._is_withheld(one))
        ]
        if not findings:
            return []
        RuleMemory.of(self.env).narrow(findings)
        usual, before = self._bought(findings, company)
        demand = self._used(findings)
        changes = self._dated_changes(findings)
        policy = company._replenishment_policy()
        lists = self.env["distribution.vendor.list"]
        book, day = lists._book(company), today(company)
        rates = {}
        judged = []
        for finding in findings:
            key = finding.orderpoint_id
            chosen = (quantities or {}).get(key)
            quantity = finding.need.quantity if chosen is None else chosen
            price, is_valid, values = self._choose_vendor(finding, quantity, company, (prices or {}).get(key))
            vendor = price.partner_id.commercial_partner_id
            orders, quantity_usual, last_price = usual.get(key, (0, None, None))
            facts = Circumstances(
                quantity=quantity,
                has_route=bool(finding.rules),
                is_bought="buy" in finding.actions,
                has_vendor=bool(price),
                has_valid_price=is_valid,
                vendor_status=vendor.vendor_status or "new",
                is_listed=not vendor
                or lists._permits(book, self._product(finding), self._orderpoint(finding).warehouse_id, vendor, day),
                minimum_order=self._minimum_order(finding, price),
                orders_before=before.get((finding.product_id, vendor.id), 0),
                usual_quantity=quantity_usual if orders >= USUAL_FROM else None,
                price=self._unit_price(finding, price, company, rates),
                last_price=last_price,
                daily_demand=demand.get(key),
                forecast=finding.need.seen_forecast,
                later=finding.need.later if finding.need.is_short else 0.0,
                is_manual=finding.is_manual,
            )
            judged.append(
                Judged(
                    finding,
                    verdict_on(facts, policy),
                    facts,
                    price,
                    values,
                    cover_days(facts),
                    runs_out(finding.position.on_hand, changes.get(key, ())),
                )
            )
        return judged

    def _is_withheld(self, finding):
        return finding.need.is_short and finding.need.core_quantity > 0 and finding.need.later > 0

    # ----------------------------------------------------------------- vendor

    def _choose_vendor(self, finding, quantity, company, chosen=None):
        """``(price, whether Odoo selects it for quantity and date, values of the procurement)``."""
        orderpoint, product = self._orderpoint(finding), self._product(finding)
        values = orderpoint._prepare_procurement_values(date=self._procurement_date(finding, company))
        prices = self.env["product.supplierinfo"]
        if "buy" not in finding.actions:
            return prices, True, values
        day = max(fields.Datetime.to_datetime(values["date_planned"]).date(), fields.Date.today())
        if chosen or orderpoint.supplier_id:
            price = chosen or orderpoint.supplier_id
            is_valid = (
                (not price.date_start or price.date_start <= day)
                and (not price.date_end or price.date_end >= day)
                and self._minimum_order(finding, price) <= (quantity or finding.need.core_quantity)
            )
            return price, is_valid, {**values, "supplierinfo_id": price}
        rule = self.env["stock.rule"].browse(finding.rules[-1])
        price = product.with_company(company)._select_seller(
            partner_id=self._asked_partner(rule, values),
            quantity=quantity or finding.need.core_quantity,
            date=day,
            uom_id=product.uom_id,
        )
        if price:
            return price, True, {**values, "supplierinfo_id": price}
        # Whom Odoo would fall back on is shown, and not ordered from.
        other = product._prepare_sellers(False).filtered(lambda one: not one.company_id or one.company_id == company)
        return other[:1], False, values

    def _asked_partner(self, rule, values):
        """Whom the procurement names as vendor; Odoo is asked once per rule and what it may say."""
        group = values.get("group_id")
        key = ("partner", rule.id, group.id if group else None, str(values.get("supplierinfo_name")))
        answers = RuleMemory.of(self.env).answers
        if key not in answers:
            answers[key] = rule._get_partner_id(values, rule)
        return answers[key]

    def _minimum_order(self, finding, price):
        if not price or not price.min_qty:
            return 0.0
        unit = self._product(finding).uom_id
        return price[SUPPLIERINFO_UOM]._compute_quantity(price.min_qty, unit) if price[SUPPLIERINFO_UOM] else 0.0

    def _unit_price(self, finding, price, company, rates):
        """In company currency per unit of the product."""
        if not price:
            return None
        currency = price.currency_id
        if currency.id not in rates:
            rates[currency.id] = (
                1.0
                if currency == company.currency_id or not currency
                else currency._convert(1.0, company.currency_id, company, fields.Date.today(), round=False)
            )
        unit = self._product(finding).uom_id
        net = price.price * (1 - price.discount / 100)
        amount = price[SUPPLIERINFO_UOM]._compute_price(net, unit) if price[SUPPLIERINFO_UOM] else net
        return amount * rates[currency.id]

    # ---------------------------------------------------------------- history

    def _bought(self, findings, company):
        """``{rule: (orders, median quantity, last price)}`` at its site, and ``{(product, vendor): orders}``."""
        self.env.cr.execute(
            """SELECT line.product_id, kind.warehouse_id, partner.commercial_partner_id,
                      GROUPING(kind.warehouse_id) = 0, COUNT(*),
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY line.product_uom_qty),
                      (array_agg(line.price_subtotal / NULLIF(line.product_uom_qty, 0) / NULLIF(po.currency_rate, 0)
                                 ORDER BY po.date_approve DESC NULLS LAST, line.id DESC))[1]
                 FROM purchase_order_line line
                 JOIN purchase_order po ON po.id = line.order_id
                 JOIN stock_picking_type kind ON kind.id = po.picking_type_id
                 JOIN res_partner partner ON partner.id = po.partner_id
                WHERE line.product_id = ANY(%s) AND po.company_id = %s AND po.state IN %s
                  AND po.date_approve >= %s AND line.product_uom_qty > 0
             GROUP BY GROUPING SETS ((line.product_id, kind.warehouse_id),
                                     (line.product_id, partner.commercial_partner_id))""",
            (
                list({finding.product_id for finding in findings}),
                company.id,
                PURCHASE_CONFIRMED_STATES,
                fields.Datetime.now() - timedelta(days=BOUGHT_DAYS),
            ),
        )
        at_site, from_vendor = {}, {}
        for product_id, warehouse_id, vendor_id, is_site, orders, median, price in self.env.cr.fetchall():
            if is_site:
                at_site[product_id, warehouse_id] = orders, float(median or 0), None if price is None else float(price)
            else:
                from_vendor[product_id, vendor_id] = orders
        usual = {}
        for finding in findings:
            site = self._orderpoint(finding).warehouse_id.id
            found = at_site.get((finding.product_id, site))
            if found:
                usual[finding.orderpoint_id] = found
        return usual, from_vendor

    def _used(self, findings):
        """``{rule: quantity a day}`` that left its location in the last 90 days."""
        self.env.cr.execute(
            """SELECT op.id, SUM(move.product_qty) / %s
                 FROM stock_warehouse_orderpoint op
                 JOIN stock_location place ON place.id = op.location_id
                 JOIN stock_move move ON move.product_id = op.product_id AND move.state = 'done' AND move.date >= %s
                 JOIN stock_location source ON source.id = move.location_id
                 JOIN stock_location dest ON dest.id = move.location_dest_id
                WHERE op.id = ANY(%s)
                  AND source.parent_path LIKE place.parent_path || '%%'
                  AND dest.parent_path NOT LIKE place.parent_path || '%%'
             GROUP BY op.id""",
            (
                USED_DAYS,
                fields.Datetime.now() - timedelta(days=USED_DAYS),
                [finding.orderpoint_id for finding in findings],
            ),
        )
        return {row[0]: float(row[1] or 0) for row in self.env.cr.fetchall()}

    # --------------------------------------------------------------- ordering

    @api.model
    def _procurement(self, judged, company):
        """What Odoo's scheduler would run for the rule, with the vendor that was judged."""
        orderpoint, product = self._orderpoint(judged.finding), self._product(judged.finding)
        return self.env[PROCUREMENT_MODEL].Procurement(
            product,
            judged.facts.quantity,
            product.uom_id,
            orderpoint.location_id,
            orderpoint.name,
            orderpoint.name,
            company,
            judged.values,
        )

    @api.model
    def _place_orders(self, judged, company):
        """Run the procurements by Odoo's own rules; returns ``{rule: problem}`` of those that failed.

        A failing one does not take the others with it: those that Odoo names are left out and the rest is tried
        again; any other error is looked for one by one.
        """
        from odoo.addons.stock.models.stock_rule import ProcurementException

        if not judged:
            return {}
        problems = {}
        waiting = {one.finding.orderpoint_id: one for one in judged}
        runner = self.env[PROCUREMENT_MODEL].with_context(from_orderpoint=True).with_company(company)
        while waiting:
            procurements = [self._procurement(one, company) for one in waiting.values()]
            try:
                with self.env.cr.savepoint():
                    runner.run(procurements, raise_user_error=False)
                    self._flush_orders(waiting.values())
                break
            except ProcurementException as error:
                failed = {
                    procurement.values["orderpoint_id"].id: text
                    for procurement, text in error.procurement_exceptions
                    if procurement.values.get("orderpoint_id")
                }
                if not failed.keys() & waiting.keys():
                    return {**problems, **dict.fromkeys(waiting, str(error))}
                problems.update(failed)
                for key in failed:
                    waiting.pop(key, None)
            except Exception as error:
                if is_serialization(error):
                    raise
                if len(waiting) == 1:
                    return {**problems, **dict.fromkeys(waiting, str(error))}
                halves = list(waiting.values())
                middle = len(halves) // 2
                for part in (halves[:middle], halves[middle:]):
                    problems.update(self._place_orders(part, company))
                break
        return problems

    def _flush_orders(self, judged):
        """Write what was ordered. Odoo would work out again, one by one, what each rule of these products needs."""
        stored = self.env[ORDERPOINT]._fields[STORED_NEED]
        products = {one.finding.product_id for one in judged}
        rules = self.env[ORDERPOINT].with_context(active_test=False)
        rules = rules.search([("product_id", "in", list(products))])
        self.env["purchase.order.line"]._flush_at_once()
        self.env["stock.move"].flush_model()
        self.env.remove_to_compute(stored, rules)
        self.env.flush_all()
        # A quotation counts for its own rule only; what moves stock counts for all rules of the product.
        plain = [one for one in judged if one.finding.actions == {"buy"} and not one.finding.is_from_core]
        needs = {one.finding.orderpoint_id: self._need_after(one) for one in plain}
        others = products.difference(one.finding.product_id for one in plain)
        moved = rules.filtered(lambda rule: rule.product_id.id in others) if others else rules.browse()
        for company in moved.company_id:
            ones = moved.filtered(lambda rule, company=company: rule.company_id == company)
            evaluation = self.with_context(**{CONTEXT_KEY: None})._prepared(ones)
            findings = evaluation._evaluate_prepared(ones.with_env(evaluation.env), 0)
            needs.update((key, one.need) for key, one in findings.items() if one.need and not one.is_from_core)
        # Odoo worked out by itself those that were handed to it.
        self.env[ORDERPOINT].flush_model([STORED_NEED])
        self.env.cr.execute(
            f"""UPDATE stock_warehouse_orderpoint op SET {STORED_NEED} = known.quantity
                  FROM unnest(%s::int[], %s::numeric[]) AS known (id, quantity)
                 WHERE op.id = known.id AND op.{STORED_NEED} IS DISTINCT FROM known.quantity""",
            (list(needs), [need.core_quantity for need in needs.values()]),
        )
        rules.invalidate_recordset([STORED_NEED], flush=False)

    def _need_after(self, judged):
        """What the rule needs when the quotation is there."""
        finding, position = judged.finding, judged.finding.position
        rule = MinimumRule(finding.minimum, finding.maximum, finding.multiple, finding.rounding)
        ordered = replace(position, in_progress=position.in_progress + judged.facts.quantity)
        return need_of(rule, ordered, self._rounding_of(finding))

    @api.model
    def _ordered_lines(self, orderpoint_ids):
        """``{rule: (purchase line or empty, stock move or empty)}``: the newest that was made for it."""
        lines = self.env["purchase.order.line"].search(
            [("orderpoint_id", "in", orderpoint_ids), ("state", "=", "draft")], order="id desc"
        )
        moves = self.env["stock.move"].search(
            [("orderpoint_id", "in", orderpoint_ids), ("state", "not in", ("done", "cancel"))], order="id desc"
        )
        newest = {}
        for line in chained(lines, moves):
            newest.setdefault((line._name, line.orderpoint_id.id), line)
        return {
            key: (
                newest.get(("purchase.order.line", key), lines.browse()),
                newest.get(("stock.move", key), moves.browse()),
            )
            for key in orderpoint_ids
        }


def is_serialization(error):
    """Somebody else ordered at the same time: the whole transaction is repeated."""
    return getattr(error, "pgcode", None) in ("40001", "40P01", "55P03")
