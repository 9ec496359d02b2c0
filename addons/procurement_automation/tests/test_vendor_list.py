"""Approved vendor lists and blocked vendors: proposed by one, approved by another, and nothing is ordered past them."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from ..models import replenishment_run
from .test_requisition import RequisitionCase

LIST = "distribution.vendor.list"
ENTRY = "distribution.vendor.list.entry"


class VendorListCase(RequisitionCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.governor = new_test_user(
            cls.env, login="t_governor", groups="base.group_user,distribution_core.group_vendor_manager"
        )
        cls.governor_2 = new_test_user(
            cls.env, login="t_governor_2", groups="base.group_user,distribution_core.group_vendor_manager"
        )

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.listed = cls.env["res.partner"].create(
            {"name": "Listed Vendor", "supplier_rank": 1, "vendor_status": "approved"}
        )

    def _list(self, vendor=None, activate=True, **values):
        """A list of the category in force, with one vendor that was proposed by the buyer."""
        values = values if "product_tmpl_id" in values else {"category_id": self.category.id, **values}
        one = self.env[LIST].with_user(self.governor).create(values)
        if vendor:
            self._entry(one, vendor).with_user(self.governor).action_approve()
        if activate:
            one.action_activate()
        return one

    def _entry(self, one, vendor, user=None, **values):
        return (
            self.env[ENTRY].with_user(user or self.buyer).create({"list_id": one.id, "partner_id": vendor.id, **values})
        )


@tagged("post_install", "-at_install")
class TestVendorList(VendorListCase):
    def test_proposed_approved_withdrawn(self):
        one = self.env[LIST].with_user(self.governor).create({"category_id": self.category.id})
        entry = self._entry(one, self.listed, reason="Audited in spring")
        with self.assertRaisesRegex(UserError, "approve a vendor first"):
            one.action_activate()
        own = self._entry(one, self.vendor, self.governor)
        with self.assertRaisesRegex(UserError, "somebody else"):
            own.action_approve()
        own.with_user(self.governor_2).action_approve()
        entry.with_user(self.governor).action_approve()
        one.action_activate()
        self.assertEqual((one.state, one.vendor_count, entry.decided_by), ("active", 2, self.governor))
        entry.with_user(self.governor).action_withdraw()
        one.invalidate_recordset()
        self.assertEqual(one.vendor_count, 1)
        facts = self.env["distribution.event"].search([("res_model", "in", (LIST, ENTRY))]).mapped("type")
        self.assertEqual(
            sorted(set(facts)),
            [
                "distribution.vendor_list.opened.v1",
                "distribution.vendor_list.vendor_approved.v1",
                "distribution.vendor_list.vendor_proposed.v1",
                "distribution.vendor_list.vendor_withdrawn.v1",
            ],
        )
        with self.assertRaisesRegex(UserError, "onboard"):
            self._entry(one, self.new_vendor).with_user(self.governor).action_approve()
        with self.assertRaisesRegex(UserError, "in force"):
            self._list(self.vendor)

    def test_requisitions_do_not_order_past_it(self):
        self._list(self.listed)
        requisition = self._approved_one(5)
        wizard = self._wizard(requisition)
        self.assertFalse(
            wizard.line_ids.vendor_id, "the vendor with the price is not on the list, and nobody takes over"
        )
        self.assertIn("not on the approved list", wizard.line_ids.remark)
        wizard.line_ids.vendor_id = self.vendor
        with self.assertRaisesRegex(UserError, "not on the approved list"):
            wizard.action_confirm()
        wizard.line_ids.vendor_id = self.listed
        wizard.action_confirm()
        self.assertEqual(requisition.sudo().line_ids.purchase_line_ids.order_id.partner_id, self.listed)

    def test_the_nearest_list_counts(self):
        problems = self.env["distribution.vendor.permission"]._problems
        pairs = [(self.product, self.vendor), (self.product, self.listed), (self.product_2, self.vendor)]
        self.assertFalse(problems(pairs, self.company, self.warehouse))
        self._list(self.listed)
        self.assertEqual(set(problems(pairs, self.company, self.warehouse).values()), {"not_listed"})
        self._list(self.vendor, product_tmpl_id=self.product.product_tmpl_id.id)
        self.assertEqual(
            set(problems(pairs, self.company, self.warehouse)),
            {(self.product.id, self.listed.id), (self.product_2.id, self.vendor.id)},
        )
        self._list(self.listed, product_tmpl_id=self.product.product_tmpl_id.id, warehouse_id=self.branch.id)
        self.assertIn((self.product.id, self.vendor.id), problems(pairs, self.company, self.branch))
        self.assertNotIn((self.product.id, self.vendor.id), problems(pairs, self.company, self.warehouse))

    def test_what_has_ended_does_not_open_the_door(self):
        one = self._list(self.listed)
        one.entry_ids.sudo().write({"date_end": fields.Date.today() - timedelta(days=1)})
        requisition = self._approved_one(5)
        for vendor in (self.listed, self.vendor):
            wizard = self._wizard(requisition)
            wizard.line_ids.vendor_id = vendor
            with self.assertRaisesRegex(UserError, "not on the approved list"):
                wizard.action_confirm()
        one.action_close()
        self.assertEqual(self._wizard(requisition).line_ids.vendor_id, self.vendor)

    def test_orders_know_it(self):
        self._list(self.listed)
        off, on = self._order(100), self._order(100, vendor=self.listed)
        facts = (off | on).sudo()._approval_facts({"vendor_not_listed", "vendor_status"})
        self.assertEqual([facts[order.id]["vendor_not_listed"] for order in (off, on)], [True, False])
        self._govern_also(
            "purchase_order",
            [
                ("Off the list", "require", [("vendor_not_listed", "is_true")], ["Purchasing"]),
                ("On the list", "pass", [("vendor_not_listed", "is_false")], []),
            ],
        )
        (off | on).with_user(self.buyer).button_confirm()
        self.assertEqual((off.state, on.state), ("to approve", "purchase"))

    def test_the_number_of_queries_does_not_grow(self):
        self._list(self.listed)

        def count(number):
            orders = self.env["purchase.order"].union(*(self._order(100) for _one in range(number))).sudo()
            self.env.flush_all()
            self.env.invalidate_all()
            orders._off_list()  # what the ORM prefetches of orders and lines
            before = self.env.cr.sql_log_count
            orders._off_list()
            return self.env.cr.sql_log_count - before

        self.assertEqual(count(2), count(12))

    def test_replenishment_asks_a_buyer(self):
        self._list(self.listed)
        self.env.user.company_id.replenishment_by = "suite"
        rule = self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": self.product.id,
                "warehouse_id": self.warehouse.id,
                "location_id": self.warehouse.lot_stock_id.id,
                "product_min_qty": 5,
                "product_max_qty": 9,
            }
        )
        run = self.env["distribution.replenishment.run"].create({"orderpoint_ids": [(6, 0, rule.ids)]})
        run._start()
        while run.state in replenishment_run.LIVE:
            run._advance()
        proposal = self.env["distribution.replenishment.proposal"].search([("orderpoint_id", "=", rule.id)])
        self.assertEqual((proposal.verdict, proposal.state), ("review", "open"))
        self.assertIn("not_listed", proposal.reasons.split())
        self.assertIn("not on the approved list", proposal.reason_text)
        buyer = new_test_user(
            self.env,
            login="t_replenisher",
            groups="base.group_user,purchase.group_purchase_user,distribution_core.group_buyer",
        )
        proposal.with_user(buyer).action_accept()
        self.assertEqual(proposal.state, "open", "nobody accepts that away")
        self.assertFalse(self.env["purchase.order.line"].search([("orderpoint_id", "=", rule.id)]))


@tagged("post_install", "-at_install")
class TestVendorListAttacks(VendorListCase):
    def test_nobody_puts_a_vendor_on_a_list_alone(self):
        one = self._list(self.listed)
        entry = self._entry(one, self.vendor)
        approved = one.entry_ids.filtered(lambda entry: entry.state == "approved")
        for actor in (self.buyer, self.governor, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                entry.with_user(actor).write({"state": "approved"})
            with self.assertRaises(AccessError):
                self._entry(one, self.vendor, actor, state="approved")
            forged = self.env[ENTRY].with_user(actor).with_context(default_state="approved", default_decided_by=1)
            self.assertEqual(forged.create({"list_id": one.id, "partner_id": self.vendor.id}).state, "proposed")
            with self.assertRaises(AccessError):
                one.with_user(actor).write({"entry_ids": [(0, 0, {"partner_id": self.vendor.id, "state": "approved"})]})
            for values in ({"partner_id": self.vendor.id}, {"date_end": "2199-01-01"}, {"list_id": one.copy().id}):
                with self.assertRaises(UserError):
                    approved.with_user(actor).write(values)
            undone = {"state": "proposed", "decided_by": False, "decided_at": False}
            for values in (undone, *({name: value} for name, value in undone.items())):
                with self.assertRaisesRegex(AccessError, "by the buttons"):
                    approved.with_user(actor).write(values)
                with self.assertRaisesRegex(AccessError, "by the buttons"):
                    one.with_user(actor).write({"entry_ids": [(1, approved.id, values)]})
            with self.assertRaises(UserError):
                approved.with_user(actor).unlink()
        for actor in (self.buyer, self.requester, self.employee):
            with self.assertRaises(AccessError):
                entry.with_user(actor).action_approve()
            with self.assertRaises(AccessError):
                one.with_user(actor).action_close()

    def test_a_list_is_not_loosened_by_the_way(self):
        one = self._list(self.listed)
        for actor in (self.buyer, self.governor, self.env.ref("base.user_admin")):
            for state in ("draft", "closed", "active"):
                with self.assertRaisesRegex(AccessError, "by its buttons"):
                    one.with_user(actor).write({"state": state})
            with self.assertRaises(UserError):
                one.with_user(actor).write({"warehouse_id": self.branch.id})
            with self.assertRaises(UserError):
                one.with_user(actor).unlink()
            with self.assertRaises(AccessError):
                self.env[LIST].with_user(actor).create({"category_id": self.category.id, "state": "active"})
            made = self.env[LIST].with_user(actor).with_context(default_state="active")
            self.assertEqual(made.create({"category_id": self.category.id}).state, "draft")

    def test_vendors_are_approved_for_what_the_list_was_for(self):
        """Nobody has vendors of a small thing approved and makes it the list of everything."""
        one = self._list(self.listed, activate=False, product_tmpl_id=self.product_2.product_tmpl_id.id)
        wide = {"product_tmpl_id": False, "category_id": self.category.id}
        for actor in (self.buyer, self.governor, self.env.ref("base.user_admin")):
            for values in (
                wide,
                {"warehouse_id": self.branch.id},
                {"product_tmpl_id": self.product.product_tmpl_id.id},
            ):
                with self.assertRaisesRegex(UserError, "were approved for this list"):
                    one.with_user(actor).write(values)
        with self.assertRaisesRegex(UserError, "stays on record"):
            one.unlink()
        one.entry_ids.action_withdraw()
        with self.assertRaisesRegex(UserError, "were approved for this list"):
            one.write(wide)
        other = one.copy()
        self.assertEqual(other.entry_ids.mapped("state"), ["proposed"])
        other.write(wide)

    def test_blocked_is_blocked(self):
        order = self._order(100, vendor=self.blocked_vendor)
        fine = self._order(100)
        with self.assertRaisesRegex(UserError, "is blocked"):
            order.button_confirm()
        with self.assertRaisesRegex(UserError, "is blocked"):
            order.sudo().button_approve(force=True)
        (order | fine).button_confirm()
        self.assertEqual((order.state, fine.state), ("draft", "purchase"), "the others of a batch go on")
        for state in PURCHASE_CONFIRMED_STATES:
            for attempt in (order, order.sudo(), order.with_user(self.manager)):
                with self._refused():
                    attempt.write({"state": state})
            with self._refused():
                self.env["purchase.order"].sudo().create({"partner_id": self.blocked_vendor.id, "state": state})
            with self._refused():
                try:
                    order.sudo().write({"state": state})
                except UserError:
                    order.env.cr.execute("SELECT 1")  # swallowed
        contact = self.env["res.partner"].create({"name": "Sales desk", "parent_id": self.blocked_vendor.id})
        with self.assertRaisesRegex(UserError, "is blocked"):
            self._order(100, vendor=contact).button_confirm()
        with self._refused():
            draft = self._order(100)
            draft.sudo().write({"partner_id": self.blocked_vendor.id, "state": "purchase"})

    def test_blocked_afterwards(self):
        order = self._order(100)
        order.button_confirm()
        self.vendor._set_vendor_standing(status="blocked")
        order.with_user(self.buyer).write({"partner_ref": "later"})  # what is under way goes on
        order.order_line.with_user(self.buyer).write({"date_planned": fields.Datetime.now()})
        self._commit()
        picking = order.sudo().picking_ids
        picking.move_ids.write({"quantity": 10, "picked": True})
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_even_where_the_policy_would_let_it_pass(self):
        self._govern_also("purchase_order", [("Everything", "pass", [], [])])
        order = self._order(100, vendor=self.blocked_vendor)
        with self._refused():
            order.button_confirm()
        self.vendor._set_vendor_standing(status="approved")
        fine = self._order(100)
        fine.button_confirm()
        self.assertEqual(fine.state, "purchase")

    def test_other_companies(self):
        one = self._list(self.listed)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.assertFalse(self.env[LIST]._book(elsewhere))
        foreigner = new_test_user(
            self.env,
            login="t_foreigner",
            groups="base.group_user,distribution_core.group_vendor_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        self.assertFalse(self.env[LIST].with_user(foreigner).search([]))
        with self.assertRaises(AccessError):
            one.with_user(foreigner).read(["state"])
        with self.assertRaises(AccessError):
            one.with_user(foreigner).action_close()
