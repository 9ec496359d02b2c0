"""The rules of the game, each as the people of the demo company live it.

Version 2 of the purchase policy is in force: the publisher put it there with a service clock, links by mail, bulk
decisions, a fast path, informed parties and terms for emergencies. Whoever clicks sits in front of the web
client; programs and scheduled jobs use XML-RPC, and mail is received by a post box.
"""

import time
from datetime import date, datetime, timedelta
from xmlrpc.client import Fault

import pytest
import rules_in_force as rules
from rules_in_force import EMERGENCY, OBLIGATION, REQUEST, TASK, decide, run_job, task_of
from web_client import INBOX

MANAGER = "purchasing_manager"
COLLEAGUE = "category_manager"


@pytest.fixture(scope="module")
def goods(rpc):
    """The rules are in force; ``goods.order(5000)`` is an order of the buyer that is held."""
    return rules.begin(rpc)


@pytest.fixture
def state(rpc):
    """``state(order)`` as (state, approval state)."""

    def read(order):
        (found,) = rpc("buyer")("purchase.order", "read", [order.id], fields=["state", "approval_state"])
        return found["state"], found["approval_state"]

    return read


@pytest.fixture
def is_released(state):
    """Wait for the release, which follows the decision in a transaction of its own."""

    def wait(order):
        for _attempt in range(60):
            if state(order)[0] in ("purchase", "done"):
                return True
            time.sleep(0.5)
        raise AssertionError(f"{order.name} is not released: {state(order)}")

    return wait


def submit(person, button):
    """Press the button of the open dialog."""
    person.page.click(f".modal-footer button[name={button}] >> visible=true")
    person.settles()
    return person


def press(person, words):
    """Press the button that is called so."""
    person.page.click(f"button:has-text('{words}') >> visible=true")
    person.settles()
    return person


def field_of(person, name, place=".o_form_view"):
    return person.page.locator(f"{place} .o_field_widget[name={name}] :is(input, textarea) >> visible=true").first


def pick(person, name, text, place=".o_form_view"):
    """Choose ``text`` in a many2one or among tags."""
    box = field_of(person, name, place)
    box.click()
    box.fill(text)
    person.page.click(f".o-autocomplete--dropdown-item:has-text('{text}')")
    person.settles()


def notices_of(client, words):
    """How many unread notices of this person say ``words``."""
    return client("mail.message", "search_count", [("needaction", "=", True), ("body", "ilike", words)])


def cases_of(rpc, code, record_id, model="purchase.order"):
    return rpc("operations_manager")(
        "distribution.case",
        "search_count",
        [("type_id.code", "=", code), ("res_model", "=", model), ("res_id", "=", record_id)],
    )


def day_as_typed(days):
    return (date.today() + timedelta(days=days)).strftime("%m/%d/%Y")


def notice_on(person, order):
    """What the order says above its form."""
    person.opens_record("purchase.order", order.id)
    banner = person.page.locator(".o_approval_notice >> visible=true")
    return banner.inner_text() if banner.count() else ""


# ------------------------------------------------------------------------------ outcomes


