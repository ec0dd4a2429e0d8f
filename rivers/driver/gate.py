"""The gate of one run: before a step with pools starts, it claims its slots; while it runs, its leases are renewed.

A step that finds no room is parked. Steps that claim the same are parked in one line whose head alone tries again: when
slots of this store are freed in this process, and now and then for what other processes do.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

from rivers.clock import Clock
from rivers.definitions.snapshot import PoolClaim
from rivers.driver.holds import Holds
from rivers.driver.patience import patience, printed
from rivers.driver.turnstile import Turnstile
from rivers.errors import ExecutionError, StorageError
from rivers.lifecycle.pool_claims import FullPool, together
from rivers.lifecycle.states import EventType
from rivers.planning.plan import PlannedStep
from rivers.storage import claims
from rivers.storage.database import Database

log = logging.getLogger("rivers.driver")

#: Seconds after which steps that wait say that they are still there; well within what makes them forgotten.
_WORD = claims.WAIT_NS / 3e9


class Gate:
    """One run's claims. `is_strict`: nothing overtakes a step that waits, as where steps run one after another."""

    def __init__(
        self, database: Database, run_id: str, clock: Clock, turnstile: Turnstile, *, priority: int, is_strict: bool
    ) -> None:
        self._database = database
        self._bell = database.bells.slots
        self._run_id = run_id
        self._clock = clock
        self._turnstile = turnstile
        self._holds = Holds(database, run_id, clock, turnstile, priority=priority)
        self._is_strict = is_strict
        self._lock = threading.Lock()
        self._lines: dict[tuple[PoolClaim, ...], list[int]] = {}
        self._parked: dict[int, PlannedStep] = {}
        self._waiting: dict[int, float] = {}
        self._due = threading.Event()
        self._next = float("inf")
        self._thread: threading.Thread | None = None
        self._is_over = False
        self._is_used = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing else may start because a step waits."""
        return self._is_strict and bool(self._parked)

    def enter(self, ordinal: int, step: PlannedStep) -> bool:
        """Whether the step may start now. If not, it is parked or has failed, and the run is told in time."""
        if not step.pools or ordinal in self._holds:
            return True
        key = key_of(step)
        needs = together((claim.pool, claim.slots) for claim in step.pools)
        seen = self._bell.rung
        self._is_used = True
        try:
            patience()
            answer = self._holds.claim(key, needs)
        except Exception as error:  # a pool that is not known, a setting that is none, a store that is away
            self._turnstile.refuse(ordinal, error)
            return False
        if answer.full:
            self._park(ordinal, step, answer.full, seen)
            return False
        renewal = self._holds.add(ordinal, key, needs, answer)
        with self._lock:
            self._waiting.pop(ordinal, None)
            is_sooner = renewal < self._next
        if is_sooner:
            self._stir()
        self._turnstile.tell_slots(ordinal, EventType.SLOT_CLAIMED, ("pools", ",".join(needs)))
        self._let_next(step)
        return True

    def free(self, ordinal: int) -> bool:
        """Gives back what the step holds; `False` when it holds nothing. Called when its attempt has ended."""
        return self._holds.free(ordinal)

    def clear(self) -> None:
        """Nobody waits any more: the run goes no further."""
        with self._lock:
            self._parked.clear()
            self._lines.clear()
            self._waiting.clear()

    def close(self) -> None:
        """The run is over. What it still has is given back."""
        self._is_over = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
        if self._is_used:
            self._quietly(self._free_all)
            self._bell.ring()

    # -- waiting ----------------------------------------------------------------------------------------------------

    def _park(self, ordinal: int, step: PlannedStep, full: tuple[FullPool, ...], seen: int) -> None:
        with self._lock:
            is_first = ordinal not in self._waiting
            if is_first:
                self._waiting[ordinal] = time.monotonic()
            self._parked[ordinal] = step
            heappush(self._lines.setdefault(step.pools, []), ordinal)
        if is_first:
            self._turnstile.tell_slots(ordinal, EventType.SLOT_WAITING, ("reason", ", ".join(map(str, full))))
        if self._bell.rung != seen:  # freed between the look and the parking
            self._due.set()
        self._stir()

    def _let_next(self, step: PlannedStep) -> None:
        """There may be room for another one that claims the same."""
        with self._lock:
            head = self._pop(step.pools)
        if head is not None:
            self._turnstile.try_again([head])

    def _pop(self, line: tuple[PoolClaim, ...]) -> int | None:
        waiting = self._lines.get(line)
        while waiting:
            ordinal = heappop(waiting)
            if self._parked.pop(ordinal, None) is not None:
                return ordinal
        self._lines.pop(line, None)
        return None

    # -- the thread that keeps it -----------------------------------------------------------------------------------

    def _stir(self) -> None:
        """The thread looks again how long it may sleep; it is started when it is needed first."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="rivers-slots", daemon=True)
                self._thread.start()
                return
        self._due.set()

    def _watch(self) -> None:
        stop: Callable[[], None] | None = None
        seen = self._bell.rung
        looked = said = time.monotonic()
        pause = 0.0
        while not self._is_over:
            with self._lock:
                is_waiting = bool(self._parked)
                self._next = renewal = self._holds.next_renewal()
                until = min([renewal, *self._deadlines(), looked + pause if is_waiting else float("inf")])
            if is_waiting and stop is None:
                stop = self._bell.listen(self._due.set)
            elif not is_waiting and stop is not None:
                stop()
                stop = None
            if not (is_waiting and self._bell.rung != seen):
                self._due.wait(max(0.0, until - time.monotonic()) if until < float("inf") else None)
            self._due.clear()
            now = time.monotonic()
            self._holds.renew(now)
            self._give_up(now)
            if self._bell.rung != seen or now >= looked + pause:
                seen, looked = self._bell.rung, now
                pause = patience().interval + random.uniform(0.0, patience().jitter)
                if now >= said + _WORD and is_waiting:
                    said = now
                    self._quietly(self._say_waiting)
                self._try_heads()
        if stop is not None:
            stop()

    def _deadlines(self) -> list[float]:
        timeout = patience().timeout
        return [] if timeout is None else [self._waiting[ordinal] + timeout for ordinal in self._parked]

    def _try_heads(self) -> None:
        with self._lock:
            heads = [head for line in list(self._lines) if (head := self._pop(line)) is not None]
        if heads:
            self._turnstile.try_again(heads)

    def _give_up(self, now: float) -> None:
        timeout = patience().timeout
        if timeout is None:
            return
        with self._lock:
            late = [one for one in self._parked if self._waiting[one] + timeout <= now]
            steps = {ordinal: self._parked.pop(ordinal) for ordinal in late}
            for ordinal in late:
                del self._waiting[ordinal]
        for ordinal, step in steps.items():
            self._quietly(partial(self._forget, step))
            self._turnstile.refuse(
                ordinal,
                ExecutionError(
                    f"Failed to claim pool slots: step '{step.key}' timed out waiting for pool slots "
                    f"after {printed(timeout)}"
                ),
            )

    def _free_all(self) -> None:
        with self._database.transaction() as connection:
            claims.free_run(connection, self._run_id)

    def _forget(self, step: PlannedStep) -> None:
        with self._database.transaction() as connection:
            claims.free(connection, self._run_id, key_of(step))

    def _say_waiting(self) -> None:
        with self._database.transaction() as connection:
            claims.wait_on(connection, self._run_id, now=self._clock.wall_ns())

    def _quietly(self, act: Callable[[], None]) -> None:
        try:
            act()
        except StorageError:
            log.warning("the store of run '%s' cannot be used for its pools", self._run_id, exc_info=True)


def key_of(step: PlannedStep) -> str:
    """Under which key a step claims: the first output that is made, or its own if it is one of many of its kind."""
    return step.outputs[0].node if step.outputs and step.id.mapping_key is None else step.key
