"""Tasks that change hands: forwarded by an approver, reassigned by operations, taken over from a group.

Each leaves a row of evidence, an event and a line in the timeline. Whoever gets a task this way has to
be what every approver has to be: with the role, of the company, without a hand in the document, and not
one who decided before; and needs authority for the case (see :mod:`.approval_authority`), which an
administrator who reassigns can grant.
"""

import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import group_members

from ..engine import RoutingError, routing

#: Who grants authority that the policy does not give.
ADMINISTRATOR = "distribution_core.group_administrator"
#: Who gives tasks to others.
OVERSEERS = ("distribution_core.group_operations", ADMINISTRATOR)


class ApprovalHandover(models.Model):
    """Who gave a task to whom, and why. Appended, never changed."""

    _name = "distribution.approval.handover"
    _description = "Handover of a Task"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "kind"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    request_id = fields.Many2one("distribution.approval.request", required=True, ondelete="restrict", index=True)
    kind = fields.Selection(
        [
            ("forward", "Forwarded"),
            ("reassign", "Reassigned"),
            ("take_over", "Taken over"),
            ("give_back", "Given back"),
        ],
        required=True,
    )
    user_id = fields.Many2one("res.users", string="By", required=True, ondelete="restrict", index=True)
    before_refs = fields.Char(string="From", help="Ids of who could decide before.")
    after_refs = fields.Char(string="To", help="Ids of who can decide now.")
    comment = fields.Text()
    grants_authority = fields.Boolean(
        readonly=True, help="An administrator let these people decide whom no policy asks about such documents."
    )
    done_at = fields.Datetime(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)

    def _joined(self):
        """Who can decide since, and could not before."""
        after = set(json.loads(self.after_refs or "[]")) - set(json.loads(self.before_refs or "[]"))
        return self.env["res.users"].sudo().browse(sorted(after)).exists()

    def _who(self):
        self.ensure_one()
        if self.kind in ("take_over", "give_back"):
            return self.user_id.name
        return _("%(by)s to %(people)s", by=self.user_id.name, people=", ".join(self._joined().mapped("name")) or "–")

    def _words(self):
        self.ensure_one()
        return _("%s (authority granted)", self.comment) if self.grants_authority else self.comment or ""


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    claimed_by_id = fields.Many2one(
        "res.users",
        string="Taken by",
        readonly=True,
        index="btree_not_null",
        help="One of several who took this decision upon themselves; the others need not look at it.",
    )
    can_forward = fields.Boolean(compute="_compute_can_hand_on")
    can_take_over = fields.Boolean(compute="_compute_can_hand_on")
    can_give_back = fields.Boolean(compute="_compute_can_hand_on")
    can_reassign = fields.Boolean(compute="_compute_can_hand_on")

    # -------------------------------------------------------------- computes

    @api.depends("state", "user_ids", "claimed_by_id", "request_state")
    @api.depends_context("uid")
    def _compute_can_hand_on(self):
        user = self.env.user
        overseer = any(user.has_group(group) for group in OVERSEERS)
        for task in self:
            engine = task.sudo()
            mine = task.can_decide and user in engine.user_ids
            waits = engine.request_state in ("pending", "question")
            task.can_forward = mine
            task.can_take_over = mine and not engine.claimed_by_id and engine.quorum == 1 and len(engine.user_ids) > 1
            task.can_give_back = (
                waits and task.state == "open" and engine.claimed_by_id and (engine.claimed_by_id == user or overseer)
            )
            task.can_reassign = waits and overseer and task.state in ("open", "waiting")

    # ----------------------------------------------------------------- claims

    @api.model
    def _inbox_domain(self):
        uid = self.env.uid
        return [
            *super()._inbox_domain(),
            "|",
            ("claimed_by_id", "in", (False, uid)),
            ("stand_in_ids.user_id", "=", uid),
        ]

    def _deciders(self):
        return (self.claimed_by_id | self.stand_in_ids.user_id) if self._is_claimed() else super()._deciders()

    def _principals(self):
        principals = super()._principals()
        return principals & self.claimed_by_id if self._is_claimed() else principals

    def _eligible_users(self):
        users = super()._eligible_users()
        return users - (self.user_ids - self.claimed_by_id) if self._is_claimed() else users

    def _is_claimed(self):
        """Whether one of the candidates took it. Who left the task has no claim on it any more."""
        return bool(self.claimed_by_id & self.user_ids)

    def _check_eligible(self, user):
        if self._is_claimed() and user in self.user_ids - self.claimed_by_id:
            raise AccessError(
                _(
                    "%(person)s has taken over “%(task)s”. Ask them to give it back, or let operations reassign it.",
                    person=self.claimed_by_id.name,
                    task=self.name,
                )
            )
        return super()._check_eligible(user)

    def action_take_over(self):
        """Take this decision upon oneself; the other members of the group see who did."""
        self.ensure_one()
        user = self._check_decider()
        task = self._locked()
        task._check_eligible(user)
        if user not in task.user_ids:
            raise AccessError(_("Who stands in for somebody decides, or leaves it to others."))
        if task.quorum > 1:
            raise UserError(_("“%(task)s” needs %(quorum)s people: nobody can take it alone.", task=task.name,
                              quorum=task.quorum))  # fmt: skip
        if user not in task._free():
            raise task._explain_refusal(routing.AlreadyDecided("This person has decided already."))
        if task.claimed_by_id == user:
            return True
        task.write({"claimed_by_id": user.id})
        task._hand_over("take_over", task.user_ids, user)
        task._refresh_stand_ins()
        return True

    def action_give_back(self):
        """Give a decision that one took back to the group (operations can do it for somebody)."""
        self.ensure_one()
        user = self._check_decider()
        task = self._locked()
        if not task.claimed_by_id:
            raise UserError(_("Nobody has taken “%s”.", task.name))
        if task.claimed_by_id != user and not self._is_overseer():
            raise AccessError(_("%s or operations can give this back.", task.claimed_by_id.name))
        task._release_claim(user)
        return True

    def _release_claim(self, user):
        before = self.claimed_by_id
        self.write({"claimed_by_id": False})
        self._hand_over("give_back", before, self.user_ids, by=user)
        self._refresh_stand_ins()

    def _join(self, users):
        """An escalation asks others as well: nobody keeps the task for themselves then."""
        super()._join(users)
        if self.claimed_by_id:
            self._release_claim(self.env.user)

    # ------------------------------------------------------------- forwarding

    def action_forward(self, user_id, comment):
        """Hand one's own place on this task to another approver.

        :param user_id: id of who decides instead
        :param comment: why, mandatory
        """
        self.ensure_one()
        user = self._check_decider()
        comment = self._required_text("comment", comment)
        task = self._locked()
        task._check_eligible(user)
        if user not in task.user_ids:
            raise AccessError(
                _("Who stands in for somebody decides, or leaves it to others: it is not theirs to forward.")
            )
        target = task._check_targets([user_id])
        if target in task.user_ids:
            raise UserError(_("%s is asked already.", target.name))
        before = task.user_ids
        request = task.request_id
        try:
            after = routing.escalate(
                request._to_engine(), str(task.id), target.ids, by=user.id, excluded=request._excluded_users().ids
            )
        except RoutingError as error:
            raise task._explain_refusal(error) from error
        task.write({"is_escalated": True, "claimed_by_id": False, "user_ids": [(3, user.id), (4, target.id)]})
        request.write({"participant_ids": [(4, target.id)]})
        request._close_activities_of(task)
        task._hand_over("forward", before, task.user_ids, comment)
        task._inform(target)
        request._apply(after)
        task.filtered("clock")._reckon()
        return True

    # ------------------------------------------------------------ reassigning

    def action_reassign(self, user_ids, comment, grants_authority=False):
        """Give an undecided task to other people. For operations and administrators, with a reason.

        :param user_ids: ids of who decides from now on
        :param comment: why, mandatory
        :param grants_authority: let them decide although no policy asks them about such documents;
            for administrators, and kept on record
        """
        self.ensure_one()
        user = self.env.user
        if user._is_superuser() or not self._is_overseer():
            raise AccessError(_("Operations or an administrator can reassign a task."))
        comment = self._required_text("comment", comment)
        if grants_authority and not user.has_group(ADMINISTRATOR):
            raise AccessError(_("Grants Authority: an administrator grants authority that the policy does not give."))
        task = self._locked()
        request = task.request_id
        if user in request._excluded_users():
            raise AccessError(
                _("You had a hand in %s: somebody else has to say who decides on it.", request.document_name)
            )
        targets = task._check_targets(user_ids, granted=bool(grants_authority))
        if user in targets:
            raise AccessError(_("Nobody assigns a decision to themselves: somebody else has to do it."))
        before = task.user_ids
        try:
            after = routing.reassign(request._to_engine(), str(task.id), targets.ids, request._excluded_users().ids)
        except routing.RouteError:
            raise UserError(
                _("“%(task)s” needs %(quorum)s people. Choose more of them.", task=task.name, quorum=task.quorum)
            ) from None
        except RoutingError as error:
            raise task._explain_refusal(error) from error
        task.write({"claimed_by_id": False})
        task._give_to(after)
        task._hand_over("reassign", before, task.user_ids, comment, grants_authority=bool(grants_authority))
        task.filtered("clock")._reckon()
        return True

    # ---------------------------------------------------------------- helpers

    def _locked(self):
        """This task with the rights of the engine, and its request to itself.

        Superuser: nobody may write tasks; the methods that call this check the real user.
        """
        task = self.sudo()
        task.request_id._lock()
        if task.request_id.state not in ("pending", "question") or task.state not in ("open", "waiting"):
            raise UserError(_("“%(task)s” of %(document)s does not wait for a decision any more.", task=task.name,
                              document=task.document_name))  # fmt: skip
        return task

    def _is_overseer(self):
        return any(self.env.user.has_group(group) for group in OVERSEERS)

    def _required_text(self, name, value):
        text = self._text(name, value)
        if not text:
            raise ValidationError(_("%s: write in a few words why.", name))
        return text

    def _free(self):
        """Every approver of the company without a hand in the document who has not decided on it."""
        request = self.request_id
        approvers = group_members(self.env.ref("distribution_core.group_approver").sudo())
        decided = request._current_tasks().decision_ids._approving()._used_up()
        return request._resolver()._eligible(approvers, self.company_id) - request._excluded_users() - decided

    def _able(self, granted=False):
        """Everybody to whom this task can be handed.

        :param granted: an administrator grants them the authority
        """
        free = self._free()
        return free if granted else self._authorised(free)

    def _check_targets(self, user_ids, granted=False):
        """The people named, each of whom can be handed this task."""
        if not isinstance(user_ids, (list, tuple)) or not user_ids or not all(type(each) is int for each in user_ids):
            raise ValidationError(_("user_ids: say to whom the task goes."))
        targets = self.env["res.users"].sudo().browse(user_ids).exists()
        unable = targets - self._free()
        if unable or not targets:
            raise UserError(
                _(
                    "%(people)s cannot decide on %(document)s: without the role Approver in this company, with a hand "
                    "in the document, or having decided on it before. Choose somebody else.",
                    people=", ".join(unable.mapped("name")) or _("Nobody"),
                    document=self.document_name,
                )
            )
        powerless = self.env["res.users"] if granted else targets - self._authorised(targets)
        if powerless:
            raise UserError(
                _(
                    "%(people)s: no authority for %(document)s. The policy does not ask them about documents of this "
                    "type and amount. Choose somebody whom it asks or a superior, or let an administrator reassign "
                    "it with “Grants Authority”.",
                    people=", ".join(powerless.mapped("name")),
                    document=self.document_name,
                )
            )
        return targets

    def _hand_over(self, kind, before, after, comment=False, by=None, grants_authority=False):
        """Keep a record: evidence, an event, a line of the request's history."""
        user = by or self.env.user
        self.env["distribution.approval.handover"].sudo().create(
            {
                "task_id": self.id,
                "request_id": self.request_id.id,
                "kind": kind,
                "user_id": user.id,
                "before_refs": json.dumps(before.ids),
                "after_refs": json.dumps(after.ids),
                "comment": comment,
                "grants_authority": grants_authority,
                "done_at": fields.Datetime.now(),
            }
        )
        facts = {
            "forward": "task_forwarded",
            "reassign": "task_reassigned",
            "take_over": "task_taken_over",
            "give_back": "task_given_back",
        }
        self.request_id._event(facts[kind], {"task_id": self.id, "from_user_ids": before.ids, "to_user_ids": after.ids})
        for person in before | after:
            self.env["bus.bus"]._sendone(person.partner_id, "distribution.approval/inbox", {})

    # ---------------------------------------------------------------- buttons

    def action_open_forward(self):
        return self._open_hand_on("forward", _("Forward %s", self.document_name))

    def action_open_reassign(self):
        return self._open_hand_on("reassign", _("Reassign %s", self.document_name))

    def _open_hand_on(self, kind, title):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "distribution.approval.hand.on",
            "view_mode": "form",
            "target": "new",
            "context": {"default_task_id": self.id, "default_kind": kind},
        }


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _timeline_evidence(self):
        icons = {
            "forward": "fa-share",
            "reassign": "fa-exchange",
            "take_over": "fa-hand-paper-o",
            "give_back": "fa-reply-all",
        }
        rows = self.env["distribution.approval.handover"].search([("request_id", "=", self.id)])
        labels = dict(rows._fields["kind"]._description_selection(self.env))
        return super()._timeline_evidence() + [
            {
                "time": row.done_at,
                "icon": icons[row.kind],
                "title": self._of_task(row.task_id, labels[row.kind]),
                "who": row._who(),
                "text": row._words(),
                "kind": row.kind,
            }
            for row in rows
        ]
