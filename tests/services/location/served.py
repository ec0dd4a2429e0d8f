"""A location as real processes, serving a module that a test has written."""

from __future__ import annotations

import asyncio
import os
import textwrap
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rivers.v1.definition_service_pb2 import GetSnapshotRequest, GetSnapshotResponse
from rivers.v1.definition_service_pb2_grpc import DefinitionServiceStub
from tests.services.location.scripted import ScriptedScheduler
from tests.stack import Program, children

HEAD = """
import logging, os, signal, subprocess, sys, time
import rivers as rs
"""


class Served:
    """One location below a directory; started again it has the same data directory."""

    def __init__(self, directory: Path, source: str, *options: str) -> None:
        self.directory = directory
        self.options = options
        self.address = ""
        self.starts = 0
        self._others: list[Program] = []
        (directory / "team.py").write_text(HEAD + textwrap.dedent(source))
        self.program = self.start()

    def start(self, *options: str) -> Program:
        """Starts it, again."""
        self.starts += 1
        environment = {**os.environ, "PYTHONPATH": str(self.directory), "MARKS": str(self.directory)}
        arguments = ["serve", "team", "--grpc-port", "0", "--data-dir", "data", "--workers", "2"]
        self.program = Program(
            f"location-{self.starts}", [*arguments, *self.options, *options], self.directory, environment
        )
        self.address = self.program.line_with("serving team on ").split()[-1]
        return self.program

    def scheduler(self, **how: float) -> ScriptedScheduler:
        """A scheduler for it."""
        return ScriptedScheduler(self.address, **how)

    async def definitions(self, known_digest: str = "") -> list[GetSnapshotResponse]:
        """All that it says of its definitions."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            request = GetSnapshotRequest(known_digest=known_digest)
            return [part async for part in DefinitionServiceStub(channel).GetSnapshot(request)]

    async def loaded(self) -> str:
        """Waits until the module is loaded; the digest."""
        parts = await self.definitions()
        (digest,) = [part.header.digest for part in parts if part.HasField("header")]
        return digest

    def start_second(self, *options: str) -> Program:
        """Starts another one beside it, which is expected to end by itself."""
        return self.start_other("team", *options)

    def start_other(self, module: str, *options: str) -> Program:
        """Starts a location of another module beside it, which is expected to end by itself."""
        environment = {**os.environ, "PYTHONPATH": str(self.directory)}
        arguments = ["serve", module, "--grpc-port", "0", *options]
        self._others.append(Program(f"other-{len(self._others)}", arguments, self.directory, environment))
        return self._others[-1]

    async def serving(self) -> None:
        """Waits until its health says that it serves."""
        async with grpc.aio.insecure_channel(self.address) as channel, asyncio.timeout(20):
            async for answer in health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()):
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return

    async def health(self, service: str, within: float = 20.0) -> str:
        """What the health service says."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            request = health_pb2.HealthCheckRequest(service=service)
            answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=within)
            return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    async def services(self) -> set[str]:
        """What reflection lists."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            request = reflection_pb2.ServerReflectionRequest(list_services="")
            call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
            return {service.name async for answer in call for service in answer.list_services_response.service}

    async def said(self, text: str) -> None:
        """Waits for a text on standard error."""
        async with asyncio.timeout(20):
            while text not in self.program.stderr():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)

    def processes(self, name: str) -> list[int]:
        """The processes of this location that have a name, "rivers-host" or "rivers-worker"."""
        return [pid for pid in children(self.program.process.pid) if _name(pid) == name]

    async def host(self) -> int:
        """Waits until its host is the only process of that name: a fork has it, too, until it is a worker."""
        async with asyncio.timeout(20):
            while len(found := self.processes("rivers-host")) != 1:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            return found[0]

    def mark(self, name: str) -> list[str]:
        """The lines that a step has written into a file of this name."""
        path = self.directory / name
        return path.read_text().split() if path.exists() else []

    def close(self) -> None:
        """Stops it."""
        for program in [self.program, *self._others]:
            program.stop()


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""
