"""What the scheduler takes of a location, and what it does not."""

from __future__ import annotations

import math

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from rivers.errors import InvalidRequestError
from rivers.lifecycle.states import LogStream
from rivers.v1 import step_service_pb2 as pb
from rivers.v1.definition_service_pb2 import SnapshotSlice
from rivers.v1.definitions_pb2 import (
    EdgeDefinition,
    ExecutorDefinition,
    JobDefinition,
    OutputDefinition,
    RetryDefinition,
    SnapshotHeader,
    StepDefinition,
)
from rivers.v1.identity_pb2 import KeySet, KeyValues, PartitionKey
from rivers.v1.value_pb2 import ListValue, MetadataEntry, Value
from rivers_server.core import reports
from rivers_server.links.codec import LONGEST_CHUNK, decode_report
from rivers_server.links.definitions import take_definitions


def event(**body: object) -> pb.Report:
    return pb.Report(event=pb.AttemptEvent(token=1, seq=1, **body))  # type: ignore[arg-type]


def nested(depth: int) -> Value:
    value = Value(int_value=1)
    for _ in range(depth):
        value = Value(list_value=ListValue(values=[value]))
    return value


def stored(**what: object) -> pb.Report:
    return event(materialized=pb.AttemptMaterialized(**what))  # type: ignore[arg-type]


def inventory(**what: object) -> pb.Report:
    return pb.Report(inventory=pb.Inventory(**{"home_id": "h", **what}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (event(ended=pb.AttemptEnded()), "outcome 0"),
        (event(ended=pb.AttemptEnded(outcome=99)), "outcome 99"),
        (event(ended=pb.AttemptEnded(outcome=pb.ATTEMPT_OUTCOME_LOST)), "LOST"),
        (inventory(home_id=""), "an id has"),
        (inventory(home_id="h\0"), "NUL"),
        (inventory(digests=["x" * 501]), "500"),
        (inventory(boot=1 << 63), str(1 << 63)),
        (inventory(attempts=[pb.HeldAttempt(token=1, phase=77)]), "phase 77"),
        (inventory(step_lease=Duration()), "at least 0.5"),
        (inventory(step_lease=Duration(seconds=-(2**63))), "at least 0.5"),
        (stored(partition_key=PartitionKey(single=KeyValues())), "empty"),
        (stored(partition_key=PartitionKey(set=KeySet())), "empty"),
        (stored(partition_key=PartitionKey(single=KeyValues(values=["a\0"]))), "NUL"),
        (stored(metadata=[MetadataEntry(key="k", value=nested(25))]), "24"),
    ],
)
def test_what_breaks_the_protocol_is_refused(report: pb.Report, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        decode_report(report)


def test_what_user_code_wrote_is_bent_until_it_can_be_kept() -> None:
    taken = decode_report(stored(node="a\0b", data_version="\0"))
    assert isinstance(taken, reports.AttemptReport)
    assert isinstance(taken.body, reports.Materialized)
    assert (taken.body.node, taken.body.data_version) == ("a\\x00b", "\\x00")
    taken = decode_report(event(log=pb.AttemptLog(stream=99, text="x" * (LONGEST_CHUNK + 7))))
    assert isinstance(taken, reports.AttemptReport)
    assert isinstance(taken.body, reports.Logged)
    assert taken.body.stream == LogStream.STDOUT
    assert taken.body.text.endswith("\n... 7 characters of output were cut here\n")


@pytest.mark.parametrize(
    ("time", "at"),
    [
        (Timestamp(seconds=-(2**63), nanos=-(2**31)), 0),
        (Timestamp(seconds=2**63 - 1, nanos=2**31 - 1), 2**63 - 1),
        (Timestamp(seconds=5, nanos=7), 5_000_000_007),
    ],
)
def test_a_time_that_no_clock_shows_is_the_nearest_that_can_be_kept(time: Timestamp, at: int) -> None:
    taken = decode_report(event(time=time))
    assert isinstance(taken, reports.AttemptReport)
    assert taken.at == at


def step(key: str, *upstream: str, **what: object) -> StepDefinition:
    edges = [EdgeDefinition(upstream=name, trigger=1) for name in upstream]  # type: ignore[arg-type]
    outputs = [OutputDefinition(name=key, handler=1)]  # type: ignore[arg-type]
    return StepDefinition(**{"key": key, "kind": 1, "outputs": outputs, "edges": edges, **what})  # type: ignore[arg-type]


HEADER = SnapshotHeader(digest="d", module="m", default_executor=ExecutorDefinition(kind=2))  # type: ignore[arg-type]


def test_definitions_that_hold_together_are_taken() -> None:
    slices = [SnapshotSlice(steps=[step("a")]), SnapshotSlice(steps=[step("b", "a")])]
    jobs = [SnapshotSlice(jobs=[JobDefinition(name="j", steps=["a", "b"])])]
    assert take_definitions("team", HEADER, slices + jobs).digest == "d"


@pytest.mark.parametrize(
    ("header", "part", "words"),
    [
        (SnapshotHeader(), SnapshotSlice(), "kind"),
        (HEADER, SnapshotSlice(steps=[step("a", kind=99)]), "99"),
        (HEADER, SnapshotSlice(steps=[step("a"), step("a")]), "step 'a' is defined twice"),
        (HEADER, SnapshotSlice(steps=[step("a", outputs=[])]), "no output"),
        (HEADER, SnapshotSlice(steps=[step("")]), "no name"),
        (HEADER, SnapshotSlice(steps=[step("a\0")]), "NUL"),
        (HEADER, SnapshotSlice(steps=[step("a" * 501)]), "500"),
        (HEADER, SnapshotSlice(steps=[step("a", "b")]), "'b', which is not defined"),
        (
            HEADER,
            SnapshotSlice(steps=[step("a", edges=[EdgeDefinition(upstream="a", outputs=["x"])])]),
            "no output 'x'",
        ),
        (HEADER, SnapshotSlice(jobs=[JobDefinition(name="j", steps=["x"])]), "'x', which is not defined"),
        (
            HEADER,
            SnapshotSlice(steps=[step("a", retry=RetryDefinition(backoff=1, delay_seconds=math.nan))]),  # type: ignore[arg-type]
            "nan seconds",
        ),
        (HEADER, SnapshotSlice(steps=[step("a", retry=RetryDefinition(factor=math.inf))]), "inf"),
        (HEADER, SnapshotSlice(steps=[step("a", retry=RetryDefinition(backoff=4))]), "none"),  # type: ignore[arg-type]
    ],
)
def test_definitions_that_no_plan_could_be_made_from_are_refused(
    header: SnapshotHeader, part: SnapshotSlice, words: str
) -> None:
    with pytest.raises(InvalidRequestError, match="location 'team' sent definitions that cannot be taken") as raised:
        take_definitions("team", header, [part])
    if words != "kind":
        assert words in str(raised.value)
