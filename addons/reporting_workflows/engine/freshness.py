"""Whether the inputs of a report are fresh enough to say something by.

Rules, in words
---------------
* An input has two limits in hours: older than the first it is late (``warn``), older than the second ``stale``.
* An input that never came is stale. One whose clock is ahead of ours is as old as nothing.
* Age counts up to the moment at which the numbers were taken, not to the one at which somebody looks.
* Where the definition says so only the hours count in which the company works: whoever knows its calendar says how old
  the input is by it.

>>> from datetime import datetime
>>> limit = Limit(warn=4, stale=24)
>>> [judge(limit, datetime(2026, 11, 20, hour), datetime(2026, 11, 21, 5)) for hour in (5, 6)]
['stale', 'warn']
>>> judge(limit, None, datetime(2026, 11, 21))
'stale'
>>> judge(limit, datetime(2026, 11, 20), datetime(2026, 11, 23), worked=lambda since, until: 3.5)
'fresh'
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .render_words import ENGLISH, Complaint, Words

#: From good to bad.
STATES = ("fresh", "warn", "stale")


@dataclass(frozen=True)
class Limit:
    """Hours; a limit of 0 is none.

    :raises Complaint: naming the field
    """

    warn: float = 0
    stale: float = 0
    is_working: bool = False

    def __post_init__(self):
        if self.warn < 0 or self.stale < 0:
            raise Complaint("Late and stale: hours are 0 or more.")
        if self.warn and self.stale and self.warn > self.stale:
            raise Complaint("Late after: has to come before it is stale; make it smaller.")

    def __str__(self):
        return self.words(ENGLISH)

    def words(self, say: Words) -> str:
        """The limit as people read it; empty: there is none."""
        if not self.stale and not self.warn:
            return ""
        hours = f"{self.stale or self.warn:g}"
        return say("{hours} working h", hours=hours) if self.is_working else say("{hours} h", hours=hours)


def judge(
    limit: Limit,
    as_of: datetime | None,
    now: datetime,
    worked: Callable[[datetime, datetime], float] | None = None,
) -> str:
    """``fresh``, ``warn`` or ``stale``; both moments in UTC without a zone.

    :param worked: hours in which the company works between two moments; None: every hour counts
    """
    if as_of is None:
        return "stale"
    age = timedelta(hours=worked(as_of, now)) if worked else now - as_of
    if limit.stale and age >= timedelta(hours=limit.stale):
        return "stale"
    if limit.warn and age >= timedelta(hours=limit.warn):
        return "warn"
    return "fresh"


def worst(states) -> str:
    """The worst of several states; ``fresh`` of none."""
    return max(states, key=STATES.index, default="fresh")
