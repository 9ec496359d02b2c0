"""What approval costs sales and stock: confirming an order, a delivery of 100 moves, 500 counts applied.

Plain Odoo and the suite, with policies that pass both, measured in pairs: in turn, in an order that is
shuffled for every round, each measurement a transaction of its own that is rolled back to the same
drafts. What was rolled back is vacuumed away now and then, or each measurement would be slower than the
one before. The exit code is 1 when a limit is broken::

    make bench                                # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_outgoing [--pairs 40]
"""

import argparse
import contextlib
import gc
import random
import statistics

from . import benchmarks_document, pairs
from .governance import govern, user
from .setting import PLAIN, SUITE, Measured, odoo, series, vacuum, versions

PAIRS, WARM_UP = 40, 3
#: More are measured until the interval is so narrow on either side of its middle, or there are so many.
WIDTH, MOST_PAIRS = 0.015, 200
MOVES = 100
COUNTS = 500
TITLES = {
    "confirm": "a seller confirms an order of 5 lines",
    "confirm_on_credit": "the same for a customer with a credit limit, which the policy asks about",
    "validate": f"a delivery of {MOVES} moves is validated",
    "count": f"{COUNTS} counted quantities are applied",
}
#: One measurement of these takes long, or is short and cheap to repeat: so many pairs, and at most so many.
OTHER_PAIRS = {"count": (20, 120), "confirm": (PAIRS, 600), "confirm_on_credit": (PAIRS, 600)}
#: After so many rounds the databases are vacuumed.
VACUUM_EVERY = {"count": 1, "validate": 4, "confirm": 20, "confirm_on_credit": 20}
SEED = 2024
#: What the suite may cost beyond plain Odoo; queries do not depend on the size.
LIMITS = {
    "ratio": 1.10,
    "confirm_queries": 16,
    "confirm_on_credit_queries": 16,
    "validate_queries": 40,
    "count_queries": 40,
}

POLICIES = {
    "sale_order": (
        ("Within policy", "pass", (("amount", "le", "1000000"), ("margin_percent", "ge", "15"))),
        ("Over the limit", "require", (("credit_over_limit", "gt", "0"),)),
        ("Discount", "require", (("discount_worst_line", "gt", "10"),)),
        ("Below the list", "require", (("price_under_list", "gt", "10"),)),
        ("Longer terms", "require", (("terms_longer_days", "gt", "0"),)),
        ("Terms changed lately", "require", (("terms_changed_days", "le", "30"),)),
    ),
    "delivery_hold": (
        ("Nothing holds it", "pass", (("held", "is_false", False),)),
        ("Something holds it", "require", (("held", "is_true", False),)),
    ),
    "credit_release": (
        ("Within the limit", "pass", (("credit_over_limit", "le", "0"),)),
        ("Over the limit", "require", (("credit_over_limit", "gt", "0"),)),
    ),
    "inventory_adjustment": (
        ("Small variance", "pass", (("amount", "le", "1000000"), ("variance_percent", "le", "5"))),
        ("Large variance", "require", (("worst_line_percent", "gt", "20"),)),
        ("Many small ones", "require", (("adjustment_window_total", "gt", "5000000"),)),
        ("High-value goods", "require", (("high_value", "is_true", False),)),
    ),
}


