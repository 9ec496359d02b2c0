"""Databases: templates that are built once, and copies of them that take a second.

Three layers, each a copy of the one before plus what is new:
``base`` (Odoo's own apps that the suite needs) → ``suite`` (with our addons) → a run's copy.
A database's comment holds the digest of what it was built from; it is written last, so a
build that was interrupted is never taken for a finished one.
"""

import contextlib
import datetime
import os
import re
import shutil
import time
from pathlib import Path

from . import addons, process
from .console import DevkitError, say
from .locks import exclusive
from .paths import LOGS, ROOT, short_digest
from .postgres import Cluster
from .workspace import Workspace

ERROR_LINE = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) ")
CHATTER = re.compile(r"^\S+ \S+ \d+ (INFO|DEBUG|WARNING) ")
EXCEPTION_LINE = re.compile(r"^[\w.]+(Error|Exception|Violation)\b")
ESSENCE_LINES = 25
# By this the demo company's addon knows that the database is meant for it.
DEMO_FLAG = {"DISTRIBUTION_DEMO": "1"}
#: One day for the whole command, also when it runs past midnight.
TODAY = datetime.date.today()


def base(workspace: Workspace, cluster: Cluster, names: list[str]) -> str:
    """A template with the addons of Odoo that `names` depend on, without any demo data.

    It begins with the largest one that is there and has none that it must not have.
    """
    core = addons.core_dependencies(names)
    built_from = f"{workspace.engine.origin} {','.join(core)}"
    database = f"base_{_tag(workspace)}_{short_digest(','.join(core))}"
    with exclusive(database):
        existing = cluster.databases()
        if existing.get(database) != built_from:
            remove(workspace, cluster, database)
            present = _largest_within(core, workspace, existing)
            if present:
                start = f"base_{_tag(workspace)}_{short_digest(','.join(present))}"
                with exclusive(start):
                    duplicate(workspace, cluster, start, database)
            more = [name for name in core if name not in present]
            say(f"Installing Odoo's own apps once: {', '.join(more)} …")
            install(workspace, cluster, database, more)
            cluster.comment(database, built_from)
    return database


def _largest_within(core: list[str], workspace: Workspace, existing: dict[str, str]) -> list[str]:
    """The addons of the largest base that was made for this engine, and of some of `core` only."""
    made = (
        comment.rpartition(" ") for name, comment in existing.items() if name.startswith(f"base_{_tag(workspace)}_")
    )
    bases = (names.split(",") for origin, _blank, names in made if origin == workspace.engine.origin)
    return max((names for names in bases if set(names) < set(core)), key=len, default=[])


def suite(workspace: Workspace, cluster: Cluster, names: list[str]) -> str:
    """A template with `names` installed on top of `base`; rebuilt when their content changed.

    With the demo company also on another day: its dates are relative to the day it was made.
    """
    wanted = addons.closure(names)
    demo = addons.DEMO_ADDON in wanted
    built_from = f"{workspace.engine.origin} {addons.content_digest(wanted)}"
    if demo:
        built_from += f" {TODAY}"
    database = f"suite_{_tag(workspace)}_{short_digest(','.join(sorted(names)))}"
    with exclusive(database):
        if cluster.databases().get(database) != built_from:
            start = base(workspace, cluster, names)
            say(f"Installing the suite's addons once: {', '.join(wanted)} …")
            remove(workspace, cluster, database)
            duplicate(workspace, cluster, start, database)
            install(workspace, cluster, database, names, demo=demo)
            if demo:
                draw_assets(workspace, cluster, database)
            cluster.comment(database, built_from)
    return database


def demo(workspace: Workspace, cluster: Cluster, database: str) -> None:
    """The demo company's database: built once, upgraded when the addons changed.

    :raises DevkitError: when `database` exists and was not built by this function
    """
    names = demo_addons()
    built_from = f"{workspace.engine.series} demo {addons.content_digest(addons.closure(names))}"
    with exclusive(f"demo-{workspace.series}"):
        existing = cluster.databases()
        comment = existing.get(database)
        if comment == built_from:
            return
        if comment and " demo " in comment:
            say("The addons changed since the demo database was built: upgrading it …")
            ours = addons.closure(names)
            install(workspace, cluster, database, names, upgrade=ours, demo=True)
        elif database in existing:
            raise DevkitError(
                f"Database {database} exists but holds no finished demo company. "
                "Use another name (make run DB=…), or `make clean` to start anew."
            )
        else:
            say(
                f"Building the demo database {database} (once; takes a few minutes). "
                f"Details: {_log(workspace, database)}"
            )
            building = f"{database}_building"
            remove(workspace, cluster, building)
            install(workspace, cluster, building, addons.core_dependencies(names))
            install(workspace, cluster, building, names, demo=True)
            rename(workspace, cluster, building, database)
        cluster.comment(database, built_from)


def demo_addons() -> list[str]:
    """What a demo database gets: the demo company, or every addon while there is none."""
    everything = addons.all_addons()
    return [addons.DEMO_ADDON] if addons.DEMO_ADDON in everything else addons.testable_addons()


