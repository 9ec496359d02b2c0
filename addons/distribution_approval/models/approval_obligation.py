"""A condition of an approval: who owes what by when, until somebody else confirms that it is met."""

import logging
from datetime import date

from odoo import SUPERUSER_ID, _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_append_only, protect_columns
from odoo.addons.distribution_core.compat import asks_for

from .approval_policy import today

_logger = logging.getLogger(__name__)

#: An obligation in one of these states is still owed.
OWED = ("open", "reported")
#: Most conditions of one decision, and the longest text of one.
MAX_CONDITIONS = 20
MAX_CONDITION_TEXT = 2_000


class ApprovalObligation(models.Model):
    """What an approver demands beside the approval.

    Rules, in words:

    * The approver sets it: a text, an owner, a due date. These never change.
    * The owner – or operations, saying why – *reports* that it is met, with a comment.
    * Somebody else *confirms*: the approver who set it, or, when that person may not approve any
      more, another approver of the same task; operations too, saying why. Nobody confirms what they
      owe or reported themselves, nor does anybody who has a hand in the document.
    * Whoever may confirm can send a report back.
    * Only an approver *waives* it, with a reason, and never one who owes it.
    * It shows on the document until it is met, waived or void. It is void when the approval is.
    """

    _name = "distribution.approval.obligation"
    _description = "Condition of an Approval"
    _inherit = ["distribution.approval.evidence", "mail.thread", "mail.activity.mixin"]
    _order = "due_date, id"
    _rec_name = "text"

    request_id = fields.Many2one(
        "distribution.approval.request", required=True, readonly=True, ondelete="restrict", index=True
    )
    task_id = fields.Many2one("distribution.approval.task", required=True, readonly=True, ondelete="restrict")
    decision_id = fields.Many2one(
        "distribution.approval.decision", required=True, readonly=True, ondelete="restrict", index=True
    )
    text = fields.Text(string="Condition", required=True, readonly=True)
    owner_id = fields.Many2one(
        "res.users", string="Owed by", required=True, readonly=True, ondelete="restrict", index=True
    )
    due_date = fields.Date(required=True, readonly=True, index=True)
    set_by_id = fields.Many2one("res.users", string="Set by", required=True, readonly=True, ondelete="restrict")
    state = fields.Selection(
        [
            ("open", "Open"),
            ("reported", "Reported, to be confirmed"),
            ("met", "Met"),
            ("waived", "Waived"),
            ("void", "Void"),
        ],
        required=True,
        readonly=True,
        default="open",
        index=True,
        tracking=True,
    )
    reported_by_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    closed_by_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    closed_at = fields.Datetime(readonly=True)
    escalated_at = fields.Datetime(readonly=True, help="When it was found past due.")
    step_ids = fields.One2many("distribution.approval.obligation.step", "obligation_id", readonly=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue", string="Overdue")
    may_report = fields.Boolean(compute="_compute_may")
    may_confirm = fields.Boolean(compute="_compute_may")
    may_waive = fields.Boolean(compute="_compute_may")

    res_model = fields.Char(related="request_id.res_model", store=True, index=True)
    res_id = fields.Many2oneReference(
        related="request_id.res_id", model_field="res_model", store=True, string="Document Number"
    )
    document_type = fields.Selection(related="request_id.document_type", store=True)
    document_name = fields.Char(related="request_id.document_name", store=True, string="Document")
    company_id = fields.Many2one(related="request_id.company_id", store=True)
    partner_id = fields.Many2one(related="request_id.partner_id", store=True, string="Vendor / Customer")
    requester_id = fields.Many2one(related="request_id.requester_id", store=True)

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            ("request_id", "task_id", "decision_id", "text", "owner_id", "due_date", "set_by_id"),
        )
        protect_columns(
            self.env.cr,
            self._table,
            ("state", "reported_by_id", "closed_by_id", "closed_at"),
            when="OLD.state IN ('met', 'waived', 'void')",
            name="closed",
        )

    # -------------------------------------------------------------- computes

    @api.depends("state", "due_date")
    def _compute_is_overdue(self):
        for obligation in self:
            obligation.is_overdue = (
                obligation.state in OWED and bool(obligation.due_date) and obligation.due_date < obligation._today()
            )

    def _search_is_overdue(self, operator, value):
        wanted = asks_for(operator, value)
        # East of Greenwich the day after may have begun: each company's own day decides.
        due = self.sudo().search([("state", "in", OWED), ("due_date", "<=", fields.Date.today())])
        return [("id", "in" if wanted else "not in", due.filtered("is_overdue").ids)]

    def _today(self):
        return today(self.sudo().company_id or self.env.company)

    @api.depends("state")
    @api.depends_context("uid")
    def _compute_may(self):
        user = self.env.user
        operations = user.has_group("distribution_core.group_operations")
        for obligation in self:
            owed = obligation.sudo()
            obligation.may_report = owed.state == "open" and (user == owed.owner_id or operations)
            obligation.may_confirm = owed.state == "reported" and owed._may_confirm(user)
            obligation.may_waive = owed.state in OWED and user in owed._judges()

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        if not self.env.su and any(not name.startswith(("message_", "activity_")) for name in vals):
            raise AccessError(_("A condition changes with its buttons only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Conditions are evidence and are kept."))

    def copy(self, default=None):
        raise UserError(_("A condition cannot be copied: an approver sets it."))

    # --------------------------------------------------------------- setting

    @api.model
    def _check_conditions(self, conditions, company):
        """The conditions of a decision, checked: list of dicts with text, owner_id and due_date."""
        if not isinstance(conditions, (list, tuple)) or not conditions:
            raise ValidationError(
                _("conditions: name at least one condition with text, owner_id and due_date, or approve without.")
            )
        if len(conditions) > MAX_CONDITIONS:
            raise ValidationError(_("conditions: at most %s conditions fit one decision.", MAX_CONDITIONS))
        return [self._check_condition(number, item, company) for number, item in enumerate(conditions, start=1)]

    @api.model
    def _check_condition(self, number, item, company):
        if not isinstance(item, dict) or set(item) != {"text", "owner_id", "due_date"}:
            raise ValidationError(_("conditions: number %s needs text, owner_id and due_date, nothing else.", number))
        text, owner_id, due_date = item["text"], item["owner_id"], item["due_date"]
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(_("conditions: write in number %s what has to be done.", number))
        if len(text) > MAX_CONDITION_TEXT:
            raise ValidationError(
                _("conditions: number %(number)s is too long; write at most %(limit)s characters.")
                % {"number": number, "limit": MAX_CONDITION_TEXT}
            )
        if isinstance(owner_id, bool) or not isinstance(owner_id, int):
            raise ValidationError(_("conditions: owner_id of number %s is the id of a user.", number))
        owner = self.env["res.users"].sudo().browse(owner_id).exists()
        if not owner or not owner.active or owner.share or owner._is_superuser() or company not in owner.company_ids:
            raise ValidationError(
                _(
                    "conditions: owner_id of number %(number)s has to be an active person who works in %(company)s.",
                    number=number,
                    company=company.name,
                )
            )
        try:
            due = due_date if isinstance(due_date, date) else date.fromisoformat(due_date)
        except (TypeError, ValueError) as error:
            raise ValidationError(
                _("conditions: due_date of number %s is a day such as 2027-01-31.", number)
            ) from error
        if due < today(company):
            raise ValidationError(_("conditions: due_date of number %s is past. Choose a later day.", number))
        return {"text": text.strip(), "owner_id": owner.id, "due_date": due}

    @api.model
    def _set(self, decision, conditions):
        """Create the obligations of a decision and tell their owners."""
        request = decision.request_id
        obligations = self.sudo().create(
            [
                {
                    **item,
                    "request_id": request.id,
                    "task_id": decision.task_id.id,
                    "decision_id": decision.id,
                    "set_by_id": decision.user_id.id,
                }
                for item in conditions
            ]
        )
        request.sudo().write({"participant_ids": [(4, user.id) for user in obligations.owner_id]})
        for obligation in obligations:
            obligation._step("set")
            obligation.with_context(mail_activity_quick_update=True).activity_schedule(
                activity_type_id=self.env.ref("distribution_approval.activity_type_condition").id,
                user_id=obligation.owner_id.id,
                summary=_("Condition of %s", request.document_name),
                note=tools.plaintext2html(obligation.text),
                date_deadline=obligation.due_date,
            )
            request._notify(
                obligation.owner_id,
                _(
                    "%(document)s is approved on the condition: %(text)s – you owe it by %(day)s.",
                    document=request.document_name,
                    text=obligation.text,
                    day=obligation.due_date,
                ),
            )
        return obligations

    # --------------------------------------------------------------- meeting

    def action_report(self, comment):
        """The owner (or operations, saying why) reports that the condition is met."""
        self.ensure_one()
        user = self._check_person()
        comment = self._words(comment, _("comment: say how the condition was met."))
        obligation = self.sudo()
        if user != obligation.owner_id and not user.has_group("distribution_core.group_operations"):
            raise AccessError(_("%s owes this condition, or operations reports it.", obligation.owner_id.name))
        obligation._check_state(("open",), _("Only an open condition can be reported as met."))
        obligation.write({"state": "reported", "reported_by_id": user.id})
        obligation._step("reported", comment)
        obligation.request_id._notify(
            obligation._judges() or obligation.set_by_id,
            _(
                "%(document)s: %(user)s reports “%(text)s” as met – %(comment)s. Please confirm.",
                document=obligation.document_name,
                user=user.name,
                text=obligation.text,
                comment=comment,
            ),
        )
        return True

    def action_confirm(self, comment=None):
        """Somebody else confirms that the condition is met."""
        self.ensure_one()
        user = self._check_person()
        obligation = self.sudo()
        obligation._check_state(("reported",), _("Only what is reported as met can be confirmed."))
        if not obligation._may_confirm(user):
            raise AccessError(_("Somebody else has to confirm this: who set the condition, or operations."))
        comment = self.env["distribution.approval.task"]._text("comment", comment)
        if user not in obligation._judges() and not comment:
            raise ValidationError(_("comment: say why you confirm it instead of %s.", obligation.set_by_id.name))
        obligation._close("met", comment)
        return True

    def action_return(self, comment):
        """What was reported does not do: the owner still owes it."""
        self.ensure_one()
        user = self._check_person()
        comment = self._words(comment, _("comment: say what is missing."))
        obligation = self.sudo()
        obligation._check_state(("reported",), _("Only what is reported as met can be sent back."))
        if not obligation._may_confirm(user):
            raise AccessError(_("Somebody else judges this: who set the condition, or operations."))
        obligation.write({"state": "open", "reported_by_id": False})
        obligation._step("returned", comment)
        obligation.request_id._notify(
            obligation.owner_id,
            _(
                "%(document)s: “%(text)s” is not met yet – %(comment)s",
                document=obligation.document_name,
                text=obligation.text,
                comment=comment,
            ),
        )
        return True

    def action_waive(self, comment):
        """An approver lets the condition go, saying why."""
        self.ensure_one()
        user = self._check_person()
        comment = self._words(comment, _("comment: say why the condition is not needed any more."))
        obligation = self.sudo()
        obligation._check_state(OWED, _("This condition is closed."))
        if user not in obligation._judges():
            raise AccessError(_("Only %s, who set the condition, can waive it.", obligation.set_by_id.name))
        obligation._close("waived", comment)
        return True

    def _check_person(self):
        user = self.env.user
        if self.env.uid == SUPERUSER_ID or user._is_superuser() or user.share:
            raise AccessError(_("This takes a person, logged in as themselves."))
        return user

    @api.model
    def _words(self, comment, complaint):
        comment = self.env["distribution.approval.task"]._text("comment", comment)
        if not comment:
            raise ValidationError(complaint)
        return comment

    def _check_state(self, states, complaint):
        """Whoever changes it at the same time writes the same row: one of them starts again."""
        self.ensure_one()
        self.invalidate_recordset()
        if self.state not in states:
            raise UserError(complaint)

    def _judges(self):
        """The approvers who can confirm or waive: who set it, or – when that person may not approve
        any more – the others of the task. Nobody who owes it or has a hand in the document."""
        self.ensure_one()
        resolver = self.env["distribution.approval.resolver"]
        judges = resolver._eligible(self.set_by_id, self.company_id) or resolver._eligible(
            self.task_id.user_ids, self.company_id
        )
        return judges - self.owner_id - self.request_id._excluded_users()

    def _may_confirm(self, user):
        """Not who reported it, nor who owes it, nor anybody with a hand in the document."""
        self.ensure_one()
        if user in self.reported_by_id | self.owner_id | self.request_id._excluded_users():
            return False
        return user in self._judges() or (
            user.has_group("distribution_core.group_operations") and self.company_id in user.company_ids
        )

    def _close(self, state, comment=""):
        """End the condition as met, waived or void."""
        for obligation in self.filtered(lambda obligation: obligation.state in OWED).sudo():
            obligation.write({"state": state, "closed_by_id": self.env.uid, "closed_at": fields.Datetime.now()})
            obligation.activity_ids.unlink()
            obligation._step(state, comment)

    def _step(self, kind, comment=""):
        """Append to the history of the condition and to the ledger."""
        self.ensure_one()
        self.env["distribution.approval.obligation.step"].sudo().create(
            {
                "obligation_id": self.id,
                "kind": kind,
                "user_id": self.env.uid,
                "taken_at": fields.Datetime.now(),
                "comment": comment or False,
            }
        )
        self.request_id._event(
            f"condition_{kind}",
            {
                "condition_id": self.id,
                "decision_id": self.decision_id.id,
                "owner_id": self.owner_id.id,
                "due_date": fields.Date.to_string(self.due_date),
            },
        )

    # ------------------------------------------------------------ escalation

    @api.model
    def _cron_escalate(self):
        """Conditions past due: one case and one notice each. Days without this job do no harm."""
        overdue = self.search([("state", "in", OWED), ("escalated_at", "=", False), ("is_overdue", "=", True)])
        self.env["distribution.approval.batch"]._work_off(overdue, "_escalate")

    def _escalate(self):
        """Past due: a case, and a notice to the approver and the owner's manager."""
        self.ensure_one()
        if self.escalated_at or not self.is_overdue:
            return
        self.write({"escalated_at": fields.Datetime.now()})
        self._step("overdue")
        manager = self.env["distribution.approval.resolver"]._manager_of(self.owner_id, self.company_id)
        waits_for = self.owner_id.name if self.state == "open" else self.set_by_id.name
        self.env["distribution.case"].sudo()._open(
            "condition_overdue",
            self.request_id._document().exists() or self,
            _("Condition of %(document)s is overdue: %(text)s", document=self.document_name, text=self.text[:80]),
            detail=_(
                "Due on %(day)s. It waits for %(person)s. Set by %(approver)s.",
                day=self.due_date,
                person=waits_for,
                approver=self.set_by_id.name,
            ),
            dedup_key=f"condition_overdue:{self.id}",
        )
        self.request_id._notify(
            self.set_by_id | self.owner_id | manager,
            _(
                "%(document)s: the condition “%(text)s” was due on %(day)s and is not met. It waits for %(person)s.",
                document=self.document_name,
                text=self.text,
                day=self.due_date,
                person=waits_for,
            ),
        )

    # ---------------------------------------------------------------- buttons

    def action_open_act(self):
        """Report, confirm, send back or waive, with a comment."""
        self.ensure_one()
        act = self.env.context.get("act", "report")
        titles = {
            "report": _("Report as Met"),
            "confirm": _("Confirm as Met"),
            "return": _("Send Back"),
            "waive": _("Waive Condition"),
        }
        return {
            "type": "ir.actions.act_window",
            "name": titles.get(act, titles["report"]),
            "res_model": "distribution.approval.obligation.act",
            "view_mode": "form",
            "target": "new",
            "context": {"default_obligation_id": self.id, "default_act": act},
        }

    def action_open_request(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "distribution.approval.request",
            "res_id": self.request_id.id,
            "view_mode": "form",
        }

    def action_open_document(self):
        return self.request_id.action_open_document()


