"""Each sign-in with LDAP brings the roles of the day.

The directory has to deliver ``memberOf`` with the entry: Active Directory does; OpenLDAP does with the
overlay of that name, when it is asked for by name.
"""

from odoo import models

from odoo.addons.distribution_core.engine.directory_names import from_member_of

#: All attributes of a person, and the groups: OpenLDAP keeps these apart from what "all" means.
ASKED = ['*', 'memberOf']


class CompanyLDAP(models.Model):
    _inherit = 'res.company.ldap'

    def _query(self, conf, filter, retrieve_attributes=None):  # pylint: disable=redefined-builtin
        return super()._query(conf, filter, retrieve_attributes or ASKED)

    def _authenticate(self, conf, login, password):
        entry = super()._authenticate(conf, login, password)
        if entry:
            self._distribution_apply(self._distribution_person(login), entry)
        return entry

    def _get_or_create_user(self, conf, login, ldap_entry):
        user_id = super()._get_or_create_user(conf, login, ldap_entry)
        self._distribution_apply(self.env['res.users'].sudo().browse(user_id), ldap_entry)
        return user_id

    def _distribution_person(self, login):
        """Who signs in as ``login``: exactly so, or the only one but for small and large letters."""
        # sudo: nobody is signed in yet; the directory has just vouched for this person
        users = self.env['res.users'].sudo().search([('login', '=ilike', _literal(login))])
        exact = users.filtered(lambda user: user.login == login)
        return exact or (users if len(users) == 1 else users.browse())

    def _distribution_apply(self, user, entry):
        if user:
            attributes = {name.lower(): values for name, values in (entry[1] or {}).items()}
            names = from_member_of(attributes.get('memberof'))
            user._distribution_apply_external_groups(list(names), 'ldap')


def _literal(login):
    return login.strip().replace('\\', '\\\\').replace('%', r'\%').replace('_', r'\_')
