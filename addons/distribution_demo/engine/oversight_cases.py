"""Who answers for what, who may do what, and what is asked outside: the overseers' part of the story.

Days are days before today; negative ones lie ahead.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owned:
    """One entry of the automation register that somebody answers for.

    ``what`` is the XML id of a scheduled action, or the name of a policy.
    """

    what: str
    business: str
    technical: str
    review_day: int
    reviewed: bool = False


OWNERS = (
    Owned("Purchase policy", "purchasing_manager", "admin", -160, reviewed=True),
    Owned("Vendor bill policy", "finance_controller", "admin", 9),
    Owned("distribution_core.ir_cron_seal", "auditor", "admin", -200, reviewed=True),
    Owned("distribution_core.ir_cron_verify", "auditor", "admin", -200, reviewed=True),
    Owned("distribution_approval.ir_cron_control", "policy_publisher", "admin", -30),
    Owned("distribution_approval.ir_cron_outside", "finance_controller", "admin", -75),
)

#: A scheduled action of this company, and how it failed the last time.
FAILING = "Fetch the carrier's price list"
FAILING_CODE = """raise UserError("Price list of the carrier: the file of this week is not there.")"""
FAILING_ERROR = "Price list of the carrier: the file of this week is not there."
FAILING_OWNER = "operations_manager"

#: Days ago on which the auditor started the access review.
REVIEW_DAY = 4
#: Logins whose lines the auditor has certified; the others wait.
CERTIFIED = ("buyer", "buyer_branch", "policy_author", "warehouse_operator", "sales_rep")
#: What the auditor wants revoked: login, role, why. An administrator confirms it.
TO_REVOKE = (
    "operations_manager",
    "distribution_core.group_operations",
    "The head of operations approves; the queues are watched by somebody else since spring.",
)
#: A clerk who stands in for vendor master data and posts bills as well: a critical conflict of duties.
CONFLICTING = ("accountant", "distribution_core.group_vendor_manager")

CREDIT_BUREAU = {
    "name": "Credit bureau",
    "code": "credit_class",
    "document_type": "sale_order",
    "fact_type": "selection",
    "options": "A = very low risk\nB = low risk\nC = raised risk\nD = high risk",
    "method": "GET",
    "url": "https://bureau.example/v1/companies/{vat}/score",
    "answer_pointer": "/score/class",
    "fresh_hours": 72.0,
}
#: Values that leave the company: sent as, source, must be there.
SENT = (("vat", "partner_vat", True), ("country", "partner_country", False))

#: Group of the company's directory, role, source. It waits for a second administrator.
ROLE_FROM_OUTSIDE = ("supply-approvers", "distribution_core.group_approver", "oauth")
