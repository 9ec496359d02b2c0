"""Clocks, substitutes and tasks that change hands, on several connections.

Two workers, a decision at the last moment, a run that crashed; two people at the same place.
"""

from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from ..models.approval_policy import today
from .test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install")
class TestClockConcurrency(ConcurrencyCase):
    @classmethod
    def _make_company(cls, env):
        super()._make_company(env)
        user = env["res.users"].browse
        version = env["distribution.approval.policy.version"].search(
            [("company_id", "=", cls.company_id), ("state", "=", "published")]
        )
        draft = version.policy_id.with_user(user(cls.people["author"]))._draft_next_version()
        draft.rule_ids.filtered(lambda rule: rule.name == "Large").stage_ids.write(
            {
                "service_hours": 8,
                "clock_calendar": "company",
                "escalation_ids": [
                    Command.create({"after_hours": 0, "target_kind": "user", "user_id": cls.people["finance"]})
                ],
                "final_action": "reject",
                "final_after_hours": 0,
            }
        )
        draft.with_user(user(cls.people["publisher"])).action_publish()

    def _late(self, amount=5000):
        """(order id, task id) of a task whose clock ran out months ago, unnoticed."""
        order_id, (task_id,) = self._held(amount)
        with self.transaction() as env:
            env.cr.execute(
                """UPDATE distribution_approval_task
                      SET opened_at = '2026-01-05 08:00', clock_next_at = '2026-01-05 16:00' WHERE id = %s""",
                (task_id,),
            )
        return order_id, task_id

    def _run(self, env):
        return env["distribution.approval.task"]._cron_service_clock()

    def _steps(self, task_id):
        with self.transaction() as env:
            task = env["distribution.approval.task"].browse(task_id)
            return task.request_id.state, task.clock_step_ids.sorted("id").mapped("step")

    def test_two_workers_take_each_step_once(self):
        order_id, task_id = self._late()
        self._at_once(
            (None, lambda env: env["distribution.approval.task"].browse(task_id)._run_clock()),
            (None, lambda env: env["distribution.approval.task"].browse(task_id)._run_clock()),
        )
        self.assertEqual(self._steps(task_id), ("rejected", ["escalation:1", "final"]))
        with self.transaction() as env:
            events = env["distribution.event"].search([("res_model", "=", "purchase.order"), ("res_id", "=", order_id)])
            self.assertEqual(events.mapped("type").count("distribution.purchase_order.task_expired.v1"), 1)

    def test_two_whole_jobs_at_once(self):
        late = [self._late()[1] for _number in range(3)]
        self._at_once((None, self._run), (None, self._run))
        with self.registry.cursor() as cr:
            self._run(self.transaction_env(cr))
        for task_id in late:
            self.assertEqual(self._steps(task_id), ("rejected", ["escalation:1", "final"]))

    def test_a_decision_at_the_last_moment(self):
        """Either it was decided, or time was up: never both."""
        for _attempt in range(3):
            order_id, task_id = self._late()
            results = self._at_once(
                ("manager", self._decide(task_id)),
                (None, lambda env, task_id=task_id: env["distribution.approval.task"].browse(task_id)._run_clock()),
            )
            with self.transaction() as env:
                request = env["purchase.order"].browse(order_id).approval_request_ids
                self.assertEqual(request.state, "approved" if results[0] is True else "rejected")
                self.assertEqual(bool(request.decision_ids), results[0] is True)
                self.assertEqual(request.expired, results[0] is not True)

    def test_one_broken_clock_does_not_stop_the_others(self):
        broken, sound = self._late()[1], self._late()[1]
        task_model = self.registry["distribution.approval.task"]
        finish = task_model._finish

        def breaks(task, *args):
            if task.id == broken:
                raise ValueError("no such thing")
            return finish(task, *args)

        with (
            patch.object(task_model, "_finish", breaks),
            mute_logger("odoo.addons.distribution_approval.models.approval_clock"),
            self.registry.cursor() as cr,
        ):
            self._run(self.transaction_env(cr))
        self.assertEqual(self._steps(broken), ("pending", []), "rolled back as a whole")
        self.assertEqual(self._steps(sound), ("rejected", ["escalation:1", "final"]))
        with self.transaction() as env:
            case = env["distribution.case"].search([("dedup_key", "=", f"clock_failed:{broken}")])
            self.assertEqual(len(case), 1)
            task = env["distribution.approval.task"].browse(broken)
            self.assertGreater(task.clock_next_at, fields.Datetime.now(), "tried again later")
            task.clock_next_at = "2026-01-05 16:00"
        with self.registry.cursor() as cr:
            self._run(self.transaction_env(cr))
        self.assertEqual(self._steps(broken), ("rejected", ["escalation:1", "final"]))

    # --------------------------------------------- substitutes, claims, forwarding

    def _delegate(self, user, substitute):
        def declare(env):
            day = today(env["res.company"].browse(self.company_id))
            return (
                env["distribution.approval.delegation"]
                .create({"substitute_id": self.people[substitute], "date_from": day, "date_to": day})
                .id
            )

        return user, declare

    def test_two_substitutes_declared_at_once(self):
        """Neither overlooks the other: one of two for the same case is refused."""
        results = self._at_once(self._delegate("operations", "finance"), self._delegate("operations", "manager"))
        made = [result for result in results if isinstance(result, int)]
        self.assertEqual(len(made), 1, results)
        with self.transaction("operations") as env:
            env["distribution.approval.delegation"].browse(made).action_end()

    def test_the_substitute_and_the_principal_at_once(self):
        """A place is taken once, in a stage of two people too."""
        user, declare = self._delegate("manager", "finance")
        with self.transaction(user) as env:
            delegation_id = declare(env)
        try:
            for amount, status in ((5000, "approved"), (15000, "pending")):
                order_id, (task_id,) = self._held(amount)
                results = self._at_once(("manager", self._decide(task_id)), ("finance", self._decide(task_id)))
                self.assertEqual(sum(result is True for result in results), 1, results)
                with self.transaction() as env:
                    request = env["purchase.order"].browse(order_id).approval_request_ids
                    self.assertEqual(request.state, status)
                    self.assertEqual(len(request.decision_ids), 1)
        finally:
            with self.transaction(user) as env:
                env["distribution.approval.delegation"].browse(delegation_id).action_end()

    def test_two_take_it_over_at_once(self):
        _order_id, (task_id,) = self._held(5000)

        def take(env):
            return env["distribution.approval.task"].browse(task_id).action_take_over()

        results = self._at_once(("manager", take), ("manager_2", take))
        self.assertEqual(sum(result is True for result in results), 1, results)
        with self.transaction() as env:
            task = env["distribution.approval.task"].browse(task_id)
            winner = "manager" if results[0] is True else "manager_2"
            self.assertEqual(task.claimed_by_id.id, self.people[winner])
            rows = env["distribution.approval.handover"].search([("task_id", "=", task_id)])
            self.assertEqual(rows.user_id.id, self.people[winner])
            self.assertEqual(len(rows), 1)

    def test_forwarded_and_decided_at_once(self):
        for _attempt in range(3):
            order_id, (task_id,) = self._held(5000)

            def forward(env, task_id=task_id):
                task = env["distribution.approval.task"].browse(task_id)
                return task.action_forward(self.people["finance"], "Please")

            results = self._at_once(("manager", forward), ("manager_2", self._decide(task_id)))
            self.assertIs(results[1], True)
            with self.transaction() as env:
                request = env["purchase.order"].browse(order_id).approval_request_ids
                self.assertEqual(request.state, "approved")
                self.assertEqual(len(request.decision_ids), 1)
                forwarded = env["distribution.approval.handover"].search([("task_id", "=", task_id)])
                self.assertEqual(bool(forwarded), results[0] is True)

    @staticmethod
    def transaction_env(cr):
        return api.Environment(cr, SUPERUSER_ID, {})
