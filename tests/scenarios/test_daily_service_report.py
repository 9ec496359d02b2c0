"""The daily service level, from the night's run to the manager's mailbox; a discrepancy that a supervisor holds."""

import hashlib
import io
import re
import zipfile
from datetime import timedelta

import openpyxl
import pypdf
import pytest
import rules_in_force as rules

ADDON = "reporting_workflows"
REPORT, VERSION, RUN = "distribution.report", "distribution.report.version", "distribution.report.run"
LATE = """SELECT picking.name FROM stock_picking picking
            JOIN stock_picking_type kind ON kind.id = picking.picking_type_id AND kind.code = 'outgoing'
            JOIN stock_location place ON place.id = picking.location_dest_id AND place.usage = 'customer'
           WHERE picking.state NOT IN ('draft', 'done', 'cancel') AND picking.date_deadline < %s
           ORDER BY picking.date_deadline, picking.id"""


@pytest.fixture
def postbox(rpc):
    with rules.Postbox() as box:
        box.open_for(rpc)
        yield box


def by_mail(rpc, code):
    """A version of the report that goes to mailboxes, and every day: written by one, published by another."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (report,) = author(REPORT, "search", [("code", "=", code)])
    action = author(REPORT, "action_new_version", [report])
    author(VERSION, "write", [action["res_id"]], {"schedule_off_days": "run", "change_summary": "By mail."})
    (draft,) = publisher(VERSION, "read", [action["res_id"]], fields=["recipient_ids", "draft_digest"])
    author("distribution.report.recipient", "write", draft["recipient_ids"], {"channel": "mail"})
    (draft,) = publisher(VERSION, "read", [action["res_id"]], fields=["draft_digest", "problem_text", "diff_text"])
    assert not draft["problem_text"]
    assert "channel: inbox → mail" in draft["diff_text"]
    publisher(VERSION, "action_publish", [action["res_id"]], draft["draft_digest"])
    return report


def jobs(rpc, *names):
    for name in names or ("run", "delivery"):
        rules.run_job(rpc, f"ir_cron_report_{name}", ADDON)


def letters_to(postbox, login, subject):
    return [
        letter
        for letter in postbox.letters
        if f"{login}@example.com" in str(letter["To"]) and subject in str(letter["Subject"])
    ]


def attachments(letter):
    return {part.get_filename(): part.get_payload(decode=True) for part in letter.iter_attachments()}


def test_the_daily_service_level_is_in_the_mailbox_in_the_morning(rpc, sql, postbox):
    """Nobody presses a button: the schedule starts it, checks look at it, and the managers have it in the morning."""
    report = by_mail(rpc, "daily_service_level")
    # It is the next morning: the report was due within the last day.
    sql(
        "UPDATE distribution_report SET next_due_at = now() AT TIME ZONE 'utc' - interval '1 day', last_due_at = NULL "
        "WHERE id = %s",
        (report,),
    )
    jobs(rpc, "schedule", "run", "delivery")

    # It ran once, each step in its turn, and says how long it took.
    ((run, state, period, first, last, edition),) = sql(
        """SELECT id, state, period, period_first, period_last, edition_id FROM distribution_report_run
            WHERE report_id = %s ORDER BY id DESC LIMIT 1""",
        (report,),
    )
    assert state == "done"
    steps = sql(
        "SELECT name, state, seconds >= 0 FROM distribution_report_run_step WHERE run_id = %s ORDER BY sequence", (run,)
    )
    assert [name for name, *_rest in steps] == [
        "capture", "freshness", "checks", "compute", "exceptions", "approval", "render", "distribute",
    ]  # fmt: skip
    assert {(state, timed) for _name, state, timed in steps} == {("done", True)}
    jobs(rpc, "schedule", "run", "delivery")
    assert sql("SELECT count(*) FROM distribution_report_run WHERE report_id = %s AND id > %s", (report, run)) == [(0,)]

    # The head of operations has one letter: the summary in its body, three files beside it.
    (letter,) = letters_to(postbox, "operations_manager", "Daily Service Level")
    assert period in str(letter["Subject"])
    body = letter.get_body(("html",)).get_content()
    until = last + timedelta(days=1)
    late = [name for (name,) in sql(LATE, (f"{until} 05:00:00",))]
    assert re.search(rf"\b{len(late)} deliveries are late", body), body
    files = attachments(letter)
    endings = {name.rpartition(".")[2]: raw for name, raw in files.items()}
    assert set(endings) == {"pdf", "xlsx", "zip"}

    # The book opens: a sheet for each section, with the late deliveries that the database has.
    book = openpyxl.load_workbook(io.BytesIO(endings["xlsx"]))
    sheet = next(one for one in book.worksheets if one.title.startswith("Late"))
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
    assert [name for name in late[:100] if name not in cells] == []
    assert any(one._charts for one in book.worksheets), "native charts"

    # The page is readable: what it is, whose period, which edition, and that it was released.
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(endings["pdf"])).pages)
    for words in ("Daily Service Level", "Larkfield", "Service Level", "Late Deliveries"):
        assert words in text
    assert str(first) in text or period in text
    with zipfile.ZipFile(io.BytesIO(endings["zip"])) as archive:
        table = next(archive.read(name).decode("utf-8-sig") for name in archive.namelist() if "late" in name.lower())
    assert table.count("\n") >= len(late[:100])

    # What was sent is what was released, byte for byte.
    sealed = dict(sql("SELECT kind, sha256 FROM distribution_report_file WHERE edition_id = %s", (edition,)))
    assert {hashlib.sha256(raw).hexdigest() for raw in files.values()} == set(sealed.values())


def test_a_supervisor_holds_a_discrepancy_until_it_is_explained(rpc, sql, postbox, person, pictures):
    """The theft at North is above the threshold: Ingrid sends the report back, and signs the second one."""
    report = by_mail(rpc, "inventory_discrepancy")
    owner, supervisor = rpc("warehouse_manager"), rpc("operations_manager")
    today = rules.company_day(rpc)
    values = {
        "report_id": report,
        "period_first": str(today - timedelta(days=12)),
        "period_last": str(today - timedelta(days=1)),
    }
    wizard = owner("distribution.report.start", "create", values)
    wizard = wizard[0] if isinstance(wizard, list) else wizard
    run = owner("distribution.report.start", "action_start", [wizard])["res_id"]
    jobs(rpc)
    assert sql("SELECT state, is_crossed FROM distribution_report_run WHERE id = %s", (run,)) == [("waiting", True)]
    assert not letters_to(postbox, "warehouse_manager", "Inventory Discrepancy"), "nobody has it yet"

    def decides(run_id, outcome, **more):
        (task,) = supervisor(
            rules.TASK,
            "search_read",
            [("document_type", "=", "report_release"), ("state", "=", "open"), ("document_name", "like", "Inventory")],
            fields=["digest"],
            order="id desc",
            limit=1,
        )
        supervisor(rules.TASK, "action_decide", [task["id"]], outcome, task["digest"], **more)
        jobs(rpc)
        return sql("SELECT state FROM distribution_report_run WHERE id = %s", (run_id,))[0][0]

    # Not like this: no word about the cause. The run stops and says who stopped it; nothing goes out.
    assert decides(run, "reject", comment="Say what happened at North.", reason_code="quantity") == "failed"
    ((cause,),) = sql("SELECT cause FROM distribution_report_run_step WHERE run_id = %s AND state = 'failed'", (run,))
    assert cause == "approval"
    assert not letters_to(postbox, "operations_manager", "edition"), "a held report goes to nobody"

    # Explained, run again with the reason, and signed.
    again = owner(RUN, "action_run_again", [run], "The cause is entered: police report 4471.")["res_id"]
    jobs(rpc)
    supervisor_page = person("operations_manager")
    supervisor_page.opens_record(RUN, again).sees("Waiting for Release")
    supervisor_page.takes_picture(pictures, "discrepancy-waits-for-supervisor")
    assert decides(again, "approve", comment="Explained.") == "done"
    (letter,) = letters_to(postbox, "warehouse_manager", "edition 1")
    pdf = next(raw for name, raw in attachments(letter).items() if name.endswith(".pdf"))
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert "Ingrid Halvorsen" in text, "the sign-off line"
