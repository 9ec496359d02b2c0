"""The parameters of a GET: texts from the address become values.

>>> limit = {'type': 'integer', 'minimum': 1, 'maximum': 500, 'default': 100}
>>> arguments({'limit': limit, 'cursor': {'type': 'string'}}, {'limit': ['20']})
{'limit': 20}
>>> arguments({'limit': limit}, {})
{'limit': 100}
"""

import re

from .api_body import mistakes
from .problem import Problem

#: Parameters that belong to Odoo itself: which database is meant.
FOREIGN = frozenset({'db'})
_WHOLE = re.compile(r'-?[0-9]{1,18}', re.ASCII)


def arguments(declared, given):
    """Values of the parameters.

    :param declared: ``{name: JSON Schema}`` of a text or a whole number
    :param given: ``{name: [text, …]}``
    :raises Problem: ``query-invalid``, with the parameters that make no sense
    """
    errors = [
        {'pointer': f'/{name}', 'detail': "there is no such parameter"}
        for name in given.keys() - declared.keys() - FOREIGN
    ]
    found = {}
    for name, schema in declared.items():
        texts = given.get(name, [])
        if len(texts) > 1:
            errors.append({'pointer': f'/{name}', 'detail': "given more than once"})
        elif texts and '\x00' in texts[0]:  # no database keeps it
            errors.append({'pointer': f'/{name}', 'detail': "contains a NUL"})
        elif texts:
            value = _value(schema, texts[0])
            errors += [{'pointer': f'/{name}', 'detail': one['detail']} for one in mistakes(schema, value)]
            found[name] = value
        elif 'default' in schema:
            found[name] = schema['default']
    if errors:
        raise Problem('query-invalid', errors=sorted(errors, key=lambda error: error['pointer']))
    return found


def _value(schema, text):
    return int(text) if schema.get('type') == 'integer' and _WHOLE.fullmatch(text) else text
