"""Ticks of automations, as users read them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rivers.automation.ticks import AutomationKind
from rivers.repository.record import Record
from rivers.repository.storage.limit import checked
from rivers.repository.storage.opened import Opened
from rivers.storage import automations

_TYPES = {
    AutomationKind.SCHEDULE: "Schedule",
    AutomationKind.SENSOR: "Sensor",
    AutomationKind.CONDITION: "AutomationCondition",
}


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
    """Reads of ticks."""

    __slots__ = ()

    def get_ticks(self, automation_name: str, limit: int = 100) -> list[StoredTick]:
        """The ticks of an automation, newest first."""
        with self.database.read() as connection:
            return [_tick(row) for row in automations.page(connection, automation_name, limit=checked(limit))]

    async def async_get_ticks(self, automation_name: str, limit: int = 100) -> list[StoredTick]:
        """`get_ticks`, off the event loop."""
        return await asyncio.to_thread(self.get_ticks, automation_name, limit)


def _tick(row: automations.TickRow) -> StoredTick:
    return StoredTick.of(
        id=str(row.tick_id),
        automation_name=row.name,
        automation_type=_TYPES[row.kind],
        status=row.status.name.capitalize(),
        timestamp=row.at,
        run_ids=list(row.run_ids),
        backfill_ids=list(row.backfill_ids),
        skip_reason=row.skip_reason,
        error=row.error,
        cursor=row.cursor,
    )
