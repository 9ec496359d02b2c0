from odoo import _, fields, models
from odoo.exceptions import UserError


class ApprovalExhibitAdd(models.TransientModel):
    """Add evidence to a request: files, or the place where a document is kept outside."""

    _name = "distribution.approval.exhibit.add"
    _description = "Add Evidence to an Approval Request"

    request_id = fields.Many2one("distribution.approval.request", required=True)
    attachment_ids = fields.Many2many("ir.attachment", string="Files")
    name = fields.Char(string="What It Is")
    url = fields.Char(string="Address")
    sha256 = fields.Char(string="SHA-256")
    kind = fields.Selection(
        [
            ("dms", "Document management"),
            ("contract", "Contract repository"),
            ("portal", "Portal of a business partner"),
            ("archive", "Archive"),
            ("other", "Other repository"),
        ],
        default="dms",
    )
    note = fields.Text()

    def action_add(self):
        self.ensure_one()
        if not self.attachment_ids and not self.url:
            raise UserError(_("Attach a file, or say where the document is kept."))
        if self.attachment_ids:
            request = self.request_id._evidence_of_person()
            files = self.attachment_ids
            files._approval_check_uploaded(self._name)
            # sudo: only these methods write on a request; who may add evidence was checked just now.
            files.sudo().write({"res_model": request._name, "res_id": request.id})
            self.env["distribution.approval.exhibit"]._seal(request, files.sudo())
            if not self.url:
                request._evidence_came()
        if self.url:
            self.request_id.action_add_reference(self.name, self.url, self.sha256, self.kind, self.note)
        return {"type": "ir.actions.act_window_close"}
