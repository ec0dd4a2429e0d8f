"""The closed sets of storages and their runs."""

from __future__ import annotations

from rivers.definitions.closed_set import ClosedSet
from rivers.lifecycle.states import RunState


class StorageType(ClosedSet):
    """Where a storage keeps what it keeps."""

    Memory = 0
    Embedded = 1
    Remote = 2


class RunStatus(ClosedSet):
    """What a run has come to, as users read it."""

    Queued = 0
    NotStarted = 1
    Started = 2
    Success = 3
    Failure = 4
    Canceled = 5


STATUS_OF = {
    RunState.QUEUED: RunStatus.Queued,
    RunState.DEQUEUED: RunStatus.NotStarted,
    RunState.STARTED: RunStatus.Started,
    RunState.CANCELING: RunStatus.Started,
    RunState.SUCCEEDED: RunStatus.Success,
    RunState.FAILED: RunStatus.Failure,
    RunState.CANCELED: RunStatus.Canceled,
}
