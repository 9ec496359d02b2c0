"""The morning of a buyer: what needs her, what she does about it, and nothing else.

She finds what hurts customers first, orders what the night left to her and sees it go; a colleague without work is told
so; the head of purchasing sees who has how much, and has a job of the night run now.
"""

import pytest
from over_the_wire import contract_goods, refused

pytestmark = pytest.mark.cron

WORKBENCH = "procurement_automation.action_buyer_workbench"
SCHEDULED = "procurement_automation.action_scheduled_work"
MODEL = "distribution.buyer.workbench"
PROPOSAL = "distribution.replenishment.proposal"
ITEMS = ".o_workbench_item"


@pytest.fixture
def proposal(rpc):
    """What a run of the night leaves to the buyer: the company wants every line to be looked at."""
    admin, buyer = rpc("admin"), rpc("buyer")
    goods = contract_goods(buyer)
    settings = {"replenishment_by": "suite", "replenishment_order_value": 1}
    (before,) = admin("res.company", "search_read", [], fields=list(settings), limit=1)
    company = before.pop("id")
    admin("res.company", "write", [company], settings)
    (site,) = admin("stock.warehouse", "search_read", [("code", "=", "CEN")], fields=["lot_stock_id"])
    where = {"product_id": goods["product"], "location_id": site["lot_stock_id"][0]}
    rules = admin("stock.warehouse.orderpoint", "search", [(name, "=", value) for name, value in where.items()])
    if not rules:
        rules = [admin("stock.warehouse.orderpoint", "create", {**where, "warehouse_id": site["id"]})]
    admin(
        "stock.warehouse.orderpoint",
        "write",
        rules,
        {"product_min_qty": 100000, "product_max_qty": 100020, "trigger": "auto"},
    )
    run = buyer("distribution.replenishment.run", "create", {"company_id": company, "orderpoint_ids": [(6, 0, rules)]})
    run = run[0] if isinstance(run, list) else run
    buyer("distribution.replenishment.run", "action_start", [run])
    (found,) = buyer(
        PROPOSAL, "search_read", [("orderpoint_id", "in", rules), ("state", "=", "open")], fields=["vendor_id"]
    )
    # What comes of a vendor belongs to its buyer.
    admin("res.partner", "write", [found["vendor_id"][0]], {"buyer_id": buyer.uid})
    yield found["id"]
    admin("res.company", "write", [company], before)


def sits_down(person, login, **keywords):
    """At the workbench."""
    worker = person(login, **keywords)
    return worker.opens(WORKBENCH)


def entry(worker, model, record_id):
    return worker.page.locator(f"{ITEMS}[data-key$=',{model},{record_id}']")


def test_the_buyer_orders_what_the_night_left_to_her(person, rpc, proposal, phone, pictures):
    buyer = sits_down(person, "buyer")
    page = buyer.page
    line = entry(buyer, PROPOSAL, proposal)
    line.wait_for()
    buyer.takes_picture(pictures, "workbench")

    # What hurts customers comes before what is late, and that before what waits.
    levels = ["urgent", "late", "waits"]
    shown = [
        next(level for level in levels if f"o_workbench_{level}" in row.get_attribute("class"))
        for row in page.locator(ITEMS).all()
    ]
    assert shown == sorted(shown, key=levels.index)

    # One kind of work only; the keyboard goes from entry to entry.
    page.click("button[name=section_proposals]")
    buyer.settles()
    assert page.locator(ITEMS).count() == rpc("buyer")(MODEL, "load", "mine", "proposals")["sections"][2]["count"]
    page.locator(".o_workbench_title").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.classList.contains('o_workbench_title')")

    line.locator("button[name=action_accept]").click()
    page.wait_for_selector(".o_notification:has-text('1 ordered')")
    buyer.settles()
    assert line.count() == 0, "done, and gone"
    (done,) = rpc("buyer")(PROPOSAL, "read", [proposal], fields=["state", "order_id"])
    assert done["state"] == "ordered"
    assert done["order_id"]

    # A document opens from its entry; going back leads to the same work.
    page.click("button[name=section_all]")
    buyer.settles()
    page.locator(".o_workbench_title").first.click()
    page.wait_for_selector(".o_form_view")
    buyer.settles()
    page.go_back()
    page.wait_for_selector(".o_buyer_workbench")

    # On the way: nothing is cut off, and every button is there.
    on_the_way = sits_down(person, "buyer", size=phone)
    on_the_way.takes_picture(pictures, "workbench-phone")
    wide = on_the_way.page.evaluate(
        "document.querySelector('.o_workbench_content').scrollWidth - "
        "document.querySelector('.o_workbench_content').clientWidth"
    )
    assert wide <= 0, "nobody has to scroll sideways"


def test_nothing_needs_a_new_buyer(person, rpc, pictures):
    admin = rpc("admin")
    (group,) = admin(
        "ir.model.data", "search_read", [("module", "=", "purchase"), ("name", "=", "group_purchase_user")], ["res_id"]
    )
    fields = admin("res.users", "fields_get", [], ["type"])
    groups = "groups_id" if "groups_id" in fields else "group_ids"
    admin(
        "res.users",
        "create",
        {"name": "Nora New", "login": "new_buyer", "password": "new_buyer", groups: [(4, group["res_id"])]},
    )
    new = sits_down(person, "new_buyer")
    new.sees("Nothing needs you")
    new.takes_picture(pictures, "workbench-empty")
    assert new.page.locator(ITEMS).count() == 0

    # Nor does she see what others have.
    assert "sees" not in refused(rpc("new_buyer"), MODEL, "load", "all")
    refused(rpc("new_buyer"), MODEL, "load", rpc("buyer").uid)
    refused(rpc("sales_rep"), MODEL, "load", "mine")


def test_the_head_of_purchasing_sees_everybody_and_runs_a_job(person, rpc, pictures):
    manager = sits_down(person, "purchasing_manager")
    page = manager.page
    page.click("button[name=scope_all]")
    manager.settles()
    manager.takes_picture(pictures, "workbench-all")
    assert "Clara Novak" in manager.reads(".o_workbench_load")

    manager.opens(SCHEDULED)
    manager.takes_picture(pictures, "scheduled-work")
    row = page.locator(".o_data_row:has-text('follow up confirmations')")
    row.locator("button[name=action_run_now]").click()
    page.wait_for_selector(".o_form_view")
    # The page follows the job until it has ended; the scheduler of this server runs it.
    page.wait_for_selector(".o_field_widget[name=state]:has-text('Fine')", timeout=90_000)
    manager.takes_picture(pictures, "scheduled-work-done")
    assert "watched" in manager.reads()
