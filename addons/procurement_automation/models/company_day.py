"""Days where people work: moments in the database are UTC, months and promises are not."""

from datetime import datetime, time, timedelta

import pytz
from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _day_of(self, moment, zone=None):
        """The day of a moment (naive UTC) where the company works, or in the time zone ``zone``."""
        self.ensure_one()
        zone = pytz.timezone(zone or self._approval_time_zone())
        return pytz.utc.localize(moment).astimezone(zone).date()

    def _moments_of(self, first, last):
        """(begin of the day ``first``, end of the day ``last``) where the company works, naive UTC."""
        self.ensure_one()
        zone = pytz.timezone(self._approval_time_zone())
        return tuple(
            zone.localize(datetime.combine(day, time())).astimezone(pytz.utc).replace(tzinfo=None)
            for day in (first, last + timedelta(days=1))
        )
