"""On which days a company works, read once from its calendar."""

from datetime import datetime, time, timedelta

import pytz
from odoo import api, models

#: Days around a moment that a schedule may have to look at.
BEFORE, AFTER = timedelta(days=60), timedelta(days=400)


class WorkingDays(models.AbstractModel):
    _name = "distribution.report.working.days"
    _description = "Working Days of a Company"

    @api.model
    def _of(self, company, moment):
        """A function of a day: whether the company works on it (its calendar without the public holidays).

        Good for days from two months before ``moment`` (naive UTC) to a year after it. A company without a calendar
        works every day.
        """
        calendar = company.sudo().resource_calendar_id  # sudo: whoever asks, the calendar counts
        if not calendar:
            return lambda _day: True
        zone = pytz.timezone(calendar.tz or "UTC")
        first, last = (zone.localize(datetime.combine((moment + step).date(), time())) for step in (-BEFORE, AFTER))
        intervals = calendar._work_intervals_batch(first, last)[False]
        return {start.astimezone(zone).date() for start, _end, _meta in intervals}.__contains__
