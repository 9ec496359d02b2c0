"""Values that mean the same in another database: references by external id or natural key."""

from odoo import _, api, models
from odoo.exceptions import UserError

from ..engine import as_decimal, decimal_text
from ..engine.policy_yaml import PolicyFileError, check_reference

#: By which fields people tell the records of a model apart, the surest first.
NATURAL_KEYS = {
    "res.users": ("login",),
    "res.partner": ("ref", "vat", "name"),
    "res.company": ("name",),
    "res.groups": ("full_name",),
    "stock.warehouse": ("code", "name"),
    "distribution.region": ("code", "name"),
    "product.category": ("complete_name",),
    "product.product": ("default_code", "barcode"),
}
#: External ids that Odoo invented: they mean nothing elsewhere.
INVENTED = ("__export__", "__import__", "")
MAGIC = ("id", "create_uid", "create_date", "write_uid", "write_date")
SIMPLE = ("char", "text", "boolean", "integer", "float", "monetary", "date", "datetime", "selection")


class ApprovalPortable(models.AbstractModel):
    _name = "distribution.approval.portable"
    _description = "Portable Values of Policies"

    # -------------------------------------------------------------- references

    @api.model
    def _reference(self, record, company=None):
        """How ``record`` is named in a file.

        :raises UserError: when nothing tells it apart from others
        """
        # Names of records in a rule are shown to everybody who reads the rule.
        record = record.sudo().with_context(lang=None)
        known = (
            self.env["ir.model.data"]
            .sudo()
            .search([("model", "=", record._name), ("res_id", "=", record.id), ("module", "not in", INVENTED)])
        )
        if known:
            return "xmlid:" + min(known.mapped("complete_name"))
        for key in self._natural_keys(record):
            value = record[key]
            if value and isinstance(value, str) and self._find(record._name, key, value, company) == record:
                return f"{key}:{value}"
        raise UserError(
            _(
                "“%(name)s” (%(model)s) cannot be named so that it is found again: another one has the same "
                "%(keys)s. Give it one of its own, or an external identifier.",
                name=record.display_name,
                model=record._description,
                keys=", ".join(self._natural_keys(record)),
            )
        )

    @api.model
    def _dereference(self, model, reference, company=None):
        """The record that a file names. Raises UserError when there is none, or several."""
        try:
            kind, key = check_reference(reference)
        except PolicyFileError as error:
            raise UserError(str(error)) from error
        label = self.env[model]._description
        if kind == "xmlid":
            record = self.env.ref(key, raise_if_not_found=False)
            if not record or record._name != model or not record.sudo().exists():
                raise UserError(
                    _("%(label)s “%(key)s” is not known here by this external identifier.", label=label, key=key)
                )
            return record.sudo()
        keys = self._natural_keys(self.env[model])
        if kind not in keys:
            raise UserError(
                _(
                    "%(label)s is found by xmlid or %(keys)s, not by “%(kind)s”.",
                    label=label,
                    keys=", ".join(keys),
                    kind=kind,
                )
            )
        records = self._find(model, kind, key, company)
        if len(records) != 1:
            words = (
                _("There is no %(label)s with %(kind)s “%(key)s”.")
                if not records
                else _("There are several of %(label)s with %(kind)s “%(key)s”. Use an external identifier.")
            )
            raise UserError(words % {"label": label, "kind": kind, "key": key})
        return records

    def _natural_keys(self, records):
        return NATURAL_KEYS.get(records._name) or (records._rec_name or "name",)

    def _find(self, model, key, value, company):
        # A file refers to records whether or not its reader may open them; only their ids are used.
        records = self.env[model].sudo().with_context(lang=None, active_test=False)
        domain = [(key, "=", value)]
        if company and "company_id" in records._fields:
            domain.append(("company_id", "in", (company.id, False)))
        # Some keys are computed, and found by search as part of a text only.
        return records.search(domain).filtered(lambda record: record[key] == value)

    # ------------------------------------------------------------ other fields

    @api.model
    def _more_fields(self, records, handled):
        """Stored fields of a part of a policy that are copied with it and not ``handled`` explicitly."""
        return [
            (name, field)
            for name, field in sorted(records._fields.items())
            if field.store
            and field.copy
            and name not in handled
            and name not in MAGIC
            and not (field.related or (field.compute and field.readonly))
            and (field.type in SIMPLE or field.type in ("many2one", "many2many", "one2many"))
        ]

    @api.model
    def _pack(self, record, handled, company=None):
        """``{field: text, reference or list}`` of what is not as by default."""
        record = record.sudo()
        defaults = record.default_get([name for name, _field in self._more_fields(record, handled)])
        packed = {}
        for name, field in self._more_fields(record, handled):
            value = record[name]
            if field.type == "one2many":
                if value:
                    packed[name] = [self._pack(part, (field.inverse_name,), company) for part in value]
            elif field.type == "many2many":
                if value:
                    packed[name] = sorted(self._reference(other, company) for other in value)
            elif field.type == "many2one":
                if value:
                    packed[name] = self._reference(value, company)
            elif (value or None) != (defaults.get(name) or None):
                packed[name] = self._to_text(field, value)
        return packed

    @api.model
    def _unpack(self, model, packed, handled, company=None):
        """Values for ``create`` from what :meth:`_pack` made. Raises UserError."""
        if not isinstance(packed, dict):
            raise UserError(_("“key: value” lines are expected under “more”."))
        allowed = dict(self._more_fields(self.env[model], handled))
        values = {}
        for name, value in packed.items():
            field = allowed.get(name)
            if not field:
                raise UserError(_("“%(name)s” is unknown to %(model)s.", name=name, model=self.env[model]._description))
            if field.type in ("one2many", "many2many") and not isinstance(value, list):
                raise UserError(_("“%s”: a list is expected.", name))
            if field.type not in ("one2many", "many2many") and not isinstance(value, str):
                raise UserError(_("“%s”: a single value is expected.", name))
            if field.type == "one2many":
                values[name] = [
                    (0, 0, self._unpack(field.comodel_name, part, (field.inverse_name,), company)) for part in value
                ]
            elif field.type == "many2many":
                values[name] = [(6, 0, [self._dereference(field.comodel_name, ref, company).id for ref in value])]
            elif field.type == "many2one":
                values[name] = self._dereference(field.comodel_name, value, company).id
            else:
                values[name] = self._from_text(field, value)
        return values

    def _to_text(self, field, value):
        if field.type == "boolean":
            return "yes" if value else "no"
        if field.type in ("float", "monetary"):
            return decimal_text(as_decimal(value))
        if field.type in ("date", "datetime"):
            return field.to_string(value)
        return str(value or ("0" if field.type == "integer" else ""))

    def _from_text(self, field, text):
        try:
            if field.type == "boolean":
                return {"yes": True, "no": False}[text]
            if field.type == "integer":
                return int(text)
            if field.type in ("float", "monetary"):
                return float(as_decimal(text))
            if field.type in ("date", "datetime"):
                return field.to_date(text) if field.type == "date" else field.to_datetime(text)
        except (ValueError, KeyError) as error:
            raise UserError(_("“%(text)s” is no value for “%(name)s”.", text=text, name=field.name)) from error
        if field.type == "selection" and text not in dict(field._description_selection(self.env)):
            raise UserError(_("“%(text)s” is no value for “%(name)s”.", text=text, name=field.name))
        return text

    @api.model
    def _words_of(self, record, handled):
        """``[(label, words)]`` of what :meth:`_pack` would write, for people."""
        record = record.sudo()
        defaults = record.default_get([name for name, _field in self._more_fields(record, handled)])
        words = []
        for name, field in self._more_fields(record, handled):
            value = record[name]
            label = field._description_string(self.env)
            if field.type == "one2many":
                for part in value:
                    said = self._words_of(part, (field.inverse_name,))
                    words.append((label, ", ".join(f"{key} {text}" for key, text in said)))
            elif field.relational:
                if value:
                    words.append((label, ", ".join(value.mapped("display_name"))))
            elif field.type == "boolean":
                if value != bool(defaults.get(name)):
                    words.append((label, _("yes") if value else _("no")))
            elif field.type == "selection":
                if value and value != defaults.get(name):
                    words.append((label, dict(field._description_selection(self.env)).get(value, value)))
            elif (value or None) != (defaults.get(name) or None):
                words.append((label, self._to_text(field, value)))
        return words
