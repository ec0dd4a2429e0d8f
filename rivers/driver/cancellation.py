"""Whether somebody asked a run to stop, through its storage."""

from __future__ import annotations

from time import perf_counter

from rivers.storage import cancellation
from rivers.storage.database import Database

#: Seconds between looks while steps are too short to have asked by themselves, and what is too short anywhere.
_GLANCE = 0.02
_SHORT = 1e-5


class CancellationWatch:
    """Looks at the flag between steps.

    A step that was much shorter than a look cannot have set the flag itself, so after it a look now and then is enough.
    """

    __slots__ = ("_cost", "_database", "_is_deaf", "_looked_at", "_run_id")

    def __init__(self, database: Database, run_id: str, *, is_deaf: bool = False) -> None:
        self._database = database
        self._run_id = run_id
        self._is_deaf = is_deaf  # the flag is of an earlier use of the run's id
        self._cost = 1.0
        self._looked_at = 0.0

    def is_requested(self, spent: float = 1.0) -> bool:
        """Whether the run is to stop; `spent` is how long the last step took."""
        now = perf_counter()
        if self._is_deaf or (spent < min(_SHORT, 0.5 * self._cost) and now - self._looked_at < _GLANCE):
            return False
        with self._database.read() as connection:
            found = cancellation.is_requested(connection, self._run_id)
        self._looked_at = perf_counter()
        self._cost = min(self._cost, self._looked_at - now)
        return found
