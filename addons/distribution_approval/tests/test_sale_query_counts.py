"""What governance of sale orders costs in queries, against the same flow without governance."""

from odoo.tests.common import tagged

from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestSaleQueryCounts(SalesCase):
    def _orders(self, count):
        customers = self.env["res.partner"].create([{"name": f"Customer {n}"} for n in range(count)])
        lines = [(self.bolt, 2, 10.0, 0.0)] * 5
        return self.env["sale.order"].union(
            *(self._quotation(lines=lines, partner_id=customer.id) for customer in customers)
        )

    def _confirm_cold(self, orders):
        """Queries that confirming takes with an empty cache, flush included."""
        self.env.flush_all()
        self.env.invalidate_all()
        orders = orders.with_user(self.seller)
        before = self.cr.sql_log_count
        orders.action_confirm()
        self.env.flush_all()
        self.assertEqual(set(orders.mapped("state")), {"sale"})
        return self.cr.sql_log_count - before

    def test_confirming_one_order_that_passes(self):
        warm, governed, warm_again, plain = self._orders(4)
        self._confirm_cold(warm)
        with_gate = self._confirm_cold(governed)
        self._switch_off()  # empties the caches of the registry
        self._confirm_cold(warm_again)
        without = self._confirm_cold(plain)
        self.assertLessEqual(with_gate - without, 14, f"{with_gate} queries instead of {without}")

    def test_the_overhead_does_not_grow_with_the_batch(self):
        orders = self._orders(82)
        self._confirm_cold(orders[0])
        with_gate = self._confirm_cold(orders[1:41])
        self._switch_off()
        self._confirm_cold(orders[41])
        without = self._confirm_cold(orders[42:])
        self.assertLessEqual(with_gate - without, 16, f"{with_gate} queries instead of {without}")
