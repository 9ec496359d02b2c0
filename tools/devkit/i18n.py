"""`make i18n`: the terms of the suite's addons in their catalogues, for translators."""

from . import database, process, suite
from .console import DevkitError, say
from .engines import Engine
from .paths import ADDONS, LOGS, ROOT
from .postgres import Cluster
from .workspace import prepare

#: Odoo of another series finds other terms of the same addons.
SERIES = "17.0"


def export(engine: Engine) -> int:
    """Write ``<addon>/i18n/<addon>.pot`` of every addon, and match the languages that are there to them.

    :raises DevkitError: on an engine of another series, or when Odoo cannot read a file of ours
    """
    if engine.series != SERIES:
        raise DevkitError(f"Catalogues are made on Odoo {SERIES}; this is {engine.series}. Set ODOO_HOME.")
    workspace = prepare(engine, "test")
    with Cluster("test", durable=False) as cluster:
        template = database.suite(workspace, cluster, suite.installed_together())
        say("Asking Odoo for the terms …")
        log = LOGS / "i18n.log"
        log.unlink(missing_ok=True)
        with database.temporary_copy(workspace, cluster, template, "i18n") as copy:
            command = workspace.odoo(cluster, copy, "--log-level=warn", program="tools.devkit.export_terms")
            at = command.index("tools.devkit.export_terms") + 1
            output = process.run(
                [*command[:at], str(ADDONS), *command[at:]],
                what="Exporting the terms failed",
                log=log,
                env=workspace.variables(PYTHONPATH=str(ROOT)),
                cwd=workspace.data_dir,
            )
    unread = [line for line in output.splitlines() if "Failed to extract terms" in line]
    if unread:
        raise DevkitError("\n".join([*unread, f"Terms of these files are missing. The whole output is in {log}."]))
    say("The catalogues are up to date; `git diff --stat addons/*/i18n` shows what changed.")
    return 0
