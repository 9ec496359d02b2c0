"""A question does not stop the clock for ever: it has a due time of its own."""

from datetime import timedelta

from odoo import _, api, fields, models

from odoo.addons.distribution_core.append_only import protect_columns

#: What applies where no policy version says otherwise, in hours of working time.
QUESTION_HOURS = 16


class ApprovalQuestion(models.Model):
    """When the answer is due, and what happens without one.

    Rules, in words:

    * An answer is due after the hours of working time that the policy version grants, in the working time of
      whoever is asked.
    * A question that is not answered by then *lapses*: it holds nothing up any more, the service clock runs on, and
      whoever asked is told. It decides nothing.
    * It can still be answered as long as the request is under way.
    * The job may miss a day: a question lapses once, when it is found.
    """

    _inherit = "distribution.approval.question"

    due_at = fields.Datetime(string="Answer Due", index="btree_not_null")
    lapsed_at = fields.Datetime(string="Not Answered in Time", help="When it stopped holding the request up.")

    def init(self):
        super().init()
        protect_columns(self.env.cr, self._table, ("due_at",), "OLD.due_at IS NOT NULL", "due")
        protect_columns(self.env.cr, self._table, ("lapsed_at",), "OLD.lapsed_at IS NOT NULL", "lapsed")

    def _set_due(self):
        """Say when the answers are due, counted from now."""
        source = self.env["distribution.approval.working.time"].sudo()
        now = fields.Datetime.now()
        for question in self.sudo():
            request = question.task_id.request_id
            hours = request.version_id.question_hours or QUESTION_HOURS
            until = now + timedelta(days=21 + hours // 4 * 2)
            work = source._of(request.company_id, now, until, users=question._answerers().filtered("active"))
            question.due_at = work.after(now, hours * 60) or until

    def _holding(self):
        """Those for whose answer the request waits."""
        return self.filtered(lambda question: not question.answered_at and not question.lapsed_at)

    @api.model
    def _cron_lapse(self):
        """Questions whose answer is overdue, each for itself."""
        asked = [("answered_at", "=", False), ("lapsed_at", "=", False), ("task_id.request_id.state", "=", "question")]
        self.search([*asked, ("due_at", "=", False)])._set_due()
        overdue = self.search([*asked, ("due_at", "<=", fields.Datetime.now())], order="id")
        self.env["distribution.approval.batch"]._work_off(overdue, "_lapse")

    def _lapse(self):
        """Not answered in time: the request goes on without the answer."""
        self.ensure_one()
        request = self.task_id.request_id
        request._lock()
        if self.answered_at or self.lapsed_at or request.state != "question":
            return
        state = request._without_questions(self)
        self.write({"lapsed_at": fields.Datetime.now()})
        request._apply(state)
        people = self._answerers()
        request._event("question_lapsed", {"task_id": self.task_id.id, "user_ids": people.ids})
        request._notify(
            self.user_id,
            _(
                "%(document)s: %(people)s did not answer “%(question)s” in time. The clock runs again; decide without "
                "the answer, or ask somebody else.",
                document=request.document_name,
                people=", ".join(people.mapped("name")) or _("nobody"),
                question=self.question,
            ),
        )


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def _clock_words(self):
        words = super()._clock_words()
        if self.state != "open" or self.request_state != "question":
            return words
        due = self.request_id._open_questions()._holding().mapped("due_at")
        if not any(due):
            return words
        return _(
            "The clock stands still until the question is answered, at the latest until %s.", self._local(max(due))
        )

    @api.model
    def _cron_service_clock(self):
        self.env["distribution.approval.question"]._cron_lapse()
        return super()._cron_service_clock()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _timeline_evidence(self):
        lapsed = self.task_ids.question_ids.filtered("lapsed_at")
        title, text = _("Not answered in time"), _("The request goes on without the answer.")
        return super()._timeline_evidence() + [
            {
                "time": question.lapsed_at,
                "icon": "fa-clock-o",
                "title": title,
                "who": ", ".join(question._answerers().mapped("name")),
                "text": text,
                "kind": "lapsed",
            }
            for question in lapsed
        ]


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    question_hours = fields.Integer(
        string="Answers Due after (h)",
        default=QUESTION_HOURS,
        help="Hours of working time of whoever is asked a question. Without an answer by then the clock runs on.",
    )
