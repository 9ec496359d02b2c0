"""Prices at a glance, contracts by blanket orders, and landed cost: expected by rule, kept, compared with what came."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, PURCHASE_CONFIRMED_STATES

from .test_requisition import RequisitionCase

COST = "distribution.landed.cost"
RULE = "distribution.landed.rule"


class PriceCase(RequisitionCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.governor = new_test_user(
            cls.env,
            login="t_governor",
            groups="base.group_user,distribution_core.group_vendor_manager,purchase.group_purchase_manager",
        )

    def _rule(self, kind, method, rate, **values):
        return self.env[RULE].with_user(self.governor).create({"kind": kind, "method": method, "rate": rate, **values})


@tagged("post_install", "-at_install")
class TestLastPrices(PriceCase):
    def test_at_a_glance(self):
        other = self.env["res.partner"].create({"name": "Second", "supplier_rank": 1, "vendor_status": "approved"})
        first = self._order(lines=[(self.product, 10, 8.0)], vendor=other)
        first.button_confirm()
        order = self._order(lines=[(self.product, 10, 10.0), (self.product_2, 1, 100.0)])
        line, new = order.order_line
        self.assertEqual((line.last_price, line.last_vendor_id, line.last_price_change), (8, other, 25))
        self.assertEqual(line.last_ordered_on, fields.Date.today())
        self.assertFalse(new.last_price or new.last_vendor_id, "it was never bought")
        self.assertEqual((line.contract_price, line.contract_price_change), (10, 0))
        line.price_unit = 12
        self.assertEqual(line.contract_price_change, 20)
        line.write({"price_unit": 120, LINE_UOM: self.env.ref("uom.product_uom_dozen").id})
        self.assertEqual((line.last_price, line.last_price_change), (96, 25), "in the unit of the line")
        order.button_confirm()
        self.assertEqual(first.order_line.last_vendor_id, self.vendor, "the latest other order")

    def _currencies(self):
        """Two that are not the company's; one unit of it was 4, and is 2 and 3 of them now."""
        currencies = (
            self.env["res.currency"]
            .with_context(active_test=False)
            .search([("id", "!=", self.company.currency_id.id)], limit=2)
        )
        currencies.active = True
        currencies.rate_ids.unlink()
        today = fields.Date.today()
        self.env["res.currency.rate"].create(
            [
                {"currency_id": currency.id, "rate": rate, "name": day, "company_id": self.company.id}
                for currency, now in zip(currencies, (2.0, 3.0))
                for day, rate in ((today - timedelta(days=60), 4.0), (today, now))
            ]
        )
        return currencies

    def test_in_the_currency_of_the_order(self):
        self._order(lines=[(self.product, 10, 8.0)]).button_confirm()
        dollar, _yen = self._currencies()
        order = self._order(lines=[(self.product, 10, 10.0)], currency_id=dollar.id)
        self.assertEqual(order.order_line.last_price, 16)

    def test_converted_once_or_not_at_all(self):
        dollar, yen = self._currencies()
        earlier = self._order(
            lines=[(self.product, 10, 8.0)],
            currency_id=dollar.id,
            date_order=fields.Datetime.now() - timedelta(days=30),
        )
        self.assertEqual(earlier.currency_rate, 4)
        earlier.button_confirm()
        self.assertIn(earlier.state, PURCHASE_CONFIRMED_STATES)
        for currency, price, change in ((dollar, 8, 25), (yen, 12, -16.7), (self.company.currency_id, 4, 150)):
            line = self._order(lines=[(self.product, 10, 10.0)], currency_id=currency.id).order_line
            self.assertEqual(line.last_price, price, currency.name)
            self.assertAlmostEqual(line.last_price_change, change, 1)

    def test_one_query_for_many_lines(self):
        self._order(lines=[(self.product, 10, 8.0)]).button_confirm()

        def count(number):
            lines = self._order(lines=[(self.product, 1, 10.0)] * number).order_line.sudo()
            self.env.flush_all()
            lines.mapped("last_price")
            lines.invalidate_recordset(["last_price", "last_vendor_id", "last_ordered_on", "last_price_change"])
            before = self.env.cr.sql_log_count
            lines.mapped("last_price")
            return self.env.cr.sql_log_count - before

        self.assertEqual(count(2), count(20))

    def _agreement(self, user, price=9.0, days=30):
        end = fields.Date.today() + timedelta(days=days)
        values = {
            "vendor_id": self.vendor.id,
            "date_end": fields.Datetime.to_datetime(end) if IS_17 else end,
            "line_ids": [(0, 0, {"product_id": self.product_2.id, "product_qty": 100, "price_unit": price})],
        }
        if IS_17:
            values["type_id"] = (
                self.env["purchase.requisition.type"].search([("quantity_copy", "=", "none")], limit=1).id
            )
        agreement = self.env["purchase.requisition"].with_user(user).create(values)
        agreement.action_in_progress() if IS_17 else agreement.action_confirm()
        return agreement

    def _over_contract(self, price):
        order = self._order(lines=[(self.product_2, 1, price)]).sudo()
        facts = order._approval_facts({"price_over_contract", "no_contract_price"})[order.id]
        return facts["price_over_contract"]

    def test_blanket_orders_are_contracts_when_vendor_governance_says_so(self):
        self.assertEqual(self._over_contract(100), 0)
        agreement = self._agreement(self.buyer, 80.0)
        self.assertEqual(self._over_contract(100), 0, "what a buyer agrees is proposed")
        self.assertTrue(agreement.has_proposed_prices)
        with self.assertRaises(AccessError):
            agreement.action_make_contract()
        agreement.with_user(self.governor).action_make_contract()
        self.assertEqual(self._over_contract(100), 25)
        agreement.sudo().line_ids.price_unit = 70.0
        self.assertEqual(self._over_contract(100), 0, "another price is proposed anew")
        self._agreement(self.governor, 50.0)
        self.assertEqual(self._over_contract(100), 100)

    def test_a_blanket_order_that_ended_is_no_contract(self):
        agreement = self._agreement(self.governor, 50.0)
        self.assertEqual(self._over_contract(100), 100)
        agreement.sudo().date_end = fields.Date.today() - timedelta(days=1)
        self.assertEqual(self._over_contract(100), 0)


