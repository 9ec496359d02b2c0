"""A report: what it is called, who answers for it, and all versions of its definition."""

import logging
from datetime import time, timedelta, timezone
from zoneinfo import ZoneInfo

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from ..engine.naming import code_of
from ..engine.schedule import moment_of, next_due, period_key

_logger = logging.getLogger(__name__)

#: Who takes a published report out of service, and back.
ARCHIVE_GROUPS = ("distribution_core.group_policy_publisher", "distribution_core.group_administrator")
AUTHOR_GROUPS = ("distribution_core.group_policy_author", "distribution_core.group_administrator")
#: Who starts, overrules and recalls beside the owners.
OPERATIONS = "distribution_core.group_operations"
#: So many missed periods are named.
MOST_MISSED = 31


class Report(models.Model):
    _name = "distribution.report"
    _description = "Report"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        compute="_compute_code",
        store=True,
        readonly=False,
        precompute=True,
        help="Technical name: in files, addresses and the API.",
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    owner_id = fields.Many2one(
        "res.users",
        required=True,
        default=lambda self: self.env.user,
        tracking=True,
        help="Answers for the report. Never releases it alone.",
    )
    backup_owner_id = fields.Many2one("res.users", tracking=True, help="Answers for it when the owner is away.")
    description = fields.Text(translate=True, help="Which questions it answers.")
    active = fields.Boolean(default=True, tracking=True)
    version_ids = fields.One2many("distribution.report.version", "report_id")
    version_id = fields.Many2one(
        "distribution.report.version", string="In Force", compute="_compute_version_id", store=True
    )
    draft_count = fields.Integer(compute="_compute_draft_count", string="Drafts")
    classification = fields.Selection(related="version_id.classification")
    next_due_at = fields.Datetime(readonly=True, copy=False, index=True)
    last_due_at = fields.Datetime(readonly=True, copy=False, help="The newest moment that was served.")
    run_ids = fields.One2many("distribution.report.run", "report_id")
    run_count = fields.Integer(compute="_compute_counts", string="Runs")
    edition_count = fields.Integer(compute="_compute_counts", string="Editions")
    can_run = fields.Boolean(compute="_compute_can_run")

    _sql_constraints = [("code_unique", "UNIQUE (company_id, code)", "This code is taken by another report.")]

    @api.constrains("code")
    def _check_code(self):
        for report in self:
            if not report.code.replace("_", "").isalnum() or not report.code.islower() or not report.code.isascii():
                raise ValidationError(
                    _("Code: “%s” is no technical name. Use small letters, digits and _.", report.code)
                )

    # -------------------------------------------------------------- computes

    @api.depends("name")
    def _compute_code(self):
        for report in self.filtered(lambda report: not report.code):
            # sudo: codes are told apart within the company, whoever may read its reports
            others = self.sudo().with_context(active_test=False).search([("company_id", "=", report.company_id.id)])
            taken = set(others.mapped("code"))
            report.code = report.name and (code_of(report.name, taken) or code_of("report", taken))

    @api.depends("version_ids.state")
    def _compute_version_id(self):
        for report in self:
            report.version_id = report.version_ids.filtered(lambda version: version.state == "published")[:1]

    @api.depends("version_ids.state")
    def _compute_draft_count(self):
        for report in self:
            report.draft_count = len(report.version_ids.filtered(lambda version: version.state == "draft"))

    def _compute_counts(self):
        for name, model in (("run_count", "distribution.report.run"), ("edition_count", "distribution.report.edition")):
            counts = dict(self.env[model]._read_group([("report_id", "in", self.ids)], ["report_id"], ["__count"]))
            for report in self:
                report[name] = counts.get(report, 0)

    @api.depends("owner_id", "backup_owner_id")
    @api.depends_context("uid")
    def _compute_can_run(self):
        for report in self:
            report.can_run = report._is_runner()

    def _is_runner(self):
        """Whether the present user may start, overrule and recall this report."""
        return self._is_runner_of(self.env.user)

    def _is_runner_of(self, user):
        self.ensure_one()
        return user in self.owner_id | self.backup_owner_id or (
            self._is_internal() and user.has_group(OPERATIONS) and self.company_id in user.company_ids
        )

    def _is_internal(self):
        """Whether everybody who works here may know what it says; what was never in force is not known to be."""
        return (self.version_id or self.version_ids[:1]).classification == "internal"

    def _check_runner(self):
        if not self._is_runner():
            raise AccessError(_("%s: takes its owner, its backup owner or, if it is internal, Operations.", self.name))

    def _people(self):
        """Who answers for it, for notices."""
        return (self.owner_id | self.backup_owner_id).filtered("active")

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        if {"next_due_at", "last_due_at", "version_id"} & vals.keys() and not self.env.su:
            raise AccessError(_("When a report is due follows from its schedule."))
        if "code" in vals and any(report.code != vals["code"] and report.version_id for report in self):
            raise UserError(_("The code of a published report stays: editions are found by it."))
        # sudo: whether anything was ever published, whoever writes
        published = any(version.state != "draft" for version in self.sudo().version_ids)
        if published and "company_id" in vals:
            raise UserError(_("The company of a published report stays: its editions belong there."))
        if published and not self.env.su and {"owner_id", "backup_owner_id"} & vals.keys():
            if not self.env.user.has_group("distribution_core.group_administrator") or self.env.uid in (
                vals.get("owner_id"),
                vals.get("backup_owner_id"),
            ):
                raise AccessError(
                    _("Who answers for a published report is named by an administrator, who never names themselves.")
                )
        switched = self.filtered(
            lambda report: "active" in vals and report.version_id and report.active != bool(vals["active"])
        )
        if switched and not self.env.su and not any(self.env.user.has_group(group) for group in ARCHIVE_GROUPS):
            raise AccessError(
                _("Active: a report in force is archived and restored by a policy publisher or an administrator.")
            )
        result = super().write(vals)
        if switched:
            switched._switched()
        return result

    def _switched(self):
        """They were archived or restored: what is due follows, and the ledger says so."""
        # sudo: when they are due follows from their schedule; nothing of the time in between is caught up with
        self.sudo().write({"next_due_at": False, "last_due_at": False})
        self._plan()
        for fact, reports in self.grouped(lambda report: "restored" if report.active else "archived").items():
            self.env["distribution.event"].sudo()._record(  # sudo: the ledger is written by what happens
                f"distribution.report_definition.{fact}.v1",
                reports,
                lambda report: {"report": report.code, "version": report.version_id.number},
                correlation=lambda report: f"distribution.report,{report.id}",
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        # sudo: whether anything was ever published or run, whoever asks
        if any(version.state != "draft" for version in self.sudo().version_ids) or self.sudo().run_ids:
            raise UserError(_("A report that was published is kept with its editions. Archive it."))

    # --------------------------------------------------------------- actions

    def action_new_version(self):
        """A draft that begins with what is in force."""
        self.ensure_one()
        versions = self.env["distribution.report.version"]
        version = self.version_id._copy_to_draft() if self.version_id else versions.create({"report_id": self.id})
        return version.action_open()

    def action_run(self):
        """Ask for which period."""
        self.ensure_one()
        self._check_runner()
        return {
            "type": "ir.actions.act_window",
            "name": _("Run %s", self.name),
            "res_model": "distribution.report.start",
            "view_mode": "form",
            "target": "new",
            "context": {"default_report_id": self.id},
        }

    def action_runs(self):
        return self._list_of("reporting_workflows.action_report_run")

    def action_editions(self):
        return self._list_of("reporting_workflows.action_report_edition")

    def _list_of(self, xmlid):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        return {**action, "domain": [("report_id", "=", self.id)], "context": {"default_report_id": self.id}}

    # ------------------------------------------------------------- schedules

    def _period_over(self):
        """First and last day of the period that the version in force is about when it runs now."""
        self.ensure_one()
        now = fields.Datetime.now()
        days = self.env["distribution.report.working.days"]._of(self.company_id, now)
        return self.version_id._period_of(now.replace(tzinfo=timezone.utc).astimezone(self._zone()).date(), days)

    def _zone(self):
        return ZoneInfo(self.company_id._approval_time_zone())

    def _plan(self, after=None):
        """Note when each is due next. ``after``: default now."""
        served, after = after is not None, after or fields.Datetime.now()
        for report in self.sudo():  # sudo: who publishes need not be allowed to write the report
            if not served and report.version_id and report.next_due_at and report.next_due_at <= after:
                continue  # due at this moment: the job serves it and plans anew
            schedule = report.version_id._schedule() if report.version_id and report.active else None
            days = report.env["distribution.report.working.days"]._of(report.company_id, after)
            due = next_due(schedule, report._zone(), days, after) if schedule else None
            report.next_due_at = due.moment if due else False

    @api.model
    def _cron_schedule(self):
        """Make the runs that are due; one for each report, whatever was missed. Two workers take different reports."""
        now = fields.Datetime.now()
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT id FROM distribution_report
                WHERE active AND version_id IS NOT NULL AND next_due_at <= %s
             ORDER BY next_due_at, id
           FOR UPDATE SKIP LOCKED""",
            (now,),
        )
        reports = self.browse(row[0] for row in self.env.cr.fetchall())
        for report in reports:
            try:
                with self.env.cr.savepoint():
                    report._run_due(now)
            except psycopg2.errors.UniqueViolation:
                # Somebody started the same period by hand at this moment: it runs already.
                report._plan(now)
            except Exception as error:  # pylint: disable=broad-except
                if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    raise
                _logger.exception("Report %s cannot be started.", report.id)
                report.next_due_at = fields.Datetime.add(now, hours=1)
                self.env["distribution.case"]._open(
                    "report_failed",
                    report,
                    _("Report not started: %s", report.name),
                    detail=str(error)[:2000],
                    dedup_key=f"report_schedule,{report.id}",
                )
        if reports:
            self.env["distribution.report.run"]._wake()
        return len(reports)

    def _run_due(self, now):
        self.ensure_one()
        version = self.version_id
        days = self.env["distribution.report.working.days"]._of(self.company_id, self.next_due_at)
        *missed, due = version._due(days, self.next_due_at, now) or (None,)
        if due:
            first, last = version._period_of(due.day, days)
            over = moment_of(last + timedelta(days=1), time(), self._zone())
            runs = self.env["distribution.report.run"]
            known = runs._known(version, first, last)
            if not known or not known._serves(min(over, due.moment)):
                # Started by hand, and given up or too early: whoever expects the report gets it all the same.
                reason = _("By schedule: it was given up, or run before the period was over.") if known else None
                runs._start(
                    version,
                    first,
                    last,
                    origin="schedule",
                    due_at=due.moment,
                    missed=len(missed),
                    missed_days=self._without_report(missed, days),
                    reason=reason,
                )
            self.last_due_at = due.moment
        self._plan(now)

    def _without_report(self, missed, days):
        """The periods of moments that were missed, of which nobody ran the report by hand either."""
        version, runs = self.version_id, self.env["distribution.report.run"]
        periods = dict.fromkeys(version._period_of(due.day, days) for due in missed[-MOST_MISSED:])
        lost = [period_key(*period) for period in periods if not runs._known(version, *period)]
        return ", ".join((*(["…"] if len(missed) > MOST_MISSED else []), *lost)) or False
