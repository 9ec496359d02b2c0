"""Governed purchases with service clocks, on working days that the test chooses."""

from contextlib import contextmanager

from freezegun import freeze_time
from odoo import Command, fields

from .common import ApprovalCase

#: A Monday; every policy of the tests is in force by then.
MONDAY = "2027-03-01"


class ClockCase(ApprovalCase):
    """Purchasing has eight hours: reminder two hours before, Finance four hours after, then rejected."""

    final_action = "reject"
    clock_calendar = "company"

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        calendar = cls.company.resource_calendar_id
        calendar.tz = "UTC"
        calendar.global_leave_ids.unlink()
        calendar.attendance_ids.unlink()
        calendar.attendance_ids = [
            Command.create(
                {
                    "name": f"{day} {hour_from}",
                    "dayofweek": str(day),
                    "hour_from": hour_from,
                    "hour_to": hour_to,
                    "day_period": period,
                }
            )
            for day in range(5)
            for hour_from, hour_to, period in ((8, 12, "morning"), (13, 17, "afternoon"))
        ]
        version = super()._make_policy(hit_policy)
        cls._set_clocks(version)
        return version

    @classmethod
    def _set_clocks(cls, version):
        version.rule_ids.filtered(lambda rule: rule.name == "Above 2,500").stage_ids.write(cls._clock_values())

    @classmethod
    def _clock_values(cls, **values):
        return {
            "service_hours": 8,
            "reminder_hours": 2,
            "clock_calendar": cls.clock_calendar,
            "escalation_ids": [
                Command.create({"after_hours": 4, "target_kind": "group", "group_id": cls.groups["Finance"].id})
            ],
            "final_action": cls.final_action,
            "final_after_hours": 8,
            **values,
        }

    @contextmanager
    def _at(self, time, day=MONDAY):
        """A day's time; ``time`` may name another day: "Tue 10:00"."""
        if " " in time:
            name, time = time.split()
            number = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(name)
            day = f"2027-03-{number + 1:02}"
        with freeze_time(f"{day} {time}:00"):
            yield

    def _held(self, amount=5000, **values):
        order = self._order(amount, **values)
        order.button_confirm()
        return order

    def _tick(self, *tasks):
        """What the scheduled action does with these tasks, as often as it runs."""
        for task in tasks:
            task = task.sudo()
            task.invalidate_recordset()
            if task.clock_next_at and task.clock_next_at <= fields.Datetime.now():
                task._run_clock()

    def _steps(self, task):
        return [step.step for step in task.sudo().clock_step_ids.sorted("id")]

    def _events(self, order, fact):
        return self.env["distribution.event"].search(
            [
                ("type", "=", f"distribution.purchase_order.{fact}.v1"),
                ("res_model", "=", order._name),
                ("res_id", "=", order.id),
            ]
        )

    def _notices(self, task, user):
        """Messages about the request that went to ``user`` alone."""
        request = task.sudo().request_id
        return self.env["mail.message"].search(
            [
                ("model", "=", request._name),
                ("res_id", "=", request.id),
                ("message_type", "=", "user_notification"),
                ("notified_partner_ids", "in", user.partner_id.ids),
            ]
        )
