"""What an endpoint's answer means for a delivery, and when it is tried again.

Rules:

1. Any 2xx: delivered.
2. 410: the endpoint is gone for good: the subscription is switched off.
3. Everything else is tried again for three days from when the delivery began: no answer, 404 (a
   workflow that is still registering itself), 429 and 5xx, and also other 4xx and redirects, which
   are not followed – somebody may mend the endpoint.
4. Pauses double from 5 seconds to 4 hours, with jitter. ``Retry-After`` makes a pause longer, never
   shorter, and at most a day long.
5. After three days it is a dead letter.

>>> from datetime import datetime, timedelta
>>> noon = datetime(2026, 1, 1, 12)
>>> meaning(204), meaning(410), meaning(404), meaning(None)
('delivered', 'gone', 'retry', 'retry')
>>> next_try(1, noon, noon, jitter=1) - noon
datetime.timedelta(seconds=5)
>>> next_try(3, noon, noon, jitter=0, retry_after=60) - noon
datetime.timedelta(seconds=60)
>>> next_try(30, noon, noon + timedelta(days=3), jitter=1) is None
True
"""

from datetime import timedelta, timezone
from email.utils import parsedate_to_datetime

from .backoff import backoff_seconds

BASE, CAP = 5, 4 * 3600
GIVE_UP = timedelta(days=3)
LONGEST_RETRY_AFTER = 24 * 3600


def meaning(status):
    """``delivered``, ``gone`` or ``retry``.

    :param status: of the answer; None: there was none
    """
    if status is not None and 200 <= status < 300:
        return 'delivered'
    return 'gone' if status == 410 else 'retry'


def retry_after_seconds(text, now):
    """What a ``Retry-After`` header asks for, in seconds; 0 when it says nothing that can be used.

    >>> from datetime import datetime
    >>> retry_after_seconds('120', datetime(2026, 1, 1)), retry_after_seconds('soon', datetime(2026, 1, 1))
    (120, 0)
    >>> retry_after_seconds('Thu, 01 Jan 2026 00:02:00 GMT', datetime(2026, 1, 1))
    120
    """
    text = (text or '').strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
    else:
        try:
            moment = parsedate_to_datetime(text)
            if moment.tzinfo:
                moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        except (TypeError, ValueError, OverflowError):  # no date, or one beyond all calendars
            return 0
        seconds = int((moment - now).total_seconds())
    return min(max(seconds, 0), LONGEST_RETRY_AFTER)


def next_try(attempt, began, now, *, jitter, retry_after=0):
    """When to try again after failed attempt number ``attempt`` (from 1); None: never, it is a dead letter.

    :param began: when the delivery was first due
    :param jitter: 0 to 1
    """
    pause = max(backoff_seconds(attempt, base=BASE, cap=CAP, jitter=jitter), retry_after)
    moment = now + timedelta(seconds=pause)
    return moment if moment < began + GIVE_UP else None


def still_open(began, now):
    """Whether a delivery that began then may still be tried."""
    return now < began + GIVE_UP
