"""What a vendor says is on its way.

Rules, in words
---------------
* A notice is kept as it was told; what it means for the lines of the order are its *shares*.
* It is compared with what is open (:mod:`..engine.ship_notice`). One conflict is enough: the notice waits in conflict
  with a case, and nothing on the receipt changes.
* The same notice again is the same notice. The same reference with other content is a conflict.
* What is on its way counts as announced until it arrives: a second notice cannot announce it again.
* What is on its way in full is expected on the day that the notice names, where later days move the order; who is hit
  is told as for a later promise. A part changes nothing: an order line has one day.
* A notice has arrived when a receipt of its order is done that brings what it announced, in conflict or not.
"""

from collections import defaultdict

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_CONFIRMED_STATES, check_access

from ..engine import Announced, Limits, check, same_content
from ..engine.ship_notice import OrderedLine, Share, brought

TOLD = ("order_id", "reference", "shipped_at", "told_at")


class ShipNotice(models.Model):
    _name = "distribution.ship.notice"
    _description = "Ship Notice"
    _inherit = ["mail.thread", "distribution.approval.evidence"]
    _order = "id desc"
    _rec_name = "reference"

    reference = fields.Char(required=True, readonly=True, help="The vendor's number of the shipment.")
    order_id = fields.Many2one("purchase.order", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="order_id.partner_id.commercial_partner_id", string="Vendor", store=True)
    company_id = fields.Many2one(related="order_id.company_id", store=True, index=True)
    user_id = fields.Many2one(related="order_id.user_id", string="Buyer", store=True)
    state = fields.Selection(
        [("open", "On its Way"), ("conflict", "Conflict"), ("arrived", "Arrived"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    told_at = fields.Datetime(required=True, readonly=True)
    shipped_at = fields.Datetime(readonly=True)
    expected_at = fields.Datetime("Expected", readonly=True)
    carrier = fields.Char(readonly=True)
    tracking_reference = fields.Char(readonly=True)
    picking_id = fields.Many2one("stock.picking", "Receipt", readonly=True, index="btree_not_null", ondelete="set null")
    line_ids = fields.One2many("distribution.ship.notice.line", "notice_id", "As Told", readonly=True)
    share_ids = fields.One2many("distribution.ship.notice.share", "notice_id", "On the Order", readonly=True)
    conflict = fields.Text(readonly=True)
    package_count = fields.Integer("Packages", compute="_compute_package_count")

    def init(self):
        protect_columns(self.env.cr, self._table, TOLD)

    @api.depends("line_ids.package")
    def _compute_package_count(self):
        for notice in self:
            notice.package_count = len(set(filter(None, notice.line_ids.mapped("package"))))

    def write(self, vals):
        if not self.env.su and vals.keys() - {"message_follower_ids", "message_ids"}:
            raise AccessError(_("Ship notices are written by what the vendor tells. Use the buttons."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Ship notices are kept: cancel them instead."))

    # ------------------------------------------------------------
    # Taking in
    # ------------------------------------------------------------

    @api.model
    def _take_in(self, order, told, announced):
        """Take a notice in, compare it, and open a case where it does not fit.

        :param told: values of the notice: reference, shipped_at, expected_at, carrier, tracking_reference
        :param announced: list of :class:`Announced`; ``line`` is the id of an order line, ``product`` that of a product
        :return: the notice; the one that is known when the same is told again
        """
        engine = self.sudo()  # sudo: the door checked who speaks
        order = order.sudo()
        # Notices for one order take turns: each sees what the other announced.
        self.env["distribution.approval.turn"]._take_rows([("ship_notice", order.company_id.id, order.id)])
        known = engine.search([("order_id", "=", order.id), ("reference", "=", told["reference"])], order="id")
        for notice in known.filtered(lambda one: one.state != "cancelled"):
            if same_content(notice.line_ids._announced(), announced):
                return notice
        notice = engine.create(
            {
                **told,
                "order_id": order.id,
                "state": "open",
                "told_at": fields.Datetime.now(),
                "line_ids": [
                    fields.Command.create(
                        {
                            "order_line_ref": line.line or False,
                            "product_id": line.product or False,
                            "quantity": float(line.quantity),
                            "lot": line.lot,
                            "package": line.package,
                            "expiry_date": line.expiry,
                        }
                    )
                    for line in announced
                ],
            }
        )
        notice._record_fact("received", lambda one: one._facts())
        notice._compare(is_repeated=bool(known.filtered(lambda one: one.state != "cancelled")))
        return notice

    def _compare(self, is_repeated=False):
        """Compare with what is open now; sets state and shares, opens or mends the case."""
        self.ensure_one()
        order = self.order_id
        lines = order._lines_to_confirm()
        over = self._over_percent(lines)
        checked = check(
            self.line_ids._announced(),
            self._ordered(lines),
            over_percent=over,
            arrives=self._day_at_order(self.expected_at) if self.expected_at else None,
            is_open=order.state in PURCHASE_CONFIRMED_STATES,
        )
        words = [self._conflict_words(found) for found in checked.conflicts]
        if is_repeated:
            words.append(_("The vendor told this reference before, with other content."))
        self.share_ids.unlink()
        if words:
            self.write({"state": "conflict", "conflict": "\n".join(words)})
            self._record_fact("conflicted", lambda one: one._facts(sorted({found.code for found in checked.conflicts})))
            self.env["distribution.case"]._open(
                "ship_notice_conflict",
                order,
                _("Ship notice %(notice)s does not fit %(order)s", notice=self.reference, order=order.name),
                detail="\n".join(words),
                dedup_key=self._case_key(),
                documents=[self],
            )
            return
        self.write(
            {
                "state": "open",
                "conflict": False,
                "share_ids": [
                    fields.Command.create(
                        {
                            "order_line_id": share.line,
                            "quantity": float(share.quantity),
                            "lot": share.lot,
                            "package": share.package,
                            "expiry_date": share.expiry,
                        }
                    )
                    for share in checked.shares
                ],
            }
        )
        self.env["distribution.case"]._mend([self._case_key()], _("The ship notice fits the order now."))
        self._follow_expected_day()

    def _follow_expected_day(self):
        """Expect the goods when they are to arrive, line by line, where all that is open is on its way."""
        self.ensure_one()
        confirmation = self.order_id.supplier_confirmation_ids
        if not self.expected_at or not confirmation or self.company_id.confirmation_late_dates != "move":
            return
        day, today = self._day_at_order(self.expected_at), self._day_at_order(fields.Datetime.now())
        if not 0 <= (day - today).days <= Limits().horizon:
            return
        changes = {}
        for line in confirmation.line_ids:
            own = self.share_ids.filtered(lambda share, line=line: share.order_line_id == line.order_line_id)
            if own and line.open_quantity and sum(own.mapped("quantity")) >= line.open_quantity:
                changes[line] = line._expectation()
                line._move_to(day)
        if changes:
            confirmation._tell_delays(changes)

    def _day_at_order(self, moment):
        """The day of a moment where the order's people are."""
        return self.company_id._day_of(moment, self.order_id.get_order_timezone().zone)

    def _ordered(self, lines):
        """The lines of the order as the engine takes them; what other notices have on the way is taken."""
        on_the_way = defaultdict(float)
        others = self.search([("order_id", "=", self.order_id.id), ("state", "=", "open"), ("id", "!=", self.id)])
        for share in others.share_ids:
            on_the_way[share.order_line_id.id] += share.quantity
        return [
            OrderedLine(
                line.id,
                line.product_id.id,
                line.product_qty,
                line.qty_received,
                on_the_way[line.id],
                line._confirmation_day() or self._day_at_order(fields.Datetime.now()),
                line.product_id.tracking or "none",
            )
            for line in lines
        ]

    def _over_percent(self, lines):
        """The strictest tolerance of the order's products."""
        found = self.env["distribution.supplier.tolerance"]._for(self.company_id, self.partner_id, lines.product_id)
        return min((tolerance.over_percent for tolerance in found.values()), default=0.0)

    def _case_key(self):
        self.ensure_one()
        return f"ship_notice:{self.id}"

    def _conflict_words(self, found):
        about = found.about
        if found.code == "more_than_open":
            line = self.env["purchase.order.line"].browse(about)
            return _(
                "%(product)s: %(announced)s %(unit)s are announced, %(open)s are open.",
                product=line.product_id.display_name,
                announced=found.announced,
                open=found.open,
                unit=line[LINE_UOM].name,
            )
        if found.code in ("not_ordered", "lot_missing"):
            about = self.env["product.product"].browse(about).exists().display_name or str(about)
        words = {
            "order_closed": _("The order takes no goods any more."),
            "not_ordered": _("%s is not ordered here.", about),
            "lot_missing": _("%s is tracked, and no lot or serial number is told.", about),
            "serial_quantity": _("Serial number %s stands for more than one piece.", about),
            "serial_repeated": _("Serial number %s comes twice.", about),
            "lot_expired": _("Lot %s has expired when it arrives.", about),
            "expiry_differs": _("Lot %s comes with two expiry dates.", about),
        }
        return words.get(found.code, found.code)

    # ------------------------------------------------------------
    # Arrival
    # ------------------------------------------------------------

    def _told_shares(self):
        """What it brings for lines of its order, as the engine takes it; in conflict, what was told of them."""
        self.ensure_one()
        if self.share_ids:
            return [
                Share(share.order_line_id.id, share.quantity, share.lot or "", share.package or "")
                for share in self.share_ids
            ]
        lines, shares = self.order_id.order_line, []
        for told in self.line_ids:
            named = lines.filtered(lambda line, told=told: line.id == told.order_line_ref)
            line = named or lines.filtered(
                lambda line, told=told: told.product_id and line.product_id == told.product_id
            )
            if line:
                shares.append(Share(line[0].id, told.quantity, told.lot or "", told.package or ""))
        return shares

    def _arrived(self, picking):
        """The shipment is here."""
        live = self.filtered(lambda notice: notice.state in ("open", "conflict"))
        live.write({"state": "arrived", "picking_id": picking.id})
        live._record_fact("arrived", lambda one: {**one._facts(), "picking_id": picking.id})
        self.env["distribution.case"]._mend([one._case_key() for one in live], _("The shipment arrived."))

    # ------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------

    def _check_buyer(self):
        if not self.env.su:
            if not self.env.user.has_group("purchase.group_purchase_user"):
                raise AccessError(_("Ship notices are handled by buyers."))
            check_access(self, "read")
            check_access(self.order_id, "write")
        return self.sudo()

    def action_compare(self):
        """Compare again: the order was changed, or another notice cancelled."""
        for notice in self._check_buyer().filtered(lambda notice: notice.state == "conflict"):
            notice._compare()
        return True

    def action_cancel(self):
        """Nothing comes of it."""
        notices = self._check_buyer().filtered(lambda notice: notice.state in ("open", "conflict"))
        notices.write({"state": "cancelled"})
        self.env["distribution.case"]._mend([one._case_key() for one in notices], _("The ship notice was cancelled."))
        return True

    # ------------------------------------------------------------
    # Ledger
    # ------------------------------------------------------------

    def _facts(self, conflicts=()):
        self.ensure_one()
        return {
            "order_id": self.order_id.id,
            "vendor_id": self.partner_id.id,
            "reference": self.reference,
            "expected_at": self.expected_at or None,
            "conflicts": list(conflicts),
            "lines": [
                {
                    "product_id": line.product_id.id or None,
                    "line_id": line.order_line_ref or None,
                    "quantity": line.quantity,
                    "lot": line.lot or None,
                    "package": line.package or None,
                }
                for line in self.line_ids
            ],
        }

    def _record_fact(self, fact, data):
        # sudo: the ledger is written for whoever acts
        return (
            self.env["distribution.event"]
            .sudo()
            ._record(
                f"distribution.ship_notice.{fact}.v1",
                self,
                data,
                correlation=lambda one: f"purchase.order,{one.order_id.id}",
            )
        )


class ShipNoticeLine(models.Model):
    """As the vendor told it."""

    _name = "distribution.ship.notice.line"
    _description = "Ship Notice Line"
    _inherit = ["distribution.engine.evidence"]
    _order = "notice_id, id"
    _rec_name = "product_id"

    notice_id = fields.Many2one(
        "distribution.ship.notice", required=True, readonly=True, index=True, ondelete="cascade"
    )
    # A plain number: it is what was told, whatever becomes of the line.
    order_line_ref = fields.Integer("Order Line Reference", readonly=True)
    product_id = fields.Many2one(
        "product.product", "Product in the Notice", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    shown_product_id = fields.Many2one("product.product", "Product", compute="_compute_shown_product_id")
    quantity = fields.Float(required=True, readonly=True, digits=0)
    lot = fields.Char("Lot or Serial Number", readonly=True)
    package = fields.Char(readonly=True)
    expiry_date = fields.Date(readonly=True)

    @api.depends("product_id", "order_line_ref")
    def _compute_shown_product_id(self):
        """The product that was told, or that of the order line that was named instead."""
        # sudo: the warehouse reads what is on its way without the right to read orders
        ordered = self.env["purchase.order.line"].sudo()
        known = ordered.browse(filter(None, self.mapped("order_line_ref"))).exists()
        products = {line.id: line.product_id.id for line in known}
        for line in self:
            line.shown_product_id = line.product_id.id or products.get(line.order_line_ref)

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            ("notice_id", "order_line_ref", "product_id", "quantity", "lot", "package", "expiry_date"),
        )

    def _announced(self):
        """As the engine takes them."""
        return [
            Announced(
                line.quantity,
                line.order_line_ref or None,
                line.product_id.id or None,
                line.lot or "",
                line.package or "",
                line.expiry_date or None,
            )
            for line in self
        ]


class ShipNoticeShare(models.Model):
    """What a notice brings for a line of the order."""

    _name = "distribution.ship.notice.share"
    _description = "Ship Notice Share"
    _inherit = ["distribution.engine.evidence"]
    _order = "notice_id, id"
    _rec_name = "order_line_id"

    notice_id = fields.Many2one(
        "distribution.ship.notice", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="notice_id.company_id")
    order_line_id = fields.Many2one("purchase.order.line", required=True, readonly=True, index=True, ondelete="cascade")
    product_id = fields.Many2one(related="order_line_id.product_id")
    quantity = fields.Float(required=True, readonly=True, digits=0)
    lot = fields.Char("Lot or Serial Number", readonly=True)
    package = fields.Char(readonly=True)
    expiry_date = fields.Date(readonly=True)


class StockPicking(models.Model):
    _inherit = "stock.picking"

    def _action_done(self):
        result = super()._action_done()
        for picking in self.filtered(
            lambda picking: picking.state == "done" and picking.picking_type_code == "incoming"
        ):
            picking.sudo()._notices_arrive()  # sudo: whoever receives the goods
        return result

    def _notices_arrive(self):
        """The notices whose goods this receipt brought have arrived."""
        self.ensure_one()
        orders = self.move_ids.purchase_line_id.order_id
        notices = self.env["distribution.ship.notice"].search(
            [("order_id", "in", orders.ids), ("state", "in", ("open", "conflict"))], order="shipped_at, id"
        )
        came = self._came_shares() if notices else {}
        for order in notices.order_id:
            own = notices.filtered(lambda notice, order=order: notice.order_id == order)
            keys = brought([(notice.id, notice._told_shares()) for notice in own], came.get(order, ()))
            notices.browse(keys)._arrived(self)

    def _came_shares(self):
        """``{order: what came for its lines}``, in the units of these lines."""
        came, kits = defaultdict(list), set()
        for move in self.move_ids.filtered(lambda move: move.state == "done" and move.purchase_line_id):
            line = move.purchase_line_id
            if line.product_id != move.product_id:
                kits.add(line)
                continue
            for place in move.move_line_ids:
                quantity = place.product_uom_id._compute_quantity(
                    place.quantity, line[LINE_UOM], rounding_method="HALF-UP", raise_if_failure=False
                )
                came[line.order_id].append(
                    Share(
                        line.id,
                        quantity,
                        place.lot_id.name or place.lot_name or "",
                        place.result_package_id.name or "",
                    )
                )
        for line in kits:  # parts came: how much of the kit that is, is not asked here
            came[line.order_id].append(Share(line.id, line.product_qty))
        return came
