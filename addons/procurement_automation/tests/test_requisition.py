"""Requisitions: asked for, approved, ordered in parts; the requester sees how far; nobody gets around it."""

from odoo import fields
from odoo.exceptions import AccessError, RedirectWarning, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_approval.tests.document_case import DocumentCase
from odoo.addons.distribution_core.compat import LINE_UOM

REQUISITION = "distribution.purchase.requisition"


class RequisitionCase(DocumentCase):
    document_type = "purchase_requisition"

    @classmethod
    def _rules(cls):
        return [
            ("Small", "pass", [("amount", "le", "500"), ("unpriced_line", "is_false")], []),
            ("Above 500", "require", [("amount", "gt", "500")], ["Purchasing"]),
            ("Above 5,000", "require", [("amount", "gt", "5000")], ["Finance"]),
            ("Without price", "require", [("unpriced_line", "is_true")], ["Purchasing"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()

        def user(login, *groups):
            return new_test_user(cls.env, login=f"t_{login}", groups=",".join(("base.group_user", *groups)))

        cls.requester = user("requester", "distribution_core.group_requester")
        cls.colleague = user("colleague", "distribution_core.group_requester")
        cls.storekeeper = user("storekeeper", "stock.group_stock_user")

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.branch = cls.env["stock.warehouse"].create({"name": "Branch", "code": "BRA"})
        cls.purchase_price = cls._make_contract(cls.vendor, cls.product_2, 100.0)

    @classmethod
    def _report_to(cls, user, boss):
        """``boss`` is the manager of ``user``."""
        employees = cls.env["hr.employee"]
        above = employees.create({"name": boss.name, "user_id": boss.id, "company_id": cls.company.id})
        employees.create({"name": user.name, "user_id": user.id, "company_id": cls.company.id, "parent_id": above.id})

    def _requisition(self, quantity=10, price=10.0, user=None, **values):
        return (
            self.env[REQUISITION]
            .with_user(user or self.requester)
            .create(
                {
                    "justification": "The shelf is empty",
                    "warehouse_id": self.warehouse.id,
                    "line_ids": [
                        (0, 0, {"product_id": self.product.id, "quantity": quantity, "price_unit": price}),
                    ],
                    **values,
                }
            )
        )

    def _approved_one(self, quantity=10, **values):
        requisition = self._requisition(quantity, **values)
        requisition.action_submit()
        self.assertEqual((requisition.state, requisition.approval_state), ("approved", "passed"))
        return requisition

    def _wizard(self, requisitions, user=None):
        action = requisitions.with_user(user or self.buyer).action_order()
        return self.env[action["res_model"]].with_user(user or self.buyer).browse(action["res_id"])

    def _ordered(self, requisition, **chosen):
        """The orders made for ``requisition`` with ``chosen`` on every line of the wizard."""
        wizard = self._wizard(requisition)
        wizard.line_ids.write({"way": "buy", **chosen})
        wizard.action_confirm()
        return requisition.sudo().line_ids.purchase_line_ids.order_id

    def _receive(self, order, quantity):
        picking = order.sudo().picking_ids.filtered(lambda picking: picking.state == "assigned")
        picking.move_ids.write({"quantity": quantity, "picked": True})
        picking.with_context(skip_backorder=True).button_validate()

    def _stock(self, product, site, quantity):
        self.env["stock.quant"].sudo()._update_available_quantity(product, site.lot_stock_id, quantity)


@tagged("post_install", "-at_install")
class TestRequisition(RequisitionCase):
    def test_from_need_to_goods(self):
        requisition = self._requisition(needed_by=fields.Date.add(fields.Date.today(), days=9))
        line = requisition.line_ids
        self.assertTrue(requisition.name.startswith("RQ"))
        self.assertEqual((requisition.amount, line.status, line.name), (100, "draft", "Bolt"))
        requisition.action_submit()
        self.assertEqual((requisition.state, requisition.approval_state), ("approved", "passed"))
        self.assertEqual((line.status, line.qty_open), ("approved", 10))

        wizard = self._wizard(requisition)
        self.assertEqual((wizard.line_ids.vendor_id, wizard.line_ids.quantity), (self.vendor, 10))
        wizard.line_ids.quantity = 4
        wizard.action_confirm()
        order = requisition.sudo().line_ids.purchase_line_ids.order_id
        self.assertEqual((order.partner_id, order.origin, order.state), (self.vendor, requisition.name, "draft"))
        self.assertEqual((order.order_line.product_qty, order.order_line.price_unit), (4, 10))
        self.assertEqual(order.create_uid, self.buyer)
        self.assertEqual((line.status, line.qty_quoted, line.qty_open), ("quoted", 4, 6))
        order.button_confirm()
        self.assertEqual((line.status, line.qty_ordered, line.qty_open), ("part_ordered", 4, 6))
        self.assertTrue(line.expected_on)
        self._receive(order, 3)
        self.assertEqual((line.status, line.qty_received), ("part_received", 3))

        rest = self._ordered(requisition) - order
        self.assertEqual(rest.order_line.product_qty, 6)
        rest.button_confirm()
        self.assertEqual((line.status, line.qty_open, requisition.fulfilment), ("part_received", 0, "part_received"))
        self._receive(rest, 6)
        self._receive(order, 1)
        self.assertEqual((line.status, requisition.fulfilment), ("received", "received"))
        with self.assertRaisesRegex(UserError, "Nothing to order"):
            requisition.with_user(self.buyer).action_order()
        self._commit()
        facts = self.env["distribution.event"].search(
            [("res_model", "=", REQUISITION), ("res_id", "=", requisition.id)]
        )
        self.assertIn("distribution.purchase_requisition.ordered.v1", facts.mapped("type"))
        self.assertIn("distribution.purchase_requisition.passed.v1", facts.mapped("type"))

    def test_an_order_that_is_cancelled_opens_it_again(self):
        requisition = self._approved_one()
        order = self._ordered(requisition)
        order.button_cancel()
        self.assertEqual((requisition.line_ids.status, requisition.line_ids.qty_open), ("approved", 10))

    def test_approval_by_people(self):
        requisition = self._requisition(600, 10)
        requisition.action_submit()
        self.assertEqual((requisition.state, requisition.line_ids.status), ("to_approve", "requested"))
        tasks = requisition.sudo().approval_request_id.task_ids
        self.assertEqual(set(tasks.mapped("name")), {"Purchasing", "Finance"})
        self.assertEqual(requisition.with_user(self.finance).line_ids.quantity, 600, "approvers read what they judge")
        self.assertIn("The shelf is empty", tasks[:1].standing)
        with self.assertRaises(UserError):
            requisition.with_user(self.buyer).action_order()
        self._decide(requisition, "Purchasing", self.manager)
        self._decide(requisition, "Finance", self.finance)
        self.assertTrue(self._resume(requisition))
        self.assertEqual((requisition.state, requisition.approval_state), ("approved", "released"))

    def test_turned_down(self):
        requisition = self._requisition(60)
        requisition.action_submit()
        self._decide(requisition, "Purchasing", self.manager, "reject", comment="Use what is there")
        self.assertEqual((requisition.state, requisition.line_ids.status), ("draft", "rejected"))
        self.assertEqual(requisition.fulfilment, "rejected")
        requisition.line_ids.quantity = 20
        requisition.action_submit()
        self.assertEqual(requisition.state, "approved")

    def test_the_head_of_purchasing_sees_what_was_sent_back(self):
        requisition = self._requisition(60)
        requisition.action_submit()
        self._decide(requisition, "Purchasing", self.manager, "request_revision", comment="For which machine?")
        seen = self.env["distribution.buyer.workbench"].with_user(self.manager).load("all", "requests")["items"]
        self.assertIn(requisition.sudo().approval_request_id.id, [item["id"] for item in seen])

    def test_nobody_approves_what_they_asked_for(self):
        self.manager.write(
            {
                "groups_id" if "groups_id" in self.manager._fields else "group_ids": [
                    (4, self.env.ref("distribution_core.group_requester").id)
                ]
            }
        )
        requisition = self._requisition(60, user=self.manager)
        requisition.action_submit()
        people = requisition.sudo().approval_request_id.task_ids.user_ids
        self.assertNotIn(self.manager, people)
        other = self._requisition(60, user=self.buyer, requester_id=self.manager.id)
        other.action_submit()
        self.assertNotIn(self.manager, other.sudo().approval_request_id.task_ids.user_ids, "a stand-in asked for it")

    def test_budget_owner_is_asked(self):
        self.finance.write({"name": "Owner of the Budget"})
        self._report_to(self.requester, self.finance)
        requisition = self._requisition(5)
        stage = self.env["distribution.approval.stage"]
        self.assertIn("budget_owner", dict(stage._fields["approver_kind"]._description_selection(self.env)))
        self.assertEqual(requisition._approval_context()["budget_owner"], [(requisition, self.finance)])
        self.assertEqual(requisition.with_user(self.finance).amount, 50, "whose budget pays reads it")

    def test_grouped_by_vendor_and_site(self):
        other_vendor = self.env["res.partner"].create(
            {"name": "Second Approved", "supplier_rank": 1, "vendor_status": "approved"}
        )
        first = self._approved_one(4)
        second = self._approved_one(
            line_ids=[
                (0, 0, {"product_id": self.product.id, "quantity": 6, "price_unit": 10}),
                (0, 0, {"product_id": self.product_2.id, "quantity": 1, "price_unit": 100}),
            ]
        )
        third = self._approved_one(5, warehouse_id=self.branch.id)
        wizard = self._wizard(first | second | third)
        self.assertEqual(wizard.line_ids.vendor_id, self.vendor)
        wizard.line_ids.filtered(lambda line: line.product_id == self.product_2).vendor_id = other_vendor
        wizard.action_confirm()
        orders = (first | second | third).sudo().line_ids.purchase_line_ids.order_id
        self.assertEqual(len(orders), 3)
        same = first.sudo().line_ids.purchase_line_ids.order_id
        self.assertEqual(same.order_line.mapped("product_qty"), [4, 6])
        self.assertEqual(same.origin, ", ".join(sorted((first.name, second.name))))
        self.assertEqual(third.sudo().line_ids.purchase_line_ids.order_id.picking_type_id, self.branch.in_type_id)

    def test_no_vendor_in_silence(self):
        product = self._make_product("Only from a new vendor", self.category)
        self._make_contract(self.new_vendor, product, 10.0)
        requisition = self._approved_one(line_ids=[(0, 0, {"product_id": product.id, "quantity": 5, "price_unit": 10})])
        wizard = self._wizard(requisition)
        self.assertFalse(wizard.line_ids.vendor_id)
        self.assertIn("not approved", wizard.line_ids.remark)
        with self.assertRaisesRegex(ValidationError, "Vendor"):
            wizard.action_confirm()
        for vendor in (self.new_vendor, self.blocked_vendor):
            wizard.line_ids.vendor_id = vendor
            with self.assertRaisesRegex(UserError, "not approved|blocked"):
                wizard.action_confirm()
        self.assertFalse(requisition.sudo().line_ids.purchase_line_ids)

    def test_what_is_described_only(self):
        requisition = self._requisition(
            line_ids=[(0, 0, {"name": "Something to clean oil", "quantity": 2, "price_unit": 30})]
        )
        requisition.action_submit()
        self.assertEqual(requisition.state, "approved")
        wizard = self._wizard(requisition)
        self.assertFalse(wizard.line_ids.vendor_id)
        with self.assertRaisesRegex(ValidationError, "Product"):
            wizard.action_confirm()
        wizard.line_ids.write({"product_id": self.product_2.id, "vendor_id": self.vendor.id})
        wizard.action_confirm()
        line = requisition.sudo().line_ids.purchase_line_ids
        self.assertEqual((line.product_id, line.name, line.price_unit), (self.product_2, "Something to clean oil", 100))
        with self.assertRaises(ValidationError):
            self._requisition(line_ids=[(0, 0, {"quantity": 2})])

    def test_expected_price_where_the_vendor_has_none(self):
        product = self._make_product("Without price", self.category)
        requisition = self._approved_one(
            line_ids=[(0, 0, {"product_id": product.id, "quantity": 5, "price_unit": 12.5})]
        )
        order = self._ordered(requisition, vendor_id=self.vendor.id)
        self.assertEqual(order.order_line.price_unit, 12.5)

    def test_transfer_from_a_site_that_has_enough(self):
        self._stock(self.product, self.branch, 20)
        self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": self.product.id,
                "warehouse_id": self.branch.id,
                "location_id": self.branch.lot_stock_id.id,
                "product_min_qty": 12,
                "product_max_qty": 30,
            }
        )
        requisition = self._approved_one(10)
        wizard = self._wizard(requisition)
        self.assertEqual((wizard.line_ids.way, wizard.line_ids.spare), ("buy", 8), "it keeps its own minimum")
        wizard.line_ids.write({"way": "transfer", "source_id": self.branch.id})
        with self.assertRaisesRegex(UserError, "can spare 8"):
            wizard.action_confirm()
        wizard.line_ids.quantity = 8
        wizard.action_confirm()
        line = requisition.line_ids
        move = line.sudo().move_ids
        self.assertEqual(
            (move.location_id, move.location_dest_id), (self.branch.lot_stock_id, self.warehouse.lot_stock_id)
        )
        self.assertEqual((line.status, line.qty_open, move.state), ("part_ordered", 2, "assigned"))
        # The storekeeper sends five; the backorder still is for the requisition.
        picking = move.picking_id.with_user(self.storekeeper)
        move.write({"quantity": 5, "picked": True})
        picking.with_context(skip_backorder=True).button_validate()
        self.assertEqual((line.status, line.qty_received, line.qty_ordered), ("part_received", 5, 8))
        self.assertEqual(len(line.sudo().move_ids), 2)

    def test_a_whole_line_is_proposed_for_transfer(self):
        self._stock(self.product, self.branch, 20)
        wizard = self._wizard(self._approved_one(10))
        self.assertEqual((wizard.line_ids.way, wizard.line_ids.source_id), ("transfer", self.branch))

    def test_vendors_are_asked_about_in_one_go(self):
        def count(lines):
            wanted = {"product_id": self.product.id, "quantity": 1, "price_unit": 10}
            requisition = self._requisition(line_ids=[(0, 0, wanted)] * lines).with_user(self.buyer)
            dialog = self.env["distribution.requisition.order"].with_user(self.buyer)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            chosen = dialog._selected_vendors(requisition.line_ids, self.company)
            self.assertEqual([values["vendor_id"] for values in chosen.values()], [self.vendor.id] * lines)
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(2), count(9))

    def test_not_bought(self):
        requisition = self._approved_one(10)
        order = self._ordered(requisition, quantity=4)
        order.button_confirm()
        line = requisition.line_ids
        drop = (
            self.env["distribution.requisition.drop"]
            .with_user(self.buyer)
            .create({"line_ids": [(6, 0, line.ids)], "reason": "Use the branch's"})
        )
        drop.action_confirm()
        self.assertEqual((line.status, line.qty_open, line.drop_reason), ("ordered", 0, "Use the branch's"))
        self.assertIn("Use the branch's", requisition.message_ids[:1].body)
        whole = self._approved_one(10)
        whole.line_ids.with_user(self.buyer)._drop("No")
        self.assertEqual(whole.line_ids.status, "rejected")

    def test_closing_and_cancelling(self):
        requisition = self._approved_one(10)
        order = self._ordered(requisition, quantity=4)
        with self.assertRaisesRegex(UserError, "on order"):
            requisition.action_cancel()
        order.button_confirm()
        requisition.action_close()
        self.assertEqual((requisition.state, requisition.line_ids.status), ("done", "ordered"))
        self._receive(order, 4)
        self.assertEqual(requisition.line_ids.status, "received")
        self._commit()
        other = self._approved_one(10)
        other.action_cancel()
        self.assertEqual(other.line_ids.status, "cancelled")
        self.assertFalse(self._releases(other))
        with self.assertRaises(UserError):
            requisition.unlink()

    def test_reordering_rules_do_not_buy_it_again(self):
        rule = self._rule(20)
        before = rule._quantity_in_progress()[rule.id]
        requisition = self._approved_one(10)
        self.assertEqual(rule._quantity_in_progress()[rule.id], before + 10)
        self._ordered(requisition, quantity=4)
        self.assertEqual(rule._quantity_in_progress()[rule.id], before + 10)
        requisition.line_ids.with_user(self.buyer)._drop("Enough")
        self.assertEqual(rule._quantity_in_progress()[rule.id], before + 4)

    def _rule(self, minimum):
        return self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": self.product.id,
                "warehouse_id": self.warehouse.id,
                "location_id": self.warehouse.lot_stock_id.id,
                "product_min_qty": minimum,
                "product_max_qty": minimum,
            }
        )

    def test_what_is_needed_later_does_not_fill_the_shelf_now(self):
        """Like a postponed order: not counted until the horizon, deducted and shown by a run."""
        rule = self._rule(20)

        def finding():
            judgement = self.env["distribution.replenishment.judgement"]._prepared(rule)
            return judgement._evaluate_prepared(rule.with_env(judgement.env), 90)[rule.id]

        plain = finding()
        self.assertEqual((plain.need.core_quantity, plain.need.quantity), (20, 20))
        requisition = self._approved_one(20, needed_by=fields.Date.add(plain.horizon, days=20))
        later = finding()
        self.assertEqual((later.position.in_progress, later.position.later_incoming), (0, 20))
        self.assertEqual((later.need.core_quantity, later.need.quantity), (20, 0), "a buyer is shown both")
        self.assertEqual(rule._quantity_in_progress()[rule.id], 0)
        judgement = self.env["distribution.replenishment.judgement"]._prepared(rule)
        handed = judgement._load(rule.with_env(judgement.env))
        judgement._learn_signatures(handed.values())
        judgement._ask_core(rule.with_env(judgement.env), handed, 90)
        need = handed[rule.id].need
        self.assertEqual((need.core_quantity, need.quantity), (20, 0), "also where Odoo's own fields are used")
        requisition.needed_by = fields.Date.add(plain.horizon, days=500)
        self.assertEqual(finding().need.quantity, 20, "nobody knows what is in a year")
        requisition.needed_by = plain.horizon
        soon = finding()
        self.assertEqual((soon.position.in_progress, soon.need.core_quantity), (20, 0))
        requisition.line_ids.with_user(self.buyer).needed_by = fields.Date.add(plain.horizon, days=20)
        self.assertEqual(finding().position.in_progress, 0, "the day of the line counts before that of the requisition")

    def test_units(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        requisition = self._approved_one(
            line_ids=[(0, 0, {"product_id": self.product.id, "quantity": 2, "uom_id": dozen.id, "price_unit": 100})]
        )
        order = self._ordered(requisition)
        self.assertEqual((order.order_line.product_qty, order.order_line[LINE_UOM]), (2, dozen))
        order.button_confirm()
        self.assertEqual(requisition.line_ids.status, "ordered")
        self._receive(order, 24)
        self.assertEqual(requisition.line_ids.status, "received")

    def test_incomplete(self):
        with self.assertRaisesRegex(UserError, "Justification"):
            self._requisition(justification=" ").action_submit()
        with self.assertRaisesRegex(UserError, "Lines"):
            self._requisition(line_ids=[]).action_submit()

    def test_the_number_of_queries_does_not_grow(self):
        def count(lines):
            requisition = self._approved_one(
                line_ids=[
                    (0, 0, {"product_id": self.product.id, "quantity": 1, "price_unit": 1}) for _number in range(lines)
                ]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            requisition.line_ids.mapped("status")
            requisition.sudo()._approval_facts({"amount", "categories", "days_to_need"})
            self.env["distribution.site.stock"]._positions(self.product, self.warehouse | self.branch)
            return self.env.cr.sql_log_count - before

        count(2)
        self.assertEqual(count(3), count(30))


@tagged("post_install", "-at_install")
class TestRequisitionAttacks(RequisitionCase):
    def test_approved_without_asking(self):
        requisitions = self.env[REQUISITION]
        values = {"justification": "Mine", "warehouse_id": self.warehouse.id}
        for state in requisitions._approval_guarded_states:
            for actor in (self.requester, self.buyer, self.env.ref("base.user_admin")):
                held = self._requisition(60)
                held.action_submit()
                for attacked in (self._requisition(60), held):
                    for attempt in (attacked.with_user(actor), attacked.with_user(actor).sudo()):
                        with self._refused():
                            attempt.write({"state": state})
                        with self._refused():
                            attempt.with_context(default_state=state).copy({"state": state})
                with self._refused():
                    requisitions.with_user(actor).sudo().create({**values, "state": state})
                with self._refused():
                    requisitions.with_user(actor).with_context(default_state=state).create(values)
                self.assertFalse(self._releases(held))

    def test_numbers_are_not_written(self):
        requisition = self._requisition(60)
        line = requisition.line_ids
        for values in ({"amount": 1}, {"fulfilment": "received"}, {"channel": "shop"}):
            with self.assertRaises(AccessError):
                requisition.write(values)
        forged = ({"value": 1}, {"status": "received"}, {"qty_open": 0}, {"qty_received": 60}, {"drop_reason": "x"})
        for actor in (self.requester, self.buyer, self.env.ref("base.user_admin")):
            for values in forged:
                with self.assertRaises(AccessError):
                    line.with_user(actor).write(values)
        created = (
            self.env[line._name]
            .with_user(self.requester)
            .with_context(default_status="received", default_value=1, default_qty_open=0)
            .create({"requisition_id": requisition.id, "product_id": self.product.id, "quantity": 2, "price_unit": 10})
        )
        self.assertEqual((created.status, created.value), ("draft", 20))
        # Whatever is stored: what is judged is worked out from what is asked.
        line.sudo().write({"value": 1})
        requisition.sudo().write({"amount": 1})
        requisition.action_submit()
        self.assertEqual(requisition.state, "to_approve")

    def test_more_after_approval(self):
        requisition = self._approved_one(10)
        for attempt in (requisition, requisition.sudo(), requisition.with_user(self.buyer)):
            with self._refused():
                attempt.line_ids.write({"quantity": 500})
            with self._refused():
                attempt.write({"line_ids": [(0, 0, {"product_id": self.product.id, "quantity": 90, "price_unit": 10})]})
            with self._refused():
                attempt.write({"line_ids": [(5, 0, 0)]})
        requisition.needed_by = fields.Date.today()  # normal work
        with self.assertRaises(RedirectWarning):
            requisition.line_ids.quantity = 11
        wizard = self._wizard(requisition)
        wizard.line_ids.quantity = 11
        with self.assertRaisesRegex(UserError, "are open"):
            wizard.action_confirm()
        with self.assertRaisesRegex(UserError, "are open"):
            wizard.line_ids.quantity = 6
            wizard.line_ids.copy({"order_id": wizard.id})
            wizard.action_confirm()

    def test_ordering_what_was_not_approved(self):
        draft, approved = self._requisition(5), self._approved_one(5)
        wizard = self._wizard(approved)
        wizard.line_ids.sudo().line_id = draft.line_ids
        with self.assertRaisesRegex(UserError, "not approved"):
            wizard.action_confirm()
        wizard = self._wizard(approved)
        wizard.line_ids.product_id = self.product_2
        with self.assertRaisesRegex(ValidationError, "another product"):
            wizard.action_confirm()
        for actor in (self.requester, self.employee):
            with self.assertRaises(AccessError):
                approved.with_user(actor).action_order()
            with self.assertRaises(AccessError):
                approved.line_ids.with_user(actor)._drop("x")

    def test_links_are_not_forged(self):
        line = self._approved_one(5).line_ids
        order = self._order(50)
        order_line = order.order_line
        with self.assertRaises(AccessError):
            order_line.write({"requested_line_id": line.id})
        with self.assertRaises(AccessError):
            order.write(
                {
                    "order_line": [
                        (
                            0,
                            0,
                            {
                                "product_id": self.product.id,
                                "product_qty": 1,
                                "price_unit": 1,
                                "requested_line_id": line.id,
                            },
                        )
                    ]
                }
            )
        with self.assertRaises(AccessError):
            self._order(50, user=self.buyer).order_line.with_context(default_requested_line_id=line.id).create(
                {"order_id": order.id, "product_id": self.product.id, "product_qty": 1, "price_unit": 1}
            )
        with self.assertRaises(AccessError):
            self.env["stock.move"].with_user(self.storekeeper).with_context(default_requested_line_id=line.id).create(
                {
                    "name": "x",
                    "product_id": self.product.id,
                    "location_id": self.warehouse.lot_stock_id.id,
                    "location_dest_id": self.branch.lot_stock_id.id,
                }
            )
        self.assertEqual(line.status, "approved")

    def test_links_are_not_cut(self):
        """What was ordered is not ordered again because nobody knows of it any more."""
        requisition = self._approved_one(5)
        wizard = self._wizard(requisition)
        wizard.action_confirm()
        line = requisition.line_ids.with_user(self.buyer)
        ordered = line.sudo().purchase_line_ids
        self.assertTrue(ordered)
        with self.assertRaises(AccessError):
            ordered.with_user(self.buyer).write({"requested_line_id": False})
        with self.assertRaises(AccessError):
            line.write({"purchase_line_ids": [(5,)]})
        self.assertEqual(line.sudo().purchase_line_ids, ordered)

    def test_who_reads_what(self):
        own, others = self._requisition(5), self._requisition(5, user=self.colleague)
        requisitions = self.env[REQUISITION]
        self.assertEqual(requisitions.with_user(self.requester).search([]), own)
        self.assertEqual(requisitions.with_user(self.buyer).search([]), own | others)
        self.assertEqual(requisitions.with_user(self.auditor).search([]), own | others)
        with self.assertRaises(AccessError):
            others.with_user(self.requester).line_ids.read(["quantity"])
        with self.assertRaises(AccessError):
            others.with_user(self.requester).write({"justification": "x"})
        with self.assertRaises(AccessError):
            own.with_user(self.auditor).write({"justification": "x"})
        with self.assertRaises(AccessError):
            own.with_user(self.employee).read(["name"])
        with self.assertRaises(AccessError):
            self._requisition(5, requester_id=self.colleague.id)
        with self.assertRaises(AccessError):
            own.write({"requester_id": self.colleague.id})

    def test_other_companies(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreigner = new_test_user(
            self.env,
            login="t_foreigner",
            groups="base.group_user,purchase.group_purchase_manager,distribution_core.group_requester",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        requisition = self._approved_one(5)
        self.assertFalse(self.env[REQUISITION].with_user(foreigner).search([]))
        for call in (lambda record: record.action_order(), lambda record: record.read(["name"])):
            with self.assertRaises(UserError):
                call(requisition.with_user(foreigner))
        site = self.env["stock.warehouse"].search([("company_id", "=", elsewhere.id)], limit=1)
        with self.assertRaises(UserError):
            self._requisition(5, warehouse_id=site.id)

    def test_nothing_is_asked_where_it_is_not_governed(self):
        self._ungovern()
        requisition = self._requisition(600)
        requisition.action_submit()
        self.assertEqual((requisition.state, requisition.approval_state), ("approved", False))
        with self.assertRaisesRegex(UserError, "approved already"):
            requisition.line_ids.quantity = 700
        requisition.with_user(self.buyer).line_ids.quantity = 700
