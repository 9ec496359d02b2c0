"""An afternoon of an integrator: n8n stands between the suite and a chat, a supplier, two carriers and the mail.

Odoo, n8n and its workflows are the real ones; chat, supplier and post boxes are servers of this test.
"""

import datetime
import hashlib
import json
import re
import uuid
from types import SimpleNamespace

import pytest
import rules_in_force as rules
from peers import NOBODY, waits_for

pytestmark = pytest.mark.cron

MANAGER = "purchasing_manager@example.com"
SHIPPED_AT = "02.12.2026 16:30"


@pytest.fixture
def ledger(rpc):
    """Events of a type, as dicts with ``data``, the newest first; of n8n's what n8n said."""

    def read(kind, subject=None, **more):
        domain = [("type", "=", kind), *((name, "=", value) for name, value in more.items())]
        found = rpc("auditor")("distribution.event", "search_read", domain, fields=["uid", "data"], order="id desc")
        facts = [{"uid": one["uid"], **json.loads(one["data"])} for one in found]
        return [{"data": one, **one} for one in facts if subject in (None, one.get("subject"))]

    return read


@pytest.fixture
def calls(rpc):
    """What arrived in the API inbox for an operation: ``[(state, body)]``."""

    def read(operation):
        found = rpc("operations_manager")(
            "distribution.api.call",
            "search_read",
            [("operation", "=", operation)],
            fields=["state", "body"],
            order="id",
        )
        return [(one["state"], json.loads(one["body"])) for one in found]

    return read


@pytest.fixture
def asked(goods, peers, rpc, n8n):
    """``asked(amount)``: an order that waits, its notice in the chat, and the link that only its approver got."""

    def ask(amount=5000):
        order = goods.order(amount)
        rules.run_job(rpc, "ir_cron_link")
        (text,) = waits_for(lambda: peers.chat.texts("Approval needed", order.name)) or [None]
        assert text, [body for _h, body, _s in peers.chat.arrived]
        reference = re.search(r"/decide (\S+) approve", text)[1]
        return SimpleNamespace(
            id=order.id, name=order.name, text=text, reference=reference, link=peers.of_odoo.link_for(MANAGER)
        )

    return ask


@pytest.fixture
def answers(n8n):
    """Write in the chat, as whoever; what the chat shows to the writer."""

    def write(text):
        answer = n8n.call("approval-answers", {"text": text}, credential="chat_answers")
        assert answer.status_code == 200, answer.text
        assert answer.json()["response_type"] == "ephemeral"
        return answer.json()["text"]

    return write


def state(rpc, order):
    return rpc("buyer")("purchase.order", "read", [order.id], fields=["state"])[0]["state"]


# --- (1) approvals ------------------------------------------------------------------------------


def test_an_approval_is_told_in_the_chat_and_decided_from_there(asked, answers, rpc, peers, n8n):
    order = asked()
    assert "@marcus" in order.text
    assert "Purchasing" in order.text
    token = order.link.rpartition("/")[2]
    assert token not in json.dumps([body for _h, body, _s in peers.chat.arrived]), "the chat never sees a token"

    reply = answers(f"{order.reference} approve https://odoo.example.com{order.link}")
    assert "Passed on" in reply
    number = "-".join(order.reference.split("-")[:2])
    assert waits_for(lambda: peers.chat.texts(number, "decided", "approved")), peers.chat.texts(number)
    assert waits_for(lambda: state(rpc, order) == "purchase")
    (decision,) = rpc("auditor")(
        "distribution.approval.decision",
        "search_read",
        [("request_id.document_name", "=", order.name)],
        fields=["user_id", "channel"],
    )
    assert (decision["user_id"][0], decision["channel"]) == (rpc("purchasing_manager").uid, "api")
    assert waits_for(lambda: peers.chat.texts(order.name, ": approved"))

    # The token went through n8n's memory and stayed nowhere.
    assert waits_for(lambda: not n8n.rows("SELECT executionId FROM execution_data WHERE data LIKE ?", f"%{token}%"))
    assert token not in n8n.log.read_text()
    # The same answer again decides nothing again.
    answers(f"{order.reference} approve https://odoo.example.com{order.link}")
    assert waits_for(
        lambda: len(peers.chat.texts(number, "decided", "approved")) + len(peers.chat.texts(number, "not")) > 1
    )
    assert (
        rpc("auditor")(
            "distribution.approval.decision", "search_count", [("request_id.document_name", "=", order.name)]
        )
        == 1
    )


