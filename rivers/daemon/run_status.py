"""Run-status sensors: called once for each run that has come to an end that they watch for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rivers.automation.ticks import AutomationKind, TickStatus
from rivers.daemon.evaluator import Evaluation, EvaluationTimeoutError, evaluate
from rivers.daemon.loops import Pulse
from rivers.daemon.tick_log import Ticking, TickLog
from rivers.definitions.automation_binding import BoundSensor
from rivers.definitions.automation_snapshot import RunStatusWatch
from rivers.definitions.kinds import WatchedStatus
from rivers.errors import ConfigurationError, StorageError
from rivers.kernel.config import build_config
from rivers.kernel.tick import call
from rivers.kernel.tick_contexts import RunStatusSensorContext, StepFailure
from rivers.lifecycle.states import EventType
from rivers.partitions.key import PartitionKey
from rivers.repository.storage import Storage
from rivers.storage import events, run_ends
from rivers.v1.run_pb2 import RunEvent
from rivers.wire.identity import decode_partition_key

#: Runs that one tick calls the function for.
_MOST = 5

_TYPES = {
    WatchedStatus.SUCCESS: (EventType.RUN_SUCCEEDED,),
    WatchedStatus.FAILURE: (EventType.RUN_FAILED, EventType.RUN_LAUNCH_FAILED),
    WatchedStatus.CANCELED: (EventType.RUN_CANCELED,),
}
_GLANCE = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, and the position of its end in the event log."""

    position: int
    run_id: str


class RunStatusLoop:
    """Ticks a run-status sensor until the daemon is stopped. Its cursor is how far it has watched."""

    def __init__(
        self, bound: BoundSensor, resources: Mapping[str, Any], pulse: Pulse, log: TickLog, storage: Storage
    ) -> None:
        watch = bound.definition.watch
        assert watch is not None
        self._bound = bound
        self._watch: RunStatusWatch = watch
        self._resources = resources
        self._pulse = pulse
        self._log = log
        self._storage = storage
        self._status = watch.status.name.capitalize()
        definition = bound.definition
        self._ticking = Ticking(AutomationKind.SENSOR, definition.name, dict(definition.tags))

    async def run(self) -> None:
        """Ticks now, and from then on."""
        definition = self._bound.definition
        while not self._pulse.is_stopping:
            pause = _GLANCE
            if self._pulse.is_running(AutomationKind.SENSOR, definition.name, definition.is_running):
                await self._pulse.guarded(self._tick())
                pause = definition.interval
            if not await self._pulse.pause(pause):
                return

    async def _tick(self) -> None:
        latest = await asyncio.to_thread(self._log.latest, self._ticking)
        position = _position(None if latest is None else latest.cursor)
        if position is None:
            await asyncio.to_thread(self._begin)
            return
        found, reached = await asyncio.to_thread(self._look, position)
        if not found:
            await self._record(TickStatus.SKIPPED, reached, skip_reason=f"No new {self._status} runs")
            return
        for one in found:
            try:
                await self._call(one)
            except Exception as error:  # the end of user code; this run has had its call
                await asyncio.to_thread(self._log.failed, self._ticking, self._told(error), _cursor(one.position))
                return
            reached = one.position
        await self._record(TickStatus.SUCCESS, reached)

    def _begin(self) -> None:
        """Watches from here on."""
        with self._storage.database.read() as connection:
            position = run_ends.latest_position(connection)
        self._log.record(
            self._ticking,
            TickStatus.SKIPPED,
            skip_reason=f"Watching for {self._status} runs from now on",
            cursor=_cursor(position),
        )

    def _look(self, position: int) -> tuple[list[Ended], int]:
        """Runs that have ended since, at most so many as a tick may call for, and how far was looked."""
        with self._storage.database.read() as connection:
            latest = run_ends.latest_position(connection)
            found = run_ends.ended(
                connection, _TYPES[self._watch.status], after=position, jobs=self._watch.jobs, limit=_MOST
            )
        return [Ended(at, run_id) for at, run_id in found], max(latest, position)

    async def _call(self, ended: Ended) -> None:
        bound = self._bound
        if bound.function is None:
            raise ConfigurationError("Sensor has no evaluation function", sensor=bound.definition.name)
        context = await asyncio.to_thread(self._context, ended.run_id)
        await evaluate(Evaluation(bound, context, lambda: call(bound, self._resources, context), _nothing))

    def _context(self, run_id: str) -> RunStatusSensorContext[Any]:
        run = self._storage.get_run(run_id)
        if run is None:
            raise StorageError(f"run '{run_id}' is gone")
        definition = self._bound.definition
        failures, launch_error = failures_of(self._storage, run_id)
        config = build_config(self._bound.config_class, None)
        return RunStatusSensorContext.of(definition.name, run, failures, launch_error, config)

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, EvaluationTimeoutError):
            name = self._bound.definition.name
            return TimeoutError(f"Sensor '{name}' eval timed out after {self._bound.timeout}")
        return error

    async def _record(self, status: TickStatus, position: int, skip_reason: str | None = None) -> None:
        await asyncio.to_thread(
            self._log.record, self._ticking, status, skip_reason=skip_reason, cursor=_cursor(position)
        )


def failures_of(storage: Storage, run_id: str) -> tuple[list[StepFailure], str | None]:
    """What failed in a run, without what was skipped because of it; and why it could not be launched, if so.

    Of a step over several partitions those are named; what is said of it as a whole besides is left out.
    """
    found: dict[tuple[str, PartitionKey | None], str] = {}
    launch_error = None
    with storage.database.read() as connection:
        for event in events.of_run(connection, run_id):
            kind = EventType(event.type)
            if kind == EventType.RUN_LAUNCH_FAILED:
                launch_error = event.failure.message
            elif kind in (EventType.STEP_FAILED, EventType.PARTITION_FAILED):
                key = decode_partition_key(event.partition_key) if event.HasField("partition_key") else None
                for one in [None] if key is None else key.expand():
                    found.setdefault((event.node, one), _message(event))
    parted = {node for node, key in found if key is not None}
    failures = [
        StepFailure.of(node, key, message)
        for (node, key), message in found.items()
        if key is not None or node not in parted
    ]
    return failures, launch_error


def _message(event: RunEvent) -> str:
    """What a failure says: of a partition that was marked, what its author said."""
    if EventType(event.type) == EventType.PARTITION_FAILED:
        return next((fact.value for fact in event.facts if fact.key == "error"), "")
    return event.failure.message


def _nothing(returned: object) -> None:
    """What such a function returns is not looked at."""


def _cursor(position: int) -> str:
    return json.dumps({"position": position})


def _position(cursor: str | None) -> int | None:
    """How far was watched; `None` when nothing was, or by something else of that name."""
    try:
        position = json.loads(cursor or "null")["position"]
    except (ValueError, TypeError, KeyError):
        return None
    return position if isinstance(position, int) else None
