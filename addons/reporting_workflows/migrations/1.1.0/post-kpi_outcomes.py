"""KPIs of which the way to count was mended get a new version: what is in force is never rewritten."""

from odoo import SUPERUSER_ID, api

WHY = "Counted when the outcome is known, and by what was promised first; what happens later changes no day any more."
#: Source as it was: source that replaces it, and the library's words for it.
REPLACED = {
    "delivery_on_time": (
        "delivery_promise_kept",
        "Deliveries done in the period by the deadline that was promised first, of all deliveries done in the "
        "period that had one. A deadline that was moved after the order was confirmed does not count.",
    ),
    "service_level": (
        "due_units_in_time",
        "Units of delivery lines whose deadline, as it was promised first, lies in the period (and is past) "
        "that were done by it, of all units due. Lines that were cancelled before are not due; those cancelled later "
        "were not delivered.",
    ),
    "deliveries_late": (
        "deliveries_past_promise",
        "Deliveries that are neither done nor cancelled and whose deadline, as it was promised first, has passed.",
    ),
    "shortage_lines": (
        "shortages",
        "Delivery lines that are not, or only partly, reserved; of deliveries in several steps those of which "
        "an earlier step lacks goods.",
    ),
    "delivery_delay": (
        "delay_beyond_promise",
        "Mean of the days between the deadline promised first and completion, over the deliveries done late "
        "in the period.",
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
