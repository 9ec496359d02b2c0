"""Automation rules: in the register, and every change in the ledger."""

import json
from contextlib import suppress
from datetime import datetime, timezone

from odoo.tests.common import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger


@tagged('post_install', '-at_install')
class TestAutomationRules(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls.env['base.automation'].create(
            {
                'name': "Greet",
                'model_id': cls.env['ir.model']._get_id('res.partner'),
                'trigger': 'on_create_or_write',
                'description': "<p>Whoever is new is greeted.</p>",
                'action_server_ids': [
                    (
                        0,
                        0,
                        {
                            'name': "Say hello",
                            'model_id': cls.env['ir.model']._get_id('res.partner'),
                            'state': 'code',
                            'code': "record.write({'comment': 'token-4711'})",
                        },
                    )
                ],
            }
        )
        cls.administrator = new_test_user(
            cls.env, login='t_automation_admin', groups='base.group_user,distribution_core.group_administrator'
        )

    def _changes(self, record):
        event = self.env['distribution.event']._last_for(record)
        self.assertEqual(event.type, 'distribution.automation.changed.v1')
        return event, json.loads(event.data)

    def test_changes_are_recorded(self):
        event, data = self._changes(self.rule)
        self.assertEqual((data['kind'], data['action']), ('base.automation', 'created'))
        self.rule.with_user(self.env.ref('base.user_admin')).write({'filter_domain': "[('email', '=', 'x@y.example')]"})
        event, data = self._changes(self.rule)
        self.assertEqual(event.user_ref, self.env.ref('base.user_admin').id)
        self.assertTrue(data['changes']['filter_domain']['new'].startswith('sha256:'))
        self.assertNotIn('x@y.example', event.data)
        action = self.rule.action_server_ids
        action.code = "record.write({'comment': 'other'})"
        event, data = self._changes(action)
        self.assertEqual(list(data['changes']), ['code'])
        self.assertNotIn('token-4711', event.data)
        self.assertNotEqual(data['changes']['code']['old'], data['changes']['code']['new'])
        self.rule.unlink()
        _event, data = self._changes(self.rule)
        self.assertEqual(data['action'], 'removed')

    def test_writing_the_same_is_no_change(self):
        before = self.env['distribution.event']._last_for(self.rule)
        self.rule.write({'name': self.rule.name, 'active': True})
        self.assertEqual(self.env['distribution.event']._last_for(self.rule), before)

    def test_one_event_per_change(self):
        """Odoo writes a rule's actions through the rule: that is one change of the action, none of the rule."""
        action = self.rule.action_server_ids
        self.assertEqual((self._deeds(self.rule), self._deeds(action)), (['created'], ['created']))
        self.rule.write({'action_server_ids': [(1, action.id, {'code': "pass"})]})
        self.assertEqual((self._deeds(self.rule), self._deeds(action)), (['created'], ['created', 'changed']))
        self.rule.write({'active': False})
        self.assertEqual(self._deeds(self.rule), ['created', 'changed'])
        self.assertEqual(self._deeds(action), ['created', 'changed'])

    def _deeds(self, record):
        self.env.flush_all()
        domain = [('res_model', '=', record._name), ('res_id', '=', record.id)]
        return [json.loads(event.data)['action'] for event in self.env['distribution.event'].search(domain, order='id')]

    def _row(self):
        register = self.env['distribution.automation']
        register._sync()
        register.invalidate_model()
        return register.search([('res_model', '=', 'base.automation'), ('res_id', '=', self.rule.id)])

    def test_what_is_not_recorded_is_not_claimed(self):
        row = self._row()
        self.assertEqual((row.health, row.last_outcome, row.last_run_at), ('never', False, False))

    def test_a_rule_that_is_called(self):
        self.rule.write({'trigger': 'on_webhook', 'log_webhook_calls': True, 'record_getter': 'model.browse(1)'})
        self.assertEqual(self._row().health, 'never')
        self.rule._execute_webhook({'id': 1})
        row = self._row()
        self.assertEqual((row.health, row.last_outcome), ('ok', "called"))
        self.assertTrue(row.last_run_at)
        self.rule.record_getter = 'model.browse(payload["secret-4711"])'
        # Not assertRaises: it would roll back what is recorded, which the controller of Odoo does not.
        with suppress(ValueError), mute_logger('odoo.addons.base_automation.models.base_automation'):
            self.rule._execute_webhook({'secret': 'token-4712'})
        row = self._row()
        self.assertEqual(row.health, 'failing')
        self.assertIn("record_getter failed", row.last_outcome)
        self.assertNotIn('471', row.last_outcome)
        self.rule.log_webhook_calls = False
        self.assertEqual(self._row().health, 'never', "its calls are not kept any more")

    def test_a_timed_rule(self):
        created = self.env['ir.model.fields']._get('res.partner', 'create_date')
        self.rule.write({'trigger': 'on_time', 'trg_date_id': created.id, 'filter_domain': "[('id', '=', 0)]"})
        self.assertEqual(self._row().health, 'never')
        self.rule.last_run = '2026-01-02 03:04:05'
        row = self._row()
        self.assertEqual((row.health, str(row.last_run_at)), ('ok', '2026-01-02 03:04:05'))
        self.assertEqual(row.last_outcome, "nothing was due")
        timer = self.env.ref('base_automation.ir_cron_data_base_automation_check')
        runs = self.env['distribution.automation.run']
        runs._keep(timer.id, datetime.now(timezone.utc).replace(tzinfo=None), 'failed', ValueError("no such field"))
        row = self._row()
        self.assertEqual((row.health, row.last_outcome), ('failing', "ValueError: no such field"))
        self.rule.active = False
        self.assertEqual(self._row().health, 'paused')

    def test_in_the_register(self):
        register = self.env['distribution.automation']
        register._sync()
        row = register.search([('res_model', '=', 'base.automation'), ('res_id', '=', self.rule.id)])
        self.assertEqual((row.kind, row.name, row.is_running), ('rule', "Greet", True))
        self.assertEqual(row.note, "Whoever is new is greeted.")
        action = self.rule.action_server_ids
        of_action = register.search([('res_model', '=', 'ir.actions.server'), ('res_id', '=', action.id)])
        self.assertEqual((of_action.kind, of_action.name), ('server_action', f"Greet: {action.name}"))
        row.with_user(self.administrator)._override(False, "It greets too much")
        self.assertFalse(self.rule.active)
        self.assertEqual(row.health, 'paused')
        partner = self.env['res.partner'].create({'name': "Not greeted"})
        self.assertFalse(partner.comment)
        row.with_user(self.administrator)._override(True, "Better now")
        partner.write({'name': "Greeted"})
        self.assertIn('token-4711', partner.comment)
