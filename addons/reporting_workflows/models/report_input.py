"""An input: where numbers come from, and how old they may be."""

from odoo import fields, models


class ReportInput(models.Model):
    _name = "distribution.report.input"
    _description = "Input of a Report"
    _inherit = ["distribution.report.part"]
    _order = "sequence, id"
    _rec_name = "code"

    _part_list = "inputs"
    _part_keys = (
        "code",
        "label",
        "kind",
        "source",
        "domain",
        "moment",
        "warn_hours",
        "stale_hours",
        "datasets",
        "kpis",
    )

    code = fields.Char(required=True)
    label = fields.Char()
    kind = fields.Selection(
        [
            ("records", "Newest record of a model"),
            ("event", "Newest event of the ledger"),
            ("job", "Last successful run of a scheduled action"),
        ],
        required=True,
        default="records",
    )
    source = fields.Char(required=True, help="A model, a type of event, or the external id of a scheduled action.")
    domain = fields.Text(help="Which records of the model.")
    moment = fields.Char(default="write_date", help="Field of the model that says when it came.")
    warn_hours = fields.Float("Late after (h)")
    stale_hours = fields.Float("Stale after (h)")
    datasets = fields.Char(
        help="Datasets that rest on it, separated by commas: left out where the report is shortened."
    )
    kpis = fields.Char("KPIs", help="Codes of KPIs that rest on it: left out as well.")

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This input's code is there already.")]
