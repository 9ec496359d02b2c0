"""Decision tables, proven on random tables and facts.

``read`` below decides by reading the rules one after the other, written from the rules in
the engine's docstring and sharing no code with its index.
"""

import datetime
import itertools
import random
import sys
from decimal import Decimal

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from engine import (
    OPERATORS,
    Approver,
    Condition,
    FactSpec,
    FactType,
    Requirement,
    Rule,
    Table,
    TableError,
    Unknown,
    Verdict,
    compile_table,
    merge_stages,
)

DAY = datetime.date(2024, 3, 1)
SPECS = {
    spec.name: spec
    for spec in (
        FactSpec("amount", "Amount", FactType.MONEY),
        FactSpec("over", "Over contract", FactType.PERCENT, optional=True),
        FactSpec("due", "Due", FactType.DATE, optional=True),
        FactSpec(
            "status",
            "Vendor status",
            FactType.SELECTION,
            options=(("new", "New"), ("ok", "Approved"), ("no", "Blocked")),
            optional=True,
        ),
        FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
        FactSpec("reason", "Reason", FactType.TEXT, optional=True),
        FactSpec("categories", "Categories", FactType.SET, model="product.category"),
        FactSpec("urgent", "Urgent", FactType.FLAG),
    )
}
NUMBERS = [Decimal(n) for n in ("-1", "0", "1", "1.5", "2", "1000")]
BETWEEN_NUMBERS = [Decimal(n) for n in ("-5", "0.999", "1.001", "1.75", "99999")]
DAYS = [DAY + datetime.timedelta(days=n) for n in range(4)]
VALUES = {
    "amount": NUMBERS,
    "over": NUMBERS,
    "due": DAYS,
    "status": ["new", "ok", "no"],
    "site": [1, 2, 3],
    "reason": ["rush", "stock-out", "other"],
    "categories": [1, 2, 3, 4],
    "urgent": [True, False],
}
# ------------------------------------------------------------------ strategies


#: The facts of one example: few, so that rules and facts meet on the same ones.
NAMES = st.shared(st.lists(st.sampled_from(sorted(SPECS)), min_size=1, max_size=3, unique=True), key="names")


@st.composite
def conditions(draw):
    name = draw(st.sampled_from(draw(NAMES)))
    value = st.sampled_from(VALUES[name])
    several = st.frozensets(value, min_size=1, max_size=3)
    if name == "urgent":
        return Condition(name, draw(st.sampled_from(["is_true", "is_false"])))
    if name == "categories":
        code = draw(st.sampled_from(["any_of", "all_of", "none_of", "is_empty"]))
        return Condition(name, code, None if code == "is_empty" else draw(several))
    empty = ["is_empty"] if SPECS[name].optional else []
    if SPECS[name].type.is_ordered:
        code = draw(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "between", *empty]))
        operand = {
            "between": st.tuples(value, value).map(lambda pair: tuple(sorted(pair))),
            "is_empty": st.none(),
        }.get(code, value)
    else:
        code = draw(st.sampled_from(["eq", "ne", "in", "not_in", *empty]))
        operand = {"in": several, "not_in": several, "is_empty": st.none()}.get(code, value)
    return Condition(name, code, draw(operand))


APPROVERS = [Approver(kind, key) for kind, key in (("user", "1"), ("user", "2"), ("group", "1"), ("site_manager", ""))]


@st.composite
def requirements(draw):
    approver = draw(st.sampled_from(APPROVERS))
    label = draw(st.sampled_from(["", "Finance", "Buying"]))
    return Requirement(
        draw(st.integers(1, 3)),
        Approver(approver.kind, approver.key, label),
        1 if approver.kind == "user" else draw(st.integers(1, 3)),
        draw(st.sampled_from(["", "limit", "risk"])),
    )


@st.composite
def rules(draw, key=None, outcomes=("pass", "require", "refuse"), modes=None):
    outcome = draw(st.sampled_from(outcomes))
    return Rule(
        key or draw(st.uuids()).hex,
        draw(st.integers(1, 4)),
        draw(st.sampled_from(["one", "two"])),
        tuple(draw(st.lists(conditions(), max_size=draw(st.sampled_from([1, 1, 2, 3]))))),
        outcome,
        tuple(draw(st.lists(requirements(), min_size=1, max_size=3))) if outcome == "require" else (),
        draw(st.sampled_from(modes or ("enforce", "enforce", "enforce", "monitor"))),
    )


