"""Monitored rules report what they would have done; policies are reviewed by who did not write them."""

from datetime import timedelta

import psycopg2
from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from ..models.approval_policy import day_of
from .common import ApprovalCase

CERTIFICATION = "distribution.approval.certification"


@tagged("post_install", "-at_install")
class TestMonitoredRules(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        draft = cls.version.policy_id.with_user(cls.author)._draft_next_version()
        draft.write(
            {
                "rule_ids": [
                    Command.create(
                        {
                            "sequence": 200 + number,
                            "name": name,
                            "outcome": "refuse",
                            "mode": "monitor",
                            "condition_ids": [Command.create({"fact": "amount", "operator": "gt", "value": limit})],
                        }
                    )
                    for number, (name, limit) in enumerate((("Over 1,500", "1500"), ("Never", "900000")))
                ]
            }
        )
        cls._publish(draft)
        cls.version = draft

    def _confirm(self, amount):
        vendor = self.env["res.partner"].create({"name": "V", "vendor_status": "approved"})
        self._make_contract(vendor, self.product, 10.0)
        order = self._order(amount, vendor=vendor)
        order.button_confirm()
        return order

    def test_a_month_later(self):
        small, passed, held = self._confirm(1000), self._confirm(2000), self._confirm(3000)
        self.assertEqual((passed.state, held.state), ("purchase", "to approve"), "monitored rules decide nothing")
        self.env.flush_all()
        rows = self.env["distribution.approval.monitored"].with_user(self.auditor).search([])
        self.assertEqual(set(rows.mapped("res_id")), {passed.id, held.id})
        self.assertNotIn(small.id, rows.mapped("res_id"))
        row = rows.filtered(lambda row: row.res_id == passed.id)
        self.assertEqual(
            (row.rule_name, row.would, row.decided, row.stricter, row.amount, row.rule_words),
            ("Over 1,500", "refuse", "pass", True, 2000, "Amount > 1,500"),
        )
        self.assertEqual(rows.filtered(lambda row: row.res_id == held.id).decided, "require")
        self.assertEqual(
            [
                (rule.name, count, amount, stricter)
                for rule, count, amount, stricter in self.version._monitored_report()
            ],
            [("Over 1,500", 2, 5000, 2), ("Never", 0, 0, 0)],
        )
        # Asked again, the document still counts once, with what it is now.
        held.order_line.product_qty = 310
        self.env.flush_all()
        again = self.env["distribution.approval.monitored"].search([("res_id", "=", held.id)])
        self.assertEqual((len(again), again.amount), (1, 3100))
        versions, cases = self.env["distribution.approval.policy.version"], self.env["distribution.case"]
        domain = [("type_id.code", "=", "monitored_rules_report")]
        versions._cron_report_monitored()
        self.assertFalse(cases.search(domain))
        for days in (40, 41, 90):  # the job missed its day, and runs again
            with freeze_time(fields.Datetime.now() + timedelta(days=days)):
                versions._cron_report_monitored()
        case = cases.search(domain)
        self.assertEqual((len(case), case.res_id, case.user_id), (1, self.version.id, self.version.policy_id.owner_id))
        self.assertIn("“Over 1,500” (Amount > 1,500, is refused): 2 documents worth 5,100.00", case.description)
        self.assertIn("“Never” (Amount > 900,000, is refused): 0 documents", case.description)

    def test_who_reads(self):
        self._confirm(2000)
        for user in (self.author, self.publisher, self.auditor):
            self.assertTrue(self.env["distribution.approval.monitored"].with_user(user).search([]))
        for user in (self.buyer, self.employee):
            with self.assertRaises(AccessError):
                self.env["distribution.approval.monitored"].with_user(user).search([])


@tagged("post_install", "-at_install")
class TestPolicyReview(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.version.policy_id
        cls.owner = cls.finance
        cls.policy.owner_id = cls.owner

    def _certify(self, user, outcome="confirmed", comment="", digest=None, months=None):
        return self.policy.with_user(user)._certify(outcome, digest or self.version.digest, comment, months)

    def test_owner_or_publisher_certifies(self):
        today = day_of(self.company, fields.Datetime.now())
        published = day_of(self.company, self.version.published_at)
        self.assertEqual(self.policy.review_date, published + relativedelta(months=12))
        self.assertTrue(self.policy.with_user(self.owner).can_certify)
        action = self.policy.with_user(self.owner).action_open_certify()
        wizard = (
            self.env["distribution.approval.certify"]
            .with_user(self.owner)
            .with_context(**action["context"])
            .create({"months": 6, "comment": "Read with purchasing"})
        )
        wizard.action_certify()
        certification = self.policy.certification_ids
        self.assertEqual(
            (certification.user_id, certification.version_id, certification.digest, certification.outcome),
            (self.owner, self.version, self.version.digest, "confirmed"),
        )
        self.assertEqual((self.policy.review_months, self.policy.review_date), (6, today + relativedelta(months=6)))
        self._certify(self.publisher, "revise", "Limits are too low")
        self.assertEqual(self.policy.review_date, today + relativedelta(months=1))
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.approval_policy.certified.v1"), ("res_id", "=", self.policy.id)]
        )
        self.assertEqual(len(events), 2)

    def test_a_year_begins_with_the_day_where_the_company_works(self):
        self.company.resource_calendar_id.tz = "America/New_York"
        with freeze_time("2022-03-01 02:00:00"):  # the last of February in New York
            draft = self.policy.with_user(self.author)._draft_next_version()
            draft.rule_ids[:1].name = "As before"
            self._publish(draft)
        self.assertEqual(str(self.policy.review_date), "2023-02-28")

    def test_overdue_shows_and_opens_one_case(self):
        policies = self.env["distribution.approval.policy"]
        domain = [("type_id.code", "=", "policy_review_overdue")]
        policies._cron_review_overdue()
        self.assertFalse(self.env["distribution.case"].search(domain))
        self.assertFalse(self.policy.review_overdue)
        with freeze_time(fields.Datetime.now() + timedelta(days=400)):
            self.policy.invalidate_recordset()
            self.assertTrue(self.policy.review_overdue)
            self.assertIn(self.policy, policies.search([("review_overdue", "=", True)]))
            self.assertNotIn(self.policy, policies.search([("review_overdue", "=", False)]))
            policies._cron_review_overdue()
            policies._cron_review_overdue()
            case = self.env["distribution.case"].search(domain)
            self.assertEqual((len(case), case.user_id), (1, self.owner))
            case.write({"resolution": "Seen", "state": "resolved"})
            policies._cron_review_overdue()
            self.assertEqual(self.env["distribution.case"].search_count(domain), 1)
            self._certify(self.owner)
            self.policy.invalidate_recordset()
            self.assertFalse(self.policy.review_overdue)
        self.assertEqual(self.version.state, "published", "an overdue policy stays in force")

    # --------------------------------------------------------------- attacks

    def test_the_register_knows(self):
        register = self.env["distribution.automation"].sudo()
        register._sync()
        row = register.search([("res_model", "=", self.policy._name), ("res_id", "=", self.policy.id)])
        row.review_date = fields.Date.today() - relativedelta(days=1)
        self.assertTrue(row.is_review_overdue)
        certification = self._certify(self.owner)
        self.assertEqual((row.review_date, row.reviewed_by_id), (certification.next_review, self.owner))
        self.assertFalse(row.is_review_overdue)
        row.business_owner_id = False
        register._cron_sync()
        case = self.env["distribution.case"].sudo().search([("dedup_key", "=", "automation_unowned")])
        self.assertIn(self.policy.name, case.description)

    def test_who_cannot_certify(self):
        admin, root = self.env.ref("base.user_admin"), self.env.ref("base.user_root")
        for user in (self.author, self.buyer, self.auditor, self.employee, self.manager, admin, root):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._certify(user)
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.policy.with_user(user).sudo()._certify("confirmed", self.version.digest)
        # The author as owner, and the author as publisher.
        self.policy.with_user(self.author).owner_id = self.author
        with self.assertRaisesRegex(AccessError, "somebody else"):
            self._certify(self.author)
        draft = self._make_policy()
        with self.assertRaisesRegex(UserError, "Another version"):
            self._certify(self.publisher, digest=draft.draft_digest)

    def test_what_is_said(self):
        for values in (
            {"outcome": "fine"},
            {"outcome": "revise"},
            {"outcome": "retire", "comment": "   "},
            {"months": 25},
            {"months": -1},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self._certify(self.owner, **values)

    def test_certifications_are_evidence(self):
        certification = self._certify(self.owner)
        self.env.flush_all()
        values = {
            "policy_id": self.policy.id,
            "version_id": self.version.id,
            "digest": self.version.digest,
            "user_id": self.owner.id,
            "certified_at": fields.Datetime.now(),
            "outcome": "confirmed",
            "next_review": fields.Date.today() + timedelta(days=9999),
        }
        for user in (self.author, self.publisher, self.owner, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env[CERTIFICATION].with_user(user).create(values)
            with self.subTest(user.login), self.assertRaises(AccessError):
                certification.with_user(user).write({"outcome": "retire"})
            with self.subTest(user.login), self.assertRaises(AccessError):
                certification.with_user(user).unlink()
        for statement in (
            "UPDATE distribution_approval_certification SET user_id = 1 WHERE id = %s",
            "DELETE FROM distribution_approval_certification WHERE id = %s",
        ):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.RestrictViolation), self.cr.savepoint():
                self.cr.execute(statement, [certification.id])

    def test_the_date_is_not_put_off(self):
        for values in ({"review_date": "2099-01-01"}, {"review_months": 24}, {"review_months": 13}):
            with self.subTest(values), self.assertRaises(UserError):
                self.policy.with_user(self.author).write(values)
        self.policy.with_user(self.author).review_months = 6
        published = day_of(self.company, self.version.published_at)
        self.assertEqual(self.policy.review_date, published + relativedelta(months=6))
