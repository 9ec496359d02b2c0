"""A definition on its way out to, or in from, a YAML file."""

import base64

from odoo import _, api, fields, models
from odoo.exceptions import UserError

#: Largest file taken, in bytes.
MAX_SIZE = 1_000_000


class ReportFile(models.TransientModel):
    _name = "distribution.report.definition.file"
    _description = "Definition File of a Report"

    version_id = fields.Many2one("distribution.report.version", readonly=True, ondelete="cascade")
    file = fields.Binary(attachment=False)
    filename = fields.Char()

    @api.model
    def _offer(self, version):
        """Show the file of ``version`` for download."""
        wizard = self.create(
            {
                "version_id": version.id,
                "file": base64.b64encode(version._export_yaml().encode()),
                "filename": f"{version.report_id.code}-v{version.number}.yaml",
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": _("Export: %s", version.display_name),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_import(self):
        """Make a draft of the file and open it."""
        self.ensure_one()
        raw = base64.b64decode(self.file or b"")
        if not raw:
            raise UserError(_("Choose a file first."))
        if len(raw) > MAX_SIZE:
            raise UserError(_("The file is larger than a definition can be."))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(_("The file is not UTF-8 text. Save it as UTF-8.")) from error
        return self.env["distribution.report.version"]._import_yaml(text).action_open()
