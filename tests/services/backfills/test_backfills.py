"""Backfills through client, scheduler and location."""

from __future__ import annotations

import asyncio

import pytest

from rivers.errors import BackfillNotFoundError, ExecutionError, GraphValidationError, InvalidRequestError
from rivers_client import (
    AsyncClient,
    BackfillRequest,
    BackfillStatus,
    BackfillStrategy,
    PartitionKey,
    PartitionKeyRange,
    UnitState,
)
from tests.stack import Stack

JANUARY = PartitionKeyRange.single("2024-01-01", "2024-01-31")


def request(select: list[str] | None = None, **options: object) -> BackfillRequest:
    return BackfillRequest("team", select or ["daily"], **options)  # type: ignore[arg-type]


def test_F04_a_range_runs_with_its_tags_and_is_followed(stack: Stack) -> None:
    handle = stack.client.backfills.submit(
        request(partition_range=JANUARY, max_concurrency=8, tags={"team": "x", "rivers/priority": "3"})
    )
    seen = list(handle.watch(timeout=60))
    assert [one.completed for one in seen] == sorted(one.completed for one in seen)
    done = handle.wait(timeout=60)
    assert (done.status, done.total, done.completed, done.created_runs) == (BackfillStatus.COMPLETED, 31, 31, 31)
    assert max(one.running for one in seen) <= 8
    units = list(handle.partitions())
    assert [str(unit.partition_key) for unit in units] == [f"2024-01-{day:02}" for day in range(1, 32)]
    assert {unit.state for unit in units} == {UnitState.COMPLETED}
    run = stack.client.runs.get(units[4].run_id or "").run
    assert (run.partition_key, run.priority, run.cause_name) == (units[4].partition_key, 3, handle.backfill_id)
    assert dict(run.tags) == {"team": "x", "rivers/priority": "3"}
    assert sorted(stack.marks("team"))[:31] == [f"daily 2024-01-{day:02}" for day in range(1, 32)]
    assert handle.backfill_id in {one.backfill_id for one in stack.client.backfills.list(location="team")}


def test_F02_failures_and_their_rerun(stack: Stack) -> None:
    leap = PartitionKeyRange.single("2024-02-27", "2024-03-01")
    failed = stack.client.backfills.submit(request(partition_range=leap, tags={"a": "b"})).wait(timeout=60)
    assert (failed.status, failed.completed, failed.failed) == (BackfillStatus.FAILED, 3, 1)
    handle = stack.client.backfills.get(failed.backfill_id)
    (unit,) = handle.partitions(states=UnitState.FAILED)
    assert str(unit.partition_key) == "2024-02-29"
    (stack.directory / "mended").touch()
    again = handle.rerun()
    done = again.wait(timeout=60)
    assert (done.status, done.total, done.rerun_of) == (BackfillStatus.COMPLETED, 1, failed.backfill_id)
    assert done.tags == failed.tags
    nothing = again.rerun().wait(timeout=60)
    assert (nothing.status, nothing.total) == (BackfillStatus.COMPLETED, 0)
    everything = handle.rerun("all").wait(timeout=60)
    assert (everything.status, everything.total) == (BackfillStatus.COMPLETED, 4)
    assert handle.rerun("missing").wait(timeout=60).total == 0


def test_F10_months_follow_their_days_and_load_them(stack: Stack) -> None:
    (stack.directory / "mended").touch()
    done = stack.client.backfills.submit(
        request(["daily", "monthly"], partition_range=PartitionKeyRange.single("2024-03-01", "2024-04-30"))
    ).wait(timeout=120)
    handle = stack.client.backfills.get(done.backfill_id)
    failed = [stack.client.runs.get(unit.run_id or "").run for unit in handle.partitions(states=UnitState.FAILED)]
    assert [step.failure for run in failed for step in run.steps] == []
    assert (done.status, done.total, done.completed) == (BackfillStatus.COMPLETED, 61 + 2, 63)
    marks = stack.marks("team")
    assert marks.index("monthly 2024-03 31") < len(marks)
    assert "monthly 2024-04 30" in marks


def test_strategies_group_keys(stack: Stack) -> None:
    strategy = BackfillStrategy.per_dimension(["date"], ["region"])
    done = stack.client.backfills.submit(
        BackfillRequest("team", ["cells"], all_partitions=True, strategy=strategy)
    ).wait(timeout=60)
    assert (done.total, done.created_runs, done.completed) == (4, 2, 4)
    assert {"cells date=d1|region=us;date=d1|region=eu", "cells date=d2|region=us;date=d2|region=eu"} <= set(
        stack.marks("team")
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({}, ExecutionError, "Either partition_keys or partition_range must be provided"),
        ({"partition_keys": []}, ExecutionError, "partition_keys must not be empty"),
        ({"partition_keys": ["2024-1-4"]}, ExecutionError, "Invalid partition_key '2024-1-4' for asset 'daily'"),
        ({"select": ["plain"], "partition_keys": ["a"]}, ExecutionError, "no asset in the selection is partitioned"),
        (
            {"partition_keys": ["2024-01-01"], "strategy": BackfillStrategy.per_dimension(["a"], ["b"])},
            ExecutionError,
            "requires Multi-partitioned assets",
        ),
        ({"partition_keys": ["2024-01-01"], "tags": {"rivers/priority": "101"}}, InvalidRequestError, "-100 to 100"),
        ({"partition_keys": ["2024-01-01"] * 2000 + ["x"]}, ExecutionError, "Invalid partition_key 'x'"),
    ],
)
def test_F03_refused_before_anything_is_stored(
    stack: Stack, options: dict[str, object], error: type[Exception], text: str
) -> None:
    before = len(list(stack.client.backfills.list()))
    with pytest.raises(error, match=text) as raised:
        stack.client.backfills.submit(request(**options))  # type: ignore[arg-type]
    if "2024-1-4" in text:
        assert "2024-01-04" in raised.value.remedy  # type: ignore[attr-defined]
    assert len(list(stack.client.backfills.list())) == before


