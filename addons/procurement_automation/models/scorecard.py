"""How a vendor did in a month, and what follows for its risk tier.

Rules, in words
---------------
* One card per vendor, company and month; worked out every night while the month is open, and closed some days after its
  end. A closed card is never changed.
* What it rests on cannot be edited: first promises, done movements, answers, discrepancies, matches kept when bills
  were confirmed first. The dates that buyers edit on orders are not read.
* What did not happen is not measured; a month with too few facts is not scored, and changes no tier.
* Days and months are those where the company works; goods arrive on the day that it is at the receiving site.
* What goes wrong with one vendor, or in one company, is a case; the others are worked out all the same.
* The tier follows from all closed cards by hysteresis (:mod:`..engine.scorecard`). What counts for policies is the
  stricter one of this and of what people set.
"""

import logging
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import psycopg2
from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_approval.engine import Unknown
from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import LINE_UOM
from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES
from odoo.addons.distribution_core.models.res_partner import RISK_TIERS

from ..engine import scorecard as engine
from ..engine.amounts import exact

_logger = logging.getLogger(__name__)

#: Field of the measure, field of how many facts it rests on.
MEASURES = (
    "on_time_in_full",
    "fill_rate",
    "lead_time",
    "price_variance",
    "confirmation_time",
    "discrepancy_rate",
    "bill_match_rate",
)
#: Where a vendor starts: cards make it stricter than people set it, and take that back.
START = "low"
KEPT = (
    "period_start",
    "period_end",
    "state",
    "score",
    "is_scored",
    "facts",
    "tier",
    "lead_time_drift",
    *MEASURES,
    *(f"{name}_of" for name in MEASURES),
)


