"""Those who watch the server: is it ready, how does it do – and does every alert rest on a figure that is served."""

import contextlib
import json
import re
from pathlib import Path

import psycopg2
import pytest
import requests
import yaml
from api_client import event, give_key, problem
from prometheus_client.parser import text_string_to_metric_families
from web_client import Person

from tools.devkit import server as devkit_server
from tools.devkit.database import DEMO_FLAG
from tools.devkit.postgres import PORT, ROLE

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"
METRIC = re.compile(r"\bdistribution_[a-z_]+")
SCREEN = "distribution_core.distribution_health_sign_action"


def new_token(rpc, name):
    admin = rpc("admin")
    made = admin("distribution.metrics.token", "create", {"name": name})
    made = made[0] if isinstance(made, list) else made
    return admin("distribution.metrics.token", "action_issue", [made])["context"]["shown_secret"]


@pytest.fixture(scope="module")
def token(rpc):
    return new_token(rpc, "Prometheus")


@pytest.fixture(scope="module")
def system(rpc, server):
    return give_key(rpc, server.url, ["external-events", "events"], name="Watched")


@pytest.fixture(scope="module")
def scrape(token):
    """``scrape(url)`` → ``{name: samples}`` as Prometheus reads them."""

    def ask(url):
        answer = requests.get(f"{url}/distribution/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        samples = {}
        for family in text_string_to_metric_families(answer.text):
            assert family.documentation and family.type in ("gauge", "counter"), family.name
            for sample in family.samples:
                samples.setdefault(sample.name, []).append(sample)
        return samples

    return ask


@pytest.fixture(scope="module")
def another_process(workspace, cluster, server):
    """A second server over the same database, as another worker is."""
    other = devkit_server.Server(
        workspace,
        cluster,
        server.database,
        log=devkit_server.test_log(f"{workspace.series}-health-2"),
        variables=DEMO_FLAG,
    )
    other.start()
    yield other
    other.stop()


@pytest.fixture(scope="module")
def served(server, scrape, system, rpc):
    admin = rpc("admin")
    values = {"name": "Watched", "url": "https://hooks.example.com/", "event_types": "acme.nothing.*"}
    made = admin("distribution.webhook.subscription", "create", values)
    admin("distribution.webhook.subscription", "action_activate", [made])
    assert system.post("external-events", event("watched")).status_code == 200
    return scrape(server.url)


@pytest.fixture
def without_database(cluster, server):
    """``with without_database():`` – it takes no connection, as when it is down."""

    @contextlib.contextmanager
    def down():
        other = psycopg2.connect(host=str(cluster.socket), port=PORT, user=ROLE, dbname="postgres")
        other.autocommit = True
        with contextlib.closing(other), other.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{server.database}" ALLOW_CONNECTIONS false')
            try:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (server.database,)
                )
                yield
            finally:
                cursor.execute(f'ALTER DATABASE "{server.database}" ALLOW_CONNECTIONS true')

    return down


def rules():
    (group,) = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"]
    return group["rules"]


def panels():
    return json.loads((OPERATIONS / "grafana-dashboard.json").read_text())["panels"]


def expressions():
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def health(server, path="", **headers):
    return requests.get(f"{server.url}/distribution/health{path}", headers=headers, timeout=30)


# ------------------------------------------------------------------------------- is it ready


def test_alive_and_ready(server):
    live = health(server, "/live")
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    ready = health(server)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert "Set-Cookie" not in ready.headers


def test_why_it_is_not_ready_is_for_who_may_know(server, sql, token):
    sql("UPDATE ir_module_module SET state = 'to upgrade' WHERE name = 'distribution_core'")
    try:
        stranger, known = health(server), health(server, Authorization=f"Bearer {token}")
    finally:
        sql("UPDATE ir_module_module SET state = 'installed' WHERE name = 'distribution_core'")
    assert (stranger.status_code, stranger.json()) == (503, {"status": "not ready"})
    assert known.status_code == 503
    assert "upgraded" in known.json()["reasons"][0]


