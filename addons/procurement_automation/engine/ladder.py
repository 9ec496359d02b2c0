"""Reminders and escalation while a vendor does not answer, and questions before the goods are due.

Rules, in words
---------------
1. *Waiting for an answer*: a chain of steps, each so many minutes of working time after the step before – the first
   after the question. Distances count from when the step before was *really* taken.
2. A job that did not run takes one step, not all that it missed: whoever is asked late still has their time.
3. Each step is taken once. What was taken comes in as an argument: running twice changes nothing.
4. An answer that leaves lines open does not start the chain again: it goes on for the rest.
5. *Before the goods are due*: for each promised moment the vendor is asked again so many minutes of working time
   ahead – once, and not when the promise itself is younger than that.
6. *After it*: when something is still open ``grace`` minutes of working time after the promised moment, the line is
   late – once. A question that was missed is not asked any more then: the answer is known.
7. A new promise begins 5 and 6 anew; the same promise repeated does not.

Working time comes in as two functions: ``after(moment, minutes)`` and ``before(moment, minutes)``.

>>> from datetime import datetime, timedelta
>>> def after(moment, minutes): return moment + timedelta(minutes=minutes)
>>> def before(moment, minutes): return moment - timedelta(minutes=minutes)
>>> ladder = Ladder((Step("remind", 60), Step("remind", 60), Step("case", 30)))
>>> at = datetime(2026, 11, 23, 8)
>>> ladder.next_step(at, {}, after)
('remind:1', datetime.datetime(2026, 11, 23, 9, 0))

The job did not run for a day. It reminds once; the next step comes an hour later:

>>> taken = {"remind:1": datetime(2026, 11, 24, 8)}
>>> ladder.next_step(at, taken, after)
('remind:2', datetime.datetime(2026, 11, 24, 9, 0))
>>> ladder.outstanding(at, taken, after, now=datetime(2026, 11, 24, 8, 59)) is None
True

Asked again two hours before the promised moment, and late an hour after it:

>>> watch = Watch(check_before=120, grace=60)
>>> due, promised = datetime(2026, 12, 1, 17), datetime(2026, 11, 23, 10)
>>> watch.outstanding(due, promised, {}, after, before, now=datetime(2026, 12, 1, 15))
'check'
>>> watch.outstanding(due, promised, {"check": at}, after, before, now=datetime(2026, 12, 1, 18))
'late'
>>> watch.outstanding(due, promised, {}, after, before, now=datetime(2026, 12, 5))
'late'
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

#: What a step of the chain does: a message to the vendor, a to-do for the buyer, a case.
REMIND, CALL, ESCALATE = "remind", "call", "case"
KINDS = (REMIND, CALL, ESCALATE)
#: What the watch over a promised moment does.
CHECK, LATE = "check", "late"

Distance = Callable[[datetime, int], datetime]


@dataclass(frozen=True, slots=True)
class Step:
    """``after`` minutes of working time behind the step before."""

    kind: str
    after: int

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is none of {', '.join(KINDS)}")
        if self.after < 1:
            raise ValueError("a step comes after the one before it")


@dataclass(frozen=True, slots=True)
class Ladder:
    """The chain while an answer is outstanding."""

    steps: tuple[Step, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "steps", tuple(self.steps))

    @property
    def names(self) -> tuple[str, ...]:
        """One name per step: its kind, and which of that kind it is.

        >>> Ladder((Step("remind", 1), Step("call", 1), Step("remind", 1))).names
        ('remind:1', 'call:1', 'remind:2')
        """
        names, counted = [], {}
        for step in self.steps:
            counted[step.kind] = counted.get(step.kind, 0) + 1
            names.append(f"{step.kind}:{counted[step.kind]}")
        return tuple(names)

    def next_step(
        self, asked_at: datetime, taken: Mapping[str, datetime], after: Distance
    ) -> tuple[str, datetime] | None:
        """The next step and its moment; None: every step was taken."""
        since = asked_at
        for name, step in zip(self.names, self.steps):
            if name not in taken:
                return name, after(since, step.after)
            since = taken[name]
        return None

    def outstanding(
        self, asked_at: datetime, taken: Mapping[str, datetime], after: Distance, now: datetime
    ) -> str | None:
        """The step to take now, at most one."""
        found = self.next_step(asked_at, taken, after)
        return found[0] if found and found[1] <= now else None


@dataclass(frozen=True, slots=True)
class Watch:
    """What happens around a promised moment; minutes of working time. ``check_before`` 0: never asked again."""

    check_before: int = 0
    grace: int = 0

    def next_step(
        self,
        due: datetime,
        promised_at: datetime,
        taken: Collection[str],
        after: Distance,
        before: Distance,
        now: datetime,
    ) -> tuple[str, datetime] | None:
        """The next step and its moment, for a promise of ``due`` that was made at ``promised_at``.

        Once the promised moment has come, nobody is asked any more whether the promise holds.

        :param taken: steps that were taken for this very promise
        """
        if LATE in taken:
            return None
        if self.check_before and CHECK not in taken and now < due:
            check_at = before(due, self.check_before)
            if promised_at < check_at:
                return CHECK, check_at
        return LATE, after(due, self.grace) if self.grace else due

    def outstanding(
        self,
        due: datetime,
        promised_at: datetime,
        taken: Collection[str],
        after: Distance,
        before: Distance,
        now: datetime,
    ) -> str | None:
        """The step to take now, if any."""
        found = self.next_step(due, promised_at, taken, after, before, now)
        return found[0] if found and found[1] <= now else None
