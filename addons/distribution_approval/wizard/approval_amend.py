import json

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..models.approval_policy import document_models


class ApprovalAmend(models.TransientModel):
    """Propose the change that the gate refused; the approved values stay in force meanwhile."""

    _name = "distribution.approval.amend"
    _description = "Propose an Amendment"

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True)
    payload = fields.Text(required=True)
    document_name = fields.Char(compute="_compute_preview")
    preview = fields.Html(compute="_compute_preview")
    verdict = fields.Char(compute="_compute_preview")
    reason = fields.Text(required=True, help="Why the approved document has to change.")

    @api.depends("res_model", "res_id", "payload")
    def _compute_preview(self):
        for wizard in self:
            document = wizard._document()
            wizard.document_name = document.display_name
            before = document.sudo()._approval_snapshots()[document.id]
            after, judgement = self.env["distribution.approval.amendment"]._try(document, wizard._values())
            wizard.preview = self.env["ir.qweb"]._render(
                "distribution_approval.snapshot_content", document._approval_content_words(after, before)
            )
            outcome = judgement.verdict.outcome
            wizard.verdict = {
                "pass": _("Within policy: the change takes effect at once."),
                "require": _("The change needs approval; until then the approved values stay in force."),
                "refuse": _("Policy refuses this change."),
                "hold": _("The change will be held: %s", " ".join(judgement.verdict.reasons)),
            }[outcome]

    def _document(self):
        self.ensure_one()
        if self.res_model not in document_models(self.env).values():
            raise UserError(_("res_model: “%s” is not a governed document.", self.res_model))
        return self.env[self.res_model].browse(self.res_id)

    def _values(self):
        """The values to write; commands become tuples again."""
        try:
            values = json.loads(self.payload)
        except ValueError as error:
            raise UserError(_("payload: this is not JSON.")) from error
        if not isinstance(values, dict) or not values:
            raise UserError(_("payload: there is nothing to change."))
        return values

    def action_confirm(self):
        self.ensure_one()
        document = self._document()
        self.env["distribution.approval.amendment"]._propose(document, self._values(), self.reason)
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
            "target": "main",
        }
