"""Lets one suite test both clients: an `AsyncClient` driven from the test's thread."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any


class Blocking:
    """Stands before an object of the async client: awaits its coroutines, walks its iterators."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return self._pass(getattr(self._target, name))

    def _call(self, *given: Any, **named: Any) -> Any:
        return self._pass(self._target(*given, **named))

    def _pass(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return self._pass(self._wait(value))
        if isinstance(value, AsyncIterator):
            return self._walk(value)
        if inspect.ismethod(value):
            return Blocking(value, self._loop)._call
        if isinstance(value, list):
            return [self._pass(one) for one in value]
        module = type(value).__module__
        if module in ("rivers_client._handle", "rivers_client._aio_client"):
            return Blocking(value, self._loop)
        return value

    def _wait(self, awaitable: Any) -> Any:
        async def waiting() -> Any:
            return await awaitable

        return self._loop.run_until_complete(waiting())

    def _walk(self, iterator: AsyncIterator[Any]) -> Any:
        try:
            while True:
                try:
                    yield self._wait(anext(iterator))
                except StopAsyncIteration:
                    return
        finally:
            self._wait(iterator.aclose())  # type: ignore[attr-defined]
