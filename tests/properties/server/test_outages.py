"""Whatever happens in whatever order, with the database away in between: every body runs once, every run ends."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.errors import StorageUnavailableError
from rivers.lifecycle.states import RunState
from tests.unit.server.world import World, snapshot_of

DIAMOND = snapshot_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})

WORK = ["submit", "start", "end", "away"] * 3
MOVES = [*WORK, "back", "back", "cut", "attach", "unknown commit", "crash", "tick", "tick"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(MOVES), min_size=5, max_size=40))
def test_W10_every_body_runs_once_whenever_the_database_is_away(moves: list[str]) -> None:
    world = World()
    location = world.add_location("team", DIAMOND)
    accepted: dict[str, str] = {}
    asked = 0
    for move in moves:
        match move:
            case "submit":
                asked += 1
                try:
                    accepted[f"request {asked}"] = world.submit("team", request_id=f"request {asked}")
                except StorageUnavailableError:
                    continue
            case "start":
                location.start_all()
            case "end":
                location.end_all()
            case "cut" if location.session:
                location.cut()
            case "attach" if not location.session:
                location.attach()
            case "away":
                world.is_database_away = True
            case "back":
                world.is_database_away = False
            case "unknown commit" if not world.is_database_away:
                world.is_commit_unknown = True
            case "crash" if not world.is_database_away and not world.is_commit_unknown:
                world.crash()
            case "tick":
                world.pass_time(1.2)
    world.is_database_away = world.is_commit_unknown = False
    for _ in range(20):
        world.pass_time(1.2)
        if not location.session:
            location.attach()
        location.work()
    for request, run_id in accepted.items():
        assert world.submit("team", request_id=request) == run_id
        assert world.state_of(run_id) == RunState.SUCCEEDED
    bodies = location.bodies
    assert len(bodies) == len(set(bodies))
    assert not location.held
