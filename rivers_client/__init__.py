"""The client of a scheduler: `Client`, and `AsyncClient` for asyncio.

    with rivers_client.Client("127.0.0.1:3010") as client:
        run = client.runs.submit("weather", job="daily")
        print(run.wait().state)

Errors are the classes of `rivers.exceptions`.
"""

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
