"""The controlled values of a record, read from the fields that its document declares."""

from ..engine import as_decimal

REFERENCES = ("many2one_reference", "integer")
NUMBERS = ("float", "monetary")


def declared_values(record, controlled):
    """``{name: value}`` of the controlled fields as a snapshot keeps them: ids, exact numbers, texts."""
    return {field.name: declared_value(record, field.name) for field in controlled}


def declared_value(record, name):
    field = record._fields[name]
    value = record[name]
    if field.type == "many2one":
        return value.id or None
    if field.relational:
        return sorted(value.ids)
    if field.type in NUMBERS:
        return as_decimal(value)
    if field.type == "boolean":
        return bool(value)
    if field.type in REFERENCES:
        return value or 0
    if field.type == "binary":
        raise ValueError(f"{record._name}.{name}: control the digest of a file, not the file.")
    return value or None
