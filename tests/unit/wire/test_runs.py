"""Events, runs, steps, captured output, failures and assignments on the wire."""

from hypothesis import given
from hypothesis import strategies as st

from rivers.definitions.kinds import Delivery
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.fan_out import OUTSIDE, Producer
from rivers.lifecycle.states import (
    AttemptOutcome,
    EventType,
    FailureReason,
    LaunchCause,
    LogStream,
    RunKind,
    RunState,
    StepState,
)
from rivers.lifecycle.step import StepProgress
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import Placement, PlannedEdge, PlannedOutput, PlannedStep, StepId
from rivers.storage.rows import EventRow, LogRow, RunRow
from rivers.v1 import failure_pb2, run_pb2, step_service_pb2, value_pb2
from rivers.wire import events, failures, identity, runs, steps, times, values
from tests.unit.wire import strategies as some

AT = 1_763_629_000_123_456_789
BOOM = Failure(FailureReason.ERROR, "ValueError: boom", ("builtins.ValueError",), "Traceback ...")


@given(some.failures)
def test_a_failure_survives_the_wire(failure):
    assert failures.decode_failure(failures.encode_failure(failure)) == failure


def test_a_failure_with_text_that_is_no_unicode_is_made_printable():
    encoded = failures.encode_failure(Failure(FailureReason.ERROR, "ValueError: \udce9é"))
    assert encoded.message == "ValueError: \\udce9é"


def test_a_failure_of_a_newer_version_is_an_error():
    assert failures.decode_failure(failure_pb2.Failure(reason=99)).reason == FailureReason.ERROR


@given(st.integers(0, 2**62))
def test_times_are_exact(nanoseconds):
    assert times.decode_time(times.encode_time(nanoseconds)) == nanoseconds


@given(st.floats(0, 1e6))
def test_durations_are_exact_to_the_nanosecond(seconds):
    duration = times.encode_duration(seconds)
    assert 0 <= duration.nanos < 1_000_000_000
    assert abs(times.decode_duration(duration) - seconds) < 1e-8


def test_an_event_carries_its_place_and_everything_it_says():
    step = PlannedStep(StepId("a", "k"), "a", (PlannedOutput("a"),))
    event = Event(
        EventType.STEP_RETRIED,
        0,
        2,
        "a",
        metadata=(("rows", 2, 2**53 + 1),),
        facts=(("pool", "db"),),
        data_version="v1",
        failure=BOOM,
        delay=1.25,
        partition_key=PartitionKey.single("2024-01-01"),
    )
    encoded = events.encode_event(EventRow("r", 7, AT, event, step), 99)
    assert (encoded.run_id, encoded.seq, encoded.position) == ("r", 7, 99)
    assert times.decode_time(encoded.time) == AT
    assert encoded.type == run_pb2.EVENT_TYPE_STEP_RETRIED
    assert (encoded.step_key, encoded.attempt, encoded.node) == ("a__k", 2, "a")
    assert identity.decode_step_id(encoded.step) == step.id
    assert values.decode_metadata(encoded.metadata) == event.metadata
    assert values.decode_tags(encoded.facts) == event.facts
    assert encoded.data_version == "v1"
    assert failures.decode_failure(encoded.failure) == BOOM
    assert times.decode_duration(encoded.next_delay) == 1.25
    assert identity.decode_partition_key(encoded.partition_key) == event.partition_key


def test_an_event_of_the_run_says_nothing_about_a_step():
    encoded = events.encode_event(EventRow("r", 1, AT, Event(EventType.RUN_QUEUED), None))
    assert not encoded.step_key
    for field in ("step", "data_version", "failure", "next_delay", "partition_key"):
        assert not encoded.HasField(field)


def test_a_run_shows_its_row():
    row = RunRow(
        run_id="r",
        kind=RunKind.JOB,
        location="weather",
        job="daily",
        nodes=("a", "b"),
        tags=(("k", "v"), ("k", "w")),
        submitted_at=AT,
        cause=LaunchCause.SCHEDULE,
        cause_name="nightly",
        state=RunState.FAILED,
        started_at=AT + 1,
        ended_at=AT + 2,
        failure=BOOM,
        total_steps=2,
        completed_steps=1,
        partition_key=PartitionKey.multi({"d": "x"}),
        last_seq=9,
    )
    run = runs.encode_run(row, block_reason="")
    assert (run.run_id, run.root_run_id, run.job, run.location) == ("r", "r", "daily", "weather")
    assert (run.state, run.kind) == (run_pb2.RUN_STATE_FAILED, run_pb2.RUN_KIND_JOB)
    assert list(run.nodes) == ["a", "b"]
    assert values.decode_tags(run.tags) == row.tags
    assert [times.decode_time(at) for at in (run.submit_time, run.start_time, run.end_time)] == [AT, AT + 1, AT + 2]
    assert (run.launch.cause, run.launch.name) == (run_pb2.LAUNCH_CAUSE_SCHEDULE, "nightly")
    assert failures.decode_failure(run.failure) == BOOM
    assert (run.completed_steps, run.total_steps, run.last_seq) == (1, 2, 9)


