"""Transfers between sites: goods that leave one site for another, or for transit.

Guarded: validating the transfer that takes goods off a site. What arrives from transit was released
when it left. Controlled: company, sites, and how much of which product leaves. Not controlled,
because normal work changes them: lots, packages, shelves within a site, dates.

A transfer that is held is not validated; its reservation stays, so that nobody else takes the goods
meanwhile. Between sites goods move on a transfer: a stock move on its own, or a relocation to another
site, is refused and says so.
"""

from datetime import timedelta
from decimal import Decimal

from odoo import _, api, fields, models
from psycopg2 import sql

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, seal
from ..models.approval_past import looks_back
from ..models.gate_frame import in_frame

#: Days of past deliveries from which the demand of a day is worked out.
DEMAND_DAYS = 30
#: What uses goods up.
DEMAND_USAGES = ("customer", "production")

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("warehouse_id", "From Site", model="stock.warehouse"),
    ControlledField("destination_site_id", "To Site", model="stock.warehouse"),
    ControlledField("amount", "Value", "amount"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("value", "Value", "amount"),
)


class SiteTransfer(models.Model):
    _name = "distribution.site.transfer"
    _description = "Inter-site Transfer"
    _inherit = ["distribution.approval.picking.document", "distribution.approval.evidence"]

    _approval_type = "site_transfer"
    _approval_header = HEADER
    _approval_line = LINE

    warehouse_id = fields.Many2one("stock.warehouse", string="From Site", compute="_compute_sites", compute_sudo=True)
    destination_site_id = fields.Many2one(
        "stock.warehouse", string="To Site", compute="_compute_sites", compute_sudo=True
    )

    @api.depends("picking_id")
    def _compute_sites(self):
        for transfer in self:
            transfer.warehouse_id = transfer._approval_source_site()
            transfer.destination_site_id = transfer._approval_destination_site()

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Inter-site Transfer")

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec("amount", "Value at cost", FactType.MONEY, unit="company currency"),
                FactSpec(
                    "days_left",
                    "Stock left at the source, in days of demand",
                    FactType.NUMBER,
                    unit="days",
                    optional=True,
                    help=f"Of the product with the least: what stays and is not reserved for others, divided by the "
                    f"average demand of a day in the last {DEMAND_DAYS} days. Empty: no demand for any of them.",
                ),
                FactSpec("constrained_item", "Has a constrained product", FactType.FLAG, help="Marked on the product."),
                FactSpec("high_value", "Has high-value goods", FactType.FLAG),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Categories of the products, with the categories above them.",
                ),
                FactSpec("site", "From site", FactType.REFERENCE, model="stock.warehouse"),
                FactSpec(
                    "destination_site",
                    "To site",
                    FactType.REFERENCE,
                    model="stock.warehouse",
                    optional=True,
                    help="Empty: the transfer does not say where the goods go from transit.",
                ),
                FactSpec("region", "From region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec(
                    "destination_region", "To region", FactType.REFERENCE, model="distribution.region", optional=True
                ),
                FactSpec("crosses_region", "To another region", FactType.FLAG),
                FactSpec("via_transit", "Via transit", FactType.FLAG),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_site(self):
        return self._approval_source_site()

    def _approval_sites(self):
        return self._approval_source_site().union(
            *(self._approval_sites_of_move(move) for move in self._approval_moves())
        )

    def _approval_context(self):
        source, destination = self._approval_source_site(), self._approval_destination_site()
        regions = source.region_id | destination.region_id
        return {
            **super()._approval_context(),
            "warehouse_manager": [(source, source.manager_id)],
            "region_manager": [(region, region.manager_id) for region in regions],
        }

    # ------------------------------------------------------------------ moves

    @api.model
    def _approval_moves_concerned(self, moves):
        return moves.filtered(
            lambda move: (
                any(line._approval_leaves_site() for line in move.move_line_ids)
                or (not move.move_line_ids and _leaves_site(move.location_id, move.location_dest_id))
            )
        )

    @api.model
    def _approval_sites_of_move(self, move):
        leaving = move.move_line_ids.filtered(lambda line: line._approval_leaves_site())
        return leaving.location_id.warehouse_id or move.location_id.warehouse_id

    @api.model
    def _approval_site_of_move(self, move):
        places = [line.location_id for line in move.move_line_ids if line._approval_leaves_site()]
        return (places[0] if places else move.location_id).warehouse_id

    def _approval_source_site(self):
        moves = self._approval_moves()
        return self._approval_site_of_move(moves[0]) if moves else self.picking_id.location_id.warehouse_id

    def _approval_destination_site(self):
        """Where the goods go; from transit on, what the next moves say."""
        moves = self._approval_moves()
        places = moves.move_line_ids.location_dest_id | moves.location_dest_id
        follow, seen = moves.move_dest_ids, moves
        while not places.warehouse_id and follow - seen:
            seen |= follow
            places |= follow.location_dest_id
            follow = follow.move_dest_ids
        own = self._approval_source_site()
        return (places.warehouse_id - own)[:1]

    def _approval_via_transit(self):
        return "transit" in self._approval_moves().location_dest_id.mapped("usage")

    def _approval_snapshot(self):
        self.ensure_one()
        quantities, values = {}, {}
        moved = self._approval_moved()
        costs = self._approval_move_values(moved)
        for move, quantity in moved.items():
            quantities[move.product_id] = quantities.get(move.product_id, Decimal(0)) + quantity
            values[move.product_id] = values.get(move.product_id, Decimal(0)) + costs[move]
        return seal(
            {
                "company_id": self.company_id.id,
                "warehouse_id": self._approval_source_site().id or None,
                "destination_site_id": self._approval_destination_site().id or None,
                "amount": sum(values.values(), Decimal(0)),
            },
            {
                str(product.id): {"product_id": product.id, "quantity": quantity, "value": values[product]}
                for product, quantity in quantities.items()
            },
        )

    @api.model
    def _approval_move_values(self, moved):
        """At the highest cost of the last 30 days, see ``goods_cost.py``; one query per company."""
        costs = self.env["distribution.approval.product.cost"]
        values = {}
        for company in {move.company_id for move in moved}:
            own = {move: quantity for move, quantity in moved.items() if move.company_id == company}
            products = self.env["product.product"].union(*(move.product_id for move in own))
            known = costs._unit_costs(products, company)
            values.update({move: quantity * known[move.product_id.id] for move, quantity in own.items()})
        return values

    def _approval_has_value(self):
        """Not where goods have no cost."""
        self.ensure_one()
        moved = {move: quantity for move, quantity in self._approval_moved().items() if quantity}
        return all(self._approval_move_values(moved).values())

    # ------------------------------------------------------------------ facts

    def _approval_facts(self, names):
        """See :meth:`distribution.approval.mixin._approval_facts`; two queries for the days of demand."""
        amounts = self._approval_amounts()
        days = self._approval_days_left() if "days_left" in names else {}
        facts = {}
        for transfer in self:
            products = transfer._approval_moves().product_id
            source, destination = transfer._approval_source_site(), transfer._approval_destination_site()
            read = {
                "amount": amounts[transfer.id],
                "days_left": days.get(transfer.id),
                "constrained_item": any(products.mapped("is_constrained")),
                "high_value": any(product._is_high_value() for product in products),
                "categories": products.categ_id._approval_with_parents(),
                "site": source.id or None,
                "destination_site": destination.id or None,
                "region": source.region_id.id or None,
                "destination_region": destination.region_id.id or None,
                "crosses_region": source.region_id != destination.region_id,
                "via_transit": transfer._approval_via_transit(),
                "requester": self.env.uid,
            }
            facts[transfer.id] = {name: read[name] for name in {*names, "amount"}}
        return facts

    def _approval_days_left(self):
        """``{id: days of demand that the source can serve afterwards, of the product with the least}``.

        What these transfers reserve themselves is not counted twice. Transfers judged together
        count together.
        """
        if looks_back(self.env):
            gone = Unknown(_("nothing tells what was free at the source then"))
            return dict.fromkeys(self.ids, gone)
        moved = {transfer: transfer._approval_moved() for transfer in self}
        products = self.env["product.product"].union(*(move.product_id for own in moved.values() for move in own))
        sites = {transfer: transfer._approval_source_site() for transfer in self}
        if in_frame(self.env):
            # What nobody has reserved, two at the same instant do not see leave: they take turns by site and product.
            self.env["distribution.approval.turn"]._take(
                self._approval_type,
                [
                    (sites[transfer].id, move.product_id.id)
                    for transfer, own in moved.items()
                    for move, quantity in own.items()
                    if quantity > self._approval_reserved(move)
                ],
            )
        all_sites = self.env["stock.warehouse"].union(*sites.values())
        stock = self._approval_stock_at(products, all_sites)
        demand = self._approval_demand_at(products, all_sites)
        for transfer, own in moved.items():
            for move, quantity in own.items():
                key = sites[transfer].id, move.product_id.id
                stock[key] = stock.get(key, Decimal(0)) - quantity + self._approval_reserved(move)
        return {
            transfer.id: min(
                (
                    as_decimal(round(stock[key] / demand[key], 6))
                    for move in own
                    if demand.get(key := (sites[transfer].id, move.product_id.id))
                ),
                default=None,
            )
            for transfer, own in moved.items()
        }

    def _approval_prefetch_past(self):
        super()._approval_prefetch_past()
        self.picking_id.move_ids.move_dest_ids.location_dest_id.mapped("usage")

    @api.model
    def _approval_past_words(self):
        return _(
            "Transfers between sites that were validated before governance began are simulated as well, at the cost "
            "of today. Not known afterwards: the stock left at the source, for what was reserved then is not recorded, "
            "and who validated them."
        )

    @api.model
    def _approval_past_places(self):
        return sql.SQL(
            """source.usage = 'internal' AND source.warehouse_id IS NOT NULL
               AND (destination.usage = 'transit'
                    OR destination.usage = 'internal'
                       AND destination.warehouse_id IS DISTINCT FROM source.warehouse_id)"""
        )

    @api.model
    def _approval_reserved(self, move):
        """What ``move`` has reserved for itself, in the unit of the product."""
        lines = move.move_line_ids.filtered(lambda line: line.move_id.state not in ("done", "cancel"))
        return as_decimal(round(sum(line._approval_quantity() for line in lines), 6))

    @api.model
    def _approval_stock_at(self, products, sites):
        """``{(site id, product id): what is there and not reserved}``."""
        stock = {}
        for product, location, quantity, reserved in (
            self.env["stock.quant"]
            .sudo()
            ._read_group(
                [
                    ("product_id", "in", products.ids),
                    ("location_id.warehouse_id", "in", sites.ids),
                    ("location_id.usage", "=", "internal"),
                ],
                ["product_id", "location_id"],
                ["quantity:sum", "reserved_quantity:sum"],
            )
        ):
            key = location.warehouse_id.id, product.id
            stock[key] = stock.get(key, Decimal(0)) + as_decimal(quantity) - as_decimal(reserved)
        return stock

    @api.model
    def _approval_demand_at(self, products, sites):
        """``{(site id, product id): average demand of a day}``."""
        demand = {}
        for product, location, quantity in (
            self.env["stock.move"]
            .sudo()
            ._read_group(
                [
                    ("product_id", "in", products.ids),
                    ("state", "=", "done"),
                    ("date", ">=", fields.Datetime.now() - timedelta(days=DEMAND_DAYS)),
                    ("location_id.warehouse_id", "in", sites.ids),
                    ("location_dest_id.usage", "in", DEMAND_USAGES),
                ],
                ["product_id", "location_id"],
                ["product_qty:sum"],
            )
        ):
            key = location.warehouse_id.id, product.id
            demand[key] = demand.get(key, Decimal(0)) + as_decimal(quantity) / DEMAND_DAYS
        return demand


def _leaves_site(source, destination):
    """Whether goods on the way from ``source`` to ``destination`` leave a site for another, or for transit."""
    site = source.warehouse_id
    if source.usage != "internal" or not site:
        return False
    return destination.usage == "transit" or (destination.usage == "internal" and destination.warehouse_id != site)


class StockPicking(models.Model):
    _inherit = "stock.picking"

    site_transfer_ids = fields.One2many("distribution.site.transfer", "picking_id")


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _approval_leaves_site(self):
        """Whether this line takes goods off a site, for another one or for transit.

        A scrap order may send them to a location inside, but only to the one that is for scrap. That the move
        names a scrap order says nothing: anybody who moves goods can write that.
        """
        destination = self.location_dest_id
        scrapped = destination._approval_is_scrap() and destination == self.move_id.scrap_id.scrap_location_id
        return bool(self.quantity) and not scrapped and _leaves_site(self.location_id, destination)
