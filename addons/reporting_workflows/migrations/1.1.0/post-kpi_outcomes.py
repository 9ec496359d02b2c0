"""KPIs of which the way to count was mended get a new version: what is in force is never rewritten."""

from odoo import SUPERUSER_ID, api

WHY = "Counted when the outcome is known, and by what was promised first; what happens later changes no day any more."
#: Source as it was: source that replaces it, and the library's words for it.
REPLACED = {
    "delivery_on_time": (
        "delivery_day_kept",
        "Deliveries done in the period by the end of the day that was promised first, of all deliveries done in the "
        "period that had a deadline. Days are those of the company; a deadline that was moved after the order was "
        "confirmed does not count.",
    ),
    "service_level": (
        "due_units_by_day",
        "Units of delivery lines whose deadline, as it was promised first, lies on a day of the period that is over "
        "and that were done by the end of that day, of all units asked when it was over. What was cancelled or taken "
        "off by then is not due; what was later was not delivered.",
    ),
    "deliveries_late": (
        "deliveries_past_day",
        "Deliveries that are neither done nor cancelled and whose deadline, as it was promised first, lies on a day "
        "before today.",
    ),
    "shortage_lines": (
        "shortages",
        "Delivery lines that are not, or only partly, reserved; of deliveries in several steps those of which "
        "an earlier step lacks goods.",
    ),
    "delivery_delay": (
        "delay_beyond_day",
        "Mean of the days from the day promised first to that of completion, over the deliveries done on a later day "
        "than promised in the period.",
    ),
    "acknowledgement_rate": (
        "acknowledged_in_time",
        "Purchase orders whose vendor answered within three days of being asked, of all whose three days "
        "ended in the period; orders that were cancelled meanwhile included.",
    ),
    "approval_breach_rate": (
        "decisions_breached",
        "Tasks under a service clock closed in the period that had been escalated or whose time had run out, "
        "of all such tasks.",
    ),
    "webhook_delivered": (
        "messages_ended",
        "Messages that arrived in the period, of those that arrived or were given up in it. One that was "
        "given up and arrived when it was sent again counts on both days.",
    ),
}


def migrate(cr, version):
    if version:
        api.Environment(cr, SUPERUSER_ID, {})["distribution.kpi.version"]._replace_sources(REPLACED, WHY)
