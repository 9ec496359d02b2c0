"""Landed cost: expected by rule for each order line, kept when the order is confirmed, compared with what came."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_CONFIRMED_STATES

from ..engine import LandedFacts, LandedRule, expected_landed

KIND_LABELS = [("freight", "Freight"), ("duty", "Duty"), ("insurance", "Insurance"), ("other", "Other")]
KINDS = [kind for kind, _label in KIND_LABELS]


class DistributionLandedRule(models.Model):
    _name = "distribution.landed.rule"
    _description = "Expected Landed Cost"
    _order = "kind, sequence, id"
    _check_company_auto = True
    _rec_names_search = ["partner_id", "category_id", "country_id"]

    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(KIND_LABELS, required=True, default="freight")
    method = fields.Selection(
        [
            ("percent", "% of value"),
            ("unit", "per unit"),
            ("weight", "per kilogram"),
            ("volume", "per cubic metre"),
        ],
        required=True,
        default="percent",
    )
    rate = fields.Float(required=True, digits=(16, 4), help="Percent, or an amount in company currency.")
    partner_id = fields.Many2one("res.partner", string="Vendor", domain=[("parent_id", "=", False)])
    category_id = fields.Many2one("product.category", help="With those below it.")
    country_id = fields.Many2one("res.country", help="Of the vendor.")
    incoterm_id = fields.Many2one("account.incoterms", string="Delivery Terms")
    date_start = fields.Date("From")
    date_end = fields.Date("Until", help="The last day.")

    _sql_constraints = [("rate_positive", "CHECK (rate >= 0)", "Rate: not negative.")]

    @api.depends("kind", "partner_id", "category_id", "country_id", "incoterm_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for rule in self:
            scope = [rule.partner_id.name, rule.category_id.name, rule.country_id.name, rule.incoterm_id.code]
            rule.display_name = ": ".join(filter(None, [kinds.get(rule.kind), ", ".join(filter(None, scope))]))

    @api.constrains("date_start", "date_end")
    def _check_dates(self):
        if any(rule.date_start and rule.date_end and rule.date_end < rule.date_start for rule in self):
            raise ValidationError(_("Until: not before From."))

    @api.model
    def _of(self, company):
        """The rules of ``company`` as the engine takes them, in their order; one query."""
        # sudo: what is expected is the same for everybody
        return [
            LandedRule(
                place,
                rule.kind,
                rule.method,
                rule.rate,
                rule.partner_id.commercial_partner_id.id or None,
                rule.category_id.id or None,
                rule.country_id.id or None,
                rule.incoterm_id.id or None,
                rule.date_start or None,
                rule.date_end or None,
            )
            for place, rule in enumerate(self.sudo().search([("company_id", "=", company.id)]))
        ]


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    landed_expected = fields.Monetary(
        "Landed Cost Expected",
        compute="_compute_landed_expected",
        compute_sudo=True,
        currency_field="company_currency_id",
        help="Freight, duty, insurance and other costs by rule, in company currency.",
    )
    landed_price = fields.Float(
        compute="_compute_landed_expected",
        compute_sudo=True,
        digits="Product Price",
        help="Per unit of the line with what is expected on top, in company currency.",
    )
    company_currency_id = fields.Many2one(related="company_id.currency_id", string="Company Currency")

    @api.depends(
        "product_id", "product_qty", LINE_UOM, "price_unit", "discount", "order_id.partner_id", "order_id.incoterm_id"
    )
    def _compute_landed_expected(self):
        costs = self._landed_costs()
        for line in self:
            value, found = costs.get(line, (0.0, {}))
            line.landed_expected = sum(found.values())
            line.landed_price = (value + line.landed_expected) / line.product_qty if line.product_qty else 0.0

    def _landed_costs(self):
        """``{line: (value in company currency, {kind: amount})}``; one query for each company."""
        found = {}
        for company in self.company_id:
            rules = self.env["distribution.landed.rule"]._of(company)
            day = today(company)
            for line in self.filtered(
                lambda line, company=company: line.company_id == company and line.product_id and not line.display_type
            ):
                facts = line._landed_facts(company, day)
                found[line] = (facts.value, expected_landed(rules, facts) if rules else {})
        return found

    def _landed_facts(self, company, day):
        order, product, vendor = self.order_id, self.product_id, self.order_id.partner_id.commercial_partner_id
        value = self.price_unit * (1 - (self.discount or 0.0) / 100) * self.product_qty
        if order.currency_id and order.currency_id != company.currency_id:
            value = order.currency_id._convert(value, company.currency_id, company, day, round=False)
        unit = self[LINE_UOM] or product.uom_id
        quantity = unit._compute_quantity(self.product_qty, product.uom_id, round=False, raise_if_failure=False)
        return LandedFacts(
            value=value,
            quantity=quantity,
            weight=product.weight * quantity,
            volume=product.volume * quantity,
            vendor=vendor.id or None,
            categories=tuple(int(part) for part in reversed((product.categ_id.parent_path or "").split("/")) if part),
            country=vendor.country_id.id or None,
            terms=order.incoterm_id.id or None,
            day=day,
        )


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def write(self, vals):
        if vals.get("state") not in PURCHASE_CONFIRMED_STATES:
            return super().write(vals)
        fresh = self.filtered(lambda order: order.state not in PURCHASE_CONFIRMED_STATES)
        result = super().write(vals)
        # sudo: what was expected is kept, whoever confirms
        self.env["distribution.landed.cost"].sudo()._expect(fresh.order_line)
        return result


class DistributionLandedCost(models.Model):
    _name = "distribution.landed.cost"
    _description = "Landed Cost Expected and Actual"
    _inherit = ["distribution.engine.evidence"]
    _order = "id desc"

    line_id = fields.Many2one(
        "purchase.order.line", string="Order Line", required=True, readonly=True, ondelete="cascade", index=True
    )
    order_id = fields.Many2one("purchase.order", readonly=True, index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Vendor", readonly=True, index=True)
    product_id = fields.Many2one("product.product", readonly=True, index=True)
    category_id = fields.Many2one("product.category", readonly=True)
    confirmed_on = fields.Date(readonly=True)
    value = fields.Monetary(readonly=True, help="Of the goods, when the order was confirmed.")
    freight = fields.Monetary("Freight Expected", readonly=True)
    duty = fields.Monetary("Duty Expected", readonly=True)
    insurance = fields.Monetary("Insurance Expected", readonly=True)
    other = fields.Monetary("Other Expected", readonly=True)
    expected = fields.Monetary(readonly=True)
    actual = fields.Monetary(readonly=True, help="Of validated landed costs of its receipts.")
    difference = fields.Monetary(readonly=True, help="Actual less expected.")
    is_landed = fields.Boolean("Costs Came", readonly=True)

    _sql_constraints = [("line_unique", "UNIQUE (line_id)", "This order line is compared already.")]

    @api.model
    def _expect(self, lines):
        """Keep what is expected of these lines now; lines of which nothing is expected are left out."""
        known = self.search([("line_id", "in", lines.ids)]).line_id if lines else lines
        costs = (lines - known)._landed_costs()
        self.create(
            [
                {**self._prepare(line), "value": value, "expected": sum(found.values()), **found}
                for line, (value, found) in costs.items()
                if found
            ]
        )

    @api.model
    def _prepare(self, line):
        return {
            "line_id": line.id,
            "order_id": line.order_id.id,
            "company_id": line.company_id.id,
            "partner_id": line.order_id.partner_id.commercial_partner_id.id,
            "product_id": line.product_id.id,
            "category_id": line.product_id.categ_id.id,
            "confirmed_on": today(line.company_id),
        }

    @api.model
    def _compare(self, lines):
        """Add up what validated landed costs put on the receipts of ``lines``; a constant number of queries."""
        known = self.search([("line_id", "in", lines.ids)])
        self.create([self._prepare(line) for line in lines - known.line_id])
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE distribution_landed_cost cost
                  SET actual = came.amount, difference = came.amount - coalesce(cost.expected, 0), is_landed = TRUE
                 FROM (SELECT move.purchase_line_id AS line_id, sum(item.additional_landed_cost) AS amount
                         FROM stock_valuation_adjustment_lines item
                         JOIN stock_landed_cost landed ON landed.id = item.cost_id AND landed.state = 'done'
                         JOIN stock_move move ON move.id = item.move_id
                        WHERE move.purchase_line_id = ANY(%s)
                     GROUP BY move.purchase_line_id) came
                WHERE cost.line_id = came.line_id""",
            (lines.ids,),
        )
        self.search([("line_id", "in", lines.ids)]).invalidate_recordset(["actual", "difference", "is_landed"])


class StockLandedCost(models.Model):
    _inherit = "stock.landed.cost"

    def button_validate(self):
        result = super().button_validate()
        done = self.filtered(lambda cost: cost.state == "done")
        # sudo: the comparison is kept, whoever validates
        lines = done.sudo().valuation_adjustment_lines.move_id.purchase_line_id
        self.env["distribution.landed.cost"].sudo()._compare(lines)
        return result
