"""Somebody answers for every product category."""

from odoo import fields, models


class ProductCategory(models.Model):
    _inherit = 'product.category'

    manager_id = fields.Many2one(
        'res.users',
        string="Category Manager",
        domain="[('share', '=', False)]",
        help="Decides where a policy asks for the category's manager.",
    )
    is_high_value = fields.Boolean(
        "High-value Goods", help="Policies can ask more of these goods, and of those in the categories below."
    )
