"""The daily service level, from the night's run to the manager's mailbox; a discrepancy that a supervisor holds."""

import hashlib
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import report_desk as desk
import rules_in_force as rules

LATE = """SELECT picking.name FROM stock_picking picking
            JOIN stock_picking_type kind ON kind.id = picking.picking_type_id AND kind.code = 'outgoing'
            JOIN stock_location place ON place.id = picking.location_dest_id AND place.usage = 'customer'
           WHERE picking.state NOT IN ('draft', 'done', 'cancel')
             AND COALESCE((SELECT CASE WHEN picking.move_type = 'direct'
                                       THEN min(COALESCE(move.first_deadline, move.date_deadline))
                                       ELSE max(COALESCE(move.first_deadline, move.date_deadline)) END
                             FROM stock_move move WHERE move.picking_id = picking.id), picking.date_deadline) < %s
           ORDER BY picking.date_deadline, picking.id"""


def test_the_daily_service_level_is_in_the_mailbox_in_the_morning(rpc, sql, postbox):
    """Nobody presses a button: the schedule starts it, checks look at it, and the managers have it in the morning."""
    report = desk.by_mail(rpc, "daily_service_level")
    # It is the next morning: the report was due within the last day.
    sql(
        "UPDATE distribution_report SET next_due_at = now() AT TIME ZONE 'utc' - interval '1 day', last_due_at = NULL "
        "WHERE id = %s",
        (report,),
    )
    desk.jobs(rpc, "schedule", "run", "delivery")

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
    desk.jobs(rpc, "schedule", "run", "delivery")
    assert sql("SELECT count(*) FROM distribution_report_run WHERE report_id = %s AND id > %s", (report, run)) == [(0,)]

    # The head of operations has one letter: the summary in its body, three files beside it.
    (letter,) = desk.letters_to(postbox, "operations_manager", "Daily Service Level")
    assert period in str(letter["Subject"])
    body = letter.get_body(("html",)).get_content()
    midnight = datetime.combine(last + timedelta(days=1), time(), ZoneInfo("America/New_York"))
    late = [name for (name,) in sql(LATE, (midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None),))]
    assert re.search(rf"\b{len(late)} deliveries are late", body), body
    files = desk.attachments(letter)
    assert set(files) == {"pdf", "xlsx", "zip"}

    # The book opens: a sheet for each section, with the late deliveries that the database has.
    book = desk.book(files["xlsx"])
    sheet = next(one for one in book.worksheets if one.title.startswith("Late"))
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
    assert [name for name in late[:100] if name not in cells] == []
    assert any(one._charts for one in book.worksheets), "native charts"

    # The page is readable: what it is, whose period, which edition, and that it was released.
    text = desk.pdf_text(files["pdf"])
    for words in ("Daily Service Level", "Larkfield", "Service Level", "Late Deliveries"):
        assert words in text
    assert str(first) in text or period in text
    table = next(words for name, words in desk.tables(files["zip"]).items() if "late" in name.lower())
    assert table.count("\n") >= len(late[:100])

    # What was sent is what was released, byte for byte.
    sealed = dict(sql("SELECT kind, sha256 FROM distribution_report_file WHERE edition_id = %s", (edition,)))
    assert {hashlib.sha256(raw).hexdigest() for raw in files.values()} == set(sealed.values())


def test_a_supervisor_holds_a_discrepancy_until_it_is_explained(rpc, sql, postbox, person, pictures):
    """The theft at North is above the threshold: Ingrid sends the report back, and signs the second one."""
    report = desk.by_mail(rpc, "inventory_discrepancy")
    owner, supervisor = rpc("warehouse_manager"), rpc("operations_manager")
    today = rules.company_day(rpc)
    days = {"period_first": str(today - timedelta(days=12)), "period_last": str(today - timedelta(days=1))}
    run = desk.start(owner, report, **days)
    desk.jobs(rpc)
    assert sql("SELECT state, is_crossed FROM distribution_report_run WHERE id = %s", (run,)) == [("waiting", True)]
    assert not desk.letters_to(postbox, "warehouse_manager", "Inventory Discrepancy"), "nobody has it yet"

    def decides(run_id, outcome, **more):
        desk.release(supervisor, "Inventory", outcome, **more)
        desk.jobs(rpc)
        return sql("SELECT state FROM distribution_report_run WHERE id = %s", (run_id,))[0][0]

    def handed_out():
        letters = desk.letters_to(postbox, "warehouse_manager", "Inventory Discrepancy")
        return [letter for letter in letters if list(letter.iter_attachments())]

    # Not like this: no word about the cause. The run stops and says who stopped it; nothing goes out.
    assert decides(run, "reject", comment="Say what happened at North.", reason_code="quantity") == "failed"
    ((cause,),) = sql("SELECT cause FROM distribution_report_run_step WHERE run_id = %s AND state = 'failed'", (run,))
    assert cause == "approval"
    assert not handed_out(), "a held report goes to nobody"

    # Explained, run again with the reason, and signed.
    again = owner(desk.RUN, "action_run_again", [run], "The cause is entered: police report 4471.")["res_id"]
    desk.jobs(rpc)
    supervisor_page = person("operations_manager")
    supervisor_page.opens_record(desk.RUN, again).sees("Waiting for Release")
    supervisor_page.takes_picture(pictures, "discrepancy-waits-for-supervisor")
    assert decides(again, "approve", comment="Explained.") == "done"
    (letter,) = handed_out()
    assert "edition 1" in str(letter["Subject"])
    assert "Ingrid Halvorsen" in desk.pdf_text(desk.attachments(letter)["pdf"]), "the sign-off line"
