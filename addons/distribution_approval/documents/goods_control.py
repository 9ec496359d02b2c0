"""The nightly control of stock: goods that were lost, found or scrapped without a release."""

from odoo import _, api, models
from psycopg2 import sql

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from ..models.approval_activation import EVERYWHERE
from .goods_places import GONE, INSIDE, LOST

BATCH = 1000


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        return super()._cron_find_ungated() + self._find_ungated_goods()

    @api.model
    def _find_ungated_goods(self):
        """Open a case for each done move that crosses the border of our books unreleased. Returns their number."""
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
        worked = [
            sql.SQL("move.{} IS NOT NULL").format(sql.Identifier(name))
            for name in self.env["stock.move"]._approval_work_order_fields()
        ]
        # What orders explain plainly is most of all and is not read; what is left is looked at closely.
        query = sql.SQL(
            """SELECT line.move_id, array_agg(line.id)
                 FROM stock_move_line line
                 JOIN stock_move move ON move.id = line.move_id
                 JOIN stock_location source ON source.id = line.location_id
                 JOIN stock_location destination ON destination.id = line.location_dest_id
                WHERE line.state = 'done'
                  AND line.quantity <> 0
                  AND line.company_id = %s
                  AND line.date > %s
                  AND (move.scrap_id IS NULL OR %s NOT IN (source.usage, destination.usage))
                  AND ((source.usage = ANY(%s) AND destination.usage = ANY(%s))
                       OR (source.usage = ANY(%s) AND destination.usage = ANY(%s)))
                  AND NOT ('production' IN (source.usage, destination.usage)
                           AND move.picking_id IS NULL AND ({worked}))
                  AND NOT (source.usage = 'supplier'
                           AND EXISTS (SELECT 1 FROM purchase_order_line ordered
                                         JOIN purchase_order ON purchase_order.id = ordered.order_id
                                        WHERE ordered.id = move.purchase_line_id
                                          AND ordered.product_id = line.product_id
                                          AND ordered.product_id = move.product_id
                                          AND ordered.company_id = move.company_id
                                          AND purchase_order.state = ANY(%s)))
                  AND NOT EXISTS (SELECT 1 FROM distribution_inventory_adjustment_move_rel known
                                   WHERE known.move_id = line.move_id)
             GROUP BY line.move_id ORDER BY line.move_id"""
        ).format(worked=sql.SQL(" OR ").join(worked) if worked else sql.SQL("FALSE"))
        inside, gone = list(INSIDE), list(GONE)
        self.env.cr.execute(
            query,
            (
                activation.company_id.id,
                activation.confirmed_at,
                LOST,
                inside,
                gone,
                gone,
                inside,
                list(PURCHASE_CONFIRMED_STATES),
            ),
        )
        rows = self.env.cr.fetchall()
        lines = self.env["stock.move.line"].sudo().browse(line_id for _move, ids in rows for line_id in ids)
        scraps = activation.document_type == "scrap"

        def governed(line):
            inside = line.location_id if line.location_id._approval_is_inside() else line.location_dest_id
            return (
                line._approval_crosses()
                and line._approval_scraps() == scraps
                and (place is EVERYWHERE or inside.warehouse_id.id in place)
            )

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
