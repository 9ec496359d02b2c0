"""A request: one document that policy does not pass, on its way through the people who decide."""

import json
import logging
from dataclasses import replace

from markupsafe import escape
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.turns import each_in_turn

from ..engine import RequestState, Snapshot, missing_candidates, routing

_logger = logging.getLogger(__name__)

#: A request in one of these states still has something to happen.
LIVE = ("pending", "question", "revision", "on_hold")


class ApprovalRequest(models.Model):
    _name = "distribution.approval.request"
    _description = "Approval Request"
    _inherit = ["distribution.approval.evidence", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    name = fields.Char(readonly=True, required=True, copy=False)
    res_model = fields.Char(string="Document Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(string="Document", model_field="res_model", required=True, readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", required=True, readonly=True)
    document_name = fields.Char(readonly=True)
    kind = fields.Selection(
        [("release", "Release"), ("amendment", "Amendment")], default="release", required=True, readonly=True
    )
    amendment_id = fields.Many2one("distribution.approval.amendment", readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    site_id = fields.Many2one(
        "stock.warehouse", readonly=True, ondelete="restrict", help="Where the document belonged when asked."
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Vendor / Customer", readonly=True, ondelete="restrict")
    requester_id = fields.Many2one("res.users", required=True, readonly=True, ondelete="restrict", index=True)
    action_name = fields.Char(readonly=True, help="The action that was blocked and is resumed after approval.")
    version_id = fields.Many2one(
        "distribution.approval.policy.version", string="Policy Version", readonly=True, ondelete="restrict"
    )
    amount = fields.Monetary(readonly=True, help="Value in company currency when it was requested.")
    amount_known = fields.Boolean(
        readonly=True,
        help="Whether the amount says what this is about. Where it does not – no exchange rate to rely on, goods "
        "without a cost, a change that has no value – no ceiling in an amount covers it.",
    )
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("question", "Question asked"),
            ("revision", "Revision requested"),
            ("on_hold", "On hold"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("refused", "Refused by policy"),
            ("withdrawn", "Withdrawn"),
            ("void", "Void"),
        ],
        required=True,
        readonly=True,
        default="pending",
        index=True,
        tracking=True,
    )
    resume_state = fields.Selection(
        [("pending", "To be released"), ("done", "Released"), ("failed", "Release failed")],
        readonly=True,
        index="btree_not_null",
        string="Release",
        tracking=True,
    )
    reason = fields.Char(readonly=True, help="Why it is on hold, refused or void.")
    round = fields.Integer(readonly=True, default=1, help="How often the content was asked.")
    digest = fields.Char(readonly=True, help="SHA-256 of the controlled values that are asked.")
    requested_at = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    waiting_since = fields.Datetime(readonly=True, help="Since when the present stage waits.")
    closed_at = fields.Datetime(readonly=True)
    snapshot_ids = fields.One2many("distribution.approval.snapshot", "request_id", readonly=True)
    snapshot_id = fields.Many2one(
        "distribution.approval.snapshot", string="Present Content", readonly=True, ondelete="restrict"
    )
    task_ids = fields.One2many("distribution.approval.task", "request_id", readonly=True)
    decision_ids = fields.One2many("distribution.approval.decision", "request_id", readonly=True)
    lock_version = fields.Integer(
        readonly=True, help="Counts the decisions: whoever decides at the same time has to look again."
    )
    participant_ids = fields.Many2many(
        "res.users",
        "distribution_approval_request_participant_rel",
        readonly=True,
        help="Everybody who is or was asked; they can read the request and its document.",
    )
    waiting_for = fields.Char(compute="_compute_waiting_for")
    rule_text = fields.Html(compute="_compute_texts", compute_sudo=True, string="Rules that Decided")
    fact_text = fields.Html(compute="_compute_texts", compute_sudo=True, string="Facts")
    content_text = fields.Html(compute="_compute_texts", string="Content", compute_sudo=True)
    timeline = fields.Html(compute="_compute_timeline", compute_sudo=True)
    may_withdraw = fields.Boolean(compute="_compute_may")
    may_resubmit = fields.Boolean(compute="_compute_may")
    may_answer = fields.Boolean(compute="_compute_may")
    my_task_id = fields.Many2one("distribution.approval.task", compute="_compute_may")

    def init(self):
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_request_document_idx
                   ON distribution_approval_request (res_model, res_id)"""
        )
        # What was asked, by whom and under which policy is evidence; the progress is not.
        protect_columns(
            self.env.cr,
            self._table,
            ("res_model", "res_id", "document_type", "kind", "company_id", "requester_id", "requested_at"),
        )
        protect_columns(
            self.env.cr,
            self._table,
            ("state", "digest", "snapshot_id", "version_id", "closed_at"),
            when="OLD.state IN ('rejected', 'refused', 'withdrawn', 'void')",
            name="closed",
        )

    def _is_up_to(self, ceiling):
        """Whether the amount is known, and not above ``ceiling`` (company currency)."""
        self.ensure_one()
        return self.amount_known and self.currency_id.compare_amounts(self.amount, ceiling) <= 0

    # -------------------------------------------------------------- computes

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @api.depends("state", "task_ids.state", "task_ids.name")
    def _compute_waiting_for(self):
        for request in self:
            tasks = request.task_ids.filtered(lambda task: task.state == "open")
            request.waiting_for = ", ".join(tasks.mapped("name")) if request.state in ("pending", "question") else False

    @api.depends("snapshot_id")
    def _compute_texts(self):
        for request in self:
            snapshot = request.snapshot_id.sudo()
            request.rule_text = snapshot._rule_html()
            request.fact_text = snapshot._fact_html()
            request.content_text = snapshot._content_html()

    @api.depends("decision_ids", "task_ids.state", "state", "resume_state")
    def _compute_timeline(self):
        for request in self:
            request.timeline = self.env["ir.qweb"]._render(
                "distribution_approval.request_timeline", {"request": request, "entries": request._timeline_entries()}
            )

    @api.depends("state", "task_ids.state")
    @api.depends_context("uid")
    def _compute_may(self):
        for request in self:
            request.my_task_id = request.sudo()._my_task().id
            request.may_withdraw = request.sudo()._may_withdraw(self.env.user)
            request.may_resubmit = request.state in ("revision", "on_hold") and request.may_withdraw
            request.may_answer = (
                request.state in ("pending", "question")
                and self.env.user in request.sudo()._open_questions()._answerers()
            )

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        """Nobody writes a request; its methods do, as superuser after checking the real user."""
        if not self.env.su and set(vals) - _CHATTER_FIELDS:
            raise AccessError(_("An approval request changes through decisions only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Approval requests are evidence and are kept."))

    def copy(self, default=None):
        raise UserError(_("An approval request cannot be copied: ask for approval of the other document."))

    # ---------------------------------------------------------------- filing

    @api.model
    def _file(self, asked, amendment=None, trial=None):
        """File requests for documents that policy does not pass.

        :param asked: list of ``(document, Judgement, Snapshot, action name)``
        :param amendment: the amendment that is asked for, of the one document
        :param trial: what that amendment leads to (:class:`Trial`)
        """
        now = fields.Datetime.now()
        sequence = self.env["ir.sequence"].sudo()
        requests = self.sudo().create(
            [
                {
                    "name": sequence.next_by_code("distribution.approval.request") or _("Request"),
                    "res_model": document._name,
                    "res_id": document.id,
                    "document_type": document._approval_type,
                    "document_name": document._approval_name(),
                    "company_id": document.company_id.id,
                    "site_id": document.sudo()._approval_site()[:1].id,
                    "partner_id": trial.partner_id if trial else document._approval_partner().id,
                    "requester_id": document._approval_requester().id,
                    "action_name": action,
                    "kind": "amendment" if amendment else "release",
                    "amendment_id": amendment.id if amendment else False,
                    "version_id": judgement.version.id,
                    **self._amount_values(document, judgement),
                    "requested_at": now,
                    "state": "on_hold",
                }
                for document, judgement, _snapshot, action in asked
            ]
        )
        for request, (_document, judgement, snapshot, _action) in zip(requests, asked):
            request._take_up(judgement, snapshot, trial)
        return requests

    @api.model
    def _amount_values(self, document, judgement):
        return {
            "amount": judgement.amount,
            "amount_known": judgement.amount_known and document._approval_has_value(),
        }

    def _take_up(self, judgement, snapshot, trial=None):
        """Ask for ``snapshot``: a first time or again. Sets state, snapshot, tasks; informs."""
        self.ensure_one()
        self._note_submitter()
        taken = self.env["distribution.approval.snapshot"].sudo()._take(self, judgement, snapshot)
        values = {
            "snapshot_id": taken.id,
            "digest": snapshot.digest,
            "version_id": judgement.version.id,
            **self._amount_values(self._document(), judgement),
            "reason": False,
        }
        outcome = judgement.verdict.outcome
        if outcome == "require":
            self._open_tasks(judgement, values, trial)
            return
        self._cancel_tasks()
        reason = judgement.why()
        if outcome == "pass":
            self._move("approved", {**values, "reason": _("Within policy after the change.")})
            self._release()
        elif outcome == "refuse":
            self._move("refused", {**values, "reason": reason, "closed_at": fields.Datetime.now()})
            if self.kind == "release":
                self._document()._approval_unhold()
        else:
            self._move("on_hold", {**values, "reason": reason})
            if not judgement.version:
                self.env["distribution.case"].sudo()._open(
                    "policy_missing",
                    self._document(),
                    _("No approval policy in force: %s", self.document_name),
                    detail=reason,
                    dedup_key=f"policy_missing:{self.document_type}:{self.company_id.id}",
                )

    def _note_submitter(self):
        """Whoever asks (again) has a hand in the document and does not decide on it."""
        user = self.env.user
        if not user._is_superuser() and user != self.requester_id:
            self.env["distribution.approval.involvement"].sudo()._note(self._document())

    def _resolver(self):
        """The resolver, looking with the eyes of the requester, whoever runs this."""
        return self.env["distribution.approval.resolver"].with_user(self.requester_id).sudo()

    def _open_tasks(self, judgement, values, trial=None):
        """Create the tasks of the route and open its first stage."""
        seats = (
            trial.seats
            if trial
            else self._resolver()._seats(
                self._document(), judgement.verdict.stages, judgement.version, self._excluded_users()
            )
        )
        self._cancel_tasks()
        number = self.round if not self.task_ids else self.round + 1
        tasks = (
            self.env["distribution.approval.task"]
            .sudo()
            .create(
                [
                    {
                        "request_id": self.id,
                        "round": number,
                        "sequence": seat.sequence,
                        "name": seat.name,
                        "approver_kind": seat.kind,
                        "approver_key": seat.key,
                        "place": seat.place,
                        "quorum": seat.quorum,
                        "user_ids": [(6, 0, seat.users.ids)],
                        "is_fallback": seat.fallback,
                        "digest": values["digest"],
                        "clock": seat.clock and json.dumps(seat.clock.to_json(), sort_keys=True),
                    }
                    for seat in seats
                ]
            )
        )
        self._move(
            "pending",
            {
                **values,
                "round": number,
                "participant_ids": [(4, user_id) for user_id in tasks.user_ids.ids],
            },
        )
        self._apply(routing.start(tasks._to_engine()))
        self._staff()
        self._event(
            "approval_requested" if number == 1 else "approval_restarted",
            {
                "amount": str(self.amount),
                "policy_version_id": self.version_id.id,
                "round": number,
                "digest": self.digest,
                "rules": [rule.key for rule in judgement.verdict.matched],
            },
        )

    def _decided(self, decision):
        """What follows from a decision beyond the state machine."""
        self.ensure_one()
        if decision in decision._approving() and self.state in ("pending", "question"):
            self._staff()
        if self.state == "approved":
            self._check_decisions()
            self._release()
        elif self.state in ("rejected", "revision"):
            if self.kind == "release":
                self._document()._approval_unhold()
            fact = "approval_rejected" if self.state == "rejected" else "revision_requested"
            self._event(fact, {"reason_code": decision.reason_id.code or None, "round": self.round})
            self.with_context(lang=self.requester_id.lang)._tell_outcome(decision)

    def _tell_outcome(self, decision):
        """Tell the requester, in the language of this environment, that it was rejected or sent back."""
        decision = decision.with_context(lang=self.env.lang)
        self._notify(
            self.requester_id,
            _(
                "%(document)s: %(outcome)s by %(user)s – %(words)s",
                document=self.document_name,
                outcome=decision._outcome_label(),
                user=decision.user_id.name,
                words=decision._words(),
            ),
        )

    def _check_decisions(self):
        """The states of tasks are a summary; what counts are the decisions, which nobody can change."""
        for task in self._current_tasks():
            approving = task.decision_ids._approving()
            if min(len(approving.user_id), len(approving._places())) < task.quorum:
                raise UserError(
                    _(
                        "“%(task)s” of %(document)s is not approved by enough people.",
                        task=task.name,
                        document=self.document_name,
                    )
                )

    def _notify(self, users, text):
        """Tell people in the way that they chose: one message each, no followers, no floods."""
        people = users.filtered(
            lambda user: user.active and user.distribution_notice == "each" and user != self.env.user
        )
        if people:
            self.sudo().message_notify(
                partner_ids=people.partner_id.ids,
                body=escape(text),
                subject=self.document_name,
                author_id=_author(self.env),
                email_layout_xmlid="mail.mail_notification_light",
            )

    def _cancel_tasks(self):
        self.task_ids.filtered(lambda task: task.state in ("waiting", "open"))._set_state("cancelled")

    def _staff(self, resolve=False):
        """Give the undecided tasks the people who can still decide them.

        Whoever decided another task of this round drops out; where too few are left, the fallback
        of the policy is asked; where even that does not do, it is somebody's case – never a
        silent pass. Writes only what differs.

        :param resolve: look up anew whom the rules name (people leave, join and change roles)
        """
        self.ensure_one()
        excluded = self._excluded_users()
        state = self._to_engine()
        tasks = self._current_tasks().filtered(lambda task: task.state in ("open", "waiting"))
        decided = self._current_tasks().decision_ids._approving()._used_up()
        people = {}
        for task in tasks:
            own = task.decision_ids._approving()._places()
            named = task._named_users(excluded) if resolve and not task.is_escalated else task.user_ids
            named = self._resolver()._eligible(named, self.company_id) if resolve else named
            people[task] = (named - excluded - decided) | own
        lacking = missing_candidates(_with_candidates(state, people), excluded.ids)
        if lacking:
            resolver = self._resolver()
            fallback = resolver._eligible(resolver._fallback(self.version_id), self.company_id) - excluded - decided
            for task in tasks.filtered(lambda task: str(task.id) in lacking):
                people[task] |= fallback
            lacking = missing_candidates(_with_candidates(state, people), excluded.ids)
        for task, users in people.items():
            if users != task.user_ids:
                task._replace_candidates(users)
        for task in tasks.filtered(lambda task: str(task.id) in lacking):
            self._call_for_help(task)

    def _call_for_help(self, task):
        self.env["distribution.case"].sudo()._open(
            "no_approver",
            self._document(),
            _("Nobody can approve “%(task)s” of %(document)s", task=task.name, document=self.document_name),
            detail=_(
                "Too few people are left who may decide: inactive, without the role Approver, "
                "or involved in the document themselves. Add approvers, then press "
                "“Find approvers” on the request."
            ),
            dedup_key=f"no_approver:{task.id}",
        )

    # ----------------------------------------------------------------- engine

    def _current_tasks(self):
        return self.task_ids.filtered(lambda task: task.round == self.round)

    def _to_engine(self):
        """This request as the state machine sees it."""
        self.ensure_one()
        tasks = self._current_tasks()
        return RequestState(
            self.state,
            tasks._to_engine(),
            tuple(
                routing.Question(str(question.task_id.id), question.user_id.id)
                for question in tasks.question_ids._holding()
            ),
            self.round,
        )

    def _apply(self, state):
        """Make tasks and request what the state machine says."""
        self.ensure_one()
        opened = self.env["distribution.approval.task"].sudo()
        for task in self._current_tasks():
            new = state.task(str(task.id)).status
            if task.state != new:
                task._set_state(new)
                if new == "open":
                    opened |= task
        if state.status != self.state:
            self._move(state.status)
        if opened:
            models.BaseModel.write(self.sudo(), {"waiting_since": fields.Datetime.now()})
            opened._inform()

    def _move(self, state, values=None):
        """Set the state of the request and show it on the document."""
        self.ensure_one()
        values = dict(values or {}, state=state)
        if state in ("rejected", "refused", "withdrawn", "void", "approved"):
            values.setdefault("closed_at", fields.Datetime.now())
        self.sudo().write(values)
        if self.kind == "release" and state != "void":
            self._document()._approval_set_state(state)
        if state not in ("pending", "question"):
            self._close_activities()

    def _excluded_users(self):
        """Separation of duties: who had a hand in the document does not decide on it."""
        self.ensure_one()
        document = self._document()
        involved = self.env["distribution.approval.involvement"].sudo()._user_ids(document)
        amended_by = self.amendment_id.create_uid
        return (
            self.requester_id
            | document._approval_owners()
            | amended_by
            | self.env["res.users"].sudo().browse(involved).exists()
        )

    def _document(self):
        """The document, with the rights of the engine."""
        self.ensure_one()
        return self.env[self.res_model].sudo().browse(self.res_id)

    def _lock(self):
        """Serialise what changes these requests.

        The row is written, not only locked: a transaction that began before another one decided
        fails to serialise, is repeated by Odoo, and then sees that decision.
        """
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_approval_request SET lock_version = COALESCE(lock_version, 0) + 1 WHERE id = ANY(%s)",
            (self.ids,),
        )
        self.invalidate_recordset()
        self.task_ids.invalidate_recordset()

    # ---------------------------------------------------------------- content

    def _current_snapshot(self):
        """The controlled values as they are now (of an amendment: as they would be)."""
        self.ensure_one()
        if self.kind == "amendment":
            return Snapshot.from_json(self.snapshot_id.content)
        return self._document()._approval_snapshots()[self.res_id]

    def _follow_content(self, snapshot):
        """The document was touched: ask again when its controlled values are not what is asked."""
        self.ensure_one()
        if self.kind == "amendment" or snapshot.digest == self.digest:
            return
        if self.state == "approved":
            releases = self.env["distribution.approval.release"]._valid_for(self._document()).get(self.res_id)
            if releases and any(release._covers(snapshot) for release in releases):
                return
            reason = _("The document changed after it was approved.")
            if releases:
                releases._void(reason)
                self._event("release_voided", {"reason": reason})
            document, action = self._document(), self.action_name
            self._void(reason)
            judgement = self._judgement(document_version(self))
            successor = self.with_user(self.requester_id).sudo()._file([(document, judgement, snapshot, action)])
            document._approval_hold()
            successor._say(_("Asked again: %s", reason))
            return
        self._ask_again(snapshot, _("The document was changed while it waited; all approvals are asked again."))

    def _ask_again(self, snapshot, note):
        """A new round under the version with which the request started."""
        self._say(note)
        self._take_up(self._judgement(self.version_id or document_version(self)), snapshot)

    def _resubmit(self, snapshot):
        """The requester asks again: after a revision, or when what held the request is mended."""
        self.ensure_one()
        version = self.version_id if self.state == "revision" else document_version(self)
        self._say(_("Submitted again."))
        self._take_up(self._judgement(version or document_version(self)), snapshot)

    def _judgement(self, version):
        """What ``version`` says about the document, as the requester asked for it."""
        document = self._document().with_user(self.requester_id).sudo()
        # Under its own version a request goes on with the local variants that it started with.
        stamp = (self.snapshot_id.variant_stamp or "") if self.snapshot_id and version == self.version_id else None
        return self.env["distribution.approval.judge"]._judge_by(document, version, stamp=stamp)[document.id]

    def _judge_hold_again(self):
        """Ask policy again about a request on hold; True when it is not on hold any more."""
        self.ensure_one()
        if self.kind == "amendment":
            trial = self.amendment_id._try_again(self.requester_id)
            if not trial:
                self._void(_("The document changed since this amendment was proposed. Propose it again."))
                return True
            judgement, snapshot = trial.judgement, trial.after
        else:
            trial, judgement = None, self._judgement(document_version(self))
            snapshot = self._document()._approval_snapshots()[self.res_id]
        if judgement.verdict.outcome == "hold" or self._judged_evidence_gap(judgement):
            return False
        self._take_up(judgement, snapshot, trial)
        return True

    def _void(self, reason):
        for request in self:
            request._cancel_tasks()
            request._move("void", {"reason": reason, "resume_state": False})
            request._event("approval_voided", {"reason": reason})
            request._say(reason)

    # --------------------------------------------------------------- actions

    def action_withdraw(self):
        """The requester takes the request back; the document is theirs again."""
        for request in self:
            user = self.env.user
            engine = request.sudo()
            if not engine._may_withdraw(user):
                raise AccessError(_("Only %s can withdraw this request.", engine.requester_id.name))
            engine._lock()
            if engine.state in ("pending", "question"):
                engine._apply(routing.withdraw(engine._to_engine()))
            else:
                engine._cancel_tasks()
                engine._void_releases(_("The request was withdrawn."))
                engine._move("withdrawn", {"resume_state": False})
            engine._event("approval_withdrawn", {"request_id": engine.id})
            if engine.kind == "release":
                engine._document()._approval_unhold()
            engine._say(_("Withdrawn by %s.", user.name))
        return True

    def action_resubmit(self):
        """Ask again after a revision, or after what held the request was mended."""
        for request in self:
            if not request.sudo()._may_withdraw(self.env.user):
                raise AccessError(_("Only %s can submit this request again.", request.sudo().requester_id.name))
            if request.kind == "amendment":
                return request._propose_again()
            document = self.env[request.res_model].browse(request.res_id)
            getattr(document, request.sudo().action_name)()
        return True

    def _propose_again(self):
        """An amendment that came back: open its proposal again."""
        self.ensure_one()
        amendment = self.sudo().amendment_id
        return (
            self.env["distribution.approval.amend"]
            .with_context(
                default_res_model=self.res_model, default_res_id=self.res_id, default_payload=amendment.payload
            )
            .action_open()
        )

    def _void_releases(self, reason):
        """What this request released counts for nothing any more."""
        releases = self.env["distribution.approval.release"]._valid_for(self._document()).get(self.res_id)
        own = releases.filtered(lambda release: release.request_id == self) if releases else releases
        if own:
            own._void(reason)
            self._event("release_voided", {"reason": reason})

    def action_retry_release(self):
        """Try once more to carry on with an approved document."""
        for request in self:
            if request.resume_state != "failed":
                raise UserError(_("%s is not waiting for a release.", request.name))
            operations = self.env.user.has_group("distribution_core.group_operations")
            if not operations and self.env.user != request.requester_id:
                raise AccessError(_("The requester or operations can retry a release."))
            request.sudo()._resume(wait=True)
        return True

    def action_find_approvers(self):
        """Resolve the approvers of the open and waiting tasks again."""
        if not self.env.user.has_group("distribution_core.group_administrator") and not (
            self.env.user.has_group("distribution_core.group_operations")
        ):
            raise AccessError(_("Operations or an administrator can look for approvers again."))
        self.sudo()._refresh_candidates()
        return True

    def action_open_document(self):
        self.ensure_one()
        # Only which record it is; opening it takes the right to read it.
        document = self.env[self.res_model].sudo().browse(self.res_id)._approval_form()
        return {
            "type": "ir.actions.act_window",
            "res_model": document._name,
            "res_id": document.id,
            "view_mode": "form",
        }

    def action_open_my_task(self):
        self.ensure_one()
        if not self.my_task_id:
            raise UserError(_("Nothing on this request waits for your decision."))
        return {
            "type": "ir.actions.act_window",
            "name": _("Decide"),
            "res_model": "distribution.approval.task",
            "res_id": self.my_task_id.id,
            "view_mode": "form",
        }

    def action_answer(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Answer"),
            "res_model": "distribution.approval.answer",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id},
        }

    def action_submit_answer(self, answer):
        """The requester (or the colleague who was asked) answers what they were asked; the request goes on."""
        self.ensure_one()
        user = self.env.user
        request = self.sudo()
        if user not in request._askers() | request._open_questions()._answerers():
            people = request._open_questions()._answerers() or request.requester_id
            raise AccessError(_("Only %s can answer.", ", ".join(people.mapped("name"))))
        answer = self.env["distribution.approval.task"]._text("answer", answer)
        if not answer:
            raise UserError(_("answer: write an answer."))
        request._lock()
        waiting = request._open_questions()
        asked = waiting.filtered(lambda question: user in question._answerers())
        if not asked or request.state not in ("pending", "question"):
            raise UserError(_("There is no open question on %s.", request.document_name))
        state = request._without_questions(asked)
        asked.write({"answer": answer, "answered_by_id": user.id, "answered_at": fields.Datetime.now()})
        request._apply(state)
        request._event("question_answered", {"request_id": request.id})
        request._notify(asked.user_id, _("%(user)s answers: %(answer)s", user=user.name, answer=answer))
        return True

    def _without_questions(self, questions):
        """The state in which these questions hold nothing up any more."""
        state = self._to_engine()
        left = {(question.task_id, question.user_id) for question in self._open_questions()._holding() - questions}
        for task, asker in {(question.task_id, question.user_id) for question in questions._holding()} - left:
            state = routing.answer(state, str(task.id), asker.id)
        return state

    def _may_withdraw(self, user):
        self.ensure_one()
        live = self.state in LIVE or (self.state == "approved" and self.resume_state == "failed")
        return live and user in self._askers()

    def _askers(self):
        """Who speaks for the request: who asked; for what a scheduled job asked, the owners."""
        if self.requester_id._is_superuser():
            return self._document()._approval_owners()
        return self.requester_id

    def _my_task(self):
        """The open task that the real user can decide now, or an empty recordset."""
        user = self.env.user
        return self._current_tasks().filtered(
            lambda task: (
                task.state == "open"
                and task.request_id.state in ("pending", "question")
                and user in task._deciders()
                and user not in task.request_id._current_tasks().decision_ids._used_up()
            )
        )[:1]

    # ------------------------------------------------------------- candidates

    def _refresh_candidates(self):
        """Look again who can decide: people leave, join and change roles while a request waits."""
        for request in self.filtered(lambda request: request.state in ("pending", "question")):
            request._staff(resolve=True)
            tasks = request._current_tasks()
            if tasks and all(task.state == "approved" for task in tasks):
                # Cannot happen while decisions are serialised; a restored database may show it.
                request._check_decisions()
                request._move("approved")
                request._release()

    @api.model
    def _cron_refresh_candidates(self):
        self.search([("state", "in", ("pending", "question"))])._refresh_candidates()

    @api.model
    def _cron_retry_on_hold(self, commit=None):
        """Ask policy again about what it could not judge (a rate, a version, a fact was missing), one transaction each.

        :param commit: default: unless tests run
        """
        requests = self.search([("state", "=", "on_hold")], order="id")
        # Somebody may save the document at this moment: then it looks again.
        each_in_turn(self.env, [request._retry_on_hold for request in requests], commit)

    def _retry_on_hold(self):
        if self.state == "on_hold" and self._document().exists():
            self._judge_hold_again()

    # ---------------------------------------------------------- notification

    def _close_activities(self):
        self.sudo().activity_ids.filtered(
            lambda activity: (
                activity.activity_type_id
                == self.env.ref("distribution_approval.activity_type_decide", raise_if_not_found=False)
            )
        ).unlink()

    def _say(self, text):
        """A line in the history of the request, without mails."""
        for request in self:
            request.sudo().message_post(body=escape(text), subtype_xmlid="mail.mt_note", author_id=_author(self.env))

    def _event(self, fact, data, on_behalf=None):
        """Record a fact about the document; the case that it belongs to is the document itself."""
        document = self._document()
        return (
            self.env["distribution.event"]
            .sudo()
            ._record(
                f"distribution.{self.document_type}.{fact}.v1",
                document,
                {**data, "request_id": self.id},
                on_behalf=on_behalf,
            )
        )


_CHATTER_FIELDS = {
    "message_follower_ids",
    "message_ids",
    "message_partner_ids",
    "activity_ids",
    "message_main_attachment_id",
}


def _with_candidates(state, people):
    """The state with other candidates: ``{task record: users}``."""
    candidates = {str(task.id): frozenset(users.ids) for task, users in people.items()}
    return replace(
        state,
        tasks=tuple(replace(task, candidates=candidates.get(task.key, task.candidates)) for task in state.tasks),
    )


def document_version(request):
    """The policy version in force today for the document of ``request``."""
    return request.env["distribution.approval.policy"]._effective_version(request.document_type, request.company_id)


def _author(env):
    return env.user.partner_id.id
