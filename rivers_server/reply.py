"""Answers of the core, given to coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class FutureReply:
    """An answer that a coroutine waits for.

    It is encoded when it is given: the row behind it belongs to the core, which goes on changing it afterwards.
    """

    __slots__ = ("_encode", "future")

    def __init__(self, future: asyncio.Future[Any], encode: Callable[[Any], Any] | None) -> None:
        self.future = future
        self._encode = encode

    @classmethod
    def make(cls, encode: Callable[[Any], Any] | None = None) -> FutureReply:
        """An answer on the running event loop."""
        return cls(asyncio.get_running_loop().create_future(), encode)

    def set(self, result: Any) -> None:
        """The answer."""
        if self.future.done():
            return
        try:
            self.future.set_result(self._encode(result) if self._encode is not None else result)
        except Exception as error:  # one answer that cannot be encoded keeps no other effect of the batch back
            self.future.set_exception(error)

    def fail(self, error: BaseException) -> None:
        """The refusal."""
        if not self.future.done():
            self.future.set_exception(error)
