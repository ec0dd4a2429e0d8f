"""Stop, fence and cancel: what counts, what keeps its place, and when a run is over (A12, A13, A14)."""

from __future__ import annotations

import pytest

from rivers.errors import UnavailableError
from rivers.lifecycle.states import AttemptOutcome, AttemptState, RunState, StepState
from rivers_server.core import commands, reports
from rivers_server.core.inputs import Cancel, Reported
from tests.unit.server.world import Answer, HeldAttempt, Location, World, snapshot_of

ONE = snapshot_of({"one": []})
CHAIN = snapshot_of({"a": [], "b": ["a"]})
#: The default grace and the time in which the location's own kill is reported.
GRACE = 13.0


def running(places: int = 4) -> tuple[World, Location, str, HeldAttempt]:
    """A run whose only body runs."""
    world = World()
    location = world.add_location("team", ONE, places)
    run_id = world.submit("team")
    location.start_all()
    return world, location, run_id, next(iter(location.held.values()))


def fencing(places: int = 4) -> tuple[World, Location, str, HeldAttempt]:
    """A canceled run whose body did not end within the grace."""
    world, location, run_id, item = running(places)
    world.cancel(run_id)
    world.pass_time(GRACE)
    return world, location, run_id, item


def sent(location: Location, kind: type[commands.Command]) -> list[commands.Command]:
    """What the location was told, of one kind."""
    return [command for command in location.received if isinstance(command, kind)]


def test_A12_a_fence_follows_the_grace_and_the_run_waits_for_the_end() -> None:
    world, location, run_id, item = fencing()
    token = item.assign.token
    assert sent(location, commands.Fence) == [commands.Fence(token)]
    assert world.core.state.attempts[token].is_fencing
    assert world.core.state.runs[run_id].progress.steps[0].token == 0
    assert world.state_of(run_id) == RunState.CANCELING
    location.kill_fenced()
    assert world.state_of(run_id) == RunState.CANCELED
    assert not location.held


def test_A12_the_token_is_cleared_before_the_fence_is_sent() -> None:
    world, location, run_id, _ = running()
    world.cancel(run_id)
    commits, seen = world.store.commits, []
    receive = location.receive

    def look(session: int, commands_sent: list[commands.Command]) -> None:
        if any(isinstance(command, commands.Fence) for command in commands_sent):
            rows = world.store.load().steps[run_id]
            seen.append((world.store.commits > commits, rows[0].token))
        receive(session, commands_sent)

    location.receive = look  # type: ignore[method-assign, assignment]
    world.pass_time(GRACE)
    assert seen == [(True, 0)]


@pytest.mark.parametrize("outcome", [AttemptOutcome.SUCCEEDED, AttemptOutcome.FAILED, AttemptOutcome.CRASHED])
def test_A12_a_result_that_comes_after_the_fence_is_refused(outcome: AttemptOutcome) -> None:
    world, location, run_id, item = fencing()
    location.end(item, outcome)
    assert world.state_of(run_id) == RunState.CANCELED
    assert not location.held  # and yet acknowledged
    log = world.log_of(run_id)
    assert "STEP_CANCELED" in log
    assert not {"MATERIALIZED", "STEP_SUCCEEDED", "STEP_FAILED"} & set(log)


def test_A12_a_fence_outlives_the_scheduler() -> None:
    world, location, run_id, item = fencing()
    world.crash()
    adopt = sent(location, commands.Adopt)[-1]
    assert isinstance(adopt, commands.Adopt)
    assert adopt.fence == (item.assign.token,)
    assert not adopt.keep
    assert world.state_of(run_id) == RunState.CANCELING
    location.kill_fenced()
    assert world.state_of(run_id) == RunState.CANCELED


def test_A12_a_fenced_attempt_that_ended_unheard_is_replayed_and_refused() -> None:
    world, location, run_id, item = fencing()
    location.cut()
    location.end(item, AttemptOutcome.SUCCEEDED)
    world.crash()
    assert world.state_of(run_id) == RunState.CANCELED
    assert "STEP_SUCCEEDED" not in world.log_of(run_id)
    assert not location.held


def test_A12_a_fenced_attempt_that_is_not_there_is_fenced_and_never_sent_again() -> None:
    world, location, run_id, item = fencing()
    location.cut()
    location.held.clear()
    assigned = len(sent(location, commands.Assign))
    location.attach()
    assert len(sent(location, commands.Assign)) == assigned
    adopt = sent(location, commands.Adopt)[-1]
    assert isinstance(adopt, commands.Adopt)
    assert adopt.fence == (item.assign.token,)
    location.held[item.assign.token] = HeldAttempt(item.assign, location.boot, acked=1, spool=item.spool)
    location.kill_fenced()  # a token that never arrived is received and ended at once
    assert world.state_of(run_id) == RunState.CANCELED


def test_A12_a_higher_boot_proves_the_end_of_a_fenced_attempt() -> None:
    world, location, run_id, _ = fencing()
    location.restart()
    location.attach()
    assert world.state_of(run_id) == RunState.CANCELED


def test_A13_a_fenced_attempt_keeps_its_place_until_its_end() -> None:
    world, location, first, item = fencing(places=1)
    second = world.submit("team")
    world.pass_time(100)
    assert world.core.state.replicas["team"].in_flight == {item.assign.token}
    assert len(location.bodies) == 1
    location.kill_fenced()
    location.work()
    assert world.state_of(first) == RunState.CANCELED
    assert world.state_of(second) == RunState.SUCCEEDED


