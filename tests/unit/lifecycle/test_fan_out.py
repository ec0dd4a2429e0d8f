"""Mapped tasks and graph assets in a run, case by case: lists of events."""

from __future__ import annotations

from copy import copy

import pytest

from rivers.definitions.kinds import Delivery, StepKind
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.fan_out import INSTANCES_FAILED, with_instances
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import AttemptOutcome, RunState, StepState
from rivers.planning.plan import PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId
from tests.unit.lifecycle.test_progress import ERROR, dispatch, started, step, types


def mapped(node: str, *sources: tuple[int, str], max_concurrency: int = 0, graph: str = "") -> PlannedStep:
    """A task that is mapped over the first source."""
    edges = tuple(
        PlannedEdge(name, producer, name, delivery=Delivery.VALUE if place else Delivery.ELEMENT)
        for place, (producer, name) in enumerate(sources)
    )
    return PlannedStep(
        StepId(node),
        node,
        (PlannedOutput(node),),
        edges,
        kind=StepKind.MAPPED_TASK,
        graph=graph,
        max_concurrency=max_concurrency,
    )


def gathering(node: str, ordinal: int) -> PlannedStep:
    return PlannedStep(
        StepId(f"{node}__collect"),
        f"{node}__collect",
        (PlannedOutput(f"{node}__collect"),),
        (PlannedEdge(node, ordinal, None),),
        kind=StepKind.COLLECT,
    )


def make(run: RunProgress, ordinal: int, token: int, *keys: str, node: str | None = None) -> None:
    """An attempt of a step runs, tells elements and succeeds."""
    dispatch(run, ordinal, token)
    run.start(ordinal)
    told = run.planned[ordinal].key if node is None else node
    if keys:
        run.map_items(ordinal, told, keys)
    run.end(ordinal, AttemptOutcome.SUCCEEDED)


def restored(run: RunProgress) -> RunProgress:
    """The run as its rows make it."""
    rows = []
    for one in run.steps:
        if one.state != StepState.PENDING or one.expansion is not None:
            row = copy(one)
            row.produced = list(one.produced)
            rows.append(row)
    twin = RunProgress(run.plan, state=run.state)
    twin.restore(rows)
    return twin


def test_instances_follow_the_plan_in_the_order_of_the_source() -> None:
    run = started(step("a"), mapped("m", (0, "a")), gathering("m", 1), step("z", (2, "m__collect")))
    make(run, 0, 1, "x", "y")
    assert [planned.key for planned in run.planned[4:]] == ["m__x", "m__y"]
    assert run.ready == [4, 5]
    make(run, 5, 2)
    make(run, 4, 3)
    assert run.ready == [3]
    (edge,) = run.planned[3].edges
    assert run.fan_outs.producer(3, edge).results == (("m__x", 3), ("m__y", 2))
    make(run, 3, 4)
    assert run.state == RunState.SUCCEEDED
    assert restored(run).planned == run.planned == with_instances(run.plan.steps, run.steps)


def test_two_fan_outs_of_which_the_first_is_empty_keep_their_places() -> None:
    run = started(step("a"), mapped("m", (0, "a")), step("b"), mapped("n", (2, "b")))
    dispatch(run, 2, 1)
    run.map_items(2, "b", ())
    run.end(2, AttemptOutcome.SUCCEEDED)
    make(run, 0, 2, "x")
    assert [one.expansion.first for one in run.steps if one.expansion is not None] == [4, 4]
    twin = restored(run)
    assert [one.expansion for one in twin.steps] == [one.expansion for one in run.steps]
    assert [planned.key for planned in twin.planned] == [planned.key for planned in run.planned]


