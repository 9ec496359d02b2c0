"""A policy version as a text file: written one way only, read strictly, checked without Odoo.

Rules of the format (YAML 1.2, version 1):

1. The file says everything that decides: settings, the facts that the rules ask about (with
   their types, so that it can be checked on its own), the rules with conditions and approvers.
2. Every scalar is a text. ``2500`` is the number that the fact's type makes of it, ``no`` is
   the word no. There are no anchors, tags or duplicate keys.
3. There is one canonical form: the order of keys is fixed, what is empty or default is left
   out, numbers are plain decimals. :func:`dump` writes it; reading and writing a canonical
   file gives the same bytes. Comments are for people and do not survive a change in Odoo.
4. Records are named portably: ``xmlid:stock.warehouse0`` or by a natural key such as
   ``code:WH``, ``login:buyer``, ``complete_name:All / Fasteners``.

>>> text = '''format: distribution-approval-policy/1
... policy:
...   name: Purchase policy
...   document_type: purchase_order
... settings:
...   hit_policy: COLLECT
... facts:
... - name: amount
...   label: Amount
...   type: money
... rules:
... - name: Small
...   sequence: 10
...   outcome: pass
...   when:
...   - fact: amount
...     is: le
...     value: 2500
... '''
>>> file = load(text)
>>> dump(file) == text
True
>>> policy = read(file)
>>> [problem.message for problem in policy.problems]
['There is no fallback approver.']
>>> policy.table.describe(policy.table.rules[0])
'Amount ≤ 2,500'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .decision_table import (
    _BY_CODE,
    Approver,
    Condition,
    Problem,
    Requirement,
    Rule,
    Table,
    Threshold,
    format_operand,
    parse_operand,
)
from .errors import EngineError
from .facts import FactSpec, FactType, as_decimal, as_typed
from .policy_yaml import (
    PolicyFileError,
    check_keys,
    check_reference,
    check_text,
    dump_mapping,
    list_of,
    load_mapping,
    mapping_of,
    ordered,
)
from .thresholds import threshold_problems

FORMAT = "distribution-approval-policy/1"

#: The keys of each place, in canonical order.
TOP = ("format", "policy", "settings", "facts", "rules")
POLICY = ("name", "document_type", "company", "description", "summary")
FACT = ("name", "label", "type", "unit", "model", "options", "optional", "minimum")
RULE = ("name", "sequence", "outcome", "mode", "when", "approvers", "more")
CONDITION = ("fact", "is", "value", "values", "adjustable", "more")
ADJUSTABLE = ("name", "from", "to")
APPROVER = ("stage", "kind", "record", "name", "quorum", "more")
#: The keys behind which there is no single value.
NESTED = ("policy", "settings", "facts", "rules", "options", "when", "values", "adjustable", "approvers", "more")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file says, with synthetic ids for the records that it names."""

    name: str
    document_type: str
    settings: Mapping[str, str]
    table: Table | None
    problems: tuple[Problem, ...]
    records: Mapping[int, str]  #: synthetic id → reference

    def name_of(self, _spec, key) -> str:
        """The reference of a record without its kind: ``code:WH`` is shown as WH."""
        return self.records.get(key, "").partition(":")[2] or f"#{key}"


# ------------------------------------------------------------------------ structure


def load(text: str) -> dict:
    """The content of a file, its structure checked. Raises :class:`PolicyFileError`."""
    content = load_mapping(text, FORMAT, "policy")
    _check(content, "", TOP, required=("format", "policy", "settings", "facts", "rules"))
    _check(mapping_of(content, "policy"), "policy", POLICY, required=("name", "document_type"))
    for key, value in mapping_of(content, "settings").items():
        check_text(value, f"settings.{key}")
    for n, fact in enumerate(list_of(content, "facts", "")):
        where = f"facts[{n + 1}]"
        _check(fact, where, FACT, required=("name", "label", "type"))
        for option in list_of(fact, "options", where):
            _check(option, f"{where}.options", ("key", "label"), required=("key", "label"))
    for n, rule in enumerate(list_of(content, "rules", "")):
        where = f"rules[{n + 1}]"
        _check(rule, where, RULE, required=("name", "sequence", "outcome"))
        for m, condition in enumerate(list_of(rule, "when", where)):
            place = f"{where}.when[{m + 1}]"
            _check(condition, place, CONDITION, required=("fact", "is"))
            for value in list_of(condition, "values", place):
                check_text(value, f"{place}.values")
            if "adjustable" in condition:
                _check(condition["adjustable"], f"{place}.adjustable", ADJUSTABLE, required=ADJUSTABLE)
        for m, approver in enumerate(list_of(rule, "approvers", where)):
            _check(approver, f"{where}.approvers[{m + 1}]", APPROVER, required=("stage", "kind"))
    return content


