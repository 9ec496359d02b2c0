"""Lines of requisitions, and how far each of them has come: the requester sees it without seeing the orders."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import float_compare

from odoo.addons.distribution_approval.engine import as_decimal
from odoo.addons.distribution_core.compat import (
    IS_17,
    LINE_UOM,
    PRECISION_QUANTITY,
    PURCHASE_CONFIRMED_STATES,
)

from ..engine import LineFacts, line_status, open_quantity
from .kept_fields import without_defaults
from .requisition import LINE, STATUSES

#: What follows from decisions and orders: nobody writes it.
KEPT = frozenset(
    {"status", "qty_quoted", "qty_ordered", "qty_received", "qty_open", "value", "drop_reason", "dropped_by"}
)
PURCHASE = "purchase.group_purchase_user"


class PurchaseRequisitionLine(models.Model):
    _name = "distribution.purchase.requisition.line"
    _description = "Requisition Line"
    _inherit = ["distribution.approval.line.mixin"]
    _order = "requisition_id desc, sequence, id"
    _check_company_auto = True

    _approval_document_field = "requisition_id"
    _approval_watched = frozenset(field.name for field in LINE) - {"value"} | {"requisition_id"}

    requisition_id = fields.Many2one(
        "distribution.purchase.requisition", required=True, ondelete="cascade", index=True, readonly=True
    )
    company_id = fields.Many2one(related="requisition_id.company_id", store=True)
    currency_id = fields.Many2one(related="requisition_id.currency_id")
    requester_id = fields.Many2one(related="requisition_id.requester_id", store=True)
    warehouse_id = fields.Many2one(related="requisition_id.warehouse_id", store=True, string="Site")
    state = fields.Selection(related="requisition_id.state")
    sequence = fields.Integer(default=10)
    product_id = fields.Many2one(
        "product.product", domain=[("purchase_ok", "=", True)], index="btree_not_null", check_company=True
    )
    name = fields.Char(
        "Description", compute="_compute_name", store=True, readonly=False, precompute=True, help="What is needed."
    )
    category_id = fields.Many2one(
        "product.category",
        compute="_compute_category_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Of the product; of what is described only, choose the nearest.",
    )
    quantity = fields.Float(required=True, default=1.0, digits=PRECISION_QUANTITY)
    uom_id = fields.Many2one(
        "uom.uom", string="Unit", compute="_compute_uom_id", store=True, readonly=False, precompute=True
    )
    needed_by = fields.Date(help="Empty: the day of the requisition.")
    price_unit = fields.Float("Expected Price", digits="Product Price", help="Per unit, without taxes.")
    value = fields.Monetary("Expected Value", compute="_compute_value", store=True)
    vendor_id = fields.Many2one(
        "res.partner", string="Wanted Vendor", help="What the requester would like; the buyer decides."
    )
    purchase_line_ids = fields.One2many(
        "purchase.order.line", "requested_line_id", string="Order Lines", copy=False, groups=PURCHASE
    )
    move_ids = fields.One2many("stock.move", "requested_line_id", string="Transfers", copy=False, groups=PURCHASE)
    dropped_by = fields.Many2one("res.users", readonly=True, copy=False)
    drop_reason = fields.Char("Not Bought Because", readonly=True, copy=False)
    status = fields.Selection(STATUSES, compute="_compute_status", store=True, compute_sudo=True, index=True)
    qty_quoted = fields.Float(
        "On Quotations", compute="_compute_status", store=True, compute_sudo=True, digits=PRECISION_QUANTITY
    )
    qty_ordered = fields.Float(
        "Ordered", compute="_compute_status", store=True, compute_sudo=True, digits=PRECISION_QUANTITY
    )
    qty_received = fields.Float(
        "Received", compute="_compute_status", store=True, compute_sudo=True, digits=PRECISION_QUANTITY
    )
    qty_open = fields.Float("Open", compute="_compute_status", store=True, compute_sudo=True, digits=PRECISION_QUANTITY)
    expected_on = fields.Date(compute="_compute_expected_on", compute_sudo=True, string="Expected")

    _sql_constraints = [
        ("quantity_positive", "CHECK (quantity > 0)", "Quantity: more than zero."),
        ("price_positive", "CHECK (price_unit >= 0)", "Expected Price: not negative."),
    ]

    # -------------------------------------------------------------- computes

    @api.depends("product_id")
    def _compute_name(self):
        for line in self:
            if line.product_id:
                line.name = line.product_id.display_name

    @api.depends("product_id")
    def _compute_category_id(self):
        for line in self:
            if line.product_id:
                line.category_id = line.product_id.categ_id

    @api.depends("product_id")
    def _compute_uom_id(self):
        unit = self.env.ref("uom.product_uom_unit")
        for line in self:
            line.uom_id = line.product_id.uom_id or line.uom_id or unit

    @api.depends("quantity", "price_unit")
    def _compute_value(self):
        for line in self:
            line.value = line.quantity * line.price_unit

    @api.depends(
        "quantity",
        "drop_reason",
        "requisition_id.state",
        "requisition_id.approval_state",
        "purchase_line_ids.order_id.state",
        "purchase_line_ids.product_qty",
        "move_ids",
    )
    def _compute_status(self):
        """See also :meth:`_goods_moved`: what is received is no dependency, which each stock move would pay for."""
        for line in self:
            facts = line._facts()
            line.status = line_status(facts)
            line.qty_quoted, line.qty_ordered, line.qty_received = facts.quoted, facts.ordered, facts.received
            line.qty_open = open_quantity(facts)

    def _goods_moved(self):
        """What has arrived of these lines changed: their status, and what follows from it, is due."""
        self.modified(["quantity"])

    def _facts(self):
        """Quantities on the way, in the unit of the line."""
        orders = self.purchase_line_ids.filtered(lambda line: line.order_id.state != "cancel")
        confirmed = orders.filtered(lambda line: line.order_id.state in PURCHASE_CONFIRMED_STATES)
        moves = self.move_ids.filtered(lambda move: move.state != "cancel")
        done = moves.filtered(lambda move: move.state == "done")
        return LineFacts(
            requested=self.quantity,
            stage=self._stage(),
            quoted=sum(self._in_unit(line.product_qty, line[LINE_UOM]) for line in orders - confirmed),
            ordered=sum(self._in_unit(line.product_qty, line[LINE_UOM]) for line in confirmed)
            + sum(self._in_unit(move.product_uom_qty, move.product_uom) for move in moves - done)
            + sum(self._in_unit(move.quantity, move.product_uom) for move in done),
            received=sum(self._in_unit(line.qty_received, line[LINE_UOM]) for line in confirmed)
            + sum(self._in_unit(move.quantity, move.product_uom) for move in done),
            is_dropped=bool(self.drop_reason) or self.requisition_id.state == "done",
        )

    def _stage(self):
        requisition = self.requisition_id
        if requisition.state in ("approved", "done"):
            return "approved"
        if requisition.state == "cancel":
            return "cancelled"
        if requisition.approval_state in ("rejected", "refused"):
            return "rejected"
        return "requested" if requisition.state == "to_approve" else "draft"

    def _in_unit(self, quantity, unit):
        if not unit or unit == self.uom_id:
            return quantity
        return unit._compute_quantity(quantity, self.uom_id, round=False, raise_if_failure=False)

    def _compute_expected_on(self):
        """When the last of it arrives as things stand."""
        for line in self:
            days = [
                order_line.date_planned
                for order_line in line.purchase_line_ids
                if order_line.order_id.state in PURCHASE_CONFIRMED_STATES
                and float_compare(order_line.qty_received, order_line.product_qty, precision_digits=6) < 0
            ]
            days += [move.date for move in line.move_ids if move.state not in ("done", "cancel")]
            line.expected_on = max(days).date() if days else False

    @api.depends("name", "requisition_id.name")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.requisition_id.name}: {line.name or ''}"

    @api.constrains("product_id", "name")
    def _check_named(self):
        for line in self:
            if not line.product_id and not (line.name or "").strip():
                raise ValidationError(_("Product or Description: say what is needed."))

    @api.constrains("product_id", "uom_id")
    def _check_unit(self):
        for line in self.filtered(lambda line: IS_17 and line.product_id):
            if line.uom_id.category_id != line.product_id.uom_id.category_id:
                raise ValidationError(
                    _(
                        "Unit: %(product)s is not counted in %(unit)s.",
                        product=line.product_id.display_name,
                        unit=line.uom_id.name,
                    )
                )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, KEPT)
        for vals in vals_list:
            self._refuse_kept(vals)
        lines = super().create(vals_list)
        lines._check_open()
        return lines

    def write(self, vals):
        self._refuse_kept(vals)
        if self._approval_watched & vals.keys():
            self._check_open()
        return super().write(vals)

    def unlink(self):
        self._check_open()
        if self.filtered(lambda line: line.qty_quoted or line.qty_ordered):
            raise UserError(_("Something of this line is on order: cancel that first."))
        return super().unlink()

    def _refuse_kept(self, vals):
        if not self.env.su and KEPT & vals.keys():
            raise AccessError(_("%s: follows from decisions and orders.", ", ".join(sorted(KEPT & vals.keys()))))

    def _check_open(self):
        """Where approval is governed the gate decides; elsewhere what was approved is the buyer's."""
        if self.env.su or self.env["distribution.purchase.requisition"]._may_buy():
            return
        approved = self.requisition_id.filtered(lambda requisition: requisition.state in ("approved", "done"))
        if approved - approved._approval_governed():
            raise UserError(_("It is approved already: ask for more with another requisition, or ask the buyer."))

    # --------------------------------------------------------------- business

    def _asked_value(self):
        """Exact value, worked out from what is asked: subtotals are stored and could be written over."""
        return as_decimal(self.quantity) * as_decimal(self.price_unit)

    def _day_of_need(self):
        return self.needed_by or self.requisition_id.needed_by

    def _quantity_open_in_product_unit(self):
        return self.uom_id._compute_quantity(self.qty_open, self.product_id.uom_id, round=False)

    def _categories(self):
        return self.category_id | self.product_id.categ_id

    def _open_values(self):
        return [{"line_id": line.id, "quantity": str(line.qty_open)} for line in self if line.qty_open]

    def action_drop(self):
        """Say why the rest of these lines is not bought."""
        self.env["distribution.purchase.requisition"]._check_buyer()
        lines = self.filtered("qty_open")
        if not lines:
            raise UserError(_("Nothing is open of these lines."))
        return {
            "type": "ir.actions.act_window",
            "name": _("Do Not Buy"),
            "res_model": "distribution.requisition.drop",
            "view_mode": "form",
            "target": "new",
            "context": {"default_line_ids": [(6, 0, lines.ids)]},
        }

    def _drop(self, reason):
        """What is open of these lines is not bought; the requester sees why."""
        self.env["distribution.purchase.requisition"]._check_buyer()
        lines = self.filtered("qty_open")
        rest = {line.id: line.qty_open for line in lines}
        # sudo: set by this act only, the role was checked above
        lines.sudo().write({"drop_reason": reason, "dropped_by": self.env.uid})
        for requisition in lines.requisition_id:
            dropped = lines.filtered(lambda line, requisition=requisition: line.requisition_id == requisition)
            # sudo: the ledger is written by the suite
            self.env["distribution.event"].sudo()._record(
                "distribution.purchase_requisition.lines_rejected.v1",
                requisition,
                {"lines": [{"line_id": line.id, "quantity": str(rest[line.id])} for line in dropped]},
            )
            requisition.message_post(
                body=_(
                    "Not bought: %(lines)s. %(reason)s",
                    lines=", ".join(line.name or "" for line in dropped),
                    reason=reason,
                ),
                partner_ids=requisition.requester_id.partner_id.ids,
            )
