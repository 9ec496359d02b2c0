"""What a change of a configuration record says in the ledger: old and new, without secrets.

Rules:

* short plain values are written as they are;
* texts that may hold code, addresses with tokens or personal data are named by their length and
  SHA-256: who has the text can prove that it is the one, and nobody reads it here;
* numbers of records stay numbers; lists are sorted; what did not change is left out.

>>> difference({'active': True, 'code': 'a'}, {'active': False, 'code': 'a'})
{'active': {'old': True, 'new': False}}
>>> difference({'code': ''}, {'code': 'model.run()'})['code']['new']
'sha256:e633df36d36774acbae2f6de250c92e4b4c9183a56afd4432ebdd18af8b79eb5 (11 characters)'
"""

import hashlib

#: Longer texts are never written out.
LONGEST = 64
#: Names of fields whose text is never written out, however short.
HIDDEN = ('code', 'url', 'value', 'secret', 'password', 'token', 'key', 'domain', 'body', 'path')


def difference(before, after):
    """``{field: {'old': …, 'new': …}}`` of two dicts of values."""
    changes = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            changes[name] = {'old': shown(name, old), 'new': shown(name, new)}
    return changes


def shown(name, value):
    """``value`` of field ``name`` as the ledger may hold it."""
    if isinstance(value, bytes):
        return _named(value, 'bytes')
    if isinstance(value, str) and value and (len(value) > LONGEST or any(part in name for part in HIDDEN)):
        return _named(value.encode(), 'characters', len(value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(value)
    return value


def _named(content, unit, length=None):
    return f'sha256:{hashlib.sha256(content).hexdigest()} ({len(content) if length is None else length} {unit})'
