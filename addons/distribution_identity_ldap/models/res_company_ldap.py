"""Each sign-in with LDAP brings the roles of the day.

The directory has to deliver ``memberOf`` with the entry (Active Directory does; OpenLDAP with the
overlay of that name, where it may be an operational attribute that has to be made visible).
"""

from odoo import models

from odoo.addons.distribution_core.engine.directory_names import from_member_of


class CompanyLDAP(models.Model):
    _inherit = 'res.company.ldap'

    def _authenticate(self, conf, login, password):
        entry = super()._authenticate(conf, login, password)
        if entry:
            # sudo: nobody is signed in yet; the directory has just vouched for this person
            user = self.env['res.users'].sudo().search([('login', '=ilike', _literal(login))], limit=1)
            self._distribution_apply(user, entry)
        return entry

    def _get_or_create_user(self, conf, login, ldap_entry):
        user_id = super()._get_or_create_user(conf, login, ldap_entry)
        self._distribution_apply(self.env['res.users'].sudo().browse(user_id), ldap_entry)
        return user_id

    def _distribution_apply(self, user, entry):
        if user:
            attributes = {name.lower(): values for name, values in (entry[1] or {}).items()}
            names = from_member_of(attributes.get('memberof'))
            user._distribution_apply_external_groups(list(names), 'ldap')


def _literal(login):
    return login.strip().replace('\\', '\\\\').replace('%', r'\%').replace('_', r'\_')
