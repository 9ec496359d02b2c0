"""How much more one thing takes than another, from pairs measured in turn."""

import random
import statistics

RESAMPLES = 4000
SEED = 2024


def ratio(ours: list[float], others: list[float]) -> dict:
    """Median of the pairs' ratios with a 95 % interval (bootstrap over the pairs, percentiles).

    Pairs are measured within a moment of each other, so what slows the machine slows both; the
    median leaves out the pairs where it hit one of them only.

    >>> found = ratio([1.1, 2.2, 3.3] * 10, [1.0, 2.0, 3.0] * 10)
    >>> round(found["ratio"], 3), round(found["high"], 3), found["pairs"]
    (1.1, 1.1, 30)
    """
    ratios = [our / other for our, other in zip(ours, others)]
    pick = random.Random(SEED)
    medians = sorted(statistics.median(pick.choices(ratios, k=len(ratios))) for _number in range(RESAMPLES))
    return {
        "ratio": statistics.median(ratios),
        "low": medians[int(0.025 * RESAMPLES)],
        "high": medians[int(0.975 * RESAMPLES)],
        "pairs": len(ratios),
    }
