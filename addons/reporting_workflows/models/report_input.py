"""An input: where numbers come from, and how old they may be."""

from odoo import api, fields, models

from .report_conditions import TOLD
from .report_pick import choice, picks


class ReportInput(models.Model):
    _name = "distribution.report.input"
    _description = "Input of a Report"
    _inherit = ["distribution.report.conditions"]
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
        "working_hours",
        "datasets",
        "kpis",
    )

    _part_picks = {"dataset_ids": "datasets", "kpi_ids": "kpis"}
    #: How the source is chosen, by kind.
    _choices = {"records": "model_choice", "event": "event_choice", "job": "job_choice"}
    _part_named_by = ("label", "source")
    _part_model = "source"
    _part_told = {name: place for name, place in TOLD.items() if place != "period"}

    code = fields.Char(required=True, compute="_compute_code", store=True, readonly=False, precompute=True)
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
    working_hours = fields.Boolean("In Working Hours", help="Only hours count in which the company works.")
    datasets = fields.Char(
        help="Datasets that rest on it, separated by commas: left out where the report is shortened."
    )
    kpis = fields.Char("KPIs", help="Codes of KPIs that rest on it: left out as well.")

    model_choice = choice("_models", string="Documents")
    event_choice = choice("_event_types", string="Event")
    job_choice = choice("_jobs", string="Scheduled Action")
    dataset_ids = picks("distribution.report.dataset", string="Datasets that Rest on It")
    kpi_ids = picks("distribution.kpi", string="KPIs that Rest on It")

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This input's code is there already.")]

    @api.depends("kind", "source", "datasets", "kpis", "version_id")
    def _compute_picks(self):
        super()._compute_picks()
        for part in self:
            for kind, name in self._choices.items():
                part[name] = part._picked(name, part.source) if part.kind == kind else False

    @api.onchange("model_choice", "event_choice", "job_choice", "kind")
    def _onchange_choice(self):
        self.source = self[self._choices[self.kind]] or False

    @api.model
    def _picked_names(self):
        return {*super()._picked_names(), *self._choices.values()}

    def _in_codes(self, vals):
        kind = vals.get("kind") or (self.kind if self else "records")
        chosen = vals.get(self._choices[kind])
        vals = {name: value for name, value in vals.items() if name not in self._choices.values()}
        return super()._in_codes({**vals, "source": chosen} if chosen else vals)
