"""Announces a location to the scheduler until that has opened a step stream, and again after the stream has closed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import grpc

from codeloc.console import tell
from rivers.credentials.caller import Caller
from rivers.v1.location_service_pb2 import DeregisterRequest, RegisterRequest
from rivers.v1.location_service_pb2_grpc import LocationServiceStub
from rivers.wire.times import decode_duration

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_AGAIN = 5.0
_DEADLINE = 5.0
#: An answer that says no, as opposed to no answer.
_REFUSALS = {
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
}
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class Registration:
    """Hints to one scheduler. They renew nothing; a lost one costs time."""

    def __init__(
        self,
        scheduler: str,
        *,
        location: str,
        address: str,
        home_id: str,
        boot: int,
        digest: Callable[[], str],
        caller: Caller,
    ) -> None:
        self._scheduler = scheduler
        self._location = location
        self._address = address
        self._home_id = home_id
        self._boot = boot
        self._digest = digest
        self._caller = caller
        self._version = version("rivers")
        self._is_attached = False
        self._changed = asyncio.Event()
        self._said = ""

    def attached(self, is_attached: bool) -> None:
        """A step stream is open, or none is any more."""
        self._is_attached = is_attached
        self._changed.set()

    async def run(self) -> None:
        """Announces, for ever."""
        async with self._caller.open(self._scheduler, CHANNEL_OPTIONS) as channel:
            stub: Any = LocationServiceStub(channel)
            pause = _FIRST_PAUSE
            while True:
                self._changed.clear()
                wait: float | None = None
                if not self._is_attached:
                    answered = await self._register(stub)
                    pause = _FIRST_PAUSE if answered is not None else min(pause * 2, _LONGEST_PAUSE)
                    wait = answered if answered is not None else pause * random.uniform(0.8, 1.2)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)

    async def leave(self) -> None:
        """Says that the location is going."""
        request = DeregisterRequest(location=self._location, home_id=self._home_id, boot=self._boot)
        with contextlib.suppress(grpc.aio.AioRpcError):
            async with self._caller.open(self._scheduler, CHANNEL_OPTIONS) as channel:
                stub: Any = LocationServiceStub(channel)
                await stub.Deregister(request, timeout=2.0, metadata=self._caller.metadata)

    async def _register(self, stub: Any) -> float | None:
        """When to announce again; `None` when nobody has answered."""
        request = RegisterRequest(
            location=self._location,
            address=self._address,
            home_id=self._home_id,
            boot=self._boot,
            digest=self._digest(),
            rivers_version=self._version,
        )
        try:
            answer = await stub.Register(request, timeout=_DEADLINE, metadata=self._caller.metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() in _REFUSALS:
                refusal = f"the scheduler at {self._scheduler} refuses location '{self._location}': {error.details()}"
                self._say(refusal, "registration_refused")
                return _AGAIN
            silence = f"no scheduler answers at {self._scheduler} ({error.code().name}); trying on"
            self._say(silence, "scheduler_missed")
            return None
        self._said = ""
        return decode_duration(answer.retry_after) if answer.HasField("retry_after") else _AGAIN

    def _say(self, text: str, event: str) -> None:
        if text != self._said:
            self._said = text
            tell(f"{text}\n", event, scheduler=self._scheduler)
