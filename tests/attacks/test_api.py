"""Attacks on the API, over HTTP, in the running demo company: garbage, other people's keys and records, repetition,
decisions that nobody took – and a machine that tries what nobody thinks of (schemathesis).

What counts is read back from the database.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from datetime import datetime, timezone
from urllib.parse import urlsplit
from xmlrpc.client import Fault

import pytest
import requests
import rules_in_force as rules
from api_client import BASE, CALL, KEY, System, event, give_key, problem
from over_the_wire import at_once
from standardwebhooks.webhooks import Webhook

MANAGER = "purchasing_manager"
#: An operation that nothing acts on yet.
KEPT = "credit-statuses"
STRANGERS = "distribution_core.api_strangers_per_minute"
STATUS = {"customer": {"ref": "C-1999"}, "status": "ok", "assessed_at": "2026-11-20T09:30:00Z"}
LARGEST = 256 * 1024
#: Its calls are the same in each run, unless chance is asked for (make test HYPOTHESIS=random).
SEED = "4" if os.environ.get("HYPOTHESIS", "") in ("", "fixed") else str(secrets.randbelow(2**32))
#: What schemathesis looks at in every answer.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)

#: Operations of which it tries every corner of every parameter; of the others it tries examples and random calls.
COVERED = [
    word
    for path in (
        "/external-events",
        "/calls/{id}",
        "/events",
        "/kpis",
        "/reports/{code}/editions",
        "/reports/{code}/editions/{edition}",
    )
    for word in ("--include-path", path)
]
#: A report of which editions were released and recalled, and all of its editions.
EDITIONS = """FROM distribution_report_edition edition JOIN distribution_report report ON report.id = edition.report_id
              WHERE report.id = (SELECT report_id FROM distribution_report_edition
                                  WHERE state = 'released' AND classification = 'internal' LIMIT 1)"""


@pytest.fixture(scope="module", autouse=True)
def many_strangers(rpc):
    """The tests call without a valid key more often than anybody should."""
    rpc("admin")("ir.config_parameter", "set_param", STRANGERS, "100000")


@pytest.fixture(scope="module")
def everything(rpc, server):
    """A system that may call everything, with an account that may do what its calls need."""
    for role in (
        "sales_team.group_sale_salesman_all_leads",
        "distribution_core.group_vendor_manager",
        "distribution_core.group_operations",
        "purchase.group_purchase_user",
        "stock.group_stock_user",
    ):
        rules.give_role(rpc, "integration", role)
    return give_key(rpc, server.url, None, name="Everything")


@pytest.fixture
def calls(sql):
    """How many calls of a system are kept, with any answer."""
    return lambda system: sql("SELECT count(*) FROM distribution_api_call WHERE api_key_id = %s", (system.key_id,))[0][
        0
    ]


def said(server, text):
    """What the server answers to bytes that no client library would send; the status line."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as line:
        line.sendall(text)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part
    return answer


