"""Exact numbers: what a float cannot know is removed on the way in."""

import math
from decimal import Decimal, InvalidOperation

ZERO = Decimal(0)
HUNDRED = Decimal(100)
#: Percentages are told with so many decimals.
PERCENT_STEP = Decimal("0.01")
#: A float has no trustworthy digits behind this one.
FLOAT_DIGITS = 15


def exact(value) -> Decimal:
    """The decimal that a number or its text stands for.

    >>> exact(0.1 + 0.2), exact("1.50"), exact(3)
    (Decimal('0.3'), Decimal('1.50'), Decimal('3'))

    :raises ValueError: no number, or not a finite one
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite number")
        value = f"{value:.{FLOAT_DIGITS}g}"
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` in percent of ``whole``; of nothing, anything is all of it.

    >>> percent_of(exact(1), exact(8)), percent_of(exact(-3), exact(0)), percent_of(exact(0), exact(0))
    (Decimal('12.50'), Decimal('-100'), Decimal('0'))
    """
    if not part:
        return ZERO
    if not whole:
        return HUNDRED.copy_sign(part)
    return (part / abs(whole) * HUNDRED).quantize(PERCENT_STEP)


def exact_fields(record, *names):
    """Make the named fields of a frozen dataclass exact; None stays None."""
    for name in names:
        value = getattr(record, name)
        if value is not None:
            object.__setattr__(record, name, exact(value))
