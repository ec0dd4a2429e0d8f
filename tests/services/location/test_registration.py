"""How a location announces itself, and what it refuses to be started with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from rivers.v1 import location_service_pb2 as pb
from rivers.v1.location_service_pb2_grpc import LocationServiceServicer, add_LocationServiceServicer_to_server
from rivers.wire.times import encode_duration
from tests.services.location.served import Served

FINE = """
    @rs.Asset
    def one():
        return 1

    repo = rs.CodeRepository([one])
"""


class Desk(LocationServiceServicer):
    """Takes registrations, or refuses them with a sentence."""

    def __init__(self) -> None:
        self.address = ""
        self.calls: asyncio.Queue[Any] = asyncio.Queue()
        self.refusal = ""

    async def Register(self, request: pb.RegisterRequest, context: Any) -> pb.RegisterResponse:
        self.calls.put_nowait(request)
        if self.refusal:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, self.refusal)
        return pb.RegisterResponse(store_id="store", term=1, retry_after=encode_duration(0.1))

    async def Deregister(self, request: pb.DeregisterRequest, context: Any) -> pb.DeregisterResponse:
        self.calls.put_nowait(request)
        return pb.DeregisterResponse()

    async def call(self, kind: type[Any]) -> Any:
        """Waits for the next call of this kind."""
        async with asyncio.timeout(20):
            while not isinstance(call := await self.calls.get(), kind):
                continue
            return call

    def none_since(self) -> bool:
        """Whether no call has come since the last time."""
        empty = self.calls.empty()
        while not self.calls.empty():
            self.calls.get_nowait()
        return empty


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A scheduler that only takes registrations."""
    desk, server = Desk(), grpc.aio.server()
    add_LocationServiceServicer_to_server(desk, server)
    desk.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield desk
    await server.stop(None)


async def test_it_announces_itself_while_nobody_is_attached(serve: Callable[..., Served], desk: Desk) -> None:
    location = serve(FINE, "--scheduler", desk.address, "--name", "team")
    first = await desk.call(pb.RegisterRequest)
    assert (first.location, first.address, first.boot) == ("team", location.address, 1)
    again = await desk.call(pb.RegisterRequest)
    assert again.home_id == first.home_id
    digest = await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        desk.none_since()
        await scheduler.beats(5)
        assert desk.none_since()
        await scheduler.hang_up()
        assert (await desk.call(pb.RegisterRequest)).digest == digest
    assert await asyncio.to_thread(location.program.stop) == 0
    left = await desk.call(pb.DeregisterRequest)
    assert (left.location, left.home_id, left.boot) == ("team", first.home_id, 1)


async def test_a_refusal_is_shown_and_not_the_end(serve: Callable[..., Served], desk: Desk) -> None:
    desk.refusal = "asset 'one' belongs to location 'other'"
    location = serve(FINE, "--scheduler", desk.address)
    await desk.call(pb.RegisterRequest)
    await location.loaded()
    await location.said(f"the scheduler at {desk.address} refuses location 'team': asset 'one' belongs to location")
    assert await location.health("rivers.v1.StepService") == "SERVING"


async def test_a_scheduler_that_is_not_there_is_tried_again(serve: Callable[..., Served]) -> None:
    location = serve(FINE, "--scheduler", "127.0.0.1:1")
    await location.said("no scheduler answers at 127.0.0.1:1")
    assert await location.health("rivers.v1.StepService") == "SERVING"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--host", "0.0.0.0"), "--host 0.0.0.0 is not a loopback address"),
        (("--step-lease", "soon"), "--step-lease 'soon' is no duration"),
        (("--step-lease", "-5m"), "--step-lease '-5m' is no duration"),
    ],
)
async def test_options_that_cannot_be(serve: Callable[..., Served], options: tuple[str, ...], error: str) -> None:
    location = serve(FINE)
    other = location.start_second("--data-dir", "other", *options)
    assert other.process.wait(20) == 2
    assert error in other.stderr()
    assert not (location.directory / "other").exists()


@pytest.mark.parametrize(
    ("option", "seconds"), [("90", 90), ("15m", 900), ("0.5h", 1800), ("never", 315_576_000_000), (None, None)]
)
async def test_the_step_lease_is_told(serve: Callable[..., Served], option: str | None, seconds: float | None) -> None:
    location = serve(FINE, *(["--step-lease", option] if option else []))
    await location.loaded()
    async with location.scheduler() as scheduler:
        inventory = await scheduler.attach()
        assert inventory.HasField("step_lease") is (seconds is not None)
        assert inventory.step_lease.seconds == (seconds or 0)
