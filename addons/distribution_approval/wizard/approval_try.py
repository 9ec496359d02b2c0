from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import check_access

from ..engine import encode_facts, explain
from ..models.approval_policy import document_models


class ApprovalTry(models.TransientModel):
    """What a policy version – draft or in force – would say about a document."""

    _name = "distribution.approval.try"
    _description = "Try an Approval Policy"

    version_id = fields.Many2one("distribution.approval.policy.version", required=True)
    document_type = fields.Selection(related="version_id.document_type")
    purchase_order_id = fields.Many2one("purchase.order")
    result = fields.Html(compute="_compute_result", sanitize=False)

    @api.depends("version_id", "purchase_order_id")
    def _compute_result(self):
        for wizard in self:
            document = wizard._document()
            wizard.result = document and wizard._render(document)

    def _document(self):
        """The document that was chosen, with the user's own rights to read it."""
        self.ensure_one()
        model = document_models(self.env).get(self.document_type)
        return self.purchase_order_id if model == "purchase.order" else None

    def _render(self, document):
        version = self.version_id.sudo()
        check_access(document, "read")
        engine = document.sudo()
        judgement = self.env["distribution.approval.judge"].sudo()._judge_by(engine, version, draft=True)[document.id]
        table = version._compile_draft() if version.state == "draft" else version._compile()
        table = judgement.local.compiled if judgement.local else table
        specs = engine._approval_all_fact_specs()
        # All facts, not only those that the rules read: who writes a rule wants to see them.
        facts = engine._approval_all_facts(set(specs))[document.id]
        matched = {rule.key for rule in judgement.verdict.matched}
        words = version._words()
        rules = []
        for rule in table.rules:
            lines = explain(rule, facts, specs, version._name_of)
            truths = [line.truth for line in lines]
            rules.append(
                {
                    "number": words.get(rule.key, (0, ""))[0],
                    "name": rule.name,
                    "outcome": rule.outcome,
                    "mode": rule.mode,
                    "decides": rule.key in matched,
                    "truth": False if False in truths else None if None in truths else True,
                    "lines": lines,
                }
            )
        seats = (
            self.env["distribution.approval.resolver"]
            .sudo()
            ._seats(engine, judgement.verdict.stages, version, engine._approval_owners())
        )
        return self.env["ir.qweb"]._render(
            "distribution_approval.try_result",
            {
                "verdict": judgement.verdict,
                "outcome": {
                    "pass": _("passes without a human"),
                    "require": _("needs approval"),
                    "refuse": _("is refused"),
                    "hold": _("is held"),
                }[judgement.verdict.outcome],
                "document": document,
                "facts": engine._approval_fact_words(encode_facts(specs, facts)),
                "rules": rules,
                "seats": seats,
            },
        )
