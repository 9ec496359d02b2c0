"""Regions group the sites (warehouses) of a company."""

from odoo import fields, models


class DistributionRegion(models.Model):
    _name = 'distribution.region'
    _description = "Region"
    _inherit = ['mail.thread']
    _order = 'code, name, id'
    _rec_names_search = ['name', 'code']

    name = fields.Char(required=True, tracking=True)
    code = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company)
    manager_id = fields.Many2one(
        'res.users',
        string="Region Manager",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Decides where a policy asks for the region's manager.",
    )
    warehouse_ids = fields.One2many('stock.warehouse', 'region_id', string="Sites")

    _sql_constraints = [
        ('code_company_unique', 'unique(company_id, code)', "A region's code exists only once per company."),
    ]
