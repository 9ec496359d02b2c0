"""Who calls without a valid key: each address may do that so many times a minute.

Only calls that would be turned away anyway are counted, and turned away otherwise: whoever has a valid key is never
kept out by somebody else at the same address.
"""

import time
from datetime import timedelta

from odoo import api, fields, models

from ..engine.addresses import network_of
from ..engine.rate_limit import Bucket, Limit, take

LIMIT_PARAMETER, PER_MINUTE = 'distribution_core.api_strangers_per_minute', 60
FORGOTTEN_AFTER = timedelta(days=1)


class DistributionApiStranger(models.Model):
    _name = 'distribution.api.stranger'
    _description = "Caller without a Valid Key"
    _inherit = ['distribution.api.bucket']
    _log_access = False
    _bucket_column = 'address'

    address = fields.Char(required=True, help="Of IPv6 the network: one caller has all of it.")

    _sql_constraints = [
        ('address_unique', 'unique(address)', "An address is counted once."),
    ]

    @api.model
    def _count(self, address):
        """Count a call that is turned away. Returns seconds to wait; 0: it was not one too many."""
        given = self.env['ir.config_parameter'].sudo().get_param(LIMIT_PARAMETER, '')
        per_minute = int(given) if given.isdigit() and int(given) else PER_MINUTE
        return self._take(network_of(address), Limit(per_minute, per_minute))

    @api.model
    def _take(self, whose, limit):
        """Who is refused costs one look: a flood writes nothing, and waits for no row."""
        self.env.cr.execute(self._bucket_query(whose))
        row = self.env.cr.fetchone()
        _allowed, _bucket, wait = take(row and Bucket(*row), limit, now=time.time())
        return wait or super()._take(whose, limit)

    @api.autovacuum
    def _gc_strangers(self):
        self.env.cr.execute(
            "DELETE FROM distribution_api_stranger WHERE last_used_at < %s", [fields.Datetime.now() - FORGOTTEN_AFTER]
        )
