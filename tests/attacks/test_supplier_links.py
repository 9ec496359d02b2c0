"""Attacks on what vendors may do without a login – answer by a link – and on what their answers are made of, in the
running demo company. What counts is read back from the database.
"""

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from xmlrpc.client import Fault

import psycopg2
import pytest
import rules_in_force as rules
from outbound_desk import one
from supplier_desk import ADDON, CONFIRMATION, PLACE, Desk, Page, in_days

LINE = "distribution.supplier.confirmation.line"
CARD, DISCREPANCY, DAMAGE = "distribution.scorecard", "distribution.receipt.discrepancy", "distribution.receipt.damage"
UNTOUCHED = ("waiting", 0, "waiting", None, None, None)
#: What Odoo answers over XML-RPC: a message for people, or that somebody may not.
WARNING, ACCESS = 2, 4
FORGED_TOKEN = "F" * 43


@pytest.fixture(scope="module")
def desk(rpc, second_connection_of_module):
    with rules.Postbox() as postbox:
        postbox.open_for(rpc)
        yield Desk(rpc, second_connection_of_module, postbox).begin()


@pytest.fixture(scope="module")
def second_connection_of_module(server, cluster):
    """``sql`` for the whole file."""
    from tools.devkit.postgres import PORT, ROLE

    connection = psycopg2.connect(host=str(cluster.socket), port=PORT, user=ROLE, dbname=server.database)
    connection.autocommit = True

    def query(statement, parameters=None):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description is not None else []

    yield query
    connection.close()


@pytest.fixture(scope="module")
def goods(desk):
    return desk.goods()


@pytest.fixture
def linked(desk, goods, http):
    """(order, page) of an order that its vendor was asked about."""

    def make(quantity=2):
        order = desk.order(goods, quantity)
        return order, Page(http, desk.sends())

    return make


def refused(client, model, method, *arguments, **keywords):
    """The call is refused for who calls, not for what it lacks; nothing is deleted anyway. Returns the words."""
    with pytest.raises(Fault) as caught:
        client(model, method, *arguments, **keywords)
    words = caught.value.faultString
    assert "Traceback" not in words, (model, method, words)
    assert caught.value.faultCode == (WARNING if method == "unlink" else ACCESS), (model, method, words)
    return words


def forgeries(desk, goods, order):
    """``{model: values}``: with these the superuser could make one about ``order``, whose vendor has answered."""
    now, quantity = "2026-01-05 10:00:00", {"quantity": 1}
    ((company, currency, unit, answer),) = desk.sql(
        """SELECT ordered.company_id, ordered.currency_id, asked.uom_id, max(answer.id)
             FROM purchase_order ordered
             JOIN distribution_supplier_confirmation_line asked ON asked.confirmation_id = %s
             JOIN distribution_supplier_answer answer ON answer.confirmation_id = asked.confirmation_id
            WHERE ordered.id = %s GROUP BY 1, 2, 3""",
        (order.confirmation, order.id),
    )
    ((picking,),) = desk.sql("SELECT max(picking_id) FROM stock_move WHERE purchase_line_id = %s", (order.line,))
    ((reason,),) = desk.sql("SELECT min(id) FROM distribution_receipt_reason")
    # An order, and a line of it, that nobody asked about.
    (draft,) = desk.sql(
        """SELECT ordered.id, line.id FROM purchase_order ordered JOIN purchase_order_line line
               ON line.order_id = ordered.id AND line.product_id IS NOT NULL
            WHERE NOT EXISTS (SELECT 1 FROM distribution_supplier_confirmation WHERE order_id = ordered.id) LIMIT 1"""
    )
    one_of, goods_of = {"company_id": company, "currency_id": currency}, {"product_id": goods.id}
    about = {"confirmation_id": order.confirmation}
    ((notice,),) = desk.sql("SELECT min(id) FROM distribution_ship_notice")
    return {
        CONFIRMATION: {"name": "x", "order_id": draft[0], "partner_id": goods.vendor, "asked_at": now, **one_of},
        LINE: {**about, **goods_of, "uom_id": unit, "order_line_id": draft[1], "state": "confirmed"},
        "distribution.supplier.answer": {**about, "door": "link", "answered_at": now, "note": "We agreed."},
        "distribution.supplier.promise": {
            **{"answer_id": answer, "line_id": order.confirmation_line, "day": str(in_days(1)), "is_first": True},
            **quantity,
        },
        # A link of which the forger knows the token.
        "distribution.supplier.link": {
            **about,
            **{"purpose": "ask", "state": "sent", "created_at": now, "sent_at": now},
            **{"expires_at": f"{in_days(9)} 10:00:00", "token_hash": hashlib.sha256(FORGED_TOKEN.encode()).hexdigest()},
        },
        "distribution.supplier.delay": {"line_id": order.confirmation_line, "day_after": str(in_days(3))},
        "distribution.ship.notice": {"reference": "forged", "order_id": order.id, "state": "open", "told_at": now},
        "distribution.ship.notice.line": {"notice_id": notice, **goods_of, **quantity},
        "distribution.ship.notice.share": {"notice_id": notice, "order_line_id": order.line, **quantity},
        CARD: {
            **{"partner_id": goods.vendor, "company_id": company, "period_start": "2019-01-01"},
            **{"period_end": "2019-01-31", "score": 100, "on_time_in_full": 100, "state": "closed"},
        },
        "distribution.match.line": {"bill_ref": 1, "matched_at": now, "verdict": "match", **one_of},
        DISCREPANCY: {
            **{"picking_ref": picking, "company_id": company, "kind": "over", "found_at": now},
            **goods_of,
            **quantity,
        },
        DAMAGE: {"picking_id": picking, "reason_id": reason, **goods_of, **quantity},
    }


