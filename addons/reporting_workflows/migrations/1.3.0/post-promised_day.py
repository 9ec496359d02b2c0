"""A promise to a customer is a day, not a minute: what is judged by it gets a new version."""

from odoo import SUPERUSER_ID, api

WHY = "Judged by the end of the promised day where the company works, no longer by the minute."
#: See 1.1.0.
REPLACED = {
    "delivery_promise_kept": (
        "delivery_day_kept",
        "Deliveries done in the period by the end of the day that was promised first, of all deliveries done in the "
        "period that had a deadline. Days are those of the company; a deadline that was moved after the order was "
        "confirmed does not count.",
    ),
    "due_units_in_time": (
        "due_units_by_day",
        "Units of delivery lines whose deadline, as it was promised first, lies on a day of the period that is over "
        "and that were done by the end of that day, of all units asked when it was over. What was cancelled or taken "
        "off by then is not due; what was later was not delivered.",
    ),
    "deliveries_past_promise": (
        "deliveries_past_day",
        "Deliveries that are neither done nor cancelled and whose deadline, as it was promised first, lies on a day "
        "before today.",
    ),
    "delay_beyond_promise": (
        "delay_beyond_day",
        "Mean of the days from the day promised first to that of completion, over the deliveries done on a later day "
        "than promised in the period.",
    ),
}


def migrate(cr, version):
    if version:
        api.Environment(cr, SUPERUSER_ID, {})["distribution.kpi.version"]._replace_sources(REPLACED, WHY)
