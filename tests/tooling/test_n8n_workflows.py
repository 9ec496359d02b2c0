"""The n8n workflows as files: in step with their source, without secrets, and with what each has to have.

That they work is shown by `make test-n8n`, in a real n8n.
"""

import json
import re

import pytest
import yaml

from tools.devkit.paths import ROOT
from tools.n8n.workflow import CREDENTIALS, credential_id
from tools.n8n.workflows import all_workflows

PLACE = ROOT / "n8n"
README = (PLACE / "README.md").read_text()
WORKFLOWS = {workflow.file: workflow for workflow in all_workflows()}
FILES = sorted(WORKFLOWS)
HTTP = "n8n-nodes-base.httpRequest"


def nodes(file, kind=None):
    found = json.loads((PLACE / f"{file}.json").read_text())["nodes"]
    return [node for node in found if kind in (None, node["type"].rpartition(".")[2])]


def variables(file):
    """The environment variables that a workflow reads."""
    return set(re.findall(r"\$env\.(\w+)", (PLACE / f"{file}.json").read_text()))


def test_every_file_is_made_of_the_source():
    assert all(len(file) <= 16 for file in FILES), "n8n keeps no data of workflows with longer ids"
    assert sorted(path.stem for path in PLACE.glob("*.json")) == FILES
    for file, workflow in WORKFLOWS.items():
        assert (PLACE / f"{file}.json").read_text() == workflow.text(), "run: python3 -m tools.n8n"


@pytest.mark.parametrize("file", FILES)
def test_no_secret_and_no_address_is_in_a_file(file):
    text = (PLACE / f"{file}.json").read_text()
    assert not re.search(r"whsec_[A-Za-z0-9+/]{8}|dk_[a-z0-9]{8}_|Bearer [A-Za-z0-9]", text)
    assert not re.search(r"https?://", text), "addresses come from the environment"


@pytest.mark.parametrize("file", FILES)
def test_calls_are_tried_again_and_follow_no_redirect(file):
    for node in nodes(file, "httpRequest") + nodes(file, "emailSend"):
        assert node["retryOnFail"], node["name"]
        assert node["maxTries"] == 5, node["name"]
    for node in nodes(file, "httpRequest"):
        parameters = node["parameters"]
        assert parameters["options"]["redirect"] == {"redirect": {"followRedirects": False}}, node["name"]
        assert parameters["options"]["timeout"] <= 30_000
        # A signed link needs no key.
        if "DISTRIBUTION_URL" in parameters["url"] and node["name"] != "Fetch the file":
            assert "httpBearerAuth" in node["credentials"], node["name"]


@pytest.mark.parametrize("file", FILES)
def test_who_comes_in_is_known_before_anything_happens(file):
    """Each webhook asks for a header, or verifies the signature over the raw body before it answers."""
    connections = json.loads((PLACE / f"{file}.json").read_text())["connections"]
    for node in nodes(file, "webhook"):
        assert node["parameters"]["responseMode"] == "responseNode"
        if node["parameters"].get("authentication") == "headerAuth":
            assert "httpHeaderAuth" in node["credentials"]
            continue
        assert node["parameters"]["options"]["rawBody"]
        ((step,),) = connections[node["name"]]["main"]
        assert step["node"] == "Verify the signature"
        (code,) = [one for one in nodes(file, "code") if one["name"] == step["node"]]
        assert "timingSafeEqual" in code["parameters"]["jsCode"]


@pytest.mark.parametrize("file", FILES)
def test_there_is_an_error_path(file):
    assert nodes(file, "errorTrigger")


def test_nothing_of_a_decision_is_stored():
    settings = json.loads((PLACE / "approval-answers.json").read_text())["settings"]
    assert settings["saveDataSuccessExecution"] == settings["saveDataErrorExecution"] == "none"
    assert settings["saveExecutionProgress"] is settings["saveManualExecutions"] is False
    for node in nodes("approval-answers", "code"):
        pauses = re.findall(r"Math\.max\(Math\.round\(elapsed\), \d+\), (\d+)\)", node["parameters"]["jsCode"])
        assert all(int(pause) < 65 for pause in pauses), "longer pauses are stored"


@pytest.mark.parametrize("file", FILES)
def test_nodes_are_connected_and_named_once(file):
    known = json.loads((PLACE / f"{file}.json").read_text())
    names = [node["name"] for node in known["nodes"]]
    assert len(names) == len(set(names))
    positions = [tuple(node["position"]) for node in known["nodes"]]
    assert len(positions) == len(set(positions))
    starts = {node["name"] for node in known["nodes"] if re.search(r"webhook$|Trigger$|stickyNote", node["type"])}
    reached = {step["node"] for outputs in known["connections"].values() for out in outputs["main"] for step in out}
    assert set(known["connections"]) | reached <= set(names)
    assert set(names) - starts == reached
    for node in known["nodes"]:
        for named in re.findall(r"\$\('([^']+)'\)", json.dumps(node["parameters"], ensure_ascii=False)):
            assert named in names, f"{node['name']} asks {named}"


def test_the_readme_names_every_file_credential_and_variable():
    for file in FILES:
        assert f"[{file}]({file}.json)" in README
        for name in variables(file):
            assert f"`{name}`" in README, name
        for node in nodes(file):
            for credential in node.get("credentials", {}).values():
                assert credential["name"] in README


def test_credentials_can_be_imported_with_the_ids_that_the_workflows_name():
    listed = json.loads((PLACE / "credentials/example.json").read_text())
    assert {(one["id"], one["type"], one["name"]) for one in listed} == {
        (credential_id(key), kind, name) for key, (kind, name) in CREDENTIALS.items()
    }
    secret = [value for one in listed for key, value in one["data"].items() if key in ("token", "value", "password")]
    assert not any(secret), "the list is to be filled in"


def test_compose_hands_every_variable_to_n8n():
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["n8n"]
    for file in FILES:
        assert variables(file) <= set(service["environment"]), file
    assert service["environment"]["NODE_FUNCTION_ALLOW_BUILTIN"] == "crypto"
    assert str(service["environment"]["N8N_BLOCK_ENV_ACCESS_IN_NODE"]) == "false"
