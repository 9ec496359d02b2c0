"""Attacks on the rules of the game, from outside: over XML-RPC and HTTP, in the running demo company.

Each tries to get a document released, a condition met, a ceiling lifted or a rule changed by somebody who must
not. What counts is read back from the database.
"""

import contextlib
import re
from datetime import date, timedelta
from xmlrpc.client import Fault

import pytest
import rules_in_force as rules
from over_the_wire import at_once, refused
from rules_in_force import EMERGENCY, OBLIGATION, REQUEST, TASK, VERSION, decide, run_job, task_of

MANAGER, DELEGATE = "purchasing_manager", "category_manager"
DELEGATION = "distribution.approval.delegation"
VARIANT = "distribution.approval.variant"
SIMULATION = "distribution.approval.simulation"
#: Everybody with a login who is neither asked nor in charge.
OTHERS = ("buyer", "sales_rep", "warehouse_operator", "accountant", "policy_author", "auditor", "integration", "admin")
WHY = "The press of our customer stands still and nobody answers the phone."
HELD = ("to approve", "pending", 0)


@pytest.fixture
def look(sql):
    """(state, approval state, releases in force) of an order, as the database has them."""

    def read(order):
        return sql(
            """SELECT state, coalesce(approval_state, ''),
                      (SELECT count(*) FROM distribution_approval_release release
                        WHERE res_model = 'purchase.order' AND res_id = purchase_order.id AND kind <> 'void'
                          AND NOT EXISTS (SELECT 1 FROM distribution_approval_release void
                                           WHERE void.void_ref = release.id))
                 FROM purchase_order WHERE id = %s""",
            (order.id,),
        )[0]

    return read


def first(result):
    return result[0] if isinstance(result, list) else result


# ---------------------------------------------------------------------------- conditions


def test_a_condition_is_not_met_by_hand(rpc, goods, sql):
    order = goods.order(5000)
    manager, buyer = rpc(MANAGER), rpc("buyer")
    condition = {"text": "A second quote", "owner_id": buyer.uid, "due_date": str(date.today() + timedelta(days=3))}
    task = task_of(manager, order.id)
    for conditions in (None, [], [{}], [{**condition, "state": "met"}], [{**condition, "due_date": "2020-01-01"}], "x"):
        refused(
            manager, TASK, "action_decide", [task["id"]], "approve_with_conditions", task["digest"],
            conditions=conditions,
        )  # fmt: skip
    decide(manager, order.id, "approve_with_conditions", conditions=[condition])
    (owed,) = buyer(OBLIGATION, "search", [("document_name", "=", order.name)])

    def state():
        return sql("SELECT state FROM distribution_approval_obligation WHERE id = %s", (owed,))[0][0]

    for login in (MANAGER, *OTHERS):
        client = rpc(login)
        for values in ({"state": "met"}, {"due_date": "2030-01-01"}, {"owner_id": 1}, {"text": "nothing"}):
            refused(client, OBLIGATION, "write", [owed], values)
        refused(client, OBLIGATION, "unlink", [owed])
        with pytest.raises(Fault):
            client(OBLIGATION, "_close", [owed], "met")
        refused(client, f"{OBLIGATION}.step", "create", {"obligation_id": owed, "kind": "met", "user_id": 1})
    for login in set(OTHERS) - {"buyer", "admin"}:  # the administrator has the role Operations
        refused(rpc(login), OBLIGATION, "action_report", [owed], "Done, believe me")
    refused(buyer, OBLIGATION, "action_confirm", [owed])
    refused(buyer, OBLIGATION, "action_waive", [owed], "Not needed")
    refused(buyer, OBLIGATION, "action_report", [owed], "   ")
    assert state() == "open"
    buyer(OBLIGATION, "action_report", [owed], "The quote is in the files")
    for login in set(OTHERS) - {"admin"}:  # the owner, and everybody without a say
        refused(rpc(login), OBLIGATION, "action_confirm", [owed], "Looks fine")
        refused(rpc(login), OBLIGATION, "action_waive", [owed], "Looks fine")
    assert state() == "reported"
    with pytest.raises(Exception, match="refused"):
        sql("UPDATE distribution_approval_obligation SET due_date = '2030-01-01' WHERE id = %s", (owed,))
    manager(OBLIGATION, "action_confirm", [owed])
    assert state() == "met"
    with pytest.raises(Exception, match="refused"):
        sql("UPDATE distribution_approval_obligation SET state = 'open' WHERE id = %s", (owed,))


