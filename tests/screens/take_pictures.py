"""`make screens`: pictures of the demo company as each role sees it, at desktop and phone width.

They are left in ``.run/pictures`` to be looked at; those that the documentation shows are
copied to ``docs/pictures`` by hand.
"""

import pytest

VIEW = ".o_view_controller"
FORM = ".o_form_view"
ROLES = (
    "buyer",
    "buyer_branch",
    "purchasing_manager",
    "finance_controller",
    "operations_manager",
    "compliance_officer",
    "category_manager",
    "sales_rep",
    "sales_manager",
    "warehouse_operator",
    "warehouse_manager",
    "policy_author",
    "policy_publisher",
    "auditor",
    "integration",
    "admin",
)
# name of the picture, who looks, where, and what must be there before the shutter opens;
# {order}, {request}, {version}, {vendor} are looked up in the demo company
SCREENS = [
    *(("home", login, "/web", ".o_main_navbar") for login in ROLES),
    *(
        ("inbox", login, "/web#action=distribution_approval.action_approval_inbox", VIEW)
        for login in ("purchasing_manager", "finance_controller", "operations_manager", "category_manager")
    ),
    ("inbox", "compliance_officer", "/web#action=distribution_approval.action_approval_inbox", VIEW),
    ("orders", "buyer", "/web#action=purchase.purchase_rfq", ".o_list_view, .o_kanban_view"),
    ("order", "buyer", "/web#id={order}&model=purchase.order&view_type=form", FORM),
    ("order", "finance_controller", "/web#id={order}&model=purchase.order&view_type=form", FORM),
    ("requests", "buyer", "/web#action=distribution_approval.action_approval_request", VIEW),
    ("request", "auditor", "/web#id={request}&model=distribution.approval.request&view_type=form", FORM),
    ("policies", "policy_author", "/web#action=distribution_approval.action_approval_policy", VIEW),
    ("version", "policy_author", "/web#id={version}&model=distribution.approval.policy.version&view_type=form", FORM),
    ("governance", "policy_publisher", "/web#action=distribution_approval.action_approval_activation", VIEW),
    ("releases", "auditor", "/web#action=distribution_approval.action_approval_release", VIEW),
    ("vendor", "compliance_officer", "/web#id={vendor}&model=res.partner&view_type=form", FORM),
    ("cases", "operations_manager", "/web#action=distribution_core.distribution_case_action", VIEW),
]


@pytest.fixture
def places(sql):
    """Where the records of the demo company are that the pictures show."""

    def first(statement):
        return sql(statement)[0][0]

    return {
        "order": first(
            "SELECT id FROM purchase_order WHERE state = 'to approve' ORDER BY amount_total DESC, id LIMIT 1"
        ),
        "request": first(
            "SELECT request_id FROM distribution_approval_decision GROUP BY request_id ORDER BY count(*) DESC LIMIT 1"
        ),
        "version": first("SELECT id FROM distribution_approval_policy_version WHERE state = 'published' LIMIT 1"),
        "vendor": first(
            "SELECT id FROM res_partner WHERE vendor_status = 'new' AND supplier_rank > 0 ORDER BY id LIMIT 1"
        ),
    }


@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize(("name", "login", "path", "awaited"), SCREENS)
def test_take_picture(browser_page, phone, pictures, places, name, login, path, awaited, width):
    size = {"size": phone} if width == "phone" else {}
    page = browser_page(login, path.format(**places), **size)
    page.wait_for_selector(awaited)
    page.wait_for_timeout(700)  # until images and badges are in
    page.screenshot(path=pictures / f"{name}-{login}-{width}.png")
