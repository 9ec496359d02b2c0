"""Health: readiness, metrics behind their token, and the screen of operations."""

import ast
import json
import os
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools.misc import file_path
from prometheus_client.parser import text_string_to_metric_families

from ..secret_box import SecretKeyProblem
from .common import LedgerCase
from .webhook_case import WebhookMixin


@tagged('post_install', '-at_install')
class TestHealth(WebhookMixin, LedgerCase):
    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}))
        self.Health = self.env['distribution.health']
        self.to = self.receiver()
        self.allow(self.env, self.to)
        self.subscription = self.subscribe(self.env, self.to)

    def figures(self):
        """``{name: {label values sorted by label: number}}``."""
        text = self.Health._exposition().decode()
        return {
            family.name: {
                tuple(value for _label, value in sorted(sample.labels.items())): sample.value
                for sample in family.samples
            }
            for family in text_string_to_metric_families(text)
        }

    def test_webhooks(self):
        before = self.figures()
        own = (self.subscription.name, str(self.subscription.id))
        self.assertEqual(before['distribution_webhook_dead_letters'][own], 0)
        self.record(self.partners[:3])
        self.sql(
            "UPDATE distribution_webhook_delivery SET began_at = %s WHERE subscription_id = %s",
            fields.Datetime.now() - timedelta(hours=2),
            self.subscription.id,
        )
        waiting = self.figures()
        self.assertEqual(
            waiting['distribution_webhook_waiting'][('pending',)]
            - before['distribution_webhook_waiting'][('pending',)],
            3,
        )
        self.assertAlmostEqual(waiting['distribution_webhook_backlog_oldest_seconds'][()], 7200, delta=60)
        self.env['distribution.webhook.delivery']._cron_drain(commit=False)
        sent = self.figures()
        self.assertEqual(sent['distribution_webhook_attempts_recent'][('2xx',)], 3)
        self.assertGreaterEqual(sent['distribution_webhook_latency_seconds'][('0.95',)], 0)
        self.sql("UPDATE distribution_webhook_delivery SET state = 'dead'")
        self.subscription.sudo().write({'failures': 5, 'opened_at': fields.Datetime.now()})
        failed = self.figures()
        self.assertEqual(failed['distribution_webhook_dead_letters'][own], 3)
        self.assertEqual(failed['distribution_webhook_circuit_open'][own], 1)

    def test_cases(self):
        before = self.figures()
        case = self.env['distribution.case']._open('ledger_broken', self.env['res.company'], "x")
        case.sudo().due_at = fields.Datetime.now() - timedelta(hours=1)
        after = self.figures()
        key = ('technical', '3')
        self.assertEqual(after['distribution_cases_open'][key] - before['distribution_cases_open'][key], 1)
        self.assertEqual(
            after['distribution_cases_overdue'][('technical',)] - before['distribution_cases_overdue'][('technical',)],
            1,
        )

    def test_jobs_and_ledger(self):
        seal = self.env.ref('distribution_core.ir_cron_seal')
        started = fields.Datetime.now()
        self.env['distribution.automation.run']._keep(seal.id, started, 'failed', ValueError("x"))
        name = ('distribution_core.ir_cron_seal',)
        figures = self.figures()
        self.assertEqual(figures['distribution_job_failed'][name], 1)
        self.env['distribution.automation.run']._keep(seal.id, started, 'ok')
        figures = self.figures()
        self.assertEqual(figures['distribution_job_failed'][name], 0)
        self.assertGreater(figures['distribution_job_last_success_timestamp_seconds'][name], 1_700_000_000)
        self.assertEqual(figures['distribution_job_active'][name], 1)
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
        for _number in range(5):
            self.record()
            self.env['distribution.case']._open('ledger_broken', self.env['res.company'], "x")
        self.env.flush_all()
        first = self.env.cr.sql_log_count
        self.figures()
        self.assertLessEqual(self.env.cr.sql_log_count - first, cost)

    def test_readiness(self):
        self.assertEqual(self.Health._not_ready(), [])

        def no_key(_self):
            raise SecretKeyProblem("no key")

        with patch.object(type(self.env['distribution.webhook.subscription']), '_check_key', no_key):
            self.assertEqual(self.Health._not_ready(), ["the key of the stored secrets is not there"])
        self.env.ref('base.module_distribution_core').state = 'to upgrade'
        self.assertIn("upgraded", self.Health._not_ready()[0])

    # -------------------------------------------------------------- the token

    def test_token(self):
        tokens = self.env['distribution.metrics.token']
        administrator = self.user('metrics_admin', 'administrator')
        token = tokens.with_user(administrator).create({'name': "Prometheus"})
        clear = token.action_issue()['context']['shown_webhook_secret']
        self.assertTrue(token.has_token and tokens._knows(clear))
        for wrong in ('', 'dmt_', clear[:-1], clear + 'x', clear.upper()):
            self.assertFalse(tokens._knows(wrong), wrong)
        stored = self.sql("SELECT token::text FROM distribution_metrics_token token WHERE id = %s", token.id)[0][0]
        self.assertNotIn(clear, stored)
        self.assertNotIn(clear, json.dumps(token.read(), default=str))
        with self.assertRaises(ValueError):
            token.read(['digest'])
        event = self.Event._last_for(token, 'distribution.metrics_token.issued.v1')
        self.assertEqual((event.user_ref, event.data), (administrator.id, '{}'))
        other = token.action_issue()['context']['shown_webhook_secret']
        self.assertFalse(tokens._knows(clear))
        token.active = False
        self.assertFalse(tokens._knows(other))
        for role in ('operations', 'auditor', 'integration', 'buyer'):
            person = self.user(f'metrics_{role}', role)
            with self.subTest(role), self.assertRaises(AccessError):
                tokens.with_user(person).create({'name': "Mine"})
            with self.subTest(role), self.assertRaises(AccessError):
                token.with_user(person).action_issue()

    def test_a_copy_knows_no_token(self):
        token = self.env['distribution.metrics.token'].create({'name': "Prometheus"})
        clear = token._issue()
        with open(file_path('distribution_core/data/neutralize.sql', filter_ext=('.sql',)), encoding='utf-8') as script:
            self.sql(script.read())
        self.assertFalse(self.env['distribution.metrics.token']._knows(clear))

    # -------------------------------------------------------------- the screen

    def test_screen(self):
        self.record(self.partners[:2])
        self.sql("UPDATE distribution_webhook_delivery SET state = 'dead'")
        self.env.invalidate_all()
        operator = self.user('health_operator', 'operations')
        signs = self.env['distribution.health.sign'].with_user(operator)
        action = signs.action_open_screen()
        signs = signs.search(action['domain'])
        self.assertEqual(set(signs.mapped('kind')), {'business', 'technical'})
        dead = signs.filtered(lambda sign: sign.name == "Dead letters")
        self.assertEqual((dead.count, dead.level), (2, 'danger'))
        for sign in signs:
            with self.subTest(sign.name):
                found = sign.action_open_list()
                self.assertEqual(found['domain'], ast.literal_eval(sign.domain))
                records = self.env[found['res_model']].with_user(operator).search(found['domain'])
                if sign.level != 'ok' and sign.name != "Minutes without a seal":
                    self.assertTrue(records)
        with self.assertRaises(AccessError):
            self.env['distribution.health.sign'].with_user(self.user('health_buyer', 'buyer')).action_open_screen()
