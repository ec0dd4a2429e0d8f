"""Traces of runs that are over, for OpenTelemetry: made from the rows of a run, so that nothing is kept for them.

A run is a span, its steps are below it and their attempts below these. Times are those of the run's events.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import structlog

from rivers.errors import RiversError
from rivers.storage import events, runs
from rivers.storage.database import Database
from rivers.trace_ids import is_traced
from rivers_server.core.outbox import Outbox, Transport

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

log = structlog.get_logger()

#: Runs that wait to be told of; those that end while so many do are not told of.
_WAITING = 10_000
_SPANS = 512
_CLOSE_WITHIN = 5.0


class Traces:
    """Exports on a thread of its own. A collector that is slow or away costs traces, never runs."""

    def __init__(self, database: Database, exporter: SpanExporter) -> None:
        self._database = database
        self._exporter = exporter
        self._over: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], database: Database) -> Traces | None:
        """What OpenTelemetry's variables ask for; `None` when they are not set, or the library is not there."""
        if not is_traced(environment):
            return None
        try:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            log.warning("traces_disabled", reason=str(error), remedy="pip install 'rivers[otel]'")
            return None
        return cls(database, OTLPSpanExporter())

    def note(self, run_id: str) -> None:
        """A run is over, and that is committed."""
        try:
            self._over.put_nowait(run_id)
        except queue.Full:
            self._dropped += 1
            if self._dropped == 1 or self._dropped % 1000 == 0:
                log.warning("trace_dropped", run_id=run_id, dropped=self._dropped)

    def close(self) -> None:
        """Tells of what waits, as far as that takes no long time."""
        try:
            self._over.put(None, timeout=_CLOSE_WITHIN)
            self._thread.join(_CLOSE_WITHIN)
        except queue.Full:
            pass
        self._exporter.shutdown()
        self._thread.join(_CLOSE_WITHIN)

    def _run(self) -> None:
        spans: list[ReadableSpan] = []
        while (run_id := self._over.get()) is not None:
            try:
                spans += self._read(run_id)
                if self._over.empty() or len(spans) >= _SPANS:
                    self._export(spans)
                    spans = []
            except RiversError as error:
                log.warning("trace_failed", run_id=run_id, reason=str(error))
            except Exception:  # an exporter's trouble must not end all traces
                log.exception("trace_failed", run_id=run_id)
                spans = []
        self._export(spans)

    def _read(self, run_id: str) -> list[ReadableSpan]:
        from rivers_server.spans import spans_of

        with self._database.read() as connection:
            row = runs.get(connection, run_id)
            log_of_run = events.of_run(connection, run_id)
        return spans_of(row, log_of_run) if row is not None else []

    def _export(self, spans: list[ReadableSpan]) -> None:
        for piece in _pieces(spans):
            self._exporter.export(piece)


class TracedTransport:
    """A transport that says which runs are over."""

    def __init__(self, transport: Transport, note: Callable[[str], None]) -> None:
        self._transport = transport
        self._note = note

    def deliver(self, outbox: Outbox) -> None:
        """Carries all of it, in order."""
        self._transport.deliver(outbox)
        for run_id, is_over in outbox.changed_runs.items():
            if is_over:
                self._note(run_id)

    def settle(self) -> None:
        """Returns when everything that was delivered has been carried."""
        self._transport.settle()


def _pieces(spans: list[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    for start in range(0, len(spans), _SPANS):
        yield spans[start : start + _SPANS]
