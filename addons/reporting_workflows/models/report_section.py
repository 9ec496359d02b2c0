"""A section: figures, a table, a chart, exceptions and words under one heading."""

from odoo import fields, models

from ..engine.content import CHART_KINDS


class ReportSection(models.Model):
    _name = "distribution.report.section"
    _description = "Section of a Report"
    _inherit = ["distribution.report.part"]
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

    code = fields.Char(required=True)
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
    findings = fields.Boolean("Exceptions", help="Lists the exceptions that thresholds and checks found.")

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This section's code is there already.")]
