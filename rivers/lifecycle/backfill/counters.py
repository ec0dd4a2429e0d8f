"""What a backfill counts, and the status that follows from it. Counts are of partitions."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus


@dataclass(slots=True)
class Counters:
    """Sums over the rows of units: those drawn or ended, and those by how they ended. `runs` were made in all."""

    drawn: int = 0
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    runs: int = 0

    @property
    def live(self) -> int:
        """Partitions whose runs are not over."""
        return self.drawn - self.completed - self.failed - self.canceled


def status(total: int, counters: Counters, intent: BackfillIntent, *, error: str = "") -> BackfillStatus:
    """The status of a backfill of so many partitions: of nothing else than these."""
    undrawn = total - counters.drawn
    if error:
        return BackfillStatus.FAILED if not counters.live else BackfillStatus.STOPPING
    if not counters.live and (not undrawn or intent.is_final):
        if intent == BackfillIntent.CANCEL:
            return BackfillStatus.CANCELED
        if counters.failed:
            return BackfillStatus.FAILED
        return BackfillStatus.CANCELED if counters.canceled else BackfillStatus.COMPLETED
    match intent:
        case BackfillIntent.PAUSE:
            return BackfillStatus.PAUSED
        case BackfillIntent.STOP:
            return BackfillStatus.STOPPING
        case BackfillIntent.CANCEL:
            return BackfillStatus.CANCELING
    return BackfillStatus.RUNNING if counters.drawn else BackfillStatus.QUEUED


def canceled(total: int, counters: Counters, intent: BackfillIntent) -> int:
    """The partitions that are canceled: those whose runs were, and those that will never be drawn."""
    return counters.canceled + (total - counters.drawn if intent.is_final else 0)
