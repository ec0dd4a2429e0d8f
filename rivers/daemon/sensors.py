"""One sensor: evaluated at the start and then whenever its interval has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from rivers.automation.ticks import AutomationKind
from rivers.daemon.evaluator import Evaluation, EvaluationTimeoutError, evaluate
from rivers.daemon.loops import Pulse
from rivers.daemon.tick_log import Ticking, TickLog
from rivers.definitions.automation_binding import BoundSensor
from rivers.kernel.tick import call_sensor, sensor_context, sensor_outcome

#: Seconds between two looks at whether a sensor that is stopped was started.
_GLANCE = 1.0


class SensorLoop:
    """Ticks a sensor until the daemon is stopped; an evaluation begins after the one before has ended."""

    def __init__(self, bound: BoundSensor, resources: Mapping[str, Any], pulse: Pulse, log: TickLog) -> None:
        self._bound = bound
        self._resources = resources
        self._pulse = pulse
        self._log = log
        definition = bound.definition
        self._ticking = Ticking(AutomationKind.SENSOR, definition.name, dict(definition.tags), definition.assets)

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
        cursor = None if latest is None else latest.cursor
        at = None if latest is None else latest.at / 1e9
        left: asyncio.Future[Any] | None = None
        try:
            outcome = await evaluate(self._evaluation(cursor, at))
        except EvaluationTimeoutError as given_up:
            name = self._bound.definition.name
            timeout = TimeoutError(f"Sensor '{name}' eval timed out after {self._bound.timeout}")
            await asyncio.to_thread(self._log.failed, self._ticking, timeout, cursor)
            left = given_up.args[0]
        except Exception as error:  # the end of user code
            await asyncio.to_thread(self._log.failed, self._ticking, error, cursor)
        else:
            await asyncio.to_thread(self._log.settle, self._ticking, outcome, cursor)
        while left is not None and not left.done():  # the next evaluation must not overlap this one
            await asyncio.wait([left], timeout=_GLANCE)
            if self._pulse.is_stopping:
                return

    def _evaluation(self, cursor: str | None, at: float | None) -> Evaluation:
        bound = self._bound
        context = sensor_context(bound, cursor, at)
        return Evaluation(
            bound,
            context,
            lambda: call_sensor(bound, self._resources, context),
            partial(sensor_outcome, bound.definition.job),
        )