@pytest.mark.parametrize(("strategy", "runs"), [(BackfillStrategy.single_run(), 1), (BackfillStrategy.multi_run(), 3)])
def test_a_partition_that_is_marked_fails_alone(stack: Stack, strategy: BackfillStrategy, runs: int) -> None:
    request = BackfillRequest("team", ["letters"], all_partitions=True, strategy=strategy)
    done = stack.client.backfills.submit(request).wait(timeout=60)
    assert (done.status, done.completed, done.failed, done.created_runs) == (BackfillStatus.FAILED, 2, 1, runs)
    handle = stack.client.backfills.get(done.backfill_id)
    units = list(handle.partitions())
    assert {stack.client.runs.get(unit.run_id or "").state.name for unit in units} == {"SUCCEEDED"}
    assert [key for unit in units for key in unit.failed_keys] == [PartitionKey.single("b")]
    assert handle.rerun().backfill.total == 1


def test_F03_a_run_covers_so_many_partitions_and_no_more(stack: Stack) -> None:
    whole = BackfillRequest("team", ["numbers"], all_partitions=True, strategy=BackfillStrategy.single_run())
    for call in (stack.client.backfills.submit, stack.client.backfills.forecast):
        with pytest.raises(InvalidRequestError, match="'numbers' would cover 10001 partitions, and one covers at most"):
            call(whole)


def test_dynamic_keys_are_those_of_when_it_was_made(stack: Stack) -> None:
    everyone = {"select": ["bills"], "all_partitions": True}
    stack.client.partitions.add("customers", ["ada", "bob"])
    handle = stack.client.backfills.submit(request(**everyone))  # type: ignore[arg-type]
    stack.client.partitions.add("customers", ["cy"])
    assert handle.wait(timeout=60).completed == 2
    assert sorted(str(unit.partition_key) for unit in handle.partitions()) == ["ada", "bob"]
    assert stack.client.backfills.forecast(request(**everyone)).partitions == 3  # type: ignore[arg-type]
    with pytest.raises(ExecutionError, match="Invalid partition_key 'eve' for asset 'bills'"):
        stack.client.backfills.submit(request(["bills"], partition_keys=["ada", "eve"]))


def test_F09_a_forecast_stores_nothing(stack: Stack) -> None:
    before = len(list(stack.client.backfills.list()))
    found = stack.client.backfills.forecast(request(["daily", "monthly"], partition_range=JANUARY))
    assert (found.partitions, found.runs) == (32, 32)
    assert [segment.nodes for segment in found.segments] == [("daily",), ("monthly",)]
    assert str(found.segments[0].last_key) == "2024-01-31"
    assert found.segments[1].upstream == (0,)
    assert len(list(stack.client.backfills.list())) == before


def test_a_repeated_request_finds_its_backfill(stack: Stack) -> None:
    keys = [f"2024-01-{day:02}" for day in range(1, 32)]
    for one in (request(partition_keys=keys), request(partition_keys=[*keys] * 40)):
        first = stack.client.backfills.submit(one)
        assert not first.existed
        again = stack.client.backfills.submit(one)
        assert again.existed
        assert again.backfill_id == first.backfill_id
        assert first.wait(timeout=60).total == 31


def test_F08_pause_resume_and_cancel(stack: Stack) -> None:
    handle = stack.client.backfills.submit(request(all_partitions=True, max_concurrency=1))
    paused = handle.pause("lunch")
    assert (paused.status, paused.reason) == (BackfillStatus.PAUSED, "lunch")
    assert handle.resume().status in (BackfillStatus.RUNNING, BackfillStatus.QUEUED)
    canceled = handle.cancel("enough")
    assert canceled.status in (BackfillStatus.CANCELING, BackfillStatus.CANCELED)
    done = handle.wait(timeout=60)
    assert done.status == BackfillStatus.CANCELED
    assert done.completed + done.failed + done.canceled == done.total == 121
    waiting = list(handle.partitions(states=UnitState.CANCELED))
    assert len(waiting) == done.canceled
    assert stack.client.backfills.get(handle.backfill_id).backfill == done


def test_unknown_ones_are_said_to_be(stack: Stack) -> None:
    with pytest.raises(BackfillNotFoundError, match="'nothing' not found"):
        stack.client.backfills.get("nothing")
    handle = stack.client.backfills.submit(request(partition_keys=["2024-01-01"]))
    with pytest.raises(InvalidRequestError, match="unknown scope 'al'"):
        handle.rerun("al")


def test_for_asyncio(stack: Stack) -> None:
    async def scene() -> None:
        async with AsyncClient(stack.client.address) as client:
            handle = await client.backfills.submit(
                BackfillRequest("team", ["cells"], partition_keys=[PartitionKey.multi({"date": "d1", "region": "eu"})])
            )
            assert (await handle.wait(timeout=60)).completed == 1
            assert [unit.state async for unit in handle.partitions()] == [UnitState.COMPLETED]
            assert (await client.backfills.get(handle.backfill_id)).status == BackfillStatus.COMPLETED
            many = await client.backfills.submit(request(partition_keys=["2024-01-01"] * 3000))
            assert (await many.wait(timeout=60)).total == 1

    asyncio.run(scene())


def test_a_selection_that_cannot_be_loaded_leaves_nothing_behind(stack: Stack) -> None:
    with pytest.raises((GraphValidationError, ExecutionError)):
        stack.client.backfills.submit(BackfillRequest("team", ["cells", "plain"], partition_keys=["x"]))
