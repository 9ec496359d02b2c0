"""Attacks on what watches: checks that ask outside, reviews, the register, roles from outside.

Over XML-RPC and HTTP, as each role of the demo company.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xmlrpc.client import Fault

import pytest
from over_the_wire import refused

CHECK = "distribution.approval.outside.check"
ALLOWED = "distribution_core.outbound_allowed_hosts"
SECRET = "Bearer of-the-bureau-4711"
EVERYBODY = (
    "buyer", "purchasing_manager", "finance_controller", "operations_manager", "sales_rep", "policy_author",
    "policy_publisher", "auditor", "integration", "admin",
)  # fmt: skip
INTERNAL = (
    "https://127.0.0.1/",
    "https://localhost/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/",
    "https://[fe80::1]/",
    "http://93.184.216.34/",
)
NO_ADDRESS = ("file:///etc/passwd", "gopher://localhost/", "ftp://localhost/", "https://u:p@x/", "//x/", "https:///x")


@pytest.fixture
def make_check(rpc, sql):
    """An active check of purchase orders with that address, and a question that waits."""
    admin, publisher = rpc("admin"), rpc("policy_publisher")

    def make(code, url):
        check = admin(
            CHECK,
            "create",
            {
                "name": f"Check {code}",
                "code": code,
                "document_type": "purchase_order",
                "fact_type": "text",
                "url": url,
                "timeout_seconds": 5.0,
                "secret": SECRET,
                "input_ids": [(0, 0, {"name": "name", "source": "partner_name"})],
            },
        )
        publisher(CHECK, "action_activate", [check])
        sql(
            """INSERT INTO distribution_approval_outside_call
                      (check_id, question, question_digest, state, attempts, next_at)
               VALUES (%s, '{"name": "x"}', md5(%s), 'queued', 0, now() AT TIME ZONE 'UTC')""",
            (check, code),
        )
        return check

    return make


@pytest.fixture
def ask(rpc, sql):
    """The scheduler's part: ask what waits; returns the outcome per check."""

    def run():
        (job,) = sql("SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_outside'")
        rpc("admin")("ir.cron", "method_direct_trigger", [job[0]])
        return dict(sql("SELECT check_id, outcome FROM distribution_approval_outside_answer ORDER BY id"))

    return run


def test_no_request_reaches_an_internal_address(make_check, ask, rpc):
    rpc("admin")("ir.config_parameter", "set_param", ALLOWED, "")
    checks = {make_check(f"internal_{number}", url): url for number, url in enumerate(INTERNAL)}
    outcomes = ask()
    assert {url: outcomes.get(check) for check, url in checks.items()} == dict.fromkeys(INTERNAL, "blocked")
    for number, url in enumerate(NO_ADDRESS):
        with pytest.raises(Fault):
            make_check(f"none_{number}", url)


