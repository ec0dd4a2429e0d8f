"""`client.backfills`: one line each; what is asked and how it is read is in `_backfill_calls`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from rivers.lifecycle.backfill.states import BackfillStatus
from rivers_client import _backfill_calls as calls
from rivers_client._aio_transport import AioTransport
from rivers_client._backfill import Backfill, BackfillForecast
from rivers_client._backfill_handle import AsyncBackfillHandle, BackfillHandle
from rivers_client._backfill_request import BackfillRequest
from rivers_client._transport import Transport

States = BackfillStatus | Sequence[BackfillStatus]


class Backfills:
    """Backfills."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(self, request: BackfillRequest) -> BackfillHandle:
        """Makes a backfill. A repeat of a request finds the one that it made."""
        return BackfillHandle(self._transport, *self._transport.invoke(calls.submit(request)))

    def forecast(self, request: BackfillRequest) -> BackfillForecast:
        """What a backfill would do and use; nothing is stored."""
        return self._transport.invoke(calls.forecast(request))

    def get(self, backfill_id: str) -> BackfillHandle:
        """A backfill."""
        return BackfillHandle(self._transport, self._transport.invoke(calls.get(backfill_id)))

    def list(self, *, location: str | None = None, states: States = (), limit: int | None = None) -> Iterator[Backfill]:
        """Backfills, newest first; pages are fetched as they are reached."""
        return self._transport.items(calls.backfills(location, states, limit))


class AsyncBackfills:
    """Backfills, for asyncio."""

    def __init__(self, transport: AioTransport) -> None:
        self._transport = transport

    async def submit(self, request: BackfillRequest) -> AsyncBackfillHandle:
        """Makes a backfill. A repeat of a request finds the one that it made."""
        return AsyncBackfillHandle(self._transport, *(await self._transport.invoke(calls.submit(request))))

    async def forecast(self, request: BackfillRequest) -> BackfillForecast:
        """What a backfill would do and use; nothing is stored."""
        return await self._transport.invoke(calls.forecast(request))

    async def get(self, backfill_id: str) -> AsyncBackfillHandle:
        """A backfill."""
        return AsyncBackfillHandle(self._transport, await self._transport.invoke(calls.get(backfill_id)))

    def list(
        self, *, location: str | None = None, states: States = (), limit: int | None = None
    ) -> AsyncIterator[Backfill]:
        """Backfills, newest first; pages are fetched as they are reached."""
        return self._transport.items(calls.backfills(location, states, limit))
