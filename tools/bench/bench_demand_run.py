"""A forecast run over many products at several sites, in a database: history, forecasts, rules, suggestions.

Deliveries of three years are written for each product and site: every fifth is asked for every month with a season,
the others in one month of four. The exit code is 1 when the run takes longer than its limit, or when the number of
queries depends on the products of a batch::

    make bench BENCH=demand_run            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_demand_run [--pairs 10000] [--sites 3]
"""

import argparse
import resource
import time

from . import benchmarks_document
from .copies import copy_row
from .setting import SUITE, odoo, series, versions

PAIRS, SITES, MONTHS = 10_000, 3, 36
#: Seconds for all, and queries of a batch of any size (Odoo reads and writes 1,000 records at once).
LIMIT_SECONDS, QUERIES_PER_1000 = 600, 60
SEED = 0.17


def generate(env, pairs, sites):
    """A company of `sites`, with so many products at each of them; every third has a rule."""
    from odoo.addons.distribution_core.compat import storable_product_values

    company = env["res.company"].create({"name": "Bench of demand", "demand_history_months": MONTHS})
    env.user.company_ids += company
    env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
    warehouses = env["stock.warehouse"].search([("company_id", "=", company.id)])
    warehouses += env["stock.warehouse"].create(
        [{"name": f"Site {number}", "code": f"BD{number}", "company_id": company.id} for number in range(1, sites)]
    )
    vendors = env["res.partner"].create([{"name": f"Vendor {number}"} for number in range(20)])
    products = env["product.product"].create(
        [
            {"name": f"Part {number}", "standard_price": 5 + number % 50, **storable_product_values()}
            for number in range(-(-pairs // sites))
        ]
    )
    env["product.supplierinfo"].create(
        [
            {
                "product_tmpl_id": product.product_tmpl_id.id,
                "partner_id": vendors[number % len(vendors)].id,
                "price": 5,
                "delay": 5 + number % 20,
            }
            for number, product in enumerate(products)
        ]
    )
    env["stock.warehouse.orderpoint"].create(
        [
            {
                "product_id": product.id,
                "warehouse_id": site.id,
                "location_id": site.lot_stock_id.id,
                "company_id": company.id,
                "product_min_qty": 5,
                "product_max_qty": 15,
            }
            for site in warehouses
            for product in products[::3]
        ]
    )
    deliver(env, company, warehouses, products)
    return env, company.with_env(env)


def deliver(env, company, warehouses, products):
    """Copies of one delivery, and of one receipt long ago, for each product, site and month."""
    customers, suppliers = env.ref("stock.stock_location_customers"), env.ref("stock.stock_location_suppliers")
    ends = {"location_id": warehouses[0].lot_stock_id.id, "location_dest_id": customers.id}
    values = {"product_id": products[0].id, "product_uom": products[0].uom_id.id, "product_uom_qty": 1, **ends}
    if "name" in env["stock.move"]._fields:
        values["name"] = "delivery"
    move = env["stock.move"].create({**values, "company_id": company.id})
    move._action_confirm()
    move.write({"quantity": 1, "picked": True})
    move._action_done()
    env.flush_all()
    cursor = env.cr
    cursor.execute("SELECT setseed(%s)", (SEED,))
    cursor.execute(
        """CREATE TEMP TABLE sold ON COMMIT DROP AS
           SELECT row_number() OVER () AS number, product.id AS product_id, stock.id AS stock_id, month, day.moment,
                  CASE WHEN month = %(months)s THEN 5000
                       WHEN product.id %% 5 = 0
                       THEN ceil((20 + 15 * sin(month * pi() / 6)) * (0.6 + 0.8 * random()))
                       ELSE ceil(4 * random()) END AS units
             FROM unnest(%(products)s) AS product (id)
            CROSS JOIN unnest(%(stocks)s) AS stock (id)
            CROSS JOIN generate_series(1, %(months)s) AS month
            CROSS JOIN LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'utc') - make_interval(months => month)
                                       + interval '1 day' * floor(27 * random()) AS moment) day
            WHERE month = %(months)s OR product.id %% 5 = 0 OR random() < 0.25""",
        {"months": MONTHS, "products": products.ids, "stocks": warehouses.lot_stock_id.ids},
    )
    cursor.execute("ANALYZE sold")
    is_receipt = f"sold.month = {MONTHS}"
    ends = {
        "product_id": "sold.product_id",
        "location_id": f"CASE WHEN {is_receipt} THEN {suppliers.id} ELSE sold.stock_id END",
        "location_dest_id": f"CASE WHEN {is_receipt} THEN sold.stock_id ELSE {customers.id} END",
        "date": "sold.moment",
    }
    moved = {**ends, "product_uom_qty": "sold.units", "product_qty": "sold.units", "quantity": "sold.units"}
    copy_row(env, "stock_move", move.id, {**moved, "origin": "'bench ' || sold.number"}, "sold")
    cursor.execute("ANALYZE stock_move")
    moved = {**ends, "quantity": "sold.units", "quantity_product_uom": "sold.units", "move_id": "made.id"}
    made = "sold JOIN stock_move made ON made.origin = 'bench ' || sold.number"
    copy_row(env, "stock_move_line", move.move_line_ids.id, moved, made)
    env.invalidate_all()
    cursor.execute("ANALYZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--sites", type=int, default=SITES)
    options = parser.parse_args()
    with odoo(SUITE) as env:
        env, company = generate(env, options.pairs, options.sites)
        env.cr.execute("SELECT COUNT(*) FROM stock_move WHERE company_id = %s", (company.id,))
        [moves] = env.cr.fetchone()
        print(f"{moves:,} moves written", flush=True)
        run = env["distribution.demand.run"].create({"company_id": company.id})
        run._start()
        batches = []
        while run.state in ("queued", "running"):
            before, queries, began = run.done, env.cr.sql_log_count, time.perf_counter()
            run._advance()
            batches.append((run.done - before, env.cr.sql_log_count - queries, time.perf_counter() - began))
            print("%s products at sites: %s queries, %.1f s" % batches[-1], flush=True)
        figures = {name: run[name] for name in ("done", "suggested", "fitting", "unknown")}
        told = versions(env)
        accepted = _accept(env, run)
    seconds = sum(batch[2] for batch in batches)
    # Odoo reads and writes 1,000 records at once: a batch of 1,500 takes as many queries as one of 2,000.
    worst = max(queries / -(-count // 1000) for count, queries, _seconds in batches if count)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    broken = []
    if seconds > LIMIT_SECONDS * options.pairs / PAIRS:
        broken.append(f"{seconds:.0f} s, limit {LIMIT_SECONDS} s for {PAIRS:,}")
    if worst > QUERIES_PER_1000:
        broken.append(f"{worst:.0f} queries for 1,000 products at sites, limit {QUERIES_PER_1000}")
    text = "\n".join(
        [
            f"Measured {time.strftime('%Y-%m-%d')} at commit {benchmarks_document.commit()}: Odoo {told['odoo']}, "
            f"Python {told['python']}, PostgreSQL {told['postgresql']}.",
            "",
            f"{figures['done']:,} products at {options.sites} sites with {moves:,} moves of {MONTHS} months, every "
            f"fifth asked for every month: {seconds / LIMIT_SECONDS:.0%} of the {LIMIT_SECONDS // 60} minutes that it "
            f"may take, in {len(batches)} batches of one process, {worst:.0f} queries for 1,000 (limit "
            f"{QUERIES_PER_1000}), {memory:.0f} MB at most. "
            f"{figures['suggested']:,} suggestions, {figures['fitting']:,} rules that fit, {figures['unknown']:,} of "
            "which too little is known.",
            "",
            f"Accepting {accepted[0]:,} suggestions at once: {accepted[1] / max(accepted[0], 1):.1f} queries for each.",
            "",
            "Out of limits:\n\n" + "\n".join(f"- {words}" for words in broken) if broken else "Every limit is kept.",
        ]
    )
    print(text)
    if options.pairs == PAIRS:
        benchmarks_document.write(series(), "Demand runs", text)
    return 1 if broken else 0


def _accept(env, run):
    """``(suggestions, queries)`` of a bulk acceptance."""
    waiting = env["distribution.demand.suggestion"].search([("run_id", "=", run.id), ("state", "=", "new")], limit=1000)
    env.flush_all()
    before = env.cr.sql_log_count
    if waiting:
        waiting._accept()
        env.flush_all()
    return len(waiting), env.cr.sql_log_count - before


if __name__ == "__main__":
    raise SystemExit(main())
