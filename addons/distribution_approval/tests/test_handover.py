"""Forward, reassign, take over from the group: tasks change hands, duties stay apart."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from .test_delegation import DelegationCase


class HandoverCase(DelegationCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.overseer = new_test_user(
            cls.env, login="t_overseer", groups="base.group_user,distribution_core.group_operations"
        )

    def _finance_task(self):
        """Of an order above 25,000 that Purchasing has approved."""
        order = self._held(30000)
        self._approve(order, self.manager)
        return order, self._task(order, "Finance")

    def _evidence(self, task):
        rows = self.env["distribution.approval.handover"].search([("task_id", "=", task.id)])
        return [(row.kind, row.user_id) for row in rows]

    def _types(self, order):
        events = self.env["distribution.event"].search(
            [("res_model", "=", "purchase.order"), ("res_id", "=", order.id)], order="id"
        )
        return [event.type.split(".")[2] for event in events]


@tagged("post_install", "-at_install")
class TestForward(HandoverCase):
    def test_another_approver_decides_instead(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        task.with_user(self.manager).action_forward(self.deputy.id, "Knows this vendor better")
        self.assertEqual(task.user_ids, self.deputy)
        self.assertIn(task, self._inbox(self.deputy))
        self.assertNotIn(task, self._inbox(self.manager))
        self.assertMayNot(order, self.manager)
        order.with_user(self.deputy).read(["amount_total"])
        self.assertEqual(self._evidence(task), [("forward", self.manager)])
        self.assertIn("task_forwarded", self._types(order))
        timeline = task.request_id.timeline
        self.assertIn("Knows this vendor better", timeline)
        self._approve(order, self.deputy)
        self.assertEqual(task.request_id.state, "approved")

    def test_looking_for_approvers_again_does_not_take_it_back(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        task.with_user(self.manager).action_forward(self.deputy.id, "Please")
        task.request_id._refresh_candidates()
        self.assertEqual(task.user_ids, self.deputy)

    def test_it_can_come_back(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        task.with_user(self.manager).action_forward(self.deputy.id, "Please")
        task.with_user(self.deputy).action_forward(self.manager.id, "No, you")
        self._approve(order, self.manager)

    def test_the_wizard(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        action = task.with_user(self.manager).action_open_forward()
        wizard = (
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({"user_id": self.deputy.id, "comment": "Please"})
        )
        self.assertIn(self.deputy, wizard.possible_ids)
        self.assertFalse(wizard.possible_ids & (self.manager | self.buyer | self.employee))
        wizard.action_confirm()
        self.assertEqual(task.user_ids, self.deputy)

    # ---------------------------------------------------------------- attacks

    def test_only_to_who_could_decide(self):
        self._give_authority(self.buyer)
        order = self._held(5000)
        task = self._task(order, "Purchasing").with_user(self.manager)
        gone = new_test_user(self.env, login="t_gone", groups="base.group_user,distribution_core.group_approver")
        gone.active = False
        for target in (self.buyer, self.employee, gone, self.env.ref("base.user_root"), self.manager):
            with self.subTest(target.login), self.assertRaises(UserError), self.cr.savepoint():
                task.action_forward(target.id, "Please")
        for target in (False, None, "7", [], 0, 10**9, True):
            with self.subTest(target), self.assertRaises(UserError), self.cr.savepoint():
                task.action_forward(target, "Please")
        with self.assertRaises(ValidationError), self.cr.savepoint():
            task.action_forward(self.deputy.id, "  ")

    def test_not_to_who_stands_in_for_the_requester(self):
        self._give_authority(self.buyer)
        self._delegate(self.buyer, self.deputy)
        task = self._task(self._held(5000), "Purchasing")
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.manager).action_forward(self.deputy.id, "Please")

    def test_not_to_who_decided_an_earlier_stage(self):
        _order, task = self._finance_task()
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.finance).action_forward(self.manager.id, "Please")

    def test_only_who_is_asked_forwards(self):
        self._delegate()
        task = self._task(self._held(5000), "Purchasing")
        for attacker in (self.deputy, self.deputy_2, self.buyer, self.overseer, self.env.ref("base.user_root")):
            with self.subTest(attacker.login), self.assertRaises(AccessError), self.cr.savepoint():
                task.with_user(attacker).action_forward(self.deputy_2.id, "Please")

    def test_not_after_the_decision(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self._approve(order, self.manager)
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.manager).action_forward(self.deputy.id, "Please")

    def test_evidence_stays(self):
        task = self._task(self._held(5000), "Purchasing")
        task.with_user(self.manager).action_forward(self.deputy.id, "Please")
        row = self.env["distribution.approval.handover"].search([("task_id", "=", task.id)])
        with self.assertRaises(AccessError), self.cr.savepoint():
            self.env["distribution.approval.handover"].with_user(self.env.ref("base.user_admin")).create(
                {"task_id": task.id, "request_id": task.request_id.id, "kind": "forward", "user_id": self.finance.id,
                 "done_at": row.done_at}
            )  # fmt: skip
        for statement in ("UPDATE {} SET comment = 'x' WHERE id = %s", "DELETE FROM {} WHERE id = %s"):
            with self.assertRaises(IntegrityError), self.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.cr.execute(statement.format(row._table), (row.id,))


@tagged("post_install", "-at_install")
class TestReassign(HandoverCase):
    def test_operations_give_a_task_to_others(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertTrue(task.with_user(self.overseer).can_reassign)
        self.assertFalse(task.with_user(self.manager).can_reassign)
        task.with_user(self.overseer).action_reassign([self.deputy.id, self.deputy_2.id], "Out of office")
        self.assertEqual(task.user_ids, self.deputy | self.deputy_2)
        self.assertEqual(self._evidence(task), [("reassign", self.overseer)])
        self.assertIn("task_reassigned", self._types(order))
        self.assertIn("Out of office", task.request_id.timeline)
        self.assertMayNot(order, self.manager)
        self._approve(order, self.deputy_2)
        self.assertEqual(task.request_id.state, "approved")

    def test_a_stage_to_come(self):
        order = self._held(30000)
        task = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.name == "Finance")
        self.assertEqual(task.state, "waiting")
        task.with_user(self.overseer).action_reassign([self.deputy.id], "Holidays")
        self._approve(order, self.manager)
        self.assertEqual((task.state, task.user_ids), ("open", self.deputy))
        self.assertIn(task, self._inbox(self.deputy))

    def test_who_may_and_to_whom(self):
        self._give_authority(self.buyer)
        task = self._task(self._held(5000), "Purchasing")
        for attacker in (self.manager, self.deputy, self.buyer, self.auditor, self.env.ref("base.user_root")):
            with self.subTest(attacker.login), self.assertRaises(AccessError), self.cr.savepoint():
                task.with_user(attacker).action_reassign([self.deputy.id], "Mine")
        self._give_authority(self.overseer)
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.overseer).action_reassign([self.overseer.id], "Mine")
        for target in (self.buyer, self.employee):
            with self.subTest(target.login), self.assertRaises(UserError), self.cr.savepoint():
                task.with_user(self.overseer).action_reassign([target.id], "Please")
        with self.assertRaises(ValidationError), self.cr.savepoint():
            task.with_user(self.overseer).action_reassign([self.deputy.id], "")

    def test_who_asked_does_not_choose_who_decides(self):
        self.buyer.write({USER_GROUPS: [(4, self.env.ref("distribution_core.group_operations").id)]})
        task = self._task(self._held(5000), "Purchasing")
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.buyer).action_reassign([self.deputy.id], "A friend")

    def test_not_to_who_decided_before(self):
        _order, task = self._finance_task()
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.overseer).action_reassign([self.manager.id], "Please")


@tagged("post_install", "-at_install")
class TestTakeOver(HandoverCase):
    def test_one_takes_it_and_gives_it_back(self):
        order, task = self._finance_task()
        self.assertTrue(task.with_user(self.finance).can_take_over)
        task.with_user(self.finance).action_take_over()
        self.assertEqual(task.claimed_by_id, self.finance)
        self.assertIn(task, self._inbox(self.finance))
        self.assertNotIn(task, self._inbox(self.finance_2))
        self.assertEqual(task.with_user(self.finance_2).claimed_by_id, self.finance, "others see who took it")
        self.assertFalse(task.with_user(self.finance_2).can_decide)
        with self.assertRaisesRegex(AccessError, "has taken over"), self.cr.savepoint():
            self._approve(order, self.finance_2, "Finance")
        task.with_user(self.finance).action_give_back()
        self.assertIn(task, self._inbox(self.finance_2))
        self._approve(order, self.finance_2, "Finance")
        self.assertEqual(self._evidence(task), [("take_over", self.finance), ("give_back", self.finance)])
        self.assertEqual(self._types(order).count("task_taken_over"), 1)

    def test_nobody_else_gives_it_back(self):
        _order, task = self._finance_task()
        task.with_user(self.finance).action_take_over()
        for other in (self.finance_2, self.buyer):
            with self.assertRaises(AccessError), self.cr.savepoint():
                task.with_user(other).action_give_back()
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.finance_2).action_take_over()
        task.with_user(self.overseer).action_give_back()
        self.assertFalse(task.claimed_by_id)

    def test_the_substitute_of_who_took_it_decides_and_no_other(self):
        order, task = self._finance_task()
        self._delegate(self.finance, self.deputy)
        self._delegate(self.finance_2, self.deputy_2)
        self.assertEqual(task.stand_in_ids.user_id, self.deputy | self.deputy_2)
        task.with_user(self.finance).action_take_over()
        self.assertEqual(task.stand_in_ids.user_id, self.deputy)
        self.assertMayNot(order, self.deputy_2, "Finance")
        self.assertIn(task, self._inbox(self.deputy))
        self._approve(order, self.deputy, "Finance")

    def test_forwarding_and_reassigning_end_a_claim(self):
        _order, task = self._finance_task()
        task.with_user(self.finance).action_take_over()
        task.with_user(self.finance).action_forward(self.deputy.id, "Please")
        self.assertFalse(task.claimed_by_id)
        self.assertEqual(task.user_ids, self.finance_2 | self.deputy)
        task.with_user(self.deputy).action_take_over()
        task.with_user(self.overseer).action_reassign([self.finance.id], "Back")
        self.assertFalse(task.claimed_by_id)

    def test_who_leaves_leaves_no_claim(self):
        order, task = self._finance_task()
        task.with_user(self.finance).action_take_over()
        self.finance.active = False
        self.assertNotIn(self.finance, task.user_ids)
        self.assertTrue(task.with_user(self.finance_2).can_decide)
        self._approve(order, self.finance_2, "Finance")

    def test_alone_or_for_several_nobody_takes_over(self):
        task = self._task(self._held(5000), "Purchasing")
        self.assertFalse(task.with_user(self.manager).can_take_over, "there is nobody else")
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        draft.rule_ids.stage_ids.filtered(lambda stage: stage.name == "Finance").quorum = 2
        self._publish(draft)
        _order, task = self._finance_task()
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.finance).action_take_over()

    def test_outsiders_do_not_take_over(self):
        _order, task = self._finance_task()
        for attacker in (self.deputy, self.buyer, self.manager, self.env.ref("base.user_root")):
            with self.subTest(attacker.login), self.assertRaises(AccessError), self.cr.savepoint():
                task.with_user(attacker).action_take_over()
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.finance).write({"claimed_by_id": self.finance.id})
