"""A data check of a report, as people write it down."""

from decimal import Decimal

from odoo import api, fields, models

from ..engine import CheckRule
from ..engine.checks import AGGREGATES, OPERATORS
from .report_part import words
from .report_pick import pick, picks

AGGREGATE_NAMES = {"sum": "Sum of a column", "count": "Number of rows", "count_distinct": "Number of different values"}


class ReportCheck(models.Model):
    _name = "distribution.report.check"
    _description = "Data Check of a Report"
    _inherit = ["distribution.report.pick"]
    _order = "sequence, id"
    _rec_name = "code"

    _part_list = "checks"
    _part_keys = (
        "code",
        "label",
        "kind",
        "dataset",
        "columns",
        "minimum",
        "maximum",
        "other_dataset",
        "other_column",
        "tolerance",
        "tolerance_percent",
        "operator",
        "value",
        "figure",
        "aggregate",
        "warn_only",
        "kpis",
    )
    _part_numbers = ("minimum", "maximum", "tolerance", "tolerance_percent")

    _part_picks = {
        "dataset_id": "dataset",
        "measured_ids": "columns",
        "other_dataset_id": "other_dataset",
        "other_column_id": "other_column",
        "figure_id": "figure",
        "kpi_ids": "kpis",
    }
    _part_named_by = ("label", "kind")

    code = fields.Char(required=True, compute="_compute_code", store=True, readonly=False, precompute=True)
    label = fields.Char()
    kind = fields.Selection(
        [
            ("row_count", "Number of rows"),
            ("nulls", "Rows without a value"),
            ("range", "Values out of range"),
            ("duplicates", "Rows that are there twice"),
            ("reconcile", "Sums that have to agree"),
            ("condition", "Rows with a certain value"),
            ("figure", "A figure that has to agree with a table"),
        ],
        required=True,
        default="row_count",
        help="What is looked for.",
    )
    dataset = fields.Char(required=True)
    columns = fields.Char(help="Separated by commas; the first one is measured.")
    minimum = fields.Char()
    maximum = fields.Char()
    other_dataset = fields.Char(help="What a sum is reconciled with; empty: the same dataset.")
    other_column = fields.Char()
    tolerance = fields.Char(help="Amount.")
    tolerance_percent = fields.Char("Tolerance (%)")
    operator = fields.Selection([(sign, sign) for sign in OPERATORS])
    value = fields.Char()
    figure = fields.Char(help="Code of a KPI that a section of this report shows.")
    aggregate = fields.Selection(
        [(name, AGGREGATE_NAMES[name]) for name in AGGREGATES],
        "Compared with",
        help="What of the dataset the figure is compared with. Rows are those with a value in the checked column, or "
        "all of them without one.",
    )
    warn_only = fields.Boolean("Warning Only")
    dataset_id = pick("distribution.report.dataset", string="Checked Dataset")
    measured_ids = picks("distribution.report.column", string="Checked Columns", help="The first one is measured.")
    other_dataset_id = pick("distribution.report.dataset", string="Reconciled with Dataset")
    other_column_id = pick("distribution.report.column", string="Reconciled with Column")
    figure_id = pick("distribution.kpi", string="Figure of KPI")
    kpi_ids = picks("distribution.kpi", string="KPIs Wrong where It Fails")
    kpis = fields.Char(
        "KPIs", help="Codes of KPIs that are wrong where it fails: left out, with the dataset, where it is shortened."
    )

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This check's code is there already.")]

    @api.onchange("kind")
    def _onchange_kind(self):
        if self.kind == "figure" and not self.aggregate:
            self.aggregate = "sum"


def check_rule(entry):
    """The engine's rule of an entry of a definition."""
    return CheckRule(
        entry["code"],
        entry.get("label") or entry["code"],
        entry["kind"],
        entry["dataset"],
        words(entry.get("columns")),
        number(entry.get("minimum")),
        number(entry.get("maximum")),
        entry.get("other_dataset", ""),
        entry.get("other_column", ""),
        number(entry.get("tolerance")) or 0,
        number(entry.get("tolerance_percent")) or 0,
        entry.get("operator") or "=",
        entry.get("value", ""),
        entry.get("warn_only") == "yes",
        entry.get("figure", ""),
        entry.get("aggregate") or "sum",
    )


def number(text):
    """The decimal number in a text, or None."""
    return Decimal(text) if text else None
