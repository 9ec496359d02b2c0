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
    document_name = fields.Char(readonly=True)
    preview = fields.Html(readonly=True, sanitize=False)
    verdict = fields.Char(readonly=True)
    reason = fields.Text(help="Why the approved document has to change.")

    @api.model_create_multi
    def create(self, vals_list):
        """Each proposal is tried – and undone – once, so that people see where it leads."""
        return super().create([{**vals, **self._preview(vals)} for vals in vals_list])

    @api.model
    def action_open(self):
        """Open the proposal for the change that the gate just refused (see its context)."""
        names = ("res_model", "res_id", "payload")
        wizard = self.create({name: self.env.context.get(f"default_{name}") for name in names})
        return {
            "type": "ir.actions.act_window",
            "name": _("Propose an Amendment"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _preview(self, vals):
        proposal = self.new({name: vals.get(name) for name in ("res_model", "res_id", "payload")})
        document, values = proposal._document(), proposal._values()
        before = document.sudo()._approval_snapshots()[document.id]
        name = document.display_name
        trial = self.env["distribution.approval.amendment"]._try(document, values)
        return {
            "document_name": name,
            "preview": self.env["ir.qweb"]._render(
                "distribution_approval.snapshot_content", document._approval_content_words(trial.after, before)
            ),
            "verdict": {
                "pass": _("Within policy: the change takes effect at once."),
                "require": _("The change needs approval; until then the approved values stay in force."),
                "refuse": _("Policy refuses this change."),
                "hold": _("The change will be held: %s", trial.judgement.why()),
            }[trial.judgement.verdict.outcome],
        }

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
        if not (self.reason or "").strip():
            raise UserError(_("reason: say why the approved document has to change."))
        document = self._document()
        self.env["distribution.approval.amendment"]._propose(document, self._values(), self.reason)
        # The form behind the dialog still shows the refused values; a reload shows those in force.
        return {"type": "ir.actions.client", "tag": "reload"}
