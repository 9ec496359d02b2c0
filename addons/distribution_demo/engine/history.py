"""Half a year of trade before governance: purchases with realistic faults, and sales.

Days count backwards from today: 30 is thirty days ago.
"""

from dataclasses import dataclass

from .basket import Line
from .vendors import VENDORS

FIRST_DAY = 178
#: The last purchase before governance was switched on.
LAST_PURCHASE_DAY = 19
PURCHASES = 105
SALES = 88
QUOTATIONS = 10

#: What can go wrong with a delivery, and how often in relation to each other.
FAULTS = (("late", 5), ("short", 2), ("short_closed", 1), ("over", 1), ("wrong_price", 3), ("missing", 4))
#: How often a buyer adds something for which no price was agreed. Odoo learns a price from it.
UNPRICED = 0.12
#: A delivery that was ordered longer ago than this did come in the end.
MISSING_SINCE = 90


@dataclass(frozen=True)
class Purchase:
    """``received``: per line, 0 for nothing yet. ``billed_prices`` is empty when there is no bill yet."""

    vendor: str
    site: str
    buyer: str
    ordered: int
    promised: int
    lines: tuple[Line, ...]
    fault: str = ""
    arrived: int | None = None
    received: tuple[int, ...] = ()
    billed: int | None = None
    billed_prices: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sale:
    """``state``: quotation, cancelled, confirmed, delivered or invoiced."""

    customer: str
    site: str
    seller: str
    ordered: int
    lines: tuple[Line, ...]
    state: str
    delivered: int | None = None


def deal_faults(rng):
    """One fault after the other, without end; each comes as often as its weight says.

    >>> import random
    >>> deck = deal_faults(random.Random(1))
    >>> sorted({next(deck) for _card in range(16)}) == sorted(name for name, _weight in FAULTS)
    True
    """
    while True:
        deck = [name for name, weight in FAULTS for _card in range(weight)]
        rng.shuffle(deck)
        yield from deck


def make_purchases(rng, book, sites, number=PURCHASES):
    vendors = [vendor for vendor in VENDORS if book.agreed(vendor.key) and vendor.currency != "CHF"]
    weights = [4 if vendor.status == "approved" else 1 for vendor in vendors]
    faults = deal_faults(rng)
    purchases = []
    for _number in range(number):
        vendor = rng.choices(vendors, weights)[0]
        site = rng.choices(sites, [s.share for s in sites])[0]
        ordered = rng.randint(LAST_PURCHASE_DAY, FIRST_DAY)
        value = min(24000.0, rng.lognormvariate(7.3, 0.8))
        lines = book.basket(
            rng, vendor.key, value, rng.choice((1, 2, 2, 3, 3, 4)), rng.choice((0, 0, 0, 0, 0.03, 0.08))
        )
        unpriced = book.without_agreement(vendor.key)
        if unpriced and vendor.currency == "USD" and rng.random() < UNPRICED:
            code = rng.choice(unpriced)
            price = round(book.products[code].cost * rng.uniform(1.0, 1.1), 2)
            lines += (Line(code, max(1, int(300 / price)), price),)
        purchases.append(_delivered(rng, faults, vendor, site, ordered, lines))
    return sorted(purchases, key=lambda purchase: -purchase.ordered)


def _delivered(rng, faults, vendor, site, ordered, lines):
    """What became of an order: promised, received, billed – or still on its way."""
    promised = ordered - vendor.lead
    fault = ""
    if rng.random() > vendor.reliability:
        fault = next(faults)
    if fault == "missing" and ordered > MISSING_SINCE:
        fault = "late"
    arrived = promised - (rng.randint(3, 15) if fault == "late" else rng.choice((-1, 0, 0, 0, 0, 1)))
    quantities = [line.quantity for line in lines]
    worst = max(range(len(lines)), key=lambda position: quantities[position])
    if fault in ("short", "short_closed"):
        quantities[worst] -= max(1, quantities[worst] // rng.choice((3, 4, 6)))
    elif fault == "over":
        quantities[worst] += max(1, quantities[worst] // 12)
    if arrived < 1 or fault == "missing":
        # Not here yet; some of these are overdue by now.
        return Purchase(vendor.key, site.code, site.buyer, ordered, promised, lines, "missing" if promised > 0 else "")
    billed = arrived - rng.randint(1, 6)
    prices = [line.price for line in lines]
    if fault == "wrong_price":
        prices[worst] = round(prices[worst] * rng.choice((1.04, 1.07, 1.12)), 2)
    is_billed = billed >= 1 and rng.random() < 0.93
    return Purchase(
        vendor.key,
        site.code,
        site.buyer,
        ordered,
        promised,
        lines,
        fault,
        arrived,
        tuple(quantities),
        billed if is_billed else None,
        tuple(prices) if is_billed else (),
    )


def make_stock(rng, products, sites):
    """``{site: {product: quantity}}`` at the beginning: everything at the centre, the usual at the branches."""
    stock = {}
    for position, site in enumerate(sites):
        for product in products:
            if position and rng.random() > 0.35:
                continue
            typical = 2600 / (product.cost + 6)
            stock.setdefault(site.code, {})[product.code] = (
                int(max(6, min(320, typical)) * rng.uniform(0.6, 1.5) * (1 if not position else 0.35)) + 3
            )
    return stock


def make_sales(rng, products, customers, stock, number=SALES, quotations=QUOTATIONS):
    """Sales out of what the site has; nobody sells more than a tenth of it at once."""
    by_code = {product.code: product for product in products}
    sales = []
    for position in range(number + quotations):
        customer = rng.choice(customers)
        available = stock[customer.site]
        codes = rng.sample(sorted(available), rng.choice((1, 2, 2, 3)))
        lines = tuple(
            Line(
                code,
                rng.randint(1, max(1, available[code] // 10)),
                round(by_code[code].price * rng.choice((1, 1, 1, 0.97, 0.95, 0.9)), 2),
            )
            for code in codes
        )
        seller = rng.choices(("sales_rep", "sales_manager"), (4, 1))[0]
        if position >= number:
            sales.append(Sale(customer.key, customer.site, seller, rng.randint(0, 20), lines, "quotation"))
            continue
        ordered = rng.randint(1, 170)
        delivered = ordered - rng.randint(1, 6)
        if rng.random() < 0.04:
            state, delivered = "cancelled", None
        elif delivered < 1 or (ordered < 15 and rng.random() < 0.3):
            state, delivered = "confirmed", None
        else:
            state = "invoiced" if rng.random() < 0.6 else "delivered"
        sales.append(Sale(customer.key, customer.site, seller, ordered, lines, state, delivered))
    return sorted(sales, key=lambda sale: -sale.ordered)
