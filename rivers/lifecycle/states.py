"""States, outcomes and reasons. Numbers are those of `rivers.v1`."""

from __future__ import annotations

from enum import IntEnum


class RunState(IntEnum):
    """The state of a run."""

    QUEUED = 1
    STARTED = 2
    CANCELING = 3
    SUCCEEDED = 4
    FAILED = 5
    CANCELED = 6
    DEQUEUED = 7

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return RunState.SUCCEEDED <= self <= RunState.CANCELED


class StepState(IntEnum):
    """The state of a step."""

    PENDING = 1
    READY = 2
    DISPATCHED = 3
    RUNNING = 4
    WAITING = 5
    SUCCEEDED = 6
    FAILED = 7
    SKIPPED = 8
    CANCELED = 9
    OPEN = 10

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return StepState.SUCCEEDED <= self <= StepState.CANCELED


class AttemptState(IntEnum):
    """The state of an attempt."""

    ASSIGNED = 1
    RUNNING = 2
    ENDED = 3


class AttemptOutcome(IntEnum):
    """How an attempt ended. LOST is said by the scheduler only."""

    SUCCEEDED = 1
    FAILED = 2
    CRASHED = 3
    STOPPED = 4
    FENCED = 5
    NOT_STARTED = 6
    LOST = 7


class RunKind(IntEnum):
    """What kind of run it is."""

    JOB = 1
    MATERIALIZATION = 2
    OBSERVATION = 3
    BACKFILL_UNIT = 4
    ACTION = 5


class LaunchCause(IntEnum):
    """Who started a run."""

    USER = 1
    SCHEDULE = 2
    SENSOR = 3
    BACKFILL_UNIT = 4
    CONDITION = 5


class RunOwner(IntEnum):
    """Who executes a run: the scheduler, or the process that created it, under a lease."""

    SCHEDULER = 1
    PROCESS = 2


class FailureReason(IntEnum):
    """Why an attempt or a run failed."""

    ERROR = 1
    OUT_OF_MEMORY = 2
    TIMEOUT = 3
    INFRASTRUCTURE = 4
    CANCELLED = 5
    UPSTREAM_FAILED = 6
    HOME_LOST = 7
    GENERATION_GONE = 8


class EventType(IntEnum):
    """The type of an event in a run's log."""

    RUN_QUEUED = 1
    RUN_DEQUEUED = 2
    RUN_STARTED = 3
    RUN_CANCEL_REQUESTED = 4
    RUN_LAUNCH_FAILED = 5
    RUN_SUCCEEDED = 6
    RUN_FAILED = 7
    RUN_CANCELED = 8
    STEP_DISPATCHED = 9
    STEP_STARTED = 10
    STEP_SUCCEEDED = 11
    STEP_FAILED = 12
    STEP_RETRIED = 13
    STEP_SKIPPED = 14
    STEP_CANCELED = 15
    ATTEMPT_LOST = 16
    ATTEMPT_NOT_STARTED = 17
    MATERIALIZED = 18
    OBSERVED = 19
    SLOT_WAITING = 20
    SLOT_CLAIMED = 21
    SLOT_RENEWED = 22
    SLOT_RELEASED = 23
    PARTITION_FAILED = 41


#: Events of a run itself; all others are about a node, whose name may be empty.
OF_RUNS = frozenset(kind for kind in EventType if kind <= EventType.RUN_CANCELED)


class LogStream(IntEnum):
    """Which stream of a step a chunk of output belongs to."""

    STDOUT = 1
    STDERR = 2
    LOGGING = 3
    TRACEBACK = 4