def test_nobody_else_decides(asked, answers, rpc, peers, n8n):
    order = asked()
    number = "-".join(order.reference.split("-")[:2])
    # Who is not the chat, is not heard; what is no answer, is explained.
    assert n8n.call("approval-answers", {"text": f"{order.reference} approve {order.link}"}).status_code == 403
    assert "Write: REFERENCE" in answers("approve please")
    # A token that nobody was sent; another content than the one that was shown.
    answers(f"{order.reference} approve {'x' * 43}")
    assert waits_for(lambda: peers.chat.texts(number, "not decided"))
    other = order.reference[:-12] + "0" * 12
    answers(f"{other} approve {order.link}")
    assert waits_for(lambda: peers.chat.texts(number, "has changed since"))
    assert state(rpc, order) == "to approve"
    # Rejecting takes a reason; with one it is rejected.
    answers(f"{order.reference} reject {order.link} Too many of them.")
    assert waits_for(lambda: peers.chat.texts(number, "decided", "rejected")), peers.chat.texts(number)
    assert state(rpc, order) != "purchase"


def test_above_the_ceiling_the_person_has_to_log_in(asked, answers, rpc, peers):
    order = asked(rules.LINK_CEILING + 5000)
    answers(f"{order.reference} approve {order.link}")
    number = "-".join(order.reference.split("-")[:2])
    (text,) = waits_for(lambda: peers.chat.texts(number, "not decided"))
    assert "distribution.approval.task" in text, "it points to the person's own session"
    assert state(rpc, order) == "to approve"


# --- signatures and repetitions -----------------------------------------------------------------


def test_what_is_not_ours_is_refused(n8n, peers):
    event = {"id": str(uuid.uuid4()), "type": "distribution.case.opened.v1", "subject": "distribution.case,1"}
    event |= {"time": "2026-11-22T00:00:00Z", "data": {"case_type": "forged", "severity": "3", "kind": "technical"}}
    long_ago = datetime.datetime.now(tz=datetime.timezone.utc) - datetime.timedelta(minutes=6)
    body, good = n8n.signed("alerts", event)
    _body, old = n8n.signed("alerts", event, when=long_ago)
    _body, other = n8n.signed("alerts", event, n8n.secrets["orders"])
    for raw, headers in (
        (body, {}),
        (body, {**good, "webhook-signature": "v1,AAAA"}),
        (body, {**good, "webhook-signature": ""}),
        (body, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}),
        (body, {**good, "webhook-id": str(uuid.uuid4())}),
        (body.replace("forged", "f0rged"), good),
        (body + " ", good),
        (body, old),
        (body, other),
    ):
        answer = n8n.call("alerts", raw=raw, headers=headers)
        assert answer.status_code == 401, (answer.status_code, answer.text, headers)
    assert not peers.chat.texts("forged")
    # One of several signatures is enough: a secret is being changed.
    many = {**good, "webhook-signature": f"{other['webhook-signature']} v2,xyz {good['webhook-signature']}"}
    assert n8n.call("alerts", raw=body, headers=many).status_code == 204
    assert waits_for(lambda: peers.chat.texts("forged"))
    # Repeated: taken, and nothing happens again.
    assert n8n.call("alerts", raw=body, headers=good).status_code == 204
    event["id"], event["data"]["case_type"] = str(uuid.uuid4()), "marker"
    body, headers = n8n.signed("alerts", event)
    n8n.call("alerts", raw=body, headers=headers)
    assert waits_for(lambda: peers.chat.texts("marker"))
    assert len(peers.chat.texts("forged")) == 1


# --- (2) orders ---------------------------------------------------------------------------------


def in_force(goods, rpc, amount=1000):
    """An order in force: within policy, or approved by who is asked because there were so many."""
    order = goods.order(amount)
    if state(rpc, order) == "to approve":
        rules.decide(rpc("purchasing_manager"), order.id)
    assert waits_for(lambda: state(rpc, order) == "purchase")
    return order


@pytest.fixture(scope="module")
def unlucky(goods, n8n, peers, rpc):
    """An order that the supplier did not take at first: it is tried again much later."""
    peers.supplier.status = 503
    order = in_force(goods, rpc)
    assert waits_for(lambda: sent(peers, order))
    peers.supplier.status = 200
    return order


