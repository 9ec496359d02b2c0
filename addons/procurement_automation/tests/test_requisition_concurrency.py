"""Two buyers at the same instant: what a site can spare is given away once."""

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.distribution_core.compat import storable_product_values
from odoo.addons.distribution_core.tests.committed_case import CommittedCase

from .at_once import make_buyers, press_each

ORDER = "distribution.requisition.order"


@tagged("post_install", "-at_install")
class TestRequisitionConcurrency(CommittedCase):
    """What is committed here is closed, cancelled and archived in the end."""

    SPARE = 8

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            sites = env["stock.warehouse"].with_context(active_test=False)
            number = sites.search_count([("name", "like", "Spare at once")])
            source = sites.create({"name": f"Spare at once {number}", "code": f"SA{number}"})
            site = sites.create({"name": f"Wanting at once {number}", "code": f"WA{number}"})
            product = env["product.product"].create({"name": "Spare at once", **storable_product_values()})
            env["stock.quant"]._update_available_quantity(product, source.lot_stock_id, self.SPARE)
            self.buyers = make_buyers(env)
            requisitions = env["distribution.purchase.requisition"].create(
                [
                    {
                        "justification": "The shelf is empty",
                        "warehouse_id": site.id,
                        "line_ids": [(0, 0, {"product_id": product.id, "quantity": self.SPARE, "price_unit": 1})],
                    }
                    for _buyer in self.buyers
                ]
            )
            requisitions.action_submit()
            self.assertEqual(requisitions.mapped("state"), ["approved"] * 2)
            self.dialogs = [
                requisition.with_user(buyer).action_order()["res_id"]
                for requisition, buyer in zip(requisitions, self.buyers)
            ]
            chosen = env[ORDER].browse(self.dialogs).line_ids
            self.assertEqual((chosen.mapped("way"), chosen.source_id), (["transfer"] * 2, source))
            self.requisition_ids, self.site_ids, self.product_id = requisitions.ids, (source + site).ids, product.id
        self.addCleanup(self.clear)

    def clear(self):
        with self.transaction() as env:
            requisitions = env["distribution.purchase.requisition"].browse(self.requisition_ids)
            requisitions.line_ids.move_ids.picking_id.action_cancel()
            requisitions.action_close()
            sites, product = (
                env["stock.warehouse"].browse(self.site_ids),
                env["product.product"].browse(self.product_id),
            )
            env["stock.quant"]._update_available_quantity(product, sites[0].lot_stock_id, -self.SPARE)
            product.active = False
            sites.active = False
            env["res.users"].browse(self.buyers).active = False

    def test_two_buyers_do_not_take_the_same_goods(self):
        pressed = [(buyer, [dialog], "action_confirm") for buyer, dialog in zip(self.buyers, self.dialogs)]
        results = press_each(self.registry, ORDER, pressed)
        refused = [isinstance(result, UserError) for result in results]
        self.assertEqual(sorted(refused), [False, True], results)
        self.assertIn("can spare 0", str(results[refused.index(True)]))
        with self.transaction() as env:
            moves = env["distribution.purchase.requisition"].browse(self.requisition_ids).line_ids.move_ids
            self.assertEqual(moves.mapped("product_uom_qty"), [self.SPARE])