def test_approved_on_a_condition(person, rpc, goods, is_released, sql, pictures):
    """Marcus approves if Clara brings a second quote. It stays on the order until he says that it is met."""
    order = goods.order(5000)
    manager = person(MANAGER).opens(INBOX).opens_row(order.name)
    press(manager, "Approve on Conditions")
    page = manager.page
    page.click(".modal .o_field_x2many_list_row_add a")
    row = ".modal .o_data_row"
    field_of(manager, "text", row).fill("Bring a second quote")
    field_of(manager, "due_date", row).fill(day_as_typed(3))
    page.keyboard.press("Tab")
    manager.takes_picture(pictures, "approve-on-a-condition")
    submit(manager, "action_confirm")
    assert is_released(order), "a condition does not hold the order back"

    buyer = person("buyer")
    assert "Bring a second quote" in notice_on(buyer, order)
    assert "Clara Novak" in notice_on(buyer, order)
    buyer.takes_picture(pictures, "order-with-a-condition")

    # The day passes, and nothing happened. The job finds it, however often it runs and whenever.
    (condition,) = rpc("buyer")(OBLIGATION, "search", [("document_name", "=", order.name)])
    run_job(rpc, "ir_cron_obligation")
    assert cases_of(rpc, "condition_overdue", order.id) == 0
    rules.day_passes(sql, "distribution_approval_obligation", "due_date", condition)
    for _day in range(2):
        run_job(rpc, "ir_cron_obligation")
    assert cases_of(rpc, "condition_overdue", order.id) == 1
    for who in ("buyer", MANAGER):
        assert notices_of(rpc(who), "Bring a second quote") >= 1
    assert "overdue" in notice_on(buyer, order)

    # Clara reports it; she cannot confirm it herself. Marcus does, and the order is clear.
    buyer.opens("distribution_approval.action_approval_obligation").opens_row(order.name)
    press(buyer, "Report as Met").fills("comment", "Quote of Kestrel is in the files")
    submit(buyer, "action_submit")
    assert buyer.page.locator("button[name=action_open_act] >> visible=true").count() == 0
    assert "to be confirmed" in notice_on(buyer, order)
    manager.opens("distribution_approval.action_approval_obligation").opens_row(order.name)
    submit(press(manager, "Confirm"), "action_submit")
    assert notice_on(buyer, order) == ""
    events = rpc("auditor")(
        "distribution.event",
        "search_read",
        [("res_model", "=", "purchase.order"), ("res_id", "=", order.id), ("type", "like", "condition_")],
        fields=["type"],
        order="id",
    )
    assert [event["type"].split(".")[2] for event in events] == [
        "condition_set",
        "condition_overdue",
        "condition_reported",
        "condition_met",
    ]


def test_a_question_to_a_colleague_stops_the_clock(person, rpc, goods, state, sql):
    order = goods.order(5000)
    assert task_of(rpc(MANAGER), order.id)["due_at"]
    manager = person(MANAGER).opens(INBOX).opens_row(order.name).presses("action_open_ask")
    manager.chooses("colleague_id", "Priya").fills("question", "Do we still want this brand?")
    submit(manager, "action_confirm")
    assert state(order) == ("to approve", "question")
    task = task_of(rpc(MANAGER), order.id)
    assert (task["due_at"], task["urgency"]) == (False, "stopped")

    # Priya can read it and answer it; deciding is not hers.
    colleague = person(COLLEAGUE)
    colleague.opens_record(REQUEST, task["request_id"][0]).sees("Do we still want this brand?")
    with pytest.raises(Fault):
        rpc(COLLEAGUE)(TASK, "action_decide", [task["id"]], "approve", task["digest"])
    submit(colleague.presses("action_answer").fills("answer", "Until the end of the year."), "action_confirm")
    assert state(order) == ("to approve", "pending")
    due = task_of(rpc(MANAGER), order.id)["due_at"]
    assert datetime.fromisoformat(due) > datetime.utcnow() + timedelta(hours=rules.SERVICE_HOURS - 1)
    manager.opens(INBOX).opens_row(order.name).sees("Until the end of the year.")


def test_who_is_informed_sees_and_does_not_decide(person, rpc, goods):
    order = goods.order(rules.INFORM_ABOVE + 1000)
    informed = rpc("sales_manager")
    (request,) = informed(REQUEST, "search", [("document_name", "=", order.name)])
    assert notices_of(informed, order.name) == 1
    naomi = person("sales_manager").opens_record(REQUEST, request)
    assert order.name in naomi.reads()
    for button in ("action_open_my_task", "action_withdraw"):
        assert naomi.page.locator(f"button[name={button}] >> visible=true").count() == 0
    naomi.opens_record("purchase.order", order.id)
    assert order.name in naomi.reads()
    naomi.opens(INBOX)
    assert order.name not in naomi.reads()
    task = task_of(informed, order.id)
    with pytest.raises(Fault):
        informed(TASK, "action_decide", [task["id"]], "reject", task["digest"], comment="I know better")


# --------------------------------------------------------------------------------- time


