"""A forecast run: the demand of every product and site of a company, batch by batch.

A batch is one transaction: it reads the history of the next products behind the cursor, forecasts them together (they
learn from each other), works out the reorder rules that reach the service asked for, replaces the suggestions of
before and moves the cursor. A run that was killed goes on behind it.
"""

import logging
import time

from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, float_round

from odoo.addons.distribution_core.turns import in_turn

from ..engine.demand_history import FREAK, RETURNED, STOCK_OUT, clean
from ..engine.forecast_methods import LibraryMissing, is_available
from .procurement_run import LIVE

_logger = logging.getLogger(__name__)

#: Products of one batch, which learn from each other.
BATCH = 2000
#: Seconds after which the scheduled action makes room for others and has itself called again.
TURN = 240
MONTH_DAYS = 365.25 / 12
#: Months that are forecast, and known ones that a suggestion needs.
HORIZON, LEAST_MONTHS = 12, 6
#: Units a year that must be expected before a product without a rule gets one.
WORTH_A_RULE = 1
#: Stock is looked at every night.
REVIEW = 1 / MONTH_DAYS


class DemandRun(models.Model):
    _name = "distribution.demand.run"
    _inherit = "distribution.procurement.run"
    _description = "Demand Forecast Run"
    _check_company_auto = True

    _run_asked = frozenset({"company_id", "warehouse_ids"})
    _run_counts = ("suggested", "fitting", "unknown", "dismissed")
    _run_results = ("last_site_ref", "last_product_ref", "stock_value_effect")
    _run_job = "procurement_automation.ir_cron_demand"

    warehouse_ids = fields.Many2many(
        "stock.warehouse",
        "distribution_demand_run_warehouse_rel",
        string="Sites",
        check_company=True,
        help="Empty: all sites of the company.",
    )
    origin = fields.Selection(selection_add=[("month", "Scheduled")], ondelete={"month": "set default"})
    last_site_ref = fields.Integer(readonly=True, copy=False)
    last_product_ref = fields.Integer(readonly=True, copy=False)
    total = fields.Integer("Products at Sites")
    done = fields.Integer("Forecast")
    suggested = fields.Integer("Suggestions", readonly=True, copy=False)
    fitting = fields.Integer("Rule Fits", readonly=True, copy=False, help="Or none is needed.")
    unknown = fields.Integer(
        "Too Little Known", readonly=True, copy=False, help="Forecast, but no rule is suggested; each says why."
    )
    dismissed = fields.Integer("Dismissed Before", readonly=True, copy=False)
    stock_value_effect = fields.Monetary(
        "Effect on Stock Value", readonly=True, copy=False, help="If all suggestions were accepted."
    )

    # --------------------------------------------------------------- actions

    def action_start(self):
        """Start as a job; the form shows its progress."""
        self._check_startable()
        # sudo: results are written by the run; the buyer was checked, the company by the record rule
        self.sudo()._start()
        self._wake()
        return self._show()

    def _check_ready(self):
        if not is_available():
            raise UserError(str(LibraryMissing()))

    def action_suggestions(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_demand_suggestion")
        return {**action, "domain": [("run_id", "=", self.id)]}

    # ------------------------------------------------------------------- job

    @api.model
    def _cron_forecast(self, commit=True):
        """Start the run of the month where it is due; work on what is queued, each batch in its own transaction."""
        in_turn(self.env, self._start_due, commit)
        deadline = time.monotonic() + TURN
        while time.monotonic() < deadline:
            run = self.search([("state", "in", LIVE)], order="id", limit=1)
            if not run:
                return
            run_id = run.id
            try:
                if not in_turn(self.env, lambda run_id=run_id: self.browse(run_id)._advance(), commit):
                    return  # another worker has it
            except Exception as error:
                if not commit:
                    raise
                _logger.exception("Demand run %s failed", run_id)
                self.env.cr.rollback()
                self.env.invalidate_all()
                self.browse(run_id)._fail(str(error))
                self.env.cr.commit()  # pylint: disable=invalid-commit
        self._wake()

    @api.model
    def _start_due(self):
        """A run for every company that forecasts, once in a month."""
        history = self.env["distribution.demand.history"]
        for company in self.env["res.company"].search([("demand_is_forecast", "=", True)]):
            begun = history._months(company)[-1]
            known = self.search([("company_id", "=", company.id), ("origin", "=", "month")], order="id desc", limit=1)
            if not known.started_at or company._day_of(known.started_at) < begun:
                self.with_company(company).create({"company_id": company.id, "origin": "month"})._start()

    def _start(self):
        self._begin(total=self.env["distribution.demand.history"]._count_pairs(self.company_id, self.warehouse_ids))

    def _open_failure(self, reason):
        self.env["distribution.case"]._open(
            "demand_failed",
            self,
            _("Demand was not forecast: %s", self.company_id.name),
            detail=reason,
            dedup_key=self._case_key(),
        )

    def _advance(self):
        """Work out one batch; False when another worker has the run.

        The number of queries does not depend on the number of its products.
        """
        self.ensure_one()
        if not self._is_mine():
            return False
        if self._is_stopped():
            return True
        if not is_available():
            self._fail(str(LibraryMissing()))
            return True
        began = time.monotonic()
        run = self.with_company(self.company_id)
        after = (self.last_site_ref, self.last_product_ref)
        pairs = self.env["distribution.demand.history"]._next_pairs(
            self.company_id, self.warehouse_ids, after, self._batch_size()
        )
        if pairs:
            made = run._suggest(pairs)
            self.write(
                {
                    "state": "running",
                    "last_site_ref": pairs[-1][0],
                    "last_product_ref": pairs[-1][1],
                    "done": self.done + len(pairs),
                    **{name: self[name] + made[name] for name in made},
                    "seconds": self.seconds + time.monotonic() - began,
                }
            )
            _logger.info("Demand run %s: %s of %s products at sites", self.id, self.done, self.total)
        if len(pairs) < self._batch_size():
            self._complete()
        self.env.flush_all()
        self.env.invalidate_all()
        return True

    def _complete(self):
        self.env["distribution.demand.suggestion"]._outdate_left(self)
        self.write({"state": "done", "total": self.done, "finished_at": fields.Datetime.now()})
        self._record_fact("completed")
        self.env["distribution.case"]._mend([self._case_key()], _("Demand was forecast afterwards."))

    def _case_key(self):
        return f"demand_failed,{self.company_id.id}"

    def _is_mine(self):
        """Take the run, unless another worker has it or it was stopped."""
        return bool(self._at_rest())

    def _batch_size(self):
        """Even batches: a small last one would have little to learn from."""
        batches = -(-self.total // BATCH) or 1
        return -(-self.total // batches) or 1

    # ---------------------------------------------------------------- batches

    def _suggest(self, pairs):
        """Forecast ``pairs`` and write their suggestions; returns the counts to add."""
        company = self.company_id
        supply = self.env["distribution.demand.supply"]
        rules, unclear = supply._rules(pairs)
        recorded = self.env["distribution.demand.history"]._recorded(company, pairs, rules)
        histories = {
            pair: clean(
                [None if units is None else round(units, 6) for units in one.asked],
                [round(units, 6) for units in one.returned],
                one.available,
            )
            for pair, one in recorded.items()
        }
        sources = supply._sources(company, pairs, rules)
        facts = self.env["distribution.demand.suggestion"]._facts_of(company, pairs, recorded, sources)
        worked_out = _work_out(pairs, histories, facts, rules, company.demand_order_months)
        values = [
            self._values_of(pair, recorded[pair], histories[pair], facts[pair], rules.get(pair), worked_out[pair])
            for pair in pairs
        ]
        for pair, vals in zip(pairs, values):
            vals.update(self._verdict(vals, histories[pair], facts[pair], rules.get(pair), pair in unclear))
        return self._replace(pairs, values)

    def _values_of(self, pair, recorded, history, facts, rule, result):
        forecast, wanted, present = result
        months = self.env["distribution.demand.history"]._months(self.company_id)
        source, demand, backtest = facts.source, forecast.demand, forecast.backtest
        monthly = sum(demand.path) / len(demand.path)
        return {
            "run_id": self.id,
            "company_id": self.company_id.id,
            "product_id": pair[1],
            "warehouse_id": pair[0],
            "location_id": rule.location_id if rule else facts.location_id,
            "orderpoint_id": rule.id if rule else False,
            "vendor_id": source.vendor_id,
            "first_month": months[history.skipped],
            "history": list(history.demand),
            "forecast_from": months[-1],
            "forecast": [round(units, 4) for units in demand.path],
            "history_months": len(history.known),
            "demand_months": sum(1 for units in history.known if units),
            "asked_year": sum(units or 0 for units in history.demand[-12:]),
            "returned_year": sum(recorded.returned[-12:]),
            "promised": recorded.promised,
            "out_of_stock_days": recorded.out_of_stock_days,
            "corrections": self._in_words(history, months),
            "kind": forecast.kind,
            "method": forecast.method,
            "backtest_months": backtest.periods if backtest else 0,
            "rmsse": (backtest.rmsse or 0.0) if backtest else 0.0,
            "bias": backtest.bias if backtest else 0.0,
            "expected_month": monthly,
            "expected_year": sum(demand.path[:12]),
            "deviation": (max(demand.dispersion, facts.unit) * monthly + (demand.uncertainty * monthly) ** 2) ** 0.5,
            "lead_days": source.lead_days,
            "lead_deviation": source.deviation,
            "lead_source": source.measured_by,
            "receipts": source.receipts,
            "service_level": 100 * facts.fill_rate,
            "expected_service": 100 * wanted.fill_rate,
            "present_service": 100 * present[1] if rule else 0.0,
            "safety_stock": wanted.safety_stock,
            "suggested_minimum": float_round(wanted.minimum, precision_rounding=facts.rounding),
            "suggested_maximum": float_round(wanted.maximum, precision_rounding=facts.rounding),
            "minimum": float_round(wanted.minimum, precision_rounding=facts.rounding),
            "maximum": float_round(wanted.maximum, precision_rounding=facts.rounding),
            "present_minimum": rule.minimum if rule else 0.0,
            "present_maximum": rule.maximum if rule else 0.0,
            "expected_stock": wanted.expected_stock,
            "present_stock": present[0] if rule else 0.0,
            "unit_cost": facts.cost,
        }

    def _in_words(self, history, months):
        """What was changed in a history, for the person who judges."""
        texts = {
            RETURNED: _("%(month)s: %(before)g asked for, %(after)g after returns"),
            STOCK_OUT: _("%(month)s: out of stock, the %(before)g sold say nothing"),
            FREAK: _("%(month)s: %(before)g asked for at once, counted as %(after)g"),
        }
        return "\n".join(
            texts[note.kind]
            % {"month": f"{months[note.period]:%Y-%m}", "before": note.before, "after": note.after or 0}
            for note in history.notes
        )

    def _verdict(self, vals, history, facts, rule, is_unclear):
        """State and reason of a suggestion with these values."""
        if is_unclear:
            return {"state": "unknown", "reason": "several_rules"}
        if len(history.known) < LEAST_MONTHS:
            return {"state": "unknown", "reason": "short_history"}
        if facts.source.measured_by == "unknown":
            return {"state": "unknown", "reason": "no_vendor"}
        if not rule and (vals["suggested_minimum"] <= 0 or vals["expected_year"] < WORTH_A_RULE):
            return {"state": "fitting"}
        is_close = rule and all(
            self._is_close(vals[f"present_{name}"], vals[f"suggested_{name}"], facts) for name in ("minimum", "maximum")
        )
        return {"state": "fitting" if is_close else "new"}

    def _is_close(self, left, right, facts):
        """Whether two levels differ by less than the company's tolerance."""
        difference = abs(left - right)
        within = self.company_id.demand_tolerance / 100 * max(left, right)
        return float_compare(difference, within, precision_rounding=facts.rounding) <= 0

    def _replace(self, pairs, values):
        """Replace what was suggested before; returns the counts to add."""
        suggestions = self.env["distribution.demand.suggestion"]
        dismissed = suggestions._outdate(pairs)
        counts = dict.fromkeys(("suggested", "fitting", "unknown", "dismissed"), 0)
        for pair, vals in zip(pairs, values):
            before = dismissed.get(pair)
            if vals["state"] == "new" and before and before._is_same(vals):
                vals.update(state="fitting", reason="dismissed")
            if vals.get("reason") == "dismissed":
                counts["dismissed"] += 1
            else:
                counts["suggested" if vals["state"] == "new" else vals["state"]] += 1
        made = suggestions.create(values)
        effect = sum(made.filtered(lambda one: one.state == "new").mapped("stock_value_effect"))
        return {**counts, "stock_value_effect": effect}

    # ----------------------------------------------------------------- ledger

    def _fact_data(self):
        return {"stock_value_effect": f"{self.stock_value_effect:.2f}"}


def _work_out(pairs, histories, facts, rules, cover):
    """``{pair: (Forecast, Rule wanted, (stock, fill rate) of the rule in force)}``.

    The libraries are imported here: a server's workers start without them.
    """
    from ..engine import safety_stock
    from ..engine.forecast import forecast

    forecasts = dict(zip(pairs, forecast([histories[pair].seamless() for pair in pairs], horizon=HORIZON)))
    supplies = {pair: _supply(safety_stock, facts[pair], cover) for pair in pairs}
    wanted = {}
    for fill_rate in {facts[pair].fill_rate for pair in pairs}:
        alike = [pair for pair in pairs if facts[pair].fill_rate == fill_rate]
        found = safety_stock.suggest(
            [forecasts[pair].demand for pair in alike], [supplies[pair] for pair in alike], fill_rate
        )
        wanted.update(zip(alike, found))
    in_force = [pair for pair in pairs if pair in rules]
    present = dict.fromkeys(pairs, (0.0, 0.0))
    levels = [(max(rules[pair].minimum, 0.0), max(rules[pair].maximum, rules[pair].minimum, 0.0)) for pair in in_force]
    judged = safety_stock.judge(
        [forecasts[pair].demand for pair in in_force], [supplies[pair] for pair in in_force], levels
    )
    present.update(zip(in_force, judged))
    return {pair: (forecasts[pair], wanted[pair], present[pair]) for pair in pairs}


def _supply(safety_stock, facts, cover):
    source = facts.source
    return safety_stock.Supply(
        lead_time=source.lead_days / MONTH_DAYS,
        review=REVIEW,
        lead_time_deviation=source.deviation / MONTH_DAYS,
        cover=cover,
        multiple=source.multiple,
        minimum_order=source.minimum_order,
        unit=facts.unit,
        cost=max(facts.cost, 0.01),
    )