@st.composite
def rule_lists(draw, max_size=7, **options):
    count = draw(st.integers(0, max_size))
    return [draw(rules(key=f"r{n}", **options)) for n in range(count)]


def values_of(name):
    """Values on, between and outside the operands of rules."""
    if SPECS[name].type.is_number:
        return [*NUMBERS, *BETWEEN_NUMBERS]
    if name == "due":
        return [*DAYS, DAY - datetime.timedelta(days=9), DAY + datetime.timedelta(days=9)]
    if name == "categories":
        several = [itertools.combinations([*VALUES[name], 99], size) for size in range(5)]
        return [frozenset(elements) for sets in several for elements in sets]
    others = {"site": [77], "reason": ["something else"]}
    return [*VALUES[name], *others.get(name, [])]


@st.composite
def fact_sets(draw):
    facts = {}
    for name in draw(NAMES):
        drawn = draw(st.sampled_from(values_of(name)))
        if not draw(st.integers(0, 4)):
            drawn = draw(st.sampled_from([None, Unknown("no answer"), "missing", object()]))
        if drawn != "missing":
            facts[name] = drawn
    return facts


# ------------------------------------------------------------ naive reference


def known(name, facts):
    """``(is known, value)``."""
    value = facts.get(name, Unknown())
    if isinstance(value, Unknown) or type(value) is object:
        return False, None
    if value is None and not SPECS[name].optional:
        return False, None
    return True, value


def true(condition, value):
    code, operand = condition.operator, condition.operand
    if code == "is_empty":
        return value is None or value == frozenset()
    if code == "is_true":
        return value is True
    if code == "is_false":
        return value is False
    if code in ("any_of", "all_of", "none_of"):
        inside = [element in value for element in operand]
        return {"any_of": any, "all_of": all, "none_of": lambda i: not any(i)}[code](inside)
    if code in ("ne", "not_in"):
        return value not in (operand if code == "not_in" else [operand])
    if value is None:
        return False
    if code in ("eq", "in"):
        return value in (operand if code == "in" else [operand])
    if code == "between":
        return not value < operand[0] and not value > operand[1]
    below, same = value < operand, value == operand
    return {"lt": below, "le": below or same, "gt": not (below or same), "ge": not below}[code]


def judge(rule, facts):
    """True, False or None, in the words of rule 1."""
    truths = []
    for condition in rule.conditions:
        is_known, value = known(condition.fact, facts)
        truths.append(true(condition, value) if is_known else None)
    if False in truths:
        return False
    return None if None in truths else True


def route(matched):
    """Stages as nested dictionaries, in the words of rule 5."""
    asked = {}
    for rule in matched:
        for need in rule.requirements:
            who = (need.approver.kind, need.approver.key)
            stage = asked.setdefault(need.sequence, {})
            stage[who] = max(need.quorum, stage.get(who, 0))
    for earlier, later in itertools.combinations(sorted(asked), 2):
        for who in asked[earlier]:
            if who[0] == "user":
                asked[later].pop(who, None)
    return {sequence: stage for sequence, stage in asked.items() if stage}


def read(table, facts):
    """The verdict: outcome, keys of rules that decided, undetermined keys, route,
    monitored keys."""
    ordered = sorted(table.rules, key=lambda rule: (rule.sequence, rule.key))
    if table.hit_policy == "FIRST":
        seen = []
        for rule in ordered:
            seen.append(rule)
            if rule.mode == "enforce" and judge(rule, facts) is True:
                break
        ordered = seen
    monitored = {r.key for r in ordered if r.mode == "monitor" and judge(r, facts) is True}
    enforced = [r for r in ordered if r.mode == "enforce"]
    unclear = {r.key for r in enforced if judge(r, facts) is None}
    hits = [r for r in enforced if judge(r, facts) is True]
    if table.hit_policy == "FIRST":
        outcome = "hold" if unclear or not hits else hits[0].outcome
        matched = hits
    else:
        for outcome in ("refuse", "require", "pass"):
            matched = [r for r in hits if r.outcome == outcome]
            if unclear and outcome != "refuse":
                matched = []
            if matched:
                break
        else:
            outcome = "hold"
    if outcome == "hold":
        matched = []
    return (
        outcome,
        {r.key for r in matched},
        unclear,
        route(matched) if outcome == "require" else {},
        monitored,
    )


