"""Event types of the house: declared without code, in a namespace of its own, checked like any other."""

import json

import jsonschema
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .distribution_event_type import RESERVED_PREFIX


class DistributionEventType(models.Model):
    _inherit = 'distribution.event.type'

    is_house = fields.Boolean("Declared Here", readonly=True, help="By a server action, not by an addon.")

    @api.model
    def _write_catalogue(self, schemas):
        house = self.search([('is_house', '=', True)])
        result = super()._write_catalogue(schemas)
        listed = {name for _addon, name, _text in schemas}
        house.filtered(lambda one: one.name in listed).write({'is_house': False})
        house.filtered(lambda one: one.name not in listed).write({'is_active': True})
        return result

    @api.model
    def _declare(self, name, schema):
        """Make or change the type ``name`` of the house."""
        known = self.sudo().search([('name', '=', name)])  # sudo: who may write server actions may declare their events
        values = {
            'addon': _("this house"),
            'version': int(name.rpartition('.v')[2]),
            'title': schema['title'],
            'description': schema['description'],
            'schema': json.dumps(schema, indent=2, ensure_ascii=False),
            'sample': json.dumps(schema['examples'][0], indent=2, sort_keys=True),
            'problem': False,
            'is_active': True,
            'is_house': True,
        }
        if known:
            known.write(values)
        else:
            self.sudo().create({'name': name, **values})


class DistributionEvent(models.Model):
    _inherit = 'distribution.event'

    @api.model
    def _check_payload(self, type, facts):
        """Events that are not the suite's are checked when they are recorded, always: nobody tested what is behind."""
        if type.startswith(RESERVED_PREFIX):
            return super()._check_payload(type, facts)
        # sudo: the schema is the same for everybody
        declared = self.env['distribution.event.type'].sudo().search([('name', '=', type), ('problem', '=', False)])
        if not declared:
            return super()._check_payload(type, facts)
        validator = jsonschema.Draft202012Validator(json.loads(declared.schema))
        error = next(validator.iter_errors(json.loads(facts)), None)
        if error:
            raise UserError(
                _(
                    "Event %(type)s does not fit its schema at %(place)s: %(problem)s",
                    type=type,
                    place=error.json_path,
                    problem=error.message,
                )
            )
        return None