def test_A13_time_alone_frees_no_place() -> None:
    world, location, run_id, item = fencing(places=1)
    location.cut()
    world.pass_time(900)
    assert world.core.state.replicas["team"].in_flight == {item.assign.token}
    assert world.state_of(run_id) == RunState.CANCELING
    world.pass_time(30)  # silent for longer than the lease: the location has killed it
    assert world.state_of(run_id) == RunState.CANCELED
    assert not world.core.state.replicas["team"].in_flight
    location.end(item, AttemptOutcome.SUCCEEDED)
    location.attach()
    assert "STEP_SUCCEEDED" not in world.log_of(run_id)


def reported(world: World, location: Location, item: HeldAttempt) -> Reported:
    """The end of a body, on its way."""
    session, location.session = location.session, 0
    location.end(item, AttemptOutcome.SUCCEEDED)
    location.session = session
    return Reported(location.name, session, [event for event in item.spool if event.seq > item.acked])


def test_A14_a_success_that_commits_before_the_cancel_counts() -> None:
    world, location, run_id, item = running()
    answer = Answer()
    world.put(reported(world, location, item), Cancel(run_id, "test", answer))
    assert answer.error is None
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert not sent(location, commands.Stop)
    assert "RUN_CANCEL_REQUESTED" not in world.log_of(run_id)


def test_A14_a_success_that_commits_after_the_cancel_is_recorded_and_the_run_is_canceled() -> None:
    world, location, run_id, item = running()
    answer = Answer()
    world.put(Cancel(run_id, "test", answer), reported(world, location, item))
    assert world.state_of(run_id) == RunState.CANCELED
    assert "STEP_SUCCEEDED" in world.log_of(run_id)


def test_A14_nothing_new_starts_after_a_cancel() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    location.start_all()
    world.cancel(run_id)
    world.crash()
    location.end_all()
    assert world.state_of(run_id) == RunState.CANCELED
    assert [step for _, step in location.bodies] == ["a"]


def test_A14_a_canceled_attempt_that_never_arrived_is_stopped_and_not_sent_again() -> None:
    world = World()
    location = world.add_location("team", ONE)
    location.session, session = 0, location.session
    run_id = world.submit("team")  # the assignment is lost on its way
    location.session = session
    location.cut()
    world.cancel(run_id)
    location.attach()
    assert not sent(location, commands.Assign)
    stop = sent(location, commands.Stop)[-1]
    assert isinstance(stop, commands.Stop)
    ended = reports.AttemptReport(stop.token, 1, 0, reports.Ended(AttemptOutcome.NOT_STARTED))
    world.put(Reported("team", location.session, [ended]))
    assert world.state_of(run_id) == RunState.CANCELED
    assert not location.bodies


def test_A14_what_could_not_be_stopped_is_stopped_when_its_location_is_back() -> None:
    world, location, run_id, item = running()
    location.cut()
    world.cancel(run_id)
    world.pass_time(GRACE)
    assert not sent(location, commands.Stop)
    assert not world.core.state.attempts[item.assign.token].is_fencing  # a result in the spool still counts
    location.attach()
    assert len(sent(location, commands.Stop)) == 1
    world.pass_time(GRACE)
    assert sent(location, commands.Fence) == [commands.Fence(item.assign.token)]


def test_A14_a_stop_that_is_said_again_gives_the_whole_grace() -> None:
    world, location, run_id, item = running()
    world.cancel(run_id)
    world.pass_time(GRACE / 2)
    location.cut()
    location.attach()
    world.pass_time(GRACE * 0.75)
    assert not sent(location, commands.Fence)
    world.pass_time(GRACE / 2)
    assert sent(location, commands.Fence) == [commands.Fence(item.assign.token)]


def test_A14_a_repeated_cancel_gives_no_second_grace() -> None:
    world, location, run_id, _ = running()
    world.cancel(run_id)
    world.pass_time(GRACE / 2)
    world.cancel(run_id)
    assert len(sent(location, commands.Stop)) == 1
    world.pass_time(GRACE / 2)
    assert len(sent(location, commands.Fence)) == 1


def test_A14_the_grace_outlives_a_batch_that_failed() -> None:
    world, location, run_id, item = running()
    world.cancel(run_id)
    world.fail_next_commit = ValueError("a bad message")
    with pytest.raises(UnavailableError):
        world.submit("team")
    assert world.core.state.attempts[item.assign.token].is_stopping
    world.pass_time(GRACE)
    assert sent(location, commands.Fence) == [commands.Fence(item.assign.token)]


def test_A14_the_lease_bounds_the_grace() -> None:
    world = World()
    location = world.add_location("team", ONE)
    world.core.state.replicas["team"].step_lease = 6.0
    run_id = world.submit("team")
    location.start_all()
    world.cancel(run_id)
    stop = sent(location, commands.Stop)[-1]
    assert isinstance(stop, commands.Stop)
    assert stop.grace == 2.0
    assert world.core.state.attempts[stop.token].state == AttemptState.RUNNING
    assert world.core.state.runs[run_id].progress.steps[0].state == StepState.RUNNING
