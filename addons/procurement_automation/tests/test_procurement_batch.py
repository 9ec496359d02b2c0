"""Rules are looked up once for products that are alike, and are those that Odoo finds for each alone."""

from unittest.mock import patch

from odoo.tests import TransactionCase, tagged

from odoo.addons.distribution_core.compat import IS_17, PROCUREMENT_MODEL

from ..models import replenishment_known, replenishment_scheduler


@tagged("post_install", "-at_install")
class TestProcurementBatch(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.env.company.id)], limit=1)
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.partner = cls.env["res.partner"].create({"name": "Garage North"})
        cls.shelf, cls.side = cls.env["stock.location"].create(
            [{"name": name, "location_id": cls.warehouse.view_location_id.id} for name in ("Shelf", "Side door")]
        )
        cls.by_product, cls.by_category = (cls._route(place) for place in (cls.shelf, cls.side))
        cls.category = cls.env["product.category"].create({"name": "Bulky", "route_ids": [(6, 0, cls.by_category.ids)]})

    @classmethod
    def _route(cls, source):
        return cls.env["stock.route"].create(
            {
                "name": f"From {source.name}",
                "product_selectable": True,
                "product_categ_selectable": True,
                "sequence": 0,
                "rule_ids": [
                    (
                        0,
                        0,
                        {
                            "name": f"From {source.name}",
                            "action": "pull",
                            "location_src_id": source.id,
                            "location_dest_id": cls.customers.id,
                            "picking_type_id": cls.warehouse.out_type_id.id,
                            "warehouse_id": cls.warehouse.id,
                        },
                    )
                ],
            }
        )

    def _goods(self, count, **values):
        stored = {"detailed_type": "product"} if IS_17 else {"type": "consu", "is_storable": True}
        return self.env["product.product"].create(
            [{"name": f"Part {number}", **stored, **values} for number in range(count)]
        )

    def _confirmed(self, goods):
        """The order of these, confirmed, and how often rules were looked up."""
        order = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id,
                "warehouse_id": self.warehouse.id,
                "order_line": [(0, 0, {"product_id": each.id, "product_uom_qty": 1}) for each in goods],
            }
        )
        self.env.invalidate_all()  # the routes of a category are read once per transaction
        cls = type(self.env[PROCUREMENT_MODEL])
        real, asked = cls._search_rule_for_warehouses, []

        def counted(model, *words, **named):
            asked.append(model)
            return real(model, *words, **named)

        with patch.object(cls, "_search_rule_for_warehouses", counted):
            order.action_confirm()
        return order, len(asked)

    def test_each_gets_its_own_rule_and_they_are_looked_up_once(self):
        plain, routed, bulky = (
            self._goods(4),
            self._goods(3, route_ids=[(6, 0, self.by_product.ids)]),
            self._goods(2, categ_id=self.category.id),
        )
        order, asked = self._confirmed(plain | routed | bulky)
        sources = {move.product_id: move.location_id for move in order.order_line.move_ids}
        self.assertEqual({sources[each] for each in plain}, {self.warehouse.lot_stock_id})
        self.assertEqual({sources[each] for each in routed}, {self.shelf})
        self.assertEqual({sources[each] for each in bulky}, {self.side})
        self.assertEqual(asked, 3)

    def test_the_route_of_a_line_counts(self):
        goods = self._goods(2)
        order = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id,
                "warehouse_id": self.warehouse.id,
                "order_line": [(0, 0, {"product_id": each.id, "product_uom_qty": 1}) for each in goods],
            }
        )
        self.by_product.sale_selectable = True
        name = "route_id" if "route_id" in order.order_line._fields else "route_ids"
        order.order_line[1][name] = self.by_product
        order.action_confirm()
        self.assertEqual(
            [line.move_ids.location_id for line in order.order_line], [self.warehouse.lot_stock_id, self.shelf]
        )

    def test_nothing_is_remembered_from_one_order_to_the_next(self):
        goods = self._goods(2)
        self._confirmed(goods)
        goods.categ_id = self.category
        order, asked = self._confirmed(goods)
        self.assertEqual(order.order_line.move_ids.location_id, self.side)
        self.assertEqual(asked, 1)

    def test_what_nobody_read_is_asked_line_by_line(self):
        known = {**replenishment_known.KNOWN[PROCUREMENT_MODEL], "_get_rule": {"procurement_automation"}}
        with patch.dict(replenishment_known.KNOWN, {PROCUREMENT_MODEL: known}):
            _order, asked = self._confirmed(self._goods(4))
        self.assertEqual(asked, 4)

    # ------------------------------------------------- what orders by itself

    def _rule(self, product, trigger="auto"):
        """A rule that has ten of the product bought whenever there are none."""
        vendor = self.env["res.partner"].create({"name": f"Forge of {product.name}", "vendor_status": "approved"})
        product.seller_ids = [(0, 0, {"partner_id": vendor.id, "price": 3})]
        product.route_ids |= self.env.ref("purchase_stock.route_warehouse0_buy")
        return self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": product.id,
                "location_id": self.warehouse.lot_stock_id.id,
                "product_min_qty": 0,
                "product_max_qty": 10,
                "trigger": trigger,
            }
        )

    def _searches(self, goods):
        """Confirm an order of these; ``(quantities that are bought, how often rules were searched for)``."""
        cls = type(self.env["stock.warehouse.orderpoint"])
        real, searches = cls.search, []

        def counted(model, domain, *words, **named):
            if ("trigger", "=", "auto") in domain:
                searches.append(domain)
            return real(model, domain, *words, **named)

        with patch.object(cls, "search", counted):
            self._confirmed(goods)
        lines = self.env["purchase.order.line"].search([("product_id", "in", goods.ids)])
        return {line.product_id: line.product_qty for line in lines}, len(searches)

    def test_moves_order_by_the_rules_of_their_products(self):
        goods = self._goods(6)
        self._rule(goods[2])
        self._rule(goods[4], trigger="manual")
        bought, searches = self._searches(goods)
        self.assertEqual(bought, {goods[2]: 11})
        self.assertEqual(searches, 2, "one for all, and Odoo's own for the product that has a rule")

    def test_goods_without_rules_are_searched_once(self):
        self.assertEqual(self._searches(self._goods(8)), ({}, 1))

    def test_a_scheduler_that_nobody_read_looks_move_by_move(self):
        goods = self._goods(3)
        self._rule(goods[1])
        with patch.object(replenishment_scheduler, "SCHEDULER_KNOWN", {"procurement_automation"}):
            bought, searches = self._searches(goods)
        self.assertEqual((bought, searches), ({goods[1]: 11}, 3))

    def test_a_scheduler_that_is_switched_off_orders_nothing(self):
        self.env["ir.config_parameter"].set_param("stock.no_auto_scheduler", "1")
        goods = self._goods(3)
        self._rule(goods[1])
        self.assertEqual(self._searches(goods), ({}, 0))
