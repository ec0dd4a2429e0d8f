"""A collector of traces: the real service of OpenTelemetry's protocol, which keeps what it gets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Serves on loopback until it is closed."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self._news = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Keeps the spans."""
        with self._news:
            for resource in request.resource_spans:
                about = {one.key: one.value.string_value for one in resource.resource.attributes}
                self.services.add(about["service.name"])
                for scope in resource.scope_spans:
                    self.spans += scope.spans
            self._news.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, run_id: str) -> dict[str, Span]:
        """Waits for the spans of a run, and gives them by name."""

        def found() -> dict[str, Span]:
            return {span.name: span for span in self.spans if attributes(span)["rivers.run_id"] == run_id}

        with self._news:
            assert self._news.wait_for(found, timeout=20), "no span of the run"
            return found()

    def close(self) -> None:
        """Hangs up."""
        self._server.stop(0).wait()


def attributes(span: Span) -> dict[str, str]:
    """What a span says, as text."""
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}
