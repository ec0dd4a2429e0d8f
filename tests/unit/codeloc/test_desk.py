"""The desk's rules, on a clock that is moved by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeloc.book import SessionRefused
from codeloc.endings import Exit
from codeloc.lease import ENDLESS, is_fresh, stop_grace
from rivers.v1 import step_service_pb2 as pb
from rivers.v1.run_pb2 import LOG_STREAM_STDOUT
from rivers.wire.times import encode_duration
from tests.unit.codeloc.seams import Place

NOT_STARTED = pb.ATTEMPT_OUTCOME_NOT_STARTED


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A desk with a session."""
    place = Place(tmp_path / "spool")
    place.attach()
    return place


@pytest.mark.parametrize(
    ("silence", "lease", "fresh"),
    [(0, 10, True), (4.9, 10, True), (5, 10, False), (29.9, 900, True), (30, 900, False), (29, float("inf"), True)],
)
def test_A3_fresh_is_relative_to_the_beat(silence: float, lease: float, fresh: bool) -> None:
    assert is_fresh(100 + silence, 100, lease) is fresh


@pytest.mark.parametrize(
    ("step_lease", "interval"), [(None, 2.0), (900.0, 2.0), (ENDLESS, 2.0), (20.0, 2.0), (6.0, 0.6), (0.25, 0.05)]
)
def test_A4_a_location_with_a_short_lease_beats_ten_times_within_it(
    tmp_path: Path, step_lease: float | None, interval: float
) -> None:
    place = Place(tmp_path / "spool", step_lease=step_lease)
    place.attach()  # the scheduler asks for a beat every 2 s
    place.pass_time(10 * interval + interval / 2)
    assert len(place.outlet.beats()) == 10


def test_a_grace_is_a_third_of_a_short_lease() -> None:
    assert stop_grace(900) == 10
    assert stop_grace(9) == 3


def test_A2_an_attempt_is_on_disk_before_it_starts(place: Place) -> None:
    place.assign(1)
    assert place.crew.take() == [("assign", 2, 1)]
    after = place.restarted()
    assert [(held.token, held.boot, held.phase) for held in after.attach(adopt=False).attempts] == [
        (1, 1, pb.ATTEMPT_PHASE_RUNNING)
    ]


def test_one_that_waits_is_known_not_to_have_started(place: Place) -> None:
    for token in (1, 2, 3):
        place.assign(token)
    phases = {held.token: held.phase for held in place.restarted().attach(adopt=False).attempts}
    assert phases == {1: 2, 2: 2, 3: pb.ATTEMPT_PHASE_RECEIVED}


def test_attempts_start_in_their_order(place: Place) -> None:
    for token in (1, 2, 3, 4):
        place.assign(token)
    assert [order[2] for order in place.crew.take()] == [1, 2]
    place.ended(1, 2)
    place.ended(2, 1)
    assert place.crew.take() == [("assign", 1, 3), ("assign", 2, 4)]


def test_A17_no_attempt_waits_behind_a_long_one_while_another_worker_idles(place: Place) -> None:
    for token in range(1, 8):
        place.assign(token)
    assert place.crew.take() == [("assign", 2, 1), ("assign", 1, 2)]  # one for each worker, whatever waits
    for token in range(2, 7):
        place.ended(1, token)
        assert place.crew.take() == [("assign", 1, token + 1)]
    assert place.outlet.end(1) is None


def test_A3_stale_relative_to_its_beat(place: Place) -> None:
    place.pass_time(33, acks=True)
    place.assign(1, last_beat=0)
    place.assign(2, last_beat=1)
    place.assign(3, last_beat=99)
    place.assign(4)
    assert [place.outlet.end(token) is not None for token in (1, 2, 3, 4)] == [True, True, True, False]


def test_A3_a_frozen_supervisor_wakes_to_an_old_assignment(place: Place) -> None:
    place.pass_time(4)
    newest = place.outlet.beats()[-1].beat
    place.clock.now += 100  # no tick in between
    place.assign(1, lease=900, last_beat=newest)
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == NOT_STARTED
    assert place.crew.take() == []


def test_A4_a_lease_runs_from_the_sending_of_the_newest_acknowledged_beat(place: Place) -> None:
    place.assign(1, lease=30)
    place.pass_time(20)  # beats are acknowledged, the last one sent at 20
    place.crew.take()
    place.pass_time(19.9, acks=False)
    assert place.crew.take() == []
    place.pass_time(0.2, acks=False)
    assert place.crew.take() == [("stop", 2, 1)]  # a grace of 10 s before the end of the lease
    place.pass_time(9.7, acks=False)
    assert place.crew.take() == []
    place.pass_time(0.3, acks=False)
    assert place.crew.take() == [("kill", 2)]
    place.killed(2)
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == pb.ATTEMPT_OUTCOME_STOPPED
    assert "its lease of 30 s passed" in ended.failure.message


