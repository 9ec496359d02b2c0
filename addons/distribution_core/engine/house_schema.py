"""JSON Schema of an event type that a house declares by choosing fields.

>>> schema = house_schema('Crate returned', 'A crate came back.', {'name': 'char', 'weight': 'float', 'site_id': 'many2one'})
>>> schema['required'], schema['additionalProperties']
(['name', 'site_id', 'weight'], False)
>>> schema['properties']['weight'], schema['properties']['site_id']
({'type': 'number'}, {'type': ['integer', 'null']})
>>> schema['examples']
[{'name': None, 'site_id': None, 'weight': 0}]
"""

from collections.abc import Mapping

TEXT, NUMBER, REFERENCE = {'type': ['string', 'null']}, {'type': 'number'}, {'type': ['integer', 'null']}
#: What the value of a field of each type is in an event.
JSON_TYPES = {
    'boolean': {'type': 'boolean'},
    'char': TEXT,
    'date': TEXT,
    'datetime': TEXT,
    'float': NUMBER,
    'integer': {'type': 'integer'},
    'many2many': {'type': 'array', 'items': {'type': 'integer'}},
    'many2one': REFERENCE,
    'monetary': NUMBER,
    'one2many': {'type': 'array', 'items': {'type': 'integer'}},
    'selection': TEXT,
}
EMPTY = {'boolean': False, 'float': 0, 'monetary': 0, 'integer': 0, 'many2many': [], 'one2many': []}


def house_schema(title: str, description: str, kinds: Mapping[str, str]) -> dict:
    """The schema of events with these fields.

    :param kinds: ``{field: its type}``, each of :data:`JSON_TYPES`
    """
    return {
        '$schema': 'https://json-schema.org/draft/2020-12/schema',
        'title': title,
        'description': description,
        'type': 'object',
        'additionalProperties': False,
        'required': sorted(kinds),
        'properties': {name: JSON_TYPES[kinds[name]] for name in sorted(kinds)},
        'examples': [{name: EMPTY.get(kinds[name]) for name in sorted(kinds)}],
    }
