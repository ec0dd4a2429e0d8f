"""What is known of the module's definitions: loading, loaded, or why not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from rivers.v1.definition_service_pb2 import GetSnapshotResponse, LoadFailure, LoadProgress

_TAIL = 4096


class Definitions:
    """Read by the scheduler, told by the host. Once loaded they stay what they are."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.digest = ""
        self.failure: LoadFailure | None = None
        self._parts: list[GetSnapshotResponse] = []
        self._stderr = ""
        self._began = time.monotonic()
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """A process starts to load them."""
        self._began = time.monotonic()
        self._stderr = ""

    def wrote(self, text: str) -> None:
        """Loading has written to standard error."""
        self._stderr = (self._stderr + text)[-_TAIL:]
        self._notify()

    def loaded(self, parts: list[GetSnapshotResponse]) -> None:
        """They are loaded; the first part is the header."""
        self._parts = parts
        self.digest = parts[0].header.digest
        self.failure = None
        self._notify()

    def failed(self, failure: LoadFailure) -> None:
        """They cannot be loaded."""
        failure.stderr_tail = self._stderr
        self.failure = failure
        self._notify()

    async def settled(self) -> None:
        """Returns when they are loaded, or cannot be."""
        while not self.digest and self.failure is None:
            await self._changed.wait()

    async def stream(self, known_digest: str) -> AsyncIterator[GetSnapshotResponse]:
        """Progress while they load, then all of them, or only the header for somebody who has them."""
        while not self.digest and self.failure is None:
            elapsed = time.monotonic() - self._began
            yield GetSnapshotResponse(progress=LoadProgress(elapsed_seconds=elapsed, stderr_tail=self._stderr))
            try:
                await asyncio.wait_for(self._changed.wait(), 1.0)
            except TimeoutError:
                continue
        if not self.digest:
            yield GetSnapshotResponse(load_failure=self.failure)
        elif known_digest == self.digest:
            yield self._parts[0]
        else:
            for part in self._parts:
                yield part

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
