"""Conditions of datasets, told apart for who does not write them, and put together again."""

from ast import literal_eval

import pytest

from engine.conditions import Conditions, join, split

DOMAINS = [
    "[]",
    "[('state', '=', 'done'), ('date_done', '>=', '{since}'), ('date_done', '<', '{until}'), "
    "('picking_type_id.warehouse_id', '=', '{site}'), ('company_id', '=', '{company}')]",
    "[('quantity', '>', 0), ('category_id', '=', '{category}'), ('idle_days', '>=', 90)]",
    "[('invoice_date', '>=', '{first}'), ('invoice_date', '<=', '{last}'), ('state', 'in', ['draft', 'posted'])]",
    "[('id', 'in', '{kpi.backorders}')]",
]


@pytest.mark.parametrize("text", DOMAINS)
def test_what_is_told_apart_is_the_same_when_put_together(text):
    told = split(text)
    assert told.is_plain
    again = join(told, is_day="{first}" in text)
    assert sorted(map(repr, literal_eval(again))) == sorted(repr(tuple(leaf)) for leaf in literal_eval(text))


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
