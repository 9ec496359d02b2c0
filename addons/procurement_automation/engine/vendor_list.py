"""Approved vendor lists: who may supply what, where, and when.

Rules, in words
---------------
1. The list of the product itself counts before those of its categories, and the list of a category before that of
   the categories above it. Where a site has a list of its own for the same thing, that one counts there.
2. Exactly one list counts. A vendor is on it from the first to the last day of an approved entry, both included; an
   entry without a first or last day is open on that side.
3. A list on which nobody is (any more) permits nobody: when the last entry ends, that does not open the door.
4. Where no list counts, every vendor is permitted.

>>> from datetime import date
>>> bolts = VendorList("bolts", category=7, entries=(ListEntry(vendor=1, last=date(2026, 12, 31)),))
>>> here = VendorList("bolts here", category=7, site=3, entries=(ListEntry(vendor=2),))
>>> book = VendorBook((bolts, here))
>>> [book.permits(product=5, categories=(7, 1), site=3, vendor=vendor, day=date(2026, 6, 1)) for vendor in (1, 2)]
[False, True]
>>> book.permits(product=5, categories=(7, 1), site=4, vendor=1, day=date(2027, 1, 1))
False
>>> book.permits(product=5, categories=(8,), site=4, vendor=9, day=date(2027, 1, 1))
True
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A vendor and the days on which it may supply."""

    vendor: int
    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether ``day`` is one of them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class VendorList:
    """The vendors of one product or one category, everywhere or at one site."""

    key: object
    product: int | None = None
    category: int | None = None
    site: int | None = None
    entries: tuple[ListEntry, ...] = ()

    def permits(self, vendor: int, day: date) -> bool:
        """Whether ``vendor`` is on it on ``day``."""
        return any(entry.vendor == vendor and entry.holds(day) for entry in self.entries)


class VendorBook:
    """All lists in force of one company, looked up without searching."""

    __slots__ = ("_places",)

    def __init__(self, lists=()):
        self._places = {
            ("product", one.product, one.site) if one.product else ("category", one.category, one.site): one
            for one in lists
        }

    def list_for(self, product: int, categories, site: int | None) -> VendorList | None:
        """The list that counts; ``categories``: that of the product first, then those above it."""
        for kind, key in (("product", product), *(("category", category) for category in categories)):
            for place in (site, None):
                found = self._places.get((kind, key, place))
                if found:
                    return found
        return None

    def permits(self, product: int, categories, site: int | None, vendor: int, day: date) -> bool:
        """Whether ``vendor`` may supply it there on ``day``."""
        found = self.list_for(product, categories, site)
        return found is None or found.permits(vendor, day)

    def __bool__(self):
        return bool(self._places)
