"""An amendment: a change of a released document that waits for its own approval."""

import json

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import Snapshot
from .gate_frame import gate_frame


class _DryRun(Exception):
    """Ends the savepoint in which an amendment was tried."""


class ApprovalAmendment(models.Model):
    _name = "distribution.approval.amendment"
    _description = "Approval Amendment"
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
        after, judgement = self._try(document, payload)
        if after.digest == before.digest:
            raise UserError(_("Nothing that is controlled would change. Make this change directly."))
        amendment = self.sudo().create(
            {
                "res_model": document._name,
                "res_id": document.id,
                "reason": reason,
                "payload": json.dumps(payload, default=str),
                "before": before.to_json(),
                "after": after.to_json(),
            }
        )
        amendment._file(engine, judgement, after)
        return amendment

    @api.model
    def _try(self, document, payload):
        """What the change leads to, and what policy says about that. Leaves nothing behind."""
        result = []
        try:
            with self.env.cr.savepoint(), gate_frame(self.env):
                document.write(payload)
                engine = document.sudo()
                result = [engine._approval_snapshots()[document.id], engine._approval_verdicts()[document.id]]
                raise _DryRun
        except _DryRun:
            self.env.invalidate_all()
        return result

    def _file(self, document, judgement, after):
        """The request for this amendment. What is within policy is approved by policy."""
        self.ensure_one()
        request = self.env["distribution.approval.request"]._file([(document, judgement, after, "write")], self)
        document._approval_event(
            "amendment_proposed",
            {"request_id": request.id, "digest": after.digest, "amount": str(judgement.amount)},
        )

    def _apply_to(self, document):
        """Write the approved values, as the present user. The gate compares the result."""
        self.ensure_one()
        engine = document.sudo()
        if engine._approval_snapshots()[document.id] != Snapshot.from_json(self.before):
            raise UserError(
                _("%s changed since this amendment was proposed. Propose it again.", engine.display_name)
            )
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
            release = self.env["distribution.approval.release"]._valid_for(engine)[document.id][0]
            if current.digest != release.digest:
                release = release._issue([{**release._copy_values(), **_content(current), "reason": _("Applied")}])
                approved_release = self.env["distribution.approval.release"]._valid_for(engine)[document.id][1]
                approved_release._void(_("Replaced by the release of the lines as they were written."))
            frame.touch(engine)
        self.request_ids.filtered(lambda request: request.state == "approved")._resumed()


def _content(snapshot):
    return {"digest": snapshot.digest, "content": snapshot.to_json()}


def _same_content(one, other):
    """Equal header, and equal lines whatever their keys."""
    return dict(one.header) == dict(other.header) and sorted(
        (str(sorted(values.items(), key=str)) for values in one.lines.values())
    ) == sorted(str(sorted(values.items(), key=str)) for values in other.lines.values())
