"""The difference between two versions of a policy, in words.

Rules:

1. Rules of both versions are paired: first those that say exactly the same, then those of the
   same name, then – of the rest – those that are most alike, if they share more than half of
   what they say. What finds no partner was removed or added.
2. A pair is told apart in the order in which people read a rule: name, conditions, outcome,
   mode, approvers, then whatever else it carries.
3. A condition that keeps its fact and operator has *changed*; else it was removed or added.
4. The order of rules is reported under ``FIRST`` only, where it decides.

>>> from decimal import Decimal
>>> from .decision_table import Approver, Condition, Requirement, Rule
>>> from .facts import FactSpec, FactType
>>> specs = {'amount': FactSpec('amount', 'Amount', FactType.MONEY)}
>>> def version(limit, *more):
...     small = Rule('1', 10, 'Small orders', (Condition('amount', 'le', Decimal(limit)),), 'pass')
...     return PolicyText(specs, (RuleText(small), *more), settings=(('Tolerance (%)', '2'),))
>>> board = RuleText(Rule('9', 20, 'Board', (Condition('amount', 'gt', Decimal(90000)),), 'require',
...     (Requirement(1, Approver('group', '7', 'Board'), 2),)))
>>> for change in difference(version(2500), version(3000, board)):
...     print(change)
Rule “Small orders”: changed: Amount ≤ 2,500 → Amount ≤ 3,000
Rule added: “Board”: when Amount > 90,000: needs approval by 2 of Board (stage 1)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from .decision_table import (
    FIRST,
    Rule,
    _condition_identity,
    _condition_words,
    _declared_order,
    _short,
    describe,
)
from .facts import FactSpec

OUTCOME_WORDS = {"pass": "passes", "require": "needs approval", "refuse": "is refused"}
MODE_WORDS = {"enforce": "enforced", "monitor": "monitored only"}


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule with whatever else it carries: ``(label, words)`` for people."""

    rule: Rule
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A version of a policy as it is compared."""

    specs: Mapping[str, FactSpec]
    rules: tuple[RuleText, ...]
    settings: tuple[tuple[str, str], ...] = ()
    hit_policy: str = "COLLECT"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``kind``: setting, added, removed, changed or moved."""

    kind: str
    subject: str
    text: str

    def __str__(self):
        if self.kind == "setting":
            return f"{self.subject}: {self.text}"
        if self.kind in ("added", "removed"):
            return f"Rule {self.kind}: “{self.subject}”: {self.text}"
        return f"Rule “{self.subject}”: {self.text}"


def difference(before: PolicyText, after: PolicyText, name_of=None) -> tuple[Change, ...]:
    """Everything that differs: settings, then rules in the order of the newer version, then
    those that are gone. Nothing differs: empty."""
    changes = list(_pairs_changed(before.settings, after.settings, "setting"))
    pairs = pair_rules(before.rules, after.rules)
    old_of = {id(new): old for old, new in pairs if old and new}
    moved = _moved(before, after, pairs) if after.hit_policy == FIRST else set()
    for new in sorted(after.rules, key=lambda text: _declared_order(text.rule)):
        old = old_of.get(id(new))
        if old is None:
            changes.append(Change("added", new.rule.name, _rule_words(new, after.specs, name_of)))
            continue
        changes.extend(_rule_changes(old, new, before.specs, after.specs, name_of))
        if id(new) in moved:
            changes.append(Change("moved", new.rule.name, "is read at another place in the order"))
    for old, new in pairs:
        if new is None:
            changes.append(Change("removed", old.rule.name, _rule_words(old, before.specs, name_of)))
    return tuple(changes)


def pair_rules(before, after):
    """``[(old or None, new or None)]``; see rule 1 of the module."""
    pairs = []
    old_left = sorted(before, key=lambda text: _declared_order(text.rule))
    new_left = sorted(after, key=lambda text: _declared_order(text.rule))
    for same in (lambda text: _content(text), lambda text: text.rule.name):
        known = {}
        for text in old_left:
            known.setdefault(same(text), []).append(text)
        rest = []
        for new in new_left:
            candidates = known.get(same(new))
            if candidates:
                old = candidates.pop(0)
                old_left = [text for text in old_left if text is not old]
                pairs.append((old, new))
            else:
                rest.append(new)
        new_left = rest
    alike = sorted(
        (
            (-_likeness(old, new), n, m)
            for n, old in enumerate(old_left)
            for m, new in enumerate(new_left)
            if _likeness(old, new) > 0.5
        ),
    )
    taken_old, taken_new = set(), set()
    for _score, n, m in alike:
        if n not in taken_old and m not in taken_new:
            pairs.append((old_left[n], new_left[m]))
            taken_old.add(n)
            taken_new.add(m)
    pairs += [(old, None) for n, old in enumerate(old_left) if n not in taken_old]
    pairs += [(None, new) for m, new in enumerate(new_left) if m not in taken_new]
    return pairs


def _content(text):
    rule = text.rule
    return (
        rule.name,
        frozenset((*_condition_identity(c), c.threshold) for c in rule.conditions),
        rule.outcome,
        rule.mode,
        frozenset((r.sequence, r.approver, r.quorum, r.name) for r in rule.requirements),
        text.more,
    )


def _likeness(old, new):
    """Share of what two rules say that both say, from 0 to 1."""
    one, other = _statements(old.rule), _statements(new.rule)
    return len(one & other) / len(one | other)


