"""Policies of 10, 50 and 500 rules that pass the bench's orders, for the suite and for its peer.

Ten rules that every purchase policy has, and exceptions as a policy collects them: limits per
site, category, vendor, requester and region, risk, prices above contract, currencies. Under
COLLECT every rule is asked; one passes the bench's orders and no other matches.
"""

import random

from .purchase_company import PASSES_UP_TO, SEED

#: A vendor's total stays below this, however often the bench orders.
TOTAL = 1_000_000


def publish(env, company, count) -> None:
    """A policy version with `count` rules, in force; governance is switched on with the first."""
    people = company["people"]
    policies = env["distribution.approval.policy"]
    policy = policies.search([("document_type", "=", "purchase_order"), ("company_id", "=", env.company.id)])
    policy = policy or policies.with_user(people["author"]).create(
        {"name": "Purchase policy", "document_type": "purchase_order", "company_id": env.company.id}
    )
    rules = _suite_rules(env, company, count)
    version = (
        env["distribution.approval.policy.version"]
        .with_user(people["author"])
        .create(
            {
                "policy_id": policy.id,
                "hit_policy": "COLLECT",
                "fallback_user_id": people["operations"],
                "spend_window_days": 30,
                "tolerance_percent": 2,
                "tolerance_amount": 50,
                "rule_ids": [(0, 0, rule) for rule in rules],
            }
        )
    )
    version.with_user(people["publisher"]).action_publish()
    activations = env["distribution.approval.activation"]
    if not activations.search([("state", "=", "active")]):
        activation = activations.with_user(people["publisher"]).create(
            {"document_type": "purchase_order", "company_id": env.company.id, "reason": "Bench"}
        )
        activation.action_propose()
        activation.with_user(people["publisher_2"]).action_confirm()


def define_tiers(env, company, count) -> None:
    """`count` tier definitions that ask the same of an order as the policy, where they can."""
    env["tier.definition"].search([]).write({"active": False})
    model = env["ir.model"]._get("purchase.order")
    env["tier.definition"].create(
        [
            {
                "name": name,
                "model_id": model.id,
                "review_type": "individual",
                "reviewer_id": company["people"]["purchasing"],
                "definition_domain": repr(domain),
                "sequence": number,
            }
            for number, (name, domain) in enumerate(_tier_domains(company, count), start=1)
        ]
    )


# ---------------------------------------------------------------------- rules


def _suite_rules(env, company, count):
    options = env["distribution.approval.fact.option"]
    groups = {
        name: _group(env, name, company["people"][name.lower()]) for name in ("Purchasing", "Finance", "Operations")
    }

    def condition(fact, operator, value=False, codes=(), ids=()):
        values = {"fact": fact, "operator": operator, "value": str(value) if value else False}
        if codes:
            values["option_ids"] = [(6, 0, options.search([("fact", "=", fact), ("code", "in", codes)]).ids)]
        if ids:
            values["reference_ids"] = [(0, 0, {"ref_id": ref_id}) for ref_id in sorted(ids)]
        return (0, 0, values)

    def rule(name, conditions, *stages, outcome="require"):
        rules.append(
            {
                "sequence": 10 * (len(rules) + 1),
                "name": name,
                "outcome": outcome,
                "condition_ids": [condition(*parts[:2], **parts[2]) for parts in conditions],
                "stage_ids": [
                    (0, 0, {"sequence": 10 * place, "approver_kind": "group", "group_id": groups[group]})
                    for place, group in enumerate(stages, start=1)
                ],
            }
        )

    rules = []
    rule("Blocked vendor", [("vendor_status", "in", {"codes": ["blocked"]})], outcome="refuse")
    rule(
        "Within policy",
        [
            ("vendor_status", "in", {"codes": ["approved"]}),
            ("amount", "le", {"value": PASSES_UP_TO}),
            ("price_over_contract", "le", {"value": 5}),
        ],
        outcome="pass",
    )
    rule("Above the limit", [("amount", "gt", {"value": PASSES_UP_TO})], "Purchasing")
    rule(
        "Large",
        [("amount", "gt", {"value": 10 * PASSES_UP_TO})],
        "Purchasing",
        "Finance",
        "Operations",
    )
    rule("Vendor not approved", [("vendor_status", "in", {"codes": ["new", "restricted"]})], "Operations")
    rule("Over contract", [("price_over_contract", "gt", {"value": 5})], "Purchasing")
    rule("No contract", [("no_contract_price", "is_true", {})], "Purchasing")
    rule("Many small orders", [("vendor_window_total", "gt", {"value": TOTAL})], "Finance")
    rule("Risky vendor", [("vendor_risk_tier", "in", {"codes": ["high", "critical"]})], "Operations")
    rule("Urgent", [("urgent", "is_true", {}), ("amount", "gt", {"value": 500})], "Operations")
    pick = random.Random(SEED)
    while len(rules) < count:
        kind, conditions = _exception(pick, company, len(rules))
        rule(f"{kind} {len(rules)}", conditions, pick.choice(("Purchasing", "Finance")))
    return rules[:count]


