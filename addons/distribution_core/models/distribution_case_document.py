"""The documents of a case beside the one that it was opened for."""

from odoo import api, fields, models


class DistributionCaseDocument(models.Model):
    _name = 'distribution.case.document'
    _description = "Document of a Case"
    _order = 'id'
    _log_access = False
    _rec_name = 'res_model'

    case_id = fields.Many2one('distribution.case', required=True, readonly=True, ondelete='cascade', index=True)
    res_model = fields.Char("Document Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Document Number", model_field='res_model', required=True, readonly=True)
    document_name = fields.Char("Document", compute='_compute_document_name', compute_sudo=False)

    _sql_constraints = [
        ('once', 'unique(case_id, res_model, res_id)', "A case names a document once."),
    ]

    @api.depends('res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_document_name(self):
        labels = self.env['distribution.event']._document_labels((row.res_model, row.res_id) for row in self)
        for row in self:
            row.document_name = labels.get((row.res_model, row.res_id), False)

    @api.model
    def _note(self, case, references):
        """Keep that ``case`` is also about these ``[(model, number)]``; what is known stays as it is."""
        own = (case.res_model, case.res_id)
        values = [(case.id, model, number) for model, number in references if model and (model, number) != own]
        if not values:
            return
        case.flush_recordset()
        self.env.cr.execute(
            f"""INSERT INTO distribution_case_document (case_id, res_model, res_id)
                VALUES {', '.join(['%s'] * len(values))} ON CONFLICT DO NOTHING""",
            values,
        )
        case.invalidate_recordset(['document_ids'])

    def action_open(self):
        """Show the document."""
        self.ensure_one()
        return self.env['distribution.event']._document_action(self.res_model, self.res_id)
