"""Requisitions: somebody needs something, before there is an order.

Guarded: approving it. Controlled: company, requester, budget owner, site, justification, currency; of the lines what
is needed, how much of it and at which expected price. Not controlled, because normal work changes them: the day of
need, the buyer, notes. Not to be confused with Odoo's ``purchase.requisition``, which is an agreement with a vendor.
"""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_approval.engine import ControlledField, FactSpec, FactType, as_decimal, seal
from odoo.addons.distribution_approval.models.approval_declared import declared_values
from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_approval.models.gate_frame import gate_frame

from ..engine import LINE_STATUSES, furthest_behind
from .kept_fields import without_defaults

BUYER_GROUPS = ("distribution_core.group_buyer", "purchase.group_purchase_user")
LABELS = {
    "draft": "Draft",
    "requested": "Requested",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "approved": "Approved",
    "quoted": "Being ordered",
    "part_ordered": "Partly ordered",
    "ordered": "Ordered",
    "part_received": "Partly received",
    "received": "Received",
}
STATUSES = [(status, LABELS[status]) for status in LINE_STATUSES]
HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("requester_id", "Requester", model="res.users"),
    ControlledField("budget_owner_id", "Budget Owner", model="res.users"),
    ControlledField("warehouse_id", "Site", model="stock.warehouse"),
    ControlledField("justification", "Justification"),
    ControlledField("amount", "Expected Value", "amount"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("name", "Description"),
    ControlledField("category_id", "Category", model="product.category"),
    ControlledField("uom_id", "Unit", model="uom.uom"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("price_unit", "Expected Price", "amount"),
    ControlledField("value", "Expected Value", "amount"),
)
#: What follows from lines and orders, and where it came from: nobody writes it.
KEPT = frozenset({"amount", "fulfilment", "channel", "channel_reference", "channel_fingerprint", "name"})


class PurchaseRequisition(models.Model):
    _name = "distribution.purchase.requisition"
    _description = "Requisition"
    _inherit = "distribution.request.form"
    _check_company_auto = True

    _approval_type = "purchase_requisition"
    _approval_guarded_states = ("approved", "done")
    _approval_ask_action = "action_submit"
    _approval_controlled = frozenset(field.name for field in HEADER) - {"amount"} | {"line_ids"}
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"requester_id"})
    _approval_header = HEADER
    _approval_line = LINE
    _approval_line_field = "line_ids"
    _approval_line_title = "name"
    _approval_amount_field = "amount"

    state = fields.Selection(
        selection_add=[("approved", "Approved"), ("done", "Closed"), ("cancel",)],
        ondelete={"approved": "set default", "done": "set default"},
    )
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    requester_id = fields.Many2one(
        "res.users", required=True, index=True, default=lambda self: self.env.user, tracking=True
    )
    user_id = fields.Many2one("res.users", string="Buyer", tracking=True, copy=False)
    budget_owner_id = fields.Many2one(
        "res.users",
        compute="_compute_budget_owner_id",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Whose budget pays. Empty when it is created: the requester's manager, else the manager of the site. "
        "Another person than these and yourself has to approve it: that takes a policy which asks about it.",
    )
    warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Site",
        required=True,
        index=True,
        check_company=True,
        default=lambda self: self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)], limit=1),
        help="Where it is needed.",
    )
    needed_by = fields.Date(tracking=True, help="Lines without a day of their own are needed by then.")
    priority = fields.Selection([("0", "Normal"), ("1", "Urgent")], default="0")
    justification = fields.Text(help="What it is for, and what happens without it.")
    line_ids = fields.One2many("distribution.purchase.requisition.line", "requisition_id", string="Lines", copy=True)
    amount = fields.Monetary(
        "Expected Value",
        compute="_compute_amount",
        store=True,
        tracking=True,
        help="At the expected prices, without taxes.",
    )
    fulfilment = fields.Selection(STATUSES, compute="_compute_fulfilment", store=True, index=True)
    order_count = fields.Integer(compute="_compute_documents", compute_sudo=True)
    picking_count = fields.Integer(compute="_compute_documents", compute_sudo=True)
    can_order = fields.Boolean(compute="_compute_can_order")
    channel = fields.Char(readonly=True, copy=False, help="Where it came in, when another system sent it.")
    channel_reference = fields.Char(readonly=True, copy=False, help="Its number there.")
    channel_fingerprint = fields.Char(readonly=True, copy=False, groups="base.group_no_one")

    _sql_constraints = [
        (
            "channel_reference_unique",
            "UNIQUE (company_id, channel, channel_reference)",
            "There is a requisition of this channel with this reference.",
        ),
    ]

    # -------------------------------------------------------------- computes

    @api.depends("requester_id", "warehouse_id")
    def _compute_budget_owner_id(self):
        for requisition in self.filtered(lambda requisition: not requisition.budget_owner_id):
            requisition.budget_owner_id = requisition._usual_budget_owner()

    def _usual_budget_owner(self):
        """Whose budget pays unless somebody else's is named."""
        # sudo: who somebody's manager is, to be asked and no more
        resolver = self.env["distribution.approval.resolver"].sudo()
        return (
            resolver._manager_of(self.requester_id, self.company_id) or self.sudo().warehouse_id.manager_id
        ).with_env(self.env)

    @api.depends("line_ids.value")
    def _compute_amount(self):
        for requisition in self:
            requisition.amount = sum(requisition.line_ids.mapped("value"))

    @api.depends("line_ids.status", "state")
    def _compute_fulfilment(self):
        for requisition in self:
            requisition.fulfilment = furthest_behind(requisition.line_ids.mapped("status"))

    def _compute_documents(self):
        for requisition in self:
            requisition.order_count = len(requisition.line_ids.purchase_line_ids.order_id)
            requisition.picking_count = len(requisition.line_ids.move_ids.picking_id)

    @api.depends("state", "fulfilment")
    @api.depends_context("uid")
    def _compute_can_order(self):
        buys = self._may_buy()
        for requisition in self:
            requisition.can_order = (
                buys and requisition.state == "approved" and any(requisition.line_ids.mapped("qty_open"))
            )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, KEPT)
        for vals in vals_list:
            self._refuse_kept(vals)
        requisitions = super().create(vals_list)
        requisitions._check_requester()
        return requisitions

    def write(self, vals):
        self._refuse_kept(vals)
        result = super().write(vals)
        if "requester_id" in vals:
            self._check_requester()
        return result

    def _refuse_kept(self, vals):
        if not self.env.su and KEPT & vals.keys():
            raise AccessError(_("%s: follows from the lines and their orders.", ", ".join(sorted(KEPT & vals.keys()))))

    def _check_requester(self):
        """Nobody asks in another one's name, save buyers and other systems."""
        user = self.env.user
        if self.env.su or self._may_buy() or user.has_group("distribution_core.group_integration"):
            return
        if any(requisition.requester_id != user for requisition in self):
            raise AccessError(_("Requester: ask in your own name. A buyer can ask for somebody else."))

    @api.model
    def _may_buy(self):
        return self.env.su or any(self.env.user.has_group(group) for group in BUYER_GROUPS)

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Requisition")

    @api.model
    def _approval_fact_specs(self):
        specs = (
            FactSpec("amount", "Expected value", FactType.MONEY, unit="company currency", minimum=0),
            FactSpec("line_count", "Lines", FactType.NUMBER, minimum=1),
            FactSpec(
                "categories",
                "Product categories",
                FactType.SET,
                model="product.category",
                help="Categories of the lines, with the categories above them.",
            ),
            FactSpec(
                "days_to_need",
                "Days until it is needed",
                FactType.NUMBER,
                unit="days",
                optional=True,
                help="Of the line that is needed first; negative: it was needed before today. Empty: no day given.",
            ),
            FactSpec("urgent", "Urgent", FactType.FLAG, help="It carries the priority star."),
            FactSpec("unpriced_line", "A line has no expected price", FactType.FLAG),
            FactSpec("described_line", "A line is described only", FactType.FLAG, help="It names no product."),
            FactSpec("budget_owner", "Budget owner", FactType.REFERENCE, model="res.users", optional=True),
            FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse"),
            FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
            FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
        )
        return {spec.name: spec for spec in specs}

    def _approval_fact_readers(self):
        lines = self.line_ids
        return {
            "amount": lambda: self._approval_amounts()[self.id],
            "line_count": lambda: as_decimal(len(lines)),
            "categories": lambda: lines._categories()._approval_with_parents(),
            "days_to_need": self._days_to_need,
            "urgent": lambda: self.priority == "1",
            "unpriced_line": lambda: any(not line.price_unit for line in lines),
            "described_line": lambda: any(not line.product_id for line in lines),
            "budget_owner": lambda: self.budget_owner_id.id or None,
            "site": lambda: self.warehouse_id.id,
            "region": lambda: self.warehouse_id.region_id.id or None,
            "requester": lambda: self.requester_id.id,
        }

    def _days_to_need(self):
        days = [day for day in (line._day_of_need() for line in self.line_ids) if day]
        return as_decimal((min(days) - today(self.company_id)).days) if days else None

    def _approval_amounts(self):
        """What the lines say, whatever is stored."""
        return {
            requisition.id: sum((line._asked_value() for line in requisition.line_ids), as_decimal(0))
            for requisition in self
        }

    def _approval_has_value(self):
        """Once each line has a price."""
        self.ensure_one()
        return all(line.price_unit for line in self.line_ids)

    def _approval_snapshots(self):
        amounts = self._approval_amounts()
        return {
            requisition.id: seal(
                {**declared_values(requisition, HEADER), "amount": amounts[requisition.id]},
                {
                    str(line.id): {**declared_values(line, LINE), "value": line._asked_value()}
                    for line in requisition.line_ids
                },
            )
            for requisition in self
        }

    def _approval_owners(self):
        return self.requester_id | self.create_uid

    def _approval_site(self):
        return self.warehouse_id

    def _approval_context(self):
        site = self.warehouse_id
        return {
            "warehouse_manager": [(site, site.manager_id)],
            "region_manager": [(site.region_id, site.region_id.manager_id)],
            "category_manager": [
                (category, category._approval_manager()) for category in self.line_ids._categories().sorted("id")
            ],
            "budget_owner": [(self, self.budget_owner_id)],
        }

    @api.model
    def _approval_standing(self, request):
        """Why it is needed and when, what is on hand of it, and what it cost last."""
        requisition = self.sudo().browse(request.res_id).exists()
        if not requisition:
            return False
        return self.env["ir.qweb"]._render(
            "procurement_automation.requisition_standing",
            {"requisition": requisition, "lines": requisition._standing_lines()},
        )

    def _standing_lines(self):
        products = self.line_ids.product_id.filtered(lambda product: product.type != "service")
        stock = self.env["distribution.site.stock"]._positions(products, self.warehouse_id)
        return [
            {
                "name": line.name,
                "quantity": line.quantity,
                "unit": line.uom_id.name,
                "needed_by": line._day_of_need(),
                "price": line.price_unit,
                "on_hand": stock[line.product_id.id, self.warehouse_id.id].on_hand
                if line.product_id in products
                else None,
            }
            for line in self.line_ids
        ]

    # --------------------------------------------------------------- actions

    def action_submit(self):
        """Ask for it: what is within policy is approved at once, the rest waits for people."""
        with gate_frame(self.env):
            self._asking()._check_complete()
            self._ask().write({"state": "approved"})
        return True

    def _check_complete(self):
        for requisition in self:
            if not requisition.line_ids:
                raise UserError(_("%s – Lines: say what is needed.", requisition.name))
            if not (requisition.justification or "").strip():
                raise UserError(_("%s – Justification: say what it is for.", requisition.name))

    def _check_cancellable(self):
        if self.filtered(lambda requisition: any(line.qty_quoted or line.qty_ordered for line in requisition.line_ids)):
            raise UserError(_("Something of it is on order: cancel that first, or close the requisition."))

    def action_close(self):
        """Nothing more is bought for it; what is on order still comes."""
        open_ones = self.filtered(lambda requisition: requisition.state == "approved")
        if not open_ones:
            raise UserError(_("Only approved requisitions are closed."))
        rest = {requisition.id: requisition.line_ids._open_values() for requisition in open_ones}
        with gate_frame(self.env):
            open_ones.write({"state": "done"})
        # sudo: the ledger is written by the suite; the right to write the requisition was asked for above
        self.env["distribution.event"].sudo()._record(
            "distribution.purchase_requisition.closed.v1",
            open_ones,
            lambda requisition: {"not_bought": rest[requisition.id]},
        )
        return True

    def action_order(self):
        """Turn what is open into requests for quotation or transfers."""
        self._check_buyer()
        ready = self.filtered("can_order")
        if not ready:
            raise UserError(_("Nothing to order: choose approved requisitions of which something is open."))
        if len(ready.company_id) > 1:
            raise UserError(_("Company: order for one company at a time."))
        wizard = self.env["distribution.requisition.order"]._prepared(ready)
        return {
            "type": "ir.actions.act_window",
            "name": _("Order"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

    def _check_buyer(self):
        if not self._may_buy():
            raise AccessError(_("Ordering takes the role Buyer."))

    def action_orders(self):
        self.ensure_one()
        return self._open_documents(self.line_ids.purchase_line_ids.order_id, _("Orders of %s", self.name))

    def action_pickings(self):
        self.ensure_one()
        return self._open_documents(self.line_ids.move_ids.picking_id, _("Transfers of %s", self.name))

    @api.model
    def _open_documents(self, documents, title):
        action = {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": documents._name,
            "view_mode": "tree,form",
            "domain": [("id", "in", documents.ids)],
        }
        if len(documents) == 1:
            action.update(view_mode="form", res_id=documents.id)
        return action


class ApprovalStage(models.Model):
    _inherit = "distribution.approval.stage"

    approver_kind = fields.Selection(
        selection_add=[("budget_owner", "Budget owner")], ondelete={"budget_owner": "cascade"}
    )
