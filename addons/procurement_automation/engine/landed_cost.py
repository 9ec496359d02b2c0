"""What goods cost on top of their price until they are here: freight, duty, insurance, by rule.

Rules, in words
---------------
1. A rule holds for what it names – vendor, category (with those below it), country of the vendor, delivery terms –
   and for everything it does not name; and on its days, both ends included.
2. Of each kind of cost one rule counts: the one that names the vendor before one that does not, then the nearest
   category, then the country, then the terms. Of two that name the same, the one that was entered first.
3. A rate is a percentage of the value, or an amount in company currency for a unit, a kilogram or a cubic metre.

>>> sea = LandedRule(1, "freight", "weight", 0.5)
>>> duty = LandedRule(2, "duty", "percent", 4, country=3)
>>> free = LandedRule(3, "duty", "percent", 0, country=3, category=7)
>>> bolts = LandedFacts(value=1000, quantity=10, weight=200, country=3, categories=(7, 1))
>>> expected((sea, duty, free), bolts)
{'freight': 100.0, 'duty': 0.0}
>>> expected((sea, duty), bolts)
{'freight': 100.0, 'duty': 40.0}
"""

from dataclasses import dataclass
from datetime import date

KINDS = ("freight", "duty", "insurance", "other")
METHODS = ("percent", "unit", "weight", "volume")


@dataclass(frozen=True, slots=True)
class LandedRule:
    """A rate; ``None``: whatever it is."""

    key: int
    kind: str
    method: str
    rate: float
    vendor: int | None = None
    category: int | None = None
    country: int | None = None
    terms: int | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class LandedFacts:
    """About one line; ``value`` in company currency, ``quantity``, ``weight`` and ``volume`` of all of it."""

    value: float
    quantity: float = 0.0
    weight: float = 0.0
    volume: float = 0.0
    vendor: int | None = None
    categories: tuple[int, ...] = ()
    country: int | None = None
    terms: int | None = None
    day: date | None = None


def holds(rule: LandedRule, line: LandedFacts) -> bool:
    """Whether ``rule`` is for this line (rule 1)."""
    if line.day and ((rule.first and line.day < rule.first) or (rule.last and rule.last < line.day)):
        return False
    if rule.category is not None and rule.category not in line.categories:
        return False
    named = ((rule.vendor, line.vendor), (rule.country, line.country), (rule.terms, line.terms))
    return all(wanted is None or wanted == found for wanted, found in named)


def rank(rule: LandedRule, line: LandedFacts):
    """The smaller, the nearer to this line (rule 2)."""
    step = len(line.categories) if rule.category is None else line.categories.index(rule.category)
    return rule.vendor is None, step, rule.country is None, rule.terms is None, rule.key


def amount_of(rule: LandedRule, line: LandedFacts) -> float:
    """What ``rule`` makes of this line, in company currency."""
    base = {
        "percent": line.value / 100,
        "unit": line.quantity,
        "weight": line.weight,
        "volume": line.volume,
    }[rule.method]
    return rule.rate * base


def expected(rules, line: LandedFacts) -> dict:
    """``{kind: amount}`` of the kinds for which a rule counts, in the order of :data:`KINDS`."""
    best = {}
    for rule in rules:
        if holds(rule, line) and (rule.kind not in best or rank(rule, line) < rank(best[rule.kind], line)):
            best[rule.kind] = rule
    return {kind: float(amount_of(best[kind], line)) for kind in KINDS if kind in best}


def covered(billed: dict, left: dict) -> float:
    """How much of what is billed was expected, kind by kind: what one kind costs less pays for no other.

    :param billed: ``{kind: amount}``; what is given back is covered
    :param left: ``{kind: amount}`` that is still expected

    >>> covered({"freight": 80, "duty": 10}, {"freight": 50, "duty": 40})
    60
    >>> covered({"freight": 80, "insurance": 5}, {"freight": 100})
    80
    """
    return sum(min(amount, max(left.get(kind, 0), 0)) for kind, amount in billed.items())