# --------------------------------------------------------------------------- standing in


@pytest.fixture
def delegated(rpc):
    """Marcus lets Priya stand in, with limits; ended afterwards."""
    declared = []

    def declare(**values):
        for earlier in declared:
            with contextlib.suppress(Fault):
                rpc(MANAGER)(DELEGATION, "action_end", [earlier])
        today = rules.company_day(rpc)
        values = {
            "substitute_id": rpc(DELEGATE).uid,
            "date_from": str(today),
            "date_to": str(today + timedelta(days=7)),
            **values,
        }
        declared.append(first(rpc(MANAGER)(DELEGATION, "create", values)))
        return declared[-1]

    yield declare
    for earlier in declared:
        with contextlib.suppress(Fault):
            rpc(MANAGER)(DELEGATION, "action_end", [earlier])


def test_a_substitute_does_not_go_beyond_the_limits(rpc, goods, look, delegated, sql):
    order = goods.order(7000)
    delegate, admin = rpc(DELEGATE), rpc("admin")
    (other_type,) = admin("distribution.approval.document.type", "search", [("code", "=", "sale_order")])
    sites = admin("stock.warehouse", "search_read", [], fields=["code"])
    (north,) = [site["id"] for site in sites if site["code"] == "NOR"]
    later = {"date_from": str(rules.company_day(rpc) + timedelta(days=2))}
    task = task_of(rpc(MANAGER), order.id)
    for limit in (
        {"ceiling": 6000},
        {"document_type_ids": [(6, 0, [other_type])]},
        {"site_ids": [(6, 0, [north])]},
        later,
    ):
        delegation = delegated(**limit)
        assert sql("SELECT count(*) FROM distribution_approval_stand_in WHERE task_id = %s", (task["id"],)) == [(0,)]
        for outcome in ("approve", "reject", "escalate"):
            refused(delegate, TASK, "action_decide", [task["id"]], outcome, task["digest"], comment="In his stead")
        # Nor does anybody stretch it afterwards.
        for login in (DELEGATE, MANAGER, "admin"):
            for values in ({"ceiling": 0}, {"date_from": "2020-01-01"}, {"date_to": "2030-01-01"}, {"scope": "{}"},
                           {"site_ids": [(5,)]}, {"document_type_ids": [(5,)]}, {"ended_at": False}):  # fmt: skip
                refused(rpc(login), DELEGATION, "write", [delegation], values)
            refused(rpc(login), DELEGATION, "unlink", [delegation])
            with pytest.raises(Fault):
                rpc(login)(DELEGATION, "copy", [delegation], {"ceiling": 0})
    assert look(order) == HELD

    # It covers the order, and is ended before the decision.
    delegation = delegated()
    mine = task_of(delegate, order.id)
    assert mine["id"] == task["id"]
    rpc(MANAGER)(DELEGATION, "action_end", [delegation])
    refused(delegate, TASK, "action_decide", [task["id"]], "approve", mine["digest"])
    assert look(order) == HELD


