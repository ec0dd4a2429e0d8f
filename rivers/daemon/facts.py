"""What a storage knows of a repository's assets, for their conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rivers.automation.facts import NOTHING, Cell, Cells, Update
from rivers.daemon.layout import WHOLE, Layout
from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import Snapshot, StepDefinition
from rivers.driver.owner import is_alive
from rivers.lifecycle.backfill.units import Units
from rivers.lifecycle.states import EventType, RunOwner, RunState
from rivers.partitions.grid import Grid
from rivers.partitions.key import PartitionKey
from rivers.storage import asset_history, assets, backfills, partitions, run_ends, runs
from rivers.storage.assets import AssetRow
from rivers.storage.rows import RunRow
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.identity import decode_partition_key
from rivers.wire.times import decode_datetime, decode_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

_UPDATES = (EventType.MATERIALIZED, EventType.OBSERVED)
_ENDS = (EventType.STEP_SUCCEEDED, EventType.STEP_FAILED)
_FAILURES = (EventType.STEP_FAILED, EventType.PARTITION_FAILED)


class StoredFacts:
    """Facts of one moment about these assets, updates of them from after the position `since`. Read in one go."""

    def __init__(
        self, connection: Connection, snapshot: Snapshot, nodes: Collection[str], *, since: int, now: int
    ) -> None:
        self._snapshot = snapshot
        self._dependencies: dict[str, Sequence[str]] = {}
        self._position = run_ends.latest_position(connection)
        self.layout = _layout(connection, snapshot, nodes, now)
        known = assets.some(connection, list(nodes))
        self._rows = {node: known.get(node, AssetRow(node)) for node in nodes}
        self._made: dict[str, dict[Cell, tuple[str, int, str]]] = {
            node: {key: (run_id, at, version) for key, run_id, at, version in partitions.records(connection, node)}
            for node in nodes
            if self.layout.definition(node) is not None
        }
        self._observed = {
            node: event
            for node in nodes
            if self._step(node).kind == StepKind.EXTERNAL_ASSET
            and (event := asset_history.last(connection, node, [EventType.OBSERVED])) is not None
        }
        self._in_progress = self._read_in_progress(connection, now)
        self._covered = self._read_covered(connection)
        self._updates = self._read_updates(connection, since)
        self._failed = {node: self._read_failed(connection, node) for node in nodes}
        self._runs = self._read_runs(connection)

    @property
    def position(self) -> int:
        """The latest position that these facts cover."""
        return self._position

    def cells(self, asset: str) -> Cells:
        return self.layout.cells(asset)

    def dependencies(self, asset: str) -> Sequence[str]:
        if asset not in self._dependencies:
            self._dependencies[asset] = dependencies_of(self._snapshot, asset)
        return self._dependencies[asset]

    def upstream(self, asset: str, dependency: str, cell: Cell) -> Cells:
        return self.layout.upstream(asset, dependency, cell)

    def launched_together(self, asset: str, dependency: str) -> bool:
        return self.layout.launched_together(asset, dependency)

    def materialized(self, asset: str) -> Cells:
        step = self._step(asset)
        if step.kind == StepKind.EXTERNAL_ASSET:  # what nobody here makes is there, once it was seen if somebody looks
            return self.cells(asset) if asset in self._observed or not step.is_runnable else NOTHING
        if asset in self._made:
            return self.cells(asset) & self._made[asset].keys()
        return WHOLE if self._rows[asset].last_run_id is not None else NOTHING

    def failed(self, asset: str) -> Cells:
        return self._failed[asset]

    def in_progress(self, asset: str) -> Cells:
        return self._in_progress.get(asset, NOTHING) & self.cells(asset)

    def backfilling(self, asset: str) -> Cells:
        return self._covered.get(asset, NOTHING)

    def updates(self, asset: str, since: int) -> Sequence[Update]:
        return [update for position, update in self._updates[asset] if position > since]

    def latest_runs(self, asset: str) -> Mapping[Cell, str]:
        if asset in self._made:
            return {cell: run_id for cell, (run_id, _, _) in self._made[asset].items()}
        observed = self._observed.get(asset)
        run_id = observed.run_id if observed is not None else self._rows[asset].last_run_id
        return {} if run_id is None else {None: run_id}

    def run_includes(self, run_id: str, asset: str) -> bool:
        return run_id in self._runs and asset in self._runs[run_id][0]

    def run_tags(self, run_id: str) -> Mapping[str, str]:
        return self._runs[run_id][1] if run_id in self._runs else {}

    def other_code(self, asset: str) -> Cells:
        row = self._rows[asset]
        declared = self._snapshot.output_by_node[asset].code_version
        return self.materialized(asset) if row.last_run_id and row.last_code_version != declared else NOTHING

    def data_versions(self, asset: str) -> Mapping[Cell, str]:
        if asset in self._made:
            return {cell: version for cell, (_, _, version) in self._made[asset].items()}
        version = self._rows[asset].last_data_version
        return {} if version is None else {None: version}

    def latest_window(self, asset: str, lookback: float | None, now: datetime) -> Cells:
        return self.layout.latest_window(asset, lookback)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _step(self, node: str) -> StepDefinition:
        return self._snapshot.step_by_node[node]

    def _cells_of(self, node: str, key: PartitionKey | None) -> Iterable[Cell]:
        """The cells that a run or an event with this key is about."""
        if self.layout.definition(node) is None:
            return WHOLE
        return self.cells(node) if key is None else key.expand()

    def _read_in_progress(self, connection: Connection, now: int) -> dict[str, Cells]:
        found: dict[str, Cells] = {}
        for run in (one for owner in RunOwner for one in runs.unfinished(connection, owner)):
            if _is_executed(run, now):
                for node in run.nodes:
                    if node in self._rows:
                        found[node] = found.get(node, NOTHING).union(self._cells_of(node, run.partition_key))
        return found

    def _read_covered(self, connection: Connection) -> dict[str, Cells]:
        """What active backfills cover: all of their partitions until they are over."""
        found: dict[str, Cells] = {}
        for row in (one for owner in RunOwner for one in backfills.unfinished(connection, owner)):
            if self._rows.keys().isdisjoint(row.nodes):
                continue
            pinned = backfills.pinned(connection, row.backfill_id)
            for grid, segment in zip(pinned.grids, pinned.segments, strict=True):
                for node in segment.nodes:
                    if node in self._rows:
                        covered = [cell for cell in self.cells(node) if _is_covered(grid, segment.units, cell)]
                        found[node] = found.get(node, NOTHING).union(covered)
        return found

    def _read_updates(self, connection: Connection, since: int) -> dict[str, list[tuple[int, Update]]]:
        found: dict[str, list[tuple[int, Update]]] = defaultdict(list)
        for event in asset_history.after(connection, since, _UPDATES):
            if event.node in self._rows and self._is_update(connection, event):
                at = decode_datetime(event.time)
                for cell in self._cells_of(event.node, _key(event)):
                    found[event.node].append((event.position, Update(cell, event.run_id, at)))
        return found

    def _is_update(self, connection: Connection, event: RunEvent) -> bool:
        """An observation is one when it is of an external asset and its data version is another than before."""
        if EventType(event.type) != EventType.OBSERVED:
            return True
        if self._step(event.node).kind != StepKind.EXTERNAL_ASSET or not event.HasField("data_version"):
            return False
        before = asset_history.last(connection, event.node, [EventType.OBSERVED], before=event.position)
        return before is None or before.data_version != event.data_version

    def _read_failed(self, connection: Connection, node: str) -> Cells:
        """Cells whose step failed last. Of a step with several outputs those that were stored then have not failed."""
        step = self._step(node)
        if node in self._made:
            return self._failed_partitions(connection, node, step)
        ends = (*_ENDS, EventType.STEP_SKIPPED) if step.kind == StepKind.GRAPH_ASSET else _ENDS
        end = asset_history.last(connection, step.key, ends)
        if end is None or EventType(end.type) == EventType.STEP_SUCCEEDED:
            return NOTHING
        return WHOLE if end.run_id != self._rows[node].last_run_id else NOTHING

    def _failed_partitions(self, connection: Connection, node: str, step: StepDefinition) -> Cells:
        made = self._made[node]
        failed: set[Cell] = set()
        for about in dict.fromkeys((step.key, node)):
            for event in asset_history.about(connection, about, _FAILURES):
                key = _key(event)
                for cell in () if key is None else key.expand():
                    if cell not in made or made[cell][1] < decode_time(event.time):
                        failed.add(cell)
        return self.cells(node) & failed

    def _read_runs(self, connection: Connection) -> dict[str, tuple[frozenset[str], dict[str, str]]]:
        """Nodes and tags of the runs that the assets were made by, lately or last."""
        wanted = {update.run_id for updates in self._updates.values() for _, update in updates}
        wanted |= {run_id for node in self._rows for run_id in self.latest_runs(node).values()}
        found = {}
        for run_id in wanted:
            row = runs.get(connection, run_id)
            if row is not None:
                found[run_id] = frozenset(row.nodes), dict(row.tags)
        return found


def dependencies_of(snapshot: Snapshot, asset: str) -> Sequence[str]:
    """The assets that an asset depends on directly; tasks between them are looked through."""
    found: dict[str, None] = {}
    seen = {asset}
    waiting = [edge.upstream for edge in snapshot.step_by_node[asset].edges if edge.is_of(asset)]
    while waiting:
        node = waiting.pop(0)
        if node in seen:
            continue
        seen.add(node)
        if snapshot.output_by_node[node].is_asset:
            found[node] = None
        else:
            waiting += [edge.upstream for edge in snapshot.step_by_node[node].edges]
    return tuple(found)


def _layout(connection: Connection, snapshot: Snapshot, nodes: Iterable[str], now: int) -> Layout:
    names = {
        name
        for node in nodes
        if (definition := snapshot.output_by_node[node].partitions) is not None
        for name in definition.dynamic_names()
    }
    registered = {name: partitions.keys(connection, name) for name in names}
    return Layout(snapshot, datetime.fromtimestamp(now / 1e9, UTC), registered)


def _is_covered(grid: Grid, units: Units, cell: Cell) -> bool:
    index = None if cell is None else grid.index_of(cell)
    return index is not None and units.unit_of(index) is not None


def _key(event: RunEvent) -> PartitionKey | None:
    return decode_partition_key(event.partition_key) if event.HasField("partition_key") else None


def _is_executed(run: RunRow, now: int) -> bool:
    """Whether a run is still to come or under way: the process that executed it may be gone."""
    if run.state == RunState.QUEUED or run.owner == RunOwner.SCHEDULER:
        return True
    return is_alive(run.owner_id, run.owner_expires_at, now)
