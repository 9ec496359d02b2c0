"""Demand month by month: what was asked for, and what is expected. For graphs."""

from odoo import fields, models

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY


class DemandMonth(models.Model):
    """A view on the rows that suggestions keep: 10,000 products have half a million months."""

    _name = "distribution.demand.month"
    _description = "Demand by Month"
    _auto = False
    _order = "month, id"
    _rec_name = "month"
    _depends = {
        "distribution.demand.suggestion": [
            "company_id", "product_id", "product_category_id", "warehouse_id", "state", "first_month", "history",
            "forecast_from", "forecast",
        ],
    }  # fmt: skip

    suggestion_id = fields.Many2one("distribution.demand.suggestion", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    product_id = fields.Many2one("product.product", readonly=True)
    product_category_id = fields.Many2one("product.category", readonly=True)
    warehouse_id = fields.Many2one("stock.warehouse", string="Site", readonly=True)
    month = fields.Date(readonly=True)
    kind = fields.Selection([("asked", "Asked for"), ("expected", "Expected")], readonly=True)
    is_present = fields.Boolean("Present Forecast", readonly=True, help="Not replaced by a later one.")
    quantity = fields.Float(readonly=True, digits=PRECISION_QUANTITY, help="In the unit of the product.")

    @property
    def _table_query(self):
        return " UNION ALL ".join(
            f"""SELECT suggestion.id::bigint * 128 + {offset} + month.place AS id, suggestion.id AS suggestion_id,
                       suggestion.company_id, suggestion.product_id, suggestion.product_category_id,
                       suggestion.warehouse_id, suggestion.state <> 'outdated' AS is_present, '{kind}' AS kind,
                       (suggestion.{first} + make_interval(months => month.place::int - 1))::date AS month,
                       month.units::text::float8 AS quantity
                  FROM distribution_demand_suggestion suggestion
            CROSS JOIN LATERAL jsonb_array_elements(suggestion.{column}) WITH ORDINALITY AS month (units, place)
                 WHERE month.units <> 'null'::jsonb"""
            for kind, first, column, offset in (
                ("asked", "first_month", "history", 0),
                ("expected", "forecast_from", "forecast", 64),
            )
        )
