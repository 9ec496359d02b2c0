"""The OCA's addons that the suite meets: to compare with in `make bench`, and to work with in the tests of bridges."""

import hashlib
import shutil
from pathlib import Path

from . import environment, process
from .console import say
from .locks import exclusive
from .paths import LOGS, REQUIREMENTS, RUN
from .workspace import Workspace


def addons_of_others(workspace: Workspace) -> Path:
    """The directory with the OCA's addons, fetched from Python's package index once."""
    requirements = REQUIREMENTS / f"peers-{workspace.series}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    home = RUN / "peers" / f"{workspace.series}-{digest}"
    with exclusive("peers"):
        if not home.exists():
            say("Fetching the OCA's addons …")
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
