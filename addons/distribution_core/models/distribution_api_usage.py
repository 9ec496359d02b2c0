"""How much a key was used: its bucket of calls, and when it was used last."""

from odoo import api, fields, models

from ..engine.problem import Problem


class DistributionApiUsage(models.Model):
    _name = 'distribution.api.usage'
    _description = "API Usage"
    _inherit = ['distribution.api.bucket']
    _log_access = False
    _bucket_column = 'api_key_id'

    api_key_id = fields.Many2one('distribution.api.key', required=True, ondelete='cascade')

    _sql_constraints = [
        ('api_key_unique', 'unique(api_key_id)', "Usage of a key is counted once."),
    ]

    @api.model
    def _count(self, key):
        """Count a call of ``key``.

        :raises Problem: it made too many
        """
        limit = key._limit()
        wait = self._take(key.id, limit)
        if wait:
            raise Problem(
                'rate-limited',
                f"This key may make {limit.per_minute} calls a minute, {limit.burst} at once.",
                headers={'Retry-After': str(wait)},
            )
