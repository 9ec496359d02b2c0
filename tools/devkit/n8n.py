"""A real n8n for `make test-n8n`: from npm, below ``.run``, on loopback, for as long as the tests run.

It takes 1.4 GB and some minutes, once for each version. n8n is a test peer and a service of the compose
file; it is not part of the suite.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from . import database, debian, process
from .console import DevkitError, say
from .engines import Engine
from .locks import exclusive
from .paths import LOGS, ROOT, RUN
from .postgres import Cluster
from .server import HOST, free_port
from .suite import demo_template, report, run_pytest
from .workspace import prepare

# The version that docker-compose.yml runs.
VERSION = re.search(r"N8N_VERSION:-([\d.]+)", (ROOT / "docker-compose.yml").read_text())[1]
NODE_MAJOR = 20
PROGRAMS = RUN / f"n8n-{VERSION}"
TESTS = ROOT / "tests" / "n8n"
# What npm cannot find out by itself: an archive outside the registry, and a peer of another major version.
OVERRIDES = {"xlsx": "0.18.5", "@langchain/langgraph-checkpoint": "1.0.0"}
INSTALL_SECONDS = 1800
START_SECONDS = 180
SETTINGS = {
    "DB_SQLITE_POOL_SIZE": "2",
    "DB_TYPE": "sqlite",
    "GENERIC_TIMEZONE": "UTC",
    "N8N_BLOCK_ENV_ACCESS_IN_NODE": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_ENCRYPTION_KEY": "of-the-tests",
    "N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS": "true",
    # The newer engine needs Node 22.
    "N8N_EXPRESSION_ENGINE": "legacy",
    "N8N_HIRING_BANNER_ENABLED": "false",
    "N8N_HOST": "localhost",
    "N8N_LISTEN_ADDRESS": HOST,
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_RUNNERS_ENABLED": "true",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "NODE_FUNCTION_ALLOW_BUILTIN": "crypto",
}


def test(engine: Engine) -> int:
    """`make test-n8n`: the workflows in n8n, between Odoo and what stands for the other sides."""
    install()
    workspace = prepare(engine, "test")
    with Cluster("test", durable=False) as cluster:
        database.remove_left_overs(workspace, cluster)
        template = demo_template(workspace, cluster)
        say(f"n8n {VERSION} with {workspace.engine} …")
        result = run_pytest(
            f"n8n ({workspace.series})",
            [str(TESTS)],
            pythonpath=[ROOT],
            variables={"SUITE_SERIES": workspace.series, "SUITE_DEMO_TEMPLATE": template},
        )
    return report([result])


def is_installed() -> bool:
    """Whether this version was installed to its end."""
    mark = PROGRAMS / "installed"
    return mark.exists() and mark.read_text() == _manifest()


def install() -> None:
    """Have n8n below ``.run``; says so first.

    :raises DevkitError: when Node is missing or too old, or npm does not get to its end
    """
    _ensure_node()
    with exclusive("n8n"):
        if is_installed():
            return
        say(f"Installing n8n {VERSION} from npm in .run/{PROGRAMS.name} (1.4 GB, some minutes, once) …")
        log = LOGS / "n8n-install.log"
        log.unlink(missing_ok=True)
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        PROGRAMS.mkdir(parents=True)
        (PROGRAMS / "package.json").write_text(_manifest())
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        for words in (
            ("install", "--legacy-peer-deps", "--ignore-scripts", "--omit=dev", *quiet),
            ("rebuild", "sqlite3", *quiet),
        ):
            process.run(
                ["npm", *words],
                what=f"npm {words[0]} failed",
                log=log,
                cwd=PROGRAMS,
                timeout=INSTALL_SECONDS,
                remedy="Check that npm's registry can be reached from this machine.",
            )
        (PROGRAMS / "installed").write_text(_manifest())


def _manifest() -> str:
    known = {"name": "n8n-for-tests", "private": True, "dependencies": {"n8n": VERSION}, "overrides": OVERRIDES}
    return json.dumps(known, indent=2) + "\n"


def _ensure_node() -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        debian.ensure(["nodejs", "npm"], why="n8n")
    version = process.run(["node", "--version"], what="node does not run").strip()
    if int(re.match(r"v(\d+)", version)[1]) < NODE_MAJOR:
        raise DevkitError(
            f"n8n {VERSION} needs Node {NODE_MAJOR} or newer; this is {version}.\n"
            f"Install by hand: Node {NODE_MAJOR} from https://nodejs.org, in front of the PATH."
        )


class N8n:
    """n8n with a directory of its own, on loopback only.

    :param home: where it keeps its database
    :param variables: process environment besides the settings, such as the secrets of the workflows
    """

    def __init__(self, home: Path, log: Path, variables: dict[str, str] | None = None):
        self.home = home
        self.log = log
        self.variables = variables or {}
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The process environment: nothing of n8n's that whoever starts the tests has set."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("N8N_", "DISTRIBUTION_"))
        }
        return inherited | SETTINGS | {
            "N8N_PORT": str(self.port),
            "N8N_RUNNERS_BROKER_PORT": str(free_port()),
            "N8N_USER_FOLDER": str(self.home),
            "WEBHOOK_URL": f"{self.url}/",
        } | self.variables  # fmt: skip

    def command(self, *words: str | Path) -> str:
        """Run a command of n8n's own, such as ``import:workflow``, to its end; its output."""
        return process.run(
            [self._program(), *words], what=f"n8n {words[0]} failed", log=self.log, env=self.environment(), timeout=180
        )

    def start(self) -> None:
        """Start n8n and return when it is ready; its webhooks answer some seconds later.

        :raises DevkitError: when it ends, or does not answer in time
        """
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [self._program(), "start"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env=self.environment(),
                start_new_session=True,
                preexec_fn=process.die_with_parent(),
            )
        process.wait_until(lambda: self.process.poll() is not None or self.is_ready(), START_SECONDS, 0.3)
        if not self.is_ready():
            self.stop()
            raise DevkitError(f"n8n did not start.\n{self.log.read_text()[-2000:]}\nLog: {self.log}")

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz/readiness", timeout=10) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Stop n8n in order; harmless when it does not run."""
        if self.process:
            process.stop(self.process)

    def _program(self) -> Path:
        return PROGRAMS / "node_modules" / ".bin" / "n8n"
