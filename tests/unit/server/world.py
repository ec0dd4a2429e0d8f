"""A scheduler core and its locations on a virtual clock: no gRPC, no processes, no threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import EdgeDefinition, JobDefinition, OutputDefinition, Snapshot, StepDefinition
from rivers.errors import StorageUnavailableError
from rivers.lifecycle.events import Failure
from rivers.lifecycle.fan_out import is_mapped
from rivers.lifecycle.states import AttemptOutcome, FailureReason, LogStream, RunKind, RunState
from rivers.partitions.key import PartitionKey
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.plan import RunPlan
from rivers.storage import events, runs
from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from rivers.storage.recovery import Recovered
from rivers.storage.rows import RunRow, WriteSet
from rivers_server.core import commands, reports
from rivers_server.core.core import Core
from rivers_server.core.inputs import Cancel, Message, Register, Reported, SessionClosed, SnapshotRead, Submit, Tick
from rivers_server.core.outbox import Outbox
from rivers_server.core.store import DatabaseStore
from rivers_server.settings import CoreSettings


class VirtualClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def wall_ns(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds

    def boot(self) -> float:
        return self.seconds


class CountedChance:
    """Ids in order, and no jitter."""

    def __init__(self) -> None:
        self.count = 0

    def run_id(self, now_ns: int) -> str:
        self.count += 1
        return f"run-{now_ns}-{self.count:04d}"

    def spread(self) -> float:
        return 0.0


class Answer:
    """An answer of the core, as its caller sees it."""

    def __init__(self) -> None:
        self.result: Any = None
        self.error: BaseException | None = None

    def set(self, result: Any) -> None:
        self.result = result

    def fail(self, error: BaseException) -> None:
        self.error = error


@dataclass
class HeldAttempt:
    """An attempt at a location: what it was assigned, and its spooled events."""

    assign: commands.Assign
    boot: int
    spool: list[reports.AttemptReport] = field(default_factory=list)
    acked: int = 0
    is_started: bool = False
    is_ended: bool = False


class Location:
    """A location that keeps the protocol: spools before it sends, starts a token once, replays after an inventory.

    `elements` are the mapping keys that steps tell, by node: those of what they make, or of a mapped task's source.
    """

    def __init__(self, world: World, name: str, places: int = 4) -> None:
        self.world = world
        self.name = name
        self.places = places
        self.home_id = f"home-{name}"
        self.boot = 1
        self.session = 0
        self.held: dict[int, HeldAttempt] = {}
        self.bodies: list[tuple[str, str]] = []
        self.received: list[commands.Command] = []
        self.fenced: set[int] = set()
        self.elements: dict[str, tuple[str, ...]] = {}

    def attach(self) -> None:
        """Opens a session: inventory, replay, replayed."""
        self.world.sessions += 1
        self.session = self.world.sessions
        inventory = reports.Inventory(
            home_id=self.home_id,
            boot=self.boot,
            beat=0,
            workers=self.places,
            places=self.places,
            digests=(self.world.snapshots[self.name].digest,),
            attempts=tuple(
                reports.Held(token, item.boot, self._phase(item), len(item.spool)) for token, item in self.held.items()
            ),
            homes=(),
        )
        self.world.put(Reported(self.name, self.session, [inventory]))
        spooled = [event for item in self.held.values() for event in item.spool if event.seq > item.acked]
        self.world.put(Reported(self.name, self.session, [*spooled, reports.Replayed()]))

    def cut(self) -> None:
        """The stream breaks; the core hears of it."""
        session, self.session = self.session, 0
        self.world.put(SessionClosed(self.name, session, "cut"))

    def restart(self) -> None:
        """The supervisor is killed and starts again on the same data directory."""
        self.session = 0
        self.boot += 1

    def receive(self, session: int, sent: Sequence[commands.Command]) -> None:
        """Commands of a session; those of an older one are not read."""
        if session != self.session:
            return
        for command in sent:
            self.received.append(command)
            match command:
                case commands.Assign() if command.boot == self.boot and command.token not in self.held:
                    self.held[command.token] = HeldAttempt(command, self.boot)
                case commands.Ack():
                    item = self.held.get(command.token)
                    if item is not None:
                        item.acked = max(item.acked, command.seq)
                        if item.is_ended and item.acked >= len(item.spool):
                            del self.held[command.token]
                case commands.Adopt():
                    for token in command.forget:
                        self.held.pop(token, None)
                    self.fenced.update(command.fence)
                case commands.Fence():
                    self.fenced.add(command.token)

    def start_all(self) -> None:
        """Starts every body that has not started."""
        for item in list(self.held.values()):
            if not item.is_started and item.boot == self.boot:
                item.is_started = True
                self.bodies.append((item.assign.run_id, item.assign.step.key))
                self._say(item, reports.Started())

    def end_all(self, outcome: AttemptOutcome = AttemptOutcome.SUCCEEDED, failure: Failure | None = None) -> None:
        """Ends every body that runs."""
        for item in list(self.held.values()):
            if item.is_started and not item.is_ended and item.boot == self.boot:
                self.end(item, outcome, failure)

    def end(self, item: HeldAttempt, outcome: AttemptOutcome, failure: Failure | None = None) -> None:
        """Ends one body."""
        self._say(item, reports.Logged(LogStream.STDOUT, f"{item.assign.step.key}\n"))
        if outcome == AttemptOutcome.SUCCEEDED:
            for output in item.assign.step.outputs:
                if is_mapped(item.assign.step):
                    self._say(item, reports.Mapped("", self.elements[output.node]))
                    continue
                self._say(item, reports.Materialized(output.node, (), f"version-{item.assign.token}"))
                if output.node in self.elements:
                    self._say(item, reports.Mapped(output.node, self.elements[output.node]))
        item.is_ended = True
        self._say(item, reports.Ended(outcome, failure))

    def write(self, item: HeldAttempt, text: str) -> None:
        """A body writes to its standard output."""
        self._say(item, reports.Logged(LogStream.STDOUT, text))

    def mark(self, item: HeldAttempt, node: str, key: PartitionKey) -> None:
        """A body marks a partition as failed and goes on."""
        self._say(item, reports.PartitionFailed(node, key, "no data"))

    def kill_fenced(self) -> None:
        """Bodies that were fenced are dead, and the scheduler hears of it."""
        for token in sorted(self.fenced):
            item = self.held.get(token)
            if item is not None and not item.is_ended:
                item.is_ended = True
                self._say(item, reports.Ended(AttemptOutcome.FENCED))
        self.fenced.clear()

    def work(self) -> None:
        """Runs bodies until nothing is left to run."""
        while any(not item.is_ended and item.boot == self.boot for item in self.held.values()):
            self.start_all()
            self.end_all()

    def _say(self, item: HeldAttempt, body: reports.Body) -> None:
        event = reports.AttemptReport(item.assign.token, len(item.spool) + 1, self.world.clock.wall_ns(), body)
        item.spool.append(event)
        if self.session:
            self.world.put(Reported(self.name, self.session, [event]))

    def _phase(self, item: HeldAttempt) -> reports.Phase:
        if item.is_ended:
            return reports.Phase.ENDED
        return reports.Phase.RUNNING if item.is_started else reports.Phase.RECEIVED


class World:
    """One database, one scheduler at a time, locations, and time."""

    def __init__(self, settings: CoreSettings | None = None) -> None:
        self.settings = settings or CoreSettings()
        self.clock = VirtualClock()
        self.chance = CountedChance()
        self.database = Database.memory()
        self.snapshots: dict[str, Snapshot] = {}
        self.locations: dict[str, Location] = {}
        self.sessions = 0
        self.closed: list[tuple[str, int]] = []
        self.fail_next_commit: Exception | None = None
        self.is_database_away = False
        self.is_commit_unknown = False
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Starts a scheduler on what the database holds."""
        leadership = Leadership.take(self.database, holder="test", address="127.0.0.1:1")
        self.store = FailingStore(self.database, leadership, self)
        self.core = Core(store=self.store, clock=self.clock, transport=self, chance=self.chance, settings=self.settings)
        self.core.recover()

    def crash(self) -> None:
        """The scheduler is killed; streams break; another one starts and locations attach to it."""
        for location in self.locations.values():
            location.session = 0
        self.start_scheduler()
        for name, location in self.locations.items():
            self.put(SnapshotRead(name, self.snapshots[name], Answer()))
            location.attach()

    def put(self, *messages: Message) -> None:
        """One batch of the core, and the check that its indexes equal what the rows say (W9)."""
        self.core.run_batch(messages)
        if self.core.outage is None:
            self.check()

    def check(self) -> None:
        """Rebuilds the indexes from rows and compares."""
        from rivers_server.core.state import State

        rebuilt = State(self.settings)
        rebuilt.rebuild(DatabaseStore.load(self.store), self.clock.monotonic(), self.core.awake)
        assert rebuilt.summary() == self.core.state.summary()

    def deliver(self, outbox: Outbox) -> None:
        """Carries effects: the transport of this world."""
        outbox.deliver_replies()
        for (name, session), sent in outbox.commands.items():
            self.locations[name].receive(session, sent)
        for name, session, _ in outbox.closed:
            self.closed.append((name, session))
            if self.locations[name].session == session:
                self.locations[name].session = 0

    def settle(self) -> None:
        """Everything is carried at once in this world."""

    def add_location(self, name: str, snapshot: Snapshot, places: int = 4) -> Location:
        """A location registers, its definitions are read, and it attaches."""
        location = Location(self, name, places)
        self.locations[name] = location
        self.snapshots[name] = snapshot
        self.put(Register(name, f"127.0.0.1:{len(self.locations)}", location.home_id, 1, snapshot.digest, Answer()))
        taken = Answer()
        self.put(SnapshotRead(name, snapshot, taken))
        if taken.error is not None:
            raise taken.error
        location.attach()
        return location

    def submit(self, location: str, job: str | None = "all", request_id: str | None = None, priority: int = 0) -> str:
        """Submits a run and returns its id."""
        snapshot = self.snapshots[location]
        plan = (
            plan_job(snapshot, job, location=location)
            if job is not None
            else plan_selection(snapshot, None, location=location)
        )
        answer = Answer()
        self.put(Submit(plan, RunKind.JOB, answer, request_id=request_id, priority=priority))
        if answer.error is not None:
            raise answer.error
        row: RunRow = answer.result[0]
        return row.run_id

    def cancel(self, run_id: str) -> None:
        """Asks a run to stop."""
        answer = Answer()
        self.put(Cancel(run_id, "test", answer))
        if answer.error is not None:
            raise answer.error

    def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Time passes while the scheduler is awake."""
        until = self.clock.seconds + seconds
        while self.clock.seconds < until:
            self.clock.seconds = min(self.clock.seconds + step, until)
            self.put(Tick())

    def state_of(self, run_id: str) -> RunState:
        """The state of a run, from its row."""
        with self.database.read() as connection:
            row = runs.get(connection, run_id)
        assert row is not None
        return row.state

    def log_of(self, run_id: str) -> list[str]:
        """The types of a run's events, from rows, without their prefix."""
        from rivers.v1 import run_pb2

        with self.database.read() as connection:
            found = events.of_run(connection, run_id, after_seq=0, limit=10_000)
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        return [run_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_") for event in found]


class FailingStore(DatabaseStore):
    """The real store, whose next commit can be made to fail; while the database is away, everything does."""

    def __init__(self, database: Database, leadership: Leadership, world: World) -> None:
        super().__init__(database, leadership)
        self.world = world
        self.commits = 0
        self.tries = 0

    def commit(self, writes: WriteSet) -> None:
        self._reach()
        error, self.world.fail_next_commit = self.world.fail_next_commit, None
        if error is not None:
            raise error
        self.commits += 1
        super().commit(writes)
        if self.world.is_commit_unknown:
            self.world.is_commit_unknown, self.world.is_database_away = False, True
            self._leadership.batch -= 1  # it has not learned that it was committed
            self._reach()

    def load(self) -> Recovered:
        self._reach()
        return super().load()

    def plan(self, run_id: str) -> RunPlan:
        self._reach()
        return super().plan(run_id)

    def run(self, run_id: str) -> RunRow | None:
        self._reach()
        return super().run(run_id)

    def find_request(self, request_id: str) -> str | None:
        self._reach()
        return super().find_request(request_id)

    def data_versions(self, nodes: Sequence[str]) -> Mapping[str, str]:
        self._reach()
        return super().data_versions(nodes)

    def last_made(self, node: str) -> tuple[int, str] | None:
        self._reach()
        return super().last_made(node)

    def _reach(self) -> None:
        self.tries += 1
        if self.world.is_database_away:
            raise StorageUnavailableError("database db cannot be used right now: it is away", database="db")


def snapshot_of(steps: dict[str, Sequence[str]], jobs: dict[str, Sequence[str]] | None = None) -> Snapshot:
    """A repository of single assets, `{name: upstreams}` in topological order, with a job of all of them."""
    return Snapshot(
        steps=tuple(
            StepDefinition(
                name,
                StepKind.ASSET,
                (OutputDefinition(name),),
                tuple(EdgeDefinition(upstream, upstream) for upstream in upstreams),
            )
            for name, upstreams in steps.items()
        ),
        jobs=tuple(JobDefinition(name, tuple(members)) for name, members in (jobs or {"all": tuple(steps)}).items()),
    )


def failure(message: str = "ValueError: boom", reason: FailureReason = FailureReason.ERROR) -> Failure:
    """What user code raised."""
    return Failure(reason, message, ("builtins.ValueError", "builtins.Exception"))
