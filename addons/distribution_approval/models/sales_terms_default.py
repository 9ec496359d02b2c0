"""Who changed the terms of customers past their form: see :mod:`.sales_terms`.

Customers without terms of their own have those of the company, and their country decides about their price list.
Administrators can open the records in which Odoo keeps such defaults, and on 17.0 those of single customers too.
"""

from odoo import api, models

from odoo.addons.distribution_core.compat import IS_17

from .sales_terms import CUSTOMER

#: On 19.0 the default price list is a parameter, of one company or of all.
LIST_PARAMETER = "res.partner.property_product_pricelist"


class SalesTerms(models.AbstractModel):
    _inherit = "distribution.sales.terms"

    @api.model
    def _term_fields(self):
        """``{field id: what}`` of the fields of customers that are terms; cached by core."""
        names = {**CUSTOMER, "specific_property_product_pricelist": CUSTOMER["property_product_pricelist"]}
        return {self.env["ir.model.fields"]._get("res.partner", name).id: what for name, what in names.items()}


class SalesTermsKeeper(models.AbstractModel):
    """Records in which Odoo keeps terms: what they said before a change and what they say after it are noted."""

    _name = "distribution.sales.terms.keeper"
    _description = "Keeps Terms of Customers"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._approval_note_terms()
        return records

    def write(self, vals):
        self._approval_note_terms()
        result = super().write(vals)
        self._approval_note_terms()
        return result

    def unlink(self):
        self._approval_note_terms()
        return super().unlink()

    def _approval_note_terms(self):
        """Note the terms that these records say at present."""
        raise NotImplementedError


class IrDefault(models.Model):
    """Fallback of company-dependent terms on 19.0, on both series what a new customer starts with."""

    _name = "ir.default"
    _inherit = ["ir.default", "distribution.sales.terms.keeper"]

    def _approval_note_terms(self):
        terms = self.env["distribution.sales.terms"]
        if not terms._watched():
            return
        kinds = terms._term_fields()
        for default in self.sudo().filtered(lambda default: default.field_id.id in kinds):
            terms._note_company(kinds[default.field_id.id], default.company_id)


class IrConfigParameter(models.Model):
    _name = "ir.config_parameter"
    _inherit = ["ir.config_parameter", "distribution.sales.terms.keeper"]

    def _approval_note_terms(self):
        companies = self.env["res.company"]
        for parameter in self.sudo().filtered(lambda parameter: parameter.key.startswith(LIST_PARAMETER)):
            company = parameter.key[len(LIST_PARAMETER) + 1 :]
            self.env["distribution.sales.terms"]._note_company(
                CUSTOMER["property_product_pricelist"],
                companies.sudo().browse(int(company) if company.isdigit() else ()).exists(),
            )


class ResCountryGroup(models.Model):
    _inherit = "res.country.group"

    @api.model_create_multi
    def create(self, vals_list):
        groups = super().create(vals_list)
        groups.pricelist_ids._approval_note_reach()
        return groups

    def write(self, vals):
        if "country_ids" not in vals and "pricelist_ids" not in vals:
            return super().write(vals)
        self.pricelist_ids._approval_note_reach()
        result = super().write(vals)
        self.pricelist_ids._approval_note_reach()
        return result

    def unlink(self):
        self.pricelist_ids._approval_note_reach()
        return super().unlink()


class ResCountry(models.Model):
    _inherit = "res.country"

    def write(self, vals):
        if "country_group_ids" not in vals:
            return super().write(vals)
        self.country_group_ids.pricelist_ids._approval_note_reach()
        result = super().write(vals)
        self.country_group_ids.pricelist_ids._approval_note_reach()
        return result


if IS_17:

    class IrProperty(models.Model):
        """17.0 keeps the terms of customers in records of their own, and those of the company beside them."""

        _inherit = "ir.property"

        @api.model_create_multi
        def create(self, vals_list):
            properties = super().create(vals_list)
            properties._approval_note_terms(properties._approval_terms())
            return properties

        def write(self, vals):
            before = self._approval_terms()
            result = super().write(vals)
            self._approval_note_terms(before ^ self._approval_terms())
            return result

        def unlink(self):
            self._approval_note_terms(self._approval_terms())
            return super().unlink()

        def _approval_terms(self):
            """``{(what, "res.partner,<id>" or False, company id, value)}`` of those that are terms of customers."""
            terms = self.env["distribution.sales.terms"]
            kinds = terms._term_fields() if self and terms._watched() else {}
            return {
                (kinds[each.fields_id.id], each.res_id, each.company_id.id, each.value_reference or each.value_float)
                for each in self.sudo()
                if each.fields_id.id in kinds
            }

        def _approval_note_terms(self, changed):
            terms = self.env["distribution.sales.terms"]
            for what, reference, company_id, _value in sorted(changed, key=str):
                if not reference:
                    terms._note_company(what, self.env["res.company"].browse(company_id or ()))
                    continue
                # sudo: whose terms they are is compared, not shown
                partner = self.env["res.partner"].sudo().browse(int(reference.partition(",")[2])).exists()
                # Those of a contact count for nothing.
                terms._note(what, partner.filtered(lambda each: each == each.commercial_partner_id))
