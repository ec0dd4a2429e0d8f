"""A backfill in one's hand: what was last read of it, and what can be done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from rivers.lifecycle.backfill.states import BackfillStatus, UnitState
from rivers_client import _backfill_calls as calls
from rivers_client._aio_transport import AioTransport
from rivers_client._backfill import Backfill, BackfillUnit
from rivers_client._transport import Transport


class _Held:
    """What both handles know. `existed`: the request was a repeat, and the backfill was there already."""

    def __init__(self, backfill: Backfill, existed: bool) -> None:
        self.backfill = backfill
        self.existed = existed

    @property
    def backfill_id(self) -> str:
        """The id."""
        return self.backfill.backfill_id

    @property
    def status(self) -> BackfillStatus:
        """The status when the backfill was last read."""
        return self.backfill.status

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.backfill_id} {self.status.name.lower()}>"


class BackfillHandle(_Held):
    """A backfill. `backfill` is how it was when it was last read."""

    def __init__(self, transport: Transport, backfill: Backfill, existed: bool = False) -> None:
        super().__init__(backfill, existed)
        self._transport = transport

    def refresh(self) -> Backfill:
        """Reads it again."""
        self.backfill = self._transport.invoke(calls.get(self.backfill_id))
        return self.backfill

    def wait(self, timeout: float | None = None) -> Backfill:
        """Waits until it is over and returns it; `TimeoutError` after `timeout` seconds. It goes on then."""
        if not self.backfill.is_over:
            for _ in self.watch(timeout=timeout):
                pass
        return self.backfill

    def watch(self, *, timeout: float | None = None) -> Iterator[Backfill]:
        """The backfill now and after every change, changes of a moment together, until it is over."""
        for found in self._transport.follow(calls.watch(self.backfill_id, 0), timeout):
            self.backfill = found
            yield found

    def partitions(
        self, *, states: UnitState | Sequence[UnitState] = (), limit: int | None = None
    ) -> Iterator[BackfillUnit]:
        """Its partitions, run by run, those included to which nothing happened; pages are fetched as needed."""
        return self._transport.items(calls.partitions(self.backfill_id, states, limit))

    def cancel(self, reason: str = "") -> Backfill:
        """Asks it to stop; one that is over stays as it is."""
        self.backfill = self._transport.invoke(calls.cancel(self.backfill_id, reason))
        return self.backfill

    def pause(self, reason: str = "") -> Backfill:
        """Draws nothing more and holds queued runs, until it is resumed."""
        self.backfill = self._transport.invoke(calls.pause(self.backfill_id, reason))
        return self.backfill

    def resume(self) -> Backfill:
        """Goes on."""
        self.backfill = self._transport.invoke(calls.resume(self.backfill_id))
        return self.backfill

    def rerun(self, scope: str = "unsuccessful", *, request_id: str | None = None) -> BackfillHandle:
        """A new backfill of its partitions that are `unsuccessful`, `failed`, `canceled`, `missing`, or of `all`."""
        made = self._transport.invoke(calls.rerun(self.backfill_id, scope, request_id))
        return BackfillHandle(self._transport, *made)


class AsyncBackfillHandle(_Held):
    """A backfill, for asyncio. `backfill` is how it was when it was last read."""

    def __init__(self, transport: AioTransport, backfill: Backfill, existed: bool = False) -> None:
        super().__init__(backfill, existed)
        self._transport = transport

    async def refresh(self) -> Backfill:
        """Reads it again."""
        self.backfill = await self._transport.invoke(calls.get(self.backfill_id))
        return self.backfill

    async def wait(self, timeout: float | None = None) -> Backfill:  # noqa: ASYNC109
        """Waits until it is over and returns it; `TimeoutError` after `timeout` seconds. It goes on then."""
        if not self.backfill.is_over:
            async for _ in self.watch(timeout=timeout):
                pass
        return self.backfill

    async def watch(self, *, timeout: float | None = None) -> AsyncIterator[Backfill]:  # noqa: ASYNC109
        """The backfill now and after every change, changes of a moment together, until it is over."""
        async for found in self._transport.follow(calls.watch(self.backfill_id, 0), timeout):
            self.backfill = found
            yield found

    def partitions(
        self, *, states: UnitState | Sequence[UnitState] = (), limit: int | None = None
    ) -> AsyncIterator[BackfillUnit]:
        """Its partitions, run by run, those included to which nothing happened; pages are fetched as needed."""
        return self._transport.items(calls.partitions(self.backfill_id, states, limit))

    async def cancel(self, reason: str = "") -> Backfill:
        """Asks it to stop; one that is over stays as it is."""
        self.backfill = await self._transport.invoke(calls.cancel(self.backfill_id, reason))
        return self.backfill

    async def pause(self, reason: str = "") -> Backfill:
        """Draws nothing more and holds queued runs, until it is resumed."""
        self.backfill = await self._transport.invoke(calls.pause(self.backfill_id, reason))
        return self.backfill

    async def resume(self) -> Backfill:
        """Goes on."""
        self.backfill = await self._transport.invoke(calls.resume(self.backfill_id))
        return self.backfill

    async def rerun(self, scope: str = "unsuccessful", *, request_id: str | None = None) -> AsyncBackfillHandle:
        """A new backfill of its partitions that are `unsuccessful`, `failed`, `canceled`, `missing`, or of `all`."""
        made = await self._transport.invoke(calls.rerun(self.backfill_id, scope, request_id))
        return AsyncBackfillHandle(self._transport, *made)
