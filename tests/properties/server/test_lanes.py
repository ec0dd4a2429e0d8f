"""Whatever comes in whatever order, and however much of a batch is decided: what lanes may change, and what never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from rivers.lifecycle.states import AttemptOutcome, LogStream, RunKind
from rivers.planning.build import plan_job
from rivers_server.core.inputs import Beaten, Message, Reported, SessionClosed, Submit
from rivers_server.core.lanes import LARGE, MAX_BYTES, MAX_MESSAGES, MAX_RIDER, MAX_SECOND_BYTES, Lanes
from rivers_server.core.pieces import MAX_BYTES as MAX_PIECE
from rivers_server.core.pieces import MAX_REPORTS
from rivers_server.core.reports import AttemptReport, Body, Ended, Inventory, Logged, Report, Started
from tests.unit.server.world import Answer, snapshot_of

LOCATIONS = ("weather", "markets")
PLAN = plan_job(snapshot_of({"one": []}), "all", location="weather")
#: Texts are shared: the same few objects stand for megabytes.
OUTPUT = {size: "x" * size for size in (1, 100, MAX_RIDER, MAX_RIDER + 1, MAX_PIECE, 3 * MAX_PIECE)}
KINDS = ["started", "ended", "opened", *OUTPUT]
SIZES = [0, 100, LARGE, LARGE + 1, MAX_SECOND_BYTES, MAX_BYTES]


@dataclass(frozen=True)
class Atom:
    """One thing that was put: when, and whose it is (a location and a token, a location, or nobody).

    It may wait in the second lane when it is large, or output, or comes after such a one of its location that waits.
    """

    number: int
    location: str
    token: int
    may_wait: bool


def number_of(message: Message | Report) -> int:
    match message:
        case AttemptReport():
            return message.at
        case Inventory():
            return message.beat
        case Beaten():
            return message.held_count
        case SessionClosed():
            return int(message.reason)
        case Submit():
            return message.priority
    raise AssertionError(message)


class LanesLife(RuleBasedStateMachine):
    """The lanes beside a plain list of what was put and has not been decided about."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes()
        self.waiting: dict[int, Atom] = {}
        self.bytes: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.number = 0
        self.seqs: Counter[int] = Counter()

    def atom(self, location: str = "", token: int = 0, *, is_large: bool = False) -> int:
        self.number += 1
        may_wait = is_large or (location != "" and self.seconds[location] > 0)
        self.seconds[location] += may_wait
        self.waiting[self.number] = Atom(self.number, location, token, may_wait)
        return self.number

    def event(self, location: str, token: int, body: Body) -> AttemptReport:
        number = self.atom(location, token, is_large=isinstance(body, Logged))
        self.seqs[token] += 1
        return AttemptReport(token, self.seqs[token], number, body)

    @rule(
        location=st.sampled_from(LOCATIONS),
        said=st.lists(
            st.tuples(st.integers(1, 3), st.sampled_from(["started", "ended", "opened", *OUTPUT])),
            min_size=1,
            max_size=8,
        ),
        times=st.sampled_from([1, 1, 1, 40]),
    )
    def report(self, location: str, said: list[tuple[int, str | int]], times: int) -> None:
        reports: list[Report] = []
        for which, what in said * times:
            token = which + 10 * LOCATIONS.index(location)
            match what:
                case "started":
                    reports.append(self.event(location, token, Started()))
                case "ended":
                    reports.append(self.event(location, token, Ended(AttemptOutcome.SUCCEEDED)))
                case "opened":
                    reports.append(Inventory("home", 1, self.atom(location), 1, 1, (), (), ()))
                case int():
                    reports.append(self.event(location, token, Logged(LogStream.STDOUT, OUTPUT[what])))
        size = 7 + sum(len(r.body.text) for r in reports if isinstance(r, AttemptReport) and isinstance(r.body, Logged))
        self.bytes[location] += size
        self.lanes.put(Reported(location, 1, reports, size))

    @rule(location=st.sampled_from(LOCATIONS))
    def beat(self, location: str) -> None:
        self.lanes.put(Beaten(location, 1, self.atom(location), 0, 1))

    @rule(location=st.sampled_from(LOCATIONS))
    def close(self, location: str) -> None:
        self.lanes.put(SessionClosed(location, 1, str(self.atom(location))))

    @rule(size=st.sampled_from(SIZES), times=st.sampled_from([1, 300]))
    def submit(self, size: int, times: int) -> None:
        for _ in range(times):
            number = self.atom(is_large=size > LARGE)
            self.lanes.put(Submit(PLAN, RunKind.JOB, Answer(), priority=number, size=size))

    @rule()
    def drain(self) -> None:
        for _ in range(len(self.waiting)):
            if self.lanes:
                self.decide(1.0)
        assert not self.waiting
        assert not any(self.bytes.values())

    @precondition(lambda self: self.lanes)
    @rule(share=st.sampled_from([0.01, 0.5, 1.0, 1.0]))
    def decide(self, share: float) -> None:
        batch = self.lanes.next_batch()
        assert batch, "something waits, so something is decided about"
        self.check_bounds(batch)
        count = max(1, int(len(batch) * share))
        for message in batch[:count]:
            for one in message.reports if isinstance(message, Reported) else [message]:
                self.check_order(self.waiting.pop(number_of(one)))  # a repetition is not there any more
            if isinstance(message, Reported):
                self.bytes[message.location] -= message.size
        self.lanes.decided(count)

    def check_bounds(self, batch: Sequence[Message]) -> None:
        """Without its last message, the one that closed it, a batch is below the bounds; no message is long."""
        counts = [len(m.reports) if isinstance(m, Reported) else 1 for m in batch]
        sizes = [m.size if isinstance(m, Reported | Submit) else 0 for m in batch]
        assert max(counts) <= MAX_REPORTS
        assert sum(counts[:-1]) < MAX_MESSAGES
        assert sum(sizes[:-1]) < MAX_BYTES
        for message in batch:
            if isinstance(message, Reported) and len(message.reports) > 1:
                assert message.size <= MAX_PIECE + 7

    def check_order(self, atom: Atom) -> None:
        """Whoever is overtaken by this one is large, or came after such a one of its location."""
        self.seconds[atom.location] -= atom.may_wait
        for other in self.waiting.values():
            if other.number > atom.number:
                break  # they are in the order in which they came
            assert atom.token == 0 or other.token != atom.token, "reports of an attempt stay in order"
            if other.location and other.location == atom.location:
                assert 0 not in (other.token, atom.token), "what concerns the whole location keeps its place"
            assert other.may_wait, "only the second lane is overtaken"

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert bool(self.lanes) == bool(self.waiting)


def test_W7_lanes_lose_nothing_and_keep_order_and_bounds_and_drain() -> None:
    run_state_machine_as_test(LanesLife, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