def test_A4_a_lease_that_has_passed_is_not_renewed(place: Place) -> None:
    place.assign(1, lease=30)
    place.pass_time(10, acks=False)
    beat = place.outlet.beats()[-1].beat
    place.clock.now += 25  # frozen past the lease, and the acknowledgement is read on waking
    place.crew.take()
    place.send(pb.Command(beat_ack=pb.BeatAck(beat=beat)))
    assert place.crew.take()[0] == ("kill", 2)


def test_leases_outlive_sessions(place: Place) -> None:
    place.assign(1, lease=30)
    place.crew.take()
    assert place.session is not None
    place.desk.detach(place.session)
    place.pass_time(19.9)
    place.attach()
    place.pass_time(25)
    assert place.crew.take() == []
    place.assign(1, lease=30)
    assert place.crew.take() == []


def test_what_waits_ends_with_its_lease_too(place: Place) -> None:
    for token in (1, 2):
        place.assign(token, lease=900)
    place.assign(3, lease=20)
    place.pass_time(21, acks=False)
    ended = place.outlet.end(3)
    assert ended is not None
    assert ended.outcome == NOT_STARTED
    assert place.outlet.end(1) is None


def test_A10_a_result_that_was_there_in_time_counts(place: Place) -> None:
    place.assign(1, lease=30)
    place.clock.now += 40
    place.ended(2, 1)  # it was in the socket while nobody read
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
    place.killed(2)
    assert place.outlet.events(1).count("ended") == 1


def test_A12_nothing_of_a_fenced_attempt_counts(place: Place) -> None:
    place.assign(1)
    place.send(pb.Command(fence=pb.Fence(token=1)))
    place.ended(2, 1)
    place.desk.worker_output(2, LOG_STREAM_STDOUT, "still here")
    assert place.outlet.events(1) == ["started"]
    place.killed(2)
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == pb.ATTEMPT_OUTCOME_FENCED


def test_A14_a_stop_is_followed_by_a_kill(place: Place) -> None:
    place.assign(1)
    place.crew.take()
    place.send(pb.Command(stop=pb.Stop(token=1, grace=encode_duration(3), reason="enough")))
    assert place.crew.take() == [("stop", 2, 1)]
    place.pass_time(2.9)
    assert place.crew.take() == []
    place.pass_time(0.2)
    assert place.crew.take() == [("kill", 2)]


def test_a_worker_that_was_interrupted_is_replaced(place: Place) -> None:
    place.assign(1)
    place.send(pb.Command(stop=pb.Stop(token=1, grace=encode_duration(3))))
    place.crew.take()
    place.ended(2, 1, pb.ATTEMPT_OUTCOME_STOPPED)
    assert place.crew.take() == [("release", 2), ("start", 3, "")]


def test_too_many_attempts_find_no_room(tmp_path: Path) -> None:
    place = Place(tmp_path / "spool", places=3)
    place.attach()
    for token in (1, 2, 3, 4):
        place.assign(token)
    ended = place.outlet.end(4)
    assert ended is not None
    assert "no room" in ended.failure.message
    place.pass_time(2)
    beat = place.outlet.beats()[-1]
    assert (beat.free_places, beat.held_count, beat.held_hash) == (0, 3, 1 ^ 2 ^ 3)


def test_home_attempts_run_one_after_another_in_one_process(place: Place) -> None:
    place.assign(1, home="a")
    place.assign(2, home="a", home_required=True)
    assert place.crew.take() == [("start", 3, "a")]
    place.desk.worker_ready(3, 103)
    assert place.crew.take() == [("assign", 3, 1)]
    place.ended(3, 1)
    assert place.crew.take() == [("assign", 3, 2)]
    place.killed(3)
    ended = place.outlet.end(2)
    assert ended is not None
    assert (ended.outcome, ended.home_lost) == (pb.ATTEMPT_OUTCOME_CRASHED, True)
    place.assign(3, home="a", home_required=True)
    ended = place.outlet.end(3)
    assert ended is not None
    assert (ended.outcome, ended.home_lost) == (NOT_STARTED, True)


def test_a_home_is_released(place: Place) -> None:
    place.assign(1, home="a")
    place.desk.worker_ready(3, 103)
    place.ended(3, 1)
    place.crew.take()
    place.send(pb.Command(release_home=pb.ReleaseHome(run_id="a")))
    assert place.crew.take() == [("release", 3)]
    place.desk.worker_gone(3, Exit())
    assert place.crew.take() == []


