"""A definition is picked from lists: what it says is, to the letter, what the file says."""

from ast import literal_eval
from pathlib import Path

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ..engine import conditions
from ..engine.definition_file import load
from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportPick(ReportCase):
    def _draft(self, **values):
        return self._report(publish=False, **values).version_ids.with_user(self.author)

    def test_the_code_follows_the_label_while_the_form_is_filled(self):
        version = self._version(self._report(publish=False, code="filled"))
        dataset = version.dataset_ids.new({"version_id": version.id})
        self.assertEqual(dataset.code, "dataset")
        dataset.label = "Open back-orders"
        self.assertEqual(dataset.code, "open_back_orders")
        dataset.label = "Back-orders"
        self.assertEqual(dataset.code, "open_back_orders", "others call it so by now")

    def test_picks_show_what_is_written_and_leave_it_as_it_is(self):
        version = self._draft(
            threshold_ids=[Command.create({"code": "t", "kpi": "otif_unknown", "breach": "1"})],
            input_ids=[Command.create({"code": "in", "source": "res.partner", "datasets": "vendors"})],
        )
        before = version._export_yaml()
        section, dataset = version.section_ids[0], version.dataset_ids
        self.assertEqual(section.dataset_id, dataset)
        self.assertEqual(section.chart_label_id.display_name, "Name")
        self.assertEqual(section.chart_value_ids.display_name, "Score")
        self.assertEqual((dataset.model_choice, dataset.order_field), ("res.partner", "ref"))
        self.assertIn("country_id", dataset.conditions)
        self.assertEqual(version.input_ids.dataset_ids, dataset)
        self.assertFalse(version.threshold_ids.kpi_id)
        section.title = "Renamed"
        self.assertEqual(version._export_yaml(), before.replace("All Vendors", "Renamed"))

    def test_what_is_picked_is_what_the_file_says(self):
        version = self._draft()
        kpis = self.env["distribution.kpi"].search([("code", "in", ("service_level", "backorders", "cases_open"))])
        by_code = {kpi.code: kpi for kpi in kpis}
        version.write(
            {
                "section_ids": [
                    Command.create(
                        {"title": "How it goes: today", "kpi_ids": [Command.link(by_code["service_level"].id)]}
                    )
                ],
                "threshold_ids": [
                    Command.create({"label": "Too low", "kpi_id": by_code["service_level"].id, "breach": "95"})
                ],
                "check_ids": [
                    Command.create(
                        {
                            "label": "Named",
                            "kind": "nulls",
                            "dataset_id": version.dataset_ids.id,
                            "measured_ids": [Command.set(version.dataset_ids.column_ids[1:2].ids)],
                        }
                    ),
                    Command.create(
                        {
                            "label": "As many as are listed",
                            "kind": "figure",
                            "dataset_id": version.dataset_ids.id,
                            "figure_id": by_code["service_level"].id,
                            "aggregate": "count",
                            "tolerance_percent": "0.5",
                        }
                    ),
                ],
                "input_ids": [Command.create({"label": "Moves", "model_choice": "stock.move", "stale_hours": 4})],
            }
        )
        section = version.section_ids[-1]
        self.assertEqual((section.code, section.kpis), ("how_it_goes_today", "service_level"))
        section.write({"kpi_ids": [Command.link(by_code["backorders"].id), Command.link(by_code["cases_open"].id)]})
        self.assertEqual(section.kpis, "service_level, backorders, cases_open")
        section.write({"kpi_ids": [Command.unlink(by_code["backorders"].id)]})
        self.assertEqual(section.kpis, "service_level, cases_open")
        self.assertEqual(section.kpi_ids, by_code["service_level"] | by_code["cases_open"])
        self.assertEqual((version.threshold_ids.kpi, version.threshold_ids.code), ("service_level", "too_low"))
        named, counted = version.check_ids
        self.assertEqual((named.dataset, named.columns), ("vendors", "name"))
        self.assertEqual((counted.figure, counted.code), ("service_level", "as_many_as_are_listed"))
        self.assertEqual(version.input_ids.source, "stock.move")
        version.invalidate_recordset()
        self.assertFalse(version.problem_text)
        text = version._export_yaml()
        again = version._import_yaml(text)
        self.assertEqual(again._export_yaml(), text)
        self._publish(version)
        again.reader_id = version.reader_id
        again.check_ids[1].write({"figure_id": by_code["backorders"].id, "tolerance": "3"})
        again.invalidate_recordset()
        self.assertEqual(
            again.diff_text,
            "checks.as_many_as_are_listed.tolerance: – → 3\n"
            "checks.as_many_as_are_listed.figure: service_level → backorders",
        )

    def test_a_figure_is_compared_with_a_sum_unless_something_else_is_chosen(self):
        version = self._draft()
        kpi = self.env["distribution.kpi"].search([("code", "=", "backorders")])
        with Form(version) as form, form.check_ids.new() as check:
            check.label = "Adds up"
            check.dataset_id = version.dataset_ids
            check.kind = "figure"
            check.figure_id = kpi
            check.measured_ids.add(version.dataset_ids.column_ids[-1])
            self.assertEqual(check.aggregate, "sum")
        check = version.check_ids
        self.assertEqual((check.figure, check.columns, check.aggregate), ("backorders", "color", "sum"))

    def test_conditions_are_picked(self):
        version = self._draft()
        kpi = self.env["distribution.kpi"].search([("code", "=", "backorders")])
        datasets = version.dataset_ids.create(
            [
                {
                    "version_id": version.id,
                    "label": "Orders",
                    "model_choice": "sale.order",
                    "period_field": "date_order",
                    "site_field": "warehouse_id",
                    "conditions": '[("state", "=", "sale")]',
                    "group_field": "date_order",
                    "group_grain": "month",
                },
                {"version_id": version.id, "label": "Bills", "model_choice": "account.move"},
                {"version_id": version.id, "label": "Late", "model_choice": "stock.move", "behind_id": kpi.id},
            ]
        )
        self.assertEqual(datasets.mapped("code"), ["orders", "bills", "late"])
        orders, bills, late = datasets
        self.assertEqual(
            orders.domain,
            "[('state', '=', 'sale'), ('date_order', '>=', '{since}'), ('date_order', '<', '{until}'), "
            "('warehouse_id', '=', '{site}')]",
        )
        self.assertEqual((orders.group_by, bills.domain), ("date_order:month", "[]"))
        self.assertEqual(late.domain, "[('id', 'in', '{kpi.backorders}')]")
        bills.write({"period_field": "invoice_date", "order_field": "amount_total", "order_desc": True})
        self.assertEqual(bills.domain, "[('invoice_date', '>=', '{first}'), ('invoice_date', '<=', '{last}')]")
        self.assertEqual(bills.order, "amount_total desc")
        orders.write({"period_field": False})
        self.assertEqual(orders.domain, "[('state', '=', 'sale'), ('warehouse_id', '=', '{site}')]")
        with self.assertRaisesRegex(ValidationError, "Only Those"):
            orders.write({"conditions": "[('user_id', '=', uid)]"})

    def test_conditions_of_inputs_are_picked(self):
        version = self._draft(
            input_ids=[
                Command.create({"label": "Plain", "source": "res.partner"}),
                Command.create(
                    {
                        "label": "Written",
                        "source": "stock.picking",
                        "domain": "[('state', '=', 'done'), ('company_id', '=', '{company}')]",
                    }
                ),
            ]
        )
        before = version._export_yaml()
        plain, written = version.input_ids
        self.assertEqual((plain.conditions, written.conditions), ("[]", "[('state', '=', 'done')]"))
        self.assertTrue(plain.is_plain and written.is_plain)
        plain.label = "Partners"
        self.assertEqual(version._export_yaml(), before.replace("label: Plain", "label: Partners"))
        written.write({"site_field": "picking_type_id.warehouse_id", "conditions": "[('priority', '=', '1')]"})
        self.assertEqual(
            written.domain,
            "[('priority', '=', '1'), ('picking_type_id.warehouse_id', '=', '{site}'), "
            "('company_id', '=', '{company}')]",
        )
        made = version.input_ids.create(
            {
                "version_id": version.id,
                "label": "Bills",
                "model_choice": "account.move",
                "conditions": "[('state', '=', 'posted')]",
            }
        )
        self.assertEqual((made.source, made.domain), ("account.move", "[('state', '=', 'posted')]"))

    def test_what_is_added_up_is_sorted_by_one_of_its_columns(self):
        """A date that is added up by months is read by months, whatever its column says."""
        version = self._draft(
            datasets=[
                {
                    "code": "months",
                    "model_choice": "res.partner",
                    "conditions": f"[('country_id', '=', {self.country.id})]",
                    "group_field": "create_date",
                    "group_grain": "month",
                    "order_field": "color:sum",
                    "order_desc": True,
                    "column_ids": [
                        Command.create({"path": "create_date"}),
                        Command.create({"path": "color"}),
                        Command.create({"path": "__count"}),
                    ],
                }
            ]
        )
        months = version.dataset_ids[-1]
        self.assertEqual((months.group_by, months.order), ("create_date:month", "color:sum desc"))
        self.assertEqual((months.order_field, months.order_desc), ("color:sum", True))
        self.assertEqual(months.column_ids[-1].display_name, "Count")
        builder = self.env["distribution.report.builder"]
        today = self.env.cr.now().date()
        scope = builder._scope(version, today, today, self.reader)
        ((month, colors, count),) = builder._capture(scope)["months"].rows
        self.assertEqual((month.day, int(colors), count), (1, 15, 5))

    def test_sorting_is_chosen_anew_when_the_grouping_changes(self):
        version = self._draft()
        with Form(version) as form, form.dataset_ids.edit(0) as dataset:
            dataset.order_desc = True
            dataset.group_field = "create_date"
            self.assertEqual(dataset.group_grain, "month")
            dataset.group_field = "country_id"
            self.assertFalse(dataset.order_field or dataset.group_grain)
        self.assertEqual((version.dataset_ids.group_by, version.dataset_ids.order), ("country_id", False))

    def test_conditions_are_counted_for_who_may_read_only(self):
        def count(user, model, domain):
            return self.env["distribution.report.readable"].with_user(user).count(model, domain)

        ours = [["country_id", "=", self.country.id]]
        self.assertEqual(count(self.author, "res.partner", ours), {"is_valid": True, "count": 5})
        drafts = [["state", "=", "draft"]]
        self.assertEqual(count(self.author, "purchase.order", drafts), {"is_valid": True, "count": None})
        self.assertTrue(count(self.reader, "purchase.order", drafts)["count"] is not None)
        for user in (self.author, self.reader):
            self.assertFalse(count(user, "purchase.order", [["no_field", "=", 1]])["is_valid"])
            self.assertFalse(count(user, "no.model", [])["is_valid"])

    def test_what_is_picked_again_changes_nothing(self):
        version = self._draft()
        dataset = version.dataset_ids
        before = version._definition()
        dataset.write({"conditions": dataset.conditions, "order_field": "ref"})
        version.section_ids[0].write(
            {
                "dataset_id": dataset.id,
                "chart_label_id": version.section_ids[0].chart_label_id.id,
                "chart_value_ids": [Command.set(version.section_ids[0].chart_value_ids.ids)],
            }
        )
        self.assertEqual(version._definition(), before)

    def test_the_library_is_told_without_a_word_of_code(self):
        """What its datasets read, put together again from what is picked, is the same; nearly all of it is plain."""
        domains = [
            dataset.get("domain", "[]")
            for path in sorted((Path(__file__).parents[1] / "library").glob("*.yaml"))
            for dataset in load(path.read_text()).get("datasets", ())
        ]
        self.assertGreater(len(domains), 40)
        for text in domains:
            again = conditions.join(conditions.split(text), is_day="{first}" in text)
            self.assertEqual(
                sorted(map(repr, literal_eval(again))), sorted(repr(tuple(leaf)) for leaf in literal_eval(text))
            )
        plain = [text for text in domains if conditions.split(text).is_plain]
        self.assertGreater(len(plain), len(domains) * 0.7)

    def test_the_form_offers_the_lists(self):
        """As the web client fills it: nobody types a code."""
        version = self._draft()
        kpi = self.env["distribution.kpi"].search([("code", "=", "service_level")])
        with Form(version) as form:
            with form.section_ids.new() as section:
                section.title = "Service"
                section.kpi_ids.add(kpi)
            with form.dataset_ids.new() as dataset:
                dataset.label = "Late"
                dataset.behind_id = kpi
                self.assertEqual(dataset.model_choice, "stock.move")
            with form.threshold_ids.new() as threshold:
                threshold.label = "Low"
                threshold.kpi_id = kpi
                threshold.direction = "below"
                threshold.breach = "90"
            with form.input_ids.new() as source:
                source.label = "Moves"
                source.model_choice = "stock.move"
        self.assertEqual(version.section_ids[-1].kpis, "service_level")
        self.assertEqual(version.dataset_ids[-1].domain, "[('id', 'in', '{kpi.service_level}')]")
        self.assertEqual((version.threshold_ids.kpi, version.input_ids.source), ("service_level", "stock.move"))
