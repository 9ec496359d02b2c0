"""People, and a policy that governs documents in the present company."""


def user(env, login, *groups):
    """Somebody who works in the present company, with roles by their external ids."""
    people = env["res.users"].with_context(no_reset_password=True)
    roles = [env.ref(name).id for name in ("base.group_user", *groups)]
    return people.create(
        {
            "name": login.replace("_", " ").title(),
            "login": f"bench_{login}",
            "email": f"{login}@example.com",
            _groups_of(people): [(6, 0, roles)],
        }
    )


def govern(env, document_type, rules, approvers):
    """Publish a policy (:func:`publish`) and switch governance on, as two people do."""
    _version, publishers = publish(env, document_type, rules, approvers)
    activation = (
        env["distribution.approval.activation"]
        .with_user(publishers[0])
        .create({"document_type": document_type, "company_id": env.company.id, "reason": "Bench"})
    )
    activation.action_propose()
    activation.with_user(publishers[1]).action_confirm()


def publish(env, document_type, rules, approvers):
    """``(published version as its author sees it, two publishers)``; nothing is governed by it yet.

    :param rules: ``[(name, outcome, [(fact, operator, value, codes of options or list of ids)], [stages])]``
    :param approvers: ``{stage: who is asked}``
    """
    author = user(env, f"author_{document_type}", "distribution_core.group_policy_author")
    publishers = [
        user(env, f"publisher_{number}_{document_type}", "distribution_core.group_policy_publisher")
        for number in (1, 2)
    ]
    groups = {}
    for name, approver in approvers.items():
        groups[name] = env["res.groups"].create({"name": f"{name} {document_type}"})
        approver[_groups_of(approver)] += groups[name]
    policies = env["distribution.approval.policy"].with_user(author)
    policy = policies.create({"name": document_type, "document_type": document_type, "company_id": env.company.id})
    version = policy.env["distribution.approval.policy.version"].create(
        {
            "policy_id": policy.id,
            "hit_policy": "COLLECT",
            "fallback_user_id": next(iter(approvers.values())).id,
            "rule_ids": [
                (
                    0,
                    0,
                    {
                        "sequence": 10 * number,
                        "name": name,
                        "outcome": outcome,
                        "condition_ids": [(0, 0, _condition(env, *condition)) for condition in conditions],
                        "stage_ids": [
                            (0, 0, {"sequence": 10 * place, "name": stage, "approver_kind": "group",
                                    "group_id": groups[stage].id})
                            for place, stage in enumerate(stages, 1)
                        ],
                    },
                )  # fmt: skip
                for number, (name, outcome, conditions, stages) in enumerate(rules, 1)
            ],
        }
    )  # fmt: skip
    version.with_user(publishers[0]).action_publish()
    return version, publishers


def _condition(env, fact, operator, value=False):
    if isinstance(value, list):
        return {"fact": fact, "operator": operator, "reference_ids": [(0, 0, {"ref_id": ref_id}) for ref_id in value]}
    if not isinstance(value, tuple):
        return {"fact": fact, "operator": operator, "value": value}
    options = env["distribution.approval.fact.option"].search([("fact", "=", fact), ("code", "in", value)])
    return {"fact": fact, "operator": operator, "option_ids": [(6, 0, options.ids)]}


def _groups_of(people):
    return "groups_id" if "groups_id" in people._fields else "group_ids"
