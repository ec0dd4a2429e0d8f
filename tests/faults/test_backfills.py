"""Backfills while processes die: every body runs once, nothing is lost, and the window holds."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

from rivers_client import BackfillRequest, BackfillStatus, BackfillStrategy, UnitState
from tests.stack import Stack

KEYS = 2_000
#: Seconds for which a location is away: many beats, and longer than a scheduler waits for one that is silent.
AWAY = 10.0
CAP = 6
SOURCE = """
    numbers = rs.PartitionsDefinition.static_([f"k{{n:04}}" for n in range({count})])
    @rs.Asset(partitions_def=numbers)
    def made(context: rs.AssetExecutionContext) -> int:
        key = str(context.partition_key)
        mark("+" + key)
        {body}
        mark("-" + key)
        return 1
    repo = rs.CodeRepository(assets=[made])
"""


def source(count: int = KEYS, body: str = "pass") -> str:
    return SOURCE.format(count=count, body=body)


def bodies(stack: Stack) -> list[str]:
    return [mark[1:] for mark in stack.marks("team") if mark[0] == "+"]


def peak(marks: list[str]) -> int:
    """How many bodies ran at the same time at most."""
    running = most = 0
    for mark in marks:
        running += 1 if mark[0] == "+" else -1
        most = max(most, running)
    return most


def test_F07_F01_a_scheduler_that_is_killed_ten_times_repeats_nothing_and_keeps_the_window(stack: Stack) -> None:
    chance = random.Random(7)
    stack.start_location("team", source(), options=("--workers", "10"))
    handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=CAP))
    for _ in range(10):
        count = len(bodies(stack)) + chance.randint(1, 120)
        stack.until(lambda count=count: len(bodies(stack)) >= min(count, KEYS), "bodies")  # type: ignore[misc]
        stack.kill_scheduler()
        stack.start_scheduler("--beat-interval", "0.2")
    done = handle.wait(timeout=120)
    assert (done.status, done.completed, done.created_runs) == (BackfillStatus.COMPLETED, KEYS, KEYS)
    assert set(Counter(bodies(stack)).values()) == {1}
    assert len(bodies(stack)) == KEYS
    assert peak(stack.marks("team")) <= CAP
    units = list(handle.partitions())
    assert len({unit.run_id for unit in units}) == KEYS
    assert {unit.state for unit in units} == {UnitState.COMPLETED}


def test_F07_a_location_that_is_away_for_ten_seconds_is_waited_for_and_nothing_fails(stack: Stack) -> None:
    location = stack.start_location("team", source(200), options=("--workers", "4"))
    handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=4))
    stack.until(lambda: len(bodies(stack)) > 20, "bodies")
    location.kill()
    back_at = time.monotonic() + AWAY
    reason = "location 'team' is not connected"
    stack.until(lambda: handle.refresh().reason == reason, "the reason")

    def is_time_up() -> bool:
        waiting = handle.refresh()
        assert (waiting.status, waiting.reason, waiting.failed) == (BackfillStatus.RUNNING, reason, 0)
        assert waiting.completed < 200
        return time.monotonic() >= back_at

    stack.until(is_time_up, "the end of the outage")
    stack.start_location("team", options=("--workers", "4"))
    done = handle.wait(timeout=60)
    assert (done.status, done.completed, done.failed, done.reason) == (BackfillStatus.COMPLETED, 200, 0, "")
    assert set(bodies(stack)) == {f"k{number:04}" for number in range(200)}


def test_F07_a_location_that_is_frozen_for_a_while_repeats_nothing(stack: Stack) -> None:
    location = stack.start_location("team", source(200), options=("--workers", "4"))
    handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=4))
    stack.until(lambda: len(bodies(stack)) > 20, "bodies")
    location.signal(signal.SIGSTOP)
    reason = "location 'team' is not connected"
    stack.until(lambda: handle.refresh().reason == reason, "the reason")
    location.signal(signal.SIGCONT)
    done = handle.wait(timeout=60)
    assert (done.status, done.completed, done.failed) == (BackfillStatus.COMPLETED, 200, 0)
    assert set(Counter(bodies(stack)).values()) == {1}


def test_F04_tags_config_and_grouping_survive_the_scheduler(stack: Stack) -> None:
    stack.start_location(
        "team",
        """
        from pydantic import BaseModel
        class Wanted(BaseModel):
            word: str = "default"
        numbers = rs.PartitionsDefinition.multi({
            "a": rs.PartitionsDefinition.static_([str(n) for n in range(30)]),
            "b": rs.PartitionsDefinition.static_(["x", "y"])})
        @rs.Asset(partitions_def=numbers)
        def made(context: rs.AssetExecutionContext[Wanted]) -> int:
            mark(f"+{context.config.word} {len(context.partition.keys)}")
            time.sleep(0.02)
            if str(context.partition.keys[0]).startswith("a=7"):
                raise ValueError("seven")
            return 1
        repo = rs.CodeRepository(assets=[made])
        """,
    )
    handle = stack.client.backfills.submit(
        BackfillRequest(
            "team",
            all_partitions=True,
            strategy=BackfillStrategy.per_dimension(["a"], ["b"]),
            max_concurrency=2,
            tags={"who": "me", "rivers/priority": "4"},
            config={"assets": {"made": {"config": {"word": "given"}}}},
        )
    )
    stack.until(lambda: len(bodies(stack)) > 5, "bodies")
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    done = handle.wait(timeout=60)
    assert (done.status, done.completed, done.failed) == (BackfillStatus.FAILED, 58, 2)
    again = handle.rerun()
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    redone = again.wait(timeout=60)
    assert (redone.failed, redone.created_runs, redone.priority) == (2, 1, 4)
    assert redone.tags == done.tags == (("who", "me"), ("rivers/priority", "4"))
    assert set(bodies(stack)) == {"given 2"}
    assert len(bodies(stack)) == 31
    runs = [unit.run_id or "" for one in (handle, again) for unit in one.partitions(states=UnitState.FAILED)]
    assert all(stack.client.runs.get(run_id).run.tags == done.tags for run_id in runs)


def test_F08_a_cancel_that_races_the_last_results_counts_each_partition_once(stack: Stack) -> None:
    chance = random.Random(3)
    stack.start_location("team", source(40), options=("--workers", "4"))
    seen = set()
    for turn in range(12):
        before = len(bodies(stack))
        handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=4))
        count = before + (40 if turn % 3 == 0 else chance.randint(0, 39))
        stack.until(lambda count=count: len(bodies(stack)) >= count, "bodies")  # type: ignore[misc]
        handle.cancel()
        done = handle.wait(timeout=30)
        seen.add(done.status)
        assert done.completed + done.canceled == 40
        assert len(bodies(stack)) - before >= done.completed
        states = Counter(unit.state for unit in handle.partitions())
        assert states[UnitState.COMPLETED] == done.completed
        assert states[UnitState.CANCELED] == done.canceled
    assert BackfillStatus.CANCELED in seen


def test_F08_a_cancel_survives_the_scheduler(stack: Stack) -> None:
    stack.start_location("team", source(40, "time.sleep(0.2)"), options=("--workers", "2"))
    handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=2))
    stack.until(lambda: bodies(stack), "a body")
    handle.cancel("enough")
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    done = handle.wait(timeout=60)
    assert (done.status, done.completed + done.canceled) == (BackfillStatus.CANCELED, 40)
    assert len(bodies(stack)) <= 4


def test_B8_another_grid_in_the_middle_pauses_and_resume_cancels_what_is_gone(stack: Stack) -> None:
    location = stack.start_location("team", source(300, "time.sleep(0.01)"), options=("--workers", "2"))
    handle = stack.client.backfills.submit(BackfillRequest("team", all_partitions=True, max_concurrency=2))
    stack.until(lambda: len(bodies(stack)) > 20, "bodies")
    location.stop()
    stack.start_location("team", source(100, "time.sleep(0.01)"), options=("--workers", "2"))
    stack.until(lambda: handle.refresh().status == BackfillStatus.PAUSED, "the pause")
    paused = handle.refresh()
    assert paused.reason == "definition_changed: asset 'made' has other partitions now"
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    stack.await_location("team")
    assert handle.refresh().reason == paused.reason
    handle.resume()
    done = handle.wait(timeout=60)
    assert (done.status, done.failed) == (BackfillStatus.CANCELED, 0)
    assert (done.completed, done.canceled) == (100, 200)
    assert set(bodies(stack)) == {f"k{number:04}" for number in range(100)}