# ------------------------------------------------------------------------------- garbage


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"0",
        b'"x"',
        b"\xff\xfe\x00",
        b'{"a":1,"a":2}',
        b'{"confirmed_at": NaN}',
        b'{"lines": "\\u0000"}',
        b'{"lines": "\\ud800"}',
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b"9" * 200_000,
        b'{"x": 1e999}',
        b'{"company_id": 99999999999999999999999999}',
        b'{"company_id": true, "order": [], "lines": {"0": {}}}',
        b'{"__proto__": {}, "constructor": 1}',
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_garbage(everything, raw):
    for operation in (KEPT, "external-events", "customer-orders", "approval-decisions"):
        answer = everything.post(operation, raw=raw)
        assert answer.status_code in (400, 422), answer.text[:300]
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_huge_bodies(everything, server):
    problem(everything.post(KEPT, raw=b" " * (LARGEST + 1)), 413, "body-too-large")
    problem(everything.post(KEPT, raw=b"x" * 5_000_000), 413, "body-too-large")
    authorization = f"Authorization: Bearer {everything.text}\r\nContent-Type: application/json\r\n"
    for headers, status in (
        ("Content-Length: 99999999999999\r\n", b" 413 "),
        ("Content-Length: -5\r\n", b" 4"),
        ("Content-Length: many\r\n", b" 4"),
        ("Transfer-Encoding: chunked\r\n", b" 411 "),
        ("", b" 411 "),
    ):
        request = f"POST {BASE}/{KEPT} HTTP/1.1\r\nHost: localhost\r\n{authorization}{headers}Connection: close\r\n\r\n"
        started = time.monotonic()
        answer = said(server, request.encode() + b"{}")
        assert status in answer.split(b"\r\n")[0], (headers, answer[:300])
        assert time.monotonic() - started < 20
    assert everything.get("openapi.json").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "%00",
        "..%2f..%2fweb",
        "events%0d%0aX: y",
        "calls/%F0%9F%92%A9",
        "calls/1;id=2",
        "calls/-1",
        "calls/1e3",
        "a" * 5000,
        "reports/daily_sales/editions/1%0A",
        "reports/%0A/editions",
        "kpis/%E2%80%A8",
        "../v2/kpis",
        "../",
    ],
)
def test_strange_addresses(everything, path):
    problem(everything.get(path), 404, "not-found")


def test_strange_headers(everything):
    for headers, status in (
        ({"Idempotency-Key": "x" * 256}, 400),
        ({"Idempotency-Key": "two words"}, 400),
        ({"Idempotency-Key": ""}, 400),
        ({"Content-Type": "application/json; charset=utf-16"}, 202),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Encoding": "gzip"}, 202),
        ({"X-HTTP-Method-Override": "DELETE"}, 202),
        ({"X-Forwarded-Host": "evil.example", "Accept-Language": "xx"}, 202),
        ({"Cookie": "session_id=" + "a" * 84}, 202),
    ):
        assert everything.post(KEPT, STATUS, headers=headers).status_code == status, headers


# ------------------------------------------------------------------------------ who calls


def test_keys_of_nobody(everything, server, rpc, sql, calls):
    before = calls(everything)
    text = everything.text
    for authorization in (
        None,
        "Bearer",
        f"Basic {text}",
        f"Bearer {text}x",
        f"Bearer {text[:-1]}",
        f"Bearer {text.swapcase()}",
        "Bearer dk_aaaaaaaa_" + "A" * 40,
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 7000,
    ):
        answer = everything.post(KEPT, STATUS, headers={"Authorization": authorization})
        assert answer.status_code == 401, (authorization, answer.text)
    # Neither a key in the address nor somebody's session is a key.
    assert (
        requests.get(f"{server.url}{BASE}/openapi.json?key={text}&access_token={text}", timeout=60).status_code == 401
    )
    with requests.Session() as session:
        session.post(
            f"{server.url}/web/session/authenticate",
            json={"params": {"db": server.database, "login": "admin", "password": "admin"}},
            timeout=60,
        )
        assert session.get(f"{server.url}{BASE}/openapi.json", timeout=60).status_code == 401
    assert calls(everything) == before


def test_keys_that_ended(rpc, server, sql):
    admin = rpc("admin")
    system = give_key(rpc, server.url, [KEPT], name="Ends")
    assert system.post(KEPT, STATUS).status_code == 202
    sql("UPDATE distribution_api_key SET expires_on = current_date - 2 WHERE id = %s", (system.key_id,))
    # The server keeps nothing of a key between two calls.
    problem(system.post(KEPT, STATUS), 401, "key-expired")
    sql("UPDATE distribution_api_key SET expires_on = current_date + 2 WHERE id = %s", (system.key_id,))
    newer = System(server.url, admin(KEY, "action_issue", [system.key_id])["context"]["shown_secret"], system.key_id)
    assert {one.post(KEPT, STATUS).status_code for one in (system, newer)} == {202}, "both, for a day"
    admin(KEY, "action_revoke", [system.key_id])
    for one in (system, newer):
        problem(one.post(KEPT, STATUS), 401, "key-revoked")
    again = System(server.url, admin(KEY, "action_issue", [system.key_id])["context"]["shown_secret"])
    assert again.post(KEPT, STATUS).status_code == 202
    problem(system.post(KEPT, STATUS), 401, "key-revoked")
    admin(KEY, "write", [system.key_id], {"active": False})
    problem(again.post(KEPT, STATUS), 401, "key-revoked")


