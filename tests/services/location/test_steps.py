"""Steps: values, output, failures."""

from __future__ import annotations

import json
from collections.abc import Callable

import grpc

from rivers.v1 import run_pb2
from rivers.v1 import step_service_pb2 as pb
from tests.services.location.served import Served

SOURCE = """
    @rs.Asset
    def one():
        return 1

    @rs.Asset
    def two(one):
        print("printed", one)
        print("on stderr", file=sys.stderr)
        logging.getLogger("team").error("logged")
        return one + 1

    @rs.Asset
    def late(one):
        # Written by a process of its own, without any flush of ours.
        subprocess.run([sys.executable, "-c", "print('x' * 100000)"], check=True)
        sys.stdout.write("no newline")

    @rs.Asset
    def broken():
        raise ValueError("no such thing")

    @rs.Asset
    def modules():
        print(*sys.modules)

    @rs.Asset
    async def slow_but_async():
        return 3

    @rs.Asset
    def long():
        print("begins", flush=True)
        while not os.path.exists(os.path.join(os.environ["MARKS"], "go")):
            time.sleep(0.01)

    repo = rs.CodeRepository([one, two, late, broken, modules, slow_but_async, long])
"""


async def test_definitions_are_streamed(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    digest = await location.loaded()
    parts = await location.definitions()
    header = next(part.header for part in parts if part.HasField("header"))
    keys = {step.key for part in parts for step in part.slice.steps}
    assert header.step_count == 7
    assert keys == {"one", "two", "late", "broken", "modules", "slow_but_async", "long"}
    assert header.module == "team"
    known = await location.definitions(digest)
    assert [part.WhichOneof("part") for part in known] == ["header"]


async def test_a_step_and_the_next_that_reads_its_value(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        inventory = await scheduler.attach()
        assert (inventory.boot, inventory.workers, inventory.places) == (1, 2, 34)
        await scheduler.assign(1, "one")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        await scheduler.assign(2, "two", inputs=[("one", 1)])
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        events = scheduler.events(2)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert events[0].HasField("started")
        assert events[-1].HasField("ended")
        assert all(event.time.seconds for event in events)
        assert scheduler.log(2, run_pb2.LOG_STREAM_STDOUT) == "printed 1\n"
        assert scheduler.log(2, run_pb2.LOG_STREAM_STDERR).startswith("on stderr\n")
        assert "ERROR team: logged\n" in scheduler.log(2, run_pb2.LOG_STREAM_LOGGING)
        stored = next(event.materialized for event in events if event.HasField("materialized"))
        metadata = {entry.key: entry.value for entry in stored.metadata}
        assert metadata["path"].string_value.startswith(str(location.directory / "data/values/run/"))
        assert metadata["serializer"].string_value == "pickle"
        assert stored.has_value
        await scheduler.assign(3, "slow_but_async")
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_S08_output_is_complete_before_the_end(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "one")
        await scheduler.end(1)
        await scheduler.assign(2, "late", inputs=[("one", 1)])
        await scheduler.end(2)
        assert scheduler.log(2, run_pb2.LOG_STREAM_STDOUT) == "x" * 100000 + "\nno newline"


async def test_what_user_code_raises_is_data(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "broken")
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_FAILED
        assert ended.failure.message == "ValueError: no such thing"
        assert ended.failure.exception_types[0] == "builtins.ValueError"
        trace = json.loads(scheduler.log(1, run_pb2.LOG_STREAM_TRACEBACK))
        assert trace["text"].startswith("Traceback (most recent call last):\n")
        (described,) = trace["exceptions"]
        assert (described["type"], described["message"]) == ("builtins.ValueError", "no such thing")
        assert described["frames"][-1]["function"] == "broken"
        await scheduler.assign(2, "two", inputs=[("one", 77)])
        ended = await scheduler.end(2)
        assert ended.failure.message == "KeyError: 'one'"
        await scheduler.assign(3, "nothing")
        assert (await scheduler.end(3)).failure.message.startswith("NodeNotFoundError: Node 'nothing' not found")


async def test_workers_hold_nothing_that_they_do_not_need(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "modules")
        await scheduler.end(1)
        loaded = set(scheduler.log(1, run_pb2.LOG_STREAM_STDOUT).split())
    assert "rivers.kernel" in loaded
    assert not {"grpc", "sqlalchemy", "pydantic", "asyncio", "typer", "rivers.driver", "rivers.storage"} & loaded


async def test_only_one_has_the_port_and_the_directory(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    second = location.start_second("--data-dir", "data")
    assert second.process.wait(20) == 2
    assert f"used by process {location.program.process.pid}" in second.stderr()
    third = location.start_second("--data-dir", "other", "--grpc-port", location.address.rsplit(":", 1)[1])
    assert third.process.wait(20) == 2
    assert "port is in use" in third.stderr()
    assert "Traceback" not in second.stderr() + third.stderr()


async def test_health_is_told_by_service(serve: Callable[..., Served]) -> None:
    location = serve("raise SystemExit(3)")
    await location.definitions()
    assert await location.health("rivers.v1.StepService") == "SERVING"
    assert await location.health("rivers.v1.DefinitionService") == "NOT_SERVING"
    assert await location.health("") == "NOT_SERVING"


async def test_reflection_names_the_services(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    names = await location.services()
    assert {"rivers.v1.StepService", "rivers.v1.DefinitionService", "grpc.health.v1.Health"} <= names


async def test_a_location_drains(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        assert location.program.stop() == 0
        error = await scheduler.closed()
        assert error.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


async def test_A17_no_attempt_waits_behind_a_long_one_while_another_worker_idles(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "long")
        await scheduler.event(1, "log")
        for token in range(2, 22):
            await scheduler.assign(token, "one")
        for token in range(2, 22):
            assert (await scheduler.end(token)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        assert not [event for event in scheduler.events(1) if event.HasField("ended")]
        (location.directory / "go").touch()
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


RESOURCES = """
    class Store(rs.Resource):
        url: str = "default"
        size: int = 1
        def setup(self):
            print("setup", self.url, self.size)
        def teardown(self):
            print("teardown", self.url, self.size)

    @rs.Asset
    def uses(store: Store):
        print("uses", store.url, store.size)

    repo = rs.CodeRepository([uses], resources={"store": Store(size=2)})
"""


async def test_a_launch_sets_fields_of_resources_for_its_own_steps(serve: Callable[..., Served]) -> None:
    location = serve(RESOURCES)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        for token, fields in enumerate([None, {"url": "there"}, None, {"size": "many"}, {"nope": 1}], 1):
            config = None if fields is None else {"resources": {"store": fields}}
            await scheduler.assign(token, "uses", config=config)
            ended = await scheduler.end(token)
            assert ended.outcome == (pb.ATTEMPT_OUTCOME_FAILED if token > 3 else pb.ATTEMPT_OUTCOME_SUCCEEDED)
            if token > 3:
                assert ended.failure.message.startswith("ValidationError: 1 validation error for Store")
        logs = [scheduler.log(token, run_pb2.LOG_STREAM_STDOUT) for token in range(1, 6)]
        assert logs == [
            "setup default 2\nuses default 2\n",
            "setup there 2\nuses there 2\nteardown there 2\n",
            "uses default 2\n",
            "",
            "",
        ]
