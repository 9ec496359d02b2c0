"""What a transfer between sites has reserved while it is held, and afterwards.

Rules, in words
---------------
* A transfer that is held keeps its reservation: the goods are promised until somebody decides.
* When it is rejected, or the request is withdrawn, the goods are given back to whoever needs them, and
  no scheduler reserves them again before a person checks the availability.
* A person may unreserve it at any time, as ever.
* Goods that are not there cannot stay promised: a count, or a delivery that is forced beyond what is
  free, takes the reservations of transfers that nobody holds first, and those of held ones last. The
  transfer, and who asked for its release, are told what was taken, by what, and by whom.
"""

from odoo import _, fields, models
from odoo.tools import OrderedSet, float_compare

from ..models.approval_mixin import LIVE_STATES

#: Requests after which nobody waits for the goods any more.
OVER = ("rejected", "withdrawn")


class SiteTransfer(models.Model):
    _inherit = "distribution.site.transfer"

    def _approval_unhold(self):
        result = super()._approval_unhold()
        over = self.filtered(lambda document: document._approval_release_request().state in OVER)
        over.picking_id._approval_give_back()
        return result


class StockPicking(models.Model):
    _inherit = "stock.picking"

    reservation_given_back = fields.Boolean(
        readonly=True,
        copy=False,
        help="It was rejected or withdrawn: its goods are not reserved again before somebody checks the availability.",
    )

    def _approval_give_back(self):
        """Nothing stays reserved for these transfers, nor is it reserved again by itself."""
        # Whoever decides has no right to write transfers; giving back follows from the decision.
        pickings = self.sudo().filtered(lambda picking: picking.state not in ("done", "cancel"))
        moves = pickings.move_ids.filtered(lambda move: move.state not in ("done", "cancel"))
        if not moves:
            return
        reserved = moves.filtered("quantity").picking_id
        moves.filtered("picked").picked = False
        moves._do_unreserve()
        pickings.reservation_given_back = True
        for picking in reserved:
            picking.message_post(
                body=_("What was reserved for this transfer is given back: it was rejected, or the request withdrawn.")
            )

    def action_assign(self):
        # Whoever may check the availability may end this; the flag is nobody's to write.
        self.filtered("reservation_given_back").sudo().reservation_given_back = False
        return super().action_assign()

    def _approval_waiting(self):
        """Those of these transfers whose release is being decided, or decided and about to come."""
        documents = self._approval_documents()
        waiting = {document.picking_id.id for document in documents if document.approval_state in LIVE_STATES}
        return self.filtered(lambda picking: picking.id in waiting)


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_assign(self, force_qty=False):
        given_back = self.filtered(lambda move: move.picking_id.reservation_given_back)
        return super(StockMove, self - given_back)._action_assign(force_qty=force_qty)


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _free_reservation(
        self,
        product_id,
        location_id,
        quantity,
        lot_id=None,
        package_id=None,
        owner_id=None,
        ml_ids_to_ignore=None,
    ):
        """Take what is missing from transfers that nobody holds first; what is taken from held ones is told.

        Asked for every operation that leaves less than nothing behind: the loss location of a count always
        does, and reserves nothing.
        """
        free = super()._free_reservation
        place = {"lot_id": lot_id, "package_id": package_id, "owner_id": owner_id}
        held = self.browse()
        if not self.move_id._should_bypass_reservation(location_id):
            held = self._approval_lines_held(product_id, location_id)
        if not held:
            return free(product_id, location_id, quantity, **place, ml_ids_to_ignore=ml_ids_to_ignore)
        ignored = OrderedSet(ml_ids_to_ignore or ()) | OrderedSet(self.ids)
        before = {move: move.quantity for move in held.move_id}
        for more in (OrderedSet(held.ids), OrderedSet()):
            missing = min(quantity, self._approval_missing(product_id, location_id, place, ignored))
            if float_compare(missing, 0, precision_rounding=product_id.uom_id.rounding) > 0:
                free(product_id, location_id, missing, **place, ml_ids_to_ignore=ignored | more)
        self._approval_tell_taken(before)
        return None

    def _approval_missing(self, product, location, place, ignored):
        """What open operations have promised of the goods at one place beyond what lies there.

        From the operations themselves: the counter of reserved goods is behind while somebody else has
        the stock locked, and core would take too much then.
        """
        where = [("product_id", "=", product.id), ("location_id", "=", location.id)]
        where += [(name, "=", record.id if record else False) for name, record in place.items()]
        # As in core, whoever takes the goods: the promises of others count.
        open_lines = [*where, ("state", "not in", ("done", "cancel")), ("id", "not in", tuple(ignored))]
        ((promised,),) = self.sudo()._read_group(open_lines, [], ["quantity_product_uom:sum"])
        ((there,),) = self.env["stock.quant"].sudo()._read_group(where, [], ["quantity:sum"])
        return (promised or 0) - (there or 0)

    def _approval_lines_held(self, product, location):
        """The lines that reserve ``product`` at ``location`` for transfers that wait for a decision."""
        if not self.env["distribution.approval.move.document"]._approval_move_gates():
            return self.browse()
        # Core looks at all of them as well: whose goods they are does not depend on who takes them.
        lines = self.sudo().search(
            [
                ("state", "not in", ("done", "cancel")),
                ("product_id", "=", product.id),
                ("location_id", "=", location.id),
                ("picking_id", "not in", [False, *self.picking_id.ids]),
                ("quantity_product_uom", ">", 0),
                ("picked", "=", False),
            ]
        )
        waiting = lines.picking_id._approval_waiting() if lines else lines.picking_id
        return lines.filtered(lambda line: line.picking_id in waiting)

    def _approval_tell_taken(self, before):
        """Tell the transfers of the moves in ``before`` what they have lost since."""
        for move, quantity in before.items():
            lost = quantity - move.quantity
            if float_compare(lost, 0, precision_rounding=move.product_uom.rounding) <= 0:
                continue
            words = _(
                "%(quantity)g %(unit)s of %(product)s, reserved for %(transfer)s, was taken by %(other)s (%(user)s): "
                "there is not enough for both.",
                quantity=lost,
                unit=move.product_uom.name,
                product=move.product_id.display_name,
                transfer=move.picking_id.name,
                other=self.move_id.reference or self.move_id.display_name,
                user=self.env.user.name,
            )
            move.picking_id.message_post(body=words)
            for document in move.picking_id._approval_documents().held():
                request = document.approval_request_id
                request._notify(request.requester_id, words)
