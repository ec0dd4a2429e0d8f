"""A link to one location: dials it, reads its definitions, keeps its step stream.

Whatever waits is sent in one message, by one writer. A link that breaks dials again with back-off, or at once when
the location announces itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rivers.credentials.caller import Caller
from rivers.definitions.snapshot import Snapshot
from rivers.errors import InvalidRequestError, RiversError, UnavailableError
from rivers.lifecycle.events import Failure
from rivers.v1 import definition_service_pb2, definition_service_pb2_grpc, step_service_pb2, step_service_pb2_grpc
from rivers.wire.beat import SILENT, beat_interval
from rivers.wire.failures import decode_failure
from rivers.wire.times import encode_duration
from rivers_server.core.backlog import MOST_BYTES as MOST_WAITING
from rivers_server.core.commands import Command
from rivers_server.core.inputs import Beaten, Message, Reported, SessionClosed, SnapshotRead
from rivers_server.core.replica import ReplicaState
from rivers_server.core.reports import Inventory
from rivers_server.links.codec import decode_report, encode_command
from rivers_server.links.definitions import MOST_BYTES, take_definitions
from rivers_server.links.redial import Redial
from rivers_server.reply import FutureReply

log = structlog.get_logger()

#: Commands of one message down, and their bytes; one assignment with its config stays under the 8 MiB that are taken.
MAX_COMMANDS = 1_000
MAX_BYTES = 1 << 20
#: Characters of what a location says while it loads.
LONGEST_TAIL = 4096
#: The location does not take us for its scheduler.
REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A bandwidth probe after every message would wake both processes once more for each beat.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1 << 20),
)


@dataclass(slots=True)
class LinkStatus:
    """How the link is, for people."""

    state: ReplicaState = ReplicaState.CONNECTING
    message: str = ""
    load_failure: Failure | None = None
    heard_at: int = 0


class SessionNumbers:
    """Numbers sessions of this term."""

    def __init__(self) -> None:
        self._last = 0

    def take(self) -> int:
        """The next number."""
        self._last += 1
        return self._last


class Link:
    """Keeps one location attached until `close`."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        store_id: str,
        term: int,
        beat_interval: timedelta,
        sessions: SessionNumbers,
        put: Callable[[Message], None],
        backlog: Callable[[], int] = lambda: 0,
        known_snapshot: Callable[[], Snapshot | None],
        caller: Caller,
        redial: Redial | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.status = LinkStatus()
        self.session = 0
        self._store_id = store_id
        self._term = term
        self._beat_interval = beat_interval
        self._sessions = sessions
        self._put = put
        self._backlog = backlog
        self._known_snapshot = known_snapshot
        self._caller = caller
        self._redial = redial or Redial()
        self._outgoing: list[Command | step_service_pb2.Command] = []
        self._has_outgoing = asyncio.Event()
        self._hint = asyncio.Event()
        self._call: Any = None
        self._reading: Any = None
        self._peer: tuple[str, int] | None = None
        self._has_opened = False
        self._is_closed = False
        self._last_beat = 0
        self._silence = 0.0
        self._task = asyncio.create_task(self._keep(), name=f"link-{name}")

    def announce(self, address: str, home_id: str, boot: int) -> None:
        """The location says that it is there: dial now, or as soon as the present stream ends, and leave a stream to
        another place or another start of it. Definitions that come from another place are not waited for either: where
        a replica was cut off nobody answers, and nobody refuses.

        A stream that is only being opened is kept: its announcement and our dial have crossed.
        """
        has_moved, self.address = address != self.address, address
        self._hint.set()
        is_other = not self.session or (self._peer is not None and self._peer != (home_id, boot))
        if self._call is not None and (has_moved or is_other):
            self._call.cancel()
        if self._reading is not None and has_moved:
            self._reading.cancel()

    def send(self, session: int, commands: Sequence[Command]) -> None:
        """Sends commands on a session; those for a session that is over are dropped."""
        if session == self.session:
            self._outgoing.extend(commands)
            self._has_outgoing.set()

    def drop(self, session: int, reason: str) -> None:
        """Ends a session from this side; the link dials again."""
        if session == self.session and self._call is not None:
            log.warning("session_dropped", location=self.name, session=session, reason=reason)
            self._call.cancel()

    async def close(self) -> None:
        """Hangs up for good."""
        self._is_closed = True
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    # -- within -----------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            self._hint.clear()
            is_refused = self._has_opened = False
            try:
                async with self._caller.open(self.address, CHANNEL_OPTIONS) as channel:
                    await self._attend(channel)
            except grpc.aio.AioRpcError as error:
                is_refused = error.code() in REFUSALS
                state = ReplicaState.REFUSED if is_refused else ReplicaState.CONNECTING
                self._note(state, f"{error.code().name}: {error.details()}")
            except UnavailableError as error:
                self._note(ReplicaState.CONNECTING, str(error))
            except RiversError as error:
                self._note(ReplicaState.REFUSED, str(error))
                is_refused = True
            except asyncio.CancelledError:
                # Only `close` ends a link. How often its task was asked to end says nothing: a task group whose parent
                # is leaving already leaves that count raised when a member fails.
                if self._is_closed:
                    raise
                self._note(ReplicaState.CONNECTING, "it was left from this side")
            except Exception as error:  # one location's trouble must not end its link for good
                log.exception("link_failed", location=self.name)
                self._note(ReplicaState.CONNECTING, repr(error))
            pause = self._redial.pause(time.monotonic(), has_opened=self._has_opened, is_refused=is_refused)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), pause * random.uniform(0.8, 1.2))
                self._redial.announced()

    async def _attend(self, channel: grpc.aio.Channel) -> None:
        try:
            snapshot = await self._read_snapshot(channel)
        finally:
            self._reading = None
        if snapshot is None:
            await self._await_health_change(channel)
            return
        taken = FutureReply.make()
        self._put(SnapshotRead(self.name, snapshot, taken))
        await taken.future
        await self._attach(channel)

    async def _read_snapshot(self, channel: grpc.aio.Channel) -> Snapshot | None:
        known = self._known_snapshot()
        request = definition_service_pb2.GetSnapshotRequest(
            known_digest=known.digest if known is not None else "", term=self._term
        )
        header = None
        slices: list[definition_service_pb2.SnapshotSlice] = []
        size = 0
        stub: Any = definition_service_pb2_grpc.DefinitionServiceStub(channel)
        self._reading = stub.GetSnapshot(request, metadata=self._caller.metadata)
        async for part in self._reading:
            if part is None:  # gRPC has logged why
                raise InvalidRequestError(f"location '{self.name}' sent definitions that cannot be read")
            match part.WhichOneof("part"):
                case "progress":
                    seconds, tail = part.progress.elapsed_seconds, part.progress.stderr_tail[-LONGEST_TAIL:]
                    self._note(ReplicaState.LOADING, f"loading for {seconds:.0f} s {tail}".strip())
                case "load_failure":
                    failure = decode_failure(part.load_failure.failure)
                    self._note(ReplicaState.LOAD_FAILED, f"module '{part.load_failure.module}': {failure.message}")
                    self.status.load_failure = failure
                    return None
                case "header":
                    header = part.header
                case "slice":
                    slices.append(part.slice)
                    size += part.slice.ByteSize()
                    if size > MOST_BYTES:
                        raise InvalidRequestError(
                            f"location '{self.name}' has more than {MOST_BYTES} bytes of definitions"
                        )
        if header is None:
            raise UnavailableError(f"location '{self.name}' sent no definitions")
        if known is not None and header.digest == known.digest and not slices:
            return known
        return take_definitions(self.name, header, slices)

    async def _await_health_change(self, channel: grpc.aio.Channel) -> None:
        """A load failure stands until the location's health changes or it announces itself again (L-01)."""
        if self._hint.is_set():  # it did, while its definitions were read
            return
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service="rivers.v1.DefinitionService"), metadata=self._caller.metadata
        )
        self._call = watch
        try:
            async for answer in watch:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    self._hint.set()
                    return
        finally:
            self._call = None

    async def _attach(self, channel: grpc.aio.Channel) -> None:
        attach: Any = step_service_pb2_grpc.StepServiceStub(channel).Attach
        call = attach(metadata=self._caller.metadata)
        session = self.session = self._sessions.take()
        self._call, self._peer, self._last_beat, self._outgoing = call, None, 0, []
        opening = step_service_pb2.SessionOpen(
            store_id=self._store_id,
            session=session,
            beat_interval=encode_duration(self._beat_interval.total_seconds()),
        )
        self._outgoing.append(step_service_pb2.Command(open=opening))
        self._has_outgoing.set()
        reason = "closed by the location"
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(call))
                try:
                    reason = await self._read(call, session)
                finally:
                    writer.cancel()
        except* grpc.aio.AioRpcError as errors:
            error = errors.exceptions[0]
            assert isinstance(error, grpc.aio.AioRpcError)
            reason = f"{error.code().name}: {error.details()}"
        finally:
            call.cancel()
            self._call, self.session = None, 0
            self._note(ReplicaState.CONNECTING, reason)
            self._put(SessionClosed(self.name, session, reason))

    async def _write(self, call: Any) -> None:
        """The stream's only writer: sends all that waits in as few messages as fit.

        It leaves off when the stream has ended, so that what the location said before that is read to the end.
        """
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
            while True:
                await self._has_outgoing.wait()
                self._has_outgoing.clear()
                waiting, self._outgoing = self._outgoing, []
                await self._send(call, waiting)

    async def _send(self, call: Any, waiting: Sequence[Command | step_service_pb2.Command]) -> None:
        message, size = step_service_pb2.AttachRequest(term=self._term), 0
        for item in waiting:
            command = item if isinstance(item, step_service_pb2.Command) else encode_command(item, self._last_beat)
            length = command.ByteSize()
            if message.commands and (len(message.commands) >= MAX_COMMANDS or size + length > MAX_BYTES):
                await call.write(message)
                message, size = step_service_pb2.AttachRequest(term=self._term), 0
            message.commands.append(command)
            size += length
        if message.commands:
            await call.write(message)

    async def _read(self, call: Any, session: int) -> str:
        """Hands reports to the core until the stream ends or the location is silent for five beats (A6)."""
        self._silence = SILENT * self._beat_interval.total_seconds()
        try:
            async with asyncio.timeout(self._silence) as patience:
                return await self._read_while_heard(call, session, patience)
        except TimeoutError:
            return f"silent for {self._silence:.1f} s"

    async def _read_while_heard(self, call: Any, session: int, patience: asyncio.Timeout) -> str:
        now = asyncio.get_running_loop().time
        while True:
            message = await call.read()
            patience.reschedule(now() + self._silence)
            if message is None:  # gRPC has logged why
                return "it sent what cannot be read"
            if message is grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs lack it
                return "closed by the location"
            self.status.heard_at = time.time_ns()
            reports = []
            held = None
            for item in message.reports:
                if item.HasField("beat"):
                    held = Beaten(self.name, session, item.beat.held_count, item.beat.held_hash, item.beat.free_places)
                    self._last_beat = item.beat.beat
                    ack = step_service_pb2.BeatAck(beat=item.beat.beat)
                    self._outgoing.append(step_service_pb2.Command(beat_ack=ack))
                    self._has_outgoing.set()
                    continue
                try:
                    report = decode_report(item)
                except InvalidRequestError as error:
                    log.warning("report_refused", location=self.name, session=session, reason=str(error))
                    return f"it reported what cannot be taken: {error}"
                if report is not None:
                    reports.append(report)
                    self._has_opened |= item.HasField("replayed")
                    if isinstance(report, Inventory):
                        self._peer = (item.inventory.home_id, item.inventory.boot)
                        self._last_beat = item.inventory.beat
                        self._silence = SILENT * beat_interval(self._beat_interval.total_seconds(), report.step_lease)
                        self._note(ReplicaState.READY, "")
            if reports:
                self._put(Reported(self.name, session, reports, message.ByteSize()))
                if (waiting := self._backlog()) > MOST_WAITING:
                    log.warning("window_exceeded", location=self.name, session=session, waiting=waiting)
                    return f"it sent {waiting >> 20} MiB unacknowledged, more than its window"
            if held is not None:
                self._put(held)

    def _note(self, state: ReplicaState, message: str) -> None:
        if (state, message) != (self.status.state, self.status.message):
            log.info("location_changed", location=self.name, state=state.name, message=message)
        self.status.state, self.status.message = state, message
        if state == ReplicaState.READY:
            self.status.load_failure = None
