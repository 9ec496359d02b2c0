"""Who loses a role loses their tasks at once; decisions taken stay."""

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

    def test_leaves_the_company(self):
        order = self._held(30000)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.finance.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertEqual(self._asked(order, "Finance"), self.finance_2)

    def test_lost_role_cannot_decide_meanwhile(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        self.manager.write({USER_GROUPS: [Command.unlink(self.env.ref("distribution_core.group_approver").id)]})
        with self._refused(at_once=True):
            task.with_user(self.manager).action_decide("approve", task.digest)
