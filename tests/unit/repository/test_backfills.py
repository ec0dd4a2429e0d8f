"""Backfills in one process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import rivers as rs
from rivers.exceptions import AssetNotFoundError, ExecutionError, GraphValidationError

FOUR = rs.PartitionsDefinition.static_(["a", "b", "c", "d"])
GRID = rs.PartitionsDefinition.multi(
    {
        "date": rs.PartitionsDefinition.static_(["01", "02"]),
        "region": rs.PartitionsDefinition.static_(["us", "eu"]),
    }
)


def keys(*values: str) -> list[rs.PartitionKey]:
    return [rs.PartitionKey.single(value) for value in values]


class Calls:
    """What bodies were called with, and which of them fail."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.made: list[list[str]] = []

    def asset(self, name: str = "load", **options: Any) -> rs.Asset:
        @rs.Asset(name=name, **{"partitions_def": FOUR, **options})
        def body(context: rs.AssetExecutionContext) -> str:
            assert context.partition is not None
            values = [str(key) for key in context.partition.keys]
            self.made.append(values)
            for value in values:
                if value in self.bad:
                    raise ValueError(f"no {value}")
            return ",".join(values)

        return body


def repository(*assets: rs.Asset, **options: Any) -> rs.CodeRepository:
    return rs.CodeRepository(assets=list(assets), default_executor=rs.Executor.in_process(), **options)


def counts(result: rs.BackfillResult) -> tuple[int, tuple[int, int, int], str]:
    return result.num_runs, (result.completed, result.failed, result.canceled), result.status


@pytest.mark.parametrize(
    ("bad", "options", "expected"),
    [
        ((), {}, (4, (4, 0, 0), "completed")),
        ((), {"strategy": rs.BackfillStrategy.single_run()}, (1, (4, 0, 0), "completed")),
        (("b",), {"strategy": rs.BackfillStrategy.single_run()}, (1, (0, 4, 0), "failed")),
        (("b",), {}, (4, (3, 1, 0), "failed")),
        (("b",), {"failure_policy": "stop_on_failure", "max_concurrency": 1}, (2, (1, 1, 2), "failed")),
        (("b",), {"max_concurrency": 0}, (4, (3, 1, 0), "failed")),
    ],
)
def test_common_situations(bad: tuple[str, ...], options: dict[str, Any], expected: Any) -> None:
    calls = Calls(*bad)
    result = repository(calls.asset()).backfill(["load"], keys("a", "b", "c", "d"), **options)
    assert counts(result) == expected
    assert result.num_partitions == 4 == sum(expected[1])
    assert result.partition_keys == keys("a", "b", "c", "d")
    assert len(result.run_ids) == result.num_runs
    assert not result.is_dry_run


def test_what_a_backfill_records() -> None:
    repo = repository(Calls("b").asset())
    result = repo.backfill(partition_range=rs.PartitionKeyRange.single("b", "c"), tags=[("team", "x")])
    status = repo.get_backfill(result.backfill_id)
    assert status is not None
    assert (status.status, status.total_partitions, status.completed_partitions) == ("failed", 2, 1)
    assert (status.failed_partitions, status.canceled_partitions, status.error) == (1, 0, None)
    assert (status.run_ids, status.tags, status.action) == (result.run_ids, [("team", "x")], None)
    assert status.launched_by == rs.LaunchedBy.manual()
    assert repo.get_backfill("none") is None
    for run_id, key in zip(result.run_ids, keys("b", "c"), strict=True):
        run = repo.storage.get_run(run_id)
        assert run is not None
        assert run.launched_by == rs.LaunchedBy.backfill(result.backfill_id)
        assert (run.job_name, run.priority, run.partition_key) == (None, -10, key)
        assert run.tags == [("team", "x"), ("rivers/priority", "-10")]
    assert repo.storage.get_materialized_partitions("load") == keys("c")


def test_a_priority_of_the_tags_takes_the_place_of_the_default() -> None:
    repo = repository(Calls().asset())
    result = repo.backfill(["load"], keys("a"), tags=[("rivers/priority", "5")])
    run = repo.storage.get_run(result.run_ids[0])
    assert run is not None
    assert (run.priority, run.tags) == (5, [("rivers/priority", "5")])