def test_operations_that_are_not_theirs(rpc, server, calls):
    system = give_key(rpc, server.url, ["events"], name="Reads only")
    contract = system.get("openapi.json").json()
    tried = 0
    for path, item in contract["paths"].items():
        for method in item:
            if path in ("/events", "/openapi.json", "/calls/{id}"):
                continue
            answer = system.call(
                method.upper(), re.sub(r"\{\w+\}", "1", path.strip("/")), {} if method == "post" else None
            )
            problem(answer, 403, "scope-missing")
            tried += 1
    assert tried >= 11
    assert calls(system) == 0


def test_what_nobody_gives_back(rpc, everything, sql):
    """Neither RPC, export, ledger nor tables know a key."""
    secret = everything.text.rpartition("_")[2]
    for login in ("admin", "operations_manager", "auditor", "integration"):
        client = rpc(login)
        for model in ("distribution.api.secret", "distribution.api.usage"):
            for method, arguments in (("search_read", [[]]), ("export_data", [[1], ["digest"]]), ("read", [[1]])):
                with pytest.raises(Fault):
                    client(model, method, *arguments)
    (row,) = rpc("admin")(KEY, "read", [everything.key_id])
    assert secret not in repr(row)
    for (table,) in sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ 'distribution|mail'"
    ):
        assert not sql(f'SELECT FROM "{table}" entry WHERE entry::text LIKE %s LIMIT 1', (f"%{secret}%",)), table


def test_forging_the_inbox(rpc, everything, sql):
    call = everything.post(KEPT, STATUS).json()["call_id"]
    for login in ("admin", "operations_manager", "integration", "auditor", "buyer"):
        client = rpc(login)
        for method, arguments in (
            ("write", [[call], {"state": "applied", "status": 200}]),
            ("create", [{"operation": KEPT, "state": "applied"}]),
            ("unlink", [[call]]),
            ("_apply", [[call]]),
            ("_receive", [[call]]),
        ):
            with pytest.raises(Fault):
                client(CALL, method, *arguments)
    for login in ("auditor", "buyer"):
        with pytest.raises(Fault):
            rpc(login)(CALL, "action_apply", [call])
    for login in ("operations_manager", "integration", "auditor", "buyer"):
        for method, arguments in (
            ("action_issue", [[everything.key_id]]),
            ("write", [[everything.key_id], {"per_minute": 1}]),
            ("create", [{"name": "Mine", "user_id": rpc("integration").uid}]),
        ):
            with pytest.raises(Fault):
                rpc(login)(KEY, method, *arguments)
    for login in ("admin", MANAGER, "policy_publisher", "policy_author"):
        with pytest.raises(Fault):  # what a person decides, no key does
            rpc("admin")(KEY, "create", {"name": "Steals", "user_id": rpc(login).uid})
    assert sql("SELECT state FROM distribution_api_call WHERE id = %s", (call,)) == [("waiting",)]


# -------------------------------------------------------------------------- other companies


