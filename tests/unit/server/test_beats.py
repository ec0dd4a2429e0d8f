"""Beats say what a location holds: a difference from the rows that stays closes the session (protocol section 3)."""

from __future__ import annotations

from functools import reduce
from operator import xor

from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core import commands
from rivers_server.core.inputs import Beaten, Explain
from rivers_server.core.sessions import LASTING, PERSISTENT
from tests.unit.server.world import Answer, Location, World, snapshot_of

TWO = snapshot_of({"one": [], "two": []})


def beat(location: Location, times: int = 1, *, without: int = 0, free: int | None = None) -> None:
    """The location beats; `without` is a token that it knows nothing of, `free` how many places it says it has."""
    for _ in range(times):
        held = [token for token, item in location.held.items() if not item.is_ended and token != without]
        places = location.places - len(held) if free is None else free
        location.world.put(Beaten(location.name, location.session, len(held), reduce(xor, held, 0), places))


def test_a_location_that_holds_what_it_should_keeps_its_session() -> None:
    world = World()
    location = world.add_location("team", TWO)
    session = location.session
    beat(location, 10)
    run_id = world.submit("team")
    beat(location, 10)
    location.start_all()
    location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
    beat(location, 10)
    location.work()
    beat(location, 10)
    assert location.session == session
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_an_attempt_that_went_missing_is_found_by_the_inventory() -> None:
    world = World()
    location = world.add_location("team", TWO)
    location.session, session = 0, location.session
    run_id = world.submit("team")  # both assignments are lost, and nobody notices
    location.session = session
    assert not location.held
    beat(location, PERSISTENT - 1)
    world.pass_time(LASTING)
    assert location.session == session
    beat(location)
    assert location.session == 0
    location.attach()  # the same assignments are sent again
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 2


def test_an_attempt_that_should_not_be_there_is_found_by_the_inventory() -> None:
    world = World()
    location = world.add_location("team", TWO)
    world.submit("team")
    location.start_all()
    for _ in range(PERSISTENT):
        held = [*location.held, 77]
        world.pass_time(LASTING / 2)
        world.put(Beaten("team", location.session, len(held), reduce(xor, held, 0), 0))
    assert location.session == 0
    location.attach()
    adopt = [command for command in location.received if isinstance(command, commands.Adopt)][-1]
    assert sorted(adopt.keep) == sorted(location.held)


def test_what_is_on_its_way_is_no_difference() -> None:
    world = World()
    location = world.add_location("team", TWO)
    session = location.session
    world.submit("team")
    first, second = location.held
    for _ in range(PERSISTENT):
        beat(location, PERSISTENT - 1, without=first)  # its assignment has not arrived yet
        beat(location, PERSISTENT - 1, without=second)
        beat(location)
    assert location.session == session


def test_beats_that_come_all_at_once_after_a_pause_are_no_difference_that_lasts() -> None:
    world = World()
    location = world.add_location("team", TWO)
    session = location.session
    earlier = Beaten("team", session, 0, 0, location.places)  # sent before the assignments came
    world.submit("team")
    world.put(*[earlier] * (2 * PERSISTENT))
    assert location.session == session
    beat(location)
    world.pass_time(LASTING)
    world.put(earlier)
    assert location.session == session


def test_a_beat_of_a_session_that_is_over_is_not_compared() -> None:
    world = World()
    location = world.add_location("team", TWO)
    world.submit("team")
    for _ in range(2 * PERSISTENT):
        world.put(Beaten("team", location.session + 1, 5, 5, 0), Beaten("nobody", 1, 5, 5, 0))
    assert location.session


def why(world: World, run_id: str) -> str:
    """What the core says of a run that waits."""
    answer = Answer()
    world.put(Explain([run_id], answer))
    return str(answer.result.get(run_id))


def test_a_location_without_room_is_sent_nothing_and_people_are_told_why() -> None:
    world = World()
    location = world.add_location("team", snapshot_of({"one": [], "two": ["one"]}))
    first = world.submit("team")
    location.start_all()
    beat(location, free=0)
    location.end_all()
    second = world.submit("team")
    assert not location.held, "neither the next step nor the next run"
    assert "full" in why(world, second)
    location.cut()
    location.attach()
    assert not location.held, "it has not said otherwise"
    beat(location, free=4)
    location.work()
    assert world.state_of(first) == world.state_of(second) == RunState.SUCCEEDED


def test_places_that_attempts_have_are_no_lack_of_room() -> None:
    world = World()
    location = world.add_location("team", snapshot_of({"one": [], "two": [], "three": []}), places=2)
    run_id = world.submit("team")
    beat(location, free=0)
    location.start_all()
    location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
    assert len(location.held) == 2, "the next one has gone out without waiting for a beat"
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_another_start_of_a_location_has_room_until_it_says_otherwise() -> None:
    world = World()
    location = world.add_location("team", TWO)
    beat(location, free=0)
    location.cut()
    location.restart()
    location.attach()
    world.submit("team")
    assert len(location.held) == 2
