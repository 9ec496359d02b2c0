"""The service clock of cases: working time until they are due, and what happens when they are late.

Rules, in words
---------------
* A case is due after the working hours of its type, by the calendar of its company, leaves of the company
  included. A company without working hours counts round the clock.
* While a case waits for somebody outside, its clock stands still.
* Overdue: each step of the type's chain is taken once, counted from when the one before was really taken.
  The severity rises, the case changes hands or not, and its owner gets an activity – and one message about
  all that became theirs at once.
* The job takes rows that no other worker has, commits batch by batch, and goes on after a case that fails.
  A batch takes as many queries for fifty cases as for two of the same kinds.
"""

import logging
from collections import Counter, defaultdict
from datetime import timedelta
from typing import NamedTuple

import psycopg2
import pytz
from markupsafe import Markup
from odoo import _, api, fields, models

from ..compat import asks_for
from ..turns import in_turn
from .distribution_case import CLOSED_STATES, OPEN_STATES

_logger = logging.getLogger(__name__)

BATCH = 50
#: For how long a case whose escalation failed is left alone.
POSTPONED = timedelta(hours=1)
CLOCK_FIELDS = frozenset({'due_at', 'waiting_since', 'escalation_level', 'next_escalation_at'})


class Batch(NamedTuple):
    """How many cases were due, and how many of their steps were taken."""

    due: int
    taken: int


