"""The promises of webhooks, kept by jobs: real commits, and jobs that are run as the job runner's route runs them."""

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.tests.common import FACTS, TYPE
from odoo.addons.distribution_core.tests.test_webhook_concurrency import TestWebhookConcurrency
from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.job import Job

from ..models import distribution_webhook_delivery as bridge

BRIDGE = 'odoo.addons.distribution_core_queue.models.distribution_webhook_delivery'


@tagged('post_install', '-at_install')
class TestDrainsAsJobs(TestWebhookConcurrency):
    """Every test of drains at the same time, of one that dies and of a receiver that hangs – and those of jobs."""

    allow_inherited_tests_method = True  # 19.0 leaves them out otherwise

    def setUp(self):
        super().setUp()
        self.forget_jobs()
        self.addCleanup(self.forget_jobs)

    def forget_jobs(self):
        with self.transaction() as env:
            env.cr.execute("DELETE FROM queue_job")

    def drain(self):
        """A job of its own, from its creation to its end; how many it sent."""
        with self.transaction() as env:
            uuid = env['distribution.webhook.delivery'].with_delay()._job_drain().uuid
        return self.run_job(uuid)

    def run_job(self, uuid):
        with self.transaction() as env:  # what the runner does when it is the job's turn
            env.cr.execute(
                "UPDATE queue_job SET state = 'enqueued', date_enqueued = now() AT TIME ZONE 'utc' WHERE uuid = %s",
                [uuid],
            )
        with self.transaction() as env:
            controller = RunJobController()
            acquire = getattr(controller, '_acquire_job', lambda env, uuid: Job.load(env, uuid))
            job = acquire(env, uuid)
            controller._try_perform_job(env, job)
            return job.result

    def jobs(self, *states):
        with self.transaction() as env:
            env.cr.execute(
                "SELECT uuid FROM queue_job WHERE identity_key = %s AND state = ANY(%s) ORDER BY id",
                [bridge.IDENTITY, list(states or ('pending', 'enqueued', 'started', 'done', 'failed'))],
            )
            return [uuid for (uuid,) in env.cr.fetchall()]

    def test_many_events_are_one_job(self):
        uids = [uid for _number in range(60) for uid in self.record(1)]
        (uuid,) = self.jobs()
        with self.transaction() as env:
            job = env['queue.job'].search([('uuid', '=', uuid)])
            self.assertEqual((job.channel, job.method_name), ('root.distribution', '_job_drain'))
        self.assertEqual(self.run_job(uuid), 60)
        self.assertEqual(sorted(self.to.ids()), sorted(uids))
        self.assertEqual(self.states(), {'delivered': 60})
        self.assertEqual(self.jobs('pending'), [], "nothing is left to do")

    def test_nothing_of_what_was_rolled_back(self):
        with self.assertRaises(ZeroDivisionError), self.transaction() as env:
            env['distribution.event']._record(TYPE, env['res.partner'].browse(self.partner_id), FACTS)
            raise ZeroDivisionError
        self.assertEqual((self.jobs(), self.states()), ([], {}))
        with self.transaction() as env, self.assertRaises(ZeroDivisionError), env.cr.savepoint():
            env['distribution.event']._record(TYPE, env['res.partner'].browse(self.partner_id), FACTS)
            raise ZeroDivisionError
        self.assertEqual(self.states(), {}, "nor of a part of a transaction")

    def test_a_job_that_ran_meanwhile(self):
        """It waited when a long transaction began, and is done when that one commits: there is a new job."""
        self.record(1)
        (first,) = self.jobs('pending')
        with self.transaction() as env:
            self.assertEqual(env['queue.job'].search_count([('uuid', '=', first), ('state', '=', 'pending')]), 1)
            env['distribution.event']._record(TYPE, env['res.partner'].browse(self.partner_id), FACTS)
            self.assertEqual(self.run_job(first), 1)
            self.assertEqual(self.jobs('pending'), [])
            self.assertEqual(env['queue.job'].search_count([('uuid', '=', first), ('state', '=', 'pending')]), 1)
        (second,) = self.jobs('pending')
        self.assertEqual(self.run_job(second), 1)
        self.assertEqual(self.states(), {'delivered': 2})

    def test_a_job_that_began_does_not_count(self):
        self.record(1)
        (first,) = self.jobs()
        with self.transaction() as env:
            env.cr.execute("UPDATE queue_job SET state = 'started' WHERE uuid = %s", [first])
        self.record(1)
        self.assertEqual(len(self.jobs('pending')), 1)

    def test_a_job_leaves_the_rest_to_the_next_one(self):
        self.record(3)
        (first,) = self.jobs()
        with patch.object(bridge, 'JOB_SECONDS', 0):
            self.assertEqual(self.run_job(first) or 0, 0)
        (second,) = self.jobs('pending')
        self.assertEqual(self.run_job(second), 3)
        self.assertEqual(self.jobs('pending'), [])

    def test_without_jobs_the_scheduled_action_sends(self):
        """No job could be made, or it is lost: neither the transaction nor the delivery is."""
        with (
            patch.object(self.registry['distribution.webhook.delivery'], 'with_delay', side_effect=OSError),
            mute_logger(BRIDGE),
        ):
            self.record(2)
        self.assertEqual((self.jobs(), self.states()), ([], {'pending': 2}))
        with self.transaction() as env:
            action = env.ref('distribution_core.ir_cron_webhook_drain')
            self.assertTrue(action.active)
            self.assertEqual((action.interval_number, action.interval_type), (1, 'minutes'))
            action.method_direct_trigger()
        self.assertEqual(self.states(), {'delivered': 2})

    def test_both_at_once(self):
        """A job and the scheduled action at the same time: none twice, none lost."""
        as_job, drains = self.drain, []

        def either():
            drains.append(1)
            return as_job() if len(drains) % 2 else super(TestDrainsAsJobs, self).drain()

        with patch.object(self, 'drain', either):
            self.test_drains_at_the_same_time()
