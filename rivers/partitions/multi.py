"""Partitions of several dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rivers.errors import PartitionDefinitionError
from rivers.partitions.definition import PartitionsDefinition, Registered, variant
from rivers.partitions.grid import Grid

_RESERVED = "|,="


class MultiPartitions(PartitionsDefinition):
    """The product of definitions by name."""

    __slots__ = ("_dimensions",)
    __match_args__ = ("dimensions",)
    _dimensions: tuple[tuple[str, PartitionsDefinition], ...]

    def __init__(self, dimensions: Sequence[tuple[str, PartitionsDefinition]]) -> None:
        pairs = tuple((name, definition) for name, definition in dimensions)
        for name, definition in pairs:
            if not isinstance(name, str):
                raise TypeError(f"dimension names must be str, got {type(name).__name__}")
            if not isinstance(definition, PartitionsDefinition):
                raise TypeError(f"dimension '{name}' must be a PartitionsDefinition, not {type(definition).__name__}")
        object.__setattr__(self, "_dimensions", pairs)

    @property
    def dimensions(self) -> list[tuple[str, PartitionsDefinition]]:
        """Pairs of name and definition, in the order in which they were given."""
        return list(self._dimensions)

    def grid(self, now: datetime, registered: Registered | None = None) -> Grid:
        axes = [definition.grid(now, registered).axes[0] for _, definition in self._dimensions]
        return Grid(axes, [name for name, _ in self._dimensions])

    def check(self) -> None:
        if not self._dimensions:
            raise PartitionDefinitionError("Multi partitions must have at least one dimension")
        for place, (name, definition) in enumerate(self._dimensions):
            if not name:
                raise PartitionDefinitionError("Multi dimension names cannot be empty")
            for character in _RESERVED:
                if character in name:
                    raise PartitionDefinitionError(
                        f"Multi dimension name '{name}' contains reserved character '{character}' "
                        "(used by the canonical display form)"
                    )
            if any(name == other for other, _ in self._dimensions[:place]):
                raise PartitionDefinitionError(f"Multi dimension '{name}' is given twice")
            if isinstance(definition, MultiPartitions):
                raise PartitionDefinitionError("Multi partitions cannot contain nested Multi dimensions")
            definition.check()

    def dynamic_names(self) -> Iterator[str]:
        for _, definition in self._dimensions:
            yield from definition.dynamic_names()

    def _content(self) -> tuple[Any, ...]:
        return (self._dimensions,)

    def __reduce__(self) -> tuple[object, ...]:
        return MultiPartitions, (self._dimensions,)

    def __repr__(self) -> str:
        inner = ", ".join(f"{name!r}: {definition!r}" for name, definition in self._dimensions)
        return f"PartitionsDefinition.multi({{{inner}}})"


variant("Multi")(MultiPartitions)