class ApprovalObligationStep(models.Model):
    """What happened to a condition. Appended, never changed."""

    _name = "distribution.approval.obligation.step"
    _description = "Step of a Condition"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "kind"

    obligation_id = fields.Many2one("distribution.approval.obligation", required=True, ondelete="restrict", index=True)
    kind = fields.Selection(
        [
            ("set", "Set"),
            ("reported", "Reported as met"),
            ("returned", "Sent back"),
            ("met", "Confirmed"),
            ("waived", "Waived"),
            ("void", "Void"),
            ("overdue", "Overdue"),
        ],
        required=True,
    )
    user_id = fields.Many2one("res.users", string="By", required=True, ondelete="restrict")
    taken_at = fields.Datetime(string="When", required=True)
    comment = fields.Text()

    def init(self):
        protect_append_only(self.env.cr, self._table)


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def _check_outcome(self, outcome, comment, conditions):
        super()._check_outcome(outcome, comment, conditions)
        if outcome == "approve_with_conditions":
            self.env["distribution.approval.obligation"]._check_conditions(conditions, self.sudo().company_id)
        elif conditions:
            raise ValidationError(_("conditions: they belong to the outcome approve_with_conditions only."))

    def _note_decision(self, decision, conditions):
        super()._note_decision(decision, conditions)
        if decision.outcome == "approve_with_conditions":
            obligations = self.env["distribution.approval.obligation"]
            obligations._set(decision, obligations._check_conditions(conditions, self.company_id))


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    obligation_ids = fields.One2many("distribution.approval.obligation", "request_id", readonly=True)
    obligation_count = fields.Integer(compute="_compute_obligation_count", string="Conditions")

    @api.depends("obligation_ids")
    def _compute_obligation_count(self):
        for request in self:
            request.obligation_count = len(request.obligation_ids)

    def _take_up(self, judgement, snapshot, trial=None):
        # What was decided is asked again: the conditions of that decision are void.
        self.sudo().obligation_ids._close("void")
        return super()._take_up(judgement, snapshot, trial)

    def _move(self, state, values=None):
        super()._move(state, values)
        if state in ("rejected", "refused", "withdrawn", "void", "revision"):
            self.sudo().obligation_ids._close("void")

    def action_open_obligations(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_obligation")
        return {**action, "domain": [("request_id", "=", self.id)], "context": {}}


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    def _approval_void_all(self, reason):
        """No approval, no conditions of it."""
        if self.ids:
            self.env["distribution.approval.obligation"].sudo().search(
                [("res_model", "=", self._name), ("res_id", "in", self.ids), ("state", "in", OWED)]
            )._close("void", reason)
        return super()._approval_void_all(reason)
