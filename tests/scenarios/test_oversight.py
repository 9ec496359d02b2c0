"""Those who watch: a credit bureau that falters, an access review, a changed server action, a lost role.

The bureau is a real HTTP server on this machine. It is allowed by the setting that names hosts in
the house; the scheduler's part is played by running its job, and waiting by moving the clock of
the question.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xmlrpc.client import Fault

import pytest
from over_the_wire import LOW_RISK, contract_goods, order_of

CHECK = "distribution.approval.outside.check"
ALLOWED = "distribution_core.outbound_allowed_hosts"
#: Seconds: what answers at once does so within them, on a busy machine too.
PATIENCE = 3


class Bureau:
    """Answers as ``mood`` says: ``slow``, a status such as 500, or a class of risk such as ``"B"``."""

    def __init__(self):
        self.mood, self.asked = "slow", []
        bureau = self

        class Desk(BaseHTTPRequestHandler):
            def do_GET(self):
                bureau.asked.append(self.path)
                if bureau.mood == "slow":
                    time.sleep(2 * PATIENCE)
                status = bureau.mood if isinstance(bureau.mood, int) else 200
                body = json.dumps({"score": {"class": bureau.mood}}).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_arguments):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def bureau():
    desk = Bureau()
    yield desk
    desk.server.shutdown()
    desk.server.server_close()


def publish_with_condition(rpc, document_type, fact, code):
    """A new version of the policy: whoever the bureau calls ``code`` is refused above 100."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (version,) = author(
        "distribution.approval.policy.version",
        "search",
        [("policy_id.document_type", "=", document_type), ("state", "=", "published")],
        limit=1,
    )
    draft = author("distribution.approval.policy.version", "copy", version)
    draft = draft[0] if isinstance(draft, list) else draft
    options = author("distribution.approval.fact.option", "search", [("fact", "=", fact), ("code", "=", code)])
    conditions = [
        (0, 0, {"fact": "amount", "operator": "gt", "value": "100"}),
        (0, 0, {"fact": fact, "operator": "in", "option_ids": [(6, 0, options)]}),
    ]
    rule = {"sequence": 1, "name": "The bureau warns", "outcome": "refuse", "condition_ids": conditions}
    values = {"rule_ids": [(0, 0, rule)], "change_summary": "The bureau is asked."}
    author("distribution.approval.policy.version", "write", [draft], values)
    publisher("distribution.approval.policy.version", "action_publish", [draft])


def test_the_credit_bureau_falters_and_comes_back(rpc, sql, bureau, person, phone, pictures):
    """Time-out, errors, the breaker; then it answers, and the order goes on by itself."""
    admin, buyer, operations = rpc("admin"), rpc("buyer"), rpc("operations_manager")
    admin("ir.config_parameter", "set_param", ALLOWED, bureau.address)
    check = admin(
        CHECK,
        "create",
        {
            "name": "Supplier bureau",
            "code": "supplier",
            "document_type": "purchase_order",
            "fact_type": "selection",
            "options": "A = sound\nD = in trouble",
            "url": f"http://{bureau.address}/v1/{{name}}",
            "answer_pointer": "/score/class",
            "timeout_seconds": PATIENCE,
            "failure_threshold": 3,
            "secret": "Bearer of-the-house",
            "input_ids": [(0, 0, {"name": "name", "source": "partner_name"})],
        },
    )
    with pytest.raises(Fault, match="Publisher"):
        admin(CHECK, "action_activate", [check])
    rpc("policy_publisher")(CHECK, "action_activate", [check])
    publish_with_condition(rpc, "purchase_order", "outside_supplier", "D")

    order = order_of(buyer, contract_goods(buyer, LOW_RISK), 600)
    buyer("purchase.order", "button_confirm", [order])

    def standing():
        """State of the order, state of its request, and the reason that people read."""
        return sql(
            """SELECT o.state, r.state, r.reason FROM purchase_order o
                 JOIN distribution_approval_request r ON r.res_model = 'purchase.order' AND r.res_id = o.id
                WHERE o.id = %s""",
            (order,),
        )[0]

    def scheduler():
        """The moment has come: the job asks what is due."""
        sql("UPDATE distribution_approval_outside_call SET next_at = now() AT TIME ZONE 'UTC' WHERE state = 'queued'")
        (job,) = sql("SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_outside'")
        admin("ir.cron", "method_direct_trigger", [job[0]])

    def breaker():
        return operations(CHECK, "read", [check], fields=["breaker"])[0]["breaker"]

    assert standing()[:2] == ("to approve", "on_hold")
    assert "Supplier bureau" in standing()[2]
    assert bureau.asked == [], "nothing left in the buyer's transaction"

    scheduler()
    assert standing()[:2] == ("to approve", "on_hold")
    assert f"no answer within {PATIENCE} seconds" in standing()[2]

    bureau.mood = 500
    scheduler()
    assert "status 500" in standing()[2]
    scheduler()
    assert breaker() == "open"
    asked = len(bureau.asked)
    scheduler()
    assert len(bureau.asked) == asked, "the bureau is left alone"
    assert standing()[:2] == ("to approve", "on_hold")
    # The buyer reads on the order why it is held.
    for size, width in (({}, "desktop"), ({"size": phone}, "phone")):
        buyer_at_screen = person("buyer", **size).opens_record("purchase.order", order).sees("Supplier bureau")
        buyer_at_screen.takes_picture(pictures, f"oversight-held-buyer-{width}")

    # Operations hears that the bureau works again, and does not wait for the breaker.
    bureau.mood = "A"
    head = person("operations_manager").opens("distribution_approval.action_approval_outside_call")
    head.sees("status 500").takes_picture(pictures, "oversight-questions-operations_manager-desktop")
    head.opens_record(CHECK, check).sees("left alone for a while")
    head.takes_picture(pictures, "oversight-breaker-operations_manager-desktop")
    head.presses("action_close_breaker").takes_picture(pictures, "oversight-closed-operations_manager-desktop")
    scheduler()
    assert breaker() == "closed"
    assert standing()[1] in ("approved", "passed")
    deadline = time.monotonic() + 30
    while standing()[0] == "to approve" and time.monotonic() < deadline:
        (job,) = sql("SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_resume'")
        admin("ir.cron", "method_direct_trigger", [job[0]])
        time.sleep(0.3)
    assert standing()[0] == "purchase"
    outcomes = sql("SELECT outcome FROM distribution_approval_outside_answer WHERE check_id = %s ORDER BY id", (check,))
    assert [row[0] for row in outcomes] == ["timeout", "status", "status", "ok"]


