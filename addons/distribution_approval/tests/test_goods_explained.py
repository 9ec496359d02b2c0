"""Goods leave our books to vendors and production, and come from there, by an order, or as an adjustment."""

import unittest

from odoo import Command
from odoo.tests import Form, tagged

from odoo.addons.distribution_core.compat import LINE_UOM, USER_GROUPS

from .goods_case import GoodsCase


class BorderCase(GoodsCase):
    document_types = ("inventory_adjustment",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._make_contract(cls.vendor, cls.nut, 10.0)
        cls.vendors = cls.env.ref("stock.stock_location_suppliers")
        cls.production = cls.nut.with_company(cls.company).property_stock_production

    def _adjustment_of(self, picking):
        return self.env["distribution.inventory.adjustment"].search([("picking_id", "=", picking.id)])

    def _nuts_ordered(self, quantity=10, product=None):
        product = product or self.nut
        order = (
            self.env["purchase.order"]
            .with_user(self.buyer)
            .create(
                {
                    "partner_id": self.vendor.id,
                    "picking_type_id": self.warehouse.in_type_id.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_qty": quantity,
                                "price_unit": 10,
                                LINE_UOM: product.uom_id.id,
                            }
                        )
                    ],
                }
            )
        )
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        return order

    def _received(self, quantity=10, product=None):
        order = self._nuts_ordered(quantity, product)
        receipt = order.sudo().picking_ids.with_user(self.keeper).sudo(False)
        receipt.move_ids.quantity = quantity
        receipt.move_ids.picked = True
        receipt.button_validate()
        self.assertEqual(receipt.state, "done")
        return receipt

    def _return(self, picking, quantity):
        """What the wizard of Odoo makes of a return."""
        wizard = Form(
            self.env["stock.return.picking"]
            .with_user(self.keeper)
            .with_context(active_id=picking.id, active_ids=picking.ids, active_model="stock.picking")
        ).save()
        wizard.product_return_moves.quantity = quantity
        action = (wizard.create_returns if "create_returns" in dir(wizard) else wizard.action_create_returns)()
        back = self.env["stock.picking"].with_user(self.keeper).browse(action["res_id"])
        back.action_assign()
        back.move_ids.quantity = quantity
        back.move_ids.picked = True
        return back


