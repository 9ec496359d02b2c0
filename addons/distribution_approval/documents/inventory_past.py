"""Counts that were applied before governance began, and whatever else changed stock like one, for a simulation.

Rules, in words
---------------
* What one person applied in one go at one site is one adjustment; so is what one transfer took to an inventory loss
  location, or brought from there. Scrap orders are documents of their own. Goods that went to a vendor or to
  production, or came from there, without an order that explains it are not looked for.
* Odoo keeps no count, only what it changed: what should have been there is what is there now, less all that has moved
  since. The cause, the evidence and who counted were not recorded.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo import _, api, models

from ..engine import Unknown, as_decimal
from ..models.approval_past import looks_back
from .goods_places import INSIDE, LOST
from .inventory_adjustment import Entry

#: Operations that were done together lie no further apart.
NEAR = timedelta(days=1)
#: Columns of the parts of a goods key.
GOODS_COLUMNS = ("product_id", "location_id", "lot_id", "package_ref", "owner_id")

#: What one adjustment would have moved, without those that have one.
GROUPS = """
    WITH moved AS (
        SELECT move.id, move.company_id, move.picking_id, move.is_inventory, move.create_uid, move.create_date,
               min(line.date) AS done_at,
               (array_agg(CASE WHEN source.usage = 'inventory' THEN destination.warehouse_id
                               ELSE source.warehouse_id END ORDER BY line.id))[1] AS site_id
          FROM stock_move_line line
          JOIN stock_move move ON move.id = line.move_id
          JOIN stock_location source ON source.id = line.location_id
          JOIN stock_location destination ON destination.id = line.location_dest_id
         WHERE line.state = 'done' AND line.quantity <> 0 AND move.scrap_id IS NULL
           AND line.company_id = ANY(%(companies)s) AND line.date >= %(since)s AND line.date <= %(until)s
           AND (source.usage = %(lost)s AND destination.usage = ANY(%(inside)s)
                OR source.usage = ANY(%(inside)s) AND destination.usage = %(lost)s)
           AND NOT EXISTS (SELECT 1 FROM distribution_inventory_adjustment_move_rel known
                            WHERE known.move_id = move.id AND known.adjustment_id > 0)
      GROUP BY move.id)
    SELECT min(id), array_agg(id ORDER BY id), company_id, site_id, picking_id, min(create_uid), min(done_at),
           bool_or(is_inventory)
      FROM moved
  GROUP BY company_id, site_id, picking_id, CASE WHEN picking_id IS NULL THEN create_uid END,
           CASE WHEN picking_id IS NULL THEN create_date END
    HAVING min(id) > %(after)s
  ORDER BY 1
     LIMIT %(limit)s"""

#: What was there before a move line: what is there now, less all that has moved since. Added up once for all lines of
#: the same goods, so that the work does not depend on how often these were counted.
STOCK_THEN = """
    WITH own AS (
        SELECT line.id, line.product_id, line.lot_id, line.date,
               CASE WHEN source.usage = %(lost)s THEN line.location_dest_id ELSE line.location_id END AS location_id
          FROM stock_move_line line
          JOIN stock_location source ON source.id = line.location_id
         WHERE line.id = ANY(%(lines)s)),
    place AS (
        SELECT product_id, location_id, min(date) AS since FROM own GROUP BY product_id, location_id),
    moved AS (
        SELECT line.id, place.location_id,
               sum((CASE WHEN line.location_dest_id = place.location_id THEN 1 ELSE 0 END
                    - CASE WHEN line.location_id = place.location_id THEN 1 ELSE 0 END) * line.quantity_product_uom)
               OVER (PARTITION BY place.product_id, place.location_id, line.lot_id
                         ORDER BY line.date DESC, line.id DESC) AS quantity
          FROM place
          JOIN stock_move_line line ON line.product_id = place.product_id
           AND place.location_id IN (line.location_id, line.location_dest_id)
         WHERE line.state = 'done' AND line.date >= place.since),
    there AS (
        SELECT place.product_id, place.location_id, quant.lot_id, sum(quant.quantity) AS quantity
          FROM place
          JOIN stock_quant quant ON quant.product_id = place.product_id AND quant.location_id = place.location_id
      GROUP BY place.product_id, place.location_id, quant.lot_id)
    SELECT own.id, COALESCE(there.quantity, 0) - moved.quantity
      FROM own
      JOIN moved ON moved.id = own.id AND moved.location_id = own.location_id
 LEFT JOIN there ON there.product_id = own.product_id AND there.location_id = own.location_id
       AND there.lot_id IS NOT DISTINCT FROM own.lot_id"""


@dataclass(frozen=True, slots=True)
class Group:
    """What would have been one adjustment."""

    id: int  #: of its first move
    move_ids: list
    company_id: int
    site_id: Any
    picking_id: Any
    user_id: Any
    moment: Any
    counted: bool

    @property
    def origin(self):
        return "count" if self.counted else "transfer" if self.picking_id else "move"


@dataclass(frozen=True, slots=True)
class Change(Entry):
    """What a group did to the same goods at the same place; its line is the first operation."""

    key: tuple  #: see :func:`goods_key`


class InventoryAdjustment(models.Model):
    _inherit = "distribution.inventory.adjustment"

    @api.model
    def _approval_past_words(self):
        return _(
            "Counts applied before governance began are simulated as well, and transfers to or from an inventory loss "
            "location, at the cost of today; what one person applied in one go at one site counts as one adjustment. "
            "Not known afterwards: causes, evidence and who counted."
        )

    @api.model
    def _approval_past_groups(self, companies, since, until=datetime.max, after=0, limit=None):
        """What would have been one adjustment each, by the id of its first move; one query."""
        for model in ("stock.move", "stock.move.line", "stock.location", self._name):
            self.env[model].flush_model()
        self.env.cr.execute(
            GROUPS,
            {
                "companies": companies.ids,
                "since": since,
                "until": until,
                "after": after,
                "limit": limit,
                "inside": list(INSIDE),
                "lost": LOST,
            },
        )
        return [Group(*row) for row in self.env.cr.fetchall()]

    @api.model
    def _approval_past_ids(self, companies, since, after=0, limit=None):
        return [group.id for group in self._approval_past_groups(companies, since, after=after, limit=limit)]

    @api.model
    def _approval_stand_ins(self, source_ids):
        """The adjustments with their lines and moves; a fixed number of queries."""
        if not source_ids:
            return self.browse()
        first = self.env["stock.move"].browse(source_ids)
        moments = first.move_line_ids.mapped("date")
        near = self._approval_past_groups(first.company_id, min(moments) - NEAR, max(moments) + NEAR)
        known = set(source_ids)
        groups = [group for group in near if group.id in known]
        changes = self._approval_past_changes(groups)
        origins = dict(self._fields["origin"]._description_selection(self.env))
        self._approval_insert_past(
            self._table,
            [
                {
                    "id": -group.id,
                    "name": f"{origins[group.origin]} {group.moment:%Y-%m-%d} / {group.id}",
                    "company_id": group.company_id,
                    "warehouse_id": group.site_id,
                    "origin": group.origin,
                    "picking_id": group.picking_id,
                    "state": "applied",
                    "applied_at": group.moment,
                    # Who validated a transfer is not recorded.
                    "create_uid": None if group.picking_id else group.user_id,
                    "create_date": group.moment,
                    "value": sum((abs(change.value) for change in changes[group.id]), Decimal(0)),
                    "net_value": sum((change.value for change in changes[group.id]), Decimal(0)),
                }
                for group in groups
            ],
        )
        self._approval_insert_past(self.line_ids._table, self._approval_past_lines(changes))
        self._approval_insert_past(
            self._fields["move_ids"].relation,
            [{"adjustment_id": -group.id, "move_id": move_id} for group in groups for move_id in group.move_ids],
        )
        return self.browse(-group.id for group in groups)

    @api.model
    def _approval_past_lines(self, changes):
        stock = self._approval_stock_then([change.line.id for own in changes.values() for change in own])
        return [
            {
                "id": -change.line.id,
                "adjustment_id": -group_id,
                **dict(zip(GOODS_COLUMNS, (part or None for part in change.key))),
                "categ_ref": change.line.product_id.categ_id.id,
                "theoretical_quantity": stock[change.line.id],
                "counted_quantity": stock[change.line.id] + change.quantity,
                "quantity": change.quantity,
                "unit_cost": change.unit_cost,
                "value": change.value,
            }
            for group_id, own in changes.items()
            for change in own
        ]

    @api.model
    def _approval_past_changes(self, groups):
        """``{group id: [Change]}``; one query per company for the costs, and what prefetching takes."""
        moves = self.env["stock.move"].browse(move_id for group in groups for move_id in group.move_ids)
        lines = moves.move_line_ids
        (lines.location_id | lines.location_dest_id).mapped("usage")
        lines.product_id.uom_id.mapped("rounding")
        lines.product_id.categ_id._approval_prefetch_parents()
        costs = {
            company.id: self.env["distribution.approval.product.cost"]._unit_costs(lines.product_id, company)
            for company in moves.company_id
        }
        changes = {}
        for group in groups:
            own = moves.browse(group.move_ids).move_line_ids.filtered(lambda line: line._approval_crosses())
            first = {}
            for line in own:
                for key in self._approval_effects(line):
                    first.setdefault(key, line)
            changes[group.id] = [
                Change(first[key], as_decimal(quantity), costs[group.company_id][key[0]], key)
                for key, quantity in self._approval_effects(own).items()
            ]
        return changes

    @api.model
    def _approval_stock_then(self, line_ids):
        """``{line id: quantity that was there before}``, in the unit of the product."""
        self.env["stock.quant"].flush_model()
        self.env.cr.execute(STOCK_THEN, {"lines": line_ids, "lost": LOST})
        return {line_id: as_decimal(round(float(quantity), 6)) for line_id, quantity in self.env.cr.fetchall()}

    def _approval_past_source(self):
        return self.picking_id or self.move_ids[:1]

    # ------------------------------------------------------------------ facts

    def _approval_facts_of_past(self, names):
        """The total of what passed is that of the days before each adjustment."""
        facts = super()._approval_facts_of_past(names - {"adjustment_window_total"})
        if "adjustment_window_total" in names:
            for adjustment_id, total in self._approval_window_totals_of_past().items():
                facts[adjustment_id]["adjustment_window_total"] = total
        return facts

    def _approval_facts_of_goods(self):
        facts = super()._approval_facts_of_goods()
        if looks_back(self.env) and self._approval_is_stand_in():
            lost = {
                "causes": _("causes were not recorded then"),
                "cause_missing": _("causes were not recorded then"),
                "evidence": _("evidence was not recorded then"),
                "own_count": _("who counted was not recorded then"),
            }
            facts.update({name: lambda why=why: Unknown(why) for name, why in lost.items()})
        return facts

    def _approval_window_totals_of_past(self):
        """``{id: value variance of one category at its site in the window up to it, this one included}``.

        A fixed number of queries per company. Before governance everything passed: all that changed stock like a
        count adds up.
        """
        totals = {}
        for company in self.company_id:
            own = self.filtered(lambda adjustment, company=company: adjustment.company_id == company)
            version = self.env["distribution.approval.policy"]._effective_version(self._approval_type, company)
            window = timedelta(days=version.spend_window_days or 7)
            moments = {adjustment.id: adjustment._approval_judged_at() for adjustment in own}
            passed = self._approval_passed_between(
                company, min(moments.values()) - window, max(moments.values()) + NEAR
            )
            for adjustment_id, entries in own._approval_entries().items():
                adjustment = self.browse(adjustment_id)
                sums = defaultdict(Decimal)
                for entry in entries:
                    sums[entry.line.product_id.categ_id.id] += abs(entry.value)
                moment, site_id = moments[adjustment_id], adjustment.warehouse_id.id or 0
                for category_id in sums:
                    sums[category_id] += sum(
                        value
                        for when, other_id, value in passed.get((site_id, category_id), ())
                        if other_id != adjustment_id and moment - window < when <= moment
                    )
                totals[adjustment_id] = max(sums.values(), default=Decimal(0))
        return totals

    @api.model
    def _approval_passed_between(self, company, since, until):
        """``{(site id or 0, category id): [(when, adjustment id, value)]}`` of what nobody decided on."""
        self.flush_model()
        self.line_ids.flush_model()
        self.env.cr.execute(
            """SELECT COALESCE(adjustment.warehouse_id, 0), line.categ_ref, adjustment.applied_at, adjustment.id,
                      sum(abs(line.value))
                 FROM distribution_inventory_adjustment adjustment
                 JOIN distribution_inventory_adjustment_line line ON line.adjustment_id = adjustment.id
                WHERE adjustment.company_id = %s AND adjustment.id > 0 AND adjustment.state = 'applied'
                  AND adjustment.approval_state = 'passed'
                  AND adjustment.applied_at > %s AND adjustment.applied_at <= %s
             GROUP BY 1, 2, 3, 4""",
            (company.id, since, until),
        )
        passed = defaultdict(list)
        for site_id, category_id, when, adjustment_id, value in self.env.cr.fetchall():
            passed[site_id, category_id].append((when, adjustment_id, as_decimal(value or 0)))
        groups = {group.id: group for group in self._approval_past_groups(company, since, until)}
        for group_id, changes in self._approval_past_changes(list(groups.values())).items():
            group = groups[group_id]
            for change in changes:
                key = group.site_id or 0, change.line.product_id.categ_id.id
                passed[key].append((group.moment, -group_id, abs(change.value)))
        return passed
