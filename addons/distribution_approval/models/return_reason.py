"""Why customers send goods back, and how long a product class is under warranty."""

from odoo import fields, models


class ReturnReason(models.Model):
    """A reason for which a customer returns goods: chosen when the return is made, policies decide by it.

    Not a reason code of decisions: those say why an approver decided, these why the goods come back.
    """

    _name = "distribution.return.reason"
    _description = "Return Reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="What other systems call it. It stays when the name is translated.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _sql_constraints = [("code_unique", "UNIQUE (code)", "This return reason exists already.")]


class ProductCategory(models.Model):
    _inherit = "product.category"

    warranty_days = fields.Integer(
        string="Warranty (Days)",
        help="How long after delivery returns count as warranty. 0: what the category above says.",
    )

    def _approval_warranty_days(self):
        """Days of warranty of this category, or of the nearest one above that has any."""
        self.ensure_one()
        category = self
        while category and not category.warranty_days:
            category = category.parent_id
        return category.warranty_days
