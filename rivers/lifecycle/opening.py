"""Steps that are made of others: the own step of a graph asset, a mapped task, and the gathering behind it.

Part of `RunProgress`: the functions decide about its steps, and leave what follows where it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.definitions.kinds import StepKind
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.fan_out import INSTANCES_FAILED, NOT_EXPANDED, Expansion, FanOut
from rivers.lifecycle.states import EventType, FailureReason, StepState
from rivers.lifecycle.step import STEP, StepEvent, StepProgress

if TYPE_CHECKING:
    from rivers.lifecycle.progress import RunProgress


def proceed(run: RunProgress, step: StepProgress) -> bool:
    """Every input of a step is there. True when it is over with that."""
    planned = run.planned[step.ordinal]
    if planned.kind == StepKind.COLLECT:
        step.state = STEP.apply(step, step.state, StepEvent.PASS)
        run.touched.add(step.ordinal)
        announce(run, step)
        _succeeded(run, step)
        return True
    if planned.kind == StepKind.MAPPED_TASK and run.fan_outs.find_keys(step.ordinal):
        announce(run, step)
        return _open(run, step)
    run.become_ready(step)
    return False


def announce(run: RunProgress, step: StepProgress) -> None:
    """Logs that a step begins, and before it the graph that it belongs to. A graph is announced once an attempt."""
    planned = run.planned[step.ordinal]
    if planned.graph and (graph := run.index.graphs.get(planned.graph)) is not None:
        outer = run.steps[graph]
        if outer.state == StepState.PENDING and run.runs_on:
            outer.state = STEP.apply(outer, outer.state, StepEvent.OPEN)
            outer.expansion = Expansion()
            run.touched.add(graph)
            key = run.plan.partition_key
            run.log.append(Event(EventType.STEP_STARTED, graph, outer.attempt + 1, planned.graph, partition_key=key))
    if planned.kind == StepKind.GRAPH_ASSET:
        if step.expansion is not None:
            step.expansion = None
            return
        if not planned.edges and step.attempt == 1:  # its body named a constant: nothing ever began
            return
    run.say(EventType.STEP_STARTED, step)


def expanded(run: RunProgress, step: StepProgress) -> bool:
    """The attempt of a mapped task that looked at its source succeeded. True when the task is over with that."""
    if step.expansion is not None and step.expansion.token == step.token:
        return _open(run, step)
    step.state = STEP.apply(step, step.state, StepEvent.FAIL, NOT_EXPANDED)
    run.report(EventType.STEP_FAILED, step, NOT_EXPANDED)
    return True


def leave(run: RunProgress, step: StepProgress, fan_out: FanOut) -> list[StepProgress]:
    """An instance is over: others may begin. Returns its task when that is over, too."""
    fan_out.note(step)
    parent = run.steps[fan_out.parent]
    if parent.state != StepState.OPEN:
        return []
    if fan_out.left:
        _begin(run, fan_out)
        return []
    _close(run, parent, fan_out)
    return [parent]


def awaits(run: RunProgress, step: StepProgress) -> bool:
    """Whether a step still waits for inputs; a graph's own step does while the graph runs."""
    return step.state == StepState.PENDING or (
        step.state == StepState.OPEN and run.planned[step.ordinal].kind == StepKind.GRAPH_ASSET
    )


def _open(run: RunProgress, step: StepProgress) -> bool:
    """The elements of a mapped task are known: its instances begin. True when it is over with that."""
    run.touched.add(step.ordinal)
    if not run.runs_on:
        step.state = STEP.apply(step, step.state, StepEvent.CANCEL)
        run.say(EventType.STEP_CANCELED, step)
        return True
    step.state = STEP.apply(step, step.state, StepEvent.OPEN)
    if is_too_large(run, step):
        failure = _too_large(run, step)
        step.state = STEP.apply(step, step.state, StepEvent.FAIL, failure)
        run.report(EventType.STEP_FAILED, step, failure)
        return True
    fan_out = run.fan_outs.expand(step)
    run.unfinished += fan_out.left
    run.touched.update(fan_out.made)
    if not fan_out.left:
        _close(run, step, fan_out)
        return True
    _begin(run, fan_out)
    return False


def is_too_large(run: RunProgress, step: StepProgress) -> bool:
    """Whether a mapped task has more elements than whoever gathers its results could be told of."""
    if not run.fan_out_bytes or step.expansion is None:
        return False
    keys, each = step.expansion.keys, len(run.planned[step.ordinal].key.encode()) + 16
    return sum(len(key.encode()) for key in keys) + each * len(keys) > run.fan_out_bytes


def _too_large(run: RunProgress, step: StepProgress) -> Failure:
    count = len(step.expansion.keys) if step.expansion is not None else 0
    return Failure(
        FailureReason.ERROR,
        f"a fan-out over {count} elements or more is too large: the names of its results take more than "
        f"{run.fan_out_bytes >> 10} KiB; map over batches of elements",
    )


def _begin(run: RunProgress, fan_out: FanOut) -> None:
    for instance in fan_out.begin(run.steps):
        run.become_ready(instance)


def _close(run: RunProgress, step: StepProgress, fan_out: FanOut) -> None:
    """Every instance of a mapped task is over, and so is the task."""
    run.touched.add(step.ordinal)
    if fan_out.has_failed:
        step.state = STEP.apply(step, step.state, StepEvent.FAIL, INSTANCES_FAILED)
        run.report(EventType.STEP_FAILED, step, INSTANCES_FAILED)
    else:
        step.state = STEP.apply(step, step.state, StepEvent.SUCCEED)
        _succeeded(run, step)


def _succeeded(run: RunProgress, step: StepProgress) -> None:
    run.say(EventType.STEP_SUCCEEDED, step)
