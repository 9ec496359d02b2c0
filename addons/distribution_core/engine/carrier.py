"""What a carrier's messages about a delivery come to, in whatever order they arrive.

Rules, in words
---------------
* Messages count by the moment at which something happened, not by when they were told. Of one moment the one that is
  nearer to the end counts; of two that say the same, the one that was told later.
* A parcel is where its last message says. A delivery of several parcels is where the one is that is in the worst way,
  and delivered when all of them are.
* It is handed over by the first message that says more than that it is announced.
* *Promised* is the arrival that the carrier named first, before it told of trouble; *expected* what it named last. Of
  several parcels the last one's counts.
* A delivery is late while it is handed over and not at an end, when the carrier tells of trouble, expects it later
  than promised, or the promise has passed. Where the carrier promised nothing, only the trouble that it tells counts:
  the deadline of a delivery says when it leaves.

>>> from datetime import datetime
>>> first, second = datetime(2026, 12, 1, 8), datetime(2026, 12, 2, 4)
>>> late, early = Told('1Z', 'delayed', second, datetime(2026, 12, 4)), Told('1Z', 'picked_up', first, second)
>>> standing([late, early]) == standing([early, late])
True
>>> standing([late, early]).status, standing([late, early]).is_late(first)
('delayed', True)
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

#: In the order in which a parcel passes them.
STATUSES = (
    'announced',
    'picked_up',
    'in_transit',
    'out_for_delivery',
    'delayed',
    'exception',
    'returned',
    'delivered',
)
#: The carrier says itself that something is wrong.
TROUBLE = ('delayed', 'exception')
#: Nothing more is expected of the carrier.
ENDS = ('returned', 'delivered')
UNDER_WAY = tuple(status for status in STATUSES if status not in ENDS)
#: Of several parcels the delivery is where the first of these says.
WORST = ('exception', 'returned', 'delayed', 'announced', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered')


@dataclass(frozen=True)
class Told:
    """One message about one parcel; moments in UTC.

    :param expected_at: when it is to arrive; None: not told
    """

    parcel: str
    status: str
    occurred_at: datetime
    expected_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """Where a delivery is, as far as its carrier told; moments in UTC, None: not known."""

    status: str
    since: datetime
    handed_at: datetime | None = None
    promised_at: datetime | None = None
    expected_at: datetime | None = None
    delivered_at: datetime | None = None

    def is_late(self, now):
        """Whether the carrier keeps somebody waiting."""
        if not self.handed_at or self.status in ENDS:
            return False
        if self.status in TROUBLE or not self.promised_at:
            return self.status in TROUBLE
        return self.promised_at < now or bool(self.expected_at and self.expected_at > self.promised_at)


def standing(messages):
    """What ``messages``, in the order in which they were told, come to; None when there are none."""
    parcels = defaultdict(list)
    for message in messages:
        parcels[message.parcel].append(message)
    ways = [_of_parcel(sorted(told, key=_place)) for told in parcels.values()]
    if not ways:
        return None
    worst = min(ways, key=lambda one: WORST.index(one.status))
    handed = [one.handed_at for one in ways if one.handed_at]
    ends = [one.delivered_at for one in ways]
    return Standing(
        worst.status,
        max(one.since for one in ways if one.status == worst.status),
        min(handed, default=None),
        max((one.promised_at for one in ways if one.promised_at), default=None),
        max((one.expected_at for one in ways if one.expected_at), default=None),
        max(ends) if all(ends) else None,
    )


def _place(message):
    return message.occurred_at, STATUSES.index(message.status)


def _of_parcel(messages):
    last = messages[-1]
    handed = [one.occurred_at for one in messages if one.status != 'announced']
    named = [one for one in messages if one.expected_at]
    promises = [one.expected_at for one in named if one.status not in (*TROUBLE, *ENDS)]
    return Standing(
        last.status,
        last.occurred_at,
        handed[0] if handed else None,
        promises[0] if promises else None,
        named[-1].expected_at if named else None,
        last.occurred_at if last.status == 'delivered' else None,
    )
