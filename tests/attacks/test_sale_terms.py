"""Attacks on what orders are measured by: who sells changes the customer, the price list or the product instead.

The sales representative may write none of those. The sales manager may write many, the administrator all of them:
that is their work and is not refused, but an order of theirs that follows waits for somebody else, and the request
says why.
"""

import json
import re
from types import SimpleNamespace

import pytest
import rules_in_force as rules
from outbound_desk import one, refusal

RULE = "Terms or prices changed by those who ask"
EVENT = "distribution.sales_terms.changed.v1"
#: What Odoo says to those who lack a right to a model, or to a field.
NO_RIGHT = re.compile("not allowed to|not have enough rights|doesn't have '|due to security restrictions")
CUSTOMERS = range(12, 41)

#: ``{name: (what the ledger calls it, how)}``; each door is tried with a customer and goods of its own.
DOORS = {
    "price list of the customer": (
        "customer_price_list",
        lambda at: ("res.partner", "write", [at.customer], {"property_product_pricelist": at.cheap}),
    ),
    "payment terms of the customer": (
        "customer_payment_terms",
        lambda at: ("res.partner", "write", [at.customer], {"property_payment_term_id": at.late}),
    ),
    "credit limit of the customer": (
        "customer_credit_limit",
        lambda at: ("res.partner", "write", [at.customer], {"credit_limit": 900000}),
    ),
    "country of the customer": (
        "customer_price_list",
        lambda at: ("res.partner", "write", [at.customer], {"country_id": at.country}),
    ),
    "the customer becomes a contact of one with better terms": (
        "customer_payment_terms",
        lambda at: ("res.partner", "write", [at.customer], {"parent_id": at.rich, "is_company": False}),
    ),
    "sales price of the product": (
        "sales_price",
        lambda at: ("product.template", "write", [at.goods["template"]], {"list_price": 0.5}),
    ),
    "cost of the product": (
        "cost",
        lambda at: ("product.product", "write", [at.goods["id"]], {"standard_price": 0.01}),
    ),
    "price extra of an option": (
        "sales_price",
        lambda at: ("product.template.attribute.value", "write", [at.option()], {"price_extra": 0}),
    ),
}
#: Doors to what holds for all customers: whoever went through one of them asks with each order that follows.
DOORS_TO_ALL = {
    "price list": (
        "price_list",
        lambda at: (
            "product.pricelist.item",
            "create",
            {
                "pricelist_id": at.list,
                "applied_on": "1_product",
                "product_tmpl_id": at.goods["template"],
                "compute_price": "percentage",
                "percent_price": 40,
            },
        ),
    ),
    "days of the payment terms": (
        "payment_terms",
        lambda at: ("account.payment.term.line", "write", [at.instalment], {"nb_days": 99}),
    ),
    "reach of a price list": (
        "price_list_reach",
        lambda at: ("product.pricelist", "write", [at.cheap], {"sequence": 1}),
    ),
    "default of all customers": (
        "customer_payment_terms",
        lambda at: ("ir.default", "set", "res.partner", "property_payment_term_id", at.late, False, True),
    ),
    "parameter": (
        "customer_price_list",
        lambda at: ("ir.config_parameter", "set_param", "res.partner.property_product_pricelist", str(at.cheap)),
    ),
    "settings": (
        "customer_credit_limit",
        lambda at: ("res.config.settings", "execute", at.settings()),
    ),
    "place of a category among the others": (
        "product_category",
        lambda at: ("product.category", "write", [at.category], {"parent_id": False}),
    ),
    "exchange rate": (
        "currency_rate",
        lambda at: ("res.currency.rate", "write", [at.rate[0]], {"rate": float(at.rate[1]) * 1.1}),
    ),
}
#: What some of the changes are for: longer terms that are the customer's, a margin that is none, cheap euros.
GAINS = {
    "payment terms of the customer": lambda at: {"payment_term_id": at.late},
    "cost of the product": lambda at: {"price": 0.05},
    "exchange rate": lambda at: {"pricelist_id": at.abroad},
}
#: Odoo lets everybody keep defaults of their own; whoever may make customers makes them with those.
OWN_DEFAULT = (
    "customer_payment_terms",
    lambda at: ("ir.default", "set", "res.partner", "property_payment_term_id", at.late, True, True),
)
#: What Odoo's own rights leave to the administrator.
CLOSED_TO_MANAGER = {
    "credit limit of the customer",
    "days of the payment terms",
    "default of all customers",
    "parameter",
    "settings",
    "exchange rate",
}
#: Doors to products: who keeps sales on 17.0 keeps those too; 19.0 has a role of its own for that.
DOORS_TO_PRODUCTS = {
    "sales price of the product",
    "cost of the product",
    "price extra of an option",
    "place of a category among the others",
}
KEEPS_PRODUCTS_19 = "product.group_product_manager"


