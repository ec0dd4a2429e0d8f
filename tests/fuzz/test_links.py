"""Whatever a location says: the scheduler drops its session, stays up, and other locations go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.v1 import step_service_pb2 as pb
from rivers.v1.definition_service_pb2 import GetSnapshotResponse
from tests.fuzz.fake_location import FakeLocation, Session, opened, snapshot
from tests.fuzz.messages import FUZZ, Drawing, drawings
from tests.fuzz.server import Target
from tests.stack import Stack

RESPONSE, PART = pb.AttachResponse.DESCRIPTOR, GetSnapshotResponse.DESCRIPTOR
#: Each example waits until the scheduler has dialled again.
FEW = settings(FUZZ, max_examples=25)


@pytest.fixture
def liar(stack: Stack) -> Iterator[FakeLocation]:
    """A location beside `team`, and a scheduler that must not mind."""
    assert stack.scheduler is not None
    address = f"127.0.0.1:{stack.port}"
    with Target(address, stack.scheduler.process.pid), FakeLocation(address, "liar") as location:
        yield location
        run = stack.client.runs.submit("team", job="totals")
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.scheduler.process.poll() is None
    for trouble in ("link_failed", "batch_aborted", "core_died", "request_failed"):
        assert trouble not in stack.scheduler.stderr()


def event(token: int, seq: int, **body: object) -> pb.AttachResponse:
    return pb.AttachResponse(reports=[pb.Report(event=pb.AttemptEvent(token=token, seq=seq, **body))])  # type: ignore[arg-type]


def test_any_reports(liar: FakeLocation) -> None:
    known = {"token": [1, 2, 3], "seq": [1, 2], "Inventory": [liar.inventory], "home_id": [liar.inventory.home_id]}

    @FEW
    @given(drawings(**known), st.booleans(), st.booleans())
    def survived(drawing: Drawing, is_open: bool, is_mangled: bool) -> None:
        messages = [drawing.message(RESPONSE) for _ in range(4)]

        def answers(session: Session) -> Iterator[pb.AttachResponse | bytes]:
            if is_open:
                yield from opened(session)
            for message in messages:
                yield drawing.mangled(message) if is_mangled else message.SerializeToString()

        liar.lie(answers)

    survived()


def test_any_definitions(liar: FakeLocation) -> None:
    good = snapshot("liar")

    @FEW
    @given(drawings(kind=[1, 2], digest=["liar"]), st.booleans(), st.booleans())
    def survived(drawing: Drawing, has_header: bool, is_mangled: bool) -> None:
        drawn = [drawing.message(PART) for _ in range(3)]
        parts = [drawing.mangled(one) if is_mangled else one.SerializeToString() for one in drawn]
        liar.mislead([*good[: int(has_header)], *parts])

    survived()


@pytest.mark.parametrize(
    "lies",
    [
        [event(1, 2), event(1, 1)],
        [event((1 << 64) - 1, (1 << 64) - 1, ended=pb.AttemptEnded(outcome=pb.ATTEMPT_OUTCOME_SUCCEEDED))],
        [event(99, 1, log=pb.AttemptLog(stream=1, text="x" * (3 << 20)))] * 5,  # type: ignore[arg-type]
        [event(99, 1, time=Timestamp(seconds=-(2**63)), started=pb.AttemptStarted(pid=-1))],
        [pb.AttachResponse(reports=[pb.Report(replayed=pb.Replayed())] * 1000)],
        [pb.AttachResponse(reports=[pb.Report(beat=pb.Beat(beat=1 << 63, held_count=99, held_hash=1 << 60))])],
        [pb.AttachResponse(reports=[pb.Report(inventory=pb.Inventory(home_id="other", boot=(1 << 64) - 1))])],
        [b"\xff\xff\xff"],
    ],
)
def test_lies_of_a_session(liar: FakeLocation, lies: list[pb.AttachResponse | bytes]) -> None:
    def answers(session: Session) -> Iterator[pb.AttachResponse | bytes]:
        yield from opened(session)
        yield from lies

    liar.lie(answers)


def test_a_link_outlives_every_end_of_its_sessions(liar: FakeLocation) -> None:
    beats = pb.AttachResponse(reports=[pb.Report(beat=pb.Beat(beat=number)) for number in range(50)])
    bad = pb.AttachResponse(reports=[pb.Report(inventory=pb.Inventory(home_id="other", boot=(1 << 64) - 1))])
    for _ in range(20):
        liar.lie(lambda session: iter([beats, beats, bad]))  # refused by the link, which is answering beats
        liar.lie(lambda session: iter([beats, beats]))  # dropped by the core: no session was opened
