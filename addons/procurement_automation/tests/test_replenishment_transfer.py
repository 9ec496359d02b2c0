"""A shortage over sites: moved from another site, or bought; every option told."""

import psycopg2
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_replenishment_run import ReplenishmentCase


@tagged("post_install", "-at_install")
class TestReplenishmentTransfer(ReplenishmentCase):
    RULES = 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"replenishment_transfer": True, "replenishment_unusual_factor": 0})
        cls.here, cls.there = cls.generated.sites
        # What was drawn by chance is out of the way: two rules for one product, one short, one with plenty.
        pairs = {}
        for rule in cls.rules:
            pairs.setdefault(rule.product_id, {})[rule.warehouse_id] = rule
        cls.product, pair = next((product, pair) for product, pair in pairs.items() if len(pair) == 2)
        cls.short, cls.rich = pair[cls.here], pair[cls.there]
        moves = cls.env["stock.move"].search([("product_id", "=", cls.product.id), ("state", "!=", "done")])
        moves._action_cancel()
        cls.env["purchase.order.line"].search([("product_id", "=", cls.product.id)]).order_id.button_cancel()
        (cls.short + cls.rich).write({"product_min_qty": 10, "product_max_qty": 40})
        cls.set_stock(cls.short, 4)
        cls.set_stock(cls.rich, 100)
        cls.product.standard_price = 10
        cls.lane = cls.env["distribution.transfer.lane"].create(
            {"from_id": cls.there.id, "to_id": cls.here.id, "days": 1, "cost_per_order": 6, "cost_per_unit": 0.5}
        )

    @classmethod
    def set_stock(cls, rule, quantity):
        quants = cls.env["stock.quant"].sudo()
        held = sum(
            quants.search(
                [("product_id", "=", rule.product_id.id), ("location_id", "child_of", rule.location_id.id)]
            ).mapped("quantity")
        )
        if quantity != held:
            quants._update_available_quantity(rule.product_id, rule.location_id, quantity - held)

    def proposed(self, rule=None):
        run = self.run_over(rule or self.short)
        self.assertEqual(run.state, "done")
        return run.proposal_ids

    def test_what_another_site_can_spare_is_moved(self):
        proposal = self.proposed()
        self.assertEqual((proposal.verdict, proposal.state, proposal.problem), ("transfer", "ordered", False))
        self.assertEqual((proposal.quantity, proposal.source_id), (36, self.there))
        move = proposal.move_id
        self.assertEqual((move.location_id, move.location_dest_id), (self.there.lot_stock_id, self.short.location_id))
        self.assertEqual((move.product_uom_qty, move.orderpoint_id), (36, self.short))
        self.assertEqual(move.picking_id.picking_type_id, self.there.int_type_id)
        self.assertNotEqual(move.picking_id.state, "draft")
        self.assertFalse(proposal.purchase_line_id)
        self.assertEqual([option["lost"] for option in proposal.options], ["", "dearer"])
        self.assertIn("costs more per unit", proposal.reasoning)
        self.assertIn("Transfer from", proposal.reasoning)

    def test_never_twice(self):
        self.proposed()
        self.assertFalse(self.proposed())

    def test_the_other_site_keeps_what_it_needs(self):
        self.set_stock(self.rich, 43)
        proposal = self.proposed()
        self.assertEqual(proposal.verdict, "order", "3 beyond its maximum: not enough")
        self.assertEqual([option["lost"] for option in proposal.options], ["", "not_enough"])
        self.assertIn("not enough to reach the minimum", proposal.reasoning)

    def test_what_was_promised_to_others_is_not_spared(self):
        move = self.env["stock.move"].create(
            {
                **self.generated._move_values(self.rich, self.there.lot_stock_id, self.generated.customers),
                "product_uom_qty": 70,
            }
        )
        move._action_confirm()
        self.assertEqual(self.proposed().verdict, "order")

    def test_a_dear_lane_loses(self):
        self.lane.cost_per_unit = 5000
        proposal = self.proposed()
        self.assertEqual(proposal.verdict, "order")
        self.assertEqual(proposal.options[1]["lost"], "dearer")

    def test_above_the_threshold_a_buyer_decides(self):
        self.company.replenishment_transfer_value = 100
        proposal = self.proposed()
        self.assertEqual((proposal.verdict, proposal.state, proposal.reasons), ("transfer", "open", "high_value"))
        self.assertFalse(proposal.move_id)
        proposal.with_user(self.buyer).action_accept()
        self.assertEqual((proposal.state, proposal.move_id.product_uom_qty), ("ordered", 36))

    def test_a_buyer_may_buy_instead(self):
        self.company.replenishment_transfer_value = 100
        proposal = self.proposed()
        proposal.with_user(self.buyer).action_buy_instead()
        self.assertEqual((proposal.state, proposal.verdict), ("ordered", "review"))
        self.assertEqual(proposal.purchase_line_id.product_uom_qty, 36)

    def test_accepting_looks_again(self):
        self.company.replenishment_transfer_value = 100
        proposal = self.proposed()
        self.set_stock(self.rich, 20)
        proposal.with_user(self.buyer).action_accept()
        self.assertEqual(proposal.state, "open")
        self.assertFalse(proposal.move_id)

    def test_two_in_need_share_what_is_there(self):
        """Within one run nothing is given away twice."""
        shelf = self.generated._shelf(self.here)
        second = self.short.copy({"location_id": shelf.id, "product_min_qty": 30, "product_max_qty": 40})
        run = self.run_over(self.short + second)
        moved = run.proposal_ids.filtered(lambda one: one.verdict == "transfer")
        self.assertTrue(moved)
        self.assertLessEqual(sum(moved.mapped("quantity")), 60)

    def test_off_by_default(self):
        self.company.replenishment_transfer = False
        proposal = self.proposed()
        self.assertEqual((proposal.verdict, proposal.options), ("order", False))

    def test_lanes_are_kept_by_operations(self):
        Lane = self.env["distribution.transfer.lane"]
        with self.assertRaises(AccessError):
            self.lane.with_user(self.buyer).days = 9
        with self.assertRaises(AccessError):
            Lane.with_user(self.buyer).create({"from_id": self.here.id, "to_id": self.there.id})
        self.lane.with_user(self.clerk).days = 2
        with self.assertRaises(psycopg2.errors.CheckViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
            Lane.create({"from_id": self.here.id, "to_id": self.here.id})

    def test_another_company_has_its_own(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        with self.assertRaises(AccessError):
            self.lane.with_user(self.clerk.copy({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})).read()
