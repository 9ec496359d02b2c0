"""Service clock, escalation, merging and ageing of cases."""

from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..compat import USER_GROUPS
from .common import LedgerCase

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (f'2026-03-0{day}' for day in (2, 3, 4, 5))


def at(text):
    return datetime.fromisoformat(text)


class ClockCase(LedgerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Case = cls.env['distribution.case']
        calendar = cls.env['resource.calendar'].create({'name': "Office", 'tz': 'UTC'})
        calendar.attendance_ids.unlink()
        calendar.attendance_ids = [
            Command.create(
                {'name': str(day), 'dayofweek': str(day), 'hour_from': 8, 'hour_to': 16, 'day_period': 'morning'}
            )
            for day in range(5)
        ]
        cls.env.company.resource_calendar_id = calendar
        cls.calendar = calendar
        cls.type = cls.env.ref('distribution_core.case_type_no_approver')
        cls.type.write({'service_hours': 12, 'severity': '1'})
        cls.owner, cls.boss = cls.user('clock_owner', 'operations'), cls.user('clock_boss', 'operations')

    def open(self, moment, **options):
        with freeze_time(moment):
            case = self.Case._open('no_approver', self.partners[0], "Nobody decides", **options)
            case._assign(self.owner)
        return case

    def escalate(self, moment):
        with freeze_time(moment):
            return self.Case._cron_escalate(commit=False)

    def events(self, case, fact):
        return self.Event.search([('type', '=', f'distribution.case.{fact}.v1'), ('res_id', '=', case.id)])


@tagged('post_install', '-at_install')
class TestCaseClock(ClockCase):
    def test_due_in_working_time(self):
        case = self.open(f'{MONDAY} 14:00:00')
        self.assertEqual(case.due_at, at(f'{WEDNESDAY} 10:00:00'))
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': self.calendar.id,
                'date_from': f'{TUESDAY} 00:00:00',
                'date_to': f'{TUESDAY} 23:59:59',
            }
        )
        self.assertEqual(self.open(f'{MONDAY} 14:00:00').due_at, at(f'{THURSDAY} 10:00:00'))
        self.type.service_hours = 0
        case = self.open(f'{MONDAY} 14:00:00')
        self.assertFalse(case.due_at or case.next_escalation_at)
        self.type.service_hours = 12
        self.env.company.resource_calendar_id = False
        self.assertEqual(self.open(f'{MONDAY} 14:00:00').due_at, at(f'{TUESDAY} 02:00:00'))

    def test_overdue_is_found(self):
        late, early = self.open(f'{MONDAY} 08:00:00'), self.open(f'{WEDNESDAY} 08:00:00')
        with freeze_time(f'{WEDNESDAY} 09:00:00'):
            self.env.invalidate_all()
            self.assertEqual((late | early).filtered('is_overdue'), late)
            self.assertEqual(self.Case.search([('is_overdue', '=', True), ('id', 'in', (late | early).ids)]), late)
            self.assertEqual(self.Case.search([('is_overdue', '=', False), ('id', 'in', (late | early).ids)]), early)

    def test_waiting_stops_the_clock(self):
        case = self.open(f'{MONDAY} 08:00:00')
        self.assertEqual(case.due_at, at(f'{TUESDAY} 12:00:00'))
        with freeze_time(f'{MONDAY} 12:00:00'):
            case.action_wait()
        self.assertEqual(self.escalate(f'{THURSDAY} 15:00:00'), 0)
        with freeze_time(f'{THURSDAY} 15:00:00'):
            self.assertFalse(case.is_overdue)
            case.action_continue()
        # Eight hours were left: one on Thursday, seven on Friday.
        self.assertEqual(case.due_at, at('2026-03-06 15:00:00'))
        self.assertEqual(case.next_escalation_at, case.due_at)
        self.assertEqual(case.state, 'in_progress')

    def test_without_a_chain_the_owner_is_reminded_once(self):
        case = self.open(f'{MONDAY} 08:00:00')
        self.assertEqual(self.escalate(f'{TUESDAY} 11:59:00'), 0)
        self.assertEqual(self.escalate(f'{TUESDAY} 12:01:00'), 1)
        self.assertEqual((case.severity, case.user_id, case.escalation_level), ('2', self.owner, 1))
        self.assertEqual(case.activity_ids.user_id, self.owner)
        self.assertEqual(self.escalate('2026-04-01 12:00:00'), 0)
        self.assertEqual(len(self.events(case, 'escalated')), 1)
        with freeze_time('2026-04-01 12:00:00'):
            case._resolve('corrected')
        self.assertFalse(case.activity_ids)
        self.assertIn('"on_time": false', self.events(case, 'closed').data.replace(':false', ': false'))

    def test_a_chain_takes_each_step_once_however_late_the_job(self):
        group = self.env['res.groups'].create({'name': "Duty"})
        self.boss.write({USER_GROUPS: [Command.link(group.id)]})
        self.type.escalation_ids = [
            Command.create({'after_hours': 2, 'owner_rule': 'keep', 'raises_severity': False}),
            Command.create({'after_hours': 4, 'owner_rule': 'least_loaded', 'group_id': group.id, 'sequence': 20}),
        ]
        case = self.open(f'{MONDAY} 08:00:00')
        self.assertEqual(case.next_escalation_at, at(f'{TUESDAY} 14:00:00'))
        # The job slept: one step, and the next one counts from now.
        self.assertEqual(self.escalate(f'{THURSDAY} 08:00:00'), 1)
        self.assertEqual((case.severity, case.user_id), ('1', self.owner))
        self.assertEqual(case.next_escalation_at, at(f'{THURSDAY} 12:00:00'))
        self.assertEqual(self.escalate(f'{THURSDAY} 12:00:00'), 1)
        self.assertEqual((case.severity, case.user_id, case.escalation_level), ('2', self.boss, 2))
        self.assertEqual(case.activity_ids.user_id, self.boss)
        self.assertFalse(case.next_escalation_at)
        self.assertEqual(self.escalate('2026-04-01 12:00:00'), 0)

    def test_nobodys_case_goes_to_somebody(self):
        with freeze_time(f'{MONDAY} 08:00:00'):
            case = self.Case._open('no_approver', self.partners[0], "Nobody decides")
        self.assertFalse(case.user_id)
        self.escalate(f'{TUESDAY} 12:01:00')
        self.assertTrue(case.user_id.has_group('distribution_core.group_operations'))

    def test_a_case_that_fails_does_not_stop_the_others(self):
        bad, good = self.open(f'{MONDAY} 08:00:00'), self.open(f'{MONDAY} 09:00:00')
        escalate = type(self.Case)._escalate

        def fails(cases):
            if bad in cases:
                raise ValueError("broken")
            return escalate(cases)

        with (
            patch.object(type(self.Case), '_escalate', fails),
            mute_logger('odoo.addons.distribution_core.models.distribution_case_clock'),
        ):
            self.assertEqual(self.escalate(f'{WEDNESDAY} 12:00:00'), 1)
        self.assertEqual(good.escalation_level, 1)
        self.assertEqual(bad.next_escalation_at, at(f'{WEDNESDAY} 13:00:00'))
        self.assertTrue(self.Case.search([('dedup_key', '=', f'case_not_escalated:{bad.id}')]))

    def test_a_batch_takes_as_many_queries_as_a_few(self):
        group = self.env['res.groups'].create({'name': "Duty"})
        (self.owner | self.boss).write({USER_GROUPS: [Command.link(group.id)]})
        step = {'after_hours': 4, 'owner_rule': 'least_loaded', 'group_id': group.id}
        self.type.escalation_ids = [Command.create(step), Command.create({**step, 'sequence': 20})]
        counts = []
        for size in (4, 4, 40):
            with freeze_time(f'{MONDAY} 08:00:00'):
                cases = self.Case.browse(
                    self.Case._open('no_approver', partner, "Nobody decides").id
                    for partner in [self.partners[0]] * size
                )
                cases._assign(self.owner)
            self.env.cr.flush()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with freeze_time(f'{WEDNESDAY} 12:00:00'):
                self.assertEqual(self.Case._escalate_batch().taken, size)
            self.env.cr.flush()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(set(cases.mapped('escalation_level')), {1})
            self.assertEqual(len(cases.activity_ids), size)
            self.assertEqual(set(cases.mapped('user_id')), {self.owner, self.boss}, "shared out evenly")
            cases._resolve('corrected')
        self.assertLessEqual(counts[2], counts[1], "none for each case")

    def test_one_message_about_many_cases(self):
        self.owner.notification_type = 'inbox'
        first, second = (self.open(f'{MONDAY} 0{hour}:00:00') for hour in (8, 9))
        Message = self.env['mail.message']
        told = [('notified_partner_ids', 'in', self.owner.partner_id.ids)]
        before = Message.search_count(told)
        self.assertEqual(self.escalate(f'{WEDNESDAY} 12:00:00'), 2)
        self.assertEqual(Message.search_count(told), before + 1)
        message = Message.search(told, order='id desc', limit=1)
        for case in (first, second):
            self.assertIn(f'res_id={case.id}', message.body)
            self.assertEqual(case.activity_ids.user_id, self.owner)
            self.assertIn("step 1 was taken", ' '.join(case.message_ids.mapped('body')))

    def test_cases_from_before_there_were_clocks(self):
        case = self.open(f'{MONDAY} 08:00:00')
        self.sql(
            "UPDATE distribution_case SET due_at = NULL, next_escalation_at = NULL, create_date = %s WHERE id = %s",
            f'{MONDAY} 08:00:00',
            case.id,
        )
        self.env.invalidate_all()
        self.escalate(f'{MONDAY} 09:00:00')
        self.assertEqual(case.due_at, at(f'{TUESDAY} 12:00:00'))

    def test_reopened_and_retyped_cases_get_a_new_clock(self):
        case = self.open(f'{MONDAY} 08:00:00')
        case._resolve('corrected')
        self.assertFalse(case.next_escalation_at)
        with freeze_time(f'{WEDNESDAY} 08:00:00'):
            case.action_reopen()
        self.assertEqual(case.due_at, at(f'{THURSDAY} 12:00:00'))
        other = self.env.ref('distribution_core.case_type_policy_missing')
        other.service_hours = 0
        case.type_id = other
        self.assertFalse(case.due_at)


