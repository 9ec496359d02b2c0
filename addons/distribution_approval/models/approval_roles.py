"""Losing a role counts at once, by whatever way it is lost: tasks that wait go to others.

Who is left of those whom the rule names is asked; when nobody is, the fallback of the policy; when the
fallback has decided already, or has a hand in the document, it is operations' case. A stage never
dissolves, and never waits for nobody without a word: the requester is told, the document says it, the
ledger has who was asked before and after. Gaining a role counts at once, too.
"""

from odoo import _, api, models

from odoo.addons.distribution_core.compat import GROUP_USERS, group_members

from ..engine import missing_candidates
from .res_users import GROUP_KEYS, _all_groups

APPROVER = "distribution_core.group_approver"


class ResGroups(models.Model):
    _inherit = "res.groups"

    def write(self, vals):
        if not {GROUP_USERS, "implied_ids", "users", "user_ids", "active"} & vals.keys():
            return super().write(vals)
        before = self._approval_members()
        result = super().write(vals)
        after = self._approval_members(self.browse(group.id for group in before))
        nobody = self.env["res.users"].sudo()
        left = nobody.union(*(before[group] - after[group] for group in before))
        left._approval_leave_tasks()
        joined = {group: people - before.get(group, nobody) for group, people in after.items()}
        nobody.union(*joined.values())._approval_join_tasks(
            self.sudo().browse(group.id for group, people in joined.items() if people)
        )
        return result

    def unlink(self):
        before = self.env["res.users"].sudo().union(*self._approval_members().values())
        result = super().unlink()
        before.exists()._approval_leave_tasks()
        return result

    def _approval_members(self, others=()):
        """``{group: everybody who holds it now}`` of these groups, of those that they imply, and ``others``."""
        self.env.flush_all()
        self.invalidate_recordset([GROUP_USERS])
        # sudo: whoever may change a group need not read everybody in it
        groups = self.sudo()
        implied = "all_implied_ids" if "all_implied_ids" in groups._fields else "trans_implied_ids"
        return {
            group: group_members(group) for group in groups | groups[implied] | groups.browse(others and others.ids)
        }


class ResUsers(models.Model):
    _inherit = "res.users"

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        people = users.filtered(lambda user: not user.share).sudo()
        people._approval_join_tasks(people[_all_groups(users)])
        return users

    def write(self, vals):
        grants = "active" in vals or any(key.startswith(GROUP_KEYS) for key in vals)
        before = {user: user.sudo()[_all_groups(user)] for user in self} if grants else {}
        result = super().write(vals)
        if {"company_ids", "company_id", "share"} & vals.keys():
            self._approval_leave_tasks()
            people = self.filtered(lambda user: not user.share).sudo()
            people._approval_join_tasks(people[_all_groups(self)])
        none = self.env["res.groups"].sudo()
        gained = {
            user: user.sudo()[_all_groups(user)] - (none if vals.get("active") else held)
            for user, held in before.items()
        }
        joining = self.filtered(lambda user: gained.get(user))
        joining._approval_join_tasks(none.union(*(gained[user] for user in joining)))
        return result

    def _approval_join_tasks(self, groups):
        """Who gains ``groups`` is asked from now on where a rule names them, or where nobody was left."""
        if not self or not groups:
            return
        named = groups
        tasks = self.env["distribution.approval.task"].sudo()
        waiting = [("state", "in", ("open", "waiting"))]
        if self.env.ref(APPROVER) in groups:
            # They may have been in the group that a rule names, and were no approvers until now.
            named = groups | self.sudo()[_all_groups(self)]
            people = [str(user_id) for user_id in self.ids]
            tasks |= tasks.search([*waiting, ("approver_kind", "=", "user"), ("approver_key", "in", people)])
            tasks |= tasks.search([*waiting, "|", ("user_ids", "=", False), ("is_fallback", "=", True)])
        keys = [str(group_id) for group_id in named.ids]
        tasks |= tasks.search([*waiting, ("approver_kind", "=", "group"), ("approver_key", "in", keys)])
        tasks.request_id._refresh_candidates()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _refresh_candidates(self):
        waiting = self.filtered(lambda request: request.state in ("pending", "question"))
        before = {
            task: task.user_ids
            for request in waiting
            for task in request._current_tasks()
            if task.state in ("open", "waiting")
        }
        super()._refresh_candidates()
        for task, people in before.items():
            if people - task.user_ids:
                task.request_id._tell_rerouted(task, people)
        waiting._close_found_cases()

    def _tell_rerouted(self, task, before):
        """The history says who is asked instead of whom; the requester is told when these are other people."""
        self.ensure_one()
        after = task.user_ids
        words = {
            "task": task.name,
            "document": self.document_name,
            "left": ", ".join((before - after).mapped("name")),
            "asked": ", ".join(after.mapped("name")),
        }
        if not after:
            text = _(
                "Nobody can decide “%(task)s” of %(document)s at present: %(left)s cannot any more, and the fallback "
                "of the policy has decided already or may not. Operations was asked to find somebody.",
                **words,
            )
        else:
            text = _("“%(task)s” of %(document)s waits for %(asked)s now: %(left)s cannot decide it any more.", **words)
            if task in self._stranded():
                text = _("%s These are too few people; operations was asked to find more.", text)
        self._say(text)
        if not after & before:
            self._notify(self._askers(), text)

    def _stranded(self):
        """Undecided tasks that the people who are asked cannot finish."""
        self.ensure_one()
        lacking = missing_candidates(self._to_engine(), self._excluded_users().ids)
        return self._current_tasks().filtered(
            lambda task: str(task.id) in lacking and task.state in ("open", "waiting")
        )

    def _close_found_cases(self):
        """Somebody was found: what operations was asked to do is done."""
        keys = {f"no_approver:{task.id}": request for request in self for task in request._current_tasks()}
        # sudo: a case of operations, closed by whoever brought the people
        cases = (
            self.env["distribution.case"].sudo().search([("dedup_key", "in", list(keys)), ("closed_at", "=", False)])
        )
        stranded = {f"no_approver:{task.id}" for key in cases.mapped("dedup_key") for task in keys[key]._stranded()}
        cases._mend(set(cases.mapped("dedup_key")) - stranded, _("Somebody is asked again who may decide."))

    def _waiting_words(self):
        # sudo: whoever reads the banner learns which decision nobody can take, and no names
        lost = self.sudo().task_ids.filtered(lambda task: task.state == "open" and len(task.user_ids) < task.quorum)
        if not lost:
            return super()._waiting_words()
        return _(
            "Too few people can decide “%s” at present; operations was asked to find somebody",
            ", ".join(lost.mapped("name")),
        )
