"""Runs of the in-process executor: order, events, rows, failures, retries."""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid

import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.backoff import Backoff
from rivers.definitions.dependency import AssetDef
from rivers.definitions.executor import Executor
from rivers.definitions.job import Job
from rivers.definitions.results import Materialization, Observation, Output
from rivers.definitions.retry_policy import RetryPolicy
from rivers.errors import ConfigurationError
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import EventType, LogStream, RunKind, RunOwner, RunState


def ok(name):
    return [f"STEP_STARTED {name}", f"MATERIALIZED {name}", f"STEP_SUCCEEDED {name}"]


@Asset
def a():
    return 1


@Asset
def b(a):
    return a + 1


def test_a_run_from_its_start_to_its_end(here):
    outcome = here.run(b, a, tags=(("k", "v"), ("rivers/priority", "7")))
    assert outcome.success
    assert outcome.materialized == ("a", "b")
    assert outcome.error is None
    assert here.memory._storage == {"a": 1, "b": 2}
    assert here.story() == ok("a") + ok("b")
    kinds = [EventType(event.type) for event in here.events()]
    assert (kinds[0], kinds[-1]) == (EventType.RUN_STARTED, EventType.RUN_SUCCEEDED)
    assert [event.seq for event in here.events()] == list(range(1, 9))
    row = here.row()
    assert (row.state, row.kind, row.owner) == (RunState.SUCCEEDED, RunKind.MATERIALIZATION, RunOwner.PROCESS)
    assert (row.nodes, row.tags) == (("a", "b"), (("k", "v"), ("rivers/priority", "7")))
    assert (row.priority, row.completed_steps, row.total_steps, row.job) == (7, 2, 2, None)
    assert row.started_at is not None
    assert row.ended_at >= row.started_at
    assert row.owner_expires_at > row.ended_at
    assert row.owner_id.count(":") == 2
    assert uuid.UUID(outcome.run_id).version == 4


def test_records_of_assets(here):
    @Asset(deps=[AssetDef.dep("a")])
    def after():
        return Output(1, data_version="v7")

    here.run(a, after)
    version = here.asset("a").last_data_version
    assert here.asset("after").last_data_version == "v7"
    assert here.asset("after").last_input_data_versions == (("a", version),)
    assert here.asset("after").last_run_id == here.last.run_id


def test_versions_of_inputs_from_outside_of_the_run(here):
    from rivers.io_handlers import InMemoryIOHandler

    handler = InMemoryIOHandler()
    first = Asset(name="first", io_handler=handler)(lambda: Output(1, data_version="old"))
    second = Asset(name="second")(lambda first: 2)
    bound = here.bind(first, second)
    here.run(bound=bound, select=["first"])
    here.run(bound=bound, select=["second"])
    assert here.asset("second").last_input_data_versions == (("first", "old"),)


def test_a_job(here):
    outcome = here.run(a, b, jobs=(Job("nightly", [a, b]),), job="nightly")
    assert outcome.success
    assert (here.row().job, here.row().kind) == ("nightly", RunKind.JOB)


def test_nothing_to_run_is_a_success(here):
    outcome = here.run(a, select=[])
    assert (outcome.success, outcome.materialized, outcome.failed) == (True, (), ())
    assert here.row().state == RunState.SUCCEEDED


def test_failures_do_not_stop_other_branches(here):
    def f0():
        raise ValueError("boom")

    names = {
        "f0": f0,
        "g0": lambda: 1,
        "f1": lambda f0: 1,
        "g1": lambda g0: 1,
        "fg": lambda f1, g1: 1,
    }
    outcome = here.run(*(Asset(name=name)(body) for name, body in names.items()))
    skipped = "ExecutionError: Skipped: upstream dependency failed"
    assert outcome.materialized == ("g0", "g1")
    assert outcome.failed == (("f0", "ValueError: boom"), ("f1", skipped), ("fg", skipped))
    assert isinstance(outcome.error, ValueError)
    assert list(outcome.exceptions) == ["f0"]
    assert outcome.state == here.row().state == RunState.FAILED
    story = here.story()
    assert [line for line in story if line.endswith((" f0", " f1", " fg"))] == [
        "STEP_STARTED f0",
        "STEP_FAILED f0",
        "STEP_SKIPPED f1",
        "STEP_SKIPPED fg",
    ]
    assert here.asset("f0") is None


