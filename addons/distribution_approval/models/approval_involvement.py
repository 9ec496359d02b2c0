"""Who had a hand in a document: such a person does not approve it."""

from odoo import api, fields, models

from odoo.addons.distribution_core.append_only import protect_append_only


class ApprovalInvolvement(models.Model):
    """One person who edited controlled values of one document. Appended, never changed."""

    _name = "distribution.approval.involvement"
    _description = "Involvement in a Governed Document"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _rec_name = "res_id"

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True)
    user_ref = fields.Integer(required=True, string="User")
    since = fields.Datetime(required=True)

    _sql_constraints = [
        ("person_unique", "UNIQUE (res_model, res_id, user_ref)", "This involvement is known already."),
    ]

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.model
    def _note(self, documents):
        """The present user edited ``documents``; one query, whatever their number."""
        if documents.ids:
            self.env.cr.execute(
                """INSERT INTO distribution_approval_involvement (res_model, res_id, user_ref, since)
                        SELECT %s, unnest(%s), %s, now() AT TIME ZONE 'UTC'
                   ON CONFLICT DO NOTHING""",
                (documents._name, documents.ids, self.env.uid),
            )

    @api.model
    def _user_ids(self, document):
        """Ids of all who edited controlled values of ``document``."""
        self.env.cr.execute(
            "SELECT user_ref FROM distribution_approval_involvement WHERE res_model = %s AND res_id = %s",
            (document._name, document.id),
        )
        return {row[0] for row in self.env.cr.fetchall()}
