"""`make bench`: measurements side by side against plain Odoo and against the OCA's addons.

Prepares databases with the same apps of Odoo – plain, with the suite, with the peer, and for
webhooks with the suite and the OCA's job queue – and runs every ``tools/bench/bench_*.py`` in the engine's Python.
"""

import contextlib
import json
import os

from . import addons, database, process
from .console import DevkitError, say
from .engines import Engine
from .locks import exclusive
from .paths import LOGS, ROOT, TOOLS
from .peers import addons_of_others
from .postgres import PORT, ROLE, Cluster
from .workspace import Workspace, prepare

PEERS = ["purchase_tier_validation"]
# Installed on the suite for the benches that ask for a database with jobs.
JOBS, NEED_JOBS = ["queue_job"], {"bench_webhooks"}
BENCHES = TOOLS / "bench"
#: Benches that need no database, and the variable that names the data they measure on.
ON_OWN_DATA = {"bench_demand": "DEMAND_DATA"}


def bench(engine: Engine) -> int:
    """Run all benches, or the one named by ``BENCH=`` (such as ``purchase_gate``).

    Fails when there is none, or one of them says that a limit is broken.
    """
    wanted = os.environ.get("BENCH", "") or "*"
    modules = sorted(file.stem for file in BENCHES.glob(f"bench_{wanted}.py"))
    if not modules:
        raise DevkitError(f"No bench: tools/bench has no bench_{wanted}.py.")
    if wanted == "*":
        for name, variable in ON_OWN_DATA.items():
            if not os.environ.get(variable):
                say(f"{name} is left out: {variable} names no data to measure on.")
                modules.remove(name)
    workspace = prepare(engine, "test")
    broken = [
        name for name in modules if name in ON_OWN_DATA and not _run(workspace, name, {"series": workspace.series})
    ]
    modules = [name for name in modules if name not in ON_OWN_DATA]
    if modules:
        broken += _with_databases(engine, workspace, modules)
    if broken:
        raise DevkitError(f"Out of limits or failed: {', '.join(broken)}")
    return 0


def _with_databases(engine: Engine, workspace: Workspace, modules: list[str]) -> list[str]:
    """Run benches beside plain Odoo and the peer; returns those that failed."""
    peers = addons_of_others(workspace)
    with Cluster("test", durable=False) as cluster:
        database.remove_left_overs(workspace, cluster)
        names = addons.testable_addons()
        plain = database.base(workspace, cluster, names)
        suite = database.suite(workspace, cluster, names)
        templates = {"plain": plain, "suite": suite, "peer": _with_others(workspace, cluster, peers, plain, PEERS)}
        if NEED_JOBS.intersection(modules):
            templates["jobs"] = _with_others(workspace, cluster, peers, suite, JOBS)
        with contextlib.ExitStack() as stack:
            setting = {
                "series": workspace.series,
                "databases": {
                    which: stack.enter_context(database.temporary_copy(workspace, cluster, template, which))
                    for which, template in templates.items()
                },
                "options": [
                    f"--addons-path={_addons_path(workspace, peers)}",
                    f"--data-dir={workspace.data_dir}",
                    *("--db_host", str(cluster.socket), "--db_port", str(PORT), "--db_user", ROLE),
                    *("--max-cron-threads", "0", "--no-http", "--log-level", "warn"),
                ],
            }
            return [name for name in modules if not _run(workspace, name, setting)]


def _run(workspace: Workspace, name: str, setting: dict) -> bool:
    say(f"{name} on {workspace.engine} …")
    code, _output = process.attempt(
        [workspace.environment.python, "-m", f"tools.bench.{name}"],
        log=LOGS / f"{name}-{workspace.series}.log",
        cwd=ROOT,
        env=workspace.variables(SUITE_BENCH=json.dumps(setting), PYTHONPATH=str(ROOT)),
        watch=lambda line: print(line, end="", flush=True),
    )
    return code == 0


def _addons_path(workspace: Workspace, peers) -> str:
    return ",".join(map(str, [*workspace.engine.core_addons, workspace.addons_path, peers]))


def _with_others(workspace: Workspace, cluster: Cluster, peers, start: str, others: list[str]) -> str:
    """A template with addons of the OCA on top of the template `start`."""
    template = f"{start}_{others[0].split('_')[0]}"
    wanted = f"{peers} on {start} {cluster.databases().get(start)}"
    with exclusive(template):
        if cluster.databases().get(template) != wanted:
            say(f"Installing {', '.join(others)} once …")
            database.remove(workspace, cluster, template)
            database.duplicate(workspace, cluster, start, template)
            database.install(workspace, cluster, template, others, more_addons=[peers])
            cluster.comment(template, wanted)
    return template
