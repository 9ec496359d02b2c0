"""Local variants: thresholds of the standard, moved within their band by two people, and nothing else."""

import json

import psycopg2
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from .common import ApprovalCase

VARIANT = "distribution.approval.variant"


class VariantCase(ApprovalCase):
    """The policy of :class:`ApprovalCase` whose limit of 2,500 is adjustable from 1,000 to 5,000."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.region = cls.env["distribution.region"].create({"name": "Coast", "code": "C", "company_id": cls.company.id})
        cls.north = cls.env["stock.warehouse"].create(
            {"name": "North", "code": "NOR", "company_id": cls.company.id, "region_id": cls.region.id}
        )
        cls.south = cls.env["stock.warehouse"].create(
            {"name": "South", "code": "SOU", "company_id": cls.company.id, "region_id": cls.region.id}
        )
        cls.version = cls._standard()

    @classmethod
    def _standard(cls, low="1000", high="5000", name="buyer limit", publish=True):
        draft = cls.version.policy_id.with_user(cls.author)._draft_next_version()
        limits = draft.rule_ids.condition_ids.filtered(lambda c: c.fact == "amount" and c.value == "2500")
        assert len(limits) == 2
        limits.write({"threshold": name, "band_low": low, "band_high": high})
        if publish:
            cls._publish(draft)
        return draft

    def _variant(self, value, publish=True, threshold="buyer limit", **place):
        variant = (
            self.env[VARIANT]
            .with_user(self.author)
            .create(
                {
                    "policy_id": self.version.policy_id.id,
                    "company_id": self.company.id,
                    "reason": "Small place",
                    "value_ids": [Command.create({"threshold": threshold, "value": value})] if value else [],
                    **place,
                }
            )
        )
        if publish:
            variant.with_user(self.publisher).action_publish()
        return variant

    def _confirm(self, amount, site=None):
        # A vendor of its own: orders with one vendor add up.
        vendor = self.env["res.partner"].create({"name": "V", "vendor_status": "approved"})
        self._make_contract(vendor, self.product, 10.0)
        values = {"picking_type_id": site.in_type_id.id} if site else {}
        order = self._order(amount, vendor=vendor, **values)
        order.button_confirm()
        return order

    def assertState(self, state, *args):
        self.assertEqual(self._confirm(*args).state, state)


@tagged("post_install", "-at_install")
class TestLocalVariants(VariantCase):
    def test_the_most_specific_counts(self):
        self.assertState("to approve", 3000, self.north)
        self._variant("3000")
        self.assertState("purchase", 3000, self.north)
        self.assertState("purchase", 3000)
        self._variant("2000", region_id=self.region.id)
        self.assertState("to approve", 2100, self.north)
        self.assertState("to approve", 2100, self.south)
        self.assertState("purchase", 3000)  # the warehouse of the company lies in no region
        self._variant("4000", warehouse_id=self.north.id)
        self.assertState("purchase", 4000, self.north)
        self.assertState("to approve", 4000.10, self.north)
        self.assertState("to approve", 2100, self.south)

    def test_release_and_request_name_variant_and_standard(self):
        variant = self._variant("4000", warehouse_id=self.north.id)
        order = self._confirm(3900, self.north)
        release = self.env["distribution.approval.release"]._valid_for(order)[order.id]
        self.assertEqual(release.version_id, self.version)
        self.assertEqual(release.variant_refs, str(variant.id))
        self.assertIn("North v1: buyer limit 4,000", release.local_variant)
        self.assertIn("Amount ≤ 4,000", json.loads(release.rules)[0]["words"])
        held = self._confirm(4100, self.north)
        snapshot = held.sudo().approval_request_id.snapshot_id
        self.assertEqual((snapshot.variant_refs, snapshot.version_id), (str(variant.id), self.version))
        self.assertIn("Amount > 4,000", snapshot.rules)
        self._decide(held, "Purchasing", self.manager)
        release = self.env["distribution.approval.release"].search([("res_id", "=", held.id)], limit=1)
        self.assertEqual((release.kind, release.variant_refs), ("approval", str(variant.id)))
        elsewhere = self._confirm(1000, self.south)
        release = self.env["distribution.approval.release"]._valid_for(elsewhere)[elsewhere.id]
        self.assertFalse(release.variant_refs)

    def test_only_thresholds_within_the_band(self):
        for value, threshold in (
            ("900", "buyer limit"),
            ("5001", "buyer limit"),
            ("much", "buyer limit"),
            ("3000", "other"),
        ):
            with self.subTest(value=value, threshold=threshold), self.assertRaises(UserError):
                self._variant(value, threshold=threshold)
        self.assertState("to approve", 2600)

    def test_the_next_standard_flows_down(self):
        variant = self._variant("4000", warehouse_id=self.north.id)
        self._standard("1000", "6000")
        self.assertState("purchase", 4000, self.north)
        self.assertFalse(variant.out_of_band)
        narrowed = self._standard("1000", "3000")
        self.assertState("to approve", 2600, self.north)  # the standard's own value
        self.assertState("purchase", 2500, self.north)
        variant.invalidate_recordset()
        self.assertTrue(variant.out_of_band)
        self.assertIn("4,000 is outside the band 1,000 to 3,000", variant.problem_text)
        self.assertIn(variant, self.env[VARIANT].search([("out_of_band", "=", True)]))
        case = self.env["distribution.case"].search([("type_id.code", "=", "variant_out_of_band")])
        self.assertEqual((case.res_model, case.res_id), (VARIANT, variant.id))
        case.write({"resolution": "Next version is drafted", "state": "resolved"})
        self.env["distribution.approval.policy.version"]._cron_retire()
        for model, domain in (
            ("distribution.event", [("type", "=", "distribution.approval_variant.out_of_band.v1")]),
            ("distribution.case", [("type_id.code", "=", "variant_out_of_band")]),
        ):
            self.assertEqual(self.env[model].search_count(domain), 1)
        self.assertEqual(narrowed.variant_stamp.partition(":")[0], str(variant.id))
        self._standard(name="another name")
        self.assertState("to approve", 2600, self.north)

    def test_ending_a_variant_takes_two_people(self):
        variant = self._variant("1000", warehouse_id=self.north.id)
        self.assertState("to approve", 1100, self.north)
        draft = self.env[VARIANT].browse(variant.with_user(self.author).action_next_version()["res_id"])
        draft.with_user(self.author).value_ids.unlink()
        with self.assertRaises(UserError):
            draft.with_user(self.author).action_publish()
        draft.with_user(self.publisher).action_publish()
        self.assertEqual((variant.state, draft.state, draft.number), ("retired", "published", 2))
        self.assertFalse(self.version.variant_stamp)
        self.assertState("purchase", 1100, self.north)

    def test_a_running_request_keeps_its_variants(self):
        self._variant("1000", warehouse_id=self.north.id)
        order = self._confirm(1500, self.north)
        self.assertEqual(order.state, "to approve")
        self._variant("4000", warehouse_id=self.north.id)
        self.assertState("purchase", 1500, self.north)
        order.order_line.product_qty = 160
        self.env.flush_all()
        self.assertEqual(order.sudo().approval_request_id.state, "pending", "judged as when it was asked")

    # --------------------------------------------------------------- attacks

    def test_who_cannot(self):
        both = new_test_user(
            self.env,
            login="t_both_variant",
            groups="base.group_user,distribution_core.group_policy_author,distribution_core.group_policy_publisher",
        )
        draft = self._variant("4000", publish=False)
        admin = self.env.ref("base.user_admin")
        for user in (self.author, self.buyer, self.auditor, self.employee, admin, self.env.ref("base.user_root")):
            with self.subTest(user.login), self.assertRaises(UserError):
                draft.with_user(user).action_publish()
        draft.with_user(both).value_ids.value = "5000"
        with self.assertRaises(UserError):
            draft.with_user(both).action_publish()
        for user in (self.buyer, self.publisher, self.auditor, self.employee):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env[VARIANT].with_user(user).create(
                    {"policy_id": self.version.policy_id.id, "company_id": self.company.id}
                )
            with self.subTest(user.login), self.assertRaises(AccessError):
                draft.value_ids.with_user(user).write({"value": "5000"})
        seen = draft.draft_digest
        draft.with_user(self.author).value_ids.value = "4500"
        with self.assertRaisesRegex(UserError, "edited since"):
            draft.with_user(self.publisher).with_context(seen_digest=seen).action_publish()

    def test_forgeries(self):
        published = self._variant("3000")
        values = {
            "state": "published",
            "content": published.content,
            "digest": published.digest,
            "published_by_id": self.publisher.id,
            "published_at": fields.Datetime.now(),
            "author_ids": [Command.clear()],
            "number": 9,
        }
        mine = self.env[VARIANT].with_user(self.author)
        for name, value in values.items():
            with self.subTest(name), self.assertRaises(UserError):
                mine.create({"policy_id": self.version.policy_id.id, "company_id": self.company.id, name: value})
            with self.subTest(name), self.assertRaises(UserError):
                published.with_user(self.author).write({name: value})
        context = {f"default_{name}": value for name, value in values.items()}
        forged = mine.with_context(**context).create(
            {"policy_id": self.version.policy_id.id, "company_id": self.company.id, "warehouse_id": self.north.id}
        )
        self.assertEqual((forged.state, forged.author_ids), ("draft", self.author))
        for attack in (
            lambda: published.value_ids.with_user(self.author).write({"value": "5000"}),
            lambda: published.value_ids.with_user(self.author).unlink(),
            lambda: published.with_user(self.author).write({"warehouse_id": self.north.id}),
            lambda: published.with_user(self.author).write({"value_ids": [Command.clear()]}),
            lambda: published.with_user(self.author).unlink(),
            lambda: forged.value_ids.with_user(self.author).create({"variant_id": published.id, "threshold": "x"}),
            lambda: self.version.with_user(self.author).write({"variant_stamp": False}),
            lambda: self.version.policy_id.with_user(self.author)._draft_next_version().write({"variant_stamp": "1:a"}),
        ):
            with self.assertRaises(UserError):
                attack()

    def test_sql_meets_triggers_and_seals(self):
        variant = self._variant("3000")
        self.env.flush_all()
        for statement in (
            "UPDATE distribution_approval_variant SET content = replace(content, '3000', '5000') WHERE id = %s",
            "UPDATE distribution_approval_variant SET warehouse_id = NULL, company_id = 999 WHERE id = %s",
            "DELETE FROM distribution_approval_variant WHERE id = %s",
        ):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.RestrictViolation), self.cr.savepoint():
                self.cr.execute(statement, [variant.id])
        # Values beside the seal change nothing; a stamp that does not match holds.
        self.cr.execute("UPDATE distribution_approval_variant_value SET value = '5000'")
        self.env.invalidate_all()
        self.assertState("to approve", 3100)
        self.assertState("purchase", 2900)
        self.cr.execute(
            "UPDATE distribution_approval_policy_version SET variant_stamp = %s WHERE id = %s",
            [f"{variant.id}:" + "0" * 64, self.version.id],
        )
        self.env.invalidate_all()
        order = self._confirm(100)
        self.assertEqual(order.approval_state, "on_hold")

    def test_analysis_with_the_values_of_a_variant(self):
        variant = self._variant("4000", publish=False, warehouse_id=self.north.id)
        context = variant.with_user(self.author).action_analyse()["context"]
        wizard = self.env["distribution.approval.analysis"].with_user(self.author).with_context(**context).create({})
        self.assertIn("Amount is at most 4,000", str(wizard.result))
        self.assertIn("Amount is at most 2,500", str(self.version._analysis_html()))

    def test_places(self):
        other = self.env["res.company"].create({"name": "Other"})
        for place in (
            {"region_id": self.region.id, "warehouse_id": self.north.id},
            {"company_id": other.id},
            {"company_id": other.id, "warehouse_id": self.north.id},
        ):
            with self.subTest(place), self.assertRaises(UserError):
                self._variant("3000", publish=False, **place)

    def test_constant_queries(self):
        """Variants cost a fixed number of queries, whatever the number of orders."""

        def judge(count):
            orders = self.env["purchase.order"].union(
                *(self._order(2000, picking_type_id=self.north.in_type_id.id) for _n in range(count))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            self.env.registry.clear_cache()
            before = self.cr.sql_log_count
            orders.sudo()._approval_verdicts()
            return self.cr.sql_log_count - before

        judge(1)
        without_few, without_many = judge(5), judge(40)
        self._variant("3000", region_id=self.region.id)
        self._variant("4000", warehouse_id=self.north.id)
        few, many = judge(5), judge(40)
        self.assertLessEqual(many, few + max(0, without_many - without_few))
        self.assertLessEqual(few - without_few, 8)
