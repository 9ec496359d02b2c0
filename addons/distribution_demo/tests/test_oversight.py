"""The overseers find something to look at, and nothing calls out."""

from odoo.tests.common import TransactionCase, tagged

from odoo.addons.distribution_approval.engine import Unknown
from odoo.addons.distribution_approval.models.approval_policy import document_models


@tagged("post_install", "-at_install")
class TestOversight(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}

    def test_register(self):
        register = self.env["distribution.automation"].with_user(self.users["operations_manager"])
        overdue = register.search([("is_review_overdue", "=", True)])
        self.assertEqual(set(overdue.mapped("name")), {"Expedited freight policy", "Vendor bill policy"})
        failing = register.search([("health", "=", "failing")])
        self.assertEqual(failing.mapped("name"), ["Fetch the carrier's price list"])
        self.assertIn("not there", failing.last_outcome)
        self.assertGreaterEqual(len(register.search([("business_owner_id", "!=", False)])), 6)
        cases = self.env["distribution.case"].search(
            [("type_id.code", "in", ("automation_review", "automation_failing"))]
        )
        self.assertEqual(len(cases), 2)

    def test_access_review_is_under_way(self):
        review = self.env["distribution.access.review"].with_user(self.users["auditor"]).search([])
        self.assertEqual((len(review), review.state, review.responsible_id), (1, "open", self.users["auditor"]))
        self.assertFalse(review.is_overdue)
        states = set(review.line_ids.mapped("state"))
        self.assertEqual(states, {"open", "kept", "proposed"})
        conflict = review.line_ids.filtered(lambda line: line.login == "accountant" and line.conflict_text)
        self.assertIn("make a vendor acceptable and pay it", "".join(conflict.mapped("conflict_text")))

    def test_nothing_calls_out(self):
        check = self.env["distribution.approval.outside.check"].search([])
        self.assertEqual(check.state, "paused")
        self.assertFalse(self.env["distribution.approval.outside.call"].search([]))
        self.assertFalse(self.env["distribution.approval.condition"].search([("fact", "=like", "outside_%")]))
        self.assertFalse(self.env["ir.config_parameter"].sudo().get_param("distribution_core.outbound_allowed_hosts"))

    def test_every_kind_of_document_can_be_asked_about(self):
        """With every value that can be sent: it waits for the answer, or says which value is missing."""
        sources = [key for key, _label in self.env["distribution.approval.outside.input"]._fields["source"].selection]
        for document_type, model in sorted(document_models(self.env).items()):
            documents = self.env[model].sudo().search([], limit=3)
            with self.subTest(document_type):
                self.assertTrue(documents, "the demo company has one of each kind")
                check = self.env["distribution.approval.outside.check"].create(
                    {
                        "name": f"Ask about {document_type}",
                        "code": "anything",
                        "document_type": document_type,
                        "fact_type": "number",
                        "url": "https://bureau.example/",
                        "input_ids": [
                            (0, 0, {"name": source, "source": source, "required": False}) for source in sources
                        ],
                    }
                )
                check._set({"state": "active"})
                found = documents._approval_all_facts({"outside_anything"})
                for document in documents:
                    fact = found[document.id]["outside_anything"]
                    self.assertIsInstance(fact, Unknown)
                    self.assertIn("is being asked", fact.reason)
