"""Whoever stops a run at work does not wait for it: rows are only ever inserted and consumed."""

from odoo import api, fields, models


class ProcurementStop(models.Model):
    """A run that is to stop behind its present batch."""

    _name = "distribution.procurement.stop"
    _description = "Stop of a Run"
    _log_access = False
    _rec_name = "res_id"

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True, index=True)

    @api.model
    def _ask(self, runs):
        for run in runs:
            self.env.cr.execute(
                "INSERT INTO distribution_procurement_stop (res_model, res_id) VALUES (%s, %s)", (run._name, run.id)
            )

    @api.model
    def _asked(self, runs):
        """Ids of those of ``runs`` that are to stop."""
        self.env.cr.execute(
            "SELECT res_id FROM distribution_procurement_stop WHERE res_model = %s AND res_id = ANY(%s)",
            (runs._name, runs.ids),
        )
        return {row[0] for row in self.env.cr.fetchall()}

    @api.model
    def _consume(self, runs):
        """Take what was asked of ``runs`` away; whether something was."""
        self.env.cr.execute(
            "DELETE FROM distribution_procurement_stop WHERE res_model = %s AND res_id = ANY(%s)",
            (runs._name, runs.ids),
        )
        return bool(self.env.cr.rowcount)
