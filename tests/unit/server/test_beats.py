"""Beats say what a location holds: a difference from the rows that stays closes the session (protocol section 3)."""

from __future__ import annotations

from functools import reduce
from operator import xor

from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core import commands
from rivers_server.core.inputs import Beaten
from rivers_server.core.sessions import PERSISTENT
from tests.unit.server.world import Location, World, snapshot_of

TWO = snapshot_of({"one": [], "two": []})


def beat(location: Location, times: int = 1, *, without: int = 0) -> None:
    """The location beats; `without` is a token that it knows nothing of."""
    for _ in range(times):
        held = [token for token, item in location.held.items() if not item.is_ended and token != without]
        location.world.put(Beaten(location.name, location.session, len(held), reduce(xor, held, 0)))


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
        world.put(Beaten("team", location.session, len(held), reduce(xor, held, 0)))
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


def test_a_beat_of_a_session_that_is_over_is_not_compared() -> None:
    world = World()
    location = world.add_location("team", TWO)
    world.submit("team")
    for _ in range(2 * PERSISTENT):
        world.put(Beaten("team", location.session + 1, 5, 5), Beaten("nobody", 1, 5, 5))
    assert location.session
