"""Machines that vanish, freeze whole or are replaced, on a clock of their own."""

from __future__ import annotations

import pytest

from rivers.errors import ConflictError, LocationNotFoundError
from rivers.lifecycle.states import AttemptOutcome, EventType, RunState
from rivers.storage import events
from rivers_server.core import commands, reports
from rivers_server.core.inputs import ForgetLocation, Register, Reported, SnapshotRead
from tests.unit.server.world import Answer, HeldAttempt, Location, World, snapshot_of

ONE = snapshot_of({"one": []})
#: The default lease of 900 s and 1 % of it and 5 s.
PATIENCE = 914.0


def running() -> tuple[World, Location, str, HeldAttempt]:
    """A run whose only body runs."""
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    return world, location, run_id, next(iter(location.held.values()))


def replace(location: Location) -> dict[int, HeldAttempt]:
    """Another machine serves the location from a directory of its own; returns what is left on the old one."""
    left, location.held = location.held, {}
    location.home_id, location.boot = "another-home", 1
    location.attach()
    return left


def assigned(location: Location) -> list[int]:
    """The tokens that were sent to the location."""
    return [command.token for command in location.received if isinstance(command, commands.Assign)]


def test_A6_a_machine_that_is_gone_is_lost_after_patience_and_another_takes_the_step() -> None:
    world, location, run_id, _ = running()
    location.cut()
    replace(location)
    world.pass_time(PATIENCE - 10)
    assert len(assigned(location)) == 1, "the old body may still run"
    world.pass_time(20)
    assert len(assigned(location)) == 2
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 2


def forget(world: World) -> int:
    """A person says that the machine is gone."""
    answer = Answer()
    world.put(ForgetLocation("team", "token 12 (ann)", "it burned down", answer))
    if answer.error is not None:
        raise answer.error
    return int(answer.result)


def test_A9_a_location_that_somebody_says_is_gone_is_lost_at_once_and_each_run_keeps_who_said_so() -> None:
    world, location, run_id, _ = running()
    location.cut()
    assert forget(world) == 1
    with world.database.read() as connection:
        (lost,) = [
            event.failure
            for event in events.of_run(connection, run_id, after_seq=0, limit=100)
            if event.type == EventType.ATTEMPT_LOST
        ]
    assert lost is not None
    assert lost.message == "location 'team' was forgotten by token 12 (ann): it burned down"
    world.start_scheduler()
    assert "team" not in {row.name for row in world.store.load().locations}
    world.put(Register("team", "127.0.0.1:9", "another-home", 1, ONE.digest, Answer()))
    world.put(SnapshotRead("team", ONE, Answer()))
    replace(location)
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 2


def test_A9_what_ran_on_a_machine_that_another_has_replaced_is_lost_when_somebody_says_so() -> None:
    world, location, run_id, _ = running()
    location.cut()
    replace(location)
    assert forget(world) == 1
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    with pytest.raises(ConflictError, match="is connected"):
        forget(world)


def test_A9_a_location_that_is_connected_is_not_forgotten() -> None:
    world, location, run_id, _ = running()
    with pytest.raises(ConflictError, match="is connected"):
        forget(world)
    location.end_all()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    location.cut()
    assert forget(world) == 0
    with pytest.raises(LocationNotFoundError):
        forget(world)


def test_A12_a_fenced_attempt_ends_when_its_location_is_forgotten() -> None:
    world, location, run_id, _ = running()
    world.cancel(run_id)
    world.pass_time(13)
    assert location.fenced
    location.cut()
    assert forget(world) == 1
    assert world.state_of(run_id) == RunState.CANCELED


def test_A10_a_late_result_is_refused_once_another_replica_has_the_step() -> None:
    world, location, run_id, item = running()
    location.cut()
    left = replace(location)
    world.pass_time(PATIENCE + 10)
    newer = assigned(location)[-1]
    late = [
        reports.AttemptReport(item.assign.token, 2, 0, reports.Materialized("one", (), "old")),
        reports.AttemptReport(item.assign.token, 3, 0, reports.Ended(AttemptOutcome.SUCCEEDED)),
    ]
    assert item.assign.token in left
    world.put(Reported("team", location.session, late))
    assert world.state_of(run_id) == RunState.STARTED
    assert commands.Ack(item.assign.token, 3) in location.received  # so that its spool drains
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert world.log_of(run_id).count("STEP_SUCCEEDED") == world.log_of(run_id).count("MATERIALIZED") == 1
    assert newer != item.assign.token


def test_A10_a_machine_that_wakes_past_patience_is_fenced_and_its_result_refused() -> None:
    world, location, run_id, item = running()
    location.cut()
    world.pass_time(PATIENCE + 10)
    assert "ATTEMPT_LOST" in world.log_of(run_id)
    location.attach()  # it wakes: its body runs until it is killed, and the step is issued again
    assert location.fenced == {item.assign.token}
    location.end(item, AttemptOutcome.SUCCEEDED)
    assert world.state_of(run_id) == RunState.STARTED
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert world.log_of(run_id).count("STEP_SUCCEEDED") == 1


def test_A7_a_scheduler_that_was_away_for_longer_than_the_lease_gives_everybody_patience_anew() -> None:
    world, location, run_id, _ = running()
    world.clock.seconds += 10 * PATIENCE
    for one in world.locations.values():
        one.session = 0
    world.start_scheduler()
    world.pass_time(PATIENCE - 10)
    assert "ATTEMPT_LOST" not in world.log_of(run_id)
    location.attach()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1
