"""What happened between Larkfield and the vendors of the winter range: five months that are closed, and the present.

Months count back from the present one: 1 is the last month. Days of the present count back from today; a negative one
lies ahead.
"""

from dataclasses import dataclass, field

from .policy import Rule


@dataclass(frozen=True)
class PastOrder:
    """An order of a month that is over.

    ``day``: of the month, when it was placed; ``promised``: the day of the month that it was asked for; ``late``: days
    after that; ``came``: part of the first line that arrived; ``dearer``: part added to the billed prices;
    ``answered``: working days until the vendor's answer, None: none came; ``dearer_promise``: part that the vendor's
    promised price is above the ordered one.
    """

    vendor: str
    month: int
    site: str
    lines: tuple[tuple[str, int], ...]
    day: int = 4
    promised: int = 14
    late: int = 0
    came: float = 1.0
    dearer: float = 0.0
    answered: float | None = 0.5
    dearer_promise: float = 0.0
    damaged: int = 0


PAST = (
    # Salt comes, whoever answers or not.
    PastOrder("saltmere", 5, "CEN", (("WIN-101", 60), ("WIN-103", 40)), answered=2),
    PastOrder("saltmere", 4, "NOR", (("WIN-101", 40), ("WIN-102", 20)), answered=3),
    PastOrder("saltmere", 3, "CEN", (("WIN-101", 60),), answered=3),
    PastOrder("saltmere", 2, "CEN", (("WIN-101", 70), ("WIN-103", 40)), answered=3),
    PastOrder("saltmere", 1, "SOU", (("WIN-103", 30),), answered=4),
    # Heaters: from reliable to a matter for the head of purchasing.
    PastOrder("northbank", 5, "CEN", (("WIN-201", 12), ("WIN-203", 10))),
    PastOrder("northbank", 4, "CEN", (("WIN-202", 8),)),
    PastOrder("northbank", 3, "NOR", (("WIN-201", 8), ("WIN-203", 8))),
    PastOrder("northbank", 2, "CEN", (("WIN-201", 14), ("WIN-203", 12)), late=8, came=0.7, dearer=0.06, answered=5),
    PastOrder("northbank", 1, "CEN", (("WIN-202", 10), ("WIN-203", 9)), late=7, came=0.8, dearer=0.05, answered=6),
    # Workwear: as it should be.
    PastOrder("wexcombe", 5, "CEN", (("WIN-301", 50), ("WIN-302", 10))),
    PastOrder("wexcombe", 4, "SOU", (("WIN-301", 30), ("WIN-303", 12))),
    PastOrder("wexcombe", 3, "CEN", (("WIN-303", 40),), dearer_promise=0.01),
    PastOrder("wexcombe", 2, "NOR", (("WIN-301", 40), ("WIN-302", 8))),
    PastOrder("wexcombe", 1, "CEN", (("WIN-301", 60),), damaged=4),
    # Imports: with freight and duty on top.
    PastOrder("tolvanen", 5, "CEN", (("WIM-401", 40), ("WIM-402", 60))),
    PastOrder("tolvanen", 4, "CEN", (("WIM-401", 36),)),
    PastOrder("tolvanen", 3, "CEN", (("WIM-402", 70),)),
    PastOrder("tolvanen", 2, "CEN", (("WIM-401", 44), ("WIM-402", 60))),
)


@dataclass(frozen=True)
class PresentOrder:
    """An order of these days; ``key`` is its source document. ``asked`` is when it is to arrive."""

    key: str
    vendor: str
    site: str
    lines: tuple[tuple[str, int], ...]
    day: int
    asked: int
    steps: tuple[tuple, ...] = field(default=())  #: (days ago, hour, what happens, its arguments)


PRESENT = (
    PresentOrder(
        "BUY-ON-ITS-WAY",
        "wexcombe",
        "CEN",
        (("WIN-302", 12),),
        6,
        -3,
        ((5, 11, "confirm", {}), (1, 15, "announce", {"reference": "WX-20931", "part": 1.0})),
    ),
    PresentOrder(
        "BUY-SILENT",
        "saltmere",
        "NOR",
        (("WIN-101", 30),),
        10,
        -4,
        tuple((days, 17, "chase", {}) for days in range(9, 0, -1)),
    ),
    PresentOrder(
        "BUY-LATER",
        "northbank",
        "CEN",
        (("WIN-201", 20),),
        8,
        -4,
        (
            (7, 9, "confirm", {}),
            (0, 1, "promise", {"days": -18, "note": "A transformer failed; new ones in two weeks."}),
        ),
    ),
    PresentOrder(
        "BUY-MISSING",
        "northbank",
        "SOU",
        (("WIN-203", 12),),
        12,
        5,
        ((11, 9, "confirm", {}), (2, 16, "chase", {}), (1, 16, "chase", {})),
    ),
    PresentOrder(
        "BUY-CONFLICT",
        "saltmere",
        "CEN",
        (("WIN-102", 20),),
        5,
        -2,
        ((4, 10, "confirm", {}), (1, 9, "announce", {"reference": "SM-7781", "part": 1.5})),
    ),
    PresentOrder(
        "BUY-SHORT",
        "wexcombe",
        "CEN",
        (("WIN-301", 40),),
        9,
        2,
        ((8, 9, "confirm", {}), (2, 13, "arrive", {"part": 0.75, "damaged": 3})),
    ),
    PresentOrder(
        "BUY-OVER",
        "saltmere",
        "SOU",
        (("WIN-103", 20),),
        9,
        3,
        ((7, 9, "confirm", {}), (3, 13, "arrive", {"part": 1.25})),
    ),
    PresentOrder(
        "BUY-DEARER",
        "wexcombe",
        "NOR",
        (("WIN-303", 15),),
        10,
        4,
        ((9, 9, "confirm", {}), (4, 10, "arrive", {}), (1, 10, "bill", {"reference": "WX-4410", "dearer": 0.09})),
    ),
    PresentOrder(
        "BUY-RETURNED",
        "tolvanen",
        "CEN",
        (("WIM-402", 30),),
        11,
        6,
        (
            (10, 9, "confirm", {}),
            (6, 10, "arrive", {}),
            (5, 10, "bill", {"reference": "TI/11-208"}),
            (2, 11, "give_back", {"part": 0.2}),
        ),
    ),
)
#: Customers who count on what ``BUY-LATER`` brings: (place of the customer, product, units, days ahead).
WAITING_CUSTOMERS = ((30, "WIN-201", 6, 6), (31, "WIN-201", 5, 8))

