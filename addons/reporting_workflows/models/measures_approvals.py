"""How much passes without anybody, how long decisions take, what waits, and what went around the normal way."""

from odoo import api, models

from .kpi_source import Dimension, Source, average, hours, share

#: How documents are let through: by policy alone, or after people decided.
ALONE = "('policy', 'fast_path')"
LET_THROUGH = ("policy", "fast_path", "approval", "emergency")
WAITING = ("pending", "question", "revision", "on_hold")
RELEASE_DIMENSIONS = {"document_type": Dimension("document_type"), "site": Dimension("site_id")}
REQUEST_DIMENSIONS = {**RELEASE_DIMENSIONS, "vendor": Dimension("partner_id")}
REQUEST_TOUCHED = ("distribution.approval.request", "distribution.approval.task", "distribution.approval.decision")

SOURCES = {
    "straight_through": Source(
        "Documents that passed without anybody",
        "distribution.approval.release",
        "percent",
        **share(f"distribution_approval_release.kind IN {ALONE}"),
        domain=(("kind", "in", LET_THROUGH),),
        moment="released_at",
        dimensions=RELEASE_DIMENSIONS,
        touched_by=("*",),
    ),
    "approval_cycle": Source(
        "Hours from request to decision",
        "distribution.approval.request",
        "hours",
        **average(hours("distribution_approval_request.requested_at", "distribution_approval_request.closed_at")),
        domain=(("state", "in", ("approved", "rejected")),),
        moment="closed_at",
        dimensions=REQUEST_DIMENSIONS,
        touched_by=("*",),
    ),
    "approvals_waiting": Source(
        "Requests that wait",
        "distribution.approval.request",
        "integer",
        numerator="count(*)",
        domain=(("state", "in", WAITING),),
        dimensions=REQUEST_DIMENSIONS,
        touched_by=("*",),
    ),
    "approval_oldest": Source(
        "Hours that the oldest request waits",
        "distribution.approval.request",
        "hours",
        numerator=f"max({hours('distribution_approval_request.requested_at', '%(now)s')})",
        domain=(("state", "in", WAITING),),
        dimensions=REQUEST_DIMENSIONS,
        touched_by=("*",),
    ),
    "approvals_overdue": Source(
        "Decisions beyond their service time",
        "distribution.approval.task",
        "integer",
        numerator="count(*)",
        domain=(("state", "=", "open"), ("due_at", "!=", False)),
        condition="distribution_approval_task.due_at < %(now)s",
        dimensions=REQUEST_DIMENSIONS,
        touched_by=("*",),
    ),
    "decisions_breached": Source(
        "Closed decisions that were escalated, or whose time ran out",
        "distribution.approval.task",
        "percent",
        **share("""EXISTS (SELECT 1 FROM distribution_approval_clock_step step
                            WHERE step.task_id = distribution_approval_task.id
                              AND step.kind IN ('escalation', 'final'))"""),
        domain=(("opened_at", "!=", False), ("clock", "!=", False)),
        moment="closed_at",
        dimensions=REQUEST_DIMENSIONS,
        touched_by=("*",),
    ),
    "emergency_releases": Source(
        "Emergency releases",
        "distribution.approval.release",
        "integer",
        numerator="count(*)",
        domain=(("kind", "=", "emergency"),),
        moment="released_at",
        dimensions=RELEASE_DIMENSIONS,
        touched_by=("*",),
    ),
    "delegated_decisions": Source(
        "Decisions made by a substitute",
        "distribution.approval.decision",
        "percent",
        **share("distribution_approval_decision.on_behalf_id IS NOT NULL"),
        company="request_id.company_id",
        moment="decided_at",
        joins="JOIN distribution_approval_request asked ON asked.id = distribution_approval_decision.request_id",
        dimensions={
            "document_type": Dimension("request_id.document_type", "asked.document_type"),
            "vendor": Dimension("request_id.partner_id", "asked.partner_id"),
            "site": Dimension("request_id.site_id", "asked.site_id"),
        },
        touched_by=("*",),
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