def test_each_distinct_key_once_and_lists_as_groups() -> None:
    calls = Calls()
    group = rs.PartitionKey.single(["c", "d"])
    result = repository(calls.asset()).backfill(["load"], [*keys("b", "b"), group], max_concurrency=1)
    assert calls.made == [["b"], ["c", "d"]]
    assert (result.num_partitions, result.num_runs) == (3, 2)
    assert result.partition_keys == keys("b", "c", "d")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ExecutionError, "Either partition_keys or partition_range must be provided"),
        (
            {"partition_keys": keys("a"), "partition_range": rs.PartitionKeyRange.single("a", "b")},
            ExecutionError,
            "mutually exclusive",
        ),
        ({"partition_keys": []}, ExecutionError, "partition_keys must not be empty"),
        (
            {"partition_keys": keys("x")},
            ExecutionError,
            "Invalid partition_key 'x' for asset 'load': not a member of its partition definition.",
        ),
        (
            {"partition_range": rs.PartitionKeyRange.single("a", "x")},
            ExecutionError,
            "Range endpoint 'x' is not a partition key",
        ),
        (
            {"partition_range": rs.PartitionKeyRange.single("c", "a")},
            ExecutionError,
            "from_key 'c' is after to_key 'a'",
        ),
        ({"selection": ["plain"], "partition_keys": keys("a")}, ExecutionError, "require a partitioned selection"),
        ({"selection": ["unknown"], "partition_keys": keys("a")}, ExecutionError, "require a partitioned selection"),
        ({"selection": ["load", "lod"], "partition_keys": keys("a")}, AssetNotFoundError, "unknown asset: 'lod'"),
        ({"partition_keys": keys("a"), "failure_policy": "stop"}, ExecutionError, "unknown failure_policy 'stop'"),
        ({"selection": ["needs"], "partition_keys": keys("a")}, GraphValidationError, "has no io_handler"),
        ({"partition_keys": [object()]}, TypeError, "partition_keys must be a sequence of PartitionKey"),
        ({"partition_keys": keys("a"), "max_concurrency": "4"}, TypeError, "max_concurrency must be an int"),
        (
            {
                "partition_keys": keys("a"),
                "strategy": rs.BackfillStrategy.per_dimension(multi_run=["date"], single_run=["region"]),
            },
            ExecutionError,
            "requires Multi-partitioned assets; asset 'load' is not",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_stored(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    @rs.Asset
    def plain() -> int:
        return 1

    @rs.Asset(partitions_def=FOUR)
    def needs(load: str) -> str:
        return load

    calls = Calls()
    repo = repository(calls.asset(), plain, needs)
    with pytest.raises(error, match=text.replace("(", r"\(")):
        repo.backfill(**arguments)
    assert calls.made == []
    assert repo.storage.get_runs() == []


def test_without_a_selection_all_partitioned_assets_run() -> None:
    @rs.Asset
    def plain() -> int:
        return 1

    one, other = Calls(), Calls()
    repo = repository(one.asset("one"), other.asset("other"), plain)
    for selection in (None, []):
        result = repo.backfill(selection, keys("a"))
        run = repo.storage.get_run(result.run_ids[0])
        assert run is not None
        assert sorted(run.node_names) == ["one", "other"]


def test_a_dry_run_stores_nothing() -> None:
    calls = Calls()
    repo = repository(calls.asset())
    result = repo.backfill(["load"], keys("a", "b", "c"), strategy=rs.BackfillStrategy.single_run(), dry_run=True)
    assert counts(result) == (1, (0, 0, 0), "dry_run")
    assert (result.is_dry_run, result.backfill_id, result.run_ids) == (True, "", [])
    assert result.partition_keys == keys("a", "b", "c")
    assert (calls.made, repo.storage.get_runs()) == ([], [])


def test_dimensions_across_runs_and_within_them() -> None:
    calls = Calls()
    asset = calls.asset(
        partitions_def=GRID,
        backfill_strategy=rs.BackfillStrategy.per_dimension(multi_run=["date"], single_run=["region"]),
    )
    chosen = rs.PartitionKeyRange.multi({"date": ("01", "02")})
    result = repository(asset).backfill(["load"], partition_range=chosen, max_concurrency=1)
    assert (result.num_runs, result.num_partitions, result.completed) == (2, 4, 4)
    assert calls.made == [
        ["date=01|region=us", "date=01|region=eu"],
        ["date=02|region=us", "date=02|region=eu"],
    ]


def test_a_partition_that_is_marked_fails_alone() -> None:
    @rs.Asset(partitions_def=FOUR)
    def load(context: rs.AssetExecutionContext) -> int:
        context.mark_partition_failed(rs.PartitionKey.single("b"), "bad file")
        return 1

    repo = repository(load)
    result = repo.backfill(["load"], keys("a", "b", "c"), strategy=rs.BackfillStrategy.single_run())
    assert counts(result) == (1, (2, 1, 0), "failed")
    run = repo.storage.get_run(result.run_ids[0])
    assert run is not None
    assert run.status == "Success"
    again = repo.rerun_backfill(result.backfill_id)
    assert again.partition_keys == keys("b")


def test_F01_the_window_is_full_and_never_more_than_that() -> None:
    lock, running, peaks = threading.Lock(), [0], [0]
    full = threading.Barrier(2, timeout=20)

    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_([str(n) for n in range(10)]))
    def load() -> int:
        with lock:
            running[0] += 1
            peaks.append(running[0])
        full.wait()  # two at a time, or nobody gets past
        with lock:
            running[0] -= 1
        return 1

    repo = repository(load)
    result = repo.backfill(partition_range=rs.PartitionKeyRange.single("0", "9"), max_concurrency=2)
    assert (result.completed, max(peaks)) == (10, 2)


class Limits(BaseModel):
    rows: int = 1


def test_F04_config_reaches_every_run_and_every_rerun() -> None:
    seen: list[int] = []

    @rs.Asset(partitions_def=FOUR)
    def load(context: rs.AssetExecutionContext[Limits]) -> int:
        seen.append(context.config.rows)
        if len(seen) == 1:
            raise ValueError("not yet")
        return 1

    repo = repository(load)
    result = repo.backfill(["load"], keys("a", "b"), config={"load": {"rows": 9}}, max_concurrency=1)
    again = repo.rerun_backfill(result.backfill_id)
    assert (counts(again), seen) == ((1, (1, 0, 0), "completed"), [9, 9, 9])


def test_F02_a_rerun_covers_what_failed_and_what_was_canceled() -> None:
    calls = Calls("b")
    repo = repository(calls.asset())
    options: dict[str, Any] = {"failure_policy": "stop_on_failure", "max_concurrency": 1, "tags": [("k", "v")]}
    result = repo.backfill(["load"], keys("a", "b", "c"), **options)
    planned = repo.rerun_backfill(result.backfill_id, dry_run=True)
    assert (planned.status, planned.partition_keys) == ("dry_run", keys("b", "c"))
    calls.bad = ()
    again = repo.rerun_backfill(result.backfill_id)
    assert again.backfill_id != result.backfill_id
    assert (counts(again), again.partition_keys) == ((2, (2, 0, 0), "completed"), keys("b", "c"))
    status = repo.get_backfill(again.backfill_id)
    assert status is not None
    assert status.tags == [("k", "v")]
    nothing = repo.rerun_backfill(again.backfill_id)
    assert (nothing.num_partitions, nothing.status) == (0, "completed")
    with pytest.raises(ExecutionError, match="backfill 'none' not found"):
        repo.rerun_backfill("none")


@pytest.mark.parametrize("has_more", [False, True])
def test_F08_cancel_reaches_what_runs_and_what_would(has_more: bool) -> None:
    began, go = threading.Event(), threading.Event()

    @rs.Asset(partitions_def=FOUR)
    def load(context: rs.AssetExecutionContext) -> str:
        if context.partition_key == "b":
            began.set()
            assert go.wait(20)
        return context.partition_key

    @rs.Asset(partitions_def=FOUR)
    def after(load: str) -> str:
        return load

    repo = repository(load, after) if has_more else repository(load)
    results: list[rs.BackfillResult] = []
    thread = threading.Thread(
        target=lambda: results.append(repo.backfill(partition_keys=keys("a", "b", "c", "d"), max_concurrency=1))
    )
    thread.start()
    assert began.wait(20)
    backfill_id = _unfinished(repo)
    live = repo.get_backfill(backfill_id)
    assert live is not None
    assert live.status == "in_progress"
    assert repo.cancel_backfill(backfill_id) is True
    assert repo.storage.is_cancelled(_run_of(repo, "b"))
    go.set()
    thread.join(20)
    assert counts(results[0]) == (2, (1, 0, 3), "canceled")
    assert repo.cancel_backfill(backfill_id) is False
    with pytest.raises(ExecutionError, match="Failed to cancel backfill: backfill not found"):
        repo.cancel_backfill("none")


def test_a_backfill_that_nobody_has_begun_is_canceled_at_once(tmp_path: Path) -> None:
    repo = repository(Calls().asset())
    repo.resolve(rs.Storage.embedded(tmp_path))
    result = repo.backfill(["load"], keys("a", "b"), block=False)
    assert (result.status, result.run_ids, result.num_partitions) == ("in_progress", [], 2)
    assert repo.cancel_backfill(result.backfill_id) is False
    status = repo.get_backfill(result.backfill_id)
    assert status is not None
    assert (status.status, status.canceled_partitions, status.run_ids) == ("canceled", 2, [])
    assert repo.cancel_backfill(result.backfill_id) is False


def test_B1_what_a_step_reads_of_all_dynamic_keys_is_what_there_was_when_the_backfill_was_made() -> None:
    days = rs.PartitionsDefinition.static_(["mon", "tue"])
    loaded: list[str] = []

    class Told(rs.BaseIOHandler):
        def handle_output(self, context: rs.OutputContext, obj: object) -> None:
            pass

        def load_input(self, context: rs.InputContext) -> object:
            assert context.partition is not None
            return str(context.partition.key)

    @rs.Asset(
        partitions_def=rs.PartitionsDefinition.multi({"day": days, "shop": rs.PartitionsDefinition.dynamic("shops")}),
        io_handler=Told(),
    )
    def stock() -> int:
        return 1

    by_day = rs.PartitionMapping.multi_to_single("day")

    @rs.Asset(partitions_def=days, deps=[rs.AssetDef.input("stock", partition_mapping=by_day)], io_handler=Told())
    def report(stock: str) -> None:
        loaded.append(stock)
        repo.storage.add_dynamic_partitions("shops", ["new"])

    repo = repository(stock, report)
    repo.storage.add_dynamic_partitions("shops", ["old"])
    repo.backfill(["report"], keys("mon", "tue"), max_concurrency=1)
    repo.materialize(["report"], partition_key=rs.PartitionKey.single("tue"))
    assert loaded == ["day=mon|shop=old", "day=tue|shop=old", "day=tue|shop=new,old"]


def test_F10_a_dependent_partition_starts_when_what_it_maps_to_is_done() -> None:
    order: list[str] = []

    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["b1", "b2"]))
    def days(context: rs.AssetExecutionContext) -> str:
        order.append(context.partition_key)
        return context.partition_key

    mapping = rs.PartitionMapping.static_({"x1": "b1", "x2": "b2"})

    @rs.Asset(
        partitions_def=rs.PartitionsDefinition.static_(["x1", "x2"]),
        deps=[rs.AssetDef.input("days", partition_mapping=mapping)],
    )
    def months(context: rs.AssetExecutionContext, days: str) -> str:
        order.append(f"{context.partition_key} of {days}")
        return days

    repo = repository(days, months)
    result = repo.backfill(partition_keys=keys("b1", "b2"), max_concurrency=1)
    assert order == ["b1", "x1 of b1", "b2", "x2 of b2"]
    assert (result.num_partitions, result.num_runs, result.status) == (4, 4, "completed")


