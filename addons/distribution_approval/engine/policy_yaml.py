"""The YAML that the files of policies and of their local variants have in common.

Every scalar is a text; there are no anchors, tags or duplicate keys; what is empty is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import yaml

from .errors import EngineError


class PolicyFileError(EngineError, ValueError):
    """The file is not what it should be: where, and what to do."""


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


def _parsed(text: str):
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise PolicyFileError(f"This is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise PolicyFileError("This is nested too deeply to be a policy.") from None


def format_of(text: str) -> str:
    """What a file says of its format; empty when it says nothing. Raises :class:`PolicyFileError`.

    >>> format_of("format: distribution-approval-policy/1")
    'distribution-approval-policy/1'
    """
    content = _parsed(text)
    return str(content.get("format", "")) if isinstance(content, dict) else ""


def load_mapping(text: str, format_name: str, kind: str) -> dict:
    """The content of a file of that format. Raises :class:`PolicyFileError`.

    :param kind: what the file is about, for people: *policy*
    """
    content = _parsed(text)
    if not isinstance(content, dict) or content.get("format") != format_name:
        raise PolicyFileError(f"This is not a {kind} file: it has to begin with “format: {format_name}”.")
    return content


def dump_mapping(content: Mapping) -> str:
    """The text of a file; keys in the order in which they come."""
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6
    )


def ordered(mapping: Mapping, keys: Iterable[str]) -> dict:
    """The keys in canonical order, without those that say nothing.

    >>> ordered({"b": "2", "a": "", "c": "3"}, ("a", "c", "b"))
    {'c': '3', 'b': '2'}
    """
    return {key: mapping[key] for key in keys if mapping.get(key) not in (None, "", [], {})}


def check_keys(mapping, where: str, known: Iterable[str], required=(), nested=()) -> None:
    """Raises :class:`PolicyFileError` unless it has these keys, with a text behind each that is not ``nested``."""
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
        if key not in nested:
            check_text(value, f"{place}.{key}")


def mapping_of(content, key: str) -> dict:
    value = content[key]
    if not isinstance(value, dict):
        raise PolicyFileError(f"{key}: “key: value” lines are expected here.")
    return value


def list_of(mapping, key: str, where: str) -> list:
    value = mapping.get(key, [])
    if value == "":
        return []
    if not isinstance(value, list):
        raise PolicyFileError(f"{where + '.' if where else ''}{key}: a list is expected here.")
    return value


def check_text(value, where: str) -> str:
    if not isinstance(value, str):
        raise PolicyFileError(f"{where}: a single value is expected here.")
    return value


def check_reference(reference: str) -> tuple[str, str]:
    """``(kind, key)`` of a reference. Raises :class:`PolicyFileError`.

    >>> check_reference("code:WH")
    ('code', 'WH')
    """
    kind, colon, key = reference.partition(":")
    if not (colon and kind and key) or not kind.replace("_", "").isalnum():
        raise PolicyFileError(
            f"“{reference}” does not name a record. Write xmlid:module.name, or a key such as code:WH or login:buyer."
        )
    return kind, key
