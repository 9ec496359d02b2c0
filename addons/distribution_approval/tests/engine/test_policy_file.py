"""Policies as text: one canonical form, read strictly, checked from the command line."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from engine_tests.policy_check import IN_THE_REPOSITORY, policy_check
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.policy_file import PolicyFileError, dump, load, read

TEXT = """\
format: distribution-approval-policy/1
policy:
  name: Purchase policy
  document_type: purchase_order
  company: xmlid:base.main_company
  summary: |-
    Two lines: what changes
    and why
settings:
  fallback_user_id: login:fallback
  hit_policy: COLLECT
  tolerance_percent: 2
facts:
- name: amount
  label: Amount
  type: money
  unit: company currency
  minimum: 0
- name: categories
  label: Product categories
  type: set
  model: product.category
- name: site
  label: Receiving site
  type: reference
  model: stock.warehouse
  optional: yes
- name: vendor_status
  label: Vendor status
  type: selection
  options:
  - key: new
    label: New
  - key: approved
    label: Approved
rules:
- name: Within the limit
  sequence: 10
  outcome: pass
  when:
  - fact: amount
    is: le
    value: 2500
    adjustable:
      name: buyer limit
      from: 1000
      to: 5000
  - fact: vendor_status
    is: in
    values:
    - approved
- name: Above it
  sequence: 20
  outcome: require
  when:
  - fact: amount
    is: gt
    value: 2500
    adjustable:
      name: buyer limit
      from: 1000
      to: 5000
  approvers:
  - stage: 10
    kind: group
    record: xmlid:base.group_system
    name: Purchasing
    quorum: 2
  more:
    comment_required: yes
    informed_ids:
    - kind: account_owner
- name: North
  sequence: 30
  outcome: refuse
  mode: monitor
  when:
  - fact: site
    is: in
    values:
    - code:NORTH
  - fact: categories
    is: any_of
    values:
    - 'complete_name:All / Fasteners, Nuts'
    - xmlid:product.product_category_all
