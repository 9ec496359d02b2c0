"""What follows from an answer: days move the order, quantity and price are amended, the rest is a case."""

import logging

from odoo import _, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import float_compare

from odoo.addons.distribution_core.compat import PURCHASE_ACKNOWLEDGED, PURCHASE_CONFIRMED_STATES

_logger = logging.getLogger(__name__)


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    def _apply_promises(self, lines, buyer=None, strict=False):
        """Bring the order in line with what was promised for ``lines``.

        Days are not controlled: they move at once. Quantity and price are: where the order is governed, an amendment is
        proposed as the buyer – policy passes it, or asks – and the line waits for it.

        :param buyer: who proposes; default whoever answers for the order
        :param strict: raise what hinders it; otherwise it is noted on the lines, which then differ
        """
        self.ensure_one()
        order = self.order_id
        buyer = buyer or order._responsible_buyer()
        commands = []
        for line in lines:
            if line.promised_day:
                line._move_to(line.promised_day, line._last_said())
            if values := line._order_values():
                commands.append(fields.Command.update(line.order_line_id.id, values))
        if commands:
            try:
                with self.env.cr.savepoint():
                    self._change_order(order, commands, buyer)
                    self.env.flush_all()
            except (UserError, AccessError, ValidationError) as error:
                if strict:
                    raise
                _logger.info("Confirmation %s: not applied: %s", self.id, error)
                self.env.invalidate_all()
                lines.write({"state": "differs", "hindrance": str(error.args[0])[:500]})
                self._settle()
                return
        for line in lines:
            line.write({"state": "proposed" if line._order_values() else "confirmed", "hindrance": False})
        self._record_fact("applied", lambda one: {**one._facts(), "lines": [line._promised_facts() for line in lines]})
        self._settle()

    def _change_order(self, order, commands, buyer):
        """Change the order as ``buyer``; through the gate, like anybody."""
        if not buyer or buyer.share or not buyer.active:
            raise UserError(_("%s has no buyer who could take over the change.", order.name))
        acting = order.with_user(buyer).sudo(False).with_context(allowed_company_ids=order.company_id.ids)
        if order._approval_governed() and order._approval_is_guarded():
            self.env["distribution.approval.amendment"].with_user(buyer).sudo(False)._propose(
                acting, {"order_line": commands}, _("The vendor confirmed it so.")
            )
        else:
            acting.write({"order_line": commands})

    def _settle(self):
        """State, case and to-do by what the lines are now."""
        for confirmation in self:
            confirmation._restate()
            differing = confirmation.line_ids.filtered(lambda line: line.state in ("differs", "rejected"))
            if differing:
                confirmation._open_case(differing)
            confirmation._plan_steps()

    def _open_case(self, lines):
        """Open the case of this confirmation, or bring it up to date; told once per change."""
        self.ensure_one()
        text = "\n".join(
            ": ".join(filter(None, (line.product_id.display_name, line.difference)))
            + (f" ({line.hindrance})" if line.hindrance else "")
            for line in lines
        )
        cases = self.env["distribution.case"].sudo()  # sudo: opened and told for whoever met it
        known = cases._open_one_of(self._case_key())
        if known and known.description == text:
            return
        case = cases._open(
            "confirmation_rejected" if all(line.state == "rejected" for line in lines) else "confirmation_differs",
            self.order_id,
            _("%s is not confirmed as ordered", self.name),
            detail=text,
            dedup_key=self._case_key(),
            documents=[self],
        )
        if case and case.description != text:
            case.description = text
        self._record_fact("differed", lambda one: {**one._facts(), "lines": [line._promised_facts() for line in lines]})

    def _mirror_acknowledgement(self):
        """Odoo's own mark follows; nothing here relies on it."""
        for confirmation in self.filtered("is_acknowledged"):
            order = confirmation.order_id
            if order.state in PURCHASE_CONFIRMED_STATES and not order[PURCHASE_ACKNOWLEDGED]:
                order.write({PURCHASE_ACKNOWLEDGED: True})


class SupplierConfirmationLine(models.Model):
    _inherit = "distribution.supplier.confirmation.line"

    def _move_to(self, day, said=None):
        """Expect the goods of the order line on ``day``; the receipts follow. What has arrived stays as it is.

        Odoo moves the deadline of the receipts only; what is expected, and counted by forecasts, is their date.

        :param said: what the vendor said of it; in parts, the receipts are expected in parts
        """
        self.ensure_one()
        order_line = self.order_line_id
        if not order_line or not self.open_quantity:
            return
        if order_line._confirmation_day() != day:
            order_line._update_date_planned(order_line._convert_to_middle_of_day(day))
        parts = [
            (promise.day or self.asked_day, float(promise.quantity))
            for promise in (said.promises if said else ())
            if promise.quantity
        ]
        # What is promised for a day that was not taken over is expected with the rest.
        order_line._expect_in_parts(parts if parts and max(parts)[0] == day else [(day, self.open_quantity)])

    def _order_values(self):
        """What the order line has to become to be as promised; empty: it is."""
        self.ensure_one()
        order_line = self.order_line_id
        if not order_line or not self.promised_quantity:
            return {}
        values = {}
        if float_compare(
            order_line.product_qty, self.promised_quantity, precision_rounding=self.uom_id.rounding or 0.01
        ):
            values["product_qty"] = self.promised_quantity
        net = order_line.price_unit * (1 - (order_line.discount or 0.0) / 100)
        if float_compare(net, self.promised_price, precision_digits=6):
            # The vendor promises what is paid: a discount is part of it.
            values.update(price_unit=self.promised_price, discount=0.0)
        return values

    def _promised_facts(self):
        self.ensure_one()
        return {
            **self._facts(),
            "promised_quantity": self.promised_quantity,
            "promised_day": self.promised_day.isoformat() if self.promised_day else None,
            "promised_price": self.promised_price,
            "rejected": self.state == "rejected",
        }
