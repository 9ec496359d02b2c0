from dataclasses import replace

from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import check_access, may

from ..engine import encode_facts, explain
from ..models.approval_policy import document_models


class ApprovalTry(models.TransientModel):
    """What a policy version – draft or in force – would say about a document, fast paths of today included."""

    _name = "distribution.approval.try"
    _description = "Try an Approval Policy"

    version_id = fields.Many2one("distribution.approval.policy.version", required=True)
    document_ref = fields.Reference(
        selection="_selection_document_ref",
        string="Document",
        compute="_compute_document_ref",
        # With the reader's own rights.
        compute_sudo=False,
        store=True,
        readonly=False,
    )
    hindrance = fields.Selection(
        [("closed", "The user may not read such documents"), ("none", "There is none yet")],
        compute="_compute_hindrance",
        compute_sudo=False,
    )
    result = fields.Html(compute="_compute_result", compute_sudo=False, sanitize=False)

    @api.model
    def _selection_document_ref(self):
        return [(name, self.env[name]._description) for name in document_models(self.env).values()]

    @api.depends("version_id")
    def _compute_document_ref(self):
        """The newest that asked for approval or is in force: what is chosen next is of the same kind."""
        for wizard in self:
            model = wizard._documents()
            newest = may(model, "read") and model.search(model._approval_simulated_domain(), order="id desc", limit=1)
            wizard.document_ref = newest or False

    @api.depends("document_ref", "version_id")
    def _compute_hindrance(self):
        for wizard in self:
            closed = not may(wizard._documents(), "read")
            wizard.hindrance = False if wizard.document_ref else "closed" if closed else "none"

    @api.depends("version_id", "document_ref")
    def _compute_result(self):
        for wizard in self:
            document = wizard.document_ref
            wizard.result = document and document._name == wizard._documents()._name and wizard._render(document)

    def _documents(self):
        """The model of the policy's documents, with the user's own rights."""
        return self.env[document_models(self.env)[self.version_id.document_type]]

    def _render(self, document):
        version = self.version_id.sudo()
        check_access(document, "read")
        # Who looks is not who asked.
        engine = document.with_user(document.sudo().approval_request_id.requester_id or document.create_uid).sudo()
        judgement = self.env["distribution.approval.judge"].sudo()._judge_by(engine, version, draft=True)[document.id]
        table = version._compile_draft() if version.state == "draft" else version._compile()
        table = judgement.local.compiled if judgement.local else table
        specs = engine._approval_all_fact_specs()
        # All facts, not only those that the rules read: who writes a rule wants to see them.
        facts = engine._approval_all_facts(set(specs))[document.id]
        judgement, fast_path = self.env["distribution.approval.fast.path.use"]._outlook(
            engine, replace(judgement, facts=facts)
        )
        fast_table, _ceilings = version._simulated_fast_table()
        matched = {rule.key for rule in judgement.verdict.matched}
        words = version._words()
        rules = []
        for rule in (*table.rules, *(fast_table.rules if fast_table else ())):
            lines = explain(rule, facts, specs, version._name_of)
            truths = [line.truth for line in lines]
            rules.append(
                {
                    "number": words.get(rule.key, (0, ""))[0],
                    "name": rule.name,
                    "outcome": rule.outcome,
                    "mode": rule.mode,
                    "decides": rule.key in matched,
                    "fast": rule not in table.rules,
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
                "fast_path": fast_path,
                "currency": engine.company_id.currency_id,
                "outcome": {
                    "pass": _("passes by a fast path") if judgement.fast_path else _("passes without a human"),
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
