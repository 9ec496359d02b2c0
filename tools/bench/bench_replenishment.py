"""Replenishment: Odoo's compute and procure beside our evaluate and order, on the same rules.

A company is generated for each number of sites (vendors, open moves and quotations), and its stock is set anew for
each share of rules below their minimum. Both ways replenish it from the same state – the other's work is rolled
back – and what they ordered is compared, line by line. The exit code is 1 when a limit is broken or orders differ::

    make bench BENCH=replenishment            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_replenishment [--rules 10000] [--sites 3,1] [--shares 0.01,0.1,0.5]

For many rules the generated ones are copied: ``--copies 10`` measures ten times as many, at the first share, beside
what was measured without copies, and writes a part of its own. It is not part of ``make bench``: Odoo takes its time.
"""

import argparse
import gc
import random
import resource
import time

from . import benchmarks_document
from .setting import SUITE, odoo, series, versions

RULES, SITES, SHARES = 10_000, "3,1", "0.01,0.1,0.5"
#: How much faster at least, by share below minimum; and queries for 1,000 rules that need nothing.
FASTER = {0.01: 15.0, 0.50: 5.0}
QUERIES = 40
#: Ten times the rules take at most so many times as long for each, and so many MB more.
LINEAR, MEMORY = 1.3, 400
SEED = 29
LENIENT = {
    "replenishment_by": "suite",
    "replenishment_look_out": 0,
    "replenishment_unusual_factor": 0,
    "replenishment_price_jump": 0,
    "replenishment_cover_days": 0,
}


def generate(env, rules, sites, below=0.0):
    """The company of the tests, filled in bulk."""
    from odoo.addons.procurement_automation.tests.replenishment_company import GeneratedCompany

    class BulkCompany(GeneratedCompany):
        def _stock(self):
            self.env["stock.quant"].sudo().create(
                [
                    {"product_id": rule.product_id.id, "location_id": rule.location_id.id, "quantity": 1}
                    for rule in self.orderpoints
                ]
            )

        def _moves(self):
            draw = self.random
            values = []
            for rule in self.orderpoints:
                for is_in in draw.choice([(), (True,), (False,), (True, False)]):
                    there = self.suppliers if is_in else self.customers
                    ends = (there, rule.location_id) if is_in else (rule.location_id, there)
                    values.append({**self._move_values(rule, *ends), "product_uom_qty": draw.randrange(1, 4)})
            moves = self.env["stock.move"].create(values)
            self.env.flush_all()
            self.env.cr.execute("UPDATE stock_move SET state = 'confirmed' WHERE id = ANY(%s)", (moves.ids,))

    company = BulkCompany(env, rules=rules, sites=sites, below=below, routine=True)
    set_stock(env, company.orderpoints, below)
    return company


def set_stock(env, rules, below):
    """Half the minimum for this share of ``rules``, three to five times as much for the others."""
    draw = random.Random(SEED)
    levels = [0.5 if draw.random() < below else draw.uniform(3.0, 5.0) for _rule in rules]
    env.flush_all()
    env.cr.execute(
        """UPDATE stock_quant quant SET quantity = floor(rule.product_min_qty * wanted.level)
             FROM unnest(%s::int[], %s::float[]) AS wanted (id, level)
             JOIN stock_warehouse_orderpoint rule ON rule.id = wanted.id
            WHERE quant.product_id = rule.product_id AND quant.location_id = rule.location_id""",
        (rules.ids, levels),
    )
    env.invalidate_all()
    env.cr.execute("ANALYZE")


def copy_rules(env, rules, copies):
    """So many more of ``rules``, with products, prices, stock and moves of their own; returns all of them."""
    env.flush_all()
    cursor = env.cr
    products, templates = rules.product_id.ids, rules.product_id.product_tmpl_id.ids
    spans = {}
    for table in ("product_template", "product_product"):
        cursor.execute(f"SELECT max(id) FROM {table}")
        spans[table] = cursor.fetchone()[0]
    for number in range(1, copies):
        template, product = (f"+ {number * spans[table]}" for table in ("product_template", "product_product"))
        of_template, of_product = {"product_tmpl_id": template}, {"product_id": product}
        _copy(env, "product_template", "id", templates, {"id": template})
        _copy(env, "product_product", "id", products, {"id": product, **of_template})
        _copy(env, "stock_route_product", "product_id", templates, {"product_id": template})
        _copy(env, "product_supplierinfo", "product_tmpl_id", templates, of_template)
        _copy(env, "stock_warehouse_orderpoint", "product_id", products, of_product)
        _copy(env, "stock_quant", "product_id", products, of_product)
        _copy(env, "stock_move", "product_id", products, of_product, "AND purchase_line_id IS NULL")
    env.invalidate_all()
    cursor.execute("ANALYZE")
    return rules.search([("company_id", "=", rules.company_id.id), ("product_id", ">=", min(products))], order="id")


