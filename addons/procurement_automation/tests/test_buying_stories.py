"""Two stories of buyers: an off-contract rush order, and a vendor from first contact to blocked."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from .test_vendor_list import ENTRY, LIST, VendorListCase


@tagged("post_install", "-at_install")
class TestBuyingStories(VendorListCase):
    def test_an_off_contract_rush_order(self):
        self._govern_also(
            "purchase_order",
            [
                ("At contract", "pass", [("price_over_contract", "le", "5"), ("vendor_not_listed", "is_false")], []),
                ("No contract", "require", [("no_contract_price", "is_true")], ["Categories"]),
            ],
        )
        # A machine stands still; the vendor with the contract needs two weeks.
        need = self._requisition(
            20,
            12.0,
            priority="1",
            needed_by=fields.Date.today() + timedelta(days=2),
            justification="A machine stands still",
        )
        need.action_submit()
        line = need.line_ids
        self.assertEqual((need.state, line.status), ("approved", "approved"))

        # The buyer finds somebody faster: not the blocked one, but another approved one without a contract.
        wizard = self._wizard(need)
        self.assertEqual(wizard.line_ids.vendor_id, self.vendor, "the contract is proposed")
        wizard.line_ids.vendor_id = self.blocked_vendor
        with self.assertRaisesRegex(UserError, "blocked"):
            wizard.action_confirm()
        wizard.line_ids.vendor_id = self.listed
        wizard.action_confirm()
        order = line.sudo().purchase_line_ids.order_id.with_user(self.buyer)
        self.assertEqual((order.partner_id, order.order_line.price_unit), (self.listed, 12), "the expected price")
        self.assertEqual(order.order_line.contract_price, 0)

        # Nobody asks about the need again; somebody does about the price.
        order.button_confirm()
        self.assertEqual((order.state, line.status), ("to approve", "quoted"))
        with self.assertRaises(AccessError):
            order.with_user(self.requester).read(["amount_total"])
        self._decide(order, "Categories", self.category_manager)
        self.assertTrue(self._resume(order))
        self.assertEqual((order.state, line.status), ("purchase", "ordered"))
        self.assertEqual(line.with_user(self.requester).qty_open, 0)
        self._receive(order, 20)
        self.assertEqual((line.status, need.fulfilment), ("received", "received"))
        self._commit()

    def test_a_vendor_from_first_contact_to_blocked(self):
        vendor = self.env["res.partner"].with_user(self.env.ref("base.user_admin")).create({"name": "First Contact"})
        self._make_contract(vendor, self.product_2, 90.0)
        self.env["product.supplierinfo"].search([("partner_id", "=", self.vendor.id)]).unlink()

        def wizard():
            need = self._approved_one(
                line_ids=[(0, 0, {"product_id": self.product_2.id, "quantity": 2, "price_unit": 90})]
            )
            return self._wizard(need)

        # New: its price is known, and nothing is ordered from it.
        opened = wizard()
        self.assertFalse(opened.line_ids.vendor_id)
        self.assertIn("not approved yet", opened.line_ids.remark)

        # Approved, but fasteners are bought from listed vendors only.
        vendor.with_user(self.governor).sudo().vendor_status = "approved"
        approved_list = self._list(self.listed)
        self.assertIn("not on the approved list", wizard().line_ids.remark)
        entry = self._entry(approved_list, vendor, reason="Sample was good")
        with self.assertRaises(AccessError):
            entry.action_approve()
        entry.with_user(self.governor).action_approve()
        opened = wizard()
        self.assertEqual(opened.line_ids.vendor_id, vendor)
        opened.action_confirm()
        order = opened.line_ids.line_id.sudo().purchase_line_ids.order_id
        order.button_confirm()
        self.assertEqual(order.state, "purchase")

        # Restricted, then blocked: what is under way comes, nothing new is ordered.
        opened = wizard()
        vendor.with_user(self.governor).sudo().vendor_status = "restricted"
        with self.assertRaisesRegex(UserError, "restricted"):
            opened.action_confirm()
        vendor.with_user(self.governor).sudo().vendor_status = "blocked"
        with self.assertRaisesRegex(UserError, "blocked"):
            opened.action_confirm()
        with self.assertRaisesRegex(UserError, "blocked"):
            self._order(100, vendor=vendor).button_confirm()
        self._receive(order, 2)
        self.assertEqual(order.order_line.qty_received, 2)
        facts = self.env["distribution.event"].search([("res_id", "in", (vendor.id, entry.id))])
        told = facts.filtered(lambda fact: fact.res_model in ("res.partner", ENTRY, LIST)).mapped("type")
        self.assertIn("distribution.vendor.status_changed.v1", told)
        self.assertIn("distribution.vendor_list.vendor_approved.v1", told)
