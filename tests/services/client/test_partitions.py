"""Partitioned runs through a real scheduler and a real location."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import rivers as rs
from rivers.errors import (
    AssetNotFoundError,
    ExecutionError,
    InvalidRequestError,
    PartitionValidationError,
    StorageError,
)
from rivers.lifecycle.states import EventType, RunState, StepState
from tests.postgresql import BOTH_DATABASES, database_url
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


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def stack(request, tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack"), database_url(request)) as stack:
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


# -- dynamic partitions -----------------------------------------------------------------------------------------------


def test_keys_are_added_listed_and_removed(real):
    real.partitions.add("cities", ["rome", "oslo", "rome"])
    real.partitions.add("cities", "oslo")
    real.partitions.add("cities", [f"city {n:03}" for n in range(250)])
    assert list(real.partitions.keys("cities")) == [*(f"city {n:03}" for n in range(250)), "oslo", "rome"]
    assert list(real.partitions.keys("cities", limit=2)) == ["city 000", "city 001"]
    real.partitions.remove("cities", ["oslo", "nowhere"])
    real.partitions.remove("cities", [f"city {n:03}" for n in range(250)])
    assert list(real.partitions.keys("cities")) == ["rome"]
    assert list(real.partitions.keys("villages")) == []


@pytest.mark.parametrize(
    ("name", "keys", "error", "text"),
    [
        ("cities", ["good", "a|b"], StorageError, r"partition key 'a\|b' contains reserved character '\|'"),
        ("cities", [""], StorageError, "dynamic partition keys must not be empty"),
        ("", ["a"], InvalidRequestError, "name is missing"),
        ("cities", ["a"] * 10_001, InvalidRequestError, "keys holds at most 10000 entries, got 10001"),
    ],
)
def test_a_bad_key_is_refused_with_all_others(real, name, keys, error, text):
    with pytest.raises(error, match=text):
        real.partitions.add(name, keys)
    assert "good" not in list(real.partitions.keys("cities"))


def test_a_run_needs_its_dynamic_key(real):
    real.partitions.add("customers", ["acme", "best"])
    run = real.runs.submit("team", select=["invoices"], partition_key="acme")
    assert _ended(run).state == RunState.SUCCEEDED
    real.partitions.remove("customers", "acme")
    with pytest.raises(ExecutionError, match="Invalid partition_key 'acme' for asset 'invoices': not a registered"):
        real.runs.submit("team", select=["invoices"], partition_key="acme")
    found = list(real.partitions.list("invoices"))
    assert [(str(one.key), one.last_run_id) for one in found] == [("best", None)]


def test_partitions_of_an_asset_are_listed_with_what_is_stored(real):
    run = real.runs.submit("team", select=["raw"], partition_key=key(["2024-01-02", "2024-01-03"]))
    assert _ended(run).state == RunState.SUCCEEDED
    found = {str(one.key): one for one in real.partitions.list("raw")}
    assert list(found) == [f"2024-01-0{day}" for day in range(1, 6)]
    assert found["2024-01-02"].last_run_id == found["2024-01-03"].last_run_id == run.run_id
    assert found["2024-01-02"].last_materialized_at is not None
    assert [str(one.key) for one in real.partitions.list("cells", limit=3)] == [
        "day=2024-01-01|region=eu",
        "day=2024-01-01|region=us",
        "day=2024-01-02|region=eu",
    ]
    with pytest.raises(AssetNotFoundError, match="Asset 'rew' not found") as caught:
        list(real.partitions.list("rew"))
    assert caught.value.remedy == "did you mean 'raw'?"
    with pytest.raises(InvalidRequestError, match="'whole' is not partitioned"):
        list(real.partitions.list("whole"))


def test_commands_change_and_show_partitions(stack):
    assert _command(stack, "add", "shops", "b", "a").stdout == ""
    assert _command(stack, "list", "shops").stdout == "KEY\na\nb\n"
    assert _command(stack, "remove", "shops", "b").returncode == 0
    assert json.loads(_command(stack, "list", "shops", "--json").stdout) == ["a"]
    assert _command(stack, "list", "none").stdout == "No keys are known under the name 'none'.\n"
    shown = _command(stack, "show", "fragile").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["PARTITION", "eu", "us"]
    refused = _command(stack, "add", "shops", "a,b")
    assert refused.returncode == 2
    assert "partition key 'a,b' contains reserved character ','" in refused.stderr


_SHELL = """
import sys
from rivers.cli.shell import report
from rivers.errors import RiversError
from rivers_client.commands.partitions import app
try:
    app()
except RiversError as error:
    sys.exit(report(error))
"""


def _command(stack, *arguments):
    return subprocess.run(
        [sys.executable, "-c", _SHELL, *arguments],
        env={**os.environ, "RIVERS_SCHEDULER": f"127.0.0.1:{stack.port}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
