"""Sealed snapshots: every change beyond tolerance is found, none within is."""

import datetime
import json
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import ControlledField, Snapshot, SnapshotError, Tolerance, compare, seal

CENT = Decimal("0.01")


def cents(number):
    return Decimal(number).quantize(CENT)


def document(lines, **header):
    """An order: header and lines with their values, as a document computes them."""
    valued = {}
    for key, line in lines.items():
        gross = line["quantity"] * line["price_unit"]
        valued[key] = {**line, "value": cents(gross * (100 - line["discount"]) / 100)}
    amount = sum((line["value"] for line in valued.values()), Decimal(0))
    return {"partner": 12, "currency": 1, "terms": None, "amount": amount, **header}, valued


def decimals(low, high, places=2):
    return st.integers(low * 10**places, high * 10**places).map(lambda n: Decimal(n).scaleb(-places))


LINES = st.fixed_dictionaries(
    {
        "product": st.integers(1, 3),
        "taxes": st.frozensets(st.integers(1, 3), max_size=2),
        "quantity": decimals(-5, 50, 1),
        "price_unit": decimals(-20, 200),
        "discount": st.sampled_from([Decimal(0), Decimal(10), Decimal("12.5"), Decimal(100)]),
    }
)
DOCUMENTS = st.dictionaries(st.sampled_from(["1", "2", "3", "new-4"]), LINES, max_size=4)
TOLERANCES = st.builds(Tolerance, st.sampled_from([0, 1, 5, 200]), st.sampled_from([0, 1, 50, 10**6]))
TOLERATED = ("quantity", "price_unit", "discount")


@st.composite
def edits(draw, lines):
    """The lines after one edit of a tolerated field of one line."""
    key = draw(st.sampled_from(sorted(lines)))
    name = draw(st.sampled_from(TOLERATED))
    step = draw(st.sampled_from([Decimal(n) for n in ("-3", "-0.5", "-0.1", "0", "0.01", "0.1", "1", "20")]))
    return {**lines, key: {**lines[key], name: lines[key][name] + step}}


def moved(was, now):
    """How far one line moved, by rule 6; None if it cannot be said."""
    changed = [name for name in TOLERATED if was[name] != now[name]]
    if not changed and was["value"] == now["value"]:
        return Fraction(0)
    if was["value"] == now["value"] == 0:
        return None
    far = abs(Fraction(now["value"]) - Fraction(was["value"]))
    if len(changed) > 1 or not far:
        for name in changed:
            old, new = Fraction(was[name]), Fraction(now[name])
            if name == "discount":
                old, new = 1 - old / 100, 1 - new / 100
            if old:
                far = max(far, abs(Fraction(was["value"]) * (new / old - 1)))
            elif was["value"] == now["value"]:
                return None
    return far


def is_beyond(sealed, current, tolerance):
    """By the rules, for documents that differ in tolerated fields only."""
    (header, lines), (new_header, new_lines) = sealed, current
    distances = [moved(lines[key], new_lines[key]) for key in lines]
    limit = min(Fraction(tolerance.percent) * abs(Fraction(header["amount"])) / 100, Fraction(tolerance.amount))
    if None in distances or (not limit and sealed != current):
        return True
    drift = max(sum(distances), abs(Fraction(new_header["amount"]) - Fraction(header["amount"])))
    return drift > limit


# -------------------------------------------------------------------- tolerance


@given(st.data(), DOCUMENTS.filter(bool), TOLERANCES)
def test_a_change_is_found_exactly_when_it_is_beyond_in_one_step_or_many(data, lines, tolerance):
    original = document(lines)
    sealed = seal(*original)
    for _step in range(data.draw(st.integers(1, 5))):
        lines = data.draw(edits(lines))
        now = document(lines)
        change = compare(sealed, seal(*now), tolerance)
        assert change.beyond == is_beyond(original, now, tolerance)
        assert bool(change) == (original != now)


