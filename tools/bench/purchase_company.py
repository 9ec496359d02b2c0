"""The small company that the purchase bench measures: the same in every database.

Thirty products in ten categories, six sites, twenty vendors with a price for every product (so
that core has no vendor to add on confirmation), orders of five lines. Only what the suite or the
peer adds – rules, people who approve, vendor standing – differs.
"""

import random

SEED = 2024
LINES = 5
VENDORS, PRODUCTS, CATEGORIES, SITES, REGIONS = 20, 30, 10, 6, 3
BATCH = 80
PENDING = 500
#: Ordered before, confirmed and never received: what a vendor's total is made of.
EARLIER = 20
#: Value of an order that policy passes; its limits lie above.
PASSES_UP_TO = 2500


def build(env) -> dict:
    """Create people, goods, sites, vendors and draft orders; returns the ids that matter.

    :param env: superuser's environment; committing is the caller's
    """
    company = {"people": _people(env), "sites": _sites(env), **_goods(env)}
    company["vendors"] = _vendors(env, company)
    buyer = env(user=company["people"]["buyer"])
    earlier = _orders(buyer, company, EARLIER)
    earlier.button_confirm()
    company["single"] = _orders(buyer, company, 1).ids
    company["batch"] = _orders(buyer, company, BATCH).ids
    return company


def govern(env, company) -> None:
    """The suite's part: vendor standing, contracts, regions; governance follows with the rules."""
    env["res.partner"].browse(company["vendors"]).write({"vendor_status": "approved"})
    env["product.supplierinfo"].search([("partner_id", "in", company["vendors"])]).write({"contract_state": "contract"})
    warehouses = env["stock.warehouse"].browse(company["sites"])
    company["regions"] = (
        env["distribution.region"].create([{"name": f"Region {n}", "code": f"R{n}"} for n in range(REGIONS)]).ids
    )
    for number, warehouse in enumerate(warehouses):
        warehouse.region_id = company["regions"][number % REGIONS]


def big_orders(env, company) -> list[int]:
    """Drafts above the limit of the rule that asks one group: an inbox to fill."""
    return _orders(env(user=company["people"]["buyer"]), company, PENDING, lines=1, quantity=PASSES_UP_TO).ids


def _people(env):
    def user(login, *groups):
        wanted = [env.ref(name, raise_if_not_found=False) for name in ("base.group_user", *groups)]
        field = "groups_id" if "groups_id" in env["res.users"]._fields else "group_ids"
        return (
            env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": login.replace("_", " ").title(),
                    "login": f"bench_{login}",
                    "email": f"{login}@example.com",
                    field: [(6, 0, [group.id for group in wanted if group])],
                }
            )
            .id
        )

    approver = "distribution_core.group_approver"
    return {
        "buyer": user("buyer", "purchase.group_purchase_user", "distribution_core.group_buyer"),
        "purchasing": user("purchasing", "purchase.group_purchase_manager", approver),
        "finance": user("finance", approver),
        "operations": user("operations", approver),
        "author": user("author", "distribution_core.group_policy_author"),
        "publisher": user("publisher", "distribution_core.group_policy_publisher"),
        "publisher_2": user("publisher_2", "distribution_core.group_policy_publisher"),
    }


def _sites(env):
    warehouse = env["stock.warehouse"]
    first = warehouse.search([("company_id", "=", env.company.id)], limit=1)
    more = warehouse.create([{"name": f"Site {n}", "code": f"S{n}"} for n in range(1, SITES)])
    return (first | more).ids


def _goods(env):
    categories = env["product.category"].create([{"name": f"Category {n}"} for n in range(CATEGORIES)])
    product = env["product.product"]
    stored = (
        {"detailed_type": "product"} if "detailed_type" in product._fields else {"type": "consu", "is_storable": True}
    )
    products = product.create(
        [
            {
                "name": f"Product {n}",
                "categ_id": categories[n % CATEGORIES].id,
                "supplier_taxes_id": False,
                **stored,
            }
            for n in range(PRODUCTS)
        ]
    )
    return {"categories": categories.ids, "products": products.ids}


def _vendors(env, company):
    vendors = env["res.partner"].create([{"name": f"Vendor {n}", "supplier_rank": 1} for n in range(VENDORS)])
    env["product.supplierinfo"].create(
        [
            {
                "partner_id": vendor.id,
                "product_tmpl_id": product.product_tmpl_id.id,
                "price": _price(product.id),
                "min_qty": 0,
            }
            for vendor in vendors
            for product in env["product.product"].browse(company["products"])
        ]
    )
    return vendors.ids


def _price(product_id):
    return 5.0 + product_id % 7


def _orders(env, company, count, *, lines=LINES, quantity=10):
    pick = random.Random(SEED)
    unit = "product_uom" if "product_uom" in env["purchase.order.line"]._fields else "product_uom_id"
    values = []
    for number in range(count):
        products = env["product.product"].browse(pick.sample(company["products"], lines))
        values.append(
            {
                "partner_id": company["vendors"][number % VENDORS],
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "product_id": product.id,
                            "product_qty": quantity,
                            "price_unit": _price(product.id),
                            unit: product.uom_id.id,
                        },
                    )
                    for product in products
                ],
            }
        )
    return env["purchase.order"].create(values)
