"""Where in the answer of the identity provider the groups of a person stand, and how long it is believed."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.distribution_core.engine.json_pointer import PointerError, check_pointer, resolve


class AuthOauthProvider(models.Model):
    _inherit = 'auth.oauth.provider'

    distribution_group_claim = fields.Char(
        "Groups Claim",
        help="Name of the claim with the person's groups, such as groups, or a JSON pointer to it, such as "
        "/realm_access/roles. Empty: this provider grants and takes no roles. With it set, an answer "
        "without the claim means: no groups.",
    )

    distribution_confirm_days = fields.Integer(
        "Roles Hold for (days)",
        help="Who has not signed in with this provider for so long loses the roles that it grants, until the next "
        "sign-in: a person whom the provider let go, or whose groups changed, does not keep them by never signing "
        "out. 0: until the next sign-in, however late.",
    )

    _sql_constraints = [
        (
            'distribution_confirm_days_positive',
            'CHECK (distribution_confirm_days >= 0)',
            "Roles hold for: enter days, or 0 for no limit.",
        ),
    ]

    @api.constrains('distribution_group_claim')
    def _check_distribution_group_claim(self):
        for provider in self.filtered('distribution_group_claim'):
            try:
                check_pointer(provider._distribution_claim_pointer())
            except PointerError as error:
                raise ValidationError(_("distribution_group_claim: %s", error)) from error

    def _distribution_claim_pointer(self):
        claim = (self.distribution_group_claim or '').strip()
        return claim if claim.startswith('/') else '/' + claim.replace('~', '~0').replace('/', '~1')

    def _distribution_groups(self, validation):
        """The claim of ``validation``; an empty list when it is not there."""
        self.ensure_one()
        try:
            return resolve(validation, self._distribution_claim_pointer())
        except PointerError:
            return []

    @api.model
    def _distribution_cron_unconfirmed(self):
        """Take the mapped roles of whom their provider has not confirmed for as long as it is believed.

        Hours or days without this job do no harm. Whoever was never seen since the limit exists is given the whole
        time once: a limit that is set does not stop the house on that day.
        """
        now = fields.Datetime.now()
        # sudo: the job is the system's
        people = self.env['res.users'].sudo()
        for provider in self.sudo().search([('distribution_confirm_days', '>', 0)]):
            if not provider.distribution_group_claim:
                continue
            theirs = [('oauth_provider_id', '=', provider.id), ('share', '=', False)]
            people.search([*theirs, ('distribution_confirmed_at', '=', False)]).distribution_confirmed_at = now
            limit = fields.Datetime.subtract(now, days=provider.distribution_confirm_days)
            for user in people.search([*theirs, ('distribution_confirmed_at', '<', limit)]):
                user._distribution_apply_external_groups([], 'oauth')
