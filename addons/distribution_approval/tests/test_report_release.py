"""A report is released: a governed document without a state of its own."""

import base64
from contextlib import suppress

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from .document_case import DocumentCase


@tagged("post_install", "-at_install")
class TestReportRelease(DocumentCase):
    document_type = "report_release"

    @classmethod
    def _rules(cls):
        return [
            ("Own team, clean", "pass", [("audience", "in", ["team"]), ("failed_checks", "le", "0")], []),
            ("Customers", "require", [("audience", "in", ["customer"])], ["Finance", "Operations"]),
            ("Failed checks", "require", [("failed_checks", "gt", "0")], ["Operations"]),
            ("Stale", "refuse", [("stale", "is_true")], []),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.reporter = new_test_user(
            cls.env, login="t_reporter", groups="base.group_user,distribution_core.group_operations"
        )

    def _report(self, audience="team", content=b"Service level: 97 %", **values):
        report = (
            self.env["distribution.report.release"]
            .with_user(self.reporter)
            .create(
                {"name": "Service level", "report_key": "service", "period": "2026-10", "audience": audience, **values}
            )
        )
        report.attachment_id = report.env["ir.attachment"].create(
            {
                "name": "service.txt",
                "raw": content,
                "res_model": report._name,
                "res_id": report.id,
            }
        )
        return report

    def assertNotReleased(self, report):
        report.invalidate_recordset()
        self.assertFalse(report.sudo().released_at)
        self.assertFalse(self._releases(report))

    def test_asked_beforehand(self):
        own, theirs, empty = self._report(), self._report("customer"), self._report("customer")
        empty.attachment_id = False
        self.assertEqual((own | theirs | empty)._approval_ask(), (theirs, empty))
        for report in own | theirs | empty:
            self.assertNotReleased(report)
        self.assertFalse(empty.approval_state)
        own.action_release()
        self.assertTrue(own.released_at)
        self.assertEqual(own._approval_ask(), (own.browse(), own.browse()))

    def test_within_policy_goes_out_at_once(self):
        report = self._report()
        report.action_release()
        self.assertTrue(report.released_at)
        self.assertEqual(report.approval_state, "passed")
        self._commit()

    def test_two_parties_sign_off_what_customers_read(self):
        report = self._report("customer")
        report.action_release()
        self.assertFalse(report.released_at)
        self.assertEqual(report.approval_state, "pending")
        words = dict(
            row[:2] for row in report._approval_content_words(report._approval_snapshots()[report.id])["header"]
        )
        self.assertEqual(words["Audience"], "Customers")
        self._decide(report, "Finance", self.finance)
        self._decide(report, "Operations", self.operations)
        self.assertTrue(self._resume(report))
        self.assertTrue(report.released_at)
        self.assertEqual(report.approval_state, "released")

    def test_stale_data_is_refused(self):
        report = self._report(is_stale=True)
        report.action_release()
        self.assertEqual(report.approval_state, "refused")
        with self._refused():
            report.action_release()
        self.assertNotReleased(report)

    def test_another_file_is_another_report(self):
        report = self._report("customer")
        report.action_release()
        round_before = report.sudo().approval_request_id.round
        with self._refused():
            report.attachment_id.raw = b"Service level: 99 %"  # what people are asked about is evidence
        self._decide(report, "Finance", self.finance)
        report.attachment_id = report.attachment_id.copy({"raw": b"Service level: 99 %"})
        self.assertEqual(report.sudo().approval_request_id.round, round_before + 1, "asked again")

    def test_attacks_on_the_release(self):
        now = fields.Datetime.now()
        reports = self.env["distribution.report.release"]
        values = {"name": "R", "report_key": "service", "period": "2026-10", "released_at": now}
        for actor in (self.reporter, self.env.ref("base.user_admin")):
            held = self._report("customer")
            held.action_release()
            for report in (self._report(), held):
                with self._refused():
                    report.with_user(actor).write({"released_at": now})
                with self._refused():
                    report.with_user(actor).sudo().write({"released_at": now})
                with self._refused():
                    report.with_user(SUPERUSER_ID).with_context(default_released_at=now).write({"released_at": now})
                self.assertNotReleased(report)
            for attempt in (
                lambda actor=actor: reports.with_user(actor).create(values),
                lambda actor=actor: reports.with_user(actor).sudo().create(values),
                lambda actor=actor: (
                    reports.with_user(actor)
                    .with_context(default_released_at=now)
                    .create({**values, "released_at": now})
                ),
                lambda actor=actor: self._report().with_user(actor).copy({"released_at": now}),
            ):
                with self._refused():
                    attempt()
        self.assertFalse(self._report().with_user(self.reporter).copy().released_at)
        for values in ({"approval_state": "released"}, {"approval_state": "passed"}):
            with self.assertRaises(AccessError):
                self._report().write(values)

    def test_attacks_on_what_was_released(self):
        report = self._report()
        report.action_release()
        for values in (
            {"audience": "customer"},
            {"period": "2026-11"},
            {"report_key": "margin"},
            {"attachment_id": report.attachment_id.copy({"raw": b"Service level: 99 %"}).id},
        ):
            with self.subTest(values=values):
                with self._refused():
                    report.write(values)
                with self._refused():
                    report.sudo().write(values)
        for values in ({"raw": b"Service level: 99 %"}, {"datas": base64.b64encode(b"99 %")}, {"raw": False}):
            with self.subTest(values=values):
                with self._refused():
                    report.attachment_id.write(values)
                with self._refused():
                    report.attachment_id.sudo().write(values)
        report.invalidate_recordset()
        self.assertEqual(report.attachment_id.raw, b"Service level: 97 %")
        # Normal work: the name of the report and of its file.
        report.name = "Service level of October"
        report.attachment_id.name = "october.txt"

    def test_swallowed_refusal_does_not_reach_the_commit(self):
        report = self._report("customer")
        with self._refused(), suppress(UserError):
            report.write({"released_at": fields.Datetime.now()})

    def test_archived_counts_as_withdrawn(self):
        report = self._report("customer")
        report.action_release()
        report.active = False
        self.assertEqual(report.sudo().approval_request_ids.state, "void")
        with self.assertRaises(UserError):
            report.action_release()

    def test_baseline_and_nightly_control(self):
        self._ungovern()
        report = self._report("customer")
        report.action_release()
        self.assertTrue(report.released_at, "without governance nothing is asked")
        self._govern()
        self.assertEqual(report.approval_state, "baseline")
        control = self.env["distribution.approval.control"]
        companies = {self.company.id: None}
        self.assertFalse(control._find_ungated(self.env[report._name].sudo(), companies))
        self.env.flush_all()
        self.env.cr.execute("UPDATE distribution_report_release SET audience = 'public' WHERE id = %s", (report.id,))
        self.env.invalidate_all()
        self.assertEqual(control._find_ungated(self.env[report._name].sudo(), companies), 1)