@pytest.fixture
def attack(desk):
    """``attack("sales_rep")``: the doors as that login; each try has a customer and goods of its own."""
    admin = desk.rpc("admin")
    numbers = iter(CUSTOMERS)
    late = desk.value("SELECT id FROM account_payment_term WHERE name->>'en_US' = '45 Days'")
    usual = desk.value("SELECT id FROM account_payment_term WHERE name->>'en_US' = '30 Days'")
    cheap = one(admin("product.pricelist", "create", {"name": "Cheap", "sequence": 90}))
    country = desk.value("SELECT id FROM res_country WHERE code = 'NL'")
    group = {"name": "Abroad", "country_ids": [(6, 0, [country])], "pricelist_ids": [(6, 0, [cheap])]}
    admin("res.country.group", "create", group)
    euro = desk.value("SELECT id FROM res_currency WHERE name = 'EUR'")
    rich = {"name": "Rich", "is_company": True, "property_payment_term_id": late}
    shared = {
        "late": late,
        "cheap": cheap,
        "country": country,
        "abroad": one(admin("product.pricelist", "create", {"name": "Abroad", "currency_id": euro, "sequence": 91})),
        "rate": desk.sql(
            "SELECT id, rate FROM res_currency_rate WHERE currency_id = %s ORDER BY name DESC LIMIT 1", (euro,)
        )[0],
        "rich": one(admin("res.partner", "create", rich)),
        "list": admin("product.pricelist", "search", [("id", "!=", cheap)], order="sequence, id", limit=1)[0],
        "instalment": desk.value("SELECT id FROM account_payment_term_line WHERE payment_id = %s", usual),
    }

    def begin(login):
        return Attack(desk, login, shared, numbers)

    return begin


