"""Substitutes on tasks: who sees them in the inbox, who decides on whose behalf."""

import json
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_date

from ..engine import stand_ins, stands_in_for


class ApprovalStandIn(models.Model):
    """Who is shown a task as a substitute. For the screen: a decision works it out anew."""

    _name = "distribution.approval.stand.in"
    _description = "Substitute on a Task"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _rec_name = "user_id"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="cascade", index=True)
    user_id = fields.Many2one("res.users", string="Substitute", required=True, ondelete="cascade", index=True)
    principal_id = fields.Many2one("res.users", string="On Behalf of", required=True, ondelete="cascade")
    via = fields.Char(help="Ids of the delegations that lead there.")

    _sql_constraints = [
        ("once", "UNIQUE (task_id, user_id)", "A substitute stands in for one person on a task."),
    ]


class ApprovalDecision(models.Model):
    _inherit = "distribution.approval.decision"

    on_behalf_id = fields.Many2one(
        "res.users", string="On Behalf of", ondelete="restrict", index="btree_not_null", readonly=True
    )

    def init(self):
        super().init()
        # Whoever decides on behalf of somebody takes that place: it is taken once.
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_decision_place_once
                   ON distribution_approval_decision (request_id, round, coalesce(on_behalf_id, user_id))
                WHERE outcome IN ('approve', 'approve_with_conditions')"""
        )

    def _used_up(self):
        """Who does not decide again: who decided, and on whose behalf."""
        return self.user_id | self.on_behalf_id

    def _places(self):
        """Whose places were taken."""
        return self.env["res.users"].union(*(decision.on_behalf_id or decision.user_id for decision in self))

    def _who(self):
        """ "Bob on behalf of Ann"."""
        self.ensure_one()
        if not self.on_behalf_id:
            return self.user_id.name
        return _("%(user)s on behalf of %(principal)s", user=self.user_id.name, principal=self.on_behalf_id.name)


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    stand_in_ids = fields.One2many("distribution.approval.stand.in", "task_id", readonly=True)
    on_behalf_text = fields.Char(compute="_compute_on_behalf_text")
    absence_text = fields.Char(compute="_compute_absence_text", compute_sudo=True)

    # -------------------------------------------------------------- computes

    @api.depends("stand_in_ids", "state")
    @api.depends_context("uid")
    def _compute_on_behalf_text(self):
        for task in self:
            principal = task.sudo()._shown_principal(self.env.user) if task.state == "open" else False
            task.on_behalf_text = (
                _("You stand in for %s. Your decision names both of you.", principal.name) if principal else False
            )

    @api.depends("user_ids", "stand_in_ids", "state")
    def _compute_absence_text(self):
        for task in self:
            task.absence_text = task._absence_words() if task.state == "open" else False

    def _absence_words(self):
        """Who is on leave, and who stands in – or that nobody does."""
        away = self.env["distribution.approval.absence"]._away(self.user_ids, self.company_id)
        words = []
        for user, until in away.items():
            substitutes = self.stand_in_ids.filtered(lambda row, user=user: row.principal_id == user).user_id
            values = {
                "user": user.name,
                "until": format_date(self.env, until),
                "substitutes": ", ".join(substitutes.mapped("name")),
            }
            words.append(
                _("%(user)s is on leave until %(until)s; %(substitutes)s can decide instead.", **values)
                if substitutes
                else _("%(user)s is on leave until %(until)s and has no substitute for this document.", **values)
            )
        return " ".join(words) or False

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        result = super().write(vals)
        if "user_ids" in vals or vals.get("state") == "open":
            self._refresh_stand_ins()
        return result

    # ----------------------------------------------------------------- inbox

    @api.model
    def _inbox_domain(self):
        uid = self.env.uid
        return [
            ("state", "=", "open"),
            "|",
            ("user_ids", "in", uid),
            ("stand_in_ids.user_id", "=", uid),
            ("request_state", "in", ("pending", "question")),
            ("decision_ids", "not any", ["|", ("user_id", "=", uid), ("on_behalf_id", "=", uid)]),
        ]

    def _deciders(self):
        return super()._deciders() | self.stand_in_ids.user_id

    # -------------------------------------------------------------- deciding

    def _shown_principal(self, user):
        """On whose behalf ``user`` is shown this task."""
        if user in self.user_ids:
            return self.env["res.users"]
        return self.stand_in_ids.filtered(lambda row: row.user_id == user).principal_id[:1]

    def _principal_of(self, user):
        principal = next((other for substitute, other in self._stand_in_pairs() if substitute == user.id), None)
        return self.env["res.users"].sudo().browse(principal if user not in self.user_ids else None)

    def _stand_in_pairs(self):
        return tuple((stand_in.person, stand_in.principal) for stand_in in self._stand_ins_now())

    def _stand_ins_now(self):
        """Who may decide on behalf of a candidate at this moment: worked out, not remembered."""
        self.ensure_one()
        request = self.request_id
        links = self.env["distribution.approval.delegation"]._links(request) if self.state == "open" else ()
        if not links:
            return ()
        excluded = request._excluded_users() | request._current_tasks().decision_ids._approving()._used_up()
        substitutes = self.env["res.users"].sudo().browse(dict.fromkeys(link.substitute for link in links))
        qualified = self.env["distribution.approval.resolver"]._eligible(substitutes, self.company_id)
        empowered = self._empowered(links, qualified)
        return stand_ins(self._principals().ids, empowered, qualified.ids, excluded.ids)

    def _empowered(self, links, substitutes):
        """The links whose substitute has authority for the case, own or granted by the delegation itself."""
        authorised = set(self._authorised(substitutes).ids)
        delegations = self.env["distribution.approval.delegation"].sudo()
        granted = set(delegations.browse([link.key for link in links]).filtered("grants_authority").ids)
        return tuple(link for link in links if link.substitute in authorised or link.key in granted)

    def _lacks_authority(self, user):
        """For whom ``user`` would stand in on this task, had they authority for the case."""
        links = self.env["distribution.approval.delegation"]._links(self.request_id)
        mine = [link.person for link in links if link.substitute == user.id]
        return (
            self._principals().filtered(lambda person: person.id in mine)
            if user not in self._authorised(user)
            else self.env["res.users"]
        )

    def _principals(self):
        """Candidates for whom somebody can stand in."""
        return super()._eligible_users()

    def _eligible_users(self):
        substitutes = [person for person, _principal in self._stand_in_pairs()]
        return super()._eligible_users() | self.env["res.users"].sudo().browse(substitutes)

    def _superiors(self, user):
        """A substitute hands over to the manager of the person they stand in for."""
        return super()._superiors(self._principal_of(user) or user)

    def _check_eligible(self, user):
        if user in self.stand_in_ids.user_id and user not in self._eligible_users():
            raise AccessError(
                _(
                    "You do not stand in for %(principal)s on “%(task)s” (any more): the delegation has ended, does "
                    "not cover this document, or one of you had a hand in it.",
                    principal=self._shown_principal(user).name,
                    task=self.name,
                )
            )
        if user not in self._eligible_users() and (principal := self._lacks_authority(user)[:1]):
            raise AccessError(
                _(
                    "%(user)s stands in for %(principal)s, but has no authority for “%(task)s”: the policy does not "
                    "ask them about documents of this type and amount. An administrator can grant it in a delegation, "
                    "or somebody with authority decides.",
                    user=user.name,
                    principal=principal.name,
                    task=self.name,
                )
            )
        return super()._check_eligible(user)

    # ------------------------------------------------------------ refreshing

    def _refresh_stand_ins(self):
        """Show tasks to those who stand in now, and to nobody else. Writes only what differs."""
        for task in self.sudo():
            wanted = {
                stand_in.person: (stand_in.principal, json.dumps(list(stand_in.via)))
                for stand_in in (task._stand_ins_now() if task.state == "open" else ())
            }
            shown = {row.user_id.id: (row.principal_id.id, row.via) for row in task.stand_in_ids}
            if wanted == shown:
                continue
            task.stand_in_ids.filtered(
                lambda row, wanted=wanted: wanted.get(row.user_id.id) != (row.principal_id.id, row.via)
            ).unlink()
            self.env["distribution.approval.stand.in"].sudo().create(
                [
                    {"task_id": task.id, "user_id": user_id, "principal_id": principal_id, "via": via}
                    for user_id, (principal_id, via) in wanted.items()
                    if shown.get(user_id) != (principal_id, via)
                ]
            )
            task.invalidate_recordset(["stand_in_ids"])
            joining = self.env["res.users"].sudo().browse(sorted(wanted.keys() - shown.keys()))
            task.request_id.write({"participant_ids": [(4, user.id) for user in joining]})
            if task.state == "open":
                task.request_id._event(
                    "substitutes_changed",
                    {
                        "task_id": task.id,
                        "substitutes": [
                            {"user_id": user_id, "on_behalf_of": principal, "delegation_ids": json.loads(via)}
                            for user_id, (principal, via) in sorted(wanted.items())
                        ],
                    },
                )
                if joining:
                    task._inform(joining)
                if task.clock:
                    task._reckon()

    @api.model
    def _stand_ins_changed(self, users):
        """Delegations or leaves of ``users`` changed: see to the tasks that this touches."""
        tasks = self.search(
            [("state", "=", "open"), "|", ("user_ids", "in", users.ids), ("stand_in_ids.user_id", "in", users.ids)]
        )
        # Somebody who stands in for a requester does not decide for that requester any more.
        requests = self.env["distribution.approval.request"].search(
            [("state", "in", ("pending", "question")), ("requester_id", "in", users.ids)]
        )
        requests._refresh_candidates()
        tasks._refresh_stand_ins()
        tasks.filtered("clock")._reckon()

    @api.model
    def _cron_stand_ins(self):
        """A day begins, a leave begins or ends: tasks change hands. Looks only where somebody stands in."""
        yesterday = fields.Date.today() - timedelta(days=1)
        delegations = self.env["distribution.approval.delegation"].search(
            [("ended_at", "=", False), "|", ("date_to", "=", False), ("date_to", ">=", yesterday)]
        )
        people = delegations.user_id
        tasks = self.search(
            [("state", "=", "open"), "|", ("user_ids", "in", people.ids), ("stand_in_ids", "!=", False)], order="id"
        )
        batch = self.env["distribution.approval.batch"]
        batch._work_off(tasks, "_refresh_stand_ins")

    def _clock_users(self):
        decisions = self.decision_ids
        return (self.user_ids | self.stand_in_ids.user_id) - decisions._used_up()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _excluded_users(self):
        """Nor does anybody decide who stands in for such a person."""
        excluded = super()._excluded_users()
        links = self.env["distribution.approval.delegation"]._links(self)
        behind = stands_in_for(excluded.ids, links) if links else ()
        return excluded | self.env["res.users"].sudo().browse(sorted(behind))


class ResUsers(models.Model):
    _inherit = "res.users"

    def _approval_leave_tasks(self):
        """Who left, or lost the role, stands in for nobody."""
        super()._approval_leave_tasks()
        self.env["distribution.approval.task"].sudo()._stand_ins_changed(self)


class ResourceCalendarLeaves(models.Model):
    _inherit = "resource.calendar.leaves"

    @api.model_create_multi
    def create(self, vals_list):
        leaves = super().create(vals_list)
        leaves._approvals_follow(leaves._approvers())
        return leaves

    def write(self, vals):
        before = self._approvers()
        result = super().write(vals)
        if {"resource_id", "date_from", "date_to", "time_type"} & vals.keys():
            self._approvals_follow(before | self._approvers())
        return result

    def unlink(self):
        before = self._approvers()
        result = super().unlink()
        self.env["resource.calendar.leaves"]._approvals_follow(before)
        return result

    def _approvers(self):
        """Users whose own leave it is. Superuser: whoever validates time off need not read users."""
        resources = self.sudo().resource_id
        return (
            self.env["hr.employee"].sudo().search([("resource_id", "in", resources.ids)]).user_id
            if resources
            else (self.env["res.users"].sudo())
        )

    @api.model
    def _approvals_follow(self, users):
        """The substitutes of whoever is on leave get the tasks at once."""
        if users:
            self.env["distribution.approval.task"].sudo()._stand_ins_changed(users)
