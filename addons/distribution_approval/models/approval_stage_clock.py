"""The service clock of an approver entry, as its policy author writes it."""

from dataclasses import replace

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import Escalation, ServiceClock, Target
from .approval_rule import APPROVER_KINDS, protect_published

#: Whom an escalation can turn to: everybody a rule can ask, and two more.
ESCALATION_KINDS = [
    ("approver_manager", "Manager of whoever is asked"),
    *APPROVER_KINDS,
    ("fallback", "Fallback of the policy"),
]
FINAL_ACTIONS = [
    ("none", "Nothing: it stays overdue"),
    ("reject", "Reject the request"),
    ("hold", "Put the request on hold"),
    ("hand_over", "Hand the task to somebody else"),
]


def minutes(hours):
    """Hours as people type them, in whole minutes."""
    return round((hours or 0) * 60)


class ApprovalStage(models.Model):
    _inherit = "distribution.approval.stage"

    service_hours = fields.Float(
        string="Due after (h)", help="Hours of working time from the moment the task is opened. 0: no service clock."
    )
    reminder_hours = fields.Float(string="Remind before (h)", help="Hours of working time before it is due. 0: never.")
    clock_calendar = fields.Selection(
        [
            ("approver", "Whoever is asked, and their substitutes"),
            ("site", "The site of the document"),
            ("company", "The company"),
        ],
        string="Whose Working Time",
        default="approver",
        required=True,
        help="The clock counts while one of these people, or the site, works. Leaves do not count. "
        "Whoever has no working hours of their own works those of the company.",
    )
    escalation_ids = fields.One2many("distribution.approval.escalation", "stage_id", string="Escalations", copy=True)
    final_action = fields.Selection(
        FINAL_ACTIONS,
        default="none",
        required=True,
        help="What happens when nobody has decided by then. Time never approves anything.",
    )
    final_after_hours = fields.Float(
        string="Then after (h)", help="Hours of working time after the last escalation, or after it was due."
    )
    final_user_id = fields.Many2one("res.users", string="To Person", ondelete="restrict")
    final_group_id = fields.Many2one("res.groups", string="To Group", ondelete="restrict")
    clock_text = fields.Char(compute="_compute_clock_text", string="Service Clock")

    _sql_constraints = [
        ("service_hours_positive", "CHECK (service_hours >= 0)", "Due after: enter 0 hours or more."),
        ("reminder_hours_positive", "CHECK (reminder_hours >= 0)", "Remind before: enter 0 hours or more."),
        ("final_after_hours_positive", "CHECK (final_after_hours >= 0)", "Then after: enter 0 hours or more."),
    ]

    def _frozen_columns(self):
        return (
            *super()._frozen_columns(),
            "service_hours",
            "reminder_hours",
            "clock_calendar",
            "final_action",
            "final_after_hours",
            "final_user_id",
            "final_group_id",
        )

    @api.depends(
        "service_hours",
        "reminder_hours",
        "escalation_ids.after_hours",
        "escalation_ids.target_kind",
        "escalation_ids.user_id",
        "escalation_ids.group_id",
        "escalation_ids.sequence",
        "final_action",
        "final_after_hours",
        "final_user_id",
        "final_group_id",
    )
    def _compute_clock_text(self):
        for stage in self:
            stage.clock_text = stage._clock_words()

    def _clock_words(self):
        """ "due after 8 h, reminder 2 h before, after 4 h Manager of whoever is asked, after 8 h rejected"."""
        if not self.service_hours:
            return False
        words = [_("due after %s h", format(self.service_hours, "g"))]
        if self.reminder_hours:
            words.append(_("reminder %s h before", format(self.reminder_hours, "g")))
        for escalation in self.escalation_ids.sorted(lambda step: (step.sequence, step._origin.id or 0)):
            words.append(
                _("after %(hours)s h to %(whom)s", hours=format(escalation.after_hours, "g"), whom=escalation._label())
            )
        endings = {
            "reject": _("after %s h rejected"),
            "hold": _("after %s h on hold"),
            "hand_over": _("after %%s h handed to %s", self.final_user_id.name or self.final_group_id.name or "?"),
        }
        if self.final_action in endings:
            words.append(endings[self.final_action] % f"{self.final_after_hours:g}")
        return ", ".join(words)

    @api.constrains(
        "service_hours", "reminder_hours", "escalation_ids", "final_action", "final_user_id", "final_group_id"
    )
    def _check_clock(self):
        for stage in self:
            if not stage.service_hours:
                if stage.escalation_ids or stage.final_action != "none" or stage.reminder_hours:
                    raise ValidationError(
                        _(
                            "Rule “%(rule)s”, %(stage)s: reminders, escalations and a final action need a service "
                            "time. Fill in “Due after”.",
                            rule=stage.rule_id.name,
                            stage=stage._label(),
                        )
                    )
                continue
            for message, remedy in stage._clock().problems():
                raise ValidationError(
                    _(
                        "Rule “%(rule)s”, %(stage)s: %(message)s %(remedy)s",
                        rule=stage.rule_id.name,
                        stage=stage._label(),
                        message=message,
                        remedy=remedy,
                    )
                )

    def _words(self):
        clock = _(" within %s h", format(self.service_hours, "g")) if self.service_hours else ""
        return super()._words() + clock

    def _to_engine(self):
        return replace(super()._to_engine(), clock=self._clock())

    def _clock(self):
        """The service clock for the engine, or None."""
        self.ensure_one()
        if not self.service_hours:
            return None
        final_target = None
        if self.final_action == "hand_over" and self.final_user_id:
            final_target = Target("user", str(self.final_user_id.id), self.final_user_id.name)
        elif self.final_action == "hand_over" and self.final_group_id:
            final_target = Target("group", str(self.final_group_id.id), self.final_group_id.name)
        return ServiceClock(
            minutes=max(minutes(self.service_hours), 1),
            reminder=minutes(self.reminder_hours),
            escalations=tuple(
                Escalation(minutes(step.after_hours), step._target())
                for step in self.escalation_ids.sorted(lambda step: (step.sequence, step._origin.id or 0))
            ),
            final=self.final_action,
            final_after=minutes(self.final_after_hours) if self.final_action != "none" else 0,
            final_target=final_target,
            calendar=self.clock_calendar,
        )


