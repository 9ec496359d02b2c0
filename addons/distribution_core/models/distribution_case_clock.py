"""The service clock of cases: working time until they are due, and what happens when they are late.

Rules, in words
---------------
* A case is due after the working hours of its type, by the calendar of its company, leaves of the company
  included. A company without working hours counts round the clock.
* While a case waits for somebody outside, its clock stands still.
* Overdue: each step of the type's chain is taken once, counted from when the one before was really taken.
  The severity rises, the case changes hands or not, and its owner gets an activity.
* The job takes rows that no other worker has, commits batch by batch, and goes on after a case that fails.
"""

import logging
from datetime import timedelta

import pytz
from odoo import _, api, fields, models

from .distribution_case import CLOSED_STATES, OPEN_STATES

_logger = logging.getLogger(__name__)

BATCH = 50
#: For how long a case whose escalation failed is left alone.
POSTPONED = timedelta(hours=1)
CLOCK_FIELDS = frozenset({'due_at', 'waiting_since', 'escalation_level', 'next_escalation_at'})


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
        wanted = (operator in ('=', 'in')) == any(value if hasattr(value, '__iter__') else [value])
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
        self._plan_forgotten()
        done = 0
        while cases := self._claim_overdue():
            for case in cases:
                done += case._try_to_escalate()
            if commit:
                self.env.cr.commit()  # pylint: disable=invalid-commit
            _logger.info("Cases: %s escalated.", done)
        return done

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
        try:
            with self.env.cr.savepoint():
                self._escalate()
                self.env.flush_all()
        except Exception:
            _logger.exception("Case %s could not be escalated; it is tried again in an hour.", self.id)
            self.env.invalidate_all()
            self.write({'next_escalation_at': fields.Datetime.now() + POSTPONED})
            self._open(
                'case_not_escalated',
                self,
                _("An overdue case could not be escalated: %s", self.name),
                detail=_("The server's log says why. It is tried again every hour."),
                dedup_key=f'case_not_escalated:{self.id}',
            )
            return 0
        return 1

    def _escalate(self):
        """The next step of the chain."""
        self.ensure_one()
        step = self.type_id._step(self.escalation_level)
        if step is None:
            self.write({'next_escalation_at': False})
            return
        now = fields.Datetime.now()
        before = self.severity, self.user_id
        level = self.escalation_level + 1
        owner = self._next_owner(step)
        severity = str(min(int(self.severity) + step.raises_severity, 3))
        self.write(
            {
                'user_id': owner.id,
                'severity': severity,
                'escalation_level': level,
                'next_escalation_at': self._moment_of_step(level, now),
            }
        )
        self._record_fact(
            'escalated',
            {
                'level': level,
                'severity_before': before[0],
                'severity_after': severity,
                'owner_before': before[1].id or None,
                'owner_after': owner.id or None,
            },
        )
        if owner:
            self.activity_unlink(['mail.mail_activity_data_warning'])
            self.activity_schedule(
                'mail.mail_activity_data_warning',
                summary=_("Overdue: %s", self.name),
                note=self.type_id.description,
                user_id=owner.id,
            )

    def _next_owner(self, step):
        """Who goes on; a case that nobody owns goes to somebody."""
        found = self.user_id.filtered('active')
        if step.owner_rule == 'person':
            found = step.user.filtered('active') or found
        elif step.owner_rule == 'least_loaded':
            found = self.type_id._least_loaded(step.group, self.company_id) or found
        if not found:
            group = self.group_id or self.env.ref('distribution_core.group_operations')
            found = self.type_id._least_loaded(group, self.company_id)
        return found
