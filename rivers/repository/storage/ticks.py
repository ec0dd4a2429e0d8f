"""Ticks of automations, as users read them."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.repository.record import Record
from rivers.repository.storage.opened import Opened


@dataclass(frozen=True, slots=True, init=False)
class StoredTick(Record):
    """One evaluation of a schedule, sensor or condition."""

    id: str
    automation_name: str
    automation_type: str
    status: str
    timestamp: int
    run_ids: list[str]
    backfill_ids: list[str]
    skip_reason: str | None
    error: str | None
    cursor: str | None


class TickReads(Opened):
    """Reads of ticks. Nothing writes any yet."""

    __slots__ = ()

    def get_ticks(self, automation_name: str, limit: int = 100) -> list[StoredTick]:
        """The ticks of an automation, newest first."""
        return []

    async def async_get_ticks(self, automation_name: str, limit: int = 100) -> list[StoredTick]:
        """`get_ticks`, off the event loop."""
        return self.get_ticks(automation_name, limit)
