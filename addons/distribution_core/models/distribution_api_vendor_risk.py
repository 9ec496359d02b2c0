"""Assessments of vendors by a service outside: the risk tier follows, never behind somebody's back."""

import json

from odoo import models

from ..engine.api_body import moment
from ..engine.problem import Problem


class DistributionApiOperation(models.Model):
    _inherit = 'distribution.api.operation'

    def _apply_vendor_risks(self, call, body):
        """Set the tier as the account of the key, which needs the role Vendor Manager."""
        if not self.env['res.partner']._may_set_vendor_standing():
            raise Problem('not-allowed', "The account of the key is no Vendor Manager.")
        vendor = self._find_party(body['vendor'], '/vendor').commercial_partner_id
        call._about(vendor)
        expected = body.get('expected_tier')
        if expected and expected != vendor.vendor_risk_tier:
            raise Problem('conflict', f"The vendor is “{vendor.vendor_risk_tier}” by now.")
        latest = self._latest_assessment(call, vendor)
        if latest and moment(body['assessed_at']) < moment(latest):
            raise Problem('conflict', f"There is a later assessment, of {latest}.")
        # sudo: the role was looked at above; who has it need not be able to edit contacts
        vendor.sudo()._set_vendor_standing(risk_tier=body['tier'])
        return {'vendor_id': vendor.id, 'tier': vendor.vendor_risk_tier}

    def _latest_assessment(self, call, vendor):
        """When the assessment was made that was applied last; None: there is none."""
        # sudo: the account of the key does not read the inbox
        calls = call.sudo().search(
            [
                ('operation', '=', call.operation),
                ('state', '=', 'applied'),
                ('res_model', '=', vendor._name),
                ('res_id', '=', vendor.id),
            ],
            order='id desc',
            limit=1,
        )
        return json.loads(calls.body)['assessed_at'] if calls else None
