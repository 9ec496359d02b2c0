"""What customers will ask for, and how sure that is: chosen by what would have been right before.

Every history is forecast from five earlier points in time (`ORIGINS`) as if nothing after them were
known, with each of the library's methods; what then happened judges them. From this come, in turn:

1. **The combination.** Expected demand as a sum of the methods' expectations, with the weights, none
   below zero, that fitted best over *all* products of the class (`REGULAR` or `INTERMITTENT`):
   one product alone has seen too few orders to weigh eight methods by. Intermittent products have a
   ninth term, what a product with orders of this size is asked for on average: a product that nobody
   asked for lately sells again now and then, and a forecast of nothing has no stock for it. Fitted
   freely this term makes up for what is missing elsewhere, so only `POOLED` of it is believed. Weights
   need not sum to one: where demand has been fading in the whole assortment, they are less. At last they
   are scaled so that over all products and origins as many units were expected as came.
2. **Dispersion** (variance ÷ mean of a period) of each product, drawn towards that of its class the
   more, the fewer orders it has (`PRIOR_ORDERS`).
3. **Uncertainty** of the level: of the few values with which the quantiles of demand over the time to be
   covered were as good as best (`INDIFFERENT`), the largest: what a wrong level does shows in the rare
   large shortages, of which no backtest has seen many.
4. **The method of each product**: the one with the least quantile loss over the time to be covered –
   never the least absolute error, which for a product that sells in one month of three is won by
   forecasting zero. A product's own backtest counts with the number of its orders, its class's with
   `PRIOR_CHOICE` orders, so that a method leaves the common choice only for a reason.

All of that is learned from the histories given, and nothing from after their end.

>>> [steady, rare] = forecast([[9, 11, 10, 12, 8, 10] * 6, [0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0] * 3])
>>> steady.method, [round(units) for units in steady.demand.path[:6]]
('auto_ets', [9, 11, 10, 12, 8, 10])
>>> rare.method, [round(units, 2) for units in rare.demand.path[:2]], round(rare.backtest.rmsse, 2)
('historic_average', [0.25, 0.25], 0.66)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy
from scipy.optimize import nnls

from .demand_history import REGULAR_SHARE
from .forecast_methods import expect
from .safety_stock import Demand, quantiles_of

#: Methods that are combined and chosen from; regular demand may show a season or a trend, too.
MEMBERS = ("historic_average", "moving_average", "smoothing_slow", "smoothing", "croston_sba", "tsb", "imapa", "adida")
REGULAR_MEMBERS = (*MEMBERS, "auto_ets")
COMBINATION = "combination"

REGULAR, INTERMITTENT = "regular", "intermittent"

#: How many periods before the end the backtests start.
ORIGINS = (3, 6, 9, 12, 15)
#: Periods that a history needs before a backtest.
LEAST_HISTORY = 9
#: Quantiles whose loss judges.
LEVELS = (0.5, 0.8, 0.9, 0.95)

# Chosen on the car parts of the benchmark without its held-out year: forecasts that started 15, 12, 9 and 6
# months before that year were compared with what came until it began.
POOLED = 0.35
PRIOR_ORDERS = 10
PRIOR_CHOICE = 200
INDIFFERENT = 1.005
UNCERTAINTIES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0)
#: A level is never taken to be less certain than this.
MOST_DOUBT = 2.0
#: How strongly weights are drawn towards equal ones, as a share of what the histories say.
RIDGE = 0.01
#: Histories of a class that weights and uncertainty are learned from, evenly picked; more change nothing.
LEARNED_FROM = 3000


@dataclass(frozen=True)
class Backtest:
    """How good the forecasts of one product would have been.

    :param periods: that were forecast and have happened
    :param rmsse: root of the mean squared error, in units of the naive forecast's within the history;
        None where demand never changed
    :param bias: units forecast above those asked for, per period
    :param loss: quantile loss per period of `LEVELS`, on average
    """

    periods: int
    rmsse: float | None
    bias: float
    loss: float


@dataclass(frozen=True)
class Forecast:
    """A product's forecast.

    :param method: `COMBINATION` or the name of one of the library's methods
    :param kind: `REGULAR` or `INTERMITTENT`
    :param backtest: None for a history too short to be tested
    :param losses: quantile loss in the backtest by method
    """

    method: str
    kind: str
    demand: Demand
    backtest: Backtest | None = None
    losses: dict[str, float] = field(default_factory=dict)


def forecast(
    histories: Sequence[Sequence[float]], *, season: int = 12, horizon: int = 12, cover: int = 2
) -> list[Forecast]:
    """Forecasts of products, in the order given. Products learn from each other: give them together.

    :param histories: known demand per period of each product, oldest first, cleaned (`demand_history`)
    :param season: periods in a year
    :param horizon: how many periods to look ahead
    :param cover: whole periods that stock must last for, lead time and review: the time whose demand is judged
    :raises LibraryMissing: when statsforecast is not installed
    """
    histories = [numpy.asarray(history, dtype=float) for history in histories]
    kinds = numpy.array([_kind(history) for history in histories], dtype=object)
    found: list[Forecast | None] = [None] * len(histories)
    for kind in (REGULAR, INTERMITTENT):
        rows = numpy.flatnonzero(kinds == kind)
        if rows.size:
            group = _Class(kind, [histories[row] for row in rows], season, horizon, cover)
            for row, result in zip(rows, group.forecasts()):
                found[row] = result
    return found


def _kind(history):
    return REGULAR if history.size and (history > 0).mean() >= REGULAR_SHARE else INTERMITTENT


@dataclass
class _Past:
    """One origin of the backtest: what was expected there, and what came."""

    rows: numpy.ndarray
    expected: dict[str, numpy.ndarray]
    came: numpy.ndarray
    sizes: numpy.ndarray
    frequency: float
    scale: numpy.ndarray


class _Class:
    """Products of one kind, that learn from each other."""

    def __init__(self, kind, histories, season, horizon, cover):
        self.kind, self.histories, self.season, self.horizon = kind, histories, season, horizon
        self.cover = cover
        self.members = REGULAR_MEMBERS if kind == REGULAR else MEMBERS
        self.orders = numpy.array([(history > 0).sum() for history in histories])
        self.dispersion = _dispersions(histories, self.orders)
        self.past = [past for past in map(self._look_back, ORIGINS) if past.rows.size]
        self.weights = self._weights()
        for past in self.past:
            past.expected[COMBINATION] = self._combined(past.expected, past.sizes * past.frequency)
        self.uncertainty = self._uncertainty()

    def _look_back(self, periods):
        rows = numpy.array([n for n, h in enumerate(self.histories) if h.size >= periods + LEAST_HISTORY], dtype=int)
        known = [self.histories[row][:-periods] for row in rows]
        came = [self.histories[row][-periods:][: self.horizon] for row in rows]
        length = min(periods, self.horizon)
        return _Past(
            rows,
            {name: expect(name, known, length, self.season) for name in self.members},
            numpy.array(came).reshape(len(rows), length),
            _sizes(known),
            _frequency(known),
            _scales(known),
        )

    # --- the combination ---------------------------------------------------------------------

    def _weights(self):
        """Weights of the members, and of the pooled term."""
        equal = numpy.full(len(self.members), 1 / len(self.members))
        if not self.past:
            return numpy.append(equal, 0.0)
        terms, came, importance = [], [], []
        for past in self.past:
            some = _some(len(past.rows))
            # Everything in orders of the product's usual size, so that products sold by the thousand count as others.
            sizes = past.sizes[some]
            columns = numpy.stack([past.expected[name][some].mean(axis=1) / sizes for name in self.members], axis=1)
            usual = columns.mean(axis=1)
            terms.append(numpy.column_stack([columns, numpy.full(len(some), past.frequency)]))
            came.append(past.came[some].mean(axis=1) / sizes)
            scale = numpy.maximum(past.scale[some] / sizes**2, 0.1)
            importance.append(past.came.shape[1] / (scale * numpy.sqrt(numpy.maximum(usual, 0.02))))
        root = numpy.sqrt(numpy.concatenate(importance))
        terms, came = numpy.concatenate(terms) * root[:, None], numpy.concatenate(came) * root
        weights = numpy.append(_fit(terms[:, :-1], came, equal), 0.0)
        if self.kind == INTERMITTENT:
            weights = (1 - POOLED) * weights + POOLED * _fit(terms, came, numpy.append(equal, 0.0))
        return weights * self._calibration(weights)

    def _calibration(self, weights):
        """The fit looks at steady products first; over all of them, as much is to be expected as came."""
        self.weights = weights
        came = sum(past.came.sum() for past in self.past)
        expected = sum(self._combined(past.expected, past.sizes * past.frequency).sum() for past in self.past)
        return came / expected if expected > 0 else 1.0

    def _combined(self, expected, pooled):
        total = sum(weight * expected[name] for weight, name in zip(self.weights, self.members))
        return total + self.weights[-1] * pooled[:, None]

    # --- how sure ----------------------------------------------------------------------------

    def _uncertainty(self):
        """The standard error of the levels, relative to them, by method."""
        if not self.past:
            return dict.fromkeys([*self.members, COMBINATION], UNCERTAINTIES[len(UNCERTAINTIES) // 2])
        found = {}
        for name in [*self.members, COMBINATION]:
            losses = {value: self._class_loss(name, value) for value in UNCERTAINTIES}
            found[name] = max(value for value, loss in losses.items() if loss <= min(losses.values()) * INDIFFERENT)
        return found

    def _class_loss(self, name, uncertainty):
        total = 0.0
        for past in self.past:
            some = _some(len(past.rows), LEARNED_FROM // 6)
            rows = past.rows[some]
            doubt = _doubt(uncertainty, past.expected[name][some], past.sizes[some])
            loss = self._losses(past.expected[name][some], past.came[some], self.dispersion[rows], doubt)
            total += (loss / past.sizes[some]).sum()
        return total

    def _losses(self, expected, came, dispersion, uncertainty):
        """Quantile loss per period of each row, for the demand of stretches of `cover` periods."""
        stretch = min(self.cover, came.shape[1])
        used = came.shape[1] // stretch * stretch
        came = came[:, :used].reshape(len(came), -1, stretch).sum(axis=2)
        expected = expected[:, :used].reshape(len(came), -1, stretch).sum(axis=2)
        if numpy.ptp(expected, axis=1).max(initial=0) < 1e-9:  # most methods expect the same for ever
            expected = expected[:, :1]
        limits = [quantiles_of(mean, dispersion, uncertainty, LEVELS) for mean in expected.T]
        return quantile_loss(came, numpy.stack(limits, axis=1)).mean(axis=(1, 2)) / stretch

    # --- the choice --------------------------------------------------------------------------

    def forecasts(self):
        """A forecast for each history."""
        names = [*self.members, COMBINATION]
        losses, periods = self._losses_by_method(names)
        chosen = self._choice(names, losses, periods)
        expected = {name: expect(name, self.histories, self.horizon, self.season) for name in self.members}
        expected[COMBINATION] = self._combined(expected, _sizes(self.histories) * _frequency(self.histories))
        squares, errors = self._errors(names, chosen)
        scales, sizes = _scales(self.histories), _sizes(self.histories)
        doubts = {name: _doubt(self.uncertainty[name], expected[name], sizes) for name in names}
        for row, choice in enumerate(chosen):
            name = names[choice]
            demand = Demand(tuple(expected[name][row].tolist()), float(self.dispersion[row]), float(doubts[name][row]))
            if not periods[row]:
                yield Forecast(name, self.kind, demand)
                continue
            backtest = Backtest(
                int(periods[row]),
                float(numpy.sqrt(squares[row] / scales[row])) if scales[row] else None,
                float(errors[row]),
                float(losses[row, choice]),
            )
            yield Forecast(name, self.kind, demand, backtest, dict(zip(names, losses[row].tolist())))

    def _losses_by_method(self, names):
        losses = numpy.zeros((len(self.histories), len(names)))
        periods = numpy.zeros(len(self.histories))
        for past in self.past:
            length = past.came.shape[1]
            periods[past.rows] += length
            for column, name in enumerate(names):
                doubt = _doubt(self.uncertainty[name], past.expected[name], past.sizes)
                loss = self._losses(past.expected[name], past.came, self.dispersion[past.rows], doubt)
                losses[past.rows, column] += loss * length
        return losses / numpy.maximum(periods, 1)[:, None], periods

    def _choice(self, names, losses, periods):
        """The column of each row's method."""
        tested = periods > 0
        if not tested.any():
            return numpy.full(len(losses), names.index(COMBINATION))
        relative = losses / numpy.maximum(losses.mean(axis=1, keepdims=True), 1e-9)
        # In common, losses are counted in orders: relative ones would let products that nobody wants decide.
        common = (losses[tested] / _sizes(self.histories)[tested, None]).sum(axis=0)
        common /= max(common.mean(), 1e-9)
        own = numpy.where(tested, self.orders, 0)[:, None]
        return ((own * relative + PRIOR_CHOICE * common) / (own + PRIOR_CHOICE)).argmin(axis=1)

    def _errors(self, names, chosen):
        """Mean squared and mean error of the chosen methods, in the backtest."""
        squares, errors = numpy.zeros(len(chosen)), numpy.zeros(len(chosen))
        periods = numpy.zeros(len(chosen))
        for past in self.past:
            stacked = numpy.stack([past.expected[name] for name in names])
            error = stacked[chosen[past.rows], numpy.arange(len(past.rows))] - past.came
            squares[past.rows] += (error**2).sum(axis=1)
            errors[past.rows] += error.sum(axis=1)
            periods[past.rows] += error.shape[1]
        return squares / numpy.maximum(periods, 1), errors / numpy.maximum(periods, 1)


