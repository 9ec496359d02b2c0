"""Vendor master changes, expedited freight and report releases of the demo company, with their policies."""

from dataclasses import dataclass

from .policy import Rule

ACCOUNT_KINDS = ("account_new", "account_change", "account_trust", "account_remove", "bill_account")
GOVERNED_SINCE = 5

VENDOR_POLICY = "Vendor master policy"
VENDOR_DESCRIPTION = (
    "Where money to vendors goes, when, and under which number they are taxed changes with a second pair of eyes. "
    "An account that somebody else has as well is refused."
)
VENDOR_RULES = (
    Rule(10, "Account known from somebody else", "refuse", (("account_of_others", "is_true", ""),)),
    Rule(20, "Bank accounts", "require", (("change_kind", "in", ACCOUNT_KINDS),), ((10, "Finance"),)),
    Rule(
        30,
        "Account in another country",
        "require",
        (("change_kind", "in", ACCOUNT_KINDS), ("bank_elsewhere", "is_true", "")),
        ((10, "Compliance"),),
    ),
    Rule(40, "Not confirmed by a call", "require", (("called_back", "is_false", ""),), ((10, "Compliance"),)),
    Rule(50, "Payment terms", "require", (("change_kind", "in", ("payment_terms",)),), ((10, "Purchasing"),)),
    Rule(60, "VAT number, confirmed", "pass", (("change_kind", "in", ("vat",)), ("called_back", "is_true", ""))),
    Rule(70, "Another change within 30 days", "require", (("other_changes", "ge", "2"),), ((20, "Operations"),)),
)

FREIGHT_POLICY = "Expedited freight policy"
FREIGHT_DESCRIPTION = (
    "Small costs of faster freight are authorised at once; large ones, and late planning, are looked at."
)
#: Days ago on which the freight policy was published: its review is overdue, its monitored rule has reported.
FREIGHT_GOVERNED_SINCE = 40
#: What sites may set themselves, within a band.
FREIGHT_LIMIT = "freight limit"
FREIGHT_BAND = (FREIGHT_LIMIT, "50", "400")
FREIGHT_RULES = (
    Rule(
        5,
        "A customer stands still",
        "pass",
        (("freight_reason", "in", ("customer",)), ("amount", "le", "400")),
        more=(("fast_path", True), ("fast_path_day", 500)),
    ),
    Rule(
        10,
        "Up to 150 and the first for the order",
        "pass",
        (("amount", "le", "150", FREIGHT_BAND), ("earlier_requests", "le", "0")),
    ),
    Rule(20, "Above 150", "require", (("amount", "gt", "150", FREIGHT_BAND),), ((10, "Purchasing"),)),
    Rule(30, "Again for the same order", "require", (("earlier_requests", "gt", "0"),), ((10, "Purchasing"),)),
    Rule(40, "Planned too late", "require", (("freight_reason", "in", ("planning",)),), ((20, "Operations"),)),
    Rule(
        50,
        "Replacement for a defect",
        "require",
        (("freight_reason", "in", ("quality",)),),
        ((10, "Category Management"),),
    ),
    Rule(
        60,
        "Above 100, on trial",
        "require",
        (("amount", "gt", "100"),),
        ((10, "Purchasing"),),
        more=(("mode", "monitor"),),
    ),
)

