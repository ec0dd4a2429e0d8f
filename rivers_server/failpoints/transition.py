"""What a batch moves, told from its rows: the moments of a scheduler's life that have a name."""

from __future__ import annotations

from enum import StrEnum

from rivers.lifecycle.backfill.states import BackfillIntent, UnitState
from rivers.lifecycle.states import AttemptOutcome, AttemptState, EventType, StepState
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.rows import WriteSet

#: A step in these has a live attempt; without a token nothing of that counts (A12).
_ISSUED = {StepState.DISPATCHED, StepState.RUNNING}


class Transition(StrEnum):
    """What a batch moves. One batch may move several; `batch` is any."""

    BATCH = "batch"
    REGISTER = "register"
    DEREGISTER = "deregister"
    ADOPT = "adopt"
    SUBMIT = "submit"
    ADMIT = "admit"
    DISPATCH = "dispatch"
    STARTED = "started"
    OUTPUT = "output"
    ENDED = "ended"
    RETRY = "retry"
    LOST = "lost"
    LATE = "late"
    RUN_END = "run_end"
    CANCEL = "cancel"
    FENCE = "fence"
    PARTITIONS = "partitions"
    BACKFILL = "backfill"
    DRAW = "draw"
    UNIT_END = "unit_end"
    PAUSE = "pause"
    RESUME = "resume"
    BACKFILL_CANCEL = "backfill_cancel"
    BACKFILL_END = "backfill_end"


class Reading:
    """Reads batches in the order in which they are written: some moves are told by what was written before."""

    def __init__(self) -> None:
        self._lost: set[int] = set()
        self._paused: set[str] = set()

    def transitions(self, writes: WriteSet) -> set[Transition]:
        """What a batch moves, but for adoptions: those may write nothing."""
        types = {row.event.type for row in writes.events}
        attempts = writes.attempts.values()
        units = [row.progress.state for row in writes.units.values()]
        happened = {
            Transition.BATCH: True,
            Transition.REGISTER: bool(writes.locations),
            Transition.DEREGISTER: bool(writes.forgotten_locations),
            Transition.SUBMIT: bool(writes.new_runs),
            Transition.ADMIT: EventType.RUN_DEQUEUED in types,
            Transition.DISPATCH: any(a.state == AttemptState.ASSIGNED and not a.ingested for a in attempts),
            Transition.STARTED: EventType.STEP_STARTED in types,
            Transition.OUTPUT: bool(writes.logs) or EventType.MATERIALIZED in types,
            Transition.ENDED: any(a.state == AttemptState.ENDED for a in attempts),
            Transition.RETRY: EventType.STEP_RETRIED in types,
            Transition.LOST: EventType.ATTEMPT_LOST in types,
            Transition.LATE: self._is_late(writes),
            Transition.RUN_END: any(row.state.is_terminal for row in writes.changed_runs.values()),
            Transition.CANCEL: EventType.RUN_CANCEL_REQUESTED in types,
            Transition.FENCE: any(not step.token and step.state in _ISSUED for step in writes.steps.values()),
            Transition.PARTITIONS: bool(writes.dynamic_partitions),
            Transition.BACKFILL: bool(writes.new_backfills),
            Transition.DRAW: UnitState.DRAWN in units,
            Transition.UNIT_END: any(state.is_terminal for state in units),
            Transition.PAUSE: any(row.intent == BackfillIntent.PAUSE for row in writes.changed_backfills.values()),
            Transition.RESUME: any(self._is_resumed(row) for row in writes.changed_backfills.values()),
            Transition.BACKFILL_CANCEL: any(
                row.intent == BackfillIntent.CANCEL for row in writes.changed_backfills.values()
            ),
            Transition.BACKFILL_END: any(row.ended_at is not None for row in writes.changed_backfills.values()),
        }
        return {transition for transition, is_so in happened.items() if is_so}

    def _is_late(self, writes: WriteSet) -> bool:
        """Whether a result came of an attempt that had been called lost."""
        ended = {token: a.outcome for token, a in writes.attempts.items() if a.state == AttemptState.ENDED}
        late = {token for token, outcome in ended.items() if outcome != AttemptOutcome.LOST} & self._lost
        self._lost |= {token for token, outcome in ended.items() if outcome == AttemptOutcome.LOST}
        return bool(late)

    def _is_resumed(self, row: BackfillRow) -> bool:
        """Whether a backfill that was paused goes on."""
        if row.intent == BackfillIntent.PAUSE:
            self._paused.add(row.backfill_id)
        if row.intent != BackfillIntent.RUN or row.backfill_id not in self._paused:
            return False
        self._paused.discard(row.backfill_id)
        return True