def test_a_database_that_does_not_answer(server, without_database, token, system, scrape):
    with without_database():
        for path in ("", "/live"):
            answer = health(server, path, Authorization=f"Bearer {token}")
            assert answer.status_code == (200 if path else 503), answer.text[:300]
            assert "Traceback" not in answer.text and "psycopg" not in answer.text
        assert health(server).json() == {"status": "not ready"}
        metrics = requests.get(
            f"{server.url}/distribution/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        assert (metrics.status_code, metrics.content) == (503, b"")
        # Another system is not told that there is no such thing, but to come back.
        for answer in (system.post("external-events", event("later")), system.get("events")):
            problem(answer, 503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
    assert health(server).status_code == 200, "it recovers by itself"
    assert scrape(server.url)
    assert system.post("external-events", event("later")).status_code == 200


# ------------------------------------------------------------------------------- figures


def test_metrics_are_for_who_has_the_token(server, token, rpc):
    for header in (None, "Bearer", "Bearer dmt_wrong", f"Basic {token}", f"Bearer {token}x"):
        answer = requests.get(
            f"{server.url}/distribution/metrics", headers={"Authorization": header} if header else {}, timeout=10
        )
        assert (answer.status_code, answer.content) == (401, b""), header
    # Addresses are in the logs of servers and proxies.
    other = new_token(rpc, "In the address")
    assert requests.get(f"{server.url}/distribution/metrics?token={other}", timeout=10).status_code == 401


def test_every_process_says_the_same(server, another_process, scrape, system):
    """What one process did is in the figures of the other, at once."""
    own = {"key": str(system.key_id), "name": "Watched"}

    def calls(url):
        (sample,) = [one for one in scrape(url)["distribution_api_calls_total"] if one.labels == own]
        return sample.value

    before = calls(another_process.url)
    for number in range(3):
        assert system.post("external-events", event(f"process-{number}")).status_code == 200
    assert calls(another_process.url) == calls(server.url) == before + 3


def test_what_never_reached_the_inbox_is_counted(server, scrape, system):
    def problems():
        return {
            sample.labels["problem"]: sample.value
            for sample in scrape(server.url)["distribution_api_problems_total"]
            if sample.labels["key"] == str(system.key_id)
        }

    before = problems()
    problem(system.get("no-such-thing"), 404, "not-found")
    problem(system.post("ship-notices", {}), 403, "scope-missing")
    problem(system.get("no-such-thing"), 404, "not-found")
    after = problems()
    assert {kind: count - before.get(kind, 0) for kind, count in after.items() if count != before.get(kind, 0)} == {
        "not-found": 2,
        "scope-missing": 1,
    }


def test_the_token_is_in_no_log(server, served, token):
    assert served
    log = Path(server.log).read_text(errors="replace")
    assert "/distribution/metrics" in log
    assert token not in log


def test_every_alert_and_panel_rests_on_figures_that_are_served(served):
    asked = {(what, name) for what, expression in expressions() for name in METRIC.findall(expression)}
    assert len(asked) > 30
    missing = {(what, name) for what, name in asked if name not in served}
    assert not missing


def test_every_figure_is_looked_at(served):
    asked = {name for _what, expression in expressions() for name in METRIC.findall(expression)}
    assert not {name for name in served if name.startswith("distribution_")} - asked


def test_labels_that_are_asked_for_exist(served):
    for what, expression in expressions():
        for name, wanted in re.findall(r"(distribution_[a-z_]+)\{([^}]*)\}", expression):
            for label, value in re.findall(r'(\w+)="([^"]*)"', wanted):
                values = {sample.labels[label] for sample in served[name]}
                assert value in values, f"{what}: no {label} of {name} is {value}: {values}"
    for what, expression in expressions():
        for label in re.findall(r"by \((\w+)\)", expression):
            (name, *_others) = METRIC.findall(expression)
            assert all(label in sample.labels for sample in served[name]), f"{what}: {name} has no {label}"
    for rule in rules():
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            (name, *_others) = METRIC.findall(rule["expr"])
            assert all(label in sample.labels for sample in served[name]), f"{rule['alert']}: {name} has no {label}"


def test_every_alert_has_its_runbook():
    books = {path.stem for path in (OPERATIONS / "runbooks").glob("*.md")}
    assert {rule["alert"] for rule in rules()} == books
    index = (OPERATIONS / "README.md").read_text()
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations/runbooks/{rule['alert']}.md"
        assert rule["labels"]["severity"] in ("warning", "critical")
        text = (OPERATIONS / "runbooks" / f"{rule['alert']}.md").read_text()
        assert "## What to do" in text and f"`{rule['expr']}`" in text, rule["alert"]
        assert f"runbooks/{rule['alert']}.md" in index


def test_the_dashboard_fits_together():
    places = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for column in range(place["x"], place["x"] + place["w"]):
            for row in range(place["y"], place["y"] + place["h"]):
                assert (column, row) not in places, f"{panel['title']} lies over another panel"
                places.add((column, row))
    assert len({panel["id"] for panel in panels()}) == len(panels())


# ------------------------------------------------------------------------------- the screen


def test_the_screen_of_operations(browser_page, phone, pictures, sql, rpc):
    for size, name in ((None, "health"), (phone, "health-phone")):
        person = Person(browser_page("operations_manager", **({"size": size} if size else {})), "operations_manager")
        person.opens(SCREEN)
        person.sees("Business")
        person.takes_picture(pictures, name)
        wide = person.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= person.page.viewport_size["width"], f"the page is {wide} wide"
    # A click leads to what is counted.
    person = Person(browser_page("operations_manager"), "operations_manager")
    person.opens(SCREEN)
    (waiting,) = rpc("operations_manager")(
        "distribution.health.sign", "search_read", [("name", "=", "Approvals that wait")], fields=["count"]
    )
    assert waiting["count"] > 0
    person.page.click(".o_kanban_record:has-text('Approvals that wait')")
    person.page.wait_for_selector(".o_list_view")
    person.settles()
    assert f"{waiting['count']}" in person.page.inner_text(".o_pager")


def test_a_token_is_made_on_the_screen(browser_page, server):
    person = Person(browser_page("admin"), "admin")
    person.opens("distribution_core.distribution_metrics_token_action")
    person.opens_row("Prometheus").presses("action_issue")
    person.page.click(".modal-footer button:has-text('Ok')")
    text = person.copies_secret(r"dmt_[\w-]{43}")
    answer = requests.get(f"{server.url}/distribution/metrics", headers={"Authorization": f"Bearer {text}"}, timeout=60)
    assert answer.status_code == 200
    person.settles()
    assert text not in person.page.content()
