"""A replenishment run: rules are evaluated batch by batch, what must be ordered is ordered, the rest is counted.

A batch is one transaction: it takes the turn of the company, evaluates the next rules behind the cursor, writes its
proposals, places its orders and moves the cursor. A run that was killed goes on behind the cursor; two workers
never take the same run (``FOR UPDATE SKIP LOCKED``), and two runs of a company never order past each other (the turn).
"""

import logging
import time
from collections import Counter

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .procurement_run import LIVE
from .replenishment_known import unknown_changes

_logger = logging.getLogger(__name__)

#: Rules of one batch: a transaction of some seconds. Quotations are recomputed once per batch.
BATCH = 4000
#: Up to so many rules the buyer waits for the result; more are left to the scheduled action.
AT_ONCE = 200
#: Seconds after which the scheduled action makes room for others and has itself called again.
TURN = 240
#: Seconds left to whoever waited for a batch: what Odoo repeats it begins again after two seconds at most.
COURTESY = 2.5


class ReplenishmentRun(models.Model):
    _name = "distribution.replenishment.run"
    _inherit = "distribution.procurement.run"
    _description = "Replenishment Run"
    _check_company_auto = True

    _run_asked = frozenset(
        {"company_id", "warehouse_ids", "category_ids", "orderpoint_ids", "is_trial", "has_manual_rules"}
    )
    _run_counts = ("enough", "ordered", "reviewed", "waiting", "dismissed", "failed")
    _run_results = ("last_ref", "handed_to_core", "value")
    _run_job = "procurement_automation.ir_cron_replenishment"

    warehouse_ids = fields.Many2many(
        "stock.warehouse",
        "distribution_replenishment_run_warehouse_rel",
        string="Sites",
        check_company=True,
        help="Empty: all sites of the company.",
    )
    category_ids = fields.Many2many(
        "product.category",
        "distribution_replenishment_run_category_rel",
        string="Product Categories",
        help="With the categories below them. Empty: all.",
    )
    orderpoint_ids = fields.Many2many(
        "stock.warehouse.orderpoint",
        "distribution_replenishment_run_orderpoint_rel",
        string="Rules",
        check_company=True,
        help="Empty: all rules of the sites and categories.",
    )
    is_trial = fields.Boolean("Trial", help="Shows what would be ordered, and orders nothing.")
    has_manual_rules = fields.Boolean(
        "With Manual Rules", help="Also rules that are triggered manually; a buyer sees them."
    )
    origin = fields.Selection(
        selection_add=[("night", "Scheduled"), ("moves", "Goods moved")],
        ondelete={"night": "set default", "moves": "set default"},
    )
    last_ref = fields.Integer(readonly=True, copy=False, help="Number of the last rule that was evaluated.")
    handed_to_core = fields.Text(
        readonly=True,
        copy=False,
        help="Addons that change how Odoo computes needs. Odoo's own, slower way is used for all rules.",
    )
    total = fields.Integer("Number of Rules")
    done = fields.Integer("Evaluated")
    enough = fields.Integer("Nothing to do", readonly=True, copy=False)
    ordered = fields.Integer(readonly=True, copy=False, help="Within policy: ordered without a buyer.")
    reviewed = fields.Integer("For a Buyer", readonly=True, copy=False)
    waiting = fields.Integer(
        "Waiting Already", readonly=True, copy=False, help="An unchanged proposal of before waits."
    )
    dismissed = fields.Integer("Dismissed Before", readonly=True, copy=False)
    failed = fields.Integer(readonly=True, copy=False)
    value = fields.Monetary("Value Ordered", readonly=True, copy=False)
    proposal_ids = fields.One2many("distribution.replenishment.proposal", "run_id", readonly=True)

    # --------------------------------------------------------------- actions

    def action_start(self):
        """Start: at once when there are few rules, else as a job that shows its progress."""
        self._check_startable()
        # sudo: results are written by the run; the buyer was checked, the company by the record rule
        run = self.sudo()
        run._start()
        if run.total <= AT_ONCE:
            while run.state in LIVE:
                run._advance()
        else:
            self._wake()
        return self._show()

    def action_proposals(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_replenishment_proposal")
        return {**action, "domain": [("run_id", "=", self.id)], "context": {}}

    def _check_ready(self):
        for run in self:
            if problem := run._why_not_ours():
                raise UserError(problem)

    def _why_not_ours(self):
        """Why this run may not order: one of the two acts, runs or Odoo's scheduler. Nothing where it may."""
        # sudo: who orders is no secret of the company
        if self.is_trial or self.company_id.sudo().replenishment_by == "suite":
            return ""
        return _(
            "Odoo's scheduler replenishes %s. Make a trial, or hand replenishment over in the settings.",
            self.company_id.name,
        )

    # ------------------------------------------------------------------- job

    @api.model
    def _cron_run(self, commit=True):
        """Work on what is queued, batch by batch, until nothing is left or the turn is over."""
        self._start_woken()
        if commit:
            # The wake-ups are a run now; what follows is retried on its own.
            self.env.cr.commit()  # pylint: disable=invalid-commit
        deadline = time.monotonic() + TURN
        while time.monotonic() < deadline:
            run = self._next_queued()
            if not run:
                return
            run_id = run.id
            try:
                run._advance()
                if commit:
                    is_awaited = self.env["distribution.replenishment.turn"]._is_awaited()
                    # Each batch is finished work: a stopped run goes on behind it.
                    self.env.cr.commit()  # pylint: disable=invalid-commit
                    if is_awaited:
                        time.sleep(COURTESY)
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                if not commit:
                    raise
                self.env.cr.rollback()  # somebody ordered in between: look again
            except Exception as error:
                if not commit:
                    raise
                _logger.exception("Replenishment run %s failed", run_id)
                self.env.cr.rollback()
                self.browse(run_id).sudo()._fail(str(error))
                self.env.cr.commit()  # pylint: disable=invalid-commit
        self._wake()

    @api.model
    def _cron_night(self):
        """A run for every company whose stock is replenished by runs, unless one of the night is still at work."""
        busy = self.search([("state", "in", LIVE), ("origin", "=", "night")]).company_id
        for company in self.env["res.company"].search([("replenishment_by", "=", "suite")]) - busy:
            self.with_company(company).create({"company_id": company.id, "origin": "night"})._start()
        self._wake()

    @api.model
    def _start_woken(self):
        """Runs for the rules that moves have woken."""
        woken = self.env["distribution.replenishment.wakeup"]._consume()
        woken = woken.filtered(lambda rule: rule.company_id.replenishment_by == "suite")
        for company in woken.company_id:
            rules = woken.filtered(lambda rule, company=company: rule.company_id == company)
            run = self.with_company(company).create(
                {"company_id": company.id, "origin": "moves", "orderpoint_ids": [(6, 0, rules.ids)]}
            )
            run._start()

    @api.model
    def _next_queued(self):
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT id FROM distribution_replenishment_run
                WHERE state IN %s
             ORDER BY id
                LIMIT 1
           FOR UPDATE SKIP LOCKED""",
            (LIVE,),
        )
        row = self.env.cr.fetchone()
        run = self.browse(row[0] if row else ()).sudo()
        run.invalidate_recordset()
        return run

    def _open_failure(self, reason):
        self.env["distribution.case"]._open(
            "replenishment_failed",
            self,
            _("Replenishment stopped: %s", self.display_name),
            detail=reason,
            dedup_key=f"replenishment_run,{self.id}",
        )

    # ---------------------------------------------------------------- batches

    def _domain(self):
        """The rules in scope, without those that are snoozed."""
        domain = [
            ("company_id", "=", self.company_id.id),
            ("product_id.active", "=", True),
            "|",
            ("snoozed_until", "=", False),
            ("snoozed_until", "<=", fields.Date.context_today(self)),
        ]
        if not self.has_manual_rules:
            domain.append(("trigger", "=", "auto"))
        if self.orderpoint_ids:
            domain.append(("id", "in", self.orderpoint_ids.ids))
        if self.warehouse_ids:
            domain.append(("warehouse_id", "in", self.warehouse_ids.ids))
        if self.category_ids:
            domain.append(("product_id.categ_id", "child_of", self.category_ids.ids))
        return domain

    def _start(self):
        self._begin(
            handed_to_core="\n".join(unknown_changes(self.env)) or False,
            total=self.env["stock.warehouse.orderpoint"].search_count(self._domain()),
        )
        self._record_fact("started")

    def _advance(self):
        """Work out one batch. The number of queries does not depend on the number of its rules."""
        self.ensure_one()
        if problem := self._why_not_ours():
            self.write({"state": "cancelled", "error": problem, "finished_at": fields.Datetime.now()})
            self._record_fact("cancelled")
            return
        began = time.monotonic()
        if self._is_stopped():
            return
        if not self.is_trial:
            self.env["distribution.replenishment.turn"]._take(self.company_id)
        rules = self.env["stock.warehouse.orderpoint"].search(
            [("id", ">", self.last_ref), *self._domain()], order="id", limit=BATCH
        )
        if rules:
            counts, value = self._propose(rules)
            self.write(
                {
                    **{name: self[name] + counts[name] for name in ("done", *self._run_counts)},
                    "state": "running",
                    "last_ref": rules[-1].id,
                    "value": self.value + value,
                    "seconds": self.seconds + time.monotonic() - began,
                }
            )
            _logger.info("Replenishment run %s: %s of %s rules", self.id, self.done, self.total)
        if len(rules) < BATCH:
            self.write({"state": "done", "total": self.done, "finished_at": fields.Datetime.now()})
            self._record_fact("completed")
        self.env.flush_all()
        self.env.invalidate_all()

    def _propose(self, rules):
        """Evaluate, judge, write proposals, order; returns the counts and the value that was ordered."""
        judgement = self.env["distribution.replenishment.judgement"]._prepared(rules)
        company = self.company_id.with_env(judgement.env)
        findings = judgement._evaluate_prepared(rules.with_env(judgement.env), company.replenishment_look_out)
        judged = judgement._judge(findings.values(), company)
        judgement._look_at_sites(judged, company)
        proposals = self.env["distribution.replenishment.proposal"]
        judged, waiting, dismissed = proposals._sift(judged, self, rules)
        routine = [one for one in judged if one.is_routine]
        problems = {} if self.is_trial else judgement._place_orders(routine, company)
        ordered = [one for one in routine if one.finding.orderpoint_id not in problems]
        value = proposals._note(judgement, judged, self, ordered, problems)
        failed = len(problems)
        problems.update((key, finding.problem) for key, finding in findings.items() if finding.problem)
        self._open_cases(problems)
        counts = Counter(
            done=len(rules),
            ordered=len(ordered),
            reviewed=len(judged) - len(ordered) - failed,
            waiting=waiting,
            dismissed=dismissed,
            failed=len(problems),
        )
        counts["enough"] = len(rules) - sum(counts[name] for name in self._run_counts if name != "enough")
        return counts, value

    def _open_cases(self, problems):
        """One case for each rule that cannot be evaluated."""
        for rule in self.env["stock.warehouse.orderpoint"].browse(problems):
            self.env["distribution.case"]._open(
                "replenishment_rule_failed",
                rule,
                _(
                    "Cannot replenish %(product)s at %(site)s",
                    product=rule.product_id.display_name,
                    site=rule.location_id.display_name,
                ),
                detail=problems[rule.id],
                dedup_key=f"replenishment_rule,{rule.id}",
            )

    # ----------------------------------------------------------------- ledger

    def _fact_data(self):
        return {"trial": self.is_trial, "value": f"{self.value:.2f}"}
