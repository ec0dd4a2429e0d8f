"""What a run's log holds: events and failures as data."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.lifecycle.states import EventType, FailureReason
from rivers.partitions.key import PartitionKey

#: One metadata entry: name, number of its `MetadataKind`, plain value (None, bool, int, float, str, bytes, list, dict).
MetadataEntry = tuple[str, int, object]


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure. `message` is "<Type>: <text>"; `exception_types` are qualified names, most derived first."""

    reason: FailureReason
    message: str
    exception_types: tuple[str, ...] = ()
    traceback: str = ""
    signal: int = 0
    exit_code: int = 0


SKIPPED = Failure(FailureReason.UPSTREAM_FAILED, "ExecutionError: Skipped: upstream dependency failed")


@dataclass(slots=True)
class Event:
    """One event, not changed once made; `ordinal` is the step's, -1 for an event of the run. `delay` in seconds."""

    type: EventType
    ordinal: int = -1
    attempt: int = 0
    node: str = ""
    metadata: tuple[MetadataEntry, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    data_version: str | None = None
    failure: Failure | None = None
    delay: float | None = None
    partition_key: PartitionKey | None = None
