"""Orders and transfers that were made for a requisition say so, and nobody but the suite says it."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

#: On the cursor: requisition lines whose moves are being split.
SPLIT = "procurement_automation.split_for_requisition"


class RequestedLine(models.AbstractModel):
    _name = "distribution.requested.line"
    _description = "Made for a Requisition"

    requested_line_id = fields.Many2one(
        "distribution.purchase.requisition.line",
        string="Made for Requisition Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    @api.model_create_multi
    def create(self, vals_list):
        named = {vals.get("requested_line_id") for vals in vals_list}
        named.add(self.env.context.get("default_requested_line_id"))
        if not self.env.su and named - {None, False} - self._requested_already():
            raise self._not_by_hand()
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and "requested_line_id" in vals:
            raise self._not_by_hand()
        return super().write(vals)

    @api.model
    def _requested_already(self):
        """Requisition lines for which further records may be made by anybody."""
        return set()

    @api.model
    def _not_by_hand(self):
        """What is ordered or moved for a requisition is not ordered again: the link is neither made nor cut by hand."""
        return AccessError(_("Made for Requisition Line: set by ordering from the requisition only."))


class PurchaseOrderLine(models.Model):
    _name = "purchase.order.line"
    _inherit = ["distribution.requested.line", "purchase.order.line"]

    def _find_candidate(self, *args, **kwargs):
        """What is ordered for a requisition is not mixed with what reordering rules need."""
        own = self.filtered(lambda line: not line.requested_line_id)
        return super(PurchaseOrderLine, own)._find_candidate(*args, **kwargs)

    def _compute_qty_received(self):
        super()._compute_qty_received()
        # sudo: who receives goods need not see requisitions
        self.sudo().requested_line_id._goods_moved()


class StockMove(models.Model):
    _name = "stock.move"
    _inherit = ["distribution.requested.line", "stock.move"]

    def write(self, vals):
        done = super().write(vals)
        if "state" in vals:
            # sudo: who moves goods need not see requisitions
            moves = self.sudo()
            (moves.requested_line_id | moves.purchase_line_id.requested_line_id)._goods_moved()
        return done

    def _prepare_move_split_vals(self, qty):
        values = super()._prepare_move_split_vals(qty)
        if self.requested_line_id:
            values["requested_line_id"] = self.requested_line_id.id
            self.env.cr.precommit.data.setdefault(SPLIT, set()).add(self.requested_line_id.id)
        return values

    @api.model
    def _prepare_merge_moves_distinct_fields(self):
        return [*super()._prepare_merge_moves_distinct_fields(), "requested_line_id"]

    @api.model
    def _requested_already(self):
        """A backorder goes on for the requisition of the move that it was split from."""
        return super()._requested_already() | self.env.cr.precommit.data.get(SPLIT, set())
