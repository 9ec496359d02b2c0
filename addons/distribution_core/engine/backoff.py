"""When to try again: exponential backoff with full jitter, as plain numbers.

Rules:

* the first repetition waits up to ``base`` seconds, each further one up to twice as long as the
  one before, never longer than ``cap``;
* jitter spreads the repetitions of many callers: a number between 0 and 1, given by the caller,
  chooses between half the delay and the whole of it.

>>> [backoff_seconds(attempt, base=30, cap=600, jitter=1) for attempt in (1, 2, 3, 6, 99)]
[30.0, 60.0, 120.0, 600.0, 600.0]
>>> backoff_seconds(3, base=30, cap=600, jitter=0)
60.0
"""

#: 2 to the power of more than this is beyond every cap, and beyond floats in the end.
MAX_DOUBLINGS = 60


def backoff_seconds(attempt, *, base, cap, jitter):
    """Seconds to wait after failed attempt number ``attempt`` (counted from 1).

    :param jitter: 0 (half the delay) to 1 (the whole delay)
    :raises ValueError: a number makes no sense
    """
    if attempt < 1 or base <= 0 or cap < base or not 0 <= jitter <= 1:
        raise ValueError(f"no backoff for attempt {attempt}, base {base}, cap {cap}, jitter {jitter}")
    whole = min(float(cap), base * 2.0 ** min(attempt - 1, MAX_DOUBLINGS))
    return whole / 2 + whole / 2 * jitter
