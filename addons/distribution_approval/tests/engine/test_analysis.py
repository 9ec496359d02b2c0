"""Gaps, overlaps and dead rules, proven by reading every point of a grid that hits every cell."""

import datetime
import itertools
import time
from decimal import Decimal

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from engine import Approver, Condition, FactSpec, FactType, Requirement, Rule, Table, analyse, parse_operand

DAY = datetime.date(2024, 3, 1)
SPECS = {
    spec.name: spec
    for spec in (
        FactSpec("amount", "Amount", FactType.MONEY, minimum=0),
        FactSpec("over", "Over contract", FactType.PERCENT, optional=True),
        FactSpec("due", "Due", FactType.DATE, optional=True),
        FactSpec(
            "status", "Status", FactType.SELECTION, options=(("new", "New"), ("ok", "Approved"), ("no", "Blocked"))
        ),
        FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
        FactSpec("categories", "Categories", FactType.SET, model="product.category"),
        FactSpec("channels", "Channels", FactType.SET, options=(("web", "Web"), ("edi", "EDI"))),
        FactSpec("urgent", "Urgent", FactType.FLAG),
    )
}
NUMBERS = [Decimal(n) for n in ("0", "1", "1.5", "2")]
OPERANDS = {
    "amount": NUMBERS,
    "over": NUMBERS,
    "due": [DAY + datetime.timedelta(days=n) for n in range(4)],
    "status": ["new", "ok", "no"],
    "site": [1, 2, 3],
    "categories": [1, 2, 3],
    "channels": ["web", "edi"],
}
#: Values that lie in every cell that rules with the operands above can cut.
GRID = {
    "amount": [*NUMBERS, Decimal("0.5"), Decimal("1.2"), Decimal("1.7"), Decimal(9)],
    "over": [*NUMBERS, Decimal(-1), Decimal("0.5"), Decimal("1.2"), Decimal("1.7"), Decimal(9), None],
    "due": [DAY + datetime.timedelta(days=n) for n in range(-1, 5)] + [None],
    "status": ["new", "ok", "no"],
    "site": [1, 2, 3, 77, None],
    "categories": [frozenset(some) for size in range(5) for some in itertools.combinations([1, 2, 3, 99], size)],
    "channels": [frozenset(some) for size in range(3) for some in itertools.combinations(["web", "edi"], size)],
    "urgent": [True, False],
}
ASK = (Requirement(1, Approver("group", "1", "Finance")),)
NAMES = st.shared(st.lists(st.sampled_from(sorted(SPECS)), min_size=1, max_size=3, unique=True), key="names")


@st.composite
def conditions(draw):
    name = draw(st.sampled_from(draw(NAMES)))
    spec = SPECS[name]
    if name == "urgent":
        return Condition(name, draw(st.sampled_from(["is_true", "is_false"])))
    value = st.sampled_from(OPERANDS[name])
    several = st.frozensets(value, min_size=1, max_size=2)
    if spec.type is FactType.SET:
        code = draw(st.sampled_from(["any_of", "all_of", "none_of", "is_empty"]))
        return Condition(name, code, None if code == "is_empty" else draw(several))
    empty = ["is_empty"] if spec.optional else []
    if spec.type.is_ordered:
        code = draw(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "between", *empty]))
        if code == "between":
            return Condition(name, code, tuple(sorted((draw(value), draw(value)))))
    else:
        code = draw(st.sampled_from(["eq", "ne", "in", "not_in", *empty]))
        if code in ("in", "not_in"):
            return Condition(name, code, draw(several))
    return Condition(name, code, None if code == "is_empty" else draw(value))


@st.composite
def tables(draw):
    rules = []
    for number in range(draw(st.integers(1, 6))):
        outcome = draw(st.sampled_from(["pass", "require", "refuse"]))
        rules.append(
            Rule(
                f"r{number}",
                draw(st.integers(1, 3)),
                f"Rule {number}",
                tuple(draw(st.lists(conditions(), max_size=3))),
                outcome,
                ASK if outcome == "require" else (),
                draw(st.sampled_from(["enforce", "enforce", "enforce", "monitor"])),
            )
        )
    return Table(SPECS, rules, draw(st.sampled_from(["FIRST", "COLLECT"])))


