"""Why goods that came cannot be used."""

from odoo import fields, models


class ReceiptReason(models.Model):
    _name = "distribution.receipt.reason"
    _description = "Reason of Damage"
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    needs_evidence = fields.Boolean("Needs a Picture or Document", help="A report without one is refused.")
