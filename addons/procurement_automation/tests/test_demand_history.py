"""What counts as demand, where, when and in which unit; and how a product reaches its site."""

from odoo.tests import tagged

from .demand_company import DemandCase


@tagged("post_install", "-at_install")
class TestDemandHistory(DemandCase):
    def test_deliveries_count_by_month_in_the_unit_of_the_product(self):
        part = self.product("Part")
        dozen = self.env.ref("uom.product_uom_dozen")
        self.make(
            [
                self.stock(part, 500, 12),
                self.move(part, 2, 3, uom=dozen),
                self.move(part, 5, 3, day=20),
                self.move(part, 4, 2),
                self.move(part, 7, 1, self.branch.lot_stock_id),
            ]
        )
        asked = self.recorded(part).asked
        self.assertEqual(asked[-3:], [29.0, 4.0, 0.0])
        self.assertEqual(self.recorded(part, self.branch).asked[-3:], [None, None, 7.0])
        self.assertEqual(asked[:13], [None] * 12 + [0.0], "before its first move there was no such product")

    def test_the_month_is_that_of_the_promise(self):
        part = self.product("Late")
        self.make([self.stock(part, 50, 6), self.move(part, 5, 1, date_deadline=self.at(2))])
        self.assertEqual(self.recorded(part).asked[-3:], [0.0, 5.0, 0.0])

    def test_open_promises_of_past_months_were_asked_for(self):
        part = self.product("Open")
        self.make([self.stock(part, 5, 6), self.move(part, 9, 2, done=False), self.move(part, 8, -1, done=False)])
        recorded = self.recorded(part)
        self.assertEqual(recorded.asked[-3:], [0.0, 9.0, 0.0])
        self.assertEqual(recorded.promised, 8.0)

    def test_a_return_counts_where_it_was_delivered_from(self):
        part = self.product("Returned")
        [_stock, sent] = self.make([self.stock(part, 50, 6), self.move(part, 9, 3)])
        self.make([self.move(part, 4, 2, self.customers, self.branch.lot_stock_id, origin_returned_move_id=sent.id)])
        self.assertEqual(self.recorded(part).returned[-3:], [0.0, 4.0, 0.0])
        self.assertEqual(sum(self.recorded(part, self.branch).returned), 0.0)

    def test_kits_count_as_their_components(self):
        """A kit's move is split into those of its components, which stay linked to the kit's order line."""
        kit, part = self.product("Kit"), self.product("Component")
        order = self.env["sale.order"].create(
            {
                "partner_id": self.vendor.id,
                "company_id": self.company.id,
                "warehouse_id": self.site.id,
                "order_line": [(0, 0, {"product_id": kit.id, "product_uom_qty": 2})],
            }
        )
        self.make([self.stock(part, 50, 6), self.move(part, 6, 2, sale_line_id=order.order_line.id)])
        self.assertEqual(self.recorded(part).asked[-3:], [0.0, 6.0, 0.0])
        self.assertFalse(sum(units or 0 for units in self.recorded(kit).asked))

    def test_what_customers_did_not_ask_this_site_for(self):
        part = self.product("Moved")
        loss = part.with_company(self.company).property_stock_inventory
        stock, branch = self.site.lot_stock_id, self.branch.lot_stock_id
        self.make(
            [
                self.stock(part, 500, 6),
                self.move(part, 3, 2, self.suppliers, self.customers),
                self.move(part, 4, 2, stock, loss),
                self.move(part, 5, 2, stock, branch),
                self.move(part, 6, 2, stock, self.site.wh_output_stock_loc_id),
            ]
        )
        self.assertEqual(sum(units or 0 for units in self.recorded(part).asked), 0.0)
        self.assertNotIn((self.site.id, part.id), self.History._next_pairs(self.company, self.site, (0, 0), 9999))

    def test_a_site_that_supplies_another_one_is_asked_by_it(self):
        part = self.product("Resupplied")
        rule = self.env["stock.rule"].search([("route_id", "in", self.branch.resupply_route_ids.ids)], limit=1)
        self.make([self.stock(part, 500, 6), self.move(part, 5, 2, dest=self.branch.lot_stock_id, rule_id=rule.id)])
        self.assertEqual(self.recorded(part).asked[-3:], [0.0, 5.0, 0.0])
        self.assertIn((self.site.id, part.id), self.History._next_pairs(self.company, self.site, (0, 0), 9999))

    def test_months_without_stock_are_seen(self):
        part = self.product("Sold out")
        self.make(
            [
                self.stock(part, 30, 12),
                *[self.move(part, 5, back, day=1) for back in range(11, 5, -1)],  # the last one six months ago
                self.stock(part, 30, 2, day=1),
                self.move(part, 5, 1),
            ]
        )
        recorded = self.recorded(part)
        self.assertEqual([round(share, 1) for share in recorded.available[-5:]], [0.0, 0.0, 0.0, 1.0, 1.0])
        self.assertAlmostEqual(recorded.out_of_stock_days, 121, delta=3)
        self.assertEqual(recorded.on_hand, 25.0)

    def test_what_is_never_kept_is_not_out_of_stock(self):
        part = self.product("Bought for an order")
        self.make(
            [
                *[self.stock(part, 5, back, day=9) for back in (9, 4)],
                *[self.move(part, 5, back) for back in (9, 4)],
            ]
        )
        recorded = self.recorded(part)
        self.assertEqual(set(recorded.available), {None})
        self.assertEqual(recorded.asked[-9:], [5.0, 0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0])
        wanted = self.recorded(part, ruled={(self.site.id, part.id)})
        self.assertEqual(wanted.available[-2:], [0.0, 0.0])

    def test_the_number_of_queries_does_not_depend_on_the_products(self):
        parts = [self.product(f"Part {number}") for number in range(24)]
        self.make([move for part in parts for move in (self.stock(part, 50, 6), self.move(part, 5, 2))])
        pairs = [(self.site.id, part.id) for part in parts]

        def queries(some):
            self.env.invalidate_all()
            rules, _unclear = self.Supply._rules(some)
            before = self.env.cr.sql_log_count
            recorded = self.History._recorded(self.company, some, rules)
            sources = self.Supply._sources(self.company, some, rules)
            self.Suggestion._facts_of(self.company, some, recorded, sources)
            return self.env.cr.sql_log_count - before

        queries(pairs)
        self.assertEqual(queries(pairs[:3]), queries(pairs))


