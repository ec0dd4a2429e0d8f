"""Processes that die, and those that must not notice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable

from rivers.v1 import run_pb2
from rivers.v1 import step_service_pb2 as pb
from rivers.wire.times import encode_duration
from tests.services.location.served import Served
from tests.stack import is_alive

SOURCE = """
    def mark(name):
        with open(os.path.join(os.environ["MARKS"], name), "a") as file:
            file.write(f"{os.getpid()}\\n")

    @rs.Asset
    def quick():
        mark("quick")
        return 1

    @rs.Asset
    def exits():
        print("last words")
        os._exit(7)

    @rs.Asset
    def lends():
        import socket
        print("lent", flush=True)
        with socket.socket(socket.AF_UNIX) as friend:
            friend.connect(os.path.join(os.environ["MARKS"], "friend"))
            socket.send_fds(friend, [b"x"], [1])
            friend.recv(1)
        os._exit(7)

    @rs.Asset
    def patient():
        mark("patient")
        print("begins", flush=True)
        while not os.path.exists(os.path.join(os.environ["MARKS"], "go")):
            time.sleep(0.01)

    @rs.Asset
    def stubborn():
        mark("stubborn")
        while True:
            try:
                time.sleep(100)
            except KeyboardInterrupt:
                print("no", flush=True)

    @rs.Asset
    def parent():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        mark("parent")
        with open(os.path.join(os.environ["MARKS"], "child"), "w") as file:
            file.write(str(child.pid))
        print("begins", flush=True)
        child.wait()

    @rs.Asset
    def greedy():
        # One C call that never lets go of the GIL.
        mark("greedy")
        print("begins", flush=True)
        while True:
            sum(range(10 ** 12))

    @rs.Asset
    async def sleeper():
        import asyncio
        try:
            print("begins", flush=True)
            await asyncio.sleep(1000)
        finally:
            mark("cleaned")

    @rs.Asset
    def kept(quick):
        return quick

    repo = rs.CodeRepository([quick, exits, lends, patient, stubborn, parent, greedy, sleeper, kept])