def points(table):
    names = sorted({condition.fact for rule in table.rules for condition in rule.conditions})
    for values in itertools.product(*(GRID[name] for name in names)):
        yield dict(zip(names, values))


def matching(table, facts):
    """Rules that are true, by declared order – read one condition after the other."""
    ordered = sorted(table.rules, key=lambda rule: (rule.sequence, rule.key))
    return [rule for rule in ordered if all(c.holds(facts[c.fact]) for c in rule.conditions)]


def decider(table, enforced):
    """The rules whose outcome counts, of those enforced that match."""
    if table.hit_policy == "FIRST":
        return enforced[:1]
    for outcome in ("refuse", "require", "pass"):
        found = [rule for rule in enforced if rule.outcome == outcome]
        if found:
            return found
    return []


@settings(max_examples=600)
@given(tables())
def test_everything_is_what_brute_force_finds(table):
    found = analyse(table, max_regions=10_000)
    note(str(table.rules))
    assert not found.cut
    matched_somewhere, decides_somewhere, overlaps = set(), set(), {}
    for facts in points(table):
        rules = matching(table, facts)
        enforced = [rule for rule in rules if rule.mode == "enforce"]
        matched_somewhere.update(rule.key for rule in rules)
        decides_somewhere.update(rule.key for rule in decider(table, enforced))
        in_gap = any(region.contains(facts) for region in found.gaps)
        assert in_gap == (not enforced), (facts, [region.describe() for region in found.gaps])
        for one, other in itertools.combinations(enforced, 2):
            if one.outcome != other.outcome:
                first = decider(table, [one, other])[0]
                second = other if first is one else one
                overlaps.setdefault((first.key, second.key), []).append(facts)
    contradictory = {rule.key for rule, _fact in found.contradictory}
    assert contradictory == {rule.key for rule in table.rules} - matched_somewhere
    enforced_keys = {rule.key for rule in table.rules if rule.mode == "enforce"}
    unreachable = {rule.key for rule, _others in found.unreachable}
    assert unreachable == enforced_keys - decides_somewhere - contradictory
    assert {(overlap.decides.key, overlap.other.key) for overlap in found.overlaps} == set(overlaps)
    for overlap in found.overlaps:
        both = overlaps[overlap.decides.key, overlap.other.key]
        for facts in points(table):
            assert overlap.region.contains(facts) == (facts in both)
    for region in (*found.gaps, *(overlap.region for overlap in found.overlaps)):
        assert region.describe()


@given(tables())
def test_gaps_are_maximal_and_none_lies_in_another(table):
    gaps = analyse(table, max_regions=10_000).gaps
    for one, other in itertools.permutations(gaps, 2):
        inside = all(
            one.cells.get(name, axis.all_cells) <= other.cells.get(name, axis.all_cells)
            for name, axis in one.axes.items()
        )
        assert not inside


# --------------------------------------------------------------------- in words

AMOUNT = FactSpec("amount", "Amount", FactType.MONEY)


def only(spec, *conditions):
    """What a table with one rule of these conditions leaves open, in words."""
    rule = Rule("r", 1, "R", tuple(Condition(spec.name, *c) for c in conditions), "pass")
    return [region.describe() for region in analyse(Table({spec.name: spec}, (rule,))).gaps]


@pytest.mark.parametrize(
    "operator, text, words",
    [
        ("le", "2500", "Amount is above 2,500"),
        ("lt", "2500", "Amount is at least 2,500"),
        ("gt", "2500", "Amount is at most 2,500"),
        ("ge", "2500", "Amount is below 2,500"),
        ("eq", "5", "Amount is not 5"),
        ("ne", "5", "Amount is 5"),
        ("between", "1..2", "Amount is below 1 or is above 2"),
    ],
)
def test_amounts_in_words(operator, text, words):
    assert only(AMOUNT, (operator, parse_operand(AMOUNT, operator, text))) == [words]