def sent(peers, order, status=None):
    return [
        (headers, body)
        for headers, body, answered in list(peers.supplier.arrived)
        if body["order"] == order.name and status in (None, answered)
    ]


def test_an_order_goes_to_the_supplier_and_its_confirmation_comes_back(goods, unlucky, peers, n8n, ledger, calls, rpc):
    order = in_force(goods, rpc)
    assert waits_for(lambda: sent(peers, order)), state(rpc, order)
    ((headers, body),) = sent(peers, order)
    (event,) = (
        event
        for fact in ("passed", "released")
        for event in ledger(f"distribution.purchase_order.{fact}.v1", res_id=order.id)
    )
    assert headers["idempotency-key"] == body["messageId"] == event["uid"]
    assert headers["x-api-key"] == "of the supplier"
    (position,) = body["positions"]
    (line,) = rpc("buyer")(
        "purchase.order.line", "search_read", [("order_id", "=", order.id)], fields=["product_qty", "price_unit"]
    )
    assert (position["line"], position["quantity"]) == (line["id"], line["product_qty"])
    assert waits_for(lambda: ledger("n8n.purchase_order.sent.v1", subject=f"purchase.order,{order.id}"))

    confirmation = {
        "number": "AB-7781",
        "order": order.name,
        "confirmedAt": "2026-11-22T10:00:00+01:00",
        "positions": [{"line": line["id"], "answer": "changed", "quantity": 8, "delivery": "2026-12-04", "price": 2.5}],
    }
    assert n8n.call("supplier-confirmations", confirmation).status_code == 403
    for _time in range(2):
        assert n8n.call("supplier-confirmations", confirmation, credential="supplier_answers").status_code == 202
    mine = lambda: [one for one in calls("supplier-confirmations") if one[1]["order"]["name"] == order.name]  # noqa: E731
    assert waits_for(mine)
    ((_state, body),) = mine()
    assert body["confirmed_at"] == "2026-11-22T09:00:00.000Z"
    assert body["vendor_reference"] == "AB-7781"
    assert body["lines"] == [
        {
            "line_id": line["id"],
            "status": "changed",
            "quantity": 8,
            "promised_date": "2026-12-04",
            "price_unit": 2.5,
        }
    ]


def test_what_cannot_be_handed_over_is_not_lost(goods, n8n, peers, ledger, rpc):
    """The supplier refuses an order for good, and sends something that nobody understands."""
    peers.supplier.status = 422
    order = in_force(goods, rpc, 1100)
    assert waits_for(lambda: sent(peers, order))
    peers.supplier.status = 200
    subject = f"purchase.order,{order.id}"
    (event,) = waits_for(lambda: ledger("n8n.call.refused.v1", subject=subject))
    assert (event["data"]["receiver"], event["data"]["status"]) == ("supplier", 422)
    # Operations hear of it: by chat and by mail.
    assert waits_for(lambda: peers.chat.texts("supplier did not take"))
    assert waits_for(lambda: letters(peers, "supplier did not take"))

    nonsense = {"order": order.name, "contactPerson": "Ann", "positions": [{"line": 1, "answer": "PERHAPS"}]}
    n8n.call("supplier-confirmations", nonsense, credential="supplier_answers")
    (event,) = waits_for(lambda: ledger("n8n.supplier_confirmation.not_understood.v1"))
    assert "PERHAPS" in event["data"]["reason"]
    assert json.loads(event["data"]["said"]) == {"order": order.name, "positions": nonsense["positions"]}


def letters(peers, *words):
    return [
        letter
        for letter in peers.of_n8n.letters
        if all(word in f"{letter['Subject']}\n{letter.get_body().get_content()}" for word in words)
    ]


# --- (3) carriers -------------------------------------------------------------------------------