class Company:
    """One database: people, goods in stock, an order to confirm and a delivery to validate."""

    def __init__(self, env, governed):
        self.env, self.governed = env, governed
        self.seller = user(env, "seller", "sales_team.group_sale_salesman")
        self.clerk = user(env, "clerk", "stock.group_stock_user")
        self.manager = user(env, "manager", "stock.group_stock_manager")
        self.warehouse = env["stock.warehouse"].search([("company_id", "=", env.company.id)], limit=1)
        self.customer = env["res.partner"].create({"name": "Customer", "is_company": True})
        on_credit = env["res.partner"].create({"name": "On credit", "is_company": True, "credit_limit": 1_000_000})
        self.products = self._products(MOVES)
        counted = self._products(COUNTS)
        if governed:
            for document_type, rules in POLICIES.items():
                approver = user(env, f"approver_{document_type}", "distribution_core.group_approver")
                rules = [(*rule, ("Approval",) if rule[1] == "require" else ()) for rule in rules]
                govern(env, document_type, rules, {"Approval": approver})
        self.order = self._order(self.products[:5])
        self.order_on_credit = self._order(self.products[:5], on_credit)
        delivered = self._order(self.products)
        delivered.action_confirm()
        self.picking = delivered.sudo().picking_ids
        self.picking.action_assign()
        self.quants = env["stock.quant"].search(
            [("product_id", "in", counted.ids), ("location_id", "=", self.warehouse.lot_stock_id.id)]
        )
        assert len(self.quants) == COUNTS, len(self.quants)
        env.cr.commit()  # pylint: disable=invalid-commit

    def _products(self, count):
        product = self.env["product.product"]
        stored = (
            {"detailed_type": "product"}
            if "detailed_type" in product._fields
            else {"type": "consu", "is_storable": True}
        )
        products = product.create(
            [
                {"name": f"Product {n}", "list_price": 10, "standard_price": 6, "taxes_id": False, **stored}
                for n in range(count)
            ]
        )
        for each in products:
            self.env["stock.quant"]._update_available_quantity(each, self.warehouse.lot_stock_id, 1000)
        return products

    def _order(self, products, customer=None):
        lines = [(0, 0, {"product_id": each.id, "product_uom_qty": 2, "price_unit": 10}) for each in products]
        return (
            self.env["sale.order"]
            .with_user(self.seller)
            .create(
                {"partner_id": (customer or self.customer).id, "warehouse_id": self.warehouse.id, "order_line": lines}
            )
        )

    def confirm(self):
        """Confirm the order of five lines."""
        self._confirm(self.order)

    def confirm_on_credit(self):
        """Confirm the order of a customer with a credit limit."""
        self._confirm(self.order_on_credit)

    def _confirm(self, order):
        order = order.with_user(self.seller)
        order.action_confirm()
        assert order.state == "sale", order.state
        assert not self.governed or order.approval_state == "passed", order.approval_state

    def validate(self):
        """Validate the delivery of 100 moves."""
        picking = self.picking.with_user(self.clerk)
        picking.button_validate()
        assert picking.state == "done", picking.state
        if self.governed:
            for documents in (self.picking.delivery_hold_ids, self.picking.credit_release_ids):
                assert documents.approval_state == "passed", documents.approval_state

    def prepare_count(self):
        """500 products are counted, each a little off."""
        self.quants.with_user(self.manager).with_context(inventory_mode=True).inventory_quantity = 997

    def count(self):
        """Apply the 500 counted quantities."""
        quants = self.quants.with_user(self.manager).with_context(inventory_mode=True)
        quants.action_apply_inventory()
        assert set(self.quants.mapped("quantity")) == {997.0}
        if self.governed:
            line = self.env["distribution.inventory.adjustment.line"].search(
                [("quant_ref", "in", self.quants.ids)], order="id desc", limit=1
            )
            assert line.adjustment_id.approval_state == "passed", line.adjustment_id.approval_state

    def measure(self, what):
        """One measurement, from empty caches, in a transaction that is rolled back."""
        prepare = getattr(self, f"prepare_{what}", None)
        if prepare:
            prepare()
            self.env.flush_all()
        self.env.invalidate_all()
        gc.collect()
        gc.disable()
        try:
            with Measured(self.env) as cost:
                getattr(self, what)()
            return cost
        finally:
            gc.enable()
            self.env.cr.rollback()
            self.env.invalidate_all()


def compare(team, what, rounds, most):
    """Time beside plain Odoo's (:func:`pairs.ratio`), with ``queries`` of plain Odoo and ``more`` of the suite.

    At least so many `rounds`; more, but not more than `most`, while the interval is wide. Its width
    says when to stop, never where it lies.
    """
    shuffle = random.Random(SEED)
    measured = {name: [] for name in team}
    warm_up = WARM_UP
    while True:
        for number in range(warm_up + rounds):
            if number % VACUUM_EVERY[what] == 0:
                for company in team.values():
                    vacuum(company.env)
            for name in shuffle.sample(sorted(team), len(team)):
                cost = team[name].measure(what)
                if number >= warm_up:
                    measured[name].append(cost)
        warm_up = 0
        found = pairs.ratio(*([cost.seconds for cost in measured[name]] for name in (SUITE, PLAIN)))
        if found["high"] - found["low"] <= 2 * WIDTH or found["pairs"] + rounds > most:
            break
    queries = {name: statistics.median_high(cost.queries for cost in costs) for name, costs in measured.items()}
    return {**found, "queries": queries[PLAIN], "more": queries[SUITE] - queries[PLAIN]}


def broken_limits(results):
    """Every limit that was not kept, in words."""
    broken = []
    for what, found in results.items():
        if found["high"] > LIMITS["ratio"]:
            broken.append(
                f"{TITLES[what]}: up to {found['high']:.2f} of plain Odoo's time, limit {LIMITS['ratio']:.2f}"
            )
        if found["more"] > LIMITS[f"{what}_queries"]:
            broken.append(f"{TITLES[what]}: {found['more']:+d} queries, limit {LIMITS[f'{what}_queries']:+d}")
    return broken


def section(results, env, broken):
    """The Markdown of these results."""
    rows = [
        f"| {TITLES[what]} | {benchmarks_document.times_of(found)} | {found['more']:+d} "
        f"| {LIMITS[f'{what}_queries']:+d} | {found['queries']} | {found['pairs']} |"
        for what, found in results.items()
    ]
    return "\n".join(
        [
            f"{benchmarks_document.measured(versions(env))}.",
            "",
            f"Time beside plain Odoo; the limit is {LIMITS['ratio']:.2f} at the upper end.",
            "",
            "| | time | more queries | limit | queries of plain Odoo | pairs |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
            "",
            benchmarks_document.verdict(broken),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--only", choices=TITLES, nargs="+", default=list(TITLES), help="measure these")
    parser.add_argument("--no-document", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    results = {}
    with contextlib.ExitStack() as stack:
        team = {name: Company(stack.enter_context(odoo(name)), governed=name == SUITE) for name in (PLAIN, SUITE)}
        for what in options.only:
            rounds, most = OTHER_PAIRS.get(what, (options.pairs, MOST_PAIRS))
            results[what] = compare(team, what, min(options.pairs, rounds), most)
            print(what, results[what], flush=True)
        broken = broken_limits(results)
        text = section(results, team[PLAIN].env, broken)
    print(text)
    if not options.no_document:
        benchmarks_document.write(series(), "Sales and stock", text)
    if broken:
        raise SystemExit("\n".join(broken))


if __name__ == "__main__":
    main()
