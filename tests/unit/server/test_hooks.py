"""When a location is told that hooks are due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rivers.definitions.kinds import HookKind, StepKind
from rivers.definitions.snapshot import HookDefinition, OutputDefinition, RetryDefinition, Snapshot, StepDefinition
from rivers.lifecycle.states import AttemptOutcome
from rivers_server.core import commands, reports
from tests.unit.server.world import Location, World, failure, snapshot_of

BOTH = (HookDefinition("good", HookKind.SUCCESS), HookDefinition("bad", HookKind.FAILURE))


def hooked(hooks: tuple[HookDefinition, ...] = BOTH, **changes: object) -> Snapshot:
    snapshot = snapshot_of({"a": [], "b": ["a"]})
    steps = [replace(step, hooks=hooks, **changes) if step.key == "a" else step for step in snapshot.steps]  # type: ignore[arg-type]
    return replace(snapshot, steps=tuple(steps))


def told(location: Location) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [
        (command.step, command.nodes, command.error)
        for command in location.received
        if isinstance(command, commands.CallHooks)
    ]


def test_success_is_told() -> None:
    world = World()
    location = world.add_location("team", hooked())
    run_id = world.submit("team")
    location.work()
    assert told(location) == [("a", ("a",), None)]
    (due,) = (command for command in location.received if isinstance(command, commands.CallHooks))
    assert due.run_id == run_id


def test_failure_is_told_once_for_the_last_attempt() -> None:
    world = World()
    location = world.add_location("team", hooked(retry=RetryDefinition(1)))
    world.submit("team")
    for _ in range(2):
        assert told(location) == []
        location.start_all()
        location.end_all(AttemptOutcome.FAILED, failure("ValueError: no"))
    assert told(location) == [("a", (), "ValueError: no")]


@pytest.mark.parametrize(
    ("hooks", "outcome"), [(BOTH[:1], AttemptOutcome.FAILED), (BOTH[1:], AttemptOutcome.SUCCEEDED)]
)
def test_nothing_is_told_when_no_hook_is_for_it(hooks: tuple[HookDefinition, ...], outcome: AttemptOutcome) -> None:
    world = World()
    location = world.add_location("team", hooked(hooks))
    world.submit("team")
    location.start_all()
    location.end_all(outcome, failure("ValueError: no") if outcome == AttemptOutcome.FAILED else None)
    assert told(location) == []


def test_of_a_multi_asset_the_stored_outputs_and_the_failure_are_told() -> None:
    step = StepDefinition("x", StepKind.MULTI_ASSET, (OutputDefinition("x"), OutputDefinition("y")), hooks=BOTH)
    snapshot = replace(snapshot_of({"x": []}), steps=(step,))
    world = World()
    location = world.add_location("team", snapshot)
    world.submit("team")
    location.start_all()
    (item,) = location.held.values()
    location._say(item, reports.Materialized("y", (), "v"))
    location.end_all(AttemptOutcome.FAILED, failure("KeyError: 'x'"))
    assert told(location) == [("x", ("y",), "KeyError: 'x'")]


def test_a_location_that_is_not_there_is_told_nothing_later() -> None:
    world = World()
    location = world.add_location("team", hooked())
    world.submit("team")
    location.start_all()
    location.cut()
    location.end_all()
    assert told(location) == []
    location.attach()
    assert told(location) == [("a", ("a",), None)], "the end came with the replay, and so do its hooks"
