"""What starts steps and sees them through: on the calling thread, on an event loop, in workers."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from rivers.driver.conductor import Conductor
from rivers.driver.event_loop import LoopThread, Work, run_together
from rivers.driver.lanes import Lane
from rivers.driver.step_sink import StepSink
from rivers.kernel import StepEnd, capture, failure_of, run_step, run_step_async
from rivers.kernel.tracebacks import trace_of
from rivers.lifecycle.states import AttemptOutcome

if TYPE_CHECKING:
    from rivers.driver.errands import Errands


def run_inline(conductor: Conductor, batch: list[int]) -> float:
    """Runs a step, or coroutines together, on the calling thread; returns how long, in seconds, nobody has looked
    whether the run is to stop."""
    if conductor.lanes.of(batch[0]) is Lane.COROUTINE:
        run_together([partial(_run_coroutine, conductor, ordinal, Lane.INLINE) for ordinal in batch])
        return 1.0
    (ordinal,) = batch
    output = capture.Capture()
    call = conductor.begin(ordinal, output)
    if call is None:
        return 0.0
    sink = StepSink(conductor, ordinal)
    mark = capture.begin(output)
    try:
        end = run_step(call, sink)
    finally:
        capture.end(output, mark)
    conductor.end(ordinal, end, trace_of(end.exception), sink.spent)
    return 0.0  # whether the run was canceled meanwhile has just been looked at


async def _run_coroutine(conductor: Conductor, ordinal: int, lane: Lane) -> None:
    try:
        await _see_through(conductor, ordinal, lane)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # not the step's: in a task, where nobody would hear of it
        conductor.break_off(error, ordinal)


async def _see_through(conductor: Conductor, ordinal: int, lane: Lane) -> None:
    output = capture.Capture()
    call = conductor.begin(ordinal, output)
    if call is None:
        conductor.release(lane)
        return
    mark = capture.begin(output)
    try:
        end = await run_step_async(call, StepSink(conductor, ordinal))
    except asyncio.CancelledError as error:  # the loop is stopped
        conductor.end(ordinal, StepEnd(AttemptOutcome.STOPPED, failure_of(error), error))
        raise
    finally:
        capture.end(output, mark)
    conductor.end_elsewhere(ordinal, end, trace_of(end.exception), lane)


class ParallelHands:
    """Starts steps in workers and on the event loop of one run."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._loop = LoopThread()
        self._errands: Errands | None = None

    def start_coroutine(self, ordinal: int) -> None:
        """Starts a step on the event loop."""
        work: Work = partial(_run_coroutine, self._conductor, ordinal, Lane.COROUTINE)
        self._loop.spawn(work)

    def start_worker(self, ordinal: int) -> None:
        """Starts a step in a worker process."""
        errands = self._errands
        if errands is None:
            from rivers.driver.errands import Errands  # most runs need none of it

            with self._conductor.changed:
                errands = self._errands = self._errands or Errands(self._conductor)
        errands.start(ordinal)

    def stop(self, *, kill: bool) -> None:
        """Ends the event loop, and with `kill` the workers that are still busy."""
        self._loop.stop()
        if self._errands is not None:
            self._errands.stop(kill=kill)