class ApprovalEscalation(models.Model):
    """One step of the chain of escalations of an approver entry."""

    _name = "distribution.approval.escalation"
    _description = "Approval Escalation"
    _inherit = ["distribution.approval.rule.part"]
    _order = "stage_id, sequence, id"

    stage_id = fields.Many2one("distribution.approval.stage", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10)
    after_hours = fields.Float(
        string="After (h)",
        default=4,
        help="Hours of working time after the step before; the first one after the task was due.",
    )
    target_kind = fields.Selection(ESCALATION_KINDS, string="To", required=True, default="approver_manager")
    user_id = fields.Many2one("res.users", string="Person", ondelete="restrict")
    group_id = fields.Many2one("res.groups", ondelete="restrict")

    _sql_constraints = [
        ("after_hours_positive", "CHECK (after_hours >= 0)", "After: enter 0 hours or more."),
    ]

    def init(self):
        protect_published(
            self.env.cr,
            self._table,
            ("stage_id", "sequence", "after_hours", "target_kind", "user_id", "group_id"),
            """SELECT rule.version_id
                 FROM distribution_approval_stage stage
                 JOIN distribution_approval_rule rule ON rule.id = stage.rule_id
                WHERE stage.id = ($1).stage_id""",
        )

    @api.constrains("target_kind", "user_id", "group_id")
    def _check_target(self):
        for step in self:
            if step.target_kind == "user" and not step.user_id:
                raise ValidationError(_("Choose the person to whom %s is escalated.", step.stage_id._label()))
            if step.target_kind == "group" and not step.group_id:
                raise ValidationError(_("Choose the group to which %s is escalated.", step.stage_id._label()))

    def _versions(self):
        return self.stage_id.rule_id.version_id

    def _label(self):
        if self.target_kind == "user":
            return self.user_id.name or ""
        if self.target_kind == "group":
            return self.group_id.name or ""
        return dict(self._fields["target_kind"]._description_selection(self.env))[self.target_kind]

    def _target(self):
        key = {"user": self.user_id, "group": self.group_id}.get(self.target_kind)
        return Target(self.target_kind, str(key.id) if key else "", self._label())
