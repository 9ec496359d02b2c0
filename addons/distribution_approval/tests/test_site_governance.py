"""A roll-out that starts small: governance at one site, and nowhere else."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import ApprovalCase


@tagged("post_install", "-at_install")
class TestSiteGovernance(ApprovalCase):
    @classmethod
    def _govern(cls):
        cls.branch = cls.env["stock.warehouse"].create({"name": "Branch North", "code": "BRN"})
        cls.old_order = cls._order_at(cls.branch)
        cls.old_order.button_confirm()
        cls.old_elsewhere = cls._order_at(cls.warehouse)
        cls.old_elsewhere.button_confirm()
        cls.activation = (
            cls.env["distribution.approval.activation"]
            .with_user(cls.publisher)
            .create({"document_type": "purchase_order", "company_id": cls.company.id, "warehouse_id": cls.branch.id})
        )
        cls.activation.action_propose()
        cls.activation.with_user(cls.publisher_2).action_confirm()

    @classmethod
    def _order_at(cls, warehouse, quantity=3100):
        values = {"product_id": cls.product.id, "product_qty": quantity, "price_unit": 10}
        return (
            cls.env["purchase.order"]
            .with_user(cls.buyer)
            .create(
                {
                    "partner_id": cls.vendor.id,
                    "picking_type_id": warehouse.in_type_id.id,
                    "order_line": [(0, 0, values)],
                }
            )
        )

    def test_only_the_site_is_governed(self):
        here, elsewhere = self._order_at(self.branch), self._order_at(self.warehouse)
        (here | elsewhere).button_confirm()
        self.assertEqual((here.state, here.approval_state), ("to approve", "pending"))
        self.assertEqual((elsewhere.state, elsewhere.approval_state), ("purchase", False))
        self.assertTrue(here.approval_governed)
        self.assertFalse(elsewhere.approval_governed)

    def test_baseline_of_the_site_only(self):
        self.assertEqual(self.activation.baseline_count, 1)
        self.assertEqual(self.old_order.approval_state, "baseline")
        self.assertFalse(self.old_elsewhere.approval_state)

    def test_documents_say_to_which_site_their_events_belong(self):
        """Subscriptions of webhooks to one site hear of these."""
        sites = self.env["distribution.document.site"]
        scrap = self.env["stock.scrap"].create(
            {"product_id": self.product.id, "scrap_qty": 1, "location_id": self.branch.lot_stock_id.id}
        )
        for document in (self._order_at(self.branch), self.old_order.picking_ids, scrap):
            self.assertEqual(sites._site(document), self.branch, document._name)
        self.assertFalse(sites._site(self.vendor))

    def test_moving_a_held_order_to_another_site_does_not_free_it(self):
        order = self._order_at(self.branch)
        order.button_confirm()
        order.picking_type_id = self.warehouse.in_type_id
        order.button_confirm()
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))

    def test_a_second_site_and_then_the_company(self):
        other = self.env["stock.warehouse"].create({"name": "Branch South", "code": "BRS"})
        for site in (other, self.env["stock.warehouse"]):
            activation = (
                self.env["distribution.approval.activation"]
                .with_user(self.publisher)
                .create({"document_type": "purchase_order", "company_id": self.company.id, "warehouse_id": site.id})
            )
            activation.action_propose()
            activation.with_user(self.publisher_2).action_confirm()
        elsewhere = self._order_at(self.warehouse)
        elsewhere.button_confirm()
        self.assertEqual(elsewhere.state, "to approve")
        self.assertEqual(self.old_elsewhere.approval_state, "baseline")

    def test_the_control_looks_at_the_site_only(self):
        self.env.cr.execute(
            "UPDATE purchase_order SET state = 'purchase' WHERE id = ANY(%s)",
            ([self._order_at(self.branch).id, self._order_at(self.warehouse).id],),
        )
        self.env.invalidate_all()
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 1)

    def test_a_site_of_another_company(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        site = self.env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
        with self.assertRaises(ValidationError):
            self.env["distribution.approval.activation"].create(
                {"document_type": "purchase_order", "company_id": self.company.id, "warehouse_id": site.id}
            )
