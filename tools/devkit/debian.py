"""Debian packages: the ones a run needs on the machine, and single ones from sid beside it."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import process
from .console import DevkitError, say
from .locks import exclusive
from .paths import DOWNLOADS, LOGS

APT_LOG = LOGS / "apt.log"
SOURCES = Path("/etc/apt")
#: What draws the suite's reports (WeasyPrint), and the fonts that they are written in.
DRAWING = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-noto-core"]


def installed(package: str) -> bool:
    """Whether dpkg has `package` fully installed."""
    try:
        status = process.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], what="dpkg-query failed")
    except (DevkitError, FileNotFoundError):
        return False
    return status.strip() == "installed"


def ensure(packages: list[str], *, why: str) -> None:
    """Install the Debian `packages` that are missing; says so first.

    :raises DevkitError: when this is no Debian, or neither root nor sudo is at hand
    """
    missing = [package for package in packages if not installed(package)]
    if not missing:
        return
    by_hand = f"Install by hand: apt-get install {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise DevkitError(f"{' '.join(missing)} needed ({why}), but this is no Debian.\n{by_hand}")
    prefix = _become_root(by_hand)
    with exclusive("apt"):
        say(f"Installing Debian packages on this machine: {' '.join(missing)} ({why}) …")
        _update_once(prefix)
        with _no_system_cluster(prefix, "postgresql" in missing):
            _apt_install(prefix, missing, by_hand)


def _become_root(by_hand: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise DevkitError(f"Debian packages are missing, and there is neither root nor sudo.\n{by_hand}")


def _update_once(prefix: list[str]) -> None:
    process.run(
        [*prefix, "apt-get", "-o", "DPkg::Lock::Timeout=300", "update"],
        what="apt-get update failed",
        log=APT_LOG,
        remedy="Check this machine's network and /etc/apt/sources.list*.",
    )


def _apt_install(prefix: list[str], packages: list[str], by_hand: str) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    process.run(
        [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *command, *packages],
        what=f"Installing {' '.join(packages)} failed",
        log=APT_LOG,
        remedy=by_hand,
    )


class _no_system_cluster:
    """While `postgresql` is being installed, Debian shall not create and start a cluster for it.

    Ours is private; a machine that had no PostgreSQL server running keeps none.
    """

    SETTING = "/etc/postgresql-common/createcluster.d/suite-devkit.conf"

    def __init__(self, prefix: list[str], needed: bool):
        self.prefix = prefix
        self.needed = needed

    def __enter__(self):
        if self.needed:
            _apt_install(self.prefix, ["postgresql-common"], "")
            process.run(
                [
                    *self.prefix,
                    "sh",
                    "-c",
                    f"mkdir -p $(dirname {self.SETTING}) && echo create_main_cluster = false > {self.SETTING}",
                ],
                what="Could not tell Debian not to start a PostgreSQL server",
            )

    def __exit__(self, *_exc):
        if self.needed:
            process.run([*self.prefix, "rm", "-f", self.SETTING], what="rm failed")


@dataclass(frozen=True)
class Mirror:
    """A Debian mirror as this machine's own sources name it."""

    uri: str
    signed_by: str = ""


def mirror(sources: Path = SOURCES) -> Mirror:
    """The first main archive mirror in this machine's apt sources (either file format).

    :raises DevkitError: when the sources name none
    """
    found = [
        *_deb822_mirrors(sorted((sources / "sources.list.d").glob("*.sources"))),
        *_one_line_mirrors([sources / "sources.list", *sorted((sources / "sources.list.d").glob("*.list"))]),
    ]
    for candidate in found:
        if re.search(r"/debian/?$", candidate.uri):
            return candidate
    raise DevkitError(f"No Debian mirror found in {sources}: expected an entry whose address ends in /debian.")


