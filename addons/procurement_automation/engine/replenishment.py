"""How much a minimum rule orders, and when stock runs out.

Rules, in words
---------------
1. The forecast of a rule is what is on hand, plus what arrives, minus what leaves until its *horizon* (today plus the
   lead time), plus what is asked for but not yet ordered (quotations, requisitions).
2. Nothing is ordered unless the forecast is below the minimum.
3. Then the larger of minimum and maximum is restored, seen from the *view*: the horizon plus the days of visibility.
4. The quantity is rounded up to the multiple, where there is one.
5. What is open *behind* the view is not bought again: as far as it is not needed by what leaves behind the view, it is
   deducted from the need. Odoo ignores it; both quantities are told.

All quantities are in the unit of the product. ``rounding`` is the smallest step of that unit; quantities closer
than half of it are equal. Sources: the behaviour of Odoo's ``stock.warehouse.orderpoint``.

>>> rule = MinimumRule(minimum=10, maximum=50, multiple=12, rounding=1.0)
>>> stock = Position(on_hand=4, incoming=3, outgoing=2)
>>> need = need_of(rule, stock)
>>> need.forecast, need.core_quantity, need.quantity
(5.0, 48.0, 48.0)

An order of 40 was postponed behind the view: what remains is the buyer's decision, not a second order.

>>> late = need_of(rule, Position(on_hand=4, incoming=3, outgoing=2, later_incoming=40))
>>> late.core_quantity, late.later, late.quantity
(48.0, 40.0, 0.0)
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

#: Binary floats are this inexact, relatively; what is nearer to a half is one.
EPSILON = 2.0**-50


def round_to(value: float, rounding: float) -> float:
    """``value`` to the nearest multiple of ``rounding``; halves away from zero.

    >>> round_to(2.5, 1.0), round_to(-2.5, 1.0), round_to(1.005, 0.01), round_to(7.3, 0.5)
    (3.0, -3.0, 1.01, 7.5)
    """
    if not value or not rounding:
        return value
    steps = abs(value) / rounding
    rounded = float(math.floor(steps * (1.0 + EPSILON) + 0.5))
    # Dividing by the whole number of steps in one is exact where multiplying by 0.01 is not.
    per_unit = round(1.0 / rounding) if rounding < 1.0 else 0
    exact = rounded / per_unit if per_unit and abs(per_unit * rounding - 1.0) < EPSILON else rounded * rounding
    return math.copysign(exact, value)


def compare(left: float, right: float, rounding: float) -> int:
    """-1, 0 or 1: ``left`` against ``right`` at ``rounding``.

    >>> compare(1.0, 1.4, 1.0), compare(1.0, 1.6, 1.0), compare(0.3, 0.1 + 0.2, 0.01)
    (0, -1, 0)
    """
    if abs(left - right) > 2 * rounding:  # whatever rounding does to them
        return -1 if left < right else 1
    left, right = round_to(left, rounding), round_to(right, rounding)
    difference = left - right
    if not round_to(difference, rounding):
        return 0
    return -1 if difference < 0 else 1


@dataclass(frozen=True, slots=True)
class MinimumRule:
    """What the rule asks for; a ``multiple`` of 0 rounds nothing."""

    minimum: float
    maximum: float
    multiple: float = 0.0
    rounding: float = 0.01


@dataclass(frozen=True, slots=True)
class Position:
    """Stock of one product below one location.

    ``incoming`` and ``outgoing`` until the horizon, ``seen_…`` until the view (rule 3; the same when there are no
    days of visibility), ``later_…`` behind the view. ``incoming_late`` is the part of ``incoming`` that was due
    before today. ``in_progress``: asked for, not ordered.
    """

    on_hand: float = 0.0
    reserved: float = 0.0
    incoming: float = 0.0
    incoming_late: float = 0.0
    outgoing: float = 0.0
    in_progress: float = 0.0
    seen_incoming: float | None = None
    seen_outgoing: float | None = None
    later_incoming: float = 0.0
    later_outgoing: float = 0.0


@dataclass(frozen=True, slots=True)
class Need:
    """What follows: the forecast, what Odoo would order, what is open behind the view, and what is to order."""

    forecast: float
    seen_forecast: float
    is_short: bool
    core_quantity: float
    later: float
    quantity: float


def projected(on_hand: float, incoming: float, outgoing: float, rounding: float) -> float:
    """On hand after what arrives and leaves, rounded the way Odoo does: each part, then the sum.

    >>> projected(10, 5, 3, 1.0)
    12.0
    """
    return round_to(on_hand + round_to(incoming, rounding) - round_to(outgoing, rounding), rounding)


def up_to_multiple(quantity: float, multiple: float, rounding: float) -> float:
    """``quantity`` up to the next multiple; left alone when the remainder is nothing at ``rounding``.

    >>> up_to_multiple(45, 12, 1.0), up_to_multiple(48, 12, 1.0), up_to_multiple(45, 0, 1.0)
    (48.0, 48.0, 45.0)
    >>> up_to_multiple(0.9, 0.3, 0.1)
    0.9
    """
    remainder = quantity % multiple if multiple > 0.0 else 0.0
    if compare(remainder, 0.0, rounding) > 0 and compare(multiple - remainder, 0.0, rounding) > 0:
        quantity += multiple - remainder
    return float(quantity)


def need_of(rule: MinimumRule, position: Position, round_up: Callable[[float], float] | None = None) -> Need:
    """Apply the rules above. ``round_up`` replaces rule 4, where the multiple is said otherwise."""
    seen_in = position.incoming if position.seen_incoming is None else position.seen_incoming
    seen_out = position.outgoing if position.seen_outgoing is None else position.seen_outgoing
    forecast = projected(position.on_hand, position.incoming, position.outgoing, rule.rounding) + position.in_progress
    seen = forecast
    if (seen_in, seen_out) != (position.incoming, position.outgoing):
        seen = projected(position.on_hand, seen_in, seen_out, rule.rounding) + position.in_progress
    later = max(0.0, position.later_incoming - position.later_outgoing)
    if compare(forecast, rule.minimum, rule.rounding) >= 0:
        return Need(forecast, seen, False, 0.0, later, 0.0)

    def rounded(quantity):
        return round_up(quantity) if round_up else up_to_multiple(quantity, rule.multiple, rule.rounding)

    core = rounded(max(rule.minimum, rule.maximum) - seen)
    return Need(forecast, seen, True, core, later, less_later(rule, core, seen, later, rounded))


def less_later(rule: MinimumRule, core: float, seen: float, later: float, rounded: Callable[[float], float]) -> float:
    """What is left of ``core``, the quantity that Odoo would order, when ``later`` is not bought again (rule 5).

    >>> rule = MinimumRule(minimum=10, maximum=50)
    >>> less_later(rule, 45, 5, 3, float), less_later(rule, 45, 5, 5, float), less_later(rule, 45, 5, 0, float)
    (42.0, 0.0, 45)
    """
    if later <= 0 or compare(core, 0.0, rule.rounding) <= 0:
        return max(0.0, core)
    if compare(seen + later, rule.minimum, rule.rounding) >= 0:
        return 0.0
    return max(0.0, rounded(max(rule.minimum, rule.maximum) - seen - later))


def runs_out(on_hand: float, changes: Iterable[tuple[date, float]], level: float = 0.0) -> date | None:
    """The first day at whose end less than ``level`` is left, if nothing is done; None: not in these changes.

    >>> day = date(2026, 1, 1)
    >>> runs_out(5, [(day, -3), (date(2026, 1, 9), -3), (date(2026, 1, 8), 1)])
    >>> runs_out(5, [(day, -3), (date(2026, 1, 8), -3), (date(2026, 1, 9), 1)])
    datetime.date(2026, 1, 8)
    """
    per_day: dict[date, float] = {}
    for day, change in changes:
        per_day[day] = per_day.get(day, 0.0) + change
    left = on_hand
    for day in sorted(per_day):
        left += per_day[day]
        if left < level - 1e-9:
            return day
    return None
