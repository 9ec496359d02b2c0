"""Codes of a definition picked from lists: nobody has to know how a KPI, a dataset or a field is called in a file.

Rules, in words
---------------
* What a definition says are the codes, in the file as in the database. Picks are another way to read and write them.
* A pick that is not written leaves its text as it is, to the letter; one that is written keeps the order of what was
  there, and codes that nothing is known by.
"""

import re

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import mute_logger

from ..engine.naming import code_of
from .report_part import words

#: Models of the machinery, of which no report is made.
TECHNICAL = ("ir.", "base.", "base_import.", "bus.", "web_", "web.", "report.", "mail.", "discuss.")
#: By which field others call a record.
CODES = {"distribution.kpi": "code", "distribution.report.dataset": "code"}


class ReportPick(models.AbstractModel):
    """A part of which codes are picked.

    A part declares, as class attributes:

    ``_part_picks``
        fields that are picked, each with the field whose text says the same in codes;
    ``_part_named_by``
        fields of which the first that is filled gives a new part its code.
    """

    _name = "distribution.report.pick"
    _inherit = ["distribution.report.part"]
    _description = "Part of a Report Version with Lists to Pick from"

    _part_picks = {}
    _part_named_by = ()

    @api.depends(lambda self: self._part_named_by)
    def _compute_code(self):
        for part in self:
            if part.code and not part._is_nameless():
                continue
            named = next((str(part[name]) for name in self._part_named_by if part[name]), "")
            others = (part.version_id._origin or part.version_id)[self._list_of_version()]
            taken = set((others - part - part._origin).mapped("code"))
            # What is not written in Latin letters is called by what it is.
            part.code = code_of(named, taken) or code_of(self._part_list[:-1], taken)

    def _is_nameless(self):
        """Whether its form was just opened: it is called by what it is until it has a name."""
        return not self._origin and re.fullmatch(rf"{self._part_list[:-1]}(_\d+)?", self.code)

    @api.model
    def _list_of_version(self):
        versions = self.env["distribution.report.version"]
        return next(
            name for name, field in versions._fields.items() if field.comodel_name == self._name and "_ids" in name
        )

    @api.depends(lambda self: sorted({"version_id", *self._part_picks.values()}))
    def _compute_picks(self):
        for part in self:
            for name, text in part._part_picks.items():
                part[name] = part._picked(name, part[text])

    def _picked(self, name, text):
        """What a pick shows of a text."""
        field = self._fields[name]
        if field.type == "selection":
            return text if text in field.get_values(self.env) else False
        known = self._pickable(name, text)
        chosen = [known[code] for code in words(text) if code in known]
        records = self.env[field.comodel_name].union(*chosen)
        return records[:1] if field.type == "many2one" else records

    def _pickable(self, name, text):
        """``{code: record}`` of what a text may name."""
        comodel = self._fields[name].comodel_name
        if comodel == "distribution.kpi":
            found = self.env[comodel].search([("code", "in", words(text))])
        else:
            found = self.version_id._origin.dataset_ids
            if comodel == "distribution.report.column":
                of = self.other_dataset or self.dataset if name.startswith("other_") else self.dataset
                found = found.filtered(lambda dataset: dataset.code == of).column_ids
        return {_code(record): record for record in found}

    @api.model
    def _shown_as(self):
        return {text: name for name, text in self._part_picks.items()}

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self.browse()._in_codes(vals) for vals in vals_list])

    def write(self, vals):
        if not self._picked_names() & vals.keys():
            return super().write(vals)
        for part in self:
            super(ReportPick, part).write(part._in_codes(vals))
        return True

    @api.model
    def _picked_names(self):
        return {*self._part_picks}

    def _in_codes(self, vals):
        """``vals`` with what was picked written as a file says it; of a new part where there is no record yet."""
        codes = {name: value for name, value in vals.items() if name not in self._part_picks}
        for name, text in self._part_picks.items():
            if name in vals and (self or vals[name]):
                codes[text] = self._text_of(name, vals[name], codes.get(text, self[text] if self else ""))
        return codes

    def _text_of(self, name, value, before):
        field = self._fields[name]
        if field.type == "selection":
            return value
        if field.type == "many2one":
            return _code(self.env[field.comodel_name].browse(value)) if value else False
        known = self._pickable(name, before) if self else {}
        ids = _ids_after(value, [known[code].id for code in words(before) if code in known])
        kept = [code for code in words(before) if code not in known or known[code].id in ids]
        new = [_code(record) for record in self.env[field.comodel_name].browse(ids)]
        return ", ".join(dict.fromkeys([*kept, *new])) or False


