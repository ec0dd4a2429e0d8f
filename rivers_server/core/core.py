"""The scheduler's core: decides, and writes in the transaction that it decides in (protocol section 7).

Synchronous. Clock, store, transport and the source of ids and jitter are injected; nothing here knows gRPC, threads
or asyncio. One batch: every message is decided on the indexes in memory, free places are filled, the rows that were
touched are committed in one transaction, and only then answers, acknowledgements and commands leave.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from rivers.clock import Clock
from rivers.errors import RiversError, StorageUnavailableError, UnavailableError
from rivers.lifecycle.backfill.states import BackfillStatus
from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers.planning.plan import RunPlan
from rivers.storage.faults import DeposedError, is_damage
from rivers.storage.rows import WriteSet
from rivers_server.core import (
    admission,
    backfill_requests,
    dispatching,
    drawing,
    dynamic_partitions,
    ingestion,
    registration,
    requests,
    sessions,
)
from rivers_server.core.inputs import (
    Beaten,
    Cancel,
    CancelBackfill,
    ChangePartitions,
    CreateBackfill,
    Deregister,
    Explain,
    ForgetLocation,
    Message,
    PauseBackfill,
    Register,
    Reported,
    ResumeBackfill,
    SessionClosed,
    SnapshotRead,
    Submit,
    Tick,
)
from rivers_server.core.lanes import LONGEST
from rivers_server.core.live import LiveRun
from rivers_server.core.live_backfill import LiveBackfill
from rivers_server.core.outage import Outage
from rivers_server.core.outbox import Outbox, Transport
from rivers_server.core.reports import Inventory, Replayed
from rivers_server.core.state import State
from rivers_server.core.store import Store
from rivers_server.core.tally import Tally
from rivers_server.settings import CoreSettings

log = structlog.get_logger()


class Chance(Protocol):
    """The one source of randomness."""

    def run_id(self, now_ns: int) -> str:
        """A new run id; ids grow with time, so that indexes stay compact."""

    def spread(self) -> float:
        """A number in [-1, 1], for jitter."""


class Batch:
    """What one batch gathers: rows to write, effects to let go afterwards, and the runs that it touched."""

    __slots__ = (
        "admitted",
        "backfills",
        "created_backfills",
        "dirty",
        "ended_backfills",
        "finished",
        "monotonic",
        "now",
        "outbox",
        "outcomes",
        "partitions",
        "started",
        "writes",
    )

    def __init__(self, now: int, monotonic: float) -> None:
        self.now = now
        self.monotonic = monotonic
        self.writes = WriteSet()
        self.outbox = Outbox()
        self.dirty: dict[str, LiveRun] = {}
        # For the tally: how long runs waited for admission and for their first start, and how things ended.
        self.admitted: list[int] = []
        self.started: list[int] = []
        self.outcomes: list[AttemptOutcome] = []
        self.finished: list[RunState] = []
        self.backfills: dict[str, LiveBackfill] = {}
        self.created_backfills = 0
        # Partitions of backfills by how they ended.
        self.partitions: Counter[str] = Counter()
        self.ended_backfills: list[BackfillStatus] = []


class Core:
    """Everything that changes state goes through `run_batch`, on one thread."""

    def __init__(
        self, *, store: Store, clock: Clock, transport: Transport, chance: Chance, settings: CoreSettings
    ) -> None:
        self.store = store
        self.clock = clock
        self.transport = transport
        self.chance = chance
        self.settings = settings
        self.state = State(settings)
        self.tally = Tally()
        self.plans: dict[str, RunPlan] = {}
        self.awake = 0.0
        self.outage: Outage | None = None
        self._is_unproven = False
        self.has_more_to_admit = False
        self._last_turn = clock.monotonic()
        self._handlers: dict[type, Callable[[Core, Batch, Any], None]] = {
            Submit: requests.submit,
            Cancel: requests.cancel,
            Explain: requests.explain,
            CreateBackfill: backfill_requests.create,
            CancelBackfill: backfill_requests.cancel,
            PauseBackfill: backfill_requests.pause,
            ResumeBackfill: backfill_requests.resume,
            ChangePartitions: dynamic_partitions.change,
            Register: registration.register,
            Deregister: registration.deregister,
            ForgetLocation: registration.forget,
            SnapshotRead: registration.take_snapshot,
            Reported: ingestion.take_reports,
            Beaten: sessions.take_beat,
            SessionClosed: sessions.close,
            Tick: lambda core, batch, message: None,
        }

    def recover(self) -> None:
        """Loads what is unfinished and asks for every known location to be dialled. Called once, before any batch."""
        self.rebuild()
        outbox = Outbox()
        rows = [replica.row for replica in self.state.replicas.values()]
        outbox.dial = [(row.name, row.address, row.home_id, row.boot) for row in rows if row.address]
        self.transport.deliver(outbox)
        log.info("scheduler_recovered", runs=len(self.state.runs), queued=len(self.state.queue.waiting))

    def run_batch(self, messages: Sequence[Message]) -> int:
        """Decides about the messages, commits, and lets the effects go. Returns how many it decided about: when that
        takes long the batch is closed, and the others are to come first in a later one.

        When anything raises, nothing was written: the indexes are rebuilt from rows and the messages are run one by
        one, so that one bad message cannot take its neighbours along (W3). While the database cannot be used, it is
        tried again every second (W10). What is raised ends the scheduler: another one leads, or the disk or the file
        is broken (W5, W6).
        """
        try:
            if self.outage is not None:
                if self.clock.monotonic() < self.outage.retry_at:
                    self.outage.refuse(self, messages)
                    return len(messages)
                self.outage.end(self)
                self.outage, self._is_unproven = None, True
            try:
                return self._run(messages)
            except (DeposedError, StorageUnavailableError):
                raise
            except Exception as error:
                if is_damage(error):
                    raise
                log.warning("batch_aborted", messages=len(messages), error=repr(error), exc_info=len(messages) == 1)
                self._undo(messages)
                if len(messages) == 1:
                    self._give_up(messages[0], error)
                else:
                    for message in messages:
                        self.run_batch([message])
        except StorageUnavailableError as error:
            self.outage = self.outage or Outage(self, error, is_again=self._is_unproven)
            self.outage.fail(self, error)
            self.outage.refuse(self, messages)
        return len(messages)

    def settle_effects(self) -> None:
        """Waits until the effects of the last batch have left."""
        self.transport.settle()

    def next_due(self) -> float | None:
        """Seconds until a timer is due, `None` for none; half a second at most while somebody is silent (A7)."""
        if self.outage is not None:
            return max(self.outage.retry_at - self.clock.monotonic(), 0.0)
        if self.state.stirred or self.has_more_to_admit:
            return 0.0
        due = []
        if self.state.wakes:
            due.append(self.state.wakes[0][0] - self.clock.monotonic())
        if self.state.fences:
            due.append(self.state.fences[0][0] - self.clock.monotonic())
        if sessions.has_silent_attempts(self):
            due.append(0.5)
        return max(min(due), 0.0) if due else None

    def rebuild(self) -> None:
        """Makes every index anew from rows."""
        self.state.rebuild(self.store.load(), self.clock.monotonic(), self.awake)
        for run in self.state.runs.values():
            dispatching.enqueue(self, run)

    def skip_time(self) -> None:
        """The time since the last batch does not count as awake."""
        self._last_turn = self.clock.monotonic()

    def settle(self, batch: Batch) -> None:
        """Turns what runs decided into rows, and ends those that are over."""
        while batch.dirty:
            run_id, run = batch.dirty.popitem()
            was_terminal = run.row.state.is_terminal
            run.record(batch.writes, batch.now)
            batch.outbox.changed_runs[run_id] = run.row.state.is_terminal
            if run.row.state.is_terminal and not was_terminal:
                self._finish(batch, run)
            else:
                dispatching.enqueue(self, run)

    def schedule_wake(self, run: LiveRun, ordinal: int, wait: float) -> None:
        """Remembers that a step's wait before its next attempt ends in so many seconds."""
        if wait > 0.0:
            due = self.clock.monotonic() + wait
            heapq.heappush(self.state.wakes, (due, run.row.run_id, ordinal, run.progress.steps[ordinal].attempt))

    # -- within -----------------------------------------------------------------------------------------------------

    def _run(self, messages: Sequence[Message]) -> int:
        self._note_time()
        batch = Batch(self.clock.wall_ns(), self.clock.monotonic())
        sessions.fire_timers(self, batch)
        count = 0
        for message in messages:
            count += 1
            try:
                self._handlers[type(message)](self, batch, message)
            except RiversError as error:  # said before anything was changed
                reply = getattr(message, "reply", None)
                if reply is None:
                    raise
                batch.outbox.refuse(reply, error)
            if self.clock.monotonic() - batch.monotonic > LONGEST:
                break
        self.settle(batch)
        drawing.draw(self, batch)
        admission.admit(self, batch)
        self.settle(batch)
        dispatching.dispatch(self, batch)
        self.settle(batch)
        drawing.record(self, batch)
        decided = self.clock.monotonic()
        if batch.writes:
            self.store.commit(batch.writes)
            self._is_unproven = False
        self.tally.note(batch, count, decided - batch.monotonic, self.clock.monotonic() - decided)
        self.transport.deliver(batch.outbox)
        return count

    def _note_time(self) -> None:
        """Advances the time for which this leader was awake: a gap of over 2 s counts as 2 s (A7)."""
        now = self.clock.monotonic()
        self.awake += min(now - self._last_turn, 2.0)
        self._last_turn = now

    def _finish(self, batch: Batch, run: LiveRun) -> None:
        run_id = run.row.run_id
        if self.state.runs.pop(run_id, None) is None:
            return
        self.state.queue.release(run.row.location)
        if run.row.request_id is not None:
            self.state.requests.pop(run.row.request_id, None)
        for step in run.progress.steps:
            self.state.attempts.pop(step.token, None)
        if run.has_home:
            dispatching.release_home(self, batch, run)
        batch.finished.append(run.row.state)
        drawing.unit_ended(self, batch, run.row, run.marked_partitions())
        log.info("run_ended", run_id=run_id, state=run.row.state.name)

    def _undo(self, messages: Sequence[Message]) -> None:
        """Forgets what a batch decided, and what it said of sessions: that is said again when its messages are run."""
        for message in messages:
            if not isinstance(message, Reported) or message.location not in self.state.replicas:
                continue
            replica = self.state.replicas[message.location]
            if any(isinstance(report, Inventory) for report in message.reports):
                replica.detach()
            elif any(isinstance(report, Replayed) for report in message.reports):
                replica.is_replayed = False
        self.rebuild()

    def _give_up(self, message: Message, error: Exception) -> None:
        """A message that cannot be decided about: its caller is told, its session closed so that reports come again."""
        outbox = Outbox()
        reply = getattr(message, "reply", None)
        if reply is not None:
            outbox.refuse(reply, error if isinstance(error, RiversError) else UnavailableError(f"not stored: {error}"))
        if isinstance(message, Reported):
            replica = self.state.replicas.get(message.location)
            if replica is not None:
                replica.detach()
                replica.heard_awake = self.awake
            outbox.closed.append((message.location, message.session, f"not stored: {error}"))
        self.transport.deliver(outbox)
