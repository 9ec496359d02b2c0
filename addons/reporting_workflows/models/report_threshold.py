"""A threshold of a report, as people write it down."""

from odoo import fields, models

from ..engine import Threshold
from ..engine.thresholds import DIRECTIONS, MEASURES
from .report_check import number
from .report_pick import pick


class ReportThreshold(models.Model):
    _name = "distribution.report.threshold"
    _description = "Threshold of a Report"
    _inherit = ["distribution.report.pick"]
    _order = "sequence, id"
    _rec_name = "code"

    _part_list = "thresholds"
    _part_keys = (
        "code",
        "label",
        "measure",
        "kpi",
        "dataset",
        "column",
        "direction",
        "warn",
        "breach",
        "opens_case",
    )
    _part_numbers = ("warn", "breach")

    _part_picks = {"kpi_id": "kpi", "dataset_id": "dataset", "column_id": "column"}
    _part_named_by = ("label", "kpi", "column", "dataset")

    code = fields.Char(required=True, compute="_compute_code", store=True, readonly=False, precompute=True)
    label = fields.Char()
    measure = fields.Selection(
        [(name, {"kpi": "KPI"}.get(name, name.replace("_", " ").capitalize())) for name in MEASURES],
        required=True,
        default="kpi",
    )
    kpi = fields.Char("KPI")
    dataset = fields.Char()
    column = fields.Char()
    direction = fields.Selection([(name, name.capitalize()) for name in DIRECTIONS], required=True, default="above")
    warn = fields.Char("Warning")
    breach = fields.Char()
    kpi_id = pick("distribution.kpi", string="Judged KPI")
    dataset_id = pick("distribution.report.dataset", string="Judged Dataset")
    column_id = pick("distribution.report.column", string="Judged Column")
    opens_case = fields.Boolean("Opens a Case", help="A breach opens an exception case.")

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This threshold's code is there already.")]


def threshold(entry):
    """The engine's threshold of an entry of a definition."""
    return Threshold(
        entry["code"],
        entry.get("label") or entry["code"],
        entry.get("direction") or "above",
        number(entry.get("warn")),
        number(entry.get("breach")),
        entry.get("measure") or "kpi",
        entry.get("kpi", ""),
        entry.get("dataset", ""),
        entry.get("column", ""),
        entry.get("opens_case") == "yes",
    )
