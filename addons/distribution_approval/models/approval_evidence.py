"""What only the engine writes."""

from odoo import _, api, models
from odoo.exceptions import AccessError


class ApprovalEvidence(models.AbstractModel):
    """Inherited by records that prove something.

    Nobody has the access right to create them. Access rights are data, though, and an
    administrator may grant them: the engine writes these records as superuser, and only so.
    """

    _name = "distribution.approval.evidence"
    _description = "Approval Evidence"

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(_("%s: these records are written by the approval engine only.", self._description))
        return super().create(vals_list)
