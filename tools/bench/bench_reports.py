"""The numbers of a day, the library of reports and the dashboards of a company with a year behind it.

One order that Odoo made – five lines, delivered – is copied in bulk, over a year and all sites, at two sizes. Measured
are the daily numbers of the whole library of KPIs, the content of all library reports (captured, checked, computed;
drawing does not depend on the data), and each dashboard as a person opens it. Three numbers are counted the way that
one writes them with the ORM, too: search, then a loop. The exit code is 1 when a limit is broken or these differ::

    make bench BENCH=reports            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_reports [--orders 10000,100000] [--no-document]
"""

import argparse
import datetime
import resource
import time

from . import benchmarks_document
from .copies import copy_row
from .setting import SUITE, Measured, odoo, series, versions

ORDERS, LINES, SITES, DAYS = "10000,100000", 5, 3, 365
LOADS = 7
#: Queries of a day's numbers for each KPI, of a dashboard; ten times the data may take so many times as long.
LIMITS = {"kpi_queries": 16, "dashboard_queries": 60, "dashboard_growth": 2.0, "naive": 2.0}
NAIVE = ("orders_confirmed", "sales_margin", "delivery_on_time")


def begin(env):
    """A company of three sites, and one order of five lines that was delivered; returns what is copied."""
    from odoo.addons.distribution_core.compat import storable_product_values

    company = env["res.company"].create({"name": "Bench of reports"})
    env.user.company_ids += company
    env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
    company = company.with_env(env)
    env["stock.warehouse"].create(
        [{"name": f"Site {number}", "code": f"BR{number}", "company_id": company.id} for number in range(1, SITES)]
    )
    sites = env["stock.warehouse"].search([("company_id", "=", company.id)])
    product = env["product.product"].create(
        {"name": "Part", "standard_price": 6, "list_price": 10, "taxes_id": False, **storable_product_values()}
    )
    env["stock.quant"]._update_available_quantity(product, sites[0].lot_stock_id, 100)
    order = env["sale.order"].create(
        {
            "partner_id": env["res.partner"].create({"name": "Customer"}).id,
            "company_id": company.id,
            "warehouse_id": sites[0].id,
            "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 2}) for _line in range(LINES)],
        }
    )
    order.action_confirm()
    for move in order.picking_ids.move_ids:
        move.write({"quantity": move.product_uom_qty, "picked": True})
    order.picking_ids._action_done()
    env.flush_all()
    return env, company, sites, order


def fill(env, sites, order, so_far, orders):
    """As many copies as make `orders`: orders, lines, deliveries, two moves for each line (in and out)."""
    cursor = env.cr
    picking, move, line = order.picking_ids, order.picking_ids.move_ids[0], order.order_line[0]
    kinds = {site.id: site.out_type_id.id for site in sites}
    cursor.execute("DROP TABLE IF EXISTS asked")
    cursor.execute(
        """CREATE TEMP TABLE asked AS
           SELECT number, %(order)s + number AS order_id, %(picking)s + number AS picking_id,
                  site.id AS site_id, site.kind AS kind_id, site.stock AS stock_id,
                  now() AT TIME ZONE 'utc' - make_interval(days => number %% %(days)s, mins => number %% 600) AS moment
             FROM generate_series(%(first)s, %(last)s) AS number
             JOIN unnest(%(sites)s, %(kinds)s, %(stocks)s) WITH ORDINALITY AS site (id, kind, stock, position)
               ON site.position = 1 + number %% %(count)s""",
        {
            "order": 10_000_000, "picking": 10_000_000, "days": DAYS, "first": so_far + 1, "last": orders,
            "sites": list(kinds), "kinds": list(kinds.values()), "stocks": [site.lot_stock_id.id for site in sites],
            "count": len(kinds),
        },
    )  # fmt: skip
    cursor.execute("CREATE INDEX ON asked (order_id); ANALYZE asked")
    due = "asked.moment + make_interval(hours => 12 * (asked.number %% 3)::int)"
    done = "asked.moment + interval '18 hours'"
    copy_row(
        env,
        "sale_order",
        order.id,
        {"id": "asked.order_id", "name": "'B' || asked.number", "date_order": "asked.moment",
         "warehouse_id": "asked.site_id", "procurement_group_id": "NULL", "access_token": "NULL"},
        "asked",
    )  # fmt: skip
    each = f"asked CROSS JOIN generate_series(1, {LINES}) AS part"
    copy_row(env, "sale_order_line", line.id, {"order_id": "asked.order_id"}, each)
    copy_row(
        env,
        "stock_picking",
        picking.id,
        {"id": "asked.picking_id", "name": "'BP' || asked.number", "picking_type_id": "asked.kind_id",
         "location_id": "asked.stock_id", "sale_id": "asked.order_id", "date_deadline": due, "date_done": done,
         "group_id": "NULL"},
        "asked",
    )  # fmt: skip
    moved = {"date": done, "date_deadline": due, "first_deadline": due, "sale_line_id": "NULL", "group_id": "NULL"}
    out = {"picking_id": "asked.picking_id", "picking_type_id": "asked.kind_id", "location_id": "asked.stock_id"}
    copy_row(env, "stock_move", move.id, {**moved, **out}, each)
    supplier = env.ref("stock.stock_location_suppliers").id
    into = {"picking_id": "NULL", "location_id": str(supplier), "location_dest_id": "asked.stock_id"}
    copy_row(env, "stock_move", move.id, {**moved, **into, "picking_type_id": "NULL"}, each)
    env.invalidate_all()
    cursor.execute("ANALYZE")


