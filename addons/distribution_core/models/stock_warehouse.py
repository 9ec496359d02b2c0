"""A warehouse is a site: it lies in a region and somebody runs it."""

from odoo import fields, models


class StockWarehouse(models.Model):
    _inherit = 'stock.warehouse'

    region_id = fields.Many2one('distribution.region', index='btree_not_null', check_company=True, ondelete='restrict')
    manager_id = fields.Many2one(
        'res.users',
        string="Warehouse Manager",
        domain="[('share', '=', False)]",
        help="Decides where a policy asks for the manager of the receiving site.",
    )
