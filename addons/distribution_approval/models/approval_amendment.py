"""An amendment: a change of a released document that waits for its own approval."""

import json
from dataclasses import dataclass
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import Snapshot
from .gate_frame import frame_of, gate_frame


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a proposed change leads, as seen while it was tried."""

    after: Any  #: Snapshot
    judgement: Any  #: Judgement
    partner_id: int  #: commercial partner afterwards
    seats: tuple  #: who would be asked


class _DryRun(Exception):
    """Ends the savepoint in which an amendment was tried."""


class ApprovalAmendment(models.Model):
    _name = "distribution.approval.amendment"
    _description = "Approval Amendment"
    _inherit = ["distribution.approval.evidence"]
    _order = "id desc"
    _rec_name = "reason"

    res_model = fields.Char(required=True, readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True, readonly=True)
    reason = fields.Text(required=True, readonly=True, help="Why the released document has to change.")
    payload = fields.Text(required=True, readonly=True, help="The values to be written, JSON.")
    before = fields.Text(required=True, readonly=True, help="The controlled values when it was proposed.")
    after = fields.Text(required=True, readonly=True, help="The controlled values that it leads to.")
    request_ids = fields.One2many("distribution.approval.request", "amendment_id", readonly=True)

    def init(self):
        protect_columns(self.env.cr, self._table, ("res_model", "res_id", "reason", "payload", "before", "after"))

    @api.model
    def _propose(self, document, payload, reason):
        """Propose ``payload`` for a released document. Returns the amendment.

        The old values stay in force; what policy passes is applied at once.

        :param document: the document, with the rights of who proposes
        :param payload: values for ``write``, lines as commands
        """
        document.ensure_one()
        engine = document.sudo()
        if not engine._approval_is_guarded() or not engine._approval_governed():
            raise UserError(
                _("%s is not released: change it directly, it is judged when it is confirmed.", engine.display_name)
            )
        live = engine.approval_request_id.filtered(
            lambda request: request.kind == "amendment" and request.state in ("pending", "question", "on_hold")
        )
        if live:
            raise UserError(_("%s waits already. Withdraw it before you propose another change.", live.name))
        before = engine._approval_snapshots()[document.id]
        trial = self._try(document, payload)
        if trial.after.digest == before.digest:
            raise UserError(_("Nothing that is controlled would change. Make this change directly."))
        returned = engine.approval_request_ids.filtered(lambda r: r.kind == "amendment" and r.state == "revision")
        returned._void(_("Proposed again."))
        amendment = self.sudo().create(
            {
                "res_model": document._name,
                "res_id": document.id,
                "reason": reason,
                "payload": json.dumps(payload, default=str),
                "before": before.to_json(),
                "after": trial.after.to_json(),
            }
        )
        request = self.env["distribution.approval.request"]._file(
            [(engine, trial.judgement, trial.after, "write")], amendment, trial
        )
        engine._approval_event(
            "amendment_proposed",
            {"request_id": request.id, "digest": trial.after.digest, "amount": str(trial.judgement.amount)},
        )
        return amendment

    @api.model
    def _try(self, document, payload):
        """What the change leads to, and what policy says about that (a Trial). Leaves nothing behind."""
        result = None
        if not document._approval_amendable:
            raise UserError(_("%s is not amended: make a new one.", document.display_name))
        # A suspicion that was there before is not forgotten by trying something.
        suspects = frame_of(self.env).suspects
        suspected = document.id in suspects.get(document._name, ())
        try:
            with self.env.cr.savepoint(), gate_frame(self.env):
                document.write(payload)
                engine = document.sudo()
                judgement = engine._approval_verdicts()[document.id]
                excluded = engine._approval_owners() | self.env.user
                seats = (
                    self.env["distribution.approval.resolver"]
                    .sudo()
                    ._seats(engine, judgement.verdict.stages, judgement.version, excluded)
                )
                result = Trial(
                    engine._approval_snapshots()[document.id],
                    judgement,
                    engine._approval_partner().id,
                    tuple(seats),
                )
                raise _DryRun
        except _DryRun:
            if not suspected:
                suspects.get(document._name, set()).discard(document.id)
            self.env.invalidate_all()
        return result

    def _try_again(self, user):
        """The Trial of this amendment today, or None when it would lead elsewhere than proposed."""
        self.ensure_one()
        document = self.env[self.res_model].with_user(user).browse(self.res_id)
        if document.sudo()._approval_snapshots()[self.res_id] != Snapshot.from_json(self.before):
            return None
        trial = self._try(document, json.loads(self.payload))
        return trial if _same_content(trial.after, Snapshot.from_json(self.after)) else None

    def _apply_to(self, document):
        """Write the approved values, as the present user. The gate compares the result."""
        self.ensure_one()
        engine = document.sudo()
        if engine._approval_snapshots()[document.id] != Snapshot.from_json(self.before):
            raise UserError(_("%s changed since this amendment was proposed. Propose it again.", engine.display_name))
        payload = json.loads(self.payload)
        with gate_frame(self.env) as frame:
            # New lines get new ids; what counts is that the content is what was approved.
            document.write(payload)
            self.env.flush_all()
            current = engine._approval_snapshots()[document.id]
            approved = Snapshot.from_json(self.after)
            if not _same_content(current, approved):
                raise UserError(
                    _("Applying the amendment to %s would lead to other values than approved.", engine.display_name)
                )
            release = (
                self.env["distribution.approval.release"]
                ._valid_for(engine)
                .get(document.id, self.env["distribution.approval.release"])
                .filtered(lambda release: release.request_id in self.request_ids)[:1]
            )
            if not release or not _same_content(Snapshot.from_json(release.content), approved):
                raise UserError(_("%s: the release does not belong to this amendment.", engine.display_name))
            if current.digest != release.digest:
                # New lines got their ids only now; the release names them.
                release._issue([{**release._copy_values(), **_content(current), "reason": _("Applied")}])
                release._void(_("Replaced by the release of the lines as they were written."))
            frame.touch(engine)
        self.request_ids.filtered(lambda request: request.state == "approved")._resumed()


def _content(snapshot):
    return {"digest": snapshot.digest, "content": snapshot.to_json()}


def _same_content(one, other):
    """Equal header, and equal lines whatever their keys."""
    return dict(one.header) == dict(other.header) and sorted(
        str(sorted(values.items(), key=str)) for values in one.lines.values()
    ) == sorted(str(sorted(values.items(), key=str)) for values in other.lines.values())
