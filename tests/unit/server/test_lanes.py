"""The two lanes of the core (W7): what goes where, whose turn it is, and that a flood holds up nobody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rivers.lifecycle.states import AttemptOutcome, LogStream, RunKind, RunState
from rivers.planning.build import plan_job
from rivers.storage.rows import WriteSet
from rivers_server.core.inputs import (
    Beaten,
    ChangePartitions,
    CreateBackfill,
    Deregister,
    ForgetLocation,
    Message,
    Register,
    Reported,
    SessionClosed,
    SnapshotRead,
    Submit,
    Tick,
)
from rivers_server.core.lanes import LARGE, MAX_MESSAGES, MAX_RIDER, MAX_RIDING, MAX_SECOND_BYTES, Lanes
from rivers_server.core.pieces import MAX_BYTES, MAX_REPORTS
from rivers_server.core.reports import AttemptReport, Body, Ended, Logged, Replayed, Report, Started
from rivers_server.core.thread import CoreThread
from tests.unit.server.laned_world import LanedWorld
from tests.unit.server.world import Answer, World, snapshot_of

ONE = snapshot_of({"one": []})
PLAN = plan_job(ONE, "all", location="team")
ENDED = Ended(AttemptOutcome.SUCCEEDED)


def said(size: int) -> Logged:
    return Logged(LogStream.STDOUT, "x" * size)


LITTLE, MUCH = said(100), said(MAX_BYTES)


def of(token: int, *bodies: Body, first_seq: int = 1) -> list[Report]:
    return [AttemptReport(token, seq, 0, body) for seq, body in enumerate(bodies, first_seq)]


def reported(*reports: Report, location: str = "team") -> Reported:
    return Reported(location, 1, reports, 100 + sum(len(text(report)) for report in reports))


def text(report: Report) -> str:
    return report.body.text if isinstance(report, AttemptReport) and isinstance(report.body, Logged) else ""


def batches(lanes: Lanes) -> list[list[Message]]:
    """All that waits, batch by batch."""
    found = []
    while lanes:
        found.append(lanes.next_batch())
        lanes.decided(len(found[-1]))
    return found


def reports_of(messages: Sequence[Message]) -> list[Report]:
    return [report for message in messages if isinstance(message, Reported) for report in message.reports]


def content(message: Message) -> list[Message | Report]:
    """What is said, however it is divided into messages."""
    return [*message.reports] if isinstance(message, Reported) else [message]


def test_W7_a_little_output_goes_along_with_its_attempt() -> None:
    lanes = Lanes()
    message = reported(*of(1, Started(), LITTLE, ENDED), Replayed())
    lanes.put(message)
    assert batches(lanes) == [[message]]


@pytest.mark.parametrize(
    ("chunks", "along"),
    [
        ([MAX_RIDER], 1),
        ([MAX_RIDER + 1], 0),
        ([MAX_RIDER] * 10, MAX_RIDING // MAX_RIDER),
        ([MAX_RIDER + 1, 1], 0),
    ],
)
def test_W7_no_more_output_goes_along_than_one_batch_takes(chunks: list[int], along: int) -> None:
    lanes = Lanes()
    lanes.put(reported(*of(1, Started(), *map(said, chunks), ENDED)))
    first, *later = batches(lanes)
    assert sum(bool(text(report)) for report in reports_of(first)) == along
    assert sum(bool(text(report)) for batch in later for report in reports_of(batch)) == len(chunks) - along
    lanes.put(reported(*of(2, said(MAX_RIDER))))
    lanes.put(Tick())
    assert len(lanes.next_batch()) == 2, "what went along before is decided about"


def test_W7_an_end_waits_for_its_own_output_and_for_nobody_elses() -> None:
    lanes = Lanes()
    loud, quiet = of(1, Started(), MUCH, MUCH, ENDED), of(2, Started(), LITTLE, ENDED)
    lanes.put(reported(*loud, *quiet))
    first, second = batches(lanes)
    assert reports_of(first) == [loud[0], *quiet]
    assert reports_of(second) == loud[1:]


def test_W7_an_attempt_whose_output_was_taken_is_in_the_first_lane_again() -> None:
    lanes = Lanes()
    for token in (1, 2):
        lanes.put(reported(*of(token, MUCH, MUCH)))
    assert len(lanes.next_batch()) == 4
    lanes.decided(2)
    later = [reported(*of(token, ENDED, first_seq=3)) for token in (1, 2)]
    for message in later:
        lanes.put(message)
    assert lanes.next_batch() == [later[0]], "the other one has output that waits"


@pytest.mark.parametrize(
    "message",
    [
        Beaten("team", 1, 1, 1, 1),
        SessionClosed("team", 1, "over"),
        Register("team", "127.0.0.1:1", "home", 1, "digest", Answer()),
        Deregister("team", "home", 1, Answer()),
        ForgetLocation("team", "somebody", "gone", Answer()),
        SnapshotRead("team", ONE, Answer()),
        reported(Replayed()),
    ],
    ids=lambda message: type(message).__name__,
)
def test_W7_what_concerns_a_location_keeps_its_place_in_what_it_says(message: Message) -> None:
    lanes = Lanes()
    before, after, other = reported(*of(1, MUCH)), reported(*of(2, Started())), reported(*of(3, LITTLE), location="x")
    for one in (before, message, after, other):
        lanes.put(one)
    first, second = batches(lanes)
    assert first == [other]
    assert [one for found in second for one in content(found)] == [*content(before), *content(message), *content(after)]


@pytest.mark.parametrize("size", [LARGE, LARGE + 1])
def test_W7_a_large_request_leaves_room_for_others(size: int) -> None:
    large: list[Message] = [
        Submit(PLAN, RunKind.JOB, Answer(), size=size),
        CreateBackfill(None, None, b"x" * size, Answer()),  # type: ignore[arg-type]
        ChangePartitions("keys", ("x" * size,), True, Answer()),
    ]
    small: list[Message] = [Submit(PLAN, RunKind.JOB, Answer()), Tick()]
    lanes = Lanes()
    for one in [*large, *small]:
        lanes.put(one)
    assert batches(lanes) == ([small, large] if size > LARGE else [[*large, *small]])


def test_W7_batches_of_the_second_lane_are_bounded_and_its_lines_take_turns() -> None:
    lanes = Lanes()
    for location in ("loud", "louder"):
        lanes.put(reported(*of(1, *[MUCH] * 16), location=location))
    found = batches(lanes)
    assert len(found) == 2 * 16 * MAX_BYTES // MAX_SECOND_BYTES
    for batch in found:
        assert [message.location for message in batch if isinstance(message, Reported)] == ["loud", "louder"] * 2


def test_W7_neither_lane_starves() -> None:
    lanes = Lanes()
    lanes.put(reported(*of(1, *[MUCH] * 16)))
    kinds = []
    for _ in range(8):
        while not lanes.is_full:
            lanes.put(Tick())
        batch = lanes.next_batch()
        lanes.decided(len(batch))
        kinds.append(type(batch[0]))
    assert kinds == [Tick, Reported] * 4


def test_W7_the_second_lane_waits_for_what_came_first_of_the_first() -> None:
    lanes = Lanes()
    for _ in range(2 * MAX_MESSAGES - 1):
        lanes.put(Tick())
    lanes.put(reported(*of(1, Started(), MUCH)))
    starts = [reports_of(batch)[0] for batch in batches(lanes) if reports_of(batch)]
    assert starts == of(1, Started(), MUCH)


def test_W7_a_message_with_many_reports_is_taken_in_pieces() -> None:
    lanes = Lanes()
    reports = [report for token in range(250) for report in of(token, Started())]
    lanes.put(reported(*reports))
    (batch,) = batches(lanes)
    assert [len(message.reports) for message in batch if isinstance(message, Reported)] == [100, 100, 50]
    assert MAX_REPORTS == 100
    assert reports_of(batch) == reports


def test_W7_a_flood_holds_up_no_other_run() -> None:
    world = LanedWorld()
    loud, quiet = world.add_location("loud", ONE), world.add_location("quiet", snapshot_of({"a": [], "b": ["a"]}))
    flood = world.ask("loud")
    loud.start_all()
    (flooding,) = loud.held.values()
    world.is_holding = True
    for _ in range(128):
        loud.write(flooding, "x" * MAX_BYTES)
    loud.end(flooding, AttemptOutcome.SUCCEEDED)
    other = world.ask("quiet")
    turns = 0
    while not world.is_over(other):
        world.turn()
        quiet.start_all()
        quiet.end_all()
        turns += 1
    assert turns <= 6, "for each of three messages one batch of its own, and one of the flood at most"
    while not world.is_over(flood):
        world.turn()
        turns += 1
    assert turns >= 128 * MAX_BYTES // MAX_SECOND_BYTES, "the end of the step that floods waits for its output"
    assert world.output_of(flood.result[0].run_id) == "x" * 128 * MAX_BYTES + "one\n"
    assert world.state_of(flood.result[0].run_id) == RunState.SUCCEEDED
    assert world.closed == []


def test_W7_the_thread_takes_a_request_before_the_flood_that_came_first() -> None:
    world = World()
    loud = world.add_location("loud", ONE)
    flood = world.submit("loud")
    loud.start_all()
    (flooding,) = loud.held.values()
    bodies = [*[MUCH] * 64, ENDED]
    thread = CoreThread(world.core, pytest.fail)
    committed: list[tuple[int, bool, bool]] = []
    commit = world.store.commit

    def committing(writes: WriteSet) -> None:
        commit(writes)
        committed.append((len(writes.logs), bool(writes.new_runs), world.state_of(flood).is_terminal))

    world.store.commit = committing  # type: ignore[method-assign]
    for first in range(0, len(bodies), 16):
        reports = of(flooding.assign.token, *bodies[first : first + 16], first_seq=first + 2)
        message = reported(*reports, location="loud")
        thread.put(Reported("loud", loud.session, message.reports, message.size))
    thread.put(Submit(plan_job(ONE, "all", location="loud"), RunKind.JOB, Answer()))
    thread.start()
    thread.stop()
    logs, is_submitted, is_over = zip(*committed, strict=True)
    assert is_submitted[0]
    assert sum(logs) == 64
    assert max(logs) <= MAX_SECOND_BYTES // MAX_BYTES
    assert is_over == (*[False] * (len(committed) - 1), True), "the end comes after all of the output"
