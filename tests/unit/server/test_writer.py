"""The one writer: who decides and when effects leave, how much one batch takes, and that indexes equal rows (W1-W9)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rivers.lifecycle.states import LogStream, RunKind, RunState
from rivers.planning.build import plan_job
from rivers.storage.rows import WriteSet
from rivers_server.core import commands
from rivers_server.core.inputs import Message, Reported, Submit, Tick
from rivers_server.core.outbox import Outbox
from rivers_server.core.reports import AttemptReport, Logged
from rivers_server.core.thread import MAX_BYTES, MAX_MESSAGES, CoreThread
from tests.unit.server.world import Answer, World, snapshot_of

CHAIN = snapshot_of({"a": [], "b": ["a"]})
#: The default lease of 900 s and 1 % of it and 5 s.
PATIENCE = 914.0


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
        ([Reported("team", 1, [Logged(LogStream.STDOUT, "x")] * 200)] * 4, [3, 1]),  # type: ignore[list-item]
        ([Reported("team", 1, [], MAX_BYTES // 4)] * 10, [4, 4, 2]),
        ([Reported("team", 1, [], 3 * MAX_BYTES), Tick()], [1, 1]),
    ],
)
def test_W7_a_batch_is_bounded(waiting: list[Message], sizes: list[int]) -> None:
    world, batches = World(), []
    thread = CoreThread(world.core, pytest.fail)
    world.core.run_batch = lambda messages: batches.append(len(messages))  # type: ignore[method-assign]
    for message in waiting:
        thread.put(message)
    thread.start()
    thread.stop()
    assert batches == sizes
    assert thread.backlog.of("team") == 0


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
