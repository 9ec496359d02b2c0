"""The daily service level, from the night's run to the manager's mailbox; a discrepancy that a supervisor holds."""

import hashlib
import json
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import report_desk as desk
import rules_in_force as rules
from outbound_desk import Desk

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
    ((zone,),) = sql(
        """SELECT calendar.tz FROM res_company company
             JOIN resource_calendar calendar ON calendar.id = company.resource_calendar_id
         ORDER BY company.id LIMIT 1"""
    )
    midnight = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone))
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


def test_a_supervisor_holds_a_discrepancy_until_it_is_corrected(rpc, sql, postbox, person, pictures, workspace):
    """The theft at North is above the threshold: Ingrid sends the report back, half of the goods are found again, and
    she signs the numbers that say so."""
    report = desk.by_mail(rpc, "inventory_discrepancy")
    owner, supervisor = rpc("warehouse_manager"), rpc("operations_manager")
    hands = Desk(rpc, sql, workspace.series)
    today = rules.company_day(rpc)
    days = {"period_first": str(today - timedelta(days=12)), "period_last": str(today)}
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

    def says(run_id):
        """``(value of the figure, value of all counts, number of counts)`` of what waits or went out."""
        ((text,),) = sql(
            """SELECT edition.content FROM distribution_report_edition edition
                 JOIN distribution_report_run run ON run.edition_id = edition.id WHERE run.id = %s""",
            (run_id,),
        )
        sections = {section["code"]: section for section in json.loads(text)["sections"]}
        (figure,) = (one for one in sections["figures"]["figures"] if one["code"] == "inventory_discrepancy")
        table = sections["counts"]["table"]
        value = [column["key"] for column in table["columns"]].index("value")
        return float(figure["value"]["decimal"]), float(table["total"][value]["decimal"]), len(table["rows"])

    # Not like this: no word about the cause. The run stops and says who stopped it; nothing goes out.
    found = says(run)
    assert decides(run, "reject", comment="Search North again, then count.", reason_code="report_figures") == "failed"
    ((cause,),) = sql("SELECT cause FROM distribution_report_run_step WHERE run_id = %s AND state = 'failed'", (run,))
    assert cause == "approval"
    assert not handed_out(), "a held report goes to nobody"

    # They search, and count: half of what was booked as stolen lies on another shelf. Operations let the count pass.
    ((quant, lost, cost),) = sql(
        """SELECT line.quant_ref, -line.quantity::float, line.unit_cost::float
             FROM distribution_inventory_adjustment_line line
             JOIN distribution_inventory_adjustment adjustment ON adjustment.id = line.adjustment_id
            WHERE adjustment.state = 'applied' AND adjustment.applied_at > now() - interval '12 days'
         ORDER BY line.value LIMIT 1"""
    )
    pieces = max(1.0, lost // 2)
    there = "SELECT quantity::float FROM stock_quant WHERE id = %s"
    on_shelf = hands.value(there, quant)
    misplaced = hands.value("SELECT res_id FROM ir_model_data WHERE name = 'cause_misplaced'")
    count, mode = {"inventory_quantity": on_shelf + pieces, "approval_reason_id": misplaced}, {"inventory_mode": True}
    owner("stock.quant", "write", [quant], count, context=mode)
    owner("stock.quant", "action_apply_inventory", [quant], context=mode)
    adjustment = hands.value(
        "SELECT max(adjustment_id) FROM distribution_inventory_adjustment_line WHERE quant_ref = %s", quant
    )
    hands.everybody_approves("distribution.inventory.adjustment", adjustment)
    hands.becomes(lambda: hands.value(there, quant), on_shelf + pieces)

    # Run again with the reason: the numbers are those of the new count. Now she signs.
    again = owner(desk.RUN, "action_run_again", [run], "Half of it was found and counted; the rest: report 4471.")
    again = again["res_id"]
    desk.jobs(rpc)
    corrected = says(again)
    worth = round(pieces * cost, 2)
    assert abs(corrected[1] - found[1] - worth) < 0.02, (found, corrected, worth)
    assert corrected[0] != found[0] and corrected[2] == found[2] + 1
    supervisor_page = person("operations_manager")
    supervisor_page.opens_record(desk.RUN, again).sees("Waiting for Release")
    supervisor_page.takes_picture(pictures, "discrepancy-waits-for-supervisor")
    assert decides(again, "approve", comment="Found and counted.") == "done"
    (letter,) = handed_out()
    assert "edition 1" in str(letter["Subject"])
    files = desk.attachments(letter)
    assert "Ingrid Halvorsen" in desk.pdf_text(files["pdf"]), "the sign-off line"
    numbers = [
        cell
        for sheet in desk.book(files["xlsx"]).worksheets
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if isinstance(cell, (int, float))
    ]
    assert any(abs(number - worth) < 0.02 for number in numbers), "the count that corrects is in the book"
