"""How many calls a key may make: a token bucket, as plain numbers.

Rules:

1. A bucket holds at most ``burst`` tokens and is filled with ``per_minute`` tokens a minute, evenly.
2. A call takes one token. With less than one in it, the call is refused, and takes none.
3. A clock that goes backwards fills nothing and empties nothing.

>>> limit = Limit(per_minute=60, burst=2)
>>> full = Bucket(tokens=2, filled_at=100.0)
>>> allowed, bucket, wait = take(full, limit, now=100.0)
>>> allowed, bucket.tokens, wait
(True, 1, 0)
>>> _allowed, bucket, _wait = take(bucket, limit, now=100.0)
>>> take(bucket, limit, now=100.5)
(False, Bucket(tokens=0.5, filled_at=100.5), 1)
>>> take(bucket, limit, now=101.0)[0]
True
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """What a key is granted."""

    per_minute: int
    burst: int


@dataclass(frozen=True)
class Bucket:
    """What is left, and when that was counted (seconds since 1970)."""

    tokens: float
    filled_at: float


def take(bucket, limit, *, now):
    """``(allowed, bucket afterwards, whole seconds to wait)`` for one call.

    :param bucket: None for a key that was never used
    :raises ValueError: the limit makes no sense
    """
    if limit.per_minute < 1 or limit.burst < 1:
        raise ValueError(f"no calls fit {limit}")
    bucket = bucket or Bucket(limit.burst, now)
    passed = max(0.0, now - bucket.filled_at)
    filled_at = max(now, bucket.filled_at)
    tokens = min(limit.burst, bucket.tokens + passed * limit.per_minute / 60)
    if tokens >= 1:
        return True, Bucket(tokens - 1, filled_at), 0
    return False, Bucket(tokens, filled_at), max(1, math.ceil((1 - tokens) * 60 / limit.per_minute))
