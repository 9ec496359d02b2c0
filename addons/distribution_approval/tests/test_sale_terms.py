"""Terms made for an order: the customer's price list or payment terms changed by those who ask for it."""

from datetime import datetime, timedelta
from unittest import skipIf

from freezegun import freeze_time
from odoo import SUPERUSER_ID, Command
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import IS_17, USER_GROUPS

from ..models.sales_terms import EVENT
from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestSaleTerms(SalesCase):
    """Sellers here may maintain customers, price lists and payment terms, as in many small companies."""

    @classmethod
    def _make_people(cls):
        super()._make_people()
        # 19.0 follows price lists only where the company uses them.
        cls.env.ref("base.group_user").write(
            {"implied_ids": [Command.link(cls.env.ref("product.group_product_pricelist").id)]}
        )
        rights = (
            *("base.group_partner_manager", "sales_team.group_sale_manager", "product.group_product_manager"),
            *("account.group_account_manager",),
        )
        links = [Command.link(group.id) for name in rights if (group := cls.env.ref(name, raise_if_not_found=False))]
        (cls.seller | cls.seller_2).write({USER_GROUPS: links})

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.customer = cls.customer.with_company(cls.company)
        cls.month, cls.quarter = (cls._terms(f"{days} days", [(100, days)]) for days in (30, 90))
        cls.list = cls.env["product.pricelist"].create({"name": "Builders", "company_id": cls.company.id})
        cls.customer.write({"property_payment_term_id": cls.month.id, "property_product_pricelist": cls.list.id})

    @classmethod
    def _sales_rules(cls):
        return [
            *super()._sales_rules(),
            ("Under list", "require", [("price_under_list", "gt", "5")], ["Sales"]),
            ("Own terms", "require", [("terms_longer_days", "gt", "0")], ["Finance"]),
            ("Made for the order", "require", [("terms_changed_days", "le", "30")], ["Sales"]),
        ]

    @classmethod
    def _terms(cls, name, instalments):
        return cls.env["account.payment.term"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": percent, "nb_days": days})
                    for percent, days in instalments
                ],
            }
        )

    def _fact(self, order, name):
        self.env.flush_all()
        self.env.invalidate_all()
        return order.sudo()._approval_facts({name})[order.id][name]

    def _cheap_rule(self, pricelist, user):
        return (
            self.env["product.pricelist.item"]
            .with_user(user)
            .create({"pricelist_id": pricelist.id, "compute_price": "percentage", "percent_price": 9})
        )

    def _assert_each_is_seen(self, order, cases):
        """Each of ``(words, change)`` alone counts as a change of what ``order`` is measured by."""
        for words, change in cases:
            with self.subTest(words):
                savepoint = self.env.cr.savepoint()
                change()
                self.assertEqual(self._fact(order, "terms_changed_days"), 0)
                savepoint.close(rollback=True)
                self.env.registry.clear_cache()
                self.env.invalidate_all()
                self.assertIsNone(self._fact(order, "terms_changed_days"))

    # ------------------------------------------------------------------ days

    def test_days_against_the_customers_terms(self):
        order = self._quotation()
        self.assertEqual(order.payment_term_id, self.month)
        self.assertEqual(self._fact(order, "terms_longer_days"), 0)
        for terms, days in (
            (self.quarter, 60),
            (self._terms("Now", [(100, 0)]), 0),
            (self._terms("Half later", [(50, 0), (50, 45)]), 15),
            (self._terms("Much at once, a bit much later", [(99, 0), (1, 120)]), 90),
            (self._terms("Nothing is due with the last line", [(100, 10), (0, 300)]), 0),
        ):
            with self.subTest(terms.name):
                order.payment_term_id = terms
                self.assertEqual(self._fact(order, "terms_longer_days"), days)
        order.payment_term_id = False
        self.assertEqual(self._fact(order, "terms_longer_days"), 0)
        self.customer.property_payment_term_id = self._terms("Half and half", [(50, 0), (50, 60)])
        order.payment_term_id = self._terms("All at the end", [(100, 60)])
        self.assertEqual(self._fact(order, "terms_longer_days"), 30, "the average is later")

    def test_longer_terms_are_held(self):
        order = self._quotation(payment_term_id=self.quarter.id)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))
        self.assertEqual(order.sudo().approval_request_id.waiting_for, "Finance")

    # --------------------------------------------------------------- contacts

    def _contact(self, **values):
        contacts = self.env["res.partner"].with_company(self.company).with_user(self.seller)
        return contacts.create({"name": "Site office", "parent_id": self.customer.id, **values})

    def _cheap_list(self):
        cheap = self.env["product.pricelist"].create({"name": "Cheap"})
        self._cheap_rule(cheap, self.env.user)
        return cheap

    def test_a_contact_has_no_terms_of_its_own(self):
        contact = self._contact()
        contact.write({"property_payment_term_id": self.quarter.id})
        order = self._quotation(partner_id=contact.id, payment_term_id=self.quarter.id)
        self.assertEqual(self._fact(order, "terms_longer_days"), 60)
        self.assertTrue(self._fact(order, "own_terms"))

    def test_a_price_list_for_a_contact(self):
        """On 17.0 it counts for nothing; 19.0 makes it the list of the customer: that is a change of theirs."""
        for words, change in (
            ("changed", lambda: self._contact().write({"property_product_pricelist": self._cheap_list().id})),
            ("new contact", lambda: self._contact(property_product_pricelist=self._cheap_list().id)),
        ):
            with self.subTest(words):
                savepoint = self.env.cr.savepoint()
                self.customer.with_user(self.seller).property_product_pricelist = self.list
                change()
                orders = [
                    self._quotation(partner_id=partner.id, price=9.1, pricelist_id=self.list.id)
                    for partner in self.customer | self.customer.child_ids | self._contact()
                ]
                for order in orders:
                    if IS_17:
                        self.assertEqual(self._fact(order, "price_under_list"), 9)
                    else:
                        self.assertEqual(self._fact(order, "terms_changed_days"), 0)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    # -------------------------------------------------- changed for the order

    def test_what_those_who_ask_change_is_seen(self):
        base = self.env["product.pricelist"].create({"name": "Base", "company_id": self.company.id})
        self.env["product.pricelist.item"].create(
            {
                "pricelist_id": self.list.id,
                "base": "pricelist",
                "base_pricelist_id": base.id,
                "compute_price": "formula",
            }
        )
        rule = self._cheap_rule(self.list, self.env.user)
        other_list = self.env["product.pricelist"].create({"name": "Other", "company_id": self.company.id})
        category = self.category.copy()
        country_group = self.env["res.country.group"].create(
            {
                "name": "Benelux",
                "country_ids": self.env.ref("base.be").ids,
                "pricelist_ids": [Command.link(other_list.id)],
            }
        )
        customer = self.customer.with_user(self.seller)
        order = self._quotation()
        self.assertIsNone(self._fact(order, "terms_changed_days"))
        cases = (
            ("list of the customer", lambda: customer.write({"property_product_pricelist": other_list.id})),
            ("terms of the customer", lambda: customer.write({"property_payment_term_id": self.quarter.id})),
            ("credit limit", lambda: customer.sudo().write({"credit_limit": 90000})),
            ("rule added", lambda: self._cheap_rule(self.list, self.seller)),
            ("rule changed", lambda: rule.with_user(self.seller).write({"percent_price": 50})),
            ("rule removed", lambda: rule.with_user(self.seller).unlink()),
            ("rule of the list below", lambda: self._cheap_rule(base, self.seller)),
            ("another list archived", lambda: other_list.with_user(self.seller).write({"active": False})),
            ("sales price", lambda: self.bolt.with_user(self.seller).write({"list_price": 9})),
            ("sales price of the variant", lambda: self.bolt.with_user(self.seller).write({"lst_price": 9})),
            ("cost", lambda: self.bolt.with_user(self.seller).write({"standard_price": 1})),
            ("category", lambda: self.bolt.with_user(self.seller).write({"categ_id": category.id})),
            (
                "country of a list",
                lambda: country_group.with_user(self.seller).write({"country_ids": [Command.clear()]}),
            ),
            ("days of the terms", lambda: self.month.with_user(self.seller).line_ids.write({"nb_days": 80})),
        )
        self._assert_each_is_seen(order, cases)

    def test_price_extras_of_variants(self):
        steel, gold, gift = self._configurable()
        order = self._quotation(product=steel.product_variant_ids[1], price=12)
        self.assertEqual(order.order_line.product_id.lst_price, 12)
        cases = (
            ("extra of the variant", lambda: gold.write({"price_extra": 0})),
            ("extra of an option", lambda: gift.write({"price_extra": 1})),
            ("option removed", lambda: gift.write({"ptav_active": False})),
            ("attribute removed", lambda: gold.attribute_line_id.unlink()),
        )
        self._assert_each_is_seen(order, cases)

    def test_options_count_in_the_list_price(self):
        """An option that makes no variant, given for nothing."""
        steel, _gold, gift = self._configurable()
        order = self._quotation(product=steel.product_variant_ids[0], price=10)
        self.assertEqual(self._fact(order, "price_under_list"), 0)
        order.order_line.product_no_variant_attribute_value_ids = gift
        order.order_line.price_unit = 10
        self.assertEqual(self._fact(order, "price_under_list"), 20)

    def _configurable(self):
        """A product at 10, its golden value (2 more, a variant) and its gift box (2.50 more, no variant)."""
        attributes = self.env["product.attribute"].create(
            [
                {
                    "name": name,
                    "create_variant": when,
                    "value_ids": [Command.create({"name": "Plain"}), Command.create({"name": name})],
                }
                for name, when in (("Gold", "always"), ("Gift box", "no_variant"))
            ]
        )
        product = self.env["product.template"].create(
            {
                "name": "Configurable",
                "list_price": 10,
                "taxes_id": False,
                "attribute_line_ids": [
                    Command.create({"attribute_id": each.id, "value_ids": each.value_ids.ids}) for each in attributes
                ],
            }
        )
        plain_gold, plain_gift = product.attribute_line_ids.product_template_value_ids.grouped("attribute_id").values()
        plain_gold[1].price_extra, plain_gift[1].price_extra = 2, 2.5
        return product, plain_gold[1].with_user(self.seller), plain_gift[1].with_user(self.seller)

    def test_a_category_moved_among_the_others(self):
        """Rules of a price list for a category hold for those below it."""
        above, cheap = self.env["product.category"].create([{"name": "Fasteners"}, {"name": "Cheap"}])
        self.category.parent_id = above
        order = self._quotation()
        categories = (self.category, above, cheap)
        own, above, cheap = (category.with_user(self.seller) for category in categories)
        self._assert_each_is_seen(
            order,
            (
                ("its own", lambda: own.write({"parent_id": cheap.id})),
                ("its own, to the top", lambda: own.write({"parent_id": False})),
                ("one above", lambda: above.write({"parent_id": cheap.id})),
            ),
        )
        own.write({"name": "Bolts", "parent_id": above.id})
        cheap.write({"parent_id": above.id})
        self.assertIsNone(self._fact(order, "terms_changed_days"), "not its place among the others")

    def test_exchange_rates(self):
        """Those between the currencies of an order, its company and the price lists behind it."""
        own = self.company.currency_id
        foreign, unused = self.env["res.currency"].create(
            [{"name": name, "symbol": name, "rounding": 0.01} for name in ("FRN", "UNU")]
        )
        rate, rate_of_unused = self.env["res.currency.rate"].create(
            [
                {"currency_id": currency.id, "name": "2020-01-01", "rate": 2.0, "company_id": self.company.id}
                for currency in (foreign, unused)
            ]
        )
        abroad = self.env["product.pricelist"].create({"name": "Abroad", "currency_id": foreign.id})
        plain = self._quotation()
        other_customer = self.env["res.partner"].create({"name": "Abroad"})
        other_customer.with_company(self.company).property_product_pricelist = abroad
        order = self._quotation(partner_id=other_customer.id, price=20)
        self.assertEqual((plain.currency_id, order.currency_id), (own, foreign))
        rate, rate_of_unused = rate.with_user(self.seller), rate_of_unused.with_user(self.seller)
        rates = rate.browse()
        cases = (
            ("changed", lambda: rate.write({"rate": 2.2})),
            ("changed the other way round", lambda: rate.write({"inverse_company_rate": 0.4})),
            ("added", lambda: rates.create({"currency_id": foreign.id, "name": "2020-01-02", "rate": 2.2})),
            ("of its own currency", lambda: rates.create({"currency_id": own.id, "name": "2020-01-02", "rate": 1.1})),
            ("removed", rate.unlink),
        )
        self._assert_each_is_seen(order, cases)
        rate_of_unused.write({"rate": 3})
        rate.with_user(SUPERUSER_ID).write({"rate": 2.1})
        self.assertIsNone(self._fact(order, "terms_changed_days"), "another currency, and what the system fetches")
        rate.write({"rate": 2.3})
        self.assertIsNone(self._fact(plain, "terms_changed_days"), "one currency, no rate")
        self.env["product.pricelist.item"].create(
            {
                "pricelist_id": self.list.id,
                "base": "pricelist",
                "base_pricelist_id": abroad.id,
                "compute_price": "formula",
            }
        )
        self.assertEqual(self._fact(plain, "terms_changed_days"), 0, "the list below is in foreign currency")

    @skipIf(IS_17, "combos came with 19.0")
    def test_combos(self):
        lid = self._make_sold("Lid", price=3.0, cost=1.0)
        item = {"product_id": self.bolt.id, "extra_price": 2}
        combo = self.env["product.combo"].create({"name": "Fixing", "combo_item_ids": [Command.create(item)]})
        fixing = self.env["product.product"].create(
            {"name": "Fixing", "type": "combo", "list_price": 12, "combo_ids": combo.ids, "taxes_id": False}
        )
        order = self._quotation(product=fixing, quantity=1, price=0)
        chosen = {"product_id": self.bolt.id, "combo_item_id": combo.combo_item_ids.id, "price_unit": 14}
        order.write({"order_line": [Command.create({**chosen, "linked_line_id": order.order_line.id})]})
        combo = combo.with_user(self.seller)
        self._assert_each_is_seen(
            order,
            (
                ("extra price", lambda: combo.combo_item_ids.write({"extra_price": 0})),
                ("a choice more", lambda: combo.combo_item_ids.create({"combo_id": combo.id, "product_id": lid.id})),
                ("another combo", lambda: fixing.with_user(self.seller).write({"combo_ids": combo.copy().ids})),
            ),
        )

    def test_cost_that_odoo_reckons_is_not_theirs(self):
        order = self._quotation()
        self.bolt.with_user(self.seller).sudo().standard_price = 5
        self.assertIsNone(self._fact(order, "terms_changed_days"))

    def test_terms_of_all_customers(self):
        """An administrator who sells changes what holds for customers without terms of their own."""
        manager = self.sales_manager
        manager.write({USER_GROUPS: [Command.link(self.env.ref("base.group_system").id)]})
        order = self._quotation(user=manager)
        self.assertIsNone(self._fact(order, "terms_changed_days"))
        fields = self.env["ir.model.fields"]
        defaults = self.env["ir.default"].with_user(manager)
        cases = [
            (
                "default payment terms",
                lambda: defaults.set("res.partner", "property_payment_term_id", self.quarter.id, company_id=True),
            ),
            (
                "credit limit of the settings",
                lambda: (
                    self.env["res.config.settings"]
                    .with_user(manager)
                    .create({"account_default_credit_limit": 90000})
                    .execute()
                ),
            ),
            (
                "default list",
                lambda: (
                    self.env["ir.config_parameter"]
                    .with_user(manager)
                    .set_param(f"res.partner.property_product_pricelist_{self.company.id}", self.list.id)
                ),
            ),
        ]
        if IS_17:
            properties = self.env["ir.property"].with_user(manager)
            own = properties.search(
                [
                    ("fields_id", "=", fields._get("res.partner", "property_payment_term_id").id),
                    ("res_id", "=", f"res.partner,{self.customer.id}"),
                ]
            )
            self.assertTrue(own)
            cases += [
                ("record of the customer", lambda: own.write({"value": self.quarter.id})),
                ("record of the customer removed", lambda: own.sudo().unlink()),
                (
                    "record of all customers",
                    lambda: properties._set_default("property_payment_term_id", "res.partner", self.quarter.id),
                ),
            ]
        self._assert_each_is_seen(order, cases)

    def test_one_change_is_noted_once(self):
        events = self.env["distribution.event"].search_count([("type", "=", EVENT)])
        self.customer.with_user(self.seller).property_payment_term_id = self.quarter
        self.env.flush_all()
        self.assertEqual(self.env["distribution.event"].search_count([("type", "=", EVENT)]) - events, 1)

    def test_who_tries_the_policy_is_not_who_asks(self):
        values = {"version_id": self.version.id, "document_ref": f"sale.order,{self._quotation().id}"}
        shown = self.env["distribution.approval.try"].with_user(self.auditor).create(values).result
        self.assertIn(self.seller.name, shown)
        self.assertNotIn(self.auditor.name, shown)

    def test_a_product_of_their_own(self):
        self.assertIsNone(self._fact(self._quotation(), "terms_changed_days"))
        product = self.env["product.product"].with_user(self.seller).create({"name": "Own", "list_price": 1})
        self.assertEqual(self._fact(self._quotation(product=product), "terms_changed_days"), 0)

    def test_whoever_has_a_hand_in_the_order_counts(self):
        order = self._quotation()
        self.customer.with_user(self.seller_2).property_payment_term_id = self.quarter
        self.assertIsNone(self._fact(order, "terms_changed_days"), "somebody else's decision")
        order.with_user(self.seller_2).order_line.price_unit = 9.9
        self.assertEqual(self._fact(order, "terms_changed_days"), 0, "who edited it")

    def test_what_changes_nothing_is_not_noted(self):
        customer = self.customer.with_user(self.seller)
        customer.write({"property_payment_term_id": self.month.id, "property_product_pricelist": self.list.id})
        contact = customer.create({"name": "Site office", "parent_id": customer.id})
        contact.write({"country_id": self.env.ref("base.be").id})
        self.assertIsNone(self._fact(self._quotation(partner_id=contact.id), "terms_changed_days"))

    def test_long_ago(self):
        self.customer.with_user(self.seller).property_payment_term_id = self.quarter
        order = self._quotation()
        self.assertEqual(self._fact(order, "terms_changed_days"), 0)
        for days, seen in ((31, 31), (181, None)):
            with self.subTest(days), freeze_time(datetime.now() + timedelta(days=days, hours=1)):
                self.assertEqual(self._fact(order, "terms_changed_days"), seen)

    def test_the_attack_of_the_seller(self):
        """Cheaper list and longer terms for the customer, then the order that fits them."""
        customer = self.customer.with_user(self.seller)
        cheap = self.env["product.pricelist"].create({"name": "Cheap", "company_id": self.company.id})
        self._cheap_rule(cheap, self.env.user)
        order = self._quotation(price=9.1)
        self.assertEqual(self._fact(order, "price_under_list"), 9)
        customer.write({"property_product_pricelist": cheap.id, "property_payment_term_id": self.quarter.id})
        self.env.invalidate_all()
        order.payment_term_id = self.quarter
        self.assertEqual(self._fact(order, "price_under_list"), 0)
        self.assertEqual(self._fact(order, "terms_longer_days"), 0)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))
        self.assertIn("Made for the order", order.approval_banner)

    # ---------------------------------------------------- while a request waits

    def test_another_list_or_terms_on_the_order_while_it_waits_are_asked_again(self):
        cheap = self.env["product.pricelist"].create({"name": "Cheap", "company_id": self.company.id})
        for values in ({"pricelist_id": cheap.id}, {"payment_term_id": self.quarter.id}):
            with self.subTest(values):
                order = self._held_quotation()
                task = self._task(order, "Sales")
                digest = task.digest
                order.write(values)
                self.assertEqual(order.sudo().approval_request_id.round, 2)
                self.assertNotEqual(self._task(order, "Sales").digest, digest)
                approved = self._held_quotation()
                self._decide(approved, "Sales", self.sales_manager)
                self.assertEqual(approved.approval_state, "approved")
                approved.write(values)
                self.assertFalse(self._releases(approved))
                approved.action_confirm()
                self.assertNotInForce(approved)

    # ----------------------------------------------------------------- queries

    def test_one_query_for_all(self):
        customers = self.env["res.partner"].create([{"name": f"Customer {n}"} for n in range(20)])
        orders = self.env["sale.order"].union(*(self._quotation(partner_id=one.id) for one in customers)).sudo()
        self.env.flush_all()
        for batch in (orders, orders[:2]):
            batch._approval_facts({"own_terms", "price_under_list", "requester"})
            before = self.cr.sql_log_count
            batch._approval_facts({"terms_changed_days"})
            self.assertEqual(self.cr.sql_log_count - before, 1)
