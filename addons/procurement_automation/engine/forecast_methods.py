"""The methods that demand is forecast by: those of statsforecast (Nixtla, Apache 2.0), by name.

The library and what comes with it (numpy, scipy, pandas) take seconds and some 150 MB to import, so
nothing here imports them before a forecast is asked for: a server's workers start without them, and
the job that forecasts pays for it once.

>>> expect("moving_average", [[4, 0, 2, 0, 0, 6] * 2], horizon=2, season=12).tolist()
[[2.0, 2.0]]
>>> expect("seasonal_naive", [[1, 2, 3, 4, 1, 2, 9, 4]], horizon=5, season=4).tolist()
[[1.0, 2.0, 9.0, 4.0, 1.0]]
"""

import importlib
import importlib.util
import warnings
from collections.abc import Sequence

LIBRARY = "statsforecast"

#: Name → how it is made of the library's models, for a season of so many periods.
METHODS = {
    "naive": lambda models, season: models.Naive(),
    "seasonal_naive": lambda models, season: models.SeasonalNaive(season_length=season),
    "historic_average": lambda models, season: models.HistoricAverage(),
    "moving_average": lambda models, season: models.WindowAverage(window_size=season),
    "smoothing_slow": lambda models, season: models.SimpleExponentialSmoothing(alpha=0.1),
    "smoothing": lambda models, season: models.SimpleExponentialSmoothing(alpha=0.2),
    "croston": lambda models, season: models.CrostonClassic(),
    "croston_optimized": lambda models, season: models.CrostonOptimized(),
    "croston_sba": lambda models, season: models.CrostonSBA(),
    "tsb": lambda models, season: models.TSB(alpha_d=0.1, alpha_p=0.1),
    "adida": lambda models, season: models.ADIDA(),
    "imapa": lambda models, season: models.IMAPA(),
    "auto_ets": lambda models, season: models.AutoETS(season_length=season),
}


class LibraryMissing(RuntimeError):
    """The library of forecasting methods is not installed."""

    def __init__(self):
        super().__init__(
            f"Demand cannot be forecast: the Python package {LIBRARY} is not installed where Odoo runs. "
            "Install what the suite's requirements.txt names and restart Odoo."
        )


def is_available() -> bool:
    """Whether demand can be forecast here; imports nothing."""
    return all(importlib.util.find_spec(name) for name in (LIBRARY, "numpy", "scipy"))


def expect(method: str, histories: Sequence[Sequence[float]], horizon: int, season: int):
    """Expected units of the next `horizon` periods, one row a history.

    A history too short for the method is expected to go on with its average; an empty one with zero.

    :param method: a name of `METHODS`
    :param histories: known demand per period, oldest first
    :param season: periods in a year's cycle
    :return: an array of numpy
    :raises LibraryMissing: when statsforecast is not installed
    """
    models = _library()
    numpy = importlib.import_module("numpy")
    model = METHODS[method](models, season)
    found = numpy.zeros((len(histories), horizon))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, history in zip(found, histories):
            units = numpy.asarray(history, dtype=float)
            if units.size:
                row[:] = _one(numpy, model, units, horizon)
    return found


def _one(numpy, model, units, horizon):
    """One history's expectation, or its average where the method knows none."""
    try:
        path = model.forecast(y=units, h=horizon)["mean"]
    except (ValueError, IndexError, ZeroDivisionError, NotImplementedError):
        return units.mean()
    return numpy.where(numpy.isfinite(path), numpy.maximum(path, 0), units.mean())


def _library():
    try:
        return importlib.import_module(f"{LIBRARY}.models")
    except ModuleNotFoundError as error:
        raise LibraryMissing from error
