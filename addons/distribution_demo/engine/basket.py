"""Puts goods on an order: by what a vendor sells, and up to a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One order line; ``price`` per unit, in the currency of the order."""

    product: str
    quantity: int
    price: float


class PriceBook:
    """What each vendor sells, at which agreed price, and what it has no agreed price for.

    >>> from .vendors import Contract
    >>> from .catalogue import Product
    >>> book = PriceBook([Product("A", "Bolt", "FAS", 2.0, 3.0)], [Contract("ridgeway", "A", 2.1)])
    >>> book.agreed("ridgeway"), book.without_agreement("ridgeway")
    ([('A', 2.1)], [])
    """

    def __init__(self, products, contracts):
        self.products = {product.code: product for product in products}
        self._agreed = {}
        self._volume = {}
        self._priced = {(contract.vendor, contract.product) for contract in contracts}
        for contract in contracts:
            if contract.min_quantity:
                self._volume[contract.vendor, contract.product] = contract.min_quantity, contract.price
            elif contract.state == "contract" and not contract.expired:
                self._agreed.setdefault(contract.vendor, {})[contract.product] = contract.price

    def agreed(self, vendor):
        """``[(product code, price)]`` under contract, cheapest order of codes."""
        return sorted(self._agreed.get(vendor, {}).items())

    def price(self, vendor, product, quantity):
        """The agreed price for ``quantity``: large ones are cheaper."""
        least, price = self._volume.get((vendor, product), (0, 0))
        return price if least and quantity >= least else self._agreed[vendor][product]

    def without_agreement(self, vendor):
        """Codes of products in the vendor's categories for which no price was ever agreed."""
        from .vendors import VENDORS

        categories = next(v.categories for v in VENDORS if v.key == vendor)
        return sorted(
            code
            for code, product in self.products.items()
            if product.category in categories and (vendor, code) not in self._priced
        )

    def basket(self, rng, vendor, value, lines, over=0.0):
        """Lines of agreed goods worth about ``value`` in the vendor's currency, ``over`` the agreed price.

        The value is met from below: the last line takes what the others left.
        """
        agreed = self.agreed(vendor)
        fitting = [item for item in agreed if item[1] <= value / lines / 2] or sorted(agreed, key=lambda item: item[1])
        chosen = rng.sample(fitting, min(lines, len(fitting)))
        # The cheapest goods come last: they fill what is left most exactly.
        chosen.sort(key=lambda item: -item[1])
        result, left = [], value
        for position, (code, price) in enumerate(chosen):
            quantity = _round(max(1, int(left / (len(chosen) - position) / (price * (1 + over)))))
            price = round(self.price(vendor, code, quantity) * (1 + over), 2)
            result.append(Line(code, quantity, price))
            left -= quantity * price
        return tuple(result)


def _round(quantity):
    """A quantity as people order it.

    >>> [_round(number) for number in (7, 23, 118, 679)]
    [7, 20, 110, 650]
    """
    step = 50 if quantity >= 400 else 10 if quantity >= 100 else 5 if quantity >= 20 else 1
    return quantity // step * step


def worth(lines):
    """Untaxed value of order lines."""
    return round(sum(line.quantity * line.price for line in lines), 2)
