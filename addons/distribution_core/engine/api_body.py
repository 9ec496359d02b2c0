"""The body of a call: bytes from outside become a value that is safe to work with.

Rules:

1. Not larger than ``MAX_BYTES``, not nested deeper than ``MAX_DEPTH``: looked at before it is parsed.
2. JSON in UTF-8; no key twice in an object; no NaN or Infinity; no NUL and no half characters in texts,
   which a database could not keep.
3. It fits the JSON Schema of the operation; what does not is named by JSON pointer.

>>> parse(b'{"a": [1, 2.5, "x"]}')
{'a': [1, 2.5, 'x']}
>>> depth(b'[[["[[["]]]')
3
"""

import json
import re
from datetime import date, datetime, timezone

import jsonschema

from .problem import Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
#: How many places are named at most.
MAX_ERRORS = 20
#: Longest part of a wrong value that is repeated to the caller.
MAX_QUOTED = 200

#: Formats that are looked at; others are words for people.
FORMATS = jsonschema.FormatChecker(formats=())

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)

_MOMENT = re.compile(r'\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})', re.ASCII)


def depth(raw):
    """How deeply objects and arrays are nested; brackets in texts do not count."""
    deepest = present = 0
    for token in _TOKENS.finditer(raw):
        mark = token.group()
        if mark in b'[{':
            present += 1
            deepest = max(deepest, present)
        elif mark in b']}':
            present -= 1
    return deepest


def parse(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH):
    """The value in ``raw``.

    :raises Problem: ``body-too-large``, ``body-too-deep`` or ``body-malformed``
    """
    if len(raw) > max_bytes:
        raise Problem('body-too-large', f"At most {max_bytes} bytes are taken.")
    if depth(raw) > max_depth:
        raise Problem('body-too-deep', f"At most {max_depth} levels are taken.")
    try:
        value = json.loads(
            raw.decode('utf-8'),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_number,
        )
    except (ValueError, RecursionError) as error:
        raise Problem('body-malformed', str(error)[:MAX_QUOTED]) from error
    _check_texts(value)
    return value


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _no_number(text):
    raise ValueError(f"{text} is no number")


def _number(text):
    value = float(text)
    if value in (float('inf'), float('-inf')):
        raise ValueError("a number is too large")
    # 2.0 and 2 are the same number, in JSON Schema as well.
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _check_texts(value):
    if isinstance(value, str):
        if '\x00' in value or any('\ud800' <= character <= '\udfff' for character in value):
            raise Problem('body-malformed', "A text contains a NUL or half of a character.")
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_texts(key)
            _check_texts(part)
    elif isinstance(value, list):
        for part in value:
            _check_texts(part)


@FORMATS.checks('date')
def is_date(value):
    """Whether a text is a day, such as 2026-11-20."""
    if not isinstance(value, str):
        return True
    try:
        return value == date.fromisoformat(value).isoformat()
    except ValueError:
        return False


@FORMATS.checks('date-time')
def is_moment(value):
    """Whether a text is a moment with its offset, such as 2026-11-20T09:30:00Z."""
    return not isinstance(value, str) or moment(value) is not None


def moment(text):
    """The moment in UTC, without an offset; None when the text is none (RFC 3339).

    >>> moment('2026-11-20T09:30:00+02:00')
    datetime.datetime(2026, 11, 20, 7, 30)
    >>> moment('2026-11-20 09:30') is None
    True
    """
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(
            re.sub('[zZ]$', '+00:00', re.sub(r'\.(\d{1,6})\d*', _micro, text.replace('t', 'T')))
        )
        return found.astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _micro(match):
    return f'.{match.group(1):0<6}'


def pointer(path):
    """JSON pointer (RFC 6901) of a path of keys and positions.

    >>> pointer(['lines', 0, 'a/b'])
    '/lines/0/a~1b'
    """
    return ''.join('/' + str(part).replace('~', '~0').replace('/', '~1') for part in path)


def _pattern(_validator, pattern, value, _schema):
    """As ECMA 262 has it: “$” is the end, not the place before a line break at the end."""
    if isinstance(value, str) and not re.search(re.sub(r'(?<!\\)\$$', r'\\Z', pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {'pattern': _pattern})


def mistakes(schema, value):
    """Where ``value`` does not fit ``schema``: a list for :class:`~.problem.Problem`, empty when it fits.

    >>> mistakes({'type': 'object', 'properties': {'b': {'type': 'integer'}}}, {'b': 'x'})
    [{'pointer': '/b', 'detail': "'x' is not of type 'integer'"}]
    >>> len(mistakes({'pattern': '^[0-9]$'}, '7\\n'))
    1
    """
    validator = _Validator(schema, format_checker=FORMATS)
    found = [
        {'pointer': pointer(error.absolute_path), 'detail': error.message[:MAX_QUOTED]}
        for error in _leaves(validator.iter_errors(value))
    ]
    return sorted(found, key=lambda error: (error['pointer'], error['detail']))[:MAX_ERRORS]


def _leaves(errors):
    """The errors, those of alternatives by the alternative that fits best."""
    for error in errors:
        if error.context:
            yield jsonschema.exceptions.best_match([error])
        else:
            yield error
