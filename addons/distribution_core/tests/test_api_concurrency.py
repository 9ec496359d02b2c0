"""Calls at the same time, and one that dies: real connections, real commits."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.service.model import retrying
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from ..engine.problem import Problem
from ..engine.rate_limit import Limit
from .api_case import APPLY, CONFIRMATION, EVENT, KEPT
from .committed_case import CommittedCase

AT_ONCE = 4
STRANGER = '203.0.113.9'


@tagged('post_install', '-at_install')
class TestApiConcurrency(CommittedCase):
    """What is committed here is revoked and archived in the end; the events stay, for they are evidence."""

    def setUp(self):
        super().setUp()
        # Odoo's own pauses between its tries; those of the tests stay.
        self.startPatcher(patch('odoo.service.model.time', SimpleNamespace(sleep=lambda _seconds: None)))
        # Whatever addons act on it: here nothing does.
        operations = self.registry['distribution.api.operation']
        self.startPatcher(patch.object(operations, APPLY, None, create=True))
        with self.transaction() as env:
            login = f'api_at_once_{time.time_ns()}'
            account = new_test_user(env, login, groups='base.group_user,distribution_core.group_integration')
            key = env['distribution.api.key'].create(
                {
                    'name': "At once",
                    'user_id': account.id,
                    'namespace': 'acme',
                    'operation_ids': [(6, 0, env['distribution.api.operation'].search([]).ids)],
                    'per_minute': 1,
                    'burst': 5,
                }
            )
            key._issue()
            self.key_id = key.id
        self.addCleanup(self._leave)

    def _leave(self):
        with self.transaction() as env:
            key = env['distribution.api.key'].browse(self.key_id)
            env['distribution.api.call'].search([('api_key_id', '=', key.id)]).unlink()
            key.action_revoke()
            key.active = False
            key.user_id.active = False
            env['distribution.api.stranger'].search([('address', '=', STRANGER)]).unlink()

    def receive(self, body, operation=KEPT, idempotency_key=None, dies=False):
        """One call, as the controller takes it, in Odoo's own retry loop."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})

            def take():
                key = env['distribution.api.key'].browse(self.key_id)
                inbox = key._acting().env['distribution.api.call'].sudo()
                contract = inbox.env['distribution.api.operation']._operations()[operation]
                answer = inbox._receive(key, contract, body, idempotency_key)
                if dies:
                    raise RuntimeError("the server died before it committed")
                return answer

            return retrying(take, env)

    def at_once(self, *calls):
        results, barrier = [None] * len(calls), threading.Barrier(len(calls))

        def run(position, call):
            barrier.wait()
            try:
                results[position] = call()
            except Exception as error:  # pylint: disable=broad-except
                results[position] = error

        threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
        with mute_logger('odoo.sql_db'):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        return results

    def calls(self):
        with self.transaction() as env:
            return env['distribution.api.call'].search_count([('api_key_id', '=', self.key_id)])

    @contextmanager
    def handler(self, act):
        model = self.registry['distribution.api.operation']
        with patch.object(model, APPLY, act, create=True):
            yield

    def test_the_same_call_at_the_same_time(self):
        acted = []

        def act(_operations, call, _body):
            acted.append(call.id)
            time.sleep(0.2)
            return {'number': len(acted)}

        with self.handler(act):
            answers = self.at_once(*[lambda: self.receive(CONFIRMATION, idempotency_key='once')] * AT_ONCE)
        self.assertEqual([answer.status for answer in answers], [200] * AT_ONCE, answers)
        self.assertEqual(len({repr(answer.document) for answer in answers}), 1)
        self.assertEqual(len(acted), 1, "whoever waited found the answer")
        self.assertEqual(self.calls(), 1)

    def test_the_same_event_under_different_keys(self):
        answers = self.at_once(
            *[lambda number=number: self.receive(EVENT, 'external-events', f'key{number}') for number in range(AT_ONCE)]
        )
        self.assertEqual(len({repr(answer.document) for answer in answers}), 1, answers)
        self.assertEqual(self.calls(), 1)

    def test_different_bodies_under_one_key(self):
        other = {**CONFIRMATION, 'note': "Something else"}
        one, two = self.at_once(
            lambda: self.receive(CONFIRMATION, idempotency_key='two'),
            lambda: self.receive(other, idempotency_key='two'),
        )
        kinds = {getattr(one, 'status', None), getattr(two, 'status', None)}
        self.assertEqual(kinds, {202, 422}, (one, two))
        self.assertEqual(self.calls(), 1)

    def test_a_call_that_died(self):
        with self.assertRaises(RuntimeError):
            self.receive(CONFIRMATION, idempotency_key='died', dies=True)
        self.assertEqual(self.calls(), 0)
        answer = self.receive(CONFIRMATION, idempotency_key='died')
        self.assertEqual((answer.status, answer.headers), (202, {}))
        again = self.receive(CONFIRMATION, idempotency_key='died')
        self.assertEqual((again.document, again.headers), (answer.document, {'Idempotent-Replayed': 'true'}))

    def test_a_serialization_failure_begins_the_call_anew(self):
        tries = []

        def act(operations, _call, _body):
            tries.append(1)
            user = operations.env.user.sudo()
            user.partner_id.comment = f"try {len(tries)}"
            operations.env.flush_all()
            if len(tries) == 1:
                operations.env.cr.execute("SELECT 1")
                with self.transaction() as env:
                    env['distribution.api.key'].browse(self.key_id).note = "meanwhile"
                operations.env.cr.execute("UPDATE distribution_api_key SET note = 'mine' WHERE id = %s", [self.key_id])
            return {}

        with self.handler(act), mute_logger('odoo.sql_db'):
            answer = self.receive(CONFIRMATION, idempotency_key='serial')
        self.assertEqual((answer.status, len(tries)), (200, 2))
        self.assertEqual(self.calls(), 1)

    def test_the_job_begins_a_call_anew_too(self):
        """Somebody saves what the call changes at that moment: it is applied, and so is the next one."""
        for number in range(2):
            self.assertEqual(self.receive(CONFIRMATION, idempotency_key=f'later{number}').status, 202)
        tries = []

        def act(operations, call, _body):
            tries.append(call.id)
            if len(tries) == 1:
                with self.transaction() as env:
                    env['distribution.api.key'].browse(self.key_id).note = "meanwhile"
                operations.env.cr.execute("UPDATE distribution_api_key SET note = 'mine' WHERE id = %s", [self.key_id])
            return {}

        with self.handler(act), mute_logger('odoo.sql_db'), self.transaction() as env:
            self.assertGreaterEqual(env['distribution.api.call']._cron_apply(), 2)
        self.assertEqual((len(tries), len(set(tries))), (3, 2))
        with self.transaction() as env:
            calls = env['distribution.api.call'].search([('api_key_id', '=', self.key_id)])
            self.assertEqual(calls.mapped('state'), ['applied'] * 2)

    def test_strangers_are_counted_over_connections(self):
        def count():
            with self.transaction() as env:
                return env['distribution.api.stranger']._take(STRANGER, Limit(per_minute=5, burst=5))

        waits = self.at_once(*[count] * 12)
        self.assertEqual((len(waits), waits.count(0)), (12, 5), waits)

    def test_the_limit_holds_over_connections(self):
        def count():
            with self.transaction() as env:
                env['distribution.api.usage']._count(env['distribution.api.key'].browse(self.key_id))
            return 'taken'

        results = self.at_once(*[count] * 8)
        refused = [result for result in results if isinstance(result, Problem)]
        self.assertEqual((results.count('taken'), len(refused)), (5, 3), results)
        self.assertTrue(all(int(problem.headers['Retry-After']) > 0 for problem in refused))
