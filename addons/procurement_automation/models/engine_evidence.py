"""Rows that follow from what vendors said and the warehouse found: the engine alone makes, changes and removes them."""

from odoo import _, models
from odoo.exceptions import AccessError


class EngineEvidence(models.AbstractModel):
    """Inherited beside no access rights but reading: rights are data, which an administrator may grant."""

    _name = "distribution.engine.evidence"
    _description = "Kept by the Engine"
    _inherit = ["distribution.approval.evidence"]

    def write(self, vals):
        self._check_engine()
        return super().write(vals)

    def unlink(self):
        self._check_engine()
        return super().unlink()

    def _check_engine(self):
        if not self.env.su:
            raise AccessError(_("%s: kept as it was found, nobody edits it.", self._description))
