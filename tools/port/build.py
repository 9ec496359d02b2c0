"""The 19.0 tree: a copy of the addons, rewritten. The working tree is never touched.

Each content of the addons gets a directory of its own, so that a rebuild never pulls files
away from a server or test that is running on the previous one.
"""

import hashlib
import re
import shutil
from pathlib import Path

from tools.devkit import addons, process
from tools.devkit.console import DevkitError, say
from tools.devkit.locks import exclusive
from tools.devkit.paths import ADDONS, BUILD, LOGS

from . import rules

HOME = BUILD / "19.0"
# The last complete build, for people and editors.
LATEST = HOME / "addons"
KEEP = 4
PORT_SOURCES = Path(__file__).parent
REWRITTEN_SUFFIXES = {".py", ".xml", ".js", ".csv", ".scss", ".css"}


def tree(python: Path, names: list[str], *, strict: bool, source: Path = ADDONS) -> Path:
    """The directory with `names` built for 19.0.

    :param python: a Python that can import Odoo 19.0
    :param strict: `names` is the whole suite: the result becomes `LATEST`
    :raises DevkitError: when the result holds something that 19.0 would not understand
    """
    target = HOME / _fingerprint(names, source) / "addons"
    with exclusive("port"):
        if not target.exists():
            say(f"Building {len(names)} addons for Odoo 19.0 …")
            partial = target.parent.with_name(target.parent.name + ".part")
            shutil.rmtree(partial, ignore_errors=True)
            copy(names, source, partial / "addons")
            counts = rewrite(partial / "addons", python)
            check(partial / "addons")
            (partial / "rules.txt").write_text("".join(f"{count:6} {name}\n" for name, count in counts.items()))
            partial.rename(target.parent)
        target.parent.touch()
        if strict:
            LATEST.unlink(missing_ok=True)
            LATEST.symlink_to(target)
        _forget_old_builds()
    return target


def copy(names: list[str], source: Path, target: Path) -> None:
    """Copy the addons `names`, without caches."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in names:
        shutil.copytree(source / name, target / name, ignore=ignored)


def rewrite(directory: Path, python: Path) -> dict[str, int]:
    """Apply our rules and Odoo's converter to `directory`; how often each rule matched."""
    counts = apply_rules(directory, rules.BEFORE_CONVERTER)
    process.run(
        [python, PORT_SOURCES / "convert.py", directory],
        what="Odoo's own converter to 19.0 failed",
        log=LOGS / "port.log",
        cwd=directory,
    )
    return counts | apply_rules(directory, rules.AFTER_CONVERTER)


def apply_rules(directory: Path, some_rules: list[rules.Rule]) -> dict[str, int]:
    """Rewrite the files below `directory`; rule name → number of matches."""
    counts = dict.fromkeys((rule.name for rule in some_rules), 0)
    for file in _sources(directory):
        path = file.relative_to(directory).as_posix()
        before = text = file.read_text()
        for rule in some_rules:
            if rule.applies_to(path):
                text, count = rule.apply(text)
                counts[rule.name] += count
        if text != before:
            file.write_text(text)
    return counts


def check(directory: Path) -> None:
    """Refuse a tree with something that 19.0 ignores or chokes on.

    :raises DevkitError: naming files, lines and what to do
    """
    problems = []
    for file in _sources(directory):
        text = file.read_text()
        path = file.relative_to(directory)
        if file.suffix == ".py":
            try:
                compile(text, str(path), "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: no valid Python: {error.msg}")
        for pattern, reason in rules.LEFT_OVERS.items():
            for match in re.finditer(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, match.end()) + 1
                problems.append(f"{path}:{line}: {reason}")
    if problems:
        raise DevkitError("The 19.0 build needs help (tools/port/rules.py):\n" + "\n".join(problems))


def _sources(directory: Path) -> list[Path]:
    return sorted(file for file in directory.rglob("*") if file.suffix in REWRITTEN_SUFFIXES and file.is_file())


def _fingerprint(names: list[str], source: Path) -> str:
    digest = hashlib.sha256(addons.content_digest(names, source, everything=True).encode())
    for file in sorted(PORT_SOURCES.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _forget_old_builds() -> None:
    builds = sorted(
        (place.parent for place in HOME.glob("*/addons") if place.parent != HOME),
        key=lambda place: place.stat().st_mtime,
        reverse=True,
    )
    for build in builds[KEEP:]:
        shutil.rmtree(build, ignore_errors=True)
