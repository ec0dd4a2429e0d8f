"""Reads of events."""

from __future__ import annotations

import asyncio

from rivers.repository.storage.limit import checked
from rivers.repository.storage.opened import Opened
from rivers.repository.storage.step_outputs import StepOutputs, of_output, of_run
from rivers.repository.storage.stored_event import StoredEvent
from rivers.repository.storage.topology import steps_of_outputs
from rivers.storage import events


class EventReads(Opened):
    """Reads of the event log."""

    __slots__ = ()

    def get_events_for_run(self, run_id: str) -> list[StoredEvent]:
        """The events of a run, oldest first."""
        with self._current() as connection:
            return list(
                of_run(events.of_run(connection, run_id), StepOutputs(connection, steps_of_outputs(connection)))
            )

    def get_events_for_asset(self, asset_key: str, limit: int = 100) -> list[StoredEvent]:
        """The events about an asset, newest first."""
        if not (limit := checked(limit)):
            return []
        with self._current() as connection:
            steps = steps_of_outputs(connection)
            step = steps.get(asset_key, asset_key)
            outputs = StepOutputs(connection, steps)
            reach = limit
            while True:  # some of what is read is the engine's own; then it is read again, further back
                own = events.of_asset(connection, asset_key, limit=reach)
                about = own if step == asset_key else events.of_asset(connection, step, limit=reach)
                horizon = max((read[-1].position for read in (own, about) if len(read) == reach), default=0)
                found = [one for place, one in of_output(own, about, asset_key, outputs) if place >= horizon]
                if len(found) >= limit or not horizon:
                    return found[:limit]
                reach *= 2

    def get_latest_materialization(self, asset_key: str, partition: str | None = None) -> StoredEvent | None:
        """The last materialization of an asset, or of one of its partitions, named by its display text."""
        with self._current() as connection:
            event = events.latest_materialization(connection, asset_key, partition)
            return (
                None
                if event is None
                else next(of_run([event], StepOutputs(connection, steps_of_outputs(connection))), None)
            )

    async def async_get_events_for_run(self, run_id: str) -> list[StoredEvent]:
        """`get_events_for_run`, off the event loop."""
        return await asyncio.to_thread(self.get_events_for_run, run_id)

    async def async_get_events_for_asset(self, asset_key: str, limit: int = 100) -> list[StoredEvent]:
        """`get_events_for_asset`, off the event loop."""
        return await asyncio.to_thread(self.get_events_for_asset, asset_key, limit)

    async def async_get_latest_materialization(
        self, asset_key: str, partition: str | None = None
    ) -> StoredEvent | None:
        """`get_latest_materialization`, off the event loop."""
        return await asyncio.to_thread(self.get_latest_materialization, asset_key, partition)
