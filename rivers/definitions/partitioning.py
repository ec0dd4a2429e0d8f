"""What declarations say about partitions, and the definitions that a repository knows by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from rivers.definitions.declared import listed
from rivers.definitions.suggestion import nearest
from rivers.errors import ConfigurationError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.mapping import PartitionMapping

#: What authors give: a definition, the name of one, or nothing.
Partitions: TypeAlias = PartitionsDefinition | str | None


def declared_partitions(value: Any) -> Partitions:
    """A definition, or the name of one."""
    if value is not None and not isinstance(value, (PartitionsDefinition, str)):
        raise TypeError(f"partitions_def must be a PartitionsDefinition, a str or None, not {type(value).__name__}")
    return value


def declared_mapping(value: Any) -> PartitionMapping | None:
    """The mapping of one dependency."""
    if value is not None and not isinstance(value, PartitionMapping):
        raise TypeError(f"partition_mapping must be a PartitionMapping or None, not {type(value).__name__}")
    return value


def declared_mappings(value: Any) -> dict[Any, PartitionMapping] | None:
    """Mappings by upstream: its name, or the declaration that has the name."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"partition_mapping must be a dict or None, not {type(value).__name__}")
    for upstream, mapping in value.items():
        if not isinstance(_name(upstream), str):
            raise TypeError(f"partition_mapping must have names of upstreams as keys, got {type(upstream).__name__}")
        if not isinstance(mapping, PartitionMapping):
            raise TypeError(
                f"partition_mapping[{_name(upstream)!r}] must be a PartitionMapping, not {type(mapping).__name__}"
            )
    return dict(value)


def by_name(mappings: Mapping[Any, PartitionMapping] | None) -> dict[str, PartitionMapping]:
    """Mappings by the name of the upstream."""
    return {str(_name(upstream)): mapping for upstream, mapping in (mappings or {}).items()}


def declared_strategy(value: Any) -> BackfillStrategy | None:
    """How a backfill groups keys into runs, unless it says so itself."""
    if value is not None and not isinstance(value, BackfillStrategy):
        raise TypeError(f"backfill_strategy must be a BackfillStrategy or None, not {type(value).__name__}")
    return value


class NamedPartitions:
    """The definitions of `CodeRepository(partition_defs=)`, checked."""

    __slots__ = ("_definitions",)

    def __init__(self, definitions: Mapping[str, PartitionsDefinition]) -> None:
        for definition in definitions.values():
            definition.check()
        self._definitions = definitions

    def resolve(self, partitions: Partitions, owner: str) -> PartitionsDefinition | None:
        """The definition that `owner` means; also one that was made without a factory is checked here."""
        if partitions is None:
            return None
        if isinstance(partitions, PartitionsDefinition):
            partitions.check()
            return partitions
        if partitions in self._definitions:
            return self._definitions[partitions]
        known = list(self._definitions)
        raise ConfigurationError(
            f"unknown partitions definition '{partitions}' referenced by '{owner}'; registered: {listed(known)}",
            remedy=nearest(partitions, known),
        )


def _name(upstream: object) -> object:
    return upstream if isinstance(upstream, str) else getattr(upstream, "name", None)
