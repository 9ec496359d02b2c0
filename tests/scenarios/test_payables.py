"""Money for vendors: a bill that does not match, a new bank account, a new vendor, expedited freight."""

from xmlrpc.client import Fault

import pytest
from over_the_wire import refused
from payables_desk import Desk
from web_client import INBOX

NEW_NUMBER = "0099 4711 8833"
OLD_NUMBER = "0031 9920 4417"


@pytest.fixture
def desk(rpc, sql):
    return Desk(rpc, sql)


def test_a_bill_that_does_not_match_its_order(desk, person, phone, pictures, rpc):
    """Lucía keeps the payables. A bill is dearer than its order: she sees who has to look at it, cannot
    pay around it, and goes on when it is approved."""
    vendor = desk.vendor("Aerolis")
    order_id = desk.order(vendor, 20)
    desk.receive(order_id)
    bill_id = desk.bill(order_id, reference="AFP-3001", dearer=0.08)

    # She confirms it. Nothing breaks: it stays a draft, and the screen says for whom it waits, and why.
    clerk = person("accountant")
    clerk.opens_record("account.move", bill_id).presses("action_post")
    clerk.page.wait_for_selector(".o_approval_banner >> visible=true")
    banner = clerk.reads(".o_approval_banner >> visible=true")
    assert "Waiting for" in banner
    assert "2 %" in banner
    clerk.takes_picture(pictures, "bill-held-clerk")
    assert desk.state(bill_id) == ("draft", "pending")

    # It is not among what is due, and no payment is initiated for it, whichever way.
    assert desk.clerk("account.move", "search_count", [("id", "=", bill_id), ("payment_state", "!=", "not_paid")]) == 0
    payment = desk.payment(vendor, 500)
    words = refused(desk.clerk, "account.payment", "action_post", [payment])
    assert "AFP-3001" in words
    assert "held" in words
    clerk.opens_record("account.payment", payment).presses("action_post")
    clerk.page.wait_for_selector(".modal:has-text('AFP-3001')")
    clerk.takes_picture(pictures, "payment-refused-clerk")
    before = desk.initiated(vendor)
    with pytest.raises(Fault):
        desk.register([bill_id])
    assert desk.initiated(vendor) == before

    # Marcus answers for prices. On his phone he sees line by line what was ordered, received and billed.
    manager = person("purchasing_manager", size=phone)
    manager.opens(INBOX).opens_row("AFP-3001")
    standing = manager.reads()
    assert "beyond order" in standing.lower()
    assert "20 Units" in standing
    assert "20.000000" not in standing
    manager.takes_picture(pictures, "bill-task-phone").presses("action_approve")
    desk.waits_for(lambda: desk.state(bill_id) == ("posted", "released"))

    # She pays it, and no more than it amounts to.
    desk.register([bill_id])
    (bill,) = desk.clerk("account.move", "read", [bill_id], fields=["amount_total", "payment_state"])
    assert bill["payment_state"] in ("paid", "in_payment")
    assert desk.initiated(vendor) == pytest.approx(before + bill["amount_total"])
    clerk.opens_record("account.move", bill_id)
    assert clerk.page.locator(".o_approval_banner >> visible=true").count() == 0

    # Ruth, the auditor, reads how it went.
    events = rpc("auditor")(
        "distribution.event",
        "search_read",
        [("res_model", "=", "account.move"), ("res_id", "=", bill_id)],
        fields=["type"],
        order="id",
    )
    kinds = [event["type"].split(".")[2] for event in events]
    assert kinds[:2] == ["mismatched", "approval_requested"]
    assert kinds[-1] == "released"
    assert "decision_recorded" in kinds


def test_the_same_bill_again(desk):
    """It comes by mail and as a scan, written a little differently: the second one waits for finance."""
    vendor = desk.vendor("Aerolis")
    order_id = desk.order(vendor, 10)
    desk.receive(order_id)
    desk.posted(order_id, reference="AFP 4001/B")
    other = desk.order(vendor, 11)
    desk.receive(other)
    again = desk.bill(other, reference="afp-4001b")
    desk.clerk("account.move", "action_post", [again])
    assert desk.state(again) == ("draft", "pending")
    task = desk.task(desk.rpc("finance_controller"), "account.move", again)
    assert "same reference" in task["standing"]
    desk.decides("finance_controller", "account.move", again, "reject", comment="A scan", reason_code="other")
    assert desk.state(again) == ("draft", "rejected")


