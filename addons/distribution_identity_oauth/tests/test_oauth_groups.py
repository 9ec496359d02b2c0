"""A sign-in with OAuth brings roles, and takes them."""

from datetime import datetime, timedelta

from freezegun import freeze_time
from odoo.exceptions import AccessDenied, AccessError, ValidationError
from odoo.tests.common import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS


@tagged('post_install', '-at_install')
class TestOauthGroups(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.env['auth.oauth.provider'].create(
            {
                'name': "House",
                'client_id': 'odoo',
                'auth_endpoint': 'https://id.example/auth',
                'validation_endpoint': 'https://id.example/userinfo',
                'body': 'Sign in',
                'distribution_group_claim': '/realm_access/roles',
            }
        )
        cls.user = new_test_user(cls.env, login='t_oauth', groups='base.group_user')
        cls.user.write({'oauth_provider_id': cls.provider.id, 'oauth_uid': 'u-1'})
        cls.approver = cls.env.ref('distribution_core.group_approver')
        people = [
            new_test_user(cls.env, login=f't_oauth_{n}', groups='base.group_user,distribution_core.group_administrator')
            for n in range(2)
        ]
        mapping = (
            cls.env['distribution.external.group']
            .with_user(people[0])
            .create({'name': 'Approvers', 'source': 'oauth', 'group_id': cls.approver.id})
        )
        mapping.with_user(people[1]).action_confirm()

    def _sign_in(self, **claims):
        """The whole way of a sign-in; the provider's answer is what the network would bring."""
        validation = {'user_id': 'u-1', 'email': 't_oauth', **claims}
        self.patch(type(self.env['res.users']), '_auth_oauth_validate', lambda users, provider, token: validation)
        _db, login, _token = self.env['res.users'].auth_oauth(
            self.provider.id, {'access_token': 'token', 'state': '{}'}
        )
        self.user.invalidate_recordset()
        return login

    def _is_approver(self):
        return self.approver in self.user[USER_GROUPS]

    def test_sign_in_brings_and_takes(self):
        self.assertEqual(self._sign_in(realm_access={'roles': ['offline', 'approvers']}), 't_oauth')
        self.assertTrue(self._is_approver())
        self._sign_in(realm_access={'roles': ['offline']})
        self.assertFalse(self._is_approver())
        self._sign_in(realm_access={'roles': ['approvers']})
        self._sign_in()
        self.assertFalse(self._is_approver(), "no claim: no groups")

    def test_without_a_claim_set_nothing_is_touched(self):
        self.provider.distribution_group_claim = False
        self.user.write({USER_GROUPS: [(4, self.approver.id)]})
        self._sign_in(realm_access={'roles': []})
        self.assertTrue(self._is_approver())

    def test_plain_names_and_nonsense(self):
        self.provider.distribution_group_claim = 'groups'
        self._sign_in(groups='approvers offline')
        self.assertTrue(self._is_approver())
        for nonsense in (None, 5, {'approvers': 1}, [None, 7]):
            self._sign_in(groups=nonsense)
            self.assertFalse(self._is_approver())
        with self.assertRaises(ValidationError):
            self.provider.distribution_group_claim = '/a~b'

    def test_a_stranger_gets_nothing(self):
        # Odoo tries to sign the stranger up under the mail address that is taken.
        with self.assertRaises(AccessDenied), mute_logger('odoo.sql_db'):
            self._sign_in(user_id='u-2', realm_access={'roles': ['approvers']})
        self.assertFalse(self._is_approver())

    # ------------------------------------------------------------
    # How long it is believed
    # ------------------------------------------------------------

    def _job_after(self, **time):
        with freeze_time(datetime.now() + timedelta(**time)):
            self.env['auth.oauth.provider']._distribution_cron_unconfirmed()
        self.user.invalidate_recordset()

    def test_roles_end_that_nobody_confirms(self):
        self.provider.distribution_confirm_days = 7
        other_role = self.env.ref('distribution_core.group_buyer')
        self.user.write({USER_GROUPS: [(4, other_role.id)]})
        self._sign_in(realm_access={'roles': ['approvers']})
        self._job_after(days=6, hours=23)
        self.assertTrue(self._is_approver())
        self._job_after(days=7, hours=1)
        self.assertFalse(self._is_approver())
        self.assertIn(other_role, self.user[USER_GROUPS], "what no mapping names is not touched")
        event = self.env['distribution.event']._last_for(self.user, 'distribution.user.roles_provisioned.v1')
        self.assertIn(str(self.approver.id), event.data)
        self._sign_in(realm_access={'roles': ['approvers']})
        self.assertTrue(self._is_approver(), "the next sign-in brings them back")

    def test_no_limit_and_other_people(self):
        self._sign_in(realm_access={'roles': ['approvers']})
        local = new_test_user(
            self.env, login='t_oauth_local', groups='base.group_user,distribution_core.group_approver'
        )
        self._job_after(days=900)
        self.assertTrue(self._is_approver())
        self.provider.distribution_confirm_days = 7
        self._job_after(days=900)
        self.assertFalse(self._is_approver())
        self.assertIn(self.approver, local[USER_GROUPS], "they do not sign in with it")

    def test_whoever_was_not_seen_yet_is_given_the_whole_time(self):
        self.user.write({USER_GROUPS: [(4, self.approver.id)]})
        self.assertFalse(self.user.distribution_confirmed_at)
        self.provider.distribution_confirm_days = 7
        self._job_after(days=0)
        self._job_after(days=6)
        self.assertTrue(self._is_approver())
        self._job_after(days=8)
        self.assertFalse(self._is_approver())

    def test_nobody_confirms_themselves(self):
        with self.assertRaises(AccessError):
            self.user.with_user(self.user).write({'distribution_confirmed_at': '2099-01-01'})
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.provider.distribution_confirm_days = -1
