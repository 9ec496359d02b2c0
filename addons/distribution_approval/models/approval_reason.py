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
