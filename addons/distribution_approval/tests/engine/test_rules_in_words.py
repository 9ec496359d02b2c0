"""What people type and read: operands, problems, descriptions, explanations."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import (
    OPERATORS,
    Approver,
    Condition,
    FactSpec,
    FactType,
    OperandError,
    Requirement,
    Rule,
    Table,
    Unknown,
    compile_table,
    describe,
    explain,
    format_operand,
    parse_operand,
)

SPECS = {
    spec.name: spec
    for spec in (
        FactSpec("amount", "Amount", FactType.MONEY, unit="EUR"),
        FactSpec("over", "Price over contract", FactType.PERCENT, optional=True),
        FactSpec("due", "Due", FactType.DATE),
        FactSpec(
            "status",
            "Vendor status",
            FactType.SELECTION,
            options=(("new", "New"), ("ok", "Approved"), ("no", "Blocked")),
        ),
        FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse"),
        FactSpec("reason", "Reason", FactType.TEXT, optional=True),
        FactSpec("categories", "Categories", FactType.SET, model="product.category"),
        FactSpec("labels", "Labels", FactType.SET),
        FactSpec("urgent", "Urgent", FactType.FLAG),
    )
}
TEAM = Requirement(1, Approver("group", "1", "Purchasing"))


def rule(*conditions, key="r", sequence=1, outcome="pass", requirements=(), name="", mode="enforce"):
    return Rule(key, sequence, name or key, conditions, outcome, requirements, mode)


# --------------------------------------------------------------------- operands


@pytest.mark.parametrize(
    ("fact", "operator", "text", "operand"),
    [
        ("amount", "gt", "25000", Decimal(25000)),
        ("amount", "gt", " 25,000.50 EUR ", Decimal("25000.5")),
        ("amount", "gt", "25 000", Decimal(25000)),
        ("amount", "gt", "25\u00a0000", Decimal(25000)),
        ("amount", "gt", "25'000", Decimal(25000)),
        ("amount", "gt", "-5", Decimal(-5)),
        ("amount", "between", "10..20", (Decimal(10), Decimal(20))),
        ("amount", "between", "10 to 20", (Decimal(10), Decimal(20))),
        ("amount", "between", "10 - 20", (Decimal(10), Decimal(20))),
        ("amount", "between", "-20 - -10", (Decimal(-20), Decimal(-10))),
        ("amount", "between", "10 and 20", (Decimal(10), Decimal(20))),
        ("over", "le", "5 %", Decimal(5)),
        ("due", "le", "2024-12-31", datetime.date(2024, 12, 31)),
        ("due", "between", "2024-01-01..2024-12-31", (datetime.date(2024, 1, 1), datetime.date(2024, 12, 31))),
        ("status", "eq", "new", "new"),
        ("status", "eq", "approved", "ok"),
        ("status", "in", "New, blocked", frozenset({"new", "no"})),
        ("site", "eq", "7", 7),
        ("site", "not_in", "7;8", frozenset({7, 8})),
        ("reason", "eq", "rush", "rush"),
        ("categories", "any_of", "3, 4", frozenset({3, 4})),
        ("labels", "any_of", "a, b", frozenset({"a", "b"})),
        ("categories", "is_empty", "", None),
        ("urgent", "is_true", None, None),
    ],
)
def test_operands_as_people_type_them(fact, operator, text, operand):
    parsed = parse_operand(SPECS[fact], operator, text)
    assert parsed == operand and type(parsed) is type(operand)
    condition = Condition(fact, operator, parsed)
    assert not Table(SPECS, [rule(condition)]).validate()
    assert parse_operand(SPECS[fact], operator, format_operand(SPECS[fact], operator, parsed)) == operand


@pytest.mark.parametrize(
    ("fact", "operator", "text", "said"),
    [
        ("amount", "gt", "", "missing"),
        ("amount", "gt", "1,5", "not a number"),
        ("amount", "gt", "25.000,00", "not a number"),
        ("amount", "gt", "1 2", "not a number"),
        ("amount", "gt", "1e5", "not a number"),
        ("amount", "gt", "5 USD", "not a number"),
        ("amount", "between", "10", "between two"),
        ("amount", "between", "10..20..30", "between two"),
        ("amount", "between", "20..10", "above the highest"),
        ("amount", "in", "1", "cannot be compared"),
        ("amount", "is_empty", "", None),
        ("amount", "nonsense", "1", "cannot be compared"),
        ("due", "le", "31.12.2024", "not a date"),
        ("status", "eq", "bankrupt", "not one of the options"),
        ("status", "in", " , ", "empty"),
        ("site", "eq", "Berlin", "not the id"),
        ("site", "eq", "0", "not the id"),
        ("categories", "any_of", "food", "not the id"),
        ("urgent", "is_true", "yes", "no value"),
        ("urgent", "eq", "yes", "cannot be compared"),
    ],
)
def test_what_cannot_be_read_is_explained(fact, operator, text, said):
    if said is None:
        problems = Table(SPECS, [rule(Condition(fact, operator))]).validate()
        assert "never empty" in problems[0].message
        return
    with pytest.raises(OperandError) as caught:
        parse_operand(SPECS[fact], operator, text)
    assert said in caught.value.message or said in str(caught.value)
    assert caught.value.field == fact and caught.value.remedy


@given(st.text(alphabet="0123456789., -+eE%'EUR", max_size=8), st.sampled_from(["gt", "between"]))
def test_whatever_is_typed_is_read_or_refused(text, operator):
    try:
        operand = parse_operand(SPECS["amount"], operator, text)
    except OperandError:
        return
    assert not Table(SPECS, [rule(Condition("amount", operator, operand))]).validate()
    again = parse_operand(SPECS["amount"], operator, format_operand(SPECS["amount"], operator, operand))
    assert again == operand


@given(st.decimals(-(10**12), 10**12, places=4))
def test_numbers_survive_being_shown_and_read(number):
    shown = f"{number:,f}"
    assert parse_operand(SPECS["amount"], "eq", shown) == number


def test_every_type_has_operators_with_a_label():
    assert set(OPERATORS) == set(FactType)
    for operators in OPERATORS.values():
        assert len({operator.code for operator in operators}) == len(operators)
        assert all(operator.label and operator.symbol for operator in operators)


# --------------------------------------------------------------------- problems

AMOUNT = Condition("amount", "gt", Decimal(5))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (rule(Condition("colour", "eq", "red")), "colour"),
        (rule(Condition("amount", "in", frozenset({Decimal(5)}))), "amount"),
        (rule(Condition("amount", "nonsense", Decimal(5))), "amount"),
        (rule(Condition("amount", "gt", "5")), "amount"),
        (rule(Condition("amount", "gt", 5)), "amount"),
        (rule(Condition("amount", "gt", True)), "amount"),
        (rule(Condition("amount", "gt")), "amount"),
        (rule(Condition("amount", "gt", Decimal("NaN"))), "amount"),
        (rule(Condition("amount", "between", (Decimal(5), Decimal(4)))), "amount"),
        (rule(Condition("amount", "between", (Decimal(5),))), "amount"),
        (rule(Condition("amount", "between", [Decimal(5), Decimal(6)])), "amount"),
        (rule(Condition("amount", "is_empty")), "amount"),
        (rule(Condition("over", "is_empty", Decimal(1))), "over"),
        (rule(Condition("due", "gt", datetime.datetime(2024, 1, 1))), "due"),
        (rule(Condition("status", "eq", "bankrupt")), "status"),
        (rule(Condition("status", "in", frozenset())), "status"),
        (rule(Condition("status", "in", {"new"})), "status"),
        (rule(Condition("site", "eq", "7")), "site"),
        (rule(Condition("categories", "any_of", frozenset())), "categories"),
        (rule(Condition("categories", "any_of", frozenset({"food"}))), "categories"),
        (rule(Condition("categories", "any_of", frozenset({1.5}))), "categories"),
        (rule(Condition("urgent", "is_true", True)), "urgent"),
        (rule(Condition("reason", "eq", "")), "reason"),
        (rule(outcome="require"), "requirements"),
        (rule(outcome="pass", requirements=[TEAM]), "requirements"),
        (rule(outcome="refuse", requirements=[TEAM]), "requirements"),
        (rule(outcome="allow"), "outcome"),
        (rule(mode="off"), "mode"),
        (rule(key=""), "key"),
        (rule(sequence="first"), "sequence"),
        (rule(outcome="require", requirements=[Requirement(1, TEAM.approver, 0)]), "requirements"),
        (rule(outcome="require", requirements=[Requirement(1, TEAM.approver, 1.5)]), "requirements"),
        (rule(outcome="require", requirements=[Requirement("1", TEAM.approver)]), "requirements"),
        (rule(outcome="require", requirements=[Requirement(1, Approver("group"))]), "requirements"),
        (rule(outcome="require", requirements=[Requirement(1, Approver(""))]), "requirements"),
        (rule(outcome="require", requirements=[Requirement(1, Approver("user", "1"), 2)]), "requirements"),
    ],
)
def test_errors_of_a_rule(wrong, field):
    (problem,) = Table(SPECS, [wrong, rule(key="fine")]).validate()
    assert (problem.severity, problem.field, problem.rule_key) == ("error", field, wrong.key)
    assert problem.message and problem.remedy and problem.message in str(problem)


def test_errors_of_a_table():
    twice = Table(SPECS, [rule(), rule()]).validate()
    assert [(p.severity, p.rule_key, p.field) for p in twice] == [("error", "r", "key")]
    policy = Table(SPECS, [rule()], "ANY").validate()
    assert [(p.severity, p.field) for p in policy] == [("error", "hit_policy")]
    named = Table({"sum": SPECS["amount"]}, [rule()]).validate()
    assert [(p.severity, p.field) for p in named] == [("error", "specs")]
    for rules in ([], [rule(mode="monitor")]):
        (problem,) = Table(SPECS, rules).validate()
        assert problem.severity == "warning"


def test_errors_come_before_warnings():
    problems = Table(SPECS, [rule(AMOUNT, outcome="require", mode="monitor")]).validate()
    assert [problem.severity for problem in problems] == ["error", "warning"]


NEW = Condition("status", "eq", "new")


@pytest.mark.parametrize(
    ("earlier", "later", "reached"),
    [
        ([AMOUNT], [AMOUNT], False),
        ([AMOUNT, NEW], [NEW, AMOUNT], False),
        ([AMOUNT], [AMOUNT, NEW], False),
        ([], [AMOUNT], False),
        ([NEW], [Condition("status", "in", frozenset({"new"}))], False),
        ([AMOUNT, NEW], [AMOUNT], True),
        ([AMOUNT], [Condition("amount", "gt", Decimal(6))], True),
    ],
)
def test_under_first_a_rule_behind_the_same_conditions_is_never_reached(earlier, later, reached):
    rules = [rule(*later, key="a", sequence=2), rule(*earlier, key="z", sequence=1)]
    problems = Table(SPECS, rules, "FIRST").validate()
    assert [(p.severity, p.rule_key) for p in problems] == ([] if reached else [("warning", "a")])
    assert not Table(SPECS, rules, "COLLECT").validate()
    # a monitored rule stands in nobody's way
    rules[1] = rule(*earlier, key="z", sequence=1, mode="monitor")
    assert not Table(SPECS, rules, "FIRST").validate()
    compile_table(Table(SPECS, rules, "FIRST"))


def test_under_first_two_rules_at_one_place_are_pointed_out():
    (problem,) = Table(SPECS, [rule(AMOUNT), rule(NEW, key="s")], "FIRST").validate()
    assert (problem.severity, problem.rule_key, problem.field) == ("warning", "s", "sequence")


# ------------------------------------------------------------------- in words


def test_rules_described():
    big = rule(Condition("amount", "gt", Decimal(25000)), NEW)
    assert describe(big, SPECS) == "Amount > 25,000 and Vendor status is New"
    assert describe(rule(), SPECS) == "Always"
    assert (
        describe(
            rule(Condition("over", "between", (Decimal("2.5"), Decimal(5))), Condition("urgent", "is_true")), SPECS
        )
        == "Price over contract between 2.5% and 5% and Urgent is yes"
    )
    sites = rule(Condition("site", "in", frozenset({2, 1})))
    assert describe(sites, SPECS) == "Site is one of #1, #2"
    names = {1: "Central", 2: "North"}
    assert describe(sites, SPECS, lambda spec, key: names[key]) == "Site is one of Central, North"
    assert describe(rule(Condition("colour", "eq", "red")), SPECS) == "colour eq red (?)"


@pytest.mark.parametrize(
    ("condition", "value", "truth", "text"),
    [
        (AMOUNT, 30000, True, "Amount 30,000.00 is above 5.00"),
        (AMOUNT, 5, False, "Amount 5.00 is not above 5.00"),
        (Condition("amount", "le", Decimal(5)), 5.125, False, "Amount 5.125 is above 5.00"),
        (Condition("amount", "eq", Decimal(5)), 4, False, "Amount 4.00 is not 5.00"),
        (
            Condition("amount", "between", (Decimal(1), Decimal(2))),
            3,
            False,
            "Amount 3.00 is not between 1.00 and 2.00",
        ),
        (AMOUNT, Unknown("rates are missing"), None, "Amount is unknown (rates are missing)"),
        (AMOUNT, None, None, "Amount is unknown (Amount has no value)"),
        (Condition("over", "le", Decimal(5)), None, False, "Price over contract is empty"),
        (Condition("over", "is_empty"), 2, False, "Price over contract 2% is not empty"),
        (Condition("over", "is_empty"), None, True, "Price over contract is empty"),
        (NEW, "new", True, "Vendor status is New"),
        (NEW, "ok", False, "Vendor status Approved is not New"),
        (Condition("status", "ne", "new"), "new", False, "Vendor status is New"),
        (Condition("site", "in", frozenset({1, 2})), 3, False, "Site #3 is none of #1, #2"),
        (
            Condition("due", "lt", datetime.date(2024, 1, 1)),
            datetime.date(2024, 2, 1),
            False,
            "Due 2024-02-01 is not below 2024-01-01",
        ),
        (
            Condition("categories", "all_of", frozenset({1, 2})),
            {1, 3},
            False,
            "Categories #1, #3 does not contain all of #1, #2",
        ),
        (Condition("categories", "none_of", frozenset({1})), {2}, True, "Categories #2 contains none of #1"),
        (Condition("urgent", "is_true"), False, False, "Urgent is no"),
        (Condition("colour", "eq", "red"), 1, None, "There is no fact 'colour'."),
        (Condition("amount", "gt"), 1, None, "Amount: a value is missing."),
    ],
)
def test_conditions_explained(condition, value, truth, text):
    (line,) = explain(rule(condition), {condition.fact: value}, SPECS)
    assert (line.truth, line.text) == (truth, text)


def test_a_hold_says_why():
    table = compile_table(Table(SPECS, [rule(AMOUNT, name="Large orders")]))
    verdict = table.evaluate({"amount": Unknown("rates are missing")})
    assert verdict.reasons == ("Rule 'Large orders' cannot be judged: Amount is unknown (rates are missing).",)
