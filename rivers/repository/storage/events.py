"""Events, as users read them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rivers.definitions.metadata_entries import restore
from rivers.errors import ExecutionError
from rivers.lifecycle.states import EventType, FailureReason
from rivers.partitions.key import PartitionKey
from rivers.repository.record import Record
from rivers.repository.storage.opened import Opened
from rivers.storage import events
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_value

#: Types that users see, by their names; the others are the engine's own.
_NAMES = {
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


class EventReads(Opened):
    """Reads of the event log."""

    __slots__ = ()

    def get_events_for_run(self, run_id: str) -> list[StoredEvent]:
        """The events of a run, oldest first."""
        with self.database.read() as connection:
            return list(_stored(events.of_run(connection, run_id)))

    def get_events_for_asset(self, asset_key: str, limit: int = 100) -> list[StoredEvent]:
        """The events about an asset, newest first."""
        found: list[StoredEvent] = []
        wanted = max(limit, 0)
        with self.database.read() as connection:
            reach = wanted
            while wanted:  # some of what is read is the engine's own; it is read again, further back
                read = events.of_asset(connection, asset_key, limit=reach)
                found = list(_stored(read))[:wanted]
                if len(found) == wanted or len(read) < reach:
                    break
                reach *= 2
        return found

    def get_latest_materialization(self, asset_key: str, partition: str | None = None) -> StoredEvent | None:
        """The last materialization of an asset, or of one of its partitions, named by its display text."""
        with self.database.read() as connection:
            event = events.latest_materialization(connection, asset_key, partition)
        return None if event is None else next(_stored([event]), None)

    async def async_get_events_for_run(self, run_id: str) -> list[StoredEvent]:
        """`get_events_for_run`, off the event loop."""
        return await asyncio.to_thread(self.get_events_for_run, run_id)

    async def async_get_events_for_asset(self, asset_key: str, limit: int = 100) -> list[StoredEvent]:
        """`get_events_for_asset`, off the event loop."""
        return await asyncio.to_thread(self.get_events_for_asset, asset_key, limit)

    async def async_get_latest_materialization(
        self, asset_key: str, partition: str | None = None
    ) -> StoredEvent | None:
        """`get_latest_materialization`, off the event loop."""
        return await asyncio.to_thread(self.get_latest_materialization, asset_key, partition)


def _stored(read: Iterable[RunEvent]) -> Iterator[StoredEvent]:
    for event in read:
        name = _NAMES.get(EventType(event.type))
        if name is not None:
            yield StoredEvent.of(
                id=event_id(event.run_id, event.seq),
                event_type=name,
                asset_key=event.node or None,
                run_id=event.run_id,
                partition_key=decode_partition_key(event.partition_key) if event.HasField("partition_key") else None,
                timestamp=event.time.seconds * 1_000_000_000 + event.time.nanos,
                metadata=_metadata(event),
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