def test_the_clock_reminds_escalates_and_rejects_once(person, rpc, goods, state, sql, pictures):
    """Marcus is reminded, Ingrid is asked as well, and in the end the order is rejected. It is never approved."""
    order = goods.order(5000)
    auditor = rpc("auditor")
    (request,) = auditor(REQUEST, "search", [("document_name", "=", order.name)])

    def steps():
        found = auditor(
            "distribution.approval.clock.step", "search_read", [("request_id", "=", request)], fields=["kind"]
        )
        return [step["kind"] for step in found]

    def hours_later(hours):
        rules.time_passes(sql, order.id, hours)
        for _run in range(2):
            run_job(rpc, "ir_cron_service_clock")

    hours_later(rules.SERVICE_HOURS - rules.REMINDER_HOURS - 1)
    assert steps() == []
    hours_later(1.5)
    assert steps() == ["reminder"]
    assert notices_of(rpc(MANAGER), f"Reminder: {order.name}") == 1
    hours_later(2 + rules.ESCALATE_AFTER)
    assert steps() == ["reminder", "escalation"]
    superior = person("operations_manager").opens(INBOX).opens_row(order.name)
    superior.takes_picture(pictures, "escalated-task")
    assert state(order) == ("to approve", "pending")

    # The job does not run for two days. Then it does the one thing that is left, once.
    hours_later(48)
    assert steps() == ["reminder", "escalation", "final"]
    assert state(order)[1] == "rejected"
    assert sql(
        "SELECT count(*) FROM distribution_approval_release WHERE res_id = %s AND kind = 'approval'", (order.id,)
    ) == [(0,)]
    assert sql("SELECT count(*) FROM distribution_approval_decision WHERE request_id = %s", (request,)) == [(0,)]
    buyer = person("buyer").opens_record("purchase.order", order.id)
    assert "not decided in time" in buyer.reads(".o_approval_banner >> visible=true")
    assert notices_of(rpc("buyer"), "was not decided in time") == 1


# ---------------------------------------------------------------------------- standing in


def test_a_delegation_with_a_limit(person, rpc, goods, is_released, state, pictures):
    """Marcus lets Priya decide on purchase orders up to 6,000 this week. The decision names both."""
    manager = person(MANAGER).opens("distribution_approval.action_my_substitutes")
    manager.page.click(".o_list_button_add >> visible=true")
    manager.settles()
    pick(manager, "substitute_id", "Priya")
    field_of(manager, "date_to").fill(day_as_typed(7))
    field_of(manager, "ceiling").fill("6000")
    pick(manager, "document_type_ids", "Purchase Order")
    manager.takes_picture(pictures, "declare-a-substitute")
    manager.presses("action_declare")
    (delegation,) = rpc(MANAGER)(
        "distribution.approval.delegation", "search_read", [], fields=["scope_text", "state"], order="id desc", limit=1
    )
    assert delegation["state"] == "active"
    assert "6,000" in delegation["scope_text"]

    within, above = goods.order(5000), goods.order(7000)
    priya = person(COLLEAGUE).opens(INBOX)
    assert above.name not in priya.reads()
    priya.opens_row(within.name).sees("You stand in for Marcus Oyelaran")
    priya.takes_picture(pictures, "task-of-a-substitute")
    priya.presses("action_approve")
    assert is_released(within)
    assert state(above) == ("to approve", "pending")
    (decision,) = rpc("auditor")(
        "distribution.approval.decision",
        "search_read",
        [("request_id.document_name", "=", within.name)],
        fields=["user_id", "on_behalf_id"],
    )
    assert (decision["user_id"][1], decision["on_behalf_id"][1]) == ("Priya Raghunathan", "Marcus Oyelaran")
    buyer = person("buyer").opens_record("purchase.order", within.id).presses("action_approval_open")
    assert "Priya Raghunathan on behalf of Marcus Oyelaran" in buyer.reads()

    # He is back early.
    rpc(MANAGER)("distribution.approval.delegation", "action_end", [delegation["id"]])
    priya.opens(INBOX)
    assert goods.order(5000).name not in priya.opens(INBOX).reads()


