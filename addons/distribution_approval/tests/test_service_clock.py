"""Service clocks in Odoo: due dates, reminders, escalations, the end – and what they never do."""

from datetime import datetime

from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from .clock_case import ClockCase


def at(text):
    return datetime.fromisoformat(f"2027-03-{text}")


@tagged("post_install", "-at_install")
class TestServiceClock(ClockCase):
    def test_due_after_working_hours(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
            self.assertEqual(task.due_at, at("02 14:00"))
            self.assertEqual(
                task.clock_next_at, at("02 11:00"), "the reminder: two working hours before, lunch not counted"
            )
            self.assertEqual(task.urgency, "later")
        with self._at("Tue 12:30"):
            task.invalidate_recordset()
            self.assertEqual(task.urgency, "soon")
        with self._at("Tue 14:01"):
            task.invalidate_recordset()
            self.assertEqual(task.urgency, "overdue")
            tasks = self.env["distribution.approval.task"].with_user(self.manager)
            self.assertIn(task, tasks.search([("overdue", "=", True)]))
            self.assertNotIn(task, tasks.search([("overdue", "=", False)]))

    def test_weekend_and_holidays_do_not_count(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": at("08 00:00"),
                "date_to": at("08 23:59"),
            }
        )
        with self._at("Fri 15:00"):
            order = self._held()
            self.assertEqual(self._task(order, "Purchasing").due_at, at("09 15:00"))

    def test_reminder_comes_once_to_each_person(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        notices = self._notices(task, self.manager)
        with self._at("Tue 10:59"):
            self._tick(task)
            self.assertEqual(self._steps(task), [])
        with self._at("Tue 11:05"):
            self._tick(task, task)
            task.sudo()._run_clock()
        self.assertEqual(self._steps(task), ["reminder"])
        new = self._notices(task, self.manager) - notices
        self.assertEqual(len(new), 1)
        self.assertIn("Reminder", new.body)
        self.assertEqual(len(self._events(order, "reminder_sent")), 1)
        self.assertIn("Reminder", order.approval_request_id.sudo().timeline)

    def test_no_reminder_for_who_wants_only_the_inbox(self):
        self.manager.distribution_notice = "none"
        with self._at("14:00"):
            task = self._task(self._held(), "Purchasing")
        with self._at("Tue 11:05"):
            self._tick(task)
        self.assertFalse(self._notices(task, self.manager))
        self.assertEqual(self._steps(task), ["reminder"])

    def test_escalation_asks_others_as_well(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Wed 08:59"):
            self._tick(task)
            self.assertEqual(task.user_ids, self.manager)
        with self._at("Wed 10:00"):
            self._tick(task, task)
            self.assertEqual(task.user_ids, self.manager | self.finance | self.finance_2)
            self.assertEqual(self._steps(task), ["escalation:1"], "the reminder is left out: the task is due")
            self.assertEqual(len(self._notices(task, self.finance)), 1)
            inbox = self.env["distribution.approval.task"].with_user(self.finance)
            self.assertIn(task, inbox.search(inbox._inbox_domain()))
            order.with_user(self.finance).read(["name", "amount_total"])
            self._decide(order, "Purchasing", self.finance)
        self.assertEqual(order.approval_request_id.sudo().state, "approved")
        self.assertEqual(len(self._events(order, "task_escalated")), 1)

    def test_who_was_asked_before_may_still_decide(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Wed 10:00"):
            self._tick(task)
            self._decide(order, "Purchasing", self.manager)
        self.assertEqual(order.approval_request_id.sudo().state, "approved")

    def test_rejected_in_the_end_and_never_approved(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
            request = task.request_id
        with self._at("Wed 10:00"):
            self._tick(task)
        with self._at("Thu 09:59"):
            self._tick(task)
            self.assertEqual(request.state, "pending")
        with self._at("Thu 10:00"):
            self._tick(task)
            task._run_clock()
        self.assertEqual((request.state, task.state, order.state), ("rejected", "rejected", "draft"))
        self.assertEqual(self._steps(task), ["escalation:1", "final"])
        self.assertFalse(request.decision_ids, "a clock decides nothing")
        self.assertFalse(self.env["distribution.approval.release"]._valid_for(order.sudo()))
        self.assertEqual(len(self._events(order, "task_expired")), 1)
        self.assertEqual(len(self._events(order, "approval_rejected")), 1)
        self.assertIn("not decided in time", request._banner())
        self.assertIn("Time is up", request.timeline)
        with self.assertRaises(UserError), self.cr.savepoint():
            task.with_user(self.manager).action_decide("approve", task.digest)

    def test_a_job_that_missed_days_takes_one_step_and_gives_people_their_time(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with freeze_late():
            self._tick(task)
            self.assertEqual(self._steps(task), ["escalation:1"])
            self.assertEqual(task.clock_next_at, at("15 17:00"), "eight working hours for who was asked today")
            task._run_clock()
            self.assertEqual(self._steps(task), ["escalation:1"])

    def test_a_question_stops_the_clock_and_the_answer_starts_it(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("16:00"):
            task.with_user(self.manager).action_ask("Why from this vendor?")
            self.assertFalse(task.due_at)
            self.assertFalse(task.clock_next_at)
            self.assertEqual(task.urgency, "stopped")
        with self._at("Fri 16:00"):
            task._run_clock()
            self.assertEqual(self._steps(task), ["pause:1"])
            self.assertEqual(task.request_id.state, "question")
            task.request_id.with_user(self.buyer).action_submit_answer("It is the only one.")
            self.assertEqual(self._steps(task), ["pause:1", "resume:1"])
            self.assertEqual(task.due_at, at("08 14:00"), "two hours were used; one more on Friday, five on Monday")

    def test_a_second_question_stops_it_again(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
            request = task.request_id
        for start, end in (("15:00", "16:00"), ("Tue 09:00", "Tue 11:00")):
            with self._at(start):
                task.with_user(self.manager).action_ask("Why?")
            with self._at(end):
                request.with_user(self.buyer).action_submit_answer("So.")
        self.assertEqual(self._steps(task), ["pause:1", "resume:1", "pause:2", "resume:2"])
        self.assertEqual(task.due_at, at("02 17:00"))

    def test_withdrawing_ends_the_clock(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
            task.request_id.with_user(self.buyer).action_withdraw()
        self.assertFalse(task.clock_next_at)
        with freeze_late():
            task._run_clock()
        self.assertEqual(self._steps(task), [])

    def test_a_changed_order_starts_a_new_clock(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Tue 10:00"):
            order.order_line[0].product_qty += 100
            new = self._task(order, "Purchasing")
        self.assertNotEqual(new, task)
        self.assertEqual(new.due_at, at("03 10:00"))

    def test_the_shorter_clock_of_two_rules_counts(self):
        with self._at("14:00"):
            order = self._held(30000)  # "Above 25,000" asks Purchasing as well, without a clock
            self.assertEqual(self._task(order, "Purchasing").due_at, at("02 14:00"))

    def test_nobody_to_escalate_to_is_a_case_not_a_pass(self):
        (self.finance | self.finance_2 | self.fallback).active = False
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Wed 10:00"):
            self._tick(task)
        self.assertEqual(self._steps(task), ["escalation:1"])
        self.assertEqual(task.user_ids, self.manager)
        case = self.env["distribution.case"].search([("dedup_key", "=", f"no_approver:{task.id}")])
        self.assertEqual(len(case), 1)

    def test_the_fallback_steps_in_for_an_empty_group(self):
        (self.finance | self.finance_2).active = False
        with self._at("14:00"):
            task = self._task(self._held(), "Purchasing")
        with self._at("Wed 10:00"):
            self._tick(task)
        self.assertEqual(task.user_ids, self.manager | self.fallback)

    def test_an_escalation_never_reaches_the_requester(self):
        approver = self.env.ref("distribution_core.group_approver")
        self.buyer.write({USER_GROUPS: [Command.link(self.groups["Finance"].id), Command.link(approver.id)]})
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Wed 10:00"):
            self._tick(task)
        self.assertNotIn(self.buyer, task.user_ids)
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.buyer).action_decide("approve", task.digest)

    def test_the_banner_says_until_when(self):
        with self._at("14:00"):
            order = self._held()
            request = order.approval_request_id.sudo()
            self.assertIn("due Tue 2 Mar", request._banner())
        with self._at("Wed 08:00"):
            request.task_ids.invalidate_recordset()
            self.assertIn("overdue since Tue 2 Mar", request._banner())

    def test_the_clock_is_in_the_file_and_in_the_differences(self):
        text = self.version._export_yaml()
        imported = self.env[self.version._name].with_user(self.author)._import_yaml(text)
        self.assertEqual(imported._export_yaml(), text)

        def clocks(version):
            return [stage._clock() for stage in version.rule_ids.sorted("sequence").stage_ids]

        self.assertEqual(clocks(imported), clocks(self.version))
        self.assertTrue(any(clocks(imported)))
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        self.assertEqual(draft._difference(self.version), ())
        draft.rule_ids.stage_ids.filtered("service_hours").service_hours = 6
        changes = " ".join(str(change) for change in draft._difference(self.version))
        self.assertIn("Due after (h)", changes)

    # ---------------------------------------------------------------- attacks

    def test_clocks_and_their_evidence_are_not_written_by_people(self):
        with self._at("14:00"):
            task = self._task(self._held(), "Purchasing")
        for user in (self.manager, self.buyer, self.env.ref("base.user_admin")):
            mine = task.with_user(user)
            for values in ({"due_at": fields.Datetime.now()}, {"clock": "{}"}, {"clock_next_at": False}):
                with self.subTest(user=user.login, **values), self.assertRaises(AccessError):
                    mine.write(values)
            with self.assertRaises(AccessError):
                self.env["distribution.approval.clock.step"].with_user(user).create(
                    {"task_id": task.id, "request_id": task.request_id.id, "step": "final", "kind": "final",
                     "done_at": fields.Datetime.now()}
                )  # fmt: skip
        with self.assertRaises(IntegrityError), self.cr.savepoint(), mute_logger("odoo.sql_db"):
            self.cr.execute("UPDATE distribution_approval_task SET clock = NULL WHERE id = %s", (task.id,))

    def test_evidence_of_a_step_stays(self):
        with self._at("14:00"):
            task = self._task(self._held(), "Purchasing")
        with self._at("Tue 11:05"):
            self._tick(task)
        step = task.clock_step_ids.ensure_one()
        for statement in (
            "UPDATE distribution_approval_clock_step SET done_at = now() WHERE id = %s",
            "DELETE FROM distribution_approval_clock_step WHERE id = %s",
            """INSERT INTO distribution_approval_clock_step (task_id, request_id, step, kind, done_at)
               SELECT task_id, request_id, step, kind, done_at FROM distribution_approval_clock_step WHERE id = %s""",
        ):
            with (
                self.subTest(statement),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
                mute_logger("odoo.sql_db"),
            ):
                self.cr.execute(statement, (step.id,))

    def test_a_published_clock_never_changes(self):
        stage = self.version.rule_ids.filtered(lambda rule: rule.name == "Above 2,500").stage_ids
        for record, values in ((stage, {"service_hours": 1}), (stage.escalation_ids, {"after_hours": 1})):
            with self.subTest(record), self.assertRaises(UserError):
                record.with_user(self.author).write(values)
            column = next(iter(values))
            with (
                self.subTest(column),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
                mute_logger("odoo.sql_db"),
            ):
                self.cr.execute(f"UPDATE {record._table} SET {column} = 1 WHERE id = %s", (record.id,))
        with self.assertRaises(UserError):
            stage.escalation_ids.with_user(self.author).unlink()

    def test_a_clock_that_makes_no_sense_is_refused(self):
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        stage = draft.rule_ids.filtered(lambda rule: rule.name == "Above 2,500").stage_ids
        self.assertEqual(
            stage.clock_text,
            self.version.rule_ids.filtered(lambda rule: rule.name == "Above 2,500").stage_ids.clock_text,
            "a new version copies the clock",
        )
        for values in (
            {"reminder_hours": 8},
            {"service_hours": 0},
            {"final_action": "hand_over"},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError), self.cr.savepoint():
                stage.write(values)
        self.assertNotIn("approve", dict(stage._fields["final_action"].selection))


def freeze_late():
    """Friday of the next week, when work ends."""
    return freeze_time("2027-03-12 17:00:00")


@tagged("post_install", "-at_install")
class TestClockHolds(ClockCase):
    final_action = "hold"

    def _expired(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Wed 10:00"):
            self._tick(task)
        with self._at("Thu 10:00"):
            self._tick(task)
        return order, task

    def test_on_hold_until_somebody_asks_again(self):
        order, task = self._expired()
        request = task.request_id
        self.assertEqual((request.state, task.state, order.approval_state), ("on_hold", "cancelled", "on_hold"))
        self.assertIn("not decided in time", request._banner())
        with self._at("Thu 11:00"):
            request._cron_retry_on_hold()
            self.assertEqual(request.state, "on_hold", "nothing was mended")
            request.with_user(self.buyer).action_resubmit()
            self.assertEqual((request.state, request.expired), ("pending", False))
            self.assertEqual(self._task(order, "Purchasing").due_at, at("05 11:00"))

    def test_only_the_requester_asks_again(self):
        _order, task = self._expired()
        with self.assertRaises(AccessError):
            task.request_id.with_user(self.other_buyer).action_resubmit()


@tagged("post_install", "-at_install")
class TestClockHandsOver(ClockCase):
    final_action = "hand_over"

    @classmethod
    def _clock_values(cls, **values):
        return super()._clock_values(
            escalation_ids=[], final_user_id=cls.operations.id, final_after_hours=1, clock_calendar="approver"
        )

    def test_handed_to_a_named_person(self):
        with self._at("14:00"):
            order = self._held()
            task = self._task(order, "Purchasing")
        with self._at("Tue 15:00"):
            self._tick(task)
        self.assertEqual(task.user_ids, self.operations)
        self.assertFalse(task.clock_next_at, "nothing more happens by itself")
        self.assertTrue(task.due_at)
        with self.assertRaises(AccessError), self.cr.savepoint():
            task.with_user(self.manager).action_decide("approve", task.digest)
        self._decide(order, "Purchasing", self.operations)
        self.assertEqual(task.request_id.state, "approved")

    def test_handed_to_who_asked_is_handed_to_the_fallback(self):
        order = self._order(5000)
        order.sudo().user_id = self.operations
        with self._at("14:00"):
            order.button_confirm()
            task = self._task(order, "Purchasing")
        with self._at("Tue 15:00"):
            self._tick(task)
        self.assertEqual(task.user_ids, self.fallback)

    def test_the_hours_of_the_approver_count(self):
        employee = self.env["hr.employee"].create(
            {"name": "Manager", "user_id": self.manager.id, "company_id": self.company.id}
        )
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Time off",
                "resource_id": employee.resource_id.id,
                "calendar_id": employee.resource_id.calendar_id.id,
                "company_id": self.company.id,
                "date_from": at("02 00:00"),
                "date_to": at("03 23:59"),
            }
        )
        with self._at("14:00"):
            self.assertEqual(self._task(self._held(), "Purchasing").due_at, at("04 14:00"))


@tagged("post_install", "-at_install")
class TestClockOfTheSite(ClockCase):
    clock_calendar = "site"

    def test_the_site_works_on_saturdays(self):
        calendar = self.env["resource.calendar"].create(
            {
                "name": "Branch",
                "tz": "UTC",
                "company_id": self.company.id,
                "attendance_ids": [
                    Command.create(
                        {"name": "Day", "dayofweek": str(day), "hour_from": 6, "hour_to": 18, "day_period": "morning"}
                    )
                    for day in range(6)
                ],
            }
        )
        self.warehouse.resource_calendar_id = calendar
        with self._at("Fri 16:00"):
            order = self._held()
            self.assertEqual(self._task(order, "Purchasing").due_at, at("06 12:00"))

    def test_a_calendar_without_hours_falls_back_to_the_company(self):
        self.warehouse.resource_calendar_id = self.env["resource.calendar"].create(
            {"name": "Nobody", "tz": "UTC", "company_id": self.company.id, "attendance_ids": [Command.clear()]}
        )
        with self._at("14:00"):
            self.assertEqual(self._task(self._held(), "Purchasing").due_at, at("02 14:00"))
