"""Counts, scrap and transfers between sites stand where the plan says."""

from odoo.tests.common import TransactionCase, tagged

from ..engine import goods_cases


@tagged("post_install", "-at_install")
class TestGoodsPapers(TransactionCase):
    def test_counts(self):
        adjustments = self.env["distribution.inventory.adjustment"].search([], order="id")
        expected = [case.stage for case in sorted(goods_cases.COUNTS, key=lambda case: -case.day)]
        self.assertEqual(adjustments.mapped("approval_state"), expected)
        waiting = adjustments.filtered(lambda adjustment: adjustment.approval_state == "pending")
        self.assertGreater(waiting.value, 2500)
        self.assertLess(abs(waiting.net_value), 200)
        self.assertTrue(waiting._approval_quants().filtered("approval_held"))

    def test_scraps(self):
        for case in goods_cases.SCRAPS:
            scrap = self.env["stock.scrap"].search([("origin", "=", case.key)])
            self.assertEqual(scrap.approval_state, case.stage)
            self.assertEqual(scrap.state == "done", case.stage == "passed")

    def test_transfers(self):
        for case in goods_cases.TRANSFERS:
            picking = self.env["stock.picking"].search([("origin", "=", case.key)])
            document = self.env["distribution.site.transfer"].search([("picking_id", "=", picking.id)])
            self.assertEqual(document.approval_state, case.stage)
            self.assertEqual(picking.state == "done", case.stage == "passed")
