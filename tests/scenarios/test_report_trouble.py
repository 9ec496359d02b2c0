"""A month that finance signs, a source that stands still, a renderer that dies."""

import contextlib
import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import report_desk as desk
from other_system import waits_for

STEPS = "SELECT name, state, attempts, cause, started_at FROM distribution_report_run_step WHERE run_id = %s"
#: What was invoiced in a month, counted without Odoo.
INVOICED = """SELECT round(sum(amount_untaxed_signed), 2) FROM account_move
               WHERE move_type IN ('out_invoice', 'out_refund') AND state = 'posted'
                 AND invoice_date BETWEEN %s AND %s"""


def state(sql, run):
    return sql("SELECT state FROM distribution_report_run WHERE id = %s", (run,))[0][0]


def test_finance_signs_the_month(rpc, sql, postbox):
    """The summary of a month waits for an invoice that nobody posted. It is settled; finance looks, and signs."""
    owner, finance = rpc("operations_manager"), rpc("finance_controller")
    report = desk.by_mail(rpc, "executive_summary")
    # In the first days of a month it is not the last one: bills of its end wait as well.
    ((first, last),) = sql(
        """SELECT date_trunc('month', invoice_date)::date, invoice_date FROM account_move
            WHERE state = 'draft' AND move_type = 'out_invoice'"""
    )
    run = desk.start(owner, report, period_first=str(first), period_last=str(last))
    desk.jobs(rpc)
    ((held, reason),) = sql("SELECT state, hold_reason FROM distribution_report_run WHERE id = %s", (run,))
    assert held == "held", reason
    assert not desk.letters_to(postbox, "finance_controller", "edition")

    # What is a draft is settled; then the same run goes on with fresh data.
    accountant = rpc("accountant")
    domain = [("state", "=", "draft"), ("move_type", "=", "out_invoice"), ("invoice_date", ">=", str(first))]
    drafts = accountant("account.move", "search", [*domain, ("invoice_date", "<=", str(last))])
    assert drafts
    accountant("account.move", "button_cancel", drafts)
    owner(desk.RUN, "action_retry", [run])
    desk.jobs(rpc)
    assert state(sql, run) == "waiting", sql(STEPS, (run,))

    # Who answers for it does not sign it.
    with pytest.raises(Exception, match=r"(?i)not|duties|yourself|own"):
        desk.release(owner, "Executive")
    assert state(sql, run) == "waiting"
    desk.release(finance, "Executive", comment="Agrees with the closing.")
    desk.jobs(rpc)
    assert state(sql, run) == "done", sql(STEPS, (run,))

    ((edition, digest),) = sql(
        """SELECT edition.id, edition.digest FROM distribution_report_edition edition
             JOIN distribution_report_run run ON run.edition_id = edition.id WHERE run.id = %s""",
        (run,),
    )
    letters = desk.letters_to(postbox, "finance_controller", "Executive Margin")
    letter = next(one for one in letters if list(one.iter_attachments()))
    files = desk.attachments(letter)
    sealed = {sha for (sha,) in sql("SELECT sha256 FROM distribution_report_file WHERE edition_id = %s", (edition,))}
    assert {hashlib.sha256(raw).hexdigest() for raw in files.values()} == sealed
    ((name,),) = sql(
        "SELECT p.name FROM res_users u JOIN res_partner p ON p.id = u.partner_id WHERE u.id = %s", (finance.uid,)
    )
    text = desk.pdf_text(files["pdf"])
    assert name in text, "who signed"
    assert digest[:12] in text.replace("\n", ""), "what was signed"
    # The book says the same as the ledger.
    ((invoiced,),) = sql(INVOICED, (first, last))
    numbers = [
        cell
        for sheet in desk.book(files["xlsx"]).worksheets
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if isinstance(cell, (int, float))
    ]
    assert any(abs(number - float(invoiced)) < 0.005 for number in numbers), invoiced


def test_a_source_that_stands_still_holds_the_report_until_somebody_answers_for_it(rpc, sql, postbox):
    """No order was written for ten days, as if the feed had stopped. Nobody gets old numbers as if they were new."""
    owner = rpc("sales_manager")
    report = desk.by_mail(rpc, "daily_sales")
    sql("UPDATE sale_order SET write_date = write_date - interval '10 days'")
    run = desk.start(owner, report)
    desk.jobs(rpc)
    desk.jobs(rpc)
    ((held, reason),) = sql("SELECT state, hold_reason FROM distribution_report_run WHERE id = %s", (run,))
    assert held == "held"
    assert "Sale orders" in reason
    (late,) = [one for one in desk.letters_to(postbox, "sales_manager", "Daily Sales") if "late" in str(one["Subject"])]
    assert "Sale orders" in late.get_body(("html", "plain")).get_content(), "they hear why, once"
    assert not list(late.iter_attachments())

    with pytest.raises(Exception, match="Reason"):
        owner(desk.RUN, "action_overrule", [run], " ")
    with pytest.raises(Exception, match=r"(?i)access|allowed|role|answers"):
        rpc("buyer")(desk.RUN, "action_overrule", [run], "I want it")
    owner(desk.RUN, "action_overrule", [run], "The shop was closed for stocktaking.")
    desk.jobs(rpc)
    # Old numbers go out when somebody else than who answers for them agrees.
    assert state(sql, run) == "waiting", sql(STEPS, (run,))
    with pytest.raises(Exception, match=r"(?i)not|duties|yourself|own"):
        desk.release(owner, "Daily Sales")
    desk.release(rpc("operations_manager"), "Daily Sales", comment="Known to the customers.")
    desk.jobs(rpc)
    assert state(sql, run) == "done", sql(STEPS, (run,))
    letter = next(
        one for one in desk.letters_to(postbox, "sales_manager", "Daily Sales") if list(one.iter_attachments())
    )
    text = " ".join(desk.pdf_text(desk.attachments(letter)["pdf"]).split())
    assert "The shop was closed for stocktaking." in text, "every page says so"


