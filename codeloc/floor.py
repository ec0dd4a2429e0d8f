"""The floor: the workers of a location, what they are told, and what their deaths mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from codeloc import console
from codeloc.attempts import Ending, HeldAttempt, Phase
from codeloc.book import Book
from codeloc.endings import Exit, crashed, fenced, home_lost, not_started, stopped
from codeloc.lease import NEVER
from codeloc.roster import Roster, Seat
from codeloc.spool_records import RecordKind
from rivers.v1.step_service_pb2 import (
    ATTEMPT_OUTCOME_STOPPED,
    Assign,
    AttemptEnded,
    AttemptEvent,
    AttemptStarted,
    CallHooks,
)

#: So many workers that die before they are ready, one after another, are taken as a reason and not as an accident.
_TOO_MANY_STARTS = 3
_LONGEST_PAUSE = 10.0
#: How long the hooks of one step may take together; then their worker is killed.
HOOK_SECONDS = 60.0
#: Hooks that may wait for a worker.
_MOST_HOOKS = 10_000


class Crew(Protocol):
    """Runs worker processes. Calls return at once; what comes of them is told to the desk."""

    def start(self, worker: int, home: str) -> None:
        """Starts a worker; answered by `worker_ready` or `worker_gone`."""

    def assign(self, worker: int, assign: Assign) -> None:
        """Gives an attempt to an idle worker."""

    def call_hooks(self, worker: int, due: CallHooks) -> None:
        """Lets an idle worker call hooks; answered by `worker_hooked` or `worker_gone`."""

    def stop(self, worker: int, token: int) -> None:
        """Asks the body of an attempt to end."""

    def kill(self, worker: int) -> None:
        """Kills a worker with all that it started; answered by `worker_gone`."""

    def release(self, worker: int) -> None:
        """Lets an idle worker end; answered by `worker_gone`."""

    def heard(self, at: float) -> None:
        """The scheduler has heard a beat sent at this time, from which all leases run."""

    def hold_output(self, held: bool) -> None:
        """While held, nothing is read from workers, so that they wait."""


class Floor:
    """Who works on what. Orders wait until what they rest on is on disk; kills do not."""

    def __init__(self, crew: Crew, book: Book, roster: Roster) -> None:
        self.roster = roster
        self.start_at = -NEVER
        self.deaths = 0
        self._crew = crew
        self._book = book
        self._orders: list[Callable[[], None]] = []
        self._failed_starts = 0
        self._is_output_held = False

    def ready(self, worker: int, pid: int) -> None:
        """A worker has the module loaded and waits."""
        if (seat := self.roster.seats.get(worker)) is not None:
            self._failed_starts = 0
            seat.pid = pid
            console.debug("worker_started", worker=worker, pid=pid)
            self.roster.ready(seat)

    def attempt_of(self, worker: int) -> HeldAttempt | None:
        """What a worker works on."""
        seat = self.roster.seats.get(worker)
        return seat.attempt if seat is not None else None

    def ended(self, worker: int, attempt: HeldAttempt, event: AttemptEvent) -> None:
        """A worker has said that its attempt is over."""
        if attempt.ending is not None and event.ended.outcome == ATTEMPT_OUTCOME_STOPPED:
            event.ended.CopyFrom(_stopped(attempt))
        seat = self.roster.seats[worker]
        self.roster.release(seat)
        self._book.end(attempt, event.ended, event.time)
        if attempt.ending is not None and not seat.home:
            self.roster.leave(seat)  # an interrupt may have left anything half done in there
            self._crew.release(worker)

    def gone(self, worker: int, exit: Exit, output_cut: bool, now: float) -> None:
        """A worker is dead, and all that it reported was told."""
        seat = self.roster.seats.get(worker)
        if seat is None:
            return
        attempt, lost = seat.attempt, seat.home if not seat.is_leaving else ""
        self._note_end(seat, exit)
        self.roster.gone(seat)
        if not seat.is_ready:
            self._start_failed(exit, now)
            return
        if attempt is not None:
            self._book.end(attempt, _judged(attempt, exit, seat, output_cut))
        for waiting in self.roster.waiting(lost) if lost else ():
            self._book.end(waiting, home_lost(lost))

    def ask_to_end(self, attempt: HeldAttempt, ending: Ending, reason: str, kill_at: float) -> None:
        """Asks the body of an attempt to end, and sets when it is killed."""
        attempt.kill_at = min(attempt.kill_at, kill_at)
        if attempt.ending is None and attempt.worker is not None:
            attempt.ending, attempt.reason = ending, reason
            self._orders.append(partial(self._crew.stop, attempt.worker, attempt.token))

    def kill(self, attempt: HeldAttempt) -> None:
        """Kills the worker of an attempt."""
        if not attempt.is_killed and attempt.worker is not None:
            attempt.is_killed = True
            self.roster.seats[attempt.worker].is_dying = True
            self._crew.kill(attempt.worker)

    def release_home(self, run_id: str) -> None:
        """Nobody needs the home process of a run any more."""
        seat = self.roster.homes.get(run_id)
        if seat is not None:
            self.roster.leave(seat)
            (self._crew.release if seat.attempt is None else self._crew.kill)(seat.worker)

    def dismiss(self) -> None:
        """Nobody is needed any more."""
        for seat in list(self.roster.seats.values()):
            self.roster.leave(seat)
            self._crew.release(seat.worker)

    @property
    def hooks_due(self) -> float:
        """When a worker is killed that still calls hooks."""
        return min([seat.hooks_until for seat in self.roster.seats.values()], default=NEVER)

    @property
    def has_hooks(self) -> bool:
        """Whether hooks are being called, or wait for a worker."""
        return bool(self.roster.hooks) or any(seat.hooks is not None for seat in self.roster.seats.values())

    def enqueue_hooks(self, due: CallHooks) -> None:
        """Hooks wait for a worker; of too many the oldest are dropped."""
        if len(self.roster.hooks) >= _MOST_HOOKS:
            dropped = self.roster.hooks.popleft()
            console.warning("hooks_dropped", run_id=dropped.run_id, step=dropped.step)
        self.roster.hooks.append(due)

    def hooked(self, worker: int) -> None:
        """A worker has called its hooks."""
        seat = self.roster.seats.get(worker)
        if seat is not None and seat.hooks is not None:
            self.roster.release(seat)

    def end_hooks(self, now: float) -> None:
        """Kills workers whose hooks take too long."""
        for seat in self.roster.seats.values():
            if seat.hooks is not None and now >= seat.hooks_until and not seat.is_dying:
                console.warning("hooks_killed", worker=seat.worker, run_id=seat.hooks.run_id, step=seat.hooks.step)
                seat.is_dying, seat.hooks_until = True, NEVER
                self._crew.kill(seat.worker)

    def hand_out(self, now: float) -> None:
        """Gives hooks and attempts that wait to workers that are idle."""
        while (due := self.roster.take_hooks()) is not None:
            due[1].hooks_until = now + HOOK_SECONDS
            self._orders.append(partial(self._crew.call_hooks, due[1].worker, due[0]))
        while (taken := self.roster.take()) is not None:
            attempt, seat = taken
            assign = attempt.assign
            assert assign is not None, "an attempt that waits has its assignment"
            attempt.phase, attempt.assign = Phase.RUNNING, None
            # Spooled before the worker is given anything: after a restart this attempt counts as started (A2).
            started = AttemptEvent(started=AttemptStarted(pid=seat.pid))
            self._book.report(attempt, started, RecordKind.STARTED)
            if console.is_debug():
                console.debug("attempt_started", worker=seat.worker, pid=seat.pid, **attempt.ids())
            self._orders.append(partial(self._crew.assign, seat.worker, assign))

    def open_seats(self, now: float) -> None:
        """Starts workers for those who wait."""
        if now >= self.start_at:
            for seat in self.roster.open_seats():
                self._crew.start(seat.worker, seat.home)

    def carry_out(self, is_saved: bool) -> None:
        """Gives the orders that may be given."""
        if is_saved:
            orders, self._orders = self._orders, []
            for order in orders:
                order()
        if is_saved is self._is_output_held:
            self._is_output_held = not is_saved
            self._crew.hold_output(self._is_output_held)

    def _note_end(self, seat: Seat, exit: Exit) -> None:
        """A worker that nobody let go or killed has died: that is worth a line."""
        held = seat.attempt.ids() if seat.attempt is not None else {}
        is_wanted = seat.is_leaving or seat.is_dying
        self.deaths += not is_wanted
        say = console.debug if is_wanted else console.warning
        say("worker_ended", worker=seat.worker, pid=seat.pid, exit=str(exit), **held)

    def _start_failed(self, exit: Exit, now: float) -> None:
        """A worker died before it was ready: the next one is tried later, and those who wait are told if it goes on."""
        self._failed_starts += 1
        self.start_at = now + min(0.1 * 2**self._failed_starts, _LONGEST_PAUSE)
        if self._failed_starts >= _TOO_MANY_STARTS:
            for attempt in self.roster.waiting():
                self._book.end(attempt, not_started(f"no worker can be started: the last one {exit}"))


def _judged(attempt: HeldAttempt, exit: Exit, seat: Seat, output_cut: bool) -> AttemptEnded:
    """What a worker's death says about its attempt."""
    is_home = bool(seat.home)
    if attempt.ending is Ending.FENCE:
        return fenced(is_home=is_home)
    if attempt.ending is not None:
        return _stopped(attempt, is_home=is_home, output_cut=output_cut)
    return crashed(exit, seat.pid, is_home=is_home, output_cut=output_cut)


def _stopped(attempt: HeldAttempt, *, is_home: bool = False, output_cut: bool = False) -> AttemptEnded:
    why = attempt.reason or f"its lease of {attempt.lease:g} s passed without a word from the scheduler"
    return stopped(why, is_cancel=attempt.ending is Ending.STOP, is_home=is_home, output_cut=output_cut)
