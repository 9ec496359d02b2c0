"""Access reviews: found, certified by a person, revoked by two, exported."""

import base64
import csv
import io
import json
import zipfile

import psycopg2
from freezegun import freeze_time
from lxml import etree
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase

REVIEW, LINE = "distribution.access.review", "distribution.access.review.line"


@tagged("post_install", "-at_install")
class TestAccessReview(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.administrators = [
            new_test_user(
                cls.env, login=f"t_review_{number}", groups="base.group_user,distribution_core.group_administrator"
            )
            for number in range(2)
        ]
        cls.first, cls.second = cls.administrators
        cls.publisher.write({USER_GROUPS: [Command.link(cls.env.ref("distribution_core.group_policy_author").id)]})
        cls.publisher.name = "=cmd|'/c calc'!A1"
        cls.review = cls.env[REVIEW]._generate(cls.company)
        cls.env.flush_all()

    def _line(self, user, role, review=None):
        group = self.env.ref(role)
        lines = (review or self.review).line_ids
        return lines.filtered(lambda line: line.user_id == user and line.group_id == group).ensure_one()

    # -------------------------------------------------------------- what is found

    def test_who_may_and_decides_what(self):
        finance = self._line(self.finance, "distribution_core.group_approver")
        self.assertIn("Purchase Order", finance.candidate_text)
        self.assertIn("Finance (rule “Above 25,000”)", finance.candidate_text)
        self.assertIn("fallback", self._line(self.fallback, "distribution_core.group_approver").candidate_text)
        roles = self.review.line_ids.filtered(lambda line: line.user_id == self.finance).group_id
        self.assertIn(self.groups["Finance"], roles, "a group that a policy names is a role")
        self.assertNotIn(self.employee, self.review.line_ids.user_id)

    def test_conflicts(self):
        author = self._line(self.publisher, "distribution_core.group_policy_author")
        self.assertIn("put it in force", author.conflict_text)
        self.assertFalse(self._line(self.author, "distribution_core.group_policy_author").conflict_text)
        manager = self._line(self.manager, "distribution_core.group_buyer")
        self.assertIn("approves purchase orders", manager.conflict_text)
        self.assertGreaterEqual(self.review.conflict_count, 2)
        # The table can be extended.
        duties = {duty.code: duty for duty in self.env["distribution.access.duty"].search([])}
        self.env["distribution.access.conflict"].with_user(self.first).create(
            {"duty_id": duties["policy_author"].id, "other_duty_id": duties["seller"].id, "name": "x"}
            if "seller" in duties
            else {"duty_id": duties["policy_author"].id, "other_duty_id": duties["approver"].id, "name": "x"}
        )
        with self.assertRaises(AccessError):
            self.env["distribution.access.conflict"].with_user(self.auditor).create({"name": "y"})
        # What somebody archived stays so after an upgrade.
        conflict = self.env["distribution.access.conflict"].search([("code", "=", "author_publisher")])
        conflict.active = False
        self.env["distribution.access.duty"]._seed()
        self.assertFalse(conflict.active)
        review = self.env[REVIEW]._generate(self.company)
        self.assertFalse(self._line(self.publisher, "distribution_core.group_policy_author", review).conflict_text)

    def test_pairs_of_duties(self):
        """Who does it and who is asked to approve it: each pair that the suite knows, from both sides."""
        duties = {duty.code: duty for duty in self.env["distribution.access.duty"].search([])}
        access = self.env["distribution.access.map"]

        def found(*codes):
            """Conflicts of somebody with these duties and no others."""
            mine = [duties[code] for code in codes]
            roles = self.env["res.groups"].union(*(duty.group_id for duty in mine))
            asked = {duty.document_type: [] for duty in mine if duty.kind == "candidate"}
            return set(access._conflicts(roles, asked, access._emergency_reviewers()).mapped("code"))

        for code, one, other in (
            ("vendor_approves_change", "vendor_manager", "approves_vendor_change"),
            ("vendor_approves_onboarding", "vendor_manager", "approves_vendor_onboarding"),
            ("billing_approves_bill", "billing", "approves_vendor_bill"),
            ("billing_approves_credit", "billing", "approves_customer_credit_note"),
            ("stock_approves_adjustment", "stock_manager", "approves_inventory_adjustment"),
            ("stock_approves_scrap", "stock_manager", "approves_scrap"),
            ("stock_approves_transfer", "stock_manager", "approves_site_transfer"),
            ("emergency_approver", "emergency_releaser", "approver"),
            ("operations_approver", "operations", "approver"),
        ):
            with self.subTest(code):
                self.assertIn(code, found(one, other))
                self.assertNotIn(code, found(one) | found(other))

    def test_who_releases_in_emergencies_and_reviews_them(self):
        releaser = self.env.ref("distribution_approval.group_emergency_releaser")
        board = self.env["res.groups"].create({"name": "Review board"})
        one = new_test_user(self.env, login="t_both", groups="base.group_user")
        one.write({USER_GROUPS: [Command.link(releaser.id), Command.link(board.id)]})
        access = self.env["distribution.access.map"]

        def found(*roles):
            return access._conflicts(roles, {}, access._emergency_reviewers()).mapped("code")

        self.assertNotIn("emergency_review", found(releaser, board))
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        draft.emergency_reviewer_group_id = board
        self._publish(draft)
        line = self._line(
            one, "distribution_approval.group_emergency_releaser", self.env[REVIEW]._generate(self.company)
        )
        self.assertIn("reviews emergency releases", line.conflict_text)
        self.assertNotIn("emergency_review", [*found(releaser), *found(board)])

    def test_recorded(self):
        event = self.env["distribution.event"]._last_for(self.review)
        self.assertEqual(event.type, "distribution.access_review.generated.v1")
        self.assertEqual(json.loads(event.data)["digest"], self.review.digest)

    # ---------------------------------------------------------------- certifying

    def test_keep_and_revoke(self):
        line = self._line(self.publisher, "distribution_core.group_policy_author").with_user(self.first)
        with self.assertRaises(ValidationError):
            line.action_revoke(" ")
        line.action_revoke("Publishes, so does not write")
        self.assertEqual(line.state, "proposed")
        self.assertTrue(self.publisher.has_group("distribution_core.group_policy_author"), "not by one person")
        with self.assertRaisesRegex(UserError, "yourself"):
            line.action_confirm_revoke()
        line.with_user(self.second).action_confirm_revoke()
        self.assertEqual(line.state, "revoked")
        self.publisher.invalidate_recordset()
        self.assertFalse(self.publisher.has_group("distribution_core.group_policy_author"))
        outcomes = line.sudo().certification_ids.mapped("outcome")
        self.assertEqual(outcomes, ["revoke", "confirm"])
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.access_review.line_certified.v1"), ("res_id", "=", self.review.id)]
        )
        self.assertEqual(events.mapped("user_ref"), [self.second.id, self.first.id])

    def test_revoked_role_leaves_the_tasks(self):
        order = self._held(30000)
        line = self._line(self.finance, "distribution_core.group_approver").with_user(self.first)
        line.action_revoke("Left the department")
        line.with_user(self.second).action_confirm_revoke()
        self.env.invalidate_all()
        task = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.name == "Finance")
        self.assertEqual(task.user_ids, self.finance_2)

    def test_refused_comes_back(self):
        line = self._line(self.finance, "distribution_core.group_approver").with_user(self.first)
        line.action_revoke("Really?")
        line.with_user(self.second).action_refuse_revoke()
        self.assertEqual(line.state, "open")
        line.action_keep()
        self.assertEqual(line.state, "kept")
        self.assertTrue(self.finance.has_group("distribution_core.group_approver"))

    def test_role_that_another_one_brings(self):
        line = self._line(self.buyer, "distribution_core.group_buyer").with_user(self.first)
        line.action_revoke("x")
        with self.assertRaisesRegex(UserError, "Purchase"), self.env.cr.savepoint():
            line.with_user(self.second).action_confirm_revoke()
        self.assertEqual(line.state, "proposed")

    def test_done_when_every_line_is(self):
        for line in self.review.line_ids:
            judge = self.second if line.user_id == self.first else self.first
            line.with_user(judge).action_keep()
        self.assertEqual((self.review.state, self.review.open_count), ("done", 0))
        event = self.env["distribution.event"]._last_for(self.review)
        self.assertEqual(event.type, "distribution.access_review.completed.v1")
        with self.assertRaises(UserError):
            self.review.line_ids[0].with_user(self.second).action_keep()

    def test_named_person_certifies(self):
        self.review.write({"responsible_id": self.employee.id})
        line = self._line(self.finance, "distribution_core.group_approver").with_user(self.employee)
        line.action_keep()
        self.assertEqual(line.state, "kept")
        with self.assertRaises(AccessError):
            line.action_confirm_revoke() if line.state == "proposed" else line._check_second(line.certification_ids[:1])

    def test_an_auditor_runs_a_review(self):
        """Starts it, certifies it line by line; what is to be revoked an administrator takes away."""
        action = self.env[REVIEW].with_user(self.auditor).action_generate()
        review = self.env[REVIEW].with_user(self.auditor).browse(action["res_id"])
        self.assertEqual(review.responsible_id, self.auditor)
        line = self._line(self.finance, "distribution_core.group_approver", review)
        line.action_keep()
        other = self._line(self.publisher, "distribution_core.group_policy_author", review)
        other.action_revoke("Publishes")
        with self.assertRaises(AccessError):
            other.action_confirm_revoke()
        other.with_user(self.first).action_confirm_revoke()
        self.assertEqual((line.state, other.state), ("kept", "revoked"))
        own = review.line_ids.filtered(lambda line: line.user_id == self.auditor)
        with self.assertRaisesRegex(UserError, "their own"):
            own.action_keep()

    def test_who_is_named(self):
        review = self.review.with_user(self.first)
        wizard = self.env["distribution.access.appoint"].with_user(self.first)
        wizard = wizard.with_context(**review.action_open_appoint()["context"])
        wizard.create({"user_id": self.employee.id}).action_appoint()
        self.assertEqual(review.responsible_id, self.employee)
        self._line(self.finance, "distribution_core.group_approver").with_user(self.employee).action_keep()
        for user in (self.employee, self.auditor, self.manager):
            with self.assertRaises(AccessError):
                self.review.with_user(user).action_appoint(user.id)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(self.env, login="t_else", company_id=other.id, company_ids=[Command.set(other.ids)])
        for user_id in (stranger.id, self.env.ref("base.user_root").id, self.env.ref("base.public_user").id, 0):
            with self.assertRaises(ValidationError):
                review.action_appoint(user_id)
        self.review.with_user(self.auditor).action_take()
        self.assertEqual(review.responsible_id, self.auditor)

    # -------------------------------------------------------------------- attacks

    def test_who_may_not(self):
        line = self._line(self.finance, "distribution_core.group_approver")
        for user in (self.auditor, self.manager, self.finance, self.publisher, self.env.ref("base.user_root")):
            for say in (line.with_user(user).action_keep, lambda user=user: line.with_user(user).action_revoke("x")):
                with self.assertRaises(UserError):
                    say()
        own = self._line(self.first, "distribution_core.group_administrator")
        with self.assertRaisesRegex(UserError, "their own"):
            own.with_user(self.first).action_keep()
        for user in (self.manager, self.finance, self.employee, self.publisher):
            self.assertFalse(self.env[REVIEW].with_user(user).search([]))
            self.assertFalse(self.env[LINE].with_user(user).search([]))
            with self.assertRaises(AccessError):
                self.env[REVIEW].with_user(user).action_generate()

    def test_nothing_is_forged(self):
        line = self._line(self.finance, "distribution_core.group_approver")
        values = {
            "line_id": line.id,
            "outcome": "keep",
            "user_id": self.second.id,
            "certified_at": fields.Datetime.now(),
        }
        for user in (self.first, self.auditor, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                self.env["distribution.access.certification"].with_user(user).create(values)
            with self.assertRaises(AccessError):
                line.with_user(user).write({"conflict_text": False})
            with self.assertRaises(AccessError):
                self.review.with_user(user).write({"state": "done"})
        line.with_user(self.first).action_keep()
        for table in ("review_line", "certification"):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
                self.env.cr.execute(f"DELETE FROM distribution_access_{table}")

    def test_each_companys_own_day_decides(self):
        """Due on the 10th: late where the 11th has begun, not where it is the 10th still."""
        east = self.env["res.company"].create({"name": "East"})
        west = self.env["res.company"].create({"name": "West"})
        self.company.partner_id.flush_recordset()
        for company, zone in ((east, "Pacific/Auckland"), (west, "America/Los_Angeles")):
            company.resource_calendar_id = self.env["resource.calendar"].create({"name": zone, "tz": zone})
        reviews = self.env[REVIEW]
        made = {company: reviews._generate(company) for company in (east, west)}
        for review in made.values():
            review.write({"due_date": "2031-03-10"})
        self.env.flush_all()
        with freeze_time("2031-03-10 20:00:00"):
            self.env.invalidate_all()
            for company in (self.company, east, west):
                late = reviews.with_company(company).search([("is_overdue", "=", True)])
                self.assertIn(made[east], late)
                self.assertNotIn(made[west], late)
                on_time = reviews.with_company(company).search([("is_overdue", "=", False)])
                self.assertIn(made[west], on_time)
                self.assertNotIn(made[east], on_time)

    def test_overdue(self):
        self.assertFalse(self.review.is_overdue)
        self.review.write({"due_date": fields.Date.add(fields.Date.today(), days=-2)})
        self.assertIn(self.review, self.env[REVIEW].search([("is_overdue", "=", True)]))
        before = self.env[REVIEW].search_count([])
        for _time in range(2):
            self.env[REVIEW]._cron_review()
        self.assertEqual(self.env[REVIEW].search_count([]), before, "the last one is young")
        case = self.env["distribution.case"].search([("dedup_key", "=", f"access_review_overdue:{self.review.id}")])
        self.assertEqual(len(case), 1)

    # --------------------------------------------------------------------- export

    def _file(self, action):
        attachment = self.env["ir.attachment"].browse(int(action["url"].split("/")[3].split("?")[0]))
        with self.assertRaises(AccessError):
            attachment.with_user(self.employee).read(["datas"])
        return base64.b64decode(attachment.with_user(self.auditor).datas)

    def test_exports(self):
        review = self.review.with_user(self.auditor)
        with zipfile.ZipFile(io.BytesIO(self._file(review.action_export_xlsx()))) as book:
            sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
            strings = etree.fromstring(book.read("xl/sharedStrings.xml"))
        self.assertFalse(sheet.findall(".//{*}f"), "a formula")
        self.assertEqual(len(sheet.findall(".//{*}row")), self.review.line_count + 3)
        self.assertIn(self.publisher.name, ["".join(item.itertext()) for item in strings])
        text = self._file(review.action_export_csv()).decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text)))
        self.assertEqual(len(lines), self.review.line_count + 1)
        self.assertFalse([cell for line in lines for cell in line if cell[:1] in ("=", "+", "-", "@")])
