"""`make lint` and `make format`: Python (ruff, pylint with Odoo's rules), XML, JavaScript, tests' tags.

XML and JavaScript are checked for what everybody agrees on (well-formed, indented by two
spaces, no tabs or trailing blanks, one final newline), without asking for npm.
"""

import ast
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from . import addons, environment, process
from .console import say
from .paths import ADDONS, ROOT

PYTHON_PLACES = ("addons", "tools", "tests")
TEXT_SUFFIXES = {".xml", ".js", ".scss", ".css", ".csv", ".py", ".md", ".json", ".yml", ".yaml", ".toml"}
XML_INDENT = 2
LONGEST_LINE = {".js": 120}
CODE_OF_NODES = ROOT / "tools" / "n8n" / "code"
TEST_TAG = "post_install"


def lint() -> int:
    """Check everything; prints each complaint with its place."""
    say("Linting …")
    complaints = [
        *_ruff("check", "--output-format=concise", "-q"),
        *_unformatted(),
        *_pylint(),
        *_texts(),
        *_xml(),
        *_javascript(),
        *_untagged_tests(),
    ]
    for complaint in complaints:
        print(complaint)
    say(f"{len(complaints)} complaints." if complaints else "Clean.")
    return 1 if complaints else 0


def format_() -> int:
    """Let ruff rewrite the Python files, and trim blanks at line ends elsewhere.

    ``ADDON=…`` keeps to one addon.
    """
    addon = os.environ.get("ADDON", "")
    places = [f"addons/{addon}"] if addon else _python_places()
    for words in (("check", "--fix"), ("format",)):
        _ruff(*words, places=places)
    for file in _files(TEXT_SUFFIXES - {".py", ".md"}):
        if addon and addon not in file.relative_to(ROOT).parts:
            continue
        text = file.read_text()
        tidy = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n" if text else ""
        if tidy != text:
            file.write_text(tidy)
    return lint()


def _files(suffixes: set[str]) -> Iterator[Path]:
    """Files under version control or about to be, with one of `suffixes`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in sorted(set(listed.split("\0"))):
        file = ROOT / name
        if file.suffix in suffixes and file.is_file() and "/static/lib/" not in name:
            yield file


def _python_places() -> list[str]:
    return [place for place in PYTHON_PLACES if (ROOT / place).is_dir()]


def _ruff(*words: str, places: list[str] | None = None) -> list[str]:
    python = environment.for_lint()
    code, output = process.attempt(
        [python.program("ruff"), *words, "--no-cache", *(places or _python_places())],
        cwd=ROOT,
        env=python.variables(),
    )
    return [line for line in output.splitlines() if line] if code else []


def _unformatted() -> list[str]:
    lines = _ruff("format", "--check", "--output-format=concise")
    return [line for line in lines if "would reformat" in line.lower() or "unformatted" in line.lower()]


def _pylint() -> list[str]:
    python = environment.for_lint()
    names = addons.all_addons()
    if not names:
        return []
    code, output = process.attempt(
        [
            *(python.program("pylint"), f"--rcfile={ROOT / '.pylintrc'}", "--output-format=text"),
            "--msg-template={path}:{line}: {msg_id} {msg} ({symbol})",
            *(ADDONS / name for name in names),
        ],
        cwd=ROOT,
        env=python.variables(),
    )
    return [line for line in output.splitlines() if line and not line.startswith("***")] if code else []


def _texts() -> Iterator[str]:
    for file in _files(TEXT_SUFFIXES):
        text = file.read_text(errors="replace")
        place = file.relative_to(ROOT)
        if text and not text.endswith("\n"):
            yield f"{place}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if file.suffix != ".md" and line != line.rstrip():
                yield f"{place}:{number}: blanks at the end of the line"
            if "\t" in line and file.suffix not in (".md", ".csv"):
                yield f"{place}:{number}: a tab"
            if len(line) > LONGEST_LINE.get(file.suffix, 10_000):
                yield f"{place}:{number}: longer than {LONGEST_LINE[file.suffix]} characters"


def _xml() -> Iterator[str]:
    for file in _files({".xml"}):
        place = file.relative_to(ROOT)
        text = file.read_text()
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            yield f"{place}:{error.position[0]}: not well-formed: {error}"
            continue
        yield from _indentation(place, text, XML_INDENT)
        identifiers = [element.get("id") for element in root if element.get("id")]
        for name in sorted({name for name in identifiers if identifiers.count(name) > 1}):
            yield f"{place}: the id {name} appears twice"


def _indentation(place: Path, text: str, width: int) -> Iterator[str]:
    """Lines that begin a tag must be indented by a multiple of `width` (attributes may align)."""
    for number, line in enumerate(text.splitlines(), 1):
        blanks = len(line) - len(line.lstrip(" "))
        if line.lstrip().startswith("<") and blanks % width:
            yield f"{place}:{number}: indented by {blanks} blanks, not by a multiple of {width}"


def _javascript() -> list[str]:
    files = list(_files({".js"}))
    if not files or not shutil.which("node"):
        return []
    complaints = []
    for file in files:
        text = file.read_text()
        # Modules of Odoo's web client use import and export; node has to be told. Code of n8n's nodes is a body.
        answer = subprocess.run(
            ["node", "--input-type=module", "--check"],
            input=f"async function node() {{{text}}}" if CODE_OF_NODES in file.parents else text,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            reason = next((line for line in answer.stderr.splitlines() if "Error" in line), "syntax error")
            complaints.append(f"{file.relative_to(ROOT)}: {reason}")
    return complaints


def _untagged_tests() -> Iterator[str]:
    """Tests run on a database that is already installed: say so with the tag."""
    for file in sorted(ADDONS.glob("*/tests/test_*.py")):
        try:
            module = ast.parse(file.read_text())
        except SyntaxError:
            continue  # ruff has named it
        for node in module.body:
            if isinstance(node, ast.ClassDef) and _has_tests(node) and not _is_tagged(node):
                yield f"{file.relative_to(ROOT)}:{node.lineno}: {node.name} is not tagged {TEST_TAG}"


def _has_tests(node: ast.ClassDef) -> bool:
    return any(isinstance(item, ast.FunctionDef) and item.name.startswith("test") for item in node.body)


def _is_tagged(node: ast.ClassDef) -> bool:
    return any(TEST_TAG in ast.unparse(decorator) for decorator in node.decorator_list)
