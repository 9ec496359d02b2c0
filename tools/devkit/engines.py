"""Finds an Odoo to run on: 17.0 at hand, 17.0 from Odoo's archive, or Debian's 19.0.

`find` returns an `Engine`; everything else in the devkit asks it, and never the series'
number, where things are.
"""

import hashlib
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import debian, process
from .console import DevkitError, say, warn
from .locks import exclusive
from .paths import DOWNLOADS, ENGINES, LOGS

SERIES = ("17.0", "19.0")

DEFAULT_HOME = Path("/opt/odoo/17.0")
ARCHIVE_URL = "https://nightly.odoo.com/17.0/nightly/src/odoo_17.0.latest.tar.gz"
ARCHIVE_CONNECT_SECONDS = 6
ARCHIVE_HOME = ENGINES / "17.0-archive"

DEBIAN_SUITE = "sid"
DEBIAN_PACKAGE = "odoo-19"
# What the suite was last built and tested against. apt proves that a download is what the
# mirror's signed list says; these tell when the list has moved on.
DEBIAN_TESTED_VERSION = "19.0.0+dfsg-1"
DEBIAN_TESTED_SHA256 = "9d2f598b0555db17e291d48ed24df184c70823c053c4c5ed53c467ca7f629bbf"
DEBIAN_HOME = ENGINES / "19.0-debian"
# Odoo's web client links to these files of other packages.
LINKED_FROM_SID = ["fonts-montserrat"]
LINKED_FROM_OWN_RELEASE = [
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "fonts-glyphicons-halflings",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
]
# Debian leaves this file out of its package, and the web client's bundle names it.
LEFT_OUT_BY_DEBIAN = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"

READY_MARK = "devkit-complete"


@dataclass(frozen=True)
class Engine:
    """An Odoo source tree that can be started.

    :param series: ``17.0`` or ``19.0``
    :param source: the directory that contains the package ``odoo``
    :param origin: where it came from, in words
    """

    series: str
    source: Path
    origin: str

    @property
    def core_addons(self) -> list[Path]:
        """Directories with Odoo's own addons.

        A checkout has two; archives and packages have them all in the second (Debian's has a
        copy of the first, too).
        """
        beside, inside = self.source / "addons", self.source / "odoo" / "addons"
        return [inside] if (inside / "web").is_dir() or not beside.is_dir() else [beside, inside]

    @property
    def names_no_demo(self) -> list[str]:
        """Command-line words that create a database without Odoo's demo data."""
        return ["--without-demo=all"] if self.series == "17.0" else []

    def __str__(self) -> str:
        return f"Odoo {self.series} ({self.origin})"


def find(series: str = "") -> Engine:
    """The engine to use; downloads one when none is at hand.

    :param series: ``17.0`` or ``19.0`` to insist on one; empty for the first to be had
    :raises DevkitError: when that series (or any) cannot be had here
    """
    if series and series not in SERIES:
        raise DevkitError(f"ENGINE={series} is not known. Use ENGINE={' or ENGINE='.join(SERIES)}.")
    if series == "19.0":
        return debian_19()
    engine = at_hand_17() or official_archive_17()
    if engine:
        return engine
    if series == "17.0":
        raise DevkitError(
            "No Odoo 17.0 source: none in ODOO_HOME or "
            f"{DEFAULT_HOME}, and Odoo's archive cannot be reached.\n"
            "Clone Odoo 17.0 and name its directory: make … ODOO_HOME=/path/to/odoo"
        )
    return debian_19()


def can_have_17() -> bool:
    """Whether an engine 17.0 is at hand without downloading (for `.ci/run`)."""
    return at_hand_17() is not None or (ARCHIVE_HOME / READY_MARK).exists()


def at_hand_17() -> Engine | None:
    """The 17.0 source tree named by ``ODOO_HOME``, else at the default place.

    :raises DevkitError: when ``ODOO_HOME`` is set but is not a 17.0 source tree
    """
    named = os.environ.get("ODOO_HOME", "")
    home = Path(named).expanduser().resolve() if named else DEFAULT_HOME
    if (home / "odoo" / "release.py").is_file():
        found = read_series(home)
        if found == "17.0":
            return Engine("17.0", home, f"source in {home}")
        if named:
            raise DevkitError(f"ODOO_HOME={named} is Odoo {found}; the suite needs 17.0.")
    elif named:
        raise DevkitError(f"ODOO_HOME={named} is no Odoo source tree: it has no odoo/release.py.")
    return None


def read_series(source: Path) -> str:
    """The series that a source tree's ``release.py`` states, e.g. ``17.0``."""
    for line in (source / "odoo" / "release.py").read_text().splitlines():
        if line.startswith("version_info"):
            numbers = line.partition("(")[2].split(",")
            return ".".join(number.strip().strip("'\"") for number in numbers[:2])
    return "unknown"


def official_archive_17() -> Engine | None:
    """Odoo's nightly 17.0 source archive; None when it cannot be reached (one quick try)."""
    with exclusive("engine-17.0"):
        if not (ARCHIVE_HOME / READY_MARK).exists():
            url = os.environ.get("ODOO_ARCHIVE_URL") or ARCHIVE_URL
            archive = _fetch_archive(url)
            if not archive:
                return None
            _unpack_archive(archive, ARCHIVE_HOME)
    origin = (ARCHIVE_HOME / READY_MARK).read_text().strip()
    return Engine("17.0", ARCHIVE_HOME, f"Odoo's archive {origin}")