def test_two_carriers_speak_two_languages(n8n, calls, ledger):
    speedy = {"eventId": "E-1", "trackingNumber": "1Z999", "eventCode": "DY", "eventTime": "2026-12-02T05:12:00+01:00"}
    speedy |= {"eta": "2026-12-04T08:00:00Z", "reason": "WEATHER", "driverName": "Bob"}
    northline = {
        "message": "M-7",
        "offset": "+01:00",
        "consignments": [
            {"awb": "NL-1", "state": "Delivered OK", "when": "02.12.2026 11:40", "depot": "Hof"},
            {"awb": "NL-2", "state": "Teleported", "when": "02.12.2026 11:41", "recipientName": "Bob"},
        ],
        "despatch": [
            {
                "number": "ASN-5531",
                "order": "P00001",
                "shipped": SHIPPED_AT,
                "arrives": "03.12.2026",
                "awb": "NL-3",
                "items": [{"article": "BOLT-M8", "qty": "80", "batch": "L-77", "best_before": "31.12.2027"}],
            }
        ],
    }
    for _time in range(2):
        assert n8n.call("carriers/speedy", speedy, credential="speedy").status_code == 202
        assert n8n.call("carriers/northline", northline, credential="northline").status_code == 202
    assert n8n.call("carriers/northline", northline, credential="speedy").status_code == 403
    assert waits_for(lambda: len(calls("carrier-statuses")) == 2 and calls("ship-notices"))
    statuses = {body["tracking_reference"]: body for _state, body in calls("carrier-statuses")}
    for body in statuses.values():
        body.pop("accept_as_case", None)
    assert statuses["1Z999"] == {
        "carrier": "Speedy",
        "tracking_reference": "1Z999",
        "status": "delayed",
        "occurred_at": "2026-12-02T04:12:00.000Z",
        "expected_at": "2026-12-04T08:00:00.000Z",
        "reason_code": "WEATHER",
    }
    assert (statuses["NL-1"]["status"], statuses["NL-1"]["occurred_at"]) == ("delivered", "2026-12-02T10:40:00.000Z")
    ((_state, notice),) = calls("ship-notices")
    assert (notice["reference"], notice["shipped_at"]) == ("ASN-5531", "2026-12-02T15:30:00.000Z")
    assert notice["lines"] == [
        {"product": {"code": "BOLT-M8"}, "quantity": 80, "lot": "L-77", "expiry_date": "2027-12-31"}
    ]
    (lost,) = waits_for(lambda: ledger("n8n.carrier_message.not_understood.v1"))
    said = json.loads(lost["data"]["said"])
    assert said == {"awb": "NL-2", "state": "Teleported", "when": "02.12.2026 11:41"}, "nobody's name is kept"


# --- (4) alerts ---------------------------------------------------------------------------------


def test_a_dead_letter_and_an_overdue_case_reach_operations(n8n, peers, rpc, sql, server):
    admin = rpc("admin")
    # Nobody listens there, and three days are over.
    dead = admin(
        "distribution.webhook.subscription",
        "create",
        {"name": "Nobody", "url": f"http://{NOBODY}/hook", "event_types": "distribution.nothing.*"},
    )
    admin("distribution.webhook.subscription", "action_activate", [dead])
    admin("distribution.webhook.subscription", "action_test", [dead])
    tried = "SELECT id FROM distribution_webhook_delivery WHERE subscription_id = %s AND attempts > 0"
    assert waits_for(lambda: sql(tried, (dead,)))
    sql(
        """UPDATE distribution_webhook_delivery
              SET began_at = began_at - interval '4 days', next_at = '2000-01-01'
            WHERE subscription_id = %s AND state = 'pending'""",
        (dead,),
    )
    run_core_job(rpc, "ir_cron_webhook_drain")
    assert waits_for(lambda: peers.chat.texts("Dead letters", "webhook_dead_letter"))
    assert waits_for(lambda: letters(peers, "Dead letters", "webhook_dead_letter"))
    (letter,) = letters(peers, "Dead letters", "webhook_dead_letter")
    assert letter["To"] == "operations@example.com"

    # Nobody looks after the case.
    ((case,),) = sql("SELECT max(id) FROM distribution_case WHERE state = 'open'")
    sql(
        """UPDATE distribution_case SET due_at = now() AT TIME ZONE 'utc' - interval '1 day',
                  next_escalation_at = now() AT TIME ZONE 'utc' - interval '1 hour' WHERE id = %s""",
        (case,),
    )
    run_core_job(rpc, "ir_cron_case_escalate")
    assert waits_for(lambda: peers.chat.texts(f"Case {case} is overdue"))
    assert waits_for(lambda: letters(peers, f"Case {case} is overdue"))


def run_core_job(rpc, name):
    rules.run_job(rpc, name, "distribution_core")