def test_a_new_bank_account(desk, person, pictures, rpc):
    """Clara, a buyer who keeps the contacts of her vendors, hears of a new account. She proposes it; Helena
    approves it; until then everything goes to the old one."""
    buyer, admin = desk.buyer, rpc("admin")
    vendor = desk.vendor("Kestrel")
    (account,) = admin("res.partner.bank", "search", [("partner_id", "=", vendor)])

    def number():
        return desk.sql("SELECT acc_number, allow_out_payment FROM res_partner_bank WHERE id = %s", (account,))[0]

    assert number() == (OLD_NUMBER, True)
    groups = "groups_id" if "groups_id" in admin("res.users", "fields_get", ["groups_id"], ["type"]) else "group_ids"
    (contacts,) = admin("ir.model.data", "search_read", [("name", "=", "group_partner_manager")], fields=["res_id"])
    admin("res.users", "write", [buyer.uid], {groups: [(4, contacts["res_id"])]})

    # Writing it down is refused, and the refusal says what to do instead.
    for method, arguments in (
        ("create", [{"partner_id": vendor, "acc_number": NEW_NUMBER}]),
        ("write", [[account], {"acc_holder_name": "Kestrel Works"}]),
    ):
        words = refused(buyer, "res.partner.bank", method, *arguments)
        assert "approved proposal" in words
    (bank,) = buyer("res.bank", "search", [("name", "=", "Lakehead Savings")])
    change = buyer(
        "distribution.vendor.change",
        "create",
        {
            "partner_id": vendor,
            "kind": "account_change",
            "bank_account_id": account,
            "account_number": NEW_NUMBER,
            "new_bank_id": bank,
            "new_trusted": True,
            "source": "letter",
            "called_back": True,
            "reason": "Their letter of Monday; confirmed with the number that we had.",
        },
    )
    buyer("distribution.vendor.change", "action_propose", [change])

    def state():
        return desk.sql("SELECT state, approval_state FROM distribution_vendor_change WHERE id = %s", (change,))[0]

    assert state() == ("to_approve", "pending")
    assert number() == (OLD_NUMBER, True)

    # Meanwhile a bill comes and is paid: to the account that is in force.
    order_id = desk.order(vendor, 5)
    desk.receive(order_id)
    bill_id = desk.posted(order_id)
    desk.register([bill_id])
    paid_to = desk.sql(
        "SELECT DISTINCT partner_bank_id FROM account_payment WHERE partner_id = %s AND partner_bank_id IS NOT NULL",
        (vendor,),
    )
    assert paid_to == [(account,)]

    # The auditor sees that there is a change, and not the number.
    auditor = person("auditor")
    auditor.opens_record("distribution.vendor.change", change)
    assert "8833" in auditor.reads()
    for number_in_full in (NEW_NUMBER, OLD_NUMBER):
        assert number_in_full not in auditor.page.content()
    assert auditor.page.locator("button[name=action_cancel] >> visible=true").count() == 0
    auditor.takes_picture(pictures, "vendor-change-auditor")

    # Helena sees it in full, compares it with the letter, and approves.
    finance = person("finance_controller")
    finance.opens(INBOX).opens_row(_name_of(desk, "vendor_change", change))
    assert NEW_NUMBER in finance.reads()
    finance.takes_picture(pictures, "vendor-change-finance").presses("action_approve")
    desk.waits_for(lambda: state() == ("applied", "released"))
    assert number() == (NEW_NUMBER, True)

    # Nobody was told more of the numbers than their ends.
    assert desk.places_with(NEW_NUMBER) == []
    assert desk.places_with(OLD_NUMBER) == []


