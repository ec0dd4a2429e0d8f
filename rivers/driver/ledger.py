"""The rows of one run, gathered as its progress makes them due."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from rivers.clock import Clock
from rivers.driver.owner import LEASE_SECONDS
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import LogStream
from rivers.lifecycle.step import StepProgress
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import RunPlan
from rivers.storage.rows import EventRow, LogRow, MaterializationRow, ObservationRow, RunRow, TokenBlock, WriteSet


class Beginning(Enum):
    """What a run begins as: its row and plan are new, are there and are made anew, or are there and stay."""

    NEW = auto()
    AGAIN = auto()
    LAUNCHED = auto()


class Ledger:
    """Turns a run's progress into write sets. Used under the run's lock; what `take` returns is nobody else's.

    The run's row belongs to the ledger: it is changed by `take` alone, so whoever writes the set sees it at rest.
    """

    def __init__(self, row: RunRow, plan: RunPlan, progress: RunProgress, clock: Clock, beginning: Beginning) -> None:
        self._row = row
        self._progress = progress
        self._clock = clock
        self._seq = row.last_seq
        self._log_seq = row.last_log_seq
        self._writes = WriteSet()
        self._touched: set[int] = set()
        self._is_renewal_due = False
        if beginning is Beginning.NEW:
            self._writes.new_runs.append(row)
            self._writes.plans.append((row.run_id, plan))
        elif beginning is Beginning.AGAIN:
            self._writes.replanned.append((row, plan))
            self._writes.changed_runs[row.run_id] = row

    @property
    def is_due(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._touched or self._is_renewal_due or self._writes)

    def settle(self) -> None:
        """Takes over what the progress has logged since the last time."""
        progress = self._progress
        if progress.log:
            now, run_id, steps, rows = self._clock.wall_ns(), self._row.run_id, progress.planned, self._writes.events
            for event in progress.log:
                self._seq += 1
                step = steps[event.ordinal] if event.ordinal >= 0 else None
                rows.append(EventRow(run_id, self._seq, now, event, step))
            progress.log.clear()
        if progress.touched:
            self._touched |= progress.touched
            progress.touched.clear()

    def materialized(
        self,
        node: str,
        data_version: str,
        partition_key: PartitionKey | None,
        token: int,
        inputs: tuple[tuple[str, str], ...],
    ) -> None:
        """Notes for the asset's record what the last settled event says."""
        event = self._writes.events[-1]
        self._writes.materializations.append(
            MaterializationRow(node, event.run_id, event.seq, event.at, data_version, partition_key, token, inputs)
        )

    def observed(self, node: str, data_version: str) -> None:
        """Notes for the record of an asset that is produced elsewhere which version was seen."""
        self._writes.observations.append(ObservationRow(node, data_version))

    def write_logs(self, step_key: str, attempt: int, chunks: Iterable[tuple[LogStream, str]]) -> None:
        """Notes captured output."""
        for stream, text in chunks:
            self._log_seq += 1
            now = self._clock.wall_ns()
            self._writes.logs.append(LogRow(self._row.run_id, self._log_seq, now, step_key, attempt, stream, text))

    def ask_for(self, tokens: TokenBlock) -> None:
        """The next write takes tokens."""
        if tokens.count:
            self._writes.tokens = tokens

    def renew(self) -> None:
        """The next write prolongs the lease."""
        self._is_renewal_due = True

    def take(self) -> WriteSet:
        """What is due, with the run as it is now. Step rows are copies: the originals go on changing."""
        progress, row, writes = self._progress, self._row, self._writes
        now = self._clock.wall_ns()
        row.state = progress.state
        row.failure = progress.failure
        row.last_seq = self._seq
        row.last_log_seq = self._log_seq
        row.total_steps = len(progress.steps)
        row.completed_steps = len(progress.steps) - progress.unfinished
        row.owner_expires_at = now + int(LEASE_SECONDS * 1e9)
        row.ended_at = now if progress.state.is_terminal else None
        row.version += 1
        if not writes.new_runs:
            writes.changed_runs[row.run_id] = row
        for ordinal in sorted(self._touched):
            writes.steps[row.run_id, ordinal] = _copy(progress.steps[ordinal])
        self._writes = WriteSet()
        self._touched = set()
        self._is_renewal_due = False
        return writes


def _copy(step: StepProgress) -> StepProgress:
    copy = StepProgress(step.ordinal, 0)
    copy.state = step.state
    copy.attempt = step.attempt
    copy.token = step.token
    copy.failures = step.failures
    copy.lost = step.lost
    copy.returns = step.returns
    copy.failure = step.failure
    copy.produced = list(step.produced)
    copy.expansion = step.expansion
    return copy
