"""Each sign-in brings the roles of the day."""

from odoo import api, fields, models


class ResUsers(models.Model):
    _inherit = 'res.users'

    distribution_confirmed_at = fields.Datetime(
        "Roles Confirmed", readonly=True, copy=False, help="When the identity provider last said what this person may."
    )

    @api.model
    def _auth_oauth_signin(self, provider, validation, params):
        login = super()._auth_oauth_signin(provider, validation, params)
        # sudo: nobody is signed in yet; the provider has just vouched for this person and these groups
        source = self.env['auth.oauth.provider'].sudo().browse(provider)
        if login and source.distribution_group_claim:
            user = self.sudo().search([('login', '=', login)], limit=1)
            if user:
                user.distribution_confirmed_at = fields.Datetime.now()
                user._distribution_apply_external_groups(source._distribution_groups(validation), 'oauth')
        return login
