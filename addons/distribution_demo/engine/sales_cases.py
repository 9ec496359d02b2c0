"""Policies and cases of sale orders, deliveries and returns in the demo company, as data."""

from dataclasses import dataclass

from .policy import Rule

#: Hours since governance was switched on: nothing left the company since then without being asked.
GOVERNED_FOR = 4


@dataclass(frozen=True)
class DocumentPolicy:
    """The published policy of one document type."""

    document_type: str
    name: str
    owner: str
    description: str
    rules: tuple
    settings: tuple = ()


@dataclass(frozen=True)
class SaleCase:
    """A quotation of ``quantity`` of one product, and what is done with it; a step is (person, act, words)."""

    key: str
    customer: int  #: place in the list of customers
    quantity: int
    discount: float = 0.0
    below_cost: bool = False
    terms: str = ""  #: payment terms instead of the customer's
    under_list: float = 0.0  #: by how many percent the price is lower than the customer's list
    strategic: bool = False  #: the customer was made a strategic one before
    steps: tuple = ()


#: Who keeps the account of a strategic customer hears what is asked about it.
ACCOUNT_OWNER = (("informed_ids", [(0, 0, {"kind": "account_owner"})]),)

POLICIES = (
    DocumentPolicy(
        "sale_order",
        "Sales policy",
        "sales_manager",
        "Sales representatives give up to 10 % on a line, keep a margin of 15 % and stay within the credit limit. "
        "More discount or volume and prices more than 10 % under the customer's list are the sales manager's, thin "
        "margins and credit are finance's. Up to 30 days more to pay than the customer usually has are the sales "
        "manager's as well, more than that finance's; and the sales manager sees what was ordered at terms or prices "
        "that those who ask for it changed themselves. The account owner of a strategic customer is informed.",
        (
            Rule(10, "Below cost", "refuse", (("margin_percent", "lt", "0"),)),
            Rule(
                20,
                "Within the representative's own limit",
                "pass",
                (
                    ("amount", "le", "20000"),
                    ("discount_worst_line", "le", "10"),
                    ("margin_percent", "ge", "15"),
                    ("credit_over_limit", "le", "0"),
                ),
            ),
            Rule(30, "Above 20,000", "require", (("amount", "gt", "20000"),), ((10, "Sales"),)),
            Rule(40, "Discount above 10 %", "require", (("discount_worst_line", "gt", "10"),), ((10, "Sales"),)),
            Rule(
                45,
                "Price more than 10 % under the customer's list",
                "require",
                (("price_under_list", "gt", "10"),),
                ((10, "Sales"),),
            ),
            Rule(50, "Margin below 15 %", "require", (("margin_percent", "lt", "15"),), ((20, "Finance"),)),
            Rule(60, "Over the credit limit", "require", (("credit_over_limit", "gt", "0"),), ((20, "Finance"),)),
            Rule(
                70,
                "Paid up to 30 days later than usual",
                "require",
                (("terms_longer_days", "gt", "0"), ("terms_longer_days", "le", "30")),
                ((10, "Sales"),),
            ),
            Rule(
                80,
                "Paid more than 30 days later than usual",
                "require",
                (("terms_longer_days", "gt", "30"),),
                ((20, "Finance"),),
            ),
            Rule(
                90,
                "Terms or prices changed by those who ask",
                "require",
                (("terms_changed_days", "le", "30"),),
                ((10, "Sales"),),
            ),
            Rule(
                100,
                "Strategic customer: discount above 10 %",
                "require",
                (("customer_tier", "in", ("strategic",)), ("discount_worst_line", "gt", "10")),
                ((10, "Sales"),),
                ACCOUNT_OWNER,
            ),
        ),
        (("tolerance_percent", 2), ("tolerance_amount", 50)),
    ),
    DocumentPolicy(
        "delivery_hold",
        "Delivery holds",
        "warehouse_manager",
        "A delivery leaves when nothing holds it; otherwise operations decides. Suspected fraud never leaves.",
        (
            Rule(10, "Suspected fraud", "refuse", (("hand_set_reason", "in", ("fraud",)),)),
            Rule(20, "Nothing holds it", "pass", (("held", "is_false", ""),)),
            Rule(30, "Something holds it", "require", (("held", "is_true", ""),), ((10, "Operations"),)),
        ),
    ),
    DocumentPolicy(
        "credit_release",
        "Credit release",
        "finance_controller",
        "Goods leave on credit within the limit and without anything long overdue; finance decides on the rest, and "
        "where the limit was changed in the last week. The account owner of a strategic customer is informed.",
        (
            Rule(10, "Within the limit", "pass", (("credit_over_limit", "le", "0"), ("overdue_days", "le", "60"))),
            Rule(20, "Over the limit", "require", (("credit_over_limit", "gt", "0"),), ((10, "Finance"),)),
            Rule(30, "More than 60 days overdue", "require", (("overdue_days", "gt", "60"),), ((10, "Finance"),)),
            Rule(40, "Limit changed lately", "require", (("limit_changed_days", "le", "7"),), ((10, "Finance"),)),
            Rule(
                50,
                "Strategic customer: over the limit",
                "require",
                (("customer_tier", "in", ("strategic",)), ("credit_over_limit", "gt", "0")),
                ((10, "Finance"),),
                ACCOUNT_OWNER,
            ),
        ),
    ),
    DocumentPolicy(
        "customer_return",
        "Customer returns",
        "sales_manager",
        "Small returns under warranty are received at once; sales decides on the rest.",
        (
            Rule(
                10,
                "Small and under warranty",
                "pass",
                (("amount", "le", "250"), ("in_warranty", "is_true", ""), ("more_than_delivered", "is_false", "")),
            ),
            Rule(20, "Above 250", "require", (("amount", "gt", "250"),), ((10, "Sales"),)),
            Rule(30, "Out of warranty", "require", (("in_warranty", "is_false", ""),), ((10, "Sales"),)),
            Rule(
                40,
                "More than was delivered",
                "require",
                (("more_than_delivered", "is_true", ""),),
                ((10, "Sales"), (20, "Finance")),
            ),
        ),
    ),
    DocumentPolicy(
        "customer_credit_note",
        "Credit notes",
        "finance_controller",
        "What came back is credited at once up to 1,000; sales decides on the rest, and finance on more than was "
        "invoiced.",
        (
            Rule(
                10,
                "Small, and the goods are back",
                "pass",
                (("amount", "le", "1000"), ("goods_returned", "is_true", ""), ("over_invoice", "is_false", "")),
            ),
            Rule(20, "Above 1,000", "require", (("amount", "gt", "1000"),), ((10, "Sales"),)),
            Rule(30, "The goods are not back", "require", (("goods_returned", "is_false", ""),), ((10, "Sales"),)),
            Rule(
                40,
                "More than was invoiced",
                "require",
                (("over_invoice", "is_true", ""),),
                ((10, "Sales"), (20, "Finance")),
            ),
        ),
    ),
)

