"""Taking turns: documents that are judged by what they add up to do not overlook each other."""

from odoo import fields, models


class ApprovalTurn(models.Model):
    """One row for each vendor (or customer) whose documents add up, written by each judgement.

    Two transactions that confirm orders with one vendor at the same instant do not see each
    other's. Both write this row: one of them fails to serialise, is repeated by Odoo, and then
    sees what the other one confirmed.
    """

    _name = "distribution.approval.turn"
    _description = "Turn of Judgement"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _rec_name = "document_type"

    document_type = fields.Char(required=True)
    company_ref = fields.Integer(required=True)
    partner_ref = fields.Integer(required=True)
    number = fields.Integer(required=True)

    _sql_constraints = [
        ("place_unique", "UNIQUE (document_type, company_ref, partner_ref)", "This row exists already."),
    ]
