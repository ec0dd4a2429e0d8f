"""A run in one's hand: what was last read of it, and what can be done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from rivers.lifecycle.states import RunState
from rivers_client import _calls
from rivers_client._aio_transport import AioTransport
from rivers_client._event import LogChunk, RunEvent
from rivers_client._run import Run
from rivers_client._transport import Transport


class _Held:
    """What both handles know. `existed`: the submission was a repeat, and the run was there already."""

    def __init__(self, run: Run, existed: bool) -> None:
        self.run = run
        self.existed = existed

    @property
    def run_id(self) -> str:
        """The id."""
        return self.run.run_id

    @property
    def state(self) -> RunState:
        """The state when the run was last read."""
        return self.run.state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run_id} {self.state.name.lower()}>"


class RunHandle(_Held):
    """A run. `run` is how it was when it was last read."""

    def __init__(self, transport: Transport, run: Run, existed: bool = False) -> None:
        super().__init__(run, existed)
        self._transport = transport

    def refresh(self) -> Run:
        """Reads the run and its steps again."""
        self.run = self._transport.invoke(_calls.get(self.run_id))
        return self.run

    def wait(self, timeout: float | None = None) -> Run:
        """Waits until the run is over and returns it; `TimeoutError` after `timeout` seconds. The run goes on then."""
        if not self.run.is_over:
            for _ in self._transport.follow(_calls.events(self.run_id, self.run.last_seq), timeout):
                pass
        return self.refresh()

    def events(self, after: int = 0, *, timeout: float | None = None) -> Iterator[RunEvent]:
        """The events after a sequence number, as they are committed, until the run is over."""
        return self._transport.follow(_calls.events(self.run_id, after), timeout)

    def logs(
        self, after: int = 0, *, step: str | None = None, follow: bool = True, timeout: float | None = None
    ) -> Iterator[LogChunk]:
        """The captured output after a sequence number; until the run is over, or with `follow=False` what is there."""
        return self._transport.follow(_calls.logs(self.run_id, after, step, follow), timeout)

    def cancel(self, reason: str = "") -> Run:
        """Asks the run to stop; one that is over stays as it is."""
        self.run = self._transport.invoke(_calls.cancel(self.run_id, reason))
        return self.run


class AsyncRunHandle(_Held):
    """A run, for asyncio. `run` is how it was when it was last read."""

    def __init__(self, transport: AioTransport, run: Run, existed: bool = False) -> None:
        super().__init__(run, existed)
        self._transport = transport

    async def refresh(self) -> Run:
        """Reads the run and its steps again."""
        self.run = await self._transport.invoke(_calls.get(self.run_id))
        return self.run

    async def wait(self, timeout: float | None = None) -> Run:  # noqa: ASYNC109
        """Waits until the run is over and returns it; `TimeoutError` after `timeout` seconds. The run goes on then."""
        if not self.run.is_over:
            async for _ in self._transport.follow(_calls.events(self.run_id, self.run.last_seq), timeout):
                pass
        return await self.refresh()

    def events(self, after: int = 0, *, timeout: float | None = None) -> AsyncIterator[RunEvent]:
        """The events after a sequence number, as they are committed, until the run is over."""
        return self._transport.follow(_calls.events(self.run_id, after), timeout)

    def logs(
        self, after: int = 0, *, step: str | None = None, follow: bool = True, timeout: float | None = None
    ) -> AsyncIterator[LogChunk]:
        """The captured output after a sequence number; until the run is over, or with `follow=False` what is there."""
        return self._transport.follow(_calls.logs(self.run_id, after, step, follow), timeout)

    async def cancel(self, reason: str = "") -> Run:
        """Asks the run to stop; one that is over stays as it is."""
        self.run = await self._transport.invoke(_calls.cancel(self.run_id, reason))
        return self.run
