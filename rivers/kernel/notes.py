"""What a step says about an output while it makes it: metadata and a data version."""

from __future__ import annotations

from collections.abc import Mapping

from rivers.definitions.kinds import MetadataKind
from rivers.definitions.metadata import MetadataValue
from rivers.definitions.metadata_entries import coerce
from rivers.errors import InvalidMetadataError
from rivers.lifecycle.events import MetadataEntry

#: Types that need no typed value of their own on the way into an event.
_PLAIN: dict[type, int] = {
    str: int(MetadataKind.TEXT),
    int: int(MetadataKind.INT),
    float: int(MetadataKind.FLOAT),
    bool: int(MetadataKind.BOOL),
    type(None): int(MetadataKind.NULL),
}
_LARGEST = 1 << 63


class OutputNotes:
    """Collects metadata and a data version. Later entries win; values that have no metadata type are refused."""

    __slots__ = ("_data_version", "_metadata")

    def __init__(self) -> None:
        self._metadata: dict[str, object] | None = None
        self._data_version: str | None = None

    @property
    def output_metadata(self) -> dict[str, MetadataValue] | None:
        """The entries added so far, or `None`."""
        if not self._metadata:
            return None
        return {name: coerce(value) for name, value in self._metadata.items()}

    def add_output_metadata(self, metadata: Mapping[str, object]) -> None:
        """Adds entries; one of a name that is there already replaces it."""
        if not isinstance(metadata, Mapping):
            raise TypeError(f"metadata must be a dict with str keys, not {type(metadata).__name__}")
        notes = self._metadata
        if notes is None:
            notes = self._metadata = {}
        for name, value in metadata.items():
            if type(name) is not str:
                raise TypeError(f"metadata names must be str, got {type(name).__name__}")
            notes[name] = storable(name, value)

    def register_data_version(self, version: str) -> None:
        """Sets the data version."""
        if not isinstance(version, str):
            raise TypeError(f"a data version must be str, got {type(version).__name__}")
        require_text("data_version", version)
        self._data_version = version

    def drain_data_version(self) -> str | None:
        """The registered data version, once; `None` afterwards."""
        version, self._data_version = self._data_version, None
        return version


def storable(name: str, value: object) -> object:
    """The value itself when it is plain, else its typed form; `InvalidMetadataError` for text that is none."""
    require_text("a name in metadata", name)
    kind = type(value)
    if kind in _PLAIN and not (kind is int and not -_LARGEST <= value < _LARGEST):  # type: ignore[operator]
        if kind is str:
            require_text(f"metadata[{name!r}]", value)
        return value
    typed = coerce(value)
    require_text(f"metadata[{name!r}]", typed.plain())
    return typed


def require_text(place: str, value: object) -> None:
    """Raises `InvalidMetadataError` for half a surrogate pair in a text, or in a text within: no event can hold it."""
    if type(value) is str:
        if value.isascii():
            return
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidMetadataError(
                f"{place} is not valid Unicode text ({value!r:.100}): it holds half a surrogate pair; escape it"
            ) from None
    elif isinstance(value, Mapping):
        for key, element in value.items():
            require_text(f"a key of {place}", key)
            require_text(f"{place}[{key!r}]", element)
    elif isinstance(value, (list, tuple)):
        for number, element in enumerate(value):
            require_text(f"{place}[{number}]", element)


def entries_of(notes: Mapping[str, object] | None) -> tuple[MetadataEntry, ...]:
    """Metadata as events carry it."""
    if not notes:
        return ()
    return tuple([_entry(name, value) for name, value in notes.items()])


def _entry(name: str, value: object) -> MetadataEntry:
    kind = _PLAIN.get(type(value))
    if kind is not None:
        return name, kind, value
    assert isinstance(value, MetadataValue)
    return name, int(value.kind), value.plain()
