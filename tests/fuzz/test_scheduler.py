"""Whatever is sent to the scheduler's calls: it answers with a status that says whose fault it is, and stands."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from rivers.v1 import run_service_pb2
from rivers.v1.identity_pb2 import KeyValues, PartitionKey
from rivers.v1.run_pb2 import Launch
from rivers.v1.run_service_pb2 import BatchSubmitRunsRequest, Selection, SubmitRunRequest
from rivers.v1.value_pb2 import MapValue
from rivers.wire.values import encode_map
from rivers_client import BackfillRequest, Client
from tests.contract import SCHEDULER
from tests.fuzz.messages import FUZZ, Drawing, drawings, is_readable, nested
from tests.fuzz.server import BAD, Target
from tests.stack import Stack

KNOWN = {
    "location": ["team", "team", "other"],
    "job": ["totals"],
    "nodes": ["numbers", "total", "letters"],
    "node": ["numbers", "letters"],
    "address": ["[::1]:1"],
    "home_id": ["h"],
    "page_size": [0, 1, 1000],
    "MapValue": [
        encode_map(one) for one in ({}, {"assets": 5}, {"execution": {"executor": [1]}}, {"numbers": {"a": 1}})
    ],
    "PartitionKey": [PartitionKey(single=KeyValues(values=["a"]))],
}


@pytest.mark.parametrize("method", SCHEDULER, ids=lambda method: method.name)
def test_any_message_is_answered_by_name(stack: Stack, method: MethodDescriptor) -> None:
    run = stack.client.runs.submit("team", job="totals", request_id="known")
    run.wait(timeout=30)
    backfill = stack.client.backfills.submit(
        BackfillRequest("team", ["letters"], all_partitions=True, request_id="known")
    )
    known = {**KNOWN, "run_id": [run.run_id, "nobody"], "backfill_id": [backfill.backfill_id, "nobody"]}

    @FUZZ
    @given(drawings(**known))
    def answered(drawing: Drawing) -> None:
        messages = [drawing.message(method.input_type) for _ in range(3 if method.client_streaming else 1)]
        status, details = target.ask(method, *(message.SerializeToString() for message in messages))
        assert status not in BAD, (status, details, messages)
        assert status != grpc.StatusCode.DEADLINE_EXCEEDED, messages
        assert len(details) < 2_000

    assert stack.scheduler is not None
    with Target(f"127.0.0.1:{stack.port}", stack.scheduler.process.pid) as target:
        answered()
    _nothing_was_met_that_it_was_not_made_for(stack)


@pytest.mark.parametrize("method", SCHEDULER, ids=lambda method: method.name)
def test_any_bytes_are_answered_by_name(stack: Stack, method: MethodDescriptor) -> None:
    kind = GetMessageClass(method.input_type)

    @FUZZ
    @given(drawings(**KNOWN) | st.binary(max_size=200))
    def answered(drawing: Drawing | bytes) -> None:
        raw = drawing if isinstance(drawing, bytes) else drawing.mangled(drawing.message(method.input_type))
        status, details = target.ask(method, raw)
        assert status not in BAD, (status, details, raw[:200])
        if not is_readable(kind, raw):
            assert status == grpc.StatusCode.INVALID_ARGUMENT

    assert stack.scheduler is not None
    with Target(f"127.0.0.1:{stack.port}", stack.scheduler.process.pid) as target:
        answered()
    _nothing_was_met_that_it_was_not_made_for(stack)


def test_what_is_refused_is_not_stored(stack: Stack) -> None:
    submit = run_service_pb2.DESCRIPTOR.services_by_name["RunService"].methods_by_name["SubmitRun"]
    batch = run_service_pb2.DESCRIPTOR.services_by_name["RunService"].methods_by_name["BatchSubmitRuns"]
    good = SubmitRunRequest(location="team", job="totals")
    deep_key = nested(PartitionKey, 40, "set", "keys")
    deep_config = nested(MapValue, 30, "entries", "value", "map_value")
    refused = [
        (submit, SubmitRunRequest(location="team", selection=Selection(nodes=["numbers"] * 10_001))),
        (submit, SubmitRunRequest(location="team", job="totals", request_id="r" * 201)),
        (submit, SubmitRunRequest(location="team", job="totals", request_id="\0")),
        (submit, SubmitRunRequest(location="team", job="totals", launch=Launch(cause=77))),
        (submit, SubmitRunRequest(location="team", job="totals", config=encode_map({"a": "x" * (2 << 20)}))),
        (submit, SubmitRunRequest(location="team", job="totals", config=MapValue.FromString(deep_config))),
        (submit, SubmitRunRequest(location="team", job="totals", partition_key=PartitionKey.FromString(deep_key))),
        (submit, SubmitRunRequest(location="team", job="totals", partition_key=PartitionKey())),
        (batch, BatchSubmitRunsRequest(requests=[good] * 1_001)),
    ]
    with Client(f"127.0.0.1:{stack.port}") as client:
        before = [run.run_id for run in client.runs.list(limit=5_000)]
        assert stack.scheduler is not None
        with Target(f"127.0.0.1:{stack.port}", stack.scheduler.process.pid) as target:
            for method, request in refused:
                status, details = target.ask(method, request.SerializeToString())
                assert status == grpc.StatusCode.INVALID_ARGUMENT, details
                assert details.count("\n") == 0
                assert len(details) < 500
            status, details = target.ask(submit, b"\x0a" + b"\xff\xff\xff\x04" + b"x" * (8 << 20))
            assert status == grpc.StatusCode.RESOURCE_EXHAUSTED, details
        assert [run.run_id for run in client.runs.list(limit=5_000)] == before


def _nothing_was_met_that_it_was_not_made_for(stack: Stack) -> None:
    assert stack.scheduler is not None
    assert "Traceback" not in stack.scheduler.stderr()
    assert stack.scheduler.process.poll() is None
