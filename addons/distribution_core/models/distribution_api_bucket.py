"""How often somebody may call: a bucket of calls per row, right for all workers together.

One small row each, written in a transaction of its own: calls that run at the same time do not wait for each other's
work, and a call that is rolled back counts.
"""

import time

import psycopg2
from odoo import api, fields, models
from odoo.tools import mute_logger
from odoo.tools.sql import SQL

from ..engine.rate_limit import Bucket, take

#: How often the row is tried when calls meet in it.
TRIES = 20


class DistributionApiBucket(models.AbstractModel):
    """No group has access: only the suite's own code reads it."""

    _name = 'distribution.api.bucket'
    _description = "Bucket of Calls"
    _log_access = False

    #: The column that says whose bucket it is.
    _bucket_column = None

    tokens = fields.Float(required=True)
    filled_at = fields.Float(required=True, help="Seconds since 1970.")
    last_used_at = fields.Datetime(required=True)
    # Floats: they count on where an integer of the database ends.
    calls = fields.Float(help="Calls that were let through, ever.")
    refused = fields.Float(help="Calls that were too many, ever.")

    @api.model
    def _take(self, whose, limit):
        """Seconds to wait; 0: the call is counted, in a transaction of its own."""
        for _try in range(TRIES):
            with self.env.registry.cursor() as cr, mute_logger('odoo.sql_db'):
                try:
                    wait = self._take_one(cr, whose, limit, time.time())
                    cr.commit()  # pylint: disable=invalid-commit
                    return wait
                except psycopg2.OperationalError:  # two calls met in the row
                    cr.rollback()
        return 1

    def _take_one(self, cr, whose, limit, now):
        cr.execute("SET LOCAL synchronous_commit = off")  # a count that a crash forgets does no harm
        cr.execute(SQL("%s FOR UPDATE", self._bucket_query(whose)))
        row = cr.fetchone()
        allowed, bucket, wait = take(row and Bucket(*row), limit, now=now)
        cr.execute(
            SQL(
                """INSERT INTO %(table)s AS bucket (%(column)s, tokens, filled_at, last_used_at, calls, refused)
                        VALUES (%(whose)s, %(tokens)s, %(at)s, %(now)s, %(let)s, %(kept)s)
                   ON CONFLICT (%(column)s) DO UPDATE
                           SET tokens = %(tokens)s, filled_at = %(at)s, last_used_at = %(now)s,
                               calls = coalesce(bucket.calls, 0) + %(let)s,
                               refused = coalesce(bucket.refused, 0) + %(kept)s""",
                table=SQL.identifier(self._table),
                column=SQL.identifier(self._bucket_column),
                whose=whose,
                tokens=bucket.tokens,
                at=bucket.filled_at,
                now=fields.Datetime.now(),
                let=int(allowed),
                kept=int(not allowed),
            )
        )
        return wait

    def _bucket_query(self, whose):
        return SQL(
            "SELECT tokens, filled_at FROM %s WHERE %s = %s",
            SQL.identifier(self._table),
            SQL.identifier(self._bucket_column),
            whose,
        )
