"""A dataset: which records a report is made of, and what is read of them."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import conditions
from ..engine.content import KINDS
from .report_conditions import TOLD, field_of
from .report_pick import choice

AGGREGATES = [
    ("sum", "Sum"),
    ("count", "Count"),
    ("count_distinct", "Count of different ones"),
    ("avg", "Average"),
    ("min", "Smallest"),
    ("max", "Largest"),
]
GRAINS = [("day", "Day"), ("week", "Week"), ("month", "Month"), ("quarter", "Quarter"), ("year", "Year")]


class ReportDataset(models.Model):
    _name = "distribution.report.dataset"
    _description = "Dataset of a Report"
    _inherit = ["distribution.report.conditions"]
    _order = "sequence, id"
    _rec_name = "code"
    _rec_names_search = ["label", "code"]

    _part_list = "datasets"
    _part_keys = ("code", "label", "model", "domain", "group_by", "order", "limit")

    _part_picks = {"model_choice": "model"}
    _part_named_by = ("label", "model")
    _part_model = "model"
    _part_told = TOLD

    code = fields.Char(
        required=True,
        compute="_compute_code",
        store=True,
        readonly=False,
        precompute=True,
        help="By which sections, checks and thresholds call it.",
    )
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

    model_choice = choice("_models", string="Documents")
    behind_id = fields.Many2one(
        "distribution.kpi",
        "Documents behind",
        compute="_compute_conditions",
        readonly=False,
        help="Lists what this KPI counts, in the period of the report.",
    )
    period_field = fields.Char(
        "In the Period", compute="_compute_conditions", readonly=False, help="The date that lies in the period."
    )
    group_field = fields.Char("Added up by", compute="_compute_grouping", readonly=False, help="One row for each.")
    group_grain = fields.Selection(GRAINS, "Per", compute="_compute_grouping", readonly=False)
    is_group_dated = fields.Boolean(compute="_compute_is_group_dated", help="Whether it is added up by days.")
    order_field = fields.Char("Sorted by", compute="_compute_ordering", readonly=False)
    order_desc = fields.Boolean("Greatest First", compute="_compute_ordering", readonly=False)

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This dataset's code is there already.")]

    @api.depends("label", "code")
    def _compute_display_name(self):
        """As people call it, with how texts and other parts do."""
        for dataset in self:
            dataset.display_name = f"{dataset.label} ({dataset.code})" if dataset.label else dataset.code

    @api.depends("domain")
    def _compute_conditions(self):
        super()._compute_conditions()
        for dataset in self:
            told = conditions.split(dataset.domain) or conditions.Conditions()
            dataset.behind_id = self.env["distribution.kpi"].search([("code", "=", told.kpi)]) if told.kpi else False

    @api.depends("group_by")
    def _compute_grouping(self):
        for dataset in self:
            path, _colon, grain = (dataset.group_by or "").partition(",")[0].strip().partition(":")
            dataset.group_field = path or False
            dataset.group_grain = grain if grain in dict(GRAINS) else False

    @api.depends("order")
    def _compute_ordering(self):
        for dataset in self:
            path, _space, way = (dataset.order or "").partition(",")[0].strip().partition(" ")
            dataset.order_field = path or False
            dataset.order_desc = way.strip().lower() == "desc"

    @api.onchange("model_choice")
    def _onchange_model_choice(self):
        self.model = self.model_choice

    @api.depends("model", "group_field")
    def _compute_is_group_dated(self):
        for dataset in self:
            found = field_of(self.env, dataset.model, dataset.group_field or "")
            dataset.is_group_dated = found is not None and found.type in ("date", "datetime")

    @api.onchange("group_field")
    def _onchange_group_field(self):
        self.group_grain = (self.group_grain or "month") if self.is_group_dated else False

    @api.onchange("group_field", "group_grain")
    def _onchange_group(self):
        self.order_field = False

    @api.onchange("behind_id")
    def _onchange_behind_id(self):
        if self.behind_id.version_id:
            source = self.env["distribution.kpi.source"]._source(self.behind_id.version_id.source)
            self.model = self.model_choice = source.model

    def _written(self):
        (names, text, made), *rest = super()._written()
        return (
            (("behind_id", *names), text, made),
            *rest,
            (("group_field", "group_grain"), "group_by", self._grouping_of),
            (("order_field", "order_desc"), "order", self._ordering_of),
        )

    def _told_of(self, picked):
        changed = super()._told_of(picked)
        if "behind_id" in picked:
            changed["kpi"] = self.env["distribution.kpi"].browse(picked["behind_id"] or ()).code or ""
        return changed

    def _grouping_of(self, picked, vals):
        first, _comma, rest = (vals.get("group_by", self.group_by if self else "") or "").partition(",")
        path, _colon, grain = first.strip().partition(":")
        path, grain = picked.get("group_field", path), picked.get("group_grain", grain)
        return ",".join(filter(None, (f"{path}:{grain}" if path and grain else path or "", rest))) or False

    def _ordering_of(self, picked, vals):
        first, _comma, rest = (vals.get("order", self.order if self else "") or "").partition(",")
        path, _space, way = first.strip().partition(" ")
        path = picked.get("order_field", path)
        desc = picked.get("order_desc", way.strip().lower() == "desc")
        return ",".join(filter(None, (path and (f"{path} desc" if desc else path), rest))) or False

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
    model = fields.Char(related="dataset_id.model")

    @api.depends("path", "label", "aggregate", "model")
    def _compute_display_name(self):
        """As the report heads it, with how it is added up."""
        kinds = dict(self._fields["aggregate"]._description_selection(self.env))
        for column in self:
            name = column.label or column._label_of_field() or column.path
            column.display_name = f"{name} ({kinds[column.aggregate]})" if column.aggregate else name

    def _label_of_field(self):
        if self.path == "__count":
            return _("Count")
        field = field_of(self.env, self.model, self.path or "")
        return field._description_string(self.env) if field is not None else None

    def _key(self):
        """By which sections, checks and thresholds call it."""
        return column_key({"path": self.path, "aggregate": self.aggregate})

    def _version_of(self):
        return self.dataset_id.version_id

    @api.constrains("path")
    def _check_path(self):
        for column in self:
            if not all(part.isidentifier() for part in column.path.partition(":")[0].split(".")):
                raise ValidationError(_("Field: “%s” is no path of fields. Write partner_id.name", column.path))


def column_key(entry):
    """By which sections, checks and thresholds call the column of an entry of a definition."""
    return aggregate(entry) if entry.get("aggregate") else entry["path"]


def aggregate(entry):
    """A column as it is read of groups."""
    path = entry["path"]
    return path if path == "__count" else f"{path}:{entry.get('aggregate') or 'sum'}"


def read_of_groups(entry, group_by):
    """A column as it is read where documents are added up by ``group_by``: what they are added up by, a date with its
    grain, or what is added up.
    """
    path = entry["path"]
    if path in group_by:
        return path
    grained = next((group for group in group_by if group.partition(":")[0] == path), None)
    return grained if grained and not entry.get("aggregate") else aggregate(entry)
