"""The company of the concurrency tests with more kinds of documents governed."""

from odoo import Command

from .test_concurrency import ConcurrencyCase


class DocumentConcurrencyCase(ConcurrencyCase):
    """``_publish`` further policies in ``_make_company``; what they govern ends with the class."""

    more_activations = ()

    @classmethod
    def _publish(cls, env, document_type, *rules):
        """Govern ``document_type`` by ``rules``: ``(name, "pass" or "require", (fact, operator, value))``.

        Who is asked is ``manager``.
        """
        user = env["res.users"].browse
        policy = (
            env["distribution.approval.policy"]
            .with_user(user(cls.people["author"]))
            .create({"name": document_type, "document_type": document_type, "company_id": cls.company_id})
        )

        def rule(name, outcome, condition):
            fact, operator, value = condition
            stage = Command.create({"approver_kind": "user", "user_id": cls.people["manager"]})
            return Command.create(
                {
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": [Command.create({"fact": fact, "operator": operator, "value": value})],
                    "stage_ids": [stage] if outcome == "require" else [],
                }
            )

        version = (
            env["distribution.approval.policy.version"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "policy_id": policy.id,
                    "fallback_user_id": cls.people["manager_2"],
                    "rule_ids": [rule(*each) for each in rules],
                }
            )
        )
        version.with_user(user(cls.people["publisher"])).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(user(cls.people["publisher"]))
            .create({"document_type": document_type, "company_id": cls.company_id})
        )
        activation.action_propose()
        activation.with_user(user(cls.people["publisher_2"])).action_confirm()
        cls.more_activations = (*cls.more_activations, activation.id)

    @classmethod
    def _leave(cls):
        for activation_id in cls.more_activations:
            with cls.transaction("publisher") as env:
                env["distribution.approval.activation"].browse(activation_id).action_propose_end()
            with cls.transaction("publisher_2") as env:
                env["distribution.approval.activation"].browse(activation_id).action_confirm_end()
        super()._leave()
