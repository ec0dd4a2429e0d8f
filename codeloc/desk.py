"""The desk of a location: what is received, started, ended and refused, by the rules of an attempt.

Synchronous and without I/O of its own: the clock, the crew that runs workers, the outlets of sessions and the ledgers
are given. Every entry first ends what its lease no longer covers, then does its own work, and at last settles: what was
reported is on disk before it is sent, and before a worker is given anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from codeloc import console
from codeloc.attempts import Ending, HeldAttempt, Phase
from codeloc.book import Book
from codeloc.endings import Exit, fenced, home_lost, not_started
from codeloc.floor import Crew, Floor
from codeloc.lease import NEVER, is_fresh
from codeloc.ledger import Ledger
from codeloc.limits import MOST_HELD
from codeloc.roster import Roster
from codeloc.session import Outlet, Session, SessionState
from rivers.clock import Clock
from rivers.v1.plan_pb2 import PLACEMENT_HOME
from rivers.v1.run_pb2 import LogStream
from rivers.v1.step_service_pb2 import (
    Adopt,
    Assign,
    AttemptEnded,
    AttemptEvent,
    AttemptLog,
    Command,
    Inventory,
    Report,
    Stop,
)
from rivers.wire import beat
from rivers.wire.times import decode_duration, encode_duration

_NEWS = ("assign", "stop", "fence")
#: How soon it is looked whether a full disk has room again.
_RETRY_FULL = 1.0


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
        most_held: int = MOST_HELD,
    ) -> None:
        self.digest = ""
        self.book = Book(open_ledger, clock)
        self.floor = Floor(crew, self.book, Roster(workers, warm))
        self._crew = crew
        self._clock = clock
        self._alarm = alarm
        self._due = NEVER
        self._alarm_at = NEVER
        self._home_id = home_id
        self._boot = boot
        self._workers = workers
        self._places = workers + 32 if places is None else places
        self._step_lease = step_lease
        # Held or spooled; beyond them nothing that could be another one is listened to.
        self._most_held = most_held
        self._is_draining = False
        self._heard_at = -NEVER  # when the newest beat was sent of which we know that the leader heard it

    # -- the location -----------------------------------------------------------------------------------------------

    @property
    def free_places(self) -> int:
        """How many more attempts it takes."""
        if self._is_draining or not self.digest or self.book.is_full:
            return 0
        return max(0, self._places - self.book.live_count)

    def lease_margin(self, now: float) -> float:
        """Seconds until the first lease of an attempt passes, unless it is renewed; endless when none can."""
        live = [attempt for attempt in list(self.book.held.values()) if attempt.is_live]
        return min((attempt.expires_at(self._heard_at) - now for attempt in live), default=NEVER)

    @property
    def is_clear(self) -> bool:
        """Whether nothing runs, no hook is due, and the leader has heard of all that ended or is not there to hear."""
        if self.book.live_count or self.floor.has_hooks:
            return False
        return self.book.session is None or not self.book.held

    def loaded(self, digest: str) -> None:
        """The module is loaded: attempts planned from these definitions can start."""
        now = self._enter()
        self.digest = digest
        self._settle(now)

    def drain(self) -> None:
        """Nothing new is started; what runs goes on."""
        now = self._enter()
        self._is_draining = True
        for attempt in self.floor.roster.waiting():
            self.book.end(attempt, not_started("the location is going down"))
        self._settle(now)

    def shut_down(self, grace: float) -> None:
        """Ends what runs: first asks, then kills."""
        now = self._enter()
        for attempt in list(self.book.held.values()):
            if attempt.phase is Phase.RUNNING and attempt.is_live:
                self._ask_to_end(attempt, Ending.SHUTDOWN, "the location went down", now + grace)
        self._settle(now)

    @property
    def has_workers(self) -> bool:
        """Whether any worker is left."""
        return bool(self.floor.roster.seats)

    def dismiss(self) -> None:
        """Lets all workers end, each in its own time: resources are torn down there."""
        now = self._enter()
        self.floor.dismiss()
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
        self._settle(now)

    # -- sessions ---------------------------------------------------------------------------------------------------

    def attach(self, *, store_id: str, term: int, number: int, beat_interval: float, outlet: Outlet) -> Session:
        """Opens a session and answers with the inventory (protocol section 4); `SessionRefused` for an old one."""
        now = self._enter()
        session = self.book.open_session(
            store_id=store_id,
            term=term,
            number=number,
            interval=beat.beat_interval(beat_interval, self._step_lease),
            outlet=outlet,
            now=now,
        )
        inventory = Inventory(
            home_id=self._home_id,
            boot=self._boot,
            beat=0,
            workers=self._workers,
            places=0 if self._is_draining else self._places,
            digests=[self.digest] if self.digest else [],
            attempts=self.book.inventory(),
            homes=list(self.floor.roster.homes),
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
            kind = command.WhichOneof("kind")
            if kind in _NEWS and len(self.book.held) >= self._most_held:
                reason = f"this location holds {len(self.book.held)} attempts that nobody has settled"
                self.book.close_session(session, reason)
                break
            match kind:
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
                case "call_hooks":
                    self.floor.enqueue_hooks(command.call_hooks)
                case "release_home":
                    self.floor.release_home(command.release_home.run_id)
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
        self.floor.ready(worker, pid)
        self._settle(now)

    def worker_output(self, worker: int, stream: LogStream.ValueType, text: str) -> bool:
        """A worker has written something; false when it had nothing to do, so that this is nobody's log."""
        now = self._enter()
        attempt = self.floor.attempt_of(worker)
        if attempt is not None and attempt.ending is not Ending.FENCE:
            self.book.report(attempt, AttemptEvent(log=AttemptLog(stream=stream, text=text)))
        self._settle(now)
        return attempt is not None

    def worker_events(self, worker: int, events: Iterable[AttemptEvent]) -> None:
        """A worker has reported something. All that its attempt wrote before was told."""
        now = self._enter()
        for event in events:
            attempt = self.floor.attempt_of(worker)
            if attempt is None or attempt.token != event.token or attempt.ending is Ending.FENCE:
                continue
            if event.HasField("ended"):
                self.floor.ended(worker, attempt, event)
            else:
                self.book.report(attempt, event)
        self._settle(now)

    def worker_hooked(self, worker: int) -> None:
        """A worker has called the hooks that it was given."""
        now = self._enter()
        self.floor.hooked(worker)
        self._settle(now)

    def worker_gone(self, worker: int, exit: Exit, *, output_cut: bool = False) -> None:
        """A worker is dead, and all that it reported was told."""
        now = self._enter()
        self.floor.gone(worker, exit, output_cut, now)
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
            self.floor.release_home(run_id)
        self.book.begin_replay(session)

    def _heard(self, session: Session, beat: int) -> None:
        sent = session.heard(beat)
        if sent is not None:
            self._heard_at = max(self._heard_at, sent)
            self._crew.heard(self._heard_at)

    def _assigned(self, session: Session, assign: Assign, now: float) -> None:
        known = self.book.held.get(assign.token)
        if known is not None:
            self.book.repeat(known)
            return
        if self.book.knows(assign.token):
            return
        lease = decode_duration(assign.lease) if assign.HasField("lease") else NEVER
        attempt = HeldAttempt(
            assign.token,
            self._boot,
            assign=assign,
            lease=lease or NEVER,
            run_id=assign.run_id,
            step_key=assign.step.step_key,
            number=assign.attempt,
        )
        if assign.step.placement == PLACEMENT_HOME:
            attempt.home = assign.run_id
        self.book.receive(attempt)
        refusal = self._refusal(session, attempt, assign, now)
        if refusal is not None:
            self.book.end(attempt, refusal)
            return
        self._due_at(attempt.due(self._heard_at))
        self.floor.roster.enqueue(attempt)

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
        if attempt.home and assign.step.home_required and attempt.home not in self.floor.roster.homes:
            return home_lost(attempt.home)
        return None

    def _stop(self, stop: Stop, now: float) -> None:
        attempt = self._known(stop.token)
        if attempt is None or not attempt.is_live:
            return
        reason = stop.reason or "it was canceled"
        if attempt.phase is Phase.RECEIVED:
            self.book.end(attempt, not_started(reason))
        else:
            self._ask_to_end(attempt, Ending.STOP, reason, now + decode_duration(stop.grace))

    def _fence(self, token: int) -> None:
        attempt = self._known(token)
        if attempt is None:
            return
        if attempt.is_left_over:
            self.book.forget(token)
        elif attempt.phase is Phase.RECEIVED:
            self.book.end(attempt, fenced())
        elif attempt.phase is Phase.RUNNING:
            attempt.ending = Ending.FENCE
            self.floor.kill(attempt)

    def _known(self, token: int) -> HeldAttempt | None:
        """The attempt; one that never arrived is received here, so that it cannot start later."""
        attempt = self.book.held.get(token)
        if attempt is None and not self.book.knows(token):
            attempt = HeldAttempt(token, self._boot)
            self.book.receive(attempt)
        return attempt

    # -- leases -----------------------------------------------------------------------------------------------------

    def _enter(self) -> float:
        """Every entry: what a lease no longer covers ends before anything else happens (A4)."""
        now = self._clock.boot()
        if now >= self._due:
            for attempt in list(self.book.held.values()):
                if attempt.is_live:
                    self._enforce(attempt, now)
            self.floor.end_hooks(now)
        return now

    def _enforce(self, attempt: HeldAttempt, now: float) -> None:
        over = now >= attempt.expires_at(self._heard_at)
        if attempt.phase is Phase.RECEIVED:
            if over:
                self.book.end(attempt, not_started("its lease passed while it waited"))
        elif over or now >= attempt.kill_at:
            if not attempt.is_killed:
                console.warning("attempt_killed", cause=(attempt.ending or Ending.LEASE).value, **attempt.ids())
            attempt.ending = attempt.ending or Ending.LEASE
            self.floor.kill(attempt)
        elif now >= attempt.polite_at(self._heard_at) and attempt.ending is None:
            self._ask_to_end(attempt, Ending.LEASE, "", attempt.expires_at(self._heard_at))

    def _ask_to_end(self, attempt: HeldAttempt, ending: Ending, reason: str, kill_at: float) -> None:
        self.floor.ask_to_end(attempt, ending, reason, kill_at)
        self._due_at(attempt.kill_at)

    def _due_at(self, when: float) -> None:
        self._due = min(self._due, when)

    def _settle(self, now: float) -> None:
        """Every entry at its end: what was decided is saved, and then acted upon."""
        floor = self.floor
        floor.hand_out(now)
        self._due_at(floor.hooks_due)
        if self.digest and not self._is_draining:
            floor.open_seats(now)
        is_saved = self.book.flush(is_busy=floor.roster.is_full)
        floor.carry_out(is_saved)
        if not is_saved:
            self._due_at(now + _RETRY_FULL)
        if floor.start_at > now:
            self._due_at(floor.start_at)
        if self._due < self._alarm_at:
            self._alarm_at = self._due
            self._alarm(self._due)
