"""Today's numbers, kept fresh by what happens: a cache, not evidence.

Rules, in words
---------------
* What may change a number – an order confirmed, goods moved, a bill posted, any event of the ledger – leaves a mark
  with the transaction: one plain insert per kind of document, without locks. Nothing is measured there. Which of it
  does so is said by automation rules (``kpi_rule.py``).
* The job takes the marks away, finds which KPIs count such documents, and measures these anew. What was not touched
  is measured when the day changes.
* Two workers refresh different companies.
"""

import logging
from collections import defaultdict
from functools import partial

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES
from odoo.addons.distribution_core.turns import each_in_turn

from .kpi_rule import MOST_ROUNDS
from .kpi_snapshot import COLUMNS as SNAPSHOT_COLUMNS

_logger = logging.getLogger(__name__)

NOTED = "distribution.kpi.touch"
COLUMNS = tuple(name for name in SNAPSHOT_COLUMNS if name not in ("revision", "reason", "user_ref", "version_id"))


class KpiTouch(models.Model):
    """Marks that something happened; read and deleted by the job only."""

    _name = "distribution.kpi.touch"
    _description = "Mark for a KPI"
    _log_access = False
    _order = "id"

    company_ref = fields.Integer(required=True, readonly=True)
    res_model = fields.Char(required=True, readonly=True)

    @api.model
    def _note(self, res_model, companies, ids=()):
        """Remember for the end of the transaction that documents of these companies changed.

        :param ids: the documents, for rules that act on each of them
        """
        noted = self._noted()
        noted.changed.update((company.id, res_model) for company in companies or self.env.company)
        noted.ids[res_model].update(ids)

    @api.model
    def _mark(self, res_model, companies):
        """Have what counts such documents measured anew, whatever the rules say."""
        self._noted().marks.update((company.id, res_model) for company in companies or self.env.company)

    @api.model
    def _noted(self):
        queue = self.env.cr.precommit
        if NOTED not in queue.data:
            queue.data[NOTED] = Noted()
            queue.add(lambda env=self.env: _leave_marks(env))
        return queue.data[NOTED]


class Noted:
    """What happened in a transaction and is not in the table of marks yet.

    ``changed``: ``{(company id, kind of document)}`` that mark as the rules say; ``ids``: these documents;
    ``marks``: the same as ``changed``, whatever the rules say.
    """

    __slots__ = ("changed", "ids", "marks")

    def __init__(self):
        self.changed, self.ids, self.marks = set(), defaultdict(set), set()


def _leave_marks(env):
    """Set off the rules, and leave all marks at once; what the rules change sets off rules again."""
    queue, marks, rules = env.cr.precommit, set(), env["base.automation"]
    for _round in range(MOST_ROUNDS):
        noted = queue.data.pop(NOTED, None)
        if noted is None:
            break
        marks |= noted.marks | rules._set_off_on_kpis(noted)
    else:
        rules._went_round()
    if marks:
        env.cr.execute(
            "INSERT INTO distribution_kpi_touch (company_ref, res_model) VALUES %s" % ", ".join(["%s"] * len(marks)),
            sorted(marks),
        )


