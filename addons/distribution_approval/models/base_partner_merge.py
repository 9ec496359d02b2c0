"""Merging two vendor records does not change what was approved."""

import json

from odoo import _, api, models

from ..engine import Snapshot, seal
from .approval_policy import document_models


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Core points documents to the remaining partner by SQL; their releases follow."""
        moved = self._approval_documents_of(src_partners)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        for documents in moved:
            documents.invalidate_recordset()
            self._approval_follow_merge(documents, src_partners, dst_partner)
        return result

    @api.model
    def _approval_documents_of(self, records):
        """Governed documents that name one of ``records`` (partners, bank accounts) in a controlled field."""
        found = []
        for model in document_models(self.env).values():
            documents = self.env[model].sudo()
            names = [
                field.name
                for field in documents._approval_fields()
                if documents._fields.get(field.name) is not None
                and documents._fields[field.name].comodel_name == records._name
            ]
            domain = ["|"] * (len(names) - 1) + [(name, "in", records.ids) for name in names]
            if names:
                found.append(documents.search(domain))
        return found

    @api.model
    def _approval_follow_merge(self, documents, merged_records, remaining):
        """Repeat the valid releases with the ``remaining`` record; the change is on record as a merge."""
        old_ids = merged_records.ids
        merged_fields = {
            field.name
            for field in documents._approval_fields()
            if field.name in documents._fields and documents._fields[field.name].comodel_name == remaining._name
        }
        for releases in self.env["distribution.approval.release"]._valid_for(documents).values():
            for release in releases:
                snapshot = Snapshot.from_json(release.content)
                header = {
                    name: remaining.id
                    if name in merged_fields and value is not None and int(value) in old_ids
                    else value
                    for name, value in snapshot.header.items()
                }
                merged = seal(header, snapshot.lines)
                if merged.digest == release.digest:
                    continue
                values = {
                    **release._copy_values(),
                    "content": merged.to_json(),
                    "digest": merged.digest,
                    "reason": _("Vendor records were merged."),
                }
                if remaining._name == "res.partner":
                    values["partner_ref"] = remaining.commercial_partner_id.id
                release._void(_("Vendor records were merged."))
                release._issue([values])
                documents.browse(release.res_id)._approval_event(
                    "release_voided", {"reason": json.dumps({"merged": old_ids, "into": remaining.id})}
                )
