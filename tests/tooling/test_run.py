"""`make run`, `make stop` and `make clean` in a checkout of their own, with a stand-in for Odoo.

The stand-in answers like Odoo where the devkit looks: it installs by writing the table of
modules, and serves a login page. The real one is started by the tests of the running system.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tools.devkit import environment, process
from tools.devkit.paths import ROOT
from tools.devkit.server import free_port

STAND_IN = '''
import http.server, os, subprocess, sys, time

def option(name):
    words = [word for word in sys.argv if word.startswith(name)]
    if not words:
        return ""
    word = words[-1]
    return word.partition("=")[2] if "=" in word else sys.argv[sys.argv.index(word) + 1]

def psql(sql, database):
    subprocess.run(["psql", "-X", "-q", "-h", option("--db_host"), "-U", option("--db_user"),
                    "-d", database, "-c", sql], check=True)

database = option("-d")
if "-i" in sys.argv:
    subprocess.run(["createdb", "-h", option("--db_host"), "-U", option("--db_user"), database],
                   stderr=subprocess.DEVNULL)
    psql("CREATE TABLE IF NOT EXISTS ir_module_module (name text, state text)", database)
    if os.environ.get("STAND_IN_SLOW"):
        print("working", flush=True)
        time.sleep(120)
    for name in option("-i").split(","):
        psql(f"INSERT INTO ir_module_module VALUES ('{name}', 'installed')", database)
    sys.exit()

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"login")
    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(option("--http-port"))), Page).serve_forever()
'''


class Checkout:
    """A copy of the tools with one empty addon, an engine stand-in and a ready environment."""

    def __init__(self, home):
        self.home = home
        for name in ("Makefile", "requirements.txt"):
            shutil.copy(ROOT / name, home / name)
        shutil.copytree(ROOT / "tools", home / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        addon = home / "addons" / "sample"
        addon.mkdir(parents=True)
        (addon / "__manifest__.py").write_text("{'name': 'Sample', 'version': '17.0.1.0.0', 'depends': ['base']}")
        self.engine = home / "engine"
        (self.engine / "odoo" / "addons" / "base").mkdir(parents=True)
        (self.engine / "odoo" / "release.py").write_text("version_info = (17, 0, 0, 'final', 0, '')\n")
        (self.engine / "odoo" / "__init__.py").touch()
        (self.engine / "odoo" / "__main__.py").write_text(STAND_IN)
        self._ready_environment()

    def _ready_environment(self):
        venv = self.home / ".run" / "venv-17.0"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        requirements = [ROOT / "tools/requirements/17.0.txt", ROOT / "tools/requirements/odoo-tests.txt"]
        fingerprint = environment._fingerprint([*requirements, ROOT / "requirements.txt"])
        (venv / environment.BUILT_FROM).write_text(fingerprint)

    def variables(self, **settings):
        # Not the settings of the `make test` that runs this.
        inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
        return {**inherited, "ODOO_HOME": str(self.engine), "ENGINE": "17.0", "ADDON": "", "V": "", **settings}

    def make(self, *words, **settings):
        return subprocess.run(
            ["make", *words], cwd=self.home, env=self.variables(**settings), capture_output=True, text=True, timeout=120
        )

    @contextlib.contextmanager
    def running(self, wait_for: str, **settings):
        """`make run` in the background, up to the line that contains `wait_for`."""
        with subprocess.Popen(
            ["make", "run"],
            cwd=self.home,
            env=self.variables(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=process.die_with_parent(),
        ) as command:
            try:
                seen = []
                for line in command.stdout:
                    seen.append(line)
                    if wait_for in line:
                        break
                else:
                    raise AssertionError("".join(seen))
                command.ready_line = line
                yield command
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(command.pid, signal.SIGTERM)
                command.stdout.read()

    def processes(self) -> list[str]:
        """Command lines of processes that belong to this checkout."""
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                words = Path("/proc", entry, "cmdline").read_text().replace("\0", " ") if entry.isdigit() else ""
                if str(self.home) in words and "make run" not in words:
                    found.append(words)
        return found

    def is_quiet(self) -> bool:
        return process.wait_until(lambda: not self.processes(), 60)


@pytest.fixture
def checkout(tmp_path):
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(0o755)  # the database's user has to get there
    checkout = Checkout(tmp_path)
    yield checkout
    checkout.make("clean")


@pytest.fixture
def port():
    return str(free_port())


def test_first_and_second_start(checkout, port):
    with checkout.running("Ready:", PORT=port) as command:
        assert f"Ready: http://localhost:{port}" in command.ready_line
        assert "admin" in command.ready_line
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert page.read() == b"login"
    assert checkout.is_quiet(), checkout.processes()
    started = time.monotonic()
    with checkout.running("Ready:", PORT=port):
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_leaves_nothing_behind(checkout, port, number):
    with checkout.running("Ready:", PORT=port) as command:
        os.killpg(command.pid, number)
        command.stdout.read()
        command.wait(90)
    assert checkout.is_quiet(), checkout.processes()


def test_interrupt_during_the_build_leaves_nothing_and_the_next_start_works(checkout, port):
    with checkout.running("Building the demo database", PORT=port, STAND_IN_SLOW="1") as command:
        time.sleep(2)
        os.killpg(command.pid, signal.SIGINT)
        command.stdout.read()
        command.wait(90)
    assert checkout.is_quiet(), checkout.processes()
    with checkout.running("Ready:", PORT=port):
        pass


def test_killed_devkit_takes_odoo_with_it_and_stop_clears_the_rest(checkout, port):
    with checkout.running("Ready:", PORT=port):
        pid = next((checkout.home / ".run" / "running").glob("*.pid")).stem
        os.kill(int(pid), signal.SIGKILL)
        assert process.wait_until(lambda: not any("http-port" in words for words in checkout.processes()), 10)
    assert checkout.make("stop").returncode == 0
    assert checkout.is_quiet(), checkout.processes()


def test_taken_port_is_said_clearly(checkout, port):
    with checkout.running("Ready:", PORT=port):
        answer = checkout.make("run", PORT=port)
        assert answer.returncode
        assert f"Port {port} is already in use" in answer.stderr
        assert f"PORT={int(port) + 1}" in answer.stderr


def test_stop_ends_a_run_elsewhere(checkout, port):
    with checkout.running("Ready:", PORT=port) as command:
        answer = checkout.make("stop")
        assert "Stopped." in answer.stdout
        command.wait(60)
    assert checkout.is_quiet(), checkout.processes()
    assert "Nothing was running." in checkout.make("stop").stdout


def test_database_of_another_make_is_not_touched(checkout, port):
    with checkout.running("Ready:", PORT=port, DB="first"):
        pass
    with checkout.running("Ready:", PORT=port, DB="second"):
        pass


def test_bad_settings_are_refused(checkout):
    assert "is no port number" in checkout.make("run", PORT="http").stderr
    assert "DB=Some-Name" in checkout.make("run", DB="Some-Name").stderr


def test_clean_removes_everything(checkout, port):
    with checkout.running("Ready:", PORT=port):
        pass
    assert checkout.make("clean").returncode == 0
    assert not (checkout.home / ".run").exists()
