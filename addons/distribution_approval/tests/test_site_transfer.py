"""Transfers between sites meet the policy; goods leave a site by no other door."""

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from .goods_case import GoodsCase


class TransferCase(GoodsCase):
    document_types = ("site_transfer",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.env.ref("stock.stock_location_customers")

    @classmethod
    def _goods_rules(cls, document_type):
        return [
            ("Small", "pass", [("amount", "le", "500")], None),
            ("Large", "require", [("amount", "gt", "500")], "Controlling"),
            ("Source runs dry", "require", [("days_left", "lt", "10")], "Operations"),
            ("Constrained", "require", [("constrained_item", "is_true", "")], "Operations"),
        ]

    def _transfer(self, product=None, quantity=20, destination=None, user=None):
        return self._picking(
            product or self.nut, quantity, self.stock, destination or self.branch.lot_stock_id, user=user
        )

    def _document(self, picking):
        return self.env["distribution.site.transfer"].search([("picking_id", "=", picking.id)]).ensure_one()


@tagged("post_install", "-at_install")
class TestSiteTransfer(TransferCase):
    def test_within_policy(self):
        picking = self._transfer(quantity=5)
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(self._document(picking).approval_state, "passed")
        self.assertEqual(self._on_hand(self.nut, self.branch.lot_stock_id), 5)
        self._commit()

    def test_within_the_site_nobody_is_asked(self):
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.stock.id})
        picking = self._transfer(destination=shelf)
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertFalse(self.env["distribution.site.transfer"].search([("picking_id", "=", picking.id)]))

    def test_a_state_is_not_written_without_goods(self):
        picking = self._transfer()
        picking.move_ids.picked = False
        picking.do_unreserve()
        with self.assertRaises(UserError):
            picking.write({"state": "done"})
        self.assertNotEqual(picking.state, "done")
        self.assertFalse(picking.move_ids.quantity)
        with self.assertRaisesRegex(UserError, "Validate its transfer"):
            picking.move_ids.write({"state": "done", "picked": True})
        picking.move_ids._action_cancel()
        with self.assertRaisesRegex(UserError, "Validate the transfer"):
            picking.write({"state": "done"})
        self.assertNotEqual(picking.state, "done")

    def test_held_and_released(self):
        picking = self._transfer()
        picking.button_validate()
        self.assertEqual(picking.state, "assigned")
        self.assertTrue(picking.approval_held)
        self.assertEqual(self._on_hand(self.nut), 50)
        document = self._document(picking)
        self._decide(document, "Controlling", self.controller)
        self.assertTrue(self._resume(document))
        self.assertEqual((picking.state, document.approval_state), ("done", "released"))
        self.assertEqual(self._on_hand(self.nut, self.branch.lot_stock_id), 20)
        self._commit()

    def test_via_transit(self):
        transit = self.company.internal_transit_location_id
        picking = self._transfer(destination=transit)
        follow = self.env["stock.move"].create(
            {
                **self._move_name(self.nut),
                "product_id": self.nut.id,
                "product_uom_qty": 20,
                "location_id": transit.id,
                "location_dest_id": self.branch.lot_stock_id.id,
                "move_orig_ids": [Command.set(picking.move_ids.ids)],
            }
        )
        picking.button_validate()
        document = self._document(picking)
        self.assertEqual(document.approval_state, "pending")
        facts = document._approval_facts({"destination_site", "via_transit"})[document.id]
        self.assertEqual(facts["destination_site"], self.branch.id)
        self.assertTrue(facts["via_transit"])
        self._decide(document, "Controlling", self.controller)
        self.assertTrue(self._resume(document))
        arrival = self._picking(self.nut, 20, transit, self.branch.lot_stock_id, self.branch.int_type_id)
        arrival.button_validate()
        self.assertEqual(arrival.state, "done", "what is under way arrives")
        self.assertTrue(follow)

    def test_days_of_demand(self):
        delivery = self._picking(self.bolt, 60, self.stock, self.customers, self.warehouse.out_type_id)
        delivery.button_validate()
        picking = self._transfer(self.bolt, 25)
        picking.button_validate()
        document = self._document(picking)
        self.assertEqual(document.approval_request_id.waiting_for, "Operations")
        # 60 in 30 days are 2 a day; 100 - 60 - 25 = 15 stay.
        facts = document._approval_facts({"days_left"})[document.id]
        self.assertEqual(facts["days_left"], 7.5)
        none = self._document(self._validated(self._transfer(quantity=1)))
        self.assertIsNone(none._approval_facts({"days_left"})[none.id]["days_left"])

    def _validated(self, picking):
        picking.button_validate()
        return picking

    def test_facts(self):
        region = self.env["distribution.region"].create({"name": "North", "code": "N"})
        self.branch.region_id = region
        self.nut.product_tmpl_id.is_constrained = True
        document = self._document(self._validated(self._transfer(quantity=1)))
        names = set(document._approval_fact_specs())
        facts = document._approval_facts(names)[document.id]
        self.assertEqual(names, set(facts))
        self.assertTrue(facts["constrained_item"] and facts["crosses_region"])
        self.assertEqual(
            (facts["site"], facts["destination_site"], facts["destination_region"], facts["amount"]),
            (self.warehouse.id, self.branch.id, region.id, 100),
        )

    def test_one_held_transfer_does_not_disturb_the_others(self):
        small, large = self._transfer(quantity=2), self._transfer(quantity=20)
        (small | large).button_validate()
        self.assertEqual((small.state, large.state), ("done", "assigned"))

    def _reserved(self, product=None):
        self.env.flush_all()
        self.env["stock.quant"].invalidate_model()
        return self._quant(product or self.nut).reserved_quantity

    def _ready(self, quantity=20, product=None, destination=None):
        """A transfer whose goods are reserved and nobody has picked."""
        picking = self._transfer(product, quantity, destination)
        picking.move_ids.picked = False
        return picking

    def _waiting(self, quantity=20):
        picking = self._ready(quantity)
        picking.button_validate()
        self.assertTrue(picking.approval_held)
        return picking

    def test_held_goods_stay_reserved(self):
        picking = self._waiting()
        self.env["stock.quant"]._quant_tasks()
        late = self._picking(self.nut, 5, self.stock, self.customers, self.warehouse.out_type_id)
        late.button_validate()
        picking.invalidate_recordset()
        self.assertEqual((picking.state, picking.move_ids.quantity, self._reserved()), ("assigned", 20, 20))

    def test_rejected_goods_are_given_back(self):
        picking = self._waiting()
        self._decide(
            self._document(picking), "Controlling", self.controller, "reject", comment="No", reason_code="transfer_buy"
        )
        self.assertEqual((picking.state, self._reserved()), ("confirmed", 0))
        self.assertIn("given back", picking.message_ids[0].body)
        self.env["stock.move"].browse(picking.move_ids.ids)._action_assign()
        self.assertEqual(self._reserved(), 0, "no scheduler reserves them again")
        picking.action_assign()
        self.assertEqual(self._reserved(), 20, "a person may")

    def test_withdrawn_goods_are_given_back(self):
        picking = self._waiting()
        picking.action_approval_withdraw()
        self.assertEqual((picking.state, self._reserved()), ("confirmed", 0))
        picking.action_assign()
        picking.button_validate()
        self.assertTrue(picking.approval_held, "asked again")

    def test_picked_goods_are_put_back(self):
        picking = self._transfer()
        picking.button_validate()
        picking.action_approval_withdraw()
        self.assertEqual((picking.state, self._reserved()), ("confirmed", 0))

    def test_a_revision_keeps_the_goods(self):
        picking = self._waiting()
        self._decide(self._document(picking), "Controlling", self.controller, "request_revision", comment="Half")
        self.assertEqual(self._reserved(), 20)

    def test_a_person_unreserves(self):
        picking = self._waiting()
        picking.do_unreserve()
        self.assertEqual(self._reserved(), 0)
        document = self._document(picking)
        with self.assertRaises(UserError):
            self._decide(document, "Controlling", self.controller)  # there is nothing to approve
        picking.action_assign()
        self._decide(document, "Controlling", self.controller)
        self.assertTrue(self._resume(document))
        self.assertEqual((picking.state, document.approval_state), ("done", "released"))

    def test_held_goods_are_taken_last_and_not_silently(self):
        held = self._waiting(20)
        free = self._ready(10, destination=self.customers)
        forced = self._picking(self.nut, 30, self.stock, self.customers, self.warehouse.out_type_id)
        forced.button_validate()
        self.assertEqual((held.move_ids.quantity, free.move_ids.quantity), (20, 0))
        self.assertNotIn("was taken", " ".join(held.message_ids.mapped("body")))
        again = self._picking(self.nut, 5, self.stock, self.customers, self.warehouse.out_type_id)
        again.button_validate()
        self.assertEqual(held.move_ids.quantity, 15)
        words = held.message_ids[0].body
        for part in ("was taken", again.name, self.nut.name, self.keeper.name):
            self.assertIn(part, words)

    def test_a_count_takes_what_is_not_there_and_says_so(self):
        held = self._waiting(20)
        self._count(self.nut, 5)
        self.assertEqual((self._on_hand(self.nut), held.move_ids.quantity), (5, 5))
        self.assertIn("was taken", held.message_ids[0].body)

    def test_people_read_what_they_must(self):
        document = self._document(self._validated(self._transfer()))
        document.with_user(self.controller).read(["approval_banner", "picking_id"])
        document.picking_id.with_user(self.controller).read(["name", "state"])
        with self.assertRaises(AccessError):
            document.with_user(self.finance).read(["approval_banner"])
        document.with_user(self.auditor).read(["state"])
        document.with_user(self.keeper).read(["state"])


