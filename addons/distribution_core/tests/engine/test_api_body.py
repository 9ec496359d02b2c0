"""Bodies of calls: whatever bytes come, a value or a problem."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api_body import MAX_DEPTH, depth, is_date, mistakes, moment, parse
from engine.problem import Problem

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=20,
)


def _depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(_depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth_of, value), default=0)
    return 0


@given(st.binary(max_size=200))
def test_any_bytes(raw):
    try:
        parse(raw)
    except Problem as problem:
        assert problem.status in (400, 413)


@given(VALUES)
def test_json_comes_through(value):
    text = json.dumps(value, ensure_ascii=False).encode('utf-8', 'replace')
    if '\\u0000' in text.decode() or _depth_of(value) > MAX_DEPTH:
        with pytest.raises(Problem):
            parse(text)
    else:
        assert parse(text) == json.loads(text)


@given(VALUES)
def test_depth_is_that_of_the_value(value):
    assert depth(json.dumps(value).encode()) == _depth_of(value)


@pytest.mark.parametrize(
    'raw',
    [
        b'', b'{', b'{"a":1,"a":2}', b'NaN', b'[Infinity]', b'[-Infinity]', b'[1e999]', b'\xff', b'"\\ud800"',
        b'"\\u0000"', b'{"\\u0000": 1}', b'{"a": "\\udfff"}', b'\xef\xbb\xbf{}', b'[' + b'9' * 5000 + b']',
    ],
)  # fmt: skip
def test_malformed(raw):
    with pytest.raises(Problem) as caught:
        parse(raw)
    assert caught.value.kind == 'body-malformed'


@pytest.mark.parametrize('raw', [b'[' * 100_000, b'{"a":' * 50_000, b'[' * (MAX_DEPTH + 1) + b']' * (MAX_DEPTH + 1)])
def test_depth_bombs(raw):
    with pytest.raises(Problem) as caught:
        parse(raw, max_bytes=10**7)
    assert caught.value.kind == 'body-too-deep'


def test_size():
    with pytest.raises(Problem) as caught:
        parse(b'"' + b'x' * 300_000 + b'"')
    assert caught.value.status == 413


def test_whole_numbers_are_whole():
    assert parse(b'[2.0, 2.5, 1e3]') == [2, 2.5, 1000]
    assert [type(number) for number in parse(b'[2.0, 2.5]')] == [int, float]


def test_errors_name_their_place():
    schema = {
        'type': 'object',
        'additionalProperties': False,
        'required': ['lines'],
        'properties': {
            'lines': {
                'type': 'array',
                'items': {'properties': {'quantity': {'type': 'number', 'exclusiveMinimum': 0}}},
            },
            'on': {'type': 'string', 'format': 'date'},
        },
    }
    found = mistakes(schema, {'lines': [{'quantity': 1}, {'quantity': -1}], 'on': '2026-02-30', 'x': 1})
    assert [error['pointer'] for error in found] == ['', '/lines/1/quantity', '/on']
    assert len(mistakes({'items': {'type': 'string'}}, list(range(1000)))) == 20
    assert all(len(error['detail']) <= 200 for error in mistakes({'type': 'string'}, ['x' * 1000]))


@given(st.text(max_size=40))
def test_days_and_moments(text):
    is_date(text)
    moment(text)


@pytest.mark.parametrize(
    ('text', 'good'),
    [
        ('2026-11-20', True), ('2026-02-29', False), ('20261120', False), ('2026-W01-1', False),
        ('2026-11-20\n', False),
    ],
)  # fmt: skip
def test_days(text, good):
    assert is_date(text) is good


@pytest.mark.parametrize(
    ('text', 'good'),
    [
        ('2026-11-20T09:30:00Z', True), ('2026-11-20t09:30:00.123456789z', True), ('2026-11-20T09:30:00+05:30', True),
        ('2026-11-20T09:30:00', False), ('2026-11-20', False), ('0001-01-01T00:00:00+10:00', False),
        ('2026-11-20T25:00:00Z', False), ('2026-11-20T09:30:00Z\n', False),
    ],
)  # fmt: skip
def test_moments(text, good):
    assert (moment(text) is not None) is good