class DistributionCase(models.Model):
    _inherit = 'distribution.case'

    due_at = fields.Datetime("Due", readonly=True, copy=False, index='btree_not_null')
    is_overdue = fields.Boolean("Overdue", compute='_compute_is_overdue', search='_search_is_overdue')
    waiting_since = fields.Datetime(readonly=True, copy=False)
    escalation_level = fields.Integer("Escalations", readonly=True, copy=False)
    next_escalation_at = fields.Datetime(readonly=True, copy=False)

    def init(self):
        super().init()
        self.env.cr.execute("""
            CREATE INDEX IF NOT EXISTS distribution_case_escalation_index ON distribution_case (next_escalation_at)
             WHERE state IN ('open', 'in_progress') AND next_escalation_at IS NOT NULL
        """)

    @api.model
    def _protected_fields(self):
        return super()._protected_fields() | CLOCK_FIELDS

    @api.depends('due_at', 'state')
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for case in self:
            case.is_overdue = bool(case.state in ('open', 'in_progress') and case.due_at and case.due_at < now)

    @api.model
    def _search_is_overdue(self, operator, value):
        wanted = asks_for(operator, value)
        overdue = ['&', ('state', 'in', ('open', 'in_progress')), ('due_at', '<', fields.Datetime.now())]
        return overdue if wanted else ['!', *overdue]

    # ------------------------------------------------------------
    # The clock
    # ------------------------------------------------------------

    @api.model
    def _after_working_hours(self, company, moment, hours):
        """The moment with ``hours`` of the company's working time behind it since ``moment`` (naive, UTC)."""
        calendar = company.sudo().resource_calendar_id  # sudo: whoever opens the case, the calendar counts
        if calendar and hours:
            found = calendar.plan_hours(hours, pytz.utc.localize(moment), compute_leaves=True)
            if found:
                return found.astimezone(pytz.utc).replace(tzinfo=None, microsecond=0)
        return moment + timedelta(hours=hours)

    @api.model
    def _working_hours(self, company, start, end):
        """Working hours of the company between two moments."""
        if end <= start:
            return 0.0
        calendar = company.sudo().resource_calendar_id
        hours = calendar.get_work_hours_count(start, end, compute_leaves=True) if calendar else 0.0
        if not hours and (not calendar or not calendar.attendance_ids):
            hours = (end - start).total_seconds() / 3600
        return hours

    def _plan(self, moment=None):
        """Start the clocks of these cases at ``moment``."""
        for case in self:
            hours = case.type_id.service_hours
            start = moment or case.create_date or fields.Datetime.now()
            due = self._after_working_hours(case.company_id, start, hours) if hours else False
            case.write({'due_at': due, 'escalation_level': 0, 'next_escalation_at': case._moment_of_step(0, due)})

    def _moment_of_step(self, level, since):
        """When the step after ``level`` earlier ones is to be taken; False: there is none."""
        step = self.type_id._step(level) if since else None
        return step is not None and self._after_working_hours(self.company_id, since, step.after_hours)

    @api.model_create_multi
    def create(self, vals_list):
        cases = super().create(vals_list)
        cases.sudo()._plan(fields.Datetime.now())  # sudo: clocks are set by nobody
        return cases

    def write(self, vals):
        result = super().write(vals)
        if 'type_id' in vals:
            self.filtered(lambda case: case.state in OPEN_STATES).sudo()._plan()
        if vals.get('state') in CLOSED_STATES and self.filtered(
            lambda case: case.next_escalation_at or case.waiting_since
        ):
            self.sudo().write({'next_escalation_at': False, 'waiting_since': False})
        return result

    def _closing_facts(self):
        return {**super()._closing_facts(), 'on_time': not self.due_at or self.closed_at <= self.due_at}

    # ------------------------------------------------------------
    # Waiting
    # ------------------------------------------------------------

    def action_wait(self):
        """Somebody outside has to answer first: the clock stands still."""
        cases = self._check_worker()
        cases._check_open()
        cases.filtered(lambda case: case.state != 'waiting').write(
            {'state': 'waiting', 'waiting_since': fields.Datetime.now()}
        )
        return True

    def action_continue(self):
        """The answer is there: the clock runs on with what was left."""
        for case in self._check_worker().filtered(lambda case: case.state == 'waiting'):
            now = fields.Datetime.now()
            values = {'state': 'in_progress' if case.user_id else 'open', 'waiting_since': False}
            for name in ('due_at', 'next_escalation_at'):
                if case[name] and case[name] > case.waiting_since:
                    left = self._working_hours(case.company_id, case.waiting_since, case[name])
                    values[name] = self._after_working_hours(case.company_id, now, left)
            case.write(values)
        return True

    def action_take(self):
        self.action_continue()
        return super().action_take()

    def action_reopen(self):
        result = super().action_reopen()
        self.sudo()._plan(fields.Datetime.now())  # sudo: checked above
        return result

    # ------------------------------------------------------------
    # Escalation
    # ------------------------------------------------------------

    @api.model
    def _cron_escalate(self, commit=True):
        """Take the steps that are due, batch by batch; returns how many."""
        in_turn(self.env, self._plan_forgotten, commit)
        done = 0
        while batch := in_turn(self.env, self._escalate_batch, commit):
            done += batch.taken
            _logger.info("Cases: %s escalated.", done)
        return done

    @api.model
    def _escalate_batch(self):
        """One batch, committed by the caller; None: nothing is due."""
        cases = self._claim_overdue()
        return Batch(len(cases), cases._try_to_escalate()) if cases else None

    @api.model
    def _plan_forgotten(self):
        """Cases that were opened before there were clocks get theirs from when they were opened."""
        self.sudo().search(
            [('state', 'in', OPEN_STATES), ('due_at', '=', False), ('type_id.service_hours', '>', 0)], limit=1000
        )._plan()

    @api.model
    def _claim_overdue(self):
        """A batch whose next step is due, held for this transaction; rows of other workers are left to them."""
        self.flush_model(['state', 'next_escalation_at'])
        self.env.cr.execute(
            """SELECT id FROM distribution_case
                WHERE state IN ('open', 'in_progress') AND next_escalation_at <= %s
             ORDER BY next_escalation_at, id LIMIT %s
                  FOR NO KEY UPDATE SKIP LOCKED""",
            [fields.Datetime.now(), BATCH],
        )
        # sudo: the job acts for nobody
        return self.sudo().browse(number for (number,) in self.env.cr.fetchall())

    def _try_to_escalate(self):
        """Take the next step of these cases together; when that fails, of each by itself. Returns how many."""
        try:
            with self.env.cr.savepoint():
                taken = self._escalate()
                self.env.flush_all()
            return taken
        except psycopg2.OperationalError:
            raise  # somebody else was at it: the whole batch looks again
        except Exception:
            self.env.invalidate_all()
            if len(self) > 1:
                return sum(case._try_to_escalate() for case in self)
            _logger.exception("Case %s could not be escalated; it is tried again in an hour.", self.id)
        self.write({'next_escalation_at': fields.Datetime.now() + POSTPONED})
        self._open(
            'case_not_escalated',
            self,
            _("An overdue case could not be escalated: %s", self.name),
            detail=_("The server's log says why. It is tried again every hour."),
            dedup_key=f'case_not_escalated:{self.id}',
        )
        return 0

    def _escalate(self):
        """The next step of each chain, in as many queries for many cases as for a few of the same kinds.

        Returns how many steps were taken.
        """
        now = fields.Datetime.now()
        choice, moments = Choice(self), {}
        facts, alike, owned = {}, defaultdict(self.browse), defaultdict(self.browse)
        for case in self:
            step = case.type_id._step(case.escalation_level)
            if step is None:
                alike[(('next_escalation_at', False),)] |= case
                continue
            level, owner = case.escalation_level + 1, choice.owner(case, step)
            severity = str(min(int(case.severity) + step.raises_severity, 3))
            kind = case.type_id, case.company_id, level
            if kind not in moments:
                moments[kind] = case._moment_of_step(level, now)
            values = {
                'user_id': owner.id,
                'severity': severity,
                'escalation_level': level,
                'next_escalation_at': moments[kind],
            }
            alike[tuple(values.items())] |= case
            owned[owner] |= case
            facts[case.id] = {
                'level': level,
                'severity_before': case.severity,
                'severity_after': severity,
                'owner_before': case.user_id.id or None,
                'owner_after': owner.id or None,
            }
        # The history says it in one line each, below: Odoo would look at every case by itself.
        for values, cases in alike.items():
            cases.with_context(tracking_disable=True).write(dict(values))
        taken = self.browse(facts)
        taken._record_fact('escalated', facts)
        taken._message_log_batch({case.id: case._escalation_words(facts[case.id]) for case in taken})
        taken.activity_unlink(['mail.mail_activity_data_warning'])
        for owner, cases in owned.items():
            if owner:
                cases._remind(owner)
        return len(taken)

    def _escalation_words(self, told):
        severities = dict(self._fields['severity']._description_selection(self.env))
        return _(
            "Overdue: step %(level)s was taken. Severity: %(severity)s. Owner: %(owner)s.",
            level=told['level'],
            severity=severities[told['severity_after']],
            owner=self.user_id.name or _("nobody"),
        )

    def _remind(self, owner):
        """An activity for each of these cases, and one message about all of them."""
        reminder = self.env.ref('mail.mail_activity_data_warning')
        # Not a mail for each activity: there may be many.
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(
            [
                {
                    'activity_type_id': reminder.id,
                    'summary': _("Overdue: %s", case.name),
                    'note': case.type_id.description,
                    'automated': True,
                    'date_deadline': fields.Date.context_today(case),
                    'res_model_id': self.env['ir.model']._get_id(self._name),
                    'res_id': case.id,
                    'user_id': owner.id,
                }
                for case in self
            ]
        )
        lines = Markup().join(
            Markup('<li><a href="/mail/view?model=%s&amp;res_id=%s">%s</a></li>') % (case._name, case.id, case.name)
            for case in self
        )
        self.env['mail.thread'].message_notify(
            partner_ids=owner.partner_id.ids,
            subject=_("Overdue: %s cases", len(self)) if len(self) > 1 else _("Overdue: %s", self.name),
            body=Markup('<p>%s</p><ul>%s</ul>') % (_("These cases are overdue, and yours:"), lines),
        )


class Choice:
    """Who goes on with the cases of a batch; who is chosen for one counts for the next."""

    def __init__(self, cases):
        self.operations = cases.env.ref('distribution_core.group_operations')
        self.chosen, self.known = Counter(), {}

    def owner(self, case, step):
        """The owner after this step; a case that nobody owns goes to somebody."""
        found = case.user_id.filtered('active')
        if step.owner_rule == 'person':
            found = step.user.filtered('active') or found
        elif step.owner_rule == 'least_loaded':
            found = self._least_loaded(case, step.group) or found
        if not found:
            found = self._least_loaded(case, case.group_id or self.operations)
        if found != case.user_id:
            self.chosen.update(found.ids)
            self.chosen.subtract(case.user_id.ids)
        return found

    def _least_loaded(self, case, group):
        place = group, case.company_id
        if place not in self.known:
            self.known[place] = case.type_id._loads(group, case.company_id)
        return case.type_id._least(self.known[place], self.chosen)
