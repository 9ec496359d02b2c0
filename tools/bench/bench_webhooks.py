"""Sending webhooks: what the length of the queue costs, four drains at once, and the same work as queue_job's jobs.

A receiver in a process of its own answers at once, so what is measured is the suite's own part. The queue
is filled with real events of the ledger; each measurement sends a slice of it, commits included. The results
go to ``docs/benchmarks.md``; the exit code is 1 when a limit is broken::

    make bench BENCH=webhooks        # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_webhooks [--rounds 7] [--no-document]
"""

import argparse
import contextlib
import gc
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request

from . import benchmarks_document, pairs
from .setting import JOBS, SUITE, registry, series, versions

SIZES = (1_000, 10_000, 100_000)
#: Deliveries of one measurement, at every size of the queue.
SLICE = 1_000
ROUNDS, MOST_ROUNDS, WIDTH = 7, 15, 0.05
AT_ONCE, DRAINS = 10_000, 4
#: Deliveries of one measurement beside queue_job.
JOB_SLICE = 200
LIMITS = {"growth": 1.20, "queries": 60, "jobs": 1.0}
SEED = 2024
TYPE = "distribution.vendor.status_changed.v1"
FACTS = {"before": "new", "after": "approved"}
NEW_QUEUE = """
    INSERT INTO distribution_webhook_delivery
           (subscription_id, event_id, event_uid, event_type, correlation, state, began_at, next_at, attempts)
    SELECT %s, id, uid, type, correlation, 'pending', moment, moment, 0
      FROM distribution_event, (SELECT now() AT TIME ZONE 'utc' - interval '1 minute' AS moment) AS due
     WHERE type = %s ORDER BY id LIMIT %s
"""


class Post:
    """One database with a subscription to the receiver."""

    def __init__(self, which, port, events):
        self.port = port
        self.registry = registry(which)
        with self.transaction() as env:
            env["ir.config_parameter"].set_param("distribution_core.outbound_allowed_hosts", f"127.0.0.1:{port}")
            vendors = env["res.partner"].create([{"name": f"Vendor {number}"} for number in range(1000)])
            for start in range(0, events, len(vendors)):
                env["distribution.event"]._record(TYPE, vendors[: events - start], FACTS)
            subscription = env["distribution.webhook.subscription"].create(
                {"name": "Bench", "url": f"http://127.0.0.1:{port}/hook", "event_types": TYPE}
            )
            subscription.action_activate()
            self.subscription_id = subscription.id

    @contextlib.contextmanager
    def transaction(self):
        from odoo import SUPERUSER_ID, api

        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def fill(self, size):
        """A queue of so many, with statistics as autovacuum keeps them."""
        with self.transaction() as env:
            env.cr.execute("TRUNCATE distribution_webhook_delivery, distribution_webhook_attempt")
            env.cr.execute(NEW_QUEUE, [self.subscription_id, TYPE, size])
            assert env.cr.rowcount == size, env.cr.rowcount
            env.cr.commit()
            env.cr._cnx.autocommit = True
            env.cr.execute("VACUUM (ANALYZE) distribution_webhook_delivery, distribution_webhook_attempt")
            env.cr._cnx.autocommit = False
        self.heard()

    def heard(self):
        """``(requests, different ids)`` that the receiver has had since the last call."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            counts = json.load(answer)
        return counts["requests"], counts["ids"]

    def drain(self, count):
        """Send so many, as the scheduled action does; ``{"seconds", "queries"}``."""
        module = _drain_module()
        with self.transaction() as env, module.Senders(module.outbound_allowed(env), module.PARALLEL) as senders:
            deliveries, sent = env["distribution.webhook.delivery"], 0
            with _measured(env) as cost:
                while sent < count:
                    step = deliveries._drain_batch(senders)
                    assert step, f"nothing was due after {sent}"
                    sent += step
        assert self.heard() == (sent, sent), "one request for each delivery"
        return {"seconds": cost["seconds"] / sent, "queries": cost["queries"] / sent}


def _drain_module():
    from odoo.addons.distribution_core.models import distribution_webhook_delivery

    return distribution_webhook_delivery


@contextlib.contextmanager
def _measured(env):
    cost = {}
    gc.collect()
    gc.disable()
    queries, start = env.cr.sql_log_count, time.perf_counter()
    try:
        yield cost
        cost.update(seconds=time.perf_counter() - start, queries=env.cr.sql_log_count - queries)
    finally:
        gc.enable()


# --- growth -------------------------------------------------------------------------------


def growth(post, rounds):
    """Cost of a delivery by the size of the queue: ``{size: {ratio to the smallest, queries}}``."""
    shuffle = random.Random(SEED)
    costs = {size: [] for size in SIZES}
    post.fill(SIZES[0])
    post.drain(SLICE)  # warm
    while True:
        for _number in range(rounds):
            for size in shuffle.sample(SIZES, len(SIZES)):
                post.fill(size)
                costs[size].append(post.drain(SLICE))
        found = {
            size: {
                **pairs.ratio([one["seconds"] for one in costs[size]], [one["seconds"] for one in costs[SIZES[0]]]),
                "queries": statistics.median(one["queries"] for one in costs[size]),
            }
            for size in SIZES
        }
        largest = found[SIZES[-1]]
        if largest["high"] - largest["low"] <= 2 * WIDTH or largest["pairs"] + rounds > MOST_ROUNDS:
            return found


# --- at once ------------------------------------------------------------------------------


def _drain_everything(which, answers):
    """In a process of its own: a drain like any other."""
    from odoo import SUPERUSER_ID, api

    with registry(which).cursor() as cr:
        answers.put(api.Environment(cr, SUPERUSER_ID, {})["distribution.webhook.delivery"]._cron_drain())


def at_once(post, drains):
    """So many processes drain 10,000 deliveries; what each sent, how long it took, and what arrived."""
    import odoo

    post.fill(AT_ONCE)
    odoo.sql_db.close_all()  # connections are not for two processes
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    processes = [fork.Process(target=_drain_everything, args=(SUITE, answers)) for _number in range(drains)]
    start = time.perf_counter()
    for process in processes:
        process.start()
    sent = [answers.get(timeout=600) for _process in processes]
    for process in processes:
        process.join(60)
    seconds = time.perf_counter() - start
    with post.transaction() as env:
        env.cr.execute("SELECT state, count(*) FROM distribution_webhook_delivery GROUP BY state")
        states = dict(env.cr.fetchall())
        env.cr.execute("SELECT count(*), count(DISTINCT delivery_id) FROM distribution_webhook_attempt")
        attempts = env.cr.fetchone()
    requests, ids = post.heard()
    return {"sent": sorted(sent), "seconds": seconds, "requests": requests, "ids": ids, "states": states,
            "attempts": attempts}  # fmt: skip


# --- beside queue_job ---------------------------------------------------------------------


def beside_jobs(post, rounds):
    """The same deliveries as one job each, which is how `queue_job` is commonly used, and by the bridge's one job."""
    shuffle = random.Random(SEED)
    post.registry["distribution.webhook.delivery"]._send_one = _send_one
    ways = {"jobs": _as_jobs, "bridge": _by_the_bridge}
    costs = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in shuffle.sample(sorted(ways), len(ways)):
            post.fill(JOB_SLICE)
            cost = ways[way](post)
            assert post.heard() == (JOB_SLICE, JOB_SLICE)
            if number:
                costs[way].append(cost)
    return {
        "ratio": pairs.ratio([one["seconds"] for one in costs["bridge"]], [one["seconds"] for one in costs["jobs"]]),
        **{
            f"{way}_{name}": statistics.median(one[name] for one in costs[way]) * 100 / JOB_SLICE
            for way in ways
            for name in ("queries", "asked")
        },
    }


