"""Two at the same instant with one customer: orders, deliveries, decisions on real connections."""

import threading

from odoo import Command
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import LINE_UOM, storable_product_values
from odoo.addons.distribution_core.tests.committed_case import MEETINGS

from .document_concurrency_case import DocumentConcurrencyCase

LIMIT = 5000


@tagged("post_install", "-at_install")
class TestSaleConcurrency(DocumentConcurrencyCase):
    """The company of the purchase tests sells as well; the customer's limit is 5,000."""

    more_people = {
        "seller": "sales_team.group_sale_salesman",
        "sales_manager": "sales_team.group_sale_manager",
        "clerk": "stock.group_stock_user",
    }

    @classmethod
    def _make_goods(cls, env, company):
        cls.warehouse_id = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1).id
        stock = env["stock.warehouse"].browse(cls.warehouse_id).lot_stock_id
        product = env["product.product"].create(
            {"name": f"Anchor {company.id}", "list_price": 10, "taxes_id": False, **storable_product_values()}
        )
        product.with_company(company).standard_price = 5
        env["stock.quant"]._update_available_quantity(product, stock, 100000)
        cls.sold_id, cls.sold_uom_id = product.id, product.uom_id.id

    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env,
            "sale_order",
            ("Within the limit", "pass", ("credit_over_limit", "le", "0")),
            ("Over the limit", "require", ("credit_over_limit", "gt", "0")),
        )
        cls._publish(
            env,
            "delivery_hold",
            ("Nothing holds it", "pass", ("held", "is_false", False)),
            ("Something holds it", "require", ("held", "is_true", False)),
        )

    def _customer(self):
        with self.transaction() as env:
            customer = env["res.partner"].create({"name": "Customer"})
            customer.with_company(env["res.company"].browse(self.company_id)).credit_limit = LIMIT
            return customer.id

    def _sale(self, amount, customer_id):
        """Id of a committed quotation."""
        line = {
            "product_id": self.sold_id,
            "product_uom_qty": amount / 10,
            "price_unit": 10,
            LINE_UOM: self.sold_uom_id,
        }
        with self.transaction("seller") as env:
            return (
                env["sale.order"]
                .create(
                    {
                        "partner_id": customer_id,
                        "warehouse_id": self.warehouse_id,
                        "order_line": [Command.create(line)],
                    }
                )
                .id
            )

    def _confirm_sale(self, order_id):
        return self._press("sale.order", order_id, "action_confirm", "seller")

    def test_the_limit_is_not_split(self):
        customer_id = self._customer()
        order_ids = [self._sale(2000, customer_id) for _number in range(4)]
        self._at_once(*map(self._confirm_sale, order_ids))
        with self.transaction() as env:
            states = env["sale.order"].browse(order_ids).mapped("state")
            self.assertEqual(sorted(states), ["draft"] * 2 + ["sale"] * 2)

    def test_confirming_a_sale_twice(self):
        order_id = self._sale(1000, self._customer())
        self._at_once(self._confirm_sale(order_id), self._confirm_sale(order_id))
        with self.transaction() as env:
            order = env["sale.order"].browse(order_id)
            self.assertEqual((order.state, len(order.picking_ids)), ("sale", 1))
            self.assertReleasedAsItIs(order)

    def test_confirming_a_sale_against_an_edit(self):
        order_id = self._sale(4000, self._customer())

        def edit(env):
            env["sale.order"].browse(order_id).order_line.product_uom_qty = 2000

        self._at_once(self._confirm_sale(order_id), ("seller", edit))
        with self.transaction() as env:
            order = env["sale.order"].browse(order_id)
            if order.state == "sale":
                self.assertReleasedAsItIs(order)
                self.assertEqual(order.order_line.product_uom_qty, 400)
            else:
                self.assertEqual((order.approval_state, order.order_line.product_uom_qty), ("pending", 2000))

    def _ready(self):
        """The ids of an order in force and of its delivery, which waits for its validation."""
        order_id = self._sale(1000, self._customer())
        with self.transaction("seller") as env:
            env["sale.order"].browse(order_id).action_confirm()
        with self.transaction() as env:
            picking = env["sale.order"].browse(order_id).picking_ids
            picking.action_assign()
            return order_id, picking.id

    def test_validating_a_delivery_twice(self):
        _order_id, picking_id = self._ready()
        click = self._press("stock.picking", picking_id, "button_validate", "clerk")
        self._at_once(click, click)
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual((picking.state, picking.move_ids.quantity), ("done", 100))
            self.assertReleasedAsItIs(picking.delivery_hold_ids.ensure_one())

    def test_a_hold_is_set_while_the_delivery_is_validated(self):
        """Whoever was first: the goods left before, or they do not leave."""
        order_id, picking_id = self._ready()

        def hold(env):
            return env["sale.order"].browse(order_id).action_hold_deliveries("payment")

        self._at_once(self._press("stock.picking", picking_id, "button_validate", "clerk"), ("sales_manager", hold))
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual(picking.sale_id.delivery_hold_reason, "payment")
            document = picking.delivery_hold_ids.ensure_one()
            if picking.state == "done":
                self.assertReleases(document, ["policy"])
            else:
                self.assertEqual((picking.state, document.approval_state), ("assigned", "pending"))
                self.assertReleases(document, [])

    def test_a_hold_does_not_overtake_a_validation(self):
        """A part has left before: then nothing of the order is written when the rest leaves, which would hold it up."""
        order_id, picking_id = self._ready()
        with self.transaction("clerk") as env:
            part = env["stock.picking"].browse(picking_id)
            part.move_ids.quantity = 40
            part.with_context(skip_backorder=True).button_validate()
            rest_id = part.backorder_ids.ensure_one().id
            part.backorder_ids.action_assign()
        held = threading.Thread(
            target=self._at_once,
            args=[("sales_manager", lambda env: env["sale.order"].browse(order_id).action_hold_deliveries("payment"))],
        )
        waited = []

        def validate(env):
            env["stock.picking"].browse(rest_id).button_validate()
            held.start()
            held.join(2)
            waited.append(held.is_alive())

        with mute_logger(*MEETINGS):  # until the hold is there: it is refused once, and repeated
            results = self._at_once(("clerk", validate))
            held.join(60)
        self.assertEqual((results, waited), ([None], [True]))
        with self.transaction() as env:
            rest = env["stock.picking"].browse(rest_id)
            self.assertEqual((rest.state, rest.sale_id.delivery_hold_reason), ("done", "payment"))
