"""What the list of one's reports does not say – late, recalled, corrected – is told where people look."""

from odoo import Command
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.tests.german import LANGUAGE, load_german

from .report_case import ReportCase
from .test_report_run import FAILS


@tagged("post_install", "-at_install")
class TestReportNotice(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner.notification_type = cls.recipient.notification_type = "inbox"

    def _inbox(self, **values):
        """A report for somebody who takes it in the inbox."""
        entry = {"kind": "group", "group_id": self.role.id, "channel": "inbox"}
        return self._report(recipient_ids=[Command.create(entry)], **values)

    def _done(self, report, **values):
        run = self._run(report, **values)
        self._work()
        self.assertFalse(self._send())
        self.assertEqual(run.state, "done", run.error)
        return run.edition_id

    def _told(self, user):
        """What somebody finds in Odoo's inbox, the oldest first."""
        notices = self.env["mail.notification"].search(
            [
                ("res_partner_id", "=", user.partner_id.id),
                ("notification_type", "=", "inbox"),
                ("mail_message_id.message_type", "=", "user_notification"),
            ]
        )
        return notices.mail_message_id.sorted("id")

    def test_late_and_why_once(self):
        load_german(self.env, ["reporting_workflows"])
        self.recipient.lang = LANGUAGE
        run = self._run(self._inbox(check_ids=[Command.create(FAILS)]))
        self._work()
        self.assertFalse(self._send())
        self._send()
        (notice,) = self._told(self.recipient)
        self.assertEqual(notice.subject, f"{run.display_name} verspätet sich")
        self.assertIn("failed checks: Enough vendors", notice.body)
        self.assertEqual(len(self._told(self.owner)), 1, "who answers for it hears as well")
        told = self.env["distribution.report.delivery"].search([("run_id", "=", run.id), ("kind", "=", "late")])
        self.assertEqual(set(told.mapped(lambda one: (one.channel, one.state))), {("inbox", "sent")})

    def test_recalled_and_corrected(self):
        edition = self._done(self._inbox())
        self.assertFalse(self._told(self.recipient), "an edition is in the list of theirs")
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.assertFalse(self._send())
        (recall,) = self._told(self.recipient)
        self.assertEqual(recall.subject, f"Recalled: {edition.display_name}")
        self.assertIn("Returns were counted twice", recall.body)
        self.assertIn(f"model=distribution.report.edition&amp;res_id={edition.id}", recall.body)
        corrected = self._done(edition.report_id, reason="Corrected")
        _recall, notice = self._told(self.recipient)
        self.assertEqual(notice.subject, corrected.display_name)
        self.assertIn("replaces edition 1", notice.body)
        self.assertNotIn("score 15", notice.body, "what it says is read in the edition")

    def test_who_has_notices_mailed_gets_a_letter(self):
        self.recipient.notification_type = "email"
        edition = self._done(self._inbox())
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self._send()
        # 17.0 mails it at once, 19.0 once it is committed.
        notice = self.env["mail.message"].search([("subject", "=", f"Recalled: {edition.display_name}")])
        self.assertEqual(notice.notification_ids.res_partner_id, self.recipient.partner_id)
        self.assertEqual(notice.notification_ids.notification_type, "email")
        self.assertIn("Returns were counted twice", notice.body)

    @mute_logger("odoo.addons.reporting_workflows.models.report_run")
    def test_a_run_that_cannot_go_on(self):
        run = self._run(self._inbox())
        run._give_up(ValueError("the vendor's price of 17"))
        self._send()
        (notice,) = self._told(self.recipient)
        self.assertIn("is late", notice.subject)
        self.assertNotIn("17", notice.body)

    def test_customers_hear_that_it_is_late_not_why(self):
        customer = self.vendors[0]
        customer.email = "customer@outside.example"
        report = self._report(
            classification="customer",
            release_pattern="two_parties",
            check_ids=[Command.create(FAILS)],
            recipient_ids=[Command.create({"kind": "partner", "partner_id": customer.id})],
        )
        run = self._run(report)
        self._work()
        (letter,) = self._send()
        self.assertIn("customer@outside.example", letter["To"])
        self.assertIn("is late", letter["Subject"])
        self.assertNotIn("check", self._text(letter))
        run.sudo().next_try_at = False
        self._work()
        self.assertEqual((run.state, self._send()), ("held", []), "once")
        # What is not for them any more is not told them either.
        version = self._version(report, check_ids=[Command.create(FAILS)], recipient_ids=[])
        self._publish(version)
        self._run(report, day="2026-11-21")
        self._work()
        self.assertFalse(self._send())
