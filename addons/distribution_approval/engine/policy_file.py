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

import yaml

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


class PolicyFileError(EngineError, ValueError):
    """The file is not a policy file: where, and what to do."""


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


# ------------------------------------------------------------------ YAML itself


class _Loader(yaml.SafeLoader):
    """Scalars stay texts; duplicate keys, anchors and tags are refused."""

    yaml_implicit_resolvers = {}

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise PolicyFileError(f"line {event.start_mark.line + 1}: anchors and aliases are not allowed.")
        if getattr(event, "tag", None):
            raise PolicyFileError(f"line {event.start_mark.line + 1}: tags are not allowed.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _value in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise PolicyFileError(f"line {key_node.start_mark.line + 1}: a key has to be a word.")
            if key in seen:
                raise PolicyFileError(f"line {key_node.start_mark.line + 1}: “{key}” is there twice.")
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Texts without quotes wherever YAML allows; several lines as a block."""

    yaml_implicit_resolvers = {}

    def ignore_aliases(self, data):
        return True


def _represent_text(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def load(text: str) -> dict:
    """The content of a file, its structure checked. Raises :class:`PolicyFileError`."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise PolicyFileError(f"This is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise PolicyFileError("This is nested too deeply to be a policy.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise PolicyFileError(f"This is not a policy file: it has to begin with “format: {FORMAT}”.")
    _check(content, "", TOP, required=("format", "policy", "settings", "facts", "rules"))
    _check(_mapping(content, "policy"), "policy", POLICY, required=("name", "document_type"))
    for key, value in _mapping(content, "settings").items():
        _text(value, f"settings.{key}")
    for n, fact in enumerate(_list(content, "facts", "")):
        where = f"facts[{n + 1}]"
        _check(fact, where, FACT, required=("name", "label", "type"))
        for option in _list(fact, "options", where):
            _check(option, f"{where}.options", ("key", "label"), required=("key", "label"))
    for n, rule in enumerate(_list(content, "rules", "")):
        where = f"rules[{n + 1}]"
        _check(rule, where, RULE, required=("name", "sequence", "outcome"))
        for m, condition in enumerate(_list(rule, "when", where)):
            place = f"{where}.when[{m + 1}]"
            _check(condition, place, CONDITION, required=("fact", "is"))
            for value in _list(condition, "values", place):
                _text(value, f"{place}.values")
            if "adjustable" in condition:
                _check(condition["adjustable"], f"{place}.adjustable", ADJUSTABLE, required=ADJUSTABLE)
        for m, approver in enumerate(_list(rule, "approvers", where)):
            _check(approver, f"{where}.approvers[{m + 1}]", APPROVER, required=("stage", "kind"))
    return content


def dump(content: Mapping) -> str:
    """The canonical text of a file's content (texts, lists and dictionaries only)."""
    ordered = {
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
    return yaml.dump(
        ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6
    )


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
    """The keys in canonical order, without those that say nothing."""
    found = {key: mapping[key] for key in keys if mapping.get(key) not in (None, "", [], {})}
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
    place = where or "the file"
    if not isinstance(mapping, dict):
        raise PolicyFileError(f"{place}: a list of “key: value” lines is expected here.")
    unknown = [key for key in mapping if key not in known]
    if unknown:
        raise PolicyFileError(f"{place}: “{unknown[0]}” is unknown. Known are {', '.join(known)}.")
    missing = [key for key in required if mapping.get(key) in (None, "")]
    if missing:
        raise PolicyFileError(f"{place}: “{missing[0]}” is missing.")
    for key, value in mapping.items():
        if key not in ("policy", "settings", "facts", "rules", "options", "when", "values", "adjustable", "approvers"):
            if key != "more":
                _text(value, f"{place}.{key}")


def _mapping(content, key):
    value = content[key]
    if not isinstance(value, dict):
        raise PolicyFileError(f"{key}: “key: value” lines are expected here.")
    return value


def _list(mapping, key, where):
    value = mapping.get(key, [])
    if value == "":
        return []
    if not isinstance(value, list):
        raise PolicyFileError(f"{where + '.' if where else ''}{key}: a list is expected here.")
    return value


def _text(value, where):
    if not isinstance(value, str):
        raise PolicyFileError(f"{where}: a single value is expected here.")
    return value


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


def check_reference(reference: str) -> tuple[str, str]:
    """``(kind, key)`` of a reference. Raises :class:`PolicyFileError`."""
    kind, colon, key = reference.partition(":")
    if not (colon and kind and key) or not kind.replace("_", "").isalnum():
        raise PolicyFileError(
            f"“{reference}” does not name a record. Write xmlid:module.name, or a key such as code:WH or login:buyer."
        )
    return kind, key


def _whole(text, what):
    try:
        return int(text)
    except ValueError:
        raise PolicyFileError(f"{what}: “{text}” is not a whole number.") from None
