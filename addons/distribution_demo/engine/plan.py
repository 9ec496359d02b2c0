"""The whole plan, and its digest."""

import hashlib
import json
import random
from dataclasses import asdict, dataclass

from . import catalogue, customers, history, people, policy, sites, story, vendors
from .basket import PriceBook

SEED = 20170101


@dataclass(frozen=True)
class Plan:
    """Everything that the demo company consists of. Dates are days before today."""

    people: tuple
    regions: tuple
    sites: tuple
    categories: tuple
    products: tuple
    vendors: tuple
    rates: dict
    contracts: tuple
    customers: tuple
    rules: tuple
    stock: dict
    purchases: tuple
    sales: tuple
    story: tuple


def make_plan(seed=SEED):
    """The plan that ``seed`` leads to. No clock, no database: the same today and next year."""
    rng = random.Random(seed)
    products = tuple(catalogue.make_products(rng))
    contracts = tuple(vendors.make_contracts(rng, products))
    rates = vendors.make_rates(rng)
    clients = tuple(customers.make_customers(rng, sites.SITES))
    book = PriceBook(products, contracts)
    stock = history.make_stock(rng, products, sites.SITES)
    return Plan(
        people=people.PEOPLE,
        regions=sites.REGIONS,
        sites=sites.SITES,
        categories=catalogue.CATEGORIES,
        products=products,
        vendors=vendors.VENDORS,
        rates=rates,
        contracts=contracts,
        customers=clients,
        rules=policy.RULES,
        stock=stock,
        purchases=tuple(history.make_purchases(rng, book, sites.SITES)),
        sales=tuple(history.make_sales(rng, products, clients, stock)),
        story=story.make_story(rng, book),
    )


def digest(plan):
    """SHA-256 over all of the plan."""
    return hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()
