"""Vendor bills and new vendors of the demo company: two policies, and what happens under them.

Amounts are in company currency. Every matching rule counts (COLLECT).
"""

from dataclasses import dataclass

from .policy import Rule

#: Days ago on which bills came under governance.
BILLS_GOVERNED_SINCE = 12

BILL_POLICY = "Vendor bill policy"
BILL_DESCRIPTION = (
    "A bill that matches order and receipt is posted and may be paid. Who ordered answers for prices, who "
    "received for quantities, finance for bills without order and for duplicates."
)
BILL_RULES = (
    Rule(10, "Blocked vendor", "refuse", (("vendor_status", "in", ("blocked",)),)),
    Rule(20, "Bank account of somebody else", "refuse", (("foreign_bank_account", "is_true", ""),)),
    Rule(
        30,
        "Matches order and receipt",
        "pass",
        (
            ("order_variance_percent", "le", "2"),
            ("receipt_variance", "le", "25"),
            ("without_order", "is_false", ""),
            ("duplicate_reference", "is_false", ""),
            ("duplicate_amount", "is_false", ""),
            ("order_not_confirmed", "is_false", ""),
            ("other_vendor", "is_false", ""),
            ("amount", "le", "25000"),
        ),
    ),
    Rule(40, "Small, without order", "pass", (("without_order", "is_true", ""), ("amount", "le", "100"))),
    Rule(
        50,
        "More than 2 % beyond the order",
        "require",
        (("order_variance_percent", "gt", "2"),),
        ((10, "Purchasing"),),
    ),
    Rule(60, "Not received", "require", (("receipt_variance", "gt", "25"),), ((10, "Operations"),)),
    Rule(
        70,
        "Above 100 without order",
        "require",
        (("without_order", "is_true", ""), ("amount", "gt", "100")),
        ((10, "Finance"),),
    ),
    Rule(80, "Reference billed already", "require", (("duplicate_reference", "is_true", ""),), ((10, "Finance"),)),
    Rule(90, "Amount and date billed already", "require", (("duplicate_amount", "is_true", ""),), ((10, "Finance"),)),
    Rule(100, "Order not in force", "require", (("order_not_confirmed", "is_true", ""),), ((10, "Purchasing"),)),
    Rule(110, "Order of another vendor", "require", (("other_vendor", "is_true", ""),), ((10, "Finance"),)),
    Rule(
        120,
        "Above 25,000",
        "require",
        (("amount", "gt", "25000"),),
        ((10, "Finance"), (20, "Operations")),
    ),
)

ONBOARDING_POLICY = "Vendor onboarding policy"
ONBOARDING_DESCRIPTION = (
    "Small domestic vendors with their papers in order are approved at once; compliance looks at the others, "
    "and finance at those with whom much is to be spent."
)
ONBOARDING_RULES = (
    Rule(10, "Bank account of somebody else", "refuse", (("shared_bank_account", "is_true", ""),)),
    Rule(
        20,
        "Small, domestic, papers in order",
        "pass",
        (
            ("amount", "le", "5000"),
            ("abroad", "is_false", ""),
            ("vendor_documents", "all_of", ("registration", "tax")),
            ("duplicate_tax_id", "is_false", ""),
        ),
    ),
    Rule(30, "Above 5,000 a year", "require", (("amount", "gt", "5000"),), ((10, "Compliance"),)),
    Rule(
        40,
        "Above 50,000 a year",
        "require",
        (("amount", "gt", "50000"),),
        ((10, "Compliance"), (20, "Finance")),
    ),
    Rule(50, "Abroad", "require", (("abroad", "is_true", ""),), ((10, "Compliance"),)),
    Rule(60, "No valid document", "require", (("no_documents", "is_true", ""),), ((10, "Compliance"),)),
    Rule(
        70,
        "Tax ID in use",
        "require",
        (("duplicate_tax_id", "is_true", ""),),
        ((10, "Compliance"), (20, "Finance")),
    ),
)


@dataclass(frozen=True)
class Bill:
    """A bill for an order of about ``value`` at agreed prices, or of ``text`` without one.

    ``received``: part of the order that arrived; ``dearer``: part added to the prices;
    ``stage``: where its approval stands in the end.
    """

    key: str
    vendor: str
    value: float
    reference: str
    stage: str
    day: int = 3
    text: str = ""
    received: float = 1.0
    dearer: float = 0.0
    repeats: str = ""
    rejected: str = ""
    paid_past_hold: bool = False


BILLS = (
    Bill("BILL-MATCH", "aerolis", 1100, "AFP-2291", "passed", day=8),
    Bill("BILL-DEARER", "corvane", 1650, "CES-77120", "pending", day=4, dearer=0.08),
    Bill("BILL-SHORT", "tamarack", 1300, "TT/4478", "pending", day=2, received=0.6),
    Bill(
        "BILL-NO-ORDER",
        "shieldmark",
        1240,
        "SM-0093-R",
        "pending",
        day=6,
        text="Repair of the eyewash station, call-out on a Sunday",
        paid_past_hold=True,
    ),
    Bill(
        "BILL-TWICE",
        "aerolis",
        0,
        "afp 2291",
        "rejected",
        day=1,
        repeats="BILL-MATCH",
        rejected="The same bill came by mail and as a scan.",
    ),
)


@dataclass(frozen=True)
class Newcomer:
    """A vendor that is new, and its onboarding."""

    key: str
    name: str
    city: str
    country: str
    spend: float
    category: str
    documents: tuple
    stage: str
    note: str
    day: float = 0.1


NEWCOMERS = (
    Newcomer(
        "larkspur",
        "Larkspur Packaging",
        "Lima",
        "us",
        3200,
        "PPE",
        ("registration", "tax"),
        "passed",
        "Cartons with our print; the present supplier needs six weeks.",
    ),
    Newcomer(
        "bexley",
        "Bexley Technical Textiles Ltd",
        "Bexley",
        "uk",
        62000,
        "PPE",
        ("registration", "quality"),
        "pending",
        "Cut-resistant gloves that nobody in the country makes.",
    ),
)