def _deb822_mirrors(files: list[Path]) -> list[Mirror]:
    found = []
    for file in files:
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza, re.M))
            if fields.get("Enabled", "yes").strip() == "no" or "deb" not in fields.get("Types", "").split():
                continue
            key = fields.get("Signed-By", "").strip()
            for uri in fields.get("URIs", "").split():
                found.append(Mirror(uri, key if key.startswith("/") else ""))
    return found


def _one_line_mirrors(files: list[Path]) -> list[Mirror]:
    found = []
    for file in files:
        if not file.exists():
            continue
        for options, uri in re.findall(r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s", file.read_text(), re.M):
            key = re.search(r"signed-by=(/\S+)", options or "")
            found.append(Mirror(uri, key.group(1) if key else ""))
    return found


class Archive:
    """A private view on one suite of the machine's mirror, beside the system's own apt.

    Its lists, cache and state are in a directory of ours; the system's sources stay as
    they are. apt checks the mirror's signature and each package's hash.
    """

    def __init__(self, suite: str, directory: Path):
        self.suite = suite
        self.directory = directory

    def refresh(self) -> None:
        """Fetch the suite's package list.

        :raises DevkitError: when the mirror cannot be reached or its signature is wrong
        """
        source = mirror()
        for name in ("parts", "state/lists/partial", "cache/archives/partial"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "state/status").touch()
        signed = f"Signed-By: {source.signed_by}\n" if source.signed_by else ""
        (self.directory / "parts/suite.sources").write_text(
            f"Types: deb\nURIs: {source.uri}\nSuites: {self.suite}\nComponents: main\n{signed}"
        )
        process.run(
            [*self._apt("apt-get"), "update"],
            what=f"Fetching the package list of Debian {self.suite} failed",
            log=APT_LOG,
            remedy="Check that this machine's Debian mirror can be reached.",
        )

    def version_and_hash(self, package: str) -> tuple[str, str]:
        """The version and SHA-256 that the signed package list states for `package`."""
        record = process.run(
            [*self._apt("apt-cache"), "show", "--no-all-versions", package],
            what=f"Debian {self.suite} has no package {package}",
        )
        fields = dict(re.findall(r"^(Version|SHA256): (\S+)$", record, re.M))
        return fields["Version"], fields["SHA256"]

    def download(self, packages: list[str]) -> list[Path]:
        """Download `packages`; apt refuses a file whose hash is not the listed one."""
        return _download(self._apt("apt-get"), packages)

    def _apt(self, program: str) -> list[str]:
        here = self.directory
        return [
            program,
            "-q",
            *("-o", "Dir::Etc::SourceList=/dev/null"),
            *("-o", f"Dir::Etc::SourceParts={here}/parts"),
            *("-o", f"Dir::State={here}/state"),
            *("-o", f"Dir::State::Lists={here}/state/lists"),
            *("-o", f"Dir::State::status={here}/state/status"),
            *("-o", f"Dir::Cache={here}/cache"),
            *("-o", "Acquire::Languages=none"),
            # A mirror may lag weeks behind. Its signature still counts, and callers compare
            # versions and hashes with what they know.
            *("-o", "Acquire::Check-Valid-Until=false"),
            *("-o", "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false"),
            # The unprivileged user apt would switch to may not reach this checkout.
            *("-o", f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}"),
        ]


def download_from_own_release(packages: list[str]) -> list[Path]:
    """Download `packages` of this machine's release without installing them."""
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    try:
        return _download(command, packages)
    except DevkitError:
        with exclusive("apt"):
            _update_once(_become_root("Run: apt-get update"))
        return _download(command, packages)


def _download(apt_get: list[str], packages: list[str]) -> list[Path]:
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    for package in packages:
        for old in DOWNLOADS.glob(f"{package}_*.deb"):
            old.unlink()
    process.run(
        [*apt_get, "download", *packages],
        what=f"Downloading {' '.join(packages)} failed",
        log=APT_LOG,
        cwd=DOWNLOADS,
        remedy="Check that this machine's Debian mirror can be reached.",
    )
    return [next(DOWNLOADS.glob(f"{package}_*.deb")) for package in packages]
