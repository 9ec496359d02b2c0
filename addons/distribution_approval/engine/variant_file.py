"""A local variant as a text file: for which standard, at which place, which values.

The rules of :mod:`policy_file` hold here too: every scalar is a text, there is one canonical form, records are
named portably. A file without values ends the variant of its place. With the standard beside it, also as a file,
the values can be checked without Odoo.

>>> text = '''format: distribution-approval-variant/1
... standard:
...   name: Purchase policy
...   document_type: purchase_order
... place:
...   company: name:Northwind
...   site: code:NOR
... reason: A small place
... values:
...   buyer limit: 3000
... '''
>>> content = load(text)
>>> dump(content) == text
True
>>> from decimal import Decimal
>>> from .facts import FactSpec, FactType
>>> amount = FactSpec('amount', 'Amount', FactType.MONEY)
>>> read(content, {'buyer limit': Band('buyer limit', amount, Decimal(2500), Decimal(1000), Decimal(2800))}).problems
('“buyer limit”: 3,000 is outside the band 1,000 to 2,800.',)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .decision_table import format_operand, parse_operand
from .errors import EngineError
from .policy_yaml import (
    PolicyFileError,
    check_keys,
    check_reference,
    check_text,
    dump_mapping,
    format_of,
    load_mapping,
    mapping_of,
    ordered,
)
from .thresholds import Band, resolve

FORMAT = "distribution-approval-variant/1"

#: The keys of each place, in canonical order.
TOP = ("format", "standard", "place", "reason", "values")
STANDARD = ("name", "document_type", "company")
PLACE = ("company", "region", "site")


@dataclass(frozen=True, slots=True)
class VariantFile:
    """The values of a file as the engine compares them, and what keeps it from being published."""

    values: Mapping[str, Any]
    problems: tuple[str, ...]


def is_variant(text: str) -> bool:
    """Whether a file says that it is a variant's, of this version of the format or another.

    >>> is_variant("format: distribution-approval-variant/2"), is_variant("format: [")
    (True, False)
    """
    try:
        return format_of(text).startswith(FORMAT.partition("/")[0] + "/")
    except PolicyFileError:
        return False


def load(text: str) -> dict:
    """The content of a file, its structure checked. Raises :class:`PolicyFileError`."""
    content = load_mapping(text, FORMAT, "variant")
    check_keys(content, "", TOP, required=("format", "standard", "place"), nested=("standard", "place", "values"))
    check_keys(mapping_of(content, "standard"), "standard", STANDARD, required=("document_type",))
    place = mapping_of(content, "place")
    check_keys(place, "place", PLACE, required=("company",))
    if place.get("region") and place.get("site"):
        raise PolicyFileError("place: name a region or a site, not both.")
    for reference in (*place.values(), content["standard"].get("company")):
        if reference:
            check_reference(reference)
    for name, value in values_of(content).items():
        check_text(value, f"values.{name}")
    return content


def values_of(content: Mapping) -> dict[str, str]:
    """``{threshold: text}``; what is empty follows the standard."""
    if content.get("values") in (None, ""):
        return {}
    return {name: value for name, value in mapping_of(content, "values").items() if value != ""}


def dump(content: Mapping, bands: Mapping[str, Band] | None = None) -> str:
    """The canonical text of a file's content; values as plain decimals where ``bands`` say what they are."""
    values = {name: _canonical(text, (bands or {}).get(name)) for name, text in values_of(content).items()}
    return dump_mapping(
        ordered(
            {
                "format": FORMAT,
                "standard": ordered(content["standard"], STANDARD),
                "place": ordered(content["place"], PLACE),
                "reason": content.get("reason"),
                "values": dict(sorted(values.items())),
            },
            TOP,
        )
    )


def standard_of(content: Mapping) -> tuple[str, str]:
    """``(document type, company)`` by which the standard is found; of a policy file as of a variant's."""
    head = content.get("standard") or content["policy"]
    return head["document_type"], head.get("company", "")


def _canonical(text, band):
    try:
        return format_operand(band.spec, "eq", parse_operand(band.spec, "eq", text)) if band else text
    except EngineError:
        return text


def read(content: Mapping, bands: Mapping[str, Band]) -> VariantFile:
    """What a loaded file means under a standard with these ``bands``."""
    typed, problems = {}, []
    for name, text in values_of(content).items():
        try:
            typed[name] = parse_operand(bands[name].spec, "eq", text) if name in bands else text
        except EngineError as error:
            problems.append(f"“{name}”: {error}")
    resolved = resolve(bands, [("", typed)])
    problems += [f"“{one.threshold}”: {one.problem}." for one in resolved.rejected]
    return VariantFile(resolved.values, tuple(problems))
