"""Conditions, and requests, of assets that have partitions."""

from __future__ import annotations

from datetime import datetime

import pytest

import rivers as rs
from tests.services.daemon.conftest import eventually
from tests.services.daemon.test_conditions import asset, evaluations, pulse, repository

C = rs.AutomationCondition
LETTERS = rs.PartitionsDefinition.static_(["a", "b", "c"])
KEYS = [rs.PartitionKey.single(letter) for letter in "abc"]


def runs_of(storage, node):
    runs = [run for run in storage.get_runs() if node in run.node_names]
    return sorted(str(run.partition_key) for run in runs)


def test_each_missing_partition_gets_its_run(daemon, storage):
    daemon(repository(asset("x", C.missing() & ~C.in_flight(), partitions_def=LETTERS), pulse()))
    eventually(lambda: storage.count_materialized_partitions("x") == 3)
    evaluations(storage)
    assert runs_of(storage, "x") == ["a", "b", "c"]
    tick = storage.get_ticks("x")[-1]
    assert (tick.status, len(tick.run_ids)) == ("Requested", 3)
    assert {run.launched_by.kind for run in storage.get_runs() if "x" in run.node_names} == {"condition"}


def test_eager_follows_partition_by_partition(daemon, storage):
    repo = repository(
        asset("up", partitions_def=LETTERS), asset("dn", C.eager(), ["up"], partitions_def=LETTERS), pulse()
    )
    daemon(repo)
    evaluations(storage)
    assert storage.get_ticks("dn") == []
    repo.materialize(["up"], partition_key=KEYS[1])
    eventually(lambda: runs_of(storage, "dn") == ["b"])
    repo.materialize(["up"], partition_key=KEYS[0])
    eventually(lambda: runs_of(storage, "dn") == ["a", "b"])
    evaluations(storage)
    assert runs_of(storage, "dn") == ["a", "b"]


def test_assets_with_the_same_partitions_are_in_one_run(daemon, storage):
    chain = [
        asset("up", C.eager(), partitions_def=LETTERS),
        asset("dn", C.eager(), ["up"], partitions_def=LETTERS),
        pulse(),
    ]
    daemon(repository(*chain))
    eventually(lambda: storage.count_materialized_partitions("dn") == 3)
    evaluations(storage)
    assert sorted(len(run.node_names) for run in storage.get_runs() if "dn" in run.node_names) == [2, 2, 2]
    assert set(storage.get_ticks("up")[0].run_ids) == set(storage.get_ticks("dn")[0].run_ids)


@pytest.mark.parametrize(
    ("mapping", "needed"),
    [(rs.PartitionMapping.all_partitions(), KEYS), (rs.PartitionMapping.specific_partitions(["b"]), KEYS[1:2])],
    ids=["all", "one"],
)
def test_an_unpartitioned_asset_waits_for_the_partitions_that_it_reads(daemon, storage, mapping, needed):
    edge = rs.AssetDef.dep("up", partition_mapping=mapping)
    dn = rs.Asset(name="dn", deps=[edge], automation_condition=C.eager())(lambda: 1)
    repo = repository(asset("up", partitions_def=LETTERS), dn, pulse())
    daemon(repo)
    for key in needed:
        evaluations(storage)
        assert storage.get_ticks("dn") == []
        repo.materialize(["up"], partition_key=key)
    eventually(lambda: storage.get_ticks("dn"))


def test_mappings_are_followed(daemon, storage):
    others = rs.PartitionsDefinition.static_(["x", "y"])
    edge = rs.AssetDef.dep("up", partition_mapping=rs.PartitionMapping.static_({"x": "a", "y": "c"}))
    dn = rs.Asset(name="dn", partitions_def=others, deps=[edge], automation_condition=C.eager())(lambda: 1)
    repo = repository(asset("up", partitions_def=LETTERS), dn, pulse())
    daemon(repo)
    repo.materialize(["up"], partition_key=KEYS[1])
    evaluations(storage)
    assert storage.get_ticks("dn") == []
    repo.materialize(["up"], partition_key=KEYS[2])
    eventually(lambda: runs_of(storage, "dn"))
    evaluations(storage)
    assert runs_of(storage, "dn") == ["y"]


