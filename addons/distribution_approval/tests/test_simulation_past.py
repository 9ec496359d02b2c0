"""Who wants to switch governance on simulates a draft on what was done before, for which no document of ours exists."""

from datetime import timedelta

from odoo import Command, fields
from odoo.tests.common import tagged

from ..models import approval_simulation
from .delivery_case import DeliveryCase
from .goods_case import GoodsCase
from .simulation_case import SimulationCase


class PastCase(SimulationCase):
    """What was done is dated; the documents that it is about are not governed."""

    @classmethod
    def _days_ago(cls, days):
        return fields.Datetime.now() - timedelta(days=days)

    def _dated(self, records, **columns):
        """Have ``records`` say something that nobody may write, such as when they were done."""
        self.env.flush_all()
        for column, value in columns.items():
            self.cr.execute(f"UPDATE {records._table} SET {column} = %s WHERE id = ANY(%s)", (value, records.ids))
        self.env.invalidate_all()

    def _done(self, picking, days_ago):
        moment = self._days_ago(days_ago)
        self._dated(picking, date_done=moment)
        self._dated(picking.move_ids, date=moment)
        self._dated(picking.move_line_ids, date=moment)

    def _results(self, simulation):
        """``{record judged: (outcome, rules)}``."""
        return {
            self.env[line.res_model].browse(line.res_id): (line.outcome, line.rules)
            for line in simulation.sudo().line_ids
        }

    def assertConstantQueries(self, count):
        """A batch of all ``count`` documents takes as many queries as one of three."""
        self.patch(approval_simulation, "AT_ONCE", 0)

        def advance(size):
            simulation = self._simulate(self.version).sudo()
            self.patch(approval_simulation, "BATCH", size)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            simulation._advance()
            self.assertEqual(simulation.done, size)
            return self.cr.sql_log_count - before

        advance(3)
        few, many = advance(3), advance(count)
        self.assertLessEqual(many, few, f"{many} queries for {count} documents, {few} for 3")


class SalesPastCase(PastCase, DeliveryCase):
    @classmethod
    def _govern(cls):
        """Not yet."""

    def _delivered(self, quantity=100, days_ago=0, **values):
        picking = self._order_of(quantity, **values).sudo().picking_ids
        picking.action_assign()
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self._done(picking, days_ago)
        return picking

    def _returned(self, delivery, quantity, days_ago):
        receipt = self._taken_back(delivery.with_env(self.env), quantity)
        receipt.button_validate()
        self.assertEqual(receipt.state, "done")
        self._done(receipt, days_ago)
        return receipt


