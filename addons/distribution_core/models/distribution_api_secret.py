"""What is stored of an issued key: its digest, and the secret for signatures, encrypted."""

from odoo import _, fields, models

from ..secret_box import SecretBox


class DistributionApiSecret(models.Model):
    """No group has access: only the suite's own code reads it."""

    _name = 'distribution.api.secret'
    _description = "API Secret"

    api_key_id = fields.Many2one('distribution.api.key', required=True, ondelete='cascade', index=True)
    prefix = fields.Char(required=True, help="Names the key; no secret.")
    digest = fields.Char(required=True, help="SHA-256 of the key. The key itself is kept nowhere.")
    signing_ciphertext = fields.Char(help="Secret for the signatures of bodies, encrypted.")
    ends_at = fields.Datetime(help="Until when it is good; empty: as long as the key is.")
    is_revoked = fields.Boolean()

    _sql_constraints = [
        ('digest_unique', 'unique(digest)', "A key exists only once."),
    ]

    def _is_valid(self, now):
        return not self.is_revoked and (not self.ends_at or self.ends_at > now)

    def _signing_secrets(self):
        """Secrets in clear that a body may be signed with now."""
        now = fields.Datetime.now()
        box = SecretBox()
        return [
            box.decrypt(secret.signing_ciphertext)
            for secret in self
            if secret.signing_ciphertext and secret._is_valid(now)
        ]

    def _words(self):
        if self.ends_at:
            return _(
                "dk_%(prefix)s… until %(ends)s", prefix=self.prefix, ends=fields.Datetime.to_string(self.ends_at)[:16]
            )
        return _("dk_%s…", self.prefix)
