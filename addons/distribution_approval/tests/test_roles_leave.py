"""Who loses a role loses their tasks at once; decisions taken stay."""

import json

from odoo import Command
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import GROUP_USERS, USER_GROUPS

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestRolesLeave(AttackCase):
    def _asked(self, order, name):
        self.env.invalidate_all()
        task = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.name == name)
        return task[-1:].user_ids

    def test_removed_from_outside(self):
        """The directory takes "Finance" from one of two, then from the other: the fallback is asked."""
        mapping = self.env["distribution.external.group"]
        administrators = [
            new_test_user(self.env, login=f"t_adm_{n}", groups="base.group_user,distribution_core.group_administrator")
            for n in range(2)
        ]
        for name, group in (("fin", self.groups["Finance"]), ("app", self.env.ref("distribution_core.group_approver"))):
            mapping.with_user(administrators[0]).create(
                {"name": name, "source": "oauth", "group_id": group.id}
            ).with_user(administrators[1]).action_confirm()
        order = self._held(30000)
        self._decide(order, "Purchasing", self.manager)
        self.assertEqual(self._asked(order, "Finance"), self.finance | self.finance_2)
        self.finance._distribution_apply_external_groups(["app"], "oauth")
        self.assertEqual(self._asked(order, "Finance"), self.finance_2)
        self.finance_2._distribution_apply_external_groups([], "oauth")
        self.assertEqual(self._asked(order, "Finance"), self.fallback)
        # What the manager decided stays, though he leaves too.
        self.manager._distribution_apply_external_groups([], "oauth")
        self.assertFalse(self.manager.has_group("distribution_core.group_approver"))
        request = order.sudo().approval_request_id
        self.assertEqual(request.decision_ids.user_id, self.manager)
        self._decide(order, "Finance", self.fallback)
        self._decide(order, "Operations", self.operations)
        self.assertEqual(request.state, "approved")

    def test_removed_through_the_group(self):
        order = self._held(30000)
        finance = self.groups["Finance"]
        finance.write({GROUP_USERS: [Command.unlink(self.finance.id)]})
        self.assertEqual(self._asked(order, "Finance"), self.finance_2)
        finance.write({GROUP_USERS: [Command.clear()]})
        self.assertEqual(self._asked(order, "Finance"), self.fallback)
        finance.write({GROUP_USERS: [Command.link(self.finance_2.id)]})
        self.assertIn(self.finance_2, self._asked(order, "Finance"))

    def test_role_behind_the_group_is_lost(self):
        """The people stay in Finance, and are no approvers any more."""
        order = self._held(30000)
        approver = self.env.ref("distribution_core.group_approver")
        approver.write({GROUP_USERS: [Command.unlink(self.finance.id), Command.unlink(self.finance_2.id)]})
        self.assertEqual(self._asked(order, "Finance"), self.fallback)

    def test_the_role_behind_a_role_is_lost(self):
        """Whoever is in Finance was an approver by that; then Finance is no role of approvers any more."""
        approver = self.env.ref("distribution_core.group_approver")
        finance = self.groups["Finance"]
        finance.write({"implied_ids": [Command.link(approver.id)]})
        approver.write({GROUP_USERS: [Command.unlink(self.finance.id), Command.unlink(self.finance_2.id)]})
        finance.write({"implied_ids": [Command.unlink(approver.id)]})
        approver.write({GROUP_USERS: [Command.unlink(self.finance.id), Command.unlink(self.finance_2.id)]})
        order = self._held(30000)
        self.assertEqual(self._asked(order, "Finance"), self.fallback)
        finance.write({"implied_ids": [Command.link(approver.id)]})
        self.assertEqual(self._asked(order, "Finance"), self.finance | self.finance_2)

    def test_who_is_asked_instead_is_told_and_recorded(self):
        """The history names both, the ledger has both; the requester hears when it is somebody else altogether."""
        order = self._held(30000)
        self._decide(order, "Purchasing", self.manager)
        request = order.sudo().approval_request_id
        task = self._task(order, "Finance").sudo()
        self.finance._distribution_change_roles(self.env["res.groups"], self.groups["Finance"], "api")
        self.assertFalse(self._told(request), "Finance is asked as before")
        self.assertIn("cannot decide it any more", request.message_ids[:1].body)
        event = self._approvers_changed(order)[-1]
        self.assertEqual(event["former_user_ids"], sorted((self.finance | self.finance_2).ids))
        self.assertEqual(event["user_ids"], self.finance_2.ids)
        self.finance_2._distribution_change_roles(self.env["res.groups"], self.groups["Finance"], "api")
        self.assertEqual(task.user_ids, self.fallback)
        [message] = self._told(request)
        self.assertIn(f"waits for {self.fallback.name} now", message.body)
        self.assertEqual(self._approvers_changed(order)[-1]["user_ids"], self.fallback.ids)
        self.assertIn(task, self.env["distribution.approval.task"].with_user(self.fallback).search(
            self.env["distribution.approval.task"].with_user(self.fallback)._inbox_domain()))  # fmt: skip

    def test_the_fallback_has_decided_already(self):
        """Nobody is left at all: a case, a word to the requester, and no step further until somebody is found."""
        self.manager._distribution_change_roles(
            self.env["res.groups"], self.env.ref("distribution_core.group_approver"), "api"
        )
        order = self._held(30000)
        self._decide(order, "Purchasing", self.fallback)
        self._decide(order, "Operations", self.operations)
        request = order.sudo().approval_request_id
        task = self._task(order, "Finance").sudo()
        approver = self.env.ref("distribution_core.group_approver")
        for person in (self.finance, self.finance_2):
            person.write({USER_GROUPS: [Command.unlink(approver.id)]})
        self.env.invalidate_all()
        self.assertFalse(task.user_ids)
        self.assertEqual((request.state, task.state, order.state), ("pending", "open", "to approve"))
        self.assertIn("Too few people can decide “Finance”", order.with_user(self.buyer).approval_banner)
        case = self.env["distribution.case"].search([("dedup_key", "=", f"no_approver:{task.id}")])
        self.assertEqual((len(case), case.state, case.res_id), (1, "open", order.id))
        self.assertIn("Nobody can decide “Finance”", self._told(request)[:1].body)
        self.assertEqual(self._approvers_changed(order)[-1]["user_ids"], [])
        with self._refused(at_once=True):
            task.with_user(self.fallback).action_decide("approve", task.digest)
        self.env["distribution.approval.request"]._cron_refresh_candidates()
        self.assertEqual((request.state, task.state), ("pending", "open"), "the hourly look dissolves nothing")
        self.assertNotInForce(order)
        # Somebody comes back, on the form of the user: asked at once, and the case is done.
        self.finance.write({USER_GROUPS: [Command.link(approver.id)]})
        self.env.invalidate_all()
        self.assertEqual(task.user_ids, self.finance)
        self.assertEqual(case.state, "resolved")
        self.assertNotIn("Too few", order.with_user(self.buyer).approval_banner)
        self._decide(order, "Finance", self.finance)
        self.assertEqual(request.state, "approved")

    def test_one_person_for_two_decisions_is_a_case(self):
        """The fallback is needed twice and can decide once."""
        order = self._held(30000)
        self._decide(order, "Purchasing", self.manager)
        self.operations.active = False
        approver = self.env.ref("distribution_core.group_approver")
        approver.write({GROUP_USERS: [Command.unlink(self.finance.id), Command.unlink(self.finance_2.id)]})
        tasks = order.sudo().approval_request_id.task_ids.filtered(lambda task: task.state == "open")
        self.assertEqual(len(tasks), 2)
        self.assertEqual(tasks.user_ids, self.fallback)
        keys = [f"no_approver:{task.id}" for task in tasks]
        self.assertTrue(self.env["distribution.case"].search([("dedup_key", "in", keys), ("state", "=", "open")]))
        self._decide(order, "Finance", self.fallback)
        self.env.invalidate_all()
        self.assertEqual(order.sudo().approval_request_id.state, "pending")
        self.assertFalse(self._asked(order, "Operations"))
        self.assertNotInForce(order)

    def test_who_gains_the_role_is_asked(self):
        """By the form of the user, by a new user, and by becoming an approver while in the group already."""
        order = self._held(30000)
        self._decide(order, "Purchasing", self.manager)
        finance, approver = self.groups["Finance"], self.env.ref("distribution_core.group_approver")
        colleague = new_test_user(self.env, login="t_joins", groups="base.group_user")
        colleague.write({USER_GROUPS: [Command.link(finance.id)]})
        self.assertNotIn(colleague, self._asked(order, "Finance"), "no approver yet")
        colleague.write({USER_GROUPS: [Command.link(approver.id)]})
        self.assertIn(colleague, self._asked(order, "Finance"))
        hired = self.env["res.users"].create(
            {
                "name": "Hired",
                "login": "t_hired",
                USER_GROUPS: [Command.set((finance | approver | self.env.ref("base.group_user")).ids)],
            }
        )
        self.assertIn(hired, self._asked(order, "Finance"))
        hired.active = False
        self.assertNotIn(hired, self._asked(order, "Finance"))
        hired.active = True
        self.assertIn(hired, self._asked(order, "Finance"))

    def _told(self, request):
        """Notices to the requester about this request, the newest first."""
        messages = self.env["mail.message"].sudo().search(
            [("model", "=", request._name), ("res_id", "=", request.id)], order="id desc"
        )  # fmt: skip
        return messages.filtered(lambda message: request.requester_id.partner_id in message.notified_partner_ids)

    def _approvers_changed(self, order):
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.approvers_changed.v1"), ("res_id", "=", order.id)], order="id"
        )
        return [json.loads(event.data) for event in events]

    def test_leaves_the_company(self):
        order = self._held(30000)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.finance.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertEqual(self._asked(order, "Finance"), self.finance_2)
        self.finance.write({"company_ids": [Command.link(self.company.id)]})
        self.assertIn(self.finance, self._asked(order, "Finance"), "who works here again is asked again")

    def test_lost_role_cannot_decide_meanwhile(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        self.manager.write({USER_GROUPS: [Command.unlink(self.env.ref("distribution_core.group_approver").id)]})
        with self._refused(at_once=True):
            task.with_user(self.manager).action_decide("approve", task.digest)
