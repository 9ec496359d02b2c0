"""Attacks on credit release: the limit raised for the delivery, and goods of another customer on one transfer."""

from odoo import Command
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from .delivery_case import DeliveryCase


@tagged("post_install", "-at_install")
class TestAttacksCredit(DeliveryCase):
    @classmethod
    def _govern(cls):
        """Credit alone: neither sale orders nor delivery holds are governed."""
        cls.activation = cls._govern_credit(
            ("Limit changed lately", "require", [("limit_changed_days", "le", "7")], ["Credit"])
        )

    def setUp(self):
        super().setUp()
        self.picking = self._delivery(100)
        self.customer.with_company(self.company).credit_limit = 500
        self.before = self._stock()

    def _credit(self, picking=None):
        return self._hold(picking or self.picking, "credit_release")

    def _raise_limit(self, user):
        self.customer.with_user(user).with_company(self.company).write({"credit_limit": 50000})

    def _try(self, picking=None):
        picking = picking or self.picking
        self._validate_in_vain(picking, self.before)

    def _billing(self):
        """Who keeps the customers' accounts, and releases credit as well."""
        user = self._user(
            "billing", "account.group_account_invoice", "base.group_partner_manager", "distribution_core.group_approver"
        )
        user.write({USER_GROUPS: [Command.link(self.groups["Credit"].id)]})
        return user

    def test_the_limit_is_raised_before_it_is_asked(self):
        self._raise_limit(self._billing())
        self._try()
        self.assertEqual(self._credit().approval_state, "pending")
        self.assertIn("credit limit was changed", self._credit()._approval_held_because())

    def test_the_limit_is_raised_while_it_waits(self):
        self._try()
        request = self._credit().approval_request_id
        self._raise_limit(self._billing())
        self._try()
        self.assertEqual((self._credit().approval_state, self._credit().approval_request_id), ("pending", request))

    def test_who_raised_it_does_not_release(self):
        billing = self._billing()
        self._raise_limit(billing)
        self._try()
        self.assertNotIn(billing, self._task(self._credit(), "Credit").user_ids)
        self._decide(self._credit(), "Credit", self.credit_controller)
        self.assertTrue(self._resume(self._credit()))
        self.assertEqual(self.picking.state, "done")

    def test_the_limit_of_all_customers(self):
        """Who has no limit of their own has that of the company."""
        admin = self.env.ref("base.user_admin")
        field = self.env["ir.model.fields"]._get("res.partner", "credit_limit")
        if "ir.property" in self.env:
            values = {"name": "credit_limit", "fields_id": field.id, "type": "float", "value_float": 90000.0}
            self.env["ir.property"].with_user(admin).create({**values, "company_id": self.company.id})
        else:
            self.env["ir.default"].with_user(admin).create(
                {"field_id": field.id, "company_id": self.company.id, "json_value": "90000.0"}
            )
        self._try()
        facts = self._credit()._approval_facts({"limit_changed_days"})[self._credit().id]
        self.assertEqual(facts["limit_changed_days"], 0)

    def test_rejected_and_then_within_the_limit(self):
        """The system itself set the limit: still, people said no."""
        self._try()
        self._decide(self._credit(), "Credit", self.credit_controller, "reject", comment="No.", reason_code="other")
        self.customer.with_company(self.company).credit_limit = 50000
        self._try()
        self.assertEqual((self._credit().approval_state, self._credit().approval_request_count), ("pending", 2))

    def test_two_customers_on_one_transfer(self):
        """Goods of a customer who is over the limit travel with those of one who is not."""
        stranger = self.env["res.partner"].create({"name": "Roofers", "is_company": True})
        stranger.with_company(self.company).credit_limit = 20000
        clean = self._delivery(1, partner_id=stranger.id)
        self.picking.sudo().move_ids.write({"picking_id": clean.id})
        clean.sudo().move_ids.move_line_ids.write({"picking_id": clean.id})
        self.assertEqual(len(clean.sudo().move_ids.sale_line_id.order_id), 2)
        self._try(clean)
        credit = self._credit(clean)
        facts = credit._approval_facts({"credit_over_limit", "credit_limit"})[credit.id]
        self.assertEqual((facts["credit_over_limit"], facts["credit_limit"]), (500, 500))

    def test_nobody_changed_the_limit(self):
        self.customer.with_company(self.company).credit_limit = 50000
        self.picking.button_validate()
        self.assertEqual(self.picking.state, "done")
        facts = self._credit()._approval_facts({"limit_changed_days"})[self._credit().id]
        self.assertIsNone(facts["limit_changed_days"])