def _fetch_archive(url: str) -> Path | None:
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    archive = DOWNLOADS / "odoo_17.0.tar.gz"
    partial = archive.with_suffix(".part")
    say(f"Trying Odoo's 17.0 source archive {url} …")
    try:
        with (
            urllib.request.urlopen(url, timeout=ARCHIVE_CONNECT_SECONDS) as response,
            partial.open("wb") as target,
        ):
            shutil.copyfileobj(response, target, 1 << 20)
            expected = response.headers.get("Content-Length")
    except (urllib.error.URLError, OSError) as error:
        say(f"Not reachable ({getattr(error, 'reason', error)}).")
        partial.unlink(missing_ok=True)
        return None
    if expected and partial.stat().st_size != int(expected):
        warn(f"The archive arrived incomplete ({partial.stat().st_size} of {expected} bytes).")
        partial.unlink()
        return None
    partial.replace(archive)
    return archive


def _unpack_archive(archive: Path, home: Path) -> None:
    """Unpack a nightly source distribution: one directory, Odoo's addons in ``odoo/addons``."""
    unpacked = home.with_name(home.name + ".part")
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    unpacked.mkdir(parents=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(unpacked)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DevkitError(f"{archive} is no readable archive ({error}). Remove it and try again.") from error
    tops = [path for path in unpacked.iterdir() if (path / "odoo" / "release.py").is_file()]
    if len(tops) != 1:
        raise DevkitError(f"{archive} is not laid out like an Odoo source archive.")
    found = read_series(tops[0])
    if found != "17.0":
        raise DevkitError(f"{archive} holds Odoo {found}, not 17.0.")
    tops[0].rename(home)
    shutil.rmtree(unpacked, ignore_errors=True)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (home / READY_MARK).write_text(f"{tops[0].name} (sha256 {digest[:16]}…)\n")
    say(f"Unpacked {tops[0].name}, sha256 {digest}.")
    archive.unlink()


def debian_19() -> Engine:
    """Debian's package ``odoo-19`` unpacked beside the system, not installed.

    :raises DevkitError: when Debian's mirror cannot be reached
    """
    with exclusive("engine-19.0"):
        if not (DEBIAN_HOME / READY_MARK).exists():
            _unpack_debian_19()
    version = (DEBIAN_HOME / READY_MARK).read_text().strip()
    source = DEBIAN_HOME / "usr/lib/python3/dist-packages"
    return Engine("19.0", source, f"Debian {version}")


def _unpack_debian_19() -> None:
    if not shutil.which("dpkg-deb") or not shutil.which("apt-get"):
        raise DevkitError(
            "Odoo 19.0 comes from Debian's packages, and this is no Debian.\n"
            "Clone Odoo 17.0 and name its directory: make … ODOO_HOME=/path/to/odoo"
        )
    say(f"Fetching Odoo 19.0 (Debian {DEBIAN_SUITE}, package {DEBIAN_PACKAGE}, 123 MB) …")
    archive = debian.Archive(DEBIAN_SUITE, DOWNLOADS / f"apt-{DEBIAN_SUITE}")
    archive.refresh()
    version, sha256 = archive.version_and_hash(DEBIAN_PACKAGE)
    if (version, sha256) != (DEBIAN_TESTED_VERSION, DEBIAN_TESTED_SHA256):
        warn(
            f"Debian's {DEBIAN_PACKAGE} moved on: this is {version} (sha256 {sha256}); the suite was\n"
            f"tested on {DEBIAN_TESTED_VERSION} (sha256 {DEBIAN_TESTED_SHA256}).\n"
            "If tests fail here, that is the first thing to look at."
        )
    files = archive.download([DEBIAN_PACKAGE, *LINKED_FROM_SID])
    _check_hash(files[0], sha256)
    files += debian.download_from_own_release(LINKED_FROM_OWN_RELEASE)
    say("Unpacking Odoo 19.0 …")
    unpacked = DEBIAN_HOME.with_name(DEBIAN_HOME.name + ".part")
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(DEBIAN_HOME, ignore_errors=True)
    unpacked.mkdir(parents=True)
    for file in files:
        process.run(["dpkg-deb", "-x", file, unpacked], what=f"Unpacking {file.name} failed", log=LOGS / "engine.log")
    left_out = unpacked / "usr/lib/python3/dist-packages/odoo/addons" / LEFT_OUT_BY_DEBIAN
    left_out.parent.mkdir(parents=True, exist_ok=True)
    left_out.touch()
    (unpacked / READY_MARK).write_text(f"{DEBIAN_PACKAGE} {version}\n")
    unpacked.rename(DEBIAN_HOME)
    for file in files:
        file.unlink()


def _check_hash(file: Path, expected: str) -> None:
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != expected:
        file.unlink()
        raise DevkitError(
            f"{file.name} has sha256 {actual}, but the mirror's signed list says {expected}. It was removed; try again."
        )
