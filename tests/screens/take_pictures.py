"""`make screens`: pictures of the demo company as each role sees it, at desktop and phone width.

They are left in ``.run/pictures`` to be looked at; those that the documentation shows are
copied to ``docs/pictures`` by hand.
"""

import pytest

# name of the picture, who looks, where, and what must be there before the shutter opens
SCREENS = [
    ("orders", "buyer", "/web#action=purchase.purchase_rfq", ".o_list_view, .o_kanban_view"),
    ("home", "purchasing_manager", "/web", ".o_main_navbar"),
    ("inbox", "purchasing_manager", "/web#action=distribution_approval.action_approval_inbox", ".o_view_controller"),
    ("inbox", "category_manager", "/web#action=distribution_approval.action_approval_inbox", ".o_view_controller"),
    ("requests", "buyer", "/web#action=distribution_approval.action_approval_request", ".o_view_controller"),
    ("policies", "policy_author", "/web#action=distribution_approval.action_approval_policy", ".o_view_controller"),
    (
        "governance",
        "policy_publisher",
        "/web#action=distribution_approval.action_approval_activation",
        ".o_view_controller",
    ),
    ("releases", "auditor", "/web#action=distribution_approval.action_approval_release", ".o_view_controller"),
    ("home", "auditor", "/web", ".o_main_navbar"),
]


@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize(("name", "login", "path", "awaited"), SCREENS)
def test_take_picture(browser_page, phone, pictures, name, login, path, awaited, width):
    size = {"size": phone} if width == "phone" else {}
    page = browser_page(login, path, **size)
    page.wait_for_selector(awaited)
    page.screenshot(path=pictures / f"{name}-{login}-{width}.png")
