from odoo import fields, models


class DistributionWebhookSecretShown(models.TransientModel):
    """Shows a secret once; it is not stored."""

    _name = 'distribution.webhook.secret.shown'
    _description = "New Webhook Secret"

    secret = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_webhook_secret'),
        help="Copy it now: it is not shown again.",
    )
