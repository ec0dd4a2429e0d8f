"""A core whose messages come in lanes, batch by batch: every body runs once, every run ends, no output is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.lifecycle.states import RunState
from rivers_server.core.inputs import Cancel, Tick
from rivers_server.core.lanes import MAX_RIDER
from tests.unit.server.laned_world import LanedWorld
from tests.unit.server.world import Answer, Location, snapshot_of

DIAMOND = snapshot_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
OTHERS = snapshot_of({"x": [], "y": ["x"]})
MUCH = "x" * (MAX_RIDER + 1)

WORK = ["submit", "start", "write", "flood", "end", "turn"] * 3
MOVES = [*WORK, "turn", "half a turn", "half a turn", "cut", "attach", "crash", "tick", "cancel"]
MOVE = st.tuples(st.sampled_from(MOVES), st.sampled_from(["one", "two"]))


def lines(location: Location, text: str) -> None:
    """Every body that runs writes."""
    for item in list(location.held.values()):
        if item.is_started and not item.is_ended and item.boot == location.boot:
            location.write(item, text)


@settings(max_examples=100, deadline=None)
@given(st.lists(MOVE, min_size=5, max_size=50))
def test_W7_in_lanes_every_body_runs_once_and_no_output_is_lost(moves: list[tuple[str, str]]) -> None:
    world = LanedWorld()
    locations = {"one": world.add_location("one", DIAMOND), "two": world.add_location("two", OTHERS)}
    world.is_holding = True
    asked: dict[str, str] = {}
    answers: list[Answer] = []
    canceled: set[str] = set()
    for number, (move, where) in enumerate(moves):
        location = locations[where]
        match move:
            case "submit":
                asked[f"request {number}"] = where
                answers.append(world.ask(where, f"request {number}"))
            case "start":
                location.start_all()
            case "write":
                lines(location, "y")
            case "flood":
                lines(location, MUCH)
            case "end":
                location.end_all()
            case "turn":
                world.turn()
            case "half a turn":
                world.turn(0.5)
            case "cut" if location.session:
                location.cut()
            case "attach" if not location.session:
                location.attach()
            case "crash":
                world.crash()
            case "tick":
                world.pass_time(1.2)
            case "cancel" if runs := [answer.result[0].run_id for answer in answers if answer.result is not None]:
                canceled.add(runs[-1])
                world.put(Cancel(runs[-1], "test", Answer()))
    world.is_holding = False
    world.put(Tick())
    again = [world.ask(where, request) for request, where in asked.items()]  # some died with their scheduler
    for _ in range(12):
        world.pass_time(1.2)
        for location in locations.values():
            if not location.session:
                location.attach()
            location.work()
    bodies = [body for location in locations.values() for body in location.bodies]
    assert len(bodies) == len(set(bodies))
    for answer in again:
        run_id = answer.result[0].run_id
        state = world.state_of(run_id)
        assert state == RunState.SUCCEEDED or (state == RunState.CANCELED and run_id in canceled)
        ran = sum(body == run_id for body, _ in bodies)
        assert world.output_of(run_id).count("\n") == ran, "each body writes its name at the end"
    assert not any(location.held for location in locations.values())
    assert world.closed == [], "nothing came out of order"