def says_nothing(desk, answer, order, goods):
    return not any(secret in answer.text for secret in (order.name, goods.name, desk.company))


def test_looking_never_answers(desk, linked, http):
    order, page = linked()
    assert page.opens().status_code == 200
    tricks = "&".join(f"{name}={value}" for name, value in {**page.fields, "act": "as_ordered"}.items())
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        for path in (page.path, f"{page.path}?{tricks}", f"{page.path}?_method=POST&{tricks}"):
            http.request(method, path, headers={"X-HTTP-Method-Override": "POST"})
            assert desk.asked(order) == UNTOUCHED, (method, path)
    assert desk.facts("supplier_confirmation", order) == ["distribution.supplier_confirmation.asked.v1"]
    # Odoo's own link confirms by being opened; not where the vendor is asked properly.
    http.get(f"/my/purchase/{order.id}?confirm=reminder")
    assert desk.asked(order) == UNTOUCHED


def test_only_with_the_form_of_the_page(desk, linked, http, server):
    order, page = linked()
    page.opens()
    fields = {**page.fields, "act": "as_ordered"}
    assert http.post(page.path, data={**fields, "csrf_token": ""}).status_code == 400
    assert http.post(page.path, data={**fields, "csrf_token": "x" * 40}).status_code == 400
    assert http.post(page.path, json=fields).status_code in (400, 415)
    # The form of the page, sent by somebody else's browser: the token belongs to the session.
    with type(http)(server.url) as stranger:
        assert stranger.post(page.path, data=fields).status_code == 400
    for digest in ("", "0" * 64):
        assert "has changed" in http.post(page.path, data={**fields, "seen_digest": digest}).text
    assert desk.asked(order) == UNTOUCHED


