"""A policy from the plan: written by its author, published, and governance switched on by two people."""

from datetime import timedelta

from odoo import Command

from .clock import at
from .governance import _rule_values


def put_in_force(env, directory, document_type, name, description, rules, owner, when, fallback, **settings):
    """Publish version 1 of a policy and switch its governance on.

    :param when: moment at which governance begins; the policy was written and published before
    :param owner: login of the business owner
    :param fallback: login of who is asked when nobody else can decide
    :returns: the published version
    """
    users = directory.users
    with at(when):
        policy = (
            env["distribution.approval.policy"]
            .with_user(users["policy_author"])
            .create(
                {
                    "name": name,
                    "document_type": document_type,
                    "company_id": env.company.id,
                    "owner_id": users[owner].id,
                    "description": description,
                }
            )
        )
        version = (
            env["distribution.approval.policy.version"]
            .with_user(users["policy_author"])
            .create(
                {
                    "hit_policy": "COLLECT",
                    "policy_id": policy.id,
                    "fallback_user_id": users[fallback].id,
                    "change_summary": "First version.",
                    "rule_ids": [Command.create(_rule_values(env, directory, rule)) for rule in rules],
                    **settings,
                }
            )
        )
        version.valid_from = when.date() - timedelta(days=1)
        version.with_user(users["policy_publisher"]).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(users["policy_publisher"])
            .create({"document_type": document_type, "company_id": env.company.id, "reason": description})
        )
        activation.action_propose()
        activation.with_user(users["admin"]).action_confirm()
    return version