def test_nobody_makes_themselves_a_substitute(rpc, goods, look, sql):
    order = goods.order(5000)
    before = sql("SELECT count(*) FROM distribution_approval_delegation")
    today = rules.company_day(rpc)
    days = {"date_from": str(today), "date_to": str(today + timedelta(days=7)), "reason": "Holiday"}
    for login in (DELEGATE, "finance_controller", "buyer", "admin", "policy_publisher"):
        client = rpc(login)
        values = {**days, "user_id": rpc(MANAGER).uid, "substitute_id": client.uid}
        refused(client, DELEGATION, "create", values)
        refused(client, DELEGATION, "create", {**days, "substitute_id": client.uid})
        refused(client, DELEGATION, "create", values, context={"default_user_id": client.uid, "uid": rpc(MANAGER).uid})
    # The requester's own substitute does not decide either.
    refused(rpc(MANAGER), DELEGATION, "create", {**days, "substitute_id": rpc("buyer").uid})
    refused(rpc(MANAGER), DELEGATION, "create", {**days, "substitute_id": rpc(DELEGATE).uid, "date_from": "2020-01-01"})
    assert sql("SELECT count(*) FROM distribution_approval_delegation") == before
    task = task_of(rpc(MANAGER), order.id)
    for login in OTHERS:
        refused(rpc(login), "distribution.approval.stand.in", "create",
                {"task_id": task["id"], "user_id": rpc(login).uid, "principal_id": rpc(MANAGER).uid})  # fmt: skip
        refused(rpc(login), TASK, "action_decide", [task["id"]], "approve", task["digest"])
    assert look(order) == HELD


# ----------------------------------------------------------------------------- emergency


def emergency_wizard(client, request, justification):
    seen = client(REQUEST, "read", [request], fields=["digest"])[0]["digest"]
    wizard = first(
        client(
            "distribution.approval.emergency.release",
            "create",
            {"request_id": request, "seen_digest": seen, "justification": justification},
        )
    )
    return client("distribution.approval.emergency.release", "action_release", [wizard])


