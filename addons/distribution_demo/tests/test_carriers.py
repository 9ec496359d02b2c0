"""Where the last deliveries are, as their carriers told."""

from odoo.tests.common import TransactionCase, tagged

from ..engine import carrier_cases as cases


@tagged("post_install", "-at_install")
class TestCarriers(TransactionCase):
    def _parcels(self, *domain):
        return set(self.env["stock.picking"].search(list(domain)).mapped("carrier_tracking_ref")) - {False}

    def test_each_parcel_is_where_its_last_message_says(self):
        for parcel in cases.PARCELS:
            delivery = self.env["stock.picking"].search([("carrier_tracking_ref", "=", parcel.reference)])
            self.assertEqual(delivery.carrier_status, parcel.steps[-1].status)
            self.assertEqual(len(delivery.carrier_status_ids), len(parcel.steps))

    def test_late_ones_and_their_cases(self):
        ours = ("carrier_tracking_ref", "in", [parcel.reference for parcel in cases.PARCELS])
        late = self._parcels(ours, ("is_carrier_late", "=", True))
        self.assertLessEqual(set(cases.LATE), late)
        found = self.env["distribution.case"].search(
            [("type_id.code", "=", "carrier_delay"), ("res_model", "=", "stock.picking"), ("state", "!=", "resolved")]
        )
        self.assertLessEqual(set(cases.CASES), self._parcels(("id", "in", found.mapped("res_id"))))
