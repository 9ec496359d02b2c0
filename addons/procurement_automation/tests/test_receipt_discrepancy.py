"""Receipts against order, confirmation and notice: what differs is kept, and one case."""

import base64
from datetime import date

import psycopg2
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import LINE_UOM
from odoo.addons.procurement_automation.engine import Announced, Promise, Said

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestReceiptDiscrepancy(SupplierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.receipt_compared = True
        cls.operator = new_test_user(cls.env, login="t_operator", groups="base.group_user,stock.group_stock_user")
        cls.reason = cls.env.ref("procurement_automation.receipt_reason_quality")
        cls.env["distribution.supplier.tolerance"].create(
            {"vendor_id": cls.vendor.id, "short_percent": 5, "over_percent": 5}
        )

    def _receive(self, order, quantity, backorder=False):
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ("done", "cancel")).with_user(
            self.operator
        )
        picking.move_ids.write({"quantity": quantity, "picked": True})
        context = {"skip_sms": True, "skip_backorder": True}
        if not backorder:
            context["picking_ids_not_to_backorder"] = picking.ids
        picking.with_context(**context).button_validate()
        self.assertEqual(picking.state, "done")
        return picking

    def _found(self, picking):
        rows = self.env["distribution.receipt.discrepancy"].search([("picking_ref", "=", picking.id)])
        return [(row.kind, row.quantity) for row in rows.sorted("id")]

    def _case(self, picking):
        return self.env["distribution.case"].search([("dedup_key", "=", f"receipt:{picking.id}")])

    def test_as_ordered_and_within_tolerance(self):
        for quantity in (100, 96, 104):
            order, _confirmation = self._asked()
            picking = self._receive(order, quantity)
            self.assertEqual(self._found(picking), [], quantity)
            self.assertFalse(self._case(picking))

    def test_the_receipt_leads_to_its_discrepancies(self):
        fine, short = (self._receive(self._asked()[0], quantity) for quantity in (100, 90))
        self.assertEqual((fine.discrepancy_count, short.discrepancy_count), (0, 1))
        action = short.action_open_discrepancies()
        found = self.env[action["res_model"]].with_user(self.operator).search(action["domain"])
        self.assertEqual(found.picking_id, short)

    def test_short_and_over(self):
        order, confirmation = self._asked()
        picking = self._receive(order, 90)
        self.assertEqual(self._found(picking), [("short", 10)])
        case = self._case(picking)
        self.assertEqual((case.type_id.code, case.res_id), ("receipt_discrepancy", picking.id))
        linked = {(row.res_model, row.res_id) for row in case.document_ids}
        self.assertLessEqual({("purchase.order", order.id), (confirmation._name, confirmation.id)}, linked)
        self.assertEqual(confirmation.line_ids.open_quantity, 0, "the rest was called off: nobody waits for it")
        order, _confirmation = self._asked()
        self.assertEqual(self._found(self._receive(order, 120)), [("over", 20)])

    def test_a_part_is_not_short_unless_more_was_announced(self):
        order, confirmation = self._asked()
        self.assertEqual(self._found(self._receive(order, 40, backorder=True)), [])
        self.assertEqual(confirmation.line_ids.open_quantity, 60)
        order, _confirmation = self._asked()
        self.env["distribution.ship.notice"]._take_in(
            order,
            {"reference": "ASN-9", "shipped_at": "2026-11-20 08:00:00"},
            [Announced(60, product=self.product.id)],
        )
        self.assertEqual(self._found(self._receive(order, 40, backorder=True)), [("short", 20)])

    def test_what_is_promised_for_tomorrow_is_not_short_today(self):
        """In London it is tomorrow already; the company works in New York."""
        self.warehouse.partner_id.tz = self.company.resource_calendar_id.tz = "America/New_York"
        for moment, found in (("2027-03-02 02:00:00", []), ("2027-03-02 06:00:00", [("short", 60)])):
            with freeze_time("2027-02-11 12:00:00"):
                order, confirmation = self._asked()
                promises = [Promise(40, date(2027, 3, 1)), Promise(60, date(2027, 3, 2))]
                confirmation._answer("link", {confirmation.line_ids: Said(promises)})
            with freeze_time(moment):
                self.assertEqual(self._found(self._receive(order, 40, backorder=True)), found, moment)

    def _announce(self, order, reference, **quantities):
        """A notice of so much of ``product`` and ``product_2``."""
        return self.env["distribution.ship.notice"]._take_in(
            order,
            {"reference": reference, "shipped_at": "2026-11-20 08:00:00"},
            [Announced(quantity, product=getattr(self, name).id) for name, quantity in quantities.items()],
        )

    def _bring(self, order, quantity, quantity_2):
        """The next receipt of ``order`` brings so much of ``product`` and ``product_2``; the rest comes later."""
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ("done", "cancel"))
        for move in picking.move_ids:
            came = quantity if move.product_id == self.product else quantity_2
            move.with_user(self.operator).write({"quantity": came, "picked": True})
        picking.with_user(self.operator).with_context(skip_sms=True, skip_backorder=True).button_validate()
        self.assertEqual(picking.state, "done")
        return picking

    def test_of_two_shipments_the_second_comes_first(self):
        self._make_contract(self.vendor, self.product_2, 10.0)
        order, _confirmation = self._asked(lines=[(self.product, 10, 10.0), (self.product_2, 5, 10.0)])
        first = self._announce(order, "ASN-1", product=10)
        second = self._announce(order, "ASN-2", product_2=5)
        picking = self._bring(order, 0, 5)
        self.assertEqual(self._found(picking), [], "nothing is short that another shipment brings")
        self.assertEqual((first.state, second.state, second.picking_id), ("open", "arrived", picking))
        picking = self._bring(order, 7, 0)
        self.assertEqual(self._found(picking), [("short", 3)])
        self.assertEqual((first.state, first.picking_id), ("arrived", picking))

    def test_two_shipments_at_once(self):
        self._make_contract(self.vendor, self.product_2, 10.0)
        order, _confirmation = self._asked(lines=[(self.product, 10, 10.0), (self.product_2, 5, 10.0)])
        notices = self._announce(order, "ASN-1", product=10) | self._announce(order, "ASN-2", product_2=5)
        picking = self._bring(order, 10, 5)
        self.assertEqual((notices.mapped("state"), notices.picking_id), (["arrived"] * 2, picking))
        self.assertEqual(self._found(picking), [])

    def test_a_notice_in_conflict_ends_when_its_goods_come(self):
        order, _confirmation = self._asked()
        notice = self._announce(order, "ASN-1", product=500)
        case = self.env["distribution.case"].search([("dedup_key", "=", notice._case_key())])
        self.assertEqual((notice.state, case.state), ("conflict", "open"))
        picking = self._receive(order, 100)
        self.assertEqual((notice.state, notice.picking_id, case.state), ("arrived", picking, "resolved"))
        self.assertEqual(self._found(picking), [], "what was told in conflict is not expected")

    def test_promises_are_read_in_one_go(self):
        def count(lines):
            order, _confirmation = self._asked(lines=[(self.product, 1, 10.0)] * lines)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(order.order_line._promised_until(fields.Date.today()), {})
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(2), count(9))

    def test_damage_before_and_after(self):
        order, _confirmation = self._asked()
        picking = order.picking_ids.with_user(self.operator)
        report = {
            "picking_id": picking.id,
            "product_id": picking.move_ids.product_id.id,
            "quantity": 8,
            "reason_id": self.reason.id,
        }
        wizard = self.env["distribution.receipt.report"].with_user(self.operator)
        wizard.create(report).action_report()
        picking = self._receive(order, 100)
        self.assertEqual(self._found(picking), [("short", 8), ("damaged", 8)])
        wizard.create({**report, "quantity": 3}).action_report()
        self.assertEqual(self._found(picking)[2:], [("damaged", 11)])
        self.assertEqual(len(self._case(picking)), 1, "one case per receipt")

    def test_damage_in_the_unit_of_the_product(self):
        """Bought by the dozen, counted piece by piece; of two lines, the one whose goods came."""
        dozen = self.env.ref("uom.product_uom_dozen")
        order = self._order(lines=[(self.product, 5, 120.0), (self.product, 10, 120.0)])
        order.order_line.write({LINE_UOM: dozen.id, "price_unit": 120.0})
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        other, dozens = order.order_line
        picking = order.picking_ids.with_user(self.operator)
        by_line = {move.purchase_line_id: move for move in picking.sudo().move_ids}
        by_line[other].write({"quantity": 0, "picked": True})
        came = by_line[dozens]
        came.write({"quantity": came.product_uom_qty, "picked": True})
        picking.with_context(skip_sms=True, skip_backorder=True).button_validate()
        wizard = self.env["distribution.receipt.report"].with_user(self.operator)
        report = wizard.create(
            {"picking_id": picking.id, "product_id": self.product.id, "quantity": 30, "reason_id": self.reason.id}
        )
        self.assertEqual(report.uom_id, self.product.uom_id)
        report.action_report()
        damage = picking.sudo().damage_ids
        self.assertEqual((damage.order_line_id, damage.quantity, damage.uom_id), (dozens, 2.5, dozen))
        row = self.env["distribution.receipt.discrepancy"].search(
            [("picking_ref", "=", picking.id), ("kind", "=", "damaged")]
        )
        self.assertEqual((row.order_line_ref, row.quantity, row.uom_id), (dozens.id, 2.5, dozen))
        self.assertIn(f"2.5 {dozen.name}", self._case(picking).description)

    def test_evidence_and_rights(self):
        order, _confirmation = self._asked()
        picking = order.picking_ids
        transport = self.env.ref("procurement_automation.receipt_reason_transport")
        report = {
            "picking_id": picking.id,
            "product_id": picking.move_ids.product_id.id,
            "quantity": 1,
            "reason_id": transport.id,
        }
        wizard = self.env["distribution.receipt.report"].with_user(self.operator)
        with self.assertRaises(UserError):
            wizard.create(report).action_report()
        picture = (
            self.env["ir.attachment"]
            .with_user(self.operator)
            .create({"name": "box.png", "datas": base64.b64encode(b"png")})
        )
        wizard.create({**report, "attachment_ids": [(6, 0, picture.ids)]}).action_report()
        damage = picking.sudo().damage_ids
        self.assertEqual(damage.attachment_ids, picture)
        with self.assertRaises(AccessError):
            damage.with_user(self.operator).write({"quantity": 0.5})
        with self.assertRaises(UserError):
            damage.with_user(self.operator).unlink()
        with self.assertRaises(AccessError):
            self.env["distribution.receipt.report"].with_user(self.employee).create(report)

    def test_what_was_found_is_kept(self):
        order, _confirmation = self._asked()
        picking = self._receive(order, 50)
        row = self.env["distribution.receipt.discrepancy"].search([("picking_ref", "=", picking.id)])
        for user in (self.buyer, self.operator, self.auditor):
            with self.assertRaises(AccessError):
                row.with_user(user).write({"quantity": 0})
            with self.assertRaises(AccessError):
                row.with_user(user).unlink()
        self.env.flush_all()
        for query in (
            "UPDATE distribution_receipt_discrepancy SET quantity = 0 WHERE id = %s",
            "DELETE FROM distribution_receipt_discrepancy WHERE id = %s",
        ):
            with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self.env.cr.execute(query, [row.id])

    def test_off_costs_nothing(self):
        self.company.receipt_compared = False
        order, _confirmation = self._asked()
        self.assertEqual(self._found(self._receive(order, 10)), [])
