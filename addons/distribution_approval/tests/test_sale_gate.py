"""A sale order meets the policy: passes, is held, is refused, is released; and its facts."""

from datetime import timedelta
from decimal import Decimal

from odoo import Command, fields
from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.tests import Form, tagged

from ..engine import Unknown
from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestSaleGate(SalesCase):
    def _facts(self, order, *names):
        facts = order.sudo()._approval_facts(set(names))[order.id]
        return facts[names[0]] if len(names) == 1 else [facts[name] for name in names]

    def test_within_policy_passes_without_a_human(self):
        order = self._confirmed()
        self.assertTrue(order.sudo().picking_ids)
        self.assertEqual(self._releases(order).kind, "policy")
        self.assertFalse(order.sudo().approval_request_id)
        self.assertEqual(self.env["distribution.event"]._last_for(order).type, "distribution.sale_order.passed.v1")

    def test_discount_is_held_and_released_as_the_requester(self):
        order = self._held_quotation()
        self.assertFalse(order.sudo().picking_ids)
        self.assertEqual(order.sudo().approval_request_id.waiting_for, "Sales")
        self.assertIn("Discount", order.approval_banner)
        order.action_confirm()
        self.assertEqual(order.sudo().approval_request_count, 1, "asking twice files one request")
        self._decide(order, "Sales", self.sales_manager)
        self.assertEqual((order.state, order.approval_state), ("draft", "approved"))
        self.assertTrue(self._resume(order))
        self.assertEqual((order.state, order.approval_state), ("sale", "released"))
        self.assertEqual(len(order.sudo().picking_ids), 1)

    def test_below_cost_is_refused(self):
        order = self._quotation(price=5.0)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "refused"))
        with self.assertRaises(UserError):
            order.action_confirm()
        order.order_line.price_unit = 10.0
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("sale", "passed"))

    def test_one_held_quotation_does_not_stop_the_others(self):
        passing, held, refused = self._quotation(), self._quotation(discount=20), self._quotation(price=1)
        (passing | held | refused).action_confirm()
        self.assertEqual([order.state for order in (passing, held, refused)], ["sale", "draft", "draft"])
        self.assertEqual([order.approval_state for order in (passing, held, refused)], ["passed", "pending", "refused"])

    def test_rejected_withdrawn_cancelled_reset(self):
        rejected = self._held_quotation()
        self._decide(rejected, "Sales", self.sales_manager, "reject", comment="No", reason_code="sale_margin")
        self.assertEqual((rejected.state, rejected.approval_state), ("draft", "rejected"))
        withdrawn = self._held_quotation()
        withdrawn.action_approval_withdraw()
        self.assertEqual(withdrawn.approval_state, "withdrawn")
        cancelled = self._held_quotation()
        request = cancelled.sudo().approval_request_id
        cancelled._action_cancel()
        self.assertEqual(request.state, "void")
        self.assertFalse(cancelled.approval_state)
        cancelled.action_draft()
        cancelled.action_confirm()
        self.assertNotEqual(cancelled.sudo().approval_request_id, request)

    def test_a_confirmed_order_cancelled_and_reset_is_judged_anew(self):
        order = self._confirmed()
        order._action_cancel()
        self.assertFalse(self._releases(order))
        order.action_draft()
        order.order_line.discount = 30
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))

    def test_a_copy_inherits_nothing(self):
        order = self._held_quotation()
        self._decide(order, "Sales", self.sales_manager)
        self._resume(order)
        copy = order.copy()
        self.assertFalse(copy.approval_state)
        copy.order_line.discount = 15
        copy.action_confirm()
        self.assertEqual((copy.state, copy.approval_state), ("draft", "pending"))

    def test_changed_while_it_waits_is_asked_again(self):
        order = self._held_quotation()
        task = self._task(order, "Sales")
        order.order_line.discount = 20
        with self.assertRaises(UserError):
            task.with_user(self.sales_manager).action_decide("approve", task.digest)
        self.assertEqual(order.sudo().approval_request_id.round, 2)
        self._decide(order, "Sales", self.sales_manager)
        self._resume(order)
        self.assertEqual(order.state, "sale")

    def test_amendment_of_a_confirmed_order(self):
        order = self._confirmed()
        line = order.order_line
        with self.assertRaises(RedirectWarning):
            line.discount = 15
        payload = {"order_line": [Command.update(line.id, {"discount": 15.0})]}
        self.env["distribution.approval.amendment"].with_user(self.seller)._propose(order, payload, "Agreed")
        self.assertEqual(line.discount, 0)
        self._decide(order, "Sales", self.sales_manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(line.discount, 15)

    def test_nobody_approves_their_own(self):
        order = self._quotation(discount=15, user=self.sales_manager)
        order.action_confirm()
        self.assertNotIn(self.sales_manager, self._task(order, "Sales").user_ids)
        handed_on = self._quotation(discount=15)
        handed_on.sudo().user_id = self.sales_manager
        handed_on.sudo().user_id = self.seller
        handed_on.action_confirm()
        self.assertNotIn(self.sales_manager, self._task(handed_on, "Sales").user_ids)

    def test_an_approver_reads_what_they_judge_and_no_more(self):
        order, other = self._quotation(quantity=3000), self._quotation()
        order.action_confirm()  # 30,000: Sales, and Credit
        names = {"Sales", "Credit"}
        self.assertEqual(set(order.sudo().approval_request_id.task_ids.mapped("name")), names)
        seen = order.with_user(self.credit_controller)
        for model in ("mrp.bom", "mrp.bom.line"):
            # With Manufacturing, core asks bills of materials for what is available: a role that
            # the company has to give to whoever opens sale orders.
            if model in self.env:
                self.env["ir.model.access"].create(
                    {
                        "name": model,
                        "model_id": self.env["ir.model"]._get(model).id,
                        "group_id": self.env.ref("distribution_core.group_approver").id,
                        "perm_read": True,
                    }
                )
        with Form(seen) as form:
            self.assertEqual(form.partner_id.name, "Builders")
            self.assertEqual(len(form.order_line), 1)
        self.assertFalse(self.env["sale.order"].with_user(self.credit_controller).search([("id", "=", other.id)]))
        with self.assertRaises(AccessError):
            seen.write({"note": "x"})
        self.assertEqual(
            self.env["sale.order"].with_user(self.auditor).search_count([("id", "in", (order + other).ids)]), 2
        )

    def test_a_salesperson_who_approves_still_sees_own_orders_only(self):
        self.seller_2.write(
            {
                "groups_id" if "groups_id" in self.seller_2._fields else "group_ids": [
                    Command.link(self.env.ref("distribution_core.group_approver").id)
                ]
            }
        )
        order = self._quotation()
        self.assertFalse(self.env["sale.order"].with_user(self.seller_2).search([("id", "=", order.id)]))

    # ------------------------------------------------------------------ facts

    def test_discounts(self):
        order = self._quotation(lines=[(self.bolt, 90, 10.0, 0.0), (self.anchor, 1, 100.0, 50.0)])
        self.assertEqual(self._facts(order, "discount", "discount_worst_line"), [5, 50])
        order.write({"order_line": [Command.create({"product_id": self.service.id, "price_unit": -100})]})
        self.assertEqual(self._facts(order, "discount", "negative_line"), [15, True])

    def test_margin_takes_the_higher_cost(self):
        order = self._quotation(quantity=10, price=10.0)
        names = ("margin_amount", "margin_percent", "margin_worst_line")
        self.assertEqual(self._facts(order, *names), [40, 40, 40])
        order.order_line.purchase_price = 1.0  # typed over to look better
        self.assertEqual(self._facts(order, *names), [40, 40, 40])
        order.order_line.purchase_price = 8.0
        self.assertEqual(self._facts(order, *names), [20, 20, 20])

    def test_goods_without_cost_are_held(self):
        self.bolt.standard_price = 0
        order = self._quotation()
        self.assertIsInstance(self._facts(order, "margin_percent"), Unknown)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "on_hold"))
        self.assertIn("Hex bolt has no cost", order.sudo().approval_request_id.reason)
        self.bolt.standard_price = 6
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_price_under_the_customers_own_list(self):
        order = self._quotation(price=8.0)
        self.assertEqual(self._facts(order, "price_under_list"), 20, "against the list price of the product")
        # 19.0 follows price lists only where the company uses them.
        pricelists = self.env.ref("product.group_product_pricelist")
        self.env.ref("base.group_user").write({"implied_ids": [Command.link(pricelists.id)]})
        own = self.env["product.pricelist"].create(
            {
                "name": "Builders",
                "item_ids": [
                    Command.create(
                        {"compute_price": "fixed", "fixed_price": 8.0, "product_tmpl_id": self.bolt.product_tmpl_id.id}
                    )
                ],
            }
        )
        self.customer.with_company(self.company).property_product_pricelist = own
        self.env.invalidate_all()
        self.assertEqual(self._facts(order, "price_under_list"), 0)
        order.order_line.discount = 10
        self.assertEqual(self._facts(order, "price_under_list"), 10)
        # A cheaper list chosen on the order changes nothing.
        order.pricelist_id = own.copy(
            {
                "item_ids": [
                    Command.clear(),
                    Command.create({"compute_price": "percentage", "percent_price": 90, "applied_on": "3_global"}),
                ]
            }
        )
        order.order_line.write({"price_unit": 8.0, "discount": 50.0})
        self.assertEqual(self._facts(order, "price_under_list"), 50)

    def test_credit(self):
        names = ("credit_exposure", "credit_limit", "credit_over_limit", "overdue_days")
        order = self._quotation(quantity=500)
        self.assertEqual(self._facts(order, *names), [5000, 20000, 0, 0])
        self._confirmed(quantity=900)
        self.assertEqual(self._facts(order, "credit_exposure"), 14000, "what is confirmed and not invoiced")
        invoice = self._invoice(3000, overdue=12)
        self.assertEqual(self._facts(order, *names), [17000, 20000, 0, 12])
        order.order_line.product_uom_qty = 900
        self.assertEqual(self._facts(order, "credit_exposure", "credit_over_limit"), [21000, 1000])
        order.action_confirm()
        self.assertEqual(order.sudo().approval_request_id.waiting_for, "Credit")
        self.assertTrue(invoice)

    def _invoice(self, amount, overdue=0, partner=None):
        """A posted invoice of ``amount`` that is ``overdue`` days late."""
        day = fields.Date.today() - timedelta(days=overdue)
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": (partner or self.customer).id,
                "invoice_date": day,
                "invoice_date_due": day,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create({"name": "Goods", "quantity": 1, "price_unit": amount, "tax_ids": False})
                ],
            }
        )
        invoice.action_post()
        return invoice

    def test_an_invoiced_order_is_not_counted_twice(self):
        order = self._confirmed(quantity=500)
        probe = self._quotation(quantity=1)
        self.assertEqual(self._facts(probe, "credit_exposure"), 5010)
        order.sudo()._create_invoices().action_post()
        self.assertEqual(self._facts(probe, "credit_exposure"), 5010)

    def test_a_down_payment_is_counted_once(self):
        order = self._confirmed(quantity=500)
        self._down_payment(order)
        self.assertEqual(self._facts(self._quotation(quantity=1), "credit_exposure"), 5010)

    def _down_payment(self, order, percent=20):
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=order.ids)
            .create(
                {"advance_payment_method": "percentage", "amount": percent, "sale_order_ids": [Command.set(order.ids)]}
            )
        )
        wizard._create_invoices(order.sudo()).action_post()

    def test_a_forged_total_hides_nothing(self):
        order = self._confirmed(quantity=900)
        order.sudo().order_line.write({"price_subtotal": 0, "price_total": 0})
        order.sudo().write({"amount_total": 0, "amount_untaxed": 0})
        self.assertEqual(self._facts(self._quotation(quantity=1), "credit_exposure"), 9010)

    def test_contacts_of_the_customer_share_its_credit(self):
        self._confirmed(quantity=900)
        site = self.env["res.partner"].create({"name": "Site office", "parent_id": self.customer.id})
        order = self._quotation(quantity=100, partner_id=site.id)
        self.assertEqual(self._facts(order, "credit_exposure", "credit_limit"), [10000, 20000])

    def test_orders_confirmed_together_add_up(self):
        orders = self.env["sale.order"].union(*(self._quotation(quantity=800) for _number in range(3)))
        orders.action_confirm()
        self.assertEqual(orders.sorted("id").mapped("state"), ["sale", "sale", "draft"])

    def test_no_limit_is_no_limit(self):
        self.customer.with_company(self.company).credit_limit = 0
        order = self._quotation(quantity=900)
        self.assertEqual(self._facts(order, "credit_limit", "credit_over_limit"), [None, 0])

    def test_foreign_currency_at_todays_rate(self):
        currency = self.env["res.currency"].create({"name": "XTS", "symbol": "X", "rounding": 0.01})
        pricelist = self.env["product.pricelist"].create({"name": "Foreign", "currency_id": currency.id})
        order = self._quotation(quantity=10, pricelist_id=pricelist.id)
        order.order_line.price_unit = 10.0
        self.assertIsInstance(self._facts(order, "amount"), Unknown)
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "rate": 2.0, "name": "2020-01-01", "company_id": self.company.id}
        )
        self.assertEqual(self._facts(order, "amount"), 50)
        self.assertEqual(self._facts(order, "credit_exposure"), 50)

    def test_rush_terms_tier(self):
        self.bolt.sale_delay = 7
        order = self._quotation()
        self.assertEqual(self._facts(order, "rush", "days_short_of_lead_time"), [False, 0])
        order.commitment_date = fields.Datetime.now() + timedelta(days=2)
        self.assertEqual(self._facts(order, "rush", "days_short_of_lead_time"), [True, 5])
        self.assertFalse(self._facts(order, "own_terms"))
        order.payment_term_id = self.env["account.payment.term"].create({"name": "90 days"})
        self.assertTrue(self._facts(order, "own_terms"))
        self.assertEqual(self._facts(order, "customer_tier"), "standard")
        self.customer.with_user(self.sales_manager).sudo().customer_tier = "strategic"
        self.assertEqual(self._facts(order, "customer_tier"), "strategic")

    def test_every_fact_is_provided(self):
        order = self._quotation()
        specs = order._approval_fact_specs()
        facts = order.sudo()._approval_facts(set(specs))[order.id]
        self.assertEqual(set(facts), set(specs))
        self.assertFalse([name for name, value in facts.items() if isinstance(value, Unknown)])
        self.assertIsInstance(facts["amount"], Decimal)

    def test_the_tier_is_not_everybodys(self):
        partner = self.customer.with_user(self._user("master_data", "base.group_partner_manager"))
        for attempt in (
            lambda: partner.write({"customer_tier": "strategic"}),
            lambda: partner.sudo().write({"customer_tier": "strategic"}),
        ):
            with self.assertRaises(AccessError):
                attempt()
        created = partner.create({"name": "New", "customer_tier": "strategic"})
        self.assertEqual(created.customer_tier, "standard")
        self.customer.customer_tier = "strategic"
        contact = partner.create({"name": "Contact", "parent_id": self.customer.id})
        self.assertEqual(contact.customer_tier, "strategic")
        contact.parent_id = False
        self.assertEqual(contact.customer_tier, "standard")
