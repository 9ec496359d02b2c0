"""Forecasts judge themselves on the past, know nothing of the future, and learn from each other."""

import importlib
import subprocess
import sys

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.forecast import COMBINATION, INTERMITTENT, REGULAR, forecast, quantile_loss
from engine.forecast_methods import METHODS, LibraryMissing, expect
from engine.safety_stock import quantiles

few = settings(max_examples=15)
histories = st.lists(st.lists(st.integers(0, 30), max_size=40), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def slow_movers():
    """300 products with a few orders a year, at levels that differ as they do in a warehouse."""
    draw = numpy.random.default_rng(5)
    levels = draw.gamma(1.5, 0.3, 300)
    return levels, [draw.poisson(level, 36) for level in levels]


def test_the_combination_is_nearer_to_the_truth_than_its_members(slow_movers):
    levels, known = slow_movers
    results = forecast(known)
    ours = numpy.array([result.demand.path[0] for result in results])
    error = ((ours - levels) ** 2).mean()
    for name in ("moving_average", "smoothing", "smoothing_slow", "croston_sba", "tsb", "adida", "imapa"):
        assert error < ((expect(name, known, 1, 12)[:, 0] - levels) ** 2).mean(), name
    assert abs(ours.sum() / levels.sum() - 1) < 0.1


def test_expected_shares_of_demand_stay_below_the_quantiles(slow_movers):
    levels, known = slow_movers
    came = numpy.random.default_rng(6).poisson(numpy.repeat(levels[:, None], 60, axis=1))
    limits = quantiles([result.demand for result in forecast(known)], [0.5, 0.9, 0.95], 1, 1)
    for column, level in enumerate((0.5, 0.9, 0.95)):
        assert (came <= limits[:, [column]]).mean() > level - 0.03


def test_a_season_is_found_where_demand_is_regular():
    year = [20, 22, 30, 45, 60, 80, 85, 80, 60, 40, 28, 20]
    draw = numpy.random.default_rng(3)
    [result] = forecast([draw.poisson(year * 4)])
    assert result.kind == REGULAR
    path = result.demand.path
    assert max(path) > 2.5 * min(path)
    assert path.index(max(path)) in (5, 6, 7)


def test_a_part_that_nobody_asked_for_lately_is_not_written_off():
    draw = numpy.random.default_rng(4)
    known = [draw.poisson(0.4, 36) for _product in range(80)] + [[2] + [0] * 20 + [1] + [0] * 14]
    result = forecast(known)[-1]
    assert result.kind == INTERMITTENT
    assert result.demand.path[0] > 0


def test_nothing_is_known_of_what_comes_after(slow_movers):
    """Only the given history counts: the same one gives the same forecast, and none looks behind its end."""
    _levels, known = slow_movers
    assert forecast(known[:40]) == forecast([list(history) for history in known[:40]])


def test_backtests_are_told_with_their_measures(slow_movers):
    _levels, known = slow_movers
    for result in forecast(known[:60]):
        assert result.method in {*METHODS, COMBINATION}
        assert result.backtest.periods == 42
        assert result.losses[result.method] == pytest.approx(result.backtest.loss)
        assert result.backtest.rmsse is None or result.backtest.rmsse >= 0


@few
@given(histories)
def test_any_history_is_forecast(known):
    results = forecast(known, horizon=6)
    assert len(results) == len(known)
    for history, result in zip(known, results):
        assert len(result.demand.path) == 6
        assert all(0 <= units < 1e4 for units in result.demand.path)
        assert result.demand.dispersion > 0
        if len(history) < 12:
            assert result.backtest is None


@settings(max_examples=5)
@given(st.lists(st.integers(0, 30), min_size=14, max_size=40), st.sampled_from([10, 1000]))
def test_the_unit_does_not_matter(history, factor):
    [pieces] = forecast([history])
    [grams] = forecast([[units * factor for units in history]])
    if pieces.method == grams.method:
        assert grams.demand.path == pytest.approx([units * factor for units in pieces.demand.path], rel=0.05, abs=0.05)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.05, 0.95))
def test_quantile_loss_is_never_below_zero_and_zero_when_right(came, limit, level):
    [[loss]] = quantile_loss(numpy.array([came]), numpy.array([[limit]]), (level,))
    assert loss >= 0
    assert bool(loss == 0) is (came == limit)


def test_forecasting_zero_does_not_win():
    """What a mean absolute error would choose for a product that sells in one month of three."""
    came = numpy.array([0, 0, 3] * 20)
    zero, some = (quantile_loss(came, numpy.full((60, 4), units)).mean() for units in (0.0, 1.5))
    assert numpy.abs(came).mean() < numpy.abs(came - 1.5).mean()
    assert some < zero


def test_a_missing_library_is_named_with_the_remedy(monkeypatch):
    def missing(name, *words):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(LibraryMissing, match=r"statsforecast is not installed.*requirements\.txt"):
        expect("naive", [[1, 2]], 1, 12)


def test_workers_start_without_the_library():
    code = (
        "import sys, engine, engine.demand_history, engine.forecast_methods\n"
        "print({'numpy', 'statsforecast'} & set(sys.modules))"
    )
    home = engine.__path__[0].rsplit("/", 1)[0]
    said = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
