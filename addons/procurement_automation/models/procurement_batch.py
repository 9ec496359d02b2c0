"""The rule of products that are alike is looked up once per batch of procurements.

Confirming an order procures all its lines in one ``run``, and Odoo looks up the rule line by line though most goods
have the same routes. While a ``run`` of several procurements lasts, its answers are remembered by what they depend
on. A ``run`` inside remembers its own; where an addon that nobody read changes the look-up, nothing is remembered.
"""

from contextvars import ContextVar

from odoo import api, models

from odoo.addons.distribution_core.compat import IS_17, PROCUREMENT_MODEL

from .replenishment_known import KNOWN, definers
from .replenishment_memory import OTHER_ROUTES, RuleMemory

#: Ids of rules by what they depend on; None: nothing is remembered.
ANSWERS = ContextVar("procurement_rules", default=None)
LOOK_UP = ("_get_rule", "_get_rule_domain", "_search_rule_for_warehouses", "_filter_warehouse_routes")


class ProcurementRule(models.Model):
    _inherit = PROCUREMENT_MODEL

    @api.model
    def run(self, procurements, raise_user_error=True):
        several = len(procurements) > 1 and not RuleMemory.of(self.env)
        token = ANSWERS.set({} if several and self._has_known_look_up() else None)
        try:
            return super().run(procurements, raise_user_error=raise_user_error)
        finally:
            ANSWERS.reset(token)

    @api.model
    def _get_rule(self, product_id, location_id, values):
        answers = ANSWERS.get()
        if answers is None:
            return super()._get_rule(product_id, location_id, values)
        key = (self.env, location_id, *_routes_of(product_id), *_asked_with(values))
        if key not in answers:
            answers[key] = super()._get_rule(product_id, location_id, values)
        return answers[key]

    def _has_known_look_up(self):
        known = KNOWN[self._name]
        return all(definers(self, method) <= known.get(method, set()) for method in LOOK_UP)


def _routes_of(product):
    """What a product has to do with its rule; since 19.0 routes to buy need vendors, routes to make a recipe."""
    category = product.categ_id
    yield product.route_ids._ids
    yield category.total_route_ids._ids
    if not IS_17:
        yield bool(product.seller_ids)
        yield "bom_ids" in product._fields and "normal" in product.bom_ids.mapped("type")


def _asked_with(values):
    """What else the look-up reads. Whose order line it is is no matter, that there is one is (drop shipping)."""
    for name in ("route_ids", "warehouse_id", "company_id", *OTHER_ROUTES):
        yield values[name] and values[name]._ids if name in values else None
    yield "sale_line_id" in values
