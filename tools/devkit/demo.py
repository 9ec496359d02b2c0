"""`make run`, `make stop`, `make clean`: the demo company on this machine."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from . import addons, database, process, server
from .console import DevkitError, say
from .engines import SERIES, Engine
from .locks import Lease, exclusive
from .paths import ADDONS, RUN
from .postgres import Cluster
from .workspace import prepare

# Scheduled jobs run in the demo, as they would in a real installation.
CRON_THREADS = 1
RUNNING = RUN / "running"
CONFIGURATION = RUN / "odoo.conf"


def run(engine: Engine, port: int, name: str) -> int:
    """Serve the demo company in the foreground until interrupted.

    :raises DevkitError: when the port is taken, or anything cannot be prepared
    """
    if not addons.all_addons():
        raise DevkitError(f"There is no addon in {ADDONS} to run.")
    _refuse_taken_port(port)
    workspace = prepare(engine, "demo")
    with Cluster(f"demo-{engine.series}", durable=True) as cluster:
        database.demo(workspace, cluster, name)
        _refuse_taken_port(port)
        # As a file, so that `odoo shell` and others can use it too.
        CONFIGURATION.write_text(workspace.configuration(cluster, name))
        odoo = server.Server(
            workspace,
            cluster,
            name,
            port=port,
            cron=CRON_THREADS,
            words=("-c", str(CONFIGURATION), "--log-level=warn"),
            variables=database.DEMO_FLAG,
        )
        with _registered():
            try:
                say("Starting Odoo …")
                odoo.start()
                print(f"\nReady: {odoo.url}  –  {logins()}  (Ctrl-C stops it)\n", flush=True)
                code = odoo.wait()
            finally:
                odoo.stop()
        raise DevkitError(f"Odoo ended by itself with code {code}.")


def logins() -> str:
    """Who can log in, in words."""
    if addons.DEMO_ADDON in addons.all_addons():
        return (
            "log in as buyer, purchasing_manager, finance_controller, operations_manager, auditor, "
            "admin …; the password is the login"
        )
    return "log in as admin, password admin"


def _refuse_taken_port(port: int) -> None:
    if server.port_is_taken(port):
        raise DevkitError(
            f"Port {port} is already in use on this machine (another `make run`?).\n"
            f"Stop that one (`make stop` for this checkout's), or choose another: make run PORT={port + 1}"
        )


@contextlib.contextmanager
def _registered():
    """Leave our process id where `make stop` finds it."""
    RUNNING.mkdir(parents=True, exist_ok=True)
    mark = RUNNING / f"{os.getpid()}.pid"
    mark.write_text(_started(os.getpid()))
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _started(pid: int) -> str:
    """When the kernel started process `pid`: tells it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def stop() -> int:
    """Stop every `make run` of this checkout, and database clusters nobody uses any more."""
    stopped = 0
    for mark in RUNNING.glob("*.pid"):
        pid = int(mark.stem)
        if _started(pid) and _started(pid) == mark.read_text():
            say(f"Stopping process {pid} …")
            os.kill(pid, signal.SIGTERM)
            process.wait_until(lambda pid=pid: not process.alive(pid), 60)
            stopped += 1
        mark.unlink(missing_ok=True)
    for cluster in _clusters():
        stopped += _stop_unused(cluster)
    say("Stopped." if stopped else "Nothing was running.")
    return 0


def _clusters() -> list[Cluster]:
    durable = [Cluster(f"demo-{series}", durable=True) for series in SERIES]
    return [*durable, Cluster("test", durable=False)]


def _stop_unused(cluster: Cluster) -> bool:
    if not cluster.exists() or not cluster.running():
        return False
    with exclusive(f"postgres-{cluster.name}"):
        lease = Lease(f"postgres-{cluster.name}")
        try:
            if not lease.is_last():
                say(f"The database cluster {cluster.name} is still used by another command.")
                return False
            cluster.stop()
        finally:
            lease.close()
    return True


def clean() -> int:
    """Stop everything and remove what was built; refuses while another command works here."""
    stop()
    for cluster in _clusters():
        if cluster.exists() and cluster.running():
            raise DevkitError(
                f"The database cluster {cluster.name} is in use: end the other `make` in this checkout first."
            )
        cluster.destroy()
    shutil.rmtree(RUN, ignore_errors=True)
    say("Removed .run: the next command builds everything anew.")
    return 0
