"""A later promise: receipts move, the buyer and sales are told, once; who is served in time is left alone."""

from datetime import timedelta

from odoo import Command, fields
from odoo.tests import new_test_user, tagged

from odoo.addons.distribution_core.compat import SALE_LINE_TAXES
from odoo.addons.procurement_automation.engine import Promise, Said

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestSupplierDelay(SupplierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seller = new_test_user(cls.env, login="t_seller", groups="base.group_user,sales_team.group_sale_salesman")
        cls.customer = cls.env["res.partner"].create({"name": "Customer"})

    def _sold(self, quantity, in_days, price=20.0):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "user_id": self.seller.id,
                "warehouse_id": self.warehouse.id,
                "commitment_date": fields.Datetime.now() + timedelta(days=in_days),
                "order_line": [
                    Command.create(
                        {
                            "product_id": self.product.id,
                            "product_uom_qty": quantity,
                            "price_unit": price,
                            SALE_LINE_TAXES: False,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        return order

    def test_who_is_hit(self):
        _order, confirmation = self._asked()
        line = confirmation.line_ids
        hit, fine, late_before = self._sold(60, 22), self._sold(30, 60), self._sold(10, 2)
        confirmation._answer("link", self._says(line, later=15))
        delay = confirmation.delay_ids
        self.assertEqual((delay.day_before, delay.day_after), (self._day(line), self._day(line, 15)))
        self.assertEqual(
            delay.hit_ids.sale_order_id, hit | late_before, "the one that was late already is later now; one has time"
        )
        row = delay.hit_ids.filtered(lambda row: row.sale_order_id == hit)
        self.assertEqual(
            (row.customer_id, row.quantity, row.value, row.promised_day, row.ready_day),
            (self.customer, 60, 1200, hit.commitment_date.date(), self._day(line, 15)),
        )
        self.assertEqual(hit.activity_ids.user_id, self.seller)
        self.assertFalse(fine.activity_ids)
        self.assertEqual(_order.activity_ids.user_id, self.buyer)
        move = _order.picking_ids.move_ids
        self.assertEqual((move.date.date(), move.date_deadline.date()), (self._day(line, 15),) * 2)
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.delayed.v1"), ("res_id", "=", _order.id)]
        )
        self.assertEqual(len(events), 1)

    def test_once_per_change(self):
        _order, confirmation = self._asked()
        line = confirmation.line_ids
        hit = self._sold(60, 22)
        for _time in range(2):
            confirmation._answer("link", self._says(line, later=15))
        self.assertEqual((len(confirmation.delay_ids), len(hit.activity_ids)), (1, 1))
        confirmation._answer("link", self._says(line, later=5))
        self.assertEqual(len(confirmation.delay_ids), 1, "earlier again: nobody is told that it is late")

    def test_stock_serves_first(self):
        self.env["stock.quant"]._update_available_quantity(self.product, self.warehouse.lot_stock_id, 60)
        _order, confirmation = self._asked()
        hit = self._sold(60, 22)
        confirmation._answer("link", self._says(confirmation.line_ids, later=15))
        self.assertFalse(confirmation.delay_ids.hit_ids)
        self.assertFalse(hit.activity_ids)

    def test_a_part_that_comes_in_time_serves(self):
        _order, confirmation = self._asked()
        line = confirmation.line_ids
        served, hit = self._sold(60, 22), self._sold(30, 23)
        confirmation._answer("link", {line: Said([Promise(60, self._day(line)), Promise(40, self._day(line, 15))])})
        row = confirmation.delay_ids.hit_ids
        self.assertEqual((row.sale_order_id, row.ready_day), (hit, self._day(line, 15)))
        self.assertFalse(served.activity_ids)

    def test_the_customer_behind_a_drop_shipment(self):
        """What goes straight to a customer is for that one, whatever is in stock."""
        self.env["stock.quant"]._update_available_quantity(self.product, self.warehouse.lot_stock_id, 500)
        sold, other = self._sold(100, 22), self._sold(10, 22)
        order, confirmation = self._asked()
        move = order.sudo().order_line.move_ids
        # As the addon for drop shipments makes it.
        move.write({"location_dest_id": self.customer.property_stock_customer.id, "sale_line_id": sold.order_line.id})
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, later=15))
        row = confirmation.delay_ids.hit_ids
        self.assertEqual(
            (row.sale_order_id, row.customer_id, row.promised_day, row.ready_day),
            (sold, self.customer, sold.commitment_date.date(), self._day(line, 15)),
        )
        self.assertEqual(sold.activity_ids.user_id, self.seller)
        self.assertFalse(other.activity_ids)

    def test_salespeople_see_their_own_customers(self):
        other = new_test_user(self.env, login="t_other_seller", groups="base.group_user,sales_team.group_sale_salesman")
        _order, confirmation = self._asked()
        self._sold(60, 22)
        confirmation._answer("link", self._says(confirmation.line_ids, later=15))
        hits = self.env["distribution.supplier.delay.hit"]
        self.assertEqual(len(hits.with_user(self.seller).search([])), 1)
        self.assertFalse(hits.with_user(other).search([]))
        self.assertEqual(len(hits.with_user(self.buyer).search([("delay_id", "in", confirmation.delay_ids.ids)])), 1)
