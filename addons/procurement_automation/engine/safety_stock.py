"""Minimum and maximum of a reorder rule from the service that is asked for.

**What service means here.** The *fill rate*: units handed out at once from stock, as a share of
units asked for. (*Cycle service*, the share of order cycles without any shortage, is told beside
it; it is another figure, and for slow movers a much lower one.)

**What is ordered, and when.** As Odoo does: every ``review`` periods the forecasted stock (on hand
and on order, less what is promised) is looked at; below ``minimum``, as much is ordered as brings
it to ``maximum``, rounded up to the multiple. What is ordered now arrives after the lead time, and
the next order not before one review later: stock must last for lead time *and* review.

**Demand in a time of n periods**, n any positive number, has

    mean      m = expected demand in it
    variance  dispersion · m  +  (uncertainty · m)²  +  (demand per period · deviation of lead time)²

– demand around its level; the error of the level itself, which hits all periods alike and does not
average out; and the time that suppliers add or save. Its distribution is the negative binomial with
this mean and variance. That one is exact where customers come at random and the level is known up
to a gamma distributed error, it is never negative, skewed as slow movers are, and needs no
simulation. Source of the first two terms: Snyder, Ord, Beaumont, *Forecasting the intermittent
demand for slow-moving inventories*, Int. J. of Forecasting 28 (2012).

**Fill rate** of a forecasted stock of y after ordering: what is short at the end of lead time and
review, less what was short already at their beginning,

    1 − (E[(D(lead time + review) − y)⁺] − E[(D(lead time) − y)⁺]) / E[D(review)]

(Silver, Pyke, Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., 7.9), averaged
over the forecasted stocks between minimum and maximum by how often they are found (a renewal process).

>>> slow = Demand(path=(0.5,) * 12, dispersion=1.5, uncertainty=0.3)
>>> [rule] = suggest([slow], [Supply(lead_time=1, review=1)], fill_rate=0.95)
>>> rule.minimum, rule.maximum
(5.0, 5.0)

A steadier demand needs less for the same service, an unreliable supplier costs stock:

>>> [rule] = suggest([Demand((0.5,) * 12)], [Supply(1, 1)], 0.95)
>>> rule.minimum
3.0
>>> [rule] = suggest([Demand((0.5,) * 12)], [Supply(1, 1, lead_time_deviation=1)], 0.95)
>>> rule.minimum
4.0

**Each or together.** By default every product reaches the service by itself. ``together=True`` lets
the products reach it as a whole with the least stock value: the next unit is always laid in where it
fills most orders for its cost (marginal analysis, Sherbrooke, *Optimal Inventory Modeling of
Systems*), though none is let below ``floor``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy
from scipy.special import betainc

#: Points of the grid of stock levels on which a rule is chosen; levels in between are interpolated.
POINTS = 256
#: Products per batch: bounds the memory.
BATCH = 1000
#: The grid reaches this many deviations above the mean of the demand that stock must cover …
REACH = 9.0
#: … or so many times its variance divided by its mean, which is more where demand is rare and comes in bulk: the share
#: of it that a stock of y leaves short then falls like exp(-y · mean / variance). Enough for all fill rates to 99.9 %.
REACH_IN_BULK = 8.0
#: Demand for which that is less than this many units is looked at unit by unit.
LEAST_REACH = 24
#: Less demand than this is none.
LEAST_MEAN = 1e-9
#: Steps in which the price of stock is found for products that reach a service together.
HALVINGS = 30


@dataclass(frozen=True)
class Demand:
    """What is expected of a product at a site.

    :param path: expected units in each of the coming periods; after the last one, their average goes on
    :param dispersion: variance of a period's demand around its level, divided by that level. Counted in the
        smallest units that can be sold it is at least 1, so demand is taken to be no steadier than customers
        who come at random, one unit each
    :param uncertainty: standard error of the level, divided by the level
    """

    path: tuple[float, ...]
    dispersion: float = 1.0
    uncertainty: float = 0.0

    def __post_init__(self):
        if not self.path or min(self.path) < 0:
            raise ValueError("Expected demand needs at least one period, and none below zero.")
        if self.dispersion <= 0 or self.uncertainty < 0:
            raise ValueError("Dispersion is above 0 and uncertainty at least 0.")


@dataclass(frozen=True)
class Supply:
    """How a product reaches its site. Times in periods, quantities in the product's unit.

    :param lead_time: from order to shelf, on average
    :param review: between two looks at the stock
    :param lead_time_deviation: standard deviation of the lead time
    :param cover: an order brings at least what is sold in this many periods
    :param multiple: orders are multiples of this
    :param minimum_order: and at least this
    :param unit: the smallest quantity that can be sold (rounding of the unit of measure)
    :param cost: of one unit; weighs products against each other when they reach a service together
    """

    lead_time: float
    review: float
    lead_time_deviation: float = 0.0
    cover: float = 0.0
    multiple: float = 0.0
    minimum_order: float = 0.0
    unit: float = 1.0
    cost: float = 1.0

    def __post_init__(self):
        if min(self.lead_time, self.lead_time_deviation, self.cover, self.multiple, self.minimum_order) < 0:
            raise ValueError("Times and quantities of a supply are not below zero.")
        if min(self.review, self.unit, self.cost) <= 0:
            raise ValueError("Review, unit and cost of a supply are above zero.")


@dataclass(frozen=True)
class Rule:
    """A suggested reorder rule.

    :param minimum: order when the forecasted stock falls below this
    :param maximum: and order up to this
    :param safety_stock: the part of the minimum that is there for the unexpected; below zero where
        the service asked for is so low that it allows being out of stock as a habit
    :param expected_stock: on hand, on average
    :param fill_rate: that is expected
    :param cycle_service: share of order cycles in which nothing is short
    """

    minimum: float
    maximum: float
    safety_stock: float
    expected_stock: float
    fill_rate: float
    cycle_service: float


def suggest(
    demands: Sequence[Demand],
    supplies: Sequence[Supply],
    fill_rate: float,
    *,
    together: bool = False,
    floor: float = 0.0,
) -> list[Rule]:
    """A reorder rule for each product, in the order given.

    Products without expected demand get a minimum and maximum of zero.

    :param fill_rate: the service asked for, above 0 and below 1
    :param together: whether the products reach it as a whole, with the least stock value
    :param floor: with ``together``, the fill rate that each product reaches in any case
    :raises ValueError: for a service that no stock gives
    """
    if not 0 < fill_rate < 1:
        raise ValueError("A fill rate is above 0 and below 1: all of the demand can never be promised.")
    if not 0 <= floor <= fill_rate:
        raise ValueError("The floor of the fill rate is between 0 and the fill rate asked for.")
    tables = [
        _Table(demands[start : start + BATCH], supplies[start : start + BATCH])
        for start in range(0, len(demands), BATCH)
    ]
    if together:
        value = _value_of_a_unit(tables, fill_rate, floor)
        chosen = [numpy.maximum(table.least(floor), table.worth(value)) for table in tables]
    else:
        chosen = [table.least(fill_rate) for table in tables]
    return [rule for table, points in zip(tables, chosen) for rule in table.rules(points)]


def judge(
    demands: Sequence[Demand], supplies: Sequence[Supply], rules: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """``(stock on average, fill rate)`` that rules in force give, each a minimum and a maximum.

    >>> slow, monthly = Demand(path=(0.5,) * 12, dispersion=1.5, uncertainty=0.3), Supply(lead_time=1, review=1)
    >>> [rule] = suggest([slow], [monthly], fill_rate=0.95)
    >>> judge([slow], [monthly], [(rule.minimum, rule.maximum)]) == [(rule.expected_stock, rule.fill_rate)]
    True

    Stock that nobody asks for stays:

    >>> judge([Demand((0.0,))], [monthly], [(4, 7)])
    [(7.0, 1.0)]
    """
    found = []
    for start in range(0, len(rules), BATCH):
        some = rules[start : start + BATCH]
        ordering = [
            replace(supply, cover=0.0, multiple=0.0, minimum_order=max(maximum - minimum, 0) + supply.unit)
            for supply, (minimum, maximum) in zip(supplies[start : start + BATCH], some)
        ]
        found += _Table(demands[start : start + BATCH], ordering).given(*numpy.array(some, dtype=float).T)
    return found


def quantiles(demands: Sequence[Demand], levels: Sequence[float], first: int, last: int) -> numpy.ndarray:
    """Quantiles of the demand in the coming periods `first` … `last` (from 1) together.

    >>> quantiles([Demand((2.0,))], [0.5, 0.95], 1, 3).tolist()
    [[6.0, 10.0]]

    :return: an array of products by levels, in whole units
    """
    mean = _paths(demands, last)[:, first - 1 : last].sum(axis=1)
    dispersion = numpy.array([demand.dispersion for demand in demands])
    uncertainty = numpy.array([demand.uncertainty for demand in demands])
    return quantiles_of(mean, dispersion, uncertainty, levels)


def quantiles_of(mean, dispersion, uncertainty, levels: Sequence[float]) -> numpy.ndarray:
    """Quantiles of demands with these means, dispersions and uncertainties (arrays or numbers).

    >>> quantiles_of(numpy.array([2.0, 0.1]), 1.5, 0.0, [0.5, 0.95]).tolist()
    [[2.0, 5.0], [0.0, 1.0]]
    """
    variance = numpy.maximum(dispersion, 1) * mean + (uncertainty * mean) ** 2
    found = numpy.zeros((len(mean), len(levels)))
    for column, level in enumerate(levels):
        low = numpy.full(len(mean), -1.0)
        # Cantelli's inequality: the quantile is not above this.
        high = numpy.ceil(mean + numpy.sqrt(variance * level / (1 - level)) + 1e-9)
        while (open_rows := numpy.flatnonzero(high - low > 1)).size:
            middle = numpy.floor((low[open_rows] + high[open_rows]) / 2)
            enough = _above(middle, mean[open_rows], variance[open_rows]) <= 1 - level
            high[open_rows] = numpy.where(enough, middle, high[open_rows])
            low[open_rows] = numpy.where(enough, low[open_rows], middle)
        found[:, column] = high
    return found


class _Table:
    """What each stock level of a grid would give, for a batch of products. One row a product.

    All quantities inside are in the product's units of sale.
    """

    def __init__(self, demands, supplies):
        columns = ["lead_time", "review", "lead_time_deviation", "cover", "multiple", "minimum_order", "unit", "cost"]
        supply = {name: numpy.array([getattr(entry, name) for entry in supplies], dtype=float) for name in columns}
        self.unit, self.cost = supply["unit"], supply["cost"]
        horizon = int(numpy.ceil((supply["lead_time"] + supply["review"]).max()))
        path = _paths(demands, max(horizon, 1)) / self.unit[:, None]
        dispersion = numpy.array([demand.dispersion for demand in demands]) / self.unit
        uncertainty = numpy.array([demand.uncertainty for demand in demands])

        def moments(time, late=True):
            mean = _until(path, time)
            by_time = mean / numpy.maximum(time, 1e-9) * supply["lead_time_deviation"] * late
            return mean, numpy.maximum(dispersion, 1) * mean + (uncertainty * mean) ** 2 + by_time**2

        before = moments(supply["lead_time"])
        after = moments(supply["lead_time"] + supply["review"])
        self.expected = after[0]
        self.asked = numpy.maximum(after[0] - before[0], 0)
        self.per_period = self.asked / supply["review"]
        self.batch = self._batches(supply)
        above = numpy.maximum(
            REACH * numpy.sqrt(after[1]), REACH_IN_BULK * after[1] / numpy.maximum(after[0], LEAST_MEAN)
        )
        reach = numpy.maximum(after[0] + above, LEAST_REACH)
        self.step = numpy.maximum(numpy.ceil((reach + self.batch) / POINTS), 1)
        levels = self.step[:, None] * numpy.arange(2 * POINTS)
        short_before, short_after = (_short(levels, *figures) for figures in (before, after))
        filled = self.asked[:, None] - (short_after - short_before)
        held = (_held(levels, before[0], short_before) + _held(levels, after[0], short_after)) / 2
        steps, visits = self._visits(moments(supply["review"], late=False))
        self.filled = self._over_a_batch(filled, steps, visits)
        self.held = self._over_a_batch(held, steps, visits)
        self.cycles = 1 - _above(levels[:, :POINTS], *after)

    def _batches(self, supply):
        """Units of one order."""
        wanted = numpy.maximum(supply["minimum_order"] / self.unit, supply["cover"] * self.per_period)
        multiple = numpy.maximum(numpy.ceil(supply["multiple"] / self.unit), 1)
        return numpy.maximum(numpy.ceil(wanted / multiple - 1e-9), 1) * multiple

    def _visits(self, moments):
        """How often, in the life of an order, forecasted stock is found 0, 1, 2 … steps below the maximum.

        It starts at the maximum and falls by the demand of each review until it is below the minimum: a
        renewal process (Silver, Pyke, Thomas, chapter 8).
        """
        steps = numpy.clip(numpy.rint(self.batch / self.step), 1, POINTS).astype(int)
        longest = steps.max()
        edges = self.step[:, None] * (numpy.arange(longest + 1) - 0.5)
        below = 1 - _above(numpy.floor(edges), *moments)
        share = numpy.diff(below, axis=1, append=1)[:, :longest]
        visits = numpy.zeros((len(steps), longest))
        stays = numpy.minimum(share[:, 0], 1 - 1e-9)
        visits[:, 0] = 1
        for step in range(1, longest):
            visits[:, step] = (share[:, 1 : step + 1] * visits[:, step - 1 :: -1][:, :step]).sum(axis=1) / (1 - stays)
        visits *= numpy.arange(longest) < steps[:, None]
        return steps, visits / visits.sum(axis=1, keepdims=True)

    def _over_a_batch(self, figures, steps, visits):
        """Averages over the life of an order, for each point as minimum."""
        found = numpy.zeros((len(figures), POINTS))
        rows = numpy.arange(len(figures))[:, None]
        for below in range(visits.shape[1]):
            level = numpy.arange(POINTS)[None, :] + numpy.maximum(steps - 1 - below, 0)[:, None]
            found += visits[:, [below]] * figures[rows, level]
        return found

    def least(self, fill_rate):
        """The first point of each row with that fill rate."""
        enough = self.filled >= fill_rate * self.asked[:, None] - 1e-12
        enough[:, -1] = True
        return numpy.where(self.asked > 0, enough.argmax(axis=1), 0)

    def worth(self, value):
        """The point of each row at which the orders filled, less `value` times the stock's value, are most."""
        gain = self.filled - value * (self.cost * self.unit)[:, None] * self.held
        return numpy.where(self.asked > 0, gain.argmax(axis=1), 0)

    def given(self, minimum, maximum):
        """Stock and fill rate of rules as they are. Above the grid, every further unit lies in stock."""
        rows = numpy.arange(len(minimum))
        exact = minimum / self.unit / self.step
        points = numpy.clip(numpy.rint(exact).astype(int), 0, POINTS - 1)
        held = self.held[rows, points] + numpy.maximum(exact - points, 0) * self.step * (points == POINTS - 1)
        idle = self.asked <= 0
        rate = numpy.where(idle, 1, self.filled[rows, points] / numpy.where(idle, 1, self.asked))
        stock = numpy.where(idle, maximum, held * self.unit)
        return list(zip(stock.tolist(), numpy.clip(rate, 0, 1).tolist()))

    def rules(self, points) -> Iterator[Rule]:
        """The rules that the chosen points make."""
        rows = numpy.arange(len(points))
        minimum = points * self.step
        idle = self.asked <= 0
        maximum = numpy.where(idle, 0, minimum + self.batch - 1)
        rate = numpy.where(idle, 1, self.filled[rows, points] / numpy.where(idle, 1, self.asked))
        stock = numpy.where(idle, 0, self.held[rows, points])
        figures = (
            minimum * self.unit,
            maximum * self.unit,
            numpy.where(idle, 0, minimum - self.expected) * self.unit,
            stock * self.unit,
            numpy.clip(rate, 0, 1),
            self.cycles[rows, points],
        )
        for row in zip(*figures):
            yield Rule(*map(float, row))


