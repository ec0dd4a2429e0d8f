"""Whatever a scheduler, or somebody who says that he is one, sends to a location: it closes the session, and stands."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from rivers.v1 import definition_service_pb2, step_service_pb2
from rivers.v1 import step_service_pb2 as pb
from rivers.v1.definition_service_pb2_grpc import DefinitionServiceStub
from rivers.v1.step_service_pb2_grpc import StepServiceStub
from tests.contract import LOCATION
from tests.fuzz.messages import FUZZ, Drawing, drawings, is_readable
from tests.fuzz.server import BAD, DEADLINE, Target
from tests.services.credentials.cli import refused, rivers
from tests.services.location.served import Served

SOURCE = """
@rs.Asset
def numbers() -> list:
    return [1, 2, 3]
repo = rs.CodeRepository(assets=[numbers])
"""
ATTACH = step_service_pb2.DESCRIPTOR.services_by_name["StepService"].methods_by_name["Attach"]
BEAT = Duration(nanos=50_000_000)


class Leader:
    """Numbers sessions, so that each is newer than the one before."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.term = 1
        self.tokens = itertools.count(1_000)
        self._sessions = itertools.count(1)
        with grpc.insecure_channel(served.address) as channel:
            parts = list(DefinitionServiceStub(channel).GetSnapshot(definition_service_pb2.GetSnapshotRequest()))
        (self.digest,) = [part.header.digest for part in parts if part.HasField("header")]

    def opening(self, *commands: pb.Command) -> pb.AttachRequest:
        """The first message of a session, with these commands behind it."""
        opening = pb.SessionOpen(store_id="store", session=next(self._sessions), beat_interval=BEAT)
        return pb.AttachRequest(term=self.term, commands=[pb.Command(open=opening), *commands])

    def target(self) -> Target:
        """The location under fire."""
        return Target(self.served.address, self.served.program.process.pid)


@pytest.fixture(scope="module")
def leader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leader]:
    """A location, loaded, and who speaks to it."""
    served = Served(tmp_path_factory.mktemp("location"), SOURCE)
    yield Leader(served)
    served.close()


def stands(leader: Leader) -> None:
    """It met nothing that it was not made for, and still does as it is told."""
    assert leader.served.program.process.poll() is None
    assert "Traceback" not in leader.served.program.stderr()


@pytest.mark.parametrize("mangled", [False, True])
@pytest.mark.parametrize("method", [one for one in LOCATION if one != ATTACH], ids=lambda method: method.name)
def test_any_request_is_answered_by_name(leader: Leader, method: MethodDescriptor, mangled: bool) -> None:
    kind = GetMessageClass(method.input_type)

    @FUZZ
    @given(drawings())
    def answered(drawing: Drawing) -> None:
        message = drawing.message(method.input_type)
        raw = drawing.mangled(message) if mangled else message.SerializeToString()
        status, details = target.ask(method, raw)
        assert status not in BAD, (status, details, raw[:200])
        assert status != grpc.StatusCode.DEADLINE_EXCEEDED, raw[:200]
        assert (status == grpc.StatusCode.INVALID_ARGUMENT) is not is_readable(kind, raw)

    with leader.target() as target:
        answered()
    stands(leader)


@pytest.mark.parametrize(
    "opening",
    [
        pb.SessionOpen(session=1),
        pb.SessionOpen(store_id=".", session=1),
        pb.SessionOpen(store_id="..", session=1),
        pb.SessionOpen(store_id="a\0", session=1),
        pb.SessionOpen(store_id="x" * 201, session=1),
        pb.SessionOpen(store_id="other", session=1, beat_interval=Duration(seconds=-1)),
        pb.SessionOpen(store_id="other", session=1, beat_interval=Duration(nanos=1)),
        pb.SessionOpen(store_id="other", session=1, beat_interval=Duration(seconds=2**62)),
    ],
)
def test_a_session_that_cannot_be_is_refused(leader: Leader, opening: pb.SessionOpen) -> None:
    with leader.target() as target:
        message = pb.AttachRequest(term=1 << 40, commands=[pb.Command(open=opening)])
        status, details = target.attach(ATTACH, [message])
        assert (status, details.count("\n")) == (grpc.StatusCode.INVALID_ARGUMENT, 0)
    stands(leader)


def test_any_commands_after_a_valid_opening_end_the_session_or_are_answered(leader: Leader) -> None:
    known = {
        "token": [1, 2, 3],
        "keep": [1, 2],
        "fence": [1, 2, 3, 4],
        "forget": [1, 2, 5],
        "boot": [1],
        "last_beat": [0],
        "digest": [leader.digest],
        "step": ["numbers"],
        "outputs": ["numbers"],
        "run_id": ["run"],
        "lease": [Duration(seconds=60)],
        "Duration": [Duration(seconds=60), Duration(seconds=-1), Duration(nanos=-(2**31))],
        "Adopt": [pb.Adopt()],
        "term": [leader.term],
    }

    @FUZZ
    @given(drawings(**known), st.integers(1, 6))
    def survived(drawing: Drawing, count: int) -> None:
        messages = [drawing.message(ATTACH.input_type) for _ in range(count)]
        for message in messages:
            assert isinstance(message, pb.AttachRequest)
            message.term = leader.term
        opening = leader.opening(*([pb.Command(adopt=pb.Adopt())] if count % 2 else []))
        status, details = target.attach(ATTACH, [opening, *messages])
        assert status not in BAD, (status, details, messages)
        assert status != grpc.StatusCode.DEADLINE_EXCEEDED

    with leader.target() as target:
        survived()
        status, details = target.attach(ATTACH, [leader.opening(pb.Command(adopt=pb.Adopt()))])
        assert status == grpc.StatusCode.OK, details
    stands(leader)


