"""The purchase policy, written by one person and published by another; governance switched on by two."""

from odoo import Command

from ..engine import policy, story
from .clock import at, day, moment


def build(env, plan, directory):
    """Version 1 in force, governance with its baseline, and the draft of version 2."""
    users = directory.users
    with at(moment(16, 9)):
        version = _write_policy(env, plan, directory)
    with at(moment(15, 15)):
        version.valid_from = day(15)
        version.with_user(users["policy_publisher"]).action_publish()
    with at(moment(story.GOVERNED_SINCE, 9)):
        activation = (
            env["distribution.approval.activation"]
            .with_user(users["policy_publisher"])
            .create(
                {
                    "document_type": "purchase_order",
                    "company_id": env.company.id,
                    "reason": "Decision of the management: purchase orders follow the policy from today on.",
                }
            )
        )
        activation.action_propose()
    with at(moment(story.GOVERNED_SINCE, 11)):
        activation.with_user(users["admin"]).action_confirm()
    with at(moment(1, 16)):
        _draft_next(env, version, users)
    env["distribution.approval.delegation"].with_user(users["finance_controller"]).create(
        {
            "substitute_id": users["operations_manager"].id,
            "date_from": day(-14),
            "date_to": day(-21),
            "reason": "Annual leave",
        }
    )


def _write_policy(env, plan, directory):
    author = directory.users["policy_author"]
    document = (
        env["distribution.approval.policy"]
        .with_user(author)
        .create(
            {
                "name": policy.NAME,
                "document_type": "purchase_order",
                "company_id": env.company.id,
                "owner_id": directory.users["purchasing_manager"].id,
                "description": policy.DESCRIPTION,
            }
        )
    )
    return (
        env["distribution.approval.policy.version"]
        .with_user(author)
        .create(
            {
                **policy.SETTINGS,
                "policy_id": document.id,
                "fallback_user_id": directory.users[policy.FALLBACK].id,
                "change_summary": "First version.",
                "rule_ids": [Command.create(_rule_values(env, directory, rule)) for rule in plan.rules],
            }
        )
    )


def _rule_values(env, directory, rule):
    return {
        "sequence": rule.sequence,
        "name": rule.name,
        "outcome": rule.outcome,
        "condition_ids": [
            Command.create(_condition_values(env, fact, operator, operand, *band))
            for fact, operator, operand, *band in rule.conditions
        ],
        "stage_ids": [Command.create(_stage_values(directory, number, who)) for number, who in rule.stages],
        **dict(rule.more),
    }


def _condition_values(env, fact, operator, operand, band=None):
    values = {"fact": fact, "operator": operator}
    if band:
        values.update(zip(("threshold", "band_low", "band_high"), band))
    if isinstance(operand, tuple):
        options = env["distribution.approval.fact.option"].search([("fact", "=", fact), ("code", "in", operand)])
        values["option_ids"] = [Command.set(options.ids)]
    elif operand:
        values["value"] = operand
    return values


def _stage_values(directory, number, who):
    """``who`` is an approval group, or a role that the document itself names."""
    clock = {"service_hours": policy.SERVICE_HOURS, "reminder_hours": policy.REMINDER_HOURS}
    if who in directory.boards:
        return {
            **clock,
            "sequence": number,
            "approver_kind": "group",
            "group_id": directory.boards[who].id,
            "name": who,
        }
    return {**clock, "sequence": number, "approver_kind": who}


def _draft_next(env, version, users):
    author = users["policy_author"]
    draft = version.policy_id.with_user(author)._draft_next_version()
    draft.change_summary = policy.NEXT_SUMMARY
    limit = str(policy.PASS_LIMIT)
    draft.rule_ids.condition_ids.filtered(lambda condition: condition.value == limit).value = str(
        policy.NEXT_PASS_LIMIT
    )
    for rule in draft.rule_ids:
        rule.name = rule.name.replace(f"{policy.PASS_LIMIT:,}", f"{policy.NEXT_PASS_LIMIT:,}")
    draft.rule_ids = [Command.create(_rule_values(env, _NoBoards(), policy.NEXT_RULE))]
    draft.split_limit = policy.NEXT_PASS_LIMIT


class _NoBoards:
    boards = {}
