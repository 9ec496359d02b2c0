"""What a request tells people: its banner and its timeline."""

import json

from markupsafe import Markup, escape
from odoo import _, api, fields, models


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _banner(self):
        """ "Waiting for Finance since 2 h – rule 4 of Purchase policy v3", as safe HTML."""
        self.ensure_one()
        rules = json.loads(self.snapshot_id.rules or "[]")
        where = ", ".join(self._rule_words(rule) for rule in rules if rule["mode"] == "enforce")
        source = _("%(rules)s of %(policy)s", rules=where, policy=self.version_id.display_name) if where else ""
        texts = {
            "pending": self._waiting_words(),
            "question": _(
                "A question was asked; it waits for an answer by %s",
                ", ".join(self._open_questions()._holding()._answerers().mapped("name")) or self.requester_id.name,
            ),
            "revision": _("Revision requested: %s", self._last_words()),
            "on_hold": _("On hold: %s", self.reason or ""),
            "refused": _("Refused by policy"),
            "rejected": _("Rejected: %s", self._last_words()),
            "withdrawn": _("The request was withdrawn"),
            "void": _("The approval is void: %s", self.reason or ""),
            "approved": _("Approved, not released: %s", self.reason or _("it is being confirmed"))
            if self.resume_state != "done"
            else _("Approved"),
        }
        text = escape(texts[self.state])
        if self.kind == "amendment":
            text = _("Amendment: %s", text)
        return Markup("%s – %s") % (text, source) if source else text

    @api.model
    def _rule_words(self, rule):
        return _("rule %(number)s “%(name)s”", **rule)

    def _waiting_words(self):
        return _(
            "Waiting for %(whom)s %(time)s",
            whom=self.waiting_for or _("an approver"),
            time=self._age(self.waiting_since),
        )

    def _age(self, since):
        """How long ago, in the largest unit that says something."""
        minutes = int((fields.Datetime.now() - (since or self.requested_at)).total_seconds() // 60)
        if minutes < 2:
            return _("(asked just now)")
        if minutes < 60:
            return _("since %s min", minutes)
        if minutes < 48 * 60:
            return _("since %s h", minutes // 60)
        return _("since %s days", minutes // (24 * 60))

    def _last_words(self):
        """The reason that the last decision gave."""
        self.ensure_one()
        last = self.decision_ids.sorted("id")[-1:]
        return last._words() if last else (self.reason or "")

    def _timeline_evidence(self):
        """What else happened, as entries with a time: each kind of evidence adds its own."""
        return []

    @api.model
    def _round_words(self, number):
        return _("Requested") if number == 1 else _("Asked again (round %s)", number)

    @api.model
    def _of_task(self, task, what):
        """The title of an entry: what happened to which task."""
        return _("%(task)s: %(what)s", task=task.name, what=what)

    def _timeline_entries(self):
        """What happened and what is to come, in order: dicts with time, title, text, icon, who."""
        self.ensure_one()
        entries = [
            {
                "time": snapshot.taken_at,
                "icon": "fa-paper-plane",
                "title": self._round_words(snapshot.round),
                "who": snapshot.user_id.name,
                "text": snapshot._rule_summary(),
                "kind": "request",
            }
            for snapshot in self.snapshot_ids.sorted("id")
        ]
        for decision in self.decision_ids:
            entries.append(
                {
                    "time": decision.decided_at,
                    "icon": decision._icon(),
                    "title": self._of_task(decision.task_id, decision._outcome_label()),
                    "who": decision._who(),
                    "text": decision._words(),
                    "kind": decision.outcome,
                }
            )
        for question in self.task_ids.question_ids:
            entries.append(
                {
                    "time": question.asked_at,
                    "icon": "fa-question-circle",
                    "title": _("Question to %s", question.asked_id.name) if question.asked_id else _("Question"),
                    "who": question.user_id.name,
                    "text": question.question,
                    "kind": "question",
                }
            )
            if question.answered_at:
                entries.append(
                    {
                        "time": question.answered_at,
                        "icon": "fa-reply",
                        "title": _("Answer"),
                        "who": question.answered_by_id.name,
                        "text": question.answer,
                        "kind": "answer",
                    }
                )
        entries.extend(self._timeline_evidence())
        entries.sort(key=lambda entry: entry["time"])
        if self.closed_at and self.state in ("withdrawn", "void", "refused"):
            entries.append(
                {
                    "time": self.closed_at,
                    "icon": "fa-ban",
                    "title": dict(self._fields["state"]._description_selection(self.env))[self.state],
                    "who": "",
                    "text": self.reason or "",
                    "kind": "closed",
                }
            )
        for task in self._current_tasks().filtered(lambda task: task.state in ("open", "waiting")):
            entries.append(
                {
                    "time": False,
                    "icon": "fa-hourglass-half" if task.state == "open" else "fa-circle-o",
                    "title": _("Waiting for %s", task._label_with_quorum())
                    if task.state == "open"
                    else _("Then %s", task._label_with_quorum()),
                    "who": ", ".join(task.user_ids.mapped("name")) or _("nobody yet"),
                    "text": _("Fallback: the approver that the policy names was not available.")
                    if task.is_fallback
                    else "",
                    "kind": task.state,
                }
            )
        if self.state == "approved":
            entries.append(
                {
                    "time": self.closed_at,
                    "icon": "fa-check-circle",
                    "title": {
                        "done": _("Released"),
                        "failed": _("Approved, not released"),
                        "pending": _("Approved, being released"),
                    }.get(self.resume_state, _("Approved")),
                    "who": "",
                    "text": self.reason or "",
                    "kind": "approved",
                }
            )
        return entries
