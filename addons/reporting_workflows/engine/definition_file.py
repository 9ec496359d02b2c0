"""A report's definition as a text file: written one way only, read strictly, compared entry by entry.

Rules of the format (YAML 1.2, version 1)
-----------------------------------------
* The file says everything that decides. Every scalar is a text; there are no anchors, tags or duplicate keys.
* There is one canonical form: keys in fixed order, what is empty left out. Reading and writing it gives the same bytes.
* Entries of a list are known by their ``code`` (recipients and columns by what they name), so that two versions are
  compared entry by entry and not line by line.

>>> text = '''format: distribution-report/1
... report:
...   code: daily_sales
...   name: Daily Sales
... settings:
...   period: yesterday
... datasets:
... - code: orders
...   model: sale.order
...   columns:
...   - path: name
... '''
>>> content = load(text)
>>> dump(content) == text
True
>>> changed = load(text.replace("yesterday", "today").replace("path: name", "path: date_order"))
>>> for change in diff(content, changed): print(change)
settings.period: yesterday → today
datasets.orders.columns.name: removed
datasets.orders.columns.date_order: added
"""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from .render_words import ENGLISH, Complaint, Words

FORMAT = "distribution-report/1"

#: The keys of each place in canonical order; the first ones that have to be there are in `REQUIRED`.
KEYS = {
    "report": ("code", "name", "classification", "description", "site", "category"),
    "settings": ("period", "release_pattern", "on_stale", "on_failed", "formats", "retention_days", "summary"),
    "schedule": ("every", "at", "weekday", "day", "off_days"),
    "datasets": ("code", "label", "model", "domain", "group_by", "order", "limit", "columns"),
    "columns": ("path", "label", "kind", "aggregate", "total"),
    "sections": (
        "code",
        "title",
        "text",
        "kpis",
        "dataset",
        "show_table",
        "chart",
        "chart_label",
        "chart_values",
        "findings",
    ),
    "inputs": (
        "code",
        "label",
        "kind",
        "source",
        "domain",
        "moment",
        "warn_hours",
        "stale_hours",
        "working_hours",
        "datasets",
        "kpis",
    ),
    "checks": (
        "code",
        "label",
        "kind",
        "dataset",
        "columns",
        "minimum",
        "maximum",
        "other_dataset",
        "other_column",
        "tolerance",
        "tolerance_percent",
        "operator",
        "value",
        "figure",
        "aggregate",
        "warn_only",
        "kpis",
    ),
    "thresholds": (
        "code",
        "label",
        "measure",
        "kpi",
        "dataset",
        "column",
        "direction",
        "warn",
        "breach",
        "opens_case",
    ),
    "recipients": ("kind", "record", "channel"),
}
REQUIRED = {
    "report": ("code", "name"),
    "datasets": ("code", "model"),
    "columns": ("path",),
    "sections": ("code", "title"),
    "inputs": ("code", "kind"),
    "checks": ("code", "kind", "dataset"),
    "thresholds": ("code",),
    "recipients": ("kind",),
}
MAPPINGS = ("report", "settings", "schedule")
LISTS = ("datasets", "sections", "inputs", "checks", "thresholds", "recipients")
TOP = ("format", *MAPPINGS, *LISTS)


class DefinitionFileError(Complaint):
    """The file is not a definition: where, and what to do."""


@dataclass(frozen=True)
class Change:
    """What is different at one place; None: is not there."""

    place: str
    before: str | None
    after: str | None

    def __str__(self):
        return self.said(ENGLISH)

    def said(self, say: Words) -> str:
        if self.before is None:
            return say("{place}: added", place=self.place) + (f" {self.after}" if self.after else "")
        if self.after is None:
            return say("{place}: removed", place=self.place) + (f" {self.before}" if self.before else "")
        return f"{self.place}: {self.before} → {self.after}"


class _Loader(yaml.SafeLoader):
    """Scalars stay texts; duplicate keys, anchors and tags are refused."""

    yaml_implicit_resolvers = {}

    def compose_node(self, parent, index):
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise DefinitionFileError("line {line}: anchors and aliases are not allowed; write it out.", line=line)
        if getattr(event, "tag", None):
            raise DefinitionFileError("line {line}: tags are not allowed; remove it.", line=line)
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _value in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise DefinitionFileError("line {line}: a key has to be a word.", line=line)
            if key in seen:
                raise DefinitionFileError("line {line}: “{key}” is there twice; remove one.", line=line, key=key)
            seen.add(key)
        return super().construct_mapping(node, deep)


#: What other readers of YAML 1.1 take for something else than a text.
STRANGE_TO_OTHERS = ("=", "<<")