def test_garbage(desk, linked, http):
    order, page = linked()
    page.opens()
    line = order.confirmation_line
    quantity, day, price = f"quantity_{line}_1", f"day_{line}_1", f"price_{line}"
    for values in (
        {quantity: "-5"},
        {quantity: "NaN"},
        {quantity: "1e999"},
        {quantity: "9" * 4000},
        {quantity: "0x10"},
        {quantity: "1;DROP TABLE purchase_order"},
        {quantity: ""},
        {day: "0001-01-01"},
        {day: "9999-12-31"},
        {day: "2026-02-30"},
        {day: "tomorrow"},
        {price: "-1"},
        {price: "Infinity"},
        {f"quantity_{line}_9": "5", quantity: ""},
        {f"quantity_{line + 1}_1": "5"},
        {"quantity_99999999999_1": "5", quantity: "x"},
    ):
        answer = page.submits(**values)
        assert answer.status_code in (200, 429), (values, answer.status_code)
        assert 'role="alert"' in answer.text or answer.status_code == 429, values
        assert desk.asked(order) == UNTOUCHED, values
        desk.sql("UPDATE distribution_supplier_link SET tokens = 12")
    # Bodies that no page sends.
    kinds = {"Content-Type": "multipart/form-data; boundary=x"}
    for body, headers in (
        (b"", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"\xff\xfe\x00=%00&%zz", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"--x\r\nContent-Disposition: form-data", kinds),
        (b"&".join(b"quantity_%d_1=1" % number for number in range(5000)), {}),
    ):
        assert http.post(page.path, data=body, headers=headers).status_code < 500
    # Files where texts belong, and characters that no text has: what makes sense is taken, nothing breaks.
    token = {"csrf_token": page.fields["csrf_token"], "act": "changes"}
    answer = http.post(page.path, data=token, files={"seen_digest": ("a.txt", b"x"), "note": ("b", b"\x00")})
    assert answer.status_code == 200
    assert "has changed" in answer.text
    assert desk.asked(order) == UNTOUCHED
    answer = page.submits(
        note="a\x00b\x1b[31m<script>alert(1)</script>", vendor_reference="A\r\nBcc: x@example.com\x00"
    )
    assert "Thank you" in answer.text
    ((note, reference),) = desk.sql(
        "SELECT note, vendor_reference FROM distribution_supplier_answer WHERE confirmation_id = %s",
        (order.confirmation,),
    )
    assert note.startswith("ab[31m<script>")
    assert "\x00" not in reference
    assert "<script>alert" not in page.opens().text


def test_lines_of_somebody_else(desk, linked, goods):
    order, page = linked()
    other = desk.order(goods, 3)
    page.opens()
    for line in (other.confirmation_line, order.line, 1, 0):
        answer = page.submits(**{f"quantity_{line}_1": "1", f"day_{line}_1": str(in_days(400))})
        assert 'role="alert"' in answer.text, line
    assert desk.asked(order) == desk.asked(other) == UNTOUCHED
    page.opens()
    assert other.name not in page.text


def test_links_that_ended_say_nothing(desk, linked, goods, http, rpc):
    order, page = linked()
    page.opens()

    def refused(*codes):
        for answer in (http.get(page.path), page.submits("as_ordered")):
            assert answer.status_code in codes
            assert says_nothing(desk, answer, order, goods)
        assert desk.asked(order)[1] == 0

    desk.sql("UPDATE distribution_supplier_link SET expires_at = now() AT TIME ZONE 'utc' - interval '1 minute'")
    refused(410)
    desk.sql("UPDATE distribution_supplier_link SET expires_at = now() AT TIME ZONE 'utc' + interval '9 days'")
    assert http.get(page.path).status_code == 200
    # Asked again: the newer link replaces the older one.
    desk.buyer(CONFIRMATION, "action_ask_again", [order.confirmation])
    newer = desk.sends()
    assert newer != page.path
    refused(410)
    page.path = newer
    page.opens()
    desk.buyer(CONFIRMATION, "action_revoke_links", [order.confirmation])
    refused(410)
    desk.buyer(CONFIRMATION, "action_ask_again", [order.confirmation])
    page.path = desk.sends()
    page.opens()
    desk.buyer("purchase.order", "button_cancel", [order.id])
    refused(410)
    # The hash of a link is no link, and nothing in the database is one.
    ((hashed,),) = desk.sql("SELECT token_hash FROM distribution_supplier_link ORDER BY id DESC LIMIT 1")
    assert http.get(f"{PLACE}{hashed}").status_code == 404
    token = page.path.rpartition("/")[2]
    for table, column in (
        ("mail_mail", "body_html"),
        ("mail_message", "body"),
        ("distribution_event", "data"),
        ("ir_logging", "message"),
    ):
        assert desk.sql(f"SELECT count(*) FROM {table} WHERE {column}::text LIKE %s", (f"%{token}%",)) == [(0,)], table


def test_two_answers_at_the_same_instant(desk, linked, server, http):
    order, page = linked()
    page.opens()
    line = order.confirmation_line
    form = {**page.fields, "act": "changes"}

    def post(day):
        return http.post(page.path, data={**form, f"day_{line}_1": str(in_days(day))})

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(post, (11, 12, 13, 14)))
    assert sum("Thank you" in answer.text for answer in answers) == 1, [answer.status_code for answer in answers]
    assert desk.asked(order)[1] == 1