def test_a_new_vendor(desk, person, pictures):
    """The first order of a vendor that nobody has approved: held with one click to its onboarding, and
    carried on with when compliance has approved the vendor. Then bill and payment go through."""
    vendor = desk.vendor("Novatherm")
    order_id = desk.order(vendor, 10, confirm=False)
    words = refused(desk.buyer, "purchase.order", "button_confirm", [order_id])
    assert "not an approved vendor yet" in words
    bill_id = desk.bill(vendor=vendor, amount=50.0)
    assert "not an approved vendor yet" in refused(desk.clerk, "account.move", "action_post", [bill_id])
    payment = desk.payment(vendor, 50)
    assert "not an approved vendor yet" in refused(desk.clerk, "account.payment", "action_post", [payment])
    # Nobody writes the standing by hand, either.
    compliance = desk.rpc("compliance_officer")
    assert "onboarding" in refused(compliance, "res.partner", "write", [vendor], {"vendor_status": "approved"})

    # Clara opens the order and starts the onboarding from it.
    buyer = person("buyer")
    buyer.opens_record("purchase.order", order_id).presses("action_start_onboarding")
    buyer.page.wait_for_selector(".o_field_widget[name=category_ids]")
    buyer.takes_picture(pictures, "onboarding-new-buyer")
    onboarding = desk.buyer(
        "distribution.vendor.onboarding",
        "create",
        {
            "partner_id": vendor,
            "amount": 12000,
            "note": "Controls that nobody else makes.",
            "document_ids": [(0, 0, {"kind": "registration", "content": "cmVnaXN0ZXI=", "filename": "register.txt"})],
            "blocked_model": "purchase.order",
            "blocked_id": order_id,
        },
    )
    desk.buyer("distribution.vendor.onboarding", "action_submit", [onboarding])
    assert desk.state_of_order(order_id) == "draft"

    # Tomasz looks at the papers and approves.
    officer = person("compliance_officer")
    officer.opens(INBOX).opens_row(_name_of(desk, "vendor_onboarding", onboarding)).takes_picture(
        pictures, "onboarding-task"
    )
    officer.presses("action_approve")

    def status():
        return desk.sql("SELECT vendor_status FROM res_partner WHERE id = %s", (vendor,))[0][0]

    desk.waits_for(lambda: status() == "approved")
    # Nobody confirms the order again: it went on by itself.
    desk.waits_for(lambda: desk.state_of_order(order_id) == "purchase")
    desk.receive(order_id)
    first_bill = desk.posted(order_id)
    desk.register([first_bill])
    assert desk.initiated(vendor) > 0
    # The bill from before passes the policy for small ones without an order.
    desk.clerk("account.move", "action_post", [bill_id])
    assert desk.state(bill_id) == ("posted", "passed")


def test_expedited_freight(desk, person, pictures):
    """A small cost goes through; the dear one waits for the purchasing manager and is shipped then."""
    order_id = desk.order(desk.vendor("Tamarack"), 10)

    def request(amount, **values):
        return desk.buyer(
            "distribution.freight.request",
            "create",
            {"purchase_id": order_id, "amount": amount, "reason_code": "late_supplier", **values},
        )

    def state(request_id):
        return desk.sql("SELECT state FROM distribution_freight_request WHERE id = %s", (request_id,))[0][0]

    small = request(80)
    desk.buyer("distribution.freight.request", "action_authorise", [small])
    assert state(small) == "authorised"
    dear = request(390, note="A van tonight; the line would stand still.")
    buyer = person("buyer")
    buyer.opens_record("distribution.freight.request", dear).presses("action_authorise")
    buyer.page.wait_for_selector(".o_approval_banner >> visible=true")
    buyer.takes_picture(pictures, "freight-held-buyer")
    assert state(dear) == "to_approve"
    refused(desk.buyer, "distribution.freight.request", "write", [dear], {"state": "authorised"})
    with pytest.raises(Fault):
        desk.buyer("distribution.freight.request", "action_ship", [dear])
    assert state(dear) == "to_approve"

    manager = person("purchasing_manager")
    manager.opens(INBOX).opens_row(_name_of(desk, "freight_request", dear)).takes_picture(pictures, "freight-task")
    manager.presses("action_approve")
    desk.waits_for(lambda: state(dear) == "authorised")
    desk.buyer("distribution.freight.request", "action_ship", [dear])
    assert state(dear) == "shipped"


def _name_of(desk, document, record_id):
    return desk.sql(f"SELECT name FROM distribution_{document} WHERE id = %s", (record_id,))[0][0]
