"""A vendor's promise is a day, not a minute: what is overdue or at risk by it gets a new version."""

from odoo import SUPERUSER_ID, api

WHY = "Overdue once the expected day is over where the company works, no longer by the minute."
#: See 1.1.0.
REPLACED = {
    "overdue_purchase_lines": (
        "purchase_lines_past_day",
        "Lines of confirmed purchase orders of goods, not fully received, whose expected arrival lies on a day before "
        "today where the company works.",
    ),
    "overdue_purchase_value": (
        "purchase_value_past_day",
        "Value not received yet of the overdue purchase lines.",
    ),
    "inbound_at_risk": (
        "inbound_after_need_day",
        "Value not received yet of purchase lines that come on a later day than a delivery of the same product from "
        "the same site needs it. What is overdue comes today at the earliest.",
    ),
}


def migrate(cr, version):
    if version:
        api.Environment(cr, SUPERUSER_ID, {})["distribution.kpi.version"]._replace_sources(REPLACED, WHY)