@tagged('post_install', '-at_install')
class TestCaseMerge(ClockCase):
    def test_merge_keeps_both_histories(self):
        first = self.open(f'{MONDAY} 08:00:00', dedup_key='one')
        second = self.Case._open('no_approver', self.partners[1], "The same", severity='3', dedup_key='two')
        third = self.Case._open('no_approver', self.partners[2], "Too", dedup_key='three')
        second.message_post(body="The vendor called")
        operator = self.boss
        cases = (first | second).with_user(operator)
        wizard = self.env['distribution.case.merge'].with_user(operator).with_context(**cases.action_merge()['context'])
        wizard = wizard.create({})
        self.assertEqual(wizard.target_id, first)
        self.assertEqual(wizard.action_confirm()['res_id'], first.id)
        self.assertEqual(
            (second.state, second.merged_into_id, second.resolution_id.code), ('cancelled', first, 'duplicate')
        )
        self.assertEqual(first.severity, '3')
        self.assertEqual(first.document_ids.mapped('res_id'), self.partners[1].ids)
        self.assertIn("The vendor called", ' '.join(second.message_ids.mapped('body')))
        self.assertEqual(len(self.events(second, 'merged')), 1)
        self.assertIn(self.events(second, 'merged'), self.Event.search(first._story_domain()))
        # The cause of the one that was merged leads to the one that stays.
        self.assertEqual(self.Case._open('no_approver', self.partners[1], "Again", dedup_key='two'), first)
        with self.assertRaisesRegex(UserError, 'was merged'):
            second.action_reopen()
        # The chain stays flat, and who is mended: all causes, or none.
        first.with_user(operator)._merge_into(third.with_user(operator))
        self.assertEqual(second.merged_into_id, third)
        self.assertFalse(self.Case._mend(['three'], "Well again"))
        self.assertEqual(self.Case._mend(['one', 'two', 'three'], "Well again"), third)
        self.assertEqual((third.state, third.resolution_id.code), ('resolved', 'mended'))
        self.assertNotEqual(self.Case._open('no_approver', self.partners[1], "Again", dedup_key='two'), third)

    def test_what_is_not_merged(self):
        first, second = self.open(f'{MONDAY} 08:00:00'), self.open(f'{MONDAY} 08:00:00')
        with self.assertRaisesRegex(UserError, 'at least one other'):
            first._merge_into(first)
        second._resolve('corrected')
        with self.assertRaisesRegex(UserError, 'Closed already'):
            second._merge_into(first)
        second.action_reopen()
        second.company_id = self.env['res.company'].create({'name': "Elsewhere"})
        with self.assertRaisesRegex(UserError, 'several companies'):
            second._merge_into(first)

    def test_ageing(self):
        cases = self.Case.browse()
        for days in (0, 2, 5, 20, 40):
            case = self.open(f'{MONDAY} 08:00:00')
            self.sql("UPDATE distribution_case SET create_date = now() AT TIME ZONE 'utc' - %s::interval WHERE id = %s",
                     f'{days} days 1 hour', case.id)  # fmt: skip
            cases |= case
        self.env.invalidate_all()
        Ageing = self.env['distribution.case.ageing'].with_user(self.boss)
        rows = Ageing.search([('case_id', 'in', cases.ids)], order='age')
        self.assertEqual(rows.mapped('age'), ['1', '2', '3', '4', '5'])
        self.assertEqual(rows[3].age_days, 20)
        self.assertEqual(sum(rows.mapped('overdue')), 5)
        self.assertEqual(
            Ageing._read_group([('case_id', 'in', cases.ids)], ['kind'], ['__count', 'overdue:sum']),
            [('business', 5, 5)],
        )
        self.assertEqual(rows[0].action_open_case()['res_id'], cases[0].id)
        cases._resolve('corrected')
        self.assertFalse(Ageing.search([('case_id', 'in', cases.ids)]))
