"""Expedited freight for one order, asked for at the same instant on two connections."""

from odoo.tests.common import tagged

from .document_concurrency_case import DocumentConcurrencyCase


@tagged("post_install", "-at_install")
class TestFreightConcurrency(DocumentConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env,
            "freight_request",
            ("First for its order", "pass", ("earlier_requests", "le", "0")),
            ("Again", "require", ("earlier_requests", "gt", "0")),
            ("Above 100", "require", ("amount", "gt", "100")),
        )

    def _freight(self, order_id, amount=90):
        """Id of a committed draft request."""
        with self.transaction("buyer") as env:
            return (
                env["distribution.freight.request"]
                .create({"purchase_id": order_id, "amount": amount, "reason_code": "stock_out"})
                .id
            )

    def _confirmed(self):
        order_id = self._order(1000, self._new_vendor())
        with self.transaction("buyer") as env:
            env["purchase.order"].browse(order_id).button_confirm()
        return order_id

    def _authorise(self, freight_id, who="buyer"):
        return self._press("distribution.freight.request", freight_id, "action_authorise", who)

    def test_a_cost_is_not_split(self):
        order_id = self._confirmed()
        requests = [self._freight(order_id), self._freight(order_id)]
        self._at_once(self._authorise(requests[0]), self._authorise(requests[1], "other_buyer"))
        with self.transaction() as env:
            states = env["distribution.freight.request"].browse(requests).mapped("state")
            self.assertEqual(sorted(states), ["authorised", "to_approve"])

    def test_authorised_twice(self):
        freight_id = self._freight(self._confirmed())
        self._at_once(self._authorise(freight_id), self._authorise(freight_id, "other_buyer"))
        with self.transaction() as env:
            request = env["distribution.freight.request"].browse(freight_id)
            self.assertEqual(request.state, "authorised")
            self.assertReleasedAsItIs(request)

    def test_authorised_while_it_becomes_dearer(self):
        freight_id = self._freight(self._confirmed())

        def dearer(env):
            env["distribution.freight.request"].browse(freight_id).amount = 9000

        self._at_once(self._authorise(freight_id), ("other_buyer", dearer))
        with self.transaction() as env:
            request = env["distribution.freight.request"].browse(freight_id)
            if request.state == "authorised":
                self.assertReleasedAsItIs(request)
                self.assertEqual(request.amount, 90)
            else:
                self.assertEqual((request.state, request.amount), ("to_approve", 9000))
                self.assertFalse(env["distribution.approval.release"]._valid_for(request).get(freight_id))
