"""One schedule: ticks at the times of its expression."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from rivers.automation.ticks import AutomationKind
from rivers.daemon.evaluator import Evaluation, EvaluationTimeoutError, evaluate
from rivers.daemon.loops import Pulse
from rivers.daemon.tick_log import Ticking, TickLog
from rivers.definitions.automation_binding import BoundSchedule
from rivers.definitions.cron import next_time
from rivers.kernel.tick import call_schedule, schedule_context, schedule_outcome

#: Times that lie further back than this are not made up for: the machine was asleep.
_LATE = timedelta(minutes=1)


class ScheduleLoop:
    """Ticks a schedule until the daemon is stopped; its evaluations come one after the other."""

    def __init__(self, bound: BoundSchedule, resources: Mapping[str, Any], pulse: Pulse, log: TickLog) -> None:
        self._bound = bound
        self._resources = resources
        self._pulse = pulse
        self._log = log
        self._turn = asyncio.Lock()
        self._ticks: set[asyncio.Task[None]] = set()
        definition = bound.definition
        self._ticking = Ticking(AutomationKind.SCHEDULE, definition.name, dict(definition.tags))

    async def run(self) -> None:
        """Ticks at every time from now on."""
        definition = self._bound.definition
        due = next_time(definition.cron, definition.timezone, self._pulse.clock.wall())
        while due is not None and await self._pulse.until(due):
            if self._pulse.is_running(AutomationKind.SCHEDULE, definition.name, definition.is_running):
                task = asyncio.create_task(self._pulse.guarded(self._tick(due)))
                self._ticks.add(task)
                task.add_done_callback(self._ticks.discard)
            due = next_time(definition.cron, definition.timezone, max(due, self._pulse.clock.wall() - _LATE))
        while self._ticks:
            await asyncio.wait(self._ticks)

    async def _tick(self, due: datetime) -> None:
        bound, name = self._bound, self._bound.definition.name
        async with self._turn:
            try:
                context = schedule_context(bound, due.strftime("%Y-%m-%dT%H:%M:%SZ"))
                outcome = await evaluate(
                    Evaluation(
                        bound,
                        context,
                        lambda: call_schedule(bound, self._resources, context),
                        partial(schedule_outcome, bound.definition.job),
                    )
                )
            except EvaluationTimeoutError:
                timeout = TimeoutError(f"Schedule '{name}' eval timed out after {bound.timeout}")
                await asyncio.to_thread(self._log.failed, self._ticking, timeout, None)
            except Exception as error:  # the end of user code
                await asyncio.to_thread(self._log.failed, self._ticking, error, None)
            else:
                await asyncio.to_thread(self._log.settle, self._ticking, outcome, None)
