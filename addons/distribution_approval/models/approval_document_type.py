"""The kinds of governed documents as records, so that people pick several of them."""

from odoo import api, fields, models

from .approval_policy import document_models


class ApprovalDocumentType(models.Model):
    _name = "distribution.approval.document.type"
    _description = "Governed Document Type"
    _order = "name"

    code = fields.Char(required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)

    _sql_constraints = [("code_unique", "UNIQUE (code)", "This document type is listed already.")]

    def init(self):
        self._list_types()

    def _register_hook(self):
        super()._register_hook()
        self._list_types()

    @api.model
    def _list_types(self):
        """Keep the list in step with the documents; one query when nothing is new."""
        labels = {code: self.env[model]._approval_label() for code, model in document_models(self.env).items()}
        self.env.cr.execute("SELECT code FROM distribution_approval_document_type")
        missing = labels.keys() - {row[0] for row in self.env.cr.fetchall()}
        for code in sorted(missing):
            self.env.cr.execute(
                "INSERT INTO distribution_approval_document_type (code, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (code, labels[code]),
            )
