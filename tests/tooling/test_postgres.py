"""The private cluster: starts after a crash, keeps Odoo's role small, stops with its last user."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.devkit import postgres, process
from tools.devkit.paths import ROOT
from tools.devkit.postgres import ROLE, Cluster


@pytest.fixture
def cluster():
    """A cluster of this test's own; gone afterwards."""
    cluster = Cluster(f"tooling-{os.getpid()}", durable=False)
    yield cluster
    cluster.destroy()


def server_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split("\n")[0])


def test_odoos_role_is_no_superuser_and_no_tcp_port_is_open(cluster):
    with cluster:
        row = cluster.query(f"SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = '{ROLE}'")
        assert row == [["f", "f", "t"]]
        assert cluster.query("SHOW listen_addresses") == []
        assert cluster.socket.stat().st_mode & 0o077 == 0, "others could connect"
    assert not cluster.running()


def test_last_user_stops_it(cluster):
    other = Cluster(cluster.name, durable=False)
    with cluster:
        with other:
            pid = server_pid(cluster)
        assert process.alive(pid), "the first user still needs it"
    assert not process.alive(pid)


def test_starts_after_a_crash(cluster):
    with cluster:
        cluster.query("CREATE TABLE kept AS SELECT 7 AS n")
        cluster.query("CHECKPOINT")
        pid = server_pid(cluster)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert children
        os.kill(pid, signal.SIGKILL)
        # They notice; until the last one has, nobody else may have its memory.
        assert process.wait_until(lambda: not any(map(process.alive, [pid, *map(int, children)])), 30)
    assert (cluster.data / "postmaster.pid").exists(), "the crash left a stale pid file"
    with cluster:
        assert cluster.query("SELECT n FROM kept") == [["7"]]


def test_stale_pid_file_of_another_process_does_not_count(cluster):
    with cluster:
        cluster.query("SELECT 1")
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert not cluster.running()
    with cluster:
        assert cluster.query("SELECT 1") == [["1"]]


def test_settings_for_demo_are_durable():
    assert not {"fsync", "full_page_writes", "synchronous_commit"} & set(Cluster("x", durable=True).settings)


def test_long_checkout_path_gets_a_short_socket(monkeypatch, tmp_path):
    checkout = tmp_path / ("long-" * 30)
    checkout.mkdir()
    monkeypatch.setattr(postgres, "RUN", checkout / ".run")
    monkeypatch.setattr(postgres, "_can_reach", lambda user, place: True)
    cluster = Cluster("demo-17.0", durable=True)
    assert len(str(cluster.socket)) <= postgres.LONGEST_SOCKET_DIRECTORY
    assert str(cluster.socket).startswith("/tmp/odoo-suite-")


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_unreachable_checkout_is_noticed(tmp_path, mode):
    place = tmp_path / "home" / "checkout"
    place.mkdir(parents=True)
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(0o755)
    place.parent.chmod(mode)
    if os.geteuid() == 0:
        assert postgres._can_reach("nobody", place) == (mode == 0o755)
    else:
        assert postgres._can_reach(__import__("getpass").getuser(), place)


def test_killed_command_leaves_a_cluster_that_the_next_one_takes_over(cluster):
    code = (
        "import sys, time; from tools.devkit.postgres import Cluster\n"
        f"with Cluster({cluster.name!r}, durable=False):\n    print('up', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as command:
        while "up" not in command.stdout.readline():
            assert command.poll() is None
        command.kill()
    pid = server_pid(cluster)
    assert process.alive(pid)
    with cluster:
        assert server_pid(cluster) == pid
    assert not process.alive(pid)
