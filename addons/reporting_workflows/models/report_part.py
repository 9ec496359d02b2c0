"""What the parts of a version have in common: a draft is written, a published version is not."""

from decimal import Decimal, InvalidOperation

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError


class ReportPart(models.AbstractModel):
    """A line of a version that goes to a file and comes back.

    A part declares, as class attributes:

    ``_part_list``
        its place in the file;
    ``_part_keys``
        the keys of the file, each the name of a field;
    ``_part_numbers``
        those of them that are decimal numbers kept as text: empty is not 0.
    """

    _name = "distribution.report.part"
    _description = "Part of a Report Version"
    _order = "sequence, id"

    _part_list = None
    _part_keys = ()
    _part_numbers = ()

    sequence = fields.Integer(default=10)
    version_id = fields.Many2one("distribution.report.version", required=True, ondelete="cascade", index=True)

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts._version_of()._touch()
        return parts

    def write(self, vals):
        self._version_of()._touch()
        result = super().write(vals)
        self._version_of()._touch()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_from_drafts(self):
        self._version_of()._touch()

    def _version_of(self):
        return self.version_id

    @api.constrains(lambda self: self._part_numbers or ["sequence"])
    def _check_numbers(self):
        for part in self:
            for name in self._part_numbers:
                part._decimal(name)

    def _decimal(self, name):
        """The number in a text field; None where it is empty. Raises ValidationError."""
        if not self[name]:
            return None
        try:
            value = Decimal(self[name].strip())
        except InvalidOperation:
            value = None
        if value is None or not value.is_finite():
            label = self._fields[name]._description_string(self.env)
            raise ValidationError(_("%(field)s: “%(text)s” is no number. Write 1234.5", field=label, text=self[name]))
        return value

    @api.model
    def _in_words_of_form(self, problem):
        """``field: remedy`` of the engine, the field as the form calls it."""
        key, colon, what = problem.partition(":")
        shown = self._shown_as().get(key, key)
        return f"{self._fields[shown]._description_string(self.env)}:{what}" if shown in self._fields else problem

    @api.model
    def _shown_as(self):
        """By which field the form shows a key of the file, where that is another one."""
        return {}

    # ------------------------------------------------------------- files

    def _to_file(self, name_of):
        """The entry of the file; ``name_of(record)`` names another record."""
        self.ensure_one()
        entry = {}
        for key in self._part_keys:
            field, value = self._fields[key], self[key]
            if field.type in ("many2one", "reference"):
                text = name_of(value) if value else ""
            elif field.type == "boolean":
                text = "yes" if value else ""
            elif field.type in ("integer", "float"):
                text = self.env["distribution.approval.portable"]._to_text(field, value) if value else ""
            else:
                text = value or ""
            if text:
                entry[key] = text
        return entry

    @api.model
    def _from_file(self, entry, record_of):
        """Values for ``create``; ``record_of(model, name)`` finds a record.

        :raises UserError: naming the key
        """
        values = {}
        for key in self._part_keys:
            field, text = self._fields[key], entry.get(key)
            if field.type == "boolean":
                # What a file leaves out is no, whatever a new line begins with.
                values[key] = False
            if not text:
                continue
            if field.type == "many2one":
                values[key] = record_of(field.comodel_name, text).id
            else:
                try:
                    values[key] = self.env["distribution.approval.portable"]._from_text(field, text)
                except UserError as error:
                    place = f"{self._part_list}.{entry.get('code') or entry.get('path') or entry.get('kind')}"
                    raise UserError(
                        _("%(place)s.%(field)s: %(problem)s", place=place, field=key, problem=error.args[0])
                    ) from error
        return values


def words(text):
    """The words of a list separated by commas.

    >>> words(" a, b,,c ")
    ('a', 'b', 'c')
    """
    return tuple(filter(None, (word.strip() for word in (text or "").split(","))))
