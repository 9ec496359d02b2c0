"""Attacks on deciding: the wrong person, at the wrong time, on the wrong content, with the wrong words."""

import json

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestAttacksOnDeciding(AttackCase):
    # ------------------------------------------------------------ the wrong person

    def test_nobody_else_decides(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        share = new_test_user(self.env, login="t_portal", groups="base.group_portal")
        for user in (
            self.buyer,
            self.other_buyer,
            self.finance,
            self.operations,
            self.employee,
            self.auditor,
            self.author,
            self.publisher,
            share,
            self.env.ref("base.user_admin"),
        ):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda task: task.action_decide("approve", task.sudo().digest),
                    lambda task: task.sudo().action_decide("approve", task.sudo().digest),
                    lambda task: task.with_context(seen_digest=task.sudo().digest).action_approve(),
                    lambda task: (
                        task.env["distribution.approval.decide"]
                        .create({"task_id": task.id, "seen_digest": task.sudo().digest, "outcome": "approve"})
                        .action_confirm()
                    ),
                    lambda task: task.action_ask("Who am I?"),
                ):
                    with self.assertRaises(AccessError):
                        attempt(task.with_user(user))
        for task_as in (task, task.with_user(SUPERUSER_ID), task.with_user(SUPERUSER_ID).sudo()):
            with self.assertRaises(AccessError):
                task_as.action_decide("approve", task.digest)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        self.assertEqual(self._decide(order, "Purchasing", self.manager), True)

    def test_own_request(self):
        """The only purchasing approver asks himself: the fallback decides."""
        order = self._order(5000, user=self.manager)
        order.button_confirm()
        task = self._task(order, "Purchasing")
        self.assertTrue(task.is_fallback)
        self.assertEqual(task.user_ids, self.fallback)
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)
        self._decide(order, "Purchasing", self.fallback)
        self.assertTrue(self._resume(order))

    def test_whoever_had_a_hand_in_it(self):
        """Creator, owner, editor, and who asked again: none of them decides."""

        def created_by_manager():
            order = self._order(5000, user=self.manager, user_id=self.buyer.id)
            order.with_user(self.buyer).button_confirm()
            return order

        def owned_by_manager():
            order = self._order(5000, user_id=self.manager.id)
            order.button_confirm()
            return order

        def owned_once_by_manager():
            order = self._order(5000, user_id=self.manager.id)
            order.write({"user_id": self.buyer.id})
            order.button_confirm()
            return order

        def priced_by_manager():
            order = self._order(5000)
            order.order_line.with_user(self.manager).write({"price_unit": 10.3})
            order.order_line.write({"price_unit": 10})
            order.button_confirm()
            return order

        def line_added_by_manager():
            order = self._order(5000)
            line = {"product_id": self.product.id, "product_qty": 1, "price_unit": 10}
            order.with_user(self.manager).write({"order_line": [Command.create(line)]})
            order.button_confirm()
            return order

        def changed_by_manager_while_it_waits():
            order = self._held()
            order.order_line.with_user(self.manager).write({"product_qty": 501})
            self._commit()
            return order

        def edited_by_manager_as_sudo():
            order = self._order(5000)
            order.order_line.with_user(self.manager).sudo().write({"product_qty": 501})
            order.button_confirm()
            return order

        for make in (
            created_by_manager,
            owned_by_manager,
            owned_once_by_manager,
            priced_by_manager,
            line_added_by_manager,
            changed_by_manager_while_it_waits,
            edited_by_manager_as_sudo,
        ):
            with self.subTest(make.__name__):
                order = make()
                task = self._task(order, "Purchasing")
                self.assertNotIn(self.manager, task.user_ids)
                with self.assertRaises(AccessError):
                    task.with_user(self.manager).action_decide("approve", task.digest)

    def test_giving_the_order_away_under_the_open_task(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        self.assertIn(self.manager, task.user_ids)
        order.write({"user_id": self.manager.id})
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)
        order.write({"user_id": self.buyer.id})
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)

    def test_later_stage_first(self):
        order = self._held(31000)
        request = order.sudo().approval_request_id
        finance = request.task_ids.filtered(lambda task: task.name == "Finance")
        self.assertEqual(finance.state, "waiting")
        for outcome in ("approve", "reject", "request_revision", "escalate"):
            with self.assertRaises(UserError):
                finance.with_user(self.finance).action_decide(outcome, finance.digest, comment="x")
        with self.assertRaises(UserError):
            finance.with_user(self.finance).action_ask("May I?")
        self._decide(order, "Purchasing", self.manager)
        self._decide(order, "Finance", self.finance)
        self.assertEqual(request.state, "pending")

    def test_same_person_in_two_stages(self):
        self.manager.write({USER_GROUPS: [Command.link(self.groups["Finance"].id)]})
        self.finance.write({USER_GROUPS: [Command.link(self.groups["Operations"].id)]})
        order = self._held(31000)
        request = order.sudo().approval_request_id
        self._decide(order, "Purchasing", self.manager)
        finance, operations = self._task(order, "Finance"), self._task(order, "Operations")
        with self.assertRaises(UserError):
            finance.with_user(self.manager).action_decide("approve", finance.digest)
        self._decide(order, "Operations", self.finance)
        with self.assertRaises(UserError):
            finance.with_user(self.finance).action_decide("approve", finance.digest)
        with self.assertRaises(UserError):
            operations.with_user(self.operations).action_decide("approve", operations.digest)
        self._decide(order, "Finance", self.finance_2)
        self.assertEqual(request.state, "approved")
        self.assertEqual(len(request.decision_ids.user_id), 3, "three tasks, three people")

    def test_same_person_twice_in_one_task(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        self._decide(order, "Purchasing", self.manager)
        for outcome in ("approve", "reject"):
            with self.assertRaises(UserError):
                task.with_user(self.manager).action_decide(outcome, task.digest, comment="again")
        self.assertEqual(len(order.sudo().approval_request_id.decision_ids), 1)
        self.assertEqual(len(self._releases(order)), 1)

    def test_deactivated_approver(self):
        order = self._held(31000)
        self._decide(order, "Purchasing", self.manager)
        finance, operations = self._task(order, "Finance"), self._task(order, "Operations")
        self.operations.active = False
        self.assertNotIn(self.operations, operations.user_ids)
        self.assertEqual(operations.user_ids, self.fallback, "nobody missing dissolves a stage")
        self.finance.active = False
        self.assertEqual(finance.user_ids, self.finance_2)
        for user, task in ((self.operations, operations), (self.finance, finance)):
            with self.assertRaises(AccessError):
                task.with_user(user).action_decide("approve", task.digest)
        self._decide(order, "Finance", self.finance_2)
        self.assertEqual(order.sudo().approval_request_id.state, "pending")
        self._decide(order, "Operations", self.fallback)
        self.assertTrue(self._resume(order))

    def test_approver_loses_the_role(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        approver = self.env.ref("distribution_core.group_approver")
        # From the side of the group, which no code of users sees.
        users = "users" if "users" in approver._fields else "user_ids"
        approver.write({users: [Command.unlink(self.manager.id)]})
        self.assertFalse(self.manager.has_group("distribution_core.group_approver"))
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)
        self.env["distribution.approval.request"]._cron_refresh_candidates()
        self.assertEqual(task.user_ids, self.fallback)

    def test_everybody_gone_is_a_case_and_no_pass(self):
        (self.manager | self.fallback).active = False
        order = self._order(5000)
        order.button_confirm()
        self.assertNotInForce(order)
        request = order.sudo().approval_request_id
        self.assertEqual(request.state, "pending")
        self.assertFalse(request.task_ids.user_ids)
        case = self.env["distribution.case"].search([("res_model", "=", "purchase.order"), ("res_id", "=", order.id)])
        self.assertEqual(case.type_id.code, "no_approver")
        self.fallback.active = True
        self.env["distribution.approval.request"]._cron_refresh_candidates()
        self._decide(order, "Purchasing", self.fallback)
        self.assertTrue(self._resume(order))

    def test_approver_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.manager.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        order = self._order(5000)
        order.button_confirm()
        task = self._task(order, "Purchasing")
        self.assertNotIn(self.manager, task.user_ids)
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)

    def test_handed_over_stays_handed_over(self):
        """The hourly look for approvers does not undo an escalation, nor give the task back."""
        boss = new_test_user(self.env, login="t_boss", groups="base.group_user,distribution_core.group_approver")
        employee = self.env["hr.employee"]
        above = employee.create({"name": "Boss", "user_id": boss.id})
        employee.create({"name": "Manager", "user_id": self.manager.id, "parent_id": above.id})
        order = self._held()
        task = self._task(order, "Purchasing")
        self._decide(order, "Purchasing", self.manager, "escalate", comment="Beyond my authority")
        self.assertEqual(task.user_ids, boss)
        self.env["distribution.approval.request"]._cron_refresh_candidates()
        self.assertEqual(task.user_ids, boss)
        with self.assertRaises(AccessError):
            task.with_user(self.manager).action_decide("approve", task.digest)
        self._decide(order, "Purchasing", boss)
        self.assertTrue(self._resume(order))

    def test_escalating_to_the_requester(self):
        employee = self.env["hr.employee"]
        self.buyer.write({USER_GROUPS: [Command.link(self.env.ref("distribution_core.group_approver").id)]})
        above = employee.create({"name": "Buyer", "user_id": self.buyer.id})
        employee.create({"name": "Manager", "user_id": self.manager.id, "parent_id": above.id})
        order = self._held()
        task = self._task(order, "Purchasing")
        try:
            with self.env.cr.savepoint():
                self._decide(order, "Purchasing", self.manager, "escalate", comment="x")
        except UserError:
            pass
        self.assertNotIn(self.buyer, task.user_ids)
        with self.assertRaises(AccessError):
            task.with_user(self.buyer).action_decide("approve", task.digest)

    # ---------------------------------------------------------- the wrong content

    def test_changed_order_under_an_open_screen(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        seen = task.digest
        order.order_line.product_qty = 900
        self._commit()
        with self.assertRaises(UserError):
            task.with_user(self.manager).action_decide("approve", seen)
        current = self._task(order, "Purchasing")
        self.assertNotEqual(current, task)
        with self.assertRaises(UserError):
            current.with_user(self.manager).action_decide("approve", seen)
        current.with_user(self.manager).action_decide("approve", current.digest)
        self.assertEqual(self._releases(order).digest, order.sudo()._approval_snapshots()[order.id].digest)

    def test_changed_in_the_database_under_an_open_screen(self):
        """What was asked is not what is there (raw SQL): no decision on it."""
        order = self._held()
        task = self._task(order, "Purchasing")
        self.env.flush_all()
        self.env.cr.execute("UPDATE purchase_order_line SET product_qty = 90000 WHERE order_id = %s", (order.id,))
        self.env.invalidate_all()
        with self.assertRaises(UserError):
            task.with_user(self.manager).action_decide("approve", task.digest)

    def test_change_and_change_back(self):
        order = self._held(31000)
        self._decide(order, "Purchasing", self.manager)
        digest = order.sudo().approval_request_id.digest
        order.order_line.product_qty = 3200
        self._commit()
        order.order_line.product_qty = 3100
        self._commit()
        request = order.sudo().approval_request_id
        self.assertEqual(request.digest, digest)
        self.assertEqual(request.waiting_for, "Purchasing", "what was decided before the change is asked again")

    def test_garbage(self):
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        digest = task.digest
        for outcome in (
            None,
            False,
            "",
            0,
            1,
            True,
            "APPROVE",
            "approved",
            "pass",
            {},
            {"approve": 1},
            [],
            ["approve"],
            "approve ",
        ):
            with self.subTest(outcome=outcome), self.assertRaises(UserError):
                task.action_decide(outcome, digest)
        for seen in (None, False, "", 0, True, "0" * 64, digest.upper(), digest[:-1], {}, [digest], {"digest": digest}):
            with self.subTest(seen=seen), self.assertRaises(UserError):
                task.action_decide("approve", seen)
        for comment in ({}, {"a": 1}, [], ["x"], 7, True, "x" * 1_000_000):
            with self.subTest(comment=str(comment)[:20]), self.assertRaises(UserError):
                task.action_decide("reject", digest, comment=comment)
        for comment in (None, False, "", "   ", "\n\t"):
            with self.subTest(comment=comment), self.assertRaises(UserError):
                task.action_decide("reject", digest, comment=comment)
        for reason in ("no such code", 999999999, {"a": 1}, ["price"], True, "price' OR '1'='1"):
            with self.subTest(reason=reason), self.assertRaises(UserError):
                task.action_decide("reject", digest, comment="x", reason_code=reason)
        for conditions in (True, ["sign here"], {"a": 1}, "on Monday"):
            with self.subTest(conditions=conditions), self.assertRaises(UserError):
                task.action_decide("approve", digest, conditions=conditions)
        with self.assertRaises(UserError):
            task.action_decide("approve_with_conditions", digest)
        for question in (None, "", "  ", {}, ["x"], 7, "x" * 1_000_000):
            with self.subTest(question=str(question)[:20]), self.assertRaises(UserError):
                task.action_ask(question)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        task.action_ask("For which plant?")
        request = order.sudo().approval_request_id
        for answer in (None, False, "", "  ", {}, ["x"], 7, "x" * 1_000_000):
            with self.subTest(answer=str(answer)[:20]), self.assertRaises(UserError):
                request.with_user(self.buyer).action_submit_answer(answer)
        with self.assertRaises(AccessError):
            request.with_user(self.manager).action_submit_answer("Mine")
        request.with_user(self.buyer).action_submit_answer("The new one <script>alert(1)</script>")
        self.assertNotIn("<script>", request.timeline)
        task.action_decide("reject", digest, comment="<script>alert(1)</script>", reason_code="price")
        self.assertNotIn("<script>", request.timeline)
        self.assertNotIn("<script>", order.approval_banner)
        self.assertEqual(len(request.decision_ids), 1)

    def test_comment_that_policy_demands(self):
        draft = self._make_policy()
        draft.rule_ids.with_user(self.author).write({"comment_required": True})
        self._publish(draft)
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        with self.assertRaises(UserError):
            task.action_decide("approve", task.digest)
        # Editing the rules' rows by SQL is refused; a decision would not see it if it were not.
        task.action_decide("approve", task.digest, comment="Fine")

    # ------------------------------------------------------------------- the end

    def test_closed_requests_take_nothing(self):
        def rejected():
            order = self._held()
            self._decide(order, "Purchasing", self.manager, "reject", comment="no")
            return order

        def withdrawn():
            order = self._held()
            order.action_approval_withdraw()
            return order

        def cancelled():
            order = self._held()
            order.button_cancel()
            return order

        for make in (rejected, withdrawn, cancelled):
            with self.subTest(make.__name__):
                order = make()
                request = order.sudo().approval_request_id
                task = request.task_ids
                for user in (self.manager, self.buyer):
                    for outcome in ("approve", "reject", "request_revision", "escalate"):
                        with self.assertRaises(UserError):
                            task.with_user(user).action_decide(outcome, task.digest, comment="x")
                with self.assertRaises(UserError):
                    request.with_user(self.buyer).action_retry_release()
                self.assertFalse(request._resume())
                self.assertNotInForce(order)

    def test_only_the_requester_withdraws(self):
        order = self._held()
        request = order.sudo().approval_request_id
        for user in (self.other_buyer, self.manager, self.employee, self.auditor, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                request.with_user(user).action_withdraw()
        self.assertEqual(request.state, "pending")
        request.with_user(self.buyer).action_withdraw()
        self.assertEqual((request.state, order.state), ("withdrawn", "draft"))

    def test_withdrawn_after_approval_releases_nothing(self):
        order = self._held()
        self._decide(order, "Purchasing", self.manager)
        request = order.sudo().approval_request_id
        self.buyer.write({USER_GROUPS: [Command.unlink(self.env.ref("purchase.group_purchase_user").id)]})
        self.assertFalse(request._resume())
        self.assertEqual(request.resume_state, "failed")
        self.buyer.write({USER_GROUPS: [Command.link(self.env.ref("purchase.group_purchase_user").id)]})
        request.with_user(self.buyer).action_withdraw()
        self.assertFalse(self._releases(order))
        order.button_confirm()
        self.assertNotInForce(order)

    # --------------------------------------------------------------- the resuming

    def test_requester_inactive_at_resume(self):
        order = self._held()
        self._decide(order, "Purchasing", self.manager)
        self.buyer.active = False
        request = order.sudo().approval_request_id
        self.assertFalse(request._resume())
        self.assertApprovedNotReleased(order)
        order.with_user(self.other_buyer).button_confirm()
        self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
        self.assertEqual(request.resume_state, "done")
        self.assertEqual(len(order.sudo().picking_ids), 1)

    def test_requester_lost_the_right_at_resume(self):
        order = self._held()
        self._decide(order, "Purchasing", self.manager)
        self.buyer.write({USER_GROUPS: [Command.unlink(self.env.ref("purchase.group_purchase_user").id)]})
        request = order.sudo().approval_request_id
        self.assertFalse(request._resume())
        self.assertApprovedNotReleased(order)
        self.buyer.write({USER_GROUPS: [Command.link(self.env.ref("purchase.group_purchase_user").id)]})
        for user in (self.employee, self.manager):
            with self.assertRaises(AccessError):
                request.with_user(user).action_retry_release()
        request.with_user(self.buyer).action_retry_release()
        self.assertEqual((order.state, request.resume_state), ("purchase", "done"))

    def assertApprovedNotReleased(self, order):
        request = order.sudo().approval_request_id
        self.assertEqual((request.state, request.resume_state), ("approved", "failed"))
        self.assertEqual((order.state, order.approval_state), ("to approve", "approved"))
        self.assertTrue(request.reason)
        self.assertFalse(order.sudo().picking_ids)
        case = self.env["distribution.case"].search([("res_model", "=", "purchase.order"), ("res_id", "=", order.id)])
        self.assertEqual(case.type_id.code, "approved_not_released")

    def test_resuming_twice(self):
        order = self._held()
        self._decide(order, "Purchasing", self.manager)
        request = order.sudo().approval_request_id
        self.assertTrue(request._resume())
        for _again in range(2):
            self.assertFalse(request._resume())
        self.assertEqual(len(order.sudo().picking_ids), 1)
        self.assertEqual(len(self._releases(order)), 1)

    # ----------------------------------------------------- what others were asked

    def test_requester_decides_the_route_not_who_edits(self):
        """``requester`` and the requester's manager are those of the request, whoever touches it."""
        employee = self.env["hr.employee"]
        strict = employee.create({"name": "Strict", "user_id": self.finance.id})
        lenient = employee.create({"name": "Lenient", "user_id": self.operations.id})
        employee.create({"name": "Buyer", "user_id": self.buyer.id, "parent_id": strict.id})
        employee.create({"name": "Other", "user_id": self.other_buyer.id, "parent_id": lenient.id})
        draft = self._make_policy()
        draft.rule_ids.filtered(lambda rule: rule.name == "Above 2,500").stage_ids.with_user(self.author).write(
            {"approver_kind": "requester_manager", "group_id": False, "name": "Superior"}
        )
        self._publish(draft)
        order = self._order(5000)
        order.button_confirm()
        task = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.state == "open")
        self.assertEqual(task.user_ids, self.finance)
        order.with_user(self.other_buyer).order_line.product_qty = 501
        self._commit()
        task = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.state == "open")
        self.assertEqual(task.user_ids, self.finance)

    def test_requester_as_a_fact(self):
        """Somebody else's edit, or the scheduled job, does not make it somebody else's request."""
        draft = self._make_policy()
        draft.with_user(self.author).write(
            {
                "rule_ids": [
                    Command.create(
                        {
                            "name": "Trainee",
                            "outcome": "require",
                            "condition_ids": [
                                Command.create(
                                    {
                                        "fact": "requester",
                                        "operator": "in",
                                        "reference_ids": [Command.create({"ref_id": self.buyer.id})],
                                    }
                                )
                            ],
                            "stage_ids": [
                                Command.create({"group_id": self.groups["Compliance"].id, "name": "Compliance"})
                            ],
                        }
                    )
                ]
            }
        )
        self._publish(draft)
        passed = self._order(1000, user=self.other_buyer)
        passed.button_confirm()
        self.assertEqual(passed.state, "purchase")
        order = self._order(1000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        self.assertEqual(request.waiting_for, "Compliance")
        order.with_user(self.other_buyer).order_line.product_qty = 101
        self._commit()
        self.assertEqual((request.state, request.waiting_for, request.round), ("pending", "Compliance", 2))
        self.assertEqual(json.loads(request.snapshot_id.facts)["requester"], self.buyer.id)
