"""Trying a policy on facts that somebody enters: who keeps it need not be allowed to open what it governs."""

from odoo.exceptions import AccessError
from odoo.tests.common import Form, tagged

from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestPolicyTry(SalesCase):
    @classmethod
    def _sales_rules(cls):
        return [
            *super()._sales_rules(),
            ("Of the site", "require", [("site", "in", ""), ("rush", "is_true")], ["Finance"]),
            ("Bolts", "require", [("categories", "any_of", ""), ("customer_tier", "in", ["strategic"])], ["Finance"]),
        ]

    @classmethod
    def _make_version(cls, *arguments, **values):
        version = super()._make_version(*arguments, **values)
        conditions = version.rule_ids.condition_ids
        conditions.filtered(lambda condition: condition.fact == "site").warehouse_ids = cls.warehouse
        conditions.filtered(lambda condition: condition.fact == "categories").category_ids = cls.category
        return version

    def _form(self, user=None):
        trial = self.env["distribution.approval.try"].with_user(user or self.author)
        return Form(trial.with_context(default_version_id=self.version.id))

    def _enter(self, form, **facts):
        """Enter ``facts`` as their fields take them; the result that the form then shows."""
        for position in range(len(form.fact_ids)):
            with form.fact_ids.edit(position) as line:
                for field, value in facts.get(line.fact, {}).items():
                    if field.endswith("_ids"):
                        for record in value:
                            getattr(line, field).add(record)
                    else:
                        setattr(line, field, value)
        return form.result

    def test_the_author_tries_it_without_opening_documents(self):
        for user in (self.author, self.publisher):
            self._quotation().action_confirm()
            form = self._form(user)
            self.assertEqual((form.hindrance, form.way), ("closed", "facts"))
            self.assertFalse(form.document_ref)
            self.assertIn("is held", form.result)
            self.assertIn("Amount is not entered yet", form.result)
            plain = {
                "amount": {"value": "9000"},
                "discount_worst_line": {"value": "5"},
                "margin_percent": {"value": "20"},
                "credit_over_limit": {"value": "0"},
                "rush": {"answer": "no"},
                "customer_tier": {"option_ids": self._tier("standard")},
            }
            self.assertIn("passes without a human", self._enter(form, **plain))
            self.assertNotIn("The route", form.result)
            result = self._enter(form, amount={"value": "10000.01"})
            self.assertIn("needs approval", result)
            self.assertRegex(result, r"(?s)The route.*Stage 10: .*Sales")
            self.assertIn("is refused", self._enter(form, margin_percent={"value": "-1"}))
            self.assertIn("is held", self._enter(form, margin_percent={"value": "a lot"}))

    def _tier(self, code):
        return self.env["distribution.approval.fact.option"].search(
            [("fact", "=", "customer_tier"), ("code", "=", code)]
        )

    def test_each_type_of_fact_can_be_entered(self):
        form = self._form()
        facts = {
            "amount": {"value": "100"},
            "discount_worst_line": {"value": "0"},
            "margin_percent": {"value": "20"},
            "credit_over_limit": {"value": "0"},
            "rush": {"answer": "yes"},
            "site": {"warehouse_ids": self.warehouse},
            "categories": {"category_ids": self.category},
            "customer_tier": {"option_ids": self._tier("strategic")},
        }
        result = self._enter(form, **facts)
        self.assertRegex(result, r"(?s)needs approval.*Of the site.*Bolts")
        self.assertIn(self.warehouse.display_name, result)
        two = self._enter(form, customer_tier={"option_ids": self._tier("standard")})
        self.assertIn("Customer tier: choose one", two)

    def test_a_document_or_facts(self):
        """An auditor may open documents, and tries facts as well."""
        order = self._held_quotation()
        form = self._form(self.auditor)
        self.assertEqual((form.hindrance, form.way), (False, "document"))
        self.assertIn(order.name, form.result)
        form.way = "facts"
        self.assertNotIn(order.name, form.result)
        self.assertIn("Such a document", form.result)

    def test_names_of_records_that_are_not_theirs_stay_secret(self):
        other = self.env["res.company"].create({"name": "Other"})
        secret = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        secret.name = "Secret Site"
        trial = self.env["distribution.approval.try"].with_user(self.author).create({"version_id": self.version.id})
        line = trial.fact_ids.filtered(lambda line: line.fact == "site")
        with self.assertRaises(AccessError):
            line.warehouse_ids = secret
            trial.invalidate_recordset()
            trial.result  # noqa: B018

    def test_a_draft_that_is_not_finished_says_what_is_missing(self):
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        draft.rule_ids.condition_ids.filtered(lambda condition: condition.fact == "site").warehouse_ids = False
        trial = self.env["distribution.approval.try"].with_user(self.author)
        form = Form(trial.with_context(default_version_id=draft.id))
        self.assertIn("Of the site", form.result)
        self.assertIn("alert-warning", form.result)

    def test_there_is_no_document_yet(self):
        version = self._make_version(
            "customer_credit_note",
            "Credit notes",
            [
                ("Small", "pass", [("amount", "le", "100")], []),
                ("Large", "require", [("amount", "gt", "100")], ["Sales"]),
            ],
        )
        trial = self.env["distribution.approval.try"].with_user(self.auditor)
        form = Form(trial.with_context(default_version_id=version.id))
        self.assertEqual((form.hindrance, form.way), ("none", "facts"))
        self.assertIn("passes without a human", self._enter(form, amount={"value": "100"}))

    def test_simulated_documents_are_offered_to_those_who_may_open_them(self):
        self._held_quotation()
        seller = self._user(
            "author_who_sells", "distribution_core.group_policy_author", "sales_team.group_sale_manager"
        )
        for user, may_open in ((self.author, False), (seller, True)):
            simulations = self.env["distribution.approval.simulation"].with_user(user)
            simulation = simulations.create({"version_id": self.version.id, "company_ids": self.company.ids})
            simulation.action_run()
            self.assertEqual(set(simulation.line_ids.mapped("can_open")), {may_open})
