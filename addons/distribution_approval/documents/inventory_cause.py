"""Causes: why goods were lost, found or thrown away, given by who asks."""

from odoo import fields, models


class ApprovalReason(models.Model):
    _inherit = "distribution.approval.reason"

    outcome = fields.Selection(selection_add=[("cause", "Cause (given by who asks)")], ondelete={"cause": "cascade"})
