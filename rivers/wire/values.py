"""Free-form values, metadata and tags ↔ `rivers.v1`.

A value is plain data: None, bool, int of 64 bits, float, str, bytes, list (or tuple) and dict with text keys. What does
not fit is refused with the place where it is; numbers stay what they are, so 3 stays an integer and 2^53+1 exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from rivers.errors import InvalidMetadataError, InvalidRequestError
from rivers.lifecycle.events import MetadataEntry
from rivers.v1 import value_pb2

#: Levels of nesting. A parser gives up at 100 messages, and a level of maps is three of them.
MAX_DEPTH = 24

_FIELDS: Mapping[type, str] = {
    str: "string_value",
    int: "int_value",
    float: "double_value",
    bool: "bool_value",
    bytes: "bytes_value",
}


def encode_value(obj: object) -> value_pb2.Value:
    """One value; `InvalidRequestError` names the part that cannot travel."""
    value = value_pb2.Value()
    try:
        _fill(value, obj, 0)
    except (ValueError, TypeError) as error:
        raise InvalidRequestError(_complaint(obj)) from error
    return value


def decode_value(value: value_pb2.Value, depth: int = 0) -> object:
    """The plain value; `InvalidRequestError` for one that is nested deeper than could be sent again."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "list_value":
        if depth >= MAX_DEPTH:
            raise _too_deep()
        return [decode_value(element, depth + 1) for element in value.list_value.values]
    if kind == "map_value":
        return decode_map(value.map_value, depth + 1)
    return getattr(value, kind)


def encode_map(mapping: Mapping[str, object]) -> value_pb2.MapValue:
    """A map of values, in its order; `InvalidRequestError` names the part that cannot travel."""
    target = value_pb2.MapValue()
    try:
        _fill_map(target, mapping, 1)
    except (ValueError, TypeError) as error:
        raise InvalidRequestError(_complaint(mapping)) from error
    return target


def decode_map(mapping: value_pb2.MapValue, depth: int = 1) -> dict[str, object]:
    """The plain map."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    return {entry.key: decode_value(entry.value, depth) for entry in mapping.entries}


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"a value is nested deeper than {MAX_DEPTH} levels")


def encode_metadata(entries: Iterable[MetadataEntry]) -> list[value_pb2.MetadataEntry]:
    """Metadata entries, in their order; `InvalidMetadataError` names the one that cannot travel."""
    encoded = []
    for key, kind, obj in entries:
        try:
            entry = value_pb2.MetadataEntry(key=key, kind=cast("value_pb2.MetadataKind.ValueType", kind))
            _fill(entry.value, obj, 0)
        except (ValueError, TypeError) as error:
            raise InvalidMetadataError(_complaint(obj, f"metadata[{key!r}]"), field=str(key)) from error
        encoded.append(entry)
    return encoded


def decode_metadata(entries: Iterable[value_pb2.MetadataEntry]) -> tuple[MetadataEntry, ...]:
    """Metadata as the pure core holds it."""
    return tuple([(entry.key, entry.kind, decode_value(entry.value)) for entry in entries])


def encode_tags(tags: Iterable[tuple[str, str]]) -> list[value_pb2.Tag]:
    """Tags, in their order, repeated keys included."""
    return [value_pb2.Tag(key=key, value=value) for key, value in tags]


def decode_tags(tags: Iterable[value_pb2.Tag]) -> tuple[tuple[str, str], ...]:
    """Tags as the pure core holds them."""
    return tuple([(tag.key, tag.value) for tag in tags])


def _fill(target: value_pb2.Value, obj: object, depth: int) -> None:
    field = _FIELDS.get(type(obj))
    if field is not None:
        setattr(target, field, obj)
    elif obj is None:
        target.null_value = True
    elif isinstance(obj, Mapping):
        target.map_value.SetInParent()
        _fill_map(target.map_value, obj, depth + 1)
    elif isinstance(obj, (list, tuple)):
        if depth >= MAX_DEPTH:
            raise ValueError(depth)
        target.list_value.SetInParent()
        add = target.list_value.values.add
        for element in obj:
            _fill(add(), element, depth + 1)
    elif isinstance(obj, (int, float, str)):  # enumerations, NumPy's float64 and the like
        setattr(target, next(field for plain, field in _FIELDS.items() if isinstance(obj, plain)), obj)
    elif isinstance(obj, (bytearray, memoryview)):
        target.bytes_value = bytes(obj)
    else:
        raise TypeError(type(obj))


def _fill_map(target: value_pb2.MapValue, mapping: Mapping[str, object], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(depth)
    add = target.entries.add
    for key, obj in mapping.items():
        if not isinstance(key, str):
            raise TypeError(key)
        _fill(add(key=key).value, obj, depth)


def _complaint(obj: object, place: str = "value") -> str:
    """Walks a value that was refused once more, to say which part of it cannot travel."""
    return _find(obj, place, 0) or f"{place} cannot be sent: {obj!r:.100}"


def _find(obj: object, place: str, depth: int) -> str | None:
    if isinstance(obj, (Mapping, list, tuple)):
        if depth >= MAX_DEPTH:
            return f"{place[:100]} is nested deeper than {MAX_DEPTH} levels"
        items = obj.items() if isinstance(obj, Mapping) else enumerate(obj)
        for key, element in items:
            if isinstance(obj, Mapping):
                if not isinstance(key, str):
                    return f"{place} has the key {key!r:.100}; keys must be text"
                if (found := _find(key, f"the key {key!r:.100} of {place}", depth + 1)) is not None:
                    return found
            if (found := _find(element, f"{place}[{key!r}]", depth + 1)) is not None:
                return found
        return None
    if isinstance(obj, int) and not -(2**63) <= obj < 2**63:
        return f"{place} is {obj}, which does not fit in 64 bits; send it as text"
    if isinstance(obj, str):
        try:
            obj.encode()
        except UnicodeEncodeError:
            return f"{place} is not valid Unicode text ({obj!r:.100}); send it as bytes"
        return None
    if obj is None or isinstance(obj, (bool, int, float, bytes, bytearray, memoryview)):
        return None
    return (
        f"{place} is of type {type(obj).__qualname__!r}; "
        "only None, bool, int, float, str, bytes, list and dict can be sent"
    )
