"""How long a caller goes on while nobody answers."""

from __future__ import annotations

import random

from rivers.errors import LocationUnavailableError, UnavailableError


class Patience:
    """Counts from the first failure in a row. `limit` in seconds; 0 never tries again."""

    __slots__ = ("_limit", "_since", "_tries")

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since: float | None = None
        self._tries = 0

    def answered(self) -> None:
        """Somebody is there: patience is whole again."""
        self._since, self._tries = None, 0

    def pause(self, error: Exception, now: float) -> float:
        """Seconds until the next try; raises the error when trying again is no use or patience is over.

        Of a location that is away the scheduler itself tells, so asking it again is left to the caller. One that was
        missed a moment ago has just started, and its locations are about to be there.
        """
        is_told = isinstance(error, LocationUnavailableError) and self._since is None
        if not isinstance(error, UnavailableError) or is_told:
            raise error
        if self._since is None:
            self._since = now
        left = self._limit - (now - self._since)
        if left <= 0:
            raise error
        wait = min(0.05 * 2.0**self._tries, 1.0) * random.uniform(0.8, 1.2)
        self._tries = min(self._tries + 1, 10)
        return min(wait, left)
