"""Attacks on reports: editions of another site and company, links, recipients, definitions, signatures, releases.

Over XML-RPC, HTTP and the API, as people of the demo company who know the numbers of the records. Each test reads back
from the database that the guarded state is what it was.
"""

import datetime
import hashlib
import re
from xmlrpc.client import Fault

import psycopg2
import pytest
import report_desk as desk
import rules_in_force as rules
from api_client import give_key, problem
from over_the_wire import refused, tried

EDITION, FILE, DELIVERY = (f"distribution.report.{name}" for name in ("edition", "file", "delivery"))
RELEASE, STEP, RECIPIENT = (f"distribution.report.{name}" for name in ("release", "run.step", "recipient"))
KPI, KPI_VERSION, SIGNOFF = "distribution.kpi", "distribution.kpi.version", "distribution.kpi.signoff"
THRESHOLD = "distribution.report.threshold"
#: Everybody of the house who is no recipient of a site's report, and not an auditor.
OTHERS = ("buyer", "operations_manager", "policy_publisher", "finance_controller", "integration", "admin")
SECRETS = ("content", "content_html", "change_html", "digest")
LINK = re.compile(r"(/distribution/report/\d+/\w+\?expires=\d+&(?:amp;)?signature=\w+)")


@pytest.fixture(scope="module")
def postbox(rpc):
    with rules.Postbox() as box:
        box.open_for(rpc)
        yield box


