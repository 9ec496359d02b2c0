"""What approval costs a purchase order: plain Odoo, the suite and the OCA's addon in one run.

Each of the three databases has a worker process of its own (:mod:`tools.bench.purchase_worker`);
they take turns, one measurement at a time, in an order that is shuffled for every round. The
results go to ``docs/benchmarks.md``; the exit code is 1 when a limit is broken::

    make bench                                    # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_purchase_gate [--pairs 100] [--no-document]
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

from . import bench_engine, benchmarks_document, pairs
from .setting import PEER, PLAIN, SUITE, series

SIZES = (10, 50, 500)
PAIRS, BATCH_PAIRS, NOTE_PAIRS = 100, 6, 30
#: On a busy machine more pairs are measured, until the interval is this narrow to either side.
WIDTH, MOST_PAIRS = 0.02, 500
WARM_UP = 5
SEED = 2024

#: What the suite may cost beyond plain Odoo.
LIMITS = {"ratio": 1.10, "queries": 4, "batch_queries": 20, "note_queries": 0, "inbox_queries": 8}


class Worker:
    """A process on one of the databases; calls go to :class:`tools.bench.purchase_worker.Worker`."""

    def __init__(self, which: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.bench.purchase_worker", which],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # The order of sets would differ from one process to the next.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )

    def __call__(self, name: str, *arguments):
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"The worker that should {name} has ended; its error is above.")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@contextlib.contextmanager
def workers(*names):
    """A fresh process per database: no run inherits another's luck with its memory."""
    started = {name: Worker(name) for name in names}
    try:
        yield started
    finally:
        for worker in started.values():
            worker.close()


def in_turn(team: dict, call: list, rounds: int, warm_up: int = WARM_UP) -> dict:
    """``{name: [measurement of each round]}``; each round asks everybody, in shuffled order."""
    shuffle = random.Random(SEED)
    measured = {name: [] for name in team}
    for number in range(warm_up + rounds):
        for name in shuffle.sample(sorted(team), len(team)):
            measurement = team[name](*call)
            if number >= warm_up:
                measured[name].append(measurement)
    return measured


def in_turn_until_narrow(team: dict, call: list, rounds: int) -> dict:
    """At least so many `rounds`; more while the suite's interval is wide.

    Its width says when to stop, never where it lies.
    """
    measured = in_turn(team, call, rounds)
    while len(measured[PLAIN]) < MOST_PAIRS:
        found = pairs.ratio(*([row["seconds"] for row in measured[name]] for name in (SUITE, PLAIN)))
        if found["high"] - found["low"] <= 2 * WIDTH:
            break
        for name, rows in in_turn(team, call, rounds, warm_up=0).items():
            measured[name] += rows
    return measured


def compare(measured: dict) -> dict:
    """For the suite and the peer: time beside plain Odoo's, and queries on top of them."""
    queries = {name: statistics.median_high(row["queries"] for row in rows) for name, rows in measured.items()}
    compared = {"plain": {"queries": queries[PLAIN]}}
    for name in measured.keys() - {PLAIN}:
        compared[name] = {"queries": queries[name] - queries[PLAIN]}
        for kind in ("seconds", "processor"):
            ours, others = ([row[kind] for row in measured[which]] for which in (name, PLAIN))
            compared[name][kind] = pairs.ratio(ours, others)
    return compared


def measure_all(rounds: int) -> dict:
    """Everything, in one run."""
    results = {"series": series(), "one": {}}
    with workers(PLAIN, SUITE, PEER) as team:
        for worker in team.values():
            worker("build")
    for size in SIZES:
        with workers(PLAIN, SUITE, PEER) as team:
            for worker in team.values():
                worker("rules", size)
            results["one"][size] = compare(in_turn_until_narrow(team, ["confirm", "single"], rounds))
            show(f"confirming one order, {size} rules", results["one"][size])
            if size == SIZES[-1]:
                results["batch"] = compare(in_turn(team, ["confirm", "batch"], BATCH_PAIRS, warm_up=1))
                show("confirming 80 orders", results["batch"])
                results["note"] = compare(in_turn(team, ["note"], NOTE_PAIRS))
                show("a note on 80 drafts", results["note"])
                results["versions"] = {name: worker("versions") for name, worker in team.items()}
    with workers(SUITE) as team:
        team[SUITE]("pend")
        results["inbox"] = {
            part: statistics.median_high(row["queries"] for row in in_turn(team, [part], 5)[SUITE])
            for part in ("inbox", "badge")
        }
        print(f"inbox with 500 pending: {results['inbox']}", flush=True)
    return results


def show(title: str, compared: dict) -> None:
    for name in (SUITE, PEER):
        row = compared[name]
        print(
            f"{title}: {name} {row['seconds']['ratio']:.3f} × plain, "
            f"95 % interval {row['seconds']['low']:.3f} to {row['seconds']['high']:.3f} "
            f"(processor {row['processor']['ratio']:.3f}), "
            f"{row['queries']:+d} queries on {compared['plain']['queries']}",
            flush=True,
        )


def measure_engine() -> dict:
    """The decision table alone: see :mod:`tools.bench.bench_engine`."""
    with tempfile.TemporaryDirectory() as directory:
        figures = pathlib.Path(directory) / "engine.json"
        bench_engine.main(["--json", str(figures)])  # its own limits are among ours
        return json.loads(figures.read_text())


def broken_limits(results: dict) -> list[str]:
    """Every limit that was not kept, in words."""
    broken = []

    def check(what, value, limit):
        if value > limit:
            broken.append(f"{what}: {round(value, 3)}, limit {limit}")

    for size, compared in results["one"].items():
        ours = compared[SUITE]
        check(f"confirming at {size} rules, upper end of the ratio", ours["seconds"]["high"], LIMITS["ratio"])
        check(f"confirming at {size} rules, more queries", ours["queries"], LIMITS["queries"])
    check("confirming 80 at once, more queries", results["batch"][SUITE]["queries"], LIMITS["batch_queries"])
    check("a note on 80 drafts, more queries", results["note"][SUITE]["queries"], LIMITS["note_queries"])
    check("inbox and badge, queries", sum(results["inbox"].values()), LIMITS["inbox_queries"])
    for row in results["engine"]["results"]:
        check(f"decision table, {row['situation']}", row["high"], row["limit"])
    return broken


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"measured rounds to begin with, at least 30 ({PAIRS})"
    )
    parser.add_argument("--no-document", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args(arguments)
    if options.pairs < 30:
        parser.error("at least 30 pairs are needed for the interval")
    results = measure_all(options.pairs)
    results["engine"] = measure_engine()
    results["limits"] = LIMITS
    results["broken"] = broken_limits(results)
    text = benchmarks_document.section(results)
    print(text)
    if not options.no_document:
        benchmarks_document.write(results["series"], "Purchase orders", text)
    for complaint in results["broken"]:
        print(f"Limit broken: {complaint}")
    return 1 if results["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
