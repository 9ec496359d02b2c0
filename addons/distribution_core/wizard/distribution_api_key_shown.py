from odoo import fields, models


class DistributionApiKeyShown(models.TransientModel):
    """Shows a key once; it is not stored."""

    _name = 'distribution.api.key.shown'
    _description = "New API Key"

    key = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_api_key'),
        help="Copy it now: it is not shown again.",
    )
    signing_secret = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_signing_secret'),
        help="Bodies are signed with it, as Standard Webhooks says.",
    )
