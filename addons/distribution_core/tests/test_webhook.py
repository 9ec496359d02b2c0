"""Webhooks: what is queued with an event, what is sent, and what follows from each answer."""

import json
import os
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..engine.webhook_signature import SignatureProblem
from ..models import distribution_webhook_delivery as delivery_module
from ..secret_box import SecretBox, SecretKeyProblem, check_keys
from .common import TYPE
from .webhook_case import SECRET_KEY, WebhookCase

OTHER_KEY = Fernet.generate_key().decode()


@tagged('post_install', '-at_install')
class TestWebhook(WebhookCase):
    # -------------------------------------------------------------- delivered

    def test_a_signed_cloudevent(self):
        event = self.record(self.partners[:1])
        delivery = self.deliveries()
        self.assertEqual((delivery.state, delivery.event_uid), ('pending', event.uid))
        self.assertEqual(self.drain(), 1)
        ((headers, body),) = self.to.received
        self.assertEqual(headers['webhook-id'], event.uid)
        self.assertEqual(headers['content-type'], 'application/cloudevents+json')
        envelope = json.loads(body)
        self.assertEqual((envelope['specversion'], envelope['type'], envelope['id']), ('1.0', TYPE, event.uid))
        self.assertEqual(envelope['data'], {'before': 'new', 'after': 'approved'})
        self.assertSigned((headers, body), self.secrets())
        with self.assertRaises(SignatureProblem):
            self.assertSigned((headers, body + b' '), self.secrets())
        self.assertEqual((delivery.state, delivery.attempts, delivery.last_status), ('delivered', 1, 200))
        self.assertEqual(delivery.attempt_ids.mapped('excerpt'), ['ok'])
        self.assertEqual(self.drain(), 0, "once")

    def test_nothing_of_what_was_rolled_back(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.record()
            raise ZeroDivisionError
        self.assertFalse(self.deliveries())

    def test_connections_are_kept(self):
        with patch.object(delivery_module, 'PARALLEL', 1):
            self.record()
            self.record()
            self.assertEqual(self.drain(), 10)
        self.assertEqual(len(self.to.received), 10)
        self.assertEqual(len(self.to.connections), 1)

    def test_a_kept_connection_that_died(self):
        self.to.answers = [(200, {}, b'ok'), 'close', (200, {}, b'ok')]
        with patch.object(delivery_module, 'PARALLEL', 1):
            self.record(self.partners[:3])
            self.drain()
        self.assertEqual(set(self.deliveries().mapped('state')), {'delivered'})
        self.assertEqual(len(set(self.to.ids())), 3)
        self.assertEqual(len(self.to.received), 4, "the one that met a dead connection was sent again at once")

    def secrets(self):
        return self.subscription._secrets()[self.subscription.id]

    # ---------------------------------------------------------------- wanted

    def test_only_what_is_wanted(self):
        other = self.subscribe(self.env, self.to, name="Cases", event_types='distribution.case.*')
        chosen = self.subscribe(
            self.env,
            self.to,
            name="Blocked",
            event_types='*',
            condition_ids=[(0, 0, {'path': 'after', 'operator': 'in', 'value': 'blocked, restricted'})],
        )
        self.record(self.partners[:2])
        self.Event._record(TYPE, self.partners[:1], {'before': 'new', 'after': 'blocked'})
        self.assertEqual(len(self.deliveries()), 3)
        self.assertFalse(self.deliveries(other))
        self.assertEqual(
            self.deliveries(chosen).filtered(lambda one: one.event_type == TYPE).mapped('state'), ['pending']
        )
        chosen.action_pause()
        self.record(self.partners[:1])
        self.Event._record(TYPE, self.partners[:1], {'before': 'new', 'after': 'blocked'})
        self.assertEqual(len(self.deliveries(chosen).filtered(lambda one: one.event_type == TYPE)), 1)

    def test_companies(self):
        company = self.env['res.company'].create({'name': "Other"})
        self.subscription.company_ids = company
        mine = self.env['res.partner'].create({'name': "Ours", 'company_id': company.id})
        self.record(self.partners[0] | mine)
        self.assertEqual(self.deliveries().company_id, company)

    def test_what_cannot_be_asked_for(self):
        for values, words in (
            ({'url': 'http://example.com/x'}, 'https'),
            ({'url': 'ftp://example.com/x'}, 'https'),
            ({'url': 'https://user:pass@example.com/'}, 'user name'),
            ({'event_types': 'Distribution vendor!'}, 'event type'),
            ({'event_types': ' '}, 'event type'),
            ({'condition_ids': [(0, 0, {'path': 'amount', 'operator': 'gt', 'value': 'much'})]}, 'no number'),
            ({'condition_ids': [(0, 0, {'path': 'a b', 'operator': 'eq', 'value': '1'})]}, 'no path'),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, words), self.env.cr.savepoint():
                self.subscription.write(values)

    # ----------------------------------------------------------------- answers

    def test_tried_again_until_it_answers(self):
        self.to.answers = [
            (500, {}, b'broken'),
            (404, {}, b''),
            (302, {'location': 'http://127.0.0.1:1/'}, b''),
            (204, {}, b''),
        ]
        self.record(self.partners[:1])
        delivery = self.deliveries()
        for number, status in enumerate((500, 404, 302), start=1):
            self.drain()
            self.assertEqual((delivery.state, delivery.attempts, delivery.last_status), ('pending', number, status))
            self.assertGreater(delivery.next_at, fields.Datetime.now())
            self.assertEqual(self.drain(), 0, "not before its time")
            self.due()
        self.drain()
        self.assertEqual((delivery.state, delivery.attempts), ('delivered', 4))
        self.assertEqual(len(set(self.to.ids())), 1, "the same id at every try")
        self.assertEqual(delivery.attempt_ids.sorted('number').mapped('status'), [500, 404, 302, 204])

    def test_retry_after(self):
        self.to.answers = [(429, {'retry-after': '3600'}, b'')]
        self.record(self.partners[:1])
        self.drain()
        self.assertGreater(self.deliveries().next_at, fields.Datetime.now() + timedelta(minutes=55))

    def test_gone(self):
        self.to.answers = [(410, {}, b'')]
        self.record(self.partners[:2])
        self.drain()
        self.assertEqual(self.subscription.state, 'gone')
        case = self.env['distribution.case'].search([('dedup_key', '=', f'webhook_gone:{self.subscription.id}')])
        self.assertEqual(case.type_id.code, 'webhook_gone')
        self.record(self.partners[:1])
        self.assertEqual(len(self.deliveries()), 2, "nothing new is queued")
        self.due()
        self.assertEqual(self.drain(), 0)

    def test_dead_letter_and_again(self):
        self.to.answers = [(500, {}, b'')]
        self.record(self.partners[:1])
        delivery = self.deliveries()
        self.sql(
            "UPDATE distribution_webhook_delivery SET began_at = %s WHERE id = %s",
            fields.Datetime.now() - timedelta(days=3),
            delivery.id,
        )
        self.env.invalidate_all()
        self.drain()
        self.assertEqual(delivery.state, 'dead')
        self.assertEqual(self.subscription.dead_count, 1)
        self.assertTrue(
            self.env['distribution.case'].search([('dedup_key', '=', f'webhook_dead_letter:{self.subscription.id}')])
        )
        self.to.answers = [(200, {}, b'')]
        delivery.with_user(self.user('hook_operator', 'operations')).action_send_again()
        self.drain()
        self.assertEqual((delivery.state, delivery.attempts), ('delivered', 1))

    def test_no_answer_at_all(self):
        self.to.close()
        self.record(self.partners[:1])
        self.drain()
        delivery = self.deliveries()
        self.assertEqual(delivery.state, 'pending')
        self.assertIn('unreachable', delivery.last_error)

    def test_long_answer(self):
        self.to.answers = [(200, {}, b'x' * 10_000_000)]
        self.record(self.partners[:1])
        self.drain()
        self.assertEqual(self.deliveries().state, 'delivered')
        self.assertLessEqual(len(self.deliveries().attempt_ids.excerpt), 1000)

    def test_internal_addresses(self):
        self.env['ir.config_parameter'].set_param('distribution_core.outbound_allowed_hosts', '')
        self.record(self.partners[:1])
        self.drain()
        self.assertIn('blocked', self.deliveries().last_error)
        self.assertFalse(self.to.received)

    # ----------------------------------------------------------------- circuit

    def test_circuit(self):
        self.to.answers = [(503, {}, b'')]
        self.record()
        self.drain()
        self.assertEqual(len(self.to.received), 5)
        self.assertEqual(self.subscription.circuit_state, 'open')
        case = self.env['distribution.case'].search([('dedup_key', '=', f'webhook_failing:{self.subscription.id}')])
        self.assertEqual(case.kind, 'technical')
        self.due()
        self.assertEqual(self.drain(), 0, "left alone")
        self.to.answers = [(200, {}, b'')]
        self.subscription.sudo().opened_at = fields.Datetime.now() - timedelta(minutes=2)
        self.assertEqual(self.drain(), 5, "one to see, then the others")
        self.assertEqual(self.subscription.circuit_state, 'closed')
        self.assertEqual(set(self.deliveries().mapped('state')), {'delivered'})

    def test_one_endpoint_does_not_hold_up_another(self):
        other = self.receiver()
        self.env['ir.config_parameter'].set_param('distribution_core.outbound_allowed_hosts', '127.0.0.1')
        subscription = self.subscribe(self.env, other, name="Other")
        self.to.answers = [(503, {}, b'')]
        self.record()
        self.drain()
        self.assertEqual(set(self.deliveries(subscription).mapped('state')), {'delivered'})

    def test_one_without_a_secret_does_not_hold_up_another(self):
        other = self.subscribe(self.env, self.to, name="Other")
        self.subscription._stored_secrets().unlink()
        self.record(self.partners[:1])
        self.drain()
        self.assertEqual(self.deliveries(other).state, 'delivered')
        self.assertEqual((self.subscription.state, self.deliveries().state), ('paused', 'pending'))
        case = self.env['distribution.case'].search([('dedup_key', '=', f'webhook_failing:{self.subscription.id}')])
        self.assertIn("secret", case.description)
        self.subscription.action_activate()
        self.drain()
        self.assertEqual(self.deliveries().state, 'delivered', "what waited is kept")

    def test_queries_do_not_grow_with_the_batch(self):
        self.to.answers = [(500, {}, b'')]
        self.subscription.sudo().failures = -1000  # the circuit stays closed
        queries = []
        for count in (2, 10):
            for _number in range(count):
                self.record(self.partners[:1])
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.drain()
            queries.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(queries[1] - queries[0], 2, queries)

    def test_only_drafts_are_deleted(self):
        draft = self.env['distribution.webhook.subscription'].create({'name': "Draft", 'url': self.to.url})
        draft.unlink()
        self.subscription.action_pause()
        with self.assertRaisesRegex(UserError, 'archive'):
            self.subscription.unlink()

    # ------------------------------------------------------------------- order

    def test_in_order_per_case(self):
        self.subscription.in_order = True
        self.to.answers = [(500, {}, b''), (200, {}, b'')]
        events = [self.record(self.partners[:1]) for _number in range(3)]
        other = self.record(self.partners[1:2])
        with patch.object(delivery_module, 'PARALLEL', 1):  # who is asked first gets the first answer
            self.drain()
        self.assertEqual(set(self.to.ids()), {events[0].uid, other.uid}, "the case waits, another one does not")
        self.due()
        self.drain()
        mine = [uid for uid in self.to.ids() if uid != other.uid]
        self.assertEqual(mine, [events[0].uid, *(event.uid for event in events)])

    # ----------------------------------------------------------------- secrets

    def test_secret_is_shown_once_and_encrypted(self):
        action = self.subscription.action_new_secret()
        clear = action['context']['shown_secret']
        self.assertTrue(clear.startswith('whsec_'))
        with Form(self.env[action['res_model']].with_context(**action['context'])) as shown:
            self.assertEqual(shown.secret, clear)
        self.assertFalse(self.env[action['res_model']].search([])[:1].secret)
        stored = self.sql("SELECT ciphertext FROM distribution_webhook_secret ORDER BY id DESC LIMIT 1")[0][0]
        self.assertNotIn(clear.removeprefix('whsec_'), stored)
        self.assertEqual(SecretBox().decrypt(stored), clear)
        for (facts,) in self.sql("SELECT data FROM distribution_event WHERE type LIKE 'distribution.webhook.%%'"):
            self.assertNotIn(clear.removeprefix('whsec_'), facts)
        with self.assertRaises(AccessError):
            self.env['distribution.webhook.secret'].with_user(self.user('hook_admin', 'administrator')).search([]).read(
                ['ciphertext']
            )

    def test_rotation_with_overlap(self):
        (old,) = self.secrets()
        new = self.subscription.action_new_secret()['context']['shown_secret']
        self.record(self.partners[:1])
        self.drain()
        message = self.to.received[-1]
        self.assertEqual(len(message[0]['webhook-signature'].split(' ')), 2)
        self.assertSigned(message, [old])
        self.assertSigned(message, [new])
        self.env['distribution.webhook.secret'].sudo().search([]).filtered('ends_at').ends_at = '2020-01-01'
        self.record(self.partners[:1])
        self.drain()
        self.assertSigned(self.to.received[-1], [new])
        with self.assertRaises(SignatureProblem):
            self.assertSigned(self.to.received[-1], [old])

    def test_without_the_key_nothing_starts(self):
        with (
            patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': OTHER_KEY}),
            self.assertRaisesRegex(SecretKeyProblem, 'another key'),
        ):
            check_keys(self.env.cr)
        with (
            patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': 'short'}),
            self.assertRaisesRegex(SecretKeyProblem, 'is no key'),
        ):
            check_keys(self.env.cr)
        with patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': f'{OTHER_KEY},{SECRET_KEY}'}):
            check_keys(self.env.cr)

    # ------------------------------------------------------------------ replay

    def test_test_button(self):
        other = self.subscribe(self.env, self.to, name="All", event_types='*')
        action = self.subscription.action_test()
        delivery = self.Delivery.browse(action['res_id'])
        self.assertEqual(delivery.event_type, 'distribution.webhook.tested.v1')
        self.drain()
        self.assertEqual(delivery.state, 'delivered')
        self.assertNotIn('distribution.webhook.tested.v1', self.deliveries(other).mapped('event_type'))

    def test_send_again_since(self):
        events = self.record()
        self.drain()
        moment = fields.Datetime.now()
        replay = self.env['distribution.webhook.replay'].create(
            {
                'subscription_id': self.subscription.id,
                'date_from': moment - timedelta(minutes=5),
                'date_to': moment + timedelta(minutes=5),
            }
        )
        with self.assertRaises(AccessError):
            self.subscription.with_user(self.user('hook_operator', 'operations'))._replay(moment, moment)
        replay.action_replay()
        with self.assertRaisesRegex(UserError, 'already'):
            replay.action_replay()
        with patch.object(delivery_module, 'REPLAYED', 2):  # several batches
            self.Delivery._cron_replay(commit=False)
        self.assertFalse(self.subscription.replay_until)
        self.drain()
        for uid in events.mapped('uid'):
            self.assertEqual(self.to.ids().count(uid), 2, "the same id")
        replay.write({'date_from': moment + timedelta(days=1), 'date_to': moment + timedelta(days=2)})
        self.assertEqual(replay.action_replay()['params']['type'], 'warning', "nothing happened in that time")

    def test_what_a_worker_overlooked(self):
        """A worker that did not know the subscription yet wrote no delivery; the job adds it."""
        self.env['distribution.webhook.subscription'].sudo().search([]).feed_cursor = self.Event._feed_end()
        with patch.object(type(self.env['distribution.webhook.subscription']), '_wants', lambda _self: ()):
            events = self.record()
        self.assertFalse(self.deliveries())
        with patch('odoo.addons.distribution_core.models.distribution_event.current_horizon', lambda _cr: 2**62):
            self.assertEqual(self.Delivery._reconcile(self.subscription), 5)
            self.assertEqual(self.Delivery._reconcile(self.subscription), 0)
        self.assertEqual(set(self.deliveries().mapped('event_uid')), set(events.mapped('uid')))

    # ------------------------------------------------------------------ attacks

    def test_who_may_do_what(self):
        self.record(self.partners[:1])
        delivery = self.deliveries()
        operator = self.user('hook_operator', 'operations')
        auditor = self.user('hook_auditor', 'auditor')
        buyer = self.user('hook_buyer', 'buyer')
        for user in (operator, auditor):
            self.assertEqual(delivery.with_user(user).event_type, TYPE)
            for act in (
                lambda user=user: self.subscription.with_user(user).write({'url': 'https://evil.example/'}),
                lambda user=user: self.subscription.with_user(user).action_pause(),
                lambda user=user: self.subscription.with_user(user).action_new_secret(),
                lambda user=user: self.subscription.with_user(user).action_test(),
                lambda user=user: delivery.with_user(user).write({'state': 'delivered'}),
                lambda user=user: delivery.with_user(user).unlink(),
                lambda user=user: self.env['distribution.webhook.delivery'].with_user(user).create({}),
                lambda user=user: self.env['distribution.webhook.secret'].with_user(user).search([]),
            ):
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    act()
        with self.assertRaises(UserError):
            delivery.with_user(auditor).action_send_again()
        for model in ('subscription', 'delivery', 'attempt'):
            with self.assertRaises(AccessError):
                self.env[f'distribution.webhook.{model}'].with_user(buyer).search([])
        keeper = self.user('hook_keeper', 'administrator')
        for values in ({'state': 'active'}, {'failures': 0}, {'feed_cursor': '0.0.0'}):
            with self.assertRaises(AccessError):
                self.subscription.with_user(keeper).write(values)

    def test_queries_do_not_grow_with_events(self):
        self.record()
        counts = []
        for size in (1, 5):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.record(self.partners[:size])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)
        self.subscription.action_pause()
        self.record(self.partners[:1])
        before = self.env.cr.sql_log_count
        self.record()
        self.assertEqual(self.env.cr.sql_log_count - before, 1, "nothing without subscriptions")
