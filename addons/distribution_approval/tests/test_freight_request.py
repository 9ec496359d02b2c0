"""Expedited freight: small costs pass, the rest is decided; nothing is authorised around that."""

from odoo import SUPERUSER_ID
from odoo.exceptions import RedirectWarning, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .document_case import DocumentCase


@tagged("post_install", "-at_install")
class TestFreightRequest(DocumentCase):
    document_type = "freight_request"

    @classmethod
    def _rules(cls):
        return [
            ("Small", "pass", [("amount", "le", "100"), ("earlier_requests", "le", "0")], []),
            ("Above 100", "require", [("amount", "gt", "100")], ["Purchasing"]),
            ("More than a tenth of the order", "require", [("percent_of_order", "gt", "10")], ["Finance"]),
            ("Again", "require", [("earlier_requests", "gt", "0")], ["Purchasing"]),
            ("Planned too late", "require", [("freight_reason", "in", ["planning"])], ["Operations"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.seller = new_test_user(
            cls.env, login="t_seller", groups="base.group_user,sales_team.group_sale_salesman_all_leads"
        )

    @classmethod
    def _govern(cls):
        super()._govern()
        cls.order = cls.env["purchase.order"].create(
            {
                "partner_id": cls.vendor.id,
                "order_line": [(0, 0, {"product_id": cls.product.id, "product_qty": 200, "price_unit": 10})],
            }
        )
        cls.order.button_confirm()

    def _request(self, amount=50, user=None, **values):
        return (
            self.env["distribution.freight.request"]
            .with_user(user or self.buyer)
            .create({"purchase_id": self.order.id, "amount": amount, "reason_code": "late_supplier", **values})
        )

    def _held_request(self, amount=150, **values):
        request = self._request(amount, **values)
        request.action_authorise()
        self.assertEqual((request.state, request.approval_state), ("to_approve", "pending"))
        return request

    def assertNotAuthorised(self, request):
        request.invalidate_recordset()
        self.assertNotIn(request.sudo().state, request._approval_guarded_states)
        self.assertFalse(self._releases(request))

    def test_small_costs_pass(self):
        request = self._request(50)
        self.assertTrue(request.name.startswith("EF"))
        self.assertEqual(request.percent_of_order, 2.5)
        request.action_authorise()
        self.assertEqual((request.state, request.approval_state), ("authorised", "passed"))
        request.action_ship()
        self.assertEqual(request.state, "shipped")
        self._commit()

    def test_stored_total_of_the_order_does_not_decide(self):
        self.order.write({"amount_untaxed": 1e6, "amount_total": 1e6})
        self._commit()
        request = self._held_request(250)
        self.assertEqual(request.percent_of_order, 12.5)
        self.assertIn("Finance", request.sudo().approval_request_id.task_ids.mapped("name"))

    def test_splitting_is_seen(self):
        self._request(50).action_authorise()
        second = self._request(60, purchase_id=False, picking_id=self.order.picking_ids[:1].id)
        second.action_authorise()
        self.assertEqual(second.state, "to_approve")

    def test_approval(self):
        request = self._held_request(300, reason_code="planning")
        tasks = request.sudo().approval_request_id.task_ids
        self.assertEqual(set(tasks.mapped("name")), {"Purchasing", "Finance", "Operations"})
        self.assertEqual(request.with_user(self.finance).percent_of_order, 15, "an approver reads what they judge")
        task = tasks.filtered(lambda task: task.name == "Finance").with_user(self.finance)
        self.assertIn(self.order.name, task.standing)
        self.assertIn("15.0 %", " ".join(str(task.standing).split()))
        self.assertNotIn("planning", task.content_text, "words for people")
        self.assertNotIn("Sales Order", task.content_text, "what it is not linked to is not shown")
        for name, user in (("Purchasing", self.manager), ("Finance", self.finance), ("Operations", self.operations)):
            self._decide(request, name, user)
        self.assertTrue(self._resume(request))
        self.assertEqual((request.state, request.approval_state), ("authorised", "released"))

    def test_change_after_approval_is_an_amendment(self):
        request = self._held_request()
        self._decide(request, "Purchasing", self.manager)
        self._resume(request)
        with self.assertRaises(RedirectWarning):
            request.amount = 200
        self.assertEqual(request.amount, 150)
        request.carrier_reference = "JD0002"  # normal work
        amendments = self.env["distribution.approval.amendment"].with_user(self.buyer)
        amendments._propose(request, {"amount": 180}, "Surcharge")
        self.assertEqual(request.amount, 150, "the old cost stays in force")
        self._decide(request, "Purchasing", self.manager)
        self._resume(request)
        self.assertEqual(request.amount, 180)

    def test_rejection_change_and_duplicate(self):
        request = self._held_request()
        self._decide(request, "Purchasing", self.manager, "reject", comment="Wait for the normal lorry")
        self.assertEqual((request.state, request.approval_state), ("draft", "rejected"))
        with self.assertRaises(UserError):
            request.action_authorise()
        request.amount = 90
        request.action_authorise()
        self.assertEqual(request.state, "authorised")
        twin = request.copy()
        self.assertEqual((twin.state, twin.approval_state), ("draft", False))

    def test_cancelling(self):
        request = self._held_request()
        request.action_cancel()
        self.assertEqual(request.sudo().approval_request_id.state, "void")
        request.action_draft()
        request.action_authorise()
        self.assertEqual(request.state, "to_approve")
        passed = self._request(20, purchase_id=False, sale_id=self._sale().id)
        passed.action_authorise()
        passed.action_cancel()
        self.assertFalse(self._releases(passed), "what was authorised counts no more")
        with self._refused():
            passed.write({"state": "authorised"})

    def _sale(self):
        return self.env["sale.order"].create(
            {
                "partner_id": self.env["res.partner"].create({"name": "Customer"}).id,
                "order_line": [(0, 0, {"product_id": self.product.id, "product_uom_qty": 10, "price_unit": 15})],
            }
        )

    def test_from_a_sales_order(self):
        sale = self._sale()
        sale.action_confirm()
        action = sale.with_user(self.seller).action_freight_requests()
        form = Form(self.env[action["res_model"]].with_user(self.seller).with_context(**action["context"]))
        form.amount = 20
        form.reason_code = "customer"
        request = form.save()
        self.assertEqual((request.sale_id, request.partner_id), (sale, sale.partner_id))
        request.action_authorise()
        self.assertEqual(request.approval_state, "pending", "13 % of the order")
        sale.invalidate_recordset()
        self.assertEqual(sale.freight_request_count, 1)
        with self.assertRaises(ValidationError):
            self._request(purchase_id=False)

    def test_attacks(self):
        requests = self.env["distribution.freight.request"]
        values = {"purchase_id": self.order.id, "amount": 5000, "reason_code": "other"}
        for state in requests._approval_guarded_states:
            for actor in (self.buyer, self.manager, self.env.ref("base.user_admin")):
                for request in (self._request(50), self._held_request()):
                    with self._refused():
                        request.with_user(actor).write({"state": state})
                    with self._refused():
                        request.with_user(actor).sudo().write({"state": state})
                    with self._refused():
                        request.with_user(SUPERUSER_ID).update({"state": state})
                    with self._refused():
                        request.with_user(actor).with_context(default_state=state).sudo().copy({"state": state})
                    self.assertNotAuthorised(request)
                with self._refused():
                    requests.with_user(actor).sudo().create({**values, "state": state})
                with self._refused():
                    requests.with_user(actor).sudo().with_context(default_state=state).create(values)
            loaded = requests.with_user(self.buyer).load(
                ["purchase_id/.id", "amount", "reason_code", "state"], [[str(self.order.id), "5000", "other", state]]
            )
            self.assertFalse(loaded["ids"])

    def test_authorised_cheap_then_made_dear(self):
        request = self._request(50)
        request.action_authorise()
        for values in ({"amount": 5000}, {"currency_id": self.env.ref("base.KWD").id}, {"reason_code": "customer"}):
            with self._refused():
                request.write(values)
            with self._refused():
                request.sudo().write(values)
        held = self._held_request(150, reason_code="other")
        self._decide(held, "Purchasing", self.manager)
        held.amount = 5000  # before it was released
        self._resume(held)
        self.assertNotAuthorised(held)

    def test_nothing_is_asked_where_it_is_not_governed(self):
        self._ungovern()
        request = self._request(5000)
        request.action_authorise()
        self.assertEqual((request.state, request.approval_state), ("authorised", False))
        request.amount = 6000
