"""Those who keep the matrices: what they see before a version is published, and what places make of it.

The policy author has a draft of the next purchase policy. She reads what it changes, has it examined for
gaps, takes it out as a file that another repository's CI can check, and tries it on the past. Sites have
limits of their own for expedited freight, within the band of the standard; a rule is on trial there.
"""

import base64
import re
import subprocess
import sys
import time
from pathlib import Path
from xmlrpc.client import Fault

import pytest

VERSION = "distribution.approval.policy.version"
SIMULATION = "distribution.approval.simulation"
VARIANT = "distribution.approval.variant"
FILE = "distribution.approval.policy.file"
FREIGHT = "distribution.freight.request"
POLICY_CHECK = Path(__file__).resolve().parents[2] / "tools" / "policy-check"


@pytest.fixture
def draft(rpc):
    """The draft of the next purchase policy."""
    (found,) = rpc("policy_author")(
        VERSION, "search", [("state", "=", "draft"), ("document_type", "=", "purchase_order")], order="id", limit=1
    )
    return found


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html or ""))


def text_of(client, record, model=VERSION):
    """The version, or the variant, as a file, as the download dialog has it."""
    action = client(model, "action_export", [record])
    (wizard,) = client(FILE, "read", [action["res_id"]], fields=["file"])
    return base64.b64decode(wizard["file"]).decode()


def imported(client, text):
    """The action that opens what the file has become."""
    values = {"file": base64.b64encode(text.encode()).decode(), "filename": "from-the-repository.yaml"}
    return client(FILE, "action_import", [client(FILE, "create", values)])


def examined(client, version):
    wizard = client("distribution.approval.analysis", "create", {"version_id": version})
    (read,) = client("distribution.approval.analysis", "read", [wizard], fields=["result"])
    return words(read["result"])


