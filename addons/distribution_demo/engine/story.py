"""What happened under the policy: purchase orders in every stage of approval.

Each order is a list of steps that its people take, at a time before now. Steps of all orders
happen in the order of their times.
"""

from dataclasses import dataclass

from .basket import Line, worth
from .vendors import VENDORS


@dataclass(frozen=True)
class Step:
    """``day`` days ago at ``hour``, ``person`` does ``act``; ``words`` are the comment or question."""

    day: int
    hour: float
    person: str
    act: str
    words: str = ""
    reason: str = ""
    value: float = 0


@dataclass(frozen=True)
class Order:
    """``key`` names the order in tests and documents; it is the order's source document.

    ``stage`` is where its approval stands in the end ("" for a draft that nobody confirmed).
    """

    key: str
    title: str
    vendor: str
    site: str
    buyer: str
    day: int
    lines: tuple[Line, ...]
    steps: tuple[Step, ...] = ()
    stage: str = ""
    urgent: bool = False
    reference: str = ""
    sent: bool = False


#: Days ago on which governance was proposed and confirmed.
GOVERNED_SINCE = 14
#: The order of the tour: a draft that a newcomer confirms.
TOUR = "TOUR"
TOUR_VALUE = 32500


def make_story(rng, book):
    """The orders under the policy, each with the steps that lead to its stage."""
    return (
        *_passed(rng, book),
        *_split(rng, book),
        *_waiting_for_purchasing(rng, book),
        *_in_second_stage(rng, book),
        *_waiting_for_compliance(rng, book),
        *_waiting_for_category_management(rng, book),
        *_talks(rng, book),
        *_closed(rng, book),
        *_released(rng, book),
        *_not_released(rng, book),
        *_changed(rng, book),
        *_drafts(rng, book),
    )


def _confirm(day, hour, buyer):
    return Step(day, hour, buyer, "confirm")


def _approve(day, hour, person, words=""):
    return Step(day, hour, person, "approve", words)


def _plain(rng, book, key, title, vendor, value, stage, steps=(), *, lines=2, buyer="buyer", site="CEN", **more):
    """An order at contract prices that its buyer confirms as the first step."""
    over = more.pop("over", 0.0)
    day, hour = more.pop("confirmed", (3, 10))
    return Order(
        key,
        title,
        vendor,
        site,
        buyer,
        min(13, day + 1),
        more.pop("goods", None) or book.basket(rng, vendor, value, lines, over),
        (_confirm(day, hour, buyer), *steps),
        stage,
        **more,
    )


def _passed(rng, book):
    receive = "receive"
    return (
        _plain(
            rng,
            book,
            "PASS-1",
            "Restock of gloves and masks",
            "shieldmark",
            640,
            "passed",
            (Step(5, 14, "warehouse_operator", receive),),
            confirmed=(9, 9.5),
        ),
        _plain(
            rng,
            book,
            "PASS-2",
            "Drill bits for the counter",
            "tamarack",
            1180,
            "passed",
            (Step(3, 11, "warehouse_operator", receive),),
            confirmed=(8, 13.2),
        ),
        _plain(rng, book, "PASS-3", "Hoses and fittings", "aerolis", 2240, "passed", confirmed=(6, 15.75), lines=3),
        _plain(
            rng,
            book,
            "PASS-4",
            "Contactors for the South branch",
            "corvane",
            1720,
            "passed",
            buyer="buyer_branch",
            site="SOU",
            confirmed=(2, 8.6),
        ),
    )


def _split(rng, book):
    """Four small orders with one vendor within a week, and the fifth that policy stops."""
    days = ((6, 10.1), (5, 9.4), (4, 16.2), (2, 10.9))
    return (
        *(
            _plain(
                rng,
                book,
                f"SPLIT-{number}",
                "Bearings for the workshop, part of a larger need",
                "kestrel",
                2230,
                "passed",
                confirmed=when,
            )
            for number, when in enumerate(days, start=1)
        ),
        _plain(
            rng,
            book,
            "SPLIT-5",
            "Bearings for the workshop, the fifth small order in a week",
            "kestrel",
            1950,
            "pending",
            confirmed=(1, 9.1),
        ),
    )


