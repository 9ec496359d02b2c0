"""The morning of a person in operations.

She sees what waits for her, what is late and what is old, takes a case, waits for a vendor's answer, closes with what
became of it, and makes one case of two that have one cause. Nothing of that can be done past the buttons.
"""

import pytest
from web_client import Person

MINE = "distribution_core.distribution_case_action_mine"
ALL = "distribution_core.distribution_case_action"
AGEING = "distribution_core.distribution_case_ageing_action"
TYPES = "distribution_core.distribution_case_type_action"
OPERATIONS = "operations_manager"


def case_named(rpc, name):
    (case,) = rpc(OPERATIONS)("distribution.case", "search_read", [("name", "=", name)])
    return case


@pytest.fixture
def operations(browser_page):
    return Person(browser_page(OPERATIONS), OPERATIONS)


def test_the_morning(operations, rpc, sql, pictures):
    page = operations.page
    operations.opens(MINE)
    mine = operations.reads()
    assert "Drill bits were delivered dull" in mine, "an overdue case that was handed on is hers"
    operations.takes_picture(pictures, "cases-mine")

    operations.opens(ALL)
    operations.takes_picture(pictures, "cases-all")

    # She takes the oldest: it is late, and says so.
    operations.opens_row("Drill bits were delivered dull")
    operations.sees("Overdue")
    operations.takes_picture(pictures, "case-overdue")
    operations.presses("action_take")
    assert case_named(rpc, "Drill bits were delivered dull")["state"] == "in_progress"

    # The vendor has to answer first: the clock stands still, and runs on later.
    operations.presses("action_wait")
    operations.sees("and the clock stands still")
    assert not case_named(rpc, "Drill bits were delivered dull")["is_overdue"]
    operations.presses("action_continue")

    # It is closed with one of the resolutions of the list, and what it cost.
    operations.presses("action_resolve")
    operations.picks("resolution_id", "Agreed with vendor or customer")
    operations.settles()
    operations.takes_picture(pictures, "case-resolve")
    operations.fills("words", "New drill bits are on their way; the vendor pays")
    page.locator(".modal .o_field_widget[name=has_cost] input").check()
    operations.settles()
    operations.fills("cost", "45")
    page.click(".modal-footer button[name=action_confirm]")
    page.wait_for_selector(".modal", state="detached")
    operations.settles()
    case = case_named(rpc, "Drill bits were delivered dull")
    assert (case["state"], case["cost"], case["resolution_id"][1]) == (
        "resolved",
        45,
        "Agreed with vendor or customer",
    )
    operations.takes_picture(pictures, "case-resolved")

    facts = [
        kind.split(".")[2]
        for (kind,) in sql(
            "SELECT type FROM distribution_event WHERE res_model = 'distribution.case' AND res_id = %s ORDER BY id",
            (case["id"],),
        )
    ]
    assert facts[0] == "opened"
    assert {"escalated", "moved", "closed"} <= set(facts), facts


def test_one_cause_is_one_case(operations, rpc, pictures):
    """Two cases in the list are one story: she merges them, and finds everything in the one that stays."""
    caller = rpc(OPERATIONS)
    ids = [
        caller(
            "distribution.case",
            "create",
            {
                "name": name,
                "type_id": caller("distribution.case.type", "search", [("code", "=", "carrier_portal")])[0],
            },
        )
        for name in ("Portal refuses the postcode", "Portal: postcode again")
    ]
    page = operations.page
    operations.opens(ALL)
    for name in ("Portal refuses the postcode", "Portal: postcode again"):
        page.locator(f".o_data_row:has-text('{name}') .o_list_record_selector input").check()
    page.click(".o_control_panel button[name=action_merge]")
    page.wait_for_selector(".modal button[name=action_confirm]")
    operations.settles()
    operations.takes_picture(pictures, "cases-merge")
    page.click(".modal-footer button[name=action_confirm]")
    page.wait_for_selector(".o_form_view")
    operations.settles()
    kept, merged = caller("distribution.case", "read", ids, ["state", "merged_into_id", "merged_case_ids"])
    assert (kept["state"], kept["merged_case_ids"]) == ("open", [ids[1]])
    assert (merged["state"], merged["merged_into_id"][0]) == ("cancelled", ids[0])
    operations.opens_record("distribution.case", ids[1])
    operations.sees("This case goes on in")
    operations.takes_picture(pictures, "case-merged")


def test_what_is_old(operations, rpc, pictures):
    operations.opens(AGEING)
    page = operations.page
    page.wait_for_selector(".o_graph_renderer canvas")
    operations.takes_picture(pictures, "cases-ageing")
    page.click(".o_switch_view.o_pivot")
    page.wait_for_selector(".o_pivot table")
    operations.settles()
    operations.takes_picture(pictures, "cases-ageing-pivot")
    waiting = [("type_id.code", "=", "carrier_portal"), ("age", "=", "3")]
    (old,) = rpc(OPERATIONS)("distribution.case.ageing", "search_read", waiting)
    assert old["state"] == "waiting"


def test_on_a_phone(browser_page, phone, pictures):
    person = Person(browser_page(OPERATIONS, size=phone), OPERATIONS)
    person.opens(MINE)
    person.takes_picture(pictures, "cases-phone")
    wide = person.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= phone["width"], f"the page is {wide} wide"
    person.opens_row("Labels of two parcels cannot be printed")
    person.sees("and the clock stands still")
    person.takes_picture(pictures, "case-phone")
    wide = person.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= phone["width"], f"the page is {wide} wide"


def test_configuring_without_code(browser_page, rpc, pictures):
    """The administrator says who gets which case, and what opens one."""
    admin = Person(browser_page("admin"), "admin")
    admin.opens(TYPES).opens_row("Customer complaint")
    admin.takes_picture(pictures, "case-type")
    (action,) = rpc("admin")(
        "ir.actions.server", "search", [("state", "=", "distribution_case"), ("usage", "=", "base_automation")]
    )
    admin.opens_record("ir.actions.server", action)
    admin.sees("Case Type")
    admin.takes_picture(pictures, "server-action-case")
    (action,) = rpc("admin")("ir.actions.server", "search", [("state", "=", "distribution_event")])
    admin.opens_record("ir.actions.server", action)
    assert admin.page.input_value(".o_field_widget[name=event_type_name] input").startswith("larkfield.")
    admin.takes_picture(pictures, "server-action-event")


def test_nothing_past_the_buttons(rpc):
    """Over XML-RPC as well: what the buttons do is not written into the fields."""
    caller = rpc(OPERATIONS)
    case = case_named(rpc, "Labels of two parcels cannot be printed")["id"]
    buyer = rpc("buyer").uid
    for values in (
        {"state": "resolved"},
        {"user_id": buyer},
        {"due_at": "2099-01-01 00:00:00"},
        {"escalation_level": 0},
        {"dedup_key": False},
        {"merged_into_id": case},
    ):
        with pytest.raises(Exception, match="use its buttons"):
            caller("distribution.case", "write", [case], values)
    for login in ("buyer", "auditor", "integration", "sales_rep"):
        for method in ("action_take", "action_cancel", "action_resolve", "action_reopen"):
            with pytest.raises(Exception, match="(?i)access|allowed|worked on by"):
                rpc(login)("distribution.case", method, [case])
    for method in ("_assign", "_resolve", "_merge_into", "_open", "_mend", "_escalate"):
        with pytest.raises(Exception, match="(?i)private|cannot be called"):
            caller("distribution.case", method, [case])
    assert case_named(rpc, "Labels of two parcels cannot be printed")["state"] == "waiting"
