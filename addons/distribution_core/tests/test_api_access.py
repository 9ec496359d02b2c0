"""Who keeps keys, who reads what came in, and what nobody reads."""

import json
import logging
import os
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..compat import IS_17
from ..secret_box import SecretKeyProblem, check_keys
from .api_case import CONFIRMATION, EVENT, KEPT, ApiCase

LIST = 'tree' if IS_17 else 'list'
SHOWN = ('distribution.api.key', 'distribution.api.call')
#: Code only: their rows in ir.model.access grant nothing.
HIDDEN = (
    'distribution.api.problem',
    'distribution.api.secret',
    'distribution.api.stranger',
    'distribution.api.usage',
    'distribution.webhook.secret',
)


@tagged('post_install', '-at_install')
class TestApiAccess(ApiCase):
    def test_readers(self):
        self.post(KEPT, CONFIRMATION)
        found = {model: set() for model in SHOWN}
        for role in ('requester', 'buyer', 'approver', 'operations', 'auditor', 'integration', 'administrator'):
            user = self.user(f'api_{role}', role)
            for model in SHOWN:
                try:
                    self.env[model].with_user(user).search([]).read()
                    found[model].add(role)
                except AccessError:
                    continue
        people = {'operations', 'auditor', 'administrator'}
        self.assertEqual(list(found.values()), [people, people])

    def test_what_only_code_reaches(self):
        admin = self.env.ref('base.user_admin')
        self.assertTrue(admin.has_group('base.group_system'))
        everything = self.user('api_everything', 'operations', 'auditor', 'integration', 'administrator')
        for model in HIDDEN:
            for user in (admin, everything):
                mine = self.env[model].with_user(user).browse(1)
                for name, act in {
                    'read': lambda mine=mine: mine.search([]).read(),
                    'create': lambda mine=mine: mine.create({}),
                    'write': lambda mine=mine: mine.write({}),
                    'unlink': lambda mine=mine: mine.unlink(),
                }.items():
                    with self.subTest(model=model, user=user.login, act=name), self.assertRaises(AccessError):
                        act()

    def test_writers(self):
        call_id = self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)['call_id']
        for role in ('operations', 'auditor', 'integration', 'administrator'):
            user = self.user(f'api_writer_{role}', role)
            call = self.Call.browse(call_id).with_user(user)
            with self.subTest(role):
                for act in (
                    lambda call=call: call.write({'state': 'applied'}),
                    lambda call=call: call.create({'operation': 'x'}),
                    lambda call=call: call.unlink(),
                ):
                    with self.assertRaises(AccessError):
                        act()
                if role == 'administrator':
                    continue
                key = self.key.with_user(user)
                for act in (
                    lambda key=key: key.write({'per_minute': 5}),
                    lambda key=key: key.create({'name': "Mine", 'user_id': self.account.id}),
                    lambda key=key: key.action_issue(),
                    lambda key=key: key.action_revoke(),
                ):
                    with self.assertRaises(AccessError):
                        act()
        with self.assertRaises(AccessError):
            self.Call.browse(call_id).with_user(self.user('api_apply_auditor', 'auditor')).action_apply()

    def test_shown_once(self):
        administrator = self.user('api_keeper', 'administrator')
        action = self.key.with_user(administrator).action_issue()
        form = Form(self.env[action['res_model']].with_user(administrator).with_context(**action['context']))
        text = form.secret
        self.assertAnswer(self.get('openapi.json', key=text), 200)
        form.save()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT count(*) FROM distribution_secret_shown WHERE distribution_secret_shown::text LIKE '%dk\\_%'"
        )
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.assertNotIn(text, repr(self.key.read()))
        self.assertNotIn(text, repr(self.key.export_data(['name', 'key_text', 'message_ids']).get('datas')))
        self.assertNotIn(text, repr(self.key._secrets().read()))

    def test_no_key_in_ledger_or_log(self):
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger(__name__).info("begin")
            self.post('external-events', EVENT)
            self.post(KEPT, {})
            self.get('nothing')
            self.get('openapi.json', key=self.text[:-1] + '0')
        secret = self.text.rpartition('_')[2][:-1]
        self.assertFalse([line for line in logs.output if secret in line])
        self.env.flush_all()
        for table in ('distribution_event', 'distribution_api_call', 'distribution_api_secret', 'mail_message'):
            self.env.cr.execute(f"SELECT count(*) FROM {table} entry WHERE entry::text LIKE %s", [f'%{secret}%'])
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    def test_changes_of_keys_are_told(self):
        self.key.operation_ids = self.Operation.search([('name', '=', 'events')])
        event = self.env['distribution.event']._last_for(self.key, 'distribution.api_key.changed.v1')
        self.assertEqual(json.loads(event.data)['operations'], ['events'])
        self.key.action_revoke()
        event = self.env['distribution.event']._last_for(self.key, 'distribution.api_key.changed.v1')
        self.assertEqual(json.loads(event.data)['change'], 'revoked')

    def test_accounts(self):
        for user in (
            self.user('api_no_role'),
            self.user('api_person', 'integration', 'approver'),
            self.env.ref('base.user_admin'),
            self.env.ref('base.user_root'),
        ):
            with self.subTest(user.login), self.assertRaises(ValidationError):
                self.new_key(user_id=user.id)
        other = self.env['res.company'].create({'name': "Other"})
        with self.assertRaises(ValidationError):
            self.new_key(company_ids=[(6, 0, other.ids)])
        with self.assertRaises(UserError):
            self.key.user_id = self.user('api_other_account', 'integration')
        with self.assertRaises(UserError):
            self.key.unlink()
        for namespace in ('distribution', 'distribution.x', 'Acme', 'a b', 'a..b', 'ä', '.'):
            with self.subTest(namespace), self.assertRaises(ValidationError):
                self.key.namespace = namespace
        self.key.namespace = 'acme.north_1'

    def test_a_server_without_the_key_of_the_secrets(self):
        with patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}):
            signing = self.new_key(name="Signs", requires_signature=True)
            signing._issue()
            check_keys(self.env.cr)
        other = {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}
        with patch.dict(os.environ, other), self.assertRaises(SecretKeyProblem):
            check_keys(self.env.cr)

    def test_screens(self):
        administrator = self.user('api_screens', 'administrator')
        form = Form(self.env['distribution.api.key'].with_user(administrator))
        form.name = "Shop"
        form.user_id = self.account
        self.assertEqual(form.save().state, 'draft')
        operations = self.user('api_reader', 'operations')
        for model, kinds in (
            ('distribution.api.key', ('form', LIST, 'kanban', 'search')),
            ('distribution.api.call', ('form', LIST, 'kanban', 'search')),
            ('distribution.api.operation', ('form', LIST)),
        ):
            for kind in kinds:
                self.env[model].with_user(operations).get_view(view_type=kind)

    def test_calls_of_other_companies(self):
        call_id = self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)['call_id']
        other = self.env['res.company'].create({'name': "Other"})
        operations = self.user('api_elsewhere', 'operations')
        operations.write({'company_ids': [(6, 0, other.ids)], 'company_id': other.id})
        self.assertNotIn(call_id, self.Call.with_user(operations).search([]).ids)
        with self.assertRaises(AccessError):
            self.Call.browse(call_id).with_user(operations).action_apply()

    def test_old_calls_go(self):
        kept = self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)['call_id']
        gone = self.assertProblem(self.post(KEPT, {}), 422, 'body-invalid')['call_id']
        self.env.flush_all()
        self.env.cr.execute("UPDATE distribution_api_call SET received_at = received_at - interval '91 days'")
        self.env.invalidate_all()
        self.Call._gc_calls()
        self.assertEqual(self.Call.search([('id', 'in', (kept, gone))]).ids, [kept])
