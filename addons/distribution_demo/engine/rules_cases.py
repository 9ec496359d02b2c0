"""The rules of the game in the demo company, shown on expedited freight.

Conditions, an emergency release, a fast path with its ceiling, a substitute, local variants of which one
fell out of its band, a monitored rule with its report, a simulation, an overdue review. The policy itself is
``FREIGHT_RULES`` in :mod:`.master_cases`.
"""

from dataclasses import dataclass

#: Who may release in an emergency.
EMERGENCY_RELEASER = "warehouse_manager"
#: Months after which the freight policy is reviewed: it is overdue.
REVIEW_MONTHS = 1
#: The band that version 2 of the freight policy leaves to the sites.
NEXT_BAND = ("50", "320")
NEXT_SUMMARY = "Sites set their limit up to 320 only (400 so far): two of them paid more for freight than for goods."
#: Documents of so many months are simulated with the draft of the next purchase policy.
SIMULATED_MONTHS = 3


@dataclass(frozen=True)
class Variant:
    """A site that sets the freight limit itself."""

    site: str
    value: str
    reason: str
    in_band: bool


@dataclass(frozen=True)
class Case:
    """A freight request of ``buyer`` on ``day``; ``steps``: (person, act, words), an hour after each other."""

    key: str
    day: int
    site: str
    amount: float
    reason: str
    note: str
    stage: str
    steps: tuple = ()


VARIANTS = (
    Variant("NOR", "300", "Two days from the next hub: parcels from there cost more.", True),
    Variant("SOU", "350", "Island deliveries.", False),
)
SUBSTITUTE = ("category_manager", "purchasing_manager", 1000.0, "Trade fair")
CASES = (
    Case("RULE-VARIANT", 15, "NOR", 240.0, "late_supplier", "Within what North may decide itself.", "passed"),
    Case("RULE-MONITORED", 12, "CEN", 130.0, "carrier", "A rule on trial would have asked Purchasing.", "passed"),
    Case(
        "RULE-CONDITION",
        4,
        "CEN",
        520.0,
        "carrier",
        "The carrier lost a pallet.",
        "released",
        (("purchasing_manager", "approve_on", "Claim the cost from the carrier"),),
    ),
    Case(
        "RULE-REPORTED",
        5,
        "CEN",
        610.0,
        "late_supplier",
        "The vendor shipped a week late.",
        "released",
        (
            ("purchasing_manager", "approve_on", "Charge it to the vendor"),
            ("buyer", "report", "Debit note was sent with the delivery papers."),
        ),
    ),
    Case(
        "RULE-EMERGENCY",
        1,
        "CEN",
        1250.0,
        "stock_out",
        "A van at night; the press of the customer stands still.",
        "released",
        (("warehouse_manager", "emergency", "The press of our customer stands still; Purchasing is not reached."),),
    ),
    Case("RULE-FAST-1", 0, "CEN", 280.0, "customer", "Line down at the customer, first van.", "passed"),
    Case("RULE-FAST-2", 0, "CEN", 300.0, "customer", "Second van: above the ceiling of the day.", "pending"),
    Case(
        "RULE-SUBSTITUTE",
        0,
        "CEN",
        140.0,
        "quality",
        "Wrong thread; the vendor sends new ones.",
        "released",
        (("purchasing_manager", "approve_for", "Priya is at the fair; the vendor pays the goods."),),
    ),
)