"""
COMPLETE = TEXT.replace(
    "    is: in\n    values:\n    - approved\n", "    is: in\n    values:\n    - approved\n    - new\n"
)


def test_the_example_is_canonical_and_sound():
    assert dump(load(TEXT)) == TEXT.replace(
        "'complete_name:All / Fasteners, Nuts'", "complete_name:All / Fasteners, Nuts"
    )
    policy = read(load(TEXT))
    assert policy.problems == ()
    first, second, third = policy.table.rules
    assert policy.table.describe(first) == "Amount ≤ 2,500 and Vendor status is one of Approved"
    assert policy.table.describe(third, policy.name_of) == (
        "Receiving site is one of NORTH and Product categories contains any of "
        "All / Fasteners, Nuts, product.product_category_all"
    )
    assert second.requirements[0].quorum == 2
    assert first.conditions[0].threshold.high == Decimal(5000)
    assert [gap.describe() for gap in engine.analyse(policy.table).gaps] == [
        "Amount is at most 2,500 and Vendor status is New"
    ]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1
).filter(lambda text: text not in ("",))


@settings(max_examples=400)
@given(TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=3, unique=True))
def test_any_text_comes_back_byte_for_byte(name, description, label, values):
    content = load(TEXT)
    content["policy"].update(name=name, description=description)
    content["facts"][0]["label"] = label
    content["rules"][1]["more"] = {"note": name, "list": [{"a": label}, {"b": description}]}
    content["rules"][2]["when"][0]["values"] = values or ["code:A"]
    text = dump(content)
    assert dump(load(text)) == text
    again = load(text)
    assert again["policy"]["name"] == name and again["policy"]["description"] == description
    assert again["rules"][1]["more"] == content["rules"][1]["more"]


def test_scalars_are_texts():
    content = load(TEXT.replace("name: Purchase policy", "name: no").replace("value: 2500", "value: 0x9"))
    assert content["policy"]["name"] == "no"
    assert "'0x9' is not a number" in read(content).problems[0].message


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("format: distribution-approval-policy/1", "format: other", "not a policy file"),
        ("settings:\n", "settings:\n  hit_policy: FIRST\n", "“hit_policy” is there twice"),
        ("  name: Purchase policy", "  nam: Purchase policy", "“nam” is unknown"),
        ("  document_type: purchase_order\n", "", "“document_type” is missing"),
        ("name: Purchase policy", "name: &a Purchase policy", "anchors and aliases"),
        ("name: Purchase policy", "name: !!python/name:os.system x", "tags are not allowed"),
        ("name: Purchase policy", "name: [1, 2]", "a single value is expected"),
        ("rules:\n", "rules: none\nx:\n", "This is not YAML|“x” is unknown"),
        ("  when:\n  - fact: site", "  when:\n  - fakt: site", "“fakt” is unknown"),
        ("name: Purchase policy", "name: 'open", "not YAML"),
    ],
)
def test_what_is_not_a_policy_file(before, after, said):
    with pytest.raises(PolicyFileError) as error:
        load(TEXT.replace(before, after, 1))
    assert any(part in str(error.value) for part in said.split("|")), error.value


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("is: le\n    value: 2500", "is: le\n    value: much", "'much' is not a number"),
        ("is: le", "is: about", "“about” is no operator"),
        ("- fact: amount\n    is: le", "- fact: amonut\n    is: le", "“amonut” is not declared"),
        ("type: money", "type: monee", "“monee” is no type"),
        ("    - approved", "    - aproved", "is not one of the options"),
        ("code:NORTH", "NORTH", "“NORTH” does not name a record"),
        ("outcome: refuse", "outcome: reject", "'reject' is no outcome"),
        ("stage: 10", "stage: first", "“first” is not a whole number"),
        ("  fallback_user_id: login:fallback\n", "", "no fallback approver"),
        ("      from: 1000\n      to: 5000\n- name: North", "", ""),
        ("    is: gt\n    value: 2500", "    is: gt\n    value: 2600", "move together"),
    ],
)
def test_what_is_wrong_in_a_policy(before, after, said):
    assert before in TEXT or not said
    if said:
        problems = read(load(TEXT.replace(before, after, 1))).problems
        assert any(said in f"{p.message} {p.remedy}" and p.severity == "error" for p in problems), problems


def test_dates_and_minimum():
    content = load(TEXT)
    content["facts"].append({"name": "due", "label": "Due", "type": "date"})
    content["rules"][0]["when"].append({"fact": "due", "is": "le", "value": "2024-12-31"})
    table = read(content).table
    assert table.rules[0].conditions[-1].operand == datetime.date(2024, 12, 31)
    assert table.specs["amount"].minimum == 0


# ---------------------------------------------------------------- policy-check


def run(tmp_path, text, *words):
    return *policy_check(tmp_path, *words, policy=text), tmp_path / "policy.yaml"


@IN_THE_REPOSITORY
class TestPolicyCheck:
    def test_in_order(self, tmp_path):
        code, out, _path = run(tmp_path, COMPLETE)
        assert (code, out.splitlines()[0].endswith("in order")) == (0, True), out

    def test_a_gap(self, tmp_path):
        code, out, _path = run(tmp_path, TEXT)
        assert code == 3
        assert "! No rule matches: Amount is at most 2,500 and Vendor status is New." in out
        assert run(tmp_path, TEXT, "--lenient")[0] == 0

    def test_a_rule_that_never_decides(self, tmp_path):
        text = COMPLETE.replace("mode: monitor\n  ", "").replace(
            "name: North\n  sequence: 30\n  outcome: refuse", "name: Never\n  sequence: 30\n  outcome: pass"
        )
        text = text.replace("  - fact: site\n", "  - fact: amount\n    is: gt\n    value: 9000\n  - fact: site\n")
        code, out, _path = run(tmp_path, text)
        assert code == 3
        assert "Rule 'Never' never decides: wherever it matches, 'Above it' decides." in out

    def test_invalid(self, tmp_path):
        assert run(tmp_path, TEXT.replace("is: le", "is: about"))[0] == 1
        assert run(tmp_path, "nonsense")[0] == 1

    def test_unreadable_and_the_worst_counts(self, tmp_path):
        good = tmp_path / "good.yaml"
        good.write_text(COMPLETE)
        assert run(tmp_path, TEXT, str(good), str(tmp_path / "none.yaml"))[0] == 2
        assert run(tmp_path, TEXT, str(good))[0] == 3

    def test_canonical(self, tmp_path):
        text = COMPLETE.replace("name: Purchase policy", 'name: "Purchase policy"')
        assert run(tmp_path, text)[0] == 0
        assert run(tmp_path, text, "--canonical")[0] == 1
        code, _out, path = run(tmp_path, text, "--write")
        assert code == 0
        assert run(tmp_path, path.read_text(), "--canonical")[0] == 0

    def test_json(self, tmp_path):
        code, out, path = run(tmp_path, TEXT, "--json")
        assert code == 3
        assert json.loads(out)[str(path)]["warnings"][0].startswith("No rule matches")


def test_what_decides_does_without_yaml():
    """The gate opens on a machine without PyYAML, too."""
    code = "import sys; sys.modules['yaml'] = None; import engine; assert engine.analyse and engine.compile_table"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(engine.__file__).parents[1])