def test_the_auditor_runs_an_access_review(rpc, sql, person, phone, pictures):
    """Keeps what is right, proposes what is not; the administrator takes the role away."""
    auditor = rpc("auditor")
    review = auditor("distribution.access.review", "action_generate", [])["res_id"]
    lines = auditor(
        "distribution.access.review.line",
        "search_read",
        [("review_id", "=", review)],
        fields=["login", "role_name", "conflict_text", "group_id", "user_id"],
    )
    assert any(line["conflict_text"] for line in lines), "the demo company has a conflict of duties"

    def of(login):
        return [line for line in lines if line["login"] == login]

    # In front of the screen: the list of what is to do, a click for each line that is right.
    screen = person("auditor").opens_record("distribution.access.review", review).presses("action_open_lines")
    screen.takes_picture(pictures, "oversight-lines-auditor-desktop")
    kept = "SELECT count(*) FROM distribution_access_certification WHERE outcome = 'keep' AND user_id = %s"
    before = sql(kept, (auditor.uid,))[0][0]
    screen.presses("action_keep")
    assert sql(kept, (auditor.uid,)) == [(before + 1,)]
    for line in of("buyer"):
        auditor("distribution.access.review.line", "action_keep", [line["id"]])
    (standing_in,) = (line for line in of("accountant") if "Vendor Manager" in line["role_name"])
    auditor("distribution.access.review.line", "action_revoke", [standing_in["id"]], "Pays, so does not keep vendors.")
    with pytest.raises(Fault):
        auditor("distribution.access.review.line", "action_confirm_revoke", [standing_in["id"]])
    with pytest.raises(Fault, match="their own"):
        auditor("distribution.access.review.line", "action_keep", [of("auditor")[0]["id"]])
    held = (
        "SELECT count(*) FROM res_groups_users_rel WHERE uid = %s AND gid = %s",
        (standing_in["user_id"][0], standing_in["group_id"][0]),
    )
    assert sql(*held) == [(1,)], "one person alone takes nothing away"
    screen = person("admin").opens_record("distribution.access.review", review).presses("action_open_lines")
    screen.takes_picture(pictures, "oversight-lines-admin-desktop")
    screen.presses("action_confirm_revoke").takes_picture(pictures, "oversight-confirm-admin-desktop")
    screen.page.click(".modal-footer .btn-primary")
    screen.settles()
    assert sql(*held) == [(0,)]
    handheld = person("auditor", size=phone).opens_record("distribution.access.review", review)
    handheld.presses("action_open_lines").takes_picture(pictures, "oversight-lines-auditor-phone")
    states = auditor("distribution.access.review.line", "read", [standing_in["id"]], fields=["state"])
    assert states[0]["state"] == "revoked"
    assert auditor("distribution.access.review", "action_export_xlsx", [review])["url"].startswith("/web/content/")


