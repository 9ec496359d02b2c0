"""Reason codes of decisions."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError


class ApprovalReason(models.Model):
    """A reason code that a decision can give, so that decisions can be counted by cause."""

    _name = "distribution.approval.reason"
    _description = "Approval Reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="What other systems call it. It stays when the name is translated.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    outcome = fields.Selection(
        [
            ("approve", "Approve"),
            ("approve_with_conditions", "Approve with conditions"),
            ("reject", "Reject"),
            ("request_revision", "Request revision"),
            ("escalate", "Escalate"),
        ],
        help="Offered for this outcome only; empty: for all.",
    )
    document_type = fields.Selection(
        selection="_selection_document_type", help="Offered for this document type only; empty: for all."
    )

    _sql_constraints = [("code_unique", "UNIQUE (code)", "This reason code exists already.")]

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @api.model
    def _find(self, reason_code, document_type, outcome):
        """The reason with this code (or id), if it fits document type and outcome.

        :raises ValidationError: it is unknown, archived, or meant for something else
        """
        if not reason_code:
            return self.browse()
        if isinstance(reason_code, bool) or not isinstance(reason_code, (int, str)):
            raise ValidationError(_("reason_code: the code or the id of a reason is expected."))
        by = ("id", "=", reason_code) if isinstance(reason_code, int) else ("code", "=", reason_code)
        found = self.with_context(active_test=True).search([by], limit=1)
        if not found:
            raise ValidationError(_("reason_code: “%s” is unknown.", reason_code))
        if found.document_type not in (False, document_type) or found.outcome not in (False, outcome):
            raise ValidationError(
                _("reason_code: “%s” is not meant for this document type and outcome. Choose another one.", found.code)
            )
        return found

    @api.model
    def _offered(self, document_type, outcomes):
        """``[(outcome in words, reasons)]`` for these outcomes of a document type, those for any outcome last."""
        words = dict(self._fields["outcome"]._description_selection(self.env))
        fit = self.search([("document_type", "in", (False, document_type)), ("outcome", "in", (False, *outcomes))])
        grouped = fit.grouped("outcome")
        words[False] = _("Any decision")
        return [(words[each], grouped[each]) for each in (*outcomes, False) if each in grouped]


class ApprovalRule(models.Model):
    _inherit = "distribution.approval.rule"

    reason_required = fields.Boolean(help="Whoever turns a request down or sends it back gives a reason code.")

    def _frozen_columns(self):
        return (*super()._frozen_columns(), "reason_required")

    def _demands(self):
        demands = super()._demands()
        return {**demands, "reason": True} if self.reason_required else demands


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def _reason(self, reason_code, outcome):
        reason = super()._reason(reason_code, outcome)
        rules = self.env["distribution.approval.rule"].sudo().browse(self._rule_ids()).exists()
        if not reason and outcome in ("reject", "request_revision") and any(rules.mapped("reason_required")):
            raise ValidationError(_("reason_code: the policy asks for a reason code with this outcome."))
        return reason
