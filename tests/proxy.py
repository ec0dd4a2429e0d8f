"""A TCP proxy that delays, stalls, half-closes and cuts, for tests of what networks do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

PIECE = 1 << 16


class Connection:
    """One connection through the proxy, and how many bytes may still pass it, in both directions together."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, left: int | None) -> None:
        self.near = near
        self.far = far
        self.left = left

    def cut(self) -> None:
        """Resets both sides, as a machine does that vanished and is back."""
        for side in (self.near, self.far):
            side.transport.abort()


class Proxy:
    """Forwards connections from one address to another, in a thread of its own, until it is left.

    While it stalls, connections stay open (new ones are taken, too) and no byte passes: a partition. `delay` in seconds
    holds for each piece, in both directions.
    """

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self.delay = 0.0
        self.passed = 0
        self.connections: list[Connection] = []
        self._listen = listen
        self._target = target
        self._left: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._flowing = self._run(_make(asyncio.Event))
        self._flowing.set()
        self._server = self._run(asyncio.start_server(self._serve, *self._listen))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stall(self) -> None:
        """No byte passes any more."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """What waits passes, and what comes."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def cut(self) -> None:
        """Cuts every connection."""
        self._run(_make(lambda: [connection.cut() for connection in list(self.connections)]))

    def cut_after(self, count: int) -> None:
        """Cuts the next connection after so many bytes; those after it are whole again."""
        self._left = count

    def half_close(self) -> None:
        """The far sides have said all they had to say, as far as the near sides can see; the other way stays open."""
        self._run(_make(lambda: [connection.near.write_eof() for connection in list(self.connections)]))

    # -- within -----------------------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left, self._left = self._left, None
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, far_writer, left)
        self.connections.append(connection)
        try:
            await asyncio.gather(self._pump(connection, reader, far_writer), self._pump(connection, far_reader, writer))
        except OSError:
            connection.cut()
        finally:
            self.connections.remove(connection)
            for side in (writer, far_writer):
                side.close()
                with contextlib.suppress(OSError):
                    await side.wait_closed()

    async def _pump(self, connection: Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(PIECE):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flowing.wait()
            if connection.left is not None:
                piece, connection.left = piece[: connection.left], connection.left - len(piece[: connection.left])
            sink.write(piece)
            self.passed += len(piece)
            await sink.drain()
            if connection.left == 0:
                raise ConnectionResetError
        if not sink.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                sink.write_eof()

    async def _close(self) -> None:
        self._server.close()
        for connection in list(self.connections):
            connection.cut()
        self._flowing.set()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)


async def _make(call: Callable[[], T]) -> T:
    """Calls something on the loop."""
    return call()