CASES = (
    SaleCase("within", 0, 6, steps=(("sales_rep", "confirm", ""),)),
    SaleCase("discount_held", 1, 8, discount=14.0, steps=(("sales_rep", "confirm", ""),)),
    SaleCase(
        "discount_approved",
        2,
        10,
        discount=12.0,
        steps=(
            ("sales_rep", "confirm", ""),
            ("sales_manager", "approve", "Agreed with the customer for the whole quarter."),
        ),
    ),
    SaleCase("below_cost", 3, 4, below_cost=True, steps=(("sales_rep", "confirm", ""),)),
    SaleCase(
        "payment_awaited",
        4,
        5,
        steps=(
            ("sales_rep", "confirm", ""),
            ("finance_controller", "hold", "The last cheque bounced."),
            ("warehouse_operator", "deliver", ""),
        ),
    ),
    SaleCase(
        "over_limit",
        5,
        7,
        strategic=True,
        steps=(
            ("sales_rep", "confirm", ""),
            ("finance_controller", "lower_limit", ""),
            ("warehouse_operator", "deliver", ""),
        ),
    ),
    SaleCase("longer_terms", 6, 8, terms="account.account_payment_term_45days", steps=(("sales_rep", "confirm", ""),)),
    SaleCase("under_list", 7, 6, under_list=12.0, steps=(("sales_rep", "confirm", ""),)),
)
#: How much of one earlier delivery comes back.
RETURNED_SHARE = 0.5
WARRANTY_DAYS = 10
#: Who credits an earlier invoice in full, though nothing came back.
CREDITED_BY = "accountant"
