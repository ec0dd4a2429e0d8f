"""The command-line tools that call servers by reflection, as users have them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / ".tools" / "bin"


class Grpcurl:
    """Calls with grpcurl."""

    def __init__(self) -> None:
        self.program = TOOLS / "grpcurl"

    def run(self, *arguments: str) -> str:
        """What it prints."""
        return _run([str(self.program), "-plaintext", *arguments])

    def services(self, address: str) -> list[str]:
        """The services that the server lists."""
        return self.run(address, "list").split()

    def methods(self, address: str, service: str) -> list[str]:
        """The methods of a service, by their full names with dots."""
        return self.run(address, "list", service).split()

    def call(self, address: str, method: str, body: str = "{}") -> str:
        """The answer, as JSON."""
        return self.run("-d", body, address, method)


class Buf:
    """Calls with buf curl."""

    def __init__(self) -> None:
        self.program = TOOLS / "buf"

    def run(self, *arguments: str) -> str:
        """What it prints."""
        return _run([str(self.program), "curl", "--http2-prior-knowledge", "--protocol", "grpc", *arguments])

    def services(self, address: str) -> list[str]:
        """The services that the server lists."""
        return self.run("--list-services", f"http://{address}").split()

    def methods(self, address: str, service: str) -> list[str]:
        """The methods of a service, by their full names with dots."""
        listed = self.run("--list-methods", f"http://{address}").split()
        return [name.replace("/", ".") for name in listed if name.startswith(f"{service}/")]

    def call(self, address: str, method: str, body: str = "{}") -> str:
        """The answer, as JSON."""
        return self.run("-d", body, f"http://{address}/{method}")


def tool(kind: type[Grpcurl] | type[Buf]) -> Grpcurl | Buf:
    """The tool, installed by `make test`. Where neither can be had CI fails; one of them is enough."""
    chosen = kind()
    if chosen.program.exists():
        return chosen
    if os.environ.get("CI") and not any((TOOLS / name).exists() for name in ("grpcurl", "buf")):
        pytest.fail("neither grpcurl nor buf is in .tools/bin: tools/install puts them there")
    pytest.skip(f"{chosen.program.name} is not in .tools/bin: tools/install puts it there")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
