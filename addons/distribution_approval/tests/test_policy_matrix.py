"""Analysis, changes in words, and files of policy versions – as author, publisher and others."""

import base64
import json

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from .common import ApprovalCase

VERSION = "distribution.approval.policy.version"


@tagged("post_install", "-at_install")
class TestPolicyMatrix(ApprovalCase):
    def _draft(self):
        return self.version.policy_id.with_user(self.author)._draft_next_version()

    def _rule(self, version, name):
        return version.rule_ids.filtered(lambda rule: rule.name == name)

    def _add_rule(self, version, name, outcome, conditions):
        return (
            self.env["distribution.approval.rule"]
            .with_user(self.author)
            .create(
                {
                    "version_id": version.id,
                    "sequence": 100,
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": [Command.create(condition) for condition in conditions],
                }
            )
        )

    # ------------------------------------------------------------- analysis

    def test_a_gap_is_shown_with_names_before_publishing(self):
        draft = self._draft()
        site = self.warehouse
        for name in ("Above 2,500", "Above 25,000"):
            self._rule(draft, name).unlink()
        self._add_rule(draft, "From 30,000", "refuse", [{"fact": "amount", "operator": "ge", "value": "30000"}])
        self._add_rule(
            draft,
            "Elsewhere",
            "refuse",
            [
                {"fact": "amount", "operator": "gt", "value": "2500"},
                {"fact": "site", "operator": "not_in", "reference_ids": [Command.create({"ref_id": site.id})]},
            ],
        )
        self._rule(draft, "Within policy").condition_ids.filtered(lambda c: c.fact != "amount").unlink()
        draft.invalidate_recordset()
        self.assertIn("No rule matches: Amount is above 2,500 and below 30,000 and", draft.problem_text)
        self.assertIn("Vendor status is Approved", draft.problem_text)
        self.assertIn(f"Receiving site is {site.display_name}", draft.problem_text)
        self.assertIn("Warning: ", draft.problem_text)
        draft.with_user(self.publisher).action_publish()  # a gap holds documents: no reason to refuse
        self.assertEqual(draft.state, "published")

    def test_analysis_of_a_published_version(self):
        wizard = (
            self.env["distribution.approval.analysis"].with_user(self.auditor).create({"version_id": self.version.id})
        )
        result = str(wizard.result)
        self.assertIn("Gaps: no rule matches", result)
        self.assertIn("Price over contract is empty", result)
        self.assertIn("Overlaps", result)
        with self.assertRaises(AccessError):
            self.env["distribution.approval.analysis"].with_user(self.buyer).create({"version_id": self.version.id})

    def test_rules_that_never_decide_are_named(self):
        draft = self._draft()
        self._add_rule(
            draft,
            "Hopeless",
            "pass",
            [
                {"fact": "amount", "operator": "gt", "value": "50000"},
                {"fact": "amount", "operator": "lt", "value": "40000"},
            ],
        )
        self._add_rule(draft, "Forestalled", "pass", [{"fact": "amount", "operator": "gt", "value": "60000"}])
        draft.invalidate_recordset()
        self.assertIn("“Hopeless” never matches", draft.problem_text)
        self.assertIn("“Forestalled” never decides: wherever it matches, “Above 2,500”", draft.problem_text)
        draft.hit_policy = "FIRST"
        draft.invalidate_recordset()
        self.assertIn("“Forestalled”", draft.problem_text)
        result = str(
            self.env["distribution.approval.analysis"].with_user(self.author).create({"version_id": draft.id}).result
        )
        self.assertIn("Rules that never decide", result)

    # ----------------------------------------------------------- difference

    def test_changes_in_words(self):
        draft = self._draft()
        self.assertEqual(draft.compared_with_id, self.version)
        self.assertIn("Nothing differs", draft.difference_html)
        condition = self._rule(draft, "Within policy").condition_ids.filtered(lambda c: c.fact == "amount")
        condition.value = "3000"
        self._rule(draft, "Above 25,000").stage_ids.filtered(lambda s: s.name == "Operations").unlink()
        self._rule(draft, "Above 2,500").comment_required = True
        self._rule(draft, "Split orders").unlink()
        draft.tolerance_percent = 3
        self._add_rule(draft, "Urgent", "refuse", [{"fact": "urgent", "operator": "is_true"}])
        draft.invalidate_recordset()
        words = [str(change) for change in draft.with_user(self.publisher)._difference(self.version)]
        self.assertEqual(
            words,
            [
                "Tolerance (%): 2 → 3",
                "Rule “Within policy”: changed: Amount ≤ 2,500 → Amount ≤ 3,000",
                "Rule “Above 2,500”: Comment Required: – → yes",
                "Rule “Above 25,000”: approver removed: Operations (stage 20)",
                "Rule added: “Urgent”: when Urgent is yes: is refused",
                "Rule removed: “Split orders”: when Small orders with this vendor > 10,000: "
                "needs approval by Purchasing (stage 10)",
            ],
        )
        html = draft.with_user(self.publisher).difference_html
        for word in ("Amount ≤ 3,000", "Rule removed", "Split orders"):
            self.assertIn(word, html)

    def test_difference_escapes(self):
        draft = self._draft()
        self._rule(draft, "Split orders").name = "<script>alert(1)</script>"
        draft.invalidate_recordset()
        self.assertNotIn("<script>", draft.difference_html)
        self._add_rule(draft, "<b>x</b>", "refuse", [{"fact": "amount", "operator": "gt", "value": "1"}])
        analysis = self.env["distribution.approval.analysis"].with_user(self.author).create({"version_id": draft.id})
        self.assertNotIn("<b>x</b>", str(analysis.result))

    # ----------------------------------------------------------------- files

    def _rich(self):
        """A draft with a record, a set, a threshold, a quorum, a person and a monitored rule."""
        draft = self._draft()
        draft.change_summary = "Sites: “North” – and more\nsecond line"
        amount = self._rule(draft, "Within policy").condition_ids.filtered(lambda c: c.fact == "amount")
        above = self._rule(draft, "Above 2,500").condition_ids
        (amount | above).write({"threshold": "buyer limit", "band_low": "1000", "band_high": "5000"})
        rule = self._add_rule(
            draft,
            "Monitored: café",
            "refuse",
            [
                {"fact": "site", "operator": "in", "reference_ids": [Command.create({"ref_id": self.warehouse.id})]},
                {
                    "fact": "categories",
                    "operator": "any_of",
                    "reference_ids": [Command.create({"ref_id": self.category.id})],
                },
                {"fact": "price_over_contract", "operator": "between", "value": "1 - 2.50"},
            ],
        )
        rule.mode = "monitor"
        rule.comment_required = True
        stage = self._rule(draft, "No contract price").stage_ids
        stage.write({"approver_kind": "user", "user_id": self.finance.id, "group_id": False})
        self._rule(draft, "Vendor not approved").stage_ids.quorum = 2
        return draft

    def test_round_trip_byte_for_byte(self):
        for version in (self.version, self._rich()):
            text = version._export_yaml()
            imported = self.env[VERSION].with_user(self.author)._import_yaml(text)
            self.assertEqual(imported._export_yaml(), text)
            self.assertEqual((imported.state, imported.policy_id), ("draft", self.version.policy_id))
            self.assertEqual(imported.author_ids, self.author)
            content, again = json.loads(version._freeze()), json.loads(imported._freeze())
            for frozen in (content, again):
                for rule in frozen["rules"]:
                    rule.pop("key")
            self.assertEqual(again, content)
            self.assertEqual(imported._difference(version), ())

    def test_who_imports_and_what_stays(self):
        text = self.version._export_yaml()
        before = (self.version.content, self.version.digest, self.version.state, self.version.write_date)
        draft = self.env[VERSION].with_user(self.author)._import_yaml(text.replace("value: 2500", "value: 2600"))
        self.assertEqual(
            (self.version.content, self.version.digest, self.version.state, self.version.write_date), before
        )
        self.assertGreater(draft.number, self.version.number)
        for user in (self.buyer, self.publisher, self.auditor, self.employee):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env[VERSION].with_user(user)._import_yaml(text)
        # Who imports wrote it: the right to publish does not help.
        self.author.write(
            {self._groups_field(): [Command.link(self.env.ref("distribution_core.group_policy_publisher").id)]}
        )
        with self.assertRaises(UserError):
            draft.with_user(self.author).action_publish()
        draft.with_user(self.publisher).action_publish()
        self.assertEqual(draft.state, "published")

    def _groups_field(self):
        from odoo.addons.distribution_core.compat import USER_GROUPS

        return USER_GROUPS

    def test_wizards(self):
        action = self.version.with_user(self.auditor).action_export()
        wizard = self.env[action["res_model"]].with_user(self.auditor).browse(action["res_id"])
        self.assertEqual(base64.b64decode(wizard.file).decode(), self.version._export_yaml())
        self.assertTrue(wizard.filename.endswith(".yaml"))
        imported = self.env[action["res_model"]].with_user(self.author).create({"file": wizard.file})
        opened = imported.action_import()
        self.assertEqual(self.env[VERSION].browse(opened["res_id"]).state, "draft")
        for content in (b"", b"\xff\xfe", b"no policy", b"a" * 1_000_001):
            wizard = self.env[action["res_model"]].with_user(self.author).create({"file": base64.b64encode(content)})
            with self.assertRaises(UserError):
                wizard.action_import()

    def test_errors_name_what_to_mend(self):
        text = self._rich()._export_yaml()
        for before, after, said in (
            ("document_type: purchase_order", "document_type: nonsense", "“nonsense” is no document type"),
            (f"login:{self.finance.login}", "login:nobody", "with login “nobody”"),
            (f"login:{self.finance.login}", "xmlid:base.nobody", "“base.nobody” is not known here"),
            (f"login:{self.finance.login}", "barcode:1", "not by “barcode”"),
            ("fact: urgent" if "fact: urgent" in text else "fact: site", "fact: nonsense", "“nonsense”"),
            (
                "type: reference\n  model: stock.warehouse",
                "type: reference\n  model: res.users",
                "is reference stock.warehouse here",
            ),
            ("- blocked", "- banned", "banned"),
            ("kind: user", "kind: boss", "no kind of approver"),
            ("comment_required: yes", "comment_required: perhaps", "is no value for"),
            ("comment_required: yes", "nonsense: yes", "“nonsense” is unknown"),
            ("comment_required: yes", "create_uid: login:admin", "“create_uid” is unknown"),
            ("comment_required: yes", "version_id: '1'", "“version_id”"),
            ("hit_policy: COLLECT", "hit_policy: LAST", "LAST"),
            ("tolerance_percent: 2", "tolerance_percent: two", "two"),
            ("tolerance_percent: 2", "state: published", "“state” is unknown"),
        ):
            with self.subTest(said=said, after=after):
                self.assertIn(before, text)
                with self.assertRaises(UserError) as error, self.cr.savepoint():
                    self.env[VERSION].with_user(self.author)._import_yaml(text.replace(before, after))
                self.assertIn(said, str(error.exception))

    def test_ambiguous_names_are_refused(self):
        self.env["res.groups"].create({"name": "Purchasing"})
        with self.assertRaisesRegex(UserError, "Give it one of its own"):
            self.version._export_yaml()
        self.env["ir.model.data"].create(
            {"module": "acme", "name": "board", "model": "res.groups", "res_id": self.groups["Purchasing"].id}
        )
        text = self.version._export_yaml()
        self.assertIn("record: xmlid:acme.board", text)
        imported = self.env[VERSION].with_user(self.author)._import_yaml(text)
        self.assertEqual(self._rule(imported, "Above 2,500").stage_ids.group_id, self.groups["Purchasing"])

    # ------------------------------------------------------------ thresholds

    def test_thresholds_are_checked_and_sealed(self):
        draft = self._rich()
        self.assertFalse([p for p in draft._problems() if p.severity == "error"])
        above = self._rule(draft, "Above 2,500").condition_ids
        above.value = "2600"
        draft.invalidate_recordset()
        self.assertIn("conditions of one name move together", draft.problem_text)
        with self.assertRaises(UserError):
            draft.with_user(self.publisher).action_publish()
        above.value = "2500"
        with self.assertRaises(UserError):
            above.band_low = "little"
        draft.with_user(self.publisher).action_publish()
        band = draft._bands()["buyer limit"]
        self.assertEqual((str(band.value), str(band.low), str(band.high)), ("2500", "1000", "5000"))
        self.assertIn('"threshold":{"high":"5000","low":"1000","name":"buyer limit"}', draft.content)
        with self.assertRaises(UserError):
            above.with_user(self.author).band_high = "9000"
