"""A dataset: which records a report is made of, and what is read of them."""

from dataclasses import replace

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import conditions
from ..engine.content import KINDS
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
#: Fields that are told apart in the conditions, with their place there.
CONDITIONS = {"period_field": "period", "site_field": "site", "category_field": "category"}


class ReportDataset(models.Model):
    _name = "distribution.report.dataset"
    _description = "Dataset of a Report"
    _inherit = ["distribution.report.pick"]
    _order = "sequence, id"
    _rec_name = "code"

    _part_list = "datasets"
    _part_keys = ("code", "label", "model", "domain", "group_by", "order", "limit")

    _part_picks = {"model_choice": "model"}
    _part_named_by = ("label", "model")

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
    site_field = fields.Char("Of the Site", compute="_compute_conditions", readonly=False)
    category_field = fields.Char("Of the Category", compute="_compute_conditions", readonly=False)
    conditions = fields.Char(
        "Only Those", compute="_compute_conditions", readonly=False, help="What else the records have to meet."
    )
    is_plain = fields.Boolean(compute="_compute_conditions", help="Whether the conditions can be shown without code.")
    group_field = fields.Char("Added up by", compute="_compute_grouping", readonly=False, help="One row for each.")
    group_grain = fields.Selection(GRAINS, "Per", compute="_compute_grouping", readonly=False)
    order_field = fields.Char("Sorted by", compute="_compute_ordering", readonly=False)
    order_desc = fields.Boolean("Greatest First", compute="_compute_ordering", readonly=False)

    _sql_constraints = [("code_unique", "UNIQUE (version_id, code)", "This dataset's code is there already.")]

    @api.depends("domain")
    def _compute_conditions(self):
        for dataset in self:
            told = conditions.split(dataset.domain)
            dataset.is_plain = told is not None and told.is_plain
            told = told or conditions.Conditions()
            dataset.behind_id = self.env["distribution.kpi"].search([("code", "=", told.kpi)]) if told.kpi else False
            dataset.conditions = repr(told.rest)
            for name, place in CONDITIONS.items():
                dataset[name] = getattr(told, place) or False

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

    @api.onchange("behind_id")
    def _onchange_behind_id(self):
        if self.behind_id.version_id:
            source = self.env["distribution.kpi.source"]._source(self.behind_id.version_id.source)
            self.model = self.model_choice = source.model

    @api.model
    def _picked_names(self):
        return {*super()._picked_names(), *(name for names, _text, _made in self._written() for name in names)}

    def _written(self):
        """What is picked together, with the field that says it and how that is made."""
        return (
            (("behind_id", *CONDITIONS, "conditions"), "domain", self._domain_of),
            (("group_field", "group_grain"), "group_by", self._grouping_of),
            (("order_field", "order_desc"), "order", self._ordering_of),
        )

    def _in_codes(self, vals):
        vals = super()._in_codes(vals)
        for names, text, made in self._written():
            # A new dataset says what is not picked by nothing, or as it is written.
            picked = {name: vals.pop(name) for name in names if name in vals}
            if picked and (self or any(value not in (False, "[]") for value in picked.values())):
                vals[text] = made(picked, vals)
        return vals

    def _domain_of(self, picked, vals):
        told = conditions.split(vals.get("domain", self.domain if self else "[]")) or conditions.Conditions()
        changed = {place: picked[name] or "" for name, place in CONDITIONS.items() if name in picked}
        if "behind_id" in picked:
            changed["kpi"] = self.env["distribution.kpi"].browse(picked["behind_id"] or ()).code or ""
        if "conditions" in picked:
            rest = conditions.split(picked["conditions"])
            if rest is None:
                raise ValidationError(_("Only Those: compare with fixed values, not with what is computed."))
            # What is compared with the report's own parameters is told apart as well, wherever it was written.
            own = {place: getattr(rest, place) for place in (*CONDITIONS.values(), "kpi") if getattr(rest, place)}
            changed = {**own, **changed, "rest": rest.rest}
        told = replace(told, **changed)
        return conditions.join(told, is_day=self._is_day(vals.get("model") or self.model, told.period))

    def _is_day(self, model, path):
        """Whether a field holds days, not moments."""
        found = _field_of(self.env, model, path)
        return found is not None and found.type == "date"

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
        field = _field_of(self.env, self.model, self.path or "")
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


def _field_of(env, model, path):
    """The field at the end of a path; None where it leads nowhere."""
    records, found = env.get(model), None
    for name in path.partition(":")[0].split("."):
        found = records._fields.get(name) if records is not None else None
        records = env.get(found.comodel_name) if found is not None and found.relational else None
    return found
