"""Python environments: one per engine, one for tests from outside, one for lint.

Built from pinned requirement files and kept until those files, or Python, change.
"""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import debian, process
from .console import DevkitError, say
from .engines import Engine
from .locks import exclusive
from .paths import LOGS, REQUIREMENTS, ROOT, RUN

SUITE_REQUIREMENTS = ROOT / "requirements.txt"
BUILT_FROM = "devkit-built-from"
ODOO_PATH_FILE = "odoo-source.pth"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that exists and has everything installed."""

    home: Path

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    def program(self, name: str) -> Path:
        """A console script of an installed package, e.g. ``ruff``."""
        return self.home / "bin" / name

    def variables(self, **more: str) -> dict[str, str]:
        """Process environment for a program of this virtual environment."""
        inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        path = f"{self.home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        return inherited | {"PATH": path, "VIRTUAL_ENV": str(self.home), "PYTHONUNBUFFERED": "1"} | more


def for_engine(engine: Engine) -> Environment:
    """Where `engine` runs: `import odoo` works in it."""
    environment = ensure(engine.series, [engine.series, "odoo-tests"], f"Odoo {engine.series}", suite=True)
    packages = next((environment.home / "lib").glob("python3*/site-packages"))
    path_file = packages / ODOO_PATH_FILE
    if not path_file.exists() or path_file.read_text().strip() != str(engine.source):
        path_file.write_text(f"{engine.source}\n")
    return environment


def for_tests() -> Environment:
    """Where plain engine tests and the tests from outside run; Odoo is not in it."""
    return ensure("tests", ["tests"], "the tests", suite=True)


def for_lint() -> Environment:
    return ensure("lint", ["lint"], "lint")


def ensure(name: str, files: list[str], what: str, *, suite: bool = False) -> Environment:
    """The virtual environment `.run/venv-<name>`, built when missing or outdated.

    :param files: names of requirement files in ``tools/requirements``
    :param suite: whether the suite's own ``requirements.txt`` belongs in it
    """
    home = RUN / f"venv-{name}"
    requirements = [REQUIREMENTS / f"{file}.txt" for file in files]
    if suite:
        requirements.append(SUITE_REQUIREMENTS)
    wanted = _fingerprint(requirements)
    with exclusive(f"venv-{name}"):
        mark = home / BUILT_FROM
        if not mark.exists() or mark.read_text() != wanted or not (home / "bin/python").exists():
            _build(home, requirements, what)
            mark.write_text(wanted)
    return Environment(home)


def _fingerprint(requirements: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for file in requirements:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _build(home: Path, requirements: list[Path], what: str) -> None:
    if sys.version_info < (3, 10):  # noqa: UP036 – that is what it is for
        raise DevkitError(f"Python 3.10 or newer is needed; this is {sys.version.split()[0]}.")
    say(f"Installing Python packages for {what} in .run/{home.name} …")
    log = LOGS / f"{home.name}.log"
    log.unlink(missing_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    _create(home, log)
    install = [home / "bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
    process.run(
        [*install, "--prefer-binary", *(word for file in requirements for word in ("-r", file))],
        what=f"Installing Python packages for {what} failed",
        log=log,
        remedy="Check that Python's package index can be reached from this machine.",
    )


def _create(home: Path, log: Path) -> None:
    create = [sys.executable, "-m", "venv", home]
    try:
        process.run(create, what="Creating a virtual environment failed", log=log)
    except DevkitError:
        # Debian ships Python without the part that installs pip into environments.
        debian.ensure(["python3-venv"], why="Python environments")
        shutil.rmtree(home, ignore_errors=True)
        process.run(create, what="Creating a virtual environment failed", log=log)