@given(DOCUMENTS.filter(bool), st.integers(1, 40), st.sampled_from(["quantity", "price_unit"]))
def test_small_steps_add_up(lines, steps, name):
    """Each step is within tolerance of the one before; together they are found."""
    key = min(lines)
    original = document(lines)
    sealed = seal(*original)
    tolerance = Tolerance(10, 100)
    for number in range(1, steps + 1):
        edited = {**lines, key: {**lines[key], name: lines[key][name] + number * Decimal("0.1")}}
        now = document(edited)
        assert compare(sealed, seal(*now), tolerance).beyond == is_beyond(original, now, tolerance)


@given(st.data(), DOCUMENTS.filter(bool), TOLERANCES)
def test_never_more_lenient_than_the_sum_of_the_changes_of_value(data, lines, tolerance):
    before = document(lines)
    after = document(data.draw(edits(data.draw(edits(lines)))))
    change = compare(seal(*before), seal(*after), tolerance)
    total = sum(abs(after[1][key]["value"] - before[1][key]["value"]) for key in lines)
    limit = min(tolerance.percent * abs(before[0]["amount"]) / 100, tolerance.amount)
    if max(total, abs(after[0]["amount"] - before[0]["amount"])) > limit:
        assert change.beyond


@given(st.data(), DOCUMENTS.filter(bool), TOLERANCES)
def test_any_exact_change_is_beyond(data, lines, tolerance):
    header, valued = document(lines)
    sealed = seal(header, valued)
    key = data.draw(st.sampled_from(sorted(lines)))
    what = data.draw(st.sampled_from(["partner", "terms", "new", "product", "taxes", "uom", "removed", "added"]))
    if what in ("partner", "terms", "new"):
        header = {**header, what: 99}
    elif what == "removed":
        valued = {other: line for other, line in valued.items() if other != key}
    elif what == "added":
        valued = {**valued, "added": {**valued[key], "quantity": 0, "value": 0}}
    elif what == "taxes":
        valued = {**valued, key: {**valued[key], "taxes": valued[key]["taxes"] ^ {2}}}
    else:
        valued = {**valued, key: {**valued[key], what: 99}}
    change = compare(sealed, seal(header, valued), tolerance)
    assert change.beyond
    assert any(d.beyond and d.describe() for d in change)


@given(DOCUMENTS, TOLERANCES)
def test_nothing_changed(lines, tolerance):
    sealed = seal(*document(lines))
    change = compare(sealed, seal(*document(lines)), tolerance)
    assert not change and not change.beyond and change.drift == 0 and change.describe() == ""


@given(st.data(), DOCUMENTS.filter(bool))
def test_without_tolerance_every_change_is_beyond(data, lines):
    before, after = document(lines), document(data.draw(edits(lines)))
    for tolerance in (Tolerance(), Tolerance(5, 0), Tolerance(0, 100)):
        assert compare(seal(*before), seal(*after), tolerance).beyond == (before != after)


def order(**changes):
    line = {"quantity": Decimal(10), "price_unit": Decimal(100), "discount": Decimal(0), **changes}
    return seal(*document({"1": line, "2": {**line, "quantity": 10, "price_unit": 100}}))


def test_the_limit_itself_is_within():
    sealed = order()
    assert not compare(sealed, order(price_unit=Decimal(110)), Tolerance(5, 1000)).beyond
    assert compare(sealed, order(price_unit=Decimal("110.01")), Tolerance(5, 1000)).beyond
    assert compare(sealed, order(price_unit=Decimal("110.00")), Tolerance(5, 99)).beyond


def test_up_and_down_do_not_cancel_out():
    header, lines = document({n: {"quantity": 10, "price_unit": Decimal(100), "discount": 0} for n in "12"})
    now = {"1": {**lines["1"], "price_unit": 200, "value": 2000}, "2": {**lines["2"], "price_unit": 0, "value": 0}}
    change = compare(seal(header, lines), seal(header, now), Tolerance(5, 10**6))
    assert change.beyond and change.drift == 2000


def test_twice_the_quantity_at_half_the_price_is_a_change():
    sealed = order()
    now = order(quantity=Decimal(20), price_unit=Decimal(50))
    assert sealed.amount == now.amount
    change = compare(sealed, now, Tolerance(5, 10**6))
    assert change.beyond and change.drift == 1000