def publish(rpc, code, recipients, **values):
    """A report on the transfer kinds of a site, in force; its id."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    report = author(desk.REPORT, "create", {"name": code.title(), "code": code})
    dataset = {
        "code": "kinds",
        "model": "stock.picking.type",
        "domain": "[('warehouse_id', '=', '{site}')]" if values.get("site_id") else "[]",
        "order": "id",
        "column_ids": [(0, 0, {"path": "name"}), (0, 0, {"path": "warehouse_id.name", "label": "Site"})],
    }
    version = author(
        desk.VERSION,
        "create",
        {
            "report_id": report,
            "reader_id": rpc("auditor").uid,
            "classification": "management",
            "as_pdf": True,
            "as_csv": True,
            "summary": "{kinds.rows} kinds",
            "dataset_ids": [(0, 0, dataset)],
            "section_ids": [(0, 0, {"code": "kinds", "title": "Kinds", "dataset": "kinds", "show_table": True})],
            "recipient_ids": [(0, 0, one) for one in recipients],
            **values,
        },
    )
    (draft,) = publisher(desk.VERSION, "read", [version], fields=["draft_digest", "problem_text"])
    assert not draft["problem_text"], draft["problem_text"]
    publisher(desk.VERSION, "action_publish", [version], draft["draft_digest"])
    return report


def released(rpc, owner, report, day):
    """The edition of a run that needs nobody."""
    run = desk.start(owner, report, period_first=str(day), period_last=str(day))
    desk.jobs(rpc)
    (found,) = rpc("auditor")(desk.RUN, "read", [run], ["state", "edition_id", "error", "hold_reason"])
    assert found["state"] == "done", found
    return found["edition_id"][0]


@pytest.fixture(scope="module")
def sites(rpc):
    """Two sites, each with a released report for one person: ``{login: (site, report, edition, attachments)}``."""
    auditor, found = rpc("auditor"), {}
    yesterday = rules.company_day(rpc) - datetime.timedelta(days=1)
    houses = auditor("stock.warehouse", "search_read", [("company_id", "=", 1)], ["code"], order="id", limit=2)
    for login, house in zip(("warehouse_operator", "buyer_branch"), houses):
        who = [{"kind": "user", "user_id": rpc(login).uid, "channel": "inbox"}]
        report = publish(rpc, f"site_{house['code'].lower()}", who, site_id=house["id"])
        edition = released(rpc, rpc("policy_author"), report, yesterday)
        files = auditor("ir.attachment", "search", [("res_model", "=", EDITION), ("res_id", "=", edition)])
        assert len(files) >= 3
        found[login] = (house["code"], report, edition, files)
    return found


def sees_nothing(client, edition, files):
    """Whoever asks by number gets neither the edition nor its files, by any door."""
    for model, ids in ((EDITION, [edition]), ("ir.attachment", files)):
        assert client(model, "search", [("id", "in", ids)]) == []
        assert client(model, "search_count", [("id", "in", ids)]) == 0
    for field in SECRETS:
        with pytest.raises(Fault):
            client(EDITION, "read", [edition], [field])
        with pytest.raises(Fault):
            client(EDITION, "export_data", [edition], [field])
    assert client(EDITION, "search_read", [("id", "=", edition), ("content", "ilike", "kinds")], ["content"]) == []
    assert client(FILE, "search", [("edition_id", "=", edition)]) == []
    for file in files:
        for field in ("raw", "datas", "name", "access_token"):
            with pytest.raises(Fault):
                client("ir.attachment", "read", [file], [field])
        with pytest.raises(Fault):
            client("ir.attachment", "generate_access_token", [file])
    assert client("mail.message", "search", [("model", "=", EDITION), ("res_id", "=", edition)]) == []


# ------------------------------------------------------------------------------------ another's


def test_the_edition_of_another_site(rpc, sql, sites, http, server):
    for login, (_code, _report, edition, files) in sites.items():
        client = rpc(login)
        assert client(EDITION, "search", [("id", "=", edition)]) == [edition], "one's own is read"
        assert client(EDITION, "read", [edition], ["digest"])
        (other,) = (one for one in sites if one != login)
        _code, report, edition, files = sites[other]
        sees_nothing(client, edition, files)
        refused(client, EDITION, "action_send_to", [edition], [client.uid])
        refused(client, EDITION, "message_subscribe", [edition], [1])
        refused(client, desk.REPORT, "action_run", [report])
        http.log_in(server.database, login)
        for file in files:
            for path in (f"/web/content/{file}", f"/web/content/{file}?download=true", f"/web/content/{file}/x.pdf"):
                assert http.get(path).status_code in (403, 404), path
        answer = http.get(f"/web/content/{EDITION}/{edition}/content")
        assert answer.status_code in (403, 404) and b"Kinds" not in answer.content
    for login in OTHERS:
        for _code, _report, edition, files in sites.values():
            sees_nothing(rpc(login), edition, files)
    editions = tuple(edition for _code, _report, edition, _files in sites.values())
    assert sql(
        "SELECT count(*) FROM distribution_report_delivery WHERE edition_id IN %s AND kind = 'edition'", (editions,)
    ) == [(2,)], "nobody was added"


def test_another_companys_people_see_nothing(rpc, sql, sites):
    """The mightiest roles of the suite, in another company, with the context of this one."""
    admin = rpc("admin")
    far = admin("res.company", "create", {"name": "Far Away"})
    names = ("operations", "auditor", "policy_author", "policy_publisher", "administrator")
    rows = sql(
        "SELECT res_id FROM ir_model_data WHERE module = 'distribution_core' AND model = 'res.groups' AND name IN %s",
        (tuple(f"group_{name}" for name in names),),
    )
    (user,) = sql("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_user'")
    fields = admin("res.users", "fields_get", attributes=["type"])
    groups = "groups_id" if "groups_id" in fields else "group_ids"
    admin(
        "res.users",
        "create",
        {
            "name": "Far Auditor",
            "login": "far_auditor",
            "password": "far_auditor",
            "company_id": far,
            "company_ids": [(6, 0, [far])],
            groups: [(6, 0, [*user, *(row[0] for row in rows)])],
        },
    )
    stranger = rpc("far_auditor")
    ((before,),) = sql("SELECT count(*) FROM distribution_report_run")
    for _code, report, edition, files in sites.values():
        sees_nothing(stranger, edition, files)
        with pytest.raises(Fault):
            stranger(EDITION, "read", [edition], ["digest"], context={"allowed_company_ids": [1, far]})
        for method, *arguments in (("action_recall", "x"), ("action_send_to", [stranger.uid])):
            refused(stranger, EDITION, method, [edition], *arguments)
        with pytest.raises(Fault):
            desk.start(stranger, report, period_first="2026-01-01", period_last="2026-01-01")
        refused(stranger, desk.REPORT, "write", [report], {"name": "Mine"})
    assert stranger("distribution.kpi.snapshot", "search", [("company_id", "=", 1)]) == []
    ((kpi,),) = sql("SELECT kpi_id FROM distribution_kpi_signoff ORDER BY id LIMIT 1")
    assert stranger(SIGNOFF, "search", [("kpi_id", "=", kpi)]) == []
    assert sql("SELECT count(*) FROM distribution_report_run") == [(before,)]
    assert sql(
        "SELECT DISTINCT state FROM distribution_report_edition WHERE id IN %s",
        (tuple(edition for _code, _report, edition, _files in sites.values()),),
    ) == [("released",)]


def test_the_api_gives_only_what_the_account_was_handed(rpc, server, sites, sql):
    """A key of everything does not read what its account was not handed; one of little does not read at all."""
    everything = give_key(rpc, server.url, None, name="All")
    little = give_key(rpc, server.url, ("events",), name="Little")
    for code, report, edition, _files in sites.values():
        ((name,),) = sql("SELECT code FROM distribution_report WHERE id = %s", (report,))
        path = f"reports/{name}/editions"
        for address in (path, f"{path}?site={code}", f"{path}/{edition}", f"{path}/{edition}?section=kinds"):
            problem(everything.get(address), 404, "not-found")
        assert little.get(f"{path}/{edition}").status_code in (401, 403)
        assert everything.get(f"{path}/{edition}", headers={"Authorization": None}).status_code == 401
    assert little.get("kpis").status_code in (401, 403)


# ---------------------------------------------------------------------------------------- links


def test_the_link_of_a_recalled_edition(rpc, sql, postbox, http):
    """Changed in any place it opens nothing, nor when it is over; after the recall it says why."""
    report = desk.by_mail(rpc, "daily_service_level")
    owner = rpc("operations_manager")
    edition = released(rpc, owner, report, rules.company_day(rpc) - datetime.timedelta(days=1))

    def newest_links():
        letters = desk.letters_to(postbox, "operations_manager", "Daily Service Level")
        words = letters[-1].get_body(("html",)).get_content()
        return [link.replace("&amp;", "&") for link in LINK.findall(words)]

    links = newest_links()
    assert links
    sealed = {row[0] for row in sql("SELECT sha256 FROM distribution_report_file WHERE edition_id = %s", (edition,))}
    good = links[0]
    assert hashlib.sha256(http.get(good).content).hexdigest() in sealed
    ((other,),) = sql(
        "SELECT max(id) FROM distribution_report_delivery WHERE edition_id <> %s AND kind = 'edition'", (edition,)
    )
    kind = re.search(r"/(\w+)\?", good)[1]
    for changed in (
        re.sub(r"report/\d+", f"report/{other}", good),
        re.sub(r"/\w+\?", f"/{'xlsx' if kind != 'xlsx' else 'pdf'}?", good),
        re.sub(r"expires=(\d+)", lambda match: f"expires={int(match[1]) + 86400}", good),
        re.sub(r"expires=\d+", "expires=99999999999999999999", good),
        re.sub(r"signature=\w{4}", "signature=0000", good),
        good.partition("&")[0],
        good.partition("?")[0],
    ):
        answer = http.get(changed)
        assert answer.status_code in (404, 410, 429), changed
        assert hashlib.sha256(answer.content).hexdigest() not in sealed
    sql("DELETE FROM distribution_approval_link_guess")
    # A link of long ago, signed as it is, is over.
    sql(
        """UPDATE distribution_report_delivery
              SET create_date = create_date - interval '40 days', state = 'waiting', next_try_at = NULL
            WHERE edition_id = %s AND user_id = %s""",
        (edition, owner.uid),
    )
    desk.jobs(rpc, "delivery")
    for link in newest_links():
        assert link not in links
        answer = http.get(link)
        assert answer.status_code == 410
        assert hashlib.sha256(answer.content).hexdigest() not in sealed
    assert http.get(good).status_code == 200
    owner(EDITION, "action_recall", [edition], "Returns were counted twice.")
    for link in links:
        answer = http.get(link)
        assert answer.status_code == 410
        assert "Returns were counted twice." in answer.text
        assert hashlib.sha256(answer.content).hexdigest() not in sealed
    refused(owner, EDITION, "action_send_to", [edition], [rpc("sales_rep").uid])
    for login in ("operations_manager", "admin"):
        refused(rpc(login), EDITION, "write", [edition], {"state": "released"})
        refused(rpc(login), DELIVERY, "write", [1], {"state": "waiting"})
    desk.jobs(rpc)
    assert sql("SELECT state FROM distribution_report_edition WHERE id = %s", (edition,)) == [("recalled",)]
    assert sql(
        "SELECT count(*) FROM distribution_report_delivery WHERE edition_id = %s AND user_id = %s",
        (edition, rpc("sales_rep").uid),
    ) == [(0,)]


# ----------------------------------------------------------------------------------- recipients


def test_nobody_outside_gets_what_is_for_the_house(rpc, sql, sites):
    """Neither by a definition, nor afterwards, nor as a login of a customer's."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (partner,) = author("res.partner", "search", [("customer_rank", ">", 0), ("user_ids", "=", False)], limit=1)
    ((report,),) = sql("SELECT id FROM distribution_report WHERE code = 'daily_sales'")
    draft = author(desk.REPORT, "action_new_version", [report])["res_id"]
    author(RECIPIENT, "create", {"version_id": draft, "kind": "partner", "partner_id": partner, "channel": "mail"})
    (seen,) = publisher(desk.VERSION, "read", [draft], fields=["draft_digest", "problem_text"])
    assert seen["problem_text"]
    refused(publisher, desk.VERSION, "action_publish", [draft], seen["draft_digest"])
    assert sql("SELECT state FROM distribution_report_version WHERE id = %s", (draft,)) == [("draft",)]
    # What is in force gets no further recipient.
    ((version,),) = sql("SELECT version_id FROM distribution_report WHERE id = %s", (report,))
    ((before,),) = sql("SELECT count(*) FROM distribution_report_recipient WHERE version_id = %s", (version,))
    more = {"version_id": version, "kind": "partner", "partner_id": partner, "channel": "mail"}
    for login in ("policy_author", "admin"):
        refused(rpc(login), RECIPIENT, "create", more)
        refused(rpc(login), desk.VERSION, "write", [version], {"recipient_ids": [(0, 0, more)]})
        refused(rpc(login), desk.VERSION, "write", [version], {"classification": "customer"})
    assert sql("SELECT count(*) FROM distribution_report_recipient WHERE version_id = %s", (version,)) == [(before,)]
    # Nor is it handed to them later; nor to somebody of the house who works elsewhere, or is a customer's login.
    (_code, _report, edition, _files) = next(iter(sites.values()))
    refused(author, EDITION, "action_send_to", [edition], [], [partner])
    admin = rpc("admin")
    (portal,) = sql("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_portal'")
    fields = admin("res.users", "fields_get", attributes=["type"])
    groups = "groups_id" if "groups_id" in fields else "group_ids"
    guest = admin(
        "res.users",
        "create",
        {"name": "Guest", "login": "guest", "password": "guest", "partner_id": partner, groups: [(6, 0, list(portal))]},
    )
    refused(author, EDITION, "action_send_to", [edition], [guest])
    refused(author, EDITION, "write", [edition], {"delivery_ids": [(0, 0, {"user_id": guest})]})
    with pytest.raises(Fault):
        rpc("guest")(EDITION, "read", [edition], ["content"])
    assert sql("SELECT count(*) FROM distribution_report_delivery WHERE partner_id = %s", (partner,)) == [(0,)]


