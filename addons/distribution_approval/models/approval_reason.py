"""Reason codes of decisions."""

from odoo import fields, models


class ApprovalReason(models.Model):
    """A reason code that a decision can give, so that decisions can be counted by cause."""

    _name = "distribution.approval.reason"
    _description = "Approval Reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    outcome = fields.Selection(
        [("reject", "Reject"), ("request_revision", "Request revision"), ("escalate", "Escalate")],
        help="Offered for this outcome only; empty: for all.",
    )
    document_type = fields.Char(help="Offered for this document type only; empty: for all.")

    _sql_constraints = [("code_unique", "UNIQUE (code)", "This reason code exists already.")]
