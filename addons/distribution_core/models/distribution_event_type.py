"""Catalogue of event types: one JSON Schema file per type, in the addon that writes it.

A file named ``distribution.{document}.<fact>.v1.json`` describes that fact for every kind of
document that :meth:`DistributionEventType._schema_documents` names; ``{document}`` and
``{Document}`` in its title and description stand for the kind in words.
"""

import functools
import json
import logging
import os
import sys

import jsonschema
from odoo import api, fields, models
from odoo.modules.module import get_manifest, get_module_path

_logger = logging.getLogger(__name__)

RESERVED_PREFIX = 'distribution.'
DOCUMENT_FAMILY = '{document}'
SUITE_AUTHOR = "Distribution Suite"


class EventTypeProblem(ValueError):
    """A schema file of the catalogue cannot be used."""


@functools.lru_cache(maxsize=512)
def _schema_text(addon, name):
    """Text of the schema file, or None."""
    folder = get_module_path(addon, display_warning=False)
    path = folder and os.path.join(folder, 'schemas', f'{name}.json')
    if not path or not os.path.isfile(path):
        return None
    with open(path, encoding='utf-8') as schema_file:
        return schema_file.read()


@functools.lru_cache(maxsize=512)
def schema_validator(name):
    """Validator of an event type among the addons loaded in this process, or None.

    Reads files, never the database: an event may be recorded while its addon is being installed.
    """
    for candidate in (name, family_name(name)):
        for module in tuple(sys.modules):
            if module.startswith('odoo.addons.') and module.count('.') == 2:
                text = _schema_text(module.rpartition('.')[2], candidate)
                if text:
                    return jsonschema.Draft202012Validator(json.loads(text))
    return None


def family_name(name):
    """Name of the file that describes this fact for all kinds of documents.

    >>> family_name('distribution.purchase_order.approved.v1')
    'distribution.{document}.approved.v1'
    """
    prefix, _dot, rest = name.partition('.')
    return f'{prefix}.{DOCUMENT_FAMILY}.{rest.partition(".")[2]}'


def _worded(text, label):
    """The schema file of a family with the kind of document in words."""
    schema = json.loads(text)
    for key in ('title', 'description'):
        words = schema.get(key, '').replace('{Document}', label.capitalize())
        schema[key] = words.replace(DOCUMENT_FAMILY, label.lower())
    return json.dumps(schema, indent=2, ensure_ascii=False)


def check_schema(addon, name, text):
    """Return the parsed schema file; raise EventTypeProblem that says what is wrong with it."""
    try:
        schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schema)
    except ValueError as error:
        raise EventTypeProblem(f"{addon}/schemas/{name}.json is not JSON: {error}") from error
    except jsonschema.SchemaError as error:
        raise EventTypeProblem(f"{addon}/schemas/{name}.json is no JSON Schema: {error.message}") from error
    missing = [key for key in ('title', 'description', 'examples') if not schema.get(key)]
    if missing:
        raise EventTypeProblem(f"{addon}/schemas/{name}.json lacks {', '.join(missing)}.")
    if not name.rpartition('.v')[2].isdigit():
        raise EventTypeProblem(f"{addon}/schemas/{name}.json: the name must end with .v and a number.")
    if name.startswith(RESERVED_PREFIX) and get_manifest(addon).get('author') != SUITE_AUTHOR:
        raise EventTypeProblem(f"{addon}: event types that start with {RESERVED_PREFIX} belong to the suite.")
    validator = jsonschema.Draft202012Validator(schema)
    for example in schema['examples']:
        for error in validator.iter_errors(example):
            raise EventTypeProblem(f"{addon}/schemas/{name}.json: an example does not fit: {error.message}")
    return schema


class DistributionEventType(models.Model):
    _name = 'distribution.event.type'
    _description = "Event Type"
    _inherit = ['distribution.catalogue']
    _order = 'name'
    _digest_parameter = 'distribution_core.event_catalogue_digest'

    name = fields.Char("Type", required=True, readonly=True, index=True)
    version = fields.Integer(required=True, readonly=True)
    addon = fields.Char(required=True, readonly=True)
    title = fields.Char(required=True, readonly=True)
    description = fields.Text(readonly=True)
    schema = fields.Text("JSON Schema", readonly=True)
    sample = fields.Text(readonly=True)
    problem = fields.Text(readonly=True, help="Why the schema of this type cannot be used.")
    is_active = fields.Boolean(
        "In Use", default=True, readonly=True, help="Off when the addon that wrote these events is no longer installed."
    )

    _sql_constraints = [
        ('name_unique', 'unique(name)', "An event type exists only once."),
    ]

    @api.model
    def _found(self):
        return list(self._installed_schemas())

    @api.model
    def _installed_schemas(self):
        """Yield (addon, type name, text) for the schema files of the installed addons."""
        for addon in sorted(self.env.registry._init_modules):
            folder = os.path.join(get_module_path(addon, display_warning=False) or '', 'schemas')
            if not os.path.isdir(folder):
                continue
            listed = {filename[: -len('.json')] for filename in os.listdir(folder) if filename.endswith('.json')}
            for name in sorted(listed):
                with open(os.path.join(folder, f'{name}.json'), encoding='utf-8') as schema_file:
                    text = schema_file.read()
                if DOCUMENT_FAMILY not in name:
                    yield addon, name, text
                    continue
                for document, label in sorted(self._schema_documents().items()):
                    own = name.replace(DOCUMENT_FAMILY, document)
                    if own not in listed:
                        yield addon, own, _worded(text, label)

    @api.model
    def _schema_documents(self):
        """``{kind: label}`` of the documents whose facts are described once for all kinds."""
        return {}

    @api.model
    def _write_catalogue(self, schemas):
        known = {event_type.name: event_type for event_type in self.search([])}
        listed = set()
        for addon, name, text in schemas:
            listed.add(name)
            values = self._prepare_type(addon, name, text)
            if name in known:
                known[name].write(values)
            else:
                known[name] = self.create({'name': name, **values})
        gone = self.browse(event_type.id for name, event_type in known.items() if name not in listed)
        gone.filtered('is_active').write({'is_active': False})
        _logger.info("Event catalogue: %s types, %s of them no longer written.", len(known), len(gone))

    @api.model
    def _prepare_type(self, addon, name, text):
        version = name.rpartition('.v')[2]
        values = {
            'addon': addon,
            'version': int(version) if version.isdigit() else 0,
            'title': name,
            'description': False,
            'schema': text,
            'sample': False,
            'problem': False,
            'is_active': True,
        }
        try:
            schema = check_schema(addon, name, text)
        except EventTypeProblem as problem:
            _logger.error("%s", problem)
            return {**values, 'problem': str(problem), 'is_active': False}
        sample = json.dumps(schema['examples'][0], indent=2, sort_keys=True, ensure_ascii=False)
        return {**values, 'title': schema['title'], 'description': schema['description'], 'sample': sample}
