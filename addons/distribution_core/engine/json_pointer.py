"""JSON Pointer (RFC 6901): where in an answer a value stands.

>>> answer = {'score': {'class': 'B', 'a/b': [10, 20]}}
>>> resolve(answer, '/score/class'), resolve(answer, '/score/a~1b/1')
('B', 20)
>>> resolve(answer, '/score/limit')
Traceback (most recent call last):
...
engine.json_pointer.PointerError: /score/limit: there is no “limit”
"""


class PointerError(ValueError):
    """The pointer is malformed, or leads nowhere."""


def check_pointer(pointer):
    """Raise PointerError when ``pointer`` is no JSON Pointer."""
    if pointer and not pointer.startswith('/'):
        raise PointerError(f"{pointer}: a JSON pointer is empty or begins with /")
    for token in pointer.split('/')[1:]:
        if '~' in token.replace('~0', '').replace('~1', ''):
            raise PointerError(f"{pointer}: write ~ as ~0 and / as ~1")


def resolve(document, pointer):
    """The value in ``document`` to which ``pointer`` leads; the empty pointer is the document itself."""
    check_pointer(pointer)
    value = document
    for token in pointer.split('/')[1:]:
        key = token.replace('~1', '/').replace('~0', '~')
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            raise PointerError(f"{pointer}: there is no “{key}”")
    return value


def _is_index(key):
    return key == '0' or (key.isascii() and key.isdigit() and key[0] != '0' and len(key) < 10)
