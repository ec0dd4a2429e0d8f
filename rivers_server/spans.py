"""A run's events as spans."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from rivers.lifecycle.states import EventType
from rivers.storage.rows import RunRow
from rivers.trace_ids import attempt_span, run_span, step_span, trace_of
from rivers.v1.run_pb2 import RunEvent

_SCOPE = InstrumentationScope("rivers")
_STEP_ENDS = {
    EventType.STEP_SUCCEEDED: "succeeded",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_CANCELED: "canceled",
}
_ATTEMPT_ENDS = _STEP_ENDS | {
    EventType.STEP_RETRIED: "failed",
    EventType.ATTEMPT_LOST: "lost",
    EventType.ATTEMPT_NOT_STARTED: "not_started",
}

Attributes = dict[str, str | int]


def spans_of(row: RunRow, log: Sequence[RunEvent]) -> list[ReadableSpan]:
    """The run first. What never started has no span, what has no end ends with the run."""
    spans = _Spans(row)
    end = max((event.time.ToNanoseconds() for event in log), default=row.submitted_at)
    about: Attributes = {"rivers.location": row.location, "rivers.state": row.state.name.lower()}
    if row.job is not None:
        about["rivers.job"] = row.job
    failure = row.failure.message if row.failure is not None else ""
    name = f"run {row.job or row.location}"
    # Its events of steps are in the spans of these; what is left are those of the run itself.
    own = [event for event in log if not event.step_key]
    spans.add(name, run_span(row.run_id), None, row.submitted_at, end, about, failure, own)
    steps: dict[str, list[RunEvent]] = {}
    for event in log:
        if event.step_key:
            steps.setdefault(event.step_key, []).append(event)
    for key, theirs in steps.items():
        _add_step(spans, key, theirs, end)
    return spans.made


def _add_step(spans: _Spans, key: str, log: Sequence[RunEvent], run_end: int) -> None:
    starts = [event for event in log if EventType(event.type) == EventType.STEP_STARTED]
    if not starts:
        return
    last = next((event for event in reversed(log) if EventType(event.type) in _STEP_ENDS), None)
    end = last.time.ToNanoseconds() if last is not None else run_end
    state = _STEP_ENDS[EventType(last.type)] if last is not None else "canceled"
    failure = last.failure.message if last is not None else ""
    span = step_span(spans.run_id, key)
    about: Attributes = {"rivers.step_key": key, "rivers.state": state}
    spans.add(f"step {key}", span, run_span(spans.run_id), starts[0].time.ToNanoseconds(), end, about, failure)
    for start in starts:
        if not start.attempt:
            continue  # a mapped task whose elements were known began without one
        theirs = [event for event in log if event.attempt == start.attempt]
        over = next((event for event in theirs if EventType(event.type) in _ATTEMPT_ENDS), None)
        spans.add(
            f"attempt {start.attempt} of {key}",
            attempt_span(spans.run_id, key, start.attempt),
            span,
            start.time.ToNanoseconds(),
            over.time.ToNanoseconds() if over is not None else end,
            {
                "rivers.step_key": key,
                "rivers.attempt": start.attempt,
                "rivers.outcome": _ATTEMPT_ENDS[EventType(over.type)] if over is not None else "unknown",
            },
            over.failure.message if over is not None else "",
            [event for event in theirs if EventType(event.type) in (EventType.MATERIALIZED, EventType.OBSERVED)],
        )


class _Spans:
    """The spans of one run."""

    def __init__(self, row: RunRow) -> None:
        self.made: list[ReadableSpan] = []
        self.run_id = row.run_id
        self._trace = trace_of(row.run_id)
        self._resource = _resource()

    def add(
        self,
        name: str,
        span: int,
        parent: int | None,
        start: int,
        end: int,
        about: Attributes,
        failure: str,
        log: Iterable[RunEvent] = (),
    ) -> None:
        """One more. `failure` is why it failed, if it did."""
        self.made.append(
            ReadableSpan(
                name,
                context=self._context(span),
                parent=self._context(parent) if parent is not None else None,
                resource=self._resource,
                attributes={"rivers.run_id": self.run_id, **about},
                events=[_event(event) for event in log],
                kind=SpanKind.INTERNAL,
                status=Status(StatusCode.ERROR, failure) if failure else Status(StatusCode.OK),
                start_time=start,
                end_time=max(start, end),
                instrumentation_scope=_SCOPE,
            )
        )

    def _context(self, span: int) -> SpanContext:
        return SpanContext(self._trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _event(event: RunEvent) -> Event:
    about = {"rivers.node": event.node} if event.node else {}
    return Event(EventType(event.type).name.lower(), about, event.time.ToNanoseconds())


def _resource() -> Resource:
    """Named by OpenTelemetry's variables, or else by us."""
    is_named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if is_named else {"service.name": "rivers"})
