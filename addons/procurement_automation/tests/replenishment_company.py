"""A company to replenish, generated from a seed: sites, routes, vendors, units, moves and quotations in every state."""

import random
from datetime import timedelta

from odoo import fields

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, SUPPLIERINFO_UOM, storable_product_values

#: Names of the cases below; each rule has one of them.
SUPPLIES = ("one_vendor", "two_vendors", "scale_prices", "named_price", "no_vendor", "minimum", "expired", "dozens")


class GeneratedCompany:
    """``rules``: reordering rules over ``sites``; everything else follows from the seed.

    ``below`` is the share of rules that start below their minimum.
    """

    def __init__(self, env, rules=200, sites=3, seed=17, below=0.5, routine=False):
        self.env = env(context={**env.context, "tracking_disable": True, "mail_create_nolog": True})
        self.random = random.Random(seed)
        self.company = env.company
        self.below = below
        self.routine = routine
        # Nothing is ordered while the company is being made.
        env["ir.config_parameter"].sudo().set_param("stock.no_auto_scheduler", "True")
        self.unit = env.ref("uom.product_uom_unit")
        self.dozen = env.ref("uom.product_uom_dozen")
        self.customers = env.ref("stock.stock_location_customers")
        self.suppliers = env.ref("stock.stock_location_suppliers")
        self.vendors = self._vendors()
        self.sites = self._sites(sites)
        self.orderpoints = self._rules(rules)
        self._stock()
        self._moves()
        self._quotations()
        self.env.flush_all()
        self.env.invalidate_all()

    def _vendors(self):
        return self.env["res.partner"].create(
            [
                {"name": f"Vendor {number}", "supplier_rank": 1, "vendor_status": "approved", "is_company": True}
                for number in range(8)
            ]
        )

    def _sites(self, count):
        warehouses = self.env["stock.warehouse"].search([("company_id", "=", self.company.id)], limit=1)
        for number in range(1, count):
            values = {"name": f"Branch {number}", "code": f"RB{number}", "company_id": self.company.id}
            if number == 2 and not self.routine:
                values["reception_steps"] = "two_steps"
            warehouses += self.env["stock.warehouse"].create(values)
        if count > 1 and not self.routine:
            warehouses[1].resupply_wh_ids = warehouses[0]
        return warehouses

    # ------------------------------------------------------------------ rules

    def _rules(self, count):
        products = self._products(-(-count // len(self.sites)))
        values = []
        for number in range(count):
            site = self.sites[number % len(self.sites)]
            product = products[number // len(self.sites)]
            values.append(self._rule_values(site, product, number))
        return self.env["stock.warehouse.orderpoint"].create(values)

    def _rule_values(self, site, product, number):
        draw = self.random
        minimum = draw.randrange(5, 60)
        location = site.lot_stock_id
        if not self.routine and draw.random() < 0.1:
            location = self._shelf(site)
        values = {
            "product_id": product.id,
            "warehouse_id": site.id,
            "location_id": location.id,
            "product_min_qty": minimum,
            "product_max_qty": minimum + draw.randrange(0, 120),
            "trigger": "manual" if not self.routine and draw.random() < 0.1 else "auto",
        }
        if IS_17:
            values["qty_multiple"] = draw.choice([0, 1, 1, 5, 12])
            if not self.routine and draw.random() < 0.15:
                values["purchase_visibility_days"] = draw.randrange(1, 20)
        elif draw.random() < 0.3:
            values["replenishment_uom_id"] = self.dozen.id
        if not self.routine and number % len(self.sites) == 1 and draw.random() < 0.3:
            values["route_id"] = site.resupply_route_ids[:1].id
        elif self.supply[product.id] == "named_price":
            values["supplier_id"] = product.seller_ids[-1].id
        return values

    def _shelf(self, site):
        shelves = self.__dict__.setdefault("shelves", {})
        if site.id not in shelves:
            shelves[site.id] = self.env["stock.location"].create(
                {"name": "Shelf", "location_id": site.lot_stock_id.id, "usage": "internal"}
            )
        return shelves[site.id]

    def _products(self, count):
        draw = self.random
        kinds = ["one_vendor"] * count if self.routine else [draw.choice(SUPPLIES) for _ in range(count)]
        products = self.env["product.product"].create(
            [
                {
                    "name": f"Part {number}",
                    "default_code": f"P{number:05}",
                    "standard_price": 10,
                    "purchase_ok": True,
                    **storable_product_values(),
                    **({"uom_po_id": self.dozen.id} if IS_17 and kind == "dozens" else {}),
                }
                for number, kind in enumerate(kinds)
            ]
        )
        self.supply = {product.id: kind for product, kind in zip(products, kinds)}
        self.env["product.supplierinfo"].create(
            [price for product, kind in zip(products, kinds) for price in self._prices(product, kind)]
        )
        return products

    def _prices(self, product, kind):
        draw = self.random
        today = fields.Date.today()

        def price(**more):
            return {
                "product_tmpl_id": product.product_tmpl_id.id,
                "partner_id": self.vendors[draw.randrange(len(self.vendors))].id,
                "price": draw.randrange(5, 40),
                "delay": draw.choice([0, 2, 5, 9, 14]),
                "company_id": self.company.id,
                **more,
            }

        if kind == "no_vendor":
            return []
        if kind == "two_vendors":
            return [price(sequence=1), price(sequence=2)]
        if kind == "scale_prices":
            vendor = self.vendors[draw.randrange(len(self.vendors))].id
            return [price(partner_id=vendor, delay=3), price(partner_id=vendor, min_qty=50, price=4, delay=8)]
        if kind == "named_price":
            return [price(sequence=1), price(sequence=2)]
        if kind == "minimum":
            return [price(min_qty=draw.choice([20, 500]))]
        if kind == "expired":
            return [price(date_end=today - timedelta(days=3)), price(date_start=today - timedelta(days=3))]
        if kind == "dozens" and not IS_17:
            return [price(**{SUPPLIERINFO_UOM: self.dozen.id})]
        return [price()]

    # ------------------------------------------------------------------ stock

    def _stock(self):
        quants = self.env["stock.quant"].sudo()
        for rule in self.orderpoints:
            is_below = self.random.random() < self.below
            level = self.random.uniform(0.1, 0.9) if is_below else self.random.uniform(2.0, 4.0)
            quantity = int(rule.product_min_qty * level)
            if quantity:
                quants._update_available_quantity(rule.product_id, rule.location_id, quantity)

    def _moves(self):
        """Deliveries and receipts: draft, confirmed, assigned, cancelled; overdue, soon, behind the horizon."""
        draw = self.random
        values, states = [], []
        for rule in self.orderpoints:
            for _number in range(draw.choice([0, 0, 1, 2]) if self.routine else draw.choice([0, 1, 2, 4])):
                is_in = draw.random() < 0.5
                here, there = rule.location_id, self.suppliers if is_in else self.customers
                if not self.routine and draw.random() < 0.15:
                    there = draw.choice(self.sites).lot_stock_id
                values.append(self._move_values(rule, *((there, here) if is_in else (here, there))))
                states.append(
                    "confirm" if self.routine else draw.choice(["confirm"] * 6 + ["draft", "cancel", "assign"])
                )
        moves = self.env["stock.move"].create(values)
        chosen = {name: moves.browse() for name in ("confirm", "draft", "cancel", "assign")}
        for move, state in zip(moves, states):
            chosen[state] |= move
        (chosen["confirm"] | chosen["assign"] | chosen["cancel"])._action_confirm(merge=False)
        chosen["assign"]._action_assign()
        chosen["cancel"]._action_cancel()

    def _move_values(self, rule, source, dest):
        day = fields.Datetime.now() + timedelta(days=self.random.choice([-9, -2, 0, 1, 3, 6, 12, 25, 60]))
        return {
            **({"name": "generated"} if IS_17 else {}),
            "product_id": rule.product_id.id,
            "product_uom_qty": self.random.randrange(1, 25),
            "product_uom": self.unit.id,
            "location_id": source.id,
            "location_dest_id": dest.id,
            "company_id": self.company.id,
            "date": day,
        }

    def _quotations(self):
        """Requests for quotation, made for a rule or by hand, and confirmed orders."""
        draw = self.random
        for site in self.sites:
            rules = self.orderpoints.filtered(lambda rule, site=site: rule.warehouse_id == site)
            some = [rule for rule in rules if draw.random() < 0.15]
            for state in ("draft", "sent", "purchase"):
                part = some[("draft", "sent", "purchase").index(state) :: 3]
                if not part:
                    continue
                order = self.env["purchase.order"].create(
                    {
                        "partner_id": draw.choice(self.vendors).id,
                        "picking_type_id": site.in_type_id.id,
                        "order_line": [(0, 0, self._line_values(rule)) for rule in part],
                    }
                )
                if state == "sent":
                    order.state = "sent"
                elif state == "purchase":
                    order.button_confirm()

    def _line_values(self, rule):
        unit = self.dozen if self.random.random() < 0.2 else self.unit
        return {
            "product_id": rule.product_id.id,
            "name": rule.product_id.name,
            "product_qty": self.random.randrange(1, 30),
            LINE_UOM: unit.id,
            "price_unit": 7,
            "date_planned": fields.Datetime.now() + timedelta(days=self.random.choice([1, 4, 40])),
            "orderpoint_id": rule.id if self.random.random() < 0.6 else False,
        }
