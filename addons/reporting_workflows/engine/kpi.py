"""What a KPI's number is made of, and how it stands against its thresholds.

Rules, in words
---------------
* A measure is a numerator, and for shares and averages a denominator. Without a denominator – nothing was there to
  measure – there is no value: it is *unknown*, not zero.
* Where more is better (``up``) a value below a threshold crosses it; where less is better (``down``) one above does.
  Without direction, or without thresholds, it has no status.
* The target does not judge: it is what one works towards.

>>> measured(Decimal(3), Decimal(4), scale=100)
Decimal('75.0000')
>>> measured(Decimal(0), Decimal(0), scale=100) is None
True
>>> status(Decimal("93"), "up", warn=Decimal("95"), breach=Decimal("90"))
'warn'
>>> status(Decimal("95"), "up", warn=Decimal("95"), breach=Decimal("90"))
'ok'
>>> status(Decimal("12"), "down", warn=Decimal("5"), breach=Decimal("10"))
'breach'
>>> status(None, "down", breach=Decimal("10")), status(Decimal("12"), "none", breach=Decimal("10"))
('unknown', 'none')
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

#: Values are rounded to this, half up.
STEP = Decimal("0.0001")
DIRECTIONS = ("up", "down", "none")
GRAINS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Measure:
    """A number of a KPI.

    :param dimensions: ``{dimension: id or key, None where it has none}``, as it was asked for
    :param period_start: first day of the bucket, or of the whole period; of a level the day it was taken
    :param value: None where nothing was there to measure
    :param rows: on how many records it rests
    """

    value: Decimal | None
    numerator: Decimal
    denominator: Decimal | None = None
    rows: int = 0
    period_start: date | None = None
    dimensions: Mapping[str, Any] = field(default_factory=dict)


def measure_of_nothing(is_ratio: bool) -> Measure:
    """What a period is without any facts: a sum is 0, a share or average unknown.

    >>> measure_of_nothing(False).value, measure_of_nothing(True).value
    (Decimal('0.0000'), None)
    """
    denominator = Decimal() if is_ratio else None
    return Measure(measured(Decimal(), denominator), Decimal(), denominator)


def measured(numerator: Decimal | None, denominator: Decimal | None = None, scale: int = 1) -> Decimal | None:
    """The value of a sum (no denominator), or of a share or average; None without anything to divide by."""
    if denominator is None:
        return rounded((numerator or Decimal()) * scale)
    if not denominator:
        return None
    return rounded((numerator or Decimal()) * scale / denominator)


def rounded(value: Decimal) -> Decimal:
    return Decimal(value).quantize(STEP, ROUND_HALF_UP)


def exact(value: float | Decimal | None) -> Decimal | None:
    """The exact number that people read: fifteen digits, without the noise of binary fractions.

    >>> exact(0.1 + 0.2), exact(None)
    (Decimal('0.3'), None)
    """
    if value is None or isinstance(value, Decimal):
        return value
    return Decimal(format(value, ".15g"))


def status(value, direction, warn=None, breach=None) -> str:
    """How a value stands: ``none``, ``ok``, ``warn``, ``breach`` or ``unknown``."""
    if direction == "none" or (warn is None and breach is None):
        return "none"
    if value is None:
        return "unknown"
    for name, limit in (("breach", breach), ("warn", warn)):
        if limit is not None and (value < limit if direction == "up" else value > limit):
            return name
    return "ok"


def threshold_problem(direction, warn=None, breach=None) -> bool:
    """Whether the warning would come after the breach."""
    if warn is None or breach is None or direction == "none":
        return False
    return breach > warn if direction == "up" else breach < warn


def digest(values: Iterable[tuple]) -> str:
    """SHA-256 over rows of plain values, whatever their order.

    >>> digest([(1, "a"), (2, None)]) == digest([(2, None), (1, "a")])
    True
    """
    rows = sorted(json.dumps([None if item is None else str(item) for item in row]) for row in values)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
