"""The rules of the game, put in force in the demo company: shared by the scenarios and the attacks.

The policy author completes the draft of version 2 that the demo company has, the publisher publishes
it – as people do it, over XML-RPC. Beside that: a post box that receives mail by SMTP, scheduled jobs run as
the scheduler would, and time that passes.
"""

import re
import socketserver
import threading
import time
from datetime import datetime
from email import message_from_bytes, policy
from types import SimpleNamespace
from xmlrpc.client import Fault
from zoneinfo import ZoneInfo

from over_the_wire import contract_goods, order_of

TASK = "distribution.approval.task"
REQUEST = "distribution.approval.request"
OBLIGATION = "distribution.approval.obligation"
EMERGENCY = "distribution.approval.emergency"
VERSION = "distribution.approval.policy.version"
#: What the version in force allows.
BULK_LIMIT = 4000
LINK_CEILING = 10000
FAST_PATH_DAY, FAST_PATH_LIMIT = 7500, 4000
SERVICE_HOURS, REMINDER_HOURS, ESCALATE_AFTER, FINAL_AFTER = 8, 2, 4, 8
#: What Odoo says when a job is to be started that is at work: 17.0, 19.0.
AT_WORK = ("currently being executed", "already executing")
#: Above so much somebody is informed.
INFORM_ABOVE = 25000


def uid_of(rpc, login):
    return rpc(login).uid


def company_day(rpc):
    """Today where the demo company works: at night that is another day than here."""
    admin = rpc("admin")
    (company,) = admin("res.company", "search_read", [], fields=["resource_calendar_id"], limit=1)
    (calendar,) = admin("resource.calendar", "read", [company["resource_calendar_id"][0]], ["tz"])
    return datetime.now(ZoneInfo(calendar["tz"])).date()


def begin(rpc):
    """The rules are in force; returns the :class:`Goods` to order."""
    work_day_and_night(rpc)
    give_role(rpc, "warehouse_manager", "distribution_approval.group_emergency_releaser")
    put_in_force(rpc)
    return Goods(rpc)


def put_in_force(rpc):
    """Publish version 2 of the purchase policy with everything that the stories need. Returns its id."""
    author = rpc("policy_author")
    (draft,) = author(
        VERSION, "search", [("state", "=", "draft"), ("document_type", "=", "purchase_order")], order="id desc", limit=1
    )
    (purchasing,) = author(
        "distribution.approval.stage",
        "search",
        [("rule_id.version_id", "=", draft), ("rule_id.name", "=", "Above 3,000")],
    )
    author(
        "distribution.approval.stage",
        "write",
        [purchasing],
        {
            "service_hours": SERVICE_HOURS,
            "reminder_hours": REMINDER_HOURS,
            "clock_calendar": "company",
            "escalation_ids": [(0, 0, {"after_hours": ESCALATE_AFTER, "target_kind": "approver_manager"})],
            "final_action": "reject",
            "final_after_hours": FINAL_AFTER,
        },
    )
    (board,) = author(
        "distribution.approval.rule", "search", [("version_id", "=", draft), ("name", "=", "Above 25,000")]
    )
    author(
        "distribution.approval.rule",
        "write",
        [board],
        {"informed_ids": [(0, 0, {"kind": "user", "user_id": uid_of(rpc, "sales_manager")})]},
    )
    author(
        VERSION,
        "write",
        [draft],
        {
            "bulk_limit": BULK_LIMIT,
            "link_mode": "mail",
            "link_ceiling": LINK_CEILING,
            "link_hours": 24,
            "emergency_min_length": 40,
            "emergency_review_days": 2,
            "rule_ids": [
                (
                    0,
                    0,
                    {
                        "sequence": 5,
                        "name": "Standstill at a customer",
                        "outcome": "pass",
                        "fast_path": True,
                        "fast_path_day": FAST_PATH_DAY,
                        "condition_ids": [
                            (0, 0, {"fact": "urgent", "operator": "is_true"}),
                            (0, 0, {"fact": "amount", "operator": "le", "value": str(FAST_PATH_LIMIT)}),
                        ],
                    },
                )
            ],
        },
    )
    publisher = rpc("policy_publisher")
    (seen,) = publisher(VERSION, "read", [draft], fields=["draft_digest", "problem_text"])
    publisher(VERSION, "action_publish", [draft], seen["draft_digest"])
    return draft


def work_day_and_night(rpc):
    """The company works round the clock: what a story says of hours holds on whatever day it is run."""
    admin = rpc("admin")
    halves = [
        (0, 0, {"name": part, "dayofweek": str(day), "day_period": part, "hour_from": start, "hour_to": start + 12})
        for day in range(7)
        for part, start in (("morning", 0), ("afternoon", 12))
    ]
    calendar = admin("resource.calendar", "create", {"name": "Round the clock", "attendance_ids": [(5,), *halves]})
    calendar = calendar[0] if isinstance(calendar, list) else calendar
    (company,) = admin("res.company", "search", [], limit=1)
    admin("res.company", "write", [company], {"resource_calendar_id": calendar})


