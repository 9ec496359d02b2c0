"""Drains at the same time, and one that dies: real connections, real commits, a real receiver."""

import os
import threading
import time
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import SUPERUSER_ID, api, fields
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from ..webhook_senders import Senders
from .committed_case import CommittedCase
from .common import FACTS, TYPE
from .webhook_case import WebhookMixin

DRAINS, EVENTS = 4, 300


@tagged('post_install', '-at_install')
class TestWebhookConcurrency(WebhookMixin, CommittedCase):
    """What is committed here is paused or sent in the end; the events stay, for they are evidence."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}))
        self.to = self.receiver()
        with self.transaction() as env:
            self.allow(env, self.to)
            self.subscription_id = self.subscribe(env, self.to, event_types=TYPE).id
            self.partner_id = env['res.partner'].create({'name': "Vendor at once"}).id
        self.addCleanup(self._leave)

    def _leave(self):
        with self.transaction() as env:
            subscription = env['distribution.webhook.subscription'].browse(self.subscription_id)
            subscription.action_pause()
            subscription._stored_secrets().unlink()
            subscription.active = False
            env['ir.config_parameter'].set_param('distribution_core.outbound_allowed_hosts', '')

    def record(self, count):
        """Uids of as many committed events."""
        with self.transaction() as env:
            partner = env['res.partner'].browse(self.partner_id)
            events = [env['distribution.event']._record(TYPE, partner, FACTS) for _number in range(count)]
            return [event.uid for event in events]

    def drain(self):
        with self.registry.cursor() as cr:
            return api.Environment(cr, SUPERUSER_ID, {})['distribution.webhook.delivery']._cron_drain()

    def states(self):
        with self.transaction() as env:
            groups = env['distribution.webhook.delivery']._read_group(
                [('subscription_id', '=', self.subscription_id)], ['state'], ['__count']
            )
            return dict(groups)

    def errors(self):
        """What went wrong, for the message of a test."""
        with self.transaction() as env:
            tried = [('subscription_id', '=', self.subscription_id), ('last_error', '!=', False)]
            return env['distribution.webhook.delivery'].search(tried).mapped('last_error')

    def test_drains_at_the_same_time(self):
        uids = self.record(EVENTS)
        sent, errors = [], []

        def run():
            try:
                sent.append(self.drain())
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)

        threads = [threading.Thread(target=run) for _number in range(DRAINS)]
        with mute_logger('odoo.sql_db'):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
        self.assertFalse(errors)
        self.assertEqual(self.states(), {'delivered': EVENTS}, self.errors())
        self.assertEqual(sum(sent), EVENTS)
        self.assertEqual(sorted(self.to.ids()), sorted(uids), "none twice, none lost")

    def test_drain_that_dies(self):
        """Claimed, and sent perhaps, and then nothing more is heard of it."""
        uids = self.record(3)
        with self.transaction() as env:
            jobs = env['distribution.webhook.delivery']._claim()
        self.assertEqual(len(jobs), 3)
        with Senders(f'127.0.0.1:{self.to.port}') as senders:
            senders.send(jobs[:1])
        self.assertEqual(self.drain(), 0, "the lease still runs")
        with self.transaction() as env:
            env.cr.execute(
                "UPDATE distribution_webhook_delivery SET lease_until = %s WHERE subscription_id = %s",
                (fields.Datetime.now() - timedelta(seconds=1), self.subscription_id),
            )
        self.assertEqual(self.drain(), 3)
        self.assertEqual(sorted(set(self.to.ids())), sorted(uids))
        self.assertEqual(len(self.to.ids()), 4, "at least once, with the same id")
        self.assertEqual(self.states(), {'delivered': 3})

    def test_receiver_that_hangs(self):
        """No transaction is open meanwhile, and the others are sent."""
        begun = threading.Event()
        release = threading.Event()
        self.addCleanup(release.set)

        class Slow(dict):
            def items(self):
                begun.set()
                release.wait(30)
                return super().items()

        self.to.answers = [(200, Slow(), b''), (200, {}, b'')]
        self.record(1)
        thread = threading.Thread(target=self.drain)
        thread.start()
        self.assertTrue(begun.wait(20))
        with self.transaction() as env:
            env.cr.execute(
                """SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()
                      AND query LIKE '%%distribution_webhook%%'"""
            )
            self.assertEqual(env.cr.fetchone()[0], 0)
        self.record(1)
        started = time.monotonic()
        self.assertEqual(self.drain(), 1)
        self.assertLess(time.monotonic() - started, 15)
        release.set()
        thread.join(30)
        self.assertEqual(self.states(), {'delivered': 2})
