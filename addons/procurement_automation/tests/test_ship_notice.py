"""Ship notices: taken in, compared, told again, in conflict, arrived."""

import psycopg2
from freezegun import freeze_time
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.procurement_automation.engine import Announced

from .supplier_case import SupplierCase


class ShipNoticeCase(SupplierCase):
    def _told(self, order, *lines, reference="ASN-1"):
        return self.env["distribution.ship.notice"]._take_in(
            order, {"reference": reference, "shipped_at": "2026-11-20 08:00:00"}, list(lines)
        )

    def _bolts(self, quantity, **values):
        return Announced(quantity, product=self.product.id, **values)

    def _case(self, notice):
        return self.env["distribution.case"].search([("dedup_key", "=", notice._case_key())])


@tagged("post_install", "-at_install")
class TestShipNotice(ShipNoticeCase):
    def test_partial_shipments(self):
        order, _confirmation = self._asked()
        first = self._told(order, self._bolts(60))
        second = self._told(order, self._bolts(40), reference="ASN-2")
        self.assertEqual((first.state, second.state), ("open", "open"))
        self.assertEqual(first.share_ids.order_line_id, order.order_line)
        third = self._told(order, self._bolts(1), reference="ASN-3")
        self.assertEqual((third.state, third.share_ids.ids), ("conflict", []))
        self.assertEqual(self._case(third).type_id.code, "ship_notice_conflict")
        second.with_user(self.buyer).action_cancel()
        third.with_user(self.buyer).action_compare()
        self.assertEqual((third.state, self._case(third).state), ("open", "resolved"))

    def test_conflict_leaves_the_receipt_alone(self):
        order, _confirmation = self._asked()
        before = order.picking_ids.move_ids.read(["product_uom_qty", "quantity", "date", "state"])
        notice = self._told(order, self._bolts(500), Announced(1, product=self.product_2.id))
        self.assertEqual(len(notice.conflict.splitlines()), 2)
        self.assertEqual(order.picking_ids.move_ids.read(["product_uom_qty", "quantity", "date", "state"]), before)

    def test_what_comes_is_shown_however_it_was_named(self):
        order, _confirmation = self._asked()
        notice = self._told(
            order, Announced(1, line=order.order_line.id), self._bolts(2), Announced(3, product=self.product_2.id)
        )
        shown = notice.with_user(self.buyer).line_ids.sorted("quantity").mapped(lambda line: line.shown_product_id.id)
        self.assertEqual(shown, [self.product.id, self.product.id, self.product_2.id])

    def test_expected_when_all_of_it_arrives(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        day = self._day(line, 6)
        told = {"shipped_at": "2026-11-20 08:00:00", "expected_at": f"{day} 12:00:00"}
        take_in = self.env["distribution.ship.notice"]._take_in
        take_in(order, {**told, "reference": "ASN-P"}, [self._bolts(40)])
        self.assertEqual(order.order_line.date_planned.date(), line.asked_day, "a part")
        other, confirmation = self._asked()
        take_in(other, {**told, "reference": "ASN-A"}, [self._bolts(100)])
        self.assertEqual(other.order_line.date_planned.date(), day)
        self.assertEqual(confirmation.delay_ids.day_after, day)

    def test_expected_tonight_where_it_was_ordered(self):
        """In London it is the next day already; who ordered is in New York."""
        self.buyer.tz = "America/New_York"
        with freeze_time("2027-02-11 02:00:00"):
            order, _confirmation = self._asked()
        self.assertEqual(str(order.order_line._confirmation_day()), "2027-03-02")
        with freeze_time("2027-03-02 02:00:00"):
            self.env["distribution.ship.notice"]._take_in(
                order,
                {"reference": "ASN-N", "shipped_at": "2027-03-01 08:00:00", "expected_at": "2027-03-02 04:00:00"},
                [self._bolts(100)],
            )
        self.assertEqual(str(order.order_line._confirmation_day()), "2027-03-01")

    def test_told_again(self):
        order, _confirmation = self._asked()
        notice = self._told(order, self._bolts(60))
        self.assertEqual(self._told(order, self._bolts(20), self._bolts(40)), notice)
        other = self._told(order, self._bolts(30))
        self.assertEqual((other.state, notice.state), ("conflict", "open"))

    def test_arrived(self):
        order, _confirmation = self._asked()
        notice = self._told(order, self._bolts(100))
        picking = order.picking_ids
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty
            move.picked = True
        picking.with_context(skip_sms=True).button_validate()
        self.assertEqual((notice.state, notice.picking_id), ("arrived", picking))

    def test_nobody_writes_what_was_told(self):
        order, _confirmation = self._asked()
        notice = self._told(order, self._bolts(60))
        for user in (self.buyer, self.manager, self.auditor):
            for record, values in (
                (notice, {"state": "arrived"}),
                (notice.line_ids, {"quantity": 1}),
                (notice.share_ids, {"quantity": 1}),
            ):
                with self.assertRaises(AccessError):
                    record.with_user(user).write(values)
        with self.assertRaises(AccessError):
            notice.with_user(self.auditor).action_cancel()
        with self.assertRaises(UserError):
            notice.with_user(self.buyer).unlink()
        self.env.flush_all()
        with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env.cr.execute(
                "UPDATE distribution_ship_notice_line SET quantity = 1 WHERE id = %s", [notice.line_ids.id]
            )


@tagged("post_install", "-at_install")
class TestShipNoticeReceipt(ShipNoticeCase):
    """Lots and packages that a notice tells are prepared on the receipt."""

    def _tracked(self):
        self.product.tracking = "lot"
        return self._asked()[0]

    def _places(self, order):
        places = order.sudo().picking_ids.move_line_ids.sorted("id")
        return [
            (place.quantity, place.lot_id.name or "", place.result_package_id.name or "", place.picked)
            for place in places
        ]

    def _lots(self, *names):
        return self.env["stock.lot"].search([("name", "in", names)], order="name")

    def test_part_of_it_in_two_lots(self):
        order = self._tracked()
        known = self.env["stock.lot"].create(
            {"name": "L-1", "product_id": self.product.id, "company_id": self.company.id}
        )
        elsewhere = self.env["stock.lot"].create(
            {"name": "L-2", "product_id": self.product_2.id, "company_id": self.company.id}
        )
        told = (self._bolts(35, lot="L-1", package="P-1"), self._bolts(25, lot="L-2"))
        self.assertEqual(self._told(order, *told).state, "open")
        self.assertEqual(
            sorted(self._places(order)), [(25, "L-2", "", False), (35, "L-1", "P-1", False), (40, "", "", False)]
        )
        move = order.sudo().picking_ids.move_ids
        self.assertEqual((move.product_uom_qty, move.quantity, move.state), (100, 100, "assigned"))
        lots = self._lots("L-1", "L-2").filtered(lambda lot: lot.product_id == self.product)
        self.assertEqual((len(lots), lots.company_id), (2, self.company))
        self.assertIn(known, lots)
        self.assertNotIn(elsewhere, lots)
        # Told again: nothing is prepared twice. The rest comes with the next shipment.
        self._told(order, *told)
        self._told(order, self._bolts(40, lot="L-2"), reference="ASN-2")
        self.assertEqual(
            sorted(self._places(order)), [(25, "L-2", "", False), (35, "L-1", "P-1", False), (40, "L-2", "", False)]
        )

    def test_the_lot_tells_which_shipment_came(self):
        order = self._tracked()
        first = self._told(order, self._bolts(50, lot="L-1"))
        second = self._told(order, self._bolts(50, lot="L-2"), reference="ASN-2")
        picking = order.sudo().picking_ids
        picking.move_line_ids.filtered(lambda place: place.lot_id.name == "L-1").unlink()
        picking.move_ids.picked = True
        picking.with_context(skip_sms=True, skip_backorder=True).button_validate()
        self.assertEqual((picking.state, first.state, second.state), ("done", "open", "arrived"))

    def test_a_lot_of_what_is_not_tracked(self):
        order, _confirmation = self._asked()
        before = self._places(order)
        notice = self._told(order, self._bolts(60, lot="UNKNOWN", package="P-9"))
        self.assertEqual((notice.state, notice.share_ids.lot), ("open", "UNKNOWN"))
        self.assertEqual((self._places(order), self._lots("UNKNOWN").ids), (before, []))

    def test_conflict_prepares_nothing(self):
        order = self._tracked()
        before = self._places(order)
        notice = self._told(order, self._bolts(60, lot="L-1"), self._bolts(60, lot="L-2"))
        self.assertEqual((notice.state, self._case(notice).state), ("conflict", "open"))
        self.assertEqual((self._places(order), self._lots("L-1", "L-2").ids), (before, []))

    def test_cancelled_is_taken_back(self):
        order = self._tracked()
        notice = self._told(order, self._bolts(60, lot="L-1", package="P-1"))
        notice.with_user(self.buyer).action_cancel()
        self.assertEqual({place[1:3] for place in self._places(order)}, {("", "")})
        self.assertEqual(sum(place[0] for place in self._places(order)), 100)

    def test_what_is_being_received_stays(self):
        order = self._tracked()
        order.sudo().picking_ids.move_ids.picked = True
        before = self._places(order)
        self._told(order, self._bolts(60, lot="L-1"))
        self.assertEqual(self._places(order), before)

    def test_attack_on_the_order_of_another_vendor(self):
        """A notice names the line of somebody else's order: a case, and neither receipt changes."""
        own = self._tracked()
        rival = self.env["res.partner"].create({"name": "Rival", "supplier_rank": 1, "vendor_status": "approved"})
        self._make_contract(rival, self.product, 10.0)
        other = self._asked(vendor=rival)[0]
        before = self._places(own), self._places(other)
        notice = self._told(own, Announced(5, line=other.order_line.id, product=self.product.id, lot="FORGED"))
        self.assertEqual((notice.state, self._case(notice).state), ("conflict", "open"))
        self.assertEqual((notice.share_ids.ids, self._lots("FORGED").ids), ([], []))
        self.assertEqual((self._places(own), self._places(other)), before)
        for user in (self.buyer, self.manager):
            with self.assertRaises(AccessError):
                self.env["distribution.ship.notice"].with_user(user).create(
                    {"reference": "F", "order_id": other.id, "state": "open", "told_at": "2026-11-20 08:00:00"}
                )
