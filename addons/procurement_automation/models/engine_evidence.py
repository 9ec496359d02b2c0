"""Rows that follow from what vendors said and the warehouse found: the engine alone makes, changes and removes them."""

from odoo import _, models
from odoo.exceptions import AccessError, UserError


class EngineEvidence(models.AbstractModel):
    """Inherited beside no access rights but reading: rights are data, which an administrator may grant."""

    _name = "distribution.engine.evidence"
    _description = "Kept by the Engine"
    _inherit = ["distribution.approval.evidence"]

    #: Field of the document that a row is about.
    _about = None

    def action_open_document(self):
        """The document that this is about, with the rights of who asks.

        :raises UserError: it was deleted
        """
        self.ensure_one()
        document = self[self._about]
        if not document:
            raise UserError(_("The document was deleted. What was found about it is kept."))
        return document.get_formview_action()

    def write(self, vals):
        self._check_engine()
        return super().write(vals)

    def unlink(self):
        self._check_engine()
        return super().unlink()

    def _check_engine(self):
        if not self.env.su:
            raise AccessError(_("%s: kept as it was found, nobody edits it.", self._description))
