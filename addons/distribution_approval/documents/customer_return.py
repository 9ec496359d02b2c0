"""Customer return: goods that come back from a customer, by the return wizard or a receipt of its own.

Guarded: receiving them (validating the transfer by whichever door). Controlled: the customer, how much
of which product, and the reason. The credit note is a document of its own (customer_credit_note): other
people answer for it, and it may come with goods, without goods, or before them.
"""

from odoo import _, api, fields, models
from psycopg2 import sql

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal
from ..models.approval_past import looks_back
from ..models.approval_policy import day_of
from .picking_document import HEADER
from .stock_move_gate import moves_corrected


class CustomerReturn(models.Model):
    _name = "distribution.customer.return"
    _description = "Customer Return"
    _inherit = ["distribution.approval.picking.document"]

    _approval_type = "customer_return"
    _approval_finds_undocumented = True
    _approval_own_end = "location_dest_id"
    _approval_of_customer = True
    _approval_header = (
        *HEADER,
        ControlledField("return_reason_id", "Return Reason", model="distribution.return.reason"),
    )

    @api.model
    def _approval_label(self):
        return _("Customer Return")

    @api.model
    def _approval_moves_concerned(self, moves):
        return moves.filtered(
            # The operation, not the move, says where goods come from.
            lambda move: _leaves_customer(move) or any(_leaves_customer(line) for line in move.move_line_ids)
        )

    def _approval_snapshot_header(self):
        return {
            **super()._approval_snapshot_header(),
            "return_reason_id": self.picking_id.return_reason_id.id or None,
        }

    @api.model
    def _approval_move_values(self, moved):
        """At the net price for which they were sold; what no order explains, at cost."""
        return self.env["distribution.approval.outgoing.document"]._approval_move_values(moved)

    def _approval_context(self):
        moves = self._approval_moves()
        orders = (moves | moves.origin_returned_move_id)._approval_orders_named()
        owners = self._approval_partner()._approval_account_owners(orders)
        return {**super()._approval_context(), "account_owner": owners}

    # ------------------------------------------------------------------ facts

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount",
                    "Value of the return",
                    FactType.MONEY,
                    unit="company currency",
                    help="At the net prices of the sale.",
                ),
                FactSpec(
                    "return_reason",
                    "Return reason",
                    FactType.REFERENCE,
                    model="distribution.return.reason",
                    optional=True,
                ),
                FactSpec(
                    "age_of_sale",
                    "Age of the sale",
                    FactType.NUMBER,
                    unit="days",
                    help="Since the oldest of the goods were delivered; unknown when it cannot be told.",
                ),
                FactSpec(
                    "in_warranty",
                    "Under warranty",
                    FactType.FLAG,
                    help="All goods were delivered within the warranty of their product category.",
                ),
                FactSpec(
                    "without_delivery",
                    "No delivery is known",
                    FactType.FLAG,
                    help="Goods that are not the return of a delivery.",
                ),
                FactSpec(
                    "more_than_delivered",
                    "More than was delivered",
                    FactType.FLAG,
                    help="With what came back before, more returns than the delivery brought.",
                ),
                FactSpec("categories", "Product categories", FactType.SET, model="product.category"),
                FactSpec(
                    "customer_tier",
                    "Customer tier",
                    FactType.SELECTION,
                    options=tuple(self.env["res.partner"]._fields["customer_tier"].selection),
                ),
                FactSpec("customer", "Customer", FactType.REFERENCE, model="res.partner", optional=True),
                FactSpec("site", "Receiving site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_facts(self, names):
        origins = self.picking_id.move_ids.origin_returned_move_id
        origins.returned_move_ids.mapped("state")  # read for all returns at once
        origins.sale_line_id.mapped("price_unit")
        amounts = self._approval_amounts()
        nobody = Unknown(_("there is no customer"))
        facts = {}
        for document in self:
            moved = document._approval_moved()
            warehouse = document._approval_site()
            customer = document._approval_partner()
            read = {
                "amount": lambda document=document: amounts[document.id],
                "return_reason": lambda document=document: document.picking_id.return_reason_id.id or None,
                "age_of_sale": lambda document=document, moved=moved: document._approval_age(moved),
                "in_warranty": lambda document=document, moved=moved: document._approval_in_warranty(moved),
                "without_delivery": lambda moved=moved: any(_delivery(move) is None for move in moved),
                "more_than_delivered": lambda document=document, moved=moved: _more_than_delivered(
                    moved, document._approval_judged_at() if looks_back(self.env) else None
                ),
                "categories": lambda moved=moved: (
                    self.env["product.category"].union(*(m.product_id.categ_id for m in moved))._approval_with_parents()
                ),
                "customer_tier": lambda customer=customer: customer.customer_tier or nobody,
                "customer": lambda customer=customer: customer.id or None,
                "site": lambda warehouse=warehouse: warehouse.id or None,
                "region": lambda warehouse=warehouse: warehouse.region_id.id or None,
                "requester": lambda: self.env.uid,
            }
            facts[document.id] = {name: read[name]() for name in {*names, "amount"}}
        return facts

    def _approval_ages(self, moved):
        """``{move: days since it was delivered, or None}``."""
        day = self._approval_judged_on()
        return {
            move: (day - day_of(self.company_id, delivery.date)).days if delivery else None
            for move in moved
            for delivery in (_delivery(move),)
        }

    def _approval_age(self, moved):
        ages = self._approval_ages(moved).values()
        if not ages or None in ages:
            return Unknown(_("it is not known when the goods were delivered"))
        return max(ages)

    def _approval_in_warranty(self, moved):
        ages = self._approval_ages(moved)
        return bool(ages) and all(
            age is not None and age <= move.product_id.categ_id._approval_warranty_days() for move, age in ages.items()
        )

    def _approval_prefetch_past(self):
        super()._approval_prefetch_past()
        moves = self.picking_id.move_ids
        origins = moves.origin_returned_move_id
        (origins.location_dest_id | origins.location_id).mapped("usage")
        (moves.partner_id | self.picking_id.partner_id | origins.picking_id.partner_id).mapped("commercial_partner_id")
        lines = origins.sale_line_id | moves.sale_line_id
        lines.mapped("price_unit")
        lines.product_id.uom_id.mapped("rounding")
        (lines.order_id.partner_id | lines.order_id.partner_shipping_id).commercial_partner_id.mapped("customer_tier")

    # ----------------------------------------------------------- looking back

    @api.model
    def _approval_past_words(self):
        return _(
            "Goods that customers sent back before governance began are simulated as well, as of the day on which they "
            "were received. Not known afterwards: who validated the receipt."
        )

    @api.model
    def _approval_past_places(self):
        return sql.SQL("source.usage = 'customer' AND destination.usage <> 'customer'")

    # ------------------------------------------------------------- for people

    @api.model
    def _approval_standing(self, request):
        """The goods, when they were delivered, and what they were sold for."""
        document = self.sudo().browse(request.res_id).exists()
        if not document:
            return False
        moved = document._approval_moved()
        values, ages = document._approval_move_values(moved), document._approval_ages(moved)
        return self.env["ir.qweb"]._render(
            "distribution_approval.return_standing",
            {
                "picking": document.picking_id,
                "customer": document._approval_partner(),
                "lines": [
                    {
                        "product": move.product_id.display_name,
                        "quantity": quantity,
                        "age": ages[move],
                        "warranty": move.product_id.categ_id._approval_warranty_days(),
                        "value": None if isinstance(values[move], Unknown) else float(values[move]),
                        "delivery": _delivery(move).picking_id.name if _delivery(move) else None,
                    }
                    for move, quantity in moved.items()
                ],
                "currency": document.company_id.currency_id,
            },
        )


def _leaves_customer(moved):
    """Whether goods come back from a customer on ``moved``, a move or one of its operations."""
    return moved.location_id.usage == "customer" and moved.location_dest_id.usage != "customer"


def _delivery(move):
    """The delivery of which ``move`` is the return, if it really is one, to whom it comes from; else None."""
    origin = move.origin_returned_move_id
    if origin.state != "done" or origin.location_dest_id.usage != "customer" or origin.product_id != move.product_id:
        return None
    sold = origin.sale_line_id.order_id
    # What the order says is not for whoever works in the warehouse to write.
    customers = sold.partner_id | sold.partner_shipping_id or origin._approval_consignees()
    returning = move.picking_id.partner_id or move.partner_id
    return origin if returning.commercial_partner_id in customers.commercial_partner_id else None


def _more_than_delivered(moved, moment):
    """Whether ``moved``, with what came back before, is more than was delivered.

    :param moment: until when others count; None: whatever came back
    """
    returning = {}
    for move, quantity in moved.items():
        if origin := _delivery(move):
            returning.setdefault(origin, {})[move] = quantity
    for origin, moves in returning.items():
        others = origin.returned_move_ids.filtered(
            lambda move, moves=moves: (
                move.state == "done" and move not in moves and (moment is None or move.date <= moment)
            )
        )
        total = sum(moves.values()) + sum(map(_product_quantity, others))
        if total > _product_quantity(origin) + as_decimal(origin.product_id.uom_id.rounding) / 2:
            return True
    return False


def _product_quantity(move):
    return as_decimal(move.product_uom._compute_quantity(move.quantity, move.product_id.uom_id, round=False))


class StockPicking(models.Model):
    _inherit = "stock.picking"

    customer_return_ids = fields.One2many("distribution.customer.return", "picking_id", readonly=True, copy=False)
    return_reason_id = fields.Many2one(
        "distribution.return.reason",
        copy=False,
        ondelete="restrict",
        help="Why the customer sends the goods back; the policy on returns decides by it.",
    )
    is_customer_return = fields.Boolean(compute="_compute_is_customer_return")

    @api.depends("location_id")
    def _compute_is_customer_return(self):
        for picking in self:
            picking.is_customer_return = picking.location_id.usage == "customer"

    def write(self, vals):
        if "return_reason_id" not in vals:
            return super().write(vals)
        with moves_corrected(self.move_ids.filtered(lambda move: move.state == "done")):
            return super().write(vals)


class StockReturnPicking(models.TransientModel):
    _inherit = "stock.return.picking"

    return_reason_id = fields.Many2one("distribution.return.reason")

    def _prepare_picking_default_values(self):
        return {**super()._prepare_picking_default_values(), "return_reason_id": self.return_reason_id.id}
