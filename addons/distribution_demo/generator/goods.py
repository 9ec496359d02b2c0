"""Vendors, customers, product categories, products and agreed prices."""

from datetime import timedelta

from odoo.addons.distribution_core.compat import storable_product_values

from ..engine import catalogue
from .clock import day

PAYMENT_TERM = "account.account_payment_term_30days"


def build(env, plan, directory):
    """Create partners, goods and prices; vendor governance is the compliance officer's work."""
    _vendors(env, plan, directory)
    _customers(env, plan, directory)
    _products(env, plan, directory)
    _prices(env, plan, directory)


def vendor_governance(env, directory, model):
    # sudo: the role itself may not create every field used here; the guards look at the real user.
    return env[model].with_user(directory.users["compliance_officer"]).sudo()


def _vendors(env, plan, directory):
    partners = vendor_governance(env, directory, "res.partner").create(
        [
            {
                "name": vendor.name,
                "is_company": True,
                "supplier_rank": 1,
                "city": vendor.city,
                "country_id": env.ref(f"base.{vendor.country}").id if vendor.country != "gb" else env.ref("base.uk").id,
                "email": f"{vendor.key}@example.com",
                "ref": vendor.key,
                # Who is blocked today was not when the first orders were placed (trade.py).
                "vendor_status": "approved" if vendor.status == "blocked" else vendor.status,
                "vendor_risk_tier": vendor.tier,
                "property_purchase_currency_id": env.ref(f"base.{vendor.currency}").id,
                "property_supplier_payment_term_id": env.ref(PAYMENT_TERM).id,
            }
            for vendor in plan.vendors
        ]
    )
    directory.vendors.update((vendor.key, partner) for vendor, partner in zip(plan.vendors, partners.with_env(env)))


def _customers(env, plan, directory):
    partners = env["res.partner"].create(
        [
            {
                "name": customer.name,
                "is_company": True,
                "customer_rank": 1,
                "city": customer.city,
                "country_id": env.ref("base.us").id,
                "email": f"{customer.key}@example.com",
                "user_id": directory.users["sales_rep"].id,
                "property_payment_term_id": env.ref(PAYMENT_TERM).id,
            }
            for customer in plan.customers
        ]
    )
    directory.customers.update((customer.key, partner) for customer, partner in zip(plan.customers, partners))


def _products(env, plan, directory):
    root = env["product.category"].create(
        {"name": catalogue.ROOT_CATEGORY, "manager_id": directory.users[catalogue.ROOT_MANAGER].id}
    )
    categories = {
        category.code: env["product.category"].create(
            {
                "name": category.name,
                "parent_id": root.id,
                "manager_id": directory.users[category.manager].id if category.manager else False,
            }
        )
        for category in plan.categories
    }
    products = env["product.product"].create(
        [
            {
                "name": product.name,
                "default_code": product.code,
                "categ_id": categories[product.category].id,
                "standard_price": product.cost,
                "list_price": product.price,
                **storable_product_values(),
            }
            for product in plan.products
        ]
    )
    directory.products.update((product.code, record) for product, record in zip(plan.products, products))


def _prices(env, plan, directory):
    by_key = {vendor.key: vendor for vendor in plan.vendors}
    today = day(0)
    vendor_governance(env, directory, "product.supplierinfo").create(
        [
            {
                "partner_id": directory.vendors[contract.vendor].id,
                "product_tmpl_id": directory.products[contract.product].product_tmpl_id.id,
                "price": contract.price,
                "min_qty": contract.min_quantity,
                "delay": by_key[contract.vendor].lead,
                "currency_id": env.ref(f"base.{by_key[contract.vendor].currency}").id,
                "contract_state": contract.state,
                "date_start": today - timedelta(days=400) if contract.expired else today - timedelta(days=200),
                "date_end": today - timedelta(days=35) if contract.expired else today + timedelta(days=165),
            }
            for contract in plan.contracts
        ]
    )