class Assassin(threading.Thread):
    """Kills the next renderer of this server that it sees."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.killed = server, None

    def run(self):
        until = time.monotonic() + 60
        while not self.killed and time.monotonic() < until:
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words, stat = place.read_bytes(), place.with_name("stat").read_text()
                except OSError:
                    continue
                parent = int(stat.rpartition(")")[2].split()[1])
                if b"render_program" in words and parent == self.server.process.pid:
                    with contextlib.suppress(ProcessLookupError):  # it came to its end: then the next one
                        os.kill(int(place.parent.name), signal.SIGKILL)
                        self.killed = int(place.parent.name)
                        return
            time.sleep(0.01)


def test_a_server_that_dies_within_a_step(rpc, sql, postbox, server, second_connection):
    """`kill -9` while the edition is written, and again while it is handed out: in the end there is one, handed out
    once to each.
    """
    owner = rpc("operations_manager")
    report = desk.by_mail(rpc, "backorders")
    run = desk.start(owner, report)
    edition = "(SELECT edition_id FROM distribution_report_run WHERE id = %s)"
    stuck = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"

    def killed_at(table):
        """Kill the server while it waits to write into ``table``; returns ``[(step, interrupted)]`` of what is left."""
        with second_connection().cursor() as other:
            other.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            work = threading.Thread(target=lambda: suppressed(desk.jobs, rpc, "run"), daemon=True)
            work.start()
            assert waits_for(lambda: sql(stuck, (f"%INSERT INTO \"{table}\"%",))[0][0]), sql(STEPS, (run,))
            server.kill9()
            other.connection.rollback()
        work.join(30)
        server.restart()
        sql("UPDATE distribution_report_run SET next_try_at = NULL WHERE id = %s", (run,))
        left = "SELECT name, coalesce(interrupted, 0) FROM distribution_report_run_step WHERE run_id = %s"
        return sql(f"{left} AND state = 'pending' ORDER BY sequence", (run,))

    left = killed_at("distribution_report_edition")
    assert left == [("approval", 1), ("render", 0), ("distribute", 0)]
    assert sql("SELECT count(*) FROM distribution_report_edition WHERE run_id = %s", (run,)) == [(0,)]
    left = killed_at("distribution_report_delivery")
    assert left == [("distribute", 1)]
    assert sql(f"SELECT count(*) FROM distribution_report_delivery WHERE edition_id = {edition}", (run,)) == [(0,)]
    desk.jobs(rpc)
    desk.jobs(rpc)

    assert state(sql, run) == "done", sql(STEPS, (run,))
    assert {attempts for _name, _state, attempts, *_rest in sql(STEPS, (run,))} == {1}
    released = "SELECT number, state FROM distribution_report_edition WHERE run_id = %s"
    assert [row[1] for row in sql(released, (run,))] == ["released"]
    told = f"SELECT channel, state, count(*) FROM distribution_report_delivery WHERE edition_id = {edition}"
    ((_channel, sent, number),) = sql(f"{told} AND channel <> 'system' GROUP BY channel, state", (run,))
    assert sent == "sent"
    recipients = f"SELECT count(DISTINCT partner_id) FROM distribution_report_delivery WHERE edition_id = {edition}"
    assert sql(f"{recipients} AND channel <> 'system'", (run,)) == [(number,)]
    letters = [
        str(one["To"]) for one in postbox.letters if list(one.iter_attachments()) and "Backorders" in one["Subject"]
    ]
    assert len(letters) == len(set(letters)) == number


def suppressed(work, *arguments):
    """Do it as far as the server lives."""
    with contextlib.suppress(Exception):
        work(*arguments)


def test_a_renderer_that_dies_half_way(rpc, sql, postbox, server):
    """The step that drew is tried again; those before it stay as they are, and one edition goes out, once."""
    owner = rpc("operations_manager")
    (report,) = owner(desk.REPORT, "search", [("code", "=", "warehouse_throughput")])
    run = desk.start(rpc("warehouse_manager"), report)
    assassin = Assassin(server)
    assassin.start()
    desk.jobs(rpc)
    assassin.join(60)
    assert assassin.killed
    # It may have been tried again already; if not, its pause is over now.
    sql(
        "UPDATE distribution_report_run SET next_try_at = now() AT TIME ZONE 'utc' - interval '1 minute' WHERE id = %s",
        (run,),
    )
    desk.jobs(rpc)
    assert state(sql, run) == "done", sql(STEPS, (run,))
    attempts = {name: attempts for name, _state, attempts, *_rest in sql(STEPS, (run,))}
    again = [name for name, number in attempts.items() if number > 1]
    assert len(again) == 1, "one step was tried again"
    assert again[0] not in ("capture", "freshness", "checks", "compute", "distribute"), "the one that drew"
    ((editions, numbers),) = sql(
        """SELECT count(*), count(DISTINCT edition.number) FROM distribution_report_edition edition
             JOIN distribution_report_run run ON run.edition_id = edition.id WHERE run.id = %s""",
        (run,),
    )
    assert (editions, numbers) == (1, 1)
    twice = "SELECT user_id FROM distribution_report_delivery WHERE edition_id = (SELECT edition_id FROM "
    twice += "distribution_report_run WHERE id = %s) GROUP BY user_id, partner_id HAVING count(*) > 1"
    assert not sql(twice, (run,))
