"""Authority for the case: who stands in, or gets a task handed, is one whom the house lets decide such documents."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from .test_handover import HandoverCase


@tagged("post_install", "-at_install")
class TestAuthority(HandoverCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        approver = "base.group_user,distribution_core.group_approver"
        cls.outsider = new_test_user(cls.env, login="t_outsider", groups=approver)
        cls.outsider.name = "Olga Outsider"
        cls.branch = new_test_user(cls.env, login="t_branch", groups=approver)
        cls.groups["Branch"] = cls.env["res.groups"].create({"name": "Branch"})
        cls.branch.write({USER_GROUPS: [(4, cls.groups["Branch"].id)]})

    def _branch_rule(self, outcome_mode="enforce"):
        """The next version asks the branch as well, up to 6,000."""
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        self.env["distribution.approval.rule"].with_user(self.author).create(
            {
                "version_id": draft.id,
                "sequence": 90,
                "name": "Branch, new vendors up to 6,000",
                "outcome": "require",
                "mode": outcome_mode,
                "condition_ids": [
                    (0, 0, {"fact": "amount", "operator": "le", "value": "6000"}),
                    (0, 0, {"fact": "no_contract_price", "operator": "is_true"}),
                ],
                "stage_ids": [
                    (0, 0, {"approver_kind": "group", "group_id": self.groups["Branch"].id, "name": "Branch"})
                ],
            }
        )
        self._publish(draft)

    # ------------------------------------------------------------- delegation

    def test_the_role_alone_does_not_make_a_substitute(self):
        self._delegate(substitute=self.outsider)
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertFalse(task.stand_in_ids)
        self.assertNotIn(task, self._inbox(self.outsider))
        with self.assertRaisesRegex(AccessError, f"{self.outsider.name}.*no authority.*administrator"):
            self._approve(order, self.outsider)

    def test_up_to_the_amount_about_which_the_policy_asks_them(self):
        self._branch_rule()
        self._delegate(substitute=self.branch)
        within, above = self._held(6000), self._held(6010)
        self.assertEqual(self._task(within, "Purchasing").stand_in_ids.user_id, self.branch)
        self.assertFalse(self._task(above, "Purchasing").stand_in_ids)
        self.assertMayNot(above, self.branch)
        self._approve(within, self.branch)
        self.assertEqual(self._task_decisions(within).on_behalf_id, self.manager)

    def _task_decisions(self, order):
        return order.sudo().approval_request_id.task_ids.decision_ids

    def test_an_amount_that_nobody_knows_is_within_no_limit(self):
        self._branch_rule()
        self._delegate(substitute=self.branch)
        task = self._task(self._held(5000), "Purchasing")
        self.assertEqual(task.stand_in_ids.user_id, self.branch)
        task.request_id.flush_recordset()
        self.cr.execute(
            "UPDATE distribution_approval_request SET amount_known = FALSE WHERE id = %s", (task.request_id.id,)
        )
        task.request_id.invalidate_recordset()
        self.assertFalse(task._stand_ins_now())

    def test_a_rule_on_trial_empowers_nobody(self):
        self._branch_rule("monitor")
        self._delegate(substitute=self.branch)
        self.assertFalse(self._task(self._held(5000), "Purchasing").stand_in_ids)

    def test_who_decides_larger_ones_has_authority_for_smaller(self):
        self._delegate(substitute=self.finance)
        order = self._held(5000)
        self._approve(order, self.finance)
        self.assertEqual(self._task_decisions(order).on_behalf_id, self.manager)

    def test_a_superior_has_authority(self):
        top = self._employee(self.outsider)
        self._employee(self.manager, self.env["hr.employee"].create({"name": "Head", "parent_id": top.id}))
        self._delegate(substitute=self.outsider)
        self.assertEqual(self._task(self._held(5000), "Purchasing").stand_in_ids.user_id, self.outsider)

    def test_a_chain_does_not_pass_somebody_without_authority(self):
        self._delegate(self.manager, self.outsider)
        self._delegate(self.outsider, self.deputy)
        self.assertFalse(self._task(self._held(5000), "Purchasing").stand_in_ids)

    def test_an_administrator_grants_authority_for_one_delegation(self):
        order = self._held(5000)
        delegation = self._delegate(
            substitute=self.outsider, by=self.administrator, reason="Both buyers' heads are ill", grants_authority=True
        )
        self.assertEqual(self._task(order, "Purchasing").stand_in_ids.user_id, self.outsider)
        self._approve(order, self.outsider)
        event = self.env["distribution.event"].search(
            [("res_model", "=", delegation._name), ("res_id", "=", delegation.id)]
        )
        self.assertIn('"grants_authority":true', event.data.replace(" ", ""))
        # For this person only: another delegation to the same substitute grants nothing.
        self._delegate(self.finance, self.outsider)
        large = self._held(30000)
        self._approve(large, self.manager)
        self.assertFalse(self._task(large, "Finance").stand_in_ids)

    def test_nobody_else_grants_it(self):
        with self.assertRaisesRegex(AccessError, "Grants Authority"), self.cr.savepoint():
            self._delegate(substitute=self.outsider, grants_authority=True, reason="A friend")
        self._give_authority(self.administrator)
        with self.assertRaisesRegex(AccessError, "Grants Authority"), self.cr.savepoint():
            self._delegate(self.administrator, self.outsider, grants_authority=True, reason="Mine")
        with self.assertRaisesRegex(ValidationError, "Reason"), self.cr.savepoint():
            self._delegate(substitute=self.outsider, by=self.administrator, grants_authority=True)
        delegation = self._delegate(substitute=self.outsider)
        with self.assertRaises(IntegrityError), self.cr.savepoint(), mute_logger("odoo.sql_db"):
            self.cr.execute(
                "UPDATE distribution_approval_delegation SET grants_authority = TRUE WHERE id = %s", (delegation.id,)
            )

    # -------------------------------------------------------------- handovers

    def test_forwarding_needs_authority_of_the_other_one(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing").with_user(self.manager)
        with self.assertRaisesRegex(UserError, f"{self.outsider.name}: no authority.*Grants Authority"):
            task.action_forward(self.outsider.id, "Please")
        task.action_forward(self.finance.id, "Please")
        self._approve(order, self.finance)

    def test_the_wizard_lists_who_has_authority(self):
        task = self._task(self._held(5000), "Purchasing")
        action = task.with_user(self.manager).action_open_forward()
        wizard = self.env[action["res_model"]].with_user(self.manager).with_context(**action["context"]).new({})
        self.assertIn(self.deputy, wizard.possible_ids._origin)
        self.assertNotIn(self.outsider, wizard.possible_ids._origin)

    def test_reassigning_needs_authority_or_the_grant_of_an_administrator(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        with self.assertRaisesRegex(UserError, f"{self.outsider.name}: no authority"), self.cr.savepoint():
            task.with_user(self.overseer).action_reassign([self.outsider.id], "Out of office")
        with self.assertRaisesRegex(AccessError, "Grants Authority"), self.cr.savepoint():
            task.with_user(self.overseer).action_reassign([self.outsider.id], "Out of office", True)
        task.with_user(self.administrator).action_reassign([self.outsider.id], "Out of office", True)
        row = self.env["distribution.approval.handover"].search([("task_id", "=", task.id)])
        self.assertEqual((row.user_id, row.grants_authority), (self.administrator, True))
        self.assertIn("authority granted", task.request_id.timeline)
        self._approve(order, self.outsider)


@tagged("post_install", "-at_install")
class TestAuthorityOfSubstitutes(HandoverCase):
    """Who declares a substitute without authority is told; the delegation is declared all the same."""

    @classmethod
    def _make_people(cls):
        super()._make_people()
        approver = "base.group_user,distribution_core.group_approver"
        cls.outsider = new_test_user(cls.env, login="t_outsider", groups=approver)
        cls.outsider.name = "Olga Outsider"
        cls.limited = new_test_user(cls.env, login="t_limited", groups=approver)
        cls.limited.name = "Lim Limited"

    def _warning(self, substitute, user=None, **values):
        return self._delegate(user, substitute, **values).authority_warning

    def test_said_on_the_form_before_it_is_declared(self):
        with Form(self.env["distribution.approval.delegation"].with_user(self.manager)) as form:
            form.substitute_id = self.deputy
            self.assertFalse(form.authority_warning)
            form.substitute_id = self.outsider
            self.assertIn("Olga Outsider has no authority for: Purchase Order", form.authority_warning)
            self.assertIn("administrator", form.authority_warning)
            form.date_to = self.today
        delegation = form.record
        self.assertEqual(delegation.substitute_id, self.outsider, "not refused")
        action = delegation.action_declare()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertEqual(action["params"]["message"], delegation.authority_warning)

    def test_none_where_nothing_lacks(self):
        delegation = self._delegate(substitute=self.deputy)
        self.assertFalse(delegation.authority_warning)
        self.assertIs(delegation.action_declare(), True)
        granted = self._delegate(
            self.finance, self.outsider, by=self.administrator, reason="Both are ill", grants_authority=True
        )
        self.assertFalse(granted.authority_warning)

    def test_other_kinds_of_documents_only(self):
        other = self.env["distribution.approval.document.type"].search([("code", "=", "sale_order")])
        self.assertFalse(self._warning(self.outsider, document_type_ids=[(4, other.id)]), "the manager decides none")

    def test_a_superior_needs_nobody(self):
        top = self._employee(self.outsider)
        self._employee(self.manager, top)
        self.assertFalse(self._warning(self.outsider))

    def test_the_manager_of_a_site_may_be_meant(self):
        self.warehouse.manager_id = self.outsider
        self._rule_for([], {"approver_kind": "warehouse_manager", "name": "Site"})
        self.assertFalse(self._warning(self.outsider))

    def test_smaller_amounts_only(self):
        group = self.env["res.groups"].create({"name": "Branch"})
        self.limited.write({USER_GROUPS: [(4, group.id)]})
        self._rule_for(
            [(0, 0, {"fact": "amount", "operator": "between", "value": "100 - 6000"})],
            {"approver_kind": "group", "group_id": group.id, "name": "Branch"},
        )
        delegation = self._delegate(substitute=self.limited)
        self.assertIn("smaller amounts only: Purchase Order (up to 6,000.00)", delegation.authority_warning)
        delegation.action_end()
        self.assertFalse(self._warning(self.limited, ceiling=6000))

    def _rule_for(self, conditions, stage):
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        self.env["distribution.approval.rule"].with_user(self.author).create(
            {
                "version_id": draft.id,
                "sequence": 90,
                "name": "Another one",
                "outcome": "require",
                "condition_ids": [*conditions, (0, 0, {"fact": "no_contract_price", "operator": "is_true"})],
                "stage_ids": [(0, 0, stage)],
            }
        )
        self._publish(draft)
