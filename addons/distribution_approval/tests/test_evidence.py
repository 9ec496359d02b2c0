"""Evidence that a rule demands, sealed files, references to outside repositories."""

import base64
import hashlib

import psycopg2
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from .attack_case import AttackCase

SHA = "ab" * 32


class TermsCase(AttackCase):
    """A policy whose rule on large orders can be given demands, before it is published."""

    @classmethod
    def _republish(cls, rule_values=None, rule="Above 2,500", **version_values):
        """Publish a next version in which a rule, or the version itself, says more."""
        policy = cls.version.policy_id
        version = policy.with_user(cls.author)._draft_next_version()
        if rule_values:
            version.rule_ids.filtered(lambda item: item.name == rule).write(rule_values)
        if version_values:
            version.write(version_values)
        cls.env.flush_all()
        cls._publish(version)
        cls.env.flush_all()
        return version


@tagged("post_install", "-at_install")
class TestEvidence(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish({"evidence_required": True, "evidence_text": "three quotes"})

    def _attach(self, record, user=None, text=b"Quote", name="quote.txt"):
        return (
            self.env["ir.attachment"]
            .with_user(user or self.buyer)
            .create({"name": name, "raw": text, "res_model": record._name, "res_id": record.id})
        )

    # ----------------------------------------------------------------- demand

    def test_held_until_it_is_there(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        self.assertEqual((request.state, order.approval_state), ("on_hold", "on_hold"))
        self.assertIn("three quotes", request.reason)
        self.assertIn("three quotes", order.approval_banner)
        self.assertFalse(request.task_ids, "nobody is asked")
        snapshots = len(request.snapshot_ids)
        request._cron_retry_on_hold()
        self.assertEqual(len(request.snapshot_ids), snapshots, "the job does not pile up evidence")
        attachment = self._attach(order)
        order.button_confirm()
        self.assertEqual(request.state, "pending")
        exhibit = request.exhibit_ids
        self.assertEqual((exhibit.attachment_ref, exhibit.name, exhibit.intact), (attachment.id, "quote.txt", "yes"))
        self.env.invalidate_all()
        self.assertEqual(exhibit.with_context(bin_size=True).intact, "yes", "as the web client reads it")
        self.assertEqual(exhibit.sha256, hashlib.sha256(b"Quote").hexdigest())
        self._decide(order, "Purchasing", self.manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(len(request.exhibit_ids), 1, "what is sealed is not sealed twice")

    def test_the_job_finds_it_too(self):
        order = self._order(5000)
        order.button_confirm()
        self._attach(order)
        request = order.sudo().approval_request_id
        request._cron_retry_on_hold()
        self.assertEqual(request.state, "pending")

    def test_below_the_limit_nothing_is_asked(self):
        self._passed(1000)

    def test_a_batch_is_not_disturbed(self):
        held, passed = self._order(5000), self._order(500)
        (held | passed).button_confirm()
        self.assertEqual((held.approval_state, passed.state), ("on_hold", "purchase"))

    def test_an_empty_file_is_no_evidence(self):
        order = self._order(5000)
        self._attach(order, text=b"")
        order.button_confirm()
        self.assertEqual(order.approval_state, "on_hold")

    def test_a_reference_is_evidence(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        mine = request.with_user(self.buyer)
        mine.action_add_reference("Frame contract", "https://dms.example.com/4711", SHA, "contract", "Page 3")
        self.assertEqual(request.state, "pending", "it goes on at once")
        self.assertEqual(request.exhibit_ids.intact, "outside")
        self._decide(order, "Purchasing", self.manager)
        self.assertEqual(request.state, "approved")

    def test_the_wizard(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        wizards = self.env["distribution.approval.exhibit.add"].with_user(self.buyer)
        with self.assertRaises(UserError):
            wizards.create({"request_id": request.id}).action_add()
        mine = self.env["ir.attachment"].with_user(self.buyer).create({"name": "quote.txt", "raw": b"Quote"})
        wizards.create({"request_id": request.id, "attachment_ids": [(6, 0, mine.ids)]}).action_add()
        self.assertEqual(request.state, "pending")
        self.assertEqual(mine.res_id, request.id)
        self.assertTrue(request.with_user(self.manager).exhibit_ids.read(["name", "intact"]))
        foreign = self._attach(self._order(100), user=self.other_buyer)
        with self.assertRaises(UserError):
            wizards.create({"request_id": request.id, "attachment_ids": [(6, 0, foreign.ids)]}).action_add()

    # ----------------------------------------------------------------- sealed

    def test_it_is_there_and_unchanged_when_somebody_approves(self):
        order = self._order(5000)
        attachment = self._attach(order)
        order.button_confirm()
        request = order.sudo().approval_request_id
        for user in (self.buyer, self.manager, self.env.ref("base.user_admin")):
            for attempt in (
                lambda user: attachment.with_user(user).unlink(),
                lambda user: attachment.with_user(user).write({"raw": b"Forged"}),
                lambda user: attachment.with_user(user).write({"datas": base64.b64encode(b"Forged")}),
                lambda user: attachment.with_user(user).write({"res_id": 1}),
                lambda user: attachment.with_user(user).sudo().write({"raw": b"Forged"}),
            ):
                with self.subTest(user=user.login), self.assertRaises(UserError):
                    attempt(user)
        # Deleted by a program: it moves to the request.
        attachment.sudo().unlink()
        self.assertEqual((attachment.res_model, attachment.res_id), (request._name, request.id))
        # Past the application: the approval notices.
        self.env.cr.execute(
            "UPDATE ir_attachment SET db_datas = %s, store_fname = NULL WHERE id = %s", (b"Forged", attachment.id)
        )
        attachment.invalidate_recordset()
        self.assertEqual(request.exhibit_ids.intact, "changed")
        with self.assertRaises(UserError) as refusal:
            self._decide(order, "Purchasing", self.manager)
        self.assertIn("quote.txt", refusal.exception.args[0])
        self._decide(order, "Purchasing", self.manager, "reject", comment="Forged quote")
        self.assertEqual(request.state, "rejected")

    def test_files_survive_their_document(self):
        order = self._order(5000)
        attachment = self._attach(order)
        order.button_confirm()
        request = order.sudo().approval_request_id
        order.button_cancel()
        order.with_user(self.env.ref("base.user_admin")).sudo().unlink()
        self.assertTrue(attachment.sudo().exists())
        self.assertEqual(attachment.sudo().res_id, request.id)
        self.assertEqual(request.exhibit_ids.intact, "yes")

    def test_what_came_later_is_sealed_when_somebody_decides(self):
        order = self._order(5000)
        self._attach(order)
        order.button_confirm()
        self._attach(order, text=b"Second", name="second.txt")
        self._decide(order, "Purchasing", self.manager)
        self.assertEqual(set(order.sudo().approval_request_id.exhibit_ids.mapped("name")), {"quote.txt", "second.txt"})

    def test_exhibits_are_evidence(self):
        order = self._order(5000)
        self._attach(order)
        order.button_confirm()
        exhibit = order.sudo().approval_request_id.exhibit_ids
        for user in (self.buyer, self.manager, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda user: exhibit.with_user(user).write({"sha256": SHA}),
                    lambda user: exhibit.with_user(user).unlink(),
                    lambda user: exhibit.with_user(user).create({"name": "x", "request_id": exhibit.request_id.id}),
                ):
                    with self.assertRaises(UserError):
                        attempt(user)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE distribution_approval_exhibit SET sha256 = %s", (SHA,))
        strangers = self.env["distribution.approval.exhibit"].with_user(self.employee)
        self.assertFalse(strangers.search([("id", "=", exhibit.id)]))
        self.assertTrue(exhibit.with_user(self.auditor).read(["name", "sha256"]))

    def test_forged_references(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id.with_user(self.buyer)
        good = {"name": "x", "url": "https://dms.example.com/1", "sha256": SHA, "kind": "dms"}
        for change in (
            {"name": ""},
            {"name": None},
            {"name": "x" * 300},
            {"url": "javascript:alert(1)"},
            {"url": "file:///etc/passwd"},
            {"url": "https://"},
            {"url": "https://user:secret@dms.example.com/1"},
            {"url": "https://dms.example.com/ 1"},
            {"url": "https://dms.example.com/" + "x" * 3000},
            {"url": {}},
            {"sha256": "ab"},
            {"sha256": "zz" * 32},
            {"sha256": None},
            {"kind": "file"},
            {"kind": "elsewhere"},
            {"note": "x" * 9000},
        ):
            with self.subTest(change=str(change)[:50]), self.assertRaises(UserError):
                request.action_add_reference(**{**good, **change})
        for user in (self.employee, self.finance, self.auditor):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                request.with_user(user).action_add_reference(**good)
        self.assertEqual(request.state, "on_hold")

    def test_reason_required(self):
        self._republish({"reason_required": True, "evidence_required": False})
        order = self._held()
        with self.assertRaises(UserError):
            self._decide(order, "Purchasing", self.manager, "reject", comment="No")
        self._decide(order, "Purchasing", self.manager, "reject", comment="No", reason_code="price")
        self.assertEqual(order.approval_state, "rejected")

    def test_demands_are_sealed_with_the_version(self):
        version = self.version.policy_id.current_version_id
        self.assertIn("three quotes", version.content)
        rule = version.rule_ids.filtered("evidence_required")
        with self.assertRaises(UserError):
            rule.with_user(self.author).write({"evidence_required": False})
        for table, column, value, record in (
            ("distribution_approval_rule", "evidence_required", False, rule),
            ("distribution_approval_rule", "reason_required", True, rule),
            ("distribution_approval_policy_version", "bulk_limit", 9999, version),
            ("distribution_approval_policy_version", "link_ceiling", 9999, version),
            ("distribution_approval_policy_version", "emergency_over_refusal", True, version),
        ):
            with (
                self.subTest(column=column),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", (value, record.id))
