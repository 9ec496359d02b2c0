"""Losing a role counts at once, by whatever way it is lost: tasks that wait go to others."""

from odoo import models

from odoo.addons.distribution_core.compat import GROUP_USERS, group_members


class ResGroups(models.Model):
    _inherit = "res.groups"

    def write(self, vals):
        watched = {GROUP_USERS, "implied_ids", "users", "user_ids", "active"} & vals.keys()
        before = self._approval_members() if watched else self.env["res.users"]
        result = super().write(vals)
        if watched:
            after = self._approval_members()
            (before - after)._approval_leave_tasks()
            (after - before)._approval_join_tasks(self)
        return result

    def unlink(self):
        before = self._approval_members()
        result = super().unlink()
        before.exists()._approval_leave_tasks()
        return result

    def _approval_members(self):
        """Everybody who holds one of these groups now."""
        self.env.flush_all()
        self.invalidate_recordset([GROUP_USERS])
        # sudo: whoever may change a group need not read everybody in it
        return self.env["res.users"].sudo().union(*(group_members(group) for group in self.sudo()))


class ResUsers(models.Model):
    _inherit = "res.users"

    def write(self, vals):
        result = super().write(vals)
        if {"company_ids", "company_id", "share"} & vals.keys():
            self._approval_leave_tasks()
        return result

    def _approval_join_tasks(self, groups):
        """Who joins a group is asked from now on in the tasks of that group."""
        tasks = (
            self.env["distribution.approval.task"]
            .sudo()
            .search(
                [
                    ("state", "in", ("open", "waiting")),
                    ("approver_kind", "=", "group"),
                    ("approver_key", "in", [str(group_id) for group_id in groups.ids]),
                ]
            )
        )
        tasks.request_id._refresh_candidates()
