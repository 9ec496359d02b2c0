"""The winter range: its goods, vendors, prices and stock, and what customers took of it in a year."""

from collections import Counter
from datetime import datetime, time, timedelta

from odoo import Command

from odoo.addons.distribution_core.compat import IS_17, storable_product_values

from ..engine import catalogue, procurement_cases, winter_range
from . import procurement_orders
from .clock import OFFSET, at, day, moment, now
from .goods import PAYMENT_TERM, vendor_governance
from .trade import _backdate_moves, _created

#: Days ago on which the range was taken up.
TAKEN_UP = 410
#: What procurement automation does at Larkfield.
SETTINGS = {
    "replenishment_by": "suite",
    "replenishment_transfer": True,
    "receipt_compared": True,
    "bill_match_kept": True,
    "scorecard_kept": True,
}
#: Who gets a case that no buyer's order leads to.
CASE_OWNERS = {"vendor_declines": "purchasing_manager", "bill_mismatch": "finance_controller"}


def build(env, _plan, directory):
    """Five months of buying it, and a year of selling it; then the reordering rules of its sites."""
    env.company.write(SETTINGS)
    for code, login in CASE_OWNERS.items():
        env["distribution.case.type"].search([("code", "=", code)]).user_id = directory.users[login]
    categories = _categories(env, directory)
    _vendors(env, directory)
    _goods(env, directory, categories)
    _prices(env, directory)
    _tolerances(env, categories)
    _landed_rules(env)
    sold = winter_range.make_demand(now().date())
    _opening_stock(env, directory, sold)
    procurement_orders.past(env, directory)
    _sell(env, directory, sold)
    _rules(env, directory)


def _categories(env, directory):
    root = env["product.category"].search([("name", "=", catalogue.ROOT_CATEGORY)])
    made = {}
    for code, name, manager in (winter_range.CATEGORY, winter_range.IMPORTED):
        made[code] = env["product.category"].create(
            {"name": name, "parent_id": root.id, "manager_id": directory.users[manager].id}
        )
    made[winter_range.IMPORTED[0]].property_cost_method = "average"
    return made


def _vendors(env, directory):
    partners = vendor_governance(env, directory, "res.partner").create(
        [
            {
                "name": vendor.name,
                "is_company": True,
                "supplier_rank": 1,
                "city": vendor.city,
                "country_id": env.ref(f"base.{vendor.country}").id,
                "email": f"{vendor.key}@example.com",
                "ref": vendor.key,
                "vendor_status": vendor.status,
                "vendor_risk_tier": vendor.tier,
                # The roll-out began with these vendors.
                "confirmation_wanted": "always",
                "buyer_id": directory.users[winter_range.BUYERS[vendor.key]].id,
                "property_purchase_currency_id": env.ref(f"base.{vendor.currency}").id,
                "property_supplier_payment_term_id": env.ref(PAYMENT_TERM).id,
            }
            for vendor in winter_range.VENDORS
        ]
    )
    directory.vendors.update(
        (vendor.key, partner) for vendor, partner in zip(winter_range.VENDORS, partners.with_env(env))
    )


def _goods(env, directory, categories):
    plan = [(good, good.product) for good in winter_range.GOODS]
    products = env["product.product"].create(
        [
            {
                "name": product.name,
                "default_code": product.code,
                "categ_id": categories[product.category].id,
                "standard_price": product.cost,
                "list_price": product.price,
                "weight": good.weight,
                **storable_product_values(),
            }
            for good, product in plan
        ]
    )
    directory.products.update((good.code, record) for (good, _product), record in zip(plan, products))


def _prices(env, directory):
    lead = {vendor.key: vendor.lead for vendor in winter_range.VENDORS}
    currency = {vendor.key: vendor.currency for vendor in winter_range.VENDORS}
    vendor_governance(env, directory, "product.supplierinfo").create(
        [
            {
                "partner_id": directory.vendors[good.vendor].id,
                "product_tmpl_id": directory.products[good.code].product_tmpl_id.id,
                "price": good.price,
                "delay": lead[good.vendor],
                "currency_id": env.ref(f"base.{currency[good.vendor]}").id,
                "contract_state": "contract",
                "date_start": day(TAKEN_UP),
            }
            for good in winter_range.GOODS
        ]
    )


