"""One event, as users read it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rivers.definitions.metadata_entries import restore
from rivers.errors import ExecutionError
from rivers.lifecycle.states import EventType, FailureReason
from rivers.partitions.key import PartitionKey
from rivers.repository.record import Record
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_value

#: Types that users see, by their names; the others are the engine's own.
NAMES = {
    EventType.RUN_QUEUED: "RunQueued",
    EventType.RUN_DEQUEUED: "RunDequeued",
    EventType.RUN_LAUNCH_FAILED: "RunLaunchFailed",
    EventType.STEP_STARTED: "StepStart",
    EventType.STEP_SUCCEEDED: "StepSuccess",
    EventType.STEP_FAILED: "StepFailure",
    EventType.STEP_SKIPPED: "StepFailure",
    EventType.STEP_RETRIED: "StepRetry",
    EventType.ATTEMPT_LOST: "StepRetry",
    EventType.MATERIALIZED: "Materialization",
    EventType.OBSERVED: "Observation",
    EventType.PARTITION_FAILED: "PartitionFailure",
    EventType.SLOT_WAITING: "StepSlotWaiting",
    EventType.SLOT_CLAIMED: "StepSlotClaimed",
    EventType.SLOT_RENEWED: "StepSlotRenewed",
    EventType.SLOT_RELEASED: "StepSlotReleased",
}
_FAILURES = (EventType.STEP_FAILED, EventType.STEP_SKIPPED, EventType.RUN_LAUNCH_FAILED)
_RETRIES = (EventType.STEP_RETRIED, EventType.ATTEMPT_LOST)
_SKIPPED_TYPES = [f"{cls.__module__}.{cls.__qualname__}" for cls in ExecutionError.__mro__]


@dataclass(frozen=True, slots=True, init=False)
class StoredEvent(Record):
    """One event. `metadata` values are JSON text of typed values, plain text for the engine's own entries."""

    id: str
    event_type: str
    asset_key: str | None
    run_id: str
    partition_key: PartitionKey | None
    timestamp: int
    metadata: list[tuple[str, str]]
    data_version: str | None
    code_version: str | None
    input_data_versions: list[tuple[str, str]]


def stored(event: RunEvent, name: str, node: str | None, id: str) -> StoredEvent:
    """The event under the type name and the node that users see."""
    return StoredEvent.of(
        id=id,
        event_type=name,
        asset_key=node,
        run_id=event.run_id,
        partition_key=decode_partition_key(event.partition_key) if event.HasField("partition_key") else None,
        timestamp=event.time.seconds * 1_000_000_000 + event.time.nanos,
        metadata=_metadata(event) if name != NAMES[EventType.STEP_SUCCEEDED] else [],
        data_version=event.data_version if event.HasField("data_version") else None,
        code_version=None,
        input_data_versions=[],
    )


def event_id(run_id: str, seq: int) -> str:
    """The id of an event."""
    return f"{run_id}:{seq}"


def _metadata(event: RunEvent) -> list[tuple[str, str]]:
    pairs = [(entry.key, restore(entry.kind, decode_value(entry.value)).to_json()) for entry in event.metadata]
    pairs += [(fact.key, fact.value) for fact in event.facts]
    kind = EventType(event.type)
    if kind in _FAILURES and event.HasField("failure"):
        types = list(event.failure.exception_types) or _SKIPPED_TYPES
        pairs += [
            ("error", event.failure.message),
            ("rivers/failure_reason", _reason(event)),
            ("rivers/exc_type", json.dumps(types)),
        ]
    elif kind in _RETRIES:
        delay = event.next_delay.seconds * 1000 + event.next_delay.nanos // 1_000_000
        pairs += [
            ("rivers/attempt", str(event.attempt)),
            ("rivers/failure_reason", _reason(event)),
            ("rivers/next_delay_ms", str(delay)),
        ]
    return pairs


def _reason(event: RunEvent) -> str:
    """The reason in the words of retry policies, which know of no others."""
    reason = FailureReason(event.failure.reason or FailureReason.ERROR)
    return reason.name.lower() if reason <= FailureReason.CANCELLED else "error"