def test_the_first_promise_stays(desk, linked, rpc):
    """Neither the vendor's later answers, nor buyers, nor the owner of the database replace it."""
    order, page = linked()
    page.confirms()
    first = desk.asked(order)[3]
    page.promises(order, in_days(30))
    assert desk.asked(order)[3:5] == (first, in_days(30))
    desk.buyer("purchase.order.line", "write", [order.line], {"date_planned": "2031-01-01 12:00:00"})
    assert desk.asked(order)[3] == first
    for statement in (
        "UPDATE distribution_supplier_confirmation_line SET first_promised_day = '2031-01-01' WHERE id = %s",
        "UPDATE distribution_supplier_confirmation_line SET first_answered_at = NULL WHERE id = %s",
        "UPDATE distribution_supplier_promise SET day = '2031-01-01' WHERE line_id = %s",
        "DELETE FROM distribution_supplier_promise WHERE line_id = %s",
    ):
        with pytest.raises(psycopg2.Error):
            desk.sql(statement, (order.confirmation_line,))
    assert isinstance(first, date)


def test_records_are_written_by_answers_only(desk, linked, goods, rpc):
    order, page = linked()
    page.promises(order, in_days(60))
    ((answer,),) = desk.sql(
        "SELECT id FROM distribution_supplier_answer WHERE confirmation_id = %s", (order.confirmation,)
    )
    before = desk.asked(order)
    forged = (
        *((model, "create", values) for model, values in forgeries(desk, goods, order).items()),
        (CONFIRMATION, "write", [order.confirmation], {"state": "confirmed"}),
        (CONFIRMATION, "unlink", [order.confirmation]),
        (LINE, "write", [order.confirmation_line], {"promised_day": "2026-01-01", "state": "confirmed"}),
        (LINE, "write", [order.confirmation_line], {"first_promised_day": "2031-01-01"}),
        ("distribution.supplier.answer", "write", [answer], {"note": "We agreed."}),
        ("distribution.supplier.link", "_arm", [1]),
        ("distribution.supplier.link", "search_read", [], ["token_hash"]),
        (CONFIRMATION, "_answer", [order.confirmation], "link", {}),
        (CONFIRMATION, "_apply_promises", [order.confirmation], []),
    )
    wider = ("distribution.supplier.tolerance", "create", {"price_percent": 99})
    buttons = [
        (CONFIRMATION, method, [order.confirmation])
        for method in ("action_accept", "action_ask_again", "action_revoke_links")
    ]
    for login, calls in (
        ("buyer", (*forged, wider)),
        ("purchasing_manager", forged),
        ("sales_rep", (*forged, *buttons, wider)),
        ("warehouse_operator", (*buttons, wider)),
        ("auditor", (*buttons, wider)),
        ("accountant", (*forged, *buttons)),
    ):
        client = rpc(login)
        for call in calls:
            refused(client, *call)
    assert desk.asked(order) == before


