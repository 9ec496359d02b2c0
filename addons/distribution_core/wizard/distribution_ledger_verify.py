"""“Verify ledger” for the auditor."""

import base64
import io

from odoo import _, fields, models
from odoo.exceptions import UserError

from ..ledger.exporting import ExportError, check_file_against_ledger


class DistributionLedgerVerify(models.TransientModel):
    _name = 'distribution.ledger.verify'
    _description = "Verify Ledger"

    announced_digest = fields.Char(
        help="Digest of a seal from one of the daily mails. It shows whether the chain was rewritten as a whole."
    )
    export_file = fields.Binary(
        "Export of Pruned Events", attachment=False, help="Also check an export file against the chain."
    )
    export_name = fields.Char()
    state = fields.Selection([('ask', "Ask"), ('ok', "In Order"), ('problem', "Problem")], default='ask', readonly=True)
    seals = fields.Integer(readonly=True)
    sealed_events = fields.Integer(readonly=True)
    pruned_events = fields.Integer(readonly=True)
    unsealed_events = fields.Integer("Not Sealed Yet", readonly=True)
    file_events = fields.Integer("Events in the File", readonly=True)
    last_digest = fields.Char("Newest Digest", readonly=True)
    what = fields.Char("What Is Wrong", readonly=True)
    message = fields.Text(readonly=True)
    event_id = fields.Many2oneReference("Event Number", model_field='event_model', readonly=True)
    event_model = fields.Char(default='distribution.event', readonly=True)
    event_uid = fields.Char("Event ID", readonly=True)
    seal_number = fields.Integer(readonly=True)
    warnings = fields.Text(readonly=True)

    def action_verify(self):
        """Verify the whole ledger and show the result."""
        self.ensure_one()
        # sudo: the check reads all companies' events, and reports numbers only
        result = self.env['distribution.event.seal'].sudo()._verify(announced=self.announced_digest)
        problem, file_events = result.problem, 0
        if not problem and self.export_file:
            file_check = self._check_export_file()
            problem, file_events = file_check.problem, file_check.event_count
        self.write(
            {
                'state': 'problem' if problem else 'ok',
                'seals': result.seals,
                'sealed_events': result.sealed_events,
                'pruned_events': result.pruned_events,
                'unsealed_events': result.unsealed_events,
                'file_events': file_events,
                'last_digest': result.last_digest,
                'what': problem and problem.what,
                'message': problem and problem.message,
                'event_id': problem and problem.event_id,
                'event_uid': problem and problem.uid,
                'seal_number': problem and problem.seal,
                'warnings': '\n'.join(result.warnings),
            }
        )
        return self._reopen()

    def action_open_event(self):
        """Show the entry that is wrong."""
        self.ensure_one()
        return self.env['distribution.event']._document_action('distribution.event', self.event_id)

    def _check_export_file(self):
        try:
            content = base64.b64decode(self.with_context(bin_size=False).export_file)
            return check_file_against_ledger(self.env.cr, io.BytesIO(content))
        except ExportError as error:
            raise UserError(str(error)) from error

    def _reopen(self):
        return {
            'type': 'ir.actions.act_window',
            'name': _("Verify Ledger"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [[False, 'form']],
            'target': 'new',
        }
