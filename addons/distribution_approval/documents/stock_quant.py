"""Counts are applied when their adjustment is released; stock changes while goods move, and not else."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_is_zero

from odoo.addons.distribution_core.compat import IS_17

from ..models.gate_frame import gate_frame
from .goods_in_hand import counted, goods_in_hand
from .inventory_adjustment import goods_key

#: What may change on stock that is there only while goods move.
BOOKED = frozenset({"quantity", "product_id", "location_id", "lot_id", "owner_id"})


class StockQuant(models.Model):
    _inherit = "stock.quant"

    approval_held = fields.Boolean(
        string="Held",
        readonly=True,
        copy=False,
        help="The count waits for an approval. It is applied as soon as it is released.",
    )
    approval_reason_id = fields.Many2one(
        "distribution.approval.reason",
        string="Cause",
        copy=False,
        ondelete="restrict",
        domain=[("outcome", "=", "cause")],
        help="Why the count differs from what should be there.",
    )
    approval_attachment_ids = fields.Many2many(
        "ir.attachment",
        "stock_quant_approval_attachment_rel",
        string="Evidence",
        copy=False,
        help="Count sheets, photos: what proves the count.",
    )
    approval_adjustment_id = fields.Many2one(
        "distribution.inventory.adjustment", compute="_compute_approval_adjustment_id", string="Adjustment"
    )
    approval_state = fields.Selection(
        selection=lambda self: self.env["distribution.inventory.adjustment"]._fields["approval_state"].selection,
        compute="_compute_approval_adjustment_id",
        string="Approval",
    )
    approval_banner = fields.Html(compute="_compute_approval_adjustment_id", sanitize=False)

    # -------------------------------------------------------------- computes

    @api.depends("approval_held")
    @api.depends_context("uid")
    def _compute_approval_adjustment_id(self):
        # Who reads the count may read where it stands.
        lines = self._approval_open_lines()
        adjustments = {line.quant_ref: line.adjustment_id for line in lines}
        for quant in self:
            adjustment = adjustments.get(quant.id, lines.adjustment_id.browse())
            quant.approval_adjustment_id = adjustment.id
            quant.approval_state = adjustment.approval_state
            request = adjustment.approval_request_id
            quant.approval_banner = request._banner() if request else False

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("approval_held"):
                raise AccessError(_("A count is held by the approval policy, not by hand."))
            if vals.get("quantity") and self._approval_on():
                location = self.env["stock.location"].sudo().browse(vals.get("location_id"))
                self._approval_refuse_by_hand(location)
        return super().create(vals_list)

    def write(self, vals):
        if "approval_held" in vals and not self.env.su:
            raise AccessError(_("A count is held by the approval policy, not by hand."))
        if not BOOKED.isdisjoint(vals) and self._approval_on():
            locations = self.sudo().filtered(lambda quant: quant.quantity or "quantity" in vals).location_id
            if "location_id" in vals:
                locations |= locations.browse(vals["location_id"])
            self._approval_refuse_by_hand(locations)
        return super().write(vals)

    def unlink(self):
        if self._approval_on():
            self._approval_refuse_by_hand(
                self.sudo().filtered(lambda quant: not quant._approval_is_empty()).location_id
            )
        return super().unlink()

    @api.model
    def _update_available_quantity(self, product_id, location_id, quantity=False, *args, **kwargs):
        if quantity and self._approval_on():
            self._approval_refuse_by_hand(location_id)
        return super()._update_available_quantity(product_id, location_id, quantity, *args, **kwargs)

    @api.model
    def _approval_on(self):
        """Whether adjustments are governed anywhere and no goods are in hand; without a query."""
        return not goods_in_hand(self.env).depth and bool(
            self.env["distribution.inventory.adjustment"]._approval_places()
        )

    def _approval_is_empty(self):
        return float_is_zero(self.quantity, precision_rounding=self.product_uom_id.rounding)

    @api.model
    def _approval_refuse_by_hand(self, locations):
        governs = self.env["distribution.inventory.adjustment"]._approval_governs
        for location in locations.sudo():
            if governs(location):
                raise UserError(
                    _(
                        "quantity: stock at %s is not written, it follows from stock moves. "
                        "Count the product (Inventory ▸ Physical Inventory) and apply the count.",
                        location.display_name,
                    )
                )

    # ------------------------------------------------------------------ counts

    def _approval_line_vals(self):
        """The values of this count on a line of its adjustment."""
        self.ensure_one()
        return {
            "product_id": self.product_id.id,
            "location_id": self.location_id.id,
            "lot_id": self.lot_id.id,
            "package_ref": self.package_id.id or 0,
            "owner_id": self.owner_id.id,
            "quant_ref": self.id,
            "categ_ref": self.product_id.categ_id.id,
            "counter_id": self.user_id.id,
            "theoretical_quantity": self.quantity,
            "counted_quantity": self.inventory_quantity,
            "quantity": round(self.inventory_diff_quantity, 6),
            "reason_id": self.approval_reason_id.id,
        }

    def _approval_new_line_vals(self, unit_cost):
        """The same for a line that is made; its value comes with it, instead of an UPDATE for each line."""
        vals = self._approval_line_vals()
        return {**vals, "unit_cost": unit_cost, "value": vals["quantity"] * unit_cost}

    def _approval_goods_key(self):
        return goods_key(self.product_id, self.location_id, self.lot_id, self.package_id, self.owner_id)

    def _approval_governed_counts(self):
        """Those of these counts that change stock that is governed."""
        adjustments = self.env["distribution.inventory.adjustment"]
        if not adjustments._approval_places():
            return self.browse()
        counts = self.sudo()
        governed = counts.location_id.filtered(adjustments._approval_governs)
        return counts.filtered(
            lambda quant: (
                not float_is_zero(quant.inventory_diff_quantity, precision_rounding=quant.product_uom_id.rounding)
                and quant.location_id in governed
            )
        )

    def _apply_inventory(self, *args, **kwargs):
        """Apply the counts that policy or people released; ask for the rest.

        Held counts stay as they are and do not disturb the others.
        """
        governed = self._approval_governed_counts()
        may_apply = not IS_17 or self.env.user.has_group("stock.group_stock_manager")
        if not governed or not may_apply:
            # Core says who may apply counts; others do not ask either.
            return super()._apply_inventory(*args, **kwargs)
        with gate_frame(self.env):
            adjustments = self.env["distribution.inventory.adjustment"]._approval_of_counts(governed)
            held = adjustments._approval_screen("action_apply")
            waiting = held._approval_quants() & governed.sudo()
            going = adjustments - held
            counts = {line._goods_key(): line.adjustment_id.id for line in going.line_ids}
            # A released adjustment is applied as a whole.
            together = (self - waiting.with_env(self.env)) | going._approval_quants().with_env(self.env)
            going._approval_show_held(False)
            with counted(self.env, counts):
                result = super(StockQuant, together)._apply_inventory(*args, **kwargs)
            going._approval_quants().filtered(
                lambda quant: quant.approval_reason_id or quant.approval_attachment_ids
            ).write({"approval_reason_id": False, "approval_attachment_ids": [(5,)]})
            waiting.invalidate_recordset(["inventory_quantity_auto_apply"])
        return result

    def action_apply_inventory(self, *args, **kwargs):
        if not IS_17 and self.env["distribution.inventory.adjustment"]._approval_places():
            # 19.0 takes what was not counted (any more) for a count of zero: two people who apply
            # the same count at once would empty the shelf.
            self = self.filtered("inventory_quantity_set")
            if not self:
                return None
        # Core forgets what was counted when it has applied; 19.0 then sees no difference any more.
        counts = self._approval_governed_counts()
        result = super().action_apply_inventory(*args, **kwargs)
        if result:
            return result
        return counts._approval_keep_counts()

    def _approval_open_lines(self):
        """The lines of adjustments that are not applied that these counts belong to."""
        return (
            self.env["distribution.inventory.adjustment.line"]
            .sudo()
            .search([("quant_ref", "in", self.ids), ("adjustment_id.state", "=", "open")], order="id")
        )

    def _approval_keep_counts(self):
        """What was not applied keeps its count; says so."""
        waiting = self.browse(self._approval_open_lines().mapped("quant_ref")).exists()
        if not waiting:
            return None
        waiting.write({"inventory_quantity_set": True})
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "title": _("%s counts are not applied", len(waiting)),
                "message": "\n".join(
                    adjustment._approval_held_words() for adjustment in waiting.approval_adjustment_id
                ),
                "sticky": True,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _approval_apply_counts(self):
        """Apply released counts: what was counted is there, whatever little has moved since."""
        for quant in self:
            quant.inventory_diff_quantity = quant.inventory_quantity - quant.quantity
        counts = self._approval_governed_counts()
        self._apply_inventory()
        counts._approval_keep_counts()
        (self - self._approval_governed_counts().with_env(self.env)).inventory_quantity_set = False

    def action_clear_inventory_quantity(self):
        """Whoever clears a count takes back what was asked for it."""
        held = self.filtered("approval_held").sudo()
        result = super().action_clear_inventory_quantity()
        for adjustment in held.approval_adjustment_id:
            adjustment._approval_void_all(_("A count was cleared."))
            adjustment.write({"state": "dropped"})
        return result

    @api.model
    def _get_inventory_fields_write(self):
        return [*super()._get_inventory_fields_write(), "approval_reason_id", "approval_attachment_ids"]
