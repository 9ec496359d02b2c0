"""How much a key was used: its bucket of calls, and when it was used last.

One small row per key, written in a transaction of its own: calls of the same key that run at the same
time do not wait for each other's work, and a call that is rolled back counts.
"""

import time

import psycopg2
from odoo import api, fields, models
from odoo.tools import mute_logger

from ..engine.problem import Problem
from ..engine.rate_limit import Bucket, take

#: How often the row is tried when calls of one key meet in it.
TRIES = 20


class DistributionApiUsage(models.Model):
    """No group has access: only the suite's own code reads it."""

    _name = 'distribution.api.usage'
    _description = "API Usage"
    _log_access = False

    api_key_id = fields.Many2one('distribution.api.key', required=True, ondelete='cascade')
    tokens = fields.Float(required=True)
    filled_at = fields.Float(required=True, help="Seconds since 1970.")
    last_used_at = fields.Datetime(required=True)

    _sql_constraints = [
        ('api_key_unique', 'unique(api_key_id)', "Usage of a key is counted once."),
    ]

    @api.model
    def _count(self, key):
        """Count a call of ``key``, in a transaction of its own.

        :raises Problem: it made too many
        """
        limit = key._limit()
        for _try in range(TRIES):
            with self.env.registry.cursor() as cr, mute_logger('odoo.sql_db'):
                try:
                    wait = self._take(cr, key.id, limit, time.time())
                    cr.commit()  # pylint: disable=invalid-commit
                    break
                except psycopg2.OperationalError:  # two calls met in the row
                    cr.rollback()
        else:
            wait = 1
        if wait:
            raise Problem(
                'rate-limited',
                f"This key may make {limit.per_minute} calls a minute, {limit.burst} at once.",
                headers={'Retry-After': str(wait)},
            )

    @api.model
    def _take(self, cr, key_id, limit, now):
        """Seconds to wait; 0: the call is counted."""
        cr.execute("SET LOCAL synchronous_commit = off")  # a count that a crash forgets does no harm
        cr.execute("SELECT tokens, filled_at FROM distribution_api_usage WHERE api_key_id = %s FOR UPDATE", [key_id])
        row = cr.fetchone()
        allowed, bucket, wait = take(row and Bucket(*row), limit, now=now)
        values = {'key': key_id, 'tokens': bucket.tokens, 'at': bucket.filled_at, 'now': fields.Datetime.now()}
        cr.execute(
            """INSERT INTO distribution_api_usage AS usage (api_key_id, tokens, filled_at, last_used_at)
                    VALUES (%(key)s, %(tokens)s, %(at)s, %(now)s)
               ON CONFLICT (api_key_id) DO UPDATE
                       SET tokens = %(tokens)s, filled_at = %(at)s, last_used_at = %(now)s""",
            values,
        )
        return 0 if allowed else wait
