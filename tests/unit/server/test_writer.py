"""The one writer: who decides and when effects leave, how much one batch takes, and that indexes equal rows (W1-W9)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from rivers.lifecycle.states import LogStream, RunKind, RunState
from rivers.planning.build import plan_job
from rivers.storage import plans, runs
from rivers.storage.rows import WriteSet
from rivers_server.core import commands
from rivers_server.core.inputs import Message, Reported, Submit, Tick
from rivers_server.core.lanes import LONGEST, MAX_BYTES, MAX_MESSAGES
from rivers_server.core.outbox import Outbox
from rivers_server.core.reports import AttemptReport, Logged
from rivers_server.core.thread import CoreThread
from rivers_server.settings import CoreSettings
from tests.unit.server.world import Answer, VirtualClock, World, snapshot_of

CHAIN = snapshot_of({"a": [], "b": ["a"]})
#: The default lease of 900 s and 1 % of it and 5 s.
PATIENCE = 914.0


class SlowClock(VirtualClock):
    """A clock on which every look takes a moment."""

    def __init__(self, clock: VirtualClock, moment: float) -> None:
        super().__init__()
        self.seconds = clock.seconds
        self._moment = moment

    def monotonic(self) -> float:
        self.seconds += self._moment
        return self.seconds


def submission(answer: Answer) -> Submit:
    return Submit(plan_job(CHAIN, "all", location="team"), RunKind.JOB, answer)


def noted(world: World, note: Callable[[str], None]) -> None:
    """Says when the world's scheduler commits and when its effects leave."""
    commit, deliver = world.store.commit, world.deliver

    def committing(writes: WriteSet) -> None:
        commit(writes)
        note("commit")

    def delivering(outbox: Outbox) -> None:
        note("deliver")
        deliver(outbox)

    world.store.commit = committing  # type: ignore[method-assign]
    world.deliver = delivering  # type: ignore[method-assign]


def test_W1_whoever_asks_one_thread_decides_and_writes() -> None:
    world = World()
    world.add_location("team", CHAIN)
    threads: set[int] = set()
    noted(world, lambda what: threads.add(threading.get_ident()))
    thread = CoreThread(world.core, pytest.fail)
    thread.start()
    answers = [Answer() for _ in range(200)]
    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda answer: thread.put(submission(answer)), answers))
    thread.stop()
    assert len({answer.result[0].run_id for answer in answers}) == 200
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    world.check()


