"""The winter range: goods that every site sells in the cold months, from vendors who confirm what they promise.

It is where Larkfield began with procurement automation. The other goods are bought as before, so what happens here is
in nobody's way.
"""

import random
from dataclasses import dataclass
from datetime import date

from .catalogue import Product
from .vendors import Vendor

SEED = 20171201
CATEGORY = ("WIN", "Winter Range", "category_manager")
#: Bought abroad: freight and duty become part of what these cost, so their stock is kept at average cost.
IMPORTED = ("WIM", "Winter Range, Imported", "category_manager")

VENDORS = (
    Vendor("saltmere", "Saltmere Minerals", "Fairport", "us", "approved", "low", "USD", ("WIN",), 6, 0.9),
    Vendor("northbank", "Northbank Heating Works", "Lansing", "us", "approved", "low", "USD", ("WIN",), 9, 0.5),
    Vendor("wexcombe", "Wexcombe Workwear", "Rochester", "us", "approved", "low", "USD", ("WIN",), 5, 0.95),
    Vendor("tolvanen", "Tolvanen Imports Oy", "Turku", "fi", "approved", "low", "EUR", ("WIM",), 12, 0.9),
    Vendor("umbra", "Umbra Lighting", "Scranton", "us", "new", "medium", "USD", ("WIN",), 8, 0.8),
)
#: Who answers for what comes of a vendor.
BUYERS = {
    "saltmere": "buyer_branch",
    "northbank": "buyer",
    "wexcombe": "buyer",
    "tolvanen": "buyer",
    "umbra": "buyer",
}


@dataclass(frozen=True)
class Good:
    """``price``: agreed, in the vendor's currency. ``monthly``: units asked for in a usual month at each site."""

    code: str
    name: str
    vendor: str
    price: float
    cost: float
    monthly: tuple[float, float, float]
    weight: float = 1.0

    @property
    def product(self):
        """As the catalogue has goods; sold at cost and a half."""
        category = IMPORTED[0] if self.vendor == "tolvanen" else CATEGORY[0]
        return Product(self.code, self.name, category, self.cost, round(self.cost * 1.5, 2))


GOODS = (
    Good("WIN-101", "Road Salt 25 kg", "saltmere", 4.1, 4.1, (46, 24, 18), 25),
    Good("WIN-102", "De-icer Calcium Chloride 10 kg", "saltmere", 9.8, 9.8, (22, 12, 8), 10),
    Good("WIN-103", "Grit 20 kg", "saltmere", 2.9, 2.9, (30, 16, 10), 20),
    Good("WIN-201", "Fan Heater 3 kW", "northbank", 42, 42, (9, 5, 4), 6),
    Good("WIN-202", "Oil Radiator 2 kW", "northbank", 58, 58, (6, 4, 3), 11),
    Good("WIN-203", "Frost Guard Heater 500 W", "northbank", 23, 23, (8, 5, 3), 3),
    Good("WIN-301", "Thermal Gloves (pair)", "wexcombe", 6.4, 6.4, (40, 22, 16), 0.2),
    Good("WIN-302", "Thermal Jacket", "wexcombe", 39, 39, (9, 6, 4), 1.2),
    Good("WIN-303", "Snow Shovel", "wexcombe", 11.5, 11.5, (16, 9, 6), 1.8),
    Good("WIM-401", "Antifreeze Concentrate 5 l", "tolvanen", 10.6, 13.2, (20, 11, 8), 5.6),
    Good("WIM-402", "Screen Wash −30 °C 5 l", "tolvanen", 4.9, 6.1, (34, 18, 12), 5.2),
    Good("WIN-501", "LED Work Light 50 W", "umbra", 21, 21, (7, 4, 3), 1.5),
)

#: Months of sales that the demand is learned from.
DEMAND_MONTHS = 13
#: January to December: how much of a usual month is asked for.
SEASON = (1.7, 1.5, 1.1, 0.8, 0.6, 0.5, 0.5, 0.6, 0.8, 1.1, 1.5, 1.8)


def month_before(day, back):
    """The first day of the month ``back`` months before that of ``day``.

    >>> month_before(date(2026, 2, 14), 3)
    datetime.date(2025, 11, 1)
    """
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def make_demand(today, seed=SEED):
    """``[(code, place of the site, day, units)]`` that customers took in the months before ``today``'s."""
    rng = random.Random(seed)
    sold = []
    for good in GOODS:
        for place, usual in enumerate(good.monthly):
            for back in range(DEMAND_MONTHS, 0, -1):
                month = month_before(today, back)
                units = round(usual * SEASON[month.month - 1] * rng.uniform(0.75, 1.3))
                if units:
                    sold.append((good.code, place, month.replace(day=rng.randint(4, 26)), units))
    return sold


@dataclass(frozen=True)
class Level:
    """What a site keeps of a product, and what lies there on the night of the run.

    ``short`` names what the night makes of it: ``order``, ``review``, ``transfer``; empty: there is enough.
    """

    code: str
    site: str
    minimum: int
    maximum: int
    on_hand: int
    short: str = ""


#: Most sites have enough; these do not.
SHORT = {
    ("WIN-101", "CEN"): (18, "order"),
    ("WIN-103", "CEN"): (11, "order"),
    ("WIN-102", "NOR"): (4, "order"),
    ("WIN-301", "SOU"): (5, "order"),
    ("WIN-302", "SOU"): (1, "order"),
    ("WIN-303", "SOU"): (1, "transfer"),
    ("WIN-201", "CEN"): (4, "review"),
    ("WIN-202", "CEN"): (1, "review"),
    ("WIM-401", "CEN"): (7, "review"),
    ("WIN-501", "CEN"): (2, "review"),
}
#: What lies beyond a site's own need; some of it came lately, and may be moved.
SURPLUS = {("WIN-303", "CEN"): 90, ("WIN-301", "CEN"): 80, ("WIN-103", "SOU"): 40, ("WIN-303", "NOR"): 30}
#: A maximum for a winter that nobody has seen yet.
UNUSUAL = {("WIM-401", "CEN"): 260}
#: The vendor's new price since the last order, as a factor: a price jump.
DEARER_NOW = {"WIN-202": 1.18}


def make_levels(sites):
    """The reordering rules of every site, with the stock of the night. Minimum: a usual month; maximum: two."""
    levels = []
    for good in GOODS:
        for place, site in enumerate(sites):
            key = good.code, site
            minimum = max(3, round(good.monthly[place]))
            maximum = UNUSUAL.get(key, 2 * minimum)
            on_hand, short = SHORT.get(key, (SURPLUS.get(key, minimum + max(2, minimum // 2)), ""))
            levels.append(Level(good.code, site, minimum, maximum, on_hand, short))
    return levels
