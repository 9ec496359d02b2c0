"""Sign-in through a real directory: roles come and go with its groups.

Not among the standard tests: it needs an OpenLDAP server on this machine, which ``make test-ldap``
starts and names in the environment. Without one these tests fail; they are never skipped.
"""

import json
import os
import time
import uuid

import ldap
import ldap.modlist
from ldap.dn import escape_dn_chars
from odoo.exceptions import UserError
from odoo.tests.common import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

SUFFIX = 'dc=house,dc=example'
ADMIN, PASSWORD = f'cn=admin,{SUFFIX}', 'of-the-house'
CORE = 'odoo.addons.auth_ldap.models.res_company_ldap'


@tagged('post_install', '-at_install', '-standard', 'ldap')
class TestLdapSignIn(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = int(os.environ['SUITE_LDAP_PORT'])
        cls.directory = ldap.initialize(f'ldap://127.0.0.1:{cls.port}')
        cls.directory.simple_bind_s(ADMIN, PASSWORD)
        cls.addClassCleanup(cls.directory.unbind_s)
        cls.env['ir.config_parameter'].set_param('base.login_cooldown_after', 0)  # wrong passwords are tried here
        cls.env['res.company.ldap'].search([]).unlink()
        cls.server = cls.env['res.company.ldap'].create(
            {
                'company': cls.env.company.id,
                'ldap_server': '127.0.0.1',
                'ldap_server_port': cls.port,
                'ldap_binddn': ADMIN,
                'ldap_password': PASSWORD,
                'ldap_filter': '(uid=%s)',
                'ldap_base': SUFFIX,
            }
        )
        cls.administrators = [
            new_test_user(
                cls.env, login=f't_ldap_{number}', groups='base.group_user,distribution_core.group_administrator'
            )
            for number in range(2)
        ]
        cls.buyer = cls.env.ref('distribution_core.group_buyer')
        cls.approver = cls.env.ref('distribution_core.group_approver')
        cls._map('supply-buyers', cls.buyer)
        cls._map('supply-approvers', cls.approver)

    def setUp(self):
        super().setUp()
        # The directory knows no rollback: each test has a branch of its own.
        self.branch = f'ou=t{uuid.uuid4().hex[:8]},{SUFFIX}'
        self._add(self.branch, objectClass=['organizationalUnit'])
        self.server.ldap_base = self.branch
        self.ann = self._person('ann', "Ann Archer")
        self.buyers = self._group('supply-buyers')
        self.approvers = self._group('supply-approvers')

    # ------------------------------------------------------------ the directory

    def _add(self, dn, **attributes):
        values = {name: [value.encode() for value in texts] for name, texts in attributes.items()}
        self.directory.add_s(dn, ldap.modlist.addModlist(values))
        return dn

    def _person(self, uid, name, branch=None):
        return self._add(
            f'uid={uid},{branch or self.branch}',
            objectClass=['inetOrgPerson'], uid=[uid], cn=[name], sn=[name.split()[-1]], userPassword=[f'{uid}-secret'],
        )  # fmt: skip

    def _group(self, name, branch=None):
        """A group of nobody: OpenLDAP wants at least one name in it."""
        dn = f'cn={escape_dn_chars(name)},{branch or self.branch}'
        return self._add(dn, objectClass=['groupOfNames'], cn=[name], member=[ADMIN])

    def _joins(self, person, group):
        self.directory.modify_s(group, [(ldap.MOD_ADD, 'member', [person.encode()])])

    def _leaves(self, person, group):
        self.directory.modify_s(group, [(ldap.MOD_DELETE, 'member', [person.encode()])])

    # ------------------------------------------------------------ the house

    @classmethod
    def _map(cls, name, group, confirm=True):
        mapping = (
            cls.env['distribution.external.group']
            .with_user(cls.administrators[0])
            .create({'name': name, 'source': 'ldap', 'group_id': group.id})
        )
        if confirm:
            mapping.with_user(cls.administrators[1]).action_confirm()
        return mapping

    def _sign_in(self, login, password):
        """What the web client does; returns the user id, or False."""
        self.env.flush_all()
        answer = self.url_open(
            '/web/session/authenticate',
            data=json.dumps(
                {
                    'jsonrpc': '2.0',
                    'method': 'call',
                    'params': {'db': self.env.cr.dbname, 'login': login, 'password': password},
                }
            ),
            headers={'Content-Type': 'application/json'},
        ).json()
        self.opener.cookies.clear()
        self.env.invalidate_all()
        return (answer.get('result') or {}).get('uid') or False

    def _user(self, login='ann'):
        return self.env['res.users'].search([('login', '=', login)])

    def _provisioned(self, user):
        events = self.env['distribution.event'].search(
            [
                ('type', '=', 'distribution.user.roles_provisioned.v1'),
                ('res_model', '=', 'res.users'),
                ('res_id', '=', user.id),
            ],
            order='id',
        )
        return [json.loads(event.data) for event in events]

    # ------------------------------------------------------------ as it should be

    def test_roles_come_and_go_with_the_groups(self):
        self._joins(self.ann, self.buyers)
        self.assertTrue(self._sign_in('ann', 'ann-secret'))
        user = self._user()
        self.assertTrue(user, "made at the first sign-in")
        self.assertIn(self.buyer, user[USER_GROUPS])
        self.assertNotIn(self.approver, user[USER_GROUPS])
        self.assertEqual(self._provisioned(user)[-1]['source'], 'ldap')
        by_hand = self.env.ref('distribution_core.group_requester')
        user.write({USER_GROUPS: [(4, by_hand.id)]})
        self._joins(self.ann, self.approvers)
        self._leaves(self.ann, self.buyers)
        self.assertEqual(self._sign_in('ann', 'ann-secret'), user.id)
        self.assertIn(self.approver, user[USER_GROUPS])
        self.assertNotIn(self.buyer, user[USER_GROUPS])
        self.assertIn(by_hand, user[USER_GROUPS], "what no mapping names is not touched")
        count = len(self._provisioned(user))
        self._sign_in('ann', 'ann-secret')
        self.assertEqual(len(self._provisioned(user)), count, "nothing changed, nothing is recorded")

    def test_the_directory_deletes_a_group(self):
        closing = self._group('supply-closing')
        self._map('supply-closing', self.approver)
        self._joins(self.ann, closing)
        self._sign_in('ann', 'ann-secret')
        self.assertIn(self.approver, self._user()[USER_GROUPS])
        self.directory.delete_s(closing)
        self._sign_in('ann', 'ann-secret')
        self.assertNotIn(self.approver, self._user()[USER_GROUPS])

    def test_who_does_not_sign_in(self):
        """The scheduled action takes the role of who left the group, and of who is gone."""
        bob = self._person('bob', "Bob Baker")
        for person in (self.ann, bob):
            self._joins(person, self.buyers)
        for login in ('ann', 'bob'):
            self._sign_in(login, f'{login}-secret')
        people = self._user('ann') | self._user('bob')
        self.assertEqual(people.distribution_ldap_id, self.server)
        self._synchronise()
        self.assertTrue(all(self.buyer in person[USER_GROUPS] for person in people), "nothing changed")
        self._leaves(self.ann, self.buyers)
        self._synchronise()
        self.assertNotIn(self.buyer, self._user('ann')[USER_GROUPS])
        self.assertIn(self.buyer, self._user('bob')[USER_GROUPS])
        self.directory.delete_s(bob)
        self._synchronise()
        self.assertNotIn(self.buyer, self._user('bob')[USER_GROUPS])

    def test_a_directory_that_cannot_be_asked_takes_nothing(self):
        bob = self._person('bob', "Bob Baker")
        for person in (self.ann, bob):
            self._joins(person, self.buyers)
        for login in ('ann', 'bob'):
            self._sign_in(login, f'{login}-secret')
        right = {name: self.server[name] for name in ('ldap_server_port', 'ldap_password', 'ldap_base')}
        empty = self._add(f'ou=empty,{self.branch}', objectClass=['organizationalUnit'])
        for wrong in ({'ldap_server_port': 9}, {'ldap_password': 'x'}, {'ldap_base': 'dc=x'}, {'ldap_base': empty}):
            self.server.write({**right, **wrong})
            with (
                self.subTest(**wrong),
                mute_logger('odoo.addons.distribution_identity_ldap.models.res_company_ldap'),
                self.assertRaisesRegex(UserError, '127.0.0.1'),
            ):
                self._synchronise()
            for login in ('ann', 'bob'):
                self.assertIn(self.buyer, self._user(login)[USER_GROUPS])

    def _synchronise(self):
        self.env['res.company.ldap']._cron_distribution_roles(commit=False)
        self.env.invalidate_all()

    def test_names_beyond_ascii(self):
        """OpenLDAP writes them as escaped bytes in a distinguished name."""
        group = self._group('Einkäufer, Süd')
        self._map('Einkäufer, Süd', self.approver)
        self._joins(self.ann, group)
        self._sign_in('ann', 'ann-secret')
        self.assertIn(self.approver, self._user()[USER_GROUPS])

    def test_whole_names_tell_namesakes_apart(self):
        """Whoever runs a branch of the directory can call a group there what they like."""
        elsewhere = self._add(f'ou=elsewhere,{self.branch}', objectClass=['organizationalUnit'])
        namesake = self._group('head-office', elsewhere)
        right = self._group('head-office')
        self._map(right.upper(), self.approver)
        self._joins(self.ann, namesake)
        self._sign_in('ann', 'ann-secret')
        self.assertNotIn(self.approver, self._user()[USER_GROUPS])
        self._joins(self.ann, self._group(right, elsewhere))
        self._sign_in('ann', 'ann-secret')
        self.assertNotIn(self.approver, self._user()[USER_GROUPS], "called like the whole name of the other")
        self._joins(self.ann, right)
        self._sign_in('ann', 'ann-secret')
        self.assertIn(self.approver, self._user()[USER_GROUPS])

    def test_large_and_small_letters(self):
        self._joins(self.ann, self.buyers)
        first = self._sign_in('ann', 'ann-secret')
        self._leaves(self.ann, self.buyers)
        self.assertEqual(self._sign_in('ANN', 'ann-secret'), first)
        self.assertNotIn(self.buyer, self._user()[USER_GROUPS])

    # ------------------------------------------------------------ attacks

    def test_who_is_not_vouched_for_changes_nothing(self):
        self._joins(self.ann, self.buyers)
        self._sign_in('ann', 'ann-secret')
        user = self._user()
        before = user[USER_GROUPS]
        self._leaves(self.ann, self.buyers)
        self._joins(self.ann, self.approvers)
        for login, password in (
            ('ann', 'wrong'),
            ('ann', ''),
            ('*', 'ann-secret'),
            ('a*', 'ann-secret'),
            ('ann)(uid=*', 'ann-secret'),
            ('ann)(|(uid=*', 'ann-secret'),
            ('an_', 'ann-secret'),
            ('%', 'ann-secret'),
        ):
            with self.subTest(login=login, password=password), mute_logger(CORE, 'odoo.http'):
                self.assertFalse(self._sign_in(login, password))
                self.assertEqual(user[USER_GROUPS], before)

    def test_the_directory_is_away(self):
        self._joins(self.ann, self.buyers)
        self._sign_in('ann', 'ann-secret')
        before = self._user()[USER_GROUPS]
        self.server.ldap_server_port = 9
        with mute_logger(CORE):
            self.assertFalse(self._sign_in('ann', 'ann-secret'))
        self.assertEqual(self._user()[USER_GROUPS], before)

    def test_a_mapping_of_one_person_grants_nothing(self):
        group = self._group('supply-auditors')
        self._map('supply-auditors', self.env.ref('distribution_core.group_auditor'), confirm=False)
        self._joins(self.ann, group)
        self._sign_in('ann', 'ann-secret')
        self.assertNotIn(self.env.ref('distribution_core.group_auditor'), self._user()[USER_GROUPS])

    def test_two_people_with_almost_the_same_login(self):
        """The roles go to the one who signs in."""
        other = new_test_user(self.env, login='Zoe', groups='base.group_user')
        mine = new_test_user(self.env, login='zoe', groups='base.group_user')
        zoe = self._person('zoe', "Zoe Z")
        self._joins(zoe, self.approvers)
        self.assertEqual(self._sign_in('zoe', 'zoe-secret'), mine.id)
        self.assertIn(self.approver, mine[USER_GROUPS])
        self.assertNotIn(self.approver, other[USER_GROUPS])

    def test_sign_in_stays_quick_with_many_groups(self):
        groups = [self._group(f'team-{number}') for number in range(200)]
        for group in groups:
            self._joins(self.ann, group)
        self._joins(self.ann, self.approvers)
        started = time.monotonic()
        self.assertTrue(self._sign_in('ann', 'ann-secret'))
        self.assertLess(time.monotonic() - started, 5)
        self.assertIn(self.approver, self._user()[USER_GROUPS])
