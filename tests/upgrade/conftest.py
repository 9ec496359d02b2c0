"""The system as people have it who installed an earlier version, and upgraded.

``landed-<series>.1.0.0.tar.gz`` holds the addons of version 1.0.0 as they landed (without their
tests): for 17.0 the source, for 19.0 what the build made of it.
"""

import dataclasses
import os
import tarfile
import xmlrpc.client
from pathlib import Path

import pytest

from tools.devkit import addons, database
from tools.devkit.paths import RUN
from tools.devkit.server import Server, test_log

LANDED = "1.0.0"
#: What nobody may rewrite, an upgrade included.
EVIDENCE = (
    "distribution_event",
    "distribution_event_seal",
    "distribution_approval_release",
    "distribution_approval_decision",
    "distribution_approval_snapshot",
    "distribution_approval_request",
    "distribution_approval_task",
    "distribution_approval_involvement",
    "distribution_approval_amendment",
    "distribution_approval_policy_version",
    "distribution_approval_rule",
    "distribution_approval_condition",
    "distribution_approval_stage",
)


def columns_of(cluster, name, table):
    rows = cluster.query(
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY column_name", name
    )
    return [row[0] for row in rows if row[0] not in ("write_date", "write_uid")]


def fingerprint(cluster, name, table, columns, up_to):
    """A hash over the first ``up_to`` rows of ``table``, in those columns."""
    row = ", ".join(f'"{column}"::text' for column in columns)
    ((digest, number),) = cluster.query(
        f"SELECT md5(coalesce(string_agg(concat_ws('|', {row}), chr(10) ORDER BY id), '')), count(*)"
        f" FROM {table} WHERE id <= {up_to}",
        name,
    )
    return digest, int(number)


@dataclasses.dataclass
class Upgraded:
    """A server over the upgraded database, and the evidence as it was before."""

    server: Server
    before: dict  #: table -> (columns, highest id, (hash, number of rows))


def server_over(workspace, cluster, name):
    log = test_log(f"{workspace.series}-{workspace.addons_path.name}-upgrade")
    return Server(workspace, cluster, name, cron=0, log=log, variables=database.DEMO_FLAG)


def seal(server):
    """Let the earlier version seal its ledger."""
    server.start()
    try:
        with xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common") as common:
            uid = common.authenticate(server.database, "admin", "admin", {})
        with xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/object", allow_none=True) as models:

            def call(model, method, *arguments):
                return models.execute_kw(server.database, uid, "admin", model, method, list(arguments))

            (cron,) = call("ir.model.data", "search_read", [("name", "=", "ir_cron_seal")], ["res_id"])
            call("ir.cron", "method_direct_trigger", [cron["res_id"]])
    finally:
        server.stop()


@pytest.fixture(scope="module")
def upgraded(workspace, cluster):
    """The demo company of version 1.0.0, then upgraded to what is in this checkout."""
    landed = RUN / "landed" / f"{workspace.series}-{LANDED}"
    if not landed.is_dir():
        with tarfile.open(Path(__file__).with_name(f"landed-{workspace.series}.{LANDED}.tar.gz")) as archive:
            archive.extractall(landed)
    old = dataclasses.replace(workspace, addons_path=landed)
    name = f"run_{workspace.series.partition('.')[0]}_upgrade_{os.getpid()}"
    demo = [addons.DEMO_ADDON]
    database.remove(workspace, cluster, name)
    try:
        database.install(old, cluster, name, addons.core_dependencies(demo, landed))
        database.install(old, cluster, name, demo, demo=True)
        seal(server_over(old, cluster, name))
        before = {}
        for table in EVIDENCE:
            columns = columns_of(cluster, name, table)
            ((highest,),) = cluster.query(f"SELECT coalesce(max(id), 0) FROM {table}", name)
            before[table] = columns, highest, fingerprint(cluster, name, table, columns, highest)
        names = database.demo_addons()
        database.install(workspace, cluster, name, names, upgrade=addons.closure(names), demo=True)
        odoo = server_over(workspace, cluster, name)
        odoo.start()
        try:
            yield Upgraded(odoo, before)
        finally:
            odoo.stop()
    finally:
        database.remove(workspace, cluster, name)


@pytest.fixture(scope="module")
def server(upgraded):
    return upgraded.server
