"""Deliveries meet their policies: pass, are held, are released; batches go on without the held ones."""

import json
import unittest
from datetime import timedelta

from lxml import etree
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.distribution_core.compat import USER_GROUPS

from .delivery_case import DeliveryCase


@tagged("post_install", "-at_install")
class TestDeliveryGate(DeliveryCase):
    def test_nothing_holds_it(self):
        picking = self._delivery()
        self.assertIs(picking.button_validate(), True)
        self.assertEqual(picking.state, "done")
        hold = self._hold(picking)
        self.assertEqual(hold.approval_state, "passed")
        self.assertEqual(self._releases(hold).kind, "policy")
        self.assertEqual(self._releases(hold).amount, 100)
        self.assertEqual(self.env["distribution.event"]._last_for(hold).type, "distribution.delivery_hold.passed.v1")

    def test_held_and_released(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        self.assertHeld(picking)
        self.assertTrue(picking.approval_held)
        self.assertIn("Something holds it", picking.approval_banner)
        self.assertIn("Payment is awaited", picking.approval_banner)
        self.assertIn(picking, self.env["stock.picking"].search([("approval_held", "=", True)]))
        self.assertIn(picking, picking.with_user(self.operations).search([("approval_to_decide", "=", True)]))
        hold = self._hold(picking)
        self.assertIn("Payment is awaited", hold._approval_held_because())
        picking.button_validate()
        self.assertEqual(hold.approval_request_count, 1)
        self._decide(hold, "Operations", self.operations)
        self.assertTrue(self._resume(hold))
        self.assertEqual((picking.state, hold.approval_state), ("done", "released"))
        self.assertFalse(picking.approval_held)

    def test_validating_is_not_what_a_held_delivery_asks_for(self):
        """One button, as always; highlighted only where it is what comes next."""
        form = self.env["stock.picking"].get_view(self.env.ref("stock.view_picking_form").id, "form")
        buttons = etree.fromstring(form["arch"]).xpath("//header//button[@name='button_validate']")

        def shown(state, held=False, turned_down=False):
            values = {"state": state, "approval_held": held, "approval_turned_down": turned_down}
            return [
                "oe_highlight" in button.get("class")
                for button in buttons
                if not safe_eval(button.get("invisible"), values)
            ]

        for state in ("waiting", "assigned"):
            self.assertEqual(shown(state), [True], state)
            self.assertEqual(shown(state, held=True), [False], state)
            self.assertEqual(shown(state, turned_down=True), [False], state)
        for held in (False, True):
            self.assertEqual((shown("confirmed", held), shown("draft", held)), ([False], [False]))
            self.assertEqual((shown("done", held), shown("cancel", held)), ([], []))

    def test_what_approvers_see(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        task = self._task(self._hold(picking), "Operations").with_user(self.operations)
        action = task.action_open_document()
        self.assertEqual((action["res_model"], action["res_id"]), ("stock.picking", picking.id))
        with Form(picking.with_user(self.operations)) as form:
            self.assertEqual(form.partner_id.name, "Builders")
        other = self._delivery()
        self.assertFalse(picking.with_user(self.operations).search([("id", "=", other.id)]))
        standing = self._hold(picking)._approval_standing(task.sudo().request_id)
        self.assertIn("Payment is awaited", standing)

    def test_the_hold_is_lifted(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        order = picking.sudo().sale_id
        with self.assertRaises(AccessError):
            order.with_user(self.seller).action_lift_delivery_hold()
        with self.assertRaises(AccessError):
            order.with_user(self.seller).sudo().write({"delivery_hold_reason": False})
        with self.assertRaises(UserError):
            order.with_user(self.accountant).action_lift_delivery_hold("  ")
        order.with_user(self.accountant).action_lift_delivery_hold("The cheque has cleared.")
        self.assertIn("The cheque has cleared.", order.message_ids[0].body)
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(self._hold(picking).approval_request_id.state, "void")

    def test_the_dialog(self):
        order = self._order_of()
        order.with_user(self.sales_manager).action_hold_deliveries("quality")
        self.assertTrue(order.with_user(self.sales_manager).can_lift_delivery_hold)
        self.assertFalse(order.with_user(self.seller).can_lift_delivery_hold)
        wizard = self.env["distribution.lift.delivery.hold"].with_user(self.sales_manager)
        with Form(wizard.with_context(active_ids=order.ids)) as form:
            self.assertEqual(form.held_because, order._delivery_hold_words())
            form.reason = "Inspected."
        form.save().action_confirm()
        self.assertFalse(order.delivery_hold_reason)
        lifted = self.env["distribution.event"].search(
            [("type", "=", "distribution.sale_order.delivery_hold_lifted.v1"), ("res_id", "=", order.id)]
        )
        self.assertEqual(json.loads(lifted.data)["why"], "Inspected.")

    def test_refused(self):
        picking = self._delivery(hold="fraud")
        picking.button_validate()
        self.assertHeld(picking)
        self.assertTrue(picking.approval_turned_down)
        pickings = self.env["stock.picking"].with_user(self.clerk)
        self.assertIn(picking, pickings.search([("approval_turned_down", "=", True)]))
        self.assertNotIn(picking, pickings.search([("approval_turned_down", "=", False)]))
        self.assertNotIn(picking, pickings.search([("approval_held", "=", True)]))
        with self.assertRaises(UserError):
            picking.button_validate()

    def test_fifty_deliveries_of_which_two_are_held(self):
        pickings = self.env["stock.picking"]
        for number in range(50):
            pickings |= self._delivery(1, hold="payment" if number in (7, 31) else None)
        batch = self.env["stock.picking.batch"].create(
            {"picking_ids": [Command.set(pickings.ids)], "picking_type_id": pickings.picking_type_id.id}
        )
        batch.action_confirm()
        held = pickings[7] | pickings[31]
        result = batch.with_user(self.clerk).action_done()
        self.assertEqual(set((pickings - held).mapped("state")), {"done"})
        self.assertEqual(held.mapped("state"), ["assigned", "assigned"])
        self.assertEqual(result["tag"], "display_notification")
        for picking in held:
            self.assertIn(f"{picking.name} is held: Deliveries held by", result["params"]["message"])
            self.assertIn(picking.name, batch.message_ids[0].body)
        self.assertEqual(held.batch_id, batch)

    def test_back_order(self):
        picking = self._delivery(10, picked=6)
        action = picking.button_validate()
        Form(picking.env[action["res_model"]].with_context(**action["context"])).save().process()
        self.assertEqual(picking.state, "done")
        rest = picking.sudo().backorder_ids
        picking.sudo().sale_id.with_user(self.sales_manager).action_hold_deliveries("quality")
        rest.action_assign()
        rest.with_user(self.clerk).button_validate()
        self.assertHeld(rest)
        self.assertEqual(self._releases(self._hold(picking))[:1].kind, "policy")

    def test_held_with_a_back_order_to_come(self):
        picking = self._delivery(10, hold="payment", picked=6)
        picking.button_validate()
        hold = self._hold(picking)
        self._decide(hold, "Operations", self.operations)
        self.assertTrue(self._resume(hold))
        self.assertEqual(picking.state, "done")
        self.assertEqual(picking.sudo().backorder_ids.move_ids.product_uom_qty, 4)

    def test_other_quantities_than_released_are_asked_again(self):
        picking = self._delivery(10, hold="payment")
        picking.button_validate()
        hold = self._hold(picking)
        self._decide(hold, "Operations", self.operations)
        picking.move_ids.quantity = 14
        self.assertFalse(self._resume(hold), "approved, not released: it is not what was approved")
        self.assertHeld(picking)
        picking.button_validate()
        self.assertHeld(picking)
        self.assertEqual((hold.approval_state, hold.approval_request_count), ("pending", 2))

    def test_more_than_ordered(self):
        picking = self._delivery(10, picked=12)
        picking.button_validate()
        self.assertHeld(picking)
        self.assertIn("More than was ordered", self._hold(picking)._approval_held_because())

    def test_goods_that_no_order_asks_for(self):
        picking = self._bare_delivery()
        picking.button_validate()
        self.assertHeld(picking)
        self.assertIn("Goods that no order asks for", self._hold(picking)._approval_held_because())

    def test_an_amendment_waits(self):
        self._publish(self._make_version("sale_order", "Sales policy", self._sales_rules()))
        self._switch_on("sale_order")
        order = self._quotation()
        order.action_confirm()
        payload = {"order_line": [Command.update(order.order_line.id, {"discount": 15.0})]}
        self.env["distribution.approval.amendment"].with_user(self.seller)._propose(order, payload, "Agreed")
        picking = order.sudo().picking_ids.with_user(self.clerk)
        picking.sudo().action_assign()
        picking.button_validate()
        self.assertHeld(picking)
        self.assertIn("A change of the order waits", self._hold(picking)._approval_held_because())
        self._decide(order, "Sales", self.sales_manager)
        self._resume(order)
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_a_kit(self):
        if "mrp.bom" not in self.env:
            raise unittest.SkipTest("mrp is not installed")
        kit = self._make_sold("Box of bolts", price=40.0, cost=20.0)
        lines = [Command.create({"product_id": self.bolt.id, "product_qty": 4})]
        self.env["mrp.bom"].create(
            {"product_tmpl_id": kit.product_tmpl_id.id, "type": "phantom", "bom_line_ids": lines}
        )
        for picked, state in ((20, "done"), (24, "assigned")):
            picking = self._delivery(lines=[(kit, 5, 40.0, 0.0)], picked=picked)
            self.assertEqual(picking.sudo().move_ids.product_id, self.bolt)
            picking.button_validate()
            self.assertEqual(picking.state, state)
        self.assertIn("More than was ordered", self._hold(picking)._approval_held_because())

    def test_a_drop_shipment(self):
        route = self.env.ref("stock_dropshipping.route_drop_shipping", raise_if_not_found=False)
        if not route:
            raise unittest.SkipTest("stock_dropshipping is not installed")
        self.product.route_ids = route
        sale = self._order_of(lines=[(self.product, 10, 10.0, 0.0)])
        purchase = self.env["purchase.order"].search([("origin", "=", sale.name)])
        purchase.button_confirm()
        picking = purchase.picking_ids
        picking.move_ids.write({"quantity": 10, "picked": True})
        picking.button_validate()
        self.assertEqual((picking.state, self._hold(picking).approval_state), ("done", "passed"))

    def test_goods_for_somebody_else(self):
        site = self.env["res.partner"].create({"name": "Building site", "is_company": True})
        picking = self._delivery(partner_shipping_id=site.id)
        self.assertEqual(picking.sudo().partner_id, site)
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_goods_added_at_the_dock(self):
        """Core puts them on the order when they have left: that is not another order than was released."""
        # In plain Odoo it takes the right to make order lines as well.
        self.clerk.write({USER_GROUPS: [Command.link(self.env.ref("sales_team.group_sale_salesman_all_leads").id)]})
        self.env["stock.quant"]._update_available_quantity(self.anchor, self.warehouse.lot_stock_id, 5)
        picking = self._delivery(picked=10)
        line = {
            "product_id": self.anchor.id,
            "quantity": 1,
            "location_id": picking.location_id.id,
            "location_dest_id": picking.location_dest_id.id,
            "picked": True,
        }
        picking.sudo().write({"move_line_ids": [Command.create(line)]})
        picking.button_validate()
        hold = self._hold(picking)
        self.assertIn("Goods that no order asks for", hold._approval_held_because())
        self._decide(hold, "Operations", self.operations)
        self.assertTrue(self._resume(hold), hold.approval_request_id.reason)
        self._commit()
        self.assertEqual((picking.state, hold.approval_state), ("done", "released"))
        self.assertEqual(picking.sudo().move_ids.sale_line_id.order_id, picking.sudo().sale_id)
        self.assertEqual(len(picking.sudo().sale_id.order_line), 2)

    # ----------------------------------------------------------------- credit

    def test_over_the_limit_after_confirmation(self):
        self._govern_credit()
        picking = self._delivery(100)
        self.customer.with_company(self.company).credit_limit = 500
        picking.button_validate()
        self.assertHeld(picking)
        credit, hold = self._hold(picking, "credit_release"), self._hold(picking)
        self.assertEqual((credit.approval_state, credit.approval_request_id.waiting_for), ("pending", "Credit"))
        self.assertFalse(hold.approval_request_id, "credit is not counted twice")
        self._decide(credit, "Credit", self.credit_controller)
        self.assertTrue(self._resume(credit))
        self.assertEqual(picking.state, "done")
        self.assertEqual((credit.approval_state, hold.approval_state), ("released", "passed"))

    def test_the_customer_pays(self):
        self._govern_credit()
        picking = self._delivery(100)
        self.customer.with_company(self.company).credit_limit = 500
        picking.button_validate()
        self.assertHeld(picking)
        self.customer.with_company(self.company).credit_limit = 5000
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_held_twice_needs_both(self):
        self._govern_credit()
        picking = self._delivery(100, hold="quality")
        self.customer.with_company(self.company).credit_limit = 500
        picking.button_validate()
        credit, hold = self._hold(picking, "credit_release"), self._hold(picking)
        self.assertEqual((credit.approval_state, hold.approval_state), ("pending", "pending"), "both asked at once")
        self._decide(hold, "Operations", self.operations)
        self.assertTrue(self._resume(hold), "released as far as it goes")
        self.assertHeld(picking)
        self.assertFalse(
            self.env["distribution.case"].search([("type_id.code", "=", "approved_not_released")])
            if "type_id" in self.env["distribution.case"]._fields
            else False
        )
        self._decide(credit, "Credit", self.credit_controller)
        self.assertTrue(self._resume(credit))
        self.assertEqual(picking.state, "done")
        self._commit()

    def test_the_salesperson_does_not_release_the_credit(self):
        self._govern_credit()
        picking = self._delivery(100)
        picking.sudo().sale_id.user_id = self.credit_controller
        self.customer.with_company(self.company).credit_limit = 500
        picking.button_validate()
        credit = self._hold(picking, "credit_release")
        self.assertNotIn(self.credit_controller, self._task(credit, "Credit").user_ids)

    def test_credit_holds_where_it_is_not_governed_by_itself(self):
        picking = self._delivery(100)
        self.customer.with_company(self.company).credit_limit = 500
        picking.button_validate()
        self.assertHeld(picking)
        self.assertIn("over the credit limit", self._hold(picking)._approval_held_because())

    def test_facts(self):
        order = self._order_of(100, commitment_date=fields.Datetime.now() - timedelta(days=3))
        self.customer.with_company(self.company).credit_limit = 600
        picking = order.sudo().picking_ids
        model = self.env["distribution.credit.release"].sudo()
        document = model.browse(model._approval_documents_of(picking.move_ids).ids)
        facts = document._approval_facts(set(model._approval_fact_specs()))[document.id]
        self.assertEqual(set(facts), set(model._approval_fact_specs()))
        self.assertEqual(
            [facts[name] for name in ("amount", "order_value", "credit_exposure", "credit_over_limit", "days_late")],
            [1000, 1000, 1000, 400, 3],
        )
        model = self.env["distribution.delivery.hold"].sudo()
        document = model.browse(model._approval_documents_of(picking.move_ids).ids)
        facts = document._approval_facts(set(model._approval_fact_specs()))[document.id]
        self.assertEqual(set(facts), set(model._approval_fact_specs()))
        self.assertEqual(facts["hold_reasons"], {"over_credit_limit"})

    # ------------------------------------------------------------ normal work

    def test_receipts_and_internal_transfers_are_not_asked(self):
        purchase = self._order(100)
        purchase.button_confirm()
        receipt = purchase.sudo().picking_ids
        receipt.button_validate()
        self.assertEqual(receipt.state, "done")
        self.assertFalse(self._hold(receipt))

    def test_two_steps_hold_at_the_door_only(self):
        self.warehouse.delivery_steps = "pick_ship"
        order = self._order_of(10)
        order.with_user(self.sales_manager).action_hold_deliveries("payment")
        pick = order.sudo().picking_ids.filtered(lambda picking: picking.location_dest_id.usage != "customer")[:1]
        pick.action_assign()
        pick.button_validate()
        self.assertEqual(pick.state, "done")
        ship = order.sudo().picking_ids.filtered(lambda picking: picking.location_dest_id.usage == "customer")
        ship.button_validate()
        self.assertHeld(ship)

    def test_cancelled(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        request = self._hold(picking).approval_request_id
        picking.action_cancel()
        self.assertEqual((picking.state, request.state), ("cancel", "void"))

    def test_without_governance(self):
        self._switch_off()
        picking = self._delivery(hold="payment")
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertFalse(self._hold(picking))

    def test_a_correction_that_policy_passes(self):
        picking = self._delivery(10)
        picking.button_validate()
        picking.sudo().move_line_ids.quantity = 9
        self._commit()
        self.assertEqual(len(self._releases(self._hold(picking))), 2)

    # ---------------------------------------------------------------- queries

    def _validate_cold(self, pickings):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        pickings.with_user(self.clerk).button_validate()
        self.env.flush_all()
        self.assertEqual(set(pickings.mapped("state")), {"done"})
        return self.cr.sql_log_count - before

    def _ready(self, count, moves=1):
        lines = [(self.bolt, 1, 10.0, 0.0)] * moves
        return self.env["stock.picking"].union(*(self._delivery(lines=lines) for _number in range(count)))

    def test_the_overhead_does_not_grow(self):
        overhead = []
        pickings = self._ready(3) | self._ready(3, moves=40)
        self._validate_cold(pickings[0])
        with_gate = [self._validate_cold(picking) for picking in (pickings[1], pickings[3])]
        self._switch_off()
        self._validate_cold(pickings[4])
        without = [self._validate_cold(picking) for picking in (pickings[2], pickings[5])]
        overhead = [governed - plain for governed, plain in zip(with_gate, without)]
        self.assertLessEqual(overhead[1], overhead[0] + 4, f"{with_gate} instead of {without}")
        self.assertLessEqual(overhead[0], 30, f"{with_gate} instead of {without}")

    def test_the_overhead_of_many_deliveries(self):
        pickings = self._ready(42)
        self._validate_cold(pickings[0])
        with_gate = self._validate_cold(pickings[1:21])
        self._switch_off()
        self._validate_cold(pickings[21])
        without = self._validate_cold(pickings[22:])
        self.assertLessEqual(with_gate - without, 40, f"{with_gate} instead of {without}")
