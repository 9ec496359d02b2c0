"""What goods cost when they are lost: a price lowered yesterday does not make them cheap today."""

from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine import as_decimal

#: How long a cost that was lowered still counts, in days.
MEMORY_DAYS = 30
#: The document types that value goods at cost.
COST_TYPES = ("inventory_adjustment", "scrap", "site_transfer")


class ProductCost(models.Model):
    """A unit cost that was in force until it was lowered. Appended, never changed."""

    _name = "distribution.approval.product.cost"
    _description = "Former Cost of a Product"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "product_ref"

    product_ref = fields.Integer(required=True)
    company_ref = fields.Integer(required=True)
    unit_cost = fields.Float(required=True, digits=(16, 6))
    lowered_at = fields.Datetime(required=True)
    user_ref = fields.Integer(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_product_cost_product_idx
                   ON distribution_approval_product_cost (product_ref, company_ref, lowered_at)"""
        )

    @api.model
    def _unit_costs(self, products, company):
        """``{product id: Decimal}``: the highest unit cost that was in force in the last 30 days."""
        costs = {
            product.id: as_decimal(max(product.standard_price, 0)) for product in products.with_company(company).sudo()
        }
        self.env.cr.execute(
            """SELECT product_ref, max(unit_cost) FROM distribution_approval_product_cost
                WHERE product_ref = ANY(%s) AND company_ref = %s AND lowered_at > %s GROUP BY product_ref""",
            (products.ids, company.id, fields.Datetime.now() - timedelta(days=MEMORY_DAYS)),
        )
        for product_id, cost in self.env.cr.fetchall():
            costs[product_id] = max(costs[product_id], as_decimal(cost))
        return costs


class ProductProduct(models.Model):
    _inherit = "product.product"

    def write(self, vals):
        """Remember a cost that is lowered, where the loss of goods is governed."""
        if "standard_price" in vals and self._approval_costs_matter():
            self._approval_remember_costs(vals["standard_price"] or 0)
        return super().write(vals)

    def _approval_costs_matter(self):
        """Whether what happens to goods is governed in the present company; without a query."""
        places = self.env["distribution.approval.activation"]._governed_places
        return any(self.env.company.id in places(document_type) for document_type in COST_TYPES)

    def _approval_remember_costs(self, new):
        lowered = [(product.id, product.standard_price) for product in self if product.standard_price > new]
        if lowered:
            self.env.cr.execute(
                f"""INSERT INTO distribution_approval_product_cost
                           (product_ref, company_ref, unit_cost, lowered_at, user_ref)
                    VALUES {", ".join(["(%s, %s, %s, now() AT TIME ZONE 'UTC', %s)"] * len(lowered))}""",
                [
                    value
                    for product_id, cost in lowered
                    for value in (product_id, self.env.company.id, cost, self.env.uid)
                ],
            )