@tagged("post_install", "-at_install")
class TestCreditNotesOfThePast(SalesPastCase):
    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        cls.category.warranty_days = 30
        return cls._make_version(
            "customer_credit_note",
            "Credit notes",
            [
                (
                    "Small, of an invoice",
                    "pass",
                    [("amount", "le", "500"), ("over_invoice", "is_false"), ("without_invoice", "is_false")],
                    [],
                ),
                ("Large", "require", [("amount", "gt", "500")], ["Finance"]),
                ("More than invoiced", "require", [("over_invoice", "is_true")], ["Finance"]),
                ("Out of warranty", "require", [("in_warranty", "is_false")], ["Sales"]),
                ("Goods are not back", "require", [("goods_returned", "is_false")], ["Operations"]),
            ],
        )

    def _invoiced(self, delivery):
        invoice = delivery.move_ids.sale_line_id.order_id._create_invoices()
        invoice.action_post()
        return invoice

    def _credited(self, invoice, quantity, days_ago):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        action = (wizard.reverse_moves if hasattr(wizard, "reverse_moves") else wizard.refund_moves)()
        refund = self.env["account.move"].browse(action["res_id"])
        refund.invoice_line_ids.quantity = quantity
        refund.action_post()
        self._dated(refund, invoice_date=self._days_ago(days_ago).date())
        return refund

    def test_as_of_its_day(self):
        delivery = self._delivered(100, days_ago=60)
        invoice = self._invoiced(delivery)
        self._returned(delivery, 10, days_ago=41)
        early = self._credited(invoice, 10, days_ago=40)  # 20 days after the delivery, the goods were back
        late = self._credited(invoice, 95, days_ago=10)  # 50 days after the delivery; with the first, 105 of 100
        old = self._credited(self._invoiced(self._delivered(1)), 1, days_ago=200)
        bare = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": self.customer.id,
                "invoice_line_ids": [Command.create({"name": "Goodwill", "quantity": 1, "price_unit": 50})],
            }
        )
        bare.invoice_line_ids.tax_ids = False
        bare.action_post()
        draft = bare.copy()
        before = self._state_of_the_world()
        simulation = self._simulate(self.version)
        self.assertEqual(self._state_of_the_world(), before)
        results = self._results(simulation)
        self.assertEqual(results.keys(), {early, late, bare}, "not those of other times, nor drafts")
        self.assertFalse({old, draft} & results.keys())
        self.assertEqual(results[early], ("pass", "Small, of an invoice"))
        outcome, rules = results[late]
        self.assertEqual(outcome, "require")
        self.assertEqual(
            set(rules.split(", ")), {"Large", "More than invoiced", "Out of warranty", "Goods are not back"}
        )
        self.assertEqual(results[bare][0], "hold", "whether it is under warranty is not known")
        self.assertEqual(
            (simulation.total, simulation.past, simulation.passed, simulation.routed, simulation.held), (3, 3, 1, 1, 1)
        )
        self.assertEqual((simulation.unknown, simulation.facts_of_today), (1, 3))
        self.assertIn("Under warranty: not known for 1 (it is not known when the goods", simulation.unknown_words)
        line = simulation.line_ids.filtered("unknown_facts")
        self.assertEqual((line.res_id, line.unknown_facts), (bare.id, "Under warranty"))
        amounts = {line.res_id: line.amount for line in simulation.line_ids}
        self.assertEqual(amounts, {early.id: 100, late.id: 950, bare.id: 50})
        self.assertIn("before governance", simulation.past_words)

    def test_foreign_money_at_the_rate_of_the_books(self):
        delivery = self._delivered(10)
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "CHF")])
        currency.active = True
        rates = currency.rate_ids.filtered(lambda rate: rate.company_id == self.company)
        rates.unlink()
        rate = self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "company_id": self.company.id, "name": "2020-01-01", "rate": 2}
        )
        invoice = self._invoiced(delivery)
        invoice.button_draft()
        invoice.currency_id = currency
        invoice.action_post()
        refund = self._credited(invoice, 10, days_ago=5)
        rate.rate = 4
        line = self._simulate(self.version).line_ids
        self.assertEqual((line.res_id, line.amount), (refund.id, invoice.amount_untaxed / 2))

    def test_governed_then_and_before(self):
        """What policy was asked about counts with what it was asked; what was before, beside it."""
        invoice = self._invoiced(self._delivered(100))
        before = self._credited(invoice, 1, days_ago=3)
        self._switch_on("customer_credit_note")
        after = self._credited(invoice, 1, days_ago=0)
        document = after.sudo().credit_note_document_ids
        simulation = self._simulate(self.version)
        judged = {(line.res_model, line.res_id) for line in simulation.line_ids}
        self.assertEqual(judged, {(document._name, document.id), ("account.move", before.id)})
        self.assertEqual((simulation.total, simulation.past), (2, 1))

    def test_queries_do_not_grow_with_documents(self):
        for number in range(12):
            customer = self.env["res.partner"].create({"name": f"Customer {number}"})
            category = self.env["product.category"].create({"name": f"Category {number}"})
            product = self._make_sold(f"Product {number}", 10, 6)
            product.categ_id = category
            self.env["stock.quant"]._update_available_quantity(product, self.warehouse.lot_stock_id, 10)
            delivery = self._delivered(1, product=product, partner_id=customer.id)
            self._credited(self._invoiced(delivery), 1, days_ago=1)
        self.assertConstantQueries(12)


