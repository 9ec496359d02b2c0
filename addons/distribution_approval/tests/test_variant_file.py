"""Local variants as files: out with the same bytes, in as drafts for two people, and errors in words."""

import base64

from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from .test_local_variants import VARIANT, VariantCase

WIZARD = "distribution.approval.policy.file"


@tagged("post_install", "-at_install")
class TestVariantFile(VariantCase):
    def _wizard(self, text, user=None):
        values = {"file": base64.b64encode(text.encode()), "filename": "north.yaml"}
        return self.env[WIZARD].with_user(user or self.author).create(values)

    def _imported(self, text, user=None):
        action = self._wizard(text, user).action_import()
        self.assertEqual(action["res_model"], VARIANT)
        return self.env[VARIANT].browse(action["res_id"])

    def test_out_and_in_again_byte_for_byte(self):
        self._variant("3,000")
        self._variant("2000.50", region_id=self.region.id)
        self._variant("4000", warehouse_id=self.north.id, publish=False)
        self._variant(None, warehouse_id=self.south.id)
        variants = self.env[VARIANT].search([("policy_id", "=", self.version.policy_id.id)])
        self.assertEqual(len(variants), 4)
        for variant in variants:
            with self.subTest(variant.display_name):
                action = variant.with_user(self.auditor).action_export()
                wizard = self.env[WIZARD].with_user(self.auditor).browse(action["res_id"])
                text = base64.b64decode(wizard.file).decode()
                self.assertTrue(wizard.filename.endswith(".yaml"))
                again = self._imported(text)
                self.assertEqual(again._export_yaml(), text)
                for name in ("policy_id", "company_id", "region_id", "warehouse_id", "reason"):
                    self.assertEqual(again[name], variant[name])
                self.assertEqual(again.state, "draft")
                self.assertGreater(again.number, variant.number)
        self.assertIn("  buyer limit: 3000\n", variants.filtered(lambda v: v.level == "company")[-1]._export_yaml())
        region = variants.filtered(lambda variant: variant.region_id)
        self.assertIn("  region: code:C\n", region._export_yaml())
        self.assertIn("  buyer limit: 2000.5\n", region._export_yaml())

    def test_it_takes_two_people_still(self):
        self.assertState("to approve", 3000, self.north)
        text = self._variant("3000", warehouse_id=self.north.id, publish=False)._export_yaml()
        self.env[VARIANT].search([("policy_id", "=", self.version.policy_id.id)]).unlink()
        variant = self._imported(text)
        self.assertEqual(variant.author_ids, self.author)
        self.assertState("to approve", 3000, self.north)
        with self.assertRaises(AccessError):
            variant.with_user(self.author).action_publish()
        variant.with_user(self.publisher).action_publish()
        self.assertState("purchase", 3000, self.north)
        self.assertState("to approve", 3000, self.south)

    def test_who_may_not(self):
        variant = self._variant("3000")
        text = variant._export_yaml()
        for user in (self.buyer, self.manager):
            with self.assertRaises(AccessError):
                self._wizard(text, user)
            with self.assertRaises(AccessError):
                variant.with_user(user).action_export()
        for user in (self.publisher, self.auditor):
            with self.assertRaises(AccessError):
                self._wizard(text, user).action_import()

    def test_outside_the_band_is_said_on_the_draft(self):
        text = self._variant("3000")._export_yaml().replace("buyer limit: 3000", "buyer limit: 9000")
        variant = self._imported(text)
        self.assertIn("9,000 is outside the band", variant.problem_text)
        with self.assertRaisesRegex(UserError, "outside the band"):
            variant.with_user(self.publisher).action_publish()

    def test_what_cannot_be_imported_says_everything_that_is_wrong(self):
        text = self._variant("3000", warehouse_id=self.north.id)._export_yaml()
        count = self.env[VARIANT].search_count([])
        for before, after, said in (
            ("site: code:NOR", "site: code:XYZ", "place.site: There is no .* with code “XYZ”"),
            ("site: code:NOR", "site: NOR", "“NOR” does not name a record"),
            ("document_type: purchase_order", "document_type: purchase", "“purchase” is no document type here"),
            ("document_type: purchase_order", "document_type: sale_order", "import the standard first"),
            ("values:", "valeus:", "“valeus” is unknown"),
            (
                "format: distribution-approval-variant/1",
                "format: distribution-approval-variant/2",
                "not a variant file",
            ),
        ):
            with self.subTest(after), self.assertRaisesRegex(UserError, said):
                self.assertIn(before, text)
                self._wizard(text.replace(before, after)).action_import()
        wrong = text.replace("site: code:NOR", "site: code:XYZ").replace("type: purchase_order", "type: sale_order")
        with self.assertRaisesRegex(UserError, "(?s)import the standard first.*XYZ"):
            self._wizard(wrong).action_import()
        self.assertEqual(self.env[VARIANT].search_count([]), count)

    def test_another_company(self):
        """A file never makes a variant where its reader has no business."""
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.env["stock.warehouse"].search([("company_id", "=", other.id)]).code = "ELSE"
        text = self._variant("3000", warehouse_id=self.north.id)._export_yaml()
        head, place = text.split("place:\n")
        company = place.splitlines()[0]
        there = place.replace(company, "  company: name:Elsewhere").replace("site: code:NOR", "site: code:ELSE")
        with self.assertRaises(AccessError):
            self._wizard(f"{head}place:\n{there}").action_import()
        with self.assertRaisesRegex(UserError, "no .* with code “ELSE”"):
            self._wizard(text.replace("site: code:NOR", "site: code:ELSE")).action_import()
