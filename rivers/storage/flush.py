"""Flushing: a write set becomes few, large statements, parents before children.

`prepare` encodes outside of the transaction, so that this is as short as it can be. A row that changed several times is
written once, with its last image. A repeat after an abort prepares again from the rows as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect

from rivers.storage import (
    assets,
    attempts,
    backfill_units,
    backfills,
    events,
    locations,
    logs,
    partitions,
    plans,
    runs,
    steps,
)
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.faults import StaleWriteError
from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import RunRow, WriteSet
from rivers.storage.sending import Send, sending


class Batch:
    """A write set as rows of tables, ready to be written."""

    __slots__ = (
        "_changed_backfills",
        "_changed_runs",
        "_children",
        "_events",
        "_expected",
        "_forgotten",
        "_new_backfills",
        "_new_runs",
        "_nodes",
        "_removed_partitions",
        "_replanned",
        "_versions",
    )

    def __init__(
        self,
        *,
        new_runs: list[Values],
        nodes: list[Values],
        changed_runs: list[Values],
        replanned: list[RunRow],
        children: Sequence[tuple[Insert, list[Values]]],
        events: list[Values],
        forgotten: list[str],
        removed_partitions: list[tuple[str, str]],
        new_backfills: list[Values],
        changed_backfills: list[Values],
        versions: list[tuple[RunRow | BackfillRow, int]],
    ) -> None:
        self._new_runs = new_runs
        self._nodes = nodes
        self._changed_runs = changed_runs
        self._replanned = replanned
        self._children = children
        self._events = events
        self._forgotten = forgotten
        self._removed_partitions = removed_partitions
        self._new_backfills = new_backfills
        self._changed_backfills = changed_backfills
        self._versions = versions
        self._expected: list[tuple[list[Any], int, str]] = []

    @property
    def event_count(self) -> int:
        """How many positions it needs."""
        return len(self._events)

    def write(self, connection: Connection, take_positions: Callable[[Send], int]) -> None:
        """Writes all of it, events from the position on that is taken before anything else.

        `StaleWriteError` when a row is not as it was seen. The caller ends the transaction.
        """
        dialect = connection.dialect
        self._expected.clear()
        try:
            with sending(connection) as send:
                self._send(send, dialect, take_positions(send))
        except dialect.loaded_dbapi.IntegrityError:
            self._check()  # it may have stumbled over a row that was not written
            raise
        self._check()
        for row in self._replanned:
            runs.replan(connection, row)
        for name, key in self._removed_partitions:
            partitions.delete_key(connection, name, key)
        if self._forgotten:
            locations.forget(connection, self._forgotten)

    def settle(self) -> None:
        """Notes on runs and backfills which version is stored now. Called once it is committed."""
        for row, version in self._versions:
            row.stored_version = version

    def _send(self, send: Send, dialect: Dialect, first_position: int) -> None:
        if self._new_backfills:
            sent = backfills.INSERT.send(send, dialect, self._new_backfills)
            self._expect(sent, self._new_backfills, "a backfill of the same id or of the same request is there already")
        if self._changed_backfills:
            sent = backfills.UPDATE.send(send, dialect, self._changed_backfills)
            self._expect(sent, self._changed_backfills, "a backfill was changed by somebody else since it was read")
        if self._new_runs:
            sent = runs.INSERT.send(send, dialect, self._new_runs)
            self._expect(sent, self._new_runs, "a run of the same id or of the same request is there already")
        if self._nodes:
            runs.UPSERT_NODES.send(send, dialect, self._nodes)
        if self._changed_runs:
            sent = runs.UPDATE.send(send, dialect, self._changed_runs)
            self._expect(sent, self._changed_runs, "a run was changed by somebody else since it was read")
        for statement, rows in self._children:
            statement.send(send, dialect, rows)
        if self._events:
            rows = [(first_position + n, *row) for n, row in enumerate(self._events)]
            events.INSERT.send(send, dialect, rows)

    def _expect(self, sent: list[Any], rows: list[Values], trouble: str) -> None:
        self._expected.append((sent, len(rows), trouble))

    def _check(self) -> None:
        for sent, count, trouble in self._expected:
            written = [cursor.rowcount for cursor in sent]
            if min(written) >= 0 and sum(written) != count:  # below 0: it was not executed
                raise StaleWriteError(trouble)


def prepare(writes: WriteSet) -> Batch:
    """Encodes a write set."""
    versions: list[tuple[RunRow | BackfillRow, int]] = []
    new_runs, nodes, changed_runs, new_ids = [], [], [], set()
    for row in writes.new_runs:
        fixed, changing = runs.fixed_image(row), runs.changing_image(row)
        new_runs.append(fixed + changing)
        if fixed[-1] is None:
            nodes.append(runs.nodes_image(row))
        versions.append((row, changing[-1]))
        new_ids.add(row.run_id)
    for run_id, row in writes.changed_runs.items():
        if run_id not in new_ids:
            changing = runs.changing_image(row)
            changed_runs.append((run_id, *changing, row.stored_version))
            versions.append((row, changing[-1]))
    children: list[tuple[Insert, list[Values]]] = []
    new_backfills, changed_backfills = _prepare_backfills(writes, versions, children)
    if writes.plans:
        children.append((plans.INSERT, [plans.image(run_id, plan) for run_id, plan in writes.plans]))
    if writes.replanned:
        children.append((plans.REPLACE, [plans.image(row.run_id, plan) for row, plan in writes.replanned]))
    if writes.steps:
        children.append((steps.UPSERT, [steps.image(key[0], step) for key, step in writes.steps.items()]))
    if writes.attempts:
        children.append((attempts.UPSERT, [attempts.image(attempt) for attempt in writes.attempts.values()]))
    if writes.logs:
        children.append((logs.INSERT, [logs.image(row) for row in writes.logs]))
    if writes.materializations:
        last = {row.asset_key: row for row in writes.materializations}
        children.append((assets.MATERIALIZE, [assets.image(row) for row in last.values()]))
        covered = {image[:2]: image for row in writes.materializations for image in partitions.images(row)}
        children.append((partitions.UPSERT, list(covered.values())))
    if writes.observations:
        seen = {row.asset_key: (row.asset_key, row.data_version) for row in writes.observations}
        children.append((assets.OBSERVE, list(seen.values())))
    if writes.locations:
        latest = {row.name: row for row in writes.locations}
        children.append((locations.UPSERT, [locations.image(row) for row in latest.values()]))
    if writes.dynamic_partitions:
        children.append((partitions.INSERT, [pair for pair, is_added in writes.dynamic_partitions.items() if is_added]))
    return Batch(
        new_runs=new_runs,
        nodes=nodes,
        changed_runs=changed_runs,
        replanned=[row for row, _ in writes.replanned if row.run_id not in new_ids],
        children=children,
        events=[events.image(row) for row in writes.events],
        removed_partitions=[pair for pair, is_added in writes.dynamic_partitions.items() if not is_added],
        forgotten=writes.forgotten_locations,
        new_backfills=new_backfills,
        changed_backfills=changed_backfills,
        versions=versions,
    )


def _prepare_backfills(
    writes: WriteSet, versions: list[tuple[RunRow | BackfillRow, int]], children: list[tuple[Insert, list[Values]]]
) -> tuple[list[Values], list[Values]]:
    new, changed, new_ids = [], [], set()
    for made in writes.new_backfills:
        changing = backfills.changing_image(made.row)
        new.append(backfills.fixed_image(made.row) + changing)
        versions.append((made.row, changing[-1]))
        new_ids.add(made.row.backfill_id)
    for backfill_id, row in writes.changed_backfills.items():
        if backfill_id not in new_ids:
            changing = backfills.changing_image(row)
            changed.append((backfill_id, *changing, row.stored_version))
            versions.append((row, changing[-1]))
    if writes.new_backfills:
        children.append((backfills.INSERT_PLAN, [(made.row.backfill_id, made.plan) for made in writes.new_backfills]))
        keys = [
            image
            for made in writes.new_backfills
            for image in backfills.key_images(made.row.backfill_id, made.registered)
        ]
        children.append((backfills.INSERT_KEYS, keys))
    if writes.units:
        children.append((backfill_units.UPSERT, [backfill_units.image(row) for row in writes.units.values()]))
    return new, changed
