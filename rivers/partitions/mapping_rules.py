"""Which mappings fit which definitions: what is checked of every dependency when a repository is resolved."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from rivers.errors import PartitionValidationError, RiversError
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.mapping_image import Dependency

#: So many keys are compared one by one, and so many are named in a message.
_COMPARED = 100_000
_NAMED = 10

_NAMES: dict[type[PartitionMapping], str] = {
    getattr(PartitionMapping, name): name
    for name in (
        "Identity",
        "AllPartitions",
        "Static",
        "TimeWindow",
        "Multi",
        "MultiToSingle",
        "SpecificPartitions",
        "ForKeys",
        "Subset",
    )
}


def check(dependency: Dependency, now: datetime) -> None:
    """`PartitionValidationError` for a dependency whose partitions do not fit together."""
    trouble = _trouble(dependency.mapping, dependency.definition, dependency.upstream_definition, now)
    if trouble:
        raise PartitionValidationError(
            f"Asset '{dependency.downstream}' depends on '{dependency.upstream}': {trouble}",
            asset=dependency.downstream,
            upstream=dependency.upstream,
        )


def _trouble(
    mapping: PartitionMapping | None,
    downstream: PartitionsDefinition | None,
    upstream: PartitionsDefinition | None,
    now: datetime,
) -> str:
    if downstream is None and upstream is None:
        return "" if mapping is None else "partition_mapping specified but neither asset has partitions"
    if upstream is None:
        if mapping is None or isinstance(mapping, PartitionMapping.AllPartitions):
            return ""
        if isinstance(mapping, PartitionMapping.ForKeys):
            return _trouble_of_selectors(mapping, downstream, now)
        return "only AllPartitions, ForKeys, or no mapping is valid when upstream has no partitions"
    if isinstance(mapping, PartitionMapping.ForKeys):
        return "ForKeys mapping is only valid when upstream is unpartitioned"
    if downstream is None:
        return _trouble_of_unpartitioned(mapping, upstream, now)
    return _trouble_of_both(mapping, downstream, upstream, now)


def _trouble_of_unpartitioned(mapping: PartitionMapping | None, upstream: PartitionsDefinition, now: datetime) -> str:
    """An unpartitioned downstream names what it reads."""
    match mapping:
        case PartitionMapping.AllPartitions():
            return ""
        case PartitionMapping.SpecificPartitions(keys):
            if isinstance(upstream, PartitionsDefinition.Multi):
                return ""
            return _trouble_of_targets("SpecificPartitions key", keys, upstream, now)
        case PartitionMapping.TimeWindow():
            return "TimeWindow mapping requires TimeWindow partitions on downstream, but found no partitions"
        case PartitionMapping.Multi():
            return _trouble_of_dimensions(mapping, None, upstream, now)
        case None:
            return (
                "upstream is partitioned and downstream is not: "
                "a partition_mapping (e.g. AllPartitions or SpecificPartitions) is required"
            )
    return (
        f"{_NAMES[type(mapping)]} mapping requires partitions on downstream; "
        "a partition_mapping (e.g. AllPartitions or SpecificPartitions) is required"
    )


def _trouble_of_both(
    mapping: PartitionMapping | None, downstream: PartitionsDefinition, upstream: PartitionsDefinition, now: datetime
) -> str:
    match mapping:
        case None | PartitionMapping.Identity():
            return _trouble_of_identity(downstream, upstream, now)
        case PartitionMapping.Static(mapped):
            return _trouble_of_targets("Static mapping target", mapped.values(), upstream, now)
        case PartitionMapping.SpecificPartitions():
            return (
                "SpecificPartitions mapping is only valid when downstream is unpartitioned. "
                "Use Static or Identity to choose an upstream key for each downstream key"
            )
        case PartitionMapping.TimeWindow():
            for side, definition in (("downstream", downstream), ("upstream", upstream)):
                if not isinstance(definition, PartitionsDefinition.TimeWindow):
                    return f"TimeWindow mapping requires TimeWindow partitions on {side}, but found {definition.kind}"
        case PartitionMapping.Subset():
            return _trouble_of_subset(downstream, upstream, now)
        case PartitionMapping.Multi():
            return _trouble_of_dimensions(mapping, downstream, upstream, now)
        case PartitionMapping.MultiToSingle(name, inner):
            return _trouble_of_one_dimension(name, inner, downstream, upstream, now)
    return ""


def _trouble_of_identity(downstream: PartitionsDefinition, upstream: PartitionsDefinition, now: datetime) -> str:
    if downstream == upstream:
        return ""
    formats = _formats(downstream, upstream)
    if formats is not None:
        return (
            f"Identity mapping requires matching key formats: downstream fmt '{formats[0]}' != "
            f"upstream fmt '{formats[1]}'"
        )
    missing = _missing(downstream, upstream, now)
    if missing:
        return f"Identity mapping requires every downstream key to exist upstream; missing upstream: {missing}"
    return ""


def _trouble_of_subset(downstream: PartitionsDefinition, upstream: PartitionsDefinition, now: datetime) -> str:
    if downstream.kind != upstream.kind:
        return (
            f"Subset mapping requires the same kind of partitions on both sides, but found {upstream.kind} upstream "
            f"and {downstream.kind} downstream"
        )
    formats = _formats(downstream, upstream)
    if formats is not None:
        return (
            f"Subset mapping requires matching key formats: downstream fmt '{formats[0]}' != "
            f"upstream fmt '{formats[1]}'"
        )
    missing = _missing(upstream, downstream, now)
    if missing:
        return f"Subset mapping requires every upstream key to exist downstream; missing downstream: {missing}"
    return ""


def _trouble_of_targets(noun: str, targets: object, upstream: PartitionsDefinition, now: datetime) -> str:
    grid = upstream.grid(now)
    for target in targets:  # type: ignore[attr-defined]
        if not grid.has(PartitionKey.single(target)):
            near = ", ".join(f"'{one}'" for one in grid.nearest(PartitionKey.single(target)))
            return f"{noun} '{target}' is not a valid partition key for upstream" + (
                f" (the nearest are {near})" if near else ""
            )
    return ""


def _trouble_of_dimensions(
    mapping: PartitionMapping.Multi,
    downstream: PartitionsDefinition | None,
    upstream: PartitionsDefinition,
    now: datetime,
) -> str:
    if not isinstance(upstream, PartitionsDefinition.Multi):
        return f"Multi mapping requires Multi partitions on upstream, but found {upstream.kind}"
    dimensions = dict(upstream.dimensions)
    for name in dimensions:
        if name not in mapping.dimension_mappings:
            return f"Multi mapping is missing upstream dimension '{name}'"
    own = dict(downstream.dimensions) if isinstance(downstream, PartitionsDefinition.Multi) else None
    for name, (source, inner) in mapping.dimension_mappings.items():
        if name not in dimensions:
            return (
                f"Multi mapping dimension '{name}' does not exist in the upstream Multi partitions "
                f"(available: {', '.join(dimensions)})"
            )
        if isinstance(inner, (PartitionMapping.AllPartitions, PartitionMapping.SpecificPartitions)):
            if isinstance(inner, PartitionMapping.SpecificPartitions):
                trouble = _trouble_of_targets("SpecificPartitions key", inner.partition_keys, dimensions[name], now)
                if trouble:
                    return f"dimension '{name}': {trouble}"
            continue
        if downstream is None:
            return (
                f"dimension '{name}': {_NAMES[type(inner)]} mapping requires partitions on downstream; "
                "use AllPartitions or SpecificPartitions"
            )
        if own is not None and source not in own:
            return (
                f"Multi mapping refers to downstream dimension '{source}', which does not exist "
                f"(available: {', '.join(own)})"
            )
        trouble = _trouble(inner, downstream if own is None else own[source], dimensions[name], now)
        if trouble:
            return f"dimension '{name}': {trouble}"
    return ""


def _trouble_of_one_dimension(
    name: str,
    inner: PartitionMapping,
    downstream: PartitionsDefinition,
    upstream: PartitionsDefinition,
    now: datetime,
) -> str:
    if not isinstance(upstream, PartitionsDefinition.Multi):
        return f"MultiToSingle mapping requires Multi partitions on upstream, but found {upstream.kind}"
    dimensions = dict(upstream.dimensions)
    if name not in dimensions:
        return (
            f"MultiToSingle dimension '{name}' does not exist in the upstream Multi partitions "
            f"(available: {', '.join(dimensions)})"
        )
    if isinstance(downstream, PartitionsDefinition.Multi):
        return "MultiToSingle mapping requires partitions of one dimension on downstream, but found Multi"
    return _trouble(inner, downstream, dimensions[name], now)


def _trouble_of_selectors(
    mapping: PartitionMapping.ForKeys, downstream: PartitionsDefinition | None, now: datetime
) -> str:
    if downstream is None:
        return "ForKeys mapping requires partitions on downstream"
    for selector in mapping.selectors:
        if isinstance(selector, PartitionKey):
            continue
        try:
            downstream.grid(now).select(selector)
        except NotImplementedError:  # dynamic keys are known when a step runs
            continue
        except RiversError as error:
            return f"ForKeys selector {selector!r}: {error}"
    return ""


def _formats(one: PartitionsDefinition, other: PartitionsDefinition) -> tuple[str, str] | None:
    """The formats of two time windows that write their keys differently."""
    if not isinstance(one, PartitionsDefinition.TimeWindow) or not isinstance(other, PartitionsDefinition.TimeWindow):
        return None
    return (one.fmt, other.fmt) if one.fmt != other.fmt else None


def _missing(inner: PartitionsDefinition, outer: PartitionsDefinition, now: datetime) -> str:
    """Keys of the one definition that the other lacks, as text; empty for none, and for what cannot be known."""
    if list(inner.dynamic_names()) or list(outer.dynamic_names()):
        return _missing_dimensions(inner, outer, now) if _alike(inner, outer) else ""
    if isinstance(inner, PartitionsDefinition.TimeWindow) and isinstance(outer, PartitionsDefinition.TimeWindow):
        found = _missing_windows(inner, outer, now)
        if found is not None:
            return found
    grid, others = inner.grid(now), outer.grid(now)
    if _alike(inner, outer) and grid.count > _COMPARED:
        return _missing_dimensions(inner, outer, now)
    missing = [str(key) for key in grid.keys(0, _COMPARED) if not others.has(key)]
    return _listed(missing[:_NAMED], len(missing))


def _alike(inner: PartitionsDefinition, outer: PartitionsDefinition) -> bool:
    """Whether both have the same dimensions, so that it is enough to compare them one by one."""
    return (
        isinstance(inner, PartitionsDefinition.Multi)
        and isinstance(outer, PartitionsDefinition.Multi)
        and {name for name, _ in inner.dimensions} == {name for name, _ in outer.dimensions}
    )


def _missing_dimensions(inner: PartitionsDefinition, outer: PartitionsDefinition, now: datetime) -> str:
    assert isinstance(inner, PartitionsDefinition.Multi)
    assert isinstance(outer, PartitionsDefinition.Multi)
    others = dict(outer.dimensions)
    for name, definition in inner.dimensions:
        missing = "" if definition == others[name] else _missing(definition, others[name], now)
        if missing:
            return f"{name}={missing}"
    return ""


def _missing_windows(
    inner: PartitionsDefinition.TimeWindow, outer: PartitionsDefinition.TimeWindow, now: datetime
) -> str | None:
    """By arithmetic, for windows on the same grid; `None` for windows on different ones."""
    if inner.timezone != outer.timezone or inner.timezone is not None or inner.cron_schedule != outer.cron_schedule:
        return None
    if inner.cron_schedule is None and (inner.interval_seconds, inner.start) != (outer.interval_seconds, outer.start):
        return None
    own, others = inner.axis(now), outer.axis(now)
    low, high = others.first - own.first, others.first + others.count - own.first
    missing = range(min(max(low, 0), own.count)), range(max(high, low, 0), own.count)
    count = sum(map(len, missing))
    named = [own.value_at(index) for some in missing for index in islice(some, _NAMED)]
    return _listed(named[:_NAMED], count)


def _listed(named: list[str], count: int) -> str:
    return ", ".join(named) + (f" and {count - len(named)} more" if count > len(named) else "")