@tagged("post_install", "-at_install")
class TestAttacksOnTransfers(TransferCase):
    def assertStockKept(self):
        self.assertEqual(self._on_hand(self.nut), 50)
        self.assertEqual(self._on_hand(self.nut, self.branch.lot_stock_id), 0)

    def test_moves_on_their_own(self):
        for destination in (self.branch.lot_stock_id, self.company.internal_transit_location_id):
            with self._refused():
                self._move(self.nut, 20, self.stock, destination)._action_done()
            move = self._move(self.nut, 1, self.stock, destination)
            with self._refused():
                self._run_code(f"env['stock.move'].sudo().browse({move.id})._action_done()")
            with self._refused():
                self._move(self.nut, 20, self.stock, destination, state="done")
        self.assertStockKept()

    def test_relocation(self):
        wizard = (
            self.env["stock.quant.relocate"]
            .with_user(self.chief)
            .create(
                {
                    "quant_ids": [(6, 0, self._quant(self.nut).ids)],
                    "dest_location_id": self.branch.lot_stock_id.id,
                }
            )
        )
        with self._refused():
            wizard.action_relocate_quants()
        self.assertStockKept()

    def test_the_line_goes_elsewhere(self):
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.stock.id})
        picking = self._transfer(destination=shelf)
        picking.move_line_ids.location_dest_id = self.branch.lot_stock_id
        picking.button_validate()
        self.assertNotEqual(picking.state, "done")
        self.assertStockKept()

    def test_action_done(self):
        for code in (
            "env['stock.picking'].sudo().browse(%s)._action_done()",
            "env['stock.picking'].sudo().browse(%s).move_ids._action_done()",
            "env['stock.picking'].sudo().browse(%s).move_ids.write({'state': 'done'})",
            "env['stock.picking'].sudo().browse(%s).move_line_ids._action_done()",
        ):
            with self._refused():
                self._run_code(code % self._transfer().id)
        self.assertStockKept()

    def test_changed_after_approval(self):
        picking = self._transfer(quantity=10)
        picking.button_validate()
        document = self._document(picking)
        self._decide(document, "Controlling", self.controller)
        picking.move_ids.quantity = 45
        self.assertFalse(self._resume(document))
        self.assertStockKept()

    def test_more_on_a_done_transfer(self):
        picking = self._transfer(quantity=5)
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        for user in (self.keeper, self.chief):
            with self._refused():
                picking.move_line_ids.with_user(user).write({"quantity": 45})
        self.assertEqual(self._on_hand(self.nut), 45)

    def test_a_done_shelf_move_becomes_a_transfer(self):
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.stock.id})
        picking = self._transfer(destination=shelf)
        picking.button_validate()
        with self._refused():
            picking.move_line_ids.with_user(self.chief).write({"location_dest_id": self.branch.lot_stock_id.id})

    def test_documents_are_not_written(self):
        picking = self._transfer()
        picking.button_validate()
        document = self._document(picking)
        with self._refused(at_once=True):
            document.with_user(self.chief).write({"picking_id": self._transfer(quantity=1).id})
        with self._refused(at_once=True):
            self.env["distribution.site.transfer"].with_user(self.chief).create(
                {"picking_id": self._transfer(quantity=1).id, "company_id": self.company.id}
            )
        with self._refused(at_once=True):
            document.with_user(self.chief).unlink()
