"""Attacks on sale orders: every door that leads to a confirmed order, and out of what was approved."""

import contextlib

from odoo import SUPERUSER_ID, Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from ..models.gate_frame import gate_frame
from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestAttacksSale(SalesCase):
    def _actors(self):
        return self.seller, self.sales_manager, self.env.ref("base.user_admin")

    def test_state_written_from_everywhere(self):
        cancelled = self._quotation(discount=15)
        cancelled._action_cancel()
        for order in (self._quotation(discount=15), self._quotation(state="sent"), self._held_quotation(), cancelled):
            for actor in self._actors():
                with self.subTest(start=order.state, actor=actor.login):
                    for attempt in (
                        lambda order=order, actor=actor: order.with_user(actor).write({"state": "sale"}),
                        lambda order=order, actor=actor: order.with_user(actor).update({"state": "sale"}),
                        lambda order=order, actor=actor: order.with_user(actor).sudo().write({"state": "sale"}),
                        lambda order=order: order.with_user(SUPERUSER_ID).write({"state": "sale"}),
                    ):
                        with self._refused():
                            attempt()
                    self.assertNotInForce(order)

    def test_created_in_force(self):
        line = {"product_id": self.bolt.id, "product_uom_qty": 1, "price_unit": 10}
        values = {"partner_id": self.customer.id, "order_line": [Command.create(line)]}
        orders = self.env["sale.order"].with_user(self.seller)
        for attempt in (
            lambda: orders.create({**values, "state": "sale"}),
            lambda: orders.sudo().create({**values, "state": "sale"}),
            lambda: orders.with_context(default_state="sale").create(values),
            lambda: self._quotation().copy({"state": "sale"}),
            lambda: orders.create([dict(values), {**values, "state": "sale"}]),
        ):
            with self._refused():
                attempt()
        self.assertEqual(orders.create(values).state, "draft")

    def test_imported_in_force(self):
        names = ["partner_id/.id", "state", "order_line/product_id/.id", "order_line/product_uom_qty"]
        row = [str(self.customer.id), "sale", str(self.bolt.id), "1"]
        with mute_logger("odoo.sql_db"):
            result = self.env["sale.order"].with_user(self.seller).load(names, [row])
            self.assertFalse(result["ids"], result)
            held = self._held_quotation()
            result = self.env["sale.order"].with_user(self.seller).load([".id", "state"], [[str(held.id), "sale"]])
        self.assertFalse(result["ids"])
        self.assertNotInForce(held)

    def test_inner_methods_called_by_a_server_action(self):
        for code in (
            "records._action_confirm()",
            "records.write(records._prepare_confirmation_values()); records._action_confirm()",
            "records.with_context(approval_release=True, bypass=True).action_confirm()",
            "records.order_line._action_launch_stock_rule()",
            "records.action_lock(); records.action_confirm()",
        ):
            order = self._held_quotation()
            action = self.env["ir.actions.server"].create(
                {
                    "name": "Shortcut",
                    "model_id": self.env.ref("sale.model_sale_order").id,
                    "state": "code",
                    "code": code,
                }
            )
            with self.subTest(code=code):
                try:
                    with self.env.cr.savepoint():
                        action.with_context(active_model="sale.order", active_id=order.id, active_ids=order.ids).run()
                        self._commit()
                except (UserError, ValueError):
                    pass
                self.assertNotInForce(order)

    def test_sending_a_quotation_confirms_nothing(self):
        order = self._held_quotation()
        action = order.action_quotation_send()
        composer = self.env["mail.compose.message"].with_user(self.seller).with_context(**action["context"]).create({})
        composer._action_send_mail()
        self.assertEqual((order.state, order.approval_state), ("sent", "pending"))
        order.action_confirm()
        self.assertNotInForce(order)

    def test_a_swallowed_refusal_is_met_again_at_the_commit(self):
        order = self._held_quotation()
        with self._refused(), contextlib.suppress(UserError):
            order.write({"state": "sale"})

    def test_state_forged_through_a_stored_compute(self):
        order = self._held_quotation().sudo()
        with self._refused():
            order._write({"state": "sale"})
            order.invalidate_recordset()

    def test_content_after_confirmation(self):
        order = self._confirmed(quantity=100)
        line = order.order_line
        other = self.env["res.partner"].create({"name": "Other"})
        term = self.env["account.payment.term"].create({"name": "120 days"})
        other_site = self.env["stock.warehouse"].create({"name": "Other site", "code": "OTH"})
        extra = {"product_id": self.anchor.id, "product_uom_qty": 1, "price_unit": 100}
        for attempt in (
            lambda: line.write({"price_unit": 7}),
            lambda: line.write({"discount": 12}),
            lambda: line.write({"product_uom_qty": 200}),
            lambda: line.write({"product_uom_qty": 200, "price_unit": 5}),
            lambda: line.write({"product_id": self.anchor.id}),
            lambda: line.sudo().write({"discount": 90}),
            lambda: order.write({"order_line": [Command.create(extra)]}),
            lambda: self.env["sale.order.line"].create({"order_id": order.id, **extra}),
            lambda: order.write({"order_line": [Command.update(line.id, {"discount": 90})]}),
            lambda: order.write({"partner_id": other.id}),
            lambda: order.write({"partner_invoice_id": other.id}),
            lambda: order.write({"partner_shipping_id": other.id}),
            lambda: order.write({"payment_term_id": term.id}),
            lambda: order.sudo().write({"warehouse_id": other_site.id}),
            lambda: order.sudo().write({"currency_id": self.env.ref("base.EUR").id + 1}),
        ):
            with self._refused():
                attempt()
        self.assertContentKept(order)

    def test_tolerance_is_not_walked_up(self):
        order = self._confirmed(quantity=100)  # 1,000: two per cent are 20
        order.order_line.product_uom_qty = 101
        order.order_line.product_uom_qty = 102
        with self._refused():
            order.order_line.product_uom_qty = 103

    def test_a_discount_in_disguise(self):
        order = self._confirmed(quantity=100)
        lines = self.env["sale.order.line"]
        for values in (
            {"product_id": self.service.id, "product_uom_qty": 1, "price_unit": -500},
            # Quantity zero, to be "delivered" by hand and invoiced.
            {"product_id": self.service.id, "product_uom_qty": 0, "price_unit": -500, "qty_delivered": 1},
            {"product_id": self.service.id, "product_uom_qty": 0, "price_unit": -500, "is_downpayment": True},
            {"product_id": self.service.id, "product_uom_qty": -5, "price_unit": 100},
        ):
            with self._refused():
                lines.with_user(self.seller).create({"order_id": order.id, "name": "x", **values})

    def test_a_line_that_pretends_to_be_exempt(self):
        order = self._confirmed(quantity=100)
        flags = {"is_downpayment": True, "is_expense": True}
        with self._refused():
            self.env["sale.order.line"].create(
                {"order_id": order.id, "product_id": self.anchor.id, "product_uom_qty": 5, "price_unit": 1, **flags}
            )
        zero = self.env["sale.order.line"].create(
            {"order_id": order.id, "product_id": self.anchor.id, "product_uom_qty": 0, "price_unit": 1, **flags}
        )
        self._commit()
        with self._refused():
            zero.product_uom_qty = 5

    def _billed(self, product, quantity, price):
        """A posted bill line, and a salesperson who may write bills and what they are booked on."""
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.vendor.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [
                    Command.create(
                        {"product_id": product.id, "quantity": quantity, "price_unit": price, "tax_ids": False}
                    )
                ],
            }
        )
        bill.action_post()
        return bill.invoice_line_ids

    def _claim(self, line, bought, quantity):
        plan = self.env["account.analytic.plan"].search([], limit=1) or self.env["account.analytic.plan"].create(
            {"name": "Plan"}
        )
        job = self.env["account.analytic.account"].create({"name": "Job", "plan_id": plan.id})
        self.env["account.analytic.line"].with_user(self.biller).create(
            {
                "name": "x",
                plan._column_name(): job.id,
                "so_line": line.id,
                "move_line_id": bought.id,
                "unit_amount": quantity,
            }
        )

    def test_a_forged_proof_of_an_expense(self):
        """Quantity zero is exempt; what a bill of something else proves, or of less, makes it no expense."""
        self.biller = self._user(
            "biller",
            "sales_team.group_sale_salesman_all_leads",
            "account.group_account_invoice",
            "analytic.group_analytic_accounting",
        )
        order = self._confirmed(quantity=100)
        lines = self.env["sale.order.line"].with_user(self.biller)

        def line_of(product):
            return lines.create({"order_id": order.id, "product_id": product.id, "product_uom_qty": 0})

        def expense(quantity, price):
            return {"is_expense": True, "product_uom_qty": quantity, "price_unit": price}

        other = self.service.copy({"name": "Other work"})
        for words, product, price, bought, quantity in (
            ("stored goods", self.bolt, 0, self._billed(self.service, 1, 1), 100),
            ("stored goods that were bought", self.bolt, 10, self._billed(self.bolt, 100, 5), 100),
            ("another product", self.service, 50, self._billed(other, 100, 5), 100),
            ("more than was bought", self.service, 50, self._billed(self.service, 1, 5), 100),
            ("below its cost", self.service, 4, self._billed(self.service, 100, 5), 100),
        ):
            with self.subTest(words):
                line = line_of(product)
                self._commit()
                self._claim(line, bought, quantity)
                with self._refused():
                    line.write(expense(quantity, price))
        bought = self._billed(self.service, 100, 5)
        first, second = line_of(self.service), line_of(self.service)
        for line in (first, second):
            self._claim(line, bought, 100)
        first.write(expense(100, 5))
        self._commit()
        self.assertEqual((first.price_unit, first.product_uom_qty), (5, 100), "what is proven goes through")
        with self.subTest("claimed twice"), self._refused():
            second.write(expense(100, 5))

    def test_a_price_override_between_approval_and_confirmation(self):
        order = self._held_quotation()
        self._decide(order, "Sales", self.sales_manager)
        order.order_line.discount = 35
        self.assertFalse(self._releases(order))
        self._resume(order)
        order.action_confirm()
        self.assertNotInForce(order)

    def test_a_confirmed_order_detours_over_draft(self):
        order = self._confirmed()
        with self._refused():
            order.write({"state": "draft"})
            order.order_line.discount = 50
            order.write({"state": "sale"})
        with self._refused(), gate_frame(self.env):
            order.order_line.discount = 50
            order.write({"state": "sale"})

    def test_raw_sql_is_found_by_the_control(self):
        order = self._held_quotation()
        self.env.flush_all()
        self.env.cr.execute("UPDATE sale_order SET state = 'sale' WHERE id = %s", (order.id,))
        self.env.invalidate_all()
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 1)

    def test_forged_evidence(self):
        order = self._held_quotation()
        request = order.sudo().approval_request_id
        for actor in self._actors():
            for attempt in (
                lambda actor=actor: request.with_user(actor).write({"state": "approved"}),
                lambda actor=actor: request.task_ids.with_user(actor).write({"state": "approved"}),
                lambda actor=actor: order.with_user(actor).write({"approval_state": "released"}),
                lambda actor=actor: (
                    self.env["distribution.approval.release"]
                    .with_user(actor)
                    .create({"res_model": "sale.order", "res_id": order.id, "kind": "approval"})
                ),
            ):
                with self.assertRaises(AccessError):
                    attempt()
        self.assertNotInForce(order)

    def test_another_company_or_site_does_not_free_a_held_order(self):
        order = self._held_quotation()
        company = self.env["res.company"].create({"name": "Elsewhere"})
        try:
            with self.env.cr.savepoint():
                order.sudo().write({"company_id": company.id})
                order.sudo().with_company(company).action_confirm()
                self._commit()
        except Exception:
            order.invalidate_recordset()
        self.assertNotEqual((order.sudo().state, order.sudo().company_id), ("sale", self.company))

    def test_only_who_may_write_asks(self):
        order = self._quotation(discount=15)
        with self.assertRaises(AccessError):
            order.with_user(self.credit_controller).action_confirm()
        self.assertFalse(order.approval_state)
