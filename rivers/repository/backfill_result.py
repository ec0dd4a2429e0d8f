"""What a backfill came to, and how far one is."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.lifecycle.backfill import counters as counting
from rivers.lifecycle.backfill import states
from rivers.partitions.key import PartitionKey
from rivers.repository.record import Record
from rivers.repository.storage.launched_by import LaunchedBy
from rivers.storage.backfill_rows import BackfillRow

_STATUSES = {
    states.BackfillStatus.COMPLETED: "completed",
    states.BackfillStatus.FAILED: "failed",
    states.BackfillStatus.CANCELED: "canceled",
}


def status_text(status: states.BackfillStatus) -> str:
    """The word for a status: whatever is not over is in progress."""
    return _STATUSES.get(status, "in_progress")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class BackfillResult(Record):
    """A backfill that was launched, or only planned (`is_dry_run`). Counts are of partitions, not of runs.

    `status` is "in_progress", "completed", "failed", "canceled" or "dry_run". `partition_keys` are all of its
    partitions, each by itself, in the order in which they are run.
    """

    backfill_id: str
    num_partitions: int
    num_runs: int
    status: str
    completed: int
    failed: int
    canceled: int
    run_ids: list[str]
    is_dry_run: bool
    partition_keys: list[PartitionKey]

    def __repr__(self) -> str:
        return (
            f"BackfillResult(status={self.status!r}, num_partitions={self.num_partitions}, num_runs={self.num_runs}, "
            f"completed={self.completed}, failed={self.failed}, canceled={self.canceled})"
        )


@dataclass(frozen=True, slots=True, init=False, repr=False)
class BackfillStatus(Record):
    """How far a backfill is. Counts are of partitions; `error` is about the backfill itself, never about its runs."""

    backfill_id: str
    status: str
    total_partitions: int
    completed_partitions: int
    failed_partitions: int
    canceled_partitions: int
    run_ids: list[str]
    error: str | None
    tags: list[tuple[str, str]]
    launched_by: LaunchedBy
    action: str | None

    def __repr__(self) -> str:
        return (
            f"BackfillStatus(backfill_id={self.backfill_id!r}, status={self.status!r}, "
            f"completed={self.completed_partitions}/{self.total_partitions}, failed={self.failed_partitions}, "
            f"canceled={self.canceled_partitions})"
        )


def status_of(row: BackfillRow, run_ids: list[str]) -> BackfillStatus:
    """What the rows say of a backfill."""
    return BackfillStatus.of(
        backfill_id=row.backfill_id,
        status=status_text(row.status),
        total_partitions=row.total_partitions,
        completed_partitions=row.counters.completed,
        failed_partitions=row.counters.failed,
        canceled_partitions=counting.canceled(row.total_partitions, row.counters, row.intent),
        run_ids=run_ids,
        error=row.error or None,
        tags=list(row.tags),
        launched_by=LaunchedBy.by(row.cause, row.cause_name),
        action=row.action,
    )