def quantile_loss(came, expected, levels: Sequence[float] = LEVELS) -> numpy.ndarray:
    """Pinball loss: ``level`` per unit that came above the quantile, ``1 − level`` per unit below it.

    >>> quantile_loss(numpy.array([4.0]), numpy.array([[3.0, 6.0]]), (0.5, 0.9)).round(2).tolist()
    [[0.5, 0.2]]

    :param came: units, any shape
    :param expected: quantiles, with the levels as one more axis at the end
    """
    levels = numpy.asarray(levels)
    difference = numpy.asarray(came)[..., None] - expected
    return numpy.maximum(levels * difference, (levels - 1) * difference)


def _doubt(uncertainty, expected, sizes):
    """Standard errors of levels: of `uncertainty` with one order a period, more for rarer ones.

    That is how levels differ when each is drawn from a gamma distribution with a common scale.
    """
    return numpy.minimum(uncertainty / numpy.sqrt(numpy.maximum(expected.mean(axis=1) / sizes, 1e-3)), MOST_DOUBT)


def _some(count, most=LEARNED_FROM):
    """Evenly picked rows."""
    return numpy.unique(numpy.linspace(0, count - 1, min(count, most)).astype(int))


def _fit(terms, came, towards):
    """Least squares with no weight below zero, drawn a little towards given weights."""
    pull = numpy.sqrt(RIDGE * (terms**2).sum() / terms.shape[1] + 1e-12)
    terms = numpy.vstack([terms, pull * numpy.eye(terms.shape[1])])
    return nnls(terms, numpy.concatenate([came, pull * towards]))[0]