def test_records_of_another_company(rpc, everything, sql):
    admin = rpc("admin")
    company = admin("res.company", "create", {"name": "Elsewhere"})
    company = company[0] if isinstance(company, list) else company
    ((customer,),) = sql("SELECT id FROM res_partner WHERE email = 'customer_06@example.com'")
    sql("UPDATE res_partner SET company_id = %s WHERE id = %s", (company, customer))
    ((product,),) = sql("SELECT id FROM product_product WHERE active ORDER BY id LIMIT 1")
    order = {
        "channel": "foreign",
        "reference": "F-1",
        "customer": {"id": customer},
        "lines": [{"product": {"id": product}, "quantity": 1}],
    }
    theirs = problem(everything.post("customer-orders", order), 422, "not-applicable")
    nobody = problem(
        everything.post("customer-orders", {**order, "customer": {"id": 2_000_000_000}}), 422, "not-applicable"
    )
    assert theirs["errors"] == nobody["errors"], "it does not tell who exists"
    problem(everything.post("customer-orders", {**order, "company_id": company}), 403, "company-forbidden")
    problem(everything.post("external-events", event("far", companyid=company)), 403, "company-forbidden")
    problem(
        everything.post("external-events", event("far", correlationid=f"res.partner,{customer}")), 422, "not-applicable"
    )
    problem(
        everything.post(
            "vendor-risks",
            {"vendor": {"id": customer}, "tier": "low", "assessed_at": "2026-11-20T09:30:00Z"},
        ),
        422,
        "not-applicable",
    )
    assert not sql("SELECT FROM sale_order WHERE order_channel = 'foreign'")
    other = give_key(rpc, everything.url, None, name="Another system")
    mine = everything.post(KEPT, STATUS).json()["call_id"]
    problem(other.get(f"calls/{mine}"), 404, "not-found")


def test_types_of_the_suite(everything, sql):
    before = sql("SELECT count(*) FROM distribution_event WHERE type NOT LIKE 'distribution.api%'")
    for kind in (
        "distribution.purchase_order.approved.v1",
        "distribution.x.v1",
        "acme.v1",
        "Acme.truck.arrived.v1",
        "other.truck.arrived.v1",
        "acme.truck.arrived.v1\n",
        "acme..v1",
    ):
        answer = everything.post("external-events", event(f"type {kind}", type=kind))
        assert answer.status_code == 422, (kind, answer.text)
    assert sql("SELECT count(*) FROM distribution_event WHERE type NOT LIKE 'distribution.api%'") == before


# --------------------------------------------------------------------- again, and at once


def test_the_same_call_eight_times_at_once(everything, sql):
    ((customer,),) = sql("SELECT id FROM res_partner WHERE email = 'customer_07@example.com'")
    ((product,),) = sql("SELECT id FROM product_product WHERE active ORDER BY id LIMIT 1")
    order = {
        "channel": "race",
        "reference": "R-1",
        "customer": {"id": customer},
        "lines": [{"product": {"id": product}, "quantity": 1}],
    }
    answers = at_once(
        *[lambda: everything.post("customer-orders", order, headers={"Idempotency-Key": "race"})] * 4,
        *[
            lambda number=number: everything.post("customer-orders", {**order, "reference": "R-2"})
            for number in range(4)
        ],
    )
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.text for answer in answers[:4]}) == len({answer.text for answer in answers[4:]}) == 1
    assert sql(
        "SELECT channel_reference, count(*) FROM sale_order WHERE order_channel = 'race' GROUP BY 1 ORDER BY 1"
    ) == [("R-1", 1), ("R-2", 1)]


def test_signed_messages(rpc, server, calls):
    system = give_key(rpc, server.url, [KEPT], name="Signs", requires_signature=True)
    raw = json.dumps(STATUS)
    signer = Webhook(system.secret)

    def signed(message_id, at=None, body=raw):
        moment = datetime.fromtimestamp(at or time.time(), timezone.utc)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signer.sign(message_id, moment, body),
        }

    caught = signed("m-1")
    first = system.post(KEPT, raw=raw, headers=caught)
    assert first.status_code == 202, first.text
    replayed = system.post(KEPT, raw=raw, headers=caught)
    assert (replayed.text, replayed.headers["Idempotent-Replayed"]) == (first.text, "true")
    for headers, body in (
        ({}, raw),
        (caught, raw.replace("C-1999", "C-1998")),
        ({**caught, "webhook-id": "m-2"}, raw),
        ({**caught, "webhook-timestamp": str(int(time.time()) + 5)}, raw),
        (signed("m-3", time.time() - 3600), raw),
        ({**caught, "webhook-signature": "v1,"}, raw),
    ):
        problem(system.post(KEPT, raw=body, headers=headers), 401, "signature-invalid")
    problem(system.post(KEPT, raw=raw, headers={**caught, "Idempotency-Key": "new"}), 400, "header-invalid")
    assert calls(system) == 1


