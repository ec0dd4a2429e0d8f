"""Whether somebody asked a run to stop, through its storage."""

from __future__ import annotations

from math import inf
from time import perf_counter

from rivers.errors import StorageUnavailableError
from rivers.storage import cancellation
from rivers.storage.database import Database

#: Seconds between looks while steps are short, and how long a step takes in which another process could have asked.
_GLANCE = 0.02
_LONG = 0.001


def request(database: Database, run_id: str, *, now: int) -> None:
    """Asks a run to stop."""
    with database.transaction() as connection:
        cancellation.request(connection, run_id, now=now)
    database.bells.cancellations.ring()


class CancellationWatch:
    """Looks at the flag between steps.

    What this process asked is heard before the next step; what another one asked, after a step that is not short or by
    a look now and then. That the database is away, the run learns when it is written.
    """

    __slots__ = ("_bell", "_database", "_heard", "_is_deaf", "_long", "_looked_at", "_run_id")

    def __init__(self, database: Database, run_id: str, *, is_deaf: bool = False) -> None:
        self._database = database
        self._run_id = run_id
        self._is_deaf = is_deaf  # the flag is of an earlier use of the run's id
        self._bell = database.bells.cancellations
        self._long, self._heard, self._looked_at = _LONG, -1, 0.0
        if database.kind == "memory":  # nobody else has it, so before the first ring nobody has asked for anything
            self._long, self._heard, self._looked_at = inf, 0, perf_counter()

    def is_requested(self, spent: float = 1.0) -> bool:
        """Whether the run is to stop; `spent` is how long the last step took."""
        if self._is_deaf:
            return False
        now, rung = perf_counter(), self._bell.rung
        if rung == self._heard and spent < self._long and now - self._looked_at < _GLANCE:
            return False
        self._heard, self._looked_at = rung, now
        try:
            with self._database.read() as connection:
                return cancellation.is_requested(connection, self._run_id)
        except StorageUnavailableError:
            return False
