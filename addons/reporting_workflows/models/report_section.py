"""A section: figures, a table, a chart, exceptions and words under one heading."""

from odoo import fields, models

from ..engine.content import CHART_KINDS
from .report_pick import pick, picks


class ReportSection(models.Model):
    _name = "distribution.report.section"
    _description = "Section of a Report"
    _inherit = ["distribution.report.pick"]
    _order = "sequence, id"
    _rec_name = "title"

    _part_list = "sections"
    _part_keys = (
        "code",
        "title",
        "text",
        "kpis",
        "dataset",
        "show_table",
        "chart",
        "chart_label",
        "chart_values",
        "findings",
    )

    _part_picks = {
        "kpi_ids": "kpis",
        "dataset_id": "dataset",
        "chart_label_id": "chart_label",
        "chart_value_ids": "chart_values",
    }
    _part_named_by = ("title",)

    code = fields.Char(required=True, compute="_compute_code", store=True, readonly=False, precompute=True)
    title = fields.Char(required=True)
    text = fields.Text(
        "Narrative",
        help="{period}, {findings}, {orders.rows} and {orders.amount_total} (a sum) are filled in; orders is a "
        "dataset.",
    )
    kpis = fields.Char("KPIs", help="Codes, separated by commas.")
    dataset = fields.Char(help="Code of the dataset of the table and the chart.")
    show_table = fields.Boolean("Table", default=True)
    chart = fields.Selection([(kind, kind.replace("_", " ").capitalize()) for kind in CHART_KINDS])
    chart_label = fields.Char(help="Column whose values are the labels.")
    chart_values = fields.Char(help="Columns that are drawn, separated by commas.")
    kpi_ids = picks("distribution.kpi", string="KPIs Shown")
    dataset_id = pick("distribution.report.dataset", string="Table of Dataset")
    chart_label_id = pick("distribution.report.column", string="Labels")
    chart_value_ids = picks("distribution.report.column", string="Drawn")
    findings = fields.Boolean("Exceptions", help="Lists the exceptions that thresholds and checks found.")

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This section's code is there already.")]
