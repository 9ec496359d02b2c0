"""A task: one approver entry of one stage, waiting for the people who may decide it."""

import json

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import Approver, Requirement, RoutingError, Task, routing
from .approval_decision import APPROVING

#: Outcomes that a person can choose; ``approve_with_conditions`` comes with tracked conditions.
OUTCOMES = (*APPROVING, "reject", "request_revision", "escalate")
#: Outcomes that have to be explained.
EXPLAINED = ("reject", "request_revision", "escalate")
#: Longest comment, question or answer, in characters.
MAX_TEXT = 10_000


class ApprovalTask(models.Model):
    _name = "distribution.approval.task"
    _description = "Approval Task"
    _inherit = ["distribution.approval.evidence"]
    _order = "urgent desc, opened_at, id"

    request_id = fields.Many2one(
        "distribution.approval.request", required=True, readonly=True, ondelete="restrict", index=True
    )
    name = fields.Char(string="Asked as", required=True, readonly=True)
    round = fields.Integer(required=True, readonly=True, default=1)
    sequence = fields.Integer(string="Stage", required=True, readonly=True)
    approver_kind = fields.Char(readonly=True)
    approver_key = fields.Char(readonly=True)
    place = fields.Char(
        readonly=True, help="What of the document the approver's role belongs to: ids of categories, a site …"
    )
    quorum = fields.Integer(required=True, readonly=True, default=1)
    state = fields.Selection(
        [
            ("waiting", "Not yet"),
            ("open", "To decide"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    user_ids = fields.Many2many(
        "res.users", "distribution_approval_task_user_rel", "task_id", "user_id", readonly=True, string="May Decide"
    )
    is_fallback = fields.Boolean(readonly=True)
    is_escalated = fields.Boolean(readonly=True, help="Somebody handed it over; it is not staffed by the rule again.")
    digest = fields.Char(readonly=True, help="SHA-256 of the content that is asked; a decision names it.")
    opened_at = fields.Datetime(readonly=True, index=True)
    closed_at = fields.Datetime(readonly=True)
    decision_ids = fields.One2many("distribution.approval.decision", "task_id", readonly=True)
    question_ids = fields.One2many("distribution.approval.question", "task_id", readonly=True)

    # What the approver reads beside the task. Stored: an inbox of 500 is read in a handful of queries.
    document_type = fields.Selection(related="request_id.document_type", store=True)
    document_name = fields.Char(related="request_id.document_name", store=True)
    company_id = fields.Many2one(related="request_id.company_id", store=True)
    currency_id = fields.Many2one(related="request_id.currency_id", store=True)
    partner_id = fields.Many2one(related="request_id.partner_id", store=True, string="Vendor / Customer")
    site_id = fields.Many2one(related="request_id.site_id", store=True)
    requester_id = fields.Many2one(related="request_id.requester_id", store=True)
    amount = fields.Monetary(related="request_id.amount", store=True)
    request_state = fields.Selection(related="request_id.state", store=True, string="Request State")
    kind = fields.Selection(related="request_id.kind", store=True)
    why = fields.Char(compute="_compute_why", store=True, compute_sudo=True)
    rule_text = fields.Html(related="request_id.rule_text")
    fact_text = fields.Html(related="request_id.fact_text")
    content_text = fields.Html(related="request_id.content_text")
    timeline = fields.Html(related="request_id.timeline")
    standing = fields.Html(compute="_compute_standing", string="Vendor Standing")
    urgent = fields.Boolean(readonly=True)
    waiting_hours = fields.Integer(compute="_compute_waiting_hours", string="Waiting (h)")
    can_decide = fields.Boolean(compute="_compute_can_decide")

    _sql_constraints = [
        ("quorum_positive", "CHECK (quorum > 0)", "At least one person has to approve."),
    ]

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            ("request_id", "round", "sequence", "quorum", "digest", "approver_kind", "approver_key"),
        )
        protect_columns(
            self.env.cr,
            self._table,
            ("state", "closed_at"),
            when="OLD.state IN ('approved', 'rejected', 'cancelled')",
            name="closed",
        )

    # -------------------------------------------------------------- computes

    @api.depends("name", "request_id.document_name")
    def _compute_display_name(self):
        for task in self:
            task.display_name = f"{task.document_name} – {task.name}"

    @api.depends("request_id.snapshot_id")
    def _compute_why(self):
        for task in self:
            task.why = task.request_id.snapshot_id._rule_summary()

    @api.depends("request_id.partner_id")
    @api.depends_context("uid")
    def _compute_standing(self):
        for task in self:
            # sudo: whoever reads the task reads what the document tells its approver; it may tell people apart
            request = task.sudo().request_id
            task.standing = request.env[request.res_model]._approval_standing(request) if request else False

    @api.depends("opened_at")
    def _compute_waiting_hours(self):
        now = fields.Datetime.now()
        for task in self:
            task.waiting_hours = int((now - task.opened_at).total_seconds() // 3600) if task.opened_at else 0

    @api.depends("state", "user_ids", "request_state")
    @api.depends_context("uid")
    def _compute_can_decide(self):
        for task in self:
            task.can_decide = task.sudo().request_id._my_task() == task if task.state == "open" else False

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("A task changes through decisions only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Approval tasks are evidence and are kept."))

    def copy(self, default=None):
        raise UserError(_("An approval task cannot be copied."))

    def _filter_access_rules_python(self, operation):
        # Rules follow a task to its request and the people there: a query, or their records in memory.
        return self._filter_access_rules(operation)

    # ----------------------------------------------------------------- inbox

    @api.model
    def _inbox_domain(self):
        """What waits for the decision of the real user."""
        return [
            ("state", "=", "open"),
            ("user_ids", "in", self.env.uid),
            ("request_state", "in", ("pending", "question")),
            ("decision_ids", "not any", [("user_id", "=", self.env.uid)]),
        ]

    @api.model
    def get_inbox_count(self):
        """Number of tasks that wait for the user; one query."""
        return self.search_count(self._inbox_domain())

    @api.model
    def action_inbox(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_inbox")
        action["domain"] = self._inbox_domain()
        return action

    # ---------------------------------------------------------------- deciding

    def action_decide(self, outcome, seen_digest, comment=None, reason_code=None, conditions=None):
        """Decide this task.

        :param outcome: one of ``approve``, ``approve_with_conditions``, ``reject``,
            ``request_revision``, ``escalate``
        :param seen_digest: the task's ``digest`` as the approver saw it
        :param comment: mandatory for everything but an approval
        :param reason_code: id or code of a reason
        :param conditions: for ``approve_with_conditions``: a list of ``{"text", "owner_id", "due_date"}``
        :raises UserError: the document is no longer what the approver saw; somebody else was
            quicker; it is not this person's turn
        :raises AccessError: this person may not decide
        :return: True
        """
        return self._decide(outcome, seen_digest, comment, reason_code, conditions)

    def _decide(self, outcome, seen_digest, comment=None, reason_code=None, conditions=None, channel="form"):
        """Decide as :meth:`action_decide` says, through ``channel``."""
        self.ensure_one()
        user = self._check_decider()
        comment = self._text("comment", comment)
        self._check_outcome(outcome, comment, conditions)
        task = self.sudo()
        request = task.request_id
        request._lock()
        task._check_seen(seen_digest)
        task._check_eligible(user)
        excluded = request._excluded_users().ids
        before = request._to_engine()
        try:
            if outcome == "escalate":
                superiors = task._superiors(user)
                after = routing.escalate(before, str(task.id), superiors.ids, by=user.id, excluded=excluded)
            else:
                after = routing.decide(before, str(task.id), user.id, outcome, excluded=excluded)
        except RoutingError as error:
            raise task._explain_refusal(error) from error
        decision = (
            self.env["distribution.approval.decision"]
            .sudo()
            ._append(task, user, outcome, seen_digest, comment, task._reason(reason_code, outcome), channel)
        )
        task._note_decision(decision, conditions)
        if outcome == "escalate":
            task.write(
                {
                    "is_escalated": True,
                    "user_ids": [
                        (3, (task._principal_of(user) or user).id),
                        *[(4, superior.id) for superior in superiors],
                    ],
                }
            )
            request.write({"participant_ids": [(4, superior.id) for superior in superiors]})
            task._inform()
        request._apply(after)
        decision._record_event()
        request._decided(decision)
        return True

    def _note_decision(self, decision, conditions):
        """What else is kept of a decision, before the request moves on."""

    def _check_decider(self):
        """The real user behind the call; no superuser, no substitute by context."""
        user = self.env.user
        if self.env.uid == SUPERUSER_ID or user._is_superuser() or user.share:
            raise AccessError(_("A decision is taken by a person, logged in as themselves."))
        return user

    def _check_outcome(self, outcome, comment, conditions):
        if outcome not in OUTCOMES:
            raise ValidationError(
                _(
                    "outcome: “%(outcome)s” is unknown. Use one of %(known)s.",
                    outcome=outcome,
                    known=", ".join(OUTCOMES),
                )
            )
        rules_comment = any(
            rule.comment_required
            for rule in self.sudo().env["distribution.approval.rule"].browse(self.sudo()._rule_ids()).exists()
        )
        if (outcome in EXPLAINED or rules_comment) and not comment:
            raise ValidationError(_("comment: write in a few words why."))

    @api.model
    def _text(self, name, value):
        """What a person wrote, without blanks around it; anything but a text is refused."""
        if value is None or value is False:
            return ""
        if not isinstance(value, str):
            raise ValidationError(_("%s: a text is expected.", name))
        if len(value) > MAX_TEXT:
            raise ValidationError(_("%(name)s: write at most %(limit)s characters.", name=name, limit=MAX_TEXT))
        return value.strip()

    def _rule_ids(self):
        return [int(rule["key"]) for rule in json.loads(self.request_id.snapshot_id.rules or "[]")]

    def _check_seen(self, seen_digest):
        """What the approver saw must be what is asked, and what is asked must be what is there."""
        request = self.request_id
        current = request._current_snapshot()
        if seen_digest != request.digest or self.digest != request.digest or current.digest != request.digest:
            raise UserError(
                _(
                    "%s has changed since you opened it. Reload it and look again before you decide.",
                    request.document_name,
                )
            )

    def _reason(self, reason_code, outcome):
        return self.env["distribution.approval.reason"].sudo()._find(reason_code, self.document_type, outcome)

    def _eligible_users(self):
        """Candidates who still are what they were chosen for: active, Approver, in this company."""
        return self.env["distribution.approval.resolver"]._eligible(self.user_ids, self.request_id.company_id)

    def _check_eligible(self, user):
        if user not in self._eligible_users():
            raise AccessError(_("“%s” is not yours to decide (any more).", self.name))

    def _deciders(self):
        """Who is shown this task as theirs to decide; the decision itself looks again."""
        return self.user_ids

    def _principal_of(self, user):
        """On whose behalf ``user`` decides; empty: in their own name."""
        return self.env["res.users"]

    def _stand_in_pairs(self):
        """``(substitute id, candidate id)`` of who may decide on behalf of a candidate now."""
        return ()

    def _superiors(self, user):
        """To whom ``user`` can hand this task: the manager, or the fallback of the policy."""
        resolver = self.env["distribution.approval.resolver"].sudo()
        company = self.request_id.company_id
        manager = resolver._eligible(resolver._manager_of(user, company), company)
        return (
            (manager or resolver._eligible(resolver._fallback(self.request_id.version_id), company))
            - user
            - self.request_id._excluded_users()
        )

    def _explain_refusal(self, error):
        """The state machine's error, for the person who meets it."""
        kind = type(error).__name__
        request = self.request_id
        return {
            "SeparationOfDuties": AccessError(
                _(
                    "You requested, created, edited or own %s: somebody else has to decide on it.",
                    request.document_name,
                )
            ),
            "NotACandidate": AccessError(_("“%s” is not yours to decide.", self.name)),
            "NotYourTurn": UserError(_("“%s” waits for an earlier stage.", self.name))
            if request.state != "revision"
            else UserError(_("The request is with %s for revision.", request.requester_id.name)),
            "AlreadyDecided": UserError(
                _("You have decided on %s before, or somebody else decided this task.", request.document_name)
            ),
            "RequestClosed": UserError(_("This request is closed: %s.", request._banner().striptags())),
            "RouteError": UserError(_("There is nobody to whom this task could be handed.")),
        }.get(kind, UserError(str(error)))

    # ------------------------------------------------------------- questions

    def action_ask(self, question, colleague_id=None):
        """Ask the requester without deciding; the request shows that it waits for an answer.

        :param colleague_id: ask this user instead, who then reads the request
        """
        self.ensure_one()
        user = self._check_decider()
        question = self._text("question", question)
        if not question:
            raise ValidationError(_("question: write what you want to know."))
        task = self.sudo()
        request = task.request_id
        request._lock()
        task._check_eligible(user)
        colleague = task._colleague(colleague_id, user)
        try:
            after = routing.ask(request._to_engine(), str(task.id), user.id, request._excluded_users().ids)
        except RoutingError as error:
            raise task._explain_refusal(error) from error
        self.env["distribution.approval.question"].sudo().create(
            {
                "task_id": task.id,
                "user_id": user.id,
                "asked_id": colleague.id,
                "question": question,
                "asked_at": fields.Datetime.now(),
            }
        )._set_due()
        if colleague:
            request.write({"participant_ids": [(4, colleague.id)]})
        request._apply(after)
        request._event("question_asked", {"task_id": task.id, **({"asked_id": colleague.id} if colleague else {})})
        request._notify(
            colleague or request.requester_id, _("%(user)s asks: %(question)s", user=user.name, question=question)
        )
        return True

    # ---------------------------------------------------------------- buttons

    def action_approve(self):
        """Approve what this screen shows (the digest comes from the screen)."""
        self.ensure_one()
        self.action_decide("approve", self.env.context.get("seen_digest"))
        return self._after_decision()

    def action_open_decide(self):
        """Reject, ask for a revision or hand over, with a reason."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Decide on %s", self.document_name),
            "res_model": "distribution.approval.decide",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_task_id": self.id,
                "default_outcome": self.env.context.get("outcome", "reject"),
                "default_seen_digest": self.env.context.get("seen_digest") or self.digest,
            },
        }

    def action_open_ask(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Ask a Question"),
            "res_model": "distribution.approval.ask",
            "view_mode": "form",
            "target": "new",
            "context": {"default_task_id": self.id},
        }

    def action_open_document(self):
        return self.request_id.action_open_document()

    def action_open_request(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "distribution.approval.request",
            "res_id": self.request_id.id,
            "view_mode": "form",
        }

    def _after_decision(self):
        """Back to the inbox: the next decision waits there."""
        action = self.action_inbox()
        action["target"] = "main"
        return action

    # ----------------------------------------------------------------- engine

    def _to_engine(self):
        return tuple(
            Task(
                str(task.id),
                task.sequence,
                task.quorum,
                frozenset(task.user_ids.ids),
                tuple(
                    routing.Approval(decision.user_id.id, decision.outcome, decision.on_behalf_id.id or None)
                    for decision in task.decision_ids
                    if decision.outcome in APPROVING
                ),
                task.state,
                task._stand_in_pairs(),
            )
            for task in self
        )

    def _set_state(self, state):
        now = fields.Datetime.now()
        values = {"state": state}
        if state == "open":
            values["opened_at"] = now
        elif state in ("approved", "rejected", "cancelled"):
            values["closed_at"] = now
        self.sudo().write(values)

    def _label_with_quorum(self):
        self.ensure_one()
        if self.quorum == 1:
            return self.name
        done = len(self.decision_ids._approving())
        return _("%(name)s (%(done)s of %(quorum)s)", name=self.name, done=done, quorum=self.quorum)

    # -------------------------------------------------------------- candidates

    def _named_users(self, excluded):
        """Whom the rule names for this task today (the fallback, where nobody is left)."""
        self.ensure_one()
        request = self.request_id
        requirement = Requirement(
            self.sequence, Approver(self.approver_kind, self.approver_key or ""), self.quorum, self.name
        )
        seats = request._resolver()._seats_of(request._document(), requirement, request.version_id, excluded)
        return self.env["res.users"].union(*(seat.users for seat in seats if seat.place == (self.place or "")))

    def _replace_candidates(self, users):
        self.ensure_one()
        former, added = self.user_ids, users - self.user_ids
        self.write({"user_ids": [(6, 0, users.ids)], "is_fallback": not (users & self._rule_users())})
        self.request_id.write({"participant_ids": [(4, user_id) for user_id in added.ids]})
        self.request_id._event(
            "approvers_changed", {"task_id": self.id, "former_user_ids": former.ids, "user_ids": users.ids}
        )
        if self.state == "open" and added:
            self._inform(added)

    def _rule_users(self):
        """Whom the rule itself names, without the fallback."""
        resolver = self.request_id._resolver()
        approver = Approver(self.approver_kind, self.approver_key or "")
        named = resolver._named(self.request_id._document(), approver)
        return self.env["res.users"].union(*(users for place, _label, users in named if place == (self.place or "")))

    # ------------------------------------------------------------ notification

    def _deadline(self):
        """The day by which the decision is wanted."""
        return fields.Date.context_today(self)

    def _linked(self, users):
        """Those of ``users`` who are told in another way than by the usual notice."""
        return users.browse()

    def _inform(self, users=None):
        """One notice per person and task, in the way that the person chose; no mail floods."""
        for task in self:
            for language, people in (users or task.user_ids).grouped("lang").items():
                task.with_context(lang=language)._tell(people)

    def _tell(self, people):
        """The notice of this task to people who read the language of this environment."""
        activity_type = self.env.ref("distribution_approval.activity_type_decide", raise_if_not_found=False)
        request = self.request_id
        for user in people:
            if activity_type and user.distribution_notice != "none":
                # The quick update keeps Odoo from mailing the assignment: the notice below does.
                request.with_context(mail_activity_quick_update=True).activity_schedule(
                    activity_type_id=activity_type.id,
                    user_id=user.id,
                    summary=_("Decide: %(document)s (%(task)s)", document=self.document_name, task=self.name),
                    date_deadline=self._deadline(),
                )
        request._notify(
            people.filtered(lambda user: user.distribution_notice == "each") - self._linked(people),
            _("%(document)s waits for your decision: %(why)s", document=self.document_name, why=self.why),
        )
        for user in people:
            self.env["bus.bus"]._sendone(user.partner_id, "distribution.approval/inbox", {})
