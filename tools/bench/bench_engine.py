"""What many rules cost in a decision table: 500 against 10.

The same facts are judged by both tables, in pairs that take turns at being first. The
result is the ratio of the times with a 95 % confidence interval of its geometric mean;
it passes when the upper end is at most 3. Run it as it is::

    python tools/bench/bench_engine.py [--pairs 400] [--json FILE]

Two situations are measured: documents that few rules match, which is what a policy meets
all day, and documents that every rule matches, where the verdict itself is long.
"""

import argparse
import datetime
import json
import math
import pathlib
import random
import statistics
import sys
import time
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDON = ROOT / "addons" / "distribution_approval"

FEW, MANY = 10, 500
LIMIT = 3.0
PAIRS = 400
DOCUMENTS = 100
SEED = 20240229
TODAY = datetime.date(2024, 2, 29)
#: Two-sided 95 % quantile of Student's t for n - 1 degrees of freedom, n ≥ 30.
T_QUANTILE = 2.05


def import_engine():
    """The engine as a package of its own: the addon around it needs Odoo."""
    if str(ADDON) not in sys.path:
        sys.path.insert(0, str(ADDON))
    import engine

    return engine


def specs(engine):
    kind = engine.FactType
    declared = (
        engine.FactSpec("amount", "Amount", kind.MONEY),
        engine.FactSpec("vendor_total", "Total with the vendor", kind.MONEY),
        engine.FactSpec("price_over", "Price over contract", kind.PERCENT, optional=True),
        engine.FactSpec("planned", "Planned", kind.DATE),
        engine.FactSpec("status", "Vendor status", kind.SELECTION, options=("new", "approved", "blocked")),
        engine.FactSpec("warehouse", "Warehouse", kind.REFERENCE),
        engine.FactSpec("categories", "Categories", kind.SET),
        engine.FactSpec("urgent", "Urgent", kind.FLAG),
    )
    return {spec.name: spec for spec in declared}


def selective_table(engine, count):
    """A policy as it grows: limits per warehouse, category, vendor status and so on."""
    pick = random.Random(SEED)
    condition = engine.Condition
    approver = engine.Approver
    rules = []
    for number in range(count):
        limit = Decimal(pick.randrange(100, 10**6))
        choices = [
            condition("amount", "gt", limit),
            condition("amount", "between", (limit, limit + 5000)),
            condition("vendor_total", "ge", Decimal(pick.randrange(10**6))),
            condition("price_over", "gt", Decimal(pick.randrange(1, 400)) / 10),
            condition("planned", "lt", TODAY + datetime.timedelta(days=pick.randrange(90))),
            condition("status", "ne", pick.choice(["approved", "new"])),
            condition("urgent", "is_true"),
        ]
        rules.append(
            engine.Rule(
                f"rule-{number}",
                number,
                f"Rule {number}",
                (
                    condition("warehouse", "in", frozenset(pick.sample(range(1, 200), 3))),
                    condition("categories", "any_of", frozenset(pick.sample(range(1, 300), 3))),
                    *pick.sample(choices, 2),
                ),
                "require",
                (engine.Requirement(pick.randint(1, 3), approver("group", str(pick.randint(1, 9)))),),
            )
        )
    rules[0] = engine.Rule("rule-0", 0, "Ordinary", (condition("status", "eq", "approved"),), "pass")
    return engine.compile_table(engine.Table(specs(engine), rules))


def matching_table(engine, count):
    """The worst case: every rule matches every document."""
    rules = [
        engine.Rule(
            f"rule-{number}",
            number,
            f"Rule {number}",
            (
                engine.Condition("amount", "gt", Decimal(-number)),
                engine.Condition("warehouse", "ne", 1000 + number),
            ),
            "require",
            (engine.Requirement(number % 3, engine.Approver("group", str(number % 9))),),
        )
        for number in range(count)
    ]
    return engine.compile_table(engine.Table(specs(engine), rules))


def documents():
    pick = random.Random(SEED + 1)
    return [
        {
            "amount": Decimal(pick.randrange(10**8)) / 100,
            "vendor_total": Decimal(pick.randrange(10**8)) / 100,
            "price_over": None if pick.random() < 0.2 else Decimal(pick.randrange(-100, 400)) / 10,
            "planned": TODAY + datetime.timedelta(days=pick.randrange(90)),
            "status": pick.choice(["new", "approved", "blocked"]),
            "warehouse": pick.randrange(1, 200),
            "categories": frozenset(pick.sample(range(1, 300), pick.randrange(1, 6))),
            "urgent": pick.random() < 0.1,
        }
        for _number in range(DOCUMENTS)
    ]


def seconds(table, facts):
    begin = time.perf_counter()
    for document in facts:
        table.evaluate(document)
    return (time.perf_counter() - begin) / len(facts)


def measure(few, many, pairs):
    """Seconds per decision of both tables, and the ratio with its 95 % interval."""
    facts = documents()
    for table in (few, many):
        seconds(table, facts)
    times = {"few": [], "many": []}
    for number in range(pairs):
        order = [("few", few), ("many", many)]
        for name, table in order if number % 2 else reversed(order):
            times[name].append(seconds(table, facts))
    logs = [math.log(many / few) for few, many in zip(times["few"], times["many"])]
    mean = statistics.fmean(logs)
    reach = T_QUANTILE * statistics.stdev(logs) / math.sqrt(len(logs))
    return {
        "few_us": 1e6 * statistics.median(times["few"]),
        "many_us": 1e6 * statistics.median(times["many"]),
        "ratio": math.exp(mean),
        "low": math.exp(mean - reach),
        "high": math.exp(mean + reach),
        "pairs": pairs,
    }


def report(results):
    lines = [
        f"| decision table | {FEW} rules | {MANY} rules | ratio | 95 % interval | limit |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        lines.append(
            f"| {result['situation']} | {result['few_us']:.1f} µs | {result['many_us']:.1f} µs "
            f"| {result['ratio']:.2f} | {result['low']:.2f} – {result['high']:.2f} "
            f"| {'%.1f' % result['limit'] if result['limit'] else 'none'} |"
        )
    return "\n".join(lines)


def main(arguments=None):
    """Measure, print, and return the exit code: 1 when many rules cost too much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"measured pairs, at least 30 ({PAIRS})")
    parser.add_argument("--json", metavar="FILE", help="write the figures there instead of printing them")
    options = parser.parse_args(arguments)
    if options.pairs < 30:
        parser.error("at least 30 pairs are needed for the interval")

    engine = import_engine()
    results = []
    for situation, make, limit in (
        ("few rules match", selective_table, LIMIT),
        ("every rule matches", matching_table, LIMIT),
    ):
        figures = measure(make(engine, FEW), make(engine, MANY), options.pairs)
        passed = limit is None or figures["high"] <= limit
        results.append({"situation": situation, **figures, "limit": limit, "passed": passed})
    print(report(results))
    figures = json.dumps({"bench": "engine", "few": FEW, "many": MANY, "results": results}, indent=2)
    if options.json:
        pathlib.Path(options.json).write_text(figures + "\n")
    else:
        print(figures)
    return 0 if all(result["passed"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