def test_more_of_a_free_line_is_a_change():
    free = {"quantity": 1, "price_unit": 0, "value": 0}
    header = {"amount": 1000}
    paid = {"quantity": 1, "price_unit": 1000, "value": 1000}
    sealed = seal(header, {"free": free, "paid": paid})
    now = seal(header, {"free": {**free, "quantity": 1000}, "paid": paid})
    assert compare(sealed, now, Tolerance(5, 100)).beyond


def test_a_changed_total_is_found_though_no_line_says_so():
    header, lines = document({"1": {"quantity": 1, "price_unit": 100, "discount": 0}})
    now = seal({**header, "amount": 106}, lines)
    assert compare(seal(header, lines), now, Tolerance(5, 100)).beyond
    assert not compare(seal(header, lines), now, Tolerance(6, 100)).beyond


def test_without_an_amount_or_value_nothing_is_tolerated():
    line = {"quantity": 1, "price_unit": 10, "value": 10}
    wide = Tolerance(100, 100)
    assert compare(seal({}, {1: line}), seal({}, {1: {**line, "quantity": 2}}), wide).beyond
    del line["value"]
    sealed = seal({"amount": 10}, {1: line})
    assert compare(sealed, seal({"amount": 10}, {1: {**line, "quantity": 2}}), wide).beyond


def test_only_the_total_is_tolerated_in_the_header():
    sealed, now = seal({"amount": 10, "quantity": 1}, {}), seal({"amount": 10, "quantity": 2}, {})
    assert compare(sealed, now, Tolerance(100, 100)).beyond


def test_a_limit_of_nothing_finds_what_rounding_hides():
    line = {"quantity": 1, "price_unit": Decimal("0.101"), "value": Decimal("0.10")}
    now = seal({"amount": 1}, {1: {**line, "price_unit": Decimal("0.102")}})
    assert compare(seal({"amount": 1}, {1: line}), now).beyond
    assert not compare(seal({"amount": 1}, {1: line}), now, Tolerance(1, 1)).beyond


def test_a_value_that_does_not_follow_its_factor_is_measured_by_the_factor():
    line = {"quantity": 1, "price_unit": 10, "value": 10}
    now = seal({"amount": 10}, {1: {**line, "quantity": 3}})
    change = compare(seal({"amount": 10}, {1: line}), now, Tolerance(100, 100))
    assert change.beyond and change.drift == 20
    # from nothing, nothing can be measured
    sealed = seal({"amount": 10}, {1: {**line, "quantity": 0}})
    for tolerance in (Tolerance(), Tolerance(100, 100)):
        assert compare(sealed, now, tolerance).beyond


def test_a_number_that_becomes_something_else_is_beyond():
    sealed = seal({"amount": 10}, {1: {"quantity": 1, "value": 10}})
    for odd in (None, "1", True):
        assert compare(sealed, seal({"amount": 10}, {1: {"quantity": odd, "value": 10}}), Tolerance(99, 99)).beyond


def test_only_fields_said_to_be_tolerated_are():
    sealed, now = order(), order(price_unit=Decimal("100.01"))
    assert not compare(sealed, now, Tolerance(5, 100)).beyond
    exact = [ControlledField("value", "Value", "amount"), ControlledField("amount", "Amount", "amount")]
    assert compare(sealed, now, Tolerance(5, 100), exact).beyond


def test_deviations_in_words():
    sealed = seal({"amount": 10, "terms": None}, {1: {"taxes": [1, 2], "value": 1, "free": True}})
    now = seal({"amount": 11, "terms": "30 days"}, {2: {"taxes": [], "value": 1, "free": False}})
    assert compare(sealed, now).describe().splitlines() == [
        "Amount: 10 → 11",
        "terms: – → 30 days",
        "1: line removed",
        "2: line added",
    ]
    now = seal({"amount": 10, "terms": None}, {1: {"taxes": [2], "value": 1, "free": False}})
    assert compare(sealed, now, fields=[ControlledField("taxes", "Taxes")]).describe().splitlines() == [
        "1: free: yes → no",
        "1: Taxes: 1, 2 → 2",
    ]


