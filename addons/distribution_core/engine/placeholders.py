"""Texts with the names of fields in braces.

>>> names('Order {name} of {partner_id.country_id}: {name}')
['name', 'partner_id.country_id', 'name']
>>> fill('Order {name}, {note}', {'name': 'PO7', 'note': ''}.get)
'Order PO7, '
>>> fill('No {Field}, no { name }, {}', {}.get)
'No {Field}, no { name }, {}'
"""

import re
from collections.abc import Callable

PLACEHOLDER = re.compile(r'\{([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)\}')


def names(text: str | None) -> list[str]:
    """Paths of fields that ``text`` asks for, in its order."""
    return PLACEHOLDER.findall(text or '')


def fill(text: str | None, value_of: Callable[[str], str]) -> str:
    """``text`` with the value of each path in its place."""
    return PLACEHOLDER.sub(lambda match: value_of(match[1]), text or '')
