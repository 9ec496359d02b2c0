"""What Odoo's scheduler would order, for many rules at once.

The numbers are those of ``stock.warehouse.orderpoint`` (``_compute_qty``, ``_compute_qty_to_order``); the number of
queries does not depend on the number of rules, except for one per location (Odoo's own count of what is in
progress). What is not plain is handed to Odoo's own fields: see ``replenishment_known.py``, rules of products with
a bill of materials, manufacturing in the chain of rules, and a horizon in the past.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from odoo import api, fields, models
from odoo.tools import float_round
from pytz import UTC, timezone

from odoo.addons.distribution_core.compat import IS_17, SUPPLIERINFO_UOM

from ..engine import MinimumRule, Need, Position, less_later, need_of, up_to_multiple
from .replenishment_known import definers, unknown_changes
from .replenishment_memory import CONTEXT_KEY, RuleMemory

#: Whose version of a product's name was read.
NAMES_KNOWN = {"product", "procurement_automation"}
OPEN_MOVES = ("waiting", "confirmed", "assigned", "partially_available")
ORDERPOINT = "stock.warehouse.orderpoint"
#: A move counts where it ends; on 19.0 where its chain will end.
ENDS_BELOW = "dest.parent_path" if IS_17 else "COALESCE(final.parent_path, dest.parent_path)"
FINAL = "" if IS_17 else "LEFT JOIN stock_location final ON final.id = move.location_final_id"


@dataclass(slots=True)
class Finding:
    """One rule, evaluated. ``rules``: ids of the chain of stock rules; ``delay``: lead time of the vendor."""

    orderpoint_id: int
    product_id: int
    template_id: int
    location_id: int
    minimum: float
    maximum: float
    multiple: float
    rounding: float
    path: str
    is_manual: bool
    supplier_id: int | None
    route_id: int | None
    visibility_days: int
    unit_id: int
    multiple_id: int | None
    rules: tuple = ()
    actions: frozenset = frozenset()
    lead_days: int = 0
    horizon: date | None = None
    view: date | None = None
    position: Position | None = None
    need: Need | None = None
    is_from_core: bool = False
    has_vendor_units: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """A row of a vendor's price list."""

    id: int
    product_id: int | None
    company_id: int | None
    start: date | None
    end: date | None
    delay: int
    is_active: bool
    partner_id: int
    minimum: float
    unit_id: int

    def is_for(self, product_id, company_id, day):
        """Whether Odoo considers it for the product and company on ``day``."""
        return (
            self.is_active
            and (not self.product_id or self.product_id == product_id)
            and (not self.company_id or self.company_id == company_id)
            and (not self.start or self.start <= day)
            and (not self.end or self.end >= day)
        )


@dataclass(slots=True)
class Vendors:
    """Vendor prices of one batch, by template, in the order in which Odoo looks at them."""

    by_template: dict = field(default_factory=lambda: defaultdict(list))
    #: Templates for which a vendor has a name or code of its own; None: not known of any.
    renamed: set | None = None
    #: What was asked for before, for rules of other sites.
    known: dict = field(default_factory=dict)

    def of(self, template_id):
        """The prices of a template."""
        return self.by_template.get(template_id, ())

    def choose(self, template_id, product_id, company_id, day, partners=None, is_enough=lambda price: True):
        """Ids of the prices from which ``_select_seller`` takes the cheapest: those of the first vendor."""
        fitting = [
            price
            for price in self.of(template_id)
            if price.is_for(product_id, company_id, day)
            and (not partners or price.partner_id in partners)
            and is_enough(price)
        ]
        return [price.id for price in fitting if price.partner_id == fitting[0].partner_id]

    def delays(self, template_id, product_id, company_id, day):
        """``{delay: id of a price}`` of what ``_select_seller(quantity=None)`` chooses from."""
        key = product_id, company_id, day
        if key not in self.known:
            chosen = self.choose(template_id, product_id, company_id, day)
            self.known[key] = {price.delay: price.id for price in self.of(template_id) if price.id in chosen}
        return self.known[key]

    def is_renamed(self, template_id):
        """Whether a vendor may call it otherwise."""
        return self.renamed is None or template_id in self.renamed

    def sell_otherwise(self, template_id, unit_id):
        """Whether a vendor sells in another unit than this one."""
        return any(price.unit_id not in (unit_id, None) for price in self.of(template_id))


