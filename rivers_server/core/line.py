"""A line of the second lane: what waits of one location, or of all callers, in order. Pure."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple

from rivers_server.core.inputs import Message, Reported
from rivers_server.core.reports import AttemptReport, Report


class Waiting(NamedTuple):
    """A message that waits: how much it counts in a batch, and its bytes.

    In the second lane `line` names its line, and `after` counts the messages that had entered the first lane before.
    """

    message: Message
    counts: int
    size: int
    line: str | None = None
    after: int = 0


class Line:
    """What waits, and whose it is: the attempts that it reports of, or something about the location as a whole."""

    def __init__(self) -> None:
        self.waiting: deque[Waiting] = deque()
        self._tokens: Counter[int] = Counter()
        self._whole = 0

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def must_follow(self, report: Report) -> bool:
        """Whether the report belongs behind something that waits here."""
        if self._whole:
            return True
        return report.token in self._tokens if isinstance(report, AttemptReport) else bool(self._tokens)

    def note(self, message: Message | Report) -> None:
        """Something is about to wait here."""
        if isinstance(message, AttemptReport):
            self._tokens[message.token] += 1
        else:
            self._whole += 1

    def leave(self) -> None:
        """The first of those that wait has been decided about."""
        message = self.waiting.popleft().message
        for report in message.reports if isinstance(message, Reported) else (message,):
            if not isinstance(report, AttemptReport):
                self._whole -= 1
            elif self._tokens[report.token] == 1:
                del self._tokens[report.token]
            else:
                self._tokens[report.token] -= 1
