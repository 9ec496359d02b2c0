"""Where in the answer of the identity provider the groups of a person stand."""

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
