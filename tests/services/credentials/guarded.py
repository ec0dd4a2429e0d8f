"""A stack in which everybody has to show something."""

from __future__ import annotations

from pathlib import Path

from rivers_client import Client
from tests.services.credentials.cli import accept, create
from tests.stack import Program, Stack, children

SOURCE = """
    @rs.Asset
    def numbers() -> list:
        return [1, 2, 3]
    @rs.Asset
    def total(numbers: list) -> int:
        return sum(numbers)
    repo = rs.CodeRepository(assets=[numbers, total], jobs=[rs.Job("totals", [numbers, total])])
"""


class Guarded(Stack):
    """Tokens for a scheduler, for its people and for each location; made before anything runs."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.tls: dict[str, Path] = {}  # what a client of this stack needs to know of it
        self.tokens = {role: create(directory, role) for role in ("viewer", "operator", "admin", "scheduler")}

    def token_file(self, role: str) -> str:
        """A file with the token of a role."""
        path = self.directory / f"{role.replace(':', '-')}.token"
        path.write_text(self.tokens[role])
        return str(path)

    def start_guarded_scheduler(self, *options: str) -> str:
        """Starts the scheduler with its own token."""
        return self.start_scheduler("--token-file", self.token_file("scheduler"), "--beat-interval", "0.2", *options)

    def start_guarded_location(
        self, name: str, *options: str, role: str | None = None, await_ready: bool = True
    ) -> Program:
        """Starts a location that knows the scheduler, with a token of this role or of its own."""
        role = role or f"location:{name}"
        if role not in self.tokens:
            self.tokens[role] = create(self.directory, role)
        known = accept(self.directory, name, self.tokens["scheduler"])
        given = ("--token-file", self.token_file(role), "--scheduler-token-file", str(known), *options)
        source = (
            SOURCE.replace("numbers", f"{name}_numbers")
            .replace("total(", f"{name}_total(")
            .replace(", total", f", {name}_total")
        )
        return self.start_location(name, source, options=given, await_ready=await_ready)

    @property
    def client(self) -> Client:
        """A client of an operator."""
        if not self._clients:
            self._clients.append(Client(f"127.0.0.1:{self.port}", token=self.tokens["operator"], **self.tls))
        return self._clients[0]

    def processes(self) -> list[int]:
        """Every process of the servers."""
        found = []
        for program in self._programs:
            if program.process.poll() is None:
                found += [program.process.pid, *children(program.process.pid)]
        return found

    def traces(self) -> dict[str, str]:
        """All that processes show to others on this machine, and all that was written down."""
        traces = {}
        for pid in self.processes():
            traces[f"command line of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        for path in self.directory.rglob("*"):
            if path.is_file() and path.suffix not in {".token", ".pem"}:
                traces[str(path)] = path.read_bytes().decode(errors="replace")
        return traces
