"""Merging contacts leaves a trace and never launders a vendor's standing."""

from odoo import models

from .res_partner import LIMITED_STATUSES, STATUS_ORDER, TIER_ORDER


class BasePartnerMerge(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env['res.partner'].browse(partner_ids).exists()
        former = partners._standing()
        result = super()._merge(partner_ids, dst_partner=dst_partner, extra_checks=extra_checks)
        survivor = partners.exists()
        if len(partners) < 2 or len(survivor) != 1:
            return result
        limited = [
            standing['vendor_status'] for standing in former.values() if standing['vendor_status'] in LIMITED_STATUSES
        ]
        status = max(limited + [survivor.vendor_status], key=STATUS_ORDER.get)
        tier = max((standing['vendor_risk_tier'] for standing in former.values()), key=TIER_ORDER.get)
        # A contact carries the standing of its company; the strict one then belongs to the company.
        survivor.commercial_partner_id._tighten_vendor_standing(status, tier)
        self.env['distribution.event']._record(
            'distribution.partner.merged.v1',
            survivor,
            {
                'merged_ids': sorted((partners - survivor).ids),
                'vendor_status': survivor.vendor_status,
                'vendor_risk_tier': survivor.vendor_risk_tier,
            },
        )
        return result
