"""What a run would order, with its reasoning in numbers; accepted or dismissed by a buyer where policy asks for one."""

from dataclasses import asdict

from markupsafe import Markup, escape
from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import float_compare, float_repr, float_round
from psycopg2.extras import Json

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY

from ..engine import BLOCKING, REASONS


class ReplenishmentProposal(models.Model):
    _name = "distribution.replenishment.proposal"
    _inherit = "distribution.procurement.finding"
    _description = "Replenishment Proposal"
    _order = "runs_out_on, id desc"
    _check_company_auto = True
    _rec_names_search = ["product_id", "location_id"]

    _finding_chosen = frozenset({"quantity", "supplierinfo_id", "note"})
    _finding_waiting = "open"
    _finding_dismissed_days = "replenishment_dismissed_days"

    run_id = fields.Many2one(
        "distribution.replenishment.run", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    orderpoint_id = fields.Many2one(
        "stock.warehouse.orderpoint", string="Rule", readonly=True, ondelete="set null", index=True, check_company=True
    )
    product_id = fields.Many2one("product.product", required=True, readonly=True, index=True)
    product_category_id = fields.Many2one(related="product_id.categ_id", store=True)
    uom_id = fields.Many2one(related="product_id.uom_id", string="Unit")
    location_id = fields.Many2one("stock.location", required=True, readonly=True)
    warehouse_id = fields.Many2one("stock.warehouse", string="Site", readonly=True, index=True)
    verdict = fields.Selection(
        [("order", "Order now"), ("review", "Buyer review"), ("transfer", "Transfer instead")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("open", "To decide"),
            ("ordered", "Ordered"),
            ("dismissed", "Dismissed"),
            ("superseded", "Superseded"),
            ("failed", "Failed"),
            ("trial", "Trial"),
        ],
        required=True,
        readonly=True,
        default="open",
        index=True,
    )
    reasons = fields.Char("Reason Codes", readonly=True)
    reason_text = fields.Char("Why a Buyer", compute="_compute_reason_text")
    quantity = fields.Float("To Order", digits=PRECISION_QUANTITY, help="In the unit of the product.")
    needed = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="What the run found.")
    core_quantity = fields.Float(
        "Odoo Would Order", readonly=True, digits=PRECISION_QUANTITY, help="What Odoo's scheduler would order now."
    )
    on_hand = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    reserved = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    incoming = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="Until the horizon.")
    incoming_late = fields.Float("Of These Late", readonly=True, digits=PRECISION_QUANTITY, help="Due before today.")
    incoming_later = fields.Float(
        "Open Behind the Horizon",
        readonly=True,
        digits=PRECISION_QUANTITY,
        help="Arrives too late for this need, less what leaves by then. Not bought again.",
    )
    outgoing = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="Until the horizon.")
    in_progress = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="Quotations and requisitions.")
    forecast = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    minimum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    maximum = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    multiple = fields.Float(readonly=True, digits=PRECISION_QUANTITY)
    minimum_order = fields.Float("Vendor's Minimum", readonly=True, digits=PRECISION_QUANTITY)
    lead_days = fields.Integer("Lead Time (days)", readonly=True)
    horizon = fields.Date(readonly=True, help="Until then it counts what arrives and leaves.")
    runs_out_on = fields.Date(readonly=True, help="If nothing is done. Empty: not by what is known.")
    usual_quantity = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="Median of the orders of a year.")
    cover_days = fields.Float("Lasts (days)", readonly=True, help="Stock and this order, at the demand of 90 days.")
    supplierinfo_id = fields.Many2one(
        "product.supplierinfo",
        string="Vendor Price",
        check_company=True,
        domain="['|', ('product_id', '=', product_id), '&', ('product_id', '=', False), "
        "('product_tmpl_id.product_variant_ids', '=', product_id)]",
    )
    found_price_ref = fields.Integer("Vendor Price Found", readonly=True, help="Another one was chosen by a buyer.")
    vendor_id = fields.Many2one("res.partner", readonly=True, index=True)
    unit_price = fields.Float(
        "Price", readonly=True, digits="Product Price", help="Company currency, unit of the product."
    )
    last_price = fields.Float("Last Price Paid", readonly=True, digits="Product Price")
    value = fields.Monetary(compute="_compute_value", store=True)
    note = fields.Char(help="Why it was accepted or dismissed.")
    problem = fields.Text(readonly=True)
    decided_by = fields.Many2one("res.users", readonly=True)
    decided_at = fields.Datetime(readonly=True)
    dismissed_until = fields.Date(readonly=True)
    purchase_line_id = fields.Many2one(
        "purchase.order.line", readonly=True, ondelete="set null", index="btree_not_null"
    )
    order_id = fields.Many2one(related="purchase_line_id.order_id", string="Order")
    move_id = fields.Many2one("stock.move", readonly=True, ondelete="set null", index="btree_not_null")
    lane_id = fields.Many2one("distribution.transfer.lane", readonly=True, ondelete="restrict")
    source_id = fields.Many2one(related="lane_id.from_id", string="From Site")
    options = fields.Json(readonly=True, help="What was thought of, the best first.")
    reasoning = fields.Html(compute="_compute_reasoning", sanitize=False)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_replenishment_proposal_open_unique
                   ON distribution_replenishment_proposal (orderpoint_id) WHERE state = 'open'"""
        )

    # -------------------------------------------------------------- computes

    @api.depends("product_id", "location_id")
    def _compute_display_name(self):
        for proposal in self:
            proposal.display_name = f"{proposal.product_id.display_name} · {proposal.location_id.display_name}"

    @api.depends("reasons")
    def _compute_reason_text(self):
        texts = self._reason_texts()
        for proposal in self:
            proposal.reason_text = ", ".join(texts[code] for code in (proposal.reasons or "").split())

    @api.depends("quantity", "unit_price")
    def _compute_value(self):
        for proposal in self:
            proposal.value = proposal.quantity * proposal.unit_price

    @api.model
    def _reason_texts(self):
        texts = {
            "no_route": _("no route leads there"),
            "no_vendor": _("no vendor"),
            "blocked_vendor": _("vendor blocked"),
            "not_listed": _("vendor not on the approved list"),
            "no_valid_price": _("no vendor price for this quantity and date"),
            "restricted_vendor": _("vendor restricted"),
            "new_vendor": _("vendor not approved yet"),
            "first_purchase": _("never bought there"),
            "open_late_order": _("open order arrives late"),
            "constrained": _("vendor's minimum is above the need"),
            "unusual_quantity": _("unusual quantity"),
            "price_jump": _("price jump"),
            "long_cover": _("lasts very long"),
            "high_value": _("high value"),
            "manual_rule": _("rule is triggered manually"),
        }
        return {code: texts[code] for code in REASONS}

    @api.depends("state", "needed", "runs_out_on")
    def _compute_reasoning(self):
        for proposal in self:
            rows = Markup().join(
                Markup(
                    '<tr><td class="pe-3">%s</td><td class="text-end">%s</td><td class="ps-3 text-muted">%s</td></tr>'
                )
                % row
                for row in proposal._reasoning_rows()
            )
            proposal.reasoning = Markup('<table class="table table-sm mb-0">%s</table><p class="mt-2">%s</p>') % (
                rows,
                proposal._conclusion(),
            )

    def _reasoning_rows(self):
        """``(what, how much, remark)`` from stock to order."""
        self.ensure_one()

        def number(value):
            digits = self.env["decimal.precision"].precision_get(PRECISION_QUANTITY)
            return float_repr(value, digits).rstrip("0").rstrip(".") or "0"

        later = self.incoming_later
        yield _("On hand"), number(self.on_hand), self.reserved and _("%s reserved", number(self.reserved)) or ""
        yield (
            _("+ arrives until %s", self.horizon),
            number(self.incoming),
            self.incoming_late and _("%s of it is late", number(self.incoming_late)) or "",
        )
        yield _("− leaves until %s", self.horizon), number(self.outgoing), ""
        if self.in_progress:
            yield _("+ quotations and requisitions"), number(self.in_progress), ""
        yield Markup("<b>%s</b>") % _("Forecast"), Markup("<b>%s</b>") % number(self.forecast), ""
        yield _("Minimum / maximum"), f"{number(self.minimum)} / {number(self.maximum)}", ""
        yield (
            _("Odoo would order"),
            number(self.core_quantity),
            self.multiple and _("in multiples of %s", number(self.multiple)) or "",
        )
        if later:
            yield _("− arrives behind the horizon"), number(later), _("not bought again")
        yield Markup("<b>%s</b>") % _("To order"), Markup("<b>%s</b>") % number(self.needed), ""
        if self.vendor_id:
            yield (
                _("Vendor"),
                escape(self.vendor_id.display_name),
                self.minimum_order and _("minimum %s", number(self.minimum_order)) or "",
            )
        if self.unit_price:
            yield _("Price"), f"{self.unit_price:.2f}", self.last_price and _("last paid %.2f", self.last_price) or ""
        if self.usual_quantity:
            yield _("Usual order"), number(self.usual_quantity), ""
        yield _("Lead time"), _("%s days", self.lead_days), ""
        if self.cover_days:
            yield _("Lasts"), _("%s days", int(self.cover_days)), _("at the demand of the last 90 days")
        yield from self._option_rows(number)

    def _option_rows(self, number):
        """What was thought of, and why it lost."""
        lost = {
            "": _("chosen"),
            "nothing_free": _("nothing to spare beyond its own need"),
            "not_enough": _("not enough to reach the minimum"),
            "no_vendor": _("no vendor price"),
            "late": _("stock runs out before it arrives"),
            "dearer": _("costs more per unit"),
            "slower": _("arrives later"),
        }
        # sudo: the name of a site of the same company
        lanes = self.env["distribution.transfer.lane"].sudo().with_context(active_test=False)
        for option in self.options or ():
            lane = lanes.browse(option["site"] or ()).exists()
            cost = "" if option["cost"] is None else self.currency_id.format(option["cost"])
            yield (
                _("Transfer from %s", lane.from_id.display_name) if option["site"] else _("Purchase"),
                _("%(quantity)s in %(days)s days", quantity=number(option["quantity"]), days=option["days"]),
                " · ".join(filter(None, (cost, lost.get(option["lost"], option["lost"])))),
            )

    def _conclusion(self):
        self.ensure_one()
        if self.runs_out_on and self.horizon and self.runs_out_on <= self.horizon:
            return _(
                "If nothing is done, stock runs out on %(day)s. An order of today arrives on %(horizon)s.",
                day=self.runs_out_on,
                horizon=self.horizon,
            )
        if self.runs_out_on:
            return _("If nothing is done, stock runs out on %s.", self.runs_out_on)
        if self.forecast < 0:
            return _("If nothing is done, %s are missing at the horizon.", -self.forecast)
        return _("If nothing is done, stock does not run out by what is known today.")

    @api.constrains("quantity")
    def _check_quantity(self):
        if any(proposal.quantity < 0 for proposal in self):
            raise ValidationError(_("To Order: a quantity of zero or more."))

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        result = super().write(vals)
        # No constraint: a run writes what the rule names, and 19.0 checks constraints as superuser.
        if not self.env.su and vals.get("supplierinfo_id"):
            self._check_supplierinfo()
        return result

    def _check_supplierinfo(self):
        for proposal in self:
            price, product = proposal.supplierinfo_id, proposal.product_id
            if price and (
                price.product_tmpl_id != product.product_tmpl_id or price.product_id not in (product, product.browse())
            ):
                raise ValidationError(_("Vendor Price: choose one of %s.", product.display_name))

    # --------------------------------------------------------------- actions

    def action_accept(self):
        """Order what is still needed. What changed in between is refreshed and stays for another look."""
        return self._to_decide()._accept_all()

    def action_buy_instead(self):
        """Order from the vendor what would be moved from another site."""
        moved = self._to_decide().filtered(lambda proposal: proposal.verdict == "transfer")
        if not moved:
            raise UserError(_("Nothing to buy instead: choose transfers that wait for a decision."))
        # sudo: the verdict is set by runs and this button only
        moved.sudo().write({"verdict": "review", "lane_id": False})
        return moved._accept_all(from_any_vendor=True)

    def action_open_order(self):
        self.ensure_one()
        record = self.order_id or self.move_id.picking_id
        if not record:
            raise UserError(_("Nothing was ordered for this proposal yet."))
        return {"type": "ir.actions.act_window", "res_model": record._name, "res_id": record.id, "view_mode": "form"}

    def _notify(self, accepted, refused):
        names = {proposal.id: proposal.display_name for proposal in self}
        message = _("%s ordered.", accepted)
        if refused:
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

    def _accept_all(self, from_any_vendor=False):
        """Order, company by company; the notification tells what was left.

        :param from_any_vendor: no vendor was shown, and none is missed
        """
        refused = {}
        for company in self.company_id:
            # sudo: orders are placed as Odoo's scheduler does; the buyer and the records were checked
            ones = self.filtered(lambda proposal, company=company: proposal.company_id == company).sudo()
            refused.update(ones._accept(company, from_any_vendor))
        return self._notify(len(self) - len(refused), refused)

    def _accept(self, company, from_any_vendor):
        """Evaluate again under the turn and order; returns ``{proposal: why not}``."""
        self.env["distribution.replenishment.turn"]._take(company)
        gone = self.filtered(lambda proposal: not proposal.orderpoint_id)
        refused = dict.fromkeys(gone.ids, _("the reordering rule does not exist any more"))
        ones = self - gone
        if not ones:
            return refused
        judgement = self.env["distribution.replenishment.judgement"]._prepared(ones.orderpoint_id)
        company = company.with_env(judgement.env)
        rules = ones.orderpoint_id.with_env(judgement.env)
        findings = judgement._evaluate_prepared(rules, company.replenishment_look_out)
        fresh = {
            one.finding.orderpoint_id: one for one in judgement._judge(findings.values(), company, everything=True)
        }
        quantities = {proposal.orderpoint_id.id: proposal.quantity for proposal in ones}
        prices = {
            proposal.orderpoint_id.id: proposal.supplierinfo_id.with_env(judgement.env)
            for proposal in ones
            if proposal._is_price_chosen()
        }
        chosen = {
            one.finding.orderpoint_id: one
            for one in judgement._judge(findings.values(), company, quantities, prices, everything=True)
        }
        moved = ones.filtered(lambda proposal: proposal.verdict == "transfer").orderpoint_id.ids
        for known in (fresh, chosen):
            judgement._look_at_sites([known[key] for key in moved if key in known], company)
        policy = company._replenishment_policy()
        ready = self.browse()
        for proposal in ones:
            now, wanted = fresh.get(proposal.orderpoint_id.id), chosen.get(proposal.orderpoint_id.id)
            if reason := proposal._why_not(now, wanted):
                refused[proposal.id] = reason
                if now:
                    proposal.write(proposal._refreshed(now))
            elif news := proposal._what_is_new(wanted, policy, from_any_vendor):
                refused[proposal.id] = _("%s. Look again, and order it if that is fine", ", ".join(news))
                proposal.write(proposal._refreshed_as_chosen(wanted, now))
            else:
                ready |= proposal
        ready.write(self._decision())
        for proposal in ready:
            judged = chosen[proposal.orderpoint_id.id]
            proposal.write(
                {
                    "unit_price": judged.facts.price or 0.0,
                    "vendor_id": judged.price.partner_id.id,
                    "supplierinfo_id": judged.price.id,
                }
            )
        failed = ready._place(judgement, [chosen[proposal.orderpoint_id.id] for proposal in ready])
        refused.update(failed)
        (ready - self.browse(failed))._record_fact("accepted")
        return refused

    def _is_price_chosen(self):
        """Whether a buyer named another vendor price than was found."""
        return bool(self.supplierinfo_id) and self.supplierinfo_id.id != self.found_price_ref

    def _why_not(self, now, wanted):
        """Why this cannot be ordered, or nothing."""
        if not now or not wanted:
            return _("the rule cannot be evaluated")
        rounding = self.uom_id.rounding
        if float_compare(self.quantity, 0, precision_rounding=rounding) <= 0:
            return _("enter a quantity first")
        if float_compare(now.facts.quantity, self.needed, precision_rounding=rounding) < 0:
            return _("only %(now)s needed now, not %(then)s: look again", now=now.facts.quantity, then=self.needed)
        if self.lane_id and self.verdict == "transfer":
            is_there = wanted.lane == self.lane_id and wanted.facts.quantity >= self.quantity
            return "" if is_there else _("%s cannot spare it any more: look again", self.source_id.display_name)
        blocking = [code for code in wanted.verdict.reasons if code in BLOCKING]
        if wanted.facts.is_bought and not wanted.facts.has_valid_price:
            blocking = [*blocking, "no_valid_price"]
        texts = self._reason_texts()
        return ", ".join(texts[code] for code in dict.fromkeys(blocking))

    def _what_is_new(self, wanted, policy, from_any_vendor):
        """What would be ordered and the buyer has not seen: another vendor, a price that jumped, further reasons."""
        news = []
        vendor, price = wanted.price.partner_id, wanted.facts.price or 0.0
        if not self._is_price_chosen():
            if vendor != self.vendor_id and not from_any_vendor:
                news.append(
                    _(
                        "Odoo selects %(now)s for this quantity and day, not %(then)s",
                        now=vendor.display_name or _("no vendor"),
                        then=self.vendor_id.display_name or _("no vendor"),
                    )
                )
            elif policy.price_jump and self.unit_price and price > self.unit_price * (1 + policy.price_jump / 100):
                news.append(_("the price is %(now).2f, not %(then).2f", now=price, then=self.unit_price))
        texts, seen = self._reason_texts(), (self.reasons or "").split()
        return news + [texts[code] for code in wanted.verdict.reasons if code not in seen]

    def _refreshed_as_chosen(self, wanted, now):
        """With what the buyer chose, for another look at it."""
        values = {**self._refreshed(wanted), "needed": now.facts.quantity}
        if self._is_price_chosen():
            values["found_price_ref"] = now.price.id or 0
        return values

    def _refreshed(self, judged):
        values = self._values_of(judged)
        return {name: value for name, value in values.items() if name not in ("orderpoint_id", "company_id", "verdict")}

    @api.model
    def _sift(self, judged, run, rules):
        """Leave out what waits unchanged or was dismissed; returns ``(to propose, waiting, dismissed)``.

        A waiting proposal whose numbers changed, or whose need is gone, is superseded.
        """
        judged = [one for one in judged if one.verdict.name != "nothing"]
        if run.is_trial:
            return judged, 0, 0
        open_ones = {
            one.orderpoint_id.id: one
            for one in self.search([("orderpoint_id", "in", rules.ids), ("state", "=", "open")])
        }
        dismissed = {}
        for one in self.search(
            [
                ("orderpoint_id", "in", rules.ids),
                ("state", "=", "dismissed"),
                ("dismissed_until", ">=", fields.Date.context_today(self)),
            ],
            order="id",
        ):
            dismissed[one.orderpoint_id.id] = max(one.needed, dismissed.get(one.orderpoint_id.id, 0.0))
        kept, waiting, quiet = [], 0, 0
        for one in judged:
            key, rounding = one.finding.orderpoint_id, one.finding.rounding
            known = open_ones.get(key)
            if known and known._is_same(one):
                open_ones.pop(key)
                waiting += 1
            elif (
                key in dismissed and float_compare(one.facts.quantity, dismissed[key], precision_rounding=rounding) <= 0
            ):
                quiet += 1
            else:
                kept.append(one)
        self.browse([one.id for one in open_ones.values()]).write({"state": "superseded"})
        self.flush_model(["state"])  # before the next ones are inserted: one open proposal per rule
        return kept, waiting, quiet

    def _is_same(self, judged):
        return (
            self.verdict == judged.verdict.name
            and self.reasons == " ".join(judged.verdict.reasons)
            and (float_compare(self.needed, judged.facts.quantity, precision_rounding=judged.finding.rounding) == 0)
        )

    @api.model
    def _note(self, judgement, judged, run, ordered, problems):
        """Proposals of ``judged``, as they are after ordering, in one statement; returns the value ordered.

        Open ones wait for a buyer; those of a trial are nothing but shown.
        """
        acted = {} if run.is_trial else {one.finding.orderpoint_id for one in ordered}
        made = judgement._ordered_lines(list(acted)) if acted else {}
        rows = []
        for one in judged:
            key = one.finding.orderpoint_id
            line, move = made.get(key, (None, None))
            state = "trial" if run.is_trial else "failed" if key in problems else "ordered" if key in acted else "open"
            rows.append(
                {
                    **self._values_of(one),
                    "run_id": run.id,
                    "state": state,
                    "problem": problems.get(key),
                    "purchase_line_id": line.id if line else None,
                    "move_id": move.id if move and not line else None,
                }
            )
        self._insert(rows, run.currency_id)
        # What is moved from another site may take that below its own minimum.
        self.env["stock.move"].concat(*(move for _line, move in made.values()))._wake_replenishment()
        done = {one.finding.orderpoint_id for one in ordered}
        return sum(row["value"] for row in rows if row["orderpoint_id"] in done)

    @api.model
    def _insert(self, rows, currency):
        """Create proposals without a statement and a cache entry for each of their numbers."""
        if not rows:
            return
        products = self.env["product.product"].browse({row["product_id"] for row in rows})
        categories = {product.id: product.categ_id.id for product in products}
        now, user = self.env.cr.now(), self.env.uid
        for row in rows:
            row["value"] = currency.round(row["quantity"] * row["unit_price"])
            row["product_category_id"] = categories[row["product_id"]]
            row.update(create_uid=user, write_uid=user, create_date=now, write_date=now)
        names = list(rows[0])
        digits = {name: self._fields[name].get_digits(self.env) for name in names if self._fields[name].type == "float"}
        records = []
        for name in names:
            if self._fields[name].type == "json":
                records.append([Json(row[name]) if row[name] else None for row in rows])
            elif self._fields[name].type not in ("float", "integer", "monetary"):
                records.append([row[name] or None for row in rows])
            elif digits.get(name):
                records.append([float_round(row[name], precision_digits=digits[name][1]) for row in rows])
            else:
                records.append([row[name] for row in rows])
        self.env.cr.execute(
            f"INSERT INTO {self._table} ({', '.join(names)}) VALUES {', '.join(['%s'] * len(rows))} RETURNING id",
            list(zip(*records)),
        )
        made = self.browse([row[0] for row in self.env.cr.fetchall()])
        for name, field in self._fields.items():
            if field.store and field.compute and name not in names:
                self.env.add_to_compute(field, made)  # of another addon

    @api.model
    def _values_of(self, judged):
        finding, facts, need, position = judged.finding, judged.facts, judged.finding.need, judged.finding.position
        orderpoint = self.env["stock.warehouse.orderpoint"].browse(finding.orderpoint_id)
        return {
            "orderpoint_id": finding.orderpoint_id,
            "company_id": orderpoint.company_id.id,
            "product_id": finding.product_id,
            "location_id": finding.location_id,
            "warehouse_id": orderpoint.warehouse_id.id,
            "verdict": judged.verdict.name if judged.verdict.name != "nothing" else "review",
            "reasons": " ".join(judged.verdict.reasons),
            "quantity": facts.quantity,
            "needed": facts.quantity,
            "core_quantity": max(0.0, need.core_quantity),
            "on_hand": position.on_hand,
            "reserved": position.reserved,
            "incoming": position.incoming,
            "incoming_late": position.incoming_late,
            "incoming_later": facts.later,
            "outgoing": position.outgoing,
            "in_progress": position.in_progress,
            "forecast": need.forecast,
            "minimum": finding.minimum,
            "maximum": finding.maximum,
            "multiple": finding.multiple,
            "minimum_order": facts.minimum_order,
            "lead_days": finding.lead_days,
            "horizon": finding.horizon,
            "runs_out_on": judged.runs_out,
            "usual_quantity": facts.usual_quantity or 0.0,
            "cover_days": judged.cover or 0.0,
            "supplierinfo_id": judged.price.id,
            "found_price_ref": judged.price.id or 0,
            "vendor_id": judged.price.partner_id.id,
            "unit_price": facts.price or 0.0,
            "last_price": facts.last_price or 0.0,
            "lane_id": judged.lane.id if judged.lane else False,
            "options": [asdict(option) for option in judged.options] or False,
        }

    def _place(self, judgement, judged):
        """Order these proposals; returns ``{proposal: problem}`` of those that failed."""
        if not self:
            return {}
        problems = judgement._place_orders(judged, self.company_id)
        placed = self.filtered(lambda proposal: proposal.orderpoint_id.id not in problems)
        made = judgement._ordered_lines(placed.orderpoint_id.ids)
        placed.write({"state": "ordered"})
        placed._link({proposal.id: made[proposal.orderpoint_id.id] for proposal in placed})
        # What is moved from another site may take that below its own minimum.
        placed.move_id._wake_replenishment()
        failed = self - placed
        for proposal in failed:
            proposal.write({"state": "failed", "problem": problems[proposal.orderpoint_id.id]})
        self.env["distribution.replenishment.run"]._open_cases(problems)
        return {proposal.id: proposal.problem for proposal in failed}

    def _link(self, made):
        """Say of each proposal what was made for it; in one statement, for every row is another."""
        self.flush_recordset()
        self.env.cr.execute(
            """UPDATE distribution_replenishment_proposal proposal
                  SET purchase_line_id = made.line_id, move_id = made.move_id
                 FROM unnest(%s::int[], %s::int[], %s::int[]) AS made (id, line_id, move_id)
                WHERE proposal.id = made.id""",
            (
                list(made),
                [line.id or None for line, _move in made.values()],
                [None if line else move.id or None for line, move in made.values()],
            ),
        )
        self.invalidate_recordset(["purchase_line_id", "move_id"], flush=False)

    # ----------------------------------------------------------------- ledger

    def _record_fact(self, fact):
        self.env["distribution.event"]._record(
            f"distribution.replenishment_proposal.{fact}.v1",
            self,
            lambda proposal: {
                "run_id": proposal.run_id.id,
                "rule_id": proposal.orderpoint_id.id or None,
                "product_id": proposal.product_id.id,
                "site_id": proposal.warehouse_id.id or None,
                "vendor_id": proposal.vendor_id.id or None,
                "quantity": str(proposal.quantity),
                "needed": str(proposal.needed),
                "reasons": (proposal.reasons or "").split(),
                "order_id": proposal.order_id.id or None,
            },
        )