def _value_of_a_unit(tables, fill_rate, floor):
    """The price of stock, in orders filled, at which all products together reach `fill_rate`."""
    wanted = fill_rate * sum(table.asked.sum() for table in tables)

    def filled(value):
        total = 0.0
        for table in tables:
            points = numpy.maximum(table.least(floor), table.worth(value))
            total += table.filled[numpy.arange(len(points)), points].sum()
        return total

    low, high = 0.0, 1.0
    while filled(high) >= wanted > 0 and high < 1e12:
        low, high = high, high * 4
    for _halving in range(HALVINGS):
        value = (low + high) / 2
        low, high = (value, high) if filled(value) >= wanted else (low, value)
    return low


def _paths(demands, periods):
    """Expected units of the coming `periods`, one row a product."""
    found = numpy.empty((len(demands), periods))
    for row, demand in zip(found, demands):
        known = demand.path[:periods]
        row[: len(known)] = known
        row[len(known) :] = sum(demand.path) / len(demand.path)
    return found


def _until(path, time):
    """Expected units until `time`, with a share of the period in which it ends."""
    total = numpy.concatenate([numpy.zeros((len(path), 1)), path.cumsum(axis=1)], axis=1)
    whole = numpy.minimum(numpy.floor(time).astype(int), path.shape[1] - 1)
    rows = numpy.arange(len(path))
    return total[rows, whole] + (time - whole) * path[rows, whole]


def _shape(mean, variance):
    """Parameters r and 1 − p of the negative binomial; a variance at or below the mean is Poisson's."""
    mean = numpy.maximum(mean, LEAST_MEAN)
    variance = numpy.maximum(variance, mean * (1 + 1e-6))
    return mean**2 / (variance - mean), 1 - mean / variance


def _like(levels, figures):
    return figures[:, None] if levels.ndim == 2 else figures


def _above(levels, mean, variance):
    """P(D > level)."""
    r, q = _shape(mean, variance)
    return betainc(numpy.maximum(levels, 0) + 1, _like(levels, r), _like(levels, q)) * (levels >= 0) + (levels < 0)


def _short(levels, mean, variance):
    """E[(D − level)⁺], from E[D; D > y] = mean · P(D' ≥ y) with D' of shape r + 1."""
    r, q = _shape(mean, variance)
    r, q, mean = _like(levels, r), _like(levels, q), _like(levels, mean)
    at_least = numpy.where(levels > 0, betainc(numpy.maximum(levels, 0.5), r + 1, q), 1)
    return numpy.maximum(mean * at_least - levels * betainc(levels + 1, r, q), 0)


def _held(levels, mean, short):
    """E[(level − D)⁺]."""
    return levels - mean[:, None] + short
