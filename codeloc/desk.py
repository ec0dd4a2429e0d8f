"""The desk of a location: what is received, started, ended and refused, by the rules of an attempt.

Synchronous and without I/O of its own: the clock, the crew that runs workers, the outlets of sessions and the ledgers
are given. Every entry first ends what its lease no longer covers, then does its own work, and at last settles: what was
reported is on disk before it is sent, and before a worker is given anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from codeloc.attempts import Ending, HeldAttempt, Phase
from codeloc.book import Book
from codeloc.endings import Exit, crashed, fenced, home_lost, not_started, stopped
from codeloc.lease import NEVER, is_fresh
from codeloc.ledger import Ledger
from codeloc.roster import Roster, Seat
from codeloc.session import Outlet, Session, SessionState
from codeloc.spool_records import RecordKind
from rivers.clock import Clock
from rivers.v1.plan_pb2 import PLACEMENT_HOME
from rivers.v1.run_pb2 import LogStream
from rivers.v1.step_service_pb2 import (
    ATTEMPT_OUTCOME_STOPPED,
    Adopt,
    Assign,
    AttemptEnded,
    AttemptEvent,
    AttemptLog,
    AttemptStarted,
    Command,
    Inventory,
    Report,
    Stop,
)
from rivers.wire.times import decode_duration, encode_duration, encode_time

_RETRY_FULL = 1.0
#: So many workers that die before they are ready, one after another, are taken as a reason and not as an accident.
_TOO_MANY_STARTS = 3


class Crew(Protocol):
    """Runs worker processes. Calls return at once; what comes of them is told to the desk."""

    def start(self, worker: int, home: str) -> None:
        """Starts a worker; answered by `worker_ready` or `worker_gone`."""

    def assign(self, worker: int, assign: Assign) -> None:
        """Gives an attempt to an idle worker."""

    def stop(self, worker: int, token: int) -> None:
        """Asks the body of an attempt to end."""

    def kill(self, worker: int) -> None:
        """Kills a worker with all that it started; answered by `worker_gone`."""

    def release(self, worker: int) -> None:
        """Lets an idle worker end; answered by `worker_gone`."""

    def hold_output(self, held: bool) -> None:
        """While held, nothing is read from workers, so that they wait."""


class Desk:
    """One location's side of the step protocol.

    `alarm` is told when `tick` wants to be called, on the boot clock; the last word counts.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        crew: Crew,
        alarm: Callable[[float], None],
        open_ledger: Callable[[str], Ledger],
        home_id: str,
        boot: int,
        workers: int,
        warm: int = 1,
        places: int | None = None,
        step_lease: float | None = None,
    ) -> None:
        self.digest = ""
        self.book = Book(open_ledger, boot)
        self._roster = Roster(workers, warm)
        self._clock = clock
        self._crew = crew
        self._alarm = alarm
        self._due = NEVER
        self._alarm_at = NEVER
        self._home_id = home_id
        self._boot = boot
        self._places = workers + 32 if places is None else places
        self._step_lease = step_lease
        self._is_draining = False
        self._heard_at = -NEVER
        self._orders: list[Callable[[], None]] = []
        self._is_output_held = False
        self._failed_starts = 0
        self._start_at = -NEVER

    # -- the location -----------------------------------------------------------------------------------------------

    @property
    def free_places(self) -> int:
        """How many more attempts it takes."""
        if self._is_draining or not self.digest or self.book.is_full:
            return 0
        return max(0, self._places - self.book.live_count)

    @property
    def is_clear(self) -> bool:
        """Whether nothing runs, and the leader has heard of all that ended or is not there to hear."""
        return not self.book.live_count and (self.book.session is None or not self.book.held)

    def loaded(self, digest: str) -> None:
        """The module is loaded: attempts planned from these definitions can start."""
        now = self._enter()
        self.digest = digest
        self._settle(now)

    def drain(self) -> None:
        """Nothing new is started; what runs goes on."""
        now = self._enter()
        self._is_draining = True
        for attempt in self._roster.waiting():
            self._end(attempt, not_started("the location is going down"))
        self._settle(now)

    def shut_down(self, grace: float) -> None:
        """Ends what runs: first asks, then kills."""
        now = self._enter()
        for attempt in list(self.book.held.values()):
            if attempt.phase is Phase.RUNNING and attempt.worker is not None:
                self._ask_to_end(attempt, Ending.SHUTDOWN, "the location went down", now + grace)
        self._settle(now)

    def tick(self) -> None:
        """Beats, and ends what is due."""
        now = self._enter()
        session = self.book.session
        if session is not None and session.next_beat_at <= now:
            self.book.beat(session, now, self.free_places)
        self._alarm_at = NEVER
        self._due = min(
            (attempt.due(self._heard_at) for attempt in self.book.held.values() if attempt.is_live), default=NEVER
        )
        if session is not None:
            self._due_at(session.next_beat_at)
        if self._start_at > now:
            self._due_at(self._start_at)
        self._settle(now)

    # -- sessions ---------------------------------------------------------------------------------------------------

    def attach(self, *, store_id: str, term: int, number: int, beat_interval: float, outlet: Outlet) -> Session:
        """Opens a session and answers with the inventory (protocol section 4); `SessionRefused` for an old one."""
        now = self._enter()
        session = self.book.open_session(
            store_id=store_id, term=term, number=number, interval=beat_interval, outlet=outlet, now=now
        )
        inventory = Inventory(
            home_id=self._home_id,
            boot=self._boot,
            beat=0,
            workers=self._roster.workers,
            places=0 if self._is_draining else self._places,
            digests=[self.digest] if self.digest else [],
            attempts=self.book.inventory(),
            homes=list(self._roster.homes),
        )
        if self._step_lease is not None:
            inventory.step_lease.CopyFrom(encode_duration(self._step_lease))
        self.book.say(Report(inventory=inventory))
        self._due_at(session.next_beat_at)
        self._settle(now)
        return session

    def detach(self, session: Session) -> None:
        """The stream is over. Attempts go on."""
        self.book.close_session(session, "")

    def receive(self, session: Session, term: int, commands: Iterable[Command]) -> None:
        """One message of the leader."""
        now = self._enter()
        for command in commands:
            if session.state is SessionState.CLOSED:
                break
            if term != session.term:
                reason = f"a message of term {term} came in a session of term {session.term}"
                self.book.close_session(session, reason)
                break
            match command.WhichOneof("kind"):
                case "ack":
                    self.book.acknowledge(command.ack.token, command.ack.seq)
                case "assign":
                    self._assigned(session, command.assign, now)
                case "beat_ack":
                    self._heard(session, command.beat_ack.beat)
                case "stop":
                    self._stop(command.stop, now)
                case "fence":
                    self._fence(command.fence.token)
                case "release_home":
                    self._release_home(command.release_home.run_id)
                case "adopt":
                    self._adopt(session, command.adopt)
                case "open":
                    self.book.close_session(session, "a session is opened once")
        self._settle(now)

    def replay(self, session: Session) -> bool:
        """Gives the session the next piece of the spool; false when there is nothing to give now."""
        return self.book.replay(session)

    # -- workers ----------------------------------------------------------------------------------------------------

    def worker_ready(self, worker: int, pid: int) -> None:
        """A worker has the module loaded and waits."""
        now = self._enter()
        if (seat := self._roster.seats.get(worker)) is not None:
            self._failed_starts = 0
            seat.pid = pid
            self._roster.ready(seat)
        self._settle(now)

    def worker_output(self, worker: int, stream: LogStream.ValueType, text: str) -> bool:
        """A worker has written something; false when it had nothing to do, so that this is nobody's log."""
        now = self._enter()
        attempt = self._attempt_of(worker)
        if attempt is not None and attempt.ending is not Ending.FENCE:
            self._report(attempt, AttemptEvent(log=AttemptLog(stream=stream, text=text)))
        self._settle(now)
        return attempt is not None

    def worker_events(self, worker: int, events: Iterable[AttemptEvent]) -> None:
        """A worker has reported something. All that its attempt wrote before was told."""
        now = self._enter()
        for event in events:
            attempt = self._attempt_of(worker)
            if attempt is None or attempt.token != event.token or attempt.ending is Ending.FENCE:
                continue
            if not event.HasField("ended"):
                self.book.report(attempt, event)
                continue
            if attempt.ending is not None and event.ended.outcome == ATTEMPT_OUTCOME_STOPPED:
                event.ended.CopyFrom(self._stopped(attempt))
            seat = self._roster.seats[worker]
            self._roster.release(seat)
            self.book.end(attempt, event)
            if attempt.ending is not None and not seat.home:
                self._roster.leave(seat)  # an interrupt may have left anything half done in there
                self._crew.release(worker)
        self._settle(now)

    def worker_gone(self, worker: int, exit: Exit, *, output_cut: bool = False) -> None:
        """A worker is dead, and all that it reported was told."""
        now = self._enter()
        seat = self._roster.seats.get(worker)
        if seat is not None:
            attempt, lost = seat.attempt, seat.home if not seat.is_leaving else ""
            self._roster.gone(seat)
            if not seat.is_ready:
                self._start_failed(seat, exit, now)
            elif attempt is not None:
                self._end(attempt, self._judged(attempt, exit, seat, output_cut))
            for waiting in self._roster.waiting(lost) if lost and seat.is_ready else ():
                self._end(waiting, home_lost(lost))
        self._settle(now)

    # -- commands ---------------------------------------------------------------------------------------------------

    def _adopt(self, session: Session, adopt: Adopt) -> None:
        if session.state is not SessionState.INVENTORY:
            self.book.close_session(session, "an inventory is answered once")
            return
        self._heard(session, adopt.beat)
        for token in adopt.fence:
            self._fence(token)
        for token in adopt.forget:
            attempt = self.book.held.get(token)
            if attempt is not None and attempt.is_live:
                self._fence(token)
            else:
                self.book.forget(token)
        for run_id in adopt.release_homes:
            self._release_home(run_id)
        self.book.begin_replay(session)

    def _heard(self, session: Session, beat: int) -> None:
        sent = session.heard(beat)
        if sent is not None:
            self._heard_at = max(self._heard_at, sent)

    def _assigned(self, session: Session, assign: Assign, now: float) -> None:
        known = self.book.held.get(assign.token)
        if known is not None:
            self.book.repeat(known)
            return
        if self.book.knows(assign.token):
            return
        lease = decode_duration(assign.lease) if assign.HasField("lease") else NEVER
        attempt = HeldAttempt(assign.token, self._boot, assign=assign, lease=lease or NEVER)
        if assign.step.placement == PLACEMENT_HOME:
            attempt.home = assign.run_id
        self.book.receive(attempt)
        refusal = self._refusal(session, attempt, assign, now)
        if refusal is not None:
            self._end(attempt, refusal)
            return
        self._due_at(attempt.due(self._heard_at))
        self._roster.enqueue(attempt)

    def _refusal(self, session: Session, attempt: HeldAttempt, assign: Assign, now: float) -> AttemptEnded | None:
        """Why an attempt must not start here; `None` when it may."""
        if assign.boot != self._boot:
            return not_started(f"it was for boot {assign.boot} of this location, and this is boot {self._boot}")
        if session.state is SessionState.INVENTORY:
            return not_started("it was assigned before the inventory was answered")
        heard = session.sent_at(assign.last_beat)
        if heard is None or not is_fresh(now, heard, attempt.lease) or now >= attempt.expires_at(self._heard_at):
            return not_started(f"it came too late after beat {assign.last_beat}")
        if self._is_draining:
            return not_started("the location is going down")
        if not self.digest or (assign.digest and assign.digest != self.digest):
            return not_started("the definitions that it was planned from are not loaded here")
        if self.book.live_count > self._places or self.book.is_full:
            return not_started("there is no room")
        if not assign.HasField("step"):
            return not_started(f"this version cannot do {assign.WhichOneof('work') or 'such work'}")
        if attempt.home and assign.step.home_required and attempt.home not in self._roster.homes:
            return home_lost(attempt.home)
        return None

    def _stop(self, stop: Stop, now: float) -> None:
        attempt = self._known(stop.token)
        if attempt is None or not attempt.is_live:
            return
        reason = stop.reason or "it was canceled"
        if attempt.phase is Phase.RECEIVED:
            self._end(attempt, not_started(reason))
        else:
            self._ask_to_end(attempt, Ending.STOP, reason, now + decode_duration(stop.grace))

    def _fence(self, token: int) -> None:
        attempt = self._known(token)
        if attempt is None:
            return
        if attempt.is_left_over:
            self.book.forget(token)
        elif attempt.phase is Phase.RECEIVED:
            self._end(attempt, fenced())
        elif attempt.phase is Phase.RUNNING:
            attempt.ending = Ending.FENCE
            self._kill(attempt)

    def _known(self, token: int) -> HeldAttempt | None:
        """The attempt; one that never arrived is received here, so that it cannot start later."""
        attempt = self.book.held.get(token)
        if attempt is None and not self.book.knows(token):
            attempt = HeldAttempt(token, self._boot)
            self.book.receive(attempt)
        return attempt

    def _release_home(self, run_id: str) -> None:
        seat = self._roster.homes.get(run_id)
        if seat is not None:
            self._roster.leave(seat)
            (self._crew.release if seat.attempt is None else self._crew.kill)(seat.worker)

    # -- within -----------------------------------------------------------------------------------------------------

    def _enter(self) -> float:
        """Every entry: what a lease no longer covers ends before anything else happens (A4)."""
        now = self._clock.boot()
        if now >= self._due:
            for attempt in list(self.book.held.values()):
                if attempt.is_live:
                    self._enforce(attempt, now)
        return now

    def _enforce(self, attempt: HeldAttempt, now: float) -> None:
        over = now >= attempt.expires_at(self._heard_at)
        if attempt.phase is Phase.RECEIVED:
            if over:
                self._end(attempt, not_started("its lease passed while it waited"))
        elif over or now >= attempt.kill_at:
            attempt.ending = attempt.ending or Ending.LEASE
            self._kill(attempt)
        elif now >= attempt.polite_at(self._heard_at) and attempt.ending is None:
            self._ask_to_end(attempt, Ending.LEASE, "", attempt.expires_at(self._heard_at))

    def _ask_to_end(self, attempt: HeldAttempt, ending: Ending, reason: str, kill_at: float) -> None:
        attempt.kill_at = min(attempt.kill_at, kill_at)
        self._due_at(attempt.kill_at)
        if attempt.ending is None and attempt.worker is not None:
            attempt.ending, attempt.reason = ending, reason
            self._orders.append(partial(self._crew.stop, attempt.worker, attempt.token))

    def _kill(self, attempt: HeldAttempt) -> None:
        if not attempt.is_killed and attempt.worker is not None:
            attempt.is_killed = True
            self._roster.seats[attempt.worker].is_dying = True
            self._crew.kill(attempt.worker)

    def _judged(self, attempt: HeldAttempt, exit: Exit, seat: Seat, output_cut: bool) -> AttemptEnded:
        """What a worker's death says about its attempt."""
        if attempt.ending is Ending.FENCE:
            return fenced(is_home=bool(seat.home))
        if attempt.ending is not None:
            return self._stopped(attempt, is_home=bool(seat.home), output_cut=output_cut)
        return crashed(exit, seat.pid, is_home=bool(seat.home), output_cut=output_cut)

    def _stopped(self, attempt: HeldAttempt, *, is_home: bool = False, output_cut: bool = False) -> AttemptEnded:
        why = attempt.reason or f"its lease of {attempt.lease:g} s passed without a word from the scheduler"
        is_cancel = attempt.ending is Ending.STOP
        return stopped(why, is_cancel=is_cancel, is_home=is_home, output_cut=output_cut)

    def _start_failed(self, seat: Seat, exit: Exit, now: float) -> None:
        """A worker died before it was ready: the next one is tried later, and those who wait are told if it goes on."""
        self._failed_starts += 1
        self._start_at = now + min(0.1 * 2**self._failed_starts, 10.0)
        self._due_at(self._start_at)
        if self._failed_starts >= _TOO_MANY_STARTS:
            for attempt in self._roster.waiting():
                self._end(attempt, not_started(f"no worker can be started: the last one {exit}"))

    def _hand_out(self, now: float) -> None:
        while (taken := self._roster.take()) is not None:
            attempt, seat = taken
            assign = attempt.assign
            assert assign is not None, "an attempt that waits has its assignment"
            attempt.phase, attempt.assign = Phase.RUNNING, None
            # Spooled before the worker is given anything: after a restart this attempt counts as started (A2).
            started = AttemptEvent(started=AttemptStarted(pid=seat.pid), time=encode_time(self._clock.wall_ns()))
            self.book.report(attempt, started, RecordKind.STARTED)
            self._orders.append(partial(self._crew.assign, seat.worker, assign))
        if self.digest and now >= self._start_at and not self._is_draining:
            for seat in self._roster.open_seats():
                self._crew.start(seat.worker, seat.home)

    def _settle(self, now: float) -> None:
        self._hand_out(now)
        is_saved = self.book.flush(is_busy=self._roster.is_full)
        if is_saved:
            orders, self._orders = self._orders, []
            for order in orders:
                order()
        else:
            self._due_at(now + _RETRY_FULL)
        if is_saved is self._is_output_held:
            self._is_output_held = not is_saved
            self._crew.hold_output(self._is_output_held)
        if self._due < self._alarm_at:
            self._alarm_at = self._due
            self._alarm(self._due)

    def _attempt_of(self, worker: int) -> HeldAttempt | None:
        seat = self._roster.seats.get(worker)
        return seat.attempt if seat is not None else None

    def _report(self, attempt: HeldAttempt, event: AttemptEvent) -> None:
        event.time.CopyFrom(encode_time(self._clock.wall_ns()))
        self.book.report(attempt, event)

    def _end(self, attempt: HeldAttempt, ended: AttemptEnded) -> None:
        self.book.end(attempt, AttemptEvent(ended=ended, time=encode_time(self._clock.wall_ns())))

    def _due_at(self, when: float) -> None:
        self._due = min(self._due, when)