def dump(content: Mapping) -> str:
    """The canonical text of a file's content (texts, lists and dictionaries only)."""
    canonical = {
        "format": FORMAT,
        "policy": _ordered(content["policy"], POLICY),
        "settings": dict(sorted(content["settings"].items())),
        "facts": [
            _ordered(
                {**fact, "options": [_ordered(option, ("key", "label")) for option in fact.get("options", ())]}, FACT
            )
            for fact in sorted(content["facts"], key=lambda fact: fact["name"])
        ],
        "rules": [_ordered_rule(rule) for rule in content["rules"]],
    }
    return dump_mapping(canonical)


def _ordered_rule(rule):
    return _ordered(
        {
            **rule,
            "when": [
                _ordered(
                    {
                        **condition,
                        "values": sorted(condition.get("values", ())),
                        "adjustable": _ordered(condition.get("adjustable", {}), ADJUSTABLE),
                    },
                    CONDITION,
                )
                for condition in rule.get("when", ())
            ],
            "approvers": [_ordered(approver, APPROVER) for approver in rule.get("approvers", ())],
        },
        RULE,
    )


def _ordered(mapping, keys):
    found = ordered(mapping, keys)
    if "more" in found:
        found["more"] = _sorted_more(found["more"])
    return found


def _sorted_more(value):
    if isinstance(value, Mapping):
        return {key: _sorted_more(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted_more(item) for item in value]
    return value


def _check(mapping, where, known, required=()):
    check_keys(mapping, where, known, required, nested=NESTED)


# ------------------------------------------------------------- facts to and fro


def spec_to_file(spec: FactSpec) -> dict:
    """The declaration of a fact, for a file."""
    return {
        "name": spec.name,
        "label": spec.label,
        "type": spec.type.value,
        "unit": spec.unit,
        "model": spec.model,
        "options": [{"key": key, "label": label} for key, label in spec.options],
        "optional": "yes" if spec.optional else "",
        "minimum": "" if spec.minimum is None else str(spec.minimum),
    }


def spec_from_file(fact: Mapping) -> FactSpec:
    """The declaration that a file makes. Raises :class:`PolicyFileError`."""
    where = f"fact “{fact['name']}”"
    try:
        kind = FactType(fact["type"])
    except ValueError:
        known = ", ".join(member.value for member in FactType)
        raise PolicyFileError(f"{where}: “{fact['type']}” is no type. Use one of {known}.") from None
    if fact.get("optional", "no") not in ("yes", "no"):
        raise PolicyFileError(f"{where}: optional is yes or no.")
    spec = FactSpec(
        fact["name"],
        fact["label"],
        kind,
        unit=fact.get("unit", ""),
        model=fact.get("model", ""),
        options=tuple((option["key"], option["label"]) for option in fact.get("options") or ()),
        optional=fact.get("optional") == "yes",
    )
    minimum = fact.get("minimum")
    if minimum:
        try:
            minimum = as_decimal(minimum) if kind.is_number else as_typed(spec, minimum)
        except EngineError as error:
            raise PolicyFileError(f"{where}: minimum: {error}") from None
        object.__setattr__(spec, "minimum", minimum)
    return spec


def operand_to_file(spec: FactSpec, condition: Condition, reference_of) -> dict:
    """``value`` or ``values`` of a condition. ``reference_of(model, id)`` names a record."""
    kind = _BY_CODE[condition.operator].operand
    if kind == "none":
        return {}
    if kind == "many" or spec.model:
        operands = condition.operand if isinstance(condition.operand, frozenset) else (condition.operand,)
        return {"values": sorted(reference_of(spec.model, value) if spec.model else str(value) for value in operands)}
    return {"value": format_operand(spec, condition.operator, condition.operand)}


# ------------------------------------------------------------------------ checking


def read(content: Mapping) -> PolicyFile:
    """The table of a loaded file, and everything that is wrong with it."""
    problems = []
    records: dict[str, int] = {}
    specs = {}
    for fact in content["facts"]:
        try:
            spec = spec_from_file(fact)
            if spec.name in specs:
                raise PolicyFileError(f"fact “{spec.name}” is declared twice.")
            specs[spec.name] = spec
        except PolicyFileError as error:
            problems.append(Problem("error", "", "facts", str(error), ""))
    rules = []
    for number, rule in enumerate(content["rules"], start=1):
        try:
            rules.append(_read_rule(rule, number, specs, records))
        except EngineError as error:
            problems.append(Problem("error", str(number), "rules", f"Rule “{rule['name']}”: {error}", ""))
    table = Table(specs, tuple(rules), content["settings"].get("hit_policy", "COLLECT"))
    if not any(problem.severity == "error" for problem in problems):
        problems.extend(table.validate())
        problems.extend(threshold_problems(table))
    settings = content["settings"]
    if not (settings.get("fallback_user_id") or settings.get("fallback_group_id")):
        problems.append(
            Problem(
                "error",
                "",
                "settings",
                "There is no fallback approver.",
                "Set fallback_user_id or fallback_group_id.",
            )
        )
    return PolicyFile(
        content["policy"]["name"],
        content["policy"]["document_type"],
        settings,
        table,
        tuple(problems),
        {number: reference for reference, number in records.items()},
    )


def _read_rule(rule, number, specs, records):
    return Rule(
        key=str(number),
        sequence=_whole(rule["sequence"], "sequence"),
        name=rule["name"],
        conditions=tuple(_read_condition(c, specs, records) for c in rule.get("when") or ()),
        outcome=rule["outcome"],
        requirements=tuple(_read_approver(a, records) for a in rule.get("approvers") or ()),
        mode=rule.get("mode", "enforce"),
    )


def _read_condition(condition, specs, records):
    spec = specs.get(condition["fact"])
    if spec is None:
        raise PolicyFileError(f"the fact “{condition['fact']}” is not declared under “facts”.")
    code = condition["is"]
    if code not in _BY_CODE:
        raise PolicyFileError(f"“{code}” is no operator. Use one of {', '.join(sorted(_BY_CODE))}.")
    if "value" in condition and condition.get("values"):
        raise PolicyFileError(f"{spec.label}: give either “value” or “values”.")
    if spec.model and ("values" in condition or "value" in condition):
        named = condition.get("values") or [condition.get("value", "")]
        for reference in named:
            check_reference(reference)
        ids = [records.setdefault(f"{spec.model} {ref}", len(records) + 1) for ref in named]
        operand = parse_operand(spec, code, ", ".join(map(str, ids)))
    elif condition.get("values"):
        operand = parse_operand(spec, code, ", ".join(condition["values"]))
    else:
        operand = parse_operand(spec, code, condition.get("value"))
    mark = condition.get("adjustable")
    threshold = None
    if mark:
        threshold = Threshold(
            mark["name"], parse_operand(spec, "eq", mark["from"]), parse_operand(spec, "eq", mark["to"])
        )
    return Condition(spec.name, code, operand, threshold)


def _read_approver(approver, records):
    kind, record = approver["kind"], approver.get("record", "")
    if record:
        check_reference(record)
    return Requirement(
        _whole(approver["stage"], "stage"),
        Approver(kind, record, approver.get("name") or record.partition(":")[2] or kind),
        _whole(approver.get("quorum", "1"), "quorum"),
        approver.get("name", ""),
    )


def _whole(text, what):
    try:
        return int(text)
    except ValueError:
        raise PolicyFileError(f"{what}: “{text}” is not a whole number.") from None