def test_a_leave_routes_at_once(person, rpc, goods, is_released):
    """An order waits when Marcus falls ill: the moment he enters his leave it is Priya's."""
    marcus = rpc(MANAGER)
    delegation = marcus(
        "distribution.approval.delegation",
        "create",
        {"substitute_id": rpc(COLLEAGUE).uid, "applies": "absent"},
    )
    order = goods.order(5000)
    priya = person(COLLEAGUE).opens(INBOX)
    assert order.name not in priya.reads()

    (resource,) = rpc("admin")("resource.resource", "search", [("user_id", "=", marcus.uid)])
    now = datetime.utcnow()
    leave = marcus(
        "resource.calendar.leaves",
        "create",
        {
            "name": "Ill",
            "resource_id": resource,
            "date_from": (now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S"),
            "date_to": (now + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S"),
            "time_type": "leave",
        },
    )
    priya.opens(INBOX).opens_row(order.name)
    assert "Marcus Oyelaran is on leave" in priya.reads()
    priya.presses("action_approve")
    assert is_released(order)

    marcus("resource.calendar.leaves", "unlink", leave if isinstance(leave, list) else [leave])
    later = goods.order(5000)
    assert later.name not in priya.opens(INBOX).reads()
    marcus(
        "distribution.approval.delegation", "action_end", delegation if isinstance(delegation, list) else [delegation]
    )


# -------------------------------------------------------------------------- short ways


def test_an_emergency_is_released_and_reviewed(person, rpc, goods, is_released, sql, tmp_path, pictures):
    """A line stands still on Saturday. Annika releases the order at once; Ingrid looks at it afterwards."""
    order = goods.order(6000)
    annika = person("warehouse_manager")
    annika.opens("distribution_approval.action_approval_request").opens_row(order.name)
    press(annika, "Emergency Release").fills(
        "justification", "The press of our customer stands still; nobody of Purchasing answers today."
    )
    message = tmp_path / "message-of-the-customer.txt"
    message.write_text("We stand still. Please send the bolts today.")
    annika.page.set_input_files(".modal .o_field_widget[name=attachment_ids] input[type=file]", str(message))
    annika.page.wait_for_selector(".modal :text('message-of-the-customer') >> visible=true")
    annika.settles()
    annika.takes_picture(pictures, "emergency-release")
    submit(annika, "action_release")
    assert is_released(order)

    buyer = person("buyer")
    assert "Emergency release by Annika Sjöberg" in notice_on(buyer, order)
    buyer.takes_picture(pictures, "order-released-in-an-emergency")

    # The review has a day of its own; nobody looked by then.
    (emergency,) = rpc("operations_manager")(EMERGENCY, "search", [("document_name", "=", order.name)])
    rules.day_passes(sql, "distribution_approval_emergency", "review_due", emergency)
    for _day in range(2):
        run_job(rpc, "ir_cron_emergency")
    assert cases_of(rpc, "emergency_review_overdue", order.id) == 1

    ingrid = person("operations_manager").opens("distribution_approval.action_approval_emergency")
    ingrid.opens_row(order.name).sees("The press of our customer stands still")
    press(ingrid, "Review").fills("comment", "The customer confirms the standstill. Purchasing gets a rota.")
    ingrid.takes_picture(pictures, "review-of-an-emergency")
    submit(ingrid, "action_review")
    (found,) = rpc("auditor")(EMERGENCY, "read", [emergency], fields=["state", "outcome", "reviewed_by_id"])
    assert (found["state"], found["outcome"]) == ("reviewed", "justified")
    assert found["reviewed_by_id"][1] == "Ingrid Halvorsen"
    assert "reviewed by Ingrid Halvorsen" in notice_on(buyer, order), "the mark stays"


def test_a_fast_path_up_to_its_ceiling(person, goods, state, pictures):
    """Urgent orders for a customer who stands still pass, up to 7,500 a day; the third one is asked for."""
    first, second, third = (goods.order(3400, priority="1") for _number in range(3))
    assert [state(order)[0] for order in (first, second, third)] == ["purchase", "purchase", "to approve"]
    assert state(third)[1] == "pending"
    auditor = person("auditor").opens("distribution_approval.action_approval_fast_path_use")
    taken = auditor.reads()
    assert first.name in taken
    assert second.name in taken
    assert third.name not in taken
    auditor.takes_picture(pictures, "fast-paths-taken")


# ------------------------------------------------------------------------------- links


@pytest.fixture(scope="module")
def mail_server(rpc, goods):
    with rules.Postbox() as box:
        box.open_for(rpc)
        yield box


@pytest.fixture
def postbox(rpc, mail_server):
    """Mail goes to a post box, and Marcus wants his notices by mail."""
    manager = rpc(MANAGER)
    manager("res.users", "write", [manager.uid], {"notification_type": "email"})
    yield mail_server
    manager("res.users", "write", [manager.uid], {"notification_type": "inbox"})


@pytest.fixture
def stranger(browser, server):
    """A browser in which nobody is logged in."""
    context = browser.new_context(base_url=server.url)
    yield context.new_page()
    context.close()


def test_a_link_in_mail_decides_once(rpc, goods, postbox, stranger, http, server, state, is_released, pictures):
    order = goods.order(5000)
    run_job(rpc, "ir_cron_link")
    path = postbox.link_for(f"{MANAGER}@example.com")
    letter = postbox.letters[-1]
    assert order.name in letter["Subject"]

    # A mail scanner opens the link before Marcus does. Looking decides nothing.
    for _look in range(3):
        assert http.get(path).status_code == 200
        assert http.head(path).status_code in (200, 405)
    assert state(order) == ("to approve", "pending")

    # Somebody else who is logged in learns nothing from it.
    http.log_in(server.database, "sales_rep")
    answer = http.get(path)
    assert answer.status_code == 403
    for secret in (order.name, "Marcus", "5,0", "Above"):
        assert secret not in answer.text
    assert http.post(path, data={"outcome": "approve"}).status_code in (400, 403)
    assert state(order) == ("to approve", "pending")

    stranger.goto(path)
    assert order.name in stranger.inner_text("body")
    stranger.screenshot(path=pictures / "decision-link.png")
    stranger.click("button[value=approve]")
    stranger.wait_for_selector("text=Thank you")
    assert is_released(order)
    stranger.goto(path)
    assert "Approve" not in stranger.inner_text("body")
    assert order.name not in stranger.inner_text("body")
    (decision,) = rpc("auditor")(
        "distribution.approval.decision",
        "search_read",
        [("request_id.document_name", "=", order.name)],
        fields=["user_id", "channel"],
    )
    assert (decision["user_id"][1], decision["channel"]) == ("Marcus Oyelaran", "link")
    kept = rpc("admin")("mail.message", "search_count", [("body", "ilike", path.rpartition("/")[2])])
    kept += rpc("admin")("mail.mail", "search_count", [("body_html", "ilike", path.rpartition("/")[2])])
    assert kept == 0, "the link is in the letter only"


def test_above_the_ceiling_a_link_leads_to_the_own_session(
    rpc, goods, postbox, stranger, browser_page, state, is_released
):
    order = goods.order(rules.LINK_CEILING + 2000)
    run_job(rpc, "ir_cron_link")
    path = postbox.link_for(f"{MANAGER}@example.com")
    assert stranger.goto(path).status == 401
    assert order.name not in stranger.content()
    assert stranger.locator("button[value=approve]").count() == 0
    assert state(order) == ("to approve", "pending")
    page = browser_page(MANAGER)
    page.goto(path)
    page.click("button[value=approve]")
    page.wait_for_selector("text=Thank you")
    assert is_released(order)


def test_several_are_approved_together(person, goods, is_released, state, pictures):
    """Two small ones are ticked and approved together; the larger one is to be looked at by itself."""
    small = [goods.order(3500), goods.order(3600)]
    large = goods.order(rules.BULK_LIMIT + 2000)
    manager = person(MANAGER).opens(INBOX)
    for order in (*small, large):
        manager.page.click(f".o_data_row:has-text('{order.name}') .o_list_record_selector input")
    press(manager, "Approve Together")
    summary = manager.reads(".modal")
    assert "2 of 3 can be approved together" in summary
    assert "decided by itself" in summary
    manager.takes_picture(pictures, "approve-together")
    submit(manager, "action_approve")
    assert "2 approved, 1 not" in manager.reads(".modal")
    assert all(map(is_released, small))
    assert state(large) == ("to approve", "pending")
    submit(manager, "action_close")
    assert decide(manager_rpc := goods.rpc(MANAGER), large.id) is True
    assert task_of(manager_rpc, large.id) is None
