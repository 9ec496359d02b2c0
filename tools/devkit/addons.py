"""The suite's addons: which there are, what they depend on, when their content changed."""

import ast
import hashlib
from pathlib import Path

from .paths import ADDONS

DEMO_ADDON = "distribution_demo"
# Not in a database: changing these needs no upgrade.
NOT_LOADED = {"__pycache__", "tests", "static", "readme"}
NOT_LOADED_SUFFIXES = {".md", ".pot", ".pyc", ".rst", ".orig"}


def manifest(addon: Path) -> dict:
    """The addon's ``__manifest__.py``."""
    return ast.literal_eval((addon / "__manifest__.py").read_text())


def all_addons(directory: Path = ADDONS) -> list[str]:
    """Names of the installable addons in `directory`, in alphabetical order."""
    return sorted(
        file.parent.name
        for file in directory.glob("*/__manifest__.py")
        if manifest(file.parent).get("installable", True)
    )


def testable_addons(directory: Path = ADDONS) -> list[str]:
    """The addons that every test database gets.

    Not the demo company, and no bridge to an addon that is not ours and not Odoo's own
    (those have ``auto_install`` with a list).
    """
    bridges = bridges_to_others(directory)
    return [name for name in all_addons(directory) if name != DEMO_ADDON and name not in bridges]


def bridges_to_others(directory: Path = ADDONS) -> list[str]:
    """The addons that install themselves beside an addon that is not ours and not Odoo's own."""
    return [name for name in all_addons(directory) if isinstance(manifest(directory / name).get("auto_install"), list)]


def others(bridge: str, directory: Path = ADDONS) -> list[str]:
    """The addons that are not ours on which a bridge depends."""
    return [name for name in manifest(directory / bridge)["depends"] if not (directory / name).is_dir()]


def closure(names: list[str], directory: Path = ADDONS) -> list[str]:
    """`names` and all addons of ours that they depend on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or not (directory / name / "__manifest__.py").exists():
            continue
        found.add(name)
        waiting.extend(manifest(directory / name).get("depends", []))
    return sorted(found)


def core_dependencies(names: list[str], directory: Path = ADDONS) -> list[str]:
    """Addons of Odoo's own that `names` depend on directly."""
    ours = set(all_addons(directory))
    needed = {
        dependency for name in closure(names, directory) for dependency in manifest(directory / name).get("depends", [])
    }
    return sorted(needed - ours) or ["base"]


def content_digest(names: list[str], directory: Path = ADDONS, *, everything: bool = False) -> str:
    """A digest over what an upgrade would load of `names` (`everything`: over all files)."""
    digest = hashlib.sha256()
    for name in sorted(names):
        for file in sorted((directory / name).rglob("*")):
            parts = file.relative_to(directory).parts
            if "__pycache__" in parts or not file.is_file():
                continue
            if not everything and (NOT_LOADED.intersection(parts[1:]) or file.suffix in NOT_LOADED_SUFFIXES):
                continue
            digest.update("/".join(parts).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
