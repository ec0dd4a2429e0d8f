"""The step stream on gRPC: one reader and one writer for each session."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc.aio import EOF  # type: ignore[attr-defined]

from codeloc.book import SessionRefused
from codeloc.desk import Desk
from codeloc.session import Session
from rivers.v1 import step_service_pb2_grpc
from rivers.v1.step_service_pb2 import AttachRequest, AttachResponse, Report
from rivers.wire.times import decode_duration
from rivers.wire.unreadable import Unreadable, refuse

#: A message up is closed before it passes this many bytes, well under the default limit of 4 MiB.
_MESSAGE = 1 << 20
#: Reports that are not urgent wait so long for others.
_COMPANY = 0.003
_DEFAULT_BEAT = 2.0
#: Seconds that the last message up may take when the stream ends.
_LAST_WRITE = 1.0
_SHORTEST_BEAT, _LONGEST_BEAT = 0.01, 3600.0
_LONGEST_ID = 200


class StreamOutlet:
    """Takes reports of one session, and gives its writer all that waits."""

    def __init__(self) -> None:
        self.backlog = 0
        self.closed: str | None = None
        self.news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._reports: deque[tuple[Report, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, reports: Sequence[Report], *, urgent: bool) -> None:
        """Takes reports, in order."""
        for report in reports:
            size = report.ByteSize()
            self.backlog += size
            self._reports.append((report, size))
        if urgent:
            self.wake()
        elif self._timer is None:
            self._timer = self._loop.call_later(_COMPANY, self.wake)

    def wake(self) -> None:
        """There is something for the writer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.news.set()

    def close(self, reason: str) -> None:
        """Ends the stream."""
        self.closed = reason
        self.wake()

    def take(self) -> list[Report]:
        """As much as one message takes."""
        taken: list[Report] = []
        total = 0
        while self._reports and (not taken or total + self._reports[0][1] <= _MESSAGE):
            report, size = self._reports.popleft()
            taken.append(report)
            total += size
        self.backlog -= total
        return taken


class StepService(step_service_pb2_grpc.StepServiceServicer):
    """Opens a session for each stream."""

    def __init__(self, desk: Desk) -> None:
        self.on_session: Callable[[bool], None] = lambda is_open: None
        self._desk = desk
        self._open = 0

    async def Attach(self, request_iterator: object, context: Any) -> None:  # type: ignore[override]
        """One stream of a leader, until it ends or a newer one comes."""
        session, outlet, first = await self._opened(context)
        self._open += 1
        self.on_session(True)
        reader = asyncio.create_task(self._read(session, first, context))
        writer = asyncio.create_task(self._write(session, outlet, context))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._desk.detach(session)
            self._open -= 1
            self.on_session(self._open > 0)
            reader.cancel()
            # A write that is cancelled half-way keeps the stream from ending; the outlet is closed: this is the last.
            await asyncio.wait({writer}, timeout=_LAST_WRITE)
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
        if not reader.cancelled():
            if isinstance(trouble := reader.exception(), Exception) and not isinstance(trouble, grpc.aio.BaseError):
                raise trouble  # a mistake of ours ends this stream, and the location goes on
            if trouble is None and (unreadable := reader.result()) is not None:
                await refuse(context, unreadable)
        if outlet.closed:
            await context.abort(grpc.StatusCode.ABORTED, outlet.closed)

    async def _opened(self, context: Any) -> tuple[Session, StreamOutlet, AttachRequest]:
        first = await context.read()
        if isinstance(first, Unreadable):
            await refuse(context, first)
        if first is EOF or not first.commands or not first.commands[0].HasField("open"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first command of a stream opens a session")
        opening = first.commands.pop(0).open
        interval = decode_duration(opening.beat_interval) if opening.HasField("beat_interval") else _DEFAULT_BEAT
        trouble = _trouble(opening.store_id, interval)
        if trouble is not None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, trouble)
        outlet = StreamOutlet()
        try:
            session = self._desk.attach(
                store_id=opening.store_id,
                term=first.term,
                number=opening.session,
                beat_interval=interval,
                outlet=outlet,
            )
        except SessionRefused as refusal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
            raise
        return session, outlet, first

    async def _read(self, session: Session, message: AttachRequest, context: Any) -> Unreadable | None:
        """Until the stream ends, or something comes that is no message."""
        while True:
            if message.commands:
                self._desk.receive(session, message.term, message.commands)
            message = await context.read()
            if message is EOF:
                return None
            if isinstance(message, Unreadable):
                return message

    async def _write(self, session: Session, outlet: StreamOutlet, context: Any) -> None:
        """The stream's only writer."""
        while outlet.closed is None:
            await outlet.news.wait()
            outlet.news.clear()
            while outlet.closed is None:
                reports = outlet.take()
                if reports:
                    await context.write(AttachResponse(reports=reports))
                elif not self._desk.replay(session):
                    break


def _trouble(store_id: str, interval: float) -> str | None:
    """What is wrong with the opening of a session."""
    if not 0 < len(store_id) <= _LONGEST_ID or "\0" in store_id or store_id in (".", ".."):
        return f"a session names its scheduler's store in 1 to {_LONGEST_ID} characters, got {store_id[:40]!r}"
    if not _SHORTEST_BEAT <= interval <= _LONGEST_BEAT:
        return f"beat_interval must be {_SHORTEST_BEAT} to {_LONGEST_BEAT} s, got {interval} s"
    return None