@tagged("post_install", "-at_install")
class TestAttacksOnTheBorder(BorderCase):
    def assertHeldBack(self, picking):
        self.assertNotEqual(picking.state, "done")
        self.assertTrue(picking.approval_held)
        self.assertEqual(self._adjustment_of(picking).approval_state, "pending")
        self.assertEqual(self._on_hand(self.nut), 50)

    def test_goods_do_not_leave_by_a_transfer(self):
        for place in (self.vendors, self.production):
            for picking_type in (self.warehouse.int_type_id, self.warehouse.out_type_id):
                picking = self._picking(self.nut, 20, self.stock, place, picking_type)
                picking.button_validate()
                self.assertHeldBack(picking)

    def test_goods_do_not_appear_by_a_transfer(self):
        for place in (self.vendors, self.production):
            picking = self._picking(self.nut, 20, place, self.stock, self.warehouse.in_type_id)
            picking.button_validate()
            self.assertHeldBack(picking)

    def test_a_line_does_not_say_that_it_is_done(self):
        """A line that is "done" before its move would let the gate believe that there is nothing left to judge."""
        picking = self._picking(self.nut, 20, self.stock, self.vendors)
        picking.button_validate()
        line = picking.move_line_ids
        with self._refused():
            line.write({"state": "done"})
        named = {"move_id": picking.move_ids.id, "picking_id": picking.id, "product_id": self.nut.id, "quantity": 1}
        for made in (line.create({**named, "state": "done"}), line.with_context(default_state="done").create(named)):
            self.assertEqual(made.state, picking.move_ids.state)
            made.unlink()
        # As a program that writes the database itself could have left it.
        line.flush_recordset()
        self.env.cr.execute("UPDATE stock_move_line SET state = 'done' WHERE id = %s", (line.id,))
        line.invalidate_recordset()
        picking.button_validate()
        self.assertHeldBack(picking)

    def test_released_transfer_to_a_vendor(self):
        picking = self._picking(self.nut, 20, self.stock, self.vendors)
        picking.button_validate()
        adjustment = self._adjustment_of(picking)
        self.assertEqual(adjustment.value, 2000)
        self._decide(adjustment, "Controlling", self.controller)
        self.assertTrue(self._resume(adjustment))
        self.assertEqual((picking.state, self._on_hand(self.nut)), ("done", 30))
        self._commit()

    def test_what_is_small_passes_and_is_on_record(self):
        picking = self._picking(self.nut, 2, self.stock, self.production)
        picking.button_validate()
        self.assertEqual((picking.state, self._adjustment_of(picking).approval_state), ("done", "passed"))
        self._commit()
        self.assertFalse(self.env["distribution.approval.control"]._find_ungated_goods())

    def test_moves_on_their_own(self):
        for place in (self.vendors, self.production):
            for source, destination in ((self.stock, place), (place, self.stock)):
                with self._refused():
                    self._move(self.nut, 20, source, destination, self.system)._action_done()
        self.assertEqual(self._on_hand(self.nut), 50)

    def test_a_line_is_diverted_to_a_vendor(self):
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.stock.id})
        picking = self._picking(self.nut, 20, self.stock, shelf)
        picking.move_line_ids.location_dest_id = self.vendors
        picking.button_validate()
        self.assertHeldBack(picking)

    def test_an_order_that_is_only_named(self):
        """The operator writes the link himself: of other goods, of an order that is a draft, of nothing received."""
        others = self._order(1000)  # of other goods
        others.button_confirm()
        draft = self._nuts_ordered().copy()
        open_order = self._nuts_ordered(100)
        for line in (others.order_line, draft.order_line, open_order.order_line):
            picking = self._picking(self.nut, 20, self.stock, self.vendors)
            picking.move_ids.write({"purchase_line_id": line.id})
            picking.button_validate()
            self.assertHeldBack(picking)

    def test_more_goes_back_than_came(self):
        receipt = self._received(10)
        first = self._return(receipt, 4)
        first.button_validate()
        self.assertEqual((first.state, self._on_hand(self.nut)), ("done", 56))
        second = self._return(receipt, 6)
        second.button_validate()
        self.assertEqual((second.state, self._on_hand(self.nut)), ("done", 50))
        third = self._picking(self.nut, 6, self.stock, self.vendors)
        third.move_ids.write({"origin_returned_move_id": receipt.move_ids.id})
        third.button_validate()
        self.assertHeldBack(third)
        with self._refused():
            first.move_line_ids.with_user(self.chief).write({"quantity": 44})

    def test_returns_together_are_not_more_than_came(self):
        receipt = self._received(10)
        pair = self._return(receipt, 10) | self._return(receipt, 10)
        pair.button_validate()
        self.assertNotIn("done", pair.mapped("state"))
        self.assertEqual(self._on_hand(self.nut), 60)
        pair[0].action_cancel()
        pair[1].button_validate()
        self.assertEqual((pair[1].state, self._on_hand(self.nut)), ("done", 50))
        self._commit()
        self.assertFalse(self.env["distribution.approval.control"]._cron_find_ungated())

    def test_a_kit_that_is_only_named(self):
        if "mrp.bom" not in self.env:
            raise unittest.SkipTest("mrp is not installed")
        kit = self._make_stocked("Box", 10, 0)
        lines = [Command.create({"product_id": self.nut.id, "product_qty": 1})]
        bom = self.env["mrp.bom"].create(
            {"product_tmpl_id": kit.product_tmpl_id.id, "type": "phantom", "bom_line_ids": lines}
        )
        order = self._order(1000)  # of other goods
        order.button_confirm()
        picking = self._picking(self.nut, 20, self.vendors, self.stock, self.warehouse.in_type_id)
        picking.move_ids.write({"purchase_line_id": order.order_line.id, "bom_line_id": bom.bom_line_ids.id})
        picking.button_validate()
        self.assertHeldBack(picking)

    def test_a_manufacturing_order_that_is_only_named(self):
        if "mrp.production" not in self.env:
            raise unittest.SkipTest("mrp is not installed")
        order = self.env["mrp.production"].create({"product_id": self.bolt.id, "product_qty": 1})
        for name in ("raw_material_production_id", "production_id"):
            picking = self._picking(self.nut, 20, self.stock, self.production)
            picking.move_ids.write({name: order.id})
            picking.button_validate()
            self.assertHeldBack(picking)

    def test_the_control_finds_it(self):
        """A restore, raw SQL, a time without the addon."""
        customers = self.env.ref("stock.stock_location_customers")
        control = self.env["distribution.approval.control"]
        self._received(10)
        for place, found in ((self.vendors, 1), (self.production, 2)):
            delivery = self._picking(self.nut, 5, self.stock, customers, self.warehouse.out_type_id)
            delivery.button_validate()
            self.assertEqual(delivery.state, "done")
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE stock_move_line SET location_dest_id = %s, date = now() AT TIME ZONE 'UTC' "
                "+ interval '1 hour' WHERE picking_id = %s",
                (place.id, delivery.id),
            )
            self.env.invalidate_all()
            self.assertEqual(control._find_ungated_goods(), found)


