from odoo import api, models


class DistributionDocumentSite(models.AbstractModel):
    """Governed documents say themselves to which site they belong."""

    _inherit = "distribution.document.site"

    @api.model
    def _site(self, record):
        # sudo: where a document belongs, for whoever met it
        site = record.sudo()._approval_site()[:1] if hasattr(record, "_approval_site") else None
        return site or super()._site(record)
