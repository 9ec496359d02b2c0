"""Who is bought from, and at which agreed prices."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Vendor:
    """``reliability``: part of the deliveries that are in order; ``lead``: days from order to receipt."""

    key: str
    name: str
    city: str
    country: str
    status: str
    tier: str
    currency: str
    categories: tuple[str, ...]
    lead: int
    reliability: float


@dataclass(frozen=True)
class Contract:
    """A price of a vendor for a product, per unit, in the vendor's currency.

    ``state`` ``proposed`` is a price that nobody confirmed; ``expired`` one that ran out.
    """

    vendor: str
    product: str
    price: float
    min_quantity: float = 0
    state: str = "contract"
    expired: bool = False


VENDORS = (
    Vendor("ridgeway", "Ridgeway Fastening Co.", "Akron", "us", "approved", "low", "USD", ("FAS",), 7, 0.81),
    Vendor("kestrel", "Kestrel Bearing Works", "Dayton", "us", "approved", "low", "USD", ("BRG", "PTR"), 9, 0.78),
    Vendor("halden", "Halden Antriebstechnik GmbH", "Bielefeld", "de", "approved", "medium", "EUR", ("PTR",), 21, 0.74),
    Vendor("aerolis", "Aerolis Fluid Power Inc.", "Toledo", "us", "approved", "low", "USD", ("FLU",), 8, 0.8),
    Vendor("corvane", "Corvane Electric Supply", "Columbus", "us", "approved", "medium", "USD", ("ELE",), 10, 0.73),
    Vendor("tamarack", "Tamarack Tool Company", "Erie", "us", "approved", "low", "USD", ("TOO",), 6, 0.82),
    Vendor("shieldmark", "Shieldmark Safety Products", "Canton", "us", "approved", "low", "USD", ("PPE",), 5, 0.83),
    Vendor("orleton", "Orleton Lubricants Ltd", "Leeds", "gb", "approved", "medium", "GBP", ("LUB",), 18, 0.72),
    Vendor(
        "mesabi", "Mesabi General Supply", "Duluth", "us", "approved", "medium", "USD", ("FAS", "TOO", "LUB"), 9, 0.68
    ),
    Vendor("alpenzahn", "Alpenzahn Präzision AG", "Winterthur", "ch", "approved", "low", "CHF", ("BRG",), 24, 0.84),
    Vendor("novatherm", "Novatherm Controls LLC", "Pittsburgh", "us", "new", "medium", "USD", ("ELE", "FLU"), 12, 0.73),
    Vendor("greyfell", "Greyfell Workwear", "Buffalo", "us", "new", "high", "USD", ("PPE",), 11, 0.68),
    Vendor("ostrander", "Ostrander Hydraulics", "Flint", "us", "restricted", "high", "USD", ("FLU",), 14, 0.5),
    Vendor("pinebluff", "Pine Bluff Chemicals", "Pine Bluff", "us", "restricted", "high", "USD", ("LUB",), 13, 0.54),
    Vendor("sablecrest", "Sablecrest Trading", "Newark", "us", "blocked", "critical", "USD", ("ELE", "TOO"), 20, 0.3),
)

#: Foreign units per unit of company currency: first and last value of a wandering rate.
RATES = {"EUR": (0.935, 0.79), "GBP": (0.802, 0.67)}
#: Active, but nobody maintains its rate: orders in it are held.
CURRENCY_WITHOUT_RATE = "CHF"
ASSUMED_CHF = 0.88

#: Part of a vendor's products that stay without an agreed price.
WITHOUT_CONTRACT = 0.1


def make_contracts(rng, products):
    """Prices near cost: the first vendor of a category is the cheapest."""
    contracts = []
    for vendor in VENDORS:
        factor = RATES.get(vendor.currency, (1, ASSUMED_CHF if vendor.currency == "CHF" else 1))[1]
        for product in products:
            if product.category not in vendor.categories:
                continue
            chance = rng.random()
            price = round(product.cost * factor * rng.uniform(0.96, 1.06), 2)
            if chance < WITHOUT_CONTRACT:
                continue
            expired = chance < WITHOUT_CONTRACT + 0.04
            proposed = not expired and chance < WITHOUT_CONTRACT + 0.08
            contracts.append(
                Contract(vendor.key, product.code, price, 0, "proposed" if proposed else "contract", expired)
            )
            if not expired and not proposed and chance > 0.9:
                contracts.append(Contract(vendor.key, product.code, round(price * 0.94, 2), 100))
    return contracts


def make_rates(rng):
    """``{currency: [(days ago, rate)]}``: weekly for half a year, daily for the last two weeks."""
    days = [*range(189, 14, -7), *range(14, -1, -1)]
    rates = {}
    for currency, (first, last) in RATES.items():
        steps = len(days) - 1
        rates[currency] = [
            (day, round(first + (last - first) * number / steps + rng.uniform(-0.004, 0.3), 6))
            for number, day in enumerate(days)
        ]
    return rates
