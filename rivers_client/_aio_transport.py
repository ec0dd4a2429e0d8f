"""How calls are made on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio

from rivers.v1.backfill_service_pb2_grpc import BackfillServiceStub
from rivers.v1.catalog_service_pb2_grpc import CatalogServiceStub
from rivers.v1.partition_service_pb2_grpc import PartitionServiceStub
from rivers.v1.run_service_pb2_grpc import RunServiceStub
from rivers.wire.errors import from_rpc_error
from rivers_client._calls import Call, Listing, Watch
from rivers_client._patience import Patience
from rivers_client._settings import CHANNEL_OPTIONS, Settings
from rivers_client._transport import IN_FLIGHT

T = TypeVar("T")


class AioTransport:
    """One channel, opened on the loop that makes the first call."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._channel: grpc.aio.Channel | None = None
        self._stubs: dict[str, Any] = {}

    async def invoke(self, call: Call[T], timeout: float | None = None) -> T:  # noqa: ASYNC109
        """Makes a call, again while nobody answers and patience lasts."""
        now = asyncio.get_running_loop().time
        deadline = now() + (self.settings.timeout if timeout is None else timeout)
        patience = Patience(self.settings.patience)
        method = self._method(call)
        while True:
            try:
                left = max(deadline - now(), 0.0)
                return call.read(await method(call.fresh_request(), timeout=left, metadata=self.settings.metadata))
            except grpc.RpcError as refused:
                error = from_rpc_error(refused, address=self.settings.address)
            if now() >= deadline:
                raise error
            await asyncio.sleep(min(patience.pause(error, now()), deadline - now()))

    async def invoke_all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Makes calls, some of them at once; answers in their order."""
        places = asyncio.Semaphore(IN_FLIGHT)

        async def one(call: Call[T]) -> T:
            async with places:
                return await self.invoke(call)

        return list(await asyncio.gather(*map(one, calls)))

    async def items(self, listing: Listing[T]) -> AsyncIterator[T]:
        """The items of a listing; a page is fetched when it is reached."""
        while not listing.done:
            for item in await self.invoke(listing.next_page()):
                yield item

    async def follow(self, watch: Watch[T], timeout: float | None = None) -> AsyncIterator[T]:  # noqa: ASYNC109
        """The items of a stream, over cuts; `TimeoutError` when it is not over in time."""
        now = asyncio.get_running_loop().time
        deadline = None if timeout is None else now() + timeout
        patience = Patience(self.settings.patience)
        while True:
            left = None if deadline is None else max(deadline - now(), 0.0)
            call = watch.open()
            stream = self._method(call)(call.request, timeout=left, metadata=self.settings.metadata)
            try:
                async for message in stream:
                    patience.answered()
                    for item in watch.take(message):
                        yield item
                if watch.is_over:
                    return
                continue
            except grpc.RpcError as refused:
                error = from_rpc_error(refused, address=self.settings.address)
            finally:
                stream.cancel()
            if deadline is not None and now() >= deadline:
                raise TimeoutError(f"not over after {timeout} seconds")
            pause = patience.pause(error, now())
            await asyncio.sleep(pause if deadline is None else min(pause, deadline - now()))

    async def close(self) -> None:
        """Closes the channel; streams that are open end."""
        if self._channel is not None:
            await self._channel.close(None)
            self._channel = None
            self._stubs = {}

    def _method(self, call: Call[Any]) -> Any:
        if self._channel is None:
            if self.settings.credentials is None:
                self._channel = grpc.aio.insecure_channel(self.settings.address, CHANNEL_OPTIONS)
            else:
                self._channel = grpc.aio.secure_channel(
                    self.settings.address, self.settings.credentials, CHANNEL_OPTIONS
                )
            self._stubs = {
                "RunService": RunServiceStub(self._channel),
                "BackfillService": BackfillServiceStub(self._channel),
                "CatalogService": CatalogServiceStub(self._channel),
                "PartitionService": PartitionServiceStub(self._channel),
            }
        return getattr(self._stubs[call.service], call.method)
