"""A report is written, tried, published by a second person, and exchanged as a file."""

from lxml import etree
from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..models.report_version import PARTS
from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportDefinition(ReportCase):
    def test_who_writes_does_not_publish(self):
        report = self._report(publish=False)
        version = report.version_ids
        self.author.write({USER_GROUPS: [Command.link(self.env.ref("distribution_core.group_policy_publisher").id)]})
        with self.assertRaisesRegex(UserError, "You wrote in"):
            version.with_user(self.author).action_publish()
        with self.assertRaises(AccessError):
            version.with_user(self.watcher).action_publish()
        version.with_user(self.publisher).action_publish(version.draft_digest)
        self.assertEqual((version.state, report.version_id), ("published", version))
        event = self.env["distribution.event"].search([("type", "=", "distribution.report_definition.published.v1")])
        self.assertEqual(event[:1].res_id, version.id)

    def test_the_parts_of_a_report_are_cards_on_a_phone(self):
        form = etree.fromstring(self.env["distribution.report.version"].get_view(view_type="form")["arch"])
        for name in PARTS.values():
            (part,) = form.xpath(f"//notebook/page/field[@name='{name}']")
            self.assertEqual(part.get("mode").split(",")[1], "kanban", name)
            self.assertEqual(len(part), 3, f"{name}: a list, cards, and a form that opens from these")

    def test_published_versions_never_change(self):
        version = self._report().version_id
        for attempt in (
            lambda: version.with_user(self.author).write({"classification": "customer"}),
            lambda: version.sudo().write({"release_pattern": "automatic"}),
            lambda: version.with_user(self.author).dataset_ids.write({"domain": "[]"}),
            lambda: version.sudo().dataset_ids.column_ids[0].unlink(),
            lambda: version.with_user(self.author).dataset_ids.create(
                {"version_id": version.id, "code": "x", "model": "res.partner"}
            ),
            lambda: version.sudo().unlink(),
            lambda: version.with_user(self.author).write({"state": "draft"}),
            lambda: version.with_user(self.author).create({"report_id": version.report_id.id, "state": "published"}),
        ):
            with self.assertRaises(UserError):
                attempt()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(IntegrityError, "never changed"),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE distribution_report_version SET content = '{}' WHERE id = %s", (version.id,))

    def test_what_was_edited_meanwhile_is_not_published(self):
        version = self._report(publish=False).version_ids
        seen = version.draft_digest
        version.with_user(self.author).dataset_ids.limit = 3
        version.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "edited since"):
            version.with_user(self.publisher).action_publish(seen)

    def test_a_new_version_begins_with_what_is_in_force_and_replaces_it(self):
        report = self._report()
        first = report.version_id
        report.with_user(self.author).action_new_version()
        second = report.version_ids - first
        self.assertEqual(second.diff_text, "")
        self.assertEqual(second.reader_id, self.reader)
        second.with_user(self.author).section_ids[0].title = "Vendors of Reportland"
        second.invalidate_recordset()
        self.assertEqual(second.diff_text, "sections.all.title: All Vendors → Vendors of Reportland")
        self._publish(second)
        self.assertEqual((first.state, second.state, report.version_id), ("retired", "published", second))

    def test_problems_name_field_and_remedy(self):
        for values, words in (
            ({"section_ids": []}, "Sections: the report says nothing"),
            ({"dataset_ids": []}, "Section all: Table of Dataset: “vendors” is none of nothing"),
            ({"datasets": [{"code": "x", "model": "no.model"}]}, "there is no “no.model”"),
            ({"datasets": [{"code": "x", "model": "res.partner"}]}, "columns: add at least one"),
            (
                {
                    "datasets": [
                        {"code": "x", "model": "res.partner", "column_ids": [Command.create({"path": "nothing"})]}
                    ]
                },
                "has no “nothing”",
            ),
            (
                {
                    "datasets": [
                        {
                            "code": "x",
                            "model": "res.partner",
                            "domain": "[('name', '=', '{password}')]",
                            "column_ids": [Command.create({"path": "name"})],
                        }
                    ]
                },
                "{password} is unknown",
            ),
            (
                {"check_ids": [Command.create({"code": "c", "kind": "nulls", "dataset": "vendors"})]},
                "Check c: Checked Columns: name at least one column",
            ),
            (
                {
                    "check_ids": [
                        Command.create(
                            {
                                "code": "c",
                                "kind": "figure",
                                "dataset": "vendors",
                                "columns": "color",
                                "figure": "backorders",
                            }
                        )
                    ]
                },
                "Check c: Figure of KPI: add it to a section of this report: “backorders” is in none",
            ),
            (
                {"threshold_ids": [Command.create({"code": "t", "kpi": "otif", "breach": "1"})]},
                "Threshold t: Judged KPI: add it",
            ),
            ({"reader_id": self.env.ref("base.user_admin").id}, "Read as"),
            ({"classification": "customer"}, "takes two parties"),
            (
                {"recipient_ids": [Command.create({"kind": "partner", "partner_id": self.vendors[0].id})]},
                "is outside the house",
            ),
        ):
            with self.subTest(words=words):
                code = f"r{abs(hash(words))}"
                version = self._report(publish=False, code=code, **values).version_ids
                self.assertIn(words, version.problem_text)
                with self.assertRaisesRegex(UserError, "cannot be published yet"):
                    self._publish(version)

    def test_numbers_and_paths_are_checked_when_they_are_written(self):
        version = self._report(publish=False).version_ids
        with self.assertRaisesRegex(ValidationError, "Maximum: “many” is no number"):
            version.write(
                {"check_ids": [Command.create({"code": "c", "kind": "row_count", "dataset": "v", "maximum": "many"})]}
            )
        with self.assertRaisesRegex(ValidationError, "no path of fields"):
            version.dataset_ids.column_ids[0].path = "name; DROP"

    def test_the_reader_decides_what_is_in_the_report(self):
        """The author sees nothing of orders, nor does the reader of this report: it is not published."""
        orders = {
            "code": "orders",
            "model": "purchase.order",
            "column_ids": [Command.create({"path": "name"}), Command.create({"path": "amount_total"})],
        }
        version = self._report(publish=False, datasets=[orders], reader_id=self.stranger.id).version_ids
        self.assertIn("may not read", version.problem_text)
        version.with_user(self.author).reader_id = self.reader
        version.invalidate_recordset()
        self.assertFalse(version.problem_text)
        with self.assertRaisesRegex(UserError, "Dataset orders") as refused:
            version.with_user(self.author).action_preview()
        self.assertIs(type(refused.exception), UserError, "an error that the web client shows as what it is")

    def test_opening_a_draft_reads_nothing_of_it(self):
        version = self._report(publish=False).version_ids
        builder = type(self.env["distribution.report.builder"])
        read = []
        original = builder._dataset_table
        self.patch(builder, "_dataset_table", lambda *arguments: read.append(1) or original(*arguments))
        self.assertFalse(version.problem_text)
        self.assertFalse(read)
        self._publish(version)
        self.assertTrue(read, "what is published was read once")

    def test_preview_on_live_data_keeps_nothing(self):
        version = self._report(publish=False).version_ids
        action = version.with_user(self.author).action_preview()
        html = self.env[action["res_model"]].browse(action["res_id"]).content_html
        self.assertIn("Vendor 3", html)
        self.assertIn("5 vendors, score 15", html)
        self.assertFalse(version.report_id.run_ids)

    def test_grouped_datasets_totals_and_placeholders(self):
        grouped = {
            "code": "colors",
            "model": "res.partner",
            "domain": f"[('country_id', '=', {self.country.id}), ('create_date', '<', '{{until}}'), "
            "('id', '!=', '{site}')]",
            "group_by": "country_id",
            "column_ids": [
                Command.create({"path": "country_id"}),
                Command.create({"path": "__count", "label": "Vendors"}),
                Command.create({"path": "color", "aggregate": "max"}),
                Command.create({"path": "color", "aggregate": "sum", "total": True}),
            ],
        }
        version = self._report(publish=False, datasets=[grouped]).version_ids
        self.assertFalse(version.problem_text)
        builder = self.env["distribution.report.builder"]
        today = self.env.cr.now().date()
        table = builder._capture(builder._scope(version, today, today, self.reader))["colors"]
        self.assertEqual([list(row) for row in table.rows], [["Reportland", 5, 5, 15]])
        self.assertEqual(table.total, (None, None, None, 15))

    def test_datasets_are_read_in_sets(self):
        version = self._report(publish=False).version_ids
        builder, today = self.env["distribution.report.builder"], self.env.cr.now().date()

        def queries(number):
            self.env["res.partner"].create(
                [{"name": f"More {n}", "country_id": self.country.id} for n in range(number)]
            )
            scope = builder._scope(version, today, today, self.reader)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            builder._capture(scope)
            return self.cr.sql_log_count - before

        queries(1)
        self.assertEqual(queries(10), queries(300))

    def test_files_go_out_and_come_back(self):
        report = self._report(
            publish=False,
            schedule_every="week",
            schedule_at=6.5,
            schedule_weekday="2",
            schedule_off_days="next",
            input_ids=[Command.create({"code": "in", "source": "res.partner", "warn_hours": 4, "stale_hours": 24})],
            check_ids=[Command.create({"code": "c", "kind": "row_count", "dataset": "vendors", "minimum": "1"})],
            threshold_ids=[
                Command.create(
                    {"code": "t", "measure": "sum", "dataset": "vendors", "column": "color", "breach": "9.5"}
                )
            ],
        )
        text = report.version_ids._export_yaml()
        self.assertIn("at: 06:30", text)
        versions = self.env["distribution.report.version"].with_user(self.author)
        again = versions._import_yaml(text)
        self.assertEqual((again.report_id, again.number, again.state), (report, 2, "draft"))
        self.assertEqual(again._export_yaml(), text)
        other = versions._import_yaml(text.replace("code: vendors\n  name: Vendors", "code: copied\n  name: Copied"))
        self.assertEqual(other.report_id.code, "copied")
        for broken, words in (
            (text.replace("06:30", "half past six"), "schedule.at"),
            (text.replace("kind: row_count", "kind: magic"), "checks.c.kind: “magic”"),
            (text.replace("on_stale: hold", "on_stale: never"), "on_stale: “never” is none of"),
            (text.replace("  code: vendors\n", "", 1), "report: “code” is missing"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, words):
                versions._import_yaml(broken)

    def test_what_is_kept_for_ever_stays_so(self):
        for code, days in (("for_ever", 0), ("ten_days", 10)):
            report = self._report(code=code, retention_days=days)
            draft = self.env["distribution.report.version"].browse(
                report.with_user(self.author).action_new_version()["res_id"]
            )
            self.assertEqual(draft.retention_days, days)
            text = draft._export_yaml()
            self.assertIn(f"retention_days: {days}\n", text)
            text = text.replace(f"code: {code}\n", f"code: {code}_copy\n")
            copied = self.env["distribution.report.version"].with_user(self.author)._import_yaml(text)
            self.assertEqual((copied.retention_days, copied._export_yaml()), (days, text))

    def test_strangers_see_no_definition(self):
        report = self._report()
        with self.assertRaises(AccessError):
            report.with_user(self.stranger).read(["name"])
        self.assertFalse(self.env["distribution.report.recipient"].with_user(self.recipient).search([]))
        self.assertEqual(report.with_user(self.owner).name, "Vendors")
        with self.assertRaises(AccessError):
            report.with_user(self.owner).name = "Mine"
        with self.assertRaises(AccessError):
            report.with_user(self.author).next_due_at = "2026-01-01"