def _send_one(self):
    """A job that sends one delivery and keeps what came of it: the suite's own signing, sending and storing."""
    module = _drain_module()
    events = self.env["distribution.event"].browse(self.event_id)
    job = self._prepare(events, self.subscription_id._secrets()[self.subscription_id.id])
    with module.Senders(module.outbound_allowed(self.env), 1) as senders:
        self._store([(job, senders.send([job])[0])])


def _as_jobs(post):
    """A job for each delivery, made and run one after the other."""
    with post.transaction() as env:
        env.cr.execute("DELETE FROM queue_job")
        deliveries = env["distribution.webhook.delivery"].search([])
        before = env.cr.sql_log_count
        uuids = [delivery.with_delay()._send_one().uuid for delivery in deliveries]
        env.flush_all()
        asked = env.cr.sql_log_count - before
    seconds = queries = 0
    for uuid in uuids:
        cost = _run_job(post, uuid)
        seconds, queries = seconds + cost["seconds"], queries + cost["queries"]
    return {"seconds": seconds, "queries": queries, "asked": asked}


def _by_the_bridge(post):
    """The job that the bridge asks for, which sends everything that is due."""
    with post.transaction() as env:
        env.cr.execute("DELETE FROM queue_job")
        env.cr.commit()
        env["distribution.webhook.delivery"]._wake()
        with _all_queries() as asked:
            env.cr.commit()
        env.cr.execute("SELECT uuid FROM queue_job")
        (uuid,) = (row[0] for row in env.cr.fetchall())
    cost = _run_job(post, uuid)
    return {**cost, "asked": asked["queries"]}


@contextlib.contextmanager
def _all_queries():
    """Counts the queries of all cursors of this process, also of those that are opened meanwhile."""
    from odoo.sql_db import Cursor

    count = {"queries": 0}
    execute = Cursor.execute

    def counted(cursor, *arguments, **keywords):
        count["queries"] += 1
        return execute(cursor, *arguments, **keywords)

    Cursor.execute = counted
    try:
        yield count
    finally:
        Cursor.execute = execute


