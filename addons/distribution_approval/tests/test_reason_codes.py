"""Reason codes: each document type has its own, and a decision takes none of another type."""

import re

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import Form
from odoo.tests.common import HttpCase, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.distribution_core.tests.api_case import ApiClient
from odoo.addons.distribution_core.tests.migrations import migration_script

from ..models.approval_policy import document_models
from .link_case import LinkCase

#: How many a document type has at least, and of which outcomes there is one.
ENOUGH = 6
OUTCOMES = {"approve", "reject", "request_revision"}


@tagged("post_install", "-at_install")
class TestReasonCodes(ApiClient, LinkCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish({"reason_required": True}, link_mode="mail", link_ceiling=10000, link_hours=24, bulk_limit=0)
        cls.codes = cls.env["distribution.approval.reason"].search([("document_type", "!=", False)])
        cls.foreign = cls.codes.filtered(
            lambda code: code.document_type == "sale_order" and code.outcome == "reject"
        ).mapped("code")

    def _asked(self):
        order = self._held()
        return order, self._task(order, "Purchasing").with_user(self.manager)

    def _reason_of(self, order):
        return order.sudo().approval_request_id.decision_ids.reason_id.code

    def test_every_type_has_its_own(self):
        for document_type in document_models(self.env):
            own = self.codes.filtered(lambda code, document_type=document_type: code.document_type == document_type)
            with self.subTest(document_type):
                self.assertGreaterEqual(len(own), ENOUGH)
                self.assertEqual(set(own.mapped("outcome")) & OUTCOMES, OUTCOMES)
                self.assertEqual(len(set(own.mapped("name"))), len(own), "told apart by name")

    def test_what_is_offered_for_all_fits_all(self):
        """A return has no wrong vendor, and a count no price: such codes are those of purchase orders."""
        general = self.env["distribution.approval.reason"].search(
            [("document_type", "=", False), ("outcome", "!=", "cause")]
        )
        self.assertEqual(general.mapped("code"), ["incomplete", "authority", "other"])
        for document_type in document_models(self.env):
            with self.subTest(document_type):
                offered = general._offered(document_type, ("approve", "reject", "request_revision"))
                codes = self.codes.browse().union(*(codes for _outcome, codes in offered))
                own = codes.filtered("document_type")
                self.assertEqual(set(own.mapped("document_type")), {document_type})
                self.assertEqual((codes - own).mapped("code"), ["incomplete", "other"])
                self.assertEqual("vendor" in own.mapped("code"), document_type == "purchase_order")
                self.assertTrue(general._find("other", document_type, "reject"))
                if document_type != "purchase_order":
                    with self.assertRaisesRegex(ValidationError, "not meant for this document type"):
                        general._find("vendor", document_type, "reject")

    def test_upgrade_leaves_what_was_changed_here(self):
        reasons = [self.env.ref(f"distribution_approval.reason_{code}") for code in ("price", "vendor", "budget")]
        self.env.flush_all()
        self.cr.execute(
            "UPDATE distribution_approval_reason SET document_type = NULL, write_date = create_date WHERE id = ANY(%s)",
            ([reason.id for reason in reasons],),
        )
        self.env.invalidate_all()
        self.cr.execute(
            "UPDATE distribution_approval_reason SET write_date = create_date + interval '1 day' WHERE id = %s",
            (reasons[1].id,),
        )
        migration_script("distribution_approval", "1.4.0/post-reasons.py").migrate(self.cr, "17.0.1.3.0")
        self.env.invalidate_all()
        self.assertEqual([reason.document_type for reason in reasons], ["purchase_order", False, "purchase_order"])

    def test_upgrades_leave_them_as_they_were_made_here(self):
        data = self.env["ir.model.data"].search([("model", "=", self.codes._name), ("res_id", "in", self.codes.ids)])
        self.assertEqual(set(data.mapped("res_id")), set(self.codes.ids))
        self.assertTrue(all(data.mapped("noupdate")))

    def test_button(self):
        """The form offers those of the type and outcome, before those of all types."""
        order, task = self._asked()
        action = task.action_open_decide()
        wizard = Form(self.env[action["res_model"]].with_user(self.manager).with_context(**action["context"]))
        wizard.outcome, wizard.comment = "reject", "Enough of them"
        wizard.reason_id = self.env.ref("distribution_approval.reason_other")
        decide = wizard.save()
        domain = safe_eval(decide._fields["reason_id"].domain, decide.read(["outcome", "document_type"])[0])
        offered = self.env["distribution.approval.reason"].with_user(self.manager).search(domain)
        self.assertEqual(offered[:3].mapped("code"), ["order_stock", "order_over_contract", "order_split"])
        self.assertEqual(set(offered.mapped("document_type")), {"purchase_order", False})
        for code in (*self.foreign, "order_contract"):
            decide.reason_id = self.codes.filtered(lambda one, code=code: one.code == code)
            with self.subTest(code), self.assertRaisesRegex(ValidationError, "not meant for this document type"):
                decide.action_confirm()
        decide.reason_id = offered[0]
        decide.action_confirm()
        self.assertEqual(self._reason_of(order), "order_stock")

    def test_rpc(self):
        order, task = self._asked()
        ids = self.codes.filtered(lambda code: code.code in self.foreign).ids
        for reason in (*self.foreign, *ids, "order_contract", "nonsense", None):
            with self.subTest(reason), self.assertRaises(ValidationError):
                task.action_decide("reject", task.digest, comment="Enough of them", reason_code=reason)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        task.action_decide("reject", task.digest, comment="Enough of them", reason_code="order_stock")
        self.assertEqual(self._reason_of(order), "order_stock")

    def test_link(self):
        """The page offers those of the type; one of another type is refused there, and the link stays good."""
        order, path = self._link()
        page = self.url_open(path).text
        self.assertRegex(page, r'<div class="muted">Purchase Order</div>\s*<h1>')
        for offered, code in ((True, "order_stock"), (True, "order_quotes"), (True, "other"), (False, self.foreign[0])):
            self.assertEqual(f'value="{code}"' in page, offered, code)
        for code in (*self.foreign, "order_contract", "nonsense", ""):
            with self.subTest(code):
                page = self._answered(path, code)
                said = re.search(r'class="error" role="alert">([^<]+)<', page.text)[1]
                self.assertNotIn("reason_code", said, "said to a person")
                self.assertRegex(said, "^(The policy asks for a reason|“)")
                self.assertFalse(order.sudo().approval_request_id.decision_ids)
        page = self._answered(path, "order_contract")
        self.assertRegex(page.text, r'value="order_contract" selected', "what was chosen is not lost")
        self._answered(path, "order_stock")
        self.env.invalidate_all()
        self.assertEqual(self._reason_of(order), "order_stock")

    def _answered(self, path, reason):
        page = self.url_open(path).text
        found = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("csrf_token", "seen_digest")}
        return self.url_open(path, data={**found, "outcome": "reject", "comment": "Enough", "reason": reason})

    def test_api(self):
        groups = "base.group_user,distribution_core.group_integration,distribution_core.group_operations"
        account = new_test_user(self.env, login="t_api", groups=groups)
        operations = self.env["distribution.api.operation"].search([("name", "=", "approval-decisions")])
        key = self.env["distribution.api.key"].create(
            {
                "name": "n8n",
                "user_id": account.id,
                "company_ids": [Command.set(self.company.ids)],
                "operation_ids": [Command.set(operations.ids)],
            }
        )
        self.text = key._issue()[0]
        order, path = self._link()
        task = self._task(order, "Purchasing").sudo()
        body = {
            "task_id": task.id,
            "token": path.rsplit("/", 1)[1],
            "outcome": "reject",
            "seen_digest": task.digest,
            "comment": "Enough of them",
        }
        for code in (*self.foreign, "order_contract", "nonsense"):
            with self.subTest(code):
                answer = self.post("approval-decisions", {**body, "reason_code": code})
                self.assertProblem(answer, 422, "not-applicable")
        self.assertProblem(self.post("approval-decisions", body), 422, "not-applicable")
        answer = self.post("approval-decisions", {**body, "reason_code": "order_stock"})
        self.assertEqual(self.assertAnswer(answer, 200)["result"]["request_state"], "rejected")
        self.env.invalidate_all()
        self.assertEqual(self._reason_of(order), "order_stock")
