"""Fast paths of counts, scrap orders, transfers and deliveries: through the gate on stock moves as well."""

import json

from odoo import Command
from odoo.tests.common import tagged

from .goods_case import GoodsCase


def fast_rule(name, ceiling, site=0):
    """A pre-approved scenario above 500 for everything of the type, up to ``ceiling`` per day."""
    return Command.create(
        {
            "sequence": 1,
            "name": name,
            "outcome": "pass",
            "fast_path": True,
            "fast_path_day": ceiling,
            "fast_path_site": site,
            "condition_ids": [Command.create({"fact": "amount", "operator": "gt", "value": "500"})],
        }
    )


@tagged("post_install", "-at_install")
class TestFastPathOfGoods(GoodsCase):
    """A bolt is worth 10, a nut 100. Above 500 somebody decides – or the fast path, up to 2,000 a day."""

    document_types = ("inventory_adjustment", "scrap", "site_transfer")

    @classmethod
    def _make_goods_policy(cls, document_type, **values):
        version = super()._make_goods_policy(document_type, **values)
        version.write({"rule_ids": [fast_rule("Stocktaking week", 2000)]})
        return version

    def _uses(self, documents):
        return self.env["distribution.approval.fast.path.use"].search(
            [("res_model", "=", documents._name), ("res_id", "in", documents.ids)]
        )

    def assertTook(self, document, amount):
        releases = self._releases(document)
        self.assertEqual((releases.kind, releases.amount, document.approval_state), ("fast_path", amount, "passed"))
        self.assertEqual(json.loads(releases.rules)[0]["name"], "Stocktaking week")
        use = self._uses(document)
        self.assertEqual((use.amount, use.warehouse_id), (amount, self.warehouse), "it is counted, and once")

    def test_counts(self):
        quant = self._count(self.nut, 40)
        adjustment = self.env["distribution.inventory.adjustment"].search([], limit=1)
        self.assertEqual(self._on_hand(self.nut), 40)
        self.assertTook(adjustment, 1000)
        self._count(self.nut, 29)  # 1,100 more: not within what is left of the day
        self.assertEqual(self._on_hand(self.nut), 40)
        held = self._adjustment(quant)
        self.assertEqual(held.approval_state, "pending")
        self.assertFalse(self._uses(held))
        self._commit()

    def test_scrap(self):
        def scrap(quantity):
            order = (
                self.env["stock.scrap"]
                .with_user(self.keeper)
                .create(
                    {
                        "product_id": self.nut.id,
                        "scrap_qty": quantity,
                        "location_id": self.stock.id,
                        "approval_reason_id": self.cause.id,
                    }
                )
            )
            order.action_validate()
            return order

        first = scrap(15)
        self.assertEqual(first.state, "done")
        self.assertTook(first, 1500)
        self.assertEqual((scrap(6).approval_state, scrap(5).approval_state), ("pending", "passed"))
        self.assertEqual(self._on_hand(self.nut), 30)
        self._commit()

    def test_transfers(self):
        def transfer(quantity):
            picking = self._picking(self.nut, quantity, self.stock, self.branch.lot_stock_id)
            picking.button_validate()
            return picking, self.env["distribution.site.transfer"].search([("picking_id", "=", picking.id)])

        picking, document = transfer(20)
        self.assertEqual(picking.state, "done")
        self.assertTook(document, 2000)
        picking, document = transfer(6)
        self.assertEqual((picking.state, document.approval_state), ("assigned", "pending"))
        self._commit()

    def test_part_of_a_transfer(self):
        """A back-order makes the transfer smaller than what was judged: it is judged again as it is."""
        picking = self._picking(self.nut, 20, self.stock, self.branch.lot_stock_id)
        picking.move_ids.quantity = 12
        action = picking.button_validate()
        wizard = self.env[action["res_model"]].with_user(self.keeper).with_context(**action["context"]).create({})
        wizard.process()
        document = self.env["distribution.site.transfer"].search([("picking_id", "=", picking.id)])
        self.assertEqual(picking.state, "done")
        self.assertEqual((self._releases(document).kind, self._releases(document).amount), ("fast_path", 1200))
        self.assertEqual(self._on_hand(self.nut, self.branch.lot_stock_id), 12)
        self._commit()