@tagged("post_install", "-at_install")
class TestTransfersOfThePast(PastCase, GoodsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version = cls._make_goods_policy("site_transfer")

    @classmethod
    def _goods_rules(cls, document_type):
        return [
            ("Small", "pass", [("amount", "le", "500")], None),
            ("Large", "require", [("amount", "gt", "500")], "Finance"),
            ("Constrained", "require", [("constrained_item", "is_true", "")], "Operations"),
        ]

    def _moved(self, product, quantity, destination=None, source=None, days_ago=5):
        picking = self._picking(product, quantity, source or self.stock, destination or self.branch.lot_stock_id)
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self._done(picking, days_ago)
        return picking

    def test_between_sites(self):
        transit = self.company.internal_transit_location_id
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.stock.id})
        small, large = self._moved(self.nut, 5), self._moved(self.nut, 20)
        under_way = self._moved(self.bolt, 7, transit)
        self._moved(self.bolt, 7, self.branch.lot_stock_id, transit)
        self._moved(self.bolt, 30, shelf)
        self._moved(self.nut, 1, days_ago=200)
        self._picking(self.nut, 2, self.stock, self.branch.lot_stock_id)
        before = self._state_of_the_world()
        simulation = self._simulate(self.version)
        self.assertEqual(self._state_of_the_world(), before)
        self.assertEqual(
            self._results(simulation),
            {small: ("pass", "Small"), large: ("require", "Large"), under_way: ("pass", "Small")},
        )
        amounts = {line.res_id: line.amount for line in simulation.line_ids}
        self.assertEqual(amounts, {small.id: 500, large.id: 2000, under_way.id: 70})
        sites = simulation.sudo().line_ids.site_id
        self.assertEqual(sites, self.warehouse)
        self.assertEqual((simulation.total, simulation.past, simulation.unknown), (3, 3, 0))
        self.assertEqual({(load.name, load.tasks) for load in simulation.load_ids}, {("Finance", 1)})

    def test_what_nothing_tells_afterwards(self):
        """Never the stock of today: a rule that asks for it holds, and the result says why."""
        self._moved(self.nut, 5)
        large = self._moved(self.nut, 20)
        self.version.rule_ids[0].condition_ids = [
            Command.create({"fact": "days_left", "operator": "gt", "value": "10"}),
        ]
        simulation = self._simulate(self.version)
        self.assertEqual((simulation.held, simulation.routed, simulation.unknown), (1, 1, 2))
        self.assertIn("in days of demand: not known for 2 (nothing tells what was free", simulation.unknown_words)
        self.assertEqual(self._results(simulation)[large][0], "require")
        self.assertIn("stock left at the source", simulation.past_words)

    def test_switched_on_since(self):
        before = self._moved(self.nut, 5)
        self._publish(self.version)
        self._govern_type("site_transfer")
        passed = self._picking(self.nut, 1, self.stock, self.branch.lot_stock_id)
        passed.button_validate()
        document = self.env["distribution.site.transfer"].search([("picking_id", "=", passed.id)]).ensure_one()
        self.assertEqual(document.approval_state, "passed")
        self.assertEqual(
            self._results(self._simulate(self.version)), {before: ("pass", "Small"), document: ("pass", "Small")}
        )

    def test_queries_do_not_grow_with_documents(self):
        for number in range(12):
            category = self.env["product.category"].create({"name": f"Category {number}"})
            product = self._make_stocked(f"Product {number}", 10, 10, categ_id=category.id)
            self._moved(product, 1)
        self.assertConstantQueries(12)