def test_an_emergency_takes_the_role_and_evidence(rpc, goods, look, sql):
    order = goods.order(6000)
    releaser = rpc("warehouse_manager")
    (request,) = releaser(REQUEST, "search", [("document_name", "=", order.name)])
    (seen,) = releaser(REQUEST, "read", [request], fields=["digest"])
    for login in (*OTHERS, MANAGER, "operations_manager", "policy_publisher"):
        client = rpc(login)
        refused(client, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
        with pytest.raises(Fault):
            emergency_wizard(client, request, WHY)
        refused(client, EMERGENCY, "create", {"request_id": request, "user_id": client.uid, "justification": WHY})
    without_evidence = refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    assert "evidence" in without_evidence.lower()
    assert look(order) == HELD
    # Somebody else's file, or an empty one, is no evidence.
    empty = {"name": "x.txt", "raw": "", "res_model": REQUEST, "res_id": request}
    with contextlib.suppress(Fault):
        releaser("ir.attachment", "create", empty)
    refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    buyer = rpc("buyer")
    refused(buyer, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    buyer(
        "distribution.approval.exhibit.add",
        "action_add",
        [
            first(
                buyer(
                    "distribution.approval.exhibit.add",
                    "create",
                    {
                        "request_id": request,
                        "kind": "other",
                        "name": "Call of the customer",
                        "url": "https://recordings.example.com/4711",
                        "sha256": "0" * 64,
                    },
                )
            )
        ],
    )
    # Nor is what others filed with the request, nor the same once more.
    call = {"name": "Call of the plant manager", "url": "https://recordings.example.com/4712", "sha256": "1" * 64}
    refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"], [],
            {**call, "sha256": "0" * 64})  # fmt: skip
    for justification in ("", "Urgent!", "x" * 200, "now now now now now now now now now now now now now", None, 7, {}):
        refused(releaser, REQUEST, "action_emergency_release", [request], justification, seen["digest"], [], call)
    for digest in ("", "0" * 64, False, [seen["digest"]]):
        refused(releaser, REQUEST, "action_emergency_release", [request], WHY, digest, [], call)
    assert look(order) == HELD

    emergency = releaser(REQUEST, "action_emergency_release", [request], WHY, seen["digest"], [], call)
    assert look(order)[0] == "purchase"
    refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    # Who released it, who asked for it and who has no say do not review it; nobody unmarks it.
    for login in ("warehouse_manager", *OTHERS, MANAGER):
        client = rpc(login)
        refused(client, EMERGENCY, "action_review", [emergency], "justified", "Fine")
        for values in ({"state": "reviewed"}, {"outcome": "justified"}, {"review_due": "2030-01-01"}, {"user_id": 1}):
            refused(client, EMERGENCY, "write", [emergency], values)
        refused(client, EMERGENCY, "unlink", [emergency])
    assert sql("SELECT state, outcome FROM distribution_approval_emergency WHERE id = %s", (emergency,)) == [
        ("pending", None)
    ]
    with pytest.raises(Exception, match="refused"):
        sql("UPDATE distribution_approval_emergency SET user_id = 1 WHERE id = %s", (emergency,))


def test_no_emergency_for_ones_own_document(rpc, goods, look):
    """The buyer gets the role as well: their own order takes somebody else all the same."""
    rules.give_role(rpc, "buyer", "distribution_approval.group_emergency_releaser")
    order = goods.order(6000)
    buyer = rpc("buyer")
    (request,) = buyer(REQUEST, "search", [("document_name", "=", order.name)])
    buyer(
        "ir.attachment",
        "create",
        {"name": "mail.txt", "raw": "Help", "res_model": "purchase.order", "res_id": order.id},
    )
    (seen,) = buyer(REQUEST, "read", [request], fields=["digest"])
    assert "somebody else" in refused(buyer, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    assert look(order) == HELD
    # What people rejected is not released in an emergency.
    rejected = goods.order(6000)
    decide(rpc(MANAGER), rejected.id, "reject", comment="We have enough")
    releaser = rpc("warehouse_manager")
    (request,) = rpc("auditor")(REQUEST, "search", [("document_name", "=", rejected.name)])
    (seen,) = rpc("auditor")(REQUEST, "read", [request], fields=["digest"])
    refused(releaser, REQUEST, "action_emergency_release", [request], WHY, seen["digest"])
    assert look(rejected)[2] == 0


# ----------------------------------------------------------------------------- fast path


def test_a_fast_path_is_not_taken_twice_at_once(rpc, goods, look, sql):
    """Five urgent orders in the same instant: the ceiling of the day has room for two."""
    orders = [goods.order(3400, confirm=False, priority="1") for _number in range(5)]
    buyer = rpc("buyer")
    at_once(*(lambda order=order: buyer("purchase.order", "button_confirm", [order.id]) for order in orders))
    for order in orders:  # whoever met the others at that moment tries again
        with contextlib.suppress(Fault):
            buyer("purchase.order", "button_confirm", [order.id])
    states = [look(order)[0] for order in orders]
    assert states.count("purchase") == 2, states
    ((used,),) = sql(
        "SELECT sum(amount) FROM distribution_approval_fast_path_use WHERE scenario = 'Standstill at a customer'"
    )
    assert used <= rules.FAST_PATH_DAY
    # A star after the fact, and a forged use, change nothing.
    held = orders[states.index("to approve")]
    for login in ("buyer", MANAGER, "admin", "policy_author"):
        client = rpc(login)
        refused(client, "distribution.approval.fast.path.use", "create", {"scenario": "x", "amount": -9999})
        with contextlib.suppress(Fault):
            client("purchase.order", "write", [held.id], {"priority": "0"})
            client("purchase.order", "write", [held.id], {"priority": "1"})
            client("purchase.order", "button_confirm", [held.id])
    assert look(held)[0] == "to approve"
    for statement in ("DELETE FROM distribution_approval_fast_path_use",
                      "UPDATE distribution_approval_fast_path_use SET amount = 0"):  # fmt: skip
        with pytest.raises(Exception, match="refused|evidence"):
            sql(statement)


# -------------------------------------------------------------------------- out of band


def test_clocks_and_tasks_are_not_set_by_hand(rpc, goods, look, sql):
    order = goods.order(5000)
    task = task_of(rpc(MANAGER), order.id)
    request = task["request_id"][0]
    for login in (*OTHERS, MANAGER, "operations_manager"):
        client = rpc(login)
        for values in (
            {"clock": "{}"}, {"due_at": "2030-01-01 00:00:00"}, {"clock_next_at": False},
            {"opened_at": "2020-01-01 00:00:00"},
            {"user_ids": [(4, client.uid)]}, {"state": "approved"}, {"quorum": 1}, {"claimed_by_id": client.uid},
        ):  # fmt: skip
            refused(client, TASK, "write", [task["id"]], values)
        step = {"task_id": task["id"], "request_id": request, "step": "final", "kind": "final"}
        refused(client, "distribution.approval.clock.step", "create", {**step, "done_at": "2026-01-01 00:00:00"})
        for method in ("_take_steps", "_run_clock", "_finish", "_set_state", "_join", "_cron_service_clock"):
            with pytest.raises(Fault):
                client(TASK, method, [task["id"]])
        question = {"task_id": task["id"], "user_id": client.uid, "question": "?", "asked_at": "2026-01-01 00:00:00"}
        refused(client, "distribution.approval.question", "create", question)
    assert sql("SELECT state, quorum FROM distribution_approval_task WHERE id = %s", (task["id"],)) == [("open", 1)]
    assert look(order) == HELD


def test_what_is_in_force_is_not_rewritten(rpc, goods, sql):
    (version,) = rpc("auditor")(
        VERSION, "search", [("state", "=", "published"), ("document_type", "=", "purchase_order")], limit=1
    )
    (rule,) = rpc("auditor")(
        "distribution.approval.rule", "search", [("version_id", "=", version), ("fast_path", "=", True)], limit=1
    )
    (stage,) = rpc("auditor")(
        "distribution.approval.stage",
        "search",
        [("rule_id.version_id", "=", version), ("service_hours", ">", 0)],
        limit=1,
    )
    edits = (
        (VERSION, version, {"bulk_limit": 1e9}),
        (VERSION, version, {"link_ceiling": 1e9}),
        (VERSION, version, {"emergency_over_refusal": True}),
        (VERSION, version, {"question_hours": 400}),
        (VERSION, version, {"state": "draft"}),
        (VERSION, version, {"author_ids": [(5,)]}),
        ("distribution.approval.rule", rule, {"fast_path_day": 1e9}),
        ("distribution.approval.rule", rule, {"mode": "monitor"}),
        ("distribution.approval.stage", stage, {"final_action": "none"}),
        ("distribution.approval.stage", stage, {"service_hours": 1000}),
    )
    for login in ("policy_author", "policy_publisher", "admin", MANAGER, "buyer"):
        for model, record, values in edits:
            refused(rpc(login), model, "write", [record], values)
    for statement in (
        "UPDATE distribution_approval_policy_version SET bulk_limit = 1e9 WHERE state = 'published'",
        "UPDATE distribution_approval_policy_version SET question_hours = 400 WHERE state = 'published'",
        "UPDATE distribution_approval_rule SET fast_path_day = 1e9 WHERE fast_path",
        "UPDATE distribution_approval_stage SET final_action = 'none' WHERE final_action <> 'none'",
    ):
        with pytest.raises(Exception, match="refused"):
            sql(statement)


def test_nobody_publishes_what_they_wrote(rpc, goods, sql):
    author, publisher, admin = rpc("policy_author"), rpc("policy_publisher"), rpc("admin")
    (policy,) = author("distribution.approval.policy", "search", [("document_type", "=", "purchase_order")], limit=1)
    draft = author("distribution.approval.policy", "action_new_version", [policy])["res_id"]
    for login in ("policy_author", "admin", "operations_manager", "buyer"):
        refused(rpc(login), VERSION, "action_publish", [draft])
    with contextlib.suppress(Fault):  # a publisher who writes has written
        publisher(VERSION, "write", [draft], {"change_summary": "Mine"})
        refused(publisher, VERSION, "action_publish", [draft])
    refused(admin, VERSION, "write", [draft], {"author_ids": [(5,)]})
    assert sql("SELECT state FROM distribution_approval_policy_version WHERE id = %s", (draft,)) == [("draft",)]

    variant = first(
        author(
            VARIANT,
            "create",
            {"policy_id": policy, "reason": "x", "value_ids": [(0, 0, {"threshold": "no such", "value": "99999"})]},
        )
    )
    for login in ("policy_author", "policy_publisher", "admin", "buyer"):
        refused(rpc(login), VARIANT, "action_publish", [variant])  # not theirs, or out of any band
        for values in ({"state": "published"}, {"content": "{}"}, {"digest": "0" * 64}, {"author_ids": [(5,)]}):
            refused(rpc(login), VARIANT, "write", [variant], values)
    assert sql("SELECT state FROM distribution_approval_variant WHERE id = %s", (variant,)) == [("draft",)]


def test_certifying_takes_the_right(rpc, goods, sql):
    (policy,) = rpc("auditor")(
        "distribution.approval.policy", "search_read", [("document_type", "=", "purchase_order")],
        fields=["current_version_id"], limit=1,
    )  # fmt: skip
    (version,) = rpc("auditor")(VERSION, "read", [policy["current_version_id"][0]], fields=["digest"])
    before = sql("SELECT count(*) FROM distribution_approval_certification")
    for login in ("policy_author", "buyer", "admin", "auditor", "operations_manager"):
        client = rpc(login)
        values = {"policy_id": policy["id"], "seen_digest": version["digest"], "outcome": "confirmed"}
        with contextlib.suppress(Fault):
            wizard = first(client("distribution.approval.certify", "create", values))
            refused(client, "distribution.approval.certify", "action_certify", [wizard])
        refused(client, "distribution.approval.policy", "action_open_certify", [policy["id"]])
        refused(client, "distribution.approval.policy", "write", [policy["id"]], {"review_date": "2030-01-01"})
        refused(
            client,
            "distribution.approval.certification",
            "create",
            {
                "policy_id": policy["id"],
                "version_id": version["id"],
                "digest": version["digest"],
                "outcome": "confirmed",
            },
        )
        with pytest.raises(Fault):
            client("distribution.approval.policy", "_certify", [policy["id"]], "confirmed", version["digest"])
    assert sql("SELECT count(*) FROM distribution_approval_certification") == before


def test_a_simulation_opens_no_documents(rpc, goods, sql):
    author = rpc("policy_author")
    (version,) = author(
        VERSION, "search", [("state", "=", "published"), ("document_type", "=", "purchase_order")], limit=1
    )
    for login in ("buyer", "sales_rep", MANAGER, "admin", "integration"):
        refused(rpc(login), SIMULATION, "create", {"version_id": version, "months": 1})
        refused(rpc(login), f"{SIMULATION}.line", "search_count", [])
    refused(author, SIMULATION, "create", {"version_id": version, "months": 1, "state": "done", "passed": 999})
    elsewhere = first(rpc("admin")("res.company", "create", {"name": "Elsewhere"}))
    foreign = {"version_id": version, "months": 1, "company_ids": [(6, 0, [elsewhere])]}
    with contextlib.suppress(Fault):  # not theirs to name, or not theirs to start
        simulation = first(author(SIMULATION, "create", foreign))
        refused(author, SIMULATION, "action_run", [simulation])
        assert sql(f"SELECT state FROM {SIMULATION.replace('.', '_')} WHERE id = %s", (simulation,)) == [("draft",)]
    before = (
        sql("SELECT count(*) FROM distribution_approval_request"),
        sql("SELECT max(write_date) FROM purchase_order"),
    )
    simulation = first(author(SIMULATION, "create", {"version_id": version, "months": 6}))
    author(SIMULATION, "action_run", [simulation])
    run_job(rpc, "ir_cron_simulation")
    (found,) = author(SIMULATION, "read", [simulation], fields=["state", "done", "total"])
    assert (found["state"], found["done"]) == ("done", found["total"])
    assert found["total"] > 50
    assert (
        sql("SELECT count(*) FROM distribution_approval_request"),
        sql("SELECT max(write_date) FROM purchase_order"),
    ) == before
    # Results, but not the documents behind them.
    (line,) = author(f"{SIMULATION}.line", "search_read", [("simulation_id", "=", simulation)], ["res_id"], limit=1)
    refused(author, "purchase.order", "read", [line["res_id"]], fields=["amount_total"])
    refused(author, SIMULATION, "write", [simulation], {"changed": 0})
    refused(author, f"{SIMULATION}.line", "write", [line["id"]], {"outcome": "pass"})


def test_together_is_no_way_around(rpc, goods, look):
    small, large, foreign = goods.order(3500), goods.order(9000), goods.order(3500)
    manager = rpc(MANAGER)
    seen = {order.id: task_of(manager, order.id) for order in (small, large, foreign)}

    def together(client, *orders, digest=None):
        tasks = {str(seen[order.id]["id"]): digest or seen[order.id]["digest"] for order in orders}
        return client(TASK, "action_approve_together", [], tasks)

    for login in OTHERS:
        with contextlib.suppress(Fault):
            assert all(together(rpc(login), small, large, foreign).values()), login
    assert all(together(manager, small, digest="0" * 64).values())
    result = together(manager, large)
    assert all("4,000" in words for words in result.values())
    assert [look(order) for order in (small, large, foreign)] == [HELD] * 3
    for nonsense in ({}, [], "x", {"x": "y"}, {str(number): "0" * 64 for number in range(1, 300)}):
        refused(manager, TASK, "action_approve_together", [], nonsense)


# --------------------------------------------------------------------------------- links


@pytest.fixture
def linked(rpc, goods, postbox):
    """(order, path of the link that Marcus got)."""

    def make(amount=5000):
        order = goods.order(amount)
        run_job(rpc, "ir_cron_link")
        return order, postbox.link_for(f"{MANAGER}@example.com")

    return make


def decisions_on(sql, order):
    return sql(
        """SELECT count(*) FROM distribution_approval_decision decision
             JOIN distribution_approval_request request ON request.id = decision.request_id
            WHERE request.res_model = 'purchase.order' AND request.res_id = %s""",
        (order.id,),
    )[0][0]


def form_of(http, path):
    """The hidden fields of the decision page."""
    page = http.get(path)
    return {
        name: (re.search(rf'name="{name}" value="([^"]*)"', page.text) or ["", ""])[1]
        for name in ("csrf_token", "seen_digest")
    }


def test_a_link_decides_by_nothing_but_its_form(rpc, linked, http, look, sql):
    order, path = linked()
    # Scanners, previews, robots.
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        http.request(method, path)
        http.request(method, f"{path}?outcome=approve&comment=x")
        assert look(order) == HELD, method
    form = form_of(http, path)
    assert form["csrf_token"]
    # Without the form's own token, on other content, with outcomes that the page does not offer.
    assert http.post(path, data={**form, "csrf_token": "x", "outcome": "approve"}).status_code == 400
    http.post(path, json={**form, "outcome": "approve"})
    for outcome in ("", "escalate", "approve_with_conditions", "Approve", "release"):
        http.post(path, data={**form, "outcome": outcome, "comment": "x"})
        assert look(order) == HELD, outcome
    for digest in ("", "0" * 64):
        http.post(path, data={**form, "seen_digest": digest, "outcome": "approve"})
        assert look(order) == HELD
    # Changed after the page was opened.
    (line,) = rpc("buyer")("purchase.order.line", "search", [("order_id", "=", order.id)])
    (quantity,) = rpc("buyer")("purchase.order.line", "read", [line], fields=["product_qty"])
    rpc("buyer")("purchase.order.line", "write", [line], {"product_qty": quantity["product_qty"] + 500})
    answer = http.post(path, data={**form, "outcome": "approve"})
    assert "Thank you" not in answer.text
    assert look(order)[0] == "to approve"
    assert decisions_on(sql, order) == 0


def test_a_link_is_used_once(linked, http, look, sql):
    order, path = linked()
    form = {**form_of(http, path), "outcome": "approve"}
    answers = at_once(*[lambda: http.post(path, data=form)] * 4)
    assert sum("Thank you" in answer.text for answer in answers) == 1, [answer.status_code for answer in answers]
    assert look(order) == ("purchase", "released", 1)
    again = http.post(path, data=form)
    assert again.status_code == 410
    assert order.name not in again.text
    assert order.name not in http.get(path).text
    assert decisions_on(sql, order) == 1


def test_an_old_or_foreign_link_says_nothing(rpc, linked, http, server, look, sql):
    order, path = linked()
    form = form_of(http, path)
    sql("UPDATE distribution_approval_link SET expires_at = now() - interval '1 hour' WHERE state = 'sent'")
    for answer in (http.get(path), http.post(path, data={**form, "outcome": "approve"})):
        assert answer.status_code == 410
        assert order.name not in answer.text
    assert look(order) == HELD

    order, path = linked()
    http.log_in(server.database, "buyer")
    for answer in (http.get(path), http.post(path, data={**form, "outcome": "approve"})):
        assert answer.status_code in (400, 403)
        for secret in (order.name, "Marcus", "Oyelaran", "5,0"):
            assert secret not in answer.text
    assert look(order) == HELD
    # Its hash is no key, the request that was withdrawn takes no decision.
    ((hashed,),) = sql(
        "SELECT token_hash FROM distribution_approval_link WHERE state = 'sent' ORDER BY id DESC LIMIT 1"
    )
    assert http.get(f"/distribution/approval/link/{hashed}").status_code == 404
    for login in (*OTHERS, MANAGER):
        client = rpc(login)
        for method in ("_arm", "_decide", "_send"):
            with pytest.raises(Fault):
                client("distribution.approval.link", method, [1])
    task = task_of(rpc(MANAGER), order.id)
    for login in ("buyer", DELEGATE, "admin"):
        refused(rpc(login), TASK, "action_chat_link", [task["id"]], rpc(MANAGER).uid)
    rpc("buyer")("purchase.order", "action_approval_withdraw", [order.id])
    with contextlib.suppress(Exception):
        http.get("/web/session/logout")
    assert order.name not in http.get(path).text


def test_above_the_ceiling_the_link_alone_decides_nothing(linked, http, look):
    order, path = linked(rules.LINK_CEILING + 2000)
    answer = http.get(path)
    assert answer.status_code == 401
    assert order.name not in answer.text
    http.post(path, data={"outcome": "approve", "seen_digest": "0" * 64})
    assert look(order) == HELD


def test_guessing_links_is_slowed_down(linked, http, look):
    """Last in this file: the address that guessed has to wait, whatever it claims to be."""
    order, path = linked()
    codes = [http.get(f"/distribution/approval/link/{'A' * 42}{number:02}").status_code for number in range(30)]
    assert 429 in codes
    assert codes[-1] == 429
    assert http.get(path, headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 429
    assert http.post(path, data={"outcome": "approve"}).status_code in (400, 429)
    assert look(order) == HELD
