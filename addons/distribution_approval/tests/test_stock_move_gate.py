"""What the gate on stock moves costs where nothing is governed, and what registers with it."""

from odoo.tests.common import TransactionCase, tagged

from odoo.addons.distribution_core.compat import storable_product_values


@tagged("post_install", "-at_install")
class TestMoveGateIdle(TransactionCase):
    def _moves(self, count):
        warehouse = self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)], limit=1)
        product = self.env["product.product"].create({"name": "Bolt", **storable_product_values()})
        self.env["stock.quant"]._update_available_quantity(product, warehouse.lot_stock_id, 1000)
        name = {"name": "Bolt"} if "name" in self.env["stock.move"]._fields else {}
        return self.env["stock.picking"].create(
            {
                "picking_type_id": warehouse.out_type_id.id,
                "location_id": warehouse.lot_stock_id.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                "move_ids": [
                    (
                        0,
                        0,
                        {
                            **name,
                            "product_id": product.id,
                            "product_uom_qty": 1,
                            "location_id": warehouse.lot_stock_id.id,
                            "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                        },
                    )
                    for _number in range(count)
                ],
            }
        )

    def test_no_query_of_our_own_when_nothing_is_governed(self):
        documents = self.env["distribution.approval.move.document"]
        documents._approval_move_gates()  # fills the cache of the registry
        picking = self._moves(3)
        picking.action_confirm()
        picking.move_ids.picked = True
        self.env.flush_all()
        with self.assertQueryCount(0):
            self.assertFalse(documents._approval_move_gates())
        with self.assertQueries_free_of_approval():
            picking.button_validate()
            self.env.flush_all()
        self.assertEqual(picking.state, "done")

    def assertQueries_free_of_approval(self):
        """No statement inside reads or writes a table of this addon."""
        return _NoApprovalQueries(self)


class _NoApprovalQueries:
    def __init__(self, case):
        self.case = case

    def __enter__(self):
        cursor = type(self.case.env.cr)
        self.execute, self.seen = cursor.execute, []

        def execute(cr, query, *args, **kwargs):
            self.seen.append(str(query))
            return self.execute(cr, query, *args, **kwargs)

        cursor.execute = execute
        self.cursor = cursor

    def __exit__(self, *_exc):
        self.cursor.execute = self.execute
        self.case.assertTrue(self.seen)
        self.case.assertFalse([query for query in self.seen if "distribution_approval" in query])
