"""A thousand one-step runs with and without mutual TLS and tokens, in turn."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figure import Figure, report, spread
from bench.queue_throughput import MODULE
from bench.stack import running
from bench.thousand_runs import measure
from rivers_client import Client
from tests.services.credentials.authority import Authority
from tests.services.credentials.cli import accept, create
from tests.services.credentials.guarded import Guarded

ROUNDS = 5


class Encrypted(Guarded):
    """Scheduler, location and client that trust one authority and show tokens."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.authority = Authority(directory)
        cert, key = self.authority.files("person", "person.example")
        self.shown: dict[str, Any] = {
            "token": self.tokens["operator"],
            "tls_ca": self.authority.path,
            "tls_cert": cert,
            "tls_key": key,
        }

    @property
    def client(self) -> Client:
        if not self._clients:
            self._clients.append(Client(f"127.0.0.1:{self.port}", **self.shown))
        return self._clients[0]


def main() -> None:
    """How much of the rate is left with credentials: medians of rounds in turn."""
    rates: dict[str, list[float]] = {"without": [], "with": []}
    with running(MODULE, limit=100) as plain, encrypted() as guarded:
        for round_number in range(ROUNDS + 1):
            without, beside = measure(plain), measure(guarded, **guarded.shown)
            if round_number:  # the first warms up
                rates["without"].append(without)
                rates["with"].append(beside)
    kept = round(100 * statistics.median(rates["with"]) / statistics.median(rates["without"]))
    detail = {name: spread(values, 0) for name, values in rates.items()}
    name = "rate kept with mutual TLS and tokens"
    report("credentials", Figure(name, kept, "%", 85, better="higher", detail=detail))


@contextmanager
def encrypted() -> Iterator[Encrypted]:
    """A stack like the plain one, with everything shown and checked."""
    with tempfile.TemporaryDirectory(prefix="rivers-bench-") as directory, Encrypted(Path(directory)) as stack:
        server = stack.authority.server("scheduler", "127.0.0.1", "scheduler.example")
        token = ("--token-file", stack.token_file("scheduler"))
        stack.start_scheduler("--max-concurrent-runs", "100", *token, *server)
        stack.tokens["location:bench"] = create(stack.directory, "location:bench")
        known = accept(stack.directory, "bench", stack.tokens["scheduler"])
        given = ("--token-file", stack.token_file("location:bench"), "--scheduler-token-file", str(known))
        stack.start_location("bench", MODULE, options=(*given, *stack.authority.server("bench", "bench")))
        yield stack


if __name__ == "__main__":
    main()