def test_too_many_at_once(rpc, server, calls):
    system = give_key(rpc, server.url, [KEPT], name="Floods", per_minute=1, burst=5)
    answers = at_once(*[lambda: system.post(KEPT, STATUS)] * 12)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] * 5 + [429] * 7, statuses
    assert calls(system) == 5
    waits = [int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429]
    assert all(1 <= wait <= 60 for wait in waits)
    # What is refused for other reasons counts as well: a search for addresses has its limit.
    prober = give_key(rpc, server.url, [KEPT], name="Probes", per_minute=1, burst=3)
    assert [prober.get(f"calls/{number}").status_code for number in range(1, 6)] == [404] * 3 + [429] * 2


def test_a_search_for_keys(rpc, server, everything, sql):
    """Sixty tries a minute from one address; who has a key at that address works on meanwhile."""
    admin = rpc("admin")
    sql("DELETE FROM distribution_api_stranger")
    admin("ir.config_parameter", "set_param", STRANGERS, False)
    try:
        prefix, first = everything.text[:12], len(everything.text)

        def search(own):
            found = []
            for number in range(25):
                guess = f"{prefix}{own:02}{number:02}".ljust(first, "x")
                found.append(System(server.url, guess).get("openapi.json"))
                if number % 5 == 0:
                    assert everything.get("openapi.json").status_code == 200
            return found

        started = time.monotonic()
        answers = [answer for found in at_once(*[lambda own=own: search(own) for own in range(4)]) for answer in found]
        seconds = time.monotonic() - started
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {401, 429}, (set(statuses), seconds)
        # The bucket is filled by one a second meanwhile.
        assert 60 <= statuses.count(401) <= 60 + seconds, (statuses.count(401), seconds)
        for answer in answers:
            if answer.status_code == 429:
                assert int(answer.headers["Retry-After"]) >= 1
                problem(answer, 429, "rate-limited")
        # An address that one only claims to have is none: what counts is where the call comes from.
        for forged in ("203.0.113.7", "::1"):
            headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
            System(server.url, "dk_no").get("openapi.json", headers=headers)
        assert sql("SELECT count(*) FROM distribution_api_stranger") == [(1,)]
        assert everything.get("openapi.json").status_code == 200
    finally:
        admin("ir.config_parameter", "set_param", STRANGERS, "100000")


# ------------------------------------------------------------------------------- decisions


@pytest.fixture
def asked(rpc, goods, postbox, sql):
    """(order, what another system sends when the purchasing manager said yes)."""

    def make(amount=5000):
        order = goods.order(amount)
        rules.run_job(rpc, "ir_cron_link")
        token = postbox.link_for(f"{MANAGER}@example.com").rsplit("/", 1)[1]
        ((task, digest),) = sql(
            """SELECT task.id, task.digest FROM distribution_approval_task task
                 JOIN distribution_approval_request request ON request.id = task.request_id
                WHERE request.res_model = 'purchase.order' AND request.res_id = %s AND task.state = 'open'""",
            (order.id,),
        )
        return order, {"task_id": task, "token": token, "outcome": "approve", "seen_digest": digest}

    return make


def decisions(sql, order):
    return sql(
        """SELECT decision.channel, users.login FROM distribution_approval_decision decision
             JOIN distribution_approval_request request ON request.id = decision.request_id
             JOIN res_users users ON users.id = decision.user_id
            WHERE request.res_model = 'purchase.order' AND request.res_id = %s""",
        (order.id,),
    )


