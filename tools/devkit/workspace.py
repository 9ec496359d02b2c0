"""An engine with all that it needs to run the suite: Python, addons of its series, data directory."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import addons, debian, environment
from .engines import Engine
from .environment import Environment
from .paths import ADDONS, ROOT, RUN
from .postgres import PORT, ROLE, Cluster


@dataclass(frozen=True)
class Workspace:
    """What a started Odoo consists of, apart from its database cluster.

    :param addons_path: the suite's addons in the dialect of the engine's series
    :param data_dir: Odoo's file store and sessions
    :param program: what is started as Odoo, with its options
    """

    engine: Engine
    environment: Environment
    addons_path: Path
    data_dir: Path
    program: str = "odoo"

    @property
    def series(self) -> str:
        return self.engine.series

    def odoo(
        self,
        cluster: Cluster,
        database: str,
        *words: str | Path,
        more_addons: list[Path] | None = None,
        program: str = "",
    ) -> list[str]:
        """The command that starts Odoo, or another `program` that takes Odoo's options, on `database`."""
        paths = [*self.engine.core_addons, self.addons_path, *(more_addons or [])]
        return [
            str(self.environment.python),
            *("-m", program or self.program),
            f"--addons-path={','.join(map(str, paths))}",
            f"--data-dir={self.data_dir}",
            *("--db_host", str(cluster.socket), "--db_port", str(PORT), "--db_user", ROLE),
            *("-d", database, f"--db-filter=^{database}$"),
            *map(str, words),
        ]

    def configuration(self, cluster: Cluster, database: str) -> str:
        """An Odoo configuration file for `database`, for programs that take no options."""
        paths = [*self.engine.core_addons, self.addons_path]
        return (
            "; Written by the devkit; changes here are lost.\n"
            "[options]\n"
            f"addons_path = {','.join(map(str, paths))}\n"
            f"data_dir = {self.data_dir}\n"
            f"db_host = {cluster.socket}\n"
            f"db_port = {PORT}\n"
            f"db_user = {ROLE}\n"
            f"db_name = {database}\n"
            f"dbfilter = ^{database}$\n"
            "list_db = False\n"
            "http_interface = 127.0.0.1\n"
            "workers = 0\n"
        )

    def variables(self, **more: str) -> dict[str, str]:
        """Process environment for Odoo: UTC as its own launcher sets it, no foreign settings."""
        # Odoo 17.0 reads the settings of whoever starts it unless told otherwise.
        own_settings = {"ODOO_RC": os.devnull, "TZ": "UTC", "PGAPPNAME": "odoo-suite"}
        if self.program != "odoo":
            own_settings["PYTHONPATH"] = str(ROOT)
        return self.environment.variables(**(own_settings | more))

    @property
    def filestore(self) -> Path:
        return self.data_dir / "filestore"


def prepare(engine: Engine, purpose: str, only: list[str] | None = None) -> Workspace:
    """Make `engine` ready to run the suite.

    :param purpose: ``demo`` or ``test``; each has its own data directory
    :param only: addons that have to be there (with what they depend on); all by default
    """
    debian.ensure(["wkhtmltopdf", *debian.DRAWING], why="PDF documents")
    python = environment.for_engine(engine)
    data_dir = RUN / "data" / f"{purpose}-{engine.series}"
    data_dir.mkdir(parents=True, exist_ok=True)
    program = "tools.devkit.quick_odoo" if purpose == "test" else "odoo"
    return Workspace(engine, python, addons_for(engine, python, only), data_dir, program)


def addons_for(engine: Engine, python: Environment, only: list[str] | None = None) -> Path:
    """The directory with the suite's addons for `engine`; built for 19.0."""
    if engine.series == "17.0":
        return ADDONS
    from tools.port import build

    names = addons.closure(only) if only else addons.all_addons()
    return build.tree(python.python, names, strict=only is None)
