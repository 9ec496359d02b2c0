"""What was cancelled when it was overdue stays undelivered: the service level gets a new version."""

from odoo import SUPERUSER_ID, api

WHY = "A line that is cancelled once it was due improves no day any more."
#: See 1.1.0.
REPLACED = {
    "service_promise_kept": (
        "due_units_by_day",
        "Units of delivery lines whose deadline, as it was promised first, lies on a day of the period that is over "
        "and that were done by the end of that day, of all units asked when it was over. What was cancelled or taken "
        "off by then is not due; what was later was not delivered.",
    ),
}


def migrate(cr, version):
    if version:
        api.Environment(cr, SUPERUSER_ID, {})["distribution.kpi.version"]._replace_sources(REPLACED, WHY)