def test_a_workflow_that_fails_is_a_fact(n8n, ledger):
    """A genuine message that the workflow cannot digest: n8n runs the error path, Odoo hears of it."""
    body, headers = n8n.signed("approvals", {"id": str(uuid.uuid4()), "data": None, "type": "x"})
    before = len(ledger("n8n.workflow.failed.v1"))
    body, headers = n8n.signed("alerts", {"id": str(uuid.uuid4()), "type": "distribution.case.opened.v1", "data": {}})
    assert n8n.call("alerts", raw=body, headers=headers).status_code == 204
    assert waits_for(lambda: len(ledger("n8n.workflow.failed.v1")) > before)
    data = ledger("n8n.workflow.failed.v1")[0]["data"]
    assert (data["workflow"], data["node"]) == ("Distribution: alerts to operations", "Worth an alert?")


# --- (5) the day by mail ------------------------------------------------------------------------


def summaries(peers):
    """``[(from, to, {line: number})]`` of the mails so far."""
    found = []
    for letter in list(peers.of_n8n.letters):
        text = letter.get_body().get_content()
        span = re.search(r"From (\S+) to (\S+)", text)
        if letter["To"] == "managers@example.com" and span:
            since, until = span.groups()
            found.append((since, until, {name: int(n) for name, n in re.findall(r"^ +(.+): (\d+)\r?$", text, re.M)}))
    return sorted(found, key=lambda one: one[1])


def test_the_day_by_mail_counts_each_event_once(goods, n8n, peers, rpc, sql):
    goods.order(5000)
    assert waits_for(lambda: summaries(peers), 90), n8n.log
    begin = summaries(peers)[0][0].rstrip("Z")
    facts = {"asked": ("requested", "restarted"), "approved": ("approved",), "rejected": ("rejected",)}

    def happened():
        found = {}
        for line, kinds in facts.items():
            types = [f"%.{'approved' if kind == 'approved' else f'approval_{kind}'}.v1" for kind in kinds]
            ((found[line],),) = sql(
                "SELECT count(*) FROM distribution_event WHERE time >= %s AND type LIKE ANY(%s)", (begin, types)
            )
        return found

    def told():
        return {line: sum(counts[line] for _since, _until, counts in summaries(peers)) for line in facts}

    def everything_was_told():
        # What is sealed is what can be read.
        run_core_job(rpc, "ir_cron_seal")
        return told() == happened()

    assert waits_for(everything_was_told, 90), (told(), happened())
    assert told()["asked"] > 0
    mails = summaries(peers)
    assert len(mails) > 1
    for before, after in zip(mails, mails[1:]):
        assert before[1] == after[0], "one begins where the other ended"
    # What is open is known of the whole ledger, which the first one read.
    waiting = rpc("auditor")(
        "distribution.approval.request", "search_count", [("state", "in", ("pending", "question"))]
    )
    assert mails[-1][2]["waiting now"] == waiting


# --- (6) reports --------------------------------------------------------------------------------


def test_a_released_report_arrives_as_it_was_released_and_its_recall_too(rpc, n8n, peers):
    owner = rpc("operations_manager")
    (report,) = owner("distribution.report", "search", [("code", "=", "daily_service_level")])
    started = owner("distribution.report.start", "create", {"report_id": report, "reason": "For n8n"})
    owner("distribution.report.start", "action_start", [started])
    (letter,) = waits_for(lambda: letters(peers, "Daily Service Level"), 120) or [None]
    assert letter, n8n.log
    (edition,) = owner(
        "distribution.report.edition",
        "search_read",
        [("report_id", "=", report), ("state", "=", "released")],
        fields=["number", "digest", "file_ids", "period"],
        order="id desc",
        limit=1,
    )
    (pdf,) = owner(
        "distribution.report.file",
        "search_read",
        [("edition_id", "=", edition["id"]), ("kind", "=", "pdf")],
        fields=["sha256"],
    )
    (attached,) = letter.iter_attachments()
    content = attached.get_content()
    assert hashlib.sha256(content).hexdigest() == pdf["sha256"], "byte for byte what was released"
    assert content.startswith(b"%PDF-")
    assert attached.get_filename() == f"daily_service_level-{edition['period']}-{edition['number']}.pdf"
    assert letter["To"] == "managers@example.com"

    owner("distribution.report.edition", "action_recall", [edition["id"]], "Counted twice.")
    assert waits_for(lambda: letters(peers, "Recalled: daily_service_level", f"edition {edition['number']}"), 60)


