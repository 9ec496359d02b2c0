"""Server actions and automation rules can request an approval."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .gate_frame import gate_frame

STATE = "distribution_approval"
#: Who was asked already is not asked again by a rule: people resubmit and withdraw themselves.
ASKABLE = (False, "passed", "void")


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    #: The method that a person uses to bring the document into its guarded state: what is carried on with
    #: after approval. None: its approval cannot be requested beforehand, for the document comes about only then.
    _approval_ask_action = None
    #: The states in which people use it.
    _approval_ask_states = ("draft",)

    def _approval_ask(self):
        """Ask policy about these documents now.

        What is within policy stays as it is and can be carried on with. Nothing is asked of documents that are not
        governed, that somebody was asked about already, or that are past that.

        :return: ``(those that wait for a decision, those that are not complete yet)``
        """
        incomplete = self.browse()
        with gate_frame(self.env):
            asked = self.filtered(
                lambda document: document._approval_is_askable() and document.approval_state in ASKABLE
            )._approval_governed()
            for document in asked:
                try:
                    document._approval_before_asked()
                except AccessError:
                    raise
                except UserError:
                    incomplete |= document
            asked -= incomplete
            held = asked._approval_screen(self._approval_ask_action) if asked else asked
        return held, incomplete

    def _approval_is_askable(self):
        return self.state in self._approval_ask_states

    def _approval_before_asked(self):
        """What the action does with the document before it asks.

        :raises UserError: it lacks something that the action asks for
        """


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    state = fields.Selection(selection_add=[(STATE, "Request Approval")], ondelete={STATE: "cascade"})

    @api.constrains("state", "model_id")
    def _check_approval(self):
        for action in self.filtered(lambda action: action.state == STATE):
            if not getattr(self.env[action.model_id.model], "_approval_ask_action", None):
                offered = sorted(
                    self.env["ir.model"]._get(name).name
                    for name, model in self.env.registry.items()
                    if getattr(model, "_approval_ask_action", None) and not model._abstract
                )
                raise ValidationError(
                    _(
                        "Model: the approval of “%(model)s” cannot be requested. Choose one of: %(offered)s.",
                        model=action.model_id.name,
                        offered=", ".join(offered),
                    )
                )

    def _run_action_distribution_approval_multi(self, eval_context=None):
        """Ask for each record, as the person who set the action off, with that person's rights."""
        records = self._suite_records(eval_context)
        if not records:
            return None
        held, incomplete = records._approval_ask()
        message = _("%(held)s of %(all)s wait for approval now.", held=len(held), all=len(records))
        if incomplete:
            message += " " + _("Complete these first: %s.", ", ".join(incomplete.mapped("display_name")))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
