"""From the last approval to the released document: two transactions, and a safety net."""

import logging
import random
import time
from functools import partial

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from ..engine import Snapshot

_logger = logging.getLogger(__name__)
# At once after the decision: so often, and with pauses that grow from this many seconds.
RESUME_ATTEMPTS = 5
RESUME_PAUSE = 0.05


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _release(self):
        """The last approval is in: write the release, and let the blocked action go on after commit."""
        self.ensure_one()
        snapshot = Snapshot.from_json(self.snapshot_id.content)
        version = self.version_id
        self.env["distribution.approval.release"]._issue(
            [
                {
                    "res_model": self.res_model,
                    "res_id": self.res_id,
                    "document_type": self.document_type,
                    "document_name": self.document_name,
                    "kind": self._release_kind(),
                    "released_at": fields.Datetime.now(),
                    "user_ref": self.env.uid,
                    "company_id": self.company_id.id,
                    "partner_ref": self.partner_id.id,
                    "amount": self.amount,
                    "version_id": version.id,
                    "request_id": self.id,
                    "digest": snapshot.digest,
                    "content": self.snapshot_id.content,
                    "facts": self.snapshot_id.facts,
                    "rules": self.snapshot_id.rules,
                    "variant_refs": self.snapshot_id.variant_refs,
                    "local_variant": self.snapshot_id.local_variant,
                    "tolerance_percent": version.tolerance_percent,
                    "tolerance_amount": version.tolerance_amount,
                    "rate_tolerance_percent": version.rate_tolerance_percent,
                    "reason": self._release_reason(),
                }
            ]
        )
        self._announce_approval()
        self.sudo().write({"resume_state": "pending"})
        self._resume_after_commit()

    def _release_kind(self):
        """The kind of release that this request leads to."""
        return "amendment" if self.kind == "amendment" else "approval"

    def _release_reason(self):
        """Why, where its kind does not say so; none: decisions say why."""
        return

    def _announce_approval(self):
        self._event(
            "approved",
            {
                "amount": str(self.amount),
                "policy_version_id": self.version_id.id,
                "digest": self.digest,
                "kind": self.kind,
                "approver_ids": self.decision_ids._approving()
                .filtered(lambda decision: decision.round == self.round)
                .user_id.ids,
            },
        )

    def _resume_after_commit(self):
        """Carry on at once in a transaction of its own; the scheduled action is the safety net."""
        self.env.ref("distribution_approval.ir_cron_resume").sudo()._trigger()
        registry, request_ids = self.env.registry, tuple(self.ids)
        self.env.cr.postcommit.add(partial(_resume_in_own_transaction, registry, request_ids))

    @api.model
    def _cron_resume(self):
        """Carry on with everything that is approved and not released; one transaction each."""
        for request in self.search([("resume_state", "=", "pending")], order="id"):
            try:
                request._resume(commit=True)
            except Exception as error:
                self.env.cr.rollback()
                if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    _logger.info("%s: somebody else saved the document; release is tried again later", request.id)
                else:
                    _logger.exception("%s: release is tried again later", request.id)

    def _resume(self, commit=False, wait=False):
        """Carry on with the blocked action, as the requester with their present rights.

        Two workers never resume one request: the row is locked. Whoever comes second passes by, or, with
        ``wait``, looks again when the first one is through.

        :return: whether the action is done now
        :raises psycopg2.Error: somebody else saved the document or the request meanwhile: try again
        """
        self.ensure_one()
        self.flush_recordset()
        self.env.cr.execute(
            f"""SELECT id FROM distribution_approval_request
                 WHERE id = %s AND resume_state IN ('pending', 'failed') AND state = 'approved'
                   FOR UPDATE {'' if wait else 'SKIP LOCKED'}""",
            (self.id,),
            log_exceptions=not wait,
        )
        if not self.env.cr.fetchone():
            return False
        self.invalidate_recordset()
        if self._is_outdated():
            return False
        try:
            with self.env.cr.savepoint():
                self._carry_on()
        except Exception as error:
            if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                raise  # somebody else saved the document meanwhile: not a failure, tried again
            _logger.info("%s: release failed", self.name, exc_info=True)
            self._resume_failed(error)
        if commit:
            self.env.cr.commit()  # pylint: disable=invalid-commit
        return self.resume_state == "done"

    def _is_outdated(self):
        """What was approved cannot come about any more: everything asked for it is void."""
        document = self._document()
        reason = document._approval_outdated() if self.kind == "release" else False
        if reason:
            document._approval_void_all(reason)
            self._notify(self.requester_id, f"{self.document_name}: {reason}")
        return bool(reason)

    def _carry_on(self):
        """Do what was blocked, with the rights that the requester has now."""
        requester = self.requester_id
        if not requester.active and not requester._is_superuser():
            raise UserError(
                _(
                    "%s, who asked, is inactive. Somebody with the right has to confirm the document: "
                    "its approval stays valid.",
                    requester.name,
                )
            )
        document = (
            self.env[self.res_model]
            .with_user(requester)
            .with_context(**_resume_context(requester, self.company_id))
            .browse(self.res_id)
        )
        if self.kind == "amendment":
            self.amendment_id._apply_to(document)
        else:
            document._approval_resume(self.action_name)
        self.env.flush_all()
        if self.resume_state != "done":
            if not document._approval_is_guarded() and not document._approval_waits_for_others():
                raise UserError(
                    _(
                        "%(document)s was not released: it is in state “%(state)s”.",
                        document=self.document_name,
                        state=document.sudo()._approval_state_words(),
                    )
                )
            self.sudo()._resumed()

    def _resumed(self):
        """The document has reached its guarded state (or the amendment is in force)."""
        for request in self.filtered(lambda request: request.resume_state != "done"):
            request.sudo().write({"resume_state": "done"})
            if request.kind == "release":
                request._document()._approval_set_state("released")
            request._event(
                "released" if request.kind == "release" else "amended",
                {"digest": request.digest, "amount": str(request.amount), "request_id": request.id},
            )

    def _resume_failed(self, error):
        message = str(error.args[0]) if isinstance(error, UserError) and error.args else str(error)
        self.sudo().write({"resume_state": "failed", "reason": message[:500]})
        self._event("release_failed", {"reason": type(error).__name__})
        case = (
            self.env["distribution.case"]
            .sudo()
            ._open(
                "approved_not_released",
                self._document(),
                _("Approved, not released: %s", self.document_name),
                detail=message,
                dedup_key=f"approved_not_released:{self.id}",
            )
        )
        self._say(
            _(
                "Approved, but it could not be released: %(error)s (case %(case)s)",
                error=message,
                case=case.display_name,
            )
        )


def _resume_context(user, company):
    return {"allowed_company_ids": [company.id], "lang": user.lang, "tz": user.tz}


def _resume_in_own_transaction(registry, request_ids):
    """After the decision is committed: carry on, whatever happens to the transaction that decided.

    One transaction per request. Somebody who saves the same document at the same instant makes us
    look again, and one who clicked a moment too late and still holds the request is waited for; what
    still does not work is left to the scheduled action, and the decision stands.
    """
    for request_id in request_ids:
        for attempt in range(1, RESUME_ATTEMPTS + 1):
            try:
                with registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    env["distribution.approval.request"].browse(request_id)._resume(commit=True, wait=True)
                break
            except Exception as error:
                if getattr(error, "pgcode", None) not in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    _logger.exception("release of request %s is left to the scheduled action", request_id)
                    break
                _logger.info("release of request %s: somebody else saved the document, attempt %s", request_id, attempt)
                time.sleep(random.uniform(0, RESUME_PAUSE * 2**attempt))
