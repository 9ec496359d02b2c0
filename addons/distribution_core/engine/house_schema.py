"""JSON Schema of an event type that a house declares by choosing fields.

>>> kinds = {'name': 'char', 'weight': 'float', 'site_id': 'many2one'}
>>> schema = house_schema('Crate returned', 'A crate came back.', kinds)
>>> schema['required'], schema['additionalProperties']
(['name', 'site_id', 'weight'], False)
>>> schema['properties']['weight']['type'], schema['properties']['site_id']
('string', {'type': ['integer', 'null']})
>>> schema['examples']
[{'name': None, 'site_id': None, 'weight': '0'}]
"""

from collections.abc import Mapping

TEXT, REFERENCE = {'type': ['string', 'null']}, {'type': ['integer', 'null']}
#: The ledger keeps decimal numbers as text: no computer rounds them on the way.
NUMBER = {'type': 'string', 'pattern': '^-?[0-9.]+(e[+-]?[0-9]+)?$', 'description': 'Decimal number'}
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
EMPTY = {'boolean': False, 'float': '0', 'monetary': '0', 'integer': 0, 'many2many': [], 'one2many': []}


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
