"""Approving several low-risk tasks together."""

import contextlib

from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from .test_evidence import TermsCase


@tagged("post_install", "-at_install")
class TestBulkDecisions(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish(bulk_limit=6000)

    def _tasks(self, *orders):
        tasks = self.env["distribution.approval.task"].union(*(self._task(order, "Purchasing") for order in orders))
        return tasks.with_user(self.manager)

    def test_each_by_itself(self):
        small, other, large, changed = (self._held(amount) for amount in (3000, 4000, 7000, 3500))
        tasks = self._tasks(small, other, large, changed)
        action = tasks.action_open_bulk()
        bulk = self.env[action["res_model"]].with_user(self.manager).browse(action["res_id"])
        self.assertEqual(len(bulk.line_ids), 4)
        self.assertEqual(bulk.line_ids.filtered("hindrance").task_id, self._tasks(large))
        changed.order_line.write({"product_qty": 360})
        self._commit()
        bulk.comment = "Monthly stock"
        bulk.action_approve()
        self.assertTrue(bulk.done)
        results = {line.document_name: line.result for line in bulk.line_ids}
        self.assertEqual(
            results, {small.name: "approved", other.name: "approved", large.name: False, changed.name: "failed"}
        )
        self.assertIn("has changed", bulk.line_ids.filtered(lambda line: line.result == "failed").problem)
        self.assertIn("2 approved, 2 not", bulk.summary)
        for order in (small, other):
            decision = order.sudo().approval_request_id.decision_ids
            noted = decision.channel, decision.user_id, decision.comment
            self.assertEqual(noted, ("bulk", self.manager, "Monthly stock"))
            self.assertTrue(self._resume(order))
        for order in (large, changed):
            self.assertFalse(order.sudo().approval_request_id.decision_ids)
        with self.assertRaises(UserError):
            bulk.action_approve()

    def test_not_unless_the_policy_says_so(self):
        self._republish(bulk_limit=0)
        task = self._tasks(self._held(3000))
        self.assertTrue(task.action_approve_together({task.id: task.digest})[str(task.id)])
        self.assertFalse(task.sudo().decision_ids)

    def test_amendments_and_questions_are_decided_by_themselves(self):
        asked = self._held(3000)
        task = self._tasks(asked)
        task.action_ask("Why?")
        self.assertIn("question", task.action_approve_together({task.id: task.digest})[str(task.id)])
        order = self._passed(1000)
        self.env["distribution.approval.amendment"].with_user(self.buyer)._propose(
            order.with_user(self.buyer), {"order_line": [(1, order.order_line.id, {"product_qty": 400})]}, "More"
        )
        task = self._tasks(order)
        self.assertIn("amendment", task.action_approve_together({task.id: task.digest})[str(task.id)])

    def test_the_wrong_person(self):
        order = self._held(3000)
        task = self._task(order, "Purchasing")
        for user in (self.buyer, self.finance, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login):
                mine = task.with_user(user)
                with contextlib.suppress(AccessError):
                    self.assertTrue(mine.action_approve_together({task.id: task.digest})[str(task.id)])
                with self.assertRaises(UserError):
                    mine.action_open_bulk()
        with self.assertRaises(AccessError):
            task.with_user(1).action_approve_together({task.id: task.digest})
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    def test_forged_wizards(self):
        """What the client writes into the wizard opens nothing: limit, digest and person are checked again."""
        large, small = self._held(7000), self._held(3000)
        wizards = self.env["distribution.approval.bulk"].with_user(self.manager)
        for task, digest in (
            (self._task(large, "Purchasing"), self._task(large, "Purchasing").digest),
            (self._task(small, "Purchasing"), "0" * 64),
            (self._task(small, "Purchasing"), self._task(large, "Purchasing").digest),
        ):
            bulk = wizards.create({"line_ids": [(0, 0, {"task_id": task.id, "seen_digest": digest})]})
            bulk.action_approve()
            self.assertEqual(bulk.line_ids.result, "failed")
        mine = wizards.create({"line_ids": [(0, 0, {"task_id": task.id, "seen_digest": task.digest})]})
        with self.assertRaises(AccessError):
            mine.with_user(self.finance).action_approve()
        task = self._tasks(small)
        for seen in (None, {}, [], "x", {"x": "y"}, {task.id: None}, {task.id: {}}, {999999999: "x"}):
            with self.subTest(seen=seen):
                try:
                    results = task.action_approve_together(seen)
                except UserError:
                    continue
                self.assertTrue(all(results.values()))
        self.assertFalse((large | small).sudo().mapped("approval_request_id.decision_ids"))

    def test_rpc_keys_are_texts(self):
        task = self._tasks(self._held(3000))
        self.assertEqual(task.action_approve_together({str(task.id): task.digest}), {str(task.id): False})
