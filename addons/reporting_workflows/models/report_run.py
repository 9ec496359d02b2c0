"""A run: one report of one period, step by step, each in a transaction of its own.

Rules, in words
---------------
* There is one run of a report, a period and its parameters; a second one is a further attempt with a reason.
* What a report says is read in one step, so in one transaction: tables, figures and how old the inputs are. Later
  steps look at nothing else, whenever they are tried again.
* A step is done when its transaction is committed. A run that was killed goes on with the step that was not done.
* A run is taken with ``FOR UPDATE SKIP LOCKED``: two workers never work on one.
* What failed is tried again by itself where that may help, else by a person; the steps before it stay as they are.
* Before the approval the report is drawn once without number and signatures: this is what the approver sees, together
  with the content that every format is drawn from. The release is bound to the digest of this content. After it, the
  same content is drawn again with the edition's number and who released it; nothing else differs.
"""

import json
import logging
import random
import time
from dataclasses import replace
from datetime import timedelta

import psycopg2
from odoo import Command, _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_core.engine.backoff import backoff_seconds
from odoo.addons.distribution_core.turns import in_turn

from ..engine import Content, Period, Section
from ..engine.run import (
    LONGEST_PAUSE,
    PAUSE,
    STEPS,
    TRIES,
    is_tried_again,
    next_step,
    people_needed,
    progress,
    run_state,
)
from ..engine.schedule import period_key
from .report_builder import judged
from .report_run_step import CAUSE_NAMES

_logger = logging.getLogger(__name__)

#: Seconds after which the scheduled action makes room for others.
TURN = 240
#: A run waits so long for better data.
LONGEST_HOLD = timedelta(days=2)
STATES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("waiting", "Waiting for Release"),
    ("held", "Held"),
    ("done", "Distributed"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]
#: States in which a run has something left to do by itself.
LIVE = ("queued", "running", "held")
#: The section of what is captured that holds the figures; no dataset is called so.
FIGURES = ""
#: What steps leave for the next ones.
WORK = "base.group_system"


class StepFailed(UserError):
    """A step failed for a reason that people can remove.

    :param cause: one of the engine's ``CAUSES``
    """

    def __init__(self, message, cause="odoo"):
        super().__init__(message)
        self.cause = cause


