"""What a run's log and its steps' captured output hold, as a caller sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rivers.lifecycle.events import Failure, MetadataEntry
from rivers.lifecycle.states import EventType, LogStream
from rivers.partitions.key import PartitionKey
from rivers.v1 import run_pb2
from rivers.wire.failures import decode_failure
from rivers.wire.identity import decode_partition_key
from rivers.wire.times import decode_datetime, decode_duration
from rivers.wire.values import decode_metadata, decode_tags
from rivers_client._enumerations import member

#: After one of these nothing follows.
LAST = frozenset({EventType.RUN_SUCCEEDED, EventType.RUN_FAILED, EventType.RUN_CANCELED})


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event; `seq` is its place in the run, from 1 without gaps. `next_delay` in seconds."""

    run_id: str
    seq: int
    position: int
    at: datetime
    type: EventType
    step_key: str | None
    attempt: int
    node: str | None
    metadata: tuple[MetadataEntry, ...]
    facts: tuple[tuple[str, str], ...]
    data_version: str | None
    failure: Failure | None
    next_delay: float | None
    partition_key: PartitionKey | None


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of captured output; `seq` is its place among the run's pieces, from 1."""

    run_id: str
    seq: int
    at: datetime
    step_key: str
    attempt: int
    stream: LogStream
    text: str


def read_event(event: run_pb2.RunEvent) -> RunEvent:
    """An event, from the wire."""
    return RunEvent(
        run_id=event.run_id,
        seq=event.seq,
        position=event.position,
        at=decode_datetime(event.time),
        type=member(EventType, event.type),
        step_key=event.step_key or None,
        attempt=event.attempt,
        node=event.node or None,
        metadata=decode_metadata(event.metadata),
        facts=decode_tags(event.facts),
        data_version=event.data_version if event.HasField("data_version") else None,
        failure=decode_failure(event.failure) if event.HasField("failure") else None,
        next_delay=decode_duration(event.next_delay) if event.HasField("next_delay") else None,
        partition_key=decode_partition_key(event.partition_key) if event.HasField("partition_key") else None,
    )


def read_log(chunk: run_pb2.LogChunk) -> LogChunk:
    """A piece of output, from the wire."""
    return LogChunk(
        run_id=chunk.run_id,
        seq=chunk.seq,
        at=decode_datetime(chunk.time),
        step_key=chunk.step_key,
        attempt=chunk.attempt,
        stream=member(LogStream, chunk.stream),
        text=chunk.text,
    )
