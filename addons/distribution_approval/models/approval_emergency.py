"""Emergency releases: at once, by a named role, marked for ever, and always reviewed by somebody else."""

from datetime import timedelta

import pytz
from markupsafe import escape
from odoo import SUPERUSER_ID, _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import asks_for

from ..engine import Approver
from .approval_exhibit import sha256_of
from .approval_policy import today
from .approval_request import document_version

#: States of a request in which its document is held.
HELD = ("pending", "question", "on_hold")
#: What applies where no policy version is in force: the strict terms.
STRICT_MIN_LENGTH, STRICT_REVIEW_DAYS = 40, 3


class ApprovalEmergency(models.Model):
    """One emergency release.

    Rules, in words:

    * It takes the role Emergency Releaser, a justification, evidence of the emergency, and a document that is held.
    * That evidence is recorded with the release, by who releases: what is on the document already – the quotes
      that a rule demands, for example – says nothing about the emergency.
    * Who has a hand in the document releases it only where the policy version allows that explicitly, and
      it is recorded.
    * What policy refuses – as judged at this moment – is released only where the version allows that explicitly.
      What people rejected is not released at all: an emergency does not overrule a decision.
    * The document shows it for ever.
    * Somebody with no hand in it – not who released, requested, edited, owns or decided on the document –
      reviews it within the days that the version grants. Overdue reviews are escalated.
    """

    _name = "distribution.approval.emergency"
    _description = "Emergency Release"
    _inherit = ["distribution.approval.evidence", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "document_name"

    request_id = fields.Many2one(
        "distribution.approval.request", required=True, readonly=True, ondelete="restrict", index=True
    )
    user_id = fields.Many2one(
        "res.users", string="Released by", required=True, readonly=True, ondelete="restrict", index=True
    )
    own_document = fields.Boolean(
        string="Had a Hand in It",
        readonly=True,
        help="Who released it requested, created, edited or owns the document.",
    )
    over_refusal = fields.Boolean(string="Against Policy", readonly=True, help="Policy refuses the document.")
    justification = fields.Text(required=True, readonly=True)
    released_at = fields.Datetime(required=True, readonly=True, index=True)
    digest = fields.Char(required=True, readonly=True, help="SHA-256 of what was released.")
    version_id = fields.Many2one(
        "distribution.approval.policy.version", string="Under", readonly=True, ondelete="restrict"
    )
    review_due = fields.Date(required=True, readonly=True, index=True)
    reviewer_ids = fields.Many2many(
        "res.users", "distribution_approval_emergency_reviewer_rel", readonly=True, string="To Be Reviewed by"
    )
    state = fields.Selection(
        [("pending", "To be reviewed"), ("reviewed", "Reviewed")],
        required=True,
        readonly=True,
        default="pending",
        index=True,
        tracking=True,
    )
    outcome = fields.Selection(
        [("justified", "Justified"), ("not_justified", "Not justified"), ("needs_action", "Needs action")],
        string="Review",
        readonly=True,
        tracking=True,
    )
    review_comment = fields.Text(readonly=True)
    reviewed_by_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    reviewed_at = fields.Datetime(readonly=True)
    escalated_at = fields.Datetime(readonly=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue", string="Review Overdue")
    may_review = fields.Boolean(compute="_compute_may_review")
    number = fields.Integer(string="Emergency Releases", default=1, readonly=True, help="To count them by person.")

    res_model = fields.Char(related="request_id.res_model", store=True, index=True)
    res_id = fields.Many2oneReference(
        related="request_id.res_id", model_field="res_model", store=True, string="Document Number"
    )
    document_type = fields.Selection(related="request_id.document_type", store=True)
    document_name = fields.Char(related="request_id.document_name", store=True, string="Document")
    company_id = fields.Many2one(related="request_id.company_id", store=True)
    currency_id = fields.Many2one(related="request_id.currency_id")
    partner_id = fields.Many2one(related="request_id.partner_id", store=True, string="Vendor / Customer")
    requester_id = fields.Many2one(related="request_id.requester_id", store=True)
    amount = fields.Monetary(related="request_id.amount", store=True)
    exhibit_ids = fields.One2many(related="request_id.exhibit_ids", string="Evidence")
    own_exhibit_ids = fields.One2many(
        "distribution.approval.exhibit", "emergency_id", readonly=True, string="Evidence of the Emergency"
    )

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_emergency_once
                   ON distribution_approval_emergency (request_id)"""
        )
        protect_columns(
            self.env.cr,
            self._table,
            (
                "request_id",
                "user_id",
                "own_document",
                "over_refusal",
                "justification",
                "released_at",
                "digest",
                "version_id",
                "review_due",
                "number",
            ),
        )
        protect_columns(
            self.env.cr,
            self._table,
            ("state", "outcome", "review_comment", "reviewed_by_id", "reviewed_at"),
            when="OLD.state = 'reviewed'",
            name="reviewed",
        )

    # -------------------------------------------------------------- computes

    @api.depends("state", "review_due")
    def _compute_is_overdue(self):
        for emergency in self:
            emergency.is_overdue = (
                emergency.state == "pending"
                and bool(emergency.review_due)
                and emergency.review_due < today(emergency.sudo().company_id or self.env.company)
            )

    def _search_is_overdue(self, operator, value):
        wanted = asks_for(operator, value)
        # Where another company works it may be the next day already.
        found = self.sudo().search([("state", "=", "pending"), ("review_due", "<=", today(self.env.company))])
        return [("id", "in" if wanted else "not in", found.filtered("is_overdue").ids)]

    @api.depends("state")
    @api.depends_context("uid")
    def _compute_may_review(self):
        for emergency in self:
            emergency.may_review = emergency.state == "pending" and self.env.user in emergency.sudo()._reviewers()

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        if not self.env.su and any(not name.startswith(("message_", "activity_")) for name in vals):
            raise AccessError(_("An emergency release changes with its review only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Emergency releases are evidence and are kept."))

    def copy(self, default=None):
        raise UserError(_("An emergency release cannot be copied."))

    # ---------------------------------------------------------------- review

    def _reviewers(self):
        """Approvers whom the policy names for it, and who had no hand in it."""
        self.ensure_one()
        resolver = self.env["distribution.approval.resolver"]
        version, request = self.version_id, self.request_id
        group = version.emergency_reviewer_group_id
        named = resolver._named(request._document(), _group(group))[0][2] if group else resolver._fallback(version)
        decided = request.decision_ids.user_id | request.decision_ids.on_behalf_id
        involved = request._excluded_users() | decided | self.user_id
        return resolver._eligible(named, self.company_id) - involved

    def action_review(self, outcome, comment):
        """Say whether it was justified. By a person who had no hand in it.

        :param outcome: ``justified``, ``not_justified`` or ``needs_action``
        :param comment: mandatory
        """
        self.ensure_one()
        user = self.env.user
        if self.env.uid == SUPERUSER_ID or user._is_superuser() or user.share:
            raise AccessError(_("A review takes a person, logged in as themselves."))
        comment = self.env["distribution.approval.task"]._text("comment", comment)
        if not isinstance(outcome, str) or outcome not in dict(self._fields["outcome"].selection):
            raise ValidationError(_("outcome: choose justified, not_justified or needs_action."))
        if not comment:
            raise ValidationError(_("comment: write what you looked at and what you found."))
        emergency = self.sudo()
        emergency.invalidate_recordset()
        if emergency.state != "pending":
            raise UserError(_("This release was reviewed by %s.", emergency.reviewed_by_id.name))
        if user not in emergency._reviewers():
            raise AccessError(
                _("Somebody else reviews this: an approver whom the policy names, and who had no hand in the document.")
            )
        emergency.write(
            {
                "state": "reviewed",
                "outcome": outcome,
                "review_comment": comment,
                "reviewed_by_id": user.id,
                "reviewed_at": fields.Datetime.now(),
            }
        )
        emergency.activity_ids.unlink()
        emergency.request_id._event("emergency_reviewed", {"emergency_id": emergency.id, "outcome": outcome})
        if outcome != "justified":
            self.env["distribution.case"].sudo()._open(
                "emergency_not_justified",
                emergency.request_id._document().exists() or emergency,
                _(
                    "Emergency release of %(document)s: %(outcome)s",
                    document=emergency.document_name,
                    outcome=dict(self._fields["outcome"]._description_selection(self.env))[outcome],
                ),
                detail=comment,
                dedup_key=f"emergency_not_justified:{emergency.id}",
            )
        emergency.request_id._notify(
            emergency.user_id | emergency.requester_id,
            _(
                "%(document)s: the emergency release was reviewed – %(comment)s",
                document=emergency.document_name,
                comment=comment,
            ),
        )
        return True

    def action_open_review(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Review %s", self.document_name),
            "res_model": "distribution.approval.emergency.review",
            "view_mode": "form",
            "target": "new",
            "context": {"default_emergency_id": self.id},
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

    def _ask_for_review(self):
        """Give the reviewers the task, and say so when there is nobody."""
        self.ensure_one()
        reviewers = self._reviewers()
        self.write({"reviewer_ids": [(6, 0, reviewers.ids)]})
        self.request_id.write({"participant_ids": [(4, user.id) for user in reviewers | self.user_id]})
        for user in reviewers:
            self.with_context(mail_activity_quick_update=True).activity_schedule(
                activity_type_id=self.env.ref("distribution_approval.activity_type_emergency").id,
                user_id=user.id,
                summary=_("Review the emergency release of %s", self.document_name),
                note=tools.plaintext2html(self.justification),
                date_deadline=self.review_due,
            )
        self.request_id._notify(
            reviewers | self.requester_id,
            _(
                "%(document)s was released as an emergency by %(user)s: %(why)s",
                document=self.document_name,
                user=self.user_id.name,
                why=self.justification,
            ),
        )
        if not reviewers:
            self.env["distribution.case"].sudo()._open(
                "no_approver",
                self.request_id._document(),
                _("Nobody can review the emergency release of %s", self.document_name),
                detail=_(
                    "The policy names nobody who is an approver and had no hand in it. Name a group of reviewers, or a "
                    "fallback approver, in the next version; until then add people to the group that it names."
                ),
                dedup_key=f"emergency_reviewer:{self.id}",
            )

    @api.model
    def _cron_escalate(self):
        """Reviews past due: one case and one notice each. Days without this job do no harm."""
        overdue = self.search(
            [("state", "=", "pending"), ("escalated_at", "=", False), ("is_overdue", "=", True)], order="id"
        )
        self.env["distribution.approval.batch"]._work_off(overdue, "_escalate")

    def _escalate(self):
        self.ensure_one()
        if self.escalated_at or not self.is_overdue:
            return
        self.write({"escalated_at": fields.Datetime.now()})
        reviewers = self._reviewers()
        missing = reviewers - self.reviewer_ids
        if missing:
            self.write({"reviewer_ids": [(4, user.id) for user in missing]})
            self.request_id.write({"participant_ids": [(4, user.id) for user in missing]})
        resolver = self.env["distribution.approval.resolver"]
        managers = self.env["res.users"].union(*(resolver._manager_of(user, self.company_id) for user in reviewers))
        self.request_id._event("emergency_review_overdue", {"emergency_id": self.id, "outcome": None})
        self.env["distribution.case"].sudo()._open(
            "emergency_review_overdue",
            self.request_id._document().exists() or self,
            _("Emergency release of %s is not reviewed", self.document_name),
            detail=_(
                "The review was due on %(day)s. It waits for %(people)s.",
                day=self.review_due,
                people=", ".join(reviewers.mapped("name")) or _("nobody: the policy names no reviewer"),
            ),
            dedup_key=f"emergency_review_overdue:{self.id}",
        )
        self.request_id._notify(
            reviewers | managers | self.version_id.policy_id.owner_id,
            _("%(document)s: the review of its emergency release was due on %(day)s.")
            % {"document": self.document_name, "day": self.review_due},
        )


def _group(group):
    return Approver("group", str(group.id), group.name)


def review_day(company, days):
    """The day by which ``days`` working days have passed, in the company's calendar."""
    zone = pytz.timezone(company._approval_time_zone())
    calendar = company.resource_calendar_id
    now = pytz.utc.localize(fields.Datetime.now()).astimezone(zone)
    planned = calendar.plan_days(days + 1, now, compute_leaves=True) if calendar else None
    return planned.date() if planned else now.date() + timedelta(days=days)


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    emergency_ids = fields.One2many("distribution.approval.emergency", "request_id", readonly=True)
    may_release_emergency = fields.Boolean(compute="_compute_may_release_emergency")

    @api.depends("state")
    @api.depends_context("uid")
    def _compute_may_release_emergency(self):
        releaser = self.env.user.has_group("distribution_approval.group_emergency_releaser")
        for request in self:
            request.may_release_emergency = (
                releaser and request.kind == "release" and request.state in (*HELD, "refused")
            )

    def action_open_emergency(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Emergency Release of %s", self.document_name),
            "res_model": "distribution.approval.emergency.release",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id, "default_seen_digest": self.digest},
        }

    def action_emergency_release(self, justification, seen_digest, attachment_ids=None, reference=None):
        """Release the held document of this request at once.

        :param justification: why it cannot wait; at least as long as the policy version demands
        :param seen_digest: the request's ``digest`` as it was seen
        :param attachment_ids: evidence of the emergency: ids of files that this person uploaded, of no record yet
        :param reference: or where it is kept: ``{"name": …, "url": …, "sha256": …, "kind": …, "note": …}``, the
            last two optional; see ``action_add_reference``
        :raises AccessError: this person may not
        :raises UserError: the document is not held, has changed, or policy does not allow it
        :return: id of the emergency release
        """
        self.ensure_one()
        user = self._check_emergency_releaser()
        justification = self.env["distribution.approval.task"]._text("justification", justification)
        request = self.sudo()
        request._lock()
        document = request._document().exists()
        if not document or request.kind != "release":
            raise UserError(_("Only a document that is held can be released as an emergency."))
        if document._approval_release_request() != request:
            raise UserError(_("There is a later request for %s. Open that one.", request.document_name))
        snapshot = request._current_snapshot()
        if seen_digest != request.digest or snapshot.digest != request.digest:
            raise UserError(_("%s has changed since you opened it. Reload it and look again.", request.document_name))
        version = document_version(request)
        judgement = request._judgement(version)
        refused = request._emergency_refused(judgement)
        own = user in request._excluded_users()
        request._check_emergency(version, refused, own, justification)
        files, reference = self._emergency_evidence(attachment_ids, reference)
        if request.state == "refused":
            request = request._succeed(judgement, snapshot)
        emergency = (
            self.env["distribution.approval.emergency"]
            .sudo()
            .create(
                {
                    "request_id": request.id,
                    "user_id": user.id,
                    "own_document": own,
                    "over_refusal": refused,
                    "justification": justification,
                    "released_at": fields.Datetime.now(),
                    "digest": request.digest,
                    "version_id": version.id,
                    "review_due": review_day(
                        request.company_id, version.emergency_review_days if version else STRICT_REVIEW_DAYS
                    ),
                }
            )
        )
        files.write({"res_model": request._name, "res_id": request.id})
        self.env["distribution.approval.exhibit"]._seal(request, files, emergency=emergency)
        if reference:
            request._record_reference(emergency, **reference)
        self.env["distribution.approval.exhibit"]._seal(request, request._evidence_files())
        request._cancel_tasks()
        request._move("approved", {"reason": _("Emergency release by %s", user.name)})
        request._release()
        request._say(_("Emergency release by %(user)s: %(why)s", user=user.name, why=justification))
        emergency._ask_for_review()
        return emergency.id

    def _check_emergency_releaser(self):
        user = self.env.user
        if self.env.uid == SUPERUSER_ID or user._is_superuser() or user.share:
            raise AccessError(_("An emergency release takes a person, logged in as themselves."))
        if not user.has_group("distribution_approval.group_emergency_releaser"):
            raise AccessError(_("An emergency release takes the role Emergency Releaser."))
        if self.sudo().company_id not in user.company_ids:
            raise AccessError(_("This document belongs to a company that you do not work in."))
        return user

    def _emergency_refused(self, judgement):
        """Whether policy refuses the document now, or might: a rule that refuses could not be judged."""
        return (
            self.state == "refused"
            or judgement.verdict.outcome == "refuse"
            or any(rule.outcome == "refuse" for rule, _fact, _reason in judgement.verdict.undetermined)
        )

    def _check_emergency(self, version, refused, own, justification):
        if self.state not in (*HELD, "refused"):
            words = {
                "rejected": _(
                    "People rejected it: an emergency does not overrule a decision. Change it and ask again."
                ),
                "revision": _("It is with %s for revision. Ask again first.", self.requester_id.name),
            }
            raise UserError(words.get(self.state) or _("%s is not held.", self.document_name))
        if refused and not version.emergency_over_refusal:
            raise UserError(
                _(
                    "Policy refuses %s, and does not allow an emergency release of what it refuses.",
                    self.document_name,
                )
            )
        if own and not version.emergency_own_document:
            raise AccessError(
                _(
                    "You requested, created, edited or own %s: somebody else has to release it in an emergency.",
                    self.document_name,
                )
            )
        shortest = version.emergency_min_length if version else STRICT_MIN_LENGTH
        if len(justification) < shortest or len(set(justification.lower().split())) < 3:
            raise ValidationError(_("justification: say in at least %s characters why this cannot wait.", shortest))

    def _emergency_evidence(self, attachment_ids, reference):
        """``(files, checked reference)`` of the emergency itself, at least one of the two.

        Superuser: the files were uploaded by this very person and belong to no record yet.
        """
        attachment_ids = attachment_ids or []
        if not isinstance(attachment_ids, (list, tuple)) or any(type(each) is not int for each in attachment_ids):
            raise ValidationError(_("attachment_ids: a list of ids of files is expected."))
        files = self.env["ir.attachment"].browse(attachment_ids).sudo().exists()
        files.with_env(self.env)._approval_check_uploaded("distribution.approval.emergency.release")
        files = files.filtered(lambda file: file.type == "binary" and file.file_size)
        if reference:
            if not isinstance(reference, dict) or reference.keys() - {"name", "url", "sha256", "kind", "note"}:
                raise ValidationError(_("reference: name, url and sha256 of what is kept elsewhere are expected."))
            wanted = {"name": None, "url": None, "sha256": None, **reference}
            reference = self._checked_reference(**wanted)
        if not files and not reference:
            raise UserError(
                _(
                    "Attach evidence of the emergency to this release, such as the customer's message, or say where "
                    "it is kept. What is on %s already is evidence of something else.",
                    self.sudo().document_name,
                )
            )
        self._check_new_evidence(files, reference)
        return files, reference

    def _check_new_evidence(self, files, reference):
        """What was evidence before is none of the emergency, under whatever name it comes again."""
        request = self.sudo()
        known = {exhibit.sha256 for exhibit in request.exhibit_ids} | {
            sha256_of(file) for file in request._evidence_files()
        }
        given = {sha256_of(file): file.name for file in files}
        if reference:
            given[reference["sha256"]] = reference["name"]
        if given.keys() <= known:
            raise UserError(
                _(
                    "“%(files)s” is on %(document)s already. Attach what shows the emergency, such as the customer's "
                    "message.",
                    files="”, “".join(given.values()),
                    document=request.document_name,
                )
            )

    def _succeed(self, judgement, snapshot):
        """A request that policy refused is closed: its document gets another one, to be released by."""
        self.ensure_one()
        successor = self.create(
            {
                "name": self.env["ir.sequence"].next_by_code("distribution.approval.request") or _("Request"),
                "res_model": self.res_model,
                "res_id": self.res_id,
                "document_type": self.document_type,
                "document_name": self.document_name,
                "company_id": self.company_id.id,
                "site_id": self.site_id.id,
                "partner_id": self.partner_id.id,
                "requester_id": self.requester_id.id,
                "action_name": self.action_name,
                "kind": "release",
                "version_id": judgement.version.id,
                **self._amount_values(self._document(), judgement),
                "state": "on_hold",
            }
        )
        taken = self.env["distribution.approval.snapshot"].sudo()._take(successor, judgement, snapshot)
        successor.write({"snapshot_id": taken.id, "digest": snapshot.digest})
        exhibits = self.exhibit_ids.filtered(lambda exhibit: exhibit.kind != "file")
        for exhibit in exhibits:
            values = exhibit.read(["kind", "name", "url", "sha256", "note", "recorded_at"])[0]
            values.pop("id")
            exhibit.create({**values, "request_id": successor.id, "round": 1, "user_id": exhibit.user_id.id})
        self._evidence_files().filtered(lambda file: file.res_model == self._name).write({"res_id": successor.id})
        return successor

    # ------------------------------------------------------------ its release

    def _release_kind(self):
        return "emergency" if self.emergency_ids else super()._release_kind()

    def _release_reason(self):
        return self.emergency_ids.justification or super()._release_reason()

    def _announce_approval(self):
        """Nobody approved an emergency: it is told as what it is."""
        emergency = self.emergency_ids
        if not emergency:
            return super()._announce_approval()
        return self._event(
            "emergency_released",
            {
                "emergency_id": emergency.id,
                "amount": str(self.amount),
                "policy_version_id": emergency.version_id.id or None,
                "digest": self.digest,
                "own_document": emergency.own_document,
                "over_refusal": emergency.over_refusal,
                "review_due": fields.Date.to_string(emergency.review_due),
            },
        )

    def _timeline_entries(self):
        entries = super()._timeline_entries()
        for emergency in self.emergency_ids:
            entries.append(
                {
                    "time": emergency.released_at,
                    "icon": "fa-bolt",
                    "title": _("Emergency release"),
                    "who": emergency.user_id.name,
                    "text": emergency.justification,
                    "kind": "emergency",
                }
            )
            entries.append(
                {
                    "time": emergency.reviewed_at,
                    "icon": "fa-eye" if emergency.reviewed_at else "fa-hourglass-half",
                    "title": _("Review of the emergency release: %s")
                    % (
                        dict(emergency._fields["outcome"]._description_selection(self.env))[emergency.outcome]
                        if emergency.outcome
                        else _("due on %s", tools.format_date(self.env, emergency.review_due))
                    ),
                    "who": emergency.reviewed_by_id.name or ", ".join(emergency.reviewer_ids.mapped("name")),
                    "text": emergency.review_comment or "",
                    "kind": "review",
                }
            )
        return entries


class ApprovalFormMixin(models.AbstractModel):
    _inherit = "distribution.approval.form.mixin"

    approval_emergency = fields.Boolean(
        compute="_compute_approval_emergency",
        search="_search_approval_emergency",
        compute_sudo=True,
        string="Released as an Emergency",
    )
    approval_may_emergency = fields.Boolean(compute="_compute_approval_may_emergency")

    def _approval_emergencies(self):
        """``[(emergency release, id of the record that shows it)]``."""
        return self._approval_marks("distribution.approval.emergency", order="id")

    def _compute_approval_emergency(self):
        marked = {record_id for _emergency, record_id in self._approval_emergencies()}
        for record in self:
            record.approval_emergency = record.id in marked

    def _search_approval_emergency(self, operator, value):
        return self._approval_marked("distribution.approval.emergency", [], operator, value)

    def _approval_to_release(self):
        """``{id: documents that this record shows and that are held}``."""
        held = {}
        for (name, document_id), record_id in self._approval_shown().items():
            # sudo: whoever releases in an emergency need not read the document; its request says what it is
            document = self.env[name].sudo().browse(document_id)
            if document.approval_state in (*HELD, "refused"):
                held.setdefault(record_id, []).append(document)
        return held

    @api.depends_context("uid")
    def _compute_approval_may_emergency(self):
        releaser = self.env.user.has_group("distribution_approval.group_emergency_releaser")
        held = self._approval_to_release() if releaser else {}
        for record in self:
            record.approval_may_emergency = record.id in held

    def action_approval_emergency(self):
        """Release the held document that this record shows, in an emergency; of several the person chooses."""
        self.ensure_one()
        held = self._approval_to_release().get(self.id)
        if not held:
            raise UserError(_("%s is not held.", self.display_name))
        requests = self.env["distribution.approval.request"].union(
            *(document._approval_release_request().with_env(self.env(su=False)) for document in held)
        )
        if len(requests) == 1:
            return requests.action_open_emergency()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_emergency_choice")
        name = _("%s: what is released?", self.display_name)
        return {**action, "name": name, "domain": [("id", "in", requests.ids)]}

    def _approval_notice_lines(self):
        lines = super()._approval_notice_lines()
        for emergency, record_id in self._approval_emergencies():
            review = (
                _(
                    "reviewed by %(who)s: %(outcome)s",
                    who=emergency.reviewed_by_id.name,
                    outcome=dict(emergency._fields["outcome"]._description_selection(self.env))[emergency.outcome],
                )
                if emergency.outcome
                else _("to be reviewed by %s", tools.format_date(self.env, emergency.review_due))
            )
            lines.setdefault(record_id, []).insert(
                0,
                escape(
                    _(
                        "Emergency release by %(who)s on %(day)s – %(review)s",
                        who=emergency.user_id.name,
                        day=tools.format_date(self.env, emergency.released_at),
                        review=review,
                    )
                ),
            )
        return lines

    @api.model
    def _approval_filters(self):
        return [*super()._approval_filters(), ("approval_emergency", _("Released as an Emergency"))]


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    @api.depends("approval_state")
    @api.depends_context("uid")
    def _compute_approval_may_emergency(self):
        return super()._compute_approval_may_emergency()
