"""The daily run of the whole library, and the dashboards, of a company with a year behind it.

Documents that Odoo made are copied in bulk, over a year and all sites, at two sizes (``reports_company.py``). Measured
are the numbers of the day that is over and of today, every report of the library from capturing to handing out – people
release it where it takes them, files are drawn (``reports_runs.py``) – and each dashboard as an operations manager
opens it. The numbers are counted the way that one writes them with the ORM, too: search, then a loop
(``reports_loops.py``). The exit code is 1 when a limit is broken, these differ, or a KPI has nothing to count::

    make bench BENCH=reports            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_reports [--orders 10000,100000] [--no-document | --document]

Other sizes are written down only if asked for.
"""

import argparse
import datetime
import math
import resource
import time

from . import benchmarks_document
from .reports_company import LINES, SITES, Company
from .reports_loops import LOOPS
from .reports_naive import as_told, daily_service_level
from .reports_runs import READING, TRIES, Desk
from .setting import SUITE, Measured, odoo, series, versions

ORDERS = "10000,100000"
LOADS = 25
#: Queries of a day's numbers for each KPI, of a dashboard, of a whole run of a report; reading the data of one.
#: Ten times the data may take so many times as long; loops take at least so many times as long as definitions.
LIMITS = {
    "kpi_queries": 16,
    "dashboard_queries": 60,
    "dashboard_growth": 2.0,
    "run_queries": 600,
    "reading_queries": 250,
    "reading_growth": 5.0,
    "naive": 2.0,
}
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
    """``(cost, rows, KPIs)`` of the numbers of a day that is over, which are kept."""
    kpis = env["distribution.kpi"].search([("version_id", "!=", False)])
    env.invalidate_all()
    with Measured(env) as cost:
        rows = env["distribution.kpi.snapshot"]._take(company, day, kpis)
    return cost, len(rows), len(kpis)


def numbers_of_today(env, company):
    """``(cost, rows)`` of measuring all of them anew."""
    current = env["distribution.kpi.current"]
    kpis = env["distribution.kpi"].search([("version_id", "!=", False)])
    env.invalidate_all()
    with Measured(env) as cost:
        current._refresh(company, kpis)
    return cost, current.search_count([("company_id", "=", company.id)])


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


def naive_report(env, company, day, desk):
    """``((what it says, cost) by loop, (what it says, cost) by definition)`` of a whole daily report."""
    version = desk.versions.filtered(lambda version: version.report_id.code == daily_service_level.__name__)
    env.invalidate_all()
    with Measured(env) as by_loop:
        told = daily_service_level(env, company, day)
    env.invalidate_all()
    with Measured(env) as by_definition:
        content, _findings = env["distribution.report.builder"]._preview(version, day, day, desk.reader)
    return (told, by_loop), (as_told(content), by_definition)


def without_facts(env, company, day):
    """KPIs that found nothing to count in a month: their cost would say nothing."""
    kpis = env["distribution.kpi"].with_company(company).search([("version_id", "!=", False)])
    measures = kpis._measure(kpis, day - datetime.timedelta(days=30), day)
    return sorted(kpi.code for kpi in kpis if not sum(measure.rows for measure in measures[kpi.id]))


def dashboards(env):
    """``{dashboard: cost}`` as the web client loads them, for the last month: the quickest of some loads.

    :param env: of who looks
    :raises SystemExit: a number is missing or not for who looks
    """
    costs, shown = {}, {}
    boards = env["distribution.dashboard"]
    codes = boards.search([]).mapped("code")
    for code in codes * LOADS:  # in turn: what else the machine does meanwhile meets all of them
        env.invalidate_all()
        with Measured(env) as cost:
            shown[code] = boards.load(code, "last_30_days")
        if code not in costs or cost.seconds < costs[code].seconds:
            costs[code] = cost
    for code, board in shown.items():
        hidden = [section["hidden"] for section in board["sections"] if section["hidden"]]
        if hidden or not board["editions"]:
            raise SystemExit(f"{code}: who looks does not see {hidden or 'any edition'}")
    return costs


