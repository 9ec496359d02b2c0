"""A vendor that takes longer than its price list says: one case for its buyer, and what to do about it.

Rules, in words
---------------
* What is measured, and what a drift is, is plain Python (:mod:`..engine.lead_time_drift`), on the facts of the
  scorecard.
  Agreed is the lead time of the vendor's price list as it is now.
* One drift for each vendor and company, with its products; it is told once, and what it says is kept up to date. A case
  that was closed by hand is not opened again for the same drift.
* It is over when nothing of the vendor is beyond tolerance any more: it delivers as agreed, or something else was
  agreed.
* All vendors are looked at every night; whose goods arrived is looked at soon after, by the same job.
"""

import math
from collections import defaultdict
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import check_access
from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES as OPEN_CASES

from ..engine import scorecard
from ..engine.lead_time_drift import AgreedLine, DriftTolerance, drifts

JOB = "procurement_automation.ir_cron_lead_time"
#: Who sees drifts.
WATCHERS = (
    "purchase.group_purchase_user,distribution_core.group_vendor_manager,distribution_core.group_operations,"
    "distribution_core.group_auditor"
)
#: A receipt may take so long to be saved after its goods were booked.
GRACE = timedelta(hours=1)


class LeadTimeDrift(models.Model):
    _name = "distribution.lead.time.drift"
    _description = "Lead Time Drift"
    _inherit = ["distribution.engine.evidence"]
    _order = "since desc, id desc"
    _rec_name = "partner_id"

    partner_id = fields.Many2one("res.partner", "Vendor", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    state = fields.Selection([("open", "Too Slow"), ("over", "Over")], required=True, readonly=True, default="open")
    since = fields.Datetime("Found", required=True, readonly=True)
    ended_at = fields.Datetime("Over Since", readonly=True)
    worst_days = fields.Float("Worst (days over)", readonly=True, group_operator="max", digits=(16, 1))
    line_ids = fields.One2many("distribution.lead.time.drift.line", "drift_id", "Products", readonly=True)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_lead_time_drift_open_unique
                   ON distribution_lead_time_drift (partner_id, company_id) WHERE state = 'open'"""
        )

    # ------------------------------------------------------------
    # The job
    # ------------------------------------------------------------

    @api.model
    def _cron_watch(self):
        """Every vendor when the night's run is due; woken between, those whose goods arrived since the last run."""
        job = self.env.ref(JOB)
        nightly = not job.lastcall or job.nextcall <= fields.Datetime.now()
        cards = self.env["distribution.scorecard"].sudo()  # sudo: the job acts for nobody
        companies = cards.env["res.company"].search([("scorecard_kept", "=", True), ("lead_time_watched", "=", True)])
        for company in companies:
            failed = {}
            with cards._attributed(failed, company, savepoint=True):
                vendors = None if nightly else self._vendors_of_arrivals(company, job.lastcall - GRACE)
                self.sudo()._watch(company, vendors, failed)
            if nightly:
                cards._tell_failed(company, failed, "lead_time_failed", _("Lead times of %s could not be measured"))
            cards._commit()

    @api.model
    def _vendors_of_arrivals(self, company, since):
        moves = self.env["stock.move"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "done"),
                ("purchase_line_id", "!=", False),
                ("date", ">=", since),
            ]
        )
        return moves.purchase_line_id.order_id.partner_id.commercial_partner_id

    @api.model
    def _watch(self, company, vendors=None, failed=None):
        """Measure, tell what drifts, end what does not any more.

        :param vendors: None: all of them
        :param failed: takes up what went wrong, ``{vendor: error}``
        """
        failed = {} if failed is None else failed
        cards = self.env["distribution.scorecard"]
        today = company._day_of(fields.Datetime.now())
        period = scorecard.Period(today - timedelta(days=company.lead_time_days_back), today)
        parts, arrivals = cards._deliveries(company, period, failed, vendors)
        lines = self._agreed_lines(company, parts, today)
        open_ones = [("company_id", "=", company.id), ("state", "=", "open")]
        if vendors is not None:
            open_ones.append(("partner_id", "in", vendors.ids))
        known = {drift.partner_id: drift for drift in self.search(open_ones)}
        tolerance = company._lead_time_tolerance()
        for vendor in sorted({*parts, *known} - set(failed), key=lambda vendor: vendor.id):
            with cards._attributed(failed, vendor):
                found = drifts(lines, parts.get(vendor, ()), arrivals.get(vendor, ()), period, tolerance)
                if found or vendor in known:
                    with self.env.cr.savepoint():
                        known.get(vendor, self.browse())._follow(company, vendor, found)

    @api.model
    def _agreed_lines(self, company, parts, today):
        """``{confirmation line: AgreedLine}`` of those whose product is on the vendor's price list; one query."""
        keys = {part.line for own in parts.values() for part in own}
        lines = self.env["distribution.supplier.confirmation.line"].browse(keys)
        prices = self._vendor_prices(company, lines.partner_id, lines.product_id, today)
        found = {}
        for line in lines:
            known = prices.get((line.partner_id, line.product_id))
            if known and line.asked_day:
                found[line.id] = AgreedLine(line.product_id.id, known[0].delay, line.asked_day)
        return found

    @api.model
    def _vendor_prices(self, company, vendors, products, today):
        """``{(commercial vendor, product): prices in force, the one that Odoo takes first}``."""
        prices = self.env["product.supplierinfo"].search(
            [
                ("partner_id.commercial_partner_id", "in", vendors.ids),
                ("product_tmpl_id", "in", products.product_tmpl_id.ids),
                ("company_id", "in", (False, company.id)),
                "|",
                ("date_start", "=", False),
                ("date_start", "<=", today),
                "|",
                ("date_end", "=", False),
                ("date_end", ">=", today),
            ],
            order="sequence, min_qty, price, id",
        )
        by_template = defaultdict(list)
        for price in prices:
            by_template[price.partner_id.commercial_partner_id, price.product_tmpl_id].append(price)
        return {
            (vendor, product): self.env["product.supplierinfo"].union(*own)
            for product in products
            for vendor in vendors
            if (
                own := [
                    price
                    for price in by_template.get((vendor, product.product_tmpl_id), ())
                    if price.product_id in (product, product.browse())
                ]
            )
        }

    # ------------------------------------------------------------
    # A drift
    # ------------------------------------------------------------

    def _follow(self, company, vendor, found):
        """What was found of a vendor today; ``self``: its open drift, or none."""
        if not found:
            self._end()
            return
        values = {
            "worst_days": max(float(one.beyond) for one in found),
            "line_ids": [
                fields.Command.clear(),
                *(
                    fields.Command.create(
                        {
                            "product_id": one.about,
                            "agreed_days": float(one.agreed),
                            "taken_days": float(one.taken),
                            "arrivals": one.of,
                        }
                    )
                    for one in found
                ),
            ],
        }
        if self:
            before = self._words()
            self.write(values)
            case = self.env["distribution.case"].search(
                [("dedup_key", "=", self._case_key()), ("state", "in", OPEN_CASES)]
            )
            if case and self._words() != before:
                case.description = self._words()
            return
        drift = self.create(
            {"partner_id": vendor.id, "company_id": company.id, "since": fields.Datetime.now(), **values}
        )
        drift._record_fact("drifted", lambda one: {"products": [line._facts() for line in one.line_ids]})
        self.env["distribution.case"]._open(
            "lead_time_drift",
            drift,
            _("%s takes longer than agreed", vendor.display_name),
            detail=drift._words(),
            dedup_key=drift._case_key(),
            documents=[vendor],
        )

    def _end(self):
        if not self:
            return
        self.write({"state": "over", "ended_at": fields.Datetime.now()})
        self._record_fact("recovered", lambda one: {"since": fields.Datetime.to_string(one.since)})
        self.env["distribution.case"]._mend(
            [one._case_key() for one in self], _("Nothing of the vendor takes longer than agreed any more.")
        )

    def _record_fact(self, fact, facts):
        # sudo: the ledger is written for whoever acts
        self.env["distribution.event"].sudo()._record(
            f"distribution.lead_time.{fact}.v1", self, lambda one: {"vendor_id": one.partner_id.id, **facts(one)}
        )

    def _case_key(self):
        return f"lead_time_drift:{self.id}"

    def _words(self):
        """What drifts, one product a line, in whole days: what changes by hours is no news."""
        return "\n".join(
            _(
                "%(product)s: agreed %(agreed)s days, takes %(taken)s (%(number)s arrivals)",
                product=line.display_name,
                agreed=round(line.agreed_days),
                taken=round(line.taken_days),
                number=line.arrivals,
            )
            for line in self.line_ids
        )

    def _drift_buyer(self):
        """Who talks to the vendor: its buyer, else whoever bought from it last."""
        self.ensure_one()
        drift = self.sudo().with_company(self.company_id)  # sudo: whose goods are looked at, its buyer is told
        buyer = drift.partner_id.buyer_id
        if buyer._is_person() and drift.company_id in buyer.company_ids:
            return buyer
        order = drift.env["purchase.order"].search(
            [("partner_id", "child_of", drift.partner_id.id), ("company_id", "=", drift.company_id.id)],
            order="date_approve desc, id desc",
            limit=1,
        )
        return order._responsible_buyer() if order else buyer.browse()

    # ------------------------------------------------------------
    # What to do about it
    # ------------------------------------------------------------

    def action_adjust(self):
        """Plan with what the vendor keeps: the lead times of its price list become those that were measured, in whole
        days. Takes the right to write price lists."""
        self.ensure_one()
        lines = self.line_ids.filtered("product_id")
        if self.state != "open" or not lines:
            raise UserError(_("Nothing to adjust: choose the lead times on the vendor's price list."))
        today = self.company_id._day_of(fields.Datetime.now())
        prices = self._vendor_prices(self.company_id, self.partner_id, lines.product_id, today)
        changes = []
        for line in lines:
            days = math.ceil(line.taken_days)
            own = prices.get((self.partner_id, line.product_id), self.env["product.supplierinfo"])
            own = own.filtered(lambda price, days=days: price.delay < days)
            check_access(own, "write")
            changes += [{"product_id": line.product_id.id, "before": price.delay, "after": days} for price in own[:1]]
            own.write({"delay": days})
        self._record_fact("adjusted", lambda _one: {"products": changes})
        # sudo: the right to set lead times was checked; what follows is the engine's
        self.sudo()._watch(self.company_id, self.partner_id)
        return True

    def action_open_prices(self):
        """The vendor's prices of these products, with their lead times."""
        self.ensure_one()
        return self._list(
            _("Price List"),
            "product.supplierinfo",
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("product_tmpl_id", "in", self._templates().ids),
            ],
        )

    def _templates(self):
        return self.line_ids.product_id.product_tmpl_id

    def action_open_rules(self):
        """The reordering rules of these products: their minimum is the safety stock while the vendor is late."""
        self.ensure_one()
        return self._list(_("Reordering Rules"), "stock.warehouse.orderpoint", self._of_products())

    def action_open_suggestions(self):
        """What demand planning suggests for them; it measures lead times by itself."""
        self.ensure_one()
        return self._list(_("Demand Suggestions"), "distribution.demand.suggestion", self._of_products())

    def _of_products(self):
        return [("product_id", "in", self.line_ids.product_id.ids), ("company_id", "=", self.company_id.id)]

    def _list(self, name, model, domain):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "tree,form",
            "domain": domain,
        }


