"""The numbers of a day, the library of reports and the dashboards of a company with a year behind it.

Documents that Odoo made are copied in bulk, over a year and all sites, at two sizes (``reports_company.py``). Measured
are the daily numbers of the whole library of KPIs, the content of all library reports (captured, checked, computed;
drawing does not depend on the data), and each dashboard as a person opens it. Some numbers are counted the way that
one writes them with the ORM, too: search, then a loop (``reports_loops.py``). The exit code is 1 when a limit is
broken, these differ, or a KPI has nothing to count::

    make bench BENCH=reports            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_reports [--orders 10000,100000] [--no-document]
"""

import argparse
import datetime
import math
import resource
import time

from . import benchmarks_document
from .reports_company import LINES, SITES, Company, join
from .reports_loops import LOOPS
from .setting import SUITE, Measured, odoo, series, versions

ORDERS = "10000,100000"
LOADS = 7
#: Queries of a day's numbers for each KPI, of a dashboard; ten times the data may take so many times as long.
LIMITS = {"kpi_queries": 16, "dashboard_queries": 60, "dashboard_growth": 2.0, "naive": 2.0}
#: What is told of the company, by table.
WRITTEN = {
    "purchase_order": "purchase orders with receipts and promises",
    "account_move": "bills and invoices",
    "distribution_match_line": "verdicts of the three-way match",
    "distribution_case": "cases",
    "distribution_approval_request": "requests for approval",
    "distribution_replenishment_proposal": "proposals of replenishment",
    "distribution_webhook_delivery": "messages",
}


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


def compared(env, company, day):
    """``{KPI: ((value, cost) by loop, (value, cost) by definition)}``, one at once."""
    found = {}
    for code, loop in LOOPS.items():
        kpi = env["distribution.kpi"].with_company(company).search([("code", "=", code)])
        env.invalidate_all()
        with Measured(env) as by_loop:
            value = loop(env, company, day)
        env.invalidate_all()
        with Measured(env) as by_definition:
            (measure,) = kpi._measure(kpi, day, day)[kpi.id]
        found[code] = (float(value), by_loop), (float(measure.value or 0), by_definition)
    return found


def without_facts(env, company, day):
    """KPIs that found nothing to count in a month: their cost would say nothing."""
    kpis = env["distribution.kpi"].with_company(company).search([("version_id", "!=", False)])
    measures = kpis._measure(kpis, day - datetime.timedelta(days=30), day)
    return sorted(kpi.code for kpi in kpis if not sum(measure.rows for measure in measures[kpi.id]))


def reports(env, company):
    """``{report: cost}`` of what the reports of the library say about yesterday."""
    users = env["res.users"].with_context(no_reset_password=True)
    reader = users.create(
        {"name": "Reader", "login": f"bench_reader_{company.id}", "company_id": company.id,
         "company_ids": [(6, 0, company.ids)]}
    )  # fmt: skip
    join(reader, "distribution_core.group_auditor")
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
    cost, rows, kpis = day_of_numbers(env, company, day - datetime.timedelta(days=61))
    return {
        "day": cost,
        "rows": rows,
        "kpis": kpis,
        "empty": without_facts(env, company, day),
        "compared": compared(env, company, day),
        "reports": reports(env, company),
        "dashboards": dashboards(env),
    }


def broken_limits(found):
    """Every limit that was not kept, in words."""
    broken = []
    small, large = found[min(found)], found[max(found)]
    for one in (small, large):
        different = {
            code: (by_loop, by_definition)
            for code, ((by_loop, _cost), (by_definition, _own)) in one["compared"].items()
            if not math.isclose(by_loop, by_definition, rel_tol=1e-4, abs_tol=0.01)
        }
        if different:
            broken.append(f"other numbers than the loop: {different}")
    if large["empty"]:
        broken.append(f"nothing to count for {', '.join(large['empty'])}")
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


def _compared(name, pairs):
    """A row: loops beside definitions."""
    loops, own = ([one[which][1] for one in pairs] for which in (0, 1))
    seconds = sum(one.seconds for one in loops) / sum(one.seconds for one in own)
    queries, of_own = (sum(one.queries for one in costs) for costs in (loops, own))
    return f"| {name} | {seconds:.1f} | {queries} | {of_own} |"


def section(found, told, written, broken):
    """The Markdown of these results."""
    small, large = found[min(found)], found[max(found)]
    words = [
        f"{benchmarks_document.measured(told)}.",
        "",
        f"A company of {SITES} sites with {max(found):,} orders of {LINES} lines and {written['stock_move']:,} stock "
        f"moves over a year, beside one with {min(found):,} orders; in proportion "
        + ", ".join(f"{written[table]:,} {words}" for table, words in WRITTEN.items())
        + ". In one pass: read the ratios as orders of magnitude.",
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
        *(_compared(code, [pair]) for code, pair in sorted(large["compared"].items())),
        _compared(f"all {len(large['compared'])}", list(large["compared"].values())),
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
        business = Company(env)
        env, company = business.env, business.company
        for size in sizes:
            began = time.perf_counter()
            business.fill(so_far, size)
            print(f"{size:,} orders written in {time.perf_counter() - began:.0f} s", flush=True)
            savepoint = env.cr.savepoint()
            found[size] = measure(env, company)
            print(found[size]["day"].seconds, found[size]["empty"], flush=True)
            for code, (loop, own) in found[size]["compared"].items():
                print(code, loop[0], own[0], loop[1].seconds, own[1].seconds, flush=True)
            env.invalidate_all(flush=False)
            savepoint.close(rollback=True)
            so_far = size
        written = {}
        for table in ("stock_move", *WRITTEN):
            env.cr.execute(f"SELECT count(*) FROM {table} WHERE company_id = %s", (company.id,))
            [written[table]] = env.cr.fetchone()
        told = versions(env)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    broken = broken_limits(found)
    text = section(found, told, written, broken)
    print(text, f"\n{memory} MB")
    if options.orders == ORDERS and not options.no_document:
        benchmarks_document.write(series(), "Reports", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
