"""Forms that exist to ask for something: a draft, an approval, and what follows from it."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .gate_frame import gate_frame


class RequestForm(models.AbstractModel):
    """A governed document whose way is draft, to approve, granted, and which may be cancelled.

    A form declares ``_approval_ask_action``, the method that asks, its own granted states in the
    selection of ``state``, and has a sequence whose code is the name of its model.
    """

    _name = "distribution.request.form"
    _description = "Request Form"
    _inherit = ["mail.thread", "mail.activity.mixin", "distribution.approval.mixin"]
    _order = "id desc"

    name = fields.Char(string="Number", required=True, readonly=True, copy=False, default=lambda self: _("New"))
    state = fields.Selection(
        [("draft", "Draft"), ("to_approve", "To Approve"), ("cancel", "Cancelled")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # sudo: whoever may ask for something gets the next number
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code(self._name) or _("New")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.filtered(lambda form: form.state not in ("draft", "cancel") or form.approval_state):
            raise UserError(_("Cancel it instead: what was asked or granted stays on record."))

    # --------------------------------------------------------------- approval

    def _approval_waits(self):
        return self.sudo().state == "to_approve"

    def _approval_hold(self):
        self.filtered(lambda form: form.state == "draft").write({"state": "to_approve"})

    def _approval_unhold(self):
        self.filtered(lambda form: form.state == "to_approve").write({"state": "draft"})

    def _approval_resume(self, action):
        return getattr(self, self._approval_ask_action)()

    def _asking(self):
        """Those of ``self`` for which the grant can be asked."""
        return self.filtered(lambda form: form.state in ("draft", "to_approve"))

    def _ask(self):
        """Ask policy for all that can be asked for; returns what it lets go, the rest waits."""
        asked = self._asking()
        return asked - asked._approval_governed()._approval_screen(self._approval_ask_action)

    # ---------------------------------------------------------------- actions

    def action_cancel(self):
        """Nothing is asked any more, and nothing that was granted counts."""
        self._check_cancellable()
        with gate_frame(self.env):
            return self.write({"state": "cancel"})

    def _check_cancellable(self):
        """Raise UserError when it is too late to cancel one of ``self``."""

    def action_draft(self):
        return self.filtered(lambda form: form.state == "cancel").write({"state": "draft"})
