"""Ten thousand streams of one client: most are refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rivers.v1.run_service_pb2 import GetRunRequest, SubmitRunRequest, WatchRunRequest
from rivers.v1.run_service_pb2_grpc import RunServiceStub
from tests.fuzz.server import Target
from tests.stack import Stack

STREAMS, CONNECTIONS = 10_000, 20
SOURCE = """
    @rs.Asset
    def numbers() -> list:
        return [1, 2, 3]
    repo = rs.CodeRepository(assets=[numbers], jobs=[rs.Job("one", [numbers])])
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A scheduler that admits nothing: its runs wait, and who watches them waits too."""
    with Stack(tmp_path) as running:
        running.start_scheduler("--max-concurrent-runs", "0", "--limit", "watchers=1000", "--limit", "calls=1500")
        running.start_location("team", SOURCE)
        yield running


async def test_ten_thousand_streams_are_bounded_and_others_go_on(stack: Stack) -> None:
    assert stack.scheduler is not None
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 256
    address = f"127.0.0.1:{stack.port}"
    run = stack.client.runs.submit("team", job="one")
    statuses: Counter[str] = Counter()
    all_told = asyncio.Event()

    async def watch(stub: RunServiceStub) -> None:
        call = stub.WatchRun(WatchRunRequest(run_id=run.run_id))
        try:
            async for _ in call:
                statuses["OPEN"] += 1
                if statuses.total() == STREAMS:
                    all_told.set()
                await asyncio.Event().wait()
        except grpc.aio.AioRpcError as error:
            statuses[error.code().name] += 1
            if statuses.total() == STREAMS:
                all_told.set()

    own = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, own) for _ in range(CONNECTIONS)]
    stubs = [RunServiceStub(channel) for channel in channels]
    with Target(address, stack.scheduler.process.pid):
        watchers = [asyncio.create_task(watch(stubs[number % CONNECTIONS])) for number in range(STREAMS)]
        async with grpc.aio.insecure_channel(address, own) as channel:
            other = RunServiceStub(channel)
            made, refused = 0, set[str]()
            while not all_told.is_set():
                try:
                    answer = await other.SubmitRun(SubmitRunRequest(location="team", job="one"), timeout=30)
                except grpc.aio.AioRpcError as error:
                    refused.add(error.code().name)  # all calls at once, for a moment
                    continue
                assert not answer.existed
                made += 1
            assert made > 0
            assert refused <= {"RESOURCE_EXHAUSTED"}
            assert set(statuses) == {"OPEN", "RESOURCE_EXHAUSTED"}
            assert statuses["OPEN"] == 1_000
            # While a thousand streams are open, everybody else is served as ever.
            for _ in range(20):
                await other.SubmitRun(SubmitRunRequest(location="team", job="one"), timeout=5)
            await other.GetRun(GetRunRequest(run_id=run.run_id), timeout=5)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        for channel in channels:
            await channel.close()
        # Their places are free again.
        async with grpc.aio.insecure_channel(address) as channel:
            call = RunServiceStub(channel).WatchRun(WatchRunRequest(run_id=run.run_id), timeout=10)
            assert (await call.read()).events
            call.cancel()
    assert "Traceback" not in stack.scheduler.stderr()
