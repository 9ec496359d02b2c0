"""Who holds a role in a company."""

from odoo import models

from odoo.addons.distribution_core.compat import group_members


class ResGroups(models.Model):
    _inherit = "res.groups"

    def _report_members(self, company):
        """Active internal users with one of these roles who work in ``company``."""
        users = self.env["res.users"].union(*(group_members(group) for group in self))
        return users.filtered(lambda user: user.active and not user.share and company in user.company_ids)