def test_forgeries_that_lack_nothing(desk, linked, goods, rpc, http):
    """Not by any door, not even where an administrator grants the access right: whoever is no superuser is refused."""
    order, page = linked()
    page.promises(order, in_days(60))
    values_of, admin = forgeries(desk, goods, order), rpc("admin")
    before = desk.asked(order)

    def rows():
        """What the tables hold, and one row of each; of cases and followers nothing is said here."""
        what = "count(*), min(id), md5(string_agg(kept::text, '' ORDER BY id))"
        tables = {model: model.replace(".", "_") for model in values_of}
        return {model: desk.sql(f"SELECT {what} FROM {table} kept")[0] for model, table in tables.items()}

    known = rows()
    for model, values in values_of.items():
        described = desk.buyer(model, "fields_get", [], ["required", "store"])
        needed = {name for name, field in described.items() if field["required"] and field["store"]}
        lacking = needed - values.keys()
        assert lacking == {name for name in lacking if desk.buyer(model, "default_get", [name]).get(name)}, model
    people = ("buyer", "purchasing_manager", "warehouse_operator", "admin")
    ((everybody,),) = desk.sql("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_user'")
    granted = [
        one(
            admin(
                "ir.model.access",
                "create",
                {
                    **{"name": "forger", "group_id": everybody},
                    **{f"perm_{right}": True for right in ("read", "write", "create", "unlink")},
                    "model_id": desk.sql("SELECT id FROM ir_model WHERE model = %s", (model,))[0][0],
                },
            )
        )
        for model in values_of
    ]
    try:
        for login in people:
            client = rpc(login)
            for model, values in values_of.items():
                assert "written by" in refused(client, model, "create", values), (login, model)
                columns = {f"{name}/.id" if name.endswith("_id") else name: str(values[name]) for name in values}
                columns.pop("token_hash", None)
                told = client(model, "load", list(columns), [list(columns.values())])
                assert not told["ids"] and "written by" in str(told["messages"]), (login, model, told)
                if known[model][1]:
                    refused(client, model, "write", [known[model][1]], values)
                    with pytest.raises(Fault) as caught:
                        client(model, "unlink", [known[model][1]])
                    assert caught.value.faultCode in (WARNING, ACCESS), (login, model, caught.value.faultString)
            # As a part of what such a person may write.
            for holder, record, name, model in (
                ("purchase.order", order.id, "supplier_confirmation_ids", CONFIRMATION),
                ("res.partner", goods.vendor, "scorecard_ids", CARD),
                ("stock.picking", values_of[DAMAGE]["picking_id"], "damage_ids", DAMAGE),
            ):
                with pytest.raises(Fault) as caught:
                    client(holder, "write", [record], {name: [(0, 0, values_of[model])]})
                assert caught.value.faultCode == ACCESS, (login, holder, caught.value.faultString)
    finally:
        admin("ir.model.access", "unlink", granted)
    assert rows() == known
    assert desk.asked(order) == before
    assert http.get(f"{PLACE}{FORGED_TOKEN}").status_code == 404


def test_scorecards_rest_on_what_nobody_edits(desk, goods, rpc):
    """The card of a vendor is not polished by buyers, heads of purchasing or the warehouse."""
    order, short = desk.order(goods, 10), desk.order(goods, 10)

    def card():
        rules.run_job(rpc, "ir_cron_scorecard", ADDON)
        return desk.sql(
            """SELECT period_start, on_time_in_full, on_time_in_full_of, lead_time, discrepancy_rate,
                      discrepancy_rate_of, state
                 FROM distribution_scorecard WHERE partner_id = %s ORDER BY period_start""",
            (goods.vendor,),
        )

    earlier = card()
    desk.receives(order, 10)
    picking = desk.receives(short, 6, backorder=False)
    before = card()
    known = earlier[-1][5] if earlier and earlier[-1][0] == before[-1][0] else 0
    assert before[-1][5] == known + 2 and before[-1][4] > 0, "two receipts, one of which was short"
    ((row, found),) = desk.sql(
        """SELECT (SELECT max(id) FROM distribution_scorecard WHERE partner_id = %s),
                  (SELECT max(id) FROM distribution_receipt_discrepancy WHERE picking_ref = %s)""",
        (goods.vendor, picking),
    )
    ((move,),) = desk.sql("SELECT id FROM stock_move WHERE purchase_line_id = %s AND state = 'done'", (order.line,))
    early = f"{in_days(-5)} 12:00:00"
    forged = (
        (CARD, "write", [row], {"on_time_in_full": 100, "score": 100}),
        (CARD, "write", [row], {"state": "closed"}),
        (CARD, "unlink", [row]),
        (CARD, "_close", [row]),
        (CARD, "_score_month", 1, "2026-01-01", "2026-01-31"),
        ("res.partner", "write", [goods.vendor], {"scorecard_tier": "low"}),
        ("res.partner", "write", [goods.vendor], {"manual_risk_tier": "low"}),
        (DISCREPANCY, "write", [found], {"quantity": 0}),
        (DISCREPANCY, "unlink", [found]),
        (CONFIRMATION, "write", [order.confirmation], {"asked_at": early, "state": "cancelled"}),
        (CONFIRMATION, "_cancel", [order.confirmation]),
        (LINE, "write", [order.confirmation_line], {"asked_day": str(in_days(30)), "asked_quantity": 6}),
        (LINE, "unlink", [order.confirmation_line]),
        ("res.company", "write", [1], {"scorecard_minimum": 1000}),
    )
    for login in ("buyer", "purchasing_manager", "warehouse_operator"):
        client = rpc(login)
        for call in forged:
            with pytest.raises(Fault, match=".") as caught:
                client(*call)
            assert "Traceback" not in caught.value.faultString, (login, call)
        # Whether refused or not: it makes no difference.
        for model, record, values in (
            ("purchase.order.line", order.line, {"date_planned": early}),
            ("purchase.order", order.id, {"date_approve": early}),
            ("stock.move", move, {"date": early}),
            ("stock.picking", picking, {"date_done": early}),
        ):
            try:
                client(model, "write", [record], values)
            except Fault as fault:
                assert "Traceback" not in fault.faultString, (login, model, values)
    assert card() == before


