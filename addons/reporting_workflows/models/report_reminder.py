"""Who is reminded of what they have not done: numbers to sign off, reports to release, runs that wait too long.

Rules, in words
---------------
* Time is the company's working time.
* A KPI that is signed off by the month: its owner – the backup owner, once the owner has left – hears when the working
  days for it are over and no sign-off of the month that is in force exists. Only months of which every day was taken
  can be signed, so only of these.
* A run that waits for its release longer than its report says: who may decide hears. Twice as long, or held so long:
  who answers for the report hears.
* Each person hears once of each; what was said is kept.
"""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import _, api, fields, models

from ..engine.schedule import moment_of

#: Working hours of a day, where the company has no calendar that says so.
DAY_HOURS = 8


class ReportReminder(models.Model):
    _name = "distribution.report.reminder"
    _description = "Reminder of Reporting"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "kind"

    kind = fields.Selection(
        [("signoff", "Sign-off due"), ("release", "Release due"), ("waits", "Run waits too long")],
        required=True,
        readonly=True,
    )
    user_id = fields.Many2one("res.users", "Who Heard", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    kpi_id = fields.Many2one("distribution.kpi", "KPI", readonly=True, ondelete="restrict")
    period_start = fields.Date("Month", readonly=True)
    run_id = fields.Many2one("distribution.report.run", readonly=True, ondelete="restrict", index=True)
    told_at = fields.Datetime(required=True, readonly=True)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_report_reminder_once
                   ON distribution_report_reminder
                      (kind, user_id, company_id, coalesce(kpi_id, 0), coalesce(period_start, '2000-01-01'),
                       coalesce(run_id, 0))"""
        )

    @api.model
    def _cron_remind(self):
        """Remind everybody who is late, each once."""
        # sudo: the job acts for nobody; only who answers or may decide is told
        job = self.sudo()
        for company in job.env["res.company"].search([]):
            job._remind_signoffs(company)
        job._remind_runs()

    # ---------------------------------------------------------------- sign-off

    @api.model
    def _remind_signoffs(self, company):
        now = fields.Datetime.now()
        first = company._day_of(now).replace(day=1) - relativedelta(months=1)
        last = first + relativedelta(months=1) - timedelta(days=1)
        late = self.env["distribution.kpi"]
        kpis = late.search([("version_id", "!=", False), ("signoff_days", ">", 0)])
        kpis = kpis.filtered(lambda kpi: kpi._who_signs())
        for days, some in kpis.grouped("signoff_days").items():
            if self._signoff_due(company, last, days) <= now:
                late |= some
        late = self._unsigned(late, company, first, last)
        for owner, mine in late.grouped(lambda kpi: kpi._who_signs()).items():
            new = self._new("signoff", owner, company, kpi_id=mine, period_start=first)
            if new:
                lines = Markup().join(Markup("<li>%s</li>") % kpi.name for kpi in new.kpi_id)
                owner = new.user_id
                said = new.with_context(lang=owner.lang)._words_of_signoff(first)
                new._tell(said, Markup("<p>%s</p><ul>%s</ul>") % (said, lines))

    @api.model
    def _signoff_due(self, company, last, days):
        """The moment when the working days for signing are over."""
        over = moment_of(last + timedelta(days=1), time(), ZoneInfo(company._approval_time_zone()))
        hours = days * (company.resource_calendar_id.hours_per_day or DAY_HOURS)
        return self.env["distribution.case"]._after_working_hours(company, over, hours)

    @api.model
    def _unsigned(self, kpis, company, first, last):
        """Those that could be signed, and are not."""
        if not kpis:
            return kpis
        self.env.cr.execute(
            """SELECT kpi_id FROM distribution_kpi_snapshot
                WHERE kpi_id = ANY(%s) AND company_id = %s AND site_id IS NULL AND day BETWEEN %s AND %s
             GROUP BY kpi_id HAVING count(DISTINCT day) = %s""",
            [kpis.ids, company.id, first, last, (last - first).days + 1],
        )
        taken = kpis.browse(row[0] for row in self.env.cr.fetchall())
        signoffs = self.env["distribution.kpi.signoff"].search(
            [
                ("kpi_id", "in", taken.ids),
                ("company_id", "=", company.id),
                ("period_start", "<=", first),
                ("period_end", ">=", last),
            ]
        )
        return taken - signoffs.filtered(lambda signoff: signoff.state == "current").kpi_id

    def _words_of_signoff(self, first):
        return _("Numbers of %s to sign off", first.strftime("%Y-%m"))

    # -------------------------------------------------------------------- runs

    @api.model
    def _remind_runs(self):
        waiting = self.env["distribution.report.run"].search(
            [("state", "in", ("waiting", "held")), ("report_id.release_hours", ">", 0)]
        )
        for run in waiting:
            waited, limit = run._worked_since_it_waits(), run.report_id.release_hours
            if run.state == "waiting" and waited >= limit:
                tasks = run.edition_id.release_id.approval_request_id.task_ids
                for user in tasks.filtered(lambda task: task.state == "open").user_ids.filtered("active"):
                    self._new("release", user, run.company_id, run_id=run)._tell_of(run)
            if waited >= 2 * limit:
                for user in run.report_id._people():
                    self._new("waits", user, run.company_id, run_id=run)._tell_of(run)

    def _tell_of(self, run):
        if self:
            said = self.with_context(lang=self.user_id.lang)._words_of_run(run)
            shown = run.edition_id if self.kind == "release" else run
            link = Markup('<a href="/mail/view?model=%s&amp;res_id=%s">%s</a>') % (shown._name, shown.id, said)
            self._tell(said, Markup("<p>%s</p>") % link)

    def _words_of_run(self, run):
        if self.kind == "release":
            return _("To release: %s", run.display_name)
        return _("Waits too long: %s", run.display_name)

    # ----------------------------------------------------------------- telling

    @api.model
    def _new(self, kind, user, company, kpi_id=None, period_start=None, run_id=None):
        """Reminders that were not said yet; a second worker finds them said."""
        rows = [
            (
                kind,
                user.id,
                company.id,
                kpi.id or None,
                period_start,
                run_id.id if run_id else None,
                fields.Datetime.now(),
            )
            for kpi in kpi_id or [self.env["distribution.kpi"]]
        ]
        places = ", ".join(["%s"] * len(rows))
        self.env.cr.execute(
            f"""INSERT INTO {self._table} (kind, user_id, company_id, kpi_id, period_start, run_id, told_at)
                VALUES {places} ON CONFLICT DO NOTHING RETURNING id""",
            rows,
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _tell(self, subject, body):
        self.env["mail.thread"].message_notify(partner_ids=self.user_id.partner_id.ids, subject=subject, body=body)


class Kpi(models.Model):
    _inherit = "distribution.kpi"

    signoff_days = fields.Integer(
        "Signed off within (working days)",
        default=5,
        help="After the end of a month; then its owner is reminded. 0: nobody is.",
    )

    def _who_signs(self):
        """Who is reminded to sign it off: the owner, else the backup owner; nobody where both have left."""
        self.ensure_one()
        return (self.owner_id | self.backup_owner_id).filtered("active")[:1]


class Report(models.Model):
    _inherit = "distribution.report"

    release_hours = fields.Float(
        "Released within (working h)",
        default=8,
        help="Then who may decide is reminded, and after twice as long who answers for it. 0: nobody is.",
    )


class ReportRun(models.Model):
    _inherit = "distribution.report.run"

    def _worked_since_it_waits(self):
        """Working hours since it waits for people, or for better data."""
        self.ensure_one()
        step = self.step_ids.filtered(lambda one: one.name == "approval")
        since = self.held_since if self.state == "held" else step.started_at
        return (
            self.env["distribution.case"]._working_hours(self.company_id, since, fields.Datetime.now()) if since else 0
        )


class ScheduledWork(models.Model):
    """The jobs of reporting beside those of procurement."""

    _inherit = "distribution.scheduled.work"

    @api.model
    def _addons(self):
        return (*super()._addons(), "reporting_workflows")

    @api.model
    def _words(self):
        return {**super()._words(), "ir_cron_report_remind": self._told_of_reminders}

    def _told_of_reminders(self):
        reminders = self.env["distribution.report.reminder"].sudo()  # sudo: counts only
        told = reminders.search_count([("told_at", ">", fields.Datetime.now() - timedelta(days=1))])
        waiting = self.env["distribution.report.run"].sudo().search_count([("state", "in", ("waiting", "held"))])
        return _("%(told)s reminded in a day, %(waiting)s runs wait", told=told, waiting=waiting), 0.0