def _unfinished(repo: rs.CodeRepository) -> str:
    (run, *_) = repo.storage.get_runs()
    assert run.launched_by.backfill_id is not None
    return run.launched_by.backfill_id


def _run_of(repo: rs.CodeRepository, key: str) -> str:
    return next(run.run_id for run in repo.storage.get_runs() if run.partition_key == rs.PartitionKey.single(key))


def test_a_dynamic_key_that_is_not_registered_is_refused_before_anything_is_recorded() -> None:
    customers = rs.PartitionsDefinition.dynamic("customers")
    cells = rs.PartitionsDefinition.multi({"customer": customers, "day": FOUR})
    repo = repository(Calls().asset("one", partitions_def=customers), Calls().asset("two", partitions_def=cells))
    repo.storage.add_dynamic_partitions("customers", ["acme"])
    text = (
        "Invalid partition_key 'zz' for asset '%s': not a registered dynamic partition key of namespace 'customers'. "
        'Register it with add_dynamic_partitions("customers", [...]) first.'
    )
    with pytest.raises(ExecutionError) as caught:
        repo.backfill(["one"], keys("acme", "zz"))
    assert str(caught.value) == text % "one"
    with pytest.raises(ExecutionError) as caught:
        repo.backfill(["two"], [rs.PartitionKey.multi({"customer": "zz", "day": "a"})])
    assert str(caught.value) == text % "two"
    with pytest.raises(ExecutionError, match=r"Invalid partition_key 'customer=acme\|day=x' for asset 'two': not a "):
        repo.backfill(["two"], [rs.PartitionKey.multi({"customer": "acme", "day": "x"})])
    assert repo.storage.get_runs() == []
