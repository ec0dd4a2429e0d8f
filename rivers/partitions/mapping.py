"""Partition mappings: which partitions of an upstream a partition of its downstream reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, TypeAlias

from rivers.errors import PartitionDefinitionError
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange


class PartitionMapping:
    """From a downstream key to the upstream keys that it reads. Made by the factories; mappings compare by what they
    say. Whether one fits the definitions of both sides is checked when the repository is resolved."""

    __slots__ = ()
    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    __match_args__: ClassVar[tuple[str, ...]] = ()

    Identity: TypeAlias = "IdentityMapping"
    AllPartitions: TypeAlias = "AllPartitionsMapping"
    Static: TypeAlias = "StaticMapping"
    TimeWindow: TypeAlias = "TimeWindowMapping"
    Multi: TypeAlias = "MultiMapping"
    MultiToSingle: TypeAlias = "MultiToSingleMapping"
    SpecificPartitions: TypeAlias = "SpecificPartitionsMapping"
    ForKeys: TypeAlias = "ForKeysMapping"
    Subset: TypeAlias = "SubsetMapping"

    #: The factory of the variant.
    factory: ClassVar[str] = ""

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("PartitionMapping has no constructor: use PartitionMapping.identity() and the other factories")

    @staticmethod
    def identity() -> PartitionMapping.Identity:
        """The same key."""
        return IdentityMapping()

    @staticmethod
    def all_partitions() -> PartitionMapping.AllPartitions:
        """Every upstream key."""
        return AllPartitionsMapping()

    @staticmethod
    def static_(mapping: dict[str, str]) -> PartitionMapping.Static:
        """Downstream key to upstream key; a key that is left out stays as it is."""
        return StaticMapping(mapping)

    @staticmethod
    def time_window(offset: int) -> PartitionMapping.TimeWindow:
        """The window so many windows later; a negative offset is earlier."""
        return TimeWindowMapping(offset)

    @staticmethod
    def multi(
        dimension_mappings: dict[str, PartitionMapping | tuple[str, PartitionMapping]],
    ) -> PartitionMapping.Multi:
        """Per upstream dimension a mapping from the downstream dimension of the same name, or of the name given."""
        return MultiMapping(dimension_mappings)

    @staticmethod
    def multi_to_single(
        dimension_name: str, partition_mapping: PartitionMapping | None = None
    ) -> PartitionMapping.MultiToSingle:
        """One upstream dimension follows the downstream key, by default the same; of the others every key."""
        return MultiToSingleMapping(dimension_name, partition_mapping)

    @staticmethod
    def specific_partitions(partition_keys: list[str]) -> PartitionMapping.SpecificPartitions:
        """These upstream keys."""
        return SpecificPartitionsMapping(partition_keys)

    @staticmethod
    def for_keys(selectors: list[PartitionKey | PartitionKeyRange]) -> PartitionMapping.ForKeys:
        """An unpartitioned upstream that only some downstream keys read."""
        return ForKeysMapping(selectors)

    @staticmethod
    def subset() -> PartitionMapping.Subset:
        """The same key where the upstream has it; else nothing."""
        return SubsetMapping()

    def _content(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, PartitionMapping)
        return self._content() == other._content()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a partition mapping cannot be changed: {name!r} is read-only")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._content()

    def __repr__(self) -> str:
        return f"PartitionMapping.{self.factory}({', '.join(map(repr, self._content()))})"


class IdentityMapping(PartitionMapping):
    """The same key."""

    __slots__ = ()
    factory = "identity"

    def __init__(self) -> None:
        pass


class AllPartitionsMapping(PartitionMapping):
    """Every upstream key."""

    __slots__ = ()
    factory = "all_partitions"

    def __init__(self) -> None:
        pass


class StaticMapping(PartitionMapping):
    """Downstream key to upstream key."""

    __slots__ = ("mapping",)
    __match_args__ = ("mapping",)
    factory = "static_"
    mapping: dict[str, str]

    def __init__(self, mapping: Mapping[str, str]) -> None:
        if not isinstance(mapping, Mapping) or not all(
            isinstance(one, str) for pair in mapping.items() for one in pair
        ):
            raise TypeError("mapping must be a dict of downstream key to upstream key, both str")
        self._set(mapping=dict(sorted(mapping.items())))  # equal ones read alike


class TimeWindowMapping(PartitionMapping):
    """The window so many windows later."""

    __slots__ = ("offset",)
    __match_args__ = ("offset",)
    factory = "time_window"
    offset: int

    def __init__(self, offset: int) -> None:
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise TypeError(f"offset must be an int, not {type(offset).__name__}")
        self._set(offset=offset)


class MultiMapping(PartitionMapping):
    """For each upstream dimension the downstream dimension that it follows, and how."""

    __slots__ = ("dimension_mappings",)
    __match_args__ = ("dimension_mappings",)
    factory = "multi"
    dimension_mappings: dict[str, tuple[str, PartitionMapping]]

    def __init__(self, dimension_mappings: Mapping[str, PartitionMapping | tuple[str, PartitionMapping]]) -> None:
        if not isinstance(dimension_mappings, Mapping):
            raise TypeError(f"dimension_mappings must be a dict, not {type(dimension_mappings).__name__}")
        self._set(dimension_mappings={name: _dimension(name, given) for name, given in dimension_mappings.items()})


class MultiToSingleMapping(PartitionMapping):
    """One upstream dimension follows the downstream key."""

    __slots__ = ("dimension_name", "partition_mapping")
    __match_args__ = ("dimension_name", "partition_mapping")
    factory = "multi_to_single"
    dimension_name: str
    partition_mapping: PartitionMapping

    def __init__(self, dimension_name: str, partition_mapping: PartitionMapping | None = None) -> None:
        if not isinstance(dimension_name, str):
            raise TypeError(f"dimension_name must be a str, not {type(dimension_name).__name__}")
        if partition_mapping is not None and not isinstance(partition_mapping, PartitionMapping):
            raise TypeError(f"partition_mapping must be a PartitionMapping, not {type(partition_mapping).__name__}")
        self._set(dimension_name=dimension_name, partition_mapping=partition_mapping or IdentityMapping())


class SpecificPartitionsMapping(PartitionMapping):
    """These upstream keys."""

    __slots__ = ("partition_keys",)
    __match_args__ = ("partition_keys",)
    factory = "specific_partitions"
    partition_keys: list[str]

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, str) or not isinstance(partition_keys, Sequence):
            raise TypeError(f"partition_keys must be a list of str, not {type(partition_keys).__name__}")
        for key in partition_keys:
            if not isinstance(key, str):
                raise TypeError(f"partition_keys must be a list of str, got {type(key).__name__}")
        if not partition_keys:
            raise PartitionDefinitionError("specific_partitions needs at least one partition key")
        self._set(partition_keys=list(partition_keys))


class ForKeysMapping(PartitionMapping):
    """An unpartitioned upstream that only some downstream keys read."""

    __slots__ = ("selectors",)
    __match_args__ = ("selectors",)
    factory = "for_keys"
    selectors: list[PartitionKey | PartitionKeyRange]

    def __init__(self, selectors: Sequence[PartitionKey | PartitionKeyRange]) -> None:
        if not isinstance(selectors, (list, tuple)):
            raise TypeError(f"selectors must be a list, not {type(selectors).__name__}")
        for one in selectors:
            if not isinstance(one, (PartitionKey, PartitionKeyRange)):
                raise TypeError(f"selectors must be PartitionKey or PartitionKeyRange, got {type(one).__name__}")
        self._set(selectors=list(selectors))


class SubsetMapping(PartitionMapping):
    """The same key where the upstream has it."""

    __slots__ = ()
    factory = "subset"

    def __init__(self) -> None:
        pass


for _name, _variant in (
    ("Identity", IdentityMapping),
    ("AllPartitions", AllPartitionsMapping),
    ("Static", StaticMapping),
    ("TimeWindow", TimeWindowMapping),
    ("Multi", MultiMapping),
    ("MultiToSingle", MultiToSingleMapping),
    ("SpecificPartitions", SpecificPartitionsMapping),
    ("ForKeys", ForKeysMapping),
    ("Subset", SubsetMapping),
):
    _variant.__name__, _variant.__qualname__ = _name, f"PartitionMapping.{_name}"
    setattr(PartitionMapping, _name, _variant)


def _dimension(name: object, given: Any) -> tuple[str, PartitionMapping]:
    if not isinstance(name, str):
        raise TypeError(f"dimension names must be str, got {type(name).__name__}")
    if isinstance(given, PartitionMapping):
        return name, given
    if (
        isinstance(given, (tuple, list))
        and len(given) == 2
        and isinstance(given[0], str)
        and isinstance(given[1], PartitionMapping)
    ):
        return given[0], given[1]
    raise TypeError(f"dimension '{name}': expected a PartitionMapping or a (str, PartitionMapping) tuple")
