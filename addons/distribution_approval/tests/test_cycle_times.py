"""Cycle times, workload and bottlenecks: exact figures, and who may see them."""

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestCycleTimes(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cycle = cls.env["distribution.approval.cycle"].with_user(cls.auditor)
        cls.workload = cls.env["distribution.approval.workload"].with_user(cls.auditor)
        cls.bottleneck = cls.env["distribution.approval.bottleneck"].with_user(cls.auditor)

    def _asked(self, hours, amount=5000):
        """An order that waits for Purchasing since ``hours``."""
        order = self._held(amount)
        task = self._task(order, "Purchasing")
        task.sudo().write({"opened_at": fields.Datetime.subtract(fields.Datetime.now(), hours=hours)})
        return order

    def _decided_after(self, hours, user=None):
        order = self._asked(hours)
        self._decide(order, "Purchasing", user or self.manager)
        return order

    def test_percentiles_are_exact_in_every_grouping(self):
        second = self.finance
        second.write({USER_GROUPS: [Command.link(self.groups["Purchasing"].id)]})
        for hours in range(1, 7):
            self._decided_after(hours)
        for hours in range(7, 11):
            self._decided_after(hours, second)
        self.env.flush_all()
        measures = ["hours_median:avg", "hours_p90:avg", "hours:avg", "hours_max:max", "__count"]
        [(stage, *figures)] = self.cycle._read_group([("stage", "=", "Purchasing")], ["stage"], measures)
        self.assertEqual((stage, figures[-1]), ("Purchasing", 10))
        for figure, expected in zip(figures, (5.5, 9.1, 5.5, 10)):
            self.assertAlmostEqual(figure, expected, 1)
        by_user = {
            user: (median, p90)
            for user, median, p90, _avg, _max, _count in self.cycle._read_group([], ["user_id"], measures)
        }
        self.assertAlmostEqual(by_user[self.manager][0], 3.5, 1)
        self.assertAlmostEqual(by_user[self.manager][1], 5.5, 1)
        self.assertAlmostEqual(by_user[second][0], 8.5, 1)
        [row] = self.bottleneck.search([("stage", "=", "Purchasing")])
        self.assertEqual((row.decided, row.approver_count, row.pending), (10, 2, 0))
        self.assertAlmostEqual(row.p90_hours, 9.1, 1)

    def test_time_of_a_question_is_not_the_approvers(self):
        order = self._asked(10)
        task = self._task(order, "Purchasing").with_user(self.manager)
        task.action_ask("Why this vendor?")
        self.env.cr.execute(
            "ALTER TABLE distribution_approval_question DISABLE TRIGGER distribution_keep_columns_update"
        )
        self.env.cr.execute(
            "UPDATE distribution_approval_question SET asked_at = asked_at - interval '6 hours' WHERE task_id = %s",
            (task.id,),
        )
        self.env.cr.execute(
            "ALTER TABLE distribution_approval_question ENABLE ALWAYS TRIGGER distribution_keep_columns_update"
        )
        self.env.invalidate_all()
        [row] = self.cycle.search([("task_id", "=", task.id)])
        self.assertEqual(row.status, "pending")
        self.assertAlmostEqual(row.age_hours, 4, 1)
        self.assertAlmostEqual(row.question_hours, 6, 1)
        order.approval_request_id.with_user(self.buyer).action_submit_answer("Cheapest")
        task.action_decide("approve", task.digest)
        self.env.flush_all()
        [row] = self.cycle.search([("task_id", "=", task.id)])
        self.assertEqual((row.status, row.user_id, row.outcome), ("decided", self.manager, "approve"))
        self.assertAlmostEqual(row.hours, 4, 1)

    def test_bottleneck_is_what_waits_longer_than_usual(self):
        for hours in (1, 2, 3):
            self._decided_after(hours)
        self._asked(2)
        self._asked(30)
        self.env.flush_all()
        [row] = self.bottleneck.search([("stage", "=", "Purchasing")])
        self.assertEqual((row.pending, row.waiting_over_p90), (2, 1))
        self.assertAlmostEqual(row.oldest_hours, 30, 1)
        action = row.action_open_waiting()
        self.assertEqual(len(self.workload.search(action["domain"])), 2)

    def test_where_nobody_decided_everything_waits_too_long(self):
        self._asked(2)
        self.env.flush_all()
        [row] = self.bottleneck.search([("stage", "=", "Purchasing")])
        self.assertEqual((row.decided, row.pending, row.waiting_over_p90), (0, 1, 1))

    def test_workload_counts_a_task_once(self):
        order = self._held(30000)
        self._decide(order, "Purchasing", self.manager)
        self.env.flush_all()
        domain = [("document_name", "=", order.name), ("stage", "=", "Finance")]
        rows = self.workload.search(domain)
        self.assertEqual(rows.user_id, self.finance | self.finance_2)
        [(tasks, share)] = self.workload._read_group(domain, [], ["task_id:count_distinct", "share:sum"])
        self.assertEqual((tasks, share), (1, 1.0))
        self.assertEqual(set(rows.mapped("age_band")), {"a"})

    def test_who_sees_whose_figures(self):
        self._decided_after(3)
        self.env.flush_all()
        cycle = self.env["distribution.approval.cycle"]
        self.assertTrue(cycle.with_user(self.manager).search([]))
        self.assertFalse(cycle.with_user(self.finance).search([]), "a colleague's figures")
        self.assertTrue(cycle.with_user(self.publisher).search([]))
        for nobody in (self.buyer, self.employee):
            with self.assertRaises(AccessError):
                cycle.with_user(nobody).search([])
            with self.assertRaises(AccessError):
                self.env["distribution.approval.bottleneck"].with_user(nobody).search([])
        boss, worker = (
            self.env["hr.employee"].create({"name": user.name, "user_id": user.id, "company_id": self.company.id})
            for user in (self.finance, self.manager)
        )
        worker.parent_id = boss
        self.assertTrue(cycle.with_user(self.finance).search([]), "the manager of the approver")

    def test_other_companies_are_not_shown(self):
        order = self._asked(3)
        self.env.flush_all()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.auditor.write({"company_ids": [Command.link(other.id)]})
        names = self.workload.with_context(allowed_company_ids=other.ids).search([]).mapped("document_name")
        self.assertNotIn(order.name, names)
        self.assertIn(order.name, self.workload.search([]).mapped("document_name"))

    def test_nothing_can_be_written(self):
        self._decided_after(1)
        self.env.flush_all()
        for user in (self.auditor, self.publisher, self.manager):
            rows = self.cycle.with_user(user).search([], limit=1)
            with self.assertRaises(AccessError):
                rows.write({"hours": 0})
            with self.assertRaises(AccessError):
                rows.unlink()
