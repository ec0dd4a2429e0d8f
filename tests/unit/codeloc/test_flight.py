"""How much a scheduler is asked to hold."""

from __future__ import annotations

from pathlib import Path

from codeloc.flight import Flight
from codeloc.session import SessionState
from rivers.v1 import run_pb2
from rivers.v1 import step_service_pb2 as pb
from tests.unit.codeloc.seams import Place

MIB = 1 << 20


def test_acknowledged_events_make_room() -> None:
    flight = Flight()
    for seq in range(1, 9):
        flight.sent(7, seq, MIB)
    flight.sent(7, 8, MIB)  # said again
    assert flight.is_full
    assert flight.acknowledged(7, 2)
    assert flight.size == 6 * MIB
    assert not flight.acknowledged(7)
    assert flight.size == 0
    assert not flight.acknowledged(8, 1)


def test_A15_a_flood_waits_in_the_spool_until_the_scheduler_has_committed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.attach()
    place.assign(1)
    text = "x" * MIB
    for _ in range(20):
        place.desk.worker_output(2, run_pb2.LOG_STREAM_STDOUT, text)
    place.ended(2, 1)
    assert place.session is not None
    assert place.session.state is SessionState.REPLAYING
    place.replay()
    assert place.outlet.events(1).count("log") == 8
    place.outlet.is_awake = False
    place.send(pb.Command(ack=pb.Ack(token=1, seq=5)))
    assert place.outlet.is_awake
    place.replay()
    assert 11 < place.outlet.events(1).count("log") < 20
    for _ in range(5):
        place.send(pb.Command(ack=pb.Ack(token=1, seq=len(place.outlet.events(1)))))
        place.replay()
    assert place.outlet.events(1) == ["started", *["log"] * 20, "ended"]
    assert place.session.state is SessionState.LIVE
