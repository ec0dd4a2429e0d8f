"""The supervisor's side of the host process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping

from codeloc.channel import Channel
from codeloc.console import tell
from codeloc.definitions import Definitions
from codeloc.endings import Exit
from codeloc.frames import FrameKind
from codeloc.launch import REQUEST, Launch
from codeloc.output_pipe import OutputPipe
from codeloc.process_groups import ProcessGroups
from codeloc.processes import kill_families
from codeloc.reaper import Reaper
from codeloc.spawning import Ends, open_ends, spawn
from rivers.v1.definition_service_pb2 import GetSnapshotResponse, LoadFailure
from rivers.v1.failure_pb2 import FAILURE_REASON_ERROR, Failure

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class HostLink:
    """Keeps a host running. One that dies after it has loaded the module is started again; workers do not notice."""

    def __init__(
        self,
        launch: Launch,
        *,
        environment: Mapping[str, str],
        definitions: Definitions,
        reaper: Reaper,
        groups: ProcessGroups,
    ) -> None:
        self.on_refused: Callable[[int, str], None] = lambda worker, reason: None
        self._loop = asyncio.get_running_loop()
        self._launch = launch
        self._environment = environment
        self._definitions = definitions
        self._reaper = reaper
        self._groups = groups
        self._pid = 0
        self._channel: Channel | None = None
        self._parts: list[GetSnapshotResponse] = []
        self._is_loaded = False
        self._pause = _FIRST_PAUSE
        self._is_closed = False

    def start(self) -> None:
        """Starts the process, which loads the module."""
        if self._is_closed:
            return
        ours, theirs = open_ends()
        try:
            self._pid = spawn("host", self._launch, theirs, self._environment)
        finally:
            theirs.close()
        self._groups.record(self._pid)
        self._parts = []
        self._definitions.begin()
        self._channel = Channel(self._loop, ours.channel, self._frames, lambda: None)
        pipes = [
            OutputPipe(self._loop, ours.stdout, tell),
            OutputPipe(self._loop, ours.stderr, self._stderr),
        ]
        self._reaper.watch(self._pid, lambda exit: self._ended(exit, pipes))

    def request(self, worker: int, ends: Ends) -> bool:
        """Asks for a forked worker; false when it cannot be asked now."""
        if not self._is_loaded or self._channel is None:
            return False
        descriptors = [ends.channel.fileno(), ends.stdout, ends.stderr]
        try:
            socket.send_fds(self._channel.socket, [REQUEST.pack(worker)], descriptors)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Ends it."""
        self._is_closed = True
        if self._pid:
            kill_families([self._pid])

    def _frames(self, frames: list[tuple[int, bytes]]) -> None:
        for kind, payload in frames:
            if kind == FrameKind.PART:
                part = GetSnapshotResponse.FromString(payload)
                if not part.HasField("load_failure"):
                    self._parts.append(part)
                elif not self._definitions.digest:
                    self._definitions.failed(part.load_failure)
            elif kind == FrameKind.LOADED:
                self._loaded()
            elif kind == FrameKind.REFUSED:
                (worker,) = REQUEST.unpack_from(payload)
                self.on_refused(worker, payload[REQUEST.size :].decode(errors="replace"))

    def _loaded(self) -> None:
        parts, self._parts = self._parts, []
        if self._definitions.digest in ("", parts[0].header.digest):
            self._is_loaded = True
            self._reaper.spare_orphans()
            self._pause = _FIRST_PAUSE
            self._definitions.loaded(parts)
        else:
            tell(
                f"the definitions of module '{self._launch.module}' have changed since this location was started; "
                "it serves the old ones while it has workers that know them; restart it to serve the new ones\n",
                "definitions_changed",
            )

    def _stderr(self, text: str) -> None:
        if not self._is_loaded:
            self._definitions.wrote(text)
        tell(text)

    def _ended(self, exit: Exit, pipes: list[OutputPipe]) -> None:
        if self._channel is not None:
            self._channel.drain()
            self._channel.close()
        for pipe in pipes:
            pipe.drain()
            pipe.close()
        self._groups.forget(self._pid)
        self._channel, self._pid = None, 0
        was_loaded, self._is_loaded = self._is_loaded, False
        if self._is_closed:
            return
        if was_loaded or self._definitions.digest:
            tell(f"the host process {exit}; it is started again\n", "host_died")
            self._loop.call_later(self._pause, self.start)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        elif self._definitions.failure is None:
            self._definitions.failed(self._died(exit))

    def _died(self, exit: Exit) -> LoadFailure:
        failure = Failure(
            reason=FAILURE_REASON_ERROR,
            message=f"LoadError: importing module '{self._launch.module}' ended the process: it {exit}",
            signal=exit.signal,
            exit_code=exit.code,
        )
        return LoadFailure(module=self._launch.module, failure=failure)
