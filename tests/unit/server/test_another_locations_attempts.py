"""A location speaks of its own attempts: what it says of another's is dropped, and counts for nothing."""

from __future__ import annotations

from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core import commands, reports
from rivers_server.core.inputs import Reported
from tests.unit.server.world import World, snapshot_of


def test_A10_a_result_counts_only_from_the_location_that_has_the_attempt() -> None:
    world = World()
    team = world.add_location("team", snapshot_of({"one": []}))
    thief = world.add_location("thief", snapshot_of({"other": []}))
    run_id = world.submit("team")
    (token,) = team.held
    ended = reports.AttemptReport(token, 1, 0, reports.Ended(AttemptOutcome.SUCCEEDED))
    world.put(Reported("thief", thief.session, [ended]))
    assert world.state_of(run_id) == RunState.STARTED
    assert thief.received[-1] == commands.Ack(token, 1)  # so that its spool drains
    team.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
