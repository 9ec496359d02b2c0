"""Automation rules: in the register, and every change in the ledger."""

import json

from odoo.tests.common import TransactionCase, new_test_user, tagged


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

    def test_in_the_register(self):
        register = self.env['distribution.automation']
        register._sync()
        row = register.search([('res_model', '=', 'base.automation'), ('res_id', '=', self.rule.id)])
        self.assertEqual((row.kind, row.name, row.is_running), ('rule', "Greet", True))
        action = self.rule.action_server_ids
        self.assertTrue(register.search([('res_model', '=', 'ir.actions.server'), ('res_id', '=', action.id)]))
        row.with_user(self.administrator)._override(False, "It greets too much")
        self.assertFalse(self.rule.active)
        self.assertEqual(row.health, 'paused')
        partner = self.env['res.partner'].create({'name': "Not greeted"})
        self.assertFalse(partner.comment)
        row.with_user(self.administrator)._override(True, "Better now")
        partner.write({'name': "Greeted"})
        self.assertIn('token-4711', partner.comment)
