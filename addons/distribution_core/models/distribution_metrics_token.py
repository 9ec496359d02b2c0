"""Who may read the metrics: tokens that are shown once and kept as digests."""

import hashlib
import secrets

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

PREFIX = 'dmt_'


class DistributionMetricsToken(models.Model):
    _name = 'distribution.metrics.token'
    _description = "Metrics Token"
    _order = 'name, id'

    name = fields.Char("For", required=True, help="Who reads the metrics, such as “Prometheus”.")
    active = fields.Boolean(default=True, help="Off: it is refused at once.")
    has_token = fields.Boolean("Issued", compute='_compute_has_token')

    def init(self):
        # No field leads to the digest: nobody reads, exports or writes it on the way.
        self.env.cr.execute("ALTER TABLE distribution_metrics_token ADD COLUMN IF NOT EXISTS digest varchar")
        self.env.cr.execute(
            "CREATE UNIQUE INDEX IF NOT EXISTS distribution_metrics_token_digest_unique "
            "ON distribution_metrics_token (digest)"
        )

    def _compute_has_token(self):
        self.env.cr.execute(
            "SELECT id FROM distribution_metrics_token WHERE id = ANY(%s) AND digest IS NOT NULL", [self.ids]
        )
        issued = {number for (number,) in self.env.cr.fetchall()}
        for token in self:
            token.has_token = token.id in issued

    def action_issue(self):
        """Make a token, show it once, and let the one before end."""
        self.ensure_one()
        if not self.env.user.has_group('distribution_core.group_administrator'):
            raise AccessError(_("Metrics tokens are issued by administrators of the distribution suite."))
        clear = self._issue()
        return {
            'type': 'ir.actions.act_window',
            'name': _("Token"),
            'res_model': 'distribution.webhook.secret.shown',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'shown_webhook_secret': clear},
        }

    def _issue(self):
        clear = PREFIX + secrets.token_urlsafe(32)
        self.flush_recordset()
        self.env.cr.execute(
            "UPDATE distribution_metrics_token SET digest = %s WHERE id = %s", [_digest(clear), self.id]
        )
        self.invalidate_recordset()
        self.env['distribution.event'].sudo()._record('distribution.metrics_token.issued.v1', self, {})
        return clear

    @api.model
    def _knows(self, token):
        """Whether this token is valid. It is long and random: its digest needs no salt, and looking it up no delay."""
        if not token.startswith(PREFIX):
            return False
        self.env['distribution.metrics.token'].flush_model(['active'])
        self.env.cr.execute("SELECT FROM distribution_metrics_token WHERE digest = %s AND active", [_digest(token)])
        return bool(self.env.cr.rowcount)


def _digest(token):
    return hashlib.sha256(token.encode()).hexdigest()