def _waiting_for_purchasing(rng, book):
    return (
        _plain(
            rng,
            book,
            "WAIT-1",
            "Safety shoes for a key account",
            "shieldmark",
            4800,
            "pending",
            confirmed=(1, 14.5),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "WAIT-2",
            "Cylinders for the packaging line project",
            "aerolis",
            12400,
            "pending",
            confirmed=(3, 11.3),
            lines=4,
        ),
        _plain(
            rng,
            book,
            "WAIT-3",
            "Tools for the North branch opening",
            "tamarack",
            31000,
            "pending",
            buyer="buyer_branch",
            site="NOR",
            confirmed=(5, 8.9),
            lines=4,
        ),
        _plain(
            rng,
            book,
            "WAIT-4",
            "Control cable, customer's line is down",
            "corvane",
            5600,
            "pending",
            confirmed=(0, 0.2),
            urgent=True,
        ),
    )


def _in_second_stage(rng, book):
    purchasing = "purchasing_manager"
    return (
        _plain(
            rng,
            book,
            "SECOND-1",
            "Gear motors, half a year's need",
            "kestrel",
            28600,
            "pending",
            (_approve(6, 9.2, purchasing, "Volume price checked."), _approve(4, 15.5, "finance_controller")),
            confirmed=(7, 10.4),
            lines=4,
        ),
        _plain(
            rng,
            book,
            "SECOND-2",
            "Anchors and rods for the bridge contract",
            "ridgeway",
            41200,
            "pending",
            (_approve(8, 11, purchasing), _approve(6, 16.4, "operations_manager", "Space in Central is reserved.")),
            confirmed=(9, 14.1),
            lines=5,
        ),
        _plain(
            rng,
            book,
            "SECOND-3",
            "Hydraulic pumps for stock",
            "aerolis",
            26900,
            "pending",
            (_approve(1, 10.6, purchasing),),
            confirmed=(2, 9.3),
            lines=4,
        ),
    )


def _waiting_for_compliance(rng, book):
    return (
        _plain(
            rng,
            book,
            "NEW-1",
            "First order with a new vendor: sensors",
            "novatherm",
            1800,
            "pending",
            confirmed=(2, 13.4),
        ),
        _plain(
            rng,
            book,
            "NEW-2",
            "Work shoes from a new vendor",
            "greyfell",
            6900,
            "pending",
            (_approve(3, 12.2, "purchasing_manager"),),
            confirmed=(4, 15.1),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "LIMITED-1",
            "Pump spares from a restricted vendor",
            "ostrander",
            7300,
            "pending",
            buyer="buyer_branch",
            site="SOU",
            confirmed=(8, 10.2),
            lines=3,
        ),
    )


def _waiting_for_category_management(rng, book):
    code = book.without_agreement("tamarack")[0]
    price = round(book.products[code].cost * 1.04, 2)
    return (
        _plain(
            rng,
            book,
            "NOPRICE-1",
            "A tool that has no contract price",
            "tamarack",
            0,
            "pending",
            confirmed=(1, 11.8),
            goods=(Line(code, max(2, int(900 / price)), price),),
        ),
        _plain(
            rng,
            book,
            "OVER-1",
            "Belts at 9 % over contract",
            "mesabi",
            2100,
            "pending",
            confirmed=(3, 14.7),
            over=0.09,
            buyer="buyer_branch",
            site="NOR",
        ),
        _plain(
            rng,
            book,
            "OVER-2",
            "Power supplies at 12 % over contract",
            "corvane",
            9400,
            "pending",
            (_approve(4, 9.7, "purchasing_manager", "Short on the market; the price is a question."),),
            confirmed=(5, 16.3),
            over=0.12,
            lines=3,
        ),
    )


