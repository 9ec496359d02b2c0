"""A product at a site: what is expected to be asked for, and the reordering rule that the service asked for needs.

A run makes one for each product and site, with the numbers behind it. Where the rule in force does not fit it waits
for a buyer, who accepts or dismisses it; a rule is changed under that person's own rights.
"""

from dataclasses import dataclass

from markupsafe import Markup, escape
from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import float_compare, float_repr

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY

from ..engine.demand_chart import bars
from .demand_supply import Source

#: Of these there is one for each product and site: the present forecast.
PRESENT = ("new", "fitting", "unknown")
#: At once, for each rule is written on its own.
MOST_AT_ONCE = 2000
#: Replaced suggestions that nobody decided on are kept so long.
KEPT_DAYS = 400


@dataclass(slots=True)
class Facts:
    """What a suggestion needs to know beside the history. ``unit``: the smallest quantity that is sold."""

    location_id: int
    fill_rate: float
    unit: float
    rounding: float
    cost: float
    source: Source


class DemandSuggestion(models.Model):
    _name = "distribution.demand.suggestion"
    _inherit = "distribution.procurement.finding"
    _description = "Demand Suggestion"
    _order = "stock_value_effect desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["product_id", "warehouse_id"]

    _finding_chosen = frozenset({"minimum", "maximum", "note"})
    _finding_waiting = "new"
    _finding_dismissed_days = "demand_dismissed_days"

    run_id = fields.Many2one("distribution.demand.run", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    product_id = fields.Many2one("product.product", required=True, readonly=True, index=True)
    product_category_id = fields.Many2one(related="product_id.categ_id", string="Category", store=True)
    uom_id = fields.Many2one(related="product_id.uom_id", string="Unit")
    warehouse_id = fields.Many2one("stock.warehouse", string="Site", required=True, readonly=True, index=True)
    location_id = fields.Many2one("stock.location", required=True, readonly=True)
    orderpoint_id = fields.Many2one(
        "stock.warehouse.orderpoint", string="Rule", readonly=True, ondelete="set null", index=True, check_company=True
    )
    vendor_id = fields.Many2one("res.partner", readonly=True)
    state = fields.Selection(
        [
            ("new", "To decide"),
            ("accepted", "Accepted"),
            ("dismissed", "Dismissed"),
            ("fitting", "Rule fits"),
            ("unknown", "Too little known"),
            ("outdated", "Outdated"),
        ],
        required=True,
        readonly=True,
        default="new",
        index=True,
    )
    reason = fields.Selection(
        [
            ("short_history", "Known for less than six months"),
            ("no_vendor", "No vendor and no route: lead time not known"),
            ("several_rules", "Several rules at the site, none of them at its stock"),
            ("dismissed", "Was dismissed lately"),
            ("changed", "The rule was changed after the forecast"),
        ],
        readonly=True,
    )

    # History
    first_month = fields.Date(readonly=True)
    history = fields.Json(readonly=True)
    history_months = fields.Integer("Months Known", readonly=True)
    demand_months = fields.Integer("Months with Demand", readonly=True)
    asked_year = fields.Float(
        "Asked for in a Year", readonly=True, digits=PRECISION_QUANTITY, help="Deliveries of 12 months less returns."
    )
    returned_year = fields.Float("Returned in a Year", readonly=True, digits=PRECISION_QUANTITY)
    promised = fields.Float(
        "Promised, Open", readonly=True, digits=PRECISION_QUANTITY, help="To customers, from this month on."
    )
    out_of_stock_days = fields.Integer("Days out of Stock", readonly=True, help="In the last 12 months.")
    corrections = fields.Text(readonly=True, help="What of the history was not taken as it was recorded.")

    # Forecast
    forecast_from = fields.Date(readonly=True)
    forecast = fields.Json(readonly=True)
    kind = fields.Selection([("regular", "Regular"), ("intermittent", "Intermittent")], "Demand", readonly=True)
    method = fields.Char(readonly=True, help="Chosen by what would have been right in the past.")
    backtest_months = fields.Integer(readonly=True, help="That were forecast from earlier ones and have happened.")
    rmsse = fields.Float(
        "Error (RMSSE)",
        readonly=True,
        digits=(16, 2),
        group_operator="avg",
        help="In the backtest, in units of the error of “as last month”: below 1 is better than that.",
    )
    bias = fields.Float(
        readonly=True,
        digits=(16, 2),
        group_operator="avg",
        help="In the backtest, per month: above 0 more was forecast than came.",
    )
    expected_month = fields.Float("Expected a Month", readonly=True, digits=(16, 2))
    expected_year = fields.Float("Expected in a Year", readonly=True, digits=PRECISION_QUANTITY)
    deviation = fields.Float(
        "Varies by", readonly=True, digits=(16, 2), group_operator=False, help="Standard deviation of a month's demand."
    )

    # Supply
    lead_days = fields.Float("Lead Time (days)", readonly=True, digits=(16, 1), group_operator="avg")
    lead_deviation = fields.Float(
        "Lead Time Varies by", readonly=True, digits=(16, 1), group_operator="avg", help="Standard deviation, in days."
    )
    lead_source = fields.Selection(
        [
            ("product", "Receipts of the product"),
            ("vendor", "Receipts of the vendor"),
            ("stated", "Stated by the vendor"),
            ("route", "Route from another site"),
            ("unknown", "Not known"),
        ],
        string="Lead Time by",
        readonly=True,
    )
    receipts = fields.Integer(readonly=True, group_operator=False, help="That the lead time was measured on.")

    # Suggestion
    service_level = fields.Float("Service Level (%)", readonly=True, digits=(16, 1), group_operator="avg")
    expected_service = fields.Float("Service Expected (%)", readonly=True, digits=(16, 1), group_operator="avg")
    present_service = fields.Float(
        "Service at Present (%)", readonly=True, digits=(16, 1), group_operator="avg", help="Of the rule in force."
    )
    safety_stock = fields.Float(
        readonly=True, digits=PRECISION_QUANTITY, help="The part of the minimum that is there for the unexpected."
    )
    suggested_minimum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    suggested_maximum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    minimum = fields.Float("New Minimum", digits=PRECISION_QUANTITY)
    maximum = fields.Float("New Maximum", digits=PRECISION_QUANTITY)
    present_minimum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    present_maximum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    expected_stock = fields.Float(
        "Average Stock Expected", readonly=True, digits=(16, 2), help="With the suggested minimum and maximum."
    )
    present_stock = fields.Float(
        "Average Stock at Present", readonly=True, digits=(16, 2), help="That the rule in force leads to."
    )
    unit_cost = fields.Float("Cost", readonly=True, digits="Product Price", group_operator="avg")
    stock_value_effect = fields.Monetary(
        "Effect on Stock Value",
        compute="_compute_stock_value_effect",
        store=True,
        precompute=True,  # else one UPDATE for each
        help="Average stock with the new rule less that of the rule in force, at cost.",
    )

    # Decision
    note = fields.Char(help="Why it was accepted or dismissed.")
    decided_by = fields.Many2one("res.users", readonly=True)
    decided_at = fields.Datetime(readonly=True)
    dismissed_until = fields.Date(readonly=True)
    reasoning = fields.Html(compute="_compute_reasoning", sanitize=False)
    chart = fields.Html(compute="_compute_chart", sanitize=False)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_demand_suggestion_present_unique
                   ON distribution_demand_suggestion (product_id, warehouse_id)
                WHERE state IN ('new', 'fitting', 'unknown')"""
        )

    # -------------------------------------------------------------- computes

    @api.depends("product_id", "warehouse_id")
    def _compute_display_name(self):
        for suggestion in self:
            suggestion.display_name = f"{suggestion.product_id.display_name} · {suggestion.warehouse_id.display_name}"

    @api.depends("minimum", "maximum")
    def _compute_stock_value_effect(self):
        """What a buyer adds to minimum and maximum lies in stock by half of both."""
        for suggestion in self:
            added = suggestion.minimum - suggestion.suggested_minimum
            added += suggestion.maximum - suggestion.suggested_maximum
            stock = max(suggestion.expected_stock + added / 2, 0.0) - suggestion.present_stock
            suggestion.stock_value_effect = stock * suggestion.unit_cost

    @api.depends("history", "forecast")
    def _compute_chart(self):
        for suggestion in self:
            suggestion.chart = bars(
                suggestion.first_month,
                suggestion.history or [],
                suggestion.forecast or [],
                asked=_("asked for"),
                expected=_("expected"),
                unknown=_("not known"),
            )

    @api.depends("minimum", "maximum")
    def _compute_reasoning(self):
        for suggestion in self:
            rows = Markup().join(
                Markup(
                    '<tr><td class="pe-3">%s</td><td class="text-end">%s</td><td class="ps-3 text-muted">%s</td></tr>'
                )
                % row
                for row in suggestion._reasoning_rows()
            )
            suggestion.reasoning = Markup('<table class="table table-sm mb-0">%s</table>') % rows

    def _reasoning_rows(self):
        """``(what, how much, remark)`` from what was asked for to the rule."""
        self.ensure_one()
        words = {name: dict(self._fields[name]._description_selection(self.env)) for name in ("kind", "lead_source")}
        number = self._number
        yield (
            _("Asked for in 12 months"),
            number(self.asked_year),
            _("in %(some)s of %(all)s months known", some=self.demand_months, all=self.history_months),
        )
        if self.returned_year:
            yield _("Returned"), number(self.returned_year), _("deducted")
        if self.promised:
            yield _("Promised to customers"), number(self.promised), _("deducted from stock by Odoo's own forecast")
        if self.out_of_stock_days:
            yield _("Out of stock"), _("%s days", self.out_of_stock_days), _("sales of such months may say nothing")
        yield (
            Markup("<b>%s</b>") % _("Expected a month"),
            Markup("<b>%s</b>") % number(self.expected_month),
            _(
                "%(kind)s demand; varies by %(deviation)s",
                kind=words["kind"][self.kind],
                deviation=number(self.deviation),
            )
            if self.kind
            else "",
        )
        if self.backtest_months:
            yield (
                _("Method"),
                escape(self._method_name()),
                _(
                    "tested on %(months)s months: error %(rmsse)s of “as last month”, bias %(bias)s a month",
                    months=self.backtest_months,
                    rmsse=number(self.rmsse),
                    bias=format(self.bias, "+.2f"),
                ),
            )
        else:
            yield _("Method"), escape(self._method_name()), _("not tested: the history is too short")
        yield (
            _("Lead time"),
            _("%s days", number(self.lead_days)),
            _(
                "%(measured)s; varies by %(deviation)s days",
                measured=words["lead_source"].get(self.lead_source, ""),
                deviation=number(self.lead_deviation),
            )
            + (_(" (%s receipts)", self.receipts) if self.receipts else ""),
        )
        yield (
            _("Service asked for"),
            f"{self.service_level:.1f} %",
            _("expected %.1f %%", self.expected_service)
            + (_("; the rule in force gives %.1f %%", self.present_service) if self.orderpoint_id else ""),
        )
        yield _("Safety stock"), number(self.safety_stock), _("within the minimum")
        yield (
            Markup("<b>%s</b>") % _("Minimum / maximum"),
            Markup("<b>%s / %s</b>") % (number(self.minimum), number(self.maximum)),
            _("now %(least)s / %(most)s", least=number(self.present_minimum), most=number(self.present_maximum))
            if self.orderpoint_id
            else _("no rule yet"),
        )
        yield _("Average stock"), number(self.expected_stock), _("now %s", number(self.present_stock))

    def _number(self, value):
        return float_repr(value, 2).rstrip("0").rstrip(".") or "0"

    def _method_name(self):
        names = {
            "combination": _("Combination"),
            "historic_average": _("Average of all months"),
            "moving_average": _("Average of a year"),
            "smoothing": _("Exponential smoothing"),
            "smoothing_slow": _("Slow exponential smoothing"),
            "auto_ets": _("Trend and season (ETS)"),
            "croston_sba": _("Croston, Syntetos–Boylan"),
            "tsb": _("Teunter–Syntetos–Babai"),
            "imapa": "IMAPA",
            "adida": "ADIDA",
        }
        return names.get(self.method, self.method or "")

    @api.constrains("minimum", "maximum")
    def _check_levels(self):
        if any(not 0 <= suggestion.minimum <= suggestion.maximum for suggestion in self):
            raise ValidationError(_("New Minimum and Maximum: not below zero, and the maximum not below the minimum."))

    # --------------------------------------------------------------- actions

    def action_ask_acceptance(self):
        """Show what accepting these would mean together, and ask."""
        waiting = self._to_decide()
        wizard = self.env["distribution.demand.acceptance"].create({"suggestion_ids": [(6, 0, waiting.ids)]})
        return {
            "type": "ir.actions.act_window",
            "name": _("Accept Suggestions"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_accept(self):
        """Change or make the rules as they were suggested. Those that changed meanwhile are left out."""
        waiting = self._to_decide()
        refused = waiting._accept()
        return self._notify(len(waiting) - len(refused), refused)

    def action_open_rule(self):
        self.ensure_one()
        if not self.orderpoint_id:
            raise UserError(_("There is no reordering rule for this product at this site yet."))
        action = self.env["ir.actions.act_window"]._for_xml_id("stock.action_orderpoint")
        return {**action, "domain": [("id", "=", self.orderpoint_id.id)], "context": {}}

    def action_open_months(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_demand_month")
        return {**action, "domain": [("suggestion_id", "in", self.ids)], "context": {"search_default_present": 0}}

    def _to_decide(self):
        waiting = super()._to_decide()
        if len(waiting) > MOST_AT_ONCE:
            raise UserError(_("At most %s suggestions at once: filter by site or category.", MOST_AT_ONCE))
        return waiting

    def _notify(self, accepted, refused):
        message = _("%s accepted.", accepted)
        if refused:
            names = {suggestion.id: suggestion.display_name for suggestion in self.browse(refused)}
            message += " " + " ".join(f"{names[key]}: {text}" for key, text in list(refused.items())[:5])
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if refused else "success",
                "message": message,
                "sticky": bool(refused),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # -------------------------------------------------------------- business

    def _accept(self):
        """Accept as this user; returns ``{suggestion: why not}``. Two who accept the same: the second is refused."""
        # Whoever decides on the same waits here; then the request is repeated, and nothing is left to decide.
        self.env.cr.execute(f"SELECT id FROM {self._table} WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (self.ids,))
        known = self._rules_now()
        changed = self.filtered(lambda suggestion: not suggestion._is_as_forecast(known.get(suggestion.id)))
        # sudo: state and decision are set by the buttons only; the buyer and the records were checked
        changed.sudo().write({"state": "outdated", "reason": "changed"})
        ready = self - changed
        missing = ready.filtered(lambda suggestion: not known.get(suggestion.id))
        # sudo: accepting is all that a buyer may do to reordering rules; the levels are those of the suggestion
        for suggestion in ready - missing:
            rule = known[suggestion.id].sudo()
            levels = {"product_min_qty": suggestion.minimum, "product_max_qty": suggestion.maximum}
            rule.write(levels if rule.active else {**levels, "active": True})
        made = (
            self.env["stock.warehouse.orderpoint"].sudo().create([one._prepare_orderpoint_values() for one in missing])
        )
        for suggestion, rule in [*zip(missing, made), *((one, known[one.id]) for one in ready - missing)]:
            if suggestion.orderpoint_id != rule:
                suggestion.sudo().orderpoint_id = rule
        ready.sudo().write({"state": "accepted", **self._decision()})
        ready.sudo()._record_fact("accepted")
        return dict.fromkeys(changed.ids, _("its rule was changed after the forecast; the next run looks again"))

    def _rules_now(self):
        """``{suggestion id: rule}`` as this user sees them, archived ones as well."""
        rules = self.env["stock.warehouse.orderpoint"].with_context(active_test=False)
        found = {
            (rule.product_id.id, rule.location_id.id): rule
            for rule in rules.search(
                [
                    ("product_id", "in", self.product_id.ids),
                    ("location_id", "in", self.location_id.ids),
                    ("company_id", "in", self.company_id.ids),
                ]
            )
        }
        return {one.id: found.get((one.product_id.id, one.location_id.id)) for one in self}

    def _is_as_forecast(self, rule):
        """Whether the rule is still the one that the suggestion was made for."""
        self.ensure_one()
        if not rule or not rule.active:
            return not self.orderpoint_id
        rounding = self.uom_id.rounding
        return (
            rule == self.orderpoint_id
            and not float_compare(rule.product_min_qty, self.present_minimum, precision_rounding=rounding)
            and not float_compare(rule.product_max_qty, self.present_maximum, precision_rounding=rounding)
        )

    def _prepare_orderpoint_values(self):
        """Values of a new reordering rule."""
        self.ensure_one()
        return {
            "product_id": self.product_id.id,
            "warehouse_id": self.warehouse_id.id,
            "location_id": self.location_id.id,
            "company_id": self.company_id.id,
            "product_min_qty": self.minimum,
            "product_max_qty": self.maximum,
        }

    @api.model
    def _facts_of(self, company, pairs, recorded, sources):
        """``{(site, product): Facts}``."""
        levels = company._demand_service_levels()
        products = self.env["product.product"].with_company(company).browse({product for _site, product in pairs})
        sites = self.env["stock.warehouse"].browse({site for site, _product in pairs})
        by_product, by_site = {one.id: one for one in products}, {one.id: one for one in sites}
        found = {}
        for pair in pairs:
            site, product = by_site[pair[0]], by_product[pair[1]]
            rounding = product.uom_id.rounding
            is_whole = all(
                float(units or 0).is_integer() for units in (*recorded[pair].asked, *recorded[pair].returned)
            )
            found[pair] = Facts(
                location_id=site.lot_stock_id.id,
                fill_rate=levels[product.categ_id.id],
                unit=max(rounding, 1.0) if is_whole else rounding,
                rounding=rounding,
                cost=product.standard_price,
                source=sources[pair],
            )
        return found

    @api.model
    def _outdate(self, pairs):
        """Replace the present suggestions of ``pairs``; returns those that were dismissed and still count, by pair.

        What fitted leaves no trace; what a buyer was asked is kept as outdated.
        """
        here = [
            ("product_id", "in", list({product for _site, product in pairs})),
            ("warehouse_id", "in", list({site for site, _product in pairs})),
        ]
        wanted = set(pairs)
        counting = ["&", ("state", "=", "dismissed"), ("dismissed_until", ">=", fields.Date.context_today(self))]
        known = self.search([*here, "|", ("state", "in", PRESENT), *counting], order="id")
        dismissed = known.filtered(lambda one: one.state == "dismissed")
        (known - dismissed).filtered(lambda one: one._pair() in wanted)._give_way()
        self.flush_model(["state"])  # before the next ones are inserted: one of each product and site
        return {one._pair(): one for one in dismissed}

    @api.model
    def _outdate_left(self, run):
        """Outdate what is present at the sites of a finished run and what it did not come by.

        Such as products without a rule that nobody asked for any more.
        """
        sites = [("warehouse_id", "in", run.warehouse_ids.ids)] if run.warehouse_ids else []
        left = [("company_id", "=", run.company_id.id), ("state", "in", PRESENT), ("run_id", "<", run.id)]
        self.search([*left, *sites])._give_way()

    def _give_way(self):
        """Make room for later ones."""
        asked = self._waiting()
        asked.write({"state": "outdated"})
        (self - asked).unlink()

    def _pair(self):
        return self.warehouse_id.id, self.product_id.id

    def _is_same(self, vals):
        """Whether new values are what was dismissed, within the company's tolerance."""
        within = self.company_id.demand_tolerance / 100
        return all(
            abs(self[name] - vals[name]) <= within * max(self[name], vals[name])
            for name in ("suggested_minimum", "suggested_maximum")
        )

    @api.autovacuum
    def _gc_outdated(self):
        """Suggestions that were replaced and that nobody decided on are deleted after a year."""
        before = fields.Datetime.subtract(fields.Datetime.now(), days=KEPT_DAYS)
        self.sudo().search([("state", "=", "outdated"), ("create_date", "<", before)], limit=10000).unlink()

    # ----------------------------------------------------------------- ledger

    def _record_fact(self, fact):
        self.env["distribution.event"]._record(
            f"distribution.demand_suggestion.{fact}.v1",
            self,
            lambda suggestion: {
                "run_id": suggestion.run_id.id,
                "rule_id": suggestion.orderpoint_id.id or None,
                "product_id": suggestion.product_id.id,
                "site_id": suggestion.warehouse_id.id,
                "minimum": str(suggestion.minimum),
                "maximum": str(suggestion.maximum),
                "suggested_minimum": str(suggestion.suggested_minimum),
                "suggested_maximum": str(suggestion.suggested_maximum),
                "present_minimum": str(suggestion.present_minimum),
                "present_maximum": str(suggestion.present_maximum),
                "service_level": f"{suggestion.service_level:.1f}",
                "method": suggestion.method,
                "stock_value_effect": f"{suggestion.stock_value_effect:.2f}",
                "currency": suggestion.currency_id.name,
            },
        )
