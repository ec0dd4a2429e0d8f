"""The client of a scheduler: `Client`, and `AsyncClient` for asyncio.

    with rivers_client.Client("127.0.0.1:3010") as client:
        run = client.runs.submit("weather", job="daily")
        print(run.wait().state)

Errors are the classes of `rivers.exceptions`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rivers.lifecycle.backfill.states import BackfillStatus, UnitState
    from rivers.lifecycle.events import Failure
    from rivers.lifecycle.states import EventType, FailureReason, LogStream, RunState, StepState
    from rivers.partitions.backfill_strategy import BackfillStrategy
    from rivers.partitions.key import PartitionKey
    from rivers.partitions.key_range import PartitionKeyRange
    from rivers_client._aio_client import AsyncClient
    from rivers_client._backfill import Backfill, BackfillForecast, BackfillUnit
    from rivers_client._backfill_handle import AsyncBackfillHandle, BackfillHandle
    from rivers_client._backfill_request import BackfillRequest
    from rivers_client._catalog import Asset, Job, Location
    from rivers_client._client import Client
    from rivers_client._enumerations import LocationState
    from rivers_client._event import LogChunk, RunEvent
    from rivers_client._handle import AsyncRunHandle, RunHandle
    from rivers_client._request import RunRequest
    from rivers_client._run import Run, Step

__all__ = [
    "Asset",
    "AsyncBackfillHandle",
    "AsyncClient",
    "AsyncRunHandle",
    "Backfill",
    "BackfillForecast",
    "BackfillHandle",
    "BackfillRequest",
    "BackfillStatus",
    "BackfillStrategy",
    "BackfillUnit",
    "Client",
    "EventType",
    "Failure",
    "FailureReason",
    "Job",
    "Location",
    "LocationState",
    "LogChunk",
    "LogStream",
    "Partition",
    "PartitionKey",
    "PartitionKeyRange",
    "Run",
    "RunEvent",
    "RunHandle",
    "RunRequest",
    "RunState",
    "Step",
    "StepState",
    "UnitState",
]

_HOMES = {
    "rivers.lifecycle.backfill.states": ["BackfillStatus", "UnitState"],
    "rivers.lifecycle.events": ["Failure"],
    "rivers.lifecycle.states": ["EventType", "FailureReason", "LogStream", "RunState", "StepState"],
    "rivers.partitions.backfill_strategy": ["BackfillStrategy"],
    "rivers.partitions.key": ["PartitionKey"],
    "rivers.partitions.key_range": ["PartitionKeyRange"],
    "rivers_client._aio_client": ["AsyncClient"],
    "rivers_client._backfill": ["Backfill", "BackfillForecast", "BackfillUnit"],
    "rivers_client._backfill_handle": ["AsyncBackfillHandle", "BackfillHandle"],
    "rivers_client._backfill_request": ["BackfillRequest"],
    "rivers_client._catalog": ["Asset", "Job", "Location"],
    "rivers_client._client": ["Client"],
    "rivers_client._enumerations": ["LocationState"],
    "rivers_client._event": ["LogChunk", "RunEvent"],
    "rivers_client._handle": ["AsyncRunHandle", "RunHandle"],
    "rivers_client._partition": ["Partition"],
    "rivers_client._request": ["RunRequest"],
    "rivers_client._run": ["Run", "Step"],
}


def __getattr__(name: str) -> Any:
    """Loads a name when it is first used: a command that only prints its help needs no gRPC."""
    import importlib

    for home, names in _HOMES.items():
        if name in names:
            globals()[name] = found = getattr(importlib.import_module(home), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
