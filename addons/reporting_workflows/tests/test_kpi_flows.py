"""Odoo's own flows leave what the KPIs count: nothing is written here that its buttons do not write."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import TransactionCase

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, SALE_LINE_TAXES, storable_product_values

from .kpi_world import hours_ahead, zone_ahead


@tagged("post_install", "-at_install")
class TestKpiFlows(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company
        # Within what `_number` looks at, whatever the time of day.
        cls.yesterday = fields.Datetime.now().replace(hour=12, minute=0, second=0) - timedelta(days=1)
        cls.company.resource_calendar_id.tz = "UTC"
        cls.site = cls.env["stock.warehouse"].create({"name": "North", "code": "KFN"})
        cls.other_site = cls.env["stock.warehouse"].create({"name": "South", "code": "KFS"})
        cls.product = cls.env["product.product"].create(
            {"name": "Screw", "standard_price": 4, "taxes_id": False, **storable_product_values()}
        )
        cls.env["stock.quant"]._update_available_quantity(cls.product, cls.site.lot_stock_id, 50)
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.vendor = cls.env["res.partner"].create({"name": "Forge", "vendor_status": "approved"})

    def _make_it(self, hour):
        """The hour where the company works, whatever it is elsewhere."""
        zone = zone_ahead(hours_ahead(fields.Datetime.now(), hour))
        self.company.resource_calendar_id.tz = self.company.partner_id.tz = self.env.user.tz = zone

    def _number(self, code, **where):
        """(value as a float or None, records) of yesterday until tomorrow."""
        kpi = self.env["distribution.kpi"].search([("code", "=", code)])
        today = self.company._day_of(fields.Datetime.now())
        where = where or {"site": self.site.id}
        measures = kpi._measure(kpi, today - timedelta(days=1), today + timedelta(days=1), where=where)
        (measure,) = measures[kpi.id]
        return None if measure.value is None else float(measure.value), measure.rows

    def _finish(self, picking, quantity):
        picking.move_ids.write({"quantity": quantity, "picked": True})
        picking.with_context(skip_sms=True, skip_backorder=True).button_validate()
        self.assertEqual(picking.state, "done")

    def _set(self, record, **columns):
        """Write columns past everything."""
        record.flush_recordset()
        names = ", ".join(f"{name} = %s" for name in columns)
        self.env.cr.execute(f"UPDATE {record._table} SET {names} WHERE id = %s", [*columns.values(), record.id])
        record.invalidate_recordset()

    def _sell(self, quantity=10, hours=5, promised=None):
        line = {"product_id": self.product.id, "product_uom_qty": quantity, "price_unit": 9, SALE_LINE_TAXES: False}
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "warehouse_id": self.site.id,
                "commitment_date": promised or (hours is not None and fields.Datetime.now() + timedelta(hours=hours)),
                "order_line": [(0, 0, line)],
            }
        )
        order.action_confirm()
        return order

    def test_a_deadline_that_is_moved_makes_nothing_punctual(self):
        order = self._sell(hours=-24)
        picking = order.picking_ids
        self.assertEqual(self._number("deliveries_late"), (1, 1))
        promised = picking.move_ids.date_deadline
        order.commitment_date = fields.Datetime.now() + timedelta(days=5)
        self.env.flush_all()
        self.assertGreater(picking.date_deadline, fields.Datetime.now() + timedelta(days=4))
        self.assertEqual(picking.move_ids.first_deadline, promised)
        self.assertEqual(self._number("deliveries_late"), (1, 1))
        order.commitment_date = fields.Datetime.now() + timedelta(days=9)
        self._finish(picking, 6)
        rest = order.picking_ids - picking
        self.assertEqual((picking.move_ids | rest.move_ids).mapped("first_deadline"), [promised] * 2)
        self.assertEqual(self._number("delivery_on_time"), (0, 1))
        self.assertEqual(self._number("service_level"), (0, 2))
        self.assertEqual(self._number("delivery_delay"), (1, 1))

    def test_goods_that_leave_on_the_promised_day_are_in_time(self):
        """Odoo promises a delivery without lead time for the minute of the order: nobody keeps that."""
        order = self._sell(hours=None)
        picking = order.picking_ids
        promised = picking.move_ids.date_deadline
        self.assertLessEqual(promised, fields.Datetime.now())
        self.assertEqual(self._number("deliveries_late"), (0, 0))
        self._finish(picking, 10)
        self._set(picking, date_done=promised + timedelta(seconds=1))
        self.assertEqual(self._number("delivery_on_time"), (100, 1))
        self.assertEqual(self._number("delivery_delay"), (None, 0))
        self.assertEqual(self._number("service_level"), (None, 0), "the day is not over")
        begin = promised.replace(hour=0, minute=0, second=0) - timedelta(days=1)
        self._set(picking.move_ids, date_deadline=begin, date=begin + timedelta(hours=23, minutes=59))
        self.assertEqual(self._number("service_level"), (100, 1))
        self._set(picking.move_ids, date=begin + timedelta(hours=24))
        self.assertEqual(self._number("service_level"), (0, 1))

    def test_what_is_cancelled_later_was_due_all_the_same(self):
        late, early = self._sell(hours=-24), self._sell(quantity=5, hours=2)
        self.assertEqual(self._number("service_level"), (0, 1))
        late._action_cancel()
        early.picking_ids.action_cancel()
        self.assertEqual((late.picking_ids.state, early.picking_ids.state), ("cancel", "cancel"))
        self.assertTrue(late.picking_ids.move_ids.cancelled_at)
        self.assertEqual(self._number("service_level"), (0, 1), "the day stays as it was")
        # The other one was cancelled by the day on which it was due; so it is once that day is over.
        yesterday = fields.Datetime.now() - timedelta(days=1)
        self._set(early.picking_ids.move_ids, date_deadline=yesterday, cancelled_at=yesterday)
        self.assertEqual(self._number("service_level"), (0, 1))
        self._set(early.picking_ids.move_ids, cancelled_at=yesterday + timedelta(days=1))
        self.assertEqual(self._number("service_level"), (0, 2))
        self._set(early.picking_ids.move_ids, cancelled_at=yesterday - timedelta(days=1))
        self.assertEqual(self._number("service_level"), (0, 1))
        # Cancelled before anybody noted when.
        self._set(late.picking_ids.move_ids, cancelled_at=None)
        self.assertEqual(self._number("service_level"), (None, 0))

    def test_what_a_carrier_tells_of_a_delivery(self):
        picking = self._sell(hours=90).picking_ids
        self._finish(picking, 10)
        now = fields.Datetime.now()

        def tell(status, hours, expected=False):
            told = dict.fromkeys(("expected_at", "carrier", "place", "reason_code", "note"), False)
            told.update(tracking_reference="1Z", status=status, occurred_at=now + timedelta(hours=hours))
            picking._take_carrier_status({**told, "expected_at": expected and now + timedelta(hours=expected)})
            return self._number("carrier_delays")

        self.assertEqual(tell("announced", -9, 20), (0, 0))
        self.assertEqual(tell("picked_up", -8), (0, 0))
        self.assertEqual(tell("delayed", -7), (1, 1))
        self.assertEqual(tell("in_transit", -6), (0, 0))
        self.assertEqual(tell("in_transit", -5, 40), (1, 1), "later than promised")
        self.assertEqual(tell("out_for_delivery", -4, 10), (0, 0))
        self._set(picking, carrier_promised_at=now - timedelta(hours=1))
        self.assertEqual(self._number("carrier_delays"), (1, 1), "its promise passed")
        self.assertEqual(tell("delivered", -3), (0, 0))

    def test_what_is_taken_off_later_was_due_all_the_same(self):
        order, early = self._sell(promised=self.yesterday), self._sell(quantity=5, hours=2)
        line, move = order.order_line, order.picking_ids.move_ids
        self._set(move, create_date=self.yesterday - timedelta(hours=1))

        def asked():
            self.env.flush_all()
            kpi = self.env["distribution.kpi"].search([("code", "=", "service_level")])
            today = self.company._day_of(fields.Datetime.now())
            days = today - timedelta(days=3), today + timedelta(days=1)
            return float(kpi._measure(kpi, *days, where={"site": self.site.id})[kpi.id][0].denominator)

        early.order_line.product_uom_qty = 3
        self.assertFalse(early.picking_ids.move_ids.taken_off_qty, "it was not due yet")
        self.assertEqual(asked(), 10)
        line.product_uom_qty = 6
        self.assertEqual((move.product_uom_qty, move.taken_off_qty, asked()), (6, 4, 10))
        move.product_uom_qty = 1
        self.assertEqual(asked(), 10)
        line.product_uom_qty = 12
        self.assertEqual((move.product_uom_qty, move.taken_off_qty, asked()), (12, -2, 10), "put on")
        line.product_uom_qty = 4
        self.assertEqual((move.product_uom_qty, move.taken_off_qty, asked()), (4, 6, 10))
        order.commitment_date = fields.Datetime.now() + timedelta(days=5)
        line.product_uom_qty = 3
        self.assertEqual(asked(), 10, "a deadline that was moved is the first one")
        # A part on a back-order is due there; what never comes was due as well.
        picking = order.picking_ids
        self._finish(picking, 2)
        rest = order.picking_ids - picking
        self.assertEqual((rest.move_ids.product_uom_qty, rest.move_ids.taken_off_qty, asked()), (1, 0, 10))
        rest.action_cancel()
        self.assertEqual((asked(), self._number("service_level")[0]), (10, 0))
        dozen = self.env.ref("uom.product_uom_dozen")
        boxed = self._sell(quantity=36, promised=self.yesterday).picking_ids.move_ids
        boxed.product_uom = dozen
        boxed.product_uom_qty = 2
        self.assertEqual((boxed.product_qty, boxed.taken_off_qty), (24, 12))

    def test_a_site_that_picks_and_ships_is_short_as_well(self):
        self.site.delivery_steps = "pick_ship"
        order = self._sell(quantity=50)
        self.assertEqual(self._number("shortage_lines"), (0, 0))
        self._sell(quantity=1)
        self.env["stock.picking"].search([("picking_type_id.warehouse_id", "=", self.site.id)]).action_assign()
        self.assertEqual(self._number("shortage_lines"), (1, 1))
        order.picking_ids.do_unreserve()
        self.assertEqual(self._number("shortage_lines"), (2, 2))

    def test_an_order_that_leaves_in_two_parts(self):
        order = self._sell()
        self.assertEqual(self._number("orders_confirmed"), (1, 1))
        self.assertEqual(self._number("sales_ordered"), (90, 1))
        self.assertEqual(self._number("sales_margin"), (50, 1))
        self.assertEqual(self._number("open_order_value"), (90, 1))
        picking = order.picking_ids
        picking.user_id = self.env.user
        self._finish(picking, 6)
        self.assertEqual(self._number("delivery_on_time"), (100, 1))
        self.assertEqual(self._number("order_cycle")[1], 1)
        self.assertEqual(self._number("pick_to_ship")[1], 1)
        self.assertEqual(self._number("backorders"), (1, 1))
        self.assertEqual(self._number("open_order_value"), (36, 1))
        self.assertEqual((self._number("lines_handled"), self._number("units_handled")), ((1, 1), (6, 1)))
        self.assertEqual(self._number("lines_per_person_day"), (1, 1))
        self.assertEqual(self._number("stock_value"), (44 * 4, 1))
        rest = order.picking_ids - picking
        self._finish(rest, 4)
        self.assertEqual(self._number("backorders"), (0, 0))
        self.assertEqual(self._number("open_order_value"), (0, 0))

    def test_counts(self):
        quant = self.env["stock.quant"].search(
            [("product_id", "=", self.product.id), ("location_id", "=", self.site.lot_stock_id.id)]
        )
        for counted in (50, 47):
            quant.with_context(inventory_mode=True).inventory_quantity = counted
            quant.action_apply_inventory()
        self.assertEqual(self._number("inventory_accuracy"), (50, 2))
        self.assertEqual(self._number("inventory_discrepancy"), (12, 2))

    def test_a_transfer_between_sites(self):
        transit = self.company.internal_transit_location_id
        moves = self.env["stock.move"]
        for source, target, site, way in (
            (self.site.lot_stock_id, transit, self.site, "out"),
            (transit, self.other_site.lot_stock_id, self.other_site, "in"),
        ):
            picking = self.env["stock.picking"].create(
                {
                    "picking_type_id": site[f"{way}_type_id"].id,
                    "location_id": source.id,
                    "location_dest_id": target.id,
                }
            )
            moves |= moves.create(
                {
                    "name" if IS_17 else "description_picking": "Screw",
                    "product_id": self.product.id,
                    "product_uom": self.product.uom_id.id,
                    "product_uom_qty": 5,
                    "location_id": source.id,
                    "location_dest_id": target.id,
                    "picking_id": picking.id,
                    "move_orig_ids": [(6, 0, moves.ids)],
                }
            )
        moves.picking_id.action_confirm()
        for picking in moves.picking_id.sorted("id"):
            self._finish(picking, 5)
        value, rows = self._number("transfer_lead_time", site=self.other_site.id)
        self.assertEqual(rows, 1)
        self.assertLess(value, 1)
        self.assertEqual(self._number("stock_value", site=self.other_site.id), (20, 1))

    def test_a_purchase_that_is_promised_and_received(self):
        self.company.confirmation_asked = True
        self.vendor.email = "forge@example.com"
        order = self.env["purchase.order"].create(
            {
                "partner_id": self.vendor.id,
                "picking_type_id": self.site.in_type_id.id,
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "name": "Screw",
                            "product_id": self.product.id,
                            "product_qty": 20,
                            "price_unit": 3,
                            LINE_UOM: self.product.uom_id.id,
                            "date_planned": self.yesterday,
                        },
                    )
                ],
            }
        )
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        self.assertEqual(self._number("purchases_ordered", vendor=self.vendor.id), (60, 1))
        self.assertEqual(self._number("purchase_cycle", vendor=self.vendor.id)[1], 1)
        self.assertEqual(self._number("overdue_purchase_lines", vendor=self.vendor.id), (1, 1))
        self.assertEqual(self._number("overdue_purchase_value", vendor=self.vendor.id), (60, 1))
        self.assertEqual(self._number("acknowledgement_rate", vendor=self.vendor.id), (None, 0))  # not known yet
        confirmation = self.env["distribution.supplier.confirmation"].search([("order_id", "=", order.id)])
        self._set(confirmation, create_date=fields.Datetime.now() - timedelta(hours=80))
        self.assertEqual(self._number("acknowledgement_rate", vendor=self.vendor.id), (0, 1))
        confirmation.first_answer_at = fields.Datetime.now()  # too late: the day stays as it was
        self.assertEqual(self._number("acknowledgement_rate", vendor=self.vendor.id), (0, 1))
        self._set(confirmation, first_answer_at=fields.Datetime.now() - timedelta(hours=70))
        self.assertEqual(self._number("acknowledgement_rate", vendor=self.vendor.id), (100, 1))
        self._finish(order.picking_ids, 20)
        self.assertEqual(self._number("supplier_lead_time", vendor=self.vendor.id)[1], 1)
        self.assertEqual(self._number("overdue_purchase_lines", vendor=self.vendor.id), (0, 0))
        self.assertEqual(self._number("receipt_discrepancy_rate", vendor=self.vendor.id)[1], 1)
        self.assertIn(self._number("supplier_otif", vendor=self.vendor.id)[0], (0, 100))

    def test_what_comes_and_is_needed_on_one_day_is_neither_late_nor_a_risk(self):
        self._make_it(12)
        now = fields.Datetime.now()
        self._sell(quantity=60, hours=-2)
        line = {"product_id": self.product.id, "product_qty": 20, "price_unit": 3, "date_planned": now}
        order = self.env["purchase.order"].create(
            {"partner_id": self.vendor.id, "picking_type_id": self.site.in_type_id.id, "order_line": [(0, 0, line)]}
        )
        order.button_confirm()
        self.assertEqual(order.state, "purchase")

        def numbers():
            codes = ("overdue_purchase_lines", "overdue_purchase_value", "inbound_at_risk")
            return [self._number(code, vendor=self.vendor.id)[0] or 0 for code in codes]

        for planned, found in {
            now - timedelta(hours=11): [0, 0, 0],
            now - timedelta(hours=4): [0, 0, 0],
            now + timedelta(hours=10): [0, 0, 0],
            now + timedelta(hours=13): [0, 0, 60],
            now - timedelta(hours=13): [1, 60, 0],
        }.items():
            order.order_line.date_planned = planned
            self.assertEqual(numbers(), found, planned - now)
        self._make_it(1)
        self.assertEqual(numbers(), [1, 60, 60], "what was needed yesterday comes today at the earliest")

    def test_a_kit_has_come_when_all_its_parts_have(self):
        order = self.env["purchase.order"].create(
            {
                "partner_id": self.vendor.id,
                "picking_type_id": self.site.in_type_id.id,
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "name": "Kit",
                            "product_id": self.product.id,
                            "product_qty": 20,
                            "price_unit": 3,
                            LINE_UOM: self.product.uom_id.id,
                            "date_planned": self.yesterday,
                        },
                    )
                ],
            }
        )
        self.company.confirmation_asked = True
        self.vendor.email = "forge@example.com"
        order.button_confirm()
        # The parts come instead of the product, as Manufacturing has it.
        (move,) = order.picking_ids.move_ids
        parts = self.env["product.product"].create(
            [{"name": name, **storable_product_values()} for name in ("Bolt", "Nut")]
        )
        moves = move
        for part, quantity in zip(parts, (40, 20)):
            moves |= move.copy(
                {"product_id": part.id, "product_uom_qty": quantity, "purchase_line_id": move.purchase_line_id.id}
            )
        move._action_cancel()
        self._set(move, purchase_line_id=None)
        moves -= move
        moves._action_confirm()
        for part, quantity in zip(moves, (40, 10)):
            part.write({"quantity": quantity, "picked": True})
        moves._action_done()
        self.assertEqual(self._number("supplier_fill_rate", vendor=self.vendor.id), (50, 1))
        self.assertEqual(self._number("supplier_otif", vendor=self.vendor.id), (0, 1))

    def _marks(self):
        """What was marked since the last look."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.cr.execute(
            "DELETE FROM distribution_kpi_touch WHERE company_ref = %s RETURNING res_model", [self.company.id]
        )
        return {row[0] for row in self.env.cr.fetchall()}

    def test_what_happens_leaves_its_marks(self):
        moved = {"stock.move", "stock.picking"}
        self._marks()
        order = self._sell()
        self.assertLessEqual({"sale.order", *moved}, self._marks())
        order.order_line.price_unit = 8
        self.assertIn("sale.order", self._marks())
        order.write({"order_line": [(0, 0, {"product_id": self.product.id, "product_uom_qty": 1})]})
        self.assertLessEqual({"sale.order", *moved}, self._marks())
        order.commitment_date = fields.Datetime.now() + timedelta(days=3)
        self.assertLessEqual(moved, self._marks(), "a deadline")
        order.picking_ids.do_unreserve()
        self.assertLessEqual(moved, self._marks(), "a shortage")
        order.picking_ids.action_assign()
        self.assertLessEqual(moved, self._marks(), "no shortage")
        self._finish(order.picking_ids, 1)
        self.assertLessEqual(moved, self._marks(), "what left, and the back-order")
        (order.picking_ids.filtered(lambda one: one.state != "done")).action_cancel()
        self.assertLessEqual(moved, self._marks())
        self.env["distribution.case"]._open("policy_missing", order.picking_ids[:1], "Refused at the door")
        self.assertIn("distribution.case", self._marks())
        line = {"product_id": self.product.id, "product_qty": 2, "price_unit": 3}
        purchase = self.env["purchase.order"].create({"partner_id": self.vendor.id, "order_line": [(0, 0, line)]})
        self._marks()
        purchase.button_confirm()
        self.assertLessEqual({"purchase.order", *moved}, self._marks())
        for change in (
            {"order_line": [(1, purchase.order_line.id, {"date_planned": fields.Datetime.now()})]},
            {"order_line": [(1, purchase.order_line.id, {"product_qty": 3})]},
            {"order_line": [(0, 0, line)]},
        ):
            purchase.write(change)
            self.assertIn("purchase.order", self._marks())
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.vendor.id,
                "invoice_date": fields.Date.today(),
                "ref": "B1",
                "invoice_line_ids": [(0, 0, {"name": "Goods", "quantity": 1, "price_unit": 70, "tax_ids": False})],
            }
        )
        self._marks()
        bill.action_post()
        self.assertIn("account.move", self._marks())

    def test_a_bill_counts_at_the_site_for_which_it_was_bought(self):
        self.company.bill_match_kept = True
        line = {"product_id": self.product.id, "product_qty": 2, "price_unit": 3}
        purchase = self.env["purchase.order"].create(
            {
                "partner_id": self.vendor.id,
                "picking_type_id": self.site.in_type_id.id,
                "order_line": [(0, 0, line), (0, 0, line)],
            }
        )
        purchase.button_confirm()
        self._finish(purchase.picking_ids, 2)
        bill = self.env["account.move"].browse(purchase.action_create_invoice()["res_id"])
        bill.write({"invoice_date": fields.Date.today(), "ref": "B2"})
        bill.action_post()
        self.assertEqual(bill.state, "posted")
        self._set(bill, create_date=fields.Datetime.now() - timedelta(hours=3))
        self.assertEqual(self._number("match_first_pass"), (100, 2))
        self.assertAlmostEqual(self._number("match_time")[0], 3, 1)
        self.assertEqual(self._number("match_first_pass", site=self.other_site.id), (None, 0))
        self.assertEqual(self._number("match_time", site=self.other_site.id), (None, 0))
        kpis = self.env["distribution.kpi"].search([("code", "in", ("match_first_pass", "match_time"))])
        current = self.env["distribution.kpi.current"]
        current._refresh(self.company, kpis)
        keeper, stranger = (new_test_user(self.env, f"t_keeper{number}", "base.group_user") for number in (1, 2))
        self.site.manager_id, self.other_site.manager_id = keeper, stranger
        own = [("kpi_id", "in", kpis.ids), ("company_id", "=", self.company.id), ("rows", ">", 0)]
        self.assertEqual(current.with_user(keeper).search(own).sudo().mapped("site_id"), self.site)
        self.assertEqual(len(current.with_user(keeper).search(own)), 2, "of the site, not of the company")
        self.assertFalse(current.with_user(stranger).search(own), "who keeps another site reads neither")
        with self.assertRaisesRegex(UserError, "not the documents behind it"):
            kpis[0].with_user(keeper).action_drill(dimensions={"site": self.site.id})
        clerk = new_test_user(self.env, "t_clerk", "account.group_account_invoice,distribution_core.group_operations")
        shown = kpis[0].with_user(clerk).action_drill(dimensions={"site": self.site.id})
        rows = self.env[shown["res_model"]].with_user(clerk).search(shown["domain"])
        self.assertEqual(set(rows.mapped("bill_ref")), {bill.id})

    def test_an_invoice(self):
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [(0, 0, {"name": "Goods", "quantity": 1, "price_unit": 70, "tax_ids": False})],
            }
        )
        invoice.action_post()
        self.assertEqual(self._number("sales_invoiced", customer=self.customer.id), (70, 1))
