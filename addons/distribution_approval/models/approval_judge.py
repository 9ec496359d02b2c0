"""What policy says about documents: the facts of many, one table, a verdict each."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odoo import _, api, models
from odoo.exceptions import UserError

from ..engine import EngineError, Unknown, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one document, with what it rests on."""

    version: Any  #: policy version, an empty recordset when none is in force
    verdict: Verdict
    facts: dict
    amount: Decimal  #: company currency; 0 when it cannot be had
    stamp: str = ""  #: which local variants were in force, see :mod:`.approval_variant`
    local: Any = None  #: the LocalTable that decided; None: the standard's own values
    fast_path: str = ""  #: name of the pre-approved scenario by which it passes
    turned_down: bool = False  #: policy would pass it, were it not that people rejected it
    amount_known: bool = True  #: False where the 0 of ``amount`` stands for one that cannot be had

    def local_values(self):
        """Fields of releases and snapshots that name the local variants."""
        return {
            "variant_refs": self.local.refs if self.local else None,
            "local_variant": self.local.text if self.local else None,
        }

    def why(self):
        """In a sentence: the rules that refuse, or – once each – the facts that cannot be had."""
        unknown = list(dict.fromkeys(reason for _rule, _fact, reason in self.verdict.undetermined))
        if unknown:
            return "; ".join(unknown)
        refusing = ", ".join(rule.name for rule in self.verdict.matched)
        return refusing or " ".join(self.verdict.reasons)

    def rules(self):
        """The rules that decided (or would have, when monitored), for the record."""
        words = {**self.version._words(), **(self.local.words if self.local else {})}
        return [
            {
                "key": rule.key,
                "sequence": rule.sequence,
                "name": rule.name,
                "outcome": rule.outcome,
                "mode": rule.mode,
                "number": words.get(rule.key, (0, ""))[0],
                "words": words.get(rule.key, (0, rule.name))[1],
            }
            for rule in (*self.verdict.matched, *self.verdict.monitored)
        ]


class ApprovalJudge(models.AbstractModel):
    _name = "distribution.approval.judge"
    _description = "Approval Judge"

    @api.model
    def _judge(self, documents, versions=None):
        """``{document id: Judgement}``.

        :param versions: ``{company: version}`` to judge by; default: the one in force today.
            A draft version is judged by its present rules.
        """
        judgements = {}
        for company in documents.company_id:
            group = documents.filtered(lambda document, company=company: document.company_id == company)
            version = (versions or {}).get(company) or self.env["distribution.approval.policy"]._effective_version(
                documents._approval_type, company
            )
            judgements.update(self._judge_by(group, version))
        return judgements

    @api.model
    def _judge_by(self, documents, version, draft=False, stamp=None):
        """``{document id: Judgement}`` by one version; a draft only where ``draft`` says so ("Try it").

        :param stamp: the local variants to judge by; default: those in force
        """
        try:
            table = self._table_of(version, draft)
            if stamp is None:
                stamp = version._variants_in_force()
            missing = _("no policy is in force for this document type")
        except (UserError, EngineError, LookupError) as error:
            table, missing = None, str(error)
        if not table:
            return {
                document.id: self._held(version, missing, amount)
                for document, amount in zip(documents, documents._approval_amounts().values())
            }
        return self._judge_by_table(documents, version, table, stamp)

    @api.model
    def _table_of(self, version, draft):
        if draft and version.state == "draft":
            return version._compile_draft()
        return version._compile() if version.state in ("published", "retired") else None

    @api.model
    def _judge_by_table(self, documents, version, table, stamp):
        """Facts for all at once; a document whose facts cannot be read does not stop the others."""
        try:
            facts = documents._approval_all_facts(table.used_facts | version._fast_facts())
        except (UserError, ValueError, LookupError) as error:
            if len(documents) == 1:
                return {documents.id: self._held(version, str(error), None)}
            return {
                key: judgement
                for document in documents
                for key, judgement in self._judge_by_table(document, version, table, stamp).items()
            }
        rejected = documents._approval_facts_when_rejected()
        return {
            document.id: self._judgement(document, version, table, stamp, facts[document.id], rejected.get(document.id))
            for document in documents
        }

    @api.model
    def _judgement(self, document, version, table, stamp, facts, rejected=None):
        fact = facts.get("amount")
        amount = _or_zero(fact)
        try:
            local = version._local_table(document, stamp) if stamp else None
        except (UserError, EngineError, LookupError, ValueError) as error:
            return self._held(version, str(error), fact)
        compiled = local.compiled if local else table
        verdict = compiled.evaluate(facts)
        turned_down = bool(rejected) and verdict.outcome == "pass"
        if turned_down:
            # People said no: policy alone does not take that back. Who was asked then is asked again.
            then = {name: value for name, value in rejected.items() if not isinstance(value, Unknown)}
            verdict = compiled.evaluate({**facts, **then, "amount": fact})
            if verdict.outcome == "pass":
                verdict = Verdict(
                    "hold", reasons=(_("Held: people turned it down, and no rule says who decides now."),)
                )
        return Judgement(
            version, verdict, facts, amount, stamp, local, turned_down=turned_down, amount_known=_is_known(fact)
        )

    @api.model
    def _held(self, version, reason, amount):
        verdict = Verdict("hold", reasons=(_("Held: %s.", reason),))
        return Judgement(version, verdict, {}, _or_zero(amount), amount_known=_is_known(amount))


def _is_known(amount):
    return amount is not None and not isinstance(amount, Unknown)


def _or_zero(amount):
    return amount if _is_known(amount) else Decimal(0)
