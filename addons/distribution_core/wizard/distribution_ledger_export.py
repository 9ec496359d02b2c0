"""Download of sealed events for the auditor's archive."""

import base64
import hashlib
import io

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..ledger.exporting import ExportError, export_seals


class DistributionLedgerExport(models.TransientModel):
    _name = 'distribution.ledger.export'
    _description = "Export Ledger"

    from_seal = fields.Integer(required=True, default=lambda self: self._default_from_seal())
    to_seal = fields.Integer(required=True, default=lambda self: self._default_to_seal())
    export_file = fields.Binary("File", readonly=True, attachment=False)
    export_name = fields.Char()
    event_count = fields.Integer("Events", readonly=True)
    file_digest = fields.Char("SHA-256 of the File", readonly=True)

    @api.model
    def _default_from_seal(self):
        pruned = self.env['distribution.event.prune'].search([], order='to_seal desc', limit=1)
        return pruned.to_seal + 1

    @api.model
    def _default_to_seal(self):
        return self.env['distribution.event.seal'].search([], limit=1).number

    def action_export(self):
        """Write the file and offer it for download."""
        self.ensure_one()
        self._check_sees_all_companies()
        target = io.BytesIO()
        try:
            count = export_seals(self.env.cr, target, self.from_seal, self.to_seal)
        except ExportError as error:
            raise UserError(str(error)) from error
        content = target.getvalue()
        self.write(
            {
                'export_file': base64.b64encode(content),
                'export_name': f'ledger-{self.env.cr.dbname}-{self.from_seal}-{self.to_seal}.jsonl.gz',
                'event_count': count,
                'file_digest': hashlib.sha256(content).hexdigest(),
            }
        )
        self.env['distribution.event']._record(
            'distribution.ledger.exported.v1',
            self.env.company,
            {
                'from_seal': self.from_seal,
                'to_seal': self.to_seal,
                'event_count': count,
                'file_digest': self.file_digest,
            },
        )
        return {
            'type': 'ir.actions.act_window',
            'name': _("Export Ledger"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [[False, 'form']],
            'target': 'new',
        }

    def _check_sees_all_companies(self):
        """A sealed batch holds events of every company and cannot be exported in part."""
        # sudo: companies that the user does not see are the point
        hidden = self.env['res.company'].sudo().search([]) - self.env.user.company_ids
        if hidden:
            raise AccessError(
                _(
                    "Sealed batches hold events of every company. Only an auditor of all companies can export them; "
                    "%s are not among yours.",
                    len(hidden),
                )
            )