@tagged("post_install", "-at_install")
class TestDemandSupply(DemandCase):
    def receive(self, product, days):
        """An order received so many days after its confirmation."""
        order = self.env["purchase.order"].create(
            {
                "partner_id": self.vendor.id,
                "company_id": self.company.id,
                "picking_type_id": self.site.in_type_id.id,
                "order_line": [(0, 0, {"product_id": product.id, "product_qty": 1, "price_unit": 9})],
            }
        )
        order.button_confirm()
        move = order.order_line.move_ids
        move.write({"quantity": 1, "picked": True})
        move._action_done()
        order.date_approve = self.days_ago(100)
        self.env.flush_all()
        self.env.cr.execute("UPDATE stock_move SET date = %s WHERE id = %s", (self.days_ago(100 - days), move.id))

    def source(self, product, site=None):
        pair = ((site or self.site).id, product.id)
        rules, _unclear = self.Supply._rules([pair])
        return self.Supply._sources(self.company, [pair], rules)[pair]

    def test_lead_times_are_measured_and_pooled_and_stated(self):
        often, seldom, never = (self.product(name, delay=7) for name in ("Often", "Seldom", "Never"))
        source = self.source(often)
        self.assertEqual((source.measured_by, source.lead_days, source.deviation), ("stated", 7, 0))
        for days in (10, 10, 12, 16):
            self.receive(often, days)
        self.receive(seldom, 22)
        source = self.source(often)
        self.assertEqual((source.measured_by, source.receipts), ("product", 4))
        self.assertAlmostEqual(source.lead_days, 12, 2)
        self.assertAlmostEqual(source.deviation, 8**0.5, 2)
        for product in (seldom, never):
            source = self.source(product)
            self.assertEqual((source.measured_by, source.receipts), ("vendor", 5))
            self.assertAlmostEqual(source.lead_days, 14, 2)

    def test_without_a_vendor_nothing_is_known(self):
        self.assertEqual(self.source(self.product("Orphan", delay=None)).measured_by, "unknown")

    def test_a_branch_waits_for_its_site(self):
        part = self.product("At the branch", delay=30)
        part.route_ids = [(6, 0, self.branch.resupply_route_ids.ids)]
        self.rule(part, 1, 2, self.branch)
        source = self.source(part, self.branch)
        self.assertEqual((source.measured_by, source.vendor_id), ("route", None))

    def test_of_several_rules_that_of_the_stock_counts(self):
        part, other = self.product("Shelves"), self.product("Only shelves")
        shelves = self.env["stock.location"].create(
            [{"name": name, "location_id": self.site.lot_stock_id.id} for name in ("A", "B")]
        )
        central = self.rule(part, 1, 2)
        for product in (part, other):
            for shelf in shelves:
                self.rule(product, 1, 2, location=shelf)
        rules, unclear = self.Supply._rules([(self.site.id, part.id), (self.site.id, other.id)])
        self.assertEqual(rules[self.site.id, part.id].id, central.id)
        self.assertEqual(unclear, {(self.site.id, other.id)})