class ReplenishmentEvaluation(models.AbstractModel):
    _name = "distribution.replenishment.evaluation"
    _description = "Replenishment Evaluation"

    @api.model
    def _evaluate(self, orderpoints, look_out_days):
        """``{rule id: Finding}``; the rules are of one company. Reads as superuser, changes nothing."""
        evaluation = self._prepared(orderpoints)
        orderpoints = orderpoints.with_env(evaluation.env)
        return evaluation._evaluate_prepared(orderpoints, look_out_days)

    @api.model
    def _prepared(self, orderpoints):
        """Self as superuser in the company of the rules, remembering stock rules."""
        # sudo: like Odoo's scheduler; whoever asks for the result has been checked before.
        prepared = self.sudo().with_company(orderpoints[:1].with_prefetch().company_id)
        if not RuleMemory.of(self.env):
            prepared = prepared.with_context(**{CONTEXT_KEY: RuleMemory()})
        return prepared

    def _evaluate_prepared(self, orderpoints, look_out_days):
        self.env.flush_all()
        findings = self._load(orderpoints)
        boms = self._learn_signatures(findings.values())
        unknown = unknown_changes(self.env)
        handed = set(findings) if unknown else set()
        if not unknown:
            vendors = RuleMemory.of(self.env).vendors = self._load_vendors(findings.values())
            day = fields.Date.context_today(self)
            for finding in findings.values():
                try:
                    is_plain = finding.template_id not in boms and self._place_in_time(finding, vendors, day)
                except Exception as error:  # a chain of rules that loops: one bad rule does not stop the others
                    finding.problem, is_plain = str(error), True
                if not is_plain:
                    handed.add(finding.orderpoint_id)
        plain = [one for key, one in findings.items() if key not in handed and not one.problem]
        self._measure(plain, look_out_days)
        self._ask_core(orderpoints.browse(sorted(handed)), findings, look_out_days)
        return findings

    # ------------------------------------------------------------------ facts

    def _load(self, orderpoints):
        extra = "op.qty_multiple, op.purchase_visibility_days" if IS_17 else "0, 0"
        unit = "NULL" if IS_17 else "op.replenishment_uom_id"
        self.env.cr.execute(
            f"""SELECT op.id, op.product_id, product.product_tmpl_id, op.location_id, op.product_min_qty,
                       op.product_max_qty, {extra}, template.uom_id, location.parent_path, op.trigger, op.supplier_id,
                       op.route_id, {unit}
                  FROM stock_warehouse_orderpoint op
                  JOIN product_product product ON product.id = op.product_id
                  JOIN product_template template ON template.id = product.product_tmpl_id
                  JOIN stock_location location ON location.id = op.location_id
                 WHERE op.id = ANY(%s)
              ORDER BY op.id""",
            (orderpoints.ids,),
        )
        rows = self.env.cr.fetchall()
        units = self.env["uom.uom"].browse({row[8] for row in rows})
        steps = {unit.id: unit.rounding for unit in units}
        return {
            row[0]: Finding(
                orderpoint_id=row[0],
                product_id=row[1],
                template_id=row[2],
                location_id=row[3],
                minimum=row[4] or 0.0,
                maximum=row[5] or 0.0,
                multiple=float(row[6] or 0.0),
                visibility_days=int(row[7] or 0),
                rounding=steps[row[8]],
                path=row[9],
                is_manual=row[10] == "manual",
                supplier_id=row[11],
                route_id=row[12],
                unit_id=row[8],
                multiple_id=row[13],
            )
            for row in rows
        }

    def _learn_signatures(self, findings):
        """Fill the memory with the signatures; returns the templates that have a bill of materials."""
        templates = list({finding.template_id for finding in findings})
        boms = set()
        if "mrp.bom" in self.env:
            self.env.cr.execute(
                "SELECT DISTINCT product_tmpl_id FROM mrp_bom WHERE active AND product_tmpl_id = ANY(%s)", (templates,)
            )
            boms = {row[0] for row in self.env.cr.fetchall()}
        self.env.cr.execute(
            """SELECT template.id, template.categ_id,
                      ARRAY(SELECT route_id FROM stock_route_product
                             WHERE product_id = template.id ORDER BY route_id),
                      EXISTS (SELECT FROM product_supplierinfo WHERE product_tmpl_id = template.id)
                 FROM product_template template
                WHERE template.id = ANY(%s)""",
            (templates,),
        )
        routes = {
            template_id: (tuple(route_ids), category_id, is_sold, template_id in boms)
            for template_id, category_id, route_ids, is_sold in self.env.cr.fetchall()
        }
        categories = self.env["product.category"].browse(
            {category_id for _routes, category_id, *_ in routes.values() if category_id}
        )
        shelves = {category.id: category.total_route_ids._ids for category in categories}
        memory = RuleMemory.of(self.env)
        known = {}
        for finding in findings:
            own, category_id, is_sold, has_bom = routes[finding.template_id]
            signature = own, shelves.get(category_id, ()), is_sold, has_bom
            # One object for all that are alike.
            memory.signatures[finding.product_id] = known.setdefault(signature, signature)
        memory.products = tuple(memory.signatures)
        memory.orderpoints = tuple(finding.orderpoint_id for finding in findings)
        return boms

    def _load_vendors(self, findings):
        unit = "template.uom_po_id" if IS_17 else "price.product_uom_id"
        self.env.cr.execute(
            f"""SELECT price.product_tmpl_id, price.product_name, price.product_code,
                      price.id, price.product_id, price.company_id, price.date_start, price.date_end, price.delay,
                      partner.active, price.partner_id, COALESCE(price.min_qty, 0), {unit}
                 FROM product_supplierinfo price
                 JOIN res_partner partner ON partner.id = price.partner_id
                 JOIN product_template template ON template.id = price.product_tmpl_id
                WHERE price.product_tmpl_id = ANY(%s)
             ORDER BY COALESCE(price.sequence, 0), COALESCE(price.min_qty, 0) DESC, COALESCE(price.price, 0),
                      price.id""",
            (list({finding.template_id for finding in findings}),),
        )
        vendors = Vendors()
        if definers(self.env["product.product"], "_compute_display_name") <= NAMES_KNOWN:
            vendors.renamed = set()
        for template_id, name, code, *price in self.env.cr.fetchall():
            vendors.by_template[template_id].append(Price(*price))
            if vendors.renamed is not None and (name or code):
                vendors.renamed.add(template_id)
        return vendors

    # ------------------------------------------------------------------ dates

    def _place_in_time(self, finding, vendors, day):
        """Set the chain of rules, horizon and view; False: not plain, ask Odoo."""
        chain = self._chain(finding)
        if "manufacture" in chain["actions"]:
            return False
        today = fields.Date.today()
        finding.rules, finding.actions = chain["ids"], chain["actions"]
        finding.has_vendor_units = vendors.sell_otherwise(finding.template_id, finding.unit_id)
        finding.lead_days, horizon_days = self._lead_days(finding, chain, vendors, day)
        finding.horizon = today + timedelta(days=finding.lead_days + horizon_days)
        visibility = finding.visibility_days if "buy" in chain["actions"] else 0
        finding.view = finding.horizon + timedelta(days=visibility)
        return today <= finding.horizon <= finding.view

    def _chain(self, finding):
        """Facts about ``_get_rules_from_location`` of the rule's product and place; asked once per signature."""
        memory = RuleMemory.of(self.env)
        key = ("chain", memory.signatures[finding.product_id], finding.location_id, finding.route_id)
        if key not in memory.answers:
            # Alone: what routes the others have is known by their signatures.
            rules = (
                self.env["product.product"]
                .browse(finding.product_id)
                ._get_rules_from_location(
                    self.env["stock.location"].browse(finding.location_id),
                    route_ids=self.env["stock.route"].browse(finding.route_id or ()),
                )
            )
            memory.answers[key] = {
                "ids": rules._ids,
                "actions": frozenset(rules.mapped("action")),
                "company": (rules.filtered(lambda rule: rule.action == "buy").company_id[:1] or self.env.company).id,
            }
        return memory.answers[key]

    def _lead_days(self, finding, chain, vendors, day):
        """Days of ``_get_lead_days`` and of the horizon setting: asked once per chain and delay."""
        answers = RuleMemory.of(self.env).answers
        price_id, delay = finding.supplier_id, None
        if price_id:
            known = {price.id: price.delay for price in vendors.of(finding.template_id)}
            delay = known.get(price_id)
            if delay is None:  # of another product
                delay = self.env["product.supplierinfo"].browse(price_id).delay
        elif "buy" in chain["actions"]:
            delays = vendors.delays(finding.template_id, finding.product_id, chain["company"], day)
            if len(delays) > 1:  # which of them is chosen, and with it the delay, is for Odoo to say
                price = self._product(finding).with_company(chain["company"])._select_seller(quantity=None)
                price_id, delay = price.id, price.delay if price else None
            elif delays:
                ((delay, price_id),) = delays.items()
        key = ("lead", chain["ids"], delay)
        if key not in answers:
            rules = self.env["stock.rule"].browse(chain["ids"]).with_context(bypass_delay_description=True)
            values = {"supplierinfo": self.env["product.supplierinfo"].browse(price_id)} if price_id else {}
            delays = rules._get_lead_days(self._product(finding), **values)[0]
            answers[key] = int(delays["total_delay"]), int(delays.get("horizon_time", 0))
        return answers[key]

    def _product(self, finding):
        """The product, read together with those of the other rules."""
        memory = RuleMemory.of(self.env)
        return self.env["product.product"].browse(finding.product_id).with_prefetch(memory.products)

    def _orderpoint(self, finding):
        """The rule, read together with the others."""
        memory = RuleMemory.of(self.env)
        return self.env[ORDERPOINT].browse(finding.orderpoint_id).with_prefetch(memory.orderpoints)

    @api.model
    def _procurement_date(self, finding, company):
        """When the goods are wanted: noon of the horizon, less the days that the horizon looks ahead."""
        zone = timezone(company.partner_id.tz or "UTC")
        noon = zone.localize(datetime.combine(finding.horizon, time(12))).astimezone(UTC).replace(tzinfo=None)
        if IS_17:
            ahead = int(self.env["ir.config_parameter"].sudo().get_param("stock.visibility_days") or 0)
        else:
            ahead = int(self._orderpoint(finding).get_horizon_days() or 0)
        return noon - timedelta(days=ahead)

    # -------------------------------------------------------------- quantities

    def _measure(self, findings, look_out_days):
        if not findings:
            return
        stock = self._stock(findings)
        moves = self._moves(findings, look_out_days)
        progress = self._in_progress(findings)
        for finding in findings:
            on_hand, reserved = stock.get(finding.orderpoint_id, (0.0, 0.0))
            into, late, seen_in, later_in, out, seen_out, later_out = moves.get(finding.orderpoint_id, (0.0,) * 7)
            finding.position = Position(
                on_hand=on_hand,
                reserved=reserved,
                incoming=into,
                incoming_late=late,
                outgoing=out,
                in_progress=progress.get(finding.orderpoint_id, 0.0),
                seen_incoming=seen_in,
                seen_outgoing=seen_out,
                later_incoming=later_in,
                later_outgoing=later_out,
            )
            rule = MinimumRule(finding.minimum, finding.maximum, finding.multiple, finding.rounding)
            finding.need = need_of(rule, finding.position, self._rounding_of(finding))

    def _rounding_of(self, finding):
        """On 19.0 the multiple is a unit, of the rule or of the vendor that is selected for the quantity.

        Odoo is asked where there is one; where all vendors sell in the unit of the product there is none.
        """
        if IS_17:
            return None
        if not finding.multiple_id and not finding.has_vendor_units:
            return float
        if not finding.multiple_id and not finding.route_id and "buy" in finding.actions:
            return lambda quantity: self._to_vendor_unit(finding, quantity)
        return lambda quantity: self._rounded_by_odoo(finding, quantity)

    def _rounded_by_odoo(self, finding, quantity):
        """``quantity`` in whole multiples of the rule; its route is worked out for this rule alone (19.0)."""
        orderpoint, product = self._orderpoint(finding), self._product(finding)
        orderpoint.mapped("product_id"), product.mapped("uom_id")  # what is stored is read with the others
        return orderpoint.with_prefetch()._get_multiple_rounded_qty(quantity)

    def _to_vendor_unit(self, finding, quantity):
        """``quantity`` up to whole units of the vendor that Odoo selects for it (19.0)."""
        product, company = self._product(finding), self.env.company
        wanted = self._procurement_date(finding, company)
        ordered = product._get_dates_info(wanted, self.env["stock.location"].browse(finding.location_id))["date_order"]
        price = self.env["product.supplierinfo"].browse(finding.supplier_id or ()) or product._select_seller(
            quantity=quantity, date=max(ordered.date(), fields.Date.today()), uom_id=product.uom_id
        )
        unit = price[SUPPLIERINFO_UOM]
        if not unit or unit == product.uom_id:
            return quantity
        units = float_round(product.uom_id._compute_quantity(quantity, unit), precision_digits=0, rounding_method="UP")
        return unit._compute_quantity(units, product.uom_id)

    def _stock(self, findings):
        self.env.cr.execute(
            """SELECT op.id, SUM(quant.quantity), SUM(quant.reserved_quantity)
                 FROM stock_warehouse_orderpoint op
                 JOIN stock_location place ON place.id = op.location_id
                 JOIN stock_quant quant ON quant.product_id = op.product_id
                 JOIN stock_location location ON location.id = quant.location_id
                WHERE op.id = ANY(%s) AND location.parent_path LIKE place.parent_path || '%%'
             GROUP BY op.id""",
            ([finding.orderpoint_id for finding in findings],),
        )
        return {row[0]: (float(row[1] or 0), float(row[2] or 0)) for row in self.env.cr.fetchall()}

    def _moves(self, findings, look_out_days):
        """``{rule: (in, of these due before today, in until the view, in behind it, and the same of out)}``."""
        self.env.cr.execute(
            f"""WITH asked AS (
                    SELECT * FROM unnest(%s::int[], %s::timestamp[], %s::timestamp[]) AS a (id, horizon, view)),
                met AS (
                    SELECT asked.id, move.product_qty AS qty, move.date, asked.horizon, asked.view,
                           {ENDS_BELOW} LIKE place.parent_path || '%%' AS ends,
                           source.parent_path LIKE place.parent_path || '%%' AS starts
                      FROM asked
                      JOIN stock_warehouse_orderpoint op ON op.id = asked.id
                      JOIN stock_location place ON place.id = op.location_id
                      JOIN stock_move move ON move.product_id = op.product_id AND move.state IN %s
                                          AND move.date <= asked.view + %s * INTERVAL '1 day'
                      JOIN stock_location source ON source.id = move.location_id
                      JOIN stock_location dest ON dest.id = move.location_dest_id
                      {FINAL})
                SELECT id,
                       SUM(qty) FILTER (WHERE ends AND date <= horizon),
                       SUM(qty) FILTER (WHERE ends AND date <= horizon AND date < %s),
                       SUM(qty) FILTER (WHERE ends AND date <= view),
                       SUM(qty) FILTER (WHERE ends AND date > view),
                       SUM(qty) FILTER (WHERE starts AND date <= horizon),
                       SUM(qty) FILTER (WHERE starts AND date <= view),
                       SUM(qty) FILTER (WHERE starts AND date > view)
                  FROM met
                 WHERE ends <> starts
              GROUP BY id""",
            (
                [finding.orderpoint_id for finding in findings],
                [_end_of(finding.horizon) for finding in findings],
                [_end_of(finding.view) for finding in findings],
                OPEN_MOVES,
                look_out_days,
                datetime.combine(fields.Date.today(), time.min),
            ),
        )
        return {row[0]: tuple(float(value or 0) for value in row[1:]) for row in self.env.cr.fetchall()}

    def _in_progress(self, findings):
        """Odoo's own count, once per location; and draft requisitions of the rules (17.0)."""
        self._cache(ORDERPOINT, "location_id", {one.orderpoint_id: one.location_id for one in findings})
        self._cache("product.product", "uom_id", {one.product_id: one.unit_id for one in findings})
        by_location = defaultdict(list)
        for finding in findings:
            by_location[finding.location_id].append(finding)
        progress = {}
        for location_id, ones in by_location.items():
            products = self.env["product.product"].browse({one.product_id for one in ones})
            quantities = products._get_quantity_in_progress([location_id])[0]
            for one in ones:
                progress[one.orderpoint_id] = quantities.get((one.product_id, location_id), 0.0)
        if "purchase_requisition_stock" in definers(self.env[ORDERPOINT], "_quantity_in_progress"):
            self._add_requisitions(findings, progress)
        return progress

    def _cache(self, model, name, values):
        """Let Odoo know what was read already, ``{id: id}``: it would read whole records for it."""
        records = self.env[model].browse(values)
        field = records._fields[name]
        if IS_17:
            self.env.cache.insert_missing(records, field, values.values())
        else:
            field._insert_cache(records, values.values())

    def _add_requisitions(self, findings, progress):
        requisitions = self.env["purchase.requisition"].search([("state", "=", "draft"), ("origin", "!=", False)])
        if not requisitions:
            return
        orderpoints = self.env[ORDERPOINT].search(
            [
                ("id", "in", [finding.orderpoint_id for finding in findings]),
                ("name", "in", requisitions.mapped("origin")),
            ]
        )
        named = defaultdict(list)
        for orderpoint in orderpoints:
            named[orderpoint.name].append(orderpoint)
        for requisition in requisitions:
            for orderpoint in named.get(requisition.origin, ()):
                for line in requisition.line_ids:
                    if line.product_id == orderpoint.product_id and not line.move_dest_id:
                        progress[orderpoint.id] += line.product_uom_id._compute_quantity(
                            line.product_qty, orderpoint.product_uom, round=False
                        )

    # --------------------------------------------------------- handed to Odoo

    def _ask_core(self, orderpoints, findings, look_out_days):
        """The numbers of Odoo's own fields; what is behind the horizon is deducted here, too."""
        if not orderpoints:
            return
        orderpoints = orderpoints.with_context(**{CONTEXT_KEY: None})
        if IS_17:
            orderpoints._compute_qty_to_order()
        else:
            orderpoints._compute_qty_to_order_computed()
        for orderpoint in orderpoints:
            finding = findings[orderpoint.id]
            finding.is_from_core = True
            horizon = orderpoint.lead_days_date if IS_17 else orderpoint.lead_horizon_date
            finding.horizon = finding.view = horizon
            finding.lead_days = (horizon - fields.Date.today()).days
            finding.rules = orderpoint.rule_ids._ids
            finding.actions = frozenset(orderpoint.rule_ids.mapped("action"))
            quantity = orderpoint.qty_to_order if IS_17 else orderpoint.qty_to_order_computed
            in_progress = orderpoint._quantity_in_progress()[orderpoint.id]
            forecast, on_hand = orderpoint.qty_forecast, orderpoint.qty_on_hand
            change = forecast - in_progress - on_hand
            finding.position = Position(
                on_hand=on_hand, incoming=max(0.0, change), outgoing=max(0.0, -change), in_progress=in_progress
            )
            is_short = bool(quantity) or forecast < finding.minimum
            finding.need = Need(forecast, forecast, is_short, quantity, 0.0, max(0.0, quantity))
        self._deduct_later([findings[key] for key in orderpoints.ids], look_out_days)

    def _deduct_later(self, findings, look_out_days):
        """Rule 5 of the engine for needs that Odoo worked out."""
        moves = self._moves(findings, look_out_days)
        for finding in findings:
            later_in, later_out = (moves.get(finding.orderpoint_id) or (0.0,) * 7)[3::3]
            later, need = max(0.0, later_in - later_out), finding.need
            if later and need.is_short:
                rule = MinimumRule(finding.minimum, finding.maximum, finding.multiple, finding.rounding)
                round_up = self._rounding_of(finding) or (
                    lambda quantity, rule=rule: up_to_multiple(quantity, rule.multiple, rule.rounding)
                )
                left = less_later(rule, need.core_quantity, need.seen_forecast, later, round_up)
                finding.need = replace(need, later=later, quantity=left)

    # ---------------------------------------------------------- for the people

    @api.model
    def _dated_changes(self, findings):
        """``{rule: [(day, change)]}`` of what arrives and leaves, for telling when stock runs out."""
        if not findings:
            return {}
        self.env.cr.execute(
            f"""SELECT op.id, move.date::date,
                       SUM(CASE WHEN {ENDS_BELOW} LIKE place.parent_path || '%%' THEN move.product_qty
                                ELSE -move.product_qty END)
                  FROM stock_warehouse_orderpoint op
                  JOIN stock_location place ON place.id = op.location_id
                  JOIN stock_move move ON move.product_id = op.product_id AND move.state IN %s
                  JOIN stock_location source ON source.id = move.location_id
                  JOIN stock_location dest ON dest.id = move.location_dest_id
                  {FINAL}
                 WHERE op.id = ANY(%s)
                   AND ({ENDS_BELOW} LIKE place.parent_path || '%%')
                       <> (source.parent_path LIKE place.parent_path || '%%')
              GROUP BY 1, 2""",
            (OPEN_MOVES, [finding.orderpoint_id for finding in findings]),
        )
        changes = defaultdict(list)
        for orderpoint_id, day, change in self.env.cr.fetchall():
            changes[orderpoint_id].append((day, float(change)))
        return changes


def _end_of(day):
    return datetime.combine(day, time.max)