def test_W2_nothing_leaves_before_the_commit_of_its_batch() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    happened: list[str] = []
    noted(world, happened.append)
    run_id = world.submit("team")
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert happened == ["commit", "deliver"] * (len(happened) // 2)


def test_W2_nothing_leaves_of_a_batch_that_is_not_committed() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    answers = [Answer(), Answer()]
    before = len(location.received)
    world.fail_next_commit = ValueError("no commit")
    seen: list[int] = []
    noted(world, lambda what: seen.append(sum(answer.result is not None for answer in answers)))
    world.put(*(submission(answer) for answer in answers))
    # Taken back as one batch, then decided one by one: each answer and each assignment followed its own commit.
    assert seen == [0, 0, 1, 1]
    assigned = [command for command in location.received[before:] if isinstance(command, commands.Assign)]
    assert [command.run_id for command in assigned] == [answer.result[0].run_id for answer in answers]


@pytest.mark.parametrize(
    ("waiting", "sizes"),
    [
        ([Tick()] * (2 * MAX_MESSAGES + 1), [MAX_MESSAGES, MAX_MESSAGES, 1]),
        ([Reported("team", 1, [Logged(LogStream.STDOUT, "x")] * 200)] * 4, [5, 3]),  # type: ignore[list-item]
        ([Reported("team", 1, [], MAX_BYTES // 4)] * 10, [4, 4, 2]),
        ([Reported("team", 1, [], 3 * MAX_BYTES), Tick()], [1, 1]),
    ],
)
def test_W7_a_batch_is_bounded(waiting: list[Message], sizes: list[int]) -> None:
    world = World()
    batches: list[int] = []
    thread = CoreThread(world.core, pytest.fail)

    def run_batch(messages: Sequence[Message]) -> int:
        batches.append(len(messages))
        return len(messages)

    world.core.run_batch = run_batch  # type: ignore[method-assign]
    for message in waiting:
        thread.put(message)
    thread.start()
    thread.stop()
    assert batches == sizes
    assert thread.backlog.of("team") == 0


def test_W7_deciding_that_takes_long_closes_the_batch_and_the_rest_comes_first() -> None:
    world = World()
    world.add_location("team", CHAIN)
    answers = [Answer() for _ in range(20)]
    waiting: list[Message] = [submission(answer) for answer in answers]
    committed: list[int] = []
    noted(world, lambda what: committed.append(sum(answer.result is not None for answer in answers)))
    world.core.clock = SlowClock(world.clock, LONGEST / 4.5)
    rest = waiting
    while rest:
        rest = rest[world.core.run_batch(rest) :]
    # A look at the clock takes more than a fifth of the time: the fifth message closes the batch.
    assert committed == [0, 0, 5, 5, 10, 10, 15, 15]
    assert [answer.result[0].queue_number for answer in answers] == sorted(a.result[0].queue_number for a in answers)
    world.core.clock = world.clock
    world.check()


def test_W7_one_message_is_decided_however_long_it_takes() -> None:
    world = World()
    world.add_location("team", CHAIN)
    world.core.clock = SlowClock(world.clock, 10 * LONGEST)
    assert world.core.run_batch([submission(Answer()), submission(Answer())]) == 1


def test_W7_admissions_that_take_long_go_on_in_the_next_batch() -> None:
    world = World(CoreSettings(max_concurrent_runs=-1))
    location = world.add_location("team", CHAIN)
    location.cut()
    for _ in range(20):
        world.submit("team")
    world.core.clock = SlowClock(world.clock, LONGEST / 4.5)
    in_flight = []
    location.attach()
    while world.core.next_due() == 0.0:
        in_flight.append(len(world.core.state.runs))
        world.put(Tick())
    assert in_flight == [5, 10, 15, 20]
    assert len(world.core.state.runs) == 20
    assert not world.core.state.queue.waiting


def test_W7_the_thread_brings_what_a_batch_left_over_first() -> None:
    world = World()
    thread = CoreThread(world.core, pytest.fail)
    messages: list[Message] = [Reported("team", number, [], 10) for number in range(5)]
    decided: list[Message] = []

    def run_batch(batch: Sequence[Message]) -> int:
        decided.extend(batch[:2])
        return len(batch[:2])

    world.core.run_batch = run_batch  # type: ignore[method-assign]
    for message in messages:
        thread.put(message)
    thread.start()
    thread.stop()
    assert decided == messages
    assert thread.backlog.of("team") == 0


def test_W7_a_plan_is_one_row_and_a_step_has_none_before_it_moves() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    location.cut()
    run_id = world.submit("team")

    def moved() -> list[int]:
        with world.database.read() as connection:
            return [step.ordinal for step in runs.steps(connection, run_id)]

    with world.database.read() as connection:
        plan = plans.get(connection, run_id)
    assert moved() == []
    location.attach()
    assert moved() == [0]
    location.work()
    assert moved() == [0, 1]
    with world.database.read() as connection:
        assert plans.get(connection, run_id) == plan


def test_W9_what_is_in_memory_and_not_in_the_rows_is_found() -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    world.submit("team", priority=5)
    world.check()
    world.core.state.runs[run_id].progress.unfinished -= 1
    with pytest.raises(AssertionError):
        world.check()
    world.core.rebuild()
    world.check()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_W9_indexes_equal_rows_after_every_batch_of_a_busy_day() -> None:
    world = World()
    locations = [world.add_location(name, snapshot_of({f"{name}1": [], f"{name}2": [f"{name}1"]})) for name in "xyz"]
    runs = [world.submit(location.name, priority=number) for number in range(6) for location in locations]
    for number, location in enumerate(locations * 4):  # each batch is compared, in `World.put`
        location.start_all()
        if number % 3 == 0:
            world.cancel(runs[number])
        if number % 4 == 1:
            location.cut()
            location.attach()
        if number % 5 == 2:
            world.crash()
        location.end_all()
        location.kill_fenced()
    for location in locations * 6:
        location.work()
        world.pass_time(20, step=4)
        location.kill_fenced()
    assert all(world.state_of(run_id).is_terminal for run_id in runs)


@pytest.mark.parametrize("is_first", [True, False], ids=["attached-first", "lost-first"])
def test_A8_between_a_session_and_a_loss_what_comes_first_counts(is_first: bool) -> None:
    world = World()
    location = world.add_location("team", CHAIN)
    run_id = world.submit("team")
    location.start_all()
    world.pass_time(3 * PATIENCE, step=2)
    assert "ATTEMPT_LOST" not in world.log_of(run_id), "with a session it is heard"
    location.cut()
    world.pass_time(PATIENCE - 2, step=2)
    if not is_first:
        world.clock.seconds += 2  # the inventory arrives in the batch in which patience is over
        world.core.awake += 2
    location.attach()
    assert ("ATTEMPT_LOST" in world.log_of(run_id)) is not is_first
    assert bool(location.fenced) is not is_first
    location.end_all()
    location.kill_fenced()
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED
    assert len(location.bodies) == (2 if is_first else 3)
    assert world.log_of(run_id).count("STEP_SUCCEEDED") == 2


def test_the_backlog_of_a_location_is_what_has_not_been_taken() -> None:
    world = World()
    world.add_location("team", CHAIN)
    world.add_location("other", snapshot_of({"else": []}))
    thread = CoreThread(world.core, pytest.fail)
    event = AttemptReport(1, 1, 0, Logged(LogStream.STDOUT, "x"))
    thread.put(Reported("team", 1, [event], 100))
    thread.put(Reported("other", 1, [event], 7))
    thread.put(Reported("team", 1, [event], 50))
    assert (thread.backlog.of("team"), thread.backlog.of("other")) == (150, 7)
    thread.start()
    thread.stop()
    assert (thread.backlog.of("team"), thread.backlog.of("other")) == (0, 0)
