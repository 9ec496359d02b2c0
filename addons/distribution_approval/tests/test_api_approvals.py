"""Approvals for other systems: requests to read, decisions that a person's token carries."""

import secrets

from odoo import Command
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.api_case import ApiClient

from .link_case import LinkCase

DECISIONS = "approval-decisions"


@tagged("post_install", "-at_install")
class TestApiApprovals(ApiClient, LinkCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish(link_mode="mail", link_ceiling=10000, link_hours=24, bulk_limit=0)
        cls.account = new_test_user(
            cls.env,
            login="t_api",
            groups="base.group_user,distribution_core.group_integration,distribution_core.group_operations",
        )
        operations = cls.env["distribution.api.operation"].search([("name", "in", ("approval-requests", DECISIONS))])
        cls.key = cls.env["distribution.api.key"].create(
            {
                "name": "n8n",
                "user_id": cls.account.id,
                "company_ids": [Command.set(cls.company.ids)],
                "operation_ids": [Command.set(operations.ids)],
                "per_minute": 10_000,
                "burst": 1_000,
            }
        )
        cls.text = cls.key._issue()[0]

    def _case(self, amount=5000):
        """(order, task, what another system sends when the approver said yes)."""
        order, path = self._link(amount)
        task = self._task(order, "Purchasing").sudo()
        return (
            order,
            task,
            {
                "task_id": task.id,
                "token": path.rsplit("/", 1)[1],
                "outcome": "approve",
                "seen_digest": task.digest,
            },
        )

    def _request(self, order):
        self.env.invalidate_all()
        return order.sudo().approval_request_id

    # ----------------------------------------------------------------- the story

    def test_read_and_decide(self):
        order, task, body = self._case()
        request = order.sudo().approval_request_id
        read = self.assertAnswer(self.get(f"approval-requests/{request.id}"), 200)
        self.assertEqual(
            (read["document"], read["state"], read["amount"], read["digest"]),
            (f"purchase.order,{order.id}", "pending", 5000, task.digest),
        )
        self.assertEqual([(one["id"], one["state"]) for one in read["tasks"]], [(task.id, "open")])
        self.assertNotIn(self.manager.name, str(read))
        result = self.assertAnswer(self.post(DECISIONS, body), 200)["result"]
        request = self._request(order)
        self.assertEqual(result["request_state"], "approved")
        decision = request.decision_ids
        self.assertEqual(
            (decision.id, decision.user_id, decision.channel, decision.digest),
            (result["decision_id"], self.manager, "api", task.digest),
        )
        event = self.env["distribution.event"]._last_for(request._document(), None)
        self.assertTrue(event)
        call = self.env["distribution.api.call"].search([("api_key_id", "=", self.key.id)], limit=1)
        self.assertNotIn(body["token"], str(call.read()), "the token is kept nowhere")
        self.assertProblem(self.post(DECISIONS, body), 409, "conflict")
        self.assertEqual(len(self._request(order).decision_ids), 1)

    def test_reject_and_revise(self):
        order, _task, body = self._case()
        self.assertProblem(self.post(DECISIONS, {**body, "outcome": "reject"}), 422, "not-applicable")
        self.assertFalse(self._request(order).decision_ids)
        answer = self.post(DECISIONS, {**body, "outcome": "reject", "comment": "Too much"})
        self.assertEqual(self.assertAnswer(answer, 200)["result"]["request_state"], "rejected")
        order, _task, body = self._case()
        answer = self.post(DECISIONS, {**body, "outcome": "request_revision", "comment": "Two vendors"})
        self.assertEqual(self.assertAnswer(answer, 200)["result"]["request_state"], "revision")

    def test_once_with_an_idempotency_key(self):
        order, _task, body = self._case()
        headers = {"Idempotency-Key": "decision"}
        first = self.assertAnswer(self.post(DECISIONS, body, headers=headers), 200)
        self.assertEqual(self.assertAnswer(self.post(DECISIONS, body, headers=headers), 200), first)
        self.assertEqual(len(self._request(order).decision_ids), 1)

    # ------------------------------------------------------------ nobody's approval

    def _assertUndecided(self, order):
        request = self._request(order)
        self.assertFalse(request.decision_ids)
        self.assertEqual(request.state, "pending")

    def test_a_key_alone(self):
        order, task, body = self._case()
        others, other_task, other_body = self._case()
        for change in (
            {"token": secrets.token_urlsafe(32)},
            {"task_id": other_task.id},
            {"token": other_body["token"]},
            {"task_id": 2**31 - 1},
        ):
            with self.subTest(change):
                self.assertProblem(self.post(DECISIONS, {**body, **change}), 403, "token-refused")
        for change in ({"token": "x"}, {"outcome": "escalate"}, {"outcome": "approve_with_conditions"}, {"user_id": 2}):
            with self.subTest(change):
                self.assertProblem(self.post(DECISIONS, {**body, **change}), 422, "body-invalid")
        self.assertProblem(self.post(DECISIONS, {**body, "seen_digest": "0" * 64}), 409, "conflict")
        self._assertUndecided(order)
        self._assertUndecided(others)
        self.assertAnswer(self.post(DECISIONS, body), 200)

    def test_above_the_ceiling(self):
        order, task, body = self._case(15000)
        problem = self.assertProblem(self.post(DECISIONS, body), 403, "session-needed")
        self.assertIn(f"id={task.id}", problem["link"])
        self.assertNotIn(body["token"], str(problem))
        self._assertUndecided(order)

    def test_links_that_were_passed_on_by_chat(self):
        order = self._held()
        task = self._task(order, "Purchasing").sudo()
        given = task.with_user(self.account).action_chat_link(self.manager.id)
        body = {
            "task_id": task.id,
            "token": given["url"].rsplit("/", 1)[1],
            "outcome": "approve",
            "seen_digest": task.digest,
        }
        self.assertProblem(self.post(DECISIONS, body), 403, "session-needed")
        self._assertUndecided(order)

    def test_what_is_not_asked_any_more(self):
        def withdrawn(order, _task):
            order.sudo().approval_request_id.with_user(self.buyer).action_withdraw()

        def decided(order, _task):
            self._decide(order, "Purchasing", self.manager)

        def expired(_order, task):
            task.link_ids.write({"expires_at": "2020-01-01"})

        def left(_order, _task):
            self.manager.active = False

        def no_approver(_order, _task):
            self.manager.write({USER_GROUPS: [Command.unlink(self.groups["Purchasing"].id)]})
            self.manager.write({USER_GROUPS: [Command.unlink(self.env.ref("distribution_core.group_approver").id)]})

        def copy(_order, _task):
            self.env["ir.config_parameter"].sudo().set_param("database.is_neutralized", "true")

        for act, status in (
            (withdrawn, 409),
            (decided, 409),
            (expired, 403),
            (left, 403),
            (no_approver, 409),
            (copy, 403),
        ):
            with self.subTest(act.__name__):
                savepoint = self.env.cr.savepoint()
                order, task, body = self._case()
                act(order, task)
                self.env.flush_all()
                before = len(order.sudo().approval_request_id.decision_ids)
                answer = self.post(DECISIONS, body)
                self.assertEqual(answer.status_code, status, answer.text)
                self.assertEqual(len(self._request(order).decision_ids), before)
                savepoint.close(rollback=True)

    def test_duties_stay_apart(self):
        """The gates are those of a click: who had a hand in the document does not decide it by a token either."""
        order, _task, body = self._case()
        order.sudo().approval_request_id.with_user(self.buyer).action_withdraw()
        order.with_user(self.manager).write(
            {"partner_ref": "mine", "order_line": [(1, order.order_line[:1].id, {"price_unit": 9})]}
        )
        order.with_user(self.buyer).button_confirm()
        answer = self.post(DECISIONS, body)
        self.assertIn(answer.status_code, (403, 409), answer.text)
        self.assertFalse(self._request(order).decision_ids)

    def test_guessing(self):
        order, _task, body = self._case()
        for _number in range(20):
            answer = self.post(DECISIONS, {**body, "token": secrets.token_urlsafe(32)})
            self.assertProblem(answer, 403, "token-refused")
        self.assertProblem(self.post(DECISIONS, body), 429, "rate-limited")
        self._assertUndecided(order)

    # ------------------------------------------------------------------ reading

    def test_what_the_account_may_not_read(self):
        order = self._held()
        request = order.sudo().approval_request_id
        self.account.write({USER_GROUPS: [Command.unlink(self.env.ref("distribution_core.group_operations").id)]})
        self.assertProblem(self.get(f"approval-requests/{request.id}"), 404, "not-found")
        self.assertProblem(self.get("approval-requests/2147483647"), 404, "not-found")

    def test_other_companies(self):
        order, _task, body = self._case()
        other = self.env["res.company"].create({"name": "Other"})
        self.account.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.key.company_ids = other
        request = order.sudo().approval_request_id
        self.assertProblem(self.get(f"approval-requests/{request.id}"), 404, "not-found")
        self.assertProblem(self.post(DECISIONS, body), 403, "token-refused")
        self._assertUndecided(order)
