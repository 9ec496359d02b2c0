"""Suggestions are accepted and dismissed by buyers, under their own rights; attacks."""

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .demand_company import DemandCase


@tagged("post_install", "-at_install")
class TestDemandDecision(DemandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parts = cls.env["product.product"].concat(*(cls.product(f"Part {number}") for number in range(3)))
        cls.make(
            [
                move
                for part in cls.parts
                for move in (
                    cls.stock(part, 500, 24),
                    *(cls.move(part, 6, back) for back in range(20, 0, -1)),
                )
            ]
        )
        cls.known = cls.rule(cls.parts[0], 50, 90)
        cls.buyer = cls.user("demand_buyer")
        run = cls.Run.create({"company_id": cls.company.id})
        run._start()
        run._advance()
        cls.waiting = cls.Suggestion.search([("run_id", "=", run.id)]).sorted(lambda one: one.product_id.id)
        cls.waiting = cls.waiting.with_user(cls.buyer)

    def rules(self, product):
        return self.env["stock.warehouse.orderpoint"].search([("product_id", "=", product.id)])

    def test_a_buyer_accepts_in_bulk_and_sees_what_it_costs(self):
        self.assertEqual(self.waiting.mapped("state"), ["new"] * 3)
        action = self.waiting.action_ask_acceptance()
        wizard = self.env[action["res_model"]].with_user(self.buyer).browse(action["res_id"])
        effects = self.waiting.mapped("stock_value_effect")
        self.assertEqual((wizard.count, wizard.new_count), (3, 2))
        self.assertAlmostEqual(wizard.stock_value_effect, sum(effects))
        self.assertAlmostEqual(wizard.decrease, min(effects))
        self.assertAlmostEqual(wizard.increase, sum(effects) - min(effects))
        self.assertLess(wizard.decrease, 0)
        [[_key, total]] = [
            (key, value)
            for [key, value] in self.Suggestion._read_group(
                [("id", "in", self.waiting.ids)], ["state"], ["stock_value_effect:sum"]
            )
        ]
        self.assertAlmostEqual(total, sum(effects))
        wizard.action_accept()
        self.assertEqual(self.waiting.mapped("state"), ["accepted"] * 3)
        self.assertEqual(self.waiting.decided_by, self.buyer)
        for suggestion in self.waiting:
            rule = self.rules(suggestion.product_id)
            self.assertEqual(len(rule), 1)
            self.assertEqual(rule, suggestion.orderpoint_id)
            self.assertEqual((rule.product_min_qty, rule.product_max_qty), (suggestion.minimum, suggestion.maximum))
            self.assertEqual(rule.write_uid, self.buyer)
            self.assertEqual((rule.location_id, rule.company_id), (self.site.lot_stock_id, self.company))
        self.assertEqual(self.rules(self.parts[0]), self.known)
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.demand_suggestion.accepted.v1"), ("res_id", "in", self.waiting.ids)]
        )
        self.assertEqual((len(events), set(events.mapped("user_ref"))), (3, {self.buyer.id}))

    def test_the_numbers_may_be_changed_before(self):
        one = self.waiting[1]
        before = one.stock_value_effect
        one.write({"minimum": one.minimum + 4, "maximum": one.maximum + 4, "note": "Fair in May"})
        self.assertAlmostEqual(one.stock_value_effect, before + 40)
        one.action_accept()
        self.assertEqual(self.rules(one.product_id).product_min_qty, one.suggested_minimum + 4)
        with self.assertRaises(UserError):
            one.write({"minimum": 1})
        with self.assertRaises(UserError):
            one.action_accept()

    def test_a_rule_that_somebody_changed_is_left_alone(self):
        self.known.product_max_qty = 120
        archived = self.rule(self.parts[1], 1, 1)
        archived.active = False
        met = self.rule(self.parts[2], 2, 3)
        self.waiting.action_accept()
        self.assertEqual(self.waiting.mapped("state"), ["outdated", "accepted", "outdated"])
        self.assertEqual(self.waiting[0].reason, "changed")
        self.assertEqual((self.known.product_min_qty, self.known.product_max_qty), (50, 120))
        self.assertEqual((met.product_min_qty, met.product_max_qty), (2, 3))
        self.assertEqual((archived.active, archived.product_min_qty), (True, self.waiting[1].minimum))

    def test_dismissed_is_not_suggested_again_for_a_while(self):
        self.waiting.action_dismiss()
        self.assertEqual(self.waiting.mapped("state"), ["dismissed"] * 3)
        again = self.forecast()
        self.assertEqual((again.suggested, again.dismissed), (0, 3))
        self.waiting.sudo().dismissed_until = fields.Date.subtract(fields.Date.today(), days=1)
        self.assertEqual(self.forecast().suggested, 3)

    def test_only_buyers_decide(self):
        clerk = self.user(
            "demand_clerk",
            "base.group_user,distribution_core.group_operations,stock.group_stock_manager",
        )
        auditor = self.user("demand_auditor", "base.group_user,distribution_core.group_auditor")
        stranger = self.user("demand_stranger", "base.group_user,stock.group_stock_manager")
        one = self.waiting[1]
        for user in (clerk, auditor, stranger):
            for act in ("action_accept", "action_dismiss", "action_ask_acceptance"):
                with self.assertRaises(AccessError):
                    getattr(one.with_user(user), act)()
            with self.assertRaises(AccessError):
                one.with_user(user).write({"minimum": 1})
        for user in (clerk, auditor):
            self.assertTrue(one.with_user(user).product_id, "they may look")
        with self.assertRaises(AccessError):
            one.with_user(stranger).read(["minimum"])
        with self.assertRaises(AccessError):
            self.env["distribution.demand.acceptance"].with_user(clerk).create({"suggestion_ids": [(6, 0, one.ids)]})
        self.assertFalse(self.rules(one.product_id))

    def test_suggestions_are_not_forged(self):
        one = self.waiting[1]
        with self.assertRaisesRegex(AccessError, "made by runs"):
            self.Suggestion.with_user(self.buyer).create(one.sudo().copy_data()[0])
        for name, value in (
            ("state", "accepted"),
            ("suggested_minimum", 900),
            ("present_minimum", 0),
            ("stock_value_effect", -1e6),
            ("product_id", self.parts[0].id),
            ("orderpoint_id", self.known.id),
            ("location_id", self.branch.lot_stock_id.id),
            ("decided_by", self.env.uid),
        ):
            with self.assertRaises(AccessError, msg=name):
                one.write({name: value})
        with self.assertRaises(AccessError):
            one.unlink()
        with self.assertRaises(UserError):
            one.write({"minimum": -1})
        with self.assertRaises(UserError):
            one.write({"minimum": one.maximum + 1})

    def test_another_company_is_closed(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.user("demand_elsewhere")
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        foreign = self.Suggestion.with_user(stranger).with_context(allowed_company_ids=other.ids)
        self.assertFalse(foreign.search([]))
        with self.assertRaises(AccessError):
            foreign.browse(self.waiting[1].id).action_accept()
        months = self.env["distribution.demand.month"].with_user(stranger).with_context(allowed_company_ids=other.ids)
        self.assertFalse(months.search([]))
        self.assertFalse(self.rules(self.parts[1]))

    def test_buyers_change_rules_by_accepting_and_in_no_other_way(self):
        rule = self.known.with_user(self.waiting.env.user)
        for attack in (
            lambda: rule.write({"product_min_qty": 1}),
            lambda: rule.copy({"product_id": self.parts[1].id}),
            rule.unlink,
        ):
            with self.assertRaises(AccessError):
                attack()
        self.waiting[:2].action_accept()
        self.assertEqual(self.known.product_min_qty, self.waiting[0].minimum)
        self.assertEqual(self.rules(self.parts[1]).product_min_qty, self.waiting[1].minimum)