def checked(tmp_path, *texts):
    """(exit code, what it says) of the check that runs in another repository's CI, without Odoo."""
    files = [tmp_path / f"policy-{number}.yaml" for number, _text in enumerate(texts)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    done = subprocess.run(
        [sys.executable, POLICY_CHECK, *files], capture_output=True, text=True, env={"PATH": "/usr/bin"}, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_what_a_draft_changes_and_leaves_open(rpc, draft, tmp_path):
    author = rpc("policy_author")
    (version,) = author(VERSION, "read", [draft], fields=["difference_html"])
    assert "3,000" in words(version["difference_html"])
    assert "2,500" in words(version["difference_html"])
    before = examined(author, draft)
    code, said = checked(tmp_path, text_of(author, draft))
    assert code in (0, 3), said

    # She raises the lower limit of a rule, and does not notice that a gap opens below it.
    (condition,) = author(
        "distribution.approval.condition",
        "search",
        [
            ("rule_id.version_id", "=", draft),
            ("rule_id.name", "=", "Above 3,000"),
            ("fact", "=", "amount"),
        ],
    )
    author("distribution.approval.condition", "write", [condition], {"value": "4000"})
    found = examined(author, draft)
    assert found != before
    assert "4,000" in found
    code, said = checked(tmp_path, text_of(author, draft))
    assert code == 3, said
    assert "No rule matches" in said
    assert "4,000" in said
    author("distribution.approval.condition", "write", [condition], {"value": "3000"})
    assert examined(author, draft) == before

    # A version cannot be published by who wrote it.
    with pytest.raises(Fault):
        author(VERSION, "action_publish", [draft])


def test_out_as_a_file_and_in_again(rpc, draft):
    author = rpc("policy_author")
    text = text_of(author, draft)
    assert text_of(author, draft) == text
    action = imported(author, text)
    assert action["res_id"] != draft
    assert text_of(author, action["res_id"]) == text, "byte for byte"
    (copy,) = author(VERSION, "read", [action["res_id"]], fields=["state", "policy_id"])
    assert copy["state"] == "draft"
    author(VERSION, "unlink", [action["res_id"]])

    with pytest.raises(Fault, match="amonut"):
        imported(author, text.replace("fact: amount", "fact: amonut", 1))


def test_a_site_s_variant_out_as_a_file_and_in_again(rpc, tmp_path):
    """Standard and variant lie in a repository; its check knows the band, and two people put the draft in force."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (north,) = author(
        VARIANT,
        "search_read",
        [("warehouse_id.code", "=", "NOR"), ("state", "=", "published"), ("document_type", "=", "freight_request")],
        fields=["policy_id"],
    )
    (standard,) = author(
        VERSION, "search", [("policy_id", "=", north["policy_id"][0]), ("state", "=", "published")], limit=1
    )
    text, policy = text_of(author, north["id"], VARIANT), text_of(author, standard)
    code, said = checked(tmp_path, policy, text)
    assert code in (0, 3), said
    assert "its values were not checked" not in said
    (line,) = [line for line in text.splitlines() if line.endswith(": 300")]
    beyond = text.replace(line, line.replace("300", "99000"))
    code, said = checked(tmp_path, policy, beyond)
    assert code == 1
    assert "99,000 is outside the band" in said

    action = imported(author, text.replace(line, line.replace("300", "290")))
    assert action["res_model"] == VARIANT
    draft = action["res_id"]
    assert text_of(author, draft, VARIANT) == text.replace(line, line.replace("300", "290")), "byte for byte"
    with pytest.raises(Fault):
        author(VARIANT, "action_publish", [draft])
    author(VARIANT, "unlink", [draft])
    draft = imported(author, beyond)["res_id"]
    with pytest.raises(Fault, match="outside the band"):
        publisher(VARIANT, "action_publish", [draft])
    author(VARIANT, "unlink", [draft])
    for login in ("buyer", "purchasing_manager"):
        with pytest.raises(Fault):
            imported(rpc(login), text)
        with pytest.raises(Fault):
            text_of(rpc(login), north["id"], VARIANT)


def test_tried_on_the_past(rpc, sql, draft):
    author = rpc("policy_author")
    evidence = "SELECT (SELECT count(*) FROM distribution_approval_request), (SELECT count(*) FROM distribution_event)"
    before = sql(evidence)
    simulation = author(SIMULATION, "create", {"version_id": draft, "months": 3})
    author(SIMULATION, "action_run", [simulation])
    until = time.monotonic() + 60
    fields = ["state", "total", "done", "passed", "routed", "refused", "held", "changed", "outdated"]
    (result,) = author(SIMULATION, "read", [simulation], fields=fields)
    while result["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.5)
        (result,) = author(SIMULATION, "read", [simulation], fields=fields)
    assert result["state"] == "done"
    assert result["done"] == result["total"] > 20
    assert sum(result[name] for name in ("passed", "routed", "refused", "held")) == result["done"]
    assert result["changed"], "the draft says something else than the version in force"
    load = author("distribution.approval.simulation.load", "search_count", [("simulation_id", "=", simulation)])
    assert load, "work per approver"
    assert sql(evidence) == before, "nothing was asked, nothing recorded"
    with pytest.raises(Fault):
        rpc("buyer")(SIMULATION, "read", [simulation])


def freight(rpc, sql, site, amount):
    """A request of the buyer for faster freight, for an order of that site that nobody has asked it for."""
    (order,) = sql(
        """SELECT orders.id FROM purchase_order orders
             JOIN stock_picking_type kind ON kind.id = orders.picking_type_id
             JOIN stock_warehouse site ON site.id = kind.warehouse_id
            WHERE orders.state IN ('purchase', 'done') AND site.code = %s
              AND orders.id NOT IN (SELECT purchase_id FROM distribution_freight_request WHERE purchase_id IS NOT NULL)
         ORDER BY orders.id DESC LIMIT 1""",
        (site,),
    )[0]
    buyer = rpc("buyer")
    request = buyer(
        FREIGHT,
        "create",
        {"purchase_id": order, "amount": amount, "reason_code": "carrier", "note": "The carrier is late."},
    )
    buyer(FREIGHT, "action_authorise", [request])
    return request, buyer(FREIGHT, "read", [request], fields=["approval_state"])[0]["approval_state"]


def test_a_site_with_a_limit_of_its_own(rpc, sql):
    """240 is above the standard's 150; North may spend 300, Central may not; South's 350 left the band."""
    assert freight(rpc, sql, "NOR", 240)[1] == "passed"
    assert freight(rpc, sql, "CEN", 240)[1] == "pending"
    assert freight(rpc, sql, "SOU", 240)[1] == "pending", "a value out of its band does not count"
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (south,) = author(
        VARIANT, "search_read", [("warehouse_id.code", "=", "SOU"), ("state", "=", "published")], fields=["out_of_band"]
    )
    assert south["out_of_band"]

    # The author mends it; beyond the band nobody can publish it, within it somebody else does.
    action = author(VARIANT, "action_next_version", [south["id"]])
    value = author("distribution.approval.variant.value", "search", [("variant_id", "=", action["res_id"])])
    author("distribution.approval.variant.value", "write", value, {"value": "900"})
    with pytest.raises(Fault, match="band"):
        publisher(VARIANT, "action_publish", [action["res_id"]])
    author("distribution.approval.variant.value", "write", value, {"value": "300"})
    with pytest.raises(Fault):
        author(VARIANT, "action_publish", [action["res_id"]])
    publisher(VARIANT, "action_publish", [action["res_id"]])
    assert freight(rpc, sql, "SOU", 240)[1] == "passed"


def test_a_rule_on_trial(rpc, sql):
    """It asks nobody, and says afterwards what it would have done."""
    request, state = freight(rpc, sql, "CEN", 130)
    assert state == "passed"
    (row,) = rpc("auditor")(
        "distribution.approval.monitored",
        "search_read",
        [("res_model", "=", FREIGHT), ("res_id", "=", request)],
        fields=["rule_name", "would", "stricter"],
    )
    assert (row["rule_name"], row["stricter"]) == ("Above 100, on trial", True)
    with pytest.raises(Fault):
        rpc("buyer")("distribution.approval.monitored", "search", [])
