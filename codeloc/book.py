"""The book: which attempts the location holds, what they have reported, and what of it has left.

Everything is spooled before it leaves. `flush` puts on disk what has gathered, and gives it to the session.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from codeloc import console
from codeloc.attempts import HeldAttempt, Phase
from codeloc.ledger import Ledger
from codeloc.session import Outlet, Session, SessionState
from codeloc.spool import Position, Spool
from codeloc.spool_records import RecordKind
from rivers.clock import Clock
from rivers.v1.step_service_pb2 import (
    AttemptEnded,
    AttemptEvent,
    AttemptOutcome,
    AttemptPhase,
    Beat,
    Replayed,
    Report,
)
from rivers.v1.step_service_pb2 import HeldAttempt as Held
from rivers.wire.times import encode_time

#: What a session may hold unsent; what comes after it is read from the spool when there is room again.
_BACKLOG = 4 << 20
_REPLAY_PIECE = 256 << 10
#: Ended and committed attempts whose tokens are remembered, so that a late repetition starts nothing.
_REMEMBERED = 4096


class SessionRefused(Exception):
    """A session that must not be opened; the text says why."""


class Book:
    """Held attempts, the spool of the store that they are from, and the session that hears of them."""

    def __init__(self, open_ledger: Callable[[str], Ledger], clock: Clock) -> None:
        self.held: dict[int, HeldAttempt] = {}
        self.session: Session | None = None
        self.is_full = False
        self.live_count = 0
        self.live_hash = 0
        self._open_ledger = open_ledger
        self._clock = clock
        self._ledger: Ledger | None = None
        self._reports: list[Report] = []
        self._signs: list[Report] = []
        self._is_urgent = False
        self._past: OrderedDict[int, None] = OrderedDict()

    # -- sessions ---------------------------------------------------------------------------------------------------

    def open_session(
        self, *, store_id: str, term: int, number: int, interval: float, outlet: Outlet, now: float
    ) -> Session:
        """Opens a session; the older one is closed before."""
        ledger = self._ledger_of(store_id)
        if (term, number) <= ledger.highest:
            raise SessionRefused(
                f"session {number} of term {term} is not newer than session {ledger.highest[1]} of term "
                f"{ledger.highest[0]}, which this location has seen: was the database restored from a backup? "
                "If so, stop the scheduler and run `rivers db raise-term`"
            )
        if self.session is not None:
            self.close_session(self.session, f"session {number} of term {term} was opened")
        try:
            ledger.note_session(term, number)
        except OSError as error:
            raise SessionRefused(f"the session cannot be noted in the data directory: {error.strerror}") from error
        self.session = Session(term=term, outlet=outlet, beat_interval=interval, now=now)
        console.info("session_opened", session=number, term=term, held=len(self.held))
        return self.session

    def close_session(self, session: Session, reason: str) -> None:
        """Ends a session. What it has not been sent is in the spool."""
        if session.state is SessionState.CLOSED:
            return
        session.state = SessionState.CLOSED
        console.info("session_closed", term=session.term, reason=reason or "the stream ended")
        session.outlet.close(reason)
        if session is self.session:
            self.session = None
            self._reports.clear()
            self._signs.clear()

    def begin_replay(self, session: Session) -> None:
        """The leader has answered the inventory. What older boots left unfinished ends with what they have spooled."""
        for attempt in list(self.held.values()):
            self._drop_settled(attempt)
        session.state = SessionState.REPLAYING
        session.outlet.wake()

    def replay(self, session: Session) -> bool:
        """Gives the session the next piece of the spool; false when there is nothing to give now."""
        if session.state is not SessionState.REPLAYING or self._ledger is None or not self.flush():
            return False
        if session.flight.is_full:
            return False  # an acknowledgement wakes the writer
        records, position = self._ledger.spool.read(session.cursor, _REPLAY_PIECE)
        reports = []
        for record in records:
            attempt = self.held.get(record.token)
            if attempt is not None and record.number > attempt.acked:
                reports.append(Report(event=AttemptEvent.FromString(record.payload)))
                session.flight.sent(record.token, record.number, len(record.payload))
        if position == session.cursor:
            session.state = SessionState.LIVE
            if not session.is_replayed:
                session.is_replayed = True
                reports.append(Report(replayed=Replayed()))
        session.cursor = position
        if reports:
            session.outlet.send(reports, urgent=True)
        return True

    def say(self, report: Report) -> None:
        """Sends something that is about the session itself; it does not wait for the disk."""
        self._signs.append(report)

    def beat(self, session: Session, now: float, free_places: int) -> None:
        """A sign of life. Held tokens are those of attempts that have not ended, or whose end has not left yet."""
        count, mixed = self.live_count, self.live_hash
        if self.is_full or session.state is not SessionState.LIVE:
            count, mixed = len(self.held), reduce(xor, self.held, 0)
        beat = Beat(beat=session.next_beat(now), free_places=free_places, held_count=count, held_hash=mixed)
        self.say(Report(beat=beat))

    # -- attempts ---------------------------------------------------------------------------------------------------

    def knows(self, token: int) -> bool:
        """Whether the token was seen before."""
        return token in self.held or token in self._past

    def receive(self, attempt: HeldAttempt) -> None:
        """A new attempt."""
        self._spool.append(RecordKind.RECEIVED, attempt.token, attempt.boot)
        self.held[attempt.token] = attempt
        self.live_count += 1
        self.live_hash ^= attempt.token
        if console.is_debug():
            console.debug("attempt_received", **attempt.ids())

    def report(self, attempt: HeldAttempt, event: AttemptEvent, kind: RecordKind = RecordKind.EVENT) -> None:
        """The next event of an attempt; it happened now, unless it says when."""
        if not event.HasField("time"):
            event.time.CopyFrom(encode_time(self._clock.wall_ns()))
        attempt.last_seq += 1
        event.token = attempt.token
        event.seq = attempt.last_seq
        session = self.session
        payload = event.SerializeToString()
        if session is not None and session.state is SessionState.LIVE:
            if session.outlet.backlog > _BACKLOG or session.flight.is_full:
                session.state, session.cursor = SessionState.REPLAYING, self._spool.end
            else:
                self._reports.append(Report(event=event))
                self._is_urgent |= kind is not RecordKind.STARTED
                session.flight.sent(attempt.token, attempt.last_seq, len(payload))
        self._spool.append(kind, attempt.token, attempt.last_seq, payload)

    def end(self, attempt: HeldAttempt, ended: AttemptEnded, time: Timestamp | None = None) -> None:
        """The last event of an attempt."""
        attempt.phase = Phase.ENDED
        attempt.assign = None
        attempt.worker = None
        self.live_count -= 1
        self.live_hash ^= attempt.token
        if console.is_debug():
            console.debug("attempt_ended", outcome=AttemptOutcome.Name(ended.outcome), **attempt.ids())
        self.report(attempt, AttemptEvent(ended=ended, time=time), RecordKind.ENDED)

    def acknowledge(self, token: int, seq: int) -> None:
        """Committed up to an event."""
        if self.session is not None and self.session.flight.acknowledged(token, seq):
            self.session.outlet.wake()
        attempt = self.held.get(token)
        if attempt is not None and seq > attempt.acked:
            attempt.acked = min(seq, attempt.last_seq)
            self._spool.acknowledged(token, attempt.acked)
            self._drop_settled(attempt)

    def forget(self, token: int) -> None:
        """Nobody wants to hear of the attempt any more."""
        attempt = self.held.pop(token, None)
        if self.session is not None and self.session.flight.acknowledged(token):
            self.session.outlet.wake()
        if attempt is not None:
            self._spool.append(RecordKind.FORGOTTEN, token)
            self._past[token] = None
            if len(self._past) > _REMEMBERED:
                self._past.popitem(last=False)

    def repeat(self, attempt: HeldAttempt) -> None:
        """Says again what the leader has not acknowledged; with that it hears the attempt's state."""
        session = self.session
        if session is not None and session.state is SessionState.LIVE and attempt.last_seq > attempt.acked:
            session.state = SessionState.REPLAYING
            session.cursor = Position()
            session.outlet.wake()

    def flush(self, *, is_busy: bool = False) -> bool:
        """Puts on disk what has gathered, and lets it leave; false while the disk is full.

        While attempts wait here for a worker, hearing of an end some milliseconds later delays nothing, and reports
        that leave together cost less.
        """
        self.is_full = self._ledger is not None and not self._ledger.spool.flush()
        if self.session is not None:
            if self._reports and not self.is_full:
                reports, self._reports = self._reports, []
                self.session.outlet.send(reports, urgent=self._is_urgent and not is_busy)
                self._is_urgent = False
            if self._signs:
                signs, self._signs = self._signs, []
                self.session.outlet.send(signs, urgent=True)
        return not self.is_full

    def close(self) -> None:
        """Closes the session and the spool."""
        if self.session is not None:
            self.close_session(self.session, "the location is going down")
        if self._ledger is not None:
            self._ledger.close()

    def inventory(self) -> list[Held]:
        """All that is held or spooled."""
        return [
            Held(
                token=attempt.token,
                boot=attempt.boot,
                phase=cast("AttemptPhase.ValueType", attempt.phase.value),
                last_seq=attempt.last_seq,
            )
            for attempt in self.held.values()
        ]

    def _drop_settled(self, attempt: HeldAttempt) -> None:
        if attempt.is_settled:
            self.forget(attempt.token)

    @property
    def has_unsent(self) -> bool:
        """Whether something was reported that no message up has taken yet."""
        return self.session is not None and bool(self._reports or self.session.outlet.backlog)

    @property
    def spool_bytes(self) -> int:
        """How much of the disk the spool takes."""
        return self._ledger.spool.size_on_disk() if self._ledger is not None else 0

    @property
    def _spool(self) -> Spool:
        assert self._ledger is not None, "no session was ever opened"
        return self._ledger.spool

    def _ledger_of(self, store_id: str) -> Ledger:
        """The ledger of a store. Another store's work is finished first, because tokens of two stores can be equal."""
        ledger = self._ledger
        if ledger is not None and ledger.store_id == store_id:
            return ledger
        if ledger is not None:
            if self.session is not None or self.live_count:
                raise SessionRefused(
                    f"this location works for the scheduler of store {ledger.store_id}; stop that one first, "
                    "or serve the module a second time under another name"
                )
            ledger.close()
            self.held.clear()
            self._past.clear()
        self._ledger = ledger = self._open_ledger(store_id)
        for spooled in ledger.spool.attempts.values():
            phase = Phase.ENDED if spooled.is_ended else Phase.RUNNING if spooled.is_started else Phase.RECEIVED
            attempt = HeldAttempt(spooled.token, spooled.boot, phase, spooled.last_seq)
            attempt.acked = spooled.acked
            attempt.is_left_over = not spooled.is_ended
            self.held[spooled.token] = attempt
        return ledger