class Attack:
    """One login that tries doors, and what became of the orders that followed."""

    def __init__(self, desk, login, shared, numbers):
        self.desk, self.login, self.shared, self.numbers = desk, login, shared, numbers
        self.client = desk.rpc(login)

    def noted(self, what):
        """How often the ledger says that this login changed ``what``."""
        return self.desk.value(
            "SELECT count(*) FROM distribution_event WHERE type = %s AND user_ref = %s AND data::json->>'what' = %s",
            EVENT,
            self.client.uid,
            what,
        )

    def place(self):
        """A customer and goods that nobody has touched."""
        goods = self.desk.goods()
        return SimpleNamespace(
            customer=self.desk.customer(number := next(self.numbers)),
            number=number,
            goods=goods,
            category=self.desk.value("SELECT categ_id FROM product_template WHERE id = %s", goods["template"]),
            option=lambda: self._option(goods),
            settings=self._settings,
            **self.shared,
        )

    def _option(self, goods):
        """An option of the goods that costs extra, put there by the administrator."""
        admin = self.desk.rpc("admin")
        values = {"name": "Engraving", "create_variant": "no_variant", "value_ids": [(0, 0, {"name": "Name"})]}
        attribute = one(admin("product.attribute", "create", values))
        value = admin("product.attribute.value", "search", [("attribute_id", "=", attribute)])
        line = {"attribute_id": attribute, "value_ids": [(6, 0, value)]}
        admin("product.template", "write", [goods["template"]], {"attribute_line_ids": [(0, 0, line)]})
        (option,) = admin(
            "product.template.attribute.value", "search", [("product_tmpl_id", "=", goods["template"])], limit=1
        )
        admin("product.template.attribute.value", "write", [option], {"price_extra": 3})
        return option

    def _settings(self):
        """Settings of this login that give every customer credit; whoever may not open them gets no further."""
        values = {"account_default_credit_limit": 900000, "account_use_credit_limit": True}
        return one(self.client("res.config.settings", "create", values))

    def refused(self, name, door):
        what, call = door
        before, place = self.noted(what), self.place()
        answer = refusal(lambda: self.client(*call(place)))
        assert answer, f"Odoo let {self.login} through: {name}"
        assert NO_RIGHT.search(answer), f"{name}: {answer}"
        assert self.noted(what) == before, name

    def order(self, place, **values):
        """An order within policy, asked for by this login: ``(its id, state, approval, transfers)``."""
        order = self.desk.quotation(place.goods, 2, customer=place.number, seller=self.login, **values)
        self.client("sale.order", "action_confirm", [order])
        return order, *self.desk.order(order)

    def passes(self):
        """An order for a customer and goods that nobody touched is confirmed."""
        order, *state = self.order(self.place())
        assert state == ["sale", "passed", 1], self.banner(order)

    def banner(self, order):
        """What its form says about the approval of an order."""
        return self.client("sale.order", "read", [order], fields=["approval_banner"])[0]["approval_banner"]

    def is_seen(self, name, door):
        """The door is open; the order that follows waits, for somebody else, and the request says why."""
        what, call = door
        before, place = self.noted(what), self.place()
        self.client(*call(place))
        assert self.noted(what) == before + 1, f"{name} is not in the ledger"
        gain = GAINS.get(name, lambda at: {})(place)
        order, *state = self.order(place, **gain)
        assert state == ["draft", "pending", 0], name
        facts, asked = self.desk.sql(
            """SELECT snapshot.facts, ARRAY(
                      SELECT asked.user_id FROM distribution_approval_task task
                        JOIN distribution_approval_task_user_rel asked ON asked.task_id = task.id
                       WHERE task.request_id = request.id AND task.state = 'open')
                 FROM distribution_approval_request request
                 JOIN distribution_approval_snapshot snapshot ON snapshot.id = request.snapshot_id
                WHERE request.res_model = 'sale.order' AND request.res_id = %s""",
            (order,),
        )[0]
        assert json.loads(facts)["terms_changed_days"] == "0", name
        assert asked, name
        assert self.client.uid not in asked, f"{self.login} decides on their own order: {name}"
        assert RULE in self.banner(order), name


def test_who_may_not_change_terms_is_refused_by_odoo(attack):
    rep = attack("sales_rep")
    for name, door in (DOORS | DOORS_TO_ALL).items():
        rep.refused(name, door)
    rep.passes()


def test_who_changes_them_asks(attack, desk):
    """The sales manager keeps customers, price lists and products, and sells."""
    manager = attack("sales_manager")
    has_a_role_for_products = desk.series != "17.0"
    closed = CLOSED_TO_MANAGER | (DOORS_TO_PRODUCTS if has_a_role_for_products else set())
    for name, door in (DOORS | DOORS_TO_ALL).items():
        if name in closed:
            manager.refused(name, door)
    if has_a_role_for_products:
        rules.give_role(desk.rpc, "sales_manager", KEEPS_PRODUCTS_19)
    for name, door in DOORS.items():
        if name not in CLOSED_TO_MANAGER:
            manager.is_seen(name, door)
    manager.passes()
    for name, door in DOORS_TO_ALL.items():
        if name not in CLOSED_TO_MANAGER:
            manager.is_seen(name, door)


def test_an_administrator_who_sells_asks(attack):
    admin = attack("admin")
    for name, door in (DOORS | DOORS_TO_ALL).items():
        if name in CLOSED_TO_MANAGER:
            admin.is_seen(name, door)


def test_a_default_of_their_own(attack):
    """The last of these attacks: from then on, each order of this salesperson waits, whoever asks."""
    attack("sales_rep").is_seen("default of their own", OWN_DEFAULT)
