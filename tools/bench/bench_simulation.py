"""What simulating a policy on 10,000 documents costs, and that it changes nothing.

A draft of 50 rules is applied to 10,000 purchase orders, batch by batch of 1,000, as the scheduled job
does it. No fact was recorded with these orders, so each is worked out from the order as it is: the
most work that there is. The exit code is 1 when a limit is broken::

    make bench BENCH=simulation               # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_simulation [--documents 10000]
"""

import argparse
import time

from . import benchmarks_document, purchase_company, purchase_policy
from .setting import SUITE, odoo, series, versions

DOCUMENTS, RULES = 10_000, 50
#: Queries of one batch of 1,000 documents, and by how much the last batches may differ from the first.
LIMITS = {"queries": 250, "growth_queries": 1.10, "growth_time": 1.50}
#: Tables that a simulation leaves alone.
UNTOUCHED = (
    "purchase_order",
    "purchase_order_line",
    "distribution_approval_request",
    "distribution_approval_task",
    "distribution_approval_snapshot",
    "distribution_approval_release",
    "distribution_approval_fast_path_use",
    "distribution_event",
    "mail_message",
    "mail_activity",
)
QUIET = {"tracking_disable": True, "mail_create_nolog": True, "mail_create_nosubscribe": True}


def state_of(env):
    """Number of rows and a checksum of all their values, of each table that must not change."""
    env.flush_all()
    found = {}
    for table in UNTOUCHED:
        env.cr.execute(f"SELECT count(*), sum(hashtext(entry::text)::bigint) FROM {table} entry")
        found[table] = env.cr.fetchone()
    return found


def prepare(env, count):
    """(company, draft to be simulated) with ``count`` orders of the last months."""
    company = purchase_company.build(env)
    purchase_company.govern(env, company)
    purchase_policy.publish(env, company, RULES)
    missing = count - env["purchase.order"].search_count([("company_id", "=", env.company.id)])
    quiet = env(context={**env.context, **QUIET})
    for start in range(0, missing, 1000):
        purchase_company._orders(quiet, company, min(1000, missing - start), lines=2, quantity=10 + start // 1000 * 150)
        env.flush_all()
        env.invalidate_all()
    # In force since before governance: confirming them one by one is not what is measured.
    env.cr.execute("UPDATE purchase_order SET state = 'purchase' WHERE company_id = %s", (env.company.id,))
    env.invalidate_all()
    author = env["res.users"].browse(company["people"]["author"])
    version = env["distribution.approval.policy.version"].search([("state", "=", "published")], limit=1)
    draft = version.policy_id.with_user(author)._draft_next_version()
    limits = draft.rule_ids.condition_ids.filtered(lambda condition: condition.value == "2500")
    limits.write({"value": "1500"})
    env.flush_all()
    return author, draft


def measure(env, count):
    """``(simulation, [queries of each batch], [seconds of each batch], [progress after each batch])``."""
    author, draft = prepare(env, count)
    simulation = env["distribution.approval.simulation"].with_user(author).create({"version_id": draft.id, "months": 3})
    before = state_of(env)
    simulation.action_run()
    simulation = simulation.sudo()
    assert simulation.state == "queued", "so many documents are left to the job"
    queries, seconds, progress = [], [], []
    while simulation.state in ("queued", "running"):
        env.flush_all()
        env.invalidate_all()
        asked, start = env.cr.sql_log_count, time.perf_counter()
        simulation._advance()
        env.flush_all()
        seconds.append(time.perf_counter() - start)
        queries.append(env.cr.sql_log_count - asked)
        progress.append(simulation.done)
    assert state_of(env) == before, "the simulation changed something"
    return simulation, queries, seconds, progress


def problems(simulation, count, queries, seconds, progress):
    """What is out of limits, in words. The last batch may be an empty one that only sums up."""
    full = [number for number, done in enumerate(progress) if done - ([0, *progress][number]) == 1000]
    asked, took = [queries[number] for number in full], [seconds[number] for number in full]
    # The first one fills caches that the others find.
    steady_queries, steady_time = asked[1:], took[1:]
    found = []
    if simulation.state != "done" or simulation.done < count:
        found.append(f"{simulation.done} of {count} documents are simulated: {simulation.error}")
    if max(asked) > LIMITS["queries"]:
        found.append(f"a batch of 1,000 takes {max(asked)} queries, limit {LIMITS['queries']}")
    if max(steady_queries) > LIMITS["growth_queries"] * min(steady_queries):
        found.append(f"queries grow from batch to batch: {asked}")
    if steady_time[-1] > LIMITS["growth_time"] * steady_time[0]:
        found.append(f"a batch takes longer the more were done: {[round(value, 2) for value in took]}")
    if progress != sorted(progress) or len(set(progress)) < count // 1000:
        found.append(f"the progress is not shown batch by batch: {progress}")
    return found, asked, took


def text_of(env, simulation, asked, took, broken):
    return "\n".join(
        [
            f"{benchmarks_document.measured(versions(env))}.",
            "",
            f"A draft of {RULES} rules on {simulation.done:,} purchase orders of two lines whose facts were not "
            "recorded (each is worked out from the order as it is), in batches of 1,000 that each show their progress. "
            f"A checksum of {len(UNTOUCHED)} tables is the same before and after: a simulation changes nothing.",
            "",
            "| | measured | limit |",
            "|---|---:|---:|",
            f"| queries for the first 1,000 documents | {asked[0]} | {LIMITS['queries']} |",
            f"| queries for each 1,000 after that | {min(asked[1:])}–{max(asked[1:])} | "
            f"{LIMITS['growth_queries']:.2f} × the least |",
            f"| time of the last 1,000 beside the second | {took[-1] / took[1]:.2f} | {LIMITS['growth_time']:.2f} |",
            "",
            f"Result: {simulation.passed:,} pass, {simulation.routed:,} need approval, {simulation.refused:,} refused, "
            f"{simulation.held:,} held; {simulation.changed:,} differ from the version in force.",
            "",
            benchmarks_document.verdict(broken),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    count = parser.parse_args().documents
    with odoo(SUITE) as env:
        simulation, queries, seconds, progress = measure(env, count)
        broken, asked, took = problems(simulation, count, queries, seconds, progress)
        text = text_of(env, simulation, asked, took, broken)
    print(text)
    if count == DOCUMENTS:
        benchmarks_document.write(series(), "Simulation", text)
    if broken:
        raise SystemExit("\n".join(broken))


if __name__ == "__main__":
    main()
