"""The account owner of a customer is informed of what is asked about the customer, and decides nothing."""

import json

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import check_access

from .delivery_case import DeliveryCase

VERSION = "distribution.approval.policy.version"


@tagged("post_install", "-at_install")
class TestAccountOwner(DeliveryCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.owner = cls._user("account_owner", "distribution_approval.group_informed")
        cls.bookkeeper = cls._user("bookkeeper", "account.group_account_manager", "base.group_partner_manager")

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.customer.user_id = cls.owner
        cls.contact = cls.env["res.partner"].create(
            {"name": "Site office", "parent_id": cls.customer.id, "user_id": cls.seller_2.id}
        )

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT", document_type="delivery_hold"):
        version = cls._make_version(document_type, document_type, [("Always", "require", [], ["Operations"])])
        version.rule_ids.informed_ids = [Command.create({"kind": "account_owner"})]
        return version

    def _govern_also(self, document_type):
        self._publish(self._make_policy(document_type=document_type))
        self._switch_on(document_type)

    def _owners(self, document):
        return document.sudo()._approval_context()["account_owner"]

    def assertInformed(self, document, *people):
        request = document.sudo().approval_request_id
        self.assertEqual(request.state, "pending")
        self.assertEqual(request.informed_ids, self.env["res.users"].union(*people))
        self.assertNotIn(self.owner, request.task_ids.user_ids)
        return request

    def assertReads(self, *records):
        """The account owner reads these, and writes none of them."""
        self.env.invalidate_all()
        for record in records:
            mine = record.with_user(self.owner).sudo(False)
            self.assertTrue(mine.read([record._rec_name or "id"]))
            with self.assertRaises(AccessError):
                check_access(mine, "write")

    def test_sale_order(self):
        """Whoever sold it to whichever contact: who answers for the company is informed."""
        self._govern_also("sale_order")
        order = self._quotation(partner_id=self.contact.id, user_id=self.seller.id)
        self.assertFalse(order.with_user(self.owner).search([("id", "=", order.id)]))
        before = self.env["mail.message"].search([], order="id desc", limit=1).id
        order.action_confirm()
        request = self.assertInformed(order, self.owner)
        notice = self.env["mail.message"].search([("id", ">", before), ("body", "ilike", "For your information")])
        self.assertEqual(notice.notified_partner_ids, self.owner.partner_id)
        self.assertEqual(order.with_user(self.owner).read(["amount_untaxed"])[0]["amount_untaxed"], 100)
        task = request.task_ids
        with self.assertRaises(AccessError):
            task.with_user(self.owner).action_decide("approve", task.digest)
        self._decide(order, "Operations", self.operations)
        self.assertEqual(order.approval_state, "approved")

    def test_without_an_owner_the_salesperson(self):
        self._govern_also("sale_order")
        for values in ({"user_id": False}, {"user_id": self._archived().id}):
            self.customer.write(values)
            order = self._quotation(user=self.sales_manager, user_id=self.seller_2.id)
            order.action_confirm()
            self.assertInformed(order, self.seller_2)

    def _archived(self):
        left = self._user("left_owner")
        left.active = False
        return left

    def test_deliveries(self):
        """Of a warehouse that knows no customers; the order names somebody else."""
        self._govern_also("credit_release")
        picking = self._delivery(user_id=self.seller.id)
        with self.assertRaises(AccessError):
            picking.with_user(self.owner).read(["name"])
        picking.button_validate()
        for document_type in ("delivery_hold", "credit_release"):
            document = self._hold(picking, document_type)
            with self.subTest(document_type):
                self.assertInformed(document, self.owner)
                self.assertReads(document, picking)
        other = self._delivery(user_id=self.seller.id)
        with self.assertRaises(AccessError):
            other.with_user(self.owner).read(["name"])
        self.customer.user_id = False
        self.assertEqual(self._owners(self._hold(picking)), [(self.customer, self.seller)])

    def test_returns_credit_notes_and_freight(self):
        for document_type in ("customer_return", "customer_credit_note", "freight_request"):
            self._govern_also(document_type)
        self._switch_off()
        order = self._order_of(user_id=self.seller.id)
        delivery = order.sudo().picking_ids.with_user(self.clerk)
        delivery.sudo().action_assign()
        delivery.button_validate()
        receipt = self._taken_back(delivery.with_env(self.env), 1)
        receipt.with_user(self.clerk).button_validate()
        invoice = order.sudo()._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves()
        refund.invoice_date = fields.Date.today()
        refund.with_user(self.accountant).action_post()
        freight = (
            self.env["distribution.freight.request"]
            .with_user(self.seller)
            .create({"sale_id": order.id, "amount": 50, "reason_code": "customer"})
        )
        freight.action_authorise()
        documents = (receipt.customer_return_ids, refund.credit_note_document_ids, freight)
        for document in documents:
            with self.subTest(document._name):
                self.assertInformed(document, self.owner)
                self.assertReads(document, document._approval_form())
        self.customer.user_id = False
        for document in documents:
            with self.subTest(document._name):
                self.assertEqual(self._owners(document), [(self.customer, self.seller)])

    def test_no_authority_to_decide(self):
        """Whoever edits contacts names the account owner: no rule asks the owner for a decision."""
        kinds = dict(self.env["distribution.approval.stage"]._fields["approver_kind"]._description_selection(self.env))
        self.assertNotIn("account_owner", kinds)
        draft = self._make_policy(document_type="customer_return")
        with self.assertRaises(ValueError):
            draft.rule_ids.stage_ids.write({"approver_kind": "account_owner", "group_id": False})
        text = self.version._export_yaml().replace("kind: group", "kind: account_owner", 1)
        with self.assertRaises(UserError) as refused:
            self.env[VERSION].with_user(self.author)._import_yaml(text)
        self.assertIn("“account_owner” is no kind of approver here", str(refused.exception))

    def test_documents_of_a_vendor_have_none(self):
        draft = self._make_version("purchase_order", "Orders", [("Always", "require", [], ["Operations"])])
        with self.assertRaises(ValidationError) as refused:
            draft.rule_ids.informed_ids = [Command.create({"kind": "account_owner"})]
        self.assertIn("Purchase Order has no customer", str(refused.exception))

    def test_a_role_that_a_document_lacks_is_nobody(self):
        """A vendor change has no site: who decides instead is the fallback, and asking does not fail."""
        version = self._make_version("vendor_change", "Changes", [("Always", "require", [], ["Operations"])])
        version.rule_ids.stage_ids.write({"approver_kind": "warehouse_manager", "group_id": False})
        self._publish(version)
        self._switch_on("vendor_change")
        change = (
            self.env["distribution.vendor.change"]
            .with_user(self.bookkeeper)
            .create(
                {
                    "partner_id": self.vendor.id,
                    "kind": "payment_terms",
                    "reason": "The vendor wrote",
                    "new_payment_term_id": self.env["account.payment.term"].create({"name": "60 days"}).id,
                }
            )
        )
        change.action_propose()
        self.assertEqual(change.sudo().approval_request_id.task_ids.user_ids, self.fallback)

    def test_file_and_words(self):
        text = self.version._export_yaml()
        self.assertIn("kind: account_owner", text)
        imported = self.env[VERSION].with_user(self.author)._import_yaml(text)
        self.assertEqual(imported._export_yaml(), text)
        self.assertEqual(imported.rule_ids.informed_ids.kind, "account_owner")
        self.assertEqual(imported._difference(self.version), ())
        demands = json.loads(self.version._freeze())["rules"][0]
        self.assertIn("account_owner", json.dumps(demands))
        imported.rule_ids.informed_ids.unlink()
        self.assertIn("Account owner of the customer", str(imported._difference(self.version)))
