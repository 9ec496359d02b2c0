"""Which directory knows a person."""

from odoo import fields, models


class ResUsers(models.Model):
    _inherit = 'res.users'

    distribution_ldap_id = fields.Many2one(
        'res.company.ldap',
        string="Directory",
        readonly=True,
        copy=False,
        ondelete='set null',
        groups='base.group_erp_manager',
        help="Vouched for this person at the last sign-in, and is asked for their groups from then on.",
    )
