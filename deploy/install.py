"""Brings the database to the state of the mounted addons: installs what is missing, upgrades what is older.

Runs before Odoo at every `docker compose up` and takes a second when there is nothing to do.
An addon that is installed in the same version is left alone: Odoo's `-i` would reset records
that people may change.
"""

import ast
import os
import sys
from pathlib import Path

ADDONS = Path("/mnt/extra-addons")
# Holds only what has no place in a real database.
NEVER = {"distribution_demo"}


def wanted_addons(names: str) -> list[str]:
    """The addons in a comma-separated list.

    >>> wanted_addons("distribution_core, distribution_demo")
    Traceback (most recent call last):
    SystemExit: distribution_demo is for demonstrations and is never installed here.
    """
    found = [name.strip() for name in names.split(",") if name.strip()]
    for name in NEVER.intersection(found):
        raise SystemExit(f"{name} is for demonstrations and is never installed here.")
    return found


def plan(mounted: dict[str, str], installed: dict[str, str]) -> tuple[list[str], list[str]]:
    """Which addons to install and which to upgrade, from versions by name.

    >>> plan({"core": "17.0.1.1.0", "approval": "17.0.1.0.0"}, {"core": "17.0.1.0.0"})
    (['approval'], ['core'])
    >>> plan({"core": "17.0.1.0.0"}, {"core": "17.0.1.0.0"})
    ([], [])
    """
    missing = [name for name in mounted if name not in installed]
    changed = [name for name in mounted if name in installed and installed[name] != mounted[name]]
    return missing, changed


def mounted_versions(names: list[str], directory: Path = ADDONS) -> dict[str, str]:
    """The versions that the manifests of `names` state."""
    return {name: ast.literal_eval((directory / name / "__manifest__.py").read_text())["version"] for name in names}


def installed_versions(database: str) -> dict[str, str]:
    """Installed addons of `database` with their versions; none when it has no Odoo yet."""
    import psycopg2

    try:
        connection = psycopg2.connect(dbname=database)
    except psycopg2.OperationalError as error:
        if "does not exist" in str(error):
            return {}
        raise
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ir_module_module')")
        if cursor.fetchone()[0] is None:
            return {}
        cursor.execute("SELECT name, latest_version FROM ir_module_module WHERE state = 'installed'")
        return dict(cursor.fetchall())


def main() -> None:
    database = os.environ["PGDATABASE"]
    missing, changed = plan(mounted_versions(wanted_addons(os.environ["SUITE_ADDONS"])), installed_versions(database))
    if not missing and not changed:
        sys.stdout.write("The database is up to date.\n")
        return
    words = ["odoo", f"--database={database}", "--stop-after-init", "--no-http", "--workers=0"]
    words += ["--without-demo=all"]
    words += [f"--init={','.join(missing)}"] if missing else []
    words += [f"--update={','.join(changed)}"] if changed else []
    sys.stdout.write(f"Installing: {missing or 'nothing'}; upgrading: {changed or 'nothing'}\n")
    sys.stdout.flush()
    # Odoo takes the server's address and password from libpq's variables.
    os.execvp("odoo", words)


if __name__ == "__main__":
    main()
