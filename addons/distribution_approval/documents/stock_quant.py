"""Counts are applied when their adjustment is released; stock changes while goods move, and not else."""

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_is_zero

from odoo.addons.distribution_core.compat import IS_17

from ..models.gate_frame import gate_frame
from .goods_in_hand import counted, goods_in_hand
from .inventory_adjustment import goods_key

#: What may change on stock that is there only while goods move.
BOOKED = frozenset({"quantity", "product_id", "location_id", "lot_id", "owner_id"})
#: Whoever writes one of these counts.
COUNTED = frozenset(
    {"inventory_quantity", "inventory_quantity_auto_apply", "inventory_quantity_set", "inventory_diff_quantity"}
)


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
    approval_counters = fields.Json(
        string="Counted By",
        readonly=True,
        copy=False,
        help="Ids of the users who wrote this count since one was applied last, the latest at the end. "
        "“Assigned To” is who is meant to count, and anybody's to write.",
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
        counted_here = any(_counts(vals) for vals in vals_list)
        for vals in vals_list:
            self._approval_refuse_marks(vals)
            if vals.get("approval_held"):
                raise AccessError(_("A count is held by the approval policy, not by hand."))
            if vals.get("quantity") and self._approval_on():
                location = self.env["stock.location"].sudo().browse(vals.get("location_id"))
                self._approval_refuse_by_hand(location)
        quants = super().create(vals_list)
        if counted_here:
            quants._approval_note_counter()
        return quants

    def write(self, vals):
        self._approval_refuse_marks(vals)
        if "approval_held" in vals and not self.env.su:
            raise AccessError(_("A count is held by the approval policy, not by hand."))
        if not BOOKED.isdisjoint(vals) and self._approval_on():
            locations = self.sudo().filtered(lambda quant: quant.quantity or "quantity" in vals).location_id
            if "location_id" in vals:
                locations |= locations.browse(vals["location_id"])
            self._approval_refuse_by_hand(locations)
        if _counts(vals):
            # First: an inverse applies the count at once.
            self._approval_note_counter()
        if "approval_attachment_ids" not in vals:
            return super().write(vals)
        with gate_frame(self.env):
            result = super().write(vals)
            # What waits for evidence goes on with it, whoever asks again: a person, or the scheduled action.
            for adjustment in self._approval_open_lines().adjustment_id:
                if adjustment.approval_state:
                    adjustment._approval_follow_evidence(adjustment._approval_quants())
            return result

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

    # --------------------------------------------------------------- counters

    @api.model
    def _approval_refuse_marks(self, vals):
        if "approval_counters" in vals or "default_approval_counters" in self.env.context:
            # Not for the superuser either: see :meth:`_approval_set_counters`.
            raise AccessError(_("Who counted is recorded when somebody counts, not written by hand."))

    def _approval_set_counters(self, user_ids):
        super(StockQuant, self.sudo()).write({"approval_counters": user_ids})

    def _approval_note_counter(self):
        """The real user counts, whoever is assigned. No query beside the UPDATE of the count itself."""
        if self.env.uid == SUPERUSER_ID:
            return
        known = {}
        for quant in self.sudo():
            known.setdefault(tuple(quant.approval_counters or ()), []).append(quant.id)
        for user_ids, quant_ids in known.items():
            if user_ids[-1:] != (self.env.uid,):
                others = [user_id for user_id in user_ids if user_id != self.env.uid]
                self.browse(quant_ids)._approval_set_counters([*others, self.env.uid])

    def _approval_forget_counters(self):
        """The counts are applied: the next one is somebody else's, maybe."""
        self.sudo().filtered("approval_counters")._approval_set_counters(False)

    def _approval_people(self):
        """The users who counted these, and who was meant to: they may have said it to who wrote it."""
        written = {user_id for quant in self for user_id in quant.approval_counters or ()}
        return self.user_id | self.env["res.users"].sudo().browse(written).exists()

    def _approval_last_counter(self, people):
        """Who of ``people`` wrote this count last; where that is not on record, who was meant to."""
        self.ensure_one()
        written = [user_id for user_id in self.approval_counters or () if user_id in people._ids]
        return people.browse(written[-1:]) or self.user_id

    def _merge_quants(self):
        """Core adds up the counts of rows for the same goods: whoever wrote one of them counted."""
        self.flush_model()
        self.env.cr.execute(
            """UPDATE stock_quant AS kept
                  SET approval_counters = merged.user_ids
                 FROM (SELECT min(twin.id) AS quant_id,
                              (SELECT jsonb_agg(DISTINCT person)
                                 FROM unnest(array_agg(twin.approval_counters)) AS counters
                                CROSS JOIN jsonb_array_elements(counters) AS person) AS user_ids
                         FROM stock_quant twin
                     GROUP BY twin.product_id, twin.company_id, twin.location_id, twin.lot_id, twin.package_id,
                              twin.owner_id
                       HAVING count(*) > 1 AND count(twin.approval_counters) > 0) merged
                WHERE kept.id = merged.quant_id"""
        )
        self.invalidate_model(["approval_counters"])
        return super()._merge_quants()

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
            "theoretical_quantity": self.quantity,
            "counted_quantity": self.inventory_quantity,
            "quantity": round(self.inventory_diff_quantity, 6),
            "reason_id": self.approval_reason_id.id,
        }

    def _approval_new_line_vals(self, unit_cost, people):
        """The same for a line that is made; its value comes with it, instead of an UPDATE for each line."""
        vals = self._approval_line_vals()
        counter = self._approval_last_counter(people)
        return {**vals, "counter_id": counter.id, "unit_cost": unit_cost, "value": vals["quantity"] * unit_cost}

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
            result = super()._apply_inventory(*args, **kwargs)
            self._approval_forget_counters()
            return result
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
            together._approval_forget_counters()
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
        # Past our own write: whoever applied did not count.
        super(StockQuant, waiting).write({"inventory_quantity_set": True})
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
            difference = quant.inventory_quantity - quant.quantity
            super(StockQuant, quant).write({"inventory_diff_quantity": difference})
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


def _counts(vals):
    """Whether ``vals`` say how much is there."""
    return any(name in vals and (name != "inventory_quantity_set" or vals[name]) for name in COUNTED)