def test_a_redirect_leads_nowhere(make_check, ask, rpc):
    """The host that is allowed sends on to one that is not: nobody goes."""
    visited = []

    class Desk(BaseHTTPRequestHandler):
        def do_GET(self):
            visited.append((self.path.partition("?")[0], self.headers.get("Authorization")))
            self.send_response(302)
            self.send_header("Location", "/inner" if self.path.startswith("/to-inner") else "http://10.0.0.1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"127.0.0.1:{server.server_address[1]}"
        rpc("admin")("ir.config_parameter", "set_param", ALLOWED, address)
        checks = [make_check(f"sent_on_{name}", f"http://{address}/{path}") for name, path in
                  (("inner", "to-inner"), ("outer", "to-outer"))]  # fmt: skip
        outcomes = ask()
        assert [outcomes[check] for check in checks] == ["status", "status"]
        assert sorted(visited) == [("/to-inner", SECRET), ("/to-outer", SECRET)]
    finally:
        server.shutdown()
        server.server_close()
        rpc("admin")("ir.config_parameter", "set_param", ALLOWED, "")


@pytest.mark.parametrize("login", EVERYBODY)
def test_a_credential_is_not_read_back(rpc, make_check, login, sql):
    check = make_check(f"secret_{login}", "https://bureau.example/")
    client = rpc(login)
    calls = (
        ("read", [check]),
        ("read", [check], ["secret"]),
        ("search_read", [("id", "=", check)], ["secret", "has_secret"]),
        ("export_data", [check], ["secret", "name", ".id"]),
        ("copy_data", [check]),
        ("search", [("secret", "=like", "Bearer%")]),
    )
    for method, *arguments in calls:
        try:
            answer = client(CHECK, method, *arguments)
        except Fault as fault:
            answer = fault.faultString
        assert SECRET not in str(answer), (method, answer)
    ((kept,),) = sql("SELECT ciphertext FROM distribution_approval_outside_secret WHERE check_id = %s", (check,))
    assert "Bearer" not in kept and SECRET not in kept
    data = sql("SELECT data FROM distribution_event WHERE res_model = %s AND res_id = %s", (CHECK, check))
    assert SECRET not in str(data)


@pytest.mark.parametrize("login", EVERYBODY)
def test_evidence_is_not_written_by_hand(rpc, sql, make_check, login):
    client = rpc(login)
    check = make_check(f"forged_{login}", "https://bureau.example/")
    review = sql("SELECT id FROM distribution_access_review ORDER BY id LIMIT 1")[0][0]
    line = sql("SELECT id FROM distribution_access_review_line WHERE review_id = %s LIMIT 1", (review,))[0][0]
    count = """SELECT (SELECT count(*) FROM distribution_approval_outside_answer),
                      (SELECT count(*) FROM distribution_access_certification)"""
    before = sql(count)
    answer = {
        "check_id": check, "question": "{}", "question_digest": "0" * 64, "definition_digest": "0" * 64, "attempt": 1,
        "outcome": "ok", "value": '"A"', "answered_at": "2026-01-01 00:00:00",
    }  # fmt: skip
    refused(client, "distribution.approval.outside.answer", "create", answer)
    said = {"line_id": line, "outcome": "keep", "user_id": client.uid, "certified_at": "2026-01-01 00:00:00"}
    refused(client, "distribution.access.certification", "create", said)
    refused(client, "distribution.access.review", "write", [review], {"state": "done"})
    refused(client, "distribution.access.review", "write", [review], {"responsible_id": client.uid})
    refused(client, "distribution.access.review.line", "write", [line], {"conflict_text": False})
    refused(client, "distribution.access.review.line", "unlink", [line])
    refused(client, CHECK, "write", [check], {"state": "active"})
    refused(client, "distribution.automation", "create", {"name": "x", "kind": "cron", "res_model": "x", "res_id": 1})
    refused(client, "distribution.access.review", "_generate", 1)
    assert sql(count) == before
    if login not in ("admin", "auditor"):
        refused(client, "distribution.access.review", "action_generate", [])


def test_nobody_certifies_their_own_access(rpc, sql):
    for login in ("admin", "auditor"):
        client = rpc(login)
        review = client("distribution.access.review", "action_generate", [])["res_id"]
        own = client("distribution.access.review.line", "search", [("review_id", "=", review), ("login", "=", login)])
        assert own
        for method, *words in (("action_keep",), ("action_revoke", "x"), ("action_comment", "x")):
            assert "their own" in refused(client, "distribution.access.review.line", method, own, *words)
        say = {"line_id": own[0], "outcome": "revoke", "comment": "x"}
        wizard = client("distribution.access.say", "create", say)
        assert "their own" in refused(client, "distribution.access.say", "action_say", [wizard])


def test_roles_from_outside(rpc, sql):
    """Two administrators map, an integration account grants: nobody else, nothing else, and twice is once."""
    admin = rpc("admin")
    mapping = "distribution.external.group"
    fields = admin("res.users", "fields_get", attributes=["type"])
    groups = "groups_id" if "groups_id" in fields else "group_ids"

    def group(name):
        return sql("SELECT res_id FROM ir_model_data WHERE module || '.' || name = %s", (name,))[0][0]

    roles = [group("base.group_user"), group("distribution_core.group_administrator")]
    second = {"name": "Second", "login": "second_admin", "password": "second_admin", groups: [(6, 0, roles)]}
    admin("res.users", "create", second)
    approver = group("distribution_core.group_approver")
    row = admin(mapping, "create", {"name": "deciders", "source": "api", "group_id": approver})
    integration = rpc("integration")
    assert "no role" in refused(integration, mapping, "action_grant", "buyer", "deciders")
    assert "yourself" in refused(admin, mapping, "action_confirm", [row])
    refused(admin, mapping, "write", [row], {"confirmed_by_id": admin.uid})
    rpc("second_admin")(mapping, "action_confirm", [row])
    for login in EVERYBODY:
        if login != "integration":
            refused(rpc(login), mapping, "action_grant", "buyer", "deciders")
            refused(rpc(login), mapping, "action_set_groups", "buyer", ["deciders"])
    for method in ("_distribution_apply_external_groups", "_distribution_change_roles"):
        refused(integration, "res.users", method, [integration.uid], ["deciders"], "api")
    refused(integration, mapping, "action_grant", "integration", "deciders")
    for over_odoo in ("base.group_system", "base.group_erp_manager"):
        refused(admin, mapping, "create", {"name": "x", "source": "api", "group_id": group(over_odoo)})

    def recorded():
        return sql("SELECT count(*) FROM distribution_event WHERE type = 'distribution.user.roles_provisioned.v1'")[0][
            0
        ]

    held = """SELECT count(*) FROM res_groups_users_rel rel JOIN res_users person ON person.id = rel.uid
               WHERE login = 'buyer' AND gid = %s"""
    before = recorded()
    integration(mapping, "action_grant", "buyer", "deciders")
    integration(mapping, "action_grant", "buyer", "deciders")
    assert (sql(held, (approver,)), recorded()) == ([(1,)], before + 1)
    integration(mapping, "action_revoke", "buyer", "deciders")
    integration(mapping, "action_revoke", "buyer", "deciders")
    assert (sql(held, (approver,)), recorded()) == ([(0,)], before + 2)


def test_jobs_are_not_paused_without_the_right(rpc, sql):
    (cron,) = sql("SELECT res_id FROM ir_model_data WHERE module = 'distribution_core' AND name = 'ir_cron_seal'")
    (row,) = sql("SELECT id FROM distribution_automation WHERE res_model = 'ir.cron' AND res_id = %s", cron)
    for login in EVERYBODY:
        if login == "admin":
            continue
        client = rpc(login)
        refused(client, "distribution.automation", "action_review", [row[0]])
        refused(client, "distribution.automation", "write", [row[0]], {"business_owner_id": client.uid})
        refused(client, "distribution.automation.override", "create",
                {"automation_id": row[0], "mode": "pause", "reason": "x"})  # fmt: skip
        refused(client, "ir.cron", "write", [cron[0]], {"active": False})
    assert sql("SELECT active FROM ir_cron WHERE id = %s", cron) == [(True,)]
    # Who may, does it on record, past the register too.
    rpc("admin")("ir.cron", "write", [cron[0]], {"active": False})
    rpc("admin")("ir.cron", "write", [cron[0]], {"active": True})
    assert sql("SELECT count(*) FROM distribution_case WHERE dedup_key = %s", (f"control_paused:{cron[0]}",)) == [(1,)]


def test_automation_leaves_a_trace_by_every_door(rpc, sql):
    """As the mightiest user there is: whatever way a server action is changed, the ledger has it."""
    admin = rpc("admin")
    (model,) = admin("ir.model", "search", [("model", "=", "res.partner")])
    values = {"name": "Tidy up", "model_id": model, "state": "code", "code": "pass"}
    (action, doomed) = (admin("ir.actions.server", "create", values) for _number in range(2))
    (cron,) = sql("SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_retention'")

    def traces(which):
        return sql(
            """SELECT data FROM distribution_event
                WHERE type LIKE 'distribution.automation.%%' AND res_model = %s AND res_id = %s""",
            which,
        )

    server, job = ("ir.actions.server", action), ("ir.cron", cron[0])
    doors = (
        (server, lambda: admin("ir.actions.server", "write", [action], {"code": "pass  # 1"})),
        (server, lambda: admin("ir.actions.server", "load", [".id", "code"], [[str(action), "pass  # 2"]])),
        (server, lambda: admin("ir.actions.server", "create_action", [action])),
        (server, lambda: admin("ir.actions.actions", "write", [action], {"name": "Harmless"})),
        (server, lambda: admin("ir.actions.server", "update_field_translations", [action], "name", {"en_US": "Nice"})),
        (server, lambda: admin("ir.actions.actions", "unlink", [action])),
        (("ir.actions.server", doomed), lambda: admin("ir.actions.server", "unlink", [doomed])),
        (job, lambda: admin("ir.cron", "write", [cron[0]], {"interval_number": 3})),
        (job, lambda: admin("ir.cron", "load", [".id", "interval_number"], [[str(cron[0]), "5"]])),
        (job, lambda: admin("ir.cron", "write", [cron[0]], {"active": False})),
    )
    for number, (which, door) in enumerate(doors):
        before = len(traces(which))
        door()
        assert len(traces(which)) == before + 1, f"door {number} left no trace"
    assert not sql("SELECT 1 FROM ir_act_server WHERE id IN (%s, %s)", (action, doomed))
    assert "removed" in str(traces(server))