def _talks(rng, book):
    """Questions, revisions and a decision handed over."""
    purchasing = "purchasing_manager"
    return (
        _plain(
            rng,
            book,
            "QUESTION-1",
            "Frequency drives for the bottling plant",
            "corvane",
            14200,
            "question",
            (Step(1, 15.3, purchasing, "ask", "Which customer order is this for, and is it firm?"),),
            confirmed=(2, 11.1),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "ANSWERED-1",
            "Couplings for two machine builders",
            "kestrel",
            8300,
            "pending",
            (
                Step(4, 9.6, purchasing, "ask", "We hold stock of two of these. Why again?"),
                Step(3, 8.8, "buyer", "answer", "Reserved for Ironbridge; the rest is below its minimum."),
            ),
            confirmed=(5, 13.9),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "REVISION-1",
            "Spanner sets, price without an agreement",
            "mesabi",
            3900,
            "revision",
            (
                Step(
                    2,
                    10.3,
                    "category_manager",
                    "revise",
                    "Tamarack has the same sets under contract, 7 % cheaper. Move what you can.",
                    "incomplete",
                ),
            ),
            confirmed=(4, 10.8),
            over=0.08,
            lines=3,
        ),
        _plain(
            rng,
            book,
            "HANDED-1",
            "Fasteners for a vendor that Marcus knows",
            "ridgeway",
            8900,
            "pending",
            (
                Step(
                    2,
                    16.1,
                    purchasing,
                    "escalate",
                    "The vendor's owner is a relative. Please decide in my place.",
                    "authority",
                ),
            ),
            confirmed=(3, 9.9),
            lines=3,
        ),
    )


def _closed(rng, book):
    return (
        _plain(
            rng,
            book,
            "REJECTED-1",
            "Cordless tools for the show room",
            "tamarack",
            11800,
            "rejected",
            (Step(5, 11.6, "purchasing_manager", "reject", "No budget before next quarter.", "budget"),),
            confirmed=(6, 14.6),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "REFUSED-1",
            "Power supplies from a blocked vendor",
            "sablecrest",
            1400,
            "refused",
            confirmed=(4, 13.1),
            buyer="buyer_branch",
            site="SOU",
        ),
        _plain(
            rng,
            book,
            "WITHDRAWN-1",
            "Masks, ordered twice by mistake",
            "shieldmark",
            3600,
            "withdrawn",
            (Step(3, 16.8, "buyer", "withdraw"),),
            confirmed=(4, 9.2),
        ),
        _plain(
            rng,
            book,
            "HOLD-1",
            "Precision bearings in a currency without a rate",
            "alpenzahn",
            5200,
            "on_hold",
            confirmed=(2, 14.9),
        ),
        _plain(
            rng,
            book,
            "VOID-1",
            "Gloves, cancelled after policy had passed them",
            "shieldmark",
            900,
            "void",
            (Step(2, 15.9, "buyer", "cancel"),),
            confirmed=(3, 12.6),
        ),
    )


def _released(rng, book):
    purchasing = "purchasing_manager"
    return (
        _plain(
            rng,
            book,
            "RELEASED-1",
            "Cable for the water utility's frame contract",
            "corvane",
            33400,
            "released",
            (
                _approve(12, 10.2, purchasing, "Frame contract, price as agreed."),
                _approve(11, 9.9, "finance_controller"),
                _approve(11, 14.4, "operations_manager"),
                Step(4, 9.3, "warehouse_operator", "receive"),
            ),
            confirmed=(12, 8.7),
            lines=4,
        ),
        _plain(
            rng,
            book,
            "RELEASED-2",
            "Belts and couplings from Halden",
            "halden",
            5700,
            "released",
            (_approve(9, 16.2, purchasing),),
            confirmed=(10, 11.5),
            lines=3,
        ),
        _plain(
            rng,
            book,
            "RELEASED-3",
            "Chemicals from a restricted vendor, one batch",
            "pinebluff",
            1600,
            "released",
            (_approve(6, 13.3, "compliance_officer", "Safety data sheets are complete."),),
            confirmed=(7, 9.1),
            buyer="buyer_branch",
            site="NOR",
        ),
    )


