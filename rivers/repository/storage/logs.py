"""Captured output, as users read it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from rivers.lifecycle.states import LogStream
from rivers.repository.record import Record
from rivers.repository.storage.opened import Opened
from rivers.storage import logs
from rivers.storage.rows import LogRow


@dataclass(frozen=True, slots=True, init=False)
class StoredLog(Record):
    """What one attempt of a step wrote; a stream without content is `None`.

    A traceback has a row of its own: JSON with `exceptions`, from the oldest on, and `text`.
    """

    id: str
    run_id: str
    step_key: str
    timestamp: int
    stdout: str | None
    stderr: str | None
    logs: str | None
    traceback: str | None


_FIELDS = {LogStream.STDOUT: "stdout", LogStream.STDERR: "stderr", LogStream.LOGGING: "logs"}


class LogReads(Opened):
    """Reads of captured output."""

    __slots__ = ()

    def get_run_logs(self, run_id: str) -> list[StoredLog]:
        """What the steps of a run wrote, attempt by attempt, oldest first."""
        with self._current() as connection:
            return _stored(logs.of_run(connection, run_id))

    async def async_get_run_logs(self, run_id: str) -> list[StoredLog]:
        """`get_run_logs`, off the event loop."""
        return await asyncio.to_thread(self.get_run_logs, run_id)


def _stored(chunks: list[LogRow]) -> list[StoredLog]:
    """Chunks joined to rows; a row stands where its first chunk stands."""
    found: dict[tuple[str, int, bool], tuple[LogRow, dict[str, list[str]]]] = {}
    for chunk in chunks:
        is_trace = chunk.stream == LogStream.TRACEBACK
        _, texts = found.setdefault((chunk.step_key, chunk.attempt, is_trace), (chunk, {}))
        texts.setdefault("traceback" if is_trace else _FIELDS[chunk.stream], []).append(chunk.text)
    return [
        StoredLog.of(
            id=f"{first.run_id}:log:{first.seq}",
            run_id=first.run_id,
            step_key=first.step_key,
            timestamp=first.at,
            **{name: "".join(texts[name]) if name in texts else None for name in _FIELDS.values()},
            traceback=_as_json("".join(texts["traceback"])) if "traceback" in texts else None,
        )
        for first, texts in found.values()
    ]


def _as_json(traceback: str) -> str:
    """A traceback that was recorded as printed, as under a scheduler, in the form of the others."""
    return traceback if traceback.startswith("{") else json.dumps({"exceptions": [], "text": traceback})
