"""What governance of sale orders costs in queries, against the same flow without governance."""

from odoo import Command
from odoo.tests.common import tagged

from .overhead import Overhead
from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestSaleQueryCounts(Overhead, SalesCase):
    #: Queries of governance for a batch of any number of orders.
    BATCH = 16

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

    def _ungoverned(self):
        self._switch_off()

    def test_confirming_one_order_that_passes(self):
        warm, governed, warm_again, plain = self._orders(4)
        self._confirm_cold(warm)
        with_gate = self._confirm_cold(governed)
        self._ungoverned()  # empties the caches of the registry
        self._confirm_cold(warm_again)
        without = self._confirm_cold(plain)
        self.assertLessEqual(with_gate - without, 14, f"{with_gate} queries instead of {without}")

    def test_the_overhead_does_not_grow_with_the_batch(self):
        self.assertOverheadStays(self.BATCH)


@tagged("post_install", "-at_install")
class TestSaleTermsQueryCounts(TestSaleQueryCounts):
    """The same bounds where policy asks about list prices and terms, of customers with terms and lists of their own."""

    BATCH = 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.group_user").implied_ids |= cls.env.ref("product.group_product_pricelist")

    @classmethod
    def _sales_rules(cls):
        return [
            *super()._sales_rules(),
            ("Under list", "require", [("price_under_list", "gt", "5")], ["Sales"]),
            ("Longer terms", "require", [("terms_longer_days", "gt", "0")], ["Finance"]),
            ("Made for the order", "require", [("terms_changed_days", "le", "30")], ["Sales"]),
        ]

    def _orders(self, count):
        lists = self.env["product.pricelist"].create([{"name": f"List {n}", "sequence": 100 + n} for n in range(2)])
        terms = self.env["account.payment.term"].create(
            [{"name": f"{days} days", "line_ids": [Command.create({"nb_days": days})]} for days in (20, 40)]
        )
        orders = super()._orders(count)
        for number, order in enumerate(orders):
            order.partner_id.with_company(self.company).write(
                {"property_product_pricelist": lists[number % 2].id, "property_payment_term_id": terms[number % 2].id}
            )
            # Not the terms of the customer, and no longer ones.
            order.payment_term_id = terms[0]
        return orders

    def test_facts_of_any_number(self):
        orders = self._orders(20)
        counts = []
        for batch in (orders[:1], orders[:3], orders):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            batch.sudo()._approval_facts({"own_terms", "terms_longer_days", "terms_changed_days", "price_under_list"})
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1], counts)
