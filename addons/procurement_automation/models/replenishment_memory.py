"""What a run remembers for a batch, so that Odoo is not asked the same for every product.

``_get_rule`` depends on the product only by its own routes, those of its category and, on 19.0, by whether it
has vendors and bills of materials: its *signature*. While a :class:`RuleMemory` lies in the context, Odoo's own method
is asked once per signature and place. Lead times depend on the chain of rules and the delay of the vendor; the vendor
of a product with a single price is known without asking; names that no vendor changes are those of everybody.
It is an object of this process: no client can send one.
"""

from odoo import api, fields, models
from odoo.tools import float_compare

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY, PROCUREMENT_MODEL

CONTEXT_KEY = "replenishment_memory"
#: Facts of a procurement that would lead to other routes than those of the signature.
OTHER_ROUTES = ("product_packaging_id", "packaging_uom_id")
#: What the name of a product depends on besides the vendor.
NAME_CONTEXT = ("lang", "company_id", "display_default_code", "use_partner_name", "formatted_display_name")


class RuleMemory:
    """Answers by signature and the vendors of a batch. Lives as long as that batch."""

    __slots__ = ("answers", "orderpoints", "prices", "products", "signatures", "vendors")

    def __init__(self):
        self.signatures = {}
        self.answers = {}
        #: Ids that are read together.
        self.products = self.orderpoints = self.prices = ()
        #: ``Vendors`` of the batch; None: ask Odoo.
        self.vendors = None

    @staticmethod
    def of(env):
        """The memory in the context, or None."""
        memory = env.context.get(CONTEXT_KEY)
        return memory if isinstance(memory, RuleMemory) else None

    def narrow(self, findings):
        """From here on only these are of interest: nothing is read for the others."""
        self.products = tuple({finding.product_id for finding in findings})
        self.orderpoints = tuple(finding.orderpoint_id for finding in findings)
        if self.vendors is not None:
            templates = {finding.template_id for finding in findings}
            self.prices = tuple(price.id for template_id in templates for price in self.vendors.of(template_id))

    def is_plain(self, product):
        """Whether the product is known, and not made of others."""
        *_routes, has_bom = self.signatures.get(product.id, (True,))
        return not has_bom

    def key(self, env, product, location, values):
        """What the answer depends on; None: not known, ask."""
        signature = self.signatures.get(product.id)
        if signature is None or any(values.get(name) for name in OTHER_ROUTES):
            return None
        return (
            signature,
            location.id,
            _ids(values.get("route_ids")),
            _ids(values["warehouse_id"]) if "warehouse_id" in values else None,
            _ids(values.get("company_id")) if env.su else None,
        )


def _ids(records):
    return tuple(records.ids) if records else ()


class ProcurementRule(models.Model):
    _inherit = PROCUREMENT_MODEL

    @api.model
    def _get_rule(self, product_id, location_id, values):
        memory = RuleMemory.of(self.env)
        key = memory and memory.key(self.env, product_id, location_id, values)
        if key is None:
            return super()._get_rule(product_id, location_id, values)
        if key not in memory.answers:
            memory.answers[key] = super()._get_rule(product_id, location_id, values).ids
        return self.env["stock.rule"].browse(memory.answers[key])


class StockRule(models.Model):
    _inherit = "stock.rule"

    def _get_lead_days(self, product, **values):
        """Asked once per chain of rules and delay of the vendor, for what is bought or moved."""
        memory = RuleMemory.of(self.env)
        if not memory or memory.vendors is None or values or not memory.is_plain(product):
            return super()._get_lead_days(product, **values)
        buying = self.filtered(lambda rule: rule.action == "buy").company_id
        today = fields.Date.context_today(self)
        delays = memory.vendors.delays(product.product_tmpl_id.id, product.id, buying.id, today)
        if len(delays) > 1 or self.env.context.get("ignore_vendor_lead_time"):
            return super()._get_lead_days(product)
        key = ("days", self._ids, next(iter(delays), None), bool(self.env.context.get("bypass_delay_description")))
        if key not in memory.answers:
            memory.answers[key] = super()._get_lead_days(product)
        days, description = memory.answers[key]
        return days.copy(), list(description)


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _select_seller(
        self, partner_id=False, quantity=0.0, date=None, uom_id=False, ordered_by="price_discounted", params=False
    ):
        memory = RuleMemory.of(self.env)
        if (
            memory
            and memory.vendors is not None
            and ordered_by == "price_discounted"
            and not any((params or {}).values())
        ):
            chosen = memory.vendors.choose(
                self.product_tmpl_id.id,
                self.id,
                self.env.company.id,
                date or fields.Date.context_today(self),
                {partner_id.id, partner_id.parent_id.id} if partner_id else None,
                lambda price: self._is_enough(quantity, uom_id, price),
            )
            if len(chosen) <= 1:
                return self.env["product.supplierinfo"].browse(chosen).with_prefetch(memory.prices)
        return super()._select_seller(
            partner_id=partner_id, quantity=quantity, date=date, uom_id=uom_id, ordered_by=ordered_by, params=params
        )

    def _is_enough(self, quantity, unit, price):
        """Whether ``quantity`` reaches the minimum of ``price``."""
        if quantity is None or not price.minimum:
            return quantity is None or quantity >= 0
        if quantity and unit and unit.id != price.unit_id:
            quantity = unit._compute_quantity(quantity, self.env["uom.uom"].browse(price.unit_id))
        digits = self.env["decimal.precision"].precision_get(PRECISION_QUANTITY)
        return float_compare(quantity, price.minimum, precision_digits=digits) >= 0

    def _compute_display_name(self):
        """A vendor that gives a product no name or code of its own sees the one that everybody sees."""
        memory, context = RuleMemory.of(self.env), self.env.context
        if not memory or not memory.vendors or not (context.get("partner_id") or context.get("seller_id")):
            return super()._compute_display_name()
        renamed = self.filtered(lambda product: memory.vendors.is_renamed(product.product_tmpl_id.id))
        names = memory.answers.setdefault(("names", *map(context.get, NAME_CONTEXT)), {})
        common = self - renamed if renamed else self
        if any(product_id not in names for product_id in common._ids):
            missing = {*common._ids, *memory.products}.difference(names)
            plain = self.with_context(partner_id=False, seller_id=False).browse(missing)
            super(ProductProduct, plain)._compute_display_name()
            names.update((product.id, product.display_name) for product in plain)
        for product in common:
            product.display_name = names[product.id]
        if renamed:
            super(ProductProduct, renamed)._compute_display_name()
        return None


class AnalyticDistributionModel(models.Model):
    _inherit = "account.analytic.distribution.model"

    @api.model
    def _get_distribution(self, vals):
        """Once per vendor and category; per product only where a model names products."""
        memory = RuleMemory.of(self.env)
        if not memory:
            return super()._get_distribution(vals)
        named = memory.answers.get("products with a distribution")
        if named is None:
            named = set(self.search([("product_id", "!=", False)]).product_id.ids)
            memory.answers["products with a distribution"] = named
        key = ("distribution", repr({**vals, "product_id": vals.get("product_id") if named else None}))
        if key not in memory.answers:
            memory.answers[key] = super()._get_distribution(vals)
        return memory.answers[key]