def test_other_facts_in_words():
    over = FactSpec("over", "Price over contract", FactType.PERCENT, optional=True)
    assert only(over, ("le", Decimal(5))) == ["Price over contract is above 5% or is empty"]
    assert only(over, ("is_empty",)) == ["Price over contract is not empty"]
    assert only(over, ("ne", Decimal(5))) == ["Price over contract is 5%"]
    status = SPECS["status"]
    assert only(status, ("eq", "no")) == ["Status is New or Approved"]
    site = FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse")
    assert only(site, ("in", frozenset({1, 2}))) == ["Site is none of #1, #2"]
    assert only(site, ("not_in", frozenset({1, 2}))) == ["Site is #1 or #2"]
    assert only(SPECS["site"], ("in", frozenset({1}))) == ["Site is none of #1 or is empty"]
    assert only(SPECS["site"], ("is_empty",)) == ["Site is not empty"]
    assert only(SPECS["urgent"], ("is_true",)) == ["Urgent is no"]
    categories = SPECS["categories"]
    assert only(categories, ("any_of", frozenset({1, 2}))) == ["Categories contains none of #1, #2"]
    assert only(categories, ("none_of", frozenset({1}))) == ["Categories contains #1"]
    assert only(categories, ("is_empty",)) == ["Categories is not empty"]
    due = SPECS["due"]
    assert only(due, ("ge", DAY)) == ["Due is below 2024-03-01 or is empty"]


def test_no_day_lies_between_two_days():
    rules = (
        Rule("a", 1, "A", (Condition("due", "le", DAY),), "pass"),
        Rule("b", 2, "B", (Condition("due", "ge", DAY + datetime.timedelta(days=1)),), "pass"),
        Rule("c", 3, "C", (Condition("due", "is_empty"),), "pass"),
    )
    assert analyse(Table(SPECS, rules)).is_clean


def test_names_of_records():
    site = FactSpec("site", "Branch", FactType.REFERENCE, model="stock.warehouse")
    rule = Rule("r", 1, "R", (Condition("site", "ne", 3),), "pass")
    (gap,) = analyse(Table({"site": site}, (rule,))).gaps
    assert gap.describe(lambda spec, key: f"North ({spec.model} {key})") == "Branch is North (stock.warehouse 3)"


# ----------------------------------------------------------------------- bounds


def test_large_tables_are_worked_out_in_seconds():
    """400 rules in bands of amounts for each of 20 sites, with one band missing at one site."""
    specs = {"amount": SPECS["amount"], "site": FactSpec("site", "Site", FactType.REFERENCE, model="w")}
    rules = [
        Rule(
            f"{site}-{band}",
            site * 100 + band,
            f"Site {site}, band {band}",
            (
                Condition("site", "eq", site),
                Condition("amount", "ge", Decimal(band * 1000)),
                Condition("amount", "lt", Decimal((band + 1) * 1000)),
            ),
            "pass",
        )
        for site in range(1, 21)
        for band in range(20)
        if (site, band) != (7, 13)
    ]
    start = time.monotonic()
    found = analyse(Table(specs, rules, "FIRST"))
    assert time.monotonic() - start < 20
    assert not found.cut
    words = [region.describe() for region in found.gaps]
    assert all(words)
    assert any(
        region.contains({"amount": Decimal(13500), "site": 7})
        and not region.contains({"amount": Decimal(13500), "site": 8})
        for region in found.gaps
    )
    assert not any(region.contains({"amount": Decimal(12500), "site": 7}) for region in found.gaps)


def test_what_explodes_is_cut_and_said():
    """Twelve yes/no facts with scattered rules: the answer is cut, and still true."""
    specs = {f"f{n}": FactSpec(f"f{n}", f"F{n}", FactType.FLAG) for n in range(14)}
    names = sorted(specs)
    rules = [
        Rule(
            f"r{n}",
            n,
            f"R{n}",
            tuple(
                Condition(names[(n * step + k) % 14], "is_true" if (n + k) % 2 else "is_false")
                for k, step in ((0, 3), (5, 5), (9, 11), (12, 7))
            ),
            "pass",
        )
        for n in range(60)
    ]
    start = time.monotonic()
    found = analyse(Table(specs, rules), max_steps=2000, max_regions=20)
    assert time.monotonic() - start < 5
    assert found.cut and not found.is_clean
    assert len(found.gaps) <= 20
    many = FactSpec("many", "Categories", FactType.SET, model="c")
    wide = Rule("r", 1, "R", (Condition("many", "any_of", frozenset(range(1, 40))),), "pass")
    found = analyse(Table({"many": many}, (wide,)))
    assert found.cut == ("Categories: rules name 39 values; only combinations of up to two were looked at.",)
    assert [region.contains({"many": frozenset({77})}) for region in found.gaps] == [True]
