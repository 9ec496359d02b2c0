"""The service clock: arithmetic against a count of minutes, pauses, runs that were missed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decision_table import Approver, Requirement, merge_stages
from engine.errors import NotYourTurn, RoutingError
from engine.routing import APPROVED, REJECTED, Task, ask, decide, expire, start
from engine.service_clock import (
    FINAL_ACTIONS,
    Escalation,
    ServiceClock,
    Target,
    WorkingTime,
    agenda,
    ended,
    next_moment,
    outstanding,
    stricter,
)

MONDAY = datetime(2026, 3, 2)
DAYS = 6
HORIZON = MONDAY + timedelta(days=DAYS)


def minute(number):
    return MONDAY + timedelta(minutes=number)


MINUTES = st.integers(0, DAYS * 1440)
INTERVALS = st.lists(st.tuples(MINUTES, MINUTES), max_size=8).map(
    lambda pairs: [(minute(min(pair)), minute(max(pair))) for pair in pairs]
)
CLOCKS = st.builds(
    ServiceClock,
    minutes=st.integers(1, 900),
    reminder=st.integers(0, 60),
    escalations=st.lists(st.builds(Escalation, st.integers(0, 300), st.just(Target("group", "7"))), max_size=3),
    final=st.sampled_from(FINAL_ACTIONS),
    final_after=st.integers(0, 300),
).filter(lambda clock: clock.reminder < clock.minutes)
#: Office hours on six days, enough for every clock above.
OFFICE = WorkingTime([(minute(day * 1440 + 8 * 60), minute(day * 1440 + 18 * 60)) for day in range(DAYS)])
FOREVER = WorkingTime([(MONDAY, MONDAY + timedelta(days=60))])


def is_work(moment, intervals, pauses=()):
    """Whether the minute that begins at ``moment`` is worked: the slow, obvious way."""
    return any(start <= moment < end for start, end in intervals) and not any(
        start <= moment < (end or datetime.max) for start, end in pauses
    )


# ------------------------------------------------------- working-time arithmetic


@given(INTERVALS, MINUTES, MINUTES)
def test_minutes_are_what_counting_them_gives(intervals, start, end):
    counted = sum(is_work(minute(number), intervals) for number in range(start, end))
    assert WorkingTime(intervals).minutes(minute(start), minute(end)) == counted


@given(INTERVALS, INTERVALS, MINUTES, MINUTES)
def test_pauses_do_not_count(intervals, pauses, start, end):
    counted = sum(is_work(minute(number), intervals, pauses) for number in range(start, end))
    assert WorkingTime(intervals).without(pauses).minutes(minute(start), minute(end)) == counted


@given(INTERVALS, MINUTES, st.integers(0, 2000))
def test_after_is_the_first_moment_with_that_much_work_behind_it(intervals, start, wanted):
    work = WorkingTime(intervals)
    moment = work.after(minute(start), wanted)
    if moment is None:
        assert work.minutes(minute(start), HORIZON) < wanted
    else:
        assert work.minutes(minute(start), moment) == wanted
        assert not wanted or work.minutes(minute(start), moment - timedelta(minutes=1)) == wanted - 1


@given(INTERVALS, MINUTES)
def test_an_open_pause_lasts_for_ever(intervals, since):
    work = WorkingTime(intervals).without([(minute(since), None)])
    assert work.minutes(minute(since), HORIZON) == 0


def test_summer_time_is_no_matter_of_the_engine():
    """Intervals come in UTC; a night of 23 hours is simply shorter between two of them."""
    work = WorkingTime(
        [(datetime(2026, 3, 28, 7), datetime(2026, 3, 28, 16)), (datetime(2026, 3, 30, 6), datetime(2026, 3, 30, 15))]
    )
    assert work.after(datetime(2026, 3, 28, 15), 120) == datetime(2026, 3, 30, 7)


# ---------------------------------------------------------------------- the clock


def run(clock, opened, work, moments):
    """Run the job at each of ``moments``, several times; what it did, when."""
    done = {}
    for now in sorted(moments):
        for _worker in range(2):
            for step in outstanding(clock, opened, work, done, now):
                assert step not in done
                done[step] = now
    return done


def steps_of(clock):
    escalations = [f"escalation:{n}" for n in range(1, len(clock.escalations) + 1)]
    return escalations + (["final"] if clock.final != "none" else [])


@given(CLOCKS, st.lists(MINUTES, max_size=12))
def test_whenever_the_job_runs_each_step_comes_once_in_order_and_never_early(clock, runs):
    opened = minute(0)
    done = run(clock, opened, OFFICE, [minute(number) for number in runs])
    chain = [step for step in done if step != "reminder"]
    assert chain == steps_of(clock)[: len(chain)]
    due = OFFICE.after(opened, clock.minutes)
    if "reminder" in done:
        assert done["reminder"] < due
        assert OFFICE.minutes(opened, done["reminder"]) >= clock.minutes - clock.reminder
    last = due
    gaps = [step.after for step in clock.escalations] + [clock.final_after]
    for step, gap in zip(chain, gaps):
        assert OFFICE.minutes(opened, done[step]) >= clock.minutes
        assert OFFICE.minutes(last, done[step]) >= gap  # whoever was asked had their time
        last = done[step]


@given(CLOCKS, st.lists(MINUTES, max_size=8))
def test_a_missed_run_loses_no_step(clock, runs):
    """However the job stumbled: once it runs every minute again, the whole chain is worked off."""
    done = run(clock, minute(0), FOREVER, [minute(number) for number in runs])
    now = minute(max(runs, default=0))
    for _step in range(len(steps_of(clock)) + 1):
        moment = next_moment(clock, minute(0), FOREVER, done, now)
        if moment is None:
            break
        now = max(now, moment)
        for step in outstanding(clock, minute(0), FOREVER, done, now):
            done[step] = now
    assert ended(clock, done)
    assert next_moment(clock, minute(0), FOREVER, done, max(now, minute(901))) is None


@given(CLOCKS, MINUTES)
def test_the_job_has_nothing_to_do_before_the_moment_it_was_told(clock, number):
    now = minute(number)
    moment = next_moment(clock, minute(0), OFFICE, {}, now)
    assert bool(outstanding(clock, minute(0), OFFICE, {}, now)) == bool(moment and moment <= now)


@given(CLOCKS, INTERVALS, MINUTES)
def test_a_pause_moves_every_step_by_the_work_it_took(clock, pauses, number):
    opened = minute(number)
    before = dict(agenda(clock, opened, FOREVER))
    after = dict(agenda(clock, opened, FOREVER.without(pauses)))
    for step, moment in before.items():
        taken = FOREVER.minutes(opened, after[step]) - FOREVER.without(pauses).minutes(opened, after[step])
        assert after[step] == moment + timedelta(minutes=taken)


@given(CLOCKS, MINUTES, st.lists(MINUTES, min_size=1, max_size=6))
def test_while_a_question_is_open_nothing_happens(clock, asked, runs):
    work = FOREVER.without([(minute(asked), None)])
    opened = minute(asked)
    assert run(clock, opened, work, [minute(number) for number in runs]) == {}
    assert next_moment(clock, opened, work, {}, minute(asked)) is None


def test_a_reminder_that_comes_too_late_is_left_out():
    clock = ServiceClock(60, reminder=30, escalations=(Escalation(10, Target("group", "1")),))
    assert outstanding(clock, minute(0), FOREVER, {}, minute(30)) == ("reminder",)
    assert outstanding(clock, minute(0), FOREVER, {}, minute(60)) == ()
    assert outstanding(clock, minute(0), FOREVER, {}, minute(70)) == ("escalation:1",)


def test_without_any_working_time_nothing_is_ever_due():
    clock = ServiceClock(60, final="reject")
    assert agenda(clock, minute(0), WorkingTime()) == (("due", None), ("final", None))
    assert outstanding(clock, minute(0), WorkingTime(), {}, HORIZON) == ()


# -------------------------------------------------------------- never approves


@given(st.data())
def test_expiry_never_approves(data):
    """Whatever decisions, questions and expiries come in which order: approved means that every
    task has its quorum of people, and an expiry rejects or is refused."""
    people = "abcde"
    tasks = [
        Task(
            f"t{n}",
            data.draw(st.integers(1, 2)),
            data.draw(st.integers(1, 2)),
            data.draw(st.frozensets(st.sampled_from(people), min_size=1)),
        )
        for n in range(data.draw(st.integers(1, 3)))
    ]
    state = start(tasks)
    for _move in range(8):
        key = data.draw(st.sampled_from([task.key for task in tasks]))
        person = data.draw(st.sampled_from(people))
        kind = data.draw(st.sampled_from(["expire", "approve", "ask"]))
        try:
            if kind == "expire":
                state = expire(state, key)
                assert state.status == REJECTED
            else:
                state = ask(state, key, person) if kind == "ask" else decide(state, key, person, "approve")
        except RoutingError:
            continue
        if state.status == APPROVED:
            assert all(len(task.approvers) >= task.quorum for task in state.tasks)


def test_a_question_stops_the_final_action_too():
    state = ask(start([Task("a", 1, 1, {"ann"})]), "a", "ann")
    with pytest.raises(NotYourTurn):
        expire(state, "a")


# ------------------------------------------------------------------- stricter


@given(
    st.lists(st.none() | CLOCKS, min_size=1, max_size=4).flatmap(
        lambda clocks: st.tuples(st.just(clocks), st.permutations(clocks))
    )
)
def test_the_stricter_clock_does_not_depend_on_the_order(pair):
    clocks, shuffled = pair

    def all_of(many):
        result = None
        for clock in many:
            result = stricter(result, clock)
        return result

    assert all_of(clocks) == all_of(shuffled)
    known = [clock.minutes for clock in clocks if clock]
    assert (all_of(clocks).minutes if known else None) == min(known, default=None)


def test_collected_rules_take_the_shorter_clock():
    team, boss = Approver("group", "1"), Approver("user", "2")
    slow, quick = ServiceClock(480), ServiceClock(60, final="reject")
    stages = merge_stages(
        [
            Requirement(10, team, 1, "Team", slow),
            Requirement(10, team, 1, "Team", quick),
            Requirement(10, boss, 1, "Boss"),
            Requirement(20, boss, 1, "Boss", quick),
        ]
    )
    assert [(need.approver.kind, need.clock) for stage in stages for need in stage.requirements] == [
        ("group", quick),
        ("user", quick),
    ]


def test_a_clock_that_makes_no_sense_is_refused():
    for clock in (
        ServiceClock(0),
        ServiceClock(60, reminder=60),
        ServiceClock(60, reminder=-1),
        ServiceClock(60, escalations=(Escalation(-1, Target("group", "1")),)),
        ServiceClock(60, final="approve"),
        ServiceClock(60, final="hand_over"),
        ServiceClock(60, final_after=-1),
        ServiceClock(60, calendar="moon"),
    ):
        assert list(clock.problems()), clock
    assert "approve" not in FINAL_ACTIONS
    assert not list(ServiceClock(60, 59, final="hand_over", final_target=Target("user", "1")).problems())


@given(CLOCKS)
def test_a_clock_survives_being_written_down(clock):
    assert ServiceClock.from_json(clock.to_json()) == clock
