"""How calls are made in the caller's own thread, without asyncio."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import grpc

from rivers.v1.backfill_service_pb2_grpc import BackfillServiceStub
from rivers.v1.catalog_service_pb2_grpc import CatalogServiceStub
from rivers.v1.partition_service_pb2_grpc import PartitionServiceStub
from rivers.v1.run_service_pb2_grpc import RunServiceStub
from rivers.wire.errors import from_rpc_error
from rivers_client._calls import Call, Listing, Watch
from rivers_client._patience import Patience
from rivers_client._settings import CHANNEL_OPTIONS, Settings

T = TypeVar("T")

#: Calls that are under way at once when many are made.
IN_FLIGHT = 4


class Transport:
    """One channel. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.credentials is None:
            self._channel = grpc.insecure_channel(settings.address, CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(settings.address, settings.credentials, CHANNEL_OPTIONS)
        self._stubs: dict[str, Any] = {
            "RunService": RunServiceStub(self._channel),
            "BackfillService": BackfillServiceStub(self._channel),
            "CatalogService": CatalogServiceStub(self._channel),
            "PartitionService": PartitionServiceStub(self._channel),
        }

    def invoke(self, call: Call[T], timeout: float | None = None) -> T:
        """Makes a call, again while nobody answers and patience lasts."""
        deadline = time.monotonic() + (self.settings.timeout if timeout is None else timeout)
        patience = Patience(self.settings.patience)
        method = self._method(call)
        while True:
            try:
                left = max(deadline - time.monotonic(), 0.0)
                return call.read(method(call.fresh_request(), timeout=left, metadata=self.settings.metadata))
            except grpc.RpcError as refused:
                error = from_rpc_error(refused, address=self.settings.address)
            now = time.monotonic()
            if now >= deadline:
                raise error
            time.sleep(min(patience.pause(error, now), deadline - now))

    def invoke_all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Makes calls, some of them at once; answers in their order."""
        results: list[T] = []
        under_way: deque[tuple[Call[T], Any]] = deque()
        waiting = deque(calls)
        while waiting or under_way:
            while waiting and len(under_way) < IN_FLIGHT:
                call = waiting.popleft()
                answer = self._method(call).future(
                    call.request, timeout=self.settings.timeout, metadata=self.settings.metadata
                )
                under_way.append((call, answer))
            call, answer = under_way.popleft()
            results.append(self.invoke(call) if answer.exception() is not None else call.read(answer.result()))
        return results

    def items(self, listing: Listing[T]) -> Iterator[T]:
        """The items of a listing; a page is fetched when it is reached."""
        while not listing.done:
            yield from self.invoke(listing.next_page())

    def follow(self, watch: Watch[T], timeout: float | None = None) -> Iterator[T]:
        """The items of a stream, over cuts; `TimeoutError` when it is not over in time."""
        deadline = None if timeout is None else time.monotonic() + timeout
        patience = Patience(self.settings.patience)
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            call = watch.open()
            stream = self._method(call)(call.request, timeout=left, metadata=self.settings.metadata)
            try:
                for message in stream:
                    patience.answered()
                    yield from watch.take(message)
                if watch.is_over:
                    return
                continue
            except grpc.RpcError as refused:
                error = from_rpc_error(refused, address=self.settings.address)
            finally:
                stream.cancel()
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                raise TimeoutError(f"not over after {timeout} seconds")
            pause = patience.pause(error, now)
            time.sleep(pause if deadline is None else min(pause, deadline - now))

    def close(self) -> None:
        """Closes the channel; streams that are open end."""
        self._channel.close()

    def _method(self, call: Call[Any]) -> Any:
        return getattr(self._stubs[call.service], call.method)