def give_role(rpc, login, group):
    """An administrator gives somebody a role, by its XML id."""
    admin = rpc("admin")
    module, name = group.split(".")
    (data,) = admin(
        "ir.model.data", "search_read", [("module", "=", module), ("name", "=", name)], fields=["res_id"], limit=1
    )
    people = "user_ids" if "user_ids" in admin("res.groups", "fields_get", [], ["type"]) else "users"
    admin("res.groups", "write", [data["res_id"]], {people: [(4, uid_of(rpc, login))]})


def run_job(rpc, name, addon="distribution_approval"):
    """Run a scheduled job of an addon as the scheduler would.

    Where the scheduler of the server is at this very job, its run may have begun too early to see what the test did:
    it is waited for, and then comes this one.
    """
    admin = rpc("admin")
    (data,) = admin(
        "ir.model.data",
        "search_read",
        [("module", "=", addon), ("name", "=", name)],
        fields=["res_id"],
    )
    until = time.monotonic() + 60
    while True:
        try:
            return admin("ir.cron", "method_direct_trigger", [data["res_id"]])
        except Fault as fault:
            if not any(words in fault.faultString for words in AT_WORK) or time.monotonic() > until:
                raise
        time.sleep(0.2)


class Goods:
    """Orders at contract price from an approved vendor, in company currency."""

    def __init__(self, rpc):
        self.rpc, self.goods = rpc, contract_goods(rpc("buyer"))

    def order(self, amount, confirm=True, login="buyer", **values):
        """``.id`` and ``.name`` of an order of about ``amount``; confirmed, thus held or passed by policy."""
        client = self.rpc(login)
        order_id = order_of(client, self.goods, amount, **values)
        if confirm:
            client("purchase.order", "button_confirm", [order_id])
        (order,) = client("purchase.order", "read", [order_id], fields=["name"])
        return SimpleNamespace(id=order_id, name=order["name"])


def task_of(client, order_id, *more):
    """The first task on this order that the person may read, as a dict; None."""
    tasks = client(
        TASK,
        "search_read",
        [("request_id.res_id", "=", order_id), ("document_type", "=", "purchase_order"), ("state", "=", "open"), *more],
        fields=["name", "state", "digest", "user_ids", "request_id", "due_at", "urgency"],
        order="sequence, id",
        limit=1,
    )
    return tasks[0] if tasks else None


def decide(client, order_id, outcome="approve", **more):
    task = task_of(client, order_id)
    return client(TASK, "action_decide", [task["id"]], outcome, task["digest"], **more)


# ------------------------------------------------------------------------- time


def _unsealed(sql, table, statement, parameters):
    """No test can wait for days: the owner of the database turns stored times back, seals off for a moment."""
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        sql(statement, parameters)
    finally:
        sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def time_passes(sql, order_id, hours):
    """For the open tasks of an order it is ``hours`` later: all times of their clocks lie so much further back."""
    of_order = """IN (SELECT task.id FROM distribution_approval_task task
                        JOIN distribution_approval_request request ON request.id = task.request_id
                       WHERE request.res_model = 'purchase.order' AND request.res_id = %s)"""
    back = f"interval '{float(hours)} hours'"
    _unsealed(
        sql,
        "distribution_approval_task",
        f"""UPDATE distribution_approval_task
               SET opened_at = opened_at - {back}, due_at = due_at - {back}, clock_next_at = clock_next_at - {back}
             WHERE id {of_order}""",
        (order_id,),
    )
    _unsealed(
        sql,
        "distribution_approval_clock_step",
        f"UPDATE distribution_approval_clock_step SET done_at = done_at - {back} WHERE task_id {of_order}",
        (order_id,),
    )


def day_passes(sql, table, column, record_id, days=10):
    """The day in ``column`` of this record lies ``days`` days further back."""
    _unsealed(
        sql, table, f"UPDATE {table} SET {column} = {column} - %s * interval '1 day' WHERE id = %s", (days, record_id)
    )


# ------------------------------------------------------------------------- mail


class Postbox(socketserver.ThreadingTCPServer):
    """Receives mail by SMTP on a port of its own, as the mail server of the company would."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.letters = []
        super().__init__(("127.0.0.1", 0), _Delivery)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *arguments):
        self.shutdown()
        return super().__exit__(*arguments)

    def open_for(self, rpc):
        """Make it the outgoing mail server."""
        rpc("admin")(
            "ir.mail_server",
            "create",
            {
                "name": "Post box",
                "smtp_host": "127.0.0.1",
                "smtp_port": self.server_address[1],
                "smtp_encryption": "none",
                "smtp_authentication": "login",
            },
        )

    def link_for(self, address, place="/distribution/approval/link/"):
        """The path of the newest link to ``place`` – of decisions, or another – that went to ``address``."""
        for letter in reversed(self.letters):
            if address in str(letter["To"]):
                for part in letter.walk():
                    if part.get_content_type() == "text/html":
                        found = re.search(rf"{place}[\w-]+", part.get_content())
                        if found:
                            return found[0]
        raise AssertionError(f"no link for {address} in {len(self.letters)} letters")


class _Delivery(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 post box")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word.startswith(b"DATA"):
                self._say("354 go on")
                self._receive()
                self._say("250 kept")
            elif word.startswith(b"QUIT"):
                self._say("221 bye")
                return
            elif word.startswith(b"EHLO"):
                self._say("250-post box", "250-8BITMIME", "250 SMTPUTF8")
            else:
                self._say("250 ok")

    def _receive(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))

    def _say(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
