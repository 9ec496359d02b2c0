"""Stock as reports look at it: each place with its value, age and idleness; each category against its proofs.

Both are of the present company, as of now, and count own goods in sites and on the way between them.
"""

from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.distribution_core.compat import layer_values, unit_costs

#: Upper ends of the bands of age in days, with how people call them.
AGE_BANDS = [
    ("1", 30, "Up to 30 days"),
    ("2", 90, "31 to 90 days"),
    ("3", 180, "91 to 180 days"),
    ("4", 365, "181 to 365 days"),
    ("5", None, "Over a year"),
]
#: Who reads the ledger, directly or for reports.
LEDGER = "account.group_account_invoice,account.group_account_readonly,distribution_core.group_auditor"
OWN_PLACES = SQL("place.usage IN ('internal', 'transit')")


class StockStanding(models.Model):
    _name = "distribution.stock.standing"
    _description = "Stock by Age and Last Issue"
    _auto = False
    _order = "value desc, id"
    _depends = {
        "stock.quant": ["company_id", "product_id", "location_id", "owner_id", "quantity", "in_date"],
        "stock.location": ["usage", "warehouse_id"],
        "stock.move": ["state", "date", "product_id", "location_id", "location_dest_id", "company_id"],
        "product.product": ["product_tmpl_id", "standard_price"],
        "product.template": ["categ_id"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    site_id = fields.Many2one("stock.warehouse", readonly=True)
    location_id = fields.Many2one("stock.location", readonly=True)
    product_id = fields.Many2one("product.product", readonly=True)
    category_id = fields.Many2one("product.category", readonly=True)
    quantity = fields.Float(readonly=True, digits=0)
    unit_cost = fields.Float(readonly=True, digits=(16, 6))
    value = fields.Float(readonly=True, digits=(16, 2), help="At cost, in the currency of the company.")
    in_date = fields.Datetime("There Since", readonly=True)
    age_days = fields.Integer("Age (days)", readonly=True, group_operator="max")
    age_band = fields.Selection([(code, label) for code, _days, label in AGE_BANDS], "Age", readonly=True)
    issued_at = fields.Datetime("Last Issue", readonly=True, help="When some of it last left the site for good.")
    idle_days = fields.Integer(
        "Idle (days)", readonly=True, group_operator="max", help="Since it came, or some of it was last issued."
    )

    @property
    def _table_query(self):
        bands = SQL(" ").join(
            SQL("WHEN item.age_days <= %s THEN %s", days, code) if days else SQL("ELSE %s", code)
            for code, days, _label in AGE_BANDS
        )
        return SQL(
            """(SELECT item.*, CASE %(bands)s END AS age_band
                  FROM (SELECT quant.id, quant.company_id, place.warehouse_id AS site_id, quant.location_id,
                               quant.product_id, template.categ_id AS category_id, quant.quantity::float8 AS quantity,
                               COALESCE(cost.value, 0)::float8 AS unit_cost,
                               round(quant.quantity::numeric * COALESCE(cost.value, 0)::numeric, 2)::float8 AS value,
                               quant.in_date, issue.issued_at,
                               floor(extract(epoch FROM moment.at - quant.in_date) / 86400)::int AS age_days,
                               floor(extract(epoch FROM moment.at - GREATEST(quant.in_date, issue.issued_at))
                                     / 86400)::int AS idle_days
                          FROM stock_quant quant
                          JOIN stock_location place ON place.id = quant.location_id AND %(own)s
                          JOIN product_product product ON product.id = quant.product_id
                          JOIN product_template template ON template.id = product.product_tmpl_id
                    CROSS JOIN (SELECT now() AT TIME ZONE 'utc' AS at) moment
                     LEFT JOIN %(costs)s cost ON cost.product_id = quant.product_id
                     LEFT JOIN (SELECT issued.product_id, origin.warehouse_id, max(issued.date) AS issued_at
                                  FROM stock_move issued
                                  JOIN stock_location origin ON origin.id = issued.location_id
                                  JOIN stock_location target ON target.id = issued.location_dest_id
                                 WHERE issued.state = 'done' AND issued.company_id = %(company)s
                                   AND origin.usage IN ('internal', 'transit')
                                   AND target.usage IN ('customer', 'production')
                                 GROUP BY 1, 2) issue
                            ON issue.product_id = quant.product_id
                           AND issue.warehouse_id IS NOT DISTINCT FROM place.warehouse_id
                         WHERE quant.company_id = %(company)s AND quant.quantity <> 0
                           AND quant.owner_id IS NULL) item)""",
            bands=bands,
            own=OWN_PLACES,
            costs=unit_costs(self.env),
            company=self.env.company.id,
        )


class StockBalance(models.Model):
    """The proofs: what lies there is what moved there; what it is worth is what the ledger says.

    The ledger is compared where a category books its stock with every movement (automated valuation). Goods at standard
    or average cost are worth quantity times cost; the cost of FIFO goods is that of the next ones to leave: they are
    worth what is left of their layers, and are not compared where the engine keeps none (19.0).
    """

    _name = "distribution.stock.balance"
    _description = "Stock against Movements and Ledger"
    _auto = False
    _order = "value desc, id"
    _depends = {
        "stock.quant": ["company_id", "product_id", "location_id", "owner_id", "quantity"],
        "stock.location": ["usage"],
        "stock.move.line": ["state", "company_id", "product_id", "location_id", "location_dest_id"],
        "account.move.line": ["parent_state", "company_id", "account_id", "product_id", "balance"],
        "product.product": ["product_tmpl_id", "standard_price"],
        "product.template": ["categ_id"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    category_id = fields.Many2one("product.category", readonly=True)
    is_booked = fields.Boolean("Booked with Every Movement", readonly=True)
    quantity = fields.Float("On Hand", readonly=True, digits=0, help="All goods, also those of others.")
    moved_quantity = fields.Float("Moved There", readonly=True, digits=0, help="Came in less went out, ever.")
    value = fields.Float(readonly=True, digits=(16, 2), help="Own goods at cost, in the currency of the company.")
    booked_value = fields.Float(readonly=True, digits=(16, 2), groups=LEDGER, help="The value, where it is booked.")
    ledger_balance = fields.Float(
        readonly=True, digits=(16, 2), groups=LEDGER, help="Of the valuation account, for these goods."
    )

    @property
    def _table_query(self):
        layers = layer_values(self.env)
        return SQL(
            """(SELECT COALESCE(template.categ_id, -1) AS id, %(company)s AS company_id,
                       template.categ_id AS category_id,
                       COALESCE(bool_or(booked.account_id IS NOT NULL), FALSE) AS is_booked,
                       COALESCE(sum(stock.quantity), 0)::float8 AS quantity,
                       COALESCE(sum(moved.quantity), 0)::float8 AS moved_quantity,
                       COALESCE(sum(stock.own * COALESCE(cost.value, 0)::numeric), 0)::float8 AS value,
                       COALESCE(sum(CASE WHEN booked.is_layered THEN layer.value
                                         ELSE stock.own * COALESCE(cost.value, 0)::numeric END)
                                FILTER (WHERE booked.account_id IS NOT NULL), 0)::float8 AS booked_value,
                       COALESCE(sum(ledger.balance), 0)::float8 AS ledger_balance
                  FROM product_product product
                  JOIN product_template template ON template.id = product.product_tmpl_id
             LEFT JOIN %(costs)s cost ON cost.product_id = product.id
             LEFT JOIN %(layers)s layer ON layer.product_id = product.id
             LEFT JOIN (VALUES %(accounts)s) booked (category_id, account_id, is_layered)
                    ON booked.category_id = template.categ_id
             LEFT JOIN (SELECT quant.product_id, sum(quant.quantity)::numeric AS quantity,
                               sum(quant.quantity) FILTER (WHERE quant.owner_id IS NULL)::numeric AS own
                          FROM stock_quant quant
                          JOIN stock_location place ON place.id = quant.location_id AND %(own)s
                         WHERE quant.company_id = %(company)s
                         GROUP BY 1) stock ON stock.product_id = product.id
             LEFT JOIN (SELECT line.product_id, sum(line.quantity_product_uom * way.sign)::numeric AS quantity
                          FROM stock_move_line line
                    CROSS JOIN LATERAL (VALUES (line.location_dest_id, 1), (line.location_id, -1)) way (place_id, sign)
                          JOIN stock_location place ON place.id = way.place_id AND %(own)s
                         WHERE line.state = 'done' AND place.company_id = %(company)s
                         GROUP BY 1) moved ON moved.product_id = product.id
             LEFT JOIN (SELECT entry.product_id, entry.account_id, sum(entry.balance) AS balance
                          FROM account_move_line entry
                         WHERE entry.parent_state = 'posted' AND entry.company_id = %(company)s
                         GROUP BY 1, 2) ledger
                    ON ledger.product_id = product.id AND ledger.account_id = booked.account_id
                 WHERE COALESCE(stock.quantity, moved.quantity, ledger.balance) IS NOT NULL
                 GROUP BY template.categ_id)""",
            company=self.env.company.id,
            costs=unit_costs(self.env),
            own=OWN_PLACES,
            layers=layers or SQL("(SELECT NULL::int AS product_id, NULL::numeric AS value)"),
            accounts=SQL(", ").join(
                SQL("(%s::int, %s::int, %s::bool)", *one) for one in self._booked(bool(layers)) or [(None, None, None)]
            ),
        )

    def _booked(self, has_layers):
        """``[(category, valuation account, whether its layers count)]`` of those that book each movement here."""
        # sudo: the setting counts, whoever reads the comparison
        categories = self.env["product.category"].sudo().search([])
        return [
            (category.id, category.property_stock_valuation_account_id.id, category.property_cost_method == "fifo")
            for category in categories
            if category.property_valuation == "real_time"
            and category.property_stock_valuation_account_id
            and (has_layers or category.property_cost_method != "fifo")
        ]