def _not_released(rng, book):
    """The requester left the company before the last approval: approved, and nobody to carry on."""
    purchasing = "purchasing_manager"
    return (
        _plain(
            rng,
            book,
            "STUCK-1",
            "Fittings for the plant in Lorain",
            "aerolis",
            4700,
            "approved",
            (_approve(2, 17.1, purchasing),),
            confirmed=(11, 13.5),
            buyer="buyer_former",
        ),
        _plain(
            rng,
            book,
            "STUCK-2",
            "Thread rods for stock",
            "ridgeway",
            3300,
            "approved",
            (_approve(3, 17.2, purchasing), Step(2, 9.2, "operations_manager", "take_case")),
            confirmed=(11, 14.2),
            buyer="buyer_former",
        ),
        _plain(
            rng,
            book,
            "STUCK-3",
            "Hearing protection, taken over by a colleague",
            "shieldmark",
            2900,
            "released",
            (
                _approve(6, 9.4, purchasing),
                Step(5, 10.1, "buyer", "confirm"),
                Step(
                    5, 11.2, "operations_manager", "resolve_case", "Clara Novak took the order over and confirmed it."
                ),
            ),
            confirmed=(11, 15.1),
            buyer="buyer_former",
        ),
    )


def _changed(rng, book):
    """A change of an order in force: the old quantity counts until it is approved."""
    return (
        _plain(
            rng,
            book,
            "AMEND-1",
            "Torque wrenches; the customer wants more",
            "tamarack",
            2150,
            "passed",
            (Step(1, 13.8, "buyer", "amend", "The customer doubled the order.", value=2.2),),
            confirmed=(6, 9.6),
        ),
        _plain(
            rng,
            book,
            "AMEND-2",
            "Valves; a little more than approved",
            "aerolis",
            6400,
            "released",
            (
                _approve(9, 10.9, "purchasing_manager"),
                Step(7, 14.3, "buyer", "amend", "One more machine to equip.", value=1.5),
                _approve(6, 11.7, "purchasing_manager"),
            ),
            confirmed=(10, 9.4),
        ),
    )


def _drafts(rng, book):
    tour = Order(
        TOUR,
        "Half a year's need of fasteners for the bridge contract",
        "ridgeway",
        "CEN",
        "buyer",
        1,
        book.basket(rng, "ridgeway", TOUR_VALUE, 5),
        reference="TOUR",
    )
    return (
        tour,
        Order(
            "DRAFT-1",
            "Small order within policy",
            "shieldmark",
            "CEN",
            "buyer",
            0,
            book.basket(rng, "shieldmark", 520, 2),
        ),
        Order(
            "DRAFT-2",
            "Asked for an offer",
            "corvane",
            "CEN",
            "buyer",
            2,
            book.basket(rng, "corvane", 7200, 3),
            sent=True,
        ),
        Order(
            "DRAFT-3",
            "Order of the South branch",
            "tamarack",
            "SOU",
            "buyer_branch",
            1,
            book.basket(rng, "tamarack", 2600, 2),
        ),
        Order(
            "DRAFT-4",
            "Oil and cleaner",
            "orleton",
            "NOR",
            "buyer_branch",
            3,
            book.basket(rng, "orleton", 1500, 2),
            sent=True,
        ),
    )


def value_of(order):
    """Untaxed value of a story order in company currency, at the plan's last rate."""
    from .vendors import RATES

    currency = next(vendor.currency for vendor in VENDORS if vendor.key == order.vendor)
    return worth(order.lines) / RATES.get(currency, (1, 1))[1]