def summary(verdict):
    return (
        verdict.outcome,
        {rule.key for rule in verdict.matched},
        {rule.key for rule, _fact, _reason in verdict.undetermined},
        stages_of(verdict),
        {rule.key for rule in verdict.monitored},
    )


def stages_of(verdict):
    return {
        stage.sequence: {(need.approver.kind, need.approver.key): need.quorum for need in stage.requirements}
        for stage in verdict.stages
    }


# ------------------------------------------------------------------ properties


def every_condition(name):
    """Each operator of a fact with each operand there is."""
    values = VALUES[name]
    for operator in OPERATORS[SPECS[name].type]:
        if operator.operand == "none":
            operands = [None]
        elif operator.operand == "one":
            operands = values
        elif operator.operand == "range":
            operands = itertools.combinations_with_replacement(values, 2)
        else:
            sizes = range(1, len(values) + 1)
            operands = (frozenset(chosen) for size in sizes for chosen in itertools.combinations(values, size))
        for operand in operands:
            if operator.code != "is_empty" or SPECS[name].optional or name == "categories":
                yield Condition(name, operator.code, operand)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_operator_with_every_operand_on_every_value(name):
    rule_list = [Rule(f"{n:03}", n, "", (c,), "pass") for n, c in enumerate(every_condition(name))]
    alone = [compile_table(Table(SPECS, [rule])) for rule in rule_list]
    together = compile_table(Table(SPECS, rule_list))
    for value in [*values_of(name), None, Unknown("no answer"), object()]:
        facts = {name: value}
        assert summary(together.evaluate(facts)) == read(together, facts)
        for rule, table in zip(rule_list, alone):
            assert summary(table.evaluate(facts)) == read(table, facts), rule.conditions


@settings(max_examples=500)
@given(st.lists(requirements(), max_size=6), st.data())
def test_stages_merge_with_the_stricter_quorum_in_any_order(needs, data):
    rule = Rule("r", 1, "", (), "require", needs)
    stages = merge_stages(needs)
    assert stages_of(Verdict("require", stages=stages)) == route([rule])
    assert [stage.sequence for stage in stages] == sorted({stage.sequence for stage in stages})
    assert repr(merge_stages(data.draw(st.permutations(needs)))) == repr(stages)


@settings(max_examples=1000)
@given(rule_lists(), fact_sets(), st.sampled_from(["FIRST", "COLLECT"]))
def test_the_index_decides_as_reading_does(rule_list, facts, hit_policy):
    table = Table(SPECS, rule_list, hit_policy)
    verdict = compile_table(table).evaluate(facts)
    assert summary(verdict) == read(table, facts)
    assert verdict.reasons
    for rule, name, reason in verdict.undetermined:
        assert name in {condition.fact for condition in rule.conditions} and reason


@given(st.lists(conditions(), min_size=1, max_size=6), fact_sets())
def test_each_condition_by_itself_and_explained(condition_list, facts):
    for condition in condition_list:
        rule = Rule("r", 1, "", (condition,), "pass")
        table = compile_table(Table(SPECS, [rule]))
        truth = judge(rule, facts)
        (line,) = table.explain(rule, facts)
        assert line.truth is truth
        assert line.text.startswith(SPECS[condition.fact].label)
        outcome = table.evaluate(facts).outcome
        assert outcome == ("pass" if truth else "hold")
        assert table.describe(rule)


@given(st.data(), rule_lists(), fact_sets(), st.sampled_from(["FIRST", "COLLECT"]))
def test_physical_order_never_matters(data, rule_list, facts, hit_policy):
    other = data.draw(st.permutations(rule_list))
    one = compile_table(Table(SPECS, rule_list, hit_policy)).evaluate(facts)
    assert compile_table(Table(SPECS, other, hit_policy)).evaluate(facts) == one


@given(st.data(), rule_lists(), fact_sets())
def test_collect_ignores_declared_order_too(data, rule_list, facts):
    renumbered = [
        Rule(r.key, data.draw(st.integers(1, 9)), r.name, r.conditions, r.outcome, r.requirements, r.mode)
        for r in rule_list
    ]
    one = compile_table(Table(SPECS, rule_list)).evaluate(facts)
    other = compile_table(Table(SPECS, renumbered)).evaluate(facts)
    assert summary(one) == summary(other)
    # names and labels of merged requirements included:
    assert repr(one.stages) == repr(other.stages)


