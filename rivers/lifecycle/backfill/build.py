"""Making a backfill of a selection: its segments, how they depend on each other, and their units.

Nothing is stored here, so whatever is wrong with a request is said before anything is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import Snapshot, StepDefinition
from rivers.definitions.suggestion import nearest_or_all
from rivers.errors import AssetNotFoundError, ExecutionError
from rivers.lifecycle.backfill import strategy as strategies
from rivers.lifecycle.backfill.pinned import PinnedBackfill, PinnedLink, PinnedSegment
from rivers.lifecycle.backfill.selection import KeyList, Wanted, find, invalid_key
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits, Units
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition, Registered
from rivers.partitions.grid import Grid
from rivers.partitions.grid_mapping import GridMapping, grid_mapping
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.spans import Spans
from rivers.planning.partitions import names_read

#: Mappings to the same key.
_SAME_KEY = (type(None), PartitionMapping.Identity, PartitionMapping.Subset)

NOT_PARTITIONED = (
    "Backfill partition_keys/partition_range require a partitioned selection; no asset in the selection is partitioned."
)


@dataclass(slots=True)
class _Member:
    """A selected step: what is wanted of it, how it is partitioned, and how deep below others it is."""

    step: StepDefinition
    nodes: tuple[str, ...]
    definition: PartitionsDefinition | None
    depth: int = 0


def failure_policy(name: str) -> FailurePolicy:
    """The policy of a name; `ExecutionError` for another one."""
    try:
        return FailurePolicy[name.upper()]
    except (KeyError, AttributeError):
        raise ExecutionError(
            f"unknown failure_policy {name!r}: it is 'continue' or 'stop_on_failure'",
            remedy=nearest_or_all(str(name), ["continue", "stop_on_failure"], "failure policies"),
        ) from None


def build_backfill(
    snapshot: Snapshot,
    nodes: Sequence[str] | None,
    wanted: Wanted,
    *,
    now: datetime,
    registered: Registered | None = None,
    strategy: BackfillStrategy | None = None,
    policy: FailurePolicy = FailurePolicy.CONTINUE,
    max_concurrency: int = 4,
    config: dict[str, object] | None = None,
) -> PinnedBackfill:
    """The backfill of these nodes, of all partitioned ones when there are none.

    Raises `ExecutionError` for partitions that cannot be meant, `AssetNotFoundError` for an asset that is not there.
    """
    wanted.check()
    registered = registered or {}
    members = _members(snapshot, nodes)
    partitioned = [member for member in members if member.definition is not None]
    if not partitioned:
        raise ExecutionError(NOT_PARTITIONED)
    declared = [snapshot.output_by_node[node].backfill_strategy for member in members for node in member.nodes]
    chosen = strategies.choose(strategy, declared)
    for member in partitioned:
        assert member.definition is not None
        strategies.check(chosen, member.nodes[0], member.definition)
    segments = _segments(_layers(members), wanted, chosen, now, registered)
    return PinnedBackfill(
        tuple(segments),
        now,
        chosen,
        max(max_concurrency, 1),
        policy,
        config,
        _pinned_keys(segments, _names_read(snapshot, selected_nodes(snapshot, nodes)), registered),
    )


def selected_nodes(snapshot: Snapshot, nodes: Sequence[str] | None) -> list[str]:
    """The nodes of a backfill; `AssetNotFoundError` for one that is not there."""
    if nodes:
        unknown = [node for node in nodes if node not in snapshot.step_by_node]
        if len(unknown) == len(nodes):
            raise ExecutionError(NOT_PARTITIONED, remedy=nearest_or_all(unknown[0], snapshot.step_by_node, "assets"))
        for node in unknown:
            raise AssetNotFoundError(
                f"Selection contains unknown asset: '{node}'",
                remedy=nearest_or_all(node, snapshot.step_by_node, "assets"),
                asset=node,
            )
        return list(dict.fromkeys(nodes))
    return [
        output.name
        for step in snapshot.steps
        if step.kind != StepKind.EXTERNAL_ASSET
        for output in step.outputs
        if output.partitions is not None and output.is_asset
    ]


def dynamic_names(snapshot: Snapshot, nodes: Sequence[str] | None) -> list[str]:
    """The names of dynamic definitions whose keys `build_backfill` has to be given: those of the selected assets, and
    those of which their steps have to know every key."""
    selected = selected_nodes(snapshot, nodes)
    definitions = [snapshot.output_by_node[node].partitions for node in selected]
    names = {name for one in definitions if one is not None for name in one.dynamic_names()}
    return sorted(names.union(_names_read(snapshot, selected)))


def key_list(
    snapshot: Snapshot, nodes: Sequence[str] | None, *, now: datetime, registered: Registered | None = None
) -> KeyList:
    """A list to which explicit keys are added one after another, for `Wanted.listed` of the same moment."""
    for layer in _layers(_members(snapshot, nodes)):
        for member in layer:
            if member.definition is not None:
                return KeyList(member.definition.grid(now, registered or {}), member.nodes[0])
    raise ExecutionError(NOT_PARTITIONED)


def _members(snapshot: Snapshot, nodes: Sequence[str] | None) -> list[_Member]:
    wanted: dict[str, list[str]] = {}
    for node in selected_nodes(snapshot, nodes):
        wanted.setdefault(snapshot.step_by_node[node].key, []).append(node)
    found = []
    for key in sorted(wanted, key=snapshot.place_by_key.__getitem__):
        step = snapshot.step_by_key[key]
        found.append(_Member(step, tuple(wanted[key]), step.partitions_of(wanted[key])))
    return found


def _layers(members: Sequence[_Member]) -> list[list[_Member]]:
    """Members that share runs, in an order in which upstreams come first.

    What depends on something selected that is partitioned otherwise goes one deeper than that. Everything at the top
    is launched with the keys that were asked for; below it members share runs when they are equally partitioned.
    """
    by_node = {node: member for member in members for node in member.nodes}
    for member in members:
        for edge in member.step.edges:
            upstream = by_node.get(edge.upstream)
            if upstream is None or upstream is member or upstream.definition is None or member.definition is None:
                continue
            member.depth = max(member.depth, upstream.depth + (upstream.definition != member.definition))
    layers: list[list[_Member]] = []
    for member in sorted(members, key=lambda one: one.depth):
        for layer in layers:
            if layer[0].depth == member.depth and (not member.depth or layer[0].definition == member.definition):
                layer.append(member)
                break
        else:
            layers.append([member])
    return layers


def _segments(
    layers: Sequence[Sequence[_Member]],
    wanted: Wanted,
    strategy: BackfillStrategy,
    now: datetime,
    registered: Registered,
) -> list[PinnedSegment]:
    grids: list[Grid] = []
    segments: list[PinnedSegment] = []
    place = {node: number for number, layer in enumerate(layers) for member in layer for node in member.nodes}
    for number, layer in enumerate(layers):
        first = next(member for member in layer if member.definition is not None)
        assert first.definition is not None
        grid = first.definition.grid(now, registered)
        links = _links(layer, place, number)
        if not number:
            units = find(wanted, grid, first.nodes[0])
            for member in layer:
                if member.definition is not None and member.definition != first.definition:
                    _check_members(units, grid, member.definition.grid(now, registered), member.nodes[0])
        else:
            units = _image(grid, links, segments, grids, first.nodes[0], is_strict=not wanted.all)
        nodes = tuple(node for member in layer for node in member.nodes)
        own = _own_mapping(layer)
        segments.append(PinnedSegment(nodes, first.definition, strategies.grouped(strategy, units, grid), links, own))
        grids.append(grid)
    return segments


def _links(layer: Iterable[_Member], place: Mapping[str, int], number: int) -> tuple[PinnedLink, ...]:
    links: list[PinnedLink] = []
    for member in layer:
        for edge in member.step.edges:
            upstream = place.get(edge.upstream)
            if upstream is not None and upstream < number and member.definition is not None:
                link = PinnedLink(upstream, edge.mapping)
                if link not in links:
                    links.append(link)
    return tuple(links)


def _own_mapping(layer: Collection[_Member]) -> PartitionMapping | None:
    """The dependency on earlier partitions of the same segment: only one that looks back can be kept to."""
    nodes = {node for member in layer for node in member.nodes}
    offsets = [
        edge.mapping.offset
        for member in layer
        for edge in member.step.edges
        if edge.upstream in nodes and isinstance(edge.mapping, PartitionMapping.TimeWindow) and edge.mapping.offset < 0
    ]
    return PartitionMapping.time_window(max(offsets)) if offsets else None


def _image(
    grid: Grid,
    links: Sequence[PinnedLink],
    segments: Sequence[PinnedSegment],
    grids: Sequence[Grid],
    asset: str,
    *,
    is_strict: bool,
) -> Units:
    """The partitions that are made from what the upstream segments make."""
    found: Units | None = None
    for link in links:
        upstream = segments[link.upstream].units
        mapping = grid_mapping(link.mapping, grid, grids[link.upstream])
        if isinstance(link.mapping, _SAME_KEY):
            units = _same_keys(grid, grids[link.upstream], upstream, asset if is_strict else None)
        elif mapping is None:
            units = ProductUnits([a.count for a in grid.axes], [Spans.between(0, a.count) for a in grid.axes])
        else:
            units = _mapped(mapping, upstream, grid)
        found = units if found is None else _union(found, units)
    assert found is not None
    return found


def _mapped(mapping: GridMapping, upstream: Units, grid: Grid) -> Units:
    if isinstance(upstream, ProductUnits):
        return ProductUnits([axis.count for axis in grid.axes], mapping.image(upstream.places))
    return ListedUnits(Spans.of(dict.fromkeys(fed for index in upstream.all_indexes() for fed in mapping.feeds(index))))


def _same_keys(grid: Grid, other: Grid, upstream: Units, asset: str | None) -> Units:
    """The same keys; an asset that is named has to have each: they were asked for."""
    mapping = grid_mapping(None, grid, other)
    assert mapping is not None
    units = _mapped(mapping, upstream, grid)
    if units.partitions < upstream.partitions and asset is not None:
        _check_members(upstream, other, grid, asset)
    return units


def _union(one: Units, other: Units) -> Units:
    if isinstance(one, ProductUnits) and isinstance(other, ProductUnits) and _equal(one, other):
        return one
    return ListedUnits(Spans.of(sorted({*one.all_indexes(), *other.all_indexes()})))


def _equal(one: ProductUnits, other: ProductUnits) -> bool:
    return (one.shape, one.places) == (other.shape, other.places)


def _check_members(units: Units, grid: Grid, other: Grid, asset: str) -> None:
    for index in units.all_indexes():
        key = grid.key_at(index)
        if not other.has(key):
            raise invalid_key(key, asset, other)


def _names_read(snapshot: Snapshot, nodes: Iterable[str]) -> set[str]:
    steps = {step.key: step for step in map(snapshot.step_by_node.__getitem__, nodes)}
    within = [inner for key in steps for inner in snapshot.steps_by_graph.get(key, ())]
    return {name for step in (*steps.values(), *within) for name in names_read(snapshot, step)}


def _pinned_keys(
    segments: Iterable[PinnedSegment], read: Collection[str], registered: Registered
) -> dict[str, Sequence[str]]:
    own = {name for segment in segments for name in segment.definition.dynamic_names()}
    names = own.union(name for name in read if name in registered)
    return {name: registered.get(name, ()) for name in sorted(names)}
