"""Local variants as text: one canonical form, read strictly, checked against their standard from the command line."""

import datetime
import json
from decimal import Decimal

import pytest
from engine_tests.policy_check import IN_THE_REPOSITORY, policy_check
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.facts import FactSpec, FactType
from engine.policy_file import load as load_policy
from engine.policy_yaml import PolicyFileError, format_of
from engine.variant_file import FORMAT, dump, load, read, standard_of, values_of

TEXT = """\
format: distribution-approval-variant/1
standard:
  name: Purchase policy
  document_type: purchase_order
  company: xmlid:base.main_company
place:
  company: xmlid:base.main_company
  site: code:NOR
reason: |-
  A small place
  with one buyer
values:
  buyer limit: 3000
  manager limit: 20000
"""
STANDARD = """\
format: distribution-approval-policy/1
policy:
  name: Purchase policy
  document_type: purchase_order
  company: xmlid:base.main_company
settings:
  fallback_user_id: login:fallback
  hit_policy: COLLECT
facts:
- name: amount
  label: Amount
  type: money
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
  - fact: amount
    is: le
    value: 10000
    adjustable:
      name: manager limit
      from: 10000
      to: 20000
  approvers:
  - stage: 10
    kind: manager
- name: Very large
  sequence: 30
  outcome: refuse
  when:
  - fact: amount
    is: gt
    value: 10000
    adjustable:
      name: manager limit
      from: 10000
      to: 20000
"""
AMOUNT = FactSpec("amount", "Amount", FactType.MONEY)
BANDS = {
    "buyer limit": engine.Band("buyer limit", AMOUNT, Decimal(2500), Decimal(1000), Decimal(5000)),
    "manager limit": engine.Band("manager limit", AMOUNT, Decimal(10000), Decimal(10000), Decimal(20000)),
}


def test_the_example_is_canonical_and_sound():
    content = load(TEXT)
    assert format_of(TEXT) == FORMAT
    assert dump(content) == dump(content, BANDS) == TEXT
    assert standard_of(content) == ("purchase_order", "xmlid:base.main_company")
    variant = read(content, BANDS)
    assert variant.values == {"buyer limit": Decimal(3000), "manager limit": Decimal(20000)}
    assert variant.problems == ()


def test_the_standard_names_itself_in_the_same_way():
    assert standard_of(load_policy(STANDARD)) == standard_of(load(TEXT))


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1)


@settings(max_examples=300)
@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_any_text_comes_back_byte_for_byte(name, reason, values):
    content = {**load(TEXT), "reason": reason, "values": values}
    content["standard"]["name"] = name
    text = dump(content)
    assert dump(load(text)) == text
    assert (load(text)["reason"], values_of(load(text))) == (reason, values)


def test_a_number_has_one_form():
    content = load(TEXT.replace("3000", "3000.50"))
    assert "buyer limit: 3000.5\n" in dump(content, BANDS)
    assert "buyer limit: 3000.50\n" in dump(content), "without the standard nobody knows that it is a number"


@pytest.mark.parametrize("ending", ["", "values:\n", "values:\n  buyer limit:\n", "values: {}\n"])
def test_without_values_it_ends_the_variant(ending):
    content = load(TEXT[: TEXT.index("values:")] + ending)
    assert values_of(content) == {}
    assert "values" not in dump(content)
    assert read(content, BANDS).problems == ()


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("format: distribution-approval-variant/1", "format: distribution-approval-policy/1", "not a variant file"),
        ("  document_type: purchase_order\n", "", "standard: “document_type” is missing"),
        ("place:\n  company: xmlid:base.main_company", "place:\n  company:", "place: “company” is missing"),
        ("  site: code:NOR", "  site: code:NOR\n  region: code:N", "a region or a site, not both"),
        ("site: code:NOR", "site: NOR", "“NOR” does not name a record"),
        ("site: code:NOR", "warehouse: code:NOR", "“warehouse” is unknown"),
        ("  buyer limit: 3000", "  buyer limit: [3000]", "a single value is expected"),
        ("  buyer limit: 3000", "  buyer limit: 3000\n  buyer limit: 1", "is there twice"),
        ("values:\n  buyer limit: 3000\n  manager limit: 20000", "values: 3000", "lines are expected"),
        ("reason: |-\n  A small place\n  with one buyer\n", "reason: [1]\n", "a single value is expected"),
    ],
)
def test_what_is_not_a_variant_file(before, after, said):
    assert before in TEXT
    with pytest.raises(PolicyFileError) as error:
        load(TEXT.replace(before, after, 1))
    assert said in str(error.value)


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("buyer limit: 3000", "buyer limit: 9000", "“buyer limit”: 9,000 is outside the band 1,000 to 5,000."),
        ("buyer limit: 3000", "buyer limit: much", "“buyer limit”: Amount: 'much' is not a number"),
        ("buyer limit: 3000", "seller limit: 3000", "“seller limit”: the standard has no such threshold (any more)."),
    ],
)
def test_what_does_not_count(before, after, said):
    variant = read(load(TEXT.replace(before, after)), BANDS)
    assert any(said in problem for problem in variant.problems), variant.problems
    assert variant.values == {"manager limit": Decimal(20000)}


