"""Budgets: put in force by somebody else, used up by what was really ordered and billed, known to policies."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged

from .test_requisition import RequisitionCase

BUDGET = "distribution.budget"
LINE = "distribution.budget.line"


class BudgetCase(RequisitionCase):
    @classmethod
    def _rules(cls):
        return [
            ("Within budget", "pass", [("over_budget", "is_false")], []),
            ("Over budget", "require", [("over_budget", "is_true")], ["Finance"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.controller = new_test_user(
            cls.env, login="t_controller", groups="base.group_user,procurement_automation.group_budget_manager"
        )
        cls.controller_2 = new_test_user(
            cls.env, login="t_controller_2", groups="base.group_user,procurement_automation.group_budget_manager"
        )
        # Finance pays for what the requester asks for.
        cls._report_to(cls.requester, cls.finance)

    @classmethod
    def _stage(cls, sequence, group):
        if group != "Budget owner":
            return super()._stage(sequence, group)
        return Command.create({"sequence": sequence, "approver_kind": "budget_owner", "quorum": 1, "name": group})

    def _budget(self, amount=1000, owner=None, category=None, activate=True, **values):
        today = fields.Date.today()
        budget = (
            self.env[BUDGET]
            .with_user(self.controller)
            .create(
                {
                    "name": "Workshop",
                    "owner_id": owner.id if owner else False,
                    "date_from": today - timedelta(days=30),
                    "date_to": today + timedelta(days=30),
                    "line_ids": [(0, 0, {"category_id": category.id if category else False, "amount": amount})],
                    **values,
                }
            )
        )
        if activate:
            budget.action_activate()
        return budget

    def _paid_by(self, order, owner):
        """The order, on which the server named a budget; people may not name another's."""
        order.sudo().budget_owner_id = owner
        return order

    def _figures(self, budget):
        budget.action_refresh()
        line = budget.line_ids
        return line.actual, line.committed, line.reserved, line.waiting, line.available

    def _bill(self, order):
        order.sudo().action_create_invoice()
        bill = order.sudo().invoice_ids.filtered(lambda bill: bill.state == "draft")
        bill.invoice_date = fields.Date.today()
        bill.action_post()
        return bill


