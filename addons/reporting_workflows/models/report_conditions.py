"""Conditions of a definition, told apart and picked: what a person asks of documents, without a word of code."""

from dataclasses import replace

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import conditions

#: Fields that are told apart in the conditions, with their place there.
TOLD = {"period_field": "period", "site_field": "site", "category_field": "category"}


class ReportConditions(models.AbstractModel):
    """A part that looks for documents. Its conditions are in the text field ``domain``.

    A part declares, as class attributes:

    ``_part_model``
        the field with the technical name of the documents;
    ``_part_told``
        which of the fields below it has, each with its place in the conditions.
    """

    _name = "distribution.report.conditions"
    _inherit = ["distribution.report.pick"]
    _description = "Part of a Report Version with Conditions"

    _part_model = None
    _part_told = {}

    domain = fields.Text()
    site_field = fields.Char("Of the Site", compute="_compute_conditions", readonly=False)
    category_field = fields.Char("Of the Category", compute="_compute_conditions", readonly=False)
    conditions = fields.Char(
        "Only Those", compute="_compute_conditions", readonly=False, help="What else the records have to meet."
    )
    is_plain = fields.Boolean(compute="_compute_conditions", help="Whether the conditions can be shown without code.")

    @api.depends("domain")
    def _compute_conditions(self):
        for part in self:
            told = conditions.split(part.domain)
            part.is_plain = told is not None and told.is_plain
            told = told or conditions.Conditions()
            part.conditions = repr(told.rest)
            for name, place in self._part_told.items():
                part[name] = getattr(told, place) or False

    @api.model
    def _picked_names(self):
        return {*super()._picked_names(), *(name for names, _text, _made in self._written() for name in names)}

    def _written(self):
        """``(fields, text, made)``: what is picked together, the field that says it, and how that is made."""
        return (((*self._part_told, "conditions"), "domain", self._domain_of),)

    def _in_codes(self, vals):
        vals = super()._in_codes(vals)
        for names, text, made in self._written():
            # A new part says what is not picked by nothing, or as it is written.
            picked = {name: vals.pop(name) for name in names if name in vals}
            if picked and (self or any(value not in (False, "[]") for value in picked.values())):
                vals[text] = made(picked, vals)
        return vals

    def _domain_of(self, picked, vals):
        told = conditions.split(vals.get("domain", self.domain if self else "[]")) or conditions.Conditions()
        changed = self._told_of(picked)
        if "conditions" in picked:
            rest = conditions.split(picked["conditions"])
            if rest is None:
                raise ValidationError(_("Only Those: compare with fixed values, not with what is computed."))
            # What is compared with the report's own parameters is told apart as well, wherever it was written.
            own = {place: getattr(rest, place) for place in (*TOLD.values(), "kpi") if getattr(rest, place)}
            changed = {**own, **changed, "rest": rest.rest}
        told = replace(told, **changed)
        model = vals.get(self._part_model) or self[self._part_model]
        return conditions.join(told, is_day=self._is_day(model, told.period))

    def _told_of(self, picked):
        """What was picked, by its place in the conditions."""
        return {place: picked[name] or "" for name, place in self._part_told.items() if name in picked}

    def _is_day(self, model, path):
        """Whether a field holds days, not moments."""
        found = field_of(self.env, model, path)
        return found is not None and found.type == "date"


def field_of(env, model, path):
    """The field at the end of a path; None where it leads nowhere."""
    records, found = env.get(model), None
    for name in path.partition(":")[0].split("."):
        found = records._fields.get(name) if records is not None else None
        records = env.get(found.comodel_name) if found is not None and found.relational else None
    return found
