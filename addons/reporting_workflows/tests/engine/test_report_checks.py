"""Freshness, checks, thresholds, and what a run makes of them."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import CheckRule, Column, Figure, Limit, Table, Threshold
from engine.checks import KINDS, evaluate
from engine.freshness import STATES, judge, worst
from engine.render_values import Writer
from engine.run import (
    PATTERNS,
    STEPS,
    TRIES,
    is_tried_again,
    next_step,
    people_needed,
    progress,
    run_state,
    verdict,
)
from engine.thresholds import findings_of, status_of

ORDERS = Table(
    (Column("name", "Order"), Column("site", "Site"), Column("value", "Value", "money")),
    (("S1", "A", Decimal("10.50")), ("S2", "A", Decimal(200)), ("S2", "B", None), ("S4", "B", Decimal(-1))),
)
LEDGER = Table((Column("value", "Value", "money"),), ((Decimal("209.40"),),))
DATA = {"orders": ORDERS, "ledger": LEDGER}


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"kind": "row_count", "minimum": Decimal(4), "maximum": Decimal(4)}, ""),
        ({"kind": "row_count", "minimum": Decimal(5)}, "4 rows, at least 5 expected"),
        ({"kind": "row_count", "maximum": Decimal(3)}, "4 rows, at most 3 expected"),
        ({"kind": "nulls", "columns": ("value",)}, "1 of 4 rows without Value: S2"),
        ({"kind": "nulls", "columns": ("value",), "maximum": Decimal(1)}, ""),
        ({"kind": "nulls", "columns": ("name", "value")}, "1 of 4 rows without Order, Value: S2"),
        (
            {"kind": "range", "columns": ("site",), "minimum": Decimal(0)},
            "4 values of Site are no numbers: S1, S2, S2 …",
        ),
        (
            {"kind": "range", "columns": ("name", "value"), "minimum": Decimal(0)},
            "columns: a check of kind range looks at one column; make a check for each.",
        ),
        (
            {"kind": "condition", "columns": ("value",), "operator": ">", "value": "1.000,5"},
            "Value cannot be compared with “1.000,5”: write a number like 1000.50",
        ),
        (
            {"kind": "reconcile", "columns": ("name",), "other_column": "site"},
            "4 values of Order are no numbers: S1, S2, S2 …",
        ),
        ({"kind": "range", "columns": ("value",), "minimum": Decimal(0)}, "1 values of Value outside 0…: S4"),
        ({"kind": "range", "columns": ("value",), "maximum": Decimal(200)}, ""),
        ({"kind": "duplicates", "columns": ("name",)}, "Order more than once: S2"),
        ({"kind": "duplicates", "columns": ("name", "site")}, ""),
        ({"kind": "condition", "columns": ("value",), "operator": ">", "value": "100"}, "1 rows with Value > 100: S2"),
        ({"kind": "condition", "columns": ("site",), "operator": "=", "value": "C"}, ""),
    ],
)
def test_kinds_of_checks(values, detail):
    check = evaluate(CheckRule("c", "Check", dataset="orders", **values), DATA)
    assert (check.state, check.detail) == ("failed" if detail else "passed", detail)


def test_reconciliation_within_an_amount_or_percent():
    def state(**tolerance):
        rule = CheckRule(
            "r",
            "Reconciled",
            "reconcile",
            "orders",
            ("value",),
            other_dataset="ledger",
            other_column="value",
            **tolerance,
        )
        return evaluate(rule, DATA).state

    assert state() == "failed"
    assert state(tolerance=Decimal("0.10")) == "passed"
    assert state(tolerance=Decimal("0.09")) == "failed"
    assert state(tolerance_percent=Decimal("0.05")) == "passed"


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=6), st.decimals(1, 1000, places=2))
@settings(max_examples=60)
def test_too_much_here_does_not_make_good_too_little_there(values, wrong):
    columns = (Column("place", "Place"), Column("here", "Here", "money"), Column("booked", "Booked", "money"))
    exact = [(f"P{number}", value, value) for number, value in enumerate(values)]
    moved = [("P0", values[0], values[0] + wrong), ("P1", values[1], values[1] - wrong), *exact[2:]]
    rule = CheckRule("r", "R", "reconcile", "places", ("here",), other_column="booked", tolerance=wrong / 2)
    assert evaluate(rule, {"places": Table(columns, tuple(exact))}).state == "passed"
    check = evaluate(rule, {"places": Table(columns, tuple(moved))})
    assert (check.state, check.detail) == ("failed", "the sums agree, 2 rows do not: P0, P1")


def test_what_cannot_be_checked_has_failed():
    cut = Table(ORDERS.columns, ORDERS.rows, left_out=7)
    rule = CheckRule("c", "Check", "nulls", "orders", ("value",), maximum=Decimal(4))
    assert evaluate(rule, {"orders": cut}).state == "failed"
    assert evaluate(CheckRule("c", "Check", "nulls", "gone", ("value",)), DATA).detail.startswith("dataset: “gone”")
    assert evaluate(CheckRule("c", "Check", "nulls", "orders", ("gone",)), DATA).detail.startswith("columns: “gone”")
    assert (
        evaluate(CheckRule("c", "Check", "row_count", "orders", minimum=Decimal(11)), {"orders": cut}).state == "passed"
    )
    assert evaluate(CheckRule("c", "C", "duplicates", "orders", ("name",), warn_only=True), DATA).state == "warn"


SALES = Figure("sales", "Sales", "money", Decimal("210.50"), note="As of now.")
OPEN = Figure("open", "Open Orders", "integer", Decimal(4))
NOTHING = Figure("nothing", "Margin", "percent", None, note="Not measured then.")
FIGURES = {figure.code: figure for figure in (SALES, OPEN, NOTHING)}


def figure_check(figure, *columns, dataset=DATA, **values):
    rule = CheckRule("f", "Figure", "figure", "orders", columns, figure=figure, **values)
    check = evaluate(rule, dataset, figures=FIGURES)
    return check.detail or check.state


def test_a_figure_agrees_with_what_the_table_adds_up_to():
    apart = "Sales says 210.50, the table 209.50: 1.00 apart, at most {} allowed"
    assert figure_check("sales", "value") == apart.format("0")
    assert figure_check("sales", "value", tolerance=Decimal("0.99")) == apart.format("0.99")
    assert figure_check("sales", "value", tolerance=Decimal(1)) == "passed"
    assert figure_check("sales", "value", tolerance_percent=Decimal("0.4")) == apart.format("0.842")
    assert figure_check("sales", "value", tolerance_percent=Decimal("0.5")) == "passed"


def test_a_figure_agrees_with_how_many_there_are():
    assert figure_check("open", aggregate="count") == "passed", "rows"
    assert figure_check("open", "value", aggregate="count").startswith("Open Orders says 4, the table 3"), "with one"
    assert figure_check("open", "name", aggregate="count_distinct").startswith("Open Orders says 4, the table 3")
    cut = {"orders": Table(ORDERS.columns, ORDERS.rows[:1], left_out=3)}
    assert figure_check("open", aggregate="count", dataset=cut) == "passed", "those that were not read count as well"
    assert figure_check("open", "name", aggregate="count", dataset=cut).startswith("Only 1 rows of orders were read")


def test_a_figure_that_cannot_be_compared_has_failed():
    assert figure_check("nothing", "value") == "Margin has no value. Not measured then."
    assert figure_check("sales", "name") == "4 values of Order are no numbers: S1, S2, S2 …"
    assert figure_check("gone", "value") == "figure: add it to a section of this report: “gone” is in none."
    assert figure_check("sales") == "columns: name at least one column."
    assert figure_check("open", aggregate="count_distinct") == "columns: name at least one column."
    assert figure_check("open", aggregate="avg").startswith("columns: ")
    assert figure_check("sales", "value", aggregate="avg") == (
        "aggregate: “avg” is none of sum, count, count_distinct."
    )
    assert figure_check("sales", "value", tolerance=Decimal(-1)) == "tolerance: is 0 or more."


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=8), st.decimals(0, 1000, places=2), st.booleans())
@settings(max_examples=60)
def test_a_figure_and_its_table_are_apart_by_more_than_the_tolerance_or_they_agree(values, tolerance, is_above):
    table = {"t": Table((Column("v", "V", "money"),), tuple((value,) for value in values))}
    rule = CheckRule("f", "F", "figure", "t", ("v",), figure="k", tolerance=tolerance)

    def state(shift):
        return evaluate(rule, table, figures={"k": Figure("k", "K", "money", sum(values, Decimal(0)) + shift)}).state

    sign = 1 if is_above else -1
    assert state(sign * tolerance) == "passed"
    assert state(sign * (tolerance + Decimal("0.01"))) == "failed"


@given(st.sampled_from(KINDS), st.sampled_from(["orders", "gone"]), st.sampled_from([(), ("value",), ("gone",)]))
@settings(max_examples=40)
def test_rules_that_are_wrong_say_so_and_never_pass(kind, dataset, columns):
    rule = CheckRule("c", "Check", kind, dataset, columns)
    known = {code: tuple(column.key for column in table.columns) for code, table in DATA.items()}
    problems = rule.problems(known)
    if problems:
        assert evaluate(rule, DATA).state == "failed"
        assert all(problem.split(":")[0].isidentifier() for problem in problems)


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=8), st.decimals(0, 1000, places=2))
@settings(max_examples=60)
def test_a_sum_reconciles_with_itself_and_not_with_more_than_the_tolerance(values, tolerance):
    left = Table((Column("v", "V", "money"),), tuple((value,) for value in values))
    shifted = Table(left.columns, (*left.rows, (tolerance + Decimal("0.01"),)))
    rule = CheckRule("r", "R", "reconcile", "a", ("v",), other_dataset="b", other_column="v", tolerance=tolerance)
    assert evaluate(rule, {"a": left, "b": left}).state == "passed"
    assert evaluate(rule, {"a": left, "b": shifted}).state == "failed"


@given(st.floats(0, 200), st.floats(0, 200), st.timedeltas(timedelta(0), timedelta(hours=300)), st.floats(0, 10))
@settings(max_examples=80)
def test_freshness_only_gets_worse_with_age(first, second, age, more):
    limit = Limit(*sorted((first, second)))
    now = datetime(2026, 11, 20)
    younger, older = judge(limit, now - age, now), judge(limit, now - age - timedelta(hours=more), now)
    assert STATES.index(older) >= STATES.index(younger)
    assert worst([younger, older]) == older


def test_freshness_limits():
    assert judge(Limit(), datetime(2020, 1, 1), datetime(2026, 1, 1)) == "fresh"
    assert judge(Limit(1, 2), datetime(2026, 1, 2), datetime(2026, 1, 1)) == "fresh", "their clock is ahead"
    for values in ((5, 4), (-1, 0)):
        with pytest.raises(ValueError):
            Limit(*values)


@given(
    st.decimals(-100, 100, places=1),
    st.decimals(-100, 100, places=1),
    st.decimals(-100, 100, places=1),
    st.sampled_from(["above", "below"]),
)
@settings(max_examples=80)
def test_a_worse_value_never_has_a_better_status(limit, value, step, direction):
    order = ("ok", "warn", "breach")
    sign = 1 if direction == "above" else -1
    threshold = Threshold("t", "T", direction, warn=limit, breach=limit + sign * 10)
    worse = value + sign * abs(step)
    assert order.index(status_of(threshold, worse)) >= order.index(status_of(threshold, value))


def test_each_row_is_a_finding_breaches_first_and_many_are_counted():
    threshold = Threshold(
        "v", "Value", warn=Decimal(5), breach=Decimal(100), measure="each_row", dataset="o", column="value"
    )
    found = findings_of(threshold, {"o": ORDERS}, {})
    assert [(one.severity, one.document) for one in found] == [("breach", "S2"), ("warn", "S1")]
    many = Table(ORDERS.columns, tuple((f"S{n}", "A", Decimal(50)) for n in range(60)))
    found = findings_of(threshold, {"o": many}, {})
    assert (len(found), found[-1].detail) == (51, "10 more rows like these")


def test_sums_counts_and_maxima():
    def found(measure):
        return findings_of(
            Threshold("t", "T", breach=Decimal(3), measure=measure, dataset="orders", column="value"), DATA, {}
        )

    assert [found(measure)[0].amount for measure in ("sum", "count", "maximum")] == [Decimal("209.50"), 4, 200]
    late = Threshold("k", "K", breach=Decimal(3), kpi="late")
    assert findings_of(late, {}, {}) == findings_of(late, {}, {"late": Figure("late", "Late", "integer")}) == []


def test_exceptions_are_written_by_kind_and_language():
    def details(threshold, figures=(), show=None):
        return [one.detail for one in findings_of(threshold, DATA, dict(figures), show)]

    german = Writer("de_DE", "UTC", "EUR")
    money = {"breach": Decimal("3.5"), "dataset": "orders", "column": "value"}
    assert details(Threshold("t", "T", measure="sum", **money), show=german) == ["209,50\xa0€, at most 3,50\xa0€"]
    assert details(Threshold("t", "T", measure="count", **money), show=german) == ["4,0, at most 3,5"]
    assert details(Threshold("t", "T", measure="each_row", **money))[0] == "10.50, at most 3.50"
    late = Threshold("k", "K", "below", warn=Decimal(98), kpi="on_time")
    for value, expected in (("97.996", "97.996%, at least 98.000%"), ("90", "90%, at least 98%")):
        figure = Figure("on_time", "On Time", "percent", Decimal(value))
        assert details(late, {"on_time": figure}) == [expected]
    hours = Figure("on_time", "On Time", "hours", Decimal("-1234.5"))
    assert details(late, {"on_time": hours}, german) == ["-1.234,5 hours, at least 98,0 hours"]


@given(
    st.dictionaries(
        st.sampled_from(STEPS), st.sampled_from(["pending", "running", "done", "waiting", "held", "failed"])
    )
)
@settings(max_examples=80)
def test_steps_follow_each_other(states):
    step = next_step(states)
    if step is None:
        assert run_state(states) == "done" and progress(states) == 100
    else:
        assert all(states.get(earlier) == "done" for earlier in STEPS[: STEPS.index(step)])
        assert run_state(states) != "done"


def test_what_is_tried_again():
    assert is_tried_again("outside", False, 1)
    assert is_tried_again("transformation", True, TRIES - 1)
    assert not is_tried_again("transformation", False, 1)
    assert not is_tried_again("outside", True, TRIES)


@given(
    st.lists(st.sampled_from("abc"), unique=True),
    st.lists(st.sampled_from("xyz"), unique=True),
    st.sampled_from(["hold", "mark", "shorten"]),
    st.sampled_from(["hold", "mark", "shorten"]),
    st.sampled_from(["", "the month has to be closed"]),
)
@settings(max_examples=80)
def test_nothing_bad_goes_out_unmarked(stale, failed, on_stale, on_failed, overruled):
    found = verdict(stale, failed, on_stale=on_stale, on_failed=on_failed, overruled=overruled)
    told = " ".join((found.hold, *found.marks))
    assert all(label in told for label in (*stale, *failed))
    if not stale and not failed:
        assert not found.hold and not found.marks
    if overruled:
        assert not found.hold


@given(
    st.lists(st.sampled_from("abc"), unique=True),
    st.lists(st.sampled_from("xyz"), unique=True),
    st.sets(st.sampled_from([*(f"stale inputs: {one}" for one in "abc"), *(f"failed checks: {one}" for one in "xyz")])),
)
@settings(max_examples=80)
def test_only_what_was_seen_is_let_go(stale, failed, seen):
    found = verdict(stale, failed, overruled="the month has to be closed", let_go=seen)
    wrong = {*(f"stale inputs: {one}" for one in stale), *(f"failed checks: {one}" for one in failed)}
    assert set(found.held_for) == wrong - seen
    assert bool(found.hold) == bool(wrong - seen)
    told = " ".join((found.hold, *found.marks))
    assert all(label in told for label in (*stale, *failed))


def test_two_parties_are_two_people():
    assert [people_needed(pattern, True) for pattern in PATTERNS] == [0, 1, 1, 1, 1, 2]
    with pytest.raises(ValueError, match="release pattern"):
        people_needed("nobody", True)
