"""What starts steps and sees them through: on the calling thread, on an event loop, in workers."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rivers.driver.conductor import Conductor
from rivers.driver.event_loop import LoopThread, Work, run_together
from rivers.driver.lanes import Lane
from rivers.kernel import StepCall, StepEnd, capture, failure_of, run_step, run_step_async
from rivers.kernel.tracebacks import trace_of
from rivers.lifecycle.states import AttemptOutcome

if TYPE_CHECKING:
    from rivers.driver.crew import Worker


class StepSink:
    """Tells the conductor what happens in one step, and keeps the time that is the step's own."""

    __slots__ = ("_conductor", "_mark", "_ordinal", "_spent")

    def __init__(self, conductor: Conductor, ordinal: int) -> None:
        self._conductor = conductor
        self._ordinal = ordinal
        self._spent = 0.0
        self._mark = 0.0

    @property
    def spent(self) -> float:
        """Seconds that the step took so far."""
        return self._spent + perf_counter() - self._mark

    def started(self) -> None:
        self._conductor.started(self._ordinal)
        self._mark = perf_counter()

    def materialized(self, *arguments: Any) -> None:
        self._spent += perf_counter() - self._mark
        self._conductor.materialized(self._ordinal, *arguments)
        self._mark = perf_counter()

    def observed(self, *arguments: Any) -> None:
        self._conductor.observed(self._ordinal, *arguments)

    def mapped(self, *arguments: Any) -> None:
        self._conductor.mapped(self._ordinal, *arguments)

    def partition_failed(self, *arguments: Any) -> None:
        self._conductor.partition_failed(self._ordinal, *arguments)


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
        self._surroundings: bytes | None = None
        self._busy: set[Worker] = set()

    def start_coroutine(self, ordinal: int) -> None:
        """Starts a step on the event loop."""
        work: Work = partial(_run_coroutine, self._conductor, ordinal, Lane.COROUTINE)
        self._loop.spawn(work)

    def start_worker(self, ordinal: int) -> None:
        """Starts a step in a worker process."""
        from rivers.driver import cargo  # what travels needs more than what stays

        conductor = self._conductor
        try:
            if self._surroundings is None:
                self._surroundings = cargo.surroundings()
            data = cargo.pack(conductor.calls.call(ordinal, 0, 0), conductor.calls.handlers)
        except Exception as error:  # an author's object that cannot be serialised
            conductor.stay(ordinal, f"{type(error).__name__}: {error}")
            return
        call = conductor.begin(ordinal)
        if call is None:
            conductor.release(Lane.WORKER)
            return
        conductor.started(ordinal)
        self._send(ordinal, call, data, fresh=False)

    def stop(self, *, kill: bool) -> None:
        """Ends the event loop, and with `kill` the workers that are still busy."""
        self._loop.stop()
        if kill:
            for worker in list(self._busy):
                worker.end(kill=True)

    def _send(self, ordinal: int, call: StepCall, data: bytes, *, fresh: bool) -> None:
        from rivers.driver import crew

        assert self._surroundings is not None
        try:
            worker = crew.crew.take(fresh=fresh)
            self._busy.add(worker)
            future = worker.run(self._surroundings, data, call.attempt, call.token)
        except Exception as error:  # no process to be had
            self._conductor.stay(ordinal, f"{type(error).__name__}: {error}", call)
            return
        future.add_done_callback(partial(self._done, ordinal, call, data, worker))

    def _done(self, ordinal: int, call: StepCall, data: bytes, worker: Worker, future: Future[bytes]) -> None:
        try:
            self._busy.discard(worker)
            self._receive(ordinal, call, data, worker, future)
        except BaseException as error:  # on loky's thread, where nobody would hear of it
            self._conductor.break_off(error, ordinal)

    def _receive(self, ordinal: int, call: StepCall, data: bytes, worker: Worker, future: Future[bytes]) -> None:
        from rivers.driver import cargo, crew

        conductor = self._conductor
        error = future.exception()
        if error is not None:
            worker.end(kill=True)
            conductor.end_elsewhere(ordinal, crew.crashed(call.step_key, error), (), Lane.WORKER)
            return
        reply = cargo.unpack_reply(future.result())
        if reply.is_stale and not worker.is_new:
            worker.end()
            self._send(ordinal, call, data, fresh=True)
            return
        crew.crew.give_back(worker)
        if reply.end is None:
            conductor.stay(ordinal, reply.refusal, call)
            return
        sink = StepSink(conductor, ordinal)
        for told in reply.told:
            getattr(sink, told.method)(*told.arguments)
        conductor.end_elsewhere(ordinal, reply.end, reply.logs, Lane.WORKER)
