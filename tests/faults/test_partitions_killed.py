"""Runs with a partition key when processes are killed: key, marks and dynamic keys are rows like all else."""

from __future__ import annotations

from rivers.lifecycle.states import EventType
from rivers.partitions.key import PartitionKey
from tests.stack import Stack

SOURCE = """
    from datetime import datetime

    days = rs.PartitionsDefinition.daily(datetime(2024, 1, 1), end=datetime(2024, 1, 6))
    before = [rs.AssetDef.input("raw", partition_mapping=rs.PartitionMapping.time_window(-1))]

    @rs.Asset(partitions_def=days)
    def raw(context: rs.AssetExecutionContext):
        mark(f"raw {','.join(str(key) for key in context.partition.keys)}")
        if len(context.partition.keys) > 1:
            context.mark_partition_failed(context.partition.keys[0], "no data")
        time.sleep(0.4)
        return context.partition.key.key[0]

    @rs.Asset(partitions_def=days, deps=before)
    def change(raw):
        mark(f"change from {raw}")
        return raw

    @rs.Asset(partitions_def=rs.PartitionsDefinition.dynamic("customers"))
    def bill(context: rs.AssetExecutionContext):
        mark(f"bill {context.partition_key}")

    @rs.Asset
    def discovered():
        mark("discovering")
        time.sleep(0.4)
        repo.storage.add_dynamic_partitions("customers", ["found", "lost"])
        repo.storage.delete_dynamic_partition("customers", "lost")

    jobs = [rs.Job("all", [raw, change]), rs.Job("raw", [raw])]
    repo = rs.CodeRepository(assets=[raw, change, bill, discovered], jobs=jobs)
"""


def _restart(stack: Stack) -> None:
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")


def test_S01_a_killed_scheduler_forgets_no_partition(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    first = stack.client.runs.submit("team", job="raw", partition_key="2024-01-01")
    stack.until(lambda: "raw 2024-01-01" in stack.marks("team"), "the first body")
    _restart(stack)
    assert first.wait(timeout=60).state.name == "SUCCEEDED"
    second = stack.client.runs.submit("team", job="all", partition_key="2024-01-02")
    stack.until(lambda: "raw 2024-01-02" in stack.marks("team"), "the second body")
    _restart(stack)
    assert second.wait(timeout=60).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["raw 2024-01-01", "raw 2024-01-02", "change from 2024-01-01"]
    stored = {str(one.key): one.last_run_id for one in stack.client.partitions.list("raw")}
    assert (stored["2024-01-01"], stored["2024-01-02"]) == (first.run_id, second.run_id)


def test_S01_partitions_are_recorded_once_each_whatever_is_killed(stack: Stack) -> None:
    location = stack.start_location("team", SOURCE)
    key = ["2024-01-03", "2024-01-04", "2024-01-05"]
    run = stack.client.runs.submit("team", job="raw", partition_key=PartitionKey.single(key))
    stack.until(lambda: stack.marks("team"), "the body")
    location.kill()
    stack.start_location("team", SOURCE)
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    told = [
        (event.type, str(event.partition_key))
        for event in run.events()
        if event.type in (EventType.MATERIALIZED, EventType.PARTITION_FAILED)
    ]
    assert told == [
        (EventType.PARTITION_FAILED, "2024-01-03"),
        (EventType.MATERIALIZED, "2024-01-04"),
        (EventType.MATERIALIZED, "2024-01-05"),
    ]


def test_dynamic_keys_outlive_a_killed_scheduler(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    stack.client.partitions.add("customers", ["acme", "best"])
    stack.client.partitions.remove("customers", "best")
    _restart(stack)
    assert list(stack.client.partitions.keys("customers")) == ["acme"]
    stack.await_location("team")
    assert stack.client.runs.submit("team", select=["bill"], partition_key="acme").wait(60).state.name == "SUCCEEDED"


def test_S01_keys_that_a_step_adds_while_the_scheduler_is_away_are_there_when_it_is_back(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    run = stack.client.runs.submit("team", select=["discovered"])
    stack.until(lambda: stack.marks("team"), "the body")
    _restart(stack)
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["discovering"]
    assert list(stack.client.partitions.keys("customers")) == ["found"]
