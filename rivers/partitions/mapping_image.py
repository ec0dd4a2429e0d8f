"""What a step loads of an upstream: the image of its partitions under the mapping of the dependency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rivers.errors import PartitionValidationError
from rivers.partitions.axis_mapping import Windows
from rivers.partitions.definition import PartitionsDefinition, Registered
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping


@dataclass(frozen=True, slots=True)
class Dependency:
    """One partitioned dependency: who depends on whom, how both are partitioned, and the mapping, if one is given."""

    downstream: str
    upstream: str
    definition: PartitionsDefinition | None
    upstream_definition: PartitionsDefinition | None
    mapping: PartitionMapping | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """What is loaded: of `keys=None` the whole upstream; with `is_nothing` nothing is, and the parameter is `None`."""

    keys: tuple[PartitionKey, ...] | None = None
    is_nothing: bool = False


#: Of these mappings of one dimension it has to be known which values there are.
_KNOWING_ALL = (PartitionMapping.AllPartitions, PartitionMapping.Subset)

WHOLE = Image()
NOTHING = Image(is_nothing=True)


def image(
    dependency: Dependency,
    keys: Sequence[PartitionKey],
    now: datetime,
    registered: Registered | None = None,
) -> Image:
    """What a step with these concrete keys loads; `PartitionValidationError` for what it cannot.

    Without keys the step runs unpartitioned. `registered` holds the keys of dynamic definitions, where they are needed.
    """
    mapping, upstream = dependency.mapping, dependency.upstream_definition
    if isinstance(mapping, PartitionMapping.ForKeys):
        return (
            WHOLE if not keys or any(_matches(dependency, mapping, key, now, registered) for key in keys) else NOTHING
        )
    if upstream is None:
        if keys:
            raise PartitionValidationError(
                f"Node '{dependency.upstream}' is not partitioned, but a partition_key was provided"
            )
        return WHOLE
    if isinstance(mapping, PartitionMapping.SpecificPartitions):
        return Image((PartitionKey.single(mapping.partition_keys),))
    if isinstance(mapping, PartitionMapping.Multi) and not keys:
        return Image((_of_dimensions(dependency, mapping, None, now, registered),))
    if not keys:
        return WHOLE
    if isinstance(mapping, PartitionMapping.Subset):
        grid = upstream.grid(now, registered)
        return Image(tuple(keys)) if all(grid.has(key) for key in keys) else NOTHING
    if any(_is_left_out(dependency, key, now, registered) for key in keys):
        return NOTHING
    return Image(tuple(dict.fromkeys(_of_key(dependency, mapping, key, now, registered) for key in keys)))


def names_read(dependency: Dependency) -> Iterator[str]:
    """The names of the dynamic definitions whose keys `image` has to be given."""
    mapping, upstream = dependency.mapping, dependency.upstream_definition
    match mapping:
        case PartitionMapping.ForKeys(selectors):
            if dependency.definition is not None and any(isinstance(one, PartitionKeyRange) for one in selectors):
                yield from dependency.definition.dynamic_names()
        case PartitionMapping.Subset():
            if upstream is not None:
                yield from upstream.dynamic_names()
        case PartitionMapping.Multi():
            for name, dimension in _dimensions(upstream).items():
                if isinstance(mapping.dimension_mappings[name][1], _KNOWING_ALL):
                    yield from dimension.dynamic_names()
        case PartitionMapping.MultiToSingle(name, inner):
            for dimension_name, dimension in _dimensions(upstream).items():
                if dimension_name != name or isinstance(inner, _KNOWING_ALL):
                    yield from dimension.dynamic_names()


def _of_key(
    dependency: Dependency,
    mapping: PartitionMapping | None,
    key: PartitionKey,
    now: datetime,
    registered: Registered | None,
) -> PartitionKey:
    match mapping:
        case PartitionMapping.Static() | PartitionMapping.TimeWindow() if isinstance(key, PartitionKey.Single):
            values = _of_values(
                dependency,
                mapping,
                key.key,
                dependency.definition,
                dependency.upstream_definition,
                now,
                registered,
            )
            return PartitionKey.single(values)
        case PartitionMapping.Multi():
            return _of_dimensions(dependency, mapping, key, now, registered)
        case PartitionMapping.MultiToSingle(name, inner):
            given = key.key if isinstance(key, PartitionKey.Single) else [str(key)]
            dimensions = {}
            for dimension, definition in _dimensions(dependency.upstream_definition).items():
                if dimension == name:
                    dimensions[dimension] = _of_values(
                        dependency, inner, given, dependency.definition, definition, now, registered
                    )
                else:
                    dimensions[dimension] = _all(dependency, dimension, definition, now, registered)
            return PartitionKey.multi(dimensions)
    return key


def _of_dimensions(
    dependency: Dependency,
    mapping: PartitionMapping.Multi,
    key: PartitionKey | None,
    now: datetime,
    registered: Registered | None,
) -> PartitionKey:
    downstream = _dimensions(dependency.definition)
    dimensions = {}
    for dimension, definition in _dimensions(dependency.upstream_definition).items():
        name, inner = mapping.dimension_mappings[dimension]
        if isinstance(key, PartitionKey.Multi):
            given = key.keys.get(name, [])
        else:
            given = key.key if isinstance(key, PartitionKey.Single) else []
        own = downstream.get(name, dependency.definition)
        dimensions[dimension] = (
            _all(dependency, dimension, definition, now, registered)
            if isinstance(inner, PartitionMapping.AllPartitions)
            else _of_values(dependency, inner, given, own, definition, now, registered)
        )
    return PartitionKey.multi(dimensions)


def _is_left_out(dependency: Dependency, key: PartitionKey, now: datetime, registered: Registered | None) -> bool:
    """Whether a value of a dimension that is mapped as a subset does not exist upstream."""
    match dependency.mapping:
        case PartitionMapping.Multi(mappings) if isinstance(key, PartitionKey.Multi):
            given = {name: key.keys.get(own, []) for name, (own, inner) in mappings.items() if _is_subset(inner)}
        case PartitionMapping.MultiToSingle(name, inner) if isinstance(key, PartitionKey.Single) and _is_subset(inner):
            given = {name: key.key}
        case _:
            return False
    dimensions = _dimensions(dependency.upstream_definition)
    return any(not dimensions[name].grid(now, registered).axes[0].has(value) for name in given for value in given[name])


def _is_subset(mapping: PartitionMapping) -> bool:
    return isinstance(mapping, PartitionMapping.Subset)


def _of_values(
    dependency: Dependency,
    mapping: PartitionMapping,
    values: list[str],
    definition: PartitionsDefinition | None,
    upstream: PartitionsDefinition | None,
    now: datetime,
    registered: Registered | None,
) -> list[str]:
    """The image of values of one dimension."""
    match mapping:
        case PartitionMapping.Static(mapped):
            return [mapped.get(value, value) for value in values]
        case PartitionMapping.SpecificPartitions(keys):
            return list(keys)
        case PartitionMapping.TimeWindow(offset):
            return [key for value in values for key in _shifted(dependency, offset, value, definition, upstream, now)]
        case PartitionMapping.AllPartitions() if upstream is not None:
            return _all(dependency, "", upstream, now, registered)
    return values


def _shifted(
    dependency: Dependency,
    offset: int,
    value: str,
    definition: PartitionsDefinition | None,
    upstream: PartitionsDefinition | None,
    now: datetime,
) -> list[str]:
    """The key of the window `offset` windows after the one in which the downstream window starts.

    Of an upstream with shorter windows: of all that start within the downstream window so many windows later.
    """
    assert isinstance(definition, PartitionsDefinition.TimeWindow)
    assert isinstance(upstream, PartitionsDefinition.TimeWindow)
    downstream, axis = definition.axis(now), upstream.axis(now)
    number = downstream.number_of(value)
    places = Windows(downstream, axis, offset).needs(number - downstream.first) if number is not None else ()
    if places:
        return [axis.value_at(place) for place in places]
    end = upstream.end or (now if upstream.zone is not None else now.replace(tzinfo=None))
    raise PartitionValidationError(
        f"Asset '{dependency.downstream}' depends on '{dependency.upstream}': time_window(offset={offset}) maps "
        f"'{value}' outside the partition range [{upstream.start.isoformat()}, {end.isoformat()})"
    )


def _all(
    dependency: Dependency, name: str, definition: PartitionsDefinition, now: datetime, registered: Registered | None
) -> list[str]:
    """Every value of an upstream dimension."""
    try:
        values = list(definition.grid(now, registered).axes[0].values())
    except NotImplementedError:
        raise PartitionValidationError(
            f"Asset '{dependency.downstream}' depends on '{dependency.upstream}': the keys of its dynamic dimension "
            f"'{name}' are not known here"
        ) from None
    if not values:
        raise PartitionValidationError(
            f"Asset '{dependency.downstream}' depends on '{dependency.upstream}': its dimension '{name}' has no keys"
        )
    return values


def _matches(
    dependency: Dependency,
    mapping: PartitionMapping.ForKeys,
    key: PartitionKey,
    now: datetime,
    registered: Registered | None,
) -> bool:
    for selector in mapping.selectors:
        if isinstance(selector, PartitionKey):
            if key in selector.expand():
                return True
        elif dependency.definition is not None and dependency.definition.grid(now, registered).select(selector).has(
            key
        ):
            return True
    return False


def _dimensions(definition: PartitionsDefinition | None) -> dict[str, PartitionsDefinition]:
    return dict(definition.dimensions) if isinstance(definition, PartitionsDefinition.Multi) else {}
