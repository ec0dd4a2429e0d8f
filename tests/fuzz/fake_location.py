"""A location that lies: it registers and serves like a real one, and says what a test wants."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import grpc

from rivers.v1 import step_service_pb2 as pb
from rivers.v1.definition_service_pb2 import GetSnapshotResponse, SnapshotSlice
from rivers.v1.definitions_pb2 import (
    ExecutorDefinition,
    JobDefinition,
    OutputDefinition,
    SnapshotHeader,
    StepDefinition,
)
from rivers.v1.location_service_pb2 import RegisterRequest
from rivers.v1.location_service_pb2_grpc import LocationServiceStub

#: Answers of a session: from the first message down to messages up; raw bytes leave as they are.
Answers = Callable[["Session"], Iterator[pb.AttachResponse | bytes]]


class Session:
    """One stream of the scheduler, and what came down on it."""

    def __init__(self, commands: Iterator[pb.AttachRequest], inventory: pb.Inventory) -> None:
        self.inventory = inventory
        self._waiting: queue.SimpleQueue[pb.Command | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(commands,), daemon=True).start()

    def await_command(self, kind: str, within: float = 2.0) -> pb.Command | None:
        """The next command of this kind; `None` when the session ends, or none comes."""
        while True:
            try:
                command = self._waiting.get(timeout=within)
            except queue.Empty:
                return None
            if command is None or command.HasField(kind):
                return command

    def _read(self, commands: Iterator[pb.AttachRequest]) -> None:
        try:
            for message in commands:
                for command in message.commands:
                    self._waiting.put(command)
        except grpc.RpcError:
            pass
        self._waiting.put(None)


class FakeLocation:
    """Serves one asset, `<name>_asset`, until it is told otherwise."""

    def __init__(self, scheduler: str, name: str) -> None:
        self.name = name
        self.sessions = 0
        self.snapshots = 0
        self.parts: list[GetSnapshotResponse | bytes] = snapshot(name)
        self.answers: Answers = lambda session: iter(())
        self.inventory = pb.Inventory(home_id=f"home-{name}", boot=1, workers=2, places=8, digests=[name])
        self._changed = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(16))
        self._serve()
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(scheduler)

    def __enter__(self) -> FakeLocation:
        self.register()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(0).wait()
        self._channel.close()

    def register(self) -> None:
        """Says that it is there, or there again: the scheduler dials at once."""
        address = f"127.0.0.1:{self.port}"
        request = RegisterRequest(location=self.name, address=address, home_id=f"home-{self.name}", boot=1)
        LocationServiceStub(self._channel).Register(request, timeout=10)

    def await_sessions(self, count: int) -> None:
        """Waits until so many sessions are over; a call's end is counted a moment after the caller knows of it."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.sessions >= count, 20), f"{self.sessions} of {count} sessions"

    def lie(self, answers: Answers) -> None:
        """Answers the next sessions so, and waits until the scheduler has heard one of them out."""
        with self._changed:
            self.answers = answers
            before = self.sessions
        self.register()
        with self._changed:
            assert self._changed.wait_for(lambda: self.sessions > before, 40), "the scheduler came no more"

    def mislead(self, parts: list[GetSnapshotResponse | bytes]) -> None:
        """Serves these definitions, and waits until the scheduler has read them."""
        with self._changed:
            self.parts = parts
            before = self.snapshots
            self.answers = lambda session: iter(())
        self.register()
        with self._changed:
            assert self._changed.wait_for(lambda: self.snapshots > before, 40), "the scheduler came no more"

    def _serve(self) -> None:
        attach = grpc.stream_stream_rpc_method_handler(
            self._attach, request_deserializer=pb.AttachRequest.FromString, response_serializer=_raw
        )
        snapshots = grpc.unary_stream_rpc_method_handler(self._get_snapshot, response_serializer=_raw)
        services = {"StepService": {"Attach": attach}, "DefinitionService": {"GetSnapshot": snapshots}}
        for name, methods in services.items():
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"rivers.v1.{name}", methods),))

    def _attach(self, commands: Iterator[pb.AttachRequest], context: Any) -> Iterator[pb.AttachResponse | bytes]:
        session = Session(commands, self.inventory)
        self._count_at_end(context, "sessions")
        return self.answers(session)

    def _get_snapshot(self, request: bytes, context: Any) -> Iterator[GetSnapshotResponse | bytes]:
        self._count_at_end(context, "snapshots")
        return iter(self.parts)

    def _count_at_end(self, context: Any, counter: str) -> None:
        """Counts a call when it is over, the caller's hanging up in the middle of it included."""

        def count() -> None:
            with self._changed:
                setattr(self, counter, getattr(self, counter) + 1)
                self._changed.notify_all()

        if not context.add_callback(count):
            count()


def snapshot(name: str) -> list[GetSnapshotResponse | bytes]:
    """Definitions of one asset and a job that runs it."""
    asset = f"{name}_asset"
    step = StepDefinition(key=asset, kind=1, outputs=[OutputDefinition(name=asset, is_asset=True)])  # type: ignore[arg-type]
    header = SnapshotHeader(digest=name, module=name, default_executor=ExecutorDefinition(kind=2))  # type: ignore[arg-type]
    jobs = [JobDefinition(name="job", steps=[asset])]
    return [GetSnapshotResponse(header=header), GetSnapshotResponse(slice=SnapshotSlice(steps=[step], jobs=jobs))]


def opened(session: Session) -> Iterator[pb.AttachResponse | bytes]:
    """The beginning of an honest session: the inventory, and nothing to replay."""
    yield pb.AttachResponse(reports=[pb.Report(inventory=session.inventory)])
    session.await_command("adopt")
    yield pb.AttachResponse(reports=[pb.Report(replayed=pb.Replayed())])


def _raw(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