def test_a_token_decides_once_also_at_the_same_time(everything, asked, sql):
    order, body = asked()
    answers = at_once(*[lambda: everything.post("approval-decisions", body)] * 4)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 409, 409, 409], [answer.text for answer in answers]
    assert decisions(sql, order) == [("api", MANAGER)]
    for (kept,) in sql(
        "SELECT body || coalesce(answer, '') FROM distribution_api_call WHERE operation = 'approval-decisions'"
    ):
        assert body["token"] not in kept


def test_a_key_is_nobodys_approval(everything, asked, rpc, sql):
    order, body = asked()
    other_order, other = asked()
    for change in (
        {"token": secrets.token_urlsafe(32)},
        {"token": other["token"]},
        {"task_id": other["task_id"]},
    ):
        problem(everything.post("approval-decisions", {**body, **change}), 403, "token-refused")
    problem(everything.post("approval-decisions", {**body, "seen_digest": "0" * 64}), 409, "conflict")
    for outcome in ("escalate", "approve_with_conditions", "APPROVE", ""):
        problem(everything.post("approval-decisions", {**body, "outcome": outcome}), 422, "body-invalid")
    # A link that the integration itself asked for takes the person's own session.
    chat = rpc("integration")("distribution.approval.task", "action_chat_link", [body["task_id"]], rpc(MANAGER).uid)
    passed_on = {**body, "token": chat["url"].rsplit("/", 1)[1]}
    refusal = problem(everything.post("approval-decisions", passed_on), 403, "session-needed")
    assert f"id={body['task_id']}" in refusal["link"]
    assert not decisions(sql, order) and not decisions(sql, other_order)
    assert everything.post("approval-decisions", body).status_code == 200


def test_above_the_ceiling_and_after_the_fact(everything, asked, rpc, sql):
    order, body = asked(15000)
    problem(everything.post("approval-decisions", body), 403, "session-needed")
    assert not decisions(sql, order)
    order, body = asked()
    sql("UPDATE distribution_approval_link SET expires_at = now() - interval '1 hour' WHERE state = 'sent'")
    problem(everything.post("approval-decisions", body), 403, "token-refused")
    assert not decisions(sql, order)


def test_guessing_tokens(everything, rpc, server, asked, sql):
    order, body = asked()
    guesser = give_key(rpc, server.url, ["approval-decisions"], name="Guesses")
    answers = [
        guesser.post("approval-decisions", {**body, "token": secrets.token_urlsafe(32)}).status_code for _n in range(22)
    ]
    assert answers == [403] * 20 + [429] * 2
    assert guesser.post("approval-decisions", body).status_code == 429
    assert not decisions(sql, order)


# ------------------------------------------------------------------- what nobody thinks of


#: A moment that an operation takes: chance hardly ever makes one of the right form.
MOMENT = "2026-11-20T09:30:00Z"


def with_real_ids(document, ids, texts):
    """The document, with numbers that exist where it asks for one, in its examples too, and with texts that mean
    something beside those that chance makes: calls then get past “unknown here”.
    """

    def walk(schema, name):
        if isinstance(schema, list):
            return [walk(part, name) for part in schema]
        if not isinstance(schema, dict):
            return schema
        found = {
            key: known(part) if key == "examples" else walk(part, name_below(key, name)) for key, part in schema.items()
        }
        properties = found.get("properties", {})
        if name in ids and "id" in properties:
            properties["id"] = {"type": "integer", "enum": ids[name]}
            by_id = {**found, "required": ["id"], "properties": {"id": properties["id"]}}
            return {"anyOf": [by_id, found]}
        for member, asked in properties.items():
            meant = [MOMENT] if asked.get("format") == "date-time" else texts.get(member)
            if member in ids and asked.get("type") == "integer":
                properties[member] = {"type": "integer", "enum": ids[member]}
            elif meant and asked.get("type") == "string":
                properties[member] = {"anyOf": [{"type": "string", "enum": meant}, asked]}
        return found

    def name_below(key, name):
        return name if key in ("properties", "schema", "items") else key

    def known(example):
        if isinstance(example, list):
            return [known(part) for part in example]
        if not isinstance(example, dict):
            return example
        return {
            name: {"id": ids[name][0]}
            if name in ids and isinstance(part, dict)
            else texts[name][0]
            if name in texts
            else known(part)
            for name, part in example.items()
        }

    made = json.loads(json.dumps(document))
    for path, item in made["paths"].items():
        for operation in item.values():
            if "requestBody" in operation:
                operation["requestBody"] = walk(operation["requestBody"], "")
            for parameter in operation["parameters"]:
                if parameter["name"] == "id":
                    parameter["schema"] = {"type": "integer", "enum": ids[path.split("/")[1]]}
                elif parameter["in"] == "path" and parameter["name"] in ids:
                    parameter["schema"] = {**parameter["schema"], "enum": ids[parameter["name"]]}
    return made


