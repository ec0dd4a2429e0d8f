"""The client of a scheduler: `Client`, and `AsyncClient` for asyncio.

    with rivers_client.Client("127.0.0.1:3010") as client:
        run = client.runs.submit("weather", job="daily")
        print(run.wait().state)

Errors are the classes of `rivers.exceptions`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rivers.lifecycle.events import Failure
    from rivers.lifecycle.states import EventType, FailureReason, LogStream, RunState, StepState
    from rivers.partitions.key import PartitionKey
    from rivers_client._aio_client import AsyncClient
    from rivers_client._catalog import Asset, Job, Location
    from rivers_client._client import Client
    from rivers_client._enumerations import LocationState
    from rivers_client._event import LogChunk, RunEvent
    from rivers_client._handle import AsyncRunHandle, RunHandle
    from rivers_client._request import RunRequest
    from rivers_client._run import Run, Step

__all__ = [
    "Asset",
    "AsyncClient",
    "AsyncRunHandle",
    "Client",
    "EventType",
    "Failure",
    "FailureReason",
    "Job",
    "Location",
    "LocationState",
    "LogChunk",
    "LogStream",
    "PartitionKey",
    "Run",
    "RunEvent",
    "RunHandle",
    "RunRequest",
    "RunState",
    "Step",
    "StepState",
]

_HOMES = {
    "rivers.lifecycle.events": ["Failure"],
    "rivers.lifecycle.states": ["EventType", "FailureReason", "LogStream", "RunState", "StepState"],
    "rivers.partitions.key": ["PartitionKey"],
    "rivers_client._aio_client": ["AsyncClient"],
    "rivers_client._catalog": ["Asset", "Job", "Location"],
    "rivers_client._client": ["Client"],
    "rivers_client._enumerations": ["LocationState"],
    "rivers_client._event": ["LogChunk", "RunEvent"],
    "rivers_client._handle": ["AsyncRunHandle", "RunHandle"],
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
