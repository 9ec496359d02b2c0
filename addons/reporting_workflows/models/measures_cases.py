"""Exceptions and how long they stay; messages to and from other systems."""

from odoo import api, models

from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES

from .kpi_source import Dimension, Source, average, hours, share

CASE_OPEN = (("state", "in", OPEN_STATES),)
CASE_DIMENSIONS = {"site": Dimension("site_id"), "type": Dimension("type_id"), "kind": Dimension("kind")}
#: What a case of customers is about.
CUSTOMER_DOCUMENTS = ("sale.order", "distribution.customer.return", "distribution.delivery.hold")
DELIVERY = "distribution_webhook_delivery"
DELIVERY_DIMENSIONS = {"subscription": Dimension("subscription_id")}

SOURCES = {
    "cases_open": Source(
        "Open cases",
        "distribution.case",
        "integer",
        numerator="count(*)",
        domain=CASE_OPEN,
        dimensions=CASE_DIMENSIONS,
    ),
    "case_age": Source(
        "Age of open cases",
        "distribution.case",
        "days",
        **average(hours("distribution_case.create_date", "%(now)s") + " / 24.0"),
        domain=CASE_OPEN,
        dimensions=CASE_DIMENSIONS,
    ),
    "cases_overdue": Source(
        "Cases beyond their service time",
        "distribution.case",
        "integer",
        numerator="count(*)",
        domain=(("state", "in", ("open", "in_progress")), ("due_at", "!=", False)),
        condition="distribution_case.due_at < %(now)s",
        dimensions=CASE_DIMENSIONS,
    ),
    "case_resolution": Source(
        "Hours from opening to closing a case",
        "distribution.case",
        "hours",
        **average(hours("distribution_case.create_date", "distribution_case.closed_at")),
        domain=(("state", "=", "resolved"),),
        moment="closed_at",
        dimensions=CASE_DIMENSIONS,
    ),
    "customer_exceptions": Source(
        "Open cases about customers' orders",
        "distribution.case",
        "integer",
        numerator="count(*)",
        domain=(*CASE_OPEN, ("res_model", "in", CUSTOMER_DOCUMENTS)),
        dimensions=CASE_DIMENSIONS,
    ),
    # Of the tries, which stay: a message that was given up and sent again later arrives on a later day.
    "messages_ended": Source(
        "Messages that arrived, of those that came to an end",
        "distribution.webhook.attempt",
        "percent",
        **share("distribution_webhook_attempt.status BETWEEN 200 AND 299"),
        company="delivery_id.company_id",
        domain=(("next_at", "=", False),),
        moment="at",
        joins=f"JOIN {DELIVERY} message ON message.id = distribution_webhook_attempt.delivery_id",
        dimensions={"subscription": Dimension("delivery_id.subscription_id", "message.subscription_id")},
        touched_by=("*",),
    ),
    "webhook_dead": Source(
        "Messages given up",
        "distribution.webhook.delivery",
        "integer",
        numerator="count(*)",
        domain=(("state", "=", "dead"),),
        dimensions=DELIVERY_DIMENSIONS,
        touched_by=("*",),
    ),
    "webhook_latency": Source(
        "Seconds until a message arrived",
        "distribution.webhook.delivery",
        "number",
        **average(f"extract(epoch FROM {DELIVERY}.done_at - {DELIVERY}.began_at)"),
        domain=(("state", "=", "delivered"), ("done_at", "!=", False)),
        moment="done_at",
        dimensions=DELIVERY_DIMENSIONS,
        touched_by=("*",),
    ),
    "api_refused": Source(
        "Calls of other systems that were refused or failed",
        "distribution.api.call",
        "percent",
        **share("distribution_api_call.state IN ('refused', 'failed')"),
        moment="received_at",
        dimensions={"operation": Dimension("operation")},
        touched_by=("*",),
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
