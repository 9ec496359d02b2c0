"""Which tolerance counts, when several were set.

Rules:

1. A tolerance is set for a vendor, for a product category (and all below it), for both, or for everything.
2. The narrowest one counts as a whole: vendor and category before vendor before category before everything; of
   categories the one nearest to the product.
3. Tolerances are not added up, and not mixed field by field: whoever looks one up sees one line.

>>> everything, screws, acme = Setting("e"), Setting("s", category=7), Setting("a", vendor=3)
>>> choose([everything, screws, acme], vendor=3, categories=(7, 2))
'a'
>>> choose([everything, screws, acme], vendor=4, categories=(7, 2))
's'
>>> choose([everything, screws, acme], vendor=4, categories=(2,))
'e'
>>> choose([], vendor=4, categories=()) is None
True
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """For whom a tolerance is set; None: whoever."""

    key: Hashable
    vendor: Hashable = None
    category: Hashable = None


def choose(settings: Iterable[Setting], vendor: Hashable, categories: Sequence[Hashable]) -> Hashable | None:
    """The key of the setting that counts, or None.

    :param categories: that of the product first, then those above it
    """
    near = {category: distance for distance, category in reversed(list(enumerate(categories)))}
    fitting = [
        setting
        for setting in settings
        if setting.vendor in (None, vendor) and (setting.category is None or setting.category in near)
    ]

    def width(setting):
        return setting.vendor is None, setting.category is None, near.get(setting.category, 0)

    best = min(fitting, key=width, default=None)
    return best.key if best else None