def test_a_date_that_may_move():
    due = FactSpec("due", "Due", FactType.DATE)
    band = engine.Band("last day", due, *map(datetime.date.fromisoformat, ("2026-06-30", "2026-01-01", "2026-12-31")))
    content = {**load(TEXT), "values": {"last day": "2026-07-31"}}
    assert read(content, {"last day": band}).values == {"last day": datetime.date(2026, 7, 31)}
    assert "last day: 2026-07-31" in dump(content, {"last day": band})


# ---------------------------------------------------------------- policy-check


@IN_THE_REPOSITORY
class TestPolicyCheck:
    def test_in_order_wherever_the_standard_comes(self, tmp_path):
        for texts in ({"a": STANDARD, "b": TEXT}, {"a": TEXT, "b": STANDARD}):
            code, out = policy_check(tmp_path, **texts)
            assert code == 0, out
            assert out.count(": in order") == 2

    def test_outside_its_band(self, tmp_path):
        code, out = policy_check(tmp_path, standard=STANDARD, variant=TEXT.replace("20000", "20001"))
        assert code == 1
        assert "✗ “manager limit”: 20,001 is outside the band 10,000 to 20,000." in out

    def test_the_standard_went_on(self, tmp_path):
        renamed = STANDARD.replace("name: buyer limit", "name: limit of buyers")
        code, out = policy_check(tmp_path, standard=renamed, variant=TEXT)
        assert code == 1
        assert "the standard has no such threshold (any more)" in out

    def test_without_its_standard(self, tmp_path):
        for texts in ({"variant": TEXT}, {"variant": TEXT, "other": STANDARD.replace("main_company", "other")}):
            code, out = policy_check(tmp_path, **texts)
            assert code == 3
            assert "! Its standard, Purchase policy, is not among the files: its values were not checked." in out
        assert policy_check(tmp_path, "--lenient", variant=TEXT)[0] == 0

    def test_an_invalid_standard(self, tmp_path):
        code, out = policy_check(
            tmp_path, standard=STANDARD.replace("outcome: refuse", "outcome: reject"), variant=TEXT
        )
        assert code == 1
        assert "! Its standard is invalid: what its values leave open was not worked out." in out

    def test_what_its_values_leave_open(self, tmp_path):
        """A third rule with a number of its own, not the threshold: at this place there is a gap."""
        mark = "    adjustable:\n      name: manager limit\n      from: 10000\n      to: 20000\n"
        apart = STANDARD.replace(f"{mark}  approvers", "  approvers")
        assert apart != STANDARD
        code, out = policy_check(tmp_path, standard=apart, variant=TEXT)
        assert code == 3, out
        assert "! No rule matches: Amount is above 10,000 and at most 20,000." in out

    def test_it_ends_the_variant(self, tmp_path):
        code, out = policy_check(tmp_path, standard=STANDARD, variant=TEXT[: TEXT.index("values:")])
        assert code == 0
        assert "· It has no values: published, it ends the variant of its place." in out

    def test_canonical(self, tmp_path):
        text = TEXT.replace("3000", "3000.0")
        assert policy_check(tmp_path, standard=STANDARD, variant=text)[0] == 0
        assert policy_check(tmp_path, "--canonical", standard=STANDARD, variant=text)[0] == 1
        assert policy_check(tmp_path, "--write", standard=STANDARD, variant=text)[0] == 0
        assert (tmp_path / "variant.yaml").read_text() == TEXT

    def test_json(self, tmp_path):
        code, out = policy_check(tmp_path, "--json", standard=STANDARD, variant=TEXT.replace("3000", "1"))
        assert code == 1
        assert "outside the band" in json.loads(out)[str(tmp_path / "variant.yaml")]["errors"][0]
