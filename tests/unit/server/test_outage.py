"""The database is away and comes back (W10): nothing acknowledged is lost, nothing runs twice, nobody is in a hurry."""

from __future__ import annotations

import pytest

from rivers.errors import StorageUnavailableError
from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core.inputs import Explain, Reported, SnapshotRead, Tick
from tests.unit.server.world import Answer, World, snapshot_of

CHAIN = snapshot_of({"a": [], "b": ["a"], "c": ["b"]})
ONE = snapshot_of({"one": []})


def come_back(world: World) -> None:
    """The database is there again, the core notices it, and locations whose session was closed attach again."""
    world.is_database_away = False
    world.pass_time(1.5)
    for location in world.locations.values():
        if not location.session:
            location.attach()


@pytest.mark.parametrize("away_at", range(7))
def test_W10_away_at_any_transition_every_body_runs_once(away_at: int) -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    moves = 0
    while world.state_of(run_id) != RunState.SUCCEEDED:
        assert moves < 20
        for move in (location.start_all, location.end_all):
            world.is_database_away = moves == away_at
            move()
            if world.is_database_away:
                world.pass_time(60)
                come_back(world)
            moves += 1
    assert location.bodies == [(run_id, "a"), (run_id, "b"), (run_id, "c")]
    assert not location.held


def test_W10_events_are_not_acknowledged_and_come_again() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    world.is_database_away = True
    location.work()
    world.pass_time(30)
    (held,) = location.held.values()
    assert held.acked == 0
    assert location.session, "beats are answered on the session, so it stays"
    assert world.closed == []
    session = location.session
    come_back(world)
    assert world.closed == [("team", session)]
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert not location.held


def test_W10_a_session_that_brought_nothing_stays() -> None:
    world = World()
    location = world.add_location("team", ONE)
    world.is_database_away = True
    with pytest.raises(StorageUnavailableError):
        world.submit("team")
    world.pass_time(30)
    come_back(world)
    assert world.closed == []
    run_id = world.submit("team")
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_W10_writes_are_refused_with_the_cause_and_nothing_is_dispatched() -> None:
    world = World()
    location = world.add_location("team", CHAIN, places=1)
    first = world.submit("team")
    second = world.submit("team")
    world.is_database_away = True
    before = len(location.received)
    location.work()
    for _ in range(3):
        for ask in (lambda: world.submit("team"), lambda: world.cancel(first), lambda: world.cancel("no-such-run")):
            with pytest.raises(StorageUnavailableError, match="it is away"):
                ask()
    explained = Answer()
    world.put(Explain([second], explained))
    assert "it is away" in explained.result[second]
    assert location.received[before:] == []
    come_back(world)
    location.work()
    assert [world.state_of(run_id) for run_id in (first, second)] == [RunState.SUCCEEDED] * 2
    assert len(location.bodies) == len(set(location.bodies)) == 6


def test_D4_the_database_is_tried_once_a_second_whatever_arrives() -> None:
    world = World()
    location = world.add_location("team", ONE)
    world.submit("team")
    world.is_database_away = True
    location.start_all()
    assert world.core.next_due() == pytest.approx(0.1)
    world.pass_time(0.5)
    before = world.store.tries
    for _ in range(100):
        world.put(Reported("team", location.session, []))
    assert world.store.tries == before
    assert world.core.next_due() == pytest.approx(1.0)
    world.pass_time(10, step=0.1)
    assert world.store.tries - before <= 10
    come_back(world)
    assert world.core.next_due() is None


def test_W10_a_session_that_opens_meanwhile_is_opened_again_afterwards() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    world.is_database_away = True
    location.cut()
    known = Answer()
    world.put(SnapshotRead("team", ONE, known))
    assert known.error is None, "definitions that are known already need no rows, and beats a session"
    location.attach()
    location.end_all()
    come_back(world)
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1


def test_A7_patience_is_not_counted_while_the_database_is_away() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    world.is_database_away = True
    with pytest.raises(StorageUnavailableError):
        world.submit("team")
    location.cut()
    world.pass_time(3_000)
    world.is_database_away = False
    world.pass_time(10)
    location.attach()
    location.end_all()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert "ATTEMPT_LOST" not in world.log_of(run_id)


def test_W10_a_wait_that_ends_meanwhile_is_not_forgotten() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.end_all(AttemptOutcome.CRASHED)
    world.is_database_away = True
    world.put(Tick())
    location.cut()
    world.pass_time(60)
    come_back(world)
    world.pass_time(60)
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_W6_a_commit_that_nobody_can_tell_of_is_found_in_the_rows() -> None:
    world = World()
    location = world.add_location("team", ONE)
    world.is_commit_unknown = True
    with pytest.raises(StorageUnavailableError):
        world.submit("team", request_id="once")
    come_back(world)
    run_id = world.submit("team", request_id="once")
    location.attach()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1


def test_a_lost_attempt_that_runs_after_all_is_fenced_and_the_step_goes_on() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.cut()
    world.pass_time(3_000)
    location.attach()
    location.kill_fenced()
    assert not [item for item in location.held.values() if item.is_started]
    world.pass_time(60)
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