class ReportRun(models.Model):
    _name = "distribution.report.run"
    _description = "Report Run"
    _inherit = ["distribution.approval.evidence"]
    _order = "id desc"
    _rec_names_search = ["report_id", "period"]

    report_id = fields.Many2one("distribution.report", required=True, readonly=True, ondelete="restrict", index=True)
    version_id = fields.Many2one("distribution.report.version", required=True, readonly=True, ondelete="restrict")
    classification = fields.Selection(related="version_id.classification")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    period_first = fields.Date("From", required=True, readonly=True)
    period_last = fields.Date("To", required=True, readonly=True)
    period = fields.Char(required=True, readonly=True)
    site_id = fields.Many2one("stock.warehouse", readonly=True)
    category_id = fields.Many2one("product.category", readonly=True)
    parameters = fields.Char(required=True, readonly=True, help="What it is run for, as one key.")
    attempt = fields.Integer(required=True, readonly=True, default=1)
    reason = fields.Char(readonly=True, help="Why it was run again.")
    origin = fields.Selection(
        [("schedule", "Schedule"), ("manual", "By hand"), ("action", "Server action")], required=True, readonly=True
    )
    user_id = fields.Many2one("res.users", "Started by", readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="queued", index=True)
    step_ids = fields.One2many("distribution.report.run.step", "run_id", readonly=True)
    current_step = fields.Char(compute="_compute_progress", string="At Step")
    progress = fields.Float(compute="_compute_progress")
    due_at = fields.Datetime(readonly=True)
    missed = fields.Integer(readonly=True, help="Moments before this one that were missed.")
    missed_days = fields.Char(readonly=True, help="The days of which no report was made.")
    started_at = fields.Datetime(readonly=True)
    finished_at = fields.Datetime(readonly=True)
    next_try_at = fields.Datetime(readonly=True, index="btree_not_null")
    held_since = fields.Datetime(readonly=True)
    hold_reason = fields.Char(readonly=True)
    late_told_at = fields.Datetime(readonly=True, help="When its recipients heard that it is late.")
    overruled_by_id = fields.Many2one("res.users", readonly=True)
    overruled_reason = fields.Char(readonly=True)
    overruler_ids = fields.Many2many(
        "res.users", "distribution_report_run_overruler_rel", readonly=True, help="None of them releases it."
    )
    held_for = fields.Json(readonly=True, help="What holds it, one by one.")
    let_go = fields.Json(readonly=True, help="What held it when somebody let it go: anything else holds it again.")
    error = fields.Text(readonly=True)
    cause = fields.Selection(selection=list(CAUSE_NAMES.items()), compute="_compute_progress")
    failed_step_id = fields.Many2one("distribution.report.run.step", compute="_compute_progress")
    captured_at = fields.Datetime(readonly=True)
    captured = fields.Text(readonly=True, prefetch=False, groups=WORK, help="Datasets, figures, inputs, checks.")
    content = fields.Text(readonly=True, prefetch=False, groups=WORK, help="What the report says, canonical JSON.")
    is_crossed = fields.Boolean("Threshold Crossed", readonly=True)
    edition_id = fields.Many2one("distribution.report.edition", readonly=True, ondelete="restrict")
    can_work = fields.Boolean(compute="_compute_can_work")

    _sql_constraints = [
        (
            "run_unique",
            "UNIQUE (report_id, period_first, period_last, parameters, attempt)",
            "This report of this period runs already.",
        ),
        ("again_with_reason", "CHECK (attempt = 1 OR reason IS NOT NULL)", "Say why it is run again."),
    ]

    @api.depends("report_id.name", "period", "attempt")
    def _compute_display_name(self):
        for run in self:
            again = f" ({run.attempt})" if run.attempt > 1 else ""
            run.display_name = f"{run.report_id.name} {run.period}{again}"

    @api.depends("step_ids.state")
    def _compute_progress(self):
        labels = dict(self.env["distribution.report.run.step"]._fields["name"]._description_selection(self.env))
        for run in self:
            states = run._step_states()
            run.progress = progress(states)
            step = next_step(states)
            run.current_step = labels.get(step)
            run.failed_step_id = run.step_ids.filtered(lambda one: one.state in ("failed", "held"))[:1]
            run.cause = run.failed_step_id.cause

    @api.depends_context("uid")
    def _compute_can_work(self):
        for run in self:
            run.can_work = run.report_id._is_runner()

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Runs are written by what they do."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Runs are evidence and are kept."))

    # ---------------------------------------------------------------- starting

    @api.model
    def _parameters(self, version, site, category):
        """What it is run for, as one key: what was chosen, else what the version is published for."""
        sealed = version._sealed()["ids"]
        named = {"site": site.id or sealed["site"], "category": category.id or sealed["category"]}
        return json.dumps({name: number for name, number in named.items() if number}, sort_keys=True)

    @api.model
    def _known(self, version, first, last, site=None, category=None):
        """The newest attempt at the report of a version, for this period and these parameters."""
        site, category = site or self.env["stock.warehouse"], category or self.env["product.category"]
        parameters = self._parameters(version, site, category)
        return self.sudo().search(  # sudo: whether it was run, whoever asks
            [
                ("report_id", "=", version.report_id.id),
                ("period_first", "=", first),
                ("period_last", "=", last),
                ("parameters", "=", parameters),
            ],
            order="attempt desc",
            limit=1,
        )

    def _is_ahead(self):
        """Whether it takes its numbers later than now, or people look at them: nothing is gained by another attempt."""
        if self.state == "running":
            return self._step_states()["capture"] == "pending"
        return self.state in (*LIVE, "waiting")

    def _serves(self, moment):
        """Whether an attempt at the same is what the schedule would start at ``moment``."""
        same = [(name, "=", self[name]) for name in ("period_first", "period_last", "parameters")]
        attempts = self.search([("report_id", "=", self.report_id.id), *same])
        return any(attempt._is_of(moment) for attempt in attempts)

    def _is_of(self, moment):
        """Whether its numbers are of ``moment`` or later, or will be."""
        if self.state == "cancelled":
            return False
        return (self.captured_at and self.captured_at >= moment) or (
            self.state in LIVE and (not self.captured_at or self._step_states()["capture"] == "pending")
        )

    @api.model
    def _start(self, version, first, last, *, origin="manual", site=None, category=None, reason=None, **values):
        """A new run. A database constraint keeps a period from running twice.

        :raises UserError: it was run already, and no reason is given to run it again
        """
        report = version.report_id
        site, category = site or self.env["stock.warehouse"], category or self.env["product.category"]
        sealed = version._sealed()["ids"]
        for name, chosen in (("site", site), ("category", category)):
            if chosen and sealed[name] not in (None, False, chosen.id):
                raise UserError(
                    _("%(report)s is published for one %(what)s only, not for this one.", report=report.name, what=name)
                )
        # sudo: whoever starts it need not see other companies' sites to be refused them
        if site and site.sudo().company_id != report.company_id:
            raise UserError(_("Site: %s belongs to another company.", site.sudo().name))
        known = self._known(version, first, last, site, category)
        if known and not reason:
            raise UserError(
                _("%s was run already. Say why it is run again: this becomes a further attempt.", known.display_name)
            )
        run = self.sudo().create(  # sudo: runs are written by nobody; callers checked who may
            {
                "report_id": report.id,
                "version_id": version.id,
                "company_id": report.company_id.id,
                "period_first": first,
                "period_last": last,
                "period": period_key(first, last),
                "site_id": site.id,
                "category_id": category.id,
                "parameters": self._parameters(version, site, category),
                "attempt": known.attempt + 1,
                "reason": reason,
                "origin": origin,
                "user_id": self.env.uid if origin == "manual" else False,
                "step_ids": [(0, 0, {"name": name, "sequence": number}) for number, name in enumerate(STEPS)],
                **values,
            }
        )
        run.flush_recordset()
        run._replace_waiting()
        return run

    def _replace_waiting(self):
        """Nobody releases numbers that are taken anew: earlier attempts that wait for people are over."""
        waiting = self.search(
            [
                ("report_id", "=", self.report_id.id),
                ("period_first", "=", self.period_first),
                ("period_last", "=", self.period_last),
                ("parameters", "=", self.parameters),
                ("attempt", "<", self.attempt),
                ("state", "=", "waiting"),
            ]
        ).filtered(lambda run: not run.edition_id.release_id.released_at)
        reason = _("It was run again: %s", self.reason)
        waiting.write({"state": "cancelled", "finished_at": fields.Datetime.now(), "error": reason})
        waiting.edition_id._withdraw(reason)

    @api.model
    def _wake(self):
        self.env.ref("reporting_workflows.ir_cron_report_run").sudo()._trigger()  # sudo: jobs are the system's

    # ----------------------------------------------------------------- actions

    def action_retry(self):
        """Try the step again that failed or is held; what is done stays done."""
        for run in self:
            run.report_id._check_runner()
        # sudo: the role was checked; runs are written by nobody
        stuck = self.sudo().filtered(lambda run: run.state in ("failed", "held"))
        stuck._again()
        self._wake()
        return True

    def _again(self):
        for run in self:
            # Without their errors: a step that waits with one waits for the moment of its next try.
            run.step_ids.filtered(lambda step: step.state in ("failed", "held")).write(
                {"state": "pending", "attempts": 0, "error": False, "cause": False}
            )
            if run.hold_reason:
                run._recapture()
            run.write({"state": "running", "error": False, "next_try_at": False, "finished_at": False})

    def action_overrule(self, reason):
        """Let a held report go with a mark that says so, and why."""
        self.ensure_one()
        self.report_id._check_runner()
        if self.state != "held":
            raise UserError(_("%s is not held.", self.display_name))
        if not (reason or "").strip():
            raise UserError(_("Reason: say why the report goes out all the same; every page shows it."))
        run = self.sudo()  # sudo: the role was checked; runs are written by nobody
        said = run.overruled_reason
        run.write(
            {
                "overruled_by_id": self.env.uid,
                "overruler_ids": [Command.link(self.env.uid)],
                "overruled_reason": f"{said}; {reason.strip()}" if said else reason.strip(),
                "let_go": [*(run.let_go or ()), *(run.held_for or ())],
            }
        )
        run._again()
        self._wake()
        return True

    def action_run_again(self, reason):
        """A further attempt at the same report and period, by the version that is in force now."""
        self.ensure_one()
        self.report_id._check_runner()
        if not (reason or "").strip():
            raise UserError(_("Reason: say why it is run again."))
        version = self.report_id.version_id
        if not version:
            raise UserError(_("%s has no version in force. Publish one.", self.report_id.name))
        run = self._start(
            version,
            self.period_first,
            self.period_last,
            site=self.site_id,
            category=self.category_id,
            reason=reason.strip(),
        )
        self._wake()
        return run._show()

    def action_cancel(self):
        for run in self:
            run.report_id._check_runner()
        # sudo: see action_retry
        live = self.sudo().filtered(lambda run: run.state not in ("done", "cancelled"))
        out = live.edition_id.filtered(lambda edition: edition.state == "released")
        if out:
            raise UserError(_("%s is released already. Recall it instead.", out[0].display_name))
        live.write({"state": "cancelled", "finished_at": fields.Datetime.now(), "next_try_at": False})
        live.edition_id._withdraw(_("The run was cancelled."))
        return True

    def action_ask(self):
        """Ask for the reason; the context names what is done with it."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "distribution.report.reason",
            "view_mode": "form",
            "target": "new",
            "context": {"default_run_id": self.id, "default_purpose": self.env.context.get("purpose", "again")},
        }

    def action_edition(self):
        self.ensure_one()
        return self.edition_id._show()

    def _show(self):
        self.ensure_one()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id, "view_mode": "form"}

    # --------------------------------------------------------------------- job

    @api.model
    def _cron_run(self, commit=True):
        """Work on what is to be done, step by step, until nothing is left or the turn is over."""
        self._wake_decided()
        deadline = time.monotonic() + TURN
        while time.monotonic() < deadline:
            run = self.browse()
            try:
                run = self._next()
                if not run:
                    break
                if commit and not run._claim():
                    continue
                run._advance()
                self.env.flush_all()
            except Exception as error:  # pylint: disable=broad-except
                if not commit:
                    raise
                self.env.cr.rollback()
                if getattr(error, "pgcode", None) not in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    if not run:
                        raise
                    run._give_up(error)
                elif run:
                    in_turn(self.env, run._let_go)
            if commit:
                # Each step is finished work: a run that is killed goes on behind it.
                self.env.cr.commit()  # pylint: disable=invalid-commit
            self.env.invalidate_all()
        else:
            self._wake()

    @api.model
    def _wake_decided(self):
        """Runs whose release was decided go on."""
        waiting = self.sudo().search([("state", "=", "waiting")])
        decided = waiting.filtered(lambda run: run.edition_id._decided())
        decided.write({"state": "running"})

    @api.model
    def _next(self):
        """The next run that has something to do; nobody else has it until the end of the transaction."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT id FROM distribution_report_run
                WHERE state IN %s AND (next_try_at IS NULL OR next_try_at <= %s)
             ORDER BY next_try_at NULLS FIRST, id
                LIMIT 1
           FOR UPDATE SKIP LOCKED""",
            (LIVE, fields.Datetime.now()),
        )
        row = self.env.cr.fetchone()
        run = self.sudo().browse(row[0] if row else ())
        run.invalidate_recordset()
        return run

    def _claim(self):
        """Note, committed, that the next step begins: a death is counted then, and others come first after it.

        :return: whether the run is still this worker's
        """
        step = self.step_ids.filtered(lambda one: one.name == next_step(self._step_states()))
        if not step:
            return True
        step.interrupted += 1
        self.next_try_at = fields.Datetime.now() + timedelta(seconds=PAUSE * step.interrupted)
        self.env.flush_all()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.cr.execute(
            "SELECT 1 FROM distribution_report_run WHERE id = %s AND state IN %s FOR UPDATE SKIP LOCKED",
            (self.id, LIVE),
        )
        mine = bool(self.env.cr.fetchone())
        self.env.invalidate_all()
        return mine

    def _let_go(self):
        """Somebody else changed the same rows at this moment: nobody died, and nobody waits for the next try."""
        step = self.step_ids.filtered(lambda one: one.name == next_step(self._step_states()))
        if self.state in LIVE and step.interrupted:
            step.interrupted -= 1
            self.next_try_at = False

    def _give_up(self, error):
        """Whatever cannot even be told as the failure of a step stops this run, and no other."""
        _logger.error("Report run %s cannot go on.", self.id, exc_info=error)
        self.write({"state": "failed", "error": str(error)[:2000], "next_try_at": False})
        self.env["distribution.case"]._open(
            "report_failed",
            self,
            _("Report stopped: %s", self.display_name),
            detail=self._for_operations(str(error)[:2000]),
            dedup_key=f"report_run,{self.id}",
        )
        try:
            with self.env.cr.savepoint():
                self._tell_late(_("It cannot go on; those who answer for it know."))
        except Exception:  # pylint: disable=broad-except
            # What stopped it may keep it from telling as well: it is stopped all the same.
            _logger.exception("Nobody could be told that report run %s is late.", self.id)

    def _step_states(self):
        return {step.name: step.state for step in self.step_ids}

    def _advance(self):
        """Do the next step."""
        self.ensure_one()
        if self.state == "held":
            if self.held_since < fields.Datetime.now() - LONGEST_HOLD:
                self.step_ids.filtered(lambda step: step.state == "held").write({"state": "failed"})
                return self._settle()
            self._again()
        if not self.started_at:
            self.started_at = fields.Datetime.now()
        name = next_step(self._step_states())
        step = self.step_ids.filtered(lambda one: one.name == name)
        began = time.monotonic()
        died = step.interrupted - 1
        step.write(
            {
                "started_at": fields.Datetime.now(),
                "attempts": step.attempts + 1,
                "interrupted": 0,
                "error": False,
                "cause": False,
            }
        )
        try:
            with self.env.cr.savepoint():
                if died >= TRIES:
                    raise StepFailed(_("The process that did this step died %s times.", died), "transformation")
                values = getattr(self, f"_do_{name}")() or {}
                self.env.flush_all()
        except Exception as error:
            if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                raise
            _logger.info("Report run %s: %s failed", self.id, name, exc_info=True)
            self.invalidate_recordset()
            values = self._failure(step, error)
        step.write({"state": "done", **values, "seconds": time.monotonic() - began})
        return self._settle()

    def _failure(self, step, error):
        """What a step that failed says."""
        cause, may_pass = _cause_of(error)
        again = is_tried_again(cause, may_pass, step.attempts)
        message = str(error.args[0]) if error.args else type(error).__name__
        if again:
            pause = backoff_seconds(step.attempts, base=PAUSE, cap=LONGEST_PAUSE, jitter=random.random())
            self.next_try_at = fields.Datetime.now() + timedelta(seconds=pause)
        return {"state": "pending" if again else "failed", "error": message[:2000], "cause": cause}

    def _settle(self):
        """Bring the run in line with its steps."""
        state = run_state(self._step_states())
        values = {"state": state}
        if state == "done":
            values.update(finished_at=fields.Datetime.now(), next_try_at=False, error=False)
        elif state == "failed":
            step = self.failed_step_id
            values.update(finished_at=fields.Datetime.now(), next_try_at=False, error=step.error)
        elif state == "waiting" or not self.step_ids.filtered(lambda step: step.state == "pending" and step.error):
            values["next_try_at"] = self.next_try_at if state == "held" else False
        self.write(values)
        if state == "failed":
            self._tell_failed()
        return True

    def _tell_failed(self):
        step = self.failed_step_id
        self._record("failed", {"step": step.name, "cause": step.cause or "odoo"})
        self.env["distribution.case"]._open(
            "report_failed",
            self,
            _("Report stopped: %s", self.display_name),
            detail=self._for_operations(self.error or ""),
            dedup_key=f"report_run,{self.id}",
        )
        # What went wrong may name what only readers of the report may see.
        self._tell_late(_("It stopped at the step “%s”; those who answer for it know.", step.name))

    def _for_operations(self, text):
        """What cases and the ledger say: many read them; of reports that are not internal only that it is so."""
        if self.version_id.classification == "internal" or not text:
            return text
        return _("The report is not internal: who answers for it sees the details in the run and its edition.")

    def _record(self, fact, facts):
        self.env["distribution.event"].sudo()._record(
            f"distribution.report_run.{fact}.v1",
            self,
            {
                "report": self.report_id.code,
                "period": self.period,
                "attempt": self.attempt,
                "site_id": self._site_id(),
                **facts,
            },
            correlation=f"distribution.report,{self.report_id.id}",
        )

    def _tell_late(self, why):
        """Those who expect it hear once that it is late, and why: further attempts at the same tell nobody again,
        until one of them was handed out.
        """
        if self.late_told_at:
            return
        self.late_told_at = fields.Datetime.now()
        if not self._is_told_already():
            self.env["distribution.report.delivery"]._tell_late(self, why)

    def _is_told_already(self):
        """Whether people wait since an earlier attempt, and know."""
        same = [(name, "=", self[name]) for name in ("period_first", "period_last", "parameters")]
        earlier = self.search(
            [("report_id", "=", self.report_id.id), *same, ("attempt", "<", self.attempt)], order="attempt desc"
        )
        for run in earlier:
            if run.state == "done":
                return False
            if run.late_told_at:
                return True
        return False

    # ------------------------------------------------------------------- steps

    def _site_id(self):
        return self.site_id.id or self.version_id.site_id.id or None

    def _scope(self):
        version = self.version_id
        reader = self.env["res.users"].browse(version._sealed()["ids"]["reader"])
        return self.env["distribution.report.builder"]._scope(
            version, self.period_first, self.period_last, reader, self.site_id, self.category_id
        )

    def _recapture(self):
        """Take the numbers anew."""
        self.step_ids.filtered(lambda step: step.name in STEPS[: STEPS.index("exceptions") + 1]).write(
            {"state": "pending"}
        )
        self.write({"captured": False, "content": False, "hold_reason": False})

    def _taken(self):
        """``(Content with what was captured, {code: Table}, {code: Figure})``."""
        captured = Content.from_json(self.captured)
        tables = {section.code: section.table for section in captured.sections if section.code != FIGURES}
        return captured, tables, {figure.code: figure for section in captured.sections for figure in section.figures}

    def _do_capture(self):
        """Everything that the report is made of, as it is at one moment: later steps only look at this."""
        builder, scope, moment = self.env["distribution.report.builder"], self._scope(), fields.Datetime.now()
        tables = builder._capture(scope)
        captured = Content(
            self.report_id.code,
            self.report_id.name,
            self.company_id.name,
            Period(str(self.period_first), str(self.period_last), self.period),
            sections=(
                *(Section(code, code, table=table) for code, table in tables.items()),
                Section(FIGURES, FIGURES, figures=tuple(builder._measured(scope).values())),
            ),
            inputs=tuple(builder._freshness(scope, moment)),
            parameters=(*builder._parameters(scope), *builder._outage(scope, self.missed_days)),
        )
        self.write({"captured": captured.to_json(), "captured_at": moment})
        warning = False
        if self.missed:
            warning = _("Missed before it: %s", self.missed_days or self.missed)
        return {"rows": sum(len(table.rows) for table in tables.values()), "warning": warning}

    def _do_freshness(self):
        scope, (captured, _tables, _figures) = self._scope(), self._taken()
        late = [one.label for one in captured.inputs if one.state != "fresh"]
        return {
            "rows": len(captured.inputs),
            "warning": _("Late: %s", ", ".join(late)) if late else False,
            **self._held(scope, captured.inputs, ()),
        }

    def _do_checks(self):
        scope, (captured, tables, figures) = self._scope(), self._taken()
        checks = self.env["distribution.report.builder"]._checks(scope, tables, figures)
        self.captured = replace(captured, checks=tuple(check for _entry, check in checks)).to_json()
        bad = [f"{check.label}: {check.detail}" for _entry, check in checks if check.state != "passed"]
        return {
            "rows": len(checks),
            "warning": "\n".join(bad) or False,
            **self._held(scope, (), checks),
        }

    def _judged(self, scope, inputs, checks):
        return judged(scope, inputs, checks, self.overruled_reason or "", self.let_go or ())

    def _held(self, scope, inputs, checks):
        """The values of a step that holds the report; nothing where it goes on."""
        conclusion = self._judged(scope, inputs, checks)
        hold = conclusion.hold
        if not hold:
            return {}
        now = fields.Datetime.now()
        tries = sum(self.step_ids.mapped("attempts"))
        pause = backoff_seconds(tries, base=PAUSE, cap=LONGEST_PAUSE, jitter=random.random())
        self.write(
            {
                "hold_reason": hold,
                "held_for": list(conclusion.held_for),
                "held_since": self.held_since or now,
                "next_try_at": now + timedelta(seconds=pause),
            }
        )
        if not self.late_told_at:
            self._record("held", {"reason": self._for_operations(hold)})
        self._tell_late(hold)
        return {"state": "held", "error": hold, "cause": "transformation"}

    def _do_compute(self):
        scope, (captured, tables, figures) = self._scope(), self._taken()
        checks = list(zip(scope.definition.get("checks", ()), captured.checks))
        conclusion = self._judged(scope, captured.inputs, checks)
        scope.parameters = captured.parameters
        content, _findings = self.env["distribution.report.builder"]._compute(
            scope, tables, figures, captured.inputs, checks, conclusion, self.captured_at
        )
        self.content = content.to_json()
        return {"rows": len(content.sections), "warning": "\n".join(content.marks) or False}

    def _do_exceptions(self):
        """Findings of the thresholds; breaches of those that ask for it open a case."""
        scope, (captured, tables, figures) = self._scope(), self._taken()
        builder = self.env["distribution.report.builder"]
        checks = list(zip(scope.definition.get("checks", ()), captured.checks))
        dropped = builder._dropped(scope, captured.inputs, checks)
        number, crossed = 0, False
        for rule, findings in builder._findings(scope, tables, figures, dropped):
            number += len(findings)
            breaches = [one for one in findings if one.severity == "breach"]
            crossed = crossed or bool(breaches)
            if breaches and rule.opens_case:
                self.env["distribution.case"]._open(
                    "report_exception",
                    self,
                    _("%(report)s: %(threshold)s", report=self.report_id.name, threshold=rule.label),
                    detail=self._for_operations("\n".join(f"{one.document} {one.detail}".strip() for one in breaches)),
                    dedup_key=f"report_exception,{self.report_id.id},{rule.code}",
                )
        self.is_crossed = crossed
        return {"rows": number, "warning": _("A threshold was crossed.") if crossed else False}

    def _do_approval(self):
        edition = self.edition_id
        if not edition:
            edition = self.edition_id = self.env["distribution.report.edition"]._propose(self)
        decision = edition._decided()
        if not decision:
            return {"state": "waiting"}
        if decision != "released":
            raise StepFailed(edition._refusal(), "approval")
        edition._check_released(people_needed(self.version_id.release_pattern, self.is_crossed))
        edition._number()
        return {"rows": len(edition._sign_offs())}

    def _do_render(self):
        return {"rows": self.edition_id._render()}

    def _do_distribute(self):
        return {"rows": self.edition_id._distribute()}


def _cause_of(error):
    """``(cause, whether it may pass by itself)`` of what a step raised."""
    if isinstance(error, StepFailed):
        return error.cause, False
    if isinstance(error, OSError):
        return "outside", True
    if isinstance(error, psycopg2.Error):
        return "odoo", True
    if isinstance(error, UserError | AccessError):
        return "odoo", False
    # The renderer works in a process of its own, which may have been killed.
    return "transformation", type(error).__name__ == "RenderError"
