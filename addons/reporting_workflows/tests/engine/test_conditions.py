"""Conditions of datasets, told apart for who does not write them, and put together again."""

from ast import literal_eval
from pathlib import Path

import pytest
import yaml

from engine.conditions import Conditions, join, split

LIBRARY = Path(__file__).parents[2] / "library"
DOMAINS = [
    dataset.get("domain", "[]")
    for path in sorted(LIBRARY.glob("*.yaml"))
    for dataset in yaml.safe_load(path.read_text()).get("datasets", ())
]


@pytest.mark.parametrize("text", DOMAINS)
def test_what_the_library_asks_for_is_the_same_when_put_together(text):
    told = split(text)
    again = join(told, is_day="{first}" in text)
    assert sorted(map(repr, literal_eval(again))) == sorted(repr(tuple(leaf)) for leaf in literal_eval(text))


def test_nearly_all_of_the_library_is_told_without_a_word_of_code():
    assert len(DOMAINS) > 40
    assert sum(split(text).is_plain for text in DOMAINS) > len(DOMAINS) * 0.7


def test_what_a_report_is_run_for():
    told = split(
        "[('a.warehouse_id', '=', '{site}'), ('categ_id', '=', '{category}'), ('company_id', '=', '{company}')]"
    )
    assert told == Conditions(site="a.warehouse_id", category="categ_id", company="company_id", rest=[])
    assert split("[('id', 'in', '{kpi.backorders}')]") == Conditions(kpi="backorders", rest=[])


def test_what_holds_only_with_others_stays():
    text = "['|', ('site_id', '=', '{site}'), ('site_id', '=', False)]"
    told = split(text)
    assert (told.site, told.is_plain) == ("", False)
    assert join(told, is_day=False) == text
    assert split("[('id', 'in', [1, 2]), ('day', '>=', '{since}')]").period == "", "half a period is none"


def test_conditions_come_before_what_they_do_not_belong_to():
    told = split("[('day', '>=', '{first}'), ('day', '<=', '{last}'), '|', ('a', '=', 1), ('b', '=', 2)]")
    assert told.period == "day"
    assert join(told, is_day=True) == (
        "[('day', '>=', '{first}'), ('day', '<=', '{last}'), '|', ('a', '=', 1), ('b', '=', 2)]"
    )


@pytest.mark.parametrize("text", ["no list", "{}", "[1, 2]", "[('a', 'b')]", "__import__('os')"])
def test_no_list_of_conditions(text):
    assert split(text) is None
