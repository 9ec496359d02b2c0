"""Times of the demo company: days before now, and a way to let things happen then."""

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo import fields

#: What office hours in the company's time zone add to UTC.
OFFSET = 5


def now():
    """The moment at which the demo is loaded, without a time zone, in UTC."""
    return datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)


def moment(day, hour=10.0):
    """``day`` days ago at ``hour`` local time; on day 0: ``hour`` hours ago."""
    if not day:
        return now() - timedelta(hours=hour)
    midnight = now().replace(hour=0, minute=0, second=0)
    return midnight - timedelta(days=day) + timedelta(hours=hour + OFFSET)


def ahead(days):
    """At noon, ``days`` days from now."""
    return moment(1, 12) + timedelta(days=days + 1)


def day(days_ago):
    """The date ``days_ago`` days ago; of a negative number, as many days ahead."""
    return moment(days_ago, 12).date() if days_ago > 0 else now().date() - timedelta(days=days_ago)


@contextmanager
def at(when):
    """Let ``fields.Datetime.now()`` say ``when``: requests and decisions get a past.

    The ledger does not listen to this: its times are those at which the demo was loaded.
    """
    with patch.object(fields.Datetime, "now", staticmethod(lambda *_arguments: when)):
        yield