def _copy(env, table, key, ids, shifted, only=""):
    """The rows of ``table`` whose ``key`` is one of ``ids`` once more, with ids that are ``shifted``."""
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,))
    columns = [name for (name,) in env.cr.fetchall() if name != "id" or "id" in shifted]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f'"{name}" {shifted.get(name, "")}' for name in columns)
    env.cr.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {key} = ANY(%s) {only} ORDER BY 1", (ids,)
    )


def orders_of(env, rules):
    """``{rule: (vendor, site, quantity, price, wanted on)}`` of the quotations."""
    lines = env["purchase.order.line"].search([("orderpoint_id", "in", rules.ids), ("state", "=", "draft")])
    return {
        line.orderpoint_id.id: (
            line.order_id.partner_id.id,
            line.order_id.picking_type_id.id,
            line.name,
            line.product_uom_qty,
            line.price_unit,
            line.price_subtotal,
            line.price_total,
            line.date_planned,
            line.order_id.date_order.date(),
        )
        for line in lines
    }


def timed(env, rules, act):
    """``({stage: (seconds, queries)}, new or changed lines)`` of ``act``, which is undone."""
    env.flush_all()
    env.invalidate_all()
    before = orders_of(env, rules)
    env.invalidate_all()
    savepoint = env.cr.savepoint()
    stages = {}

    def stage(name, work):
        gc.collect()
        gc.disable()  # as in the other benches: whose turn it is would be chance
        asked, began = env.cr.sql_log_count, time.perf_counter()
        try:
            work()
            env.flush_all()
        finally:
            stages[name] = time.perf_counter() - began, env.cr.sql_log_count - asked
            gc.enable()

    act(stage)
    env.invalidate_all()
    orders = orders_of(env, rules)
    env.invalidate_all(flush=False)
    savepoint.close(rollback=True)
    return stages, {key: line for key, line in orders.items() if before.get(key) != line}


def by_odoo(rules, company):
    computed = "_compute_qty_to_order" if series() == "17.0" else "_compute_qty_to_order_computed"

    def act(stage):
        ones = rules.sudo()
        stage("compute", lambda: getattr(ones, computed)())
        stage("order", lambda: ones._procure_orderpoint_confirm(company_id=company, raise_user_error=False))

    return act


def by_suite(rules, company):
    env = rules.env

    def act(stage):
        company.write(LENIENT)
        judgement = env["distribution.replenishment.judgement"]

        def evaluate():
            for start in range(0, len(rules), 1000):
                part = rules[start : start + 1000]
                judge = judgement._prepared(part)
                judge._evaluate_prepared(part.with_env(judge.env), 0)

        stage("compute", evaluate)
        env.invalidate_all()
        run = env["distribution.replenishment.run"].create({})
        run._start()

        def whole():
            while run.state in ("queued", "running"):
                run._advance()

        stage("whole", whole)

    return act


def measure(env, rules, company, share):
    """Both ways on the stock of ``share``."""
    set_stock(env, rules, share)
    theirs, their_orders = timed(env, rules, by_odoo(rules, company))
    ours, our_orders = timed(env, rules, by_suite(rules, company))
    return compared(len(rules), theirs, ours, their_orders, our_orders)


def compared(count, theirs, ours, their_orders, our_orders):
    """How much faster, how many queries for 1,000 rules, seconds for each rule, and how many orders differ."""
    return {
        "rules": count,
        "lines": len(our_orders),
        "evaluate": theirs["compute"][0] / ours["compute"][0],
        "whole": (theirs["compute"][0] + theirs["order"][0]) / ours["whole"][0],
        "queries": ours["compute"][1] / count * 1000,
        "all_queries": ours["whole"][1] / count * 1000,
        "core_queries": (theirs["compute"][1] + theirs["order"][1]) / count * 1000,
        "each": ours["whole"][0] / count,
        "different": sum(
            their_orders.get(key) != our_orders.get(key) for key in their_orders.keys() | our_orders.keys()
        ),
        "stages": (theirs, ours),
    }


