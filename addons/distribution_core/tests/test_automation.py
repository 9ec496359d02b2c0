"""The automation register: owners, health, override, and every change in the ledger."""

import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from .common import RolesCase

REGISTER = 'distribution.automation'


@tagged('post_install', '-at_install')
class TestAutomation(RolesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        cls.administrator = cls.user('t_auto_administrator', 'administrator')
        cls.operator = cls.user('t_auto_operator', 'operations')
        cls.auditor = cls.user('t_auto_auditor', 'auditor')
        cls.employee = cls.user('t_auto_employee')
        cls.cron = cls.env['ir.cron'].create(
            {
                'name': "Count partners",
                'model_id': cls.env['ir.model']._get_id('res.partner'),
                'state': 'code',
                'code': "model.search_count([])",
                'interval_number': 1,
                'interval_type': 'hours',
                'user_id': cls.env.ref('base.user_root').id,
            }
        )
        cls.env[REGISTER]._sync()
        cls.row = cls._row(cls.cron)

    @classmethod
    def _row(cls, record):
        domain = [('res_model', '=', record._name), ('res_id', '=', record.id)]
        return cls.env[REGISTER].with_context(active_test=False).search(domain)

    def _events(self, record):
        return self.env['distribution.event'].search(
            [('res_model', '=', record._name), ('res_id', '=', record.id)], order='id'
        )

    def _run(self, cron=None):
        """What the scheduler does, with the transaction of the test."""
        cron = cron or self.cron
        self.patch(self.env.cr, 'commit', lambda: None)
        self.patch(self.env.cr, 'rollback', lambda: None)
        # Other threads of this process would load the registry anew, and with it lose the test's result.
        self.patch(type(self.env.registry), 'signal_changes', lambda registry: None)
        job = () if cron._fields.get('failure_count') else (cron.id,)
        return cron._callback(cron.name, cron.ir_actions_server_id.id, *job)

    # ------------------------------------------------------------ register

    def test_follows_what_exists(self):
        self.assertEqual((self.row.kind, self.row.name, self.row.active), ('cron', "Count partners", True))
        self.assertEqual(self.env[REGISTER]._sync(), 0, "twice is once")
        self.cron.name = "Count people"
        self.env[REGISTER]._sync()
        self.assertEqual(self.row.name, "Count people")
        self.cron.unlink()
        self.env[REGISTER]._sync()
        self.assertFalse(self.row.active)
        every = self.env['ir.cron'].with_context(active_test=False).search([])
        listed = self.env[REGISTER].search([('kind', '=', 'cron')])
        self.assertEqual(set(listed.mapped('res_id')), set(every.ids))

    def test_health(self):
        self.assertEqual(self.row.health, 'never')
        self._run()
        self.row.invalidate_recordset()
        self.assertEqual((self.row.health, self.row.last_outcome, self.row.failure_count), ('ok', 'done', 0))
        self.cron.code = "raise UserError('The service says: no')"
        with mute_logger('odoo.addons.base.models.ir_cron'):
            try:
                self._run()
            except UserError:
                self.assertTrue(self.cron._fields.get('failure_count'), "19.0 raises, 17.0 does not")
        self.row.invalidate_recordset()
        self.assertEqual((self.row.health, self.row.failure_count), ('failing', 1))
        self.assertIn("The service says: no", self.row.last_outcome)
        self.assertIn(self.row, self.env[REGISTER].search([('health', '=', 'failing')]))
        self.assertNotIn(self.row, self.env[REGISTER].search([('health', '!=', 'failing')]))
        self.env[REGISTER]._cron_sync()
        case = self.env['distribution.case'].search([('dedup_key', '=', f'automation_failing:{self.row.id}')])
        self.assertEqual(len(case), 1)

    def test_overdue(self):
        self._run()
        self.cron.nextcall = fields.Datetime.now() - timedelta(hours=3)
        self.row.invalidate_recordset()
        self.assertEqual(self.row.health, 'overdue')
        self.cron.nextcall = fields.Datetime.now() - timedelta(minutes=30)
        self.row.invalidate_recordset()
        self.assertEqual(self.row.health, 'ok')

    def test_runs_are_bounded(self):
        self.patch(self.env.cr, 'rollback', lambda: None)
        for _number in range(55):
            self.env['distribution.automation.run']._keep(self.cron.id, fields.Datetime.now(), 'ok')
        self.assertEqual(self.env['distribution.automation.run'].search_count([('cron_id', '=', self.cron.id)]), 50)

    def test_health_takes_constant_queries(self):
        def queries(rows):
            self.env.flush_all()
            self.env.invalidate_all()
            rows.mapped('name')
            before = self.cr.sql_log_count
            rows.mapped('health')
            return self.cr.sql_log_count - before

        rows = self.env[REGISTER].search([('kind', '=', 'cron')])
        self.assertGreater(len(rows), 8)
        few = [queries(rows[:2]) for _time in range(2)][-1]
        self.assertLessEqual(queries(rows), few)

    # ------------------------------------------------------------ review and override

    def test_review(self):
        row = self.row.with_user(self.administrator)
        with self.assertRaisesRegex(ValidationError, 'business_owner_id'):
            row.action_review()
        row.business_owner_id = self.operator
        data = json.loads(self._events(self.row)[-1:].data)
        self.assertEqual(data['new']['business_owner_id'], self.operator.id)
        row.review_date = fields.Date.add(fields.Date.context_today(row), days=-1)
        self.assertIn(self.row, self.env[REGISTER].search([('is_review_overdue', '=', True)]))
        self.env[REGISTER]._cron_sync()
        self.assertTrue(self.env['distribution.case'].search([('dedup_key', '=', 'automation_review')]))
        row.action_review()
        self.assertFalse(self.row.is_review_overdue)
        self.assertEqual(self.row.reviewed_by_id, self.administrator)
        self.assertEqual(self._events(self.row)[-1:].type, 'distribution.automation.reviewed.v1')

    def test_pause_and_resume(self):
        row = self.row.with_user(self.administrator)
        action = row.action_pause()
        wizard = self.env[action['res_model']].with_user(self.administrator)
        wizard.with_context(**action['context']).create({'reason': "Counts wrong"}).action_confirm()
        self.assertFalse(self.cron.active)
        self.row.invalidate_recordset()
        self.assertEqual((self.row.health, self.row.paused_by_id), ('paused', self.administrator))
        paused = self._events(self.row)[-1:]
        self.assertEqual(paused.type, 'distribution.automation.paused.v1')
        self.assertEqual(paused.user_ref, self.administrator.id)
        # The change itself is on record too, with the same person.
        change = self._events(self.cron)[-1:]
        self.assertEqual(json.loads(change.data)['changes'], {'active': {'old': True, 'new': False}})
        self.assertEqual(change.user_ref, self.administrator.id)
        row._override(True, "Counts right again")
        self.assertTrue(self.cron.active)
        self.assertFalse(self.row.pause_reason)

    def test_pausing_a_control_is_a_critical_case(self):
        row = self._row(self.env.ref('distribution_core.ir_cron_seal'))
        self.assertTrue(row.is_control)
        row.with_user(self.administrator)._override(False, "Too slow")
        case = self.env['distribution.case'].search([('dedup_key', '=', f'control_paused:{row.res_id}')])
        self.assertEqual(case.severity, '3')
        self.assertIn("Too slow", case.description)

    def test_weakening_a_control_by_any_door_is_a_critical_case(self):
        admin = self.env.ref('base.user_admin')
        seal = self.env.ref('distribution_core.ir_cron_seal').with_user(admin)
        doors = {
            'switched off': lambda: seal.write({'active': False}),
            'seldom': lambda: seal.write({'interval_number': 9, 'interval_type': 'months'}),
            'not before': lambda: seal.write({'nextcall': fields.Datetime.now() + timedelta(days=900)}),
            'its code': lambda: seal.ir_actions_server_id.write({'code': "pass"}),
            'through the cron': lambda: seal.write({'code': "pass"}),
            'loaded': lambda: self._load(seal, admin),
            'removed': lambda: seal.unlink(),
        }
        for name, weaken in doors.items():
            with self.subTest(name):
                self.env.cr.execute('SAVEPOINT door')
                weaken()
                self.env.flush_all()
                wanted = [('dedup_key', '=', f'control_paused:{seal.id}'), ('severity', '=', '3')]
                self.assertEqual(self.env['distribution.case'].search_count(wanted), 1)
                self.env.cr.execute('ROLLBACK TO SAVEPOINT door')
                self.env.invalidate_all()
        seal.write({'name': "Distribution: seal", 'priority': 3})
        self.assertFalse(self.env['distribution.case'].search([('dedup_key', '=', f'control_paused:{seal.id}')]))

    def _load(self, cron, user):
        result = self.env['ir.cron'].with_user(user).load(['.id', 'active'], [[str(cron.id), 'False']])
        self.assertFalse([message for message in result['messages'] if message['type'] == 'error'], result)

    # ------------------------------------------------------------ changes

    def test_changes_of_scheduled_actions(self):
        self.assertEqual(json.loads(self._events(self.cron)[:1].data)['action'], 'created')
        admin = self.env.ref('base.user_admin')
        self.cron.with_user(admin).write({'interval_number': 7, 'code': "model.browse().unlink()  # pass-word-123"})
        change = json.loads(self._events(self.cron)[-1:].data)
        self.assertEqual(change['changes'], {'interval_number': {'old': 1, 'new': 7}})
        events = self._events(self.cron.ir_actions_server_id)
        code = json.loads(events[-1:].data)['changes']['code']
        self.assertTrue(code['old'].startswith('sha256:') and code['new'].startswith('sha256:'))
        self.assertEqual(events[-1:].user_ref, admin.id)
        self.assertNotIn('pass-word', ''.join(events.mapped('data')))
        self.cron.unlink()
        self.assertEqual(json.loads(self._events(self.cron)[-1:].data)['action'], 'removed')

    def test_changes_of_server_actions(self):
        action = self.env['ir.actions.server'].create(
            {
                'name': "Send out",
                'model_id': self.env['ir.model']._get_id('res.partner'),
                'state': 'webhook',
                'webhook_url': 'https://hooks.example/T0KEN/x',
            }
        )
        self.assertEqual(self._actions(action), ['created'], "what Odoo writes while it creates is no change")
        action.write({'webhook_url': 'https://evil.example/'})
        self.assertEqual(self._actions(action), ['created', 'changed'])
        action.write({'webhook_url': 'https://evil.example/'})
        self.assertEqual(self._actions(action), ['created', 'changed'], "writing the same is no change")
        text = ''.join(self._events(action).mapped('data'))
        self.assertNotIn('T0KEN', text)
        self.assertNotIn('evil', text)
        last = json.loads(self._events(action)[-1:].data)
        self.assertEqual((last['action'], list(last['changes'])), ('changed', ['webhook_url']))
        self.env[REGISTER]._sync()
        self.assertTrue(self._row(action), "made here: it is in the register")
        with self.assertRaises(UserError):
            self._row(action).with_user(self.administrator)._override(False, "x")

    def test_one_event_per_change_of_each_kind(self):
        """Made together, changed together: each record has its own story, and one line in it per change."""
        self.assertEqual(self._actions(self.cron), ['created'])
        self.assertEqual(self._actions(self.cron.ir_actions_server_id), ['created'])
        self.cron.write({'code': "model.search_count([('id', '>', 0)])", 'interval_number': 2})
        self.assertEqual(self._actions(self.cron), ['created', 'changed'])
        self.assertEqual(self._actions(self.cron.ir_actions_server_id), ['created', 'changed'])
        values = {'model_id': self.env['ir.model']._get_id('res.partner'), 'state': 'code', 'code': "pass"}
        actions = self.env['ir.actions.server'].create([{**values, 'name': f'No {number}'} for number in range(3)])
        for action in actions:
            self.assertEqual(self._actions(action), ['created'])
        actions.write({'sequence': 7})
        for action in actions:
            self.assertEqual(self._actions(action), ['created', 'changed'])

    def _actions(self, record):
        return [json.loads(event.data)['action'] for event in self._events(record)]

    def test_server_actions_met_as_plain_actions(self):
        """Their rows lie in both tables: renaming, rebinding and deleting there is on record as well."""
        action = self.env['ir.actions.server'].create(
            {
                'name': "Tidy up",
                'model_id': self.env['ir.model']._get_id('res.partner'),
                'state': 'code',
                'code': "pass",
            }
        )
        self.env.flush_all()
        plain = self.env['ir.actions.actions'].with_user(self.env.ref('base.user_admin')).browse(action.id)
        plain.write({'name': "Harmless", 'binding_model_id': self.env['ir.model']._get_id('res.partner')})
        change = json.loads(self._events(action)[-1:].data)
        self.assertEqual(set(change['changes']), {'name', 'binding_model_id'})
        plain.update_field_translations('name', {'en_US': "Nothing to see"})
        self.assertEqual(json.loads(self._events(action)[-1:].data)['changes']['name']['new'], "Nothing to see")
        plain.unlink()
        self.assertFalse(action.exists())
        self.assertEqual(json.loads(self._events(action)[-1:].data)['action'], 'removed')
        self.assertEqual(self._events(action)[-1:].user_ref, self.env.ref('base.user_admin').id)

    def test_translations_are_a_door(self):
        action = self.cron.ir_actions_server_id.with_user(self.env.ref('base.user_admin'))
        action.update_field_translations('name', {'en_US': "Harmless"})
        self.assertEqual(json.loads(self._events(action)[-1:].data)['changes']['name']['new'], "Harmless")

    def test_opening_internal_addresses_is_on_record(self):
        key = 'distribution_core.outbound_allowed_hosts'
        parameters = self.env['ir.config_parameter'].with_user(self.env.ref('base.user_admin'))
        parameters.set_param(key, '')
        parameters.search([('key', '=', key)]).unlink()
        parameters.set_param(key, '10.0.0.7:8080')
        row = parameters.search([('key', '=', key)])
        self.assertEqual(
            json.loads(self._events(row)[-1:].data)['changes'], {key: {'old': None, 'new': '10.0.0.7:8080'}}
        )
        row.write({'value': 'gateway'})
        self.assertEqual(json.loads(self._events(row)[-1:].data)['changes'][key]['new'], 'gateway')
        count = len(self._events(row))
        other = parameters.create({'key': 't_auto.other', 'value': '10.0.0.8'})
        self.assertFalse(self._events(other))
        row.unlink()
        self.assertEqual(len(self._events(row)), count + 1)
        other.write({'key': key})
        self.assertEqual(json.loads(self._events(other)[-1:].data)['changes'], {key: {'old': None, 'new': '10.0.0.8'}})

    # ------------------------------------------------------------ attacks

    def test_the_menu_opens_it_for_whom_it_is_shown(self):
        """As the web client does it: an auditor may read the register, and writes nothing in it."""
        opening = self.env.ref('distribution_core.distribution_automation_open_action')
        for user in (self.auditor, self.operator, self.administrator):
            self.assertEqual(opening.with_user(user).run()['res_model'], REGISTER)
        with mute_logger('odoo.addons.base.models.ir_actions'), self.assertRaises(AccessError):
            opening.with_user(self.employee).run()

    def test_who_may(self):
        for user in (self.employee,):
            with self.assertRaises(AccessError):
                self.row.with_user(user).read(['name'])
            with self.assertRaises(AccessError):
                self.env[REGISTER].with_user(user).action_open_register()
        for user in (self.auditor, self.operator):
            row = self.row.with_user(user)
            self.assertTrue(row.health)
            with self.assertRaises(AccessError):
                row._override(False, "x")
            with self.assertRaises(AccessError):
                row.action_review()
            with self.assertRaises(AccessError):
                row.write({'business_owner_id': user.id})
        row = self.row.with_user(self.administrator)
        for values in ({'paused_at': False}, {'reviewed_at': fields.Datetime.now()}, {'kind': 'rule'}, {'res_id': 1}):
            with self.assertRaises(AccessError):
                row.write(values)
        with self.assertRaises(AccessError):
            self.env[REGISTER].with_user(self.administrator).create(
                {'name': "x", 'kind': 'cron', 'res_model': 'ir.cron', 'res_id': 1}
            )
        with self.assertRaises(AccessError):
            row.unlink()
        with self.assertRaises(ValidationError):
            row._override(False, "  ")
        with self.assertRaises(AccessError):
            self.row.sudo()._override(False, "as nobody")
        with self.assertRaises(AccessError):
            self.env['distribution.automation.run'].with_user(self.administrator).create(
                {'cron_id': self.cron.id, 'started_at': fields.Datetime.now(), 'outcome': 'ok'}
            )
