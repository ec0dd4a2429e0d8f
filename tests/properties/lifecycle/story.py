"""A run told event by event, with an account of its own of what must follow.

`Story` plays the part of whoever owns a `RunProgress`: it dispatches, keeps the attempts, reports ends, wakes, cancels,
and now and then throws the object away and restores it from rows. After every event `check` compares the object with
what the plan's edges and the events so far say, worked out from scratch.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from rivers.definitions.kinds import StepKind, TriggerRule
from rivers.lifecycle.events import Failure
from rivers.lifecycle.fan_out import INSTANCES_FAILED, is_mapped
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import AttemptOutcome, EventType, FailureReason, RunState, StepState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedEdge, RunPlan

ERROR = Failure(FailureReason.ERROR, "ValueError: boom", ("builtins.ValueError", "builtins.Exception"))
LOSS = Failure(FailureReason.INFRASTRUCTURE, "the worker is gone")
HOME_LOST = Failure(FailureReason.HOME_LOST, "the home process is gone")

RUN_ENDS = {EventType.RUN_SUCCEEDED, EventType.RUN_FAILED, EventType.RUN_CANCELED}
STEP_ENDS = {EventType.STEP_SUCCEEDED, EventType.STEP_FAILED, EventType.STEP_SKIPPED, EventType.STEP_CANCELED}
OUTSTANDING = (StepState.DISPATCHED, StepState.RUNNING)


@dataclass
class Story:
    """One run, its live attempts, and the attempts that were called lost and that nobody has superseded."""

    plan: RunPlan
    budget: int
    live: dict[int, int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)
    rows: dict[int, tuple[object, ...]] = field(default_factory=dict)
    ended: dict[int, StepState] = field(default_factory=dict)
    bodies: dict[int, int] = field(default_factory=dict)
    unstarted: dict[int, int] = field(default_factory=dict)
    fenced: set[int] = field(default_factory=set)
    next_token: int = 1
    cancelled: bool = False
    abandoned: bool = False

    def __post_init__(self) -> None:
        self.run = RunProgress(self.plan, infrastructure_budget=self.budget)
        self.before = self._images()

    # -- events -----------------------------------------------------------------------------------------------------

    def dispatch(self, pick: int) -> None:
        """Issues an attempt of one of the ready steps."""
        if self.run.ready:
            ordinal = self.run.ready.pop(pick % len(self.run.ready))
            assert not any(self._broken(edge) or self._open(edge) for edge in self.run.planned[ordinal].edges)
            token, self.next_token = self.next_token, self.next_token + 1
            number = self.run.dispatch(ordinal, token)
            self.bodies[ordinal] = self.bodies.get(ordinal, 0) + 1
            assert number == self.bodies[ordinal] - self.unstarted.get(ordinal, 0)
            assert ordinal not in self.live, "two attempts of one step at the same time"
            self.live[ordinal] = token
            self.lost.pop(ordinal, None)

    def start(self, pick: int) -> None:
        """A body begins."""
        if (ordinal := self._pick_live(pick)) and ordinal[0] not in self.fenced:
            self.run.start(ordinal[0])

    def materialize(self, pick: int) -> None:
        """A body stores one of its outputs."""
        if (ordinal := self._pick_live(pick)) and ordinal[0] not in self.fenced:
            self._store(ordinal[0], pick)

    def tell(self, pick: int) -> None:
        """A body tells the elements of what it makes, or of its source; an attempt that fails may have done so, too."""
        if (ordinal := self._pick_live(pick)) and ordinal[0] not in self.fenced:
            self._tell(ordinal[0], pick)

    def fence(self, pick: int) -> None:
        """Nothing from a live attempt counts any more."""
        if ordinal := self._pick_live(pick):
            self.run.fence(ordinal[0])
            self.fenced.add(ordinal[0])

    def end(self, pick: int, outcome: AttemptOutcome, spread: float = 0.0) -> None:
        """A live attempt ends."""
        if not (chosen := self._pick_live(pick)):
            return
        ordinal = chosen[0]
        if ordinal in self.fenced:
            self.fenced.discard(ordinal)
            outcome = AttemptOutcome.FENCED
        state = self.run.steps[ordinal].state
        if outcome == AttemptOutcome.NOT_STARTED:
            if state != StepState.DISPATCHED:
                return
            self.unstarted[ordinal] = self.unstarted.get(ordinal, 0) + 1
        token = self.live.pop(ordinal)
        if outcome == AttemptOutcome.SUCCEEDED:
            self.run.start(ordinal)
            for place in range(len(self.run.planned[ordinal].outputs)):
                self._store(ordinal, place)
            if is_mapped(self.run.planned[ordinal]) or pick % 2:
                self._tell(ordinal, pick)
        self.run.end(ordinal, outcome, _failure(outcome), spread)
        if outcome == AttemptOutcome.LOST and not self.run.steps[ordinal].state.is_terminal:
            self.lost[ordinal] = token

    def arrive_late(self, pick: int, outcome: AttemptOutcome) -> None:
        """A lost attempt that nobody superseded ends after all."""
        waiting = [ordinal for ordinal in self.lost if not self.run.steps[ordinal].state.is_terminal]
        if not waiting:
            return
        ordinal = waiting[pick % len(waiting)]
        step = self.run.steps[ordinal]
        assert step.token == self.lost.pop(ordinal), "only the current token counts"
        before = _image(step)
        if is_mapped(self.run.planned[ordinal]) and outcome == AttemptOutcome.SUCCEEDED:
            self._tell(ordinal, pick)
            before = _image(step)
        self.run.end(ordinal, outcome, _failure(outcome))
        if outcome == AttemptOutcome.SUCCEEDED:
            assert step.state == StepState.SUCCEEDED or is_mapped(self.run.planned[ordinal])
        elif outcome != AttemptOutcome.FAILED:
            assert _image(step) == before, "its loss was paid for already"

    def wake(self, pick: int) -> None:
        """A wait is over."""
        waiting = [step.ordinal for step in self.run.steps if step.state == StepState.WAITING]
        if waiting:
            self.run.wake(waiting[pick % len(waiting)])

    def cancel(self) -> None:
        """Somebody asks the run to stop."""
        self.cancelled = self.cancelled or not self.run.state.is_terminal
        self.run.cancel("enough")

    def abandon(self) -> None:
        """The run cannot go on."""
        self.abandoned = self.abandoned or not self.run.state.is_terminal
        self.run.abandon(HOME_LOST)

    def restore(self) -> None:
        """The object is lost and made anew from rows."""
        twin = self.rebuilt()
        twin.log = self.run.log
        self.run = twin

    def rebuilt(self) -> RunProgress:
        """What rows make of the run."""
        twin = RunProgress(self.plan, infrastructure_budget=self.budget, state=self.run.state)
        twin.failure = self.run.failure
        twin.restore([_row(self.run.steps[ordinal]) for ordinal in sorted(self.rows)])
        return twin

    def finish(self) -> None:
        """Everything that is left goes well, and the run must end."""
        for _ in range(80 * (len(self.plan.steps) + 1)):
            if self.run.state.is_terminal:
                return
            for ordinal in list(self.live):
                self.end(list(self.live).index(ordinal), AttemptOutcome.SUCCEEDED)
                self.check()
            for _ in self.run.steps:
                self.wake(0)
            while self.run.ready:
                self.dispatch(0)
            self.check()
        raise AssertionError(f"the run never ends: {self.run.steps}")

    # -- what must hold ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compares the run with what its edges and the events so far say."""
        run = self.run
        moving = run.state == RunState.STARTED and run.failure is None
        for step in run.steps:
            planned = self.run.planned[step.ordinal]
            edges = planned.edges
            broken, unmet = any(map(self._broken, edges)), any(map(self._open, edges))
            if planned.id.mapping_key is not None:
                assert not any((broken, unmet)), "an instance of a task that has not begun"
            elif step.state == StepState.OPEN and planned.kind == StepKind.GRAPH_ASSET:
                assert moving
                assert unmet > broken, "the own step of a graph is neither begun nor skipped"
            elif step.state == StepState.SKIPPED:
                assert broken, "skipped without cause"
            elif step.state == StepState.PENDING:
                assert not moving or (unmet and not broken), "neither started nor skipped"
            else:
                assert step.state == StepState.CANCELED or not (broken or unmet), "an input is not there"
            assert (step.state in OUTSTANDING) == (step.ordinal in self.live)
            assert 0 <= step.lost <= self.budget + step.failures
            assert step.ordinal not in self.fenced or not step.token
            if step.ordinal in self.ended:
                assert step.state == self.ended[step.ordinal], "a terminal state was left"
            elif step.state.is_terminal:
                self.ended[step.ordinal] = step.state
        assert run.live == len(self.live)
        assert run.unfinished == sum(not step.state.is_terminal for step in run.steps)
        assert len(set(run.ready)) == len(run.ready)
        assert set(run.ready) == {step.ordinal for step in run.steps if step.state == StepState.READY}
        self._check_fan_outs()
        self._check_end()
        self._check_log()
        self._check_touched()
        self._check_rebuilt()

    def _check_end(self) -> None:
        run, states = self.run, [step.state for step in self.run.steps]
        if not run.state.is_terminal:
            assert run.state == RunState.QUEUED or run.unfinished or run.live
            return
        assert not run.live
        failed = StepState.FAILED in states
        if self.abandoned and run.failure is HOME_LOST:
            assert run.state == RunState.FAILED
        elif run.state == RunState.CANCELED:
            assert self.cancelled
        else:
            assert not self.cancelled or run.state != RunState.FAILED
            assert all(state.is_terminal for state in states)
            assert run.state == (RunState.FAILED if failed else RunState.SUCCEEDED)

    def _check_fan_outs(self) -> None:
        run = self.run
        moving = run.state == RunState.STARTED and run.failure is None
        for parent in run.steps[: len(self.plan.steps)]:
            fan_out = run.fan_outs.of_parent(parent.ordinal)
            if fan_out is None:
                assert parent.state != StepState.OPEN or not is_mapped(self.run.planned[parent.ordinal])
                continue
            instances = run.steps[fan_out.first : fan_out.first + fan_out.count]
            assert parent.expansion is not None
            assert len(parent.expansion.keys) == len(instances)
            assert [run.fan_outs.place(step.ordinal) for step in instances] == list(range(len(instances)))
            begun = [step for step in instances if step.state != StepState.PENDING]
            active = sum(not step.state.is_terminal for step in begun)
            assert not fan_out.limit or active <= fan_out.limit, "more at a time than allowed"
            if parent.state == StepState.OPEN:
                assert moving
                assert active, "nothing of it runs"
                assert len(begun) == len(instances) or active == fan_out.limit, "an instance waits for nothing"
            elif parent.state == StepState.SUCCEEDED:
                assert all(step.state == StepState.SUCCEEDED for step in instances)
            elif parent.failure is INSTANCES_FAILED:
                assert all(step.state.is_terminal for step in instances)
                assert any(step.state == StepState.FAILED for step in instances)
            else:
                assert parent.state == StepState.CANCELED

    def _check_log(self) -> None:
        begun = set()
        for event in self.run.log:
            if event.ordinal >= 0:
                planned = self.run.planned[event.ordinal]
                begun.add(planned.key)
                if event.type == EventType.STEP_STARTED and planned.graph in self.run.index.graphs:
                    assert planned.graph in begun or self.cancelled or self.abandoned, "its graph has not begun"
        types = [event.type for event in self.run.log]
        ends = [type for type in types if type in RUN_ENDS]
        assert len(ends) == self.run.state.is_terminal
        assert not ends or types[-1] in RUN_ENDS, "an event after the last one"
        over = [event.ordinal for event in self.run.log if event.type in STEP_ENDS]
        assert len(set(over)) == len(over), "a step ended twice"

    def _check_touched(self) -> None:
        after = self._images()
        for ordinal, image in enumerate(after):
            if image != (self.before[ordinal] if ordinal < len(self.before) else _UNMOVED):
                assert ordinal in self.run.touched, "a row changed and nobody would write it"
                self.rows[ordinal] = image
        self.before = after
        self.run.touched.clear()

    def _check_rebuilt(self) -> None:
        run, twin = self.run, self.rebuilt()
        assert sorted(twin.ready) == sorted(run.ready)
        assert not twin.touched, "rows were missing"
        assert [_image(step) for step in twin.steps] == [_image(step) for step in run.steps]
        for name in ("live", "failed", "unfinished"):
            assert getattr(twin, name) == getattr(run, name), name
        if run.state == RunState.STARTED and run.failure is None:  # what nothing can follow from may differ
            assert twin._settled == run._settled
            for ordinal in range(len(self.plan.steps)):
                assert _counts(twin, ordinal) == _counts(run, ordinal)
            for step in run.steps[: len(self.plan.steps)]:
                assert step.state != StepState.PENDING or twin._unmet[step.ordinal] == run._unmet[step.ordinal]

    def _open(self, edge: PlannedEdge) -> bool:
        return edge.producer is not None and not self.run.steps[edge.producer].state.is_terminal and not self._met(edge)

    def _broken(self, edge: PlannedEdge) -> bool:
        return edge.producer is not None and self.run.steps[edge.producer].state.is_terminal and not self._met(edge)

    def _met(self, edge: PlannedEdge) -> bool:
        assert edge.producer is not None
        producer = self.run.steps[edge.producer]
        match edge.trigger:
            case TriggerRule.ON_SUCCESS:
                if self.run.planned[edge.producer].kind in (StepKind.MAPPED_TASK, StepKind.COLLECT):
                    return producer.state == StepState.SUCCEEDED
                return bool(self.run.fan_outs.token(edge.producer, edge.node)) and (
                    len(producer.produced) > 1 or producer.state == StepState.SUCCEEDED
                )
            case TriggerRule.ON_DONE:
                return producer.state.is_terminal
            case TriggerRule.ON_FAILURE:
                return producer.state == StepState.FAILED

    def _store(self, ordinal: int, pick: int) -> None:
        outputs = self.run.planned[ordinal].outputs
        self.run.materialize(ordinal, outputs[pick % len(outputs)].node, has_value=bool(pick % 5))

    def _tell(self, ordinal: int, pick: int) -> None:
        planned = self.run.planned[ordinal]
        nodes = [""] if is_mapped(planned) else [output.node for output in planned.outputs]
        if is_mapped(planned) and not self.run.steps[ordinal].token:
            return
        keys = [f"{pick}-{n}" for n in range(pick % 4)]
        for node in nodes:
            self.run.map_items(ordinal, node, keys)

    def _pick_live(self, pick: int) -> list[int]:
        live = list(self.live)
        return [live[pick % len(live)]] if live else []

    def _images(self) -> list[tuple[object, ...]]:
        return [_image(step) for step in self.run.steps]


def _image(step: StepProgress) -> tuple[object, ...]:
    """What a row holds of a step."""
    return (
        step.state,
        step.attempt,
        step.token,
        step.failures,
        step.lost,
        step.returns,
        step.failure,
        tuple(step.produced),
        step.expansion,
    )


#: The image of a step that has not moved, of which there is no row.
_UNMOVED = _image(StepProgress(0, 1))


def _counts(run: RunProgress, ordinal: int) -> tuple[object, ...] | None:
    fan_out = run.fan_outs.of_parent(ordinal)
    if fan_out is None or run.steps[ordinal].state != StepState.OPEN:
        return None
    return fan_out.first, fan_out.count, fan_out.active, fan_out.left, fan_out.has_failed


def _row(step: StepProgress) -> StepProgress:
    """A step as read back from its row."""
    row = copy(step)
    row.produced = list(step.produced)
    return row


def _failure(outcome: AttemptOutcome) -> Failure | None:
    match outcome:
        case AttemptOutcome.SUCCEEDED:
            return None
        case AttemptOutcome.FAILED:
            return ERROR
        case _:
            return LOSS
