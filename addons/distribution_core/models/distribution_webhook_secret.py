from odoo import _, fields, models


class DistributionWebhookSecret(models.Model):
    """An encrypted secret. No group has access: only the suite's own code reads it."""

    _name = 'distribution.webhook.secret'
    _description = "Webhook Secret"

    subscription_id = fields.Many2one(
        'distribution.webhook.subscription', required=True, ondelete='cascade', index=True
    )
    ciphertext = fields.Char(required=True, copy=False)
    ends_at = fields.Datetime(help="Until when it signs; empty: until it is replaced.")

    def _is_valid(self, now):
        return not self.ends_at or self.ends_at > now

    def _words(self):
        made = fields.Datetime.to_string(self.create_date)[:16]
        if self.ends_at:
            return _("one of %(made)s that ends %(ends)s", made=made, ends=fields.Datetime.to_string(self.ends_at)[:16])
        return _("one of %s", made)
