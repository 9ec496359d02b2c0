"""Scheduled work: what is listed, who may have it run now, and that nobody writes it."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged

CRON = "procurement_automation.ir_cron_scorecard"


@tagged("post_install", "-at_install")
class TestScheduledWork(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def user(login, *groups):
            return new_test_user(cls.env, f"work_{login}", groups=",".join(("base.group_user", *groups)))

        cls.buyer = user("buyer", "purchase.group_purchase_user")
        cls.manager = user("manager", "purchase.group_purchase_manager")
        cls.operations = user("operations", "distribution_core.group_operations")
        cls.auditor = user("auditor", "distribution_core.group_auditor")
        cls.cron = cls.env.ref(CRON)
        cls.env.cr.execute("DELETE FROM distribution_automation_run WHERE cron_id = %s", [cls.cron.id])
        cls.env["ir.cron.trigger"].search([("cron_id", "=", cls.cron.id)]).unlink()
        cls.cron.write({"nextcall": fields.Datetime.now() + timedelta(hours=5)})

    def _job(self, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["distribution.scheduled.work"].with_user(user or self.manager).browse(self.cron.id)

    def _ran(self, outcome, minutes, error=None):
        started = fields.Datetime.now() - timedelta(minutes=minutes)
        self.env["distribution.automation.run"]._keep(self.cron.id, started, outcome, error)

    def test_every_job_of_the_addon_is_listed(self):
        jobs = self.env["distribution.scheduled.work"].with_user(self.manager).search([])
        own = self.env["ir.model.data"].search([("model", "=", "ir.cron"), ("module", "in", jobs._addons())])
        self.assertEqual(set(jobs.ids), set(own.mapped("res_id")))
        for job in jobs:
            self.assertTrue(job.every)
        known = set(jobs._words())
        self.assertLessEqual(known, set(jobs.mapped("xml_name")), "words for a job that is not there")
        for job in jobs.filtered(lambda job: job.xml_name in known):
            self.assertTrue(job.done, job.xml_name)

    def test_how_it_went(self):
        self._ran("ok", 300)
        self._ran("failed", 30, ValueError("no rate for CHF"))
        job = self._job()
        self.assertEqual((job.state, job.run_count, job.failure_count), ("failed", 2, 1))
        self.assertIn("no rate for CHF", job.error)
        self.assertAlmostEqual(job.seconds, 1800, delta=60)
        self._ran("ok", 1)
        job = self._job()
        self.assertEqual((job.state, job.failure_count), ("ok", 1), "the last error stays in sight")
        self.cron.nextcall = fields.Datetime.now() - timedelta(hours=3)
        self.assertEqual(self._job().state, "overdue")
        self.cron.active = False
        self.assertEqual((self._job().state, self._job().next_run_at), ("paused", False))

    def test_run_now(self):
        self.assertTrue(self._job().may_start)
        opened = self._job().action_run_now()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("distribution.scheduled.work", self.cron.id))
        job = self._job()
        self.assertEqual((job.state, job.may_start), ("asked", False))
        job.action_run_now()
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        self.assertEqual(len(triggers), 1, "asked twice, run once")
        events = self.env["distribution.event"].search([("type", "=", "distribution.scheduled_work.asked.v1")])
        self.assertEqual((events.user_ref, events.res_id), (self.manager.id, self.cron.id))
        triggers.unlink()  # as the scheduler does when the run has ended
        self._ran("ok", 0)
        self.assertEqual(self._job().state, "ok")

    def test_who_may(self):
        self.assertTrue(self._job(self.operations).may_start)
        self.assertFalse(self._job(self.auditor).may_start)
        with self.assertRaises(AccessError):
            self._job(self.auditor).action_run_now()
        with self.assertRaises(AccessError):
            self._job(self.buyer).read(["name"])
        with self.assertRaises(AccessError):
            self._job(self.buyer).action_run_now()
        for values in ({"error": "none"}, {"state": "ok"}):
            with self.assertRaises(AccessError):
                self._job(self.operations).write(values)
        # Jobs of others are out of reach.
        other = self.env.ref("distribution_core.ir_cron_seal")
        job = self.env["distribution.scheduled.work"].with_user(self.manager).browse(other.id)
        with self.assertRaises(MissingError):
            job.action_run_now()
        self.assertFalse(self.env["ir.cron.trigger"].search([("cron_id", "=", other.id)]))

    def test_paused_stays_paused(self):
        self.cron.active = False
        with self.assertRaises(UserError):
            self._job().action_run_now()