class KpiCurrent(models.Model):
    _name = "distribution.kpi.current"
    _description = "KPI of Today"
    _inherit = ["distribution.kpi.number"]
    _log_access = False
    _order = "kpi_id, site_id"
    _rec_name = "kpi_id"

    kpi_id = fields.Many2one("distribution.kpi", "KPI", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade", index=True)
    site_id = fields.Many2one("stock.warehouse", readonly=True, ondelete="cascade", help="Empty: the whole company.")
    day = fields.Date(required=True, readonly=True)
    is_measured = fields.Boolean("Measured", required=True, readonly=True)
    value = fields.Float(readonly=True, digits=(24, 4), group_operator="avg")
    numerator = fields.Float(readonly=True, digits=(24, 6))
    denominator = fields.Float(readonly=True, digits=(24, 6))
    rows = fields.Integer("Records", readonly=True)
    taken_at = fields.Datetime("Refreshed", required=True, readonly=True)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_kpi_current_once
                   ON distribution_kpi_current (kpi_id, company_id, COALESCE(site_id, 0))"""
        )

    @api.model
    def _cron_refresh(self, commit=None):
        """Measure what is due, company by company, each in a transaction of its own.

        :param commit: default: unless tests run
        """
        # sudo: the job acts for nobody, and the number of a company is made of all of it
        job = self.sudo()
        # Somebody may have the same numbers measured at this moment: then it looks again.
        steps = [partial(job._refresh_due, company) for company in job.env["res.company"].search([])]
        each_in_turn(self.env, steps, commit)

    @api.model
    def _refresh_due(self, company):
        if self._take_turn(company):
            self._refresh(company, self._due(company))

    @api.model
    def _take_turn(self, company):
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(hashtext('distribution.kpi.current'), %s)", [company.id])
        return self.env.cr.fetchone()[0]

    @api.model
    def _due(self, company):
        """KPIs of which something happened, and those that were not measured today. Takes the marks away."""
        self.env.cr.execute(
            "DELETE FROM distribution_kpi_touch WHERE company_ref = %s RETURNING res_model", [company.id]
        )
        touched = {row[0] for row in self.env.cr.fetchall()}
        today = company._day_of(fields.Datetime.now())
        fresh = self.search([("company_id", "=", company.id), ("day", "=", today), ("site_id", "=", False)]).kpi_id
        sources = self.env["distribution.kpi.source"]._sources()

        def is_due(kpi):
            source = sources.get(kpi.source)
            return source and (
                kpi not in fresh
                or source.moves_on
                or touched & {*source.touched, f"{kpi._name},{kpi.id}"}
                or (touched and "*" in source.touched)
            )

        return self.env["distribution.kpi"].search([("version_id", "!=", False)]).filtered(is_due)

    @api.model
    def _forget(self, kpis):
        """These are measured anew before anybody is shown a number of today."""
        self.search([("kpi_id", "in", kpis.ids)]).unlink()

    @api.model
    def _refresh(self, company, kpis):
        """Measure these now; what cannot be measured keeps its former number, and the nightly job opens a case."""
        today = company._day_of(fields.Datetime.now())
        snapshots, rows, done = self.env["distribution.kpi.snapshot"], [], []
        for kpi in kpis:
            try:
                with self.env.cr.savepoint():
                    rows += snapshots._rows(kpi, company, today, True)
                    done.append(kpi.id)
            except Exception:  # pylint: disable=broad-except
                _logger.warning("KPI %s of %s could not be refreshed.", kpi.code, company.id, exc_info=True)
        if not done:
            return
        self.env.cr.execute(
            "DELETE FROM distribution_kpi_current WHERE company_id = %s AND kpi_id = ANY(%s)", [company.id, done]
        )
        place = f"({', '.join(['%s'] * len(COLUMNS))})"
        self.env.cr.execute(
            f"""INSERT INTO {self._table} ({", ".join(COLUMNS)}) VALUES {", ".join([place] * len(rows))}
                ON CONFLICT DO NOTHING""",
            [row.get(name) for row in rows for name in COLUMNS],
        )
        self.invalidate_model()


class Kpi(models.Model):
    _inherit = "distribution.kpi"

    def _mark_due(self, companies):
        """Have these measured by the job, soon after this transaction."""
        for kpi in self:
            self.env["distribution.kpi.touch"]._mark(f"{kpi._name},{kpi.id}", companies)
        # sudo: jobs are the system's
        self.env.ref("reporting_workflows.ir_cron_kpi_refresh").sudo()._trigger()

    def action_capture(self):
        """Measure these now, for the present company; also for server actions."""
        user = self.env.user
        if not (user.has_group("distribution_core.group_operations") or self.env.su) and not all(
            user in (kpi.owner_id, kpi.backup_owner_id) for kpi in self
        ):
            raise AccessError(_("Only the owner of a KPI, or operations, has it measured out of turn."))
        # sudo: the number of a company is made of all of it; who may read it is said by the access rules
        self.env["distribution.kpi.current"].sudo()._refresh(self.env.company.sudo(), self.sudo())
        return True


# ----------------------------------------------------------------------------
# What leaves marks
# ----------------------------------------------------------------------------


class DistributionEvent(models.Model):
    _inherit = "distribution.event"

    @api.model
    def _record(self, type, records, data=None, **options):
        events = super()._record(type, records, data, **options)
        if records:
            has_company = "company_id" in records._fields and records._name != "res.company"
            # sudo: who acts on a document need not be allowed to read its company
            companies = records.sudo().company_id if has_company else self.env.company
            self.env["distribution.kpi.touch"]._note(records._name, companies, records._ids)
        return events


class StockMove(models.Model):
    _inherit = "stock.move"

    first_deadline = fields.Datetime(
        readonly=True,
        copy=False,
        help="What was promised before the deadline was moved; empty: it never was.",
    )
    cancelled_at = fields.Datetime(readonly=True, copy=False, help="Goods that were due by then were not delivered.")

    def write(self, vals):
        """What was promised first stays, and the deadline by which goods were judged when they left as well."""
        if "state" in vals or "date_deadline" in vals:
            self._touch_kpis()
        if vals.get("state") == "cancel":
            vals = {**vals, "cancelled_at": fields.Datetime.now()}
        if "date_deadline" not in vals:
            return super().write(vals)
        over = self.filtered(lambda move: move.state == "done")
        (self - over)._keep_first_deadline(fields.Datetime.to_datetime(vals["date_deadline"]))
        if not over:
            return super().write(vals)
        rest = {name: value for name, value in vals.items() if name != "date_deadline"}
        super(StockMove, over).write(rest)
        return super(StockMove, self - over).write(vals)

    def _keep_first_deadline(self, deadline):
        """Remember what was promised in what is going to be moved to ``deadline``."""
        moved = self.filtered(
            lambda move: (
                move.state not in ("draft", "cancel")
                and move.date_deadline
                and not move.first_deadline
                and move.date_deadline != deadline
            )
        )
        for promised, moves in moved.grouped("date_deadline").items():
            moves.write({"first_deadline": promised})

    def _prepare_move_split_vals(self, qty):
        return {**super()._prepare_move_split_vals(qty), "first_deadline": self.first_deadline}

    def _touch_kpis(self):
        if self:
            touches = self.env["distribution.kpi.touch"]
            touches._note("stock.move", self.company_id, self._ids)
            touches._note("stock.picking", self.company_id)


class StockPicking(models.Model):
    _inherit = "stock.picking"

    first_deadline = fields.Datetime(
        "Promised First", compute="_compute_first_deadline", help="By which it is judged, whoever moved its deadline."
    )

    @api.depends("move_type", "date_deadline", "move_ids.first_deadline", "move_ids.date_deadline")
    def _compute_first_deadline(self):
        for picking in self:
            promised = [one for move in picking.move_ids if (one := move.first_deadline or move.date_deadline)]
            chosen = min if picking.move_type == "direct" else max
            picking.first_deadline = chosen(promised, default=picking.date_deadline)


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals and self:
            self.env["distribution.kpi.touch"]._note(self._name, self.company_id, self._ids)
        return result


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        added = lines.order_id.filtered(lambda order: order.state == "sale")
        if added:
            self.env["distribution.kpi.touch"]._note("sale.order", added.company_id, added._ids)
        return lines

    def write(self, vals):
        result = super().write(vals)
        if {"product_uom_qty", "price_unit", "discount"} & vals.keys() and self:
            self.env["distribution.kpi.touch"]._note("sale.order", self.company_id, self.order_id._ids)
        return result


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals and self:
            self.env["distribution.kpi.touch"]._note(self._name, self.company_id, self._ids)
        return result


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        added = lines.order_id.filtered(lambda order: order.state in PURCHASE_CONFIRMED_STATES)
        if added:
            self.env["distribution.kpi.touch"]._note("purchase.order", added.company_id, added._ids)
        return lines

    def write(self, vals):
        result = super().write(vals)
        if {"date_planned", "product_qty", "price_unit"} & vals.keys() and self:
            self.env["distribution.kpi.touch"]._note("purchase.order", self.company_id, self.order_id._ids)
        return result


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals and self:
            self.env["distribution.kpi.touch"]._note(self._name, self.company_id, self._ids)
        return result
