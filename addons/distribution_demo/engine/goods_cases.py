"""What changed stock beside normal moves: counts, scrap and transfers between sites, with their policies.

Amounts are in company currency. A case names goods by category; the generator takes those of which
most lies at the site.
"""

from dataclasses import dataclass

from .policy import Rule

#: Days ago on which governance of stock began.
GOVERNED_SINCE = 9
#: Categories whose goods are high-value.
HIGH_VALUE = ("PTR",)

COUNT_POLICY = "Inventory adjustment policy"
COUNT_DESCRIPTION = (
    "What a count may change without asking. Gains and losses are added up without their signs; each count gives "
    "its cause, and small ones add up per site and product category."
)
COUNT_RULES = (
    Rule(10, "Up to 250 with a cause", "pass", (("amount", "le", "250"), ("cause_missing", "is_false", ""))),
    Rule(20, "Above 250", "require", (("amount", "gt", "250"),), ((10, "Operations"),)),
    Rule(30, "Above 2,500", "require", (("amount", "gt", "2500"),), ((10, "Operations"), (20, "Finance"))),
    Rule(40, "No cause is given", "require", (("cause_missing", "is_true", ""),), ((10, "Operations"),)),
    Rule(50, "High-value goods", "require", (("high_value", "is_true", ""),), ((20, "Finance"),)),
    Rule(
        60,
        "Over 1,000 in a week that nobody decided on",
        "require",
        (("adjustment_window_total", "gt", "1000"),),
        ((10, "Operations"),),
    ),
    Rule(70, "Goods without a cost", "require", (("without_cost", "is_true", ""),), ((10, "Category Management"),)),
)

SCRAP_POLICY = "Scrap policy"
SCRAP_DESCRIPTION = "What may be thrown away without asking, and who looks at the rest."
SCRAP_RULES = (
    Rule(10, "Up to 150 with a cause", "pass", (("amount", "le", "150"), ("cause_missing", "is_false", ""))),
    Rule(20, "Above 150", "require", (("amount", "gt", "150"),), ((10, "Category Management"),)),
    Rule(30, "Above 1,500", "require", (("amount", "gt", "1500"),), ((20, "Finance"),)),
    Rule(40, "No cause is given", "require", (("cause_missing", "is_true", ""),), ((10, "Operations"),)),
)

TRANSFER_POLICY = "Inter-site transfer policy"
TRANSFER_DESCRIPTION = "Goods move freely between sites unless the site that gives them runs dry, or much is at stake."
TRANSFER_RULES = (
    Rule(10, "Up to 2,500", "pass", (("amount", "le", "2500"),)),
    Rule(20, "Above 2,500", "require", (("amount", "gt", "2500"),), ((10, "Operations"),)),
    Rule(30, "The source runs dry within a week", "require", (("days_left", "lt", "7"),), ((10, "warehouse_manager"),)),
    Rule(40, "Constrained goods", "require", (("constrained_item", "is_true", ""),), ((10, "Operations"),)),
    Rule(
        50,
        "To another region, above 1,000",
        "require",
        (("crosses_region", "is_true", ""), ("amount", "gt", "1000")),
        ((20, "region_manager"),),
    ),
)


@dataclass(frozen=True)
class Count:
    """``lines``: (category, value that is gained – or lost, when negative); ``cause``: its code."""

    key: str
    site: str
    day: int
    lines: tuple[tuple[str, int], ...]
    cause: str
    stage: str
    decisions: tuple[tuple[str, str, str], ...] = ()  #: (person, outcome, comment)


@dataclass(frozen=True)
class Scrap:
    """Goods of ``category`` worth ``value`` that are thrown away."""

    key: str
    site: str
    day: int
    category: str
    value: int
    cause: str
    stage: str


@dataclass(frozen=True)
class Transfer:
    """Goods of ``category`` worth ``value`` that go from ``site`` to ``to``."""

    key: str
    site: str
    to: str
    day: int
    category: str
    value: int
    stage: str
    constrained: bool = False


COUNTS = (
    Count("COUNT-1", "CEN", 8, (("FAS", -90),), "miscount", "passed"),
    Count(
        "COUNT-2",
        "NOR",
        6,
        (("BRG", -820),),
        "theft",
        "released",
        (("operations_manager", "approve", "Police report 4471 is filed; book it."),),
    ),
    Count(
        "COUNT-3",
        "SOU",
        3,
        (("FAS", -640),),
        "",
        "rejected",
        (("operations_manager", "reject", "No cause given. Look on the mezzanine and count again."),),
    ),
    Count("COUNT-4", "CEN", 1, (("BRG", 1450), ("FAS", -1430)), "misplaced", "pending"),
)
SCRAPS = (
    Scrap("SCRAP-1", "CEN", 7, "FAS", 60, "damage", "passed"),
    Scrap("SCRAP-2", "NOR", 2, "BRG", 480, "quality", "pending"),
)
TRANSFERS = (
    Transfer("TRANSFER-1", "CEN", "SOU", 6, "FAS", 300, "passed"),
    Transfer("TRANSFER-2", "CEN", "NOR", 1, "BRG", 900, "pending", constrained=True),
)
