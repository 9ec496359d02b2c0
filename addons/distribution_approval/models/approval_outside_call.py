"""Questions that wait to be asked outside, the job that asks them, and the answers as evidence."""

import json
import logging
import random
import time
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.engine import circuit
from odoo.addons.distribution_core.engine.backoff import backoff_seconds
from odoo.addons.distribution_core.secret_box import SecretKeyProblem
from odoo.addons.distribution_core.turns import in_turn

from .approval_outside_check import _digest
from .approval_request import document_version

_logger = logging.getLogger(__name__)

#: How long one run of the job goes on, in seconds; the next run takes the rest.
RUN_SECONDS = 240

OUTCOMES = [
    ("ok", "Answered"),
    ("timeout", "No answer in time"),
    ("unreachable", "Not reachable"),
    ("status", "Refused by the service"),
    ("garbage", "Answer not readable"),
    ("wrong_type", "Answer is no such value"),
    ("blocked", "Address not allowed"),
    ("credential", "Credential not readable"),
]


class ApprovalOutsideAnswer(models.Model):
    """One attempt to ask: the question, the answer, and what it was taken for. Appended, never changed."""

    _name = "distribution.approval.outside.answer"
    _description = "Answer of an Outside Check"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "outcome"

    check_id = fields.Many2one("distribution.approval.outside.check", required=True, ondelete="restrict", index=True)
    request_id = fields.Many2one(
        "distribution.approval.request",
        ondelete="restrict",
        index="btree_not_null",
        help="For which it was asked first.",
    )
    company_id = fields.Many2one("res.company", ondelete="restrict")
    question = fields.Text(required=True, help="The values that were sent, canonical JSON; no credentials.")
    question_words = fields.Char(string="Asked", compute="_compute_question_words")
    question_digest = fields.Char(required=True)
    definition_digest = fields.Char(required=True, help="SHA-256 of the check's definition at that time.")
    attempt = fields.Integer(required=True)
    answered_at = fields.Datetime(required=True)
    milliseconds = fields.Integer(group_operator="avg")
    outcome = fields.Selection(OUTCOMES, required=True)
    status_code = fields.Integer(group_operator=None)
    value = fields.Text(help="What the answer says, JSON.")
    error = fields.Char()
    body = fields.Text(help="The answer, cut to 8,000 characters, without the credential.")
    body_digest = fields.Char(help="SHA-256 of the whole answer.")

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_outside_answer_fresh_idx
                   ON distribution_approval_outside_answer (check_id, question_digest, id DESC) WHERE outcome = 'ok'"""
        )

    @api.depends("question")
    def _compute_question_words(self):
        for answer in self:
            answer.question_words = _words(answer.question)


class ApprovalOutsideCall(models.Model):
    """A question that waits: asked by the scheduled job, with backoff, as long as somebody is held for it."""

    _name = "distribution.approval.outside.call"
    _description = "Question to an Outside Check"
    _inherit = ["distribution.approval.evidence"]
    _order = "next_at, id"
    _rec_name = "check_id"

    check_id = fields.Many2one(
        "distribution.approval.outside.check", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one("res.company", readonly=True, ondelete="restrict")
    question = fields.Text(required=True, readonly=True)
    question_words = fields.Char(string="Asked", compute="_compute_question_words")
    question_digest = fields.Char(required=True, readonly=True)
    state = fields.Selection(
        [("queued", "Waiting"), ("answered", "Answered"), ("dropped", "Not needed any more")],
        default="queued",
        required=True,
        readonly=True,
        index=True,
    )
    attempts = fields.Integer(readonly=True)
    next_at = fields.Datetime(string="Asked Next", required=True, readonly=True)
    last_error = fields.Char(readonly=True)
    request_ids = fields.Many2many(
        "distribution.approval.request", "distribution_approval_outside_call_request_rel", "call_id", "request_id",
        readonly=True, string="Held for It",
    )  # fmt: skip

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_outside_call_waits_once
                   ON distribution_approval_outside_call (check_id, question_digest) WHERE state = 'queued'"""
        )

    @api.depends("question")
    def _compute_question_words(self):
        for call in self:
            call.question_words = _words(call.question)

    # ---------------------------------------------------------------- queueing

    @api.model
    def _queue(self, check, question, request):
        """The question waits, once, and ``request`` with it. Returns whether it is new."""
        self.flush_model()
        self.env.cr.execute(
            """INSERT INTO distribution_approval_outside_call
                      (check_id, company_id, question, question_digest, state, attempts, next_at, create_uid,
                       create_date, write_uid, write_date)
               VALUES (%s, %s, %s, %s, 'queued', 0, now() AT TIME ZONE 'UTC', %s, now() AT TIME ZONE 'UTC',
                       %s, now() AT TIME ZONE 'UTC')
               ON CONFLICT (check_id, question_digest) WHERE state = 'queued' DO NOTHING
            RETURNING id""",
            (check.id, request.company_id.id, question, _digest(question), self.env.uid, self.env.uid),
        )
        row = self.env.cr.fetchone()
        waits = [("check_id", "=", check.id), ("question_digest", "=", _digest(question)), ("state", "=", "queued")]
        call = self.sudo().browse(row) if row else self.sudo().search(waits, limit=1)
        if request not in call.request_ids:
            call.write({"request_ids": [(4, request.id)]})
        return bool(row)

    # -------------------------------------------------------------- the job

    @api.model
    def _cron_call(self, commit=True):
        """Ask what is due. Each question is claimed, asked while no transaction is open, and stored by itself."""
        until = time.monotonic() + RUN_SECONDS
        asked = 0
        while time.monotonic() < until:
            call = self._claim()
            if not call:
                break
            answer = call._ask(commit)
            if commit:
                call._keep_answer(answer)
            else:
                call._store(call.check_id._understand(answer))
            asked += 1
        return asked

    def _ask(self, commit):
        """The service's answer, or the reason why there is none."""
        check = self.check_id
        message, problem = None, None
        try:
            message = check._message(self.question)
        except SecretKeyProblem as error:
            problem = error
        if commit:
            self.env.cr.commit()  # pylint: disable=invalid-commit
        return problem or check._send(message)

    def _keep_answer(self, answer):
        """Store and commit ``answer``. What cannot be stored is a case, and stops no other question."""
        try:
            in_turn(self.env, lambda: self._store(self.check_id._understand(answer)))
        except Exception as error:
            self.env.cr.rollback()  # pylint: disable=invalid-commit
            _logger.exception("The answer to question %s could not be stored", self.id)
            self.env["distribution.case"].sudo()._open(
                "outside_check_failed",
                self.check_id,
                _("%s: an outside answer could not be stored", self.check_id.name),
                detail=str(error),
                dedup_key=f"outside_store:{self.id}",
            )
            self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _claim(self):
        """The next question that is due and may be asked; its lease runs until it must have been asked."""
        now = fields.Datetime.now()
        checks = self.env["distribution.approval.outside.check"].sudo().search([("state", "=", "active")])
        open_now = checks.filtered(lambda check: circuit.may_call(check._circuit(), check._circuit_rules(), now))
        self.flush_model()
        self.env.cr.execute(
            """SELECT id FROM distribution_approval_outside_call
                WHERE state = 'queued' AND next_at < %s AND check_id = ANY(%s)
             ORDER BY next_at, id LIMIT 1
                  FOR UPDATE SKIP LOCKED""",
            # ``now`` is a whole second; the job was woken by what became due within it.
            (now + timedelta(seconds=1), open_now.ids),
        )
        row = self.env.cr.fetchone()
        if not row:
            return self.browse()
        call = self.sudo().browse(row)
        check = call.check_id
        lease = timedelta(seconds=check.timeout_seconds + 60)
        call.write({"attempts": call.attempts + 1, "next_at": now + lease})
        check._keep_circuit(circuit.begun(check._circuit(), check._circuit_rules(), now))
        self.env.flush_all()
        return call

    def _store(self, result):
        """Keep the answer, and what follows from it."""
        self.ensure_one()
        check = self.check_id
        now = fields.Datetime.now()
        self.env.cr.execute("SELECT id FROM distribution_approval_outside_check WHERE id = %s FOR UPDATE", (check.id,))
        check.invalidate_recordset(["failures", "opened_at", "probe_at"])
        held = self.request_ids.filtered(lambda request: request.state == "on_hold")
        answer = (
            self.env["distribution.approval.outside.answer"]
            .sudo()
            .create(
                {
                    "check_id": check.id,
                    "request_id": self.request_ids[:1].id,
                    "company_id": self.company_id.id,
                    "question": self.question,
                    "question_digest": self.question_digest,
                    "definition_digest": check._definition_digest(),
                    "attempt": self.attempts,
                    "answered_at": now,
                    **result,
                }
            )
        )
        if result["outcome"] != "ok" or self.attempts > 1:
            _logger.info("Outside check %s, attempt %s: %s", check.code, self.attempts, result["outcome"])
        self.env["distribution.event"].sudo()._record(
            "distribution.outside_check.answered.v1",
            answer,
            {
                "check_id": check.id,
                "fact": check._fact_name(),
                "outcome": answer.outcome,
                "attempt": answer.attempt,
                "milliseconds": answer.milliseconds,
                "question_digest": answer.question_digest,
                "body_digest": answer.body_digest or None,
                "request_ids": self.request_ids.ids,
            },
            correlation=f"{held[:1].res_model},{held[:1].res_id}" if held else None,
        )
        if _service_failed(result):
            check._keep_circuit(circuit.failed(check._circuit(), check._circuit_rules(), now))
        else:
            check._keep_circuit(circuit.succeeded(check._circuit()))
        if result["outcome"] == "ok":
            self.write({"state": "answered", "last_error": False})
            self._judge(held)
        else:
            self._try_later(result, held, now)

    def _judge(self, held):
        """The holds are judged again; one that fails does not stop the others."""
        self.env.flush_all()
        for request in held:
            try:
                with self.env.cr.savepoint():
                    request._lock()
                    if request.state == "on_hold" and request._document().exists():
                        request._judge_hold_again()
                        self.env.flush_all()
            except Exception as error:
                if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    raise  # somebody saves what is held at this moment: the answer is stored again, and not lost to it
                _logger.exception("Request %s could not be judged again", request.id)
                request.invalidate_recordset()
                self.env["distribution.case"].sudo()._open(
                    "outside_check_failed",
                    request,
                    _("%s: an outside answer could not be used", request.name),
                    detail=str(error),
                    dedup_key=f"outside_judge:{request.id}",
                )

    def _try_later(self, result, held, now):
        check = self.check_id
        if not held:
            self.write({"state": "dropped", "last_error": result["error"]})
            return
        delay = backoff_seconds(
            self.attempts, base=check.backoff_seconds, cap=check.backoff_cap_seconds, jitter=random.random()
        )
        next_at = now + timedelta(seconds=delay)
        self.write({"last_error": result["error"], "next_at": next_at})
        check._wake(next_at)
        if check.opened_at:
            check._wake(check.opened_at + timedelta(minutes=check.cool_down_minutes, seconds=1))
        self.env.flush_all()
        for request in held:
            # People see on the document why it is still held.
            judgement = request._judgement(document_version(request)) if request.kind != "amendment" else None
            if judgement and judgement.verdict.outcome == "hold":
                request.sudo().write({"reason": judgement.why()})
        if self.attempts >= check.max_attempts:
            self.env["distribution.case"].sudo()._open(
                "outside_check_failed",
                held[:1],
                _("%s does not answer", check.name),
                detail=_(
                    "Asked %(count)s times; last: %(error)s. Documents that need it stay on hold; it is tried again "
                    "as long as one waits. Look at the check under Configuration / Outside Checks.",
                    count=self.attempts,
                    error=result["error"],
                ),
                dedup_key=f"outside_check_failed:{check.id}",
            )

    def action_ask_now(self):
        """Ask at the next run of the job, which is woken."""
        self.check_id._check_operator()
        due = self.sudo().filtered(lambda call: call.state == "queued")
        if not due:
            raise UserError(_("Nothing of this waits."))
        due.write({"next_at": fields.Datetime.now()})
        self.env["distribution.approval.outside.check"]._wake()
        return True

    @api.depends("check_id", "question")
    def _compute_display_name(self):
        for call in self:
            values = ", ".join(str(value) for value in json.loads(call.question or "{}").values())
            call.display_name = f"{call.check_id.name}: {values}"


def _words(question):
    """ "vat: DE123, country: DE": the values that are sent, for people."""
    return ", ".join(f"{name}: {value}" for name, value in json.loads(question or "{}").items() if value != "")


def _service_failed(result):
    """Whether the service itself is in trouble (a wrong question is not its fault)."""
    if result["outcome"] == "status":
        return result["status_code"] >= 500 or result["status_code"] == 429
    return result["outcome"] in ("timeout", "unreachable")
