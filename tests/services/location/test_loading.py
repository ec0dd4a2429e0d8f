"""Modules that load slowly, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import pytest

from rivers.v1 import step_service_pb2 as pb
from rivers.v1.definition_service_pb2 import GetSnapshotRequest, LoadFailure
from rivers.v1.definition_service_pb2_grpc import DefinitionServiceStub
from tests.services.location.served import Served

FINE = """
@rs.Asset
def one():
    return 1

repo = rs.CodeRepository([one])
"""


@pytest.mark.parametrize(
    ("source", "message", "signal", "code"),
    [
        ("raise ValueError('no database')", "ValueError: no database", 0, 0),
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'", 0, 0),
        ("sys.exit(3)", "SystemExit: importing the module ended the process with code 3", 0, 3),
        ("os._exit(4)", "it exited with code 4", 0, 4),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it was killed by SIGSEGV (11)", 11, 0),
        ("import ctypes; ctypes.string_at(0)", "it was killed by SIGSEGV (11)", 11, 0),
    ],
)
async def test_a_module_that_cannot_be_loaded(
    serve: Callable[..., Served], source: str, message: str, signal: int, code: int
) -> None:
    location = serve(f"print('loading this', file=sys.stderr)\n{source}\n")
    failure = await _failure(location)
    assert failure.module == "team"
    assert message in failure.failure.message
    assert (failure.failure.signal, failure.failure.exit_code) == (signal, code)
    assert "loading this" in failure.stderr_tail
    if not signal and not code:
        assert "team.py" in failure.failure.traceback
    assert await location.health("rivers.v1.StepService") == "SERVING"
    assert await location.health("rivers.v1.DefinitionService") == "NOT_SERVING"
    async with location.scheduler() as scheduler:
        inventory = await scheduler.attach()
        assert not inventory.digests
        await scheduler.assign(1, "one", digest="")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
    assert f"module 'team' could not be loaded: {failure.failure.message}" in location.program.stderr()


async def test_definitions_that_do_not_hold_together(serve: Callable[..., Served]) -> None:
    location = serve("@rs.Asset\ndef a(missing): ...\nrepo = rs.CodeRepository([a])\n")
    failure = await _failure(location)
    assert "missing" in failure.failure.message
    assert failure.failure.exception_types[0].startswith("rivers.errors.")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("other = 1\n", "Error: 'repo' not found in module 'team'"),
        ("repo = 1\n", "Error: 'repo' is not a CodeRepository"),
    ],
)
async def test_a_name_that_leads_nowhere_ends_it(serve: Callable[..., Served], source: str, error: str) -> None:
    location = serve(source)
    assert location.program.process.wait(20) == 2
    assert error in location.program.stderr()
    assert "Traceback" not in location.program.stderr()


async def test_a_module_that_is_not_there_leaves_no_directory(serve: Callable[..., Served]) -> None:
    location = serve(FINE)
    other = location.start_other("package.nothing", "--data-dir", "nothing")
    assert other.process.wait(20) == 2
    assert "Error: module 'package.nothing' not found" in other.stderr()
    assert not (location.directory / "nothing").exists()


async def test_progress_is_visible(serve: Callable[..., Served]) -> None:
    location = serve(
        'print("connecting to the warehouse", file=sys.stderr)\n'
        'while not os.path.exists(os.path.join(os.environ["MARKS"], "go")):\n    time.sleep(0.01)\n' + FINE
    )
    async with grpc.aio.insecure_channel(location.address) as channel, asyncio.timeout(20):
        digest = ""
        async for part in DefinitionServiceStub(channel).GetSnapshot(GetSnapshotRequest()):
            if part.HasField("progress") and "connecting to the warehouse" in part.progress.stderr_tail:
                assert part.progress.elapsed_seconds > 0
                assert await location.health("rivers.v1.DefinitionService") == "NOT_SERVING"
                (location.directory / "go").touch()
            digest = part.header.digest or digest
        assert digest
    await location.serving()
    assert await location.health("") == "SERVING"


@pytest.mark.parametrize(
    "line",
    [
        "import threading; threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
        "import grpc",
    ],
)
async def test_a_module_that_must_not_be_forked(serve: Callable[..., Served], line: str) -> None:
    location = serve(f"{line}\n{FINE}")
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "one")
        await scheduler.assign(2, "one")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
    assert "workers are started afresh and not forked" in location.program.stderr()


async def test_a_module_that_changes_under_spawned_workers(serve: Callable[..., Served]) -> None:
    location = serve(f"import grpc\n{FINE}")
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "one")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        (worker,) = location.processes("rivers-worker")
        path = location.directory / "team.py"
        path.write_text(path.read_text().replace("def one", "def uno").replace("[one]", "[uno]"))
        await scheduler.kill(worker)
        await scheduler.assign(2, "one")
        ended = await scheduler.end(2)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert "no worker can be started" in ended.failure.message
    assert "files of module 'team' have changed" in location.program.stderr()


async def _failure(location: Served) -> LoadFailure:
    (failure,) = [part.load_failure for part in await location.definitions() if part.HasField("load_failure")]
    return failure
