"""Approvals for other systems: a request to read, and a person's decision that reached another system."""

from odoo import models

from odoo.addons.distribution_core.engine.problem import Problem

from .approval_link import TooManyGuesses

#: What a link says about itself, and what the caller is told.
STATUSES = {
    "used": ("conflict", "This token was used already."),
    "expired": ("token-refused", "The token has expired, or was replaced by a newer one."),
    "copy": ("token-refused", "This is a copy of the system: nothing is decided here."),
    "other": ("token-refused", ""),
    "inactive": ("token-refused", "The person is not active any more."),
    "closed": ("conflict", "Nothing is to be decided any more."),
    "decided": ("conflict", "This person decided already."),
    "not_yours": ("conflict", "It is not this person's to decide any more."),
    "changed": ("conflict", "The document has changed since it was asked."),
}


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    # ---------------------------------------------------------------- requests

    def _read_approval_requests(self, _key, arguments):
        """A request as the account of the key may read it."""
        request = self.env["distribution.approval.request"].search([("id", "=", arguments["id"])])
        if not request:
            raise Problem("not-found", "There is no such request, or it is not the account's to read.")
        tasks = self.env["distribution.approval.task"].search([("request_id", "=", request.id)], order="id")
        decisions = self.env["distribution.approval.decision"].search([("request_id", "=", request.id)], order="id")
        return {
            "id": request.id,
            "name": request.name,
            "document_type": request.document_type,
            "document": f"{request.res_model},{request.res_id}",
            "document_name": request.document_name or "",
            "kind": request.kind,
            "company_id": request.company_id.id,
            "state": request.state,
            "release": request.resume_state or None,
            "reason": request.reason or None,
            "amount": request.amount,
            "currency": request.currency_id.name,
            "requester_id": request.requester_id.id,
            "requested_at": _moment(request.requested_at),
            "closed_at": _moment(request.closed_at),
            "round": request.round,
            "digest": request.digest or None,
            "tasks": [
                {
                    "id": task.id,
                    "name": task.name,
                    "stage": task.sequence,
                    "state": task.state,
                    "quorum": task.quorum,
                    "digest": task.digest or None,
                    "user_ids": task.user_ids.ids,
                }
                for task in tasks
            ],
            "decisions": [
                {
                    "id": decision.id,
                    "task_id": decision.task_id.id,
                    "user_id": decision.user_id.id,
                    "outcome": decision.outcome,
                    "decided_at": _moment(decision.decided_at),
                    "channel": decision.channel or "form",
                }
                for decision in decisions
            ],
        }

    # --------------------------------------------------------------- decisions

    def _apply_approval_decisions(self, call, body):
        """Decide as the person to whom the token was sent. The key alone is nobody's approval."""
        # sudo: whoever holds the token; what it is good for is decided by the link's status
        links = self.env["distribution.approval.link"].sudo()
        # sudo: the account of the key does not read keys
        system = call.sudo().api_key_id
        try:
            # Wrong tokens are counted by system. What was counted stays: the refusal is returned, not raised.
            link = links._find(body["token"], f"{system._name},{system.id}")
        except TooManyGuesses:
            raise Problem("rate-limited", "Too many wrong tokens.", headers={"Retry-After": "900"}) from None
        # One answer for all: it does not tell which tokens exist.
        if not link or link.task_id.id != body["task_id"] or link.company_id not in self.env.companies:
            return Problem("token-refused")
        status = link._status(links.env["res.users"])
        if status == "login":
            task = link.task_id
            address = f"{task.get_base_url()}/web#model={task._name}&id={task.id}&view_type=form"
            raise Problem("session-needed", link=address)
        if status != "open":
            kind, detail = STATUSES[status]
            raise Problem(kind, detail)
        if body["seen_digest"] != link.digest:
            raise Problem("conflict", "The document has changed since the person saw it.")
        comment, reason_code = body.get("comment", ""), body.get("reason_code")
        link._decide(body["outcome"], comment, body["seen_digest"], channel="api", reason_code=reason_code)
        request = link.task_id.request_id
        call._about(request)
        return {"request_id": request.id, "request_state": request.state, "decision_id": link.decision_id.id}


def _moment(value):
    return value.isoformat() + "Z" if value else None
