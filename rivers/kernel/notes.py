"""What a step says about an output while it makes it: metadata and a data version."""

from __future__ import annotations

from collections.abc import Mapping

from rivers.definitions.kinds import MetadataKind
from rivers.definitions.metadata import MetadataValue
from rivers.definitions.metadata_entries import coerce
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
        notes = self._metadata
        if notes is None:
            notes = self._metadata = {}
        for name, value in metadata.items():
            if type(name) is not str:
                raise TypeError(f"metadata names must be str, got {type(name).__name__}")
            notes[name] = storable(value)

    def register_data_version(self, version: str) -> None:
        """Sets the data version."""
        if not isinstance(version, str):
            raise TypeError(f"a data version must be str, got {type(version).__name__}")
        self._data_version = version

    def drain_data_version(self) -> str | None:
        """The registered data version, once; `None` afterwards."""
        version, self._data_version = self._data_version, None
        return version


def storable(value: object) -> object:
    """The value itself when it is plain, else its typed form."""
    kind = type(value)
    if kind in _PLAIN and not (kind is int and not -_LARGEST <= value < _LARGEST):  # type: ignore[operator]
        return value
    return coerce(value)


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