def test_system_exit_is_a_failure(here):
    @Asset
    def leaves():
        sys.exit(3)

    outcome = here.run(leaves, a)
    assert outcome.failed == (("leaves", "SystemExit: 3"),)
    assert outcome.materialized == ("a",)


def test_steps_run_in_plan_order_one_after_another(here):
    order = []

    def step(name, *needs):
        body = eval(f"lambda {', '.join(needs)}: order.append({name!r})", {"order": order})
        return Asset(name=name)(body)

    here.run(step("d", "b"), step("c"), step("b", "a"), step("a"))
    plan = list(here.last.materialized)
    assert order == plan


def test_retries_without_a_wait(here):
    calls = []

    @Asset(retry=RetryPolicy(2))
    def flaky():
        calls.append(1)
        if len(calls) < 3:
            raise OSError("again")
        return len(calls)

    assert here.run(flaky).success
    assert here.story() == ["STEP_STARTED flaky", "STEP_RETRIED flaky"] * 2 + ok("flaky")
    assert [event.attempt for event in here.events() if event.type == EventType.STEP_RETRIED] == [1, 2]


def test_the_last_failure_counts(here):
    @Asset(retry=RetryPolicy(1))
    def fails():
        calls.append(1)
        raise OSError(f"no {len(calls)}")

    calls: list[int] = []
    outcome = here.run(fails)
    assert outcome.failed == (("fails", "OSError: no 2"),)
    assert str(outcome.error) == "no 2"
    assert here.story() == [
        "STEP_STARTED fails",
        "STEP_RETRIED fails",
        "STEP_STARTED fails",
        "STEP_FAILED fails",
    ]


def test_a_wait_before_the_next_attempt_lets_others_go_first(here):
    order = []

    @Asset(retry=RetryPolicy(1, backoff=Backoff.constant(0.05)))
    def slow_to_learn():
        order.append("try")
        if order.count("try") == 1:
            raise OSError

    @Asset
    def z():
        order.append("z")

    assert here.run(slow_to_learn, z).success
    assert order == ["try", "z", "try"]


def test_an_unknown_executor_fails_the_step_before_it_starts(here):
    odd = Asset(name="odd", metadata={"rivers/executor": "sideways"})(lambda: 1)
    outcome = here.run(odd, a)
    message = (
        "ConfigurationError: Unknown executor in rivers/executor metadata: 'sideways'. "
        "Valid values: 'in_process', 'parallel'"
    )
    assert outcome.failed == (("odd", message),)
    assert isinstance(outcome.error, ConfigurationError)
    assert [line for line in here.story() if line.endswith(" odd")] == ["STEP_FAILED odd"]


def test_kubernetes_is_refused_before_anything_is_stored(here):
    with pytest.raises(ConfigurationError, match="pods is not available"):
        here.run(a, executor=Executor.kubernetes(), run_id="k")
    with pytest.raises(AssertionError):
        here.row("k")


def multi(body, **options):
    return Asset.from_multi(body, output_defs=[AssetDef("x"), AssetDef("y")], name="both", **options)


def test_outputs_of_a_multi_asset_fail_alone(here):
    after_x = Asset(name="after_x")(lambda x: x)
    after_y = Asset(name="after_y")(lambda y: y)
    outcome = here.run(multi(lambda: {"y": 2}), after_x, after_y)
    assert outcome.materialized == ("y", "after_y")
    assert outcome.failed == (
        ("x", "KeyError: 'x'"),
        ("after_x", "ExecutionError: Skipped: upstream dependency failed"),
    )
    assert "MATERIALIZED y" in here.story()


def test_generators_of_multi_assets_are_never_tried_again(here):
    calls = []

    def body():
        calls.append(1)
        yield Output(1, output_name="x")
        raise ValueError("midway")

    outcome = here.run(multi(body, retry=RetryPolicy(3)), retry=RetryPolicy(3))
    assert (len(calls), outcome.materialized, outcome.failed) == (1, ("x",), (("y", "ValueError: midway"),))


def test_dicts_of_multi_assets_are_tried_again_as_a_unit(here):
    calls = []

    def body():
        calls.append(1)
        return {"x": 1} if len(calls) == 1 else {"x": 1, "y": 2}

    assert here.run(multi(body, retry=RetryPolicy(1))).success
    assert len(calls) == 2


