"""What policies want to know about a product."""

from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    is_high_value = fields.Boolean(
        "High-value Goods", help="Policies can ask more of these goods. Also set for a whole product category."
    )
    is_constrained = fields.Boolean("Constrained", help="Hard to get: policies can ask before it leaves a site.")

    def _is_high_value(self):
        """Whether the product, its category or one above that is marked as high-value."""
        self.ensure_one()
        if self.is_high_value:
            return True
        category = self.categ_id
        while category:
            if category.is_high_value:
                return True
            category = category.parent_id
        return False


class ProductProduct(models.Model):
    _inherit = 'product.product'

    def _is_high_value(self):
        """See the template."""
        return self.product_tmpl_id._is_high_value()
