"""What people read can be translated, and its catalogues do not rot: `make i18n` mends what is found here."""

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from babel.messages import extract, pofile
from babel.messages.checkers import python_format

from tools.devkit import addons
from tools.devkit.paths import ADDONS

REMEDY = "run `make i18n`"
CALLS = ("_", "_lt")
#: Attributes of views and pages that Odoo translates.
ATTRIBUTES = {"string", "help", "confirm", "placeholder", "title", "alt", "aria-label", "sum", "avg"}
#: Whose records are not in the database of the export: their code alone is.
WITHOUT_RECORDS = {addons.DEMO_ADDON, *addons.bridges_to_others()}
#: Placeholders of Python, and of texts that are filled in by name.
PLACEHOLDER = re.compile(r"%\(\w+\)[sdifg]|%[sd]|(?<!\{)\{\w+\}(?!\})")
TAG = re.compile(r"</?([a-z]\w*)[^>]*>")


def with_code():
    return [name for name in addons.all_addons() if any(terms_of_code(name).values())]


def languages():
    return sorted(ADDONS.glob("*/i18n/*.po"))


@cache
def catalogue(path: Path):
    with path.open("rb") as file:
        return pofile.read_po(file)


@cache
def template(addon: str) -> set[str]:
    path = ADDONS / addon / "i18n" / f"{addon}.pot"
    assert path.exists(), f"{addon} has no catalogue: {REMEDY}"
    return {message.id for message in catalogue(path) if message.id}


def sources(addon: str, suffix: str, place: str = "") -> list[Path]:
    home = ADDONS / addon
    files = sorted((home / place).rglob(f"*{suffix}"))
    return [file for file in files if not {"tests", "lib"} & set(file.relative_to(home).parts)]


@cache
def terms_of_code(addon: str) -> dict[str, list[str]]:
    """``{"file:line": terms}`` of Python and JavaScript."""
    found = {}
    for file, method, names in [
        *((file, "python", CALLS) for file in sources(addon, ".py")),
        *((file, "javascript", ("_t", "_lt")) for file in sources(addon, ".js", "static/src")),
    ]:
        with file.open("rb") as stream:
            for line, text, _comments, _context in extract.extract(method, stream, keywords=dict.fromkeys(names)):
                found.setdefault(f"{file.relative_to(ADDONS)}:{line}", []).append(
                    text if isinstance(text, str) else text[0]
                )
    return found


def words_of(text: str) -> bool:
    """Whether Odoo takes it for something to translate: two letters or digits at least."""
    return len(re.sub(r"\W+", "", text)) > 1


def missing(addon: str, texts: dict[str, list[str]]) -> list[str]:
    known = template(addon)
    return [
        f"{place}: {text}" for place, some in texts.items() for text in some if words_of(text) and text not in known
    ]


@pytest.mark.parametrize("addon", with_code())
def test_texts_of_the_code_are_in_the_catalogue(addon):
    assert not missing(addon, terms_of_code(addon)), REMEDY


@pytest.mark.parametrize("addon", [name for name in addons.all_addons() if name not in WITHOUT_RECORDS])
def test_labels_of_views_are_in_the_catalogue(addon):
    known = template(addon) if sources(addon, ".xml") else set()
    pieces = "\n".join(known)  # a label inside a sentence is translated with the sentence
    texts = [
        f"{file.relative_to(ADDONS)}: {value}"
        for file in sources(addon, ".xml")
        for node in ElementTree.parse(file).iter()
        if not node.tag[0].isupper()  # a component takes expressions
        for name, value in node.attrib.items()
        if (name in ATTRIBUTES or (node.tag == "menuitem" and name == "name"))
        and words_of(value)
        and value.strip() not in known
        and f'{name}="{value}"' not in pieces
    ]
    assert not texts, REMEDY


@pytest.mark.parametrize("addon", [name for name in addons.all_addons() if name not in WITHOUT_RECORDS])
def test_labels_of_fields_are_in_the_catalogue(addon):
    texts = {}
    for file in sources(addon, ".py", "models") + sources(addon, ".py", "wizard"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("fields."):
                texts[f"{file.relative_to(ADDONS)}:{node.lineno}"] = [
                    word.value.value
                    for word in node.keywords
                    if word.arg in ("string", "help") and isinstance(word.value, ast.Constant) and word.value.value
                ]
    assert not (any(texts.values()) and missing(addon, texts)), REMEDY


def test_each_text_is_one_whole_sentence():
    """Odoo finds no text that is put together first, or stands in an f-string; behind an f-string it stops to read."""
    wrong = []
    for addon in addons.all_addons():
        for file in sources(addon, ".py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if (isinstance(node, ast.JoinedStr) and any(map(translated, ast.walk(node)))) or (
                    translated(node)
                    and (
                        not (node.args and isinstance(node.args[0], ast.Constant))
                        or any(isinstance(part, ast.JoinedStr) for part in ast.walk(node))
                    )
                ):
                    wrong.append(f"{file.relative_to(ADDONS)}:{node.lineno}")
    assert not wrong


def translated(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS


def test_german_is_there():
    assert {path.parts[-3] for path in languages() if path.name == "de.po"} >= {
        *("distribution_core", "distribution_approval", "procurement_automation", "reporting_workflows")
    }


@pytest.mark.parametrize("path", languages(), ids=lambda path: f"{path.parts[-3]} {path.stem}")
def test_translations_match_their_sources(path):
    language = catalogue(path)
    known = template(path.parts[-3])
    problems = [f"gone from the sources: {message}" for message in language.obsolete]
    for message in language:
        if not message.id:
            continue
        if message.id not in known:
            problems.append(f"gone from the sources: {message.id}")
        if message.fuzzy:
            problems.append(f"fuzzy: {message.id}")
        if message.string:
            problems += mistakes(message)
    assert not problems, f"{REMEDY}, then translate"


def mistakes(message):
    """What the code, or the page, that a translation is put into would choke on."""
    source, text = message.id, message.string
    named, shown = PLACEHOLDER.findall(source), PLACEHOLDER.findall(text)
    in_order = [[one for one in some if one in ("%s", "%d")] for some in (named, shown)]
    if Counter(named) != Counter(shown) or in_order[0] != in_order[1]:
        yield f"placeholders {shown} instead of {named}: {text}"
    if "python-format" in message.flags and named:
        try:
            python_format(None, message)
        except Exception as error:
            yield f"{error}: {text}"
    if sorted(TAG.findall(source)) != sorted(TAG.findall(text)):
        yield f"other tags than in the source: {text}"
    elif TAG.search(text):
        try:
            ElementTree.fromstring(f"<x>{text}</x>")
        except ElementTree.ParseError as error:
            yield f"{error}: {text}"
    if source[:1].isspace() != text[:1].isspace() or source[-1:].isspace() != text[-1:].isspace():
        yield f"blanks at the ends differ: {text!r}"
