"""What callers with a valid key were told instead of being served: one row per key and type of problem.

The inbox keeps what it refused. Everything else – an address that is none, a scope that the key does not have, a body
that is none – would leave no trace without this.
"""

import psycopg2
from odoo import api, fields, models
from odoo.tools import mute_logger


class DistributionApiProblem(models.Model):
    """No group has access: only the suite's own code reads it."""

    _name = 'distribution.api.problem'
    _description = "API Problem"
    _log_access = False

    api_key_id = fields.Many2one('distribution.api.key', required=True, ondelete='cascade')
    kind = fields.Char(required=True, help="The last part of the problem's type.")
    calls = fields.Float(required=True, help="Calls that ended so, ever.")
    last_at = fields.Datetime(required=True)

    _sql_constraints = [
        ('key_kind_unique', 'unique(api_key_id, kind)', "A problem of a key is counted once."),
    ]

    @api.model
    def _count(self, key, kind):
        """Count a call of ``key``, in a transaction of its own: that of the call is rolled back."""
        with self.env.registry.cursor() as cr, mute_logger('odoo.sql_db'):
            try:
                cr.execute("SET LOCAL synchronous_commit = off")  # a count that a crash forgets does no harm
                cr.execute(
                    """INSERT INTO distribution_api_problem AS problem (api_key_id, kind, calls, last_at)
                            VALUES (%(key)s, %(kind)s, 1, %(now)s)
                       ON CONFLICT (api_key_id, kind) DO UPDATE SET calls = problem.calls + 1, last_at = %(now)s""",
                    {'key': key.id, 'kind': kind, 'now': fields.Datetime.now()},
                )
            except psycopg2.OperationalError:  # two calls met in the row: one of them is not counted
                cr.rollback()
