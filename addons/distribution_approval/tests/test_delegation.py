"""Delegation: who stands in for whom – and what nobody gets by it."""

from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..models.approval_policy import today
from .attack_case import AttackCase


class DelegationCase(AttackCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        approver = "base.group_user,distribution_core.group_approver"
        cls.deputy = new_test_user(cls.env, login="t_deputy", groups=approver)
        cls.deputy_2 = new_test_user(cls.env, login="t_deputy_2", groups=approver)
        cls._give_authority(cls.deputy | cls.deputy_2)
        cls.administrator = new_test_user(
            cls.env, login="t_administrator", groups="base.group_user,distribution_core.group_administrator"
        )

    @classmethod
    def _give_authority(cls, users):
        """Approvers whom the policy asks about orders of any amount: those over the contract price."""
        approver = cls.env.ref("distribution_core.group_approver")
        users.write({USER_GROUPS: [(4, approver.id), (4, cls.groups["Categories"].id)]})

    @property
    def today(self):
        return today(self.company)

    def _delegate(self, user=None, substitute=None, by=None, **values):
        user, substitute = user or self.manager, substitute or self.deputy
        return (
            self.env["distribution.approval.delegation"]
            .with_user(by or user)
            .create(
                {
                    "user_id": user.id,
                    "substitute_id": substitute.id,
                    "date_from": self.today,
                    "date_to": self.today + timedelta(days=7),
                    **values,
                }
            )
        )

    def _inbox(self, user):
        tasks = self.env["distribution.approval.task"].with_user(user)
        return tasks.search(tasks._inbox_domain())

    def _approve(self, order, user, name="Purchasing"):
        return self._decide(order, name, user)

    def assertMayNot(self, order, user, name="Purchasing"):
        with self.assertRaises(AccessError), self.cr.savepoint():
            self._approve(order, user, name)

    def _employee(self, user, manager=None):
        return self.env["hr.employee"].create(
            {"name": user.name, "user_id": user.id, "company_id": self.company.id, "parent_id": manager and manager.id}
        )

    def _leave(self, employee, start=-1, end=1, **values):
        """Time off as a validated request creates it, from ``start`` to ``end`` days from now."""
        now = fields.Datetime.now()
        return self.env["resource.calendar.leaves"].create(
            {
                "name": "Time off",
                "resource_id": employee.resource_id.id,
                "calendar_id": employee.resource_id.calendar_id.id,
                "company_id": self.company.id,
                "date_from": now + timedelta(days=start),
                "date_to": now + timedelta(days=end),
                "time_type": "leave",
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestDelegation(DelegationCase):
    def test_a_substitute_sees_reads_and_decides(self):
        self._delegate()
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertIn(task, self._inbox(self.deputy))
        self.assertIn(task, self._inbox(self.manager), "the other one may decide as well")
        order.with_user(self.deputy).read(["name", "amount_total", "partner_id"])
        order.order_line.with_user(self.deputy).read(["price_unit"])
        shown = task.with_user(self.deputy)
        self.assertTrue(shown.can_decide)
        self.assertIn(self.manager.name, shown.on_behalf_text)
        self.assertFalse(task.with_user(self.manager).on_behalf_text)
        self._approve(order, self.deputy)
        decision = task.decision_ids
        self.assertEqual((decision.user_id, decision.on_behalf_id), (self.deputy, self.manager))
        request = task.request_id
        self.assertEqual(request.state, "approved")
        self.assertIn(f"{self.deputy.name} on behalf of {self.manager.name}", request.timeline)
        event = self.env["distribution.event"]._last_for(
            order.sudo(), "distribution.purchase_order.decision_recorded.v1"
        )
        self.assertEqual((event.user_ref, event.on_behalf_ref), (self.deputy.id, self.manager.id))

    def test_declaring_takes_effect_on_what_waits_and_ending_too(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertNotIn(task, self._inbox(self.deputy))
        delegation = self._delegate()
        self.assertIn(task, self._inbox(self.deputy))
        delegation.with_user(self.manager).action_end()
        self.assertNotIn(task, self._inbox(self.deputy))
        self.assertMayNot(order, self.deputy)
        self.assertEqual(delegation.state, "ended")
        events = self.env["distribution.event"].search(
            [("res_model", "=", delegation._name), ("res_id", "=", delegation.id)]
        )
        self.assertEqual(
            set(events.mapped("type")),
            {"distribution.approval_delegation.declared.v1", "distribution.approval_delegation.ended.v1"},
        )

    def test_the_substitute_can_decline_and_others_cannot_end(self):
        delegation = self._delegate()
        with self.assertRaises(AccessError), self.cr.savepoint():
            delegation.with_user(self.deputy_2).action_end()
        with self.assertRaises(AccessError), self.cr.savepoint():
            delegation.with_user(1).action_end()
        delegation.with_user(self.deputy).action_end()
        self.assertEqual(delegation.ended_by_id, self.deputy)

    def test_dates(self):
        order = self._held(5000)
        delegation = self._delegate(date_from=self.today + timedelta(days=1))
        self.assertEqual(delegation.state, "planned")
        self.assertMayNot(order, self.deputy)

    def test_the_day_is_that_of_the_company(self):
        """Near midnight the day differs from place to place: what counts is the company's calendar."""
        self.company.resource_calendar_id.tz = "Pacific/Auckland"
        with freeze_time("2027-03-01 12:30:00"):  # 2 March in Auckland
            self.assertEqual(str(self.today), "2027-03-02")
            self._delegate(date_to="2027-03-02")
            order = self._held(5000)
            self.assertTrue(self._task(order, "Purchasing").stand_in_ids)
        with freeze_time("2027-03-02 11:30:00"):  # 3 March in Auckland, one day after the last
            self.assertMayNot(order, self.deputy)

    def test_scope(self):
        order = self._held(5000)
        other_type = self.env["distribution.approval.document.type"].search([("code", "!=", "purchase_order")], limit=1)
        site = self.env["stock.warehouse"].create({"name": "Elsewhere", "code": "ELS", "company_id": self.company.id})
        own_type = self.env["distribution.approval.document.type"].search([("code", "=", "purchase_order")])
        for values, allowed in (
            ({"document_type_ids": [(6, 0, other_type.ids)]}, False),
            ({"document_type_ids": [(6, 0, own_type.ids)]}, True),
            ({"site_ids": [(6, 0, site.ids)]}, False),
            ({"site_ids": [(6, 0, self.warehouse.ids)]}, True),
            ({"company_ids": [(6, 0, self.company.ids)]}, True),
            ({"ceiling": 4999.99}, False),
            ({"ceiling": 5000}, True),
        ):
            with self.subTest(values):
                delegation = self._delegate(**values)
                task = self._task(order, "Purchasing")
                self.assertEqual(task in self._inbox(self.deputy), allowed)
                if not allowed:
                    self.assertMayNot(order, self.deputy)
                delegation.with_user(self.manager).action_end()

    def test_a_ceiling_in_another_currency_counts_by_the_rate(self):
        order = self._held(5000)
        foreign = self.env["res.currency"].create({"name": "TST", "symbol": "T", "rounding": 0.01})
        without_rate = self._delegate(ceiling=1_000_000, currency_id=foreign.id)
        self.assertMayNot(order, self.deputy)
        without_rate.with_user(self.manager).action_end()
        self.env["res.currency.rate"].create(
            {"currency_id": foreign.id, "name": self.today, "rate": 2.0, "company_id": self.company.id}
        )
        for ceiling, allowed in ((9_999, False), (10_000, True)):
            delegation = self._delegate(ceiling=ceiling, currency_id=foreign.id)
            self.assertEqual(bool(self._task(order, "Purchasing").stand_in_ids), allowed, ceiling)
            delegation.with_user(self.manager).action_end()

    def test_a_chain_and_a_loop(self):
        order = self._held(5000)
        self._delegate(self.manager, self.deputy)
        self._delegate(self.deputy, self.deputy_2)
        self._delegate(self.deputy_2, self.manager)
        task = self._task(order, "Purchasing")
        self.assertEqual(task.stand_in_ids.user_id, self.deputy | self.deputy_2)
        self.assertEqual(task.stand_in_ids.principal_id, self.manager)
        self._approve(order, self.deputy_2)
        self.assertEqual(task.decision_ids.on_behalf_id, self.manager)

    def test_a_substitute_and_the_principal_are_one_across_stages(self):
        order = self._held(30000)
        self.manager.write({USER_GROUPS: [(4, self.groups["Finance"].id)]})
        self._delegate()
        self._approve(order, self.deputy)
        order.sudo().approval_request_id._refresh_candidates()
        self.assertNotIn(self.manager, self._task(order, "Finance").user_ids)
        for user in (self.manager, self.deputy):
            self.assertMayNot(order, user, "Finance")

    def test_handing_over_as_a_substitute_goes_to_the_manager_of_the_principal(self):
        boss = self._employee(self.operations)
        self._employee(self.manager, boss)
        self._delegate()
        order = self._held(5000)
        self._decide(order, "Purchasing", self.deputy, "escalate", comment="Beyond me")
        task = self._task(order, "Purchasing")
        self.assertEqual(task.user_ids, self.operations)
        self.assertFalse(task.stand_in_ids)
        self.assertMayNot(order, self.deputy)

    def test_a_substitute_can_ask(self):
        self._delegate()
        order = self._held(5000)
        self._task(order, "Purchasing").with_user(self.deputy).action_ask("Why?")
        self.assertEqual(order.approval_request_id.sudo().state, "question")

    def test_two_substitutes_for_the_same_case_are_refused(self):
        first = self._delegate(ceiling=1000)
        with self.assertRaises(ValidationError), self.cr.savepoint():
            self._delegate(substitute=self.deputy_2, date_from=self.today + timedelta(days=7))
        self._delegate(substitute=self.deputy_2, date_from=self.today + timedelta(days=8),
                       date_to=self.today + timedelta(days=9))  # fmt: skip
        first.with_user(self.manager).action_end()
        self._delegate(substitute=self.deputy_2)

    def test_different_documents_can_have_different_substitutes(self):
        types = self.env["distribution.approval.document.type"].search([], limit=2)
        self._delegate(document_type_ids=[(6, 0, types[0].ids)])
        self._delegate(substitute=self.deputy_2, document_type_ids=[(6, 0, types[1].ids)])

    def test_it_costs_a_fixed_number_of_queries_to_look(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self._task(order, "Purchasing")._stand_ins_now()
            return self.cr.sql_log_count - before

        order = self._held(5000)
        self._delegate()
        queries()
        few = queries()
        for number in range(20):
            approver = "base.group_user,distribution_core.group_approver"
            one = new_test_user(self.env, login=f"t_one_{number}", groups=approver)
            self._delegate(one, self.deputy_2)
        queries()
        self.assertLessEqual(queries(), few + 2)


@tagged("post_install", "-at_install")
class TestAbsence(DelegationCase):
    def _standing(self, **values):
        return self._delegate(applies="absent", date_to=False, **values)

    def test_leave_hands_the_task_to_the_substitute_at_once(self):
        employee = self._employee(self.manager)
        self._standing()
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertMayNot(order, self.deputy)
        leave = self._leave(employee)
        self.assertIn(task, self._inbox(self.deputy))
        self.assertIn(self.deputy.name, task.absence_text)
        leave.unlink()
        self.assertNotIn(task, self._inbox(self.deputy))
        self._leave(employee)
        self._approve(order, self.deputy)
        self.assertEqual(task.decision_ids.on_behalf_id, self.manager)

    def test_a_task_that_opens_during_a_leave(self):
        self._standing()
        self._leave(self._employee(self.manager))
        order = self._held(5000)
        self.assertIn(self._task(order, "Purchasing"), self._inbox(self.deputy))

    def test_a_leave_that_begins_later_is_seen_by_the_job(self):
        self._standing()
        self._leave(self._employee(self.manager), start=2, end=4)
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertFalse(task.stand_in_ids)
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            self.env["distribution.approval.task"]._cron_stand_ins()
            task.invalidate_recordset()
            self.assertEqual(task.stand_in_ids.user_id, self.deputy)
        with freeze_time(fields.Datetime.now() + timedelta(days=6)):
            self.env["distribution.approval.task"]._cron_stand_ins()
            task.invalidate_recordset()
            self.assertFalse(task.stand_in_ids)

    def test_without_a_substitute_nothing_changes_and_it_shows(self):
        self._leave(self._employee(self.manager))
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertEqual(task.user_ids, self.manager)
        self.assertFalse(task.stand_in_ids)
        self.assertIn("no substitute", task.absence_text)

    def test_training_is_no_leave(self):
        self._standing()
        self._leave(self._employee(self.manager), time_type="other")
        self.assertFalse(self._task(self._held(5000), "Purchasing").stand_in_ids)

    def test_an_appointment_of_an_hour_is_no_day_off(self):
        self._standing()
        self._leave(self._employee(self.manager), start=-0.05, end=-0.01)
        self.assertFalse(self._task(self._held(5000), "Purchasing").stand_in_ids)

    def test_a_delegation_for_days_goes_before_the_standing_one(self):
        self._standing()
        self._leave(self._employee(self.manager))
        self._delegate(substitute=self.deputy_2)
        self.assertEqual(self._task(self._held(5000), "Purchasing").stand_in_ids.user_id, self.deputy_2)

    def test_validated_time_off_counts(self):
        if "hr.leave" not in self.env:
            self.skipTest("Time Off is not installed")
        employee = self._employee(self.manager)
        self._standing()
        order = self._held(5000)
        kinds = self.env["hr.leave.type"]
        kind = kinds.create(
            {
                "name": "Off",
                "requires_allocation": "no" if kinds._fields["requires_allocation"].type == "selection" else False,
                "leave_validation_type": "hr",
                "company_id": self.company.id,
            }
        )
        leave = self.env["hr.leave"].create(
            {
                "holiday_status_id": kind.id,
                "employee_id": employee.id,
                "request_date_from": self.today - timedelta(days=3),
                "request_date_to": self.today + timedelta(days=4),
            }
        )
        self.assertFalse(self._task(order, "Purchasing").stand_in_ids, "not validated yet")
        getattr(leave, "action_validate", leave.action_approve)()  # 19.0 has one button for both
        self.assertEqual(self._task(order, "Purchasing").stand_in_ids.user_id, self.deputy)


@tagged("post_install", "-at_install")
class TestAttacksDelegation(DelegationCase):
    def test_nobody_delegates_for_somebody_else(self):
        for attacker in (self.deputy, self.deputy_2, self.buyer, self.manager):
            with self.subTest(attacker.login), self.assertRaises(AccessError), self.cr.savepoint():
                self._delegate(self.finance, self.deputy, by=attacker)

    def test_not_as_superuser_either(self):
        delegations = self.env["distribution.approval.delegation"]
        values = {
            "user_id": self.finance.id,
            "substitute_id": self.deputy.id,
            "date_from": self.today,
            "date_to": self.today,
            "reason": "x",
        }
        for attacker in (delegations.sudo().with_user(1), delegations.with_user(self.deputy).sudo()):
            with self.assertRaises(AccessError), self.cr.savepoint():
                attacker.create(dict(values))

    def test_context_keys_do_not_declare(self):
        delegation = (
            self.env["distribution.approval.delegation"]
            .with_user(self.manager)
            .with_context(
                default_created_by_id=self.administrator.id,
                default_created_at="2020-01-01 00:00:00",
                default_ended_at="2020-01-01 00:00:00",
                default_scope='{"types": [], "sites": [], "companies": []}',
            )
            .create(
                {
                    "substitute_id": self.deputy.id,
                    "date_from": self.today,
                    "date_to": self.today,
                    "created_by_id": self.finance.id,
                    "scope": "{}",
                    "site_ids": [(6, 0, self.warehouse.ids)],
                }
            )
        )
        self.assertEqual(delegation.user_id, self.manager)
        self.assertEqual(delegation.created_by_id, self.manager)
        self.assertFalse(delegation.ended_at)
        self.assertIn(str(self.warehouse.id), delegation.scope)
        self.assertGreater(delegation.created_at, fields.Datetime.now() - timedelta(hours=1))

    def test_backdating_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "past"), self.cr.savepoint():
            self._delegate(date_from=self.today - timedelta(days=1))

    def test_what_makes_no_sense_is_refused(self):
        portal = new_test_user(self.env, login="t_portal", groups="base.group_portal")
        for error, values in (
            (IntegrityError, {"substitute": self.manager}),
            (ValidationError, {"substitute": portal}),
            (ValidationError, {"substitute": self.employee}),
            (ValidationError, {"user": self.buyer, "by": self.administrator, "reason": "No approver"}),
            (IntegrityError, {"date_to": self.today - timedelta(days=1)}),
            (IntegrityError, {"date_to": False}),
            (IntegrityError, {"ceiling": -1}),
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(error),
                self.cr.savepoint(),
            ):
                self._delegate(**values)
        with self.assertRaises(AccessError), self.cr.savepoint():
            self._delegate(self.buyer)

    def test_a_delegation_is_not_edited_deleted_or_copied(self):
        delegation = self._delegate()
        for user in (self.manager, self.deputy, self.administrator, self.env.ref("base.user_admin")):
            mine = delegation.with_user(user)
            for call in (
                lambda mine=mine: mine.write({"date_to": self.today + timedelta(days=99)}),
                lambda mine=mine: mine.write({"ended_at": False}),
                lambda mine=mine: mine.sudo().write({"substitute_id": self.deputy_2.id}),
                lambda mine=mine: mine.unlink(),
                lambda mine=mine: mine.copy(),
            ):
                with self.assertRaises(UserError), self.cr.savepoint():
                    call()
        for statement in (
            "UPDATE distribution_approval_delegation SET date_to = date_to + 1 WHERE id = %s",
            "UPDATE distribution_approval_delegation SET scope = NULL WHERE id = %s",
            "DELETE FROM distribution_approval_delegation WHERE id = %s",
        ):
            with self.assertRaises(IntegrityError), self.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.cr.execute(statement, (delegation.id,))

    def test_an_ended_one_does_not_come_back(self):
        delegation = self._delegate()
        delegation.with_user(self.manager).action_end()
        with self.assertRaises(UserError), self.cr.savepoint():
            delegation.with_user(self.manager).action_end()
        with self.assertRaises(IntegrityError), self.cr.savepoint(), mute_logger("odoo.sql_db"):
            self.cr.execute(
                "UPDATE distribution_approval_delegation SET ended_at = NULL WHERE id = %s", (delegation.id,)
            )

    def test_an_administrator_declares_with_a_reason_and_never_for_their_own_benefit(self):
        with self.assertRaisesRegex(ValidationError, "Reason"), self.cr.savepoint():
            self._delegate(by=self.administrator)
        delegation = self._delegate(by=self.administrator, reason="Accident")
        self.assertTrue(delegation.administered)
        self.assertEqual(delegation.created_by_id, self.administrator)
        self.administrator.write({USER_GROUPS: [(4, self.env.ref("distribution_core.group_approver").id)]})
        with self.assertRaises(AccessError), self.cr.savepoint():
            self._delegate(self.finance, self.administrator, by=self.administrator, reason="Mine")

    def test_a_substitute_who_asked_does_not_decide(self):
        self._give_authority(self.buyer)
        self._delegate(substitute=self.buyer)
        order = self._held(5000)
        self.assertFalse(self._task(order, "Purchasing").stand_in_ids)
        self.assertMayNot(order, self.buyer)

    def test_a_chain_that_leads_to_who_asked_ends_there(self):
        self._give_authority(self.buyer)
        self._delegate(self.manager, self.deputy)
        self._delegate(self.deputy, self.buyer)
        self._delegate(self.buyer, self.deputy_2)
        order = self._held(5000)
        self.assertEqual(self._task(order, "Purchasing").stand_in_ids.user_id, self.deputy)
        self.assertMayNot(order, self.buyer)
        self.assertMayNot(order, self.deputy_2)

    def test_who_stands_in_for_who_asked_does_not_decide(self):
        """Nobody decides who stands in for the requester, not even as a candidate of their own."""
        self._give_authority(self.buyer)
        order = self._held(5000)
        delegation = self._delegate(self.buyer, self.manager)
        self.assertNotIn(self.manager, order.sudo().approval_request_id.task_ids.user_ids)
        task = self._task(order, "Purchasing")
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.manager).action_decide("approve", task.digest)
        self.assertEqual(task.user_ids, self.fallback)
        delegation.with_user(self.buyer).action_end()
        self.assertIn(self.manager, self._task(order, "Purchasing").user_ids)

    def test_nobody_decides_for_a_principal_who_had_a_hand_in_it(self):
        order = self._held(5000)
        self._delegate()
        order.with_user(self.manager).order_line[0].price_unit = 10.5  # he edits what he should approve
        order.invalidate_recordset()
        tasks = order.sudo().approval_request_id._current_tasks()
        self.assertNotIn(self.manager, tasks.user_ids)
        self.assertFalse(tasks.stand_in_ids)
        for task in tasks.filtered(lambda task: task.state == "open"):
            with self.assertRaises(AccessError), self.cr.savepoint():
                task.with_user(self.deputy).action_decide("approve", task.digest)

    def test_losing_the_role_ends_it(self):
        self._delegate()
        order = self._held(5000)
        self.deputy.write({USER_GROUPS: [(3, self.env.ref("distribution_core.group_approver").id)]})
        self.assertMayNot(order, self.deputy)

    def test_a_row_that_only_shows_decides_nothing(self):
        """What the inbox shows is a memory: a decision works it out anew."""
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        with self.assertRaises(AccessError), self.cr.savepoint():
            self.env["distribution.approval.stand.in"].with_user(self.deputy).create(
                {"task_id": task.id, "user_id": self.deputy.id, "principal_id": self.manager.id}
            )
        self.env["distribution.approval.stand.in"].create(
            {"task_id": task.id, "user_id": self.deputy.id, "principal_id": self.manager.id}
        )
        self.assertMayNot(order, self.deputy)

    def test_others_do_not_see_the_delegations_of_people(self):
        delegation = self._delegate()
        seen = self.env["distribution.approval.delegation"].with_user(self.deputy_2).search([])
        self.assertNotIn(delegation, seen)
        self.assertIn(delegation, self.env["distribution.approval.delegation"].with_user(self.auditor).search([]))

    def test_the_database_knows_the_constraints(self):
        self.cr.execute(
            "SELECT count(*) FROM pg_constraint WHERE conname = ANY(%s)",
            (
                [
                    "distribution_approval_delegation_two_people",
                    "distribution_approval_delegation_dates_in_order",
                    "distribution_approval_delegation_dates_are_dated",
                    "distribution_approval_delegation_ceiling_positive",
                    "distribution_approval_stand_in_once",
                    "distribution_approval_clock_step_step_once",
                    "distribution_approval_document_type_code_unique",
                ],
            ),
        )
        self.assertEqual(self.cr.fetchone()[0], 7)
