"""Each sign-in with LDAP brings the roles of the day; a job brings them to who does not sign in.

The directory has to deliver ``memberOf`` with the entry: Active Directory does; OpenLDAP does with the
overlay of that name, when it is asked for by name.
"""

import logging

import ldap
from ldap.filter import filter_format
from odoo import SUPERUSER_ID, _, api, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.engine.directory_names import from_member_of

_logger = logging.getLogger(__name__)

#: All attributes of a person, and the groups: OpenLDAP keeps these apart from what "all" means.
ASKED = ['*', 'memberOf']
SECONDS = 60


class CompanyLDAP(models.Model):
    _inherit = 'res.company.ldap'

    # ------------------------------------------------------------
    # Sign-in
    # ------------------------------------------------------------

    def _query(self, conf, filter, retrieve_attributes=None):  # pylint: disable=redefined-builtin
        return super()._query(conf, filter, retrieve_attributes or ASKED)

    def _authenticate(self, conf, login, password):
        if not self.env.uid:
            # 19.0 comes here without a user; as on 17.0 the system acts, and the ledger says so.
            return self.with_user(SUPERUSER_ID)._authenticate(conf, login, password)
        entry = super()._authenticate(conf, login, password)
        if entry:
            self._distribution_apply(conf, self._distribution_person(login), entry)
        return entry

    def _get_or_create_user(self, conf, login, ldap_entry):
        if not self.env.uid:
            return self.with_user(SUPERUSER_ID)._get_or_create_user(conf, login, ldap_entry)
        user_id = super()._get_or_create_user(conf, login, ldap_entry)
        self._distribution_apply(conf, self.env['res.users'].sudo().browse(user_id), ldap_entry)
        return user_id

    def _distribution_person(self, login):
        """Who signs in as ``login``: exactly so, or the only one but for small and large letters."""
        # sudo: nobody is signed in yet; the directory has just vouched for this person
        users = self.env['res.users'].sudo().search([('login', '=ilike', _literal(login))])
        exact = users.filtered(lambda user: user.login == login)
        return exact or (users if len(users) == 1 else users.browse())

    def _distribution_apply(self, conf, user, entry):
        if user:
            if user.distribution_ldap_id.id != conf['id']:
                user.distribution_ldap_id = conf['id']
            user._distribution_apply_external_groups(_groups(entry), 'ldap')

    # ------------------------------------------------------------
    # Without signing in
    # ------------------------------------------------------------

    @api.model
    def _cron_distribution_roles(self, commit=True):
        """Ask each directory for the groups of those it vouched for; who is gone there is in none.

        A directory that cannot be asked takes no roles: the run fails, and the register shows it.

        :raises UserError: after all that could be done, naming what could not
        """
        troubles = []
        for conf in self._get_ldap_dicts():
            people = self.env['res.users'].sudo().search([('distribution_ldap_id', '=', conf['id'])])
            try:
                groups = self._distribution_groups_of(conf, people)
            except (ldap.LDAPError, UserError) as error:
                _logger.warning("Directory %s could not be asked: %s", conf['ldap_server'], error)
                troubles.append(f"{conf['ldap_server']}: {error}")
                continue
            for user in people:
                if user in groups:
                    user._distribution_apply_external_groups(groups[user], 'ldap')
                    if commit:
                        self.env.cr.commit()  # pylint: disable=invalid-commit
        if troubles:
            raise UserError(_("Directories that could not be asked for groups: %s", '; '.join(troubles)))

    @api.model
    def _distribution_groups_of(self, conf, people):
        """``{user: names of their groups}``; no names for who is not there, nobody whose login is not unique there."""
        groups, found = {}, 0
        if not people:
            return groups
        connection = self._connect(conf)
        try:
            connection.simple_bind_s(conf['ldap_binddn'] or '', conf['ldap_password'] or '')
            for user in people:
                words = filter_format(conf['ldap_filter'], [user.login] * conf['ldap_filter'].count('%s'))
                answer = connection.search_st(conf['ldap_base'], ldap.SCOPE_SUBTREE, words, ASKED, timeout=SECONDS)
                entries = [entry for entry in answer if entry[0]]
                found += len(entries)
                if len(entries) <= 1:
                    groups[user] = _groups(entries[0]) if entries else []
        finally:
            connection.unbind()
        if len(people) > 1 and not found:
            raise UserError(_("not one of %s people is there: look at its base, filter and account", len(people)))
        return groups


def _groups(entry):
    """Names of the groups of an entry, ``(dn, attributes)``."""
    attributes = {name.lower(): values for name, values in (entry[1] or {}).items()}
    return list(from_member_of(attributes.get('memberof')))


def _literal(login):
    return login.strip().replace('\\', '\\\\').replace('%', r'\%').replace('_', r'\_')
