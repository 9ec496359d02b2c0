"""Reminders: once each, one at a time, whatever the job does."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ladder import CHECK, KINDS, LATE, Ladder, Step, Watch

ASKED = datetime(2026, 11, 23, 8)


def after(moment, minutes):
    return moment + timedelta(minutes=minutes)


def before(moment, minutes):
    return moment - timedelta(minutes=minutes)


ladders = st.lists(st.builds(Step, st.sampled_from(KINDS), st.integers(1, 3000)), max_size=6).map(Ladder)
#: When the job runs, in minutes since the question.
runs = st.lists(st.integers(0, 20_000), max_size=40).map(sorted)


def climb(ladder, moments):
    taken = {}
    for minutes in moments:
        now = after(ASKED, minutes)
        step = ladder.outstanding(ASKED, taken, after, now)
        if step:
            assert step not in taken
            taken[step] = now
    return taken


@given(ladders, runs)
def test_steps_come_in_order_and_keep_their_distance(ladder, moments):
    taken = climb(ladder, moments)
    assert list(taken) == list(ladder.names[: len(taken)])
    since = ASKED
    for step, moment in zip(ladder.steps, taken.values()):
        assert moment >= after(since, step.after)
        since = moment


@given(ladders, runs)
def test_running_twice_changes_nothing(ladder, moments):
    twice = [moment for moment in moments for _again in range(2)]
    assert climb(ladder, twice) == climb(ladder, moments)


@given(ladders)
def test_a_job_that_runs_all_the_time_takes_every_step_at_its_moment(ladder):
    moments = {0}
    total = 0
    for step in ladder.steps:
        total += step.after
        moments |= {total - 1, total}
    taken = climb(ladder, sorted(moments))
    assert tuple(taken) == ladder.names
    assert not ladder.steps or max(taken.values()) == after(ASKED, total)
    assert ladder.next_step(ASKED, taken, after) is None


def test_a_missed_week_is_one_step():
    ladder = Ladder([Step("remind", 60)] * 3)
    week = ASKED + timedelta(days=7)
    assert ladder.outstanding(ASKED, {}, after, week) == "remind:1"
    assert ladder.outstanding(ASKED, {"remind:1": week}, after, week) is None


def test_steps_that_make_no_sense():
    for kind, minutes in (("shout", 1), ("remind", 0), ("remind", -5)):
        with pytest.raises(ValueError):
            Step(kind, minutes)


@given(st.integers(0, 5000), st.integers(0, 3000), st.integers(-100, 9000), runs)
def test_around_a_promise(check_before, grace, lead, moments):
    watch = Watch(check_before, grace)
    due = after(ASKED, lead)
    taken = {}
    for minutes in moments:
        now = after(ASKED, minutes)
        step = watch.outstanding(due, ASKED, taken, after, before, now)
        if step:
            assert step not in taken
            taken[step] = now
        coming = watch.next_step(due, ASKED, taken, after, before, now)
        assert not coming or coming[1] > now, "a job that looks again finds nothing to do"
    if CHECK in taken:
        assert before(due, check_before) <= taken[CHECK] < due
        assert check_before and before(due, check_before) > ASKED
    assert (LATE in taken) == any(after(ASKED, minutes) >= after(due, grace) for minutes in moments)
    assert list(taken) in ([], [CHECK], [LATE], [CHECK, LATE])


def test_a_fresh_promise_is_not_questioned():
    watch = Watch(check_before=2880)
    due = ASKED + timedelta(days=1)
    assert watch.next_step(due, ASKED, (), after, before, ASKED) == (LATE, due)
    assert watch.next_step(due + timedelta(days=9), ASKED, (), after, before, ASKED)[0] == CHECK


def test_nobody_is_asked_once_the_promised_day_has_come():
    due = ASKED + timedelta(days=9)
    assert Watch(check_before=60, grace=120).next_step(due, ASKED, (), after, before, due) == (LATE, after(due, 120))
