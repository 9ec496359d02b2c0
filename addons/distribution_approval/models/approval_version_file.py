"""Policy versions as YAML files: exported canonically, imported as drafts."""

from odoo import Command, _, api, models
from odoo.exceptions import UserError

from ..engine import EngineError
from ..engine.policy_file import FORMAT, PolicyFileError, dump, load, operand_to_file, read, spec_to_file
from ..engine.variant_file import standard_of
from .approval_policy import document_models
from .approval_version_difference import CONDITION_FIELDS, NO_SETTINGS, RULE_FIELDS, STAGE_FIELDS


class ApprovalPolicy(models.Model):
    _inherit = "distribution.approval.policy"

    @api.model
    def _of_file(self, content):
        """``(model of its documents, company or None, policy or none)`` of the standard that a file names.

        :param content: of a policy's file or of a variant's
        :raises UserError: the type of document or the company is not known here
        """
        document_type, reference = standard_of(content)
        known = document_models(self.env)
        if document_type not in known:
            raise UserError(
                _(
                    "The file cannot be imported: “%(type)s” is no document type here. Known are %(known)s.",
                    type=document_type,
                    known=", ".join(sorted(known)),
                )
            )
        portable = self.env["distribution.approval.portable"]
        company = portable._dereference("res.company", reference) if reference else None
        domain = [("document_type", "=", document_type), ("company_id", "=", company.id if company else False)]
        return known[document_type], company, self.search(domain, limit=1)


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    # ------------------------------------------------------------------ export

    def _export_yaml(self):
        """The canonical text of this version. Raises UserError when a record cannot be named."""
        self.ensure_one()
        portable = self.env["distribution.approval.portable"]
        policy, company, specs = self.policy_id, self.policy_id.company_id, self._fact_specs()
        used = set(self.rule_ids.condition_ids.mapped("fact"))
        return dump(
            {
                "format": FORMAT,
                "policy": {
                    "name": policy.name,
                    "document_type": policy.document_type,
                    "company": portable._reference(company) if company else "",
                    "description": policy.description or "",
                    "summary": self.change_summary or "",
                },
                # Said even where it is the default: nobody should have to know it.
                "settings": {"hit_policy": self.hit_policy, **portable._pack(self, NO_SETTINGS, company)},
                "facts": [spec_to_file(spec) for name, spec in specs.items() if name in used],
                "rules": [self._export_rule(rule, specs, portable, company) for rule in self.rule_ids],
            }
        )

    def _export_rule(self, rule, specs, portable, company):
        return {
            "name": rule.name,
            "sequence": str(rule.sequence),
            "outcome": rule.outcome,
            "mode": "" if rule.mode == "enforce" else rule.mode,
            "when": [self._export_condition(c, specs, portable, company) for c in rule.condition_ids],
            "approvers": [self._export_stage(stage, portable, company) for stage in rule.stage_ids],
            "more": portable._pack(rule, RULE_FIELDS, company),
        }

    def _export_condition(self, condition, specs, portable, company):
        engine = condition._to_engine(specs)
        spec = specs[engine.fact]

        def reference_of(model, record_id):
            record = self.env[model].sudo().browse(record_id).exists()
            if not record:
                raise UserError(
                    _("Rule “%(rule)s” names a record that was deleted (%(fact)s).")
                    % {"rule": condition.rule_id.name, "fact": spec.label}
                )
            return portable._reference(record, company)

        adjustable = {}
        if engine.threshold:
            adjustable = {"name": engine.threshold.name, "from": condition.band_low, "to": condition.band_high}
        return {
            "fact": engine.fact,
            "is": engine.operator,
            **operand_to_file(spec, engine, reference_of),
            "adjustable": adjustable,
            "more": portable._pack(condition, CONDITION_FIELDS, company),
        }

    def _export_stage(self, stage, portable, company):
        record = stage.user_id or stage.group_id
        return {
            "stage": str(stage.sequence),
            "kind": stage.approver_kind,
            "record": portable._reference(record, company) if record else "",
            "name": stage.name or "",
            "quorum": str(stage.quorum) if stage.quorum != 1 else "",
            "more": portable._pack(stage, STAGE_FIELDS, company),
        }

    def action_export(self):
        """Offer this version as a file."""
        self.ensure_one()
        return self.env["distribution.approval.policy.file"]._offer(self)

    # ------------------------------------------------------------------ import

    @api.model
    def _import_yaml(self, text):
        """A new draft from the text of a file, written by the present user.

        The policy is found by document type and company, and made when there is none. Published
        versions stay as they are.

        :raises UserError: with everything that is wrong
        """
        try:
            content = load(text)
        except PolicyFileError as error:
            raise UserError(_("The file cannot be imported. %s", error)) from error
        head = content["policy"]
        portable = self.env["distribution.approval.portable"]
        policies = self.env["distribution.approval.policy"]
        model, company, policy = policies._of_file(content)
        problems = self._import_problems(content, self.env[model]._approval_all_fact_specs())
        collected = Collected(self.env, problems)
        rules = [
            Command.create(
                self._import_rule(rule, self.env[model]._approval_all_fact_specs(), portable, company, collected)
            )
            for rule in content["rules"]
        ]
        settings = collected.of(
            _("settings"), lambda: portable._unpack(self._name, content["settings"], NO_SETTINGS, company), default={}
        )
        collected.refuse()
        policy = policy or policies.create(
            {
                "name": head["name"],
                "document_type": head["document_type"],
                "company_id": company.id if company else False,
                "description": head.get("description") or False,
            }
        )
        return self.create(
            {**settings, "policy_id": policy.id, "change_summary": head.get("summary") or False, "rule_ids": rules}
        )

    def _import_problems(self, content, specs):
        """What is wrong in the file itself, and facts that mean something else here."""
        problems = [
            f"{problem.message} {problem.remedy}".strip()
            for problem in read(content).problems
            if problem.severity == "error" and problem.field != "settings"
        ]
        for fact in content["facts"]:
            spec = specs.get(fact["name"])
            if not spec:
                problems.append(_("The fact “%s” does not exist for this document type.", fact["name"]))
            elif (spec.type.value, spec.model) != (fact["type"], fact.get("model", "")):
                problems.append(
                    _(
                        "The fact “%(fact)s” is %(here)s here, %(there)s in the file.",
                        fact=fact["name"],
                        here=" ".join(filter(None, [spec.type.value, spec.model])),
                        there=" ".join(filter(None, [fact["type"], fact.get("model")])),
                    )
                )
        return problems

    def _import_rule(self, rule, specs, portable, company, collected):
        where = _("Rule “%s”", rule["name"])
        model = "distribution.approval.rule"
        return {
            "name": rule["name"],
            "sequence": collected.of(where, lambda: int(rule["sequence"]), default=0),
            "outcome": rule["outcome"],
            "mode": rule.get("mode") or "enforce",
            "condition_ids": [
                Command.create(self._import_condition(condition, specs, portable, company, collected, where))
                for condition in rule.get("when") or ()
            ],
            "stage_ids": [
                Command.create(self._import_stage(approver, portable, company, collected, where))
                for approver in rule.get("approvers") or ()
            ],
            **collected.of(
                where, lambda: portable._unpack(model, rule.get("more") or {}, RULE_FIELDS, company), default={}
            ),
        }

    def _import_condition(self, condition, specs, portable, company, collected, where):
        spec = specs.get(condition["fact"])
        values = {"fact": condition["fact"], "operator": condition["is"]}
        named = condition.get("values") or ([condition["value"]] if condition.get("value") else [])
        if spec and spec.model:
            values["reference_ids"] = [
                Command.create({"ref_id": record.id})
                for reference in named
                if (
                    record := collected.of(
                        where, lambda reference=reference: portable._dereference(spec.model, reference, company)
                    )
                )
            ]
        elif spec and spec.options:
            options = self.env["distribution.approval.fact.option"].search(
                [("fact", "=", spec.name), ("code", "in", named)]
            )
            for missing in sorted(set(named) - set(options.mapped("code"))):
                collected.problems.append(
                    f"{where}: " + _("%(fact)s cannot be “%(value)s” here.") % {"fact": spec.label, "value": missing}
                )
            values["option_ids"] = [Command.set(options.ids)]
        else:
            values["value"] = ", ".join(named) or False
        mark = condition.get("adjustable")
        if mark:
            values.update(threshold=mark["name"], band_low=mark["from"], band_high=mark["to"])
        model = "distribution.approval.condition"
        more = condition.get("more") or {}
        return {
            **values,
            **collected.of(where, lambda: portable._unpack(model, more, CONDITION_FIELDS, company), default={}),
        }

    def _import_stage(self, approver, portable, company, collected, where):
        kind = approver["kind"]
        if kind not in dict(self.env["distribution.approval.stage"]._fields["approver_kind"].selection):
            collected.problems.append(f"{where}: " + _("“%s” is no kind of approver here.", kind))
        values = {
            "sequence": collected.of(where, lambda: int(approver["stage"]), default=0),
            "approver_kind": kind,
            "name": approver.get("name") or False,
            "quorum": collected.of(where, lambda: int(approver.get("quorum") or 1), default=1),
        }
        model = {"user": "res.users", "group": "res.groups"}.get(kind)
        if model:
            record = collected.of(where, lambda: portable._dereference(model, approver.get("record", ""), company))
            values["user_id" if kind == "user" else "group_id"] = record.id if record else False
        more = approver.get("more") or {}
        return {
            **values,
            **collected.of(
                where, lambda: portable._unpack("distribution.approval.stage", more, STAGE_FIELDS, company), default={}
            ),
        }


class Collected:
    """Gathers what is wrong, so that a person mends a file in one go."""

    def __init__(self, env, problems=()):
        self.env = env
        self.problems = list(problems)

    def refuse(self):
        """Raises UserError with all that was gathered, if anything was."""
        if self.problems:
            raise UserError(
                _("The file cannot be imported:\n%s") % "\n".join(f"• {problem}" for problem in self.problems)
            )

    def of(self, where, make, default=None):
        try:
            return make()
        except (UserError, EngineError, ValueError) as error:
            words = f"{where}: {error}"
            if words not in self.problems:
                self.problems.append(words)
            return default