def day_of_numbers(env, company, day):
    """``(cost, rows)`` of the numbers of a day, which are rolled back."""
    snapshots = env["distribution.kpi.snapshot"]
    kpis = env["distribution.kpi"].search([("version_id", "!=", False)])
    savepoint = env.cr.savepoint()
    env.invalidate_all()
    with Measured(env) as cost:
        rows = snapshots._take(company, day, kpis)
    taken = len(rows)
    env.invalidate_all(flush=False)
    savepoint.close(rollback=True)
    return cost, taken, len(kpis)


def naive(env, company, day):
    """The way that one writes it: ``{KPI: (value, cost)}``."""
    begin, end = company._moments_of(day, day)
    found = {}
    env.invalidate_all()
    with Measured(env) as cost:
        orders = env["sale.order"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "sale"),
                ("date_order", ">=", begin),
                ("date_order", "<", end),
            ]
        )
        count = len(orders)
    found["orders_confirmed"] = float(count), cost
    env.invalidate_all()
    with Measured(env) as cost:
        margin = sum(line.margin for order in orders for line in order.order_line if not line.display_type)
    found["sales_margin"] = margin, cost
    env.invalidate_all()
    with Measured(env) as cost:
        done = env["stock.picking"].search(
            [("company_id", "=", company.id), ("picking_type_id.code", "=", "outgoing"), ("state", "=", "done"),
             ("date_deadline", "!=", False), ("date_done", ">=", begin), ("date_done", "<", end)]
        )  # fmt: skip
        deadlines = [
            (one.date_done, min(move.first_deadline or move.date_deadline for move in one.move_ids)) for one in done
        ]
        kept = sum(company._day_of(at) <= company._day_of(deadline) for at, deadline in deadlines)
        share = 100 * kept / (len(deadlines) or 1)
    found["delivery_on_time"] = share, cost
    return found


def ours(env, company, day):
    """The same numbers by their definitions: ``{KPI: (value, cost)}``."""
    found = {}
    for code in NAIVE:
        kpi = env["distribution.kpi"].with_company(company).search([("code", "=", code)])
        env.invalidate_all()
        with Measured(env) as cost:
            (measure,) = kpi._measure(kpi, day, day)[kpi.id]
        found[code] = float(measure.value or 0), cost
    return found


def reports(env, company):
    """``{report: cost}`` of what the reports of the library say about yesterday."""
    users = env["res.users"].with_context(no_reset_password=True)
    reader = users.create(
        {"name": "Reader", "login": f"bench_reader_{company.id}", "company_id": company.id,
         "company_ids": [(6, 0, company.ids)]}
    )  # fmt: skip
    field = "groups_id" if "groups_id" in reader._fields else "group_ids"
    reader[field] += env.ref("distribution_core.group_auditor")
    wizard = env["distribution.report.library"].create({"company_id": company.id, "reader_id": reader.id})
    costs = {}
    for version in wizard._install():
        days = env["distribution.report.working.days"]._of(company, datetime.datetime.now())
        first, last = version._period_of(company._day_of(datetime.datetime.now()), days)
        env.invalidate_all()
        with Measured(env) as cost:
            env["distribution.report.builder"]._preview(version, first, last, reader)
        costs[version.report_id.code] = cost
    return costs


def dashboards(env):
    """``{dashboard: cost}`` as the web client loads them, for the last month: the quickest of some loads."""
    costs = {}
    boards = env["distribution.dashboard"]
    for code in boards.search([]).mapped("code"):
        for _time in range(LOADS):
            env.invalidate_all()
            with Measured(env) as cost:
                boards.load(code, "last_30_days")
            if code not in costs or cost.seconds < costs[code].seconds:
                costs[code] = cost
    return costs


