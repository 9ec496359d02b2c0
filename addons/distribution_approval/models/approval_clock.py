"""Running the service clocks: due dates, pauses, reminders, escalations, the final action.

What was done is evidence (:class:`ApprovalClockStep`), and what comes next follows from it and from
the calendars: a job that missed a day, ran twice or on two workers does each step once.
"""

import json
import logging
from datetime import timedelta

import psycopg2
import pytz
from odoo import _, api, fields, models
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY
from odoo.tools import format_datetime

from odoo.addons.distribution_core.append_only import protect_append_only, protect_columns
from odoo.addons.distribution_core.compat import asks_for

from ..engine import RouteError, ServiceClock, routing, service_clock

_logger = logging.getLogger(__name__)

#: Less than this many minutes before it is due a task counts as urgent, where no reminder says so.
SOON = timedelta(hours=4)
#: No calendar is looked at further ahead than this.
FURTHEST = timedelta(days=800)


class ApprovalClockStep(models.Model):
    """What a service clock did: a pause, a reminder, an escalation, the final action. Appended only."""

    _name = "distribution.approval.clock.step"
    _description = "Step of a Service Clock"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "step"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    request_id = fields.Many2one("distribution.approval.request", required=True, ondelete="restrict", index=True)
    step = fields.Char(required=True, help="reminder, escalation:1, final, pause:1, resume:1 …")
    kind = fields.Selection(
        [
            ("pause", "Clock stopped"),
            ("resume", "Clock runs again"),
            ("reminder", "Reminder"),
            ("escalation", "Escalated"),
            ("final", "Time is up"),
        ],
        required=True,
    )
    done_at = fields.Datetime(required=True)
    planned_at = fields.Datetime(help="When it should have happened.")
    action = fields.Char(help="The final action, or to whom an escalation turned.")
    user_refs = fields.Char(string="People", help="Ids of whom it turned to.")

    _sql_constraints = [
        ("step_once", "UNIQUE (task_id, step)", "This step of the clock was taken already."),
    ]

    def init(self):
        protect_append_only(self.env.cr, self._table)

    def _users(self):
        return self.env["res.users"].sudo().browse(json.loads(self.user_refs or "[]")).exists()


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"
    _order = "urgent desc, due_at, opened_at, id"

    clock = fields.Text(readonly=True, help="The service clock of the policy, JSON.")
    clock_step_ids = fields.One2many("distribution.approval.clock.step", "task_id", readonly=True)
    due_at = fields.Datetime(
        string="Due", readonly=True, index=True, help="In working time of who is asked. Empty: no clock, or it stands."
    )
    clock_next_at = fields.Datetime(
        readonly=True, index="btree_not_null", help="When the service clock has something to do next."
    )
    overdue = fields.Boolean(compute="_compute_urgency", search="_search_overdue")
    urgency = fields.Selection(
        [("overdue", "Overdue"), ("soon", "Due soon"), ("later", "In time"), ("stopped", "Clock stopped")],
        compute="_compute_urgency",
    )
    clock_text = fields.Char(compute="_compute_clock_text", string="Service Clock", compute_sudo=True)

    def init(self):
        super().init()
        protect_columns(self.env.cr, self._table, ("clock",), name="clock")

    # -------------------------------------------------------------- computes

    @api.depends("due_at", "state", "request_state", "clock")
    def _compute_urgency(self):
        now = fields.Datetime.now()
        for task in self:
            running = task.state == "open" and task.due_at
            task.overdue = bool(running and task.due_at < now)
            if task.overdue:
                task.urgency = "overdue"
            elif running:
                task.urgency = "soon" if task.due_at < now + SOON else "later"
            else:
                task.urgency = "stopped" if task.state == "open" and task.clock else False

    @api.model
    def _search_overdue(self, operator, value):
        late = [("state", "=", "open"), ("due_at", "<", fields.Datetime.now())]
        if asks_for(operator, value):
            return late
        return ["|", "|", ("state", "!=", "open"), ("due_at", "=", False), ("due_at", ">=", late[1][2])]

    @api.depends("clock", "clock_step_ids", "due_at", "state")
    def _compute_clock_text(self):
        for task in self:
            task.clock_text = task._clock_words()

    def _clock_words(self):
        """What the clock does next, for the person who looks at the task."""
        clock = self._clock()
        if not clock or self.state != "open":
            return False
        if self._paused_since():
            return _("The clock stands still until the question is answered.")
        moments = [
            (step, moment)
            for step, moment in self._agenda(clock)
            if moment and step not in (service_clock.DUE, service_clock.REMINDER)
        ]
        if not moments:
            return False
        step, moment = moments[0]
        when = self._local(moment)
        if step != service_clock.FINAL:
            target = clock.escalations[int(step.partition(":")[2]) - 1].target
            return _("Undecided by %(when)s, %(whom)s is asked as well.", when=when, whom=target.label)
        return {
            "reject": _("Undecided by %s, the request is rejected.", when),
            "hold": _("Undecided by %s, the request is put on hold.", when),
            "hand_over": _(
                "Undecided by %(when)s, it goes to %(whom)s.",
                when=when,
                whom=clock.final_target.label if clock.final_target else "",
            ),
        }[clock.final]

    def _local(self, moment):
        """A moment as the reader writes it."""
        zone = self.env.user.tz or self.company_id._approval_time_zone()
        return format_datetime(self.env, moment, tz=zone, dt_format="EEE d MMM, HH:mm")

    def _deadline(self):
        if not self.due_at:
            return super()._deadline()
        zone = pytz.timezone(self.company_id._approval_time_zone())
        return pytz.utc.localize(self.due_at).astimezone(zone).date()

    # ----------------------------------------------------------------- clock

    def _clock(self):
        """The ServiceClock of this task, or None."""
        return ServiceClock.from_json(json.loads(self.clock)) if self.clock else None

    def _clock_users(self):
        """Whose working time counts, and whom a reminder reminds: who may decide and has not."""
        return self.user_ids - self.decision_ids.user_id

    def _done(self):
        """``{step: when}`` of the steps that were taken."""
        return {
            step.step: step.done_at for step in self.clock_step_ids if step.kind in ("reminder", "escalation", "final")
        }

    def _pauses(self):
        """``[(from, to or None)]`` of this task's clock."""
        starts = {step.step.partition(":")[2]: step.done_at for step in self.clock_step_ids if step.kind == "pause"}
        ends = {step.step.partition(":")[2]: step.done_at for step in self.clock_step_ids if step.kind == "resume"}
        return [(start, ends.get(number)) for number, start in starts.items()]

    def _paused_since(self):
        return next((start for start, end in self._pauses() if end is None), None)

    def _working_time(self, clock, until):
        """The working time that counts for this task, without its pauses."""
        source = self.env["distribution.approval.working.time"].sudo()
        since = self.opened_at or fields.Datetime.now()
        company = self.company_id
        if clock.calendar == "approver" and self._clock_users():
            work = source._of(company, since, until, users=self._clock_users())
        else:
            site = self.request_id._document()._approval_site() if clock.calendar == "site" else None
            calendar = (site and site.sudo().resource_calendar_id) or company.sudo().resource_calendar_id
            work = source._of(company, since, until, calendar=calendar)
        return work.without(self._pauses())

    def _agenda(self, clock, work=None):
        """Steps to come with their moments; the calendars are read as far ahead as it takes."""
        now = fields.Datetime.now()
        opened = self.opened_at or now
        until = self.env["distribution.approval.working.time"]._horizon(clock, max(opened, now))
        while True:
            work = self._working_time(clock, until)
            agenda = service_clock.agenda(clock, opened, work, self._done())
            unknown = any(moment is None for _step, moment in agenda)
            if not unknown or self._paused_since() or until > now + FURTHEST:
                return agenda
            until += max((until - now) * 2, timedelta(days=60))

    def _reckon(self):
        """Work out anew when these tasks are due and when their clocks have something to do."""
        for task in self:
            clock = task._clock()
            if not clock:
                continue
            due = upcoming = False
            if task.state == "open" and task.request_state in ("pending", "question") and not task._paused_since():
                agenda = dict(task._agenda(clock))
                due = agenda[service_clock.DUE] or False
                upcoming = task._upcoming(agenda)
            values = {"due_at": due, "clock_next_at": upcoming}
            if any(task[name] != value for name, value in values.items()):
                task.sudo().write(values)

    def _upcoming(self, agenda):
        """The first moment of an agenda at which something happens; a reminder too late is none."""
        now = fields.Datetime.now()
        due = agenda.get(service_clock.DUE)
        moments = [
            moment
            for step, moment in agenda.items()
            if moment and step != service_clock.DUE and not (step == service_clock.REMINDER and due and due <= now)
        ]
        return min(moments, default=False)

    def _set_state(self, state):
        super()._set_state(state)
        self.filtered("clock")._reckon()

    def _replace_candidates(self, users):
        super()._replace_candidates(users)
        self.filtered("clock")._reckon()

    # ----------------------------------------------------------------- steps

    def _take_steps(self):
        """Do what the clock says now. Safe to call at any time, twice, or days late.

        The request is locked: what somebody decides at the same moment is seen, or has to wait.
        """
        self.ensure_one()
        clock = self._clock()
        while clock and self.state == "open" and self.request_id.state == "pending":
            until = self.env["distribution.approval.working.time"]._horizon(clock, fields.Datetime.now())
            work = self._working_time(clock, until)
            now = fields.Datetime.now()
            steps = service_clock.outstanding(clock, self.opened_at, work, self._done(), now)
            if not steps:
                break
            step = steps[0]
            planned = dict(service_clock.agenda(clock, self.opened_at, work, self._done()))[step]
            self._take_step(clock, step, planned)
        self._reckon()

    def _take_step(self, clock, step, planned):
        kind = step.partition(":")[0]
        if kind == service_clock.REMINDER:
            people = self._remind()
            self._note_step(kind, step, planned, people)
            self._clock_event("reminder_sent", step, people)
        elif kind == service_clock.FINAL:
            self._finish(clock, step, planned)
        else:
            target = clock.escalations[int(step.partition(":")[2]) - 1].target
            people = self._escalate_to(target)
            self._note_step(kind, step, planned, people, target.label or target.kind)
            self._clock_event("task_escalated", step, people)

    def _note_step(self, kind, step, planned=False, users=None, action=False):
        self.env["distribution.approval.clock.step"].sudo().create(
            {
                "task_id": self.id,
                "request_id": self.request_id.id,
                "step": step,
                "kind": kind,
                "done_at": fields.Datetime.now(),
                "planned_at": planned,
                "action": action,
                "user_refs": json.dumps(users.ids) if users else False,
            }
        )
        self.env.flush_all()  # the unique constraint speaks now, before anybody gets a mail
        self.invalidate_recordset(["clock_step_ids"])

    def _clock_event(self, fact, step, users, **data):
        self.request_id._event(fact, {"task_id": self.id, "step": step, "user_ids": users.ids, **data})

    def _remind(self):
        """One message to each who may decide and has not."""
        people = self._clock_users()
        self.request_id._notify(
            people,
            _(
                "Reminder: %(document)s waits for your decision, due %(due)s.",
                document=self.document_name,
                due=self._local(self.due_at) if self.due_at else _("now"),
            ),
        )
        return people

    def _escalate_to(self, target):
        """Ask whoever ``target`` names as well – the fallback of the policy where nobody is left."""
        request = self.request_id
        before = request._to_engine()
        excluded = request._excluded_users()
        for users in (self._people_of(target), request._resolver()._fallback(request.version_id)):
            people = request._resolver()._eligible(users, self.company_id) - excluded
            try:
                routing.escalate(before, str(self.id), people.ids, excluded=excluded.ids)
            except RouteError:
                continue
            joining = people - self.user_ids - request._current_tasks().decision_ids.user_id
            self._join(joining)
            request._say(
                _(
                    "“%(task)s” was not decided in time: %(people)s asked as well.",
                    task=self.name,
                    people=", ".join(joining.mapped("name")),
                )
            )
            return joining
        request._call_for_help(self)
        return self.env["res.users"]

    def _join(self, users):
        """These may decide as well, from now on."""
        self.write({"is_escalated": True, "user_ids": [(4, user.id) for user in users]})
        self.request_id.write({"participant_ids": [(4, user.id) for user in users]})
        self._inform(users)

    def _people_of(self, target):
        """Whom a target of the chain names, for this task."""
        request = self.request_id
        resolver = request._resolver()
        if target.kind == "approver_manager":
            return self.env["res.users"].union(*(resolver._manager_of(user, self.company_id) for user in self.user_ids))
        if target.kind == "fallback":
            return resolver._fallback(request.version_id)
        return self.env["res.users"].union(
            *(users for _place, _label, users in resolver._named(request._document(), target))
        )

    def _finish(self, clock, step, planned):
        """Time is up: reject, hold or hand over. Never approve."""
        request = self.request_id
        people = self.env["res.users"]
        if clock.final == "hand_over":
            people = self._hand_to(clock.final_target)
        self._note_step(service_clock.FINAL, step, planned, people, clock.final)
        self._clock_event("task_expired", step, people, action=clock.final)
        reason = _("“%s” was not decided in time.", self.name)
        if clock.final == "reject":
            request._expire(self, reason)
        elif clock.final == "hold":
            request._hold_expired(reason)

    def _hand_to(self, target):
        """Others decide instead of those who did not; nobody there: the fallback, or a case."""
        request = self.request_id
        excluded = request._excluded_users()
        for users in (self._people_of(target), request._resolver()._fallback(request.version_id)):
            people = request._resolver()._eligible(users, self.company_id) - excluded
            try:
                after = routing.reassign(request._to_engine(), str(self.id), people.ids, excluded.ids)
            except RouteError:
                continue
            return self._give_to(after)
        request._call_for_help(self)
        return self.env["res.users"]

    def _give_to(self, after):
        """Make the candidates what the state machine says; the new ones are told."""
        request = self.request_id
        people = self.env["res.users"].sudo().browse(after.task(str(self.id)).candidates)
        joining = people - self.user_ids
        self.write({"is_escalated": True, "is_fallback": False, "user_ids": [(6, 0, people.ids)]})
        request.write({"participant_ids": [(4, user.id) for user in joining]})
        request._close_activities_of(self)
        if self.state == "open":
            self._inform(people - self.decision_ids.user_id)
        request._apply(after)
        return joining

    # ------------------------------------------------------------------ job

    @api.model
    def _cron_service_clock(self):
        """Take the steps that are due, one transaction each; two workers take different requests."""
        domain = [("state", "=", "open"), ("clock_next_at", "<=", fields.Datetime.now())]
        task_ids = self.search(domain, order="clock_next_at, id").ids
        self.env.cr.commit()  # pylint: disable=invalid-commit
        for number, task_id in enumerate(task_ids, start=1):
            task = self.browse(task_id)
            try:
                task._run_clock()
                self.env.cr.commit()  # pylint: disable=invalid-commit
            except Exception as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY or isinstance(
                    error, psycopg2.errors.UniqueViolation
                ):
                    _logger.info("Task %s: somebody else acts on it; the next run looks again.", task_id)
                    continue
                _logger.exception("The service clock of task %s failed.", task_id)
                task._clock_failed(error)
                self.env.cr.commit()  # pylint: disable=invalid-commit
            if not number % 100:
                _logger.info("Service clocks: %s of %s done", number, len(task_ids))

    def _run_clock(self):
        """Take the request, and what its clock asks for now. False: another worker has it."""
        self.ensure_one()
        self.env.cr.execute(
            "SELECT id FROM distribution_approval_request WHERE id = %s FOR UPDATE SKIP LOCKED", (self.request_id.id,)
        )
        if not self.env.cr.fetchone():
            return False
        self.request_id._lock()
        self._take_steps()
        return True

    def _clock_failed(self, error):
        self.env["distribution.case"].sudo()._open(
            "clock_failed",
            self.request_id._document(),
            _("The service clock of “%(task)s” (%(document)s) failed", task=self.name, document=self.document_name),
            detail=str(error),
            dedup_key=f"clock_failed:{self.id}",
        )
        # Tried again in an hour: the other clocks are not kept waiting.
        self.sudo().write({"clock_next_at": fields.Datetime.now() + timedelta(hours=1)})

    @api.model
    def _cron_reckon(self):
        """Working hours and leaves change: reckon all running clocks anew."""
        tasks = self.search([("state", "=", "open"), ("clock", "!=", False)])
        for start in range(0, len(tasks), 100):
            tasks[start : start + 100]._reckon()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    expired = fields.Boolean(
        readonly=True, help="Nobody decided in time. It stays on hold until somebody asks again, or was rejected."
    )

    def _apply(self, state):
        super()._apply(state)
        self._settle_pauses()

    def _move(self, state, values=None):
        super()._move(state, values)
        self._settle_pauses()

    def _settle_pauses(self):
        """While a question is open the clocks of the open tasks stand still."""
        self.ensure_one()
        for task in self._current_tasks().filtered(lambda task: task.clock and task.state == "open"):
            paused = bool(task._paused_since())
            if paused == (self.state == "question"):
                continue
            number = len(task._pauses()) + (0 if paused else 1)
            kind = "resume" if paused else "pause"
            task._note_step(kind, f"{kind}:{number}")
            task._reckon()

    def _take_up(self, judgement, snapshot, trial=None):
        if self.expired:
            self.sudo().write({"expired": False})
        return super()._take_up(judgement, snapshot, trial)

    def _judge_hold_again(self):
        if self.expired:
            return False  # nothing was mended: somebody has to ask again
        return super()._judge_hold_again()

    def _expire(self, task, reason):
        """Nobody decided ``task`` in time, and the policy rejects then."""
        after = routing.expire(self._to_engine(), str(task.id))
        self.sudo().write({"expired": True, "reason": reason})
        self._apply(after)
        if self.kind == "release":
            self._document()._approval_unhold()
        self._event("approval_rejected", {"reason_code": "expired", "round": self.round})
        self._notify(
            self.requester_id, _("%(document)s: rejected. %(reason)s", document=self.document_name, reason=reason)
        )

    def _hold_expired(self, reason):
        """Nobody is asked any more; whoever asked asks again when there is somebody to decide."""
        self._cancel_tasks()
        self._move("on_hold", {"expired": True, "reason": reason})
        self._notify(
            self.requester_id, _("%(document)s is on hold. %(reason)s", document=self.document_name, reason=reason)
        )

    def _age(self, since):
        """ "since 2 h, due Tue 2 Mar, 14:00"."""
        words = super()._age(since)
        running = self._current_tasks().filtered(lambda task: task.state == "open" and task.due_at)
        if not running:
            return words
        first = running.sorted("due_at")[0]
        text = _("%(age)s, overdue since %(due)s") if first.overdue else _("%(age)s, due %(due)s")
        return text % {"age": words, "due": first._local(first.due_at)}

    def _last_words(self):
        return self.reason if self.expired and self.reason else super()._last_words()

    def _close_activities_of(self, tasks):
        """The "to decide" of people who are not asked any more goes away."""
        asked = (self._current_tasks().filtered(lambda task: task.state == "open")).user_ids
        kind = self.env.ref("distribution_approval.activity_type_decide", raise_if_not_found=False)
        self.sudo().activity_ids.filtered(
            lambda activity: activity.activity_type_id == kind and activity.user_id not in asked
        ).unlink()

    def _timeline_evidence(self):
        labels = {
            "reminder": (_("Reminder"), "fa-bell-o"),
            "escalation": (_("Not decided in time: escalated"), "fa-level-up"),
            "final": (_("Time is up"), "fa-clock-o"),
        }
        actions = {
            "reject": _("Rejected, as the policy says"),
            "hold": _("Put on hold, as the policy says"),
            "hand_over": _("Handed over, as the policy says"),
        }
        steps = self.env["distribution.approval.clock.step"].search(
            [("request_id", "=", self.id), ("kind", "in", list(labels))]
        )
        return super()._timeline_evidence() + [
            {
                "time": step.done_at,
                "icon": labels[step.kind][1],
                "title": self._of_task(step.task_id, labels[step.kind][0]),
                "who": ", ".join(step._users().mapped("name")),
                "text": actions.get(step.action, "") if step.kind == "final" else "",
                "kind": step.kind,
            }
            for step in steps
        ]

    @api.model
    def _cron_refresh_candidates(self):
        super()._cron_refresh_candidates()
        self.env["distribution.approval.task"]._cron_reckon()
