"""Whether the inputs of a report are fresh enough to say something by.

Rules, in words
---------------
* An input has two limits in hours: older than the first it is late (``warn``), older than the second ``stale``.
* An input that never came is stale. One whose clock is ahead of ours is as old as nothing.
* Age counts up to the moment at which the numbers were taken, not to the one at which somebody looks.

>>> from datetime import datetime
>>> limit = Limit(warn=4, stale=24)
>>> [judge(limit, datetime(2026, 11, 20, hour), datetime(2026, 11, 21, 5)) for hour in (5, 6)]
['stale', 'warn']
>>> judge(limit, None, datetime(2026, 11, 21))
'stale'
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: From good to bad.
STATES = ("fresh", "warn", "stale")


@dataclass(frozen=True)
class Limit:
    """Hours; a limit of 0 is none.

    :raises ValueError: naming the field
    """

    warn: float = 0
    stale: float = 0

    def __post_init__(self):
        if self.warn < 0 or self.stale < 0:
            raise ValueError("limits: hours are 0 or more.")
        if self.warn and self.stale and self.warn > self.stale:
            raise ValueError("warn: has to come before stale; make it smaller.")

    def __str__(self):
        return f"{self.stale or self.warn:g} h" if self.stale or self.warn else ""


def judge(limit: Limit, as_of: datetime | None, now: datetime) -> str:
    """``fresh``, ``warn`` or ``stale``; both moments in UTC without a zone."""
    if as_of is None:
        return "stale"
    age = now - as_of
    if limit.stale and age >= timedelta(hours=limit.stale):
        return "stale"
    if limit.warn and age >= timedelta(hours=limit.warn):
        return "warn"
    return "fresh"


def worst(states) -> str:
    """The worst of several states; ``fresh`` of none."""
    return max(states, key=STATES.index, default="fresh")
