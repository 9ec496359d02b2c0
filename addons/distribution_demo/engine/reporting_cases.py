"""Who answers for numbers and reports, and what became of a few reports lately. Days count backwards from today."""

from dataclasses import dataclass

#: So many days before today have numbers.
NUMBER_DAYS = 60
#: Days after an order within which the company promises to deliver; hours that orders, bills and cases took.
PROMISED_DAYS, TOOK_HOURS = 5, 5
#: (owner, backup owner) of the KPIs of a family.
KPI_OWNERS = {
    "service": ("operations_manager", "warehouse_manager"),
    "sales": ("sales_manager", "finance_controller"),
    "stock": ("warehouse_manager", "operations_manager"),
    "warehouse": ("warehouse_manager", "operations_manager"),
    "procurement": ("purchasing_manager", "category_manager"),
    "approvals": ("policy_publisher", "operations_manager"),
    "finance": ("finance_controller", "accountant"),
    "exceptions": ("operations_manager", "policy_publisher"),
    "integration": ("operations_manager", "policy_publisher"),
}
#: (owner, backup owner) of the reports. Nobody releases what they answer for.
REPORT_OWNERS = {
    "approval_performance": ("policy_publisher", "purchasing_manager"),
    "backorders": ("warehouse_manager", "operations_manager"),
    "customer_service_exceptions": ("sales_rep", "warehouse_manager"),
    "daily_sales": ("sales_manager", "sales_rep"),
    "daily_service_level": ("operations_manager", "warehouse_manager"),
    "exception_ageing": ("operations_manager", "warehouse_manager"),
    "executive_summary": ("operations_manager", "sales_manager"),
    "inbound_risk": ("purchasing_manager", "buyer"),
    "integration_health": ("policy_publisher", "admin"),
    "inventory_discrepancy": ("warehouse_manager", "warehouse_operator"),
    "overdue_purchase_orders": ("purchasing_manager", "buyer"),
    "procurement_exceptions": ("purchasing_manager", "buyer"),
    "slow_dead_stock": ("purchasing_manager", "warehouse_manager"),
    "stock_ageing": ("purchasing_manager", "warehouse_manager"),
    "stock_valuation_exceptions": ("accountant", "warehouse_manager"),
    "supplier_fill_rate": ("category_manager", "buyer"),
    "three_way_match": ("accountant", "operations_manager"),
    "warehouse_throughput": ("warehouse_manager", "operations_manager"),
}
#: With whose rights the reports are read, who installed the library, and who put it in force.
READER, INSTALLER, PUBLISHER = "auditor", "policy_author", "policy_publisher"
PUBLISHED_ON_DAY = 4
#: What this company sets itself before publishing: (report, threshold, field, value).
OWN_LIMITS = (("inventory_discrepancy", "loss", "breach", "-750"),)
#: The owner has signed these KPIs of the last four weeks.
SIGNED = ("sales_ordered", "sales_margin", "sales_invoiced")
SIGNATURE = "Agrees with the order book and the ledger."


#: No bill that waits is older. Until so many days of a month are over, the summary is that of the month before.
BILLS_WAIT_DAYS = 10


@dataclass(frozen=True)
class Step:
    """``person`` does ``act`` (decide, recall, again) and says ``words``, ``hour`` o'clock on the day of the run.

    Today: ``hour`` hours ago.
    """

    hour: float
    person: str
    act: str
    words: str


@dataclass(frozen=True)
class Run:
    """A report of the ``days`` (first, last; days ago) or of the month ``months`` ago, run on ``day`` at ``hour``.

    Today: ``hour`` hours ago.

    :param state: what it is in the end
    """

    report: str
    day: int
    hour: float
    state: str
    days: tuple[int, int] = ()
    months: int = 0
    steps: tuple[Step, ...] = ()


#: Nobody is asked about these while their checks find nothing.
AUTOMATIC_DAILY = (
    "backorders",
    "inbound_risk",
    "overdue_purchase_orders",
    "procurement_exceptions",
    "warehouse_throughput",
)
RUNS = (
    Run("daily_service_level", 3, 6.5, "done", (4, 4)),
    Run(
        "inventory_discrepancy",
        3,
        7,
        "done",
        (8, 4),
        steps=(
            Step(
                9.5,
                "operations_manager",
                "decide",
                "North: the loss is the theft of police report 4471. The cage gets a second lock.",
            ),
        ),
    ),
    Run("daily_service_level", 2, 6.5, "done", (3, 3)),
    Run(
        "executive_summary",
        2,
        8,
        "done",
        months=2,
        steps=(Step(11, "finance_controller", "decide", "Margin agrees with the closing; signed."),),
    ),
    Run(
        "daily_sales",
        2,
        6.75,
        "done",
        (3, 3),
        steps=(
            Step(10, "sales_manager", "recall", "Orders taken at the fair were entered a day late and are missing."),
            Step(12, "sales_manager", "again", "The orders of the fair are entered."),
        ),
    ),
    Run(
        "customer_service_exceptions",
        1,
        8,
        "waiting",
        (8, 2),
        steps=(Step(14, "operations_manager", "decide", "Seen; each open matter has somebody who looks after it."),),
    ),
    Run("executive_summary", 1, 8.5, "held", months=1),
    *(Run(report, 0, 0.5, "done", (1, 1)) for report in AUTOMATIC_DAILY),
    Run("exception_ageing", 0, 0.5, "done", (7, 1)),
    Run(
        "integration_health",
        0,
        0.5,
        "done",
        (1, 1),
        steps=(Step(0.25, "operations_manager", "decide", "Go: the pages say that the ledger is not sealed yet."),),
    ),
    *(
        Run(report, 0, 0.5, "done", (7, 1), steps=(Step(0.25, "category_manager", "decide", words),))
        for report, words in (
            ("stock_ageing", "Agrees with what we counted; nothing is older than we knew."),
            ("slow_dead_stock", "Buyers know what goes to clearance."),
        )
    ),
    Run(
        "stock_valuation_exceptions",
        0,
        0.5,
        "done",
        (1, 1),
        steps=(Step(0.25, "finance_controller", "decide", "Stock agrees with the ledger."),),
    ),
    Run(
        "three_way_match",
        0,
        0.5,
        "done",
        (1, 1),
        steps=(
            Step(0.25, "finance_controller", "decide", "Holds are right: each bill waits for its receipt or credit."),
        ),
    ),
    Run(
        "approval_performance",
        0,
        0.5,
        "done",
        (7, 1),
        steps=(Step(0.25, "operations_manager", "decide", "Seen. The emergency release has its review."),),
    ),
    Run(
        "supplier_fill_rate",
        0,
        0.5,
        "done",
        months=1,
        steps=(Step(0.25, "purchasing_manager", "decide", "Talks with the vendors named here are arranged."),),
    ),
    Run(
        "customer_service_exceptions",
        1,
        9,
        "done",
        (15, 9),
        steps=(
            Step(11, "operations_manager", "decide", "Carriers are told; nothing of it is open with us."),
            Step(12, "sales_manager", "decide", "The customers named here know."),
        ),
    ),
)
#: Why the summary of last month is held: an invoice that nobody posted.
DRAFT_INVOICE = ("Pallet exchange, not agreed yet", 480.0)
