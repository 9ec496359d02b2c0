"""A dataset: which records a report is made of, and what is read of them."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine.content import KINDS

AGGREGATES = [
    ("sum", "Sum"),
    ("count", "Count"),
    ("count_distinct", "Count of different ones"),
    ("avg", "Average"),
    ("min", "Smallest"),
    ("max", "Largest"),
]


class ReportDataset(models.Model):
    _name = "distribution.report.dataset"
    _description = "Dataset of a Report"
    _inherit = ["distribution.report.part"]
    _order = "sequence, id"
    _rec_name = "code"

    _part_list = "datasets"
    _part_keys = ("code", "label", "model", "domain", "group_by", "order", "limit")

    code = fields.Char(required=True, help="By which sections, checks and thresholds call it.")
    label = fields.Char()
    model = fields.Char(required=True, help="Technical name: sale.order")
    domain = fields.Text(
        default="[]",
        help="Which records. '{since}' and '{until}' are the begin and the end of the period (moments), '{first}' and "
        "'{last}' its days, '{trend}' the day four weeks back from its last one, '{site}', '{category}' and "
        "'{company}' what the report is run for. ('id', 'in', '{kpi.backorders}') is what a KPI counts.",
    )
    group_by = fields.Char(help="Fields of the model, separated by commas; a date with its grain: date_order:month")
    order = fields.Char(help="amount_total desc; of a grouped one a column: amount_total:sum desc")
    limit = fields.Integer("Rows Shown", help="0: all that are read. Checks look at all of them, shown or not.")
    column_ids = fields.One2many("distribution.report.column", "dataset_id", copy=True)

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This dataset's code is there already.")]

    def _to_file(self, name_of):
        entry = super()._to_file(name_of)
        columns = [column._to_file(name_of) for column in self.column_ids]
        return {**entry, "columns": columns} if columns else entry

    @api.model
    def _from_file(self, entry, record_of):
        columns = self.env["distribution.report.column"]
        values = super()._from_file(entry, record_of)
        values["column_ids"] = [
            (0, 0, {**columns._from_file(column, record_of), "sequence": 10 * number})
            for number, column in enumerate(entry.get("columns") or (), start=1)
        ]
        return values


class ReportColumn(models.Model):
    _name = "distribution.report.column"
    _description = "Column of a Dataset"
    _inherit = ["distribution.report.part"]
    _order = "sequence, id"
    _rec_name = "path"

    _part_list = "columns"
    _part_keys = ("path", "label", "kind", "aggregate", "total")

    version_id = fields.Many2one(related="dataset_id.version_id", store=True, required=False)
    dataset_id = fields.Many2one("distribution.report.dataset", required=True, ondelete="cascade", index=True)
    path = fields.Char("Field", required=True, help="Of the record, or further: partner_id.country_id.name")
    label = fields.Char(help="Empty: that of the field.")
    kind = fields.Selection([(kind, kind.capitalize()) for kind in KINDS], help="Empty: as the field is.")
    aggregate = fields.Selection(AGGREGATES, help="In a grouped dataset.")
    total = fields.Boolean(help="Summed up in the last line.")

    def _version_of(self):
        return self.dataset_id.version_id

    @api.constrains("path")
    def _check_path(self):
        for column in self:
            if not all(part.isidentifier() for part in column.path.partition(":")[0].split(".")):
                raise ValidationError(_("Field: “%s” is no path of fields. Write partner_id.name", column.path))
