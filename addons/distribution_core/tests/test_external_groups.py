"""Roles from outside: mapped ones come and go, others stay, everything is on record."""

import json

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged

from ..compat import USER_GROUPS
from .common import RolesCase

MAPPING = 'distribution.external.group'


@tagged('post_install', '-at_install')
class TestExternalGroups(RolesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        cls.administrator = cls.user('t_ext_administrator', 'administrator')
        cls.second = cls.user('t_ext_second', 'administrator')
        cls.integration = cls.user('t_ext_integration', 'integration')
        cls.person = cls.user('t_ext_person', 'requester')
        cls.auditor = cls.user('t_ext_auditor', 'auditor')
        cls.approver = cls.env.ref('distribution_core.group_approver')
        cls.buyer = cls.env.ref('distribution_core.group_buyer')
        cls.requester = cls.env.ref('distribution_core.group_requester')
        cls.approvers = cls._map('Approvers', cls.approver)
        cls.buyers = cls._map('Buyers', cls.buyer)

    @classmethod
    def _map(cls, name, group, confirm=True):
        mappings = cls.env[MAPPING]
        for source in ('api', 'oauth'):
            mapping = mappings.with_user(cls.administrator).create(
                {'name': name, 'source': source, 'group_id': group.id}
            )
            if confirm:
                mapping.with_user(cls.second).action_confirm()
            mappings |= mapping
        return mappings.sudo()

    def _has(self, group):
        return group in self.person.sudo()[USER_GROUPS]

    def test_comes_and_goes(self):
        result = self.person._distribution_apply_external_groups(['approvers', 'Somebody else'], 'oauth')
        self.assertEqual(len(result['granted']), 1)
        self.assertTrue(self._has(self.approver))
        event = self.env['distribution.event']._last_for(self.person)
        self.assertEqual(event.type, 'distribution.user.roles_provisioned.v1')
        self.assertEqual(json.loads(event.data)['granted_ids'], self.approver.ids)
        again = self.person._distribution_apply_external_groups('APPROVERS', 'oauth')
        self.assertEqual(again, {'granted': [], 'revoked': [], 'kept': []})
        self.assertEqual(self.env['distribution.event']._last_for(self.person), event)
        self.person._distribution_apply_external_groups(['Buyers'], 'oauth')
        self.assertFalse(self._has(self.approver))
        self.assertTrue(self._has(self.buyer))
        self.assertTrue(self._has(self.requester), "no mapping names it")
        self.person._distribution_apply_external_groups([], 'oauth')
        self.assertFalse(self._has(self.buyer))

    def test_garbage_grants_nothing(self):
        for claim in (None, 7, {'approvers': True}, [['approvers']], 'not approvers at all', [b'approvers']):
            with self.subTest(claim=claim):
                self.person._distribution_apply_external_groups(claim, 'oauth')
                self.assertEqual(self._has(self.approver), claim == 'not approvers at all')
                self.person._distribution_apply_external_groups([], 'oauth')

    def test_only_what_two_people_put_in_force(self):
        vendor_manager = self.env.ref('distribution_core.group_vendor_manager')
        mapping = self._map('Vendors', vendor_manager, confirm=False)
        self.person._distribution_apply_external_groups(['vendors'], 'oauth')
        self.assertFalse(self._has(vendor_manager))
        with self.assertRaisesRegex(UserError, 'yourself'):
            mapping.with_user(self.administrator).action_confirm()
        for user in (self.auditor, self.integration, self.person):
            with self.assertRaises(AccessError):
                mapping.with_user(user).action_confirm()
        with self.assertRaises(AccessError):
            mapping.with_user(self.administrator).write({'confirmed_by_id': self.second.id})
        mapping.with_user(self.second).action_confirm()
        # Who changes one in force takes it out of force.
        self.approvers.with_user(self.second).write({'group_id': self.env.ref('distribution_core.group_auditor').id})
        self.assertFalse(any(self.approvers.mapped('is_confirmed')))
        self.person._distribution_apply_external_groups(['approvers'], 'oauth')
        self.assertFalse(self._has(self.env.ref('distribution_core.group_auditor')))
        event = self.env['distribution.event']._last_for(self.approvers[0])
        self.assertEqual(event.type, 'distribution.external_group.changed.v1')

    def test_never_rights_over_odoo(self):
        bringing = self.env['res.groups'].create(
            {'name': "Harmless", 'implied_ids': [(4, self.env.ref('base.group_system').id)]}
        )
        for group in (self.env.ref('base.group_system'), self.env.ref('base.group_erp_manager'), bringing):
            with self.assertRaises(ValidationError):
                self._map('Harmless', group)

    def test_a_role_that_was_widened_later_is_not_granted(self):
        self.buyer.write({'implied_ids': [(4, self.env.ref('base.group_system').id)]})
        self.assertEqual(self.person._distribution_apply_external_groups(['buyers'], 'oauth')['granted'], [])
        self.assertFalse(self.person.has_group('base.group_system'))

    def test_no_mapping_twice(self):
        with self.assertRaises(ValidationError):
            self._map('APPROVERS', self.approver)

    def test_implied_roles_are_kept_and_said(self):
        parent = self.env['res.groups'].create({'name': "Head of Buying", 'implied_ids': [(4, self.buyer.id)]})
        self.person.write({USER_GROUPS: [(4, parent.id)]})
        result = self.person._distribution_apply_external_groups([], 'oauth')
        self.assertEqual((len(result['kept']), result['revoked']), (1, []))

    def test_api(self):
        api = self.env[MAPPING].with_user(self.integration)
        self.assertEqual(len(api.action_grant(self.person.login, 'approvers')['granted']), 1)
        self.assertTrue(self._has(self.approver))
        self.assertEqual(api.action_grant(self.person.login, 'Approvers')['granted'], [])
        event = self.env['distribution.event']._last_for(self.person)
        self.assertEqual(event.user_ref, self.integration.id)
        self.assertEqual(len(api.action_revoke(self.person.login, 'approvers')['revoked']), 1)
        self.assertFalse(self._has(self.approver))
        api.action_set_groups(self.person.login, ['Buyers'])
        self.assertTrue(self._has(self.buyer) and not self._has(self.approver))

    def test_api_attacks(self):
        api = self.env[MAPPING].with_user(self.integration)
        for user in (self.person, self.auditor, self.administrator, self.env.ref('base.user_admin')):
            with self.assertRaises(AccessError):
                self.env[MAPPING].with_user(user).action_grant(self.person.login, 'approvers')
        with self.assertRaises(AccessError):
            api.sudo().with_user(self.env.ref('base.user_root')).action_grant(self.person.login, 'approvers')
        with self.assertRaises(AccessError):
            api.action_grant(self.integration.login, 'approvers')
        for login in ('nobody', '', None, 7, ['x'], self.person.login.upper() + '%', '%'):
            with self.assertRaises(ValidationError):
                api.action_grant(login, 'approvers')
        for group in ('administrators', '', None, 7, 'approvers%', '%'):
            with self.assertRaises(ValidationError):
                api.action_grant(self.person.login, group)
        for groups in ('approvers', None, [7], {'approvers'}):
            with self.assertRaises(ValidationError):
                api.action_set_groups(self.person.login, groups)
        company = self.env['res.company'].create({'name': "Elsewhere"})
        self.person.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})
        with self.assertRaises(ValidationError):
            api.action_grant(self.person.login, 'approvers')
        with self.assertRaises(AccessError):
            api.search([])
        with self.assertRaises(AccessError):
            api.create({'name': 'x', 'source': 'api', 'group_id': self.approver.id})
