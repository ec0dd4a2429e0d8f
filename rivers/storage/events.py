"""Events: the append-only log of every run, and of the store in the order of commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select

from rivers.lifecycle.states import OF_RUNS, EventType, RunKind
from rivers.partitions.key import PartitionKey
from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import EventRow
from rivers.storage.schema import assets, materialized_partitions, runs
from rivers.storage.schema import events as table
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.events import encode_event
from rivers.wire.identity import decode_partition_key

#: SQL's way to say "no limit" that every database understands.
EVERYTHING = (1 << 63) - 1

INSERT = Insert(table, ["position", "run_id", "seq", "at", "type", "node", "body"])

_EVENT = select(table.c.position, table.c.body)
_OF_RUN = (
    _EVENT.where(table.c.run_id == bindparam("run_id"), table.c.seq > bindparam("after_seq"))
    .order_by(table.c.seq)
    .limit(bindparam("limit"))
)
_MARKS = (
    select(table.c.run_id, table.c.body)
    .join(runs, runs.c.run_id == table.c.run_id)
    .where(
        runs.c.state.in_(bindparam("states", expanding=True)),
        runs.c.owner == bindparam("owner"),
        runs.c.kind == int(RunKind.BACKFILL_UNIT),
        table.c.type == int(EventType.PARTITION_FAILED),
    )
)
_OF_TYPE = _EVENT.where(table.c.run_id == bindparam("run_id"), table.c.type == bindparam("type")).order_by(table.c.seq)
_OF_NODE = _EVENT.where(table.c.node == bindparam("node")).order_by(table.c.position.desc()).limit(bindparam("limit"))
_LATEST = _EVENT.join(assets, (assets.c.last_run_id == table.c.run_id) & (assets.c.last_seq == table.c.seq)).where(
    assets.c.asset_key == bindparam("asset_key")
)
_LATEST_OF_PARTITION = _EVENT.join(
    materialized_partitions,
    (materialized_partitions.c.run_id == table.c.run_id) & (materialized_partitions.c.seq == table.c.seq),
).where(
    materialized_partitions.c.asset_key == bindparam("asset_key"),
    materialized_partitions.c.partition == bindparam("partition"),
)
#: Tasks and the steps inside of graph assets leave no record beside their events.
_MADE_BY_STEP = _EVENT.where(
    table.c.node == bindparam("node"),
    table.c.type == int(EventType.MATERIALIZED),
    ~exists().where(assets.c.asset_key == bindparam("node")),
).order_by(table.c.position.desc())


@dataclass(frozen=True, slots=True)
class Mark:
    """A partition that an attempt of a step marked as failed."""

    step_key: str
    attempt: int
    partition_key: PartitionKey


def image(row: EventRow) -> Values:
    """An event's row without its position, which is known only in the transaction that writes it."""
    event = row.event
    node = None if event.type in OF_RUNS else event.node
    return row.run_id, row.seq, row.at, int(event.type), node, encode_event(row).SerializeToString()


def of_run(connection: Connection, run_id: str, *, after_seq: int = 0, limit: int = EVERYTHING) -> list[RunEvent]:
    """The events of a run after a place in it, oldest first."""
    return _events(connection.execute(_OF_RUN, {"run_id": run_id, "after_seq": after_seq, "limit": limit}))


def of_asset(connection: Connection, asset_key: str, *, limit: int = 100) -> list[RunEvent]:
    """Events about an asset or another node, newest first."""
    return _events(connection.execute(_OF_NODE, {"node": asset_key, "limit": limit}))


def latest_materialization(connection: Connection, asset_key: str, partition: str | None = None) -> RunEvent | None:
    """The event of an asset's last materialization, or of that of one partition in its display form.

    Of a node that is no asset, a task or a step inside of a graph asset, likewise.
    """
    if partition is None:
        found = _events(connection.execute(_LATEST, {"asset_key": asset_key}))
    else:
        found = _events(connection.execute(_LATEST_OF_PARTITION, {"asset_key": asset_key, "partition": partition}))
    if found:
        return found[0]
    for event in _made_by_step(connection, asset_key):
        if partition is None or any(str(key) == partition for key in _keys(event)):
            return event
    return None


def partitions_made_by_step(connection: Connection, node: str) -> list[PartitionKey]:
    """The concrete keys with a materialization of a node that is no asset, by their display text."""
    keys = {str(key): key for event in _made_by_step(connection, node) for key in _keys(event)}
    return [keys[text] for text in sorted(keys)]


def marks(connection: Connection, *, states: list[int], owner: int) -> dict[str, list[Mark]]:
    """What the attempts of backfills' runs in these states have marked, by run."""
    marked: dict[str, list[Mark]] = {}
    for run_id, body in connection.execute(_MARKS, {"states": states, "owner": owner}):
        event = RunEvent.FromString(body)
        key = decode_partition_key(event.partition_key)
        if key is not None:
            marked.setdefault(run_id, []).append(Mark(event.step_key, event.attempt, key))
    return marked


def marked_partitions(connection: Connection, run_id: str) -> list[PartitionKey]:
    """The partitions that steps of a run marked as failed, each as it was marked."""
    marked = []
    for event in _events(connection.execute(_OF_TYPE, {"run_id": run_id, "type": int(EventType.PARTITION_FAILED)})):
        key = decode_partition_key(event.partition_key)
        if key is not None:
            marked.append(key)
    return marked


def _made_by_step(connection: Connection, node: str) -> Iterator[RunEvent]:
    """Materializations of a node that is no asset, newest first, read as they are gone through."""
    with connection.execute(_MADE_BY_STEP, {"node": node}) as found:
        for row in found:
            yield from _events([row])


def _keys(event: RunEvent) -> Iterable[PartitionKey]:
    key = decode_partition_key(event.partition_key) if event.HasField("partition_key") else None
    return key.expand() if key is not None else ()


def _events(found: Iterable[Row[*tuple[Any, ...]]]) -> list[RunEvent]:
    events = []
    for position, body in found:
        event = RunEvent.FromString(body)
        event.position = position
        events.append(event)
    return events
