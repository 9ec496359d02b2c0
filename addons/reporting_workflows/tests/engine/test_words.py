"""What the engine says can be said in any language: every word of it is marked for translation."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest

import engine
from engine import CheckRule, Complaint, Limit, Schedule, Threshold, Words
from engine.definition_file import Change, load
from engine.render_words import SOURCES

SPEAKERS = {"say", "Complaint", "DefinitionFileError"}
COLUMNS = {"vendors": ("name", "score")}


def _said():
    """``{words: file}`` of everything that is said in so many words."""
    found = {}
    for path in sorted(Path(engine.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SPEAKERS and node.args:
                texts = [leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant)]
                found.update((text, path.name) for text in texts if isinstance(text, str))
    return found


def test_every_word_is_marked_for_translation():
    said = _said()
    assert len(said) > 40
    assert not {text: file for text, file in said.items() if text not in SOURCES}
    assert len(SOURCES) == len(set(SOURCES))


def test_what_is_wrong_with_a_part_is_said_in_the_language_of_who_asks():
    german = Words(
        {
            "name at least one column.": "mindestens eine Spalte nennen.",
            "“{name}” is no column of {dataset}; it has {known}.": "„{name}“ ist keine Spalte von {dataset}: {known}.",
            "“{name}” is none of {known}.": "„{name}“ ist nichts von {known}.",
        }
    )
    assert CheckRule("c", "C", "nulls", "vendors").problems(COLUMNS, (), german) == [
        "columns: mindestens eine Spalte nennen."
    ]
    limit = Threshold("t", "T", breach=Decimal(1), measure="sum", dataset="vendors", column="gone")
    assert limit.problems(COLUMNS, (), german) == ["column: „gone“ ist keine Spalte von vendors: name, score."]
    assert CheckRule("c", "C", "row_count", "gone").problems(COLUMNS, (), german) == [
        "dataset: „gone“ ist nichts von vendors."
    ]
    assert CheckRule("c", "C", "row_count", "gone").problems({}) == ["dataset: “gone” is none of nothing."]


@pytest.mark.parametrize(
    ("made", "english", "german"),
    [
        (lambda: Schedule("month", day=40), "Day of the Month: use 1 to 31.", "Tag des Monats: 1 bis 31."),
        (lambda: Limit(4, 2), "Late after: has to come before it is stale; make it smaller.", "Verspätet: früher."),
        (lambda: load("- a"), None, "So beginnt es nicht: distribution-report/1"),
    ],
)
def test_a_complaint_is_said_in_any_language(made, english, german):
    with pytest.raises(Complaint) as raised:
        made()
    complaint = raised.value
    assert english is None or str(complaint) == english
    said = german.replace("distribution-report/1", "{format}")
    assert complaint.said(Words({complaint.source: said})) == german


def test_changes_are_said_in_any_language():
    german = Words({"{place}: added": "{place}: neu"})
    assert Change("datasets.orders", None, "").said(german) == "datasets.orders: neu"
    assert str(Change("datasets.orders", None, "")) == "datasets.orders: added"