def test_a_source_from_outside_is_looked_at_by_an_attempt() -> None:
    outside = PlannedStep(
        StepId("m"),
        "m",
        (PlannedOutput("m"),),
        (PlannedEdge("a", None, "a", delivery=Delivery.ELEMENT),),
        kind=StepKind.MAPPED_TASK,
    )
    run = started(outside)
    make(run, 0, 1, "0", node="")
    assert run.steps[0].state == StepState.OPEN
    make(run, 1, 2)
    assert run.state == RunState.SUCCEEDED


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_only_so_many_instances_are_begun(limit: int) -> None:
    run = started(step("a"), mapped("m", (0, "a"), max_concurrency=limit))
    make(run, 0, 1, "x", "y", "z")
    token = 2
    for left in (3, 2, 1):
        assert len(run.ready) == min(limit, left)
        assert sorted(restored(run).ready) == sorted(run.ready)
        make(run, run.ready[0], token)
        token += 1
    assert run.state == RunState.SUCCEEDED


def test_a_mapped_task_fails_when_the_last_instance_is_over() -> None:
    run = started(step("a"), mapped("m", (0, "a")), gathering("m", 1))
    make(run, 0, 1, "x", "y")
    dispatch(run, 3, 2)
    run.end(3, AttemptOutcome.FAILED, ERROR)
    assert run.steps[1].state == StepState.OPEN
    make(run, 4, 3)
    assert run.steps[1].failure is INSTANCES_FAILED
    assert run.steps[2].state == StepState.SKIPPED
    assert run.failure == ERROR, "the reason of the run is that of the instance"
    assert [planned.key for planned, _ in run.final_failures()] == ["m__x", "m", "m__collect"]


def test_a_fan_out_that_is_too_large_for_its_consumer_fails() -> None:
    run = RunProgress(RunPlan((step("a"), mapped("m", (0, "a")))), fan_out_bytes=100)
    run.admit()
    dispatch(run, 0, 1)
    for _ in range(5):
        run.map_items(0, "a", tuple(map(str, range(10))))
    assert run.steps[1].expansion is not None
    assert len(run.steps[1].expansion.keys) == 10, "what comes after too much is not kept"
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert run.steps[1].state == StepState.FAILED
    assert run.failure is not None
    assert "10 elements" in run.failure.message
    assert len(run.steps) == 2
    assert restored(run).steps[1].state == StepState.FAILED


def test_a_canceled_run_ends_mapped_tasks_that_had_been_tried_again() -> None:
    source = PlannedEdge("a", None, "a", delivery=Delivery.ELEMENT)
    retry = RetryDefinition(1)
    task = PlannedStep(StepId("m"), "m", (PlannedOutput("m"),), (source,), kind=StepKind.MAPPED_TASK, retry=retry)
    run = started(task)
    dispatch(run, 0, 1)
    run.end(0, AttemptOutcome.FAILED, ERROR)
    make(run, 0, 2, "x", node="")
    assert run.steps[0].state == StepState.OPEN
    run.cancel()
    assert run.steps[0].state == StepState.CANCELED
    assert run.state == RunState.CANCELED
    assert restored(run).unfinished == run.unfinished == 0


def test_a_gathering_is_mapped_over_without_an_attempt() -> None:
    again = mapped("n", (2, "m__collect"))
    run = started(step("a"), mapped("m", (0, "a")), gathering("m", 1), again)
    make(run, 0, 1, "x", "y")
    make(run, 4, 2)
    make(run, 5, 3)
    assert [planned.key for planned in run.planned[6:]] == ["n__0", "n__1"]
    (edge,) = run.planned[7].edges
    assert run.fan_outs.producer(7, edge).results == (("m__y", 3),)


def test_a_graph_begins_before_its_first_step_and_says_so_once() -> None:
    inner = PlannedStep(StepId("g/a"), "g/a", (PlannedOutput("g/a"),), kind=StepKind.TASK, graph="g")
    own = PlannedStep(
        StepId("g"), "g", (PlannedOutput("g"),), (PlannedEdge("g/a", 0, "value"),), kind=StepKind.GRAPH_ASSET
    )
    run = started(inner, own)
    dispatch(run, 0, 1)
    run.start(0)
    assert run.steps[1].state == StepState.OPEN
    run = restored(run)
    run.end(0, AttemptOutcome.SUCCEEDED)
    dispatch(run, 1, 2)
    run.start(1)
    run.end(1, AttemptOutcome.SUCCEEDED)
    assert types(run) == ["STEP_SUCCEEDED", "STEP_SUCCEEDED", "RUN_SUCCEEDED"], "it was said before the restart"
