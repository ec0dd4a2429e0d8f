"""The span that user code runs in, for OpenTelemetry in the worker. The scheduler exports it; here is only its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

from rivers.trace_ids import attempt_span, is_traced, trace_of
from rivers.v1.step_service_pb2 import Assign

#: Makes an attempt's span the current one meanwhile.
InSpan = Callable[[Assign], AbstractContextManager[None]]


def is_missing(environment: Mapping[str, str]) -> bool:
    """Whether traces are wanted and the library is not there."""
    if not is_traced(environment):
        return False
    try:
        return find_spec("opentelemetry.trace") is None
    except ImportError:
        return True


def in_span(environment: Mapping[str, str]) -> InSpan | None:
    """How attempts get their span; `None` where nobody wants traces, which then cost nothing."""
    if not is_traced(environment):
        return None
    try:
        from opentelemetry import context, trace
    except ImportError:  # the supervisor has said so
        return None

    @contextmanager
    def current(assign: Assign) -> Iterator[None]:
        span = trace.NonRecordingSpan(
            trace.SpanContext(
                trace_id=trace_of(assign.run_id),
                span_id=attempt_span(assign.run_id, assign.step.step_key, assign.attempt),
                is_remote=True,
                trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
            )
        )
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield
        finally:
            context.detach(token)

    return current
