"""Writes docs/benchmarks.md: ratios and query counts, by series of Odoo and by bench."""

import datetime
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
SERIES = ("17.0", "19.0")
#: Parts of a series' section in the order of the page; a bench that is not here comes last.
PARTS = (
    "Purchase orders",
    "Sales and stock",
    "Simulation",
    "Webhooks",
    "Replenishment",
    "Demand",
    "Demand runs",
    "Three-way match",
    "Reports",
)

PREFACE = """\
# Benchmarks

What approval adds to the work of buyers, sellers and the warehouse. Three databases with the same
apps of Odoo are measured side by side in one run, one measurement in each in turn:

- **plain** Odoo;
- **suite**: the same, with a policy published and governance in force; policy passes the
  documents, so they are judged, released, and the release is recorded in the ledger;
- **OCA**: the same with the OCA's `purchase_tier_validation`, and as many tier definitions as the
  policy has rules. None of them matches the orders, which is its way to let an order pass without a
  review. The definitions ask what its domains can ask: amount, site, category, vendor, requester,
  currency, urgency. They know no total with the vendor and no contract price, and what passed is
  not recorded.

Times are given as ratios, for bare seconds say more about a machine than about a program.
Reproduce them with `make bench`, or `make bench ENGINE=19.0`: it prepares the databases, measures,
writes this page and fails when a limit is broken. A quiet machine gives narrow intervals; load that
comes and goes widens them, and more pairs are measured then.

**How it is measured.** Confirming is `button_confirm` as a buyer, without extra rights, on an order
of five different stored products from a vendor who is in their price lists. Receipt and stock moves
are created and counted in the check afterwards. Each measurement is a transaction of its own with
empty record caches, ends when everything is flushed and what precedes a commit has run, and is
rolled back, so that each meets the same database. The garbage collector runs between measurements
and never within. A figure such as “1.05 (1.07)” is the median of the ratios of all pairs, and the
upper end of its 95 % interval (bootstrap over the pairs). The policies have the rules that every
purchase policy has – amount, vendor standing, price over contract, no contract, total with the
vendor, risk, urgency – and then exceptions by site, category, vendor, region, requester, currency,
drop shipment, credits and free goods; hit policy COLLECT, so that every rule is asked.

Sales and stock are measured in the same way, without the peer, which knows neither: a seller
confirms an order of five lines, a warehouse worker validates a delivery of 100 moves, a stock
manager applies 500 counted quantities. Policies for sale orders, delivery holds, credit releases
and inventory adjustments are in force and pass them.
"""


def section(results: dict) -> str:
    """The Markdown of the purchase gate's results in one series."""
    sizes = list(results["one"])
    limits = results["limits"]
    one = [results["one"][size] for size in sizes]

    def row(title, cells, limit):
        return f"| {title} | {' | '.join(cells)} | {limit} |"

    def times(name):
        return [times_of(compared[name]["seconds"]) for compared in one]

    def queries(name):
        return [f"{compared[name]['queries']:+d}" for compared in one]

    pairs = ", ".join(str(compared["suite"]["seconds"]["pairs"]) for compared in one)
    lines = [
        _versions(results),
        "",
        f"Confirming one order of five lines beside plain Odoo, which takes {one[0]['plain']['queries']} queries "
        f"(interleaved pairs in the columns: {pairs}):",
        "",
        row("", [f"{size} rules" for size in sizes], "limit"),
        "|---|" + "---:|" * (len(sizes) + 1),
        row("suite, time", times("suite"), f"{limits['ratio']:.2f} at the upper end"),
        row("suite, more queries", queries("suite"), f"+{limits['queries']}"),
        row("OCA, time", times("peer"), ""),
        row("OCA, more queries", queries("peer"), ""),
        "",
        f"At {sizes[-1]} rules:",
        "",
        "| | suite, more queries | limit | suite, time | OCA, more queries | OCA, time |",
        "|---|---:|---:|---:|---:|---:|",
        _many("confirming 80 orders at once", results["batch"], limits["batch_queries"]),
        _many("writing a note on 80 drafts", results["note"], limits["note_queries"]),
        "",
        f"My Approvals with 500 decisions waiting: {results['inbox']['inbox']} queries for the list as the "
        f"web client reads it, {results['inbox']['badge']} for the badge (limit {limits['inbox_queries']} together).",
        "",
        "The decision table alone, 500 rules beside 10 on the same facts:",
        "",
        "| | time | limit |",
        "|---|---:|---:|",
        *(
            f"| {row['situation']} | {times_of(row)} | {row['limit']:.2f} at the upper end |"
            for row in results["engine"]["results"]
        ),
        "",
        verdict(results["broken"]),
    ]
    return "\n".join(lines)


def verdict(broken: list[str]) -> str:
    """The last words of a part.

    >>> verdict([])
    'Every limit is kept.'
    """
    if not broken:
        return "Every limit is kept."
    return "Limits that are **not** kept:\n\n" + "\n".join(f"- {words}" for words in broken)


def measured(versions: dict) -> str:
    """When, at which commit and in what something was measured.

    :param versions: ``odoo``, ``python`` and ``postgresql``
    """
    return (
        f"Measured {datetime.date.today()} at commit {commit()}: Odoo {versions['odoo']}, "
        f"Python {versions['python']}, PostgreSQL {versions['postgresql']} without fsync"
    )


def _many(title, compared, limit):
    suite, peer = compared["suite"], compared["peer"]
    return (
        f"| {title} | {suite['queries']:+d} | +{limit} | {times_of(suite['seconds'])} "
        f"| {peer['queries']:+d} | {times_of(peer['seconds'])} |"
    )


def times_of(figures: dict) -> str:
    """Median and upper end, such as ``1.05 (1.07)``."""
    return f"{figures['ratio']:.2f} ({figures['high']:.2f})"


def _versions(results):
    versions = results["versions"]
    plain = versions["plain"]
    addons = [
        f"{name} {version}"
        for which in ("suite", "peer")
        for name, version in sorted(versions[which]["addons"].items())
    ]
    return f"{measured(plain)}; {', '.join(addons)}."


def commit() -> str:
    """What is measured: git's short name of it, and whether the addons differ from it."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "addons")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def write(series: str, part: str, text: str) -> None:
    """Replace `part` in the section of `series`; everything else stays.

    :param part: one of `PARTS`, or a title of its own
    """
    sections = _sections(DOCUMENT.read_text()) if DOCUMENT.exists() else {}
    sections.setdefault(series, {})[part] = text.strip()
    page = [PREFACE]
    for name in SERIES:
        parts = sections.get(name, {})
        if parts:
            page.append(f"## Odoo {name}\n")
        for title in sorted(parts, key=lambda title: (PARTS.index(title) if title in PARTS else len(PARTS), title)):
            page.append(f"### {title}\n\n{parts[title]}\n")
    DOCUMENT.write_text("\n".join(page))


def _sections(text: str) -> dict:
    """What a written document says, by series and part.

    >>> _sections("# T\\n\\n## Odoo 17.0\\n\\n### A\\n\\na\\n\\n### B\\n\\nb\\n\\n## Odoo 19.0\\n\\n### A\\n\\nc\\n")
    {'17.0': {'A': 'a', 'B': 'b'}, '19.0': {'A': 'c'}}
    """
    found = {}
    for section in re.split(r"^## Odoo ", text, flags=re.MULTILINE)[1:]:
        series, *parts = re.split(r"^### ", section, flags=re.MULTILINE)
        found[series.strip()] = {}
        for part in parts:
            title, _newline, body = part.partition("\n")
            found[series.strip()][title.strip()] = body.strip()
    return found
