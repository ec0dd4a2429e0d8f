"""Partitioned runs through a real scheduler and a real location."""

from __future__ import annotations

import pytest

import rivers as rs
from rivers.errors import ExecutionError, PartitionValidationError
from rivers.lifecycle.states import EventType, RunState, StepState
from tests.stack import Stack

SOURCE = """
    from datetime import datetime

    Defs, Map = rs.PartitionsDefinition, rs.PartitionMapping
    days = Defs.daily(datetime(2024, 1, 1), end=datetime(2024, 1, 6))
    regions = Defs.static_(["eu", "us"])
    grid = Defs.multi({"day": days, "region": regions})

    def edge(name, mapping):
        return [rs.AssetDef.input(name, partition_mapping=mapping)]

    @rs.Asset(partitions_def="days")
    def raw(context: rs.AssetExecutionContext):
        start, end = context.partition_time_window or (None, None)
        print("raw", [str(k) for k in context.partition.keys], start, end)
        return ",".join(str(k) for k in context.partition.keys)

    @rs.Asset(partitions_def="days")
    def clean(raw):
        return f"clean {raw}"

    @rs.Asset(partitions_def="days", deps=edge("raw", Map.time_window(-1)))
    def change(raw):
        print("change from", raw)
        return raw

    @rs.Asset(partitions_def=grid)
    def cells(context: rs.AssetExecutionContext):
        for k in context.partition.keys:
            if "us" in str(k):
                context.mark_partition_failed(k, "nothing from the us")
        return len(context.partition.keys)

    @rs.Asset
    def whole():
        return 1

    @rs.Asset(partitions_def=Defs.dynamic("customers"))
    def invoices(context: rs.AssetExecutionContext):
        return context.partition_key

    @rs.Asset(partitions_def=regions)
    def fragile():
        raise ValueError("no")

    repo = rs.CodeRepository(
        assets=[raw, clean, change, cells, whole, invoices, fragile],
        partition_defs={"days": days},
        jobs=[rs.Job("daily", [raw, clean]), rs.Job("changes", [raw, change]), rs.Job("cells", [cells])],
    )
"""

key, multi = rs.PartitionKey.single, rs.PartitionKey.multi


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_scheduler()
        stack.start_location("team", SOURCE)
        yield stack


@pytest.fixture
def real(connect, stack):
    return connect(f"127.0.0.1:{stack.port}")


def _ended(run):
    return run.wait(timeout=60)


def _events(run, *types):
    return [
        (event.type, event.node, None if event.partition_key is None else str(event.partition_key))
        for event in run.events()
        if event.type in types
    ]


def _output(run):
    return "".join(chunk.text for chunk in run.logs())


def test_a_job_runs_for_one_partition(real):
    run = real.runs.submit("team", job="daily", partition_key="2024-01-02")
    ended = _ended(run)
    assert (ended.state, ended.partition_key) == (RunState.SUCCEEDED, key("2024-01-02"))
    assert _events(run, EventType.STEP_STARTED, EventType.MATERIALIZED) == [
        (EventType.STEP_STARTED, "raw", "2024-01-02"),
        (EventType.MATERIALIZED, "raw", "2024-01-02"),
        (EventType.STEP_STARTED, "clean", "2024-01-02"),
        (EventType.MATERIALIZED, "clean", "2024-01-02"),
    ]
    assert "raw ['2024-01-02'] 2024-01-02 00:00:00 2024-01-03 00:00:00" in _output(run)


def test_several_partitions_are_one_call(real):
    run = real.runs.submit("team", job="daily", partition_key=key(["2024-01-03", "2024-01-01"]))
    assert _ended(run).state == RunState.SUCCEEDED
    assert [event[1:] for event in _events(run, EventType.MATERIALIZED)] == [
        (node, day) for node in ("raw", "clean") for day in ("2024-01-03", "2024-01-01")
    ]
    assert "raw ['2024-01-03', '2024-01-01'] None None" in _output(run)


def test_a_mapping_loads_what_an_earlier_run_stored(real):
    assert _ended(real.runs.submit("team", select=["raw"], partition_key="2024-01-04")).state == RunState.SUCCEEDED
    run = real.runs.submit("team", job="changes", partition_key="2024-01-05")
    assert _ended(run).state == RunState.SUCCEEDED
    assert "change from 2024-01-04" in _output(run)


def test_a_window_before_the_first_fails_its_step(real):
    run = real.runs.submit("team", job="changes", partition_key="2024-01-01")
    ended = _ended(run)
    assert ended.state == RunState.FAILED
    failure = next(step.failure for step in ended.steps if step.key == "change")
    assert "time_window(offset=-1) maps '2024-01-01' outside the partition range" in failure.message


def test_a_marked_partition_fails_alone(real):
    run = real.runs.submit("team", job="cells", partition_key=multi({"day": "2024-01-01", "region": ["eu", "us"]}))
    assert _ended(run).state == RunState.SUCCEEDED
    assert _events(run, EventType.MATERIALIZED, EventType.PARTITION_FAILED) == [
        (EventType.MATERIALIZED, "cells", "day=2024-01-01|region=eu"),
        (EventType.PARTITION_FAILED, "cells", "day=2024-01-01|region=us"),
    ]
    failed = next(event for event in run.events() if event.type == EventType.PARTITION_FAILED)
    assert failed.facts == (("error", "nothing from the us"),)


def test_an_unpartitioned_node_fails(real):
    run = real.runs.submit("team", select=["whole", "raw"], partition_key="2024-01-02")
    ended = _ended(run)
    states = {step.key: step.state for step in ended.steps}
    assert states == {"whole": StepState.FAILED, "raw": StepState.SUCCEEDED}
    failure = next(step.failure for step in ended.steps if step.key == "whole")
    assert failure.message == (
        "PartitionValidationError: Node 'whole' is not partitioned, but a partition_key was provided"
    )


def test_a_batched_failure_is_told_on_its_key_and_once_without(real):
    run = real.runs.submit("team", select=["fragile"], partition_key=key(["eu", "us"]))
    assert _ended(run).state == RunState.FAILED
    assert _events(run, EventType.STEP_FAILED) == [
        (EventType.STEP_FAILED, "fragile", "eu,us"),
        (EventType.STEP_FAILED, "fragile", None),
    ]


@pytest.mark.parametrize(
    ("target", "given", "error", "text"),
    [
        ({"select": ["raw"]}, None, ExecutionError, "Cannot materialize without partition_key"),
        ({"select": ["raw"]}, "2024-1-2", ExecutionError, "Invalid partition_key '2024-1-2' for asset 'raw'"),
        ({"job": "daily"}, "2024-02-01", PartitionValidationError, "Partition key 2024-02-01 is not valid for node"),
        ({"select": ["invoices"]}, "acme", ExecutionError, "not a registered dynamic partition key of namespace"),
        ({"select": ["cells"]}, "eu", ExecutionError, "Invalid partition_key 'eu' for asset 'cells'"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(real, target, given, error, text):
    with pytest.raises(error, match=text) as caught:
        real.runs.submit("team", partition_key=given, **target)
    if given == "2024-1-2":
        assert caught.value.remedy == "the nearest keys are '2024-01-01', '2024-01-02', '2024-01-03'"


def test_a_job_may_run_without_a_key(real):
    assert _ended(real.runs.submit("team", job="cells")).state == RunState.FAILED  # it asks for its partition
