"""Inventory adjustments: counts that are applied, and whatever else changes stock like one.

Guarded: goods that leave our books for an inventory loss location, or come from one – counts
(buttons, wizards, imports, inventoried quantity), transfers and moves to such a location, deleted
quants – and corrections of transfers that are done. Goods that go to a vendor or to production, or
come from there, without an order that explains it (see ``goods_explained.py``) are the same. Scrap
is a document of its own.

Controlled: company, site, evidence; on lines product, location, lot, package, owner, counted
quantity, variance, unit cost and cause. Not controlled, because normal work changes them: when the
next count is due, who is to count, the reference.

A count that is held stays on its quants, is shown there, and is not applied. When it is released it
is applied, unless the stock has changed meanwhile by more than the policy tolerates: then the
request is void and somebody counts again. Gains and losses do not cancel out: values are added up
without their signs. The unit cost is sealed when the adjustment is made; a cost that was lowered in
the last 30 days still counts (see ``goods_cost.py``).
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY, check_access

from ..engine import ControlledField, FactSpec, FactType, as_decimal, seal
from ..models.approval_activation import EVERYWHERE, NOWHERE
from ..models.gate_frame import gate_frame
from .goods_in_hand import goods_in_hand

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("warehouse_id", "Site", model="stock.warehouse"),
    ControlledField("evidence", "Evidence"),
    ControlledField("amount", "Variance", "amount"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("location_id", "Location", model="stock.location"),
    ControlledField("lot_id", "Lot/Serial Number", model="stock.lot"),
    ControlledField("package_id", "Package"),
    ControlledField("owner_id", "Owner", model="res.partner"),
    ControlledField("counted", "Counted"),
    ControlledField("quantity", "Variance", "quantity"),
    ControlledField("unit_cost", "Unit Cost"),
    ControlledField("value", "Value", "amount"),
    ControlledField("reason_id", "Cause", model="distribution.approval.reason"),
)
#: What goods are told apart by, in the order of :func:`goods_key`.
GOODS = ("product_id", "location_id", "lot_id", "package_id", "owner_id")


def goods_key(product, location, lot, package, owner):
    """Key of the same goods at the same place."""
    return tuple(record.id or 0 for record in (product, location, lot, package, owner))


@dataclass(frozen=True, slots=True)
class Entry:
    """What one adjustment does to the same goods at the same place."""

    line: Any  #: record of the line
    quantity: Decimal  #: in the unit of the product; negative: lost
    unit_cost: Decimal

    @property
    def value(self):
        return self.quantity * self.unit_cost


class InventoryAdjustment(models.Model):
    _name = "distribution.inventory.adjustment"
    _description = "Inventory Adjustment"
    _inherit = ["distribution.approval.move.document", "distribution.approval.evidence"]
    _order = "id desc"

    _approval_type = "inventory_adjustment"
    _approval_controlled = frozenset({"company_id", "warehouse_id", "attachment_ids", "line_ids"})
    _approval_watched = _approval_controlled | {"state", "move_ids"}
    _approval_header = HEADER
    _approval_line = LINE
    _approval_line_field = "line_ids"
    _approval_not_shown = frozenset({"company_id", "package_id", "owner_id", "evidence"})
    _approval_move_action = "action_apply"
    _approval_evidence_fields = ("attachment_ids",)

    name = fields.Char(string="Reference", required=True, readonly=True, copy=False)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    currency_id = fields.Many2one(related="company_id.currency_id")
    warehouse_id = fields.Many2one("stock.warehouse", string="Site", readonly=True, ondelete="restrict", index=True)
    region_id = fields.Many2one(related="warehouse_id.region_id")
    origin = fields.Selection(
        [
            ("count", "Count"),
            ("transfer", "Transfer"),
            ("move", "Stock move"),
            ("correction", "Correction of a done transfer"),
        ],
        required=True,
        readonly=True,
        default="count",
    )
    picking_id = fields.Many2one("stock.picking", string="Transfer", readonly=True, index="btree_not_null")
    state = fields.Selection(
        [("open", "Not applied"), ("applied", "Applied"), ("dropped", "Dropped")],
        required=True,
        readonly=True,
        default="open",
        index=True,
    )
    line_ids = fields.One2many("distribution.inventory.adjustment.line", "adjustment_id", readonly=True)
    move_ids = fields.Many2many(
        "stock.move", "distribution_inventory_adjustment_move_rel", "adjustment_id", "move_id", readonly=True
    )
    attachment_ids = fields.Many2many(
        "ir.attachment", "distribution_inventory_adjustment_attachment_rel", string="Evidence", readonly=True
    )
    counter_ids = fields.Many2many(
        "res.users",
        "distribution_inventory_adjustment_counter_rel",
        string="Counted By",
        readonly=True,
        help="Everybody who wrote one of the counts, before it was asked or while it waited.",
    )
    applied_at = fields.Datetime(readonly=True)
    value = fields.Monetary(
        string="Variance", compute="_compute_value", store=True, help="Gains and losses added up without their signs."
    )
    net_value = fields.Monetary(string="Net Variance", compute="_compute_value", store=True)
    reason_ids = fields.Many2many("distribution.approval.reason", compute="_compute_reason_ids", string="Causes")
    line_count = fields.Integer(compute="_compute_line_count", string="Products")

    _sql_constraints = [("name_unique", "UNIQUE (name)", "This reference exists already.")]

    # -------------------------------------------------------------- computes

    @api.depends("line_ids.value")
    def _compute_value(self):
        for adjustment in self:
            values = adjustment.line_ids.mapped("value")
            adjustment.value = sum(abs(value) for value in values)
            adjustment.net_value = sum(values)

    @api.depends("line_ids.reason_id")
    def _compute_reason_ids(self):
        for adjustment in self:
            adjustment.reason_ids = adjustment.line_ids.reason_id

    @api.depends("line_ids")
    def _compute_line_count(self):
        for adjustment in self:
            adjustment.line_count = len(adjustment.line_ids)

    # ------------------------------------------------------------------ CRUD

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("An inventory adjustment follows from the counts that are applied."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Inventory adjustments are evidence and are kept."))

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Inventory Adjustment")

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount",
                    "Value variance",
                    FactType.MONEY,
                    unit="company currency",
                    help="Gains and losses at cost, added up without their signs.",
                ),
                FactSpec("net_value", "Net value variance", FactType.MONEY, unit="company currency"),
                FactSpec("lost_value", "Value lost", FactType.MONEY, unit="company currency"),
                FactSpec(
                    "quantity_variance",
                    "Quantity variance",
                    FactType.QUANTITY,
                    help="Gains and losses added up without their signs, in the products' units.",
                ),
                FactSpec(
                    "variance_percent",
                    "Variance in % of the stock counted",
                    FactType.PERCENT,
                    unit="%",
                    help="Value variance against the value of what should be there. 100 where nothing should be.",
                ),
                FactSpec("worst_line", "Largest variance of a line", FactType.MONEY, unit="company currency"),
                FactSpec(
                    "worst_line_percent",
                    "Largest variance of a line in %",
                    FactType.PERCENT,
                    unit="%",
                    help="Against the quantity that should be there. 100 where nothing should be.",
                ),
                FactSpec(
                    "adjustment_window_total",
                    "Adjustments that nobody decided on",
                    FactType.MONEY,
                    unit="company currency",
                    help="Value variance of one product category at the site that passed within the policy's window "
                    "of days, this one included; of the category with the most.",
                ),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Categories of the products, with the categories above them.",
                ),
                FactSpec("lot_tracked", "Has goods tracked by lot", FactType.FLAG),
                FactSpec("serial_tracked", "Has goods tracked by serial number", FactType.FLAG),
                FactSpec(
                    "high_value",
                    "Has high-value goods",
                    FactType.FLAG,
                    help="A product, its category or one above it is marked as high-value.",
                ),
                FactSpec("without_cost", "A product has no cost", FactType.FLAG, help="Its loss cannot be valued."),
                FactSpec(
                    "causes", "Causes", FactType.SET, model="distribution.approval.reason", help="Given with the count."
                ),
                FactSpec("cause_missing", "A line has no cause", FactType.FLAG),
                FactSpec("evidence", "Evidence is attached", FactType.FLAG),
                FactSpec("origin", "Comes from", FactType.SELECTION, options=tuple(self._fields["origin"].selection)),
                FactSpec("own_count", "Applied by who counted", FactType.FLAG, help="Nobody else looked at the count."),
                FactSpec("lines", "Number of lines", FactType.NUMBER),
                FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    @api.model
    def _approval_guarded_domain(self):
        return [("state", "=", "applied")]

    def _approval_is_guarded(self):
        self.ensure_one()
        adjustment = self.sudo()
        return adjustment.state == "applied" or any(
            # What was asked about may have turned out to be explained, or to stay inside.
            line._approval_crosses()
            for line in adjustment.move_ids.filtered(lambda move: move.state == "done").move_line_ids
        )

    def _approval_is_cancelled(self):
        self.ensure_one()
        return self.sudo().state == "dropped"

    def _approval_site(self):
        return self.warehouse_id

    def _approval_sites(self):
        return self.warehouse_id | self.line_ids.location_id.warehouse_id

    def _approval_owners(self):
        """Who counted does not approve the count."""
        return self._approval_counters() | self.create_uid

    def _approval_counters(self):
        return self.counter_ids | self.line_ids.counter_id

    def _approval_confirmed_at(self):
        return self.applied_at

    def _approval_context(self):
        warehouse = self.warehouse_id
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id)],
            "region_manager": [(warehouse.region_id, warehouse.region_id.manager_id)],
            "category_manager": [
                (category, category._approval_manager()) for category in self.line_ids.product_id.categ_id.sorted("id")
            ],
        }

    def _approval_check_asker(self):
        """Whoever may change counts may ask; the document itself is nobody's to write."""
        check_access(self.env["stock.quant"].browse(), "write")

    # ------------------------------------------------------ controlled values

    def _approval_entries(self):
        """``{id: [Entry]}``: what was moved, once something was; until then what is about to be."""
        return {
            adjustment.id: [
                Entry(line, as_decimal(quantity), as_decimal(line.unit_cost))
                for line, quantity in adjustment._approval_quantities()
            ]
            for adjustment in self
        }

    def _approval_quantities(self):
        """``[(line, net quantity)]``; what no line knows is a line of its own, however it came about."""
        self.ensure_one()
        moved = self._approval_moved()
        planned = [(line, line.quantity) for line in self.line_ids]
        if moved is None:
            return planned
        keys = [line._goods_key() for line, _quantity in planned]
        last = {key: place for place, key in enumerate(keys)}
        quantities = []
        for place, (line, quantity) in enumerate(planned):
            # Several counts of the same goods at the same place: the last one takes what remains.
            key = keys[place]
            taken = moved.get(key, 0) if last[key] == place else quantity
            moved[key] = round(moved.get(key, 0) - taken, 6)
            quantities.append((line, taken))
        rest = {key: quantity for key, quantity in moved.items() if quantity}
        return quantities + [(line, line.quantity) for line in self._approval_lines_of(rest)]

    def _approval_lines_of(self, moved):
        """Lines, not stored, for what was ``moved``."""
        lines = self.env["distribution.inventory.adjustment.line"].sudo()
        return [lines.new(values) for values in self._approval_line_vals(moved, self.company_id)]

    def _approval_moved(self):
        """``{goods key: net quantity}`` of the moves of this adjustment; None while it has none.

        For the gate on transfers: true where something is (about to be) moved.
        """
        self.ensure_one()
        moves = self.move_ids.filtered(lambda move: move.state != "cancel")
        if not moves:
            return None
        lines = moves.move_line_ids.filtered(lambda line: line._approval_crosses())
        open_lines = lines.filtered(lambda line: line.move_id.state != "done")
        if any(open_lines.mapped("picked")):
            lines -= open_lines.filtered(lambda line: not line.picked)
        return self._approval_effects(lines)

    @api.model
    def _approval_effects(self, lines):
        """``{goods key: net quantity}`` that move lines add to our stock."""
        effects = {}
        for line in lines:
            quantity = line._approval_quantity()
            for location, package, sign in (
                (line.location_id, line.package_id, -1),
                (line.location_dest_id, line.result_package_id, 1),
            ):
                if location._approval_is_inside() and quantity:
                    key = goods_key(line.product_id, location, line.lot_id, package, line.owner_id)
                    effects[key] = effects.get(key, 0) + sign * quantity
        return {key: round(quantity, 6) for key, quantity in effects.items() if round(quantity, 6)}

    def _approval_snapshots(self):
        entries = self._approval_entries()
        return {adjustment.id: adjustment._approval_seal(entries[adjustment.id]) for adjustment in self}

    def _approval_seal(self, entries, counts=None):
        """The snapshot of ``entries``.

        :param counts: ``{line: (counted, variance)}`` where they differ from what the lines say
        """
        self.ensure_one()
        lines = {}
        for entry in entries:
            line = entry.line
            counted, quantity = (counts or {}).get(line, (line.counted_quantity, entry.quantity))
            quantity = as_decimal(quantity)
            lines[str(line._origin.id or "-".join(str(part) for part in line._goods_key()))] = {
                "product_id": line.product_id.id,
                "location_id": line.location_id.id,
                "lot_id": line.lot_id.id or None,
                "package_id": line.package_ref or None,
                "owner_id": line.owner_id.id or None,
                "counted": as_decimal(counted) if self.origin == "count" else None,
                "quantity": quantity,
                "unit_cost": entry.unit_cost,
                "value": quantity * entry.unit_cost,
                "reason_id": line.reason_id.id or None,
            }
        return seal(
            {
                "company_id": self.company_id.id,
                "warehouse_id": self.warehouse_id.id or None,
                "evidence": sorted(filter(None, self.attachment_ids.mapped("checksum"))),
                "amount": sum((abs(line["value"]) for line in lines.values()), Decimal(0)),
            },
            lines,
        )

    def _approval_amounts(self):
        return {
            key: sum((abs(entry.value) for entry in entries), Decimal(0))
            for key, entries in self._approval_entries().items()
        }

    def _approval_has_value(self):
        """Not where a product has no cost: its loss cannot be valued."""
        self.ensure_one()
        return all(entry.unit_cost or not entry.quantity for entry in self._approval_entries()[self.id])

    # ------------------------------------------------------------------ facts

    def _approval_facts(self, names):
        """See :meth:`distribution.approval.mixin._approval_facts`; one query for the window's total."""
        entries = self._approval_entries()
        totals = self._approval_window_totals(entries) if "adjustment_window_total" in names else {}
        facts = {}
        for adjustment in self:
            own = entries[adjustment.id]
            read = {
                **adjustment._approval_facts_of_value(own),
                **adjustment._approval_facts_of_goods(),
                "adjustment_window_total": lambda adjustment=adjustment: totals[adjustment.id],
                "site": lambda adjustment=adjustment: adjustment.warehouse_id.id or None,
                "region": lambda adjustment=adjustment: adjustment.warehouse_id.region_id.id or None,
                "requester": lambda: self.env.uid,
            }
            facts[adjustment.id] = {name: read[name]() for name in {*names, "amount"}}
        return facts

    def _approval_facts_of_value(self, entries):
        def percent(part, whole):
            if not whole:
                return Decimal(100 if part else 0)
            return as_decimal(round(abs(part) / abs(whole) * 100, 6))

        def worst_percent():
            return max(
                (percent(entry.quantity, as_decimal(entry.line.theoretical_quantity)) for entry in entries),
                default=Decimal(0),
            )

        total = sum((abs(entry.value) for entry in entries), Decimal(0))
        stock = sum(
            (abs(as_decimal(entry.line.theoretical_quantity)) * entry.unit_cost for entry in entries), Decimal(0)
        )
        return {
            "amount": lambda: total,
            "net_value": lambda: sum((entry.value for entry in entries), Decimal(0)),
            "lost_value": lambda: -sum((min(entry.value, Decimal(0)) for entry in entries), Decimal(0)),
            "quantity_variance": lambda: sum((abs(entry.quantity) for entry in entries), Decimal(0)),
            "variance_percent": lambda: percent(total, stock),
            "worst_line": lambda: max((abs(entry.value) for entry in entries), default=Decimal(0)),
            "worst_line_percent": worst_percent,
            "without_cost": lambda: any(entry.quantity and not entry.unit_cost for entry in entries),
            "lines": lambda: len(entries),
        }

    def _approval_facts_of_goods(self):
        lines = self.line_ids
        products = lines.product_id
        return {
            "categories": lambda: products.categ_id._approval_with_parents(),
            "lot_tracked": lambda: "lot" in products.mapped("tracking"),
            "serial_tracked": lambda: "serial" in products.mapped("tracking"),
            "high_value": lambda: any(product._is_high_value() for product in products),
            "causes": lambda: frozenset(lines.reason_id.ids),
            "cause_missing": lambda: any(not line.reason_id for line in lines),
            "evidence": lambda: bool(self.attachment_ids),
            "origin": lambda: self.origin,
            "own_count": lambda: self.env.user in self._approval_counters(),
        }

    def _approval_window_totals(self, entries):
        """``{id: value variance of one category at the site that passed in the window, this one included}``.

        One query. Adjustments judged together count together, in the order of their ids.
        """
        policies = self.env["distribution.approval.policy"]
        days = {
            company: policies._effective_version(self._approval_type, company).spend_window_days or 7
            for company in self.company_id
        }
        self.flush_model()
        self.env["distribution.inventory.adjustment.line"].flush_model()
        turn, values = self.env["distribution.approval.turn"]._clause(
            (self._approval_type, adjustment.company_id.id, adjustment.warehouse_id.id or 0) for adjustment in self
        )
        self.env.cr.execute(
            turn
            + """
               SELECT adjustment.company_id, COALESCE(adjustment.warehouse_id, 0), line.categ_ref,
                      adjustment.applied_at, sum(abs(line.value))
                 FROM distribution_inventory_adjustment adjustment
                 JOIN distribution_inventory_adjustment_line line ON line.adjustment_id = adjustment.id
                WHERE adjustment.company_id = ANY(%s)
                  AND COALESCE(adjustment.warehouse_id, 0) = ANY(%s)
                  AND adjustment.state = 'applied'
                  AND adjustment.approval_state = 'passed'
                  AND adjustment.applied_at > %s
                  AND adjustment.id <> ALL(%s)
             GROUP BY 1, 2, 3, 4""",
            (
                *values,
                self.company_id.ids,
                [adjustment.warehouse_id.id or 0 for adjustment in self],
                fields.Datetime.now() - timedelta(days=max(days.values())),
                self.ids,
            ),
        )
        passed = {}
        for company_id, site_id, category_id, applied_at, value in self.env.cr.fetchall():
            company = self.env["res.company"].browse(company_id)
            if applied_at > fields.Datetime.now() - timedelta(days=days[company]):
                key = company_id, site_id, category_id
                passed[key] = passed.get(key, Decimal(0)) + as_decimal(value or 0)
        totals = {}
        for adjustment in self.sorted("id"):
            own = set()
            for entry in entries[adjustment.id]:
                key = adjustment.company_id.id, adjustment.warehouse_id.id or 0, entry.line.product_id.categ_id.id
                passed[key] = passed.get(key, Decimal(0)) + abs(entry.value)
                own.add(key)
            totals[adjustment.id] = max((passed[key] for key in own), default=Decimal(0))
        return totals

    # ------------------------------------------------------------- governance

    @api.model
    def _approval_places(self):
        """``{company id: EVERYWHERE or ids of sites}``; from the cache of the registry."""
        return self.env["distribution.approval.activation"]._governed_places(self._approval_type)

    @api.model
    def _approval_governs(self, location):
        """Whether stock at ``location`` is governed."""
        if not location._approval_is_inside():
            return False
        places = self._approval_places()
        if not location.company_id:
            # A place that all companies share, such as transit between them.
            return any(place is EVERYWHERE for place in places.values())
        place = places.get(location.company_id.id, NOWHERE)
        return place is EVERYWHERE or location.warehouse_id.id in place

    # ------------------------------------------------------------------ moves

    @api.model
    def _approval_moves_concerned(self, moves):
        scrap_governed = self.env["distribution.approval.activation"]._governed_places("scrap")

        def concerned(move):
            return any(
                line.quantity
                and line._approval_crosses()
                and not (line._approval_scraps() and (move.scrap_id or move.company_id.id in scrap_governed))
                for line in move.move_line_ids
            )

        return moves.filtered(lambda move: move.move_line_ids and concerned(move))

    @api.model
    def _approval_sites_of_move(self, move):
        lines = move.move_line_ids.filtered(lambda line: line._approval_crosses())
        return (lines.location_id | lines.location_dest_id).warehouse_id or self._approval_site_of_move(move)

    @api.model
    def _approval_site_of_move(self, move):
        return self._approval_inside_of(move).warehouse_id

    @api.model
    def _approval_inside_of(self, move):
        """The location of ours that goods of this move leave or reach."""
        for line in move.move_line_ids:
            if line._approval_crosses():
                return line.location_id if line.location_id._approval_is_inside() else line.location_dest_id
        return move.location_id if move.location_id._approval_is_inside() else move.location_dest_id

    @api.model
    def _approval_documents_of(self, moves):
        """The adjustments of ``moves``: known, counted, of their transfer, or made now."""
        adjustments = self.sudo()
        found = adjustments.search([("move_ids", "in", moves.ids)]) if moves.ids else adjustments
        rest = moves - found.move_ids
        rest, counted_adjustments = self._approval_match_counts(rest)
        found |= counted_adjustments
        groups = {}
        for move in rest:
            place = move.company_id, self._approval_site_of_move(move), move.picking_id
            groups[place] = groups.get(place, move.browse()) | move
        pickings = rest.picking_id
        waiting = adjustments.search([("picking_id", "in", pickings.ids), ("state", "=", "open")]) if pickings else ()
        for (company, site, picking), group in groups.items():
            adjustment = next((a for a in waiting if (a.picking_id, a.warehouse_id) == (picking, site)), None)
            if adjustment is None or not picking:
                adjustment = adjustments.create(
                    self._approval_header_vals(company, site, "transfer" if picking else "move")
                    | {"picking_id": picking.id}
                )
            adjustment._approval_link(group)
            found |= adjustment
        open_ones = found.filtered(lambda adjustment: adjustment.origin in ("transfer", "move"))
        open_ones._approval_follow_moves()
        return found

    @api.model
    def _approval_match_counts(self, moves):
        """``(moves that belong to no count, adjustments of the others)``."""
        counts = goods_in_hand(self.env).counts
        linked, rest = {}, moves.browse()
        for move in moves:
            effects = self._approval_effects(move.move_line_ids) if counts else {}
            owners = {counts.get(key) for key in effects}
            if len(owners) == 1 and None not in owners:
                linked.setdefault(owners.pop(), []).append(move.id)
            else:
                rest |= move
        adjustments = self.sudo().browse(linked)
        for adjustment in adjustments:
            adjustment._approval_link(moves.browse(linked[adjustment.id]))
        return rest, adjustments

    def _approval_link(self, moves):
        self.write({"move_ids": [(4, move_id) for move_id in moves.ids]})

    def _approval_follow_moves(self):
        """Keep the lines of adjustments that transfers and moves make what is about to be moved."""
        for adjustment in self.filtered(lambda adjustment: adjustment.state == "open"):
            moved = adjustment._approval_moved() or {}
            known = {line._goods_key(): line for line in adjustment.line_ids}
            missing = {key: quantity for key, quantity in moved.items() if key not in known}
            self.env["distribution.inventory.adjustment.line"].sudo().create(
                [
                    {**values, "adjustment_id": adjustment.id}
                    for values in self._approval_line_vals(missing, adjustment.company_id)
                ]
            )
            for key, line in known.items():
                if line.quantity != moved.get(key, 0):
                    line.write({"quantity": moved.get(key, 0)})

    @api.model
    def _approval_header_vals(self, company, site, origin):
        return {
            "name": self.env["ir.sequence"].sudo().next_by_code(self._name) or _("Adjustment"),
            "company_id": company.id,
            "warehouse_id": site.id,
            "origin": origin,
        }

    @api.model
    def _approval_line_vals(self, moved, company):
        """Values of lines for ``{goods key: net quantity}``; what should be there in one query."""
        if not moved:
            return []
        products = self.env["product.product"].sudo().browse({key[0] for key in moved})
        costs = self.env["distribution.approval.product.cost"]._unit_costs(products, company)
        stock = {}
        for product, location, lot, quantity in (
            self.env["stock.quant"]
            .sudo()
            ._read_group(
                [("product_id", "in", products.ids), ("location_id", "in", [key[1] for key in moved])],
                ["product_id", "location_id", "lot_id"],
                ["quantity:sum"],
            )
        ):
            stock[product.id, location.id, lot.id or 0] = quantity
        return [
            {
                **{name: value or False for name, value in zip(GOODS, key) if name != "package_id"},
                "package_ref": key[3],
                "categ_ref": self.env["product.product"].browse(key[0]).sudo().categ_id.id,
                "theoretical_quantity": stock.get(key[:3], 0),
                "counted_quantity": stock.get(key[:3], 0) + quantity,
                "quantity": quantity,
                "unit_cost": float(costs[key[0]]),
            }
            for key, quantity in moved.items()
        ]

    def _approval_judge_result(self):
        """The moves are done: the adjustments are applied. Then see whether it is what was judged."""
        applied = self.sudo().filtered(
            lambda adjustment: adjustment.state == "open" and adjustment._approval_is_guarded()
        )
        applied._approval_applied()
        return super()._approval_judge_result()

    def _approval_applied(self):
        if self:
            self.write({"state": "applied", "applied_at": fields.Datetime.now()})

    # ----------------------------------------------------------------- people

    def _approval_refuse(self, frame, releases, snapshot):
        """Say what to do instead."""
        self.ensure_one()
        changes = "\n".join(
            f"• {line.product_id.display_name}, {line.location_id.display_name}: {line.quantity:+g}"
            for line in self.line_ids[:5]
        )
        raise UserError(
            _(
                "Stock does not change like this without a release by the approval policy:\n%(changes)s\n\n"
                "Count the products (Inventory ▸ Physical Inventory), give the cause and apply the count; "
                "what is within policy goes straight through, and for the rest an approval is requested.",
                changes=changes or self.name,
            )
        )

    @api.model
    def _approval_name_of(self, field, value):
        if field == "evidence":
            return _("%s attached", len(value or ()))
        return super()._approval_name_of(field, value)

    # ---------------------------------------------------------- hold, resume

    def _approval_quants(self):
        """The counts of these adjustments that are there."""
        return self.env["stock.quant"].sudo().browse(self.line_ids.mapped("quant_ref")).exists()

    def _approval_evidence_places(self):
        return [*super()._approval_evidence_places(), *self.picking_id]

    def _approval_evidence_holders(self):
        """An adjustment that is open is proved by its counts as they are now."""
        counts = self._approval_quants() if self.state == "open" else ()
        return [*super()._approval_evidence_holders(), *((quant, "approval_attachment_ids") for quant in counts)]

    def _approval_evidence_place_words(self):
        """Nobody writes an adjustment: evidence is put on what it is made from."""
        if self.origin != "count":
            return self.picking_id.name or self._approval_name()
        products = ", ".join(self.line_ids[:3].product_id.mapped("display_name"))
        return _("the count of %s, field “Evidence”", products)

    def _approval_follow_evidence(self, counts):
        """Have this open adjustment say what proves its ``counts``."""
        self.ensure_one()
        if counts.approval_attachment_ids != self.attachment_ids:
            self.write({"attachment_ids": [(6, 0, counts.approval_attachment_ids.ids)]})

    def _approval_hold(self):
        self._approval_show_held(True)

    def _approval_unhold(self):
        self._approval_show_held(False)

    def _approval_show_held(self, held):
        counts = self.filtered(lambda adjustment: adjustment.origin == "count")
        if counts:
            quants = counts._approval_quants().filtered(lambda quant: quant.approval_held != held)
            quants.write({"approval_held": held})

    def _approval_close_requests(self, reason):
        super()._approval_close_requests(reason)
        self._approval_show_held(False)

    def _approval_outdated(self):
        """Why the count cannot be applied any more, or nothing.

        The release holds for what was counted, and for what should have been there then.
        """
        self.ensure_one()
        if self.origin != "count" or self._approval_is_guarded():
            return False
        counts = {}
        quants = {quant.id: quant for quant in self._approval_quants()}
        for line in self.line_ids:
            quant = quants.get(line.quant_ref)
            if not quant or not quant.inventory_quantity_set or quant.inventory_quantity != line.counted_quantity:
                return _("%s is not counted any more as it was when this was asked.", line.product_id.display_name)
            counts[line] = line.counted_quantity, line.counted_quantity - quant.quantity
        now = self._approval_seal(self._approval_entries()[self.id], counts)
        releases = self.env["distribution.approval.release"]._valid_for(self).get(self.id, ())
        if not any(release._covers(now) for release in releases):
            return _("Stock changed since it was counted. Count again.")
        return False

    def _approval_resume(self, action):
        """Apply the counts, or validate the transfer, with the rights of who asked."""
        for adjustment in self:
            picking = self.env["stock.picking"].browse(adjustment.sudo().picking_id.id)
            moves = self.env["stock.move"].browse(adjustment.sudo().move_ids.ids)
            if picking:
                picking.with_context(skip_backorder=True).button_validate()
            elif moves:
                moves._action_done()
            else:
                quants = adjustment.sudo()._approval_quants().with_env(self.env)
                quants._approval_apply_counts()

    def _approval_waits_for_others(self):
        self.ensure_one()
        picking = self.sudo().picking_id
        return bool(picking and (picking._approval_documents() - [self]).held())

    def action_apply(self):
        """Ask again, or apply: what the request resubmits."""
        with gate_frame(self.env):
            return self._approval_resume("action_apply")

    def action_open_counts(self):
        """The counts on their quants, in the list where people count."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "stock.quant",
            "view_mode": "tree",
            "view_id": self.env.ref("stock.view_stock_quant_tree_inventory_editable").id,
            "domain": [("id", "in", self.sudo()._approval_quants().ids)],
            "context": {"inventory_mode": True},
        }

    # ------------------------------------------------------------------ counts

    @api.model
    def _approval_of_counts(self, quants):
        """The adjustments that the counts on ``quants`` belong to, made where missing.

        A fixed number of queries, whatever the number of counts.
        """
        quants = quants.sudo()
        lines = self.env["distribution.inventory.adjustment.line"].sudo()
        known = lines.search(
            [
                ("quant_ref", "in", quants.ids),
                ("adjustment_id.state", "=", "open"),
                ("adjustment_id.origin", "=", "count"),
            ]
        )
        known._approval_follow_counts()
        fresh = quants - quants.browse(known.mapped("quant_ref"))
        groups = {}
        for quant in fresh:
            company = quant.company_id or self.env.company
            groups.setdefault((company, quant.location_id.warehouse_id), []).append(quant.id)
        made = self.sudo()
        for (company, site), quant_ids in groups.items():
            group = quants.browse(quant_ids)
            people = group._approval_people()
            adjustment = self.sudo().create(
                {
                    **self._approval_header_vals(company, site, "count"),
                    "attachment_ids": [(6, 0, group.approval_attachment_ids.ids)],
                    "counter_ids": [(6, 0, people.ids)],
                }
            )
            costs = self.env["distribution.approval.product.cost"]._unit_costs(group.product_id, company)
            lines._append_counts(
                adjustment,
                [quant._approval_new_line_vals(float(costs[quant.product_id.id]), people) for quant in group],
            )
            made |= adjustment
        return known.adjustment_id | made


class InventoryAdjustmentLine(models.Model):
    _name = "distribution.inventory.adjustment.line"
    _description = "Inventory Adjustment Line"
    _inherit = ["distribution.approval.line.mixin", "distribution.approval.evidence"]
    _order = "id"
    _rec_name = "product_id"

    _approval_document_field = "adjustment_id"
    _approval_watched = frozenset(
        {
            "adjustment_id",
            "product_id",
            "location_id",
            "lot_id",
            "package_ref",
            "owner_id",
            "counted_quantity",
            "quantity",
            "unit_cost",
            "reason_id",
        }
    )

    adjustment_id = fields.Many2one(
        "distribution.inventory.adjustment", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="adjustment_id.company_id")
    currency_id = fields.Many2one(related="adjustment_id.company_id.currency_id")
    product_id = fields.Many2one("product.product", required=True, readonly=True, ondelete="restrict")
    uom_id = fields.Many2one(related="product_id.uom_id")
    location_id = fields.Many2one("stock.location", required=True, readonly=True, ondelete="restrict")
    lot_id = fields.Many2one("stock.lot", string="Lot/Serial Number", readonly=True, ondelete="restrict")
    package_ref = fields.Integer(string="Package Id", readonly=True)
    owner_id = fields.Many2one("res.partner", readonly=True, ondelete="restrict")
    quant_ref = fields.Integer(string="Count Id", readonly=True, index="btree_not_null")
    categ_ref = fields.Integer(string="Category Id", readonly=True, help="Category of the product at that time.")
    counter_id = fields.Many2one("res.users", string="Counted By", readonly=True, ondelete="restrict")
    theoretical_quantity = fields.Float(
        "On Hand", readonly=True, digits=PRECISION_QUANTITY, help="What should have been there."
    )
    counted_quantity = fields.Float("Counted", readonly=True, digits=PRECISION_QUANTITY)
    quantity = fields.Float("Variance", readonly=True, digits=PRECISION_QUANTITY)
    unit_cost = fields.Float(readonly=True, digits=(16, 6), help="Cost per unit, sealed when this was made.")
    value = fields.Monetary(compute="_compute_value", store=True)
    reason_id = fields.Many2one("distribution.approval.reason", string="Cause", readonly=True, ondelete="restrict")

    @api.depends("quantity", "unit_cost")
    def _compute_value(self):
        for line in self:
            line.value = line.quantity * line.unit_cost

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("The lines of an inventory adjustment follow from the counts that are applied."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("The lines of an inventory adjustment are evidence and are kept."))

    @api.model
    def _append_counts(self, adjustment, values_list):
        """The lines of an ``adjustment`` that was made in this frame: nothing else can have seen it yet."""
        now = fields.Datetime.now()
        log = {"create_uid": self.env.uid, "create_date": now, "write_uid": self.env.uid, "write_date": now}
        lines = self._append([{**values, **log, "adjustment_id": adjustment.id} for values in values_list])
        adjustment.invalidate_recordset(["line_ids"])
        lines.modified(["value"])
        return lines

    def _goods_key(self):
        self.ensure_one()
        return (
            self.product_id.id,
            self.location_id.id,
            self.lot_id.id or 0,
            self.package_ref or 0,
            self.owner_id.id or 0,
        )

    def _approval_follow_counts(self):
        """Make lines of open adjustments what their counts say now; writes only what differs."""
        quants = {quant.id: quant for quant in self.adjustment_id._approval_quants()}
        for line in self.filtered(lambda line: line.quant_ref in quants):
            values = quants[line.quant_ref]._approval_line_vals()
            changed = {
                name: value
                for name, value in values.items()
                if name != "categ_ref" and line._convert_to_write({name: line[name]})[name] != value
            }
            if changed:
                line.write(changed)
        for adjustment in self.adjustment_id:
            counts = adjustment._approval_quants()
            people = counts._approval_people() - adjustment.counter_ids
            if people:
                adjustment.write({"counter_ids": [(4, user_id) for user_id in people.ids]})
            adjustment._approval_follow_evidence(counts)
