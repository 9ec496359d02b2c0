"""What the ledger keeper exported and pruned."""

from odoo import fields, models


class DistributionEventPrune(models.Model):
    _name = 'distribution.event.prune'
    _description = "Pruned Part of the Ledger"
    _order = 'id desc'
    _rec_name = 'file_name'
    _log_access = False
    _auto = False
    # The table belongs to the keeper's role: read through a query, so that Odoo never drops or alters it.
    _table = 'distribution_event_prune_list'
    _table_query = "SELECT * FROM distribution_event_prune"

    from_seal = fields.Integer(readonly=True)
    to_seal = fields.Integer(readonly=True)
    event_count = fields.Integer("Events", readonly=True)
    file_name = fields.Char("File", readonly=True)
    file_digest = fields.Char("SHA-256 of the File", readonly=True)
    pruned_at = fields.Datetime("Pruned On", readonly=True)
    pruned_by = fields.Char("Database Role", readonly=True)
