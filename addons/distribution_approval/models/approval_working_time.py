"""Whose working time a service clock counts, read from Odoo's calendars."""

from datetime import timedelta

import pytz
from odoo import api, models

from ..engine import WorkingTime


class ApprovalWorkingTime(models.AbstractModel):
    _name = "distribution.approval.working.time"
    _description = "Working Time of Approvers"

    @api.model
    def _of(self, company, since, until, users=None, calendar=None):
        """Working time between two moments (naive, UTC).

        Of several people time counts while one of them works. Whoever has no employee works the
        hours of the company. Nobody works at all in that time (an empty calendar): the company's
        hours count, and round the clock if it has none either – a deadline that never comes would
        be worse than one that comes at night.

        :param users: people; or
        :param calendar: the calendar of a site
        """
        start, end = pytz.utc.localize(since), pytz.utc.localize(until)
        intervals = []
        if users:
            for group, resources in self._resources(users, company).items():
                worked = group._work_intervals_batch(start, end, resources=resources)
                for resource_id in resources.ids or [False]:
                    intervals += worked[resource_id]
        elif calendar:
            intervals = calendar._work_intervals_batch(start, end)[False]
        found = WorkingTime(_utc(intervals))
        if not found.intervals and company.resource_calendar_id:
            found = WorkingTime(_utc(company.sudo().resource_calendar_id._work_intervals_batch(start, end)[False]))
        return found if found.intervals else WorkingTime([(since, until)])

    @api.model
    def _resources(self, users, company):
        """``{calendar: resources}`` of people; the empty resource for who is no employee."""
        found = {}
        standard = company.sudo().resource_calendar_id
        empty = self.env["resource.resource"].sudo()
        for user in users:
            resource = self._employee(user, company).resource_id.sudo()
            calendar = resource.calendar_id or standard
            if calendar:
                found[calendar] = found.get(calendar, empty) | resource
        return found

    @api.model
    def _employee(self, user, company):
        """The employee of ``user`` in ``company``, else in another company of theirs."""
        employees = user.sudo().with_context(active_test=True).employee_ids
        return employees.filtered(lambda employee: employee.company_id == company)[:1] or employees[:1]

    @api.model
    def _is_covered(self, resource, company, since, until, leaves):
        """Whether ``leaves`` take up all the working time of ``resource``, and there is some."""
        calendar = resource.calendar_id or company.sudo().resource_calendar_id
        if not calendar:
            return False
        start, end = pytz.utc.localize(since), pytz.utc.localize(until)
        worked = calendar._work_intervals_batch(start, end, resources=resource, compute_leaves=False)[resource.id]
        work = WorkingTime(_utc(worked))
        return bool(work.intervals) and not work.without(leaves).intervals

    @api.model
    def _horizon(self, clock, moment):
        """A moment by which every step of ``clock`` has come where people work four hours a day."""
        return moment + timedelta(days=21 + clock.total // 240 * 2)


def _utc(intervals):
    return [
        (start.astimezone(pytz.utc).replace(tzinfo=None), end.astimezone(pytz.utc).replace(tzinfo=None))
        for start, end, _meta in intervals
    ]