def test_a_changed_server_action_is_in_the_ledger(rpc):
    """The administrator may change it. That it was changed, by whom, and what: the ledger tells."""
    admin, auditor = rpc("admin"), rpc("auditor")
    (model,) = admin("ir.model", "search", [("model", "=", "res.partner")])
    values = {"name": "Tidy up", "model_id": model, "state": "code", "code": "log('token-4711')"}
    action = admin("ir.actions.server", "create", values)
    admin("ir.actions.server", "write", [action], {"code": "log('something else')"})
    events = auditor(
        "distribution.event",
        "search_read",
        [("res_model", "=", "ir.actions.server"), ("res_id", "=", action)],
        fields=["type", "data", "user_ref"],
        order="id",
    )
    assert [event["type"] for event in events] == ["distribution.automation.changed.v1"] * 2
    assert [json.loads(event["data"])["action"] for event in events] == ["created", "changed"]
    assert events[-1]["user_ref"] == admin.uid
    assert list(json.loads(events[-1]["data"])["changes"]) == ["code"]
    assert "token-4711" not in str(events)


def test_who_loses_the_role_loses_the_task(rpc, sql, person, pictures):
    """Finance leaves the approvers. Whatever waited for finance waits for somebody else at once, or is a case."""
    admin = rpc("admin")
    tasks = sql(
        """SELECT task.id, users.id, task.digest, task.request_id
             FROM distribution_approval_task task
             JOIN distribution_approval_task_user_rel asked ON asked.task_id = task.id
             JOIN res_users users ON users.id = asked.user_id AND users.login = 'finance_controller'
            WHERE task.state = 'open' ORDER BY task.id"""
    )
    assert tasks, "the demo company has a task that waits for finance"
    finance = rpc("finance_controller")
    (approver,) = sql("SELECT res_id FROM ir_model_data WHERE module = 'distribution_core' AND name = 'group_approver'")
    fields = admin("res.users", "fields_get", attributes=["type"])
    groups = "groups_id" if "groups_id" in fields else "group_ids"
    admin("res.users", "write", [tasks[0][1]], {groups: [(3, approver[0])]})

    rerouted, stranded = [], []
    for task, lost, digest, request in tasks:
        asked = [
            row[0] for row in sql("SELECT user_id FROM distribution_approval_task_user_rel WHERE task_id = %s", (task,))
        ]
        assert lost not in asked
        assert sql("SELECT state FROM distribution_approval_task WHERE id = %s", (task,)) == [("open",)]
        case = sql("SELECT state FROM distribution_case WHERE dedup_key = %s", (f"no_approver:{task}",))
        said = sql(
            """SELECT body FROM mail_message WHERE model = 'distribution.approval.request' AND res_id = %s
             ORDER BY id DESC LIMIT 2""",
            (request,),
        )
        if asked:
            rerouted.append(task)
            assert "cannot decide it any more" in str(said)
        else:
            stranded.append(task)
            assert case == [("open",)], "nobody is left, and operations does not know"
            assert "Operations was asked to find somebody" in str(said)
        assert sql(
            """SELECT count(*) FROM distribution_event
                WHERE type LIKE '%%.approvers_changed.v1' AND (data::jsonb ->> 'task_id')::int = %s
                  AND (data::jsonb -> 'former_user_ids') @> to_jsonb(%s)""",
            (task, lost),
        ) != [(0,)], "the ledger does not know who was asked before"
        with pytest.raises(Fault):
            finance("distribution.approval.task", "action_decide", [task], "approve", digest)
    assert rerouted, "the fallback of the policy steps in where it can"
    assert stranded, "where the fallback has decided already, nobody is left"

    # The order says so to its buyer; then somebody is found.
    (row,) = sql(
        """SELECT request.res_model, request.res_id, requester.login
             FROM distribution_approval_task task JOIN distribution_approval_request request
               ON request.id = task.request_id JOIN res_users requester ON requester.id = request.requester_id
            WHERE task.id = %s""",
        (stranded[0],),
    )
    screen = person(row[2]).opens_record(row[0], row[1]).sees("Too few people can decide")
    screen.takes_picture(pictures, f"oversight-nobody-{row[2]}-desktop")
    admin("res.users", "write", [tasks[0][1]], {groups: [(4, approver[0])]})
    for task, lost, _digest, _request in tasks:
        asked = sql("SELECT user_id FROM distribution_approval_task_user_rel WHERE task_id = %s", (task,))
        assert (lost,) in asked, "who has the role again is asked again"
    case = sql("SELECT state FROM distribution_case WHERE dedup_key = %s", (f"no_approver:{stranded[0]}",))
    assert case == [("resolved",)]
