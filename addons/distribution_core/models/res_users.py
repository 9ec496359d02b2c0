"""What rules and filters ask of users."""

from odoo import models

from ..compat import user_groups


class ResUsers(models.Model):
    _inherit = 'res.users'

    def _distribution_group_ids(self):
        """Numbers of the groups that this user has, directly or by implication; for record rules."""
        self.ensure_one()
        return user_groups(self).ids