def test_a_partition_that_failed_is_failed_and_not_missing(daemon, storage):
    def fails(context: rs.AssetExecutionContext):
        if context.partition_key == "b":
            raise ValueError

    missing = rs.Asset(name="x", partitions_def=LETTERS, automation_condition=C.missing() & ~C.in_flight())(fails)
    daemon(repository(missing, pulse()))
    eventually(lambda: storage.count_materialized_partitions("x") == 2)
    evaluations(storage, 4)
    assert runs_of(storage, "x") == ["a", "b", "c"]


def test_a_partition_that_was_marked_is_failed_and_not_missing(daemon, storage):
    def marks(context: rs.AssetExecutionContext):
        for key in context.partition.keys:
            if str(key) == "b":
                context.mark_partition_failed(key, "no data")

    missing = rs.Asset(name="x", partitions_def=LETTERS, automation_condition=C.missing() & ~C.in_flight())(marks)
    repo = repository(missing, pulse())
    repo.resolve(storage=storage)
    repo.materialize(["x"], partition_key=rs.PartitionKey.Set(KEYS), raise_on_error=False)
    daemon(repo)
    evaluations(storage, 4)
    assert storage.get_ticks("x") == []
    assert storage.count_materialized_partitions("x") == 2


def test_partitions_that_are_registered_later(daemon, storage):
    customers = rs.PartitionsDefinition.dynamic("customers")
    daemon(repository(asset("x", C.on_missing(), partitions_def=customers), pulse()))
    evaluations(storage, 2)
    assert storage.get_ticks("x") == []
    storage.add_dynamic_partitions("customers", ["ann"])
    eventually(lambda: runs_of(storage, "x") == ["ann"])
    storage.add_dynamic_partitions("customers", ["bob"])
    eventually(lambda: runs_of(storage, "x") == ["ann", "bob"])


@pytest.mark.parametrize(("lookback", "days"), [(None, 1), (86400, 2), (2.5 * 86400, 3)])
def test_the_latest_windows_of_time(daemon, storage, lookback, days):
    daily = rs.PartitionsDefinition.daily(datetime(2026, 1, 1), end=datetime(2026, 1, 11))
    condition = C.in_latest_time_window(lookback) & C.missing() & ~C.in_flight()
    daemon(repository(asset("x", condition, partitions_def=daily), pulse()))
    expected = [f"2026-01-{11 - day:02}" for day in range(days, 0, -1)]
    eventually(lambda: storage.count_materialized_partitions("x") == days)
    evaluations(storage)
    assert runs_of(storage, "x") == expected


@pytest.mark.parametrize(
    ("definition", "text", "key"),
    [
        (LETTERS, "b", KEYS[1]),
        (
            rs.PartitionsDefinition.multi({"letter": LETTERS, "size": rs.PartitionsDefinition.static_(["s", "l"])}),
            "letter=b|size=l",
            rs.PartitionKey.multi({"letter": "b", "size": "l"}),
        ),
    ],
    ids=["one dimension", "two dimensions"],
)
def test_a_request_names_its_partition(daemon, storage, definition, text, key):
    made = asset("x", partitions_def=definition)
    sensor = rs.Sensor(
        lambda: rs.RunRequest("k", partition_key=text),
        name="s",
        job_name="j",
        default_status=rs.SensorStatus.Running,
    )
    daemon(repository(made, jobs=[rs.Job("j", [made])], sensors=[sensor]))
    run = eventually(lambda: [one for one in storage.get_runs() if one.end_time])[0]
    assert (run.partition_key, run.status) == (key, "Success")


def test_a_request_for_a_partition_that_is_none_fails_its_tick(daemon, storage):
    made = asset("x", partitions_def=LETTERS)
    sensor = rs.Sensor(
        lambda: [rs.RunRequest("1", partition_key="a"), rs.RunRequest("2", partition_key="z")],
        name="s",
        job_name="j",
        default_status=rs.SensorStatus.Running,
    )
    daemon(repository(made, jobs=[rs.Job("j", [made])], sensors=[sensor]))
    tick = eventually(lambda: storage.get_ticks("s"))[0]
    assert tick.error == "PartitionValidationError: Partition key z is not valid for node 'x'"
    assert storage.get_runs() == []
