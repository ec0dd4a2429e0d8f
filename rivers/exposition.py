"""`GET /metrics` on a port of its own. The library is loaded when somebody wants it, and not before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from rivers.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client import Metric


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Binds; the name of the machine is not looked up, which may take long."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = 10  # a caller that says nothing holds no thread for ever

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is no event."""


class Exposition:
    """Takes the port when it is made, so that a taken one is said before anything else has happened."""

    def __init__(self, host: str, port: int) -> None:
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"{host}:{port} cannot be bound for metrics: {error.strerror or error}; choose another with "
                "`--metrics-port`, 0 takes a free one",
                field="metrics_port",
            ) from error
        self.address = f"{host}:{self._server.server_port}"
        self._thread: threading.Thread | None = None

    def serve(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Answers from here on with what is collected at that moment, beside what the process uses."""
        from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
        from prometheus_client.registry import Collector

        class Collected(Collector):
            def collect(self) -> Iterable[Metric]:
                return collect()

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collected())
        ProcessCollector(registry=registry)
        answer = make_wsgi_app(registry)

        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/metrics":
                found: Iterable[bytes] = answer(environ, start_response)
                return found
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"GET /metrics\n"]

        self._server.set_app(application)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hangs up."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