def _exception(pick, company, number):
    """One of the exceptions that a policy grows by; none matches an ordinary order."""
    above = {"value": PASSES_UP_TO + pick.randrange(1, 10**5)}
    total = {"value": TOTAL + pick.randrange(1, 10**6)}
    percent = {"value": pick.randrange(60, 400) / 10}
    sites = {"ids": pick.sample(company["sites"], 2)}
    categories = {"ids": pick.sample(company["categories"], 3)}
    vendors = {"ids": pick.sample(company["vendors"], 3)}
    regions = {"ids": pick.sample(company["regions"], 1)}
    people = {"ids": [company["people"]["buyer"]]}
    risky = {"codes": ["high", "critical"]}
    kinds = (
        ("Site", [("site", "in", sites), ("amount", "gt", above)]),
        ("Category at a site", [("categories", "any_of", categories), ("site", "in", sites), ("amount", "gt", above)]),
        ("Vendor", [("vendor", "in", vendors), ("amount", "gt", above)]),
        ("Price of a category", [("categories", "any_of", categories), ("price_over_contract", "gt", percent)]),
        ("Vendor total", [("vendor", "in", vendors), ("vendor_window_total", "gt", total)]),
        ("Risk in a region", [("region", "in", regions), ("vendor_risk_tier", "in", risky)]),
        ("Requester", [("requester", "in", people), ("amount", "gt", above)]),
        ("Foreign currency", [("foreign_currency", "is_true", {}), ("vendor_window_total", "gt", total)]),
        ("Drop shipment", [("drop_ship", "is_true", {}), ("categories", "any_of", categories)]),
        ("Credit", [("negative_line", "is_true", {}), ("site", "in", sites)]),
        ("Free goods", [("free_line", "is_true", {}), ("vendor", "in", vendors)]),
        ("Urgent category", [("urgent", "is_true", {}), ("categories", "any_of", categories)]),
    )
    return kinds[number % len(kinds)]


def _group(env, name, user_id):
    groups = env["res.groups"]
    users = "users" if "users" in groups._fields else "user_ids"
    found = groups.search([("name", "=", f"Bench {name}")], limit=1)
    return (found or groups.create({"name": f"Bench {name}", users: [(6, 0, [user_id])]})).id


def _tier_domains(company, count):
    """``(name, domain)`` as close to the policy as fields of the order allow; none matches."""
    domains = [
        ("Above the limit", [("amount_untaxed", ">", PASSES_UP_TO)]),
        ("Large", [("amount_untaxed", ">", 10 * PASSES_UP_TO)]),
        ("Urgent", [("priority", "=", "1"), ("amount_untaxed", ">", 500)]),
    ]
    pick = random.Random(SEED)
    while len(domains) < count:
        above = ("amount_untaxed", ">", PASSES_UP_TO + pick.randrange(1, 10**5))
        sites = ("picking_type_id.warehouse_id", "in", pick.sample(company["sites"], 2))
        categories = ("order_line.product_id.categ_id", "in", pick.sample(company["categories"], 3))
        vendors = ("partner_id", "in", pick.sample(company["vendors"], 3))
        kinds = (
            ("Site", [sites, above]),
            ("Category at a site", [categories, sites, above]),
            ("Vendor", [vendors, above]),
            ("Requester", [("user_id", "=", company["people"]["buyer"]), above]),
            ("Foreign currency", [("currency_id", "!=", company["currency"]), above]),
            ("Drop shipment", [("dest_address_id", "!=", False), categories]),
            ("Free goods", [("order_line.price_unit", "=", 0), vendors]),
            ("Urgent category", [("priority", "=", "1"), categories]),
        )
        kind, domain = kinds[len(domains) % len(kinds)]
        domains.append((f"{kind} {len(domains)}", domain))
    return domains[:count]
