"""Events of a run → `rivers.v1`. One is made for every event that is written, so it is made in one piece."""

from __future__ import annotations

from typing import cast

from rivers.storage.rows import EventRow
from rivers.v1 import run_pb2
from rivers.wire.failures import encode_failure
from rivers.wire.identity import fill_partition_key, fill_step_id
from rivers.wire.times import encode_duration
from rivers.wire.values import encode_metadata, encode_tags


def encode_event(row: EventRow, position: int = 0) -> run_pb2.RunEvent:
    """An event with its place in the run and, once it is known, among all events of the store."""
    event, step = row.event, row.step
    target = run_pb2.RunEvent(
        run_id=row.run_id,
        seq=row.seq,
        position=position,
        type=cast("run_pb2.EventType.ValueType", event.type),
        attempt=event.attempt,
        node=event.node,
        data_version=event.data_version,
    )
    time = target.time
    time.seconds, time.nanos = divmod(row.at, 1_000_000_000)
    if step is not None:
        target.step_key = step.key
        fill_step_id(target.step, step.id)
    if event.metadata:
        target.metadata.extend(encode_metadata(event.metadata))
    if event.facts:
        target.facts.extend(encode_tags(event.facts))
    if event.failure is not None:
        target.failure.CopyFrom(encode_failure(event.failure))
    if event.delay is not None:
        target.next_delay.CopyFrom(encode_duration(event.delay))
    if event.partition_key is not None:
        fill_partition_key(target.partition_key, event.partition_key)
    return target
