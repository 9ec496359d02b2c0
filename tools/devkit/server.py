"""A running Odoo: start it, wait until it answers, stop it; nothing stays behind."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from . import process
from .console import DevkitError
from .paths import LOGS
from .postgres import Cluster
from .workspace import Workspace

HOST = "127.0.0.1"
START_SECONDS = 180
GIVEN_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT = 12_000


def free_port() -> int:
    """A TCP port on loopback that nobody uses right now.

    Seconds pass until somebody listens there. So it is none of those that the system gives to whoever asks for any
    port, or connects to somewhere: meanwhile others do both.

    >>> port_is_taken(free_port())
    False
    """
    ports = range(LOWEST_PORT, max(LOWEST_PORT + 1000, _first_given_port()))
    while True:
        port = random.choice(ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def _first_given_port() -> int:
    """The first port that the system gives by itself."""
    try:
        return int(GIVEN_PORTS.read_text().split()[0])
    except OSError:  # not Linux: most others begin behind the registered ports
        return 49152


def port_is_taken(port: int) -> bool:
    """Whether something listens on `port` of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


class Server:
    """Odoo over one database, on loopback only.

    :param log: where its output goes; None for the terminal
    :param cron: how many threads run scheduled jobs
    """

    def __init__(
        self,
        workspace: Workspace,
        cluster: Cluster,
        database: str,
        *,
        port: int = 0,
        cron: int = 0,
        log: Path | None = None,
        words: tuple[str, ...] = (),
        variables: dict[str, str] | None = None,
        more_addons: list[Path] | None = None,
    ):
        self.workspace = workspace
        self.cluster = cluster
        self.database = database
        self.port = port or free_port()
        self.cron = cron
        self.log = log
        self.words = words
        self.variables = variables or {}
        self.more_addons = more_addons
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start Odoo and return when it answers over HTTP.

        :raises DevkitError: when it ends, or does not answer in time
        """
        command = self.workspace.odoo(
            self.cluster,
            self.database,
            *("--http-interface", HOST, "--http-port", str(self.port)),
            *("--workers=0", f"--max-cron-threads={self.cron}", *self.words),
            more_addons=self.more_addons,
        )
        with contextlib.ExitStack() as stack:
            output = None
            if self.log:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context(self.log.open("a"))
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                cwd=self.workspace.data_dir,
                env=self.workspace.variables(**self.variables),
                # Ctrl-C in the terminal reaches only the devkit, which stops Odoo in order.
                start_new_session=True,
                preexec_fn=process.die_with_parent(),
            )
        process.wait_until(lambda: self.process.poll() is not None or self.answers(), START_SECONDS, 0.3)
        if self.process.poll() is not None:
            raise DevkitError(f"Odoo ended with code {self.process.returncode}.{self._log_tail()}")
        if not self.answers():
            self.stop()
            raise DevkitError(f"Odoo did not answer within {START_SECONDS} s.{self._log_tail()}")

    def answers(self) -> bool:
        """Whether the database's login page can be had."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/web/login", timeout=60) as page:
                return page.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def wait(self) -> int:
        """Wait until Odoo ends by itself; its exit code."""
        return self.process.wait()

    def stop(self) -> None:
        """Stop Odoo in order; harmless when it does not run."""
        if self.process:
            process.stop(self.process)

    def kill9(self) -> None:
        """End Odoo the way a crash does: no chance to finish anything."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """Stop Odoo if it runs, and start it again on the same port."""
        self.stop()
        self.start()

    def wake_scheduler(self) -> None:
        """Let the scheduler look for what is due now, as any trigger of a job does; else it looks once a minute."""
        self.cluster.query(f"SELECT pg_notify('cron_trigger', '{self.database}')")

    def _log_tail(self) -> str:
        if not self.log or not self.log.exists():
            return ""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        return f"\n{tail}\nThe whole output is in {self.log}."


def test_log(name: str) -> Path:
    """A fresh log file for a server that a test starts."""
    log = LOGS / f"server-{name}.log"
    log.unlink(missing_ok=True)
    return log
