"""Those who watch the server: is it ready, how does it do – and does every alert rest on a figure that is served."""

import json
import re
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from web_client import Person

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"
METRIC = re.compile(r"\bdistribution_[a-z_]+(?=[\s{)\[]|$)")


@pytest.fixture(scope="module")
def token(rpc):
    admin = rpc("admin")
    made = admin("distribution.metrics.token", "create", {"name": "Prometheus"})
    return admin("distribution.metrics.token", "action_issue", [made])["context"]["shown_webhook_secret"]


@pytest.fixture(scope="module")
def served(server, token):
    """``{name: family}`` as Prometheus reads them."""
    answer = requests.get(
        f"{server.url}/distribution/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def rules():
    (group,) = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"]
    return group["rules"]


def expressions():
    dashboard = json.loads((OPERATIONS / "grafana-dashboard.json").read_text())
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"])


def test_alive_and_ready(server):
    live = requests.get(f"{server.url}/distribution/health/live", timeout=10)
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    ready = requests.get(f"{server.url}/distribution/health", timeout=10)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert "Set-Cookie" not in ready.headers or "session_id=;" in ready.headers["Set-Cookie"]


def test_not_ready_says_why(server, sql):
    sql("UPDATE ir_module_module SET state = 'to upgrade' WHERE name = 'distribution_core'")
    try:
        answer = requests.get(f"{server.url}/distribution/health", timeout=10)
    finally:
        sql("UPDATE ir_module_module SET state = 'installed' WHERE name = 'distribution_core'")
    assert answer.status_code == 503
    assert "upgraded" in answer.json()["reasons"][0]


def test_metrics_are_for_who_has_the_token(server, token):
    for header in (None, "", "Bearer", "Bearer dmt_wrong", f"Basic {token}", f"Bearer {token}x"):
        answer = requests.get(
            f"{server.url}/distribution/metrics", headers={"Authorization": header} if header else {}, timeout=10
        )
        assert (answer.status_code, answer.content) == (401, b""), header
    assert requests.get(f"{server.url}/distribution/metrics?token={token}", timeout=10).status_code == 401


def test_the_token_is_in_no_log(server, served, token):
    assert served
    log = Path(server.log)
    assert log.exists() and "/distribution/metrics" in log.read_text(errors="replace")
    assert token not in log.read_text(errors="replace")


def test_every_alert_and_panel_rests_on_figures_that_are_served(served):
    asked = {(what, name) for what, expression in expressions() for name in METRIC.findall(expression)}
    assert len(asked) > 20
    missing = {(what, name) for what, name in asked if name not in served}
    assert not missing


def test_every_figure_is_looked_at(served):
    asked = {name for _what, expression in expressions() for name in METRIC.findall(expression)}
    assert not {name for name in served if name.startswith("distribution_")} - asked - {"distribution_info"}


def test_labels_that_the_alerts_ask_for_exist(served):
    for what, expression in expressions():
        for name, wanted in re.findall(r"(distribution_[a-z_]+)\{([^}]*)\}", expression):
            labels = {label for sample in served[name].samples for label in sample.labels}
            for label, operator, value in re.findall(r'(\w+)(=~?)"([^"]*)"', wanted):
                if not served[name].samples:
                    continue
                assert label in labels, f"{what}: {name} has no label {label}"
                values = [sample.labels[label] for sample in served[name].samples]
                matches = [one for one in values if (re.fullmatch(value, one) if operator == "=~" else value == one)]
                assert matches, f"{what}: no {label} of {name} is {value}: {values}"


def test_every_alert_has_its_runbook():
    books = {path.stem for path in (OPERATIONS / "runbooks").glob("*.md")}
    assert {rule["alert"] for rule in rules()} == books
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations/runbooks/{rule['alert']}.md"
        text = (OPERATIONS / "runbooks" / f"{rule['alert']}.md").read_text()
        assert "## What to do" in text and rule["expr"] in text, rule["alert"]


def test_the_screen_of_operations(browser_page, phone, pictures):
    for size, name in ((None, "health"), (phone, "health-phone")):
        person = Person(browser_page("operations_manager", **({"size": size} if size else {})), "operations_manager")
        person.opens("distribution_core.distribution_health_action")
        person.sees("Dead letters")
        person.sees("Business")
        person.takes_picture(pictures, name)
