"""The purchase policy of the demo company, as data.

More than one rule may match (COLLECT): every stage that a matching rule asks for is asked.
Amounts are in company currency.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """``conditions``: (fact, operator, value or option codes); ``stages``: (number, approval group).

    A condition with a fourth part is adjustable: (name of the threshold, lowest, highest value of a variant).
    ``more``: (field, value) of what else the rule says.
    """

    sequence: int
    name: str
    outcome: str
    conditions: tuple
    stages: tuple = ()
    more: tuple = ()


NAME = "Purchase policy"
DESCRIPTION = (
    "What a buyer may order alone, and who decides on the rest. Small orders at contract prices from "
    "approved vendors go through; value, the vendor's standing and the price bring in more people."
)
SETTINGS = {
    "hit_policy": "COLLECT",
    "tolerance_percent": 2,
    "tolerance_amount": 50,
    "spend_window_days": 7,
    "split_limit": 2500,
}
FALLBACK = "operations_manager"
#: Hours of working time that each approver has, and how long before that a reminder comes.
SERVICE_HOURS = 16
REMINDER_HOURS = 4
PASS_LIMIT = 2500
BOARD_LIMIT = 25000
WINDOW_LIMIT = 10000
PRICE_MARGIN = 5

RULES = (
    Rule(10, "Blocked vendor", "refuse", (("vendor_status", "in", ("blocked",)),)),
    Rule(
        20,
        "Within the buyer's own limit",
        "pass",
        (
            ("vendor_status", "in", ("approved",)),
            ("amount", "le", str(PASS_LIMIT)),
            ("price_over_contract", "le", str(PRICE_MARGIN)),
        ),
    ),
    Rule(30, "Above 2,500", "require", (("amount", "gt", str(PASS_LIMIT)),), ((10, "Purchasing"),)),
    Rule(
        40,
        "Above 25,000",
        "require",
        (("amount", "gt", str(BOARD_LIMIT)),),
        ((10, "Purchasing"), (20, "Finance"), (20, "Operations")),
    ),
    Rule(
        50,
        "Vendor not yet approved",
        "require",
        (("vendor_status", "in", ("new", "restricted")),),
        ((10, "Compliance"),),
    ),
    Rule(
        60,
        "More than 5 % over contract",
        "require",
        (("price_over_contract", "gt", str(PRICE_MARGIN)),),
        ((10, "Category Management"),),
    ),
    Rule(70, "No contract price", "require", (("no_contract_price", "is_true", ""),), ((10, "Category Management"),)),
    Rule(
        80,
        "Over 10,000 in small orders within a week",
        "require",
        (("vendor_window_total", "gt", str(WINDOW_LIMIT)),),
        ((10, "Purchasing"),),
    ),
)

#: The draft of the next version.
NEXT_PASS_LIMIT = 3000
NEXT_RULE = Rule(
    90,
    "Urgent and above 1,000",
    "require",
    (("urgent", "is_true", ""), ("amount", "gt", "1000")),
    ((10, "warehouse_manager"),),
)
NEXT_SUMMARY = (
    "Buyers order up to 3,000 alone (2,500 so far): a fifth of all requests last quarter lay between the two. "
    "New: urgent orders above 1,000 are also seen by the manager of the receiving site."
)