# --------------------------------------------------------------- canonical form

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.integers(-3, 3),
    st.sampled_from([1.0, 1.1, 0.1 + 0.2, -0.0]),
    st.sampled_from([Decimal("1.10"), Decimal("1.1"), Decimal("1E+1"), Decimal("0.3"), Decimal("-0")]),
    st.just(datetime.date(2024, 1, 2)),
)
FIELD_VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.frozensets(st.integers(1, 3))
FIELDS = st.dictionaries(st.sampled_from(["amount", "b", "é"]), FIELD_VALUES, max_size=3)
ANYTHING = st.tuples(FIELDS, st.dictionaries(st.sampled_from([1, 2, 10]), FIELDS, max_size=3))


def canonical(value):
    """Equal for what means the same, written without the engine."""
    if isinstance(value, dict):
        return {str(key): canonical(entry) for key, entry in value.items()}
    if isinstance(value, (list, frozenset)):
        return "list", sorted(repr(canonical(entry)) for entry in value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return "number", round(Fraction(value), 9)
    if isinstance(value, datetime.date):
        return "str", value.isoformat()
    return type(value).__name__, value


@given(ANYTHING, ANYTHING)
def test_the_digest_differs_exactly_when_the_content_does(one, other):
    same = canonical(dict(enumerate(one))) == canonical(dict(enumerate(other)))
    assert (seal(*one).digest == seal(*other).digest) == same
    assert (seal(*one) == seal(*other)) == same
    assert (not compare(seal(*one), seal(*other))) == same


@given(st.data(), ANYTHING)
def test_changing_one_value_changes_the_digest(data, content):
    header, lines = content
    assume(header)
    name = data.draw(st.sampled_from(sorted(header)))
    value = data.draw(FIELD_VALUES)
    changed = {**header, name: value}
    same = canonical(header[name]) == canonical(value)
    assert (seal(header, lines).digest == seal(changed, lines).digest) == same


@given(ANYTHING)
def test_round_trip(content):
    sealed = seal(*content)
    again = Snapshot.from_json(sealed.to_json())
    assert again == sealed and again.digest == sealed.digest and again.to_json() == sealed.to_json()
    assert not compare(sealed, again)
    assert pickle.loads(pickle.dumps(sealed)) == sealed
    json.loads(sealed.to_json())


@given(st.data(), ANYTHING)
def test_order_of_keys_and_lines_has_no_meaning(data, content):
    def shuffled(mapping):
        return {key: mapping[key] for key in data.draw(st.permutations(list(mapping)))}

    header, lines = content
    other = seal(shuffled(header), {key: shuffled(line) for key, line in shuffled(lines).items()})
    assert other.to_json() == seal(header, lines).to_json()


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_a_float_is_the_number_that_it_shows(number, places):
    """What Odoo computes in floats, and stores in numeric columns, is the same content."""
    exact = Decimal(number).scaleb(-places)
    assert seal({"amount": float(exact)}).digest == seal({"amount": exact}).digest
    assert seal({"amount": float(exact) + 0.0}).digest == seal({"amount": str(exact) and exact}).digest


def test_rounding_noise_is_no_content():
    assert seal({"amount": 0.1 + 0.2}) == seal({"amount": Decimal("0.30")})
    assert seal({"amount": 1.10}).to_json() == '{"format":1,"header":{"amount":1.1},"lines":{}}'
    assert seal({"amount": 0.1 + 0.2 - 0.3}).amount == 0


def test_a_snapshot_does_not_change():
    sealed = seal({"amount": 1}, {1: {"value": 1}})
    with pytest.raises(TypeError):
        sealed.header["amount"] = 2
    with pytest.raises(TypeError):
        sealed.lines["1"]["value"] = 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format":2,"header":{},"lines":{}}', '{"format":1,"header":{"a":NaN},"lines":{}}']
)
def test_what_is_no_snapshot_is_not_read(text):
    with pytest.raises(SnapshotError):
        Snapshot.from_json(text)


@pytest.mark.parametrize("value", [object(), float("nan"), {"a": 1}, b"x", Decimal("1E+99")])
def test_what_cannot_be_sealed_is_refused(value):
    with pytest.raises(SnapshotError):
        seal({"field": value})


def test_two_lines_with_one_key_are_refused():
    with pytest.raises(SnapshotError):
        seal({}, {1: {}, "1": {}})


def test_a_tolerance_is_not_negative():
    with pytest.raises(SnapshotError):
        Tolerance(-1, 5)
