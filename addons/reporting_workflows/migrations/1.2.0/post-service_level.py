"""What was cancelled when it was overdue stays undelivered: the service level gets a new version."""

from odoo import SUPERUSER_ID, api

WHY = "A line that is cancelled once it was due improves no day any more."
#: See 1.1.0.
REPLACED = {
    "service_promise_kept": (
        "due_units_in_time",
        "Units of delivery lines whose deadline, as it was promised first, lies in the period (and is past) "
        "that were done by it, of all units due. Lines that were cancelled before are not due; those cancelled later "
        "were not delivered.",
    ),
}


def migrate(cr, version):
    if version:
        api.Environment(cr, SUPERUSER_ID, {})["distribution.kpi.version"]._replace_sources(REPLACED, WHY)
