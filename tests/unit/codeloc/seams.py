"""Stand-ins at the desk's seams: a clock that is set, a crew that remembers, an outlet that collects."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from codeloc.desk import Desk
from codeloc.endings import Exit
from codeloc.lease import NEVER
from codeloc.ledger import Ledger
from codeloc.session import Session
from rivers.v1 import step_service_pb2 as pb
from rivers.v1.plan_pb2 import PLACEMENT_ANY_WORKER, PLACEMENT_HOME
from rivers.wire.times import encode_duration


class SetClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def boot(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def wall_ns(self) -> int:
        return int(self.now * 1e9)


class Collected:
    """An outlet whose stream takes everything at once, unless it is said to be stuck."""

    def __init__(self) -> None:
        self.reports: list[pb.Report] = []
        self.closed: str | None = None
        self.backlog = 0
        self.is_awake = False

    def send(self, reports: Sequence[pb.Report], *, urgent: bool) -> None:
        self.reports.extend(reports)

    def wake(self) -> None:
        self.is_awake = True

    def close(self, reason: str) -> None:
        self.closed = reason

    def events(self, token: int) -> list[str | None]:
        """What was said of an attempt."""
        return [
            report.event.WhichOneof("body")
            for report in self.reports
            if report.HasField("event") and report.event.token == token
        ]

    def end(self, token: int) -> pb.AttemptEnded | None:
        """The end of an attempt, if it was said."""
        ends = [
            report.event.ended
            for report in self.reports
            if report.HasField("event") and report.event.token == token and report.event.HasField("ended")
        ]
        return ends[-1] if ends else None

    def beats(self) -> list[pb.Beat]:
        """The beats."""
        return [report.beat for report in self.reports if report.HasField("beat")]


class Orders:
    """A crew that does nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.heard_at = -NEVER

    def start(self, worker: int, home: str) -> None:
        self.asked.append(("start", worker, home))

    def assign(self, worker: int, assign: pb.Assign) -> None:
        self.asked.append(("assign", worker, assign.token))

    def call_hooks(self, worker: int, due: pb.CallHooks) -> None:
        self.asked.append(("hooks", worker, due.step))

    def stop(self, worker: int, token: int) -> None:
        self.asked.append(("stop", worker, token))

    def kill(self, worker: int) -> None:
        self.asked.append(("kill", worker))

    def release(self, worker: int) -> None:
        self.asked.append(("release", worker))

    def heard(self, at: float) -> None:
        self.heard_at = at

    def hold_output(self, held: bool) -> None:
        self.asked.append(("hold", held))

    def take(self) -> list[tuple[object, ...]]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


class Place:
    """A desk with a module loaded and two workers, its clock, and a session with a leader that hears every beat."""

    def __init__(
        self,
        directory: Path,
        *,
        boot: int = 1,
        workers: int = 2,
        places: int | None = None,
        step_lease: float | None = None,
    ) -> None:
        self.directory = directory
        self.clock = SetClock()
        self.crew = Orders()
        self.due = NEVER
        self.boot = boot
        self.desk = Desk(
            clock=self.clock,
            crew=self.crew,
            alarm=self._alarm,
            open_ledger=lambda store: Ledger(store, directory / store),
            home_id="home",
            boot=boot,
            workers=workers,
            warm=workers,
            places=places,
            step_lease=step_lease,
        )
        self.term = 1
        self.numbers = 0
        self.outlet = Collected()
        self.session: Session | None = None
        self.desk.loaded("digest")
        for _, worker, _ in self.crew.take():
            assert isinstance(worker, int)
            self.desk.worker_ready(worker, 100 + worker)

    def _alarm(self, when: float) -> None:
        self.due = when

    def restarted(self) -> Place:
        """What another process finds after this one was killed."""
        copy = self.directory.with_name(f"{self.directory.name}+")
        shutil.copytree(self.directory, copy)
        place = Place(copy, boot=self.boot + 1)
        place.term, place.numbers = self.term, self.numbers
        return place

    def attach(self, *, term: int = 0, number: int = 0, adopt: bool = True) -> pb.Inventory:
        """Opens a session; by default the inventory is answered and the spool replayed."""
        self.term = term or self.term
        self.numbers = number or self.numbers + 1
        self.outlet = Collected()
        self.session = self.desk.attach(
            store_id="store", term=self.term, number=self.numbers, beat_interval=2.0, outlet=self.outlet
        )
        inventory = self.outlet.reports[0].inventory
        if adopt:
            self.send(pb.Command(adopt=pb.Adopt(beat=0)))
            self.replay()
        return inventory

    def replay(self) -> None:
        """The writer asks for all there is."""
        assert self.session is not None
        while self.desk.replay(self.session):
            pass

    def send(self, *commands: pb.Command) -> None:
        """One message of the leader."""
        assert self.session is not None
        self.desk.receive(self.session, self.term, commands)

    def assign(
        self, token: int, *, lease: float = 60.0, last_beat: int | None = None, home: str = "", **how: bool
    ) -> None:
        """One assignment."""
        beats = self.outlet.beats()
        newest = beats[-1].beat if beats else 0
        work = pb.StepWork(step="s", placement=PLACEMENT_HOME if home else PLACEMENT_ANY_WORKER, **how)
        assign = pb.Assign(
            token=token,
            boot=self.boot,
            last_beat=newest if last_beat is None else last_beat,
            run_id=home or "run",
            digest="digest",
            lease=encode_duration(lease),
            step=work,
        )
        self.send(pb.Command(assign=assign))

    def ended(self, worker: int, token: int, outcome: int = pb.ATTEMPT_OUTCOME_SUCCEEDED) -> None:
        """A worker says that its attempt has ended."""
        event = pb.AttemptEvent(token=token, ended=pb.AttemptEnded(outcome=outcome))
        self.desk.worker_events(worker, [event])

    def killed(self, worker: int) -> None:
        """A worker has died by a kill."""
        self.desk.worker_gone(worker, Exit(signal=9))

    def ack(self, token: int) -> None:
        """All of an attempt is committed."""
        self.send(pb.Command(ack=pb.Ack(token=token, seq=len(self.outlet.events(token)))))

    def pass_time(self, seconds: float, *, acks: bool = True) -> None:
        """Time passes, with a tick whenever one is due, and beats are acknowledged at once."""
        end = self.clock.now + seconds
        while self.due <= end:
            self.clock.now = max(self.clock.now, self.due)
            self.due = NEVER
            known = len(self.outlet.beats())
            self.desk.tick()
            if acks and self.session is not None and self.session is self.desk.book.session:
                for beat in self.outlet.beats()[known:]:
                    self.send(pb.Command(beat_ack=pb.BeatAck(beat=beat.beat)))
        self.clock.now = end
