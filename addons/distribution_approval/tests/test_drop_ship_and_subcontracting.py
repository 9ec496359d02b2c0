"""Goods that never see our shelves: drop shipments and subcontracted work, under governance.

Both belong to apps of Odoo that are not required. ``make test`` installs them beside the suite.
"""

import unittest

from odoo import Command
from odoo.exceptions import RedirectWarning
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES, USER_GROUPS, storable_product_values

from .common import ApprovalCase


@tagged("post_install", "-at_install")
class TestDropShip(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        route = cls.env.ref("stock_dropshipping.route_drop_shipping", raise_if_not_found=False)
        if not route:
            raise unittest.SkipTest("stock_dropshipping is not installed")
        # On 19.0 core reads the sale order line with the rights of who confirms.
        cls.buyer.write({USER_GROUPS: [Command.link(cls.env.ref("stock.group_stock_user").id)]})
        cls.product.route_ids = route
        cls.customer = cls.env["res.partner"].create({"name": "Customer", "street": "Far away 1"})

    def _sell(self, quantity):
        sale = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.product.id, "product_uom_qty": quantity})],
            }
        )
        sale.action_confirm()
        self.assertEqual(sale.state, "sale")
        return self.env["purchase.order"].search([("origin", "=", sale.name)]).ensure_one()

    def test_within_policy(self):
        order = self._sell(100)
        self.assertEqual((order.state, order.approval_state), ("draft", False))
        order.with_user(self.buyer).button_confirm()
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)
        picking = order.picking_ids
        self.assertEqual(order.dest_address_id, self.customer)
        self.assertEqual(picking.location_dest_id.usage, "customer")
        picking.move_ids.quantity = 100
        picking.move_ids.picked = True
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(order.order_line.qty_received, 100)

    def test_held_then_released(self):
        order = self._sell(500)
        order.with_user(self.buyer).button_confirm()
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))
        self.assertFalse(order.picking_ids)
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)
        self.assertEqual(order.picking_ids.location_dest_id.usage, "customer")

    def test_another_sale_does_not_grow_a_released_order(self):
        released = self._sell(100)
        released.with_user(self.buyer).button_confirm()
        quantity = released.order_line.product_qty
        other = self._sell(50)
        self.assertNotEqual(other, released)
        self.assertEqual(released.order_line.product_qty, quantity)

    def test_the_address_is_controlled(self):
        order = self._sell(100)
        order.with_user(self.buyer).button_confirm()
        elsewhere = self.env["res.partner"].create({"name": "Elsewhere"})
        with self.assertRaises(RedirectWarning):
            order.with_user(self.buyer).dest_address_id = elsewhere


@tagged("post_install", "-at_install")
class TestSubcontracting(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "mrp.bom" not in cls.env or "subcontractor_ids" not in cls.env["mrp.bom"]._fields:
            raise unittest.SkipTest("mrp_subcontracting_purchase is not installed")
        # Core creates the production order with the rights of who confirms.
        cls.buyer.write({USER_GROUPS: [Command.link(cls.env.ref("mrp.group_mrp_user").id)]})
        cls.component = cls.env["product.product"].create({"name": "Blank", **storable_product_values()})
        cls.bom = cls.env["mrp.bom"].create(
            {
                "product_tmpl_id": cls.product.product_tmpl_id.id,
                "type": "subcontract",
                "subcontractor_ids": [Command.set(cls.vendor.ids)],
                "bom_line_ids": [Command.create({"product_id": cls.component.id, "product_qty": 1})],
            }
        )

    def test_subcontracted_order(self):
        order = self._order(1000)
        order.button_confirm()
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)
        picking = order.sudo().picking_ids
        self.assertTrue(picking.move_ids.is_subcontract)
        picking.move_ids.quantity = 100
        picking.move_ids.picked = True
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(order.order_line.qty_received, 100)
        self.assertEqual(order.approval_state, "passed")

    def test_held_then_released(self):
        order = self._order(5000)
        order.button_confirm()
        self.assertEqual(order.state, "to approve")
        self.assertFalse(self.env["mrp.production"].search([("bom_id", "=", self.bom.id)]))
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        self.assertTrue(self.env["mrp.production"].search([("bom_id", "=", self.bom.id)]))