@tagged("post_install", "-at_install")
class TestLandedCost(PriceCase):
    def test_expected_by_the_nearest_rule(self):
        self.product.weight = 2
        self._rule("freight", "weight", 0.5)
        self._rule("duty", "percent", 4)
        order = self._order(lines=[(self.product, 10, 10.0)])
        line = order.order_line
        self.assertEqual((line.landed_expected, line.landed_price), (14, 11.4))
        self._rule("duty", "percent", 10, category_id=self.category.id)
        self._rule("duty", "percent", 0, partner_id=self.vendor.id, date_end=fields.Date.today() - timedelta(days=1))
        line.invalidate_recordset(["landed_expected"])
        self.assertEqual(line.landed_expected, 20)

    def test_kept_when_confirmed(self):
        rule = self._rule("freight", "percent", 10)
        order = self._order(100)
        order.button_confirm()
        cost = self.env[COST].search([("order_id", "=", order.id)])
        self.assertEqual((cost.expected, cost.freight, cost.value, cost.is_landed), (10, 10, 100, False))
        rule.rate = 50
        order.sudo().write({"state": order.state})
        self.assertEqual(self.env[COST].search([("order_id", "=", order.id)]).expected, 10)
        for actor in (self.buyer, self.governor, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                cost.with_user(actor).write({"expected": 1})
            with self.assertRaises(AccessError):
                cost.with_user(actor).copy()
            with self.assertRaises(AccessError):
                cost.with_user(actor).unlink()
        with self.assertRaises(AccessError):
            rule.with_user(self.buyer).write({"rate": 1})

    def test_without_rules_nothing_is_kept(self):
        order = self._order(100)
        order.button_confirm()
        self.assertFalse(self.env[COST].search([("order_id", "=", order.id)]))

    def test_compared_with_what_came(self):
        self.category.property_cost_method = "average"
        self._rule("freight", "percent", 10)
        order = self._order(lines=[(self.product, 10, 10.0), (self.product_2, 1, 100.0)])
        order.button_confirm()
        picking = order.sudo().picking_ids
        for move in picking.move_ids:
            move.write({"quantity": move.product_uom_qty, "picked": True})
        picking.button_validate()
        freight = self.env["product.product"].create({"name": "Freight", "type": "service"})
        journal = self.env["account.journal"].search(
            [("type", "=", "general"), ("company_id", "=", self.company.id)], limit=1
        )
        landed = self.env["stock.landed.cost"].create(
            {
                "picking_ids": [(6, 0, picking.ids)],
                "account_journal_id": journal.id,
                "cost_lines": [
                    (
                        0,
                        0,
                        {
                            "product_id": freight.id,
                            "price_unit": 30,
                            "split_method": "by_current_cost_price",
                            "name": "Lorry",
                        },
                    )
                ],
            }
        )
        landed.compute_landed_cost()
        landed.button_validate()
        costs = self.env[COST].search([("order_id", "=", order.id)], order="line_id")
        self.assertEqual(costs.mapped("expected"), [10, 10])
        self.assertEqual(costs.mapped("actual"), [15, 15])
        self.assertEqual(costs.mapped("difference"), [5, 5])
        self.assertTrue(all(costs.mapped("is_landed")))

    def test_other_companies(self):
        self._rule("freight", "percent", 10)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.assertFalse(self.env[RULE]._of(elsewhere))
        foreigner = new_test_user(
            self.env,
            login="t_foreigner",
            groups="base.group_user,distribution_core.group_vendor_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        self.assertFalse(self.env[RULE].with_user(foreigner).search([]))
