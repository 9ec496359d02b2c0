"""What carriers tell about deliveries, by the API."""

from datetime import timedelta

from odoo import fields, models

from ..engine.api_body import moment
from ..engine.problem import Problem

TRANSFER = {'id': 'id', 'name': 'name'}
#: Clocks outside may be ahead; what is told of a later moment would hide everything that comes before it.
AHEAD = timedelta(days=1)


class DistributionApiOperation(models.Model):
    _inherit = 'distribution.api.operation'

    def _apply_carrier_statuses(self, call, body):
        """Say of the delivery what its carrier tells; whoever reads deliveries may."""
        occurred_at = moment(body['occurred_at']).replace(microsecond=0)
        if occurred_at > fields.Datetime.now() + AHEAD:
            raise Problem('not-applicable', errors=[{'pointer': '/occurred_at', 'detail': "it has not happened yet"}])
        # sudo: the account of the key found it with its own rights; only messages write where a delivery is
        delivery = self._carried(body).sudo()
        call._about(delivery)
        expected = moment(body['expected_at']).replace(microsecond=0) if 'expected_at' in body else False
        is_new = delivery._take_carrier_status({
            'tracking_reference': body['tracking_reference'],
            'status': body['status'],
            'occurred_at': occurred_at,
            'expected_at': expected,
            **{name: body.get(name, False) for name in ('carrier', 'place', 'reason_code', 'note')},
        })  # fmt: skip
        return {
            'transfer_id': delivery.id,
            'status': delivery.carrier_status,
            'is_late': delivery.is_carrier_late,
            'is_new': is_new,
        }

    def _carried(self, body):
        """The delivery: the transfer that is named, else the one of which the tracking reference is known."""
        domain = [
            ('company_id', '=', self.env.company.id),
            ('picking_type_id.code', '=', 'outgoing'),
            ('state', '!=', 'cancel'),
        ]
        if 'transfer' in body:
            return self._find_one('stock.picking', body['transfer'], TRANSFER, '/transfer', domain)
        reference = body['tracking_reference']
        found = self.env['stock.picking'].search(
            [
                *domain,
                '|',
                ('carrier_tracking_ref', '=', reference),
                ('carrier_status_ids.tracking_reference', '=', reference),
            ],
            limit=2,
        )
        if len(found) == 1:
            return found
        detail = "several deliveries have it: name the transfer" if found else "unknown here"
        raise Problem('not-applicable', errors=[{'pointer': '/tracking_reference', 'detail': detail}])