def test_observations_and_materializations(here):
    seen = Asset(name="seen")(lambda: Observation(metadata={"n": 1}))
    wrote = Asset(name="wrote")(lambda: Materialization(data_version="v"))
    assert here.run(seen, wrote).materialized == ("seen", "wrote")
    assert here.story()[1] == "OBSERVED seen"
    assert here.asset("wrote").last_data_version == "v"
    assert here.memory._storage == {}


def test_captured_output(here, capsys):
    @Asset
    def talks(context: AssetExecutionContext):
        print("out")
        print("err", file=sys.stderr)
        context.log.info("noted")
        raise ValueError("boom")

    here.run(talks)
    rows = here.logs()
    assert [(row.step_key, row.attempt, row.stream) for row in rows] == [
        ("talks", 1, LogStream.STDOUT),
        ("talks", 1, LogStream.STDERR),
        ("talks", 1, LogStream.LOGGING),
        ("talks", 1, LogStream.TRACEBACK),
    ]
    assert rows[0].text == "out\n"
    assert rows[1].text == "err\n"
    assert "INFO rivers.assets.talks: noted" in rows[2].text
    assert "boom" in rows[3].text
    assert capsys.readouterr().out == "out\n"


def test_coroutines_that_are_ready_together_overlap(here):
    met = asyncio.Barrier(2)

    @Asset
    async def one():
        async with asyncio.timeout(5):
            await met.wait()

    @Asset
    async def two():
        async with asyncio.timeout(5):
            await met.wait()

    assert here.run(one, two, Asset(name="three")(lambda one, two: 3)).success


async def test_a_run_within_an_event_loop(here):
    @Asset
    async def later():
        await asyncio.sleep(0)
        return 1

    assert here.run(later, a).success


def test_config_and_resources_of_the_launch(here):
    from pydantic import BaseModel

    from rivers.resources import Resource

    class Limits(BaseModel):
        size: int = 1

    class Db(Resource):
        url: str = "none"

        def setup(self):
            lives.append(f"up {self.url}")

        def teardown(self):
            lives.append(f"down {self.url}")

    lives: list[str] = []

    @Asset(metadata={"m": "1"})
    def sized(context: AssetExecutionContext[Limits], db):
        return context.config.size, db.url, context.asset_metadata

    bound = here.bind(sized, resources={"db": Db()})
    config = {
        "assets": {"sized": {"config": {"size": "5"}, "metadata": {"m": "2"}}},
        "resources": {"db": {"url": "here"}},
    }
    assert here.run(bound=bound, config=config).success
    assert here.memory._storage["sized"] == (5, "here", {"m": "2"})
    assert lives == ["up here", "down here"]
    here.run(bound=bound)
    assert here.memory._storage["sized"] == (1, "none", {"m": "1"})
    assert len(lives) == 2


def test_tokens_grow(here):
    tokens = []

    @Asset(retry=RetryPolicy(1))
    def writes(context: AssetExecutionContext):
        tokens.append(context.attempt_token)
        if len(tokens) % 2:
            raise OSError

    bound = here.bind(writes)
    here.run(bound=bound)
    here.run(bound=bound)
    assert len(tokens) == 4
    assert tokens == sorted(set(tokens))


def test_a_run_within_a_step(here):
    bound = here.bind(a)

    @Asset
    def outer():
        print("before")
        inner = here.run(bound=bound)
        print("after")
        return inner.run_id

    outcome = here.run(outer)
    assert outcome.success
    assert here.story(here.memory._storage["outer"]) == ok("a")
    assert [row.text for row in here.logs(outcome.run_id)] == ["before\nafter\n"]


def test_logging_of_the_program_is_left_alone(here, caplog):
    @Asset
    def logs():
        logging.getLogger("library").warning("careful")

    with caplog.at_level(logging.WARNING):
        here.run(logs)
    assert [record.getMessage() for record in caplog.records] == ["careful"]
    assert "careful" in here.logs()[0].text


def test_compute_is_ignored_aloud(here, caplog):
    from rivers.definitions.compute import Compute

    assert here.run(Asset(name="big", compute=Compute(cpu="4"))(lambda: 1)).success
    assert "compute= of big is ignored" in caplog.text
