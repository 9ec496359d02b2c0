"""`make bench`: measurements side by side against plain Odoo and against the OCA's addon.

Prepares three databases with the same apps of Odoo – plain, with the suite, with the peer –
and runs every ``tools/bench/bench_*.py`` in the engine's Python.
"""

import hashlib
import json
import os
import shutil

from . import addons, database, environment, process
from .console import DevkitError, say
from .engines import Engine
from .locks import exclusive
from .paths import LOGS, REQUIREMENTS, ROOT, RUN, TOOLS
from .postgres import PORT, ROLE, Cluster
from .workspace import Workspace, prepare

PEERS = ["purchase_tier_validation"]
BENCHES = TOOLS / "bench"


def bench(engine: Engine) -> int:
    """Run all benches, or the one named by ``BENCH=`` (such as ``purchase_gate``).

    Fails when there is none, or one of them says that a limit is broken.
    """
    wanted = os.environ.get("BENCH", "") or "*"
    modules = sorted(file.stem for file in BENCHES.glob(f"bench_{wanted}.py"))
    if not modules:
        raise DevkitError(f"No bench: tools/bench has no bench_{wanted}.py.")
    workspace = prepare(engine, "test")
    peers = _peer_addons(workspace)
    broken = []
    with Cluster("test", durable=False) as cluster:
        database.remove_left_overs(workspace, cluster)
        names = addons.testable_addons()
        plain = database.base(workspace, cluster, names)
        suite = database.suite(workspace, cluster, names)
        peer = _peer_template(workspace, cluster, peers, plain)
        with (
            database.temporary_copy(workspace, cluster, plain, "plain") as plain_copy,
            database.temporary_copy(workspace, cluster, suite, "suite") as suite_copy,
            database.temporary_copy(workspace, cluster, peer, "peer") as peer_copy,
        ):
            setting = {
                "series": workspace.series,
                "databases": {"plain": plain_copy, "suite": suite_copy, "peer": peer_copy},
                "options": [
                    f"--addons-path={_addons_path(workspace, peers)}",
                    f"--data-dir={workspace.data_dir}",
                    *("--db_host", str(cluster.socket), "--db_port", str(PORT), "--db_user", ROLE),
                    *("--max-cron-threads", "0", "--no-http", "--log-level", "warn"),
                ],
            }
            broken = [name for name in modules if not _run(workspace, name, setting)]
    if broken:
        raise DevkitError(f"Out of limits or failed: {', '.join(broken)}")
    return 0


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


def _peer_addons(workspace: Workspace):
    """The directory with the OCA's addons, fetched from Python's package index once."""
    requirements = REQUIREMENTS / f"peers-{workspace.series}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    home = RUN / "peers" / f"{workspace.series}-{digest}"
    with exclusive("peers"):
        if not home.exists():
            say("Fetching the OCA's addons to compare with …")
            partial = home.with_suffix(".part")
            shutil.rmtree(partial, ignore_errors=True)
            pip = [workspace.environment.python, "-m", "pip", "install", "--disable-pip-version-check"]
            process.run(
                [*pip, "--no-deps", "--target", partial, "-r", requirements],
                what="Fetching the OCA's addons failed",
                log=LOGS / "peers.log",
                env=environment.for_engine(workspace.engine).variables(),
            )
            partial.rename(home)
    return home / "odoo" / "addons"


def _peer_template(workspace: Workspace, cluster: Cluster, peers, plain: str) -> str:
    template = f"{plain}_peer"
    wanted = f"{peers} on {plain}"
    with exclusive(template):
        if cluster.databases().get(template) != wanted:
            say(f"Installing {', '.join(PEERS)} once …")
            database.remove(workspace, cluster, template)
            database.duplicate(workspace, cluster, plain, template)
            database.install(workspace, cluster, template, PEERS, more_addons=[peers])
            cluster.comment(template, wanted)
    return template