def measure(env, company):
    day = company._day_of(datetime.datetime.now()) - datetime.timedelta(days=1)
    # Dashboards read the numbers of two months.
    env["distribution.kpi.snapshot"]._take_past(company, day - datetime.timedelta(days=60), day)
    env.cr.execute("ANALYZE distribution_kpi_snapshot")  # as autovacuum does
    by_loop, by_definition = naive(env, company, day), ours(env, company, day)
    cost, rows, kpis = day_of_numbers(env, company, day - datetime.timedelta(days=61))
    return {
        "day": cost,
        "rows": rows,
        "kpis": kpis,
        "naive": {
            code: (by_loop[code][1].seconds / by_definition[code][1].seconds, by_loop[code][1].queries,
                   by_definition[code][1].queries)
            for code in NAIVE
        },
        "different": {
            code: (by_loop[code][0], by_definition[code][0])
            for code in NAIVE
            if abs(by_loop[code][0] - by_definition[code][0]) > 0.01
        },
        "reports": reports(env, company),
        "dashboards": dashboards(env),
    }  # fmt: skip


def broken_limits(found):
    """Every limit that was not kept, in words."""
    broken = []
    small, large = found[min(found)], found[max(found)]
    for one in (small, large):
        if one["different"]:
            broken.append(f"other numbers than the loop: {one['different']}")
    each = large["day"].queries / large["kpis"]
    if each > LIMITS["kpi_queries"]:
        broken.append(f"{each:.0f} queries for each KPI of a day")
    if large["day"].queries != small["day"].queries:
        broken.append(f"the queries of a day depend on the data: {small['day'].queries}, {large['day'].queries}")
    for code, cost in large["dashboards"].items():
        if cost.queries > LIMITS["dashboard_queries"]:
            broken.append(f"{code}: {cost.queries} queries")
        if cost.queries != small["dashboards"][code].queries:
            broken.append(f"{code}: its queries depend on the data")
        if cost.seconds > LIMITS["dashboard_growth"] * small["dashboards"][code].seconds:
            broken.append(f"{code}: takes {cost.seconds / small['dashboards'][code].seconds:.1f} times as long")
    return broken


def section(found, told, moves, broken):
    """The Markdown of these results."""
    small, large = found[min(found)], found[max(found)]
    words = [
        f"{benchmarks_document.measured(told)}.",
        "",
        f"A company of {SITES} sites with {max(found):,} orders of {LINES} lines and {moves:,} stock moves over a "
        f"year, beside one with {min(found):,} orders. In one pass: read the ratios as orders of magnitude.",
        "",
        f"| | queries | limit | time at {max(found):,} orders beside {min(found):,} |",
        "|---|---:|---:|---:|",
        f"| a day's numbers: {large['kpis']} KPIs, {large['rows']} rows | {large['day'].queries} "
        f"| {LIMITS['kpi_queries']} for each KPI | {large['day'].seconds / small['day'].seconds:.1f} |",
        *(
            f"| dashboard {code} | {cost.queries} | {LIMITS['dashboard_queries']} "
            f"| {cost.seconds / small['dashboards'][code].seconds:.1f} |"
            for code, cost in sorted(large["dashboards"].items())
        ),
        *(
            f"| report {code} | {cost.queries} |  | {cost.seconds / small['reports'][code].seconds:.1f} |"
            for code, cost in sorted(large["reports"].items())
        ),
        "",
        f"Numbers of one day at {max(found):,} orders, counted by search and a loop over records, beside their "
        "definitions; both agree:",
        "",
        "| | time of the loop, definition = 1 | its queries | of the definition |",
        "|---|---:|---:|---:|",
        *(
            f"| {code} | {ratio:.1f} | {loop} | {queries} |"
            for code, (ratio, loop, queries) in sorted(large["naive"].items())
        ),
        "",
        "Limits that are **not** kept:\n\n" + "\n".join(f"- {one}" for one in broken)
        if broken
        else "Every limit is kept.",
    ]
    return "\n".join(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", default=ORDERS)
    parser.add_argument("--no-document", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.orders.split(",")]
    found, so_far = {}, 0
    with odoo(SUITE) as env:
        env, company, sites, order = begin(env)
        for size in sizes:
            began = time.perf_counter()
            fill(env, sites, order, so_far, size)
            print(f"{size:,} orders written in {time.perf_counter() - began:.0f} s", flush=True)
            savepoint = env.cr.savepoint()
            found[size] = measure(env, company)
            print(found[size]["day"].seconds, found[size]["naive"], found[size]["different"], flush=True)
            env.invalidate_all(flush=False)
            savepoint.close(rollback=True)
            so_far = size
        env.cr.execute("SELECT count(*) FROM stock_move WHERE company_id = %s", (company.id,))
        ((moves,),) = env.cr.fetchall()
        told = versions(env)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    broken = broken_limits(found)
    text = section(found, told, moves, broken)
    print(text, f"\n{memory} MB")
    if options.orders == ORDERS and not options.no_document:
        benchmarks_document.write(series(), "Reports", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