def test_any_bytes_on_the_stream_end_it_by_name(leader: Leader) -> None:
    @FUZZ
    @given(drawings() | st.binary(max_size=200), st.booleans())
    def survived(drawing: Drawing | bytes, is_open: bool) -> None:
        raw = drawing if isinstance(drawing, bytes) else drawing.mangled(drawing.message(ATTACH.input_type))
        status, details = target.attach(ATTACH, [leader.opening(), raw] if is_open else [raw])
        assert status not in BAD, (status, details, raw[:200])
        if not is_readable(pb.AttachRequest, raw):
            assert status == grpc.StatusCode.INVALID_ARGUMENT

    with leader.target() as target:
        survived()
    stands(leader)


@pytest.mark.parametrize(
    ("commands", "status"),
    [
        ([pb.Command(adopt=pb.Adopt()), pb.Command(adopt=pb.Adopt())], grpc.StatusCode.ABORTED),
        ([pb.Command(open=pb.SessionOpen(store_id="store", session=1 << 40))], grpc.StatusCode.ABORTED),
        ([pb.Command(ack=pb.Ack(token=99, seq=(1 << 64) - 1))], grpc.StatusCode.OK),
        ([pb.Command(beat_ack=pb.BeatAck(beat=1 << 63))], grpc.StatusCode.OK),
        ([pb.Command(release_home=pb.ReleaseHome(run_id="\0" * 1000))], grpc.StatusCode.OK),
        ([pb.Command(fence=pb.Fence(token=(1 << 64) - 1))], grpc.StatusCode.OK),
        ([pb.Command(stop=pb.Stop(token=7, grace=Duration(seconds=-(2**60))))], grpc.StatusCode.OK),
        ([pb.Command()], grpc.StatusCode.OK),
    ],
)
def test_nonsense_closes_the_session_or_changes_nothing(
    leader: Leader, commands: list[pb.Command], status: grpc.StatusCode
) -> None:
    with leader.target() as target:
        assert target.attach(ATTACH, [leader.opening(), pb.AttachRequest(term=1, commands=commands)])[0] == status
    stands(leader)


@pytest.mark.parametrize(
    ("assign", "outcome"),
    [
        (pb.Assign(boot=77, step=pb.StepWork(step="nobody")), pb.ATTEMPT_OUTCOME_NOT_STARTED),
        (pb.Assign(boot=1, step=pb.StepWork(step="nobody")), pb.ATTEMPT_OUTCOME_FAILED),
        (pb.Assign(boot=1, step=pb.StepWork(step="numbers", placement=77)), pb.ATTEMPT_OUTCOME_FAILED),  # type: ignore[arg-type]
        (pb.Assign(boot=1, lease=Duration(seconds=-5), step=pb.StepWork()), pb.ATTEMPT_OUTCOME_NOT_STARTED),
        (pb.Assign(boot=1, last_beat=1 << 60, step=pb.StepWork()), pb.ATTEMPT_OUTCOME_NOT_STARTED),
        (pb.Assign(boot=1), pb.ATTEMPT_OUTCOME_NOT_STARTED),
    ],
)
def test_an_assignment_of_what_is_not_there_ends_at_once(leader: Leader, assign: pb.Assign, outcome: int) -> None:
    token = next(leader.tokens)
    given = pb.Assign(token=token, run_id="r")
    given.MergeFrom(assign)
    is_over = threading.Event()

    def messages() -> Iterator[pb.AttachRequest]:
        yield leader.opening(pb.Command(adopt=pb.Adopt()), pb.Command(assign=given))
        is_over.wait(DEADLINE)

    with leader.target(), grpc.insecure_channel(leader.served.address) as channel:
        call = StepServiceStub(channel).Attach(messages(), timeout=DEADLINE)
        reports = (report for answer in call for report in answer.reports)
        ended = next(one.event.ended for one in reports if one.event.token == token and one.event.HasField("ended"))
        is_over.set()
        call.cancel()
    assert ended.outcome == outcome, ended
    stands(leader)


def test_limits_are_settings_and_what_is_over_them_is_refused(tmp_path: Path) -> None:
    bounds = {"message_bytes": 10_000, "calls_per_connection": 2, "held_attempts": 3}
    options = [part for name, number in bounds.items() for part in ("--limit", f"{name}={number}")]
    served = Served(tmp_path, SOURCE, *options)
    try:
        leader = Leader(served)
        with leader.target() as target:
            large = pb.Command(release_home=pb.ReleaseHome(run_id="x" * 20_000))
            status, details = target.attach(ATTACH, [leader.opening(), pb.AttachRequest(term=1, commands=[large])])
            assert status == grpc.StatusCode.RESOURCE_EXHAUSTED, details
            fences = [pb.Command(fence=pb.Fence(token=token)) for token in range(1, 6)]
            status, details = target.attach(ATTACH, [leader.opening(pb.Command(adopt=pb.Adopt()), *fences)])
            assert (status, "holds 3 attempts" in details) == (grpc.StatusCode.ABORTED, True), details
        stands(leader)
    finally:
        served.close()


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("calls=0", "at least 1"),
        ("call=5", "there is no limit 'call'"),
        ("calls=many", "give a whole number"),
        ("watchers=5", "held_attempts"),
    ],
)
def test_a_limit_that_is_none_is_named(tmp_path: Path, limit: str, words: str) -> None:
    (tmp_path / "empty.py").write_text("")
    line = refused(rivers(tmp_path, "serve", "empty", "--grpc-port", "0", "--limit", limit, PYTHONPATH=str(tmp_path)))
    assert words in line
