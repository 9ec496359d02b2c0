"""Webhook subscriptions in the automation register."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .webhook_case import WebhookCase


@tagged('post_install', '-at_install')
class TestAutomationWebhook(WebhookCase):
    def _row(self, subscription=None):
        register = self.env['distribution.automation']
        register._sync()
        register.invalidate_model()
        domain = [('res_model', '=', 'distribution.webhook.subscription')]
        return register.search([*domain, ('res_id', '=', (subscription or self.subscription).id)])

    def test_in_the_register_with_owner_and_review(self):
        owner = self.user('t_hook_owner', 'operations')
        subscription = self.subscribe(self.env, self.to, name="Carrier", owner_id=owner.id)
        row = self._row(subscription)
        self.assertEqual((row.kind, row.name, row.technical_owner_id), ('webhook', "Carrier", owner))
        self.assertTrue(row.review_date)
        self.assertFalse(row.is_review_overdue)
        self.assertEqual((row.health, row.is_running, row.last_outcome), ('never', True, False))
        auditor = self.user('t_hook_auditor', 'auditor')
        self.assertEqual(row.with_user(auditor).health, 'never')
        subscription.name = "Carrier 2"
        self.assertEqual(self._row(subscription).name, "Carrier 2")
        subscription.active = False
        self.assertEqual(self._row(subscription).health, 'paused')

    def test_delivered(self):
        self.record(self.partners[:1])
        self.assertEqual(self._row().health, 'never', "nothing was sent yet")
        self.drain()
        row = self._row()
        self.assertEqual((row.health, row.last_outcome, row.failure_count), ('ok', "delivered", 0))
        self.assertEqual(row.last_run_at, self.deliveries().attempt_ids.at)

    def test_failing_and_mended(self):
        self.to.answers = [(500, {}, b'')]
        self.record(self.partners[:1])
        self.drain()
        row = self._row()
        self.assertEqual(row.health, 'failing')
        self.assertIn('500', row.last_outcome)
        self.assertEqual(row.next_run_at, self.deliveries().next_at)
        self.sql(
            "UPDATE distribution_webhook_delivery SET began_at = %s WHERE id = %s",
            fields.Datetime.now() - timedelta(days=3),
            self.deliveries().id,
        )
        self.due()
        self.drain()
        row = self._row()
        self.assertEqual((row.health, row.failure_count), ('failing', 1), "given up")
        self.to.answers = [(200, {}, b'ok')]
        self.record(self.partners[1:2])
        self.drain()
        row = self._row()
        self.assertEqual((row.health, row.failure_count), ('ok', 1), "what came last arrived")

    def test_paused_and_gone(self):
        self.subscription.action_pause()
        row = self._row()
        self.assertEqual((row.health, row.is_running), ('paused', False))
        with self.assertRaisesRegex(UserError, "on the subscription itself"):
            row.with_user(self.user('t_hook_administrator', 'administrator'))._override(True, "Back")
        self.subscription.action_activate()
        self.to.answers = [(410, {}, b'')]
        self.record(self.partners[:1])
        self.drain()
        row = self._row()
        self.assertEqual((row.health, row.is_running), ('failing', False))
        self.assertIn('410', row.last_outcome)

    def test_constant_queries(self):
        for number in range(6):
            self.subscribe(self.env, self.to, name=f"Hook {number}")
        self.record(self.partners[:2])
        self.drain()
        self.env['distribution.automation']._sync()
        rows = self.env['distribution.automation'].search([('kind', '=', 'webhook')])

        def queries(some):
            self.env.flush_all()
            self.env.invalidate_all()
            some.mapped('name')
            before = self.cr.sql_log_count
            some.mapped('health')
            return self.cr.sql_log_count - before

        few = [queries(rows[:2]) for _time in range(2)][-1]
        self.assertLessEqual(queries(rows), few)