#: Percent: freight, duty and insurance of what is bought in Finland.
LANDED_RULES = (("freight", "percent", 7.0), ("duty", "percent", 3.2), ("insurance", "percent", 0.6))
#: Of the last import: what freight and duty came to.
LANDED_CAME = (("Sea freight and drayage", "freight", 62.0), ("Customs duty", "duty", 24.5))

TOLERANCE = {
    "days_later": 2,
    "days_earlier": 5,
    "quantity_percent": 5,
    "price_percent": 2,
    "short_percent": 2,
    "over_percent": 2,
    "damaged_percent": 2,
    "bill_price_percent": 1,
    "bill_quantity_percent": 1,
    "bill_receipt_percent": 1,
}

REQUISITION_POLICY = "Requisition policy"
REQUISITION_DESCRIPTION = (
    "Who needs little, and has a budget for it, gets it. Larger needs are Purchasing's to judge; what a budget does "
    "not bear is Finance's."
)
REQUISITION_RULES = (
    Rule(10, "Up to 1,000, within budget", "pass", (("amount", "le", "1000"), ("over_budget", "is_false", ""))),
    Rule(20, "Above 1,000", "require", (("amount", "gt", "1000"),), ((10, "Purchasing"),)),
    Rule(30, "Over budget", "require", (("over_budget", "is_true", ""),), ((20, "Finance"),)),
)
REQUISITIONS_SINCE = 9


@dataclass(frozen=True)
class Need:
    """A requisition; ``fate`` is what became of it."""

    key: str
    requester: str
    site: str
    code: str
    quantity: int
    why: str
    fate: str
    day: int
    needed_in: int = 10
    urgent: bool = False


NEEDS = (
    Need(
        "draft", "sales_rep", "CEN", "WIN-302", 4, "Jackets for the trade fair; the number is not sure yet.", "draft", 1
    ),
    Need("waiting", "warehouse_operator", "NOR", "WIN-202", 20, "The hall at North cannot be heated.", "waiting", 2),
    Need("rejected", "sales_rep", "CEN", "WIN-302", 30, "Presents for customers.", "rejected", 6),
    Need("cancelled", "sales_rep", "CEN", "WIN-303", 6, "Shovels for the car park.", "cancelled", 7),
    Need("open", "warehouse_operator", "SOU", "WIN-103", 25, "The yard is icy in the morning.", "open", 2, 3, True),
    Need("quoted", "sales_rep", "CEN", "WIN-301", 25, "Gloves with a customer's print.", "quoted", 4),
    Need("ordered", "warehouse_operator", "CEN", "WIN-303", 30, "Every lorry gets a shovel.", "ordered", 5),
    Need("received", "warehouse_operator", "CEN", "WIN-301", 20, "Gloves for the dock.", "received", 8, 2),
    Need("moved", "warehouse_operator", "SOU", "WIN-303", 4, "Shovels for South's own yard.", "moved", 3),
    Need("over", "warehouse_operator", "CEN", "WIN-203", 12, "The sprinkler room must not freeze.", "over", 1, 8),
    Need("closed", "sales_rep", "CEN", "WIN-102", 10, "De-icer for the open day; the day was called off.", "closed", 8),
)

#: (name, owner, amount for the winter range, amount for everything else); the first one is too small.
BUDGETS = (
    ("Warehouse, this season", "warehouse_manager", 700.0, 1500.0),
    ("Sales, this season", "sales_manager", 6000.0, 4000.0),
)
#: A season's budget: so many days back and ahead.
BUDGET_DAYS = 60

#: Vendors on the list of who may supply the range; the last one is proposed and waits.
LISTED = ("saltmere", "northbank", "wexcombe", "tolvanen")
PROPOSED = "umbra"
#: (from, to, days, cost of a transfer, cost of a unit)
LANES = (("CEN", "NOR", 1, 18.0, 0.1), ("CEN", "SOU", 1, 14.0, 0.1), ("NOR", "SOU", 2, 30.0, 0.15))
#: Hours ago at which the run of last night began, unless that was yesterday.
LAST_NIGHT = 6
