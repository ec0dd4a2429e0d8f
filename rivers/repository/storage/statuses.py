"""The closed sets of storages and their runs."""

from __future__ import annotations

from rivers.definitions.closed_set import ClosedSet
from rivers.definitions.run_status import RunStatus
from rivers.lifecycle.states import RunState


class StorageType(ClosedSet):
    """Where a storage keeps what it keeps."""

    Memory = 0
    Embedded = 1
    Remote = 2


STATUS_OF = {
    RunState.QUEUED: RunStatus.Queued,
    RunState.DEQUEUED: RunStatus.NotStarted,
    RunState.STARTED: RunStatus.Started,
    RunState.CANCELING: RunStatus.Started,
    RunState.SUCCEEDED: RunStatus.Success,
    RunState.FAILED: RunStatus.Failure,
    RunState.CANCELED: RunStatus.Canceled,
}
