"""Why a step failed, in the words of a retry policy."""

from __future__ import annotations

from rivers.definitions.closed_set import ClosedSet


class FailureReason(ClosedSet):
    """Why a step failed; events carry the name in lower case."""

    ERROR = 0
    OUT_OF_MEMORY = 1
    TIMEOUT = 2
    INFRASTRUCTURE = 3
    CANCELLED = 4
