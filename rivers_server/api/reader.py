"""Reads for callers: short, on other connections than the core's, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from rivers.storage.database import Database

T = TypeVar("T")


class Reader:
    """Runs functions of a connection on two threads; no transaction outlives its call."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="read")

    async def read(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """`function(connection, *arguments, **named)`."""

        def call() -> T:
            with self._database.read() as connection:
                return function(connection, *arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()
