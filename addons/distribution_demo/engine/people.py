"""The staff. A login is the name of a role, and the password is the login."""

from dataclasses import dataclass

TIMEZONE = "America/New_York"


@dataclass(frozen=True)
class Person:
    """One employee with a login.

    ``roles`` are XML ids of Odoo groups, the least that the job needs; ``boards`` are the approval
    groups that the policy asks; ``manager`` is the login of the superior.
    """

    login: str
    name: str
    job: str
    department: str
    manager: str = ""
    roles: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()
    left: bool = False


#: Groups that the policy names as approvers.
BOARDS = ("Purchasing", "Finance", "Operations", "Compliance", "Category Management", "Sales")

_APPROVER = "distribution_core.group_approver"

PEOPLE = (
    Person(
        "operations_manager",
        "Ingrid Halvorsen",
        "Head of Operations",
        "Operations",
        roles=(_APPROVER, "distribution_core.group_operations"),
        boards=("Operations",),
    ),
    Person(
        "purchasing_manager",
        "Marcus Oyelaran",
        "Purchasing Manager",
        "Purchasing",
        "operations_manager",
        roles=(_APPROVER, "purchase.group_purchase_manager"),
        boards=("Purchasing",),
    ),
    Person(
        "finance_controller",
        "Helena Brandt",
        "Finance Controller",
        "Finance",
        "operations_manager",
        roles=(_APPROVER, "account.group_account_invoice"),
        boards=("Finance",),
    ),
    Person(
        "accountant",
        "Lucía Ferrer",
        "Accounts Payable Clerk",
        "Finance",
        "finance_controller",
        roles=("account.group_account_invoice",),
    ),
    Person(
        "compliance_officer",
        "Tomasz Wilk",
        "Compliance Officer",
        "Compliance",
        "operations_manager",
        roles=(_APPROVER, "distribution_core.group_vendor_manager", "base.group_partner_manager"),
        boards=("Compliance",),
    ),
    Person(
        "category_manager",
        "Priya Raghunathan",
        "Category Manager",
        "Purchasing",
        "purchasing_manager",
        roles=(_APPROVER,),
        boards=("Category Management",),
    ),
    Person(
        "buyer",
        "Clara Novak",
        "Buyer",
        "Purchasing",
        "purchasing_manager",
        roles=("purchase.group_purchase_user",),
    ),
    Person(
        "buyer_branch",
        "Diego Fuentes",
        "Branch Buyer",
        "Purchasing",
        "purchasing_manager",
        roles=("purchase.group_purchase_user",),
    ),
    Person(
        "buyer_former",
        "Walter Kemp",
        "Buyer (left the company)",
        "Purchasing",
        "purchasing_manager",
        roles=("purchase.group_purchase_user",),
        left=True,
    ),
    Person(
        "sales_manager",
        "Naomi Fletcher",
        "Sales Manager",
        "Sales",
        "operations_manager",
        roles=(_APPROVER, "sales_team.group_sale_manager"),
        boards=("Sales",),
    ),
    Person(
        "sales_rep",
        "Owen Castellanos",
        "Sales Representative",
        "Sales",
        "sales_manager",
        roles=("sales_team.group_sale_salesman", "distribution_approval.group_informed"),
    ),
    Person(
        "warehouse_manager",
        "Annika Sjöberg",
        "Warehouse Manager",
        "Logistics",
        "operations_manager",
        roles=("stock.group_stock_manager", _APPROVER),
    ),
    Person(
        "warehouse_operator",
        "Samuel Adeyemi",
        "Warehouse Operator",
        "Logistics",
        "warehouse_manager",
        roles=("stock.group_stock_user",),
    ),
    Person(
        "policy_author",
        "Beatrix Lindqvist",
        "Process Analyst",
        "Governance",
        "operations_manager",
        roles=("distribution_core.group_policy_author",),
    ),
    Person(
        "policy_publisher",
        "Jonas Keller",
        "Head of Governance",
        "Governance",
        "operations_manager",
        roles=("distribution_core.group_policy_publisher",),
    ),
    Person(
        "auditor",
        "Ruth Abernathy",
        "Internal Auditor",
        "Audit",
        roles=("distribution_core.group_auditor",),
    ),
    Person(
        "integration",
        "Integration Account",
        "Service Account",
        "IT",
        roles=("distribution_core.group_integration",),
    ),
)
