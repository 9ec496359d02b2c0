"""Budgets: which of them pays for something, and what is left of it.

Rules, in words
---------------
1. A budget line holds for the days of its period, both ends included.
2. What has an owner is paid from the owner's lines, if one of them fits; else, like what has no owner, from the lines
   that belong to nobody. Nobody pays from another owner's line.
3. Of the lines that fit, the one with the nearest category counts: that of the product, then those above it, last a
   line for everything. Exactly one line pays.
4. Actual (bills), committed (approved orders that are not billed) and reserved (approved requests that are not
   ordered) use a budget up. What waits for its approval is shown and uses nothing.
5. Something is over budget when what is used and it together are more than the amount; to the cent is not over.
6. What was reserved for a request makes room for its order once, and on the line that it is reserved on only: an order
   that another line pays for does not get smaller by it.

>>> from datetime import date
>>> year = dict(first=date(2026, 1, 1), last=date(2026, 12, 31))
>>> tools = BudgetLine("tools", amount=1000, owner=4, category=7, **year)
>>> rest = BudgetLine("rest", amount=500, **year)
>>> book = BudgetBook((tools, rest))
>>> [book.line_for(owner, (9, 7), date(2026, 5, 1)).key for owner in (4, 5, None)]
['tools', 'rest', 'rest']
>>> used = Usage(actual=300, committed=400, reserved=100, waiting=900)
>>> used.used, left(tools, used), is_over(tools, used, 200), is_over(tools, used, 201)
(800, 200, False, True)

Of 100 that are reserved for a request, an order of 250 needs 150 more where the same line pays:

>>> from dataclasses import replace
>>> asked = Claim(4, (7,), date(2026, 5, 1), 100)
>>> order = Claim(4, (7,), date(2026, 5, 1), 250, Reservation("request", asked, rest=100))
>>> charge(book, {"tools": used}, [order])
Charged(is_over=False, is_missing=False, share=95.0, lines=('tools',))
>>> charge(book, {}, [replace(order, owner=None)]).share
50.0
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """An amount for a period, of an owner or nobody's, for a category or everything."""

    key: object
    amount: float
    first: date
    last: date
    owner: int | None = None
    category: int | None = None

    def holds(self, day: date) -> bool:
        """Whether ``day`` is in its period."""
        return self.first <= day <= self.last


@dataclass(slots=True)
class Usage:
    """What a budget line is used for, in company currency."""

    actual: float = 0
    committed: float = 0
    reserved: float = 0
    waiting: float = 0

    @property
    def used(self):
        """What cannot be spent again."""
        return self.actual + self.committed + self.reserved


def left(line: BudgetLine, usage: Usage) -> float:
    """What is still available; negative: it was exceeded."""
    return line.amount - usage.used


def is_over(line: BudgetLine, usage: Usage, asked: float, cent: float = 0.005) -> bool:
    """Whether ``asked`` on top goes over the amount (rule 5)."""
    return usage.used + asked > line.amount + cent


class BudgetBook:
    """The budget lines in force of one company."""

    __slots__ = ("_lines",)

    def __init__(self, lines=()):
        self._lines = {}
        for line in lines:
            self._lines.setdefault((line.owner, line.category), []).append(line)

    def line_for(self, owner: int | None, categories, day: date) -> BudgetLine | None:
        """The line that pays; ``categories``: the nearest first."""
        for who in dict.fromkeys((owner, None)):
            for category in (*categories, None):
                for line in self._lines.get((who, category), ()):
                    if line.holds(day):
                        return line
        return None

    def __bool__(self):
        return bool(self._lines)


@dataclass(frozen=True, slots=True)
class Claim:
    """An amount that a budget is to pay. ``categories``: the nearest first; ``day``: whose period pays."""

    owner: int | None
    categories: tuple[int, ...]
    day: date
    amount: float
    reservation: "Reservation | None" = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a request holds ready for an order. ``claim``: that of the request, with the part that is ordered now;
    ``rest``: all that is still reserved for it."""

    key: object
    claim: Claim
    rest: float


@dataclass(frozen=True, slots=True)
class Charged:
    """What budgets say of a document. ``share``: per cent of the line that is used most, with it."""

    is_over: bool
    is_missing: bool
    share: float | None
    lines: tuple


def charge(book: BudgetBook, usage: dict, claims, taken: dict | None = None) -> Charged:
    """Judge the claims of one document, and let them count in ``usage`` for those that are judged after it.

    :param taken: ``{key of a reservation: what was taken of it}``, shared by documents that are judged together
    """
    taken = {} if taken is None else taken
    asked, lines, is_missing = {}, {}, False
    for claim in claims:
        line = book.line_for(claim.owner, claim.categories, claim.day)
        if not line:
            is_missing = True
            continue
        lines[line.key] = line
        asked[line.key] = asked.get(line.key, 0.0) + claim.amount - _room(book, line, claim.reservation, taken)
    found = {key: usage.setdefault(key, Usage()) for key in asked}
    over = any(is_over(lines[key], found[key], amount) for key, amount in asked.items())
    shares = [_share(lines[key], found[key], amount) for key, amount in asked.items()]
    for key, amount in asked.items():
        found[key].reserved += amount
    return Charged(over, is_missing, max(shares, default=None), tuple(asked))


def _room(book, line, reservation, taken):
    """What of an order is reserved on ``line`` already (rule 6)."""
    if not reservation:
        return 0.0
    held = reservation.claim
    if book.line_for(held.owner, held.categories, held.day) != line:
        return 0.0
    room = max(0.0, min(held.amount, reservation.rest - taken.get(reservation.key, 0.0)))
    taken[reservation.key] = taken.get(reservation.key, 0.0) + room
    return room


def _share(line, usage, amount):
    if not line.amount:
        return 100.0 if amount <= 0 else 1e6
    return 100 * (usage.used + amount) / line.amount