def test_the_portal_is_for_the_vendor_of_the_order(desk, linked, goods, rpc, http, server):
    order, page = linked()
    admin = rpc("admin")
    groups = "groups_id" if "groups_id" in admin("res.users", "fields_get", ["groups_id"], ["type"]) else "group_ids"
    ((portal,),) = desk.sql("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_portal'")
    ((other,),) = desk.sql(
        "SELECT id FROM res_partner WHERE vendor_status = 'approved' AND id <> %s AND is_company AND active LIMIT 1",
        (goods.vendor,),
    )

    def login(name, vendor):
        contact = one(admin("res.partner", "create", {"name": name, "parent_id": vendor, "email": f"{name}@x.example"}))
        values = {"login": name, "password": name, "partner_id": contact, groups: [(6, 0, [portal])]}
        admin("res.users", "create", values)
        return contact

    contact = login("links_vendor", goods.vendor)
    login("links_rival", other)
    admin("purchase.order", "message_subscribe", [order.id], partner_ids=[contact])
    path = f"/my/purchase/{order.id}/confirmation"
    assert "/web/login" in http.get(path).url, "the portal takes a login"
    for name in ("links_rival", "buyer", "sales_rep"):
        with type(http)(server.url) as session:
            session.log_in(server.database, name)
            token = re.search(r'csrf_token: "([^"]+)"', session.get("/my/home" if "links" in name else "/web").text)
            form = {"csrf_token": token[1] if token else "", "act": "as_ordered", "seen_digest": "x"}
            for answer in (session.get(path), session.post(path, data=form)):
                assert answer.status_code in (400, 403, 404), (name, answer.status_code)
                assert says_nothing(desk, answer, order, goods)
    client = rpc("links_rival")
    for model in (CONFIRMATION, LINE, "distribution.supplier.answer", "distribution.supplier.link"):
        with pytest.raises(Fault):
            client(model, "search_read", [])
    assert desk.asked(order) == UNTOUCHED
    with type(http)(server.url) as session:
        session.log_in(server.database, "links_vendor")
        own = Page(session, path)
        own.confirms()
    assert desk.asked(order)[0] == "confirmed"
    with pytest.raises(Fault):
        rpc("links_vendor")(CONFIRMATION, "search_read", [])


def test_answers_are_slowed_down(desk, linked):
    """Twelve at once, then four a minute: the link fills up while the answers are worked on."""
    order, page = linked()
    started, codes = time.monotonic(), []
    while 429 not in codes and len(codes) < 60:
        page.opens()
        codes.append(page.submits(**{f"quantity_{order.confirmation_line}_1": str(1 + len(codes))}).status_code)
    minutes = (time.monotonic() - started) / 60
    assert (codes[0], codes[-1]) == (200, 429)
    assert len(codes) - 1 <= 12 + 4 * minutes
    assert desk.asked(order)[1] < len(codes)


def test_guessing_is_slowed_down(desk, linked, goods, http):
    """Last in this file: the address that guessed has to wait, whatever it claims to be."""
    order, page = linked()
    page.opens()
    codes = [http.get(f"{PLACE}{'A' * 41}{number:02}").status_code for number in range(30)]
    assert (codes[0], codes[-1]) == (404, 429)
    for answer in (
        http.get(page.path),
        http.get(page.path, headers={"X-Forwarded-For": "198.51.100.7"}),
        page.submits("as_ordered"),
    ):
        assert answer.status_code == 429
        assert says_nothing(desk, answer, order, goods)
    assert desk.asked(order) == UNTOUCHED