@tagged("post_install", "-at_install")
class TestCountsOfThePast(PastCase, GoodsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version = cls._make_goods_policy("inventory_adjustment")

    @classmethod
    def _goods_rules(cls, document_type):
        return [
            ("Small", "pass", [("amount", "le", "500")], None),
            ("Large", "require", [("amount", "gt", "500")], "Finance"),
            ("A tenth of it", "require", [("worst_line_percent", "gt", "10")], "Operations"),
            ("Often", "require", [("adjustment_window_total", "gt", "250")], "Compliance"),
        ]

    def _counted(self, product, quantity, days_ago, number):
        """Count ``product``; what it moved is dated, as the work of a transaction of its own."""
        known = self.env["stock.move"].search([("product_id", "=", product.id)])
        self._quant(product, self.chief).write({"inventory_quantity": quantity})
        self._quant(product, self.chief).action_apply_inventory()
        moves = self.env["stock.move"].search([("product_id", "=", product.id)]) - known
        self._dated(moves, date=self._days_ago(days_ago), create_date=self._days_ago(days_ago + number / 100))
        self._dated(moves.move_line_ids, date=self._days_ago(days_ago))
        return moves

    def test_counts_as_of_their_day(self):
        first = self._counted(self.bolt, 95, 20, 1)  # 5 of 100 lost
        delivery = self._picking(self.bolt, 75, self.stock, self.env.ref("stock.stock_location_customers"))
        delivery.button_validate()
        self._done(delivery, 15)
        second = self._counted(self.bolt, 16, 10, 2)  # 4 of 20: 20 %, of 100 it were 4 %
        third = self._counted(self.bolt, 40, 9, 3)  # 24 more, the second in the week: 240 + 40
        self._counted(self.bolt, 41, 200, 4)
        lost = self._picking(self.nut, 2, self.stock, self.loss)
        lost.button_validate()
        self._done(lost, 30)
        scrap = self.env["stock.scrap"].create(
            {"product_id": self.nut.id, "scrap_qty": 1, "location_id": self.stock.id}
        )
        scrap.action_validate()
        before = self._state_of_the_world()
        simulation = self._simulate(self.version)
        self.assertEqual(self._state_of_the_world(), before)
        self.assertEqual(
            self._results(simulation),
            {
                lost: ("pass", "Small"),
                first: ("pass", "Small"),
                second: ("require", "A tenth of it"),
                third: ("require", "A tenth of it, Often"),
            },
        )
        amounts = {(line.res_model, line.res_id): line.amount for line in simulation.line_ids}
        self.assertEqual(
            amounts,
            {
                ("stock.picking", lost.id): 200,
                ("stock.move", first.id): 50,
                ("stock.move", second.id): 40,
                ("stock.move", third.id): 240,
            },
        )
        self.assertEqual((simulation.total, simulation.past, simulation.unknown), (4, 4, 0))

    def test_counts_applied_in_one_go_are_one(self):
        self._quant(self.bolt).write({"inventory_quantity": 99})
        self._quant(self.nut).write({"inventory_quantity": 46})
        (self._quant(self.bolt) | self._quant(self.nut)).action_apply_inventory()
        line = self._simulate(self.version).line_ids
        self.assertEqual(line.amount, 10 + 400)
        self.assertEqual(line.site_id, self.warehouse)

    def test_what_nobody_recorded(self):
        self._counted(self.bolt, 95, 5, 1)
        self.version.rule_ids[0].condition_ids = [Command.create({"fact": "cause_missing", "operator": "is_false"})]
        simulation = self._simulate(self.version)
        self.assertEqual((simulation.held, simulation.unknown), (1, 1))
        self.assertIn("A line has no cause: not known for 1 (causes were not recorded then)", simulation.unknown_words)

    def test_queries_do_not_grow_with_documents(self):
        for number in range(12):
            category = self.env["product.category"].create({"name": f"Category {number}"})
            product = self._make_stocked(f"Product {number}", 10, 10, categ_id=category.id)
            self._counted(product, 9, 5, number)
        self.assertConstantQueries(12)


@tagged("post_install", "-at_install")
class TestReturnsOfThePast(SalesPastCase):
    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        cls.category.warranty_days = 30
        return cls._make_version(
            "customer_return",
            "Returns",
            [
                ("Under warranty", "pass", [("amount", "le", "500"), ("in_warranty", "is_true")], []),
                ("Large", "require", [("amount", "gt", "500")], ["Sales"]),
                ("Out of warranty", "require", [("in_warranty", "is_false")], ["Sales"]),
                ("More than delivered", "require", [("more_than_delivered", "is_true")], ["Finance"]),
            ],
        )

    def test_as_of_its_day(self):
        delivery = self._delivered(100, days_ago=60)
        early = self._returned(delivery, 10, days_ago=40)
        late = self._returned(delivery, 60, days_ago=20)
        self._returned(self._delivered(10, days_ago=210), 10, days_ago=200)
        last = self._returned(delivery, 31, days_ago=1)  # with those before, 101 of 100
        before = self._state_of_the_world()
        simulation = self._simulate(self.version)
        self.assertEqual(self._state_of_the_world(), before)
        results = self._results(simulation)
        self.assertEqual(results.keys(), {early, late, last}, "not the deliveries")
        self.assertEqual(results[early], ("pass", "Under warranty"))
        self.assertEqual(results[late], ("require", "Large, Out of warranty"))
        self.assertEqual(results[last], ("require", "Out of warranty, More than delivered"))
        amounts = {line.res_id: line.amount for line in simulation.line_ids}
        self.assertEqual(amounts, {early.id: 100, late.id: 600, last.id: 310})
        self.assertEqual((simulation.past, simulation.unknown), (3, 0))

    def test_queries_do_not_grow_with_documents(self):
        for number in range(12):
            customer = self.env["res.partner"].create({"name": f"Customer {number}"})
            product = self._make_sold(f"Product {number}", 10, 6)
            product.categ_id = self.env["product.category"].create({"name": f"Category {number}"})
            self.env["stock.quant"]._update_available_quantity(product, self.warehouse.lot_stock_id, 10)
            self._returned(self._delivered(1, product=product, partner_id=customer.id), 1, days_ago=1)
        self.assertConstantQueries(12)


@tagged("post_install", "-at_install")
class TestDeliveriesOfThePast(SalesPastCase):
    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        cls.credit = cls._make_version(
            "credit_release",
            "Credit release",
            [
                ("Small", "pass", [("amount", "le", "500")], []),
                ("Large", "require", [("amount", "gt", "500"), ("days_late", "le", "5")], ["Credit"]),
                ("Late", "refuse", [("amount", "gt", "500"), ("days_late", "gt", "5")], []),
            ],
        )
        return cls._make_version(
            "delivery_hold",
            "Delivery holds",
            [
                ("Nothing holds it", "pass", [("held", "is_false")], []),
                ("Something holds it", "require", [("held", "is_true")], ["Operations"]),
            ],
        )

    def test_what_is_known_of_then(self):
        small, large = self._delivered(10, days_ago=3), self._delivered(100, days_ago=20)
        self._delivered(10, days_ago=200)
        orders = (small | large).move_ids.sale_line_id.order_id
        self._dated(orders, commitment_date=self._days_ago(22))
        before = self._state_of_the_world()
        simulation = self._simulate(self.credit)
        self.assertEqual(self._state_of_the_world(), before)
        self.assertEqual(
            self._results(simulation), {small: ("pass", "Small"), large: ("require", "Large")}, "late by 2 days, not 22"
        )
        self.assertEqual((simulation.past, simulation.unknown), (2, 0))

    def test_what_nothing_tells_afterwards(self):
        """Debts of today are not those of then; what was delivered beyond the order can still be told."""
        plain = self._delivered(10, days_ago=3)
        beyond = self._delivered(10, days_ago=3)
        bare = self._bare_delivery().sudo()
        bare.move_ids.picked = True
        bare.button_validate()
        self._done(bare, 2)
        self._dated(beyond.move_ids.sale_line_id, product_uom_qty=5)
        simulation = self._simulate(self.version)
        self.assertEqual(
            {record: outcome for record, (outcome, _rules) in self._results(simulation).items()},
            {plain: "hold", beyond: "require", bare: "require"},
        )
        self.assertEqual(simulation.unknown, 1)
        self.assertIn("not known for 1 (nothing tells what held the delivery then)", simulation.unknown_words)
        self.credit.rule_ids[0].condition_ids = [
            Command.create({"fact": "credit_over_limit", "operator": "le", "value": "0"})
        ]
        credit = self._simulate(self.credit)
        self.assertEqual((credit.passed, credit.unknown), (0, 3))
        self.assertIn("nothing tells what the customer owed then", credit.unknown_words)
        self.assertIn("what the customer owed then", credit.past_words)

    def test_queries_do_not_grow_with_documents(self):
        for number in range(12):
            customer = self.env["res.partner"].create({"name": f"Customer {number}"})
            product = self._make_sold(f"Product {number}", 10, 6)
            self.env["stock.quant"]._update_available_quantity(product, self.warehouse.lot_stock_id, 10)
            self._delivered(1, product=product, partner_id=customer.id)
        self.assertConstantQueries(12)


@tagged("post_install", "-at_install")
class TestNoPast(PastCase, DeliveryCase):
    def test_a_type_that_cannot_look_back_says_why(self):
        drafts = [
            self._make_version(name, name, [("Any", "pass", [("amount", "le", "500")], [])])
            for name in ("vendor_onboarding", "vendor_change")
        ]
        for version in drafts:
            with self.subTest(version.document_type):
                self.assertIn("before governance", self._simulate(version).past_words)
        order = self._make_version("sale_order", "Orders", [("Any", "pass", [("amount", "le", "500")], [])])
        self.assertFalse(self._simulate(order).past_words, "orders are there, governed or not")