# --------------------------------------------------------------------------------- what is pending


PENDING = """SELECT run.id, edition.id, edition.release_id, edition.digest, edition.version_id, edition.preview_digest
               FROM distribution_report_run run
               JOIN distribution_report_edition edition ON edition.id = run.edition_id
               JOIN distribution_report report ON report.id = run.report_id
              WHERE report.code = 'customer_service_exceptions' AND run.state = 'waiting'"""


def test_a_forged_release_hands_out_nothing(rpc, sql):
    """States of run, step, edition, release and delivery are written by nobody: as everybody, by every door."""
    ((number, edition, release, _digest, _version, _preview),) = sql(PENDING)
    ((delivery,),) = sql("SELECT max(id) FROM distribution_report_delivery")
    ((step,),) = sql("SELECT id FROM distribution_report_run_step WHERE run_id = %s AND name = 'approval'", (number,))
    guarded = """SELECT (SELECT state FROM distribution_report_run WHERE id = %s),
                        (SELECT state || number FROM distribution_report_edition WHERE id = %s),
                        (SELECT state FROM distribution_report_run_step WHERE id = %s),
                        (SELECT count(*) FROM distribution_report_release
                          WHERE id = %s AND (released_at IS NOT NULL OR NOT active)),
                        (SELECT state FROM distribution_report_delivery WHERE id = %s),
                        (SELECT count(*) FROM distribution_report_edition),
                        (SELECT count(*) FROM distribution_report_file),
                        (SELECT count(*) FROM distribution_report_release WHERE edition_id IS NOT NULL),
                        (SELECT count(*) FROM distribution_report_run),
                        (SELECT count(*) FROM distribution_report_delivery)"""
    names = (number, edition, step, release, delivery)
    before = sql(guarded, names)
    moment = "2026-01-01 00:00:00"
    forged = (
        (desk.RUN, number, {"state": "done"}),
        (desk.RUN, number, {"content": "{}"}),
        (STEP, step, {"state": "done"}),
        (EDITION, edition, {"state": "released", "number": 7}),
        (EDITION, edition, {"release_id": release, "released_at": moment}),
        (RELEASE, release, {"released_at": moment}),
        (RELEASE, release, {"approval_state": "released"}),
        (RELEASE, release, {"active": False}),
        (RELEASE, release, {"user_id": 1}),
        (RELEASE, release, {"is_stale": True, "exception_count": 9}),
        (RELEASE, release, {"edition_id": False}),
        (DELIVERY, delivery, {"state": "failed"}),
        (DELIVERY, delivery, {"state": "sent"}),
    )
    created = (
        (RELEASE, {"name": "x", "report_key": "x", "period": "x", "edition_id": edition, "released_at": moment}),
        (EDITION, {"report_id": 1, "run_id": number, "version_id": 1, "company_id": 1, "content": "{}", "digest": "x"}),
        (FILE, {"edition_id": edition, "kind": "pdf", "sha256": "x"}),
        (DELIVERY, {"kind": "edition", "edition_id": edition, "report_id": 1, "company_id": 1, "user_id": 2}),
        (STEP, {"run_id": number, "name": "approval", "state": "done"}),
    )
    for login in ("operations_manager", "sales_rep", "sales_manager", "policy_author", "auditor", "admin"):
        client = rpc(login)
        for model, record, values in forged:
            refused(client, model, "write", [record], values)
            tried(client, model, "load", [".id", *values], [[str(record), *map(str, values.values())]])
            assert sql(guarded, names) == before, (login, model, values)
        for model, values in created:
            refused(client, model, "create", values)
        for model, record in ((desk.RUN, number), (EDITION, edition), (DELIVERY, delivery), (STEP, step)):
            refused(client, model, "unlink", [record])
            with pytest.raises(Fault):
                client(model, "copy", [record])
        for method in ("action_archive", "unlink"):
            tried(client, RELEASE, method, [release])
            assert sql(guarded, names) == before, (login, method)
        for method in ("_render", "_distribute", "_number", "_approval_set_state"):
            with pytest.raises(Fault):
                client(EDITION, method, [edition])
    # Server actions of an administrator; the gate of the release meets the one who goes around rights as well.
    admin = rpc("admin")
    codes = [(model, record, f"records.write({values!r})") for model, record, values in forged]
    codes += [(RELEASE, release, f"records.sudo().write({values!r})") for _model, _record, values in forged[5:7]]
    for model, record, code in codes:
        (model_id,) = admin("ir.model", "search", [("model", "=", model)])
        values = {"name": "x", "model_id": model_id, "state": "code", "code": code}
        action = admin("ir.actions.server", "create", values)
        active = {"active_model": model, "active_id": record, "active_ids": [record]}
        tried(admin, "ir.actions.server", "run", [action], context=active)
        assert sql(guarded, names) == before, code
    desk.jobs(rpc)
    assert sql(guarded, names) == before, "the jobs found nothing that was released"


