"""What procurement does by itself: when it ran, what came of it, when it runs next, and “run now”.

Rules, in words
---------------
* The list is what the scheduler has: nobody writes it. Runs and errors are those of the automation register.
* *Run now* asks the scheduler. Nothing runs in the transaction of the person who asks, and what ran is recorded like
  any other run. Who asked is a fact of the ledger.
* Asked: a wake-up is due that the scheduler has not worked off. It is removed when the run has ended.
"""

from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.sql import SQL

from .procurement_run import LIVE

ADDON = "procurement_automation"
#: Who may have a job run now.
STARTERS = (
    "purchase.group_purchase_manager",
    "distribution_core.group_operations",
    "distribution_core.group_administrator",
)
STATES = [
    ("asked", "At Work"),
    ("failed", "Failed"),
    ("paused", "Paused"),
    ("overdue", "Overdue"),
    ("never", "Never Ran"),
    ("ok", "Fine"),
]
#: A job is overdue when the scheduler is later than this.
GRACE = timedelta(hours=1)


class ScheduledWork(models.Model):
    """One scheduled action of the addons that are listed. There is no table: it is read from the scheduler."""

    _name = "distribution.scheduled.work"
    _description = "Scheduled Work"
    _auto = False
    _log_access = False
    _order = "name, id"
    _depends = {
        "ir.cron": ["active", "cron_name", "interval_number", "interval_type", "lastcall", "nextcall"],
        "ir.cron.trigger": ["call_at", "cron_id"],
    }

    name = fields.Char("Job", readonly=True)
    xml_name = fields.Char(readonly=True)
    state = fields.Selection(STATES, readonly=True)
    every = fields.Char(compute="_compute_every")
    interval_number = fields.Integer(readonly=True)
    interval_type = fields.Char(readonly=True)
    last_run_at = fields.Datetime("Last Run", readonly=True)
    seconds = fields.Float("Took (s)", readonly=True, digits=(16, 2))
    error = fields.Char("Last Error", readonly=True)
    failed_at = fields.Datetime("Failed Last", readonly=True)
    next_run_at = fields.Datetime("Next Run", readonly=True)
    run_count = fields.Integer("Runs (24 h)", readonly=True)
    failure_count = fields.Integer("Failures (24 h)", readonly=True)
    done = fields.Char("What Came of It", compute="_compute_done")
    progress = fields.Float(compute="_compute_done", help="Of what is at work; 0: not known.")
    may_start = fields.Boolean(compute="_compute_may_start")

    @api.model
    def _addons(self):
        """Whose jobs are listed; other addons add theirs."""
        return (ADDON,)

    @property
    def _table_query(self):
        now = fields.Datetime.now()
        return SQL(
            """(SELECT cron.id, cron.cron_name AS name, data.name AS xml_name, cron.interval_number, cron.interval_type,
                       CASE WHEN NOT cron.active THEN 'paused' WHEN asked.at IS NOT NULL THEN 'asked'
                            WHEN last.outcome = 'failed' THEN 'failed'
                            WHEN cron.nextcall < %(late)s THEN 'overdue'
                            WHEN coalesce(last.started_at, cron.lastcall) IS NULL THEN 'never' ELSE 'ok' END AS state,
                       coalesce(last.started_at, cron.lastcall) AS last_run_at, last.seconds,
                       bad.error, bad.started_at AS failed_at,
                       CASE WHEN cron.active THEN cron.nextcall END AS next_run_at,
                       coalesce(day.runs, 0) AS run_count, coalesce(day.failures, 0) AS failure_count
                  FROM ir_cron cron
                  JOIN ir_model_data data
                    ON data.model = 'ir.cron' AND data.res_id = cron.id AND data.module IN %(addons)s
             LEFT JOIN LATERAL (SELECT started_at, seconds, outcome FROM distribution_automation_run
                                 WHERE cron_id = cron.id ORDER BY id DESC LIMIT 1) last ON TRUE
             LEFT JOIN LATERAL (SELECT started_at, error FROM distribution_automation_run
                                 WHERE cron_id = cron.id AND outcome = 'failed' ORDER BY id DESC LIMIT 1) bad ON TRUE
             LEFT JOIN LATERAL (SELECT count(*) AS runs, count(*) FILTER (WHERE outcome = 'failed') AS failures
                                  FROM distribution_automation_run
                                 WHERE cron_id = cron.id AND started_at > %(yesterday)s) day ON TRUE
             LEFT JOIN LATERAL (SELECT min(call_at) AS at FROM ir_cron_trigger
                                 WHERE cron_id = cron.id AND call_at <= %(now)s) asked ON TRUE)""",
            addons=self._addons(),
            late=now - GRACE,
            yesterday=now - timedelta(days=1),
            now=now,
        )

    # ------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------

    @api.depends("interval_number", "interval_type")
    def _compute_every(self):
        kinds = dict(self.env["ir.cron"]._fields["interval_type"]._description_selection(self.env))
        for job in self:
            kind = kinds.get(job.interval_type, job.interval_type or "")
            job.every = f"{job.interval_number} {kind.lower()}"

    @api.depends("last_run_at", "state")
    def _compute_done(self):
        words = self._words()
        for job in self:
            tell = words.get(job.xml_name)
            job.done, job.progress = tell() if tell else (False, 0.0)

    @api.depends_context("uid")
    def _compute_may_start(self):
        may_start = self._is_starter()
        for job in self:
            job.may_start = may_start and job.state not in ("asked", "paused")

    @api.model
    def _words(self):
        """``{name of the job: function}`` that tells what came of it, and the progress in percent. Others add theirs.

        What is told are counts over all companies, as the jobs work for all of them.
        """
        return {
            "ir_cron_replenishment": lambda: self._told_of_run([]),
            "ir_cron_replenishment_night": lambda: self._told_of_run([("origin", "=", "night")]),
            "ir_cron_supplier_link": self._told_of_links,
            "ir_cron_supplier_chase": self._told_of_chase,
            "ir_cron_scorecard": self._told_of_scorecards,
            "ir_cron_demand": self._told_of_demand,
            "ir_cron_budget": self._told_of_budgets,
        }

    def _told_of_run(self, domain):
        # sudo: counts only
        run = self.env["distribution.replenishment.run"].sudo().search([("state", "!=", "draft"), *domain], limit=1)
        if not run:
            return _("No run yet."), 0.0
        words = _(
            "%(done)s of %(total)s rules, %(ordered)s ordered, %(reviewed)s for a buyer, %(failed)s failed",
            done=run.done,
            total=run.total,
            ordered=run.ordered,
            reviewed=run.reviewed,
            failed=run.failed,
        )
        return words, run.progress if run.state in LIVE else 0.0

    def _told_of_demand(self):
        # sudo: counts only
        run = self.env["distribution.demand.run"].sudo().search([("state", "!=", "draft")], limit=1)
        if not run:
            return _("No run yet."), 0.0
        words = _("%(done)s of %(total)s products at sites", done=run.done, total=run.total)
        return words, run.progress if run.state in LIVE else 0.0

    def _told_of_budgets(self):
        budgets = self.env["distribution.budget"].sudo()  # sudo: counts only
        number = budgets.search_count([("state", "=", "active")])
        return _("%s budgets in force", number), 0.0

    def _told_of_links(self):
        links = self.env["distribution.supplier.link"].sudo()  # sudo: counts only
        since = fields.Datetime.now() - timedelta(days=1)
        sent = links.search_count([("sent_at", ">", since)])
        waiting = links.search_count([("state", "=", "to_send")])
        return _("%(sent)s sent in a day, %(waiting)s wait", sent=sent, waiting=waiting), 0.0

    def _told_of_chase(self):
        confirmations = self.env["distribution.supplier.confirmation"].sudo()  # sudo: counts only
        watched = [("next_step_at", "!=", False), ("state", "not in", ("cancelled", "closed"))]
        due = confirmations.search_count([("next_step_at", "<=", fields.Datetime.now()), *watched])
        return _("%(watched)s watched, %(due)s due", watched=confirmations.search_count(watched), due=due), 0.0

    def _told_of_scorecards(self):
        cards = self.env["distribution.scorecard"].sudo()  # sudo: counts only
        newest = cards.search([], order="period_start desc", limit=1)
        if not newest:
            return _("No card yet."), 0.0
        number = cards.search_count([("period_start", "=", newest.period_start)])
        return _("%(number)s cards of %(month)s", number=number, month=newest.period_start.strftime("%Y-%m")), 0.0

    # ------------------------------------------------------------
    # Run now
    # ------------------------------------------------------------

    @api.model
    def _is_starter(self):
        return any(self.env.user.has_group(group) for group in STARTERS)

    def action_run_now(self):
        """Ask the scheduler to run it at once; opens the job, which shows how it goes."""
        self.ensure_one()
        if self.env.user._is_superuser() or not self._is_starter():
            raise AccessError(_("Running scheduled work takes the head of purchasing, Operations or an administrator."))
        if self.state == "paused":
            raise UserError(_("“%s” is paused in the automation register: resume it there first.", self.name))
        if self.state != "asked":
            cron = self.env["ir.cron"].sudo().browse(self.id)  # sudo: the role was checked, the job is one of ours
            cron._trigger()
            self.env["distribution.event"].sudo()._record(
                "distribution.scheduled_work.asked.v1",
                cron,
                {"job": self.xml_name},
            )
        return self.action_open()

    def action_open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def action_open_runs(self):
        """Its runs, as far as they are kept."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_core.distribution_automation_run_action")
        return {**action, "domain": [("cron_id", "=", self.id)], "context": {}}
