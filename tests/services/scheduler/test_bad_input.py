"""Bad input: one clear sentence, the right class and status, nothing stored."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from rivers.errors import (
    AssetNotFoundError,
    ConfigurationError,
    GraphValidationError,
    InvalidRequestError,
    JobNotFoundError,
    LocationNotFoundError,
    RiversError,
    RunNotFoundError,
)
from rivers.v1 import run_service_pb2, run_service_pb2_grpc
from rivers_client import Client
from tests.stack import Stack

Ask = Callable[[Client], object]


@pytest.mark.parametrize(
    ("ask", "expected", "words"),
    [
        (lambda c: c.runs.submit("taem", job="totals"), LocationNotFoundError, ["'taem'", "locations list"]),
        (lambda c: c.runs.submit("team", job="total"), JobNotFoundError, ["'total'", "totals"]),
        (lambda c: c.runs.submit("team", select=["numbesr"]), AssetNotFoundError, ["'numbesr'", "numbers"]),
        (lambda c: c.runs.submit("team", select=["total"]), GraphValidationError, ["'total'", "'numbers'"]),
        (lambda c: c.runs.submit("", job="totals"), InvalidRequestError, ["location"]),
        (lambda c: c.runs.submit("team", job="totals", tags={"rivers/priority": "101"}), InvalidRequestError, ["100"]),
        (lambda c: c.runs.submit("team", job="pods"), ConfigurationError, ["kubernetes", "not available", "parallel"]),
        (lambda c: c.runs.get("no-such-run"), RunNotFoundError, ["'no-such-run'"]),
        (lambda c: c.runs.cancel("no-such-run"), RunNotFoundError, ["'no-such-run'"]),
        (lambda c: list(c.jobs.list(location="taem")), LocationNotFoundError, ["'taem'"]),
        (lambda c: list(c.assets.list(location="taem")), LocationNotFoundError, ["'taem'"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    stack: Stack, ask: Ask, expected: type[RiversError], words: list[str]
) -> None:
    before = [run.run_id for run in stack.client.runs.list()]
    with pytest.raises(expected) as raised:
        ask(stack.client)
    assert type(raised.value) is expected
    for word in words:
        assert word in f"{raised.value} {raised.value.remedy}"
    assert "\n" not in str(raised.value)
    assert [run.run_id for run in stack.client.runs.list()] == before


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda s: s.ListRuns(run_service_pb2.ListRunsRequest(page_size=-1)), "INVALID_ARGUMENT"),
        (lambda s: s.ListRuns(run_service_pb2.ListRunsRequest(page_size=1001)), "INVALID_ARGUMENT"),
        (lambda s: s.ListRuns(run_service_pb2.ListRunsRequest(page_token="!")), "INVALID_ARGUMENT"),
        (lambda s: s.SubmitRun(run_service_pb2.SubmitRunRequest(location="team")), "INVALID_ARGUMENT"),
        (lambda s: s.GetRun(run_service_pb2.GetRunRequest()), "INVALID_ARGUMENT"),
        (lambda s: list(s.WatchRun(run_service_pb2.WatchRunRequest(run_id="x"))), "NOT_FOUND"),
        (lambda s: list(s.WatchRunLogs(run_service_pb2.WatchRunLogsRequest(run_id="x"))), "NOT_FOUND"),
        (lambda s: s.ListRunEvents(run_service_pb2.ListRunEventsRequest(run_id="x")), "NOT_FOUND"),
        (lambda s: s.ListRuns(run_service_pb2.ListRunsRequest(states=[99])), "INVALID_ARGUMENT"),
    ],
)
def test_every_request_is_checked(stack: Stack, call: Callable[[object], object], status: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{stack.port}") as channel:
        with pytest.raises(grpc.RpcError) as raised:
            call(run_service_pb2_grpc.RunServiceStub(channel))
        assert raised.value.code().name == status
