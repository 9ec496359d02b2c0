"""Attacks on the content: what was released is what is ordered, and what is judged is what is there."""

import json
from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, PURCHASE_LINE_TAXES

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestAttacksOnContent(AttackCase):
    # -------------------------------------------------------- after the release

    def test_every_controlled_value_after_release(self):
        order = self._approved()
        line = order.order_line
        term = self.env["account.payment.term"].create({"name": "Never"})
        tax = self.env["account.tax"].create({"name": "Odd", "amount": 90, "type_tax_use": "purchase"})
        other_type = order.sudo().picking_type_id.copy({"name": "Elsewhere", "sequence_code": "ELSE"})
        dozen = self.env.ref("uom.product_uom_dozen")
        values = {
            "partner_id": self.new_vendor.id,
            "currency_id": self._currency("XTA", 2.0).id,
            "payment_term_id": term.id,
            "picking_type_id": other_type.id,
            "dest_address_id": self.new_vendor.id,
        }
        for name, value in values.items():
            with self.subTest(field=name), self._refused():
                order.write({name: value})
        line_values = {
            "product_id": self.product_2.id,
            "product_qty": 900,
            "price_unit": 99,
            "discount": -50,
            LINE_UOM: dozen.id,
            PURCHASE_LINE_TAXES: [Command.set(tax.ids)],
        }
        for name, value in line_values.items():
            with self.subTest(line_field=name):
                for attempt in (
                    lambda name=name, value=value: line.write({name: value}),
                    lambda name=name, value=value: line.sudo().write({name: value}),
                    lambda name=name, value=value: line.with_user(self.manager).write({name: value}),
                    lambda name=name, value=value: order.write(
                        {"order_line": [Command.update(line.id, {name: value})]}
                    ),
                    lambda name=name, value=value: (
                        line.load([".id", name], [[str(line.id), str(value)]])
                        if isinstance(value, (int, float)) and not name.endswith("_id")
                        else line.write({name: value})
                    ),
                ):
                    savepoint = self.env.cr.savepoint()
                    try:
                        attempt()
                        self._commit()
                    except Exception:  # pylint: disable=broad-except
                        pass
                    finally:
                        self.assertTrue(True)
                    self.env.invalidate_all()
                    changed = not self._releases(order)[:1]._covers(order.sudo()._approval_snapshots()[order.id])
                    savepoint.close(rollback=True)
                    if changed:
                        # It was there for a moment: what counts is that it cannot be committed.
                        with self._refused():
                            attempt()
        self.assertContentKept(order)
        # Normal work.
        order.write(
            {"date_planned": fields.Datetime.now() + timedelta(days=9), "origin": "S1", "user_id": self.other_buyer.id}
        )
        line.write(
            {"date_planned": fields.Datetime.now() + timedelta(days=9), "sequence": 99, "name": "Bolts, galvanised"}
        )
        self._commit()
        picking = order.sudo().picking_ids
        picking.move_ids.quantity = 100
        self._commit()

    def test_lines_added_removed_and_moved_after_release(self):
        order, other = self._approved(), self._order(1000)
        new = {
            "order_id": order.id,
            "product_id": self.product.id,
            "name": "More",
            "product_qty": 500,
            "price_unit": 10,
            "date_planned": fields.Datetime.now(),
            LINE_UOM: self.product.uom_id.id,
        }
        lines = self.env["purchase.order.line"].with_user(self.buyer)
        for number, attempt in enumerate(
            (
                lambda: lines.create(new),
                lambda: lines.sudo().create(new),
                lambda: lines.with_context(default_order_id=order.id).create(
                    {k: v for k, v in new.items() if k != "order_id"}
                ),
                lambda: order.write(
                    {"order_line": [Command.create({k: v for k, v in new.items() if k != "order_id"})]}
                ),
                lambda: order.order_line.copy({"order_id": order.id}),
                lambda: other.order_line.write({"order_id": order.id}),
                lambda: order.order_line.write({"order_id": other.id}),
                lambda: order.order_line.unlink(),
                lambda: order.write({"order_line": [Command.clear()]}),
                lambda: order.order_line.write({"product_qty": 0}),
            )
        ):
            with self.subTest(number=number), self._refused(at_once=True):
                attempt()
        # A note is no purchase, and stays none.
        note = lines.create({"order_id": order.id, "display_type": "line_note", "name": "Call first", "product_qty": 0})
        with self._refused():
            note.write({"display_type": False, "product_id": self.product.id, "product_qty": 500, "price_unit": 10})
        self._commit()
        self.assertContentKept(order)

    def test_a_line_of_one_order_through_another(self):
        """Commands reach lines of other orders; nobody looks at the parent."""
        released, mine = self._approved(), self._order(100)
        line = released.order_line
        for values in ({"price_unit": 99}, {"product_qty": 900}):
            with self.subTest(**values), self._refused():
                mine.write({"order_line": [Command.update(line.id, values)]})
        with self._refused():
            mine.write({"order_line": [Command.link(line.id)]})
        with self._refused():
            mine.write({"order_line": [Command.delete(line.id)]})
        self._commit()
        self.assertContentKept(released)

    def test_packaging_changes_the_quantity_without_writing_it(self):
        if not IS_17:
            self.skipTest("19.0 has no packaging on order lines")
        packaging = self.env["product.packaging"].create({"name": "Pallet", "product_id": self.product.id, "qty": 500})
        released, mine = self._approved(), self._order(100)
        line = released.order_line
        for values in (
            {"product_packaging_id": packaging.id, "product_packaging_qty": 9},
            {"product_packaging_qty": 9, "product_packaging_id": packaging.id, "name": "x"},
        ):
            with self._refused():
                line.write(values)
            with self._refused():
                mine.write({"order_line": [Command.update(line.id, values)]})
        with self._refused():
            line.write({"product_packaging_id": packaging.id})
            line.product_packaging_qty = 9
            mine.write({"partner_ref": "nothing to see"})
            mine.write({"order_line": [Command.update(mine.order_line.id, {"product_qty": 3})]})
        self.assertContentKept(released)
        # Who changes the quantity of an order that waits had a hand in it.
        held = self._held()
        held.order_line.with_user(self.manager).write(
            {"product_packaging_id": packaging.id, "product_packaging_qty": 2}
        )
        self._commit()
        self.assertEqual(held.order_line.product_qty, 1000)
        self.assertNotIn(
            self.manager, held.sudo().approval_request_id.task_ids.filtered(lambda t: t.state == "open").user_ids
        )

    def test_creeping_prices_each_within_tolerance(self):
        order = self._approved(5000)  # tolerance: 2 % of 5,000 and 50: 50
        line = order.order_line
        line.price_unit = 10.04  # 20
        self._commit()
        line.price_unit = 10.08  # 40
        self._commit()
        with self._refused():
            line.price_unit = 10.12  # 60 in sum, each step 20
        self.assertEqual(line.price_unit, 10.08)
        line.price_unit = 10.0
        self._commit()
        self.assertContentKept(order)

    def test_changes_that_cancel_out(self):
        order = self._approved(lines=[(self.product, 400, 10.0), (self.product_2, 20, 100.0)])
        bolt, nut = order.order_line
        with self._refused():
            bolt.write({"product_qty": 800, "price_unit": 5})
        with self._refused():
            order.write(
                {
                    "order_line": [
                        Command.update(bolt.id, {"price_unit": 9}),
                        Command.update(nut.id, {"price_unit": 120}),
                    ]
                }
            )
        with self._refused():
            bolt.write({"price_unit": 20, "discount": 50})
        self.assertContentKept(order)

    def test_vendor_swapped_after_approval_before_confirmation(self):
        order = self._held()
        self._decide(order, "Purchasing", self.manager)
        self.assertTrue(self._releases(order))
        order.partner_id = self.new_vendor
        self._commit()
        self.assertFalse(self._releases(order), "the approval was for another vendor")
        self.assertFalse(self._resume(order))
        self.assertNotInForce(order)
        self.assertEqual(order.approval_state, "pending")
        names = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.state == "open").mapped("name")
        self.assertEqual(set(names), {"Purchasing", "Compliance"})

    def test_change_after_the_first_stage(self):
        order = self._held(31000)
        self._decide(order, "Purchasing", self.manager)
        order.order_line.price_unit = 11
        self._commit()
        request = order.sudo().approval_request_id
        self.assertEqual(request.round, 2)
        self.assertFalse(request._current_tasks().decision_ids)
        self.assertEqual(self._task(order, "Purchasing").round, 2)

    # --------------------------------------------------- what policy judges by

    def test_stored_totals_do_not_decide(self):
        """Subtotals are stored computes: whoever writes them must not choose his limit."""
        order = self._order(31000)
        line = order.order_line
        line.write({"price_subtotal": 1, "price_total": 1, "price_tax": 0})
        order.write({"amount_untaxed": 1, "amount_total": 1})
        self._commit()
        order.button_confirm()
        self.assertNotInForce(order)
        request = order.sudo().approval_request_id
        self.assertEqual(request.amount, 31000)
        self.assertIn("Finance", request.task_ids.mapped("name"))

    def test_stored_totals_do_not_widen_the_tolerance(self):
        order = self._held(5000)
        order.sudo().write({"amount_untaxed": 1e9})
        self._commit()
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        content = json.loads(self._releases(order)[:1].content)
        self.assertEqual(content["header"]["amount"], 5000)

    def test_stored_related_fields_of_lines(self):
        order = self._held(31000)
        for name, value in (
            ("state", "purchase"),
            ("partner_id", self.vendor.id),
            ("company_id", self.company.id),
            ("currency_id", self.company.currency_id.id),
            ("product_uom_qty", 1),
        ):
            try:
                with self.env.cr.savepoint():
                    order.order_line.write({name: value})
                    self._commit()
            except UserError:
                pass
            self.assertNotInForce(order)
            self.assertEqual(order.approval_state, "pending")

    def test_negative_and_zero_lines_do_not_buy_room(self):
        cases = {
            "negative price": [(self.product, 500, 10.0), (self.product_2, 1, -4000.0)],
            "negative quantity": [(self.product, 500, 10.0), (self.product_2, -40, 100.0)],
            "both negative": [(self.product, -500, -10.0)],
        }
        for label, lines in cases.items():
            with self.subTest(label):
                order = self._order(lines=lines)
                order.button_confirm()
                self.assertNotInForce(order)
                self.assertGreaterEqual(order.sudo().approval_request_id.amount, 5000)
        order = self._order(lines=[(self.product, 500, 10.0)])
        order.order_line.discount = -100  # a surcharge
        order.button_confirm()
        self.assertEqual(order.sudo().approval_request_id.amount, 10000)
        # A line of nothing is not judged; a quantity given to it later is an added line.
        order = self._order(lines=[(self.product, 10, 10.0), (self.product_2, 0, 100.0)])
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        with self._refused():
            order.order_line[1].product_qty = 100
        self.assertContentKept(order)

    def test_price_including_tax_is_judged_untaxed(self):
        tax = self.env["account.tax"].create(
            {
                "name": "25 % included",
                "amount": 25,
                "type_tax_use": "purchase",
                **({"price_include": True} if IS_17 else {"price_include_override": "tax_included"}),
            }
        )
        order = self._order(lines=[(self.product, 300, 10.0)])
        order.order_line.write({PURCHASE_LINE_TAXES: [Command.set(tax.ids)]})
        self.assertEqual(order.amount_untaxed, 2400)
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        self.assertEqual(self._releases(order).amount, 2400)

    def test_duplicate_of_an_approved_order(self):
        order = self._approved()
        copy = order.copy()
        self.assertFalse(copy.approval_state)
        self.assertFalse(self._releases(copy))
        with self._refused():
            copy.write({"state": "purchase"})
        copy.button_confirm()
        self.assertNotInForce(copy)

    def test_merging_rfqs(self):
        """19.0 only: what was merged is judged as one order, and nothing approved is merged."""
        if not hasattr(self.env["purchase.order"], "action_merge"):
            self.skipTest("17.0 does not merge")
        small, other = self._order(2000), self._order(2000)
        (small | other).with_user(self.buyer).action_merge()
        merged = (small | other).filtered(lambda order: order.state == "draft")
        self.assertEqual(merged.amount_untaxed, 4000)
        merged.button_confirm()
        self.assertNotInForce(merged)
        self.assertEqual(merged.approval_state, "pending")
        # With an order that waits, was approved, or is in force.
        held, released, approved = self._held(), self._approved(), self._held()
        self._decide(approved, "Purchasing", self.manager)
        for old in (held, released, approved):
            rfq = self._order(2000, date_order="2040-01-01")
            before = old.sudo()._approval_snapshots()[old.id].digest
            try:
                with self.env.cr.savepoint():
                    (old | rfq).with_user(self.buyer).action_merge()
            except UserError:
                pass
            self._commit()
            self.env.invalidate_all()
            self.assertEqual(old.sudo()._approval_snapshots()[old.id].digest, before)
        # Who merges had a hand in it.
        one, two = self._order(4000), self._order(4000)
        (one | two).with_user(self.manager).action_merge()
        merged = (one | two).filtered(lambda order: order.state == "draft")
        merged.with_user(self.buyer).button_confirm()
        self.assertEqual(self._task(merged, "Purchasing").user_ids, self.fallback)

    def test_reconfirming_a_released_order_after_a_change(self):
        order = self._approved()
        order.button_cancel()
        order.button_draft()
        self._commit()
        self.assertFalse(self._releases(order), "who leaves the confirmed state leaves the release behind")
        order.order_line.product_qty = 5000
        order.button_confirm()
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))
        self.assertFalse(self._releases(order))

    # ----------------------------------------------------------------- splitting

    def test_splitting_one_after_the_other(self):
        for _number in range(4):
            self._passed(2400)
        fifth = self._order(2400)
        fifth.button_confirm()
        self.assertNotInForce(fifth)
        self.assertEqual(fifth.sudo().approval_request_id.waiting_for, "Purchasing")

    def test_splitting_in_one_batch(self):
        orders = self.env["purchase.order"].union(*(self._order(2400) for _number in range(6)))
        orders.with_user(self.buyer).button_confirm()
        self.assertEqual(len(orders.filtered(lambda order: order.state == "purchase")), 4)
        self.assertEqual(len(orders.filtered(lambda order: order.approval_state == "pending")), 2)

    def test_splitting_over_addresses_of_one_vendor(self):
        places = self.env["res.partner"].create([{"name": f"Plant {n}", "parent_id": self.vendor.id} for n in range(5)])
        orders = self.env["purchase.order"].union(*(self._order(2400, vendor=place) for place in places))
        orders.with_user(self.buyer).button_confirm()
        self.assertEqual(len(orders.filtered(lambda order: order.state == "purchase")), 4)

    # ------------------------------------------------------------------ currency

    def _currency(self, name, *rates):
        """A currency; ``rates`` (units per company currency) of the last days, oldest first."""
        currency = self.env["res.currency"].create({"name": name, "symbol": name})
        today = fields.Date.context_today(self.env.user)
        for age, rate in enumerate(reversed(rates)):
            self.env["res.currency.rate"].create(
                {
                    "currency_id": currency.id,
                    "rate": rate,
                    "name": today - timedelta(days=age),
                    "company_id": self.company.id,
                }
            )
        return currency

    def _foreign(self, currency, price, **values):
        product = self._make_product(f"Imported ({currency.name})", self.category)
        self._make_contract(self.vendor, product, price, currency_id=currency.id)
        order = self._order(lines=[(product, 1, price)], currency_id=currency.id, **values)
        order.order_line.price_unit = price
        return order

    def test_limit_counts_in_company_currency(self):
        strong = self._currency("XTB", 0.01, 0.01)  # one unit is worth 100
        order = self._foreign(strong, 300.0)
        order.button_confirm()
        self.assertNotInForce(order)
        self.assertEqual(order.sudo().approval_request_id.amount, 30000)

    def test_back_dated_order_does_not_choose_its_rate(self):
        currency = self._currency("XTC", 0.012, 0.01)
        cheap_day = fields.Date.context_today(self.env.user) - timedelta(days=100)
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "rate": 100.0, "name": cheap_day, "company_id": self.company.id}
        )
        order = self._foreign(currency, 300.0, date_order=fields.Datetime.now() - timedelta(days=100))
        order.button_confirm()
        self.assertNotInForce(order)
        self.assertEqual(order.sudo().approval_request_id.amount, 30000)

    def test_no_rate_and_odd_rate_hold(self):
        for currency in (self._currency("XTD"), self._currency("XTE", 1.0, 50.0)):
            order = self._foreign(currency, 10.0)
            order.button_confirm()
            self.assertNotInForce(order)
            self.assertEqual(order.approval_state, "on_hold")
        order = self._foreign(self._currency("XTF", 1.0, 1.1), 10.0)
        order.button_confirm()
        self.assertEqual(order.state, "purchase", "an ordinary rate passes")

    def test_rate_that_moved_between_approval_and_confirmation(self):
        currency = self._currency("XTG", 0.1, 0.1)
        order = self._foreign(currency, 500.0)
        order.button_confirm()
        self._decide(order, "Purchasing", self.manager)
        rate = currency.rate_ids.sorted("name")[-1]
        rate.rate = 0.085  # now worth 5,882 instead of 5,000
        self.env.invalidate_all()
        self.assertFalse(self._resume(order))
        self.assertNotInForceButApproved(order)

    def assertNotInForceButApproved(self, order):
        self.assertEqual(order.state, "to approve")
        self.assertFalse(order.sudo().picking_ids)

    def test_time_zone_of_the_client_does_not_choose_the_day(self):
        """``tz`` comes from the client: tomorrow's rate is not today's."""
        currency = self._currency("XTH", 0.01, 0.01)
        today = fields.Date.context_today(self.env.user)
        for days in (1, -0):
            if days:
                self.env["res.currency.rate"].create(
                    {
                        "currency_id": currency.id,
                        "rate": 0.0124,
                        "name": today + timedelta(days=days),
                        "company_id": self.company.id,
                    }
                )
        amounts = set()
        for zone in ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"):
            order = self._foreign(currency, 300.0)
            order.with_context(tz=zone).button_confirm()
            amounts.add(order.sudo().approval_request_id.amount)
        self.assertEqual(len(amounts), 1, amounts)

    # ------------------------------------------------------------ contract prices

    def test_learned_price_is_no_contract(self):
        product = self._make_product("Washer", self.category)
        order = self._order(lines=[(product, 10, 50.0)])
        order.button_confirm()
        self.assertNotInForce(order)
        self._decide(order, "Categories", self.category_manager)
        self.assertTrue(self._resume(order))
        learned = product.sudo().seller_ids
        self.assertEqual(learned.mapped("contract_state"), ["learned"])
        again = self._order(lines=[(product, 10, 50.0)])
        again.button_confirm()
        self.assertNotInForce(again)
        learned.with_user(self.compliance).sudo().action_make_contract()
        third = self._order(lines=[(product, 10, 50.0)])
        third.button_confirm()
        self.assertEqual(third.state, "purchase", "a confirmed contract price passes")

    def test_price_learned_in_the_same_batch(self):
        product = self._make_product("Rivet", self.category)
        orders = self._order(lines=[(product, 10, 50.0)]) | self._order(lines=[(product, 10, 50.0)])
        orders.with_user(self.buyer).button_confirm()
        self.assertFalse(orders.filtered(lambda order: order.state == "purchase"))

    def test_buyer_writes_his_own_contract(self):
        prices = self.env["product.supplierinfo"].with_user(self.manager)  # may edit vendor prices
        product = self._make_product("Pin", self.category)
        values = {
            "partner_id": self.vendor.id,
            "product_tmpl_id": product.product_tmpl_id.id,
            "price": 50,
            "min_qty": 0,
        }
        self.assertEqual(prices.create(values).contract_state, "proposed")
        with self.assertRaises(AccessError):
            prices.create({**values, "contract_state": "contract"})
        forged = prices.with_context(default_contract_state="contract").create(values)
        self.assertEqual(forged.contract_state, "proposed", "a default from the client is not a contract")
        if IS_17:  # purchase managers do not edit products on 19.0
            product.product_tmpl_id.with_user(self.manager).with_context(default_contract_state="contract").write(
                {"seller_ids": [Command.create({"partner_id": self.vendor.id, "price": 50, "min_qty": 0})]}
            )
        self.assertEqual(set(product.seller_ids.mapped("contract_state")), {"proposed"})
        result = prices.load(
            ["partner_id/.id", "product_tmpl_id/.id", "price", "contract_state"],
            [[str(self.vendor.id), str(product.product_tmpl_id.id), "50", "contract"]],
        )
        self.assertFalse(result["ids"])
        with self.assertRaises(AccessError):
            forged.write({"contract_state": "contract"})
        with self.assertRaises(AccessError):
            forged.action_make_contract()
        contract = self._make_contract(self.vendor, product, 50.0)
        self.assertEqual(contract.with_user(self.manager).copy().contract_state, "proposed")
        for change in ({"price": 500}, {"min_qty": 5}, {"date_end": "2000-01-01"}, {"product_id": product.id}):
            contract = self._make_contract(self.vendor, product, 50.0)
            contract.with_user(self.manager).write(change)
            self.assertEqual(contract.contract_state, "proposed", change)
            contract.unlink()
        contract = self._make_contract(self.vendor, product, 50.0)
        contract.with_user(self.manager).write({"delay": 9, "product_code": "X"})
        self.assertEqual(contract.contract_state, "contract", "the delivery time is not the price")

    def test_unit_of_a_contract_price(self):
        """Changing the product's purchase unit must not turn a price per dozen into one per piece."""
        dozen, unit = self.env.ref("uom.product_uom_dozen"), self.env.ref("uom.product_uom_unit")
        product = self._make_product("Screw", self.category)
        if IS_17:
            product.uom_po_id = dozen
            self._make_contract(self.vendor, product, 120.0)
            product.product_tmpl_id.with_user(self.manager).write({"uom_po_id": unit.id})
        else:
            contract = self._make_contract(self.vendor, product, 120.0, product_uom_id=dozen.id)
            contract.with_user(self.manager).write({"product_uom_id": unit.id})
        order = self._order(lines=[(product, 10, 120.0)])
        order.button_confirm()
        self.assertNotInForce(order)

    # ---------------------------------------------------------------- amendments

    def test_amendment_is_judged_on_what_it_leads_to(self):
        order = self._passed(1000)
        payload = {"order_line": [Command.update(order.order_line.id, {"product_qty": 9000})]}
        amendments = self.env["distribution.approval.amendment"]
        amendments.with_user(self.buyer)._propose(order.with_user(self.buyer), payload, "More")
        self.assertEqual(order.order_line.product_qty, 100)
        request = order.sudo().approval_request_id
        self.assertEqual(request.amount, 90000)
        for name in ("Purchasing", "Finance", "Operations"):
            self.assertIn(name, request.task_ids.mapped("name"))

    def test_amendment_on_hold_is_not_approved_by_what_is_in_force(self):
        """Policy cannot judge the change: judging again judges the change, not the old order."""
        order = self._passed(1000)
        no_rate = self._currency("XTI")
        payload = {
            "currency_id": no_rate.id,
            "order_line": [Command.update(order.order_line.id, {"product_qty": 9000, "price_unit": 10})],
        }
        self.env["distribution.approval.amendment"].with_user(self.buyer)._propose(
            order.with_user(self.buyer), payload, "x"
        )
        request = order.sudo().approval_request_id
        self.assertEqual(request.state, "on_hold")
        self.env["distribution.approval.request"]._cron_retry_on_hold()
        self.assertEqual(request.state, "on_hold")
        request._resume()
        self.assertEqual(order.order_line.product_qty, 100)
        self.assertEqual(order.currency_id, self.company.currency_id)
        # With a rate it is judged, on what it leads to.
        today = fields.Date.context_today(self.env.user)
        self.env["res.currency.rate"].create(
            {"currency_id": no_rate.id, "rate": 1.0, "name": today, "company_id": self.company.id}
        )
        self.env["distribution.approval.request"]._cron_retry_on_hold()
        self.assertEqual(request.state, "pending")
        self.assertEqual(request.amount, 90000)

    def test_amendment_sent_back_can_be_asked_again(self):
        order = self._passed(1000)
        payload = {"order_line": [Command.update(order.order_line.id, {"product_qty": 600})]}
        self.env["distribution.approval.amendment"].with_user(self.buyer)._propose(
            order.with_user(self.buyer), payload, "x"
        )
        request = order.sudo().approval_request_id
        self._decide(order, "Purchasing", self.manager, "request_revision", comment="Why so many?")
        self.assertEqual(request.state, "revision")
        action = request.with_user(self.buyer).action_resubmit()
        proposal = self.env[action["res_model"]].with_user(self.buyer).browse(action["res_id"])
        proposal.reason = "For the new plant"
        proposal.action_confirm()
        self.assertEqual(request.state, "void", "the one that came back is replaced")
        self._decide(order, "Purchasing", self.manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(order.order_line.product_qty, 600)

    def test_amendment_by_who_may_not_change_the_order(self):
        order = self._passed(1000)
        payload = {"order_line": [[1, order.order_line.id, {"product_qty": 105}]]}
        wizard = self.env["distribution.approval.amend"]
        for user in (self.employee, self.auditor, self.finance):
            with self.assertRaises(AccessError):
                wizard.with_user(user).create(
                    {"res_model": "purchase.order", "res_id": order.id, "payload": json.dumps(payload), "reason": "x"}
                ).action_confirm()
        for model in ("res.users", "distribution.approval.release", "no.such.model"):
            with self.assertRaises(UserError):
                wizard.with_user(self.buyer).create(
                    {"res_model": model, "res_id": 1, "payload": json.dumps(payload), "reason": "x"}
                ).action_confirm()
        for garbage in ("", "{", "[]", "null", "7", '{"no_such_field": 1}'):
            with self.assertRaises(Exception):  # noqa: B017 – any refusal will do
                wizard.with_user(self.buyer).create(
                    {"res_model": "purchase.order", "res_id": order.id, "payload": garbage, "reason": "x"}
                ).action_confirm()
        self.assertContentKept(order)

    def test_amendment_cannot_smuggle_a_state(self):
        order = self._passed(1000)
        other = self._held(9000)
        wizard = self.env["distribution.approval.amend"].with_user(self.buyer)
        payload = {
            "order_line": [
                [1, order.order_line.id, {"product_qty": 105}],
                [1, other.order_line.id, {"product_qty": 1000}],
            ]
        }
        proposal = wizard.create(
            {"res_model": "purchase.order", "res_id": order.id, "payload": json.dumps(payload), "reason": "x"}
        )
        proposal.action_confirm()
        self._resume(order)
        self.assertNotInForce(other)
        self.assertEqual(other.sudo().approval_request_id.state, "pending")
        with self._refused():
            proposal = wizard.create(
                {
                    "res_model": "purchase.order",
                    "res_id": order.id,
                    "payload": json.dumps({"approval_state": "released", "partner_ref": "x"}),
                    "reason": "x",
                }
            )
            proposal.action_confirm()

    # -------------------------------------------------------------- partner tricks

    def test_unapproved_vendor_under_the_roof_of_an_approved_one(self):
        """A contact of an approved vendor is that vendor; somebody else's company is not."""
        clerk = new_test_user(
            self.env, login="t_clerk", groups="base.group_user,base.group_partner_manager,purchase.group_purchase_user"
        )
        own_company = (
            self.env["res.partner"]
            .with_user(clerk)
            .create({"name": "My cousin Ltd", "is_company": True, "parent_id": self.vendor.id})
        )
        order = self._order(1000, user=clerk, vendor=own_company)
        order.button_confirm()
        self.assertNotInForce(order)