class Scorecard(models.Model):
    _name = "distribution.scorecard"
    _description = "Vendor Scorecard"
    _inherit = ["distribution.approval.evidence"]
    _order = "period_start desc, score, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one("res.partner", "Vendor", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    period_start = fields.Date("Month", required=True, readonly=True, index=True)
    period_end = fields.Date(required=True, readonly=True)
    state = fields.Selection([("open", "Open"), ("closed", "Closed")], required=True, readonly=True, default="open")
    on_time_in_full = fields.Float("On Time in Full (%)", readonly=True, group_operator="avg")
    on_time_in_full_of = fields.Integer("Parts Due", readonly=True)
    fill_rate = fields.Float("Fill Rate (%)", readonly=True, group_operator="avg")
    fill_rate_of = fields.Integer("Parts Due (Value)", readonly=True)
    lead_time = fields.Float("Lead Time (days)", readonly=True, group_operator="avg")
    lead_time_of = fields.Integer("Arrivals", readonly=True)
    lead_time_drift = fields.Float("Lead Time Drift (days)", readonly=True, group_operator="avg")
    price_variance = fields.Float("Price over Contract (%)", readonly=True, group_operator="avg")
    price_variance_of = fields.Integer("Billed Lines with Contract", readonly=True)
    confirmation_time = fields.Float("Confirmation Time (hours)", readonly=True, group_operator="avg")
    confirmation_time_of = fields.Integer("Questions", readonly=True)
    discrepancy_rate = fields.Float("Receipts with Discrepancy (%)", readonly=True, group_operator="avg")
    discrepancy_rate_of = fields.Integer("Receipts", readonly=True)
    bill_match_rate = fields.Float("Bills that Match (%)", readonly=True, group_operator="avg")
    bill_match_rate_of = fields.Integer("Bills", readonly=True)
    facts = fields.Integer(readonly=True, help="What the measures rest on, together.")
    is_scored = fields.Boolean("Scored", readonly=True)
    score = fields.Float(readonly=True, group_operator="avg", help="0 to 100; only where Scored.")
    tier = fields.Selection(RISK_TIERS, readonly=True, help="By this and the earlier cards.")

    _sql_constraints = [
        ("period_unique", "UNIQUE (partner_id, company_id, period_start)", "One card per vendor, company and month.")
    ]

    def init(self):
        protect_columns(self.env.cr, self._table, KEPT, when="OLD.state = 'closed'", name="closed")

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Scorecards are worked out, not written."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Scorecards are kept."))

    # ------------------------------------------------------------
    # The job
    # ------------------------------------------------------------

    @api.model
    def _cron_score(self):
        """Work out the months that are open, and close those that are over; each in a transaction of its own."""
        cards = self.sudo()  # sudo: the job acts for nobody
        for company in cards.env["res.company"].search([("scorecard_kept", "=", True)]):
            day, failed = company._day_of(fields.Datetime.now()), {}
            with cards._attributed(failed, company, savepoint=True):
                cards._score_months(company, day, failed)
            cards._tell_failed(company, failed)
            cards._commit()
            if company not in failed:
                cards._close_months(company, day, failed)

    @api.model
    def _score_months(self, company, day, failed):
        """The months that are open, and one more: a job that did not run for weeks still measures what it closes."""
        start = (day - timedelta(days=company.scorecard_closing_days + 31)).replace(day=1)
        while start <= day:
            self._score_month(company, start, day, failed)
            start += relativedelta(months=1)
        self.env.flush_all()

    @contextmanager
    def _attributed(self, failed, record, savepoint=False):
        """What goes wrong in the block is noted in ``failed`` for ``record``; what the database refuses is for the
        block with a savepoint around it."""
        try:
            with self.env.cr.savepoint() if savepoint else nullcontext():
                yield
        except Exception as error:  # pylint: disable=broad-except
            is_of_database = isinstance(error, psycopg2.Error)
            if is_of_database and (not savepoint or error.pgcode in PG_CONCURRENCY_ERRORS_TO_RETRY):
                raise
            _logger.exception("The scorecards of %s could not be worked out.", record)
            failed.setdefault(record, error)

    def _tell_failed(self, company, failed, cause="scorecard_failed", words=None):
        """A case for what failed; those of before end where it went well.

        :param cause: type of the case
        """
        words = words or _("Scorecards of %s could not be worked out")
        cases = self.env["distribution.case"].with_company(company)
        own = f"{cause}:{company.id}:"
        for record, error in failed.items():
            cases._open(
                cause,
                record,
                words % record.display_name,
                detail=type(error).__name__,
                dedup_key=f"{own}{record._name}:{record.id}",
            )
        if company not in failed:
            known = cases.search([("dedup_key", "=like", f"{own}%"), ("state", "in", OPEN_STATES)])
            keys = {f"{own}{record._name}:{record.id}" for record in failed}
            cases._mend(set(known.mapped("dedup_key")) - keys, _("It went well again."))

    @api.model
    def _commit(self):
        if not tools.config["test_enable"]:
            self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _score_month(self, company, start, today, failed=None):
        """Bring the open cards of a month up to date. Returns them.

        :param failed: takes up what went wrong, ``{vendor: error}``
        """
        failed = {} if failed is None else failed
        end = start + relativedelta(months=1, days=-1)
        known = {
            card.partner_id: card
            for card in self.search([("company_id", "=", company.id), ("period_start", "=", start)])
        }
        cards = self.browse()
        for vendor, values in self._measure(company, engine.Period(start, end), today, failed).items():
            card = known.get(vendor)
            if not card:
                cards |= self.create(
                    {
                        "partner_id": vendor.id,
                        "company_id": company.id,
                        "period_start": start,
                        "period_end": end,
                        "state": "open",
                        **values,
                    }
                )
            elif card.state == "open":
                card.write(values)
                cards |= card
        return cards

    @api.model
    def _close_months(self, company, today, failed=()):
        """Close what ended long enough ago; then the tier of the vendor follows. Each card for itself.

        :param failed: vendors whose cards may not be up to date; these wait
        """
        over = today - timedelta(days=company.scorecard_closing_days)
        cards = self.search(
            [("company_id", "=", company.id), ("state", "=", "open"), ("period_end", "<", over)],
            order="period_start, id",
        )
        cards = cards.filtered(lambda card: card.partner_id not in failed)
        self.env["distribution.approval.batch"]._work_off(cards, "_close", "_not_closed")

    def _not_closed_key(self):
        return f"scorecard_not_closed:{self.id}"

    def _not_closed(self, error):
        self.env["distribution.case"].with_company(self.company_id)._open(
            "scorecard_failed",
            self.partner_id,
            _("A scorecard of %s could not be closed", self.partner_id.display_name),
            detail=type(error).__name__,
            dedup_key=self._not_closed_key(),
        )

    def _close(self):
        self.ensure_one()
        before = self._tier_before()
        history = [*self._earlier(), self]
        tier = engine.tier_after(
            START, [exact(card.score) if card.is_scored else None for card in history], self.company_id._tier_rules()
        )
        self.write({"state": "closed", "tier": tier})
        self.env["distribution.event"]._record(
            "distribution.scorecard.closed.v1",
            self,
            {
                "vendor_id": self.partner_id.id,
                "month": self.period_start,
                "score": self.score if self.is_scored else None,
                "tier": tier,
                "tier_before": before,
                "measures": {name: self[name] for name in MEASURES if self[f"{name}_of"]},
            },
        )
        self.partner_id._take_scorecard_tier()
        self.env["distribution.case"]._mend([self._not_closed_key()], _("The scorecard is closed."))
        if engine.TIERS.index(tier) > engine.TIERS.index(before):
            self.env["distribution.case"]._open(
                "vendor_declines",
                self,
                _(
                    "%(vendor)s does worse: %(score)s points",
                    vendor=self.partner_id.display_name,
                    score=round(self.score),
                ),
                detail=self._words(),
                dedup_key=f"vendor_declines:{self.company_id.id}:{self.partner_id.id}",
            )

    def _earlier(self):
        """Closed cards of the vendor in this company before this one, oldest first."""
        return self.search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "closed"),
                ("period_start", "<", self.period_start),
            ],
            order="period_start",
        )

    def _tier_before(self):
        return self._earlier()[-1:].tier or START

    def _words(self):
        """The measures, one a line."""
        labels = {name: self._fields[name]._description_string(self.env) for name in MEASURES}
        return "\n".join(f"{labels[name]}: {self[name]:g}" for name in MEASURES if self[f"{name}_of"])

    # ------------------------------------------------------------
    # Measuring, in sets: the number of queries does not depend on the number of vendors
    # ------------------------------------------------------------

    @api.model
    def _measure(self, company, period, today, failed):
        """``{vendor: values of the card}`` of every vendor for whom something happened in the period."""
        parts, arrivals = self._deliveries(company, period, failed)
        facts = {
            "price_variance": self._billed_prices(company, period, failed),
            "confirmation_time": self._answer_hours(company, period, failed),
            "discrepancy_rate": self._receipt_flags(company, period),
            "bill_match_rate": self._match_flags(company, period),
        }
        earlier = self._earlier_lead_times(company, period)
        vendors = set(parts) | {vendor for found in facts.values() for vendor in found}
        measured = {}
        for vendor in sorted(vendors.difference(failed), key=lambda vendor: vendor.id):
            with self._attributed(failed, vendor):
                measures = self._measures(
                    {name: found.get(vendor, ()) for name, found in facts.items()},
                    (parts.get(vendor, []), arrivals.get(vendor, [])),
                    period,
                    is_over=period.end <= today,
                )
                if any(measures.values()):
                    measured[vendor] = self._card_values(company, measures, earlier.get(vendor, ()))
        return measured

    def _measures(self, facts, deliveries, period, is_over):
        """``{measure: Measure or None}`` of one vendor."""
        return {
            "on_time_in_full": engine.on_time_in_full(*deliveries, period) if is_over else None,
            "fill_rate": engine.fill_rate(*deliveries, period) if is_over else None,
            "lead_time": engine.lead_time(*deliveries, period),
            "price_variance": engine.price_variance(facts["price_variance"]),
            "confirmation_time": engine.confirmation_time(facts["confirmation_time"]),
            "discrepancy_rate": engine.rate(facts["discrepancy_rate"]),
            "bill_match_rate": engine.rate(facts["bill_match_rate"]),
        }

    def _card_values(self, company, measures, earlier):
        drift = engine.drift(measures["lead_time"], earlier)
        values = {name: measure.value if measure else None for name, measure in measures.items()}
        values["lead_time_drift"] = drift
        number = sum(measure.of for measure in measures.values() if measure)
        points = engine.score(values, number, minimum=company.scorecard_minimum)
        card = {name: float(values[name] or 0) for name in (*MEASURES, "lead_time_drift")}
        card.update({f"{name}_of": measure.of if measure else 0 for name, measure in measures.items()})
        return {**card, "facts": number, "is_scored": points is not None, "score": float(points or 0)}

    def _deliveries(self, company, period, failed, vendors=None):
        """(``{vendor: [Part]}``, ``{vendor: [Arrival]}``) of what was due, or came, in the period.

        :param vendors: None: all of them
        """
        lines = self.env["distribution.supplier.confirmation.line"].search(
            [
                ("company_id", "=", company.id),
                "|",
                ("confirmation_id.state", "!=", "cancelled"),
                ("confirmation_id.cancelled_at", "!=", False),
                ("order_line_id", "!=", False),
                "|",
                "|",
                *_between("asked_day", period),
                *_between("first_promised_day", period),
                ("order_line_id", "in", self._arrivals(company, period, vendors).purchase_line_id.ids),
                *([] if vendors is None else [("partner_id", "in", vendors.ids)]),
            ]
        )
        firsts = defaultdict(list)
        for promise in self.env["distribution.supplier.promise"].search(
            [("line_id", "in", lines.ids), ("is_first", "=", True)]
        ):
            firsts[promise.line_id].append((promise.day, promise.quantity))
        parts, arrivals = defaultdict(list), defaultdict(list)
        for line in lines.filtered("asked_day"):
            with self._attributed(failed, line.partner_id):
                parts[line.partner_id] += self._parts_of(line, firsts[line])
                arrivals[line.partner_id] += self._arrivals_of(line)
        return parts, arrivals

    def _parts_of(self, line, promises):
        order, company = line.order_line_id.order_id, line.company_id
        # When the vendor was to know of it first; buyers edit the dates of the order.
        confirmation = line.confirmation_id
        ordered = company._day_of(min(confirmation.create_date, confirmation.asked_at), order._receiving_zone())
        price = order.currency_id._convert(line.asked_price, company.currency_id, company, ordered, round=False)
        quantity = max(line.asked_quantity, line.owed_quantity)
        parts = engine.parts_of(line.id, line.asked_day, quantity, promises, price, ordered)
        if confirmation.state != "cancelled":
            return parts
        # What was late when the order was cancelled was late; what was to come is not due any more.
        cancelled = company._day_of(confirmation.cancelled_at, order._receiving_zone())
        return [part for part in parts if part.due < cancelled]

    def _arrivals_of(self, line):
        order_line, arrivals = line.order_line_id, []
        zone = order_line.order_id._receiving_zone()
        for move in order_line.move_ids.filtered(lambda move: move.state == "done"):
            quantity = move.product_uom._compute_quantity(
                move.quantity, order_line[LINE_UOM], rounding_method="HALF-UP", raise_if_failure=False
            )
            sign = -1 if move.location_dest_id.usage == "supplier" else 1
            arrivals.append(engine.Arrival(line.id, line.company_id._day_of(move.date, zone), sign * quantity))
        return arrivals

    def _arrivals(self, company, period, vendors=None):
        """Movements of goods of orders that were done in the period."""
        return self.env["stock.move"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "done"),
                ("purchase_line_id", "!=", False),
                *_moments("date", company, period),
                *([] if vendors is None else [("purchase_line_id.partner_id", "child_of", vendors.ids)]),
            ]
        )

    def _earlier_lead_times(self, company, period):
        """``{vendor: [Measure]}`` of the six closed months before."""
        found = defaultdict(list)
        for card in self.search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "closed"),
                ("period_start", "<", period.start),
                ("period_start", ">=", period.start - relativedelta(months=6)),
                ("lead_time_of", ">", 0),
            ]
        ):
            found[card.partner_id].append(engine.Measure(exact(card.lead_time), card.lead_time_of))
        return found

    def _billed_prices(self, company, period, failed):
        """``{vendor: [(quantity, billed price, contract price)]}`` of bills in the currency of their order."""
        lines = self._bill_lines(company, period)
        prices = lines.purchase_line_id.order_id._approval_contract_prices()
        asked = {
            one.order_line_id: one
            for one in self.env["distribution.supplier.confirmation.line"].search(
                [("order_line_id", "in", lines.purchase_line_id.ids), ("contract", "!=", False)]
            )
        }
        found = defaultdict(list)
        for line in lines:
            vendor = line.purchase_line_id.order_id.partner_id.commercial_partner_id
            with self._attributed(failed, vendor):
                found[vendor] += self._billed_price(line, prices, asked.get(line.purchase_line_id))
        return found

    def _bill_lines(self, company, period):
        """Lines of posted bills of orders, by the day of the bill."""
        return self.env["account.move.line"].search(
            [
                ("company_id", "=", company.id),
                ("parent_state", "=", "posted"),
                ("move_id.move_type", "=", "in_invoice"),
                ("purchase_line_id", "!=", False),
                ("display_type", "=", "product"),
                *_between("move_id.invoice_date", period),
            ]
        )

    def _billed_price(self, line, prices, asked):
        """``[(quantity, billed price, contract price)]`` of a bill line; none where they cannot be compared.

        What was agreed is what was kept when the order was released, or else what the price list says of that day.
        """
        order_line = line.purchase_line_id
        order = order_line.order_id
        if asked:
            contract = exact(asked.contract_price) if asked.contract == "price" else None
        else:
            day = order.company_id._day_of(order.date_approve) if order.date_approve else None
            contract = order._approval_contract_price(order_line, prices, day)
        if contract is None or isinstance(contract, Unknown) or line.currency_id != order.currency_id:
            return []
        quantity = line.quantity
        if line.product_uom_id and line.product_uom_id != order_line[LINE_UOM]:
            quantity = line.product_uom_id._compute_quantity(quantity, order_line[LINE_UOM], round=False)
        return [(quantity, float(line._approval_value()) / quantity, contract)] if quantity > 0 else []

    def _answer_hours(self, company, period, failed):
        """``{vendor: [working hours until the first answer]}`` of what was asked in the period."""
        found = defaultdict(list)
        now = fields.Datetime.now()
        for confirmation in self._questions(company, period):
            with self._attributed(failed, confirmation.partner_id):
                hours = confirmation.answer_hours
                if not confirmation.first_answer_at:
                    hours = self.env["distribution.case"]._working_hours(company, confirmation.asked_at, now)
                found[confirmation.partner_id].append(hours)
        return found

    def _questions(self, company, period):
        """What vendors were asked in the period."""
        return self.env["distribution.supplier.confirmation"].search(
            [
                ("company_id", "=", company.id),
                ("state", "!=", "cancelled"),
                ("link_ids", "!=", False),
                *_moments("create_date", company, period),
            ]
        )

    def _receipt_flags(self, company, period):
        """``{vendor: [whether the receipt had a discrepancy]}``"""
        if not company.receipt_compared:
            return {}
        pickings = self._arrivals(company, period).picking_id.filtered(
            lambda picking: picking.picking_type_code == "incoming" and picking.purchase_id
        )
        wrong = set(
            self.env["distribution.receipt.discrepancy"]
            .search([("picking_ref", "in", pickings.ids)])
            .mapped("picking_ref")
        )
        found = defaultdict(list)
        for picking in pickings:
            found[picking.purchase_id.partner_id.commercial_partner_id].append(picking.id in wrong)
        return found

    def _match_flags(self, company, period):
        """``{vendor: [whether the bill matched when it was confirmed first]}``"""
        by_bill = defaultdict(set)
        for row in self.env["distribution.match.line"].search(
            [("company_id", "=", company.id), ("verdict", "!=", "unknown"), *_moments("matched_at", company, period)]
        ):
            by_bill[row.vendor_ref, row.bill_ref].add(row.verdict)
        vendors = self.env["res.partner"].browse({vendor for vendor, _bill in by_bill if vendor}).exists()
        known = {vendor.id: vendor.commercial_partner_id for vendor in vendors}
        found = defaultdict(list)
        for (vendor, _bill), verdicts in by_bill.items():
            if vendor in known:
                found[known[vendor]].append("beyond" not in verdicts)
        return found

    # ------------------------------------------------------------
    # Drill-down
    # ------------------------------------------------------------

    def action_open_promises(self):
        """The lines that were due."""
        return self._open(
            "action_supplier_promises",
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                "|",
                *_between("asked_day", self._period()),
                *_between("first_promised_day", self._period()),
            ],
        )

    def action_open_discrepancies(self):
        return self._open(
            "action_receipt_discrepancy",
            [
                ("vendor_ref", "=", self.partner_id.id),
                # sudo: numbers only; the list shows what the reader may see
                ("picking_ref", "in", self.sudo()._arrivals(self.company_id, self._period()).picking_id.ids),
            ],
        )

    def action_open_matches(self):
        return self._open(
            "action_match_line",
            [
                ("vendor_ref", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                *_moments("matched_at", self.company_id, self._period()),
            ],
        )

    def action_open_receipts(self):
        """The goods that came: what lead time is worked out from."""
        moves = self._arrivals(self.company_id, self._period()).filtered(
            lambda move: move.purchase_line_id.order_id.partner_id.commercial_partner_id == self.partner_id
        )
        return self._list(_("Goods that Came"), moves)

    def action_open_bills(self):
        """The bill lines that were compared with contract prices."""
        lines = self._bill_lines(self.company_id, self._period()).filtered(
            lambda line: line.purchase_line_id.order_id.partner_id.commercial_partner_id == self.partner_id
        )
        return self._list(_("Billed Prices"), lines)

    def action_open_answers(self):
        """The questions that the vendor was to answer."""
        asked = self._questions(self.company_id, self._period()).filtered(lambda one: one.partner_id == self.partner_id)
        return self._list(_("Confirmations"), asked)

    def _list(self, name, records):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": records._name,
            "view_mode": "tree,form",
            "domain": [("id", "in", records.ids)],
        }

    def _period(self):
        self.ensure_one()
        return engine.Period(self.period_start, self.period_end)

    def _open(self, action, domain):
        found = self.env["ir.actions.act_window"]._for_xml_id(f"procurement_automation.{action}")
        return {**found, "domain": domain, "context": {}}


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def _receiving_zone(self):
        """Name of the time zone of the site that receives, where it has one of its own."""
        return self.picking_type_id.warehouse_id.partner_id.tz