@tagged("post_install", "-at_install")
class TestBudget(BudgetCase):
    def test_from_request_to_bill(self):
        (self.product | self.product_2).purchase_method = "purchase"
        budget = self._budget(1000, self.finance)
        requisition = self._requisition(30, budget_owner_id=self.finance.id)
        self.assertEqual(self._figures(budget), (0, 0, 0, 0, 1000))
        requisition.action_submit()
        self.assertEqual(self._figures(budget), (0, 0, 300, 0, 700), "approved is reserved")
        order = self._ordered(requisition, quantity=20)
        self.assertEqual(self._figures(budget), (0, 0, 300, 0, 700), "a quotation spends nothing")
        order.button_confirm()
        self.assertEqual(self._figures(budget), (0, 200, 100, 0, 700), "ordered is committed")
        order.sudo().action_create_invoice()
        self.assertEqual(self._figures(budget), (0, 200, 100, 0, 700), "a draft bill spends nothing and frees nothing")
        order.sudo().invoice_ids.unlink()
        self._bill(order)
        self.assertEqual(self._figures(budget), (200, 0, 100, 0, 700), "billed is spent")
        self.assertEqual(budget.line_ids.used_percent, 30)
        requisition.line_ids.with_user(self.buyer)._drop("Enough")
        self.assertEqual(self._figures(budget), (200, 0, 0, 0, 800))
        self.assertTrue(budget.refreshed_at)

    def test_the_requester_does_not_choose_the_budget(self):
        """The category of a product is its own, whatever the requisition calls it."""
        self._budget(100, self.finance)
        other = self.env["product.category"].create({"name": "Office"})
        requisition = self._requisition(80, budget_owner_id=self.finance.id)
        requisition.line_ids.category_id = other
        self.assertTrue(requisition._approval_facts({"over_budget"})[requisition.id]["over_budget"])

    def test_goods_that_never_come_are_not_committed(self):
        budget = self._budget(1000)
        order = self._order(200)
        order.button_confirm()
        self.assertEqual(self._figures(budget)[1], 200)
        picking = order.sudo().picking_ids
        picking.move_ids.write({"quantity": 5, "picked": True})
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=picking.ids).button_validate()
        self.assertEqual(self._figures(budget)[1], 50, "five came, the rest was called off")

    def test_over_budget_is_a_fact(self):
        self._budget(1000, self.finance)
        first = self._requisition(80, budget_owner_id=self.finance.id)
        first.action_submit()
        self.assertEqual(first.state, "approved")
        second = self._requisition(30, budget_owner_id=self.finance.id)
        second.action_submit()
        self.assertEqual((second.state, second.approval_state), ("to_approve", "pending"))
        third = self._requisition(20, budget_owner_id=self.finance.id)
        third.action_submit()
        self.assertEqual(third.state, "approved", "what waits uses nothing; to the cent is not over")
        facts = second.sudo()._approval_facts({"over_budget", "no_budget", "budget_used"})[second.id]
        self.assertEqual((facts["over_budget"], facts["no_budget"], facts["budget_used"]), (True, False, 130))

    def test_requests_judged_together_add_up(self):
        self._budget(1000)
        both = self._requisition(60) | self._requisition(60)
        both.action_submit()
        self.assertEqual(sorted(both.mapped("state")), ["approved", "to_approve"])

    def test_orders_know_it(self):
        self._budget(300, self.finance)
        requisition = self._requisition(20, budget_owner_id=self.finance.id)
        requisition.action_submit()
        names = {"over_budget", "no_budget", "budget_used"}
        order = self._ordered(requisition)
        facts = order.sudo()._approval_facts(names)[order.id]
        self.assertFalse(facts["over_budget"], "what was reserved for it is not counted beside it")
        self.assertAlmostEqual(float(facts["budget_used"]), 66.67, 1)
        other = self._paid_by(self._order(200), self.finance)
        facts = other.sudo()._approval_facts(names)[other.id]
        self.assertTrue(facts["over_budget"], "200 of 300 are reserved")
        nobody = self._order(200)
        self.assertTrue(nobody.sudo()._approval_facts(names)[nobody.id]["no_budget"])
        order.button_confirm()
        facts = order.sudo()._approval_facts(names)[order.id]
        self.assertFalse(facts["over_budget"], "it does not count twice against itself")

    def test_a_reservation_makes_room_on_its_own_line_only(self):
        office = self.env["product.category"].create({"name": "Office"})
        held = self._budget(1000, category=office)
        self._budget(150, category=self.category, name="Goods")
        requisition = self._requisition(
            line_ids=[(0, 0, {"name": "A chair", "category_id": office.id, "quantity": 2, "price_unit": 100})]
        )
        requisition.action_submit()
        self.assertEqual(self._figures(held)[2], 200)
        order = self._ordered(requisition, product_id=self.product_2.id, vendor_id=self.vendor.id)
        facts = order.sudo()._budget_facts()[order.id]
        self.assertTrue(facts["over_budget"], "another line pays than the one that it was reserved on")

    def test_what_is_not_reserved_makes_no_room(self):
        self._budget(300, self.finance)
        requisition = self._requisition(20)
        requisition.action_submit()
        order = self._ordered(requisition, quantity=10)
        self.assertAlmostEqual(float(order.sudo()._budget_facts()[order.id]["budget_used"]), 66.67, 1)
        requisition.line_ids.with_user(self.buyer)._drop("Enough")
        self.assertAlmostEqual(float(order.sudo()._budget_facts()[order.id]["budget_used"]), 33.33, 1)
        # The same reservation makes room for one of two orders that are judged at once.
        both = self._requisition(10)
        both.action_submit()
        first = self._ordered(both, quantity=5)
        second = self._ordered(both) - first
        (first | second).order_line.product_qty = 10
        facts = (first | second).sudo()._budget_facts()
        used = sorted(round(float(fact["budget_used"]), 1) for fact in facts.values())
        self.assertEqual(used, [33.3, 66.7])

    def test_the_day_of_the_company(self):
        self.company.resource_calendar_id.tz = "Asia/Tokyo"
        day = fields.Date.today() - timedelta(days=10)
        before = self._budget(1000, date_from=day - timedelta(days=9), date_to=day)
        after = self._budget(1000, date_from=day + timedelta(days=1), date_to=day + timedelta(days=9))
        order = self._order(200)
        order.button_confirm()
        order.sudo().date_approve = f"{day} 20:00:00"
        self.assertEqual((self._figures(before)[1], self._figures(after)[1]), (0, 200), "it was the next day in Tokyo")
        for budget, orders in ((before, []), (after, order.ids)):
            self.assertEqual(budget.line_ids.action_documents()["domain"], [("id", "in", orders)])

    def test_the_period_of_the_need_pays(self):
        today = fields.Date.today()
        now = self._budget(1000, self.finance)
        later = self._budget(
            100, self.finance, date_from=today + timedelta(days=31), date_to=today + timedelta(days=60), name="Next"
        )
        requisition = self._requisition(10, needed_by=today + timedelta(days=40))
        self._requisition(1, needed_by=today - timedelta(days=90)).action_submit()
        requisition.action_submit()
        self.assertEqual((self._figures(now)[2], self._figures(later)[2]), (10, 100), "what is overdue counts today")
        more = self._requisition(1, needed_by=today + timedelta(days=40))
        self.assertTrue(more._approval_facts({"over_budget"})[more.id]["over_budget"])
        order = self._ordered(requisition)
        self.assertFalse(order.sudo()._budget_facts()[order.id]["over_budget"])
        order.button_confirm()
        self.assertEqual((self._figures(now)[1:3], self._figures(later)[1:3]), ((0, 10), (100, 0)))
        self.assertEqual(later.line_ids._orders_paid(), order.ids)

    def test_the_nearest_line_pays(self):
        tools = self.env["product.category"].create({"name": "Tools", "parent_id": self.category.id})
        self.product_2.categ_id = tools
        wide = self._budget(1000, category=self.category)
        narrow = self._budget(500, category=tools, name="Tools")
        order = self._order(lines=[(self.product, 10, 10.0), (self.product_2, 2, 100.0)])
        order.button_confirm()
        self.assertEqual((self._figures(wide)[1], self._figures(narrow)[1]), (100, 200))

    def test_only_one_line_pays(self):
        self._budget(1000, category=self.category)
        with self.assertRaisesRegex(UserError, "in force for the same"):
            self._budget(500, category=self.category)
        later = fields.Date.today() + timedelta(days=31)
        self._budget(500, category=self.category, date_from=later, date_to=later + timedelta(days=30))
        with self.assertRaises(ValidationError):
            self._budget(5, activate=False).line_ids.copy()

    def test_changes_are_on_record(self):
        budget = self._budget(1000, self.finance)
        budget.line_ids.amount = 1200
        fact = self.env["distribution.event"].search([("type", "=", "distribution.budget.changed.v1")], limit=1)
        self.assertIn('"after":"1200', fact.data.replace(" ", ""))
        self.assertEqual(budget.line_ids.available, 1200)

    def test_the_number_of_queries_does_not_grow(self):
        self._budget(100_000)

        def count(number):
            orders = self.env["purchase.order"].union(*(self._order(100) for _one in range(number))).sudo()
            self.env.flush_all()
            orders._budget_facts()
            before = self.env.cr.sql_log_count
            orders._budget_facts()
            return self.env.cr.sql_log_count - before

        self.assertEqual(count(2), count(12))

        def refresh(number):
            today = fields.Date.today()
            budgets = self.env[BUDGET].union(
                *(
                    self._budget(
                        100,
                        date_from=today + timedelta(days=40 + one + 50 * number),
                        date_to=today + timedelta(days=40 + one + 50 * number),
                    )
                    for one in range(number)
                )
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            budgets.sudo()._refresh()
            return self.env.cr.sql_log_count - before

        self.assertEqual(refresh(2), refresh(9))


@tagged("post_install", "-at_install")
class TestBudgetAttacks(BudgetCase):
    def test_figures_are_not_written(self):
        line = self._budget(1000, self.finance).line_ids
        admin = self.env.ref("base.user_admin")
        for name in ("actual", "committed", "reserved", "waiting", "available", "used_percent"):
            for actor in (self.controller, self.finance, self.buyer, admin):
                with self.assertRaises(AccessError):
                    line.with_user(actor).write({name: 5_000_000})
            forged = self.env[LINE].with_user(self.controller).with_context(**{f"default_{name}": 5_000_000})
            draft = self._budget(10, activate=False)
            made = forged.create({"budget_id": draft.id, "category_id": self.category.id, "amount": 10})
            self.assertNotEqual(made[name], 5_000_000)
        # Whatever is stored: policies work it out anew.
        line.sudo().write({"available": 5_000_000, "amount": 10})
        requisition = self._requisition(80, budget_owner_id=self.finance.id)
        requisition.action_submit()
        self.assertEqual(requisition.state, "to_approve")

    def test_nobody_grants_their_own_budget(self):
        own = self._budget(1000, self.controller, activate=False)
        with self.assertRaisesRegex(UserError, "somebody else"):
            own.action_activate()
        own.with_user(self.controller_2).action_activate()
        with self.assertRaisesRegex(UserError, "Somebody else"):
            own.line_ids.amount = 5000
        with self.assertRaisesRegex(UserError, "Somebody else"):
            own.write({"line_ids": [(0, 0, {"category_id": self.category.id, "amount": 5000})]})
        with self.assertRaises(UserError):
            own.owner_id = self.controller_2
        with self.assertRaises(UserError):
            own.with_user(self.controller_2).date_to = "2199-01-01"
        with self.assertRaises(UserError):
            own.line_ids.with_user(self.controller_2).unlink()
        draft = self._budget(10, activate=False, name="Other")
        with self.assertRaises(UserError):
            draft.line_ids.write({"budget_id": own.id})

    def test_in_force_by_the_button_only(self):
        draft = self._budget(1000, activate=False)
        for actor in (self.controller, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                draft.with_user(actor).write({"state": "active"})
        # Nor back: as a draft it could be raised by its owner, or deleted, and nobody would know.
        own = self._budget(1000, owner=self.controller_2)
        closed = self._budget(1000, name="Closed", date_from="2020-01-01", date_to="2020-12-31")
        closed.action_close()
        for budget in (own, closed):
            for actor in (self.controller, self.controller_2, self.env.ref("base.user_admin")):
                for values in ({"state": "draft"}, {"state": "closed"}, {"refreshed_at": False}):
                    with self.assertRaisesRegex(AccessError, "by its buttons"):
                        budget.with_user(actor).write(values)
                with self.assertRaises(UserError):
                    budget.with_user(actor).unlink()
        made = self.env[BUDGET].with_user(self.controller).with_context(default_state="active")
        values = {"name": "x", "date_from": "2027-01-01", "date_to": "2027-12-31"}
        self.assertEqual(made.create(values).state, "draft")
        with self.assertRaises(AccessError):
            made.create({**values, "state": "active"})
        for actor in (self.buyer, self.finance, self.requester):
            with self.assertRaises(AccessError):
                draft.with_user(actor).action_activate()
            with self.assertRaises(AccessError):
                draft.with_user(actor).write({"name": "x"})

    def test_an_order_does_not_change_its_budget_after_it_was_judged(self):
        self._govern_also(
            "purchase_order",
            [
                ("Within", "pass", [("over_budget", "is_false")], []),
                ("Over", "require", [("over_budget", "is_true")], ["Finance"]),
            ],
        )
        self._budget(100, self.finance)
        self._budget(10_000, self.manager)
        order = self._paid_by(self._order(500), self.finance)
        order.button_confirm()
        self.assertEqual(order.state, "to approve")
        with self.assertRaisesRegex(UserError, "was judged by it"):
            order.budget_owner_id = self.manager
        passed = self._paid_by(self._order(50), self.finance)
        passed.button_confirm()
        self.assertEqual(passed.state, "purchase")
        with self.assertRaisesRegex(UserError, "was judged by it"):
            passed.budget_owner_id = self.manager

    def test_nobody_spends_the_budget_of_another_in_silence(self):
        orders = self.env["purchase.order"].with_user(self.buyer)
        draft = self._order(100)
        for attempt in (
            lambda: self._order(100, budget_owner_id=self.finance.id),
            lambda: draft.write({"budget_owner_id": self.finance.id}),
            lambda: orders.with_context(default_budget_owner_id=self.finance.id).create({"partner_id": self.vendor.id}),
            lambda: self._requisition(5, budget_owner_id=self.manager.id),
            lambda: self._requisition(5).write({"budget_owner_id": self.manager.id}),
        ):
            with self.assertRaisesRegex(UserError, "has to approve"):
                attempt()
        draft.budget_owner_id = self.buyer
        self.assertEqual(self._requisition(5, budget_owner_id=self.finance.id).budget_owner_id, self.finance)
        own = self._order(100, user=self.manager, budget_owner_id=self.manager.id)
        self.assertFalse(own.copy().budget_owner_id, "a copy is another one's, may be")

    def test_nobody_fills_a_draft_at_the_expense_of_another(self):
        order = self._order(100, user=self.manager, budget_owner_id=self.manager.id)
        theirs = order.with_user(self.buyer)
        line, more = theirs.order_line, {"product_id": self.product.id, "product_qty": 1, "price_unit": 5}
        dear = self.env["res.currency"].create({"name": "DEA", "symbol": "D", "rate_ids": [(0, 0, {"rate": 0.5})]})
        for attempt in (
            lambda: line.write({"product_qty": 20}),
            lambda: line.write({"price_unit": 11}),
            lambda: theirs.write({"order_line": [(0, 0, more)]}),
            lambda: theirs.order_line.create({**more, "order_id": order.id}),
            lambda: self._order(50).order_line.write({"order_id": order.id}),
            lambda: line.copy({"order_id": order.id}),
            lambda: theirs.write({"currency_id": dear.id}),
        ):
            with self.assertRaisesRegex(UserError, "has to approve"), self.env.cr.savepoint():
                attempt()
        line.write({"product_qty": 5, "date_planned": fields.Datetime.now() + timedelta(days=9)})
        order.order_line.product_qty = 20
        self.assertEqual(order.amount_untaxed, 200, "less by a colleague, more by who pays")
        # For nobody's budget everybody adds.
        theirs.budget_owner_id = False
        line.product_qty = 30

    def test_a_colleague_fills_a_draft_where_policy_asks_who_pays(self):
        self._govern_also(
            "purchase_order",
            [
                ("Nobody's or own", "pass", [("others_budget", "is_false")], []),
                ("Another's", "require", [("others_budget", "is_true")], ["Budget owner"]),
            ],
        )
        order = self._order(100, user=self.manager, budget_owner_id=self.manager.id).with_user(self.buyer)
        order.order_line.product_qty = 20
        order.button_confirm()
        self.assertEqual(order.state, "to approve")

    def test_reordering_goes_past_a_draft_that_names_a_budget(self):
        rule = self.env["stock.warehouse.orderpoint"].create(
            {"product_id": self.product.id, "product_min_qty": 500, "product_max_qty": 600}
        )
        values = {"user_id": self.vendor.buyer_id.id, "picking_type_id": rule.warehouse_id.in_type_id.id}
        free = self._order(100, **values)
        named = self._order(100, user=self.manager, budget_owner_id=self.manager.id, **values)
        rule._procure_orderpoint_confirm(company_id=self.company, raise_user_error=False)
        self.assertEqual(named.amount_untaxed, 100)
        self.assertGreater(sum(free.order_line.mapped("product_qty")), 500)

    def _bill_of(self, user, amount, owner=None, **values):
        """A bill without an order that ``user`` entered."""
        line = {"product_id": self.product.id, "quantity": 1, "price_unit": amount, "tax_ids": False}
        return (
            self.env["account.move"]
            .with_user(user)
            .create(
                {
                    "move_type": "in_invoice",
                    "partner_id": self.vendor.id,
                    "invoice_date": fields.Date.today(),
                    "budget_owner_id": owner.id if owner else False,
                    "invoice_line_ids": [(0, 0, line)],
                    **values,
                }
            )
        )

    def _accountant(self, login):
        groups = "account.group_account_invoice,purchase.group_purchase_user,stock.group_stock_user"
        return new_test_user(self.env, login=login, groups=f"base.group_user,{groups}")

    def test_bills_without_an_order(self):
        accountant, colleague = self._accountant("t_accountant"), self._accountant("t_accountant_2")
        own, rest = self._budget(1000, accountant), self._budget(1000, name="Nobody's")
        bill = self._bill_of(accountant, 80, accountant)
        self.assertEqual((self._figures(own)[0], self._figures(rest)[0]), (0, 0), "a draft spends nothing")
        bill.action_post()
        self._bill_of(accountant, 30).action_post()
        self.assertEqual((self._figures(own)[0], self._figures(rest)[0]), (80, 30))
        with self.assertRaisesRegex(UserError, "was judged by it"):
            bill.budget_owner_id = False
        refund = bill.with_user(colleague)._reverse_moves([{"invoice_date": fields.Date.today()}])
        refund.action_post()
        self.assertEqual((self._figures(own)[0], refund.budget_owner_id), (0, accountant))
        # Lines of an order are paid by whom the order names.
        order = self._order(100)
        order.button_confirm()
        self._receive(order, 10)
        order.sudo().action_create_invoice()
        mixed = order.sudo().invoice_ids
        mixed.write({"budget_owner_id": accountant.id, "invoice_date": fields.Date.today()})
        mixed.with_user(accountant).action_post()
        self.assertEqual((self._figures(own)[0], self._figures(rest)[0]), (0, 130))

    def test_nobody_has_bills_paid_by_another_in_silence(self):
        accountant, colleague = self._accountant("t_accountant"), self._accountant("t_accountant_2")
        own = self._bill_of(accountant, 80, accountant)
        orphan = self._bill_of(colleague, 80)
        refund = self._bill_of(colleague, 0, accountant, move_type="in_refund")
        refund.invoice_line_ids.price_unit = -50
        for attempt in (
            lambda: self._bill_of(colleague, 80, accountant),
            lambda: orphan.write({"budget_owner_id": accountant.id}),
            lambda: own.with_user(colleague).action_post(),
            lambda: own.with_user(colleague).sudo().action_post(),
            lambda: refund.action_post(),
        ):
            with self.assertRaisesRegex(UserError, "has to approve"), self.env.cr.savepoint():
                attempt()
        self.assertEqual((own.state, orphan.budget_owner_id.id), ("draft", False))

    def test_policy_of_bills_asks_about_budgets(self):
        accountant = self._accountant("t_accountant")
        self._budget(100, accountant)
        self._budget(100, self.finance)
        self._govern_also(
            "vendor_bill",
            [
                ("Within", "pass", [("over_budget", "is_false"), ("others_budget", "is_false")], []),
                ("Over", "require", [("over_budget", "is_true")], ["Finance"]),
                ("Another's", "require", [("others_budget", "is_true")], ["Budget owner"]),
            ],
        )
        within, over, others = (
            self._bill_of(accountant, 60, accountant, ref="1"),
            self._bill_of(accountant, 60, accountant, ref="2"),
            self._bill_of(accountant, 60, self.finance, ref="3"),
        )
        for bill in (within, over, others):
            bill.action_post()
        self.assertEqual([bill.state for bill in (within, over, others)], ["posted", "draft", "draft"])
        self.assertEqual(over.sudo().approval_request_id.task_ids.mapped("name"), ["Finance"])
        self.assertEqual(others.sudo().approval_request_id.task_ids.user_ids, self.finance)
        with self.assertRaisesRegex(UserError, "was judged by it"):
            others.budget_owner_id = False
        facts = within.sudo()._approval_facts({"budget_used"})[within.id]
        self.assertEqual(float(facts["budget_used"]), 60, "judged again it does not count twice")

    def test_where_policy_asks_the_owner_of_the_budget(self):
        self._govern_also(
            "purchase_order",
            [
                ("Nobody's or own", "pass", [("others_budget", "is_false")], []),
                ("Another's", "require", [("others_budget", "is_true")], ["Budget owner"]),
            ],
        )
        own = self._order(100, budget_owner_id=self.buyer.id)
        order = self._order(100, budget_owner_id=self.finance.id)
        (own | order).button_confirm()
        self.assertEqual((own.state, order.state), ("purchase", "to approve"))
        task = order.sudo().approval_request_id.task_ids
        self.assertEqual(task.user_ids, self.finance)
        self.assertIn(self.finance.name, task.name)
        self.assertEqual(order.with_user(self.finance).amount_untaxed, 100, "who is asked reads it")
        self._decide(order, task.name, self.finance)
        self._resume(order)
        self.assertEqual(order.state, "purchase")

    def test_the_period_is_not_chosen_afterwards(self):
        today = fields.Date.today()
        after = {"date_from": today + timedelta(days=31), "date_to": today + timedelta(days=60)}
        self._budget(1000, self.finance)
        self._budget(1000, self.finance, **after)
        order = self._order(100)
        order.button_confirm()
        for actor in (self.buyer, self.manager, self.env.ref("base.user_admin")):
            for day in (fields.Datetime.now() + timedelta(days=40), False, "2020-01-01 00:00:00"):
                with self.assertRaisesRegex(UserError, "Confirmation Date"):
                    order.with_user(actor).write({"date_approve": day})
        draft = self._order(100)
        with self.assertRaisesRegex(UserError, "Confirmation Date"):
            draft.write({"date_approve": "2020-01-01 00:00:00"})
        with self.assertRaisesRegex(UserError, "Confirmation Date"):
            draft.copy({"date_approve": "2020-01-01 00:00:00"})
        requisition = self._requisition(10)
        requisition.action_submit()
        requisition.needed_by = today + timedelta(days=20)  # normal work
        with self.assertRaises(UserError):
            requisition.needed_by = today + timedelta(days=40)
        with self.assertRaises(UserError):
            requisition.line_ids.with_user(self.buyer).write({"needed_by": today + timedelta(days=40)})
        requisition.sudo().state = "done"
        with self.assertRaises(UserError):
            requisition.line_ids.with_user(self.buyer).write({"needed_by": today + timedelta(days=40)})

    def test_the_owner_follows_the_site_while_it_is_a_draft(self):
        there = self.env["stock.warehouse"].create(
            {"name": "There", "code": "THERE", "company_id": self.company.id, "manager_id": self.operations.id}
        )
        requisition = self._requisition(10)
        usual = requisition._usual_budget_owner()
        self.assertEqual(requisition.budget_owner_id, usual)
        requisition.warehouse_id = there
        self.assertEqual(requisition.budget_owner_id, requisition._usual_budget_owner())

    def test_who_reads_what(self):
        mine, others = self._budget(10, self.finance), self._budget(10, self.operations, name="Other")
        self.assertEqual(self.env[BUDGET].with_user(self.finance).search([]), mine)
        self.assertEqual(self.env[LINE].with_user(self.finance).search([]), mine.line_ids)
        with self.assertRaises(AccessError):
            others.with_user(self.finance).read(["name"])
        with self.assertRaises(AccessError):
            self.env[BUDGET].with_user(self.requester).search([])
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreigner = new_test_user(
            self.env,
            login="t_foreigner",
            groups="base.group_user,procurement_automation.group_budget_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        self.assertFalse(self.env[BUDGET].with_user(foreigner).search([]))
        with self.assertRaises(AccessError):
            mine.with_user(foreigner).action_close()
