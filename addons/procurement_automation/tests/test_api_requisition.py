"""Requisitions over the API: once per channel and reference, judged like any other."""

from odoo import Command
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.tests.api_case import ApiClient

from .test_requisition import REQUISITION, RequisitionCase

PATH = "requisitions"


@tagged("post_install", "-at_install")
class TestApiRequisition(ApiClient, RequisitionCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = new_test_user(
            cls.env, login="t_intranet", groups="base.group_user,distribution_core.group_integration"
        )
        cls.product.default_code = "BOLT"
        operations = cls.env["distribution.api.operation"].search([("name", "=", PATH)])
        key = cls.env["distribution.api.key"].create(
            {
                "name": "Intranet",
                "user_id": cls.account.id,
                "company_ids": [Command.set(cls.company.ids)],
                "operation_ids": [Command.set(operations.ids)],
                "per_minute": 10_000,
                "burst": 1_000,
            }
        )
        cls.text = key._issue()[0]

    def _body(self, **values):
        return {
            "channel": "intranet",
            "reference": "REQ-88",
            "requester": {"login": "t_requester"},
            "site": {"code": self.branch.code},
            "needed_by": "2199-12-15",
            "reason": "Stock for the winter",
            "lines": [
                {"product": {"code": "BOLT"}, "quantity": 20, "expected_price": 10},
                {"description": "Something to clean oil", "quantity": 1, "expected_price": 5},
            ],
            **values,
        }

    def test_a_requisition(self):
        self.assertTrue(self.env["distribution.api.operation"].search([("name", "=", PATH)]).is_acted_on)
        result = self.assertAnswer(self.post(PATH, self._body()), 200)["result"]
        requisition = self.env[REQUISITION].browse(result["requisition_id"])
        self.assertEqual((result["state"], result["is_new"]), ("approved", True))
        self.assertEqual([line["status"] for line in result["lines"]], ["approved", "approved"])
        self.assertEqual((requisition.requester_id, requisition.create_uid), (self.requester, self.account))
        self.assertEqual((requisition.warehouse_id, requisition.amount), (self.branch, 205))
        self.assertEqual(requisition.with_user(self.requester).line_ids.mapped("quantity"), [20, 1])
        again = self.assertAnswer(self.post(PATH, self._body()), 200)["result"]
        self.assertEqual({**again, "is_new": True}, result)
        self.assertEqual(self.env[REQUISITION].search_count([("channel_reference", "=", "REQ-88")]), 1)
        self.assertProblem(self.post(PATH, self._body(reason="For the summer")), 409, "conflict")

    def test_it_is_judged(self):
        body = self._body(reference="REQ-89", lines=[{"product": {"code": "BOLT"}, "quantity": 20}])
        result = self.assertAnswer(self.post(PATH, body), 200)["result"]
        requisition = self.env[REQUISITION].browse(result["requisition_id"])
        self.assertEqual((result["state"], requisition.approval_state), ("to_approve", "pending"))
        self._decide(requisition, "Purchasing", self.manager)
        self._resume(requisition)
        self.assertEqual(requisition.state, "approved")

    def test_what_is_not_known_here(self):
        for values, pointer in (
            ({"requester": {"login": "nobody"}}, "/requester/login"),
            ({"site": {"code": "NOWHERE"}}, "/site/code"),
            ({"lines": [{"product": {"code": "NUT"}, "quantity": 1}]}, "/lines/0/product/code"),
        ):
            problem = self.assertProblem(self.post(PATH, self._body(reference="X", **values)), 422, "not-applicable")
            self.assertEqual(problem["errors"][0]["pointer"], pointer)
        self.assertFalse(self.env[REQUISITION].search([("channel_reference", "=", "X")]))
