"""One spelling per value, so that a digest means something.

Rules of the canonical JSON that the ledger stores:

* keys sorted, no spaces, characters written as they are (UTF-8);
* amounts are strings: a ``Decimal`` in plain notation; a ``float`` with its
  fifteen significant digits, which drops the noise of binary fractions;
* dates and date-times in ISO 8601, date-times in UTC with a final ``Z``;
* sets become sorted lists, tuples lists, whole-number keys strings.

>>> canonical_json({'b': 0.1 + 0.2, 'a': Decimal('10.50'), 'c': {3, 1}})
'{"a":"10.50","b":"0.3","c":[1,3]}'
"""

import json
import math
from collections.abc import Mapping, Set
from datetime import date, datetime, timezone
from decimal import Decimal


def canonical_json(value):
    """Return the one JSON text for ``value``; TypeError or ValueError when it has none."""
    return json.dumps(plain(value), sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False)


def plain(value):
    """Return ``value`` made of dict, list, str, int, bool and None only."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _well_formed(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        return _moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=lambda item: (str(type(item)), str(item), item))
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"The ledger stores no {type(value).__name__}: {value!r}. Pass ids, texts, numbers or dates.")


def _plain_mapping(value):
    result = {}
    for key, item in value.items():
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise TypeError(f"The ledger stores no key of type {type(key).__name__}: {key!r}.")
        name = _well_formed(str(key))
        if name in result:
            raise ValueError(f"Two keys are both written as {name!r}.")
        result[name] = plain(item)
    return result


def _decimal_text(value):
    if not value.is_finite():
        raise ValueError(f"The ledger stores no {value}.")
    return format(value if value else abs(value), 'f')


def _float_text(value):
    if not math.isfinite(value):
        raise ValueError(f"The ledger stores no {value}.")
    return _decimal_text(Decimal(format(value, '.15g')))


def _moment_text(value):
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc).replace(tzinfo=None)
    return value.isoformat() + 'Z'


def _well_formed(text):
    """PostgreSQL stores neither lone surrogates nor NUL."""
    return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').replace('\0', '\N{REPLACEMENT CHARACTER}')
