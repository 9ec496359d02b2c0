"""What lies in the sites, how old it is, whether the books are right, and what the sites move."""

from odoo import api, models

from .kpi_source import Dimension, Source, average, day_of, hours
from .measures_service import MOVE_DIMENSIONS, MOVE_PRODUCT, OUTGOING, PICKING_DIMENSIONS, PICKING_TYPE

#: Days without an issue after which stock counts as slow, and as dead; age after which it counts as old.
SLOW_DAYS, DEAD_DAYS, OLD_DAYS = 90, 180, 180

QUANT_JOINS = """JOIN stock_location place ON place.id = stock_quant.location_id
                 JOIN product_product product ON product.id = stock_quant.product_id
                 JOIN product_template template ON template.id = product.product_tmpl_id
                 LEFT JOIN %(costs)s cost ON cost.product_id = stock_quant.product_id"""
QUANT_DIMENSIONS = {
    "site": Dimension("location_id.warehouse_id", "place.warehouse_id"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
QUANT_VALUE = "stock_quant.quantity * COALESCE(cost.value, 0)::numeric"
QUANT_AGE = hours("stock_quant.in_date", "%(now)s") + " / 24.0"
OWN_GOODS = (("location_id.usage", "in", ("internal", "transit")), ("quantity", "!=", 0), ("owner_id", "=", False))


def _not_issued(days):
    """SQL: nothing of the product left the site for good in so many days, and what is there came before."""
    return f"""stock_quant.in_date < %(now)s - interval '{days} days' AND NOT EXISTS (
        SELECT 1 FROM stock_move issued
          JOIN stock_location origin ON origin.id = issued.location_id
          JOIN stock_location target ON target.id = issued.location_dest_id
         WHERE issued.product_id = stock_quant.product_id AND issued.state = 'done'
           AND issued.company_id = stock_quant.company_id AND origin.usage IN ('internal', 'transit')
           AND issued.date >= %(now)s - interval '{days} days'
           AND origin.warehouse_id IS NOT DISTINCT FROM place.warehouse_id
           AND target.usage IN ('customer', 'production'))"""


def _on_hand(label, kind, **values):
    return Source(
        label,
        "stock.quant",
        kind,
        **{
            "numerator": f"sum({QUANT_VALUE})",
            "domain": OWN_GOODS,
            "joins": QUANT_JOINS,
            "dimensions": QUANT_DIMENSIONS,
            "touched_by": ("stock.move", "stock.picking", "distribution.inventory.adjustment"),
            **values,
        },
    )


#: An inventory adjustment goes out of the site, or into it.
COUNT_JOINS = f"""JOIN stock_location origin ON origin.id = stock_move.location_id
                  JOIN stock_location target ON target.id = stock_move.location_dest_id {MOVE_PRODUCT}"""
COUNT_DIMENSIONS = {
    **MOVE_DIMENSIONS,
    "site": Dimension(
        ("location_id.warehouse_id", "location_dest_id.warehouse_id"),
        "COALESCE(origin.warehouse_id, target.warehouse_id)",
    ),
}
COUNTED = (("is_inventory", "=", True), ("state", "=", "done"))
COUNT_TOUCHED = ("stock.move", "distribution.inventory.adjustment")

#: Goods that arrive at a site, with the movement that brought them from another one.
TRANSFER_JOINS = f"""JOIN stock_location target ON target.id = stock_move.location_dest_id
    JOIN LATERAL (
        SELECT min(earlier.date) AS left_at, min(origin.warehouse_id) AS site
          FROM stock_move_move_rel link
          JOIN stock_move earlier ON earlier.id = link.move_orig_id AND earlier.state = 'done'
          JOIN stock_location origin ON origin.id = earlier.location_id
         WHERE link.move_dest_id = stock_move.id AND origin.warehouse_id <> target.warehouse_id) sent
      ON sent.left_at IS NOT NULL {MOVE_PRODUCT}"""

LINE_JOINS = """JOIN stock_picking picking ON picking.id = stock_move_line.picking_id
                JOIN stock_picking_type kind ON kind.id = picking.picking_type_id
                JOIN product_product product ON product.id = stock_move_line.product_id
                JOIN product_template template ON template.id = product.product_tmpl_id"""
LINE_DIMENSIONS = {
    "site": Dimension("picking_id.picking_type_id.warehouse_id", "kind.warehouse_id"),
    "kind": Dimension("picking_id.picking_type_id.code", "kind.code"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
HANDLED = (("state", "=", "done"), ("picking_id", "!=", False))

SOURCES = {
    "stock_value": _on_hand("Value of own goods at cost", "money"),
    "stock_age": _on_hand(
        "Age of own goods, by value",
        "days",
        numerator=f"sum({QUANT_VALUE} * ({QUANT_AGE}))",
        denominator=f"sum({QUANT_VALUE})",
        domain=(*OWN_GOODS, ("quantity", ">", 0)),
    ),
    "stock_old_share": _on_hand(
        f"Share of the value that is older than {OLD_DAYS} days",
        "percent",
        numerator=f"sum({QUANT_VALUE}) FILTER (WHERE {QUANT_AGE} > {OLD_DAYS})",
        denominator=f"sum({QUANT_VALUE})",
        scale=100,
        domain=(*OWN_GOODS, ("quantity", ">", 0)),
    ),
    "stock_slow_value": _on_hand(
        f"Value of goods that did not move for {SLOW_DAYS} days",
        "money",
        domain=(*OWN_GOODS, ("quantity", ">", 0)),
        condition=_not_issued(SLOW_DAYS),
    ),
    "stock_dead_value": _on_hand(
        f"Value of goods that did not move for {DEAD_DAYS} days",
        "money",
        domain=(*OWN_GOODS, ("quantity", ">", 0)),
        condition=_not_issued(DEAD_DAYS),
    ),
    "stock_negative": _on_hand(
        "Places with less than nothing", "integer", numerator="count(*)", domain=(*OWN_GOODS, ("quantity", "<", 0))
    ),
    "stock_without_cost": _on_hand(
        "Goods on hand that cost nothing",
        "integer",
        numerator="count(DISTINCT stock_quant.product_id)",
        domain=(*OWN_GOODS, ("quantity", ">", 0)),
        condition="COALESCE(cost.value, 0) = 0",
    ),
    "inventory_discrepancy": Source(
        "Value of what counts found, up and down",
        "stock.move",
        "money",
        numerator="sum(counted.quantity * COALESCE(cost.value, 0)::numeric)",
        domain=COUNTED,
        moment="date",
        joins=f"""{COUNT_JOINS}
            LEFT JOIN %(costs)s cost ON cost.product_id = stock_move.product_id
            CROSS JOIN LATERAL (SELECT COALESCE(sum(line.quantity_product_uom), 0) AS quantity
                                  FROM stock_move_line line WHERE line.move_id = stock_move.id) counted""",
        dimensions=COUNT_DIMENSIONS,
        touched_by=COUNT_TOUCHED,
    ),
    "inventory_accuracy": Source(
        "Counts that found what the books said",
        "stock.move",
        "percent",
        numerator="count(*) FILTER (WHERE stock_move.quantity = 0)",
        denominator="count(*)",
        scale=100,
        domain=COUNTED,
        moment="date",
        joins=COUNT_JOINS,
        dimensions=COUNT_DIMENSIONS,
        touched_by=COUNT_TOUCHED,
    ),
    "transfer_lead_time": Source(
        "Hours on the way between sites",
        "stock.move",
        "hours",
        **average(hours("sent.left_at", "stock_move.date")),
        domain=(("state", "=", "done"), ("location_dest_id.warehouse_id", "!=", False)),
        moment="date",
        joins=TRANSFER_JOINS,
        condition="TRUE",
        dimensions={
            **MOVE_DIMENSIONS,
            "site": Dimension("location_dest_id.warehouse_id", "target.warehouse_id"),
        },
    ),
    "lines_handled": Source(
        "Lines received, moved and shipped",
        "stock.move.line",
        "integer",
        numerator="count(*)",
        domain=HANDLED,
        moment="date",
        joins=LINE_JOINS,
        dimensions=LINE_DIMENSIONS,
        touched_by=("stock.picking", "stock.move"),
    ),
    "units_handled": Source(
        "Units received, moved and shipped",
        "stock.move.line",
        "number",
        numerator="sum(stock_move_line.quantity_product_uom)",
        domain=HANDLED,
        moment="date",
        joins=LINE_JOINS,
        dimensions=LINE_DIMENSIONS,
        touched_by=("stock.picking", "stock.move"),
    ),
    "lines_per_person_day": Source(
        "Lines handled by a person on a day",
        "stock.move.line",
        "number",
        numerator="count(*)",
        denominator=f"count(DISTINCT (picking.user_id, {day_of('stock_move_line.date')}))",
        domain=(*HANDLED, ("picking_id.user_id", "!=", False)),
        moment="date",
        joins=LINE_JOINS,
        dimensions=LINE_DIMENSIONS,
        touched_by=("stock.picking", "stock.move"),
    ),
    "pick_to_ship": Source(
        "Hours from the order to deliver until goods left",
        "stock.picking",
        "hours",
        **average(hours("stock_picking.create_date", "stock_picking.date_done")),
        domain=(*OUTGOING, ("state", "=", "done")),
        moment="date_done",
        joins=PICKING_TYPE,
        dimensions=PICKING_DIMENSIONS,
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
