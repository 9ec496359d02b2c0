"""Who is sold to: forty companies around the three sites."""

from dataclasses import dataclass

_FIRST = (
    "Allegheny", "Birchwood", "Cuyahoga", "Dunmore", "Eastlake", "Fairhaven", "Glenrock", "Hickory",
    "Ironbridge", "Juniper", "Kingsport", "Lakeshore", "Millbrook", "Northgate", "Oakhurst", "Parkside",
    "Quarry Hill", "Riverbend", "Stonewall", "Three Rivers",
)  # fmt: skip
_TRADE = (
    "Machine Works", "Packaging", "Foods", "Steel Fabrication", "Mobility", "Paper Mill", "Plastics",
    "Woodworks", "Water Utility", "Bottling",
)  # fmt: skip
_FORM = ("Inc.", "LLC", "Co.", "Corp.")
_CITIES = {
    "CEN": ("Cleveland", "Akron", "Canton", "Lorain"),
    "NOR": ("Detroit", "Flint", "Lansing", "Saginaw"),
    "SOU": ("Cincinnati", "Dayton", "Louisville", "Lexington"),
}


@dataclass(frozen=True)
class Customer:
    key: str
    name: str
    city: str
    site: str


def make_customers(rng, sites, number=40):
    """Customers with different names, near the site that serves them."""
    names = [f"{first} {trade}" for first in _FIRST for trade in _TRADE]
    chosen = rng.sample(names, number)
    customers = []
    for position, name in enumerate(chosen):
        site = rng.choices(sites, [s.share for s in sites])[0]
        customers.append(
            Customer(
                f"customer_{position + 1:02}", f"{name} {rng.choice(_FORM)}", rng.choice(_CITIES[site.code]), site.code
            )
        )
    return customers