def told(found, sites, share, rules):
    theirs, ours = found["stages"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{rules:,} rules, {sites} sites, {share:.0%}: {found['lines']} lines; Odoo {theirs}; ours {ours}; evaluate "
        f"{found['evaluate']:.1f} x, whole {found['whole']:.1f} x; {found['queries']:.0f} and "
        f"{found['all_queries']:.0f} queries/1,000; {memory} MB",
        flush=True,
    )


def row(found, sites, share):
    """A line of the table."""
    cells = (
        f"{found['rules']:,}",
        sites,
        f"{share:.0%}",
        f"{found['lines']:,}",
        f"{found['evaluate']:.0f} ×",
        f"{found['whole']:.1f} ×",
        f"{FASTER[share]:.0f} ×" if share in FASTER else "–",
        *(f"{found[name]:.0f}" for name in ("core_queries", "queries", "all_queries")),
    )
    return f"| {' | '.join(map(str, cells))} |"


def broken_by(found, sites, share):
    """The limits that were not kept, in words."""
    where, limit = f"{share:.0%} below minimum, {sites} sites", FASTER.get(share)
    if limit and found["whole"] < limit:
        yield f"{where}: {found['whole']:.1f} times faster, limit {limit:.0f}"
    if found["queries"] > QUERIES:
        yield f"{where}: {found['queries']:.0f} queries for 1,000 rules, limit {QUERIES}"
    if found["different"]:
        yield f"{where}: {found['different']} orders differ from Odoo's"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--sites", default=SITES)
    parser.add_argument("--shares", default=SHARES)
    parser.add_argument("--copies", type=int, default=1)
    options = parser.parse_args()
    shares = [float(share) for share in options.shares.split(",")]
    broken, rows, growth = [], [], []
    for sites in map(int, options.sites.split(",")):
        with odoo(SUITE) as env:
            generated = generate(env, options.rules, sites)
            rules, company = generated.orderpoints, generated.company
            about = versions(env)
            for share in shares:
                found = measure(env, rules, company, share)
                told(found, sites, share, options.rules)
                broken += broken_by(found, sites, share)
                rows.append(row(found, sites, share))
                if options.copies > 1:
                    larger, line, grown = many(env, rules, company, share, sites, options.copies, found)
                    broken += larger
                    rows.append(line)
                    growth += ["", grown]
                    break
    text = "\n".join(
        [
            f"{benchmarks_document.measured(about)}.",
            "",
            f"{options.rules * options.copies:,} reordering rules with open moves and quotations. Odoo computes and "
            "orders as its scheduler does; a run evaluates, judges, orders and writes its proposals. The quotations "
            "are the same, line by line: vendor, site, text, quantity, price, amounts and dates.",
            "",
            "| rules | sites | below minimum | lines ordered | evaluate | all of it | at least "
            "| queries for 1,000 rules: Odoo | evaluate | all of it |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            *growth,
            "",
            benchmarks_document.verdict(broken),
        ]
    )
    print(text)
    if (options.rules, options.sites, options.shares, options.copies) == (RULES, SITES, SHARES, 1):
        benchmarks_document.write(series(), "Replenishment", text)
    elif growth and options.rules == RULES:
        title = f"Replenishment, {RULES * options.copies:,} rules"
        benchmarks_document.write(series(), title, text)
    if broken:
        raise SystemExit("\n".join(broken))


def many(env, rules, company, share, sites, copies, few):
    """Measure ``copies`` times as many rules; the limits that were not kept, the line of the table, and the growth."""
    everything = copy_rules(env, rules, copies)
    set_stock(env, everything, share)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ours, our_orders = timed(env, everything, by_suite(everything, company))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before
    theirs, their_orders = timed(env, everything, by_odoo(everything, company))
    found = compared(len(everything), theirs, ours, their_orders, our_orders)
    told(found, sites, share, len(everything))
    longer = found["each"] / few["each"]
    growth = (
        f"{sites} sites: a rule takes {longer:.2f} of what it takes among {len(rules):,} (limit {LINEAR}), "
        f"and the run needs {grown} MB more (limit {MEMORY})."
    )
    print(growth, flush=True)
    broken = list(broken_by(found, sites, share))
    if longer > LINEAR:
        broken.append(f"{len(everything):,} rules take {longer:.2f} times as long for each, limit {LINEAR}")
    if grown > MEMORY:
        broken.append(f"{len(everything):,} rules take {grown} MB more, limit {MEMORY}")
    return broken, row(found, sites, share), growth


if __name__ == "__main__":
    main()
