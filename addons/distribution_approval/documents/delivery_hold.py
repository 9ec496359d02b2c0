"""Delivery hold: reasons of the order for which a delivery does not leave.

Guarded: validating the transfer, alone or in a batch, by a wizard, a scanner or a server action, and
correcting what was delivered. The reasons are found when it is validated; what they mean – pass,
who decides, refused – is the policy's business.
"""

from odoo import _, api, fields, models

from ..engine import FactSpec, FactType, Unknown, as_decimal
from ..models.approval_mixin import LIVE_STATES
from ..models.approval_past import looks_back
from ..models.gate_frame import in_frame

REASONS = (
    ("set_by_hand", "Held by sales or finance"),
    ("order_not_released", "The order is not released"),
    ("amendment_pending", "A change of the order waits for approval"),
    ("over_credit_limit", "The customer is over the credit limit"),
    ("more_than_ordered", "More than was ordered"),
    ("no_order", "Goods that no order asks for"),
)
#: What somebody may change at the same instant by holding the deliveries of an order.
OWN_FACTS = frozenset({"held", "hold_reasons", "hand_set_reason"})


class DeliveryHold(models.Model):
    _name = "distribution.delivery.hold"
    _description = "Delivery Hold"
    _inherit = ["distribution.approval.outgoing.document"]

    _approval_type = "delivery_hold"

    @api.model
    def _approval_label(self):
        return _("Delivery Hold")

    @api.model
    def _approval_fact_specs(self):
        specs = super()._approval_fact_specs()
        own = (
            FactSpec("held", "There is a reason to hold", FactType.FLAG),
            FactSpec(
                "hold_reasons",
                "Hold reasons",
                FactType.SET,
                options=REASONS,
                help="Credit counts here where credit release is not governed by itself.",
            ),
            FactSpec(
                "hand_set_reason",
                "Reason set by hand",
                FactType.SELECTION,
                optional=True,
                options=tuple(self.env["sale.order"]._fields["delivery_hold_reason"].selection),
            ),
        )
        return {**specs, **{spec.name: spec for spec in own}}

    def _approval_facts(self, names):
        facts = super()._approval_facts(names)
        if looks_back(self.env):
            return self._approval_add_holds_of_past(facts, names)
        if in_frame(self.env) and not OWN_FACTS.isdisjoint(names):  # elsewhere somebody merely looks
            self._approval_orders()._delivery_hold_turn()
        reasons = self._approval_hold_reasons() if not {"held", "hold_reasons"}.isdisjoint(names) else {}
        for document in self:
            found = reasons.get(document.id)
            read = {
                "held": lambda found=found: found if isinstance(found, Unknown) else bool(found),
                "hold_reasons": lambda found=found: found,
                "hand_set_reason": lambda document=document: (
                    document._approval_orders().filtered("delivery_hold_reason")[:1].delivery_hold_reason or None
                ),
            }
            facts[document.id].update({name: read[name]() for name in read if name in names})
        return facts

    def _approval_add_holds_of_past(self, facts, names):
        """What of the reasons can be told afterwards: that more left than was ordered, or what nobody ordered."""
        forgotten = Unknown(_("nothing tells what held the delivery then"))
        for document in self:
            read = {
                "held": lambda document=document: (
                    document._approval_beyond_order() or document._approval_without_order() or forgotten
                ),
                "hold_reasons": lambda: forgotten,
                "hand_set_reason": lambda: forgotten,
            }
            facts[document.id].update({name: read[name]() for name in read if name in names})
        return facts

    @api.model
    def _approval_past_words(self):
        return _(
            "Deliveries that left before governance began are simulated as well, as of the day on which they left. Not "
            "known afterwards: holds set by hand, releases of the order, the customer's credit, and who validated them."
        )

    def _approval_without_order(self):
        """Whether goods leave that no order asks for."""
        return any(not move._approval_sale_line() for move in self._approval_moved())

    def _approval_hold_reasons(self):
        """``{id: frozenset of reasons, or Unknown}``; constant queries, whatever the number of deliveries."""
        orders = self._approval_orders()
        governed = orders._approval_governed()
        released = self.env["distribution.approval.release"]._valid_for(governed) if governed else {}
        amended = set()
        if orders:
            requests = self.env["distribution.approval.request"].search(
                [
                    ("res_model", "=", "sale.order"),
                    ("res_id", "in", orders.ids),
                    ("kind", "=", "amendment"),
                    ("state", "in", LIVE_STATES),
                    ("resume_state", "!=", "done"),
                ]
            )
            amended = set(requests.mapped("res_id"))
        activation = self.env["distribution.approval.activation"]
        elsewhere = activation._governed_places("credit_release")
        with_credit = self.filtered(lambda document: document.company_id.id not in elsewhere)
        credit = with_credit._approval_credit_standings() if with_credit else {}
        reasons = {}
        for document in self:
            own = document._approval_orders()
            over = credit[document.id].over_limit() if document.id in credit and own else 0
            found = {
                "set_by_hand": any(order.delivery_hold_reason for order in own),
                "order_not_released": any(order in governed and order.id not in released for order in own),
                "amendment_pending": not amended.isdisjoint(own.ids),
                "over_credit_limit": not isinstance(over, Unknown) and over > 0,
                "more_than_ordered": document._approval_beyond_order(),
                "no_order": document._approval_without_order(),
            }
            reasons[document.id] = (
                over if isinstance(over, Unknown) else frozenset(reason for reason, holds in found.items() if holds)
            )
        return reasons

    def _approval_beyond_order(self):
        """Whether more of a line leaves, with what has left before, than was ordered."""
        self.ensure_one()
        leaving = {}
        moment = self._approval_judged_at() if looks_back(self.env) else None
        for move, quantity in self._approval_moved().items():
            if line := move._approval_sale_line():
                leaving.setdefault((line, move.product_id), {})[move] = quantity
        for (line, product), moved in leaving.items():
            ordered = line._approval_ordered(product)
            for move in line.move_ids:
                if move in moved or move.state != "done" or move.product_id != product:
                    continue
                if moment and move.date > moment:
                    continue
                quantity = as_decimal(move.product_uom._compute_quantity(move.quantity, product.uom_id, round=False))
                if move.location_dest_id.usage == "customer":
                    moved = {**moved, move: quantity}
                elif move.location_id.usage == "customer":
                    moved = {**moved, move: -quantity}
            if sum(moved.values()) > ordered + as_decimal(product.uom_id.rounding) / 2:
                return True
        return False

    def _approval_reason_words(self):
        self.ensure_one()
        return self._approval_banner_reasons()[self.id]

    def _approval_banner_reasons(self):
        """A hold that somebody set says so itself, and who set it."""
        words = {}
        for document_id, reasons in self._approval_hold_reasons().items():
            if isinstance(reasons, Unknown):
                words[document_id] = [reasons.reason]
                continue
            words[document_id] = [label for reason, label in REASONS if reason in reasons and reason != "set_by_hand"]
            for order in self.browse(document_id)._approval_orders().filtered("delivery_hold_reason"):
                words[document_id].append(order._delivery_hold_words())
        return words

    def _approval_held_because(self):
        """The reasons first: whoever stands at the dock wants to know these."""
        words = "; ".join(self.sudo()._approval_reason_words())
        rest = super()._approval_held_because()
        return f"{words} ({rest})" if words else rest


class StockPicking(models.Model):
    _inherit = "stock.picking"

    delivery_hold_ids = fields.One2many("distribution.delivery.hold", "picking_id", readonly=True, copy=False)
