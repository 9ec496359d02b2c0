"""What simulating policies on 10,000 documents costs, and that it changes nothing.

A draft of 50 rules is applied to 10,000 purchase orders, batch by batch of 1,000, as the scheduled job
does it. No fact was recorded with these orders, so each is worked out from the order as it is. Then drafts of 50
rules are applied to 10,000 counts, transfers between sites, deliveries, returns and credit notes each, of a company
that governs nothing yet (``past_company.py``): each is judged as of its own day. The exit code is 1 when a limit is
broken::

    make bench BENCH=simulation               # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_simulation [--documents 10000] [--only credit_release …]

Other sizes, and some of the types only, are not written down.
"""

import argparse
import os
import time
from dataclasses import dataclass, field

from . import benchmarks_document, purchase_company, purchase_policy
from .past_company import POLICIES, RULES, Company
from .setting import SUITE, odoo, series, versions

DOCUMENTS, ORDERS = 10_000, "purchase_order"
#: Queries of one batch of 1,000 documents, and by how much the last batches may differ from the first; the time of
#: 1,000 documents from before governance beside that of 1,000 purchase orders; MB that memory grows by after the
#: second batch.
LIMITS = {"queries": 250, "growth_queries": 1.10, "growth_time": 1.50, "beside_orders": 2.0, "memory": 64}
TITLES = {
    ORDERS: "purchase orders",
    "inventory_adjustment": "counts",
    "site_transfer": "transfers between sites",
    "credit_release": "deliveries (credit release)",
    "customer_return": "customer returns",
    "customer_credit_note": "credit notes",
}
#: Tables that a simulation leaves alone.
UNTOUCHED = (
    "purchase_order",
    "purchase_order_line",
    "sale_order",
    "sale_order_line",
    "stock_picking",
    "stock_move",
    "stock_move_line",
    "stock_quant",
    "account_move",
    "account_move_line",
    "distribution_inventory_adjustment",
    "distribution_inventory_adjustment_line",
    "distribution_inventory_adjustment_move_rel",
    "distribution_site_transfer",
    "distribution_credit_release",
    "distribution_customer_return",
    "distribution_customer_credit_note",
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


@dataclass
class Run:
    """One simulation, and what each of its batches took."""

    simulation: object
    queries: list = field(default_factory=list)
    work: list = field(default_factory=list)
    memory: list = field(default_factory=list)
    progress: list = field(default_factory=list)

    def of_full(self, values):
        """Of the batches of 1,000: the last one may be empty and only sum up."""
        before = [0, *self.progress]
        return [values[number] for number, done in enumerate(self.progress) if done - before[number] == 1000]

    @property
    def steady(self):
        """Median processor time of a batch, without the first: it fills caches that the others find."""
        return sorted(self.of_full(self.work)[1:])[len(self.of_full(self.work)[1:]) // 2]

    @property
    def last_beside_second(self):
        took = self.of_full(self.work)
        return took[-1] / took[1]

    @property
    def grown(self):
        """MB by which memory grew after the second batch."""
        held = self.of_full(self.memory)
        return max(held[1:]) - held[1]


def state_of(env):
    """Number of rows and a checksum of all their values, of each table that must not change, and where its ids are."""
    env.flush_all()
    found = {}
    for table in UNTOUCHED:
        env.cr.execute(f"SELECT count(*), sum(hashtext(entry::text)::bigint) FROM {table} entry")
        found[table] = env.cr.fetchone()
        env.cr.execute("SELECT pg_sequence_last_value(to_regclass(%s))", (f"{table}_id_seq",))
        found[f"{table}_id_seq"] = env.cr.fetchone()
    return found


def worked(env):
    """Seconds of processor time so far, of this process and of its database connection.

    It says how much work there was, whatever else the machine does meanwhile.
    """
    with open(f"/proc/{env.cr._cnx.get_backend_pid()}/stat") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def held_memory():
    """MB that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


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


def measure(env, author, draft):
    """The :class:`Run` of a draft on the last three months of the present company."""
    simulations = env["distribution.approval.simulation"].with_user(author)
    simulation = simulations.create({"version_id": draft.id, "months": 3, "company_ids": [(6, 0, env.company.ids)]})
    before = state_of(env)
    simulation.action_run()
    run = Run(simulation.sudo())
    assert run.simulation.state == "queued", "so many documents are left to the job"
    while run.simulation.state in ("queued", "running"):
        env.flush_all()
        env.invalidate_all()
        asked, start = env.cr.sql_log_count, worked(env)
        run.simulation._advance()
        env.flush_all()
        run.work.append(worked(env) - start)
        run.queries.append(env.cr.sql_log_count - asked)
        run.memory.append(held_memory())
        run.progress.append(run.simulation.done)
    assert state_of(env) == before, "the simulation changed something"
    return run


def problems(runs, count):
    """What is out of limits, in words."""
    found = []
    for kind, run in runs.items():
        simulation, asked, title = run.simulation, run.of_full(run.queries), TITLES[kind]
        if simulation.state != "done" or simulation.done < count:
            found.append(f"{title}: {simulation.done} of {count} documents are simulated: {simulation.error}")
        if kind != ORDERS and simulation.past < count:
            found.append(f"{title}: {simulation.past} of {count} documents are from before governance")
        if max(asked) > LIMITS["queries"]:
            found.append(f"{title}: a batch of 1,000 takes {max(asked)} queries, limit {LIMITS['queries']}")
        if asked[-1] > asked[0] or max(asked[1:]) > LIMITS["growth_queries"] * min(asked[1:]):
            found.append(f"{title}: queries grow from batch to batch: {asked}")
        if run.last_beside_second > LIMITS["growth_time"]:
            found.append(f"{title}: a batch takes longer the more were done: {_rounded(run.of_full(run.work))}")
        if kind != ORDERS and ORDERS in runs and run.steady > LIMITS["beside_orders"] * runs[ORDERS].steady:
            found.append(f"{title}: {run.steady / runs[ORDERS].steady:.2f} of the time of purchase orders")
        if run.grown > LIMITS["memory"]:
            found.append(f"{title}: memory grows: {_rounded(run.of_full(run.memory))} MB")
        if run.progress != sorted(run.progress) or len(set(run.progress)) < count // 1000:
            found.append(f"{title}: the progress is not shown batch by batch: {run.progress}")
    return found


def _rounded(values):
    return [round(value, 2) for value in values]


def text_of(env, runs, broken):
    orders = runs[ORDERS]
    lines = [
        f"{benchmarks_document.measured(versions(env))}.",
        "",
        f"A draft of {RULES} rules on {orders.simulation.done:,} purchase orders of two lines whose facts were not "
        "recorded (each is worked out from the order as it is), in batches of 1,000 that each show their progress. "
        f"Then drafts of {RULES} rules on as many documents of each type that looks back, of a company that governs "
        "nothing yet and has three months of business behind it: counts of one product or two, transfers, deliveries, "
        "returns and credit notes of two lines, which Odoo made once and which were copied in bulk over three sites, "
        f"200 products and 40 customers; each is judged as of its own day. A checksum of {len(UNTOUCHED)} tables, and "
        "where their ids are, is the same before and after each simulation: it changes nothing.",
        "",
        "Time is processor time of Odoo and of its database connection together, which other work on the machine "
        "disturbs little.",
        "",
        "| 10,000 of | queries for the first 1,000 | for each after that | for the last | time beside purchase orders "
        "| time of the last 1,000 beside the second | memory grows by |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, run in runs.items():
        asked = run.of_full(run.queries)
        beside = "1" if kind == ORDERS else f"{run.steady / orders.steady:.2f}"
        lines.append(
            f"| {TITLES[kind]} | {asked[0]} | {min(asked[1:])}–{max(asked[1:])} | {asked[-1]} | {beside} "
            f"| {run.last_beside_second:.2f} | {run.grown:.0f} MB |"
        )
    lines += [
        f"| limit | {LIMITS['queries']} | {LIMITS['growth_queries']:.2f} × the least | the first "
        f"| {LIMITS['beside_orders']:.2f} | {LIMITS['growth_time']:.2f} | {LIMITS['memory']} MB |",
        "",
        "| result | pass | need approval | refused | held | differ from the version in force | with unknown facts |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, run in runs.items():
        found = run.simulation
        counted = (found.passed, found.routed, found.refused, found.held, found.changed, found.unknown)
        lines.append(f"| {TITLES[kind]} | {' | '.join(f'{number:,}' for number in counted)} |")
    return "\n".join([*lines, "", benchmarks_document.verdict(broken)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--only", choices=[*POLICIES], nargs="+", help="measure these beside purchase orders")
    options = parser.parse_args()
    with odoo(SUITE) as env:
        # Work that a helper of the database does would not be counted.
        env.cr.execute("SET max_parallel_workers_per_gather = 0")
        runs = {ORDERS: measure(env, *prepare(env, options.documents))}
        company = Company(env)
        company.fill(options.documents)
        for kind in options.only or POLICIES:
            runs[kind] = measure(company.env, *company.draft(kind))
            print(kind, runs[kind].progress[-1], runs[kind].queries, _rounded(runs[kind].work), flush=True)
        broken = problems(runs, options.documents)
        text = text_of(env, runs, broken)
    print(text)
    if options.documents == DOCUMENTS and not options.only:
        benchmarks_document.write(series(), "Simulation", text)
    if broken:
        raise SystemExit("\n".join(broken))


if __name__ == "__main__":
    main()
