"""The screen of operations: how the integrations do, business and technical problems apart."""

import ast

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

LEVELS = [('ok', "In order"), ('warning', "Look at it"), ('danger', "Act now")]


class DistributionHealthSign(models.TransientModel):
    """One figure with its level; made when the screen is opened."""

    _name = 'distribution.health.sign'
    _description = "Sign of Health"
    _order = 'kind, id'

    kind = fields.Selection(
        [('business', "Business"), ('technical', "Technical")],
        required=True,
        readonly=True,
        group_expand='_group_expand_kind',
    )
    name = fields.Char(readonly=True)
    count = fields.Integer(readonly=True)
    level = fields.Selection(LEVELS, readonly=True)
    words = fields.Char(readonly=True)
    res_model = fields.Char(readonly=True)
    domain = fields.Char(readonly=True)

    @api.model
    def _group_expand_kind(self, kinds, domain, *_order):
        return ['business', 'technical']

    @api.model
    def action_open_screen(self):
        """Take the figures now, and show them."""
        user = self.env.user
        if not (
            user.has_group('distribution_core.group_operations') or user.has_group('distribution_core.group_auditor')
        ):
            raise AccessError(_("Integration health is for operations and auditors."))
        own = self.sudo().search([('create_uid', '=', user.id)])  # sudo: nobody but this method writes the figures
        own.unlink()
        self.sudo().create(self.env['distribution.health']._signs())
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_health_sign_action')
        return {**action, 'domain': [('create_uid', '=', user.id)]}

    def action_open_list(self):
        """Show what is counted, as far as the user may see it."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': self.res_model,
            'view_mode': 'tree,form',
            'domain': ast.literal_eval(self.domain),
            'target': 'current',
        }
