"""States and intents of backfills. Numbers are those of `rivers.v1`."""

from __future__ import annotations

from enum import IntEnum


class BackfillIntent(IntEnum):
    """What is wanted of a backfill. It is stored; its status follows from it."""

    RUN = 1
    PAUSE = 2
    STOP = 3
    CANCEL = 4

    @property
    def is_final(self) -> bool:
        """Whether nothing is drawn any more."""
        return self >= BackfillIntent.STOP


class BackfillStatus(IntEnum):
    """How far a backfill is; never stored as a decision of its own."""

    QUEUED = 1
    RUNNING = 2
    PAUSED = 3
    STOPPING = 4
    CANCELING = 5
    COMPLETED = 6
    FAILED = 7
    CANCELED = 8

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return self >= BackfillStatus.COMPLETED


class UnitState(IntEnum):
    """How far a unit is. One that nothing happened to is UNDRAWN and has no row."""

    UNDRAWN = 1
    BLOCKED = 2
    READY = 3
    DRAWN = 4
    COMPLETED = 5
    FAILED = 6
    CANCELED = 7

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return self >= UnitState.COMPLETED


class UnitReason(IntEnum):
    """Why a unit ended without a run, or will."""

    NONE = 0
    UPSTREAM_FAILED = 1
    UPSTREAM_CANCELED = 2
    DEFINITION_CHANGED = 3


class FailurePolicy(IntEnum):
    """What the first failed run means for those that were not started."""

    CONTINUE = 1
    STOP_ON_FAILURE = 2