@tagged("post_install", "-at_install")
class TestOrdersExplainGoods(BorderCase):
    def assertNobodyAsked(self):
        self._commit()
        self.assertFalse(self.env["distribution.inventory.adjustment"].search([("company_id", "=", self.company.id)]))
        self.env.cr.execute("UPDATE stock_move_line SET date = date + interval '1 hour'")
        self.env.invalidate_all()
        self.assertFalse(self.env["distribution.approval.control"]._find_ungated_goods())

    def test_purchase_and_return(self):
        receipt = self._received(20)
        self.assertEqual(self._on_hand(self.nut), 70)
        back = self._return(receipt, 20)
        back.button_validate()
        self.assertEqual((back.state, self._on_hand(self.nut)), ("done", 50))
        again = self._return(back, 15)
        again.button_validate()
        self.assertEqual((again.state, self._on_hand(self.nut)), ("done", 65))
        self.assertNobodyAsked()

    def _kit(self, kind, **values):
        """A product that is made of one nut and nothing else."""
        if "mrp.bom" not in self.env:
            raise unittest.SkipTest("mrp is not installed")
        product = self._make_stocked("Nut in a box", 10, 0)
        self._make_contract(self.vendor, product, 10.0)
        lines = [Command.create({"product_id": self.nut.id, "product_qty": 1})]
        self.env["mrp.bom"].create(
            {"product_tmpl_id": product.product_tmpl_id.id, "type": kind, "bom_line_ids": lines, **values}
        )
        return product

    def test_kit(self):
        receipt = self._received(20, self._kit("phantom"))
        self.assertEqual((receipt.move_ids.product_id, self._on_hand(self.nut)), (self.nut, 70))
        back = self._return(receipt, 20)
        back.button_validate()
        self.assertEqual((back.state, self._on_hand(self.nut)), ("done", 50))
        self.assertNobodyAsked()

    def test_subcontracted_work(self):
        if "mrp.bom" not in self.env or "subcontractor_ids" not in self.env["mrp.bom"]._fields:
            raise unittest.SkipTest("mrp_subcontracting is not installed")
        self.buyer.write({USER_GROUPS: [Command.link(self.env.ref("mrp.group_mrp_user").id)]})
        self.keeper.write({USER_GROUPS: [Command.link(self.env.ref("mrp.group_mrp_user").id)]})
        product = self._kit("subcontract", subcontractor_ids=[Command.set(self.vendor.ids)])
        self._received(20, product)
        self.assertEqual(self._on_hand(product), 20)
        self.assertNobodyAsked()

    def test_manufacturing_order(self):
        if "mrp.production" not in self.env:
            raise unittest.SkipTest("mrp is not installed")
        self.keeper.write({USER_GROUPS: [Command.link(self.env.ref("mrp.group_mrp_user").id)]})
        bom = self.env["mrp.bom"].create(
            {
                "product_tmpl_id": self.bolt.product_tmpl_id.id,
                "bom_line_ids": [Command.create({"product_id": self.nut.id, "product_qty": 1})],
            }
        )
        form = Form(self.env["mrp.production"].with_user(self.keeper))
        form.product_id, form.bom_id, form.product_qty = self.bolt, bom, 20
        order = form.save()
        order.action_confirm()
        order.action_assign()
        order.qty_producing = 20
        order._set_qty_producing()
        order.move_raw_ids.picked = True
        order.button_mark_done()
        self.assertEqual(order.state, "done")
        self.assertEqual((self._on_hand(self.nut), self._on_hand(self.bolt)), (30, 120))
        unbuild = (
            self.env["mrp.unbuild"]
            .with_user(self.keeper)
            .create({"product_id": self.bolt.id, "bom_id": bom.id, "product_qty": 20, "mo_id": order.id})
        )
        unbuild.action_unbuild()
        self.assertEqual((self._on_hand(self.nut), self._on_hand(self.bolt)), (50, 100))
        self.assertNobodyAsked()
