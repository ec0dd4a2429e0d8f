"""What a storage knows of a repository's assets, for their conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rivers.automation.facts import NOTHING, Cell, Cells, Update
from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import Snapshot, StepDefinition
from rivers.driver.owner import is_alive
from rivers.lifecycle.states import EventType, RunOwner, RunState
from rivers.storage import asset_history, assets, backfills, run_ends, runs
from rivers.storage.assets import AssetRow
from rivers.storage.rows import RunRow
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.times import decode_datetime

if TYPE_CHECKING:
    from sqlalchemy import Connection

_WHOLE: Cells = frozenset({None})
_UPDATES = (EventType.MATERIALIZED, EventType.OBSERVED)
_ENDS = (EventType.STEP_SUCCEEDED, EventType.STEP_FAILED)


class StoredFacts:
    """Facts of one moment about these assets, updates of them from after the position `since`. Read in one go."""

    def __init__(
        self, connection: Connection, snapshot: Snapshot, nodes: Collection[str], *, since: int, now: int
    ) -> None:
        self._snapshot = snapshot
        self._dependencies: dict[str, Sequence[str]] = {}
        self._position = run_ends.latest_position(connection)
        known = assets.some(connection, list(nodes))
        self._rows = {node: known.get(node, AssetRow(node)) for node in nodes}
        self._runs: dict[str, tuple[frozenset[str], dict[str, str]]] = {}
        self._in_progress: set[str] = set()
        for run in (one for owner in RunOwner for one in runs.unfinished(connection, owner)):
            if _is_executed(run, now):
                self._in_progress.update(run.nodes)
        self._covered: set[str] = set()
        for owner in RunOwner:
            for backfill in backfills.unfinished(connection, owner):
                self._covered.update(backfill.nodes)
        self._observed = {
            node: event
            for node in nodes
            if self._step(node).kind == StepKind.EXTERNAL_ASSET
            and (event := asset_history.last(connection, node, [EventType.OBSERVED])) is not None
        }
        self._updates = self._read_updates(connection, since)
        self._failed = {node for node in nodes if self._has_failed(connection, node)}
        self._read_runs(connection)

    @property
    def position(self) -> int:
        """The latest position that these facts cover."""
        return self._position

    def cells(self, asset: str) -> Cells:
        return _WHOLE

    def dependencies(self, asset: str) -> Sequence[str]:
        if asset not in self._dependencies:
            self._dependencies[asset] = dependencies_of(self._snapshot, asset)
        return self._dependencies[asset]

    def upstream(self, asset: str, dependency: str, cell: Cell) -> Cells:
        return _WHOLE

    def launched_together(self, asset: str, dependency: str) -> bool:
        return True

    def materialized(self, asset: str) -> Cells:
        step = self._step(asset)
        if step.kind == StepKind.EXTERNAL_ASSET:  # what nobody here makes is there, once it was seen if somebody looks
            return self._whole(asset in self._observed or not step.is_runnable)
        return self._whole(self._rows[asset].last_run_id is not None)

    def failed(self, asset: str) -> Cells:
        return self._whole(asset in self._failed)

    def in_progress(self, asset: str) -> Cells:
        return self._whole(asset in self._in_progress)

    def backfilling(self, asset: str) -> Cells:
        return self._whole(asset in self._covered)

    def updates(self, asset: str, since: int) -> Sequence[Update]:
        return [update for position, update in self._updates[asset] if position > since]

    def latest_runs(self, asset: str) -> Mapping[Cell, str]:
        run_id = self._latest_run(asset)
        return {} if run_id is None else {None: run_id}

    def run_includes(self, run_id: str, asset: str) -> bool:
        return asset in self._runs[run_id][0] if run_id in self._runs else False

    def run_tags(self, run_id: str) -> Mapping[str, str]:
        return self._runs[run_id][1] if run_id in self._runs else {}

    def other_code(self, asset: str) -> Cells:
        row = self._rows[asset]
        declared = self._snapshot.output_by_node[asset].code_version
        return self._whole(row.last_run_id is not None and row.last_code_version != declared)

    def data_versions(self, asset: str) -> Mapping[Cell, str]:
        version = self._rows[asset].last_data_version
        return {} if version is None else {None: version}

    def latest_window(self, asset: str, lookback: float | None, now: datetime) -> Cells:
        return self.cells(asset)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _whole(self, is_so: bool) -> Cells:
        return _WHOLE if is_so else NOTHING

    def _step(self, node: str) -> StepDefinition:
        return self._snapshot.step_by_node[node]

    def _latest_run(self, asset: str) -> str | None:
        observed = self._observed.get(asset)
        return observed.run_id if observed is not None else self._rows[asset].last_run_id

    def _read_updates(self, connection: Connection, since: int) -> dict[str, list[tuple[int, Update]]]:
        found: dict[str, list[tuple[int, Update]]] = defaultdict(list)
        for event in asset_history.after(connection, since, _UPDATES):
            if event.node in self._rows and self._is_update(connection, event):
                found[event.node].append((event.position, Update(None, event.run_id, decode_datetime(event.time))))
        return found

    def _is_update(self, connection: Connection, event: RunEvent) -> bool:
        """An observation is one when it is of an external asset and its data version is another than before."""
        if EventType(event.type) != EventType.OBSERVED:
            return True
        if self._step(event.node).kind != StepKind.EXTERNAL_ASSET or not event.HasField("data_version"):
            return False
        before = asset_history.last(connection, event.node, [EventType.OBSERVED], before=event.position)
        return before is None or before.data_version != event.data_version

    def _has_failed(self, connection: Connection, node: str) -> bool:
        """Whether the step failed last. Of a step with several outputs those that were stored then have not failed."""
        step = self._step(node)
        ends = (*_ENDS, EventType.STEP_SKIPPED) if step.kind == StepKind.GRAPH_ASSET else _ENDS
        end = asset_history.last(connection, step.key, ends)
        if end is None or EventType(end.type) == EventType.STEP_SUCCEEDED:
            return False
        return end.run_id != self._rows[node].last_run_id

    def _read_runs(self, connection: Connection) -> None:
        wanted = {update.run_id for updates in self._updates.values() for _, update in updates}
        wanted |= {run_id for node in self._rows if (run_id := self._latest_run(node)) is not None}
        for run_id in wanted:
            row = runs.get(connection, run_id)
            if row is not None:
                self._runs[run_id] = frozenset(row.nodes), dict(row.tags)


def _is_executed(run: RunRow, now: int) -> bool:
    """Whether a run is still to come or under way: the process that executed it may be gone."""
    if run.state == RunState.QUEUED or run.owner == RunOwner.SCHEDULER:
        return True
    return is_alive(run.owner_id, run.owner_expires_at, now)


def dependencies_of(snapshot: Snapshot, asset: str) -> Sequence[str]:
    """The assets that an asset depends on directly; tasks between them are looked through."""
    found: dict[str, None] = {}
    seen = {asset}
    waiting = [edge.upstream for edge in snapshot.step_by_node[asset].edges]
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
