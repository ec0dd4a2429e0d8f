"""Making backfills: what is refused, how keys are grouped, and how assets that are partitioned otherwise follow."""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from typing import Any

import pytest

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import EdgeDefinition, OutputDefinition, Snapshot, StepDefinition
from rivers.errors import AssetNotFoundError, ExecutionError
from rivers.lifecycle.backfill.build import NOT_PARTITIONED, build_backfill, dynamic_names, failure_policy
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition as P
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping as M

NOW = datetime(2024, 6, 15, 12).astimezone()
DAILY = P.daily(datetime(2024, 1, 1), datetime(2024, 5, 1))
MONTHLY = P.time_window(datetime(2024, 1, 1), "0 0 1 * *", end=datetime(2024, 5, 1), fmt="%Y-%m")
ABC = P.static_(["a", "b", "c", "d"])
MULTI = P.multi({"date": P.daily(datetime(2024, 1, 1), datetime(2024, 1, 4)), "region": P.static_(["us", "eu"])})


def step(name: str, partitions: Any = None, strategy: Any = None, **upstreams: Any) -> StepDefinition:
    edges = tuple(EdgeDefinition(upstream, upstream, mapping=mapping) for upstream, mapping in upstreams.items())
    output = OutputDefinition(name, partitions=partitions, backfill_strategy=strategy)
    return StepDefinition(name, StepKind.ASSET, (output,), edges)


def make(*steps: StepDefinition, nodes: Any = None, **options: Any) -> PinnedBackfill:
    keys = options.pop("keys", None)
    wanted = Wanted(
        [PartitionKey.single(key) if isinstance(key, (str, list)) else key for key in keys]
        if keys is not None
        else None,
        options.pop("range", None),
        options.pop("all", False),
    )
    return build_backfill(Snapshot(steps), nodes, wanted, now=NOW, **options)


