"""What a multi-asset's function may return, and what of it fails alone."""

from __future__ import annotations

import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.dependency import AssetDef
from rivers.definitions.results import Materialization, Observation, Output
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import AttemptOutcome

SUCCEEDED, FAILED = AttemptOutcome.SUCCEEDED, AttemptOutcome.FAILED
OUTPUTS = [AssetDef("x"), AssetDef("y")]


def multi(body):
    return Asset.from_multi(body, output_defs=OUTPUTS, name="both")


def failures(end):
    return [(node, failure.message) for node, failure in end.failures]


def stored_nodes(bench):
    return [node for what, node in bench.heard.events if what == "materialized"]


def test_a_dict_of_outputs(bench):
    bench.bind(multi(lambda: {"x": 1, "y": Output(2, metadata={"m": 1}, data_version="v"), "z": 3}))
    assert bench.run("x").outcome == SUCCEEDED
    assert stored_nodes(bench) == ["x", "y"]
    assert bench.memory._storage == {"x": 1, "y": 2}
    assert bench.heard.versions["y"] == "v"


def test_only_what_is_wanted_is_stored(bench):
    bench.bind(multi(lambda: {"x": 1, "y": 2}))
    assert bench.run("x", ("y",)).outcome == SUCCEEDED
    assert bench.memory._storage == {"y": 2}


def test_the_context_knows_the_selection(bench):
    def body(context: AssetExecutionContext):
        return {"x": (context.asset_name, context.is_multi_asset, context.output_selection, context.tags), "y": 1}

    bench.bind(multi(body))
    bench.run("x", ("x",))
    assert bench.stored("x") == ("both", True, ["x"], None)
    bench.run("x")
    assert bench.stored("x")[2] == ["x", "y"]


def test_a_missing_key_fails_its_output_only(bench):
    bench.bind(multi(lambda: {"y": 2}))
    end = bench.run("x")
    assert end.outcome == FAILED
    assert failures(end) == [("x", "KeyError: 'x'")]
    assert stored_nodes(bench) == ["y"]


@pytest.mark.parametrize("value", [[1, 2], (1, 2), None])
def test_anything_but_a_dict_or_a_generator_is_a_type_error(bench, value):
    bench.bind(multi(lambda: value))
    end = bench.run("x")
    assert isinstance(end.exception, TypeError)
    assert stored_nodes(bench) == []


def test_a_generator_stores_as_it_yields(bench):
    seen = []

    def body():
        yield Output(1, output_name="x")
        seen.append(bench.stored("x"))
        yield Observation(output_name="x", metadata={"o": 1})
        yield Output(0, output_name="unknown")
        yield Materialization(output_name="y")
        yield Output(5, output_name="x")

    bench.bind(multi(body))
    assert bench.run("x").outcome == SUCCEEDED
    assert seen == [1]
    assert stored_nodes(bench) == ["x", "y", "x"]
    assert bench.stored("x") == 5


async def test_an_async_generator(bench):
    async def body():
        yield Output(1, output_name="x")
        yield Output(2, output_name="y")

    bench.bind(multi(body))
    assert (await bench.run_async("x")).outcome == SUCCEEDED
    assert stored_nodes(bench) == ["x", "y"]


def test_an_async_generator_on_a_plain_thread(bench):
    async def body():
        yield Output(1, output_name="x")
        raise ValueError("midway")

    bench.bind(multi(body))
    assert failures(bench.run("x")) == [("y", "ValueError: midway")]


def test_outputs_that_were_never_yielded(bench):
    def body():
        yield Output(1, output_name="y")

    bench.bind(multi(body))
    assert failures(bench.run("x")) == [("x", "ExecutionError: Generator multi-asset did not yield output 'x'")]


def test_raising_midway_keeps_what_was_yielded(bench):
    def body():
        yield Output(1, output_name="x")
        raise ValueError("midway")

    bench.bind(multi(body))
    end = bench.run("x")
    assert failures(end) == [("y", "ValueError: midway")]
    assert isinstance(end.exception, ValueError)
    assert stored_nodes(bench) == ["x"]


def test_raising_after_the_last_output_fails_the_step(bench):
    def body():
        yield Output(1, output_name="x")
        yield Output(1, output_name="y")
        raise ValueError("late")

    bench.bind(multi(body))
    end = bench.run("x")
    assert (end.outcome, end.failure.message, end.failures) == (FAILED, "ValueError: late", ())


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Output(1), "yield in multi-asset must include output_name"),
        (1, "Generator multi-asset must yield Output(...), Observation(...), or Materialization(...)"),
        (("x", 1), "Generator multi-asset must yield Output(...), Observation(...), or Materialization(...)"),
    ],
)
def test_items_that_are_no_outputs(bench, item, message):
    def body():
        yield item

    bench.bind(multi(body))
    assert bench.run("x").failure.message == f"ExecutionError: {message}"


async def test_a_coroutine_that_returns_a_dict(bench):
    async def body():
        return {"x": 1, "y": 2}

    bench.bind(multi(body))
    assert (await bench.run_async("x")).outcome == SUCCEEDED
    assert bench.run("x").outcome == SUCCEEDED
