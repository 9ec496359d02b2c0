"""The nightly control of stock: goods that were lost, found or scrapped without a release."""

from odoo import _, api, models

from ..models.approval_activation import EVERYWHERE
from .goods_places import GONE, INSIDE

BATCH = 1000


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        return super()._cron_find_ungated() + self._find_ungated_goods()

    @api.model
    def _find_ungated_goods(self):
        """Open a case for each done move to or from a loss that nothing released. Returns their number."""
        found = 0
        activations = (
            self.env["distribution.approval.activation"]
            .sudo()
            .search([("document_type", "in", ("inventory_adjustment", "scrap")), ("state", "in", ("active", "ending"))])
        )
        for activation in activations:
            move_ids = self._ungated_move_ids(activation)
            for start in range(0, len(move_ids), BATCH):
                for move in self.env["stock.move"].sudo().browse(move_ids[start : start + BATCH]):
                    found += self._report_move(move, activation)
                self.env.flush_all()
                self.env.invalidate_all()
        return found

    @api.model
    def _ungated_move_ids(self, activation):
        """Ids of moves done since governance began that crossed the border and belong to no document."""
        sites = self.env["distribution.approval.activation"]._governed_places(activation.document_type)
        place = sites.get(activation.company_id.id)
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT line.move_id, array_agg(line.id)
                 FROM stock_move_line line
                 JOIN stock_move move ON move.id = line.move_id
                 JOIN stock_location source ON source.id = line.location_id
                 JOIN stock_location destination ON destination.id = line.location_dest_id
                WHERE line.state = 'done'
                  AND line.quantity <> 0
                  AND line.company_id = %s
                  AND line.date > %s
                  AND move.scrap_id IS NULL
                  AND ((source.usage = ANY(%s) AND destination.usage = %s)
                       OR (source.usage = %s AND destination.usage = ANY(%s)))
                  AND NOT EXISTS (SELECT 1 FROM distribution_inventory_adjustment_move_rel known
                                   WHERE known.move_id = line.move_id)
             GROUP BY line.move_id ORDER BY line.move_id""",
            (activation.company_id.id, activation.confirmed_at, list(INSIDE), GONE, GONE, list(INSIDE)),
        )
        rows = self.env.cr.fetchall()
        lines = self.env["stock.move.line"].sudo().browse(line_id for _move, ids in rows for line_id in ids)
        scraps = activation.document_type == "scrap"

        def governed(line):
            inside = line.location_id if line.location_id._approval_is_inside() else line.location_dest_id
            return line._approval_scraps() == scraps and (place is EVERYWHERE or inside.warehouse_id.id in place)

        moves = {line.move_id.id for line in lines if governed(line)}
        return [move_id for move_id, _ids in rows if move_id in moves]

    @api.model
    def _report_move(self, move, activation):
        """Open the case once; returns 1 for a move that has none yet or an open one."""
        case = (
            self.env["distribution.case"]
            .sudo()
            ._open(
                "ungated_document",
                move,
                _(
                    "Stock changed without a release: %(product)s, %(move)s",
                    product=move.product_id.display_name,
                    move=move.reference or move.id,
                ),
                detail=_(
                    "%(quantity)s moved from %(origin)s to %(destination)s, "
                    "and no document of type “%(type)s” covers it.",
                    quantity=move.quantity,
                    origin=move.location_id.display_name,
                    destination=move.location_dest_id.display_name,
                    type=activation.document_type,
                ),
                dedup_key=f"ungated:{move._name}:{move.id}",
            )
        )
        kind = f"distribution.{activation.document_type}.ungated_found.v1"
        events = self.env["distribution.event"].sudo()
        if events._last_for(move).type != kind:
            events._record(kind, move, {"case_id": case.id})
        return 1