def measure(env, company, desk):
    day = company._day_of(datetime.datetime.now()) - datetime.timedelta(days=1)
    # Dashboards read the numbers of two months.
    env["distribution.kpi.snapshot"]._take_past(
        company, day - datetime.timedelta(days=60), day - datetime.timedelta(days=1)
    )
    cost, rows, kpis = day_of_numbers(env, company, day)
    today, current = numbers_of_today(env, company)
    env.cr.execute("ANALYZE distribution_kpi_snapshot; ANALYZE distribution_kpi_current")  # as autovacuum does
    return {
        "day": cost,
        "rows": rows,
        "kpis": kpis,
        "today": today,
        "current": current,
        "empty": without_facts(env, company, day),
        "compared": compared(env, company, day),
        "naive": naive_report(env, company, day, desk),
        "runs": desk.run_all(),
        "dashboards": dashboards(env(user=desk.manager)),
    }


def _is_same(one, other):
    """Whether two numbers, or lists of them and of texts, say the same."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, str):
        return one == other
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=0.01)


def broken_limits(found):
    """Every limit that was not kept, in words."""
    broken = []
    small, large = found[min(found)], found[max(found)]
    for one in (small, large):
        different = {
            code: (by_loop, by_definition)
            for code, ((by_loop, _cost), (by_definition, _own)) in one["compared"].items()
            if not _is_same(by_loop, by_definition)
        }
        (told, _cost), (own, _own) = one["naive"]
        different |= {
            f"{daily_service_level.__name__}.{name}": (told[name], own[name])
            for name in told
            if not _is_same(told[name], own[name])
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
    loops, own = _costs(large["compared"].values())
    if sum(one.seconds for one in loops) < LIMITS["naive"] * sum(one.seconds for one in own):
        broken.append("loops take less than twice the time of the definitions")
    (_told, by_loop), (_said, by_definition) = large["naive"]
    if by_loop.seconds < LIMITS["naive"] * by_definition.seconds:
        broken.append("a report made of loops takes less than twice the time of its definition")
    for code, run in large["runs"].items():
        before = small["runs"][code]
        if run.queries() > LIMITS["run_queries"]:
            broken.append(f"{code}: {run.queries()} queries")
        if run.queries(READING) > LIMITS["reading_queries"] * (2 if run.held else 1):
            broken.append(f"{code}: {run.queries(READING)} queries to read the data")
        if run.seconds(READING) > LIMITS["reading_growth"] * before.seconds(READING):
            broken.append(f"{code}: reading takes {run.seconds(READING) / before.seconds(READING):.1f} times as long")
        if not run.files or not run.given_to:
            broken.append(f"{code}: no files, or nobody got it")
    for code, cost in large["dashboards"].items():
        if cost.queries > LIMITS["dashboard_queries"]:
            broken.append(f"{code}: {cost.queries} queries")
        if cost.queries != small["dashboards"][code].queries:
            broken.append(f"{code}: its queries depend on the data")
        if cost.seconds > LIMITS["dashboard_growth"] * small["dashboards"][code].seconds:
            broken.append(f"{code}: takes {cost.seconds / small['dashboards'][code].seconds:.1f} times as long")
    return broken


def _costs(pairs):
    """Costs by loop, costs by definition."""
    pairs = list(pairs)
    return [pair[0][1] for pair in pairs], [pair[1][1] for pair in pairs]


def _compared(name, pairs):
    """A row: loops beside definitions."""
    loops, own = _costs(pairs)
    seconds = sum(one.seconds for one in loops) / sum(one.seconds for one in own)
    queries, of_own = (sum(one.queries for one in costs) for costs in (loops, own))
    return f"| {name} | {seconds:.1f} | {queries} | {of_own} |"


def _run(code, run, before):
    """A row: a whole run."""
    total, reading, drawing = run.seconds(), run.seconds(READING), run.seconds(("approval", "render"))
    return (
        f"| {code} | {run.queries(READING)} | {reading / before.seconds(READING):.1f} | {run.queries()} "
        f"| {before.queries()} | {100 * reading / total:.0f} % | {100 * drawing / total:.0f} % "
        f"| {', '.join(run.released_by) or 'policy'} | {', '.join(run.files)} |"
    )


def _sums(runs):
    """Seconds and queries of all runs; seconds of those steps that read."""
    return tuple(map(sum, zip(*((run.seconds(), run.queries(), run.seconds(READING)) for run in runs.values()))))


def section(found, told, written, broken):
    """The Markdown of these results."""
    small, large = found[min(found)], found[max(found)]
    times = f"time at {max(found):,} orders beside {min(found):,}"
    (seconds, queries, reading), (_seconds, _queries, before) = _sums(large["runs"]), _sums(small["runs"])
    held = sorted(code for code, run in large["runs"].items() if run.held)
    naive = sum(one.seconds for one in _costs(large["compared"].values())[0])
    words = [
        f"{benchmarks_document.measured(told)}.",
        "",
        f"A company of {SITES} sites with {max(found):,} orders of {LINES} lines and {written['stock_move']:,} stock "
        f"moves over a year, beside one with {min(found):,} orders; in proportion "
        + ", ".join(f"{written[table]:,} {words}" for table, words in WRITTEN.items())
        + ". In one pass: read the ratios as orders of magnitude.",
        "",
        f"| | queries | limit | {times} | limit |",
        "|---|---:|---:|---:|---:|",
        f"| numbers of the day that is over: {large['kpis']} KPIs, {large['rows']} rows | {large['day'].queries} "
        f"| {LIMITS['kpi_queries']} for each KPI | {large['day'].seconds / small['day'].seconds:.1f} |  |",
        f"| numbers of today: {large['kpis']} KPIs, {large['current']} rows | {large['today'].queries} "
        f"| {LIMITS['kpi_queries']} for each KPI | {large['today'].seconds / small['today'].seconds:.1f} |  |",
        *(
            f"| an operations manager opens dashboard {code} | {cost.queries} | {LIMITS['dashboard_queries']} "
            f"| {cost.seconds / small['dashboards'][code].seconds:.1f} | {LIMITS['dashboard_growth']} |"
            for code, cost in sorted(large["dashboards"].items())
        ),
        f"| reading of all {len(large['runs'])} reports | "
        f"{sum(run.queries(READING) for run in large['runs'].values())} "
        f"| {LIMITS['reading_queries']} for each, twice where held | {reading / before:.1f} "
        f"| {LIMITS['reading_growth']} for each |",
        f"| whole runs of all {len(large['runs'])} reports | {queries} | {LIMITS['run_queries']} for each "
        f"| {seconds / _seconds:.1f} |  |",
        "",
        "Whole runs: captured, judged by age and checks, computed, exceptions found, proposed, released by policy or "
        "by the people named, drawn and handed out in the inbox. The reading steps are those up to the exceptions, of "
        f"each the quickest of {TRIES} tries; what comes after them looks at what was read only. Drawing, with the "
        "preview for those who release it, is done by a process of its own."
        + (f" Held by their checks or inputs, and let go by their owner: {', '.join(held)}." if held else ""),
        "",
        f"| report | queries to read | {times} | queries of the run | at {min(found):,} orders | share of reading "
        "| of drawing | released by | files |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
        *(_run(code, run, small["runs"][code]) for code, run in sorted(large["runs"].items())),
        "",
        f"Numbers of one day at {max(found):,} orders, of the whole company, counted by search and a loop over "
        "records, beside their definitions, and a whole report made of loops: figures, tables and a trend of four "
        f"weeks. All agree. The limit is {LIMITS['naive']:.0f} for all numbers together, and for the report. The loops "
        f"take {naive / large['day'].seconds:.1f} times as long as the whole night's numbers, which are those of each "
        "site as well, checked and kept.",
        "",
        "| | time of the loop, definition = 1 | its queries | of the definition |",
        "|---|---:|---:|---:|",
        *(_compared(code, [pair]) for code, pair in sorted(large["compared"].items())),
        _compared(f"all {len(large['compared'])}", large["compared"].values()),
        _compared(f"the report {daily_service_level.__name__} of that day", [large["naive"]]),
        "",
        benchmarks_document.verdict(broken),
    ]
    return "\n".join(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", default=ORDERS)
    parser.add_argument("--no-document", action="store_true")
    parser.add_argument("--document", action="store_true", help="write down other sizes as well")
    options = parser.parse_args()
    sizes = [int(size) for size in options.orders.split(",")]
    found, so_far = {}, 0
    with odoo(SUITE) as env:
        business = Company(env)
        env, company = business.env, business.company
        desk = Desk(env)
        for size in sizes:
            began = time.perf_counter()
            business.fill(so_far, size)
            print(f"{size:,} orders written in {time.perf_counter() - began:.0f} s", flush=True)
            savepoint = env.cr.savepoint()
            found[size] = measure(env, company, desk)
            print(found[size]["day"].seconds, found[size]["empty"], flush=True)
            for code, (loop, own) in found[size]["compared"].items():
                print(code, loop[0], own[0], loop[1].seconds, own[1].seconds, flush=True)
            for code, run in found[size]["runs"].items():
                print(code, dict(run.steps), run.held, run.released_by, run.files, run.given_to, flush=True)
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
    if options.document or (options.orders == ORDERS and not options.no_document):
        benchmarks_document.write(series(), "Reports", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