def test_an_edition_that_nobody_released_is_not_mailed(n8n, peers, ledger):
    before = len(ledger("n8n.call.refused.v1"))
    facts = {"report": "daily_service_level", "period": "2026-11-20", "edition": 9, "edition_id": 2147483647}
    event = {"id": str(uuid.uuid4()), "type": "distribution.report.released.v1", "time": "2026-11-22T00:00:00Z"}
    event |= {"subject": "distribution.report.edition,2147483647"}
    event |= {"data": {**facts, "digest": "0" * 64, "classification": "internal"}}
    body, headers = n8n.signed("reports", event)
    assert n8n.call("reports", raw=body, headers=headers).status_code == 204
    assert waits_for(lambda: len(ledger("n8n.call.refused.v1")) > before)
    event |= {"id": str(uuid.uuid4()), "data": {**event["data"], "classification": "management"}}
    body, headers = n8n.signed("reports", event)
    assert n8n.call("reports", raw=body, headers=headers).status_code == 204
    assert not letters(peers, "edition 9")


# --- when one of the two is down ----------------------------------------------------------------


def test_n8n_is_down_while_odoo_sends(goods, n8n, peers, sql, ledger):
    n8n.stop()
    order = goods.order(5000)
    failed = """SELECT event_uid FROM distribution_webhook_delivery delivery
                  JOIN distribution_event event ON event.uid = delivery.event_uid
                 WHERE delivery.subscription_id = %s AND event.res_id = %s AND delivery.attempts > 0
                   AND delivery.state = 'pending' AND event.type LIKE '%%approval_requested%%'"""
    ((uid,),) = waits_for(lambda: sql(failed, (n8n.subscriptions["approvals"], order.id)))
    n8n.start()
    # No test waits for the pauses between tries.
    sql("UPDATE distribution_webhook_subscription SET failures = 0, opened_at = NULL, probe_at = NULL")
    sql(
        "UPDATE distribution_webhook_delivery SET next_at = '2000-01-01' WHERE state = 'pending' "
        "AND subscription_id = %s",
        (n8n.subscriptions["approvals"],),
    )
    arrived = "SELECT attempts FROM distribution_webhook_delivery WHERE event_uid = %s AND state = 'delivered'"
    ((tries,),) = waits_for(lambda: sql(arrived, (uid,)), 90)
    assert tries > 1
    assert waits_for(lambda: peers.chat.texts("Approval needed", order.name))
    assert uid in [one["uid"] for one in ledger("distribution.purchase_order.approval_requested.v1", res_id=order.id)]

    # Sent once more by hand, with the same id: taken, and told once.
    sql(
        """UPDATE distribution_webhook_delivery SET state = 'pending', next_at = '2000-01-01', attempts = 0
            WHERE event_uid = %s""",
        (uid,),
    )
    assert waits_for(lambda: sql(arrived, (uid,)), 90)
    assert len(peers.chat.texts("Approval needed", order.name)) == 1


def test_odoo_is_down_while_n8n_wants_to_answer(n8n, server, calls):
    server.kill9()
    status = {"eventId": "E-2", "trackingNumber": "1Z-DOWN", "eventCode": "DL", "eventTime": "2026-12-03T09:00:00Z"}
    assert n8n.call("carriers/speedy", status, credential="speedy").status_code == 202
    server.restart()
    mine = lambda: [one for one in calls("carrier-statuses") if one[1]["tracking_reference"] == "1Z-DOWN"]  # noqa: E731
    assert waits_for(mine, 150)
    assert len(mine()) == 1


def test_a_pause_outlives_n8n(unlucky, peers, ledger):
    """The supplier did not take the order; n8n was stopped and started since; now it is tried again."""
    assert waits_for(lambda: sent(peers, unlucky, 200), 180)
    first, *_others = sent(peers, unlucky, 503)
    ((headers, body),) = sent(peers, unlucky, 200)
    assert body == first[1]
    assert headers["idempotency-key"] == first[0]["idempotency-key"]
    assert waits_for(lambda: ledger("n8n.purchase_order.sent.v1", subject=f"purchase.order,{unlucky.id}"))