REPORT_POLICY = "Report release policy"
REPORT_DESCRIPTION = (
    "Who releases a report is said by its release pattern. What is released by hand: the team's own goes out at once; "
    "what customers read is signed off by two parties. Failed checks and stale data are looked at whatever the pattern."
)
#: Reports that the procurement lead releases above their threshold; the others are for Operations.
PROCUREMENT_REPORT = "supplier_fill_rate"
_BY_HAND = ("release_pattern", "is_empty", "")
REPORT_RULES = (
    Rule(
        10,
        "Own team, all checks passed",
        "pass",
        (_BY_HAND, ("audience", "in", ("team",)), ("failed_checks", "le", "0")),
    ),
    Rule(20, "Management", "require", (_BY_HAND, ("audience", "in", ("management",))), ((10, "Operations"),)),
    Rule(
        30,
        "Customers, suppliers, the public",
        "require",
        (_BY_HAND, ("audience", "in", ("customer", "supplier", "public"))),
        ((10, "Finance"), (10, "Category Management")),
    ),
    Rule(40, "Failed checks", "require", (("failed_checks", "gt", "0"),), ((10, "Operations"),)),
    Rule(50, "Stale data, by hand", "refuse", (_BY_HAND, ("stale", "is_true", ""))),
    Rule(
        60,
        "Stale data, marked",
        "require",
        (("marked", "is_true", ""), ("stale", "is_true", "")),
        ((10, "Operations"),),
    ),
    Rule(70, "Automatic", "pass", (("release_pattern", "in", ("automatic",)), ("failed_checks", "le", "0"))),
    Rule(
        80,
        "Supervisor, nothing crossed",
        "pass",
        (("release_pattern", "in", ("supervisor",)), ("threshold_crossed", "is_false", "")),
    ),
    Rule(
        90,
        "Above its threshold: Operations",
        "require",
        (
            ("release_pattern", "in", ("supervisor",)),
            ("threshold_crossed", "is_true", ""),
            ("report", "ne", PROCUREMENT_REPORT),
        ),
        ((10, "Operations"),),
    ),
    Rule(
        100,
        "Above its threshold: procurement lead",
        "require",
        (
            ("release_pattern", "in", ("supervisor",)),
            ("threshold_crossed", "is_true", ""),
            ("report", "eq", PROCUREMENT_REPORT),
        ),
        ((10, "Purchasing"),),
    ),
    Rule(
        110,
        "Category manager",
        "require",
        (("release_pattern", "in", ("category_manager",)),),
        ((10, "Category Management"),),
    ),
    Rule(120, "Finance signs", "require", (("release_pattern", "in", ("finance",)),), ((10, "Finance"),)),
    Rule(130, "Operations sign", "require", (("release_pattern", "in", ("operations",)),), ((10, "Operations"),)),
    Rule(
        140,
        "Two parties: the account manager's side and Operations",
        "require",
        (("release_pattern", "in", ("two_parties",)),),
        ((10, "Sales"), (10, "Operations")),
    ),
)


@dataclass(frozen=True)
class Account:
    """An account that a vendor has before governance."""

    vendor: str
    number: str
    bank: str
    country: str


@dataclass(frozen=True)
class Change:
    """``stage``: the approval that the demo shows; ``values`` beside vendor and kind."""

    vendor: str
    kind: str
    requester: str
    day: int
    reason: str
    stage: str
    source: str = "letter"
    called_back: bool = False
    number: str = ""
    bank: str = ""
    vat: str = ""
    on_account: bool = False


@dataclass(frozen=True)
class Freight:
    amount: float
    reason: str
    note: str
    stage: str


@dataclass(frozen=True)
class Report:
    name: str
    key: str
    audience: str
    stage: str


ACCOUNTS = (
    Account("halden", "DE89 3704 0044 0532 0130 00", "Westbank Bielefeld", "de"),
    Account("mesabi", "0047 1180 2265", "Lakehead Savings", "us"),
    Account("kestrel", "0031 9920 4417", "Lakehead Savings", "us"),
)
CHANGES = (
    Change(
        "kestrel",
        "vat",
        "compliance_officer",
        3,
        "New registration after the merger; confirmed by their controller.",
        "passed",
        called_back=True,
        vat="US310884217",
    ),
    Change(
        "mesabi",
        "account_change",
        "accountant",
        2,
        "A mail asks to pay to a new account at once. Nobody was reached by telephone.",
        "pending",
        number="DE02 1203 0000 0000 2020 51",
        on_account=True,
    ),
    Change(
        "halden",
        "account_new",
        "accountant",
        1,
        "Second house bank, on their letterhead; confirmed with the number that we had.",
        "pending",
        called_back=True,
        number="DE75 5121 0800 1245 1261 99",
    ),
)
FREIGHTS = (
    Freight(95.0, "late_supplier", "Two days earlier by parcel service; the line would stand still.", "passed"),
    Freight(420.0, "stock_out", "Air freight for half of the quantity.", "pending"),
    Freight(1900.0, "planning", "Dedicated van; the order was placed a week too late.", "pending"),
)
REPORTS = (
    Report("Daily service level", "service_level_daily", "team", "passed"),
    Report("Fill rate by customer", "fill_rate_customer", "customer", "pending"),
)
