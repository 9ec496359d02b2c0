"""Who changed the prices and costs of products that sale orders are measured by; see :mod:`.sales_terms`.

A price list may build on the sales price or on the cost, and extras of variants and of combos come on top; its rules
for a category hold for those below it as well. Margins are measured by the cost. Costs that Odoo reckons itself, as
superuser, from receipts and bills are not noted: those are governed where the goods or the bill come in.
"""

from odoo import api, models

from odoo.addons.distribution_core.compat import IS_17

#: What decides the list price of a product: the price itself, its unit, the category that rules of lists are made for,
#: and what is in it.
PRICE = ("list_price", "uom_id", "categ_id", "combo_ids")
EXTRA = frozenset({"price_extra", "ptav_active"})
#: What is written to a variant, and the figure that follows from it.
OF_VARIANT = {"standard_price": "standard_price", "product_template_attribute_value_ids": "price_extra"}


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def write(self, vals):
        names = [name for name in PRICE if name in vals]
        before = _figures(self, names)
        result = super().write(vals)
        self.env["distribution.sales.terms"]._note("sales_price", _changed(self, names, before))
        return result


class ProductCategory(models.Model):
    _inherit = "product.category"

    def write(self, vals):
        names = [name for name in ("parent_id",) if name in vals]
        before = _figures(self, names)
        result = super().write(vals)
        self.env["distribution.sales.terms"]._note("product_category", _changed(self, names, before))
        return result


class ProductTemplateAttributeValue(models.Model):
    _inherit = "product.template.attribute.value"

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create(vals_list)
        values.filtered("price_extra")._approval_note_extra()
        return values

    def write(self, vals):
        if EXTRA.isdisjoint(vals):
            return super().write(vals)
        dear = self.filtered("price_extra")
        result = super().write(vals)
        (dear | self.filtered("price_extra"))._approval_note_extra()
        return result

    def unlink(self):
        self.filtered("price_extra")._approval_note_extra()
        return super().unlink()

    def _approval_note_extra(self):
        self.env["distribution.sales.terms"]._note("sales_price", self.product_tmpl_id)


class ProductProduct(models.Model):
    _inherit = "product.product"

    @api.model_create_multi
    def create(self, vals_list):
        products = super().create(vals_list)
        products.filtered("standard_price")._approval_note_cost()
        return products

    def write(self, vals):
        names = [name for lead, name in OF_VARIANT.items() if lead in vals]
        before = _figures(self, names)
        result = super().write(vals)
        if "standard_price" in names:
            _changed(self, ["standard_price"], before)._approval_note_cost()
        if "price_extra" in names:
            changed = _changed(self, ["price_extra"], before)
            self.env["distribution.sales.terms"]._note("sales_price", changed.product_tmpl_id)
        return result

    def _approval_note_cost(self):
        if not self.env.su:
            self.env["distribution.sales.terms"]._note("cost", self.product_tmpl_id)


if not IS_17:

    class ProductValue(models.Model):
        """19.0 values goods by hand in a record of its own, from which it reckons the cost."""

        _inherit = "product.value"

        @api.model_create_multi
        def create(self, vals_list):
            values = super().create(vals_list)
            (values.product_id | values.lot_id.product_id | values.move_id.product_id)._approval_note_cost()
            return values

        def write(self, vals):
            result = super().write(vals)
            (self.product_id | self.lot_id.product_id | self.move_id.product_id)._approval_note_cost()
            return result

    class ProductComboItem(models.Model):
        """What may be chosen in a combo of 19.0, and what it costs extra."""

        _name = "product.combo.item"
        _inherit = ["product.combo.item", "distribution.sales.terms.keeper"]

        def _approval_note_terms(self):
            self.env["distribution.sales.terms"]._note("combo", self.combo_id)

    class ProductCombo(models.Model):
        _inherit = "product.combo"

        def unlink(self):
            # sudo: products that the user may not see have one choice less as well
            products = self.env["product.template"].sudo().search([("combo_ids", "in", self.ids)])
            self.env["distribution.sales.terms"]._note("sales_price", products)
            return super().unlink()


def _figures(records, names):
    return {record.id: {name: record[name] for name in names} for record in records if names}


def _changed(records, names, before):
    """Those of which one of the figures is not what it was ``before``."""
    return records.filtered(lambda record: any(before[record.id][name] != record[name] for name in names))