@given(rule_lists(max_size=5), fact_sets())
def test_first_follows_the_declared_order(rule_list, facts):
    """Of rules that match, exchanging two places exchanges who decides."""
    facts = {name: value for name, value in facts.items() if known(name, facts)[0]}
    rule_list = [r for r in rule_list if r.mode == "enforce" and judge(r, facts) is True]
    for n, winner in enumerate(rule_list):
        placed = [
            Rule(r.key, 0 if r is winner else 1, r.name, r.conditions, r.outcome, r.requirements) for r in rule_list
        ]
        verdict = compile_table(Table(SPECS, placed, "FIRST")).evaluate(facts)
        assert [rule.key for rule in verdict.matched] == [winner.key], n


def at_least(after, before):
    """The order of authority: pass < require < refuse; a route is at least another when it
    asks each of its approvers, no later if he is a person, in the same stage otherwise,
    with no smaller quorum.

    A hold has no route yet: it never turns into a pass; and when it holds because a fact
    is unknown, only a refusal is more.
    """
    if before.outcome == "hold":
        if before.undetermined:
            return after.outcome in ("hold", "refuse")
        return after.outcome != "pass"
    if after.outcome == "hold":
        return before.outcome != "refuse"
    level = ["pass", "require", "refuse"].index
    if level(after.outcome) != level(before.outcome):
        return level(after.outcome) > level(before.outcome)
    asked = stages_of(after)
    for sequence, stage in stages_of(before).items():
        for who, quorum in stage.items():
            places = [n for n in asked if who in asked[n]]
            if who[0] == "user":
                if not any(n <= sequence for n in places):
                    return False
            elif sequence not in places or asked[sequence][who] < quorum:
                return False
    return True


@given(rule_lists(), rules(key="added", outcomes=("require", "refuse")), fact_sets())
def test_collect_adding_a_stage_or_refusal_never_lowers_authority(rule_list, added, facts):
    before = compile_table(Table(SPECS, rule_list)).evaluate(facts)
    after = compile_table(Table(SPECS, [*rule_list, added])).evaluate(facts)
    note(f"{before}\n{after}")
    assert at_least(after, before)


@given(rule_lists(max_size=4), requirements(), st.data(), fact_sets())
def test_collect_adding_a_stage_to_a_rule_never_lowers_authority(rule_list, requirement, data, facts):
    before = compile_table(Table(SPECS, rule_list)).evaluate(facts)
    requiring = [r for r in rule_list if r.outcome == "require"]
    if not requiring:
        return
    chosen = data.draw(st.sampled_from(requiring))
    more = Rule(
        chosen.key,
        chosen.sequence,
        chosen.name,
        chosen.conditions,
        "require",
        (*chosen.requirements, requirement),
        chosen.mode,
    )
    changed = [more if r is chosen else r for r in rule_list]
    assert at_least(compile_table(Table(SPECS, changed)).evaluate(facts), before)


@given(rule_lists(), rules(key="added", modes=("monitor",)), fact_sets(), st.sampled_from(["FIRST", "COLLECT"]))
def test_a_monitored_rule_decides_nothing(rule_list, added, facts, hit_policy):
    before = compile_table(Table(SPECS, rule_list, hit_policy)).evaluate(facts)
    after = compile_table(Table(SPECS, [*rule_list, added], hit_policy)).evaluate(facts)
    assert summary(after)[:4] == summary(before)[:4]
    assert set(before.monitored) <= set(after.monitored)


@given(rule_lists(), fact_sets(), st.sampled_from(sorted(SPECS)))
def test_losing_a_fact_never_lets_through(rule_list, facts, lost):
    """Without a fact, a refusal may become a hold, but nothing becomes a pass or an
    easier route (COLLECT)."""
    table = compile_table(Table(SPECS, rule_list))
    before = table.evaluate(facts)
    after = table.evaluate({**facts, lost: Unknown("gone")})
    if after.outcome == "refuse":
        assert before.outcome == "refuse" and set(after.matched) <= set(before.matched)
    else:
        assert after.outcome == "hold" or summary(after)[:4] == summary(before)[:4]


