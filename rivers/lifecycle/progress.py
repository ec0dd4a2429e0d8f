"""A run in progress: the decisions about its steps, the same in process and in the scheduler.

No I/O, no clock, no randomness. A method is told what happened and leaves what follows in three places that the caller
drains: `log` (events, in order), `ready` (ordinals that can be dispatched now) and `touched` (steps whose row changed).
The object is an index over rows and can be rebuilt from them at any time with `restore`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from rivers.definitions.kinds import TriggerRule
from rivers.lifecycle import conclusion, opening, retry
from rivers.lifecycle.events import SKIPPED, Event, Failure, MetadataEntry
from rivers.lifecycle.fan_out import Expansion, is_mapped
from rivers.lifecycle.fan_outs import FanOuts
from rivers.lifecycle.plan_index import PlanIndex
from rivers.lifecycle.run import RUN, RunVerb
from rivers.lifecycle.states import AttemptOutcome, EventType, FailureReason, RunState, StepState
from rivers.lifecycle.step import STEP, StepEvent, StepProgress
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import PlannedStep, RunPlan

#: Ends that are nobody's fault; the infrastructure budget pays for them (A16).
INFRASTRUCTURE = (AttemptOutcome.CRASHED, AttemptOutcome.LOST, AttemptOutcome.STOPPED, AttemptOutcome.FENCED)


class RunProgress:
    """One run and its steps. `infrastructure_budget` attempts a step may be lost or crash; 0 in process.
    `fan_out_bytes` bounds what names the results of a mapped task, which travel together; 0 does not.

    `planned` and `steps` hold the plan's steps and, behind them, the instances of mapped tasks as they come to be.
    """

    __slots__ = (
        "_settled",
        "_unmet",
        "failed",
        "failure",
        "fan_out_bytes",
        "fan_outs",
        "index",
        "infrastructure_budget",
        "live",
        "log",
        "plan",
        "planned",
        "ready",
        "state",
        "steps",
        "touched",
        "unfinished",
    )

    def __init__(
        self,
        plan: RunPlan,
        *,
        infrastructure_budget: int = 0,
        fan_out_bytes: int = 0,
        state: RunState = RunState.QUEUED,
    ) -> None:
        self.plan = plan
        self.infrastructure_budget = infrastructure_budget
        self.fan_out_bytes = fan_out_bytes
        self.state = state
        self.failure: Failure | None = None
        self.planned = list(plan.steps)
        self.steps = [StepProgress(n, len(step.outputs)) for n, step in enumerate(plan.steps)]
        self.fan_outs = FanOuts(plan, self.planned, self.steps)
        self.unfinished = len(self.steps)
        self.live = 0
        self.failed = 0
        self.log: list[Event] = []
        self.ready: list[int] = []
        self.touched: set[int] = set()
        self.index = PlanIndex(plan)
        self._unmet = self.index.unmet
        self._settled: set[tuple[int, str]] = set()

    # -- the run ----------------------------------------------------------------------------------------------------

    def admit(self) -> None:
        """Starts the run: every step without unmet dependencies becomes ready. An empty run succeeds at once."""
        self.state = RUN.apply(self, self.state, RunVerb.ADMIT)
        self.log.append(Event(EventType.RUN_STARTED))
        for ordinal in range(len(self.plan.steps)):
            step = self.steps[ordinal]
            if not self._unmet[ordinal] and step.state == StepState.PENDING and opening.proceed(self, step):
                self._finish(step)
        conclusion.conclude(self)

    def cancel(self, reason: str = "") -> None:
        """Asks the run to stop: nothing new starts. Ends at once when no attempt is live; a repeat changes nothing."""
        if self.state == RunState.STARTED:
            self.state = RUN.apply(self, self.state, RunVerb.CANCEL)
        elif self.state not in conclusion.BEFORE:
            return
        self.log.append(Event(EventType.RUN_CANCEL_REQUESTED, facts=(("reason", reason),) if reason else ()))
        conclusion.drop_waiting(self)
        conclusion.conclude(self)

    def abandon(self, failure: Failure) -> None:
        """The run cannot go on (its home process is gone, its definitions are): it fails once nothing of it is live."""
        if self.state.is_terminal or self.failure is not None:
            return
        self.failure = failure
        conclusion.drop_waiting(self)
        conclusion.conclude(self)

    # -- its steps --------------------------------------------------------------------------------------------------

    def dispatch(self, ordinal: int, token: int) -> int:
        """Issues the next attempt of a ready step and returns its number, from 1."""
        step = self.steps[ordinal]
        step.state = STEP.apply(step, step.state, StepEvent.DISPATCH, token)
        self.live += 1
        self.touched.add(ordinal)
        return step.attempt

    def start(self, ordinal: int) -> None:
        """The body of the current attempt runs."""
        step = self.steps[ordinal]
        if step.state == StepState.DISPATCHED:
            step.state = STEP.apply(step, step.state, StepEvent.START)
            self.touched.add(ordinal)
            opening.announce(self, step)

    def fence(self, ordinal: int) -> None:
        """Nothing from the current attempt counts any more; its end is still to come (A12)."""
        step = self.steps[ordinal]
        step.state = STEP.apply(step, step.state, StepEvent.FENCE)
        self.touched.add(ordinal)

    def materialize(
        self,
        ordinal: int,
        node: str,
        metadata: tuple[MetadataEntry, ...] = (),
        data_version: str | None = None,
        partition_key: PartitionKey | None = None,
        has_value: bool = True,
    ) -> None:
        """An output of the current attempt is made. Of several outputs each is settled by itself."""
        step, planned = self.steps[ordinal], self.planned[ordinal]
        self.log.append(
            Event(
                EventType.MATERIALIZED,
                ordinal,
                step.attempt,
                node,
                metadata,
                data_version=data_version,
                partition_key=partition_key,
            )
        )
        if len(planned.outputs) > 1:
            place = next((n for n, output in enumerate(planned.outputs) if output.node == node), None)
            if place is not None:
                step.produced[place] = step.token
                self.touched.add(ordinal)
                for over in self._settle(ordinal, node, StepState.SUCCEEDED, done=False):
                    self._finish(over)
        else:
            self._note_value(step, has_value)

    def observe(
        self,
        ordinal: int,
        node: str,
        metadata: tuple[MetadataEntry, ...] = (),
        data_version: str | None = None,
        partition_key: PartitionKey | None = None,
    ) -> None:
        """The current attempt observed something."""
        if len(self.planned[ordinal].outputs) == 1:
            self._note_value(self.steps[ordinal], False)
        self.log.append(
            Event(
                EventType.OBSERVED,
                ordinal,
                self.steps[ordinal].attempt,
                node,
                metadata,
                data_version=data_version,
                partition_key=partition_key,
            )
        )

    def map_items(self, ordinal: int, node: str, keys: Sequence[str]) -> None:
        """The current attempt tells elements: of the output `node`, or of the source of its own step (`node` empty).

        What one attempt says adds up; another attempt's replaces it.
        """
        token = self.steps[ordinal].token
        for mapped in self.index.mapped.get((ordinal, node), ()) if node else (ordinal,):
            step = self.steps[mapped]
            if not is_mapped(self.planned[mapped]) or step.state.is_terminal or step.state == StepState.OPEN:
                continue
            told = step.expansion
            is_more = told is not None and told.token == token
            if is_more and opening.is_too_large(self, step):
                continue  # it fails in any case, whatever else there is
            known = told.keys if told is not None and is_more else ()
            step.expansion = Expansion(token, (*known, *keys))
            self.touched.add(mapped)

    def fail_partition(self, ordinal: int, node: str, partition_key: PartitionKey, error: str) -> None:
        """One of the partitions of the current attempt failed, as the author's code said; the attempt goes on."""
        self.log.append(
            Event(
                EventType.PARTITION_FAILED,
                ordinal,
                self.steps[ordinal].attempt,
                node,
                facts=(("error", error),),
                partition_key=partition_key,
            )
        )

    def end(self, ordinal: int, outcome: AttemptOutcome, failure: Failure | None = None, spread: float = 0.0) -> float:
        """The current attempt's end is known; returns the seconds after which `wake` is due, 0 for none or at once.

        `spread` in [-1, 1] comes from the caller's random source. Of a lost attempt that nobody superseded the end may
        still come (A10).
        """
        step = self.steps[ordinal]
        late = step.state not in (StepState.DISPATCHED, StepState.RUNNING)
        if not late:
            self.live -= 1
        elif outcome not in (AttemptOutcome.SUCCEEDED, AttemptOutcome.FAILED):
            return 0.0  # its loss is paid for already, and the next attempt is on its way
        wait = self._end(step, outcome, failure or _unexplained(outcome), spread)
        if late and step.state != StepState.READY and ordinal in self.ready:
            self.ready.remove(ordinal)
        conclusion.conclude(self)
        return wait

    def wake(self, ordinal: int) -> None:
        """The wait before the next attempt is over."""
        step = self.steps[ordinal]
        if step.state == StepState.WAITING and self.runs_on:
            self.become_ready(step)

    def final_failures(self) -> Iterable[tuple[PlannedStep, Failure]]:
        """Steps that failed or were skipped, with why, in plan order; instances before the task that they are of."""
        for ordinal in self.fan_outs.in_order():
            step = self.steps[ordinal]
            if step.failure is not None and step.state in (StepState.FAILED, StepState.SKIPPED):
                yield self.planned[ordinal], step.failure

    # -- rebuilding -------------------------------------------------------------------------------------------------

    def restore(self, steps: Sequence[StepProgress]) -> None:
        """Takes over steps read from rows (those that never moved have none) and derives everything else.

        Steps whose dependencies are met are in `ready` afterwards; waiting ones stay waiting until `wake`.
        """
        for step in steps:
            if step.ordinal < len(self.plan.steps):
                self.steps[step.ordinal] = step
        self.fan_outs.restore(steps)
        self.unfinished = sum(not step.state.is_terminal for step in self.steps)
        self.failed = sum(step.state == StepState.FAILED for step in self.steps)
        self.live = sum(step.state in (StepState.DISPATCHED, StepState.RUNNING) for step in self.steps)
        self._unmet = PlanIndex(self.plan).unmet
        self._settled = set()
        for step, planned in zip(self.steps, self.plan.steps, strict=False):
            for place, output in enumerate(planned.outputs):
                if step.produced[place] and len(planned.outputs) > 1:
                    self._count_down(step.ordinal, output.node, StepState.SUCCEEDED, done=False)
                if step.state.is_terminal:
                    self._count_down(step.ordinal, output.node, step.state, done=True)
        if not self.runs_on:
            return
        self.ready += [step.ordinal for step in self.steps if step.state == StepState.READY]
        for ordinal in range(len(self.plan.steps)):
            step = self.steps[ordinal]
            if step.state == StepState.PENDING and not self._unmet[ordinal] and opening.proceed(self, step):
                self._finish(step)

    # -- within -----------------------------------------------------------------------------------------------------

    @property
    def runs_on(self) -> bool:
        """Whether anything new may start."""
        return self.state == RunState.STARTED and self.failure is None

    def _note_value(self, step: StepProgress, has_value: bool) -> None:
        """Whether the current attempt stores a value, of a step with one output."""
        mark = 0 if has_value else -step.token
        if step.produced[0] != mark:
            step.produced[0] = mark
            self.touched.add(step.ordinal)

    def become_ready(self, step: StepProgress) -> None:
        """An attempt of the step can be issued."""
        step.state = STEP.apply(step, step.state, StepEvent.BECOME_READY)
        self.touched.add(step.ordinal)
        self.ready.append(step.ordinal)

    def _end(self, step: StepProgress, outcome: AttemptOutcome, failure: Failure, spread: float) -> float:
        planned = self.planned[step.ordinal]
        self.touched.add(step.ordinal)
        match outcome:
            case AttemptOutcome.SUCCEEDED if is_mapped(planned):
                if opening.expanded(self, step):
                    self._finish(step)
                return 0.0
            case AttemptOutcome.SUCCEEDED:
                step.state = STEP.apply(step, step.state, StepEvent.SUCCEED)
                self.say(EventType.STEP_SUCCEEDED, step)
                self._finish(step)
                return 0.0
            case AttemptOutcome.NOT_STARTED if step.state == StepState.DISPATCHED and self.runs_on:
                self.report(EventType.ATTEMPT_NOT_STARTED, step, failure)
                step.state = STEP.apply(step, step.state, StepEvent.RETURN)
                return self._pause(step, min(0.05 * 2 ** min(step.returns, 7), 5.0) * (1.0 + 0.2 * spread))
            case outcome if outcome in INFRASTRUCTURE and self.runs_on:
                if step.lost < self.infrastructure_budget:
                    self.report(EventType.ATTEMPT_LOST, step, failure)
                    step.state = STEP.apply(step, step.state, StepEvent.LOSE, failure)
                    return self._pause(step, 0.0)
        if not self.runs_on and outcome in (AttemptOutcome.STOPPED, AttemptOutcome.NOT_STARTED, AttemptOutcome.FENCED):
            step.state = STEP.apply(step, step.state, StepEvent.CANCEL)
            self.say(EventType.STEP_CANCELED, step)
            self._finish(step)
            return 0.0
        late = not STEP.allows(step.state, StepEvent.RETRY)  # of a lost attempt: its retry is on its way already
        is_charged = late and step.lost > self.infrastructure_budget  # to the policy, when it was lost
        failures = step.failures if is_charged else step.failures + 1
        if self.runs_on and retry.allows(planned.retry, failures, failure):
            if late:
                return 0.0
            assert planned.retry is not None
            wait = retry.delay(planned.retry, failures, spread)
            self.report(EventType.STEP_RETRIED, step, failure, wait)
            paid = StepEvent.RETRY if outcome == AttemptOutcome.FAILED else StepEvent.CHARGE
            step.state = STEP.apply(step, step.state, paid, failure)
            return self._pause(step, wait)
        if is_charged:
            step.state = STEP.apply(step, step.state, StepEvent.REFUND)
        step.state = STEP.apply(step, step.state, StepEvent.FAIL, failure)
        self.report(EventType.STEP_FAILED, step, failure)
        self._finish(step)
        return 0.0

    def report(self, type: EventType, step: StepProgress, failure: Failure, delay: float | None = None) -> None:
        """Logs what went wrong with a step."""
        self.say(type, step, failure, delay)
        key = self.plan.partition_key
        if type == EventType.STEP_FAILED and key is not None and len(key.expand()) > 1:
            self.say(type, step, failure, of_partition=False)  # of the step as a whole, whichever partition it was

    def say(
        self,
        type: EventType,
        step: StepProgress,
        failure: Failure | None = None,
        delay: float | None = None,
        *,
        of_partition: bool = True,
    ) -> None:
        """Logs what became of a step, on the partitions that the run covers."""
        self.log.append(
            Event(
                type,
                step.ordinal,
                step.attempt,
                self.planned[step.ordinal].key,
                failure=failure,
                delay=delay,
                partition_key=self.plan.partition_key if of_partition else None,
            )
        )

    def _pause(self, step: StepProgress, wait: float) -> float:
        if wait <= 0.0:
            self.wake(step.ordinal)
            return 0.0
        return wait

    def _finish(self, step: StepProgress) -> None:
        """A step is over: what waits for its outputs becomes ready or is skipped, and so on downwards."""
        finished = deque([step])
        while finished:
            step = finished.popleft()
            self.unfinished -= 1
            if step.state == StepState.FAILED:
                self.failed += 1
            fan_out = self.fan_outs.of_instance(step.ordinal)
            if fan_out is not None:
                finished += opening.leave(self, step, fan_out)
                continue
            for output in self.planned[step.ordinal].outputs:
                finished += self._settle(step.ordinal, output.node, step.state, done=True)

    def _settle(self, ordinal: int, node: str, state: StepState, *, done: bool) -> list[StepProgress]:
        """Tells the consumers of an output what became of it; returns those that are over with that."""
        over = []
        for met, consumer in self._count_down(ordinal, node, state, done=done):
            step = self.steps[consumer]
            if not self.runs_on or not opening.awaits(self, step):
                continue
            if not met:
                step.state = STEP.apply(step, step.state, StepEvent.SKIP, SKIPPED)
                self.touched.add(consumer)
                self.log.append(Event(EventType.STEP_SKIPPED, consumer, 0, self.planned[consumer].key, failure=SKIPPED))
                over.append(step)
            elif not self._unmet[consumer] and opening.proceed(self, step):
                over.append(step)
        return over

    def _count_down(self, ordinal: int, node: str, state: StepState, *, done: bool) -> list[tuple[bool, int]]:
        """Meets or breaks the edges that this output decides; whoever was decided before is left alone."""
        consumers = self.index.consumers.get((ordinal, node))
        if not consumers:
            return []
        decided = []
        first = (ordinal, node) not in self._settled
        self._settled.add((ordinal, node))
        stored = state == StepState.SUCCEEDED or not first
        for consumer in consumers:
            if consumer.trigger == TriggerRule.ON_SUCCESS:
                if not first:
                    continue
                met = stored
            elif not done:
                continue
            else:
                met = consumer.trigger == TriggerRule.ON_DONE or state == StepState.FAILED
            if met:
                self._unmet[consumer.ordinal] -= 1
            decided.append((met, consumer.ordinal))
        return decided


def _unexplained(outcome: AttemptOutcome) -> Failure:
    if outcome == AttemptOutcome.SUCCEEDED:
        return SKIPPED  # never looked at
    return Failure(FailureReason.INFRASTRUCTURE, f"the attempt ended as {outcome.name} without further explanation")
