"""No ceiling in an amount covers what has no amount: by link, together with others, as a substitute."""

from odoo.exceptions import AccessError
from odoo.tests.common import HttpCase, tagged

from odoo.addons.distribution_core.tests.migrations import migration_script

from ..engine import Unknown
from .delivery_case import DeliveryCase
from .goods_case import GoodsCase
from .link_case import LinkCase
from .test_delegation import DelegationCase
from .vendor_case import BELGIAN, VendorCase

TERMS = {"link_mode": "mail", "link_ceiling": 1_000_000, "bulk_limit": 1_000_000}


class NoAmountCase(DelegationCase, LinkCase, HttpCase):
    @classmethod
    def _publish(cls, version):
        version.write(TERMS)
        return super()._publish(version)

    def assertNoCeilingCovers(self, document, stage, person):
        """The task waits for ``person`` in their own session, and for nobody else."""
        request = document.sudo().approval_request_id
        self.assertEqual((request.state, request.amount_known), ("pending", False))
        task = self._task(document, stage)
        limited = self._delegate(person, self.deputy, ceiling=1_000_000)
        self.assertNotIn(task, self._inbox(self.deputy))
        with self.assertRaises(AccessError), self.cr.savepoint():
            self._decide(document, stage, self.deputy)
        limited.with_user(person).action_end()
        problem = task.with_user(person).action_approve_together({task.id: task.digest})[str(task.id)]
        self.assertIn("value is not known", problem)
        _document, path = self._link(order=document)
        self.assertEqual(set(task.link_ids.mapped("login_required")), {True})
        page = self.url_open(path)
        self.assertEqual(page.status_code, 401)
        self.url_open(path, data={"csrf_token": "x", "outcome": "approve", "seen_digest": task.digest})
        self.assertFalse(request.decision_ids)

    def assertDelegatedWithoutCeiling(self, document, stage, person):
        self._delegate(person, self.deputy, by=self.administrator, grants_authority=True, reason="On leave")
        self.assertIn(self._task(document, stage), self._inbox(self.deputy))
        self._decide(document, stage, self.deputy)
        self.assertEqual(document.sudo().approval_request_id.decision_ids.user_id, self.deputy)


@tagged("post_install", "-at_install")
class TestDeliveryWithoutRate(NoAmountCase, DeliveryCase):
    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        """It asks for no amount: what is not known holds nothing."""
        rules = [
            ("Set by hand", "require", [("hand_set_reason", "in", ["payment"])], ["Operations"]),
            # Whoever stands in has authority for holds.
            ("Doubts", "require", [("hand_set_reason", "in", ["quality"])], ["Categories"]),
        ]
        return cls._make_version("delivery_hold", "Delivery holds", rules, hit_policy)

    def _in_currency(self, *rates):
        currency = self.env["res.currency"].create({"name": "XNR", "symbol": "X"})
        for rate in rates:
            self.env["res.currency.rate"].create(
                {"currency_id": currency.id, "rate": rate, "name": self.today, "company_id": self.company.id}
            )
        pricelist = self.env["product.pricelist"].create({"name": "Export", "currency_id": currency.id})
        picking = self._delivery(hold="payment", pricelist_id=pricelist.id)
        picking.button_validate()
        return self._hold(picking)

    def test_without_a_rate(self):
        hold = self._in_currency()
        self.assertEqual(hold.sudo().approval_request_id.amount, 0)
        self.assertNoCeilingCovers(hold, "Operations", self.operations)
        self.assertDelegatedWithoutCeiling(hold, "Operations", self.operations)

    def test_what_is_not_known_adds_up_to_what_is_not_known(self):
        hold = self._in_currency()
        credit = self.customer._approval_credit(self.company)[self.customer.id]
        self.assertIsInstance(credit.exposure(), Unknown)
        self.assertIsInstance(hold.sudo()._approval_order_value(), Unknown)

    def test_with_a_rate(self):
        hold = self._in_currency(2.0)
        request = hold.sudo().approval_request_id
        self.assertEqual((request.amount, request.amount_known), (50, True))
        self._delegate(self.operations, self.deputy, ceiling=1000)
        task = self._task(hold, "Operations")
        self.assertIn(task, self._inbox(self.deputy))
        self.assertFalse(task.with_user(self.deputy).action_approve_together({task.id: task.digest})[str(task.id)])
        self.assertTrue(self._resume(hold))

    def test_requests_from_before(self):
        """Known is what had an amount; what had none stays above every ceiling."""
        script = migration_script("distribution_approval", "1.2.0/post-amount_known.py")
        known = self._in_currency(2.0).sudo().approval_request_id
        picking = self._delivery(hold="payment")
        picking.button_validate()
        unknown = self._hold(picking).sudo().approval_request_id
        self.env.flush_all()
        self.cr.execute("UPDATE distribution_approval_request SET amount_known = NULL")
        self.cr.execute("UPDATE distribution_approval_request SET amount = 0 WHERE id = %s", unknown.ids)
        script.migrate(self.cr, "17.0.1.1.0")
        self.env.invalidate_all()
        self.assertEqual((known.amount_known, unknown.amount_known), (True, False))


@tagged("post_install", "-at_install")
class TestVendorChangeHasNoValue(NoAmountCase, VendorCase):
    def test_a_bank_account(self):
        change = self._change("account_new", account_number=BELGIAN, new_trusted=True)
        self.assertNoCeilingCovers(change, "Finance", self.finance)
        self.assertDelegatedWithoutCeiling(change, "Finance", self.finance)

    def test_what_is_open_now_is_not_its_value(self):
        self._bill().action_post()
        self.assertNoCeilingCovers(
            self._change("payment_terms", new_payment_term_id=self.terms_60.id), "Purchasing", self.manager
        )


@tagged("post_install", "-at_install")
class TestGoodsWithoutCost(NoAmountCase, GoodsCase):
    document_types = ("inventory_adjustment",)

    @classmethod
    def _goods_rules(cls, document_type):
        return [
            *super()._goods_rules(document_type),
            ("Without cost", "require", [("without_cost", "is_true", False)], "Controlling"),
        ]

    def test_a_count(self):
        sample = self._make_stocked("Sample", 0, 0)
        quants = self.env["stock.quant"].with_user(self.chief).with_context(inventory_mode=True)
        quant = quants.create({"product_id": sample.id, "location_id": self.stock.id, "inventory_quantity": 40})
        quant.approval_reason_id = self.cause
        quant.action_apply_inventory()
        adjustment = self._adjustment(quant)
        self.assertNoCeilingCovers(adjustment, "Controlling", self.controller)