def keys_of(backfill: PinnedBackfill, segment: int = 0) -> list[str]:
    units = backfill.segments[segment].units
    return [str(backfill.key_of(segment, unit)) for unit in range(units.count)]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({}, ExecutionError, "Either partition_keys or partition_range must be provided"),
        ({"keys": ["a"], "range": PartitionKeyRange.single("a", "b")}, ExecutionError, "mutually exclusive"),
        ({"keys": []}, ExecutionError, "partition_keys must not be empty"),
        (
            {"keys": ["a", "x"]},
            ExecutionError,
            "Invalid partition_key 'x' for asset 'one': not a member of its partition definition.",
        ),
        (
            {"range": PartitionKeyRange.single("a", "x")},
            ExecutionError,
            "Range endpoint 'x' is not a partition key",
        ),
        ({"range": PartitionKeyRange.single("c", "a")}, ExecutionError, "from_key 'c' is after to_key 'a'"),
        (
            {"range": PartitionKeyRange.multi({"date": ["a"]})},
            ExecutionError,
            r"PartitionKeyRange.multi\(\) requires a Multi-partitioned asset",
        ),
        ({"keys": ["a"], "nodes": ["plain"]}, ExecutionError, NOT_PARTITIONED),
        ({"keys": ["a"], "nodes": ["nothing", "nobody"]}, ExecutionError, NOT_PARTITIONED),
        ({"keys": ["a"], "nodes": ["one", "nothing"]}, AssetNotFoundError, "'nothing'"),
        (
            {"keys": ["a"], "strategy": BackfillStrategy.per_dimension(["date"], ["region"])},
            ExecutionError,
            "BackfillStrategy.per_dimension requires Multi-partitioned assets; asset 'one' is not Multi-partitioned",
        ),
    ],
)
def test_F03_what_cannot_be_meant_is_refused(options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make(step("one", ABC), step("plain"), **({"nodes": ["one"]} | options))


def test_F03_a_key_off_the_grid_names_the_nearest_ones() -> None:
    with pytest.raises(ExecutionError) as raised:
        make(step("daily", DAILY), keys=["2024-1-4"])
    assert "2024-01-04" in raised.value.remedy


def test_F03_a_dimension_that_is_not_there() -> None:
    with pytest.raises(ExecutionError, match="references dimension 'day', which is not a dimension of asset 'm'"):
        make(step("m", MULTI), all=True, strategy=BackfillStrategy.per_dimension(["day"], ["region"]))


def test_F03_failure_policies() -> None:
    assert failure_policy("continue") == FailurePolicy.CONTINUE
    assert failure_policy("stop_on_failure") == FailurePolicy.STOP_ON_FAILURE
    with pytest.raises(ExecutionError, match="unknown failure_policy 'stop'"):
        failure_policy("stop")


@pytest.mark.parametrize(
    ("keys", "units", "partitions"),
    [
        (["c", "a", "b"], ["c", "a", "b"], 3),
        (["a", "a", "b", "a"], ["a", "b"], 2),
        ([["a", "b"], "c"], ["a,b", "c"], 3),
        (["a", ["a", "b"]], ["a", "b"], 2),
    ],
)
def test_keys_keep_their_order_and_count_once(keys: Any, units: list[str], partitions: int) -> None:
    backfill = make(step("one", ABC), keys=keys)
    assert keys_of(backfill) == units
    assert backfill.plan.partitions == partitions


def test_a_selection_of_none_is_every_partitioned_asset() -> None:
    backfill = make(step("one", ABC), step("plain"), step("two", ABC), keys=["a"])
    assert backfill.nodes == ("one", "two")
    assert len(backfill.segments) == 1


@pytest.mark.parametrize(
    ("strategy", "units"),
    [
        (None, 6),
        (BackfillStrategy.multi_run(), 6),
        (BackfillStrategy.single_run(), 1),
        (BackfillStrategy.per_dimension(["date"], ["region"]), 3),
        (BackfillStrategy.per_dimension(["region"], ["date"]), 2),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_strategies(strategy: Any, units: int, listed: bool) -> None:
    all_keys = list(MULTI.grid(NOW).keys())
    options: Any = (
        {"keys": all_keys[::-1]}
        if listed
        else {"range": PartitionKeyRange.multi({"date": ["2024-01-01", "2024-01-02", "2024-01-03"]})}
    )
    backfill = make(step("m", MULTI), strategy=strategy, **options)
    assert backfill.plan.units == units
    assert backfill.plan.partitions == 6
    covered = [one for unit in range(units) for one in backfill.key_of(0, unit).expand()]
    assert set(covered) == set(all_keys)
    assert len(covered) == 6


def test_the_example_of_dates_and_regions() -> None:
    dates = PartitionKeyRange.multi({"date": ("2024-01-01", "2024-01-02"), "region": ["us", "eu"]})
    backfill = make(step("m", MULTI), range=dates, strategy=BackfillStrategy.per_dimension(["date"], ["region"]))
    assert keys_of(backfill) == ["date=2024-01-01|region=us,eu", "date=2024-01-02|region=us,eu"]


def test_listed_keys_that_are_no_product_become_a_set() -> None:
    keys = [
        PartitionKey.multi({"date": "2024-01-01", "region": "us"}),
        PartitionKey.multi({"date": "2024-01-02", "region": "eu"}),
    ]
    backfill = make(step("m", MULTI), keys=keys, strategy=BackfillStrategy.single_run())
    assert backfill.key_of(0, 0) == PartitionKey.Set(keys)


@pytest.mark.parametrize(
    ("given", "one", "two", "units"),
    [
        (None, None, None, 4),
        (None, BackfillStrategy.single_run(), None, 1),
        (None, BackfillStrategy.single_run(), BackfillStrategy.multi_run(), 4),
        (BackfillStrategy.multi_run(), BackfillStrategy.single_run(), None, 4),
    ],
)
def test_precedence_of_strategies(given: Any, one: Any, two: Any, units: int) -> None:
    backfill = make(step("one", ABC, one), step("two", ABC, two), all=True, strategy=given)
    assert backfill.plan.units == units


def test_B5_equally_partitioned_assets_share_runs_and_others_follow() -> None:
    backfill = make(
        step("raw", DAILY),
        step("clean", DAILY, raw=None),
        step("monthly", MONTHLY, clean=M.time_window(0)),
        step("total", ABC, monthly=M.all_partitions()),
        range=PartitionKeyRange.single("2024-01-15", "2024-03-02"),
    )
    assert [segment.nodes for segment in backfill.segments] == [("raw", "clean"), ("monthly",), ("total",)]
    assert keys_of(backfill, 1) == ["2024-01", "2024-02", "2024-03"]
    assert keys_of(backfill, 2) == ["a", "b", "c", "d"]
    monthly, total = backfill.plan.segments[1:]
    assert monthly.is_linked
    assert monthly.count_needed(backfill.plan.segments, 0) == 17
    assert not total.is_linked


def test_B5_listed_days_make_their_months() -> None:
    backfill = make(
        step("daily", DAILY),
        step("monthly", MONTHLY, daily=M.time_window(0)),
        keys=["2024-03-01", "2024-01-05", "2024-01-06"],
    )
    assert keys_of(backfill, 1) == ["2024-03", "2024-01"]
    assert backfill.plan.partitions == 5


def test_B5_the_same_keys_of_another_definition_run_apart_and_must_exist() -> None:
    fewer = P.static_(["a", "b"])
    backfill = make(step("up", ABC), step("down", fewer, up=None), keys=["b", "a"])
    assert [keys_of(backfill, n) for n in (0, 1)] == [["b", "a"], ["b", "a"]]
    with pytest.raises(ExecutionError, match="Invalid partition_key 'c' for asset 'down'"):
        make(step("up", ABC), step("down", fewer, up=None), keys=["a", "c"])


def test_assets_that_do_not_depend_on_each_other_share_a_run_and_both_have_the_key() -> None:
    assert make(step("one", ABC), step("two", P.static_(["a", "b"])), keys=["a"]).plan.units == 1
    with pytest.raises(ExecutionError, match="Invalid partition_key 'c' for asset 'two'"):
        make(step("one", ABC), step("two", P.static_(["a", "b"])), keys=["c"])


def test_a_partition_that_reads_yesterday_waits_for_it() -> None:
    backfill = make(step("sum", DAILY, sum=M.time_window(-1)), all=True)
    (segment,) = backfill.plan.segments
    assert segment.own is not None
    assert list(segment.own.needs(5)) == [4]


def test_dynamic_keys_are_pinned() -> None:
    customers = step("c", P.dynamic("customers"))
    assert dynamic_names(Snapshot((customers,)), None) == ["customers"]
    backfill = make(customers, all=True, registered={"customers": ["x", "y"], "others": ["z"]})
    assert keys_of(backfill) == ["x", "y"]
    assert backfill.registered == {"customers": ["x", "y"]}


def test_F06_ten_million_seconds_are_a_range() -> None:
    seconds = P.time_window(datetime(2014, 1, 1), interval_seconds=1, end=datetime(2024, 1, 1))
    tracemalloc.start()
    backfill = make(step("s", seconds), all=True)
    plan = backfill.plan
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.partitions == plan.units == 315_532_800
    assert str(backfill.key_of(0, 315_532_799)) == "2023-12-31T23:59:59"
    assert peak < 1_000_000