def _tolerances(env, categories):
    env["distribution.supplier.tolerance"].create(
        [{**procurement_cases.TOLERANCE, "category_id": category.id} for category in categories.values()]
    )


def _landed_rules(env):
    env["distribution.landed.rule"].create(
        [
            {"kind": kind, "method": method, "rate": rate, "country_id": env.ref("base.fi").id}
            for kind, method, rate in procurement_cases.LANDED_RULES
        ]
    )


def _opening_stock(env, directory, sold):
    """As much as makes the stock of today what the plan says, after all that came and went."""
    sites = list(directory.sites)
    wanted = Counter({(level.code, level.site): level.on_hand for level in winter_range.make_levels(sites)})
    for code, place, _day, units in sold:
        wanted[code, sites[place]] += units
    wanted.subtract(procurement_orders.received())
    when = moment(TAKEN_UP, 7)
    with at(when):
        counted = (
            env["stock.quant"]
            .with_context(inventory_mode=True)
            .create(
                [
                    {
                        "product_id": directory.products[code].id,
                        "location_id": directory.sites[site].lot_stock_id.id,
                        "inventory_quantity": quantity,
                    }
                    for (code, site), quantity in wanted.items()
                ]
            )
        )
        counted.action_apply_inventory()
    env.flush_all()
    moves = env["stock.move"].search([("is_inventory", "=", True), ("product_id", "in", counted.product_id.ids)])
    _backdate_moves(env, moves, when)


def _sell(env, directory, sold):
    """Counter sales of the branches, as their tills reported them: no orders, deliveries only."""
    customers = env.ref("stock.stock_location_customers")
    sites = list(directory.sites.values())
    values = []
    for code, place, _day, units in sold:
        product, shelf = directory.products[code], sites[place].lot_stock_id
        where = {"product_id": product.id, "location_id": shelf.id, "location_dest_id": customers.id}
        values.append(
            {
                **where,
                **({"name": product.name} if IS_17 else {}),
                "product_uom": product.uom_id.id,
                "product_uom_qty": units,
                "company_id": env.company.id,
                "origin": "Counter sales",
                "move_line_ids": [
                    Command.create({**where, "product_uom_id": product.uom_id.id, "quantity": units, "picked": True})
                ],
            }
        )
    moves = env["stock.move"].create(values)
    moves.picked = True
    moves._action_done()
    env.flush_all()
    dated = [datetime.combine(day, time(15)) + timedelta(hours=OFFSET) for _code, _place, day, _units in sold]
    statements = {"stock_move": "id", "stock_move_line": "move_id"}
    if IS_17:
        statements["stock_valuation_layer"] = "stock_move_id"
    for table, link in statements.items():
        # Plain SQL: see trade.py
        env.cr.execute(
            f"""UPDATE {table} record SET {"create_date" if "valuation" in table else "date"} = dated.moment
                  FROM unnest(%s, %s) AS dated (id, moment) WHERE record.{link} = dated.id""",
            (moves.ids, dated),
        )
    moves.invalidate_recordset(["date"])


def _rules(env, directory):
    levels = winter_range.make_levels(list(directory.sites))
    rules = env["stock.warehouse.orderpoint"].create(
        [
            {
                "product_id": directory.products[level.code].id,
                "warehouse_id": directory.sites[level.site].id,
                "location_id": directory.sites[level.site].lot_stock_id.id,
                "product_min_qty": level.minimum,
                "product_max_qty": level.maximum,
                "trigger": "auto",
            }
            for level in levels
        ]
    )
    env["distribution.transfer.lane"].create(
        [
            {
                "from_id": directory.sites[source].id,
                "to_id": directory.sites[site].id,
                "days": days,
                "cost_per_order": cost,
                "cost_per_unit": each,
            }
            for source, site, days, cost, each in procurement_cases.LANES
        ]
    )
    _created(env, rules, [moment(TAKEN_UP, 8)] * len(rules))