class LeadTimeDriftLine(models.Model):
    _name = "distribution.lead.time.drift.line"
    _description = "Product whose Lead Time Drifts"
    _inherit = ["distribution.engine.evidence"]
    _order = "drift_id, id"
    _rec_name = "product_id"

    drift_id = fields.Many2one(
        "distribution.lead.time.drift", required=True, readonly=True, index=True, ondelete="cascade"
    )
    product_id = fields.Many2one(
        "product.product", readonly=True, ondelete="restrict", help="Empty: products that seldom arrive, together."
    )
    agreed_days = fields.Float("Agreed (days)", readonly=True, digits=(16, 1))
    taken_days = fields.Float("Takes (days)", readonly=True, digits=(16, 1))
    arrivals = fields.Integer(readonly=True)

    @api.depends("product_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.product_id.display_name or _("Other products, together")

    def _facts(self):
        return {
            "product_id": self.product_id.id or None,
            "agreed_days": str(self.agreed_days),
            "taken_days": str(self.taken_days),
            "arrivals": self.arrivals,
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    lead_time_drift_days = fields.Float(
        "Longer than Agreed (days)",
        compute="_compute_lead_time_drift_days",
        digits=(16, 1),
        groups=WATCHERS,
    )

    def _compute_lead_time_drift_days(self):
        worst = dict(
            self.env["distribution.lead.time.drift"]._read_group(
                [("partner_id", "in", self.commercial_partner_id.ids), ("state", "=", "open")],
                ["partner_id"],
                ["worst_days:max"],
            )
        )
        for partner in self:
            partner.lead_time_drift_days = worst.get(partner.commercial_partner_id, 0.0)

    def action_open_lead_time_drift(self):
        """What the vendor drifts by, and what to do about it."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_lead_time_drift")
        return {**action, "domain": [("partner_id", "=", self.commercial_partner_id.id)]}


class StockPicking(models.Model):
    _inherit = "stock.picking"

    def _action_done(self):
        result = super()._action_done()
        # sudo: whoever receives, what is bought is watched
        if any(move.purchase_line_id and move.company_id._watches_lead_times() for move in self.sudo().move_ids):
            self.env.ref(JOB).sudo()._trigger()
        return result


class ResCompany(models.Model):
    _inherit = "res.company"

    lead_time_watched = fields.Boolean(
        "Watch Lead Times", default=True, help="A vendor that takes longer than its price list says is a case."
    )
    lead_time_tolerance_days = fields.Integer("Longer (days)", default=3)
    lead_time_tolerance_percent = fields.Float(
        "Longer (%)", default=25.0, help="Of the agreed lead time; of days and percent, whichever allows more."
    )
    lead_time_arrivals = fields.Integer("Arrivals Needed", default=3, help="Of a product; fewer say nothing.")
    lead_time_days_back = fields.Integer("Measured over (days)", default=90)

    _sql_constraints = [
        (
            "lead_time_positive",
            "CHECK (lead_time_tolerance_days >= 0 AND lead_time_tolerance_percent >= 0 AND lead_time_arrivals > 0 "
            "AND lead_time_days_back > 0)",
            "Lead times: tolerances of 0 or more, arrivals and days of 1 or more.",
        ),
    ]

    def _watches_lead_times(self):
        return self.scorecard_kept and self.lead_time_watched

    def _lead_time_tolerance(self):
        return DriftTolerance(
            self.lead_time_tolerance_days, self.lead_time_tolerance_percent, max(self.lead_time_arrivals, 1)
        )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lead_time_watched = fields.Boolean(related="company_id.lead_time_watched", readonly=False)
    lead_time_tolerance_days = fields.Integer(related="company_id.lead_time_tolerance_days", readonly=False)
    lead_time_tolerance_percent = fields.Float(related="company_id.lead_time_tolerance_percent", readonly=False)
    lead_time_arrivals = fields.Integer(related="company_id.lead_time_arrivals", readonly=False)
    lead_time_days_back = fields.Integer(related="company_id.lead_time_days_back", readonly=False)
