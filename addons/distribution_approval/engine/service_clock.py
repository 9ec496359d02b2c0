"""Service clocks: how long an approver may take, in working time, and what happens then.

A :class:`ServiceClock` belongs to one approver entry of a rule. Rules:

1. The clock counts *working time*: minutes inside the working intervals of whoever it runs
   for. Nights, weekends and leaves do not count.
2. While a question is open the clock stands still; the answer lets it run on.
3. The task is due after ``minutes``. A reminder comes ``reminder`` minutes before that; one
   that would come after the due date is left out: it reminds nobody of anything.
4. Escalations follow each other, each ``after`` minutes of the step before it – the first one
   of the due date. The final action comes ``final_after`` minutes after the last of them.
5. Distances are counted from when the step before was *really* taken. A job that missed a day
   takes one step, and whoever was asked late still has their time before the next one.
6. Each step is taken once. Which ones were taken comes in as an argument; running twice
   changes nothing.
7. Nothing here approves. The final actions are in :data:`FINAL_ACTIONS`.
8. Of two clocks for one approver the stricter one counts as a whole: the one with fewer
   minutes; of two equal ones, the one with the harder final action, then the shorter chain.

A day of eight hours, a lunch break, and a clock of six hours with a reminder two hours before:

>>> from datetime import datetime
>>> def at(text): return datetime.fromisoformat(f'2026-03-{text}')
>>> work = WorkingTime([(at(f'{day:02} 08:00'), at(f'{day:02} 12:00')) for day in (2, 3, 4)]
...                    + [(at(f'{day:02} 13:00'), at(f'{day:02} 17:00')) for day in (2, 3, 4)])
>>> clock = ServiceClock(360, reminder=120, escalations=(Escalation(60, Target('group', '7')),),
...                      final='reject', final_after=240)
>>> for step, moment in agenda(clock, at('02 14:00'), work): print(step, moment)
reminder 2026-03-03 09:00:00
due 2026-03-03 11:00:00
escalation:1 2026-03-03 12:00:00
final 2026-03-03 17:00:00

A question from 15:00 to 16:00 moves everything by an hour:

>>> agenda(clock, at('02 14:00'), work.without([(at('02 15:00'), at('02 16:00'))]))[0]
('reminder', datetime.datetime(2026, 3, 3, 10, 0))

The job did not run on the third. On the fourth it escalates – and rejects four hours later:

>>> outstanding(clock, at('02 14:00'), work, {}, at('04 08:00'))
('escalation:1',)
>>> outstanding(clock, at('02 14:00'), work, {'escalation:1': at('04 08:00')}, at('04 11:59'))
()
>>> outstanding(clock, at('02 14:00'), work, {'escalation:1': at('04 08:00')}, at('04 12:00'))
('final',)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

#: What happens when the last deadline passes. None of them approves.
FINAL_ACTIONS = ("none", "reject", "hold", "hand_over")
#: Whose working time is counted.
CALENDARS = ("approver", "site", "company")

REMINDER = "reminder"
DUE = "due"
ESCALATION = "escalation:"
FINAL = "final"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """To whom a step turns: the kind of approver and, of a person or group, which one."""

    kind: str
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """``after`` minutes of working time after the step before, ``target`` may decide as well."""

    after: int
    target: Target


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """How long one approver entry may take (all in minutes of working time)."""

    minutes: int
    reminder: int = 0  #: before the due date; 0: none
    escalations: tuple[Escalation, ...] = ()
    final: str = "none"
    final_after: int = 0
    final_target: Target | None = None
    calendar: str = "approver"

    def __post_init__(self):
        object.__setattr__(self, "escalations", tuple(self.escalations))

    @property
    def total(self) -> int:
        """Minutes until the last step."""
        return self.minutes + sum(step.after for step in self.escalations) + self.final_after

    def problems(self) -> Iterable[tuple[str, str]]:
        """``(message, remedy)`` of everything that makes no sense."""
        if type(self.minutes) is not int or self.minutes < 1:
            yield "A service time must be longer than nothing.", "Enter hours of working time."
        if self.reminder < 0 or self.reminder >= max(self.minutes, 1):
            yield "The reminder would come before the task.", "Remind fewer hours before it is due."
        if any(step.after < 0 for step in self.escalations) or self.final_after < 0:
            yield "A step of the chain would come before the one it follows.", "Enter 0 hours or more."
        if self.final not in FINAL_ACTIONS:
            yield f"'{self.final}' is no final action.", f"Choose one of {', '.join(FINAL_ACTIONS)}."
        if self.final == "hand_over" and not self.final_target:
            yield "The final action hands the task over, but not to whom.", "Choose a person or a group."
        if self.calendar not in CALENDARS:
            yield f"'{self.calendar}' is no calendar.", f"Choose one of {', '.join(CALENDARS)}."

    def to_json(self) -> dict:
        """Plain values, the same for equal clocks."""
        return {
            "minutes": self.minutes,
            "reminder": self.reminder,
            "escalations": [{"after": step.after, **_target_to_json(step.target)} for step in self.escalations],
            "final": self.final,
            "final_after": self.final_after,
            "final_target": _target_to_json(self.final_target) if self.final_target else None,
            "calendar": self.calendar,
        }

    @classmethod
    def from_json(cls, content: Mapping | None) -> ServiceClock | None:
        """
        >>> clock = ServiceClock(60, 10, (Escalation(5, Target('group', '7', 'Finance')),), 'reject', 30)
        >>> ServiceClock.from_json(clock.to_json()) == clock
        True
        """
        if not content:
            return None
        return cls(
            minutes=content["minutes"],
            reminder=content["reminder"],
            escalations=tuple(Escalation(step["after"], _target_from_json(step)) for step in content["escalations"]),
            final=content["final"],
            final_after=content["final_after"],
            final_target=_target_from_json(content["final_target"]) if content["final_target"] else None,
            calendar=content["calendar"],
        )


class WorkingTime:
    """Intervals of working time, sorted and merged; naive moments in UTC.

    >>> from datetime import datetime
    >>> def at(text): return datetime.fromisoformat(f'2026-03-02 {text}')
    >>> work = WorkingTime([(at('13:00'), at('17:00')), (at('08:00'), at('10:00')), (at('09:00'), at('12:00'))])
    >>> work.minutes(at('00:00'), at('23:00')), work.minutes(at('11:30'), at('13:15'))
    (480, 45)
    >>> work.after(at('11:30'), 45), work.after(at('16:00'), 61)
    (datetime.datetime(2026, 3, 2, 13, 15), None)
    """

    __slots__ = ("intervals",)

    def __init__(self, intervals: Iterable[tuple[datetime, datetime]] = ()):
        merged: list[tuple[datetime, datetime]] = []
        for start, end in sorted((_minute(start), _minute(end)) for start, end in intervals):
            if end <= start:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self.intervals = tuple(merged)

    def without(self, pauses: Iterable[tuple[datetime, datetime | None]]) -> WorkingTime:
        """What is left outside of ``pauses``; an open pause (``None``) lasts for ever."""
        left = self.intervals
        for start, end in pauses:
            start, end = _minute(start), _minute(end) if end else datetime.max
            left = tuple(
                part
                for begin, finish in left
                for part in ((begin, min(finish, start)), (max(begin, end), finish))
                if part[0] < part[1]
            )
        return WorkingTime(left)

    def minutes(self, start: datetime, end: datetime) -> int:
        """Minutes of working time from ``start`` to ``end``."""
        start, end = _minute(start), _minute(end)
        return sum(
            int((min(finish, end) - max(begin, start)).total_seconds() // 60)
            for begin, finish in self.intervals
            if max(begin, start) < min(finish, end)
        )

    def after(self, start: datetime, minutes: int) -> datetime | None:
        """The first moment with ``minutes`` of working time behind it since ``start``; None: not
        within the known intervals."""
        start = _minute(start)
        if minutes <= 0:
            return start
        for begin, finish in self.intervals:
            begin = max(begin, start)
            if begin >= finish:
                continue
            available = int((finish - begin).total_seconds() // 60)
            if available >= minutes:
                return begin + timedelta(minutes=minutes)
            minutes -= available
        return None


def agenda(
    clock: ServiceClock,
    opened: datetime,
    work: WorkingTime,
    done: Mapping[str, datetime] | None = None,
) -> tuple[tuple[str, datetime | None], ...]:
    """Every step that is still to come, and :data:`DUE`, with its moment, in order.

    :param work: working time without the pauses
    :param done: ``{step: when it was really taken}``
    :return: ``None`` for a moment beyond the known working time
    """
    done = done or {}
    due = work.after(opened, clock.minutes)
    entries: list[tuple[str, datetime | None]] = []
    reminder = work.after(opened, clock.minutes - clock.reminder) if clock.reminder else None
    if clock.reminder and REMINDER not in done:
        entries.append((REMINDER, reminder))
    entries.append((DUE, due))
    last = due
    for step, after in _chain(clock):
        moment = work.after(last, after) if last else None
        if step in done:
            last = done[step]
        else:
            entries.append((step, moment))
            last = moment
    return tuple(entries)


def outstanding(
    clock: ServiceClock,
    opened: datetime,
    work: WorkingTime,
    done: Mapping[str, datetime],
    now: datetime,
) -> tuple[str, ...]:
    """The step to take now, if any: at most one, so that whoever it turns to has their time.

    The reminder is left out once the task is due.
    """
    moments = dict(agenda(clock, opened, work, done))
    due = moments.pop(DUE)
    reminder = moments.pop(REMINDER, None)
    if reminder and reminder <= now and (due is None or now < due):
        return (REMINDER,)
    for step, moment in moments.items():
        return (step,) if moment and moment <= now else ()
    return ()


def next_moment(
    clock: ServiceClock,
    opened: datetime,
    work: WorkingTime,
    done: Mapping[str, datetime],
    now: datetime,
) -> datetime | None:
    """When to look again; None: nothing more happens within the known working time."""
    moments = dict(agenda(clock, opened, work, done))
    due = moments.pop(DUE)
    reminder = moments.pop(REMINDER, None)
    if reminder and (due is None or now < due):
        return reminder
    return next(iter(moments.values()), None)


def ended(clock: ServiceClock, done: Mapping[str, datetime]) -> bool:
    """Whether every step of the chain was taken."""
    return all(step in done for step, _after in _chain(clock))


def stricter(one: ServiceClock | None, other: ServiceClock | None) -> ServiceClock | None:
    """The clock that counts when one approver is asked under two rules (rule 8).

    >>> stricter(ServiceClock(60), None).minutes, stricter(ServiceClock(60), ServiceClock(30)).minutes
    (60, 30)
    """
    if one is None or other is None:
        return one or other
    return min(one, other, key=_strictness)


def _strictness(clock):
    actions = {"reject": 0, "hold": 1, "hand_over": 2, "none": 3}
    return clock.minutes, actions[clock.final], clock.total, -clock.reminder, repr(clock)


def _chain(clock):
    """``(step, minutes after the step before)`` behind the due date."""
    for number, escalation in enumerate(clock.escalations, start=1):
        yield f"{ESCALATION}{number}", escalation.after
    if clock.final != "none":
        yield FINAL, clock.final_after


def _minute(moment):
    return moment.replace(second=0, microsecond=0)


def _target_to_json(target):
    return {"kind": target.kind, "key": target.key, "label": target.label}


def _target_from_json(content):
    return Target(content["kind"], content["key"], content["label"])
