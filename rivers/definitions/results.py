"""What a function may return beside a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rivers.definitions.metadata import MetadataValue

Metadata: TypeAlias = Mapping[str, str | int | float | bool | MetadataValue | None]


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A value with metadata; the value is stored, the metadata goes to its materialization."""

    value: Any = None
    output_name: str | None = field(default=None, kw_only=True)
    metadata: Metadata | None = field(default=None, kw_only=True)
    data_version: str | None = field(default=None, kw_only=True)
    tags: list[str] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check(self.output_name, self.metadata, self.data_version, self.tags)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observation:
    """What was seen of an asset, without storing anything."""

    output_name: str | None = None
    metadata: Metadata | None = None
    data_version: str | None = None

    def __post_init__(self) -> None:
        _check(self.output_name, self.metadata, self.data_version, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Materialization:
    """The function stored its output itself: it is recorded, and no IO handler is called."""

    output_name: str | None = None
    metadata: Metadata | None = None
    data_version: str | None = None
    tags: list[str] | None = None

    def __post_init__(self) -> None:
        _check(self.output_name, self.metadata, self.data_version, self.tags)


@dataclass(frozen=True, slots=True, eq=False)
class DynamicOutput:
    """One element of a fan-out, with a mapping key of its own."""

    key: str
    value: Any

    def __post_init__(self) -> None:
        if not isinstance(self.key, str):
            raise TypeError(f"key must be a str, not {type(self.key).__name__}")


def _check(output_name: object, metadata: object, data_version: object, tags: object) -> None:
    for name, value in (("output_name", output_name), ("data_version", data_version)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} must be a str or None, not {type(value).__name__}")
    if metadata is not None and not (isinstance(metadata, Mapping) and all(isinstance(key, str) for key in metadata)):
        raise TypeError("metadata must be a dict with str keys")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise TypeError("tags must be a list of str")
