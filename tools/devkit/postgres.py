"""A private PostgreSQL cluster: own data directory, own socket, no TCP port, no superuser for Odoo.

The first command that needs a cluster starts it and the last one that used it stops it.
"""

import contextlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from . import debian, process
from .console import DevkitError, say
from .locks import Lease, exclusive
from .paths import CHECKOUT_ID, LOGS, RUN

ROLE = "odoo"
ADMIN = "postgres"
# PostgreSQL names its socket file after a port even where no port is opened.
PORT = 5432
# sun_path holds 107 characters and a terminating zero; the file name takes its share.
LONGEST_SOCKET_DIRECTORY = 107 - len(f"/.s.PGSQL.{PORT}.lock")
BINARIES = Path("/usr/lib/postgresql")
UNPRIVILEGED_USERS = ("postgres", "nobody")

COMMON_SETTINGS = {
    "listen_addresses": "''",
    "port": str(PORT),
    "max_connections": "150",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "off",
}
# Tests throw their databases away; nothing is lost when the machine crashes.
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "'5min'",
    # Tests of two at once run into each other on purpose, and would wait a second each time.
    "deadlock_timeout": "'200ms'",
}


class Cluster:
    """One cluster, named after its purpose.

    Use it as a context manager; inside, it runs.

    >>> Cluster("test", durable=False).settings["fsync"]
    'off'
    >>> "fsync" in Cluster("demo-17.0", durable=True).settings
    False
    """

    def __init__(self, name: str, *, durable: bool):
        self.name = name
        self.settings = COMMON_SETTINGS if durable else COMMON_SETTINGS | THROWAWAY_SETTINGS
        self.log = LOGS / f"postgres-{name}.log"
        self.os_user = _server_user()
        self.home = RUN / "pg" / name
        if self.os_user and not _can_reach(self.os_user, RUN.parent):
            self.home = Path("/var/tmp") / f"odoo-suite-{CHECKOUT_ID}" / name
        self._lease: Lease | None = None

    # --- where ------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """The socket's directory: libpq takes it as a host name."""
        place = self.home / "socket"
        if len(str(place)) > LONGEST_SOCKET_DIRECTORY:
            return Path("/tmp") / f"odoo-suite-{CHECKOUT_ID}-{self.name}"
        return place

    def exists(self) -> bool:
        """Whether the cluster has been created."""
        return (self.data / "PG_VERSION").exists()

    # --- life -------------------------------------------------------------------------

    def __enter__(self):
        debian.ensure(["postgresql"], why="the database")
        self._lease = Lease(f"postgres-{self.name}")
        with exclusive(f"postgres-{self.name}"):
            self._lease.take()
            if not self.running():
                self._start()
        return self

    def __exit__(self, *_exc):
        with exclusive(f"postgres-{self.name}"):
            if self._lease.is_last():
                self.stop()
        self._lease.close()

    def running(self) -> bool:
        """Whether the cluster's own server runs (a left-over pid file does not count)."""
        pid = self._pid()
        return bool(pid and process.alive(pid) and _is_postgres(pid))

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None

    def _start(self) -> None:
        if not self.exists():
            self._create()
        self._clear_stale_state()
        (self.data / "devkit.conf").write_text(
            "".join(f"{key} = {value}\n" for key, value in self.settings.items())
            + f"unix_socket_directories = '{self.socket}'\n"
        )
        self._hand_over(self.data / "devkit.conf")
        server_log = self.home / "server.log"
        try:
            self._as_owner(
                [_binary("pg_ctl"), "-D", self.data, "-l", server_log, "-w", "-t", "120", "start"],
                what=f"PostgreSQL ({self.name}) did not start",
            )
        except DevkitError as error:
            tail = server_log.read_text(errors="replace").splitlines()[-12:] if server_log.exists() else []
            raise DevkitError(
                f"{error}\n" + "\n".join(tail) + f"\nIts log: {server_log}. "
                "If its files are damaged, `make clean` builds everything anew."
            ) from None
        self._ensure_role()

    def _create(self) -> None:
        if os.geteuid() == 0 and not self.os_user:
            raise DevkitError(
                "PostgreSQL refuses to run as root, and there is no unprivileged user "
                f"({', '.join(UNPRIVILEGED_USERS)}) on this machine."
            )
        elsewhere = "" if self.home.is_relative_to(RUN) else f" in {self.home} (its user cannot reach {RUN})"
        say(f"Creating the database cluster {self.name}{elsewhere} …")
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.home.chmod(0o700)
        self._hand_over(self.home)
        self._as_owner(
            [
                _binary("initdb"),
                *("-D", self.data, "-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust"),
                *([] if "fsync" not in self.settings else ["--no-sync"]),
            ],
            what="initdb failed",
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("include 'devkit.conf'\n")

    def _clear_stale_state(self) -> None:
        """Remove what a crashed server left: it would refuse to start, or be mistaken for one."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.socket.mkdir(parents=True, exist_ok=True)
        self.socket.chmod(0o700)
        self._hand_over(self.socket)
        for left_over in self.socket.glob(".s.PGSQL.*"):
            left_over.unlink()

    def _ensure_role(self) -> None:
        if not self.query(f"SELECT 1 FROM pg_roles WHERE rolname = {_quote(ROLE)}"):
            self.query(f"CREATE ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER NOCREATEROLE")

    def stop(self) -> None:
        """Stop the server, if it runs; open connections are ended, transactions rolled back."""
        if not self.running():
            return
        with contextlib.suppress(DevkitError):
            self._as_owner(
                [_binary("pg_ctl"), "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop"],
                what=f"PostgreSQL ({self.name}) did not stop",
            )

    def destroy(self) -> None:
        """Stop the server and remove its files."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)

    # --- talking to it ----------------------------------------------------------------

    def query(self, sql: str, database: str = "postgres", role: str = ADMIN) -> list[list[str]]:
        """Run `sql` and return its rows as texts."""
        output = process.run(
            [
                _binary("psql"),
                *("-h", self.socket, "-p", PORT, "-U", role, "-d", database),
                *("-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-c", sql),
            ],
            what=f"SQL failed: {sql}",
        )
        return [line.split("\x1f") for line in output.splitlines() if line]

    def databases(self) -> dict[str, str]:
        """Database names with their comments, templates of PostgreSQL itself left out."""
        rows = self.query(
            "SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '')"
            " FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        )
        return {row[0]: row[1] if len(row) > 1 else "" for row in rows}

    def comment(self, database: str, text: str) -> None:
        """Note `text` on `database`; `databases` gives it back."""
        self.query(f'COMMENT ON DATABASE "{database}" IS {_quote(text)}')

    def copy(self, template: str, database: str) -> None:
        """A new database with the contents of `template` (nobody may be connected to it)."""
        self._end_connections(template)
        self.query(f'CREATE DATABASE "{database}" TEMPLATE "{template}" OWNER {ROLE}')

    def rename(self, database: str, name: str) -> None:
        self._end_connections(database)
        self.query(f'ALTER DATABASE "{database}" RENAME TO "{name}"')

    def drop(self, database: str) -> None:
        self.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _end_connections(self, database: str) -> None:
        self.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {_quote(database)}")

    # --- as whom ----------------------------------------------------------------------

    def _as_owner(self, command: list, *, what: str) -> str:
        if self.os_user:
            group = pwd.getpwnam(self.os_user).pw_gid
            command = ["setpriv", f"--reuid={self.os_user}", f"--regid={group}", "--clear-groups", *command]
        return process.run(
            command,
            what=what,
            log=self.log,
            cwd=Path("/"),
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )

    def _hand_over(self, path: Path) -> None:
        if self.os_user:
            account = pwd.getpwnam(self.os_user)
            os.chown(path, account.pw_uid, account.pw_gid)


def _server_user() -> str:
    """Who runs the server when we are root, which PostgreSQL refuses; empty for ourselves."""
    if os.geteuid() != 0:
        return ""
    return next((name for name in UNPRIVILEGED_USERS if _user_exists(name)), "")


def _binary(name: str) -> Path:
    """The newest installed PostgreSQL's program `name`."""
    versions = sorted(
        (path for path in BINARIES.glob("*/bin") if (path / "initdb").exists()),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
    )
    if not versions:
        raise DevkitError(f"No PostgreSQL server found in {BINARIES}. Install: apt-get install postgresql")
    return versions[-1] / name


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _can_reach(user: str, directory: Path) -> bool:
    """Whether `user` may traverse every directory down to `directory`."""
    account = pwd.getpwnam(user)
    for place in (directory, *directory.parents):
        status = place.stat()
        if status.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        elif status.st_gid == account.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def _is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