def _frequency(histories):
    """Orders per period of the products together."""
    periods = sum(history.size for history in histories)
    return sum(int((history > 0).sum()) for history in histories) / periods if periods else 0.0


def _sizes(histories):
    """Mean demand of the periods that have any; the usual one of the others for products without."""
    sizes = numpy.array([history[history > 0].mean() if (history > 0).any() else 0.0 for history in histories])
    usual = float(numpy.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    return numpy.where(sizes > 0, sizes, usual)


def _scales(histories):
    """Mean squared error of the naive forecast within each history."""
    return numpy.array(
        [float(numpy.mean(numpy.diff(history) ** 2)) if history.size > 1 else 0.0 for history in histories]
    )


def _dispersions(histories, orders):
    """Variance by mean of each history, drawn towards that of the class the fewer orders there are."""
    means = numpy.array([history.mean() if history.size else 0.0 for history in histories])
    variances = numpy.array([history.var(ddof=1) if history.size > 1 else 0.0 for history in histories])
    own = numpy.where(means > 0, variances / numpy.maximum(means, 1e-12), 1.0)
    known = own[orders >= 3]
    common = float(numpy.median(known)) if known.size else 1.0
    return numpy.maximum((orders * own + PRIOR_ORDERS * common) / (orders + PRIOR_ORDERS), 1e-6)
