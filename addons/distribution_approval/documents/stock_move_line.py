"""Move lines that are done: goods are in hand while they move, and corrections are adjustments."""

from odoo import _, api, models
from odoo.exceptions import UserError

from ..models.gate_frame import frame_of, gate_frame
from .goods_in_hand import carried
from .stock_move_gate import CORRECTIONS


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _action_done(self):
        # Core carries out whatever it is given; what is done already would move a second time.
        self.move_id._approval_refuse_undone()
        with carried(self.env):
            return super()._action_done()

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env["distribution.inventory.adjustment"]._approval_places():
            return super().create(vals_list)
        with gate_frame(self.env), carried(self.env):
            lines = super().create(vals_list)
            lines.filtered(lambda line: line.state == "done")._approval_correct({})
            return lines

    def write(self, vals):
        if "state" in vals:
            self.move_id.filtered(lambda move: move.state != vals["state"])._approval_refuse_undone()
            self._approval_refuse_state(vals["state"])
        if CORRECTIONS.isdisjoint(vals) or not self.env["distribution.inventory.adjustment"]._approval_places():
            return super().write(vals)
        done = self.filtered(lambda line: line.state == "done")
        if not done:
            return super().write(vals)
        if frame_of(self.env).moving.issuperset(done.move_id.ids):
            with carried(self.env):
                return super().write(vals)
        with gate_frame(self.env), carried(self.env):
            before = {line: line._approval_booked() for line in done.sudo()}
            result = super().write(vals)
            done._approval_correct(before)
            return result

    def _approval_refuse_state(self, state):
        """Refuse ``state`` for lines whose move has another one: nothing has moved because a line says so."""
        moves = self.sudo().move_id.filtered(lambda move: move.state != state)
        if moves and self.env["distribution.approval.move.document"]._approval_move_gates():
            raise UserError(
                _(
                    "state: the operations of %s have the state of their stock move. Validate its transfer.",
                    ", ".join(name for name in moves.mapped("display_name") if name),
                )
            )

    def _approval_booked(self):
        """``{goods key: net quantity}`` that this line added to our stock; None if it lost or found goods.

        What a line to or from inventory loss does is said by its own adjustment.
        """
        self.ensure_one()
        if self._approval_crosses():
            return None
        return self.env["distribution.inventory.adjustment"]._approval_effects(self)

    def _approval_correct(self, before):
        """These lines, which are done, changed: what that does to our stock is an adjustment."""
        adjustments = self.env["distribution.inventory.adjustment"].sudo()
        corrections = {}
        for line in self.sudo():
            old, new = before.get(line, {}), line._approval_booked()
            if old is None or new is None:
                continue
            for key in {*old, *new}:
                location = self.env["stock.location"].sudo().browse(key[1])
                change = round(new.get(key, 0) - old.get(key, 0), 6)
                if change and adjustments._approval_governs(location):
                    place = line.company_id, location.warehouse_id
                    effects = corrections.setdefault(place, {})
                    effects[key] = effects.get(key, 0) + change
        for (company, site), effects in corrections.items():
            adjustment = adjustments.create(
                {
                    **adjustments._approval_header_vals(company, site, "correction"),
                    "picking_id": self.picking_id[:1].id,
                }
            )
            self.env["distribution.inventory.adjustment.line"].sudo().create(
                [
                    {**values, "adjustment_id": adjustment.id}
                    for values in adjustments._approval_line_vals(effects, company)
                ]
            )
            adjustment._approval_applied()
            adjustment._approval_judge_result()
