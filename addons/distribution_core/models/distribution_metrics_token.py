"""Who may read the metrics: tokens that are shown once and kept as digests."""

import secrets

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from ..engine.api_key import digest

PREFIX = 'dmt_'


class DistributionMetricsToken(models.Model):
    """A reader of the metrics. One token each: two readers, or two entries, change theirs one after the other."""

    _name = 'distribution.metrics.token'
    _description = "Metrics Token"
    _order = 'name, id'

    name = fields.Char("For", required=True, help="Who reads the metrics, such as “Prometheus”.")
    has_token = fields.Boolean("Issued", compute='_compute_has_token')

    def init(self):
        # No field leads to the digest: nobody reads, exports or writes it on the way.
        self.env.cr.execute("ALTER TABLE distribution_metrics_token ADD COLUMN IF NOT EXISTS digest varchar")
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_metrics_token_digest_unique
                   ON distribution_metrics_token (digest)"""
        )

    def _compute_has_token(self):
        issued = self._issued()
        for token in self:
            token.has_token = token in issued

    def _issued(self):
        self.env.cr.execute(
            "SELECT id FROM distribution_metrics_token WHERE id = ANY(%s) AND digest IS NOT NULL", [self.ids]
        )
        return self.browse(number for (number,) in self.env.cr.fetchall())

    @api.ondelete(at_uninstall=False)
    def _unlink_revokes(self):
        self._issued()._record_change('revoked')

    def action_issue(self):
        """Make a token, show it once, and let the one before end."""
        self._check_keeper()
        return self.env['distribution.secret.shown']._show(_("Metrics Token"), self._issue())

    def action_revoke(self):
        """Refuse the token from now on."""
        self._check_keeper()
        self._keep(None)
        self._record_change('revoked')
        return True

    def _check_keeper(self):
        if not self.env.user.has_group('distribution_core.group_administrator'):
            raise AccessError(_("Metrics tokens are issued by administrators of the distribution suite."))

    def _issue(self):
        clear = PREFIX + secrets.token_urlsafe(32)
        self._keep(digest(clear))
        self._record_change('issued')
        return clear

    def _keep(self, kept):
        self.ensure_one()
        self.flush_recordset()
        self.env.cr.execute("UPDATE distribution_metrics_token SET digest = %s WHERE id = %s", [kept, self.id])
        self.invalidate_recordset(['has_token'])

    def _record_change(self, change):
        # sudo: the ledger is written for whoever acts
        self.env['distribution.event'].sudo()._record(
            'distribution.metrics_token.changed.v1', self, lambda token: {'change': change}
        )

    @api.model
    def _knows(self, token):
        """Whether this token is good. It is long and random: its digest needs no salt, and looking it up no delay."""
        self.env.cr.execute("SELECT FROM distribution_metrics_token WHERE digest = %s", [digest(token)])
        return bool(self.env.cr.rowcount)
