"""Metadata on its way into events and back: what authors give, typed values, plain entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rivers.definitions.kinds import MetadataKind
from rivers.definitions.metadata import (
    VARIANTS,
    BoolValue,
    CodeBlockValue,
    DateRangeValue,
    FloatValue,
    IntValue,
    ListValue,
    MetadataValue,
    NullValue,
    SqlValue,
    TextValue,
)


def coerce(value: object) -> MetadataValue:
    """The typed form of what an author gave."""
    match value:
        case MetadataValue():
            return value
        case str():
            return TextValue(value)
        case bool():
            return BoolValue(value)
        case int():
            return IntValue(value)
        case float():
            return FloatValue(value)
        case None:
            return NullValue()
    if hasattr(value, "__arrow_c_schema__"):
        return MetadataValue.schema(value)
    raise TypeError(f"Cannot coerce {type(value).__name__} to MetadataValue. Use MetadataValue.text(), .int(), etc.")


def entries(metadata: Mapping[str, object]) -> tuple[tuple[str, int, object], ...]:
    """Metadata as events carry it: name, number of the kind, plain value."""
    typed = ((name, coerce(value)) for name, value in metadata.items())
    return tuple((name, int(value.kind), value.plain()) for name, value in typed)


def restore(kind: int, plain: Any) -> MetadataValue:
    """The typed value behind an event's entry."""
    match MetadataKind(kind):
        case MetadataKind.NULL:
            return NullValue()
        case MetadataKind.SQL:
            return SqlValue(plain["query"], plain.get("dialect"))
        case MetadataKind.CODE_BLOCK:
            return CodeBlockValue(plain["code"], plain.get("language"))
        case MetadataKind.LIST:
            return ListValue([restore(element["kind"], element["value"]) for element in plain])
        case MetadataKind.DATE_RANGE:
            return DateRangeValue(datetime.fromisoformat(plain["start"]), datetime.fromisoformat(plain["end"]))
        case known:
            variant: Any = VARIANTS[known - 1][1]
            value: MetadataValue = variant(plain)
            return value
