"""Mapped tasks and graph assets on a virtual clock; after every batch the indexes equal the rows (W9)."""

from __future__ import annotations

from collections import Counter

import pytest

import rivers as rs
from rivers.lifecycle.states import AttemptOutcome, FailureReason, RunState, StepState
from rivers_server.core import commands, reports
from tests.unit.server.world import Location, World, failure


def graph(max_concurrency: int | None = None) -> rs.CodeRepository:
    """`g/nums` is mapped over by `g/dbl`, and `g/total` reads what comes of it."""
    nums = rs.Task(lambda: [1, 2, 3], name="nums")
    dbl = rs.Task(lambda x: x, name="dbl")
    total = rs.Task(lambda xs: xs, name="total")

    @rs.Asset.from_graph
    def g():
        return total(nums().map(dbl, max_concurrency=max_concurrency).collect())

    return rs.CodeRepository(assets=[g], tasks=[nums, dbl, total], jobs=[rs.Job("all", [g])])


BODIES = ["g/nums", "g/dbl__a", "g/dbl__b", "g/dbl__c", "g/total", "g"]


def team(world: World, *, tells: bool = True, places: int = 4, max_concurrency: int | None = None) -> Location:
    """A location with the graph; its producer tells its elements, or the mapped task finds them by itself."""
    location = world.add_location("team", graph(max_concurrency).bound.snapshot, places)
    location.elements = {"g/nums" if tells else "g/dbl": ("a", "b", "c")}
    return location


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("crash_at", range(16))
def test_S01_a_crash_at_any_transition_of_a_fan_out_repeats_no_body(crash_at: int, tells: bool) -> None:
    world = World()
    location = team(world, tells=tells, places=2, max_concurrency=2)
    run_id = world.submit("team")
    moves = 0
    while world.state_of(run_id) != RunState.SUCCEEDED:
        assert moves < 100
        for move in (location.start_all, location.end_all):
            if moves == crash_at:
                world.crash()
            move()
            moves += 1
    bodies = BODIES if tells else [*BODIES[:1], "g/dbl", *BODIES[1:]]
    assert Counter(step for _, step in location.bodies) == Counter(bodies)
    assert not location.held


def test_what_a_fan_out_says() -> None:
    world = World()
    location = team(world)
    run_id = world.submit("team")
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert world.log_of(run_id)[3:] == [
        "STEP_STARTED",  # g
        *["STEP_STARTED", "MATERIALIZED", "STEP_SUCCEEDED"],  # g/nums
        "STEP_STARTED",  # g/dbl
        *["STEP_STARTED"] * 3,
        *["MATERIALIZED", "STEP_SUCCEEDED"] * 3,
        "STEP_SUCCEEDED",  # g/dbl
        *["STEP_STARTED", "STEP_SUCCEEDED"],  # g/dbl__collect
        *["STEP_STARTED", "MATERIALIZED", "STEP_SUCCEEDED"],  # g/total
        *["MATERIALIZED", "STEP_SUCCEEDED"],  # g
        "RUN_SUCCEEDED",
    ]


def test_what_instances_and_those_who_gather_are_told() -> None:
    world = World()
    location = team(world)
    world.submit("team")
    location.work()
    assigned = {one.step.key: one for one in location.received if isinstance(one, commands.Assign)}
    made = assigned["g/nums"].token
    for place, key in enumerate("abc"):
        instance = assigned[f"g/dbl__{key}"]
        assert (instance.step.id.mapping_key, instance.mapping_index) == (key, place)
        assert [producer.token for producer in instance.producers] == [made]
    (gathered,) = assigned["g/total"].producers
    assert gathered.results == tuple((f"g/dbl__{key}", assigned[f"g/dbl__{key}"].token) for key in "abc")


def test_at_most_so_many_instances_are_with_the_location() -> None:
    world = World()
    location = team(world, max_concurrency=2)
    world.submit("team")
    location.start_all()
    location.end_all()
    assert sorted(item.assign.step.key for item in location.held.values()) == ["g/dbl__a", "g/dbl__b"]
    location.start_all()
    location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
    assert sorted(item.assign.step.key for item in location.held.values()) == ["g/dbl__b", "g/dbl__c"]


def test_a_fan_out_over_nothing() -> None:
    world = World()
    location = team(world)
    location.elements = {"g/nums": ()}
    run_id = world.submit("team")
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert [step for _, step in location.bodies] == ["g/nums", "g/total", "g"]


def test_a_failed_instance_fails_the_run_with_its_reason() -> None:
    world = World()
    location = team(world)
    run_id = world.submit("team")
    location.start_all()
    location.end_all()
    location.start_all()
    run = world.core.state.runs[run_id]
    first, *others = list(location.held.values())
    location.end(first, AttemptOutcome.FAILED, failure())
    assert world.state_of(run_id) == RunState.STARTED, "the others go on"
    for other in others:
        location.end(other, AttemptOutcome.SUCCEEDED)
    assert world.state_of(run_id) == RunState.FAILED
    assert run.row.failure is not None
    assert run.row.failure.message == "ValueError: boom"
    states = {run.progress.planned[step.ordinal].key: step.state for step in run.progress.steps}
    assert states["g/dbl"] == StepState.FAILED
    assert {states[node] for node in ("g/dbl__collect", "g/total", "g")} == {StepState.SKIPPED}


def test_A16_a_lost_instance_is_paid_for_by_its_own_budget() -> None:
    world = World()
    location = team(world)
    run_id = world.submit("team")
    location.start_all()
    location.end_all()
    location.start_all()
    crash = failure("the worker died", FailureReason.INFRASTRUCTURE)
    location.end(next(iter(location.held.values())), AttemptOutcome.CRASHED, crash)
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert Counter(step for _, step in location.bodies)["g/dbl__a"] == 2


def test_A14_a_canceled_fan_out_starts_nothing_more() -> None:
    world = World()
    location = team(world, max_concurrency=1)
    run_id = world.submit("team")
    location.start_all()
    location.end_all()
    location.start_all()
    world.cancel(run_id)
    location.end_all()
    assert world.state_of(run_id) == RunState.CANCELED
    assert [step for _, step in location.bodies] == ["g/nums", "g/dbl__a"]


def test_elements_that_an_attempt_told_before_it_failed_count_no_more() -> None:
    world = World()
    location = team(world)
    run_id = world.submit("team")
    location.start_all()
    (item,) = location.held.values()
    location._say(item, reports.Mapped("g/nums", ("old",)))
    location.end(item, AttemptOutcome.CRASHED, failure("the worker died", FailureReason.INFRASTRUCTURE))
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert Counter(step for _, step in location.bodies) == Counter([*BODIES, "g/nums"])


def test_elements_in_several_pieces_add_up() -> None:
    world = World()
    location = team(world)
    run_id = world.submit("team")
    location.start_all()
    (item,) = location.held.values()
    location._say(item, reports.Mapped("g/nums", ("y", "z")))
    world.crash()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    instances = [step for _, step in location.bodies if step.startswith("g/dbl__")]
    assert instances == ["g/dbl__y", "g/dbl__z", "g/dbl__a", "g/dbl__b", "g/dbl__c"]


def test_an_attempt_that_tells_no_elements_fails_its_task() -> None:
    world = World()
    location = team(world)
    location.elements = {}
    run_id = world.submit("team")
    location.start_all()
    location.end_all()
    location.start_all()
    (item,) = location.held.values()
    assert item.assign.step.key == "g/dbl"
    item.is_ended = True
    location._say(item, reports.Ended(AttemptOutcome.SUCCEEDED))
    assert world.state_of(run_id) == RunState.FAILED