def test_workers_that_do_not_come_up(place: Place) -> None:
    for worker in (1, 2):
        place.killed(worker)
    place.assign(1)
    for _ in range(3):
        asked = [order for order in place.crew.take() if order[0] == "start"]
        assert asked, "another one is tried"
        for _, worker, _ in asked:
            assert isinstance(worker, int)
            place.killed(worker)
        place.pass_time(10)
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == NOT_STARTED
    assert "no worker can be started: the last one was killed by SIGKILL (9)" in ended.failure.message


def test_older_sessions_are_closed_before_the_inventory(place: Place) -> None:
    old, session = place.outlet, place.session
    place.assign(1)
    place.attach(adopt=False)
    assert old.closed == "session 2 of term 1 was opened"
    assert session is not None
    place.desk.receive(session, 1, [pb.Command(fence=pb.Fence(token=1))])
    place.killed(2)
    assert place.desk.book.held[1].phase.name == "ENDED"
    place.send(pb.Command(adopt=pb.Adopt(beat=0)))
    place.replay()
    ended = place.outlet.end(1)
    assert ended is not None
    assert ended.outcome == pb.ATTEMPT_OUTCOME_CRASHED  # the fence of the old session was not read


def test_older_sessions_are_refused_after_a_restart_too(place: Place) -> None:
    place.attach(term=3, number=7)
    after = place.restarted()
    with pytest.raises(SessionRefused, match="restored from a backup"):
        after.attach(term=3, number=7)
    after.attach(term=3, number=8)


def test_nothing_is_sent_live_before_the_replay_is_over(place: Place) -> None:
    place.assign(1)
    place.attach(adopt=False)
    place.desk.worker_output(2, LOG_STREAM_STDOUT, "meanwhile")
    place.ended(2, 1)
    assert place.outlet.events(1) == []
    place.send(pb.Command(adopt=pb.Adopt(beat=0, keep=[1])))
    assert place.outlet.is_awake
    place.replay()
    assert place.outlet.events(1) == ["started", "log", "ended"]
    assert place.outlet.reports[-1].HasField("replayed")
    assert [report.event.seq for report in place.outlet.reports if report.HasField("event")] == [1, 2, 3]


def test_what_a_slow_stream_cannot_take_is_read_from_the_spool(place: Place) -> None:
    place.assign(1)
    place.outlet.backlog = 5 << 20
    for number in range(3):
        place.desk.worker_output(2, LOG_STREAM_STDOUT, f"{number}")
    assert place.outlet.events(1) == ["started"]
    place.outlet.backlog = 0
    place.replay()
    place.desk.worker_output(2, LOG_STREAM_STDOUT, "live again")
    assert [report.event.seq for report in place.outlet.reports if report.HasField("event")] == [1, 2, 3, 4, 5]


def test_what_an_older_boot_left_is_dropped_once_it_was_heard(place: Place) -> None:
    for token in (1, 2, 3):
        place.assign(token)
    place.ended(1, 2)
    after = place.restarted()
    assert {held.token for held in after.attach().attempts} == {1, 2, 3}
    assert after.outlet.events(1) == ["started"]
    assert after.outlet.events(2) == ["started", "ended"]
    after.ack(1)
    after.ack(2)
    after.ack(3)
    assert not after.desk.book.held
    assert not after.attach().attempts


def test_a_location_that_drains_takes_nothing(place: Place) -> None:
    for token in (1, 2, 3):
        place.assign(token)
    place.desk.drain()
    place.assign(4)
    assert [place.outlet.end(token) is not None for token in (1, 2, 3, 4)] == [False, False, True, True]
    assert not place.desk.is_clear
    place.ended(2, 1)
    place.ended(1, 2)
    for token in (1, 2, 3, 4):
        place.ack(token)
    assert place.desk.is_clear


def test_while_the_disk_is_full_nothing_leaves_and_nothing_starts(place: Place, tmp_path: Path) -> None:
    place.assign(1)
    place.crew.take()
    ledger = place.desk.book._ledger
    assert ledger is not None
    flush, ledger.spool.flush = ledger.spool.flush, lambda: False  # type: ignore[method-assign]
    place.ended(2, 1)
    place.assign(2)
    assert place.outlet.end(1) is None
    assert place.crew.take() == [("hold", True)]
    place.pass_time(4)
    assert place.outlet.beats()[-1].free_places == 0
    ledger.spool.flush = flush  # type: ignore[method-assign]
    place.pass_time(1.5)
    assert place.outlet.end(1) is not None
    assert ("hold", False) in place.crew.take()
    assert place.outlet.end(2) is not None  # it came while there was no room