def _code(record):
    return record._key() if record._name == "distribution.report.column" else record[CODES[record._name]]


def _ids_after(commands, ids):
    """Ids of a many2many after commands of the web client or of code.

    >>> _ids_after([(3, 1), (4, 7)], [1, 2]), _ids_after([(6, 0, [5])], [1])
    ([2, 7], [5])
    """
    ids = list(ids)
    for operation, number, *chosen in commands:
        if operation in (5, 6):
            ids = list(chosen[0]) if operation == 6 else []
        elif operation == 4 and number not in ids:
            ids.append(number)
        elif operation == 3:
            ids = [known for known in ids if known != number]
    return ids


class ReportModels(models.AbstractModel):
    """What a definition may read, with names that people know."""

    _name = "distribution.report.readable"
    _description = "What Reports Read"

    @api.model
    def _models(self):
        """``[(technical name, name)]`` of documents that people read, whoever writes the definition: what is in a
        report is read as its reader.
        """
        # sudo: names of models, and whether anybody but administrators of Odoo reads them
        people = self.env["ir.model.access"].sudo().search(
            [("perm_read", "=", True), ("group_id", "!=", self.env.ref("base.group_system").id)]
        )  # fmt: skip
        names = [
            (model.model, f"{model.name} ({model.model})")
            for model in people.model_id
            if not model.transient and model.model in self.env and not model.model.startswith(TECHNICAL)
        ]
        return sorted(names, key=lambda item: item[1])

    @api.model
    def _event_types(self):
        # sudo: which events there are is no secret; what they say is not read here
        found = self.env["distribution.event.type"].sudo().search([("is_active", "=", True)])
        return [(one.name, f"{one.title} ({one.name})") for one in found]

    @api.model
    def _jobs(self):
        # sudo: names of scheduled actions
        names = self.env["ir.model.data"].sudo().search([("model", "=", "ir.cron")])
        jobs = {job.id: job.name for job in self.env["ir.cron"].sudo().with_context(active_test=False).search([])}
        return sorted(
            ((one.complete_name, jobs[one.res_id]) for one in names if one.res_id in jobs), key=lambda item: item[1]
        )

    @api.model
    def count(self, model, domain):
        """For the editor of conditions: ``{"is_valid": whether documents can be looked for by them, "count": how many
        the user would find; None where the user may not read what they look at}``.
        """
        records = self.env.get(model)
        if records is None:
            return {"is_valid": False, "count": 0}
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                return {"is_valid": True, "count": records.search_count(domain)}
        except AccessError:
            return {"is_valid": self._is_valid(records, domain), "count": None}
        except Exception:  # pylint: disable=broad-except
            # Whatever it is, nothing can be looked for by it.
            return {"is_valid": False, "count": 0}

    def _is_valid(self, records, domain):
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                # sudo: the query is put together, nothing that it finds is told
                records.sudo()._search(domain)
        except Exception:  # pylint: disable=broad-except
            return False
        return True


def pick(model, **options):
    """A field by which records are picked."""
    return fields.Many2one(model, compute="_compute_picks", readonly=False, **options)


def picks(model, **options):
    """A field by which several records are picked."""
    return fields.Many2many(model, compute="_compute_picks", readonly=False, **options)


def choice(method, **options):
    """A field by which a technical name is chosen."""
    return fields.Selection(
        selection=lambda self: getattr(self.env["distribution.report.readable"], method)(),
        compute="_compute_picks",
        readonly=False,
        **options,
    )
