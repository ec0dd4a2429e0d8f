"""The core on a virtual clock: complete runs, crashes in the middle, and what silence means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rivers.definitions.snapshot import EdgeDefinition, OutputDefinition
from rivers.errors import ConflictError, RunNotFoundError
from rivers.lifecycle.states import AttemptOutcome, RunKind, RunState
from rivers.planning.build import plan_selection
from rivers.storage import assets
from rivers_server.core import commands, reports
from rivers_server.core.inputs import Register, Reported, Submit, Tick
from rivers_server.settings import CoreSettings
from tests.unit.server.world import Answer, World, failure, snapshot_of

CHAIN = snapshot_of({"a": [], "b": ["a"], "c": ["b"]})
ONE = snapshot_of({"one": []})


def test_a_complete_run_with_a_crash_in_the_middle() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    location.start_all()
    world.crash()
    location.end_all()
    world.crash()
    location.work()
    world.crash()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert location.bodies == [(run_id, "a"), (run_id, "b"), (run_id, "c")]
    assert not location.held
    assert world.log_of(run_id) == [
        "RUN_QUEUED",
        "RUN_DEQUEUED",
        "RUN_STARTED",
        *["STEP_STARTED", "MATERIALIZED", "STEP_SUCCEEDED"] * 3,
        "RUN_SUCCEEDED",
    ]


@pytest.mark.parametrize("crash_at", range(12))
def test_S01_a_crash_at_any_transition_repeats_no_body(crash_at: int) -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    moves = 0
    while world.state_of(run_id) != RunState.SUCCEEDED:
        assert moves < 100
        for move in (location.start_all, location.end_all):
            if moves == crash_at:
                world.crash()
            move()
            moves += 1
    assert [step for _, step in location.bodies] == ["a", "b", "c"]


def test_A1_submit_admission_and_dispatch_share_one_commit() -> None:
    world = World()
    location = world.add_location("team", ONE)
    before = world.store.commits
    world.submit("team")
    assert world.store.commits == before + 1
    assert [type(command) for command in location.received[-1:]] == [commands.Assign]


def test_a_repeated_request_makes_one_run() -> None:
    world = World()
    location = world.add_location("team", ONE)
    first = world.submit("team", request_id="r")
    assert world.submit("team", request_id="r") == first
    location.work()
    assert world.submit("team", request_id="r") == first
    world.crash()
    assert world.submit("team", request_id="r") == first
    assert len(location.bodies) == 1


def test_a_failed_step_skips_what_depends_on_it() -> None:
    world = World()
    location = world.add_location("team", snapshot_of({"a": [], "b": ["a"], "free": []}))
    run_id = world.submit("team")
    location.start_all()
    for item in list(location.held.values()):
        failed = item.assign.step.key == "a"
        location.end(item, AttemptOutcome.FAILED if failed else AttemptOutcome.SUCCEEDED, failure() if failed else None)
    assert world.state_of(run_id) == RunState.FAILED
    log = world.log_of(run_id)
    assert log.count("STEP_FAILED") == log.count("STEP_SKIPPED") == log.count("STEP_SUCCEEDED") == 1


def test_A11_events_are_taken_once_and_acknowledged_after_the_commit() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    world.fail_next_commit = OSError("disk full")
    location.start_all()  # refused: the session is closed, the event stays in the spool
    assert location.session == 0
    assert not any(isinstance(command, commands.Ack) for command in location.received)
    location.attach()
    location.work()
    location.cut()
    location.attach()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1
    assert world.log_of(run_id).count("STEP_STARTED") == 1


def test_W3_one_bad_message_does_not_take_its_neighbours_along() -> None:
    world = World()
    location = world.add_location("team", ONE)
    from rivers.lifecycle.states import RunKind
    from rivers.planning.build import plan_job
    from rivers_server.core.inputs import Submit
    from tests.unit.server.world import Answer

    plan = plan_job(ONE, "all", location="team")
    good, bad = Answer(), Answer()
    world.put(Submit(plan, RunKind.JOB, good), Submit(plan, RunKind.JOB, bad, tags=((object(), ""),)))  # type: ignore[arg-type]
    assert good.error is None
    assert good.result[0].state == RunState.STARTED
    assert bad.error is not None
    location.work()
    assert world.state_of(good.result[0].run_id) == RunState.SUCCEEDED


def test_A16_a_crashed_attempt_is_retried_from_the_infrastructure_budget() -> None:
    world = World(CoreSettings(infrastructure_budget=2))
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    for _ in range(3):
        location.start_all()
        location.end_all(AttemptOutcome.CRASHED, failure("the worker was killed by signal 9"))
    assert world.state_of(run_id) == RunState.FAILED
    assert len(location.bodies) == 3
    assert world.log_of(run_id).count("ATTEMPT_LOST") == 2


def test_A9_a_higher_boot_of_the_same_home_is_evidence() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.restart()
    location.attach()
    location.held = {t: item for t, item in location.held.items() if item.boot == location.boot}
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 2
    assert "ATTEMPT_LOST" in world.log_of(run_id)


def test_a_spooled_result_of_an_older_boot_counts() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.cut()
    location.end_all()
    location.restart()
    location.attach()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1


def test_A10_finished_work_is_seen_before_anything_is_issued_on_a_new_session() -> None:
    """Until the replay is over nothing is sent, whatever waits for a place (section 4, step 4)."""
    world = World()
    location = world.add_location("team", ONE, places=1)
    first, second = world.submit("team"), world.submit("team")
    location.start_all()
    location.cut()
    world.pass_time(920)
    assert "ATTEMPT_LOST" in world.log_of(first)
    location.end_all()
    (lost,) = location.held.values()
    before = len(location.received)
    location.session = world.sessions = world.sessions + 1
    inventory = reports.Inventory(
        home_id=location.home_id,
        boot=location.boot,
        beat=0,
        workers=1,
        places=1,
        digests=(ONE.digest,),
        attempts=(reports.Held(lost.assign.token, 1, reports.Phase.ENDED, len(lost.spool)),),
        homes=(),
    )
    world.put(Reported("team", location.session, [inventory]))
    world.put(Tick())
    assert [type(command) for command in location.received[before:]] == [commands.Adopt]
    world.put(Reported("team", location.session, lost.spool[lost.acked :]))
    world.put(Tick())
    assert not any(isinstance(command, commands.Assign) for command in location.received[before:])
    assert world.state_of(first) == RunState.SUCCEEDED
    world.put(Reported("team", location.session, [reports.Replayed()]))
    assert [one.run_id for one in location.received[before:] if isinstance(one, commands.Assign)] == [second]
    location.work()
    assert [run_id for run_id, _ in location.bodies] == [first, second]


@pytest.mark.parametrize("outcome", [AttemptOutcome.STOPPED, AttemptOutcome.LOST])
def test_A16_an_attempt_that_its_lease_has_stopped_is_paid_for_like_a_lost_one(outcome: AttemptOutcome) -> None:
    world = World(CoreSettings(infrastructure_budget=1))
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    for _ in range(2):
        location.start_all()
        location.end_all(outcome, failure("its lease passed"))
    assert world.state_of(run_id) == RunState.FAILED
    assert len(location.bodies) == 2
    assert world.log_of(run_id).count("ATTEMPT_LOST") == 1


def test_A6_registering_renews_nothing() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.cut()
    for _ in range(92):
        assert "ATTEMPT_LOST" not in world.log_of(run_id)[:-1]
        world.put(Register("team", "127.0.0.1:1", location.home_id, location.boot, ONE.digest, Answer()))
        world.pass_time(10)
    assert "ATTEMPT_LOST" in world.log_of(run_id)


def test_an_assignment_that_never_arrived_is_sent_again() -> None:
    world = World()
    location = world.add_location("team", ONE)
    location.session, session = 0, location.session
    run_id = world.submit("team")  # the command is lost on its way
    assert not location.held
    location.session = session
    location.cut()
    location.attach()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert "ATTEMPT_LOST" not in world.log_of(run_id)


def test_A6_lost_only_without_session_and_after_patience() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    world.pass_time(2_000)
    assert "ATTEMPT_LOST" not in world.log_of(run_id)
    location.cut()
    world.pass_time(900)
    assert "ATTEMPT_LOST" not in world.log_of(run_id)
    world.pass_time(20)
    assert "ATTEMPT_LOST" in world.log_of(run_id)


def test_A7_the_time_that_the_leader_slept_does_not_count() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.cut()
    world.clock.seconds += 10_000
    world.put(Tick())
    assert "ATTEMPT_LOST" not in world.log_of(run_id)


def test_A10_the_result_of_a_lost_attempt_that_nobody_superseded_counts() -> None:
    world = World()
    location = world.add_location("team", ONE)
    run_id = world.submit("team")
    location.start_all()
    location.cut()
    world.pass_time(920)
    location.end_all()
    location.attach()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == 1


def test_A14_cancel_of_a_running_run_stops_it_and_ends_canceled() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    location.start_all()
    world.cancel(run_id)
    assert any(isinstance(command, commands.Stop) for command in location.received)
    assert world.state_of(run_id) == RunState.CANCELING
    location.end_all()
    assert world.state_of(run_id) == RunState.CANCELED
    assert "STEP_SUCCEEDED" in world.log_of(run_id)
    world.cancel(run_id)
    assert world.state_of(run_id) == RunState.CANCELED


def test_cancel_of_a_queued_run_ends_at_once() -> None:
    world = World(CoreSettings(max_concurrent_runs=1))
    location = world.add_location("team", ONE)
    first, second = world.submit("team"), world.submit("team")
    world.cancel(second)
    assert world.state_of(second) == RunState.CANCELED
    location.work()
    assert world.state_of(first) == RunState.SUCCEEDED
    with pytest.raises(RunNotFoundError):
        world.cancel("no-such-run")


def test_no_more_runs_than_allowed_and_none_waits_while_a_place_is_free() -> None:
    world = World(CoreSettings(max_concurrent_runs=3))
    location = world.add_location("team", ONE, places=10)
    run_ids = [world.submit("team") for _ in range(10)]
    while any(world.state_of(run_id) != RunState.SUCCEEDED for run_id in run_ids):
        running = [run_id for run_id in run_ids if world.state_of(run_id) == RunState.STARTED]
        waiting = [run_id for run_id in run_ids if world.state_of(run_id) == RunState.QUEUED]
        assert len(running) == min(3, len(running) + len(waiting))
        location.start_all()
        location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)


def test_a_point_of_priority_is_a_head_start() -> None:
    world = World(CoreSettings(max_concurrent_runs=1))
    location = world.add_location("team", ONE)
    world.submit("team")
    low, high = world.submit("team"), world.submit("team", priority=1)
    location.start_all()
    location.end_all()
    assert world.state_of(high) == RunState.STARTED
    assert world.state_of(low) == RunState.QUEUED


def test_a_thousand_queued_runs_of_one_team_do_not_hide_those_of_another() -> None:
    world = World(CoreSettings(max_concurrent_runs=2))
    busy = world.add_location("busy", snapshot_of({"x": []}))
    quiet = world.add_location("quiet", snapshot_of({"y": []}))
    for _ in range(20):
        world.submit("busy")
    run_id = world.submit("quiet")
    busy.start_all()
    busy.end(next(iter(busy.held.values())), AttemptOutcome.SUCCEEDED)
    assert world.state_of(run_id) == RunState.STARTED
    quiet.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_runs_of_a_location_that_is_away_wait_and_nobody_else_does() -> None:
    world = World(CoreSettings(max_concurrent_runs=1))
    away = world.add_location("away", snapshot_of({"x": []}))
    here = world.add_location("here", snapshot_of({"y": []}))
    away.cut()
    waiting = world.submit("away")
    run_id = world.submit("here")
    here.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert world.state_of(waiting) == RunState.QUEUED
    away.attach()
    away.work()
    assert world.state_of(waiting) == RunState.SUCCEEDED


def test_L09_the_same_asset_in_two_locations_is_refused_with_both_owners_named() -> None:
    world = World()
    world.add_location("first", ONE)
    with pytest.raises(ConflictError, match=r"'one'.*'first'.*'second'"):
        world.add_location("second", ONE)


def test_S02_a_dead_home_process_fails_the_run_with_home_lost() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    location.start_all()
    item = next(iter(location.held.values()))
    item.is_ended = True
    location._say(item, reports.Ended(AttemptOutcome.CRASHED, failure("killed"), home_lost=True))
    assert world.state_of(run_id) == RunState.FAILED


def test_a_step_that_reads_itself_is_told_which_attempt_made_its_last_output() -> None:
    snapshot = snapshot_of({"a": [], "b": []})
    steps = tuple(replace(step, reads_itself=step.key == "a") for step in snapshot.steps)
    world = World()
    location = world.add_location("team", replace(snapshot, steps=steps))

    def assigned() -> dict[str, commands.Assign]:
        return {one.step.key: one for one in location.received if isinstance(one, commands.Assign)}

    first = world.submit("team")
    assert assigned()["a"].previous is None
    token = assigned()["a"].token
    location.work()
    world.submit("team")
    assert assigned()["a"].previous == (token, first)
    assert assigned()["b"].previous is None
    again = assigned()["a"]
    location.held.clear()
    world.crash()
    assert assigned()["a"] == again, "made from rows, so the same after a crash"


def test_the_versions_of_inputs_are_recorded_wherever_they_were_made() -> None:
    snapshot = snapshot_of({"a": [], "b": ["a"]})
    ordered = replace(snapshot.steps[1], edges=(EdgeDefinition("a"),))
    snapshot = replace(snapshot, steps=(snapshot.steps[0], ordered))
    world = World()
    location = world.add_location("team", snapshot)

    def run(*nodes: str, crash: bool = False) -> None:
        world.put(Submit(plan_selection(snapshot, nodes, location="team"), RunKind.MATERIALIZATION, Answer()))
        if crash:
            location.start_all()
            location.end_all()
            world.crash()
        location.work()

    def read_of_b() -> list[tuple[str, bool]]:
        with world.database.read() as connection:
            made, reader = assets.get(connection, "a"), assets.get(connection, "b")
        assert made is not None
        assert reader is not None
        return [(name, version == made.last_data_version) for name, version in reader.last_input_data_versions]

    run("a", "b")
    assert read_of_b() == [("a", True)]
    run("a")
    assert read_of_b() == [("a", False)]
    run("b")
    assert read_of_b() == [("a", True)], "a was made by another run"
    run("a", "b", crash=True)
    assert read_of_b() == [("a", True)], "what a scheduler forgot is read"


def test_the_versions_of_inputs_are_recorded_by_output() -> None:
    snapshot = snapshot_of({"a": [], "b": []})
    outputs = (*snapshot.steps[1].outputs, OutputDefinition("c"))
    several = replace(snapshot.steps[1], outputs=outputs, edges=(EdgeDefinition("a", outputs=("c",)),))
    snapshot = replace(snapshot, steps=(snapshot.steps[0], several), jobs=())
    world = World()
    location = world.add_location("team", snapshot)
    plan = plan_selection(snapshot, ["a", "b", "c"], location="team")
    world.put(Submit(plan, RunKind.MATERIALIZATION, Answer()))
    location.work()
    with world.database.read() as connection:
        read = {key: assets.get(connection, key) for key in ("b", "c")}
    assert {key: [name for name, _ in row.last_input_data_versions] for key, row in read.items() if row} == {
        "b": [],
        "c": ["a"],
    }
