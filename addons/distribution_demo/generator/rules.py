"""The rules of the game, lived by the people of the demo company on expedited freight."""

from unittest.mock import patch

from odoo import Command

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES, USER_GROUPS

from ..engine import master_cases, rules_cases
from .clock import ahead, at, moment

#: Days from now until a condition is due.
CONDITION_DAYS = 5


def build(env, _plan, directory):
    """Variants, cases, the next version that narrows the band, a simulation; and what the jobs find."""
    users = directory.users
    policy = env["distribution.approval.policy"].search([("name", "=", master_cases.FREIGHT_POLICY)]).ensure_one()
    policy.with_user(users["policy_author"]).review_months = rules_cases.REVIEW_MONTHS
    releaser = users[rules_cases.EMERGENCY_RELEASER]
    releaser.write({USER_GROUPS: [Command.link(env.ref("distribution_approval.group_emergency_releaser").id)]})
    with at(moment(20, 9)):
        _variants(env, directory, policy)
    _substitute(env, users)
    orders = _Orders(env, directory)
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        for number, case in enumerate(rules_cases.CASES):
            _case(env, users, case, orders.take(case.site), moment(case.day, 10 if case.day else 5 - number / 10))
            env.flush_all()
    with at(moment(0, 1)):
        _next_version(users, policy)
    _simulation(env, users)
    env["distribution.approval.policy.version"]._cron_report_monitored()
    env["distribution.approval.policy"]._cron_review_overdue()


class _Orders:
    """Confirmed purchase orders of a site that nobody has asked faster freight for; each once."""

    def __init__(self, env, directory):
        self.sites = directory.sites
        self.left = env["purchase.order"].search(
            [("state", "in", PURCHASE_CONFIRMED_STATES), ("company_id", "=", env.company.id)],
            order="date_approve desc, id desc",
        )
        self.left -= env["distribution.freight.request"].search([]).purchase_id

    def take(self, site):
        fitting = self.left.filtered(lambda order: order.picking_type_id.warehouse_id == self.sites[site])
        self.left -= fitting[:1]
        return fitting[:1].ensure_one()


def _variants(env, directory, policy):
    users = directory.users
    for variant in rules_cases.VARIANTS:
        draft = (
            env["distribution.approval.variant"]
            .with_user(users["policy_author"])
            .create(
                {
                    "policy_id": policy.id,
                    "warehouse_id": directory.sites[variant.site].id,
                    "reason": variant.reason,
                    "value_ids": [
                        Command.create({"threshold": master_cases.FREIGHT_LIMIT, "value": variant.value}),
                    ],
                }
            )
        )
        draft.with_user(users["policy_publisher"]).action_publish()


def _substitute(env, users):
    person, substitute, ceiling, reason = rules_cases.SUBSTITUTE
    freight = env["distribution.approval.document.type"].search([("code", "=", "freight_request")])
    with at(moment(0, 6)):
        env["distribution.approval.delegation"].with_user(users[person]).create(
            {
                "substitute_id": users[substitute].id,
                "date_from": today(env.company),
                "date_to": ahead(6).date(),
                "document_type_ids": [Command.set(freight.ids)],
                "ceiling": ceiling,
                "reason": reason,
            }
        )


def _case(env, users, case, order, when):
    with at(when):
        request = (
            env["distribution.freight.request"]
            .with_user(users["buyer"])
            .create(
                {
                    "purchase_id": order.id,
                    "picking_id": order.picking_ids[:1].id,
                    "amount": case.amount,
                    "reason_code": case.reason,
                    "note": case.note,
                    "carrier_reference": case.key,
                }
            )
        )
        request.action_authorise()
        for person, act, words in case.steps:
            ACTS[act](request.with_user(users[person]), words)


# ----------------------------------------------------------------------- acts


def _request_of(document):
    return document.sudo().approval_request_id.with_user(document.env.user)


def _decide(document, outcome, **more):
    request = _request_of(document)
    task = request.sudo().task_ids.filtered(lambda task: task.state == "open").ensure_one()
    task.with_user(document.env.user).action_decide(outcome, task.digest, **more)
    _carry_on(document)


def _carry_on(document):
    request = document.sudo().approval_request_id
    if request.resume_state == "pending":
        request._resume()


def _approve_on(document, words):
    """Approve on a condition that the requester owes."""
    condition = {
        "text": words,
        "owner_id": document.sudo().approval_request_id.requester_id.id,
        "due_date": str(ahead(CONDITION_DAYS).date()),
    }
    _decide(document, "approve_with_conditions", conditions=[condition])


def _approve_for(document, words):
    """Approve on behalf of somebody else."""
    _decide(document, "approve", comment=words)


def _report(document, words):
    owed = document.sudo().approval_request_id.obligation_ids.ensure_one()
    owed.with_user(document.env.user).action_report(words)


def _emergency(document, words):
    """Released at once, with what the customer said."""
    request = _request_of(document)
    call = request.env["ir.attachment"].create(
        {
            "name": "call-of-the-customer.txt",
            "raw": b"22:40, plant manager: the press stands still since 22:05. Needs the seals before the early shift.",
        }
    )
    request.action_emergency_release(words, request.digest, call.ids)
    _carry_on(document)


ACTS = {"approve_on": _approve_on, "approve_for": _approve_for, "report": _report, "emergency": _emergency}


# ------------------------------------------------------------------- matrices


def _next_version(users, policy):
    """Version 2 narrows the band: one of the variants does not fit any more."""
    draft = policy.with_user(users["policy_author"])._draft_next_version()
    draft.change_summary = rules_cases.NEXT_SUMMARY
    draft.rule_ids.condition_ids.filtered("threshold").write(
        dict(zip(("band_low", "band_high"), rules_cases.NEXT_BAND))
    )
    draft.with_user(users["policy_publisher"]).action_publish()


def _simulation(env, users):
    """What the draft of the next purchase policy would have done."""
    draft = env["distribution.approval.policy.version"].search(
        [("state", "=", "draft"), ("document_type", "=", "purchase_order")], limit=1
    )
    simulation = (
        env["distribution.approval.simulation"]
        .with_user(users["policy_author"])
        .create({"version_id": draft.id, "months": rules_cases.SIMULATED_MONTHS})
    )
    simulation.action_run()
    while simulation.sudo().state in ("queued", "running"):
        simulation.sudo()._advance()
