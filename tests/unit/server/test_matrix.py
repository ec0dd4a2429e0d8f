"""Machines that vanish, freeze whole or are replaced, on a clock of their own."""

from __future__ import annotations

from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core import commands, reports
from rivers_server.core.inputs import Reported
from tests.unit.server.world import HeldAttempt, Location, World, snapshot_of

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
