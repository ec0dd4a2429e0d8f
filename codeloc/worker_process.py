"""One worker process as the supervisor sees it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Protocol

from codeloc.channel import Channel
from codeloc.endings import Exit
from codeloc.frames import FrameKind, encode_frame
from codeloc.output_pipe import OutputPipe
from codeloc.processes import kill_families
from codeloc.spawning import Ends
from rivers.v1.run_pb2 import LOG_STREAM_LOGGING, LOG_STREAM_STDERR, LOG_STREAM_STDOUT, LogStream
from rivers.v1.step_service_pb2 import Assign, AttemptEvent, CallHooks

#: How long after the exit output is waited for that something else may still write.
_CUT_AFTER = 1.0
#: How long a worker may take that has nothing to do any more, or has closed its channel.
_LEAVE_WITHIN = 5.0
#: Records of Python logging are put together up to this size.
_LONGEST_LOG = 1 << 15


class Supervision(Protocol):
    """Who is told what a worker does."""

    def worker_forked(self, worker: WorkerProcess) -> None: ...

    def worker_started(self, worker: WorkerProcess, digest: str) -> None: ...

    def worker_output(self, worker: WorkerProcess, stream: LogStream.ValueType, text: str) -> None: ...

    def worker_events(self, worker: WorkerProcess, events: list[AttemptEvent]) -> None: ...

    def worker_hooked(self, worker: WorkerProcess) -> None: ...

    def worker_ended(self, worker: WorkerProcess, exit: Exit, output_cut: bool) -> None: ...


class WorkerProcess:
    """Its channel and its output. `pid` is 0 until it is known.

    What it writes is told before the end of the attempt that wrote it: the worker flushes before it says so, and then
    its pipes hold the rest.
    """

    def __init__(self, number: int, home: str, ends: Ends, supervision: Supervision) -> None:
        self.number = number
        self.home = home
        self.pid = 0
        self._supervision = supervision
        self._loop = loop = asyncio.get_running_loop()
        self._channel = Channel(loop, ends.channel, self._frames, self._channel_ended)
        self._pipes = [
            OutputPipe(loop, ends.stdout, lambda text: supervision.worker_output(self, LOG_STREAM_STDOUT, text)),
            OutputPipe(loop, ends.stderr, lambda text: supervision.worker_output(self, LOG_STREAM_STDERR, text)),
        ]
        self._exit: Exit | None = None
        self._timer: asyncio.TimerHandle | None = None

    def assign(self, assign: Assign) -> None:
        """Gives it an attempt."""
        self._channel.send(encode_frame(FrameKind.ASSIGN, assign.SerializeToString()))

    def call_hooks(self, due: CallHooks) -> None:
        """Lets it call hooks."""
        self._channel.send(encode_frame(FrameKind.HOOKS, due.SerializeToString()))

    def stop(self, token: int) -> None:
        """Asks the body of an attempt to end."""
        self._channel.send(encode_frame(FrameKind.STOP, token.to_bytes(8)))
        if self.pid and self._exit is None:
            os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kills it with all that it started."""
        if self.pid and self._exit is None:
            kill_families([self.pid])
        else:
            self._channel.finish()

    def release(self) -> None:
        """Lets it end by itself."""
        self._channel.finish()
        self._within(_LEAVE_WITHIN, self.kill)

    def introduce(self) -> None:
        """Hears what it has said, its pid before all, if that is not known yet."""
        if not self.pid:
            self._channel.drain()

    def hold(self, held: bool) -> None:
        """Reads nothing from it, or goes on."""
        for pipe in self._pipes:
            pipe.hold(held)
        self._channel.hold(held)

    def exited(self, exit: Exit) -> None:
        """It is dead. What it said is told first, then what it wrote, then its end."""
        self._exit = exit
        self._channel.drain()
        self._channel.close()
        for pipe in self._pipes:
            pipe.drain()
            pipe.on_end = self._pipe_ended
        self._within(_CUT_AFTER, self._finish)
        self._pipe_ended()

    def abandon(self) -> None:
        """It never came to be."""
        self._cancel()
        self._channel.close()
        for pipe in self._pipes:
            pipe.close()

    def _frames(self, frames: list[tuple[int, bytes]]) -> None:
        events: list[AttemptEvent] = []
        for kind, payload in frames:
            if kind == FrameKind.FORKED:
                self.pid = int.from_bytes(payload)
                self._supervision.worker_forked(self)
            elif kind == FrameKind.READY:
                self._supervision.worker_started(self, payload.decode())
            elif kind == FrameKind.EVENT:
                event = AttemptEvent.FromString(payload)
                if event.HasField("ended"):
                    for pipe in self._pipes:
                        pipe.drain()
                if not (events and _joined(events[-1], event)):
                    events.append(event)
            elif kind == FrameKind.HOOKED:
                for pipe in self._pipes:
                    pipe.drain()
                self._supervision.worker_hooked(self)
        if events:
            self._supervision.worker_events(self, events)

    def _channel_ended(self) -> None:
        """A worker whose channel has ended can report nothing any more; usually it is dead."""
        if self._exit is None:
            self._within(_LEAVE_WITHIN if self.pid else _CUT_AFTER, self._give_up)

    def _give_up(self) -> None:
        if self.pid:
            self.kill()
        else:
            self._supervision.worker_ended(self, Exit(detail="never came up"), False)

    def _pipe_ended(self) -> None:
        if not any(pipe.is_open for pipe in self._pipes):
            self._finish()

    def _finish(self) -> None:
        self._cancel()
        output_cut = any(pipe.is_open for pipe in self._pipes)
        for pipe in self._pipes:
            pipe.on_end = lambda: None
            pipe.drain()
            pipe.close()
        exit, self._exit = self._exit, None
        if exit is not None:
            self._supervision.worker_ended(self, exit, output_cut)

    def _within(self, seconds: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._loop.call_later(seconds, action)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _joined(last: AttemptEvent, event: AttemptEvent) -> bool:
    """Adds a record of Python logging to the one before it."""
    if (
        event.log.stream != LOG_STREAM_LOGGING
        or last.log.stream != LOG_STREAM_LOGGING
        or last.token != event.token
        or len(last.log.text) > _LONGEST_LOG
    ):
        return False
    last.log.text += event.log.text
    return True
