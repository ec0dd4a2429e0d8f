"""Conditions, and requests, of assets that have partitions."""

from __future__ import annotations

import threading
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


def test_missing_partitions_are_one_backfill(daemon, storage):
    repo = repository(asset("x", C.missing() & ~C.in_flight(), partitions_def=LETTERS), pulse())
    daemon(repo)
    (tick,) = eventually(lambda: storage.get_ticks("x"))
    assert (tick.status, tick.run_ids, len(tick.backfill_ids)) == ("Requested", [], 1)
    done = eventually(lambda: (one := repo.get_backfill(tick.backfill_ids[0])).status == "completed" and one)
    assert (done.total_partitions, done.completed_partitions) == (3, 3)
    assert done.launched_by == rs.LaunchedBy.condition()
    evaluations(storage)
    assert runs_of(storage, "x") == ["a", "b", "c"]
    assert len(storage.get_ticks("x")) == 1
    run = next(run for run in storage.get_runs() if "x" in run.node_names)
    assert run.launched_by == rs.LaunchedBy.backfill(tick.backfill_ids[0])


def test_what_a_backfill_covers_is_in_flight_and_other_partitions_are_not(daemon, storage):
    release = threading.Event()

    def slow():
        release.wait(30)

    waiting = rs.Asset(name="x", partitions_def=LETTERS)(slow)
    covered = asset("dn", C.any_deps_match(C.backfill_in_progress()).newly_true(), ["x"], partitions_def=LETTERS)
    repo = repository(waiting, covered, pulse())
    daemon(repo)
    evaluations(storage, 1)
    backfill = repo.backfill(["x"], partition_keys=KEYS[:2], block=False)
    tick = eventually(lambda: storage.get_ticks("dn"))[0]
    release.set()
    eventually(lambda: repo.get_backfill(backfill.backfill_id).status == "completed")
    eventually(lambda: repo.get_backfill(tick.backfill_ids[0]).status == "completed")
    assert runs_of(storage, "dn") == ["a", "b"]


def test_inputs_in_the_memory_of_this_process_are_loaded(daemon, storage):
    @rs.Asset(partitions_def=LETTERS)
    def up() -> int:
        return 1

    @rs.Asset(partitions_def=LETTERS, automation_condition=C.eager())
    def dn(up: int) -> int:
        return up + 1

    repo = repository(up, dn)
    daemon(repo)
    repo.materialize(["up"], partition_key=KEYS[0])
    eventually(lambda: storage.count_materialized_partitions("dn") == 1)
    assert repo.load_node("dn", partition_key=KEYS[0]) == 2


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
    assert storage.get_ticks("up")[0].backfill_ids == storage.get_ticks("dn")[0].backfill_ids


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