def test_a_definition_that_changes_under_a_pending_release(rpc, sql):
    """The report and its KPIs get new versions: what is released is what was shown, by the version that showed it."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    ((number, edition, release, digest, version, preview),) = sql(PENDING)
    ((report,),) = sql("SELECT report_id FROM distribution_report_run WHERE id = %s", (number,))
    ((seal,),) = sql("SELECT digest FROM distribution_report_version WHERE id = %s", (version,))
    thresholds = author(THRESHOLD, "search", [("version_id", "=", version)])
    assert thresholds
    for login in ("policy_author", "policy_publisher", "sales_rep", "admin"):
        client = rpc(login)
        refused(client, THRESHOLD, "write", thresholds, {"breach": "999999"})
        refused(client, THRESHOLD, "unlink", thresholds)
        refused(client, THRESHOLD, "create", {"version_id": version, "code": "x", "label": "x", "breach": "1"})
        for values in ({"release_pattern": "automatic"}, {"classification": "internal"}, {"on_stale": "mark"}):
            refused(client, desk.VERSION, "write", [version], values)
        refused(client, desk.VERSION, "unlink", [version])
    kpis = sql("SELECT id, version_id FROM distribution_kpi WHERE code IN ('backorders', 'service_level')")
    for _kpi, kpi_version in kpis:
        for login in ("policy_author", "admin", "operations_manager"):
            refused(rpc(login), KPI_VERSION, "write", [kpi_version], {"breach": 1, "formula": "Mine."})
            refused(rpc(login), KPI_VERSION, "unlink", [kpi_version])
    # By the book: new versions of both, put in force by a second person.
    draft = author(desk.REPORT, "action_new_version", [report])["res_id"]
    ((pattern,),) = sql("SELECT release_pattern FROM distribution_report_version WHERE id = %s", (draft,))
    author(desk.VERSION, "write", [draft], {"release_pattern": "automatic", "change_summary": "Nobody looks."})
    (seen,) = publisher(desk.VERSION, "read", [draft], fields=["draft_digest"])
    refused(publisher, desk.VERSION, "action_publish", [draft], seen["draft_digest"])
    author(desk.VERSION, "write", [draft], {"release_pattern": pattern, "change_summary": "Otherwise."})
    (seen,) = publisher(desk.VERSION, "read", [draft], fields=["draft_digest"])
    author(desk.VERSION, "write", [draft], {"change_summary": "Quite otherwise.", "retention_days": 366})
    refused(publisher, desk.VERSION, "action_publish", [draft], seen["draft_digest"])
    (seen,) = publisher(desk.VERSION, "read", [draft], fields=["draft_digest"])
    publisher(desk.VERSION, "action_publish", [draft], seen["draft_digest"])
    author(KPI, "action_new_version", [kpis[0][0]])
    ((changed,),) = sql("SELECT id FROM distribution_kpi_version WHERE kpi_id = %s AND state = 'draft'", (kpis[0][0],))
    author(KPI_VERSION, "write", [changed], {"formula": "Counted otherwise.", "change_summary": "Otherwise."})
    (seen,) = publisher(KPI_VERSION, "read", [changed], fields=["draft_digest"])
    author(KPI_VERSION, "write", [changed], {"formula": "Counted quite otherwise."})
    refused(publisher, KPI_VERSION, "action_publish", [changed], seen["draft_digest"])
    (seen,) = publisher(KPI_VERSION, "read", [changed], fields=["draft_digest"])
    publisher(KPI_VERSION, "action_publish", [changed], seen["draft_digest"])
    desk.jobs(rpc)
    assert sql(PENDING) == [(number, edition, release, digest, version, preview)], "it waits as it was shown"
    desk.release(rpc("sales_manager"), "Customer Service", comment="As shown.")
    desk.jobs(rpc)
    assert sql(
        """SELECT run.state, edition.state, edition.digest, encode(sha256(convert_to(edition.content, 'UTF8')), 'hex'),
                  edition.version_id, version.digest
             FROM distribution_report_run run JOIN distribution_report_edition edition ON edition.id = run.edition_id
             JOIN distribution_report_version version ON version.id = edition.version_id WHERE run.id = %s""",
        (number,),
    ) == [("done", "released", digest, digest, version, seal)]
    # What is released is not taken back by archiving it, nor its files exchanged.
    for login in ("operations_manager", "admin"):
        for method in ("action_archive", "unlink"):
            tried(rpc(login), RELEASE, method, [release])
        tried(rpc(login), RELEASE, "write", [release], {"active": False})
        for (file,) in sql("SELECT attachment_id FROM distribution_report_file WHERE edition_id = %s", (edition,)):
            tried(rpc(login), "ir.attachment", "write", [file], {"datas": "eA=="})
            tried(rpc(login), "ir.attachment", "unlink", [file])
    assert sql("SELECT active, released_at IS NOT NULL FROM distribution_report_release WHERE id = %s", (release,)) == [
        (True, True)
    ]
    assert sql(
        """SELECT count(*) FROM distribution_report_file file JOIN ir_attachment one ON one.id = file.attachment_id
            WHERE file.edition_id = %s AND length(file.sha256) = 64""",
        (edition,),
    ) == sql("SELECT count(*) FROM distribution_report_file WHERE edition_id = %s", (edition,))


# ------------------------------------------------------------------------------------ signatures


def test_a_forged_sign_off(rpc, sql):
    """Numbers are signed by who answers for them, as they saw them, and never unsigned."""
    everything = """SELECT id, kpi_id, user_id, digest, period_start, period_end FROM distribution_kpi_signoff
                  ORDER BY id"""
    before = sql(everything)
    signoff, kpi, signer, digest, first, last = before[0]
    numbers = "SELECT count(*), sum(value) FROM distribution_kpi_snapshot WHERE kpi_id = %s"
    taken = sql(numbers, (kpi,))
    ((snapshot,),) = sql("SELECT max(id) FROM distribution_kpi_snapshot WHERE kpi_id = %s", (kpi,))
    forged = {
        "kpi_id": kpi,
        "company_id": 1,
        "period_start": "2026-01-01",
        "period_end": "2026-01-31",
        "digest": digest,
        "user_id": signer,
        "signed_at": "2026-02-01 00:00:00",
    }
    for login in ("sales_rep", "operations_manager", "policy_publisher", "auditor", "integration", "admin"):
        client = rpc(login)
        assert client.uid != signer
        refused(client, SIGNOFF, "create", forged)
        refused(client, SIGNOFF, "write", [signoff], {"user_id": client.uid})
        refused(client, SIGNOFF, "unlink", [signoff])
        refused(client, KPI, "action_sign_off", [kpi], str(first), str(last), digest)
        refused(client, KPI, "write", [kpi], {"owner_id": client.uid})
        refused(client, "distribution.kpi.snapshot", "write", [snapshot], {"value": 1})
        refused(client, "distribution.kpi.snapshot", "unlink", [snapshot])
        refused(client, "distribution.kpi.snapshot", "create", {"kpi_id": kpi, "company_id": 1, "value": 1})
        assert sql(everything) == before, login
    (login,) = sql("SELECT login FROM res_users WHERE id = %s", (signer,))[0]
    owner = rpc(login)
    refused(owner, KPI, "action_sign_off", [kpi], str(first), str(last), "0" * 64)
    refused(owner, SIGNOFF, "write", [signoff], {"comment": "Never said."})
    refused(owner, SIGNOFF, "unlink", [signoff])
    admin = rpc("admin")
    (model,) = admin("ir.model", "search", [("model", "=", SIGNOFF)])
    for code in (f"records.sudo().write({{'user_id': {admin.uid}}})", "records.sudo().unlink()"):
        action = admin("ir.actions.server", "create", {"name": "x", "model_id": model, "state": "code", "code": code})
        active = {"active_model": SIGNOFF, "active_id": signoff, "active_ids": [signoff]}
        tried(admin, "ir.actions.server", "run", [action], context=active)
    for statement in (
        "UPDATE distribution_kpi_signoff SET user_id = 1 WHERE id = %s",
        "DELETE FROM distribution_kpi_signoff WHERE id = %s",
    ):
        with pytest.raises(psycopg2.Error):
            sql(statement, (signoff,))
    assert (sql(everything), sql(numbers, (kpi,))) == (before, taken)