def _statements(rule):
    statements = {("outcome", rule.outcome)}
    statements.update(_condition_identity(c) for c in rule.conditions)
    statements.update((c.fact, c.operator) for c in rule.conditions)
    statements.update((r.sequence, r.approver) for r in rule.requirements)
    return statements


def _moved(before, after, pairs):
    """Of the rules in both versions, those that another one has overtaken."""
    partner = {id(old): new for old, new in pairs if old and new}
    was = [partner[id(o)] for o in sorted(before.rules, key=lambda t: _declared_order(t.rule)) if id(o) in partner]
    place = {id(text): n for n, text in enumerate(was)}
    now = [t for t in sorted(after.rules, key=lambda t: _declared_order(t.rule)) if id(t) in place]
    stayed = _longest_run([place[id(text)] for text in now])
    return {id(text) for n, text in enumerate(now) if n not in stayed}


def _longest_run(places):
    """Indexes of a longest increasing subsequence: what did not move."""
    best = []
    for n, place in enumerate(places):
        tail = max((run for run in best if places[run[-1]] < place), key=len, default=())
        best.append((*tail, n))
    return set(max(best, key=len, default=()))


def _rule_changes(old, new, old_specs, new_specs, name_of):
    name = new.rule.name
    if old.rule.name != name:
        yield Change("changed", name, f"renamed, was “{old.rule.name}”")
    for text in _condition_changes(old.rule, new.rule, old_specs, new_specs, name_of):
        yield Change("changed", name, text)
    if old.rule.outcome != new.rule.outcome:
        yield Change("changed", name, f"{OUTCOME_WORDS[old.rule.outcome]} → {OUTCOME_WORDS[new.rule.outcome]}")
    if old.rule.mode != new.rule.mode:
        yield Change("changed", name, f"{MODE_WORDS[old.rule.mode]} → {MODE_WORDS[new.rule.mode]}")
    for text in _approver_changes(old.rule, new.rule):
        yield Change("changed", name, text)
    for change in _pairs_changed(old.more, new.more, "changed"):
        yield Change("changed", name, f"{change.subject}: {change.text}")


def _condition_changes(old, new, old_specs, new_specs, name_of):
    def words(specs, condition):
        return _condition_words(specs, condition, name_of) + _band_words(specs, condition)

    same = {(*_condition_identity(c), c.threshold) for c in old.conditions} & {
        (*_condition_identity(c), c.threshold) for c in new.conditions
    }
    gone, come = (
        [c for c in rule.conditions if (*_condition_identity(c), c.threshold) not in same] for rule in (old, new)
    )
    for key in (lambda c: (c.fact, c.operator), lambda c: c.fact):
        for condition in list(come):
            before = next((c for c in gone if key(c) == key(condition)), None)
            if before is not None:
                gone.remove(before)
                come.remove(condition)
                yield f"changed: {words(old_specs, before)} → {words(new_specs, condition)}"
    for condition in gone:
        yield f"condition removed: {words(old_specs, condition)}"
    for condition in come:
        yield f"condition added: {words(new_specs, condition)}"


def _band_words(specs, condition):
    mark, spec = condition.threshold, specs.get(condition.fact)
    if mark is None or spec is None:
        return ""
    ends = " to ".join(_short(spec, end) if end is not None else "?" for end in (mark.low, mark.high))
    return f" (adjustable as “{mark.name}”, {ends})"


def _approver_changes(old, new):
    def table(rule):
        return {(r.sequence, r.approver): r for r in rule.requirements}

    was, now = table(old), table(new)
    gone = [r for key, r in was.items() if key not in now]
    come = [r for key, r in now.items() if key not in was]
    for requirement in list(come):
        before = next((r for r in gone if r.approver == requirement.approver), None)
        if before:
            gone.remove(before)
            come.remove(requirement)
            yield f"approver moved: {_approver_words(before)} → {_approver_words(requirement)}"
    for requirement in gone:
        yield f"approver removed: {_approver_words(requirement)}"
    for requirement in come:
        yield f"approver added: {_approver_words(requirement)}"
    for key in was.keys() & now.keys():
        if (was[key].quorum, was[key].name) != (now[key].quorum, now[key].name):
            yield f"approver changed: {_approver_words(was[key])} → {_approver_words(now[key])}"


def _approver_words(requirement):
    label = requirement.name or requirement.approver.label or requirement.approver.kind
    number = f"{requirement.quorum} of " if requirement.quorum > 1 else ""
    return f"{number}{label} (stage {requirement.sequence})"


def _rule_words(text, specs, name_of):
    rule = text.rule
    words = f"{'always' if not rule.conditions else 'when ' + describe(rule, specs, name_of)}: "
    words += OUTCOME_WORDS[rule.outcome]
    if rule.requirements:
        words += " by " + ", ".join(
            _approver_words(r) for r in sorted(rule.requirements, key=lambda r: (r.sequence, r.approver.label))
        )
    if rule.mode != "enforce":
        words += f", {MODE_WORDS[rule.mode]}"
    return words + "".join(f"; {label}: {value}" for label, value in text.more)


def _pairs_changed(before, after, kind):
    """Changes of ``(label, words)`` pairs; a label can be there several times."""
    labels = list(dict.fromkeys(label for label, _words in (*before, *after)))
    for label in labels:
        old = [words for other, words in before if other == label]
        new = [words for other, words in after if other == label]
        for was, now in zip_longest(old, new):
            if was != now:
                yield Change(kind, label, f"{was or '–'} → {now or '–'}")
