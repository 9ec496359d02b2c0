"""Attacks on deliveries: every door by which goods leave, or have left, although something holds them."""

from odoo import SUPERUSER_ID, Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.distribution_core.compat import IS_17, MOVE_PROCUREMENT

from .delivery_case import DeliveryCase


@tagged("post_install", "-at_install")
class TestAttacksDelivery(DeliveryCase):
    def setUp(self):
        super().setUp()
        self.picking = self._delivery(10, hold="payment")
        self.picking.button_validate()
        self.assertHeld(self.picking)
        self.before = self._stock()

    def _attack(self, *attempts):
        for attempt in attempts:
            with self._refused():
                attempt()
            self.assertHeld(self.picking)
            self.assertEqual(self._stock(), self.before)

    def test_doors_of_the_transfer(self):
        picking = self.picking
        admin = self.env.ref("base.user_admin")
        self._attack(
            lambda: picking._action_done(),
            lambda: picking.sudo()._action_done(),
            lambda: picking.with_user(SUPERUSER_ID)._action_done(),
            lambda: picking.with_user(admin)._action_done(),
            lambda: picking.with_context(skip_backorder=True, cancel_backorder=True)._action_done(),
            lambda: picking.with_context(approval_release=True, skip_sanity_check=True)._action_done(),
            lambda: picking.sudo().write({"state": "done"}),
            lambda: picking.with_user(SUPERUSER_ID).write({"state": "done"}),
        )

    def test_buttons_on_a_held_delivery(self):
        picking = self.picking
        for actor in (self.clerk, self.sales_manager, self.env.ref("base.user_admin")):
            for context in (
                {},
                {"skip_backorder": True},
                {"skip_immediate": True},
                {"button_validate_picking_ids": picking.ids},
            ):
                try:
                    with self.env.cr.savepoint():
                        picking.with_user(actor).with_context(**context).button_validate()
                        self._commit()
                except (UserError, AccessError):
                    pass
                self.assertHeld(picking)

    def test_doors_of_the_moves(self):
        moves = self.picking.sudo().move_ids
        self._attack(
            lambda: moves._action_done(),
            lambda: moves.with_user(self.clerk)._action_done(cancel_backorder=True),
            lambda: moves.write({"state": "done"}),
            lambda: moves.with_user(SUPERUSER_ID).write({"state": "done", "picked": True}),
            lambda: moves.move_line_ids._action_done(),
            lambda: moves.move_line_ids.with_user(self.clerk)._action_done(),
        )

    def test_server_actions(self):
        for model, code in (
            ("stock.picking", "records._action_done()"),
            ("stock.picking", "records.move_ids._action_done()"),
            ("stock.picking", "records.move_ids.write({'state': 'done'})"),
            ("stock.picking", "records.move_ids.move_line_ids._action_done()"),
        ):
            action = self.env["ir.actions.server"].create(
                {"name": "Ship", "model_id": self.env["ir.model"]._get_id(model), "state": "code", "code": code}
            )
            context = {"active_model": model, "active_id": self.picking.id, "active_ids": self.picking.ids}
            self._attack(lambda action=action, context=context: action.with_context(**context).run())

    def test_created_done(self):
        move = self.picking.sudo().move_ids
        values = {
            "product_id": self.bolt.id,
            "product_uom_qty": 10,
            "location_id": move.location_id.id,
            "location_dest_id": move.location_dest_id.id,
            **({"name": "x"} if "name" in move._fields else {}),
        }
        line = {
            "product_id": self.bolt.id,
            "quantity": 10,
            "location_id": move.location_id.id,
            "location_dest_id": move.location_dest_id.id,
        }
        moves = self.env["stock.move"]
        self._attack(
            lambda: moves.create({**values, "picking_id": self.picking.id, "state": "done"}),
            lambda: moves.create({**values, "state": "done"}),
            lambda: moves.create({**values, "state": "done", "move_line_ids": [Command.create(line)]}),
            lambda: moves.with_context(default_state="done").create({**values, "picking_id": self.picking.id}),
        )

    def test_copied_done(self):
        """A copy that says it is done has moved nothing, and cannot."""
        copy = self.picking.sudo().copy({"state": "done"})
        self._commit()
        self.assertEqual(self._stock(), self.before)
        self._attack(lambda: copy._action_done(), lambda: copy.move_ids.write({"state": "done", "quantity": 10}))

    def test_without_a_transfer(self):
        """Goods do not walk to a customer: an ordinary move, a relocation, a quant moved by hand."""
        move = self.picking.sudo().move_ids
        values = {
            "product_id": self.bolt.id,
            "product_uom_qty": 10,
            "location_id": move.location_id.id,
            "location_dest_id": move.location_dest_id.id,
            **({"name": "x"} if "name" in move._fields else {}),
        }

        def walk():
            bare = self.env["stock.move"].create(values)
            bare._action_confirm()
            bare.quantity = 10
            bare.picked = True
            bare._action_done()

        quant = self.env["stock.quant"].search(
            [("product_id", "=", self.bolt.id), ("location_id", "=", self.warehouse.lot_stock_id.id)], limit=1
        )
        self._attack(walk, lambda: quant.move_quants(location_dest_id=move.location_dest_id))

    def test_an_operation_that_is_diverted(self):
        """The operation of an internal transfer says where goods go: to the customer, and it is a delivery."""
        source = self.picking.sudo().move_ids.location_id
        customers = self.picking.sudo().move_ids.location_dest_id
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": source.id})
        move = {"product_id": self.bolt.id, "product_uom_qty": 2}
        if "name" in self.env["stock.move"]._fields:
            move["name"] = "x"
        places = {"location_id": source.id, "location_dest_id": shelf.id}
        inside = self.env["stock.picking"].create(
            {
                "picking_type_id": self.warehouse.int_type_id.id,
                **places,
                "move_ids": [Command.create({**move, **places})],
            }
        )
        inside.action_confirm()
        inside.action_assign()
        inside.move_line_ids.location_dest_id = customers
        inside.button_validate()
        self.assertHeld(inside)
        self.assertEqual(self._hold(inside).approval_state, "pending")
        self.assertEqual(self._stock(), self.before)
        inside.move_line_ids.location_dest_id = shelf
        inside.button_validate()
        self.assertEqual(inside.state, "done", "what stays inside is nobody's delivery")
        with self._refused():
            inside.move_line_ids.location_dest_id = customers
        self.assertEqual(self._stock(), self.before - 2)

    def test_a_batch_and_its_wizards(self):
        other = self._delivery(10, picked=6)
        batch = self.env["stock.picking.batch"].create(
            {
                "picking_ids": [Command.set((self.picking | other).ids)],
                "picking_type_id": other.picking_type_id.id,
            }
        )
        batch.action_confirm()
        self.picking.move_ids.quantity = 6
        self.picking.move_ids.picked = True
        action = batch.with_user(self.clerk).action_done()
        context = dict(action["context"])
        self.assertNotIn(self.picking.id, context["button_validate_picking_ids"])
        context["button_validate_picking_ids"] = (self.picking | other).ids  # forged by the client
        wizard = Form(self.env[action["res_model"]].with_user(self.clerk).with_context(**context)).save()
        wizard.process()
        self.assertHeld(self.picking)
        self.assertEqual(other.state, "done")

    def test_corrections_of_what_was_delivered(self):
        passed = self._delivery(10)
        passed.button_validate()
        self.assertEqual(passed.state, "done")
        passed.sudo().sale_id.with_user(self.sales_manager).action_hold_deliveries("fraud")
        line = passed.sudo().move_line_ids
        extra = {
            "product_id": self.bolt.id,
            "quantity": 50,
            "location_id": line.location_id.id,
            "location_dest_id": line.location_dest_id.id,
        }
        self.before = self._stock()
        self._attack(
            lambda: line.write({"quantity": 60}),
            lambda: line.with_user(self.clerk).write({"quantity": 60}),
            lambda: line.move_id.write({"quantity": 60}),
            lambda: passed.sudo().write({"move_line_ids": [Command.update(line.id, {"quantity": 60})]}),
            lambda: line.create({**extra, "move_id": line.move_id.id}),
            lambda: line.create({**extra, "picking_id": passed.id}),
            lambda: passed.sudo().write({"move_line_ids": [Command.create(extra)]}),
        )
        self.assertEqual(line.quantity, 10)

    def test_who_lifts_a_hold(self):
        """Not whose order it is, and not sales what finance holds; and no hold is changed to get rid of it."""
        order = self.picking.sudo().sale_id
        everything = self._user("everything", "sales_team.group_sale_manager", "account.group_account_manager")
        own = self._order_of(user=everything)
        handed_on = self._order_of()
        handed_on.sudo().user_id = everything
        for held in (own, handed_on):
            held.with_user(self.accountant).action_hold_deliveries("other")
        attempts = [(everything, own), (everything, handed_on), (self.sales_manager, order), (self.operations, order)]
        for actor, held in attempts:
            for attempt in (
                lambda held: held.action_lift_delivery_hold("Let it go."),
                lambda held: held.sudo().action_lift_delivery_hold("Let it go."),
                lambda held: held.action_hold_deliveries("customer"),
            ):
                with self.assertRaises(AccessError):
                    attempt(held.with_user(actor))
            self.assertTrue(held.sudo().delivery_hold_reason)
        self.assertEqual(order.delivery_hold_reason, "payment")
        with self.assertRaises(UserError):
            order.with_user(self.accountant).action_lift_delivery_hold()
        order.with_user(everything).action_lift_delivery_hold("Paid.")

    def test_lifted_after_people_rejected_it(self):
        """Who turned it down is asked again; policy alone does not let it go, whatever is changed."""
        hold = self._hold(self.picking)
        self._decide(hold, "Operations", self.operations, "reject", comment="No.", reason_code="other")
        with self._refused(at_once=True):
            self.picking.button_validate()
        self.picking.sudo().sale_id.with_user(self.accountant).action_lift_delivery_hold("Paid.")
        for quantity in (10, 10, 9, 8):
            self.picking.move_ids.write({"quantity": quantity, "picked": True})
            self.picking.with_context(skip_backorder=True).button_validate()
            self.assertHeld(self.picking)
            self.assertEqual((hold.approval_state, hold.approval_request_count), ("pending", 2))
        self._attack(lambda: self.picking._action_done())
        self._decide(hold, "Operations", self.operations)
        self.assertTrue(self._resume(hold))
        self.assertEqual((self.picking.state, hold.approval_state), ("done", "released"))

    # --------------------------------------------------- an order that is only named

    def _lines_of_others(self):
        """Lines of clean orders: of another customer, of other goods, of the same customer; and of a quotation."""
        stranger = self.env["res.partner"].create({"name": "Roofers", "is_company": True})
        orders = (
            self._order_of(partner_id=stranger.id),
            self._order_of(lines=[(self.anchor, 1, 100.0, 0.0)]),
            self._quotation(),
            self._order_of(),
        )
        return [order.sudo().order_line for order in orders]

    def _try_with(self, picking, line):
        """The operator writes that ``picking`` is for ``line``, and validates."""
        picking.move_ids.write({"sale_line_id": line.id})
        self._validate_in_vain(picking, self.before)

    def test_a_held_delivery_names_another_order(self):
        hold = self._hold(self.picking)
        for line in self._lines_of_others():
            self._try_with(self.picking, line)
            self.assertEqual(hold.approval_state, "pending")
            self.assertIn("set_by_hand", hold._approval_hold_reasons()[hold.id], "the hold of its own order counts")

    def test_a_rejected_delivery_names_another_order(self):
        self._decide(
            self._hold(self.picking), "Operations", self.operations, "reject", comment="No.", reason_code="other"
        )
        for line in self._lines_of_others():
            self._try_with(self.picking, line)

    def test_a_bare_transfer_names_an_order(self):
        """Of another customer, of other goods, of a quotation; and of an order whose goods have left already."""
        bare = self._bare_delivery()
        stranger, goods, quotation, _clean = self._lines_of_others()
        for line in (stranger, goods, quotation):
            self._try_with(bare, line)
            self.assertIn("no_order", self._hold(bare)._approval_hold_reasons()[self._hold(bare).id])
        delivered = self._delivery(10)
        delivered.button_validate()
        self.before = self._stock()
        self._try_with(bare, delivered.sudo().move_ids.sale_line_id)
        self.assertIn("More than was ordered", self._hold(bare)._approval_held_because())

    def test_released_for_one_order(self):
        """What people release for an order does not leave for another one."""
        line = self._order_of().sudo().order_line
        hold = self._hold(self.picking)
        self._decide(hold, "Operations", self.operations)
        self.picking.move_ids.write({"sale_line_id": line.id})
        self.assertFalse(self._resume(hold), "approved, not released: it is not what was approved")
        self.assertHeld(self.picking)

    def test_written_back_when_the_goods_have_left(self):
        """With every link rewritten goods leave for the other order; then they stay with that one."""
        move = self.picking.sudo().move_ids
        held = {"sale_line_id": move.sale_line_id.id, **self._procurement(move)}
        other = self._delivery(10)
        clean = other.sudo().move_ids
        move.write({"sale_line_id": clean.sale_line_id.id, **self._procurement(clean)})
        self.picking.button_validate()
        self.assertEqual(self.picking.state, "done")
        other.button_validate()
        self.assertHeld(other)
        self.assertIn("More than was ordered", self._hold(other)._approval_held_because())
        for actor in (self.clerk, self.env.ref("base.user_admin"), self.env.ref("base.user_root")):
            with self._refused():
                move.with_user(actor).write({"sale_line_id": held["sale_line_id"]})
            with self._refused():
                move.with_user(actor).write(held)

    def _procurement(self, move):
        value = move[MOVE_PROCUREMENT]
        return {MOVE_PROCUREMENT: value.id if IS_17 else [Command.set(value.ids)]}

    def test_forged_documents(self):
        model = self.env["distribution.delivery.hold"]
        hold = self._hold(self.picking)
        other = self._delivery(1)
        for actor in (self.clerk, self.sales_manager, self.env.ref("base.user_admin")):
            for attempt in (
                lambda actor=actor: model.with_user(actor).create(
                    {"picking_id": other.id, "company_id": self.company.id}
                ),
                lambda actor=actor: hold.with_user(actor).write({"picking_id": other.id}),
                lambda actor=actor: hold.with_user(actor).unlink(),
                lambda actor=actor: hold.with_user(actor).sudo().write({"approval_state": "released"}),
                lambda actor=actor: self.picking.sudo().sale_id.with_user(actor).write({"delivery_hold_reason": False}),
            ):
                with self.assertRaises(AccessError):
                    attempt()
        self.assertHeld(self.picking)

    def test_only_who_may_hold_holds(self):
        order = self._order_of()
        for actor in (self.seller, self.clerk, self.employee):
            with self.assertRaises(AccessError):
                order.with_user(actor).sudo().action_hold_deliveries("payment")
        created = (
            self.env["sale.order"]
            .with_context(default_delivery_hold_reason="other")
            .create({"partner_id": self.customer.id})
        )
        self.assertFalse(created.delivery_hold_reason)

    def test_a_swallowed_refusal(self):
        with self._refused():
            try:
                self.picking._action_done()
            except UserError:
                self.picking.sudo().move_ids.move_line_ids._action_done()

    def test_raw_sql_is_found_by_the_control(self):
        self.env.flush_all()
        self.env.cr.execute("UPDATE stock_move SET state = 'done' WHERE picking_id = %s", (self.picking.id,))
        self.env.cr.execute("UPDATE stock_picking SET state = 'done' WHERE id = %s", (self.picking.id,))
        self.env.invalidate_all()
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 1)

    def test_a_transfer_that_was_never_asked_is_found_by_the_control(self):
        other = self._delivery(1)
        self.env.flush_all()
        self.env.cr.execute("UPDATE stock_move SET state = 'done' WHERE picking_id = %s", (other.id,))
        self.env.cr.execute(
            "UPDATE stock_picking SET state = 'done', date_done = %s WHERE id = %s", (fields.Datetime.now(), other.id)
        )
        self.env.invalidate_all()
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 1)
        self.assertTrue(
            self.env["distribution.case"].search([("res_model", "=", "stock.picking"), ("res_id", "=", other.id)])
        )
