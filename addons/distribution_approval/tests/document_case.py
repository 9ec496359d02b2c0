"""What the tests of one governed document share: its own small policy, people, refusals."""

from odoo import Command

from .attack_case import AttackCase


class DocumentCase(AttackCase):
    """Governs ``document_type`` in the company by the rules of :meth:`_rules`; purchases are not governed."""

    document_type = None
    tolerance_percent = 0
    tolerance_amount = 0

    @classmethod
    def _rules(cls):
        """``[(name, outcome, [(fact, operator, value or option codes)], [groups asked, in stages])]``."""
        raise NotImplementedError

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT", document_type=None, rules=None):
        document_type = document_type or cls.document_type
        policy = (
            cls.env["distribution.approval.policy"]
            .with_user(cls.author)
            .create({"name": document_type, "document_type": document_type, "company_id": cls.company.id})
        )
        return (
            cls.env["distribution.approval.policy.version"]
            .with_user(cls.author)
            .create(
                {
                    "policy_id": policy.id,
                    "hit_policy": hit_policy,
                    "fallback_user_id": cls.fallback.id,
                    "tolerance_percent": cls.tolerance_percent,
                    "tolerance_amount": cls.tolerance_amount,
                    "rule_ids": [
                        Command.create(
                            {
                                "sequence": 10 * number,
                                "name": name,
                                "outcome": outcome,
                                "condition_ids": [cls._condition(*condition) for condition in conditions],
                                "stage_ids": [cls._stage(10 * place, group) for place, group in enumerate(groups, 1)],
                            }
                        )
                        for number, (name, outcome, conditions, groups) in enumerate(rules or cls._rules(), 1)
                    ],
                }
            )
        )

    @classmethod
    def _condition(cls, fact, operator, value=False):
        codes = value if isinstance(value, (list, tuple)) else ()
        options = cls.env["distribution.approval.fact.option"].search([("fact", "=", fact), ("code", "in", codes)])
        return Command.create(
            {
                "fact": fact,
                "operator": operator,
                "value": False if codes else value,
                "option_ids": [Command.set(options.ids)],
            }
        )

    @classmethod
    def _stage(cls, sequence, group):
        return Command.create(
            {
                "sequence": sequence,
                "approver_kind": "group",
                "group_id": cls.groups[group].id,
                "quorum": 1,
                "name": group,
            }
        )

    @classmethod
    def _govern(cls):
        cls.activation = cls._activate(cls.document_type)

    @classmethod
    def _activate(cls, document_type):
        activation = (
            cls.env["distribution.approval.activation"]
            .with_user(cls.publisher)
            .create({"document_type": document_type, "company_id": cls.company.id, "reason": "Roll-out"})
        )
        activation.action_propose()
        activation.with_user(cls.publisher_2).action_confirm()
        return activation

    @classmethod
    def _govern_also(cls, document_type, rules):
        """One more kind of documents under a policy of its own."""
        cls._publish(cls._make_policy(document_type=document_type, rules=rules))
        return cls._activate(document_type)

    @classmethod
    def _ungovern(cls):
        cls.activation.with_user(cls.publisher).action_propose_end()
        cls.activation.with_user(cls.publisher_2).action_confirm_end()