class _Dumper(yaml.SafeDumper):
    """Texts without quotes wherever YAML allows; several lines as a block."""

    yaml_implicit_resolvers = {}

    def ignore_aliases(self, data):
        return True


def _text(dumper, text):
    style = "|" if "\n" in text else "'" if text in STRANGE_TO_OTHERS else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def load(text: str) -> dict:
    """The content of a file, its structure checked.

    :raises DefinitionFileError: naming the place and the remedy
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise DefinitionFileError("This is not YAML: {error}", error=" ".join(str(error).split())) from None
    except RecursionError:
        raise DefinitionFileError("This is nested too deeply to be a report.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DefinitionFileError(
            "This is not a report's definition: it has to begin with “format: {format}”.", format=FORMAT
        )
    check(content)
    return content


def check(content: Mapping) -> None:
    """Raise :class:`DefinitionFileError` unless every place holds what belongs there."""
    _known(content, "the file", TOP)
    if "report" not in content:
        raise DefinitionFileError("the file: “report” is missing; say at least its code and name.")
    for name in MAPPINGS:
        _entry(content.get(name) or {}, name, name)
    for name in LISTS:
        seen = set()
        for number, entry in enumerate(_list(content, name, name), start=1):
            place = f"{name}[{number}]"
            _entry(entry, place, name)
            key = _key_of(entry)
            if key in seen:
                raise DefinitionFileError(
                    "{place}: “{key}” is there twice; give it another code.", place=place, key=key
                )
            seen.add(key)


def dump(content: Mapping) -> str:
    """The canonical text."""
    ordered = {"format": FORMAT}
    for name in (*MAPPINGS, *LISTS):
        if name in MAPPINGS:
            value = _ordered(content.get(name) or {}, name)
        else:
            value = [_ordered(entry, name) for entry in content.get(name) or ()]
        if value:
            ordered[name] = value
    return yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)


def diff(before: Mapping, after: Mapping) -> list[Change]:
    """What a version changes, place by place, in the order of the file."""
    found = []
    for name in MAPPINGS:
        found += _diff_entry(name, before.get(name) or {}, after.get(name) or {}, KEYS[name])
    for name in LISTS:
        found += _diff_list(name, name, before.get(name) or (), after.get(name) or ())
    return found


def _diff_list(place, name, before, after):
    old, new = ({_key_of(entry): entry for entry in entries} for entries in (before, after))
    found = [Change(f"{place}.{key}", "", None) for key in old if key not in new]
    for key, entry in new.items():
        if key not in old:
            found.append(Change(f"{place}.{key}", None, ""))
        else:
            found += _diff_entry(f"{place}.{key}", old[key], entry, KEYS[name])
    if not found and list(old) != list(new):
        found.append(Change(place, ", ".join(old), ", ".join(new)))
    return found


def _diff_entry(place, before, after, keys):
    found = []
    for key in keys:
        old, new = before.get(key) or "", after.get(key) or ""
        if key in KEYS and (isinstance(old, list) or isinstance(new, list)):
            found += _diff_list(f"{place}.{key}", key, old or (), new or ())
        elif old != new:
            found.append(Change(f"{place}.{key}", old or "–", new or "–"))
    return found


def _key_of(entry):
    return entry.get("code") or entry.get("path") or " ".join(filter(None, (entry.get("kind"), entry.get("record"))))


def _ordered(entry, name):
    found = {}
    for key in KEYS[name]:
        value = entry.get(key)
        if isinstance(value, list | tuple):
            value = [_ordered(one, key) for one in value]
        if value not in (None, "", [], {}):
            found[key] = value
    return found


def _entry(entry, place, name):
    _known(entry, place, KEYS[name])
    for key in REQUIRED.get(name, ()):
        if not entry.get(key):
            raise DefinitionFileError("{place}: “{key}” is missing.", place=place, key=key)
    for key, value in entry.items():
        if key == "columns" and name == "datasets":
            for number, column in enumerate(_list(entry, key, f"{place}.{key}"), start=1):
                _entry(column, f"{place}.{key}[{number}]", key)
        elif not isinstance(value, str):
            raise DefinitionFileError("{place}: a single value is expected here.", place=f"{place}.{key}")


def _known(mapping, place, known):
    if not isinstance(mapping, dict):
        raise DefinitionFileError("{place}: “key: value” lines are expected here.", place=place)
    unknown = [key for key in mapping if key not in known]
    if unknown:
        raise DefinitionFileError(
            "{place}: “{key}” is unknown. Known are {known}.", place=place, key=unknown[0], known=", ".join(known)
        )


def _list(mapping, key, place):
    value = mapping.get(key) or []
    if not isinstance(value, list | tuple):
        raise DefinitionFileError("{place}: a list is expected here.", place=place)
    return value
