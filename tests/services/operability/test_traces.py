"""Runs as traces, at a collector that speaks OpenTelemetry's protocol."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from rivers.trace_ids import attempt_span, is_traced, trace_of
from tests.services.operability.collector import Collector, attributes
from tests.stack import Stack

SOURCE = """
    from opentelemetry import propagate, trace
    def tell():
        carrier = {}
        propagate.inject(carrier)
        mark(carrier.get("traceparent", "none"))
    @rs.Asset
    def first() -> int:
        tell()
        return 1
    @rs.Asset
    async def second(first: int) -> int:
        tell()
        return first
    @rs.Asset(retry=rs.RetryPolicy(1))
    def fails() -> int:
        raise ValueError("no such thing")
    @rs.Asset
    def after(fails: int) -> int:
        return fails
    repo = rs.CodeRepository(
        assets=[first, second, fails, after],
        jobs=[rs.Job("good", [first, second]), rs.Job("bad", [fails, after])],
    )
"""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Servers that are started from here on send traces to it."""
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    yield collector
    collector.close()


def test_a_run_its_steps_and_their_attempts_are_spans(stack: Stack, collector: Collector) -> None:
    stack.start_scheduler()
    stack.start_location("traced", SOURCE)
    run = stack.client.runs.submit("traced", job="good").wait()
    spans = collector.of(run.run_id)
    root = spans["run good"]
    assert set(spans) == {
        *["run good", "step first", "attempt 1 of first", "step second", "attempt 1 of second"],
    }
    assert {span.trace_id for span in spans.values()} == {trace_of(run.run_id).to_bytes(16, "big")}
    assert root.parent_span_id == b""
    for key in ("first", "second"):
        step, attempt = spans[f"step {key}"], spans[f"attempt 1 of {key}"]
        assert (step.parent_span_id, attempt.parent_span_id) == (root.span_id, step.span_id)
        assert attempt.span_id == attempt_span(run.run_id, key, 1).to_bytes(8, "big")
        assert root.start_time_unix_nano <= step.start_time_unix_nano <= attempt.start_time_unix_nano
        assert attempt.end_time_unix_nano <= step.end_time_unix_nano <= root.end_time_unix_nano
        assert [event.name for event in attempt.events] == ["materialized"]
    assert spans["step first"].end_time_unix_nano <= spans["step second"].start_time_unix_nano
    assert attributes(root)["rivers.location"] == "traced"
    assert {span.status.code for span in spans.values()} == {Status.STATUS_CODE_OK}
    assert collector.services == {"rivers"}


def test_user_code_runs_in_the_span_of_its_attempt(stack: Stack, collector: Collector) -> None:
    stack.start_scheduler()
    stack.start_location("traced", SOURCE)
    run = stack.client.runs.submit("traced", job="good").wait()
    trace = trace_of(run.run_id)
    assert stack.marks("traced") == [
        f"00-{trace:032x}-{attempt_span(run.run_id, key, 1):016x}-01" for key in ("first", "second")
    ]


def test_what_fails_is_an_error_and_each_attempt_has_a_span(stack: Stack, collector: Collector) -> None:
    stack.start_scheduler()
    stack.start_location("traced", SOURCE)
    run = stack.client.runs.submit("traced", job="bad").wait()
    spans = collector.of(run.run_id)
    assert set(spans) == {"run bad", "step fails", "attempt 1 of fails", "attempt 2 of fails"}
    assert {span.status.code for span in spans.values()} == {Status.STATUS_CODE_ERROR}
    assert "no such thing" in spans["attempt 1 of fails"].status.message
    assert attributes(spans["attempt 1 of fails"])["rivers.outcome"] == "failed"
    assert spans["attempt 1 of fails"].end_time_unix_nano <= spans["attempt 2 of fails"].start_time_unix_nano


def test_a_run_that_a_restart_fell_into_has_all_of_its_spans(stack: Stack, collector: Collector) -> None:
    stack.start_scheduler("--beat-interval", "0.2")
    stack.start_location("team")
    run = stack.client.runs.submit("team", job="slow")
    stack.until(lambda: stack.marks("team"), "the step")
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    (stack.directory / "go").touch()
    run.wait()
    assert set(collector.of(run.run_id)) == {"run slow", "step waiting", "attempt 1 of waiting"}


def test_without_a_collector_runs_go_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    stack.start_scheduler()
    stack.start_location("team")
    for _ in range(3):
        assert stack.client.runs.submit("team", job="totals").wait().state.name == "SUCCEEDED"
    assert stack.scheduler is not None
    assert stack.scheduler.stop() == 0


def test_without_the_variable_steps_see_no_span(stack: Stack) -> None:
    stack.start_scheduler()
    stack.start_location("traced", SOURCE)
    stack.client.runs.submit("traced", job="good").wait()
    assert stack.marks("traced") == ["none", "none"]


def test_without_the_variable_nothing_is_loaded() -> None:
    code = "import sys, rivers_server.app, codeloc.app, codeloc.step_work; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("opentelemetry")]


def test_a_missing_library_is_said_once_by_each_server(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    # A module of this name that is no package hides the installed one: an import of what is in it fails.
    (stack.directory / "opentelemetry.py").touch()
    stack.start_scheduler()
    stack.start_location("team")
    assert stack.client.runs.submit("team", job="totals").wait().state.name == "SUCCEEDED"
    assert stack.scheduler is not None
    (line,) = stack.scheduler.stderr().splitlines()
    assert "traces_disabled" in line
    assert "rivers[otel]" in line
    assert "rivers[otel]" in stack.locations["team"].stderr()


def test_traces_can_be_turned_off() -> None:
    assert is_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"})
    assert not is_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_SDK_DISABLED": "true"})
    assert not is_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
