"""Health: readiness, metrics behind their token, and the screen of operations."""

import ast
import json
import os
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_open
from prometheus_client.parser import text_string_to_metric_families

from ..models.distribution_automation_run import KEPT_RUNS
from .api_case import CONFIRMATION, KEPT, ApiCase
from .common import LedgerCase, RolesCase
from .webhook_case import WebhookMixin

SEAL = 'distribution_core.ir_cron_seal'


def keep_secrets_with_a_new_key(case):
    case.startPatcher(patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}))


class Figures:
    def figures(self):
        """``{name: {label values sorted by label: number}}``."""
        found = {}
        for family in text_string_to_metric_families(self.env['distribution.health']._exposition().decode()):
            for sample in family.samples:
                labels = tuple(value for _label, value in sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found


@tagged('post_install', '-at_install')
class TestHealth(Figures, WebhookMixin, LedgerCase):
    def setUp(self):
        super().setUp()
        keep_secrets_with_a_new_key(self)
        self.Health = self.env['distribution.health']
        self.to = self.receiver()
        self.allow(self.env, self.to)
        self.subscription = self.subscribe(self.env, self.to)

    def test_webhooks(self):
        own = (self.subscription.name, str(self.subscription.id))
        before = self.figures()
        for name in ('waiting', 'oldest_seconds', 'dead_letters'):
            self.assertEqual(before[f'distribution_webhook_{name}'][own], 0, name)
        self.assertEqual(before['distribution_webhook_circuit'][(own[0], 'closed', own[1])], 1)
        self.record(self.partners[:3])
        self.sql(
            "UPDATE distribution_webhook_delivery SET began_at = %s WHERE subscription_id = %s",
            fields.Datetime.now() - timedelta(hours=2),
            self.subscription.id,
        )
        waiting = self.figures()
        self.assertEqual(waiting['distribution_webhook_waiting'][own], 3)
        self.assertAlmostEqual(waiting['distribution_webhook_oldest_seconds'][own], 7200, delta=60)
        self.env['distribution.webhook.delivery']._cron_drain(commit=False)
        sent = self.figures()
        self.assertEqual(sent['distribution_webhook_waiting'][own], 0)
        self.assertEqual(sent['distribution_webhook_attempts_recent'][('2xx',)], 3)
        self.sql("UPDATE distribution_webhook_attempt SET milliseconds = 1500, status = NULL")
        self.sql("UPDATE distribution_webhook_delivery SET state = 'dead'")
        self.subscription.sudo().write({'failures': 5, 'opened_at': fields.Datetime.now()})
        failed = self.figures()
        self.assertEqual(failed['distribution_webhook_attempts_recent'][('no answer',)], 3)
        self.assertEqual(failed['distribution_webhook_latency_seconds'][('0.95',)], 1.5)
        self.assertEqual(failed['distribution_webhook_dead_letters'][own], 3)
        circuit = failed['distribution_webhook_circuit']
        self.assertEqual([circuit[(own[0], state, own[1])] for state in ('closed', 'open', 'half_open')], [0, 1, 0])
        self.sql("UPDATE distribution_webhook_attempt SET at = at - interval '16 minutes'")
        self.assertEqual(self.figures()['distribution_webhook_attempts_recent'][('no answer',)], 0)

    def test_cases(self):
        before = self.figures()
        case = self.env['distribution.case']._open('ledger_broken', self.env['res.company'], "x")
        case.sudo().due_at = fields.Datetime.now() - timedelta(hours=1)
        self.sql("UPDATE distribution_case SET create_date = %s WHERE id = %s", '2001-01-01', case.id)
        after = self.figures()
        for name, key in (('open', ('technical', '3')), ('overdue', ('technical',))):
            name = f'distribution_cases_{name}'
            self.assertEqual(after[name][key] - before[name][key], 1, name)
        self.assertGreater(after['distribution_cases_oldest_seconds'][('technical',)], 20 * 365 * 86400)

    def test_jobs(self):
        cron = self.env.ref(SEAL)
        runs = self.env['distribution.automation.run']
        runs.search([]).unlink()
        self.sql("UPDATE ir_cron SET create_date = '2026-01-01' WHERE id = %s", cron.id)
        own = (SEAL,)
        never = self.figures()
        self.assertEqual(never['distribution_job_last_success_timestamp_seconds'][own], 1767225600)
        self.assertEqual(never['distribution_job_interval_seconds'][own], 300)
        runs._keep(cron.id, fields.Datetime.to_datetime('2026-02-01'), 'ok')
        for _time in range(KEPT_RUNS + 2):
            runs._keep(cron.id, fields.Datetime.now(), 'failed', ValueError("x"))
        failing = self.figures()
        self.assertEqual(failing['distribution_job_failed'][own], 1)
        self.assertEqual(
            failing['distribution_job_last_success_timestamp_seconds'][own], 1769904000, "the last success is not lost"
        )
        runs._keep(cron.id, fields.Datetime.now(), 'ok')
        self.assertEqual(self.figures()['distribution_job_failed'][own], 0)
        self.assertLessEqual(runs.search_count([('cron_id', '=', cron.id)]), KEPT_RUNS + 1)
        cron.active = False
        self.assertEqual(self.figures()['distribution_job_active'][own], 0)

    def test_ledger(self):
        self.seal()
        self.assertEqual(self.figures()['distribution_ledger_unsealed_seconds'][()], 0)
        self.record(self.partners[:1])
        later = fields.Datetime.now() + timedelta(hours=2)
        with patch.object(fields.Datetime, 'now', lambda *_args: later):
            self.assertGreater(self.figures()['distribution_ledger_unsealed_seconds'][()], 7000)

    def test_a_scrape_costs_the_same_for_more(self):
        self.record(self.partners[:1])
        self.figures()
        first = self.env.cr.sql_log_count
        self.figures()
        cost = self.env.cr.sql_log_count - first
        self.assertLess(cost, 30)
        for _number in range(5):
            self.record()
            self.subscribe(self.env, self.to, name=f"Receiver {_number}")
            self.env['distribution.case']._open('ledger_broken', self.env['res.company'], "x")
        self.env.flush_all()
        first = self.env.cr.sql_log_count
        self.figures()
        self.assertLessEqual(self.env.cr.sql_log_count - first, cost)

    # -------------------------------------------------------------- the screen

    def signs(self, person):
        signs = self.env['distribution.health.sign'].with_user(person)
        signs.invalidate_model()
        return signs.search([])

    def test_screen(self):
        operator = self.user('health_operator', 'operations')

        def sign(name):
            (found,) = self.signs(operator).filtered(lambda sign: sign.name == name)
            return found.count, found.level

        self.sql("DELETE FROM distribution_webhook_delivery WHERE state = 'dead'")
        self.assertEqual(sign("Dead letters"), (0, 'ok'))
        self.record(self.partners[:2])
        self.assertEqual(sign("Deliveries that wait")[1], 'ok')
        self.sql("UPDATE distribution_webhook_delivery SET began_at = began_at - interval '2 hours'")
        self.assertEqual(sign("Deliveries that wait")[1], 'warning')
        self.sql("UPDATE distribution_webhook_delivery SET state = 'dead'")
        self.subscription.sudo().opened_at = fields.Datetime.now()
        self.assertEqual(sign("Dead letters")[1], 'danger')
        self.assertEqual(sign("Endpoints left alone"), (1, 'warning'))
        for one in self.signs(operator):
            with self.subTest(one.name):
                action = one.action_open_list()
                self.assertEqual(action['domain'], ast.literal_eval(one.domain))
                found = self.env[action['res_model']].with_user(operator).search_count(action['domain'])
                if one.name != "Minutes without a seal" and (one.count or one.level != 'ok'):
                    self.assertEqual(found, one.count)
        groups = self.env['distribution.health.sign'].with_user(operator)._read_group([], ['kind'], ['__count'])
        self.assertEqual([kind for kind, _count in groups], ['business', 'technical'])
        self.assertEqual(
            self.signs(operator).search([('level', '=', 'danger'), ('name', '=', "Dead letters")]).kind, 'technical'
        )

    def test_screen_is_for_operations_and_auditors(self):
        for role in ('operations', 'auditor', 'administrator'):
            with self.subTest(role):
                signs = self.signs(self.user(f'health_{role}', role))
                self.assertTrue(signs.mapped('words'))
                for sign in signs:
                    self.env[sign.action_open_list()['res_model']].with_env(signs.env).search(
                        ast.literal_eval(sign.domain)
                    )
        for role in ('buyer', 'integration', 'approver'):
            with self.subTest(role), self.assertRaises(AccessError):
                self.signs(self.user(f'health_{role}', role))

    def test_screen_counts_what_its_reader_may_see(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        operator = self.user('health_operator', 'operations')

        def open_cases():
            return self.signs(operator).filtered(lambda sign: sign.name == "Open cases").mapped('count')

        before = open_cases()
        self.env['distribution.case']._open('ledger_broken', company.partner_id.browse(), "x").sudo()
        self.assertEqual(sum(open_cases()), sum(before) + 1)
        self.env['distribution.case'].with_company(company)._open('ledger_broken', company, "y")
        self.assertEqual(sum(open_cases()), sum(before) + 1)

    def test_screen_is_not_written(self):
        sign = self.signs(self.user('health_operator', 'operations'))[0]
        with self.assertRaises(AccessError):
            sign.write({'domain': "[('id', '=', 1)]"})
        with self.assertRaises(AccessError):
            sign.create({'name': "x"})


@tagged('post_install', '-at_install')
class TestApiFigures(Figures, ApiCase):
    def test_calls(self):
        own = (str(self.key.id), self.key.name)
        before = self.figures()
        self.assertEqual(before['distribution_api_calls_total'][own], 0)
        self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)
        self.assertAnswer(self.get('openapi.json'), 200)
        after = self.figures()
        self.assertEqual(after['distribution_api_calls_total'][own], 2)
        for name in ('recent', 'open'):
            name = f'distribution_api_calls_{name}'
            self.assertEqual(after[name][(KEPT, 'waiting')] - before[name].get((KEPT, 'waiting'), 0), 1, name)
        self.key.write({'per_minute': 1, 'burst': 1})
        usage = self.env['distribution.api.usage']
        self.assertEqual([bool(usage._take(self.key.id, self.key._limit())) for _time in range(2)], [False, True])
        self.assertEqual(self.figures()['distribution_api_rate_limited_total'][own], 1)
        # In tests, what is counted for a call that fails is rolled back with it: it is counted here.
        for kind in ('not-found', 'body-invalid', 'not-found'):
            self.env['distribution.api.problem']._count(self.key, kind)
        problems = {
            labels[2]: count
            for labels, count in self.figures()['distribution_api_problems_total'].items()
            if labels[:2] == own
        }
        self.assertEqual(problems, {'not-found': 2, 'body-invalid': 1, 'internal-error': 0})
        strangers = self.env['distribution.api.stranger']
        strangers.search([]).unlink()
        self.assertEqual(self.figures()['distribution_api_strangers'][()], 0)
        for address in ('203.0.113.7', '203.0.113.8', '203.0.113.7'):
            strangers._count(address)
        self.assertEqual(self.figures()['distribution_api_strangers'][()], 2)


@tagged('post_install', '-at_install')
class TestHealthRoutes(RolesCase, HttpCase):
    def setUp(self):
        super().setUp()
        keep_secrets_with_a_new_key(self)
        self.env['distribution.api.stranger'].search([]).unlink()
        self.tokens = self.env['distribution.metrics.token']
        self.token = self.tokens.create({'name': "Prometheus"})
        self.clear = self.token._issue()

    def ask(self, path, token=None, **headers):
        sent = {**({'Authorization': f'Bearer {token}'} if token else {}), **headers}
        return self.opener.get(f'{self.base_url()}/distribution/{path}', headers=sent, timeout=60)

    def test_ready(self):
        self.assertEqual(self.ask('health/live').json(), {'status': 'alive'})
        answer = self.ask('health')
        self.assertEqual((answer.status_code, answer.json()), (200, {'status': 'ready'}))
        self.assertNotIn('Set-Cookie', answer.headers)
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')

    def test_not_ready_gives_reasons_to_who_may_know(self):
        self.env.ref('base.module_distribution_core').state = 'to upgrade'
        self.env.flush_all()
        for token in (None, 'dmt_x', self.clear[:-1]):
            answer = self.ask('health', token)
            self.assertEqual((answer.status_code, answer.json()), (503, {'status': 'not ready'}))
        answer = self.ask('health', self.clear)
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json()['reasons'], ["addons wait to be installed, upgraded or removed"])
        (ready,) = [
            line for line in self.ask('metrics', self.clear).text.splitlines() if line.startswith('distribution_ready')
        ]
        self.assertEqual(ready, 'distribution_ready 0.0')
        operator = self.user('health_operator', 'operations')
        signs = self.env['distribution.health.sign'].with_user(operator).search([('level', '=', 'danger')])
        self.assertIn("addons wait to be installed, upgraded or removed", signs.mapped('words'))

    def test_not_ready_without_the_key_of_the_secrets(self):
        subscription = self.env['distribution.webhook.subscription'].create(
            {'name': "x", 'url': 'https://hooks.example/'}
        )
        subscription._new_secret()
        self.assertEqual(self.ask('health').status_code, 200)
        keep_secrets_with_a_new_key(self)
        self.assertEqual(self.ask('health').status_code, 503)
        self.assertIn("key of the stored secrets", self.ask('health', self.clear).json()['reasons'][0])
        # What has ended is read no more, and keeps nobody from starting.
        subscription._stored_secrets().ends_at = fields.Datetime.now() - timedelta(hours=1)
        self.env.flush_all()
        self.assertEqual(self.ask('health').status_code, 200)

    def test_metrics_are_for_who_has_the_token(self):
        answer = self.ask('metrics', self.clear)
        self.assertEqual(answer.status_code, 200)
        self.assertTrue(answer.headers['Content-Type'].startswith('text/plain; version=0.0.4'))
        self.assertTrue(list(text_string_to_metric_families(answer.text)))
        wrong = (
            {},
            {'Authorization': self.clear},
            {'Authorization': f'Basic {self.clear}'},
            {'Authorization': 'Bearer'},
        )
        for headers in (*wrong, *({'Authorization': f'Bearer {text}'} for text in ('x', self.clear + 'x', '\u00e9'))):
            answer = self.ask('metrics', **{name: value.encode() for name, value in headers.items()})
            self.assertEqual((answer.status_code, answer.content), (401, b''), headers)
        self.assertEqual(self.ask(f'metrics?token={self.clear}').status_code, 401)
        self.authenticate('admin', 'admin')
        self.assertEqual(self.ask('metrics').status_code, 401, "a session is no token")

    def test_too_many_without_a_token(self):
        self.env['ir.config_parameter'].set_param('distribution_core.api_strangers_per_minute', '2')
        self.assertEqual([self.ask('metrics', 'x').status_code for _time in range(3)], [401, 401, 429])
        self.assertGreater(int(self.ask('metrics', 'x').headers['Retry-After']), 0)
        self.assertEqual(self.ask('metrics', self.clear).status_code, 200, "who has the token is not kept out")

    def test_too_many_who_want_to_know_why_it_is_not_ready(self):
        self.env['ir.config_parameter'].set_param('distribution_core.api_strangers_per_minute', '2')
        self.env.ref('base.module_distribution_core').state = 'to upgrade'
        self.env.flush_all()
        self.assertEqual([self.ask('health', 'x').status_code for _time in range(3)], [503, 503, 429])
        self.assertEqual(self.ask('health').status_code, 503, "a load balancer is no stranger")
        self.assertIn('reasons', self.ask('health', self.clear).json())

    def test_token(self):
        administrator = self.user('metrics_admin', 'administrator')
        token = self.tokens.with_user(administrator).create({'name': "Grafana"})
        action = token.action_issue()
        clear = action['context']['shown_secret']
        shown = self.env[action['res_model']].with_user(administrator).with_context(**action['context'])
        self.assertEqual(shown.create({}).secret, clear)
        self.assertTrue(token.has_token and self.tokens._knows(clear))
        for wrong in ('', 'dmt_', clear[:-1], clear + 'x', clear.upper()):
            self.assertFalse(self.tokens._knows(wrong), wrong)
        self.env.cr.execute("SELECT row_to_json(kept)::text FROM distribution_metrics_token kept")
        self.assertNotIn(clear[4:], str(self.env.cr.fetchall()))
        self.assertNotIn('digest', json.dumps(token.read(), default=str))
        with self.assertRaises(ValueError):
            token.read(['digest'])
        with self.assertRaises(ValueError):
            token.search([('digest', 'like', 'a%')])
        other = token.action_issue()['context']['shown_secret']
        self.assertFalse(self.tokens._knows(clear), "a new one ends it")
        token.action_revoke()
        self.assertFalse(self.tokens._knows(other) or token.has_token)
        again = token._issue()
        number = token.id
        token.unlink()
        self.assertFalse(self.tokens._knows(again))
        events = self.env['distribution.event'].search(
            [('res_model', '=', self.tokens._name), ('res_id', '=', number)], order='id'
        )
        changes = [json.loads(event.data)['change'] for event in events]
        self.assertEqual(changes, ['issued', 'issued', 'revoked', 'issued', 'revoked'])
        self.assertEqual(set(events.mapped('user_ref')), {administrator.id})

    def test_who_keeps_tokens(self):
        for role in ('operations', 'auditor', 'integration', 'buyer'):
            person = self.user(f'metrics_{role}', role)
            for attempt in (
                lambda own: own.create({'name': "Mine"}),
                lambda own: self.token.with_env(own.env).action_issue(),
                lambda own: self.token.with_env(own.env).action_revoke(),
                lambda own: self.token.with_env(own.env).read(['name']),
            ):
                with self.subTest(role), self.assertRaises(AccessError):
                    attempt(self.tokens.with_user(person))

    def test_a_copy_knows_no_token(self):
        with file_open('distribution_core/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.assertFalse(self.tokens._knows(self.clear))