def test_schemathesis(everything, sql, server, tmp_path):
    """No server error, no answer that the OpenAPI document does not know, nothing without a key."""

    def some(statement):
        return [number for (number,) in sql(f"{statement} ORDER BY 1 LIMIT 3")]

    assert everything.post(KEPT, STATUS).status_code == 202
    document = everything.get("openapi.json").json()
    ids = {
        "customer": some("SELECT id FROM res_partner WHERE email LIKE 'customer_1%%'"),
        "vendor": some("SELECT id FROM res_partner WHERE supplier_rank > 0"),
        "product": some("SELECT id FROM product_product WHERE active"),
        "substitute": some("SELECT id FROM product_product WHERE active"),
        "order": some("SELECT id FROM purchase_order"),
        "site": some("SELECT id FROM stock_warehouse"),
        "transfer": some("SELECT id FROM stock_picking WHERE carrier_status IS NOT NULL"),
        "line_id": some("SELECT id FROM purchase_order_line"),
        "task_id": some("SELECT id FROM distribution_approval_task"),
        "company_id": some("SELECT id FROM res_company"),
        "companyid": some("SELECT id FROM res_company"),
        "calls": some(f"SELECT id FROM distribution_api_call WHERE api_key_id = {everything.key_id}"),
        "approval-requests": some("SELECT id FROM distribution_approval_request"),
        "purchase-orders": some("SELECT id FROM purchase_order WHERE state = 'purchase'"),
        # By id and by name: a text.
        "edition": ["latest", *map(str, some(f"SELECT edition.id {EDITIONS}"))],
    }
    ids["code"] = [code for (code,) in sql(f"SELECT DISTINCT report.code {EDITIONS}")]
    assert all(ids.values()), ids
    contract = tmp_path / "openapi.json"
    # Of an event from outside: a type in the namespace of the key.
    contract.write_text(json.dumps(with_real_ids(document, ids, {"type": [event(1)["type"]]})))
    ((last,),) = sql("SELECT max(id) FROM distribution_api_call")
    runs = (
        ("--phases", "examples,fuzzing", "--max-examples", "12"),
        ("--phases", "coverage", *COVERED),
    )
    for words in runs:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", str(contract), *words),
                *("--url", f"{server.url}{BASE}"),
                *("--header", f"Authorization: Bearer {everything.text}"),
                *("--seed", SEED, "--no-shrink", "--continue-on-failure", "--request-timeout", "60"),
                *("--checks", ",".join(CHECKS), "--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
    ((tried,),) = sql("SELECT count(*) FROM distribution_api_call WHERE id > %s", (last,))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert tried > 60, f"only {tried} calls got as far as the inbox"
    states = dict(sql("SELECT state, count(*) FROM distribution_api_call WHERE id > %s GROUP BY 1", (last,)))
    outcomes = sql("SELECT operation, state, count(*) FROM distribution_api_call WHERE id > %s GROUP BY 1, 2", (last,))
    assert states.get("applied", 0) > 2 and not states.get("failed"), outcomes
