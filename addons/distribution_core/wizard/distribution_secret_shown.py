from odoo import api, fields, models


class DistributionSecretShown(models.TransientModel):
    """Shows a key, a token or a secret once; it is not stored."""

    _name = 'distribution.secret.shown'
    _description = "New Secret"

    secret = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_secret'),
        help="Copy it now: it is not shown again.",
    )
    signing_secret = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_signing_secret'),
        help="Bodies are signed with it, as Standard Webhooks says.",
    )

    @api.model
    def _show(self, title, secret, signing_secret=False):
        """The action whose dialog shows `secret`, and the secret for signatures where there is one."""
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': self._name,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'shown_secret': secret, 'shown_signing_secret': signing_secret or False},
        }
