"""What a run has come to."""

from __future__ import annotations

from rivers.definitions.closed_set import ClosedSet


class RunStatus(ClosedSet):
    """What a run has come to, as users read it."""

    Queued = 0
    NotStarted = 1
    Started = 2
    Success = 3
    Failure = 4
    Canceled = 5
