"""Who is late hears once, in working time."""

from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.tests.common import tagged

from .report_case import ReportCase

#: A Monday.
MOMENT = "2026-11-23 09:00:00"


@tagged("post_install", "-at_install")
class TestReportReminder(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["distribution.report.run"].search([("state", "in", ("waiting", "held"))]).write({"state": "cancelled"})
        cls.env["distribution.kpi"].search([]).write({"signoff_days": 0})

    def _remind(self, moment):
        with freeze_time(moment):
            self.env["distribution.report.reminder"]._cron_remind()
            self.env["distribution.report.reminder"]._cron_remind()
        self.env.flush_all()
        self.env.invalidate_all()
        said = self.env["distribution.report.reminder"].search([])
        return sorted((one.kind, one.user_id.login) for one in said)

    def _waiting(self, **values):
        with freeze_time(MOMENT):
            run = self._run(self._report(release_pattern="finance", **values))
            self._work()
        self.assertEqual(run.state, "waiting")
        run.step_ids.filtered(lambda step: step.name == "approval").sudo().started_at = MOMENT
        return run

    def test_a_release_that_waits(self):
        run = self._waiting()
        deciders = run.edition_id.release_id.sudo().approval_request_id.task_ids.user_ids
        self.assertTrue(deciders)
        due = sorted(("release", user.login) for user in deciders)
        self.assertEqual(self._remind("2026-11-23 10:00:00"), [], "an hour is not too long")
        # Nobody works in the night: eight hours of work are over on the next day.
        self.assertEqual(self._remind("2026-11-24 15:00:00"), due)
        self.assertEqual(self._remind("2026-11-26 15:00:00"), [*due, ("waits", self.owner.login)])
        self.assertEqual(self._remind("2026-11-30 15:00:00"), [*due, ("waits", self.owner.login)], "each once")
        notified = self.env["mail.message"].search([("subject", "=", f"To release: {run.display_name}")])
        self.assertEqual(notified.notified_partner_ids, deciders.partner_id)

    def test_the_weekend_does_not_count(self):
        run = self._waiting()
        run.step_ids.filtered(lambda step: step.name == "approval").sudo().started_at = "2026-11-27 16:00:00"
        self.assertEqual(self._remind("2026-11-29 20:00:00"), [])

    def test_a_report_that_reminds_nobody(self):
        run = self._waiting()
        run.report_id.sudo().release_hours = 0
        self.assertEqual(self._remind("2026-12-23 15:00:00"), [])

    def test_what_was_decided_is_not_reminded_of(self):
        run = self._waiting()
        run.sudo().state = "cancelled"
        self.assertEqual(self._remind("2026-12-23 15:00:00"), [])

    def _taken(self, kpi, days=31):
        first = fields.Date.to_date("2026-10-01")
        snapshots = self.env["distribution.kpi.snapshot"]
        self.env.cr.execute(
            "SELECT day FROM distribution_kpi_snapshot WHERE kpi_id = %s AND company_id = %s AND site_id IS NULL",
            (kpi.id, self.env.company.id),
        )
        known = {row[0] for row in self.env.cr.fetchall()}
        rows = [
            (kpi.id, kpi.version_id.id, self.env.company.id, day, 0, True, 1, 1, 1, 1, MOMENT)
            for number in range(days)
            if (day := first + timedelta(days=number)) not in known
        ]
        self.env.cr.execute(
            f"""INSERT INTO distribution_kpi_snapshot
                       (kpi_id, version_id, company_id, day, revision, is_measured, value, numerator, denominator,
                        rows, taken_at) VALUES {", ".join(["%s"] * len(rows))}""",
            rows,
        )
        snapshots.invalidate_model()

    def test_numbers_that_nobody_signed(self):
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)], limit=3)
        signed, late, half = kpis
        kpis.write({"owner_id": self.owner.id, "backup_owner_id": False, "signoff_days": 5})
        for kpi, days in ((signed, 31), (late, 31), (half, 12)):
            self._taken(kpi, days)
        with freeze_time("2026-11-03 09:00:00"):
            snapshots = self.env["distribution.kpi.snapshot"]
            period = ("2026-10-01", "2026-10-31")
            seen = snapshots._digest_of(signed, self.env.company, *map(fields.Date.to_date, period))
            signed.with_user(self.owner).action_sign_off(*period, seen)
        self.assertEqual(self._remind("2026-11-04 09:00:00"), [], "five working days are not over")
        self.assertEqual(self._remind("2026-11-10 09:00:00"), [("signoff", self.owner.login)])
        (reminder,) = self.env["distribution.report.reminder"].search([("kind", "=", "signoff")])
        self.assertEqual((reminder.kpi_id, str(reminder.period_start)), (late, "2026-10-01"))
        self.assertEqual(self._remind("2026-11-20 09:00:00"), [("signoff", self.owner.login)], "once")
        message = self.env["mail.message"].search([("subject", "=", "Numbers of 2026-10 to sign off")])
        self.assertIn(late.name, message.body)
        self.assertNotIn(signed.name, message.body)

    def test_who_has_left_is_stood_in_for(self):
        kpi = self.env["distribution.kpi"].search([("version_id", "!=", False)], limit=1)
        kpi.write({"owner_id": self.owner.id, "backup_owner_id": self.stranger.id, "signoff_days": 5})
        self._taken(kpi)
        self.owner.active = False
        self.assertEqual(self._remind("2026-11-10 09:00:00"), [("signoff", self.stranger.login)])
        message = self.env["mail.message"].search([("subject", "=", "Numbers of 2026-10 to sign off")])
        self.assertEqual(message.notified_partner_ids, self.stranger.partner_id)
        self.assertIn(kpi.name, message.body)

    def test_where_both_have_left_nobody_is_reminded(self):
        kpi = self.env["distribution.kpi"].search([("version_id", "!=", False)], limit=1)
        kpi.write({"owner_id": self.owner.id, "backup_owner_id": self.stranger.id, "signoff_days": 5})
        self._taken(kpi)
        (self.owner | self.stranger).active = False
        self.assertEqual(self._remind("2026-11-10 09:00:00"), [])

    def test_it_is_in_the_scheduled_work(self):
        self.env.flush_all()
        job = self.env["distribution.scheduled.work"].browse(
            self.env.ref("reporting_workflows.ir_cron_report_remind").id
        )
        self.assertEqual(job.xml_name, "ir_cron_report_remind")
        self.assertIn("runs wait", job.done)
