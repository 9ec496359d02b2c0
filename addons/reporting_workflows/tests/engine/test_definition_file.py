"""Definitions as files: one form, strict reading, errors that say where, differences entry by entry."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import DefinitionFileError
from engine.definition_file import FORMAT, KEYS, LISTS, MAPPINGS, REQUIRED, check, diff, dump, load

words = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)


def entry(name):
    plain = [key for key in KEYS[name] if not (name == "datasets" and key == "columns")]
    required = dict.fromkeys(REQUIRED.get(name, ()), words)
    optional = {key: words for key in plain if key not in required}
    parts = st.fixed_dictionaries(required, optional=optional)
    if name == "datasets":
        columns = st.lists(entry("columns"), max_size=3, unique_by=lambda one: one["path"])
        parts = st.tuples(parts, columns).map(lambda pair: {**pair[0], "columns": pair[1]} if pair[1] else pair[0])
    return parts


def key_of(one):
    return one.get("code") or (one.get("kind"), one.get("record"))


definitions = st.fixed_dictionaries(
    {"report": entry("report")},
    optional={
        **{name: entry(name).filter(bool) for name in MAPPINGS if name != "report"},
        **{name: st.lists(entry(name), max_size=2, unique_by=key_of) for name in LISTS},
    },
)


@settings(max_examples=60)
@given(definitions)
def test_what_is_written_is_read_back(content):
    try:
        check({"format": FORMAT, **content})
    except DefinitionFileError as error:
        assert "twice" in str(error)
        return
    text = dump(content)
    again = load(text)
    assert dump(again) == text
    assert diff(content, again) == []
    yaml.safe_load(text)  # a reader of another system at least does not stumble


@pytest.mark.parametrize("sign", ["=", "<<", "!=", ">="])
def test_other_readers_take_signs_for_texts(sign):
    content = {"report": {"code": "r", "name": sign, "classification": "internal"}}
    text = dump(content)
    assert yaml.safe_load(text)["report"]["name"] == sign == load(text)["report"]["name"]


@settings(max_examples=40)
@given(definitions, definitions)
def test_there_is_a_difference_exactly_where_the_text_differs(one, other):
    try:
        texts = [dump(load(dump(content))) for content in (one, other)]
    except DefinitionFileError as error:
        assert "twice" in str(error)
        return
    assert bool(diff(one, other)) == (texts[0] != texts[1])


HEAD = f"format: {FORMAT}\nreport:\n  code: a\n  name: A\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "has to begin with"),
        ("format: other/1", "has to begin with"),
        (f"format: {FORMAT}", "“report” is missing"),
        (f"format: {FORMAT}\nreport:\n  code: a\n", "report: “name” is missing"),
        (HEAD + "reports: x", "the file: “reports” is unknown"),
        (HEAD + "datasets: x", "datasets: a list is expected"),
        (HEAD + "datasets:\n- code: d\n", r"datasets\[1\]: “model” is missing"),
        (HEAD + "datasets:\n- {code: d, model: m, colour: red}\n", r"datasets\[1\]: “colour” is unknown"),
        (HEAD + "datasets:\n- {code: d, model: m}\n- {code: d, model: n}\n", r"datasets\[2\]: “d” is there twice"),
        (HEAD + "datasets:\n- {code: d, model: [m]}\n", r"datasets\[1\].model: a single value"),
        (HEAD + "datasets:\n- {code: d, model: m, columns: [{label: L}]}\n", r"columns\[1\]: “path” is missing"),
        (HEAD + "settings: &a\n  period: today", "anchors"),
        (HEAD + "settings: !!set {a}", "tags"),
        (HEAD + "settings:\n  period: a\n  period: b", "“period” is there twice"),
        (HEAD + "settings: [a", "not YAML"),
    ],
)
def test_errors_say_where_and_what_to_do(text, message):
    with pytest.raises(DefinitionFileError, match=message):
        load(text)
