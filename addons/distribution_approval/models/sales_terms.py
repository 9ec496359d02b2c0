"""Who changed what sale orders are measured by: customers' terms, price lists, payment terms.

Prices and costs of products: :mod:`.sales_prices`; what holds for customers without terms of their own:
:mod:`.sales_terms_default`.

Changing them is normal work and is not refused. It is recorded in the ledger while sale orders or their deliveries
are governed, so that policy sees an order whose own people changed its measure (:mod:`..documents.sale_terms`), and
a delivery whose customer got another credit limit (:mod:`..documents.credit_limit_change`).
"""

from odoo import api, models

EVENT = "distribution.sales_terms.changed.v1"
#: Documents that are measured by customers' terms.
MEASURED = ("sale_order", "delivery_hold", "credit_release")
#: In the data of the cursor's pre-commit hooks: gone with every rollback, as the events are.
NOTED_KEY = "distribution.approval.sales_terms_noted"
#: Terms of a customer, and what the ledger calls a change of each.
CUSTOMER = {
    "property_product_pricelist": "customer_price_list",
    "property_payment_term_id": "customer_payment_terms",
    "credit_limit": "customer_credit_limit",
}
#: Fields from which those follow. Not every series has all.
LEADS_TO_TERMS = frozenset(
    {
        *CUSTOMER,
        "specific_property_product_pricelist",
        "use_partner_credit_limit",
        "country_id",
        "parent_id",
        "is_company",
    }
)
#: Fields of a price list that decide which customers it is for, or what its prices mean.
REACH = frozenset({"active", "sequence", "company_id", "country_group_ids", "currency_id"})
EARLY_PAYMENT = frozenset({"early_discount", "discount_percentage", "discount_days", "early_pay_discount_computation"})


class SalesTerms(models.AbstractModel):
    _name = "distribution.sales.terms"
    _description = "Changes of Sales Terms"

    def init(self):
        super().init()
        # Each judgement of an order asks whether its people changed anything (documents/sale_terms.py).
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_event_sales_terms_idx
                   ON distribution_event (user_ref, time) WHERE type = %s""",
            [EVENT],
        )

    @api.model
    def _watched(self):
        """Whether anybody measures orders, or their deliveries, by them; a cached look-up."""
        places = self.env["distribution.approval.activation"]._governed_places
        return any(places(document_type) for document_type in MEASURED)

    @api.model
    def _note(self, what, records):
        """The present user changed ``what`` of ``records``; one INSERT for all, once in a transaction."""
        if not records or not self._watched():
            return
        noted = self.env.cr.precommit.data.setdefault(NOTED_KEY, set())
        key = (what, records._name, self.env.uid)
        records = records.filtered(lambda record: (*key, record.id) not in noted)
        noted.update((*key, record_id) for record_id in records.ids)
        # sudo: whoever changes terms need not read the ledger
        self.env["distribution.event"].sudo()._record(EVENT, records.sudo(), {"what": what})

    @api.model
    def _note_company(self, what, companies):
        """``what`` changed for all customers of ``companies``; none: of every company."""
        # sudo: what holds for companies that the user may not see changes as well
        self._note(what, companies or self.env["res.company"].sudo().search([]))


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        for name, what in CUSTOMER.items():
            own = [
                partner.id
                for partner, vals in zip(partners, vals_list)
                if vals.get(name) and partner == partner.commercial_partner_id
            ]
            self.env["distribution.sales.terms"]._note(what, self.browse(own))
        return partners

    def write(self, vals):
        if LEADS_TO_TERMS.isdisjoint(vals) or not self.env["distribution.sales.terms"]._watched():
            return super().write(vals)
        before = self._approval_customer_terms()
        result = super().write(vals)
        after = self._approval_customer_terms()
        for name, what in CUSTOMER.items():
            changed = self.filtered(lambda partner, name=name: before[partner.id][name] != after[partner.id][name])
            self.env["distribution.sales.terms"]._note(what, changed)
        return result

    def _approval_customer_terms(self):
        """``{id: {name: value}}`` of the terms that hold for these in the present company: those of their customer."""
        # sudo: a credit limit is shown to accountants only; here it is compared
        return {partner.id: {name: partner.commercial_partner_id[name] for name in CUSTOMER} for partner in self.sudo()}


class ProductPricelist(models.Model):
    _inherit = "product.pricelist"

    @api.model_create_multi
    def create(self, vals_list):
        pricelists = super().create(vals_list)
        self.env["distribution.sales.terms"]._note("price_list", pricelists)
        return pricelists

    def write(self, vals):
        if REACH.isdisjoint(vals):
            return super().write(vals)
        self._approval_note_reach()
        result = super().write(vals)
        self._approval_note_reach()
        self.env["distribution.sales.terms"]._note("price_list", self)
        return result

    def unlink(self):
        self._approval_note_reach()
        return super().unlink()

    def _approval_note_reach(self):
        """Customers of these lists may get another one: all of the company, or of all companies."""
        # sudo: lists that the user may not read apply to customers all the same
        for company in self.sudo().grouped("company_id"):
            self.env["distribution.sales.terms"]._note_company("price_list_reach", company)


class ProductPricelistItem(models.Model):
    _inherit = "product.pricelist.item"

    @api.model_create_multi
    def create(self, vals_list):
        items = super().create(vals_list)
        self.env["distribution.sales.terms"]._note("price_list", items.pricelist_id)
        return items

    def write(self, vals):
        pricelists = self.pricelist_id
        result = super().write(vals)
        self.env["distribution.sales.terms"]._note("price_list", pricelists | self.pricelist_id)
        return result

    def unlink(self):
        self.env["distribution.sales.terms"]._note("price_list", self.pricelist_id)
        return super().unlink()


class AccountPaymentTerm(models.Model):
    _inherit = "account.payment.term"

    def write(self, vals):
        result = super().write(vals)
        if not EARLY_PAYMENT.isdisjoint(vals):
            self.env["distribution.sales.terms"]._note("payment_terms", self)
        return result


class AccountPaymentTermLine(models.Model):
    _inherit = "account.payment.term.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self.env["distribution.sales.terms"]._note("payment_terms", lines.payment_id)
        return lines

    def write(self, vals):
        terms = self.payment_id
        result = super().write(vals)
        self.env["distribution.sales.terms"]._note("payment_terms", terms | self.payment_id)
        return result

    def unlink(self):
        self.env["distribution.sales.terms"]._note("payment_terms", self.payment_id)
        return super().unlink()
