"""Expedited freight: a request of its own, linked to an order and its delivery.

Guarded: authorising it. Controlled: company, orders and delivery, carrier, cost, currency, reason.
Not controlled: dates, reference of the carrier, notes. Faster freight is paid for by somebody: the
reason says who caused it.
"""

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal
from ..models.gate_frame import gate_frame, in_frame

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("purchase_id", "Purchase Order", model="purchase.order"),
    ControlledField("sale_id", "Sales Order", model="sale.order"),
    ControlledField("picking_id", "Transfer", model="stock.picking"),
    ControlledField("carrier_partner_id", "Carrier", model="res.partner"),
    ControlledField("currency_id", "Currency", model="res.currency"),
    ControlledField("reason_code", "Reason"),
    ControlledField("amount", "Cost", "amount"),
)
REASONS = [
    ("late_supplier", "Supplier is late"),
    ("stock_out", "Out of stock"),
    ("planning", "Planned too late"),
    ("carrier", "Carrier failed"),
    ("quality", "Replacement for a defect"),
    ("customer", "Customer asks for it"),
    ("other", "Other"),
]


class FreightRequest(models.Model):
    _name = "distribution.freight.request"
    _description = "Expedited Freight Request"
    _inherit = "distribution.request.form"

    _approval_type = "freight_request"
    _approval_of_customer = True
    _approval_guarded_states = ("authorised", "shipped")
    _approval_ask_action = "action_authorise"
    _approval_controlled = frozenset(field.name for field in HEADER)
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"user_id"})
    _approval_header = HEADER
    _approval_amount_field = "amount"

    state = fields.Selection(
        selection_add=[("authorised", "Authorised"), ("shipped", "Shipped"), ("cancel",)],
        ondelete={"authorised": "set default", "shipped": "set default"},
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    user_id = fields.Many2one("res.users", string="Responsible", default=lambda self: self.env.user, tracking=True)
    purchase_id = fields.Many2one(
        "purchase.order", string="Purchase Order", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    sale_id = fields.Many2one(
        "sale.order", string="Sales Order", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    picking_id = fields.Many2one(
        "stock.picking", string="Transfer", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    partner_id = fields.Many2one("res.partner", compute="_compute_order", compute_sudo=True, string="Vendor / Customer")
    carrier_partner_id = fields.Many2one("res.partner", string="Carrier", tracking=True, help="Who is to be paid.")
    carrier_reference = fields.Char(copy=False, help="The carrier's booking or tracking number.")
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id, tracking=True
    )
    amount = fields.Monetary(string="Cost", required=True, tracking=True, help="What faster freight costs in total.")
    reason_code = fields.Selection(REASONS, string="Reason", required=True, tracking=True, help="What made it needed.")
    note = fields.Text(string="Explanation", help="What happens without it, what else was tried.")
    promised_date = fields.Datetime(
        compute="_compute_order", compute_sudo=True, string="Promised", help="When the order is due as things stand."
    )
    needed_date = fields.Datetime(string="Needed by", copy=False)
    order_value = fields.Monetary(
        compute="_compute_order",
        compute_sudo=True,
        currency_field="company_currency_id",
        help="Untaxed value of the order at today's rate.",
    )
    company_currency_id = fields.Many2one(related="company_id.currency_id", string="Company Currency")
    percent_of_order = fields.Float(compute="_compute_order", compute_sudo=True, string="% of Order", digits=(16, 1))

    _sql_constraints = [
        ("amount_positive", "CHECK (amount >= 0)", "Cost: a cost is not negative."),
    ]

    @api.depends("purchase_id", "sale_id", "picking_id", "amount", "currency_id", "company_id")
    def _compute_order(self):
        for request in self:
            order = request._expedited_order()
            dates = {"purchase.order": "date_planned", "sale.order": "commitment_date"}
            request.partner_id = order.partner_id if order else request.picking_id.partner_id
            request.promised_date = (order and order[dates[order._name]]) or request.picking_id.scheduled_date
            value, cost = request._order_value(), request._approval_amounts()[request.id]
            known = not isinstance(value, Unknown) and not isinstance(cost, Unknown)
            request.order_value = float(value) if known else 0.0
            request.percent_of_order = float(cost / value * 100) if known and value else 0.0

    @api.constrains("purchase_id", "sale_id", "picking_id")
    def _check_order(self):
        for request in self:
            if not (request.purchase_id or request.sale_id or request.picking_id):
                raise ValidationError(_("Purchase Order, Sales Order or Transfer: say what is to arrive faster."))

    @api.onchange("picking_id")
    def _onchange_picking_id(self):
        if self.picking_id and not self.purchase_id and not self.sale_id:
            self.purchase_id = self.picking_id.purchase_id
            self.sale_id = self.picking_id.sale_id

    def _expedited_order(self):
        """The order that pays for it: what is bought, else what is sold."""
        self.ensure_one()
        picking = self.picking_id
        return self.purchase_id or self.sale_id or picking.purchase_id or picking.sale_id

    def _same_order(self):
        """Domain of the other requests for the order of this one, or for its delivery; none without an order."""
        order = self._expedited_order()
        if not order:
            return [("id", "=", False)]
        name = "purchase_id" if order._name == "purchase.order" else "sale_id"
        return [("id", "!=", self.id), "|", (name, "=", order.id), (f"picking_id.{name}", "=", order.id)]

    def _order_value(self):
        """Untaxed value of the order in company currency (Decimal, or Unknown); 0 without an order.

        Worked out from its lines: its total is stored, and anybody who writes the order can set it.
        """
        order = self._expedited_order()
        if not order:
            return as_decimal(0)
        lines = order.order_line.filtered(lambda line: not line.display_type)
        value = sum((as_decimal(line._approval_value()) for line in lines), as_decimal(0))
        return self._approval_in_company_currency(value, order.currency_id, self.company_id)

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Expedited Freight")

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec("amount", "Cost", FactType.MONEY, unit="company currency"),
                FactSpec(
                    "percent_of_order",
                    "Cost, % of order",
                    FactType.PERCENT,
                    unit="%",
                    optional=True,
                    help="Of the untaxed value of the order. Empty: it has no value.",
                ),
                FactSpec("freight_reason", "Reason", FactType.SELECTION, options=tuple(REASONS)),
                FactSpec("partner", "Vendor or customer", FactType.REFERENCE, model="res.partner", optional=True),
                FactSpec("carrier", "Carrier", FactType.REFERENCE, model="res.partner", optional=True),
                FactSpec("inbound", "Inbound", FactType.FLAG, help="Goods on their way to us."),
                FactSpec(
                    "earlier_requests",
                    "Authorised before for this order",
                    FactType.MONEY,
                    unit="company currency",
                    help="Cost of the expedited freight that is authorised for the same order already.",
                ),
                FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_fact_readers(self):
        site = self._approval_site()
        return {
            "amount": lambda: self._approval_amounts()[self.id],
            "percent_of_order": self._percent_of_order,
            "freight_reason": lambda: self.reason_code,
            "partner": lambda: self._approval_partner().id or None,
            "carrier": lambda: self.carrier_partner_id.id or None,
            "inbound": self._is_inbound,
            "earlier_requests": self._earlier_requests,
            "site": lambda: site.id or None,
            "region": lambda: site.region_id.id or None,
            "requester": lambda: self.env.uid,
        }

    def _percent_of_order(self):
        value, cost = self._order_value(), self._approval_amounts()[self.id]
        if isinstance(value, Unknown) or isinstance(cost, Unknown):
            return value if isinstance(value, Unknown) else cost
        return as_decimal(round(cost / value * 100, 6)) if value else None

    def _is_inbound(self):
        return bool(self.purchase_id) or self.picking_id.picking_type_code == "incoming"

    def _earlier_requests(self):
        """Cost in company currency of what is authorised for the same order: splitting a cost is seen."""
        if not self._expedited_order():
            return 0
        if in_frame(self.env):
            # Two for one order at the same instant do not see each other: they take turns.
            place = (self.company_id.id, self._approval_partner().id)
            self.env["distribution.approval.turn"]._take(self._approval_type, [place])
        others = self.search([("state", "in", self._approval_guarded_states), *self._same_order()])
        amounts = others._approval_amounts().values()
        return next((amount for amount in amounts if isinstance(amount, Unknown)), None) or sum(amounts)

    def _approval_partner(self):
        return self.partner_id.commercial_partner_id

    def _approval_owners(self):
        return self.user_id | self.create_uid

    def _approval_site(self):
        """Where it arrives or leaves."""
        order = self._expedited_order()
        if self.picking_id:
            return self.picking_id.picking_type_id.warehouse_id
        return order.picking_type_id.warehouse_id if order._name == "purchase.order" else order.warehouse_id

    def _approval_context(self):
        site, order = self._approval_site(), self._expedited_order()
        sold = order if order._name == "sale.order" else self.env["sale.order"]
        return {
            "account_owner": sold.partner_id._approval_account_owners(sold),
            "warehouse_manager": [(site, site.manager_id)],
            "region_manager": [(site.region_id, site.region_id.manager_id)],
        }

    @api.model
    def _approval_standing(self, request):
        """For what it is asked, when that was promised, and what else was asked for the same order."""
        freight = self.sudo().browse(request.res_id).exists()
        if not freight:
            return False
        return self.env["ir.qweb"]._render(
            "distribution_approval.freight_request_standing",
            {
                "freight": freight,
                "order": freight.purchase_id or freight.sale_id or freight.picking_id,
                "others": freight.search([("state", "!=", "cancel"), *freight._same_order()]),
                "states": dict(self._fields["state"]._description_selection(self.env)),
            },
        )

    @api.model
    def _approval_content_words(self, snapshot, before=None):
        """Without what this request is not linked to."""
        words = super()._approval_content_words(snapshot, before)
        words["header"] = [row for row in words["header"] if row[1] != "–" or row[2]]
        return words

    # --------------------------------------------------------------- actions

    def action_authorise(self):
        """Authorise what policy or people let go; the rest waits for its approval."""
        with gate_frame(self.env):
            self._ask().write({"state": "authorised"})
        return True

    def action_ship(self):
        """The carrier has taken it."""
        if self.filtered(lambda request: request.state != "authorised"):
            raise UserError(_("Authorise it first: faster freight is booked when its cost is authorised."))
        return self.write({"state": "shipped"})

    def _check_cancellable(self):
        if self.filtered(lambda request: request.state == "shipped"):
            raise UserError(_("It has been shipped: the cost is spent."))


class FreightOrderMixin(models.AbstractModel):
    """The orders and deliveries for which faster freight may be asked."""

    _name = "distribution.freight.order.mixin"
    _description = "Has Expedited Freight Requests"

    freight_request_count = fields.Integer(compute="_compute_freight_request_count", compute_sudo=True)

    def _compute_freight_request_count(self):
        counts = dict(
            self.env["distribution.freight.request"]._read_group(
                [(self._freight_field, "in", self.ids), ("state", "!=", "cancel")],
                [self._freight_field],
                ["__count"],
            )
        )
        for record in self:
            record.freight_request_count = counts.get(record, 0)

    def action_freight_requests(self):
        """The requests for this order, or a new one."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_freight_request")
        action["domain"] = [(self._freight_field, "=", self.id)]
        action["context"] = {f"default_{self._freight_field}": self.id, "default_company_id": self.company_id.id}
        if not self.freight_request_count:
            action["views"] = [(False, "form")]
        return action


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "distribution.freight.order.mixin"]

    _freight_field = "purchase_id"


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "distribution.freight.order.mixin"]

    _freight_field = "sale_id"


class StockPicking(models.Model):
    _name = "stock.picking"
    _inherit = ["stock.picking", "distribution.freight.order.mixin"]

    _freight_field = "picking_id"
