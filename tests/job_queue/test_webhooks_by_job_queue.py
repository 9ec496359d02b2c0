"""The OCA's job queue is installed: its job runner has the webhooks sent, in a server with workers.

Webhooks arrive without the scheduled action, a server that is killed loses none, and a job that is lost does no harm.
"""

import pytest
from api_client import event, give_key
from other_system import subscribe, waits_for

from tools.devkit import database, peers
from tools.devkit import server as devkit_server

EVENTS = 12
TRUCK = "acme.truck.arrived.v1"


@pytest.fixture(scope="module")
def server(workspace, cluster, demo_template):
    """Two workers, the job runner, and `queue_job` in the database: the bridge installed itself."""
    others = [peers.addons_of_others(workspace)]
    with database.temporary_copy(workspace, cluster, demo_template, "job_queue") as copy:
        database.install(workspace, cluster, copy, ["queue_job"], demo=True, more_addons=others)
        odoo = devkit_server.Server(
            workspace,
            cluster,
            copy,
            cron=1,
            log=devkit_server.test_log(f"{workspace.series}-job_queue"),
            words=("--load=base,web,queue_job", "--workers=2", f"--gevent-port={devkit_server.free_port()}"),
            variables=database.DEMO_FLAG | {"ODOO_QUEUE_JOB_CHANNELS": "root:2,root.distribution:2"},
            more_addons=others,
        )
        odoo.start()
        try:
            yield odoo
        finally:
            odoo.stop()


def test_jobs_send(rpc, sql, server, other_system):
    assert sql("SELECT state FROM ir_module_module WHERE name = 'distribution_core_queue'") == [("installed",)]
    subscribe(rpc, other_system, TRUCK)
    trucks = give_key(rpc, server.url, ("external-events",), name="Trucks")
    # Without the scheduled action: what arrives, a job has sent.
    action = """UPDATE ir_cron SET active = %s, nextcall = now() AT TIME ZONE 'utc' WHERE id = (
                    SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_webhook_drain')"""
    sql(action, (False,))

    def jobs(*states):
        return sql(
            "SELECT count(*) FROM queue_job WHERE method_name = '_job_drain' AND state = ANY(%s)", (list(states),)
        )[0][0]

    def recorded():
        return {uid for (uid,) in sql("SELECT uid FROM distribution_event WHERE type = %s", (TRUCK,))}

    for number in range(EVENTS):
        assert trucks.post("external-events", event(number)).status_code == 200
    assert waits_for(lambda: set(other_system.ids()) == recorded(), 45), (recorded(), other_system.ids())
    assert len(other_system.ids()) == EVENTS, "each once"
    assert waits_for(lambda: not jobs("pending", "enqueued", "started"), 30)
    assert 1 <= jobs("done") <= EVENTS
    assert not jobs("failed")

    # The server is killed while the other side has a delivery in its hands.
    other_system.reached.clear()
    other_system.hold.clear()
    assert trucks.post("external-events", event("last")).status_code == 200
    assert other_system.reached.wait(45)
    server.kill9()
    other_system.hold.set()
    sql("UPDATE distribution_webhook_delivery SET lease_until = '2000-01-01' WHERE state = 'sending'")
    # And the job with it: somebody tidied up. The scheduled action is what is left.
    sql("DELETE FROM queue_job WHERE state <> 'done'")
    sql(action, (True,))
    server.restart()
    delivered = "SELECT count(*) FROM distribution_webhook_delivery WHERE state <> 'delivered'"
    assert waits_for(lambda: sql(delivered) == [(0,)], 100)
    assert set(other_system.ids()) == recorded()
