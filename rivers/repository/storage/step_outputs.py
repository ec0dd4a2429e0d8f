"""Events of steps with several outputs, told output by output: users know outputs, not the steps behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rivers.lifecycle.states import OF_RUNS, EventType
from rivers.repository.storage.stored_event import NAMES, StoredEvent, event_id, stored
from rivers.storage import plans
from rivers.v1.run_pb2 import RunEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ABOUT_STEPS = (
    EventType.STEP_STARTED,
    EventType.STEP_SUCCEEDED,
    EventType.STEP_FAILED,
    EventType.STEP_SKIPPED,
    EventType.STEP_RETRIED,
    EventType.ATTEMPT_LOST,
)

#: A step, one attempt at it, and an output that this attempt stored; with whether it stored it for a partition.
Made = dict[tuple[str, str, int, str], bool]


class StepOutputs:
    """For each run the outputs that it wants of steps with several. A plan is read only where there are such steps."""

    def __init__(self, connection: Connection, steps: Mapping[str, str]) -> None:
        self._connection = connection
        self._several = frozenset(steps.values())
        self._wanted: dict[str, dict[str, tuple[str, ...]]] = {}

    def of(self, event: RunEvent) -> tuple[str, ...]:
        """The outputs that an event about a step is about."""
        if event.node not in self._several:
            return (event.node,)
        if event.run_id not in self._wanted:
            plan = plans.get(self._connection, event.run_id)
            steps = () if plan is None else plan.steps
            self._wanted[event.run_id] = {step.key: tuple(output.node for output in step.outputs) for step in steps}
        return self._wanted[event.run_id].get(event.node, (event.node,))


def of_run(read: Iterable[RunEvent], outputs: StepOutputs) -> Iterator[StoredEvent]:
    """The events of a run, oldest first."""
    made: Made = {}
    for event in read:
        kind = EventType(event.type)
        if kind == EventType.MATERIALIZED:
            made[event.run_id, event.step.node, event.attempt, event.node] = event.HasField("partition_key")
        if kind not in _ABOUT_STEPS:
            if kind in NAMES:
                node = None if kind in OF_RUNS else event.node
                yield stored(event, NAMES[kind], node, event_id(event.run_id, event.seq))
            continue
        for place, node in enumerate(outputs.of(event)):
            told = _told(event, kind, node, place, made)
            if told is not None:
                yield told


def of_output(
    own: Iterable[RunEvent], step: Iterable[RunEvent], node: str, outputs: StepOutputs
) -> list[tuple[int, StoredEvent]]:
    """The events of one output with their positions, newest first: its own, and those of its step."""
    found: dict[int, StoredEvent] = {}
    made: Made = {}
    for event in own:
        kind = EventType(event.type)
        if kind == EventType.MATERIALIZED:
            made[event.run_id, event.step.node, event.attempt, event.node] = event.HasField("partition_key")
        if kind in NAMES and kind not in _ABOUT_STEPS:
            found[event.position] = stored(event, NAMES[kind], node, event_id(event.run_id, event.seq))
    for event in step:
        kind = EventType(event.type)
        if kind in _ABOUT_STEPS:
            wanted = outputs.of(event)
            told = _told(event, kind, node, wanted.index(node), made) if node in wanted else None
            if told is not None:
                found[event.position] = told
    return sorted(found.items(), reverse=True)


def _told(event: RunEvent, kind: EventType, node: str, place: int, made: Made) -> StoredEvent | None:
    """What a step's event says of one output: a step that failed may have stored some.

    A batched step's failure is logged a second time without a key, which says nothing of an output that was stored.
    """
    is_of_partition = made.get((event.run_id, event.step.node, event.attempt, node))
    if kind == EventType.STEP_FAILED and is_of_partition is not None:
        if is_of_partition and not event.HasField("partition_key"):
            return None
        kind = EventType.STEP_SUCCEEDED
    id = event_id(event.run_id, event.seq)
    return stored(event, NAMES[kind], node, f"{id}:{place}" if place else id)
