"""Slots that steps of one run hold: renewed while the step runs, claimed again when a lease was lost, given back."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from rivers.clock import Clock
from rivers.driver.turnstile import Turnstile
from rivers.errors import StorageError
from rivers.lifecycle.states import EventType
from rivers.storage import claims
from rivers.storage.claims import Answer
from rivers.storage.database import Database

log = logging.getLogger("rivers.driver")


@dataclass(slots=True)
class _Hold:
    """What a step holds: its key, its claim, how many pools keep a record of it, and when the lease is renewed."""

    key: str
    needs: dict[str, int]
    records: int
    lease: float
    due: float
    is_lost: bool = False


class Holds:
    """Claims that were granted, by step. A step in pools without limits holds nothing that would have to be renewed."""

    def __init__(self, database: Database, run_id: str, clock: Clock, turnstile: Turnstile, *, priority: int) -> None:
        self._database = database
        self._run_id = run_id
        self._clock = clock
        self._turnstile = turnstile
        self._priority = priority
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # renewing and freeing, so that nothing is renewed that was freed
        self._held: dict[int, _Hold] = {}

    def __contains__(self, ordinal: int) -> bool:
        return ordinal in self._held

    def claim(self, key: str, needs: dict[str, int]) -> Answer:
        """Asks for slots; what is granted is to be added."""
        with self._database.transaction() as connection:
            now = self._clock.wall_ns()
            return claims.claim(connection, needs, self._run_id, key, now=now, priority=self._priority)

    def add(self, ordinal: int, key: str, needs: dict[str, int], answer: Answer) -> float:
        """A step holds what it claimed; returns when its leases are to be renewed."""
        lease = answer.lease_ns / 1e9
        hold = _Hold(key, needs, answer.held, lease, time.monotonic() + lease / 3)
        with self._lock:
            self._held[ordinal] = hold
        return hold.due if hold.records else float("inf")

    def free(self, ordinal: int) -> bool:
        """Gives back what the step holds; `False` when it holds nothing."""
        with self._lock:
            hold = self._held.pop(ordinal, None)
        if hold is None:
            return False
        if hold.records:
            with self._turn, self._database.transaction() as connection:
                claims.free(connection, self._run_id, hold.key)
            self._database.bells.slots.ring()
        return True

    def next_renewal(self) -> float:
        """When the next lease is to be renewed; infinity for never."""
        with self._lock:
            return min((hold.due for hold in self._held.values() if hold.records), default=float("inf"))

    def renew(self, now: float) -> None:
        """Renews what is due."""
        with self._lock:
            due = [(ordinal, hold) for ordinal, hold in self._held.items() if hold.records and hold.due <= now]
        for ordinal, hold in due:
            with self._turn:
                if self._held.get(ordinal) is hold:
                    hold.due = now + hold.lease / 3
                    try:
                        self._prolong(ordinal, hold)
                    except StorageError:
                        log.warning("the leases of step '%s' cannot be renewed", hold.key, exc_info=True)

    def _prolong(self, ordinal: int, hold: _Hold) -> None:
        """Renews a step's leases. Lost ones are claimed again: the step runs on, but never counts twice."""
        answer = None
        with self._database.transaction() as connection:
            now = self._clock.wall_ns()
            lease_ns = int(hold.lease * 1e9)
            if claims.renew(connection, self._run_id, hold.key, now=now, lease_ns=lease_ns) != hold.records:
                answer = claims.claim(
                    connection, hold.needs, self._run_id, hold.key, now=now, priority=self._priority, lease_ns=lease_ns
                )
        if answer is None:
            self._turnstile.tell_slots(ordinal, EventType.SLOT_RENEWED)
        elif not answer.full:
            hold.is_lost, hold.records = False, answer.held or hold.records
            self._turnstile.tell_slots(ordinal, EventType.SLOT_CLAIMED, ("pools", ",".join(hold.needs)))
        elif not hold.is_lost:
            hold.is_lost = True
            log.warning("step '%s' lost its pool slots and runs on without: its lease was over", hold.key)
            self._turnstile.tell_slots(ordinal, EventType.SLOT_WAITING, ("reason", ", ".join(map(str, answer.full))))