def test_a_queued_run_has_no_times_yet_and_says_why_it_waits():
    row = RunRow(run_id="r", kind=RunKind.JOB, location="w", job=None, nodes=(), tags=(), submitted_at=AT)
    run = runs.encode_run(row, block_reason="10 of 10 runs in flight")
    assert run.block_reason == "10 of 10 runs in flight"
    assert not run.job
    for field in ("start_time", "end_time", "failure", "partition_key"):
        assert not run.HasField(field)


def test_a_step_shows_how_far_it_has_come():
    progress = StepProgress(3, 1)
    progress.state, progress.attempt, progress.failure = StepState.WAITING, 2, BOOM
    step = runs.encode_step(PlannedStep(StepId("a"), "a", (PlannedOutput("a"),), location="w"), progress)
    assert (step.ordinal, step.key, step.state, step.attempt, step.location) == (3, "a", 5, 2, "w")
    assert step.failure.message == "ValueError: boom"


def test_captured_output_that_is_no_unicode_is_made_printable():
    chunk = runs.encode_log(LogRow("r", 4, AT, "a", 1, LogStream.STDERR, "caf\udce9"))
    assert (chunk.seq, chunk.stream, chunk.text) == (4, run_pb2.LOG_STREAM_STDERR, "caf\\udce9")
    assert times.decode_time(chunk.time) == AT


def test_an_assignment_says_what_to_run_and_where_its_inputs_come_from():
    planned = PlannedStep(
        StepId("b"),
        "b",
        (PlannedOutput("b"),),
        (
            PlannedEdge("a", 0, "a"),
            PlannedEdge("x", None, None),
            PlannedEdge("g/t__collect", 1, "ts", delivery=Delivery.STREAMED),
        ),
        placement=Placement.HOME,
    )
    work = steps.encode_work(
        planned,
        [Producer(42, has_value=False), OUTSIDE, Producer(results=(("g/t__0", 7), ("g/t__1", 8)))],
        run_id="r",
        mapping_index=3,
        home_required=True,
        config=values.encode_map({"n": 3}),
        tags=[value_pb2.Tag(key="k", value="v")],
        job="daily",
        registered={"shops": ["a", "ü"], "goods": []},
    )
    assert steps.decode_work(step_service_pb2.StepWork.FromString(work.SerializeToString())) == steps.Work(
        id=StepId("b"),
        step_key="b",
        step="b",
        outputs=("b",),
        inputs=(
            steps.Input("a", "a", 42, "r", has_value=False),
            steps.Input("x"),
            steps.Input("g/t__collect", "ts", 0, "r", Delivery.STREAMED, results=(("g/t__0", 7), ("g/t__1", 8))),
        ),
        placement=Placement.HOME,
        home_required=True,
        config={"n": 3},
        tags=(("k", "v"),),
        job="daily",
        mapping_index=3,
        registered={"shops": ["a", "ü"], "goods": []},
    )


def test_an_attempts_reports_carry_what_they_say():
    stored = steps.encode_materialized("a", (("rows", 2, 5),), "v1", PartitionKey.single("k"), has_value=False)
    assert (stored.node, stored.data_version, stored.has_value) == ("a", "v1", False)
    assert identity.decode_partition_key(stored.partition_key) == PartitionKey.single("k")
    assert not steps.encode_observed("a").HasField("data_version")
    assert steps.decode_ended(steps.encode_ended(AttemptOutcome.SUCCEEDED)) == (AttemptOutcome.SUCCEEDED, None)
    ended = steps.encode_ended(AttemptOutcome.FAILED, BOOM, home_lost=True)
    assert steps.decode_ended(ended) == (AttemptOutcome.FAILED, BOOM)
    assert ended.home_lost