"""


async def test_a_worker_that_is_killed(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "patient")
        await scheduler.assign(2, "patient")
        victim = (await scheduler.event(1, "started")).started.pid
        await scheduler.event(1, "log")
        await scheduler.event(2, "log")
        os.kill(victim, signal.SIGKILL)
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_CRASHED
        assert (ended.failure.signal, ended.failure.exit_code) == (signal.SIGKILL, 0)
        assert f"worker process {victim} was killed by SIGKILL (9)" in ended.failure.message
        assert scheduler.log(1, run_pb2.LOG_STREAM_STDOUT) == "begins\n"
        (location.directory / "go").touch()
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        await scheduler.assign(3, "quick")
        await scheduler.assign(4, "quick")
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        assert (await scheduler.end(4)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_a_step_that_exits(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "exits")
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_CRASHED
        assert (ended.failure.signal, ended.failure.exit_code) == (0, 7)
        assert not ended.output_cut
        await scheduler.assign(2, "quick")
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_A15_output_that_somebody_else_holds_open_is_cut_after_a_while(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(location.directory / "friend"))
        listener.listen()
        async with location.scheduler() as scheduler:
            await scheduler.attach()
            await scheduler.assign(1, "lends")
            friend, _ = await asyncio.to_thread(listener.accept)
            with friend:
                _, (pipe,), _, _ = socket.recv_fds(friend, 1, 1)
                os.write(pipe, b"from a friend\n")
                friend.send(b"x")
                ended = await scheduler.end(1)  # though the pipe is open still
            os.close(pipe)
            assert (ended.outcome, ended.failure.exit_code) == (pb.ATTEMPT_OUTCOME_CRASHED, 7)
            assert ended.output_cut
            assert scheduler.log(1, run_pb2.LOG_STREAM_STDOUT) == "lent\nfrom a friend\n"


async def test_a_stop_is_polite_first(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "patient")
        await scheduler.assign(2, "stubborn")
        await scheduler.event(1, "log")
        await _until(lambda: location.mark("stubborn"))
        for token in (1, 2):
            stop = pb.Stop(token=token, grace=encode_duration(0.5), reason="canceled by ada")
            await scheduler.send(pb.Command(stop=stop))
        for token in (1, 2):
            ended = await scheduler.end(token)
            assert ended.outcome == pb.ATTEMPT_OUTCOME_STOPPED
            assert ended.failure.message == "Stopped: canceled by ada"
        assert scheduler.log(2, run_pb2.LOG_STREAM_STDOUT) == "no\n"
        await scheduler.assign(3, "quick")
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_A4_a_lease_that_passes_ends_the_step_and_its_children(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler(beat=0.05) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "parent", lease=1.0)
        await scheduler.event(1, "log")
        child, worker = int(location.mark("child")[0]), int(location.mark("parent")[0])
        assert is_alive(child)
        scheduler.acks_beats = False
        began = time.monotonic()
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_STOPPED
        assert "lease of 1 s passed" in ended.failure.message
        assert time.monotonic() - began < 1.5
        await _until(lambda: not is_alive(child) and not is_alive(worker))


async def test_L03_health_and_beats_while_a_step_holds_the_gil(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "greedy")
        await scheduler.event(1, "log")
        for _ in range(5):
            began = time.monotonic()
            assert await location.health("rivers.v1.StepService", 1.0) == "SERVING"
            assert time.monotonic() - began < 0.5
            await scheduler.beats(1)
        await scheduler.send(pb.Command(fence=pb.Fence(token=1)))
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_FENCED


async def test_A15_a_supervisor_that_is_killed(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    digest = await location.loaded()
    async with location.scheduler() as scheduler:
        first = await scheduler.attach()
        await scheduler.assign(1, "quick")
        await scheduler.end(1)
        await scheduler.assign(2, "parent")
        await scheduler.assign(3, "patient")
        await scheduler.assign(4, "quick")  # waits: both workers are busy
        await scheduler.event(2, "log")
        await scheduler.event(3, "log")
        orphans = [int(location.mark(name)[0]) for name in ("parent", "child", "patient")]
        assert all(is_alive(pid) for pid in orphans)
        location.program.kill()
    location.start()
    await _until(lambda: not any(is_alive(pid) for pid in orphans))
    assert await location.loaded() == digest
    async with location.scheduler() as scheduler:
        second = await scheduler.attach(adopt=False, term=2)
        assert (second.home_id, second.boot) == (first.home_id, first.boot + 1)
        held = {held.token: (held.boot, held.phase) for held in second.attempts}
        assert held == {
            1: (1, pb.ATTEMPT_PHASE_ENDED),
            2: (1, pb.ATTEMPT_PHASE_RUNNING),
            3: (1, pb.ATTEMPT_PHASE_RUNNING),
            4: (1, pb.ATTEMPT_PHASE_RECEIVED),
        }
        await scheduler.adopt()
        await scheduler.report(lambda report: report.HasField("replayed"))
        assert [event.WhichOneof("body") for event in scheduler.events(1)] == ["started", "materialized", "ended"]
        assert scheduler.log(2, run_pb2.LOG_STREAM_STDOUT) == "begins\n"
        for token in (1, 2, 3):
            await scheduler.acknowledge(token)
        await scheduler.assign(5, "kept", inputs=[("quick", 1)])
        assert (await scheduler.end(5)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        await scheduler.acknowledge(5)
        await scheduler.beats(1)
        await scheduler.hang_up()
        assert not (await scheduler.attach()).attempts
    assert len(location.mark("quick")) == 1


async def test_a_coroutine_can_be_stopped(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "sleeper")
        await scheduler.event(1, "log")
        await scheduler.send(pb.Command(stop=pb.Stop(token=1, grace=encode_duration(20))))
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_STOPPED
        assert location.mark("cleaned")


async def test_the_first_signal_drains(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        for token in (1, 2, 3):
            await scheduler.assign(token, "patient")
        await scheduler.event(2, "log")
        location.program.signal(signal.SIGINT)
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        (location.directory / "go").touch()
        for token in (1, 2):
            assert (await scheduler.end(token)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        for token in (1, 2, 3):
            await scheduler.acknowledge(token)
        assert location.program.process.wait(20) == 0
    assert "waiting for 2 running steps" in location.program.stderr()


async def test_the_second_signal_ends_what_runs(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "stubborn")
        await scheduler.event(1, "started")
        await _until(lambda: location.mark("stubborn"))
        location.program.signal(signal.SIGTERM)
        await _until(lambda: "waiting for 1 running steps" in location.program.stderr())
        location.program.signal(signal.SIGTERM)
        ended = await scheduler.end(1)
        assert (ended.outcome, ended.failure.message) == (pb.ATTEMPT_OUTCOME_STOPPED, "Stopped: the location went down")
        assert location.program.process.wait(20) == 0
    worker = int(location.mark("stubborn")[0])
    await _until(lambda: not is_alive(worker))


async def test_the_host_may_die(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "patient")
        await scheduler.event(1, "log")
        os.kill(await location.host(), signal.SIGKILL)
        await scheduler.assign(2, "quick")
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        (location.directory / "go").touch()
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def _until(condition: Callable[[], object]) -> None:
    """Waits for something that other processes do in the file system or to each other."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
