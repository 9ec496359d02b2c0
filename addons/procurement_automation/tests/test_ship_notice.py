"""Ship notices: taken in, compared, told again, in conflict, arrived."""

import psycopg2
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.procurement_automation.engine import Announced

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestShipNotice(SupplierCase):
    def _told(self, order, *lines, reference="ASN-1"):
        return self.env["distribution.ship.notice"]._take_in(
            order, {"reference": reference, "shipped_at": "2026-11-20 08:00:00"}, list(lines)
        )

    def _bolts(self, quantity, **values):
        return Announced(quantity, product=self.product.id, **values)

    def _case(self, notice):
        return self.env["distribution.case"].search([("dedup_key", "=", notice._case_key())])

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
