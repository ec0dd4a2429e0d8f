"""A run in this process: what is ready is started in its lane, what ends is decided on and recorded.

Decisions are those of `RunProgress`. They are taken under one lock by whichever thread learns something: the calling
thread, which runs plain steps inline; the workers' switchboard, when one is done; the event loop's. Nothing of the
author's runs under the lock.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Protocol

from rivers.definitions.kinds import StepKind
from rivers.driver.calls import Calls
from rivers.driver.cancellation import CancellationWatch
from rivers.driver.data_versions import DataVersions
from rivers.driver.gate import Gate, key_of
from rivers.driver.hook_calls import HookCalls
from rivers.driver.interrupts import Interrupts
from rivers.driver.journal import Journal
from rivers.driver.lanes import Lane, Lanes
from rivers.driver.ledger import Ledger
from rivers.driver.queues import Queues
from rivers.driver.tokens import Tokens
from rivers.kernel import StepCall, StepEnd, failure_of
from rivers.kernel.capture import Capture
from rivers.kernel.failures import message_of
from rivers.lifecycle.events import Event, Failure, MetadataEntry
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import AttemptOutcome, EventType, FailureReason, LogStream, RunState, StepState
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import RunPlan
from rivers.storage.rows import WriteSet

log = logging.getLogger("rivers.driver")

#: Seconds after which a waiting run looks up by itself, for cancellation from elsewhere and Ctrl-C.
_GLANCE = 0.25

#: Steps that a warning names.
_NAMED = 20

_LIVE = (StepState.DISPATCHED, StepState.RUNNING)


class Hands(Protocol):
    """Start steps that do not run on the calling thread."""

    def start_worker(self, ordinal: int) -> None: ...

    def start_coroutine(self, ordinal: int) -> None: ...


class Conductor:
    """One run. `exceptions` and `failures` hold, by ordinal, what failed steps raised and which outputs it cost;
    `marked` holds the partitions that steps marked as failed."""

    def __init__(
        self,
        plan: RunPlan,
        progress: RunProgress,
        *,
        ledger: Ledger,
        calls: Calls,
        lanes: Lanes,
        hooks: HookCalls,
        versions: DataVersions,
        watch: CancellationWatch,
        interrupts: Interrupts,
        tokens: Tokens,
        queues: Queues,
    ) -> None:
        self.plan = plan
        self.progress = progress
        self.calls = calls
        self.lanes = lanes
        self.changed = threading.Condition(threading.RLock())
        self.exceptions: dict[int, BaseException] = {}
        self.failures: dict[int, dict[str, Failure]] = {}
        self.marked: dict[PartitionKey, None] = {}
        self.broken: BaseException | None = None
        self.journal: Journal | None = None
        self.hands: Hands | None = None
        self._hooks = hooks
        self.gate: Gate | None = None
        self._ledger = ledger
        self._versions = versions
        self._watch = watch
        self._interrupts = interrupts
        self._tokens = tokens
        self._queues = queues
        self._waiting: list[tuple[float, int]] = []
        self._begun: dict[int, StepCall] = {}
        self._outputs: dict[int, tuple[StepCall, Capture]] = {}
        self._is_stirred = False
        self._is_said = False

    def admit(self, journal: Journal) -> None:
        """Starts the run; what it does is written by the journal."""
        self.journal = journal
        self.progress.admit()
        self._ledger.settle()
        self._ledger.ask_for(self._tokens.first)

    # -- the calling thread -----------------------------------------------------------------------------------------

    def next_inline(self, spent: float) -> list[int]:
        """What the calling thread is to run now: a step, or coroutines together; waits for it. Empty: the run is over.
        Calls hooks that are due before.

        `spent` is how long the calling thread was busy since it last asked.
        """
        while True:
            self._hooks.call_due()
            asked = not self.progress.state.is_terminal and self._watch.is_requested(spent)
            with self.changed:
                self._is_stirred = False
                self._advance(asked)
                batch = [] if self.gate is not None and self.gate.is_closed else self._queues.pop_inline()
                is_over = self.progress.state.is_terminal
            self._start()
            if batch and not self._may_start(batch[0]):
                continue
            if batch or (is_over and not self._hooks.is_due):
                return batch
            spent = 1.0
            with self.changed:
                if not self._is_stirred and not self._hooks.is_due:
                    self.changed.wait(self._patience())

    def begin(self, ordinal: int, output: Capture | None = None) -> StepCall | None:
        """Issues the next attempt of a ready step; `None` when the run does not go on. What it writes to `output` is
        recorded while it runs."""
        with self.changed:
            call = self._begun.pop(ordinal, None)
            if call is None and self.progress.steps[ordinal].state == StepState.READY:
                token = self._tokens.next()
                call = self.calls.call(ordinal, self.progress.dispatch(ordinal, token), token)
            if call is not None and output is not None:
                self._outputs[ordinal] = (call, output)
        if call is None:
            self._free(ordinal)
        return call

    def end(self, ordinal: int, end: StepEnd, output: Iterable[tuple[LogStream, str]] = (), spent: float = 0.0) -> None:
        """An attempt that ran on the calling thread has ended, after so many seconds."""
        is_freed = self._free(ordinal)
        asked = self._watch.is_requested(spent)
        with self.changed:
            self._cancel_if(asked)
            self._end(ordinal, end, output, is_freed=is_freed)

    # -- other threads ----------------------------------------------------------------------------------------------

    def end_elsewhere(self, ordinal: int, end: StepEnd, output: Iterable[tuple[LogStream, str]], lane: Lane) -> None:
        """An attempt that ran in another lane has ended; what follows from it is started at once."""
        is_freed = self._free(ordinal)
        asked = self._watch.is_requested()
        with self.changed:
            self._cancel_if(asked)
            self._end(ordinal, end, output, is_freed=is_freed)
            self._queues.release(lane)
            self._advance(False)
            if self._queues.has_inline or self._waiting or self._hooks.is_due or self.progress.state.is_terminal:
                self._stir()  # there is something for the calling thread
        self._start()

    def relief(self) -> int | None:
        """The step that may take the place of one that has ended in a worker, before that is decided on."""
        if self.gate is not None or not self._queues.has_elsewhere:
            return None
        asked = self._watch.is_requested()
        with self.changed:
            self._cancel_if(asked)
            return self._queues.next_for_worker()

    def relieve(self, ordinal: int) -> bool:
        """Lets it take the place, unless it has gone elsewhere meanwhile."""
        with self.changed:
            return self._queues.relieve(ordinal)

    def stay(self, ordinal: int, why: str, call: StepCall | None = None, lane: Lane = Lane.WORKER) -> None:
        """The step cannot leave this process after all, nor needs its place in the lane; `call` is the attempt that was
        issued for it, if any."""
        key = self.progress.planned[ordinal].key
        log.warning("Step '%s' cannot be sent to a worker process and runs inline: %s", key, why)
        with self.changed:
            self.lanes.keep_inline(ordinal)
            self._queues.release(lane)
            if call is not None:
                self._begun[ordinal] = call
            self._queues.put(ordinal, Lane.INLINE)
            self._stir()
        self._start()

    def release(self, lane: Lane) -> None:
        """A place in the lane is free, and nothing came of it."""
        with self.changed:
            self._queues.release(lane)
            self._stir()

    def break_off(self, error: BaseException, ordinal: int | None = None) -> None:
        """The run cannot go on, for a reason that is no step's; the attempt of `ordinal` will not end by itself."""
        with self.changed:
            self.broken = self.broken or error
            failure = Failure(FailureReason.INFRASTRUCTURE, message_of(error))
            self.progress.abandon(failure)
            if ordinal is not None and self.progress.steps[ordinal].state in _LIVE:
                self.progress.end(ordinal, AttemptOutcome.FAILED, failure)
            self._drop()
            self._stir()

    def abort(self) -> None:
        """The calling thread goes away: nothing starts any more, and what still runs counts as canceled."""
        with self.changed:
            self.progress.cancel("interrupted")
            for step in self.progress.steps:
                if step.state in _LIVE:
                    gone = Failure(FailureReason.CANCELLED, "KeyboardInterrupt: the run was interrupted")
                    self.progress.end(step.ordinal, AttemptOutcome.STOPPED, gone)
            self._drop()
            self._begun.clear()
            self._ledger.settle()

    # -- for the gate -----------------------------------------------------------------------------------------------

    def tell_slots(self, ordinal: int, kind: EventType, *facts: tuple[str, str]) -> None:
        """Records what the gate did for a step, unless that has ended meanwhile."""
        with self.changed:
            if not self.progress.steps[ordinal].state.is_terminal:
                self._log_slots(ordinal, kind, facts)
                self._settle()

    def try_again(self, ordinals: list[int]) -> None:
        """Steps that waited for slots may find some now."""
        with self.changed:
            for ordinal in ordinals:
                if self.progress.steps[ordinal].state == StepState.READY:
                    self._queues.put(ordinal, self.lanes.of(ordinal), is_alone=True)
            self._stir()
        self._start()

    def refuse(self, ordinal: int, error: BaseException) -> None:
        """The step cannot have its slots: an attempt of it fails without having started."""
        with self.changed:
            if self.progress.steps[ordinal].state == StepState.READY:
                self.progress.dispatch(ordinal, self._tokens.next())
                self._end(ordinal, StepEnd(AttemptOutcome.FAILED, failure_of(error), error), ())
                self._advance(False)
            self._stir()
        self._start()

    # -- as a sink --------------------------------------------------------------------------------------------------

    def started(self, ordinal: int) -> None:
        """The attempt runs."""
        with self.changed:
            if self.progress.steps[ordinal].state == StepState.DISPATCHED:  # the run may have been broken off
                self.progress.start(ordinal)
                self._settle()

    def materialized(
        self,
        ordinal: int,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str,
        partition_key: PartitionKey | None = None,
        has_value: bool = True,
    ) -> None:
        """An output is stored."""
        with self.changed:
            step = self.progress.steps[ordinal]
            if step.state not in _LIVE:
                return
            self.progress.materialize(ordinal, node, metadata, data_version, partition_key, has_value)
            self._settle()
            planned = self.progress.planned[ordinal]
            self._versions.note(node, data_version)
            if any(output.node == node and output.is_asset for output in planned.outputs):
                inputs = self._versions.of_inputs(planned, node)
                self._ledger.materialized(node, data_version, partition_key, step.token, inputs)
            if not self.progress.ready:
                return
            self._advance(False)
            self._stir()
        self._start()

    def mapped(self, ordinal: int, node: str, keys: tuple[str, ...]) -> None:
        """Elements of a fan-out are known."""
        with self.changed:
            if self.progress.steps[ordinal].state in _LIVE:
                self.progress.map_items(ordinal, node, keys)
                self._settle()

    def observed(
        self,
        ordinal: int,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str | None,
        partition_key: PartitionKey | None = None,
    ) -> None:
        """Something was seen of an asset."""
        with self.changed:
            self.progress.observe(ordinal, node, metadata, data_version, partition_key)
            self._settle()
            if data_version is not None and self.progress.planned[ordinal].kind == StepKind.EXTERNAL_ASSET:
                self._versions.note(node, data_version)
                self._ledger.observed(node, data_version)

    def partition_failed(self, ordinal: int, node: str, partition_key: PartitionKey, error: str) -> None:
        """One of the partitions failed, as the author's code said."""
        with self.changed:
            if self.progress.steps[ordinal].state in _LIVE:
                self.progress.fail_partition(ordinal, node, partition_key, error)
                self.marked[partition_key] = None
                self._settle()

    # -- as the source of the journal -------------------------------------------------------------------------------

    def take(self, is_renewal: bool) -> WriteSet | None:
        """What is to be written now."""
        with self.changed:
            for call, output in self._outputs.values():
                self._ledger.write_logs(call.step_key, call.attempt, output.take())
            if is_renewal:
                self._ledger.renew()
            return self._ledger.take() if self._ledger.is_due else None

    # -- within, under the lock -------------------------------------------------------------------------------------

    def _end(
        self, ordinal: int, end: StepEnd, output: Iterable[tuple[LogStream, str]], *, is_freed: bool = False
    ) -> None:
        step = self.progress.steps[ordinal]
        opened = self._outputs.pop(ordinal, None)
        if step.state not in _LIVE:
            return  # the run was broken off meanwhile
        attempt = step.attempt
        spread = 0.0 if end.failure is None else random.uniform(-1.0, 1.0)
        wait = self.progress.end(ordinal, end.outcome, end.failure, spread)
        if wait > 0.0:
            heappush(self._waiting, (time.monotonic() + wait, ordinal))
        if end.failure is not None and step.state == StepState.FAILED:
            if end.exception is not None:
                self.exceptions[ordinal] = end.exception
            self.failures[ordinal] = dict(end.failures)
        if is_freed:
            self._log_slots(ordinal, EventType.SLOT_RELEASED)
        if step.state.is_terminal:
            self._hooks.note(step, end)
        self._settle()
        if opened is not None:
            self._ledger.write_logs(opened[0].step_key, attempt, opened[1].take())
        if output:
            self._ledger.write_logs(self.progress.planned[ordinal].key, attempt, output)

    def _settle(self) -> None:
        self._ledger.settle()
        if self.journal is not None:
            self.journal.wake()

    def _advance(self, asked: bool) -> None:
        """Cancels if asked to, wakes retries that are due, and puts what is ready into lanes."""
        progress = self.progress
        self._cancel_if(asked)
        if progress.state == RunState.STARTED and self.journal is not None and self.journal.error is not None:
            self.break_off(self.journal.error)
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            progress.wake(heappop(self._waiting)[1])
        while progress.ready:
            ready, progress.ready = progress.ready, []
            is_alone = len(ready) == 1 and not progress.live and not self._queues
            for ordinal in ready:
                self._place(ordinal, is_alone)
        if progress.log or progress.touched:
            self._settle()

    def _cancel_if(self, asked: bool) -> None:
        """A run that was asked to stop, through the storage or by Ctrl-C, before its last step ended is canceled,
        whatever comes of that step (A14)."""
        if self.progress.state == RunState.STARTED and (asked or self._interrupts.is_requested):
            self.progress.cancel("" if asked else "interrupted")
            self._drop()

    def _place(self, ordinal: int, is_alone: bool) -> None:
        lane = self.lanes.of(ordinal)
        if lane is Lane.REFUSED:
            error = self.lanes.refusal(ordinal)
            assert error is not None
            self.progress.dispatch(ordinal, self._tokens.next())
            self._end(ordinal, StepEnd(AttemptOutcome.FAILED, failure_of(error), error), ())
        elif lane is Lane.WORKER and is_alone:
            self._queues.put(ordinal, Lane.INLINE)
        else:
            if lane is Lane.BOUND and not is_alone and not self._is_said:
                self._is_said = True
                _say_bound(self.lanes.bound_steps())
            self._queues.put(ordinal, lane, is_alone=bool(self.progress.planned[ordinal].pools))

    def _drop(self) -> None:
        """Nothing new starts."""
        self._queues.clear()
        self._waiting.clear()
        if self.gate is not None:
            self.gate.clear()
        for ordinal in self._begun:  # issued and recorded as started, so it runs to its end
            self._queues.put(ordinal, Lane.INLINE)
        self._settle()

    def _log_slots(self, ordinal: int, kind: EventType, facts: tuple[tuple[str, str], ...] = ()) -> None:
        attempt = self.progress.steps[ordinal].attempt
        self.progress.log.append(Event(kind, ordinal, attempt, key_of(self.progress.planned[ordinal]), facts=facts))

    def _patience(self) -> float:
        if not self._waiting:
            return _GLANCE
        return min(_GLANCE, max(0.0, self._waiting[0][0] - time.monotonic()))

    def _stir(self) -> None:
        self._is_stirred = True
        self.changed.notify_all()

    # -- within, outside of the lock --------------------------------------------------------------------------------

    def _may_start(self, ordinal: int) -> bool:
        """Whether the step has its slots; if not, it waits for them."""
        return self.gate is None or self.gate.enter(ordinal, self.progress.planned[ordinal])

    def _free(self, ordinal: int) -> bool:
        return self.gate is not None and self.gate.free(ordinal)

    def _start(self) -> None:
        """Starts what has a place in its lane."""
        while self.hands is not None and self._queues.has_elsewhere:
            with self.changed:
                next_start = self._queues.pop_elsewhere()
            if next_start is None:
                return
            lane, ordinal = next_start
            if not self._may_start(ordinal):
                with self.changed:
                    self._queues.release(lane)
                continue
            (self.hands.start_worker if lane is Lane.WORKER else self.hands.start_coroutine)(ordinal)


def _say_bound(keys: list[str]) -> None:
    names = ", ".join(keys[:_NAMED])
    if len(keys) > _NAMED:
        names += f" and {len(keys) - _NAMED} more"
    log.warning(
        "Steps %s run inline, one at a time, although their executor is parallel: their values go through an "
        "in-memory IO handler, which lives in this process. With PickleIOHandler and a store that processes share, or "
        "another such handler, they would run in worker processes.",
        names,
    )
