"""A real directory of people for `make test-ldap`: OpenLDAP on loopback, for as long as the tests run.

Debian's packages are unpacked below ``.run``: no server is installed on the machine or started by
its boot. Names of packages are those of Debian 12, whose Python the library for it is built for.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace

from . import database, debian, process
from .console import DevkitError, say
from .engines import Engine
from .environment import Environment
from .locks import exclusive
from .paths import LOGS, RUN
from .postgres import Cluster
from .server import HOST, free_port, port_is_taken
from .suite import in_odoo, report
from .workspace import prepare

ADDON = "distribution_identity_ldap"
TAG = "ldap"
PACKAGES = [
    "slapd", "libwrap0", "libltdl7", "libodbc2", "libargon2-1", "python3-ldap", "python3-pyasn1",
    "python3-pyasn1-modules",
]  # fmt: skip
HOME = RUN / "ldap"
PROGRAMS = HOME / "programs"
START_SECONDS = 20
# As the tests know it.
SUFFIX = "dc=house,dc=example"
ADMIN = f"cn=admin,{SUFFIX}"
PASSWORD = "of-the-house"

CONFIGURATION = f"""# Written by the devkit; changes here are lost.
include {PROGRAMS}/etc/ldap/schema/core.schema
include {PROGRAMS}/etc/ldap/schema/cosine.schema
include {PROGRAMS}/etc/ldap/schema/inetorgperson.schema
modulepath {PROGRAMS}/usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
pidfile {HOME}/slapd.pid
argsfile {HOME}/slapd.args
# Nobody reads without a name and a password.
require authc
access to attrs=userPassword by anonymous auth by * none
access to * by users read
database mdb
directory {HOME}/data
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw {PASSWORD}
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes member
"""
ROOT_ENTRY = f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: house\no: House\n"


def test(engine: Engine) -> int:
    """`make test-ldap`: sign-in through a directory, on one engine."""
    _unpack()
    workspace = prepare(engine, "test", [ADDON])
    workspace = replace(workspace, environment=WithLdap(workspace.environment.home))
    with Cluster("test", durable=False) as cluster, Directory() as directory:
        database.remove_left_overs(workspace, cluster)
        os.environ["SUITE_LDAP_PORT"] = str(directory.port)
        result = in_odoo(workspace, cluster, "sign-in through LDAP", [ADDON], [TAG], purpose=TAG)
    return report([result])


@dataclass(frozen=True)
class WithLdap(Environment):
    """An engine's environment in which ``import ldap`` works as well."""

    def variables(self, **more: str) -> dict[str, str]:
        packages = PROGRAMS / "usr/lib/python3/dist-packages"
        return super().variables(**({"PYTHONPATH": str(packages)} | more))


class Directory:
    """An empty directory that is gone afterwards; use it as a context manager."""

    def __init__(self):
        self.port = free_port()
        self.log = LOGS / "slapd.log"

    def __enter__(self) -> "Directory":
        shutil.rmtree(HOME / "data", ignore_errors=True)
        (HOME / "data").mkdir(parents=True)
        configuration = HOME / "slapd.conf"
        configuration.write_text(CONFIGURATION)
        root_entry = HOME / "root.ldif"
        root_entry.write_text(ROOT_ENTRY)
        process.run(
            [PROGRAMS / "usr/sbin/slapd", "-T", "add", "-f", configuration, "-l", root_entry],
            what="The directory could not be made",
            log=self.log,
            env=_variables(),
        )
        say("Starting a directory (OpenLDAP) on loopback …")
        with self.log.open("a") as output:
            self.server = subprocess.Popen(
                [PROGRAMS / "usr/sbin/slapd", "-h", f"ldap://{HOST}:{self.port}/", "-f", configuration, "-d", "0"],
                env=_variables(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=process.die_with_parent(),
            )
        if not process.wait_until(lambda: port_is_taken(self.port), START_SECONDS):
            self.__exit__()
            raise DevkitError(f"The directory did not start.\n{self.log.read_text()[-2000:]}\nLog: {self.log}")
        return self

    def __exit__(self, *_exc) -> None:
        process.stop(self.server)
        shutil.rmtree(HOME / "data", ignore_errors=True)


def _unpack() -> None:
    """Have the programs below ``.run``; says so first."""
    mark = PROGRAMS / "unpacked"
    with exclusive("ldap"):
        if mark.exists() and mark.read_text() == " ".join(PACKAGES):
            return
        say(f"Unpacking Debian packages into .run/ldap: {' '.join(PACKAGES)} …")
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        PROGRAMS.mkdir(parents=True)
        for package in debian.download_from_own_release(PACKAGES):
            process.run(["dpkg", "-x", package, PROGRAMS], what=f"Unpacking {package.name} failed")
        lacking = [
            line.split()[0]
            for line in process.run(
                ["ldd", PROGRAMS / "usr/sbin/slapd"], what="ldd failed", env=_variables()
            ).splitlines()
            if "not found" in line
        ]
        if lacking:
            raise DevkitError(f"OpenLDAP needs {', '.join(lacking)}.\nInstall by hand: apt-get install slapd")
        mark.write_text(" ".join(PACKAGES))


def _variables() -> dict[str, str]:
    libraries = sorted({str(file.parent) for file in PROGRAMS.rglob("*.so.*")})
    return os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}
