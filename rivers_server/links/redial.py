"""When a link dials again."""

from __future__ import annotations

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
#: So many sessions may end, one upon another, and be dialled again at once; one more for each so many seconds.
BURST, REGAINED_EVERY = 5, 5.0


class Redial:
    """Pauses between dials, in seconds.

    A session that opened to its end of replay says that the location is there: it is dialled again at once, and what
    was waited before is forgotten. One that keeps hanging up uses up its burst, and is then waited for like one that
    does not answer, twice as long each time.
    """

    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        self._first = first
        self._longest = longest
        self._pause = first
        self._left = float(BURST)
        self._counted_at = 0.0

    def announced(self) -> None:
        """The location said that it is there."""
        self._pause = self._first

    def pause(self, now: float, *, has_opened: bool, is_refused: bool = False) -> float:
        """How long to wait after a dial that ended now. One that refused us gets no shorter pause than the longest."""
        self._left = min(self._left + (now - self._counted_at) / REGAINED_EVERY, BURST)
        self._counted_at = now
        if has_opened and self._left >= 1.0:
            self._left -= 1.0
            self._pause = self._first
            return 0.0
        pause = self._longest if is_refused else self._pause
        self._pause = min(pause * 2, self._longest)
        return pause
