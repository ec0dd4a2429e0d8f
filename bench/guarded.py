"""A scheduler and a location that trust one authority and ask everybody for tokens."""

from __future__ import annotations

from pathlib import Path

from bench.stack import BenchStack
from rivers_client import Client
from tests.services.credentials.authority import Authority
from tests.services.credentials.cli import accept, create


class GuardedStack(BenchStack):
    """Mutual TLS and a token on every call."""

    def __init__(self, directory: Path, database_url: str | None = None) -> None:
        super().__init__(directory, database_url)
        self._authority = Authority(directory)
        self._tokens = {role: create(directory, role) for role in ("operator", "scheduler", "location:bench")}
        cert, key = self._authority.files("person", "person.example")
        ca = self._authority.path
        self.shown = {"token": self._tokens["operator"], "tls_ca": ca, "tls_cert": cert, "tls_key": key}

    @property
    def client(self) -> Client:
        if not self._clients:
            self._clients.append(Client(f"127.0.0.1:{self.port}", **self.shown))
        return self._clients[0]

    def serve(self, module: str, *, workers: int, limit: int) -> None:
        """Starts both."""
        server = self._authority.server("scheduler", "127.0.0.1", "scheduler.example")
        self._options = ("--max-concurrent-runs", str(limit), "--token-file", self._file("scheduler"), *server)
        self.start_again()
        known = accept(self.directory, "bench", self._tokens["scheduler"])
        given = ("--token-file", self._file("location:bench"), "--scheduler-token-file", str(known))
        served = self._authority.server("bench", "bench")
        self.start_location("bench", module, options=("--workers", str(workers), *given, *served))

    def _file(self, role: str) -> str:
        path = self.directory / f"{role.replace(':', '-')}.token"
        path.write_text(self._tokens[role])
        return str(path)