class ResPartner(models.Model):
    _inherit = "res.partner"

    scorecard_tier = fields.Selection(
        RISK_TIERS, "Risk by Scorecard", readonly=True, copy=False, help="The strictest one over the companies."
    )
    manual_risk_tier = fields.Selection(
        RISK_TIERS, "Risk Set by People", readonly=True, copy=False, help="The stricter one of both counts."
    )
    scorecard_ids = fields.One2many(
        "distribution.scorecard",
        "partner_id",
        readonly=True,
        groups="purchase.group_purchase_user,distribution_core.group_auditor,distribution_core.group_vendor_manager",
    )

    # Not among the commercial fields: they are kept on the company that the vendor is, and nobody copies them.

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_tiers([name for name, value in vals.items() if value])
        return super().create(vals_list)

    def write(self, vals):
        self._check_tiers(vals)
        if "vendor_risk_tier" not in vals or not any(self.mapped("scorecard_tier")):
            return super().write(vals)
        # What people set is remembered; what counts is the stricter one.
        for partner in self:
            tier = engine.stricter(vals["vendor_risk_tier"], partner.scorecard_tier or "low")
            super(ResPartner, partner).write({**vals, "vendor_risk_tier": tier})
            partner._remember_tier(vals["vendor_risk_tier"])
        return True

    def _check_tiers(self, names):
        if not self.env.su and not {"scorecard_tier", "manual_risk_tier"}.isdisjoint(names):
            raise AccessError(_("The tier by scorecard follows from the cards. Set the vendor risk instead."))

    def _set_vendor_standing(self, status=None, risk_tier=None):
        """Procedures – onboarding, a risk service – set what people set."""
        scored = self.filtered("scorecard_tier") if risk_tier else self.browse()
        result = super(ResPartner, self - scored)._set_vendor_standing(status=status, risk_tier=risk_tier)
        for partner in scored:
            tier = engine.stricter(risk_tier, partner.scorecard_tier)
            super(ResPartner, partner)._set_vendor_standing(status=status, risk_tier=tier)
            partner._remember_tier(risk_tier)
        return result

    def _remember_tier(self, tier):
        # sudo: the right to set the tier was looked at when it was set
        super(ResPartner, self.sudo()).write({"manual_risk_tier": tier})

    def _take_scorecard_tier(self):
        """Bring the risk tier of these vendors in line with their cards."""
        for partner in self.sudo():  # sudo: by the job that closes the cards
            latest = {}
            for card in partner.scorecard_ids.filtered(lambda card: card.state == "closed").sorted("period_start"):
                latest[card.company_id] = card.tier
            if not latest:
                continue
            tier = max(latest.values(), key=engine.TIERS.index)
            manual = partner.manual_risk_tier or partner.vendor_risk_tier
            super(ResPartner, partner).write({"scorecard_tier": tier, "manual_risk_tier": manual})
            effective = engine.stricter(tier, manual)
            if effective != partner.vendor_risk_tier:
                super(ResPartner, partner)._set_vendor_standing(risk_tier=effective)

    def action_open_scorecards(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_scorecard")
        return {
            **action,
            "views": sorted(action["views"], key=lambda view: view[1] != "graph"),
            "domain": [("partner_id", "=", self.commercial_partner_id.id)],
            "context": {},
        }


class ResCompany(models.Model):
    _inherit = "res.company"

    scorecard_kept = fields.Boolean("Vendor Scorecards", help="Worked out every night, closed once a month.")
    scorecard_closing_days = fields.Integer(
        "Close after (days)", default=5, help="Days after the end of the month; what is entered late still counts."
    )
    scorecard_minimum = fields.Integer("Facts Needed", default=3, help="A month with fewer facts is not scored.")

    def _tier_rules(self):
        """How scores become tiers; a company's own may be given by addons."""
        return engine.TierRules()


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    scorecard_kept = fields.Boolean(related="company_id.scorecard_kept", readonly=False)
    scorecard_closing_days = fields.Integer(related="company_id.scorecard_closing_days", readonly=False)
    scorecard_minimum = fields.Integer(related="company_id.scorecard_minimum", readonly=False)


def _between(name, period):
    """The leaves, with their own “and”, of a day in the period."""
    return ["&", (name, ">=", period.start), (name, "<=", period.end)]


def _moments(name, company, period):
    """The leaves of a moment in the period, by the days of the company."""
    begin, end = company._moments_of(period.start, period.end)
    return ["&", (name, ">=", begin), (name, "<", end)]