def _run_job(post, uuid):
    """Run a job as the runner's route does."""
    from odoo.addons.queue_job.controllers.main import RunJobController
    from odoo.addons.queue_job.job import Job

    controller = RunJobController()
    acquire = getattr(controller, "_acquire_job", lambda env, uuid: Job.load(env, uuid))
    gc.collect()
    start = time.perf_counter()
    with _all_queries() as count, post.transaction() as env:
        env.cr.execute("UPDATE queue_job SET state = 'enqueued', date_enqueued = now() WHERE uuid = %s", [uuid])
        env.cr.commit()
        controller._try_perform_job(env, acquire(env, uuid))
    return {"seconds": time.perf_counter() - start, "queries": count["queries"]}


# --- results ------------------------------------------------------------------------------


def broken_limits(found, crowd, jobs):
    """Every limit that was not kept, in words."""
    broken = []
    for size in SIZES[1:]:
        if found[size]["ratio"] > LIMITS["growth"]:
            broken.append(
                f"a delivery with {size:,} queued takes {found[size]['ratio']:.2f} times that with {SIZES[0]:,}"
            )
    for size in SIZES:
        if found[size]["queries"] * 100 > LIMITS["queries"]:
            broken.append(f"{found[size]['queries'] * 100:.0f} queries for 100 deliveries with {size:,} queued")
    for one in crowd.values():
        whole = (AT_ONCE, AT_ONCE)
        if (
            (one["requests"], one["ids"]) != whole
            or one["attempts"] != whole
            or one["states"] != {"delivered": AT_ONCE}
        ):
            broken.append(f"not each delivery once: {one}")
    if jobs["ratio"]["high"] > LIMITS["jobs"]:
        broken.append(f"slower than a job for each delivery: {jobs['ratio']['ratio']:.2f}")
    return broken


def section(found, crowd, jobs, env, broken):
    """The Markdown of these results."""
    one, four = crowd[1], crowd[DRAINS]
    rows = [
        f"| {size:,} | {benchmarks_document.times_of(found[size]) if size > SIZES[0] else '1'} "
        f"| {found[size]['queries'] * 100:.0f} |"
        for size in SIZES
    ]
    return "\n".join(
        [
            f"{benchmarks_document.measured(versions(env))}.",
            "",
            "Webhooks to a receiver on the same machine that answers at once, so that only the suite's own part is "
            f"measured: claiming, signing, sending and storing {SLICE:,} deliveries of a queue, by one drain "
            f"({found[SIZES[-1]]['pairs']} interleaved measurements of each; limit {LIMITS['growth']:.2f}, and "
            f"{LIMITS['queries']} queries).",
            "",
            "| queued | time of a delivery | queries for 100 deliveries |",
            "|---:|---:|---:|",
            *rows,
            "",
            f"{DRAINS} drains, in {DRAINS} processes, on {AT_ONCE:,} deliveries at once: the receiver got "
            f"{four['requests']:,} requests with {four['ids']:,} different ids. The drains sent "
            f"{', '.join(map(str, four['sent']))} of them. On {os.cpu_count()} processors, which the receiver shares, "
            f"they take {four['seconds'] / one['seconds']:.2f} of the time of one.",
            "",
            "Beside the OCA's `queue_job`, run as its job runner's route runs jobs (the HTTP request for each job, "
            "which comes on top, is not measured):",
            "",
            "| 100 deliveries | queries to ask for them | queries to send them | time |",
            "|---|---:|---:|---:|",
            f"| a job for each, as it is commonly used | {jobs['jobs_asked']:.0f} | {jobs['jobs_queries']:.0f} | 1 |",
            f"| our bridge: one job that drains | {jobs['bridge_asked']:.0f} | {jobs['bridge_queries']:.0f} "
            f"| {benchmarks_document.times_of(jobs['ratio'])} |",
            "",
            benchmarks_document.verdict(broken),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-document", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    receiver = subprocess.Popen(
        [sys.executable, "-m", "tools.bench.webhook_receiver"], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(receiver.stdout.readline())
        post = Post(SUITE, port, SIZES[-1])
        found = growth(post, options.rounds)
        print("growth", found, flush=True)
        crowd = {drains: at_once(post, drains) for drains in (1, DRAINS)}
        print("at once", crowd, flush=True)
        jobs = beside_jobs(Post(JOBS, port, JOB_SLICE), options.rounds)
        print("jobs", jobs, flush=True)
        broken = broken_limits(found, crowd, jobs)
        with post.transaction() as env:
            text = section(found, crowd, jobs, env, broken)
            env.cr.execute("TRUNCATE distribution_webhook_delivery, distribution_webhook_attempt")
            env["distribution.webhook.subscription"].browse(post.subscription_id).action_pause()
    finally:
        receiver.terminate()
        receiver.wait(10)
    print(text)
    if not options.no_document:
        benchmarks_document.write(series(), "Webhooks", text)
    if broken:
        raise SystemExit("\n".join(broken))


if __name__ == "__main__":
    main()
