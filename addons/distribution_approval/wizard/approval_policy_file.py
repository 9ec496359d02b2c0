import base64
import re

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine.variant_file import is_variant

#: Largest file taken, in bytes.
MAX_SIZE = 1_000_000


class ApprovalPolicyFile(models.TransientModel):
    """A policy version or a local variant on its way out to, or in from, a YAML file."""

    _name = "distribution.approval.policy.file"
    _description = "Approval Policy File"

    version_id = fields.Many2one("distribution.approval.policy.version", readonly=True)
    variant_id = fields.Many2one("distribution.approval.variant", readonly=True)
    file = fields.Binary(attachment=False)
    filename = fields.Char()

    @api.model
    def _offer(self, record):
        """Show the file of ``record``, a policy version or a local variant, for download."""
        kept = "version_id" if record._name == "distribution.approval.policy.version" else "variant_id"
        wizard = self.create(
            {
                kept: record.id,
                "file": base64.b64encode(record._export_yaml().encode()),
                "filename": re.sub(r"\W+", "-", record.display_name.lower()).strip("-") + ".yaml",
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": _("Export: %s", record.display_name),
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
            raise UserError(_("The file is larger than a policy can be."))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(_("The file is not a text in UTF-8.")) from error
        # Each says itself what is wrong with its file.
        kind = "distribution.approval.variant" if is_variant(text) else "distribution.approval.policy.version"
        return self.env[kind]._import_yaml(text).action_open()
