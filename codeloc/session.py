"""One step stream of a scheduler, from its opening to its end."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from codeloc.flight import Flight
from codeloc.spool import Position
from rivers.v1.step_service_pb2 import Report

#: How long the time of a beat is remembered; no assignment is fresh relative to an older one.
_REMEMBERED = 31.0


class SessionState(Enum):
    """How far a session is."""

    INVENTORY = "inventory"
    REPLAYING = "replaying"
    LIVE = "live"
    CLOSED = "closed"


class Outlet(Protocol):
    """Where reports of a session leave. Nothing here waits."""

    @property
    def backlog(self) -> int:
        """Bytes that have been given and have not left."""

    def send(self, reports: Sequence[Report], *, urgent: bool) -> None:
        """Takes reports, in order; those that are not urgent may wait some milliseconds for company."""

    def wake(self) -> None:
        """There is something to replay: asks the desk for it when there is room."""

    def close(self, reason: str) -> None:
        """Ends the stream. Nothing read from it after this call is passed on."""


class Session:
    """The beats of a session, and how much of the spool it has been sent.

    While it is REPLAYING it reads the spool from `cursor` on; new events are only spooled, and it meets them there.
    """

    __slots__ = (
        "_sent",
        "acked",
        "beat",
        "beat_interval",
        "cursor",
        "flight",
        "is_replayed",
        "next_beat_at",
        "outlet",
        "state",
        "term",
    )

    def __init__(self, *, term: int, outlet: Outlet, beat_interval: float, now: float) -> None:
        self.term = term
        self.outlet = outlet
        self.beat_interval = beat_interval
        self.state = SessionState.INVENTORY
        self.cursor = Position()
        self.flight = Flight()
        self.is_replayed = False
        self.beat = 0  # the inventory counts as the first
        self.acked = -1
        self.next_beat_at = now + beat_interval
        self._sent = {0: now}

    def next_beat(self, now: float) -> int:
        """Makes the next beat. A late one is not made up for."""
        self.beat += 1
        self._sent[self.beat] = now
        for old in [beat for beat, sent in self._sent.items() if now - sent > _REMEMBERED and beat < self.acked]:
            del self._sent[old]
        self.next_beat_at = max(self.next_beat_at + self.beat_interval, now + self.beat_interval / 2)
        return self.beat

    def sent_at(self, beat: int) -> float | None:
        """When a beat was sent; `None` for one that was never sent, or so long ago that it does not matter."""
        return self._sent.get(beat)

    def heard(self, beat: int) -> float | None:
        """The leader has heard a beat: when that was sent, unless a newer one was heard already."""
        sent = self._sent.get(beat)
        if sent is None or beat <= self.acked:
            return None
        self.acked = beat
        return sent