@given(rule_lists(max_size=4, modes=("enforce",)), fact_sets())
def test_first_unknown_before_the_hit_holds(rule_list, facts):
    table = compile_table(Table(SPECS, rule_list, "FIRST"))
    verdict = table.evaluate(facts)
    for rule in table.rules:
        truth = judge(rule, facts)
        if truth is None:
            assert verdict.outcome == "hold"
        if truth is not False:
            break


def test_nothing_matches_holds():
    for hit_policy in ("FIRST", "COLLECT"):
        verdict = compile_table(Table(SPECS, (), hit_policy)).evaluate({})
        assert (verdict.outcome, verdict.reasons) == ("hold", ("No rule matches.",))


def test_used_facts_are_those_that_rules_read():
    rule = Rule("r", 1, "", (Condition("urgent", "is_true"),), "pass")
    assert compile_table(Table(SPECS, [rule])).used_facts == {"urgent"}


def test_a_person_is_asked_in_the_earliest_stage_only():
    boss = Approver("user", "1")
    team = Approver("group", "5")
    one = Rule("a", 1, "", (), "require", (Requirement(2, boss), Requirement(2, team)))
    two = Rule("b", 2, "", (), "require", (Requirement(1, boss), Requirement(1, team, 2)))
    verdict = compile_table(Table(SPECS, [one, two])).evaluate({})
    assert stages_of(verdict) == {
        1: {("group", "5"): 2, ("user", "1"): 1},
        2: {("group", "5"): 1},
    }


# ------------------------------------------------------ the cost of many rules


def many_rules(count, seed=1):
    """Rules over all facts; the facts of ``ordinary`` match exactly one of them."""
    pick = random.Random(seed)
    made = [Rule("0", 0, "", (Condition("amount", "gt", Decimal(100)),), "pass")]
    for n in range(1, count):
        limit = Decimal(pick.randint(200, 10**6))
        made.append(
            Rule(
                str(n),
                n,
                f"rule {n}",
                (
                    Condition("amount", "gt", limit),
                    Condition("over", "ge", Decimal(pick.randint(1, 500)) / 10),
                    Condition("site", "in", frozenset({pick.randint(1, 50), 51})),
                    Condition("categories", "any_of", frozenset({pick.randint(1, 200)})),
                    Condition("status", "ne", pick.choice(["new", "ok"])),
                    Condition("due", "lt", DAY + datetime.timedelta(days=pick.randint(0, 90))),
                ),
                "require",
                (Requirement(1, Approver("group", str(n % 7))),),
            )
        )
    return compile_table(Table(SPECS, made))


ORDINARY = {
    "amount": Decimal(150),
    "over": Decimal(3),
    "site": 7,
    "categories": frozenset({3, 14, 15}),
    "status": "ok",
    "due": DAY,
}


def operations(table):
    """Bytecode instructions executed for one evaluation."""
    count = 0

    def trace(frame, event, _arg):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        table.evaluate(ORDINARY)
    finally:
        sys.settrace(previous)
    return count


def test_operations_do_not_grow_with_the_number_of_rules():
    few, many = many_rules(10), many_rules(500)
    assert few.evaluate(ORDINARY).outcome == many.evaluate(ORDINARY).outcome == "pass"
    assert operations(many) <= operations(few) * 1.1


def test_breakpoints_are_searched_by_halving():
    asked = []

    class Counted(Decimal):
        def __gt__(self, other):
            asked.append(other)
            return Decimal(self) > other

    rule_list = [Rule(str(n), n, "", (Condition("amount", "gt", Decimal(n)),), "pass") for n in range(500)]
    table = compile_table(Table(SPECS, rule_list))
    table.evaluate({"amount": Counted(250)})
    assert 0 < len(asked) <= 10


# --------------------------------------------------------------------- errors


def test_a_table_with_errors_is_not_compiled():
    rule = Rule("r", 1, "", (Condition("nothing", "eq", 1),), "require")
    with pytest.raises(TableError) as caught:
        compile_table(Table(SPECS, [rule]))
    assert "There is no fact 'nothing'" in str(caught.value)
    assert {problem.field for problem in caught.value.problems} == {
        "nothing",
        "requirements",
    }
