"""What a checker is promised about the client; read by mypy, never run."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from rivers.errors import RiversError
from rivers_client import (
    Asset,
    AsyncClient,
    AsyncRunHandle,
    Client,
    Job,
    Location,
    LogChunk,
    Run,
    RunEvent,
    RunHandle,
    RunRequest,
    RunState,
)


def sync(client: Client) -> None:
    handle = client.runs.submit("weather", job="daily", tags={"a": "b"}, config={"n": 1})
    assert_type(handle, RunHandle)
    assert_type(handle.state, RunState)
    assert_type(handle.wait(timeout=1), Run)
    assert_type(handle.events(), Iterator[RunEvent])
    assert_type(handle.logs(step="a"), Iterator[LogChunk])
    assert_type(client.runs.list(states=RunState.FAILED), Iterator[Run])
    assert_type(client.runs.submit_many([RunRequest("weather")]), list[RunHandle | RiversError])
    assert_type(client.locations.list(), Iterator[Location])
    assert_type(client.assets.list(), Iterator[Asset])
    assert_type(client.jobs.list(), Iterator[Job])


async def asynchronous(client: AsyncClient) -> None:
    handle = await client.runs.submit("weather", select=["a"])
    assert_type(handle, AsyncRunHandle)
    assert_type(await handle.wait(), Run)
    assert_type(handle.events(), AsyncIterator[RunEvent])
    assert_type(client.runs.list(), AsyncIterator[Run])
    assert_type(await client.runs.submit_many([]), list[AsyncRunHandle | RiversError])


def refused(client: Client) -> None:
    client.runs.submit("weather", job=1)  # type: ignore[arg-type]
    client.runs.submit()  # type: ignore[call-arg]
    client.runs.get("x").run.state = RunState.FAILED  # type: ignore[misc]