def install(
    workspace: Workspace,
    cluster: Cluster,
    database: str,
    names: list[str],
    *,
    upgrade: list[str] | None = None,
    demo: bool = False,
    more_addons: list[Path] | None = None,
) -> None:
    """Install `names` in `database` (created when missing), upgrading `upgrade` if given.

    :raises DevkitError: when Odoo fails, logs an error, or leaves one of them uninstalled
    """
    log = _log(workspace, database)
    words = ["-i", ",".join(names), "--stop-after-init", "--no-http", "--max-cron-threads=0"]
    if upgrade:
        words += ["-u", ",".join(upgrade)]
    flags = DEMO_FLAG if demo else {}
    code, output = process.attempt(
        workspace.odoo(cluster, database, *words, *workspace.engine.names_no_demo, more_addons=more_addons),
        log=log,
        env=workspace.variables(**flags),
        cwd=workspace.data_dir,
        watch=_ShowProgress(),
    )
    if code or any(ERROR_LINE.match(line) for line in output.splitlines()):
        raise DevkitError(
            f"Installing {', '.join(names)} on {workspace.engine} failed (exit code {code}).\n"
            f"{essence(output)}\nThe whole output is in {log}."
        )
    _check_installed(cluster, database, names, log)


def draw_assets(workspace: Workspace, cluster: Cluster, database: str) -> None:
    """Make the files that browsers load now, once: each copy of `database` has them then.

    :raises DevkitError: when Odoo cannot
    """
    process.run(
        workspace.odoo(cluster, database, "--log-level=warn", program="tools.devkit.draw_assets"),
        what=f"Making the web client's files for {database} failed",
        log=_log(workspace, database),
        env=workspace.variables(PYTHONPATH=str(ROOT)),
        cwd=workspace.data_dir,
    )


def essence(output: str) -> str:
    """What a developer needs of Odoo's output after a failure: the errors, without the chatter.

    >>> essence("2026-01-01 10:00:00,000 7 INFO db odoo: fine\\n"
    ...     "Traceback (most recent call last):\\n  File x\\nValueError: no such field")
    'Traceback (most recent call last):\\n  File x\\nValueError: no such field'
    """
    lines = [line for line in output.splitlines() if not CHATTER.match(line)]
    causes = [line for line in lines[:-ESSENCE_LINES] if EXCEPTION_LINE.match(line) or ERROR_LINE.match(line)]
    return "\n".join([*causes[-5:], *lines[-ESSENCE_LINES:]])


class _ShowProgress:
    """Says every few seconds which addon Odoo is at."""

    LINE = re.compile(r"Loading module (\S+) \((\d+)/(\d+)\)")
    EVERY_SECONDS = 8

    def __init__(self):
        self.last = time.monotonic()

    def __call__(self, line: str) -> None:
        found = self.LINE.search(line)
        if found and time.monotonic() - self.last > self.EVERY_SECONDS:
            self.last = time.monotonic()
            say("  addon {1} of {2}: {0}".format(*found.groups()))


def _check_installed(cluster: Cluster, database: str, names: list[str], log: Path) -> None:
    # Odoo skips what it does not find or like, with no more than a warning.
    rows = cluster.query("SELECT name FROM ir_module_module WHERE state = 'installed'", database)
    missing = sorted(set(names) - {row[0] for row in rows})
    if missing:
        raise DevkitError(
            f"Odoo did not install {', '.join(missing)} (wrong series in the manifest, or a "
            f"missing dependency?). The whole output is in {log}."
        )


def duplicate(workspace: Workspace, cluster: Cluster, template: str, database: str) -> None:
    """Copy a database with its file store."""
    cluster.copy(template, database)
    source, target = workspace.filestore / template, workspace.filestore / database
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        # Odoo never changes a stored file, it only adds and deletes: links are enough.
        shutil.copytree(source, target, copy_function=os.link)


def rename(workspace: Workspace, cluster: Cluster, database: str, name: str) -> None:
    """Rename a database with its file store."""
    shutil.rmtree(workspace.filestore / name, ignore_errors=True)
    if (workspace.filestore / database).is_dir():
        (workspace.filestore / database).rename(workspace.filestore / name)
    cluster.rename(database, name)


def remove(workspace: Workspace, cluster: Cluster, database: str) -> None:
    """Drop a database with its file store; nothing happens when there is none."""
    cluster.drop(database)
    shutil.rmtree(workspace.filestore / database, ignore_errors=True)


@contextlib.contextmanager
def temporary_copy(workspace: Workspace, cluster: Cluster, template: str, purpose: str):
    """The name of a copy of `template` that is gone afterwards."""
    database = f"run_{_tag(workspace)}_{purpose}_{os.getpid()}"
    with exclusive(template):
        duplicate(workspace, cluster, template, database)
    try:
        yield database
    finally:
        remove(workspace, cluster, database)


def remove_left_overs(workspace: Workspace, cluster: Cluster) -> None:
    """Drop copies whose command was killed before it could do so."""
    for database in cluster.databases():
        found = re.fullmatch(rf"run_{_tag(workspace)}_\w+?_(\d+)(_\w+)?", database)
        if found and not process.alive(int(found.group(1))):
            remove(workspace, cluster, database)


def _tag(workspace: Workspace) -> str:
    return workspace.series.partition(".")[0]


def _log(workspace: Workspace, database: str) -> Path:
    return LOGS / f"build-{workspace.series}-{database}.log"
